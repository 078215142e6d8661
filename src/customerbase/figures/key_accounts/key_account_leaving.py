"""The figure of what goes if the largest customers leave, in `07_key_accounts`."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.ticker import MaxNLocator

from ...unsaid import says_why_not
from ...wording import percent
from ..style import BLUE, ORANGE, Picture, drawing, in_percent, label_line

COARSE = 0.05  # largest share on an axis up to which its labels need a decimal
WHO = {1: "the largest", 3: "the three largest"}


def latest_cases(cases: pl.DataFrame) -> pl.DataFrame:
    """Return those of the cases of leaving that are reckoned on the latest days there are."""
    return cases.filter(pl.col("of_last_year") == pl.col("of_last_year").max())


@says_why_not
def leaving(cases: pl.DataFrame) -> Picture:
    """Draw which share of revenue, of profit and of what is bought goes with the largest customers."""
    cases = latest_cases(cases)
    measures = {"revenue": "revenue", "profit": "profit", "cost": "volume we buy"}
    shown = {name: words for name, words in measures.items() if cases[f"{name}_share"].null_count() == 0}
    worst = cases.row(-1, named=True)
    gone = [f"{percent(worst[f'{name}_share'], 1)} of {words}" for name, words in shown.items()]
    title = f"Should {WHO[worst['leave']]} leave, {' and '.join(gone[:2])} would go"
    with drawing(title, height=1.5 + 0.75 * len(shown)) as (figure, ax):
        thick = 0.8 / cases.height
        for number, (case, color) in enumerate(zip(cases.iter_rows(named=True), (BLUE, ORANGE), strict=False)):
            for y, name in enumerate(shown):
                at, share = y + (number + 0.5) * thick - 0.4, case[f"{name}_share"]
                ax.barh(at, share, height=0.85 * thick, color=color)
                label_line(ax, max(share, 0), at, f"{percent(share, 1)}: {WHO[case['leave']]}", color)
        ax.set_yticks(range(len(shown)), list(shown.values()))
        ax.set_ylim(len(shown) - 0.4, -0.6)
        ax.grid(visible=False, axis="y")
        ends = [0.0, *(case[f"{name}_share"] for case in cases.iter_rows(named=True) for name in shown)]
        ax.set_xlim(min(ends), 1.6 * max(*ends, 0.001))
        ax.xaxis.set_major_locator(MaxNLocator(5))
        in_percent(ax.xaxis, 0 if max(ends) >= COARSE else 1)
        span = " (of the last 365 days)" if cases["of_last_year"].all() else ""
        ax.set_xlabel(f"share that goes with them{span}")
    rows = "; with ".join(_in_words(case, shown) for case in cases.iter_rows(named=True))
    return Picture(figure, f"{title}. Share that goes with {rows}.")


def _in_words(case: dict[str, Any], shown: dict[str, str]) -> str:
    parts = ", ".join(f"{percent(case[f'{name}_share'], 1)} of {words}" for name, words in shown.items())
    return f"{WHO[case['leave']]}: {parts}"
