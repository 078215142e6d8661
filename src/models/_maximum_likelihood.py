"""What the maximum-likelihood fitters share: input checks, the optimiser, and the inference that follows.

Every model here has positive parameters, so it is fitted in their logarithms. The objective is the mean
negative log-likelihood, with exact derivatives.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from lifetimes.utils import ConvergenceError

Array = np.ndarray
#: Log parameters in; value, gradient (k,) and Hessian (k, k) out.
Objective = Callable[[Array], tuple[float, Array, Array]]
#: Distinct rows by column, in the order the likelihood takes them.
Columns = Mapping[str, Array]

LONGEST_STEP = 2.0  # in log parameters: no step multiplies a parameter by more than e**2
FLAT = 1e-12  # relative fall of the objective too small to be told from rounding
SMALLEST_CURVATURE = 1e-13  # keeps a step finite where the objective is flat
IDENTIFIED = 1e-11  # least over greatest curvature below which a direction counts as flat
EXTREME = np.log(1e4)  # log parameters beyond which a model is near one of its limits
VAGUE = 1.0  # standard error of a log parameter from which it may as well be at the limit
PULL = 1e-9  # curvature that brings a flat direction to the likely start, too weak to move anything else
SCREENED = 4_000  # customers on which starts are compared where there are more
CLOSE_CALL = 5.0  # log-likelihood by which an optimum of the screening may trail and still be followed up
SAME_OPTIMUM = 1e-3  # distance in log parameters
SPARSE = 4  # possible numbers for each one given from which a hash table is faster than a list of all


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
    flat : ndarray of bool, shape (k,)
        Parameters on a ridge along which the objective doesn't change.
    """

    log_params: Array
    value: float
    gradient: Array
    hessian: Array
    at_lower: Array
    at_upper: Array
    converged: bool
    flat: Array

    @property
    def pinned(self) -> Array:
        """Parameters on a bound."""
        return self.at_lower | self.at_upper

    def ridge(self) -> Array:
        """Parameters that take part in a flat direction of the free ones."""
        on_ridge = np.zeros(len(self.log_params), dtype=bool)
        free = np.flatnonzero(~self.pinned)
        if len(free):
            curvature, directions = np.linalg.eigh(self.hessian[np.ix_(free, free)])
            level = np.abs(curvature) <= IDENTIFIED * max(curvature[-1], 1e-300)
            on_ridge[free] = (np.abs(directions[:, level]) > 0.1).any(axis=1)
        return on_ridge


def minimise(
    objective: Objective, start: Array, lower: Array, upper: Array, tol: float = 1e-7, maxiter: int = 200
) -> Optimum:
    """Minimise by Newton's method inside a box.

    The step divides by the absolute curvature along each eigenvector of the Hessian, which makes it a
    descent direction everywhere, and is halved until the objective falls (Nocedal & Wright 2006, *Numerical
    Optimization*, sections 3.4 and 16.7). A step ends at the first bound it meets: bent along the bound it would
    leave the valley in which two parameters grow together. A parameter stays on its bound if what is left of its
    derivative after the step of the others pushes it there.

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
        step, pinned = _step_in_box(x, gradient, hessian, lower, upper)
        longest = np.abs(step).max()
        if longest <= tol or -gradient @ step <= 16 * np.finfo(float).eps * max(1.0, abs(value)):
            converged = True
            break
        moving = step != 0
        room = np.where(step > 0, upper - x, x - lower)[moving] / np.abs(step[moving])
        taken = step * min(1.0, LONGEST_STEP / longest, room.min())
        moved = _line_search(objective, x, value, gradient, taken, lower, upper)
        if moved is None:
            # No step helps: done if none was expected to, by more than rounding.
            converged = bool(-gradient @ step <= FLAT * max(1.0, abs(value)))
            break
        x, value, gradient, hessian = moved
    at_lower, at_upper = pinned & (x <= lower), pinned & (x >= upper)
    return Optimum(x, value, gradient, hessian, at_lower, at_upper, converged, np.zeros_like(pinned))


def _step_in_box(x: Array, gradient: Array, hessian: Array, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Newton step that doesn't leave the box from a bound, and the parameters that the optimum has on theirs."""
    below, above = x <= lower, x >= upper
    left = gradient + hessian @ _newton_step(gradient, hessian, ~(below | above))
    pinned = (below & (left > 0)) | (above & (left < 0))
    held = pinned
    while True:
        step = _newton_step(gradient, hessian, ~held)
        leaving = (below & (step < 0)) | (above & (step > 0))
        if not leaving.any():
            return step, pinned
        held = held | leaving


def _newton_step(gradient: Array, hessian: Array, free: Array) -> Array:
    """Step of the free parameters by the absolute curvature; 0 for the others."""
    step = np.zeros_like(gradient)
    if free.any():
        curvature, directions = np.linalg.eigh(hessian[np.ix_(free, free)])
        step[free] = -directions @ ((directions.T @ gradient[free]) / np.maximum(np.abs(curvature), SMALLEST_CURVATURE))
    return step


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
    objective_on: Callable[[Columns, Array], Objective],
    columns: Columns,
    counts: Array,
    starts: Sequence[Array],
    lower: Array,
    upper: Array,
    tol: float,
    maxiter: int,
) -> Optimum:
    """Minimise from every start, and return the lowest optimum.

    With many customers the starts are compared on a systematic sample of them, and what comes out best there
    is followed up on all. Where the optimum is a ridge, the point nearest to the first start is taken.

    Parameters
    ----------
    objective_on : callable
        Distinct rows and their counts to an objective: the mean over customers.
    columns : mapping of ndarray of shape (m,)
    counts : ndarray of shape (m,)
    starts : sequence of ndarray of shape (k,)
        Log parameters, the likeliest first.
    lower, upper : ndarray of shape (k,)
    tol, maxiter
        As in `minimise`.

    Returns
    -------
    Optimum

    Raises
    ------
    lifetimes.utils.ConvergenceError
        If no start converges.
    """

    def minimised(objective: Objective, points: Sequence[Array]) -> list[Optimum]:
        found = [minimise(objective, point, lower, upper, tol, maxiter) for point in points]
        return sorted((optimum for optimum in found if optimum.converged), key=lambda optimum: optimum.value)

    objective = objective_on(columns, counts)
    points = list(starts)
    if counts.sum() > SCREENED and len(counts) > SCREENED / 10:
        sample = _systematic_sample(columns, counts)
        found = minimised(objective_on(*sample), starts)
        points = _contenders(found) or points
    found = minimised(objective, points)
    if not found:
        raise ConvergenceError(
            f"The fit did not converge from any of its starts within {maxiter} steps each. "
            "Check the data for customers unlike all others, or try a larger penalizer_coef."
        )
    best = found[0]
    ridge = best.ridge()
    if not ridge.any():
        return best
    settled = minimise(_pulled(objective, starts[0]), best.log_params, lower, upper, tol, maxiter)
    value, gradient, hessian = objective(settled.log_params)
    return replace(settled, value=value, gradient=gradient, hessian=hessian, flat=ridge & ~settled.pinned)


def _systematic_sample(columns: Columns, counts: Array) -> tuple[Columns, Array]:
    """Every so many-th customer in the order of the rows."""
    last = np.cumsum(counts)
    taken = np.searchsorted(last, (np.arange(SCREENED) + 0.5) * last[-1] / SCREENED)
    rows, sampled = np.unique(np.minimum(taken, len(counts) - 1), return_counts=True)
    return {name: values[rows] for name, values in columns.items()}, sampled.astype(float)


def _contenders(found: Sequence[Optimum]) -> list[Array]:
    """Different optima that all the customers may put in another order, the best first."""
    kept: list[Array] = []
    for optimum in found:
        close = (optimum.value - found[0].value) * SCREENED <= CLOSE_CALL
        if close and all(np.abs(optimum.log_params - other).max() > SAME_OPTIMUM for other in kept):
            kept.append(optimum.log_params)
    return kept


def _pulled(objective: Objective, centre: Array) -> Objective:
    def pulled(log_params: Array) -> tuple[float, Array, Array]:
        value, gradient, hessian = objective(log_params)
        away = log_params - centre
        return value + PULL / 2 * away @ away, gradient + PULL * away, hessian + PULL * np.eye(len(away))

    return pulled


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
    distinct, of_row = distinct_of(columns)
    return distinct, np.bincount(of_row, weights=np.asarray(weights, dtype=float))


def distinct_of(columns: Mapping[str, Array]) -> tuple[dict[str, Array], Array]:
    """Distinct rows of arrays of one shape and, for each element in flat order, which of them it is.

    Parameters
    ----------
    columns : mapping of ndarray of n elements

    Returns
    -------
    columns : dict of ndarray of shape (m,)
        Sorted by the first column, then by the next.
    of_row : ndarray of int, shape (n,)
    """
    flat = {name: values.ravel() for name, values in columns.items()}
    of_row, number = np.zeros(len(next(iter(flat.values()))), dtype=np.intp), 1
    for values in flat.values():
        of_value, levels = pd.factorize(values, sort=True, use_na_sentinel=False)
        of_row *= len(levels)
        of_row += of_value
        del of_value
        # Counted anew with each column, or the numbers of many would overflow.
        of_row, number = _without_gaps(of_row, number * len(levels))
    where = np.empty(number, dtype=np.intp)
    where[of_row] = np.arange(len(of_row))
    return {name: values[where] for name, values in flat.items()}, of_row


def _without_gaps(numbers: Array, below: int) -> tuple[Array, int]:
    """Replace the numbers by their ranks, in place where that is faster, and count the different ones."""
    if below > SPARSE * len(numbers):
        ranks, present = pd.factorize(numbers, sort=True)
        return ranks, len(present)
    occurs = np.zeros(below, dtype=bool)
    occurs[numbers] = True
    last = np.cumsum(occurs, dtype=np.int32)
    last -= 1
    numbers[:] = last[numbers]
    return numbers, int(last[-1]) + 1 if below else 0


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


def refuse(columns: dict[str, Array], checks: Iterable[tuple[str, Array]], index: Any = None) -> None:
    """Raise for the first check that any row fails.

    Parameters
    ----------
    columns : dict of ndarray of shape (n,)
        Shown for the offending rows.
    checks : iterable of (str, ndarray of bool of shape (n,))
        What is wrong, and the rows where it is.
    index : array_like of length n, optional
        Names of the rows; their positions by default.

    Raises
    ------
    ValueError
        With the number of offending rows and the first three of them.
    """
    for wrong, rows in checks:
        count = int(np.count_nonzero(rows))
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
