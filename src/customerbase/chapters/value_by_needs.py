"""The steps of `06_differentiation` that cross the two axes: value decides how much effort, needs decide on what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.cluster_names import TELLING
from models.clustering import Clusters
from models.exact import exact_sum
from models.needs import Needs, Trait
from models.value_tiers import BELOW_ZERO, MOST_GROWABLE, MOST_VALUABLE, THE_REST, TIERS

from ..chapter import Chapter
from ..errors import CannotSay
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import says_why_not
from ..wording import count, if_known, percent

#: What groups are that aren't clear, as a caption says it.
HANDY = "The groups are handy pieces of a continuum: near a border the next group's action fits as well"
NEXT_TO_NONE = 0.02  # share of baskets or of money
FEWEST_SHARE = 0.01  # a cell of fewer customers, and of less value, is not worth an action of its own
LEVERS = 2  # things to say of a group, the most telling first
#: How much effort each tier is worth.
EFFORT = {
    MOST_VALUABLE: "keep: best service",
    MOST_GROWABLE: "grow: ask what they buy elsewhere",
    THE_REST: "serve at low cost",
    BELOW_ZERO: "settle price, returns and service first",
}


def lifetime_values(chapter: Chapter) -> pl.DataFrame:
    """Return customer and clv, null where it can't be told or has no end."""
    table = chapter.table("lifetime_value")[["customer", "clv"]]
    value = pl.col("clv").cast(pl.Float64)
    return pl.from_pandas(table, nan_to_null=True).select(
        pl.col("customer").cast(pl.String), pl.when(value.is_finite()).then(value).alias("clv")
    )


def crossed(chapter: Chapter, table: pl.DataFrame) -> pd.DataFrame:
    """Return customers and value in each cell of value tier and cluster.

    Parameters
    ----------
    chapter : Chapter
    table : polars.DataFrame
        The table `segments`.

    Returns
    -------
    pandas.DataFrame
        One row a cell that holds somebody: cluster and name (missing for those who bought too seldom), value_tier,
        customers, share (of all whose tier is known), value and value_share (NaN where not known). The cells add up to
        the base.
    """
    joined = table.filter(pl.col("value_tier").is_not_null()).join(lifetime_values(chapter), on="customer", how="left")
    known = pl.col("clv").null_count() == 0
    frame = (
        joined.group_by("cluster", pl.col("cluster_name").alias("name"), "value_tier")
        .agg(pl.len().alias("customers"), pl.when(known).then(exact_sum("clv")).alias("value"))
        .to_pandas()
    )
    frame["place"] = frame["value_tier"].map({tier: at for at, tier in enumerate(TIERS)})
    frame = frame.sort_values(["cluster", "place"], na_position="last", ignore_index=True).drop(columns="place")
    together = frame["value"].sum(min_count=len(frame)) if len(frame) else np.nan
    return frame.assign(
        share=frame["customers"] / frame["customers"].sum(),
        value_share=frame["value"] / together if together > 0 else np.nan,
    )


@says_why_not
def action_table(cells: pd.DataFrame, told: Needs, named: pd.DataFrame, grouping: Clusters | None = None) -> ShownTable:
    """Show what to do in each cell: how much effort the tier is worth, and what the group's needs answer to.

    Where the groups of `grouping` aren't clear, the caption says that they are handy pieces of a continuum.
    """
    theirs = cells[
        cells["cluster"].notna() & ((cells["share"] >= FEWEST_SHARE) | (cells["value_share"] >= FEWEST_SHARE))
    ]
    if theirs.empty:
        raise CannotSay("No cell of value and needs holds enough customers to do something of its own for them.")
    levers = {row.cluster: lever(told, row) for row in named.itertuples()}
    repeated = theirs["cluster"].duplicated()
    frame = theirs.assign(
        label=theirs["cluster"].astype(int).astype(str) + ": " + theirs["name"],
        effort=theirs["value_tier"].map(EFFORT),
        what=theirs["cluster"].map(levers).mask(repeated, "the same"),
    )
    columns: Columns = {
        "label": ("group", str),
        "value_tier": ("value tier", str),
        "customers": ("customers", count),
        "value_share": ("share of value", if_known(percent, "not known")),
        "effort": ("how much effort", str),
        "what": ("what to offer", str),
    }
    caption = f"Value by needs, cells of {percent(FEWEST_SHARE)} of the customers or of the value and more"
    if grouping is not None and not grouping.clear:
        caption += f". {HANDY}"
    return show_table(frame, caption, columns)


def lever(told: Needs, named: Any) -> str:
    """Say what a cluster's needs answer to: what to speak of, by what distinguishes it most.

    Parameters
    ----------
    told : Needs
    named : namedtuple
        A row of `models.cluster_names.cluster_names`.
    """
    said: list[str] = []
    for part in named.distinguishing:
        if abs(part["difference"]) < TELLING:
            break
        none = not part["value"] > NEXT_TO_NONE
        phrase = _phrase(told.about[part["feature"]], more=part["difference"] > 0, none=none)
        if phrase and phrase not in said:
            said.append(phrase)
        if len(said) == LEVERS:
            break
    return "; ".join(said) if said else "nothing in particular sets them apart: ask what they need"


def _phrase(trait: Trait, *, more: bool, none: bool) -> str | None:
    """Return what to do for customers who have more of a trait than the base, or less, or next to none of it."""
    match trait.block, more:
        case "categories", True:
            return f"speak of {trait.label}, and what goes with it"
        case "categories", False:
            return None
        case "discount", True:
            return "offers reach them: watch what they cost"
        case "discount", False:
            return "no discounts: they buy without" if none else "discounts matter less to them: try with fewer"
        case "rhythm", True:
            return "they buy in bursts: remind them when something is due"
        case "rhythm", False:
            return "they buy regularly: offer a standing order"
        case "basket", True:
            return "large baskets: reward what rounds up the order"
        case "basket", False:
            return "small baskets: give a reason to add one thing more"
        case "breadth", True:
            return "they buy widely: keep the whole range in stock"
        case "breadth", False:
            return "narrow baskets: show what lies next to what they buy"
        case "hours", True:
            return f"reach them {trait.more}"
        case "channel", True:
            return f"reach them {trait.more}"
        case "brand", _:
            return f"they buy {trait.more if more else trait.less}: offer those"
        case _:
            return None
