"""Dates as people write them: a value is read only where it has one possible reading, or others settle which."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from .numbers import as_text, distinct, spread

FIRST_YEAR = 1950  # an earlier one stands for no date, such as 1899-12-30, or is a slip of the pen
LAST_YEAR = 2100  # a later one stands for an unknown date, such as 9999-12-31
FIRST_SHORT_YEAR = 69  # 69 is 1969 and 68 is 2068, as strptime has it
ZERO = dt.datetime(1970, 1, 1)  # what a program makes of an empty date
DAYS_OF_ZERO = 366  # further from the next date than this, 1970-01-01 is no date of a purchase

SERIAL_EPOCH = dt.datetime(1899, 12, 30)
SERIALS = (18264, 73416)  # 1950-01-01 and the day after 2100-12-31

LONGEST_SHOWN = 40  # signs of a value in a sentence

CELLS = "date cells"
NAMED = "named months"
SERIAL = "serial numbers"
EVIDENCE = {
    "%Y-%m-%d": "year first",
    "%Y/%m/%d": "year first",
    "%Y.%m.%d": "year first",
    "%Y%m%d": "eight digits, year first",
    "%d.%m.%Y": "day before month, as everywhere that dates have points",
    "%d.%m.%y": "day before month, as everywhere that dates have points",
    "%d/%m/%Y": "",
    "%d/%m/%y": "",
    "%d-%m-%Y": "",
    "%d-%m-%y": "",
    NAMED: "months have names",
    SERIAL: "days counted from 30 December 1899, as spreadsheets do",
}
STYLE = pl.Enum(list(EVIDENCE))
OPEN_STYLES = (("%d/%m/%Y", "%d/%m/%y"), ("%d-%m-%Y", "%d-%m-%y"))

ENGLISH = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
RUSSIAN = (
    *("января", "февраля", "марта", "апреля", "мая", "июня"),
    *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
)
MONTHS = {
    written: f"{month:02}"
    for names in (ENGLISH, RUSSIAN)
    for month, name in enumerate(names, 1)
    for written in (name.lower(), name[:3].lower())
} | {"sept": "09", "сент": "09", "май": "05"}

# [0-9] and not \d, which takes the digits of every script
ONE_OR_TWO = "[0-9]{1,2}"
YEAR = r"(?:[0-9]{4}|[0-9]{2})"
OF_THE_YEAR = r"(?:\s?г\.?)?"
NUMERIC_DATE = (
    rf"^(?<a>[0-9]{{1,4}})(?<sign>[./-])(?<b>{ONE_OR_TWO})(?<sign_again>[./-])(?<c>[0-9]{{1,4}}){OF_THE_YEAR}$"
)
NAMED_DATE = (
    rf"^(?:(?<d1>{ONE_OR_TWO})(?:st|nd|rd|th)?[\s.-]*(?<m1>\p{{L}}+)[\s.,-]*(?<y1>{YEAR}){OF_THE_YEAR}"
    rf"|(?<m2>\p{{L}}+)\.?\s+(?<d2>{ONE_OR_TWO})(?:st|nd|rd|th)?,?\s+(?<y2>{YEAR}))$"
)
EIGHT_DIGITS = r"^([0-9]{8})(?:\.0+)?$"
SERIAL_NUMBER = r"^[0-9]{5}(?:[.,][0-9]+)?$"
DAY_AND_HOUR = rf"^(?<day>.*?)(?:[T\s,]+(?<hour>{ONE_OR_TWO}):)?$"
# a purchase belongs to the day on the customer's clock, so a zone is passed over and not converted
ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?|[A-Z]{3,5})"
MINUTES_ON = (
    rf"^(?<minute>[0-9]{{2}})(?::(?<second>[0-9]{{2}})(?:[.,](?<fraction>[0-9]{{1,9}}))?)?"
    rf"(?:\s?(?<half>[AaPp])\.?[Mm]\.?)?\s?{ZONE}?$"
)
CLOCK_IN_FORMAT = r"%[-_0:.#3-9]*[HIklMSTRXcrspPfzZ+]"
OFFSET = r"(:[0-9]{2}(?:\.[0-9]+)?)\s?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
OFFSET_IN_FORMAT = r"\s?%[:#]*z$"


@dataclass(frozen=True)
class DateReading:
    """How a column of dates was read.

    Attributes
    ----------
    dates : polars.Series
        Datetimes in microseconds without zone, null where a value is no date. Where `ambiguous` is set, the values in
        question are read by the first of the two patterns: they may be shown, never used.
    ambiguous : tuple of str
        Two strptime patterns that both read `sample` and disagree; empty when nothing is left open.
    sample : str
        A value on which they disagree.
    readings : tuple of str
        The two dates that `sample` would be, in words.
    pattern : str
        The strptime patterns found, the commonest first, with commas between; a time of day may follow the day.
        ``date cells``, ``named months`` and ``serial numbers`` stand for what no pattern describes.
    evidence : str
        Why it is read so, in a short sentence. Repeated values count once.
    """

    dates: pl.Series
    ambiguous: tuple[str, ...] = ()
    sample: str = ""
    readings: tuple[str, ...] = ()
    pattern: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class _Order:
    """Which number is the day in the dates of one separator, and why."""

    columns: tuple[str, ...]  # the readings taken, of `day_first`, `month_first` and `year_first`
    evidence: str
    ambiguous: tuple[str, ...] = ()
    sample: str = ""
    readings: tuple[str, ...] = ()


def read_dates(column: pl.Series, date_format: str | None = None) -> DateReading:
    """Read a column of dates.

    Each value is read for what it is, so one column may be written in several styles. Where a value could be day/month
    or month/day, the values of the same separator that can be only one of them settle it; if there is none, or they
    contradict each other, the reading is ambiguous.

    Parameters
    ----------
    column : polars.Series
        Text, dates, datetimes, or numbers (a spreadsheet's serial numbers, or 19980630).
    date_format : str, optional
        A strptime pattern such as ``%d.%m.%Y``: text that it doesn't read is no date. A pattern of the day alone
        reads values with a time of day too. Absent, the styles are found.

    Returns
    -------
    DateReading
        Years before 1950 and after 2100 are no dates, nor is 1970-01-01 if the next date is over a year later.
    """
    if column.dtype in (pl.Datetime, pl.Date):
        dates = column.cast(pl.Datetime("us")) if column.dtype == pl.Date else column.dt.replace_time_zone(None)
        return DateReading(_possible(dates.dt.cast_time_unit("us")), pattern=CELLS, evidence="the cells hold dates")
    if not column.dtype.is_numeric():
        column = column.cast(pl.String)
    values = distinct(column)
    text = as_text(values).str.strip_chars()
    reading = _found(text) if date_format is None else _by_format(text, date_format)
    dates = spread(_possible(reading.dates).to_frame("date"), values, column)["date"].alias(column.name)
    return DateReading(dates, reading.ambiguous, reading.sample, reading.readings, reading.pattern, reading.evidence)


def _found(text: pl.Series) -> DateReading:
    values = _timed(text, _days).with_columns(text.alias("text"))
    dates = pl.col("day_first")
    orders: dict[str, _Order] = {}
    for styles in OPEN_STYLES:
        rows = values["style"].is_in(styles)
        if rows.any():
            settled = _order(values.filter(rows))
            orders |= dict.fromkeys(styles, settled)
            dates = pl.when(pl.col("style").is_in(styles)).then(pl.coalesce(settled.columns)).otherwise(dates)
    serial = pl.when(pl.col("clock") == 0).then(pl.col("serial"))
    instants = pl.coalesce(dates.cast(pl.Datetime("us")) + pl.duration(microseconds="clock"), serial)
    values = values.with_columns(instants.alias("date"))

    read = values.select("style", "is_short").filter(values["date"].is_not_null())
    patterns, evidence = [], []
    for style in read["style"].value_counts().sort("count", "style", descending=[True, False])["style"]:
        order = orders.get(style)
        patterns += [_reordered(style, column) for column in order.columns] if order else [style]
        evidence.append(order.evidence if order else EVIDENCE[style])
    if read["is_short"].any():
        evidence.append("years of two digits from 1969 to 2068")
    open_order = next((order for order in orders.values() if order.ambiguous), _Order((), ""))
    return DateReading(
        values["date"],
        open_order.ambiguous,
        open_order.sample,
        open_order.readings,
        ", ".join(patterns),
        "; ".join(dict.fromkeys(evidence)) or "no value can be read as a date",
    )


def _by_format(text: pl.Series, date_format: str) -> DateReading:
    if re.search(CLOCK_IN_FORMAT, date_format):
        pattern = re.sub(OFFSET_IN_FORMAT, "", date_format)
        if pattern != date_format:
            text = text.str.replace(OFFSET, "$1")
        dates = _parsed(text, pattern)
    else:
        values = _timed(text, lambda days: _parsed(days, date_format).to_frame("date"))
        dates = values.select(pl.col("date") + pl.duration(microseconds="clock"))["date"]
    return DateReading(dates, pattern=date_format, evidence=f"date_format is set to {date_format}")


def _parsed(text: pl.Series, pattern: str) -> pl.Series:
    # fractions of a second as Python's strptime writes them
    pattern = pattern.replace(".%f", "%.f")
    try:
        dates = text.str.to_datetime(pattern, time_unit="us", strict=False, exact=True)
        return dates.dt.replace_time_zone(None)
    except pl.exceptions.PolarsError:
        pass
    try:
        # a pattern without hours is a date for Polars
        return text.str.to_date(pattern, strict=False, exact=True).cast(pl.Datetime("us"))
    except pl.exceptions.PolarsError:
        return pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))


def _order(values: pl.DataFrame) -> _Order:
    """Settle day before month or month before day, for the values of one separator."""
    day_first, month_first = pl.col("day_first"), pl.col("month_first")
    only_day_first = values.filter(day_first.is_not_null() & month_first.is_null())
    only_month_first = values.filter(day_first.is_null() & month_first.is_not_null())
    either = values.filter(day_first != month_first)
    maybe_year_first = _maybe_year_first(values)
    if not maybe_year_first.is_empty():
        return _ambiguous(maybe_year_first, "nothing tells which", "day_first", "year_first")
    contradict = not only_day_first.is_empty() and not only_month_first.is_empty()
    if not either.is_empty() and contradict:
        why = f"{_example(only_day_first)} and {_example(only_month_first)} contradict each other"
        return _ambiguous(either, why, "day_first", "month_first")
    if not either.is_empty() and only_day_first.is_empty() and only_month_first.is_empty():
        return _ambiguous(either, "nothing tells which", "day_first", "month_first")
    if contradict:
        return _Order(
            ("day_first", "month_first"), "day and month in both orders, each value in the only one it can have"
        )
    if not only_day_first.is_empty():
        return _Order(("day_first",), f"day before month, {_since(only_day_first)}")
    if not only_month_first.is_empty():
        return _Order(("month_first",), f"month before day, {_since(only_month_first)}")
    return _Order(("day_first",), "day and month are alike in each value")


def _maybe_year_first(values: pl.DataFrame) -> pl.DataFrame:
    """Return the values in question where the first of three pairs of digits looks like the year.

    It does where it can be nothing else in some value, or can be the year in every value and varies less than the last.
    """
    is_date = pl.any_horizontal(pl.col("day_first", "month_first").is_not_null())
    is_year_first = pl.col("year_first").is_not_null()
    in_question = values.filter(pl.col("day_first") != pl.col("year_first"))
    if not values.filter(is_year_first & ~is_date).is_empty():
        return in_question
    years_and_days = values["year_first"].drop_nulls()
    days_vary_more = years_and_days.dt.day().n_unique() > years_and_days.dt.year().n_unique()
    return in_question if days_vary_more and values.filter(is_date & ~is_year_first).is_empty() else in_question.clear()


def _ambiguous(values: pl.DataFrame, why: str, *orders: str) -> _Order:
    row = values.filter(pl.col("text") == values["text"].min()).row(0, named=True)
    return _Order(
        orders,
        f"{' or '.join(order.replace('_', ' ') for order in orders)}: {why}",
        tuple(_reordered(row["style"], order) for order in orders),
        row["text"],
        tuple(f"{row[order].day} {ENGLISH[row[order].month - 1]} {row[order].year}" for order in orders),
    )


def _reordered(style: str, order: str) -> str:
    day, month, year, sign = style[:2], style[3:5], style[6:], style[2]
    orders = {"day_first": (day, month, year), "month_first": (month, day, year), "year_first": (year, month, day)}
    return sign.join(orders[order])


def _since(values: pl.DataFrame) -> str:
    more = f" (and {values.height - 1:,} more)" if values.height > 1 else ""
    return f"since {_example(values)} can be nothing else{more}"


def _example(values: pl.DataFrame) -> str:
    """Return the first value by the alphabet, in one short line."""
    return " ".join(str(values["text"].min()).split())[:LONGEST_SHOWN]


def _timed(text: pl.Series, days: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """Return what `days` finds in each value but for its time of day, and `clock`, the microseconds since midnight.

    Where the time of day is none, everything is null. Days and times are read apart because of each there are few,
    even in a ledger of millions of instants.
    """
    if not text.str.contains(":", literal=True).any():
        return days(text).with_columns(clock=pl.lit(0, pl.Int64))
    halves = text.str.splitn(":", 2).struct.unnest()
    has_clock = pl.col("field_1").is_not_null()
    heads = halves.select(pl.concat_str("field_0", pl.when(has_clock).then(pl.lit(":")).otherwise(pl.lit(""))))
    to_hour = _each(heads["field_0"], lambda values: _hours(values, days))
    from_minute = _each(halves["field_1"], _minutes)
    hour, half = pl.col("hour"), pl.col("half")
    hours = pl.when(half.is_null()).then(hour).when(hour.is_between(1, 12)).then(hour % 12 + 12 * half)
    clock = pl.when(has_clock).then(hours * 3_600_000_000 + pl.col("past")).when(hour.is_null()).then(0)
    timed = pl.concat([halves, to_hour, from_minute], how="horizontal").with_columns(clock.alias("clock"))
    found = [name for name in to_hour.columns if name != "hour"]
    return timed.select(pl.when(pl.col("clock").is_not_null()).then(pl.col(found)), "clock")


def _hours(heads: pl.Series, days: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    parts = heads.str.extract_groups(DAY_AND_HOUR).struct.unnest()
    hour = pl.col("hour").cast(pl.Int64)
    return days(parts["day"]).with_columns(parts.select(pl.when(hour < 24).then(hour)))


def _minutes(tails: pl.Series) -> pl.DataFrame:
    parts = tails.str.extract_groups(MINUTES_ON).struct.unnest()
    minute, second = pl.col("minute").cast(pl.Int64), pl.col("second").cast(pl.Int64).fill_null(0)
    microseconds = pl.col("fraction").str.pad_end(6, "0").str.head(6).cast(pl.Int64).fill_null(0)
    past = (minute * 60 + second) * 1_000_000 + microseconds
    return parts.select(
        pl.when((minute < 60) & (second < 60)).then(past).alias("past"),
        pl.when(pl.col("half").is_not_null()).then(pl.col("half").is_in(["P", "p"]).cast(pl.Int64)).alias("half"),
    )


def _days(text: pl.Series) -> pl.DataFrame:
    """Return the style of each value and the day by each of its possible readings.

    Columns: style, day_first (or the only reading), month_first, year_first (of three pairs of digits), serial (an
    instant), is_short (a year of two digits).
    """
    first, second, last, sign = (pl.col(name) for name in ("a", "b", "c", "sign"))
    parts = pl.concat(
        [text.str.extract_groups(pattern).struct.unnest() for pattern in (NUMERIC_DATE, NAMED_DATE)], how="horizontal"
    ).with_columns(text.alias("text"), text.str.extract(EIGHT_DIGITS).alias("digits"))

    one_sign = sign == pl.col("sign_again")
    year_leads = one_sign & (first.str.len_bytes() == 4) & (last.str.len_bytes() <= 2)
    year_ends = one_sign & (first.str.len_bytes() <= 2) & last.str.len_bytes().is_in([2, 4])
    is_open = year_ends & (sign != ".")
    all_pairs = is_open & (first.str.len_bytes() == 2) & (last.str.len_bytes() == 2)
    year_letter = pl.when(last.str.len_bytes() == 4).then(pl.lit("%Y")).otherwise(pl.lit("%y"))

    name = pl.coalesce("m1", "m2").str.to_lowercase()
    month = name.replace_strict(MONTHS, default=None, return_dtype=pl.String)
    named_year = pl.coalesce("y1", "y2")
    days = parts.select(
        "text",
        pl.when(year_leads)
        .then(pl.concat_str(pl.lit("%Y"), sign, pl.lit("%m"), sign, pl.lit("%d")))
        .when(year_ends)
        .then(pl.concat_str(pl.lit("%d"), sign, pl.lit("%m"), sign, year_letter))
        .when(month.is_not_null())
        .then(pl.lit(NAMED))
        .when(pl.col("digits").is_not_null())
        .then(pl.lit("%Y%m%d"))
        .when(pl.col("text").str.contains(SERIAL_NUMBER))
        .then(pl.lit(SERIAL))
        .cast(STYLE)
        .alias("style"),
        pl.coalesce(
            pl.when(year_leads).then(_day(first, second, last)),
            pl.when(year_ends).then(_day(last, second, first)),
            _day(named_year, month, pl.coalesce("d1", "d2")),
            _day(*(pl.col("digits").str.slice(start, length) for start, length in ((0, 4), (4, 2), (6, 2)))),
        ).alias("day_first"),
        pl.when(is_open).then(_day(last, first, second)).alias("month_first"),
        pl.when(all_pairs).then(_day(first, second, last)).alias("year_first"),
        (pl.coalesce(pl.when(year_ends).then(last), named_year).str.len_bytes() == 2).alias("is_short"),
    )
    serial = pl.when(pl.col("style") == SERIAL).then(pl.col("text").str.replace(",", ".", literal=True))
    number = serial.cast(pl.Float64)
    milliseconds = (pl.when(number.is_between(*SERIALS, closed="left")).then(number) * 86_400_000).round()
    instant = pl.lit(SERIAL_EPOCH, pl.Datetime("us")) + pl.duration(milliseconds=milliseconds.cast(pl.Int64))
    return days.select(pl.exclude("text"), instant.alias("serial"))


def _day(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return the day that three strings of digits name; null where there is none, or none between the years' bounds."""
    is_last_century = year.cast(pl.Int64) >= FIRST_SHORT_YEAR
    century = pl.when(is_last_century).then(pl.lit("19")).otherwise(pl.lit("20"))
    century = pl.when(year.str.len_bytes() == 4).then(pl.lit("")).otherwise(century)
    date = pl.concat_str(century, year, month.str.zfill(2), day.str.zfill(2)).str.to_date("%Y%m%d", strict=False)
    return pl.when(date.dt.year().is_between(FIRST_YEAR, LAST_YEAR)).then(date)


def _possible(dates: pl.Series) -> pl.Series:
    """Set to null what is no date of a purchase."""
    dates = dates.set(~dates.dt.year().is_between(FIRST_YEAR, LAST_YEAR), None)
    is_zero = dates.is_between(ZERO, ZERO + dt.timedelta(days=1), closed="left")
    if is_zero.any():
        following = dates.filter(dates >= ZERO + dt.timedelta(days=1))
        if not following.is_empty() and not (following <= ZERO + dt.timedelta(days=DAYS_OF_ZERO)).any():
            dates = dates.set(is_zero, None)
    return dates


def _each(column: pl.Series, find: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    values = distinct(column)
    return spread(find(values), values, column)
