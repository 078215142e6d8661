"""How unevenly customers share in a total: Lorenz curve, Gini's coefficient, share of the top."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

_MOST_POINTS = 1000


def lorenz(values: ArrayLike) -> pd.DataFrame:
    """Trace the share of the total that the smallest customers bring (Lorenz 1905).

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.

    Returns
    -------
    pandas.DataFrame
        `share_of_customers` and `share_of_total`, both from 0 to 1. The first row is (0, 0), then come the
        customers from the smallest up: all of them up to 999, and beyond that 1,000 rows evenly spaced.
        Negative values bring the curve below 0 first. `share_of_total` is NaN after (0, 0) when the total
        isn't positive, as there is nothing to share out; without values there is the first row alone.

    Raises
    ------
    ValueError
        For missing or infinite values.
    """
    ordered = np.sort(_checked(values))
    number = len(ordered)
    rows = np.unique(np.linspace(0, number, min(number + 1, _MOST_POINTS)).round().astype(np.int64))
    running = np.concatenate([[0.0], np.cumsum(ordered)])
    total = running[-1]
    share = running[rows] / total if total > 0 else np.where(rows > 0, np.nan, 0.0)
    return pd.DataFrame({"share_of_customers": rows / max(number, 1), "share_of_total": share})


def gini(values: ArrayLike) -> float:
    """Return Gini's coefficient: twice the area between the Lorenz curve and the diagonal.

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.

    Returns
    -------
    float
        0 when all bring the same, (n - 1) / n when one brings everything. With negative values it may
        exceed 1. NaN without values or when the total isn't positive.

    Raises
    ------
    ValueError
        For missing or infinite values.
    """
    ordered = np.sort(_checked(values))
    number, total = len(ordered), ordered.sum()
    if not total > 0:
        return np.nan
    weights = 2 * np.arange(1, number + 1) - number - 1
    return float(weights @ ordered / (number * total))


def top_share(values: ArrayLike, top: float = 0.1) -> float:
    """Return the share of the total that comes from the customers who bring most.

    Parameters
    ----------
    values : array_like, shape (n,)
        What each customer brings, in any order and unit.
    top : float, default 0.1
        Which share of the customers, in (0, 1]. Where that isn't a whole number of customers the next one
        counts in proportion, which is the Lorenz curve read from its upper end.

    Returns
    -------
    float
        Exceeds 1 when the others bring less than nothing together. NaN without values or when the total
        isn't positive.

    Raises
    ------
    ValueError
        For missing or infinite values, or a `top` outside (0, 1].
    """
    if not 0 < top <= 1:
        raise ValueError(f"`top` is a share of the customers in (0, 1], not {top}.")
    numbers = _checked(values)
    total = numbers.sum()
    if not total > 0:
        return np.nan
    # 0.1 of 30 customers is 3 of them, not 3.0000000000000004.
    wanted = round(top * len(numbers), 9)
    whole = int(wanted)
    largest = -np.partition(-numbers, min(whole, len(numbers) - 1))
    partial = (wanted - whole) * largest[whole] if whole < len(numbers) else 0.0
    return float((largest[:whole].sum() + partial) / total)


def _checked(values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if not np.isfinite(numbers).all():
        raise ValueError("Some values are missing or infinite; a share of the total needs all of them.")
    return numbers
