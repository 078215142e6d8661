"""Reading workbooks: .xlsx, .xls, .xlsb and .ods, by calamine through fastexcel. No cell is lost on the way.

Cells stay numbers, dates or booleans where a column holds nothing else; any other column becomes text. Error cells
such as ``#N/A`` are text too, so that whoever cleans the rows meets them.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import logging
import lzma
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import fastexcel
import polars as pl

from ..errors import Refusal
from ..parameters import TableSource
from ..wording import plural, printable
from .header import Header, column_names, find_header, shown_name
from .numbers import as_text
from .raw import RawTable

HEADER_WITHIN = 200  # rows from the first with a value on
MOST_CELLS = 100_000_000  # calamine keeps 32 bytes for each cell of the rectangle that the cells span
CHUNK = 2**24
LONGEST_CELL = 2**26  # bytes; a spreadsheet's cells hold 32,767 letters
CELL_TOO_LONG = "a cell holds more text than any spreadsheet takes. Save the table as .csv."
SHEETS_SHOWN = 20
LONGEST_SENTENCE = 200
ERRORS = {
    "Div0": "#DIV/0!",
    "GettingData": "#GETTING_DATA",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
ERROR = re.compile(r"Error\((?P<kind>\w+)\)")
SAVE_FORMULAS = "Open the workbook in a spreadsheet program and save it, so that the values are stored."
TRUTHS = ["true", "false"]
NUMBER = r"^-?\d+(\.\d+)?$"
UNREADABLE_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    KeyError,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
)
PROBE = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
except (ImportError, ValueError, OSError):
    pass
import fastexcel
try:
    workbook = fastexcel.read_excel(sys.stdin.buffer.read())
    for sheet in workbook.sheet_names:
        workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
except fastexcel.FastExcelError:
    pass
"""
PROBE_MEMORY = 16 * 2**30  # bytes
PROBE_SECONDS = 20
PROBE_SECONDS_PER_MEGABYTE = 5
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
# the first record of an .xls, then the one that says how the rest is encrypted
ENCRYPTED_XLS = re.compile(rb"\x09\x08\x10\x00\x00\x06\x05\x00.{12}(?:\x86\x00\x00\x00)?\x2f\x00", re.DOTALL)
ODS_ERROR = b'calcext:value-type="error"'
ODS_ERROR_CELL = re.compile(rb'<table:table-cell\b[^>]*calcext:value-type="error"[^>]*>')
XLSX_VALUE = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*(?<!/)>')
# up to column CV a sheet of as many rows as there can be is within MOST_CELLS
XLSX_FAR = re.compile(rb' r="(?:[A-Z]{3}\d|[D-Z][A-Z]\d|C[W-Z]\d|[A-Z]+\d{7})')
# a formula's result that is empty text is a value too
XLSX_FORMULA_WITHOUT_VALUE = re.compile(
    rb'<c\b(?![^>]*\bt="str")[^>]*?\br="([A-Z]{1,3})\d{1,7}"[^>]*><f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>|(?=</c>))'
)
XLSX_1904 = re.compile(rb'<workbookPr\b[^>]*\bdate1904="(?:1|true)"')

Read = TypeVar("Read")

for logger in ("fastexcel", "calamine"):
    # what they have to say is said in refusals, and would otherwise be printed
    logging.getLogger(logger).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class _Sheet:
    """A sheet, every cell as text, without the empty columns to its left.

    `offset` is their number; `faulty` has the positions in `cells` of the columns with error cells.
    """

    name: str
    cells: pl.DataFrame
    offset: int
    faulty: frozenset[int]
    header: Header | None

    @property
    def body(self) -> pl.DataFrame:
        return self.cells.slice(self.header.index + 1 if self.header else 0)

    def missing(self, wanted: Collection[str]) -> list[str]:
        """Return the wanted columns that the header doesn't hold."""
        cells = self.cells.row(self.header.index) if self.header else ()
        return sorted(set(wanted) - {(cell or "").strip() for cell in cells})


def read_workbook(content: bytes, name: str, source: TableSource, wanted: Collection[str]) -> list[RawTable]:
    """Read a workbook's tables.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What messages call it.
    source : TableSource
        Its hints `sheet` (a name, or a number from 0 on) and `header_row` overrule what is found.
    wanted : collection of str
        Names of the columns asked for; may be empty.

    Returns
    -------
    list of RawTable
        The sheet that `source` names, or each sheet that holds every column of `wanted`, or, if none does, the first
        with a value. Where `wanted` is empty, the sheet with most rows. A table is called ``book.xlsx/Sheet``, or
        ``book.xlsx`` where the workbook has one sheet only. `reading` has ``date_system`` 1904 if an .xlsx counts
        its days from 1904 on: date cells are read accordingly, serial numbers stay numbers.

    Raises
    ------
    Refusal
        When it is no workbook, is damaged, is protected by a password, has no such sheet or no header, when a
        column of `wanted` stands there twice, or when one holds formulas without values alone.
    """
    _refuse_cells_far_off(content, name)
    shown = _with_errors_shown(content)
    _refuse_what_stops_calamine(shown, name)
    workbook = _guarded(lambda: fastexcel.read_excel(shown), content, name)
    wanted = {column.strip() for column in wanted}
    sheets = [
        _read_sheet(workbook, sheet, content, name, wanted, source.header_row)
        for sheet in _sheet_names(workbook.sheet_names, name, source)
    ]
    chosen, why = _chosen(sheets, wanted, source)
    if not chosen:
        start = source.header_row or 1
        raise Refusal(f"{name}: there is no header from row {start} on. Set ledger.header_row or ledger.sheet.")
    digest = hashlib.sha256(content).hexdigest()
    is_1904 = _counts_from_1904(content)
    tables = []
    for sheet, header in chosen:
        called = name if len(workbook.sheet_names) == 1 else f"{name}/{printable(sheet.name)}"
        header_cells = [None] * sheet.offset + list(sheet.cells.row(header.index))
        names = column_names(header_cells, wanted, called)[sheet.offset :]
        columns = _columns(workbook, sheet, header.index + 1, content, name, source)
        # a column that only has a format is none
        kept = [at for at, column in enumerate(columns) if header_cells[sheet.offset + at] or column.count()]
        rows = pl.DataFrame([columns[at].alias(names[at]) for at in kept])
        numbers = pl.int_range(header.index + 2, header.index + 2 + sheet.body.height, eager=True)
        filled = _is_filled(sheet.body)
        rows, numbers = rows.filter(filled), numbers.filter(filled)
        reading: dict[str, str | int] = {"sheet": sheet.name, "header_row": header.index + 1}
        evidence = {"sheet": why, "header_row": header.evidence}
        if is_1904:
            reading["date_system"] = 1904
            evidence["date_system"] = "The workbook says that its days are counted from 1904 on."
        asked = {sheet.offset + at + 1: rows[names[at]] for at in kept if names[at] in wanted}
        if _has_formulas_without_value(content, asked, called):
            reading["formulas"] = "without values"
            evidence["formulas"] = f"Some formulas have no value stored, and their cells read as empty. {SAVE_FORMULAS}"
        tables.append(RawTable(called, rows, numbers, digest, reading=reading, evidence=evidence))
        why = "It holds every column asked for."
    return tables


def _sheet_names(there: Sequence[str], name: str, source: TableSource) -> Sequence[str]:
    if source.sheet is None:
        return there
    if isinstance(source.sheet, int) and source.sheet < len(there):
        return [there[source.sheet]]
    if source.sheet in there:
        return [str(source.sheet)]
    shown = ", ".join(map(shown_name, there[:SHEETS_SHOWN])) + ", ..." * (len(there) > SHEETS_SHOWN)
    sheet = source.sheet if isinstance(source.sheet, int) else shown_name(source.sheet)
    raise Refusal(f"{name}: there is no sheet {sheet}. Set ledger.sheet to one of these: {shown}.")


def _read_sheet(
    workbook: fastexcel.ExcelReader,
    sheet: str,
    content: bytes,
    name: str,
    wanted: Collection[str],
    header_row: int | None,
) -> _Sheet:
    # without skip_rows the rows above the first value would not count
    loaded = _guarded(lambda: workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string"), content, name)
    if not loaded.width:
        return _Sheet(sheet, pl.DataFrame(), 0, frozenset(), None)
    offset = loaded.selected_columns[0].absolute_index
    batch, unread = _guarded(loaded.to_arrow_with_errors, content, name)
    cells = pl.DataFrame(pl.from_arrow(batch))
    errors: dict[int, dict[int, str]] = {}
    for cell in unread.errors if unread else ():
        row, column = cell.offset_position
        errors.setdefault(column, {})[row] = _as_shown(cell.detail)
    for column, texts in errors.items():
        cells.replace_column(column, cells.to_series(column).scatter(list(texts), list(texts.values())))
    cells = cells.with_columns(pl.when(pl.all().str.strip_chars() != "").then(pl.all()))
    start = max(int(_is_filled(cells).arg_max() or 0), header_row or 0)
    header = find_header(cells.head(start + HEADER_WITHIN).rows(), wanted, header_row)
    return _Sheet(sheet, cells, offset, frozenset(errors), header)


def _as_shown(detail: str) -> str:
    """Return what a spreadsheet shows in a cell that has no text of its own."""
    error = ERROR.search(detail)
    return ERRORS.get(error["kind"], "#ERROR!") if error else detail


def _chosen(
    sheets: Sequence[_Sheet], wanted: Collection[str], source: TableSource
) -> tuple[list[tuple[_Sheet, Header]], str]:
    """Return the sheets to use with their headers, and the sentence that says why."""
    filled = [(sheet, sheet.header) for sheet in sheets if sheet.header]
    if source.sheet is not None:
        return filled, "It is named by the parameter sheet."
    if len(filled) < 2:
        return filled, "It is the only sheet with a value."
    if not wanted:
        heights = [int(_is_filled(sheet.body).sum()) for sheet, _ in filled]
        most = heights.index(max(heights))
        others = ", ".join(
            f"{shown_name(sheet.name)} ({plural(height, 'row')})"
            for at, ((sheet, _), height) in enumerate(zip(filled, heights, strict=True))
            if at != most
        )
        return [filled[most]], f"It has the most rows, {heights[most]:,}. Passed over: {others}."
    chosen = [(sheet, header) for sheet, header in filled if not sheet.missing(wanted)]
    why = "It holds every column asked for."
    if not chosen:
        chosen, why = filled[:1], "No sheet holds every column asked for, and it is the first with a value."
    names = {sheet.name for sheet, _ in chosen}
    for sheet, _ in filled:
        if sheet.name not in names:
            lacking = sheet.missing(wanted)
            held = (
                "holds none of the columns asked for"
                if len(lacking) == len(wanted)
                else f"holds no column {' nor '.join(map(shown_name, lacking))}"
            )
            why += f" Sheet {shown_name(sheet.name)} {held} and was passed over."
    return chosen, why


def _columns(
    workbook: fastexcel.ExcelReader, sheet: _Sheet, skipped: int, content: bytes, name: str, source: TableSource
) -> list[pl.Series]:
    """Return the columns below the header, as numbers, dates or booleans where a column holds nothing else."""
    texts = sheet.body.get_columns()
    filled = [at for at, text in enumerate(texts) if text.count()]
    # a cell of any type reads as text, and a whole sheet of one type can't fail
    all_text: dict[str | int, fastexcel.DType] = {sheet.offset + at: "string" for at in range(len(texts))}

    def load(dtype: fastexcel.DType | None, positions: Collection[int]) -> dict[int, pl.Series]:
        """Read the columns at some positions as one type, or as the type their cells have."""
        dtypes = all_text | {sheet.offset + at: dtype for at in positions if dtype}
        for at in positions if dtype is None else ():
            del dtypes[sheet.offset + at]
        loaded = _guarded(
            lambda: workbook.load_sheet(
                sheet.name,
                header_row=None,
                skip_rows=skipped,
                schema_sample_rows=None,
                dtypes=dtypes,
                whitespace_as_null=True,
            ).to_polars(),
            content,
            name,
        )
        return {at: loaded.to_series(at) for at in positions}

    def load_as_they_are(positions: Sequence[int]) -> dict[int, pl.Series]:
        if not positions:
            return {}
        try:
            return load(None, positions)
        except fastexcel.UnsupportedColumnTypeCombinationError:
            # times of day beside anything else; which column it is isn't told
            half = len(positions) // 2
            return load_as_they_are(positions[:half]) | load_as_they_are(positions[half:]) if half else {}

    columns = dict(enumerate(texts))
    for at, column in load_as_they_are([at for at in filled if at not in sheet.faulty]).items():
        holds_truths = column.dtype.is_numeric() and texts[at].is_in(TRUTHS).any()
        if not holds_truths and column.is_null().equals(texts[at].is_null()):
            columns[at] = column
    doubtful = [at for at in filled if columns[at].dtype == pl.String and texts[at].str.contains(NUMBER).any()]
    # whether a cell is a number or text that looks like one is told by reading it as a boolean
    is_number = {
        at: column.is_not_null() & ~texts[at].is_in(TRUTHS)
        for at, column in (load("boolean", doubtful) if doubtful else {}).items()
    }
    mixed = [at for at in doubtful if is_number[at].any()]
    for at, column in (load("float", mixed) if mixed else {}).items():
        # calamine's own text of a number has nine decimals at most
        written = as_text(column)
        if source.decimal == "," or source.thousands == ".":
            written = written.str.replace(".", ",", literal=True)
        columns[at] = written.zip_with(is_number[at], texts[at])
    return list(columns.values())


def _is_filled(rows: pl.DataFrame) -> pl.Series:
    return rows.select(pl.any_horizontal(pl.all().is_not_null()).alias("filled"))["filled"]


def _guarded(read: Callable[[], Read], content: bytes, name: str) -> Read:
    """Call `read`; where it fails because of the file, say so in one line."""
    try:
        return read()
    except fastexcel.UnsupportedColumnTypeCombinationError:
        raise
    except fastexcel.FastExcelError as reason:
        problem = str(reason)
    except BaseException as reason:
        # a damaged file that stops calamine halfway
        if type(reason).__name__ != "PanicException":
            raise
        problem = "it is damaged"
    raise Refusal(f"{name}: {_diagnosis(content, name, problem)}") from None


def _diagnosis(content: bytes, name: str, problem: str) -> str:
    """Say why a file is no workbook, and what to do."""
    is_ole = content.startswith(OLE)
    if (is_ole and (ENCRYPTED_PACKAGE in content or ENCRYPTED_XLS.search(content))) or _is_encrypted_ods(content):
        return "can't be read as a workbook: it is protected by a password. Save a copy without one."
    ending = printable(Path(name).suffix)
    text = _start_of_text(content)
    if text.startswith("<"):
        return (
            f"can't be read as a workbook: it is a web page or XML named {ending}. "
            f"Open it in a spreadsheet program and save it as .xlsx."
        )
    if text:
        return f"can't be read as a workbook: it is text named {ending}. Rename it to .csv."
    problem = printable(problem.partition("\n")[0].removeprefix("calamine error: ").rstrip("."))[:LONGEST_SENTENCE]
    problem = "it is damaged, or none" if "Cannot detect file format" in problem else problem
    return f"can't be read as a workbook: {problem}. Save it again."


def _start_of_text(content: bytes) -> str:
    """Return the first characters of a text file; nothing for any other file."""
    start = content[:4096]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return start.decode("utf-16", errors="replace").strip()
    # any text holds bytes above 127, but no control characters
    is_text = not any(byte < 32 and byte not in b"\t\n\f\r" for byte in start)
    return start.decode("latin-1").removeprefix("ï»¿").strip() if is_text else ""


def _member(content: bytes, member: str) -> bytes:
    """Return a file of the archive that a workbook is; nothing if it isn't there."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(member)
    except UNREADABLE_ARCHIVE:
        return b""


def _is_encrypted_ods(content: bytes) -> bool:
    return b"<manifest:encryption-data" in _member(content, "META-INF/manifest.xml")


def _counts_from_1904(content: bytes) -> bool:
    return XLSX_1904.search(_member(content, "xl/workbook.xml")) is not None


def _with_errors_shown(content: bytes) -> bytes:
    """Return the workbook; of an .ods, one in which error cells are read as what they show."""
    cells = _member(content, "content.xml")
    if ODS_ERROR not in cells:
        return content
    # the value beside an error is empty text, which calamine takes for the cell's
    cells = ODS_ERROR_CELL.sub(lambda cell: cell[0].replace(b'office:string-value=""', b""), cells)
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for member in ("mimetype", "META-INF/manifest.xml"):
            if member in old.namelist():
                new.writestr(member, old.read(member))
        new.writestr("content.xml", cells)
    return changed.getvalue()


def _worksheets(content: bytes, name: str) -> Iterator[Iterator[bytes]]:
    """Give each worksheet of an .xlsx in pieces that end between cells."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                    yield _pieces(archive, member, name)
    except UNREADABLE_ARCHIVE:
        # what is wrong with the archive is said by whoever opens it as a workbook
        return


def _pieces(archive: zipfile.ZipFile, member: str, name: str) -> Iterator[bytes]:
    rest = b""
    with archive.open(member) as file:
        while chunk := file.read(CHUNK):
            if len(rest) > LONGEST_CELL:
                raise Refusal(f"{name}: {CELL_TOO_LONG}")
            whole, cell, rest = (rest + chunk).rpartition(b"<c ")
            yield whole
            rest = cell + rest
    yield rest


def _refuse_cells_far_off(content: bytes, name: str) -> None:
    """Refuse a sheet whose cells span a rectangle that doesn't fit into memory: calamine would end the program."""
    try:
        if not any(XLSX_FAR.search(piece) for pieces in _worksheets(content, name) for piece in pieces):
            return
        for pieces in _worksheets(content, name):
            last_row, last_column = 0, "A"
            for piece in pieces:
                if places := XLSX_VALUE.findall(piece):
                    last_row = max(last_row, max(int(row) for _, row in places))
                    last_column = max(last_column, *{letters.decode() for letters, _ in places}, key=_place)
            if last_row * _place(last_column) > MOST_CELLS:
                raise Refusal(
                    f"{name}: a sheet reaches to column {last_column} and to row {last_row:,}, which is too much to "
                    f"hold. Delete the cells far off that belong to no table, or save the table as .csv."
                )
    except UNREADABLE_ARCHIVE:
        raise Refusal(f"{name}: {_diagnosis(content, name, 'it is damaged')}") from None


def _refuse_what_stops_calamine(content: bytes, name: str) -> None:
    """Refuse a damaged file on which calamine would end the program or never end: another program tries it.

    An .xlsx is spared: its size is known by now, and a program more for each would be slow.
    """
    if not content.startswith(OLE) and not _member(content, "content.xml") and not _member(content, "xl/workbook.bin"):
        return
    seconds = PROBE_SECONDS + PROBE_SECONDS_PER_MEGABYTE * len(content) // 10**6
    try:
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-c", PROBE, str(PROBE_MEMORY)],
            input=content,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
        is_readable = ended.returncode == 0
    except subprocess.TimeoutExpired:
        is_readable = False
    if not is_readable:
        raise Refusal(f"{name}: {_diagnosis(content, name, 'it is damaged or too large')}")


def _has_formulas_without_value(content: bytes, columns: Mapping[int, pl.Series], name: str) -> bool:
    """Whether columns have formulas that were never calculated, known for .xlsx only.

    `columns` are those asked for, by their places in the sheet from 1 on.

    Raises
    ------
    Refusal
        When such a column has no value at all.
    """
    lacking = {place: column for place, column in columns.items() if column.null_count()}
    if not lacking:
        return False
    found = {
        _place(letters.decode())
        for pieces in _worksheets(content, name)
        for piece in pieces
        for letters in XLSX_FORMULA_WITHOUT_VALUE.findall(piece)
    }
    for place in sorted(found & lacking.keys()):
        if not lacking[place].count():
            column = shown_name(lacking[place].name)
            raise Refusal(f"{name}: the column {column} holds formulas without values. {SAVE_FORMULAS}")
    return bool(found & lacking.keys())


def _place(letters: str) -> int:
    """Return a column's place, from 1 on: AA is the 27th."""
    place = 0
    for letter in letters:
        place = 26 * place + ord(letter) - ord("A") + 1
    return place
