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

# Engines in which narwhals has no lengths of time.
WITHOUT_DURATIONS = {
    nw.Implementation.PYSPARK,
    nw.Implementation.PYSPARK_CONNECT,
    nw.Implementation.SQLFRAME,
    nw.Implementation.IBIS,
}

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
    rows = _rows(purchases)
    end = _as_date(as_of) if as_of is not None else _last_day(rows)
    rows = _with_first_day(_until(rows, end))
    measures = [nw.col("date").n_unique().alias("days"), nw.col("first").min(), nw.col("date").max().alias("last")]
    has_amount = "amount" in rows.collect_schema().names()
    if has_amount:
        rows = rows.with_columns(repeat_amount=_where(nw.col("date") > nw.col("first")))
        measures.append(nw.col("repeat_amount").sum())

    customers = rows.group_by("customer").agg(*measures)
    first, repeats = _day_number("first", customers), nw.col("days").cast(nw.Int64) - 1
    columns = [
        nw.col("customer"),
        repeats.alias("frequency"),
        ((_day_number("last", customers) - first) / unit).alias("recency"),
        ((end.toordinal() - first) / unit).alias("T"),
    ]
    if has_amount:
        columns.append(_mean("repeat_amount", repeats).alias("monetary_value"))
    return nw.to_native(_sorted(customers.select(*columns), "customer"))


def calibration_holdout(purchases: Any, calibration_end: Any, as_of: Any = None, time_unit: str = "week") -> Any:
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
    rows = _rows(purchases)
    split = _as_date(calibration_end)
    end = _as_date(as_of) if as_of is not None else _last_day(rows)
    if split >= end:
        raise ValueError(f"The calibration period ends on {split}, which leaves no holdout: observation ends on {end}.")
    rows = _with_first_day(_until(rows, end))
    rows = rows.filter(nw.col("first") <= _literal(split, rows))
    calibrating = nw.col("date") <= _literal(split, rows)
    # in the calibration the first day stands for every later one, so that distinct days less one are the holdout's
    flagged = [
        nw.when(calibrating).then(nw.col("date")).otherwise(nw.col("first")).alias("date_cal"),
        nw.when(calibrating).then(nw.col("first")).otherwise(nw.col("date")).alias("date_later"),
    ]
    measures = [
        nw.col("date_cal", "date_later").n_unique().name.prefix("days_of_"),
        nw.col("first").min(),
        nw.col("date_cal").max().alias("last"),
    ]
    has_amount = "amount" in rows.collect_schema().names()
    if has_amount:
        flagged += [
            _where(calibrating & (nw.col("date") > nw.col("first"))).alias("repeat_amount"),
            _where(~calibrating).alias("amount_holdout"),
        ]
        measures.append(nw.col("repeat_amount", "amount_holdout").sum())

    customers = rows.with_columns(*flagged).group_by("customer").agg(*measures)
    first = _day_number("first", customers)
    repeats, later = (nw.col(f"days_of_{days}").cast(nw.Int64) - 1 for days in ("date_cal", "date_later"))
    columns = [
        nw.col("customer"),
        repeats.alias("frequency_cal"),
        ((_day_number("last", customers) - first) / unit).alias("recency_cal"),
        ((split.toordinal() - first) / unit).alias("T_cal"),
    ]
    holdout = [later.alias("frequency_holdout")]
    if has_amount:
        columns.append(_mean("repeat_amount", repeats).alias("monetary_value_cal"))
        holdout.append(nw.col("amount_holdout"))
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


def _rows(purchases: Any) -> Frame:
    """Return the rows in their order, each with its day: customer, date, and amount if it is there.

    Amounts are summed over these, not over sums by day: a sum of floats depends on its order, and engines give
    groups back in a new order each time.
    """
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
    amount = [nw.col("amount").cast(nw.Float64)] if "amount" in schema else []
    return frame.select("customer", date.alias("date"), *amount)


def _by_day(purchases: Any) -> Frame:
    """One row per customer and day, in no order."""
    rows = _rows(purchases)
    days = rows.group_by("customer", "date")
    if "amount" in rows.collect_schema().names():
        return days.agg(nw.col("amount").sum())
    return days.agg(nw.len().alias("rows")).drop("rows")


def _last_day(days: Frame) -> dt.date:
    latest: Any = days.select(nw.col("date").max())
    if isinstance(latest, nw.LazyFrame):
        latest = latest.collect()
    day = nw.to_py_scalar(latest.item())
    if day is None or day != day:
        raise ValueError("There are no purchases, so no last day either: give as_of.")
    return _as_date(day)


def _literal(day: dt.date, days: Frame, column: str = "date") -> nw.Expr:
    """Write the day as the date column holds it: engines don't all compare dates with datetimes."""
    holds_dates = days.collect_schema()[column] == nw.Date
    return nw.lit(day if holds_dates else dt.datetime(day.year, day.month, day.day))


def _until(days: Frame, end: dt.date) -> Frame:
    return days.filter(nw.col("date") <= _literal(end, days))


def _with_first_day(days: Frame) -> Frame:
    return days.with_columns(first=nw.col("date").min().over("customer"))


def _day_number(column: str, frame: Frame) -> nw.Expr:
    """Proleptic Gregorian ordinal, as `datetime.date.toordinal` has it."""
    if frame.implementation in WITHOUT_DURATIONS:
        return _calendar_day_number(column)
    since = nw.col(column) - _literal(dt.date(1970, 1, 1), frame, column)
    return since.dt.total_minutes() / (24 * 60) + dt.date(1970, 1, 1).toordinal()


def _calendar_day_number(column: str) -> nw.Expr:
    """Reckon the same from year and day of the year, which every engine knows."""
    years = nw.col(column).dt.year() - 1
    leap_days = (years / 4).floor() - (years / 100).floor() + (years / 400).floor()
    return years * 365 + leap_days + nw.col(column).dt.ordinal_day()


def _where(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.col("amount")).otherwise(nw.lit(0.0))


def _mean(total: str, number: nw.Expr) -> nw.Expr:
    return nw.when(number > 0).then(nw.col(total) / number).otherwise(nw.lit(0.0))


def _sorted(frame: Frame, *by: str) -> Frame:
    return nw.maybe_reset_index(frame.sort(*by)) if isinstance(frame, nw.DataFrame) else frame.sort(*by)
