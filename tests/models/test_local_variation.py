"""The evenness of customers' rhythms, on days whose gaps are known."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.local_variation import local_variation
from models.measured_traits import Measured


def measured(*gaps: list[int]) -> Measured:
    """Return the local variation of customers with the gaps given, in days."""
    days = [
        {"place": place, "day": dt.date(2020, 1, 1) + dt.timedelta(days=int(day))}
        for place, of_customer in enumerate(gaps)
        for day in np.cumsum([0, *of_customer])
    ]
    return local_variation(pl.DataFrame(days), pd.RangeIndex(len(gaps)))


def test_unlike_neighbouring_gaps_count_and_a_slow_change_hardly():
    found = measured([10, 10, 10], [2, 5], [2, 5, 2], [10, 11, 12, 13])
    # 3 ((4.5 - 1.5) / (4.5 + 1.5))^2, half a day being taken off each gap
    slow = 3 * np.mean([1 / 20**2, 1 / 22**2, 1 / 24**2])
    assert found.values["rhythm"].tolist() == pytest.approx([0, 0.75, 0.75, slow])
    assert found.number.tolist() == [2, 1, 2, 3]


def test_one_gap_is_no_rhythm_and_no_gap_joins_two_customers():
    found = measured([3], [], [4, 4])
    np.testing.assert_array_equal(found.values["rhythm"], [np.nan, np.nan, 0])
    assert found.number.tolist() == [0, 0, 1]


def test_where_chance_sets_the_gaps_it_is_one_and_as_spread_as_said():
    gaps = np.random.default_rng(3).exponential(300, (4000, 2)).round().astype(int).clip(min=1)
    found = measured(*gaps.tolist())
    # four standard errors of 4,000 customers
    assert found.values["rhythm"].mean() == pytest.approx(1, abs=4 * np.sqrt(0.8 / 4000))
    assert found.values["rhythm"].var() == pytest.approx(found.chance, rel=0.05)
