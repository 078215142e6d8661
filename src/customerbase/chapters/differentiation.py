"""The steps of `06_differentiation`: how customers differ in value and in how they buy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.clustering import Clustering, behaviour_features, cluster

from ..chapter import Chapter
from ..errors import CannotSay
from ..findings import Findings
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import count, if_known, money, number, percent, plural

STRONG = 0.5  # silhouette from which groups are called clearly apart (Kaufman & Rousseeuw 1990)
# value tiers: the share of customers, from the most valuable down, at which each tier ends
TIERS = {"top tenth": 0.1, "next three tenths": 0.4, "other six tenths": 1.0}


def features(chapter: Chapter) -> pd.DataFrame:
    """Return how each customer buys, as known at `as_of`; see `models.clustering.behaviour_features`."""
    return behaviour_features(chapter.purchases, chapter.as_of)


@says_why_not
def clusters(chapter: Chapter, behaviour: pd.DataFrame) -> Clustering:
    """Group customers who buy alike."""
    try:
        return cluster(behaviour, seed=chapter.parameters.seed)
    except ValueError as reason:
        raise CannotSay(str(reason)) from None


@says_why_not
def choice_table(grouping: Clustering) -> ShownTable:
    """Show what speaks for each number of clusters."""
    frame = grouping.choice.assign(taken=np.where(grouping.choice["chosen"], "chosen", ""))
    columns: Columns = {
        "k": ("clusters", count),
        "silhouette": ("silhouette (1 clear, 0 none)", lambda value: f"{value:.2f}"),
        "stability": ("stability (1 the same, 0 chance)", lambda value: f"{value:.2f}"),
        "taken": ("", str),
    }
    return show_table(frame, "How clear and how stable each number of clusters is", columns)


@says_why_not
def profile_table(chapter: Chapter, grouping: Clustering) -> ShownTable:
    """Show each cluster's size and medians."""
    currency = chapter.parameters.currency
    columns: Columns = {
        "label": ("cluster", str),
        "customers": ("customers", count),
        "share": ("share", percent),
        "purchases": ("purchases", number),
        "days_since_last": ("days since the last", count),
        "mean_spend": (f"spend a purchase ({currency})", number),
        "days_between": ("days between purchases", if_known(count)),
        "tenure_days": ("days since the first", count),
    }
    frame = grouping.profile.assign(label=_labels(grouping))
    return show_table(frame, "The clusters: sizes and medians", columns)


def value_tiers(valued: pd.DataFrame) -> pd.Series:
    """Return each customer's value tier by lifetime value; customers of one value share the lower tier.

    Parameters
    ----------
    valued : pandas.DataFrame
        The table `lifetime_value`.

    Returns
    -------
    pandas.Series
        Tier by customer; missing where no value could be told.
    """
    known = valued.set_index("customer")["clv"]
    place = known.rank(ascending=False, method="max") / max(1, known.notna().sum())
    tiers = pd.cut(place, [0, *TIERS.values()], labels=list(TIERS), include_lowest=True)
    return tiers.astype("object").where(known.notna(), None)


def segments(chapter: Chapter, behaviour: pd.DataFrame, grouping: Clustering | Unsaid) -> pd.DataFrame:
    """Return the table `segments`: value tier and cluster of each customer."""
    table = pd.DataFrame({"customer": behaviour.index.astype(str)})
    table["value_tier"] = table["customer"].map(value_tiers(chapter.table("lifetime_value")))
    if isinstance(grouping, Unsaid):
        return table.assign(cluster=pd.array([pd.NA] * len(table), dtype="Int64"), cluster_name=None)
    labels = grouping.labels.set_axis(grouping.labels.index.astype(str))
    table["cluster"] = table["customer"].map(labels).astype("Int64")
    table["cluster_name"] = table["cluster"].map(grouping.names)
    return table


def table_segments(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `segments` for a chapter that needs it."""
    behaviour = features(chapter)
    return segments(chapter, behaviour, clusters(chapter, behaviour))


def write_tables(chapter: Chapter, table: pd.DataFrame) -> None:
    """Write the table `segments`."""
    text = {name: pd.StringDtype() for name in ("customer", "value_tier", "cluster_name")}
    chapter.write("segments", table.astype(text))


@says_why_not
def cross_table(table: pd.DataFrame, grouping: Clustering) -> ShownTable:
    """Show how the customers of each cluster fall into value tiers."""
    if table["value_tier"].isna().all():
        raise CannotSay("Without lifetime value customers have no value tier to set beside their cluster.")
    crossed = pd.crosstab(table["cluster"], table["value_tier"]).reindex(columns=list(TIERS), fill_value=0)
    frame = crossed.reset_index().assign(label=_labels(grouping).to_numpy())
    columns: Columns = {"label": ("cluster", str)} | {tier: (f"{tier} by value", count) for tier in TIERS}
    return show_table(frame, "Customers by cluster and value tier", columns)


def findings(chapter: Chapter, grouping: Clustering | Unsaid, table: pd.DataFrame, behaviour: pd.DataFrame) -> Findings:
    """State what the chapter found."""
    if isinstance(grouping, Unsaid):
        chapter.state("clusters", grouping.reason, verdict="unknown")
        return chapter.findings()
    _state_clarity(chapter, grouping)
    _state_extremes(chapter, grouping, behaviour)
    _state_value(chapter, table, grouping)
    return chapter.findings()


def _state_clarity(chapter: Chapter, grouping: Clustering) -> None:
    border = "" if grouping.silhouette >= STRONG else ", with a gradual border between them"
    told = f"silhouette {grouping.silhouette:.2f}, stability {grouping.stability:.2f}"
    groups = plural(grouping.k, "group")
    statement = (
        f"Customers fall into {groups} by how they buy, found again in resamples{border} ({told})."
        if grouping.clear
        else f"There are no clear groups here: the {groups} shown cut a continuum into handy pieces ({told})."
    )
    chapter.state("clusters", statement, value=grouping.k, unit="groups", verdict="note" if grouping.clear else "watch")


def _state_extremes(chapter: Chapter, grouping: Clustering, behaviour: pd.DataFrame) -> None:
    spent = (behaviour["purchases"] * behaviour["mean_spend"]).groupby(grouping.labels).sum()
    if spent.sum() <= 0:
        return
    best = int(spent.to_numpy().argmax())
    profile = grouping.profile[grouping.profile["cluster"] == spent.index[best]].iloc[0]
    share = float(spent.iloc[best] / spent.sum())
    chapter.state(
        "best_cluster",
        f"The group '{profile['name']}' ({plural(profile['customers'], 'customer')}, {percent(profile['share'])} of "
        f"all) brought {percent(share)} of revenue: {plural(profile['purchases'], 'purchase')} at "
        f"{money(profile['mean_spend'], chapter.parameters.currency)} each, at the median.",
        value=share,
        unit="share of revenue",
    )


def _state_value(chapter: Chapter, table: pd.DataFrame, grouping: Clustering) -> None:
    top = table[table["value_tier"] == next(iter(TIERS))]
    if top.empty:
        chapter.state(
            "top_value_cluster",
            "Without lifetime value the groups can't be set beside value.",
            verdict="unknown",
        )
        return
    shares = top["cluster_name"].value_counts(normalize=True)
    chapter.state(
        "top_value_cluster",
        f"{percent(shares.iloc[0])} of the most valuable tenth of customers belong to the group '{shares.index[0]}'.",
        value=shares.iloc[0],
        unit="share of customers",
    )


def _labels(grouping: Clustering) -> pd.Series:
    return grouping.profile["cluster"].astype(str) + ": " + grouping.profile["name"]
