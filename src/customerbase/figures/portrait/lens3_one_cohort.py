"""The figure of lens 3 in `02_portrait`: how one cohort evolves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.ticker import MaxNLocator

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, money, percent, plural
from ..style import BLUE, ORANGE, Picture, drawing, in_percent, in_thousands, label_ends

if TYPE_CHECKING:
    from ...chapters.portrait.cohorts import Cohorts


@says_why_not
def one_cohort(alone: pd.DataFrame, followed: Cohorts, currency: str) -> Picture:
    """Draw one cohort by age: who still buys, for how much, and what it has brought so far."""
    last = alone.iloc[-1]
    name = followed.names[last["cohort"]]
    title = (
        f"Customers won in {name}: {percent(last['share_active'], 1)} buy {plural(last['age'], followed.unit)} later"
    )
    later = alone[alone["age"] > 0]
    if not later["customers"].any():
        raise CannotSay(f"Of the {plural(last['size'], 'customer')} won in {name} nobody has bought again since.")
    with drawing(title, height=5.4, rows=3) as (figure, axes):
        axes[0].plot(later["age"], later["share_active"], "o-", color=BLUE, markersize=3)
        axes[0].set_title(f"share of the cohort that buys in the {followed.unit}")
        in_percent(axes[0].yaxis)
        axes[1].plot(later["age"], later["revenue_each"], "o--", color=ORANGE, markersize=3)
        axes[1].plot(later["age"], later["revenue_median"], "o-", color=BLUE, markersize=3)
        axes[1].set_title(f"revenue of each who buys ({currency})")
        axes[2].plot(alone["age"], alone["total_mean"], color=ORANGE, linestyle="--")
        axes[2].plot(alone["age"], alone["total_median"], color=BLUE)
        axes[2].set_title(f"revenue so far of each customer won ({currency})")
        for ax in axes:
            ax.set_ylim(min(0, ax.get_ylim()[0]))
        for ax in axes[1:]:
            in_thousands(ax.yaxis)
        for ax, names in ((axes[1], ["revenue_each", "revenue_median"]), (axes[2], ["total_mean", "total_median"])):
            known = alone.dropna(subset=names).iloc[-1]
            label_ends(ax, known["age"], known[names].to_list(), ["mean", "median"], [ORANGE, BLUE])
        axes[2].set_xlabel(f"{followed.unit}s after the first purchase")
        axes[2].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[2].set_xlim(-0.3, last["age"] * 1.12)
    alt = (
        f"{title}. Of {count(last['size'])} customers {percent(alone['share_active'].iloc[1], 1)} bought one "
        f"{followed.unit} later. Each has brought {money(last['total_mean'], currency)} so far (median "
        f"{money(last['total_median'], currency)})."
    )
    return Picture(figure, alt)
