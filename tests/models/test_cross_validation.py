"""Intervals of cross-validated measures, and the area under the curve."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.cross_validation import (
    above_zero,
    area_under_curve,
    area_with_interval,
    corrected_error,
    corrected_interval,
    jackknife_error,
    jackknife_interval,
)


def test_area_is_that_of_scikit_learn_with_ties_counted_half() -> None:
    random = np.random.default_rng(1)
    good = random.random(200) < 0.3
    score = np.round(random.random(200) + 0.3 * good, 1)
    assert area_under_curve(good, score) == pytest.approx(roc_auc_score(good, score))
    assert area_with_interval(good, score, 0.8).value == pytest.approx(roc_auc_score(good, score))


def test_the_area_of_three_against_two_is_counted_by_hand() -> None:
    # pairs: 3 beats 1 and 2; 2 beats 1 and ties 2; 1 ties 1 and loses to 2: (2 + 1.5 + 0.5) / 6
    good = np.array([True, True, True, False, False])
    assert area_under_curve(good, np.array([3.0, 2, 1, 1, 2])) == pytest.approx(4 / 6)
    # DeLong: of the good 1, 0.75, 0.25 (variance 7/48), of the others 2.5/3, 1.5/3 (variance 1/18)
    found = area_with_interval(good, np.array([3.0, 2, 1, 1, 2]), 0.6826894921370859)
    assert found.value - found.low == pytest.approx(np.sqrt(7 / 48 / 3 + 1 / 18 / 2))


def test_corrected_error_by_hand() -> None:
    # variance 1 of (0, 1, 2): (1/3 + 1/2) x 1
    assert corrected_error(np.array([0.0, 1, 2]), 3) == pytest.approx(np.sqrt(5 / 6))
    # sharing out anew brings no new customers: the same folds twice are no surer
    assert corrected_error(np.array([0.0, 1, 2, 0, 1, 2]), 3) == pytest.approx(np.sqrt(5 / 6))
    # Student's t with 2 degrees of freedom: 1.8856 for 80%
    low, high = corrected_interval(np.array([0.0, 1, 2]), 3, 0.8)[1:]
    assert (low, high) == (pytest.approx(1 - 1.8856 * np.sqrt(5 / 6), abs=1e-4), pytest.approx(2.7213, abs=1e-3))


def test_jackknife_error_by_hand() -> None:
    # (3 - 1) / 3 x (1 + 0 + 1)
    assert jackknife_error(np.array([1.0, 2, 3]), 3) == pytest.approx(np.sqrt(4 / 3))
    assert jackknife_interval(np.array([1.0, 2, 3]), 3, 0.8).value == 2
    two = np.array([[1.0, 1], [2, 1], [3, 1]])
    assert jackknife_error(two, 3).tolist() == [pytest.approx(np.sqrt(4 / 3)), 0]


def test_the_jackknife_of_means_is_their_standard_error() -> None:
    values = np.random.default_rng(2).normal(size=60)
    parts = np.arange(60) % 60
    means = np.array([values[parts != part].mean() for part in range(60)])
    assert jackknife_error(means, 60) == pytest.approx(values.std(ddof=1) / np.sqrt(60))


def test_above_zero_is_one_sided() -> None:
    assert above_zero(np.array([1.0, 1, 1]), 3) == 0
    assert above_zero(np.array([0.0, 0, 0]), 3) == 1
    assert above_zero(np.array([-1.0, 0, 1]), 3) == pytest.approx(0.5)
    assert above_zero(np.array([1.0, 2, 3]), 3) < 0.5 < above_zero(np.array([-1.0, -2, -3]), 3)
