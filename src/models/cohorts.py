"""Cohorts, the customers won in the same month, quarter or year, followed over time for lenses 3 to 5."""

import datetime as dt
from typing import Literal

import numpy as np
import pandas as pd
import polars as pl

from models.if_known import sum_if_known

MONTHS_BY_MONTH, MONTHS_BY_QUARTER = 18, 72  # up to so many months of ledger, its cohorts are months or quarters
Unit = Literal["month", "quarter", "year"]
MONTHS_IN: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}
EVERY: dict[Unit, str] = {"month": "1mo", "quarter": "1q", "year": "1y"}


def cohort_unit(first_day: dt.date, as_of: dt.date) -> Unit:
    """Return the unit by which a ledger of this length is best cut into cohorts: up to 18 months or 24 quarters."""
    months = _months(as_of) - _months(first_day) + 1
    return "month" if months <= MONTHS_BY_MONTH else "quarter" if months <= MONTHS_BY_QUARTER else "year"


def cohort_activity(days: pl.DataFrame, as_of: dt.date, unit: Unit) -> pd.DataFrame:
    """Follow every cohort over time, for lenses 3 to 5.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_base_audit.customer_days`.
    as_of : date
        Last day observed.
    unit : {"month", "quarter", "year"}
        A cohort is who first bought in the same one; it is followed by the same unit.

    Returns
    -------
    pandas.DataFrame
        One row per cohort and period up to that of `as_of`, in that order: `cohort` and `period` (first days), `age`
        (periods since, from 0), `size` of the cohort, `customers` of it who bought in the period, `purchases`,
        `revenue`, `profit` (NaN where not known), `complete` (False where `as_of` is before the period's last day).
        What was sold and returned before a first purchase that stood belongs to no cohort; see `outside_cohorts`.
    """
    every = EVERY[unit]
    cells = (
        days.lazy()
        .filter(pl.col("date") >= pl.col("first_day"))
        .with_columns(cohort=pl.col("first_day").dt.truncate(every), period=pl.col("date").dt.truncate(every))
        .group_by("cohort", "period", "customer")
        .agg(pl.col("purchase").sum(), sum_if_known("revenue"), sum_if_known("profit"))
        .group_by("cohort", "period")
        .agg(
            (pl.col("purchase") > 0).sum().cast(pl.Int64).alias("customers"),
            pl.col("purchase").sum().alias("purchases"),
            sum_if_known("revenue"),
            sum_if_known("profit"),
        )
        .sort("cohort", "period")
        .collect()
        .to_pandas()
    )
    cells = cells.astype({"cohort": "datetime64[us]", "period": "datetime64[us]", "profit": float})
    first, last = days["first_day"].min(), as_of
    periods = pd.to_datetime(
        pl.date_range(pl.lit(first).dt.truncate(every), pl.lit(last), every, eager=True).to_numpy()
    ).as_unit("us")
    cohorts = pd.DataFrame({"cohort": cells["cohort"].unique()})
    grid = cohorts.merge(pd.DataFrame({"period": periods}), how="cross").query("period >= cohort")
    table = grid.merge(cells, on=["cohort", "period"], how="left")
    silent = table["customers"].isna()
    table.loc[silent, ["customers", "purchases", "revenue", "profit"]] = 0
    table = table.astype({"customers": np.int64, "purchases": np.int64})
    table["age"] = (_months_of(table["period"]) - _months_of(table["cohort"])) // MONTHS_IN[unit]
    table["size"] = table.groupby("cohort")["customers"].transform("first")
    table["complete"] = period_ends(table["period"], unit) <= pd.Timestamp(as_of)
    wanted = ["cohort", "period", "age", "size", "customers", "purchases", "revenue", "profit", "complete"]
    return table[wanted].sort_values(["cohort", "period"], ignore_index=True)


def outside_cohorts(days: pl.DataFrame, unit: Unit) -> pd.DataFrame:
    """Return what belongs to no cohort: rows before a customer's first purchase that stood, or without any.

    Returns
    -------
    pandas.DataFrame
        `period` (first day), `revenue` and `profit` (NaN where not known), periods without any left out. Together with
        `cohort_activity` it adds up to the ledger.
    """
    table = (
        days.filter(pl.col("first_day").is_null() | (pl.col("date") < pl.col("first_day")))
        .group_by(pl.col("date").dt.truncate(EVERY[unit]).alias("period"))
        .agg(sum_if_known("revenue"), sum_if_known("profit"))
        .sort("period")
        .to_pandas()
    )
    return table.astype({"period": "datetime64[us]", "profit": float})


def period_ends(starts: pd.Series, unit: Unit) -> pd.Series:
    """Return the last day of each period that begins on `starts`."""
    return starts + pd.DateOffset(months=MONTHS_IN[unit]) - pd.Timedelta(days=1)


def _months(date: dt.date) -> int:
    return 12 * date.year + date.month


def _months_of(dates: pd.Series) -> pd.Series:
    return 12 * dates.dt.year + dates.dt.month
