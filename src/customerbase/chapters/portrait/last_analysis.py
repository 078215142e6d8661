"""When the base was last analysed, and which of the figures found then have moved since."""

from __future__ import annotations

import pandas as pd

from ...chapter import Chapter
from ...earlier_runs import EarlierRun
from ...errors import CannotSay
from ...findings import Finding, Findings
from ...shown_table import ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import day, money, number, percent, plural

LARGE = 0.10  # a change by this share of what a figure was is worth a word
LARGE_POINTS = 0.05  # of a share, a change by so much of the whole
SHOWN = 12


@says_why_not
def changes(chapter: Chapter, found: Findings) -> pd.DataFrame:
    """Return the figures that moved far since the base was last analysed, the farthest first.

    Parameters
    ----------
    chapter : Chapter
    found : Findings
        What the chapter finds today.

    Returns
    -------
    pandas.DataFrame
        what (the finding as stated today), then, now and change, in words, and moved, by how many times what counts
        as large. Where both figures have an interval, only those count whose intervals don't meet.
    """
    earlier = _last(chapter)
    before = {finding.id: finding for finding in _findings_of(earlier) if finding.chapter == chapter.name}
    rows = []
    for now in found.findings:
        then = before.get(now.id)
        if then is None or then.value is None or now.value is None or then.unit != now.unit:
            continue
        moved = _moved(then, now)
        if moved >= 1 and not _intervals_meet(then, now):
            words = [_in_words(value, now.unit, chapter) for value in (then.value, now.value)]
            rows.append((now.statement, *words, _change(then.value, now.value, now.unit), moved))
    if not rows:
        raise CannotSay(
            f"Since {day(earlier.as_of)} none of the figures found both then and now moved by {percent(LARGE)}, or by "
            f"{100 * LARGE_POINTS:.0f} points of a share."
        )
    frame = pd.DataFrame(rows, columns=["what", "then", "now", "change", "moved"])
    return frame.sort_values(["moved", "what"], ascending=[False, True], ignore_index=True)


@says_why_not
def change_table(chapter: Chapter, changed: pd.DataFrame) -> ShownTable:
    """Show what moved since the base was last analysed."""
    then = _last(chapter).as_of
    columns = {
        "what": ("what is found today", str),
        "then": (f"on {day(then)}", str),
        "now": (f"on {day(chapter.as_of)}", str),
        "change": ("change", str),
    }
    return show_table(changed.head(SHOWN), f"What has changed most since {day(then)}", columns)


def findings(chapter: Chapter, changed: pd.DataFrame | Unsaid) -> Findings:
    """State when the base was last analysed and what has changed since, after all else the chapter found."""
    every = chapter.parameters.analysis_every_days
    if not chapter.earlier_runs:
        chapter.state("last_analysed", NEVER, verdict="unknown")
        return chapter.findings()
    then = chapter.earlier_runs[0].as_of
    days = (chapter.as_of - then).days
    late = days > every
    statement = f"This base was last analysed as of {day(then)}, {plural(days, 'day')} before"
    statement += f"; practice asks for it at least every {plural(every, 'day')}" if late else ""
    if not isinstance(changed, Unsaid):
        statement += f". Since then {plural(len(changed), 'figure')} moved far"
    chapter.state("last_analysed", f"{statement}.", value=days, unit="days", verdict="watch" if late else "good")
    return chapter.findings()


NEVER = "When this base was last analysed is not recorded: there is no earlier run of it that ends on an earlier day."


def _last(chapter: Chapter) -> EarlierRun:
    if not chapter.earlier_runs:
        raise CannotSay(NEVER)
    return chapter.earlier_runs[0]


def _findings_of(earlier: EarlierRun) -> list[Finding]:
    try:
        return earlier.findings
    except (OSError, ValueError, TypeError):
        raise CannotSay(
            f"What was found as of {day(earlier.as_of)} can't be read, so what has changed since can't be told."
        ) from None


def _is_share(unit: str) -> bool:
    return unit.startswith("share") or unit == "%"


def _points(change: float, unit: str) -> float:
    return change if unit == "%" else 100 * change


def _moved(then: Finding, now: Finding) -> float:
    """Return how far a figure moved, in units of what counts as large."""
    change = abs(now.value - then.value)  # type: ignore[operator]
    if _is_share(now.unit):
        return round(_points(change, now.unit) / (100 * LARGE_POINTS), 9)
    if then.value == 0:
        return float("inf") if change else 0.0
    return round(change / abs(then.value) / LARGE, 9)  # type: ignore[arg-type]


def _intervals_meet(then: Finding, now: Finding) -> bool:
    ends = (then.low, then.high, now.low, now.high)
    return None not in ends and then.low <= now.high and now.low <= then.high  # type: ignore[operator]


def _change(then: float, now: float, unit: str) -> str:
    if _is_share(unit):
        return f"{_points(now - then, unit):+.0f} points"
    return f"{100 * (now - then) / abs(then):+.0f}%" if then else "from nothing"


def _in_words(value: float, unit: str, chapter: Chapter) -> str:
    if _is_share(unit):
        return f"{value:.0f}%" if unit == "%" else percent(value)
    return money(value, unit) if unit == chapter.parameters.currency else number(value)
