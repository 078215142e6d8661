"""A ledger written in any form that is read comes back as it was written: cell by cell, row by row."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import sqlite3
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import odf.opendocument
import odf.table
import odf.teletype
import odf.text
import openpyxl
import polars as pl
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customerbase.ledger import read_ledger
from customerbase.ledger.cells import ERROR_CELLS
from customerbase.parameters import check_parameters

COLUMNS = {"customer": "Client no.", "date": "Day", "amount": "Sum", "product": "Goods"}
LARGEST = 10**12  # cents
# the last day that two digits of a year can name, and the first after 1970-01-01, which may stand for no date
FIRST, LAST = dt.datetime(1970, 1, 2), dt.datetime(2068, 12, 31, 23, 59, 59)
# control characters (line breaks and tabs are added), halves of a pair, and what is no character
NO_LETTERS: tuple[Literal["Cc", "Cs", "Cn"], ...] = ("Cc", "Cs", "Cn")
WITH_A_MARK = ("utf-8", "utf-8-sig", "utf-16")  # or with letters that tell; the others need the hint
BY_HINT = ("utf-16-le", "utf-16-be", "utf-32", "cp1251", "cp1252", "latin-1", "koi8-r", "cp866")
AWKWARD = [
    *("00123", "123", "1.5", "1e5", "null", "-", "=1+1", "Ж", " x "),
    *('"', '""', "'", "a;b,c|d\te", "two\nlines", "\n."),
]


class Row(NamedTuple):
    """One row of a generated ledger."""

    customer: str
    at: dt.datetime
    cents: int
    product: str | None

    @property
    def amount(self) -> float:
        """The amount as a float."""
        return self.cents / 100


@dataclass(frozen=True)
class TextForm:
    """How a text file is written."""

    delimiter: str
    encoding: str
    decimal: str
    thousands: str
    currency: str
    in_brackets: bool
    without_cents: bool
    date_format: str
    clock_format: str
    line_end: str
    above: tuple[str, ...]
    quotes_all: bool
    packing: str
    is_hinted: bool

    @property
    def hints(self) -> dict[str, Any]:
        """The keys of the parameter file without which this form has two readings, or all there are."""
        hints: dict[str, Any] = {}
        if self.encoding in BY_HINT or self.is_hinted:
            hints["encoding"] = self.encoding
        if self.without_cents or self.is_hinted:
            hints["decimal"] = self.decimal
        if self.date_format in HINTED_DATES or self.is_hinted:
            hints["date_format"] = self.date_format + self.clock_format
        if self.is_hinted:
            hints |= {"delimiter": self.delimiter, "header_row": len(self.above) + 1}
            if self.thousands:
                hints["thousands"] = self.thousands
        return hints


PLAIN = TextForm(
    delimiter=",",
    encoding="utf-8",
    decimal=".",
    thousands="",
    currency="",
    in_brackets=False,
    without_cents=False,
    date_format="%Y-%m-%d",
    clock_format="",
    line_end="\n",
    above=(),
    quotes_all=False,
    packing="",
    is_hinted=False,
)
RUSSIAN_NAMES = (
    "Иванов Пётр",
    'ООО "Окна и двери"',
    "ИП Щукина Ольга",
    "Завод, цех 5",
    "Александр Жуков",
    "Торговый дом Южный",
    "Съёмочная группа",
    "Эльвира Хабибуллина",
)
DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %b %Y"),
    *("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"),
)
HINTED_DATES = ("%d/%m/%y", "%m/%d/%y")
CLOCK_FORMATS = ("", " %H:%M:%S", "T%H:%M:%S", " %H:%M")
# a row that tells day from month, and decimals from thousands
SETTLING = Row("settles", dt.datetime(2001, 12, 31), 123_456_701, None)


@cache
def letters(encoding: str, further: str) -> st.SearchStrategy[str]:
    """Text that an encoding can write, with what is awkward in tables more often than by chance.

    A carriage return is never in it: inside a value it is read as a newline.
    """
    usual = st.text(
        st.characters(codec=encoding, exclude_categories=NO_LETTERS) | st.sampled_from(further), max_size=20
    )
    no_control = {sign for sign in "\n\t" if sign not in further}
    awkward = st.sampled_from([text for text in AWKWARD if _can_write(encoding, text) and no_control.isdisjoint(text)])
    return usual | awkward


def _can_write(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _is_a_key(text: str) -> bool:
    # nothing but spaces names nobody, nor does a formula that failed; where every key is like 7.0 a spreadsheet's 7 is
    return bool(text.strip()) and text.strip() not in ERROR_CELLS and not text.endswith(".0")


@cache
def ledgers(encoding: str = "utf-8", further: str = "\n\t\"',;|") -> st.SearchStrategy[list[Row]]:
    """Rows of purchases and returns."""
    text = letters(encoding, further)
    row = st.builds(
        Row,
        customer=text.filter(_is_a_key),
        at=st.datetimes(FIRST, LAST).map(lambda at: at.replace(microsecond=0)),
        cents=st.integers(-LARGEST, LARGEST) | st.integers(-1000, 1000),
        # outer spaces are taken off, which keys alone keep
        product=st.none() | text.map(str.strip).map(lambda name: name or None),
    )
    return st.lists(row, min_size=1, max_size=8)


@st.composite
def text_forms(draw: st.DrawFn) -> TextForm:
    encoding = draw(st.sampled_from(WITH_A_MARK + BY_HINT))
    decimal = draw(st.sampled_from(".,"))
    thousands = [
        sign for sign in ("", " ", "\u00a0", "\u202f", "'", ",.".replace(decimal, "")) if _can_write(encoding, sign)
    ]
    currency = [sign for sign in ("", "$", " €", " руб.", " USD") if _can_write(encoding, sign)]
    above = [
        line for line in ("Sales report", "", "Отчёт о продажах", "made on 01.02.2024") if _can_write(encoding, line)
    ]
    return TextForm(
        delimiter=draw(st.sampled_from(",;\t|")),
        encoding=encoding,
        decimal=decimal,
        thousands=draw(st.sampled_from(thousands)),
        currency=draw(st.sampled_from(currency)),
        in_brackets=draw(st.booleans()),
        without_cents=draw(st.booleans()),
        date_format=draw(st.sampled_from(DATE_FORMATS + HINTED_DATES)),
        clock_format=draw(st.sampled_from(CLOCK_FORMATS)),
        line_end=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        above=tuple(draw(st.lists(st.sampled_from(above), max_size=3))),
        quotes_all=draw(st.booleans()),
        packing=draw(st.sampled_from(["", ".gz", ".zip"])),
        is_hinted=draw(st.booleans()),
    )


def as_written(cents: int, form: TextForm) -> str:
    whole, part = divmod(abs(cents), 100)
    text = f"{whole:,}".replace(",", form.thousands)
    if part or not form.without_cents:
        text += f"{form.decimal}{part:02}"
    text = f"{form.currency}{text}" if form.currency == "$" else f"{text}{form.currency}"
    if cents >= 0:
        return text
    return f"({text})" if form.in_brackets else f"-{text}"


def as_line(cells: Sequence[str], form: TextForm) -> str:
    """Return a line; csv.writer leaves a newline without quotes where lines end otherwise."""
    signs = {form.delimiter, '"', "\n", "\r"}
    quoted = (
        '"{}"'.format(cell.replace('"', '""')) if form.quotes_all or signs.intersection(cell) else cell
        for cell in cells
    )
    return form.delimiter.join(quoted) + form.line_end


def as_text_file(rows: Sequence[Row], form: TextForm) -> bytes:
    lines = [line + form.line_end for line in form.above]
    lines.append(as_line(list(COLUMNS.values()), form))
    for row in rows:
        date = row.at.strftime(form.date_format + form.clock_format)
        lines.append(as_line([row.customer, date, as_written(row.cents, form), row.product or ""], form))
    content = "".join(lines).encode(form.encoding)
    if form.packing == ".gz":
        return gzip.compress(content)
    if form.packing == ".zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("sales.csv", content)
        return archive.getvalue()
    return content


def assert_read_back(path: Path | str, rows: Sequence[Row], header_at: int = 1, **hints: Any) -> None:
    given_parameters = {"base": "shop", "ledger": {"path": str(path), "columns": COLUMNS, **hints}}
    ledger = read_ledger(check_parameters(given_parameters, where="shop.yml").ledger)
    assert ledger.quarantine.is_empty()
    assert ledger.rows["customer"].to_list() == [row.customer for row in rows]
    assert ledger.rows["date"].cast(pl.Datetime("us")).to_list() == [row.at for row in rows]
    assert ledger.rows["amount"].to_list() == [row.amount for row in rows]
    assert ledger.rows["product"].to_list() == [row.product for row in rows]
    assert ledger.rows["kind"].to_list() == ["return" if row.cents < 0 else "sale" for row in rows]
    assert ledger.rows["row"].to_list() == list(range(header_at + 1, header_at + 1 + len(rows)))
    assert ledger.account.units_read == 100 * sum(row.cents for row in rows)


def examples(how_many: int) -> settings:
    return settings(
        max_examples=how_many,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@st.composite
def text_files(draw: st.DrawFn) -> tuple[list[Row], TextForm]:
    form = draw(text_forms())
    rows = [*draw(ledgers(form.encoding)), SETTLING]
    return [row._replace(at=_without_what_is_not_written(row.at, form)) for row in rows], form


def _without_what_is_not_written(at: dt.datetime, form: TextForm) -> dt.datetime:
    clock = form.clock_format
    return at.replace(
        hour=at.hour if clock else 0, minute=at.minute if clock else 0, second=at.second if "%S" in clock else 0
    )


@examples(80)
@given(text_files())
def test_text_files(written: tuple[list[Row], TextForm]) -> None:
    rows, form = written
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"sales.csv{form.packing}"
        file.write_bytes(as_text_file(rows, form))
        assert_read_back(file, rows, len(form.above) + 1, **form.hints)


@examples(12)
@given(
    st.lists(st.sampled_from(RUSSIAN_NAMES), min_size=6, max_size=12),
    st.sampled_from(["cp1251", "koi8-r", "cp866", "utf-16-le"]),
    st.sampled_from(",;\t|"),
)
def test_russian_text_needs_no_hint(names: list[str], encoding: str, delimiter: str) -> None:
    form = replace(PLAIN, encoding=encoding, delimiter=delimiter)
    rows = [Row(name, dt.datetime(2024, 1, at), 100 * at, name) for at, name in enumerate(names, 1)]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sales.csv"
        file.write_bytes(as_text_file(rows, form))
        assert_read_back(file, rows)


@examples(12)
@given(ledgers(further="\n\"',;|"))
def test_xlsx(rows: list[Row]) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(list(COLUMNS.values()))
    for at, row in enumerate(rows, 2):
        for column, value in enumerate((row.customer, row.at, row.amount, row.product), 1):
            cell = sheet.cell(at, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # and no formula, whatever the text
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sales.xlsx"
        workbook.save(file)
        assert_read_back(file, rows)


@examples(12)
@given(ledgers(further="\n\"',;|"))
def test_xls(rows: list[Row]) -> None:
    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("Sales")
    style = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for at, values in enumerate([tuple(COLUMNS.values()), *((r.customer, r.at, r.amount, r.product) for r in rows)]):
        for column, value in enumerate(values):
            sheet.write(at, column, value, *([style] if isinstance(value, dt.datetime) else []))
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sales.xls"
        workbook.save(str(file))
        assert_read_back(file, rows)


def ods_cell(value: str | dt.datetime | float | None) -> odf.table.TableCell:
    if isinstance(value, str):
        cell = odf.table.TableCell(valuetype="string")
        for line in value.split("\n"):
            paragraph = odf.text.P()
            odf.teletype.addTextToElement(paragraph, line)
            cell.addElement(paragraph)
        return cell
    if isinstance(value, dt.datetime):
        return odf.table.TableCell(valuetype="date", datevalue=value.isoformat())
    return odf.table.TableCell(valuetype="float", value=repr(value)) if value is not None else odf.table.TableCell()


@examples(12)
@given(ledgers(further="\n\"',;|"))
def test_ods(rows: list[Row]) -> None:
    document = odf.opendocument.OpenDocumentSpreadsheet()
    sheet = odf.table.Table(name="Sales")
    for values in [tuple(COLUMNS.values()), *((row.customer, row.at, row.amount, row.product) for row in rows)]:
        line = odf.table.TableRow()
        for value in values:
            line.addElement(ods_cell(value))
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sales.ods"
        document.save(str(file))
        assert_read_back(file, rows)


@examples(12)
@given(ledgers(), st.booleans())
def test_parquet(rows: list[Row], is_exact: bool) -> None:
    amounts = [Decimal(row.cents) / 100 if is_exact else row.amount for row in rows]
    table = pl.DataFrame(
        [[row.customer for row in rows], [row.at for row in rows], amounts, [row.product for row in rows]],
        schema=dict(
            zip(
                COLUMNS.values(),
                (pl.String, pl.Datetime("ms"), pl.Decimal(14, 2) if is_exact else pl.Float64, pl.String),
                strict=True,
            )
        ),
    )
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sales.parquet"
        table.write_parquet(file)
        assert_read_back(file, rows, header_at=0)


@examples(12)
@given(ledgers())
def test_sqlite(rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sales.db"
        connection = sqlite3.connect(file)
        connection.execute('CREATE TABLE sold ("Client no." TEXT, "Day" TEXT, "Sum" REAL, "Goods" TEXT)')
        values = [(row.customer, row.at.isoformat(" "), row.amount, row.product) for row in rows]
        connection.executemany("INSERT INTO sold VALUES (?, ?, ?, ?)", values)
        connection.commit()
        connection.close()
        assert_read_back(f"sqlite:///{file}", rows, header_at=0, query="SELECT * FROM sold ORDER BY rowid")


@examples(10)
@given(ledgers())
def test_duckdb(rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "sales.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                'CREATE TABLE sold (number INTEGER, "Client no." VARCHAR, "Day" TIMESTAMP, "Sum" DECIMAL(14, 2), '
                '"Goods" VARCHAR)'
            )
            values = [(at, row.customer, row.at, Decimal(row.cents) / 100, row.product) for at, row in enumerate(rows)]
            connection.executemany("INSERT INTO sold VALUES (?, ?, ?, ?, ?)", values)
        assert_read_back(f"duckdb:///{file}", rows, header_at=0, query="SELECT * FROM sold ORDER BY number")
