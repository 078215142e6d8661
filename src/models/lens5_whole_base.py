"""Lens 5 of a customer-base audit: the whole base, cohort by cohort, over time."""

import pandas as pd
import polars as pl

from models.cohorts import EVERY, Unit
from models.if_known import sum_if_known
from models.periods import Period


def base_by_cohort(days: pl.DataFrame, period: Period, unit: Unit) -> pd.DataFrame:
    """Say what each cohort has brought so far, and what it still brings.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_base_audit.customer_days`.
    period : Period
        The latest one; see `periods.latest_period`.
    unit : {"month", "quarter", "year"}
        A cohort is who first bought in the same one.

    Returns
    -------
    pandas.DataFrame
        One row per cohort, and one whose `cohort` is NaT for what belongs to none (see `cohorts.outside_cohorts`),
        where there is any: `customers` won, `active` (who bought in the period), `revenue` and `profit` since the
        beginning, `revenue_latest` and `profit_latest` of the period. The rows add up to the ledger and to the period;
        profits are NaN where not known.
    """
    latest = pl.col("date").is_between(period.first, period.last)
    started = pl.col("date") >= pl.col("first_day")
    table = (
        days.lazy()
        .with_columns(
            cohort=pl.when(started).then(pl.col("first_day").dt.truncate(EVERY[unit])),
            won=pl.col("date") == pl.col("first_day"),
            revenue_latest=pl.when(latest).then("revenue").otherwise(0.0),
            profit_latest=pl.when(latest).then("profit").otherwise(0.0),
        )
        .group_by("cohort")
        .agg(
            pl.col("won").sum().cast(pl.Int64).alias("customers"),
            pl.col("customer").filter(latest & (pl.col("purchase") > 0)).n_unique().cast(pl.Int64).alias("active"),
            *map(sum_if_known, ("revenue", "profit", "revenue_latest", "profit_latest")),
        )
        .sort("cohort", nulls_last=True)
        .collect()
        .to_pandas()
    )
    return table.astype({"cohort": "datetime64[us]", "profit": float, "profit_latest": float})
