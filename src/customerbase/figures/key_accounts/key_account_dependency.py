"""The figure of how much rests on one customer, in `07_key_accounts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.key_accounts import LEVELS

from ...unsaid import says_why_not
from ...wording import percent, plural, tenths
from ..named_bars import ROW, name_rows, write_values
from ..style import BLUE, INK, Picture, drawing, in_percent
from .dependency_bands import BEYOND, draw_bands, visible_levels

ROWS_UNDER_NAMES = 9  # room for the bands' names below the bars that reach into them
ROWS_OF_NAMES = 4  # what those names take; numbers for two spans of time beside a bar would run into them
TO_TEN = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@says_why_not
def largest(customers: pd.DataFrame, limits: Sequence[float]) -> Picture:
    """Draw the largest customers' shares of revenue over the levels of dependency."""
    first = customers["share"].iloc[0]
    latest = customers.get("share_last_year")
    title = f"The largest customer br{'ings' if latest is None else 'ought'} {percent(first, 1)} of revenue"
    if len(customers) > 1:
        title += f", the {TO_TEN[len(customers) - 2]} largest {percent(customers['together'].iloc[-1], 1)}"
    level = customers["dependency"].iloc[0]
    label = "share of revenue (shaded: levels of dependency)"
    rows = max(len(customers) if latest is None else len(customers) + ROWS_OF_NAMES, ROWS_UNDER_NAMES)
    with drawing(title, height=1.5 + ROW * rows) as (figure, ax):
        place = np.arange(len(customers))
        ax.barh(place, customers["share"], height=0.62, color=BLUE)
        ends, words = customers["share"].clip(lower=0), [tenths(share) for share in customers["share"]]
        if latest is not None:
            ax.plot(latest, place, "D", color=INK, markersize=4.5)
            ends = ends.where(latest.isna() | (latest < ends), latest)
            label = f"share of revenue {customers.attrs['days']}\n(diamond: in the last 365 days; shaded: dependency)"
            words = [f"{word}, now {tenths(now)}" for word, now in zip(words, latest, strict=True)]
        write_values(ax, ends, words, gap=4 if latest is None else 8)
        reach = BEYOND * max(ends.max(), limits[-1])
        draw_bands(ax.axvspan, limits, reach)
        for limit, name in visible_levels(limits, reach):
            where: dict[str, Any] = {"rotation": 90, "ha": "left", "va": "bottom", "fontsize": 8, "color": INK}
            ax.text(limit + 0.01 * reach, rows - 0.6, f"{name} from {percent(limit)}", **where)
        name_rows(ax, customers["customer"], rows)
        lowest = min(customers["share"].min(), 0 if latest is None else latest.min())
        ax.set_xlim(min(0, lowest), reach)
        in_percent(ax.xaxis)
        ax.set_xlabel(label)
    verdict = "no dependency" if level == LEVELS[0] else f"a dependency of level {level}"
    if latest is not None:
        verdict += f"; in the last 365 days that customer brought {tenths(latest.iloc[0])}"
    return Picture(figure, f"{title}: {verdict}. Bars of the {plural(len(customers), 'largest customer')}.")
