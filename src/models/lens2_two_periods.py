"""Lens 2 of a customer-base audit: what changed from one period to the next, by what became of the customers."""

import numpy as np
import pandas as pd
import polars as pl

from models.if_known import sum_if_known
from models.mean_and_median import SAME

#: What a customer is between two periods, in the order in which a table shows them.
STATUSES = ("lost", "kept, less", "kept, same", "kept, more", "came back", "new", "no purchase")


def compare_periods(before: pl.DataFrame, now: pl.DataFrame, bought_earlier: pl.Series) -> pl.DataFrame:
    """Set what each customer did in two periods side by side.

    Parameters
    ----------
    before, now : polars.DataFrame
        See `customer_base_audit.customers_of_period`.
    bought_earlier : polars.Series
        Keys of the customers who had bought before the first of the two began.

    Returns
    -------
    polars.DataFrame
        One row for everyone in either, sorted: `customer`, `status` (one of `STATUSES`), `purchases_before`,
        `purchases_now`, and `revenue_*` and `profit_*` likewise. *Lost*: bought before and not now. *Kept*: bought in
        both, for less, the same or more. *Came back*: bought now and earlier, but not in the period before. *New*:
        bought now for the first time. *Returns alone*: bought in neither.
    """
    both = before.join(now, on="customer", how="full", coalesce=True, suffix="_now").rename(
        {name: f"{name}_before" for name in ("purchases", "revenue", "profit")}
    )
    # who isn't in a period brought nothing in it; a profit that isn't known stays so
    absent = {when: pl.col(f"purchases_{when}").is_null() for when in ("before", "now")}
    both = both.with_columns(
        pl.when(absent[when]).then(0).otherwise(pl.col(f"{name}_{when}")).alias(f"{name}_{when}")
        for when in ("before", "now")
        for name in ("purchases", "revenue", "profit")
    )
    change = pl.col("revenue_now") - pl.col("revenue_before")
    unchanged = change.abs() <= SAME * pl.max_horizontal(pl.col("revenue_now", "revenue_before").abs())
    bought_before, bought_now = pl.col("purchases_before") > 0, pl.col("purchases_now") > 0
    status = (
        pl.when(bought_before & ~bought_now)
        .then(pl.lit("lost"))
        .when(bought_before & unchanged)
        .then(pl.lit("kept, same"))
        .when(bought_before & (change < 0))
        .then(pl.lit("kept, less"))
        .when(bought_before)
        .then(pl.lit("kept, more"))
        .when(bought_now & pl.col("customer").is_in(bought_earlier.implode()))
        .then(pl.lit("came back"))
        .when(bought_now)
        .then(pl.lit("new"))
        .otherwise(pl.lit("no purchase"))
    )
    measured = [f"{name}_{when}" for name in ("purchases", "revenue", "profit") for when in ("before", "now")]
    return both.select("customer", status.alias("status"), *measured).sort("customer")


def lost_after_one_purchase(days: pl.DataFrame, compared: pl.DataFrame) -> int:
    """Count the lost customers who bought only once ever, on one day.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_base_audit.customer_days`.
    compared : polars.DataFrame
        See `compare_periods`.
    """
    lost = days.join(compared.filter(status="lost"), on="customer", how="semi")
    return lost.group_by("customer").agg(pl.col("purchase").sum()).filter(purchase=1).height


def flows(compared: pl.DataFrame) -> pd.DataFrame:
    """Add the change between two periods up by what became of the customers.

    Parameters
    ----------
    compared : polars.DataFrame
        See `compare_periods`.

    Returns
    -------
    pandas.DataFrame
        One row for each of `STATUSES`, zeros where there is nobody: `status`, `customers`, `revenue_before`,
        `revenue_now`, `revenue_change`, and `profit_*` likewise (NaN where not known). The rows before add up to the
        one period, those now to the other.
    """
    measures = [f"{name}_{when}" for name in ("revenue", "profit") for when in ("before", "now")]
    sums = [sum_if_known(name) for name in measures]
    table = compared.group_by("status").agg(pl.len().cast(pl.Int64).alias("customers"), *sums).to_pandas()
    table = table.set_index("status").reindex(list(STATUSES))
    table.loc[table["customers"].isna()] = 0
    table = table.astype({"customers": np.int64, **dict.fromkeys(measures, float)})
    for name in ("revenue", "profit"):
        table[f"{name}_change"] = table[f"{name}_now"] - table[f"{name}_before"]
    ordered = [f"{name}_{when}" for name in ("revenue", "profit") for when in ("before", "now", "change")]
    return table[["customers", *ordered]].rename_axis("status").reset_index()
