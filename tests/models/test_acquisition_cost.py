"""New customers against existing ones, and what winning one costs against keeping one, by hand."""

import datetime as dt
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.acquisition_cost import ACQUISITION, RETENTION, acquisition_cost, new_and_existing, years_back

quick = settings(deadline=None, derandomize=True, database=None, max_examples=60)
LINES = {"customer": pl.String, "date": pl.Date, "amount": pl.Float64, "bought": pl.Boolean}
DAY = dt.date


@pytest.fixture
def lines():
    """2023: a and b are won. 2024: c is won; a buys again; b only returns; d returned all it ever bought."""
    rows = [
        ("a", DAY(2023, 3, 1), 100.0, True),
        ("b", DAY(2023, 12, 31), 50.0, True),
        ("c", DAY(2024, 1, 1), 40.0, True),
        ("c", DAY(2024, 6, 1), 20.0, True),
        ("a", DAY(2024, 6, 1), 200.0, True),
        ("b", DAY(2024, 6, 1), -10.0, False),
        ("d", DAY(2024, 7, 1), 30.0, False),
        ("d", DAY(2024, 7, 2), -30.0, False),
        ("a", DAY(2025, 1, 1), 5.0, True),
    ]
    return pl.DataFrame(rows, LINES, orient="row")


@pytest.fixture
def counts(lines):
    return new_and_existing(lines, [(DAY(2023, 1, 1), DAY(2023, 12, 31)), (DAY(2024, 1, 1), DAY(2024, 12, 31))])


def test_new_and_existing_by_hand(counts):
    """In 2024 c (40 + 20) is new; of those won before, a bought (200) and b gave back 10; d's 30 - 30 is nothing."""
    assert counts.select("new", "existing", "revenue_new", "revenue_existing").rows() == [
        (2, 0, 150.0, 0.0),
        (1, 1, 60.0, 190.0),
    ]


def test_a_customer_won_before_the_first_span_is_an_existing_one(lines):
    counts = new_and_existing(lines, [(DAY(2024, 1, 1), DAY(2024, 12, 31))])
    assert counts.select("new", "existing", "revenue_new", "revenue_existing").rows() == [(1, 1, 60.0, 190.0)]


def test_costs_by_hand(counts):
    """In 2024 winning took 300 for one customer and keeping 100 for one: three quarters of the budget, 60 of 250."""
    spending = pl.DataFrame(
        [
            (DAY(2023, 5, 1), ACQUISITION, 80.0),
            (DAY(2024, 1, 1), ACQUISITION, 300.0),
            (DAY(2024, 12, 31), RETENTION, 100.0),
            (DAY(2024, 3, 1), None, 7.0),
            (DAY(2025, 1, 1), ACQUISITION, 1e6),
        ],
        {"date": pl.Date, "purpose": pl.String, "amount": pl.Float64},
        orient="row",
    )
    first, second = acquisition_cost(counts, spending).rows(named=True)
    # in 2023 nothing was spent on keeping, and there was nobody to keep
    assert (first["spent_winning"], first["spent_keeping"], first["cost_of_winning"]) == (80, 0, 40)
    assert first["cost_of_keeping"] is None
    assert first["share_of_budget"] == first["share_of_revenue"] == 1
    assert (second["cost_of_winning"], second["cost_of_keeping"], second["spent_otherwise"]) == (300, 100, 7)
    assert second["share_of_budget"] == 0.75
    assert second["share_of_revenue"] == pytest.approx(60 / 250)


def test_a_year_without_any_spending_recorded_is_not_one_that_cost_nothing(counts):
    spending = pl.DataFrame({"date": [DAY(2024, 5, 1)], "purpose": [RETENTION], "amount": [9.0]})
    first, second = acquisition_cost(counts, spending).rows(named=True)
    assert first["spent_winning"] is first["share_of_budget"] is None
    assert second["spent_winning"] == 0
    assert second["cost_of_winning"] is None


class TestYearsBack:
    def test_end_on_the_last_day_s_day_and_month(self):
        assert years_back(DAY(2023, 1, 9), DAY(2025, 12, 31)) == [
            (DAY(2023, 1, 9), DAY(2023, 12, 31)),
            (DAY(2024, 1, 1), DAY(2024, 12, 31)),
            (DAY(2025, 1, 1), DAY(2025, 12, 31)),
        ]
        assert years_back(DAY(2000, 1, 1), DAY(2025, 12, 31), most=1) == [(DAY(2025, 1, 1), DAY(2025, 12, 31))]
        assert years_back(DAY(2024, 5, 1), DAY(2024, 5, 1)) == [(DAY(2024, 5, 1), DAY(2024, 5, 1))]

    def test_take_28_february_where_there_is_no_29th(self):
        assert years_back(DAY(2023, 1, 1), DAY(2024, 2, 29)) == [
            (DAY(2023, 1, 1), DAY(2023, 2, 28)),
            (DAY(2023, 3, 1), DAY(2024, 2, 29)),
        ]

    @quick
    @given(st.dates(DAY(1990, 1, 1), DAY(2030, 12, 31)), st.integers(0, 4000))
    def test_follow_one_another_without_a_gap(self, as_of, days):
        first_day = as_of - dt.timedelta(days=days)
        spans = years_back(first_day, as_of, most=99)
        assert spans[0][0] == first_day
        assert spans[-1][1] == as_of
        for (_, last), (first, _) in pairwise(spans):
            assert first == last + dt.timedelta(days=1)
        for first, last in spans[1:]:
            assert 365 <= (last - first).days + 1 <= 366


@quick
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.dates(DAY(2021, 1, 1), DAY(2024, 12, 31)),
            st.integers(-50, 100).map(float),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_new_and_existing_add_up_to_the_ledger(rows):
    lines = pl.DataFrame(rows, LINES, orient="row")
    spans = years_back(DAY(2021, 1, 1), DAY(2024, 12, 31))
    counts = new_and_existing(lines, spans)
    assert (counts["revenue_new"] + counts["revenue_existing"]).sum() == lines["amount"].sum()
    bought = lines.filter("bought")
    assert counts["new"].sum() == bought["customer"].n_unique()
    for span, counted in zip(spans, (counts["new"] + counts["existing"]).to_list(), strict=True):
        assert counted == bought.filter(pl.col("date").is_between(*span))["customer"].n_unique()


def test_spans_that_overlap_are_refused(lines):
    with pytest.raises(ValueError, match="overlap"):
        new_and_existing(lines, [(DAY(2024, 1, 1), DAY(2024, 12, 31)), (DAY(2024, 12, 31), DAY(2025, 1, 31))])
