"""Steps of `08_playbook`: whom the recorded campaigns reached, who redeemed, and what they did to purchases."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from models.campaign_effect import OF_EACH, POWER, SIGNIFICANCE, WORTH_FINDING
from models.campaign_response import MEASURES, CampaignResponse, Contrast, Response, campaign_response, together
from models.campaign_waves import campaign_waves, redeemed_by
from models.entropy_balancing import NotComparableError
from models.exact import exact_sum

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, Wording, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, if_known, key, money, percent, plural, tenths
from ..retention.shown_events import fit_to_be_shown

CAMPAIGN, REDEMPTION, SALE = "campaign", "redemption", "sale"
MOST_MEASURED = 40  # the latest
MOST_COMPARED = 20_000  # customers of either group, drawn by the seed
SHORTEST_DAYS = 14  # of a campaign seen, from which on it is measured
LONGEST_SPREAD = 7  # days from the first customer reached to the last, beyond which a campaign has no one beginning
NO_NAME = "no name"
NAME_LETTERS = 24


@dataclass(frozen=True)
class Recorded:
    """The recorded campaigns.

    Attributes
    ----------
    campaigns : polars.DataFrame
        By campaign, in order of the first day: campaign (number), name (as shown, with its first day where another has
        the same name), start, until, spread (days), reached, of_base (share of the customers who had bought by its
        last day whom it reached), redeemed (customers reached who redeemed), redemptions, not_reached (customers who
        redeemed without having been reached); the last three are null where no redemptions are recorded.
    reach : polars.DataFrame
        campaign, customer, start, until.
    redemptions : polars.DataFrame
        campaign, customer, date.
    of_no_campaign : int
        Redemptions recorded that name none of these campaigns.
    """

    campaigns: pl.DataFrame
    reach: pl.DataFrame
    redemptions: pl.DataFrame
    of_no_campaign: int

    @property
    def redemptions_known(self) -> bool:
        """Whether any redemption is recorded."""
        return self.campaigns["redeemed"].null_count() < self.campaigns.height


@dataclass(frozen=True)
class Measured:
    """What the recorded campaigns did.

    Attributes
    ----------
    found : dict of int to CampaignResponse
        By the campaign's number.
    untold : dict of int to str
        Why the others can't be measured.
    revenue, purchases : Response
        Of all that are measured together.
    verdicts : dict of (int, str) to str
        Of each campaign and measure, with all of them looked at.
    """

    found: dict[int, CampaignResponse]
    untold: dict[int, str]
    revenue: Response
    purchases: Response
    verdicts: dict[tuple[int, str], str]


@says_why_not
def recorded(chapter: Chapter) -> Recorded:
    """Find the campaigns that the events record, whom they reached and who redeemed."""
    events = chapter.events
    if events is None or not (events["kind"] == CAMPAIGN).any():
        raise CannotSay(
            "Campaigns are not recorded for this base. Rows of the kind 'campaign' in the table of events (customer, "
            "date, reason: which campaign, until: its last day) would let this chapter say whom they reached and what "
            "they did."
        )
    if "reason" not in events.columns:
        events = events.with_columns(reason=pl.lit(None, pl.String))
    waves = campaign_waves(events.filter(pl.col("kind") == CAMPAIGN), chapter.parameters.campaign_days)
    redeemed = events.filter(pl.col("kind") == REDEMPTION)
    redemptions = redeemed_by(waves, redeemed)
    campaigns = waves.group_by("campaign", maintain_order=True).agg(
        pl.col("name", "start", "until", "spread").first(), reached=pl.len()
    )
    return Recorded(
        _with_redemptions(_with_share(chapter, _named(chapter, campaigns), waves), waves, redemptions, events),
        waves.select("campaign", "customer", "start", "until"),
        redemptions,
        redeemed.height - redemptions.height,
    )


def _named(chapter: Chapter, campaigns: pl.DataFrame) -> pl.DataFrame:
    shown = fit_to_be_shown(chapter, campaigns["name"])
    again = shown.is_duplicated()
    names = [
        f"{key(name or NO_NAME, NAME_LETTERS)}{f', from {start}' if twice else ''}"
        for name, start, twice in zip(shown, campaigns["start"], again, strict=True)
    ]
    return campaigns.with_columns(pl.Series("name", names, dtype=pl.String))


def _with_share(chapter: Chapter, campaigns: pl.DataFrame, waves: pl.DataFrame) -> pl.DataFrame:
    first = chapter.purchases.group_by("customer").agg(first=pl.col("date").min())
    base = first["first"].sort().search_sorted(campaigns["until"].clip(upper_bound=chapter.as_of), side="right")
    # who had bought nothing by then was reached all the same, but is none of the base's
    of_base = (
        waves.join(first, on="customer").filter(pl.col("first") <= pl.col("until")).group_by("campaign").len("own")
    )
    joined = campaigns.join(of_base, on="campaign", how="left", maintain_order="left")
    share = pl.col("own").fill_null(0) / pl.Series(np.maximum(base.to_numpy(), 1))
    return joined.with_columns(of_base=share).drop("own")


def _with_redemptions(
    campaigns: pl.DataFrame, waves: pl.DataFrame, redemptions: pl.DataFrame, events: pl.DataFrame
) -> pl.DataFrame:
    if not (events["kind"] == REDEMPTION).any():
        nothing = pl.lit(None, pl.Int64)
        return campaigns.with_columns(redeemed=nothing, redemptions=nothing, not_reached=nothing)
    was_reached = waves.select("campaign", "customer", was_reached=pl.lit(value=True))
    of_each = (
        redemptions.join(was_reached, on=["campaign", "customer"], how="left")
        .group_by("campaign")
        .agg(
            redeemed=pl.col("customer").filter(pl.col("was_reached")).n_unique(),
            redemptions=pl.len(),
            not_reached=pl.col("customer").filter(pl.col("was_reached").is_null()).n_unique(),
        )
    )
    joined = campaigns.join(of_each, on="campaign", how="left", maintain_order="left")
    return joined.with_columns(pl.col("redeemed", "redemptions", "not_reached").fill_null(0).cast(pl.Int64))


@says_why_not
def measure(chapter: Chapter, campaigns: Recorded) -> Measured:
    """Compare those reached with comparable customers who weren't; see `models.campaign_response`."""
    days = _days(chapter)
    order = np.random.default_rng(chapter.parameters.seed).permutation(
        days["customer"].unique(maintain_order=True).to_numpy()
    )
    everybody = pl.Series("customer", order, dtype=pl.String)
    latest = set(campaigns.campaigns["campaign"].tail(MOST_MEASURED))
    found: dict[int, CampaignResponse] = {}
    untold: dict[int, str] = {}
    for row in campaigns.campaigns.iter_rows(named=True):
        number = row["campaign"]
        seen_until = min(row["until"], chapter.as_of)
        seen = (seen_until - row["start"]).days + 1
        if number not in latest:
            untold[number] = f"only the latest {MOST_MEASURED} are measured"
        elif row["spread"] > LONGEST_SPREAD:
            untold[number] = f"it reached its customers over {row['spread']} days, so it has no one beginning"
        elif seen < SHORTEST_DAYS:
            untold[number] = f"only {plural(seen, 'day')} of it are seen; it takes {SHORTEST_DAYS}"
        else:
            try:
                found[number] = _response(chapter, campaigns, number, row["start"], seen_until, days, everybody)
            except NotComparableError as reason:
                untold[number] = str(reason)
    if not found:
        first = next(iter(untold.values()))
        raise CannotSay(f"None of {plural(len(untold), 'recorded campaign')} can be measured; of the first: {first}.")
    revenue, purchases = (
        together(list(found.values()), name, coverage=chapter.parameters.interval) for name in MEASURES
    )
    return Measured(found, untold, revenue, purchases, _verdicts(found))


def _days(chapter: Chapter) -> pl.DataFrame:
    """Return what was bought on each day, as it was then: what was returned later counts, too."""
    sales = chapter.ledger.filter(pl.col("kind") == SALE)
    offers = [name for name in ("coupon", "discount") if name in sales.columns][:1]
    return (
        sales.group_by("customer", pl.col("date").dt.date())
        .agg(exact_sum("amount"), *((pl.col(name).abs() > 0).any().alias("coupon") for name in offers))
        .sort("customer", "date")
    )


def _response(
    chapter: Chapter,
    campaigns: Recorded,
    number: int,
    start: dt.date,
    until: dt.date,
    days: pl.DataFrame,
    everybody: pl.Series,
) -> CampaignResponse:
    reached = campaigns.reach.filter(pl.col("campaign") == number)["customer"]
    is_reached = everybody.is_in(reached.implode())
    looked_at = pl.concat([everybody.filter(each).head(MOST_COMPARED) for each in (is_reached, ~is_reached)])
    theirs = looked_at.to_frame()
    return campaign_response(
        days if len(looked_at) == len(everybody) else days.join(theirs, on="customer", how="semi"),
        reached,
        start,
        until,
        first_day=chapter.first_day,
        reach=campaigns.reach.filter(pl.col("campaign") != number).join(theirs, on="customer", how="semi"),
        redemptions=campaigns.redemptions.join(theirs, on="customer", how="semi"),
        coverage=chapter.parameters.interval,
    )


def _verdicts(found: dict[int, CampaignResponse]) -> dict[tuple[int, str], str]:
    """Call an effect only what is one with all campaigns and both measures looked at, by Holm's (1979) procedure."""
    every = {(number, name): getattr(each, name) for number, each in found.items() for name in MEASURES}
    both, alone = (
        multipletests(p_values, alpha=SIGNIFICANCE, method="holm")[0]
        for p_values in ([each.p_value for each in every.values()], [each.effect.p_value for each in every.values()])
    )
    return {
        which: verdict_of(response, is_effect=bool(is_effect), by_history_alone=bool(is_half), looked_at=len(every))
        for (which, response), is_effect, is_half in zip(every.items(), both, alone, strict=True)
    }


def verdict_of(response: Response, *, is_effect: bool, by_history_alone: bool, looked_at: int = len(MEASURES)) -> str:
    """Say whether a difference, one of so many looked at, is an effect, and if it isn't, whether one could be found."""
    if is_effect:
        return "an effect" if response.effect.difference > 0 else "an effect, for the worse"
    if by_history_alone:
        return "in doubt: the change since before doesn't show it"
    if not could_be_found(response, looked_at):
        return "not known: too few to show one"
    both = (response.effect, response.change)
    if all(each.low > 0 for each in both):
        return "points up, but not beyond chance"
    return "points down, but not beyond chance" if all(each.high < 0 for each in both) else "no effect found"


def could_be_found(response: Response, looked_at: int = len(MEASURES)) -> bool:
    """Tell whether a quarter more than otherwise would have been found four times in five."""
    error = max(response.effect.error, response.change.error)
    smallest = (norm.ppf(1 - SIGNIFICANCE / looked_at / 2) + norm.ppf(POWER)) * error
    return bool(smallest <= WORTH_FINDING * response.otherwise)


def reach_table(campaigns: Recorded | Unsaid) -> ShownTable | None:
    """Show whom each campaign reached and who redeemed, the latest first. None where the figure says why not."""
    if isinstance(campaigns, Unsaid):
        return None
    frame = campaigns.campaigns.reverse().head(MOST_MEASURED)
    columns: dict[str, tuple[str, Wording]] = {
        "name": ("campaign", str),
        "start": ("from", str),
        "until": ("to", str),
        "reached": ("customers reached", count),
        "of_base": ("of the base", percent),
    }
    if campaigns.redemptions_known:
        frame = frame.with_columns(rate=pl.col("redeemed") / pl.col("reached"))
        columns |= {
            "redeemed": ("of them redeemed", count),
            "rate": ("share who redeemed", tenths),
            "redemptions": ("coupons redeemed", count),
        }
        if campaigns.campaigns["not_reached"].sum():
            columns |= {"not_reached": ("redeemed, not reached", count)}
    shown = "" if frame.height == campaigns.campaigns.height else f", the latest {frame.height}"
    caption = f"Recorded campaigns{shown}: whom they reached{' and who redeemed' * campaigns.redemptions_known}"
    return show_table(_dated(frame), caption, columns)


def _dated(frame: pl.DataFrame) -> pd.DataFrame:
    # pandas would make them instants
    return frame.to_pandas().assign(start=list(frame["start"]), until=list(frame["until"]))


def effect_table(chapter: Chapter, campaigns: Recorded | Unsaid, found: Measured | Unsaid) -> ShownTable | None:
    """Show what each campaign did to revenue and purchases, the latest first. None where the figure says why not."""
    if isinstance(campaigns, Unsaid) or isinstance(found, Unsaid):
        return None
    names = campaigns.campaigns.select("campaign", "name").reverse().head(MOST_MEASURED).iter_rows()
    rows = [{"name": name, **_effect_row(found, number)} for number, name in names]
    rows.append(
        {
            "name": "all together",
            **_numbers(found.revenue, found.purchases),
            "compared": f"{sum(each.compared for each in found.found.values()):,}",
            "also": "",
            "says": over_all_in_words(found),
        }
    )
    currency, interval = chapter.parameters.currency, percent(chapter.parameters.interval)
    columns: Columns = {
        "name": ("campaign", str),
        "says": ("so it is", str),
        "compared": ("reached : comparable", str),
        "otherwise": (f"bought otherwise ({currency})", if_known(number_of_money)),
        "revenue": (f"more by ({interval} interval)", str),
        "change": ("by the change since before", str),
        "placebo": ("before it began", str),
        "purchases": ("purchases more by", str),
        "also": ("other campaigns too", str),
    }
    caption = f"What the campaigns did, a customer reached, over each one's days ({currency})"
    return show_table(pd.DataFrame(rows), caption, columns)


def _effect_row(found: Measured, number: int) -> dict[str, object]:
    if number in found.untold:
        nothing = dict.fromkeys(("compared", "also", "revenue", "change", "placebo", "purchases"), "")
        return {**nothing, "otherwise": float("nan"), "says": f"not known: {found.untold[number]}"}
    each = found.found[number]
    return {
        "compared": f"{each.compared:,} : {each.comparable:,.0f}",
        "also": f"{percent(each.also_reached)} : {percent(each.others_also_reached)}",
        **_numbers(each.revenue, each.purchases),
        "says": _both(found.verdicts[number, "revenue"], found.verdicts[number, "purchases"]),
    }


def _both(revenue: str, purchases: str) -> str:
    return revenue if revenue == purchases else f"revenue: {revenue}; purchases: {purchases}"


def _numbers(revenue: Response, purchases: Response) -> dict[str, object]:
    return {
        "otherwise": revenue.otherwise,
        "revenue": _with_ends(revenue.effect),
        "change": _with_ends(revenue.change),
        "placebo": _with_ends(revenue.placebo),
        "purchases": _with_ends(purchases.effect),
    }


def _with_ends(found: Contrast) -> str:
    decimals = 0 if abs(found.difference) >= 100 or found.high - found.low >= 20 else 2
    shown = f"{{:+z,.{decimals}f}}"
    return f"{shown.format(found.difference)} ({between(found.low, found.high, shown)})"


def number_of_money(value: float) -> str:
    """Return an amount without its currency."""
    return money(value, "").strip()


def over_all_in_words(found: Measured) -> str:
    """Say what all campaigns together did to revenue and purchases."""
    said = []
    for name in MEASURES:
        response: Response = getattr(found, name)
        is_effect, alone = response.p_value <= OF_EACH, response.effect.p_value <= OF_EACH
        said.append(verdict_of(response, is_effect=is_effect, by_history_alone=alone))
    return _both(*said)


def state_findings(chapter: Chapter, campaigns: Recorded | Unsaid, found: Measured | Unsaid) -> None:
    """State whom the campaigns reached, who redeemed, and what they did, with the assumption said."""
    if isinstance(campaigns, Unsaid):
        chapter.state("recorded_campaigns", campaigns.reason, verdict="unknown")
        return
    _state_reach(chapter, campaigns)
    if isinstance(found, Unsaid):
        chapter.state("recorded_campaigns", found.reason, verdict="unknown")
        return
    _state_effect(chapter, campaigns, found)


def _state_reach(chapter: Chapter, campaigns: Recorded) -> None:
    frame = campaigns.campaigns
    reached = campaigns.reach["customer"].unique()
    base = chapter.purchases["customer"].unique()
    known, customers = int(reached.is_in(base.implode()).sum()), len(reached)
    others = f" and {count(customers - known)} without a purchase" if known < customers else ""
    statement = (
        f"{plural(frame.height, 'campaign')} recorded from {day(frame['start'].min())} on reached "  # type: ignore[arg-type]
        f"{plural(known, 'customer')}, {percent(known / len(base))} of the base{others}, "
        f"{campaigns.reach.height / customers:.1f} times each"
    )
    rate = float("nan")
    if campaigns.redemptions_known:
        rate = float(frame["redeemed"].sum()) / float(frame["reached"].sum())
        statement += f"; in {percent(rate, 1)} of these the customer redeemed a coupon"
    if campaigns.of_no_campaign:
        statement += (
            f"; {plural(campaigns.of_no_campaign, 'redemption names', 'redemptions name')} no campaign recorded"
        )
    chapter.state(
        "recorded_reach",
        f"{statement}.",
        value=known / len(base) if np.isnan(rate) else rate,
        unit="share of customers" if np.isnan(rate) else "share of customers and campaigns",
    )


def _state_effect(chapter: Chapter, campaigns: Recorded, found: Measured) -> None:
    effect, otherwise = found.revenue.effect, found.revenue.otherwise
    too_few = sum(verdict.startswith("not known") for (_, name), verdict in found.verdicts.items() if name == "revenue")
    called = [number for number in found.found if "an effect" in _first_words(found, number)]
    small = (
        f"; {count(too_few)} {'was' if too_few == 1 else 'were'} too small to show one in revenue" if too_few else ""
    )
    statement = (
        f"Of {plural(len(found.found), 'campaign')} compared {len(called) or 'none'} had an effect beyond "
        f"doubt{small}. {_what_they_bought(chapter, found)}. That holds only if customers reached and not reached, "
        "alike before, would otherwise have gone on alike: to know, leave some out by lot"
    )
    verdict: Verdict = "note"
    if found.revenue.p_value <= OF_EACH:
        verdict = "good" if effect.difference > 0 else "act"
    elif could_be_found(found.revenue):
        verdict = "watch"
    chapter.state(
        "recorded_campaigns",
        f"{statement}.",
        value=effect.difference / otherwise if otherwise > 0 else float("nan"),
        unit="share of revenue",
        verdict=verdict,
        question="decisions",
    )


def _what_they_bought(chapter: Chapter, found: Measured) -> str:
    """Say what those reached bought beside others, and why that is an effect or isn't."""
    currency, interval = chapter.parameters.currency, percent(chapter.parameters.interval)
    effect, placebo, change = found.revenue.effect, found.revenue.placebo, found.revenue.change
    compared = f"{money(found.revenue.otherwise, currency)} of comparable customers"
    statement = f"Those reached bought for {_more(effect.difference, currency)} a campaign, against {compared}"
    ends = f"{interval} interval {_signed(effect.low)} to {_signed(effect.high)}"
    nothing = "so nothing shows that the campaigns moved revenue"
    if found.revenue.p_value <= OF_EACH:
        return f"{statement} ({ends}): {over_all_in_words(found)}"
    if not placebo.low <= 0 <= placebo.high:
        return (
            f"{statement}, but over as many days before it they had bought for {_more(placebo.difference, currency)}, "
            f"{nothing}"
        )
    if not effect.low <= 0 <= effect.high:
        return (
            f"{statement}, but by the change since before it is {_signed(change.difference, currency)} ({interval} "
            f"interval {_signed(change.low)} to {_signed(change.high)}), {nothing}"
        )
    return f"{statement}, which may be chance ({ends})"


def _more(amount: float, currency: str) -> str:
    return f"{money(abs(amount), currency)} {'more' if amount >= 0 else 'less'}"


def _first_words(found: Measured, number: int) -> set[str]:
    return {found.verdicts[number, name].split(",")[0] for name in MEASURES}


def _signed(amount: float, currency: str = "") -> str:
    sign = "+" if amount >= 0 else "-"
    return f"{currency} {sign}{number_of_money(abs(amount))}".strip()
