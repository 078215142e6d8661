"""Lens 4 on a base worked out by hand: cohorts side by side."""

import datetime as dt

from models import customer_base_audit as audit
from models.lens4_equal_age import cohorts_at_equal_age
from tests.models.audited_base import END, frame


def test_at_equal_age(audited_days):
    # in the first 30 days: s 100; t 50 + 150, on days 1 and 25; v 70 + 30 - 20; w 500 and x's 25 and 75 (two years
    # apart). The quarter of July 2024 ends on 30 September, 30 days before 30 October.
    at_30 = cohorts_at_equal_age(audited_days, dt.date(2024, 10, 29), "quarter", 30).set_index("cohort")
    assert at_30["customers"].tolist() == [1, 2, 1, 1]
    assert at_30["share_back"].tolist() == [0, 0.5, 1, 0]
    assert at_30["revenue_mean"].tolist() == [25, 150, 80, 500]
    assert at_30["purchases_median"].tolist() == [1, 1.5, 2, 1]
    assert at_30["below_mean"].tolist() == at_30["purchases_below_mean"].tolist() == [0, 0.5, 0, 0]
    assert at_30["profit_mean"].tolist() == at_30["profit_median"].tolist() == [12.5, 75, 40, 250]
    assert at_30["profit_below_mean"].tolist() == [0, 0.5, 0, 0]
    assert at_30["margin"].tolist() == [0.5] * 4
    day_before = cohorts_at_equal_age(audited_days, dt.date(2024, 10, 28), "quarter", 30)
    assert len(day_before) == 3


def test_the_last_day_of_an_age_counts_and_the_next_does_not():
    lines = frame([("a", "2024-01-01", 1.0), ("a", "2024-01-10", 2.0), ("a", "2024-01-11", 4.0)])
    table = cohorts_at_equal_age(audit.customer_days(lines, lines), END, "year", 10)
    assert table.empty
    table = cohorts_at_equal_age(audit.customer_days(lines, lines), dt.date(2025, 1, 9), "year", 10)
    assert table["revenue_mean"].tolist() == [3]
