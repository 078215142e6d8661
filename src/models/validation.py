"""How a forecast held: expected against actual, by customer, by frequency and over time."""

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats import norm

from models.rfm import DAYS_PER_UNIT, purchase_days

Array = np.ndarray


class SpendFrequencyCorrelation(NamedTuple):
    """Correlation of spend per purchase with the number of purchases, and its interval.

    Attributes
    ----------
    correlation, low, high : float
        NaN where they can't be had.
    customers : int
        How many it rests on.
    """

    correlation: float
    low: float
    high: float
    customers: int


def holdout_scores(actual: Any, expected: Any, *, model: str, log_likelihood: float) -> pd.DataFrame:
    """Score a forecast of holdout purchases.

    Parameters
    ----------
    actual, expected : array_like of shape (n,)
        Purchases in the holdout, a value per customer.
    model : str
        Name of the model, for the table.
    log_likelihood : float
        Of the calibration data.

    Returns
    -------
    DataFrame of one row
        model; purchases_actual and purchases_expected, the totals; mae and rmse per customer; correlation
        (NaN if either side is constant); bias, expected total over actual total less 1 (NaN if nothing was
        bought); coverage (empty); log_likelihood.

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
            "coverage": [np.nan],
            "log_likelihood": [float(log_likelihood)],
        }
    )


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
        Customers with this frequency or more make the last group.
    interval : float, default 0.95
        Coverage of the interval of the actual mean, by the normal approximation.

    Returns
    -------
    DataFrame
        A row for each of the groups "0", "1", ..., "7+" that has customers: frequency (the label),
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
    frame = pd.DataFrame({"group": np.minimum(times, most), "actual": bought, "expected": forecast})
    groups = frame.groupby("group").agg(
        customers=("actual", "size"),
        mean=("actual", "mean"),
        sd=("actual", "std"),
        expected=("expected", "mean"),
    )
    margin = norm.ppf((1 + interval) / 2) * groups["sd"] / np.sqrt(groups["customers"])
    return pd.DataFrame(
        {
            "frequency": [f"{group}+" if group == most else str(group) for group in groups.index],
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

    Parameters
    ----------
    frequency : array_like of shape (n,)
        Repeat purchases; give customers that have some.
    monetary_value : array_like of shape (n,)
        Mean spend of these purchases.
    interval : float, default 0.95
        Coverage of the interval, by Fisher's z.

    Returns
    -------
    SpendFrequencyCorrelation
        All NaN with fewer than 4 customers or where one of the two doesn't vary.

    Raises
    ------
    ValueError
        If the two are of different lengths.
    """
    times, spend = _pair(frequency, monetary_value, empty=True)
    customers = len(times)
    correlation = _correlation(times, spend) if customers >= 4 else np.nan
    if np.isnan(correlation):
        return SpendFrequencyCorrelation(np.nan, np.nan, np.nan, customers)
    if abs(correlation) == 1:
        return SpendFrequencyCorrelation(correlation, correlation, correlation, customers)
    margin = norm.ppf((1 + interval) / 2) / np.sqrt(customers - 3)
    low, high = np.tanh(np.arctanh(correlation) + np.array([-margin, margin]))
    return SpendFrequencyCorrelation(correlation, float(low), float(high), customers)


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


def _counts_by_day(purchases: Any) -> pd.DataFrame:
    """Count customers by the day they were first seen and the day they bought."""
    days: Any = nw.from_native(purchase_days(purchases)).with_columns(first=nw.col("date").min().over("customer"))
    counts = days.group_by("first", "date").agg(nw.len().alias("customers"))
    if isinstance(counts, nw.LazyFrame):
        counts = counts.collect()
    frame = counts.to_pandas()
    return frame.assign(
        date=pd.to_datetime(frame["date"]),
        first=pd.to_datetime(frame["first"]),
        customers=frame["customers"].astype("int64"),  # engines count in types of their own
    )
