"""How long customers wait before they buy again: gaps, Kaplan-Meier, the log-rank test.

A customer of a shop never says goodbye, so what can be observed is the time from one purchase to the next.
It is censored wherever the next purchase hasn't come by the last day observed.
"""

import datetime as dt
from typing import NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from narwhals.typing import IntoFrame
from numpy.typing import ArrayLike
from scipy.sparse.csgraph import connected_components
from scipy.special import chdtrc, ndtri
from statsmodels.duration.survfunc import SurvfuncRight

from models.rfm import purchase_days


class SurvivalAt(NamedTuple):
    """A survival curve read at one point: estimate and pointwise band, each a share in [0, 1] or NaN."""

    value: float
    low: float
    high: float


class LogRank(NamedTuple):
    """A log-rank test: chi-squared statistic, its degrees of freedom (groups compared less one), p-value."""

    statistic: float
    degrees_of_freedom: float
    p_value: float


def purchase_gaps(purchases: IntoFrame, as_of: dt.date) -> pl.DataFrame:
    """Measure days from every purchase to the same customer's next one, or to `as_of` where none has come.

    Parameters
    ----------
    purchases : frame
        Rows of customer, date and amount, in any order. Rows of one customer on one day are one purchase.
    as_of : date
        Last day observed. Later purchases are left out.

    Returns
    -------
    polars.DataFrame
        One row per purchase, sorted by customer and date: `customer`; `purchase_number` (1 is the first);
        `date`; `days` to the next purchase, or to `as_of`; `observed`, whether the next purchase was seen.
        The last purchase of each customer is the only one not observed, and has 0 days if made on `as_of`.
    """
    last_day = pd.Timestamp(as_of).normalize().to_pydatetime()
    days: pl.DataFrame = (
        nw.from_native(purchase_days(purchases))
        .lazy()
        .select("customer", "date")
        .filter(nw.col("date") <= nw.lit(last_day))
        .collect("polars")
        .to_native()
    )
    # In sorted rows a customer's next purchase is the next row: no need for slower windows over customers.
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    is_first = pl.col("customer").ne_missing(pl.col("customer").shift())
    observed = pl.col("customer") == pl.col("customer").shift(-1)
    end = pl.when("observed").then(pl.col("date").shift(-1)).otherwise(pl.lit(last_day))
    return (
        days.with_columns(pl.col("date").cast(pl.Datetime("us")))
        .sort("customer", "date")
        .with_columns(observed=observed.fill_null(False), first_row=pl.when(is_first).then(row).forward_fill())
        .select(
            "customer",
            purchase_number=row - pl.col("first_row") + 1,
            date="date",
            days=(end - pl.col("date")).dt.total_days(),
            observed="observed",
        )
    )


def kaplan_meier(days: ArrayLike, observed: ArrayLike, *, interval: float = 0.95) -> pd.DataFrame:
    r"""Estimate the share still waiting after each number of days (Kaplan-Meier), with a pointwise band.

    Parameters
    ----------
    days : array_like, shape (n,)
        Time under observation, in days (or any unit), not negative.
    observed : array_like of bool, shape (n,)
        Whether that time ended with the event; otherwise it is censored.
    interval : float, default 0.95
        Coverage of the band at each single point, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row for day 0, one for each distinct time with an event, and one for the longest time observed;
        the curve is constant in between. `days`; `survival`, S(days); `low` and `high`, its band;
        `at_risk`, how many were observed for that long or longer; `events` at that time. Survival at day 0
        is 1 unless events fell on it.

    Raises
    ------
    ValueError
        For no rows, arrays of different lengths, missing or negative times, missing `observed`, or an
        `interval` not between 0 and 1.

    Notes
    -----
    S(t) is the product-limit estimate of Kaplan & Meier (1958) and its variance is Greenwood's.
    The band is symmetric for log(-log S), which keeps it within [0, 1] (Kalbfleisch & Prentice, *The
    Statistical Analysis of Failure Time Data*, 2nd ed. 2002, section 1.4.1):

    .. math::
        S^{\exp(\pm z \hat\sigma / \log S)}, \quad
        \hat\sigma^2 = \sum_{t_j \le t} \frac{d_j}{n_j (n_j - d_j)}.

    Where nothing has happened yet that band is [1, 1]. It isn't defined where S is 0: there `low` is 0 and
    `high` is where it was, times the exact upper limit (Clopper & Pearson 1934) of the share of those at risk
    last who would have stayed.
    """
    _check_interval(interval)
    distinct = _distinct_times(days, observed)
    times, status, counts = (distinct[name].to_numpy() for name in ("days", "observed", "count"))
    # With frequency weights statsmodels' estimate and counts are exact, but its standard error is another one
    # (Tsiatis'), so Greenwood's is computed here from the counts.
    curve = SurvfuncRight(times, status, freq_weights=counts)
    band_low, band_high = _log_log_band(curve.surv_prob, curve.n_risk, curve.n_events, interval)
    steps = pd.DataFrame(
        {
            "days": curve.surv_times,
            "survival": curve.surv_prob,
            "low": band_low,
            "high": band_high,
            "at_risk": curve.n_risk.astype(np.int64),
            "events": curve.n_events.astype(np.int64),
        }
    )
    ends = {0: counts.sum(), times.max(): counts[times == times.max()].sum()}
    missing = [time for time in ends if time not in curve.surv_times]
    frame = pd.DataFrame({"days": np.union1d(curve.surv_times, missing).astype(times.dtype)})
    frame = frame.merge(steps, on="days", how="left")
    frame["at_risk"] = frame["at_risk"].fillna(frame["days"].map(ends)).astype(np.int64)
    frame["events"] = frame["events"].fillna(0).astype(np.int64)
    shares = ["survival", "low", "high"]
    frame[shares] = frame[shares].ffill().fillna(1.0)
    return frame


def survival_at(curve: pd.DataFrame, days: float) -> SurvivalAt:
    """Read a survival curve at one number of days.

    Parameters
    ----------
    curve : pandas.DataFrame
        As `kaplan_meier` returns it.
    days : float
        In the curve's unit, not negative.

    Returns
    -------
    SurvivalAt
        Value, low and high; NaN beyond the longest time observed, about which the data say nothing.

    Raises
    ------
    ValueError
        For a negative or missing number of days.
    """
    if not days >= 0:
        raise ValueError(f"A survival curve starts at 0 days; it can't be read at {days}.")
    if days > curve["days"].iloc[-1]:
        return SurvivalAt(np.nan, np.nan, np.nan)
    row = curve.iloc[int(curve["days"].searchsorted(days, side="right")) - 1]
    return SurvivalAt(float(row["survival"]), float(row["low"]), float(row["high"]))


def log_rank(days: ArrayLike, observed: ArrayLike, group: ArrayLike, *, strata: ArrayLike | None = None) -> LogRank:
    """Test whether groups of customers share one survival curve.

    Parameters
    ----------
    days, observed : array_like, shape (n,)
        As for `kaplan_meier`.
    group : array_like, shape (n,)
        Which group each row belongs to. Rows without a group are left out.
    strata : array_like, shape (n,), optional
        What is held alike: groups are compared within each stratum, which may have a curve of its own, and what they
        show is added up. Rows without a stratum are one more. None: all are one stratum.

    Returns
    -------
    LogRank
        Statistic (unweighted, hypergeometric variance; that of statsmodels' `survdiff`, here reckoned from counts
        so that a million customers take no longer than their distinct days), degrees of freedom and p-value. All
        NaN where there is nothing to compare: no events, fewer than two groups observed until the first event, or
        everybody having the event at once. A group observed for less time than the first event took says nothing
        and counts for no degree of freedom; of groups that never meet those of another set in any stratum, each set
        has a degree of freedom less than groups.

    Raises
    ------
    ValueError
        For arrays of different lengths, missing or negative times, or missing `observed`.

    Notes
    -----
    Mantel (1966); Kalbfleisch & Prentice (2002), section 1.5.
    """
    _, difference, variance = _log_rank_parts(days, observed, group, strata)
    # the differences of groups that meet add up to zero, so one of them follows from the others
    _, meets = connected_components(variance != 0, directed=False)
    follows = np.unique(meets, return_index=True)[1]
    free = np.delete(np.arange(len(difference)), follows)
    if not len(free):
        return LogRank(np.nan, np.nan, np.nan)
    statistic = float(difference[free] @ np.linalg.solve(variance[np.ix_(free, free)], difference[free]))
    return _tested(statistic, len(free))


def each_against_the_rest(
    days: ArrayLike, observed: ArrayLike, group: ArrayLike, *, strata: ArrayLike | None = None
) -> dict[object, LogRank]:
    """Test each group's survival curve against that of all the other groups together.

    Parameters
    ----------
    days, observed, group, strata : array_like, shape (n,)
        As for `log_rank`.

    Returns
    -------
    dict
        For each group `log_rank` of it against the rest, in the order in which groups first appear. Groups that
        say nothing, as there, are left out.

    Raises
    ------
    ValueError
        As `log_rank`.
    """
    groups, difference, variance = _log_rank_parts(days, observed, group, strata)
    return {
        name: _tested(float(difference[at] ** 2 / variance[at, at]), 1)
        for at, name in enumerate(groups)
        if len(groups) > 1 and variance[at, at] > 0
    }


def _tested(statistic: float, degrees_of_freedom: int) -> LogRank:
    # The upper tail itself: one less the distribution function is 0 for every p-value below 1e-16.
    return LogRank(statistic, degrees_of_freedom, float(chdtrc(degrees_of_freedom, statistic)))


def _log_rank_parts(
    days: ArrayLike, observed: ArrayLike, group: ArrayLike, strata: ArrayLike | None
) -> tuple[list[object], np.ndarray, np.ndarray]:
    """Return the groups compared, their observed less expected events, and the covariance of these."""
    times, status = _checked(days, observed)
    codes, names = pd.factorize(np.asarray(group))
    if len(codes) != len(times):
        raise ValueError(f"There are {len(times)} times but {len(codes)} groups.")
    stratum = np.zeros(len(times), dtype=np.int64)
    if strata is not None:
        stratum = pd.factorize(np.asarray(strata), use_na_sentinel=False)[0]
        if len(stratum) != len(times):
            raise ValueError(f"There are {len(times)} times but {len(stratum)} strata.")
    difference, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    compared = np.zeros(len(names), dtype=bool)
    for each in np.unique(stratum[codes >= 0]):
        inside = (codes >= 0) & (stratum == each)
        there, gap, spread = _of_stratum(times[inside], status[inside], codes[inside], len(names))
        compared |= there
        difference += gap
        variance += spread
    return list(np.asarray(names)[compared]), difference[compared], variance[np.ix_(compared, compared)]


def _of_stratum(
    times: np.ndarray, status: np.ndarray, codes: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which groups are at risk at an event, and for all of them the difference and the covariance."""
    distinct, at = np.unique(times, return_inverse=True)
    cells, shape = codes * len(distinct) + at, (groups, len(distinct))
    ended = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
    events = np.bincount(cells, weights=status, minlength=np.prod(shape)).reshape(shape)
    at_risk = ended[:, ::-1].cumsum(axis=1)[:, ::-1]

    happens = events.sum(axis=0) > 0
    events, at_risk = events[:, happens], at_risk[:, happens]
    all_events, all_at_risk = events.sum(axis=0), at_risk.sum(axis=0)
    share = at_risk / all_at_risk
    difference = (events - share * all_events).sum(axis=1)
    spread = all_events * (all_at_risk - all_events) / np.maximum(all_at_risk - 1, 1)
    variance = np.diag(share @ spread) - (share * spread) @ share.T
    return at_risk.max(axis=1, initial=0) > 0, difference, variance


def _checked(days: ArrayLike, observed: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    times, status = np.asarray(days), np.asarray(observed)
    if times.shape != status.shape or times.ndim != 1:
        raise ValueError(f"Times have shape {times.shape} and `observed` has {status.shape}; both must be (n,).")
    if pd.isna(status).any():
        raise ValueError("`observed` has missing values.")
    times = times.astype(np.int64 if np.issubdtype(times.dtype, np.integer) else np.float64)
    if not (times >= 0).all():
        raise ValueError("Times under observation must be known and not negative.")
    return times, status.astype(bool)


def _distinct_times(days: ArrayLike, observed: ArrayLike) -> pl.DataFrame:
    """Count the rows of each distinct (days, observed): all that the estimate depends on."""
    times, status = _checked(days, observed)
    if not len(times):
        raise ValueError("A survival curve needs at least one time.")
    return pl.DataFrame({"days": times, "observed": status}).group_by("days", "observed").len("count").sort("days")


def _log_log_band(
    survival: np.ndarray, at_risk: np.ndarray, events: np.ndarray, interval: float
) -> tuple[np.ndarray, np.ndarray]:
    if not len(survival):
        return survival, survival
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        width = ndtri((1 + interval) / 2) * np.sqrt(greenwood) / -np.log(survival)
        low, high = survival ** np.exp(width), survival ** np.exp(-width)
    if survival[-1] == 0:
        # the largest conditional survival that would still see all those at risk go with that probability
        still = 1 - ((1 - interval) / 2) ** (1 / at_risk[-1])
        low[-1] = 0.0
        high[-1] = still * (high[-2] if len(high) > 1 else 1.0)
    return low, high


def _check_interval(interval: float) -> None:
    if not 0 < interval < 1:
        raise ValueError(f"`interval` is a coverage between 0 and 1, not {interval}.")
