"""The retention rate over any spans, by hand and by counting from the definition."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.retention_between import retention_between, whole_periods

quick = settings(deadline=None, derandomize=True, database=None, max_examples=25)
DAY = dt.date
PURCHASES = {"customer": pl.String, "date": pl.Date}


def test_by_hand():
    """With 10 days and the span 11 to 20 January: S is who bought on 1 to 10 January, E who did on 11 to 20.

    a stays, b doesn't, c is new, d comes back after a longer silence: S = 2, E = 3, N = 1, one is kept, CRR = 100.
    """
    rows = [("a", 1), ("a", 11), ("a", 11), ("b", 10), ("c", 20), ("d", 20), ("c", 21)]
    purchases = pl.DataFrame([(who, DAY(2024, 1, day)) for who, day in rows], PURCHASES, orient="row")
    purchases = pl.concat([purchases, pl.DataFrame({"customer": ["d"], "date": [DAY(2023, 12, 31)]})])
    frame = retention_between(purchases, [(DAY(2024, 1, 11), DAY(2024, 1, 20))], active_days=10)
    assert frame.to_numpy().tolist() == [[2, 1, 3, 1, 100.0]]


@quick
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.dates(DAY(2022, 1, 20), DAY(2023, 12, 31))), min_size=1),
    st.lists(st.tuples(st.dates(DAY(2021, 12, 1), DAY(2024, 3, 1)), st.integers(0, 500)), max_size=90),
    st.integers(1, 400),
)
def test_counts_are_those_of_the_definition(rows, spans, active_days):
    """Each set of customers built in plain Python, for spans of any length, in any order, with one another's days."""
    purchases = pl.DataFrame(rows, PURCHASES, orient="row")
    spans = [(first, first + dt.timedelta(days=days)) for first, days in spans]

    def active(day):
        return {who for who, when in rows if day - dt.timedelta(days=active_days) < when <= day}

    found = retention_between(purchases, spans, active_days=active_days)
    for (first, last), counted in zip(spans, found.itertuples(index=False), strict=True):
        start, end = active(first - dt.timedelta(days=1)), active(last)
        new = {who for who in end if min(when for name, when in rows if name == who) >= first}
        assert tuple(counted)[:4] == (len(start), len(new), len(end), len(start & end))
        assert counted.crr == pytest.approx(100 * len(end - new) / len(start) if start else float("nan"), nan_ok=True)


def test_whole_periods_lie_between_two_days():
    months = whole_periods(DAY(2022, 1, 2), DAY(2022, 4, 29), "month")
    assert months["period"].to_list() == ["2022-02", "2022-03"]
    assert [str(day.date()) for day in months.iloc[0][["start", "end"]]] == ["2022-02-01", "2022-02-28"]
    assert whole_periods(DAY(2022, 1, 1), DAY(2022, 12, 31), "year")["period"].to_list() == ["2022"]
    assert whole_periods(DAY(2022, 1, 1), DAY(2022, 6, 30), "quarter")["period"].to_list() == ["2022 Q1", "2022 Q2"]


def test_without_purchases_or_without_spans_there_is_nothing_to_count():
    none = pl.DataFrame(schema=PURCHASES)
    frame = retention_between(none, [(DAY(2024, 1, 1), DAY(2024, 1, 31))])
    assert frame[["customers_start", "customers_new", "customers_end"]].to_numpy().tolist() == [[0, 0, 0]]
    assert frame["crr"].isna().all()
    assert retention_between(pl.DataFrame({"customer": ["a"], "date": [DAY(2024, 1, 1)]}), []).empty


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"active_days": 0}, "at least 1"), ({"spans": [(DAY(2024, 1, 2), DAY(2024, 1, 1))]}, "before it")],
)
def test_what_can_t_be_meant_is_refused(wrong, told):
    terms = {"spans": [(DAY(2024, 1, 1), DAY(2024, 1, 2))]} | wrong
    with pytest.raises(ValueError, match=told):
        retention_between(pl.DataFrame(schema=PURCHASES), **terms)
