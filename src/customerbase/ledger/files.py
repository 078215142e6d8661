"""Reading a ledger's files as they are: every cell of a text file stays text until its column's meaning is known."""

from __future__ import annotations

import codecs
import csv
import hashlib
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..errors import Refusal
from ..parameters import LedgerSource
from ..project import ROOT

TEXT = {".csv", ".txt", ".tsv"}
EXCEL = {".xlsx", ".xls", ".xlsb", ".ods"}
PARQUET = {".parquet", ".pq"}
BUILTIN = {"cdnow"}


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
    return file.is_file() and file.suffix.lower() in TEXT | EXCEL | PARQUET and not file.name.startswith(("~$", "."))


def _read_file(file: Path, source: LedgerSource) -> RawFile:
    ending = file.suffix.lower()
    if ending not in TEXT | EXCEL | PARQUET:
        raise Refusal(f"{file}: '{ending}' is no ledger format read here; use .csv, .txt, .tsv, .parquet or .xlsx.")
    try:
        content = file.read_bytes()
    except OSError as reason:
        raise Refusal(f"{file}: can't be read: {reason.strerror}.") from None
    if not content:
        raise Refusal(f"{file}: the file is empty.")
    read = _read_text if ending in TEXT else _read_excel if ending in EXCEL else _read_parquet
    rows, first_row = read(content, file, source)
    return _raw_file(file, rows, first_row, content)


def _raw_file(file: Path, rows: pl.DataFrame, first_row: int, content: bytes) -> RawFile:
    numbers = pl.int_range(first_row, first_row + rows.height, eager=True)
    # a line without any value is no row: editors leave them at the end
    filled = rows.select(pl.any_horizontal(pl.all().is_not_null()).alias("filled"))["filled"]
    return RawFile(file.name, rows.filter(filled), numbers.filter(filled), hashlib.sha256(content).hexdigest())


def _read_text(content: bytes, file: Path, source: LedgerSource) -> tuple[pl.DataFrame, int]:
    content = _as_utf8(content, file, source.encoding)
    if b"\0" in content:
        raise Refusal(f"{file}: holds NUL bytes, so this is no text file. Export it again as CSV.")
    skip = (source.header_row or 1) - 1
    header = content.split(b"\n", skip + 1)[-2 if content.count(b"\n") > skip else -1]
    delimiter = source.delimiter or _guess_delimiter(header.decode())
    _refuse_repeated_names(next(csv.reader([header.decode().rstrip("\r")], delimiter=delimiter), []), file, source)
    try:
        rows = pl.read_csv(
            content, separator=delimiter, infer_schema=False, skip_lines=skip
        )
    except pl.exceptions.NoDataError:
        raise Refusal(f"{file}: there is no header in row {skip + 1}.") from None
    except pl.exceptions.PolarsError as reason:
        raise Refusal(_ragged_row(content, delimiter, file) or f"{file}: can't be read as CSV: {reason}.") from None
    return rows.rename(str.strip), skip + 2


def _as_utf8(content: bytes, file: Path, encoding: str | None) -> bytes:
    if encoding is None:
        for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
            if content.startswith(mark):
                encoding = name
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as reason:
        row = content.count(b"\n", 0, reason.start) + 1
        hint = "set ledger.encoding, for example to cp1251, cp1252 or latin-1"
        raise Refusal(f"{file}: row {row} is not valid {encoding or 'UTF-8'} text; {hint}.") from None
    return content if encoding is None else text.encode()


def _guess_delimiter(header: str) -> str:
    return max(",;\t|", key=header.count)


def _refuse_repeated_names(names: list[str], file: Path, source: LedgerSource) -> None:
    names = [name.strip() for name in names]
    repeated = sorted({name for name in source.columns.values() if names.count(name) > 1})
    if repeated:
        raise Refusal(f"{file}: two columns are called '{repeated[0]}'. Rename one so that it is clear which counts.")


def _ragged_row(content: bytes, delimiter: str, file: Path) -> str | None:
    reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter)
    width = len(next(reader))
    try:
        for row in reader:
            if len(row) > width:
                where = f"{file}: row {reader.line_num} has {len(row)} fields where the header has {width}."
                return f"{where} Is a '{delimiter}' inside a value without quotes?"
    except csv.Error as reason:
        return f"{file}: row {reader.line_num} can't be read as CSV: {reason}."
    return None


def _read_excel(content: bytes, file: Path, source: LedgerSource) -> tuple[pl.DataFrame, int]:
    import fastexcel

    header = (source.header_row or 1) - 1
    try:
        workbook = fastexcel.read_excel(content)
        sheet = workbook.load_sheet(source.sheet if source.sheet is not None else 0, header_row=header)
        rows = sheet.to_polars()
    except fastexcel.FastExcelError as reason:
        raise Refusal(f"{file}: can't be read as a workbook: {str(reason).splitlines()[0]}.") from None
    return rows.rename(str.strip), header + 2


def _read_parquet(content: bytes, file: Path, source: LedgerSource) -> tuple[pl.DataFrame, int]:
    try:
        return pl.read_parquet(content), 1
    except pl.exceptions.PolarsError as reason:
        raise Refusal(f"{file}: can't be read as Parquet: {reason}.") from None


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
    return _raw_file(file, rows, 2, content)
