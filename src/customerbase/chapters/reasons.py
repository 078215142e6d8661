"""Steps of `05_retention`: what happened to those who left, and who stays or leaves whatever they say."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from models.matched_risk_set import Difference, at_risk, compare, histories, in_bands, regular_moments, weights
from models.reasons_for_leaving import ANY, SIGNIFICANT, by_reason, expected_before
from models.reasons_for_leaving import FEWEST as FEWEST_OF_A_REASON
from models.rfm import DAYS_PER_UNIT, purchase_days
from models.satisfaction import Scale, left_share, quadrants, satisfaction_effect, scale_of

from ..chapter import Chapter
from ..errors import CannotSay
from ..particulars import LEFT
from ..personal_data import HIDDEN
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import DASH, between, count, day, if_known, key, listed, money, percent, plural
from .purchase_model import fit_all, rfm
from .shown_events import fit_to_be_shown

KINDS = ("complaint", "refusal", "return", "exit")
COMPLAINT, SURVEY, RETURN, SALE = "complaint", "survey", "return", "sale"
MOST_COMPARABLE = 10_000  # customers, drawn by the seed, who are looked at every few days
FEWEST = 10  # customers compared, from which on a difference is taken for more than a few people's ways
MOST_REASONS = 12  # shown; the others are in the row of all
MOST_ALSO = 3  # further reasons named in a sentence
NO_REASON = "no reason recorded"
RETURNS_FROM = {"ledger": "; returns are the ledger's, which gives no reasons", "events": "", "": ""}


class Base(NamedTuple):
    """What every comparison needs.

    Attributes
    ----------
    days : polars.DataFrame
        One row a customer and day with a purchase, of those to whom something happened and those looked at besides.
    silent : polars.DataFrame
        customer, silent: whether the customer is gone by `as_of`; `gone_means` says when.
    comparable : polars.DataFrame
        Every sixth day of (a sample of) all customers, with their history up to it, and silent.
    """

    days: pl.DataFrame
    silent: pl.DataFrame
    comparable: pl.DataFrame


@dataclass(frozen=True)
class Reasons:
    """What happened to customers, by reason.

    Attributes
    ----------
    table : polars.DataFrame
        See `models.reasons_for_leaving.by_reason`; the reason with the largest loss first, the row of all last.
    returns_from : str
        Where returns were taken from: ``events``, ``ledger``, or empty where there are none.
    followed_until : datetime.date
        The last day whose happenings are compared.
    """

    table: pl.DataFrame
    returns_from: str
    followed_until: dt.date


@dataclass(frozen=True)
class AfterComplaint:
    """Who bought again after a complaint.

    Attributes
    ----------
    found : Difference
        Share who bought again within `days`, of those who complained and of comparable customers.
    curves : polars.DataFrame
        day, complained, comparable: shares who had bought again by then.
    days : int
    """

    found: Difference
    curves: pl.DataFrame
    days: int


@dataclass(frozen=True)
class Satisfaction:
    """Who was satisfied by the last survey that lies long enough back, and who left since.

    Attributes
    ----------
    divided : polars.DataFrame
        See `models.satisfaction.quadrants`; the value is revenue of the year before the survey.
    scale : Scale
    first, last : datetime.date
        Days of the answers.
    """

    divided: pl.DataFrame
    scale: Scale
    first: dt.date
    last: dt.date


def happened(chapter: Chapter) -> tuple[pl.DataFrame, str]:
    """Return what happened to customers that may make them leave, and where returns were taken from.

    Returns
    -------
    polars.DataFrame
        customer, date, kind (of `KINDS`), reason (null where none is recorded; one that tells who somebody is isn't
        shown unless the parameters ask for it).
    str
        ``events``, ``ledger`` or empty.
    """
    schema = {"customer": pl.String, "date": pl.Date, "kind": pl.String, "reason": pl.String}
    rows = pl.DataFrame(schema=schema)
    if chapter.events is not None:
        events = chapter.events.filter(pl.col("kind").is_in(KINDS))
        reason = "reason" if "reason" in events.columns else pl.lit(None, pl.String).alias("reason")
        rows = events.select("customer", "date", "kind", reason)
        rows = rows.with_columns(fit_to_be_shown(chapter, rows["reason"]))
    if (rows["kind"] == RETURN).any():
        return rows, "events"
    returned = chapter.ledger.filter(pl.col("kind") == RETURN)
    if returned.is_empty():
        return rows, ""
    of_the_ledger = returned.select(
        "customer", pl.col("date").dt.date(), kind=pl.lit(RETURN), reason=pl.lit(None, pl.String)
    )
    return pl.concat([rows, of_the_ledger.unique(maintain_order=True)]), "ledger"


@says_why_not
def base_of(chapter: Chapter) -> Base:
    """Gather what the comparisons of this part need, once."""
    if not _anything(chapter):
        raise CannotSay(
            "Complaints, refusals, returns, exit surveys and answers on satisfaction are not recorded for this base, "
            "so why customers leave, and whether the satisfied stay, can't be said. Name a table of events in the "
            "parameter file (section events: customer, date, kind, reason, score)."
        )
    # as it was then: a purchase counts even where it was returned later
    sales = chapter.ledger.filter(pl.col("kind") == SALE).select("customer", "date", "amount")
    customers = sales["customer"].unique().sort()
    silent = _silent(chapter, customers)
    if len(customers) > MOST_COMPARABLE:
        chosen = np.random.default_rng(chapter.parameters.seed).choice(len(customers), MOST_COMPARABLE, replace=False)
        customers = customers.gather(np.sort(chosen))
    concerned = [happened(chapter)[0]["customer"]]
    if chapter.events is not None:
        concerned.append(chapter.events.filter(pl.col("kind") == SURVEY)["customer"])
    looked_at = pl.concat([customers, *concerned]).unique()
    days = purchase_days(sales.join(looked_at.to_frame(), on="customer", how="semi"))
    moments = regular_moments(customers, chapter.first_day, chapter.as_of)
    return Base(days, silent, histories(days, moments).join(silent, on="customer", maintain_order="left"))


def _anything(chapter: Chapter) -> bool:
    if not happened(chapter)[0].is_empty():
        return True
    return chapter.events is not None and (chapter.events["kind"] == SURVEY).any()


def _silent(chapter: Chapter, customers: pl.Series) -> pl.DataFrame:
    """Return who is gone, as `gone_means` says it.

    Whose every purchase was returned is nobody's customer, and counts as gone.
    """
    given = chapter.parameters
    summary = rfm(chapter)
    model = fit_all(summary)
    if isinstance(model, Unsaid):
        raise CannotSay(model.reason)
    alive = model.conditional_probability_alive(summary["frequency"], summary["recency"], summary["T"])
    # the model lets nobody leave before a second purchase
    days_since_first = (summary["T"] * DAYS_PER_UNIT[given.time_unit]).round()
    once_long_ago = (summary["frequency"] == 0) & (days_since_first > given.active_days)
    gone = (np.asarray(alive) < given.alive_limit) | once_long_ago.to_numpy()
    found = pl.DataFrame({"customer": summary["customer"].to_list(), "silent": gone})
    if _leaving_is_recorded(chapter):
        left = chapter.particulars.select("customer", has_left=pl.col(LEFT) <= chapter.as_of)  # type: ignore[union-attr]
        found = found.join(left, on="customer", how="left", maintain_order="left")
        found = found.with_columns(pl.col("silent") | pl.col("has_left").fill_null(value=False))
    found = customers.to_frame().join(found, on="customer", how="left", maintain_order="left")
    return found.select("customer", pl.col("silent").fill_null(value=True))


def _leaving_is_recorded(chapter: Chapter) -> bool:
    return chapter.particulars is not None and LEFT in chapter.particulars.columns


def gone_means(chapter: Chapter) -> str:
    """Say whom this part of the chapter calls gone."""
    given = chapter.parameters
    recorded = ", or left by the customers' table" if _leaving_is_recorded(chapter) else ""
    return (
        f"gone: by the purchase model less than {percent(given.alive_limit)} likely to be a customer still, or one "
        f"purchase only and that more than {plural(given.active_days, 'day')} ago{recorded}"
    )


def _followed_until(chapter: Chapter) -> dt.date:
    return chapter.as_of - dt.timedelta(days=chapter.parameters.active_days)


@says_why_not
def reasons(chapter: Chapter, base: Base) -> Reasons:
    """Weigh what happened by reason; see `models.reasons_for_leaving`."""
    rows, returns_from = happened(chapter)
    if rows.is_empty():
        raise CannotSay("Complaints, refusals, returns and exit surveys are not recorded for this base.")
    given = chapter.parameters
    cases = histories(base.days, rows).join(base.silent, on="customer", maintain_order="left")
    if cases.is_empty():
        raise CannotSay("Complaints, refusals, returns and exit surveys name no customer who had bought by then.")
    cases = cases.with_columns(expected_before(cases, given.horizon_days))
    until = _followed_until(chapter)
    comparable = at_risk(base.comparable.filter(pl.col("date") <= until), rows)
    cases, comparable = in_bands(cases, comparable)
    table = by_reason(cases, comparable, until, coverage=given.interval)
    loss = pl.col("lost").fill_nan(None)
    single = table.filter(pl.col("kind") != ANY).sort(
        loss, "customers", descending=True, nulls_last=True, maintain_order=True
    )
    return Reasons(pl.concat([single, table.filter(pl.col("kind") == ANY)]), returns_from, until)


def name_of(kind: str, reason: str | None) -> str:
    """Name a reason with its kind, cut to what fits."""
    if kind == ANY:
        return ANY
    return f"{kind}: {key(NO_REASON if reason is None else 'reason ' + HIDDEN if reason == HIDDEN else reason, 28)}"


def shown_reasons(found: Reasons) -> pl.DataFrame:
    """Return the reasons that are shown, and the row of all where there are several."""
    single = found.table.filter(pl.col("kind") != ANY)
    return single if single.height == 1 else pl.concat([single.head(MOST_REASONS), found.table.tail(1)])


def reason_table(chapter: Chapter, found: Reasons | Unsaid) -> ShownTable | None:
    """Show the reasons with what is lost by each, the costliest first. None where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    currency = chapter.parameters.currency
    rows = shown_reasons(found)
    names = [name_of(kind, reason) for kind, reason in rows.select("kind", "reason").iter_rows()]
    more = [_more(*row) for row in rows.select("low", "high", "compared").iter_rows()]
    lost = [_lost(*row) for row in rows.select("lost", "lost_low", "lost_high", "compared").iter_rows()]
    columns: Columns = {
        "reason": ("reason", str),
        "lost": (f"revenue lost ({currency}, {percent(chapter.parameters.interval)} interval)", str),
        "compared": ("customers compared", count),
        "worth": ("by value, as many as", count),
        "silent": ("gone since", if_known(percent, DASH)),
        "expected_silent": ("of comparable customers", if_known(percent, DASH)),
        "more": ("more by (points)", str),
        "customers": ("all customers", count),
        "events": ("times", count),
    }
    caption = (
        f"What happened, by revenue lost in {count(chapter.parameters.horizon_days)} days; compared: those to "
        f"whom it happened by {day(found.followed_until)} and like whom there are others"
        f"{RETURNS_FROM[found.returns_from]}; {gone_means(chapter)}"
    )
    shown = rows.with_columns(
        # a share of a few is none
        pl.when(pl.col("compared") >= FEWEST_OF_A_REASON).then(pl.col("silent", "expected_silent")),
        reason=pl.Series(names),
        more=pl.Series(more),
        lost=pl.Series(lost),
    )
    return show_table(shown.to_pandas(), caption, columns)


def _lost(lost: float, low: float, high: float, compared: int) -> str:
    if np.isnan(lost):
        return "too few" if compared else "nobody to compare"
    return f"{roughly(lost)} ({roughly(low)} to {roughly(high)})"


def roughly(amount: float) -> str:
    """Return an amount in two digits: its interval is wider than any further ones."""
    return count(amount if np.isnan(amount) else float(f"{amount:.1e}"))


def _more(low: float, high: float, compared: int) -> str:
    if np.isnan(low):
        return "too few" if compared else "nobody to compare"
    return f"{100 * low:+z.0f} to {100 * high:+z.0f}"


@says_why_not
def after_complaint(chapter: Chapter, base: Base) -> AfterComplaint:
    """Compare how many buy again after their first complaint with comparable customers who hadn't complained."""
    complaints = _complaints(chapter)
    days = chapter.parameters.active_days
    until = _followed_until(chapter)
    first = complaints.sort("date", "customer").unique("customer", keep="first", maintain_order=True)
    cases = histories(base.days, first.filter(pl.col("date") <= until))
    comparable = at_risk(base.comparable.filter(pl.col("date") <= until), complaints)
    again = (pl.col("next_in") <= days).fill_null(value=False).alias("again")
    cases, comparable = in_bands(cases.with_columns(again), comparable.with_columns(again))
    found = compare(cases, comparable, "again", coverage=chapter.parameters.interval)
    if found.cases < FEWEST:
        raise CannotSay(
            f"{plural(found.cases, 'customer')} with a complaint can be followed for {days} days and compared: too few "
            f"to say who keeps buying after one. That takes {FEWEST}."
        )
    return AfterComplaint(found, _bought_again(*weights(cases, comparable), days), days)


def _complaints(chapter: Chapter) -> pl.DataFrame:
    events = chapter.events
    complaints = None if events is None else events.filter(pl.col("kind") == COMPLAINT).select("customer", "date")
    if complaints is None or complaints.is_empty():
        raise CannotSay("Complaints are not recorded for this base, so who keeps buying after one can't be said.")
    return complaints


def _bought_again(cases: pl.DataFrame, comparable: pl.DataFrame, days: int) -> pl.DataFrame:
    axis = np.arange(days + 1)

    def by_day(rows: pl.DataFrame, weight: np.ndarray) -> np.ndarray:
        again = rows["again"].to_numpy()
        reached = rows["next_in"].fill_null(0).to_numpy()[again]
        return np.bincount(reached, weight[again], minlength=days + 1).cumsum() / weight.sum()

    return pl.DataFrame(
        {
            "day": axis,
            "complained": by_day(cases, np.ones(cases.height)),
            "comparable": by_day(comparable, comparable["weight"].to_numpy()),
        }
    )


@says_why_not
def satisfaction(chapter: Chapter, base: Base) -> Satisfaction:
    """Divide customers by their last answer that lies long enough back, and by whether they left since."""
    events = chapter.events
    if events is None or "score" not in events.columns or not (events["kind"] == SURVEY).any():
        raise CannotSay(
            "Surveys with a score are not recorded for this base, so whether the satisfied stay can't be said."
        )
    answers = events.filter((pl.col("kind") == SURVEY) & pl.col("score").is_not_null())
    scale = scale_of(answers["score"])
    if scale is None:
        raise CannotSay(
            "The surveys' scores fit no customary scale (up to 5, 7, 10 or 100), so who is satisfied is not known."
        )
    until = _followed_until(chapter)
    old_enough = answers.filter(pl.col("date") <= until)
    if old_enough.is_empty():
        raise CannotSay(
            f"All surveys are of the last {plural(chapter.parameters.active_days, 'day')}: too late to see who of "
            "those who answered leaves."
        )
    known = histories(base.days, old_enough.sort("date", "score").select("customer", "date", "score"))
    last = known.unique("customer", keep="last", maintain_order=True)
    placed = last.join(base.silent, on="customer", maintain_order="left").select("score", left="silent", value="spent")
    if placed.height < FEWEST:
        raise CannotSay(f"{plural(placed.height, 'customer')} answered a survey long enough ago: too few to compare.")
    return Satisfaction(quadrants(placed, scale), scale, old_enough["date"].min(), old_enough["date"].max())  # type: ignore[arg-type]


def satisfaction_table(chapter: Chapter, found: Satisfaction | Unsaid) -> ShownTable | None:
    """Show the four: who was satisfied or not, and stays or has left. None where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    divided = found.divided
    frame = divided.with_columns(
        pl.Series("said", [_said(found.scale, satisfied) for satisfied in divided["satisfied"]]),
        pl.Series("did", ["still here" if stays else "gone" for stays in divided["stays"]]),
        share=pl.col("customers") / pl.col("customers").sum(),
        value_share=pl.col("value") / pl.col("value").sum(),
    )
    columns: Columns = {
        "quadrant": ("who", str),
        "said": ("said", str),
        "did": ("since", str),
        "customers": ("customers", count),
        "share": ("of all who answered", if_known(percent)),
        "value": (f"bought in the year before ({chapter.parameters.currency})", count),
        "value_share": ("of what all bought", if_known(percent)),
    }
    caption = (
        f"What customers said from {day(found.first)} to {day(found.last)}, and what they did since; "
        f"{_taken_for(found.scale)}; {gone_means(chapter)}"
    )
    return show_table(frame.to_pandas(), caption, columns)


def _taken_for(scale: Scale) -> str:
    return f"the answers are taken for ones on a scale from {scale.lowest:g} to {scale.highest:g}, which fits them"


def _said(scale: Scale, satisfied: bool) -> str:
    return f"{scale.satisfied_from:g} or more of {scale.highest:g}" if satisfied else "less"


def state_findings(
    chapter: Chapter,
    found: Reasons | Unsaid,
    complained: AfterComplaint | Unsaid,
    satisfied: Satisfaction | Unsaid,
) -> None:
    """State the costliest reason, who keeps buying after a complaint, and whether the satisfied stay."""
    untold = [result.reason for result in (found, complained, satisfied) if isinstance(result, Unsaid)]
    if len(untold) == 3 and len(set(untold)) == 1:
        chapter.state("reasons", untold[0], verdict="unknown")
        return
    _state_reasons(chapter, found)
    _state_complaints(chapter, complained)
    _state_satisfaction(chapter, satisfied)


def _state_reasons(chapter: Chapter, found: Reasons | Unsaid) -> None:
    if isinstance(found, Unsaid):
        chapter.state("reasons", found.reason, verdict="unknown")
        return
    first = costliest(found)
    if np.isnan(first["lost"]) and not first["clear"]:
        every = found.table.row(-1, named=True)
        chapter.state(
            "reasons",
            f"What happened to {plural(every['customers'], 'customer')} is recorded, but of no reason do enough of "
            f"about the same value lie {chapter.parameters.active_days} days back to see what went with them since.",
            verdict="unknown",
        )
        return
    chapter.state(
        "reasons",
        _reason_in_words(chapter, found),
        value=None if np.isnan(first["lost"]) else first["lost"],
        low=None if np.isnan(first["lost"]) else first["lost_low"],
        high=None if np.isnan(first["lost"]) else first["lost_high"],
        unit=chapter.parameters.currency,
        verdict="act" if first["lost_clear"] else "watch" if first["clear"] else "note",
        question="losing",
    )


def costliest(found: Reasons) -> dict[str, Any]:
    """Return the reason to speak of: the costliest beyond chance, else one after which more go, else the first."""
    single = found.table.filter(pl.col("kind") != ANY)
    return pl.concat([single.filter("lost_clear"), single.filter("clear"), single]).row(0, named=True)


def _also(found: Reasons, row: dict[str, Any]) -> str:
    others = found.table.filter(pl.col("clear") & (pl.col("kind") != ANY)).select("kind", "reason").rows()
    names = [f"'{name_of(*other)}'" for other in others if other != (row["kind"], row["reason"])]
    return f"; so they do after {listed(names, MOST_ALSO)}" if names else ""


def _reason_in_words(chapter: Chapter, found: Reasons) -> str:
    row = costliest(found)
    currency, horizon = chapter.parameters.currency, count(chapter.parameters.horizon_days)
    name = name_of(row["kind"], row["reason"])
    shares = (
        f"of {count(row['compared'])} {percent(row['silent'])} have gone since, of comparable customers "
        f"{percent(row['expected_silent'])}"
    )
    lost = (
        f"{currency} {roughly(row['lost'])} of revenue in {horizon} days "
        f"({roughly(row['lost_low'])} to {roughly(row['lost_high'])})"
    )
    if row["lost_clear"]:
        return (
            f"By value lost beyond chance, '{name}' weighs most among what happened to customers: {shares}; by what "
            f"each was on the way to buy, {lost} went with them. That they would have stayed otherwise is not shown "
            "by it."
        )
    if row["clear"]:
        known = "can't be told of so few" if np.isnan(row["lost"]) else f"could be chance: {lost}"
        return (
            f"After '{name}' more customers go than chance explains: {shares}{_also(found, row)}. The value lost "
            f"after '{name}' {known}."
        )
    if row["lost"] <= 0:
        return (
            "With nothing that happened to customers more value was lost than with comparable customers to whom it "
            f"hadn't happened; the most with '{name}', {lost}: {shares}."
        )
    return (
        f"Of what happened to customers nothing goes with a loss beyond chance. The largest is '{name}', {lost}: "
        f"{shares}."
    )


def _state_complaints(chapter: Chapter, complained: AfterComplaint | Unsaid) -> None:
    if isinstance(complained, Unsaid):
        chapter.state("after_complaint", complained.reason, verdict="unknown")
        return
    found, interval = complained.found, percent(chapter.parameters.interval)
    differs = found.p_value < SIGNIFICANT
    chapter.state(
        "after_complaint",
        f"{percent(found.share)} of {plural(found.cases, 'customer')} bought again within {complained.days} days of "
        f"their first complaint, of comparable customers without one {percent(found.expected)} "
        f"({interval} interval of the difference {100 * found.low:+z.0f} to {100 * found.high:+z.0f} points)"
        f"{'' if differs else ', which chance alone can explain'}.",
        value=found.difference,
        low=found.low,
        high=found.high,
        unit="share of customers",
        verdict="note" if not differs else "act" if found.difference < 0 else "good",
    )


def _state_satisfaction(chapter: Chapter, satisfied: Satisfaction | Unsaid) -> None:
    if isinstance(satisfied, Unsaid):
        chapter.state("satisfied_and_gone", satisfied.reason, verdict="unknown")
        return
    coverage = chapter.parameters.interval
    though, others = (left_share(satisfied.divided, said, coverage) for said in (True, False))
    if not though.customers or not others.customers:
        chapter.state("satisfied_and_gone", _of_one_mind(satisfied), verdict="unknown")
        return
    more, low, high, chance = satisfaction_effect(satisfied.divided, coverage)
    mercenaries = satisfied.divided.filter(pl.col("satisfied") & ~pl.col("stays")).row(0, named=True)
    gone = float(satisfied.divided.filter(~pl.col("stays"))["customers"].sum())
    told = "doesn't tell who leaves beyond chance"
    if chance < SIGNIFICANT:
        told = "tells who leaves" if more > 0 else "doesn't keep them, more of the satisfied leave"
    chapter.state(
        "satisfied_and_gone",
        f"{percent(though.share)} ({between(100 * though.low, 100 * though.high)}%) of the "
        f"{plural(though.customers, 'customer')} who called themselves satisfied ({_said(satisfied.scale, True)}) have "
        f"gone since, of the {count(others.customers)} others {percent(others.share)}: satisfaction {told} "
        f"({100 * low:+z.0f} to {100 * high:+z.0f} points more of the others). Of {count(gone)} who left "
        f"{count(mercenaries['customers'])} had been satisfied; they had bought for "
        f"{money(mercenaries['value'], chapter.parameters.currency)} in the year before.",
        value=though.share,
        low=though.low,
        high=though.high,
        unit="share of customers",
        verdict="watch" if though.share > others.share / 2 else "note",
    )


def _of_one_mind(satisfied: Satisfaction) -> str:
    all_satisfied = satisfied.divided.filter("satisfied")["customers"].sum() > 0
    said = "satisfied" if all_satisfied else "less than satisfied"
    return f"Everybody who answered a survey was {said}, so there is nobody to compare with."
