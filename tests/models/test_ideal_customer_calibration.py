"""Scores beside what turned out, of customers counted by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from models.ideal_customer_calibration import by_score, calibration


def scored(scores: Any, good: Any) -> Any:
    """Return the two columns of an `IdealCustomer` that are looked at."""
    return SimpleNamespace(scores=pd.Series(scores, dtype=float), good=pd.Series(good, dtype=bool))


def two_scores(low: int, high: int) -> Any:
    """Return a hundred customers with a score of 0.2 and a hundred of 0.8, of whom so many became good."""
    good = [place < of_them for of_them in (low, high) for place in range(100)]
    return scored([0.2] * 100 + [0.8] * 100, good)


def test_parts_of_equal_size_from_the_lowest_scores_up():
    table = by_score(scored([1.0, 0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [1, 1, 0, 0, 0, 1, 0, 0, 1, 1]))
    assert table["part"].tolist() == [1, 2, 3, 4, 5]
    assert table["customers"].tolist() == [2] * 5
    assert table["expected"].tolist() == pytest.approx([0.15, 0.35, 0.55, 0.75, 0.95])
    assert table["turned_out"].tolist() == [0, 0.5, 0, 1, 1]


def test_the_interval_is_wilsons():
    table = by_score(scored(np.linspace(0.1, 1, 10), [0, 0, 0, 1, 0, 0, 1, 1, 1, 1]), coverage=0.9)
    z = norm.ppf(0.95)
    half = z * np.sqrt(0.5 * 0.5 / 2 + z**2 / 16) / (1 + z**2 / 2)
    assert table[["low", "high"]].to_numpy()[1].tolist() == pytest.approx([0.5 - half, 0.5 + half])
    assert table[["low", "high"]].to_numpy()[0].tolist() == pytest.approx([0, z**2 / (2 + z**2)])


@pytest.mark.parametrize(("customers", "parts"), [(999, 5), (1000, 10)])
def test_of_many_customers_tenths_are_looked_at_equal_scores_or_not(customers, parts):
    table = by_score(scored([0.5] * customers, [True, *[False] * (customers - 1)]))
    assert len(table) == parts
    assert np.ptp(table["customers"]) <= 1
    assert table["customers"].sum() == customers


@pytest.mark.parametrize(("low", "high"), [(20, 80), (40, 60), (10, 90), (60, 40)])
def test_the_slope_of_two_scores_is_that_of_their_odds(low, high):
    odds = np.log(high / (100 - high)) - np.log(low / (100 - low))
    error = np.sqrt(1 / high + 1 / (100 - high) + 1 / low + 1 / (100 - low))
    found = calibration(two_scores(low, high), coverage=0.95)
    assert found.value == pytest.approx(odds / np.log(16), rel=1e-6)
    assert found.high - found.value == pytest.approx(norm.ppf(0.975) * error / np.log(16), rel=1e-4)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_scores_of_none_and_of_all_are_no_infinite_odds():
    found = calibration(scored([0.0] * 10 + [1.0] * 10, [*[False] * 9, True, *[True] * 9, False]))
    assert 0 < found.low < found.value < found.high < 1
