"""The account of a ledger balances to the cent, or says what is missing."""

from __future__ import annotations

import polars as pl
import pytest

from customerbase.errors import Unbalanced
from customerbase.ledger.account import balanced, units


def amounts(*values: float | None) -> pl.DataFrame:
    return pl.DataFrame({"amount": pl.Series(values, dtype=pl.Float64)})


def test_amounts_are_added_up_exactly() -> None:
    assert units(amounts(*[0.1] * 1_000_000)["amount"]) == 1_000_000_000
    assert units(amounts(9e14, 0.01, -9e14, None)["amount"]) == 100


def test_what_was_read_is_used_or_set_aside() -> None:
    account = balanced(4, units(amounts(1.10, 2.20, 3.30)["amount"]), amounts(1.10, 3.30), amounts(2.20, None))
    assert (account.rows_read, account.rows_used, account.rows_quarantined) == (4, 2, 2)
    assert (account.amount_read, account.amount_used, account.amount_quarantined) == (6.6, 4.4, 2.2)


@pytest.mark.parametrize(
    ("rows_read", "amount_read", "says"),
    [
        (3, 3.0, "3 rows were read"),
        (1, 3.0, "1 rows were read"),
        (2, 3.01, "3.01 were read"),
        (2, 2.99, "2.99 were read"),
    ],
)
def test_a_row_or_a_cent_that_went_missing_is_told(rows_read: int, amount_read: float, says: str) -> None:
    with pytest.raises(Unbalanced, match=says):
        balanced(rows_read, units(amounts(amount_read)["amount"]), amounts(1.0), amounts(2.0))
