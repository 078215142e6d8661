"""Numbers as a reader meets them: rounded to what is known, never in powers of ten, never a bare nan."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from customerbase.wording import (
    between,
    between_roughly,
    count,
    day,
    if_known,
    key,
    listed,
    money,
    number,
    percent,
    plural,
    profit_or_loss,
    roughly,
    small_percent,
    tenths,
)

MISSING = [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT, float("inf"), float("-inf")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (1, "1"),
        (999.96, "1,000"),
        (1_234_567, "1,234,567"),
        (-1234.4, "-1,234"),
        (-0.4, "0"),
        (np.int64(70_000), "70,000"),
        (np.float32(2.0), "2"),
    ],
)
def test_a_count_is_whole_with_thousands_separated(value, shown):
    assert count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1.00"),
        (3.14159, "3.14"),
        (-3.14159, "-3.14"),
        (31.4159, "31.4"),
        (314.159, "314"),
        (0.000123456, "0.000123"),
        (123456.7, "123,457"),
        (1e15, "1,000,000,000,000,000"),
        # rounding up gains a digit before the point, so one behind it goes
        (999.96, "1,000"),
        (99.96, "100"),
        (9.996, "10.0"),
        (0.9996, "1.00"),
        (0.09996, "0.100"),
        (-9.996, "-10.0"),
    ],
)
def test_a_number_has_three_significant_digits(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(("digits", "shown"), [(1, "1"), (2, "1.2"), (5, "1.2346")])
def test_a_number_has_as_many_digits_as_asked(digits, shown):
    assert number(1.23456, digits) == shown


@pytest.mark.parametrize(
    ("share", "decimals", "shown"),
    [
        (0, 0, "0%"),
        (0.5, 0, "50%"),
        (0.996, 0, "100%"),
        (0.996, 1, "99.6%"),
        (-0.123, 1, "-12.3%"),
        (-0.001, 0, "0%"),
        (12.5, 0, "1,250%"),
    ],
)
def test_a_share_is_shown_as_a_percentage(share, decimals, shown):
    assert percent(share, decimals) == shown


@pytest.mark.parametrize(("share", "shown"), [(0.0, "0%"), (0.0049, "under 1%"), (0.0051, "1%"), (0.42, "42%")])
def test_what_rounds_to_nothing_though_it_is_something_is_under_one_per_cent(share, shown):
    assert small_percent(share) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(1_234_567.0, "1,200,000"), (-64_741.0, "-65,000"), (0.0, "0"), (float("nan"), "not known")]
)
def test_an_amount_is_roughly_told_in_two_digits(amount, shown):
    assert roughly(amount) == shown


def test_ends_of_an_interval_are_roughly_told():
    assert between_roughly(99_125.0, 6_432_256.0) == "99,000 to 6,400,000"
    assert between_roughly(float("nan"), 5.0) == "not known"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "USD 0.00"),
        (3.5, "USD 3.50"),
        (99.99, "USD 99.99"),
        (99.996, "USD 100"),
        (100, "USD 100"),
        (2_500_315.63, "USD 2,500,316"),
        (-5.5, "USD -5.50"),
        (-1234.5, "USD -1,234"),
        (-0.001, "USD 0.00"),
    ],
)
def test_money_has_cents_below_a_hundred_only(value, shown):
    assert money(value, "USD") == shown


@pytest.mark.parametrize("value", MISSING)
def test_what_is_missing_or_infinite_is_said_to_be_not_known(value):
    assert count(value) == "not known"
    assert number(value) == "not known"
    assert percent(value) == "not known"
    assert money(value, "USD") == "not known"
    assert between(value, 3) == "not known"
    assert between(3, value) == "not known"


@pytest.mark.parametrize(
    ("how_many", "shown"),
    [
        (0, "0 customers"),
        (1, "1 customer"),
        (1.0, "1 customer"),
        (0.7, "1 customer"),
        (2, "2 customers"),
        (1001, "1,001 customers"),
    ],
)
def test_a_noun_agrees_with_the_count_that_is_shown(how_many, shown):
    assert plural(how_many, "customer") == shown


def test_an_irregular_plural_is_given():
    assert [plural(n, "category", "categories") for n in (1, 2)] == ["1 category", "2 categories"]


def test_a_day_is_written_without_a_leading_zero():
    assert day(dt.date(1998, 6, 3)) == "3 June 1998"


def test_an_interval_names_both_ends_in_the_wording_asked_for():
    assert between(1234.4, 5678.6) == "1,234 to 5,679"
    assert between(0.1234, 0.5, "{:.0%}") == "12% to 50%"


@pytest.mark.parametrize(
    ("parts", "most", "shown"),
    [
        ([], None, ""),
        (["a"], None, "a"),
        (["a", "b"], 2, "a and b"),
        (["a", "b", "c"], None, "a, b and c"),
        (["a", "b", "c"], 2, "a, b and 1 other"),
        (["a", "b", "c", "d"], 2, "a, b and 2 others"),
    ],
)
def test_parts_are_listed(parts, most, shown):
    assert listed(parts, most) == shown


@pytest.mark.parametrize(
    ("profit", "shown"),
    [
        (5, "USD 5.00 of profit"),
        (0, "USD 0.00 of profit"),
        (-975_199.4, "a loss of USD 975,199"),
        (-0.001, "USD 0.00 of profit"),
    ],
)
def test_less_than_nothing_is_a_loss(profit, shown):
    assert profit_or_loss(profit, "USD") == shown


def test_a_key_is_one_short_line():
    assert key("a\nb") == "a?b"
    assert key("N" * 300) == "N" * 39 + "…"


def test_a_share_is_told_to_a_tenth():
    assert (tenths(0.1234), tenths(None), tenths(float("nan"))) == ("12.3%", "not known", "not known")


@pytest.mark.parametrize(
    ("value", "otherwise", "shown"),
    [(1234.4, "", "1,234"), (float("nan"), "", ""), (None, "–", "–"), (float("inf"), "–", "not known")],
)
def test_a_missing_value_is_worded_otherwise_and_an_infinite_one_is_not(value, otherwise, shown):
    assert if_known(count, otherwise)(value) == shown
