r"""Lifetime value as practice reckons it: LTV = S x C x P x T.

S is the mean purchase, C the purchases of a customer a year, P the share of revenue that is profit, T the years for
which a customer is one. The formula is of the mean customer's whole life, from the first purchase on, and discounts
nothing (Berger & Nasr 1998, Customer lifetime value: Marketing models and applications, *Journal of Interactive
Marketing* 12(1), case 1, without the discount).

T is where it usually goes wrong: the mean time for which those who left had been customers is too short, since those
who stay longest haven't left yet. Here each customer's time counts, of those who left up to then and of the others up
to the last day observed, and it is divided by the number who left:

.. math:: \hat T = \sum_i t_i / d,

the estimate of the mean of an exponential lifetime from censored data (Epstein & Sobel 1953, Life testing, *Journal of
the American Statistical Association* 48). With C reckoned over the same time, C x T is simply the purchases for each
customer who left.
"""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import ArrayLike
from scipy.stats import chi2

from models.exact import EXACT, exact_sum
from models.rfm import DAYS_PER_UNIT

DAYS_PER_YEAR = DAYS_PER_UNIT["year"]


def times_as_customer(purchases: pl.DataFrame, as_of: dt.date, *, active_days: int = 180) -> pl.DataFrame:
    """Measure for how long each customer has been one, and who has left.

    A purchase keeps a customer for `active_days`, as in `models.retention_rate`. Whoever hasn't bought for so long
    by `as_of` left on the day on which that time ran out; whoever was silent for longer and came back was a customer
    throughout.

    Parameters
    ----------
    purchases : polars.DataFrame
        customer, date (a date) and amount, in any order. Rows of one customer on one day are one purchase.
    as_of : datetime.date
        Last day observed. Later purchases are left out.
    active_days : int, default 180
        How many days a purchase keeps a customer, its own day included.

    Returns
    -------
    polars.DataFrame
        One row a customer, sorted: customer, purchases, amount (their sum), first_amount (of the first day),
        years (as a customer, up to leaving or to `as_of`), left (Boolean).

    Raises
    ------
    ValueError
        For `active_days` below 1.
    """
    if active_days < 1:
        raise ValueError(f"`active_days` must be at least 1, not {active_days}.")
    gone_on = pl.col("last") + pl.duration(days=active_days)
    return (
        purchases.lazy()
        .filter(pl.col("date") <= as_of)
        .group_by("customer")
        .agg(
            purchases=pl.col("date").n_unique().cast(pl.Int64),
            amount=exact_sum("amount"),
            first_amount=pl.col("amount")
            .filter(pl.col("date") == pl.col("date").min())
            .cast(EXACT)
            .sum()
            .cast(pl.Float64),
            first=pl.col("date").min(),
            last=pl.col("date").max(),
        )
        .with_columns(left=gone_on <= as_of, end=pl.min_horizontal(gone_on, pl.lit(as_of)))
        .select(
            "customer",
            "purchases",
            "amount",
            "first_amount",
            years=(pl.col("end") - pl.col("first")).dt.total_days() / DAYS_PER_YEAR,
            left="left",
        )
        .sort("customer")
        .collect()
    )


def lifetime_value_factors(
    times: pl.DataFrame, profit_share: pl.DataFrame | float = 1.0, *, by: str | None = None, interval: float = 0.80
) -> pd.DataFrame:
    """Multiply the four factors of lifetime value, for the base or for each of its segments.

    Parameters
    ----------
    times : polars.DataFrame
        As `times_as_customer` returns it, with the column `by`. What the factors multiply to is right for the amounts
        in it: of `profit_share` times these, each customer who left brought the value.
    profit_share : polars.DataFrame or float, default 1
        P: of each segment (columns segment and profit_share), or of all. With 1 the value is revenue.
    by : str, optional
        The column that names each customer's segment; customers without one are left out. None: the base as one.
    interval : float, default 0.80
        Coverage of the interval of T.

    Returns
    -------
    pandas.DataFrame
        One row a segment, sorted by its name, or the one row of the base: segment ("all" where `by` is None);
        customers; lost, how many of them have left; mean_purchase (S); median_purchase and below_mean_purchase, the
        median of the customers' own mean purchases and the share of customers whose own lies below S;
        purchases_a_year (C); profit_share (P); years (T), years_low and years_high, the interval of T;
        years_of_those_who_left, the plain mean of their times, which leaves the others out; value, S x C x P x T,
        value_low and value_high, from the interval of T alone. NaN where a factor can't be told: C where nobody has
        been a customer for a day, T (with its upper bound infinite) where nobody has left.

    Raises
    ------
    ValueError
        For an `interval` not between 0 and 1.

    Notes
    -----
    The interval of T is that of the Poisson number of losses in the time observed (Garwood 1936).
    """
    if not 0 < interval < 1:
        raise ValueError(f"`interval` is a coverage between 0 and 1, not {interval}.")
    each = pl.col("amount") / pl.col("purchases")
    segmented = times.with_columns(segment=pl.lit("all") if by is None else pl.col(by).cast(pl.String))
    sums = (
        segmented.filter(pl.col("segment").is_not_null())
        .group_by("segment")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("left").sum().cast(pl.Int64).alias("lost"),
            pl.col("purchases").sum(),
            exact_sum("amount"),
            exact_sum("years"),
            years_of_those_who_left=_mean(pl.col("years").filter(pl.col("left"))),
            median_purchase=each.median(),
            below_mean_purchase=(each < exact_sum("amount") / pl.col("purchases").sum()).mean(),
        )
        .sort("segment")
    )
    if isinstance(profit_share, pl.DataFrame):
        sums = sums.join(profit_share.select("segment", "profit_share"), on="segment", how="left")
    else:
        sums = sums.with_columns(profit_share=pl.lit(float(profit_share)))
    frame = sums.sort("segment").to_pandas()
    years, lost = frame["years"].to_numpy(float), frame["lost"].to_numpy(float)
    purchases, amount = frame["purchases"].to_numpy(float), frame["amount"].to_numpy(float)
    low, high = _mean_lifetime_interval(years, lost, interval)
    with np.errstate(divide="ignore", invalid="ignore"):
        frame = frame.assign(
            mean_purchase=amount / purchases,
            purchases_a_year=np.where(years > 0, purchases / years, np.nan),
            years=np.where(lost > 0, years / lost, np.nan),
            years_low=low,
            years_high=high,
        )
    a_year = frame["mean_purchase"] * frame["purchases_a_year"] * frame["profit_share"]
    frame = frame.assign(
        value=a_year * frame["years"], value_low=a_year * frame["years_low"], value_high=a_year * frame["years_high"]
    )
    return frame[
        [
            "segment",
            "customers",
            "lost",
            "mean_purchase",
            "median_purchase",
            "below_mean_purchase",
            "purchases_a_year",
            "profit_share",
            "years",
            "years_low",
            "years_high",
            "years_of_those_who_left",
            "value",
            "value_low",
            "value_high",
        ]
    ]


def value_ahead(value: ArrayLike, years: ArrayLike, share_left: ArrayLike, horizon_days: float) -> np.ndarray:
    """Return what the formula says of the time just ahead, for each customer ever won.

    Parameters
    ----------
    value, years : array_like of shape (n,)
        S x C x P x T and T.
    share_left : array_like of shape (n,)
        Share of the customers who have left: they bring nothing more.
    horizon_days : float
        How far ahead to look, in days.

    Returns
    -------
    ndarray of shape (n,)
        value x (1 - exp(-horizon / T)) x (1 - share_left): the lifetime is exponential, as T supposes, so a customer's
        time until leaving within the horizon has the mean T (1 - exp(-horizon / T)).
    """
    lifetime = np.asarray(years, dtype=float)
    stays = 1 - np.asarray(share_left, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(value, dtype=float) * -np.expm1(-horizon_days / DAYS_PER_YEAR / lifetime) * stays


def _mean(values: pl.Expr) -> pl.Expr:
    return values.cast(EXACT).sum().cast(pl.Float64) / values.count()


def _mean_lifetime_interval(years: np.ndarray, lost: np.ndarray, interval: float) -> tuple[np.ndarray, np.ndarray]:
    tail = (1 - interval) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(years > 0, 2 * years / chi2.isf(tail, 2 * lost + 2), np.nan)
        high = np.where(lost > 0, 2 * years / chi2.ppf(tail, np.maximum(2 * lost, 1)), np.inf)
    return low, np.where(years > 0, high, np.nan)
