"""Satisfaction is not loyalty: who says so and who stays.

Most of those who leave had said that they were satisfied (Reichheld 1996: 65 to 85%), and some who are not satisfied
stay all the same. Jones & Sasser (1995) name the four: loyalists (satisfied and here), mercenaries (satisfied and
gone), hostages (not satisfied and here), defectors (not satisfied and gone).

References
----------
Jones, T. O. & W. E. Sasser (1995). Why Satisfied Customers Defect. *Harvard Business Review* 73(6), 88-99.
Reichheld, F. F. (1996). *The Loyalty Effect*. Harvard Business School Press.
"""

from typing import NamedTuple

import polars as pl
from statsmodels.stats.proportion import proportion_confint

from .exact import exact_sum
from .matched_risk_set import newcombe, p_value


class Scale(NamedTuple):
    """A scale of answers: its ends, and the lowest answer that counts as satisfied."""

    lowest: float
    highest: float
    satisfied_from: float


#: From the shortest; satisfied are the two top answers (top-two-box), of a hundred those from 80.
SCALES = (Scale(1, 5, 4), Scale(0, 5, 4), Scale(1, 7, 6), Scale(0, 10, 9), Scale(1, 10, 9), Scale(0, 100, 80))
QUADRANTS = {
    (True, True): "loyalists",
    (True, False): "mercenaries",
    (False, True): "hostages",
    (False, False): "defectors",
}


class Left(NamedTuple):
    """The share who left among those who were satisfied, or were not, and its interval; customers."""

    customers: int
    share: float
    low: float
    high: float


def scale_of(scores: pl.Series) -> Scale | None:
    """Find the scale that answers were given on: the shortest customary one that holds them all.

    Parameters
    ----------
    scores : polars.Series
        Numbers; nulls are left out.

    Returns
    -------
    Scale or None
        None where there are no answers, or no customary scale holds them.
    """
    given = scores.drop_nulls()
    if given.is_empty():
        return None
    lowest, highest = float(given.min()), float(given.max())  # type: ignore[arg-type]
    holding = [scale for scale in SCALES if scale.lowest <= lowest and highest <= scale.highest]
    return holding[0] if holding else None


def quadrants(answers: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    """Divide customers by whether they were satisfied and whether they stayed.

    Parameters
    ----------
    answers : polars.DataFrame
        One row a customer: score, left (bool) and value.
    scale : Scale

    Returns
    -------
    polars.DataFrame
        quadrant, satisfied, stays, customers and value (sum), always four rows, in the order of `QUADRANTS`.
    """
    placed = answers.with_columns(satisfied=pl.col("score") >= scale.satisfied_from, stays=~pl.col("left"))
    sums = placed.group_by("satisfied", "stays").agg(customers=pl.len(), value=exact_sum("value"))
    names = pl.DataFrame(
        [(name, *key) for key, name in QUADRANTS.items()],
        schema={"quadrant": pl.String, "satisfied": pl.Boolean, "stays": pl.Boolean},
        orient="row",
    )
    return names.join(sums, on=["satisfied", "stays"], how="left", maintain_order="left").with_columns(
        pl.col("customers").fill_null(0).cast(pl.Int64), pl.col("value").fill_null(0.0)
    )


def left_share(divided: pl.DataFrame, satisfied: bool, coverage: float = 0.8) -> Left:
    """Return the share of the satisfied, or of the others, who left, with Wilson's interval.

    Parameters
    ----------
    divided : polars.DataFrame
        As `quadrants` returns it.
    satisfied : bool
    coverage : float, default 0.8

    Returns
    -------
    Left
        NaN where there are no such customers.
    """
    left, customers = _left_of(divided, satisfied)
    if not customers:
        return Left(0, float("nan"), float("nan"), float("nan"))
    low, high = proportion_confint(left, customers, alpha=1 - coverage, method="wilson")
    return Left(customers, left / customers, float(low), float(high))


class Effect(NamedTuple):
    """By how much more of the others left than of the satisfied, Newcombe's interval, and p (two-sided)."""

    difference: float
    low: float
    high: float
    p_value: float


def satisfaction_effect(divided: pl.DataFrame, coverage: float = 0.8) -> Effect:
    """Return by how much more of the others left than of the satisfied.

    Parameters
    ----------
    divided : polars.DataFrame
        As `quadrants` returns it.
    coverage : float, default 0.8

    Returns
    -------
    Effect
        NaN where either group is empty.
    """
    left, customers = _left_of(divided, satisfied=False)
    left_though, satisfied = _left_of(divided, satisfied=True)
    if not customers or not satisfied:
        return Effect(*[float("nan")] * 4)
    shares = left / customers, customers, left_though / satisfied, satisfied
    return Effect(shares[0] - shares[2], *newcombe(*shares, coverage), p_value(*shares))


def _left_of(divided: pl.DataFrame, satisfied: bool) -> tuple[int, int]:
    group = divided.filter(pl.col("satisfied") == satisfied)
    return int(group.filter(~pl.col("stays"))["customers"].sum()), int(group["customers"].sum())
