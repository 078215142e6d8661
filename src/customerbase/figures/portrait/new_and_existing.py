"""The figure of new customers against existing ones in `02_portrait`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...unsaid import says_why_not
from ...wording import count, money, percent, plural
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing, in_percent, label_line


@says_why_not
def new_against_existing(years: pd.DataFrame, currency: str, *, closed: bool = False) -> Picture:
    """Draw the share of new customers among customers, in revenue and, where it is recorded, in the budget, by year.

    Parameters
    ----------
    years : pandas.DataFrame
        From `customerbase.chapters.portrait.new_and_existing.newcomers`.
    currency : str
    closed : bool, default False
        Whether the ledger follows only customers won in a certain time.
    """
    last = years.iloc[-1]
    revenue, customers = (years[a] + years[b] for a, b in (("revenue_new", "revenue_existing"), ("new", "existing")))
    shares = pd.DataFrame(
        {
            "customers": (years["new"] / customers).where(customers > 0),
            "revenue": (years["revenue_new"] / revenue).where(revenue > 0),
        }
    )
    if "share_of_budget" in years.columns and years["share_of_budget"].notna().any():
        shares["budget"] = years["share_of_budget"]
    now = shares.iloc[-1]
    parts = [f"{percent(value)} of {name}" for name, value in now.items() if pd.notna(value)]
    title = (
        f"New customers are {' and '.join(parts[:2])}" + (f", and take {parts[2]}" if len(parts) > 2 else "")
        if last["new"]
        else "The ledger holds nobody won in the last year"
        if closed
        else "Nobody new was won in the last year"
    )
    looks = {"customers": (QUIET, ""), "revenue": (BLUE, "///"), "budget": (ORANGE, "....")}
    with drawing(title, height=1.5 + 0.26 * len(shares.columns) * len(years)) as (figure, ax):
        place, width = np.arange(len(years)), 0.8 / len(shares.columns)
        for number, name in enumerate(shares.columns):
            color, hatch = looks[name]
            at = place + 0.4 - width * (number + 0.5)
            values = shares[name]
            ax.barh(at, values.fillna(0), width * 0.9, color=color, hatch=hatch, edgecolor="white", linewidth=0)
            for y, value in zip(at, values, strict=True):
                told = "not recorded" if pd.isna(value) and name == "budget" else percent(value)
                label_line(ax, max(0 if pd.isna(value) else value, 0), y, f"{told} of {name}", color, offset=(3, 0))
        ends = years["last"].dt.strftime("%Y-%m-%d")
        ax.set_yticks(place, [f"year to\n{end}" for end in ends])
        ax.tick_params(axis="y", colors=INK)
        ax.grid(visible=False)
        ax.set_xlim(min(0.0, float(shares.min().min())), 1.45)
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
        in_percent(ax.xaxis)
        ax.set_xlabel("share of customers won in the year")
    rows = "; ".join(
        f"year to {row['last']:%Y-%m-%d}: {plural(row['new'], 'new customer')} and {count(row['existing'])} existing, "
        f"revenue {money(row['revenue_new'], currency)} and {money(row['revenue_existing'], currency)}"
        for row in years.iloc[::-1].to_dict("records")
    )
    return Picture(figure, f"{title}. {rows}.")
