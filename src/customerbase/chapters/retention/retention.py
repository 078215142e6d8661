"""The steps of `05_retention`: how many come back, how soon, and how many stay active; and the chapter's findings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from models.hazard import life_table
from models.survival import SurvivalAt, kaplan_meier, survival_at

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, if_known, listed, percent, plural
from ..left_cut import left_cut, what_it_means
from . import retention_by_quarter, retention_groups, silence
from .hazard_ratios_in_words import SIGNIFICANT
from .retention_groups import Compared
from .silence import Silence
from .waits import FEWEST_WATCHED, FIRST_TO_SECOND, Waits, waits

__all__ = ["waits"]

COLUMNS = ["curve", "days", "survival", "low", "high", "at_risk"]
SAMPLED_DAYS = (7, 30, 90, 180, 365, 730)
DAYS_SAMPLED = 3
LAST_STRETCH_DAYS = 90
BADLY_LOST = 0.5
KNOWN_TO_TENTHS = 1.0  # points: an interval narrower than this
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
    whom : str
        Who is looked at; empty where it is everybody. Of a ledger that begins after its customers did, the new ones,
        many of whom aren't.
    """

    days: int
    share: SurvivalAt
    late: float
    whom: str = ""


def curves(chapter: Chapter, found: Waits) -> pd.DataFrame:
    """Return a survival curve of the wait for each next purchase, in the columns of the table `retention`.

    Kaplan-Meier; where a customer waits several times in one stage, its band is that of `models.hazard.life_table`.
    """
    given = chapter.parameters
    drawn = [pd.DataFrame(columns=COLUMNS)]
    for stage, rows in found.stages.items():
        if stage.is_single:
            curve = kaplan_meier(rows["days"], rows["observed"], interval=given.interval)
        else:
            curve = life_table(rows, seed=given.seed).curve(given.interval)
        drawn.append(curve.assign(curve=stage.name))
    return pd.concat(drawn[1:] or drawn, ignore_index=True)[COLUMNS]


def table_retention(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `retention` for a chapter that needs it."""
    found = waits(chapter)
    return _table(curves(chapter, found), retention_groups.compare(chapter, found))


def write_tables(chapter: Chapter, table: pd.DataFrame, compared: Compared | Unsaid) -> None:
    """Write the table `retention`: the curves by purchase and those of the groups."""
    chapter.write("retention", _table(table, compared))


def _table(table: pd.DataFrame, compared: Compared | Unsaid) -> pd.DataFrame:
    return table if isinstance(compared, Unsaid) else pd.concat([table, retention_groups.curves(compared)])


@says_why_not
def never_back(chapter: Chapter, table: pd.DataFrame, found: Waits) -> NeverBack:
    """Return the share of customers who have not come back, as far as the ledger can tell."""
    days = found.watched.get(FIRST_TO_SECOND, 0)
    if found.first.height < FEWEST_WATCHED or days < LAST_STRETCH_DAYS:
        reason = (
            f"Who comes back after a first purchase can be said once {FEWEST_WATCHED} customers have been watched for "
            f"{LAST_STRETCH_DAYS} days."
        )
        raise CannotSay(f"{what_it_means(chapter, 'first_purchase') or ''} {reason}".strip())
    curve = table[table["curve"] == FIRST_TO_SECOND]
    share = share_at(curve, days)
    if share.value == 1:
        # nobody has come back: the smallest share of silent customers that would still show only silent ones
        share = share._replace(low=((1 - chapter.parameters.interval) / 2) ** (1 / FEWEST_WATCHED))
    whom = ""
    if left_cut(chapter).cut:
        began = day(found.first["date"].min().date())  # type: ignore[union-attr]
        whom = f"the {plural(found.first['customer'].n_unique(), 'customer')} first seen from {began} on"
    return NeverBack(days, share, share_at(curve, days - LAST_STRETCH_DAYS).value - share.value, whom)


def share_at(curve: pd.DataFrame, days: int) -> SurvivalAt:
    """Return a curve's height; it stays where it ends while its customers are still watched."""
    return survival_at(curve, min(days, curve["days"].max()))


def share_in_words(share: SurvivalAt) -> str:
    """Return a share with its interval in words, to tenths where the interval is narrower than a few of them."""
    low, value, high = (100 * each for each in (share.low, share.value, share.high))
    shown = "{:.1f}" if high - low < KNOWN_TO_TENTHS else "{:.0f}"
    return f"{shown.format(value)}% ({between(low, high, shown)}%)"


def about_first_purchases(chapter: Chapter) -> Unsaid | None:
    """Say whose first purchases are true ones, in a ledger that begins after its customers did; else nothing."""
    meaning = what_it_means(chapter, "first_purchase")
    return Unsaid(meaning) if meaning else None


def lost_table(chapter: Chapter, table: pd.DataFrame, found: Waits) -> ShownTable | None:
    """Show how many are lost after each purchase, and how soon the others are back.

    Nothing is shown where the figure has said why not.
    """
    rows, shown = [], _sampled_days(found)
    for stage, waited in found.stages.items():
        curve = table[table["curve"] == stage.name]
        watched = found.watched[stage.name]
        if not watched:
            continue
        share = share_at(curve, watched)
        sampled = {f"after_{days}": share_at(curve, days).value for days in shown if days <= watched}
        rows.append(
            {
                "stage": stage.after,
                "customers": waited["customer"].n_unique(),
                "lost": share_in_words(share),
                "watched": watched,
                **sampled,
            }
        )
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    columns: Columns = {
        "stage": ("customers", str),
        "customers": ("how many", count),
        **{
            f"after_{days}": (f"not back after {days} days", if_known(percent))
            for days in shown
            if f"after_{days}" in frame
        },
        "lost": ("not back at the end", str),
        "watched": ("which is day", count),
    }
    interval = percent(chapter.parameters.interval)
    return show_table(frame, f"Who is lost after each purchase ({interval} intervals in brackets)", columns)


def _sampled_days(found: Waits) -> list[int]:
    """Return the days on which curves are read, the first of them about the usual wait."""
    usual = found.rows.filter("observed")["days"].median() or 0
    return [days for days in SAMPLED_DAYS if 2 * days >= usual][:DAYS_SAMPLED]  # type: ignore[operator]


def state_findings(
    chapter: Chapter,
    table: pd.DataFrame,
    found: Waits,
    never: NeverBack | Unsaid,
    silent: Silence | Unsaid,
    compared: Compared | Unsaid,
    rates: pd.DataFrame | Unsaid,
) -> None:
    """State who comes back, when silence is alarming, who comes back sooner, and how many stay."""
    _state_never_back(chapter, never)
    _state_gate(chapter, table, found)
    silence.state_findings(chapter, silent)
    retention_groups.state_findings(chapter, compared)
    retention_by_quarter.state_rate(chapter, rates)


def _state_never_back(chapter: Chapter, never: NeverBack | Unsaid) -> None:
    if isinstance(never, Unsaid):
        chapter.state("never_back", never.reason, verdict="unknown")
        return
    value, low, _ = never.share
    reference = chapter.parameters.reference_first_loss
    before = value + never.late
    late = never.late / before if before else 0.0
    settled = never.days >= 2 * LAST_STRETCH_DAYS and late < LATE_RETURN
    statement = (
        f"{share_in_words(never.share)} of {never.whom or 'customers'} have not come "
        f"back {count(never.days)} days after their first purchase"
    )
    if never.whom:
        statement += ". " + what_it_means(chapter, "first_purchase").rstrip(".")  # type: ignore[union-attr]
    else:
        statement += f"; in practice up to {percent(reference)} are lost there"
    if before:
        statement += (
            f". Of those still silent {LAST_STRETCH_DAYS} days earlier {percent(late)} came back since: "
            f"{'few of the others will' if settled else 'they are still coming back'}"
        )
    verdict: Verdict = "act" if value > max(BADLY_LOST, reference) else "watch" if low > reference else "good"
    chapter.state(
        "never_back",
        f"{statement}.",
        value=value,
        low=low,
        high=never.share.high,
        unit="share of customers",
        verdict=verdict if settled and not never.whom else "note",
    )


def _state_gate(chapter: Chapter, table: pd.DataFrame, found: Waits) -> None:
    """State at which purchase most are lost, among the first ones, all watched for the same days."""
    singles = [
        stage
        for stage, rows in found.stages.items()
        if stage.is_single and rows.height >= FEWEST_WATCHED and found.watched[stage.name] >= LAST_STRETCH_DAYS
    ]
    if len(singles) < 2 or singles[0].low > 1:
        reason = "Too few customers have bought twice, or too lately, to see whether the second purchase is a gate."
        chapter.state("second_purchase", reason, verdict="unknown")
        return
    days = min(found.watched[stage.name] for stage in singles)
    lost = {stage: share_at(table[table["curve"] == stage.name], days) for stage in singles}
    shares = [f"{share_in_words(share)} {stage.after}" for stage, share in lost.items()]
    first, second = list(lost.values())[:2]
    apart = _surely_apart(first, second, chapter.parameters.interval)
    gate = (
        "whether more are lost before the second purchase than before the third can't be told"
        if not apart
        else "most are lost before the second purchase"
        if first.value > second.value
        else "fewer are lost before the second purchase than before the third"
    )
    chapter.state(
        "second_purchase",
        f"Not back within {count(days)} days are {listed(shares)}: {gate}.",
        value=first.value - second.value,
        unit="share of customers",
    )


def _surely_apart(one: SurvivalAt, other: SurvivalAt, interval: float) -> bool:
    """Tell whether two shares differ beyond chance; each one's error is read off its interval."""
    reach = np.hypot(one.high - one.low, other.high - other.low) / (2 * ndtri((1 + interval) / 2))
    return bool(2 * ndtr(-abs(one.value - other.value) / reach) < SIGNIFICANT) if reach > 0 else one != other
