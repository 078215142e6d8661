"""Customer retention rate over any spans of days, by the definitions of `models.retention_rate`.

`retention_rate` takes whole calendar periods of one kind and shows what the rate hides. Here one pass over the
purchases gives the rate of many spans, of different kinds and overlapping ones, such as months, quarters and years.
"""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
import polars as pl

from models.retention_rate import Period

DAY_BITS = 24
NEVER = 2**DAY_BITS - 1
FORMATS: dict[Period, str] = {"month": "%Y-%m", "quarter": "%Y Q%q", "year": "%Y"}

Span = tuple[dt.date, dt.date]


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
        day) and crr (percent; NaN where S is 0).

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
    stretches = _stretches(purchases, bounds, active_days)
    start, end = np.searchsorted(bounds, starts), np.searchsorted(bounds, ends)
    first, begins, over, customers = (stretches[name].to_numpy() for name in ("first", "begins", "over", "customers"))

    def active(at: int, *, since: int = -1) -> int:
        return int(customers[(begins <= at) & (over > at) & (first > since)].sum())

    frame = pd.DataFrame(
        {
            "customers_start": [active(at) for at in start],
            "customers_new": [active(at, since=before) for at, before in zip(end, start, strict=True)],
            "customers_end": [active(at) for at in end],
        },
        dtype=np.int64,
    )
    at_start = frame["customers_start"].where(frame["customers_start"] > 0).astype(float)
    frame["crr"] = 100 * (frame["customers_end"] - frame["customers_new"]) / at_start
    return frame


def _stretches(purchases: pl.DataFrame, bounds: np.ndarray, active_days: int) -> pl.DataFrame:
    """Count customers by the days, of `bounds`, at whose end a purchase keeps them active.

    A purchase keeps its customer until `active_days` have passed or the next one takes over. What matters of it
    is the first bound at whose end the customer is active, the first at whose end that is over, and the first bound
    after the customer's very first purchase: millions of purchases come down to a few thousand such stretches.
    """
    customer = purchases["customer"].cast(pl.String).cast(pl.Categorical).to_physical().cast(pl.Int64)
    day = purchases["date"].cast(pl.Int32).cast(pl.Int64) + dt.date(1970, 1, 1).toordinal()
    rows = ((customer * 2**DAY_BITS) + day).unique().sort().to_numpy()
    whose, when = rows >> DAY_BITS, rows & (2**DAY_BITS - 1)
    new = np.ones(len(rows), dtype=bool)
    new[1:] = whose[1:] != whose[:-1]
    following = np.full(len(rows), NEVER)
    following[:-1] = np.where(new[1:], NEVER, when[1:])
    # the place of each day among the bounds, looked up rather than searched for
    earliest = int(when.min()) if len(when) else 0
    latest = max(int(bounds[-1]) if len(bounds) else 0, int(when.max()) if len(when) else 0)
    places = np.searchsorted(bounds, np.arange(earliest, latest + active_days + 1))
    begins = places[when - earliest]
    over = places[np.minimum(when + active_days, following) - earliest]
    first = np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))
    frame = pl.DataFrame({"first": begins[first], "begins": begins, "over": over})
    return frame.filter(pl.col("over") > pl.col("begins")).group_by("first", "begins", "over").agg(customers=pl.len())
