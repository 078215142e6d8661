"""The steps of `01_identify` about who is who: the records that are one customer, and the chapter's findings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from models.ledger_audit import Question

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Findings
from ...identities import DECISION
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, percent, plural
from ..closed_base import state_closed_base
from ..left_cut import state_left_cut
from .central_file import NO_TABLE, share_of, state_central_file
from .ledger_audit import state_ledger

CERTAINTIES = {"under 80%": 0.8, "80% to 90%": 0.9, "90% to 95%": 0.95, "95% to 99%": 0.99, "99% to 99.9%": 0.999}
NEARLY_SURE = "over 99.9%"
DOUBLES_WATCHED = 0.01  # share of records


@says_why_not
def persons(chapter: Chapter, revenue: pd.Series) -> pd.DataFrame:
    """Return every record with the customer it belongs to.

    Returns
    -------
    pandas.DataFrame
        customer (key as recorded), person, probability, why, size (records of the person) and revenue (of the record).
    """
    if chapter.identities is None:
        raise CannotSay(f"{NO_TABLE}, so each key of the ledger is taken for one customer.")
    frame = chapter.identities.to_pandas()
    frame["size"] = frame.groupby("person")["customer"].transform("size")
    frame["revenue"] = revenue.reindex(frame["customer"]).fillna(0.0).to_numpy()
    return frame


def group_table(chapter: Chapter, known: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show in how many records customers are kept, and how sure it is that these are one.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(known, Unsaid):
        return None
    merged = known.assign(probability=known["probability"].where(known["customer"] != known["person"]))
    frame = (
        merged.groupby("size")
        .agg(
            records=("customer", "size"),
            customers=("person", "nunique"),
            revenue=("revenue", "sum"),
            weakest=("probability", "min"),
            middle=("probability", "median"),
        )
        .reset_index()
    )
    frame["revenue_share"] = [share_of(brought, frame["revenue"].sum()) for brought in frame["revenue"]]
    columns: Columns = {
        "size": ("records a customer", count),
        "customers": ("customers", count),
        "records": ("records", count),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "revenue_share": ("share of revenue", percent),
        "weakest": ("least sure", _sure),
        "middle": ("median", _sure),
    }
    caption = f"{plural(len(known), 'record')} of {plural(known['person'].nunique(), 'customer')}"
    return show_table(frame, caption, columns)


@says_why_not
def certainties(chapter: Chapter, known: pd.DataFrame) -> pd.DataFrame:
    """Return how sure it is that records are one customer.

    Returns
    -------
    pandas.DataFrame
        Indexed by certainty, from low to high: merged (records put to another), waiting (pairs for a person to decide).

    Raises
    ------
    CannotSay
        When no two records look like one customer.
    """
    merged = known.loc[known["customer"] != known["person"], "probability"]
    waiting = _waiting(chapter)
    if merged.empty and waiting.empty:
        raise CannotSay("No two records of the customers' table look like one customer.")
    names = [*CERTAINTIES, NEARLY_SURE]
    edges = [0, *CERTAINTIES.values(), np.inf]
    counted = {
        name: pd.cut(sure, edges, right=False, labels=names).value_counts().reindex(names).to_numpy()
        for name, sure in (("merged", merged), ("waiting", waiting["probability"]))
    }
    frame = pd.DataFrame(counted, index=pd.Index(names, name="certainty"))
    return frame.loc[frame.any(axis=1).idxmax() :]


def findings(
    chapter: Chapter,
    accounted: pd.DataFrame,
    asked: list[Question],
    complete: pd.DataFrame | Unsaid,
    agreed: pd.DataFrame | Unsaid,
    ages: pd.DataFrame | Unsaid,
    where: pd.DataFrame | Unsaid,
    known: pd.DataFrame | Unsaid,
) -> Findings:
    """State whether the ledger can be trusted, how well the customers are known, and how many there are."""
    state_ledger(chapter, accounted, asked)
    state_left_cut(chapter)
    state_closed_base(chapter)
    state_central_file(chapter, complete, agreed, ages, where)
    if not isinstance(known, Unsaid):
        _state_duplicates(chapter, known)
    return chapter.findings()


def _state_duplicates(chapter: Chapter, known: pd.DataFrame) -> None:
    merged = known[known["size"] > 1]
    surplus = len(known) - known["person"].nunique()
    open_pairs = len(_waiting(chapter))
    wait = (
        f" {plural(open_pairs, 'pair')} {'waits' if open_pairs == 1 else 'wait'} for a person to decide."
        if open_pairs
        else " No pair waits for a person to decide."
    )
    if not surplus:
        chapter.state(
            "duplicates",
            f"Each of {plural(len(known), 'record')} is a customer of its own.{wait}",
            value=0.0,
            unit="records",
            verdict="watch" if open_pairs else "good",
            question="trust",
        )
        return
    brought, revenue = merged["revenue"].sum(), float(chapter.ledger["amount"].sum())
    several, customers = merged["person"].nunique(), known["person"].nunique()
    without = len(set(known["person"]) - set(chapter.purchases["customer"]))
    people = f"That leaves {plural(customers, 'customer')} on record"
    if without:
        people += f", {count(without)} of them without a purchase"
    chapter.state(
        "duplicates",
        f"{count(surplus)} of {plural(len(known), 'record')} {'repeats' if surplus == 1 else 'repeat'} another: "
        f"{plural(several, 'customer')} had more than one, and {'brings' if several == 1 else 'bring'} "
        f"{percent(share_of(brought, revenue))} of revenue. {people}.{wait}",
        value=float(surplus),
        unit="records",
        verdict="watch" if open_pairs or surplus >= DOUBLES_WATCHED * len(known) else "note",
        question="trust",
    )


def _waiting(chapter: Chapter) -> pd.DataFrame:
    """Return the pairs that nobody has decided yet."""
    if chapter.identity_review is None:
        return pd.DataFrame(columns=["probability"], dtype=float)
    return chapter.identity_review.filter(pl.col(DECISION).is_null()).to_pandas()


def _sure(probability: float) -> str:
    if pd.isna(probability):
        return ""
    # near one, nine tens of thousands would round to a certainty that there isn't
    return NEARLY_SURE if 0.9995 <= probability < 1 else percent(probability, 1)
