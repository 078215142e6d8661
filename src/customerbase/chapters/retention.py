"""The steps of `05_retention`: how many come back, how soon, and how many stay active."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.retention_rate import retention_rate
from models.survival import LogRank, SurvivalAt, kaplan_meier, log_rank, purchase_gaps, survival_at

from ..chapter import Chapter
from ..errors import CannotSay
from ..findings import Findings
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import between, count, number, percent, plural

ORDINALS = ("first", "second", "third", "fourth", "fifth")
GAPS_SHOWN = 4
FEWEST_AT_RISK = 30  # fewer leave a curve's end to a handful of customers
FEWEST_IN_COHORT = 30
COHORTS_COMPARED = 12
SAMPLED_DAYS = (30, 60, 90, 180, 365, 730)
LAST_STRETCH_DAYS = 90
SIGNIFICANT = 0.05
REFERENCE_CRR = 70.0  # per cent; the rate of repurchase at Toyota that practice quotes
FIRST_TO_SECOND = "first to second purchase"


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
    chosen = {_gap_name(n): waits["purchase_number"] == n for n in range(1, GAPS_SHOWN)}
    chosen[f"{ORDINALS[GAPS_SHOWN - 1]} and later purchases to the next"] = waits["purchase_number"] >= GAPS_SHOWN
    kept = {name: waits[rows] for name, rows in chosen.items() if rows.any()}
    first = waits[waits["purchase_number"] == 1]
    kept |= {f"first bought in {name}": first[_cohort_of(first) == name] for name in _cohorts_compared(waits)}
    drawn = [
        kaplan_meier(rows["days"], rows["observed"], interval=chapter.parameters.interval).assign(curve=name)
        for name, rows in kept.items()
    ]
    return pd.concat(drawn, ignore_index=True)[["curve", "days", "survival", "low", "high", "at_risk"]]


def write_tables(chapter: Chapter, table: pd.DataFrame) -> None:
    """Write the table `retention`."""
    chapter.write("retention", table)


def curve_table(table: pd.DataFrame) -> ShownTable:
    """Show who is not back after chosen times, by purchase."""
    rows = []
    for name in (n for n in table["curve"].unique() if not n.startswith("first bought")):
        curve = table[table["curve"] == name]
        shares = {f"after_{days}": survival_at(curve, days).value for days in SAMPLED_DAYS}
        rows.append({"curve": name, "customers": curve["at_risk"].iloc[0], **shares})
    frame = pd.DataFrame(rows)
    shown = [days for days in SAMPLED_DAYS if frame[f"after_{days}"].notna().any()]
    columns: Columns = {
        "curve": ("from which purchase", str),
        "customers": ("purchases", count),
        **{f"after_{days}": (f"not back after {days} days", _share_or_blank) for days in shown},
    }
    return show_table(frame, "Share of purchases not yet followed by another", columns)


@says_why_not
def never_back(table: pd.DataFrame) -> NeverBack:
    """Return the share of customers who never came back, as far as the ledger can tell."""
    curve = table[table["curve"] == FIRST_TO_SECOND]
    watched = curve[curve["at_risk"] >= FEWEST_AT_RISK]
    if watched.empty or watched["days"].iloc[-1] < 1:
        raise CannotSay(
            f"Who comes back after a first purchase can be said from {FEWEST_AT_RISK} customers watched for a day up."
        )
    days = int(watched["days"].iloc[-1])
    share = survival_at(curve, days)
    earlier = survival_at(curve, max(0, days - LAST_STRETCH_DAYS))
    return NeverBack(days, share, earlier.value - share.value)


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
    never: NeverBack | Unsaid,
    compared: CohortComparison | Unsaid,
    rates: pd.DataFrame | Unsaid,
) -> Findings:
    """State what the chapter found."""
    _state_never_back(chapter, never)
    _state_gate(chapter, table)
    _state_cohorts(chapter, compared)
    _state_rate(chapter, rates)
    return chapter.findings()


def _state_never_back(chapter: Chapter, never: NeverBack | Unsaid) -> None:
    if isinstance(never, Unsaid):
        chapter.state("never_back", never.reason, verdict="unknown")
        return
    value, low, high = never.share
    chapter.state(
        "never_back",
        f"{percent(value, 1)} ({between(100 * low, 100 * high, '{:.1f}')}%) of customers have not come back "
        f"{count(never.days)} days after their first purchase; only {percent(never.late, 1)} came back in the last "
        f"{min(LAST_STRETCH_DAYS, never.days)} of these days, so most of them never will.",
        value=value,
        low=low,
        high=high,
        unit="share of customers",
        verdict="act" if value > 0.5 else "watch" if value > 0.3 else "good",
    )


def _state_gate(chapter: Chapter, table: pd.DataFrame) -> None:
    names = [_gap_name(1), _gap_name(2)]
    days, shares = _common_day(table, names)
    if days is None:
        chapter.state(
            "second_purchase",
            "Too few customers have bought twice to see whether the second purchase is a gate.",
            verdict="unknown",
        )
        return
    first, second = (1 - share.value for share in shares)
    better = "more" if second > first else "less"
    chapter.state(
        "second_purchase",
        f"Within {days} days {percent(first)} of first purchases are followed by a second, and {percent(second)} "
        f"({between(100 - 100 * shares[1].high, 100 - 100 * shares[1].low)}%) of second purchases by a third: "
        f"whoever buys twice is {better} likely to go on.",
        value=second,
        low=1 - shares[1].high,
        high=1 - shares[1].low,
        unit="share of customers",
        verdict="note",
    )


def _common_day(table: pd.DataFrame, names: list[str]) -> tuple[int | None, list[SurvivalAt]]:
    """Return the longest sampled time at which every curve still watches enough customers, and the shares then."""
    found = [table[table["curve"] == name] for name in names]
    if any(curve.empty for curve in found):
        return None, []
    ends = [curve.loc[curve["at_risk"] >= FEWEST_AT_RISK, "days"].max() for curve in found]
    fitting = [days for days in SAMPLED_DAYS if days <= min(ends)]
    return (fitting[-1], [survival_at(curve, fitting[-1]) for curve in found]) if fitting else (None, [])


def _state_cohorts(chapter: Chapter, compared: CohortComparison | Unsaid) -> None:
    if isinstance(compared, Unsaid):
        chapter.state("cohorts_differ", compared.reason, verdict="unknown")
        return
    differ = compared.test.p_value < SIGNIFICANT
    chapter.state(
        "cohorts_differ",
        f"The customers won in {plural(len(compared.cohorts), 'month')} come back "
        f"{'at different speeds' if differ else 'alike'}: {_chance(compared.test)}.",
        value=compared.test.p_value,
        unit="probability",
        verdict="watch" if differ else "note",
    )


def _chance(test: LogRank) -> str:
    p = f"{test.p_value:.2f}" if test.p_value >= 0.01 else "under 0.01"
    return f"a difference this large would arise by chance with probability {p} (log-rank test)"


def _state_rate(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> None:
    if isinstance(rates, Unsaid):
        chapter.state("retention_rate", rates.reason, verdict="unknown")
        return
    last = rates.iloc[-1]
    chapter.state(
        "retention_rate",
        f"The retention rate of {last['period']} was {last['crr']:.0f}% (practice quotes {REFERENCE_CRR:.0f}% as a "
        f"good one); {last['kept_rate']:.0f}% of those active at its start stayed active, {count(last['lost'])} did "
        f"not, and {count(last['reactivated'])} were won back.",
        value=last["crr"],
        unit="%",
        verdict="good" if last["crr"] >= REFERENCE_CRR else "act",
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


def _share_or_blank(share: float) -> str:
    return "" if pd.isna(share) else percent(share)
