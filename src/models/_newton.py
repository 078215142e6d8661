"""Newton's method inside a box, from several starts, with an answer on a bound or a ridge.

Every model here has positive parameters, so the search is in their logarithms. The objective is a mean over
customers, with exact derivatives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from lifetimes.utils import ConvergenceError

from models._columns import Array, Columns

#: Log parameters in; value, gradient (k,) and Hessian (k, k) out.
Objective = Callable[[Array], tuple[float, Array, Array]]

LONGEST_STEP = 2.0  # in log parameters: no step multiplies a parameter by more than e**2
FLAT = 1e-12  # relative fall of the objective too small to be told from rounding
SMALLEST_CURVATURE = 1e-13  # keeps a step finite where the objective is flat
IDENTIFIED = 1e-11  # least over greatest curvature below which a direction counts as flat
PULL = 1e-11  # curvature that brings a flat direction to the likely start, too weak to move anything else
SCREENED = 4_000  # customers on which starts are compared where there are more
CLOSE_CALL = 5.0  # log-likelihood by which an optimum of the screening may trail and still be followed up
SAME_OPTIMUM = 1e-3  # distance in log parameters


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
    kept: list[Optimum] = []
    for optimum in found:
        close = (optimum.value - found[0].value) * SCREENED <= CLOSE_CALL
        if close and not any(_alike(optimum, other) for other in kept):
            kept.append(optimum)
    return [optimum.log_params for optimum in kept]


def _alike(one: Optimum, other: Optimum) -> bool:
    """Whether two optima are one, or lie on one ridge."""
    near = np.abs(one.log_params - other.log_params).max() <= SAME_OPTIMUM
    return bool(near) or abs(one.value - other.value) <= FLAT * max(1.0, abs(one.value))


def _pulled(objective: Objective, centre: Array) -> Objective:
    def pulled(log_params: Array) -> tuple[float, Array, Array]:
        value, gradient, hessian = objective(log_params)
        away = log_params - centre
        return value + PULL / 2 * away @ away, gradient + PULL * away, hessian + PULL * np.eye(len(away))

    return pulled
