"""The figures of `05_retention` on what brings customers back sooner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from models.repurchase_intervals import RHYTHM

from ..chapters.breadth import ALONE, RELATIVE, WITHIN, Answers, wide_buyers
from ..chapters.hazard_ratios_in_words import SIGNIFICANT, in_words, sentence_start
from ..chapters.repurchase import LASTS, UNTOLD, Lasting, Regression, course, ends_of
from ..errors import CannotSay
from ..unsaid import says_why_not
from ..wording import percent, plural
from .style import BLUE, FAINT, INK, ORANGE, QUIET, Picture, drawing, wrapped

LETTERS = 27  # of what stands beside a row
ROW = 0.48  # inches
MOST_SHOWN = 10
# no change first, then the roundest
RATIOS = (1, 0.5, 2, 0.8, 1.2, 0.9, 1.1, 0.95, 1.05, 0.7, 1.4, 0.6, 1.6, 0.98, 1.02, 0.25, 4, 0.1, 10, 0.99, 1.01)
WIDEST = 2.2  # intervals beyond the estimates are cut at this many times their reach

Ends = tuple[float, float, float]


@says_why_not
def effects(found: Regression) -> Picture:
    """Draw hazard ratios with their intervals, the largest difference between customers first."""
    effects = found.effects
    beside = effects[~effects["covariate"].isin(RHYTHM)]
    shown = (effects if beside.empty else beside).head(MOST_SHOWN)
    first, more = shown.iloc[0], [found.waits.more(name) for name in shown["covariate"]]
    clear = (shown["p_value"] < SIGNIFICANT).tolist()
    if clear[0]:
        told = in_words(first["hazard_ratio"], first["low"], first["high"])
        title = sentence_start(f"{more[0]}: back {told}, all else equal")
    else:
        title = "Beside their own rhythm, nothing known goes clearly with when customers come back"
    under = f"back later or sooner, rhythm and all else equal\n(bars: {percent(found.fit.interval)} interval)"
    return _forest(title, more, ends_of(shown), [BLUE] * len(more), clear, under)


@says_why_not
def breadth(found: Answers, interval: float) -> Picture:
    """Draw what twice the categories go with, asked in several ways."""
    if found[WITHIN].sooner:
        title = "The same customer, too, comes back sooner after a wider basket"
    elif wide_buyers(found):
        title = f"{sentence_start(wide_buyers(found))} come back sooner; the same customer after a wider basket doesn't"
    else:
        title = "At equal spend and rhythm breadth doesn't clearly go with coming back sooner"
    by_customer = {RELATIVE, WITHIN}
    colors = [ORANGE if name in by_customer else QUIET if name == ALONE else BLUE for name in found]
    rows = [answer.question for answer in found.values()]
    ends = [(answer.ratio, answer.low, answer.high) for answer in found.values()]
    under = f"back later or sooner, with twice the categories\n(bars: {percent(interval)} interval)"
    clear = [answer.sooner or answer.later for answer in found.values()]
    picture = _forest(title, rows, ends, colors, clear, under)
    return Picture(picture.figure, f"{picture.alt} Orange: each customer beside their own usual.")


@says_why_not
def lasting(found: Lasting, interval: float) -> Picture:
    """Draw how the effects that drift most change while the wait lasts (scaled Schoenfeld residuals)."""
    names = list(dict.fromkeys(found.curves["covariate"]))
    if not names or found.curves["days"].nunique() < 2:
        raise CannotSay("The next purchases come too close together to see whether effects last through the wait.")
    whole = found.table.set_index("covariate")
    courses = {name: course(whole.loc[name].to_dict()) for name in names}
    drifting = [name for name in names if courses[name] not in (LASTS, UNTOLD)]
    if drifting:
        what, becomes = sentence_start(whole.loc[drifting[0], "more"]), courses[drifting[0]]
        title = f"{what}: the effect {becomes} after {plural(found.split_days, 'day')}"
    else:
        title = "The effects stay much the same however long the wait has lasted"
    with drawing(title, height=1.35 * len(names) + 0.9, rows=len(names)) as (figure, axes):
        panels: list[Axes] = list(np.atleast_1d(axes))
        for ax, name in zip(panels, names, strict=True):
            curve = found.curves[found.curves["covariate"] == name]
            ax.axhline(1, color=FAINT, linewidth=1.2)
            ax.axhline(whole.loc[name, "ratio"], color=QUIET, linestyle="--", linewidth=1.1)
            ax.fill_between(curve["days"], curve["low"], curve["high"], color=BLUE, alpha=0.2, linewidth=0)
            ax.plot(curve["days"], curve["ratio"], "o-", color=BLUE, markersize=3.5)
            low = min(curve["low"].min(), 1, whole.loc[name, "ratio"])
            high = max(curve["high"].max(), 1, whole.loc[name, "ratio"])
            ax.set_yscale("log")
            ax.set_ylim(low / 1.03, high * 1.03)
            _ratio_scale(ax.yaxis, low / 1.03, high * 1.03, apart=0.22)
            ax.set_title(sentence_start(whole.loc[name, "more"]), color=INK, fontsize=8.5)
        last = panels[-1]
        last.set_xscale("log")
        days = _days(float(found.curves["days"].min()), float(found.curves["days"].max()))
        last.xaxis.set_major_locator(FixedLocator(days))
        last.xaxis.set_major_formatter(FixedFormatter([f"{day:,.0f}" for day in days]))
        last.xaxis.set_minor_locator(NullLocator())
        last.set_xlabel(
            f"days since the last purchase\n(dashes: over the whole wait; bands: {percent(interval)} interval)"
        )
        figure.supylabel("back later or sooner", fontsize=9, color=QUIET)
    rows = "; ".join(
        f"{whole.loc[name, 'more']}: {_change(curve['ratio'].iloc[0])} after {plural(curve['days'].iloc[0], 'day')}, "
        f"{_change(curve['ratio'].iloc[-1])} after {plural(curve['days'].iloc[-1], 'day')}"
        for name, curve in ((name, found.curves[found.curves["covariate"] == name]) for name in names)
    )
    return Picture(figure, f"{title}. {rows}.")


def _forest(
    title: str, names: Sequence[str], ends: Sequence[Ends], colors: Sequence[str], clear: Sequence[bool], under: str
) -> Picture:
    """Draw ratios under one another, each with its interval, and in words where it is more than chance."""
    ratios = np.array(ends)
    reach = max(float(np.abs(np.log(ratios[:, 0])).max()), 0.02) * WIDEST
    left = max(float(ratios[:, 1].min()), np.exp(-reach))
    right = min(float(ratios[:, 2].max()), np.exp(reach))
    left, right = min(left, 0.97), max(right, 1.03)
    with drawing(title, height=ROW * len(names) + 1.15) as (figure, ax):
        ax.axvline(1, color=QUIET, linewidth=1)
        for place, ((ratio, low, high), color, told) in enumerate(zip(ends, colors, clear, strict=True)):
            ax.plot([max(low, left), min(high, right)], [place, place], color=color, linewidth=2.2)
            ax.plot(ratio, place, "o", color=color, markersize=5.5)
            ax.annotate(
                in_words(ratio, low, high) if told else "could be chance",
                (1.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                color=color if told else QUIET,
                fontsize=8,
                fontweight="bold",
                annotation_clip=False,
            )
        ax.set_yticks(range(len(names)), [wrapped(name, LETTERS) for name in names])
        ax.tick_params(axis="y", colors=INK, labelsize=8)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xscale("log")
        left, right = left / 1.01, right * 1.01
        ax.set_xlim(left, right)
        _ratio_scale(ax.xaxis, left, right, apart=0.24)
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x")
        figure.supxlabel(under, fontsize=9, color=QUIET)
    rows = "; ".join(f"{name}: {in_words(*each)}" for name, each in zip(names, ends, strict=True))
    return Picture(figure, f"{title}. {sentence_start(rows)}.")


def _ratio_scale(axis: Axis, low: float, high: float, apart: float) -> None:
    """Label an axis of ratios as changes in per cent, at ratios that a person reads and far enough from one another."""
    chosen: list[float] = []
    span = np.log(high / low)
    for ratio in RATIOS:
        if low <= ratio <= high and all(abs(np.log(ratio / other)) >= apart * span for other in chosen):
            chosen.append(ratio)
    chosen.sort()
    axis.set_major_locator(FixedLocator(chosen))
    axis.set_major_formatter(FixedFormatter([_change(ratio) for ratio in chosen]))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _change(ratio: float) -> str:
    return "same" if ratio == 1 else f"×{ratio:g}" if ratio >= 2 else f"{100 * (ratio - 1):+.0f}%".replace("-", "−")


def _days(first: float, last: float) -> list[float]:
    steps = [1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365, 730, 1460]
    fitting = [float(day) for day in steps if first <= day <= last]
    while len(fitting) > 6:
        fitting = fitting[::2]
    return fitting or [first, last]
