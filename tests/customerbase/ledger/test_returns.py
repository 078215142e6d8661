"""Returns are set against what they undo, and no money appears or disappears."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerbase.ledger.returns import net_of_returns


def ledger(*rows: tuple[Any, ...], columns: tuple[str, ...] = ("day", "amount", "order", "product")) -> pl.DataFrame:
    """Make a ledger of one customer."""
    frame = pl.DataFrame(rows, schema=["day", "amount", *columns[2:]], orient="row")
    return frame.select(
        pl.lit("a").alias("customer"),
        pl.date(2024, 1, pl.col("day")).alias("date"),
        pl.col("amount").cast(pl.Float64),
        pl.when(pl.col("amount") < 0).then(pl.lit("return")).otherwise(pl.lit("sale")).alias("kind"),
        *[pl.col(name).cast(pl.String) for name in columns[2:]],
    )


def net(*rows: tuple[Any, ...], **options: Any) -> list[float]:
    """Return what is left of each row."""
    return net_of_returns(ledger(*rows, **options))["net_amount"].to_list()


def test_without_returns_everything_is_kept() -> None:
    assert net((1, 10, "o1", "p"), (2, 20, "o2", "q")) == [10, 20]


def test_without_order_and_product_a_return_stays_with_the_customer() -> None:
    assert net((1, 10), (2, -4), columns=("day", "amount")) == [10, -4]


def test_a_return_undoes_the_line_of_its_order_and_product() -> None:
    assert net((1, 10, "o1", "p"), (1, 20, "o1", "q"), (5, -20, "o1", "q")) == [10, 0, 0]


def test_a_return_of_a_part_leaves_the_rest() -> None:
    assert net((1, 10, "o1", "p"), (5, -4, "o1", "p")) == [6, 0]


def test_a_return_that_names_no_product_undoes_its_order_from_the_first_line_on() -> None:
    assert net((1, 10, "o1", "p"), (1, 20, "o1", "q"), (1, 30, "o2", "p"), (5, -15, "o1", None)) == [0, 15, 30, 0]


def test_a_return_of_more_than_its_order_stays_with_the_customer_for_the_rest() -> None:
    assert net((1, 10, "o1", "p"), (5, -15, "o1", "p")) == [0, -5]


def test_a_return_under_a_number_of_its_own_undoes_the_latest_purchase_of_the_product_before_it() -> None:
    assert net((1, 10, "o1", "p"), (3, 10, "o2", "p"), (5, -12, "r1", "p"), (9, 10, "o3", "p")) == [8, 0, 0, 10]


def test_a_return_of_a_product_that_is_not_in_its_order_undoes_nothing() -> None:
    assert net((1, 10, "o1", "p"), (2, 10, "o2", "q"), (5, -10, "o1", "q")) == [10, 10, -10]


def test_a_return_of_a_product_bought_only_later_undoes_nothing() -> None:
    assert net((5, 10, "p"), (1, -10, "p"), columns=("day", "amount", "product")) == [10, -10]


def test_two_returns_do_not_undo_one_purchase_twice() -> None:
    assert net((1, 10, "o1", "p"), (5, -6, "o1", "p"), (6, -6, "o1", "p")) == [0, 0, -2]


def test_nothing_of_another_customer_is_undone() -> None:
    rows = pl.concat(
        [ledger((1, 10, "o1", "p")), ledger((5, -10, "o1", "p")).with_columns(pl.lit("b").alias("customer"))]
    )
    assert net_of_returns(rows)["net_amount"].to_list() == [10, -10]


def test_cents_leave_no_dust() -> None:
    assert net((1, 0.3, "o1", "p"), (5, -0.1, "o1", "p"), (6, -0.2, "o1", "p")) == [0, 0, 0]


LINE = st.tuples(
    st.integers(1, 28),
    st.integers(-500_00, 500_00).map(lambda cents: cents / 100),
    st.sampled_from(["o1", "o2", None]),
    st.sampled_from(["p", "q", None]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=25))
def test_whatever_is_returned_no_money_is_lost_and_no_sign_turns(lines: list[tuple[Any, ...]]) -> None:
    rows = net_of_returns(ledger(*lines))
    assert rows["net_amount"].sum() == pytest.approx(rows["amount"].sum(), abs=1e-4)
    left, was = rows["net_amount"], rows["amount"]
    assert ((left >= 0) & (left <= was) | (left <= 0) & (left >= was)).all()
    assert rows["date"].dtype == pl.Date and rows["date"][0] >= dt.date(2024, 1, 1)


def test_an_order_number_that_begins_anew_means_the_latest_order_before() -> None:
    assert net((1, 10, "1", "p"), (9, 10, "1", "p"), (12, -10, "1", "p"), (20, 10, "1", "p")) == [10, 0, 0, 10]


def test_a_return_undoes_nothing_of_its_order_that_was_sold_later() -> None:
    assert net((9, 10, "1", "p"), (1, -10, "1", "p")) == [10, -10]
