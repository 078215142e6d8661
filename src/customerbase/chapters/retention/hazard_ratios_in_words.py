"""Hazard ratios in words that a manager understands: as the days that a usual wait becomes, or as a chance per day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.standardised_survival import StandardisedSurvival

from ...wording import DASH, number

SIGNIFICANT = 0.05  # p-values below it let a sentence claim; intervals are for show
FROM_TIMES = 2.0  # from a doubling on more is told in times rather than per cent


@dataclass(frozen=True)
class UsualWait:
    """How long customers usually wait for the next purchase: until half of those who come back are back.

    Attributes
    ----------
    curves : StandardisedSurvival
        The share of waits that last longer than so many days, of a regression's own curves: each wait at what was
        known of it, so that a hazard ratio changes each wait as the regression says.
    """

    curves: StandardisedSurvival

    @property
    def longest(self) -> float:
        """Days of the longest wait that was watched."""
        return float(self.curves.days[-1])

    @cached_property
    def _waiting(self) -> float:
        """The share that still waits once half of those who come back are back."""
        return float(1 + self.curves.at()[-1]) / 2

    @property
    def usual(self) -> float:
        """Its days, read between whole ones."""
        return self.becomes(1.0)

    @property
    def in_days(self) -> str:
        """Its days in words."""
        return f"{_rounded(self.usual)} days"

    def becomes(self, ratio: float) -> float:
        """Return the days that a usual wait becomes where a hazard ratio holds on each of its days.

        Parameters
        ----------
        ratio : float
            Above 0.

        Returns
        -------
        float
            The day on which as many still wait as do, without it, after a usual wait; infinite where nobody was
            watched so long.
        """
        return float(np.interp(-self._waiting, -self.curves.at(math.log(ratio)), self.curves.days, right=math.inf))

    def in_words(self, ratio: float, low: float, high: float) -> str:
        """Return the days that a usual wait becomes, with the ends of the interval: 4.2 (4.1 to 4.3).

        The interval is that of the hazard ratio alone; the curves it is applied to are taken as known.
        """
        if not all(math.isfinite(each) and each > 0 for each in (ratio, low, high)):
            return "can't be told"
        days = [self.becomes(each) for each in (ratio, high, low)]
        # a digit more where two can't tell the ends apart
        digits = 2 if _rounded(days[1]) != _rounded(days[2]) else 3
        shown, soonest, latest = (self._shown(each, digits) for each in days)
        return f"{shown} ({soonest} to {latest})"

    def _shown(self, days: float, digits: int) -> str:
        return f"over {_rounded(self.longest)}" if math.isinf(days) else _rounded(days, digits)


def in_words(ratio: float, low: float, high: float) -> str:
    """Return a hazard ratio as a change of the chance on a day: +12% (+9 to +15), 2.5 times (2.0 to 3.1)."""
    if not all(math.isfinite(each) for each in (ratio, low, high)):
        return "can't be told"
    if ratio >= FROM_TIMES:
        return f"{ratio:.1f} times ({low:.1f} to {high:.1f})"
    change, least, most = (100 * (each - 1) for each in (ratio, low, high))
    return f"{change:+z.0f}% ({least:+z.0f} to {most:+z.0f})"


def _rounded(days: float, digits: int = 2) -> str:
    return number(days, digits)


def chance(p: float) -> str:
    """Return a p-value in words: 0.049, under 0.001, or a dash where there is none."""
    if not math.isfinite(p):
        return DASH
    # two digits would tell 0.046 as 0.05
    return f"{p:.3f}" if p >= 0.001 else "under 0.001"


def sentence_start(text: str) -> str:
    """Return a text with its first letter large."""
    return text[:1].upper() + text[1:]
