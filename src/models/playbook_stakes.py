"""What an action is worth: the value that is kept, won or no longer lost if it does all that it can."""

import datetime as dt

import polars as pl

LEFT = "left"
DAYS_A_YEAR = 365
FEWEST_DAYS = 90  # in fewer a loss has shown no pace: one large order would be taken for one a week


def value_at_stake(customers: pl.DataFrame, horizon_days: int, days_looked_at: int, as_of: dt.date) -> pl.DataFrame:
    """Reckon what is at stake in each customer's action, over the horizon.

    - protect, keep at low cost: the lifetime value, which counts the chance that the customer has left already.
    - develop: profit on the unused potential at the customer's own margin (the base's where the customer's can't be
      told; revenue where no profit is known); where no potential is recorded, the lifetime value.
    - win back: the value of the customer if still one, times the probability of having left.
    - change terms, let go: the loss, at the customer's own pace, times the probability of still being a customer. The
      pace is reckoned over the days from the first purchase on, `FEWEST_DAYS` at least, and where these are more than
      the days looked at, over those.
    - hand over: the cost to serve, likewise.

    No chance of success is in it, which nobody knows before the action is measured against a control group.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a customer: action, clv, clv_low, clv_high, p_alive, value_if_alive, revenue, profit, cost_to_serve,
        unused_potential (money a year), rung, first_purchase (a day). Null is not known.
    horizon_days : int
        How far ahead to look.
    days_looked_at : int
        Over how many days, up to as_of, revenue, profit and cost to serve were summed.
    as_of : datetime.date
        The last day observed.

    Returns
    -------
    polars.DataFrame
        value_at_stake (money, null where not known), value_at_stake_low and value_at_stake_high: the interval of the
        lifetime value, where that is what is at stake; null otherwise.
    """
    action = pl.col("action")
    whole = max(1, days_looked_at)
    as_customer = (pl.lit(as_of) - pl.col("first_purchase")).dt.total_days() + 1
    pace = horizon_days / as_customer.clip(min(FEWEST_DAYS, whole), whole).fill_null(whole)
    # whoever bought nothing that stood has no probability, and is no customer
    still_here = pl.coalesce("p_alive", pl.when(pl.col("rung") == LEFT).then(0.0).otherwise(1.0))
    margins = pl.col("profit").sum() / pl.col("revenue").sum()
    base = pl.when(margins.is_finite() & (pl.col("profit").count() > 0)).then(margins)
    own = pl.when(pl.col("revenue") > 0).then(pl.col("profit") / pl.col("revenue"))
    margin = pl.coalesce(own, base, pl.lit(1.0)).clip(0, 1)
    unused = pl.when(pl.col("unused_potential") > 0).then(pl.col("unused_potential")) * margin
    by_value = action.is_in(["protect", "keep at low cost"]) | ((action == "develop") & unused.is_null())
    stake = (
        pl.when(by_value)
        .then(pl.col("clv"))
        .when(action == "develop")
        .then(unused * horizon_days / DAYS_A_YEAR)
        .when(action == "win back")
        .then(pl.col("value_if_alive") * (1 - pl.col("p_alive")))
        .when(action == "hand over")
        .then(pl.col("cost_to_serve") * pace * still_here)
        .otherwise((-pl.col("profit")).clip(lower_bound=0) * pace * still_here)
    )
    return customers.select(
        (stake + 0.0).alias("value_at_stake"),
        pl.when(by_value).then("clv_low").alias("value_at_stake_low"),
        pl.when(by_value).then("clv_high").alias("value_at_stake_high"),
    )
