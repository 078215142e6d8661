"""The figures of `08_playbook` on what would move the profit."""

from __future__ import annotations

import pandas as pd

from models.levers import LIFE_YEARS, LITERATURE, Estimate, Retention

from ...chapters.playbook.levers import Moved, in_words, points_of
from ...unsaid import says_why_not
from ...wording import count, money, percent
from ..style import BLUE, FAINT, INK, ORANGE, QUIET, Picture, drawing, in_percent, in_thousands, label_line, wrapped

LETTERS = 26  # of a lever's name, in a line beside its bar
LABEL = 0.16  # width of what is written below the base's own point, as a share of the axis
ROOM = 1.55  # beyond the longest bar, for the amounts


@says_why_not
def gains(found: Moved, currency: str) -> Picture:
    """Draw what each lever adds, with its interval."""
    levers = [gain for gain in found.levers.gains if not pd.isna(gain.profit.value) and found.concerns(gain.lever)]
    best = found.ranked()[0]
    title = f"If {in_words(found, best.lever)}, that adds {money(best.profit.value, currency)} of {found.what}"
    with drawing(title, height=3.1) as (figure, ax):
        ends = [0.0]
        for place, (_, customers, profit) in enumerate(levers):
            ax.barh(place, profit.value, height=0.5, color=BLUE)
            ends += [profit.value, *_interval(ax, profit, place)]
            words = money(profit.value, currency) if customers else "nobody whom it concerns"
            label_line(ax, max(end for end in ends[-3:] if not pd.isna(end)), place, words, INK)
        ax.set_yticks(range(len(levers)), [wrapped(in_words(found, gain.lever), LETTERS) for gain in levers])
        ax.set_ylim(len(levers) - 0.5, -0.5)
        known = [end for end in ends if not pd.isna(end)]
        ax.set_xlim(ROOM * min(known), ROOM * max(known) or 1)
        ax.grid(visible=False, axis="y")
        ax.locator_params(axis="x", nbins=4)
        in_thousands(ax.xaxis)
        ax.set_xlabel(f"{found.what} added in {count(found.terms.horizon_days)} days ({currency})")
    rows = "; ".join(f"{in_words(found, gain.lever)}: {money(gain.profit.value, currency)}" for gain in levers)
    return Picture(figure, f"{title} over the next {count(found.terms.horizon_days)} days. {rows}.")


@says_why_not
def retention(found: Moved, raised: Retention) -> Picture:
    """Draw what more retention adds to a customer's worth, over the range of the literature."""
    least, most = LITERATURE
    life = raised.life
    points = points_of(found)
    title = f"{points.capitalize()} more retention add {percent(life.value, 1)} to what a customer is worth"
    with drawing(title, height=1.9) as (figure, ax):
        ax.axvspan(least, most, color=FAINT, linewidth=0)
        ax.text((least + most) / 2, 0.55, "in the literature, by industry", ha="center", color=QUIET, fontsize=8.5)
        _interval(ax, life, 0)
        ax.plot(life.value, 0, "o", color=ORANGE, markersize=8)
        ax.set_yticks([])
        ax.set_ylim(-0.9, 0.9)
        known = [each for each in (life.low, life.value, life.high) if not pd.isna(each)]
        left, right = min(0.0, *known), max(1.0, 1.1 * max(known))
        ax.set_xlim(left, right)
        at = _clear_of(LITERATURE, life.value, LABEL / 2 * (right - left), left)
        label_line(ax, at, -0.45, f"this base:\n{percent(life.value, 1)}", ORANGE, ha="center", offset=(0, 0))
        ax.spines["left"].set_visible(False)
        in_percent(ax.xaxis)
        ax.set_xlabel(f"added to the value of today's customers in {count(LIFE_YEARS)} years")
    between = "" if pd.isna(life.low) else f", between {percent(life.low, 1)} and {percent(life.high, 1)}"
    alt = f"{title}{between}; in the literature it is {percent(least)} to {percent(most)}, by industry."
    return Picture(figure, alt)


def _clear_of(band: tuple[float, float], place: float, half: float, left: float) -> float:
    """Return where a label of half a width is centred, near its place, so that no edge of a band runs through it."""
    least, most = band
    if place < least:
        return max(min(place, least - half), left + half)
    return max(place, most + half) if place > most else min(max(place, least + half), most - half)


def _interval(ax, estimate: Estimate, place: float) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    ax.plot([estimate.low, estimate.high], [place, place], color=INK, linewidth=1.6)
    return estimate.low, estimate.high
