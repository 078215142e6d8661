"""The gamma-gamma model of spend per purchase (Colombo & Jiang 1999; Fader, Hardie & Lee 2005; Fader & Hardie 2013).

With a = p x, w = a / (a + q) and y the customer's mean spend over p v / q, which is a typical one, equation (1a) of
Fader & Hardie (2013) becomes

    log f(mean) = a log y - (a + q) log(1 + w (y - 1)) + h(a + q) - h(a) - h(q) - log(mean),
    h(z) = log Gamma(z) - z log z + z.

Here nothing large cancels where p or q is large, so the limits of the model can be reached. It is the same with a
and q, w and 1 - w, y and 1 / y exchanged; of the two forms the one with w up to a half is computed. What depends
on x alone is computed once per run of equal x in the rows: fast for rows sorted by x, right for any.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lifetimes import GammaGammaFitter
from scipy.special import bernoulli, betaincinv, digamma, gammainccinv, gammaln, polygamma

from models._columns import Array, Columns, as_columns, checked_weights, distinct_of, like, missing, refuse
from models._maximum_likelihood import MaximumLikelihood
from models._newton import Optimum

# Bounds of the search, with the geometric mean of the spend as the unit of money. There is no optimum at p or q
# near 0, where every density vanishes. At 1e6 purchases, or customers, differ by 0.1%; v reaches no bound before them.
LOWER = np.log([1e-6, 1e-6, 1e-30])
UPPER = np.log([1e6, 1e6, 1e30])

SERIES_FROM = 10.0  # Stirling's series with its eight terms is exact to rounding from here on
BERNOULLI = bernoulli(16)[2::2]  # B_2, B_4, ..., B_16
SMALLEST_RATE = 1e-200  # rates drawn below it, possible if q is near 0, would make totals overflow


class GammaGamma(MaximumLikelihood, GammaGammaFitter):
    """Gamma-gamma: purchases vary about the customer's own mean, which varies over customers.

    One purchase is gamma distributed with shape `p` and rate nu; nu is gamma distributed over customers with
    shape `q` and rate `v`. The population's mean spend is p v / (q - 1), infinite if q is 1 or less. It is a
    lifetimes `GammaGammaFitter`: whatever works on that works on this.

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
        Parameters without an estimate of their own: at a limit, p and v or q and v mean something only together.

    References
    ----------
    Colombo, R. & W. Jiang (1999). A Stochastic RFM Model. *Journal of Interactive Marketing* 13(3), 2-12.
    Fader, P. S. & B. G. S. Hardie (2013). The Gamma-Gamma Model of Monetary Value.
    http://www.brucehardie.com/notes/025/
    """

    NAMES = ("p", "q", "v")
    COLUMNS = ("frequency", "monetary_value")

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
        """Estimate p, q and v by maximum likelihood (equation 1a of Fader & Hardie 2013).

        Parameters
        ----------
        frequency : array_like of shape (n,)
            Purchases averaged in `monetary_value`, whole numbers, at least 1.
        monetary_value : array_like of shape (n,)
            Mean amount of these purchases, greater than 0.
        weights : array_like of shape (n,), optional
            Customers each row stands for; 1 by default.
        initial_params : array_like of shape (3,), optional
            One more place to start from: logarithms of p, q and v, as in lifetimes.
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
            If no start converges.

        Warns
        -----
        UserWarning
            If the likelihood is greatest at a limit of the model, which is then what is returned: all purchases
            of a customer alike, all customers alike, or both; if q is 1 or less, so that the population's mean
            spend is infinite; or if the data can't tell how purchases vary from how customers differ, as with one
            customer or with the same frequency for all. The message says what it means.
        """
        columns = as_columns({"frequency": frequency, "monetary_value": monetary_value})
        _check_spend(columns, index)
        customers = checked_weights(weights, columns, index)
        for note in _told_by_data(columns["frequency"], customers):
            warnings.warn(note, UserWarning, stacklevel=2)

        rows, counts = _by_frequency(columns, customers)
        unit = float(np.exp(counts @ np.log(rows["monetary_value"]) / counts.sum()))
        scaled = {**rows, "monetary_value": rows["monetary_value"] / unit}
        units = np.array([1.0, 1.0, unit])
        starts = self._starts(float(counts @ rows["frequency"] / counts.sum()))
        if initial_params is not None:
            starts = [*starts, np.asarray(initial_params, dtype=float) - np.log(units)]
        lower = np.maximum(LOWER, [-np.inf, 0, -np.inf]) if q_constraint else LOWER
        maxiter = kwargs.get("maxiter", 200)
        self._estimate(scaled, counts, starts, (lower, UPPER), units, units, tol, maxiter)
        self._negative_log_likelihood_ += float(np.log(unit))
        self.data = pd.DataFrame(
            {"monetary_value": columns["monetary_value"], "frequency": columns["frequency"], "weights": customers},
            index=index,
        )
        self._conclude(rows, counts)
        return self

    def log_likelihood(self, frequency: Any, monetary_value: Any) -> Any:
        """Log density of each customer's mean spend (equation 1a of Fader & Hardie 2013).

        Parameters
        ----------
        frequency, monetary_value : array_like or float
            As in `fit`; both broadcast.

        Returns
        -------
        ndarray, Series or float

        Raises
        ------
        ValueError
            If a row can't be a customer's: the message counts and shows them.
        """
        x, mean = np.broadcast_arrays(np.asarray(frequency, dtype=float), np.asarray(monetary_value, dtype=float))
        columns = {"frequency": x.ravel(), "monetary_value": mean.ravel()}
        _check_spend(columns)
        order = _order(columns["frequency"])
        values = np.empty(x.size)
        values[order] = self._log_likelihood(self._theta, *(each[order] for each in columns.values()))
        return like((frequency, monetary_value), values.reshape(x.shape))

    def conditional_expected_average_profit(self, frequency: Any = None, monetary_value: Any = None) -> Any:
        """Mean spend per purchase expected of a customer from now on (equation 5 of Fader & Hardie 2013).

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
            `conditional_quantile_of_mean_spend` is finite there too; its median is what half of such
            customers stay below.
        """
        given = (
            self.data["frequency"] if frequency is None else frequency,
            self.data["monetary_value"] if monetary_value is None else monetary_value,
        )
        x, rate = _rate_known(self._theta, *given)
        p, q, _ = self._theta
        shape = p * x + q - 1
        expected = np.full(x.shape, np.inf)
        np.divide(p * rate, shape, out=expected, where=shape > 0)
        return like(given, expected)

    def conditional_quantile_of_mean_spend(self, share: Any, frequency: Any, monetary_value: Any) -> Any:
        """Amount that a customer's own mean spend per purchase stays below with a given probability.

        Given x purchases of the mean m, nu is Gamma(p x + q, v + x m) (equation 4 of Fader & Hardie 2013), so the
        customer's own mean p / nu is inverse gamma distributed. This is what is known of the mean over purchases
        without end; what a few purchases come to is `conditional_quantile_of_total`.

        Parameters
        ----------
        share : array_like or float
            Above 0 and below 1; 0.5 gives the median.
        frequency : array_like or float
            Purchases averaged in `monetary_value`; 0 is allowed.
        monetary_value : array_like or float
            Mean amount of these purchases; not looked at where frequency is 0. All three broadcast.

        Returns
        -------
        ndarray, Series or float
            Finite even where the expected spend is not (p x + q <= 1).

        Raises
        ------
        ValueError
            If a share is not between 0 and 1.
        """
        given = (frequency, monetary_value)
        probability, x, rate = np.broadcast_arrays(_check_share(share), *_rate_known(self._theta, *given))
        p, q, _ = self._theta
        distinct, of_row = distinct_of({"share": probability, "x": x})
        slow = gammainccinv(p * distinct["x"] + q, distinct["share"])
        with np.errstate(divide="ignore"):
            return like((*given, share), p * rate / slow[of_row].reshape(x.shape))

    def conditional_quantile_of_total(self, share: Any, n: Any, frequency: Any, monetary_value: Any) -> Any:
        """Amount that the total of a customer's next n purchases stays below with a given probability.

        Given x purchases of the mean m, that total over v + x m is beta prime distributed with p n and p x + q: it
        is Gamma(p n, nu), and nu is Gamma(p x + q, v + x m) (section 2 of Fader & Hardie 2013 for the former,
        equation 4 for the latter).

        Parameters
        ----------
        share : array_like or float
            Above 0 and below 1; 0.5 gives the median.
        n : array_like or float
            Purchases to come, at least 0.
        frequency : array_like or float
            Purchases averaged in `monetary_value`; 0 is allowed.
        monetary_value : array_like or float
            Mean amount of these purchases; not looked at where frequency is 0. All four broadcast.

        Returns
        -------
        ndarray, Series or float
            0 where n is 0.

        Raises
        ------
        ValueError
            If a share is not between 0 and 1, or an n is negative or missing.
        """
        given = (frequency, monetary_value)
        probability, number, x, rate = np.broadcast_arrays(
            _check_share(share), _check_number(n), *_rate_known(self._theta, *given)
        )
        p, q, _ = self._theta
        distinct, of_row = distinct_of({"share": probability, "n": number, "x": x})
        odds = _beta_prime_quantile(distinct["share"], p * distinct["n"], p * distinct["x"] + q)
        return like((*given, n, share), rate * odds[of_row].reshape(x.shape))

    def sample_total(self, n: Any, frequency: Any, monetary_value: Any, random: np.random.Generator) -> Any:
        """Draw the total of each customer's next n purchases.

        Parameters
        ----------
        n : array_like or float
            Purchases to come, at least 0; they may be draws themselves.
        frequency : array_like or float
            Purchases averaged in `monetary_value`; 0 is allowed.
        monetary_value : array_like or float
            Mean amount of these purchases; not looked at where frequency is 0. All three broadcast, and every
            element of the result is an independent draw. So the totals of two parts of one customer's future
            must not be drawn apart and added up: both depend on the customer's own mean.
        random : numpy.random.Generator

        Returns
        -------
        ndarray, Series or float
            0 where n is 0.

        Raises
        ------
        ValueError
            If an n is negative or missing.
        """
        return like(
            (frequency, monetary_value, n), sample_total_spend(self._theta, n, frequency, monetary_value, random)
        )

    @property
    def _theta(self) -> Array:
        return np.array(self._unload_params(*self.NAMES), dtype=float)

    def _log_likelihood_of(self, columns: Columns) -> Array:
        return self._log_likelihood(self._theta, *columns.values())

    @staticmethod
    def _starts(mean_frequency: float) -> list[Array]:
        """Log parameters to start from, the likeliest first, at which the mean logarithm of spend is about 0."""
        return [
            np.array([np.log(p), np.log(q), digamma(q) - digamma(p * mean_frequency) + np.log(mean_frequency)])
            for p, q in [(5.0, 4.0), (1.0, 2.0), (50.0, 3.0), (2.0, 50.0)]
        ]

    @staticmethod
    def _log_likelihood(theta: Array, x: Array, mean: Array) -> Array:
        rows = _standardise(theta, x, mean)
        values = rows.expand(rows.normaliser[0])
        values += rows.expand(rows.lesser) * rows.log_ratio
        values -= rows.expand(rows.both) * rows.log_mix
        values -= np.log(mean)
        return values

    @staticmethod
    def _derivatives(  # type: ignore[override]
        theta: Array, x: Array, mean: Array, counts: Array
    ) -> tuple[float, Array, Array]:
        p, q, v = theta
        rows = _standardise(theta, x, mean)
        x, shape, both, swapped = x[rows.begins], rows.shape, rows.both, rows.swapped
        weight, rest = shape / both, q / both
        customers = rows.total(counts)
        ratios, mixes = rows.total(counts * rows.log_ratio), rows.total(counts * rows.log_mix)
        # Of the share s / (s + v) that the customer's total s has: its excess over its typical value `weight`.
        excess = rows.gap / (1 + rows.gap)
        weighted = counts * excess
        scale = np.where(swapped, -weight, rest)
        excesses, squares = scale * rows.total(weighted), scale**2 * rows.total(weighted * excess)

        value, (shape_1, q_1), (shape_2, q_2, cross_2) = rows.normaliser
        log_means = np.where(swapped, -ratios, ratios).sum() + customers.sum() * np.log(p * v / q)
        log_likelihood = (rows.lesser * ratios - both * mixes + customers * value).sum() - log_means

        in_shape, in_q = ratios - mixes, -mixes
        in_shape, in_q = np.where(swapped, in_q, in_shape), np.where(swapped, in_shape, in_q)
        spread = customers * weight * rest + (rest - weight) * excesses - squares
        gradient = np.array([x @ (customers * shape_1 + in_shape), (customers * q_1 + in_q).sum(), both @ excesses / v])
        pp, pq, qq = x**2 @ (customers * shape_2), x @ (customers * cross_2), customers @ q_2
        pv = -x @ (customers * rest - excesses) / v
        qv = (customers * weight + excesses).sum() / v
        vv = -both @ (spread + excesses) / v**2
        return log_likelihood, gradient, np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])

    @staticmethod
    def _limits(optimum: Optimum, units: Array) -> tuple[Array, list[str]]:
        limited = optimum.pinned.copy()
        p_high, q_high = optimum.at_upper[:2]
        p, q, v = np.exp(optimum.log_params) * units
        if p_high or q_high:
            limited |= [p_high, q_high, True]
        notes = []
        if p_high and q_high:
            notes.append(
                f"All customers spend the same on every purchase, {p * v / q:.4g}. The data show no spread, so p, q "
                "and v, which describe it, can't be told; every forecast of spend is this amount."
            )
        elif p_high:
            notes.append(
                "All purchases of a customer are alike, as with subscriptions: p ran to its limit, and each customer "
                "is expected to go on spending exactly what was spent so far. Customers differ from each other; a "
                f"typical one spends {p * v / q:.4g} a purchase. p and v mean something only together."
            )
        elif q_high:
            notes.append(
                "Mean spend doesn't differ between customers beyond chance: q and v grew together, and everybody "
                f"is expected to spend {p * v / q:.4g} a purchase on average, whatever was spent so far. q and v mean "
                "something only together."
            )
        if q <= 1:
            held = " (held there by q_constraint)" if optimum.at_lower[1] else ""
            median = p * v / gammainccinv(q, 0.5)
            notes.append(
                f"The population's mean spend is infinite under this fit (q = {q:.3g}{held}; a mean needs q > 1): a "
                "few customers spend so much more than the rest that no average describes them. The expected spend "
                "of customers without repeat purchases is infinite too; what can be said of them is that half "
                f"have a mean spend below {median:.4g} a purchase (conditional_quantile_of_mean_spend gives this and "
                "other shares). Look at the largest amounts."
            )
        return limited, notes


def sample_total_spend(theta: Any, n: Any, frequency: Any, monetary_value: Any, random: np.random.Generator) -> Array:
    """Draw the total of each customer's next n purchases, at given parameters.

    Given x purchases of the mean m, it is (v + x m) Gamma(p n) / Gamma(p x + q), as in
    `GammaGamma.conditional_quantile_of_total`.

    Parameters
    ----------
    theta : sequence of three array_like or float
        p, q and v, for instance draws from their posterior.
    n : array_like or float
        Purchases to come, at least 0.
    frequency : array_like or float
        Purchases averaged in `monetary_value`; 0 is allowed.
    monetary_value : array_like or float
        Mean amount of these purchases, in the money of `v`; not looked at where frequency is 0. Everything
        broadcasts, the entries of `theta` too.
    random : numpy.random.Generator

    Returns
    -------
    ndarray of the broadcast shape
        0 where n is 0. Every element is an independent draw.

    Raises
    ------
    ValueError
        If an n is negative or missing.
    """
    p, q, v = (np.asarray(each, dtype=float) for each in theta)
    given = np.broadcast_arrays(
        p, q, v, _check_number(n), np.asarray(frequency, dtype=float), np.asarray(monetary_value, dtype=float)
    )
    shape = given[0].shape
    total = np.zeros(given[0].size)
    buying = slice(None) if given[3].all() else np.flatnonzero(given[3])
    p, q, v, number, x, mean = (each.ravel()[buying] for each in given)
    x, rate = _rate_known((p, q, v), x, mean)
    slow = np.maximum(random.standard_gamma(p * x + q), SMALLEST_RATE)
    total[buying] = rate * random.standard_gamma(p * number) / slow
    return total.reshape(shape)


def _check_spend(columns: dict[str, Array], index: Any = None) -> None:
    x = columns["frequency"]
    refuse(
        columns,
        [
            *((f"{name} is missing or infinite", missing(values)) for name, values in columns.items()),
            ("frequency is not a whole number", x != np.floor(x)),
            ("frequency is below 1 (fit on customers with repeat purchases)", x < 1),
            ("monetary_value is not above 0", columns["monetary_value"] <= 0),
        ],
        index,
    )


def _check_share(share: Any) -> Array:
    probability = np.asarray(share, dtype=float)
    if not ((probability > 0) & (probability < 1)).all():
        raise ValueError("share must be above 0 and below 1: it is the probability of staying below the amount.")
    return probability


def _check_number(n: Any) -> Array:
    number = np.asarray(n, dtype=float)
    wrong = int((~((number >= 0) & np.isfinite(number))).sum())
    if wrong:
        raise ValueError(f"n is negative, missing or infinite in {wrong} of {number.size} places.")
    return number


def _told_by_data(x: Array, customers: Array) -> list[str]:
    """Say what can't be learnt from these customers whatever they spend."""
    seen = x[customers > 0]
    if customers.sum() <= 1:
        return [
            "There is only one customer with repeat purchases. How customers differ can't be learnt from one: "
            "forecasts take all others to be like this one."
        ]
    if (seen == seen[0]).all():
        return [
            f"All customers have the same number of repeat purchases, {seen[0]:.0f}. How much a customer's purchases "
            "vary and how much customers differ are then told apart only by the form of distribution that the model "
            "assumes: take p, q and v, and the forecasts of single customers, with reserve. The mean over all "
            "customers is hardly affected."
        ]
    return []


def _by_frequency(columns: dict[str, Array], customers: Array) -> tuple[dict[str, Array], Array]:
    """Rows in order of frequency, and the customers of each.

    Mean spends seldom repeat, so finding those that do would take longer than it saves.
    """
    order = _order(columns["frequency"])
    return {name: values[order] for name, values in columns.items()}, customers[order].astype(float)


def _order(x: Array) -> Array:
    """Where the rows stand in order of frequency."""
    # Small integers are sorted by digits, several times faster than floats.
    return np.argsort(x.astype(np.min_scalar_type(int(x.max(initial=0)))), kind="stable")


def _rate_known(theta: Any, frequency: Any, monetary_value: Any) -> tuple[Array, Array]:
    """Purchases x, and the rate v + x m of what is known of nu."""
    x, mean = np.broadcast_arrays(np.asarray(frequency, dtype=float), np.asarray(monetary_value, dtype=float))
    return x, theta[2] + np.where(x > 0, x * mean, 0.0)


def _beta_prime_quantile(share: Array, one: Array, other: Array) -> Array:
    """Quantile of the ratio of Gamma(one) to Gamma(other); 0 where `one` is 0."""
    some = one > 0
    share, one, other = share[some], one[some], other[some]
    below = betaincinv(one, other, share)
    # Near 1 the beta quantile has lost the digits that its distance from 1 needs.
    above = np.where(below > 0.5, betaincinv(other, one, 1 - share), 1 - below)
    quantile = np.zeros(some.shape)
    with np.errstate(divide="ignore"):
        quantile[some] = np.where(below > 0.5, 1 - above, below) / above
    return quantile


@dataclass(frozen=True)
class _Rows:
    """Spends relative to a typical one, and what depends on frequency alone by run of equal frequencies.

    Attributes
    ----------
    begins, lengths : ndarray of int, shape (k,)
        Runs of rows with one frequency.
    shape, both, lesser : ndarray of shape (k,)
        a = p x, a + q, and the smaller of a and q.
    swapped : ndarray of bool, shape (k,)
        Runs with a above q: there a and q, w and 1 - w, y and 1 / y change places.
    normaliser : tuple
        h(a + q) - h(a) - h(q); its derivatives in a and q; those of second order of the logarithm of the beta
        function in a, in q and in both, with the sign changed. Each of shape (k,).
    log_ratio : ndarray of shape (m,)
        log y.
    gap, log_mix : ndarray of shape (m,)
        w (y - 1), and log(1 + w (y - 1)).
    """

    begins: Array
    lengths: Array
    shape: Array
    both: Array
    lesser: Array
    swapped: Array
    normaliser: tuple[Array, tuple[Array, Array], tuple[Array, Array, Array]]
    log_ratio: Array
    gap: Array
    log_mix: Array

    def expand(self, of_runs: Array) -> Array:
        """Give each row what holds for its run."""
        return np.repeat(of_runs, self.lengths)

    def total(self, of_rows: Array) -> Array:
        """Sum over the rows of each run."""
        return np.add.reduceat(of_rows, self.begins)


def _standardise(theta: Array, x: Array, mean: Array) -> _Rows:
    p, q, v = theta
    is_new = np.ones(len(x), dtype=bool)
    np.not_equal(x[1:], x[:-1], out=is_new[1:])
    begins = np.flatnonzero(is_new)
    lengths = np.diff(begins, append=len(x))
    shape = p * x[begins]
    both, lesser = shape + q, np.minimum(shape, q)
    swapped = shape > q
    ratio = mean / (p * v / q)
    np.reciprocal(ratio, out=ratio, where=np.repeat(swapped, lengths))
    log_ratio = np.log(ratio)
    ratio -= 1
    gap = np.multiply(ratio, np.repeat(lesser / both, lengths), out=ratio)
    return _Rows(
        begins,
        lengths,
        shape,
        both,
        lesser,
        swapped,
        _normaliser(shape, q),
        log_ratio,
        gap,
        np.log1p(gap),
    )


def _normaliser(a: Array, q: float) -> tuple[Array, tuple[Array, Array], tuple[Array, Array, Array]]:
    of_both, of_a, of_q = (_log_gamma_beyond_power(each) for each in (a + q, a, np.array([q])))
    value, first_both, second_both = of_both
    return (
        value - of_a[0] - of_q[0],
        (first_both - of_a[1], first_both - of_q[1]),
        (
            second_both - of_a[2] - q / (a * (a + q)),
            second_both - of_q[2] - a / (q * (a + q)),
            second_both + 1 / (a + q),
        ),
    )


def _log_gamma_beyond_power(z: Array) -> tuple[Array, Array, Array]:
    """Logarithm of Gamma(z) less z log z - z, and two derivatives.

    From 10 on by Stirling's series (Abramowitz & Stegun 6.1.40), so that it stays exact where the logarithm of the
    gamma function is large.
    """
    near = np.minimum(z, SERIES_FROM)
    far = np.maximum(z, SERIES_FROM)
    order = 2 * np.arange(1, len(BERNOULLI) + 1)
    powers = far[:, None] ** -order
    series = (
        0.5 * np.log(2 * np.pi / far) + far * (powers @ (BERNOULLI / (order * (order - 1)))),
        -0.5 / far - powers @ (BERNOULLI / order),
        0.5 / far**2 + (powers @ BERNOULLI) / far,
    )
    direct = (
        gammaln(near) - near * np.log(near) + near,
        digamma(near) - np.log(near),
        polygamma(1, near) - 1 / near,
    )
    value, first, second = (np.where(z < SERIES_FROM, one, other) for one, other in zip(direct, series, strict=True))
    return value, first, second
