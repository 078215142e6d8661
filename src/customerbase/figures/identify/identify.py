"""The figures of `01_identify`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from ...unsaid import says_why_not
from ...wording import count, day, money, number, percent, plural, shortened
from ..style import (
    BLUE,
    FAINT,
    INK,
    LINE_OF_TEXT,
    ORANGE,
    QUIET,
    Picture,
    drawing,
    in_dates,
    in_percent,
    in_thousands,
    label_line,
)

BAR = 0.3  # inches
MARKS_LABELLED, LINES = 6, 3  # with more of them the labels would lie on each other
DAYS_A_MONTH = 365.25 / 12
MONTHS_SHOWN = 48
YEAR = 365


def ledger_in_time(periods: pd.DataFrame, doubts: pd.DataFrame, currency: str) -> Picture:
    """Draw purchases and revenue by week or month, doubtful stretches marked, periods held in part pale."""
    period = periods.attrs["period"]
    title = _title_in_time(periods, doubts, period)
    width = 6.2 if period == "week" else 26
    with drawing(title, height=4.2, rows=2) as (figure, axes):
        for ax, (name, heading) in zip(
            axes, (("purchases", "purchases"), ("revenue", f"revenue after returns ({currency})")), strict=True
        ):
            colors = [BLUE if complete else FAINT for complete in periods["complete"]]
            ax.bar(periods["start"], periods[name], width=width, align="edge", color=colors, linewidth=0)
            ax.set_title(f"{heading} a {period}")
            in_thousands(ax.yaxis)
            for start, end in zip(doubts["start"], doubts["end"], strict=True):
                ax.axvspan(date2num(start), date2num(end) + 1, color=ORANGE, alpha=0.18, linewidth=0, zorder=0)
        _label_doubts(axes[0], doubts)
        if not periods["complete"].all():
            axes[1].set_xlabel(f"pale: a {period} that the ledger holds in part")
        in_dates(axes[-1])
    low, high = periods.loc[periods["complete"], "purchases"].agg(["min", "max"])
    alt = (
        f"{title}. Bars of {plural(len(periods), period)} to {periods['start'].iloc[-1]:%B %Y}: "
        f"{count(periods['purchases'].sum())} purchases for {money(periods['revenue'].sum(), currency)}, from "
        f"{count(low)} to {count(high)} purchases in a whole {period}."
    )
    return Picture(figure, alt)


def _title_in_time(periods: pd.DataFrame, doubts: pd.DataFrame, period: str) -> str:
    if len(doubts):
        return f"{plural(len(doubts), 'stretch', 'stretches')} of the ledger should be asked about"
    silent = int((periods["purchases"] == 0).sum())
    whole = f"No {period} of {len(periods)} is without a purchase" if not silent else f"{plural(silent, period)} silent"
    return f"{whole}, and amounts keep their size"


def _label_doubts(ax: Axes, doubts: pd.DataFrame) -> None:
    """Write above the bars what is doubtful, one line under the other where they might meet."""
    if doubts.empty:
        return
    lines = min(len(doubts), LINES)
    ax.set_ylim(0, (1 + 0.13 * lines) * ax.get_ylim()[1])
    left, right = ax.get_xlim()
    labelled = doubts.head(MARKS_LABELLED)
    for at, (start, label) in enumerate(zip(labelled["start"], labelled["label"], strict=True)):
        is_late = date2num(start) > left + 0.7 * (right - left)
        ax.annotate(
            label,
            (date2num(start), 1),
            xycoords=("data", "axes fraction"),
            xytext=(-2 if is_late else 2, -2 - LINE_OF_TEXT * (at % lines)),
            textcoords="offset points",
            color=ORANGE,
            fontsize=8,
            va="top",
            ha="right" if is_late else "left",
        )


def first_seen(counts: pd.DataFrame) -> Picture:
    """Draw how many customers were first seen in each week or month; those who can't be taken for new are pale."""
    period = counts.attrs["period"]
    is_new = counts["new"].astype(bool)
    total = int(counts["customers"].sum())
    earlier = total - counts.attrs["new"]
    title = (
        f"{percent(earlier / total)} of the customers were first seen too early to be taken for new"
        if earlier
        else f"Customers first seen in each {period} are taken for new"
    )
    with drawing(title, height=2.4) as (figure, ax):
        colors = [BLUE if new else QUIET for new in is_new]
        ax.bar(counts["start"], counts["customers"], width=6.2 if period == "week" else 26, align="edge", color=colors)
        ax.set_title(f"customers first seen in each {period}")
        in_thousands(ax.yaxis)
        in_dates(ax)
        if earlier:
            ax.set_xlabel("grey: old customers may be among them; blue: taken for new")
    fullest = counts.nlargest(1, "customers")["start"].iloc[0]
    alt = (
        f"{title}. Bars of {plural(len(counts), period)}: {count(total)} customers in all, the most of them, "
        f"{count(counts['customers'].max())}, in the {period} of {day(fullest)}; {count(total - earlier)} are taken "
        f"for new."
    )
    return Picture(figure, alt)


@says_why_not
def completeness(complete: pd.DataFrame) -> Picture:
    """Draw which share of the records holds each field, and which share of revenue comes from those."""
    fields, whole = complete.iloc[:-1].iloc[::-1], complete.iloc[-1]
    names = [str(field).replace("_", " ") for field in fields["field"]]
    title = (
        f"{percent(whole['filled'])} of the records hold every field required; customers of whom something is missing "
        f"bring {percent(whole['revenue_missing'])} of revenue"
    )
    with drawing(title, height=1.2 + BAR * len(fields)) as (figure, ax):
        place = np.arange(len(fields))
        with_field = 1 - fields["revenue_missing"]
        ax.barh(place, fields["filled"], color=BLUE, height=0.66)
        ax.plot(with_field, place, "D", color=ORANGE, markersize=4.5, clip_on=False)
        for at, filled in zip(place, fields["filled"], strict=True):
            ax.annotate(
                percent(filled, 0 if filled in (0, 1) else 1),
                (1, at),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                annotation_clip=False,
            )
        _horizontal(ax, place, names)
        ax.set_xlim(0, 1)
        in_percent(ax.xaxis)
        ax.set_xlabel("bars and figures: share of records; diamonds: share of revenue")
    rows = "; ".join(f"{field} {percent(filled)}" for field, filled in zip(names, fields["filled"], strict=True))
    return Picture(figure, f"{title}. Horizontal bars, filled in by field, the fullest first: {rows}.")


@says_why_not
def record_age(ages: pd.DataFrame) -> Picture:
    """Draw how many months ago records were last touched."""
    days = ages["days"].dropna()
    old = (days > YEAR).mean()
    title = f"{percent(old)} of the records are untouched for over a year"
    months = (days // DAYS_A_MONTH).clip(upper=MONTHS_SHOWN).astype(int)
    counted = months.value_counts().reindex(range(months.max() + 1)).fillna(0)
    with drawing(title, height=2.7) as (figure, ax):
        colors = [ORANGE if month >= 12 else BLUE for month in counted.index]
        ax.bar(counted.index, counted, width=0.86, align="edge", color=colors, linewidth=0)
        ax.axvline(days.median() / DAYS_A_MONTH, color=INK, linewidth=1, linestyle="--")
        label_line(ax, days.median() / DAYS_A_MONTH, 1.08 * counted.max(), f"median {number(days.median())} days", INK)
        ax.set_ylim(0, 1.16 * counted.max())
        ax.set_xlim(0)
        ax.set_xlabel(
            "months since the record was last touched"
            + (f" ({MONTHS_SHOWN}: or more)" if months.max() == MONTHS_SHOWN else "")
        )
        ax.set_ylabel("records")
        in_thousands(ax.yaxis)
    alt = f"{title}. Bars by month since the last change: the median is {number(days.median())} days."
    return Picture(figure, alt)


@says_why_not
def certainties(sure: pd.DataFrame) -> Picture:
    """Draw how sure it is that records are one customer."""
    merged, waiting = int(sure["merged"].sum()), int(sure["waiting"].sum())
    title = f"{plural(merged, 'record')} merged with another, {plural(waiting, 'pair')} to decide"
    with drawing(title, height=1.4 + BAR * len(sure)) as (figure, ax):
        place = np.arange(len(sure))
        ax.barh(place, sure["merged"], color=BLUE, height=0.66)
        ax.barh(place, sure["waiting"], left=sure["merged"], color=ORANGE, height=0.66)
        for at, put, open_pairs in zip(place, sure["merged"], sure["waiting"], strict=True):
            said = [f"{count(put)} merged"] * bool(put) + [f"{count(open_pairs)} to decide"] * bool(open_pairs)
            ax.annotate(
                ", ".join(said),
                (put + open_pairs, at),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                annotation_clip=False,
            )
        _horizontal(ax, place, list(sure.index))
        ax.set_xlim(0, 1.25 * (sure["merged"] + sure["waiting"]).max())
        ax.set_xlabel("records merged with another, and pairs to decide")
        ax.set_title("by the probability of being one customer")
        in_thousands(ax.xaxis)
    rows = "; ".join(f"{name}: {put}" for name, put in zip(sure.index, sure["merged"], strict=True))
    return Picture(figure, f"{title}. Horizontal bars of the records merged by probability: {rows}.")


def _horizontal(ax: Axes, place: Any, names: list[str]) -> None:
    ax.set_yticks(place, [shortened(name) for name in names])
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
