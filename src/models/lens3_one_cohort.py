"""Lens 3 of a customer-base audit: how one cohort evolves."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.cohorts import EVERY, Unit
from models.if_known import ratio
from models.mean_and_median import spread


def follow_cohort(days: pl.DataFrame, activity: pd.DataFrame, cohort: Any, unit: Unit) -> pd.DataFrame:
    """Follow one cohort from age to age, whole periods only.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_base_audit.customer_days`.
    activity : pandas.DataFrame
        See `cohorts.cohort_activity`.
    cohort : date
        The first day of its period.
    unit : {"month", "quarter", "year"}
        The one of `activity`.

    Returns
    -------
    pandas.DataFrame
        The cohort's complete rows of `activity` with `share_active` (who bought, of the size); of those who bought,
        NaN where nobody did: `purchases_each`, `revenue_each`, `revenue_median` and `revenue_below_mean` (share of
        them); and since the first purchase, of everybody won: `total_mean`, `total_median` (revenue a customer) and
        `total_below_mean` (share of customers).

    Raises
    ------
    ValueError
        When there is no such cohort.
    """
    followed = activity[(activity["cohort"] == pd.Timestamp(cohort)) & activity["complete"]].reset_index(drop=True)
    if followed.empty:
        raise ValueError(f"No cohort of {cohort} has been watched for a whole {unit}.")
    every = EVERY[unit]
    members = days.filter(
        (pl.col("first_day").dt.truncate(every) == pd.Timestamp(cohort).date())
        & (pl.col("date") >= pl.col("first_day"))
    ).select(
        member=pl.col("customer").rank("dense").cast(pl.Int64) - 1,
        period=pl.col("date").dt.truncate(every),
        purchase="purchase",
        revenue="revenue",
    )
    by_period = members.partition_by("period", as_dict=True)
    size = int(followed["size"].iloc[0])
    so_far = np.zeros(size)
    totals, each = [], []
    for period in followed["period"]:
        brought, bought = np.zeros(size), np.zeros(size, dtype=bool)
        seen = by_period.get((period.date(),))
        if seen is not None:
            members_seen = seen["member"].to_numpy()
            brought += np.bincount(members_seen, seen["revenue"].to_numpy(), minlength=size)
            bought |= np.bincount(members_seen, seen["purchase"].to_numpy(), minlength=size) > 0
        so_far += brought
        totals.append(spread(so_far))
        each.append(spread(brought[bought]) if bought.any() else {})
    total, active = pd.DataFrame(totals), pd.DataFrame(each, columns=["mean", "median", "below_mean"], dtype=float)
    return followed.assign(
        share_active=followed["customers"] / followed["size"],
        purchases_each=ratio(followed["purchases"], followed["customers"]),
        revenue_each=active["mean"],
        revenue_median=active["median"],
        revenue_below_mean=active["below_mean"],
        total_mean=total["mean"],
        total_median=total["median"],
        total_below_mean=total["below_mean"],
    )
