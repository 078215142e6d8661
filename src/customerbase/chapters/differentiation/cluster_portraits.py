"""The steps of `06_differentiation` that let a reader see each group: name, portrait, profile, typical members."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.clustering import Clusters
from models.exact import exact_sum
from models.needs import Needs

from ...chapter import Chapter
from ...errors import CannotSay
from ...personal_data import are_personal
from ...said_before import nothing_without
from ...shown_table import Columns, ShownTable, show_table
from ...trait_words import bare, in_unit, typical
from ...unsaid import says_why_not
from ...wording import count, if_known, key, listed, percent
from .value_by_needs import lifetime_values

MEMBERS = 3  # shown of each cluster
TOLD = 3  # traits told of each of them
TRAITS = 12  # of the profile: those in which the clusters differ most


@says_why_not
def profile(told: Needs, grouping: Clusters, named: pd.DataFrame) -> pd.DataFrame:
    """Return what is typical of each cluster, in the traits in which the clusters differ most and are seen to.

    Returns
    -------
    pandas.DataFrame
        One row a cluster and trait: cluster, name, trait (its column in `Needs.features`), label, unit, typical and
        base (of the cluster and of everybody compared: the mean of a share, the median of anything else), and apart:
        how far the cluster's mean stands from the base's on the scale on which customers are compared, in standard
        deviations of the base's.
    """
    labels = grouping.labels
    compared = told.compared.loc[labels.index]
    spread = compared.std(ddof=0).replace(0, np.nan)
    apart = compared.groupby(labels.to_numpy()).mean().sub(compared.mean()).div(spread).fillna(0.0)
    features = told.features.loc[labels.index]
    called = dict(zip(named["cluster"], named["name"], strict=True))
    inside = {cluster: features[labels == cluster] for cluster in sorted(called)}
    differing = [name for name in map(str, apart) if _seen_to_differ(inside, name, told.about[name].unit)]
    most_apart = apart[differing or list(apart.columns)].abs().max().sort_values(ascending=False, kind="stable")
    telling = set(most_apart.index[:TRAITS])
    # in the order of the needs, so that the shares of one composition stay together
    shown = [name for name in told.about if name in telling]
    rows = [
        {
            "cluster": cluster,
            "name": called[cluster],
            "trait": name,
            "label": told.about[name].label,
            "unit": told.about[name].unit,
            "typical": typical(own[name], told.about[name].unit),
            "base": typical(features[name], told.about[name].unit),
            "apart": apart.loc[cluster, name],
        }
        for cluster, own in inside.items()
        for name in shown
    ]
    return pd.DataFrame(rows)


def _seen_to_differ(inside: dict[int, pd.DataFrame], name: str, unit: str) -> bool:
    """Return whether the clusters differ in a trait as shown: of small counts the median may be one for all."""
    return len({bare(typical(own[name], unit), unit) for own in inside.values()}) > 1


@says_why_not
def sizes(chapter: Chapter, table: pl.DataFrame, grouping: Clusters) -> pd.DataFrame:
    """Return how many customers each cluster has, and what they are worth.

    Parameters
    ----------
    chapter : Chapter
    table : polars.DataFrame
        The table `segments`.
    grouping : Clusters
        Without it nobody has a cluster.

    Returns
    -------
    pandas.DataFrame
        cluster, name, customers, share (of those who have a cluster), value, mean and value_share (of the lifetime
        value of these); NaN where not known.
    """
    joined = table.filter(pl.col("cluster").is_not_null()).join(lifetime_values(chapter), on="customer", how="left")
    known = pl.col("clv").null_count() == 0
    frame = (
        joined.group_by("cluster", "cluster_name")
        .agg(pl.len().alias("customers"), pl.when(known).then(exact_sum("clv")).alias("value"))
        .sort("cluster")
        .rename({"cluster_name": "name"})
        .to_pandas()
    )
    together = frame["value"].sum(min_count=len(frame))
    return frame.assign(
        share=frame["customers"] / frame["customers"].sum(),
        mean=frame["value"] / frame["customers"],
        value_share=frame["value"] / together if together > 0 else np.nan,
    )


@nothing_without
@says_why_not
def portrait_table(chapter: Chapter, named: pd.DataFrame, sized: pd.DataFrame) -> ShownTable:
    """Show each cluster's name and portrait, how many it holds, and what they are worth."""
    frame = sized.merge(named[["cluster", "portrait"]], on="cluster")
    currency = chapter.parameters.currency
    frame["label"] = frame["cluster"].astype(str) + ": " + frame["name"]
    columns: Columns = {
        "label": ("group", str),
        "portrait": ("portrait", str),
        "customers": ("customers", count),
        "value_share": ("share of value", if_known(percent, "not known")),
        "mean": (f"each ({currency})", if_known(count, "not known")),
    }
    return show_table(frame, "The groups in a sentence each", columns)


@nothing_without
@says_why_not
def members_table(chapter: Chapter, told: Needs, named: pd.DataFrame, table: pl.DataFrame) -> ShownTable:
    """Show the customers nearest to each cluster's centre, with what distinguishes it.

    Raises
    ------
    CannotSay
        Where the customers' keys are personal data and may not be shown.
    """
    if are_personal(table["customer"]) and not chapter.parameters.show_personal_data:
        raise CannotSay(
            "Typical members are not named: the customers' keys are personal data. With show_personal_data they are."
        )
    currency = chapter.parameters.currency
    rows = []
    nearest = (
        table.filter(pl.col("cluster").is_not_null())
        .sort("cluster", "typicality", "customer", descending=[False, True, False])
        .group_by("cluster", maintain_order=True)
        .head(MEMBERS)
    )
    traits = {row["cluster"]: _told(told, row["distinguishing"]) for row in named.to_dict("records")}
    for cluster, name, customer in nearest.select("cluster", "cluster_name", "customer").iter_rows():
        own = told.features.loc[customer]
        says = [f"{told.about[n].label} {in_unit(own[n], told.about[n].unit, currency)}" for n in traits[cluster]]
        rows.append((key(customer), f"{cluster}: {name}", listed(says)))
    columns: Columns = {
        "customer": ("customer", str),
        "group": ("group", str),
        "says": ("what distinguishes the group, of this customer", str),
    }
    frame = pd.DataFrame(rows, columns=list(columns))
    return show_table(frame, "Typical members: the customers nearest to each group's centre", columns)


def _told(told: Needs, distinguishing: list[dict[str, Any]]) -> list[str]:
    """Return the columns of the traits to tell of a typical member: of those that say much the same only one."""
    by_block: dict[str, str] = {}
    for part in distinguishing:
        by_block.setdefault(told.about[part["feature"]].block, part["feature"])
    return list(by_block.values())[:TOLD]
