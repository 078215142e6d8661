"""Who costs more than they bring, what eats it, and which decision follows: worked out on paper."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.unprofitable import DECISIONS, burdens, decisions, tails

# name, abc, xyz, revenue, discount, cost_to_serve, profit, then: eaten by, decision, regained at most
HAND = [
    # earns, and leaves more than service takes
    ("good", "A", "X", 900, 100, 50, 200, None, None, 0),
    # without the discount of 300: -100 + 300 = 200 left
    ("ruined", "B", "X", 700, 300, 20, -100, "discounts", "new terms", 300),
    # a discount as large as the profit there would be: nothing is left, but nothing is lost
    ("even", "B", "X", 700, 300, 0, 0, None, None, 0),
    # goods bring -10 + 60 = 50, service takes 60; without the discount of 5 still -5
    ("served", "C", "Y", 200, 5, 60, -10, "cost to serve", "hand over to a dealer", 60),
    ("seldom", "C", "Z", 200, 5, 60, -10, "cost to serve", "move to retail service", 60),
    # goods bring 30 + 40 = 70, of which service takes more than it leaves, though the customer earns
    ("thin", "C", "X", 150, 0, 40, 30, None, "hand over to a dealer", 40),
    ("large", "A", "Y", 950, 0, 80, 60, None, "new terms", 80),
    # goods bring -70 + 20 = -50, with the discount taken back still -30
    ("dear", "C", "Y", 100, 20, 20, -70, "cost of the goods", "polite farewell", 70),
    ("dear A", "A", "Y", 800, 20, 20, -70, "cost of the goods", "new terms", 70),
    # sent back more than was bought
    ("back", "C", "Z", -40, 0, 0, -15, "returns", "polite farewell", 15),
    # bought nothing and was visited
    ("visited", "C", "Z", 0, 0, 9, -9, "cost to serve", "polite farewell", 9),
    # the discount of 30 would suffice, but service takes 50: goods bring -20 + 50 = 30
    ("both", "B", "Z", 300, 30, 50, -20, "cost to serve", "move to retail service", 50),
    # service of 50 is larger than the discount of 40, goods bring -60 + 50 = -10; not even the discount saves it
    ("lost", "B", "Z", 300, 40, 50, -60, "cost of the goods", "polite farewell", 60),
    # profit isn't known
    ("unknown", "C", "Z", 90, 10, 60, None, None, None, 0),
]
COLUMNS = (
    "customer",
    "abc",
    "xyz",
    "revenue",
    "discount",
    "cost_to_serve",
    "profit",
    "eaten_by",
    "decision",
    "regained",
)


def given_of(rows: list) -> pl.DataFrame:
    frame = pl.DataFrame([row[:7] for row in rows], schema=list(COLUMNS[:7]), orient="row")
    returned = (-pl.col("revenue")).clip(lower_bound=0)
    return frame.with_columns(pl.col(COLUMNS[3:7]).cast(pl.Float64), returned=returned)


@pytest.mark.parametrize("row", HAND, ids=[row[0] for row in HAND])
def test_decisions_by_hand(row):
    found = decisions(burdens(given_of([row])))
    assert found.select(COLUMNS).rows() == [row]


def test_a_discount_costs_more_than_it_brings_where_it_turned_a_profit_into_a_loss():
    found = burdens(given_of(HAND))
    assert found.filter("discount_exceeds")["customer"].to_list() == ["ruined", "both"]
    assert found.filter("below_zero").height == 9
    serving = found.filter("serving_exceeds")["customer"].to_list()
    assert serving == ["served", "seldom", "thin", "large", "both"]


def test_tails_by_hand():
    # of 1,000: a 600 after 0, b 250 after 60%, c 100 after 85%, d 50 after 95%, e nothing
    rows = [("a", 600, 6, 12, 90), ("b", 250, 3, 6, 40), ("c", 100, 4, 8, -5), ("d", 50, 2, 4, -1), ("e", 0, 1, 2, -2)]
    names = ["customer", "revenue", "purchases", "cost_to_serve", "profit"]
    customers = pl.DataFrame(rows, schema=names, orient="row")
    found = tails(customers)
    assert found.columns == ["share", "customers", "purchases", "revenue", "cost_to_serve", "profit"]
    assert found.rows() == [
        (0.20, 3, 7, 150, 14, -8),
        (0.15, 3, 7, 150, 14, -8),
        (0.05, 2, 3, 50, 6, -3),
        (1.00, 5, 16, 1000, 32, 122),
    ]


def test_one_customer_has_no_tail():
    customers = pl.DataFrame(
        {"customer": ["a"], "revenue": [5.0], "purchases": [1], "cost_to_serve": [0.0], "profit": [None]},
        schema_overrides={"profit": pl.Float64},
    )
    assert tails(customers).rows() == [
        (0.20, 0, 0, 0, 0, 0),
        (0.15, 0, 0, 0, 0, 0),
        (0.05, 0, 0, 0, 0, 0),
        (1.0, 1, 1, 5, 0, None),
    ]


MONEY = st.integers(0, 10**5).map(float)
SIGNED = st.integers(-(10**5), 10**5).map(float)
DRAWN = st.tuples(
    st.just("a"), st.sampled_from("ABC"), st.sampled_from("XYZ"), SIGNED, MONEY, MONEY, st.none() | SIGNED
)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(DRAWN, min_size=1, max_size=20))
def test_every_loss_has_one_decision_and_one_reason(rows):
    found = decisions(burdens(given_of(rows)))
    losing = found.filter(pl.col("profit") < 0)
    assert losing["decision"].is_in(DECISIONS).all()
    assert losing["eaten_by"].null_count() == 0
    others = found.filter((pl.col("profit") >= pl.col("cost_to_serve")) | pl.col("profit").is_null())
    assert others["decision"].null_count() == others["eaten_by"].null_count() == others.height
    assert (found["regained"] >= 0).all()
    assert (found.filter(pl.col("decision").is_null())["regained"] == 0).all()
