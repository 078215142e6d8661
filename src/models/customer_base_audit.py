"""What the five lenses of a customer-base audit start from (Fader, Hardie & Ross 2022, *The Customer-Base Audit*).

Lens 1 looks at one period: how much customers differ. Lens 2 sets it beside the period before: who was lost, kept
and won, and what changed. Lens 3 follows one cohort, the customers won in the same month, quarter or year. Lens 4
sets cohorts side by side at equal age. Lens 5 shows the whole base, cohort by cohort, over time. Each is in a module
of its own, from `lens1_one_period` to `lens5_whole_base`.

All of them start from the same frame, one row a customer and day (`customer_days`), so their sums agree.
"""

import pandas as pd
import polars as pl

from models.exact import EXACT
from models.if_known import sum_if_known
from models.mean_and_median import spread
from models.periods import Period


def customer_days(lines: pl.DataFrame, purchases: pl.DataFrame) -> pl.DataFrame:
    """Add a ledger up to one row a customer and day, from which every lens starts.

    Parameters
    ----------
    lines : polars.DataFrame
        Every row of the ledger, returns included: customer, date (date or datetime), amount (below zero for a
        return) and profit (null where not known).
    purchases : polars.DataFrame
        What was bought and kept: customer, date.

    Returns
    -------
    polars.DataFrame
        Sorted by customer and date: `customer`, `date`, `purchase` (1 on a day with a purchase that stood, else 0),
        `revenue` and `profit` of the day, `first_day` (of the customer's first purchase; null without any). Profit is
        null where that of any line of the day is.
    """
    day = pl.col("date").dt.date()
    bought = purchases.lazy().select("customer", day, purchase=pl.lit(1, pl.Int64))
    # a purchase's row is put under the lines with nothing in it, which is much faster than a join by customer and day
    rows = pl.concat(
        [
            lines.lazy().select("customer", day, pl.lit(0, pl.Int64).alias("purchase"), "profit", revenue="amount"),
            bought.with_columns(profit=pl.lit(0.0), revenue=pl.lit(0.0)),
        ],
        how="diagonal",
    )
    totals = (
        rows.with_columns(pl.col("profit", "revenue").cast(EXACT))
        .group_by("customer", "date")
        .agg(pl.col("purchase").max(), sum_if_known("revenue"), sum_if_known("profit"))
    )
    firsts = bought.group_by("customer").agg(pl.col("date").min().alias("first_day"))
    wanted = ["customer", "date", "purchase", "revenue", "profit", "first_day"]
    return totals.join(firsts, on="customer", how="left").select(wanted).sort("customer", "date").collect()


def customers_of_period(days: pl.DataFrame, period: Period, cost_to_serve: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add up what each customer did within a period.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_days`.
    period : Period
    cost_to_serve : polars.DataFrame, optional
        `customer` and `cost_to_serve` over the period, one row each; it is taken off the profit. It may hold customers
        without a row in the period: a call costs where nothing is sold.

    Returns
    -------
    polars.DataFrame
        Everyone with a row in the period or a cost, sorted: `customer`, `purchases` (days; 0 for who bought nothing),
        `revenue`, `profit` (null where that of any day is).
    """
    customers = (
        days.lazy()
        .filter(pl.col("date").is_between(period.first, period.last))
        .group_by("customer")
        .agg(pl.col("purchase").sum().alias("purchases"), sum_if_known("revenue"), sum_if_known("profit"))
    )
    if cost_to_serve is not None:
        served = cost_to_serve.lazy().filter(pl.col("cost_to_serve") != 0).select("customer", "cost_to_serve")
        absent = pl.col("purchases").is_null()
        earned = pl.when(absent).then(0.0).otherwise("profit") - pl.col("cost_to_serve").fill_null(0.0)
        customers = customers.join(served, on="customer", how="full", coalesce=True).select(
            "customer", pl.col("purchases").fill_null(0), pl.col("revenue").fill_null(0.0), earned.alias("profit")
        )
    return customers.sort("customer").collect()


def buyers(customers: pl.DataFrame) -> pl.DataFrame:
    """Return those of `customers_of_period` who bought in it."""
    return customers.filter(pl.col("purchases") > 0)


def describe(customers: pl.DataFrame) -> pd.DataFrame:
    """Describe how customers who bought differ, the mean beside the median.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customers_of_period`.

    Returns
    -------
    pandas.DataFrame
        One row each for `purchases`, `value` (revenue a purchase), `revenue` and, where it is known of everybody,
        `profit`: `measure`, `mean`, `median`, `below_mean` (share of customers strictly below it), `tenth` and
        `ninetieth` (the percentiles). The mean value is that over customers, not over purchases.
    """
    bought = buyers(customers).with_columns(value=pl.col("revenue") / pl.col("purchases"))
    measures = ["purchases", "value", "revenue", *(["profit"] if _profit_known(bought) else [])]
    rows = [{"measure": name, **spread(bought[name].to_numpy())} for name in measures if bought.height]
    return pd.DataFrame(rows, columns=["measure", "mean", "median", "below_mean", "tenth", "ninetieth"])


def _profit_known(customers: pl.DataFrame) -> bool:
    return customers.height > 0 and customers["profit"].null_count() == 0
