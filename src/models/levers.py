"""What would move a base's profit: better new customers, more regulars, a larger mean purchase, more retention.

All of it rests on BG/NBD and gamma-gamma as fitted to the base. Over a horizon of H the customers of today make
E[X_i(H)] further purchases each, of s_i in the mean, of which the margin m_i stays, less the cost of an order; and as
many new customers as a year brought in the past arrive evenly, each with a first purchase and what follows from it.
Nothing is discounted. The levers, each by a share d:

- better new customers: every new customer makes d more repeat purchases, the first one and their size as ever;
- more regulars: of the customers of today who bought once or twice and are still alive by the model, the share d,
  taken at random, buy from now on as often as the mean of those who bought three times or more and are alive;
- a larger mean purchase: every purchase, of today's customers and of new ones, is larger by d, and there are as many.

Retention from year to year is R = W(2) / W(1) - 1, where W(t) is the revenue that today's customers are expected to
bring within t years: of what they bring in a year, so much they bring again in the year after. Where a customer leaves
at a constant rate and spends evenly, this is the share of customers kept. It is raised by multiplying everybody's
probability of leaving after a purchase by one number c < 1, which gives R exactly the points asked for. With p the
probability of leaving and lambda the purchase rate,

    E[X(t) | alive] = (1 - exp(-c p lambda t)) / (c p),

whose mean over customers is E_1[X(c t)] / c. What the points are worth is told twice: over the horizon, and over a
customer's life, discounted, as the literature has it: Reichheld & Sasser (1990), Zero Defections: Quality Comes to
Services, *Harvard Business Review* 68(5), 105-111, and Reichheld (1996), *The Loyalty Effect*, find that five points
more bring 25 to 95% more, by industry.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from models._columns import Array
from models.lifetime_value import force_of_interest
from models.posterior import Posterior
from models.prediction_intervals import interval_of
from models.rfm import DAYS_PER_UNIT

#: The profit that five points more retention bring, least and most by industry (Reichheld 1996).
LITERATURE = 0.25, 0.95
LIFE_YEARS = 20.0
REGULAR_FROM = 2  # repeat purchases: the third purchase makes a regular
SIMULATED, NEW_SIMULATED = 2000, 200  # customers of today, and new ones, in each future
FUTURES, AT_ESTIMATES = 100, 100  # at drawn parameters, and at the estimates
NODES = 24  # Gauss-Legendre, over the days on which new customers arrive, and over a life in the cube root of time
HALVINGS = 20
SMALLEST_PROBABILITY = 1e-12  # of leaving
GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples lie evenly between 0 and 1, however many there are

BETTER_NEW, REGULARS, PURCHASE = "better new customers", "more regulars", "a larger mean purchase"


class Estimate(NamedTuple):
    """An expectation with its interval; NaN where that isn't known.

    The interval is that of the expectation, if the models hold: how sure their parameters are. What customers really
    bring differs from it by chance as well, so it lies in the interval less often than the coverage says.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Terms:
    """What the simulation rests on beside the models.

    Attributes
    ----------
    horizon_days : float
    annual_discount_rate : float
        Effective, per year of 365.25 days; of values over a life only.
    time_unit : str
        The unit the model of purchases was fitted in.
    newcomers : float
        New customers to come within the horizon.
    first_purchase : float
        Mean amount of a new customer's first purchase.
    order_cost : float, default 0.0
        What an order costs beside the goods; not looked at without a margin.
    lever : float, default 0.10
    retention_points : float, default 0.05
    alive_limit : float, default 0.5
        Probability of being alive from which a customer counts as alive.
    """

    horizon_days: float
    annual_discount_rate: float
    time_unit: str
    newcomers: float
    first_purchase: float
    order_cost: float = 0.0
    lever: float = 0.10
    retention_points: float = 0.05
    alive_limit: float = 0.5

    def per_year(self) -> float:
        """Return a year in the time unit."""
        return DAYS_PER_UNIT["year"] / DAYS_PER_UNIT[self.time_unit]

    def horizon(self) -> float:
        """Return the horizon in the time unit."""
        return self.horizon_days / DAYS_PER_UNIT[self.time_unit]


@dataclass(frozen=True)
class Retention:
    """What more retention is worth.

    Attributes
    ----------
    rate : Estimate
        Today's from year to year.
    kept : float
        What everybody's probability of leaving is multiplied by to raise it; NaN where it can't be raised so far,
        and then the others are NaN too.
    gain : Estimate
        Profit over the horizon.
    life : Estimate
        Share by which the value of today's customers over `LIFE_YEARS` grows, discounted.
    """

    rate: Estimate
    kept: float
    gain: Estimate
    life: Estimate


class Gain(NamedTuple):
    """What a lever adds to the profit over the horizon, and how many customers it concerns."""

    lever: str
    customers: float
    profit: Estimate


@dataclass(frozen=True)
class Levers:
    """What the levers move.

    Attributes
    ----------
    today : Estimate
        Profit over the horizon if nothing changes: the sum of the next two.
    of_customers, of_newcomers : float
        Of today's customers, and of those to come.
    gains : tuple of Gain
        Of `BETTER_NEW`, `REGULARS` and `PURCHASE`, in this order.
    retention : Retention
    """

    today: Estimate
    of_customers: float
    of_newcomers: float
    gains: tuple[Gain, ...]
    retention: Retention


def simulate_levers(
    summary: pd.DataFrame,
    purchase_model: Any,
    spend_model: Any,
    terms: Terms,
    *,
    margin: Any = None,
    purchase_posterior: Posterior | None = None,
    spend_posterior: Posterior | None = None,
    coverage: float = 0.8,
    seed: Any = 0,
) -> Levers:
    """Simulate the levers on a base.

    Totals come from all customers and the models' own forecasts. How sure they are, and what retention is worth,
    comes from futures of some thousand customers, taken with probabilities in proportion to what they count.

    Parameters
    ----------
    summary : DataFrame
        As `models.rfm.rfm_summary` gives it: frequency, recency, T and monetary_value, one row a customer.
    purchase_model : BGNBD
        Fitted.
    spend_model : GammaGamma
        Fitted.
    terms : Terms
    margin : array_like of shape (n,) or float, optional
        Share of revenue that is profit, of each customer or of all. By default profit is revenue.
    purchase_posterior, spend_posterior : Posterior, optional
        What is known of the parameters. Without both of them there are no intervals.
    coverage : float, default 0.8
        Of the intervals of the expectations.
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    Levers

    Raises
    ------
    ValueError
        If the mean purchase is infinite by the gamma-gamma model (q is 1 or less).
    """
    if not spend_model.params_["q"] > 1:
        raise ValueError("By the gamma-gamma model the mean purchase is infinite: a few amounts outweigh all others.")
    customers = _Customers.of(summary, purchase_model, spend_model, terms, margin)
    exact = customers.totals(terms)
    random = np.random.default_rng(seed)
    sample = customers.sample(random)
    estimates = purchase_model.params_.to_numpy()[:, np.newaxis], spend_model.params_.to_numpy()[:, np.newaxis]
    plain = _Futures.drawn(purchase_model, *estimates, sample, random.random(AT_ESTIMATES))
    # a single factor for all futures at the estimates, which are then one large sample
    kept = plain.factor(terms, together=True)
    once, more = plain.profit(terms).mean(), plain.profit(terms, kept).mean()
    point = exact | {
        "retention": (more / once - 1) * exact["today"],
        "rate": customers.rate,
        "life": plain.life_value(terms, kept).mean() / plain.life_value(terms).mean() - 1,
    }
    found = {name: Estimate(float(value), np.nan, np.nan) for name, value in point.items()}
    if purchase_posterior is not None and spend_posterior is not None:
        drawn = purchase_posterior.sample(FUTURES, random), spend_posterior.sample(FUTURES, random)
        # the estimates come first: what the others differ by is then their parameters' doing and not the sample's
        theta, spend_theta = (np.hstack([estimate, draws]) for estimate, draws in zip(estimates, drawn, strict=True))
        spread = _Futures.drawn(purchase_model, theta, spend_theta, sample, random.random(1))
        found = _intervals(point, spread, terms, coverage)
    concerned = {
        BETTER_NEW: terms.newcomers,
        REGULARS: terms.lever * customers.indifferent.sum(),
        PURCHASE: len(summary) + terms.newcomers,
    }
    gains = tuple(Gain(lever, float(number), found[lever]) for lever, number in concerned.items())
    retention = Retention(found["rate"], float(kept), found["retention"], found["life"])
    return Levers(found["today"], float(exact["customers"]), float(exact["newcomers"]), gains, retention)


def _intervals(point: dict[str, Any], spread: "_Futures", terms: Terms, coverage: float) -> dict[str, Estimate]:
    """Median and interval of each number: by how much it differs at drawn parameters from what it is at the estimates.

    On a small base the estimates may lie far out in what is known of the parameters, so they are no centre.
    """
    kept = spread.factor(terms)
    drawn = spread.totals(terms) | {
        "retention": spread.profit(terms, kept) - spread.profit(terms),
        "life": spread.life_value(terms, kept) / spread.life_value(terms) - 1,
    }
    away = {name: each[1:] * (point[name] / each[0] if each[0] else 1.0) for name, each in drawn.items()}
    rate = spread.rate(terms)
    away["rate"] = point["rate"] + rate[1:] - rate[0]
    return {name: _estimate(float(point[name]), values, coverage) for name, values in away.items()}


def _estimate(value: float, values: Array, coverage: float) -> Estimate:
    # where the mean purchase is infinite at some of the drawn parameters, or retention can't be raised so far
    known = values[np.isfinite(values)]
    if 2 * len(known) <= len(values) or not np.isfinite(value):
        return Estimate(value, np.nan, np.nan)
    return Estimate(float(np.median(known)), *interval_of(known, coverage))


@dataclass(frozen=True)
class _Customers:
    """What the models expect of all customers; arrays of shape (n,).

    Attributes
    ----------
    histories : ndarray of shape (4, n)
        frequency, recency, T and mean spend.
    expected : ndarray
        Purchases over the horizon.
    spend, margin : ndarray
        Mean amount of a purchase; share of it that is profit.
    indifferent, regular : ndarray of bool
        Bought once or twice; three times or more; of both those who are alive.
    rate : float
        What they bring in the second year, per what they bring in the first.
    new_expected, new_spend, new_margin : float
        Repeat purchases of a new customer within the horizon, their mean amount, and the share that is profit.
    order_cost : float
    """

    histories: Array
    expected: Array
    spend: Array
    margin: Array
    indifferent: Array
    regular: Array
    rate: float
    new_expected: float
    new_spend: float
    new_margin: float
    order_cost: float

    @classmethod
    def of(cls, summary: pd.DataFrame, model: Any, spend_model: Any, terms: Terms, margin: Any) -> "_Customers":
        x, t_x, age = (summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
        mean = np.where(x > 0, summary["monetary_value"].to_numpy(dtype=float), 0.0)
        horizon = terms.horizon()
        expected = model.conditional_expected_number_of_purchases_up_to_time(horizon, x, t_x, age)
        spend = np.asarray(spend_model.conditional_expected_average_profit(x, mean))
        share = np.broadcast_to(1.0 if margin is None else np.asarray(margin, dtype=float), x.shape)
        alive = model.conditional_probability_alive(x, t_x, age) >= terms.alive_limit
        one, two = (
            spend @ model.conditional_expected_number_of_purchases_up_to_time(t, x, t_x, age)
            for t in (terms.per_year(), 2 * terms.per_year())
        )
        p, q, v = spend_model.params_.to_numpy()
        points, weights = np.polynomial.legendre.leggauss(NODES)
        in_time = model.expected_number_of_purchases_up_to_time(horizon * (points + 1) / 2)
        return cls(
            np.array([x, t_x, age, mean]),
            expected,
            spend,
            share,
            alive & (x < REGULAR_FROM),
            alive & (x >= REGULAR_FROM),
            float(two / one) - 1,
            float(weights @ in_time / 2),
            float(p * v / (q - 1)),
            float(np.average(share, weights=expected * spend if expected.any() else None)),
            0.0 if margin is None else terms.order_cost,
        )

    def totals(self, terms: Terms) -> dict[str, Any]:
        """Return the profit over the horizon and what the levers add to it."""
        customers = len(self.spend)
        return _totals(self, np.ones(customers), self.expected, self.spend, self.new_expected, self.new_spend, terms)

    def sample(self, random: np.random.Generator) -> "_Sample":
        """Choose the customers whose futures are simulated: all of them, several times over, where they are few."""
        customers = len(self.spend)
        if customers <= SIMULATED:
            times = -(-SIMULATED // customers)
            return _Sample(self, np.tile(np.arange(customers), times), np.full(customers * times, 1 / times))
        worth = np.abs(self.expected * (self.spend * self.margin - self.order_cost))
        size = (worth / worth.sum() + 1 / customers) / 2
        # in order of what they count, so that every part of the base has its share in the sample
        order = np.lexsort((worth, self.histories[0]))
        places = (np.arange(SIMULATED) + random.random()) / SIMULATED
        chosen = order[np.minimum(np.searchsorted(np.cumsum(size[order]), places), customers - 1)]
        return _Sample(self, chosen, 1 / (SIMULATED * size[chosen]))


@dataclass(frozen=True)
class _Sample:
    """Customers whose futures are simulated: which of all they are, and how many each stands for."""

    customers: _Customers
    chosen: Array
    weight: Array


def _totals(
    customers: _Customers,
    weight: Array,
    expected: Array,
    spend: Array,
    new_expected: Any,
    new_spend: Any,
    terms: Terms,
    chosen: Any = slice(None),
) -> dict[str, Any]:
    """Add up profit and what the levers add, over customers of shape (m,) or (m, futures)."""
    margin = customers.margin[chosen].reshape(-1, *(1,) * (expected.ndim - 1))
    gross = margin * spend
    net = gross - customers.order_cost
    indifferent = weight * customers.indifferent[chosen]
    regular = weight * customers.regular[chosen]
    usual = (regular @ expected) / regular.sum() if regular.any() else np.nan
    new_gross = customers.new_margin * new_spend
    repeat = terms.newcomers * new_expected * (new_gross - customers.order_cost)
    first = terms.newcomers * (customers.new_margin * terms.first_purchase - customers.order_cost)
    of_customers = weight @ (expected * net)
    purchased = weight @ (expected * gross)
    purchased = purchased + terms.newcomers * (customers.new_margin * terms.first_purchase + new_expected * new_gross)
    return {
        "customers": of_customers,
        "newcomers": first + repeat,
        "today": of_customers + first + repeat,
        BETTER_NEW: terms.lever * repeat,
        REGULARS: terms.lever * (indifferent @ (net * (usual - expected))),
        PURCHASE: terms.lever * purchased,
    }


@dataclass(frozen=True)
class _Futures:
    """Customers with the probabilities of leaving they may have, in each future; arrays of shape (m, futures).

    Purchase rates need no drawing: given p, the mean of (1 - exp(-p lambda t)) / p over the gamma distribution with
    shape r + x and rate alpha + T is (1 - (1 + p t / (alpha + T))**-(r + x)) / p.

    Attributes
    ----------
    sample : _Sample
    alive : ndarray
        Probability of being alive.
    shape, scale : ndarray
        r + x and alpha + T.
    leaving, spend : ndarray
        The probability of leaving after a purchase, and the mean amount of one.
    new_shape, new_scale, new_spend : ndarray of shape (futures,)
        r, alpha and the mean amount of a new customer's repeat purchases.
    new_leaving : ndarray
    there : ndarray of shape (m, 1)
        The part of the horizon that is left when a new customer has come.
    """

    sample: _Sample
    alive: Array
    shape: Array
    scale: Array
    leaving: Array
    spend: Array
    new_shape: Array
    new_scale: Array
    new_spend: Array
    new_leaving: Array
    there: Array

    @classmethod
    def drawn(cls, model: Any, theta: Array, spend_theta: Array, sample: _Sample, start: Array) -> "_Futures":
        """Draw futures at parameters of shape (4, k) and (3, k), from as many starts, or all from one."""
        r, alpha, a, b = theta
        p, q, v = spend_theta
        x, t_x, age, mean = sample.customers.histories[:, sample.chosen, np.newaxis]
        place, new_place = ((np.arange(number)[:, np.newaxis] + 0.5) for number in (len(x), NEW_SIMULATED))
        leaving, new_leaving = (
            np.maximum(betaincinv(a, b + bought, (each * GOLDEN + start) % 1), SMALLEST_PROBABILITY)
            for bought, each in ((x, place), (0, new_place))
        )
        finite = np.where(q > 1, 1.0, np.nan)
        return cls(
            sample,
            model._probability_alive(theta, x, t_x, age),
            r + x,
            alpha + age,
            leaving,
            finite * p * (v + x * mean) / (p * x + q - 1),
            r,
            alpha,
            finite * p * v / (q - 1),
            new_leaving,
            new_place / NEW_SIMULATED,
        )

    def totals(self, terms: Terms) -> dict[str, Array]:
        """Return profit and what the levers add, in each future."""
        sample = self.sample
        expected, new_expected = self._purchases(terms.horizon(), 1.0), self._of_newcomer(terms, 1.0)
        return _totals(
            sample.customers, sample.weight, expected, self.spend, new_expected, self.new_spend, terms, sample.chosen
        )

    def profit(self, terms: Terms, kept: Any = 1.0) -> Array:
        """Return profit over the horizon in each future, with leaving made `kept` times as likely."""
        customers = self.sample.customers
        first = customers.new_margin * terms.first_purchase - customers.order_cost
        repeat = self._of_newcomer(terms, kept) * (customers.new_margin * self.new_spend - customers.order_cost)
        of_customers = self.sample.weight @ (self._purchases(terms.horizon(), kept) * self._net())
        return np.asarray(of_customers + terms.newcomers * (first + repeat))

    def life_value(self, terms: Terms, kept: Any = 1.0) -> Array:
        """Return the discounted value of today's customers in each future."""
        # by parts, as in `models.lifetime_value`: exp(-d L) E(L) + d times the integral of exp(-d t) E(t)
        discount = force_of_interest(terms.annual_discount_rate, terms.time_unit)
        life = LIFE_YEARS * terms.per_year()
        points, weights = np.polynomial.legendre.leggauss(NODES)
        root = (points + 1) / 2
        times, weights = life * root**3, life * 3 * root**2 * weights / 2
        purchases = np.exp(-discount * life) * self._purchases(life, kept)
        for t, weight in zip(times, weights, strict=True):
            purchases += discount * weight * np.exp(-discount * t) * self._purchases(t, kept)
        return np.asarray(self.sample.weight @ (purchases * self._net()))

    def rate(self, terms: Terms, kept: Any = 1.0, together: bool = False) -> Array:
        """Return what today's customers bring in the second year, per what they bring in the first."""
        year = terms.per_year()
        one, two = (self.sample.weight @ (self.spend * self._purchases(t, kept)) for t in (year, 2 * year))
        return np.asarray(two.mean(keepdims=True) / one.mean(keepdims=True) if together else two / one) - 1

    def factor(self, terms: Terms, together: bool = False) -> Array:
        """Find what leaving is to be multiplied by; NaN where no factor raises retention so far."""
        asked = self.rate(terms, together=together) + terms.retention_points
        low, high = np.zeros_like(asked), np.ones_like(asked)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            enough = self.rate(terms, middle, together) > asked
            low, high = np.where(enough, middle, low), np.where(enough, high, middle)
        found = np.where(asked < 1, (low + high) / 2, np.nan)
        return found[0] if together else found

    def _net(self) -> Array:
        customers = self.sample.customers
        return self.spend * customers.margin[self.sample.chosen, np.newaxis] - customers.order_cost

    def _purchases(self, t: float, kept: Any) -> Array:
        """Expect these purchases of today's customers in the next `t`."""
        leaving = kept * self.leaving
        return self.alive * -np.expm1(-self.shape * np.log1p(leaving * (t / self.scale))) / leaving

    def _of_newcomer(self, terms: Terms, kept: Any) -> Array:
        """Expect these repeat purchases of a new customer within the horizon, in the mean."""
        leaving = kept * self.new_leaving
        odds = leaving * (terms.horizon() * self.there / self.new_scale)
        return np.asarray((-np.expm1(-self.new_shape * np.log1p(odds)) / leaving).mean(axis=0))
