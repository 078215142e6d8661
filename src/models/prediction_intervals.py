"""What customers will buy and bring, with how sure that is.

A forecast is uncertain for three reasons, and the intervals here carry all three: the parameters are estimated
(they are drawn from their posterior); purchases and leaving are random; and so is what a purchase brings.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from models._columns import Array, distinct_of
from models.gamma_gamma import sample_total_spend
from models.posterior import Posterior

PARAMETER_DRAWS = 32  # posterior draws that a distribution of counts is averaged over
CHUNK = 1_000_000  # elements held at a time
FUTURES_AT_A_TIME = 250_000  # by each thread
THREADS = 2  # sorting and most of numpy run outside the interpreter's lock
SIMULATED = 10_000_000  # futures simulated at most, but for the fewest draws
FEWEST_FUTURES, MOST_FUTURES = 100, 1000
ORDERS = 256  # of the futures, dealt out to the customers so that one's luck is not another's


class Interval(NamedTuple):
    """Bounds of an interval, arrays of one shape or floats."""

    low: Any
    high: Any


class BaseForecast(NamedTuple):
    """Simulated futures of a customer base, summed up.

    Attributes
    ----------
    customers : DataFrame
        value_low and value_high, a row for each customer.
    purchases, value : ndarray of shape (futures,)
        Totals of the base, an equally likely future each.
    """

    customers: pd.DataFrame
    purchases: Array
    value: Array


def probability_of_at_least(
    model: Any, posterior: Posterior, n: Any, t: Any, frequency: Any, recency: Any, T: Any, seed: Any = 0
) -> Array:
    """Predictive probability that a customer makes `n` purchases or more in the next `t`.

    Parameters
    ----------
    model : BGNBD, ModifiedBGNBD or ParetoNBD
        Fitted.
    posterior : Posterior
        Of its parameters.
    n : array_like of int, shape (customers,) or scalar
    t : array_like of shape (customers,) or float
        Time ahead, in the model's unit.
    frequency, recency, T : array_like of shape (customers,)
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    ndarray of shape (customers,)
    """
    distinct, of_row = _distinct_futures(t, frequency, recency, T, n)
    number = distinct.pop("n")
    counts = _Counts(model, posterior.sample(PARAMETER_DRAWS, seed), distinct)
    return counts.at_least(number, np.arange(len(number)))[of_row]


def purchase_intervals(
    model: Any,
    posterior: Posterior,
    t: Any,
    frequency: Any,
    recency: Any,
    T: Any,
    coverage: float = 0.8,
    seed: Any = 0,
) -> Interval:
    """Interval of each customer's purchases in the next `t`.

    Counts are discrete, so the interval holds at least `coverage`, and often more.

    Parameters
    ----------
    model : BGNBD, ModifiedBGNBD or ParetoNBD
        Fitted.
    posterior : Posterior
        Of its parameters.
    t : array_like of shape (customers,) or float
        Time ahead, in the model's unit.
    frequency, recency, T : array_like of shape (customers,)
    coverage : float, default 0.8
        With equal tails.
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    Interval of ndarray of int, shape (customers,)
    """
    distinct, of_row = _distinct_futures(t, frequency, recency, T)
    theta = posterior.sample(PARAMETER_DRAWS, seed)
    low, high = bounds = np.empty((2, len(distinct["x"])), dtype=int)
    for part in np.array_split(np.arange(len(low)), len(low) * PARAMETER_DRAWS // CHUNK + 1):
        counts = _Counts(model, theta, {name: values[part] for name, values in distinct.items()})
        bounds[:, part] = [counts.quantile(share) for share in ((1 - coverage) / 2, (1 + coverage) / 2)]
    return Interval(low[of_row], high[of_row])


def forecast_base(
    purchase_model: Any,
    purchase_posterior: Posterior,
    spend_posterior: Posterior | None,
    t: float,
    summary: pd.DataFrame,
    worth: Any = 1.0,
    coverage: float = 0.8,
    futures: int | None = None,
    seed: Any = 0,
) -> BaseForecast:
    """Simulate futures of the whole base: intervals of each customer's value, and of the totals.

    Parameters
    ----------
    purchase_model : BGNBD, ModifiedBGNBD or ParetoNBD
        Fitted.
    purchase_posterior : Posterior
        Of its parameters.
    spend_posterior : Posterior or None
        Of the gamma-gamma model's parameters. None leaves the values NaN.
    t : float
        Time ahead, in the model's unit.
    summary : DataFrame
        frequency, recency, T and monetary_value, a row for each customer.
    worth : array_like of shape (customers,) or float, default 1.0
        Value today of a unit of money spent: margin times discount.
    coverage : float, default 0.8
    futures : int, optional
        How many to simulate; by default from 1,000 for small bases down to 100 for millions of customers.
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    BaseForecast
    """
    customers = len(summary)
    if futures is None:
        futures = int(np.clip(SIMULATED // max(customers, 1), FEWEST_FUTURES, MOST_FUTURES))
    random = np.random.default_rng(seed)
    theta = purchase_posterior.sample(futures, random)
    # Unknown prices make unknown values, without a case of their own.
    unknown = np.full((3, futures), np.nan)
    spend_theta = unknown if spend_posterior is None else spend_posterior.sample(futures, random)
    spend = summary["monetary_value"].to_numpy(dtype=float)
    worth = np.broadcast_to(np.asarray(worth, dtype=float), (customers,))
    histories = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    distinct, history = distinct_of(dict(zip(("x", "t_x", "T"), histories, strict=True)))
    bounds = np.empty((2, customers))
    # Spread evenly over a customer's futures, in fractions of 2**32: sums of these lose their whole part by themselves.
    even = np.arange(futures) * 2.0**32 / futures
    spread = random.permuted(np.tile(even.astype(np.uint32), (ORDERS, 1)), axis=1)

    def simulate(rows: Array, random: np.random.Generator) -> Array:
        """Purchases and value by future; the bounds of each customer's value are filled in."""
        present, of_row = np.unique(history[rows], return_inverse=True)
        x, t_x, age = (distinct[name][present, np.newaxis] for name in ("x", "t_x", "T"))
        share = purchase_model._probability_alive(theta, x, t_x, age)
        share *= purchase_model._sampled_share(theta, x, age, t)
        below = np.minimum(share * 2.0**32, 2.0**32 - 1).astype(np.uint32)
        start = random.integers(2**32, size=(len(rows), 1), dtype=np.uint32)
        place = start + spread[random.integers(ORDERS, size=len(rows))]
        pairs = np.flatnonzero(place < below[of_row])
        lives, future = np.divmod(pairs, futures)
        x, age = x[of_row[lives], 0], age[of_row[lives], 0]
        bought = purchase_model._sample(np.take(theta, future, axis=1), x, age, t, random)
        at = rows[lives]
        spent = sample_total_spend(np.take(spend_theta, future, axis=1), bought, x, spend[at], random)
        by_row = np.zeros((len(rows), futures))
        by_row.ravel()[pairs] = spent
        # A negative worth turns the bounds round.
        bounds[:, rows] = np.sort(_equal_tails(by_row, coverage) * worth[rows], axis=0)
        return np.array([np.bincount(future, each, minlength=futures) for each in (bought, worth[at] * spent)])

    parts = np.array_split(np.argsort(history, kind="stable"), customers * futures // FUTURES_AT_A_TIME + 1)
    # Each part has a generator of its own, so that the threads' order doesn't matter.
    with ThreadPoolExecutor(THREADS) as pool:
        simulated = list(pool.map(simulate, parts, random.spawn(len(parts))))
    purchases, value = np.sum(simulated, axis=0)
    return BaseForecast(pd.DataFrame(bounds.T, columns=["value_low", "value_high"], copy=False), purchases, value)


def interval_of(totals: Array, coverage: float = 0.8) -> Interval:
    """Interval with equal tails of equally likely totals.

    Parameters
    ----------
    totals : ndarray of shape (futures,)
    coverage : float, default 0.8

    Returns
    -------
    Interval of float
    """
    low, high = np.quantile(totals, [(1 - coverage) / 2, (1 + coverage) / 2], method="weibull")
    return Interval(float(low), float(high))


def _equal_tails(spent: Array, coverage: float) -> Array:
    """Quantiles of each row of amounts at 0 or above, by Weibull's rule; its order is lost.

    Returns
    -------
    ndarray of shape (2, rows)
    """
    futures = spent.shape[1]
    ranks = np.clip(np.array([1 - coverage, 1 + coverage]) / 2 * (futures + 1), 1, futures) - 1
    below = np.floor(ranks).astype(int)
    above = np.minimum(below + 1, futures - 1)
    spent.sort(axis=1)  # several times faster than the partition by np.quantile
    return (spent[:, below] + (ranks - below) * (spent[:, above] - spent[:, below])).T


class _Counts:
    """Predictive distributions of counts: mixtures over draws of the parameters."""

    def __init__(self, model: Any, theta: Array, distinct: dict[str, Array]) -> None:
        self.model = model
        self.theta = theta
        self.distinct = distinct
        histories = (distinct[name][:, np.newaxis] for name in ("x", "t_x", "T"))
        self.alive = model._probability_alive(self.theta, *histories)

    def at_least(self, n: Array, rows: Array) -> Array:
        """Probability of `n` or more for these of the distinct rows."""
        x, age, t = (self.distinct[name][rows] for name in ("x", "T", "t"))
        # While alive only (x, T) counts: worked out once for each combination.
        distinct, of_row = distinct_of({"n": n, "x": x, "T": age, "t": t})
        reached = np.empty((len(distinct["n"]), self.theta.shape[1]))
        for part in np.array_split(np.arange(len(reached)), reached.size // CHUNK + 1):
            number, x, age, t = (distinct[name][part, np.newaxis] for name in ("n", "x", "T", "t"))
            reached[part] = self.model._while_alive(self.theta, x, age).at_least(number, t)
        mean = np.einsum("ij,ij->i", self.alive[rows], reached[of_row]) / self.theta.shape[1]
        return np.where(n > 0, mean, 1.0)

    def quantile(self, share: float) -> Array:
        """Least count that is not exceeded with a probability of `share`, for each distinct row."""
        customers = len(self.alive)
        exceeded = np.full(customers, -1)  # counts exceeded too often, and counts that aren't
        enough = np.zeros(customers, dtype=int)
        rows = np.arange(customers)
        while len(rows):
            over = self.at_least(enough[rows] + 1, rows) > 1 - share
            rows = rows[over]
            exceeded[rows] = enough[rows]
            enough[rows] = 2 * enough[rows] + 1
        rows = np.flatnonzero(enough - exceeded > 1)
        while len(rows):
            middle = (exceeded[rows] + enough[rows]) // 2
            over = self.at_least(middle + 1, rows) > 1 - share
            exceeded[rows[over]] = middle[over]
            enough[rows[~over]] = middle[~over]
            rows = rows[enough[rows] - exceeded[rows] > 1]
        return enough


def _distinct_futures(t: Any, frequency: Any, recency: Any, T: Any, n: Any = None) -> tuple[dict[str, Array], Array]:
    given = {"x": frequency, "t_x": recency, "T": T, "t": t, **({} if n is None else {"n": n})}
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(each, dtype=float)) for each in given.values()))
    return distinct_of(dict(zip(given, arrays, strict=True)))
