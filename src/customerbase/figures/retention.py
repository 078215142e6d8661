"""The figures of `05_retention`: who comes back, when silence is alarming, who comes back sooner, who stays."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from ..chapters.hazard_ratios_in_words import sentence_start
from ..chapters.retention_groups import none_differ
from ..errors import CannotSay
from ..unsaid import says_why_not
from ..wording import between, count, key, listed, percent
from .style import BLUE, INK, ORANGE, QUIET, SERIES, Picture, drawing, in_percent, label_ends, label_line

if TYPE_CHECKING:
    from ..chapters.retention import NeverBack
    from ..chapters.retention_groups import Compared, Grouping
    from ..chapters.silence import Silence
    from ..chapters.waits import Waits

FIRST_TO_SECOND = "first to second purchase"
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
GROUPINGS_DRAWN = 3
LONGEST_LABEL = 20
DAYS_DRAWN = 4  # so many times the day on which groups are compared
LINE, LINE_OF_PANEL = 0.055, 0.08  # of text, as a share of a figure's and of a panel's height
PAST_THE_LAST = 1.35  # how far beyond the last alarming day the figure of silence goes


@says_why_not
def first_to_second(table: pd.DataFrame, never: NeverBack, reference: float, interval: float) -> Picture:
    """Draw who has not come back since the first purchase, with the confidence band, beside what practice loses."""
    curve = _watched(table, FIRST_TO_SECOND, never.days)
    who = never.whom or "customers"
    title = f"{percent(never.share.value)} of {who} have not come back {count(never.days)} days after their first"
    ends = between(100 * never.share.low, 100 * never.share.high, "{:.1f}")
    with drawing(f"{title} purchase") as (figure, ax):
        _draw(ax, curve, BLUE, "-")
        ax.plot([never.days], [never.share.value], "o", color=BLUE, markersize=5)
        reach = f"{percent(never.share.value, 1)}\n({ends})"
        above = never.share.value < 0.8
        lately = curve[curve["days"] >= 0.7 * never.days]
        label_line(
            ax,
            never.days,
            lately["high"].max() if above else lately["low"].min(),
            reach,
            BLUE,
            offset=(0, 3 if above else -3),
            ha="right",
            va="bottom" if above else "top",
        )
        _finish(ax, "days since the first purchase", f"not yet back (band: {percent(interval)} interval)")
        if not never.whom:
            _draw_reference(ax, curve, never, reference)
    alt = f"{title} purchase ({ends}%). Kaplan-Meier curve with its {percent(interval)} band"
    return Picture(figure, f"{alt}." if never.whom else f"{alt}, beside the {percent(reference)} practice loses there.")


def _draw_reference(ax: Axes, curve: pd.DataFrame, never: NeverBack, reference: float) -> None:
    """Draw what practice loses after a first purchase, with its name where the curve leaves room."""
    ax.axhline(reference, color=ORANGE, linestyle="--", linewidth=1.2)
    below, right = never.share.value > reference, _height(curve, never.days // 3) < reference
    label_line(
        ax,
        never.days if right else 0,
        reference,
        f"practice: up to {percent(reference)} lost",
        ORANGE,
        offset=(0 if right else 4, -4 if below else 4),
        ha="right" if right else "left",
        va="top" if below else "bottom",
    )


@says_why_not
def by_purchase(table: pd.DataFrame, waits: Waits, interval: float) -> Picture:
    """Draw the wait for the next purchase by how many went before."""
    stages = [stage for stage in waits.stages if waits.watched[stage.name] > 0]
    if not stages:
        raise CannotSay("No purchase has been watched for a whole day yet.")
    watched = [waits.watched[stage.name] for stage in stages]
    curves = [_watched(table, stage.name, days) for stage, days in zip(stages, watched, strict=True)]
    back = [1 - _height(curve, min(watched)) for curve in curves]
    rising = len(back) > 1 and all(later > earlier for earlier, later in pairwise(back))
    title = (
        "The more purchases a customer has made, the likelier the next" if rising else "Who buys again, and how soon"
    )
    with drawing(title, height=3.8) as (figure, ax):
        for curve, color, dashes in zip(curves, SERIES, DASHES, strict=False):
            _draw(ax, curve, color, dashes)
        _finish(ax, "days since the last purchase", f"not yet followed (bands: {percent(interval)} intervals)")
        ends = _apart([curve["survival"].iloc[-1] for curve in curves], LINE)
        label_ends(ax, max(watched), ends, _short([stage.after for stage in stages]), SERIES)
    rows = "; ".join(f"{stage.after}: {percent(share)}" for stage, share in zip(stages, back, strict=True))
    return Picture(figure, f"{title}. Followed by another within {count(min(watched))} days: {rows}.")


@says_why_not
def alarming_silence(found: Silence, share: float, interval: float) -> Picture:
    """Draw the chance to buy soon by how long a customer has been silent, with the day from which that is unusual.

    Of several stages the first, the last and one between them are drawn.
    """
    days = found.stages.set_index("after")["day"].to_dict()
    there = list(found.chances)
    if not there:
        raise CannotSay(f"Nobody has been watched for {count(found.window)} days of silence yet.")
    drawn = [there[at] for at in sorted({0, len(there) // 2, len(there) - 1})]
    title = (
        f"{drawn[-1].capitalize()}, {percent(share)} of those who come back are back by day {count(days[drawn[-1]])}"
    )
    longest = max(PAST_THE_LAST * max(days[after] for after in drawn), found.window)
    with drawing(title, height=3.8) as (figure, ax):
        ax.set_xlim(0, longest)
        for after, color, dashes in zip(drawn, SERIES, DASHES, strict=False):
            chance = found.chances[after]
            shown = chance[chance["days"] <= longest]
            ax.plot(shown["days"], shown["chance"], color=color, linestyle=dashes)
            ax.fill_between(shown["days"], shown["low"], shown["high"], color=color, alpha=0.2, linewidth=0)
            _mark(ax, shown, days[after], after, color)
        _finish(
            ax,
            "days of silence since the last purchase",
            f"buy within the next {found.window} days\n(bands: {percent(interval)} intervals)",
        )
    rows = "; ".join(f"{after}: day {count(day)}" for after, day in days.items())
    return Picture(figure, f"{title}. The day by which {percent(share)} are back, {rows}.")


@says_why_not
def by_group(compared: Compared, interval: float) -> Picture:
    """Draw how soon customers come back in the groupings that differ most surely."""
    differing = [grouping for grouping in compared.groupings if grouping.differs]
    if not differing:
        raise CannotSay(none_differ(compared))
    drawn = differing[:GROUPINGS_DRAWN]
    title = f"Who comes back sooner differs by {listed([grouping.words for grouping in drawn])}"
    with drawing(title, height=0.9 + 2.4 * len(drawn), rows=len(drawn)) as (figure, axes):
        for ax, grouping in zip(np.atleast_1d(axes), drawn, strict=True):
            _draw_grouping(ax, grouping, interval)
        ax.set_xlabel("days since the first purchase")
        ax.set_xlim(0, max(max(_last_days(grouping).values()) for grouping in drawn))
    rows = " ".join(_in_words(grouping) for grouping in drawn)
    return Picture(figure, f"{title}. {rows}")


@says_why_not
def rates(by_quarter: pd.DataFrame, interval: float) -> Picture:
    """Draw the retention rate by quarter, and the share of active customers who stayed, with its interval."""
    shown = by_quarter.tail(16)
    last = shown.iloc[-1]
    title = (
        f"In {last['period']} {100 - last['kept_rate']:.0f}% of active customers fell silent; "
        f"{count(last['lost'])} did, and {count(last['reactivated'])} came back"
    )
    with drawing(title) as (figure, ax):
        place = np.arange(len(shown))
        spread = [shown["kept_rate"] - shown["low"], shown["high"] - shown["kept_rate"]]
        ax.plot(place, shown["crr"], "D--", color=ORANGE, markersize=5)
        ax.errorbar(place, shown["kept_rate"], yerr=spread, fmt="o-", color=BLUE, capsize=3)
        ax.set_ylim(0, max(105, shown["crr"].max() * 1.05))
        label_ends(ax, place[-1] + 0.12, [last["crr"], last["kept_rate"]], ["CRR", "stayed active"], [ORANGE, BLUE])
        ax.set_xticks(place, shown["period"], rotation=45 if len(shown) > 4 else 0)
        ax.set_xlim(-0.5, len(shown) - 0.2)
        ax.set_ylabel(f"% of customers active at the start\n(bars: {percent(interval)} interval)")
    rows = "; ".join(f"{r.period}: CRR {r.crr:.0f}%, stayed {r.kept_rate:.0f}%" for r in shown.itertuples())
    return Picture(figure, f"{title}. By quarter: {rows}.")


def _mark(ax: Axes, chance: pd.DataFrame, day: int, name: str, color: str) -> None:
    """Mark a day on a curve, or name the curve at its end where it isn't watched for so long."""
    watched = chance["days"].iloc[-1] >= day
    at = chance[chance["days"] == day] if watched else chance.iloc[[-1]]
    text = f"{name}: day {count(day)}" if watched else name
    if watched:
        ax.plot(at["days"], at["chance"], "o", color=color, markersize=6, markeredgecolor="white", zorder=4)
    halo = [withStroke(linewidth=2.5, foreground="white")]
    right = at["days"].iloc[0] < 0.5 * ax.get_xlim()[1]
    offset, ha = ((3, 4), "left") if right else ((-3, 4), "right")
    label_line(
        ax, at["days"].iloc[0], at["high"].iloc[0], text, color, offset=offset, ha=ha, va="bottom", path_effects=halo
    )


def _draw_grouping(ax: Axes, grouping: Grouping, interval: float) -> None:
    last = _last_days(grouping)
    names = list(grouping.groups["group"])
    curves = [_until(grouping.curves[name], last[name]) for name in names]
    for curve, color, dashes in zip(curves, SERIES, DASHES, strict=False):
        _draw(ax, curve, color, dashes)
    _finish(ax, "", f"not yet back\n(bands: {percent(interval)})")
    p = f"p {'< 0.001' if grouping.p_value < 0.001 else f'= {grouping.p_value:.3f}'}, corrected"
    ax.set_title(f"{grouping.words} (log-rank, {p})", color=QUIET)
    heights = _apart([curve["survival"].iloc[-1] for curve in curves], LINE_OF_PANEL)
    label_ends(ax, max(last.values()), heights, [key(name, LONGEST_LABEL) for name in names], SERIES)


def _last_days(grouping: Grouping) -> dict[str, int]:
    return {name: min(watched, DAYS_DRAWN * grouping.days) for name, watched in grouping.watched.items()}


def _in_words(grouping: Grouping) -> str:
    groups = grouping.groups
    rows = "; ".join(
        f"{key(name)}: {percent(back)}" for name, back in zip(groups["group"], groups["back"], strict=True)
    )
    return f"{sentence_start(grouping.words)}, back within {count(grouping.days)} days: {rows}."


def _apart(heights: list[float], line: float) -> list[float]:
    """Raise names that would lie on each other, so that none falls below the axis."""
    raised: dict[int, float] = {}
    floor = 0.0
    for number in sorted(range(len(heights)), key=lambda at: heights[at]):
        raised[number] = max(heights[number], floor)
        floor = raised[number] + line
    return [raised[number] for number in range(len(heights))]


def _short(stages: list[str]) -> list[str]:
    return [after.replace(" purchases", "").replace(" purchase", "") for after in stages]


def _height(curve: pd.DataFrame, days: int) -> float:
    return float(curve.loc[curve["days"] <= days, "survival"].iloc[-1])


def _watched(table: pd.DataFrame, name: str, days: int) -> pd.DataFrame:
    """Return a curve as far as it is watched by more than a handful, flat where nothing happens any more."""
    return _until(table[table["curve"] == name], days)


def _until(curve: pd.DataFrame, days: int) -> pd.DataFrame:
    curve = curve[curve["days"] <= days]
    end = curve.iloc[[-1]].assign(days=days)
    return pd.concat([curve, end], ignore_index=True)


def _draw(ax: Axes, curve: pd.DataFrame, color: str, dashes: Any, band: bool = True) -> None:
    ax.step(curve["days"], curve["survival"], where="post", color=color, linestyle=dashes)
    if band:
        ax.fill_between(curve["days"], curve["low"], curve["high"], step="post", color=color, alpha=0.2, linewidth=0)


def _finish(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_ylim(0, 1.02)
    ax.set_xlim(left=0)
    in_percent(ax.yaxis)
    ax.tick_params(axis="x", color=INK)
