"""The figure of which key accounts have gone silent, in `07_key_accounts`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, key, plural
from ..named_bars import BARS, ROW, name_rows, write_values
from ..style import BLUE, INK, ORANGE, Picture, drawing, in_thousands


@says_why_not
def silence(accounts: pd.DataFrame) -> Picture:
    """Draw how long key accounts have been silent against the longest gap that their own rhythm explains."""
    if accounts.empty:
        raise CannotSay("No key account has bought anything, so none has gone silent.")
    silent = int(accounts["silent"].sum())
    who = f"{count(silent)} of {plural(len(accounts), 'key account')}" if silent else "No key account"
    title = f"{who} {'has' if silent < 2 else 'have'} been silent for longer than usual"
    drawn = accounts.sort_values("silent", ascending=False, kind="stable").head(BARS).reset_index(drop=True)
    with drawing(title, height=1.75 + ROW * len(drawn)) as (figure, ax):
        place = np.arange(len(drawn))
        reach = 1.18 * max(1.0, drawn["days_silent"].max())
        ax.barh(place, drawn["days_silent"], height=0.62, color=np.where(drawn["silent"], ORANGE, BLUE))
        usual = drawn["longest_gap"].where(drawn["longest_gap"] < reach)
        write_values(
            ax, drawn[["days_silent"]].assign(usual=usual).max(axis=1), [count(d) for d in drawn["days_silent"]]
        )
        ax.plot(usual, place, "|", color=INK, markersize=12, markeredgewidth=2.2)
        name_rows(ax, drawn["customer"])
        ax.set_xlim(0, reach)
        in_thousands(ax.xaxis)
        ax.set_xlabel("days since the last purchase (stroke: longest usual gap;\norange: silent for longer)")
    rows = "; ".join(
        f"{key(customer)} {count(days)} days against {count(usual)}"
        for customer, days, usual in drawn.loc[drawn["silent"], ["customer", "days_silent", "longest_gap"]].to_numpy()
    )
    return Picture(figure, f"{title}{f', those worth most first: {rows}' if rows else f': {len(accounts)} of them'}.")
