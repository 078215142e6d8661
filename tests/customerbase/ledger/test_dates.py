"""Dates in every style that people write: read where one reading is possible, otherwise told apart or left open."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerbase.ledger.dates import ENGLISH, RUSSIAN, DateReading, read_dates

DAY = dt.datetime(2024, 1, 13)
AT = dt.datetime(2024, 1, 13, 10, 30)
LATE = AT.replace(hour=22)


def read(*values: str | None, date_format: str | None = None) -> DateReading:
    return read_dates(pl.Series("date", values, dtype=pl.String), date_format)


def dates_of(*values: str | None, date_format: str | None = None) -> list[dt.datetime | None]:
    """Read values that leave nothing open."""
    reading = read(*values, date_format=date_format)
    assert reading.ambiguous == ()
    return reading.dates.to_list()


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2024-01-13", DAY),
        ("2024-1-13", DAY),
        (" 2024-01-13\u00a0", DAY),
        ("2024/01/13", DAY),
        ("2024.1.13", DAY),
        ("20240113", DAY),
        ("20240113.0", DAY),
        ("13.01.2024", DAY),
        ("13.1.2024", DAY),
        ("13.01.24", DAY),
        ("13.01.2024 г.", DAY),
        ("13/01/2024", DAY),
        ("01/13/2024", DAY),
        ("1/13/24", DAY),
        ("13/1/24", DAY),
        ("13-01-2024", DAY),
        ("01-13-2024", DAY),
        ("13-01-24", DAY),
        ("13 Jan 2024", DAY),
        ("13 January 2024", DAY),
        ("Jan 13, 2024", DAY),
        ("January 13 2024", DAY),
        ("January 13th, 2024", DAY),
        ("13-Jan-24", DAY),
        ("13-JAN-2024", DAY),
        ("13jan2024", DAY),
        ("13 января 2024", DAY),
        ("13 янв. 2024 г.", DAY),
        ("45304", DAY),
        ("45304.4375", AT),
        ("45304,4375", AT),
        ("18264", dt.datetime(1950, 1, 1)),
        ("73415", dt.datetime(2100, 12, 31)),
        ("1950-01-01", dt.datetime(1950, 1, 1)),
        ("2100-12-31 23:59:59", dt.datetime(2100, 12, 31, 23, 59, 59)),
        ("2024-01-13 00:00:00", DAY),
        ("2024-01-13 10:30", AT),
        ("2024-01-13 10:30:00", AT),
        ("2024-01-13T10:30", AT),
        ("2024-01-13T10:30:00.5", AT.replace(microsecond=500_000)),
        ("2024-01-13 10:30:00,123456789", AT.replace(microsecond=123_456)),
        ("13.01.2024 10:30", AT),
        ("13.01.2024, 10:30", AT),
        ("01/13/2024 10:30:00", AT),
        ("1/13/2024 10:30 AM", AT),
        ("1/13/2024 10:30:00 p.m.", LATE),
        ("1/13/2024 12:30 am", AT.replace(hour=0)),
        ("1/13/2024 12:30PM", AT.replace(hour=12)),
        ("13 Jan 24 10:30", AT),
        ("Jan 13, 24 10:30", AT),
        ("13 января 2024 г. 10:30", AT),
        # the customer's clock counts, whatever the zone
        ("2024-01-13T10:30:00Z", AT),
        ("2024-01-13T10:30:00+03:00", AT),
        ("2024-01-13 10:30:00.000-0500", AT),
        ("2024-01-13 10:30:00+00", AT),
        ("2024-01-13 10:30 MSK", AT),
    ],
)
def test_a_date_is_read_as_people_write_it(written, read_as):
    assert dates_of(written) == [read_as]


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "null", "NaT", "2024", "2024-01", "-1", "٢٠٢٤-٠١-٠٢", "10:30", "2024-01-02\n2024-01-03"),
        *(
            "2024-02-30",
            "2024-13-01",
            "13.13.2024",
            "02.30.2024",
            "29.02.2023",
            "13/13/2024",
            "0.1.2024",
            "32 Jan 2024",
        ),
        *("0000-00-00", "0024-01-02", "1899-12-30", "1900-01-00", "1949-12-31", "2101-01-01", "9999-12-31", "99991231"),
        *("2024-01/02", "01.02.024", "1.2.3", "24-1-2", "12 Janvier 2024", "Jan 2024", "12 13 2024", "2024-01-02-03"),
        *("2024-01-02 25:00", "2024-01-02 10:61", "2024-01-02 10:30:61", "2024-01-02 13:30 PM", "2024-01-02 0:30 AM"),
        *("2024-01-02 10", "2024-01-02 10:3", "2024-01-02 10:30 soon", "2024-01-02T", ":", "x:y"),
        *("18263", "73416", "4529", "452930", "45293 10:00", "1705141800", "17051418000000"),
    ],
)
def test_what_is_no_date_of_a_purchase_is_none(written):
    assert dates_of("2024-01-02", written, None) == [dt.datetime(2024, 1, 2), None, None]
    assert dates_of(written) == [None]


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("names", [ENGLISH, RUSSIAN])
def test_months_are_known_by_their_names_and_first_letters(names, month):
    name = names[month - 1]
    written = [f"5 {spelled} 2024" for spelled in (name, name.upper(), name[:3], f"{name[:3]}.")]
    assert dates_of(*written) == [dt.datetime(2024, month, 5)] * 4


@pytest.mark.parametrize(("short", "year"), [("69", 1969), ("99", 1999), ("00", 2000), ("68", 2068)])
def test_years_of_two_digits_are_of_the_hundred_years_from_1969_on_and_said_so(short, year):
    reading = read(f"13.01.{short}", f"13-Jan-{short}", f"13/01/{short}")
    assert reading.dates.to_list() == [dt.datetime(year, 1, 13)] * 3
    assert "years of two digits from 1969 to 2068" in reading.evidence


def test_dotted_dates_have_the_day_first():
    assert dates_of("01.02.03") == [dt.datetime(2003, 2, 1)]
    assert dates_of("01.02.2003") == [dt.datetime(2003, 2, 1)]


# day and month


@pytest.mark.parametrize("sign", "/-")
@pytest.mark.parametrize(("settling", "month", "day"), [("13{}02{}2024", 3, 4), ("02{}13{}2024", 4, 3)])
def test_days_before_months_or_after_is_settled_by_a_value_that_can_be_one_only(sign, settling, month, day):
    settling = settling.format(sign, sign)
    assert dates_of(f"04{sign}03{sign}2024", settling) == [dt.datetime(2024, month, day), dt.datetime(2024, 2, 13)]


def test_dates_that_mean_the_same_either_way_need_no_settling():
    assert dates_of("01/01/2024", "02/02/2024") == [dt.datetime(2024, 1, 1), dt.datetime(2024, 2, 2)]


@pytest.mark.parametrize("others", [(), ("01/01/2024",), (None, "soon", ""), ("13.01.2024", "2024-01-13")])
def test_dates_that_nothing_settles_are_left_open(others):
    reading = read("01/02/2024", *others)
    assert reading.ambiguous == ("%d/%m/%Y", "%m/%d/%Y")
    assert reading.sample == "01/02/2024"
    assert reading.readings == ("1 February 2024", "2 January 2024")
    assert reading.dates.null_count() == sum(value in (None, "soon", "") for value in others)


def test_the_values_of_another_separator_settle_nothing():
    assert read("13/02/2024", "01-02-2024").ambiguous == ("%d-%m-%Y", "%m-%d-%Y")


def test_a_value_that_is_no_date_settles_nothing():
    assert read("13/02/1899", "01/02/2024").ambiguous == ("%d/%m/%Y", "%m/%d/%Y")
    assert read("13/02/2024 soon", "01/02/2024").ambiguous == ("%d/%m/%Y", "%m/%d/%Y")


def test_values_that_contradict_each_other_leave_the_others_open():
    assert dates_of("13/02/2024", "02/13/2024", "02/02/2024") == [
        dt.datetime(2024, 2, 13),
        dt.datetime(2024, 2, 13),
        dt.datetime(2024, 2, 2),
    ]
    reading = read("13/02/2024", "02/13/2024", "03/04/2024")
    assert reading.ambiguous == ("%d/%m/%Y", "%m/%d/%Y")
    assert reading.sample == "03/04/2024"
    assert "13/02/2024 and 02/13/2024 contradict each other" in reading.evidence


def test_a_time_of_day_changes_nothing_about_the_day():
    reading = read("01/02/2024 10:30", "03/02/2024")
    assert (reading.ambiguous, reading.sample) == (("%d/%m/%Y", "%m/%d/%Y"), "01/02/2024 10:30")
    assert dates_of("01/02/2024 10:30", "13/02/2024")[0] == dt.datetime(2024, 2, 1, 10, 30)


@pytest.mark.parametrize("others", [("24-02-28", "24-02-03"), ("98-06-30",)])
def test_years_of_two_digits_that_may_come_first_are_left_open(others):
    reading = read("24-01-13", *others)
    assert reading.ambiguous == ("%d-%m-%y", "%y-%m-%d")
    assert reading.readings == ("24 January 2013", "13 January 2024")


def test_a_format_settles_years_that_come_first():
    assert dates_of("24-01-13", "98-06-30", date_format="%y-%m-%d") == [DAY, dt.datetime(1998, 6, 30)]


# several styles, and what is said about them


def test_each_value_of_a_mixed_column_is_read_for_what_it_is():
    reading = read("2024-01-13", "13.01.2024", "45304", "45304.4375", "13 Jan 2024", "20240113", "1/13/2024 10:30 PM")
    assert reading.dates.to_list() == [DAY, DAY, DAY, AT, DAY, DAY, LATE]


@pytest.mark.parametrize(
    ("values", "pattern", "evidence"),
    [
        (["2024-01-13"], "%Y-%m-%d", "year first"),
        (["20240113"], "%Y%m%d", "eight digits, year first"),
        (["13.01.2024 10:30"], "%d.%m.%Y", "day before month, as everywhere that dates have points"),
        (["13/02/2024"], "%d/%m/%Y", "day before month, since 13/02/2024 can be nothing else"),
        (
            ["02/14/2024", "02/13/2024", "02/13/2024", "01/02/2024"],
            "%m/%d/%Y",
            "month before day, since 02/13/2024 can be nothing else (and 1 more)",
        ),
        (["02/02/2024"], "%d/%m/%Y", "day and month are alike in each value"),
        (
            ["13/02/2024", "02/13/2024"],
            "%d/%m/%Y, %m/%d/%Y",
            "day and month in both orders, each value in the only one it can have",
        ),
        (["13 Jan 2024"], "named months", "months have names"),
        (["45304"], "serial numbers", "days counted from 30 December 1899, as spreadsheets do"),
        (
            ["2024-01-13", "13.01.2024", "14.01.2024"],
            "%d.%m.%Y, %Y-%m-%d",
            "day before month, as everywhere that dates have points; year first",
        ),
        (["13/02/2024 \n 10:30"], "%d/%m/%Y", "day before month, since 13/02/2024 10:30 can be nothing else"),
        (["soon", None], "", "no value can be read as a date"),
    ],
)
def test_the_pattern_and_its_evidence_are_told(values, pattern, evidence):
    reading = read(*values)
    assert (reading.pattern, reading.evidence) == (pattern, evidence)


# date_format


@pytest.mark.parametrize(
    ("written", "date_format", "read_as"),
    [
        ("01/02/2024", "%d/%m/%Y", dt.datetime(2024, 2, 1)),
        ("01/02/2024", "%m/%d/%Y", dt.datetime(2024, 1, 2)),
        ("01/02/2024 10:30:00+03:00", "%d/%m/%Y", dt.datetime(2024, 2, 1, 10, 30)),
        ("01.02.03", "%y.%m.%d", dt.datetime(2001, 2, 3)),
        ("13 Jan 2024", "%d %b %Y", DAY),
        ("1/13/2024 10:30 AM", "%m/%d/%Y %I:%M %p", AT),
        ("1705141800", "%s", AT),
        ("20240113T103000", "%Y%m%dT%H%M%S", AT),
        ("2024-01-13T10:30:00+0300", "%Y-%m-%dT%H:%M:%S%z", AT),
        ("2024-01-13 10:30:00 +03:00", "%Y-%m-%d %H:%M:%S %z", AT),
        # other ways to write it are not what was said
        ("2024-01-13", "%d/%m/%Y", None),
        ("13.01.2024", "%d/%m/%Y", None),
        ("13/01/24", "%d/%m/%Y", None),
        ("02/13/2024", "%d/%m/%Y", None),
        ("01/02/2024 25:00", "%d/%m/%Y", None),
        ("45304", "%d/%m/%Y", None),
        ("13/01/1899", "%d/%m/%Y", None),
        *(("2024-01-13", useless, None) for useless in ("%d.%m.%Y", "%Y", "%", "%Q", "%H:%M", "%Y-%m-%d %H", "%%")),
    ],
)
def test_a_date_format_settles_how_dates_read(written, date_format, read_as):
    assert dates_of(written, date_format=date_format) == [read_as]


def test_a_date_format_is_the_evidence():
    reading = read("13/01/2024", date_format="%d/%m/%Y")
    assert (reading.pattern, reading.evidence) == ("%d/%m/%Y", "date_format is set to %d/%m/%Y")


# zero, and typed columns


@pytest.mark.parametrize(
    ("other", "stays"),
    [("1971-01-02", True), ("1971-01-03", False), ("1970-01-02", True), ("1969-12-31", True), (None, True)],
)
def test_the_first_day_of_1970_is_no_date_where_the_next_is_over_a_year_later(other, stays):
    assert dates_of("1970-01-01", other)[0] == (dt.datetime(1970, 1, 1) if stays else None)
    typed = pl.Series(["1970-01-01", other]).str.to_date()
    assert read_dates(typed).dates[0] == (dt.datetime(1970, 1, 1) if stays else None)


@pytest.mark.parametrize(
    ("column", "read_as"),
    [
        (pl.Series([DAY.date()]), DAY),
        (pl.Series([AT]), AT),
        (pl.Series([AT]).dt.cast_time_unit("ns"), AT),
        (pl.Series([AT]).dt.cast_time_unit("ms"), AT),
        # half past eleven in the evening in New York is the next day in Greenwich
        (pl.Series([LATE]).dt.replace_time_zone("America/New_York"), LATE),
        (pl.Series([dt.date(1800, 1, 1)]), None),
        (pl.Series([dt.datetime(1899, 12, 31)]), None),
        (pl.Series([dt.datetime(9999, 12, 31)]), None),
        (pl.Series([None]), None),
        (pl.Series([None], dtype=pl.Datetime), None),
        (pl.Series([20240113]), DAY),
        (pl.Series([20240113.0]), DAY),
        (pl.Series([45304], dtype=pl.Int16, strict=False), None),
        (pl.Series([45304], dtype=pl.UInt16), DAY),
        (pl.Series([45304.4375]), AT),
        (pl.Series(["45304.4375"]).cast(pl.Decimal(12, 4)), AT),
        (pl.Series([float("nan")]), None),
        (pl.Series([1e300]), None),
        (pl.Series([1_705_141_800]), None),
        (pl.Series([True]), None),
        (pl.Series([dt.time(10, 30)]), None),
        (pl.Series(["2024-01-13"], dtype=pl.Categorical), DAY),
    ],
)
def test_typed_columns_are_read_on_the_customers_clock(column, read_as):
    dates = read_dates(column).dates
    assert dates.dtype == pl.Datetime("us")
    assert dates.to_list() == [read_as]


def test_cells_of_dates_stay_what_they_are_whatever_the_format():
    reading = read_dates(pl.Series([AT]), "%d/%m/%Y")
    assert reading.dates.to_list() == [AT]
    assert (reading.pattern, reading.evidence) == ("date cells", "the cells hold dates")


def test_an_empty_column_is_read():
    for column in (pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.Date), pl.Series([], dtype=pl.Int64)):
        assert read_dates(column).dates.to_list() == []


def test_the_column_keeps_its_name_order_and_repeats():
    dates = read_dates(pl.Series("bought", ["2024-01-13", None, "13.01.2024 10:30", "x", "2024-01-13"])).dates
    assert dates.name == "bought"
    assert dates.to_list() == [DAY, None, AT, None, DAY]


@pytest.mark.parametrize("different", [50_000, 150_000])
def test_a_long_column_is_read_the_same_whether_its_values_repeat_or_not(different):
    start = dt.datetime(2001, 1, 1)
    numbers = pl.DataFrame({"number": range(150_000)}).select(pl.col("number") % different)
    instants = numbers.select(instant=start + pl.duration(milliseconds=pl.col("number") * 5_000_001))["instant"]
    assert read_dates(instants.dt.strftime("%d/%m/%Y %H:%M:%S%.3f")).dates.equals(instants)


# any date in any style: {y} a year, {s} its last two digits, {m} a month, {M} its name, {d} a day

TOLD = (
    *("{y}-{m}-{d}", "{y}/{m}/{d}", "{y}.{m}.{d}", "{d}.{m}.{y}", "{d}.{m}.{s}"),
    *("{d} {M} {y}", "{M} {d}, {y}", "{d}-{M}-{s}"),
)
OPEN = ("{d}/{m}/{y}", "{m}/{d}/{y}", "{d}-{m}-{y}", "{m}-{d}-{y}")
OPEN_SHORT = ("{d}/{m}/{s}", "{m}/{d}/{s}", "{d}-{m}-{s}", "{m}-{d}-{s}")
CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%SZ", " %I:%M %p")
MINUTES = st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2060, 12, 31)).map(
    lambda instant: instant.replace(second=0, microsecond=0)
)
COLUMNS = st.lists(MINUTES, min_size=1, max_size=6)


def write(instant: dt.datetime, style: str, clock: str, width: str) -> str:
    """Write an instant with months and days of one digit or two."""
    month, day = format(instant.month, width), format(instant.day, width)
    words = {"y": instant.year, "s": instant.strftime("%y"), "m": month, "d": day, "M": ENGLISH[instant.month - 1][:3]}
    return style.format(**words) + instant.strftime(clock)


def meant(instants: list[dt.datetime], clock: str) -> list[dt.datetime]:
    return instants if clock else [instant.replace(hour=0, minute=0) for instant in instants]


@settings(max_examples=60, deadline=None)
@given(COLUMNS, st.sampled_from(TOLD + OPEN + OPEN_SHORT), st.sampled_from(CLOCKS), st.sampled_from(["", "02"]))
def test_a_column_is_read_as_it_was_written_or_left_open(instants, style, clock, width):
    reading = read(*(write(instant, style, clock, width) for instant in instants))
    if style in TOLD:
        assert not reading.ambiguous
    if not reading.ambiguous:
        assert reading.dates.to_list() == meant(instants, clock)
    elif style in OPEN:
        assert all(instant.day <= 12 for instant in instants)


@settings(max_examples=40, deadline=None)
@given(COLUMNS, st.sampled_from(OPEN), st.sampled_from(CLOCKS), st.sampled_from(["", "02"]))
def test_a_column_is_read_as_it_was_written_where_one_value_tells(instants, style, clock, width):
    instants = [*instants, dt.datetime(2024, 2, 29)]
    assert dates_of(*(write(instant, style, clock, width) for instant in instants)) == meant(instants, clock)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(MINUTES, st.sampled_from(TOLD), st.sampled_from(CLOCKS)), min_size=1, max_size=6))
def test_a_column_in_several_styles_is_read_as_it_was_written(values):
    written = [write(instant, style, clock, "02") for instant, style, clock in values]
    assert dates_of(*written) == [meant([instant], clock)[0] for instant, _, clock in values]
