"""The figure of the retention rate by quarter, in `05_retention`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...unsaid import says_why_not
from ...wording import count, percent
from ..style import BLUE, ORANGE, Picture, drawing, label_ends

ROOM = 10  # points of the axis below and above the lines
HIDDEN = 0.012  # of the axis: half a dot


@says_why_not
def rates(by_quarter: pd.DataFrame, interval: float) -> Picture:
    """Draw the share of active customers who stayed, with its interval, beside the usual retention rate."""
    shown = by_quarter.tail(16)
    last = shown.iloc[-1]
    title = (
        f"In {last['period']} {100 - last['kept_rate']:.0f}% of active customers fell silent; "
        f"{count(last['lost'])} did, and {count(last['reactivated'])} came back"
    )
    with drawing(title) as (figure, ax):
        place = np.arange(len(shown))
        spread = [shown["kept_rate"] - shown["low"], shown["high"] - shown["kept_rate"]]
        ax.plot(place, shown["crr"], "D--", color=ORANGE, markersize=4)
        ax.errorbar(place, shown["kept_rate"], yerr=spread, fmt="o-", color=BLUE, capsize=3, markersize=3)
        # lines need no zero, and near it intervals would hide behind the dots
        lowest, highest = min(shown["low"].min(), shown["crr"].min()), max(100, shown["crr"].max())
        ax.set_ylim(max(0, lowest - ROOM), highest + ROOM / 2)
        label_ends(
            ax,
            place[-1] + 0.12,
            [last["crr"], last["kept_rate"]],
            ["usual formula\n(CRR)", "stayed active"],
            [ORANGE, BLUE],
        )
        ax.set_xticks(place, shown["period"], rotation=45 if len(shown) > 4 else 0)
        ax.set_xlim(-0.5, len(shown) - 0.2)
        hidden = max(max(each) for each in spread) < HIDDEN * np.diff(ax.get_ylim())[0]
        bars = f"{percent(interval)} intervals: {'no larger than the dots' if hidden else 'bars'}"
        ax.set_ylabel(f"% of those active at the start\n({bars})")
    rows = "; ".join(f"{r.period}: CRR {r.crr:.0f}%, stayed {r.kept_rate:.0f}%" for r in shown.itertuples())
    return Picture(figure, f"{title}. By quarter: {rows}.")
