"""The steps of `06_differentiation` that cross the two axes: value decides how much effort, needs decide on what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.association import SIGNIFICANT
from models.cluster_names import TELLING
from models.clustering import Clusters
from models.exact import exact_sum
from models.futures import Futures
from models.measured_traits import Trait
from models.needs import Needs
from models.value_at_stake import shares_apart
from models.value_tiers import BELOW_ZERO, MOST_GROWABLE, MOST_VALUABLE, THE_REST, TIERS

from ...chapter import Chapter
from ...errors import CannotSay
from ...said_before import nothing_without
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import percent, plural
from ..retention import value_at_stake
from ..retention.value_at_stake import AtStake, sum_at_stake

#: What groups are that aren't clear, as a caption says it.
HANDY = "The groups are handy pieces of a continuum: near a border the next group's action fits as well"
NEARLY_OTHERS = "The groups are handy pieces of a continuum: cut elsewhere, the sums would be others"
BY_NEEDS, TOO_SELDOM = "group by needs", "too seldom to tell"
WORTH_ACTING = 1.1  # times the share at stake of all others, from which a group's is worth work of its own
NEXT_TO_NONE = 0.02  # share of baskets or of money
FEWEST_SHARE = 0.01  # a cell of fewer customers, and of less value, is not worth an action of its own
LEVERS = 2  # things to say of a group, the most telling first
#: How much effort each tier is worth.
EFFORT = {
    MOST_VALUABLE: "best service",
    MOST_GROWABLE: "ask what they buy elsewhere",
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


@nothing_without
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
    number = theirs["cluster"].astype(int).astype(str)
    frame = theirs.assign(
        label=(number + ": " + theirs["name"]).mask(repeated, number),
        effort=theirs["value_tier"] + ": " + theirs["value_tier"].map(EFFORT),
        what=theirs["cluster"].map(levers).mask(repeated, "the same"),
    )
    columns: Columns = {
        "label": ("group", str),
        "effort": ("value tier: how much effort", str),
        "what": ("what to offer", str),
    }
    caption = f"Value by needs, cells of {percent(FEWEST_SHARE)} of the customers or of the value and more"
    if grouping is not None and not grouping.clear:
        caption += f". {HANDY}"
    return show_table(frame, caption, columns)


def at_stake(chapter: Chapter, table: pl.DataFrame, drawn: Futures | Unsaid) -> AtStake | Unsaid | None:
    """Reckon what leaving costs in each group by needs; None where nobody has a group.

    Parameters
    ----------
    chapter : Chapter
    table : polars.DataFrame
        The table `segments`.
    drawn : Futures or Unsaid
        From `customerbase.chapters.value_tiers.futures`.
    """
    called = table.select("cluster", "cluster_name").drop_nulls("cluster").unique().sort("cluster")
    if called.is_empty():
        return None
    name = pl.format("{}: {}", "cluster", "cluster_name").fill_null(TOO_SELDOM)
    stake = value_at_stake.at_stake_by(chapter, table.select("customer", name.alias(BY_NEEDS)), drawn)
    if isinstance(stake, Unsaid):
        return stake
    place = {group: at for at, group in enumerate(called.select(name.alias(BY_NEEDS))[BY_NEEDS])}
    ordered = stake.groups.sort_values("group", key=lambda group: group.map(place).fillna(len(place)))
    return replace(stake, groups=ordered.reset_index(drop=True))


def stake_table(chapter: Chapter, stake: AtStake | Unsaid | None) -> ShownTable | Unsaid | None:
    """Show what is at stake in each group by needs, beside what it is worth; None where nobody has a group."""
    if stake is None or isinstance(stake, Unsaid):
        return stake
    return value_at_stake.one_grouping_table(chapter, stake, BY_NEEDS)


def state_stake(chapter: Chapter, stake: AtStake | Unsaid | None, grouping: Clusters | Unsaid) -> None:
    """State in which group most is at stake for what it is worth; nothing where that can't be told.

    A group stands out where its share at stake differs from that of all others by more than groups of the same sizes
    drawn by lot do, and by enough to act on. Whoever bought too seldom to have a group is no group by needs.
    """
    if stake is None or isinstance(stake, Unsaid) or isinstance(grouping, Unsaid):
        return
    theirs = stake.groups[stake.groups["group"] != TOO_SELDOM].set_index("group", drop=False)
    customers = stake.customers.filter(pl.col(BY_NEEDS) != TOO_SELDOM)
    apart = shares_apart(
        customers["value"], customers["at_stake"], customers[BY_NEEDS].to_list(), seed=chapter.parameters.seed
    ).set_index("group")
    if len(apart) < 2 or not np.isfinite(apart[["share", "rest"]]).all(axis=None):
        return
    leaving = f"leaving takes in the next {plural(chapter.parameters.horizon_days, 'day')}"
    currency = chapter.parameters.currency
    sure = apart[apart["p_value"] < SIGNIFICANT]
    more = sure[sure["ratio"] >= WORTH_ACTING]
    shown = apart["share"].max()
    if len(more):
        most = more.reset_index().sort_values("ratio").iloc[-1]
        shown = most["share"]
        in_money = sum_at_stake(theirs.loc[most["group"]], currency)
        statement = (
            f"For what it is worth, most is at stake in the group '{_called(most['group'])}': of what it would bring "
            f"if all stayed, {leaving} {percent(most['share'], 1)}, {in_money}, against "
            f"{percent(most['rest'], 1)} of all others, more than chance puts between groups of these sizes."
        )
        if not grouping.clear:
            statement += f" {NEARLY_OTHERS}."
    else:
        low, high = percent(apart["share"].min(), 1), percent(apart["share"].max(), 1)
        largest = theirs.iloc[int(theirs["at_stake"].to_numpy(float).argmax())]
        statement = (
            f"Of what customers would bring if all stayed, {leaving} {low if low == high else f'{low} to {high}'} by "
            f"group by needs: {_why_alike(sure)}, so needs don't tell whom to hold; the largest sum, "
            f"{sum_at_stake(largest, currency)}, goes with '{_called(largest['group'])}'."
        )
    chapter.state("stake_by_needs", statement, value=float(shown), unit="share of value if all stayed")


def _why_alike(sure: pd.DataFrame) -> str:
    """Say why no group stands out, where `sure` are those that lie apart beyond chance."""
    if sure.empty:
        return "no further apart than chance puts groups of these sizes"
    return f"more than chance, but in no group {percent(WORTH_ACTING - 1)} or more above all others"


def _called(group: object) -> str:
    return str(group).partition(": ")[2]


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
            return (
                "no discounts: they buy without"
                if none
                else "few discounts so far: find out by lot whether more or fewer matter"
            )
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
