"""Estimated shares and changes in words, with the ends of their intervals."""

from __future__ import annotations

import pandas as pd

from models.cross_validation import Estimate

from ..wording import between, percent

CHANCE = "could be chance"


def share_in_words(share: Estimate) -> str:
    """Return a share with its interval, as in 65% (64 to 67%)."""
    return f"{percent(share.value)} ({ends(share.low, share.high)})"


def share_and_ends(share: Estimate) -> tuple[str, str]:
    """Return a share, and its interval."""
    return percent(share.value), ends(share.low, share.high)


def ends(low: float, high: float) -> str:
    """Return the interval of a share, nothing where there is none."""
    return "" if pd.isna(low) else f"{between(100 * low, 100 * high)}%"


def points(change: Estimate) -> str:
    """Return a change of a share in points, with its interval."""
    # a change below a point would read as none
    digits = 0 if abs(change.value) >= 0.02 else 1
    # a negative number that rounds to nothing would read as -0
    value, low, high = (round(100 * each, digits) + 0.0 for each in change)
    shown = f"{{:+.{digits}f}}"
    return f"{shown.format(value)} points ({between(low, high, shown)})"
