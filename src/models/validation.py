"""How a forecast held: expected against actual, by customer, by frequency and over time."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats import gamma, kstest, norm, rankdata

from models._columns import distinct_of, to_pandas
from models.rfm import DAYS_PER_UNIT, purchase_days

Array = np.ndarray


class SpendFrequencyCorrelation(NamedTuple):
    """Rank correlation of spend per purchase with the number of purchases, and its interval.

    Attributes
    ----------
    correlation, low, high : float
        Spearman's; NaN where they can't be had.
    customers : int
        How many it rests on.
    pearson : float
        Pearson's correlation of the same, which one big spender can turn around.
    """

    correlation: float
    low: float
    high: float
    customers: int
    pearson: float = np.nan


class Uniformity(NamedTuple):
    """Kolmogorov-Smirnov test that values are uniform on [0, 1].

    Attributes
    ----------
    statistic : float
        Greatest distance between the two distribution functions.
    p_value : float
    """

    statistic: float
    p_value: float


def holdout_scores(
    actual: Any, expected: Any, *, model: str, log_likelihood: float, coverage: float = np.nan
) -> pd.DataFrame:
    """Score a forecast of holdout purchases.

    Parameters
    ----------
    actual, expected : array_like of shape (n,)
        Purchases in the holdout, a value per customer.
    model : str
        Name of the model, for the table.
    log_likelihood : float
        Of the calibration data.
    coverage : float, optional
        Share of customers inside their intervals; see `interval_coverage`.

    Returns
    -------
    DataFrame of one row
        model; purchases_actual and purchases_expected, the totals; mae and rmse per customer; correlation
        (NaN if either side is constant); bias, expected total over actual total less 1 (NaN if nothing was
        bought); coverage; log_likelihood.

    Raises
    ------
    ValueError
        If the two are empty or of different lengths.
    """
    bought, forecast = _pair(actual, expected)
    error = forecast - bought
    total = bought.sum()
    return pd.DataFrame(
        {
            "model": [model],
            "purchases_actual": [total],
            "purchases_expected": [forecast.sum()],
            "mae": [np.abs(error).mean()],
            "rmse": [np.sqrt(np.square(error).mean())],
            "correlation": [_correlation(bought, forecast)],
            "bias": [forecast.sum() / total - 1 if total else np.nan],
            "coverage": [float(coverage)],
            "log_likelihood": [float(log_likelihood)],
        }
    )


def interval_coverage(actual: Any, low: Any, high: Any) -> float:
    """Share of customers whose purchases lie inside their interval, its ends included.

    Parameters
    ----------
    actual : array_like of shape (n,)
        Purchases in the holdout.
    low, high : array_like of shape (n,)
        Ends of the intervals.

    Returns
    -------
    float
        NaN if any interval is missing.

    Raises
    ------
    ValueError
        If the vectors are empty or of different lengths.
    """
    bought, least = _pair(actual, low)
    _, most = _pair(actual, high)
    if np.isnan(least).any() or np.isnan(most).any():
        return np.nan
    return float(((least <= bought) & (bought <= most)).mean())


def value_scores(actual: Any, expected: Mapping[str, Any]) -> pd.DataFrame:
    """Compare forecasts of what customers bring with what they brought, over one horizon.

    Parameters
    ----------
    actual : array_like of shape (n,)
        What each customer brought in the holdout.
    expected : mapping of str to array_like of shape (n,) or float
        Forecasts by name, over the same time and in the same terms (revenue or profit; discounted or not). One
        number stands for every customer, as the rule of thumb LTV = S x C x P x T has it.

    Returns
    -------
    DataFrame
        A row per forecast: method, value_actual and value_expected (totals), bias (expected over actual less 1, NaN
        if nothing was brought), mae and rmse per customer, correlation (NaN for one number).

    Raises
    ------
    ValueError
        If there are no customers or a forecast is for more or fewer of them.
    """
    brought = np.asarray(actual, dtype=float)
    rows = []
    for method, forecast in expected.items():
        of_each = np.full(brought.shape, forecast) if np.ndim(forecast) == 0 else forecast
        rows.append(holdout_scores(brought, of_each, model=method, log_likelihood=np.nan))
    columns = ["method", "value_actual", "value_expected", "bias", "mae", "rmse", "correlation"]
    if not rows:
        return pd.DataFrame(columns=columns)
    names = {"model": "method", "purchases_actual": "value_actual", "purchases_expected": "value_expected"}
    return pd.concat(rows, ignore_index=True).rename(columns=names)[columns]


def calibration_by_decile(actual: Any, expected: Any, groups: int = 10, interval: float = 0.95) -> pd.DataFrame:
    """Mean forecast against mean actual purchases of customers sorted by forecast into groups of one size.

    Customers with one forecast stay together, in the group in which the middle one of them falls, so groups differ in
    size and some may be missing. The interval is that of a Poisson mean, widened by the group's own dispersion: unlike
    the normal one it holds for groups of whom few or none bought.

    Parameters
    ----------
    actual, expected : array_like of shape (n,)
        Purchases in the holdout.
    groups : int, default 10
    interval : float, default 0.95
        Coverage of the interval of the actual mean.

    Returns
    -------
    DataFrame
        A row per group, the lowest forecasts first: decile (from 1), customers, expected_least and expected_most (the
        range of its forecasts), expected and actual (means), actual_low, actual_high. A group of one has no interval.

    Raises
    ------
    ValueError
        If the vectors are empty or of different lengths, or a forecast is missing.
    """
    bought, forecast = _pair(actual, expected)
    if np.isnan(forecast).any():
        raise ValueError(f"The forecast is missing for {np.isnan(forecast).sum()} of {forecast.size} customers.")
    middle = (rankdata(forecast) - 0.5) / forecast.size
    decile = np.minimum((middle * groups).astype(int) + 1, groups)
    frame = pd.DataFrame({"decile": decile, "actual": bought, "expected": forecast})
    grouped = frame.groupby("decile")
    table = grouped.agg(
        customers=("actual", "size"),
        expected_least=("expected", "min"),
        expected_most=("expected", "max"),
        expected=("expected", "mean"),
        actual=("actual", "mean"),
    )
    low, high = _interval_of_mean(table["actual"], grouped["actual"].var(), table["customers"], interval)
    return table.assign(actual_low=low, actual_high=high).reset_index()


def predictive_cdf(model: Any, actual: Any, t: float, frequency: Any, recency: Any, T: Any) -> tuple[Array, Array]:
    """Predictive probability of at most, and of fewer than, the purchases that were made.

    Parameters
    ----------
    model : fitted purchase model
        With `conditional_probability_of_n_purchases_up_to_time(n, t, frequency, recency, T)`.
    actual : array_like of shape (n,)
        Purchases in the holdout, whole numbers.
    t : float
        Its length, in the model's unit of time.
    frequency, recency, T : array_like of shape (n,)
        Histories before it.

    Returns
    -------
    tuple of two ndarray of shape (n,)
        P(X <= actual) and P(X < actual), for `randomised_pit`.
    """
    rows, of_customer = _distinct(actual, frequency, recency, T)
    bought = rows.pop("n").astype(int)
    below, at_most = np.zeros(len(bought)), np.zeros(len(bought))
    for n in range(int(bought.max(initial=0)) + 1):
        reached = bought >= n
        below[reached] = at_most[reached]
        histories = [values[reached] for values in rows.values()]
        at_most[reached] += np.asarray(model.conditional_probability_of_n_purchases_up_to_time(n, t, *histories))
    return np.clip(at_most, 0, 1)[of_customer], np.clip(below, 0, 1)[of_customer]


def mean_log_score(model: Any, actual: Any, t: float, frequency: Any, recency: Any, T: Any) -> float:
    """Mean logarithm of the probability that the model gave to what each customer then did.

    Parameters
    ----------
    model, actual, t, frequency, recency, T
        As in `predictive_cdf`.

    Returns
    -------
    float
        At most 0, the greater the better; -inf if something happened that the model held impossible.

    References
    ----------
    Gneiting, T. & A. E. Raftery (2007). Strictly Proper Scoring Rules, Prediction, and Estimation. *Journal of the
    American Statistical Association* 102(477), 359-378.
    """
    rows, of_customer = _distinct(actual, frequency, recency, T)
    bought = rows.pop("n")
    probability = np.asarray(model.conditional_probability_of_n_purchases_up_to_time(bought, t, *rows.values()))
    with np.errstate(divide="ignore"):
        return float(np.log(probability)[of_customer].mean())


def randomised_pit(actual: Any, cdf: Any, cdf_below: Any, seed: int | np.random.Generator) -> Array:
    """Randomised probability integral transform of counts: uniform on [0, 1] if the forecasts are calibrated.

    Parameters
    ----------
    actual : array_like of shape (n,)
        Counts that happened.
    cdf, cdf_below : array_like of shape (n,)
        Predictive probability of at most, and of fewer than, that count.
    seed : int or numpy.random.Generator

    Returns
    -------
    ndarray of shape (n,)
        Drawn uniformly between the two.

    Raises
    ------
    ValueError
        If the vectors differ in length, a probability lies outside [0, 1], `cdf_below` is above `cdf`, or it is
        above 0 where the count is 0.

    References
    ----------
    Czado, C., T. Gneiting & L. Held (2009). Predictive Model Assessment for Count Data. *Biometrics* 65(4), 1254-1261.
    """
    counts, at_most = _pair(actual, cdf, empty=True)
    _, below = _pair(actual, cdf_below, empty=True)
    wrong = ~((below >= 0) & (below <= at_most) & (at_most <= 1)) | ((counts == 0) & (below > 0))
    if wrong.any():
        where = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"cdf_below and cdf are no distribution in {wrong.sum()} of {counts.size} places; the first is {where}: "
            f"count {counts[where]:g}, cdf_below {below[where]:g}, cdf {at_most[where]:g}."
        )
    return below + np.random.default_rng(seed).random(counts.size) * (at_most - below)


def pit_uniformity(pit: Any) -> Uniformity:
    """Test that probability integral transforms are uniform, by Kolmogorov and Smirnov.

    Parameters
    ----------
    pit : array_like of shape (n,)
        As `randomised_pit` gives it; at least one.

    Returns
    -------
    Uniformity
    """
    test = kstest(np.asarray(pit, dtype=float), "uniform")
    return Uniformity(float(test.statistic), float(test.pvalue))


def frequency_groups(frequency: Any, most: int = 7) -> tuple[Array, list[str]]:
    """Group customers by how often they bought, in so few groups that a table or a figure can show them.

    Parameters
    ----------
    frequency : array_like of int, of shape (n,)
        Repeat purchases.
    most : int, default 7
        As many and more make the last group. Where these are more than half of the customers, as at a grocer's, each
        group from 2 on is twice as wide as the one before instead, up to the frequency of the ninth decile.

    Returns
    -------
    group : ndarray of int, of shape (n,)
        Number of each customer's group, in order.
    labels : list of str
        Of every group: "0", "1", "2–3", "64+".
    """
    times = np.asarray(frequency, dtype=int)
    lowest = list(range(most + 1))
    if (times >= most).mean() > 0.5:
        lowest = [0, 1, 2]
        while 2 * lowest[-1] <= np.quantile(times, 0.9):
            lowest.append(2 * lowest[-1])
    ends = [after - 1 for after in lowest[1:]]
    labels = [str(low) if low == high else f"{low}–{high}" for low, high in zip(lowest, ends, strict=False)]
    return np.searchsorted(lowest, times, side="right") - 1, [*labels, f"{lowest[-1]}+"]


def expectation_by_frequency(
    frequency: Any, actual: Any, expected: Any, most: int = 7, interval: float = 0.95
) -> pd.DataFrame:
    """Mean actual and expected holdout purchases by the number of calibration purchases.

    Parameters
    ----------
    frequency : array_like of shape (n,)
        Repeat purchases in the calibration period.
    actual, expected : array_like of shape (n,)
        Purchases in the holdout.
    most : int, default 7
        Customers with this frequency or more make the last group, unless most customers do; see `frequency_groups`.
    interval : float, default 0.95
        Coverage of the interval of the actual mean, by the normal approximation.

    Returns
    -------
    DataFrame
        A row for each group that has customers, such as "0", "1", ..., "7+": frequency (the label),
        customers, actual, actual_low, actual_high, expected (means). A group of one has no interval.

    Raises
    ------
    ValueError
        If the vectors are empty or of different lengths.
    """
    bought, forecast = _pair(actual, expected)
    times = np.asarray(frequency, dtype=int)
    if times.shape != bought.shape:
        raise ValueError(f"frequency has {len(times)} values and actual {len(bought)}; they must match.")
    group, labels = frequency_groups(times, most)
    frame = pd.DataFrame({"group": group, "actual": bought, "expected": forecast})
    groups = frame.groupby("group").agg(
        customers=("actual", "size"),
        mean=("actual", "mean"),
        sd=("actual", "std"),
        expected=("expected", "mean"),
    )
    margin = norm.ppf((1 + interval) / 2) * groups["sd"] / np.sqrt(groups["customers"])
    return pd.DataFrame(
        {
            "frequency": [labels[each] for each in groups.index],
            "customers": groups["customers"].to_numpy(),
            "actual": groups["mean"].to_numpy(),
            "actual_low": np.maximum(groups["mean"] - margin, 0).to_numpy(),
            "actual_high": (groups["mean"] + margin).to_numpy(),
            "expected": groups["expected"].to_numpy(),
        }
    )


def cumulative_tracking(
    purchases: Any, model: Any, calibration_end: Any, as_of: Any, time_unit: str = "week", step_days: int = 7
) -> pd.DataFrame:
    """Cumulative repeat purchases of a cohort, as they happened and as the model expects them.

    Parameters
    ----------
    purchases : frame
        customer and date, rows in any order; pandas, Polars or any other narwhals drives.
    model : lifetimes fitter
        Fitted in `time_unit`, with `expected_number_of_purchases_up_to_time`.
    calibration_end : date, datetime or ISO string
        Customers first seen by this day are the cohort.
    as_of : date, datetime or ISO string
        Last day tracked.
    time_unit : {"week", "day", "month", "year"}, default "week"
    step_days : int, default 7
        Days between rows.

    Returns
    -------
    DataFrame
        date (every `step_days` from the first purchase's day, `calibration_end` and `as_of`), actual (repeat
        purchase days so far) and expected.

    Raises
    ------
    ValueError
        If nobody bought by `calibration_end`, or the time unit is unknown.

    References
    ----------
    Fader, P. S., B. G. S. Hardie & K. L. Lee (2005). "Counting Your Customers" the Easy Way. *Marketing
    Science* 24(2), section 5.
    """
    if time_unit not in DAYS_PER_UNIT:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
    split, end = pd.Timestamp(calibration_end).normalize(), pd.Timestamp(as_of).normalize()
    counts = _counts_by_day(purchases)
    counts = counts[(counts["first"] <= split) & (counts["date"] <= end)]
    if counts.empty:
        raise ValueError(f"Nobody bought by {split.date()}, so there is no cohort to track.")

    newcomers = counts[counts["date"] == counts["first"]]
    repeats = counts[counts["date"] > counts["first"]].groupby("date")["customers"].sum().sort_index()
    start = newcomers["first"].min()
    span = (end - start).days
    day = np.unique(np.append(np.arange(0, span + 1, step_days), [(split - start).days, span]))
    dates = start + pd.to_timedelta(day, unit="D")

    bought_by = np.concatenate([[0], repeats.cumsum().to_numpy()])
    actual = bought_by[np.searchsorted(repeats.index.to_numpy(), dates.to_numpy(), side="right")]
    joined = (newcomers["first"] - start).dt.days.to_numpy()
    ages = np.maximum(day[:, None] - joined, 0)
    distinct, of_age = np.unique(ages, return_inverse=True)
    by_age = np.asarray(model.expected_number_of_purchases_up_to_time(distinct / DAYS_PER_UNIT[time_unit]), dtype=float)
    expected = by_age[of_age.reshape(ages.shape)] @ newcomers["customers"].to_numpy()
    return pd.DataFrame({"date": dates, "actual": actual, "expected": expected})


def spend_frequency_correlation(
    frequency: Any, monetary_value: Any, interval: float = 0.95
) -> SpendFrequencyCorrelation:
    """Correlation the gamma-gamma model assumes to be nil: spend per purchase with number of purchases.

    It is Spearman's, of ranks, because one customer who buys much and often decides Pearson's; that is given beside.

    Parameters
    ----------
    frequency : array_like of shape (n,)
        Repeat purchases; give customers that have some.
    monetary_value : array_like of shape (n,)
        Mean spend of these purchases.
    interval : float, default 0.95
        Coverage of the interval, by Fisher's z with Bonett and Wright's variance, (1 + rho**2 / 2) / (n - 3).

    Returns
    -------
    SpendFrequencyCorrelation
        All NaN with fewer than 4 customers or where one of the two doesn't vary.

    Raises
    ------
    ValueError
        If the two are of different lengths.

    Notes
    -----
    Where spend is skewed, the mean of few purchases lies mostly below the mean of many, so that ranks are slightly
    correlated even if the model holds: by about 0.04 with CDNOW's parameters, by 0.16 where the purchases of one
    customer are exponentially distributed. `models.assumptions.spend_related_to_frequency` allows for it.

    References
    ----------
    Bonett, D. G. & T. A. Wright (2000). Sample Size Requirements for Estimating Pearson, Kendall and Spearman
    Correlations. *Psychometrika* 65(1), 23-28.
    """
    times, spend = _pair(frequency, monetary_value, empty=True)
    customers = len(times)
    correlation = _correlation(rankdata(times), rankdata(spend)) if customers >= 4 else np.nan
    if np.isnan(correlation) or np.isnan(_correlation(times, spend)):
        return SpendFrequencyCorrelation(np.nan, np.nan, np.nan, customers)
    pearson = _correlation(times, spend)
    if abs(correlation) == 1:
        return SpendFrequencyCorrelation(correlation, correlation, correlation, customers, pearson)
    margin = norm.ppf((1 + interval) / 2) * np.sqrt((1 + correlation**2 / 2) / (customers - 3))
    low, high = np.tanh(np.arctanh(correlation) + np.array([-margin, margin]))
    return SpendFrequencyCorrelation(correlation, float(low), float(high), customers, pearson)


def _pair(left: Any, right: Any, empty: bool = False) -> tuple[Array, Array]:
    one, other = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if one.shape != other.shape:
        raise ValueError(f"The two vectors must match, and they have {one.size} and {other.size} values.")
    if not (one.size or empty):
        raise ValueError("There are no customers: the vectors are empty.")
    return one, other


def _correlation(one: Array, other: Array) -> float:
    # A constant's computed deviation can be a rounding error instead of 0, so look at the range.
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    return float(np.clip(np.corrcoef(one, other)[0, 1], -1, 1))


def _distinct(actual: Any, *histories: Any) -> tuple[dict[str, Array], Array]:
    """Distinct counts with histories and, for each customer, which: what is forecast depends on nothing else."""
    given = zip(("n", "frequency", "recency", "T"), (actual, *histories), strict=True)
    return distinct_of({name: np.asarray(values, dtype=float) for name, values in given})


def _interval_of_mean(mean: Any, variance: Any, number: Any, interval: float) -> tuple[Array, Array]:
    """Interval of a mean of counts: a Poisson total's exact one, in units of the dispersion."""
    mean, variance, number = (np.asarray(each, dtype=float) for each in (mean, variance, number))
    dispersed = variance > 0
    dispersion = np.divide(variance, mean, out=np.where(np.isnan(variance), np.nan, 1.0), where=dispersed)
    events = number * mean / dispersion
    tail = (1 - interval) / 2
    low = np.where(events > 0, gamma.ppf(tail, np.where(events > 0, events, 1)), np.where(events == 0, 0.0, np.nan))
    return low * dispersion / number, gamma.ppf(1 - tail, events + 1) * dispersion / number


def _counts_by_day(purchases: Any) -> pd.DataFrame:
    """Count customers by the day they were first seen and the day they bought."""
    days: Any = nw.from_native(purchase_days(purchases)).with_columns(first=nw.col("date").min().over("customer"))
    frame = to_pandas(days.group_by("first", "date").agg(nw.len().alias("customers")))
    return frame.assign(
        date=pd.to_datetime(frame["date"]),
        first=pd.to_datetime(frame["first"]),
        customers=frame["customers"].astype("int64"),  # engines count in types of their own
    )
