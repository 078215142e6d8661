"""Who became a good customer: one of the top share by what they brought in the days after the first."""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models.exact import EXACT

FEWEST_CUSTOMERS = 100
FEWEST_OF_EACH = 20  # good ones, and others


@dataclass(frozen=True)
class GoodCustomers:
    """Who became a good customer.

    Attributes
    ----------
    good : pandas.Series of bool
        Of each customer watched for long enough, indexed and sorted by customer.
    limit : float
        What the least of them brought.
    """

    good: pd.Series
    limit: float

    @property
    def enough(self) -> bool:
        """Whether there are enough of both kinds to fit and test a model."""
        ones = int(self.good.sum())
        return len(self.good) >= FEWEST_CUSTOMERS and min(ones, len(self.good) - ones) >= FEWEST_OF_EACH


def later_value(lines: pl.DataFrame, days: pl.DataFrame, *, watched_days: int, as_of: dt.date) -> pd.Series:
    """Return what customers brought in the days after their first, of those watched for so long.

    Parameters
    ----------
    lines : polars.DataFrame
        customer, date, and value: what a row brought, below zero for a return. A return of the first purchase counts
        against what came later unless the values are net of the returns that undo them.
    days : polars.DataFrame
        customer, first_day; see `models.first_purchase.first_days`.
    watched_days : int
        How many days after the first count; the first itself doesn't.
    as_of : datetime.date
        Last day observed.

    Returns
    -------
    pandas.Series
        Indexed and sorted by customer; 0 for those who never came back.
    """
    reach = pl.duration(days=watched_days)
    watched = days.filter(pl.col("first_day") + reach <= as_of)
    day = pl.col("date").dt.date()
    brought = (
        lines.lazy()
        .join(watched.lazy(), on="customer")
        .filter((day > pl.col("first_day")) & (day <= pl.col("first_day") + reach))
        .group_by("customer")
        .agg(pl.col("value").cast(EXACT).sum().cast(pl.Float64))
        .collect()
    )
    found = watched.join(brought, on="customer", how="left").with_columns(pl.col("value").fill_null(0.0))
    return found.sort("customer").to_pandas().set_index("customer")["value"]


def good_customers(value: pd.Series, share: float) -> GoodCustomers:
    """Return the top `share` of customers by what they brought, none of them with nothing.

    Where fewer than that brought anything, the good ones are those who did. Customers who brought the same as the
    least of them are good ones too.

    Parameters
    ----------
    value : pandas.Series
        What each customer brought; see `later_value`.
    share : float
        Between 0 and 1.
    """
    ranked = np.sort(value.to_numpy())[::-1]
    above = ranked[ranked > 0]
    if not len(above):
        return GoodCustomers(value > 0, math.nan)
    limit = float(above[min(math.ceil(share * len(ranked)), len(above)) - 1])
    return GoodCustomers(value >= limit, limit)


def enough_of_each(good: np.ndarray) -> bool:
    """Tell whether there are enough good ones, and enough others."""
    return bool(FEWEST_OF_EACH <= good.sum() <= len(good) - FEWEST_OF_EACH)
