"""Weights that make one group like another in everything known of them: entropy balancing.

Of all weights under which the comparison group has the other group's means, those that lie nearest to equal ones.
They are the solution of a convex problem in as many unknowns as there are means, and belong to a logistic model of
who is in which group, so that a comparison by them is right where either that model or a linear one of the outcome
is (doubly robust).

References
----------
Hainmueller, J. (2012). Entropy Balancing for Causal Effects: A Multivariate Reweighting Method to Produce Balanced
Samples in Observational Studies. *Political Analysis* 20(1), 25-46.
Zhao, Q. & D. Percival (2017). Entropy Balancing Is Doubly Robust. *Journal of Causal Inference* 5(1).
"""

import numpy as np

Array = np.ndarray

ITERATIONS = 200
TOLERANCE = 1e-6  # of a mean, in standard deviations
SMALLEST_STEP = 1e-10
ARMIJO = 1e-4


class NotComparableError(ValueError):
    """No weights make the groups alike."""


def entropy_balancing(comparison: Array, target: Array) -> Array:
    """Weigh a comparison group so that its means are those of a target.

    Parameters
    ----------
    comparison : ndarray of shape (n, p)
        Of scales that are not too unlike, such as standardised ones.
    target : ndarray of shape (p,)
        Means to be reached.

    Returns
    -------
    ndarray of shape (n,)
        Weights above zero that sum to one.

    Raises
    ------
    NotComparableError
        When no weights reach the means: the target lies outside of what the comparison group covers.
    """
    away = comparison - target
    tilt = np.zeros(comparison.shape[1])
    value, weights = _dual(away, tilt)
    for _ in range(ITERATIONS):
        gradient = weights @ away
        if np.abs(gradient).max(initial=0.0) < TOLERANCE:
            return weights
        hessian = (away * weights[:, None]).T @ away - np.outer(gradient, gradient)
        step = -np.linalg.lstsq(hessian, gradient, rcond=1e-12)[0]
        length, slope = 1.0, gradient @ step
        while True:
            next_value, next_weights = _dual(away, tilt + length * step)
            if next_value <= value + ARMIJO * length * slope:
                break
            length /= 2
            if length < SMALLEST_STEP:
                raise NotComparableError("No weights reach the means.")
        tilt, value, weights = tilt + length * step, next_value, next_weights
    raise NotComparableError("No weights reach the means.")


def _dual(away: Array, tilt: Array) -> tuple[float, Array]:
    scores = away @ tilt
    highest = scores.max()
    tilted = np.exp(scores - highest)
    whole = tilted.sum()
    return float(highest + np.log(whole)), tilted / whole
