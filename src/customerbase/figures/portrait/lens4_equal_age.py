"""The figures of lens 4 in `02_portrait`: cohorts side by side at equal age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import money, percent, plural
from ..short_amounts import short_amount
from ..style import SERIES, Picture, drawing, label_ends
from .cohort_shades import FEW_COHORTS, from_old_to_new, name_shades

if TYPE_CHECKING:
    from ...chapters.portrait.cohorts import Cohorts

DASHES = ("-", "--", "-.", ":")
COHORTS_SHOWN = 24
AGES_WRITTEN = 18  # with more columns than these the numbers would lie on each other
ROW_HEIGHT = 0.26


@says_why_not
def returning(followed: Cohorts) -> Picture:
    """Draw which share of each cohort buys at each later age."""
    seen = followed.activity.assign(share=followed.activity["customers"] / followed.activity["size"])
    drawn = seen[seen["cohort"].isin(list(followed.names)[-COHORTS_SHOWN:])]
    later = drawn[(drawn["age"] > 0) & drawn["complete"]]
    if later["customers"].sum() == 0:
        raise CannotSay(f"Nobody has bought again in a later {followed.unit}, so there is nothing to draw by cohort.")
    cells = later.pivot(index="cohort", columns="age", values="share")
    ages = later.groupby("age")[["customers", "size"]].sum()
    shares = (ages["customers"] / ages["size"]).to_list()
    title = f"{percent(shares[0])} of new customers buy again in the next {followed.unit}"
    title += f", {percent(shares[-1])} after {plural(ages.index[-1], followed.unit)}" if len(shares) > 1 else ""
    with drawing(title, height=max(2.4, 1.7 + ROW_HEIGHT * len(cells))) as (figure, ax):
        written = cells.shape[1] <= AGES_WRITTEN and len(cells) <= AGES_WRITTEN
        sns.heatmap(
            cells.set_axis([followed.names[cohort] for cohort in cells.index], axis=0),
            ax=ax,
            cmap="Blues",
            vmin=0,
            vmax=max(0.01, np.nanquantile(cells.to_numpy(), 0.98)),
            annot=100 * cells.to_numpy() if written else None,
            fmt=".0f",
            annot_kws={"fontsize": 7},
            linewidths=0.6,
            xticklabels="auto" if written else max(1, -(-cells.shape[1] // 8)),
            cbar=not written,
            cbar_kws=None if written else {"label": "share buying", "format": lambda share, _: f"{100 * share:.0f}%"},
        )
        ax.grid(visible=False)
        ax.tick_params(length=0, rotation=0)
        explained = f"\n(cells: % of the cohort buying in that {followed.unit})" if written else ""
        ax.set_xlabel(f"{followed.unit}s after the first purchase{explained}")
        ax.set_ylabel("first bought in")
    return Picture(figure, f"{title}. Heat map of {plural(len(cells), 'cohort')}.", shades_count=True)


@says_why_not
def at_equal_age(followed: Cohorts, currency: str) -> Picture:
    """Draw what a customer of each cohort has brought so far, by age."""
    seen = followed.activity[followed.activity["complete"]]
    lasting = seen.groupby("cohort")["age"].transform("max") >= 1
    if not lasting.any():
        raise CannotSay(f"A cohort can be drawn once a whole {followed.unit} has passed after the one it was won in.")
    seen = seen[lasting]
    so_far = seen.groupby("cohort")["revenue"].cumsum() / seen["size"]
    lines = {cohort: line.set_axis(seen.loc[line.index, "age"]) for cohort, line in so_far.groupby(seen["cohort"])}
    oldest = max(line.index[-1] for line in lines.values())
    few = len(lines) <= FEW_COHORTS
    shades = from_old_to_new(len(lines))
    title = _who_leads(lines, followed, currency)
    with drawing(title) as (figure, ax):
        for place, line in enumerate(lines.values()):
            color, dashes = (SERIES[place], DASHES[place]) if few else (shades[place], "-")
            ax.plot(line.index, line, color=color, linestyle=dashes, linewidth=1.7 if few else 1.3)
        ax.set_xlabel(f"{followed.unit}s after the first purchase")
        ax.set_ylabel(f"revenue so far a customer ({currency})")
        ax.set_ylim(min(0, ax.get_ylim()[0]))
        ax.set_xlim(0, oldest * 1.2)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(short_amount))
        if few:
            names = [followed.names[cohort] for cohort in lines]
            label_ends(ax, oldest, [line.iloc[-1] for line in lines.values()], names, SERIES)
        else:
            name_shades(ax, list(lines), followed, shades)
    rows = "; ".join(f"{followed.names[cohort]} {money(line.iloc[-1], currency)}" for cohort, line in lines.items())
    return Picture(figure, f"{title}. Revenue so far a customer, by cohort: {rows}.", shades_count=not few)


def _who_leads(lines: dict[Any, pd.Series], followed: Cohorts, currency: str) -> str:
    """Compare the cohorts at the greatest age that half of them, and two, have reached."""
    reached = sorted((line.index[-1] for line in lines.values()), reverse=True)
    age = reached[max(2, -(-len(reached) // 2)) - 1] if len(reached) > 1 else reached[0]
    brought = {cohort: float(line.loc[age]) for cohort, line in lines.items() if line.index[-1] >= age}
    best = max(brought, key=lambda cohort: brought[cohort])
    after = f"After {plural(age, followed.unit)}"
    if len(brought) == 1:
        return f"{after} a customer won in {followed.names[best]} had brought {money(brought[best], currency)}"
    return f"{after} customers won in {followed.names[best]} had brought most, {money(brought[best], currency)} each"
