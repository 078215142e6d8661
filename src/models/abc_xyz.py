"""ABC-XYZ: who brings how much, and how regularly.

ABC sorts customers by their share of a total, as Pareto and Juran sort causes; XYZ by how evenly they buy, measured by
the coefficient of variation of their purchases a period. Together they make nine cells, from AX (large and regular)
to CZ (small and irregular).

References
----------
Dickie, H. F. (1951). ABC inventory analysis shoots for dollars, not pennies. *Factory Management and Maintenance* 109.
Scholz-Reiter, B., J. Heger, C. Meinecke & J. Bergmann (2012). Integration of demand forecasts in ABC-XYZ analysis.
*International Journal of Productivity and Performance Management* 61(4), 445-451.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from models.exact import EXACT, exact_sum

Period = Literal["week", "month", "quarter"]
Measure = Literal["amount", "purchases"]

ABC, XYZ = ("A", "B", "C"), ("X", "Y", "Z")
ABC_LIMITS, XYZ_LIMITS, STRICT_XYZ_LIMITS = (0.80, 0.95), (0.50, 1.00), (0.10, 0.25)
FEWEST_PERIODS = 3  # of fewer no regularity can be told
DECIMALS = 9  # beyond them a share or a variation is the computer's, and no limit should hang on it


def share_before(customers: pl.DataFrame, value: str) -> pl.Series:
    """Return which share of a total is brought by the customers who bring more than each one does.

    Parameters
    ----------
    customers : polars.DataFrame
        customer and `value`, one row a customer.
    value : str
        The column that is shared out. Equal values are taken in the order of their keys.

    Returns
    -------
    polars.Series
        In the order of `customers`, from 0 for the largest. Where others bring less than nothing it may exceed 1.
        Null where the value is missing, and throughout where the total isn't above zero.
    """
    exact = pl.col("value").cast(EXACT)
    before = exact.cum_sum() - exact
    total = exact.sum()
    return (
        customers.lazy()
        .select("customer", value=pl.col(value).cast(pl.Float64))
        .with_row_index("row")
        .sort(["value", "customer"], descending=[True, False], nulls_last=True)
        .with_columns(
            before=pl.when(total > 0).then((before.cast(pl.Float64) / total.cast(pl.Float64)).round(DECIMALS))
        )
        .sort("row")
        .collect()["before"]
    )


def abc(customers: pl.DataFrame, value: str, limits: Sequence[float] = ABC_LIMITS) -> pl.Series:
    """Return the class of each customer by cumulative share: A is the smallest group that brings the first limit.

    Parameters
    ----------
    customers : polars.DataFrame
        customer and `value`, one row a customer.
    value : str
        The column that is shared out.
    limits : two floats, default (0.80, 0.95)
        Where A ends and where B ends, as shares of the total. Whoever is first to pass a limit is still inside it.

    Returns
    -------
    polars.Series
        A, B or C, in the order of `customers`; null where the value is missing. Who brings nothing or less is C, and
        so is everybody where the total isn't above zero.
    """
    first, second = limits
    before, brings = pl.col("before"), pl.col(value) > 0
    return customers.with_columns(before=share_before(customers, value)).select(
        pl.when(pl.col(value).is_null())
        .then(None)
        .when(brings & (before < first))
        .then(pl.lit("A"))
        .when(brings & (before < second))
        .then(pl.lit("B"))
        .otherwise(pl.lit("C"))
        .alias("abc")
    )["abc"]


def variation(
    purchases: pl.DataFrame,
    as_of: dt.date,
    *,
    period: Period = "month",
    measure: Measure = "amount",
    first: dt.date | None = None,
) -> pl.DataFrame:
    """Return how unevenly each customer buys, over the whole periods in which they have been one.

    The coefficient of variation is the standard deviation (of the population, not of a sample) of what was bought a
    calendar period, divided by its mean; periods without a purchase count as 0. Counting starts with the period of
    the first purchase, so that nobody looks irregular for having come late.

    Parameters
    ----------
    purchases : polars.DataFrame
        customer, date, amount; rows in any order. Rows of one day are one purchase.
    as_of : datetime.date
        The last day observed. A period that it cuts short is left out.
    period : {"month", "week", "quarter"}, default "month"
        Weeks begin on Monday.
    measure : {"amount", "purchases"}, default "amount"
        What is counted a period: money, or days with a purchase.
    first : datetime.date, optional
        The first day looked at. A period that it cuts short is left out for those who were customers before it.

    Returns
    -------
    polars.DataFrame
        One row a customer with a purchase by `as_of`, sorted: customer, periods (whole ones since the first purchase),
        variation (rounded to 9 decimals; null where nothing was bought in these periods).
    """
    day = pl.col("date").dt.date()
    number = _period_number(day, period)
    last_period = _number_of(as_of + dt.timedelta(days=1), period) - 1
    rows = purchases.lazy().select("customer", day.alias("date"), "amount").filter(pl.col("date") <= as_of)
    since = pl.col("date").min()
    begins = _period_number(since, period)
    if first is not None:
        whole = _number_of(first - dt.timedelta(days=1), period) + 1
        begins = pl.when(since >= first).then(begins).otherwise(pl.max_horizontal(begins, whole))
    # keys as numbers: grouping millions of rows by text takes several times as long
    customers = (
        rows.group_by("customer")
        .agg(periods=(last_period - begins + 1).clip(lower_bound=0).cast(pl.Int64))
        .sort("customer")
        .with_row_index("key")
        .collect()
    )
    periods = customers["periods"].to_numpy()
    longest = max(int(periods.max()), 1) if len(periods) else 1
    back = last_period - number  # periods ago
    counted = exact_sum("amount") if measure == "amount" else pl.col("date").n_unique()
    bought = (
        rows.join(customers.lazy(), on="customer")
        .select("key", "date", "amount", "periods", back=back)
        .filter(pl.col("back").is_between(0, pl.col("periods") - 1))
        .group_by(slot=pl.col("key").cast(pl.Int64) * longest + pl.col("back"))
        .agg(value=counted.cast(pl.Float64))
        .sort("slot")
        .collect()
    )
    of_key = bought["slot"].to_numpy() // longest
    return customers.select(
        "customer", "periods", pl.Series("variation", _variation(of_key, bought["value"].to_numpy(), periods))
    )


def _variation(of_key: np.ndarray, value: np.ndarray, periods: np.ndarray) -> pl.Series:
    """Return the coefficient of variation of each key from the periods in which it bought."""
    number = len(periods)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(of_key, value, number) / periods
        # the periods without a purchase lie a mean below the mean, each
        without = periods - np.bincount(of_key, minlength=number)
        squares = np.bincount(of_key, (value - mean[of_key]) ** 2, number) + without * mean**2
        found = np.sqrt(squares / periods) / mean
    return pl.Series(np.where(mean > 0, found, np.nan)).round(DECIMALS).fill_nan(None)


def xyz(regularity: pl.DataFrame, limits: Sequence[float] = XYZ_LIMITS) -> pl.Series:
    """Return the class of each customer by how evenly they buy.

    Parameters
    ----------
    regularity : polars.DataFrame
        periods and variation; see `variation`. Both null for a customer without a purchase.
    limits : two floats, default (0.50, 1.00)
        Of the coefficient of variation. X lies below the first, Y below the second; a limit itself is the worse
        class. Stricter practice takes (0.10, 0.25).

    Returns
    -------
    polars.Series
        X, Y or Z, in the order given. Z where nothing was bought, and where fewer than 3 whole periods tell.
    """
    first, second = limits
    told = pl.col("periods") >= FEWEST_PERIODS
    return regularity.select(
        pl.when(told & (pl.col("variation") < first))
        .then(pl.lit("X"))
        .when(told & (pl.col("variation") < second))
        .then(pl.lit("Y"))
        .otherwise(pl.lit("Z"))
        .alias("xyz")
    )["xyz"]


def nine_cells(customers: pl.DataFrame) -> pl.DataFrame:
    """Count customers, revenue and profit of each cell.

    Parameters
    ----------
    customers : polars.DataFrame
        abc, xyz, revenue and profit, one row a customer.

    Returns
    -------
    polars.DataFrame
        Nine rows from AX to CZ: abc, xyz, customers, revenue, profit (null where it isn't known of everybody).
    """
    counted = customers.group_by("abc", "xyz").agg(
        pl.len().cast(pl.Int64).alias("customers"), exact_sum("revenue"), exact_sum("profit")
    )
    known = customers["profit"].null_count() == 0
    return (
        _every_cell()
        .join(counted, on=["abc", "xyz"], how="left", maintain_order="left")
        .with_columns(pl.col("customers", "revenue", "profit").fill_null(0))
        .with_columns(pl.col("profit") if known else pl.lit(None, pl.Float64).alias("profit"))
    )


def movement(customers: pl.DataFrame) -> pl.DataFrame:
    """Count who moved from which cell to which.

    Parameters
    ----------
    customers : polars.DataFrame
        abc, xyz, abc_a_year_ago, xyz_a_year_ago (null for those who weren't there yet) and revenue.

    Returns
    -------
    polars.DataFrame
        then and now (cells such as AX; then is null for those who joined), customers, revenue (today's); by cell,
        those who joined last. Every customer is in one row.
    """
    then, now = pl.concat_str("abc_a_year_ago", "xyz_a_year_ago"), pl.concat_str("abc", "xyz")
    return (
        customers.select(then.alias("then"), now.alias("now"), "revenue")
        .group_by("then", "now")
        .agg(pl.len().cast(pl.Int64).alias("customers"), exact_sum("revenue"))
        .sort("then", "now", nulls_last=True)
    )


def reconciled(moves: pl.DataFrame) -> pl.DataFrame:
    """Lead each cell from the customers it had to those it has.

    Parameters
    ----------
    moves : polars.DataFrame
        See `movement`.

    Returns
    -------
    polars.DataFrame
        Nine rows from AX to CZ: cell, then, joined, came (from other cells), went (to other cells), now, in customers.
        then + joined + came - went = now.
    """
    joined = pl.col("then").is_null()
    moved = pl.col("then") != pl.col("now")
    into = moves.group_by(pl.col("now").alias("cell")).agg(
        pl.col("customers").sum().alias("now"),
        pl.col("customers").filter(joined).sum().alias("joined"),
        pl.col("customers").filter(moved).sum().alias("came"),
    )
    out_of = (
        moves.filter(~joined)
        .group_by(pl.col("then").alias("cell"))
        .agg(pl.col("customers").sum().alias("then"), pl.col("customers").filter(moved).sum().alias("went"))
    )
    return (
        _every_cell()
        .select(pl.concat_str("abc", "xyz").alias("cell"))
        .join(into, on="cell", how="left", maintain_order="left")
        .join(out_of, on="cell", how="left", maintain_order="left")
        .select("cell", pl.col("then", "joined", "came", "went", "now").fill_null(0))
    )


def _every_cell() -> pl.DataFrame:
    return pl.DataFrame([(size, rhythm) for size in ABC for rhythm in XYZ], schema=["abc", "xyz"], orient="row")


def _period_number(day: pl.Expr, period: Period) -> pl.Expr:
    """Return the numbers of the periods in the order of the calendar."""
    match period:
        case "week":  # 1970 began on a Thursday
            return (day.to_physical() + 3) // 7
        case "month":
            return day.dt.year() * 12 + day.dt.month().cast(pl.Int32)
        case "quarter":
            return day.dt.year() * 4 + day.dt.quarter().cast(pl.Int32)
    raise ValueError(f"A period is a week, a month or a quarter, not {period!r}.")


def _number_of(day: dt.date, period: Period) -> int:
    return int(pl.select(_period_number(pl.lit(day), period)).item())
