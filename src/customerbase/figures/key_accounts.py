"""The figures of `07_key_accounts`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from models.key_accounts import LEVELS

from ..errors import CannotSay
from ..unsaid import says_why_not
from ..wording import count, key, percent, plural, tenths
from .style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    Picture,
    drawing,
    in_percent,
    in_thousands,
    label_ends,
    label_line,
)

BARS = 15
SHADES = (0.10, 0.20, 0.32, 0.46)  # of the bands, from watch to critical
ROWS_UNDER_NAMES = 9  # room for the bands' names below the bars that reach into them
ROWS_OF_NAMES = 4  # what those names take; numbers for two spans of time beside a bar would run into them
ROW = 0.27  # height of a bar and its gap, in inches
BEYOND = 1.15  # how far past the last limit, or the largest value, an axis reaches
ROTATED_FROM = 5  # periods; more don't fit side by side
LETTERS = 16
COARSE = 0.05  # largest share on an axis up to which its labels need a decimal
TO_TEN = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
WHO = {1: "the largest", 3: "the three largest"}


def latest_cases(cases: pl.DataFrame) -> pl.DataFrame:
    """Return those of the cases of leaving that are reckoned on the latest days there are."""
    return cases.filter(pl.col("of_last_year") == pl.col("of_last_year").max())


@says_why_not
def largest(customers: pd.DataFrame, limits: Sequence[float]) -> Picture:
    """Draw the largest customers' shares of revenue over the levels of dependency."""
    first = customers["share"].iloc[0]
    latest = customers.get("share_last_year")
    title = f"The largest customer br{'ings' if latest is None else 'ought'} {percent(first, 1)} of revenue"
    if len(customers) > 1:
        title += f", the {TO_TEN[len(customers) - 2]} largest {percent(customers['together'].iloc[-1], 1)}"
    level = customers["dependency"].iloc[0]
    label = "share of revenue (shaded: levels of dependency)"
    rows = max(len(customers) if latest is None else len(customers) + ROWS_OF_NAMES, ROWS_UNDER_NAMES)
    with drawing(title, height=1.5 + ROW * rows) as (figure, ax):
        place = np.arange(len(customers))
        ax.barh(place, customers["share"], height=0.62, color=BLUE)
        ends, words = customers["share"].clip(lower=0), [tenths(share) for share in customers["share"]]
        if latest is not None:
            ax.plot(latest, place, "D", color=INK, markersize=4.5)
            ends = ends.where(latest.isna() | (latest < ends), latest)
            label = f"share of revenue {customers.attrs['days']}\n(diamond: in the last 365 days; shaded: dependency)"
            words = [f"{word}, now {tenths(now)}" for word, now in zip(words, latest, strict=True)]
        _values(ax, ends, words, gap=4 if latest is None else 8)
        reach = BEYOND * max(ends.max(), limits[-1])
        _bands(ax.axvspan, limits, reach)
        for limit, name in _visible(limits, reach):
            where: dict[str, Any] = {"rotation": 90, "ha": "left", "va": "bottom", "fontsize": 8, "color": INK}
            ax.text(limit + 0.01 * reach, rows - 0.6, f"{name} from {percent(limit)}", **where)
        _rows_down(ax, customers["customer"], rows)
        lowest = min(customers["share"].min(), 0 if latest is None else latest.min())
        ax.set_xlim(min(0, lowest), reach)
        in_percent(ax.xaxis)
        ax.set_xlabel(label)
    verdict = "no dependency" if level == LEVELS[0] else f"a dependency of level {level}"
    if latest is not None:
        verdict += f"; in the last 365 days that customer brought {tenths(latest.iloc[0])}"
    return Picture(figure, f"{title}: {verdict}. Bars of the {plural(len(customers), 'largest customer')}.")


@says_why_not
def concentration(periods: pd.DataFrame, limits: Sequence[float]) -> Picture:
    """Draw by period what the largest customers bring, and how unequal the customers are."""
    drawn = periods[periods["complete"]].reset_index(drop=True)
    known = drawn[drawn["largest_share"].notna()]
    last = known.iloc[-1]
    title = f"In {last['label']} the largest customer brought {percent(last['largest_share'], 1)} of revenue"
    if len(known) > 1:
        before = known.iloc[0]
        title += f", in {before['label']} {percent(before['largest_share'], 1)}"
    with drawing(title, height=5.0, rows=2) as (figure, (shares, measures)):
        place, left = np.arange(len(drawn)), -0.22 * len(drawn) - 0.3  # room for the bands' names beside the lines
        for name, color, marker in (("three_largest_share", ORANGE, "D--"), ("largest_share", BLUE, "o-")):
            shares.plot(place, drawn[name], marker, color=color, markersize=4)
        top = BEYOND * max(limits[0], known["three_largest_share"].max())
        shares.set_ylim(0, top)
        _bands(shares.axhspan, limits, top)
        for limit, name in _visible(limits, top):
            shares.text(left, limit, f" {name}", va="bottom", ha="left", fontsize=7.5, color=INK)
        in_percent(shares.yaxis)
        shares.set_title("share of revenue (shaded: levels of dependency)")
        for name, color, marker in (("gini", GREEN, "s-"), ("herfindahl", QUIET, "^--")):
            measures.plot(place, drawn[name], marker, color=color, markersize=4)
        measures.set_ylim(0, max(1.0, 1.05 * known[["gini", "herfindahl"]].max().max()))
        measures.set_title("0: all bring the same; near 1: one brings everything")
        measures.set_xticks(place, drawn["label"], rotation=45 if len(drawn) >= ROTATED_FROM else 0)
        measures.set_xlim(left, len(drawn) - 0.7)
        figure.canvas.draw()
        at = int(known.index[-1]) + 0.1
        label_ends(
            shares, at, [last["three_largest_share"], last["largest_share"]], ["three", "largest"], [ORANGE, BLUE]
        )
        label_ends(measures, at, [last["gini"], last["herfindahl"]], ["Gini", "Herfindahl"], [GREEN, QUIET])
    rows = "; ".join(
        f"{label}: {percent(one, 1)}, three {percent(three, 1)}, Gini {gini:.2f}"
        for label, one, three, gini in known[["label", "largest_share", "three_largest_share", "gini"]].to_numpy()
    )
    return Picture(figure, f"{title}. Largest customer's share by {periods.attrs['period']}: {rows}.")


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


@says_why_not
def load(loads: pd.DataFrame, limit: int) -> Picture:
    """Draw how many key accounts each manager holds, and how many one can hold."""
    over = (loads["too_many"] > 0).sum()
    most = loads.iloc[0]
    who = f"{count(over)} of {plural(len(loads), 'manager')}" if over else "No manager"
    title = f"{who} hold{'s' if over < 2 else ''} more than {plural(limit, 'key account')}"
    shown = loads.head(BARS)
    with drawing(title, height=1.5 + ROW * len(shown)) as (figure, ax):
        place = np.arange(len(shown))
        colors = np.where(shown["too_many"] > 0, ORANGE, BLUE)
        ax.barh(place, shown["key_accounts"], height=0.62, color=colors)
        held = zip(shown["key_accounts"], shown["too_many"], strict=True)
        words = [count(accounts) + (f" ({count(excess)} too many)" if excess else "") for accounts, excess in held]
        _values(ax, shown["key_accounts"], words)
        ax.axvline(limit, color=QUIET, linestyle="--", linewidth=1.2)
        _rows_down(ax, shown["manager"])
        ax.set_xlim(0, 1.5 * max(limit, most["key_accounts"]))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        in_thousands(ax.xaxis)
        ax.set_xlabel(f"key accounts (dashed: at most {count(limit)})")
    return Picture(figure, f"{title}; {key(most['manager'])} holds most, {count(most['key_accounts'])}.")


@says_why_not
def silence(accounts: pd.DataFrame) -> Picture:
    """Draw how long key accounts have been silent against the longest gap that their own rhythm explains."""
    if accounts.empty:
        raise CannotSay("No key account has bought anything, so none has gone silent.")
    silent = int(accounts["silent"].sum())
    who = f"{count(silent)} of {plural(len(accounts), 'key account')}" if silent else "No key account"
    title = f"{who} {'has' if silent < 2 else 'have'} been silent for longer than usual"
    drawn = accounts.sort_values("silent", ascending=False, kind="stable").head(BARS).reset_index(drop=True)
    with drawing(title, height=1.75 + ROW * len(drawn)) as (figure, ax):
        place = np.arange(len(drawn))
        reach = 1.18 * max(1.0, drawn["days_silent"].max())
        ax.barh(place, drawn["days_silent"], height=0.62, color=np.where(drawn["silent"], ORANGE, BLUE))
        usual = drawn["longest_gap"].where(drawn["longest_gap"] < reach)
        _values(ax, drawn[["days_silent"]].assign(usual=usual).max(axis=1), [count(d) for d in drawn["days_silent"]])
        ax.plot(usual, place, "|", color=INK, markersize=12, markeredgewidth=2.2)
        _rows_down(ax, drawn["customer"])
        ax.set_xlim(0, reach)
        in_thousands(ax.xaxis)
        ax.set_xlabel("days since the last purchase (stroke: longest usual gap;\norange: silent for longer)")
    rows = "; ".join(
        f"{key(customer)} {count(days)} days against {count(usual)}"
        for customer, days, usual in drawn.loc[drawn["silent"], ["customer", "days_silent", "longest_gap"]].to_numpy()
    )
    return Picture(figure, f"{title}{f', those worth most first: {rows}' if rows else f': {len(accounts)} of them'}.")


def _values(ax: Axes, ends: pd.Series, words: Sequence[str], gap: int = 4) -> None:
    for place, (end, word) in enumerate(zip(ends, words, strict=True)):
        label_line(ax, end, place, word, INK, offset=(gap, 0))


def _bands(span: Callable[..., Any], limits: Sequence[float], reach: float) -> None:
    ends = [*limits[1:], max(1.0, reach)]
    for low, high, shade in zip(limits, ends, SHADES, strict=True):
        if low < reach:
            span(low, high, color=ORANGE, alpha=shade, linewidth=0, zorder=0)


def _visible(limits: Sequence[float], reach: float) -> list[tuple[float, str]]:
    return [(limit, name) for limit, name in zip(limits, LEVELS[1:], strict=True) if limit < 0.97 * reach]


def _rows_down(ax: Axes, names: pd.Series, rows: int | None = None) -> None:
    """Name the rows of bars, the first on top, with room for more of them where `rows` says so."""
    ax.set_yticks(range(len(names)), [key(name, LETTERS) for name in names])
    ax.set_ylim((rows or len(names)) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")
