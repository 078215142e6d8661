"""Lines of a report that are no purchases: totals and subtotals."""

from __future__ import annotations

import polars as pl

TOTAL = "a total, not a purchase"
WORDS = (
    r"(grand total|sub-?total|totals?|sum|итого|всего|summe|gesamt|insgesamt|zwischensumme|celkem|razem|ukupno|totale|"
    r"suma|somme|ensemble)"
)
OPENS_WITH_WORD = rf"(?i)^\s*{WORDS}\b"
IS_WORD = rf"(?i)^\s*{WORDS}\s*(:|(за|по|for|of|per|im|für)\s.*)?\s*$"
SMALLEST_DIFFERENCE = 0.005


def find_totals(cells: pl.DataFrame, customer: pl.Series, dates: pl.Series, amount: pl.Series) -> pl.Series:
    """Tell which rows are totals.

    A total lacks a customer or a date and says in some cell that it is one. Or it lacks both, or stands where a
    customer should, and its amount is the sum of all purchases before it, or of those since the last total.

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
    bare = customer[suspects].is_null() & dates[suspects].is_null()
    is_word, opens = (
        looked_at.select(
            pl.any_horizontal(pl.lit(False), pl.col(pl.String).str.contains(words).fill_null(False))
        ).to_series()
        for words in (IS_WORD, OPENS_WITH_WORD)
    )
    says_so = (lacking[suspects] & is_word) | (bare & opens)
    before = amount.fill_null(0.0).set(lacking | named, 0.0).cum_sum()[suspects]
    may_add_up = (bare | named[suspects]) & amount[suspects].is_not_null()
    found, counted = [], 0.0
    for said, may, total, above in zip(says_so, may_add_up, amount[suspects], before, strict=True):
        # of all above, or of what came since the last total
        is_total = said or (
            may and above != 0 and min(abs(total - above), abs(total - above + counted)) < SMALLEST_DIFFERENCE
        )
        counted = above if is_total else counted
        found.append(is_total)
    return nothing.scatter(suspects, pl.Series(found, dtype=pl.Boolean))


def _is_word(customer: pl.Series) -> pl.Series:
    """Tell whose name is a word for a total; numbers, which most keys are, needn't be looked into."""
    begins_otherwise = (customer > ":") | (customer < "!")
    suspects = begins_otherwise.fill_null(False).arg_true()
    found = pl.repeat(False, len(customer), dtype=pl.Boolean, eager=True)
    return found.scatter(suspects, customer[suspects].str.contains(IS_WORD)) if len(suspects) else found
