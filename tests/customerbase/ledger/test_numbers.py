"""Numbers in every style that people write: read where one reading is possible, otherwise left open."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerbase.ledger.numbers import NumberReading, as_text, read_numbers, spreadsheet_keys


def read(values: Sequence[str | None], **signs: str) -> NumberReading:
    return read_numbers({"amount": pl.Series(values, dtype=pl.String)}, **signs)


def numbers_of(*values: str | None, **signs: str) -> list[float | None]:
    """Read values that leave nothing open."""
    reading = read(values, **signs)
    assert reading.ambiguous == ()
    return reading.numbers["amount"].to_list()


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("3", 3),
        ("-3.5", -3.5),
        ("+3.5", 3.5),
        (".5", 0.5),
        (",5", 0.5),
        ("0.125", 0.125),
        ("0,125", 0.125),
        ("-0,125", -0.125),
        ("0", 0),
        ("1e3", 1000),
        ("1,5E+03", 1500),
        ("1234.567", 1234.567),
        ("1234,567", 1234.567),
        ("3,5", 3.5),
        (" 3,5\u00a0", 3.5),
        # thousands
        ("1 234.5", 1234.5),
        ("1 234,50", 1234.5),
        ("1 234,567", 1234.567),
        ("1 234", 1234),
        ("1\u00a0234,50", 1234.5),
        ("1\u202f234 567,5", 1_234_567.5),
        ("1\u2009234,5", 1234.5),
        ("1'234.50", 1234.5),
        ("1’234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("1,234.50", 1234.5),
        ("1.234.567", 1_234_567),
        ("1,234,567", 1_234_567),
        ("1,00,000", 100_000),
        ("1,00,00,000.5", 10_000_000.5),
        # currencies
        ("$1'234.5", 1234.5),
        ("$ 5", 5),
        ("$.50", 0.5),
        ("3,50 ₽", 3.5),
        ("3,50₽", 3.5),
        ("5 €", 5),
        ("£5", 5),
        ("¥5", 5),
        ("5 ₴", 5),
        ("5 zł", 5),
        ("5 руб.", 5),
        ("5р.", 5),
        ("р.500", 500),
        ("5 USD", 5),
        ("EUR 1.234,56", 1234.56),
        ("rub 5", 5),
        ("$5 USD", 5),
        # minus
        ("(12.50)", -12.5),
        ("($12.50)", -12.5),
        ("$(12.50)", -12.5),
        ("(12,50 €)", -12.5),
        ("12.50-", -12.5),
        ("12,50- €", -12.5),
        ("12.50 -", -12.5),
        ("−12.50", -12.5),
        ("- 5", -5),
        ("-$5", -5),
        ("$-5", -5),
        ("-1 234,50 руб.", -1234.5),
        ("999999999999999", 999_999_999_999_999),
    ],
)
def test_a_number_is_read_as_people_write_it(written, number):
    assert numbers_of(written) == [number]


@pytest.mark.parametrize(
    "written",
    [
        *("", "   ", "three", "nan", "NaN", "inf", "-Infinity", "1e400", "1e15", "-1e15", "null", "true", "-", "."),
        *("0x10", "1_000", "--5", "12.5.0", "5%", "=1+2", "1e", "e3", "1 e3", "#VALUE!", "٥", "5\n5"),
        # a price without cents, and no minus
        *("5.-", "5,-", "1.234,-"),
        *("(-5)", "(5", "5)", "-5-", "()", "$", "USD EUR", "5 PCS", "5 m2", "12 руб. 50 коп."),
        *("12 34", "1 23 456", "1234 567", "1 234'567", "0 123", "1,2,3", "1,,234", "1.234.56", "12.05.2024", "10:30"),
        *("2024-01-13", "1,234.5,6", "1.2.345"),
    ],
)
def test_what_is_no_finite_number_is_none(written):
    assert numbers_of("1", written, None) == [1, None, None]


@pytest.mark.parametrize(
    ("written", "signs", "number"),
    [
        ("1.234,50", {"decimal": ","}, 1234.5),
        ("1.234", {"decimal": ","}, 1234),
        ("12,5", {"decimal": ","}, 12.5),
        ("1,234", {"decimal": ","}, 1.234),
        ("1,234.50", {"decimal": "."}, 1234.5),
        ("1,234", {"decimal": "."}, 1234),
        ("1.234", {"decimal": "."}, 1.234),
        ("1,00,000.5", {"decimal": "."}, 100_000.5),
        ("1 234.5", {"decimal": "."}, 1234.5),
        ("$1'234,5", {"decimal": ","}, 1234.5),
        ("1,234", {"thousands": ","}, 1234),
        ("1.234,5", {"thousands": "."}, 1234.5),
        ("-1.234.567", {"thousands": "."}, -1_234_567),
        ("1_234,5", {"thousands": "_"}, 1234.5),
        ("1 234,5", {"thousands": " "}, 1234.5),
        ("1 234,5", {"thousands": "\u00a0"}, 1234.5),
        ("1’234.5", {"thousands": "'"}, 1234.5),
        ("12,500", {"thousands": " "}, 12.5),
        ("1|234,5", {"thousands": "|", "decimal": ","}, 1234.5),
        # a value that contradicts what was set must not become a hundred times larger
        ("12.50", {"decimal": ","}, None),
        ("12,50", {"decimal": "."}, None),
        ("1,234.50", {"decimal": ","}, None),
        ("12.50", {"decimal": ",", "thousands": " "}, None),
        ("1.234", {"decimal": ",", "thousands": " "}, None),
        ("1,234", {"decimal": ".", "thousands": "'"}, None),
        ("12.5", {"thousands": "."}, None),
        ("1.2.345", {"thousands": "."}, None),
        ("1.00.000", {"thousands": "."}, None),
    ],
)
def test_signs_that_are_set_settle_how_numbers_read(written, signs, number):
    assert numbers_of(written, **signs) == [number]


# points and commas


@pytest.mark.parametrize(
    ("written", "readings"),
    [
        ("1,234", ("1234", "1.234")),
        ("1.234", ("1234", "1.234")),
        ("-12.500", ("12500", "12.500")),
        ("$1,500", ("1500", "1.500")),
        ("(1.500)", ("1500", "1.500")),
    ],
)
@pytest.mark.parametrize("others", [(), ("5", "1 000", None, "x"), ("3e5",)])
def test_thousands_or_decimals_that_nothing_settles_are_left_open(written, readings, others):
    reading = read([*others, written])
    assert reading.ambiguous == readings
    assert (reading.column, reading.decimal) == ("amount", "")
    assert reading.sample in written
    assert reading.numbers["amount"].null_count() == sum(other in (None, "x") for other in others)


COMMA = ("12,5", "12,50", "1234,567", "0,125", ",5", "1.234,5", "1.234.567", "$12,50", "12,50-", "1 234,567")
POINT = ("12.5", "12.50", "1234.567", "0.125", ".5", "1,234.5", "1,234,567", "$12.50", "12.50-", "1 234.567")


@pytest.mark.parametrize("telling", COMMA)
def test_a_value_that_has_one_reading_settles_a_decimal_comma(telling):
    assert numbers_of("1,234", telling)[0] == 1.234
    assert numbers_of("-1.234", telling)[0] == -1234
    assert numbers_of("€ 1.234", telling)[0] == 1234
    assert read(["1.234", telling]).decimal == ","


@pytest.mark.parametrize("telling", POINT)
def test_a_value_that_has_one_reading_settles_a_decimal_point(telling):
    assert numbers_of("1,234", telling)[0] == 1234
    assert numbers_of("-1.234", telling)[0] == -1.234
    assert numbers_of("€ 1.234", telling)[0] == 1.234
    assert read(["1.234", telling]).decimal == "."


def test_a_value_far_down_settles_the_column():
    assert numbers_of(*["1.234"] * 3000, "2.5")[0] == 1.234
    assert numbers_of(*["1.234"] * 3000, "2,5")[0] == 1234


def test_signs_that_contradict_each_other_are_read_where_each_value_has_one_reading():
    assert numbers_of("1,5", "1.5", "1.234,50", "1,234.50") == [1.5, 1.5, 1234.5, 1234.5]
    assert read(["1,5", "1.5"]).decimal == ""
    reading = read(["12.50", "12,50", "1,234"])
    assert (reading.ambiguous, reading.sample) == (("1234", "1.234"), "1,234")
    assert "12.50 (column amount) and 12,50 (column amount) contradict each other" in reading.evidence


def test_the_columns_of_a_file_settle_each_other():
    reading = read_numbers({"amount": pl.Series(["1.234"]), "cost": pl.Series(["12,50"])})
    assert reading.numbers["amount"].to_list() == [1234]
    assert reading.evidence == "decimal comma, since 12,50 (column cost) can be nothing else"
    open_column = read_numbers({"amount": pl.Series(["5"]), "cost": pl.Series(["1.234"])})
    assert (open_column.column, open_column.sample) == ("cost", "1.234")


def test_typed_columns_are_never_left_open_and_settle_nothing():
    reading = read_numbers({"amount": pl.Series([1.234]), "cost": pl.Series(["1,234"])})
    assert reading.column == "cost"
    reading = read_numbers({"amount": pl.Series([1.234, 2.5])})
    assert (reading.ambiguous, reading.evidence) == ((), "the cells hold numbers")


@pytest.mark.parametrize(
    ("values", "signs", "decimal", "thousands", "evidence"),
    [
        (["1", "2"], {}, "", "", "numbers without decimals"),
        (["1 000"], {}, "", " ", "numbers without decimals"),
        (["1.234", "1,5"], {}, ",", ".", "decimal comma, since 1,5 (column amount) can be nothing else"),
        (["1’234", "1.5"], {}, ".", "'", "decimal point, since 1.5 (column amount) can be nothing else"),
        (
            ["1,5", "1.5"],
            {},
            "",
            "",
            "points and commas both mark decimals: 1.5 (column amount) and 1,5 (column amount)",
        ),
        (["1,234"], {}, "", "", "1,234 may be 1234 or 1.234, and nothing tells which"),
        (["1.234"], {"decimal": ","}, ",", ".", "decimal is set to ','"),
        (["1.5"], {"decimal": ".", "thousands": " "}, ".", "", "decimal is set to '.' and thousands is set to ' '"),
        (["0." + "1" * 99], {}, ".", "", f"decimal point, since 0.{'1' * 38} (column amount) can be nothing else"),
    ],
)
def test_the_signs_and_their_evidence_are_told(values, signs, decimal, thousands, evidence):
    reading = read(values, **signs)
    assert (reading.decimal, reading.thousands, reading.evidence) == (decimal, thousands, evidence)


def test_the_currencies_are_told():
    assert read(["$5", "5 EUR", "5", "$6", "soon €"]).currencies == ("$", "EUR")


# columns


@pytest.mark.parametrize(
    ("column", "number"),
    [
        (pl.Series([3]), 3),
        (pl.Series([3.5], dtype=pl.Float32), 3.5),
        (pl.Series(["3.50"]).cast(pl.Decimal(10, 2)), 3.5),
        (pl.Series(["3,50"], dtype=pl.Categorical), 3.5),
        (pl.Series([None]), None),
        (pl.Series([float("nan")]), None),
        (pl.Series([float("inf")]), None),
        (pl.Series([1e15]), None),
        (pl.Series([True]), None),
        (pl.Series(["2024-01-13"]).str.to_date(), None),
    ],
)
def test_typed_columns_are_read(column, number):
    numbers = read_numbers({"amount": column}).numbers["amount"]
    assert (numbers.dtype, numbers.to_list()) == (pl.Float64, [number])


def test_the_columns_keep_their_names_order_and_repeats():
    columns = {"amount": pl.Series("a", ["$5", None, "6", "$5", "1 000", "x"]), "cost": pl.Series("b", [1] * 6)}
    numbers = read_numbers(columns).numbers
    assert [(name, column.name) for name, column in numbers.items()] == [("amount", "amount"), ("cost", "cost")]
    assert numbers["amount"].to_list() == [5, None, 6, 5, 1000, None]
    assert read_numbers({}).numbers == {}
    assert read([]).numbers["amount"].to_list() == []


@pytest.mark.parametrize("different", [50_000, 150_000])
def test_a_long_column_is_read_the_same_whether_its_values_repeat_or_not(different):
    cents = [number % different for number in range(150_000)]
    written = pl.Series([f"$ {cent // 100},{cent % 100:02}" for cent in cents])
    numbers = read_numbers({"amount": written}, decimal=",").numbers["amount"]
    assert numbers.to_list() == [cent / 100 for cent in cents]


# keys


@pytest.mark.parametrize(
    ("keys", "shown", "was_number"),
    [
        (["123.0", "7.0", None], ["123", "7", None], True),
        (["00123.0"], ["00123"], True),
        (["123.0", "7"], ["123.0", "7"], False),
        (["123.0", "A7.0"], ["123.0", "A7.0"], False),
        (["123.0", ""], ["123.0", ""], False),
        (["-1.0"], ["-1.0"], False),
        (["٥.0"], ["٥.0"], False),
        (["123.00"], ["123.00"], False),
        (["1.0E+12", "7.70123E+09"], ["1.0E+12", "7.70123E+09"], False),
        (
            ["00123", " 12 3 ", "Петя É", "1e5", "null", "a\tb"],
            ["00123", " 12 3 ", "Петя É", "1e5", "null", "a\tb"],
            False,
        ),
        ([None], [None], False),
        ([], [], False),
    ],
)
def test_keys_are_as_written_but_for_the_point_of_a_spreadsheet(keys, shown, was_number):
    read_as, told = spreadsheet_keys(pl.Series(keys, dtype=pl.String))
    assert (read_as.to_list(), told) == (shown, was_number)


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (pl.Series([7, 123]), ["7", "123"]),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), ["18446744073709551615"]),
        (pl.Series([123.0, 7.0]), ["123", "7"]),
        (pl.Series([1.5, 2.0]), ["1.5", "2"]),
        (pl.Series([1e20]), ["1e+20"]),
        (pl.Series([float("nan"), float("inf")]), [None, None]),
        (pl.Series([16777216.0], dtype=pl.Float32), ["16777216"]),
        (pl.Series(["00123"], dtype=pl.Categorical), ["00123"]),
        (pl.Series([True]), ["true"]),
    ],
)
def test_typed_keys_become_text(keys, shown):
    assert as_text(keys).to_list() == shown
    assert spreadsheet_keys(keys)[0].to_list() == shown
    assert spreadsheet_keys(keys)[1] is False


# any number in any style

GROUPS = {".": (",", "", " ", "\u00a0", "\u202f", "'", "’"), ",": (".", "", " ", "\u00a0", "\u202f", "'", "’")}
CURRENCIES = ("{}", "${}", "{} €", "{} руб.", "USD {}")
MINUSES = ("-{}", "−{}", "({})", "{}-")


@st.composite
def columns_of_cents(draw: st.DrawFn) -> tuple[list[int], list[str], str]:
    """Draw amounts in cents, how they are written, and a value that settles the decimal sign."""
    decimal = draw(st.sampled_from(".,"))
    group = draw(st.sampled_from(GROUPS[decimal]))
    currency, minus = draw(st.sampled_from(CURRENCIES)), draw(st.sampled_from(MINUSES))
    amounts = draw(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=6))
    places = draw(st.lists(st.integers(0, 3), min_size=len(amounts), max_size=len(amounts)))
    written = []
    for at, cents in enumerate(amounts):
        if places[at] == 0:
            amounts[at] = cents = cents // 100 * 100
        elif places[at] == 1:
            amounts[at] = cents = cents // 10 * 10
        whole, part = f"{abs(cents) // 100:,}".replace(",", group), f"{abs(cents) % 100:02}0"[: places[at]]
        text = currency.format(whole + decimal * bool(part) + part)
        written.append(minus.format(text) if cents < 0 else text)
    return amounts, written, f"1{decimal}5"


@settings(max_examples=100, deadline=None)
@given(columns_of_cents())
def test_an_amount_is_read_to_the_cent_where_another_value_tells_the_decimal_sign(drawn):
    amounts, written, telling = drawn
    assert numbers_of(*written, telling)[:-1] == [cents / 100 for cents in amounts]
    assert numbers_of(*written, decimal=telling[1]) == [cents / 100 for cents in amounts]


@settings(max_examples=50, deadline=None)
@given(columns_of_cents())
def test_an_amount_is_read_to_the_cent_or_left_open(drawn):
    amounts, written, _ = drawn
    reading = read(written)
    if not reading.ambiguous:
        assert reading.numbers["amount"].to_list() == [cents / 100 for cents in amounts]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("0123456789.,'- ()$€eE+%x\u00a0", max_size=12), max_size=8))
def test_no_text_breaks_the_reading(values):
    numbers = read(values).numbers["amount"]
    assert len(numbers) == len(values)
    assert numbers.drop_nulls().is_finite().all()
