"""The figures of the ideal customer, in `06_differentiation`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from models.ideal_customer import IdealCustomer
from models.ideal_customer_calibration import by_score

from ...chapters.differentiation.first_purchase_traits import trait_in_words
from ...chapters.differentiation.ideal_customer import doesnt_tell
from ...errors import CannotSay
from ...unsaid import Unsaid, says_why_not
from ...wording import percent
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing, in_percent, label_line

TRAITS_SHOWN = 8


@says_why_not
def importance(found: IdealCustomer, interval: float) -> Picture:
    """Draw how much worse the score gets without each trait."""
    if not found.tells:
        raise CannotSay(doesnt_tell(found))
    shown = found.importance.head(TRAITS_SHOWN).iloc[::-1]
    names = [trait_in_words(str(trait)) for trait in shown["trait"]]
    telling = [trait_in_words(str(trait)) for trait in found.importance.loc[found.importance["tells"], "trait"]]
    area = f"{percent(found.auc.value)} of pairs"
    if telling:
        title = f"Of a first purchase, who becomes good is told most by the {telling[0]}"
    else:
        title = f"The first purchase picks the right one in {area}; no trait stands out from the others"
    with drawing(title, height=1.5 + 0.3 * len(shown)) as (figure, ax):
        place = np.arange(len(shown))
        for at, row in zip(place, _rows(shown), strict=True):
            color = BLUE if row.tells else QUIET
            ax.plot([100 * row.low, 100 * row.high], [at, at], color=color, linewidth=2.2, alpha=0.6)
            ax.plot([100 * row.loss], [at], "o", color=color, markersize=6, fillstyle="full" if row.tells else "none")
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set_yticks(place, names)
        ax.set_ylim(-0.6, len(shown) - 0.4)
        ax.grid(axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(
            f"points that the score loses without it\n"
            f"({percent(interval)} intervals; empty: only with others, or chance)"
        )
    rows = "; ".join(
        f"{trait_in_words(str(row.trait))} {_tenths(row.loss)} ({_tenths(row.low)} to {_tenths(row.high)})"
        for row in _rows(shown.iloc[::-1])
    )
    return Picture(figure, f"{title}. Points that the score loses when the trait is shuffled among customers: {rows}.")


def by_scores(found: IdealCustomer | Unsaid, interval: float) -> Picture | None:
    """Draw what was expected and what turned out, from the lowest scores to the highest.

    Nothing is drawn where the figure of the traits has said why not.
    """
    if isinstance(found, Unsaid) or not found.tells:
        return None
    table = by_score(found, coverage=interval)
    part = "tenth" if len(table) == 10 else "fifth"
    best, base = table.iloc[-1], float(found.good.mean())
    title = (
        f"Of the {part} with the highest scores {percent(best['turned_out'])} became good, "
        f"of all customers {percent(base)}"
    )
    with drawing(title) as (figure, ax):
        spread = [table["turned_out"] - table["low"], table["high"] - table["turned_out"]]
        ax.axhline(base, color=QUIET, linestyle=":", linewidth=1.2)
        ax.plot(table["part"], table["expected"], "D--", color=ORANGE, markersize=5)
        ax.errorbar(table["part"], table["turned_out"], yerr=spread, fmt="o", color=BLUE, capsize=3)
        top = 1.12 * max(float(table["high"].max()), float(table["expected"].max()))
        ax.set_ylim(0, min(top, 1.05))
        ax.text(0.03, 0.95, "turned out", **inside(ax, BLUE))
        ax.text(0.03, 0.86, "expected", **inside(ax, ORANGE))
        label_line(ax, table["part"].iloc[-1] + 0.35, base, "all", QUIET)
        ax.set_xlim(0.4, len(table) + 0.4)
        ax.set_xticks(table["part"])
        ax.set_xlabel(f"{part}s of the customers, from the lowest scores to the highest")
        ax.set_ylabel(f"became good\n(bars: {percent(interval)} intervals)")
        in_percent(ax.yaxis)
    rows = "; ".join(
        f"{row.part}: expected {percent(row.expected)}, turned out {percent(row.turned_out)}" for row in _rows(table)
    )
    return Picture(figure, f"{title}. By {part} of the scores, the lowest first: {rows}.")


def _tenths(share: float) -> str:
    """Return points with a decimal, none of them as -0.0."""
    return f"{round(100 * share, 1) + 0.0:.1f}"


def inside(ax: Axes, color: str) -> dict[str, Any]:
    """Return how a series is named within the figure, in shares of its width and height."""
    return {"transform": ax.transAxes, "color": color, "fontsize": 8.5, "fontweight": "bold", "va": "top"}


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    yield from table.itertuples()
