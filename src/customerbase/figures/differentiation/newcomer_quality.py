"""The figure of new customers' quality, in `06_differentiation`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...chapter import Chapter
from ...chapters.differentiation.newcomer_quality import Quality, direction
from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, percent
from ..style import BLUE, FAINT, ORANGE, QUIET, Picture, drawing, in_dates, in_percent
from .ideal_customer import inside

HALF_MONTH = pd.Timedelta(days=16)


@says_why_not
def by_month(chapter: Chapter, found: Quality) -> Picture:
    """Draw the share of good ones by month of the first purchase: what is expected and what turned out."""
    table = found.by_month
    if len(table) < 2:
        raise CannotSay("New customers came in fewer than two months, so there is nothing to follow.")
    start = pd.to_datetime(table["group"] + "-15")
    whole = (table["watched"] == table["customers"]).to_numpy()
    title = direction(found)
    interval = percent(chapter.parameters.interval)
    expects = "expected" in table.columns
    with drawing(title) as (figure, ax):
        if expects:
            ax.plot(start, table["expected"], color=ORANGE, linestyle="--")
            ax.fill_between(start, table["expected_low"], table["expected_high"], color=ORANGE, alpha=0.15, linewidth=0)
            ax.plot(start[whole], table["turned_out"][whole], "o", color=BLUE, markersize=5)
        else:
            seen = table[whole]
            spread = [seen["turned_out"] - seen["turned_out_low"], seen["turned_out_high"] - seen["turned_out"]]
            ax.errorbar(start[whole], seen["turned_out"], yerr=spread, fmt="o", color=BLUE, capsize=3)
        highest = table[["turned_out", "expected_high" if expects else "turned_out_high"]].to_numpy()
        ax.set_ylim(0, 1.4 * float(np.nanmax(highest)))
        unknown = start[~whole & (start > start[whole].max() if whole.any() else True)]
        if len(unknown):
            ax.axvspan(unknown.min() - HALF_MONTH, start.max() + HALF_MONTH, color=FAINT, alpha=0.4, linewidth=0)
            ax.text(0.98, 0.80, "too new to know", **inside(ax, QUIET), ha="right")
        ax.set_xlim(start.min() - HALF_MONTH, start.max() + HALF_MONTH)
        ax.text(0.02, 0.98, "turned out", **inside(ax, BLUE))
        if expects:
            ax.text(0.02, 0.89, f"expected (band: so {interval} of months turn out)", **inside(ax, ORANGE))
        ax.set_xlabel("month of the first purchase")
        ax.set_ylabel("became good" if expects else f"became good\n(bars: {interval} intervals)")
        in_percent(ax.yaxis)
        in_dates(ax)
    return Picture(
        figure, f"{title}. By month of the first purchase: {'; '.join(_month(row) for row in table.itertuples())}."
    )


def _month(row: Any) -> str:
    said = f"{row.group}: {count(row.customers)} customers"
    if row.watched == row.customers:
        said += f", {percent(row.turned_out)} turned out good"
    return said + (f", {percent(row.expected)} expected" if hasattr(row, "expected") else "")
