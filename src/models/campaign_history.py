"""What was known of customers before a campaign began: how much, how often, how lately they bought, by what offers.

Everything rests on the days before a given one; that day itself and whatever follows changes nothing.
"""

import datetime as dt

import polars as pl

from .exact import EXACT, exact_sum


def campaign_history(
    days: pl.DataFrame,
    reach: pl.DataFrame,
    redemptions: pl.DataFrame,
    *,
    before: dt.date,
    first_day: dt.date,
    window_days: int,
    ahead_days: int,
) -> pl.DataFrame:
    """Describe every customer who had bought before a day by what was known then.

    Parameters
    ----------
    days : polars.DataFrame
        One row a customer and day with a purchase: customer, date (a date), amount, and, where it is known, coupon
        (whether one took money off that day).
    reach : polars.DataFrame
        customer, campaign, start, until (dates): whom campaigns reached.
    redemptions : polars.DataFrame
        customer, date.
    before : datetime.date
        The first day that isn't known any more.
    first_day : datetime.date
        The ledger's.
    window_days : int
        Length of the two periods before it whose revenue and purchases are told apart, so that a trend shows.
    ahead_days : int
        Over how many days from `before` on campaigns already running are counted.

    Returns
    -------
    polars.DataFrame
        By customer: customer and, all numbers, revenue and purchases a day lately, earlier and in all, their
        logarithms, days since the last and the first purchase, mean purchase, coupon use, campaigns that had reached
        the customer, coupons redeemed, and for how much of the time ahead campaigns already running go on.
    """
    span = max((before - first_day).days, 1)
    lately, earlier = (before - dt.timedelta(days=n * window_days) for n in (1, 2))
    known = days.filter(pl.col("date") < before)
    is_late = pl.col("date") >= lately
    is_early = (pl.col("date") >= earlier) & ~is_late
    coupon = pl.col("coupon").mean() if "coupon" in days.columns else pl.lit(0.0)
    of_each = known.group_by("customer").agg(
        revenue_lately=_money(is_late) / window_days,
        revenue_earlier=_money(is_early) / window_days,
        revenue=exact_sum("amount") / span,
        purchases_lately=is_late.sum() / window_days,
        purchases_earlier=is_early.sum() / window_days,
        purchases=pl.len() / span,
        mean_purchase=(exact_sum("amount") / pl.len()).clip(lower_bound=0).log1p(),
        silent=(pl.lit(before) - pl.col("date").max()).dt.total_days().log1p(),
        age=(pl.lit(before) - pl.col("date").min()).dt.total_days().log1p(),
        coupon=coupon,
    )
    logarithms = [
        (pl.col(name).clip(lower_bound=0) * span).log1p().alias(f"log_{name}")
        for name in ("revenue", "revenue_lately", "purchases")
    ]
    reached = reach.filter(pl.col("start") < before)
    offers = reached.group_by("customer").agg(
        campaigns=pl.len(), running=overlap(before, ahead_days).sum() / ahead_days
    )
    redeemed = redemptions.filter(pl.col("date") < before).group_by("customer").agg(redeemed=pl.len().log1p())
    return (
        of_each.with_columns(logarithms)
        .join(offers, on="customer", how="left")
        .join(redeemed, on="customer", how="left")
        .with_columns(pl.col("campaigns", "running", "redeemed").fill_null(0).cast(pl.Float64))
        .sort("customer")
    )


def _money(rows: pl.Expr) -> pl.Expr:
    return pl.col("amount").filter(rows).cast(EXACT).sum().cast(pl.Float64)


def overlap(start: dt.date, days: int) -> pl.Expr:
    """Return how many of the `days` days from `start` on a campaign (start, until) lasts."""
    end = start + dt.timedelta(days=days - 1)
    shared = pl.min_horizontal(pl.col("until"), pl.lit(end)) - pl.max_horizontal(pl.col("start"), pl.lit(start))
    return (shared.dt.total_days() + 1).clip(lower_bound=0)
