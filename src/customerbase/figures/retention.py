"""The figures of `05_retention`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..errors import CannotSay
from ..unsaid import says_why_not
from ..wording import between, count, percent
from .style import BLUE, INK, ORANGE, SERIES, Picture, drawing, in_percent, label_ends, label_line

FIRST_TO_SECOND = "first to second purchase"
COHORT = "first bought in "
SIGNIFICANT = 0.05
DASHES = ("-", "--", "-.", ":")
NAMED_COHORTS = 4  # with more of them the curves are told apart by shade, from the oldest to the newest


@says_why_not
def first_to_second(table: pd.DataFrame, never: Any, interval: float) -> Picture:
    """Draw who has not come back since the first purchase, with the confidence band."""
    curve = _watched(table, FIRST_TO_SECOND, never.days)
    title = f"{percent(never.share.value)} of customers have not come back {count(never.days)} days after their first"
    ends = between(100 * never.share.low, 100 * never.share.high, "{:.1f}")
    with drawing(f"{title} purchase") as (figure, ax):
        _draw(ax, curve, BLUE, "-")
        ax.plot([never.days], [never.share.value], "o", color=BLUE, markersize=5)
        reach = f"{percent(never.share.value, 1)}\n({ends})"
        above = never.share.value < 0.8
        label_line(
            ax,
            never.days,
            never.share.value,
            reach,
            BLUE,
            offset=(0, 10 if above else -10),
            ha="right",
            va="bottom" if above else "top",
        )
        _finish(ax, "days since the first purchase", f"not yet back (band: {percent(interval)} interval)")
    return Picture(figure, f"{title} purchase ({ends}%). Kaplan-Meier curve with its {percent(interval)} band.")


@says_why_not
def by_purchase(table: pd.DataFrame, watched: dict[str, int], interval: float) -> Picture:
    """Draw the wait for the next purchase by how many went before."""
    names = [name for name in watched if not name.startswith(COHORT) and watched[name] > 0]
    if not names:
        raise CannotSay("No purchase has been watched for a whole day yet.")
    curves = [_watched(table, name, watched[name]) for name in names]
    day = min(watched[name] for name in names)
    back = [1 - float(curve.loc[curve["days"] <= day, "survival"].iloc[-1]) for curve in curves]
    rising = len(back) > 1 and all(later > earlier for earlier, later in pairwise(back))
    title = (
        "The more purchases a customer has made, the likelier the next" if rising else "Who buys again, and how soon"
    )
    with drawing(title, height=3.8) as (figure, ax):
        for curve, color, dashes in zip(curves, SERIES, DASHES, strict=False):
            _draw(ax, curve, color, dashes)
        last_day = max(watched[name] for name in names)
        _finish(ax, "days since that purchase", f"not yet followed (bands: {percent(interval)} intervals)")
        label_ends(
            ax,
            last_day,
            [curve["survival"].iloc[-1] for curve in curves],
            [n.split(" purchase")[0] for n in names],
            SERIES,
        )
    rows = "; ".join(f"{name}: {percent(share)}" for name, share in zip(names, back, strict=True))
    return Picture(figure, f"{title}. Followed by another within {count(day)} days: {rows}.")


@says_why_not
def by_cohort(table: pd.DataFrame, watched: dict[str, int], compared: Any, interval: float) -> Picture:
    """Draw each monthly cohort's return, and say whether the difference is more than chance."""
    differ = compared.test.p_value < SIGNIFICANT
    p = f"p = {compared.test.p_value:.2f}" if compared.test.p_value >= 0.01 else "p < 0.01"
    title = f"{'A' if differ else 'No'} difference between cohorts in how soon they come back (log-rank test, {p})"
    names = [f"{COHORT}{name}" for name in compared.cohorts]
    day = min(watched[name] for name in names)
    curves = [_watched(table, name, watched[name]) for name in names]
    few = len(curves) <= NAMED_COHORTS
    shades = [str(shade) for shade in np.linspace(0.75, 0.1, len(curves))]
    with drawing(title) as (figure, ax):
        for number, curve in enumerate(curves):
            color, dashes = (SERIES[number], DASHES[number]) if few else (shades[number], "-")
            _draw(ax, curve, color, dashes, band=few)
        bands = f" (bands: {percent(interval)} intervals)" if few else ""
        _finish(ax, "days since the first purchase", f"not yet back{bands}")
        if few:
            last_day = max(watched[name] for name in names)
            label_ends(ax, last_day, [curve["survival"].iloc[-1] for curve in curves], compared.cohorts, SERIES)
        else:
            for number in (0, -1):
                end = curves[number].iloc[-1]
                label_line(ax, end["days"], end["survival"], compared.cohorts[number], INK, offset=(4, 6))
    shares = [float(curve.loc[curve["days"] <= day, "survival"].iloc[-1]) for curve in curves]
    rows = "; ".join(f"{name}: {percent(share)}" for name, share in zip(compared.cohorts, shares, strict=True))
    return Picture(figure, f"{title}. Not back within {count(day)} days: {rows}.")


@says_why_not
def rates(by_quarter: pd.DataFrame, interval: float) -> Picture:
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
        ax.plot(place, shown["crr"], "D--", color=ORANGE, markersize=5)
        ax.errorbar(place, shown["kept_rate"], yerr=spread, fmt="o-", color=BLUE, capsize=3)
        ax.set_ylim(0, max(105, shown["crr"].max() * 1.05))
        label_ends(ax, place[-1] + 0.12, [last["crr"], last["kept_rate"]], ["CRR", "stayed active"], [ORANGE, BLUE])
        ax.set_xticks(place, shown["period"], rotation=45 if len(shown) > 4 else 0)
        ax.set_xlim(-0.5, len(shown) - 0.2)
        ax.set_ylabel(f"% of customers active at the start\n(bars: {percent(interval)} interval)")
    rows = "; ".join(f"{r.period}: CRR {r.crr:.0f}%, stayed {r.kept_rate:.0f}%" for r in shown.itertuples())
    return Picture(figure, f"{title}. By quarter: {rows}.")


def _watched(table: pd.DataFrame, name: str, days: int) -> pd.DataFrame:
    """Return a curve as far as it is watched by more than a handful, flat where nothing happens any more."""
    curve = table[(table["curve"] == name) & (table["days"] <= days)]
    end = curve.iloc[[-1]].assign(days=days)
    return pd.concat([curve, end], ignore_index=True)


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
