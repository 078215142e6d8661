"""The latest period and the one before it, on ledgers of every length."""

import datetime as dt

import pytest

from models.periods import latest_period, two_periods
from tests.models.audited_base import END


def test_the_latest_is_a_year():
    assert latest_period(dt.date(2020, 1, 1), END) == (dt.date(2024, 1, 2), END)


def test_or_the_whole_of_a_shorter_ledger():
    assert latest_period(dt.date(2024, 5, 1), END) == (dt.date(2024, 5, 1), END)


@pytest.mark.parametrize(("first", "length"), [("2023-01-09", 365), ("2023-01-10", 361)])
def test_a_week_may_be_missing_from_two_years(first, length):
    # two years before 31 December 2024 begin on 2 January 2023: a week later is 9 January;
    # from 10 January there are 722 days, halved 361
    before, now = two_periods(dt.date.fromisoformat(first), END)
    assert (before.days, now.days) == (length, length)
    assert before.last + dt.timedelta(days=1) == now.first
    assert now.last == END


def test_the_halves_of_an_odd_number_of_days_hold_the_first_purchase():
    # 31 days: the earlier half begins a day before the first purchase, so that both have 16
    before, now = two_periods(dt.date(2024, 12, 1), END)
    assert before == (dt.date(2024, 11, 30), dt.date(2024, 12, 15))
    assert now == (dt.date(2024, 12, 16), END)


def test_the_halves_of_an_even_number_of_days_are_the_ledger():
    before, now = two_periods(dt.date(2024, 12, 2), END)
    assert before == (dt.date(2024, 12, 2), dt.date(2024, 12, 16))
    assert now == (dt.date(2024, 12, 17), END)


def test_one_day_has_no_halves():
    with pytest.raises(ValueError, match="Two periods need two days; 1 were observed"):
        two_periods(END, END)
