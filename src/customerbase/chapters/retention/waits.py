"""The waits between purchases, by how many purchases went before: the sections of `05_retention` rest on them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from models.survival import purchase_gaps

from ...chapter import Chapter
from ...ledger.returns import STOOD
from ..left_cut import left_cut, new_customers

ORDINALS = ("first", "second", "third", "fourth", "fifth")
FIRST_TO_SECOND = "first to second purchase"
EDGES = (1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1_000)
ONE_BY_ONE = 3  # so many purchases always make a stage each
MOST_STAGES = 6
FEWEST_WATCHED = 30  # fewer leave a curve's end to a handful of customers
REACHED_BY = 0.10  # share of customers who get so far, for so many purchases to begin a stage of their own


@dataclass(frozen=True)
class Stage:
    """Purchases that count as equally far.

    Attributes
    ----------
    low, high : int or None
        From which number of purchases to which; None, and all later ones.
    seen : bool
        Whether the purchases are counted from the ledger's first day, which came after customers' first purchases.
    """

    low: int
    high: int | None
    seen: bool = False

    @property
    def is_single(self) -> bool:
        """Whether every customer waits in it once only."""
        return self.low == self.high

    @property
    def name(self) -> str:
        """The curve's name in the table `retention`."""
        if self.is_single and self.low < len(ORDINALS):
            return f"{ORDINALS[self.low - 1]} to {ORDINALS[self.low]} purchase"
        return self.after

    @property
    def after(self) -> str:
        """How many purchases a customer has made in it."""
        if self.is_single:
            return "after 1 purchase" if self.low == 1 else f"after {self.low} purchases"
        ends = f"{self.low} or more" if self.high is None else f"{self.low} to {self.high}"
        return f"after {ends} purchases{' seen' if self.seen else ''}"


@dataclass(frozen=True)
class Waits:
    """How long customers wait for the next purchase.

    Attributes
    ----------
    rows : polars.DataFrame
        As `models.survival.purchase_gaps` returns them.
    stages : dict of Stage to polars.DataFrame
        The waits of each stage that customers have reached.
    watched : dict of str to int
        For each stage's name the days for which its customers have been watched, by all but a few of those watched
        longest. Whoever has bought again is no longer at risk but has been watched all the same.
    from_first_sale : polars.DataFrame
        The waits that follow a customer's true first purchase as it stood on its day, also where it was returned later:
        what is said to have been known on that day must not depend on that.
    """

    rows: pl.DataFrame
    stages: dict[Stage, pl.DataFrame]
    watched: dict[str, int]
    from_first_sale: pl.DataFrame

    @property
    def first(self) -> pl.DataFrame:
        """The waits that follow a customer's true first purchase."""
        return self.stages.get(Stage(1, 1), self.rows.clear())


def waits(chapter: Chapter) -> Waits:
    """Measure the time from each purchase to the next.

    Where the ledger begins after its customers did, the first purchases are those of new customers only, and later
    stages count the purchases seen.
    """
    rows = purchase_gaps(chapter.purchases, chapter.as_of)
    is_cut = left_cut(chapter).cut
    new = rows.join(new_customers(chapter), on="customer", how="semi") if is_cut else rows
    found = {}
    for stage in _stages(rows, is_cut):
        number = pl.col("purchase_number")
        within = (number >= stage.low) & (number <= (stage.high or number.max()))
        chosen = (new if stage.is_single else rows).filter(within)
        if chosen.height:
            found[stage] = chosen
    first = found.get(Stage(1, 1), rows.clear())
    watched = {stage.name: watched_days(chosen, chapter.as_of) for stage, chosen in found.items()}
    return Waits(rows, found, watched, _from_first_sale(chapter, first))


def _from_first_sale(chapter: Chapter, first: pl.DataFrame) -> pl.DataFrame:
    """Return the waits after first purchases, where some purchases were undone counted with these."""
    sales = chapter.ledger.filter(pl.col("kind") == "sale")
    if sales.select(STOOD.all()).item():
        return first
    days = sales.select("customer", pl.col("date").dt.date(), "amount")
    waited = purchase_gaps(days, chapter.as_of).filter(pl.col("purchase_number") == 1)
    found = left_cut(chapter)
    if not found.cut:
        return waited
    return waited.clear() if found.new_from is None else waited.filter(pl.col("date").dt.date() >= found.new_from)


def watched_days(rows: pl.DataFrame, as_of: dt.date) -> int:
    """Return for how many days customers have been watched, by all but a few of those watched longest."""
    begins = rows.group_by("customer").agg(pl.col("date").min())["date"].sort().head(FEWEST_WATCHED)
    return (as_of - begins[-1].date()).days


def _stages(rows: pl.DataFrame, is_cut: bool) -> list[Stage]:
    counts = rows.filter(~pl.col("observed"))["purchase_number"]  # the last purchase of each customer
    enough = max(FEWEST_WATCHED, REACHED_BY * counts.len())
    edges = [edge for edge in EDGES if edge <= ONE_BY_ONE + 1 or (counts >= edge).sum() >= enough]
    if len(edges) > MOST_STAGES:
        singles, between, last = edges[:ONE_BY_ONE], edges[ONE_BY_ONE:-1], edges[-1]
        room = MOST_STAGES - ONE_BY_ONE - 1
        edges = [*singles, *(between[at * len(between) // room] for at in range(room)), last]
    stages = [Stage(low, above - 1, is_cut and above - 1 > low) for low, above in pairwise(edges)]
    # without so many purchases, only the first few are told apart
    is_open = edges[-1] > ONE_BY_ONE + 1
    return [*stages, Stage(edges[-1], None if is_open else edges[-1], is_cut and is_open)]
