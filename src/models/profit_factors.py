"""A period's profit as customers x purchases a customer x value a purchase x margin, and its change by factor."""

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import polars as pl

from models.customer_base_audit import buyers
from models.if_known import sum_if_known


class Split(NamedTuple):
    """A period's profit as a product of four factors; see `split`."""

    customers: float
    purchases_each: float
    value: float
    margin: float

    @property
    def revenue(self) -> float:
        """The product of the first three."""
        return self.customers * self.purchases_each * self.value

    @property
    def profit(self) -> float:
        """The product of all four."""
        return self.revenue * self.margin


def split(customers: pl.DataFrame) -> Split:
    """Split a period into customers x purchases a customer x value a purchase x margin.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customer_base_audit.customers_of_period`. Customers and purchases are of those who bought; revenue and
        profit are everybody's, so a value is one after all returns.

    Returns
    -------
    Split
        `value` is NaN where nobody bought; `margin` where revenue is zero or a profit isn't known.
    """
    bought = buyers(customers)
    purchases = float(bought["purchases"].sum())
    revenue, profit = customers.select(sum_if_known("revenue"), sum_if_known("profit").fill_null(np.nan)).row(0)
    return Split(
        float(bought.height),
        purchases / bought.height if bought.height else np.nan,
        revenue / purchases if purchases else np.nan,
        profit / revenue if revenue else np.nan,
    )


def split_change(before: Sequence[float], now: Sequence[float]) -> list[float]:
    """Say how much of a product's change comes from each of its factors.

    Each factor's part is what its own change adds, averaged over every order in which the factors could have changed
    one after the other (Shapley's value). The parts add up to the change exactly, don't depend on the order of the
    factors, and stay defined where a factor falls to zero or below, as a margin can; the logarithmic mean Divisia
    index, which is alike in all else, needs every factor above zero. For two factors it is each one's change times
    the mean of the other.

    Parameters
    ----------
    before, now : sequence of float, length n
        The factors, in the same order.

    Returns
    -------
    list of float, length n
        Each factor's part of ``prod(now) - prod(before)``.

    References
    ----------
    Sun, J. W. (1998). Changes in energy consumption and energy intensity: a complete decomposition model. Energy
    Economics 20, 85-100. Ang, B. W. (2004). Decomposition analysis for policymaking in energy. Energy Policy 32,
    1131-1139.
    """
    number = len(before)
    parts = []
    for factor in range(number):
        others = [other for other in range(number) if other != factor]
        part = 0.0
        for size in range(number):
            weight = 1 / (number * comb(number - 1, size))
            for changed in combinations(others, size):
                rest = np.prod([now[other] if other in changed else before[other] for other in others])
                part += weight * float(rest)
        parts.append(part * (now[factor] - before[factor]))
    return parts
