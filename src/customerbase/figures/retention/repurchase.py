"""The figures of `05_retention` on what brings customers back sooner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from models.repurchase_intervals import RHYTHM

from ...chapters.retention.breadth import ALONE, RELATIVE, WITHIN, Answers, wide_buyers
from ...chapters.retention.hazard_ratios_in_words import SIGNIFICANT, UsualWait, sentence_start
from ...chapters.retention.repurchase import Regression, ends_of
from ...unsaid import says_why_not
from ...wording import percent
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing, wrapped

LETTERS = 27  # of what stands beside a row
ROW = 0.48  # inches
MOST_SHOWN = 10
WIDEST = 2.2  # intervals beyond the estimates are cut at this many times their reach
NARROWEST = 0.03  # share of the usual wait that the axis shows at least, to either side

Ends = tuple[float, float, float]


@says_why_not
def effects(found: Regression) -> Picture:
    """Draw what a usual wait becomes, with intervals, the largest difference between customers first."""
    effects = found.effects
    beside = effects[~effects["covariate"].isin(RHYTHM)]
    shown = (effects if beside.empty else beside).head(MOST_SHOWN)
    first, more = shown.iloc[0], [found.waits.more(name) for name in shown["covariate"]]
    clear = (shown["p_value"] < SIGNIFICANT).tolist()
    usual = found.waits.usual
    if clear[0]:
        told = usual.in_words(first["hazard_ratio"], first["low"], first["high"])
        title = sentence_start(f"{more[0]}: a usual wait of {usual.in_days} becomes {told}")
    else:
        title = "Beside their own rhythm, nothing known goes clearly with when customers come back"
    under = f"days that a usual wait of {usual.in_days} becomes,\nrhythm and all else equal"
    return _forest(
        title, more, ends_of(shown), [BLUE] * len(more), clear, f"{under} (bars: {percent(found.fit.interval)})", usual
    )


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
    usual = found[WITHIN].usual
    under = f"days that a usual wait of {usual.in_days} becomes,\nwith twice the categories (bars: {percent(interval)})"
    clear = [answer.sooner or answer.later for answer in found.values()]
    picture = _forest(title, rows, ends, colors, clear, under, usual)
    return Picture(picture.figure, f"{picture.alt} Orange: each customer beside their own usual.")


def _forest(
    title: str,
    names: Sequence[str],
    ends: Sequence[Ends],
    colors: Sequence[str],
    clear: Sequence[bool],
    under: str,
    wait: UsualWait,
) -> Picture:
    """Draw under one another what ratios make of a usual wait, with intervals, in words where it is beyond chance."""
    usual, longest = wait.usual, float(wait.days[-1])
    # a higher ratio makes a shorter wait
    days = np.minimum([[wait.becomes(each) for each in (ratio, high, low)] for ratio, low, high in ends], longest)
    reach = WIDEST * max(float(np.abs(days[:, 0] - usual).max()), NARROWEST * usual)
    left = min(max(float(days.min()), usual - reach), (1 - NARROWEST) * usual)
    right = max(min(float(days.max()), usual + reach), (1 + NARROWEST) * usual)
    with drawing(title, height=ROW * len(names) + 1.15) as (figure, ax):
        ax.axvline(usual, color=QUIET, linewidth=1)
        rows = zip(days, ends, colors, clear, strict=True)
        for place, ((point, soonest, latest), ratios, color, told) in enumerate(rows):
            ax.plot([max(soonest, left), min(latest, right)], [place, place], color=color, linewidth=2.2)
            ax.plot(point, place, "o", color=color, markersize=5.5)
            ax.annotate(
                wait.in_words(*ratios) if told else "could be chance",
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
        margin = 0.03 * (right - left)
        ax.set_xlim(left - margin, right + margin)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x")
        figure.supxlabel(under, fontsize=9, color=QUIET)
    said = "; ".join(f"{name}: {wait.in_words(*each)}" for name, each in zip(names, ends, strict=True))
    return Picture(figure, f"{title}. Days, with intervals. {sentence_start(said)}.")
