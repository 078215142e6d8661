"""The Pareto/NBD model of repeat purchases (Schmittlein, Morrison & Colombo 1987)."""

from typing import Any

import numpy as np
from lifetimes import ParetoNBDFitter
from scipy.special import expit

from models._exponential_dropout import ExponentialDropout, log_of_silence, times_of_leaving
from models._maximum_likelihood import Array, Optimum, rising_factorial
from models._purchase_model import PurchaseModel

# With the oldest customer's age as the unit of time. They lie where the likelihood can no longer be told from
# its limit, but for beta's lower bound: there the limit is approached as slowly as 1 / log(1 / beta).
LOWER = np.log([1e-6, 1e-9, 1e-6, 1e-9])
UPPER = np.log([1e6, 1e12, 1e6, 1e12])

NOBODY = 1e-3  # a share of customers so small counts as none


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
        """Set starts whose mean purchase rate is the observed one, for customers more and less alike."""
        rate = (counts @ x) / (counts @ T)
        return [
            np.log([r, r / rate, s, beta])
            for r, s, beta in [(0.6, 0.6, 0.3), (2.0, 0.2, 2.0), (0.3, 3.0, 2.0), (20.0, 1.0, 1.0)]
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
        r, alpha, s, beta = theta
        _, rising_1, rising_2 = rising_factorial(r, x)
        k, by_alpha, by_beta = r + x, alpha + T, beta + T
        in_time, in_life = np.log1p(T / alpha), np.log1p(T / beta)

        # A customer who is still here.
        first = np.array(
            [
                counts @ (rising_1 - in_time),
                counts @ ((r * T - alpha * x) / (alpha * by_alpha)),
                -counts @ in_life,
                counts @ (s * T / (beta * by_beta)),
            ]
        )
        second = np.zeros((4, 4))
        second[0, 0] = counts @ rising_2
        second[0, 1] = counts @ (T / (alpha * by_alpha))
        second[1, 1] = counts @ ((x * alpha**2 - r * T * (2 * alpha + T)) / (alpha * by_alpha) ** 2)
        second[2, 3] = counts @ (T / (beta * by_beta))
        second[3, 3] = -counts @ (s * T * (2 * beta + T) / (beta * by_beta) ** 2)

        # One who has left: the log odds are the logarithm of an integral, so their derivatives are means over the
        # times of leaving of those of the log integrand, and for the second the covariances of the first.
        odds = np.zeros((4, 4))
        at_last_purchase = np.broadcast_arrays(*_at_last_purchase(theta, x, t_x, T))
        _, alpha_then, _, beta_then, silence = at_last_purchase
        log_here = -k * np.log1p(silence / alpha_then) - s * np.log1p(silence / beta_then)
        value = counts @ _log_until_last_purchase(theta, x, t_x)
        for rows, times, shares, log_left in times_of_leaving(*at_last_purchase):
            still = silence[rows] - times
            u, v = still / (alpha_then[rows] + times), still / (beta_then[rows] + times)
            per_u, per_v = -k[rows] / by_alpha[rows], -(s + 1) / by_beta[rows]
            slopes = np.stack([np.log1p(u), per_u * u, np.log1p(v), per_v * v])
            means = np.einsum("anj,nj->aj", slopes, shares)
            slopes -= means[:, np.newaxis]
            left = expit(log_left - log_here[rows])
            gone = counts[rows] * left
            spread = (slopes * (shares * gone)).reshape(4, -1) @ slopes.reshape(4, -1).T
            means += np.stack([np.zeros(len(rows)), np.zeros(len(rows)), np.full(len(rows), 1 / s), -1 / by_beta[rows]])
            odds += spread + (means * (gone * (1 - left))) @ means.T
            value += counts[rows] @ np.logaddexp(log_here[rows], log_left)
            first += means @ gone
            mean_u, mean_v = (np.einsum("nj,nj->j", each, shares) for each in (u, v))
            square_u, square_v = (np.einsum("nj,nj,nj->j", each, each, shares) for each in (u, v))
            second[0, 1] -= gone @ (mean_u / by_alpha[rows])
            second[1, 1] += gone @ (k[rows] * (square_u + 2 * mean_u) / by_alpha[rows] ** 2)
            second[2, 2] -= gone.sum() / s**2
            second[2, 3] -= gone @ (mean_v / by_beta[rows])
            second[3, 3] += gone @ ((1 + (s + 1) * (square_v + 2 * mean_v)) / by_beta[rows] ** 2)
        second[1, 0], second[3, 2] = second[0, 1], second[2, 3]
        return float(value), first, second + odds

    @staticmethod
    def _limits(optimum: Optimum, units: Array) -> tuple[Array, list[str]]:
        low, high = optimum.at_lower, optimum.at_upper
        r, alpha, s, beta = np.exp(optimum.log_params) * units
        limited = optimum.pinned.copy()
        oldest = units[3]
        gone = -np.expm1(-s * np.log1p(oldest / beta))
        notes = []
        if high[0] or high[1]:
            limited[:2] = True
            notes.append(
                "Purchase rates don't differ between customers beyond chance: r and alpha grew together, and "
                f"everybody buys {r / alpha:.4g} times per unit of time while a customer."
            )
        elif low[0] or low[1]:
            limited[:2] = True
            notes.append(
                "Purchase rates differ without limit: r and alpha went to 0 together, so that part of the customers "
                "never buy again and the others as often as each did before."
            )
        if limited[2:].any() and gone < NOBODY:
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
                f"Leaving is all or nothing: s and beta went to 0 together, so that {gone:.4g} of the customers are "
                f"gone by the age {oldest:.4g}, nearly all of them right after their first purchase, and hardly "
                "anybody leaves later."
            )
        elif s < 1:
            notes.append(
                f"The mean lifetime is infinite (s = {s:.4g} is below 1): half of the customers leave within "
                f"{beta * np.expm1(np.log(2) / s):.4g} units of time, but a few stay so long that there is no mean. "
                "Forecast over a finite horizon, or discount."
            )
        return limited, notes


def _at_last_purchase(theta: Array, x: Array, t_x: Array, T: Array) -> tuple[Array, ...]:
    """What was known of the rates at the last purchase, and how long ago that was."""
    r, alpha, s, beta = theta
    return r + x, alpha + t_x, s, beta + t_x, T - t_x


def _log_until_last_purchase(theta: Array, x: Array, t_x: Array) -> Array:
    r, alpha, s, beta = theta
    bought = rising_factorial(r, x)[0] - r * np.log1p(t_x / alpha) - x * np.log(alpha + t_x)
    return bought - s * np.log1p(t_x / beta)
