"""Whether the ledger begins in the middle of its customers' lives, and what that means for every chapter."""

from __future__ import annotations

import math
from typing import Literal
from weakref import WeakKeyDictionary

import pandas as pd
import polars as pl

from models.left_truncation import LeftTruncation, left_truncation

from ..chapter import Chapter
from ..errors import CannotSay
from ..shown_table import ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import count, day, percent, plural

Use = Literal["purchase_model", "first_purchase", "cohorts", "contract", "ideal_customer", "segments"]
MANY = 0.1  # old customers among those taken for new, from which it is said
WEEKS_SHOWN = 110  # a longer ledger is shown by month

_found: WeakKeyDictionary[Chapter, LeftTruncation] = WeakKeyDictionary()


def left_cut(chapter: Chapter) -> LeftTruncation:
    """Return whether the ledger is cut on the left; found once for a chapter."""
    if chapter not in _found:
        _found[chapter] = left_truncation(chapter.purchases, chapter.as_of)
    return _found[chapter]


def new_customers(chapter: Chapter) -> pl.DataFrame:
    """Return the customers whose first purchase in the ledger is taken for a real first one.

    Returns
    -------
    polars.DataFrame
        customer and first (Date), sorted by customer: everybody where the ledger isn't cut; where it is, those first
        seen from `new_from` on, or nobody where there is no such day.
    """
    found = left_cut(chapter)
    first = chapter.purchases.group_by("customer").agg(pl.col("date").min().alias("first")).sort("customer")
    if not found.cut:
        return first
    return first.clear() if found.new_from is None else first.filter(pl.col("first") >= found.new_from)


def what_it_means(chapter: Chapter, for_what: Use) -> str | None:
    """Return what a cut on the left means for a part of the suite, in a few sentences; None where there is no cut.

    That the purchase models forecast old customers about as well as with their whole history, and expect too much of
    new ones (by up to a tenth), was measured on simulated bases cut after two years.

    Parameters
    ----------
    chapter : Chapter
    for_what : {'purchase_model', 'first_purchase', 'cohorts', 'contract', 'ideal_customer', 'segments'}
    """
    found = left_cut(chapter)
    if not found.cut:
        return None
    begins = f"The ledger begins on {day(chapter.first_day)} in the middle of its customers' lives"
    taken = _taken_for_new(chapter, found)
    return {
        "purchase_model": f"{begins}. T and frequency leave out what came before, so customers of many years look as "
        "old as the ledger, while recency and pace are right. The models learn from those who had stayed until then: "
        "forecasts and lifetime values of old customers hold about as well as with their whole history, those of new "
        "ones are high, and so are probabilities of being alive.",
        "first_purchase": f"{begins}, so a first purchase in it is mostly a later one: {taken}.",
        "cohorts": f"{begins}, so its first cohorts are old customers in the order in which they happened to come by. "
        f"Who had left before is not among them, so they look more loyal than new customers are: {taken}.",
        "contract": f"{begins}, and who left before isn't seen. A contract that began earlier is followed from that "
        "day on only; where its beginning isn't recorded, it is left out.",
        "ideal_customer": f"{begins}, so what a customer first bought in it is mostly no first purchase: {taken}, and "
        "only they are learnt from.",
        "segments": f"{begins}: what customers buy and bring now is seen rightly, and for how long they have been "
        "customers isn't.",
    }[for_what]


def note(chapter: Chapter, for_what: Use) -> Unsaid | None:
    """Show what a cut on the left means for a part of a chapter; nothing where there is no cut."""
    meaning = what_it_means(chapter, for_what)
    return None if meaning is None else Unsaid(meaning)


def first_seen(chapter: Chapter) -> pd.DataFrame:
    """Count the customers first seen in each week, or in each month of a long ledger.

    Returns
    -------
    pandas.DataFrame
        start (of the period), customers, and new: whether all of them can be taken for new. Its attribute ``period`` is
        week or month, and ``new`` is how many customers can be taken for new.
    """
    found = left_cut(chapter)
    first = chapter.purchases.group_by("customer").agg(pl.col("date").min())
    period, every = ("week", "1w") if (chapter.as_of - chapter.first_day).days / 7 <= WEEKS_SHOWN else ("month", "1mo")
    starts = pl.select(pl.date_range(pl.lit(chapter.first_day).dt.truncate(every), pl.lit(chapter.as_of), every))
    counts = first.group_by(pl.col("date").dt.truncate(every).alias("start")).agg(pl.len().alias("customers"))
    is_new = pl.lit(found.new_from is not None) & (pl.col("start") >= pl.lit(found.new_from, pl.Date))
    frame = (
        starts.select(pl.first().alias("start"))
        .join(counts, on="start", how="left")
        .sort("start")
        .with_columns(pl.col("customers").fill_null(0), new=is_new.fill_null(False) if found.cut else pl.lit(True))
        .to_pandas()
    )
    frame.attrs |= {"period": period, "new": new_customers(chapter).height}
    return frame


@says_why_not
def evidence_table(chapter: Chapter) -> ShownTable:
    """Show what tells whether the first customers were customers before."""
    found = left_cut(chapter)
    if not found.can_tell:
        raise CannotSay(f"Whether the first customers were customers before can't be told. {found.reason}")
    if math.isnan(found.back_opening):
        raise CannotSay(f"The first customers weren't customers before. {found.reason}")
    opening = f"first seen in the first {plural(found.opening_days, 'day')}"
    frame = pd.DataFrame(
        [(opening, found.back_opening), ("known half-way", found.back_known), ("first seen later", found.back_later)],
        columns=["who", "back"],
    )
    caption = (
        "The first customers come back like customers known for long"
        if found.cut
        else "The first customers come back like later ones"
    )
    return show_table(
        frame, caption, {"who": ("customers", str), "back": (f"came back within {found.watch_days} days", percent)}
    )


def state_left_cut(chapter: Chapter) -> None:
    """State whether the ledger begins in the middle of its customers' lives."""
    found = left_cut(chapter)
    if not found.can_tell:
        chapter.state(
            "left_cut",
            f"Whether the first customers were customers before can't be told. {found.reason}",
            verdict="unknown",
        )
    elif found.cut:
        chapter.state(
            "left_cut",
            f"The ledger begins on {day(chapter.first_day)} in the middle of its customers' lives: about "
            f"{percent(found.share_already)} of them were customers before, and {_taken_for_new(chapter, found)}.",
            value=found.share_already,
            unit="share of the customers",
            verdict="watch",
            question="trust",
        )
    else:
        chapter.state(
            "left_cut",
            f"The ledger doesn't begin in the middle of its customers' lives. {found.reason}",
            value=0.0,
            unit="share of the customers",
            verdict="good",
        )


def _taken_for_new(chapter: Chapter, found: LeftTruncation) -> str:
    if found.new_from is None:
        return "nobody can be taken for new"
    number = new_customers(chapter).height
    who = f"the {plural(number, 'customer')} first seen from {day(found.new_from)} on"
    if found.old_among_new < MANY:
        return f"only {who} can be taken for new"
    really = count(number * (1 - found.old_among_new))
    return f"only among {who} are there new ones, about {really} of them or fewer, and nobody can say which"
