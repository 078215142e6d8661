"""The figures of `05_retention`: who comes back, when silence is alarming, who comes back sooner, who stays."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ...chapters.retention.hazard_ratios_in_words import chance, sentence_start
from ...chapters.retention.retention import share_in_words
from ...chapters.retention.retention_groups import none_differ
from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, key, listed, percent, plural
from ..style import BLUE, INK, ORANGE, QUIET, SERIES, Picture, drawing, in_percent, label_line
from .names_above import names_above

if TYPE_CHECKING:
    from ...chapters.retention.retention import NeverBack
    from ...chapters.retention.retention_groups import Compared, Grouping
    from ...chapters.retention.silence import Silence
    from ...chapters.retention.waits import Waits

FIRST_TO_SECOND = "first to second purchase"
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
GROUPINGS_DRAWN = 3
LONGEST_LABEL = 20
DAYS_DRAWN = 4  # so many times the day on which groups are compared
MARKED_DAYS = (1, 3, 7, 14, 30, 90, 180, 365, 730, 1460)
PAST_THE_LAST = 1.35  # how far beyond the last alarming day the figure of silence goes


@says_why_not
def first_to_second(table: pd.DataFrame, never: NeverBack, reference: float, interval: float) -> Picture:
    """Draw who has not come back since the first purchase, with the confidence band, beside what practice loses."""
    curve = _watched(table, FIRST_TO_SECOND, never.days)
    who = never.whom or "customers"
    title = f"{percent(never.share.value)} of {who} have not come back {count(never.days)} days after their first"
    told = share_in_words(never.share)
    with drawing(f"{title} purchase") as (figure, ax):
        _draw(ax, curve, BLUE, "-")
        ax.plot([never.days], [never.share.value], "o", color=BLUE, markersize=5)
        above = never.share.value < 0.8
        lately = curve[curve["days"] >= 0.7 * never.days]
        label_line(
            ax,
            never.days,
            lately["high"].max() if above else lately["low"].min(),
            told.replace(" (", "\n("),
            BLUE,
            offset=(0, 3 if above else -3),
            ha="right",
            va="bottom" if above else "top",
        )
        _finish(ax, "days since the first purchase", f"not yet back (band: {percent(interval)} interval)")
        if not never.whom:
            _draw_reference(ax, curve, never, reference)
    alt = f"{title} purchase: {told}. Kaplan-Meier curve with its {percent(interval)} band"
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
    """Draw the wait for the next purchase by how many went before: of the first stage, the last and one between.

    On an axis of days that is finer near the purchase, since the curves of frequent buyers fall within days.
    """
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
    drawn = _spread(len(stages))
    with drawing(title, height=4.0) as (figure, ax):
        for number, color, dashes in zip(drawn, SERIES, DASHES, strict=False):
            _draw(ax, curves[number], color, dashes, name=stages[number].after)
        _finish(ax, "days since the last purchase", f"not yet back (bands: {percent(interval)} intervals)")
        ax.set_xscale("log")
        ax.set_xlim(1, max(watched[number] for number in drawn))
        ax.xaxis.set_major_locator(FixedLocator([day for day in MARKED_DAYS if day <= max(watched)]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda day, _: count(day)))
        ax.xaxis.set_minor_locator(NullLocator())
        names_above(ax)
    rows = "; ".join(f"{stage.after}: {percent(share)}" for stage, share in zip(stages, back, strict=True))
    return Picture(figure, f"{title}. Followed by another within {count(min(watched))} days: {rows}.")


@says_why_not
def alarming_silence(found: Silence, interval: float) -> Picture:
    """Draw the chance to buy soon by how long a customer has been silent, with the day from which that is unusual.

    Of several stages the first, the last and one between them are drawn.
    """
    days = found.stages.set_index("after")["alarm"].to_dict()
    there = list(found.chances)
    if not there:
        raise CannotSay(f"Nobody has been watched for {count(found.window)} days of silence yet.")
    drawn = [there[at] for at in _spread(len(there))]
    most = found.stages.sort_values("silent", kind="stable").iloc[-1]
    title = (
        f"{most['after'].capitalize()}, {count(most['silent'])} of {count(most['waiting'])} have been silent for "
        f"{plural(most['alarm'], 'day')} or more"
    )
    longest = max(PAST_THE_LAST * max(days[after] for after in drawn), found.window)
    with drawing(title, height=4.0) as (figure, ax):
        ax.set_xlim(0, longest)
        for after, color, dashes in zip(drawn, SERIES, DASHES, strict=False):
            chance = found.chances[after]
            shown = chance[chance["days"] <= longest]
            at = shown[shown["days"] == days[after]]
            beyond = " (line ends before)" if at.empty else ""
            name = f"{after}: day {count(days[after])}{beyond}"
            ax.plot(shown["days"], shown["chance"], color=color, linestyle=dashes, label=name)
            ax.fill_between(shown["days"], shown["low"], shown["high"], color=color, alpha=0.2, linewidth=0)
            ax.plot(at["days"], at["chance"], "o", color=color, markersize=6, markeredgecolor="white", zorder=4)
        _finish(
            ax,
            "days of silence since the last purchase",
            f"buy within the next {found.window} days\n(bands: {percent(interval)} intervals)",
        )
        names_above(ax)
    rows = "; ".join(f"{after} from day {count(day)} on" for after, day in days.items())
    return Picture(figure, f"{title}. Silence is alarming {rows}.")


@says_why_not
def by_group(compared: Compared, interval: float) -> Picture:
    """Draw how soon customers come back in the groupings that differ most surely."""
    differing = [grouping for grouping in compared.groupings if grouping.differs]
    if not differing:
        raise CannotSay(none_differ(compared))
    parts = [(part, grouping) for grouping in differing for part in grouping.shown][:GROUPINGS_DRAWN]
    drawn = [part for part, _ in parts]
    title = f"Who comes back sooner differs by {listed(list(dict.fromkeys(whole.words for _, whole in parts)))}"
    with drawing(title, height=0.9 + 2.4 * len(drawn), rows=len(drawn)) as (figure, axes):
        for ax, (grouping, whole) in zip(np.atleast_1d(axes), parts, strict=True):
            _draw_grouping(ax, grouping, interval, "log-rank over all kinds" if whole.within else "log-rank")
        ax.set_xlabel("days since the first purchase")
        ax.set_xlim(0, max(max(_last_days(grouping).values()) for grouping in drawn))
    rows = " ".join(_in_words(grouping) for grouping in drawn)
    return Picture(figure, f"{title}. {rows}")


def _draw_grouping(ax: Axes, grouping: Grouping, interval: float, test: str) -> None:
    last = _last_days(grouping)
    names = list(grouping.groups["group"])
    for name, color, dashes in zip(names, SERIES, DASHES, strict=False):
        _draw(ax, _until(grouping.curves[name], last[name]), color, dashes, name=key(name, LONGEST_LABEL))
    _finish(ax, "", f"not yet back\n(bands: {percent(interval)})")
    ax.set_title(f"{grouping.words} ({test}, p {chance(grouping.p_value)}, corrected)", color=QUIET, fontsize=8.5)
    # who comes back least has the highest curve, and the groups begin with those who come back most
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(
        handles[::-1],
        labels[::-1],
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=8,
        handlelength=2.4,
    )


def _last_days(grouping: Grouping) -> dict[str, int]:
    return {name: min(watched, DAYS_DRAWN * grouping.days) for name, watched in grouping.watched.items()}


def _in_words(grouping: Grouping) -> str:
    groups = grouping.groups
    rows = "; ".join(
        f"{key(name)}: {percent(back)}" for name, back in zip(groups["group"], groups["back"], strict=True)
    )
    return f"{sentence_start(grouping.words)}, back within {count(grouping.days)} days: {rows}."


def _spread(number: int) -> list[int]:
    """Return which of so many curves are drawn: the first, the last and one between, which can still be told apart."""
    return sorted({0, number // 2, number - 1})


def _height(curve: pd.DataFrame, days: int) -> float:
    return float(curve.loc[curve["days"] <= days, "survival"].iloc[-1])


def _watched(table: pd.DataFrame, name: str, days: int) -> pd.DataFrame:
    """Return a curve as far as it is watched by more than a handful, flat where nothing happens any more."""
    return _until(table[table["curve"] == name], days)


def _until(curve: pd.DataFrame, days: int) -> pd.DataFrame:
    curve = curve[curve["days"] <= days]
    end = curve.iloc[[-1]].assign(days=days)
    return pd.concat([curve, end], ignore_index=True)


def _draw(ax: Axes, curve: pd.DataFrame, color: str, dashes: Any, name: str | None = None) -> None:
    ax.step(curve["days"], curve["survival"], where="post", color=color, linestyle=dashes, label=name)
    ax.fill_between(curve["days"], curve["low"], curve["high"], step="post", color=color, alpha=0.2, linewidth=0)


def _finish(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_ylim(0, 1.02)
    ax.set_xlim(left=0)
    in_percent(ax.yaxis)
    ax.tick_params(axis="x", color=INK)
