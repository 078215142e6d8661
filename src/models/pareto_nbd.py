"""The Pareto/NBD model of repeat purchases (Schmittlein, Morrison & Colombo 1987)."""

from typing import Any

import numpy as np
from lifetimes import ParetoNBDFitter
from scipy.special import expit

from models._columns import Array
from models._exponential_dropout import ExponentialDropout, log_of_silence, times_of_leaving
from models._maximum_likelihood import rising_factorial
from models._newton import Optimum
from models._purchase_model import PurchaseModel, limits_of_rates

# With the oldest customer's age as the unit of time. They lie where the likelihood can no longer be told from
# its limit, but for beta's lower bound: there the limit is approached as slowly as 1 / log(1 / beta).
LOWER = np.log([1e-6, 1e-9, 1e-6, 1e-9])
UPPER = np.log([1e6, 1e12, 1e6, 1e12])

NOBODY = 1e-3  # a share of customers so small counts as none
SOON = 0.01  # of the oldest customer's age


class ParetoNBD(PurchaseModel, ParetoNBDFitter):
    """Pareto/NBD: customers buy at random at rates of their own, and may leave at any time.

    The purchase rate is gamma distributed over customers (shape `r`, rate `alpha`), and so is the rate of
    leaving (shape `s`, rate `beta`). It is a lifetimes `ParetoNBDFitter`: whatever works on that works on this.

    Parameters
    ----------
    penalizer_coef : float, default 0.0
        Weight of the penalty on the squared parameters, as in lifetimes: added to the mean negative
        log-likelihood, with time measured in the age of the oldest customer.

    Attributes
    ----------
    params_ : Series
        r, alpha, s, beta. `alpha` and `beta` are in the caller's unit of time.
    data : DataFrame
        frequency, recency, T and weights, as given.
    log_likelihood_ : float
        Of all customers, in the caller's unit of time, without the penalty.
    aic_, bic_ : float
    variance_matrix_ : DataFrame of shape (4, 4)
        Covariance of the estimates; NaN for a parameter named in `limits_`.
    standard_errors_ : Series
    confidence_intervals_ : DataFrame
        At 95%.
    limits_ : tuple of str
        Parameters without an estimate of their own.

    Notes
    -----
    With x repeat purchases, the last at t_x, and the age T, a history has the likelihood

        Gamma(r + x) / Gamma(r) * alpha**r / (alpha + T)**(r + x) * (beta / (beta + T))**s * (1 + odds),

    where the odds of having left are the integral of
    s / (beta + tau) * ((alpha + T) / (alpha + tau))**(r + x) * ((beta + T) / (beta + tau))**s over the time tau of
    leaving, from t_x to T. The literature writes it with Gauss hypergeometric functions; evaluated as it stands, by
    quadrature, it keeps all digits, and so do its derivatives.

    References
    ----------
    Schmittlein, D. C., D. G. Morrison & R. Colombo (1987). Counting Your Customers: Who Are They and What Will
    They Do Next? *Management Science* 33(1), 1-24.

    Fader, P. S. & B. G. S. Hardie (2005). A Note on Deriving the Pareto/NBD Model and Related Expressions.
    http://www.brucehardie.com/notes/009/
    """

    NAMES = ("r", "alpha", "s", "beta")
    TIMES = (False, True, False, True)
    BOUNDS = (LOWER, UPPER)

    @staticmethod
    def _starts(x: Array, T: Array, counts: Array) -> list[Array]:
        """Set starts whose mean purchase rate is the observed one, for customers more and less alike.

        The last two are near the limits where everybody leaves at one rate, and right after the first purchase.
        """
        rate = (counts @ x) / (counts @ T)
        return [
            np.log([r, r / rate, s, beta])
            for r, s, beta in [(0.6, 0.6, 0.3), (2.0, 0.2, 2.0), (0.5, 30.0, 30.0), (1.0, 0.03, 1e-6)]
        ]

    @staticmethod
    def _log_start(initial_params: Any) -> Array:
        start = np.asarray(initial_params, dtype=float)
        if start.shape != (4,) or not (start > 0).all():
            raise ValueError(f"initial_params must be four numbers above 0, for r, alpha, s and beta, not {start}.")
        return np.log(start)

    @staticmethod
    def _while_alive(theta: Array, x: Array, T: Array) -> ExponentialDropout:
        r, alpha, s, beta = theta
        return ExponentialDropout(r + x, alpha + T, s, beta + T)

    @staticmethod
    def _log_odds_of_leaving(theta: Array, x: Array, t_x: Array, T: Array) -> Array:
        given = np.broadcast_arrays(*_at_last_purchase(theta, x, t_x, T))
        here, left = log_of_silence(*map(np.ravel, given))
        return (left - here).reshape(given[0].shape)

    @staticmethod
    def _log_likelihood(theta: Array, x: Array, t_x: Array, T: Array) -> Array:
        silence = np.logaddexp(*log_of_silence(*np.broadcast_arrays(*_at_last_purchase(theta, x, t_x, T))))
        return _log_until_last_purchase(theta, x, t_x) + silence

    @staticmethod
    def _derivatives(  # type: ignore[override]
        theta: Array, x: Array, t_x: Array, T: Array, counts: Array
    ) -> tuple[float, Array, Array]:
        value = counts @ _log_until_last_purchase(theta, x, t_x)
        first, second = _derivatives_if_here(theta, x, T, counts)
        at_last_purchase = np.broadcast_arrays(*_at_last_purchase(theta, x, t_x, T))
        k, alpha, s, beta, silence = at_last_purchase
        purchase_span, life_span = np.log1p(silence / alpha), np.log1p(silence / beta)
        log_here = -k * purchase_span - s * life_span
        for leaving in times_of_leaving(*at_last_purchase):
            rows = leaving.rows
            value += counts[rows] @ np.logaddexp(log_here[rows], leaving.log_left)
            left = expit(leaving.log_left - log_here[rows])
            gone = counts[rows] * left
            per_alpha, per_beta = 1 / (theta[1] + T[rows]), 1 / (theta[3] + T[rows])
            # The log odds of having left are the logarithm of an integral over the times of leaving. Its first
            # derivatives are the means of those of the log integrand, over the times the customer may have left;
            # its second the means of those, and the covariances of the first.
            still = silence[rows] - leaving.times
            slopes = np.empty((4, *still.shape))
            np.subtract(purchase_span[rows], leaving.purchase_span, out=slopes[0])
            np.divide(still, alpha[rows] + leaving.times, out=slopes[1])
            np.subtract(life_span[rows], leaving.life_span, out=slopes[2])
            np.divide(still, beta[rows] + leaving.times, out=slopes[3])
            slopes[1] *= -k[rows] * per_alpha
            slopes[3] *= -(s[rows] + 1) * per_beta
            means = np.einsum("anj,nj->aj", slopes, leaving.shares)
            slopes -= means[:, np.newaxis]
            weighted = slopes * (leaving.shares * gone)
            of_alpha, of_beta = (np.einsum("nj,nj->j", weighted[i], slopes[i]) + gone * means[i] ** 2 for i in (1, 3))
            second[0, 1] += gone @ (means[1] / k[rows])
            second[1, 1] += (of_alpha / k[rows] - 2 * gone * means[1] * per_alpha).sum()
            second[2, 2] -= gone.sum() / theta[2] ** 2
            second[2, 3] += gone @ (means[3] / (s[rows] + 1))
            second[3, 3] += (of_beta / (s[rows] + 1) + gone * (per_beta - 2 * means[3]) * per_beta).sum()
            means[2] += 1 / s[rows]
            means[3] -= per_beta
            first += means @ gone
            spread = weighted.reshape(4, -1) @ slopes.reshape(4, -1).T + (means * (gone * (1 - left))) @ means.T
            second += np.triu(spread)
        return float(value), first, np.triu(second) + np.triu(second, 1).T

    @staticmethod
    def _limits(optimum: Optimum, units: Array) -> tuple[Array, list[str]]:
        low, high = optimum.at_lower, optimum.at_upper
        s, beta = np.exp(optimum.log_params[2:]) * units[2:]
        limited = optimum.pinned.copy()
        oldest = units[3]  # their age is the unit of time
        soon, gone = -np.expm1(-s * np.log1p(oldest * np.array([SOON, 1]) / beta))
        rates_limited, notes = limits_of_rates(optimum, units)
        if rates_limited:
            limited[:2] = True
        if (limited | optimum.flat)[2:].any() and gone < NOBODY:
            limited[2:] = True
            notes.append(
                "Nobody is seen to leave: s went to 0 or beta grew without limit, so every customer counts as alive "
                "and neither means anything by itself."
            )
        elif high[2] or high[3]:
            limited[2:] = True
            notes.append(
                "The rate of leaving doesn't differ between customers beyond chance: s and beta grew together, and "
                f"everybody stays {beta / s:.4g} units of time on average."
            )
        elif low[2] or low[3]:
            limited[2:] = True
            notes.append(
                "Who leaves mostly does so right after the first purchase: s and beta went towards 0 together. "
                f"{soon:.4g} of the customers leave within {oldest * SOON:.4g} units of time, {gone:.4g} by the age "
                f"{oldest:.4g}; when the early ones leave the data don't tell."
            )
        elif s < 1:
            notes.append(
                f"The mean lifetime is infinite, as s = {s:.4g} is below 1: {gone:.4g} of the customers leave by the "
                f"age {oldest:.4g}, but a few stay so long that lifetimes have no mean. Forecast over a finite "
                "horizon, or discount."
            )
        return limited, notes


def _at_last_purchase(theta: Array, x: Array, t_x: Array, T: Array) -> tuple[Array, ...]:
    """Give what was known of the rates at the last purchase, and how long ago that was."""
    r, alpha, s, beta = theta
    return r + x, alpha + t_x, s, beta + t_x, T - t_x


def _log_until_last_purchase(theta: Array, x: Array, t_x: Array) -> Array:
    r, alpha, s, beta = theta
    bought = rising_factorial(r, x)[0] - r * np.log1p(t_x / alpha) - x * np.log(alpha + t_x)
    return bought - s * np.log1p(t_x / beta)


def _derivatives_if_here(theta: Array, x: Array, T: Array, counts: Array) -> tuple[Array, Array]:
    """Gradient and upper half of the Hessian of the log-likelihood, in total, if nobody had left."""
    r, alpha, s, beta = theta
    _, rising_1, rising_2 = rising_factorial(r, x)
    by_alpha, by_beta = alpha * (alpha + T), beta * (beta + T)
    first = [
        counts @ (rising_1 - np.log1p(T / alpha)),
        counts @ ((r * T - alpha * x) / by_alpha),
        -counts @ np.log1p(T / beta),
        counts @ (s * T / by_beta),
    ]
    second = np.zeros((4, 4))
    second[0, 0] = counts @ rising_2
    second[0, 1] = counts @ (T / by_alpha)
    second[1, 1] = counts @ ((x * alpha**2 - r * T * (2 * alpha + T)) / by_alpha**2)
    second[2, 3] = counts @ (T / by_beta)
    second[3, 3] = -counts @ (s * T * (2 * beta + T) / by_beta**2)
    return np.array(first), second
