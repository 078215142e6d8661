"""The figures of `05_retention`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..unsaid import says_why_not
from ..wording import between, percent
from .style import BLUE, INK, ORANGE, QUIET, SERIES, Picture, drawing, in_percent, label_line

FEWEST_AT_RISK = 30
DASHES = ("-", "--", "-.", ":")
LINE_OF_TEXT = 11  # points between labels that would otherwise lie on each other
NAMED_COHORTS = 4  # with more of them the curves are told apart by shade, from the oldest to the newest


@says_why_not
def first_to_second(table: pd.DataFrame, never: Any, interval: float) -> Picture:
    """Draw who has not come back since the first purchase, with the confidence band."""
    curve = _watched(table[table["curve"] == "first to second purchase"])
    title = f"{percent(never.share.value)} of customers have not come back {never.days} days after their first purchase"
    ends = between(100 * never.share.low, 100 * never.share.high, "{:.1f}")
    with drawing(title) as (figure, ax):
        _draw(ax, curve, BLUE, "-")
        ax.plot([never.days], [never.share.value], "o", color=BLUE, markersize=5)
        reach = f"{percent(never.share.value, 1)}\n({ends})"
        label_line(ax, never.days, never.share.value, reach, BLUE, offset=(0, 10), ha="right", va="bottom")
        _finish(ax, "days since the first purchase", f"not yet back (band: {percent(interval)} interval)")
    return Picture(figure, f"{title} ({ends}%). Kaplan-Meier curve with its {percent(interval)} band.")


@says_why_not
def by_purchase(table: pd.DataFrame, interval: float) -> Picture:
    """Draw the wait for the next purchase by how many went before."""
    names = [name for name in table["curve"].unique() if not name.startswith("first bought")]
    curves = [_watched(table[table["curve"] == name]) for name in names]
    curves = [curve for curve in curves if len(curve) > 1]
    day = int(min(curve["days"].iloc[-1] for curve in curves)) if curves else 0
    back = [1 - curve.loc[curve["days"] <= day, "survival"].iloc[-1] for curve in curves]
    rising = all(later > earlier for earlier, later in pairwise(back))
    title = (
        "Every purchase makes the next one likelier and sooner"
        if rising and len(back) > 1
        else "How soon the next purchase follows"
    )
    with drawing(title, height=3.8) as (figure, ax):
        for curve, color, dashes in zip(curves, SERIES, DASHES, strict=False):
            _draw(ax, curve, color, dashes)
            end = curve.iloc[-1]
            label_line(ax, end["days"], end["survival"], curve["curve"].iloc[0].split(" purchase")[0], color)
        _finish(ax, "days since that purchase", f"not yet followed (bands: {percent(interval)} intervals)")
    rows = "; ".join(f"{c['curve'].iloc[0]}: {percent(b)}" for c, b in zip(curves, back, strict=True))
    return Picture(figure, f"{title}. Followed by another within {day} days: {rows}.")


@says_why_not
def by_cohort(table: pd.DataFrame, compared: Any, interval: float) -> Picture:
    """Draw each monthly cohort's return, and say whether the difference is more than chance."""
    differ = compared.test.p_value < 0.05
    p = f"p = {compared.test.p_value:.2f}" if compared.test.p_value >= 0.01 else "p < 0.01"
    apart = "differ" if differ else "do not differ"
    title = f"Cohorts {apart} in how soon they come back (log-rank test, {p})"
    names = [f"first bought in {name}" for name in compared.cohorts]
    curves = [_watched(table[table["curve"] == name]) for name in names]
    few = len(curves) <= NAMED_COHORTS
    ends = np.array([curve["survival"].iloc[-1] for curve in curves])
    rank, middle = np.argsort(np.argsort(-ends)), float(ends.mean())
    last_day = max(curve["days"].iloc[-1] for curve in curves)
    shades = [str(shade) for shade in np.linspace(0.75, 0.1, len(curves))]
    with drawing(title) as (figure, ax):
        for number, curve in enumerate(curves):
            color, dashes = (SERIES[number], DASHES[number]) if few else (shades[number], "-")
            _draw(ax, curve, color, dashes, band=few)
            if few:
                shift = LINE_OF_TEXT * ((len(curves) - 1) / 2 - rank[number])
                label_line(ax, last_day, middle, compared.cohorts[number], color, offset=(6, shift))
            elif number in (0, len(curves) - 1):
                label_line(ax, last_day, ends[number], compared.cohorts[number], color, offset=(6, 0))
        bands = f" (bands: {percent(interval)} intervals)" if few else ""
        _finish(ax, "days since the first purchase", f"not yet back{bands}")
    rows = "; ".join(f"{name}: {percent(end)}" for name, end in zip(compared.cohorts, ends, strict=True))
    return Picture(figure, f"{title}. Share not back at the end of each curve: {rows}.")


@says_why_not
def rates(by_quarter: pd.DataFrame, reference: float, interval: float) -> Picture:
    """Draw the retention rate by quarter, and the share of active customers who stayed, with its interval."""
    shown = by_quarter.tail(16)
    last = shown.iloc[-1]
    title = (
        f"In {last['period']} {last['kept_rate']:.0f}% of active customers stayed active; "
        f"with those won back CRR is {last['crr']:.0f}%"
    )
    with drawing(title) as (figure, ax):
        place = np.arange(len(shown))
        spread = [shown["kept_rate"] - shown["low"], shown["high"] - shown["kept_rate"]]
        ax.axhline(reference, color=QUIET, linewidth=1, linestyle=":")
        ax.annotate(
            f"{reference:.0f}%, the reference",
            (0, reference),
            xycoords=("axes fraction", "data"),
            xytext=(3, 3),
            textcoords="offset points",
            color=QUIET,
            fontsize=8,
        )
        ax.plot(place, shown["crr"], "D--", color=ORANGE, markersize=5)
        ax.errorbar(place, shown["kept_rate"], yerr=spread, fmt="o-", color=BLUE, capsize=3)
        label_line(ax, place[-1], last["crr"], "CRR", ORANGE, offset=(9, 0))
        label_line(ax, place[-1], last["kept_rate"], "stayed active", BLUE, offset=(9, 0))
        ax.set_xticks(place, shown["period"], rotation=45 if len(shown) > 6 else 0)
        ax.set_xlim(-0.5, len(shown) - 0.2 + 0.1 * len(shown))
        ax.set_ylim(0, max(105, shown["crr"].max() * 1.05))
        ax.set_ylabel(f"% of customers active at the start\n(bars: {percent(interval)} interval)")
    rows = "; ".join(f"{r.period}: CRR {r.crr:.0f}%, stayed {r.kept_rate:.0f}%" for r in shown.itertuples())
    return Picture(figure, f"{title}. By quarter: {rows}.")


def _watched(curve: pd.DataFrame) -> pd.DataFrame:
    """Cut a curve where only a handful of customers are left to watch."""
    return curve[curve["at_risk"] >= min(FEWEST_AT_RISK, curve["at_risk"].iloc[0])]


def _draw(ax: Axes, curve: pd.DataFrame, color: str, dashes: str, band: bool = True) -> None:
    ax.step(curve["days"], curve["survival"], where="post", color=color, linestyle=dashes)
    if band:
        ax.fill_between(curve["days"], curve["low"], curve["high"], step="post", color=color, alpha=0.2, linewidth=0)


def _finish(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_ylim(0, 1.02)
    ax.set_xlim(0)
    in_percent(ax.yaxis)
    ax.tick_params(axis="x", color=INK)
