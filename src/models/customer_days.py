"""On which days each customer bought: what the checks of a ledger's days look at, reduced once for all of them."""

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl

Array = np.ndarray


class CustomerDays(NamedTuple):
    """Purchase days of every customer, sorted by customer and day.

    Attributes
    ----------
    customer : ndarray of int, of shape (n,)
        Code of the customer.
    day : ndarray of int, of shape (n,)
        Days since 1970-01-01; one row per customer and day.
    """

    customer: Array
    day: Array


def customer_days(purchases: Any, as_of: Any = None) -> CustomerDays:
    """Reduce a ledger to the days on which each customer bought.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer (string or integer) and date (date or datetime), rows in any order; pandas, Polars or any other
        narwhals drives. What is reduced already is only cut off at `as_of`.
    as_of : date, datetime or ISO string, optional
        Last day observed; later purchases are left out.

    Returns
    -------
    CustomerDays

    Raises
    ------
    ValueError
        If date holds neither dates nor datetimes.
    """
    if isinstance(purchases, CustomerDays):
        if as_of is None or not len(purchases.day) or purchases.day.max() <= day_number(as_of):
            return purchases
        kept = purchases.day <= day_number(as_of)
        return CustomerDays(purchases.customer[kept], purchases.day[kept])
    frame: Any = nw.from_native(purchases)
    rows: pl.DataFrame = frame.select("customer", "date").lazy().collect("polars").to_native()
    date = rows["date"]
    if date.dtype != pl.Date and not isinstance(date.dtype, pl.Datetime):
        raise ValueError(f"The column date holds {date.dtype}; it must hold dates or datetimes.")
    if isinstance(date.dtype, pl.Datetime) and date.dtype.time_zone is not None:
        date = date.dt.replace_time_zone(None)
    day = date.cast(pl.Date).to_physical().to_numpy().astype(np.int64)
    code, _ = pd.factorize(rows["customer"].to_pandas())
    if as_of is not None:
        kept = day <= day_number(as_of)
        code, day = code[kept], day[kept]
    if not len(day):
        return CustomerDays(code.astype(np.int64), day)
    earliest = int(day.min())
    width = int(day.max()) - earliest + 1
    both = np.sort(code.astype(np.int64) * width + (day - earliest))
    both = both[np.diff(both, prepend=-1) > 0]
    return CustomerDays(both // width, both % width + earliest)


def first_rows(days: CustomerDays) -> Array:
    """Return the row of each customer's first purchase."""
    return np.flatnonzero(np.diff(days.customer, prepend=-1))


def days_to_next(days: CustomerDays) -> Array:
    """Return the days from each purchase to the same customer's next one; infinite without one."""
    gap = np.full(len(days.day), np.inf)
    again = np.flatnonzero(days.customer[1:] == days.customer[:-1])
    gap[again] = days.day[again + 1] - days.day[again]
    return gap


def day_number(day: Any) -> int:
    """Return the days from 1970-01-01 to a day, given in whatever way pandas reads."""
    return (pd.Timestamp(day).tz_localize(None).normalize() - pd.Timestamp(0)).days
