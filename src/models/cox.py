"""Cox regression of waiting times: what shortens a wait and by how much.

One partial likelihood for plain and for tied data (Efron), strata, errors clustered by customer, Grambsch and
Therneau's test of proportional hazards, and Harrell's concordance. Sums over risk sets are taken once for each
distinct time, so that a base of many thousands of waits counted in days is fitted in a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import chdtrc, ndtr, ndtri, stdtrit

from models._risk_sets import RiskSets, RiskSums, risk_sets, risk_sums
from models.concordance import Concordance, concordance
from models.standardised_survival import StandardisedSurvival, stratum_of

Array = np.ndarray

MOST_STEPS = 50
CLOSE_ENOUGH = 1e-5  # in standard errors: the Newton step that is taken last
MOST_HALVINGS = 30
ROUNDING = 1e-12  # of the log-likelihood: a step that loses no more has not gone down
LARGEST_EFFECT = 25.0  # in log hazard over a covariate's whole range: further out the likelihood has no maximum
TOO_ALIKE = 1e-9  # of a covariate's information that the others leave it

__all__ = ["Concordance", "CoxFit", "OnOthers", "ProportionalHazards", "concordance_on_others", "fit_cox"]


class ProportionalHazards(NamedTuple):
    """Whether effects stay the same while the wait lasts.

    Attributes
    ----------
    tests : pandas.DataFrame
        A row for each covariate and one named GLOBAL: covariate, statistic (chi-squared), degrees_of_freedom,
        p_value.
    residuals : pandas.DataFrame
        Scaled Schoenfeld residuals plus the estimate, a row for each event: duration and a column a covariate. Their
        local mean is the effect, as a log hazard ratio, at that time.
    """

    tests: pd.DataFrame
    residuals: pd.DataFrame


class OnOthers(NamedTuple):
    """Concordance on customers who weren't fitted: mean over the folds, its interval, and each fold's own."""

    value: float
    low: float
    high: float
    folds: tuple[float, ...]


@dataclass(frozen=True)
class CoxFit:
    """A fitted Cox regression.

    Attributes
    ----------
    coefficients : pandas.DataFrame
        One row a covariate: covariate; coefficient, the log hazard ratio of one unit; hazard_ratio with its ends low
        and high; standard_error, from the information; robust_error, clustered (Lin & Wei 1989); z and p_value. Ends,
        z and p come of the robust error.
    covariance : ndarray of shape (p, p)
        Robust covariance of the coefficients.
    log_likelihood, log_likelihood_null : float
        Efron's partial log-likelihood at the estimate, and with all coefficients 0.
    rows, events, clusters : int
        Rows fitted, those that ended with the event, and how many clusters they come from.
    interval : float
        Coverage of the band from low to high.
    """

    coefficients: pd.DataFrame
    covariance: Array
    log_likelihood: float
    log_likelihood_null: float
    rows: int
    events: int
    clusters: int
    interval: float
    _sets: RiskSets = field(repr=False)
    _x: Array = field(repr=False)
    _clusters: Array = field(repr=False)

    @property
    def covariates(self) -> list[str]:
        """Names of the covariates."""
        return list(self.coefficients["covariate"])

    def log_hazard(self, frame: Any) -> Array:
        """Return the linear predictor of rows: the log of their hazard, up to a constant.

        Parameters
        ----------
        frame : frame
            Holds the covariates; of n rows.

        Returns
        -------
        ndarray of shape (n,)
        """
        return _matrix(frame, self.covariates) @ self.coefficients["coefficient"].to_numpy()

    def concordance(self, frame: Any, duration: str, event: str, strata: str | None = None) -> Concordance:
        """Return Harrell's concordance of the prediction with the waits of `frame`, compared within strata."""
        names = [name for name in (duration, event, strata) if name]
        columns = _columns(frame, names)
        return concordance(
            columns[duration], columns[event], self.log_hazard(frame), columns[strata] if strata else None
        )

    def standardised_survival(self) -> StandardisedSurvival:
        """Return the fitted curves, averaged over the rows fitted, each at its own covariates and in its stratum.

        Returns
        -------
        StandardisedSurvival
            On day 0, each distinct time with an event, and the longest time observed.

        Notes
        -----
        A stratum's baseline hazard is Breslow's (1972), a step at each time with events, with Efron's treatment of
        ties, as the coefficients have it: of D events the l-th (l = 0 .. D - 1) adds one over the hazard of all at
        risk less l/D of the events' own. After a stratum's last event its curves stay level. Meant for few strata of
        many rows: where each customer is a stratum of their own, a curve rests on a handful of waits.

        References
        ----------
        Breslow, N. E. (1972). Discussion of Cox's paper. *JRSS B* 34(2), 216-217.
        Therneau, T. M. & P. M. Grambsch (2000). *Modeling Survival Data*. Springer, chapter 10.
        """
        sets = self._sets
        beta = self.coefficients["coefficient"].to_numpy()
        sums = risk_sums(sets, self._x, beta)
        linear = self._x @ beta
        log_risk = linear - linear.max()  # what the sums, too, are relative to
        cumulative = sets.until(sums.inverse[0])
        times = sets.duration[sets.start]
        days = np.unique(np.r_[0.0, times[sets.deaths > 0], times.max()])
        rows = np.r_[sets.start, len(sets.order)]
        strata = []
        for first in np.unique(sets.first):
            after = sets.end[first] + 1
            passed = np.searchsorted(times[first:after], days, side="right")
            hazard = np.r_[0.0, cumulative[first:after]][passed]
            own = slice(rows[first], rows[after])
            strata.append(stratum_of(hazard, log_risk[own], sets.weight[own]))
        return StandardisedSurvival(days, tuple(strata))

    def proportional_hazards(
        self, transform: str | Callable[[Array], Array] = "km", *, robust: bool = False
    ) -> ProportionalHazards:
        """Test whether each effect stays the same over time.

        Parameters
        ----------
        transform : {"km", "rank", "identity", "log"} or callable, default "km"
            The time scale g on which an effect may drift: "km" is one less the Kaplan-Meier curve just before, which
            outliers in time can't dominate; "rank" is the time's rank among all times; a callable takes an array of
            times.
        robust : bool, default False
            Whether the test allows for waits of one cluster being alike, as the standard errors do. Without, it is
            that of R's ``cox.zph``, which finds a drift too often where customers differ.

        Returns
        -------
        ProportionalHazards
            Each test is the score test of adding covariate times g(time). NaN where g is constant.

        Raises
        ------
        ValueError
            For an unknown transform, or the log of events at time 0.

        References
        ----------
        Grambsch, P. M. & T. M. Therneau (1994). Proportional hazards tests and diagnostics based on weighted
        residuals. *Biometrika* 81(3), 515-526.
        Lin, D. Y. & L. J. Wei (1989), as in `fit_cox`, for the robust variance of a score.
        """
        sets, x = self._sets, self._x
        names = self.covariates
        beta = self.coefficients["coefficient"].to_numpy()
        sums = risk_sums(sets, x, beta)
        g = sets.time_scale(transform)
        g = g - np.average(g, weights=sets.deaths)
        everywhere = np.ones(len(sets.start))
        plain, crossed, squared = (sums.information(x, part) for part in (everywhere, g, g**2))
        by_row = sums.score_residuals(x, g)
        drift = by_row.sum(axis=0)
        kept = np.linalg.solve(plain, crossed)
        if robust:
            left = _sums_of_clusters(by_row - sums.score_residuals(x, everywhere) @ kept, self._clusters)
            variance = left.T @ left
        else:
            variance = squared - crossed @ kept
        alone = [_ratio(drift[k] ** 2, variance[k, k]) for k in range(len(names))]
        together = float(drift @ np.linalg.pinv(variance) @ drift) if np.ptp(g[sets.deaths > 0]) > 0 else float("nan")
        freedom = [1] * len(names) + [len(names)]
        tests = pd.DataFrame(
            {
                "covariate": [*names, "GLOBAL"],
                "statistic": [*alone, together],
                "degrees_of_freedom": freedom,
                "p_value": chdtrc(freedom, [*alone, together]),
            }
        )
        residual = x[sets.event] - sums.mean[sets.block[sets.event]]
        residuals = pd.DataFrame(self.events * residual @ np.linalg.inv(plain) + beta, columns=names)
        residuals.insert(0, "duration", sets.duration[sets.event])
        return ProportionalHazards(tests, residuals)


def fit_cox(
    frame: Any,
    duration: str,
    event: str,
    covariates: Sequence[str],
    *,
    cluster: str | None = None,
    strata: str | None = None,
    weights: str | None = None,
    interval: float = 0.8,
) -> CoxFit:
    """Fit Cox's proportional hazards regression, with Efron's treatment of ties.

    Parameters
    ----------
    frame : pandas or polars frame
        One row a wait.
    duration : str
        Column of the time under observation, at least 0.
    event : str
        Column that says whether that time ended with the event; otherwise it is censored.
    covariates : sequence of str
        Numeric columns known before the wait began. None may be constant within all strata.
    cluster : str, optional
        Column whose equal values come from one customer, who may wait often. None: each row is one of its own.
    strata : str, optional
        Column whose values have a baseline hazard each; rows are compared within it only. With the customer as
        stratum, each is compared with nobody but themselves.
    weights : str, optional
        Column of how many waits a row stands for (frequency weights), above 0.
    interval : float, default 0.8
        Coverage of the hazard ratios' bands.

    Returns
    -------
    CoxFit

    Raises
    ------
    ValueError
        For columns with missing or infinite values, no event, an interval not between 0 and 1, a covariate that is
        constant or a sum of others within the strata, or one that separates events so that no estimate exists.

    Notes
    -----
    The robust covariance is the sandwich of Lin & Wei (1989): score residuals summed over each cluster. It stands
    when customers differ in ways the covariates don't tell; the hazard ratio is then that of customers at random, and
    lies nearer to 1 than the ratio within one customer would.

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. *JRSS B* 34(2), 187-220.
    Efron, B. (1977). The efficiency of Cox's likelihood function for censored data. *JASA* 72, 557-565.
    Lin, D. Y. & L. J. Wei (1989). The robust inference for the Cox proportional hazards model. *JASA* 84, 1074-1078.
    """
    if not 0 < interval < 1:
        raise ValueError(f"`interval` is a coverage between 0 and 1, not {interval}.")
    given = _prepared(_rows(frame, duration, event, covariates, strata, weights), covariates)
    sets, x = given.sets, given.x
    null = risk_sums(sets, x, np.zeros(len(covariates)))
    everywhere = np.ones(len(sets.start))
    _check_information(null.information(x, everywhere), covariates)
    beta, sums = _maximise(sets, x, null, np.zeros(len(covariates)), covariates)
    codes = _codes(_columns(frame, [cluster])[cluster])[sets.order] if cluster else np.arange(len(x))
    covariance = np.linalg.inv(sums.information(x, everywhere))
    by_cluster = _sums_of_clusters(sums.score_residuals(x, everywhere), codes)
    robust = covariance @ (by_cluster.T @ by_cluster) @ covariance
    spread = given.spread
    scale = np.outer(spread, spread)
    plain_error, robust_error = (np.sqrt(np.diag(each / scale)) for each in (covariance, robust))
    return CoxFit(
        coefficients=_coefficients(covariates, beta / spread, plain_error, robust_error, interval),
        covariance=robust / scale,
        log_likelihood=sums.log_likelihood,
        log_likelihood_null=null.log_likelihood,
        rows=round(float(sets.weight.sum())),
        events=round(float(sets.deaths.sum())),
        clusters=len(np.unique(codes)),
        interval=interval,
        _sets=sets,
        _x=x * spread,
        _clusters=codes,
    )


def concordance_on_others(
    frame: Any,
    duration: str,
    event: str,
    covariates: Sequence[str],
    cluster: str,
    *,
    strata: str | None = None,
    folds: int = 5,
    interval: float = 0.8,
    seed: int = 0,
) -> OnOthers:
    """Return the concordance on customers who weren't fitted (cross-validation by cluster).

    Parameters
    ----------
    frame, duration, event, covariates, cluster, strata
        As in `fit_cox`; all waits of one cluster are in one fold.
    folds : int, default 5
        How many parts the clusters are drawn into, at least 2.
    interval : float, default 0.8
        Coverage of the band.
    seed : int, default 0
        Of the draw: the same seed and rows in the same order give the same folds.

    Returns
    -------
    OnOthers
        Mean over the folds, and its interval by Student's t. Concordances of folds share the rows they were fitted
        on, so that the interval is rather too narrow than too wide (Bengio & Grandvalet 2004).

    Raises
    ------
    ValueError
        As `fit_cox`, or for fewer clusters than folds, or a fold in which nothing can be compared.
    """
    codes = _codes(_columns(frame, [cluster])[cluster])
    clusters = int(codes.max()) + 1
    if not 2 <= folds <= clusters:
        raise ValueError(f"{clusters} clusters can't be drawn into {folds} folds.")
    fold = np.random.default_rng(seed).permutation(np.arange(clusters) % folds)[codes]
    rows = _rows(frame, duration, event, covariates, strata, None)
    whole = fit_cox(frame, duration, event, covariates, strata=strata).coefficients["coefficient"].to_numpy()
    values = []
    for number in range(folds):
        given = _prepared(rows.only(fold != number), covariates)
        # the likelihood has one summit, so where the climb begins only saves steps
        begin = whole * given.spread
        beta, _ = _maximise(given.sets, given.x, risk_sums(given.sets, given.x, begin), begin, covariates)
        others = rows.only(fold == number)
        risk = others.x @ (beta / given.spread)
        values.append(concordance(others.duration, others.event, risk, others.stratum).value)
    if not np.isfinite(values).all():
        raise ValueError("There is a fold in which no two waits can be compared.")
    half = stdtrit(folds - 1, (1 + interval) / 2) * np.std(values, ddof=1) / np.sqrt(folds)
    mean = float(np.mean(values))
    return OnOthers(mean, mean - half, mean + half, tuple(values))


class _Rows(NamedTuple):
    """Rows as arrays: time, whether it ended with the event, stratum, frequency, covariates."""

    duration: Array
    event: Array
    stratum: Array
    weight: Array
    x: Array

    def only(self, chosen: Array) -> _Rows:
        """Return some of the rows."""
        return _Rows(*(each[chosen] for each in self))


class _Prepared(NamedTuple):
    """Rows sorted into risk sets, their covariates centred and scaled in that order, and what these were scaled by."""

    sets: RiskSets
    x: Array
    spread: Array


def _rows(
    frame: Any, duration: str, event: str, covariates: Sequence[str], strata: str | None, weights: str | None
) -> _Rows:
    columns = _columns(frame, [name for name in (duration, event, strata, weights) if name])
    x = _matrix(frame, covariates)
    status = columns[event]
    if pd.isna(status).any():
        raise ValueError(f"`{event}` has missing values.")
    return _Rows(
        _durations(columns[duration], duration),
        status.astype(bool),
        _codes(columns[strata]) if strata else np.zeros(len(x), dtype=np.int64),
        _frequencies(columns[weights], weights) if weights else np.ones(len(x)),
        x,
    )


def _prepared(rows: _Rows, covariates: Sequence[str]) -> _Prepared:
    if not rows.event.any():
        raise ValueError("No wait has ended with the event, so nothing can be said of what shortens it.")
    sets = risk_sets(*rows[:-1])
    x = rows.x[sets.order]
    x -= np.average(x, axis=0, weights=sets.weight)
    spread = np.sqrt(np.average(x**2, axis=0, weights=sets.weight))
    for name, wide in zip(covariates, spread, strict=True):
        if not wide > 0:
            raise ValueError(f"`{name}` is the same in all rows: it can't tell one wait from another.")
    return _Prepared(sets, x / spread, spread)


def _maximise(
    sets: RiskSets, x: Array, sums: RiskSums, beta: Array, covariates: Sequence[str]
) -> tuple[Array, RiskSums]:
    """Climb the partial likelihood, which is concave, by Newton's steps, halved where they overshoot."""
    everywhere = np.ones(len(sets.start))
    reach = np.ptp(x, axis=0)
    seen = x.T @ np.where(sets.event, sets.weight, 0.0)
    for _ in range(MOST_STEPS):
        score = seen - sums.mean_sum.sum(axis=0)
        step = cho_solve(cho_factor(sums.information(x, everywhere)), score)
        # the steps shorten quadratically, so after one this short nothing is left to go
        arrived = step @ score < CLOSE_ENOUGH**2
        for _ in range(MOST_HALVINGS):
            tried = risk_sums(sets, x, beta + step)
            if tried.log_likelihood >= sums.log_likelihood - abs(sums.log_likelihood) * ROUNDING:
                break
            step = step / 2
        beta, sums = beta + step, tried
        if arrived:
            return beta, sums
        far = np.abs(beta) * reach > LARGEST_EFFECT
        if far.any():
            name = covariates[int(np.argmax(far))]
            raise ValueError(f"`{name}` separates the waits that ended from the others: its effect has no estimate.")
    raise ValueError(f"The effects of {', '.join(covariates)} have no estimate after {MOST_STEPS} steps.")


def _check_information(information: Array, covariates: Sequence[str]) -> None:
    """Refuse covariates about which the risk sets say nothing, alone or beside the others."""
    alone = np.diag(information)
    for name, own in zip(covariates, alone, strict=True):
        if not own > TOO_ALIKE * alone.max():
            raise ValueError(
                f"`{name}` is the same in all rows that are compared: it can't tell one wait from another."
            )
    shape = information / np.sqrt(np.outer(alone, alone))
    values, vectors = np.linalg.eigh(shape)
    if values[0] < TOO_ALIKE:
        among = [name for name, part in zip(covariates, vectors[:, 0], strict=True) if abs(part) > 1e-3]
        raise ValueError(f"{', '.join(among)} tell the same: one follows from the others. Leave one out.")


def _coefficients(names: Sequence[str], beta: Array, plain: Array, robust: Array, interval: float) -> pd.DataFrame:
    half = ndtri((1 + interval) / 2) * robust
    z = beta / robust
    return pd.DataFrame(
        {
            "covariate": list(names),
            "coefficient": beta,
            "hazard_ratio": np.exp(beta),
            "low": np.exp(beta - half),
            "high": np.exp(beta + half),
            "standard_error": plain,
            "robust_error": robust,
            "z": z,
            "p_value": 2 * ndtr(-np.abs(z)),
        }
    )


def _sums_of_clusters(values: Array, codes: Array) -> Array:
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
    return np.add.reduceat(values[order], starts, axis=0)


def _columns(frame: Any, names: Sequence[str]) -> dict[str, Array]:
    """Return columns as arrays, whatever kind of frame they stand in."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ValueError(f"The frame has no column {', '.join(missing)}.")
    return {name: frame[name].to_numpy() for name in names}


def _matrix(frame: Any, covariates: Sequence[str]) -> Array:
    columns = _columns(frame, covariates)
    if not columns:
        raise ValueError("A Cox regression needs a covariate.")
    x = np.column_stack([np.asarray(column, dtype=float) for column in columns.values()])
    broken = [name for name, known in zip(covariates, np.isfinite(x).all(axis=0), strict=True) if not known]
    if broken:
        raise ValueError(f"Missing or infinite values in {', '.join(broken)}.")
    return x


def _durations(values: Array, name: str) -> Array:
    times = np.asarray(values, dtype=float)
    if not (times >= 0).all() or np.isinf(times).any():
        raise ValueError(f"`{name}` must be known, finite and not negative.")
    return times


def _frequencies(values: Array, name: str) -> Array:
    counts = np.asarray(values, dtype=float)
    if not ((counts >= 1) & (counts == np.rint(counts))).all():
        raise ValueError(f"`{name}` says how many waits a row stands for: whole numbers from 1 on.")
    return counts


def _codes(values: Array) -> Array:
    codes, _ = pd.factorize(values)
    if (codes < 0).any():
        raise ValueError("Clusters and strata must be known.")
    return codes.astype(np.int64)


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")
