"""The figure of concentration over time, in `07_key_accounts`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...unsaid import says_why_not
from ...wording import percent
from ..style import BLUE, GREEN, INK, ORANGE, QUIET, Picture, drawing, in_percent, label_ends
from .dependency_bands import BEYOND, draw_bands, visible_levels

ROTATED_FROM = 5  # periods; more don't fit side by side


@says_why_not
def concentration(periods: pd.DataFrame, limits: Sequence[float]) -> Picture:
    """Draw by period what the largest customers bring, and how unequal the customers are."""
    drawn = periods[periods["complete"]].reset_index(drop=True)
    known = drawn[drawn["largest_share"].notna()]
    last = known.iloc[-1]
    title = f"In {last['label']} the largest customer brought {percent(last['largest_share'], 1)} of revenue"
    if len(known) > 1:
        before = known.iloc[0]
        title += f", in {before['label']} {percent(before['largest_share'], 1)}"
    with drawing(title, height=5.0, rows=2) as (figure, (shares, measures)):
        place, left = np.arange(len(drawn)), -0.22 * len(drawn) - 0.3  # room for the bands' names beside the lines
        for name, color, marker in (("three_largest_share", ORANGE, "D--"), ("largest_share", BLUE, "o-")):
            shares.plot(place, drawn[name], marker, color=color, markersize=4)
        top = BEYOND * max(limits[0], known["three_largest_share"].max())
        shares.set_ylim(0, top)
        draw_bands(shares.axhspan, limits, top)
        for limit, name in visible_levels(limits, top):
            shares.text(left, limit, f" {name}", va="bottom", ha="left", fontsize=7.5, color=INK)
        in_percent(shares.yaxis)
        shares.set_title("share of revenue (shaded: levels of dependency)")
        for name, color, marker in (("gini", GREEN, "s-"), ("herfindahl", QUIET, "^--")):
            measures.plot(place, drawn[name], marker, color=color, markersize=4)
        measures.set_ylim(0, max(1.0, 1.05 * known[["gini", "herfindahl"]].max().max()))
        measures.set_title("0: all bring the same; near 1: one brings everything")
        measures.set_xticks(place, drawn["label"], rotation=45 if len(drawn) >= ROTATED_FROM else 0)
        measures.set_xlim(left, len(drawn) - 0.7)
        figure.canvas.draw()
        at = int(known.index[-1]) + 0.1
        label_ends(
            shares, at, [last["three_largest_share"], last["largest_share"]], ["three", "largest"], [ORANGE, BLUE]
        )
        label_ends(measures, at, [last["gini"], last["herfindahl"]], ["Gini", "Herfindahl"], [GREEN, QUIET])
    rows = "; ".join(
        f"{label}: {percent(one, 1)}, three {percent(three, 1)}, Gini {gini:.2f}"
        for label, one, three, gini in known[["label", "largest_share", "three_largest_share", "gini"]].to_numpy()
    )
    return Picture(figure, f"{title}. Largest customer's share by {periods.attrs['period']}: {rows}.")
