"""Totals at the end of a report are no purchases, and purchases are no totals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from customerbase.ledger.totals import find_totals

DAY = dt.date(2024, 1, 2)


def totals(*rows: tuple[Any, Any, Any]) -> list[bool]:
    """Return which rows (customer, date, amount) are totals."""
    frame = pl.DataFrame(rows, schema={"c": pl.String, "d": pl.Date, "a": pl.Float64}, orient="row")
    cells = frame.with_columns(pl.col("d").cast(pl.String))
    return find_totals(cells, frame["c"], frame["d"], frame["a"]).to_list()


@pytest.mark.parametrize(
    "word", ["Total", "TOTAL:", "Итого", "Итого за январь 2024", "Grand total", "Sub-total", "Summe"]
)
def test_a_row_that_says_so_and_has_no_date_is_a_total(word: str) -> None:
    assert totals(("a", DAY, 10.0), ("b", DAY, 5.0), (word, None, 15.0)) == [False, False, True]


def test_a_row_of_one_number_that_adds_up_is_a_total() -> None:
    assert totals(("a", DAY, 10.0), ("b", DAY, 5.0), (None, None, 15.0)) == [False, False, True]


def test_a_row_of_one_number_that_does_not_add_up_is_a_row_without_customer() -> None:
    assert totals(("a", DAY, 10.0), ("b", DAY, 5.0), (None, None, 14.0)) == [False, False, False]


def test_a_dated_total_in_the_customers_column_is_told_by_its_sum() -> None:
    assert totals(("a", DAY, 10.0), ("b", DAY, 5.0), ("Total", DAY, 15.0)) == [False, False, True]


def test_a_customer_may_be_called_total() -> None:
    assert totals(("a", DAY, 10.0), ("Total", DAY, 5.0), ("Total Energies", DAY, 5.0)) == [False, False, False]


def test_an_unreadable_date_makes_no_total() -> None:
    assert totals(("a", DAY, 10.0), ("b", None, 10.0)) == [False, False]


def test_totals_of_parts_are_told_by_what_came_since_the_last_one() -> None:
    rows = [("a", DAY, 100.0), ("b", DAY, 200.0), ("Итого", DAY, 300.0), ("a", DAY, 50.0), ("b", DAY, 150.0)]
    assert totals(*rows, ("Итого за февраль", DAY, 200.0)) == [False, False, True, False, False, True]


def test_a_product_whose_name_begins_like_a_total_makes_none() -> None:
    frame = pl.DataFrame({"c": [None, "a"], "p": ["Total Quartz 5W-30", "x"]}, schema={"c": pl.String, "p": pl.String})
    dates, amounts = pl.Series([DAY, DAY]), pl.Series([10.0, 20.0])
    assert find_totals(frame, frame["c"], dates, amounts).to_list() == [False, False]
