"""What customers need, in words: a trait's value in its own unit."""

from __future__ import annotations

import pandas as pd

from .wording import count, money, number, percent

SMALLEST_SHARE, SMALL_SHARE = 0.0005, 0.1  # between them a share has a decimal
DIGITS = 2
COUNTED = ("units", "products", "categories")


def in_unit(value: float, unit: str, currency: str) -> str:
    """Return a trait's value in words.

    Parameters
    ----------
    value : float
    unit : str
        One of `models.measured_traits.Unit`.
    currency : str
        Of amounts.
    """
    if pd.isna(value):
        return "not known"
    if unit in COUNTED and float(value).is_integer():
        return count(value)
    if unit == "share":
        return percent(value, 1 if SMALLEST_SHARE <= value < SMALL_SHARE else 0)
    return money(value, currency) if unit == "money" else number(value, DIGITS)


def typical(values: pd.Series, unit: str) -> float:
    """Return what is typical: the mean of a share, many of which are 0, and the median of anything else."""
    return float(values.mean() if unit == "share" else values.median())


def bare(value: float, unit: str) -> str:
    """Return a trait's value without its unit, where there is little room."""
    return in_unit(value, unit, "").strip()
