"""New customers against existing ones, and what winning one costs against keeping one, by hand."""

import datetime as dt
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.acquisition_cost import ACQUISITION, RETENTION, acquisition_cost, new_and_existing, years_back
from models.periods import latest_period

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


def test_means_stand_beside_medians_and_the_share_below_the_mean(counts):
    """In 2023 a brought 100 and b 50: mean and median 75, one of two below. In 2024 c brought 60 and a 200."""
    spread = [f"{name}_{kind}" for kind in ("new", "existing") for name in ("mean", "median", "below_mean")]
    assert counts.select(spread).rows() == [(75, 75, 0.5, None, None, None), (60, 60, 0, 200, 200, 0)]


def test_who_is_won_after_a_span_is_not_new_in_it():
    rows = [("a", DAY(2023, 5, 1), -20.0, False), ("a", DAY(2024, 5, 1), 30.0, True)]
    counts = new_and_existing(pl.DataFrame(rows, LINES, orient="row"), [(DAY(2023, 1, 1), DAY(2023, 12, 31))])
    assert counts.select("new", "existing", "revenue_new", "revenue_existing").rows() == [(0, 0, 0.0, -20.0)]


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
            (DAY(2024, 3, 1), "existing office rent", 4.0),
            (DAY(2024, 3, 1), None, 3.0),
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
    def test_are_of_365_days_back_from_the_last_one(self):
        """2024 has 366 days, so that the year before the last ends on 31 December 2024 and begins on 2 January."""
        assert years_back(DAY(2023, 6, 1), DAY(2025, 12, 31)) == [
            (DAY(2023, 6, 1), DAY(2024, 1, 1)),
            (DAY(2024, 1, 2), DAY(2024, 12, 31)),
            (DAY(2025, 1, 1), DAY(2025, 12, 31)),
        ]
        assert years_back(DAY(2000, 1, 1), DAY(2025, 12, 31), most=1) == [(DAY(2025, 1, 1), DAY(2025, 12, 31))]
        assert years_back(DAY(2024, 5, 1), DAY(2024, 5, 1)) == [(DAY(2024, 5, 1), DAY(2024, 5, 1))]

    def test_a_leap_year_s_last_year_is_that_of_the_rest_of_the_page(self):
        assert years_back(DAY(2020, 1, 1), DAY(2024, 6, 30))[-1] == (DAY(2023, 7, 2), DAY(2024, 6, 30))
        assert years_back(DAY(2020, 1, 1), DAY(2024, 6, 30))[-1] == latest_period(DAY(2020, 1, 1), DAY(2024, 6, 30))

    def test_a_week_too_few_or_too_many_makes_no_year_of_its_own(self):
        assert years_back(DAY(2024, 12, 29), DAY(2025, 12, 31)) == [(DAY(2024, 12, 29), DAY(2025, 12, 31))]
        assert years_back(DAY(2025, 1, 5), DAY(2025, 12, 31)) == [(DAY(2025, 1, 1), DAY(2025, 12, 31))]

    @quick
    @given(st.dates(DAY(1990, 1, 1), DAY(2030, 12, 31)), st.integers(0, 4000))
    def test_follow_one_another_without_a_gap(self, as_of, days):
        first_day = as_of - dt.timedelta(days=days)
        spans = years_back(first_day, as_of, most=99)
        assert 0 <= (first_day - spans[0][0]).days <= 7
        assert spans[-1][1] == as_of
        for (_, last), (first, _) in pairwise(spans):
            assert first == last + dt.timedelta(days=1)
        assert {(last - first).days + 1 for first, last in spans[1:]} <= {365}
        assert (spans[0][1] - spans[0][0]).days + 1 <= 372


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


def test_the_order_of_lines_changes_no_digit():
    amounts = [0.1, 0.2, 0.3, 1e9 + 0.1, -1e9, 7.7, 1 / 3]
    rows = [(f"c{n % 5}", DAY(2024, 1 + n % 12, 1), amounts[n % 7], True) for n in range(600)]
    forth, back = (
        new_and_existing(pl.DataFrame(r, LINES, orient="row"), [(DAY(2024, 2, 1), DAY(2024, 12, 31))])
        for r in (rows, rows[::-1])
    )
    assert forth.rows() == back.rows()


def test_spans_that_overlap_are_refused(lines):
    with pytest.raises(ValueError, match="overlap"):
        new_and_existing(lines, [(DAY(2024, 1, 1), DAY(2024, 12, 31)), (DAY(2024, 12, 31), DAY(2025, 1, 31))])
