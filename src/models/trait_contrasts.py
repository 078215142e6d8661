"""Customers set side by side by one thing, and what it changes with all else alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.cross_validation import jackknife_interval
from models.first_purchase import FEWEST_WITH_LEVEL, Trait
from models.fold_models import FOLDS, Array, FoldModels, at_most, probability
from models.trait_coding import TraitCoding

ASKED_AT_MOST = 1_000  # customers, of what a trait changes
AT_THE_LEAST = 0.3  # share of customers at a figure's smallest value from which on they are set against all others


def trait_contrasts(found: FoldModels, customers: pd.DataFrame, coverage: float, seed: int) -> pd.DataFrame:
    """Set customers side by side by each thing, and ask the models what it changes with all else alike.

    Parameters
    ----------
    found, customers, coverage, seed
        As for `models.permutation_importance.permutation_importance`.

    Returns
    -------
    pandas.DataFrame
        See `models.ideal_customer.IdealCustomer`, attribute `contrasts`, in the order of the traits.
    """
    everybody = at_most(np.arange(len(found.y)), ASKED_AT_MOST, found.y, np.random.default_rng(seed))
    rows = []
    for side in (side for trait in found.coding.traits for side in _sides(found.coding, trait, customers)):
        has, others = int(side.has.sum()), int(side.others.sum())
        if min(has, others) < FEWEST_WITH_LEVEL:
            continue
        high, low = side.opposed(found.X, everybody)
        changes = np.array([(probability(m, high) - probability(m, low)).mean() for m in found.models])
        adjusted = jackknife_interval(changes, FOLDS, coverage)
        shares = has, found.y[side.has].mean(), others, found.y[side.others].mean()
        rows.append((side.trait, side.level, side.above, *shares, *adjusted))
    return contrast_frame(rows)


@dataclass(frozen=True)
class _Side:
    """Customers who have something, and those who don't.

    Attributes
    ----------
    trait : str
    level : str or None
    above : float
        NaN where it is a level that they have.
    has, others : ndarray of bool, of shape (customers,)
    columns : ndarray of int
        Where it stands among the columns of the models.
    low, high : ndarray of float
        What stands there for others and for those who have it; `low` None: whatever others have instead.
    """

    trait: str
    level: str | None
    above: float
    has: Array
    others: Array
    columns: Array
    low: Array | None
    high: Array

    def opposed(self, X: Array, asked: Array) -> tuple[Array, Array]:
        """Return the columns of the customers asked as if all of them had it, and as if none had."""
        if self.low is None:
            without = asked[~self.has[asked]]
            asked = without if len(without) else np.flatnonzero(~self.has)
        high, low = X[asked], X[asked]
        high[:, self.columns] = self.high
        if self.low is not None:
            low[:, self.columns] = self.low
        return high, low


def _sides(coding: TraitCoding, trait: Trait, customers: pd.DataFrame) -> list[_Side]:
    columns = np.arange(coding.width)[coding.columns(trait)]
    if trait.kind == "flags":
        bought = customers[list(trait.columns)].to_numpy(float)
        zero, one = np.zeros(1), np.ones(1)
        return [
            _Side(trait.name, level, math.nan, bought[:, n] == 1, bought[:, n] != 1, columns[[n]], zero, one)
            for n, level in enumerate(trait.levels)
        ]
    if trait.kind == "text":
        text = customers[trait.columns[0]]
        known = text.notna().to_numpy()
        return [
            _Side(trait.name, level, math.nan, has, known & ~has, columns, None, coding.value(trait, level))
            for level in coding.levels(trait)
            for has in [(text == level).to_numpy(bool)]
        ]
    values = customers[trait.columns[0]].to_numpy(float)
    known = values[np.isfinite(values)]
    if known.min() == known.max():
        return []
    limit = _limit(known)
    has, others = values > limit, values <= limit
    low, high = (coding.value(trait, float(np.median(values[side]))) for side in (others, has))
    return [_Side(trait.name, None, limit, has, others, columns, low, high)]


def _limit(values: Array) -> float:
    """Return the figure above which customers are set against the others: the smallest where it is common.

    Else the median, rounded as people say it.
    """
    smallest = float(values.min())
    if (values == smallest).mean() >= AT_THE_LEAST:
        return smallest
    middle = float(np.median(values))
    rounded = float(f"{middle:.2g}")
    return rounded if (values > rounded).any() and (values <= rounded).any() else smallest


def contrast_frame(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return the table of contrasts.

    Parameters
    ----------
    rows : sequence of tuple
        The values of each contrast, in the order of the columns.

    Returns
    -------
    pandas.DataFrame
        See `models.ideal_customer.IdealCustomer`, attribute `contrasts`.
    """
    names = ["trait", "level", "above", "customers", "share", "other_customers", "other_share"]
    return pd.DataFrame(rows, columns=[*names, "difference", "low", "high"])
