"""The figures of `02_portrait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.concentration import top_share

from ...unsaid import says_why_not
from ...wording import day, money, percent
from ..style import BLUE, FAINT, ORANGE, QUIET, Picture, drawing, in_dates, in_percent, in_thousands, label_line

if TYPE_CHECKING:
    from ...chapters.portrait.lens1_one_period import OnePeriod
    from ...chapters.portrait.portrait import RepeatBusiness

FEWEST_FOR_TENTHS = 10


def new_and_repeat(months: pd.DataFrame, lately: RepeatBusiness, currency: str, *, closed: bool = False) -> Picture:
    """Draw customers, purchases and revenue by month, first purchases under repeat ones.

    Parameters
    ----------
    months : pandas.DataFrame
        From `customerbase.chapters.portrait.portrait.by_month`.
    lately : customerbase.chapters.portrait.portrait.RepeatBusiness
    currency : str
    closed : bool, default False
        Whether the ledger follows only customers won in a certain time.
    """
    won_last = months.loc[months["new_customers"] > 0, "month"].iloc[-1]
    if closed:
        title = f"The ledger follows customers won up to {won_last:%B %Y} only; all it holds since is theirs"
    elif months.tail(12)["new_customers"].sum() == 0:
        title = f"Nobody new since {won_last:%B %Y}: all business comes from those won before"
    elif np.isfinite(lately.share):
        title = f"Repeat purchases bring {percent(lately.share)} of what was bought since {day(lately.period.first)}"
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
def lorenz_curve(curve: pd.DataFrame, one: OnePeriod) -> Picture:
    """Draw the Lorenz curve of a period's revenue, the top tenth marked; of few customers the top half."""
    top, named, left = (0.1, "tenth", "nine tenths") if len(one.revenue) >= FEWEST_FOR_TENTHS else (0.5, "half", "half")
    share = top_share(one.revenue, top)
    title = f"The best {named} of customers brings {percent(share)} of revenue"
    others = f"the other {left} of customers bring{'s' if left == 'half' else ''} {percent(1 - share)}"
    with drawing(title, height=3.7) as (figure, ax):
        ax.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2)
        ax.annotate(
            "if all brought the same",
            (0.3, 0.3),
            rotation=33,
            color=QUIET,
            fontsize=8,
            ha="center",
            va="bottom",
        )
        ax.plot(curve["share_of_customers"], curve["share_of_total"], color=BLUE)
        ax.plot([1 - top, 1 - top, 1], [0, 1 - share, 1 - share], color=ORANGE, linewidth=1.2, linestyle="--")
        ax.plot([1 - top], [1 - share], "o", color=ORANGE, markersize=5)
        told = others.replace(" of customers ", "\n")
        label_line(ax, 1 - top, 1 - share, told, ORANGE, offset=(-9, 9), ha="right")
        ax.set_xlabel("share of customers, from the smallest up")
        ax.set_ylabel("share of revenue")
        in_percent(ax.xaxis)
        in_percent(ax.yaxis)
        ax.set_xlim(0, 1)
        ax.set_ylim(min(0, curve["share_of_total"].min()), 1)
    return Picture(figure, f"{title}. Lorenz curve: {others}.")
