"""The steps of `05_retention`: how many come back, how soon, and how many stay active."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.retention_rate import retention_rate
from models.survival import LogRank, SurvivalAt, kaplan_meier, log_rank, purchase_gaps, survival_at

from ..chapter import Chapter
from ..errors import CannotSay
from ..figures.retention import COHORT, FIRST_TO_SECOND, SIGNIFICANT
from ..findings import Findings, Verdict
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import between, count, if_known, number, percent, plural

ORDINALS = ("first", "second", "third", "fourth", "fifth")
GAPS_SHOWN = 4
FEWEST_WATCHED = 30  # fewer leave a curve's end to a handful of customers
FEWEST_IN_COHORT = 30
COHORTS_COMPARED = 12
SAMPLED_DAYS = (30, 60, 90, 180, 365, 730)
LAST_STRETCH_DAYS = 90
WELL_KEPT, BADLY_KEPT = 70.0, 50.0  # per cent of active customers who stay; 70 is what practice quotes as good
LATE_RETURN = 0.1  # of those still silent: if fewer came back in the last stretch, few of the others will


@dataclass(frozen=True)
class NeverBack:
    """Who has not come back by the last day at which enough customers are watched.

    Attributes
    ----------
    days : int
        That day, counted from the first purchase.
    share : SurvivalAt
        Not back by then, with its interval.
    late : float
        Share who did come back within the last 90 of these days.
    """

    days: int
    share: SurvivalAt
    late: float


@dataclass(frozen=True)
class CohortComparison:
    """Monthly cohorts' return, and whether they differ by more than chance."""

    cohorts: list[str]
    test: LogRank


def gaps(chapter: Chapter) -> pd.DataFrame:
    """Return the time from each purchase to the next; see `models.survival.purchase_gaps`."""
    return purchase_gaps(chapter.purchases, chapter.as_of)


def curves(chapter: Chapter, waits: pd.DataFrame) -> pd.DataFrame:
    """Return the table `retention`: a Kaplan-Meier curve of the wait for each next purchase and for each cohort."""
    drawn = [
        kaplan_meier(rows["days"], rows["observed"], interval=chapter.parameters.interval).assign(curve=name)
        for name, rows in _groups(waits).items()
    ]
    return pd.concat(drawn, ignore_index=True)[["curve", "days", "survival", "low", "high", "at_risk"]]


def horizons(chapter: Chapter, waits: pd.DataFrame) -> dict[str, int]:
    """Return for each curve how many days its purchases have been watched, by all but a few of those watched longest.

    Whoever has bought again is no longer at risk but has been watched all the same, so this comes from the dates.
    """
    watched = {name: (pd.Timestamp(chapter.as_of) - rows["date"]).dt.days for name, rows in _groups(waits).items()}
    return {name: int(days.nlargest(FEWEST_WATCHED).iloc[-1]) for name, days in watched.items()}


def _groups(waits: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the waits that make each curve: one a customer, so that they are independent of one another."""
    chosen = {_gap_name(n): waits[waits["purchase_number"] == n] for n in range(1, GAPS_SHOWN + 1)}
    first = chosen[FIRST_TO_SECOND]
    cohort = _cohort_of(first)
    chosen |= {f"{COHORT}{name}": first[cohort == name] for name in _cohorts_compared(waits)}
    return {name: rows for name, rows in chosen.items() if len(rows)}


def table_retention(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `retention` for a chapter that needs it."""
    return curves(chapter, gaps(chapter))


def write_tables(chapter: Chapter, table: pd.DataFrame) -> None:
    """Write the table `retention`."""
    chapter.write("retention", table)


def curve_table(table: pd.DataFrame) -> ShownTable:
    """Show who is not back after chosen times, by purchase."""
    rows = []
    for name in (n for n in table["curve"].unique() if not n.startswith(COHORT)):
        curve = table[table["curve"] == name]
        shares = {f"after_{days}": survival_at(curve, days).value for days in SAMPLED_DAYS}
        rows.append({"curve": name, "customers": curve["at_risk"].iloc[0], **shares})
    frame = pd.DataFrame(rows)
    shown = [days for days in SAMPLED_DAYS if frame[f"after_{days}"].notna().any()]
    columns: Columns = {
        "curve": ("from which purchase", str),
        "customers": ("purchases", count),
        **{f"after_{days}": (f"not back after {days} days", if_known(percent)) for days in shown},
    }
    return show_table(frame, "Share of purchases not yet followed by another", columns)


@says_why_not
def never_back(chapter: Chapter, table: pd.DataFrame, watched: dict[str, int]) -> NeverBack:
    """Return the share of customers who have not come back, as far as the ledger can tell."""
    curve = table[table["curve"] == FIRST_TO_SECOND]
    days = watched[FIRST_TO_SECOND]
    if curve["at_risk"].iloc[0] < FEWEST_WATCHED or days < LAST_STRETCH_DAYS:
        raise CannotSay(
            f"Who comes back after a first purchase can be said once {FEWEST_WATCHED} customers have been watched for "
            f"{LAST_STRETCH_DAYS} days."
        )
    share = share_at(curve, days)
    if share.value == 1:
        # nobody has come back: the smallest share of silent customers that would still show only silent ones
        share = share._replace(low=((1 - chapter.parameters.interval) / 2) ** (1 / FEWEST_WATCHED))
    return NeverBack(days, share, share_at(curve, days - LAST_STRETCH_DAYS).value - share.value)


def share_at(curve: pd.DataFrame, days: int) -> SurvivalAt:
    """Return a curve's height; it stays where it ends while its customers are still watched."""
    return survival_at(curve, min(days, curve["days"].max()))


@says_why_not
def compare_cohorts(waits: pd.DataFrame) -> CohortComparison:
    """Compare how soon the cohorts of each month come back, by log-rank test."""
    names = _cohorts_compared(waits)
    if len(names) < 2:
        raise CannotSay(f"Cohorts can be compared once two months have {FEWEST_IN_COHORT} new customers each.")
    first = waits[waits["purchase_number"] == 1]
    cohort = _cohort_of(first)
    kept = cohort.isin(names)
    test = log_rank(first["days"][kept], first["observed"][kept], cohort[kept])
    if np.isnan(test.p_value):
        raise CannotSay("Nobody has come back yet, so cohorts can't be compared.")
    return CohortComparison(names, test)


@says_why_not
def rate_by_quarter(chapter: Chapter) -> pd.DataFrame:
    """Return the retention rate of each whole quarter; see `models.retention_rate.retention_rate`."""
    given = chapter.parameters
    rates = retention_rate(
        chapter.purchases,
        chapter.as_of,
        active_days=given.active_days,
        period="quarter",
        interval=given.interval,
    )
    rates = rates[rates["crr"].notna()].reset_index(drop=True)
    if rates.empty:
        raise CannotSay("A retention rate needs a whole quarter that begins with active customers.")
    return rates


@says_why_not
def rate_table(chapter: Chapter, rates: pd.DataFrame) -> ShownTable:
    """Show the retention rate and what it is made of, the newest quarter first."""
    columns: Columns = {
        "period": ("quarter", str),
        "customers_start": ("active at the start (S)", count),
        "customers_new": ("new (N)", count),
        "customers_end": ("active at the end (E)", count),
        "lost": ("lost", count),
        "reactivated": ("won back", count),
        "crr": ("CRR (%)", number),
        "kept_rate": ("of S still active (%)", number),
    }
    caption = f"Retention rate by quarter; active: a purchase in the last {chapter.parameters.active_days} days"
    return show_table(rates.iloc[::-1], caption, columns)


def findings(
    chapter: Chapter,
    table: pd.DataFrame,
    watched: dict[str, int],
    never: NeverBack | Unsaid,
    compared: CohortComparison | Unsaid,
    rates: pd.DataFrame | Unsaid,
) -> Findings:
    """State what the chapter found."""
    _state_never_back(chapter, never)
    _state_gate(chapter, table, watched)
    _state_cohorts(chapter, compared)
    _state_rate(chapter, rates)
    return chapter.findings()


def _state_never_back(chapter: Chapter, never: NeverBack | Unsaid) -> None:
    if isinstance(never, Unsaid):
        chapter.state("never_back", never.reason, verdict="unknown")
        return
    value, low, high = never.share
    before = value + never.late
    late = never.late / before if before else 0.0
    settled = never.days >= 2 * LAST_STRETCH_DAYS and late < LATE_RETURN
    statement = (
        f"{percent(value, 1)} ({between(100 * low, 100 * high, '{:.1f}')}%) of customers have not come back "
        f"{count(never.days)} days after their first purchase"
    )
    if before:
        statement += (
            f". Of those still silent {LAST_STRETCH_DAYS} days earlier {percent(late, 1)} came back since: "
            f"{'few of the others will' if settled else 'they are still coming back'}"
        )
    verdict: Verdict = "act" if value > 0.5 else "watch" if value > 0.3 else "good"
    chapter.state(
        "never_back",
        f"{statement}.",
        value=value,
        low=low,
        high=high,
        unit="share of customers",
        verdict=verdict if settled else "note",
    )


def _state_gate(chapter: Chapter, table: pd.DataFrame, watched: dict[str, int]) -> None:
    one, two = (table[table["curve"] == _gap_name(n)] for n in (1, 2))
    fitting = [days for days in SAMPLED_DAYS if all(days <= watched.get(_gap_name(n), 0) for n in (1, 2))]
    if not fitting or two["at_risk"].max() < FEWEST_WATCHED:
        reason = "Too few customers have bought twice, or too lately, to see whether the second purchase is a gate."
        chapter.state("second_purchase", reason, verdict="unknown")
        return
    days = fitting[-1]
    first, second = share_at(one, days), share_at(two, days)
    ends = between(100 - 100 * second.high, 100 - 100 * second.low)
    chapter.state(
        "second_purchase",
        f"Within {days} days {percent(1 - first.value)} of first purchases are followed by a second, and "
        f"{percent(1 - second.value)} ({ends}%) of second purchases by a third.",
        value=1 - second.value,
        low=1 - second.high,
        high=1 - second.low,
        unit="share of customers",
    )


def _state_cohorts(chapter: Chapter, compared: CohortComparison | Unsaid) -> None:
    if isinstance(compared, Unsaid):
        chapter.state("cohorts_differ", compared.reason, verdict="unknown")
        return
    differ = compared.test.p_value < SIGNIFICANT
    chapter.state(
        "cohorts_differ",
        f"{'A' if differ else 'No'} difference beyond chance can be seen in how soon the customers won in "
        f"{plural(len(compared.cohorts), 'month')} come back: {_chance(compared.test)}.",
        value=compared.test.p_value,
        unit="probability",
        verdict="watch" if differ else "note",
    )


def _chance(test: LogRank) -> str:
    p = f"{test.p_value:.2f}" if test.p_value >= 0.01 else "under 0.01"
    return f"a difference this large would arise by chance with probability {p} (log-rank test)"


def _state_rate(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> None:
    if isinstance(rates, Unsaid):
        chapter.state("retention_rate", rates.reason, verdict="unknown", question="losing")
        return
    last = rates.iloc[-1]
    stayed = last["kept_rate"]
    chapter.state(
        "retention_rate",
        f"Of the customers active at the start of {last['period']} (a purchase in the last "
        f"{chapter.parameters.active_days} days) {stayed:.0f}% ({between(last['low'], last['high'])}%) were active at "
        f"its end and {count(last['lost'])} were not; counting {count(last['reactivated'])} won back, the retention "
        f"rate is {last['crr']:.0f}%.",
        value=stayed,
        low=last["low"],
        high=last["high"],
        unit="%",
        verdict="good" if stayed >= WELL_KEPT else "watch" if stayed >= BADLY_KEPT else "act",
        question="losing",
    )


def _gap_name(purchase: int) -> str:
    return f"{ORDINALS[purchase - 1]} to {ORDINALS[purchase]} purchase"


def _cohort_of(waits: pd.DataFrame) -> pd.Series:
    months = waits["date"].to_numpy().astype("datetime64[M]")
    return pd.Series(months.astype(str), index=waits.index)


def _cohorts_compared(waits: pd.DataFrame) -> list[str]:
    first = waits[waits["purchase_number"] == 1]
    sizes = _cohort_of(first).value_counts().sort_index()
    return list(sizes[sizes >= FEWEST_IN_COHORT].tail(COHORTS_COMPARED).index)
