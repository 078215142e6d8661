"""The first half of `02_portrait`: the five lenses of a customer-base audit (Fader, Hardie & Ross 2022)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models import customer_base_audit as audit
from models.concentration import lorenz, top_share
from models.customer_base_audit import Period, Split, Unit

from ..chapter import Chapter
from ..errors import CannotSay
from ..findings import Verdict
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import NOT_RECORDED, count, day, money, number, percent, plural
from .profit import costs_known, customer_profit, ledger_lines

NO_COHORT = "none (returned in full)"
SHORTEST_PERIOD_DAYS = 28  # periods to compare are no shorter
FEWEST_FOR_DECILES = 10
SMALL_NUMBER = 10  # of customers, where half a one matters
TOPS = (0.01, 0.05, 0.1, 0.2, 0.5)
EQUAL_AGES_DAYS = (1095, 730, 365, 182, 91, 28)
BEGAN_WITH = 2  # a first cohort that many times as large as any other holds customers won before the ledger begins
# revenue that moves by less is called steady; if it falls by more, something is to be done
STEADY, FALLING = 0.05, -0.2
FEWEST_IN_COHORT = 30
AGE_SHOWN: dict[Unit, tuple[int, str]] = {"month": (3, "third"), "quarter": (2, "second"), "year": (1, "first")}
HALF = 0.5  # of revenue: from there on the top tenth is a dependency to watch
MEASURES = {
    "purchases": "purchases a customer",
    "value": "a customer's value of a purchase",
    "revenue": "revenue a customer",
    "profit": "profit a customer",
}
FACTORS = {
    "customers": "customers",
    "purchases_each": "purchases a customer",
    "value": "value of a purchase",
    "margin": "margin",
}


@dataclass(frozen=True)
class OnePeriod:
    """What lens 1 sees.

    Attributes
    ----------
    period : Period
    customers : polars.DataFrame
        See `models.customer_base_audit.customers_of_period`.
    split : Split
    """

    period: Period
    customers: pl.DataFrame
    split: Split

    @property
    def revenue(self) -> pd.Series:
        """Of each customer who bought, after returns."""
        bought = audit.buyers(self.customers)
        return pd.Series(bought["revenue"].to_numpy(), index=bought["customer"].to_list(), name="revenue")

    @property
    def profit(self) -> np.ndarray | None:
        """Of each customer who bought; None where it isn't known, or says no more than revenue does."""
        bought = audit.buyers(self.customers)
        profit = bought["profit"]
        if profit.null_count() or np.allclose(profit, bought["revenue"] * self.split.margin, atol=0.005):
            return None
        return profit.to_numpy()


@dataclass(frozen=True)
class TwoPeriods:
    """What lens 2 sees.

    Attributes
    ----------
    before, now : Period
    flows : pandas.DataFrame
        See `models.customer_base_audit.flows`.
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
        return audit.split_change(self.split_before[:factors], self.split_now[:factors])


@dataclass(frozen=True)
class Cohorts:
    """What lenses 3 to 5 see.

    Attributes
    ----------
    unit : {"month", "quarter", "year"}
        By which customers are put into cohorts and followed.
    activity, outside : pandas.DataFrame
        See `models.customer_base_audit.cohort_activity` and `outside_cohorts`.
    """

    unit: Unit
    activity: pd.DataFrame
    outside: pd.DataFrame

    @property
    def names(self) -> dict[Any, str]:
        """Of the cohorts, by their first days."""
        return {start: cohort_name(start, self.unit) for start in self.activity["cohort"].unique()}


@dataclass(frozen=True)
class EqualAge:
    """What lens 4 sees: cohorts by their customers' first `days` days."""

    days: int
    unit: Unit
    table: pd.DataFrame


@dataclass(frozen=True)
class Lenses:
    """What the findings are stated from; an `Unsaid` stands where a lens has nothing to see."""

    one: OnePeriod | Unsaid
    two: TwoPeriods | Unsaid
    cohorts: Cohorts
    equal: EqualAge | Unsaid


def customer_days(chapter: Chapter) -> pl.DataFrame:
    """Return the ledger by customer and day, with its profit; see `models.customer_base_audit.customer_days`."""
    first: dt.date = chapter.ledger["date"].dt.date().min()  # type: ignore[assignment]
    return audit.customer_days(ledger_lines(chapter, first=first), chapter.purchases)


# --- lens 1


@says_why_not
def one_period(chapter: Chapter, days: pl.DataFrame) -> OnePeriod:
    """Look at the last year, or at as many days as `lookback_days` says; at the whole ledger where it is shorter."""
    period = latest_period(chapter)
    customers = _customers(chapter, days, period)
    if audit.buyers(customers).is_empty():
        raise CannotSay(f"Nobody bought anything {during(period)}.")
    return OnePeriod(period, customers, audit.split(customers))


@says_why_not
def split_table(chapter: Chapter, one: OnePeriod) -> ShownTable:
    """Show the period's revenue and profit as a product, and the customer in the middle beside its means."""
    steps = _split_rows(chapter, one.split)
    signs = ("", "×", "×", "=", "×", "=")
    frame = pd.DataFrame({"sign": signs, "what": steps.keys(), "how_much": steps.values()})
    frame["what"] = (frame["sign"] + " " + frame["what"]).str.strip()
    typical = audit.typical_factors(one.customers, one.split)
    times, value = typical["median"]
    frame["median"] = ["", number(times), money(value, chapter.parameters.currency), "", "", ""]
    frame["below"] = ["", *map(percent, typical["below_mean"]), "", "", ""]
    caption = f"What was bought, as a product, {span(one.period)}"
    columns: Columns = {
        "what": ("", str),
        "how_much": ("in this period", str),
        "median": ("the median customer", str),
        "below": ("customers below the mean", str),
    }
    return show_table(frame, caption, columns)


@says_why_not
def spread_table(chapter: Chapter, one: OnePeriod) -> ShownTable:
    """Show the mean of every measure beside its median."""
    frame = _worded(chapter, audit.describe(one.customers))
    columns: Columns = {
        "measure": ("", str),
        "mean": ("mean", str),
        "median": ("median", str),
        "below_mean": ("below the mean", percent),
        "tenth": ("a tenth has less than", str),
        "ninetieth": ("a tenth has more than", str),
    }
    return show_table(frame, f"Customers who bought, {span(one.period)}", columns)


@says_why_not
def concentration(one: OnePeriod) -> pd.DataFrame:
    """Return the Lorenz curve of the period's revenue over the customers who bought."""
    revenue = one.revenue
    if len(revenue) < 2 or revenue.sum() <= 0:
        raise CannotSay("Concentration of revenue needs at least two customers and revenue above zero.")
    return lorenz(revenue)


@says_why_not
def concentration_table(chapter: Chapter, one: OnePeriod, curve: pd.DataFrame) -> ShownTable:
    """Show what the best customers bring, from the top hundredth to the top half, where there is a Lorenz curve.

    Tops of less than one customer are left out.
    """
    revenue = one.revenue
    tops = [top for top in TOPS if top * len(revenue) >= 1]
    frame = pd.DataFrame({"top": tops, "share": [top_share(revenue, top) for top in tops]})
    frame["customers"] = (frame["top"] * len(revenue)).round(9)
    frame["revenue"] = frame["share"] * revenue.sum()
    columns: Columns = {
        "top": ("the best", percent),
        "customers": ("customers", _count_of_few),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "share": ("share of revenue", percent),
    }
    return show_table(frame, f"What the best customers brought, {span(one.period)}", columns)


@says_why_not
def decile_table(chapter: Chapter, one: OnePeriod) -> ShownTable:
    """Show what tenths of the customers bring, the tenth with the most revenue first."""
    bought = audit.buyers(one.customers).height
    if bought < FEWEST_FOR_DECILES:
        raise CannotSay(f"Tenths of the customers can be compared from {FEWEST_FOR_DECILES} up; {bought} bought here.")
    frame = audit.deciles(one.customers)
    frame["decile"] = [str(place) if place else "bought nothing" for place in frame["decile"]]
    known = frame["profit"].notna().all()
    currency = chapter.parameters.currency
    columns: Columns = {
        "decile": ("tenth", str),
        "customers": ("customers", count),
        "revenue": (f"revenue ({currency})", count),
        "share_of_revenue": ("share of revenue", _percent_or_dash),
        **({"share_of_profit": ("share of profit", _percent_or_dash)} if known else {}),
        **({"margin": ("margin", _percent_or_dash)} if known else {}),
    }
    profit = "" if known else f"; profit is {NOT_RECORDED}"
    return show_table(frame, f"Tenths of the customers by revenue, {span(one.period)}{profit}", columns)


def decile_spread_table(chapter: Chapter, one: OnePeriod | Unsaid) -> ShownTable | None:
    """Show how customers of each tenth buy, the mean beside the median; None where `decile_table` says why not."""
    if isinstance(one, Unsaid) or audit.buyers(one.customers).height < FEWEST_FOR_DECILES:
        return None
    columns: Columns = {
        "decile": ("tenth", str),
        "purchases_mean": ("purchases each, mean", number),
        "purchases_median": ("median", number),
        "purchases_below_mean": ("below the mean", percent),
        "value_mean": (f"a customer's value of a purchase, mean ({chapter.parameters.currency})", number),
        "value_median": ("median", number),
        "value_below_mean": ("below the mean", percent),
    }
    caption = f"How the customers of each tenth buy, {span(one.period)}"
    return show_table(audit.decile_spread(one.customers), caption, columns)


# --- lens 2


@says_why_not
def two_periods(chapter: Chapter, days: pl.DataFrame) -> TwoPeriods:
    """Set the latest period beside the one before; where the ledger doesn't hold two whole ones, its halves."""
    first = _first_day(days)
    if (chapter.as_of - first).days + 1 < 2 * SHORTEST_PERIOD_DAYS:
        raise CannotSay(f"Two periods can be compared once the ledger spans {2 * SHORTEST_PERIOD_DAYS} days.")
    before, now = audit.two_periods(first, chapter.as_of, _length(chapter))
    then, today = (_customers(chapter, days, period) for period in (before, now))
    if audit.buyers(then).is_empty():
        raise CannotSay(f"Nobody bought anything {during(before)}, so there is nothing to compare with.")
    earlier = days.filter(pl.col("first_day") < before.first)["customer"].unique()
    compared = audit.compare_periods(then, today, earlier)
    return TwoPeriods(
        before,
        now,
        audit.flows(compared),
        audit.split(then),
        audit.split(today),
        audit.describe(then),
        audit.describe(today),
        audit.lost_after_one_purchase(days, compared),
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
        "revenue_change": (f"change ({currency})", signed),
        "of_before": ("of the revenue before", _signed_percent),
        **({"profit_change": (f"change of profit ({currency})", signed)} if two.profit_known else {}),
    }
    caption = f"Before: {span(two.before)}; now: {span(two.now)}"
    return show_table(frame, caption, columns)


@says_why_not
def factor_table(chapter: Chapter, two: TwoPeriods) -> ShownTable:
    """Show both periods as products, and how much of the change each factor explains."""
    before, now = _split_rows(chapter, two.split_before), _split_rows(chapter, two.split_now)
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
        "revenue": (f"of the change of revenue ({currency})", _signed_or_blank),
        **({"profit": (f"of the change of profit ({currency})", _signed_or_blank)} if two.profit_known else {}),
    }
    return show_table(frame, f"Before: {span(two.before)}; now: {span(two.now)}", columns)


@says_why_not
def change_table(chapter: Chapter, two: TwoPeriods) -> ShownTable:
    """Show how the customers of both periods differ, the mean beside the median."""
    before, now = (_worded(chapter, described) for described in (two.spread_before, two.spread_now))
    frame = before.merge(now, on="measure", how="left", suffixes=("_before", "_now"))
    columns: Columns = {
        "measure": ("", str),
        "mean_before": ("mean before", str),
        "median_before": ("median", str),
        "below_mean_before": ("below the mean", percent),
        "mean_now": ("mean now", _words_or_dash),
        "median_now": ("median", _words_or_dash),
        "below_mean_now": ("below the mean", _percent_or_dash),
    }
    return show_table(frame, f"Customers who bought; before: {span(two.before)}; now: {span(two.now)}", columns)


# --- lenses 3 to 5


def cohorts(chapter: Chapter, days: pl.DataFrame) -> Cohorts:
    """Put customers into cohorts by their first purchase, in units that fit the ledger's length, and follow them."""
    unit = audit.cohort_unit(_first_day(days), chapter.as_of)
    return Cohorts(unit, audit.cohort_activity(days, chapter.as_of, unit), audit.outside_cohorts(days, unit))


@says_why_not
def one_cohort(chapter: Chapter, days: pl.DataFrame, followed: Cohorts, cohort: str | None = None) -> pd.DataFrame:
    """Follow one cohort; see `models.customer_base_audit.follow_cohort`.

    Parameters
    ----------
    chapter : Chapter
    days : polars.DataFrame
        See `customer_days`.
    followed : Cohorts
    cohort : str, optional
        Its name as tables show it: ``1997-02``, ``2024 Q3`` or ``2024``. By default the largest of those watched for at
        least half of the ledger; the ledger's first one only where it isn't much larger than all others, since that
        tells that it holds customers won before the ledger begins.
    """
    seen = followed.activity[followed.activity["complete"]]
    ages = seen.groupby("cohort")["age"].max()
    unit = followed.unit
    if cohort is not None:
        chosen = {name: start for start, name in followed.names.items() if start in ages.index}
        if cohort not in chosen:
            raise CannotSay(f"No cohort {cohort} can be followed here; choose one of {', '.join(chosen)}.")
        return audit.follow_cohort(days, followed.activity, chosen[cohort], unit)
    long_enough = ages.index[(ages >= 1) & (ages >= ages.max() / 2)] if len(ages) else ages.index
    if long_enough.empty:
        raise CannotSay(f"A cohort can be followed once a whole {unit} has passed after the one it was won in.")
    sizes = followed.activity.groupby("cohort")["size"].first()
    candidates = sizes.loc[long_enough]
    others = candidates.drop(sizes.index[0], errors="ignore")
    if sizes.index[0] in candidates.index and len(others) and sizes.iloc[0] > BEGAN_WITH * sizes.iloc[1:].max():
        candidates = others
    return audit.follow_cohort(days, followed.activity, candidates.idxmax(), unit)


@says_why_not
def one_cohort_table(chapter: Chapter, alone: pd.DataFrame, followed: Cohorts) -> ShownTable:
    """Show one cohort at chosen ages."""
    ages = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 36, alone["age"].iloc[-1]]
    frame = alone[alone["age"].isin(ages)].reset_index(drop=True)
    currency = chapter.parameters.currency
    columns: Columns = {
        "age": (f"{followed.unit}s after the first purchase", count),
        "customers": ("bought", count),
        "share_active": ("of the cohort", percent_of_few),
        "revenue_each": (f"revenue of each who bought, mean ({currency})", _number_or_dash),
        "revenue_median": ("median", _number_or_dash),
        "revenue_below_mean": ("below the mean", _percent_or_dash),
        "total_mean": (f"revenue so far of everybody won, mean ({currency})", number),
        "total_median": ("median", number),
        "total_below_mean": ("below the mean", percent),
    }
    start, size = alone["cohort"].iloc[0], alone["size"].iloc[0]
    caption = f"{plural(size, 'customer')} won in {cohort_name(start, followed.unit)}, by age"
    return show_table(frame, caption, columns)


@says_why_not
def equal_age(chapter: Chapter, days: pl.DataFrame, followed: Cohorts) -> EqualAge:
    """Set cohorts side by side at the greatest age that at least half of them, and two, have reached."""
    starts = pd.Series(followed.activity["cohort"].unique())
    watched = (pd.Timestamp(chapter.as_of) - audit.period_ends(starts, followed.unit)).dt.days + 1
    wanted = max(2, len(starts) / 2)
    for needed in (wanted, 2):
        for age_days in EQUAL_AGES_DAYS:
            if (watched >= age_days).sum() >= needed:
                table = audit.cohorts_at_equal_age(days, chapter.as_of, followed.unit, age_days)
                return EqualAge(age_days, followed.unit, table)
    raise CannotSay(
        f"Cohorts can be set side by side once two of them have been watched for {EQUAL_AGES_DAYS[-1]} days."
    )


@says_why_not
def equal_age_table(chapter: Chapter, equal: EqualAge) -> ShownTable:
    """Show what each cohort's customers did in their first days."""
    frame = _named(equal)
    currency = chapter.parameters.currency
    columns: Columns = {
        "name": ("first bought in", str),
        "customers": ("customers", count),
        "share_back": ("came back", percent),
        "purchases_mean": ("purchases, mean", number),
        "purchases_median": ("median", number),
        "purchases_below_mean": ("below the mean", percent),
        "revenue_mean": (f"revenue, mean ({currency})", number),
        "revenue_median": ("median", number),
        "below_mean": ("below the mean", percent),
    }
    return show_table(frame, f"What a customer did in the first {equal.days} days, by cohort", columns)


def equal_age_profit_table(chapter: Chapter, equal: EqualAge | Unsaid) -> ShownTable | None:
    """Show the profit of each cohort's customers in their first days, where costs are recorded.

    A margin alone makes profit the same share of everybody's revenue, so there is nothing to add: None.
    """
    if isinstance(equal, Unsaid) or not costs_known(chapter) or equal.table["profit_mean"].isna().any():
        return None
    columns: Columns = {
        "name": ("first bought in", str),
        "customers": ("customers", count),
        "profit_mean": (f"profit, mean ({chapter.parameters.currency})", number),
        "profit_median": ("median", number),
        "profit_below_mean": ("below the mean", percent),
        "margin": ("margin", _percent_or_dash),
    }
    return show_table(_named(equal), f"What a customer left in the first {equal.days} days, by cohort", columns)


def _named(equal: EqualAge) -> pd.DataFrame:
    return equal.table.assign(name=[cohort_name(start, equal.unit) for start in equal.table["cohort"]])


@says_why_not
def by_cohort(one: OnePeriod, days: pl.DataFrame, followed: Cohorts) -> pd.DataFrame:
    """Return what each cohort has brought and still brings; see `models.customer_base_audit.base_by_cohort`."""
    return audit.base_by_cohort(days, one.period, followed.unit)


@says_why_not
def by_cohort_table(chapter: Chapter, one: OnePeriod, bases: pd.DataFrame, followed: Cohorts) -> ShownTable:
    """Show what each cohort has brought and still brings."""
    names = [NO_COHORT if pd.isna(start) else cohort_name(start, followed.unit) for start in bases["cohort"]]
    total = bases.sum(numeric_only=True, skipna=False).to_frame().T.assign(name="altogether")
    frame = pd.concat([bases.assign(name=names), total], ignore_index=True)
    for measure in ("revenue", "revenue_latest"):
        whole = bases[measure].sum()
        frame[f"share_{measure}"] = frame[measure] / whole if whole > 0 else np.nan
    currency = chapter.parameters.currency
    columns: Columns = {
        "name": ("first bought in", str),
        "customers": ("customers", count),
        "active": ("still buying", count),
        "revenue": (f"revenue since then ({currency})", count),
        "share_revenue": ("share", _percent_or_dash),
        "revenue_latest": (f"revenue lately ({currency})", count),
        "share_revenue_latest": ("share", _percent_or_dash),
        **({"profit": (f"profit since then ({currency})", count)} if frame["profit"].notna().all() else {}),
    }
    return show_table(frame, f"The whole base by cohort; lately: {span(one.period)}", columns)


# --- findings


def state_findings(chapter: Chapter, seen: Lenses) -> None:
    """State what the lenses show."""
    _state_one_period(chapter, seen.one)
    _state_two_periods(chapter, seen.two)
    _state_returning(chapter, seen.cohorts)
    _state_equal_age(chapter, seen.equal)


def _state_one_period(chapter: Chapter, one: OnePeriod | Unsaid) -> None:
    if isinstance(one, Unsaid):
        chapter.state("top_tenth", one.reason, verdict="unknown")
        return
    revenue, currency = one.revenue, chapter.parameters.currency
    if isinstance(curve := concentration(one), Unsaid):
        chapter.state("top_tenth", curve.reason, verdict="unknown")
        return
    if len(revenue) < FEWEST_FOR_DECILES:
        chapter.state(
            "top_tenth",
            f"{plural(len(revenue), 'customer')} bought {during(one.period)}: what the best tenth brings can be said "
            f"from {FEWEST_FOR_DECILES} up.",
            verdict="unknown",
        )
        return
    typical = audit.spread(revenue.to_numpy())
    share = top_share(revenue)
    brought = f"{percent(share)} of revenue"
    profit = one.profit
    if profit is not None and profit.sum() > 0:
        brought += f", and the tenth with the most profit {percent(top_share(profit))} of profit"
    chapter.state(
        "top_tenth",
        f"{plural(len(revenue), 'customer')} bought {during(one.period)}. The typical one spent "
        f"{money(typical['median'], currency)} (median); the mean is {money(typical['mean'], currency)}, and "
        f"{percent(typical['below_mean'])} lie below it: the best tenth of customers brings {brought}.",
        value=share,
        unit="share of revenue",
        verdict="watch" if share >= HALF else "note",
        question="who",
    )


def _state_two_periods(chapter: Chapter, two: TwoPeriods | Unsaid) -> None:
    if isinstance(two, Unsaid):
        chapter.state("lost_and_won", two.reason, verdict="unknown")
        return
    lost, before = two.of("lost"), two.flows["revenue_before"].sum()
    share = lost["revenue_before"] / before if before > 0 else 0.0
    chapter.state(
        "lost_and_won",
        " ".join([_who_was_lost(two), *_what_they_brought(chapter, two), _what_came_instead(chapter, two)]),
        value=lost["revenue_before"],
        unit=chapter.parameters.currency,
        verdict=_verdict(min(-share, 0.0)),
        question="losing",
    )
    if _can_split(two) and before > 0:
        change = two.flows["revenue_change"].sum()
        _state_factors(chapter, two, change, change / before)


def _who_was_lost(two: TwoPeriods) -> str:
    had, lost = two.split_before.customers, two.of("lost")["customers"]
    if had == 1:
        again = "has bought nothing since" if lost else "has bought again since"
        return f"The only customer who bought {during(two.before)} {again}."
    if not lost:
        return f"Each of the {count(had)} customers who bought {during(two.before)} has bought again since."
    have = "has" if lost == 1 else "have"
    of_all = f"{count(lost)} ({percent(lost / had)})"
    return f"Of the {count(had)} customers who bought {during(two.before)}, {of_all} {have} bought nothing since."


def _what_they_brought(chapter: Chapter, two: TwoPeriods) -> list[str]:
    lost, before = two.of("lost"), two.flows["revenue_before"].sum()
    if not lost["customers"]:
        return []
    amount = money(lost["revenue_before"], chapter.parameters.currency)
    share = f", {percent(lost['revenue_before'] / before)} of the revenue of that time" if before > 0 else ""
    if lost["customers"] == 1:
        once = ", with a single purchase" if two.lost_after_one else ""
        return [f"That customer had brought {amount}{share}{once}."]
    once = f"; {count(two.lost_after_one)} of them only ever bought once" if two.lost_after_one else ""
    return [f"They had brought {amount}{share}{once}."]


def _what_came_instead(chapter: Chapter, two: TwoPeriods) -> str:
    currency = chapter.parameters.currency
    won, kept = two.of("new", "came back"), two.of("kept, less", "kept, same", "kept, more")
    statement = "Nobody new has come"
    if won["customers"]:
        returning = " or returning" if two.of("came back")["customers"] else ""
        statement = f"{plural(won['customers'], f'new{returning} customer')} brought "
        statement += f"{money(won['revenue_now'], currency)} since"
    if kept["customers"]:
        more = "more" if kept["revenue_change"] >= 0 else "less"
        statement += f", and those who stayed brought {money(abs(kept['revenue_change']), currency)} {more} than before"
    return f"{statement}."


def _state_factors(chapter: Chapter, two: TwoPeriods, change: float, share: float) -> None:
    parts = zip(FACTORS.values(), two.parts("revenue"), strict=False)
    moved = "rose" if share > 0 else "fell"
    trend = "held steady" if abs(share) < STEADY else f"{moved} by {percent(abs(share))}"
    season = "" if two.now.days >= audit.YEAR_DAYS else " (the season is not accounted for)"
    chapter.state(
        "what_changed",
        f"Revenue {trend} from the one period to the other{season}. Of the change of "
        f"{chapter.parameters.currency} {signed(change)} each factor explains: "
        f"{', '.join(f'{name} {signed(part)}' for name, part in parts)}.",
        value=change,
        unit=chapter.parameters.currency,
        verdict=_verdict(share),
    )


def _state_returning(chapter: Chapter, followed: Cohorts) -> None:
    unit, seen = followed.unit, followed.activity
    age, ordinal = AGE_SHOWN[unit]
    then = seen[(seen["age"] == age) & seen["complete"]]
    if then.empty:
        chapter.state("cohort_return", "No cohort is old enough to be compared yet.", verdict="unknown")
        return
    share = then["customers"].sum() / then["size"].sum()
    large = then[then["size"] >= FEWEST_IN_COHORT]
    shares = large["customers"] / large["size"]
    ends = f", from {percent(shares.min(), 1)} to {percent(shares.max(), 1)} by cohort"
    chapter.state(
        "cohort_return",
        f"{percent(share, 1)} of a {unit}'s new customers buy in the {ordinal} {unit} after"
        f"{ends if len(large) > 1 else ''}.",
        value=share,
        unit="share of customers",
    )


def _state_equal_age(chapter: Chapter, equal: EqualAge | Unsaid) -> None:
    if isinstance(equal, Unsaid):
        chapter.state("cohorts_at_equal_age", equal.reason, verdict="unknown")
        return
    currency = chapter.parameters.currency
    others = equal.table.iloc[:-1]
    last = equal.table.iloc[-1].to_dict()
    mean, back = np.average(others[["revenue_mean", "share_back"]], axis=0, weights=others["customers"])
    chapter.state(
        "cohorts_at_equal_age",
        f"In their first {equal.days} days the customers won in {cohort_name(last['cohort'], equal.unit)} brought "
        f"{money(last['revenue_mean'], currency)} each (median {money(last['revenue_median'], currency)}) and "
        f"{percent(last['share_back'])} came back; those won earlier brought {money(mean, currency)} and "
        f"{percent(back)} came back.",
        value=last["revenue_mean"] / mean - 1 if mean > 0 else None,
        unit="share of revenue a customer",
    )


# --- words


def latest_period(chapter: Chapter) -> Period:
    """Return the last year, or as many days as `lookback_days` says; all there are of a shorter ledger."""
    return audit.latest_period(chapter.first_day, chapter.as_of, _length(chapter))


def span(period: Period) -> str:
    """Return a period as 1 July 1997 to 30 June 1998, or as the one day it is."""
    return f"{day(period.first)} to {day(period.last)}" if period.days > 1 else day(period.first)


def during(period: Period) -> str:
    """Return when something was, short where the period is a year."""
    return f"in the year to {day(period.last)}" if period.days == audit.YEAR_DAYS else f"from {span(period)}"


def cohort_name(start: pd.Timestamp, unit: Unit) -> str:
    """Return a cohort's name: 1997-02, 2024 Q3 or 2024."""
    if unit == "month":
        return f"{start:%Y-%m}"
    return f"{start.year} Q{start.quarter}" if unit == "quarter" else f"{start.year}"


def signed(value: float) -> str:
    """Return a change as a whole number with its sign."""
    return f"{value:+z,.0f}".replace("-", "−") if np.isfinite(value) else "not known"


def percent_of_few(share: float) -> str:
    """Return a share with a decimal where it is small."""
    return percent(share, 1 if share < 0.1 else 0)


def _signed_percent(share: float) -> str:
    return f"{100 * share:+z,.0f}%".replace("-", "−") if np.isfinite(share) else "–"


def _signed_or_blank(value: float) -> str:
    return signed(value) if np.isfinite(value) else ""


def _count_of_few(customers: float) -> str:
    """Return a number of customers, with its fraction where they are few: a tenth of 17 is 1.70."""
    return number(customers) if customers < SMALL_NUMBER and customers != round(customers) else count(customers)


def _words_or_dash(words: str | float) -> str:
    return words if isinstance(words, str) else "–"


def _percent_or_dash(share: float) -> str:
    return percent(share) if np.isfinite(share) else "–"


def _number_or_dash(value: float) -> str:
    return number(value) if np.isfinite(value) else "–"


def _verdict(change: float) -> Verdict:
    if abs(change) < STEADY:
        return "note"
    return "good" if change > 0 else "act" if change < FALLING else "watch"


# --- what the steps share


def _customers(chapter: Chapter, days: pl.DataFrame, period: Period) -> pl.DataFrame:
    served = None
    if chapter.parameters.order_cost or chapter.parameters.contact_cost:
        served = customer_profit(chapter, period.first, period.last)
    return audit.customers_of_period(days, period, served)


def _first_day(days: pl.DataFrame) -> dt.date:
    first: dt.date = days["first_day"].min()  # type: ignore[assignment]
    return first


def _length(chapter: Chapter) -> int:
    return chapter.parameters.lookback_days or audit.YEAR_DAYS


def _can_split(two: TwoPeriods) -> bool:
    """Whether somebody bought in both periods, so that all factors are defined."""
    return two.split_before.customers > 0 and two.split_now.customers > 0


def _worded(chapter: Chapter, described: pd.DataFrame) -> pd.DataFrame:
    """Put what `models.customer_base_audit.describe` found in words, shares left as they are."""
    frame = described.copy()
    is_money = frame["measure"] != "purchases"
    for name in ("tenth", "median", "mean", "ninetieth"):
        worded = zip(is_money, frame[name], strict=True)
        frame[name] = [money(value, chapter.parameters.currency) if m else number(value) for m, value in worded]
    frame["measure"] = frame["measure"].map(MEASURES)
    return frame


def _split_rows(chapter: Chapter, split: Split) -> dict[str, str]:
    currency = chapter.parameters.currency
    return {
        "customers": count(split.customers),
        "purchases a customer": _number_or_dash(split.purchases_each),
        "value of a purchase": money(split.value, currency) if split.customers else "–",
        "revenue": money(split.revenue, currency) if split.customers else "–",
        "margin": percent(split.margin, 1) if np.isfinite(split.margin) else NOT_RECORDED,
        "profit": money(split.profit, currency) if np.isfinite(split.margin) else NOT_RECORDED,
    }
