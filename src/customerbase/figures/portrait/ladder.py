"""The figures of the ladder of commitment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from models.ladder import MOVES, NOT_YET, RUNGS

from ...unsaid import says_why_not
from ...wording import count, percent, plural
from ..style import BLUE, FAINT, GREEN, INK, ORANGE, QUIET, Picture, drawing, in_percent

Sizes = dict[str, int]

FROM_THE_TOP = (*RUNGS[::-1], NOT_YET)
GAP = 0.025  # between two rungs of the flow, of the whole height
NAMES_APART = 0.055  # of the whole height, so that no name lies on another
POST = 0.045  # width of a rung's post, of the way between the dates
#: Colour and hatching of each move; hatching tells them apart in print.
LOOKS = {
    "up": (BLUE, ""),
    "came back": (BLUE, "...."),
    "new": (GREEN, "\\\\\\\\"),
    "stayed": (FAINT, ""),
    "down": (ORANGE, ""),
    "left": (ORANGE, "////"),
}
SHORT = {NOT_YET: "not yet won"}
WORDS = {"up": "climbed", "new": "new", "stayed": "stayed", "down": "came down", "left": "left"}


def rungs(frame: pd.DataFrame, unknown: Sequence[str]) -> Picture:
    """Draw each rung's share of the customers beside its share of the revenue.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `customerbase.chapters.portrait.ladder.by_rung`.
    unknown : sequence of str
        The rungs that aren't recorded.
    """
    shown = frame[~frame["rung"].isin(unknown)].iloc[::-1].reset_index(drop=True)
    has_revenue = bool(shown["share_of_revenue"].notna().any())
    decides = shown["share_of_revenue" if has_revenue else "share_of_customers"]
    best = shown.iloc[int(decides.fillna(0).to_numpy().argmax())]
    title = (
        f"The rung '{best['rung']}' holds {percent(best['share_of_customers'])} of customers and brings "
        f"{percent(best['share_of_revenue'])} of revenue"
        if has_revenue
        else f"{percent(best['share_of_customers'])} of customers stand on the rung '{best['rung']}'"
    )
    place = np.arange(len(shown))
    bars = [("share_of_customers", "customers", BLUE, "", 0.2)]
    bars += [("share_of_revenue", "revenue", ORANGE, "///", -0.2)] if has_revenue else []
    with drawing(title, height=1.1 + 0.42 * len(shown)) as (figure, ax):
        for column, name, color, hatch, shift in bars:
            share = shown[column].fillna(0).to_numpy()
            ax.barh(place + shift, share, 0.36, color=color, hatch=hatch, edgecolor="white", linewidth=0, label=name)
            for at, value, number in zip(place, share, shown["customers"], strict=True):
                told = f"{percent(value)}" + (f" ({count(number)})" if column == "share_of_customers" else "")
                ax.annotate(
                    told,
                    (max(value, 0), at + shift),
                    xytext=(3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                    color=color,
                )
        ax.set_yticks(place, shown["rung"])
        ax.tick_params(axis="y", colors=INK)
        ax.grid(visible=False)
        ax.set_xlim(min(0, shown[[bar[0] for bar in bars]].min().min()), _longest(shown, bars) * 1.25)
        in_percent(ax.xaxis)
        ax.set_xlabel("share of all customers, and of all revenue" if has_revenue else "share of all customers")
        ax.legend(frameon=False, ncols=2, fontsize=8.5, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    rows = "; ".join(
        f"{row['rung']}: {plural(row['customers'], 'customer')}"
        + (f", {percent(row['share_of_revenue'])} of revenue" if has_revenue else "")
        for row in frame[~frame["rung"].isin(unknown)].to_dict("records")
    )
    missing = f" Not recorded: {', '.join(unknown)}." if unknown else ""
    return Picture(figure, f"{title}. From the highest rung down: {rows}.{missing}")


def _longest(shown: pd.DataFrame, bars: list[tuple[str, str, str, str, float]]) -> float:
    return max(0.01, float(shown[[bar[0] for bar in bars]].max().max()))


@says_why_not
def flow(moved: pd.DataFrame) -> Picture:
    """Draw who went from which rung to which within a year, as bands between two ladders.

    Parameters
    ----------
    moved : pandas.DataFrame
        From `customerbase.chapters.portrait.ladder.moves`.
    """
    counts = moved.groupby("move")["customers"].sum().reindex(list(MOVES), fill_value=0)
    title = f"Within a year {count(counts['up'])} climbed, {count(counts['left'])} left"
    title += f" and {count(counts['came back'])} came back" if counts["came back"] else ""
    title += f"; {count(counts['new'])} are new" if counts["new"] else ""
    before, now = (_sizes(moved, side) for side in ("before", "now"))
    whole = int(moved["customers"].sum())
    with drawing(title, height=4.4) as (figure, ax):
        starts, ends = _stack(before, whole), _stack(now, whole)
        _draw_bands(ax, moved, starts, ends, whole)
        _draw_posts(ax, before, starts, 0.0, whole)
        _draw_posts(ax, now, ends, 1.0, whole)
        ax.set_xlim(-0.62, 1.55)
        ax.set_ylim(1 + GAP * 7, -0.06)
        ax.set_axis_off()
        ax.text(0, -0.03, "a year ago", ha="right", va="bottom", fontsize=9, color=QUIET)
        ax.text(1, -0.03, "today", ha="left", va="bottom", fontsize=9, color=QUIET)
        drawn = [move for move in LOOKS if counts[move]]
        swatches = [
            Rectangle((0, 0), 1, 1, facecolor=LOOKS[move][0], hatch=LOOKS[move][1], edgecolor="white", linewidth=0)
            for move in drawn
        ]
        names = [f"{WORDS.get(move, move)} {count(counts[move])}" for move in drawn]
        figure.legend(swatches, names, frameon=False, ncols=3, fontsize=8.5, loc="outside lower center")
    bands = moved.sort_values("customers", ascending=False).head(8)
    rows = "; ".join(f"{row['before']} to {row['now']}: {count(row['customers'])}" for row in bands.to_dict("records"))
    return Picture(figure, f"{title}. The widest bands of the flow: {rows}.")


def _sizes(moved: pd.DataFrame, side: str) -> Sizes:
    sums = moved.groupby(side)["customers"].sum()
    return dict(zip(sums.index.astype(str), sums.to_list(), strict=True))


def _stack(sizes: Sizes, whole: int) -> dict[str, float]:
    """Return where each rung's post begins, the highest rung at the top."""
    tops, y = {}, 0.0
    for name in FROM_THE_TOP:
        if name in sizes:
            tops[name] = y
            y += sizes[name] / whole + GAP
    return tops


def _draw_bands(ax: Axes, moved: pd.DataFrame, starts: dict[str, float], ends: dict[str, float], whole: int) -> None:
    order = {name: place for place, name in enumerate(FROM_THE_TOP)}
    left, right = dict(starts), dict(ends)
    columns = (moved[name].tolist() for name in ("before", "now", "customers", "move"))
    bands = []
    # bands leave a post in the order of where they go, and so arrive in the order of where they come from
    for came, went, customers, move in sorted(zip(*columns, strict=True), key=lambda r: (order[r[0]], order[r[1]])):
        height = customers / whole
        bands.append((move, left[came], right[went], height))
        left[came] += height
        right[went] += height
    for move, y0, y1, height in sorted(bands, key=lambda band: band[0] != "stayed"):
        color, hatch = LOOKS[move]
        x0, x1 = POST / 2, 1 - POST / 2
        corners = [
            (x0, y0),
            (0.5, y0),
            (0.5, y1),
            (x1, y1),
            (x1, y1 + height),
            (0.5, y1 + height),
            (0.5, y0 + height),
            (x0, y0 + height),
            (x0, y0),
        ]
        turns = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
        band = PathPatch(
            Path(corners, turns), facecolor=color, alpha=0.75, hatch=hatch, edgecolor="white", linewidth=0.4
        )
        ax.add_patch(band)


def _draw_posts(ax: Axes, sizes: Sizes, tops: dict[str, float], x: float, whole: int) -> None:
    heights = [sizes[name] / whole for name in tops]
    for top, height in zip(tops.values(), heights, strict=True):
        ax.add_patch(Rectangle((x - POST / 2, top), POST, height, facecolor=INK, linewidth=0))
    middles = [top + height / 2 for top, height in zip(tops.values(), heights, strict=True)]
    for name, y in zip(tops, _spread(middles, NAMES_APART), strict=True):
        outside, side = (x - 0.05, "right") if x == 0 else (x + 0.05, "left")
        text = f"{SHORT.get(name, name)} {count(sizes[name])}"
        ax.text(outside, y, text, ha=side, va="center", fontsize=8.5, color=INK)


def _spread(heights: Sequence[float], apart: float) -> list[float]:
    """Push labels down until none lies on the one above."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + apart) if placed else height)
    return placed
