"""The figures of contracts in `05_retention`."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, percent, plural
from ..style import BLUE, GREEN, INK, ORANGE, QUIET, Picture, drawing, in_percent, label_ends, label_line

MOST_MARKED = 40  # points that can still be told from one another
ROOM_BELOW = 0.12  # share of the axis that a line of text takes


@says_why_not
def survival(base: Any, projection: Any, interval: float) -> Picture:
    """Draw the share of contracts still on after each renewal, and what is to be expected beyond."""
    seen, curve = base.curve.dropna(subset="survival"), projection.curve
    last, end = seen.iloc[-1], curve.iloc[-1]
    period = base.period
    title = (
        f"{percent(last['survival'])} of contracts are still on after {plural(last['renewal'], period)}; "
        f"{percent(end['survival'])} are expected to be after {count(end['renewal'])}"
        if last["renewal"] > 0
        else f"{percent(end['survival'])} of contracts are expected to be on after {plural(end['renewal'], period)}"
    )
    with drawing(title, height=3.5) as (figure, ax):
        ax.fill_between(curve["renewal"], curve["low"], curve["high"], color=ORANGE, alpha=0.2, linewidth=0)
        fitted = curve["renewal"] <= base.curve["renewal"].iloc[-1]
        ax.plot(curve["renewal"][fitted], curve["survival"][fitted], color=ORANGE)
        beyond = curve[curve["renewal"] >= curve["renewal"][fitted].max()]
        ax.plot(beyond["renewal"], beyond["survival"], color=ORANGE, linestyle="--")
        spread = [seen["survival"] - seen["low"], seen["high"] - seen["survival"]]
        marked = "o" if len(seen) <= MOST_MARKED else ""
        ax.errorbar(
            seen["renewal"], seen["survival"], yerr=spread, fmt=marked, color=BLUE, markersize=4, capsize=2, linewidth=1
        )
        _finish(ax, f"{period}s since the contract began", f"still on (bars, band: {percent(interval)} intervals)")
        ax.set_xlim(-0.02 * end["renewal"], end["renewal"] * 1.02)
        middle = seen.iloc[min(max(len(seen) // 3, 1), len(seen) - 1)]
        below = end["low"] > ROOM_BELOW
        named = "high" if middle["high"] < 1 - ROOM_BELOW else "low"
        label_line(
            ax, middle["renewal"], middle[named], "what was seen", BLUE, offset=(6, 9 if named == "high" else -14)
        )
        model = "shifted-beta-geometric"
        at = end["low" if below else "high"]
        label_line(ax, end["renewal"], at, model, ORANGE, offset=(0, -9 if below else 9), ha="right")
    shares = "; ".join(f"{count(r.renewal)}: {percent(r.survival)}" for r in seen.head(13).itertuples())
    return Picture(
        figure,
        f"{title} ({between(100 * end['low'], 100 * end['high'])}%). Still on after so many {period}s: {shares}.",
    )


def held_out(base: Any, test: Any, interval: float) -> Picture | Unsaid | None:
    """Draw what became of the contracts running on an earlier day beside what would have been foretold then.

    Nothing is shown on a base without contracts, which the figure before has said.
    """
    return None if isinstance(base, Unsaid) else _held_out(base, test, interval)


@says_why_not
def _held_out(base: Any, test: Any, interval: float) -> Picture:
    table, period = test.table, base.period
    running = table["actual"].iloc[0]
    share = table.drop(columns="ahead") / running
    end = share.iloc[-1]
    title = (
        f"Foretold {plural(test.periods, period)} ahead, {percent(end['model'])} of contracts would be renewed "
        f"each time; {percent(end['actual'])} were"
    )
    names = {"model": "shifted-beta-geometric", "constant": "one churn rate", "line": "straight line"}
    colors = {"actual": INK, "model": ORANGE, "constant": GREEN, "line": QUIET}
    dashes = {"model": "-", "constant": "--", "line": ":"}
    with drawing(title, height=3.5) as (figure, ax):
        ax.fill_between(table["ahead"], share["low"], share["high"], color=ORANGE, alpha=0.2, linewidth=0)
        for name, dash in dashes.items():
            ax.plot(table["ahead"], share[name], color=colors[name], linestyle=dash)
        marked = "o" if len(table) <= MOST_MARKED else "-"
        ax.plot(table["ahead"], share["actual"], marked, color=INK, markersize=5, zorder=3, clip_on=False)
        lowest = float(np.min([share[name].min() for name in (*dashes, "low", "actual")]))
        _finish(ax, f"{period}s after {day(test.cut)}", f"renewed so far (band: {percent(interval)} interval)")
        ax.set_ylim(max(0.0, lowest - 0.06), 1.02)
        ax.set_xlim(0, test.periods * 1.01)
        ends = ("actual", *dashes)
        label_ends(
            ax,
            test.periods,
            [float(end[name]) for name in ends],
            ["what came", *(names[name] for name in dashes)],
            [colors[name] for name in ends],
        )
    told = "; ".join(f"{names[name]}: {percent(end[name], 1)}" for name in dashes)
    return Picture(figure, f"{title}, of {count(running)}. {told}.")


def _finish(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_ylim(0, 1.02)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    in_percent(ax.yaxis)
