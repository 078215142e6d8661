"""Reading a ledger's files as they are: every cell of a text file stays text until its column's meaning is known."""

from __future__ import annotations

import codecs
import csv
import hashlib
import importlib.util
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..errors import Refusal
from ..parameters import LedgerSource
from ..project import ROOT
from ..wording import plural

TEXT = {".csv", ".txt", ".tsv"}
EXCEL = {".xlsx", ".xls", ".xlsb", ".ods"}
PARQUET = {".parquet", ".pq"}
IN_FOLDERS = {".csv", ".tsv"} | EXCEL | PARQUET  # a .txt beside ledgers is a note, unless it is named outright
BUILTIN = {"cdnow"}
ZIP = b"PK\3\4"  # a workbook's first bytes
BLANK_AT_MOST = 1000  # rows above a workbook's header


@dataclass(frozen=True)
class RawFile:
    """One file's rows as read.

    Attributes
    ----------
    name : str
        The file's name, for messages and the quarantine.
    rows : polars.DataFrame
        The file's columns under their own names.
    numbers : polars.Series
        The number of each of `rows` in the source file, as a spreadsheet or an editor counts.
    digest : str
        SHA-256 of the file's bytes.
    """

    name: str
    rows: pl.DataFrame
    numbers: pl.Series
    digest: str


def read_files(source: LedgerSource) -> Iterator[RawFile]:
    """Read the file, the files of the folder, or the built-in ledger that `source` names.

    Raises
    ------
    Refusal
        When there is nothing to read or a file can't be read as what its ending says.
    """
    if source.path.startswith("builtin:"):
        yield _builtin(source.path.removeprefix("builtin:"))
        return
    path = ROOT / source.path
    try:
        files = sorted(f for f in path.iterdir() if _is_ledger_file(f)) if path.is_dir() else [path]
    except OSError as reason:
        raise Refusal(f"ledger.path: {path} can't be opened: {reason.strerror}.") from None
    if not path.exists():
        raise Refusal(f"ledger.path: there is no {path}. A relative path starts at the project's folder, {ROOT}.")
    if not files:
        raise Refusal(f"ledger.path: the folder {path} holds no CSV, Parquet or Excel file.")
    for file in files:
        yield _read_file(file, source)


def _is_ledger_file(file: Path) -> bool:
    # a spreadsheet program leaves lock files such as ~$sales.xlsx beside the open workbook
    return file.is_file() and file.suffix.lower() in IN_FOLDERS and not file.name.startswith(("~$", "."))


def _read_file(file: Path, source: LedgerSource) -> RawFile:
    ending = file.suffix.lower()
    if ending not in TEXT | EXCEL | PARQUET:
        raise Refusal(f"{file}: '{ending}' is no ledger format read here; use .csv, .txt, .tsv, .parquet or .xlsx.")
    try:
        content = file.read_bytes()
    except OSError as reason:
        raise Refusal(f"{file}: can't be read: {reason.strerror}.") from None
    if not content:
        raise Refusal(f"{file}: the file is empty. Export it again.")
    read = _read_text if ending in TEXT else _read_excel if ending in EXCEL else _read_parquet
    names, rows, first_row = read(content, file, source)
    _refuse_repeated_names(names, file, source)
    return _raw_file(file, names, rows, first_row, content)


def _raw_file(file: Path, names: list[str], rows: pl.DataFrame, first_row: int, content: bytes) -> RawFile:
    names = [name.strip() for name in names]
    # names that repeat belong to columns nobody asks for; here they only have to differ
    rows.columns = [name if names.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(names, 1)]
    text = pl.col(pl.String)
    rows = rows.with_columns(pl.when(text.str.strip_chars() != "").then(text))
    numbers = pl.int_range(first_row, first_row + rows.height, eager=True)
    # a line without any value is no row: editors leave them at the end
    filled = rows.select(pl.any_horizontal(pl.all().is_not_null()).alias("filled"))["filled"]
    return RawFile(file.name, rows.filter(filled), numbers.filter(filled), hashlib.sha256(content).hexdigest())


def _refuse_repeated_names(names: list[str], file: Path, source: LedgerSource) -> None:
    names = [name.strip() for name in names]
    repeated = sorted({name for name in source.columns.values() if names.count(name) > 1})
    if repeated:
        raise Refusal(f"{file}: two columns are called '{repeated[0]}'. Rename one so that it is clear which counts.")


def _read_text(content: bytes, file: Path, source: LedgerSource) -> tuple[list[str], pl.DataFrame, int]:
    header_row, text = _from_header_on(_decoded(content, file, source.encoding), file, source.header_row or 1)
    delimiter = source.delimiter or _guess_delimiter(text.partition("\n")[0])
    names, body, height = _measured(text, delimiter, file, header_row)
    columns = [str(position) for position in range(len(names))]
    try:
        rows = pl.read_csv(f"{delimiter.join(columns)}\n{body}".encode(), separator=delimiter, infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        rows = None
    if rows is None or rows.height != height:
        # Polars doesn't take a quotation mark inside an unquoted value, such as 5" disk
        lines = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter)
        cells = (line if len(line) == len(names) else [None] * len(names) for line in lines)
        rows = pl.DataFrame(list(cells), schema=dict.fromkeys(columns, pl.String), orient="row")
    return names, rows, header_row + 1


def _decoded(content: bytes, file: Path, encoding: str | None) -> str:
    """Return the text without a byte order mark, its lines ended by newlines alone."""
    if encoding is None:
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if utf16 else "utf-8"
        if content.startswith(ZIP) or (b"\0" in content and not utf16):
            raise Refusal(f"{file}: is no text file. Export it as CSV, or give it the ending of what it is.")
    try:
        text = content.decode(encoding)
        text.encode()
    except UnicodeError as reason:
        line = content.count(b"\n", 0, getattr(reason, "start", 0)) + 1
        hint = "set ledger.encoding, for example to cp1251, cp1252 or latin-1"
        raise Refusal(f"{file}: row {line} is not valid {encoding} text; {hint}.") from None
    if "\0" in text:
        raise Refusal(f"{file}: holds NUL characters when read as {encoding}. Export it again as CSV.")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _from_header_on(text: str, file: Path, row: int) -> tuple[int, str]:
    """Return the number of the first line with a value, from `row` on, and the text that begins there."""
    to_header = re.match(rf"(?:[^\n]*\n){{{row - 1}}}\s*(?=\S)", text)
    if to_header is None:
        raise Refusal(f"{file}: there is no header from row {row} on. Set ledger.header_row.")
    start = text.rfind("\n", 0, to_header.end()) + 1
    return text.count("\n", 0, start) + 1, text[start:]


def _guess_delimiter(header: str) -> str:
    return max(",;\t|", key=re.sub('"[^"]*"', "", header).count)


def _measured(text: str, delimiter: str, file: Path, header_row: int) -> tuple[list[str], str, int]:
    """Return the header's names, the text below it and its number of rows, all of the header's width."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = header_row - 1
    try:
        names = next(reader)
        body = text.split("\n", reader.line_num)[reader.line_num :]
        row = header_row
        for row, cells in enumerate(reader, header_row + 1):
            if len(cells) != len(names) and (len(cells) > len(names) or any(map(str.strip, cells))):
                where = f"row {row} has {plural(len(cells), 'field')} where the header has {len(names)}"
                raise Refusal(f"{file}: {where}. Is a '{delimiter}' inside a value without quotes, or a value missing?")
    except csv.Error as reason:
        raise Refusal(f"{file}: row {row + 1} can't be read: {reason}. Is a quotation mark left open?") from None
    return names, "".join(body), row - header_row


def _read_excel(content: bytes, file: Path, source: LedgerSource) -> tuple[list[str], pl.DataFrame, int]:
    import fastexcel

    row = source.header_row or 1
    name = 0 if source.sheet is None else source.sheet
    try:
        workbook = fastexcel.read_excel(content)
        top = workbook.load_sheet(name, header_row=None, skip_rows=0, n_rows=row + BLANK_AT_MOST, dtypes="string")
        above = top.to_polars().rows()
        header = next((at for at in range(row - 1, len(above)) if "".join(filter(None, above[at])).strip()), None)
        if header is None:
            raise Refusal(f"{file}: there is no header from row {row} on. Set ledger.header_row or ledger.sheet.")
        names = [cell or "" for cell in above[header]]
        # from a sample of the rows a later cell of another type would be lost
        rows = workbook.load_sheet(name, header_row=header, schema_sample_rows=None).to_polars()
    except fastexcel.SheetNotFoundError:
        sheets = ", ".join(f"'{sheet}'" for sheet in workbook.sheet_names)
        raise Refusal(f"{file}: there is no sheet {name!r} (ledger.sheet). The workbook has: {sheets}.") from None
    except fastexcel.FastExcelError as reason:
        raise Refusal(f"{file}: can't be read as a workbook: {_first_line(reason)}. Save it again.") from None
    return names, rows, header + 2


def _read_parquet(content: bytes, file: Path, source: LedgerSource) -> tuple[list[str], pl.DataFrame, int]:
    try:
        rows = pl.read_parquet(content)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as reason:
        raise Refusal(f"{file}: can't be read as Parquet: {_first_line(reason)}. Export it again.") from None
    return rows.columns, rows, 1


def _first_line(reason: BaseException) -> str:
    return str(reason).partition("\n")[0].rstrip(".")


def _builtin(name: str) -> RawFile:
    if name not in BUILTIN:
        raise Refusal(f"ledger.path: there is no built-in ledger '{name}'; there is: {', '.join(sorted(BUILTIN))}.")
    package = importlib.util.find_spec("lifetimes")
    if package is None or package.origin is None:
        raise Refusal("ledger.path: builtin:cdnow comes with the package lifetimes, which is not installed.")
    file = Path(package.origin).parent / "datasets" / "CDNOW_master.txt"
    content = file.read_bytes()
    # columns are set apart by one or more spaces, which no CSV reader takes
    names, *cells = (line.split() for line in content.decode().splitlines())
    rows = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    return _raw_file(file, names, rows, 2, content)
