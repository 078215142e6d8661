"""A table of bad and odd ledgers: each is taken in with its rows accounted for, or refused in words that help.

A ledger that is taken in goes through `take_in`; one that is refused goes through the command itself, which must end
with exit code 2, readable lines that name the file and the remedy, no traceback, and nothing written.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
import re
import signal
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import msoffcrypto.format.ooxml
import odf.opendocument
import odf.table
import odf.text
import openpyxl
import polars as pl
import pytest
import xlwt
import yaml
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from typer.testing import CliRunner

from customerbase.cli import app
from customerbase.intake import Intake, take_in
from customerbase.ledger import archives
from customerbase.parameters import read_parameters

# a warning of a library that the user would see on the terminal
pytestmark = pytest.mark.filterwarnings("error:::customerbase")

TODAY = dt.date(2025, 1, 1)
SECONDS_ALLOWED = 60  # a test that opens a pipe would wait for ever
NAMES = ("customer", "date", "amount")
HEADER = "customer,date,amount\n"
PRICED = {"customer": "customer", "date": "date", "quantity": "quantity", "unit_price": "price"}
SOUND_ROWS, SOUND_AMOUNT = 40, 400.0
NEXT = SOUND_ROWS + 2  # the number of the row after the header and the sound rows
IMPERATIVES = (
    "Check Choose Close Correct Delete Export Fill Give Install Let Make Mend Name Open Pack Put Rename Save Set "
    "Shorten try Unpack Use use Write"
)
REMEDY = re.compile(rf"(?:^|[.;:] )(?:{IMPERATIVES.replace(' ', '|')}) |must hold ")
SUMMARY = re.compile(r"Nothing was run\.|.* can't be used, and quarantine_limit lets \d+% be set aside\.")


@dataclass(frozen=True)
class Taken:
    """What a ledger that is taken in must hold.

    Attributes
    ----------
    rows : int
        Rows of data in the source, those set aside included.
    amount : float
        Sum of the rows used, returns negative.
    aside : mapping
        From the row's number in the source to words of the reason, for each row in the quarantine.
    aside_amount : float
        Sum of the amounts set aside that can be read.
    holds : mapping
        For some columns, values that must stand among the rows used.
    repeats : int
    """

    rows: int
    amount: float
    aside: Mapping[int, str] = field(default_factory=dict)
    aside_amount: float = 0.0
    holds: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    repeats: int | None = None


@dataclass(frozen=True)
class Refused:
    """What the lines that refuse a ledger must say; `row` is the row they must name."""

    says: tuple[str, ...] = ()
    row: int | None = None
    names: str = "sales."


Make = Callable[[Path], Path | str]


@dataclass(frozen=True)
class Case:
    """An odd ledger.

    Attributes
    ----------
    content : str, bytes or callable
        The file's content, or a function that writes what it likes into a folder and returns the ledger's path.
    expected : Taken or Refused
    name : str
        The file's name.
    columns : mapping
    hints : mapping
        Further keys of the section `ledger`.
    parameters : mapping
        Further keys of the parameter file.
    fails_with : BaseException or None
        What the system answers when the file is opened.
    largest_unpacked : int or None
        The bytes an archive may unpack to.
    """

    content: str | bytes | Make
    expected: Taken | Refused
    name: str = "sales.csv"
    columns: Mapping[str, str] = field(default_factory=lambda: {name: name for name in NAMES})
    hints: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    fails_with: BaseException | None = None
    largest_unpacked: int | None = None


# how the files of the table are made


def sound(rows: int = SOUND_ROWS, amount: str = "10.00", delimiter: str = ",", customers: int = 9) -> str:
    """Return rows of a ledger without fault, on the days of January 2024."""
    return "".join(
        delimiter.join((f"c{at % customers}", f"2024-01-{at % 28 + 1:02}", amount)) + "\n" for at in range(rows)
    )


def after_sound(*lines: str) -> str:
    """Return a CSV file in which `lines` stand from row `NEXT` on."""
    return HEADER + sound() + "\n".join(lines) + "\n" * bool(lines)


def with_column(name: str, *lines: str) -> str:
    """Return a CSV file with a fourth column that is empty but in `lines`."""
    return HEADER.replace("\n", f",{name}\n") + sound().replace("\n", ",\n") + "\n".join(lines) + "\n"


def among_sound(*records: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Return the typed rows of a workbook, header first, in which `records` stand from row `NEXT` on."""
    rows = [(f"c{at % 9}", dt.datetime(2024, 1, at % 28 + 1), 10) for at in range(SOUND_ROWS)]
    return [NAMES, *rows, *records]


def xlsx(
    rows: Sequence[Sequence[Any]], change: Callable[[openpyxl.Workbook], object] | None = None, **others: Any
) -> bytes:
    """Return a workbook with `rows` on its sheet Sales, further sheets by name, and `change` applied to it."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, cells in ({"Sales": rows} | others).items():
        sheet = workbook.create_sheet(title)
        for row in cells:
            sheet.append(list(row))
    if change is not None:
        change(workbook)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def with_sheets_changed(content: bytes, pattern: bytes, replacement: bytes) -> bytes:
    """Return a workbook in which the text of each sheet is changed."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for member in old.namelist():
            text = old.read(member)
            new.writestr(member, re.sub(pattern, replacement, text) if "/sheet" in member else text)
    return stream.getvalue()


def with_values_stored(content: bytes, value: str) -> bytes:
    """Return a workbook whose formulas have a value stored, as a spreadsheet program saves them."""
    return with_sheets_changed(content, b"</f><v ?/?>(</v>)?", f"</f><v>{value}</v>".encode())


def with_an_endless_cell(content: bytes) -> bytes:
    """Return a workbook with a cell of 100 MB of text."""
    cell = b'<row r="99"><c r="A99" t="inlineStr"><is><t>' + b"x" * 100_000_000 + b"</t></is></c></row></sheetData>"
    return with_sheets_changed(content, b"</sheetData>", cell)


def encrypted(content: bytes) -> bytes:
    """Return a workbook under a password."""
    stream = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(content)).encrypt("secret", stream)
    return stream.getvalue()


def xls(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return an old Excel workbook."""
    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("Sales")
    day = xlwt.easyxf(num_format_str="DD.MM.YYYY")
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(at, column, value, *([day] if isinstance(value, dt.date) else []))
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    """Return an OpenDocument workbook of text cells."""
    document = odf.opendocument.OpenDocumentSpreadsheet()
    sheet = odf.table.Table(name="Sales")
    for row in rows:
        line = odf.table.TableRow()
        for value in row:
            cell = odf.table.TableCell(valuetype="string")
            cell.addElement(odf.text.P(text=value))
            line.addElement(cell)
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    stream = io.BytesIO()
    document.write(stream)
    return stream.getvalue()


def parquet(**columns: Any) -> bytes:
    """Return a Parquet file of sound rows with some columns replaced or added."""
    rows = {
        "customer": [f"c{at % 9}" for at in range(SOUND_ROWS)],
        "date": [dt.date(2024, 1, at % 28 + 1) for at in range(SOUND_ROWS)],
        "amount": [10.0] * SOUND_ROWS,
    }
    stream = io.BytesIO()
    pl.DataFrame(rows | columns, strict=False).write_parquet(stream)
    return stream.getvalue()


def zipped(**members: str | bytes) -> bytes:
    """Return an archive of CSV files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return stream.getvalue()


def zipped_with_a_folder() -> bytes:
    """Return an archive with a folder that is called like a file."""
    stream = io.BytesIO(zipped(sales=after_sound()))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.mkdir("2024.csv")
    return stream.getvalue()


def zipped_twice_under_one_name() -> bytes:
    """Return an archive with two members of one name."""
    return zipped(a=after_sound(), b=after_sound()).replace(b"b.csv", b"a.csv")


def zipped_with_password() -> bytes:
    """Return an archive whose member is marked as encrypted."""
    content = bytearray(zipped(sales=after_sound()))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    return bytes(content)


def zipped_with_claims(size: int, members: int = 1) -> bytes:
    """Return an archive whose members claim to unpack to so many bytes each."""
    content = bytearray(zipped(**{f"m{at}": after_sound() for at in range(members)}))
    at = 0
    for _ in range(members):
        at = content.index(b"PK\x01\x02", at)
        struct.pack_into("<I", content, at + 24, size)
        at += 4
    return bytes(content)


def folder(**files: str | bytes) -> Make:
    """Return a function that makes a folder of files; a double underscore in a name is a point."""

    def make(place: Path) -> Path:
        made = place / "sales.d"
        made.mkdir()
        for name, content in files.items():
            file = made / name.replace("__", ".")
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return made

    return make


def nested(place: Path) -> Path:
    inner = place / "sales.d" / "2024"
    inner.mkdir(parents=True)
    (inner / "sales.csv").write_text(after_sound())
    return inner.parent


def beside_a_nested_folder(place: Path) -> Path:
    made = nested(place)
    (made / "sales.csv").write_text(after_sound())
    return made


def directory_named_as_a_file(place: Path) -> Path:
    (place / "sales.csv").mkdir()
    return place / "sales.csv"


def link_to_itself(place: Path) -> Path:
    (place / "sales.csv").symlink_to(place / "sales.csv")
    return place / "sales.csv"


def link_to_a_device(place: Path) -> Path:
    (place / "sales.csv").symlink_to("/dev/zero")
    return place / "sales.csv"


def pipe(place: Path) -> Path:
    os.mkfifo(place / "sales.csv")
    return place / "sales.csv"


def folder_with_a_pipe(place: Path) -> Path:
    made = folder(a__csv=after_sound())(place)
    assert isinstance(made, Path)
    os.mkfifo(made / "b.csv")
    return made


def sqlite(place: Path) -> str:
    with sqlite3.connect(place / "sales.db") as connection:
        connection.execute("CREATE TABLE sold (customer TEXT, date TEXT, amount REAL)")
        rows = [line.split(",") for line in after_sound("c1,2024-02-30,5").splitlines()[1:]]
        connection.executemany("INSERT INTO sold VALUES (?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{place / 'sales.db'}"


def duck(place: Path) -> str:
    with duckdb.connect(str(place / "sales.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE sold AS SELECT 'c' || i AS customer, DATE '2024-01-02' AS date, i::DECIMAL(9, 2)"
            " / 4 AS amount FROM range(1, 41) AS t(i)"
        )
    return f"duckdb:///{place / 'sales.duckdb'}"


def no_database(place: Path) -> str:
    (place / "sales.db").write_text(after_sound())
    return f"sqlite:///{place / 'sales.db'}"


def with_a_large_cell(line: str, size: int = 50_000_000) -> Make:
    """Return a function that writes a CSV file with one cell of so many letters, where `line` has an X."""

    def make(place: Path) -> Path:
        (place / "sales.csv").write_text(with_column("note", line.replace("X", "x" * size)))
        return place / "sales.csv"

    return make


def ten_thousand_columns(place: Path) -> Path:
    more = 9_997
    header = HEADER.rstrip() + "".join(f",column {at}" for at in range(more))
    rows = [line + ",0" * more for line in sound(20).splitlines()]
    (place / "sales.csv").write_text("\n".join([header, *rows]))
    return place / "sales.csv"


def same_row(rows: int) -> Make:
    def make(place: Path) -> Path:
        (place / "sales.csv").write_text(HEADER + "c1,2024-01-02,0.10\n" * rows)
        return place / "sales.csv"

    return make


def at_url(url: str) -> Make:
    return lambda _: url


def in_workbook(rows: Sequence[Sequence[Any]], **others: Any) -> Make:
    """Return a function that writes a workbook: made when the case runs, since that takes its time."""

    def make(place: Path) -> Path:
        (place / "sales.xlsx").write_bytes(xlsx(rows, **others))
        return place / "sales.xlsx"

    return make


def written(name: str, content: Callable[[], bytes]) -> Make:
    def make(place: Path) -> Path:
        (place / name).write_bytes(content())
        return place / name

    return make


def parquet_file(**columns: Any) -> Make:
    return written("sales.parquet", lambda: parquet(**columns))


ALL_SOUND = Taken(SOUND_ROWS, SOUND_AMOUNT)
QUERY = {"query": "SELECT * FROM sold"}
ANY_SHARE = {"quarantine_limit": 1}
ALL_PRICED = "customer,date,quantity,price\n" + sound().replace(",10.00", ",2,5.00")
KIND = {name: name for name in (*NAMES, "kind")}
KINDS = HEADER.replace("\n", ",kind\n") + sound().replace("\n", ",sale\n")
RUSSIAN = {"customer": "Покупатель", "date": "Дата", "amount": "Сумма"}
IN_RUSSIAN = "Покупатель;Дата;Сумма\n" + "".join(
    f"{name};{day:02}.01.2024;1 234,50\n" for day, name in enumerate(["Иванов", "Петров", "Сидорова", "Щукин"], 11)
)
LETTERS_OF_UTF8 = HEADER + "".join(f"Café {at % 5},2024-01-{at % 28 + 1:02},10.00\n" for at in range(SOUND_ROWS))
LETTERS_OF_CP1251 = HEADER + "".join(
    f"{('Иванов', 'Петров', 'Сидорова', 'Щукин')[at % 4]},2024-01-{at % 28 + 1:02},10.00\n" for at in range(SOUND_ROWS)
)
HOSTILE_KEYS = (
    "=cmd|'/c calc'!A1",
    "@SUM(1+1)",
    "'; DROP TABLE ledger; --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "${HOME}",
    "%s%n{0}",
    "[red]x[/red]",
    "👩‍🚀 Ada",
    "left \u202eright",
    "zero\u200bwidth",
    "e\u0301",
    "two\nlines",
    "a\ttab",
    "quo''te",
    "back\\slash",
    "00123",
    "None",
    "NaN",
    "null",
    "-1",
    "1e5",
)

NO_TABLES = {
    "empty": Case("", Refused(("is empty", "Export it again"))),
    "line ends alone": Case("\n\r\n\n", Refused(("no header",))),
    "byte order mark alone": Case(b"\xef\xbb\xbf", Refused()),
    "header only": Case(HEADER, Refused(("no rows",))),
    "header and blank lines": Case(HEADER + "\n,,\n ,\t,\n", Refused(("no rows",))),
    "picture": Case(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", Refused(("picture", "Export it as CSV"))),
    "PDF": Case(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\n", Refused(("PDF", "Export it as CSV"))),
    "workbook named .csv": Case(written("sales.csv", lambda: xlsx([NAMES])), Refused(("workbook", "name it as"))),
    "gzip named .csv": Case(gzip.compress(after_sound().encode()), Refused(("gzip", "name it as"))),
    "Parquet named .csv": Case(parquet(), Refused(("Parquet", "name it as"))),
    "SQLite named .csv": Case(b"SQLite format 3\0" + b"\0" * 4000, Refused(("SQLite",))),
    "random bytes": Case(bytes(range(256)) * 20, Refused(("no text",))),
    "zeros": Case(b"\0" * 5000, Refused(("NUL",))),
    "web page": Case("<!DOCTYPE html><html><body>Log in</body></html>", Refused(("web page",))),
    "JSON": Case('[{"customer": "a",\n "date": "2024-01-02",\n "amount": 3}]\n', Refused(("no column 'customer'",))),
    "prose": Case("Dear all,\nplease find the figures\nattached.\n", Refused(("no column 'customer'",))),
    "unknown ending": Case("x", Refused(("'.docx'", ".csv")), "sales.docx"),
    "no ending": Case(after_sound(), Refused(("ending", ".csv"), names="sales"), "sales"),
    "no such file": Case(lambda place: place / "sales.csv", Refused(("there is no",))),
    "path too long": Case(lambda place: place / ("sales." * 1000 + "csv"), Refused(("can't be opened",))),
    "NUL in the path": Case(lambda place: f"{place}/sales.\0.csv", Refused(("there is no",))),
    "line break and terminal codes in the path": Case(
        lambda place: f"{place}/sales.\n\x1b[31m.csv", Refused(("there is no",))
    ),
    "folder of nothing": Case(folder(), Refused(("holds no CSV",))),
    "folder of notes": Case(folder(notes__md="x", read__me="y"), Refused(("holds no CSV",))),
    "nested folder": Case(nested, Refused(("holds no CSV",))),
    "directory named .csv": Case(directory_named_as_a_file, Refused(("holds no CSV",))),
    "symbolic link to itself": Case(link_to_itself, Refused()),
    "symbolic link to a device": Case(link_to_a_device, Refused(("no file",))),
    "pipe": Case(pipe, Refused(("no file",))),
    "locked": Case(after_sound(), Refused(("Permission denied",)), fails_with=PermissionError(13, "Permission denied")),
    "disk error": Case(after_sound(), Refused(("Input/output",)), fails_with=OSError(5, "Input/output error")),
    "larger than memory": Case(after_sound(), Refused(("memory",)), fails_with=MemoryError()),
    "unknown built-in ledger": Case(at_url("builtin:donations"), Refused(("cdnow",), names="ledger.path")),
    "bad file in a folder": Case(
        folder(a__csv=after_sound(), b__csv="customer,date\n1,2024-01-02\n", c__csv=after_sound()),
        Refused(("no column 'amount'",), names="b.csv"),
    ),
    "empty file in a folder": Case(folder(a__csv=after_sound(), b__csv=""), Refused(("empty",), names="b.csv")),
    "picture in a folder": Case(
        folder(a__csv=after_sound(), b__csv=b"\x89PNG\r\n\x1a\n\0"), Refused(("picture",), names="b.csv")
    ),
}

ARCHIVES = {
    "gzip": Case(gzip.compress(after_sound().encode()), ALL_SOUND, "sales.csv.gz"),
    "gzip that is no gzip": Case(after_sound(), Refused(("can't be unpacked",)), "sales.csv.gz"),
    "gzip cut off": Case(gzip.compress(after_sound().encode())[:-30], Refused(("cut off",)), "sales.csv.gz"),
    "gzip of a picture": Case(gzip.compress(b"\x89PNG\r\n\x1a\n"), Refused(("picture",)), "sales.csv.gz"),
    "gzip of nothing": Case(gzip.compress(b""), Refused(("empty",)), "sales.csv.gz"),
    "gzip bomb": Case(
        gzip.compress(b"0" * 100_000), Refused(("unpacks to more",)), "sales.csv.gz", largest_unpacked=50_000
    ),
    "zip with two files": Case(zipped(a=after_sound(), b=after_sound()), Taken(80, 800.0, repeats=40), "sales.zip"),
    "zip with a good and a bad file": Case(
        zipped(a=after_sound(), b="x\n1\n"), Refused(("sales.zip/b.csv", "no column 'customer'")), "sales.zip"
    ),
    "zip with a password": Case(zipped_with_password(), Refused(("password", "Unpack")), "sales.zip"),
    "zip of nothing": Case(zipped(), Refused(("holds no CSV",)), "sales.zip"),
    "zip cut off": Case(zipped(a=after_sound())[:-40], Refused(("can't be unpacked",)), "sales.zip"),
    "zip damaged inside": Case(
        zipped(a=after_sound()).replace(b"a.csv", b"b.csv", 1), Refused(("can't be unpacked",)), "sales.zip"
    ),
    "zip that claims to be huge": Case(
        zipped_with_claims(2**32 - 2, members=5), Refused(("unpacks to more",)), "sales.zip"
    ),
    "zip that holds less than it claims": Case(zipped_with_claims(2**32 - 2), ALL_SOUND, "sales.zip"),
    "zip that holds more than it claims": Case(zipped_with_claims(100), Refused(("can't be unpacked",)), "sales.zip"),
    "zip with a folder named .csv": Case(zipped_with_a_folder(), ALL_SOUND, "sales.zip"),
    "zip with two files of one name": Case(
        zipped_twice_under_one_name(), Refused(("two files called 'a.csv'", "Rename one")), "sales.zip"
    ),
    "zip in a zip": Case(zipped(a=b"").replace(b"a.csv", b"a.zip"), Refused(("holds no CSV",)), "sales.zip"),
    "gzip beside what it was made of": Case(
        folder(sales__csv=after_sound(), sales__csv__gz=gzip.compress(after_sound("c1,soon,5.00").encode())),
        Taken(81, 800.0, {NEXT: "no date"}, 5.0, repeats=40),
    ),
    "gzip of a workbook": Case(written("sales.xlsx.gz", lambda: gzip.compress(xlsx(among_sound()))), ALL_SOUND),
    "gzip that doesn't name its file": Case(gzip.compress(after_sound().encode()), ALL_SOUND, "sales.gz"),
    "zip with a path out of it": Case(zipped(**{"../../sales": after_sound()}), ALL_SOUND, "sales.zip"),
}

HEADERS = {
    "two columns of one name": Case(
        "customer,date,amount,amount\nc1,2024-01-02,1,2\n", Refused(("two columns are called 'amount'", "Rename"))
    ),
    "two columns that nobody asks for": Case(
        HEADER.replace("\n", ",x,x\n") + sound().replace("\n", ",1,2\n"), ALL_SOUND
    ),
    "missing column": Case("customer,date,sum\nc1,2024-01-02,1\n", Refused(("no column 'amount'", "'sum'"))),
    "all columns missing": Case("a,b\n1,2\n", Refused(("no column 'customer'", "no column 'date'", "'a', 'b'"))),
    "names in other letters": Case("Customer,DATE,Amount\nc1,2024-01-02,1\n", Refused(("'Customer', 'DATE'",))),
    "no header": Case(sound(), Refused(("no column 'customer'", "header_row"))),
    "header row beyond the end": Case(after_sound(), Refused(("row 1000", "header_row")), hints={"header_row": 1000}),
    "wrong delimiter set": Case(after_sound(), Refused(("no column", "delimiter")), hints={"delimiter": ";"}),
    "zero-width sign in the header": Case("\u200bcustomer,date,amount\n" + sound(), Refused((r"\u200bcustomer",))),
    "hostile names": Case('"<b>\n",\x1b[31m,=1+1\n1,2,3\n', Refused((r"'<b>'", r"'\x1b[31m'"))),
    "title rows": Case(
        "Sales of January;;\nmade on 01.02.2024;;\n;;\ncustomer;date;amount\n" + sound(delimiter=";"), ALL_SOUND
    ),
    "title rows, and a bad row": Case(
        "Sales of January\n\n" + after_sound("c1,soon,5.00"),
        Taken(41, SOUND_AMOUNT, {NEXT + 2: "no date"}, 5.0),
    ),
    "line about the delimiter": Case("sep=;\ncustomer;date;amount\n" + sound(delimiter=";"), ALL_SOUND),
    "delimiter at the end of each row": Case((HEADER + sound()).replace("\n", ",\n"), ALL_SOUND),
    "delimiter at the end of the data only": Case(HEADER + sound().replace("\n", ",\n"), ALL_SOUND),
    "header in Russian in cp1251": Case(
        IN_RUSSIAN.encode("cp1251"),
        Taken(4, 4938.0, holds={"customer": ["Щукин"], "date": [dt.date(2024, 1, 14)]}),
        columns=RUSSIAN,
    ),
    "header in Russian in koi8-r by the hint": Case(
        IN_RUSSIAN.encode("koi8-r"), Taken(4, 4938.0), columns=RUSSIAN, hints={"encoding": "koi8-r"}
    ),
    "header repeated in mid-file": Case(
        HEADER + sound(20) + HEADER + sound(20), Taken(41, SOUND_AMOUNT, {22: "header"})
    ),
    "header repeated on each page": Case(
        (HEADER + sound(8)) * 5, Taken(44, SOUND_AMOUNT, dict.fromkeys((10, 19, 28, 37), "header"))
    ),
    "files put together, a byte order mark in mid-file": Case(
        ("\ufeff" + HEADER + sound(20)) * 2, Taken(41, SOUND_AMOUNT, {22: "header"})
    ),
    "10,000 columns": Case(ten_thousand_columns, Taken(20, 200.0)),
}

TEXTS = {
    "one row": Case(HEADER + "c1,2024-01-02,10", Taken(1, 10.0)),
    "cut off in mid-row": Case(after_sound("c1,2024-0"), Taken(41, SOUND_AMOUNT, {NEXT: "2 fields"})),
    "cut off in a quoted value": Case(
        after_sound('c1,2024-01-05,"1'), Taken(41, SOUND_AMOUNT, {NEXT: "quotation mark"})
    ),
    "cut off in a letter": Case(
        LETTERS_OF_UTF8.encode() + "c1,2024-01-05,1é".encode()[:-1], Taken(41, SOUND_AMOUNT, {NEXT: "utf-8"})
    ),
    "quotation mark never closed": Case(
        after_sound('"c1,2024-01-05,5.00') + sound(), Taken(81, 800.0, {NEXT: "quotation mark"})
    ),
    "row with too many fields": Case(
        after_sound("c1,2024-01-05,5.00,6") + sound(), Taken(81, 800.0, {NEXT: "4 fields"})
    ),
    "row with too few fields": Case(after_sound("c1,2024-01-05") + sound(), Taken(81, 800.0, {NEXT: "2 fields"})),
    "every row with too few fields": Case(HEADER + "c1,2024-01-05\n" * 9, Refused(("2 fields", "100%"), row=2)),
    "every second row with an open quotation mark": Case(
        HEADER + '"c1,2024-01-02,5.00\nc2,2024-01-02,1.00\n' * 500,
        Taken(1000, 500.0, dict.fromkeys(range(2, 1002, 2), "quotation mark")),
        parameters=ANY_SHARE,
    ),
    "quotation marks for inches": Case(
        HEADER + 'c5" x 7",2024-01-02,1.00\n' * 9, Taken(9, 9.0, holds={"customer": ['c5" x 7"']})
    ),
    "no row can be used, whatever the limit": Case(
        HEADER + "c1,soon,5.00\n" * 9, Refused(("no date", "'soon'"), row=2), parameters=ANY_SHARE
    ),
    "NUL in one row": Case(after_sound("c\0,2024-01-05,5.00") + sound(), Taken(81, 800.0, {NEXT: "NUL"})),
    "NUL at the end, as after a crash": Case(
        after_sound("c1,2024-01-05,5.00" + "\0" * 500), Taken(41, SOUND_AMOUNT, {NEXT: "NUL"})
    ),
    "carriage returns alone": Case(after_sound().replace("\n", "\r"), ALL_SOUND),
    "mixed line ends": Case((HEADER + sound(20)).replace("\n", "\r\n") + sound(20), ALL_SOUND),
    "UTF-16": Case(after_sound().encode("utf-16"), ALL_SOUND),
    "UTF-16 without a mark": Case(after_sound().encode("utf-16-le"), ALL_SOUND),
    "UTF-16 cut off": Case(after_sound().encode("utf-16")[:-1], Refused(("utf-16",))),
    "UTF-8 with a row in cp1251": Case(
        LETTERS_OF_UTF8.encode() + "Петров,2024-01-05,5.00\n".encode("cp1251"),
        Taken(41, SOUND_AMOUNT, {NEXT: "utf-8"}),
    ),
    "cp1251 with a row in UTF-8": Case(
        LETTERS_OF_CP1251.encode("cp1251") + "Кузнецов,2024-01-05,5.00\n".encode(),
        Taken(41, SOUND_AMOUNT, {NEXT: "UTF-8"}),
    ),
    "wrong encoding set": Case(
        LETTERS_OF_CP1251.encode("cp1251"), Refused(("utf-8", "ledger.encoding"), row=2), hints={"encoding": "utf-8"}
    ),
    "hostile keys": Case(
        HEADER + "".join(f'"{key}",2024-01-02,1.00\n' for key in HOSTILE_KEYS),
        Taken(len(HOSTILE_KEYS), len(HOSTILE_KEYS), holds={"customer": HOSTILE_KEYS}),
    ),
    "key of 10,000 letters": Case(
        after_sound(f"{'k' * 10_000},2024-01-02,1.00"), Taken(41, 401.0, holds={"customer": ["k" * 10_000]})
    ),
    "quoted line breaks, and a bad row after them": Case(
        'customer,date,amount,note\nc1,2024-01-02,1.00,"a\nb\nc"\nc2,soon,2.00,"d\ne"\n',
        Taken(2, 1.0, {3: "no date"}, 2.0),
        parameters=ANY_SHARE,
    ),
    "blank lines, and a bad row after them": Case(
        HEADER + "\n,,\n" + "c1,2024-01-02,1.00\n\nc2,soon,2.00\n",
        Taken(2, 1.0, {6: "no date"}, 2.0),
        parameters=ANY_SHARE,
    ),
    "cell of 50 MB that nobody asks for": Case(with_a_large_cell("c1,2024-01-02,1.00,X"), Taken(41, 401.0)),
    "cell of 2 MB as the amount": Case(
        with_a_large_cell("c1,2024-01-02,X,note", 2_000_000), Taken(41, SOUND_AMOUNT, {NEXT: "no number"})
    ),
    "folder with a pipe": Case(folder_with_a_pipe, ALL_SOUND),
    "file beside a nested folder": Case(beside_a_nested_folder, ALL_SOUND),
    "lock file beside a file": Case(folder(a__csv=after_sound(), **{"~$a__xlsx": "x"}), ALL_SOUND),
    "header alone beside a file": Case(folder(a__csv=after_sound(), b__csv=HEADER), ALL_SOUND),
    "same file twice in a folder": Case(
        folder(a__csv=after_sound(), b__csv=after_sound()), Taken(80, 800.0, repeats=40)
    ),
    "same file twice in a folder, repeats dropped": Case(
        folder(a__csv=after_sound(), b__csv=after_sound()),
        Taken(80, 400.0, {at: f"repeats row {at} of a.csv" for at in range(2, NEXT)}, 400.0),
        parameters={"drop_duplicates": True},
    ),
    "100,000 repeated rows": Case(same_row(100_000), Taken(100_000, 10_000.0, repeats=99_999)),
}

KEYS_AND_KINDS = {
    "all keys missing": Case(HEADER + re.sub("(?m)^c.", "", sound()), Refused(("no customer", "100%"), row=2)),
    "a few keys missing": Case(
        after_sound(",2024-01-05,5.00", "  ,2024-01-05,6.00"),
        Taken(42, SOUND_AMOUNT, {NEXT: "no customer", NEXT + 1: "no customer"}, 11.0),
    ),
    "too many keys missing": Case(
        after_sound(*[",2024-01-05,5.00"] * 3), Refused(("no customer", "3 rows of 43 (7%)"), row=NEXT)
    ),
    "too many keys missing, but the limit is higher": Case(
        after_sound(*[",2024-01-05,5.00"] * 3),
        Taken(43, SOUND_AMOUNT, dict.fromkeys(range(NEXT, NEXT + 3), "no customer"), 15.0),
        parameters={"quarantine_limit": 0.1},
    ),
    "every row wrong in each way": Case(
        HEADER + ",soon,x\n" * 9, Refused(("no customer", "no date", "no number", "100%"), row=2)
    ),
    "keys of a spreadsheet": Case(
        HEADER + sound().replace("c", "12").replace(",2024", ".0,2024"),
        Taken(40, 400.0, holds={"customer": ["120", "126"]}),
    ),
    "one customer": Case(HEADER + sound(customers=1), ALL_SOUND),
    "no repeats": Case(HEADER + sound(customers=99), ALL_SOUND),
    "every row a return": Case(HEADER + sound(amount="-10.00"), Refused(("every row is a return",), names="ledger")),
    "every row free of charge": Case(HEADER + sound(amount="0"), Taken(40, 0.0)),
    "kinds that are neither sale nor return": Case(
        KINDS + "c1,2024-01-05,5.00,gift\nc1,2024-01-05,6.00,Refund\n",
        Taken(42, 394.0, {NEXT: "neither 'sale' nor 'return'"}, 5.0),
        columns=KIND,
    ),
    "no kind at all": Case(
        KINDS.replace("sale", ""), Refused(("neither 'sale' nor 'return'", "100%"), row=2), columns=KIND
    ),
    "total at the end": Case(after_sound("Total,,400.00"), Taken(41, SOUND_AMOUNT, {NEXT: "a total"}, 400.0)),
    "subtotals in a report": Case(
        HEADER + (sound(2) + "Subtotal,,20.00\n") * 3 + "Итого:,,60.00\n",
        Taken(10, 60.0, {4: "a total", 7: "a total", 10: "a total", 11: "a total"}, 120.0),
    ),
    "total where nothing may be lost": Case(
        after_sound("Total,,400.00"),
        Taken(41, SOUND_AMOUNT, {NEXT: "a total"}, 400.0),
        parameters={"quarantine_limit": 0},
    ),
    "totals alone": Case(HEADER + "Total,,400.00\n", Refused(("no purchases",))),
    "total that says nothing": Case(after_sound(",,400.00"), Taken(41, SOUND_AMOUNT, {NEXT: "a total"}, 400.0)),
    "customer called Total": Case(
        after_sound("Total,2024-01-05,5.00"), Taken(41, 405.0, holds={"customer": ["Total"]})
    ),
}

NUMBERS = {
    "infinite and not-a-number amounts": Case(
        after_sound("c1,2024-01-05,inf", "c1,2024-01-05,-Infinity", "c1,2024-01-05,NaN", "c1,2024-01-05,nan"),
        Taken(44, SOUND_AMOUNT, dict.fromkeys(range(NEXT, NEXT + 4), "no number")),
        parameters={"quarantine_limit": 0.2},
    ),
    "every amount infinite": Case(HEADER + sound(amount="inf"), Refused(("no number", "'inf'"), row=2)),
    "amounts of 1e300": Case(
        after_sound("c1,2024-01-05,1e300", "c1,2024-01-05,-1e300"),
        Taken(42, SOUND_AMOUNT, {NEXT: "no number", NEXT + 1: "no number"}),
    ),
    "amounts beyond any float": Case(
        after_sound("c1,2024-01-05,1e400", f"c1,2024-01-05,{'9' * 400}"),
        Taken(42, SOUND_AMOUNT, {NEXT: "no number", NEXT + 1: "no number"}),
    ),
    "one amount of most of the revenue": Case(after_sound("c1,2024-01-05,999999999.99"), Taken(41, 1_000_000_399.99)),
    "amounts in words": Case(
        after_sound("c1,2024-01-05,ten", "c1,2024-01-05,=1+2"),
        Taken(42, SOUND_AMOUNT, {NEXT: "no number", NEXT + 1: "no number"}),
    ),
    "amount missing": Case(after_sound("c1,2024-01-05,"), Taken(41, SOUND_AMOUNT, {NEXT: "no number"})),
    "percent": Case(after_sound("c1,2024-01-05,5%"), Taken(41, SOUND_AMOUNT, {NEXT: "no number"})),
    "digits of another script": Case(after_sound("c1,2024-01-05,١٢"), Taken(41, SOUND_AMOUNT, {NEXT: "no number"})),
    "decimal commas only": Case("customer;date;amount\n" + sound(delimiter=";", amount="10,50"), Taken(40, 420.0)),
    "currencies and thousands": Case(
        "customer;date;amount\n"
        + "".join(
            f"c1;2024-01-05;{amount}\n" for amount in ("1 234,50 руб.", "1\u00a0234,50 ₽", "€ 5,5", "(3,00)", "7")
        ),
        Taken(5, 2478.5),
    ),
    "a point among decimal commas": Case(
        "customer;date;amount\n" + sound(delimiter=";", amount="10,50") + "c1;2024-01-05;1.234\n", Taken(41, 1654.0)
    ),
    "thousands or decimals": Case(
        "customer;date;amount\n" + sound(delimiter=";", amount="1,234"),
        Refused(("'1,234'", "1234", "1.234", "Set ledger.decimal")),
    ),
    "thousands or decimals, settled": Case(
        "customer;date;amount\n" + sound(delimiter=";", amount="1,234"), Taken(40, 49_360.0), hints={"decimal": "."}
    ),
    "negative quantity and negative price": Case(
        ALL_PRICED + "c1,2024-01-05,-1,4.00\nc1,2024-01-05,1,-4.00\nc1,2024-01-05,-1,-4.00\n",
        Taken(43, 388.0, holds={"kind": ["return"]}),
        columns=PRICED,
    ),
    "quantity times price beyond all bounds": Case(
        ALL_PRICED + "c1,2024-01-05,900000000000000,900000000000000\nc1,2024-01-05,1e200,1e200\n",
        Taken(42, SOUND_AMOUNT, {NEXT: "quantity times unit_price", NEXT + 1: "no number"}),
        columns=PRICED,
    ),
    "quantity missing": Case(
        ALL_PRICED + "c1,2024-01-05,,4.00\n", Taken(41, SOUND_AMOUNT, {NEXT: "no number"}), columns=PRICED
    ),
}

DATES = {
    "dates in 1900 and 2999": Case(
        after_sound("c1,1900-01-01,5.00", "c1,2999-12-31,6.00"),
        Taken(42, SOUND_AMOUNT, {NEXT: "date", NEXT + 1: "date"}, 11.0),
    ),
    "every date in 1900": Case(HEADER + sound().replace("2024", "1900"), Refused(("no date", "'1900-01-01'"), row=2)),
    "dates in the future": Case(
        after_sound("c1,2025-01-01,5.00", "c1,2025-01-02,6.00"),
        Taken(42, 405.0, {NEXT + 1: "in the future"}, 6.0),
    ),
    "dates in the future up to as_of": Case(
        after_sound("c1,2025-01-02,6.00"), Taken(41, 406.0), parameters={"as_of": "2025-06-30"}
    ),
    "every date in the future": Case(
        HEADER + sound().replace("2024", "2099"), Refused(("in the future", "100%"), row=2)
    ),
    "date format with fractions of a second": Case(
        HEADER + sound().replace(",10.00", " 10:30:00.500,10.00"),
        ALL_SOUND,
        hints={"date_format": "%Y-%m-%d %H:%M:%S.%f"},
    ),
    "no such day": Case(after_sound("c1,2024-02-30,5.00"), Taken(41, SOUND_AMOUNT, {NEXT: "no date"}, 5.0)),
    "no day": Case(after_sound("c1,,5.00"), Taken(41, SOUND_AMOUNT, {NEXT: "no date"}, 5.0)),
    "all purchases on one day": Case(HEADER + "c1,2024-01-02,10.00\nc2,2024-01-02,5.00\n", Taken(2, 15.0)),
    "two date styles in one file": Case(
        after_sound("c1,31.01.2024,5.00"), Taken(41, 405.0, holds={"date": [dt.date(2024, 1, 31)]})
    ),
    "day or month": Case(
        HEADER + "c1,01/02/2024,5.00\nc1,03/02/2024,5.00\n",
        Refused(("%d/%m/%Y (1 February 2024)", "%m/%d/%Y (2 January 2024)", "Set ledger.date_format")),
    ),
    "day or month, settled": Case(
        HEADER + "c1,01/02/2024,5.00\nc1,03/02/2024,5.00\n",
        Taken(2, 10.0, holds={"date": [dt.date(2024, 2, 1), dt.date(2024, 2, 3)]}),
        hints={"date_format": "%d/%m/%Y"},
    ),
    "dates that contradict each other": Case(
        HEADER + "c1,13/02/2024,5.00\nc1,02/14/2024,5.00\nc1,03/04/2024,5.00\n",
        Refused(("'03/04/2024'", "Set ledger.date_format")),
    ),
    "years of two digits": Case(
        HEADER + "c1,13.01.24,5.00\nc1,02.01.24,5.00\n",
        Taken(2, 10.0, holds={"date": [dt.date(2024, 1, 2), dt.date(2024, 1, 13)]}),
    ),
    "date format that reads nothing": Case(
        after_sound(), Refused(("ledger.date_format", "'%d.%m.%Y'"), row=2), hints={"date_format": "%d.%m.%Y"}
    ),
    "times and zones": Case(
        HEADER + "c1,2024-01-02T23:30:00-05:00,5.00\nc1,2024-01-03 00:10,5.00\n",
        Taken(2, 10.0, holds={"date": [dt.datetime(2024, 1, 2, 23, 30), dt.datetime(2024, 1, 3, 0, 10)]}),
    ),
    "half of the dates of no style": Case(
        HEADER + "c1,2024-01-02,5.00\nc1,Tuesday,5.00\n", Refused(("no date", "'Tuesday'", "50%"), row=3)
    ),
}

PARQUETS = {
    "Parquet": Case(parquet_file(), ALL_SOUND),
    "Parquet with nested columns": Case(parquet_file(customer=[["c1"]] * SOUND_ROWS), Refused(("'customer'", "List"))),
    "Parquet with nested columns that nobody asks for": Case(
        parquet_file(
            lines=[[{"product": "x"}]] * SOUND_ROWS,
            bytes=[b"\xff"] * SOUND_ROWS,
            customer=[*["c1"] * (SOUND_ROWS - 1), None],
        ),
        Taken(40, 390.0, {40: "no customer"}, 10.0),
    ),
    "Parquet with amounts that are no numbers": Case(
        parquet_file(amount=[*[10.0] * (SOUND_ROWS - 2), float("nan"), float("inf")]),
        Taken(40, 380.0, {39: "no number", 40: "no number"}),
    ),
    "Parquet cut off": Case(written("sales.parquet", lambda: parquet()[:-20]), Refused(("Parquet", "Export it again"))),
    "Parquet that is text": Case(after_sound(), Refused(("Parquet", "Export it again")), "sales.parquet"),
    "Parquet without rows": Case(parquet_file(customer=[], date=[], amount=[]), Refused(("no rows",))),
}

WORKBOOKS = {
    "Excel error cell": Case(
        in_workbook(among_sound(("c1", dt.datetime(2024, 1, 5), "#N/A"), ("c1", "#REF!", 5))),
        Taken(42, SOUND_AMOUNT, {NEXT: "no number", NEXT + 1: "no date"}, 5.0),
    ),
    "Excel error cell as the customer": Case(
        in_workbook(among_sound(("#N/A", dt.datetime(2024, 1, 5), 5))), Taken(41, SOUND_AMOUNT, {NEXT: "customer"}, 5.0)
    ),
    "formula with its value stored": Case(
        written(
            "sales.xlsx",
            lambda: with_values_stored(xlsx(among_sound(("c1", dt.datetime(2024, 1, 5), "=2+3"))), "5"),
        ),
        Taken(41, 405.0),
    ),
    "formula without its value": Case(
        in_workbook(among_sound(("c1", dt.datetime(2024, 1, 5), "=2+3"))),
        Taken(41, SOUND_AMOUNT, {NEXT: "no number"}),
    ),
    "formulas without values": Case(
        in_workbook([NAMES, *[("c1", dt.datetime(2024, 1, 5), "=2+3")] * 9]), Refused(("'amount'", "formulas"))
    ),
    "merged title above the header": Case(
        in_workbook([["Sales of January"], [], *among_sound()], change=lambda book: book["Sales"].merge_cells("A1:C1")),
        ALL_SOUND,
    ),
    "merged header of two rows": Case(
        in_workbook(
            [["customer", "sale"], [None, "date", "amount"], *among_sound()[1:]],
            change=lambda book: (book["Sales"].merge_cells("A1:A2"), book["Sales"].merge_cells("B1:C1")),
        ),
        Refused(("no column 'customer'",)),
    ),
    "merged cells in the data": Case(
        in_workbook(
            among_sound((None, dt.datetime(2024, 1, 5), 5)), change=lambda book: book["Sales"].merge_cells("A41:A42")
        ),
        Taken(41, SOUND_AMOUNT, {NEXT: "no customer"}, 5.0),
    ),
    "workbook with a password": Case(
        written("sales.xlsx", lambda: encrypted(xlsx(among_sound()))), Refused(("password", "Save a copy"))
    ),
    "workbook cut off": Case(
        written("sales.xlsx", lambda: xlsx(among_sound())[:-500]),
        Refused(("can't be read as a workbook", "Save it again")),
    ),
    "workbook that is text": Case(after_sound(), Refused(("text", "Rename it to .csv")), "sales.xlsx"),
    "xls that is a web page": Case(
        "<html><table><tr><td>customer</td></tr></table></html>", Refused(("web page", "save it as .xlsx")), "sales.xls"
    ),
    "workbook of empty sheets": Case(in_workbook([], More=[]), Refused(("no header",))),
    "workbook with a header alone": Case(in_workbook([NAMES]), Refused(("no rows",))),
    "workbook without the sheet asked for": Case(
        in_workbook(among_sound()), Refused(("'March'", "ledger.sheet", "'Sales'")), hints={"sheet": "March"}
    ),
    "two sheets": Case(in_workbook(among_sound(), February=among_sound()), Taken(80, 800.0, repeats=40)),
    "sheet of notes": Case(in_workbook(among_sound(), Notes=[["see page 2"]]), ALL_SOUND),
    "table that begins further down and right": Case(
        in_workbook([[], [], [], *([None, None, *row] for row in among_sound(("c1", "soon", 5)))]),
        Taken(41, SOUND_AMOUNT, {NEXT + 3: "no date"}, 5.0),
    ),
    "cell far off": Case(
        in_workbook(among_sound(), change=lambda book: book["Sales"].cell(1_048_576, 16_384, "x")),
        Refused(("XFD", "Delete the cells")),
    ),
    "endless cell": Case(
        written("sales.xlsx", lambda: with_an_endless_cell(xlsx(among_sound()))), Refused(("a cell holds more text",))
    ),
    "sheet of a chart": Case(
        in_workbook(among_sound(), change=lambda book: book.create_chartsheet("Chart")), ALL_SOUND
    ),
    "times, truths and days in the wrong columns": Case(
        in_workbook(
            among_sound(
                ("c1", dt.time(10, 30), 5),
                ("c1", True, 5),
                ("c1", dt.datetime(2024, 1, 5), dt.datetime(2024, 1, 5)),
                ("c1", dt.datetime(1900, 1, 1), 5),
            )
        ),
        Taken(
            44, SOUND_AMOUNT, {NEXT: "no date", NEXT + 1: "no date", NEXT + 2: "no number", NEXT + 3: "no date"}, 15.0
        ),
        parameters=ANY_SHARE,
    ),
    "hidden sheet": Case(
        in_workbook(
            among_sound(),
            Old=[NAMES, ("c1", dt.datetime(2023, 1, 5), 5)],
            change=lambda book: setattr(book["Old"], "sheet_state", "hidden"),
        ),
        Taken(41, 405.0),
    ),
    "dates as serial numbers": Case(
        in_workbook([NAMES, *[("c1", 45_292 + at, 10) for at in range(30)]]),
        Taken(30, 300.0, holds={"date": [dt.date(2024, 1, 1), dt.date(2024, 1, 30)]}),
    ),
    "days counted from 1904": Case(
        in_workbook(among_sound(), change=lambda book: setattr(book, "epoch", CALENDAR_MAC_1904)),
        Taken(40, SOUND_AMOUNT, holds={"date": [dt.date(2024, 1, 1), dt.date(2024, 1, 28)]}),
    ),
    "keys of several types": Case(
        in_workbook(among_sound((123, dt.datetime(2024, 1, 5), 5), ("00123", dt.datetime(2024, 1, 5), 5))),
        Taken(42, 410.0, holds={"customer": ["123", "00123", "c1"]}),
    ),
    "dates of several types": Case(
        in_workbook(among_sound(("c1", "31.01.2024", 5), ("c1", "soon", 6))),
        Taken(42, 405.0, {NEXT + 1: "no date"}, 6.0, {"date": [dt.date(2024, 1, 31), dt.date(2024, 1, 28)]}),
    ),
    "total at the end of a sheet": Case(
        in_workbook(among_sound(("Total", None, 400))), Taken(41, SOUND_AMOUNT, {NEXT: "a total"}, 400.0)
    ),
    "xls": Case(
        written("sales.xls", lambda: xls(among_sound(("c1", "soon", 5)))), Taken(41, 400.0, {NEXT: "no date"}, 5.0)
    ),
    "ods": Case(
        written("sales.ods", lambda: ods([line.split(",") for line in after_sound("c1,soon,5.00").splitlines()])),
        Taken(41, SOUND_AMOUNT, {NEXT: "no date"}, 5.0),
    ),
}

DATABASES = {
    "SQLite": Case(sqlite, Taken(41, SOUND_AMOUNT, {SOUND_ROWS + 1: "no date"}, 5.0), hints=QUERY),
    "DuckDB": Case(duck, Taken(40, 205.0), hints=QUERY),
    "SQLite with values of other types": Case(
        sqlite,
        Taken(
            45, SOUND_AMOUNT + 2, {43: "no number", 44: "no date", 45: "no number"}, 5.0, {"customer": ["7", "00ff"]}
        ),
        hints={
            "query": "SELECT customer, date, amount FROM sold WHERE date <> '2024-02-30' UNION ALL VALUES "
            "(7, '2024-01-02', 1), (x'00ff', '2024-01-02', 1), ('c1', '2024-01-02', 'x'), ('c1', 1704153600, 5.0), "
            "('c1', '2024-01-02', 9e999)"
        },
        parameters=ANY_SHARE,
    ),
    "SQLite without the table": Case(
        sqlite, Refused(("no such table", "Mend ledger.query"), names="sales.db"), hints={"query": "SELECT * FROM x"}
    ),
    "query without rows": Case(
        sqlite, Refused(("no rows", "Mend"), names="sales.db"), hints={"query": "SELECT * FROM sold WHERE 1 = 2"}
    ),
    "query that deletes": Case(sqlite, Refused(("no SELECT",), names="sales.db"), hints={"query": "DELETE FROM sold"}),
    "query that deletes too": Case(
        sqlite, Refused(names="sales.db"), hints={"query": "SELECT * FROM sold; DELETE FROM sold"}
    ),
    "SQLite that is text": Case(no_database, Refused(("not a database",), names="sales.db"), hints=QUERY),
    "SQLite that isn't there": Case(
        lambda place: f"sqlite:///{place}/sales.db", Refused(("no such file",), names="sales.db"), hints=QUERY
    ),
    "database of an unknown kind": Case(at_url("oracol://x/y"), Refused(("driver",), names="oracol"), hints=QUERY),
    "server that doesn't answer": Case(
        at_url("postgresql://shop:hunter2@127.0.0.1:1/shop"),
        Refused(("can't be opened",), names="127.0.0.1:1"),
        hints=QUERY,
    ),
    "URL that is none": Case(at_url("://sales."), Refused(("URL",), names="ledger.path"), hints=QUERY),
    "web address": Case(
        at_url("https://example.org/sales.csv"), Refused(("driver",), names="example.org"), hints=QUERY
    ),
    "database without a query": Case(at_url("sqlite:///sales.db"), Refused(("query must hold",), names="ledger")),
}

CASES = {
    name: case
    for cases in (
        NO_TABLES,
        ARCHIVES,
        HEADERS,
        TEXTS,
        KEYS_AND_KINDS,
        NUMBERS,
        DATES,
        PARQUETS,
        WORKBOOKS,
        DATABASES,
    )
    for name, case in cases.items()
}
TAKEN = [name for name, case in CASES.items() if isinstance(case.expected, Taken)]
REFUSED = [name for name, case in CASES.items() if isinstance(case.expected, Refused)]


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """End a test that waits for ever, and leave signals as they were: the command sets one of its own."""

    def ring(*_: Any) -> None:
        raise TimeoutError("the ledger was waited for")

    before = {kind: signal.getsignal(kind) for kind in (signal.SIGALRM, signal.SIGTERM)}
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS_ALLOWED)
    yield
    signal.alarm(0)
    for kind, handler in before.items():
        signal.signal(kind, handler)


def parameter_file(case: Case, place: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write a case's ledger and its parameter file."""
    if callable(case.content):
        ledger = case.content(place)
    else:
        ledger = place / case.name
        ledger.write_bytes(case.content if isinstance(case.content, bytes) else case.content.encode())
    given = {
        "base": "odd",
        "ledger": {"path": str(ledger), "columns": dict(case.columns), **case.hints},
        **case.parameters,
    }
    file = place / "odd.yml"
    file.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    if case.largest_unpacked is not None:
        patch.setattr(archives, "LARGEST_UNPACKED", case.largest_unpacked)
    if case.fails_with is not None:
        # permissions don't bind every user that runs tests
        really_open, failure = Path.open, case.fails_with

        def open_file(path: Path, *arguments: Any, **options: Any) -> Any:
            if path == ledger:
                raise failure
            return really_open(path, *arguments, **options)

        patch.setattr(Path, "open", open_file)
    return file


@pytest.mark.parametrize("name", TAKEN)
def test_an_odd_ledger_is_taken_in_with_every_row_accounted_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    expected = case.expected
    assert isinstance(expected, Taken)
    intake = take_in(read_parameters(parameter_file(case, tmp_path, monkeypatch)), today=TODAY)
    account, rows, quarantine = intake.ledger.account, intake.ledger.rows, intake.quarantine
    assert dict(quarantine.select("row", "reason").iter_rows()).keys() == expected.aside.keys()
    for row, reason in quarantine.select("row", "reason").iter_rows():
        assert expected.aside[row] in reason
    assert account.rows_read == expected.rows
    assert account.rows_used == rows.height
    assert account.rows_quarantined == quarantine.height
    assert account.rows_read == account.rows_used + account.rows_quarantined
    assert rows["amount"].sum() == pytest.approx(expected.amount, abs=0.004)
    assert rows["net_amount"].sum() == pytest.approx(expected.amount, abs=0.004)
    assert account.amount_used == pytest.approx(expected.amount, abs=0.004)
    assert account.amount_quarantined == pytest.approx(expected.aside_amount, abs=0.004)
    assert account.amount_read == pytest.approx(expected.amount + expected.aside_amount, abs=0.004)
    for column, values in expected.holds.items():
        assert set(values) <= set(rows[column])
    if expected.repeats is not None:
        assert intake.ledger.repeats == expected.repeats
    assert_each_row_has_one_place(intake)


def assert_each_row_has_one_place(intake: Intake) -> None:
    places = pl.concat(
        [
            intake.ledger.rows.select(pl.col("source").cast(pl.String), pl.col("row").cast(pl.Int64)),
            intake.ledger.quarantine.select("source", "row"),
        ]
    )
    assert places.n_unique() == places.height == intake.ledger.account.rows_read


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_ledger_is_refused_in_words_that_help(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    expected = case.expected
    assert isinstance(expected, Refused)
    file = parameter_file(case, tmp_path, monkeypatch)
    ended = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path / "out")])
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    assert ended.exit_code == 2
    assert not (tmp_path / "out").exists()
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert lines[-1] == "Nothing was run."
    for line in lines:
        assert line.isprintable()
        assert len(line) < 1_000 + len(yaml.safe_load(file.read_text())["ledger"]["path"])
        assert "Traceback" not in line
        has_remedy = bool(SUMMARY.fullmatch(line) or REMEDY.search(line))
        assert has_remedy, f"no remedy: {line}"
    for words in (expected.names, *expected.says):
        assert words in ended.stderr
    if expected.row is not None:
        assert re.search(rf"\brows? {expected.row}\b", ended.stderr)


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 60
    assert len(CASES) == len(TAKEN) + len(REFUSED)


def test_a_row_set_aside_keeps_what_it_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = after_sound('"Müller, ""A"" & <b>",soon,5.00', "c1,2024-01-05")
    file = parameter_file(Case(content, ALL_SOUND), tmp_path, monkeypatch)
    first, second = take_in(read_parameters(file), today=TODAY).quarantine["as_read"]
    assert json.loads(first) == {"customer": 'Müller, "A" & <b>', "date": "soon", "amount": "5.00"}
    assert "c1,2024-01-05" in second


def test_a_password_in_a_url_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = parameter_file(CASES["server that doesn't answer"], tmp_path, monkeypatch)
    ended = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path / "out")])
    assert "hunter2" not in ended.output


@pytest.mark.parametrize("section", ["customers", "events", "spending"])
def test_a_bad_side_table_is_refused_like_a_ledger(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside.csv").write_text("a,b\n1,2\n")
    names = {
        "customers": ["customer"],
        "events": ["customer", "date", "kind"],
        "spending": ["date", "purpose", "amount"],
    }
    table = {"path": str(tmp_path / "beside.csv"), "columns": {name: name for name in names[section]}}
    file = parameter_file(Case(after_sound(), ALL_SOUND, parameters={section: table}), tmp_path, monkeypatch)
    ended = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path / "out")])
    assert ended.exit_code == 2
    for name in names[section]:
        assert f"beside.csv: there is no column '{name}' ({section}.columns.{name})" in ended.stderr
