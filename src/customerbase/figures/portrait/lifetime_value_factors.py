"""The figure of LTV = S x C x P x T in `02_portrait`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import count, key, money, plural
from ..style import BLUE, INK, ORANGE, Picture, drawing, in_thousands, label_line

ROW = 0.42  # inches that a row of two bars takes
LETTERS = 18  # of a name beside a bar


@says_why_not
def lifetime_values(factors: pd.DataFrame, currency: str, horizon_days: int) -> Picture:
    """Draw what the formula and what the models say of the time ahead, by segment.

    Parameters
    ----------
    factors : pandas.DataFrame
        From `customerbase.chapters.portrait.lifetime_value_factors.factors`.
    currency : str
    horizon_days : int
    """
    shown = factors[factors["ahead"].notna() | factors["model"].notna()].iloc[::-1].reset_index(drop=True)
    if shown.empty:
        raise CannotSay("Neither the formula nor the models can tell what is ahead, so there is nothing to draw.")
    base = factors.iloc[0]
    title = f"LTV by its four factors is {money(base['value'], currency)} for the mean customer"
    by_model = bool(shown["model"].notna().any())
    if by_model:
        title += (
            f"; for the next {plural(horizon_days, 'day')} it says {money(base['ahead'], currency)} and the models "
            f"{money(base['model'], currency)}"
        )
    bars = [("ahead", "S × C × P × T, its part of that time", BLUE, "", 0.2)]
    bars += [("model", "the models", ORANGE, "///", -0.2)] if by_model else []
    place = np.arange(len(shown))
    with drawing(title, height=1.5 + ROW * len(shown)) as (figure, ax):
        longest = max(float(shown[[bar[0] for bar in bars]].max().max()), 0.01)
        for column, name, color, hatch, shift in bars:
            values = shown[column].fillna(0).to_numpy()
            ax.barh(place + shift, values, 0.36, color=color, hatch=hatch, edgecolor="white", linewidth=0, label=name)
            for at, value in zip(place, shown[column], strict=True):
                label_line(ax, max(0 if pd.isna(value) else value, 0), at + shift, count(value), color, offset=(3, 0))
        ax.set_yticks(place, [key(name, LETTERS) for name in shown["segment"]])
        ax.tick_params(axis="y", colors=INK)
        ax.grid(visible=False)
        ax.set_xlim(min(0.0, float(shown[[bar[0] for bar in bars]].min().min())), longest * 1.25)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        in_thousands(ax.xaxis)
        ax.set_xlabel(f"{currency} a customer over the next {plural(horizon_days, 'day')}")
        # of the figure, since long names leave the axes too narrow for it
        figure.legend(frameon=False, fontsize=8.5, loc="outside lower center", ncols=2)
    rows = "; ".join(
        f"{key(row['segment'])}: {count(row['ahead'])} by the formula"
        + (f", {count(row['model'])} by the models" if by_model else "")
        for row in factors.to_dict("records")
    )
    return Picture(figure, f"{title}. By the formula and by the models: {rows}.")
