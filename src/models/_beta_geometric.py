"""What BG/NBD and modified BG/NBD share; they differ in whether a customer may leave at the first purchase.

With k chances to leave so far, which is x in BG/NBD and x + 1 in modified BG/NBD, a history has the likelihood

    Gamma(r + x) / Gamma(r) * B(a, b + k) / B(a, b) * alpha**r / (alpha + T)**(r + x) * (1 + odds),
    odds = a / (b + k - 1) * ((alpha + T) / (alpha + t_x))**(r + x) if k > 0, else 0,

where the odds are those of having left right after the last purchase: equation (6) of Fader, Hardie & Lee
(2005) and its like in Batislam, Denizel & Filiztekin (2007).
"""

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from models._columns import Array
from models._geometric_dropout import GeometricDropout
from models._maximum_likelihood import rising_factorial
from models._newton import Optimum
from models._purchase_model import PurchaseModel, limits_of_rates

# With the oldest customer's age as the unit of time. They lie where the likelihood can no longer be told from
# its limit.
LOWER = np.log([1e-6, 1e-9, 1e-6, 1e-6])
UPPER = np.log([1e6, 1e12, 1e6, 1e6])

ROWS_AT_A_TIME = 2**14  # their arrays stay in the cache
ALL_OR_NOTHING = 1e-3  # a and b both this small put every customer's probability of leaving at 0 or 1


class BetaGeometric(PurchaseModel):
    """Rates gamma distributed (r, alpha), probabilities of leaving after a purchase beta distributed (a, b)."""

    NAMES = ("r", "alpha", "a", "b")
    TIMES = (False, True, False, False)
    BOUNDS = (LOWER, UPPER)
    CHANCES_AT_FIRST: ClassVar[int]

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Probability that a customer with this history is still a customer at age T.

        Parameters
        ----------
        frequency, recency, T : array_like or float
            As in `fit`; all three broadcast.

        Returns
        -------
        ndarray or Series
            At least one-dimensional, as in lifetimes.

        References
        ----------
        Fader, P. S. & B. G. S. Hardie (2008). Computing P(alive) Using the BG/NBD Model.
        http://www.brucehardie.com/notes/021/
        """
        alive = super().conditional_probability_alive(frequency, recency, T)
        return np.atleast_1d(alive) if np.ndim(alive) == 0 else alive

    @staticmethod
    def _starts(x: Array, T: Array, counts: Array) -> list[Array]:
        """Set starts whose mean purchase rate is the observed one, for customers more and less alike."""
        rate = (counts @ x) / (counts @ T)
        return [
            np.log([r, r / rate, a, b])
            for r, a, b in [(0.5, 0.8, 2.5), (2.0, 0.1, 2.0), (0.2, 3.0, 9.0), (20.0, 1.0, 20.0), (0.5, 0.01, 0.02)]
        ]

    @classmethod
    def _chances(cls, x: Array) -> Array:
        return x + cls.CHANCES_AT_FIRST

    @classmethod
    def _while_alive(cls, theta: Array, x: Array, T: Array) -> GeometricDropout:
        r, alpha, a, b = theta
        return GeometricDropout(r + x, alpha + T, a, b + cls._chances(x))

    @classmethod
    def _sampled_share(cls, theta: Array, x: Array, T: Array, t: float) -> Array:
        return cls._while_alive(theta, x, T).buys(t)

    @classmethod
    def _sample(cls, theta: Array, x: Array, T: Array, t: float, random: np.random.Generator) -> Array:
        return cls._while_alive(theta, x, T).sample_of_buyer(t, random)

    @classmethod
    def _log_odds_of_leaving(cls, theta: Array, x: Array, t_x: Array, T: Array) -> Array:
        r, alpha, a, b = theta
        chances = cls._chances(x)
        odds = np.log(a) - np.log(b + (np.maximum(chances, 1) - 1)) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))
        return np.where(chances > 0, odds, -np.inf)

    @classmethod
    def _log_likelihood(cls, theta: Array, x: Array, t_x: Array, T: Array) -> Array:
        r, alpha, a, b = theta
        chances = cls._chances(x)
        still_here = (
            rising_factorial(r, x)[0]
            + rising_factorial(b, chances)[0]
            - rising_factorial(a + b, chances)[0]
            - r * np.log1p(T / alpha)
            - x * np.log(alpha + T)
        )
        return still_here + np.logaddexp(0, cls._log_odds_of_leaving(theta, x, t_x, T))

    @classmethod
    def _derivatives(  # type: ignore[override]
        cls, theta: Array, x: Array, t_x: Array, T: Array, counts: Array
    ) -> tuple[float, Array, Array]:
        value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
        for start in range(0, len(x), ROWS_AT_A_TIME):
            part = slice(start, start + ROWS_AT_A_TIME)
            of_part = cls._derivatives_of_part(theta, x[part], t_x[part], T[part], counts[part])
            value, gradient, hessian = value + of_part[0], gradient + of_part[1], hessian + of_part[2]
        return value, gradient, hessian

    @classmethod
    def _derivatives_of_part(
        cls, theta: Array, x: Array, t_x: Array, T: Array, counts: Array
    ) -> tuple[float, Array, Array]:
        r, alpha, a, b = theta
        chances = cls._chances(x)
        rising_r, r_1, r_2 = rising_factorial(r, x)
        rising_b, b_1, b_2 = rising_factorial(b, chances)
        rising_ab, ab_1, ab_2 = rising_factorial(a + b, chances)
        by_T, by_t_x, before_last = alpha + T, alpha + t_x, b + (np.maximum(chances, 1) - 1)
        log_odds = cls._log_odds_of_leaving(theta, x, t_x, T)
        left = expit(log_odds)
        in_time = np.log1p(T / alpha)
        value = rising_r + rising_b - rising_ab - r * in_time - x * np.log(by_T) + np.logaddexp(0, log_odds)

        # First derivatives of the log odds, then of the whole.
        slope = np.stack(
            [
                np.log1p((T - t_x) / by_t_x),
                (r + x) * (1 / by_T - 1 / by_t_x),
                np.full(x.shape, 1 / a),
                -1 / before_last,
            ]
        )
        first = left * slope
        first[0] += r_1 - in_time
        first[1] += (r * T - alpha * x) / (alpha * by_T)
        first[2] -= ab_1
        first[3] += b_1 - ab_1

        second = (slope * (counts * left * (1 - left))) @ slope.T
        here, gone = counts, counts * left
        second[0, 0] += here @ r_2
        second[1, 1] += here @ ((x * alpha**2 - r * T * (2 * alpha + T)) / (alpha * by_T) ** 2)
        second[1, 1] += gone @ ((r + x) * (1 / by_t_x**2 - 1 / by_T**2))
        second[0, 1] += here @ (T / (alpha * by_T)) + gone @ (1 / by_T - 1 / by_t_x)
        second[2, 2] += -here @ ab_2 - gone.sum() / a**2
        second[3, 3] += here @ (b_2 - ab_2) + gone @ (1 / before_last**2)
        second[2, 3] += -here @ ab_2
        second[1, 0], second[3, 2] = second[0, 1], second[2, 3]
        return float(counts @ value), first @ counts, second

    @staticmethod
    def _limits(optimum: Optimum, units: Array) -> tuple[Array, list[str]]:
        low, high = optimum.at_lower, optimum.at_upper
        a, b = np.exp(optimum.log_params[2:])
        limited = optimum.pinned.copy()
        leaving = a / (a + b)
        rates_limited, notes = limits_of_rates(optimum, units)
        if rates_limited:
            limited[:2] = True
        if low[3] and not low[2] and a > ALL_OR_NOTHING:
            limited[2:] = True
            notes.append(
                "Nobody is seen to stay: b went to 0, so every customer leaves at the first opportunity and a "
                "means nothing."
            )
        elif (low[2] or low[3]) and leaving > ALL_OR_NOTHING:
            limited[2:] = True
            notes.append(
                "Leaving is all or nothing: a and b went to 0 together, so that a share of "
                f"{leaving:.4g} leaves at the first opportunity and the others never."
            )
        elif low[2]:
            limited[2:] = True
            notes.append("Nobody is seen to leave: a went to 0, so every customer counts as alive and b means nothing.")
        elif high[2] or high[3]:
            limited[2:] = True
            notes.append(
                "The probability of leaving doesn't differ between customers beyond chance: a and b grew "
                f"together, and everybody leaves after a purchase with probability {leaving:.4g}."
            )
        return limited, notes
