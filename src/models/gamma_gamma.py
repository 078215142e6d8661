"""The gamma-gamma model of spend per purchase (Fader, Hardie & Lee 2005; Fader & Hardie 2013)."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import GammaGammaFitter
from lifetimes.utils import ConvergenceError
from scipy.special import digamma, gammaln, polygamma

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

NAMES = ("p", "q", "v")

# Bounds of the search, with the mean spend as the unit of money.
LOWER = np.log([1e-6, 1e-6, 1e-9])
# At q = 1e4 the customers' own means differ by 1%.
UPPER = np.log([1e6, 1e4, 1e12])


class GammaGamma(MaximumLikelihood, GammaGammaFitter):
    """Gamma-gamma: purchases vary about the customer's own mean, which varies over customers.

    One purchase is gamma distributed with shape `p` and rate nu; nu is gamma distributed over customers with
    shape `q` and rate `v`. The population's mean spend is p v / (q - 1). It is a lifetimes
    `GammaGammaFitter`: whatever works on that works on this.

    Parameters
    ----------
    penalizer_coef : float, default 0.0
        Weight of the penalty on the squared parameters, as in lifetimes: added to the mean negative
        log-likelihood, with `v` in the caller's money.

    Attributes
    ----------
    params_ : Series
        p, q, v. `v` is in the caller's money.
    data : DataFrame
        monetary_value, frequency and weights, as given.
    log_likelihood_ : float
        Of all customers, in the caller's money, without the penalty.
    aic_, bic_ : float
    variance_matrix_ : DataFrame of shape (3, 3)
        Covariance of the estimates; NaN for a parameter named in `limits_`.
    standard_errors_ : Series
    confidence_intervals_ : DataFrame
        At 95%.
    limits_ : tuple of str
        Parameters whose estimate ran to a limit.

    References
    ----------
    Fader, P. S. & B. G. S. Hardie (2013). The Gamma-Gamma Model of Monetary Value.
    http://www.brucehardie.com/notes/025/
    """

    def fit(
        self,
        frequency: Any,
        monetary_value: Any,
        weights: Any = None,
        initial_params: Any = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: Any = None,
        q_constraint: bool = False,
        **kwargs: Any,
    ) -> "GammaGamma":
        """Estimate p, q and v by maximum likelihood (equation 1a of the note).

        Parameters
        ----------
        frequency : array_like of shape (n,)
            Purchases averaged in `monetary_value`, whole numbers, at least 1.
        monetary_value : array_like of shape (n,)
            Mean amount of these purchases, greater than 0.
        weights : array_like of shape (n,), optional
            Customers each row stands for; 1 by default.
        initial_params : array_like of shape (3,), optional
            Where to start: logarithms of p, q and v, as in lifetimes.
        verbose : bool
            Accepted for lifetimes' sake; nothing is printed.
        tol : float, default 1e-7
            Relative precision of the estimates.
        index : array_like of shape (n,), optional
            Index of `data`.
        q_constraint : bool, default False
            Keep q at 1 or above.
        **kwargs
            `maxiter`, steps allowed from each start (default 200). Other options of lifetimes' optimiser
            are accepted and have no effect.

        Returns
        -------
        GammaGamma
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
            If q is 1 or less, so that the population's mean spend is infinite; or if customers don't differ
            in mean spend, a limit of the model which is then what is returned.
        """
        columns = as_columns({"frequency": frequency, "monetary_value": monetary_value})
        x, spend = columns["frequency"], columns["monetary_value"]
        refuse(
            columns,
            [
                *((f"{name} is missing or infinite", missing(values)) for name, values in columns.items()),
                ("frequency is not a whole number", x != np.floor(x)),
                ("frequency is below 1 (fit on customers with repeat purchases)", x < 1),
                ("monetary_value is not above 0", spend <= 0),
            ],
            index,
        )
        if weights is None:
            customers = np.ones(len(x), dtype=int)
        else:
            given = as_columns({**columns, "weights": weights})["weights"]
            wrong = "weights is missing, infinite or negative"
            refuse({**columns, "weights": given}, [(wrong, missing(given) | (given < 0))], index)
            customers = np.asarray(weights)
        if len(np.unique(spend[customers > 0])) < 2:
            raise ConvergenceError("All customers have the same mean spend, so how spend varies can't be estimated.")

        distinct, counts = distinct_rows(columns, customers)
        unit = float(np.average(spend, weights=customers))
        scaled = (distinct["frequency"], distinct["monetary_value"] / unit)

        def objective(log_params: Array) -> tuple[float, Array, Array]:
            return _objective(log_params, *scaled, counts, self.penalizer_coef, np.array([1, 1, unit]))

        starts = [np.log([p, q, (q - 1) / p]) for p, q in [(5.0, 4.0), (1.0, 2.0), (50.0, 3.0), (2.0, 50.0)]]
        if initial_params is not None:
            starts = [np.asarray(initial_params, dtype=float) - [0, 0, np.log(unit)], *starts]
        lower = np.maximum(LOWER, [-np.inf, 0, -np.inf]) if q_constraint else LOWER
        optimum = best_optimum(objective, starts, lower, UPPER, tol, kwargs.get("maxiter", 200))
        limited, notes = _limits(optimum, unit, q_constraint)
        if not optimum.is_identified(~optimum.pinned):
            raise ConvergenceError(
                "The data don't determine all three parameters: other values fit equally well. Fit on more "
                "customers, or set penalizer_coef."
            )
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=2)

        self._negative_log_likelihood_ = optimum.value + float(np.log(unit))
        self._hessian_ = optimum.hessian
        self._log_covariance = log_covariance(optimum, limited, counts.sum())
        self.params_ = pd.Series(np.exp(optimum.log_params) * [1, 1, unit], index=list(NAMES))
        self.limits_ = tuple(name for name, at_limit in zip(NAMES, limited, strict=True) if at_limit)
        self.data = pd.DataFrame({"monetary_value": spend, "frequency": x, "weights": customers}, index=index)
        self.log_likelihood_ = float(counts @ self.log_likelihood(**distinct))
        self.variance_matrix_ = self._compute_variance_matrix()
        self.standard_errors_ = self._compute_standard_errors()
        self.confidence_intervals_ = self._compute_confidence_intervals()
        return self

    def log_likelihood(self, frequency: Any, monetary_value: Any) -> Any:
        """Log density of each customer's mean spend (equation 1a of the note).

        Parameters
        ----------
        frequency, monetary_value : array_like of shape (n,)
            As in `fit`.

        Returns
        -------
        ndarray or Series of shape (n,), or float
        """
        x, spend = np.broadcast_arrays(np.asarray(frequency, dtype=float), np.asarray(monetary_value, dtype=float))
        theta = np.array(self._unload_params(*NAMES))
        return like((frequency, monetary_value), _log_likelihood(theta, x, spend))

    def conditional_expected_average_profit(self, frequency: Any = None, monetary_value: Any = None) -> Any:
        """Mean spend per purchase expected of a customer from now on (equation 5 of the note).

        Parameters
        ----------
        frequency : array_like or float, optional
            Purchases averaged in `monetary_value`; 0 is allowed. Those fitted by default.
        monetary_value : array_like or float, optional
            Mean amount of these purchases; not looked at where frequency is 0. That fitted by default.

        Returns
        -------
        ndarray, Series or float
            Without purchases, the population's mean. Infinite where the model's expectation is: p x + q <= 1.
        """
        given = (
            self.data["frequency"] if frequency is None else frequency,
            self.data["monetary_value"] if monetary_value is None else monetary_value,
        )
        x, spend = np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in given))
        p, q, v = self._unload_params(*NAMES)
        total = np.where(x > 0, x * spend, 0.0)
        shape = p * x + q - 1
        expected = np.full(x.shape, np.inf)
        np.divide(p * (v + total), shape, out=expected, where=shape > 0)
        return like(given, expected)


def _log_likelihood(theta: Array, x: Array, spend: Array) -> Array:
    p, q, v = theta
    shape, total = p * x, x * spend
    return -_log_beta(shape, q) - q * np.log1p(total / v) + shape * np.log(total / (total + v)) - np.log(spend)


def _log_beta(one: Array, other: float) -> Array:
    """Logarithm of the beta function, without the cancellation of log-gammas where one side is large."""
    large, small = np.maximum(one, other), np.minimum(one, other)
    total = large + small
    # Stirling's series (Abramowitz & Stegun 6.1.41), of which only the difference is taken.
    series = (large - 0.5) * np.log1p(small / large) + small * np.log(total) - small
    series += _stirling_tail(total) - _stirling_tail(large)
    return gammaln(small) - np.where(large > 100, series, gammaln(total) - gammaln(large))


def _stirling_tail(z: Array) -> Array:
    return (1 / 12 - (1 / 360 - 1 / (1260 * z**2)) / z**2) / z


def _objective(
    log_params: Array, x: Array, spend: Array, counts: Array, penalizer_coef: float, units: Array
) -> tuple[float, Array, Array]:
    """Penalised mean negative log-likelihood, with derivatives in the log parameters."""
    theta = np.exp(log_params)
    p, q, v = theta
    shape, total = p * x, x * spend
    by_total = total + v
    log_share = np.log(total / by_total)
    first = np.stack(
        [
            x * (digamma(shape + q) - digamma(shape) + log_share),
            digamma(shape + q) - digamma(q) - np.log1p(total / v),
            (q * total - shape * v) / (v * by_total),
        ]
    )
    curved, curved_own = polygamma(1, shape + q), polygamma(1, shape)
    pp, pq, pv = x**2 * (curved - curved_own), x * curved, -x / by_total
    qq, qv = curved - polygamma(1, q), total / (v * by_total)
    vv = (shape * v**2 - q * total * (2 * v + total)) / (v * by_total) ** 2
    second = np.array([[counts @ each for each in row] for row in [[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]]])

    customers = counts.sum()
    value = counts @ _log_likelihood(theta, x, spend) / customers
    penalty = ridge_penalty(theta, penalizer_coef, units)
    return to_log_params(
        theta, penalty[0] - value, penalty[1] - first @ counts / customers, penalty[2] - second / customers
    )


def _limits(optimum: Optimum, unit: float, q_constraint: bool) -> tuple[Array, list[str]]:
    """Which parameters have no estimate of their own, and what that means in words.

    Raises
    ------
    lifetimes.utils.ConvergenceError
        If a parameter ran to a limit where there is no model left.
    """
    limited = optimum.at_lower | optimum.at_upper
    p, q, v = np.exp(optimum.log_params)
    allowed = [False, bool(optimum.at_upper[1] or (q_constraint and optimum.at_lower[1])), False]
    if (limited & ~np.array(allowed)).any():
        ran = ", ".join(name for name, at_limit in zip(NAMES, limited, strict=True) if at_limit)
        raise ConvergenceError(
            f"The likelihood keeps growing as these parameters leave every sensible range: {ran}. The model "
            "doesn't describe this spend; look for customers whose purchases are all alike, or set "
            "penalizer_coef."
        )
    notes = []
    if optimum.at_upper[1]:
        notes.append(
            "Mean spend doesn't differ between customers beyond chance: q and v grew together, and everybody "
            f"spends {p * v / q * unit:.4g} a purchase on average."
        )
        limited = limited | [False, True, True]
    if q <= 1:
        notes.append(
            f"The population's mean spend is infinite under this fit (q = {q:.3g}; a mean needs q > 1): a "
            "few customers spend so much more than the rest that no average describes them. Expected spend "
            "of customers without repeat purchases is infinite; look at the largest amounts."
        )
    return limited, notes
