"""Customer retention rate by calendar period as practice defines it, and beside it what that hides."""

import datetime as dt
from typing import Literal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from narwhals.typing import IntoFrame
from scipy.special import ndtri

from models.rfm import purchase_days

Period = Literal["month", "quarter", "year"]

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


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
    if period not in _MONTHS:
        raise ValueError(f"`period` is one of {', '.join(_MONTHS)}, not {period!r}.")
    if active_days < 1:
        raise ValueError(f"`active_days` must be at least 1, not {active_days}.")
    if not 0 < interval < 1:
        raise ValueError(f"`interval` is a coverage between 0 and 1, not {interval}.")
    months = _MONTHS[period]
    spells, first_day = _spells(purchases, as_of, active_days, months)
    frame = _complete_periods(first_day, pd.Timestamp(as_of).normalize(), period)
    number = (12 * frame["start"].dt.year + frame["start"].dt.month - 1) // months

    counts = [_movements(spells, int(n)) for n in number]
    names = ["customers_start", "customers_new", "customers_end", "kept"]
    frame[names] = pd.DataFrame(counts, columns=names, index=frame.index, dtype=np.int64)
    frame["lost"] = frame["customers_start"] - frame["kept"]
    frame["reactivated"] = frame["customers_end"] - frame["customers_new"] - frame["kept"]

    at_start = frame["customers_start"].where(frame["customers_start"] > 0).astype(np.float64)
    frame["crr"] = 100 * (frame["customers_end"] - frame["customers_new"]) / at_start
    frame["kept_rate"] = 100 * frame["kept"] / at_start
    low, high = _wilson(frame["kept"] / at_start, at_start, interval)
    frame["low"], frame["high"] = 100 * low, 100 * high
    return frame


def _spells(
    purchases: IntoFrame, as_of: dt.date, active_days: int, months: int
) -> tuple[pd.DataFrame, pd.Timestamp | None]:
    """Count customers by the stretch of period ends over which a purchase keeps them active.

    Only a customer's last purchase in a period matters to the ends of that and later periods. It keeps the
    customer active at the ends of periods `p` to `q` (none when q < p), q being before the next period with
    a purchase, `next_p`, where another stretch takes over, to `next_q`. Millions of customers come down to
    a few hundred distinct stretches, and the stretches of one customer never overlap, so every count of
    customers is a sum over them.
    """
    last_day = pd.Timestamp(as_of).normalize().to_pydatetime()
    following = {f"next_{name}": nw.col(name).shift(-1).over("customer", order_by="p") for name in ("p", "covered")}
    date = nw.col("date")
    counts: pl.DataFrame = (
        nw.from_native(purchase_days(purchases))
        .lazy()
        .filter(date <= nw.lit(last_day))
        .select("customer", "date", p=_period_number(date, months))
        .group_by("customer", "p")
        .agg(nw.col("date").max(), first_day=nw.col("date").min())
        # An end of period e is covered when e < last purchase + active_days, so when the next period has
        # begun by then.
        .with_columns(covered=_period_number(date.dt.offset_by(f"{active_days}d"), months) - 1)
        .with_columns(first_p=nw.col("p").min().over("customer"), **following)
        .with_columns(is_first=nw.col("p") == nw.col("first_p"))
        .group_by("p", "covered", "next_p", "next_covered", "is_first")
        .agg(nw.col("first_day").min(), customers=nw.len())
        .collect("polars")
        .to_native()
    )
    beyond = np.iinfo(np.int32).max
    spells = (
        counts.with_columns(pl.col("next_p").fill_null(beyond), pl.col("next_covered").fill_null(-1))
        .with_columns(q=pl.min_horizontal(pl.col("covered"), pl.col("next_p") - 1))
        .to_pandas()
    )
    return spells, spells["first_day"].min() if len(spells) else None


def _period_number(date: nw.Expr, months: int) -> nw.Expr:
    """Return a number for each calendar period of so many months, consecutive for consecutive periods."""
    return (date.dt.year().cast(nw.Int64) * 12 + date.dt.month().cast(nw.Int64) - 1) // months


def _movements(spells: pd.DataFrame, n: int) -> tuple[int, int, int, int]:
    """Return S, N, E and those kept in period number `n`."""
    p, q, next_p, customers = (spells[name] for name in ("p", "q", "next_p", "customers"))
    at_start = (p < n) & (q >= n - 1)
    at_end = (p <= n) & (q >= n)
    new = at_end & (p == n) & spells["is_first"]
    kept = at_start & (at_end | ((next_p == n) & (spells["next_covered"] >= n)))
    start, first_time, end, both = (int(customers[which].sum()) for which in (at_start, new, at_end, kept))
    return start, first_time, end, both


def _complete_periods(first_day: pd.Timestamp | None, last_day: pd.Timestamp, period: Period) -> pd.DataFrame:
    if first_day is None:
        spans = pd.period_range("1970", periods=0, freq=period[0].upper())
    else:
        spans = pd.period_range(first_day, last_day, freq=period[0].upper())
    starts, ends = spans.start_time.as_unit("us"), spans.end_time.normalize().as_unit("us")
    frame = pd.DataFrame({"period": _labels(spans, period), "start": starts, "end": ends})
    if first_day is None:
        return frame
    return frame[(starts >= first_day) & (ends <= last_day)].reset_index(drop=True)


def _labels(spans: pd.PeriodIndex, period: Period) -> pd.Index:
    return spans.strftime({"month": "%Y-%m", "quarter": "%Y Q%q", "year": "%Y"}[period])


def _wilson(share: pd.Series, number: pd.Series, interval: float) -> tuple[pd.Series, pd.Series]:
    z = ndtri((1 + interval) / 2)
    centre = (share + z**2 / (2 * number)) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * np.sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    # at shares of 0 and 1 rounding can leave an end a hair beyond the share itself
    return np.minimum(centre - half, share), np.maximum(centre + half, share)
