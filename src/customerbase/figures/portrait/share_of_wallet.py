"""The figure of share of wallet in `02_portrait`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import key, money, percent, plural
from ..style import BLUE, FAINT, INK, QUIET, Picture, drawing, in_thousands, label_line

WALLETS = 10
LETTERS = 18  # of a name beside a bar


@says_why_not
def left_to_win(wallet: pd.DataFrame, currency: str) -> Picture:
    """Draw what the customers with the most left to win buy here, and what they could.

    Parameters
    ----------
    wallet : pandas.DataFrame
        From `customerbase.chapters.portrait.share_of_wallet.share_of_wallet`.
    currency : str
    """
    shown = wallet[wallet["left_to_win"] > 0].head(WALLETS).iloc[::-1]
    if shown.empty:
        raise CannotSay("Every customer with a recorded potential buys all of it here already.")
    share = wallet["bought"].sum() / wallet["potential"].sum()
    left_over = money(wallet["left_to_win"].sum(), currency)
    title = f"Customers buy {percent(share)} of what they could from us; {left_over} a year is left to win"
    place = np.arange(len(shown))
    with drawing(title, height=1.5 + 0.27 * len(shown)) as (figure, ax):
        bought = np.minimum(shown["bought"].to_numpy(), shown["potential"].to_numpy())
        left = shown["left_to_win"].to_numpy()
        ax.barh(place, bought, 0.62, color=BLUE, label="bought here")
        ax.barh(
            place, left, 0.62, left=bought, color=FAINT, hatch="///", edgecolor=QUIET, linewidth=0, label="left to win"
        )
        for y, row in zip(place.tolist(), shown.to_dict("records"), strict=True):
            label_line(ax, row["potential"], y, percent(row["share"]), BLUE, offset=(4, 0))
        ax.set_yticks(place, [key(name, LETTERS) for name in shown["customer"]])
        ax.tick_params(axis="y", colors=INK)
        ax.grid(visible=False)
        ax.set_xlim(0, float(shown["potential"].max()) * 1.12)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        in_thousands(ax.xaxis)
        ax.set_xlabel(f"a year, {currency}: the {plural(len(shown), 'customer')} with the most left to win")
        ax.legend(frameon=False, fontsize=8.5, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    top = shown.iloc[-1]
    rows = "; ".join(f"{key(row['customer'])} {percent(row['share'])}" for row in shown.iloc[::-1].to_dict("records"))
    return Picture(
        figure,
        f"{title}. Most is left with {key(top['customer'])}: {money(top['left_to_win'], currency)} of "
        f"{money(top['potential'], currency)}. Share of wallet of the {len(shown)} shown: {rows}.",
    )
