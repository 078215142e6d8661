"""The figures of `05_retention` on reasons for leaving, and on loyalty apart from satisfaction."""

from __future__ import annotations

import numpy as np
import polars as pl
from statsmodels.stats.proportion import proportion_confint

from models.reasons_for_leaving import ANY
from models.satisfaction import Left, left_share

from ...chapters.retention.after_complaint import AfterComplaint
from ...chapters.retention.reasons import Reasons, costliest, name_of
from ...chapters.retention.satisfaction import Satisfaction
from ...errors import CannotSay
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, percent, plural, roughly
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing, in_percent, in_thousands, label_ends

REASONS_DRAWN = 8
ROW = 0.34  # height of a reason, in inches
AROUND = 1.9  # height of what stands above and below them
LIGHT = "#9cc5e0"


@says_why_not
def lost_by_reason(found: Reasons, interval: float, currency: str, horizon_days: int) -> Picture:
    """Draw the value lost with each reason, with its interval; what chance can explain is grey."""
    single = found.table.filter((pl.col("kind") != ANY) & pl.col("lost").is_not_nan()).head(REASONS_DRAWN)
    if single.is_empty():
        raise CannotSay(
            "Of no reason are there enough customers yet who can be compared, or a few hold most of the value."
        )
    names = [name_of(kind, reason) for kind, reason in single.select("kind", "reason").iter_rows()]
    first = costliest(found)
    title = "No reason goes with a loss beyond chance"
    name = name_of(first["kind"], first["reason"])
    if first["clear"]:
        title = f"More customers go after '{name}'; what it cost can't be told from chance"
    if first["lost_clear"]:
        title = f"Most revenue went with '{name}': {currency} {roughly(first['lost'])} in {count(horizon_days)} days"
    with drawing(title, height=AROUND + ROW * len(names)) as (figure, ax):
        ax.axvline(0, color=QUIET, linewidth=1.2)
        for place, row in enumerate(single.iter_rows(named=True)):
            color = ORANGE if row["lost_clear"] else QUIET
            ax.plot([row["lost_low"], row["lost_high"]], [place, place], color=color, linewidth=2.2)
            ax.plot(row["lost"], place, "o", color=color, markersize=7, markeredgecolor=INK, markeredgewidth=0.6)
        labels = [
            f"{name}\n{plural(number, 'customer')}" for name, number in zip(names, single["compared"], strict=True)
        ]
        ax.set_yticks(range(len(names)), labels)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.locator_params(axis="x", nbins=4)
        in_thousands(ax.xaxis)
        colors = "\n(orange: beyond chance; grey: not)" if single["lost_clear"].any() else ""
        ax.set_xlabel(f"revenue lost ({currency}; lines: {percent(interval)} intervals){colors}")
    told = "; ".join(
        f"{name}: {currency} {roughly(row['lost'])} ({roughly(row['lost_low'])} to {roughly(row['lost_high'])})"
        for name, row in zip(names, single.iter_rows(named=True), strict=True)
    )
    return Picture(figure, f"{title}. Revenue lost by reason: {told}.")


def bought_again(
    why: Reasons | Unsaid, complained: AfterComplaint | Unsaid, interval: float
) -> Picture | Unsaid | None:
    """Draw who has bought again since a complaint, beside others without one; None where that was just said."""
    if isinstance(complained, Unsaid):
        return None if complained == why else complained
    return _bought_again(complained, interval)


@says_why_not
def _bought_again(complained: AfterComplaint, interval: float) -> Picture:
    found, curves = complained.found, complained.curves
    title = (
        f"{percent(found.share)} buy again within {complained.days} days of a complaint; of comparable customers "
        f"{percent(found.expected)}"
    )
    days, shares = curves["day"].to_numpy(), curves["complained"].to_numpy()
    low, high = proportion_confint(shares * found.cases, found.cases, alpha=1 - interval, method="wilson")
    with drawing(title) as (figure, ax):
        ax.fill_between(days, low, high, step="post", color=ORANGE, alpha=0.2, linewidth=0)
        ax.step(days, shares, where="post", color=ORANGE)
        ax.step(days, curves["comparable"], where="post", color=BLUE, linestyle="--")
        ax.set_ylim(0, 1.02)
        ax.set_xlim(0)
        in_percent(ax.yaxis)
        ax.set_xlabel("days since the complaint, or since the day compared")
        ax.set_ylabel(f"bought again (band: {percent(interval)} interval)")
        ends = [shares[-1], curves["comparable"][-1]]
        label_ends(ax, days[-1], ends, ["complained", "comparable"], [ORANGE, BLUE])
    between_ = between(100 * found.low, 100 * found.high, "{:+z.0f}")
    told = f"{between_} points, of {plural(found.cases, 'customer')} who complained"
    return Picture(figure, f"{title}: {told}.")


def satisfied_and_gone(
    complained: AfterComplaint | Unsaid, found: Satisfaction | Unsaid, interval: float
) -> Picture | Unsaid | None:
    """Draw who left, of those who called themselves satisfied and of the others; None where that was just said."""
    if isinstance(found, Unsaid):
        return None if found == complained else found
    return _satisfied_and_gone(found, interval)


@says_why_not
def _satisfied_and_gone(found: Satisfaction, interval: float) -> Picture:
    divided = found.divided
    groups = [(satisfied, left_share(divided, satisfied, interval)) for satisfied in (True, False)]
    groups = [(satisfied, left) for satisfied, left in groups if left.customers]
    title = ", ".join(
        f"{percent(left.share)} of those who were {'satisfied' if satisfied else 'not satisfied'} have gone"
        if (satisfied, left) == groups[0]
        else f"{percent(left.share)} of the others"
        for satisfied, left in groups
    )
    rows: list[tuple[str, float, Left | None]] = []
    for satisfied, left in groups:
        said = "satisfied" if satisfied else "not satisfied"
        rows.append((f"{said}:\n{plural(left.customers, 'customer')}", left.share, left))
        rows.append((f"{said}:\nby what they bought", _value_gone(divided, satisfied), None))
    with drawing(title, height=AROUND + 0.42 * len(rows)) as (figure, ax):
        for place, (_, share, left_) in enumerate(rows):
            ax.barh(place, share, 0.62, color=ORANGE)
            ax.barh(place, 1 - share, 0.62, left=share, color=LIGHT)
            if left_ is not None:
                ax.plot([left_.low, left_.high], [place, place], color=INK, linewidth=1.6)
            ax.text(0.985, place, f"{percent(share)} gone", ha="right", va="center", fontsize=8.5)
        ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.grid(visible=False, axis="y")
        in_percent(ax.xaxis)
        ax.set_xlabel(f"orange: gone since; light: still here\n(lines: {percent(interval)} intervals)")
    told = "; ".join(f"{name.replace(chr(10), ' ')} {percent(share)} gone" for name, share, _ in rows)
    return Picture(figure, f"{title}. Surveys from {day(found.first)} to {day(found.last)}: {told}.")


def _value_gone(divided: pl.DataFrame, satisfied: bool) -> float:
    group = divided.filter(pl.col("satisfied") == satisfied)
    whole = float(group["value"].sum())
    return float(group.filter(~pl.col("stays"))["value"].sum()) / whole if whole > 0 else np.nan
