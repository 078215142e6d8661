"""The BG/NBD model of repeat purchases (Fader, Hardie & Lee 2005)."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter
from lifetimes.utils import ConvergenceError
from scipy.special import betainc, betaln, expit, gammaln

from models._expected_purchases import expected_purchases
from models._maximum_likelihood import (
    Array,
    MaximumLikelihood,
    Optimum,
    as_columns,
    best_optimum,
    distinct_rows,
    like,
    log_covariance,
    missing,
    refuse,
    ridge_penalty,
    to_log_params,
)

NAMES = ("r", "alpha", "a", "b")

# Bounds of the search for r, alpha, a and b, with the oldest customer's age as the unit of time. They lie
# where the likelihood can no longer be told from its limit.
LOWER = np.log([1e-6, 1e-9, 1e-6, 1e-6])
UPPER = np.log([1e6, 1e12, 1e6, 1e6])


class BGNBD(MaximumLikelihood, BetaGeoFitter):
    """BG/NBD: customers buy at random at rates of their own, and may leave after any repeat purchase.

    The purchase rate is gamma distributed over customers (shape `r`, rate `alpha`), the probability of
    leaving after a purchase is beta distributed (`a`, `b`). It is a lifetimes `BetaGeoFitter`: whatever
    works on that works on this.

    Parameters
    ----------
    penalizer_coef : float, default 0.0
        Weight of the penalty on the squared parameters, as in lifetimes: added to the mean negative
        log-likelihood, with time measured in the age of the oldest customer.

    Attributes
    ----------
    params_ : Series
        r, alpha, a, b. `alpha` is in the caller's unit of time.
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
        Parameters whose estimate ran to a limit.

    References
    ----------
    Fader, P. S., B. G. S. Hardie & K. L. Lee (2005). "Counting Your Customers" the Easy Way: An Alternative
    to the Pareto/NBD Model. *Marketing Science* 24(2), 275-284.
    """

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
    ) -> "BGNBD":
        """Estimate r, alpha, a and b by maximum likelihood (section 4.2 of the paper).

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
        initial_params : array_like of shape (4,), optional
            Where to start: logarithms of r, alpha / max(T), a and b, as in lifetimes.
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
        BGNBD
            Itself.

        Raises
        ------
        ValueError
            If a row can't be a customer's: the message counts and shows them.
        lifetimes.utils.ConvergenceError
            If the data don't determine the parameters.

        Warns
        -----
        UserWarning
            If the likelihood is greatest at a limit of the model, which is then what is returned.
        """
        columns = as_columns({"frequency": frequency, "recency": recency, "T": T})
        _check_histories(columns, index)
        customers = _check_weights(weights, columns, index)
        if not (columns["frequency"] * customers).any():
            raise ConvergenceError(
                "No customer has a repeat purchase, so neither purchase rates nor dropout can be estimated. "
                "Observe for longer, or check that customers are recognised when they return."
            )
        if (columns["frequency"] * (customers > 0)).max() < 2 and not self.penalizer_coef:
            raise ConvergenceError(
                "No customer has more than one repeat purchase, so differences in dropout can't "
                "be estimated. Observe for longer, or set penalizer_coef."
            )

        unit = float(columns["T"].max())
        distinct, counts = distinct_rows(columns, customers)
        scaled = (distinct["frequency"].astype(int), distinct["recency"] / unit, distinct["T"] / unit)

        def objective(log_params: Array) -> tuple[float, Array, Array]:
            return _objective(log_params, *scaled, counts, self.penalizer_coef)

        starts = _starts(scaled[0], scaled[2], counts)
        if initial_params is not None:
            starts = [np.asarray(initial_params, dtype=float), *starts]
        optimum = best_optimum(objective, starts, LOWER, UPPER, tol, kwargs.get("maxiter", 200))
        limited, flat, notes = _limits(optimum, unit)
        if not optimum.is_identified(~(optimum.pinned | flat)):
            raise ConvergenceError(
                "The data don't determine all four parameters: other values fit equally well. Dropout is "
                "learnt from customers with two or more repeat purchases; observe for longer, or set "
                "penalizer_coef."
            )
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=2)

        params = np.exp(optimum.log_params) * [1, unit, 1, 1]
        self._scale = 1 / unit
        self._negative_log_likelihood_ = optimum.value
        self._hessian_ = optimum.hessian
        self._log_covariance = log_covariance(optimum, limited, counts.sum(), flat)
        self.params_ = pd.Series(params, index=list(NAMES))
        self.limits_ = tuple(name for name, at_limit in zip(NAMES, limited, strict=True) if at_limit)
        self.data = pd.DataFrame(
            {**columns, "frequency": columns["frequency"].astype(int), "weights": customers}, index=index
        )
        self.log_likelihood_ = float(counts @ self.log_likelihood(**distinct))
        self.variance_matrix_ = self._compute_variance_matrix()
        self.standard_errors_ = self._compute_standard_errors()
        self.confidence_intervals_ = self._compute_confidence_intervals()
        return self

    def log_likelihood(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Log-likelihood of each customer's history (equation 6 of the paper).

        Parameters
        ----------
        frequency, recency, T : array_like of shape (n,)
            As in `fit`.

        Returns
        -------
        ndarray or Series of shape (n,), or float
        """
        x, t_x, age = np.broadcast_arrays(*(np.asarray(given, dtype=float) for given in (frequency, recency, T)))
        theta = np.array(self._unload_params(*NAMES))
        values = _log_likelihood(theta, x.astype(int).ravel(), t_x.ravel(), age.ravel())
        return like((frequency, recency, T), values.reshape(x.shape))

    def conditional_expected_number_of_purchases_up_to_time(self, t: Any, frequency: Any, recency: Any, T: Any) -> Any:
        """Purchases a customer with this history is expected to make in the next t (equation 10).

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
        given = (t, frequency, recency, T)
        ahead, x, t_x, age = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in given))
        r, alpha, a, b = self._unload_params(*NAMES)
        # While alive a customer's past counts only through x and T, of which there are few combinations.
        distinct, of_row = _distinct(ahead, x, age)
        while_alive = expected_purchases(distinct["t"], r + distinct["x"], alpha + distinct["T"], a, b + distinct["x"])[
            of_row
        ].reshape(x.shape)
        alive = _probability_alive(x, t_x, age, r, alpha, a, b)
        return like(given[1:] + given[:1], while_alive * alive)

    predict = conditional_expected_number_of_purchases_up_to_time

    def expected_number_of_purchases_up_to_time(self, t: Any) -> Any:
        """Repeat purchases a new customer is expected to make in the time t (equation 9).

        Parameters
        ----------
        t : array_like or float
            Time since the first purchase, at least 0.

        Returns
        -------
        ndarray, Series or float
        """
        r, alpha, a, b = self._unload_params(*NAMES)
        times = np.asarray(t, dtype=float)
        distinct, of_row = np.unique(times, return_inverse=True)
        ones = np.ones(len(distinct))
        expected = expected_purchases(distinct, r * ones, alpha * ones, a, b * ones)
        return like((t,), expected[of_row.ravel()].reshape(times.shape))

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Probability that a customer with this history is still a customer at age T.

        Parameters
        ----------
        frequency, recency, T : array_like or float
            As in `fit`; all three broadcast.

        Returns
        -------
        ndarray or Series
            At least one-dimensional, as in lifetimes. 1 without repeat purchases: in this model customers
            leave only after a repeat purchase.

        References
        ----------
        Fader, P. S. & B. G. S. Hardie (2008). Computing P(alive) Using the BG/NBD Model.
        http://www.brucehardie.com/notes/021/
        """
        given = (frequency, recency, T)
        x, t_x, age = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in given))
        return like(given, np.atleast_1d(_probability_alive(x, t_x, age, *self._unload_params(*NAMES))))

    def probability_of_n_purchases_up_to_time(self, t: Any, n: Any) -> Any:
        """Probability that a new customer makes exactly n repeat purchases in the time t (equation 8).

        Parameters
        ----------
        t : array_like or float
            Time since the first purchase, greater than 0.
        n : array_like or int

        Returns
        -------
        ndarray, Series or float
        """
        r, alpha, a, b = self._unload_params(*NAMES)
        times, count = np.broadcast_arrays(np.asarray(t, dtype=float), np.asarray(n, dtype=float))
        z = times / (alpha + times)
        stays = betaln(a, b + count) - betaln(a, b)
        log_pmf = gammaln(r + count) - gammaln(r) - gammaln(count + 1)
        still = np.exp(stays + log_pmf - r * np.log1p(times / alpha) + count * np.log(z))
        bought = np.maximum(count, 1)
        left = np.exp(betaln(a + 1, b + bought - 1) - betaln(a, b)) * betainc(bought, r, z)
        return like((t, n), still + np.where(count > 0, left, 0.0))

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
            frequency, recency, T, lambda, p and alive, indexed by customer_id from 0.
        """
        r, alpha, a, b = self._unload_params(*NAMES)
        random = np.random.default_rng(seed)
        age = np.resize(self.data["T"].to_numpy(dtype=float), size)
        rate = random.gamma(r, 1 / alpha, size)
        leaving = random.beta(a, b, size)
        frequency, recency = np.zeros(size, dtype=int), np.zeros(size)
        alive = np.ones(size, dtype=bool)
        buying = np.arange(size)
        with np.errstate(divide="ignore"):
            gap = 1 / rate
        while len(buying):
            next_purchase = recency[buying] + random.exponential(gap[buying])
            within = next_purchase < age[buying]
            buying = buying[within]
            recency[buying] = next_purchase[within]
            frequency[buying] += 1
            alive[buying] = random.random(len(buying)) >= leaving[buying]
            buying = buying[alive[buying]]
        simulated = {"frequency": frequency, "recency": recency, "T": age, "lambda": rate, "p": leaving}
        return pd.DataFrame({**simulated, "alive": alive}).rename_axis("customer_id")


def _check_histories(columns: dict[str, Array], index: Any) -> None:
    x, t_x, age = columns["frequency"], columns["recency"], columns["T"]
    refuse(
        columns,
        [
            *((f"{name} is missing or infinite", missing(values)) for name, values in columns.items()),
            *((f"{name} is negative", values < 0) for name, values in columns.items()),
            ("frequency is not a whole number", x != np.floor(x)),
            ("recency is greater than T", t_x > age),
            ("recency is above 0 without a repeat purchase", (x == 0) & (t_x > 0)),
            ("recency is 0 despite repeat purchases", (x > 0) & (t_x == 0)),
        ],
        index,
    )


def _check_weights(weights: Any, columns: dict[str, Array], index: Any) -> Array:
    if weights is None:
        return np.ones(len(columns["T"]), dtype=int)
    given = as_columns({**columns, "weights": weights})["weights"]
    refuse(
        {**columns, "weights": given},
        [("weights is missing or infinite", missing(given)), ("weights is negative", given < 0)],
        index,
    )
    return np.asarray(weights)


def _starts(x: Array, T: Array, counts: Array) -> list[Array]:
    """Set starts whose mean purchase rate is the observed one, for customers more and less alike."""
    rate = (counts @ x) / (counts @ T)
    return [
        np.log([r, r / rate, a, b])
        for r, a, b in [(0.5, 0.8, 2.5), (2.0, 0.1, 2.0), (0.2, 3.0, 9.0), (20.0, 1.0, 20.0)]
    ]


def _rising(z: float, x: Array) -> tuple[Array, Array, Array]:
    """Logarithm of the rising factorial z (z + 1) ... (z + x - 1), and its two derivatives in z.

    Sums over the factors, not differences of log-gammas: exact for z near 0 and for z in the millions.
    """
    factors = z + np.arange(x.max(initial=0))
    sums = (np.log(factors), 1 / factors, -1 / factors**2)
    value, first, second = (np.concatenate([[0.0], np.cumsum(each)])[x] for each in sums)
    return value, first, second


def _log_odds_of_leaving(theta: Array, x: Array, t_x: Array, T: Array) -> Array:
    """Log odds that a customer left right after the last purchase; minus infinity without repeats."""
    r, alpha, a, b = theta
    odds = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))
    return np.where(x > 0, odds, -np.inf)


def _log_likelihood(theta: Array, x: Array, t_x: Array, T: Array) -> Array:
    r, alpha, a, b = theta
    still_here = (
        _rising(r, x)[0] + _rising(b, x)[0] - _rising(a + b, x)[0] - r * np.log1p(T / alpha) - x * np.log(alpha + T)
    )
    return still_here + np.logaddexp(0, _log_odds_of_leaving(theta, x, t_x, T))


def _probability_alive(x: Array, t_x: Array, T: Array, r: float, alpha: float, a: float, b: float) -> Array:
    return expit(-_log_odds_of_leaving(np.array([r, alpha, a, b]), x, t_x, T))


def _objective(
    log_params: Array, x: Array, t_x: Array, T: Array, counts: Array, penalizer_coef: float
) -> tuple[float, Array, Array]:
    """Penalised mean negative log-likelihood, with derivatives in the log parameters."""
    theta = np.exp(log_params)
    r, alpha, a, b = theta
    rising_r, r_1, r_2 = _rising(r, x)
    rising_b, b_1, b_2 = _rising(b, x)
    rising_ab, ab_1, ab_2 = _rising(a + b, x)
    by_T, by_t_x, before_last = alpha + T, alpha + t_x, b + np.maximum(x, 1) - 1
    log_odds = _log_odds_of_leaving(theta, x, t_x, T)
    left = expit(log_odds)
    value = rising_r + rising_b - rising_ab - r * np.log1p(T / alpha) - x * np.log(by_T) + np.logaddexp(0, log_odds)

    # First derivatives of the log odds, then of the whole.
    slope = np.stack(
        [
            np.log1p((T - t_x) / by_t_x),
            (r + x) * (1 / by_T - 1 / by_t_x),
            np.full(x.shape, 1 / a),
            -1 / before_last,
        ]
    )
    first = left * slope + np.stack(
        [r_1 - np.log1p(T / alpha), (r * T - alpha * x) / (alpha * by_T), -ab_1, b_1 - ab_1]
    )

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

    total = counts.sum()
    penalty = ridge_penalty(theta, penalizer_coef)
    return to_log_params(
        theta,
        -(counts @ value) / total + penalty[0],
        -(first @ counts) / total + penalty[1],
        -second / total + penalty[2],
    )


def _limits(optimum: Optimum, unit: float) -> tuple[Array, Array, list[str]]:
    """Which parameters have no estimate of their own, which are flat, and what that means in words.

    Raises
    ------
    lifetimes.utils.ConvergenceError
        If a parameter ran to a limit where there is no model left.
    """
    low, high = optimum.at_lower, optimum.at_upper
    r, alpha, a, b = np.exp(optimum.log_params)
    limited, flat = np.zeros(4, dtype=bool), np.zeros(4, dtype=bool)
    leaving = a / (a + b)
    notes = []
    if low[0] or low[1] or high[1] or (low[3] and not low[2]):
        ran = ", ".join(name for name, pinned in zip(NAMES, optimum.pinned, strict=True) if pinned)
        raise ConvergenceError(
            f"The likelihood keeps growing as these parameters leave every sensible range: {ran}. The model "
            "doesn't describe these customers; look for a few unlike all others, or set penalizer_coef."
        )
    if high[0]:
        limited[:2] = True
        notes.append(
            "Purchase rates don't differ between customers beyond chance: r and alpha grew together, and "
            f"everybody buys {r / (alpha * unit):.4g} times per unit of time while a customer."
        )
    if (low[2] or low[3]) and leaving > 1e-3:
        limited[2:] = True
        notes.append(
            "Leaving is all or nothing: a and b went to 0 together, so that a share of "
            f"{leaving:.4g} leaves after the first repeat purchase and the others never."
        )
    elif low[2]:
        limited[2:], flat[3] = True, True
        notes.append("Nobody is seen to leave: a went to 0, so every customer counts as alive and b means nothing.")
    elif high[2] or high[3]:
        limited[2:] = True
        notes.append(
            "The probability of leaving doesn't differ between customers beyond chance: a and b grew "
            f"together, and everybody leaves after a purchase with probability {leaving:.4g}."
        )
    return limited, flat, notes


def _distinct(t: Array, x: Array, T: Array) -> tuple[dict[str, Array], Array]:
    """Distinct (t, x, T) and, for each row in flat order, which of them it is."""
    frame = pd.DataFrame({"t": t.ravel(), "x": x.ravel(), "T": T.ravel()})
    of_row = frame.groupby(["t", "x", "T"], sort=False).ngroup().to_numpy()
    distinct = frame.drop_duplicates()
    return {str(name): distinct[name].to_numpy() for name in distinct}, of_row
