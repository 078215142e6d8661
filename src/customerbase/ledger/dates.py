"""Dates as people write them. A reading is taken only when every value agrees with it and with no other."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

DAY_PATTERNS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
FIRST_YEAR = 1900  # an earlier one is a year of two digits, or no date of a purchase
TIME_PATTERNS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", "T%H:%M:%S%.f", "T%H:%M:%S%.fZ")


@dataclass(frozen=True)
class DateReading:
    """How a column of dates was read.

    Attributes
    ----------
    dates : polars.Series
        Datetimes without zone, null where a value is no date.
    ambiguous : tuple of str
        Two patterns that both read every value and disagree; empty when there is one reading.
    """

    dates: pl.Series
    ambiguous: tuple[str, ...] = ()


def read_dates(column: pl.Series, date_format: str | None = None) -> DateReading:
    """Read a column of dates.

    Parameters
    ----------
    column : polars.Series
        Text, dates, or datetimes.
    date_format : str, optional
        A strptime pattern such as ``%d.%m.%Y`` that settles how text reads. Absent, the pattern is found.

    Returns
    -------
    DateReading
    """
    if column.dtype == pl.Datetime:
        return DateReading(column.dt.replace_time_zone(None).dt.cast_time_unit("us"))
    if column.dtype == pl.Date:
        return DateReading(column.cast(pl.Datetime("us")))
    if column.dtype != pl.String:
        column = column.cast(pl.String)
    # a ledger of millions of rows has few distinct dates
    written = column.unique().drop_nulls()
    readings = _readings(written.str.strip_chars(), date_format)
    if not readings:
        return DateReading(pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us")))
    best = min(dates.null_count() for dates in readings.values())
    winners = {pattern: dates for pattern, dates in readings.items() if dates.null_count() == best}
    (first, dates), *others = winners.items()
    rivals = [pattern for pattern, other in others if not other.equals(dates)]
    looked_up = pl.DataFrame({"written": column}).join(
        pl.DataFrame({"written": written, "date": dates}), on="written", how="left", maintain_order="left"
    )["date"]
    return DateReading(looked_up, (first, rivals[0]) if rivals and best < len(written) else ())


def _readings(written: pl.Series, date_format: str | None) -> dict[str, pl.Series]:
    patterns = [date_format] if date_format else [day + time for day in DAY_PATTERNS for time in TIME_PATTERNS]
    readings = {}
    for pattern in patterns:
        try:
            dates = written.str.to_datetime(pattern, time_unit="us", strict=False, exact=True)
        except pl.exceptions.PolarsError:
            # a pattern without hours is a date for Polars
            dates = written.str.to_date(pattern, strict=False, exact=True).cast(pl.Datetime("us"))
        dates = dates.dt.replace_time_zone(None) if dates.dtype.time_zone else dates  # type: ignore[attr-defined]
        dates = dates.set(dates.dt.year() < FIRST_YEAR, None)
        if dates.null_count() < len(dates):
            readings[pattern] = dates
    return readings
