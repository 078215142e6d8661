"""Lens 2 in `02_portrait`: what changed from the period before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models import customer_base_audit as audit
from models import lens2_two_periods as lens
from models import periods
from models.periods import Period
from models.profit_factors import Split, split, split_change

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, count, if_known, money, percent, plural, small_percent
from ..closed_base import closed_base, without_blame
from ..left_cut import left_cut
from .lens_periods import customers_of, during, first_purchase_day, length, span
from .lens_words import factors_in_words, in_words

SHORTEST_PERIOD_DAYS = 28  # periods to compare are no shorter
# revenue that moves by less is called steady; if it falls by more, something is to be done
STEADY, FALLING = 0.05, -0.2
FACTORS = {
    "customers": "customers",
    "purchases_each": "purchases a customer",
    "value": "value of a purchase",
    "margin": "margin",
}


@dataclass(frozen=True)
class TwoPeriods:
    """What lens 2 sees.

    Attributes
    ----------
    before, now : Period
    flows : pandas.DataFrame
        See `models.lens2_two_periods.flows`.
    split_before, split_now : Split
    spread_before, spread_now : pandas.DataFrame
        See `models.customer_base_audit.describe`.
    lost_after_one : int
        How many of the lost customers bought only once ever.
    """

    before: Period
    now: Period
    flows: pd.DataFrame
    split_before: Split
    split_now: Split
    spread_before: pd.DataFrame
    spread_now: pd.DataFrame
    lost_after_one: int

    @property
    def profit_known(self) -> bool:
        """Whether the profit of both periods is."""
        return bool(np.isfinite([self.split_before.margin, self.split_now.margin]).all())

    def of(self, *statuses: str) -> dict[str, float]:
        """Return the flows of some statuses together: customers, revenue_before, revenue_now, revenue_change, ..."""
        chosen = self.flows[self.flows["status"].isin(statuses)].drop(columns="status")
        return {str(name): float(chosen[name].sum()) for name in chosen}

    def parts(self, measure: str) -> list[float]:
        """Return what each factor's change adds to that of ``revenue`` or ``profit``."""
        factors = 4 if measure == "profit" else 3
        return split_change(self.split_before[:factors], self.split_now[:factors])


@says_why_not
def two_periods(chapter: Chapter, days: pl.DataFrame) -> TwoPeriods:
    """Set the latest period beside the one before; where the ledger doesn't hold two whole ones, its halves."""
    first = first_purchase_day(days)
    if (chapter.as_of - first).days + 1 < 2 * SHORTEST_PERIOD_DAYS:
        raise CannotSay(f"Two periods can be compared once the ledger spans {2 * SHORTEST_PERIOD_DAYS} days.")
    before, now = periods.two_periods(first, chapter.as_of, length(chapter))
    then, today = (customers_of(chapter, days, period) for period in (before, now))
    if audit.buyers(then).is_empty():
        raise CannotSay(f"Nobody bought anything {during(before)}, so there is nothing to compare with.")
    earlier = days.filter(pl.col("first_day") < before.first)["customer"].unique()
    compared = lens.compare_periods(then, today, earlier)
    return TwoPeriods(
        before,
        now,
        lens.flows(compared),
        split(then),
        split(today),
        audit.describe(then),
        audit.describe(today),
        lens.lost_after_one_purchase(days, compared),
    )


@says_why_not
def flow_table(chapter: Chapter, two: TwoPeriods) -> ShownTable:
    """Show what became of the customers, and of the revenue they brought."""
    flows = two.flows[two.flows["customers"] > 0]
    total = flows.sum(numeric_only=True).to_frame().T.assign(status="altogether")
    frame = pd.concat([flows, total], ignore_index=True)
    currency = chapter.parameters.currency
    before = two.flows["revenue_before"].sum()
    frame["of_before"] = frame["revenue_change"] / before if before > 0 else np.nan
    columns: Columns = {
        "status": ("customers", str),
        "customers": ("how many", count),
        "revenue_before": (f"revenue before ({currency})", count),
        "revenue_now": (f"revenue now ({currency})", count),
        "revenue_change": (f"change ({currency})", _signed),
        "of_before": ("of the revenue before", _signed_percent),
        **({"profit_change": (f"change of profit ({currency})", _signed)} if two.profit_known else {}),
    }
    caption = f"Before: {span(two.before)}; now: {span(two.now)}"
    return show_table(frame, caption, columns)


@says_why_not
def factor_table(chapter: Chapter, two: TwoPeriods) -> ShownTable:
    """Show both periods as products, and how much of the change each factor explains."""
    before, now = factors_in_words(chapter, two.split_before), factors_in_words(chapter, two.split_now)
    frame = pd.DataFrame({"what": before.keys(), "before": before.values(), "now": now.values()})
    frame["revenue"] = frame["profit"] = np.nan
    if _can_split(two):
        then, today = two.split_before, two.split_now
        frame.loc[[0, 1, 2, 3], "revenue"] = [*two.parts("revenue"), today.revenue - then.revenue]
        if two.profit_known:
            frame.loc[[0, 1, 2, 4, 5], "profit"] = [*two.parts("profit"), today.profit - then.profit]
    currency = chapter.parameters.currency
    columns: Columns = {
        "what": ("", str),
        "before": ("before", str),
        "now": ("now", str),
        "revenue": (f"of the change of revenue ({currency})", if_known(_signed)),
        **({"profit": (f"of the change of profit ({currency})", if_known(_signed))} if two.profit_known else {}),
    }
    return show_table(frame, f"Before: {span(two.before)}; now: {span(two.now)}", columns)


@says_why_not
def change_table(chapter: Chapter, two: TwoPeriods) -> ShownTable:
    """Show how the customers of both periods differ, the mean beside the median."""
    before, now = (in_words(chapter, described) for described in (two.spread_before, two.spread_now))
    frame = before.merge(now, on="measure", how="left", suffixes=("_before", "_now"))
    columns: Columns = {
        "measure": ("", str),
        "mean_before": ("mean before", str),
        "median_before": ("median", str),
        "below_mean_before": ("below the mean", percent),
        "mean_now": ("mean now", if_known(str, DASH)),
        "median_now": ("median", if_known(str, DASH)),
        "below_mean_now": ("below the mean", if_known(percent, DASH)),
    }
    return show_table(frame, f"Customers who bought; before: {span(two.before)}; now: {span(two.now)}", columns)


def state_findings(chapter: Chapter, two: TwoPeriods | Unsaid) -> None:
    """State who was lost and won, and which factors explain the change."""
    if isinstance(two, Unsaid):
        chapter.state("lost_and_won", two.reason, verdict="unknown")
        return
    lost, before = two.of("lost"), two.flows["revenue_before"].sum()
    share = lost["revenue_before"] / before if before > 0 else 0.0
    chapter.state(
        "lost_and_won",
        " ".join([_who_was_lost(chapter, two), *_what_they_brought(chapter, two), _what_came_instead(chapter, two)]),
        value=lost["revenue_before"],
        unit=chapter.parameters.currency,
        verdict=without_blame(chapter, _verdict(min(-share, 0.0))),
        question="losing",
    )
    if _can_split(two) and before > 0:
        change = two.flows["revenue_change"].sum()
        _state_factors(chapter, two, change, change / before)


def _who_was_lost(chapter: Chapter, two: TwoPeriods) -> str:
    then = during(_within_ledger(chapter, two.before))
    had, lost = two.split_before.customers, two.of("lost")["customers"]
    if had == 1:
        again = "has bought nothing since" if lost else "has bought again since"
        return f"The only customer who bought {then} {again}."
    if not lost:
        return f"Each of the {count(had)} customers who bought {then} has bought again since."
    have = "has" if lost == 1 else "have"
    of_all = f"{count(lost)} ({small_percent(lost / had)})"
    return f"Of the {count(had)} customers who bought {then}, {of_all} {have} bought nothing since."


def _what_they_brought(chapter: Chapter, two: TwoPeriods) -> list[str]:
    lost, before = two.of("lost"), two.flows["revenue_before"].sum()
    if not lost["customers"]:
        return []
    amount = money(lost["revenue_before"], chapter.parameters.currency)
    share = f", {small_percent(lost['revenue_before'] / before)} of the revenue of that time" if before > 0 else ""
    # where the ledger begins in the middle of its customers' lives, they may have bought before it does
    after_one = 0 if left_cut(chapter).cut else two.lost_after_one
    if lost["customers"] == 1:
        once = ", with a single purchase" if after_one else ""
        return [f"That customer had brought {amount}{share}{once}."]
    once = f"; {count(after_one)} of them only ever bought once" if after_one else ""
    return [f"They had brought {amount}{share}{once}."]


def _what_came_instead(chapter: Chapter, two: TwoPeriods) -> str:
    currency = chapter.parameters.currency
    won, kept = two.of("new", "came back"), two.of("kept, less", "kept, same", "kept, more")
    statement = "Nobody won since is in the ledger" if closed_base(chapter).closed else "Nobody new has come"
    if won["customers"]:
        returning = " or returning" if two.of("came back")["customers"] else ""
        if left_cut(chapter).cut:
            statement = f"{plural(won['customers'], 'customer')} not seen before{returning} brought "
        else:
            statement = f"{plural(won['customers'], f'new{returning} customer')} brought "
        statement += f"{money(won['revenue_now'], currency)} since"
    if kept["customers"]:
        more = "more" if kept["revenue_change"] >= 0 else "less"
        statement += f", and those who stayed brought {money(abs(kept['revenue_change']), currency)} {more} than before"
    return f"{statement}."


def _state_factors(chapter: Chapter, two: TwoPeriods, change: float, share: float) -> None:
    parts = zip(FACTORS.values(), two.parts("revenue"), strict=False)
    year = two.before.days == periods.YEAR_DAYS
    before = "the year before" if year else f"the {plural(two.before.days, 'day')} before"
    higher = f"{percent(abs(share))} {'higher' if share > 0 else 'lower'} than"
    stood = f"within {percent(STEADY)} of that" if abs(share) < STEADY else higher
    aside = "" if two.now.days >= periods.YEAR_DAYS else " (the season is not accounted for)"
    if closed_base(chapter).closed:
        aside = " (nobody won since is in the ledger)"
    chapter.state(
        "what_changed",
        f"Revenue {during(two.now)} was {stood} in {before}{aside}. Of the change of "
        f"{chapter.parameters.currency} {_signed(change)} each factor explains: "
        f"{', '.join(f'{name} {_signed(part)}' for name, part in parts)}.",
        value=change,
        unit=chapter.parameters.currency,
        verdict=without_blame(chapter, _verdict(share)),
    )


def _within_ledger(chapter: Chapter, period: Period) -> Period:
    """Return the days of a period that the ledger holds; a year of which a few are missing stays one."""
    if period.days == periods.YEAR_DAYS:
        return period
    return period._replace(first=max(period.first, chapter.first_day))


def _signed(value: float) -> str:
    """Return a change as a whole number with its sign."""
    return f"{value:+z,.0f}".replace("-", "−") if np.isfinite(value) else "not known"


def _signed_percent(share: float) -> str:
    return f"{100 * share:+z,.0f}%".replace("-", "−") if np.isfinite(share) else DASH


def _verdict(change: float) -> Verdict:
    if abs(change) < STEADY:
        return "note"
    return "good" if change > 0 else "act" if change < FALLING else "watch"


def _can_split(two: TwoPeriods) -> bool:
    """Whether somebody bought in both periods, so that all factors are defined."""
    return two.split_before.customers > 0 and two.split_now.customers > 0
