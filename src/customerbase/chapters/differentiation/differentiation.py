"""The steps of `06_differentiation`: how customers differ in value and in needs, two axes that say different things."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.cluster_choice import SMALLEST_SHARE
from models.cluster_map import ClusterMap, cluster_map
from models.cluster_names import cluster_names
from models.cluster_validity import APART, STABLE
from models.clustering import Clusters, find_clusters
from models.needs import Needs, needs_features
from models.needs_scale import TABLE_SCHEMA
from models.value_tiers import MOST_VALUABLE, TierDoubt

from ...chapter import Chapter
from ...errors import CannotSay
from ...said_before import nothing_without
from ...shown_table import Columns, ShownTable, show_table
from ...trait_words import in_unit, typical
from ...unsaid import Unsaid, says_why_not
from ...wording import count, listed, percent, plural
from .. import left_cut, value_tiers
from ..value_tiers import ValueTiers

SHOWN_CHOICES = 6
OF_CATEGORIES = "Share of the money spent."
OF_GOODS = ("categories", "breadth", "brand")
DECIMALS_COMPARED, DECIMALS_SHOWN = 9, 4  # beyond them a distance depends on the order in which threads add up
SEGMENTS = {
    "customer": pl.String,
    "value_tier": pl.String,
    "value_tier_probability": pl.Float64,
    "cluster": pl.Int64,
    "cluster_name": pl.String,
    "typicality": pl.Float64,
}


@says_why_not
def needs(chapter: Chapter) -> Needs:
    """Describe what each customer buys and how; see `models.needs.needs_features`."""
    try:
        return needs_features(chapter.ledger, chapter.as_of, chapter.parameters.needs_categories)
    except ValueError as reason:
        raise CannotSay(str(reason)) from None


@says_why_not
def clusters(chapter: Chapter, told: Needs) -> Clusters:
    """Group customers with like needs; see `models.clustering.find_clusters`."""
    try:
        return find_clusters(
            told.compared, parts=told.parts, clusters=chapter.parameters.clusters, seed=chapter.parameters.seed
        )
    except ValueError as reason:
        raise CannotSay(str(reason)) from None


@says_why_not
def names(chapter: Chapter, told: Needs, grouping: Clusters) -> pd.DataFrame:
    """Name each cluster by what distinguishes it; see `models.cluster_names.cluster_names`."""
    return cluster_names(told, grouping.labels, currency=chapter.parameters.currency)


@says_why_not
def laid_out(told: Needs, grouping: Clusters) -> ClusterMap:
    """Lay customers out in two dimensions; see `models.cluster_map.cluster_map`."""
    return cluster_map(told, grouping.labels)


@says_why_not
def compared_table(chapter: Chapter, told: Needs) -> ShownTable:
    """Show what is compared: each trait, the typical customer, and how far customers differ."""
    rows = []
    for name, trait in told.about.items():
        values = told.features[name]
        ends = values.quantile([0.1, 0.9]) if values.notna().any() else [np.nan, np.nan]
        middle = typical(values, trait.unit)
        worded = [in_unit(value, trait.unit, chapter.parameters.currency) for value in (middle, *ends)]
        # one line for each of a dozen categories
        says = OF_CATEGORIES if trait.block == "categories" else trait.says
        rows.append((trait.label, says, worded[0], f"{worded[1]} to {worded[2]}"))
    frame = pd.DataFrame(rows, columns=["trait", "says", "typical", "most"])
    columns: Columns = {
        "trait": ("trait", str),
        "says": ("how it is measured", str),
        "typical": ("typical of all", str),
        "most": ("eight in ten lie from … to", str),
    }
    caption = (
        f"What {plural(len(told.features), 'customer')} are compared by (typical: the mean of a share, the median of "
        "anything else)"
    )
    return show_table(frame, caption, columns)


def about_needs(chapter: Chapter, told: Needs | Unsaid) -> Unsaid | None:
    """Say who isn't compared, what the ledger can't show and what its beginning means; None where there is nothing."""
    if isinstance(told, Unsaid):
        return None
    cut = left_cut.what_it_means(chapter, "segments")
    said = [*told.unsaid, *([cut] if cut else [])]
    if not any(trait.block in OF_GOODS for trait in told.about.values()):
        said.insert(0, "The ledger names no goods, so it says nothing of what customers need, only how they buy.")
    if told.too_few:
        said.insert(
            0,
            f"{plural(told.too_few, 'customer')} of {count(told.too_few + len(told.features))} bought on fewer than "
            f"{told.fewest} days: too seldom to show what they need, so they have no group.",
        )
    return Unsaid(" ".join(said)) if said else None


@says_why_not
def typicality(told: Needs, grouping: Clusters) -> pd.Series:
    """Return how typical each customer is of the own cluster: 1 nearest to its centre, 0 farthest from it."""
    far = grouping.model.distances(told.compared, grouping.labels).round(DECIMALS_COMPARED)
    place = far.groupby(grouping.labels).rank(pct=True)
    return (1 - place).round(DECIMALS_SHOWN).rename("typicality")


def segments(
    told: ValueTiers,
    doubted: TierDoubt | Unsaid,
    grouping: Clusters | Unsaid,
    named: pd.DataFrame | Unsaid,
    typical: pd.Series | Unsaid,
) -> pl.DataFrame:
    """Return the table `segments`: each customer's place on the axes of value and of needs.

    Returns
    -------
    polars.DataFrame
        One row for each customer of the table `lifetime_value`: customer, value_tier, value_tier_probability (in which
        share of draws of the value the tier holds; null where not drawn), cluster (from 1) and cluster_name (null for
        who bought too seldom to show needs), typicality (1 in the middle of the cluster, 0 as far from it as nobody
        else).
    """
    frame = told.customers.select("customer", "value_tier")
    if not isinstance(doubted, Unsaid):
        frame = frame.join(doubted.customers, on="customer", how="left", maintain_order="left")
    if not (isinstance(grouping, Unsaid) or isinstance(named, Unsaid) or isinstance(typical, Unsaid)):
        own = pl.DataFrame(
            {
                "customer": grouping.labels.index.astype(str).to_list(),
                "cluster": grouping.labels.to_numpy(np.int64),
                "typicality": typical.to_numpy(),
            }
        )
        by_name = pl.from_pandas(named[["cluster", "name"]]).select(
            pl.col("cluster").cast(pl.Int64), pl.col("name").alias("cluster_name")
        )
        own = own.join(by_name, on="cluster", how="left", maintain_order="left")
        frame = frame.join(own, on="customer", how="left", maintain_order="left")
    missing = [pl.lit(None, kind).alias(name) for name, kind in SEGMENTS.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SEGMENTS.items())


def table_segments(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `segments` for a chapter that needs it."""
    told = value_tiers.tiers(chapter)
    buying = needs(chapter)
    grouping = clusters(chapter, buying)
    doubted = value_tiers.doubt(chapter, told, value_tiers.futures(chapter))
    return segments(told, doubted, grouping, names(chapter, buying, grouping), typicality(buying, grouping)).to_pandas()


def table_cluster_centres(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `cluster_centres` for a chapter that needs it."""
    buying = needs(chapter)
    return centres(buying, clusters(chapter, buying)).to_pandas()


def centres(told: Needs | Unsaid, grouping: Clusters | Unsaid) -> pl.DataFrame:
    """Return the table `cluster_centres`: all that a later run needs to assign a customer without clustering again.

    Returns
    -------
    polars.DataFrame
        With the columns of `models.needs_scale.TABLE_SCHEMA`: how customers are compared
        (`models.needs_scale.Scale.from_frame`) and the clusters' centres (`models.clustering.Clusters.from_frame`).
        Empty where there are no clusters.
    """
    if isinstance(told, Unsaid) or isinstance(grouping, Unsaid):
        return pl.DataFrame(schema=TABLE_SCHEMA)
    return pl.concat([told.scale.to_frame(), grouping.to_frame()])


def write_tables(chapter: Chapter, table: pl.DataFrame, told: Needs | Unsaid, grouping: Clusters | Unsaid) -> None:
    """Write the tables `segments` and `cluster_centres`."""
    chapter.write("segments", table)
    chapter.write("cluster_centres", centres(told, grouping))


@nothing_without
@says_why_not
def choice_table(grouping: Clusters) -> ShownTable:
    """Show what speaks for each method and number of clusters: the one taken, then the best by the criteria."""
    frame = grouping.choice.sort_values(["chosen", "sound", "rank"], ascending=[False, False, True], kind="stable")
    frame = frame.head(SHOWN_CHOICES).assign(
        label=lambda rows: (
            rows["method"]
            + ", "
            + rows["clusters"].astype(int).astype(str)
            + rows["chosen"].map({True: " (taken)", False: ""})
        ),
        verdict=lambda rows: [_verdict(row) for row in rows.itertuples()],
    )
    columns: Columns = {
        "label": ("method and number", str),
        "stability": ("found again (1 always)", _two),
        "between": ("crowd between (1 as inside)", _two),
        "rank": ("rank by the criteria (0 best, 1 last)", _two),
        "silhouette": ("silhouette", _two),
        "smallest": ("smallest group", percent),
        "verdict": ("against it", str),
    }
    tried = plural(len(grouping.choice), "clustering")
    on = f" by {grouping.part}" if grouping.part else ""
    return show_table(frame, f"{tried}{on} tried, the one taken and the best of the others", columns)


def _two(value: float) -> str:
    return "not known" if pd.isna(value) else f"{value:.2f}"


def _verdict(row: Any) -> str:
    lacking = [
        said
        for said, lacks in (
            ("not stable", not row.stability >= STABLE),
            ("not apart", not row.between <= APART),
            ("a tiny group", row.smallest < SMALLEST_SHARE),
        )
        if lacks
    ]
    return ", ".join(lacking)


def state_findings(
    chapter: Chapter,
    grouping: Clusters | Unsaid,
    named: pd.DataFrame | Unsaid,
    sized: pd.DataFrame | Unsaid,
    cells: pd.DataFrame,
) -> None:
    """State whether there are groups by needs, which of them holds most value, and where the most valuable are."""
    if isinstance(grouping, Unsaid):
        chapter.state("clusters", grouping.reason, verdict="unknown")
        return
    _state_clarity(chapter, grouping, cells)
    if not isinstance(named, Unsaid) and not isinstance(sized, Unsaid):
        _state_largest_by_value(chapter, named, sized)
        _state_where_the_value_is(chapter, cells)


def _state_clarity(chapter: Chapter, grouping: Clusters, cells: pd.DataFrame) -> None:
    found_again = f"adjusted Rand index {grouping.stability:.2f}, where 1 is the same and 0 chance"
    crowd = f"{percent(grouping.between)} as many customers as inside the thinner one"
    told = f"halves of the base show the same ones: {found_again}; between two groups stand {crowd}"
    groups = plural(grouping.k, "group")
    alone = [name for name in grouping.looks if name is not None]
    if grouping.part:
        others = [
            f"by {name} {'others, not as far apart' if grouping.looks[name] else 'there are none'}"
            for name in alone
            if name != grouping.part
        ]
        statement = f"{'; '.join([f'Customers fall into {groups} by {grouping.part} ({told})', *others])}."
    elif grouping.clear:
        statement = f"Customers fall into {groups} by what and how they buy ({told})."
    else:
        nor = (
            f", neither by all that is compared nor {' nor '.join(f'by {name}' for name in alone)} alone"
            if alone
            else ""
        )
        why = []
        if not grouping.stability >= STABLE:
            why.append(f"halves of the base show others ({found_again})")
        limit = APART * grouping.reference
        if not grouping.between <= limit:
            why.append(f"between two of them stand {crowd}, where clear groups have {percent(limit)} or less")
        if not why:
            why.append("they are no clearer than what is found in bases of a single group")
        statement = (
            f"There are no clear groups by needs here{nor}: the {groups} shown cut a continuum into handy pieces, for "
            f"{listed(why)}.{_few_compared(cells)}"
        )
    chapter.state("clusters", statement, value=grouping.k, unit="groups", verdict="note" if grouping.clear else "watch")


def _few_compared(cells: pd.DataFrame) -> str:
    """Say that few customers buy often enough to have a group, where they are fewer than half; else nothing."""
    compared, everybody = (int(cells.loc[kept, "customers"].sum()) for kept in (cells["cluster"].notna(), slice(None)))
    if not 2 * compared < everybody:
        return ""
    return f" Only {count(compared)} of {plural(everybody, 'customer')} bought on enough days to be compared at all."


def _state_largest_by_value(chapter: Chapter, named: pd.DataFrame, sized: pd.DataFrame) -> None:
    known = sized[sized["value_share"].notna()]
    if known.empty:
        chapter.state("cluster_value", "What the groups are worth can't be told.", verdict="unknown")
        return
    best = known.iloc[int(known["value_share"].to_numpy(float).argmax())]
    portrait = named.set_index("cluster")["portrait"][best["cluster"]].rstrip(".")
    chapter.state(
        "cluster_value",
        f"The group '{best['name']}' ({plural(best['customers'], 'customer')}, {percent(best['share'])} of those with "
        f"a group) holds {percent(best['value_share'])} of their lifetime value. {portrait}.",
        value=best["value_share"],
        unit="share of value",
    )


def _state_where_the_value_is(chapter: Chapter, cells: pd.DataFrame) -> None:
    best = cells[cells["cluster"].notna() & (cells["value_tier"] == MOST_VALUABLE)]
    if best.empty:
        return
    top = best.iloc[int(best["customers"].to_numpy().argmax())]
    share = top["customers"] / cells.loc[cells["value_tier"] == MOST_VALUABLE, "customers"].sum()
    chapter.state(
        "most_valuable_needs",
        f"{percent(share)} of the most valuable customers belong to the group '{top['name']}'.",
        value=float(share),
        unit="share of customers",
    )
