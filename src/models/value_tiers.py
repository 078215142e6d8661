"""Value tiers: most valuable, most growable and below-zero customers (Peppers & Rogers).

After Peppers, D. & M. Rogers (2011), *Managing Customer Relationships*, 2nd edition, chapter 5: most valuable are those
with the largest lifetime value, most growable those with the largest unrealised potential, and below zero those who
cost more than they bring. Everybody has one tier, the first that fits in this order:

1. below zero: nothing else is decided about a customer before it is settled why they cost money;
2. most valuable: at most a given share of the customers have as large a lifetime value;
3. most growable: of the others, at most a given share of the customers have as large an unrealised potential;
4. the rest.

Customers who tie at a limit fall below it together, so no tier depends on the order of rows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models._columns import Array

MOST_VALUABLE, MOST_GROWABLE, THE_REST, BELOW_ZERO = "most valuable", "most growable", "the rest", "below zero"
#: In the order in which pages show them.
TIERS = (MOST_VALUABLE, MOST_GROWABLE, THE_REST, BELOW_ZERO)
ROUNDING = 1e-9  # 0.3 of 10 customers are 3


def value_tiers(
    customers: pl.DataFrame, *, most_valuable_share: float = 0.10, most_growable_share: float = 0.10
) -> pl.DataFrame:
    """Give each customer a value tier.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a customer: customer, clv (lifetime value, null where it can't be told), unrealised (money that the
        customer could bring besides, null where not known), and profit (so far, null where costs don't tell).
    most_valuable_share, most_growable_share : float, default 0.10
        Of the customers whose tier can be told, at most this share has the tier.

    Returns
    -------
    polars.DataFrame
        customer and value_tier (one of `TIERS`), in the order given; null where nothing tells it: no lifetime value,
        and no loss.

    Raises
    ------
    ValueError
        If a share is not above 0 and at most 1.
    """
    shares = _checked(most_valuable_share, most_growable_share)
    values, unrealised, below = _columns(customers)
    codes = _tiers(values[:, np.newaxis], unrealised, below, shares)[:, 0]
    known = below | ~np.isnan(values)
    names = pl.Series("value_tier", [TIERS[code] for code in codes], dtype=pl.String)
    return customers.select("customer", pl.when(pl.Series(known)).then(names).alias("value_tier"))


@dataclass(frozen=True)
class TierDoubt:
    """How sure the tiers are, given what isn't known of the customers' values.

    Attributes
    ----------
    customers : polars.DataFrame
        customer and value_tier_probability: in which share of the draws the customer's tier is the one of today.
    moves : pandas.DataFrame
        Customers of each tier (rows) by the tier they have in a draw (columns), on average.
    changed : tuple of float
        Share of the customers whose tier is another one in a future: on average, and the interval's bounds.
    held : pandas.DataFrame
        Of each tier (index) the share of its customers who keep it: mean, low and high.
    drawn : int
        Customers whose values were drawn.
    realised : pandas.DataFrame or None
        As `held`, by what customers bring in single futures: luck comes on top. None where these weren't given.
    """

    customers: pl.DataFrame
    moves: pd.DataFrame
    changed: tuple[float, float, float]
    held: pd.DataFrame
    drawn: int
    realised: pd.DataFrame | None = None


def tier_doubt(
    customers: pl.DataFrame,
    drawn: Array,
    *,
    realised: Array | None = None,
    room_is_drawn: bool = False,
    most_valuable_share: float = 0.10,
    most_growable_share: float = 0.10,
    interval: float = 0.80,
) -> TierDoubt:
    """Tell how many customers would have another tier, had their values been known for sure.

    In each draw the tiers are given anew, by the values drawn. Who is below zero is not drawn: it rests on recorded
    costs. Whoever can't be most valuable or growable today can't be in a draw either.

    Parameters
    ----------
    customers : polars.DataFrame
        As in `value_tiers`, those whose values were drawn.
    drawn : ndarray of shape (customers, draws)
        Their lifetime values as they may be, equally likely each: expectations, without the luck of a single future.
    realised : ndarray of shape (customers, draws), optional
        What they bring in single futures, luck included.
    room_is_drawn : bool, default False
        Whether `unrealised` was read from the doubt about the value, so that it is in doubt itself: it is then drawn
        with the value, in proportion. Recorded potential is not in doubt.
    most_valuable_share, most_growable_share : float, default 0.10
    interval : float, default 0.80
        Coverage of the bounds, over draws.

    Returns
    -------
    TierDoubt

    Raises
    ------
    ValueError
        If `drawn` or `realised` has not one row a customer, or a share is not above 0 and at most 1.
    """
    shares = _checked(most_valuable_share, most_growable_share)
    for rows in (drawn, realised):
        if rows is not None and len(rows) != customers.height:
            raise ValueError(f"{len(rows)} rows of draws for {customers.height} customers: there must be one each.")
    values, unrealised, below = _columns(customers)
    known = below | ~np.isnan(values)
    now = _tiers(values[:, np.newaxis], unrealised, below, shares)[:, 0]

    def again(money: Array) -> Array:
        return _tiers(money, unrealised, below, shares, values, room_is_drawn)

    then = again(drawn)
    same = then == now[:, np.newaxis]
    probability = pl.Series("value_tier_probability", same.mean(axis=1))
    moves = [[float((then[known & (now == row)] == column).sum()) for column in range(4)] for row in range(4)]
    ends = [(1 - interval) / 2, (1 + interval) / 2]
    changed = 1 - same[known].mean(axis=0) if known.any() else np.full(drawn.shape[1], np.nan)
    low, high = np.quantile(changed, ends)
    codes = np.where(known, now, -1)
    return TierDoubt(
        customers.select("customer", pl.when(pl.Series(known)).then(probability).alias("value_tier_probability")),
        pd.DataFrame(moves, index=list(TIERS), columns=list(TIERS)) / drawn.shape[1],
        (float(changed.mean()), float(low), float(high)),
        _held(same, codes, ends),
        customers.height,
        None if realised is None else _held(again(realised) == now[:, np.newaxis], codes, ends),
    )


def _held(same: Array, codes: Array, ends: list[float]) -> pd.DataFrame:
    """Return which share of each tier keeps it, with its interval over the draws."""
    kept = {tier: same[codes == code].mean(axis=0) for code, tier in enumerate(TIERS) if (codes == code).any()}
    held = {tier: [shares.mean(), *np.quantile(shares, ends)] for tier, shares in kept.items()}
    return pd.DataFrame.from_dict(held, orient="index", columns=["mean", "low", "high"])


def _checked(*shares: float) -> tuple[float, ...]:
    for share in shares:
        if not 0 < share <= 1:
            raise ValueError(f"A tier's share of the customers lies above 0 and at most at 1, not at {share}.")
    return shares


def _columns(customers: pl.DataFrame) -> tuple[Array, Array, Array]:
    values = customers["clv"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    unrealised = customers["unrealised"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    below = customers.select(((pl.col("profit") < 0) | (pl.col("clv").fill_nan(None) < 0)).fill_null(False))
    return values, unrealised, below.to_series().to_numpy()


def _tiers(
    values: Array,
    unrealised: Array,
    below: Array,
    shares: tuple[float, ...],
    today: Array | None = None,
    room_is_drawn: bool = False,
) -> Array:
    """Return the tier of each customer in each column of `values`, as its place in `TIERS`.

    `today` are the values that tell who can have a tier at all, by default those of the first column.
    """
    today = values[:, 0] if today is None else today
    told = np.count_nonzero(below | ~np.isnan(today))
    valuable, growable = (int(share * told + ROUNDING) for share in shares)
    barred, roomless = below | ~(today > 0), below | ~(unrealised > 0)
    per_value = np.divide(unrealised, today, out=np.zeros(len(today)), where=today > 0) if room_is_drawn else None
    codes = np.full(values.shape, TIERS.index(THE_REST), dtype=np.int8)
    for column in range(values.shape[1]):
        best = _largest(np.where(barred, -np.inf, values[:, column]), valuable)
        room = unrealised if per_value is None else per_value * values[:, column]
        growing = _largest(np.where(best | roomless, -np.inf, room), growable)
        codes[best, column], codes[growing, column] = TIERS.index(MOST_VALUABLE), TIERS.index(MOST_GROWABLE)
    codes[below] = TIERS.index(BELOW_ZERO)
    return codes


def _largest(values: Array, most: int) -> Array:
    """Tell which values are among the `most` largest; who ties with the next smaller one is not."""
    if most >= len(values):
        return values > -np.inf
    return values > np.partition(values, len(values) - most - 1)[len(values) - most - 1]
