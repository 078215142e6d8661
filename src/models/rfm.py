"""Recency, frequency, monetary value: a ledger of purchases reduced to one row a customer.

These are the sufficient statistics of the BG/NBD and gamma-gamma models (Fader, Hardie & Lee 2005). The
work is done by the engine that holds the ledger, through narwhals: pandas, Polars eager or lazy, or any
other it drives. What goes in lazy comes out lazy; the most that is fetched on the way is one date.
"""

import datetime as dt
from typing import Any

import narwhals as nw

#: Length of each unit of time, in days.
DAYS_PER_UNIT: dict[str, float] = {"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}

Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]


def purchase_days(purchases: Any) -> Any:
    """Join what a customer bought on one day into one purchase.

    Parameters
    ----------
    purchases : frame
        customer (string or integer), date (date or datetime) and, if known, amount; rows in any order.

    Returns
    -------
    frame of the same kind
        One row per customer and day, sorted: customer, date (without the hour), amount (the day's sum).

    Raises
    ------
    ValueError
        If customer or date is missing, or date holds neither dates nor datetimes.
    """
    return nw.to_native(_sorted(_by_day(purchases), "customer", "date"))


def rfm_summary(purchases: Any, as_of: Any = None, time_unit: str = "week") -> Any:
    """Summarise each customer's history by frequency, recency, T and monetary value.

    Parameters
    ----------
    purchases : frame
        customer (string or integer), date (date or datetime) and, if known, amount; rows in any order.
    as_of : date, datetime or ISO string, optional
        Last day observed: later purchases are left out, those of the day itself count whatever their hour.
        The ledger's last day by default.
    time_unit : {"week", "day", "month", "year"}, default "week"
        Unit of recency and T.

    Returns
    -------
    frame of the same kind
        One row per customer, sorted by customer:

        - frequency: days with a purchase after the first such day (integer);
        - recency: age at the last purchase, 0 without repeats;
        - T: age at `as_of`, both counted from the first purchase;
        - monetary_value: mean amount of the repeat days, 0.0 without repeats. Absent if amount is.

    Raises
    ------
    ValueError
        If the columns aren't as above, the time unit is unknown, or there are no purchases to take the
        last day from.

    References
    ----------
    Fader, P. S., B. G. S. Hardie & K. L. Lee (2005). RFM and CLV: Using Iso-Value Curves for Customer Base
    Analysis. *Journal of Marketing Research* 42(4), 415-430.
    """
    unit = _days_per(time_unit)
    days = _by_day(purchases)
    end = _as_date(as_of) if as_of is not None else _last_day(days)
    days = _with_first_day(_until(days, end))
    measures = [nw.len().alias("days"), nw.col("first").min(), nw.col("date").max().alias("last")]
    has_amount = "amount" in days.collect_schema().names()
    if has_amount:
        repeat = nw.when(nw.col("date") > nw.col("first")).then(nw.col("amount"))
        days = days.with_columns(repeat_amount=repeat)
        measures.append(nw.col("repeat_amount").mean().alias("monetary_value"))

    customers = days.group_by("customer").agg(*measures)
    first = _day_number("first")
    columns = [
        nw.col("customer"),
        (nw.col("days").cast(nw.Int64) - 1).alias("frequency"),
        ((_day_number("last") - first) / unit).alias("recency"),
        ((end.toordinal() - first) / unit).alias("T"),
    ]
    if has_amount:
        columns.append(_zero_if_missing("monetary_value"))
    return nw.to_native(_sorted(customers.select(*columns), "customer"))


def calibration_holdout(
    purchases: Any, calibration_end: Any, as_of: Any = None, time_unit: str = "week"
) -> Any:
    """Summarise the customers of a calibration period, with what they bought in the holdout after it.

    Parameters
    ----------
    purchases : frame
        customer (string or integer), date (date or datetime) and, if known, amount; rows in any order.
    calibration_end : date, datetime or ISO string
        Last day of the calibration period.
    as_of : date, datetime or ISO string, optional
        Last day of the holdout; the ledger's last day by default.
    time_unit : {"week", "day", "month", "year"}, default "week"
        Unit of recency_cal, T_cal and duration_holdout.

    Returns
    -------
    frame of the same kind
        One row per customer first seen by `calibration_end`, sorted by customer: frequency_cal,
        recency_cal, T_cal and monetary_value_cal as in `rfm_summary` at `calibration_end`;
        frequency_holdout, days with a purchase after it; amount_holdout, their sum; duration_holdout.
        Without amount there is no monetary_value_cal and no amount_holdout.

    Raises
    ------
    ValueError
        If `calibration_end` is not before `as_of`, or for the reasons of `rfm_summary`.
    """
    unit = _days_per(time_unit)
    days = _by_day(purchases)
    split = _as_date(calibration_end)
    end = _as_date(as_of) if as_of is not None else _last_day(days)
    if split >= end:
        raise ValueError(
            f"The calibration period ends on {split}, which leaves no holdout: observation ends on {end}."
        )
    days = _with_first_day(_until(days, end))
    days = days.filter(nw.col("first") <= _literal(split, days))
    calibrating = nw.col("date") <= _literal(split, days)
    flagged = [
        nw.when(calibrating).then(nw.col("date")).alias("date_cal"),
        nw.when(calibrating).then(nw.lit(1)).otherwise(nw.lit(0)).alias("day_cal"),
    ]
    measures = [
        nw.len().alias("days"),
        nw.col("day_cal").sum(),
        nw.col("first").min(),
        nw.col("date_cal").max().alias("last"),
    ]
    has_amount = "amount" in days.collect_schema().names()
    if has_amount:
        repeat = calibrating & (nw.col("date") > nw.col("first"))
        flagged += [
            nw.when(repeat).then(nw.col("amount")).alias("repeat_amount"),
            nw.when(~calibrating).then(nw.col("amount")).alias("later_amount"),
        ]
        measures += [
            nw.col("repeat_amount").mean().alias("monetary_value_cal"),
            nw.col("later_amount").sum().alias("amount_holdout"),
        ]

    customers = days.with_columns(*flagged).group_by("customer").agg(*measures)
    first, repeats = _day_number("first"), nw.col("day_cal").cast(nw.Int64)
    columns = [
        nw.col("customer"),
        (repeats - 1).alias("frequency_cal"),
        ((_day_number("last") - first) / unit).alias("recency_cal"),
        ((split.toordinal() - first) / unit).alias("T_cal"),
    ]
    holdout = [(nw.col("days").cast(nw.Int64) - repeats).alias("frequency_holdout")]
    if has_amount:
        columns.append(_zero_if_missing("monetary_value_cal"))
        holdout.append(_zero_if_missing("amount_holdout"))
    duration = nw.lit((end - split).days / unit).alias("duration_holdout")
    return nw.to_native(_sorted(customers.select(*columns, *holdout, duration), "customer"))


def _days_per(time_unit: str) -> float:
    if time_unit not in DAYS_PER_UNIT:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
    return DAYS_PER_UNIT[time_unit]


def _as_date(day: Any) -> dt.date:
    if isinstance(day, str):
        return dt.datetime.fromisoformat(day).date()
    return day.date() if isinstance(day, dt.datetime) else day


def _by_day(purchases: Any) -> Frame:
    """One row per customer and day, in no order."""
    frame: Any = nw.from_native(purchases)
    schema = frame.collect_schema()
    absent = [name for name in ("customer", "date") if name not in schema]
    if absent:
        raise ValueError(
            f"The purchases have no column {' and no column '.join(absent)}; they have: {', '.join(schema)}."
        )
    date = nw.col("date")
    if schema["date"] == nw.Object:  # pandas keeps datetime.date so
        date = date.cast(nw.Datetime("us"))
    elif schema["date"] == nw.Datetime:
        date = date.dt.truncate("1d")
        if getattr(schema["date"], "time_zone", None) is not None:
            date = date.dt.replace_time_zone(None)
    elif schema["date"] != nw.Date:
        raise ValueError(f"The column date holds {schema['date']}; it must hold dates or datetimes.")
    totals = [nw.col("amount").sum()] if "amount" in schema else []
    kept = [nw.col("amount")] if totals else []
    days = frame.select("customer", date.alias("date"), *kept).group_by("customer", "date")
    return days.agg(*totals) if totals else days.agg(nw.len().alias("rows")).drop("rows")


def _last_day(days: Frame) -> dt.date:
    latest: Any = days.select(nw.col("date").max())
    if isinstance(latest, nw.LazyFrame):
        latest = latest.collect()
    day = nw.to_py_scalar(latest.item())
    if day is None or day != day:
        raise ValueError("There are no purchases, so no last day either: give as_of.")
    return _as_date(day)


def _literal(day: dt.date, days: Frame) -> nw.Expr:
    """Write the day as the date column holds it: engines don't all compare dates with datetimes."""
    holds_dates = days.collect_schema()["date"] == nw.Date
    return nw.lit(day if holds_dates else dt.datetime(day.year, day.month, day.day))


def _until(days: Frame, end: dt.date) -> Frame:
    return days.filter(nw.col("date") <= _literal(end, days))


def _with_first_day(days: Frame) -> Frame:
    return days.with_columns(first=nw.col("date").min().over("customer"))


def _day_number(column: str) -> nw.Expr:
    """Proleptic Gregorian ordinal, as `datetime.date.toordinal` has it.

    Engines disagree on the difference of two dates, and some have no durations; all know year and day.
    """
    years = nw.col(column).dt.year() - 1
    leap_days = (years / 4).floor() - (years / 100).floor() + (years / 400).floor()
    return years * 365 + leap_days + nw.col(column).dt.ordinal_day()


def _zero_if_missing(column: str) -> nw.Expr:
    return nw.col(column).cast(nw.Float64).fill_null(0.0)


def _sorted(frame: Frame, *by: str) -> Frame:
    return nw.maybe_reset_index(frame.sort(*by)) if isinstance(frame, nw.DataFrame) else frame.sort(*by)
