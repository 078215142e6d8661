"""The figure of how many key accounts each manager holds, in `07_key_accounts`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ...unsaid import says_why_not
from ...wording import count, key, plural
from ..named_bars import BARS, ROW, name_rows, write_values
from ..style import BLUE, ORANGE, QUIET, Picture, drawing, in_thousands


@says_why_not
def load(loads: pd.DataFrame, limit: int) -> Picture:
    """Draw how many key accounts each manager holds, and how many one can hold."""
    over = (loads["too_many"] > 0).sum()
    most = loads.iloc[0]
    who = f"{count(over)} of {plural(len(loads), 'manager')}" if over else "No manager"
    title = f"{who} hold{'s' if over < 2 else ''} more than {plural(limit, 'key account')}"
    shown = loads.head(BARS)
    with drawing(title, height=1.5 + ROW * len(shown)) as (figure, ax):
        place = np.arange(len(shown))
        colors = np.where(shown["too_many"] > 0, ORANGE, BLUE)
        ax.barh(place, shown["key_accounts"], height=0.62, color=colors)
        held = zip(shown["key_accounts"], shown["too_many"], strict=True)
        words = [count(accounts) + (f" ({count(excess)} too many)" if excess else "") for accounts, excess in held]
        write_values(ax, shown["key_accounts"], words)
        ax.axvline(limit, color=QUIET, linestyle="--", linewidth=1.2)
        name_rows(ax, shown["manager"])
        ax.set_xlim(0, 1.5 * max(limit, most["key_accounts"]))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        in_thousands(ax.xaxis)
        ax.set_xlabel(f"key accounts (dashed: at most {count(limit)})")
    return Picture(figure, f"{title}; {key(most['manager'])} holds most, {count(most['key_accounts'])}.")
