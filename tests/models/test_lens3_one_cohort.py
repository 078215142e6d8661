"""Lens 3 on a base worked out by hand: one cohort, from age to age."""

import datetime as dt

import pytest

from models.cohorts import cohort_activity
from models.lens3_one_cohort import follow_cohort
from tests.models.audited_base import END


def test_one_cohort_alone(audited_days):
    # s and t: 100 and 200 in the first year, 400 and 200 in the second
    activity = cohort_activity(audited_days, END, "year")
    alone = follow_cohort(audited_days, activity, dt.date(2023, 1, 1), "year")
    assert alone["share_active"].tolist() == [1, 0.5]
    assert alone["purchases_each"].tolist() == [1.5, 1]
    assert alone["revenue_each"].tolist() == [150, 300]
    assert alone["revenue_median"].tolist() == [150, 300]
    assert alone["revenue_below_mean"].tolist() == [0.5, 0]
    assert alone["total_mean"].tolist() == [150, 300]
    assert alone["total_median"].tolist() == [150, 300]
    assert alone["total_below_mean"].tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="No cohort of 2021-01-01 has been watched for a whole year"):
        follow_cohort(audited_days, activity, dt.date(2021, 1, 1), "year")
