"""Bars under one another, each named on its left and with its value at its end."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from ..wording import key
from .style import INK, label_line

BARS = 15
ROW = 0.27  # height of a bar and its gap, in inches
LETTERS = 16


def write_values(ax: Axes, ends: pd.Series, words: Sequence[str], gap: int = 4) -> None:
    """Write words beside the ends of bars."""
    for place, (end, word) in enumerate(zip(ends, words, strict=True)):
        label_line(ax, end, place, word, INK, offset=(gap, 0))


def name_rows(ax: Axes, names: pd.Series, rows: int | None = None) -> None:
    """Name the rows of bars, the first on top, with room for more of them where `rows` says so."""
    ax.set_yticks(range(len(names)), [key(name, LETTERS) for name in names])
    ax.set_ylim((rows or len(names)) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
