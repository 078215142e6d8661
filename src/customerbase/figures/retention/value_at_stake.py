"""The figure of `05_retention` that shows what leaving costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from ...chapters.retention.value_at_stake import sum_at_stake
from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import percent, printable, roughly, shortened
from ..style import BLUE, INK, QUIET, Picture, drawing, in_thousands

LETTERS = 24


@says_why_not
def at_stake(stake: Any, currency: str, horizon_days: int, interval: float) -> Picture:
    """Draw the lifetime value at stake by cohort and segment, with its interval.

    Parameters
    ----------
    stake : AtStake
        From `customerbase.chapters.retention.value_at_stake.at_stake`.
    currency : str
    horizon_days : int
    interval : float
        Coverage of the bounds.
    """
    frame = stake.groups
    if frame.empty:
        raise CannotSay("There is one group of customers only, so what is at stake isn't compared between groups.")
    total = f"{currency} {roughly(float(stake.base['at_stake']))}"
    title = f"{total} of lifetime value leave with customers in the next {horizon_days} days"
    if np.isfinite(stake.share):
        title += f", {percent(stake.share)} of what those still here could bring"
    kinds = list(dict.fromkeys(frame["by"]))
    with drawing(title, height=1.3 + 0.24 * (len(frame) + 1.3 * len(kinds))) as (figure, ax):
        at, ticks, names = 0.0, [], []
        right = float(np.nanmax(frame[["at_stake", "at_stake_high"]].to_numpy(float)))
        for kind in kinds:
            ax.text(0, at, f" by {kind}", color=QUIET, fontsize=8.5, fontweight="bold", va="center")
            at += 1
            for row in frame[frame["by"] == kind].itertuples():
                ax.barh(at, row.at_stake, height=0.62, color=BLUE, alpha=0.75)
                end = row.at_stake
                if np.isfinite(row.at_stake_low):
                    ax.plot([row.at_stake_low, row.at_stake_high], [at, at], color=INK, linewidth=1.2)
                    end = max(end, row.at_stake_high)
                whole = row.value + row.at_stake
                if whole > 0:
                    share = percent(row.at_stake / whole)
                    ax.annotate(
                        share,
                        (max(0.0, end), at),
                        (4, 0),
                        textcoords="offset points",
                        color=INK,
                        fontsize=8,
                        va="center",
                    )
                ticks.append(at)
                names.append(shortened(printable(row.group), LETTERS))
                at += 1
            at += 0.3
        ax.set_yticks(ticks, names)
        ax.set_ylim(at, -0.7)
        if right > 0:
            ax.set_xlim(right=right * 1.14)
        ax.grid(axis="y", visible=False)
        ax.grid(axis="x", visible=True)
        in_thousands(ax.xaxis)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.set_xlabel(
            f"lifetime value at stake ({currency}), line: {percent(interval)} interval;\n"
            "per cent: of what they would bring if they all stayed"
        )
    rows = "; ".join(
        f"{row.by} {printable(row.group)}: {sum_at_stake(row._asdict(), currency)}" for row in frame.itertuples()
    )
    return Picture(figure, f"{title}. {rows}.")
