"""What the maximum-likelihood fitters share: the likelihood's optimum, and the inference that follows from it."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd

from models._columns import Array, Columns
from models._newton import Objective, Optimum, best_optimum

EXTREME = np.log(1e4)  # log parameters beyond which a model is near one of its limits
VAGUE = 1.0  # standard error of a log parameter from which it may as well be at the limit


def to_log_params(theta: Array, value: float, gradient: Array, hessian: Array) -> tuple[float, Array, Array]:
    """Carry derivatives with respect to `theta` over to its logarithm."""
    return value, theta * gradient, hessian * np.outer(theta, theta) + np.diag(theta * gradient)


def ridge_penalty(theta: Array, coefficient: float, units: Array | float = 1.0) -> tuple[float, Array, Array]:
    """Penalty `coefficient` times the sum of squares of `theta * units`, with its derivatives in `theta`."""
    scale = coefficient * np.broadcast_to(np.square(units), theta.shape)
    return float(scale @ theta**2), 2 * scale * theta, np.diag(2 * scale)


def log_covariance(optimum: Optimum, limited: Array, customers: float) -> Array:
    """Inverse Hessian of the total objective, without the parameters on a bound.

    Parameters
    ----------
    optimum : Optimum
    limited : ndarray of bool, shape (k,)
        Parameters that get NaN: those on a bound and those that mean something only together with them.
    customers : float

    Returns
    -------
    ndarray of shape (k, k)
    """
    free = ~(optimum.pinned | optimum.flat)
    covariance = np.full(optimum.hessian.shape, np.nan)
    if free.any():
        inverse = np.linalg.inv(optimum.hessian[np.ix_(free, free)]) / customers
        covariance[np.ix_(free, free)] = (inverse + inverse.T) / 2
    covariance[limited] = np.nan
    covariance[:, limited] = np.nan
    return covariance


def _as_good_as_at_a_limit(optimum: Optimum, customers: float) -> Optimum:
    """Count extreme parameters that the data can't tell from their limit as being there."""
    covariance = log_covariance(optimum, np.zeros_like(optimum.pinned), customers)
    vague = np.sqrt(np.diag(covariance)) > VAGUE
    at_lower = optimum.at_lower | (vague & (optimum.log_params < -EXTREME))
    at_upper = optimum.at_upper | (vague & (optimum.log_params > EXTREME))
    return replace(optimum, at_lower=at_lower, at_upper=at_upper)


def rising_factorial(z: float, x: Array) -> tuple[Array, Array, Array]:
    """Logarithm of z (z + 1) ... (z + x - 1), and its two derivatives in z.

    Sums over the factors, not differences of log-gammas: exact for z near 0 and for z in the millions.

    Parameters
    ----------
    z : float
        Above 0.
    x : ndarray of int, shape (m,)

    Returns
    -------
    value, first, second : ndarray of shape (m,)
    """
    factors = z + np.arange(x.max(initial=0))
    sums = (np.log(factors), 1 / factors, -1 / factors**2)
    value, first, second = (np.concatenate([[0.0], np.cumsum(each)])[x] for each in sums)
    return value, first, second


class MaximumLikelihood:
    """Inference shared by the fitters; mixed in before the lifetimes fitter each of them extends.

    A fitter supplies `NAMES`, `COLUMNS`, `_log_likelihood`, `_derivatives` and `_limits`.

    Attributes
    ----------
    log_likelihood_ : float
        Of the whole data in the caller's units, without the penalty.
    limits_ : tuple of str
        Parameters without an estimate of their own, which have no standard error: they ran to a limit, or
        the data don't tell them apart.
    """

    NAMES: ClassVar[tuple[str, ...]]
    COLUMNS: ClassVar[tuple[str, ...]]  # of `data`, in the order the likelihood takes them

    penalizer_coef: float
    params_: pd.Series
    data: pd.DataFrame
    log_likelihood_: float
    limits_: tuple[str, ...]
    _log_covariance: Array

    @property
    def aic_(self) -> float:
        """Akaike's information criterion: 2 k - 2 log-likelihood."""
        return 2 * len(self.params_) - 2 * self.log_likelihood_

    @property
    def bic_(self) -> float:
        """Bayesian information criterion: k log(customers) - 2 log-likelihood."""
        return len(self.params_) * float(np.log(self.data["weights"].sum())) - 2 * self.log_likelihood_

    @staticmethod
    def _derivatives(theta: Array, *columns_and_counts: Array) -> tuple[float, Array, Array]:
        """Total log-likelihood of the distinct rows, its gradient (k,) and Hessian (k, k) in `theta`."""
        raise NotImplementedError

    @staticmethod
    def _limits(optimum: Optimum, units: Array) -> tuple[Array, list[str]]:
        """Which parameters have no estimate of their own, and what that means in words."""
        raise NotImplementedError

    def _log_likelihood_of(self, columns: Columns) -> Array:
        """Log-likelihood of each distinct row at `params_`."""
        raise NotImplementedError

    def _estimate(
        self,
        distinct: Columns,
        counts: Array,
        starts: Sequence[Array],
        bounds: tuple[Array, Array],
        units: Array,
        penalty_units: Array | float = 1.0,
        tol: float = 1e-7,
        maxiter: int = 200,
    ) -> None:
        """Maximise the likelihood and set what follows from the optimum alone.

        Parameters
        ----------
        distinct : mapping of ndarray of shape (m,)
            In units that make the parameters of order one.
        counts : ndarray of shape (m,)
        starts : sequence of ndarray of shape (k,)
            Log parameters.
        bounds : tuple of two ndarray of shape (k,)
        units : ndarray of shape (k,)
            Parameters in the caller's units over those in the units of `distinct`.
        penalty_units : ndarray of shape (k,) or float
            Factor on the parameters before they are squared in the penalty.
        tol, maxiter
            As in `minimise`.
        """

        def objective_on(columns: Columns, counts: Array) -> Objective:
            customers = counts.sum()

            def objective(log_params: Array) -> tuple[float, Array, Array]:
                theta = np.exp(log_params)
                value, gradient, hessian = self._derivatives(theta, *columns.values(), counts)
                penalty = ridge_penalty(theta, self.penalizer_coef, penalty_units)
                return to_log_params(
                    theta,
                    penalty[0] - value / customers,
                    penalty[1] - gradient / customers,
                    penalty[2] - hessian / customers,
                )

            return objective

        optimum = best_optimum(objective_on, distinct, counts, starts, *bounds, tol, maxiter)
        optimum = _as_good_as_at_a_limit(optimum, counts.sum())
        limited, notes = self._limits(optimum, units)
        apart = optimum.flat & ~limited  # not what a limit has said already
        limited = limited | optimum.flat
        if apart.any():
            names = " and ".join(name for name, flat in zip(self.NAMES, apart, strict=True) if flat)
            notes.append(
                f"The data don't tell {names} apart: other values of them fit equally well, and of these the most "
                "usual were taken. Forecasts that depend on which ones are true rest on that choice."
            )
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=3)
        self._negative_log_likelihood_ = optimum.value
        self._hessian_ = optimum.hessian
        self._log_covariance = log_covariance(optimum, limited, counts.sum())
        self.params_ = pd.Series(np.exp(optimum.log_params) * units, index=list(self.NAMES))
        self.limits_ = tuple(name for name, at_limit in zip(self.NAMES, limited, strict=True) if at_limit)

    def _conclude(self, distinct: Columns, counts: Array) -> None:
        """Set what needs the data in the caller's units."""
        self.log_likelihood_ = float(counts @ self._log_likelihood_of(distinct))
        self.variance_matrix_ = self._compute_variance_matrix()
        self.standard_errors_ = self._compute_standard_errors()  # type: ignore[attr-defined]
        self.confidence_intervals_ = self._compute_confidence_intervals()  # type: ignore[attr-defined]

    def _compute_variance_matrix(self) -> pd.DataFrame:
        """Delta method: the covariance of the log parameters, scaled by the parameters on both sides."""
        theta = self.params_.to_numpy()
        names = self.params_.index
        return pd.DataFrame(self._log_covariance * np.outer(theta, theta), index=names, columns=names)
