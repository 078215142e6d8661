"""Dates as people write them. A reading is taken only when every value agrees with it and with no other."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from .numbers import as_text

DAY_PATTERNS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
TIME_PATTERNS = ("", " %H:%M", " %H:%M:%S%.f", "T%H:%M", "T%H:%M:%S%.f")
FIRST_YEAR = 1900  # an earlier one is a year of two digits, or no date of a purchase
LAST_YEAR = 2100  # a later one stands for an unknown date, such as 9999-12-31
# a purchase belongs to the day on the customer's clock, so a zone is passed over and not converted
OFFSET = r"(:\d{2}(?:\.\d+)?)\s?(?:Z|[+-]\d{2}(?::?\d{2})?)$"
OFFSET_PATTERN = r"\s?%[:#]*z$"


@dataclass(frozen=True)
class DateReading:
    """How a column of dates was read.

    Attributes
    ----------
    dates : polars.Series
        Datetimes without zone, null where a value is no date.
    ambiguous : tuple of str
        Two patterns that read the same values and disagree; empty when there is one reading.
    sample : str
        A value on which they disagree.
    """

    dates: pl.Series
    ambiguous: tuple[str, ...] = ()
    sample: str = ""


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
        return DateReading(_possible(column.dt.replace_time_zone(None).dt.cast_time_unit("us")))
    if column.dtype == pl.Date:
        return DateReading(_possible(column.cast(pl.Datetime("us"))))
    column = as_text(column)
    # a ledger of millions of rows has few distinct dates
    written = column.unique().drop_nulls()
    readings = _readings(written.str.strip_chars(), date_format)
    if not readings:
        return DateReading(pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us")))
    best = min(dates.null_count() for dates in readings.values())
    (first, dates), *others = [(key, found) for key, found in readings.items() if found.null_count() == best]
    looked_up = pl.DataFrame({"written": column}).join(
        pl.DataFrame({"written": written, "date": dates}), on="written", how="left", maintain_order="left"
    )["date"]
    for rival, other in others:
        differs = (dates != other).fill_null(False)
        if differs.any() and dates.is_null().equals(other.is_null()):
            return DateReading(looked_up, (first, rival), written.filter(differs).sort()[0])
    return DateReading(looked_up)


def _readings(written: pl.Series, date_format: str | None) -> dict[str, pl.Series]:
    if date_format is None:
        patterns = [day + time for day in DAY_PATTERNS for time in TIME_PATTERNS]
    else:
        patterns = [re.sub(OFFSET_PATTERN, "", date_format)]
    if date_format != patterns[0]:
        written = written.str.replace(OFFSET, "$1")
    readings = {}
    for pattern in patterns:
        dates = _possible(_parsed(written, pattern))
        if dates.null_count() < len(dates):
            readings[pattern] = dates
    return readings


def _parsed(written: pl.Series, pattern: str) -> pl.Series:
    try:
        dates = written.str.to_datetime(pattern, time_unit="us", strict=False, exact=True)
        return dates.dt.replace_time_zone(None)
    except pl.exceptions.PolarsError:
        pass
    try:
        # a pattern without hours is a date for Polars
        return written.str.to_date(pattern, strict=False, exact=True).cast(pl.Datetime("us"))
    except pl.exceptions.PolarsError:
        return pl.Series(written.name, [None] * len(written), dtype=pl.Datetime("us"))


def _possible(dates: pl.Series) -> pl.Series:
    return dates.set(~dates.dt.year().is_between(FIRST_YEAR, LAST_YEAR), None)
