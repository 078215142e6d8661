"""Rows that repeat another one are found, each but the first."""

from __future__ import annotations

import polars as pl

from customerbase.ledger.repeats import repeats_of

ROWS = pl.DataFrame(
    {
        "customer": ["a", "b", "a", "a", None, None],
        "amount": [1.0, 1.0, 1.0, 2.0, 3.0, 3.0],
        "source": ["x.csv", "x.csv", "y.csv", "y.csv", "y.csv", "y.csv"],
        "row": [2, 3, 2, 3, 4, 5],
    }
)


def test_a_repeated_row_is_found_in_another_file_too() -> None:
    found = repeats_of(ROWS, ["customer", "amount"])
    assert found.rows() == [(2, "x.csv", 2), (5, "y.csv", 4)]


def test_rows_that_differ_in_a_column_are_no_repeats() -> None:
    assert repeats_of(ROWS.head(4), ["customer", "amount", "source"]).is_empty()
