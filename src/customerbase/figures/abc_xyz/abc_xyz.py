"""The figures of `03_abc_xyz`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import seaborn as sns
from matplotlib.axes import Axes

from models.abc_xyz import ABC, XYZ
from models.concentration import lorenz

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, percent, plural
from ..style import BLUE, FAINT, GREEN, INK, ORANGE, QUIET, Picture, drawing, in_percent, label_line

NINE = [f"{size}{rhythm}" for size in ABC for rhythm in XYZ]
JOINED = "joined"
LETTER = 0.026  # of the longest bar: the room that a letter beside it takes
SAME = 1e-6  # curves that are apart by less are one
PEAK = 1.005  # of profit: from there on some bring more than everybody together


@says_why_not
def shares(customers: pl.DataFrame, limits: Sequence[float]) -> Picture:
    """Draw which share of revenue and of profit the best customers bring, from the largest down."""
    if customers["revenue"].sum() <= 0:
        raise CannotSay("There is no revenue above zero to share out.")
    curves = {"revenue": _from_the_top(customers["revenue"])}
    known = customers["profit"].null_count() == 0 and customers["profit"].sum() > 0
    peak = 0.0
    if known:
        profit = _from_the_top(customers["profit"])
        peak = float(profit[1].max())
        same = np.allclose(profit[1], curves["revenue"][1], atol=SAME)
        curves = {"revenue and profit": profit} if same else {**curves, "profit": profit}
    number = customers.filter(pl.col("abc") == "A").height
    brings = "brings" if number == 1 else "bring"
    title = f"{plural(number, 'customer')} of {count(customers.height)} {brings} {percent(limits[0])} of revenue"
    said = f"Class A is {percent(number / customers.height, 1)} of customers."
    if peak > PEAK:
        title += f"; the profitable bring {percent(peak)} of profit, the others eat the rest"
    with drawing(title, height=3.5) as (figure, ax):
        reach = max(1.0, peak)
        ends = [0.0, *(customers.filter(pl.col("abc") <= letter).height / customers.height for letter in ABC)]
        for letter, start, end in zip(ABC, ends[:-1], ends[1:], strict=True):
            if letter != ABC[-1]:
                ax.axvline(end, color=FAINT, linewidth=1)
            if end > start:
                ax.text((start + end) / 2, 0.03 * reach, letter, color=QUIET, ha="center", fontweight="bold")
        for (name, (x, y)), color, dashes in zip(curves.items(), (BLUE, ORANGE), ("-", "--"), strict=False):
            ax.plot(x, y, color=color, linestyle=dashes)
            _name_curve(ax, x, y, name, color, below=name != "profit")
        ax.set_xlabel("share of customers, from the largest down\n(each line in an order of its own)")
        ax.set_ylabel("share of the total")
        in_percent(ax.xaxis)
        in_percent(ax.yaxis)
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1.05 * reach)
    return Picture(figure, f"{title}. {said}")


def _from_the_top(values: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    curve = lorenz(values.to_numpy())
    return 1 - curve["share_of_customers"].to_numpy()[::-1], 1 - curve["share_of_total"].to_numpy()[::-1]


def _name_curve(ax: Axes, x: np.ndarray, y: np.ndarray, name: str, color: str, below: bool) -> None:
    where = int(np.searchsorted(x, 0.45))
    offset = (6, -14) if below else (-6, 10)
    label_line(ax, x[where], y[where], name, color, offset=offset, ha="left" if below else "right")


@says_why_not
def nine_cells(nine: pd.DataFrame) -> Picture:
    """Draw the nine cells, shaded by their share of revenue."""
    if nine["revenue_share"].isna().all():
        raise CannotSay("There is no revenue above zero to share out among the nine cells.")
    profit_known = bool(nine["profit_share"].notna().any())
    largest = nine.sort_values("revenue_share").iloc[-1]
    title = (
        f"Cell {largest['abc']}{largest['xyz']} brings {percent(largest['revenue_share'])} of revenue with "
        f"{percent(largest['share'])} of customers"
    )
    shade = nine.pivot(index="abc", columns="xyz", values="revenue_share")
    words = nine.assign(
        words=[_in_cell(cell, profit_known) if cell["customers"] else "nobody" for cell in nine.to_dict("records")]
    ).pivot(index="abc", columns="xyz", values="words")
    with drawing(title, height=3.4) as (figure, ax):
        _heat(ax, shade, words, fontsize=8.5)
        ax.set_xticklabels(["X\nregular", "Y\nvarying", "Z\nirregular"])
        ax.set_yticklabels(["A\nlarge", "B", "C\nsmall"], rotation=0)
        ax.set_xlabel("how evenly they buy")
        ax.set_ylabel("what they bring")
    told = "; ".join(
        f"{cell['abc']}{cell['xyz']} {plural(cell['customers'], 'customer')}, {percent(cell['revenue_share'])}"
        for cell in nine.to_dict("records")
        if cell["customers"]
    )
    return Picture(figure, f"{title}. Customers and share of revenue: {told}.", shades_count=True)


def _in_cell(cell: Mapping[Any, Any], profit_known: bool) -> str:
    lines = [plural(cell["customers"], "customer"), f"{percent(cell['revenue_share'])} of revenue"]
    return "\n".join([*lines, f"{percent(cell['profit_share'])} of profit"] if profit_known else lines)


@says_why_not
def movement(moved: pd.DataFrame) -> Picture:
    """Draw who moved from which cell to which, as a grid: a year ago down, today across."""
    frame = moved.assign(then=moved["then"].fillna(JOINED))
    stayed = int(frame.loc[frame["then"] == frame["now"], "customers"].sum())
    there = int(frame.loc[frame["then"] != JOINED, "customers"].sum())
    joined = int(frame.loc[frame["then"] == JOINED, "customers"].sum())
    new = f"; {count(joined)} joined" if joined else ""
    title = f"{percent(stayed / there)} of {plural(there, 'customer')} stayed in the cell of a year before{new}"
    rows = [name for name in (*NINE, JOINED) if name in set(frame["then"])]
    columns = [name for name in NINE if name in set(frame["now"])]
    grid = frame.pivot(index="then", columns="now", values="customers").reindex(index=rows, columns=columns).fillna(0)
    # of each cell's customers: large cells would otherwise hide where those of the small ones went
    shade = grid.div(grid.sum(axis=1), axis=0)
    words = grid.map(lambda customers: count(customers) if customers else "")
    with drawing(title, height=1.6 + 0.28 * len(rows)) as (figure, ax):
        _heat(ax, shade, words, fontsize=7.5)
        ax.set_xlabel("cell today (numbers: customers; shade: share of the row)")
        ax.set_ylabel("cell a year before")
        ax.tick_params(rotation=0)
    return Picture(
        figure, f"{title}. Grid of {len(rows)} cells a year before by {len(columns)} today.", shades_count=True
    )


def _heat(ax: Axes, shade: pd.DataFrame, words: pd.DataFrame, fontsize: float) -> None:
    sns.heatmap(
        shade,
        ax=ax,
        cmap="Blues",
        vmin=0,
        vmax=max(shade.to_numpy().max(), 0.01),
        annot=words.to_numpy(),
        fmt="",
        annot_kws={"fontsize": fontsize},
        linewidths=1,
        cbar=False,
    )
    ax.grid(visible=False)
    ax.tick_params(length=0)


def profit_walk(steps: pd.DataFrame, currency: str) -> Picture:
    """Draw the way from gross sales to profit as a waterfall."""
    start, left = steps["step"].iloc[0], steps["of_gross"].iloc[-1]
    end = steps["step"].iloc[-1]
    title = f"Of {start} {percent(left)} is left as {end}"
    if left < 0:
        title = f"{start.capitalize()} end in a loss of {percent(-left)}"
    if start == end:
        title = f"Only {end} is known: {currency} {count(steps['amount'].iloc[0])}"
    with drawing(title, height=1.2 + 0.34 * len(steps)) as (figure, ax):
        level = 0.0
        words = [f"{count(step['amount'])}  {percent(step['of_gross'])}" for step in steps.to_dict("records")]
        reach = max(abs(steps["amount"]).max(), 1.0) * (1 + LETTER * max(map(len, words)))
        for row, step in enumerate(steps.to_dict("records")):
            amount = step["amount"]
            before, level = (0.0, amount) if step["is_level"] else (level, level + amount)
            color = (GREEN if level >= 0 else ORANGE) if step["step"] == "profit" else BLUE
            ax.barh(row, level - before, left=before, height=0.6, color=color if step["is_level"] else ORANGE)
            ax.annotate(
                words[row],
                (max(level, before, 0.0), row),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=INK,
            )
        ax.axvline(0, color=QUIET, linewidth=0.8)
        ax.set_yticks(range(len(steps)), [_signed(step) for step in steps.to_dict("records")])
        ax.invert_yaxis()
        ax.grid(visible=False)
        ax.set_xlim(min(0.0, steps["amount"].iloc[-1] * 1.1), reach)
        ax.set_xlabel(f"{currency}, and share of {start}")
        ax.set_xticks([])
    told = ", ".join(f"{_signed(step)} {count(step['amount'])}" for step in steps.to_dict("records"))
    return Picture(figure, f"{title}: {told}.")


def _signed(step: Mapping[Any, Any]) -> str:
    return str(step["step"]) if step["is_level"] else f"- {step['step']}"


@says_why_not
def tail(tails: pd.DataFrame, part: float, serving_known: bool) -> Picture:
    """Draw what share the tail of small customers has in customers, purchases, cost to serve, revenue and profit."""
    row = tails[tails["share"] == part].iloc[0]
    measures = {
        "customers": row["customers_share"],
        "purchases": row["purchases_share"],
        **({"cost to serve": row["cost_to_serve_share"]} if serving_known else {}),
        "revenue": row["revenue_share"],
        **({"profit": row["profit_share"]} if pd.notna(row["profit_share"]) else {}),
    }
    if not row["customers"] or pd.isna(measures["revenue"]):
        raise CannotSay("There is no tail of small customers to draw.")
    title = (
        f"The tail: {percent(row['customers_share'])} of customers and {percent(row['purchases_share'])} of purchases "
        f"for {percent(row['revenue_share'])} of revenue"
    )
    with drawing(title, height=1.2 + 0.36 * len(measures)) as (figure, ax):
        for place, (name, value) in enumerate(measures.items()):
            ax.barh(place, value, height=0.6, color=GREEN if name in ("revenue", "profit") else ORANGE)
            label_line(ax, max(value, 0), place, percent(value), INK)
        ax.axvline(0, color=QUIET, linewidth=0.8)
        ax.set_yticks(range(len(measures)), list(measures))
        ax.invert_yaxis()
        ax.grid(visible=False)
        in_percent(ax.xaxis)
        ax.set_xlim(min(0.0, *measures.values()) * 1.1, max(1.0, *measures.values()) * 1.08)
        ax.set_xlabel("the tail's share of the base")
    told = ", ".join(f"{name} {percent(value, 1)}" for name, value in measures.items())
    return Picture(figure, f"{title}. {told}.")
