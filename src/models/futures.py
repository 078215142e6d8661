"""Futures of each customer, drawn one by one: what they bring, and what they don't because they leave.

A customer of BG/NBD (Fader, Hardie & Lee 2005, "Counting Your Customers" the Easy Way, *Marketing Science* 24(2))
would buy at the rate lambda if never leaving, and leaves after each purchase with the probability p. So a future has
two counts: the purchases there would be if the customer stayed for the whole horizon, Poisson, and those up to the
one followed by leaving, geometric. What lies between the two is lost. Whoever has left already loses all of them.

Given the history (x, t_x, T), with the parameters r, alpha, a, b:

- still a customer: lambda is Gamma(r + x, alpha + T), p is Beta(a, b + x);
- left after the last purchase: lambda is Gamma(r + x, alpha + t_x).

Two things make one future unlike another: what isn't known of the customer (lambda, p, whether they have left, the
mean of their spend), and luck. `Futures.expected` has the first alone: what is expected once these are drawn.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import exprel

from models._columns import Array, distinct_of
from models.bgnbd import BGNBD
from models.gamma_gamma import sample_total_spend
from models.posterior import Posterior

CELLS = 1_600_000  # customers times futures, at most
FEWEST, MOST = 64, 500  # futures
SMALLEST_PROBABILITY = 1e-18  # below it the geometric generator overflows
SMALLEST_RATE = 1e-200  # below it a mean spend overflows


class Futures(NamedTuple):
    """What customers spend in equally likely futures, each an array of shape (customers drawn, futures).

    Attributes
    ----------
    rows : ndarray of int, shape (customers drawn,)
        Which rows of the summary were drawn: all of them, or in a large base a random sample.
    brought : ndarray
        Spent within the horizon, in the summary's money, not discounted.
    lost_ahead : ndarray
        What those still here don't spend because they leave within the horizon.
    lost_already : ndarray
        What those who have left would have spent had they stayed.
    expected : ndarray
        What a customer with the rate, leaving and mean spend drawn is expected to spend, without luck.
    """

    rows: Array
    brought: Array
    lost_ahead: Array
    lost_already: Array
    expected: Array


def draw_futures(
    purchase_posterior: Posterior, spend_posterior: Posterior, summary: pd.DataFrame, t: float, *, seed: int = 0
) -> Futures:
    """Draw futures of a base's customers.

    Each future has parameters of its own, from the posterior, so that the draws carry the uncertainty of the
    parameters, of each customer's rate and leaving, and of spend.

    Parameters
    ----------
    purchase_posterior : Posterior
        Of a `BGNBD`: r, alpha, a, b.
    spend_posterior : Posterior
        Of a `GammaGamma`: p, q, v.
    summary : DataFrame
        frequency, recency, T and monetary_value, one row a customer.
    t : float
        How far ahead to look, in the unit of recency and T.
    seed : int, default 0

    Returns
    -------
    Futures
        From 500 futures of a small base down to 64; of a base of more than 25,000 customers those of a random sample.
    """
    random = np.random.default_rng(seed)
    most = CELLS // FEWEST
    rows = np.arange(len(summary))
    if len(rows) > most:
        rows = np.sort(random.choice(rows, most, replace=False))
    futures = int(np.clip(CELLS // max(1, len(rows)), FEWEST, MOST))
    theta = purchase_posterior.sample(futures, random)
    spend_theta = spend_posterior.sample(futures, random)
    taken = summary.iloc[rows]
    x, t_x, age, mean_spend = (
        taken[name].to_numpy(float)[:, np.newaxis] for name in ("frequency", "recency", "T", "monetary_value")
    )
    r, alpha, a, b = theta
    histories, history = distinct_of({"x": x[:, 0], "t_x": t_x[:, 0], "T": age[:, 0]})
    alive = BGNBD._probability_alive(theta, *(each[:, np.newaxis] for each in histories.values()))
    here = random.random((len(rows), futures)) < alive[history]
    rate = random.standard_gamma(r + x, (len(rows), futures)) / (alpha + np.where(here, age, t_x))
    would_buy = random.poisson(rate * t)
    bought = np.where(here, would_buy, 0)
    buying = np.nonzero(bought)
    leaves = random.beta(a[buying[1]], b[buying[1]] + x[buying[0], 0])
    ends = random.geometric(np.clip(leaves, SMALLEST_PROBABILITY, 1.0))
    bought[buying] = np.minimum(bought[buying], ends)
    spent = sample_total_spend(spend_theta, would_buy, x, mean_spend, random)
    # of one customer's purchases none is expected to be dearer than another, so the total is shared out by number
    share = np.divide(bought, would_buy, out=np.zeros(would_buy.shape), where=would_buy > 0)
    brought = spent * share
    lost = spent - brought
    p, q, v = spend_theta
    # (1 - exp(-lambda p t)) / p, which loses its digits where p is small
    would_leave = random.beta(a, b + x, rate.shape)
    purchases = np.where(here, rate * t * exprel(-rate * would_leave * t), 0.0)
    known = np.where(x > 0, x * mean_spend, 0.0)
    spend = p * (v + known) / np.maximum(random.standard_gamma(p * x + q), SMALLEST_RATE)
    return Futures(rows, brought, np.where(here, lost, 0.0), np.where(here, 0.0, lost), purchases * spend)


def expected_if_nobody_left(model: BGNBD, frequency: Any, recency: Any, T: Any, t: float) -> tuple[Array, Array]:
    """Purchases expected in the next `t` from customers who never leave.

    Parameters
    ----------
    model : BGNBD
        Fitted.
    frequency, recency, T : array_like of shape (n,)
        Histories, in the model's unit.
    t : float
        How far ahead to look, in the model's unit; (1 - exp(-delta t)) / delta for purchases discounted at delta.

    Returns
    -------
    here, gone : ndarray of shape (n,)
        By the probability that they are still customers, and by the probability that they have left; their sum is
        what would be bought if nobody ever left.
    """
    r, alpha = (float(model.params_[name]) for name in ("r", "alpha"))
    x, t_x, age = (np.asarray(each, dtype=float) for each in (frequency, recency, T))
    alive = np.asarray(model.conditional_probability_alive(x, t_x, age))
    return alive * (r + x) / (alpha + age) * t, (1 - alive) * (r + x) / (alpha + t_x) * t


def probability_of_leaving(model: BGNBD, frequency: Any, recency: Any, T: Any, t: float) -> Array:
    """Probability of being a customer still and leaving within the next `t`.

    Parameters
    ----------
    model : BGNBD
        Fitted.
    frequency, recency, T : array_like of shape (n,)
        Histories, in the model's unit.
    t : float
        How far ahead to look, in the model's unit.

    Returns
    -------
    ndarray of shape (n,)

    Notes
    -----
    Each purchase expected in `t` is followed by leaving with the probability p, so it is E[p N(t)]. Under the Beta
    weights of p that is its mean a / (a + b + x) times the purchases expected with a + 1 in the place of a.
    """
    r, alpha, a, b = (float(model.params_[name]) for name in ("r", "alpha", "a", "b"))
    columns = {name: np.asarray(each, dtype=float) for name, each in (("x", frequency), ("t_x", recency), ("T", T))}
    histories, history = distinct_of(columns)
    x, t_x, age = histories.values()
    alive = np.asarray(model.conditional_probability_alive(x, t_x, age))
    theta = np.array([r, alpha, a + 1, b])
    leaves = a / (a + b + x) * BGNBD._while_alive(theta, x, age).expected(np.full(len(x), float(t)))
    return (alive * np.minimum(leaves, 1.0))[history]
