"""New and repeat custom month by month."""

import datetime as dt

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from narwhals.typing import IntoFrame

from models.rfm import EXACT, purchase_days


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
        .with_columns(new=is_new.cast(nw.Int64), amount=nw.col("amount").cast(nw.Float64).cast(EXACT))
        .with_columns(amount_new=nw.when(nw.col("new") == 1).then(nw.col("amount")))
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
        revenue_new=pl.col("amount_new").cast(pl.Float64),
        revenue_repeat=(pl.col("amount") - pl.col("amount_new")).cast(pl.Float64),
    ).to_pandas()
    counts = counts.set_index("month").sort_index()
    every_month = counts.index
    if len(counts):
        last = counts.index[-1] if as_of is None else 12 * as_of.year + as_of.month - 1
        every_month = pd.RangeIndex(counts.index[0], max(last, counts.index[-1]) + 1)
    counts = counts.reindex(every_month, fill_value=0)
    counts.index = _first_days(counts.index.to_numpy())
    return counts.rename_axis("month").reset_index()


def _month_number(date: nw.Expr) -> nw.Expr:
    """Return a count of calendar months, January of year 0 being 0."""
    return date.dt.year().cast(nw.Int64) * 12 + date.dt.month().cast(nw.Int64) - 1


def _first_days(month_number: np.ndarray) -> pd.DatetimeIndex:
    months_since_1970 = month_number.astype(np.int64) - 12 * 1970
    return pd.DatetimeIndex(months_since_1970.astype("datetime64[M]").astype("datetime64[us]"))
