"""Customer retention rate, and the customers behind it, over any spans of days.

Practice defines CRR = 100 (E - N) / S: S are the customers active at the end of the day before the span, E those active
at the end of its last day, N those of E whose first purchase falls in it. One pass over the purchases gives the rate of
many spans, of different kinds and overlapping ones, such as months, quarters and years.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import polars as pl

Period = Literal["month", "quarter", "year"]
Span = tuple[dt.date, dt.date]

FORMATS: dict[Period, str] = {"month": "%Y-%m", "quarter": "%Y Q%q", "year": "%Y"}
DAY_BITS = 24
NEVER = 2**DAY_BITS - 1
WORD = 64  # days that one number holds, a bit each
#: The numbers whose lowest 0, 1, ... 64 bits are set.
LOWEST = np.array([2**bits - 1 for bits in range(WORD + 1)], dtype=np.uint64)


def whole_periods(first_day: dt.date, as_of: dt.date, period: Period) -> pd.DataFrame:
    """Return the calendar periods that lie wholly between two days.

    Parameters
    ----------
    first_day, as_of : datetime.date
    period : {"month", "quarter", "year"}

    Returns
    -------
    pandas.DataFrame
        One row a period, the earliest first: period (such as "1997 Q2"), start and end (its first and last day).
    """
    spans = pd.period_range(first_day, as_of, freq=period[0].upper())
    starts, ends = spans.start_time.as_unit("us"), spans.end_time.normalize().as_unit("us")
    frame = pd.DataFrame({"period": spans.strftime(FORMATS[period]), "start": starts, "end": ends})
    inside = (frame["start"] >= pd.Timestamp(first_day)) & (frame["end"] <= pd.Timestamp(as_of))
    return frame[inside].reset_index(drop=True)


def retention_between(purchases: pl.DataFrame, spans: Sequence[Span], *, active_days: int = 180) -> pd.DataFrame:
    """Return the customer retention rate, CRR = 100 (E - N) / S, of each span.

    Parameters
    ----------
    purchases : polars.DataFrame
        customer (string or integer) and date (a date), in any order; rows of one customer on one day are one purchase.
    spans : sequence of (datetime.date, datetime.date)
        First and last day of each. Purchases after its last day don't count in a span.
    active_days : int, default 180
        A customer is active at the end of a day d with a purchase in (d - `active_days`, d].

    Returns
    -------
    pandas.DataFrame
        One row a span, in their order: customers_start (S, active at the end of the day before its first),
        customers_new (N, those of E whose first purchase falls in it), customers_end (E, active at the end of its last
        day), kept (those of S who are among E) and crr (percent; NaN where S is 0).

    Raises
    ------
    ValueError
        For `active_days` below 1, or a span that ends before it begins.
    """
    if active_days < 1:
        raise ValueError(f"`active_days` must be at least 1, not {active_days}.")
    wrong = [f"{first} to {last}" for first, last in spans if last < first]
    if wrong:
        raise ValueError(f"A span can't end before it begins: {', '.join(wrong)}.")
    starts = np.array([first.toordinal() - 1 for first, _ in spans], dtype=np.int64)
    ends = np.array([last.toordinal() for _, last in spans], dtype=np.int64)
    bounds = np.unique(np.concatenate([starts, ends]))
    seen = _activity(purchases, bounds, active_days)
    counts = [seen.between(start, end) for start, end in np.searchsorted(bounds, np.stack([starts, ends], axis=1))]
    columns = ["customers_start", "customers_new", "customers_end", "kept"]
    frame = pd.DataFrame(counts, columns=columns, dtype=np.int64)
    at_start = frame["customers_start"].where(frame["customers_start"] > 0).astype(float)
    frame["crr"] = 100 * (frame["customers_end"] - frame["customers_new"]) / at_start
    return frame


class _Activity(NamedTuple):
    """Customers, counted by the days of a list at whose end they are active.

    Attributes
    ----------
    active : list of ndarray of uint64
        A bit for each day, 64 of them in an array.
    first : ndarray of int64
        Number of the first of the days that isn't before the customers' first purchase.
    customers : ndarray of int64
        How many customers have both in common.
    """

    active: list[np.ndarray]
    first: np.ndarray
    customers: np.ndarray

    def between(self, start: int, end: int) -> tuple[int, int, int, int]:
        """Return S, N, E and those of S who are among E, between two of the days, by their numbers."""
        at_start, at_end = self._on(start), self._on(end)
        chosen = (at_start, at_end & (self.first > start), at_end, at_start & at_end)
        start_, new, end_, kept = (int(self.customers[which].sum()) for which in chosen)
        return start_, new, end_, kept

    def _on(self, number: int) -> np.ndarray:
        return (self.active[number // WORD] >> np.uint64(number % WORD)) & np.uint64(1) == 1


def _activity(purchases: pl.DataFrame, bounds: np.ndarray, active_days: int) -> _Activity:
    """Find at the end of which days, of `bounds`, a purchase of the last `active_days` keeps each customer active.

    Millions of customers come down to the far fewer who differ in this.
    """
    customer = purchases["customer"].cast(pl.String).cast(pl.Categorical).to_physical().cast(pl.Int64)
    day = purchases["date"].cast(pl.Int32).cast(pl.Int64) + dt.date(1970, 1, 1).toordinal()
    rows = ((customer * 2**DAY_BITS) + day).unique().sort().to_numpy()
    if not len(rows):
        words = -(-len(bounds) // WORD)
        return _Activity([np.zeros(0, np.uint64)] * words, np.zeros(0, np.int64), np.zeros(0, np.int64))
    whose, when = rows >> DAY_BITS, rows & NEVER
    firsts = np.flatnonzero(np.append(True, whose[1:] != whose[:-1]))
    # the place of each day among the bounds, looked up rather than searched for
    earliest, latest = int(when.min()), int(when.max())
    places = np.searchsorted(bounds, np.arange(earliest, latest + active_days + 1))
    begins, over = places[when - earliest], places[when + active_days - earliest]
    found = {"first": begins[firsts]}
    for begin in range(0, len(bounds), WORD):
        low, high = (LOWEST[np.clip(at - begin, 0, WORD)] for at in (begins, over))
        found[f"from {begin}"] = np.bitwise_or.reduceat(high & ~low, firsts)
    counted = pl.DataFrame(found).group_by(pl.all()).agg(customers=pl.len().cast(pl.Int64))
    first, *active, customers = (counted[name].to_numpy() for name in counted.columns)
    return _Activity(active, first, customers)
