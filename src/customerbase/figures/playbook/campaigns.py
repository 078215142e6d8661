"""The figures of `08_playbook` on what the lists of an earlier run did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from matplotlib.ticker import FuncFormatter

from models.campaign_effect import Effect

from ...chapters.playbook.campaigns import ALL, Campaign, Effects, in_points, rows_of, verdict_in_words, when
from ...errors import CannotSay
from ...unsaid import Unsaid, says_why_not
from ...wording import money, percent, printable
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing

ROW = 0.36  # height of an action, in inches
AROUND = 1.9  # height of what stands above and below them


@says_why_not
def who_bought_again(campaign: Campaign, effects: Effects, coverage: float) -> Picture:
    """Draw by action by how many points more of those to be called bought again than of those held out."""
    share = effects.over_all.share
    more = f"{abs(100 * share.difference):.1f} points {'more' if share.difference >= 0 else 'fewer'}"
    title = f"{more} of those to be called bought again than of those held out: {verdict_in_words(share)}"
    label = "difference in who bought again (points)"
    return _differences(title, rows_of(effects, "share"), label, _points, campaign, coverage, scale=100)


def revenue(
    campaign: Campaign | Unsaid, effects: Effects | Unsaid, coverage: float, currency: str
) -> Picture | Unsaid | None:
    """Draw by action how much more those to be called brought than those held out.

    None where the first figure says why not.
    """
    if isinstance(campaign, Unsaid) or isinstance(effects, Unsaid):
        return None
    return _revenue(campaign, effects, coverage, currency)


@says_why_not
def _revenue(campaign: Campaign, effects: Effects, coverage: float, currency: str) -> Picture:
    found = effects.over_all.revenue
    more = f"{money(abs(found.difference), currency)} {'more' if found.difference >= 0 else 'less'}"
    title = f"Those to be called brought {more} each than those held out: {verdict_in_words(found)}"
    label = f"difference in revenue a customer ({currency})"
    return _differences(title, rows_of(effects, "revenue"), label, _amount(currency), campaign, coverage)


def _points(difference: float) -> str:
    return f"{in_points(difference)} points"


def _amount(currency: str) -> Callable[[float], str]:
    return lambda amount: money(amount, currency)


def _differences(
    title: str,
    rows: list[tuple[str, int, int, Effect | None]],
    label: str,
    wording: Callable[[float], str],
    campaign: Campaign,
    coverage: float,
    scale: float = 1,
) -> Picture:
    measured = [(*row[:3], row[3]) for row in rows if row[3] is not None and pd.notna(row[3].low)]
    if not measured:
        raise CannotSay("In none of the lists did enough customers buy for the difference in revenue to be told.")
    with drawing(title, height=AROUND + ROW * len(measured)) as (figure, ax):
        ax.axvline(0, color=QUIET, linewidth=1.2)
        for place, (_, _, _, effect) in enumerate(measured):
            _draw(ax, place, effect, scale)
        names = [f"{printable(action)}\n{called:,} : {held_out:,}" for action, called, held_out, _ in measured]
        ax.set_yticks(range(len(measured)), names)
        if measured[-1][0] == ALL:
            ax.get_yticklabels()[-1].set_fontweight("bold")
        ax.set_ylim(len(measured) - 0.4, -0.6)
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.locator_params(axis="x", nbins=5)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,.4g}" if value else "0"))
        ax.set_title("customers to be called : held out")
        ax.set_xlabel(f"{label}\nlines: {percent(coverage)} intervals; orange: an effect")
    told = "; ".join(
        f"{printable(action)} {wording(effect.difference)} ({wording(effect.low)} to {wording(effect.high)}), "
        f"{verdict_in_words(effect)}"
        for action, _, _, effect in measured
    )
    return Picture(figure, f"{title}. Differences in {when(campaign)}: {told}.")


def _draw(ax: Any, place: int, effect: Effect, scale: float) -> None:
    color = ORANGE if effect.is_effect else BLUE
    ax.plot([scale * effect.low, scale * effect.high], [place, place], color=color, linewidth=2.2)
    ax.plot(scale * effect.difference, place, "o", color=color, markersize=7, markeredgecolor=INK, markeredgewidth=0.6)
