"""From a path to raw tables: a file, a folder of them, an archive, a database, or a ledger that comes along."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import polars as pl

from ..errors import Refusal
from ..grocery import GROCERY, grocery_table
from ..parameters import TableSource
from ..project import ROOT
from ..wording import printable
from . import archives
from .header import column_names
from .raw import RawTable, raw_table
from .text import read_text

TEXT = {".csv", ".txt", ".tsv"}
EXCEL = {".xlsx", ".xls", ".xlsb", ".ods"}
PARQUET = {".parquet", ".pq"}
# a .txt beside ledgers is a note, unless it is named outright
IN_FOLDERS = {".csv", ".tsv"} | EXCEL | PARQUET | archives.ENDINGS
LONGEST_SHOWN = 300
CDNOW, WHOLESALE = "cdnow", "wholesale"
BUILTIN = (CDNOW, WHOLESALE, GROCERY)
BUILTIN_FOLDERS = {WHOLESALE: ROOT / "data" / "wholesale" / "ledger"}

LEDGERS_KEY = re.compile(rf"\bledger\.(?=({'|'.join(TableSource.model_fields)})\b)")

Progress = Callable[[str], None]


def read_tables(source: TableSource, key: str = "ledger", progress: Progress | None = None) -> Iterator[RawTable]:
    """Read whatever `source` names: one raw table for each file, sheet or query.

    Parameters
    ----------
    source : TableSource
    key : str, default 'ledger'
        The section of the parameter file, for messages.
    progress : callable, optional
        Told the name of each file before it is read.

    Raises
    ------
    Refusal
        When there is nothing to read, or a file can't be read as what its ending says.
    """
    try:
        yield from _read(source, key, progress)
    except Refusal as refusal:
        # readers speak of the ledger, which most tables are
        raise Refusal(*(LEDGERS_KEY.sub(f"{key}.", problem) for problem in refusal.problems)) from None


def _read(source: TableSource, key: str, progress: Progress | None) -> Iterator[RawTable]:
    if source.is_database:
        # imported where it is needed: a run on a file doesn't wait for database drivers
        from .database import read_database

        yield read_database(source)
        return
    if source.path.startswith("builtin:"):
        name = source.path.removeprefix("builtin:")
        if name == CDNOW:
            yield _cdnow()
            return
        if name == GROCERY:
            yield grocery_table(key)
            return
        path = _builtin_folder(name, key)
    else:
        path = ROOT / source.path
    wanted = set(getattr(source, "columns", {}).values())
    for file in _files(path, key):
        if progress is not None:
            progress(file.name)
        yield from _read_file(file, source, wanted)


def _builtin_folder(name: str, key: str) -> Path:
    if name not in BUILTIN:
        there = ", ".join(BUILTIN)
        raise Refusal(f"{key}.path: there is no built-in ledger '{_printable(name)}'. Name one of these: {there}.")
    return BUILTIN_FOLDERS[name]


def _files(path: Path, key: str) -> list[Path]:
    try:
        files = sorted(file for file in path.iterdir() if _is_table(file)) if path.is_dir() else [path]
        there = path.exists()
    except (OSError, ValueError) as reason:
        problem = getattr(reason, "strerror", None) or "its name can't be a file's"
        raise Refusal(f"{key}.path: {_printable(path)} can't be opened: {problem}. Set another.") from None
    if not there:
        raise Refusal(
            f"{key}.path: there is no {_printable(path)}. A relative path starts at the project's folder, {ROOT}. "
            f"Mend {key}.path."
        )
    if not files:
        remedy = f"Put the tables there, or set {key}.path."
        raise Refusal(f"{key}.path: the folder {_printable(path)} holds no CSV, Parquet or Excel file. {remedy}")
    return files


def _is_table(file: Path) -> bool:
    # a spreadsheet program leaves lock files such as ~$sales.xlsx beside the open workbook
    return file.is_file() and file.suffix.lower() in IN_FOLDERS and not file.name.startswith(("~$", "."))


def _read_file(file: Path, source: TableSource, wanted: Collection[str]) -> Iterator[RawTable]:
    _refuse_unknown_ending(file.suffix.lower(), _printable(file), TEXT | EXCEL | PARQUET | archives.ENDINGS)
    if not file.is_file():
        raise Refusal(f"{_printable(file)}: is no file that can be read. Set the path to a file or a folder.")
    try:
        content = file.read_bytes()
    except OSError as reason:
        raise Refusal(
            f"{_printable(file)}: can't be read: {reason.strerror}. Close it where it is open, or see who may read it."
        ) from None
    except MemoryError:
        raise Refusal(
            f"{_printable(file)}: is larger than this machine's memory. Save it as Parquet, by years."
        ) from None
    name, ending = _printable(file.name), file.suffix.lower()
    if ending in archives.ENDINGS:
        for packed in archives.unpack(name, content, IN_FOLDERS - archives.ENDINGS):
            yield from _read_content(packed.name, packed.ending, packed.content, source, wanted)
    else:
        yield from _read_content(name, ending, content, source, wanted)


def _read_content(
    name: str, ending: str, content: bytes, source: TableSource, wanted: Collection[str]
) -> list[RawTable]:
    if not content:
        raise Refusal(f"{name}: the file is empty. Export it again.")
    _refuse_unknown_ending(ending, name, TEXT | EXCEL | PARQUET)
    if ending in TEXT:
        return [read_text(content, name, source, wanted)]
    if ending in PARQUET:
        return [_read_parquet(content, name, wanted)]
    from .workbook import read_workbook

    return read_workbook(content, name, source, wanted)


def _refuse_unknown_ending(ending: str, name: str, known: Collection[str]) -> None:
    if ending not in known:
        raise Refusal(
            f"{name}: '{_printable(ending)}' is no table's ending read here; use .csv, .txt, .tsv, .parquet, .xlsx, "
            f".xls, .ods, or one of these as .gz or .zip."
        )


def _read_parquet(content: bytes, name: str, wanted: Collection[str]) -> RawTable:
    try:
        rows = pl.read_parquet(content)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as reason:
        problem = str(reason).partition("\n")[0].rstrip(".")
        raise Refusal(f"{name}: can't be read as Parquet: {_printable(problem)}. Export it again.") from None
    rows.columns = column_names(rows.columns, wanted, name)
    return raw_table(name, rows, 1, hashlib.sha256(content).hexdigest())


def _cdnow() -> RawTable:
    package = importlib.util.find_spec("lifetimes")
    if package is None or package.origin is None:
        raise Refusal("ledger.path: builtin:cdnow comes with the package lifetimes, which is not installed.")
    file = Path(package.origin).parent / "datasets" / "CDNOW_master.txt"
    content = file.read_bytes()
    # columns are set apart by one or more spaces, which no CSV reader takes
    names, *cells = (line.split() for line in content.decode().splitlines())
    rows = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    return raw_table(file.name, rows, 2, hashlib.sha256(content).hexdigest())


def _printable(text: object) -> str:
    shown = printable(text)
    return shown if len(shown) <= LONGEST_SHOWN else f"...{shown[-LONGEST_SHOWN:]}"
