"""The figure of the customer retention rate (CRR) in `02_portrait`."""

from __future__ import annotations

import pandas as pd

from ...chapters.portrait.retention_rate import LAST_YEAR, MOSTLY, latest_rates
from ...unsaid import says_why_not
from ...wording import percent
from ..style import BLUE, GREEN, INK, ORANGE, Picture, drawing, in_dates, label_ends

PERIOD_LOOKS = {"month": (BLUE, "-", "o"), "quarter": (ORANGE, "--", "D"), "year": (GREEN, ":", "s")}
MARGIN = pd.Timedelta(days=20)
MOST_MARKED = 40  # with more points their marks run together


@says_why_not
def retention(rates: pd.DataFrame, reference: float) -> Picture:
    """Draw the retention rate of months, quarters and years, the years beside the reference.

    Parameters
    ----------
    rates : pandas.DataFrame
        From `customerbase.chapters.portrait.retention_rate.retention`.
    reference : float
        The rate a year that practice holds up as good, a share.
    """
    latest = latest_rates(rates)
    last = latest.iloc[-1]
    what = f"the {LAST_YEAR}" if last["kind"] == LAST_YEAR else f"the {last['kind']} {last['period']}"
    title = f"CRR of {what} is {last['crr']:.0f}%"
    newly_won = last["newly_won"] >= MOSTLY
    if newly_won:
        title += f"; {percent(last['newly_won'])} of the customers at its start were newly won"
    elif last["crr"] >= 100 and last["kept"] < last["customers_start"]:
        title += ": those who came back make up for those who fell silent"
    elif pd.notna(last["crr_a_year"]):
        stands = "above" if last["crr_a_year"] >= 100 * reference else "below"
        title += "" if last["kind"] in ("year", LAST_YEAR) else f", or {last['crr_a_year']:.0f}% a year"
        title += f": {stands} the {percent(reference)} a year that practice quotes"
    with drawing(title, height=3.6) as (figure, ax):
        names, ends, colors = [], [], []
        for kind, (color, dashes, mark) in PERIOD_LOOKS.items():
            shown = rates[rates["kind"].isin([kind, LAST_YEAR] if kind == "year" else [kind])].sort_values("end")
            if shown.empty:
                continue
            marked = mark if len(shown) <= MOST_MARKED else ""
            ax.plot(shown["end"], shown["crr"], dashes, marker=marked, markersize=4, color=color)
            names.append(f"{kind}s" if len(shown) > 1 else kind)
            ends.append(float(shown["crr"].iloc[-1]))
            colors.append(color)
        ax.set_ylim(0, max(105, rates["crr"].max() * 1.05))
        first, end = rates["end"].min() - MARGIN, rates["end"].max() + MARGIN
        years = rates.loc[rates["kind"].isin(["year", LAST_YEAR]), "end"]
        if len(years) and not newly_won:  # months and quarters can't be held against what is of a year
            ax.plot([years.min() - MARGIN, end], [100 * reference] * 2, color=INK, linewidth=1, linestyle=(0, (1, 2)))
            names.append(f"{percent(reference)} a year")
            ends.append(100 * reference)
            colors.append(INK)
        ax.set_xlim(first, end)
        ax.set_ylabel("CRR of the period (%)")
        in_dates(ax)
        # the names stand beside the lines, the reference's among them
        label_ends(ax, end, ends, names, colors)
    rows = "; ".join(
        f"{row['kind']} {row['period']}: {row['crr']:.0f}%"
        + (f", {row['crr_a_year']:.0f}% a year" if pd.notna(row["crr_a_year"]) else "")
        for row in latest.to_dict("records")
    )
    return Picture(figure, f"{title}. The latest of each: {rows}.")
