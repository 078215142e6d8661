"""What the models of repeat purchases share: BG/NBD, modified BG/NBD and Pareto/NBD.

In each of them a customer buys at random at a rate of the customer's own and one day leaves unseen. A history
(frequency x, recency t_x, age T) enters a forecast in two ways only: through the probability that the customer
is still alive, and through what is known of a living customer's rates, for which x and T are enough. So a
model supplies the likelihood, the odds of having left, and the process of a living customer; all forecasts
are put together here. A new customer is one with the history (0, 0, 0).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from lifetimes.utils import ConvergenceError
from scipy.special import expit

from models._columns import (
    Array,
    Columns,
    as_columns,
    checked_weights,
    distinct_of,
    distinct_rows,
    like,
    missing,
    refuse,
)
from models._maximum_likelihood import MaximumLikelihood
from models._newton import Optimum
from models.simulation import simulate_histories

HORIZON = 40.0  # what comes after this many time constants is worth e**-40 of its amount
NODES = 20  # Gauss-Legendre nodes over a near horizon, in the cube root of time: early bursts are smooth there too
NODES_FAR = 100  # the same in the logarithm of time, over longer horizons
NEAR = 2.0  # time constants of the discount up to which a horizon is near
HALVINGS = 60
NEVER = 1e15  # a quantile of waiting beyond this many times the customer's time scale is infinite


class WhileAlive(Protocol):
    """Purchases of customers alive now; elementwise over arrays of one shape."""

    def expected(self, t: Array) -> Array:
        """Expect this many purchases in the next `t`."""

    def at_least(self, n: Array, t: Array) -> Array:
        """Probability of `n` purchases or more in the next `t`."""

    def exactly(self, n: Array, t: Array) -> Array:
        """Probability of just `n` purchases in the next `t`."""

    def sample(self, t: Array | float, random: np.random.Generator) -> Array:
        """Draw the number of purchases in the next `t`."""


class PurchaseModel(MaximumLikelihood):
    """Fit and forecasts of a model of repeat purchases; mixed in before the lifetimes fitter it extends.

    A model supplies `NAMES`, of which the second is `alpha`, `TIMES`, `BOUNDS`, `_log_likelihood`,
    `_derivatives`, `_log_odds_of_leaving`, `_while_alive`, `_starts` and `_limits`.
    """

    COLUMNS = ("frequency", "recency", "T")
    TIMES: tuple[bool, ...]  # which parameters are lengths of time
    BOUNDS: tuple[Array, Array]  # of the search, in log parameters, with the oldest customer's age as 1

    @staticmethod
    def _log_likelihood(theta: Array, x: Array, t_x: Array, T: Array) -> Array:
        """Log-likelihood of each history, of shape (m,)."""
        raise NotImplementedError

    @staticmethod
    def _log_odds_of_leaving(theta: Array, x: Array, t_x: Array, T: Array) -> Array:
        """Log odds that a customer with this history has left; elementwise."""
        raise NotImplementedError

    @staticmethod
    def _while_alive(theta: Array, x: Array, T: Array) -> WhileAlive:
        """Process of customers with `x` repeat purchases who are alive at age `T`."""
        raise NotImplementedError

    @classmethod
    def _probability_alive(cls, theta: Array, x: Array, t_x: Array, T: Array) -> Array:
        """Probability that a customer with this history is still one; elementwise."""
        return expit(-cls._log_odds_of_leaving(theta, x, t_x, T))

    @classmethod
    def _sampled_share(cls, theta: Array, x: Array, T: Array, t: float) -> Array | float:
        """Probability that a living customer is one of those whose purchases `_sample` draws; the others buy nothing.

        All are, unless a model can cheaply tell who buys at all.
        """
        return 1.0

    @classmethod
    def _sample(cls, theta: Array, x: Array, T: Array, t: float, random: np.random.Generator) -> Array:
        """Draw the number of purchases in the next `t` of a customer of `_sampled_share`."""
        return cls._while_alive(theta, x, T).sample(t, random)

    @staticmethod
    def _starts(x: Array, T: Array, counts: Array) -> list[Array]:
        """Log parameters to start from, the likeliest first, with the oldest customer's age as 1."""
        raise NotImplementedError

    @staticmethod
    def _log_start(initial_params: Any) -> Array:
        """Log parameters from lifetimes' `initial_params`."""
        return np.asarray(initial_params, dtype=float)

    def fit(
        self,
        frequency: Any,
        recency: Any,
        T: Any,
        weights: Any = None,
        initial_params: Any = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frequency : array_like of shape (n,)
            Repeat purchases, whole numbers.
        recency : array_like of shape (n,)
            Age at the last purchase; 0 without repeat purchases.
        T : array_like of shape (n,)
            Age at the end of observation, in the unit of `recency`.
        weights : array_like of shape (n,), optional
            Customers each row stands for; 1 by default.
        initial_params : array_like of shape (k,), optional
            One more place to start from, as lifetimes takes it: times in units of max(T); logarithms, but for
            Pareto/NBD the parameters themselves.
        verbose : bool
            Accepted for lifetimes' sake; nothing is printed.
        tol : float, default 1e-7
            Relative precision of the estimates.
        index : array_like of shape (n,), optional
            Index of `data`.
        **kwargs
            `maxiter`, steps allowed from each start (default 200). Other options of lifetimes' optimiser
            are accepted and have no effect.

        Returns
        -------
        The model itself.

        Raises
        ------
        ValueError
            If a row can't be a customer's: the message counts and shows them.
        lifetimes.utils.ConvergenceError
            If nobody has a repeat purchase, or no start converges.

        Warns
        -----
        UserWarning
            If the likelihood is greatest at a limit of the model or on a ridge, which is then what is
            returned: the message says what that means and what the data don't tell.
        """
        columns = as_columns({"frequency": frequency, "recency": recency, "T": T})
        _check_histories(columns, index)
        customers = checked_weights(weights, columns, index)
        if not np.logical_and(columns["frequency"], customers).any():
            raise ConvergenceError(
                "No customer has a repeat purchase, so neither purchase rates nor dropout can be estimated. "
                "Observe for longer, or check that customers are recognised when they return."
            )
        data = _data({"frequency": frequency, "recency": recency, "T": T}, columns, index)
        data["weights"] = pd.Series(customers, index=data.index, copy=weights is not None)
        distinct, counts = distinct_rows(columns, None if weights is None else customers)
        del columns, customers
        there = counts > 0
        distinct, counts = {name: values[there] for name, values in distinct.items()}, counts[there]
        unit = float(distinct["T"].max())
        distinct["frequency"] = distinct["frequency"].astype(int)
        scaled = {**distinct, "recency": distinct["recency"] / unit, "T": distinct["T"] / unit}
        starts = self._starts(scaled["frequency"], scaled["T"], counts)
        if initial_params is not None:
            starts = [*starts, self._log_start(initial_params)]
        units = np.where(self.TIMES, unit, 1.0)
        self._estimate(scaled, counts, starts, self.BOUNDS, units, tol=tol, maxiter=kwargs.get("maxiter", 200))
        self._scale = 1 / unit
        self.data = data
        self._conclude(distinct, counts)
        # lifetimes keeps these two on the instance, and its save_model looks for them there.
        self.predict = self.conditional_expected_number_of_purchases_up_to_time  # type: ignore[method-assign]
        self.generate_new_data = self.generate_new_data  # type: ignore[method-assign]
        return self

    def log_likelihood(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Log-likelihood of each customer's history.

        Parameters
        ----------
        frequency, recency, T : array_like of shape (n,)
            As in `fit`.

        Returns
        -------
        ndarray or Series of shape (n,), or float
        """
        x, t_x, age = np.broadcast_arrays(*(np.asarray(given, dtype=float) for given in (frequency, recency, T)))
        values = self._log_likelihood(self._theta, x.astype(int).ravel(), t_x.ravel(), age.ravel())
        return like((frequency, recency, T), values.reshape(x.shape))

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Probability that a customer with this history is still a customer at age T.

        Parameters
        ----------
        frequency, recency, T : array_like or float
            As in `fit`; all three broadcast.

        Returns
        -------
        ndarray, Series or float
        """
        given = (frequency, recency, T)
        histories = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in given))
        return like(given, self._probability_alive(self._theta, *histories))

    def conditional_expected_number_of_purchases_up_to_time(self, t: Any, frequency: Any, recency: Any, T: Any) -> Any:
        """Purchases a customer with this history is expected to make in the next t.

        Parameters
        ----------
        t : array_like or float
            Time ahead, at least 0.
        frequency, recency, T : array_like or float
            As in `fit`; all four broadcast.

        Returns
        -------
        ndarray, Series or float
            Finite for every history and parameter.
        """
        return self._forecast(lambda alive, ahead: alive.expected(ahead), t, frequency, recency, T)

    def predict(self, t: Any, frequency: Any, recency: Any, T: Any) -> Any:
        """Do as `conditional_expected_number_of_purchases_up_to_time`."""
        return self.conditional_expected_number_of_purchases_up_to_time(t, frequency, recency, T)

    def expected_number_of_purchases_up_to_time(self, t: Any) -> Any:
        """Repeat purchases a new customer is expected to make in the time t.

        Parameters
        ----------
        t : array_like or float
            Time since the first purchase, at least 0.

        Returns
        -------
        ndarray, Series or float
        """
        return self.conditional_expected_number_of_purchases_up_to_time(t, 0, 0.0, 0.0)

    def conditional_probability_of_n_purchases_up_to_time(
        self, n: Any, t: Any, frequency: Any, recency: Any, T: Any
    ) -> Any:
        """Probability that a customer with this history makes exactly n purchases in the next t.

        Parameters
        ----------
        n : array_like or int
            At least 0.
        t : array_like or float
            Time ahead, at least 0.
        frequency, recency, T : array_like or float
            As in `fit`; all five broadcast.

        Returns
        -------
        ndarray, Series or float
        """
        given = (n, t, frequency, recency, T)
        number, ahead, x, t_x, age = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in given))
        alive = self._probability_alive(self._theta, x, t_x, age)
        while_alive = self._while_alive(self._theta, x, age).exactly(number, ahead)
        probability = np.minimum(alive * while_alive + np.where(number == 0, 1 - alive, 0.0), 1.0)
        return like(given[2:] + given[:2], probability)

    def probability_of_n_purchases_up_to_time(self, t: Any, n: Any) -> Any:
        """Probability that a new customer makes exactly n repeat purchases in the time t.

        Parameters
        ----------
        t : array_like or float
            Time since the first purchase, at least 0.
        n : array_like or int

        Returns
        -------
        ndarray, Series or float
        """
        return self.conditional_probability_of_n_purchases_up_to_time(n, t, 0, 0.0, 0.0)

    def conditional_probability_of_purchase_up_to_time(self, t: Any, frequency: Any, recency: Any, T: Any) -> Any:
        """Probability that the next purchase comes in the next t: the distribution of the time until then.

        Parameters
        ----------
        t : array_like or float
            Time ahead, at least 0.
        frequency, recency, T : array_like or float
            As in `fit`; all four broadcast.

        Returns
        -------
        ndarray, Series or float
            Rises in t towards the probability that there is a next purchase at all.
        """
        return self._forecast(lambda alive, ahead: alive.at_least(np.ones(1), ahead), t, frequency, recency, T)

    def time_of_next_purchase(self, probability: float, frequency: Any, recency: Any, T: Any) -> Any:
        """Time ahead by which the next purchase has come with this probability.

        Parameters
        ----------
        probability : float
            Above 0 and below 1.
        frequency, recency, T : array_like or float
            As in `fit`; all three broadcast.

        Returns
        -------
        ndarray, Series or float
            Infinite where a next purchase is less probable than that.
        """
        given = (frequency, recency, T)
        x, t_x, age = (np.ravel(each) for each in np.broadcast_arrays(*(np.asarray(g, dtype=float) for g in given)))
        alive = self._probability_alive(self._theta, x, t_x, age)
        process = self._while_alive(self._theta, x, age)
        one = np.ones(len(x))
        scale = self._theta[1] + age
        low, high = np.log(scale) - np.log(NEVER), np.log(scale) + np.log(NEVER)
        ever = alive * process.at_least(one, np.exp(high)) >= probability
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            reached = alive * process.at_least(one, np.exp(middle)) >= probability
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return like(given, np.where(ever, np.exp(high), np.inf).reshape(np.broadcast_shapes(*map(np.shape, given))))

    def overdue_after(self, frequency: Any, recency: Any, probability: float = 0.9) -> Any:
        """Age by which a customer who has not left would have bought again with this probability.

        Reckoned from what was known at the last purchase: then the rate was Gamma(r + x, alpha + t_x), in all
        three models. Past this age a silence is longer than chance explains.

        Parameters
        ----------
        frequency, recency : array_like or float
            As in `fit`; both broadcast.
        probability : float, default 0.9

        Returns
        -------
        ndarray, Series or float
            Age: time since the first purchase.
        """
        x, t_x = np.broadcast_arrays(np.asarray(frequency, dtype=float), np.asarray(recency, dtype=float))
        r, alpha = self._theta[:2]
        with np.errstate(over="ignore"):
            wait = (alpha + t_x) * np.expm1(-np.log1p(-probability) / (r + x))
        return like((frequency, recency), t_x + wait)

    def discounted_expected_residual_transactions(
        self, discount_rate: float, frequency: Any, recency: Any, T: Any, horizon: float = np.inf
    ) -> Any:
        """Purchases still to come of a customer with this history, each discounted to now.

        Parameters
        ----------
        discount_rate : float
            Force of interest per unit of time (continuous); above 0 if the horizon is infinite.
        frequency, recency, T : array_like or float
            As in `fit`; all three broadcast.
        horizon : float, default infinite
            How far ahead to look.

        Returns
        -------
        ndarray, Series or float

        Raises
        ------
        ValueError
            If the horizon is infinite and nothing is discounted.

        References
        ----------
        Fader, P. S., B. G. S. Hardie & K. L. Lee (2005). RFM and CLV: Using Iso-Value Curves for Customer Base
        Analysis. *Journal of Marketing Research* 42(4), equation (2).
        """
        if not np.isfinite(horizon) and discount_rate <= 0:
            raise ValueError("Over an infinite horizon purchases have a finite value only if discount_rate is above 0.")

        def discounted(alive: WhileAlive, age: Array) -> Array:
            return discounted_transactions(alive.expected, discount_rate, horizon, self._theta[1] + age)

        return self._forecast(discounted, None, frequency, recency, T)

    def discounted_expected_transactions(self, discount_rate: float, horizon: float = np.inf) -> float:
        """Repeat purchases that a customer acquired now will make, each discounted to now.

        Parameters
        ----------
        discount_rate : float
            Force of interest per unit of time (continuous); above 0 if the horizon is infinite.
        horizon : float, default infinite

        Returns
        -------
        float
            Without the first purchase.

        Raises
        ------
        ValueError
            If the horizon is infinite and nothing is discounted.
        """
        return float(self.discounted_expected_residual_transactions(discount_rate, 0, 0.0, 0.0, horizon))

    def generate_new_data(self, size: int = 1, seed: Any = None) -> pd.DataFrame:
        """Simulate customers of the fitted base.

        Parameters
        ----------
        size : int, default 1
            Number of customers; their ages are those of `data`, in order and over again.
        seed : int or numpy.random.Generator, optional

        Returns
        -------
        DataFrame
            frequency, recency, T and alive, indexed by customer_id from 0.
        """
        home = type(self).__module__.rpartition(".")[2]
        ages = np.resize(self.data["T"].to_numpy(dtype=float), size)
        random = np.random.default_rng(seed)
        simulated = simulate_histories(home, dict(zip(self.NAMES, self._theta, strict=True)), ages, seed=random)
        return simulated.drop(columns="purchases_ahead").rename_axis("customer_id")

    @property
    def _theta(self) -> Array:
        return np.array(self._unload_params(*self.NAMES), dtype=float)  # type: ignore[attr-defined]

    def _log_likelihood_of(self, columns: Columns) -> Array:
        return self._log_likelihood(self._theta, *columns.values())

    def _forecast(
        self, of_living: Callable[[WhileAlive, Array], Array], t: Any, frequency: Any, recency: Any, T: Any
    ) -> Any:
        """Forecast of a living customer, times the probability of being one.

        The former is worked out once for each distinct (t, x, T), of which there are few. Without `t` it gets
        the ages.
        """
        given = (frequency, recency, T) if t is None else (t, frequency, recency, T)
        *ahead, x, t_x, age = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in given))
        alive = self._probability_alive(self._theta, x, t_x, age)
        distinct, of_row = distinct_of({"x": x, "T": age, **({"t": ahead[0]} if ahead else {})})
        process = self._while_alive(self._theta, distinct["x"], distinct["T"])
        values = of_living(process, distinct["t" if ahead else "T"])
        return like(given[-3:] + given[:-3], alive * values[of_row].reshape(x.shape))


def limits_of_rates(optimum: Optimum, units: Array) -> tuple[bool, list[str]]:
    """Tell whether r and alpha, the first two parameters, have no estimate of their own, and what that means.

    Parameters
    ----------
    optimum : Optimum
    units : ndarray of shape (k,)
        Parameters in the caller's units over those of the search.

    Returns
    -------
    bool, list of str
    """
    r, alpha = np.exp(optimum.log_params[:2]) * units[:2]
    if optimum.at_upper[:2].any():
        return True, [
            "Purchase rates don't differ between customers beyond chance: r and alpha grew together, and "
            f"everybody buys {r / alpha:.4g} times per unit of time while a customer."
        ]
    if optimum.at_lower[:2].any():
        return True, [
            "Purchase rates differ without limit: r and alpha went to 0 together, so that part of the customers "
            "never buy again and the others as often as each did before."
        ]
    return False, []


def discounted_transactions(
    expected: Callable[[Array], Array], discount_rate: float, horizon: float, scale: Array
) -> Array:
    """Discount purchases to now, given the expected number up to any time.

    The integral of exp(-delta t) dE[X(t)] from 0 to H is, by parts,
    exp(-delta H) E[X(H)] + delta times the integral of exp(-delta t) E[X(t)].

    Parameters
    ----------
    expected : callable
        Times of shape (m,) to expected purchases of shape (m,).
    discount_rate : float
        Force of interest per unit of time.
    horizon : float
        May be infinite if `discount_rate` is above 0.
    scale : ndarray of shape (m,)
        Time scale of each customer's purchases.

    Returns
    -------
    ndarray of shape (m,)
    """
    ones = np.ones(len(scale))
    value = np.exp(-discount_rate * horizon) * expected(horizon * ones) if np.isfinite(horizon) else 0 * ones
    if discount_rate == 0 or horizon == 0:
        return value
    if discount_rate * horizon <= NEAR:
        points, weights = np.polynomial.legendre.leggauss(NODES)
        root = (points + 1) / 2
        times, weights = horizon * root**3 * ones[:, None], horizon * 3 * root**2 * weights / 2 * ones[:, None]
    else:
        points, weights = np.polynomial.legendre.leggauss(NODES_FAR)
        longest = np.log1p(min(horizon, HORIZON / discount_rate) / scale)[:, None]
        log_time = longest * (points + 1) / 2
        times = scale[:, None] * np.expm1(log_time)
        weights = longest * weights / 2 * scale[:, None] * np.exp(log_time)
    for t, weight in zip(times.T, weights.T, strict=True):
        value = value + discount_rate * weight * np.exp(-discount_rate * t) * expected(t)
    return value


def _check_histories(columns: dict[str, Array], index: Any) -> None:
    refuse(columns, _wrong_histories(columns), index)


def _wrong_histories(columns: dict[str, Array]) -> Iterator[tuple[str, Array]]:
    x, t_x, age = columns["frequency"], columns["recency"], columns["T"]
    for name, values in columns.items():
        yield f"{name} is missing or infinite", missing(values)
    for name, values in columns.items():
        yield f"{name} is negative", values < 0
    yield "frequency is not a whole number", x != np.floor(x)
    yield "recency is greater than T", t_x > age
    yield "recency is above 0 without a repeat purchase", (x == 0) & (t_x > 0)
    yield "recency is 0 despite repeat purchases", (x > 0) & (t_x == 0)


def _data(given: Mapping[str, Any], columns: Columns, index: Any) -> pd.DataFrame:
    """Keep the histories; what came as a Series of the right type shares its memory until either is changed."""
    data = {}
    for name, values in columns.items():
        dtype = np.dtype(int if name == "frequency" else float)
        series = given[name]
        shared = isinstance(series, pd.Series) and series.dtype == dtype
        data[name] = series.reset_index(drop=True) if shared else pd.Series(values.astype(dtype), copy=False)
    frame = pd.DataFrame(data, copy=False)
    return frame if index is None else frame.set_axis(index)
