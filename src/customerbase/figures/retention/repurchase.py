"""The figures of `05_retention` on what brings customers back sooner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from models.repurchase_intervals import RHYTHM

from ...chapters.estimates_in_words import CHANCE
from ...chapters.retention.breadth import ALONE, RELATIVE, WITHIN, Answers, wide_buyers
from ...chapters.retention.hazard_ratios_in_words import SIGNIFICANT, sentence_start
from ...chapters.retention.repurchase import Regression, ends_of
from ...unsaid import says_why_not
from ...wording import percent
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing, wrapped

LETTERS = 27  # of what stands beside a row
ROW = 0.48  # inches
MOST_SHOWN = 10
WIDEST = 2.2  # intervals beyond the estimates are cut at this many times their reach
NARROWEST = 0.03  # share of what is usual that the axis shows at least, to either side


class Row(NamedTuple):
    """One effect: name; ends on the axis, the estimate first; in words; colour; whether it is beyond chance."""

    name: str
    ends: tuple[float, float, float]
    words: str
    color: str
    clear: bool


@says_why_not
def effects(found: Regression) -> Picture:
    """Draw what a usual wait becomes, with intervals, the largest difference between customers first."""
    effects = found.effects
    beside = effects[~effects["covariate"].isin(RHYTHM)]
    shown = (effects if beside.empty else beside).head(MOST_SHOWN)
    first, more = shown.iloc[0], [found.waits.more(name) for name in shown["covariate"]]
    clear = (shown["p_value"] < SIGNIFICANT).tolist()
    usual = found.usual
    if clear[0]:
        told = usual.in_words(first["hazard_ratio"], first["low"], first["high"])
        title = sentence_start(f"{more[0]}: a usual wait of {usual.in_days} becomes {told}")
    else:
        title = "Beside their own rhythm, nothing known goes clearly with when customers come back"
    ends = ends_of(shown)
    # a higher ratio makes a shorter wait
    days = np.minimum(
        [[usual.becomes(each) for each in (ratio, high, low)] for ratio, low, high in ends], usual.longest
    )
    under = f"days that a usual wait of {usual.in_days} becomes,\nrhythm and all else equal"
    return _forest(
        title,
        [
            Row(name, tuple(place), usual.in_words(*each), BLUE, told)
            for name, place, each, told in zip(more, days.tolist(), ends, clear, strict=True)
        ],
        f"{under} (bars: {percent(found.fit.interval)})",
        none=usual.usual,
        narrowest=NARROWEST * usual.usual,
        said="Days, with intervals",
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
    rows = [
        Row(
            answer.question,
            (100 * (answer.ratio - 1), 100 * (answer.low - 1), 100 * (answer.high - 1)),
            answer.words,
            ORANGE if name in by_customer else QUIET if name == ALONE else BLUE,
            answer.sooner or answer.later,
        )
        for name, answer in found.items()
    ]
    under = f"per cent likelier to come back on any day,\nwith twice the categories (bars: {percent(interval)})"
    said = "Likelier to come back on a day, with intervals"
    picture = _forest(title, rows, under, none=0.0, narrowest=100 * NARROWEST, said=said)
    return Picture(picture.figure, f"{picture.alt} Orange: each customer beside their own usual.")


def _forest(title: str, rows: Sequence[Row], under: str, *, none: float, narrowest: float, said: str) -> Picture:
    """Draw effects under one another with intervals, in words where they are beyond chance; `none` is no effect."""
    ends = np.array([row.ends for row in rows])
    reach = WIDEST * max(float(np.abs(ends[:, 0] - none).max()), narrowest)
    left = min(max(float(ends.min()), none - reach), none - narrowest)
    right = max(min(float(ends.max()), none + reach), none + narrowest)
    with drawing(title, height=ROW * len(rows) + 1.15) as (figure, ax):
        ax.axvline(none, color=QUIET, linewidth=1)
        for place, row in enumerate(rows):
            point, low, high = row.ends
            ax.plot([max(low, left), min(high, right)], [place, place], color=row.color, linewidth=2.2)
            ax.plot(point, place, "o", color=row.color, markersize=5.5)
            ax.annotate(
                row.words if row.clear else CHANCE,
                (1.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                color=row.color if row.clear else QUIET,
                fontsize=8,
                fontweight="bold",
                annotation_clip=False,
            )
        ax.set_yticks(range(len(rows)), [wrapped(row.name, LETTERS) for row in rows])
        ax.tick_params(axis="y", colors=INK, labelsize=8)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        margin = 0.03 * (right - left)
        ax.set_xlim(left - margin, right + margin)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x")
        figure.supxlabel(under, fontsize=9, color=QUIET)
    in_full = "; ".join(f"{row.name}: {row.words}" for row in rows)
    return Picture(figure, f"{title}. {said}. {sentence_start(in_full)}.")
