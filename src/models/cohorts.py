"""New and repeat custom month by month, and how many of each month's new customers come back later."""

import datetime as dt

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from narwhals.typing import IntoFrame

from models.rfm import purchase_days


def activity_by_month(purchases: IntoFrame, as_of: dt.date | None = None) -> pd.DataFrame:
    """Count customers, purchases and revenue of each calendar month, new apart from repeat.

    A purchase is new when made on the first day its customer ever bought, and repeat otherwise. A customer
    is new in the month of that day, and repeat in each later month with a purchase. So the second purchase
    within a customer's first month is a repeat purchase of a new customer.

    Parameters
    ----------
    purchases : frame
        Rows of customer, date and amount, in any order. Rows of one customer on one day are one purchase.
    as_of : date, optional
        Last day observed, not before the last purchase; the last purchase's day by default.

    Returns
    -------
    pandas.DataFrame
        One row for each month from the first purchase's to that of `as_of`, months without purchases included:
        `month` (its first day), `new_customers`, `repeat_customers`, `purchases_new`, `purchases_repeat`,
        `revenue_new` and `revenue_repeat` (the ledger's currency).
    """
    is_new = nw.col("date") == nw.col("first_day")
    months: pl.DataFrame = (
        nw.from_native(purchase_days(purchases))
        .lazy()
        .with_columns(first_day=nw.col("date").min().over("customer"), month=_month_number(nw.col("date")))
        .with_columns(new=is_new.cast(nw.Int64), amount=nw.col("amount").cast(nw.Float64))
        .with_columns(amount_new=nw.col("amount") * nw.col("new"))
        .group_by("month")
        .agg(
            nw.col("new", "amount", "amount_new").sum(),
            nw.col("customer").n_unique().alias("customers"),
            purchases=nw.len(),
        )
        .collect("polars")
        .to_native()
    )
    counts = months.select(
        "month",
        new_customers="new",
        repeat_customers=pl.col("customers").cast(pl.Int64) - pl.col("new"),
        purchases_new="new",
        purchases_repeat=pl.col("purchases").cast(pl.Int64) - pl.col("new"),
        revenue_new="amount_new",
        revenue_repeat=pl.col("amount") - pl.col("amount_new"),
    ).to_pandas()
    counts = counts.set_index("month").sort_index()
    every_month = counts.index
    if len(counts):
        last = counts.index[-1] if as_of is None else 12 * as_of.year + as_of.month - 1
        every_month = pd.RangeIndex(counts.index[0], max(last, counts.index[-1]) + 1)
    counts = counts.reindex(every_month, fill_value=0)
    counts.index = _first_days(counts.index.to_numpy())
    return counts.rename_axis("month").reset_index()


def cohort_triangle(purchases: IntoFrame, as_of: dt.date) -> pd.DataFrame:
    """Follow each month's new customers: how many of them buy in that and in every later month.

    Parameters
    ----------
    purchases : frame
        Rows of customer, date and amount, in any order.
    as_of : date
        Last day observed. Later purchases are left out.

    Returns
    -------
    pandas.DataFrame
        One row per cohort and month up to that of `as_of`, in that order: `cohort`, the first day of the
        month in which its customers first bought (months without new customers have no cohort); `age`,
        months since, from 0; `customers` of the cohort who bought in that month (at age 0 everybody);
        `size` of the cohort; `share`, `customers` / `size`; `complete`, False where `as_of` is before the
        month's last day, so that the share can still rise.
    """
    last_day = pd.Timestamp(as_of).normalize()
    bought: pl.DataFrame = (
        nw.from_native(purchase_days(purchases))
        .lazy()
        .filter(nw.col("date") <= nw.lit(last_day.to_pydatetime()))
        .select("customer", month=_month_number(nw.col("date")))
        .unique(["customer", "month"])
        .with_columns(cohort=nw.col("month").min().over("customer"))
        .group_by("cohort", "month")
        .agg(customers=nw.len())
        .collect("polars")
        .to_native()
    )
    last_month = 12 * last_day.year + last_day.month - 1
    buyers = bought.to_pandas().set_index(["cohort", "month"])["customers"]
    cohorts = np.sort(buyers.index.unique("cohort").to_numpy(np.int64))
    months_seen = last_month - cohorts + 1
    cohort = np.repeat(cohorts, months_seen)
    age = np.concatenate([np.arange(0), *map(np.arange, months_seen)])

    def bought_at(cell_age: np.ndarray) -> np.ndarray:
        cells = pd.MultiIndex.from_arrays([cohort, cohort + cell_age], names=["cohort", "month"])
        return buyers.reindex(cells, fill_value=0).to_numpy(np.int64)

    customers, size = bought_at(age), bought_at(np.zeros_like(age))
    return pd.DataFrame(
        {
            "cohort": _first_days(cohort),
            "age": age,
            "customers": customers,
            "size": size,
            "share": customers / size,
            "complete": (cohort + age < last_month) | last_day.is_month_end,
        }
    )


def _month_number(date: nw.Expr) -> nw.Expr:
    """Return a count of calendar months, January of year 0 being 0."""
    return date.dt.year().cast(nw.Int64) * 12 + date.dt.month().cast(nw.Int64) - 1


def _first_days(month_number: np.ndarray) -> pd.DatetimeIndex:
    months_since_1970 = month_number.astype(np.int64) - 12 * 1970
    return pd.DatetimeIndex(months_since_1970.astype("datetime64[M]").astype("datetime64[us]"))
