"""How unevenly customers share in a total: Lorenz curve, Gini's and Herfindahl's measures, share of the top."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import ArrayLike

from models.exact import exact_sum

_MOST_POINTS = 1000
_LENGTHS = {"month": "1mo", "quarter": "1q", "year": "1y"}


def lorenz(values: ArrayLike) -> pd.DataFrame:
    """Trace the share of the total that the smallest customers bring (Lorenz 1905).

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.

    Returns
    -------
    pandas.DataFrame
        `share_of_customers` and `share_of_total`, both from 0 to 1. The first row is (0, 0), then come the
        customers from the smallest up: all of them up to 999, and beyond that 1,000 rows evenly spaced.
        Negative values bring the curve below 0 first. `share_of_total` is NaN after (0, 0) when the total
        isn't positive, as there is nothing to share out; without values there is the first row alone.

    Raises
    ------
    ValueError
        For missing or infinite values.
    """
    ordered = _rising(values)
    number = len(ordered)
    rows = np.unique(np.linspace(0, number, min(number + 1, _MOST_POINTS)).round().astype(np.int64))
    running = np.concatenate([[0.0], np.cumsum(ordered)])
    total = running[-1]
    share = running[rows] / total if total > 0 else np.where(rows > 0, np.nan, 0.0)
    return pd.DataFrame({"share_of_customers": rows / max(number, 1), "share_of_total": share})


def gini(values: ArrayLike) -> float:
    """Return Gini's coefficient: twice the area between the Lorenz curve and the diagonal.

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.

    Returns
    -------
    float
        0 when all bring the same, (n - 1) / n when one brings everything. With negative values it may
        exceed 1. NaN without values or when the total isn't positive.

    Raises
    ------
    ValueError
        For missing or infinite values.
    """
    ordered = _rising(values)
    number, total = len(ordered), ordered.sum()
    if not total > 0:
        return np.nan
    weights = 2 * np.arange(1, number + 1) - number - 1
    return float((weights * ordered).sum() / (number * total))


def top_share(values: ArrayLike, top: float = 0.1) -> float:
    """Return the share of the total that comes from the customers who bring most.

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.
    top : float, default 0.1
        Which share of the customers, in (0, 1]. Where that isn't a whole number of customers the next one
        counts in proportion, which is the Lorenz curve read from its upper end.

    Returns
    -------
    float
        Exceeds 1 when the others bring less than nothing together. NaN without values or when the total
        isn't positive.

    Raises
    ------
    ValueError
        For missing or infinite values, or a `top` outside (0, 1].
    """
    if not 0 < top <= 1:
        raise ValueError(f"`top` is a share of the customers in (0, 1], not {top}.")
    ordered = _rising(values)
    total = ordered.sum()
    if not total > 0:
        return np.nan
    # 0.1 of 30 customers is 3 of them, not 3.0000000000000004.
    wanted = round(top * len(ordered), 9)
    whole = int(wanted)
    largest = ordered[::-1]
    partial = (wanted - whole) * largest[whole] if whole < len(ordered) else 0.0
    return float((largest[:whole].sum() + partial) / total)


def herfindahl(values: ArrayLike) -> float:
    """Return Herfindahl's index, the sum of squared shares (Herfindahl 1950; Hirschman 1945).

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.

    Returns
    -------
    float
        1 / n when all n bring the same, 1 when one brings everything. Its inverse is the number of equal customers
        among whom a total would be as concentrated. With negative values it may exceed 1. NaN without values or when
        the total isn't positive.

    Raises
    ------
    ValueError
        For missing or infinite values.
    """
    ordered = _rising(values)
    total = ordered.sum()
    return float(np.square(ordered / total).sum()) if total > 0 else np.nan


def largest_share(values: ArrayLike, how_many: int = 1) -> float:
    """Return the share of the total that the largest few bring.

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.
    how_many : int, default 1
        How many customers; where there are fewer, all of them.

    Returns
    -------
    float
        Exceeds 1 when the others bring less than nothing together. NaN without values or when the total
        isn't positive.

    Raises
    ------
    ValueError
        For missing or infinite values, or when `how_many` is less than one.
    """
    if how_many < 1:
        raise ValueError(f"`how_many` is a number of customers from 1 up, not {how_many}.")
    ordered = _rising(values)
    total = ordered.sum()
    return float(ordered[-how_many:].sum() / total) if total > 0 else np.nan


def concentration_by_period(lines: pl.DataFrame, period: str, as_of: dt.date) -> pl.DataFrame:
    """Follow how unevenly customers share in the revenue of each calendar period.

    Parameters
    ----------
    lines : polars.DataFrame
        customer, date (date or datetime), amount (negative for a return); rows in any order, none after `as_of`.
    period : {"month", "quarter", "year"}
    as_of : datetime.date
        Last day observed.

    Returns
    -------
    polars.DataFrame
        One row a period from the first with a row to that of `as_of`, those without any included: period (its first
        day), complete (False where `as_of` cuts it short), customers (with a row in it), revenue, gini, herfindahl,
        largest (a customer; of equal ones the first by key), largest_share and three_largest_share. What can't be
        told, because a period's revenue isn't positive, is null. The first period counts from its first row on, so
        its revenue may be that of a part.

    Raises
    ------
    KeyError
        For an unknown period.
    """
    length = _LENGTHS[period]
    sums = lines.group_by(
        pl.col("date").dt.date().dt.truncate(length).alias("period"),
        "customer",
    ).agg(exact_sum("amount"))
    rows = [{"period": start[0], **_shares(amounts)} for start, amounts in sums.group_by("period")]
    measured = pl.DataFrame(rows, schema=_BY_PERIOD)
    first, last = measured["period"].min(), pl.Series([as_of]).dt.truncate(length).item()
    if not isinstance(first, dt.date):
        return measured.with_columns(complete=pl.lit(True)).select(_BY_PERIOD_ORDER)
    periods = pl.DataFrame({"period": pl.date_range(first, last, length, eager=True)})
    ends = pl.col("period").dt.offset_by(length).dt.offset_by("-1d")
    return (
        periods.join(measured, on="period", how="left", maintain_order="left")
        .with_columns(
            pl.col("customers").fill_null(0), pl.col("revenue").fill_null(0.0), (ends <= as_of).alias("complete")
        )
        .select(_BY_PERIOD_ORDER)
    )


_BY_PERIOD: dict[str, Any] = {
    "period": pl.Date,
    "customers": pl.Int64,
    "revenue": pl.Float64,
    "gini": pl.Float64,
    "herfindahl": pl.Float64,
    "largest": pl.String,
    "largest_share": pl.Float64,
    "three_largest_share": pl.Float64,
}
_BY_PERIOD_ORDER = ("period", "complete", *list(_BY_PERIOD)[1:])


def _shares(sums: pl.DataFrame) -> dict[str, Any]:
    amounts = sums["amount"].to_numpy()
    revenue = float(sums.select(exact_sum("amount")).item())
    known: dict[str, Any] = {"customers": sums.height, "revenue": revenue}
    if not revenue > 0:
        return known | dict.fromkeys(name for name in _BY_PERIOD if name not in ("period", *known))
    return known | {
        "gini": gini(amounts),
        "herfindahl": herfindahl(amounts),
        "largest": sums.filter(pl.col("amount") == pl.col("amount").max())["customer"].min(),
        "largest_share": largest_share(amounts),
        "three_largest_share": largest_share(amounts, 3),
    }


def _rising(values: ArrayLike) -> np.ndarray:
    """Return the values sorted, so that their sums don't depend on the order they came in."""
    numbers = np.sort(np.asarray(values, dtype=np.float64), axis=None)
    if not np.isfinite(numbers).all():
        raise ValueError("Some values are missing or infinite; a share of the total needs all of them.")
    return numbers
