"""How sure one could be, day by day, that one customer was still one.

A fitted model of repeat purchases gives the probability that a customer is alive from the history up to a day:
frequency x, recency t_x, age T. Followed through time it falls while the customer is silent, and a purchase sets it
anew: on that day the customer was surely alive, and may leave right after it, in BG/NBD with the odds a / (b + x - 1)
(Fader & Hardie 2008). So a purchase ends a decline with a leap, and leaves something less than certainty behind.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.rfm import DAYS_PER_UNIT

POINTS = 240  # closer together they would lie on each other in a figure


def alive_over_time(
    model: Any, purchase_days: Sequence[dt.date], until: dt.date, time_unit: str = "week", points: int = POINTS
) -> pd.DataFrame:
    """Follow the probability that one customer is alive from the first purchase to a day.

    Parameters
    ----------
    model : fitted model of repeat purchases
        Any with `conditional_probability_alive(frequency, recency, T)`.
    purchase_days : sequence of date, of shape (m,)
        Days with a purchase, in any order; a day that stands twice counts once, those after `until` don't.
    until : date
        The last day looked at.
    time_unit : {"week", "day", "month", "year"}, default "week"
        The unit of time in which the model was fitted.
    points : int, default 240
        How many days to look at, at most, beside the days of purchases.

    Returns
    -------
    pandas.DataFrame
        In order of time: date, frequency, recency, T, p_alive. Days of repeat purchases stand twice: as it was
        before the purchase, and after it.

    Raises
    ------
    ValueError
        If there is no purchase up to `until`, or the time unit is unknown.

    References
    ----------
    Fader, P. S. & B. G. S. Hardie (2008). Computing P(alive) Using the BG/NBD Model.
    http://www.brucehardie.com/notes/021/
    """
    if time_unit not in DAYS_PER_UNIT:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
    bought = np.unique([day.toordinal() for day in purchase_days if day <= until])
    if not len(bought):
        raise ValueError(f"There is no purchase up to {until}, so there is no customer to follow.")
    grid = np.linspace(bought[0], until.toordinal(), points).round().astype(int)
    days = np.union1d(grid, bought)
    # of a day with a repeat purchase, what was known before it stands first
    days, before = np.append(days, bought[1:]), np.append(np.zeros(len(days), bool), np.ones(len(bought) - 1, bool))
    order = np.lexsort((~before, days))
    days, before = days[order], before[order]
    purchases = np.where(before, np.searchsorted(bought, days), np.searchsorted(bought, days, side="right"))
    unit = DAYS_PER_UNIT[time_unit]
    path = pd.DataFrame(
        {
            "date": pd.to_datetime([dt.date.fromordinal(day) for day in days]),
            "frequency": purchases - 1,
            "recency": (bought[purchases - 1] - bought[0]) / unit,
            "T": (days - bought[0]) / unit,
        }
    )
    path["p_alive"] = np.asarray(model.conditional_probability_alive(path["frequency"], path["recency"], path["T"]))
    return path
