"""The figures of lens 2 in `02_portrait`: the way from one period to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, money, percent
from ..short_amounts import short_amount
from ..style import BLUE, FAINT, GREEN, INK, ORANGE, Picture, drawing, label_line

if TYPE_CHECKING:
    from ...chapters.portrait.lens2_two_periods import TwoPeriods

BAR_HEIGHT = 0.3


@says_why_not
def flows(two: TwoPeriods, currency: str) -> Picture:
    """Draw the way from one period's revenue to the next's, by what became of the customers."""
    table = two.flows[two.flows["customers"] > 0]
    before, now = table["revenue_before"].sum(), table["revenue_now"].sum()
    lost = two.of("lost")
    title = f"{percent(lost['customers'] / two.split_before.customers)} of the earlier customers bought no more"
    if not lost["customers"]:
        title = "Every customer of the period before bought again"
    elif before > 0:
        title += f"; they had brought {percent(lost['revenue_before'] / before)} of revenue"
    sizes = zip(table["status"], table["customers"], strict=True)
    names = [f"{status} ({count(customers)})" for status, customers in sizes]
    changes = table["revenue_change"].to_list()
    steps = "; ".join(f"{name} {change:+,.0f}" for name, change in zip(names, changes, strict=True))
    alt = f"{title}. From {money(before, currency)} to {money(now, currency)}: {steps}."
    return _way(title, before, now, names, changes, f"revenue ({currency})", alt, _ends(two))


@says_why_not
def factors(two: TwoPeriods, names: dict[str, str], currency: str) -> Picture:
    """Draw how much of the change of revenue, or of profit where it is known, each factor explains."""
    before, now = two.split_before, two.split_now
    if not (before.customers and now.customers):
        raise CannotSay("Nobody bought in one of the two periods, so the change has no factors.")
    measure = "profit" if two.profit_known else "revenue"
    parts = two.parts(measure)
    then, today = (before.profit, now.profit) if measure == "profit" else (before.revenue, now.revenue)
    told = [names[factor] for factor in names][: len(parts)]
    largest = int(np.argmax(np.abs(parts)))
    title = f"The change of {measure} comes most from the {told[largest]}" if any(parts) else f"No change of {measure}"
    steps = "; ".join(f"{name} {part:+,.0f}" for name, part in zip(told, parts, strict=True))
    alt = f"{title}. From {money(then, currency)} to {money(today, currency)}: {steps}."
    return _way(title, then, today, told, parts, f"{measure} ({currency})", alt, _ends(two))


def _ends(two: TwoPeriods) -> tuple[str, str]:
    return (
        f"{two.before.first:%Y-%m-%d} to\n{two.before.last:%Y-%m-%d}",
        f"{two.now.first:%Y-%m-%d} to\n{two.now.last:%Y-%m-%d}",
    )


def _way(
    title: str, before: float, now: float, names: list[str], changes: list[float], label: str, alt: str, ends: Any
) -> Picture:
    """Draw a waterfall, read from above."""
    if not any([before, now, *changes]):
        raise CannotSay("Nothing was paid in either period, so there is no change to draw.")
    starts = before + np.concatenate([[0], np.cumsum(changes)])[:-1]
    rows = [ends[0], *names, ends[1]]
    reach = np.array([before, *starts, *(starts + changes), now, 0.0])
    width = reach.max() - reach.min() or 1.0
    with drawing(title, height=1.3 + BAR_HEIGHT * (len(rows) + 1)) as (figure, ax):
        for row, (start, change) in enumerate(zip(starts, changes, strict=True), start=1):
            ax.barh(row, change, left=start, color=GREEN if change >= 0 else ORANGE, height=0.66)
            end = max(start, start + change)
            label_line(ax, end, row, f"{change:+z,.0f}".replace("-", "−"), INK)
        for row, total in ((0, before), (len(rows) - 1, now)):
            ax.barh(row, total, color=BLUE, height=0.66)
            label_line(ax, max(total, 0), row, count(total).replace("-", "−"), INK)
        ax.axvline(0, color=FAINT)
        ax.set_yticks(range(len(rows)), rows)
        ax.invert_yaxis()
        ax.set_xlim(reach.min() - 0.02 * width, reach.max() + 0.36 * width)
        ax.set_xlabel(label)
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x")
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_formatter(FuncFormatter(short_amount))
    return Picture(figure, alt)
