"""Profit by customer: worked out on paper, what isn't recorded, and sums that agree whatever the ledger."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.profitability import cost_share, customer_profit, with_profit

COLUMNS = ("customer", "date", "kind", "amount", "discount", "cost")


def day(number: int) -> dt.date:
    return dt.date(2024, 1, number)


def ledger(*rows: tuple) -> pl.DataFrame:
    schema = {"amount": pl.Float64, "discount": pl.Float64, "cost": pl.Float64}
    return pl.DataFrame(rows, schema=list(COLUMNS), orient="row", schema_overrides=schema)


# Anna: 90 after 10 off, of goods at 50; on the same day 60 of goods at 40; then 30 come back, of goods at 20.
#   gross 90 + 10 + 60 = 160, discount 10, returned 30, revenue 120; cost 50 + 40 - 20 = 70; 1 day with a sale.
# Boris: 200 after 40 off, of goods at 190. gross 240, revenue 200, cost 190.
# Clara: sends back 25, of goods at 15, that were bought before the ledger begins. revenue -25, cost -15, no day.
HAND = ledger(
    ("Anna", day(1), "sale", 90, 10, 50),
    ("Anna", day(1), "sale", 60, 0, 40),
    ("Anna", day(5), "return", -30, -5, -20),
    ("Boris", day(2), "sale", 200, 40, 190),
    ("Clara", day(3), "return", -25, None, -15),
)


class TestByHand:
    def test_without_cost_to_serve(self):
        found = customer_profit(HAND)
        assert found.columns == [
            *("customer", "revenue", "gross", "discount", "returned", "cost", "purchases", "cost_to_serve", "profit")
        ]
        assert found.rows() == [
            ("Anna", 120, 160, 10, 30, 70, 1, 0, 50),
            ("Boris", 200, 240, 40, 0, 190, 1, 0, 10),
            ("Clara", -25, 0, 0, 25, -15, 0, 0, -10),
        ]

    def test_with_cost_to_serve(self):
        # a day with a sale costs 8, a contact 3. Anna: 8 + 2 x 3 = 14, 50 - 14 = 36. Boris: 8, 10 - 8 = 2.
        # Clara: nothing sold, not contacted. Denis was called once and bought nothing.
        contacts = pl.DataFrame({"customer": ["Anna", "Denis", "Anna"]})
        found = customer_profit(HAND, order_cost=8, contacts=contacts, contact_cost=3)
        assert found.select("customer", "cost_to_serve", "profit").rows() == [
            ("Anna", 14, 36),
            ("Boris", 8, 2),
            ("Clara", 0, -10),
            ("Denis", 3, -3),
        ]
        assert found.row(3) == ("Denis", 0, 0, 0, 0, 0, 0, 3, -3)

    def test_what_is_left_of_cents_is_exactly_nothing(self):
        # 0.1 + 0.2 of floats is more than 0.3
        rows = [("a", day(1), "sale", 0.1, None, 0.0), ("a", day(2), "sale", 0.2, None, 0.0)]
        assert customer_profit(ledger(*rows), order_cost=0.15)["profit"].to_list() == [0.0]


class TestRowsWithoutACost:
    def test_take_the_share_of_the_rows_that_have_one(self):
        # 30 of 50 is 60%; the second row's 80 cost 48, the 10 that come back 6
        rows = [
            ("a", day(1), "sale", 50, 0, 30),
            ("b", day(1), "sale", 80, 0, None),
            ("b", day(2), "return", -10, 0, None),
        ]
        lines = with_profit(ledger(*rows), margin=0.05)
        assert lines["profit"].to_list() == pytest.approx([20, 32, -4])

    def test_take_the_margin_in_a_ledger_without_costs(self):
        lines = HAND.drop("cost")
        assert with_profit(lines, 0.3)["profit"].to_list() == pytest.approx([27, 18, -9, 60, -7.5])
        assert customer_profit(lines, 0.3)["profit"].to_list() == pytest.approx([36, 60, -7.5])

    def test_an_empty_column_of_costs_is_none(self):
        lines = HAND.with_columns(cost=pl.lit(None, pl.Float64))
        assert cost_share(lines) is None
        assert with_profit(lines, 0.3)["profit"].to_list() == pytest.approx([27, 18, -9, 60, -7.5])

    def test_leave_profit_unknown_where_nothing_tells(self):
        found = customer_profit(HAND.drop("cost"), order_cost=8, contacts=pl.DataFrame({"customer": ["Zoe"]}))
        assert found["profit"].to_list() == [None] * 4
        assert found["cost"].to_list() == [None] * 4
        assert found["revenue"].to_list() == [120, 200, -25, 0]

    def test_leave_a_customer_unknown_who_has_one_of_them_and_no_share_to_take(self):
        # the only row with a cost is a return, and no share can be told from it
        rows = [
            ("a", day(1), "sale", 50, 0, None),
            ("a", day(2), "return", -20, 0, -5),
            ("b", day(1), "return", -4, 0, -1),
        ]
        assert customer_profit(ledger(*rows))["profit"].to_list() == [None, -3]


def test_a_ledger_of_amounts_alone_is_of_sales_without_discount():
    lines = pl.DataFrame({"customer": ["a"], "date": [dt.datetime(2024, 1, 1, 9)], "amount": [10.0]})
    assert customer_profit(lines, 0.4, 1.5).row(0) == ("a", 10, 10, 0, 0, 6, 1, 1.5, 2.5)


def test_nobody_leaves_nothing():
    assert customer_profit(HAND.clear(), order_cost=8).is_empty()


CENTS = st.integers(0, 10**7).map(lambda cents: cents / 100)
ROWS = st.tuples(st.sampled_from("abcd"), st.integers(1, 28), st.booleans(), CENTS, CENTS, st.none() | CENTS)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROWS, max_size=12), margin=st.none() | st.floats(0.01, 1), order_cost=st.none() | CENTS)
def test_the_columns_agree_and_add_up_to_the_ledger(rows, margin, order_cost):
    signed = [(-1 if back else 1, who, number, amount, off, cost) for who, number, back, amount, off, cost in rows]
    lines = ledger(
        *(
            (who, day(number), "sale" if sign > 0 else "return", sign * amount, sign * off, cost and sign * cost)
            for sign, who, number, amount, off, cost in signed
        )
    )
    found = customer_profit(lines, margin, order_cost)
    assert found["customer"].to_list() == sorted(set(lines["customer"]))
    left = found["gross"] - found["discount"] - found["returned"]
    assert left.to_list() == pytest.approx(found["revenue"].to_list(), abs=1e-6)
    assert found["revenue"].sum() == pytest.approx(lines["amount"].sum(), abs=1e-6)
    known = found.drop_nulls("profit")
    left = known["revenue"] - known["cost"] - known["cost_to_serve"]
    assert left.to_list() == pytest.approx(known["profit"].to_list(), abs=1e-6)
    assert found["cost_to_serve"].sum() == pytest.approx(found["purchases"].sum() * (order_cost or 0))
