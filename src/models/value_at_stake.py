"""What leaving costs: the value that customers would bring if they stayed, less the value expected of them.

The difference is each customer's value if staying times the probability of being gone when it would have come. It has
two parts that ask for different work: what those who have probably left already would still bring (to be won back), and
what those still here will not bring because they leave within the horizon (to be kept). The second is at stake.
Gupta & Lehmann (2005), *Managing Customers as Investments*, chapter 2, ask the same of a retention rate: what is one
point more of it worth? Here it is what is at stake, shared out over the points of customers who are expected to leave.
"""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import ArrayLike
from scipy.special import exprel

from models._columns import Array
from models.bgnbd import BGNBD
from models.exact import exact_sum
from models.futures import Futures, expected_if_nobody_left, probability_of_leaving
from models.lifetime_value import discounted_expected_purchases, force_of_interest
from models.rfm import DAYS_PER_UNIT

POINTS = 100  # of retention: all of those still here
SUMS = ("revenue", "revenue_at_stake", "revenue_lost", "value", "at_stake", "lost", "here", "leaves")
NOT_RECORDED = "not recorded"
ROUNDING = 1e-9  # of a sum that depends on the order of its parts


def value_at_stake(
    valued: pd.DataFrame,
    model: BGNBD,
    *,
    horizon_days: float,
    annual_discount_rate: float,
    margin: Any = None,
    time_unit: str = "week",
) -> pl.DataFrame:
    """Reckon what each customer's leaving costs within the horizon.

    Parameters
    ----------
    valued : pandas.DataFrame
        The table `lifetime_value`: customer, frequency, recency, T, expected_purchases, expected_spend (finite).
    model : BGNBD
        Fitted to these histories.
    horizon_days, annual_discount_rate, margin, time_unit
        As in `models.lifetime_value.customer_lifetime_value`.

    Returns
    -------
    polars.DataFrame
        One row a customer, in the order given: customer; revenue (expected within the horizon), revenue_at_stake (not
        brought because the customer leaves within it), revenue_lost (not brought because the customer has left
        already); value, at_stake and lost: the same as lifetime value, times margin and discounted; and here and leaves
        (the probabilities of being a customer still, and of leaving within the horizon). The parts add up: revenue +
        revenue_at_stake + revenue_lost is what would come if nobody ever left.
    """
    frequency, recency, age = (valued[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    rate = force_of_interest(annual_discount_rate, time_unit)
    t = horizon_days / DAYS_PER_UNIT[time_unit]
    spend = valued["expected_spend"].to_numpy(float)
    worth = spend if margin is None else spend * np.asarray(margin, dtype=float)
    expected = valued["expected_purchases"].to_numpy(float)
    discounted = discounted_expected_purchases(
        model,
        frequency,
        recency,
        age,
        horizon_days=horizon_days,
        annual_discount_rate=annual_discount_rate,
        time_unit=time_unit,
    )
    here, gone = expected_if_nobody_left(model, frequency, recency, age, t)
    worth_of_time = exprel(-rate * t)
    parts = {
        "revenue": expected * spend,
        "revenue_at_stake": _above(here, expected) * spend,
        "revenue_lost": gone * spend,
        "value": discounted * worth,
        "at_stake": _above(here * worth_of_time, discounted) * worth,
        "lost": gone * worth_of_time * worth,
        "here": np.asarray(model.conditional_probability_alive(frequency, recency, age), dtype=float),
        "leaves": probability_of_leaving(model, frequency, recency, age, t),
    }
    customer = pl.Series("customer", valued["customer"].astype(str).to_list(), dtype=pl.String)
    return pl.DataFrame({"customer": customer, **{name: pl.Series(part) for name, part in parts.items()}})


def by_group(stakes: pl.DataFrame, groups: pl.Series, futures: Futures | None, interval: float = 0.80) -> pd.DataFrame:
    """Sum up what is at stake by group, with intervals.

    Parameters
    ----------
    stakes : polars.DataFrame
        From `value_at_stake`.
    groups : polars.Series of str
        Each customer's group, in the same order; null is a group of its own, "not recorded".
    futures : Futures or None
        Of these customers, in the same order. None leaves the bounds NaN.
    interval : float, default 0.80
        Coverage of the bounds, with equal tails.

    Returns
    -------
    pandas.DataFrame
        One row a group, sorted by its name: group, customers, the columns of `SUMS` added up, revenue_point and point,
        revenue_at_stake_low and _high, at_stake_low and at_stake_high. The groups' sums add up to the base's. Where
        only a sample's futures were drawn, a group's bounds are its sample's, in proportion.

    Notes
    -----
    A point of a group is what its retention of one per cent more of those still here keeps, everybody being so much
    likelier to stay: at_stake over a hundred times the share expected to leave; NaN where nobody is. A group's point is
    of its own customers, so the groups' points don't add up to the base's.

    Sums are at the fitted parameters, bounds from their posterior. Where a base hardly tells how unlike its customers
    are in leaving, the two aren't centred alike.
    """
    named = stakes.with_columns(groups.fill_null(NOT_RECORDED).alias("group"))
    sums = named.group_by("group").agg(pl.len().alias("customers"), *map(exact_sum, SUMS)).sort("group")
    frame = sums.to_pandas()
    points = POINTS * frame["leaves"].div(frame["here"]).where(frame["leaves"] > 0)
    frame["revenue_point"], frame["point"] = frame["revenue_at_stake"] / points, frame["at_stake"] / points
    bounds = np.full((len(frame), 4), np.nan)
    if futures is not None:
        of_row = named["group"].gather(futures.rows).to_numpy()
        money = futures.lost_ahead
        revenue, value = (stakes[name].gather(futures.rows).to_numpy() for name in ("revenue_at_stake", "at_stake"))
        # the margin and the discount of what is lost, which may be below zero
        worth = np.divide(value, revenue, out=np.zeros(len(value)), where=revenue > 0)
        for row, (group, in_revenue, in_value) in enumerate(
            zip(frame["group"], frame["revenue_at_stake"], frame["at_stake"], strict=True)
        ):
            inside = of_row == group
            whole = inside.sum() == frame["customers"][row]
            lost = money[inside]
            bounds[row, :2] = _bounds(lost.sum(axis=0), in_revenue, interval, whole)
            bounds[row, 2:] = _bounds(worth[inside] @ lost, in_value, interval, whole)
    names = ["revenue_at_stake_low", "revenue_at_stake_high", "at_stake_low", "at_stake_high"]
    return pd.concat([frame, pd.DataFrame(bounds, columns=names)], axis=1)


def shares_apart(
    value: ArrayLike, at_stake: ArrayLike, groups: ArrayLike, *, permutations: int = 400, seed: int = 0
) -> pd.DataFrame:
    """Test which groups have another share at stake than all the rest, by dealing out the groups anew.

    Parameters
    ----------
    value, at_stake : array_like of shape (n,)
        Each customer's, as `value_at_stake` returns them.
    groups : array_like of shape (n,)
        Each customer's group; customers without one are left out.
    permutations : int, default 400
        How often customers are dealt out to groups of the same sizes.
    seed : int, default 0
        The same seed deals them out alike.

    Returns
    -------
    pandas.DataFrame
        One row a group, in the order in which groups first appear: group; share (of the value if all of them stayed
        that is at stake) and rest (that of all others), NaN where there would be no value; ratio of the two; and
        p_value, the share of deals in which any group lies as far from the base, corrected so for how many groups
        there are. NaN where customers are all alike, or in one group.

    Notes
    -----
    A group is far from the base by the sum over its customers of what is at stake beyond the base's share, in standard
    deviations of that sum over all deals, so that small groups, whose shares vary more, aren't taken for others. The
    p-value is that of the largest deviation (maxT: Westfall & Young, 1993, *Resampling-Based Multiple Testing*,
    section 2.3), with the groups as they are counted as one more deal.
    """
    codes, names = pd.factorize(np.asarray(groups, dtype=object))
    known = codes >= 0
    codes = codes[known]
    lost = np.asarray(at_stake, dtype=float)[known]
    whole = np.asarray(value, dtype=float)[known] + lost
    of_lost, of_whole = (np.bincount(codes, each, minlength=len(names)) for each in (lost, whole))
    share = _over(of_lost, of_whole)
    rest = _over(lost.sum() - of_lost, whole.sum() - of_whole)
    found = pd.DataFrame({"group": names, "share": share, "rest": rest, "ratio": _over(share, rest)})

    beyond = lost - float(_over(lost.sum(), whole.sum())) * whole
    sizes = np.bincount(codes, minlength=len(names))
    spread = np.sqrt(sizes * (len(codes) - sizes) / max(len(codes) - 1, 1)) * beyond.std()
    if not (np.isfinite(spread).all() and (spread > 0).all()):
        return found.assign(p_value=np.nan)

    def deviations(dealt: Array) -> Array:
        return np.abs(np.bincount(codes, dealt, minlength=len(names))) / spread

    random = np.random.default_rng(seed)
    largest = np.array([deviations(random.permutation(beyond)).max() for _ in range(permutations)])
    as_far = (largest[:, None] >= deviations(beyond) * (1 - ROUNDING)).sum(axis=0)
    return found.assign(p_value=(1 + as_far) / (1 + permutations))


def _over(part: ArrayLike, whole: ArrayLike) -> Array:
    """Divide, NaN where there is nothing to divide by."""
    below = np.asarray(whole, dtype=float)
    return np.divide(part, below, out=np.full(below.shape, np.nan), where=below > 0)


def _above(if_staying: Array, expected: Array) -> Array:
    """Return what leaving takes: never below nothing, but for rounding."""
    return np.maximum(if_staying - expected, 0.0)


def _bounds(totals: Array, expected: float, interval: float, whole: bool) -> Array:
    mean = totals.mean() if len(totals) else 0.0
    if not whole:
        if mean == 0:
            return np.full(2, np.nan)
        totals = totals * (expected / mean)
    return np.quantile(totals, [(1 - interval) / 2, (1 + interval) / 2])
