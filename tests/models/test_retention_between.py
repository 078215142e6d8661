"""The retention rate over any spans agrees with that of whole periods, and with counting by hand."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.retention_between import retention_between, whole_periods
from models.retention_rate import retention_rate

quick = settings(deadline=None, derandomize=True, database=None, max_examples=25)
DAY = dt.date
PURCHASES = {"customer": pl.String, "date": pl.Date}


def test_by_hand():
    """With 10 days and the span 11 to 20 January: S is who bought on 1 to 10 January, E who did on 11 to 20.

    a stays, b doesn't, c is new, d comes back after a longer silence: S = 2, E = 3, N = 1, CRR = 100.
    """
    rows = [("a", 1), ("a", 11), ("a", 11), ("b", 10), ("c", 20), ("d", 20), ("c", 21)]
    purchases = pl.DataFrame([(who, DAY(2024, 1, day)) for who, day in rows], PURCHASES, orient="row")
    purchases = pl.concat([purchases, pl.DataFrame({"customer": ["d"], "date": [DAY(2023, 12, 31)]})])
    frame = retention_between(purchases, [(DAY(2024, 1, 11), DAY(2024, 1, 20))], active_days=10)
    assert frame.to_numpy().tolist() == [[2, 1, 3, 100.0]]


@quick
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.dates(DAY(2022, 1, 20), DAY(2023, 12, 31))), min_size=1),
    st.integers(1, 400),
    st.sampled_from(["month", "quarter", "year"]),
)
def test_agrees_with_the_rate_of_whole_periods(rows, active_days, period):
    purchases = pl.DataFrame(rows, PURCHASES, orient="row")
    as_of = DAY(2023, 12, 31)
    expected = retention_rate(purchases, as_of, active_days=active_days, period=period)
    periods = whole_periods(min(day for _, day in rows), as_of, period)
    columns = ["period", "start", "end"]
    assert periods[columns].to_numpy().tolist() == expected[columns].to_numpy().tolist()
    spans = list(zip(periods["start"].dt.date, periods["end"].dt.date, strict=True))
    found = retention_between(purchases, spans, active_days=active_days)
    for name in ("customers_start", "customers_new", "customers_end"):
        assert found[name].to_list() == expected[name].to_list()
    np.testing.assert_allclose(found["crr"], expected["crr"])


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
