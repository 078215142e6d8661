"""The posterior of a fitted model's parameters, without a sampler's wait.

In the logarithms of its parameters a model's posterior is close to normal, with the curvature at its mode
(Laplace's approximation; Tierney & Kadane 1986). What is not normal about it lies mostly along the one direction
that the data determine least, where it may be skewed and bent: that ridge is followed both ways from the mode, and
the approximation repeated at stations along it. What is left is put right by importance sampling from t
distributions around the stations, with quasi-random points and Pareto-smoothed weights (Vehtari, Simpson, Gelman,
Yao & Gabry 2024, *Journal of Machine Learning Research* 25(72)), whose shape k tells whether to trust the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lifetimes.utils import ConvergenceError
from scipy.special import logsumexp
from scipy.stats import chi2, lognorm, multivariate_t, norm, qmc

from models._columns import Array, distinct_rows
from models._maximum_likelihood import to_log_params
from models._newton import Objective, Optimum, minimise

#: Standard deviation of the logarithm under the default prior: 95% lie within a factor of 50 of the median.
PRIOR_SPREAD = 2.0

TRUSTED_PARETO_K = 0.7  # Vehtari et al. (2024), section 3.2.4
STATIONS_APART = 1.5  # standard deviations along the ridge
STATIONS = 8  # at most, on either side
SHARPEST = 1e-11  # ratio of variances below which a ridge is lost in rounding
LOWEST_STATION = 9.0  # fall of the log density from the mode at which a ridge is no longer followed
WIDER = 1.2  # spread of a station's draws along the ridge, in the mode's standard deviations
SMALLEST_SHARE = 0.03  # of the draws, for each station
DEGREES_OF_FREEDOM = 7  # of the proposal
EVALUATIONS = 10_000_000  # likelihoods of single histories spent at most
FEWEST_DRAWS = 64
STEP = 1e-3  # of the prior's numerical derivatives, in log parameters
REACH = 60.0  # log parameters searched on both sides of the start


@dataclass(frozen=True)
class Posterior:
    """Weighted draws of a model's parameters.

    Attributes
    ----------
    draws : DataFrame of shape (draws, k)
        In the caller's units.
    weights : ndarray of shape (draws,)
        Sum to 1.
    pareto_k : float
        Shape of the tail of the weights: the draws can be trusted up to 0.7.
    effective_draws : float
        Independent draws that would be as precise.
    prior : dict of str to scipy.stats frozen distribution
    """

    draws: pd.DataFrame
    weights: Array
    pareto_k: float
    effective_draws: float
    prior: dict[str, Any]

    @property
    def reliable(self) -> bool:
        """Whether importance sampling corrected the approximation well enough to be trusted."""
        return bool(self.pareto_k <= TRUSTED_PARETO_K)

    @property
    def caveat(self) -> str | None:
        """Why not to trust it, in words, if so."""
        if self.reliable:
            return None
        return (
            f"The posterior is too far from the shape assumed for it (Pareto k = {self.pareto_k:.2f}, above "
            f"{TRUSTED_PARETO_K}), so intervals that rest on it may be too narrow. Observe for longer, or give a prior "
            "that says more."
        )

    @property
    def mean(self) -> pd.Series:
        """Posterior mean of each parameter."""
        return pd.Series(self.weights @ self.draws.to_numpy(), index=self.draws.columns)

    @property
    def sd(self) -> pd.Series:
        """Posterior standard deviation of each parameter."""
        away = self.draws.to_numpy() - self.mean.to_numpy()
        return pd.Series(np.sqrt(self.weights @ away**2), index=self.draws.columns)

    def interval(self, coverage: float = 0.8) -> pd.DataFrame:
        """Interval of each parameter with equal tails.

        Parameters
        ----------
        coverage : float, default 0.8

        Returns
        -------
        DataFrame of shape (k, 2)
            low and high, by parameter.
        """
        bounds = {}
        for name, values in self.draws.items():
            order = np.argsort(values.to_numpy())
            # weight up to and with half of each draw's own, as at the middles of equal draws
            below = np.cumsum(self.weights[order]) - self.weights[order] / 2
            bounds[name] = np.interp([(1 - coverage) / 2, (1 + coverage) / 2], below, values.to_numpy()[order])
        return pd.DataFrame(bounds, index=["low", "high"]).T

    def sample(self, size: int, seed: Any = 0) -> Array:
        """Draw parameters of equal weight, by systematic resampling in random order.

        Parameters
        ----------
        size : int
        seed : int or numpy.random.Generator, default 0

        Returns
        -------
        ndarray of shape (k, size)
        """
        random = np.random.default_rng(seed)
        # Neighbours in the first parameter lie together, so that every part of it gets its share.
        order = np.argsort(self.draws.iloc[:, 0].to_numpy())
        below = np.cumsum(self.weights[order])
        taken = np.searchsorted(below, below[-1] * (np.arange(size) + random.random()) / size)
        drawn = order[np.minimum(taken, len(order) - 1)]
        return self.draws.to_numpy()[random.permutation(drawn)].T


@dataclass(frozen=True)
class _Station:
    """A place on the ridge: log parameters, covariance there, log density over that of the mode."""

    centre: Array
    covariance: Array
    log_height: float


def default_prior(model: Any) -> dict[str, Any]:
    """Prior that says little: independent log-normals.

    The logarithm has the standard deviation 2. The median is 1 for shapes, the mean age for times (alpha,
    beta) and the mean spend for amounts (v), so that units don't matter.

    Parameters
    ----------
    model : BGNBD, ModifiedBGNBD, ParetoNBD or GammaGamma
        Fitted.

    Returns
    -------
    dict of str to scipy.stats frozen distribution
    """
    scale_of = {"alpha": "T", "beta": "T", "v": "monetary_value"}
    return {
        name: lognorm(PRIOR_SPREAD, scale=_mean(model.data, scale_of[name]) if name in scale_of else 1.0)
        for name in model.NAMES
    }


def sample_posterior(model: Any, prior: Mapping[str, Any] | None = None, draws: int = 500, seed: Any = 0) -> Posterior:
    """Draw from the posterior of a fitted model's parameters.

    Parameters
    ----------
    model : BGNBD, ModifiedBGNBD, ParetoNBD or GammaGamma
        Fitted; its data are used, its `penalizer_coef` is not.
    prior : mapping of str to scipy.stats frozen distribution, optional
        Of any of the parameters, in the caller's units, with densities above 0 on positive numbers; the
        others get that of `default_prior`.
    draws : int, default 500
        Fewer where there are more than 20,000 distinct histories, down to 64: then the posterior is so narrow
        that few do.
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    Posterior
        Ask `reliable` before use. Where the likelihood grows without end towards a limit of the model, so that no
        prior outweighs it (all purchases cost the same), the limit is the only draw.

    Raises
    ------
    ValueError
        If the prior names a parameter that the model doesn't have.
    lifetimes.utils.ConvergenceError
        If the posterior has no mode.
    """
    unknown = sorted(set(prior or {}) - set(model.NAMES))
    if unknown:
        raise ValueError(
            f"The prior names {', '.join(unknown)}; the parameters of {type(model).__name__} are "
            f"{', '.join(model.NAMES)}."
        )
    priors = {**default_prior(model), **(prior or {})}
    distributions = [priors[name] for name in model.NAMES]
    random = np.random.default_rng(seed)
    columns = {name: model.data[name].to_numpy() for name in model.COLUMNS}
    distinct, counts = distinct_rows(columns, model.data["weights"].to_numpy())
    histories = list(distinct.values())

    stations = _stations(model, distributions, histories, counts)
    if not stations and model.limits_:
        return Posterior(pd.DataFrame([dict(model.params_)]), np.ones(1), -np.inf, 1.0, priors)
    if not stations:
        raise ConvergenceError("The posterior has no mode. Give a prior that says more of the parameters.")
    number = int(min(draws, max(FEWEST_DRAWS, EVALUATIONS // len(counts))))
    try:
        points, log_proposal = _proposed(stations, number, random)
    except np.linalg.LinAlgError:
        raise ConvergenceError("The posterior is sharper than numbers can tell. Give a prior that says more.") from None
    log_likelihood = np.array([counts @ model._log_likelihood(theta, *histories) for theta in np.exp(points)])
    log_weights, pareto_k = smoothed(log_likelihood + _log_prior(distributions, points).sum(axis=-1) - log_proposal)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    effective = float(1 / np.square(weights).sum())
    return Posterior(pd.DataFrame(np.exp(points), columns=list(model.NAMES)), weights, pareto_k, effective, priors)


def smoothed(log_weights: Array) -> tuple[Array, float]:
    """Smooth the largest importance weights by a generalised Pareto distribution.

    Parameters
    ----------
    log_weights : ndarray of shape (n,)

    Returns
    -------
    log_weights : ndarray of shape (n,)
    pareto_k : float
        Shape of the tail; infinite where it can't be estimated.

    References
    ----------
    Vehtari, A., D. Simpson, A. Gelman, Y. Yao & J. Gabry (2024). Pareto Smoothed Importance Sampling. *Journal
    of Machine Learning Research* 25(72), algorithm 1.
    """
    n = len(log_weights)
    shifted = np.where(np.isfinite(log_weights), log_weights, -np.inf) - np.max(log_weights)
    tail = int(min(0.2 * n, 3 * np.sqrt(n)))
    order = np.argsort(shifted)
    cutoff = shifted[order[-tail - 1]]
    exceedances = np.exp(shifted[order[-tail:]]) - np.exp(cutoff)
    if tail < 5 or exceedances[-1] <= 0:
        return shifted, -np.inf if np.ptp(shifted) < STEP else np.inf
    k, sigma = _generalised_pareto(np.maximum(exceedances, np.finfo(float).tiny))
    if np.isfinite(k):
        probability = (np.arange(tail) + 0.5) / tail
        quantile = sigma * np.expm1(-k * np.log1p(-probability)) / k if k else -sigma * np.log1p(-probability)
        shifted[order[-tail:]] = np.minimum(np.log(quantile + np.exp(cutoff)), 0.0)
    return shifted, float(k)


def _generalised_pareto(ascending: Array) -> tuple[float, float]:
    """Shape and scale by the empirical Bayes estimate of Zhang & Stephens (2009), *Technometrics* 51(3).

    The shape is drawn a little towards 0.5, as Vehtari et al. (2024) do in their appendix C.
    """
    n = len(ascending)
    grid = 30 + int(np.sqrt(n))
    quarter = ascending[int(n / 4 + 0.5) - 1]
    theta = 1 / ascending[-1] + (1 - np.sqrt(grid / (np.arange(grid) + 0.5))) / (3 * quarter)
    k = np.log1p(-theta[:, None] * ascending).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        profile = n * (np.log(-theta / k) - k - 1)
    profile = np.where(np.isfinite(profile), profile, -np.inf)
    posterior = np.exp(profile - profile.max())
    best = float(theta @ posterior / posterior.sum())
    shape = float(np.log1p(-best * ascending).mean())
    return (n * shape + 5) / (n + 10), -shape / best


def _stations(model: Any, distributions: list[Any], histories: list[Array], counts: Array) -> list[_Station]:
    """Laplace's approximation at the mode of the log parameters, and along the ridge; none without a mode."""
    customers = counts.sum()

    def objective(log_params: Array) -> tuple[float, Array, Array]:
        theta = np.exp(log_params)
        value, gradient, hessian = to_log_params(theta, *model._derivatives(theta, *histories, counts))
        prior, slope, bend = _prior_derivatives(distributions, log_params)
        return -(value + prior) / customers, -(gradient + slope) / customers, -(hessian + np.diag(bend)) / customers

    middle = np.log([distribution.median() for distribution in distributions])
    likely = [np.log(distribution.ppf([0.01, 0.99])) for distribution in distributions]
    estimate = np.clip(np.log(model.params_.to_numpy()), *np.transpose(likely))
    found = [minimise(objective, start, middle - REACH, middle + REACH) for start in (estimate, middle)]
    found = [optimum for optimum in found if optimum.converged and not optimum.pinned.any()]
    if not found:
        return []
    best = min(found, key=lambda optimum: optimum.value)
    curvature, directions = np.linalg.eigh(best.hessian * customers)
    # Flatter than the default prior is only what it was made flat by: a prior without a peak of its own.
    spread = 1 / np.sqrt(np.maximum(curvature, PRIOR_SPREAD**-2))
    along, across = directions[:, 0], directions[:, 1:]
    step = STATIONS_APART * spread[0] * along
    at_mode = _covariance(across, spread[1:] ** -2.0, step)
    if not _can_be_drawn_from(at_mode):
        return []
    stations = [_Station(best.log_params, at_mode, 0.0)]
    for way in (1, -1):
        last, stride = best.log_params, way * step
        for _ in range(STATIONS):
            top, curved = _across(objective, last + stride, across)
            fall = (top.value - best.value) * customers
            if not top.converged or fall > LOWEST_STATION:
                break
            centre = last + stride + across @ top.log_params
            covariance = _covariance(across, curved * customers, centre - last)
            if not _can_be_drawn_from(covariance):
                break
            stations.append(_Station(centre, covariance, -fall))
            last, stride = centre, centre - last
    return stations


def _across(objective: Objective, start: Array, across: Array) -> tuple[Optimum, Array]:
    """Climb from the start to the ridge's crest, on the plane across; and the curvatures there."""

    def restricted(away: Array) -> tuple[float, Array, Array]:
        value, gradient, hessian = objective(start + across @ away)
        return value, across.T @ gradient, across.T @ hessian @ across

    reach = np.full(across.shape[1], REACH)
    top = minimise(restricted, np.zeros(across.shape[1]), -reach, reach, tol=1e-4)
    return top, top.hessian


def _covariance(across: Array, curvature: Array, stride: Array) -> Array:
    """Covariance with the curvature across the ridge and the stride between stations along it."""
    inverse = np.linalg.inv(curvature if curvature.ndim == 2 else np.diag(curvature))
    return across @ inverse @ across.T + np.outer(stride, stride) / STATIONS_APART**2 * WIDER**2


def _can_be_drawn_from(covariance: Array) -> bool:
    """Tell whether a ridge isn't as sharp as rounding, as it is far out where nothing but the prior holds it."""
    spreads = np.linalg.eigvalsh(covariance)
    return bool(spreads[0] > SHARPEST * spreads[-1])


def _proposed(stations: list[_Station], number: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Points around the stations, evenly spread, and their log density."""
    k = len(stations[0].centre)
    sizes = np.array([station.log_height + np.linalg.slogdet(station.covariance)[1] / 2 for station in stations])
    shares = np.exp(sizes - sizes.max())
    shares = np.maximum(shares / shares.sum(), SMALLEST_SHARE)
    numbers = np.maximum(np.round(number * shares / shares.sum()).astype(int), 1)
    even = qmc.Sobol(k + 1, rng=random).random_base2(int(np.ceil(np.log2(numbers.sum()))))[: numbers.sum()]
    even = np.clip(random.permutation(even), 1e-12, 1 - 1e-12)
    stretch = np.sqrt(chi2.ppf(even[:, k], DEGREES_OF_FREEDOM) / DEGREES_OF_FREEDOM)
    around = norm.ppf(even[:, :k]) / stretch[:, None]
    points = np.concatenate(
        [
            station.centre + part @ np.linalg.cholesky(station.covariance).T
            for station, part in zip(stations, np.split(around, np.cumsum(numbers)[:-1]), strict=True)
        ]
    )
    densities = [
        multivariate_t(station.centre, station.covariance, DEGREES_OF_FREEDOM).logpdf(points) for station in stations
    ]
    return points, logsumexp(np.array(densities), axis=0, b=(numbers / numbers.sum())[:, None])


def _log_prior(distributions: list[Any], log_params: Array) -> Array:
    """Log density of each log parameter, with the Jacobian of the logarithm; of the shape of `log_params`."""
    of_each = zip(distributions, np.moveaxis(np.exp(log_params), -1, 0), strict=True)
    return np.stack([distribution.logpdf(values) for distribution, values in of_each], axis=-1) + log_params


def _prior_derivatives(distributions: list[Any], log_params: Array) -> tuple[float, Array, Array]:
    """Log prior, and the first and second derivative in each log parameter."""
    below, at, above = _log_prior(distributions, log_params + STEP * np.array([[-1.0], [0.0], [1.0]]))
    return float(at.sum()), (above - below) / (2 * STEP), (above - 2 * at + below) / STEP**2


def _mean(data: pd.DataFrame, column: str) -> float:
    mean = float(np.average(data[column], weights=data["weights"]))
    return mean if mean > 0 else 1.0
