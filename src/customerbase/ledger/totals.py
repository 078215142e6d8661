"""Lines of a report that are no purchases: totals and subtotals."""

from __future__ import annotations

import polars as pl

TOTAL = "a total, not a purchase"
WORDS = r"(grand total|sub-?total|totals?|sum|итого|всего|summe|gesamt|insgesamt|zwischensumme|celkem|razem|ukupno)"
OPENS_WITH_WORD = rf"(?i)^\s*{WORDS}\b"
IS_WORD = rf"(?i)^\s*{WORDS}\s*:?\s*$"
SMALLEST_DIFFERENCE = 0.005


def find_totals(cells: pl.DataFrame, customer: pl.Series, dates: pl.Series, amount: pl.Series) -> pl.Series:
    """Tell which rows are totals.

    A total lacks a customer or a date and says in some cell that it is one. Or it doesn't say so, or stands where a
    customer should, and its amount is the sum of all purchases before it.

    Parameters
    ----------
    cells : polars.DataFrame
        All cells as read.
    customer, dates, amount : polars.Series
        As read; null where there is none.

    Returns
    -------
    polars.Series
        Booleans.
    """
    lacking = customer.is_null() | dates.is_null()
    named = _is_word(customer)
    suspects = (lacking | named).arg_true()
    nothing = pl.repeat(False, cells.height, dtype=pl.Boolean, eager=True)
    if suspects.is_empty():
        return nothing
    looked_at = cells[suspects]
    says_so = looked_at.select(
        pl.any_horizontal(pl.lit(False), pl.col(pl.String).str.contains(OPENS_WITH_WORD).fill_null(False))
    ).to_series()
    before = amount.fill_null(0.0).set(lacking | named, 0.0).cum_sum()[suspects]
    adds_up = ((amount[suspects] - before).abs() < SMALLEST_DIFFERENCE).fill_null(False) & (before != 0)
    bare = customer[suspects].is_null() & dates[suspects].is_null()
    return nothing.scatter(suspects, (lacking[suspects] & says_so) | (adds_up & (bare | named[suspects])))


def _is_word(customer: pl.Series) -> pl.Series:
    """Tell whose name is a word for a total; numbers, which most keys are, needn't be looked into."""
    begins_otherwise = (customer > ":") | (customer < "!")
    suspects = begins_otherwise.fill_null(False).arg_true()
    found = pl.repeat(False, len(customer), dtype=pl.Boolean, eager=True)
    return found.scatter(suspects, customer[suspects].str.contains(IS_WORD)) if len(suspects) else found
