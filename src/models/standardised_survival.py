"""Survival curves of a Cox regression, averaged over the rows that were fitted (direct standardisation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Array = np.ndarray

ALIKE = 0.05  # in log hazard: rows this close share one curve, which moves the mean curve by less than 0.0001

__all__ = ["StandardisedSurvival", "Stratum", "stratum_of"]


class Stratum(NamedTuple):
    """The rows that share a baseline hazard.

    Attributes
    ----------
    hazard : ndarray of shape (n,)
        Cumulative baseline hazard, on each of the curves' days.
    risks : ndarray of shape (k,)
        Hazards relative to the baseline, of rows grouped by them.
    weights : ndarray of shape (k,)
        How many rows have each.
    """

    hazard: Array
    risks: Array
    weights: Array


@dataclass(frozen=True)
class StandardisedSurvival:
    r"""The share of rows that still wait, were each to follow its own fitted curve.

    Attributes
    ----------
    days : ndarray of shape (n,)
        Rising, from 0 to the longest time observed; the curves are read on these.
    strata : tuple of Stratum

    Notes
    -----
    With row i in stratum s(i), cumulative baseline hazard :math:`H_s` and relative hazard :math:`r_i = \exp(x_i b)`,

    .. math::
        S(t; d) = \frac{1}{n} \sum_i \exp(-H_{s(i)}(t) \, r_i \, e^d).

    The rows' mean curve is no curve of proportional hazards: who hasn't come late in the wait is more and more often
    somebody who always comes late. Raising it to the power of a hazard ratio moves it too far, the more the rows
    differ (Gail, Wieand & Piantadosi 1984), so the ratio is applied to each row's curve before averaging.

    References
    ----------
    Makuch, R. W. (1982). Adjusted survival curve estimation using covariates. *Journal of Chronic Diseases* 35(6),
    437-443.
    Gail, M. H., S. Wieand & S. Piantadosi (1984). Biased estimates of treatment effect in randomized experiments with
    nonlinear regressions and omitted covariates. *Biometrika* 71(3), 431-444.
    """

    days: Array
    strata: tuple[Stratum, ...]

    def at(self, log_ratio: float = 0.0) -> Array:
        """Return the mean curve were every row's hazard multiplied.

        Parameters
        ----------
        log_ratio : float, default 0.0
            The log of what each hazard is multiplied by, on every day of the wait.

        Returns
        -------
        ndarray of shape (n,)
            A share in [0, 1] for each of `days`.
        """
        waiting = np.zeros(len(self.days))
        for hazard, risks, weights in self.strata:
            waiting += weights @ np.exp(-np.outer(risks * np.exp(log_ratio), hazard))
        return waiting / sum(each.weights.sum() for each in self.strata)


def stratum_of(hazard: Array, log_risk: Array, weight: Array) -> Stratum:
    """Group the rows of a stratum by their hazard.

    Parameters
    ----------
    hazard : ndarray of shape (n,)
        Cumulative baseline hazard, on each of the curves' days.
    log_risk : ndarray of shape (m,)
        Each row's log hazard relative to the baseline.
    weight : ndarray of shape (m,)
        How many rows each stands for.

    Returns
    -------
    Stratum
        Each group with the mean of its rows' hazards.
    """
    _, group = np.unique(np.floor(log_risk / ALIKE), return_inverse=True)
    weights = np.bincount(group, weight)
    return Stratum(hazard, np.bincount(group, weight * np.exp(log_risk)) / weights, weights)
