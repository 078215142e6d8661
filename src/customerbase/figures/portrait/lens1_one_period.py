"""The figure of lens 1 in `02_portrait`: how different customers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from models.customer_base_audit import buyers
from models.mean_and_median import spread

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, money, number, percent, plural
from ..short_amounts import short_amount
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing, in_percent, label_line

if TYPE_CHECKING:
    from ...chapters.portrait.lens1_one_period import OnePeriod

MOST_PURCHASES = 10  # so many and more stand together
BINS = 30


@says_why_not
def differences(one: OnePeriod, currency: str) -> Picture:
    """Draw how many customers bought how often and for how much, mean and median marked."""
    bought = buyers(one.customers)
    purchases, revenue = bought["purchases"].to_numpy(), bought["revenue"].to_numpy()
    panels: list[tuple[str, np.ndarray]] = [(f"revenue ({currency})", revenue)]
    if one.profit is not None:
        panels.append((f"profit ({currency})", one.profit))
    if len(revenue) < 2:
        raise CannotSay("How customers differ can be seen from two of them up; one bought.")
    spent = spread(revenue)
    title = f"{percent(spent['below_mean'])} of customers bring less than the mean"
    if np.ptp(revenue) == 0:
        title = f"All {count(len(revenue))} customers brought the same"
    with drawing(title, height=1.2 + 1.6 * (1 + len(panels))) as (figure, ax):
        ax.remove()  # panels of different measures share no axis
        first, *others = figure.subplots(1 + len(panels), 1)
        if np.median(purchases) < MOST_PURCHASES:
            _draw_counts(first, purchases)
        else:
            _draw_many_counts(first, purchases)
        for panel, (label, values) in zip(others, panels, strict=True):
            _draw_amounts(panel, values, label)
        figure.supylabel("share of customers", fontsize=9, color=QUIET)
    times = spread(purchases)
    alt = (
        f"{title}. Histograms of {plural(len(revenue), 'customer')}: purchases a customer, mean "
        f"{number(times['mean'])} and median {number(times['median'])}; revenue a customer, mean "
        f"{money(spent['mean'], currency)} and median {money(spent['median'], currency)}."
    )
    return Picture(figure, alt)


def _draw_counts(ax: Axes, purchases: np.ndarray) -> None:
    together = np.minimum(purchases, MOST_PURCHASES)
    times = np.arange(1, int(together.max()) + 1)
    shares = np.bincount(together, minlength=times[-1] + 1)[1:] / len(purchases)
    ax.bar(times, shares, color=BLUE, width=0.8)
    names = [str(time) if time < MOST_PURCHASES else f"{MOST_PURCHASES}+" for time in times]
    ax.set_xticks(times, names)
    ax.set_xlim(0.4, max(times[-1], 4) + 0.6)
    ax.set_title("purchases")
    in_percent(ax.yaxis)
    _mark(ax, purchases, 0.4, MOST_PURCHASES + 0.4)


def _draw_many_counts(ax: Axes, purchases: np.ndarray) -> None:
    """Draw counts that would nearly all stand in the last bar, in bars as wide as it takes."""
    width = int(np.ceil(np.quantile(purchases, 0.98) / BINS))
    most = width * BINS
    edges = np.arange(0, most + width, width) + 0.5
    shares = np.histogram(np.minimum(purchases, most), edges)[0] / len(purchases)
    ax.bar(edges[:-1], shares, width=width, align="edge", color=BLUE, edgecolor="white", linewidth=0.4)
    ax.set_title("purchases")
    label_line(ax, edges[-1], shares[-1], f"{edges[-2] + 0.5:.0f}+", QUIET, offset=(0, 7), ha="right")
    in_percent(ax.yaxis)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    _mark(ax, purchases, edges[0], edges[-1])


def _draw_amounts(ax: Axes, values: np.ndarray, label: str) -> None:
    """Draw amounts above zero on a logarithmic axis, and one bar left of them for the others."""
    positive = values[values > 0]
    ax.set_title(label)
    in_percent(ax.yaxis)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if not len(positive):
        ax.bar([0], [1], color=ORANGE)
        ax.set_xticks([0], ["zero or less"])
        return
    low, high = np.quantile(positive, [0.005, 1])
    low, high = (low / 2, high * 2) if high < 4 * low else (low, high * 1.001)
    edges = np.geomspace(low, high, BINS + 1)
    heights = np.histogram(np.clip(positive, low, high), edges)[0] / len(values)
    ax.set_xscale("log")
    ax.bar(edges[:-1], heights, width=np.diff(edges), align="edge", color=BLUE, edgecolor="white", linewidth=0.4)
    ax.xaxis.set_major_formatter(FuncFormatter(short_amount))
    ax.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    none = len(values) - len(positive)
    if none:
        step = edges[1] / edges[0]
        ax.bar([low / step**3], [none / len(values)], width=low / step**2 - low / step**3, align="edge", color=ORANGE)
        label_line(ax, low / step**3, none / len(values), "0 or less", ORANGE, offset=(0, 7), ha="left")
    _mark(ax, values, low, high)


def _mark(ax: Axes, values: np.ndarray, least: float, most: float) -> None:
    """Mark mean and median, named beside the panel's title."""
    known = spread(values)
    for name, color, dashes in (("median", INK, "-"), ("mean", ORANGE, "--")):
        place = min(max(known[name], least), most)
        ax.axvline(place, color=color, linewidth=1.3, linestyle=dashes, label=f"{name} {number(known[name])}")
    ax.legend(
        frameon=False,
        ncols=2,
        fontsize=8.5,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0,
        handlelength=1.4,
    )
