"""How many contracts will still be on: the shifted-beta-geometric with its doubt, and two rules to compare it with.

What is not known of alpha and beta is kept as their posterior, on a grid: there are only two of them, and at the
limits of the model, where a standard error says nothing, the posterior still does. A priori the mean probability of
leaving at the first renewal, alpha / (alpha + beta), and the polarization index, 1 / (alpha + beta + 1) (Sabavala &
Morrison 1977, *Journal of Advertising Research* 17(5)), are uniform on (0, 1) and independent.

The rules are those that Fader & Hardie (2007) set their model against: one churn rate for all renewals, and a straight
line through the shares still on.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy.special import expit

from models.contract_renewals import MONTHS, ContractPeriod, Contracts, contract_survival, renewal_counts
from models.shifted_beta_geometric import ShiftedBetaGeometric

Array = np.ndarray

GRID = 81  # points on either axis
WIDEST = 20.0  # on either side of the middle, in logits
NEGLIGIBLE = 16.0  # fall of the log density from its peak
FILLED = 0.1  # share of the grid's points that matter from which it is fine enough
ZOOMS = 12
MARGIN = 3  # points kept around those that matter
DRAWS = 2_000
HELD_OUT = 0.4  # share of the periods: Fader & Hardie (2007) fit 7 years and hold out 5
FEWEST_FITTED = 2  # periods


@dataclass(frozen=True)
class RenewalPosterior:
    """What is known of alpha and beta: points with weights that sum to 1.

    Attributes
    ----------
    alpha, beta, weights : ndarray of shape (m,)
    """

    alpha: Array
    beta: Array
    weights: Array

    def sample(self, size: int, seed: Any = 0) -> tuple[Array, Array]:
        """Draw alpha and beta of equal weight, by systematic resampling in random order.

        Parameters
        ----------
        size : int
        seed : int or numpy.random.Generator, default 0

        Returns
        -------
        alpha, beta : ndarray of shape (size,)
        """
        random = np.random.default_rng(seed)
        below = np.cumsum(self.weights)
        taken = np.searchsorted(below, below[-1] * (np.arange(size) + random.random()) / size)
        drawn = random.permutation(np.minimum(taken, len(below) - 1))
        return self.alpha[drawn], self.beta[drawn]


def renewal_posterior(counts: pd.DataFrame) -> RenewalPosterior:
    """Return the posterior of alpha and beta.

    Parameters
    ----------
    counts : pandas.DataFrame
        renewal, at_risk and lost, as `models.contract_renewals.renewal_counts` returns them.

    Returns
    -------
    RenewalPosterior
        The prior where nothing was at risk.
    """
    watched = counts[counts["at_risk"] > 0]
    renewal, at_risk, lost = (watched[name].to_numpy(dtype=float) for name in ("renewal", "at_risk", "lost"))
    low, high = np.full(2, -WIDEST), np.full(2, WIDEST)
    for _ in range(ZOOMS):
        axes = [np.linspace(*ends, GRID) for ends in zip(low, high, strict=True)]
        mean, index = np.meshgrid(*axes, indexing="ij")
        density = _log_density(mean, index, renewal, at_risk, lost)
        matters = density > density.max() - NEGLIGIBLE
        if matters.mean() >= FILLED:
            break
        for axis, points in enumerate(axes):
            kept = np.flatnonzero(matters.any(axis=1 - axis))
            low[axis] = points[max(kept[0] - MARGIN, 0)]
            high[axis] = points[min(kept[-1] + MARGIN, GRID - 1)]
    weights = np.exp(density - density.max())[matters]
    both = np.exp(-index[matters])
    return RenewalPosterior(
        expit(mean[matters]) * both, expit(-mean[matters]) * both, np.asarray(weights / weights.sum())
    )


def survival_band(posterior: RenewalPosterior, renewals: Any, *, interval: float = 0.80) -> tuple[Array, Array]:
    """Return the interval of the share still on after each number of renewals, of contracts that begin.

    Parameters
    ----------
    posterior : RenewalPosterior
    renewals : array_like of int, shape (k,)
        Rising from 0.
    interval : float, default 0.80

    Returns
    -------
    low, high : ndarray of shape (k,)
        Of the share among very many contracts: what a few do by chance is not in it.
    """
    alpha, beta = posterior.sample(DRAWS)
    stays = _stays(alpha, beta, np.arange(int(np.max(renewals, initial=0))))
    survival = np.cumprod(np.column_stack([np.ones(DRAWS), stays]), axis=1)[:, np.asarray(renewals, dtype=int)]
    tails = [(1 - interval) / 2, (1 + interval) / 2]
    low, high = np.quantile(survival, tails, axis=0)
    return low, high


def project_contracts(
    posterior: RenewalPosterior, tenures: Any, periods: int, *, interval: float = 0.80, seed: Any = 0
) -> pd.DataFrame:
    """Foretell how many of the contracts running will still be on after each of the next renewals.

    Parameters
    ----------
    posterior : RenewalPosterior
    tenures : array_like of int, shape (n,)
        How often each contract has been renewed.
    periods : int
        How many renewals ahead.
    interval : float, default 0.80
        Coverage of the interval, which holds what is not known of alpha and beta and what contracts do by chance.
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    pandas.DataFrame
        A row for each of 0 to `periods`: ahead; expected, low, high (contracts).
    """
    random = np.random.default_rng(seed)
    tenure, number = np.unique(np.asarray(tenures, dtype=int), return_counts=True)
    alpha, beta = posterior.sample(DRAWS, random)
    on = np.broadcast_to(number, (DRAWS, len(number)))
    totals = [np.full(DRAWS, number.sum())]
    for ahead in range(periods):
        on = random.binomial(on, _stays(alpha, beta, tenure + ahead))
        totals.append(on.sum(axis=1))
    # of counts the interval ends on whole contracts, outwards
    low = np.quantile(totals, (1 - interval) / 2, axis=1, method="lower")
    high = np.quantile(totals, (1 + interval) / 2, axis=1, method="higher")
    return pd.DataFrame(
        {"ahead": np.arange(periods + 1), "expected": np.mean(totals, axis=1), "low": low, "high": high}
    )


def constant_retention(counts: pd.DataFrame) -> float:
    """Return the one retention rate of all renewals (the geometric model): those renewed over those that came up."""
    return float(1 - counts["lost"].sum() / counts["at_risk"].sum())


def straight_line(curve: pd.DataFrame) -> tuple[float, float]:
    """Fit a straight line to the shares still on by least squares, as Fader & Hardie (2007) show it is done.

    Parameters
    ----------
    curve : pandas.DataFrame
        renewal and survival, as `models.contract_renewals.contract_survival` returns them.

    Returns
    -------
    intercept, slope : float
    """
    known = curve.dropna(subset="survival")
    slope, intercept = np.polyfit(known["renewal"], known["survival"], 1) if len(known) > 1 else (0.0, 1.0)
    return float(intercept), float(slope)


def held_out_periods(first: dt.date, last: dt.date, period: ContractPeriod) -> int:
    """Return how many periods to hold out of the time watched; 0 where it is too short to test anything."""
    watched = ((last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)) // MONTHS[period]
    held_out = max(round(HELD_OUT * watched), 1)
    return held_out if watched - held_out >= FEWEST_FITTED else 0


def cut_before(last: dt.date, periods: int, period: ContractPeriod) -> dt.date:
    """Return the day since which every contract has seen so many renewals come up by the last day."""
    months = last.year * 12 + last.month - 1 - periods * MONTHS[period]
    first_of_month = dt.date(months // 12, months % 12 + 1, 1)
    end = _end_of_month(first_of_month)
    if last.day >= end.day and last != _end_of_month(last):
        # a contract begun on the 31st is renewed on a shorter month's last day, which must not count before the cut
        return end - dt.timedelta(days=1)
    return first_of_month.replace(day=min(last.day, end.day))


def held_out_projection(
    at_cut: Contracts,
    now: Contracts,
    model: ShiftedBetaGeometric,
    periods: int,
    *,
    interval: float = 0.80,
    seed: int = 0,
) -> pd.DataFrame:
    """Set the projections made on a day against what became of the contracts running then.

    Parameters
    ----------
    at_cut : Contracts
        As they were known on that day: all that the projections see.
    now : Contracts
        As they are known `periods` periods later.
    model : ShiftedBetaGeometric
        Fitted to `at_cut`.
    periods : int
        Renewals that have come up since.
    interval : float, default 0.80
    seed : int, default 0

    Returns
    -------
    pandas.DataFrame
        A row for each of 0 to `periods` renewals ahead: ahead; actual, model, low, high, constant, line (contracts
        still on: what became of them, the shifted-beta-geometric with its interval, one churn rate, a straight line).
    """
    counts = renewal_counts(at_cut.rows)
    running = at_cut.rows.filter(~pl.col("lost")).select("customer", tenure="periods")
    later = running.join(now.rows.select("customer", "periods", "lost"), on="customer", how="left")
    lasted = later.select(pl.when("lost").then(pl.col("periods") - pl.col("tenure") - 1).otherwise(periods))
    lasted_at_least = lasted.to_series().fill_null(periods).to_numpy()
    tenure = running["tenure"].to_numpy()
    ahead = np.arange(periods + 1)
    projected = project_contracts(renewal_posterior(counts), tenure, periods, interval=interval, seed=seed)
    groups, number = np.unique(tenure, return_counts=True)
    intercept, slope = straight_line(contract_survival(counts))
    share_at = np.clip(intercept + slope * (groups[:, None] + ahead), 0, None)
    share_now = share_at[:, :1]
    line = np.divide(share_at, share_now, out=np.zeros_like(share_at), where=share_now > 0)
    expected = number @ model.survival(ahead[None, :], groups[:, None])
    return pd.DataFrame(
        {
            "ahead": ahead,
            "actual": (lasted_at_least[:, None] >= ahead).sum(axis=0),
            "model": expected,
            "low": np.minimum(projected["low"], expected),
            "high": np.maximum(projected["high"], expected),
            "constant": number.sum() * constant_retention(counts) ** ahead,
            "line": number @ np.minimum(line, 1.0),
        }
    )


def _end_of_month(day: dt.date) -> dt.date:
    return (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)


def _stays(alpha: Array, beta: Array, renewed: Array) -> Array:
    """Probability of each renewal to come, of shape (draws, renewals)."""
    return (beta[:, None] + renewed) / (alpha[:, None] + beta[:, None] + renewed)


def _log_density(mean: Array, index: Array, renewal: Array, at_risk: Array, lost: Array) -> Array:
    """Log posterior of the logits of the mean probability of leaving and of the polarization index."""
    both = np.exp(-index)
    alpha, beta = expit(mean) * both, expit(-mean) * both
    # the prior is uniform before the logit, so its density after it is p (1 - p)
    density = sum(np.log(expit(each)) + np.log(expit(-each)) for each in (mean, index))
    density = density + lost.sum() * np.log(alpha)
    for t, risk, gone in zip(renewal, at_risk, lost, strict=True):
        density = density + (risk - gone) * np.log(beta + (t - 1)) - risk * np.log(alpha + beta + (t - 1))
    return density
