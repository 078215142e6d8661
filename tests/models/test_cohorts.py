"""Cohorts of a base worked out by hand, followed over time."""

import datetime as dt

import pytest

from models.cohorts import cohort_activity, cohort_unit, outside_cohorts
from tests.models.audited_base import END


@pytest.mark.parametrize(
    ("first", "unit"), [("2023-07-01", "month"), ("2023-06-30", "quarter"), ("2018-12-31", "year")]
)
def test_cohorts_are_as_long_as_fits_the_ledger(first, unit):
    assert cohort_unit(dt.date.fromisoformat(first), END) == unit


def test_followed_by_quarter(audited_days):
    activity = cohort_activity(audited_days, dt.date(2024, 12, 30), "quarter")
    first = activity[activity["cohort"] == "2023-01-01"]
    assert first["age"].tolist() == list(range(8))
    assert first["size"].tolist() == [2] * 8
    assert first["customers"].tolist() == [2, 0, 0, 0, 1, 0, 0, 0]
    assert first["purchases"].tolist() == [3, 0, 0, 0, 1, 0, 0, 0]
    assert first["revenue"].tolist() == [300, 0, 0, 0, 300, 0, 0, 0]
    assert first["complete"].tolist() == [True] * 7 + [False]
    assert sorted(activity["cohort"].dt.strftime("%Y-%m").unique()) == ["2022-10", "2023-01", "2024-04", "2024-07"]


def test_what_was_given_back_before_a_first_purchase_belongs_to_none(audited_days):
    outside = outside_cohorts(audited_days, "month")
    assert outside["period"].dt.strftime("%Y-%m").tolist() == ["2023-05", "2023-06"]
    assert outside["revenue"].tolist() == [0, 0]
