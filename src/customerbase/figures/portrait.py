"""The figures of `02_portrait`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns

from models.concentration import top_share

from ..errors import CannotSay
from ..unsaid import says_why_not
from ..wording import money, percent, plural
from .style import (
    BLUE,
    FAINT,
    ORANGE,
    QUIET,
    Picture,
    drawing,
    in_dates,
    in_percent,
    in_thousands,
    label_line,
)

COHORTS_SHOWN = 24
AGES_WRITTEN = 18  # with more columns than these the numbers would lie on each other
ROW_HEIGHT = 0.26


def new_and_repeat(months: pd.DataFrame, currency: str) -> Picture:
    """Draw customers, purchases and revenue by month, first purchases under repeat ones."""
    year = months.tail(12)
    value = (year["revenue_new"] + year["revenue_repeat"]).sum()
    won_last = months.loc[months["new_customers"] > 0, "month"].iloc[-1]
    if year["new_customers"].sum() == 0:
        title = f"Nobody new since {won_last:%B %Y}: all business comes from those won before"
    elif value > 0:
        span = "month's" if len(year) == 1 else f"{len(year)} months'"
        title = f"Repeat purchases bring {percent(year['revenue_repeat'].sum() / value)} of the last {span} revenue"
    else:
        title = "Customers, purchases and revenue by month"
    panels = (
        ("customers", "new_customers", "repeat_customers"),
        ("purchases", "purchases_new", "purchases_repeat"),
        (f"revenue ({currency})", "revenue_new", "revenue_repeat"),
    )
    with drawing(title, height=5.2, rows=3) as (figure, axes):
        for ax, (label, new, repeat) in zip(axes, panels, strict=True):
            bars = {"width": 25, "align": "edge", "linewidth": 0}
            ax.bar(months["month"], months[repeat], color=BLUE, label="repeat", **bars)
            ax.bar(
                months["month"],
                months[new],
                bottom=months[repeat],
                color=ORANGE,
                label="new",
                hatch="///",
                edgecolor="white",
                **bars,
            )
            ax.set_title(f"{label} a month")
            in_thousands(ax.yaxis)
        in_dates(axes[-1])
        axes[0].legend(
            frameon=False, ncols=2, fontsize=8.5, loc="upper right", bbox_to_anchor=(1, 1.35), borderaxespad=0
        )
    last = months.iloc[-1]
    alt = (
        f"{title}. Bars by month from {months['month'].iloc[0]:%B %Y} to {last['month']:%B %Y}: in the last month "
        f"{last['new_customers']:,} new and {last['repeat_customers']:,} repeat customers, "
        f"purchases for {money(last['revenue_new'] + last['revenue_repeat'], currency)}."
    )
    return Picture(figure, alt)


@says_why_not
def lorenz_curve(curve: pd.DataFrame, revenue: pd.Series) -> Picture:
    """Draw the Lorenz curve of revenue, the top tenth marked."""
    share = top_share(revenue)
    title = f"The best tenth of customers brings {percent(share)} of revenue"
    with drawing(title, height=3.7) as (figure, ax):
        ax.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2)
        ax.annotate(
            "if all brought the same",
            (0.5, 0.5),
            rotation=33,
            color=QUIET,
            fontsize=8,
            ha="center",
            va="bottom",
        )
        ax.plot(curve["share_of_customers"], curve["share_of_total"], color=BLUE)
        ax.plot([0.9, 0.9, 1], [0, 1 - share, 1 - share], color=ORANGE, linewidth=1.2, linestyle="--")
        ax.plot([0.9], [1 - share], "o", color=ORANGE, markersize=5)
        others = f"the other nine tenths\nbring {percent(1 - share)}"
        label_line(ax, 0.9, 1 - share, others, ORANGE, offset=(-9, 9), ha="right")
        ax.set_xlabel("share of customers, from the smallest up")
        ax.set_ylabel("share of revenue")
        in_percent(ax.xaxis)
        in_percent(ax.yaxis)
        ax.set_xlim(0, 1)
        ax.set_ylim(min(0, curve["share_of_total"].min()), 1)
    return Picture(figure, f"{title}. Lorenz curve: the other nine tenths of customers bring {percent(1 - share)}.")


@says_why_not
def cohort_heatmap(triangle: pd.DataFrame) -> Picture:
    """Draw which share of each month's new customers buys in each later month."""
    drawn = triangle[triangle["cohort"].isin(triangle["cohort"].drop_duplicates().tail(COHORTS_SHOWN))]
    later = drawn[(drawn["age"] > 0) & drawn["complete"]]
    if later["customers"].sum() == 0:
        raise CannotSay("Nobody has bought again in a later month, so there is nothing to draw by cohort.")
    cells = later.pivot(index="cohort", columns="age", values="share")
    ages = later.groupby("age")[["customers", "size"]].sum()
    shares = ages["customers"] / ages["size"]
    title = f"{percent(shares.iloc[0])} of new customers buy again in the next month"
    title += f", {percent(shares.iloc[-1])} after {shares.index[-1]} months" if len(shares) > 1 else ""
    with drawing(title, height=max(2.4, 1.7 + ROW_HEIGHT * len(cells))) as (figure, ax):
        written = cells.shape[1] <= AGES_WRITTEN and len(cells) <= AGES_WRITTEN
        sns.heatmap(
            cells.set_axis(pd.DatetimeIndex(cells.index).strftime("%Y-%m"), axis=0),
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
        explained = "\n(cells: % of the cohort buying in that month)" if written else ""
        ax.set_xlabel(f"months after the first purchase{explained}")
        ax.set_ylabel("first bought in")
    return Picture(figure, f"{title}. Heat map of {plural(len(cells), 'monthly cohort')}.", shades_count=True)
