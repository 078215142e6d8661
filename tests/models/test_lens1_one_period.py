"""Lens 1 on a base worked out by hand: how customers of one period differ."""

import datetime as dt

import pytest

from models import customer_base_audit as audit
from models.lens1_one_period import decile_spread, deciles, typical_factors
from models.periods import Period
from models.profit_factors import split


def test_beside_the_factors_stands_the_customer_in_the_middle(audited_years):
    # purchases 1, 1, 1, 2 against 1.25 each; values 40, 75, 300, 500 against 191 over the purchases
    typical = typical_factors(audited_years[1], split(audited_years[1]))
    assert typical["median"].to_dict() == {"purchases_each": 1, "value": 187.5}
    assert typical["below_mean"].to_dict() == {"purchases_each": 0.75, "value": 0.5}


def test_groups_are_described_each_by_itself(audited_years):
    # the first half is w and s, with a purchase of 500 and 300; the second v with two of 40, and x with one of 75
    halves = decile_spread(audited_years[1], groups=2).set_index("decile")
    assert halves["purchases_mean"].tolist() == [1, 1.5]
    assert halves["purchases_below_mean"].tolist() == [0, 0.5]
    assert halves["value_mean"].tolist() == halves["value_median"].tolist() == [400, 57.5]
    assert halves["value_below_mean"].tolist() == [0.5, 0.5]


def test_groups_by_revenue(audited_years):
    # halves: w 500 and s 300 bring 800 of 955, v 80 and x 75 the other 155
    halves = deciles(audited_years[1], groups=2)
    assert halves["decile"].tolist() == [1, 2]
    assert halves["revenue"].tolist() == [800, 155]
    assert halves["share_of_profit"].tolist() == pytest.approx([800 / 955, 155 / 955])
    assert halves["purchases_each"].tolist() == [1, 1.5]
    assert halves["value"].tolist() == pytest.approx([400, 155 / 3])


def test_who_only_returned_stands_last_and_apart(audited_days):
    # from 6 May 2023 to 31 March 2024 s bought for 300, u gave 80 back, and w's 10 came and went
    late = audit.customers_of_period(audited_days, Period(dt.date(2023, 5, 6), dt.date(2024, 3, 31)))
    groups = deciles(late, groups=1)
    assert groups["decile"].tolist() == [1, 0]
    assert groups["customers"].tolist() == [1, 2]
    assert groups["revenue"].tolist() == [300, -80]


def test_too_few_customers_make_no_groups(audited_years):
    with pytest.raises(ValueError, match="10 groups need as many customers who bought; there are 4"):
        deciles(audited_years[1])
