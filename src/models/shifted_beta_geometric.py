"""The shifted-beta-geometric model of contract renewals (Fader & Hardie 2007).

At each renewal a customer leaves with a probability of the customer's own, which never changes; over customers it is
Beta(alpha, beta). Those likely to leave do so early, so the retention rate of a cohort rises from renewal to renewal
although nobody grows more loyal. Of those who have renewed t - 1 times,

    r_t = (beta + t - 1) / (alpha + beta + t - 1)

renew the t-th time (equation 8), whenever their watch began. The likelihood of a contract is the product of these over
the renewals at which it was watched: equation (6) for the contracts still on and (5) for those lost, divided by the
survival up to the watch's beginning. Several cohorts, censored and left-truncated contracts need nothing more.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from lifetimes.fitters import BaseFitter

from models._columns import Array, Columns, as_columns, checked_weights, distinct_rows, like, missing, refuse
from models._maximum_likelihood import MaximumLikelihood, rising_factorial
from models._newton import Optimum

# At the bounds the likelihood can no longer be told from that of the limit.
LOWER = np.log([1e-8, 1e-8])
UPPER = np.log([1e8, 1e8])
STARTS = np.log([[1.0, 2.0], [0.5, 0.5], [1.0, 20.0], [50.0, 100.0]])
CERTAIN = 1e-6  # probability this near to 0 or 1 is nobody or everybody
ALIKE = 1e3  # alpha and beta together, from which customers are alike where the data tell no more
FRACTIONS = 64  # of the continued fraction to begin with
PRECISION = 1e-13


class ShiftedBetaGeometric(MaximumLikelihood, BaseFitter):
    """Shifted-beta-geometric: a customer's probability of leaving at a renewal is constant, and beta distributed.

    A lifetimes fitter, as the other models are: `summary`, `print_summary`, `save_model` and `load_model` work on it.

    Parameters
    ----------
    penalizer_coef : float, default 0.0
        Weight of the penalty on the squared parameters, added to the mean negative log-likelihood.

    Attributes
    ----------
    params_ : Series
        alpha, beta. The mean probability of leaving at the first renewal is alpha / (alpha + beta); customers differ
        the more in it, the smaller both are.
    data : DataFrame
        entered, periods, lost and weights, as given.
    log_likelihood_ : float
    aic_, bic_ : float
    variance_matrix_ : DataFrame of shape (2, 2)
        Covariance of the estimates; NaN for a parameter named in `limits_`.
    standard_errors_ : Series
    confidence_intervals_ : DataFrame
        At 95%.
    limits_ : tuple of str
        Parameters without an estimate of their own.

    References
    ----------
    Fader, P. S. & B. G. S. Hardie (2007). How to Project Customer Retention. *Journal of Interactive Marketing*
    21(1), 76-90.
    Fader, P. S. & B. G. S. Hardie (2010). Customer-Base Valuation in a Contractual Setting: The Perils of Ignoring
    Heterogeneity. *Marketing Science* 29(1), 85-93.
    """

    NAMES = ("alpha", "beta")
    COLUMNS = ("entered", "periods", "lost")

    def __init__(self, penalizer_coef: float = 0.0) -> None:
        self.penalizer_coef = penalizer_coef

    def fit(
        self,
        periods: Any,
        lost: Any,
        entered: Any = 0,
        weights: Any = None,
        *,
        tol: float = 1e-7,
        maxiter: int = 200,
    ) -> "ShiftedBetaGeometric":
        """Estimate alpha and beta by maximum likelihood.

        Parameters
        ----------
        periods : array_like of shape (n,)
            Renewals that had come up by the end of a contract's watch, whole numbers.
        lost : array_like of bool, shape (n,)
            Whether the contract was not renewed at the last of them.
        entered : array_like of shape (n,) or int, default 0
            Renewals that had come up before its watch began.
        weights : array_like of shape (n,), optional
            Contracts each row stands for; 1 by default.
        tol : float, default 1e-7
            Relative precision of the estimates.
        maxiter : int, default 200
            Steps allowed from each start.

        Returns
        -------
        ShiftedBetaGeometric
            Itself.

        Raises
        ------
        ValueError
            If a row can't be a contract's: the message counts and shows them. If no renewal was watched at all.
        lifetimes.utils.ConvergenceError
            If no start converges.

        Warns
        -----
        UserWarning
            If the likelihood is greatest at a limit of the model, which is then what is returned: nobody leaves,
            everybody leaves at the first renewal, all customers leave with one probability, or each surely does or
            surely doesn't. If the data can't tell alpha and beta apart, as where all contracts were watched at one
            renewal only. The message says what it means.
        """
        length = np.size(periods)
        columns = as_columns(
            {"entered": np.broadcast_to(entered, length), "periods": periods, "lost": np.asarray(lost, dtype=float)}
        )
        refuse(columns, _wrong_contracts(columns))
        contracts = checked_weights(weights, columns)
        watched = (columns["periods"] > columns["entered"]) & (contracts > 0)
        if not watched.any():
            raise ValueError("No renewal has come up while a contract was watched, so there is nothing to fit.")
        distinct, counts = distinct_rows(columns, None if weights is None else contracts)
        told = (distinct["periods"] > distinct["entered"]) & (counts > 0)
        distinct, counts = {name: values[told].astype(int) for name, values in distinct.items()}, counts[told]
        with np.errstate(invalid="ignore"):  # at a limit the likelihood has no curvature to take a root of
            self._estimate(distinct, counts, list(STARTS), (LOWER, UPPER), np.ones(2), tol=tol, maxiter=maxiter)
        self.data = pd.DataFrame({name: values.astype(int) for name, values in columns.items()})
        self.data["weights"] = contracts
        self._conclude(distinct, counts)
        return self

    def retention_rate(self, renewal: Any) -> Any:
        """Share renewed of those for whom a renewal comes up (equation 8 of Fader & Hardie 2007).

        Parameters
        ----------
        renewal : array_like or float
            1 is the first.

        Returns
        -------
        ndarray, Series or float
        """
        alpha, beta = self.params_
        t = np.asarray(renewal, dtype=float)
        return like((renewal,), (beta + (t - 1)) / (alpha + beta + (t - 1)))

    def survival(self, renewals: Any, tenure: Any = 0) -> Any:
        """Probability that a contract is still on after so many more renewals (equation 6 of Fader & Hardie 2007).

        Parameters
        ----------
        renewals : array_like of int, or int
            How many more come up, at least 0.
        tenure : array_like of int, or int, default 0
            How often the contract has been renewed so far; broadcasts with `renewals`.

        Returns
        -------
        ndarray, Series or float
        """
        alpha, beta = self.params_
        more, renewed = (np.asarray(each, dtype=int) for each in np.broadcast_arrays(renewals, tenure))
        still, before = more + renewed, renewed
        log_survival = [
            rising_factorial(beta, times)[0] - rising_factorial(alpha + beta, times)[0]
            for times in (still.ravel(), before.ravel())
        ]
        return like((renewals, tenure), np.exp(log_survival[0] - log_survival[1]).reshape(more.shape))

    def discounted_expected_residual_lifetime(self, discount_rate: float, tenure: Any = 0) -> Any:
        r"""Renewals still to come of a contract that is on, each discounted to the next one.

        Parameters
        ----------
        discount_rate : float
            Per period (not continuous), at least 0.
        tenure : array_like of int, or int, default 0
            How often the contract has been renewed so far.

        Returns
        -------
        ndarray, Series or float
            Just before the next renewal, whose payment is not discounted. Without a discount the expected number of
            renewals to come, which is infinite where alpha is 1 or less: the tail of those who hardly ever leave has
            no mean.

        Raises
        ------
        ValueError
            For a negative discount rate.

        Notes
        -----
        DERL of Fader & Hardie (2010), equation (6): with n = `tenure` + 1 periods of life so far

        .. math::
            \frac{\beta + n - 1}{\alpha + \beta + n - 1}
            {}_2F_1\left(1, \beta + n; \alpha + \beta + n; \frac{1}{1 + d}\right).

        The hypergeometric function is evaluated as Gauss's continued fraction, whose coefficients are all positive
        here, so that no digits are lost at any alpha and beta.
        """
        if not discount_rate >= 0:
            raise ValueError(f"discount_rate is at least 0, not {discount_rate}.")
        alpha, beta = self.params_
        renewed = np.asarray(tenure, dtype=float)
        return like((tenure,), residual_lifetime(alpha, beta + renewed, discount_rate))

    @staticmethod
    def _log_likelihood(theta: Array, entered: Array, periods: Array, lost: Array) -> Array:
        alpha, beta = theta
        entered, periods, lost = entered.astype(int), periods.astype(int), lost.astype(int)
        renewed = rising_factorial(beta, periods - lost)[0] - rising_factorial(beta, entered)[0]
        came_up = rising_factorial(alpha + beta, periods)[0] - rising_factorial(alpha + beta, entered)[0]
        return lost * np.log(alpha) + renewed - came_up

    @staticmethod
    def _derivatives(  # type: ignore[override]
        theta: Array, entered: Array, periods: Array, lost: Array, counts: Array
    ) -> tuple[float, Array, Array]:
        alpha, beta = theta
        lost_in_all = counts @ lost
        renewed, came_up = (
            [counts @ (to - since) for to, since in zip(rising_factorial(z, k), rising_factorial(z, k0), strict=True)]
            for z, k, k0 in ((beta, periods - lost, entered), (alpha + beta, periods, entered))
        )
        value = lost_in_all * np.log(alpha) + renewed[0] - came_up[0]
        gradient = np.array([lost_in_all / alpha, renewed[1]]) - came_up[1]
        hessian = np.diag([-lost_in_all / alpha**2, renewed[2]]) - came_up[2]
        return float(value), gradient, hessian

    @staticmethod
    def _limits(optimum: Optimum, units: Array) -> tuple[Array, list[str]]:
        alpha, beta = np.exp(optimum.log_params) * units
        leaves = alpha / (alpha + beta)
        both = np.ones(2, dtype=bool)
        if leaves < CERTAIN:
            return both, ["Nobody left at a renewal: everybody is taken to stay for ever."]
        if leaves > 1 - CERTAIN:
            return both, ["Nobody renewed: everybody is taken to leave at the first renewal."]
        alike = bool(optimum.flat.any()) and alpha + beta > ALIKE
        if not optimum.pinned.any() and not alike:
            return optimum.pinned, []
        if optimum.at_upper.any() or alike:
            return both, [
                "Customers don't differ in how likely they are to leave beyond chance: alpha and beta grew together, "
                f"and everybody leaves with probability {leaves:.4g} at each renewal."
            ]
        return both, [
            "Whoever stayed at the first renewal never left: alpha and beta went to 0 together, so that "
            f"{leaves:.4g} of the customers leave at the first renewal and the others are taken to stay for ever."
        ]

    def _log_likelihood_of(self, columns: Columns) -> Array:
        return self._log_likelihood(self.params_.to_numpy(), *columns.values())


def from_survivors(cohorts: Sequence[Sequence[float]]) -> pd.DataFrame:
    """Turn survivors by cohort into the rows that `ShiftedBetaGeometric.fit` takes.

    Parameters
    ----------
    cohorts : sequence of sequences
        For each cohort its contracts at the beginning, after the first renewal, after the second, and so on as far as
        it was watched; cohorts may be watched for different times. Each sequence may not rise.

    Returns
    -------
    pandas.DataFrame
        periods, lost, weights.

    Raises
    ------
    ValueError
        If the survivors of a cohort rise, or are missing or negative.
    """
    rows = []
    for number, survivors in enumerate(cohorts, start=1):
        left = np.asarray(survivors, dtype=float)
        if not left.size or not np.isfinite(left).all() or (left < 0).any() or (np.diff(left) > 0).any():
            raise ValueError(f"The survivors of cohort {number} must be numbers from 0 up that never rise.")
        lost = -np.diff(left)
        rows += [(renewal, True, gone) for renewal, gone in enumerate(lost, start=1)]
        rows.append((len(lost), False, left[-1]))
    return pd.DataFrame(rows, columns=["periods", "lost", "weights"])


def residual_lifetime(alpha: Any, beta: Any, discount_rate: float) -> Array:
    """Discounted expected residual lifetime in renewals; see `discounted_expected_residual_lifetime`.

    Parameters
    ----------
    alpha, beta : array_like
        Of the customers' probabilities of leaving as they are now: beta counts the renewals so far. They broadcast.
    discount_rate : float
        Per period, at least 0.

    Returns
    -------
    ndarray
    """
    a, b = (np.asarray(each, dtype=float) for each in np.broadcast_arrays(alpha, beta))
    if discount_rate == 0:
        return np.divide(b, a - 1, out=np.full(a.shape, np.inf), where=a > 1)
    z, fractions, last = 1 / (1 + discount_rate), FRACTIONS, np.zeros(a.shape)
    while True:
        series = _gauss_fraction(b + 1, a + b + 1, z, fractions)
        if np.all(np.abs(series - last) <= PRECISION * series):
            return b / (a + b) * series
        last, fractions = series, 2 * fractions


def _gauss_fraction(b: Array, c: Array, z: float, fractions: int) -> Array:
    """2F1(1, b; c; z) for 0 < b < c and 0 < z < 1, by so many pairs of Gauss's continued fraction.

    Jones & Thron (1980), *Continued Fractions*, equation (6.1.4), with the parameter 1 in the numerator.
    """
    value = np.ones_like(c)
    for m in range(fractions, 0, -1):
        even = m * (c - b + m - 1) / ((c + 2 * m - 2) * (c + 2 * m - 1))
        odd = (b + m) * (c + m - 1) / ((c + 2 * m - 1) * (c + 2 * m))
        value = 1 - even * z / (1 - odd * z / value)
    return 1 / (1 - b / c * z / value)


def _wrong_contracts(columns: dict[str, Array]) -> Iterator[tuple[str, Array]]:
    entered, periods, lost = columns["entered"], columns["periods"], columns["lost"]
    for name, values in columns.items():
        yield f"{name} is missing or infinite", missing(values)
    for name, values in columns.items():
        yield f"{name} is negative or not a whole number", (values < 0) | (values != np.floor(values))
    yield "lost is neither true nor false", lost > 1
    yield "periods is less than entered", periods < entered
    yield "lost at a renewal that was not watched", (lost == 1) & (periods == entered)
