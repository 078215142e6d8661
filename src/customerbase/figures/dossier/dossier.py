"""The figure of `dossier`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from typing import TypeGuard

import numpy as np
import pandas as pd
import polars as pl
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from models.ladder import LEFT, RUNGS

from ...chapter import Chapter
from ...chapters.dossier.dossier import NextPurchase, Person
from ...chapters.dossier.dossier_words import LONGEST_WAIT, due_day, likely
from ...unsaid import Unsaid
from ...wording import count, day, money, percent, plural, printable, shortened
from ..style import BLUE, GREEN, INK, ORANGE, QUIET, Picture, drawing, in_dates, in_percent, in_thousands

KINDS_SHOWN = 5
OTHERS = "other"
# of each kind of event its own, on every page; kinds that have no word of ours share one
MARKS = {"contact": "o", "complaint": "X", "refusal": "P", "survey": "s", "return": "v"}
OTHER_MARK = "D"
MANY = 60  # days, from which on their marks are small
SHORTEST = 28  # days of history that a figure is drawn for
ROOM_AHEAD = 0.26  # share of the history that is kept free for what comes next
THINNEST = 0.012  # share of the history as which a shorter window is drawn, to be seen
MIDDLE = 0.4  # a limit from which on there is room for its name below the line
FURTHEST_AHEAD = 0.5
HIGH, LOW, ROW, AROUND, OUTSIDE = 1.35, 0.9, 0.15, 0.28, 0.75  # inches: panels, a named row, what lies around them


def history(chapter: Chapter, person: Person, path: pd.DataFrame | Unsaid, due: NextPurchase | Unsaid) -> Picture:
    """Draw on one axis of time purchases and returns, what else happened, the probability of being alive, the rung.

    Where the base can't say how likely a customer is alive, the latter two are left out.
    """
    events = _rows_of_events(person)
    kinds = _in_order(set(events["row"]))
    heights = [HIGH, *([AROUND + ROW * len(kinds)] if kinds else [])]
    if not isinstance(path, Unsaid):
        heights += [LOW] if _told_alive(path) else []
        heights += [AROUND + ROW * len(RUNGS)]
    title = _told(chapter, person, due)
    with drawing(title, height=sum(heights) + OUTSIDE, rows=len(heights)) as (figure, panels):
        axes = list(np.atleast_1d(panels))
        axes[0].get_gridspec().set_height_ratios(heights)
        _draw_trade(axes[0], chapter, person, due)
        if kinds:
            _draw_events(axes[1], events, kinds)
        for ax in axes:
            ax.axvline(pd.Timestamp(chapter.as_of), color=QUIET, linewidth=1, linestyle=":")
        axes[0].set_xlim(*_span(chapter, person, due))
        if not isinstance(path, Unsaid):
            if _told_alive(path):
                _draw_alive(axes[-2], path, chapter.parameters.alive_limit)
                untold = "" if person.came_back else ": not told by one purchase"
                axes[-2].set_title(f"likely to be a customer still{untold}")
            _draw_rung(axes[-1], path)
        in_dates(axes[-1])
    return Picture(figure, f"{title}. {_in_words(chapter, person, path)}")


def _told_alive(path: pd.DataFrame) -> bool:
    return bool(path["p_alive"].notna().any())


def _told(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> str:
    if person.purchases.is_empty():
        return "Everything that was bought came back"
    silent = (chapter.as_of - person.purchases["date"][-1]).days
    last = "on the last day observed" if silent == 0 else f"{plural(silent, 'day')} ago"
    told = f"{plural(person.purchases.height, 'purchase')} since {person.purchases['date'][0]:%B %Y}, the latest {last}"
    if isinstance(due, Unsaid) or due.untold:
        return told
    return f"{told}; {likely(due.p_alive)} likely to be a customer still"


def _span(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> tuple[pd.Timestamp, pd.Timestamp]:
    days = [*person.lines["date"].dt.date(), *([] if person.events is None else person.events["date"])]
    first, today = pd.Timestamp(min(days)), pd.Timestamp(chapter.as_of)
    length = max((today - first).days, SHORTEST)
    ahead = min(due.high, FURTHEST_AHEAD * length) if _awaited(due) else 0.0
    edge = pd.Timedelta(days=0.03 * length)
    return first - edge, today + pd.Timedelta(days=max(ahead, ROOM_AHEAD * length)) + edge


def _draw_trade(ax: Axes, chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> None:
    _draw_stems(ax, person.purchases, BLUE, "o", "bought")
    _draw_stems(ax, _returned(person), ORANGE, "v", "returned")
    ax.axhline(0, color=QUIET, linewidth=0.8)
    if _awaited(due):
        _draw_due(ax, chapter, person, due)
    ax.set_ylabel(f"{chapter.parameters.currency} a day")
    in_thousands(ax.yaxis)
    ax.legend(frameon=False, ncols=3, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)


def _awaited(due: NextPurchase | Unsaid) -> TypeGuard[NextPurchase]:
    return not isinstance(due, Unsaid) and not due.left and due.days < LONGEST_WAIT


def _draw_due(ax: Axes, chapter: Chapter, person: Person, due: NextPurchase) -> None:
    """Shade the days in which the next purchase is due, and write the day by which at the right edge."""
    ends = [chapter.as_of + dt.timedelta(days=min(days, LONGEST_WAIT)) for days in (due.low, due.high)]
    left, right = date2num([*_span(chapter, person, due)])
    first, last = date2num(ends)
    width = max(last - first, THINNEST * (right - left))
    ax.axvspan(first, first + width, color=GREEN, alpha=0.35, linewidth=0, label="next due")
    date = due_day(chapter, due.days)
    ax.annotate(
        f"next by\n{date.day} {date:%b}\n{date:%Y}",
        (1, 1),
        xycoords="axes fraction",
        xytext=(-2, -3),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8.5,
        fontweight="bold",
        color=GREEN,
    )


def _draw_stems(ax: Axes, days: pl.DataFrame, color: str, mark: str, label: str) -> None:
    if days.is_empty():
        return
    dates, amounts = days["date"].to_list(), days["amount"].to_list()
    ax.vlines(dates, 0, amounts, color=color, linewidth=1.1, alpha=0.75)
    ax.scatter(dates, amounts, s=14 if len(dates) <= MANY else 6, color=color, marker=mark, label=label, linewidths=0)


def _returned(person: Person) -> pl.DataFrame:
    returns = person.lines.filter(pl.col("kind") == "return")
    return returns.group_by(pl.col("date").dt.date()).agg(pl.col("amount").sum()).sort("date")


def _rows_of_events(person: Person) -> pd.DataFrame:
    """Return the events, each with the row it is drawn in: that of its kind, or of all the rarer kinds."""
    if person.events is None or person.events.is_empty():
        return pd.DataFrame(columns=["date", "row"])
    frame = person.events.select("date", "kind").to_pandas()
    often = frame["kind"].value_counts().sort_index().sort_values(ascending=False, kind="stable").index
    rarer = set(often[KINDS_SHOWN:]) if len(often) > KINDS_SHOWN + 1 else set()
    frame["row"] = [OTHERS if kind in rarer else shortened(printable(kind)) for kind in frame["kind"]]
    return frame


def _in_order(rows: Set[str]) -> list[str]:
    """Return kinds of events in an order that is the same on every page."""
    ours = [kind for kind in MARKS if kind in rows]
    return [*ours, *sorted(rows - {*ours, OTHERS}), *({OTHERS} & rows)]


def _draw_events(ax: Axes, events: pd.DataFrame, kinds: list[str]) -> None:
    for place, kind in enumerate(kinds):
        dates = events.loc[events["row"] == kind, "date"]
        ax.scatter(dates, [place] * len(dates), s=16, marker=MARKS.get(kind, OTHER_MARK), color=INK, linewidths=0)
    ax.set_yticks(range(len(kinds)), kinds)
    ax.set_ylim(len(kinds) - 0.5, -0.5)


def _draw_alive(ax: Axes, path: pd.DataFrame, limit: float) -> None:
    ax.plot(path["date"], path["p_alive"], color=BLUE, linewidth=1.5)
    ax.axhline(limit, color=ORANGE, linewidth=1, linestyle="--")
    # right of the last day, where the curve never comes
    below = limit >= MIDDLE
    ax.annotate(
        f"left\nbelow {percent(limit)}",
        (1, limit),
        xycoords=("axes fraction", "data"),
        xytext=(-2, -3 if below else 3),
        textcoords="offset points",
        ha="right",
        va="top" if below else "bottom",
        fontsize=8,
        fontweight="bold",
        color=ORANGE,
    )
    ax.set_ylim(0, 1.04)
    in_percent(ax.yaxis)


def _draw_rung(ax: Axes, path: pd.DataFrame) -> None:
    places = path["rung"].map({rung: place for place, rung in enumerate(RUNGS)})
    ax.step(path["date"], places, where="post", color=GREEN)
    ax.plot(path["date"].iloc[-1:], places.iloc[-1:], "o", color=GREEN, markersize=5)
    ax.set_yticks(range(len(RUNGS)), RUNGS)
    ax.set_ylim(-0.5, len(RUNGS) - 0.5)
    came_back = _times_came_back(path)
    note = f"; left, and came back {_times(came_back)}" if came_back else ""
    ax.set_title(f"rung of the ladder of commitment{note}")


def _times_came_back(path: pd.DataFrame) -> int:
    """Return how often the customer counted as having left, and bought again: how often that was a false alarm."""
    left = path["rung"] == LEFT
    return int((left.shift(fill_value=False) & ~left).sum())


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{count(number)} times")


def _in_words(chapter: Chapter, person: Person, path: pd.DataFrame | Unsaid) -> str:
    def sum_of(days: pl.DataFrame) -> str:
        return money(abs(float(days["amount"].sum())), chapter.parameters.currency)

    told = f"Up to {day(chapter.as_of)} bought for {sum_of(person.purchases)}"
    returned = _returned(person)
    if not returned.is_empty():
        told += f", returned on {plural(returned.height, 'day')} for {sum_of(returned)}"
    if person.events is not None and not person.events.is_empty():
        told += f"; {plural(person.events.height, 'event')} beside the purchases"
    return f"{told}." if isinstance(path, Unsaid) else f"{told}. {_path_in_words(path)}"


def _path_in_words(path: pd.DataFrame) -> str:
    moved = path[path["rung"] != path["rung"].shift()]
    steps = [f"{rung} from {date:%B %Y}" for rung, date in zip(moved["rung"], moved["date"], strict=True)]
    told = steps if len(steps) <= 6 else [*steps[:2], f"{count(len(steps) - 4)} more moves", *steps[-2:]]
    rungs = f"Rungs: {'; '.join(told)}."
    if not _told_alive(path):
        return rungs
    return f"Probability of being a customer, at its lowest: {likely(path['p_alive'].min())}. {rungs}"
