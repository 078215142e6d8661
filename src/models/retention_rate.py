"""Customer retention rate by calendar period as practice defines it, and beside it what that hides."""

import datetime as dt

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from narwhals.typing import IntoFrame
from scipy.special import ndtri

from models.retention_between import FORMATS, Period, retention_between, whole_periods
from models.rfm import purchase_days


def retention_rate(
    purchases: IntoFrame,
    as_of: dt.date,
    *,
    active_days: int = 180,
    period: Period = "quarter",
    interval: float = 0.80,
) -> pd.DataFrame:
    """Return the customer retention rate, CRR = 100 (E - N) / S, of each complete calendar period.

    A customer is active at the end of a day d with at least one purchase in (d - `active_days`, d]. S are
    those active at the end of the day before the period, E those active at the end of its last day, N those
    of E whose first purchase in the ledger falls within the period.

    E - N holds two kinds of customer: those active at both ends (`kept`) and those who had bought before,
    weren't active at the start and are active again (`reactivated`). So CRR isn't a share of S and may
    exceed 100; nothing is clipped. The share of S that stayed is `kept_rate`, and the interval is of that.

    Parameters
    ----------
    purchases : frame
        Rows of customer, date and amount, in any order. Rows of one customer on one day are one purchase.
    as_of : date
        Last day observed. Later purchases are left out.
    active_days : int, default 180
        How many days a purchase keeps a customer active, its own day included.
    period : {"month", "quarter", "year"}, default "quarter"
        Calendar period.
    interval : float, default 0.80
        Coverage of the interval, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        A row for each period that lies wholly between the first purchase and `as_of`: `period` (such as
        "1997 Q2"), `start` and `end` (its first and last day), `customers_start` (S), `customers_new` (N),
        `customers_end` (E), `kept`, `lost` (S - `kept`), `reactivated` (E - N - `kept`), `crr` (percent),
        `kept_rate` (percent of S), and `low` and `high`, its Wilson interval (percent). With nobody active
        at the start the last four are null.

    Raises
    ------
    ValueError
        For an unknown period, `active_days` below 1, or an `interval` not between 0 and 1.

    Notes
    -----
    A ledger doesn't show who bought before it begins: in the periods that start less than
    `active_days` after its first day S is too small, and earlier customers who return there count as new.

    The interval is Wilson's (1927): the probable inference about the share of customers who stay, were each
    customer to stay or go independently of the others.
    """
    if period not in FORMATS:
        raise ValueError(f"`period` is one of {', '.join(FORMATS)}, not {period!r}.")
    if not 0 < interval < 1:
        raise ValueError(f"`interval` is a coverage between 0 and 1, not {interval}.")
    last_day = pd.Timestamp(as_of).date()
    days = _days(purchases).filter(pl.col("date") <= last_day)
    first_day = days["date"].min() or last_day + dt.timedelta(days=1)
    periods = whole_periods(first_day, last_day, period)  # type: ignore[arg-type]
    spans = list(zip(periods["start"].dt.date, periods["end"].dt.date, strict=True))
    frame = pd.concat([periods, retention_between(days, spans, active_days=active_days)], axis=1)
    frame["lost"] = frame["customers_start"] - frame["kept"]
    frame["reactivated"] = frame["customers_end"] - frame["customers_new"] - frame["kept"]
    frame["crr"] = frame.pop("crr")

    at_start = frame["customers_start"].where(frame["customers_start"] > 0).astype(np.float64)
    frame["kept_rate"] = 100 * frame["kept"] / at_start
    low, high = _wilson(frame["kept"] / at_start, at_start, interval)
    frame["low"], frame["high"] = 100 * low, 100 * high
    return frame


def _days(purchases: IntoFrame) -> pl.DataFrame:
    """Return customer and date of every day with a purchase."""
    days = nw.from_native(purchase_days(purchases)).lazy().select("customer", "date").collect("polars").to_native()
    return days.with_columns(pl.col("date").cast(pl.Date))


def _wilson(share: pd.Series, number: pd.Series, interval: float) -> tuple[pd.Series, pd.Series]:
    z = ndtri((1 + interval) / 2)
    centre = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * np.sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    # at shares of 0 and 1 rounding can leave an end a hair beyond the share itself
    return np.minimum(centre - half, share), np.maximum(centre + half, share)
