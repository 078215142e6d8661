"""The figures of `06_differentiation` about value tiers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.value_tiers import BELOW_ZERO, MOST_GROWABLE, MOST_VALUABLE, THE_REST, TIERS, TierDoubt

from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import between, percent, plural
from ..style import BLUE, FAINT, GREEN, INK, ORANGE, QUIET, Picture, drawing, in_percent

COLOURS = {MOST_VALUABLE: BLUE, MOST_GROWABLE: GREEN, THE_REST: FAINT, BELOW_ZERO: ORANGE}
SEEN = 0.07  # a smaller part of a bar has no room for its number
HEIGHT = 0.36
CLOSE = {"columnspacing": 1.0, "handlelength": 1.0, "handletextpad": 0.5}  # so that four names fit beside each other


@says_why_not
def tiers(sums: pd.DataFrame) -> Picture:
    """Draw each tier's share of the customers beside its share of the lifetime value.

    Parameters
    ----------
    sums : pandas.DataFrame
        From `customerbase.chapters.value_tiers.tier_sums`.
    """
    known = sums[sums["value_share"].notna()]
    if known.empty:
        raise CannotSay("Value tiers can't be drawn: lifetime value can't be told.")
    best = known[known["tier"] == MOST_VALUABLE]
    title = "No customers stand out by lifetime value"
    if len(best):
        title = (
            f"{percent(best['share'].iloc[0])} of customers hold {percent(best['value_share'].iloc[0])} of the value"
        )
    with drawing(title, height=1.1 + 0.55 * len(known)) as (figure, ax):
        at = np.arange(len(known))
        low = min(0.0, float(known["value_share"].min()))
        for offset, name, colour in ((-HEIGHT / 2, "share", QUIET), (HEIGHT / 2, "value_share", BLUE)):
            ax.barh(at + offset, known[name], height=HEIGHT, color=colour, alpha=0.85)
            said = "customers" if name == "share" else "lifetime value"
            for place, (share, customers) in enumerate(zip(known[name], known["customers"], strict=True)):
                text = f"{plural(customers, 'customer')}, {percent(share)}" if name == "share" else percent(share)
                if place == 0 and name != "share":
                    text = f"{percent(share)} of the {said}"
                where = {"textcoords": "offset points", "va": "center", "fontsize": 8.5, "color": INK}
                ax.annotate(text, (max(0.0, share), place + offset), (4, 0), **where)
        ax.set_yticks(at, known["tier"])
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.grid(axis="x", visible=True)
        ax.set_xlim(low * 1.1, max(known["share"].max(), known["value_share"].max()) * 1.62)
        ax.set_xlabel("share of customers (grey), and of value (blue)")
        ax.set_xticks(np.arange(0, 1.01, 0.2))
        ax.spines["bottom"].set_bounds(low, 1)  # what lies beyond is room for the labels
        in_percent(ax.xaxis)
    rows = "; ".join(
        f"{row['tier']}: {plural(row['customers'], 'customer')}, {percent(row['share'])} of all, "
        f"{percent(row['value_share'])} of the value"
        for row in known.to_dict("records")
    )
    return Picture(figure, f"{title}. {rows}.")


@says_why_not
def tier_doubt(doubted: TierDoubt, interval: float) -> Picture:
    """Draw where the customers of each of today's tiers belong within what isn't known of their value."""
    sizes = doubted.moves.sum(axis=1)
    shown = [tier for tier in TIERS if sizes[tier] > 0]
    if not shown:
        raise CannotSay("Nobody has a value tier, so none can be doubted.")
    shares = doubted.moves.loc[shown].div(sizes[shown], axis=0)
    lead = shown[0]
    kept, low, high = map(float, doubted.held.loc[lead].to_numpy())
    title = f"{percent(kept)} ({between(100 * low, 100 * high)}%) of {people_of(lead)} are rightly so called"
    with drawing(title, height=1.25 + 0.42 * len(shown)) as (figure, ax):
        left = np.zeros(len(shown))
        for tier in TIERS:
            parts = shares[tier].to_numpy()
            if not parts.any():
                continue
            ax.barh(shown, parts, left=left, color=COLOURS[tier], height=0.66, edgecolor="white", linewidth=0.8)
            for row, part in enumerate(parts):
                if part >= SEEN:
                    dark = tier != THE_REST
                    ax.text(
                        left[row] + part / 2,
                        row,
                        percent(part),
                        ha="center",
                        va="center",
                        fontsize=8.5,
                        color="white" if dark else INK,
                    )
            left += parts
        ax.invert_yaxis()
        ax.set_xlim(0, 1)
        ax.grid(visible=False)
        in_percent(ax.xaxis)
        ax.set_ylabel("tier today")
        handles = [ax.barh([0], [0], color=COLOURS[tier]) for tier in TIERS if shares[tier].any()]
        names = [tier for tier in TIERS if shares[tier].any()]
        figure.legend(
            handles, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=8.5, **CLOSE
        )
    rows = "; ".join(
        f"{tier} ({plural(float(sizes[str(tier)]), 'customer')}): "
        + ", ".join(f"{percent(part)} {then}" for then, part in parts.items() if part > 0)
        for tier, parts in shares.to_dict("index").items()
    )
    said = f"{title} ({percent(interval)} interval), given what isn't known of their value."
    return Picture(figure, f"{said} Today's tiers, and where they belong: {rows}.")


def people_of(tier: str) -> str:
    """Return the customers of a tier in words, as they stand in a sentence."""
    return tier if tier == THE_REST else f"those {tier}" if tier == BELOW_ZERO else f"the {tier}"
