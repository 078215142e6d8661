"""The figure of lens 5 in `02_portrait`: the whole base by cohort over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter

from models.cohorts import period_ends

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, day, percent
from ..short_amounts import short_amount
from ..style import FAINT, Picture, drawing, in_dates
from .cohort_shades import from_old_to_new, name_shades

if TYPE_CHECKING:
    from ...chapters.portrait.cohorts import Cohorts
    from ...chapters.portrait.lens1_one_period import OnePeriod


@says_why_not
def by_cohort(
    followed: Cohorts, bases: pd.DataFrame, one: OnePeriod, currency: str, *, closed: bool = False
) -> Picture:
    """Draw the cohort chart: revenue over time, cohort upon cohort.

    Parameters
    ----------
    followed : customerbase.chapters.portrait.cohorts.Cohorts
    bases : pandas.DataFrame
        From `customerbase.chapters.portrait.lens5_whole_base.by_cohort`.
    one : customerbase.chapters.portrait.lens1_one_period.OnePeriod
    currency : str
    closed : bool, default False
        Whether the ledger follows only customers won in a certain time: then how much old ones bring is how it was
        drawn, and no title.
    """
    wide = followed.activity.pivot(index="period", columns="cohort", values="revenue").fillna(0)
    if not wide.to_numpy().any():
        raise CannotSay("Nothing was paid, so there is no revenue to draw by cohort.")
    total, older = bases["revenue_latest"].sum(), bases["cohort"] < pd.Timestamp(one.period.first)
    title = "Revenue over time, by when its customers were won"
    if total > 0 and older.any() and not closed:
        share = percent(bases.loc[older, "revenue_latest"].sum() / total)
        title = f"Customers won before {day(one.period.first)} bring {share} of the revenue since"
    ends = period_ends(pd.Series(wide.index), followed.unit)
    widths = [(end - start).days + 1 for start, end in zip(wide.index, ends, strict=True)]
    shades = from_old_to_new(wide.shape[1])
    high, low = np.zeros(len(wide)), np.zeros(len(wide))
    with drawing(title, height=3.7) as (figure, ax):
        for cohort, shade in zip(wide, shades, strict=True):
            values = wide[cohort].to_numpy()
            # returns can outweigh what a cohort bought; then its bar hangs below zero
            bottom = np.where(values >= 0, high, low)
            ax.bar(
                wide.index,
                values,
                bottom=bottom,
                width=widths,
                align="edge",
                color=shade,
                edgecolor="white",
                linewidth=0.25,
            )
            high, low = high + np.maximum(values, 0), low + np.minimum(values, 0)
        outside = followed.outside.set_index("period")["revenue"].reindex(wide.index, fill_value=0).to_numpy()
        if np.abs(outside).sum() > 0:
            bottom = np.where(outside >= 0, high, low)
            ax.bar(wide.index, outside, bottom=bottom, width=widths, align="edge", color=FAINT)
        ax.axhline(0, color=FAINT)
        ax.set_ylabel(f"revenue a {followed.unit} ({currency})")
        ax.yaxis.set_major_formatter(FuncFormatter(short_amount))
        in_dates(ax)
        name_shades(ax, list(wide), followed, shades)
    rows = "; ".join(f"{followed.names[cohort]} {count(float(wide[cohort].sum()))}" for cohort in list(wide))
    unfinished = not followed.activity["complete"].iloc[-1]
    part = f" The last {followed.unit} is there in part." if unfinished else ""
    alt = f"{title}. Revenue by {followed.unit}, stacked by cohort, in all: {rows}.{part}"
    return Picture(figure, alt, shades_count=True)
