"""Weights that reach given means: exactly, nearest to equal ones, or not at all."""

import numpy as np
import pytest
from scipy.optimize import minimize

from models.entropy_balancing import NotComparableError, entropy_balancing

RANDOM = np.random.default_rng(1)
COMPARISON = RANDOM.normal(size=(400, 3))
TARGET = np.array([0.6, -0.3, 0.2])


def test_the_means_are_reached_by_weights_above_zero_that_sum_to_one() -> None:
    weights = entropy_balancing(COMPARISON, TARGET)
    assert weights @ COMPARISON == pytest.approx(TARGET, abs=2e-6)
    assert weights.sum() == pytest.approx(1)
    assert weights.min() > 0


def test_no_other_weights_with_these_means_lie_nearer_to_equal_ones() -> None:
    few = COMPARISON[:12, :2]
    target = few.mean(axis=0) + np.array([0.2, -0.1])
    reached = {"type": "eq", "fun": lambda w: np.append(w @ few - target, w.sum() - 1)}
    found = minimize(
        lambda w: (w * np.log(np.maximum(w, 1e-300))).sum(),
        np.full(12, 1 / 12),
        bounds=[(1e-9, 1)] * 12,
        constraints=reached,
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert entropy_balancing(few, target) == pytest.approx(found.x, abs=2e-4)


def test_a_group_that_is_alike_already_is_weighted_equally() -> None:
    assert entropy_balancing(COMPARISON, COMPARISON.mean(axis=0)) == pytest.approx(1 / 400)


def test_means_given_twice_are_no_trouble() -> None:
    twice = np.column_stack([COMPARISON, COMPARISON[:, 0]])
    weights = entropy_balancing(twice, np.append(TARGET, TARGET[0]))
    assert weights == pytest.approx(entropy_balancing(COMPARISON, TARGET), abs=1e-7)


@pytest.mark.parametrize("target", [[9.0, 0.0, 0.0], [0.0, 0.0, -40.0]])
def test_a_target_beyond_the_comparison_group_is_refused(target: list[float]) -> None:
    with pytest.raises(NotComparableError):
        entropy_balancing(COMPARISON, np.array(target))
