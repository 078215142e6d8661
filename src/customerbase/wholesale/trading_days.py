"""The days on which the wholesaler trades, and how busy they are."""

from __future__ import annotations

import datetime as dt

import numpy as np

from .segments import FIRST_DAY, LAST_DAY

DAYS = (LAST_DAY - FIRST_DAY).days + 1

#: How busy each month is: few build in winter.
SEASON = (0.55, 0.60, 0.80, 0.95, 1.05, 1.15, 1.25, 1.30, 1.30, 1.20, 1.00, 0.85)
SATURDAY, SUNDAY = 5, 6
HOLIDAYS = {(1, day) for day in range(1, 9)} | {(2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)}


def busyness(day: dt.date) -> float:
    """Return how much is sold on a day, 1.0 being an even weekday; 0.0 when closed."""
    if day.weekday() == SUNDAY or (day.month, day.day) in HOLIDAYS:
        return 0.0
    return SEASON[day.month - 1] * (0.5 if day.weekday() == SATURDAY else 1.0)


def days_of(clock: np.ndarray) -> list[dt.date]:
    """Turn times of the trade's own clock into days.

    The models know no seasons. So customers are drawn on a clock that runs evenly, from 0 to `DAYS`, and each of its
    moments is put on the day by which the same share of the whole trade is done.
    """
    trade = np.cumsum([busyness(FIRST_DAY + dt.timedelta(day)) for day in range(DAYS)])
    numbers = np.searchsorted(trade, np.asarray(clock) / DAYS * trade[-1], side="right")
    return [FIRST_DAY + dt.timedelta(int(day)) for day in np.minimum(numbers, DAYS - 1)]


def open_day_from(day: dt.date) -> dt.date:
    """Return the day itself, or the next on which the wholesaler is open."""
    while busyness(day) == 0:
        day += dt.timedelta(1)
    return day
