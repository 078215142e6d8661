"""From the file an analyst has to a clean ledger: what is read, how, and what is refused with which words."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import polars as pl
import pytest

from customerbase.errors import Refusal
from customerbase.ledger import Ledger, read_ledger
from customerbase.parameters import check_parameters

DAY = dt.date(2024, 1, 2)
LETTERS = "ABCDEFGH"
COLUMNS = {"customer": "c", "date": "d", "amount": "a"}
CDNOW = {"customer": "customer_id", "date": "date", "amount": "dollar_value"}
HEADER = "c,d,a\n"
ROW = "1,2024-01-02,3.5\n"


def read(path: Path | str, columns: dict[str, str] = COLUMNS, **hints: Any) -> Ledger:
    """Read a ledger as a parameter file with these columns and hints would have it read."""
    ledger = {"path": str(path), "columns": columns, **hints}
    return read_ledger(check_parameters({"base": "shop", "ledger": ledger}, where="shop.yml").ledger)


def problems_of(path: Path | str, columns: dict[str, str] = COLUMNS, **hints: Any) -> tuple[str, ...]:
    """Return the lines that refuse a ledger, each fit to be read in a terminal."""
    with pytest.raises(Refusal) as refusal:
        read(path, columns, **hints)
    lines = refusal.value.problems
    for line in lines:
        assert line.isprintable(), f"not one readable line: {line!r}"
        assert len(line) < 1000
    # where rows were at fault, the last line says how many
    return lines[:-1] if lines[-1].endswith("be set aside.") else lines


@pytest.fixture
def file(tmp_path):
    """Write a file and return its path."""

    def write(content: str | bytes | pl.DataFrame, name: str = "sales.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def table(**columns: Any) -> pl.DataFrame:
    """Return a ledger of one row with some columns replaced or added."""
    return pl.DataFrame({"c": ["1"], "d": [DAY], "a": [3.5]} | columns)


def xlsx(rows: list[list[Any]], first_row: int = 1, **others: list[list[Any]]) -> bytes:
    """Return a workbook with `rows` on its sheet Sales, and further sheets by name."""
    office = "http://schemas.openxmlformats.org"
    main, relations = f"{office}/spreadsheetml/2006/main", f"{office}/officeDocument/2006/relationships"
    package = f"{office}/package/2006"
    sheets = {"Sales": rows} | others
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        + f'<Relationship Id="styles" Type="{relations}/styles" Target="styles.xml"/></Relationships>',
        # style 1 is a date, style 2 a date with its hour
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    for n, cells in enumerate(sheets.values(), 1):
        lines = ""
        for at, row in enumerate(cells, first_row):
            values = "".join(_cell(value, f"{letter}{at}") for letter, value in zip(LETTERS, row, strict=False))
            lines += f'<row r="{at}">{values}</row>'
        files[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>'
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return workbook.getvalue()


def _cell(value: Any, at: str) -> str:
    match value:
        case None:
            return ""
        case dt.datetime():
            return f'<c r="{at}" s="2"><v>{(value - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)}</v></c>'
        case dt.date():
            return f'<c r="{at}" s="1"><v>{(value - dt.date(1899, 12, 30)).days}</v></c>'
        case int() | float():
            return f'<c r="{at}"><v>{value}</v></c>'
    return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


# the built-in ledger


def test_cdnow_is_read_whole():
    ledger = read("builtin:cdnow", CDNOW)
    rows = ledger.rows
    assert rows.height == ledger.account.rows_read == 69_659
    assert rows["customer"].n_unique() == 23_570
    assert rows["amount"].sum() == pytest.approx(2_500_315.63, abs=0.005)
    assert (rows["date"].min(), rows["date"].max()) == (dt.date(1997, 1, 1), dt.date(1998, 6, 30))
    assert rows["customer"].str.len_chars().unique().to_list() == [5]
    assert rows.drop("source", "row").row(0) == ("00001", dt.date(1997, 1, 1), 11.77, "sale")
    assert ledger.quarantine.is_empty()


def test_the_columns_have_the_contracts_names_and_types():
    schema = {"customer": pl.String, "date": pl.Date, "amount": pl.Float64, "kind": pl.String}
    schema |= {"source": pl.Categorical, "row": pl.Int64}
    assert dict(read("builtin:cdnow", CDNOW).rows.schema) == schema


@pytest.mark.parametrize("name", ["", "CDNOW", "../cdnow", "donations"])
def test_an_unknown_built_in_ledger_is_refused_with_those_there_are(name):
    (line,) = problems_of(f"builtin:{name}")
    assert line == f"ledger.path: there is no built-in ledger '{name}'; there is: cdnow, wholesale."


# text files


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(file, delimiter):
    path = file((HEADER + ROW).replace(",", delimiter))
    assert read(path).rows.drop("source", "row").row(0) == ("1", DAY, 3.5, "sale")


@pytest.mark.parametrize("delimiter", [" ", "~", "\x01"])
def test_another_delimiter_is_set(file, delimiter):
    path = file((HEADER + ROW).replace(",", delimiter))
    assert read(path, delimiter=delimiter).rows.drop("source", "row").row(0) == ("1", DAY, 3.5, "sale")


def test_a_delimiter_inside_quotes_does_not_count(file):
    path = file('c;d;a;"a, b, c, d, e"\n1;2024-01-02;3.5;x\n')
    assert read(path).rows.drop("source", "row").row(0) == ("1", DAY, 3.5, "sale")


@pytest.mark.parametrize("name", ["sales.csv", "sales.CSV", "sales.txt", "sales.tsv"])
def test_text_files_are_known_by_their_ending(file, name):
    assert read(file((HEADER + ROW).replace(",", "\t"), name)).account.rows_read == 1


@pytest.mark.parametrize(
    ("encoding", "mark", "hint"),
    [
        ("utf-8", b"", None),
        ("utf-8", b"\xef\xbb\xbf", None),
        ("utf-8", b"\xef\xbb\xbf", "utf-8"),
        ("utf-16-le", b"\xff\xfe", None),
        ("utf-16-be", b"\xfe\xff", None),
        ("utf-16-le", b"", "utf-16-le"),
        ("cp1251", b"", "cp1251"),
    ],
)
def test_encodings_are_told_by_their_mark_or_by_the_hint(file, encoding, mark, hint):
    path = file(mark + "клиент,d,a\nПетя,2024-01-02,3\n".encode(encoding))
    ledger = read(path, COLUMNS | {"customer": "клиент"}, encoding=hint)
    assert ledger.rows["customer"].to_list() == ["Петя"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_as_on_any_system(file, end, last):
    text = end.join(["c,d,a", "1,2024-01-02,3", "2,2024-01-02,4"]) + end * last
    assert read(file(text)).rows["customer"].to_list() == ["1", "2"]


def test_a_quoted_value_keeps_its_line_breaks_delimiters_and_quotes(file):
    path = file('c,d,a,p\n1,2024-01-02,3,"two\nlines, and a "" mark"\n2,2024-01-02,4,x\n')
    ledger = read(path, COLUMNS | {"product": "p"})
    assert ledger.rows["product"].to_list() == ['two\nlines, and a " mark', "x"]


@pytest.mark.parametrize(
    "product", ['5" disk', '5" by 6" disk', 'ООО "Ромашка"', ' "Ромашка"'], ids=["one", "two", "name", "space"]
)
def test_a_quotation_mark_inside_an_unquoted_value_is_part_of_it(file, product):
    path = file(f"c,p,d,a\n1,{product},2024-01-02,3\n2,{product},2024-01-02,4\n3,x,2024-01-02,5\n")
    ledger = read(path, COLUMNS | {"product": "p"})
    assert ledger.rows["product"].to_list() == [product.strip(), product.strip(), "x"]
    assert ledger.rows["amount"].to_list() == [3, 4, 5]


def test_stray_quotation_marks_never_merge_rows(file):
    path = file('p,q,r,c,d,a\n"a""b", ",11,1,2024-01-02,3\n\n"",1"a,"a,b",2,2024-01-02,4\nx,y,z,3,2024-01-02,5\n')
    assert read(path).rows.select("customer", "amount").rows() == [("1", 3), ("2", 4), ("3", 5)]


@pytest.mark.parametrize(
    "text",
    [
        "\n\nc,d,a\n\n1,2024-01-02,3\n\n\n2,2024-01-02,4\n\n\n",
        "c,d,a\n,,\n1,2024-01-02,3\n   \n2,2024-01-02,4\n , , \n",
        'c,d,a\n"","",""\n1,2024-01-02,3\n""\n2,2024-01-02,4\n',
    ],
    ids=["no characters", "spaces and delimiters", "quoted nothing"],
)
def test_lines_without_any_value_are_no_rows(file, text):
    ledger = read(file(text))
    assert ledger.rows["customer"].to_list() == ["1", "2"]
    assert ledger.account.rows_read == 2


def test_the_header_may_stand_further_down(file):
    path = file("Report of sales;;\nmade, on, a, Monday\nc,d,a\n1,2024-01-02,3\n")
    assert read(path, header_row=3).account.rows_read == 1


def test_spaces_around_names_in_the_header_do_not_count(file):
    assert read(file(' c ,"d ", a\n1,2024-01-02,3\n'), COLUMNS | {"date": " d"}).account.rows_read == 1


def test_names_may_be_any_text(file):
    path = file('"Client\nID",2,"sum, total"\n1,2024-01-02,3\n')
    assert read(path, {"customer": "Client\nID", "date": "2", "amount": "sum, total"}).account.rows_read == 1


def test_columns_nobody_asks_for_may_repeat_or_have_no_name(file):
    path = file("c,d,a,x,x, x,,,x_duplicated_0\n1,2024-01-02,3,1,2,3,4,5,6\n")
    assert read(path).rows.drop("source", "row").row(0) == ("1", DAY, 3.0, "sale")


def test_the_names_of_the_contract_may_mean_something_else_in_the_file(file):
    path = file("date,customer,amount\n1,2024-01-02,3\n")
    columns = {"customer": "date", "date": "customer", "amount": "amount"}
    assert read(path, columns).rows.drop("source", "row").row(0) == ("1", DAY, 3.0, "sale")


def test_one_column_may_have_two_meanings(file):
    ledger = read(file(HEADER + ROW), COLUMNS | {"order": "c", "cost": "a"})
    assert ledger.rows.select("customer", "order", "amount", "cost").row(0) == ("1", "1", 3.5, 3.5)


# keys


def test_keys_are_exactly_as_written(file):
    keys = ["00123", "123", "123.0", "1e5", " 12 3 ", "Петя É", "null", "NA", "nan", "0", "-1", "a\tb"]
    path = file(HEADER + "".join(f'"{key}",2024-01-02,3\n' for key in keys))
    assert read(path).rows["customer"].to_list() == keys


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (pl.Series([7, 123]), ["7", "123"]),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), ["18446744073709551615"]),
        (pl.Series([123.0, 7.0]), ["123", "7"]),
        (pl.Series([1.5, 2.0]), ["1.5", "2"]),
        (pl.Series([1e20]), ["1e+20"]),
        (pl.Series([16777216.0], dtype=pl.Float32), ["16777216"]),
        (pl.Series(["00123"], dtype=pl.Categorical), ["00123"]),
        (pl.Series([True]), ["true"]),
    ],
)
def test_typed_keys_become_text_without_the_point_of_a_spreadsheet(file, keys, shown):
    path = file(pl.DataFrame({"c": keys, "d": [DAY] * len(keys), "a": [1.0] * len(keys)}), "s.parquet")
    assert read(path).rows["customer"].to_list() == shown


@pytest.mark.parametrize("key", ["", "   ", '""', '"  "', "\u00a0"])
def test_a_row_without_a_customer_is_refused(file, key):
    (line,) = problems_of(file(HEADER + ROW + f"{key},2024-01-02,3\n"))
    assert line == ("sales.csv: no customer in row 3 ('') (column 'c'). Fill in the customer or take these rows out.")


@pytest.mark.parametrize("key", [None, float("nan"), float("inf")])
def test_a_typed_row_without_a_customer_is_refused(file, key):
    path = file(pl.DataFrame({"c": [7.0, key], "d": [DAY] * 2, "a": [1.0] * 2}), "s.parquet")
    (line,) = problems_of(path)
    assert line.startswith("s.parquet: no customer in row 2 (")


# dates

AT = dt.datetime(2024, 1, 13, 10, 30)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2024-01-13", DAY.replace(day=13)),
        ("2024-1-13", DAY.replace(day=13)),
        (" 2024-01-13 ", DAY.replace(day=13)),
        ("2024/01/13", DAY.replace(day=13)),
        ("20240113", DAY.replace(day=13)),
        ("13.01.2024", DAY.replace(day=13)),
        ("13.1.2024", DAY.replace(day=13)),
        ("13/01/2024", DAY.replace(day=13)),
        ("01/13/2024", DAY.replace(day=13)),
        ("01/01/2024", DAY.replace(day=1)),
        ("2024-01-13 00:00:00", DAY.replace(day=13)),
        ("2024-01-13 10:30", AT),
        ("2024-01-13 10:30:00", AT),
        ("2024-01-13 10:30:00.500", AT.replace(microsecond=500_000)),
        ("2024-01-13T10:30", AT),
        ("2024-01-13T10:30:00", AT),
        ("2024-01-13T10:30:00.5", AT.replace(microsecond=500_000)),
        ("13.01.2024 10:30", AT),
        ("01/13/2024 10:30:00", AT),
        # the customer's clock counts, whatever the zone
        ("2024-01-13T10:30:00Z", AT),
        ("2024-01-13T10:30:00+03:00", AT),
        ("2024-01-13 10:30:00.000-0500", AT),
        ("2024-01-13 10:30:00+00", AT),
    ],
)
def test_dates_are_read_as_people_write_them(file, written, read_as):
    assert read(file(f"{HEADER}1,{written},3\n")).rows["date"].to_list() == [read_as]


@pytest.mark.parametrize(
    ("written", "date_format", "read_as"),
    [
        ("01/02/2024", "%d/%m/%Y", dt.date(2024, 2, 1)),
        ("01/02/2024", "%m/%d/%Y", DAY),
        ("02.01.24", "%d.%m.%y", DAY),
        ("2 Jan 2024", "%d %b %Y", DAY),
        ("1/13/2024 10:30 AM", "%m/%d/%Y %I:%M %p", AT),
        ("1705141800", "%s", AT),
        ("2024-01-13T10:30:00+0300", "%Y-%m-%dT%H:%M:%S%z", AT),
        ("2024-01-13 10:30:00 +03:00", "%Y-%m-%d %H:%M:%S %z", AT),
    ],
)
def test_a_date_format_settles_how_dates_read(file, written, date_format, read_as):
    assert read(file(f"{HEADER}1,{written},3\n"), date_format=date_format).rows["date"].to_list() == [read_as]


def test_days_before_months_or_after_is_settled_by_any_row_that_tells(file):
    path = file(f"{HEADER}1,01/02/2024,3\n2,13/02/2024,3\n")
    assert read(path).rows["date"].to_list() == [dt.date(2024, 2, 1), dt.date(2024, 2, 13)]


def test_dates_that_mean_the_same_either_way_need_no_settling(file):
    path = file(f"{HEADER}1,01/01/2024,3\n2,02/02/2024,3\n")
    assert read(path).rows["date"].to_list() == [dt.date(2024, 1, 1), dt.date(2024, 2, 2)]


def test_dates_that_no_row_settles_are_refused_with_both_readings(file):
    (line,) = problems_of(file(f"{HEADER}1,01/01/2024,3\n2,01/02/2024,3\n"))
    assert line == (
        "sales.csv: '01/02/2024' reads as %d/%m/%Y and as %m/%d/%Y, and no row tells which. "
        "Set ledger.date_format to one of them."
    )


def test_ambiguous_dates_stay_ambiguous_beside_ones_that_cannot_be_read(file):
    lines = problems_of(file(f"{HEADER}1,,3\n2,soon,3\n3,01/02/2024,3\n"))
    assert lines[0].startswith("sales.csv: '01/02/2024' reads as ")
    assert "in rows 2 (''), 3 ('soon')" in lines[1]


@pytest.mark.parametrize(
    ("first", "second"),
    [("2024-01-02", "02.01.2024"), ("2024-01-02", "2024-01-02 10:00"), ("13/02/2024", "02/13/2024")],
)
def test_two_ways_to_write_a_date_are_refused_in_the_row_that_leaves_the_first(file, first, second):
    (line,) = problems_of(file(f"{HEADER}1,{first},3\n2,{second},3\n"))
    assert f"no date that can be read in row 3 ('{second}')" in line


def test_rows_that_contradict_each_other_are_no_question_of_the_format(file):
    (line,) = problems_of(file(f"{HEADER}1,13/02/2024,3\n2,02/13/2024,3\n3,03/04/2024,3\n"))
    assert "no date that can be read in row 3 ('02/13/2024')" in line


def test_an_hour_in_one_row_makes_every_date_a_time(file):
    path = file(f"{HEADER}1,2024-01-02 00:00,3\n2,2024-01-02 10:00,3\n")
    assert read(path).rows["date"].to_list() == [dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 10)]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "soon",
        "null",
        "NaT",
        "2024",
        "2024-01",
        "2024-02-30",
        "2024-13-01",
        "02.01.24",
        "01/02/24",
        "0024-01-02",
        "1899-12-31",
        "9999-12-31",
        "45293",
        "-1",
        "٢٠٢٤-٠١-٠٢",
    ],
)
def test_what_is_no_date_of_a_purchase_is_refused(file, written):
    lines = problems_of(file(f"{HEADER}1,2024-01-02,3\n2,{written},3\n"))
    assert lines == (
        f"sales.csv: no date that can be read in row 3 ('{written}') (column 'd'). "
        "Mend these rows, or set ledger.date_format, for example to %d.%m.%Y.",
    )


@pytest.mark.parametrize("date_format", ["%d.%m.%Y", "%Y", "%", "%Q", "%H:%M", "%Y-%m-%d %H", "%%"])
def test_a_date_format_that_reads_nothing_is_named_in_the_remedy(file, date_format):
    (line,) = problems_of(file(HEADER + ROW), date_format=date_format)
    assert f"Mend these rows, or ledger.date_format, which is '{date_format}'." in line


@pytest.mark.parametrize(
    ("dates", "read_as"),
    [
        (pl.Series([DAY]), DAY),
        (pl.Series(["2024-01-02"]), DAY),
        (pl.Series([19970101]), dt.date(1997, 1, 1)),
        (pl.Series([19970101.0]), dt.date(1997, 1, 1)),
        (pl.Series([dt.datetime(2024, 1, 2)]), DAY),
        (pl.Series([AT]).dt.cast_time_unit("ns"), AT),
        (pl.Series([AT]).dt.cast_time_unit("ms"), AT),
        # half past eleven in the evening in New York is the next day in Greenwich
        (
            pl.Series([dt.datetime(2024, 1, 2, 23, 30)]).dt.replace_time_zone("America/New_York"),
            dt.datetime(2024, 1, 2, 23, 30),
        ),
    ],
    ids=["date", "text", "whole number", "number", "midnight", "nanoseconds", "milliseconds", "zone"],
)
def test_typed_dates_are_read_on_the_customers_clock(file, dates, read_as):
    assert read(file(table(d=dates), "s.parquet")).rows["date"].to_list() == [read_as]


@pytest.mark.parametrize("date", [dt.date(1800, 1, 1), dt.datetime(1899, 12, 31), dt.datetime(9999, 12, 31), None])
def test_typed_dates_are_refused_like_written_ones(file, date):
    path = file(
        pl.DataFrame({"c": ["1", "2"], "d": [dt.datetime(2024, 1, 2), date], "a": [1, 1]}, strict=False), "s.pq"
    )
    (line,) = problems_of(path)
    assert line.startswith("s.pq: no date that can be read in row 2 (")


# numbers


@pytest.mark.parametrize(
    ("written", "hints", "value"),
    [
        ("3", {}, 3),
        ("-3.5", {}, -3.5),
        ("+3.5", {}, 3.5),
        (".5", {}, 0.5),
        ("1e3", {}, 1000),
        ("0", {}, 0),
        ("1 234.5", {}, 1234.5),
        ("$1'234.5", {}, 1234.5),
        ("3,5", {}, 3.5),
        ("3,50 ₽", {}, 3.5),
        ("1 234,50", {}, 1234.5),
        ("1\u00a0234,50", {}, 1234.5),
        ("1\u202f234 567,5", {}, 1_234_567.5),
        ("1.234,50", {"decimal": ","}, 1234.5),
        ("1.234", {"decimal": ","}, 1234),
        ("12,5", {"decimal": ","}, 12.5),
        ("1,234.50", {"decimal": "."}, 1234.5),
        ("1,234", {"decimal": "."}, 1234),
        ("1,00,000.5", {"decimal": "."}, 100_000.5),
        ("1,234", {"thousands": ","}, 1234),
        ("1.234,5", {"thousands": "."}, 1234.5),
        ("-1.234.567", {"thousands": "."}, -1_234_567),
        ("1_234,5", {"thousands": "_"}, 1234.5),
        ("1 234,5", {"thousands": " "}, 1234.5),
    ],
)
def test_numbers_are_read_as_people_write_them(file, written, hints, value):
    assert read(file(f"c;d;a\n1;2024-01-02;{written}\n"), **hints).rows["amount"].to_list() == [value]


@pytest.mark.parametrize(
    ("written", "hints"),
    [
        ("", {}),
        ("   ", {}),
        ("three", {}),
        ("nan", {}),
        ("NaN", {}),
        ("inf", {}),
        ("-Infinity", {}),
        ("1e400", {}),
        ("null", {}),
        ("true", {}),
        ("0x10", {}),
        ("1_000", {}),
        ("--5", {}),
        ("-", {}),
        ("12.5.0", {}),
        ("5%", {}),
        ("(100)", {}),
        ("=1+2", {}),
        # one and a half or fifteen hundred?
        ("1,500", {}),
        ("1.234,50", {}),
        # a hint that a value contradicts must not make it a hundred times larger
        ("12.50", {"decimal": ","}),
        ("12,50", {"decimal": "."}),
        ("12.50", {"decimal": ",", "thousands": " "}),
        ("12.5", {"thousands": "."}),
        ("1.2.345", {"thousands": "."}),
    ],
)
def test_what_is_no_finite_number_is_refused(file, written, hints):
    (line,) = problems_of(file(f"c;d;a\n1;2024-01-02;{written}\n"), **hints)
    assert line == (
        f"sales.csv: no number that can be read in row 2 ('{written.strip()}') (column 'a'). "
        "Mend these rows, or set ledger.decimal and ledger.thousands."
    )


def test_a_comma_is_no_decimal_sign_where_another_row_has_a_point(file):
    (line,) = problems_of(file("c;d;a\n1;2024-01-02;1,5\n2;2024-01-02;1.5\n"))
    assert "in row 2 ('1,5')" in line


@pytest.mark.parametrize(
    ("amounts", "value"),
    [
        (pl.Series(["3,5"]), 3.5),
        (pl.Series([3]), 3.0),
        (pl.Series([3.5], dtype=pl.Float32), 3.5),
        (pl.Series(["3.50"]).cast(pl.Decimal(10, 2)), 3.5),
    ],
)
def test_typed_amounts_are_read(file, amounts, value):
    assert read(file(table(a=amounts), "s.parquet")).rows["amount"].to_list() == [value]


@pytest.mark.parametrize("amount", [None, float("nan"), float("inf"), float("-inf")])
def test_typed_amounts_are_refused_like_written_ones(file, amount):
    path = file(pl.DataFrame({"c": ["1", "2"], "d": [DAY] * 2, "a": [1.0, amount]}), "s.parquet")
    (line,) = problems_of(path)
    assert line.startswith("s.parquet: no number that can be read in row 2 (")


def test_the_amount_is_quantity_times_unit_price_where_there_is_none(file):
    path = file("c,d,q,u\n1,2024-01-02,2,1.5\n2,2024-01-02,0,4\n")
    ledger = read(path, {"customer": "c", "date": "d", "quantity": "q", "unit_price": "u"})
    assert ledger.rows.select("quantity", "unit_price", "amount").rows() == [(2, 1.5, 3), (0, 4, 0)]


@pytest.mark.parametrize(
    ("quantity", "price", "column"), [("", "1", "q"), ("x", "1", "q"), ("1", "", "u"), ("1e200", "1e200", "u")]
)
def test_an_amount_that_cannot_be_computed_is_refused(file, quantity, price, column):
    path = file(f"c,d,q,u\n1,2024-01-02,{quantity},{price}\n")
    (line,) = problems_of(path, {"customer": "c", "date": "d", "quantity": "q", "unit_price": "u"})
    assert "number" in line
    assert f"in row 2 ('{quantity if column == 'q' else price}') (column '{column}')" in line


@pytest.mark.parametrize("empty", ["", '""', " "])
def test_an_optional_number_may_be_empty_but_not_wrong(file, empty):
    columns = COLUMNS | {"cost": "k"}
    assert read(file(f"c,d,a,k\n1,2024-01-02,2,{empty}\n"), columns).rows["cost"].to_list() == [None]
    (line,) = problems_of(file("c,d,a,k\n1,2024-01-02,2,\n2,2024-01-02,2,x\n"), columns)
    assert "no number that can be read in row 3 ('x') (column 'k')" in line


def test_optional_text_loses_its_outer_spaces_and_may_be_missing(file):
    columns = COLUMNS | {"product": "p", "channel": "q"}
    path = file("c,d,a,p,q\n1,2024-01-02,2, tea ,\n2,2024-01-02,2,,  \n")
    assert read(path, columns).rows.select("product", "channel").rows() == [("tea", None), (None, None)]


def test_an_order_kept_as_a_number_by_a_spreadsheet_is_read_as_written(file):
    path = file(table(o=[1001.0]), "s.parquet")
    assert read(path, COLUMNS | {"order": "o"}).rows["order"].to_list() == ["1001"]


# returns


def test_returns_take_money_back_however_the_source_marks_them(file):
    path = file(
        "c,d,a,k\n"
        "1,2024-01-02,2,Sale\n"
        "2,2024-01-02,5, RETURN \n"
        "3,2024-01-02,-5,sale\n"
        "4,2024-01-02,-5,refund\n"
        "5,2024-01-02,0,purchase\n"
    )
    ledger = read(path, COLUMNS | {"kind": "k"})
    assert ledger.rows["kind"].to_list() == ["sale", "return", "return", "return", "sale"]
    assert ledger.rows["amount"].to_list() == [2, -5, -5, -5, 0]


def test_a_negative_amount_is_a_return_where_the_source_has_no_kind(file):
    ledger = read(file(f"{HEADER}1,2024-01-02,5\n1,2024-01-02,-5\n"))
    assert ledger.rows["kind"].to_list() == ["sale", "return"]


@pytest.mark.parametrize(("quantity", "price"), [(-1, 4), (1, -4), (-1, -4)])
def test_a_negative_quantity_or_price_is_a_return(file, quantity, price):
    path = file(f"c,d,q,u\n1,2024-01-02,{quantity},{price}\n")
    ledger = read(path, {"customer": "c", "date": "d", "quantity": "q", "unit_price": "u"})
    assert ledger.rows.select("kind", "amount").row(0) == ("return", -4)


def test_a_kind_that_is_neither_sale_nor_return_is_refused(file):
    path = file("c,d,a,k\n1,2024-01-02,2,sale\n2,2024-01-02,5,\n3,2024-01-02,5,gift\n")
    (line,) = problems_of(path, COLUMNS | {"kind": "k"})
    assert line == (
        "sales.csv: neither 'sale' nor 'return' in rows 3 (''), 4 ('gift') (column 'k'). Name each row one of the two."
    )


# rows of the source


@pytest.mark.parametrize(
    ("text", "hints", "row"),
    [
        ("c,d,a\n1,2024-01-02,x\n", {}, 2),
        ("c,d,a\n\n\n1,2024-01-02,3\n\n2,2024-01-02,x\n", {}, 6),
        ("c,d,a\n,,\n1,2024-01-02,3\n,,\n2,2024-01-02,x\n", {}, 5),
        ("\n\nc,d,a\n1,2024-01-02,x\n", {}, 4),
        ("\r\n\r\nc,d,a\r\n1,2024-01-02,x\r\n", {}, 4),
        ("\nc;d;a\n1;2024-01-02;x\n", {}, 3),
        ("title\n\nc,d,a\n1,2024-01-02,x\n", {"header_row": 3}, 4),
        ("title\n\n\nc,d,a\n1,2024-01-02,x\n", {"header_row": 3}, 5),
        # a value of two lines is one row to a spreadsheet
        ('c,d,a,n\n1,2024-01-02,3,"a\nb"\n2,2024-01-02,x,q\n', {}, 3),
        # read by the other of two readers
        ('c,d,a,n\n\n1,2024-01-02,3,5" disk\n\n2,2024-01-02,x,6" disk\n', {}, 5),
    ],
)
def test_a_bad_row_is_named_by_its_number_in_the_file(file, text, hints, row):
    (line,) = problems_of(file(text), **hints)
    assert f"no number that can be read in row {row} ('x')" in line


def test_many_bad_rows_are_counted_and_the_first_shown(file):
    (line,) = problems_of(file(HEADER + "1,2024-01-02,x\n" * 1005))
    assert "in rows 2 ('x'), 3 ('x'), 4 ('x') and 1,002 more (column 'a')" in line


def test_every_kind_of_problem_gets_a_line(file):
    lines = problems_of(file(f"{HEADER},soon,x\n"))
    assert [line.split(" in row 2")[0] for line in lines] == [
        "sales.csv: no customer",
        "sales.csv: no date that can be read",
        "sales.csv: no number that can be read",
    ]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("<script>alert(1)</script>", "'<script>alert(1)</script>'"),
        ("two\nlines", r"'two\nlines'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("right\u202eleft", r"'right\u202eleft'"),
        ("x" * 5000, f"'{'x' * 37}...'"),
        ("=cmd|'/c calc'!A1", "\"=cmd|'/c calc'!A1\""),
    ],
)
def test_a_hostile_cell_is_shown_short_and_on_one_line(file, cell, shown):
    (line,) = problems_of(file(f'{HEADER}1,"{cell}",3\n'))
    assert f"row 2 ({shown})" in line


def test_hostile_names_are_shown_short_and_on_one_line(file):
    names = ['"c\n<b>"', "\x1b[31m", *("h" * 900 + str(n) for n in range(30))]
    for line in problems_of(file(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")):
        assert r"The file has: 'c\n<b>', '\x1b[31m', 'hhh" in line


# what is no ledger


NO_LEDGER = {
    "nothing": ("", ["the file is empty", "Export it again"]),
    "a blank line": ("\n", ["no header from row 1 on"]),
    "blank lines": ("\r\n\r\n  \r\n", ["no header from row 1 on"]),
    "a mark alone": (b"\xef\xbb\xbf", ["no header from row 1 on"]),
    "a header alone": ("c,d,a", ["no rows", "Export it again"]),
    "a header and blank lines": ("c,d,a\n\n,,\n", ["no rows"]),
    "bytes": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ["no text file", "Export it as CSV"]),
    "a NUL in a cell": ("c,d,a\n1,2024-01-02,\0\n", ["no text file"]),
    "UTF-16 without a mark": ((HEADER + ROW).encode("utf-16-le"), ["no text file"]),
    "UTF-32": ((HEADER + ROW).encode("utf-32"), ["NUL"]),
    "a workbook": (xlsx([["c", "d", "a"], ["1", DAY, 3]]), ["no text file", "ending"]),
    "another encoding": (b"c,d,a\n1,2024-01-02,3\n\xcf\xe5\xf2\xff,2024-01-02,3\n", ["row 3", "ledger.encoding"]),
    "half a character": ((HEADER + "é").encode()[:-1], ["row 2", "ledger.encoding"]),
    "a row too long": (HEADER + ROW + "1,2024-01-02,3,4\n", ["row 3 has 4 fields", "header has 3", "','"]),
    "a row too short": (HEADER + ROW + "1,2024-01-02\n", ["row 3 has 2 fields", "header has 3"]),
    "a row of one": (HEADER + ROW + "total\n", ["row 3 has 1 field where"]),
    "a long row after a value of two lines": (f'{HEADER}"1\n2",2024-01-02,3\n1,2,3,4\n', ["row 3 has 4 fields"]),
    "a quote left open": (HEADER + ROW + '1,2024-01-02,"3\n2,2024-01-02,4\n', ["row 3", "quotation mark"]),
    "text after a quote": (HEADER + '"Ромашка" ООО,2024-01-02,3\n', ["row 2", "quotation mark"]),
    "an open quote in the header": ('"c,d,a\n1,2024-01-02,3\n', ["row 1", "quotation mark"]),
    "one huge cell": (f"{HEADER}1,2024-01-02,{'x' * 200_000}\n", ["row 2", "131072"]),
    "one huge word": ("x" * 1_000_000, ["row 1", "131072"]),
    "a column twice": ("c,d,a,c\n1,2024-01-02,3,1\n", ["two columns are called 'c'", "Rename one"]),
    "a column twice but for spaces": ("c,d,a, c \n1,2024-01-02,3,1\n", ["two columns are called 'c'"]),
    "a line about the delimiter": ("sep=;\nc;d;a\n1;2024-01-02;3\n", ["row 2 has 3 fields where the header has 2"]),
}


@pytest.mark.parametrize(("content", "says"), NO_LEDGER.values(), ids=NO_LEDGER)
def test_what_is_no_ledger_is_refused_in_one_line_that_names_the_file(file, content, says):
    (line,) = problems_of(file(content))
    assert "sales.csv: " in line
    for part in says:
        assert part in line


@pytest.mark.parametrize("encoding", ["ascii", "utf-16", "utf-32", "cp932", "utf-7", "unicode_escape"])
def test_a_hint_of_the_wrong_encoding_is_refused(file, encoding):
    path = file(b"c,d,a\n1,2024-01-02,\\ud800\xff\xf0\xa0\x80 +2AA-\n")
    assert all("sales.csv: " in line for line in problems_of(path, encoding=encoding))


def test_a_missing_column_is_refused_with_the_columns_there_are(file):
    (line,) = problems_of(file("customer,d,a\n1,2024-01-02,3\n"))
    assert line == (
        "sales.csv: there is no column 'c' (ledger.columns.customer). The file has: 'customer', 'd', 'a'. "
        "Mend ledger.columns, or set ledger.header_row or ledger.delimiter."
    )


def test_every_missing_column_gets_a_line(file):
    assert len(problems_of(file("C;D;A\n1;2024-01-02;3\n"))) == 3


@pytest.mark.parametrize("row", [3, 1000])
def test_a_header_row_below_the_last_line_is_refused(file, row):
    (line,) = problems_of(file(HEADER + ROW), header_row=row)
    assert f"there is no header from row {row} on. Set ledger.header_row." in line


@pytest.mark.parametrize("name", ["sales", "sales.json", "sales.csv.gz", "sales.csv~"])
def test_an_unknown_ending_is_refused_with_the_known_ones(file, name):
    path = file(HEADER + ROW, name)
    (line,) = problems_of(path)
    assert line.startswith(f"{path}: '{path.suffix}' is no table's ending read here")
    assert ".csv, .txt, .tsv, .parquet or .xlsx" in line


@pytest.mark.parametrize("name", ["nothing.csv", "no/where.csv"])
def test_a_missing_file_is_refused_with_where_paths_start(tmp_path, name):
    (line,) = problems_of(tmp_path / name)
    assert line.startswith(
        f"ledger.path: there is no {tmp_path / name}. A relative path starts at the project's folder"
    )


def test_a_path_too_long_for_the_system_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"ledger\.path: .* can't be opened"):
        read(tmp_path / ("a" * 5000 + ".csv"))


def test_a_file_that_may_not_be_opened_is_refused(file, monkeypatch):
    def forbid(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = file(HEADER + ROW)
    # permissions don't bind every user that runs tests
    monkeypatch.setattr(Path, "read_bytes", forbid)
    assert problems_of(path) == (f"{path}: can't be read: Permission denied.",)


# Parquet


def test_a_typed_parquet_file_is_read(file):
    assert read(file(table(), "s.parquet")).rows.drop("source", "row").row(0) == ("1", DAY, 3.5, "sale")


def test_a_parquet_files_names_may_have_spaces_around_them(file):
    assert read(file(pl.DataFrame({" c": ["1"], "d ": [DAY], "a": [1]}), "s.pq")).account.rows_read == 1


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([["x"]]),
        pl.Series([{"x": 1}]),
        pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2)),
        pl.Series([b"\xff\xfe"]),
        pl.Series([dt.timedelta(1)]),
    ],
    ids=["list", "struct", "array", "bytes", "duration"],
)
@pytest.mark.parametrize("meaning", ["customer", "date", "amount", "cost", "product", "kind"])
def test_a_column_of_a_kind_that_no_ledger_has_is_refused(file, values, meaning):
    (line,) = problems_of(file(table(x=values), "s.parquet"), COLUMNS | {meaning: "x"})
    assert line.startswith("s.parquet: the column 'x' holds ")


@pytest.mark.parametrize(
    "values", [pl.Series([None]), pl.Series([True]), pl.Series([dt.time(1)]), pl.Series([DAY])], ids=str
)
@pytest.mark.parametrize("meaning", ["amount", "cost", "kind"])
def test_a_column_of_another_kind_is_refused_or_read_but_never_breaks(file, values, meaning):
    path = file(table(x=values), "s.parquet")
    if meaning == "cost" and values[0] is None:
        assert read(path, COLUMNS | {"cost": "x"}).rows["cost"].to_list() == [None]
    else:
        (line,) = problems_of(path, COLUMNS | {meaning: "x"})
        assert "in row 1 (" in line


@pytest.mark.parametrize("frame", [table().clear(), pl.DataFrame()], ids=["no rows", "no columns"])
def test_an_empty_parquet_file_is_refused(file, frame):
    assert all(line.startswith("s.parquet: ") for line in problems_of(file(frame, "s.parquet")))


def parquet_bytes() -> bytes:
    stream = io.BytesIO()
    table().write_parquet(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [parquet_bytes()[:-20], parquet_bytes()[:100], b"PAR1" + b"\0" * 50 + b"PAR1", (HEADER + ROW).encode()],
    ids=["tail cut", "half", "only the marks", "CSV"],
)
def test_a_broken_parquet_file_is_refused(file, content):
    path = file(content, "s.parquet")
    (line,) = problems_of(path)
    assert line.startswith(f"{path}: can't be read as Parquet: ")
    assert line.endswith(" Export it again.")


# Excel

TOP = ["c", "d", "a"]


def test_a_workbook_is_read(file):
    path = file(xlsx([TOP, ["00123", DAY, 3.5], ["7", DAY, 4]]), "s.xlsx")
    assert read(path).rows.drop("source", "row").rows() == [("00123", DAY, 3.5, "sale"), ("7", DAY, 4.0, "sale")]


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ([123, 7], ["123", "7"]),
        ([123, "A7"], ["123", "A7"]),
        ([1.5, 7], ["1.5", "7"]),
        ([" 1 2 ", "x"], [" 1 2 ", "x"]),
    ],
)
def test_a_workbooks_keys_are_as_its_user_sees_them(file, keys, shown):
    path = file(xlsx([TOP, *([key, DAY, 1] for key in keys)]), "s.xlsx")
    assert read(path).rows["customer"].to_list() == shown


@pytest.mark.parametrize(
    ("dates", "read_as"),
    [
        ([DAY, AT], [dt.datetime(2024, 1, 2), AT]),
        (["02.01.2024", "13.01.2024"], [DAY, DAY.replace(day=13)]),
    ],
)
def test_a_workbooks_dates_are_cells_of_dates_or_of_text(file, dates, read_as):
    path = file(xlsx([TOP, *(["1", date, 1] for date in dates)]), "s.xlsx")
    assert read(path).rows["date"].to_list() == read_as


@pytest.mark.parametrize("column", range(3))
def test_a_cell_of_another_type_far_down_is_not_lost(file, column):
    last: list[Any] = [1501, DAY, 1]
    last[column] = "oops"
    path = file(xlsx([TOP, *([key, DAY, 1] for key in range(1500)), last]), "s.xlsx")
    if column == 0:
        assert read(path).rows["customer"].to_list()[-2:] == ["1499", "oops"]
    else:
        (line,) = problems_of(path)
        assert "in row 1502 ('oops')" in line


@pytest.mark.parametrize(
    ("rows", "first_row", "hints", "row"),
    [
        ([TOP, ["1", DAY, "x"]], 1, {}, 2),
        ([TOP, ["1", DAY, 3], [], [], ["2", DAY, "x"]], 1, {}, 5),
        ([TOP, ["1", DAY, 3], [" ", None, ""], ["2", DAY, "x"]], 1, {}, 4),
        ([TOP, ["1", DAY, "x"]], 4, {}, 5),
        ([TOP, ["1", DAY, "x"]], 4, {"header_row": 4}, 5),
        ([["Report"], [], TOP, ["1", DAY, "x"]], 1, {"header_row": 3}, 4),
        ([["Report"], [], TOP, ["1", DAY, "x"]], 2, {"header_row": 4}, 5),
    ],
)
def test_a_workbooks_bad_row_is_named_by_its_number_in_the_sheet(file, rows, first_row, hints, row):
    (line,) = problems_of(file(xlsx(rows, first_row), "s.xlsx"), **hints)
    assert line.startswith(f"s.xlsx: no number that can be read in row {row} ('x') (column 'a').")


def test_cells_that_only_had_a_format_are_no_rows(file):
    path = file(xlsx([TOP, ["1", DAY, 3], [""], ["  "], [None]]), "s.xlsx")
    assert read(path).account.rows_read == 1


def test_a_workbooks_names_may_be_numbers_repeat_or_have_spaces(file):
    path = file(xlsx([[2024, " d", "a ", "x", "x", None], ["1", DAY, 3, 1, 2, 4]]), "s.xlsx")
    assert read(path, COLUMNS | {"customer": "2024"}).account.rows_read == 1


def test_a_workbooks_column_asked_for_must_not_repeat(file):
    (line,) = problems_of(file(xlsx([["c", "d", "a", "a"], ["1", DAY, 3, 4]]), "s.xlsx"))
    assert "two columns are called 'a'. Rename one" in line


@pytest.mark.parametrize("sheet", ["Second", 1])
def test_a_sheet_is_chosen_by_name_or_number_from_0_on(file, sheet):
    path = file(xlsx([["x"]], Second=[TOP, ["1", DAY, 3]]), "s.xlsx")
    assert read(path, sheet=sheet).account.rows_read == 1


@pytest.mark.parametrize("sheet", ["Third", 7])
def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(file, sheet):
    (line,) = problems_of(file(xlsx([TOP], Second=[TOP]), "s.xlsx"), sheet=sheet)
    assert f"there is no sheet {sheet!r} (ledger.sheet). The workbook has: 'Sales', 'Second'." in line


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no header from row 1 on"),
        ([["", " "]], "no header from row 1 on"),
        ([TOP], "no rows"),
        ([["x"]], "no column"),
    ],
)
def test_an_empty_workbook_is_refused(file, rows, says):
    assert all("s.xlsx: " in line and says in line for line in problems_of(file(xlsx(rows), "s.xlsx")))


@pytest.mark.parametrize("ending", ["xlsx", "xls", "xlsb", "ods"])
@pytest.mark.parametrize(
    "content",
    [(HEADER + ROW).encode(), xlsx([TOP])[:700], b"PK\3\4junk", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000],
    ids=["CSV", "cut", "archive", "OLE"],
)
def test_what_is_no_workbook_is_refused(file, content, ending):
    path = file(content, f"s.{ending}")
    (line,) = problems_of(path)
    assert line.startswith(f"{path}: can't be read as a workbook: ")


# whatever the bytes


@pytest.mark.parametrize(
    ("content", "name", "step"),
    [
        ((HEADER + ROW * 3 + '2,"2024-01-03",4\n').encode(), "s.csv", 2),
        (parquet_bytes(), "s.parquet", 7),
        (xlsx([TOP, ["1", DAY, 3.5]]), "s.xlsx", 11),
    ],
    ids=["CSV", "Parquet", "Excel"],
)
def test_a_damaged_file_is_refused_or_read_but_never_breaks(file, content, name, step):
    rng = np.random.default_rng(7)
    refused = 0
    for at in range(0, len(content), step):
        damaged = bytearray(content)
        damaged[at] ^= int(rng.integers(1, 256))
        path = file(bytes(damaged), name)
        try:
            assert read(path).account.rows_read > 0
        except Refusal:
            refused += 1
            problems_of(path)
    assert refused > 0


# folders of files


def test_a_folders_files_are_read_in_the_order_of_their_names(file):
    file(HEADER + "b,2024-01-02,1\n", "b.csv")
    file(HEADER + "a,2024-01-02,1\n", "a.csv")
    folder = file(table(c=["c"]), "c.parquet").parent
    ledger = read(folder)
    assert ledger.rows["customer"].to_list() == ["a", "b", "c"]
    assert ledger.account.rows_read == 3


def test_each_file_of_a_folder_is_read_in_its_own_way(file):
    file("c;d;a;x\n1;02.01.2024;3,5;9\n", "a.csv")
    file("a,c,d\n1234.5,2,2024-01-02 10:00\n", "b.csv")
    folder = file(xlsx([["d", "c", "a"], [DAY, 3, 1]]), "c.xlsx").parent
    assert read(folder).rows.drop("source", "row").rows() == [
        ("1", dt.datetime(2024, 1, 2), 3.5, "sale"),
        ("2", dt.datetime(2024, 1, 2, 10), 1234.5, "sale"),
        ("3", dt.datetime(2024, 1, 2), 1.0, "sale"),
    ]


def test_lock_files_hidden_files_other_files_and_subfolders_are_passed_over(file):
    for name in ("~$sales.xlsx", ".sales.csv", "notes.md", "old/sales.csv"):
        file("no ledger", name)
    folder = file(HEADER + ROW).parent
    (folder / "folder.csv").mkdir()
    assert read(folder).account.rows_read == 1


def test_a_file_with_a_header_alone_is_a_month_without_sales(file):
    file(HEADER, "january.csv")
    assert read(file(HEADER + ROW, "february.csv").parent).account.rows_read == 1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("", "the file is empty"),
        ("c,d\n1,2024-01-02\n", "there is no column 'a'"),
        ("c,d,a\n1,2024-01-02,x\n", "in row 2 ('x')"),
        ("c,d,a\n1,2024-01-02\n", "row 2 has 2 fields"),
    ],
)
def test_the_bad_file_of_a_folder_is_named(file, bad, says):
    file(HEADER + ROW, "a.csv")
    file(HEADER + ROW, "c.csv")
    (line,) = problems_of(file(bad, "b.csv").parent)
    assert "b.csv: " in line
    assert says in line


def test_every_bad_file_of_a_folder_is_named(file):
    file("c,d,a\n1,2024-01-02,x\n", "a.csv")
    lines = problems_of(file("c,d,a\n1,soon,3\n", "b.csv").parent)
    assert [line.split(":")[0] for line in lines] == ["a.csv", "b.csv"]


@pytest.mark.parametrize("name", [None, "notes.md", "~$sales.xlsx"])
def test_a_folder_without_ledger_files_is_refused(tmp_path, file, name):
    if name:
        file("x", name)
    (line,) = problems_of(tmp_path)
    assert line == f"ledger.path: the folder {tmp_path} holds no CSV, Parquet or Excel file."


# the fingerprint


def test_the_fingerprint_changes_with_any_byte_and_not_with_the_place(file, tmp_path):
    first = read(file(HEADER + ROW, "a.csv")).fingerprint
    assert read(file(HEADER + ROW, "b.csv")).fingerprint == first
    assert read(file(HEADER + ROW + "\n", "b.csv")).fingerprint != first
    assert read(tmp_path).fingerprint != first
