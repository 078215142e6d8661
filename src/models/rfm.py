"""Recency, frequency, monetary value: a ledger of purchases reduced to one row a customer.

These are the sufficient statistics of the BG/NBD and gamma-gamma models (Fader, Hardie & Lee 2005). The work is
done through narwhals by the engine that holds the ledger: Polars, DuckDB, PySpark, or any other it drives. What goes
in lazy comes out lazy; the most that is fetched on the way is one date. An eager frame that is not Polars' own, such
as one of pandas, is reduced by Polars, and the result is handed back in its kind.

A purchase belongs to the local day of its time zone: of the column's where the column has one, and of the session's
where the engine keeps instants and no zone with them (DuckDB's TIMESTAMPTZ, Spark's TIMESTAMP).

Amounts are summed as decimals with ten places. Sums of floats depend on their order, which engines that work in
parallel don't keep; sums of decimals don't, so the same ledger gives the same bytes each time.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import narwhals as nw
import polars as pl

#: Length of each unit of time, in days.
DAYS_PER_UNIT: dict[str, float] = {"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}

# Engines in which narwhals can't take a group's first value in an order.
WITHOUT_ORDERED_FIRST = {
    nw.Implementation.PYSPARK,
    nw.Implementation.PYSPARK_CONNECT,
    nw.Implementation.SQLFRAME,
}
EXACT = nw.Decimal(38, 10)
ROWS_AT_A_TIME = 1_000_000
UNIX_EPOCH = dt.date(1970, 1, 1)

Frame = nw.LazyFrame[Any]


def purchase_days(purchases: Any) -> Any:
    """Join what a customer bought on one day into one purchase.

    Parameters
    ----------
    purchases : frame
        customer (string or integer), date (date or datetime) and, if known, amount; rows in any order. A
        missing amount adds nothing.

    Returns
    -------
    frame of the same kind
        One row per customer and day, sorted: customer, date (a date; midnight in pandas), amount (the day's sum).

    Raises
    ------
    ValueError
        If customer or date is missing, or date holds neither dates nor datetimes.
    """

    def summarise(rows: Frame) -> Frame:
        days = _by_day(rows)
        return days.with_columns(nw.col("amount").cast(nw.Float64)) if _has_amount(days) else days

    return _in_kind(purchases, _rows(purchases), summarise, "customer", "date")


def rfm_summary(purchases: Any, as_of: Any = None, time_unit: str = "week") -> Any:
    """Summarise each customer's history by frequency, recency, T and monetary value.

    Parameters
    ----------
    purchases : frame
        customer (string or integer), date (date or datetime) and, if known, amount; rows in any order. A
        missing amount adds nothing.
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

    def summarise(rows: Frame) -> Frame:
        customers = _by_customer(_by_day(rows), "date", "amount")
        return customers.select("customer", *_histories(customers, end, unit))

    return _in_kind(purchases, _until(rows, end), summarise, "customer")


def calibration_holdout(purchases: Any, calibration_end: Any, as_of: Any = None, time_unit: str = "week") -> Any:
    """Summarise the customers of a calibration period, with what they bought in the holdout after it.

    Parameters
    ----------
    purchases : frame
        customer (string or integer), date (date or datetime) and, if known, amount; rows in any order. A
        missing amount adds nothing.
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

    def summarise(rows: Frame) -> Frame:
        days = _by_day(rows)
        calibrating = nw.col("date") <= nw.lit(split)
        days = days.with_columns(date_cal=nw.when(calibrating).then(nw.col("date")))
        measures = [nw.len().alias("days_in_all")]
        if _has_amount(days):
            days = days.with_columns(
                amount_cal=nw.when(calibrating).then(nw.col("amount")),
                amount_holdout=nw.when(~calibrating).then(nw.col("amount")),
            )
            measures.append(nw.col("amount_holdout").sum())

        customers = _by_customer(days, "date_cal", "amount_cal", *measures).filter(nw.col("days") > 0)
        columns = [column.name.suffix("_cal") for column in _histories(customers, split, unit)]
        columns.append((nw.col("days_in_all") - nw.col("days")).cast(nw.Int64).alias("frequency_holdout"))
        if _has_amount(days):
            columns.append(nw.col("amount_holdout").cast(nw.Float64))
        columns.append(nw.lit((end - split).days / unit).alias("duration_holdout"))
        return customers.select("customer", *columns)

    return _in_kind(purchases, _until(rows, end), summarise, "customer")


def _days_per(time_unit: str) -> float:
    if time_unit not in DAYS_PER_UNIT:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
    return DAYS_PER_UNIT[time_unit]


def _as_date(day: Any) -> dt.date:
    if isinstance(day, str):
        return dt.datetime.fromisoformat(day).date()
    return day.date() if isinstance(day, dt.datetime) else day


def _rows(purchases: Any) -> Frame:
    """Return the rows, lazy, each with its day: customer, date, and amount if it is there."""
    given: Any = nw.from_native(purchases)
    schema = given.collect_schema()
    absent = [name for name in ("customer", "date") if name not in schema]
    if absent:
        raise ValueError(
            f"The purchases have no column {' and no column '.join(absent)}; they have: {', '.join(schema)}."
        )
    columns = ["customer", "date", *(["amount"] if "amount" in schema else [])]
    frame = given.select(*columns)
    if isinstance(frame, nw.DataFrame):
        frame = frame.lazy(backend="polars")
    held = frame.collect_schema()["date"]
    if held != nw.Date and held != nw.Datetime:
        raise ValueError(f"The column date holds {held}; it must hold dates or datetimes.")
    if held == nw.Datetime:
        if frame.implementation is nw.Implementation.IBIS and held.time_zone is not None:
            raise ValueError(
                f"The column date has the time zone {held.time_zone}, and Ibis can't tell its days: "
                "cast the column to local timestamps without a time zone."
            )
        frame = frame.with_columns(nw.col("date").dt.date())
    if "amount" in schema:
        frame = frame.with_columns(nw.col("amount").cast(nw.Float64).fill_nan(None).cast(EXACT))
    return frame


def _in_kind(purchases: Any, rows: Frame, summarise: Callable[[Frame], Frame], *by: str) -> Any:
    """Summarise the rows, sorted, in a frame of the kind that was given, its customers of the type they were.

    Rows in memory are summarised a part of the customers at a time, which takes less memory and no more time.
    """
    given: Any = nw.from_native(purchases)
    if isinstance(given, nw.LazyFrame):
        return nw.to_native(summarise(rows).sort(*by))
    parts = len(given) // ROWS_AT_A_TIME + 1
    of_part = [nw.to_native(rows).filter(pl.col("customer").hash() % parts == part) for part in range(parts)]
    collected = pl.concat([nw.to_native(summarise(nw.from_native(part)).collect()) for part in of_part]).sort(*by)
    if given.implementation is nw.Implementation.POLARS:
        return collected
    if given.implementation is nw.Implementation.PANDAS:
        return collected.to_pandas().astype({"customer": purchases["customer"].dtype})
    return nw.to_native(nw.DataFrame.from_arrow(collected, backend=given.implementation))


def _has_amount(frame: Frame) -> bool:
    return "amount" in frame.collect_schema()


def _until(rows: Frame, end: dt.date) -> Frame:
    return rows.filter(nw.col("date") <= nw.lit(end))


def _by_day(rows: Frame) -> Frame:
    """One row per customer and day, in no order."""
    days = rows.group_by("customer", "date")
    if _has_amount(rows):
        return days.agg(nw.col("amount").sum())
    return days.agg(nw.len().alias("rows")).drop("rows")


def _by_customer(days: Frame, date: str, amount: str, *measures: nw.Expr) -> Frame:
    """One row per customer, in no order: days, first, last and, if amounts are known, repeat_amount.

    Parameters
    ----------
    days : LazyFrame
        One row per customer and day.
    date, amount : str
        Columns that hold the days to look at and what they brought, empty in other rows. Whoever has any has the
        customer's first.
    *measures : Expr
        What else to take.
    """
    measures = (
        nw.col(date).count().alias("days"),
        nw.col(date).min().alias("first"),
        nw.col(date).max().alias("last"),
        *measures,
    )
    if not _has_amount(days):
        return days.group_by("customer").agg(*measures)
    if days.implementation in WITHOUT_ORDERED_FIRST:
        on_first_day = nw.col("date") == nw.col("date").min().over("customer")
        days = days.with_columns(first_amount=nw.when(on_first_day).then(nw.col("amount")))
        first_amount = nw.col("first_amount").sum()
    else:
        first_amount = nw.col("amount").first(order_by="date").alias("first_amount")
    customers = days.group_by("customer").agg(*measures, nw.col(amount).sum().alias("total"), first_amount)
    return customers.with_columns(repeat_amount=(nw.col("total") - nw.col("first_amount")).cast(nw.Float64))


def _histories(customers: Frame, end: dt.date, unit: float) -> list[nw.Expr]:
    """Frequency, recency, T and, if amounts are known, monetary_value at the end of the day `end`."""
    first, last = (_day_number(column, customers) for column in ("first", "last"))
    repeats = nw.col("days").cast(nw.Int64) - 1
    # Polars multiplies by the reciprocal of a literal, which can miss the last digit; by a column it divides
    days_per_unit = nw.col("days") * 0 + float(unit)
    columns = [
        repeats.alias("frequency"),
        ((last - first) / days_per_unit).alias("recency"),
        ((end.toordinal() - first) / days_per_unit).alias("T"),
    ]
    if "repeat_amount" in customers.collect_schema():
        mean = nw.when(repeats > 0).then(nw.col("repeat_amount") / repeats).otherwise(nw.lit(0.0))
        columns.append(mean.alias("monetary_value"))
    return columns


def _last_day(rows: Frame) -> dt.date:
    day = nw.to_py_scalar(rows.select(nw.col("date").max()).collect().item())
    if day is None or day != day:
        raise ValueError("There are no purchases, so no last day either: give as_of.")
    return _as_date(day)


def _day_number(column: str, frame: Frame) -> nw.Expr:
    """Proleptic Gregorian ordinal, as `datetime.date.toordinal` has it."""
    if frame.implementation is nw.Implementation.POLARS:
        return nw.col(column).cast(nw.Int32) + UNIX_EPOCH.toordinal()
    return _calendar_day_number(column)


def _calendar_day_number(column: str) -> nw.Expr:
    """Reckon the same from year and day of the year, which every engine knows."""
    years = nw.col(column).dt.year() - 1
    leap_days = (years / 4).floor() - (years / 100).floor() + (years / 400).floor()
    return years * 365 + leap_days + nw.col(column).dt.ordinal_day()
