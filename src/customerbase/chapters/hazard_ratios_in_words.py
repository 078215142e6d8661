"""Hazard ratios in words that a manager understands."""

from __future__ import annotations

import math

from ..wording import DASH, between

SIGNIFICANT = 0.05  # p-values below it let a sentence claim; intervals are for show
FROM_TIMES = 2.0  # from a doubling on more is told in times rather than per cent


def in_words(ratio: float, low: float, high: float) -> str:
    """Return a hazard ratio in words: 12% sooner (9 to 15), 8% later (5 to 10), 1% later (3 later to 2 sooner)."""
    if not all(math.isfinite(each) for each in (ratio, low, high)):
        return "can't be told"
    if ratio >= FROM_TIMES:
        return f"{ratio:.1f} times as soon ({between(low, high, '{:.1f}')})"
    if low >= 1 or high <= 1:
        least, most = sorted(abs(_percent_of(end)) for end in (low, high))
        return f"{_way(ratio)} ({between(least, most)})"
    return f"{_way(ratio)} ({_way(low, '')} to {_way(high, '')})"


def _way(ratio: float, sign: str = "%") -> str:
    change = _percent_of(ratio)
    if sign and round(change) == 0:
        return "just as soon"
    return f"{abs(change):.0f}{sign} {'sooner' if change >= 0 else 'later'}"


def _percent_of(ratio: float) -> float:
    return 100 * (ratio - 1)


def chance(p: float) -> str:
    """Return a p-value in words."""
    if not math.isfinite(p):
        return DASH
    return f"{p:.2f}" if p >= 0.01 else "under 0.01"


def sentence_start(text: str) -> str:
    """Return a text with its first letter large."""
    return text[:1].upper() + text[1:]
