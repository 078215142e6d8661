"""The ladder of commitment: how close to the business each customer has come, and who climbed or fell since.

A customer enters as a *buyer* (one purchase), becomes a *client* (two) and a *regular* (three or more), buys one day
only here (*adherent*) and brings others (*advocate*), or has *left*. The idea is the ladder of customer loyalty of
Christopher, Payne & Ballantyne (1991), *Relationship Marketing*; the rungs are those by which practice counts.
"""

from typing import Final, NamedTuple

import pandas as pd
import polars as pl

from models.exact import exact_sum

#: From the lowest to the highest.
RUNGS: Final = ("left", "buyer", "client", "regular", "adherent", "advocate")
LEFT: Final = RUNGS[0]
#: Stands in a flow for whoever had not bought by the earlier date.
NOT_YET: Final = "not yet a customer"
#: How a customer can move between two dates, in the order in which moves are told.
MOVES: Final = ("up", "came back", "new", "stayed", "down", "left")

FEWEST_FOR_REGULAR = 3
FEWEST_TO_TELL = 2  # purchases from which a pause says something about leaving


def loyalty(particulars: pl.DataFrame, *, adherent_share: float = 0.80) -> pl.DataFrame:
    """Tell who buys only here, and who brought others.

    Parameters
    ----------
    particulars : polars.DataFrame
        One row a customer: customer, and where they are recorded exclusive (Boolean), share_of_wallet (from 0 to 1) and
        referred_by (the customer who brought this one).
    adherent_share : float, default 0.80
        Share of what a customer buys anywhere from which on the customer counts as buying only here.

    Returns
    -------
    polars.DataFrame
        customer, sorted; adherent and advocate (Boolean), null where nothing that tells it is recorded for anyone: a
        column without a single answer records nothing. A customer named as having brought itself has brought nobody.
    """
    recorded = {name for name in particulars.columns if particulars[name].count()}
    told = [
        tells.fill_null(False)
        for name, tells in (
            ("exclusive", pl.col("exclusive")),
            ("share_of_wallet", pl.col("share_of_wallet") >= adherent_share),
        )
        if name in recorded
    ]
    only_here = pl.any_horizontal(told) if told else pl.lit(None, pl.Boolean)
    customers = particulars.select("customer", adherent=only_here)
    if not told or "referred_by" not in recorded:
        return customers.with_columns(advocate=pl.lit(None, pl.Boolean)).sort("customer")
    brought = particulars.filter(pl.col("referred_by") != pl.col("customer"))["referred_by"].unique()
    return customers.with_columns(advocate=pl.col("adherent") & pl.col("customer").is_in(brought.implode())).sort(
        "customer"
    )


def rungs(histories: pl.DataFrame, *, alive_limit: float = 0.50) -> pl.Series:
    """Put each customer on a rung.

    Parameters
    ----------
    histories : polars.DataFrame
        One row a customer: purchases (days with a purchase that stood, at least 0), p_alive (probability of being a
        customer still; null where no model tells it), adherent and advocate (Boolean; null counts as no).
    alive_limit : float, default 0.50
        A customer whose p_alive is below it has left.

    Returns
    -------
    polars.Series of str, of the height of `histories`
        One of `RUNGS`, decided in this order: nothing bought that stood, or p_alive below the limit: left; buys only
        here: advocate or adherent; else by the number of purchases.
    """
    gone = (pl.col("purchases") == 0) | (pl.col("p_alive") < alive_limit).fill_null(False)
    only_here = pl.col("adherent").fill_null(False)
    rung = (
        pl.when(gone)
        .then(pl.lit(LEFT))
        .when(only_here & pl.col("advocate").fill_null(False))
        .then(pl.lit("advocate"))
        .when(only_here)
        .then(pl.lit("adherent"))
        .when(pl.col("purchases") >= FEWEST_FOR_REGULAR)
        .then(pl.lit("regular"))
        .when(pl.col("purchases") == 2)
        .then(pl.lit("client"))
        .otherwise(pl.lit("buyer"))
    )
    return histories.select(rung=rung)["rung"]


def by_rung(ladder: pl.DataFrame, revenue: pl.DataFrame) -> pd.DataFrame:
    """Count the customers on each rung, and what they brought.

    Parameters
    ----------
    ladder : polars.DataFrame
        customer and rung, one row a customer.
    revenue : polars.DataFrame
        customer and revenue; whoever isn't in it brought nothing.

    Returns
    -------
    pandas.DataFrame
        One row a rung, the highest first, rungs on which nobody stands included: rung, customers,
        share_of_customers, revenue, share_of_revenue (NaN where the whole isn't above 0), mean and median (of the
        customers' revenue; NaN on an empty rung), below_mean (share of the rung's customers below its mean).
    """
    brought, mean = pl.col("revenue"), exact_sum("revenue") / pl.len()
    found = (
        ladder.select("customer", "rung")
        .join(revenue.select("customer", "revenue"), on="customer", how="left")
        .with_columns(brought.fill_null(0.0))
        .group_by("rung")
        .agg(
            customers=pl.len().cast(pl.Int64),
            revenue=exact_sum("revenue"),
            mean=mean,
            median=brought.median(),
            below_mean=(brought < mean).mean(),
        )
    )
    every = pl.DataFrame({"rung": RUNGS[::-1]})
    frame = every.join(found, on="rung", how="left", maintain_order="left").with_columns(
        pl.col("customers").fill_null(0), pl.col("revenue").fill_null(0.0)
    )
    whole = pl.when(brought.sum() > 0).then(brought.sum())
    return frame.select(
        "rung",
        "customers",
        share_of_customers=pl.col("customers") / pl.when(pl.col("customers").sum() > 0).then(pl.col("customers").sum()),
        revenue="revenue",
        share_of_revenue=brought / whole,
        mean="mean",
        median="median",
        below_mean="below_mean",
    ).to_pandas()


def moves(ladder: pl.DataFrame, revenue: pl.DataFrame) -> pd.DataFrame:
    """Count who moved from which rung to which between two dates.

    Parameters
    ----------
    ladder : polars.DataFrame
        customer, rung and rung_a_year_ago (null for who had not bought yet), one row a customer.
    revenue : polars.DataFrame
        customer and revenue: what each brought in the time before the earlier date, which is what is at stake where a
        customer leaves. Whoever isn't in it brought nothing.

    Returns
    -------
    pandas.DataFrame
        One row for each pair of rungs that anyone has, from the highest rung down: before (one of `RUNGS`, or
        `NOT_YET`), now, customers, revenue, and move, one of `MOVES`. Summed over `before` the customers are
        those of each rung now; summed over `now`, those of each rung then.
    """
    height = {name: level for level, name in enumerate(RUNGS)}
    then, today = (pl.col(name).replace_strict(height, default=None) for name in ("before", "now"))
    move = (
        pl.when(pl.col("before") == NOT_YET)
        .then(pl.lit("new"))
        .when(pl.col("before") == pl.col("now"))
        .then(pl.lit("stayed"))
        .when(pl.col("now") == LEFT)
        .then(pl.lit("left"))
        .when(pl.col("before") == LEFT)
        .then(pl.lit("came back"))
        .when(today > then)
        .then(pl.lit("up"))
        .otherwise(pl.lit("down"))
    )
    return (
        ladder.select("customer", before=pl.col("rung_a_year_ago").fill_null(NOT_YET), now="rung")
        .join(revenue.select("customer", "revenue"), on="customer", how="left")
        .group_by("before", "now")
        .agg(customers=pl.len().cast(pl.Int64), revenue=exact_sum("revenue"))
        .with_columns(move=move)
        .sort(then.fill_null(-1), today, descending=True)
        .to_pandas()
    )


class Lost(NamedTuple):
    """Customers of a year ago who are gone; see `lost`.

    Attributes
    ----------
    told : int
        Customers of whom it can be told.
    gone : int
        Those of them who have left.
    once : int
        Customers of whom it can't be told, since they have bought once only, then and up to now.
    revenue_told, revenue_gone : float
        What `told` and `gone` brought in the year before.
    """

    told: int
    gone: int
    once: int
    revenue_told: float
    revenue_gone: float


def lost(ladder: pl.DataFrame, revenue: pl.DataFrame) -> Lost:
    """Count who of the customers of a year ago has left, among those of whom a model of purchases can tell.

    One purchase shows no rhythm, so no pause after it is too long: whoever has bought once only is never said to have
    left, and would make the share of those who have look smaller than it is.

    Parameters
    ----------
    ladder : polars.DataFrame
        customer, rung, rung_a_year_ago (null for who had not bought yet), purchases and purchases_a_year_ago (days with
        a purchase that stood), one row a customer.
    revenue : polars.DataFrame
        customer and revenue of the year before the earlier date. Whoever isn't in it brought nothing.

    Returns
    -------
    Lost
        Of customers who weren't `LEFT` a year ago.
    """
    there = ladder.filter(pl.col("rung_a_year_ago") != LEFT).join(
        revenue.select("customer", "revenue"), on="customer", how="left"
    )
    told = there.filter(pl.col("purchases_a_year_ago") >= FEWEST_TO_TELL)
    gone = told.filter(pl.col("rung") == LEFT)
    once = there.filter((pl.col("purchases_a_year_ago") < FEWEST_TO_TELL) & (pl.col("purchases") < FEWEST_TO_TELL))
    sums = (part.select(exact_sum("revenue")).item() for part in (told, gone))
    return Lost(told.height, gone.height, once.height, *sums)
