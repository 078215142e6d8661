"""Lens 4 of a customer-base audit: cohorts side by side at equal age."""

import datetime as dt

import pandas as pd
import polars as pl

from models.cohorts import EVERY, Unit
from models.if_known import ratio, sum_if_known
from models.mean_and_median import below_mean_if_known, mean_if_known, median_if_known


def cohorts_at_equal_age(days: pl.DataFrame, as_of: dt.date, unit: Unit, age_days: int) -> pd.DataFrame:
    """Set cohorts side by side by what each customer did in the first so many days.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_base_audit.customer_days`.
    as_of : date
        Last day observed.
    unit : {"month", "quarter", "year"}
        A cohort is who first bought in the same one.
    age_days : int
        How many days from the first purchase on, that day being the first.

    Returns
    -------
    pandas.DataFrame
        One row per cohort whose customers, whichever day of the period they came on, have all been watched for so
        long: `cohort`, `customers`, `share_back` (who bought on a second day), `purchases_mean`, `purchases_median`,
        `purchases_below_mean` (share of customers), `revenue_mean`, `revenue_median`, `below_mean` (share of customers
        below the mean revenue), `value` (revenue a purchase), `profit_mean`, `profit_median`, `profit_below_mean` and
        `margin` (the last four NaN where not known).
    """
    every = EVERY[unit]
    cohort = pl.col("first_day").dt.truncate(every)
    age = (pl.col("date") - pl.col("first_day")).dt.total_days()
    watched_until = cohort.dt.offset_by(every) + pl.duration(days=age_days - 2)
    table = (
        days.lazy()
        .filter((age >= 0) & (age < age_days) & (watched_until <= as_of))
        .group_by("customer")
        .agg(cohort.first().alias("cohort"), pl.col("purchase").sum(), sum_if_known("revenue"), sum_if_known("profit"))
        .group_by("cohort")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            (pl.col("purchase") > 1).mean().alias("share_back"),
            pl.col("purchase").mean().alias("purchases_mean"),
            pl.col("purchase").median().alias("purchases_median"),
            below_mean_if_known("purchase").alias("purchases_below_mean"),
            mean_if_known("revenue").alias("revenue_mean"),
            median_if_known("revenue").alias("revenue_median"),
            below_mean_if_known("revenue").alias("below_mean"),
            mean_if_known("profit").alias("profit_mean"),
            median_if_known("profit").alias("profit_median"),
            below_mean_if_known("profit").alias("profit_below_mean"),
        )
        .sort("cohort")
        .collect()
        .to_pandas()
    )
    table = table.astype(
        {"cohort": "datetime64[us]", **dict.fromkeys(("profit_mean", "profit_median", "profit_below_mean"), float)}
    )
    table["value"] = ratio(table["revenue_mean"], table["purchases_mean"])
    table["margin"] = ratio(table["profit_mean"], table["revenue_mean"])
    return table
