"""The steps of `06_differentiation` that set today's groups beside the last run's: do they hold, and who moved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.clustering import Clusters
from models.clusters_over_time import ClusterMatch, match_clusters
from models.needs import needs_features
from models.needs_scale import Scale

from ...chapter import Chapter
from ...earlier_runs import EarlierRun
from ...errors import CannotSay
from ...lists import write_list
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, day, percent, plural
from .value_by_needs import lifetime_values

LIST = "moved_between_clusters"
HELD = 0.8  # adjusted Rand index from which two clusterings are called the same
NEITHER = "no counterpart"
BY_CHANCE = "who stood near one crosses it by chance, so this alone doesn't say that they buy otherwise"
NO_RUN = (
    "How the groups hold over time can't be told yet: there is no earlier run of this base, with groups, that ends on "
    "an earlier day. The next run is set beside this one."
)


@dataclass(frozen=True)
class Movement:
    """The last run's groups and today's.

    Attributes
    ----------
    then : datetime.date
        The last day that the last run observed.
    match : ClusterMatch
        Which of today's groups, found anew, is which of the last run's.
    names : dict of int to str
        What the last run called its groups.
    moved : polars.DataFrame
        customer, group_then, group_now and group_found_anew: who by purchases up to today belongs in another of the
        last run's groups, the borders being those of then; and the name of the group, found anew, that the table
        `segments` gives them today (null where none).
    compared : int
        Customers who had a group then and have enough purchases now.
    newly_placed : int
        Customers without a group then who are placed in the last run's groups without clustering again.
    clear : bool
        Whether today's groups are clear. Across the borders of a continuum customers move by chance.
    """

    then: dt.date
    match: ClusterMatch
    names: dict[int, str]
    moved: pl.DataFrame
    compared: int
    newly_placed: int
    clear: bool = True


@says_why_not
def movement(chapter: Chapter, grouping: Clusters, table: pl.DataFrame) -> Movement:
    """Set today's groups beside the last run's, and find who belongs elsewhere by the borders of then.

    Parameters
    ----------
    chapter : Chapter
    grouping : Clusters
        Today's.
    table : polars.DataFrame
        The table `segments`.
    """
    run, before, model, scale = _last_run(chapter)
    labels = dict(zip(before["customer"], before["cluster"], strict=True))
    names = dict(before.select("cluster", "cluster_name").unique().iter_rows())
    today = table.filter(pl.col("cluster").is_not_null()).select("customer", "cluster").to_pandas()
    match = match_clusters(before.select("customer", "cluster").to_pandas(), today)
    try:
        known = needs_features(chapter.ledger, chapter.as_of, chapter.parameters.needs_categories, scale=scale)
        placed = model.assign(known.compared)
    except ValueError as reason:
        raise CannotSay(
            f"Today's customers can't be placed in the groups of {day(run.as_of)}: {reason} The groups themselves are "
            f"{percent(match.agreement)} alike (adjusted Rand index)."
        ) from None
    both = [(customer, labels[customer], int(now)) for customer, now in placed.items() if customer in labels]
    elsewhere = [(customer, names[was], names.get(now, str(now))) for customer, was, now in both if was != now]
    schema = {"customer": pl.String, "group_then": pl.String, "group_now": pl.String}
    moved = pl.DataFrame(elsewhere, schema=schema, orient="row")
    anew = table.select("customer", pl.col("cluster_name").alias("group_found_anew"))
    return Movement(
        run.as_of,
        match,
        {int(number): str(name) for number, name in names.items()},
        moved.join(anew, on="customer", how="left", maintain_order="left"),
        len(both),
        len(placed) - len(both),
        grouping.clear,
    )


def _last_run(chapter: Chapter) -> tuple[EarlierRun, pl.DataFrame, Any, Scale]:
    """Return the last run that has groups, its customers' groups, and what places others in them."""
    for run in chapter.earlier_runs:
        try:
            before, centres = run.table("segments"), run.table("cluster_centres")
            if before is None or centres is None or centres.is_empty():
                continue
            model, scale = Clusters.from_frame(centres), Scale.from_frame(centres)
            kept = before.select("customer", pl.col("cluster").cast(pl.Int64), "cluster_name")
        except (OSError, ValueError, KeyError, pl.exceptions.PolarsError):
            continue  # of an older suite, or damaged: nothing to compare with
        kept = kept.filter(pl.col("cluster").is_not_null())
        return run, _as_known_today(kept, chapter.identities), model, scale
    raise CannotSay(NO_RUN)


def _as_known_today(before: pl.DataFrame, identities: pl.DataFrame | None) -> pl.DataFrame:
    """Return the customers under the keys of today; of those who turned out to be one the first stays."""
    if identities is None:
        return before
    person = identities.select("customer", "person")
    renamed = before.join(person, on="customer", how="left", maintain_order="left").with_columns(
        pl.coalesce("person", "customer").alias("customer")
    )
    return renamed.drop("person").unique("customer", keep="first", maintain_order=True)


@says_why_not
def movement_table(moves: Movement, named: pd.DataFrame) -> ShownTable:
    """Show what became of each of the last run's groups."""
    called = dict(zip(named["cluster"], named["name"], strict=True))
    rows = []
    for row in moves.match.mapping.to_dict("records"):
        now = NEITHER if pd.isna(row["cluster"]) else f"{row['cluster']}: {called[row['cluster']]}"
        then = NEITHER if pd.isna(row["before"]) else f"{row['before']}: {moves.names[row['before']]}"
        matched = not (pd.isna(row["cluster"]) or pd.isna(row["before"]))
        told = (percent(row["of_before"]), percent(row["of_now"])) if matched else ("", "")
        rows.append((now, then, row["shared"], *told))
    columns: Columns = {
        "now": ("group today", str),
        "then": (f"group on {day(moves.then)}", str),
        "shared": ("customers in both", count),
        "of_before": ("of those then", str),
        "of_now": ("of those now", str),
    }
    alike = "not known" if np.isnan(moves.match.agreement) else f"{moves.match.agreement:.2f}"
    caption = f"Groups of {day(moves.then)} and today's, matched (adjusted Rand index {alike})"
    return show_table(pd.DataFrame(rows, columns=list(columns)), caption, columns)


def write_moved(chapter: Chapter, moves: Movement | Unsaid, table: pl.DataFrame) -> int:
    """Write who moved as `lists/moved_between_clusters.csv`, the most valuable first; return how many.

    Where nothing can be compared, a list that an earlier run by hand left is taken away.
    """
    file = chapter.folder / "lists" / f"{LIST}.csv"
    if isinstance(moves, Unsaid):
        file.unlink(missing_ok=True)
        return 0
    worth = lifetime_values(chapter).select("customer", pl.col("clv").round(2).alias("lifetime_value"))
    rows = (
        moves.moved.join(table.select("customer", "value_tier"), on="customer", how="left")
        .join(worth, on="customer", how="left")
        .sort("lifetime_value", "customer", descending=[True, False], nulls_last=True)
    )
    write_list(file, rows)
    return rows.height


def in_words(moves: Movement | Unsaid) -> Unsaid | None:
    """Say in a sentence or two who moved, under the table; None where the table has said why not."""
    if isinstance(moves, Unsaid):
        return None
    share = percent(moves.moved.height / moves.compared) if moves.compared else "none"
    who = f"{plural(moves.moved.height, 'customer')} of {count(moves.compared)} ({share})"
    placed = f"{plural(moves.newly_placed, 'customer')} without a group then could be placed without grouping anew."
    then = day(moves.then)
    said = (
        f"By the borders of {then}, {who} now buy like another group than then: lists/{LIST}.csv names them."
        if moves.clear
        else f"The groups are handy pieces of a continuum. {who} now lie across a border of {then}, in "
        f"lists/{LIST}.csv; {BY_CHANCE}."
    )
    borders = f"In the list group_now is by the borders of {then}, group_found_anew the group that this run found."
    return Unsaid(f"{said} {borders} {placed}")


def state_findings(chapter: Chapter, moves: Movement | Unsaid) -> None:
    """State whether the groups hold and how many moved; nothing where it has been stated why there are no groups."""
    if isinstance(moves, Unsaid):
        if any(stated.statement == moves.reason for stated in chapter.findings().findings):
            return
        chapter.state("clusters_over_time", moves.reason, verdict="unknown")
        return
    agreement = moves.match.agreement
    if np.isnan(agreement) or not moves.compared:
        reason = f"No customer had a group on {day(moves.then)} and has one today."
        chapter.state("clusters_over_time", reason, verdict="unknown")
        return
    share = moves.moved.height / moves.compared
    same = "the same" if agreement >= HELD else "not the same"
    who = f"{plural(moves.moved.height, 'customer')} ({percent(share)})"
    chapter.state(
        "clusters_over_time",
        f"Since {day(moves.then)} the groups, found anew, are {same} (adjusted Rand index {agreement:.2f}, where 1 is "
        f"the same and 0 chance); by the borders of then {who} moved to another."
        if moves.clear
        else f"The handy pieces into which this base is cut, made anew, are {same} as on {day(moves.then)} (adjusted "
        f"Rand index {agreement:.2f}, where 1 is the same and 0 chance); {who} lie across a border of then; "
        f"{BY_CHANCE}.",
        value=share,
        unit="share of customers",
        verdict="note" if agreement >= HELD or not moves.clear else "watch",
    )
