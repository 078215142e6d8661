"""What the maximum-likelihood fitters share: input checks, the optimiser, and the inference that follows.

Every model here has positive parameters, so it is fitted in their logarithms. The objective is the mean
negative log-likelihood, with exact derivatives.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lifetimes.utils import ConvergenceError

Array = np.ndarray
#: Log parameters in; value, gradient (k,) and Hessian (k, k) out.
Objective = Callable[[Array], tuple[float, Array, Array]]

LONGEST_STEP = 2.0  # in log parameters: no step multiplies a parameter by more than e**2
FLAT = 1e-12  # relative fall of the objective too small to be told from rounding
SMALLEST_CURVATURE = 1e-13  # keeps a step finite where the objective is flat
IDENTIFIED = 1e-11  # least over greatest curvature below which a direction counts as flat


@dataclass(frozen=True)
class Optimum:
    """Where a minimisation ended.

    Attributes
    ----------
    log_params : ndarray of shape (k,)
    value : float
    gradient : ndarray of shape (k,)
    hessian : ndarray of shape (k, k)
    at_lower, at_upper : ndarray of bool, shape (k,)
        Parameters the objective pushes against a bound of the search.
    converged : bool
    """

    log_params: Array
    value: float
    gradient: Array
    hessian: Array
    at_lower: Array
    at_upper: Array
    converged: bool

    @property
    def pinned(self) -> Array:
        """Parameters on a bound."""
        return self.at_lower | self.at_upper

    @property
    def interior(self) -> bool:
        """Whether no parameter sits on a bound."""
        return not bool(self.pinned.any())

    def is_identified(self, free: Array) -> bool:
        """Whether the Hessian of the `free` parameters is positive definite beyond rounding."""
        if not free.any():
            return True
        curvature = np.linalg.eigvalsh(self.hessian[np.ix_(free, free)])
        return bool(curvature[0] > IDENTIFIED * max(curvature[-1], 1e-300))


def minimise(
    objective: Objective, start: Array, lower: Array, upper: Array, tol: float = 1e-7, maxiter: int = 200
) -> Optimum:
    """Minimise by Newton's method inside a box.

    The step divides by the absolute curvature along each eigenvector of the Hessian, which makes it a
    descent direction everywhere, and is halved until the objective falls (Nocedal & Wright 2006, *Numerical
    Optimization*, sections 3.4 and 16.7). A parameter pushed against its bound is held there.

    Convergence is judged by the Newton step and the fall it promises, not by the gradient: along a ridge
    that runs to infinity the gradient fades while the step stays long, so a ridge ends on a bound and never
    looks like an optimum.

    Parameters
    ----------
    objective : callable
        Log parameters to value, gradient and Hessian.
    start, lower, upper : ndarray of shape (k,)
        Log parameters.
    tol : float, default 1e-7
        Longest last step, in log parameters: the relative precision of the estimates.
    maxiter : int, default 200

    Returns
    -------
    Optimum
    """
    x = np.clip(np.asarray(start, dtype=float), lower, upper)
    value, gradient, hessian = objective(x)
    converged = False
    pinned = np.zeros(x.shape, dtype=bool)
    for _ in range(maxiter):
        pinned = ((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0))
        free = ~pinned
        if not free.any():
            converged = True
            break
        curvature, directions = np.linalg.eigh(hessian[np.ix_(free, free)])
        step = np.zeros_like(x)
        step[free] = -directions @ ((directions.T @ gradient[free]) / np.maximum(np.abs(curvature), SMALLEST_CURVATURE))
        longest = np.abs(step).max()
        if longest <= tol or -gradient @ step <= 16 * np.finfo(float).eps * max(1.0, abs(value)):
            converged = True
            break
        moved = _line_search(objective, x, value, gradient, step * min(1.0, LONGEST_STEP / longest), lower, upper)
        if moved is None:
            # No step helps: done if none was expected to, by more than rounding.
            converged = bool(-gradient @ step <= FLAT * max(1.0, abs(value)))
            break
        x, value, gradient, hessian = moved
    at_lower, at_upper = pinned & (x <= lower), pinned & (x >= upper)
    return Optimum(x, value, gradient, hessian, at_lower, at_upper, converged)


def _line_search(
    objective: Objective, x: Array, value: float, gradient: Array, step: Array, lower: Array, upper: Array
) -> tuple[Array, float, Array, Array] | None:
    """Halve the step until the objective falls; None when it doesn't."""
    rounding = 8 * np.finfo(float).eps * max(1.0, abs(value))
    for halvings in range(40):
        trial = np.clip(x + step / 2.0**halvings, lower, upper)
        found = objective(trial)
        if np.isfinite(found[0]) and found[0] <= value + 1e-4 * gradient @ (trial - x) + rounding:
            return trial, *found
    return None


def best_optimum(
    objective: Objective, starts: Iterable[Array], lower: Array, upper: Array, tol: float, maxiter: int
) -> Optimum:
    """Minimise from the first start; from the others too where that doesn't end at an interior optimum.

    Raises
    ------
    lifetimes.utils.ConvergenceError
        If no start converges.
    """
    found: list[Optimum] = []
    for start in starts:
        optimum = minimise(objective, start, lower, upper, tol, maxiter)
        if not optimum.converged:
            continue
        found.append(optimum)
        if optimum.interior and optimum.is_identified(np.ones(len(lower), dtype=bool)):
            break
    if not found:
        raise ConvergenceError(
            f"The fit did not converge from any of its starts within {maxiter} steps each. "
            "Check the data for customers unlike all others, or try a larger penalizer_coef."
        )
    return min(found, key=lambda optimum: optimum.value)


def to_log_params(theta: Array, value: float, gradient: Array, hessian: Array) -> tuple[float, Array, Array]:
    """Carry derivatives with respect to `theta` over to its logarithm."""
    return value, theta * gradient, hessian * np.outer(theta, theta) + np.diag(theta * gradient)


def ridge_penalty(theta: Array, coefficient: float, units: Array | float = 1.0) -> tuple[float, Array, Array]:
    """Penalty `coefficient` times the sum of squares of `theta * units`, with its derivatives in `theta`."""
    scale = coefficient * np.broadcast_to(np.square(units), theta.shape)
    return float(scale @ theta**2), 2 * scale * theta, np.diag(2 * scale)


def distinct_rows(columns: dict[str, Array], weights: Array) -> tuple[dict[str, Array], Array]:
    """Distinct combinations of the columns, and the total weight of each.

    Returns
    -------
    columns : dict of ndarray of shape (m,)
    weights : ndarray of shape (m,)
    """
    frame = pd.DataFrame({**columns, "weights": weights})
    counted = frame.groupby(list(columns), sort=True)["weights"].sum().reset_index()
    return {name: counted[name].to_numpy() for name in columns}, counted["weights"].to_numpy(dtype=float)


def as_columns(columns: dict[str, Any]) -> dict[str, Array]:
    """Turn vectors into float arrays of one length.

    Raises
    ------
    ValueError
        If they are empty, of different lengths, or not numbers.
    """
    arrays = {}
    for name, values in columns.items():
        try:
            arrays[name] = np.atleast_1d(np.asarray(values, dtype=float))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold numbers, and none may be missing.") from error
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"All vectors must have one length; these have: {told}.")
    if not next(iter(lengths.values())):
        raise ValueError("There are no customers to fit: the vectors are empty.")
    return arrays


def refuse(columns: dict[str, Array], checks: Sequence[tuple[str, Array]], index: Any = None) -> None:
    """Raise for the first check that any row fails.

    Parameters
    ----------
    columns : dict of ndarray of shape (n,)
        Shown for the offending rows.
    checks : sequence of (str, ndarray of bool of shape (n,))
        What is wrong, and the rows where it is.
    index : array_like of length n, optional
        Names of the rows; their positions by default.

    Raises
    ------
    ValueError
        With the number of offending rows and the first three of them.
    """
    for wrong, rows in checks:
        count = int(rows.sum())
        if not count:
            continue
        frame = pd.DataFrame(columns, index=index)[rows].head(3)
        shown = "; ".join(
            f"row {label}: " + ", ".join(f"{name} {value:g}" for name, value in zip(frame, values, strict=True))
            for label, values in zip(frame.index, frame.to_numpy(), strict=True)
        )
        raise ValueError(f"{wrong} in {count} of {len(rows)} rows ({shown}{'; ...' if count > 3 else ''}).")


def missing(values: Array) -> Array:
    """Rows that are missing or infinite."""
    return ~np.isfinite(values)


def like(template: Sequence[Any], values: Array) -> Any:
    """Give `values` the form of the inputs it came from, as lifetimes does.

    A Series among the inputs makes a Series with its index; scalars make a float; else an array.
    """
    for given in template:
        if isinstance(given, pd.Series) and len(given) == np.size(values):
            return pd.Series(np.reshape(values, -1), index=given.index)
    return values if np.ndim(values) else float(values)


class MaximumLikelihood:
    """Inference shared by the fitters; mixed in before the lifetimes fitter each of them extends.

    Attributes
    ----------
    log_likelihood_ : float
        Of the whole data in the caller's units, without the penalty.
    limits_ : tuple of str
        Parameters whose estimate ran to a limit; they have no standard error.
    """

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

    def _compute_variance_matrix(self) -> pd.DataFrame:
        """Delta method: the covariance of the log parameters, scaled by the parameters on both sides."""
        theta = self.params_.to_numpy()
        names = self.params_.index
        return pd.DataFrame(self._log_covariance * np.outer(theta, theta), index=names, columns=names)


def log_covariance(optimum: Optimum, limited: Array, customers: float, flat: Array | None = None) -> Array:
    """Inverse Hessian of the total objective, without the parameters on a bound.

    Parameters
    ----------
    optimum : Optimum
    limited : ndarray of bool, shape (k,)
        Parameters that get NaN: those on a bound and those that mean something only together with them.
    customers : float
    flat : ndarray of bool, shape (k,), optional
        Parameters the objective doesn't depend on.

    Returns
    -------
    ndarray of shape (k, k)
    """
    free = ~optimum.pinned if flat is None else ~(optimum.pinned | flat)
    covariance = np.full(optimum.hessian.shape, np.nan)
    if free.any():
        inverse = np.linalg.inv(optimum.hessian[np.ix_(free, free)]) / customers
        covariance[np.ix_(free, free)] = (inverse + inverse.T) / 2
    covariance[limited] = np.nan
    covariance[:, limited] = np.nan
    return covariance
