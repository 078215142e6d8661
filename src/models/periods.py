"""Periods of days that end with the last one observed: the latest, and the one before it, equally long."""

import datetime as dt
from typing import NamedTuple

YEAR_DAYS = 365
MAY_BE_MISSING_DAYS = 7


class Period(NamedTuple):
    """The days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1


def latest_period(first_day: dt.date, as_of: dt.date, days: int = YEAR_DAYS) -> Period:
    """Return the last `days` days up to `as_of`, or all there are where those are fewer by more than a week.

    Parameters
    ----------
    first_day, as_of : date
        Days of the first purchase and of the last observation.
    days : int, default 365
        A ledger of a year seldom holds a purchase on its very first day, so a week may be missing.
    """
    first = as_of - dt.timedelta(days=days - 1)
    return Period(first if (first_day - first).days <= _spared(days) else first_day, as_of)


def two_periods(first_day: dt.date, as_of: dt.date, days: int = YEAR_DAYS) -> tuple[Period, Period]:
    """Return the period before and the latest one, equally long and next to each other.

    Parameters
    ----------
    first_day, as_of : date
        Days of the first purchase and of the last observation.
    days : int, default 365
        Length of each; the earlier one may begin up to a week before `first_day`. Where the ledger doesn't hold two
        such periods, they are its halves; of an odd number of days the earlier half begins a day before `first_day`,
        so that the first purchase is in it.

    Returns
    -------
    before, now : Period

    Raises
    ------
    ValueError
        When fewer than two days were observed.
    """
    observed = (as_of - first_day).days + 1
    if observed < 2:
        raise ValueError(f"Two periods need two days; {observed} were observed.")
    length = days if observed >= 2 * days - _spared(days) else -(-observed // 2)
    now = Period(as_of - dt.timedelta(days=length - 1), as_of)
    return Period(now.first - dt.timedelta(days=length), now.first - dt.timedelta(days=1)), now


def _spared(days: int) -> int:
    """Return how many days a period may lack: of a short one a week would be too many."""
    return min(MAY_BE_MISSING_DAYS, days // 10)
