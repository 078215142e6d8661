"""The figures of the five lenses in `02_portrait`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from models.customer_base_audit import buyers, period_ends, spread

from ..errors import CannotSay
from ..unsaid import says_why_not
from ..wording import count, day, money, number, percent, plural
from .style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    SERIES,
    Picture,
    drawing,
    in_dates,
    in_percent,
    in_thousands,
    label_ends,
    label_line,
)

if TYPE_CHECKING:
    from ..chapters.lenses import Cohorts, OnePeriod, TwoPeriods

MOST_PURCHASES = 10  # so many and more stand together
BINS = 30
FEW_COHORTS = 4  # up to here cohorts are told apart by colour and name, beyond by shade, from the oldest to the newest
DASHES = ("-", "--", "-.", ":")
BAR_HEIGHT = 0.3
COHORTS_SHOWN = 24
AGES_WRITTEN = 18  # with more columns than these the numbers would lie on each other
ROW_HEIGHT = 0.26
FROM_OLD_TO_NEW = LinearSegmentedColormap.from_list("from old to new", ["#00263d", BLUE, "#b5d3e8"])


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
    ax.xaxis.set_major_formatter(FuncFormatter(_short_amount))
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
        ax.xaxis.set_major_formatter(FuncFormatter(_short_amount))
    return Picture(figure, alt)


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
    shades = [to_hex(FROM_OLD_TO_NEW(place)) for place in np.linspace(0, 1, len(lines))]
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
        ax.yaxis.set_major_formatter(FuncFormatter(_short_amount))
        if few:
            names = [followed.names[cohort] for cohort in lines]
            label_ends(ax, oldest, [line.iloc[-1] for line in lines.values()], names, SERIES)
        else:
            _name_shades(ax, list(lines), followed, shades)
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


@says_why_not
def by_cohort(followed: Cohorts, bases: pd.DataFrame, one: OnePeriod, currency: str) -> Picture:
    """Draw the cohort chart: revenue over time, cohort upon cohort."""
    wide = followed.activity.pivot(index="period", columns="cohort", values="revenue").fillna(0)
    if not wide.to_numpy().any():
        raise CannotSay("Nothing was paid, so there is no revenue to draw by cohort.")
    total, older = bases["revenue_latest"].sum(), bases["cohort"] < pd.Timestamp(one.period.first)
    title = "Revenue over time, by when its customers were won"
    if total > 0 and older.any():
        share = percent(bases.loc[older, "revenue_latest"].sum() / total)
        title = f"Customers won before {day(one.period.first)} bring {share} of the revenue since"
    ends = period_ends(pd.Series(wide.index), followed.unit)
    widths = [(end - start).days + 1 for start, end in zip(wide.index, ends, strict=True)]
    shades = [to_hex(FROM_OLD_TO_NEW(place)) for place in np.linspace(0, 1, wide.shape[1])]
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
        ax.yaxis.set_major_formatter(FuncFormatter(_short_amount))
        in_dates(ax)
        _name_shades(ax, list(wide), followed, shades)
    rows = "; ".join(f"{followed.names[cohort]} {count(float(wide[cohort].sum()))}" for cohort in list(wide))
    unfinished = not followed.activity["complete"].iloc[-1]
    part = f" The last {followed.unit} is there in part." if unfinished else ""
    alt = f"{title}. Revenue by {followed.unit}, stacked by cohort, in all: {rows}.{part}"
    return Picture(figure, alt, shades_count=True)


def _name_shades(ax: Axes, cohorts: list[Any], followed: Cohorts, shades: list[str]) -> None:
    """Say above the figure which shade is which cohort: of many the oldest, the middle one and the newest."""
    places = range(len(cohorts)) if len(cohorts) <= FEW_COHORTS else (0, len(cohorts) // 2, len(cohorts) - 1)
    handles = [Patch(color=shades[place], label=followed.names[cohorts[place]]) for place in places]
    ax.legend(
        handles=handles,
        title="won in",
        title_fontsize=8.5,
        frameon=False,
        ncols=len(handles),
        fontsize=8.5,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        handlelength=1,
        alignment="left",
    )


def _short_amount(value: float, _: Any = None) -> str:
    """Return an amount on an axis in few letters."""
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.4g}{letter}".replace("-", "−")
    return f"{value:,.4g}".replace("-", "−")
