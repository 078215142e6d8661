"""One raw table's columns under the contract's names, being given their meaning; what can't be used is noted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass

import polars as pl

from .. import wording
from ..parameters import TableSource
from ..personal_data import E_MAIL, HIDDEN, TELEPHONE
from .answers import without_empty
from .dates import read_dates
from .numbers import as_text, read_numbers, spreadsheet_keys
from .raw import RawTable

NAMES_SOMEBODY = re.compile(
    rf"{E_MAIL.pattern}|{TELEPHONE.pattern}|^\+?\d{{10,12}}$|^[^\W\d_a-zа-яё][^\W\d_]*(?: [^\W\d_a-zа-яё][\w.]*)+$"
)
DAYS_FROM_1900_TO_1904 = 1462  # workbooks of old Macs count days from 1904 on
ERROR_CELLS = (
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#Н/Д",
    "#ССЫЛКА!",
    "#ЗНАЧ!",
    "#ИМЯ?",
)
SHOWN = 3
LONGEST_SHOWN = 40
COLUMNS_SHOWN = 20
LONGEST_LOOKED_AT = 300  # letters


@dataclass(frozen=True)
class Fault:
    """Rows of one table that share a reason not to be used.

    Attributes
    ----------
    rows : polars.Series
        Booleans, one for each row of the table.
    reason : str
        In words that follow "a row with", such as "no customer".
    remedy : str
    column : str
        The contract's name of the column at fault; empty where it is the whole row.
    is_loss : bool
        Whether setting the row aside loses a purchase; it doesn't for a total.
    """

    rows: pl.Series
    reason: str
    remedy: str
    column: str = ""
    is_loss: bool = True


class Cells:
    """The cells of one table.

    Parameters
    ----------
    table : RawTable
    source : TableSource
        With the reading hints.
    columns : mapping
        From the contract's names to the table's.
    key : str
        The section of the parameter file, for messages.

    Attributes
    ----------
    frame : polars.DataFrame
        The columns under the contract's names: as read at first, then replaced by what they mean.
    problems : list of str
        Why the whole table can't be used.
    faults : list of Fault
        Why single rows can't.
    evidence : dict
        How columns were read, in sentences.
    """

    def __init__(self, table: RawTable, source: TableSource, columns: Mapping[str, str], key: str) -> None:
        self.table = table
        self.source = source
        self.columns = columns
        self.key = key
        self.problems = self._unusable_columns()
        self.faults: list[Fault] = []
        self.evidence: dict[str, str] = dict(table.evidence)
        self._read: list[str] = []
        if not self.problems:
            self.as_read = table.rows.select(pl.col(name).alias(meaning) for meaning, name in columns.items())
            self.frame = self.as_read

    def _unusable_columns(self) -> list[str]:
        schema = self.table.rows.schema
        there = ", ".join(cited(name) for name in list(schema)[:COLUMNS_SHOWN]) or "none"
        remedy = f"Mend {self.key}.columns, or set {self.key}.header_row or {self.key}.delimiter."
        problems = []
        for meaning, name in self.columns.items():
            if name not in schema:
                problems.append(
                    f"{self.table.name}: there is no column '{printable(name)}' ({self.key}.columns.{meaning}). "
                    f"The file has: {there}. {remedy}"
                )
            elif is_no_cell(schema[name]):
                problems.append(
                    f"{self.table.name}: the column '{printable(name)}' holds {schema[name]}, "
                    f"not text, numbers or dates. Name another in {self.key}.columns.{meaning}, or export it as text."
                )
        return problems

    def read_at_once(self, *steps: Callable[[Cells], None]) -> None:
        """Take steps that read different columns at the same time, and what they found in the order given."""
        parts = [copy(self) for _ in steps]
        for part in parts:
            part.problems, part.faults, part.evidence, part._read = [], [], {}, []
        with ThreadPoolExecutor() as pool:
            # Polars lets other threads work while it does
            list(pool.map(lambda step, part: step(part), steps, parts))
        for part in parts:
            self.frame = self.frame.with_columns(part.frame[meaning] for meaning in part._read)
            self.problems += part.problems
            self.faults += part.faults
            self.evidence |= part.evidence

    def read_key(self, meaning: str = "customer") -> None:
        """Read customers' keys: text exactly as written."""
        keys, were_numbers = spreadsheet_keys(as_text(self.frame[meaning]))
        # a lookup that failed is nobody's name
        keys = keys.set(keys.is_in(ERROR_CELLS).fill_null(False), None)
        if were_numbers:
            self.evidence[meaning] = "every key ended with .0, which a spreadsheet adds to a number; it was taken off"
        self._replace(meaning, keys)

    def read_dates(self, meaning: str = "date", *, required: bool = True) -> None:
        """Read a column of dates; where day and month can't be told apart the table is refused."""
        raw = self.frame[meaning]
        if self.table.reading.get("date_system") == 1904 and raw.dtype.is_numeric():
            raw = raw + DAYS_FROM_1900_TO_1904
        reading = read_dates(raw, self.source.date_format)
        if reading.ambiguous:
            first, second = reading.ambiguous
            as_first, as_second = reading.readings
            self.problems.append(
                f"{self.table.name}: {shorten(reading.sample)} reads as {first} ({as_first}) and as {second} "
                f"({as_second}), and no row tells which. Set {self.key}.date_format to one of them."
            )
        elif reading.evidence:
            self.evidence[meaning] = reading.evidence
        remedy = f"Mend these rows, or set {self.key}.date_format, for example to %d.%m.%Y."
        if self.source.date_format:
            remedy = f"Mend these rows, or {self.key}.date_format, which is '{printable(self.source.date_format)}'."
        unreadable = reading.dates.is_null()
        if not required:
            unreadable &= raw.is_not_null()
        self._replace(meaning, reading.dates)
        self.blame(unreadable, "no date that can be read", remedy, meaning)

    def read_days(self, meaning: str) -> None:
        """Read a column of days that may be empty; a dash, a question mark or the like is as good as nothing."""
        if not self.frame[meaning].dtype.is_temporal():
            self.frame = self.frame.with_columns(without_empty(self.frame[meaning]))
        self.read_dates(meaning, required=False)
        self.frame = self.frame.with_columns(pl.col(meaning).dt.date())

    def read_numbers(self, meanings: Iterable[str], required: Iterable[str] = ()) -> None:
        """Read columns of numbers; where thousands can't be told from decimals the table is refused."""
        raw = {meaning: self.frame[meaning] for meaning in meanings if meaning in self.frame.columns}
        reading = read_numbers(raw, self.source.decimal, self.source.thousands)
        if reading.ambiguous:
            first, second = reading.ambiguous
            name = printable(self.columns[reading.column])
            self.problems.append(
                f"{self.table.name}: {shorten(reading.sample)} in column '{name}' reads as {first} and as {second}, "
                f"and no row tells which. Set {self.key}.decimal to '.' or ','."
            )
        elif reading.evidence:
            self.evidence["decimal"] = reading.evidence
        remedy = f"Mend these rows, or set {self.key}.decimal and {self.key}.thousands."
        for meaning, numbers in reading.numbers.items():
            unreadable = numbers.is_null()
            if meaning not in required:
                unreadable &= raw[meaning].is_not_null() & ~_is_dash(raw[meaning])
            self._replace(meaning, numbers)
            self.blame(unreadable, "no number that can be read", remedy, meaning)

    def read_text(self, meanings: Iterable[str]) -> None:
        """Read columns of text, without outer spaces."""
        texts = {meaning: as_text(self.frame[meaning]) for meaning in meanings}
        for column in pl.DataFrame(texts).with_columns(pl.all().str.strip_chars()):
            self._replace(column.name, column)

    def blame(self, rows: pl.Series, reason: str, remedy: str, column: str = "", *, is_loss: bool = True) -> None:
        """Note that `rows` can't be used."""
        if rows.any():
            self.faults.append(Fault(rows, reason, remedy, column, is_loss))

    def _replace(self, meaning: str, column: pl.Series) -> None:
        self._read.append(meaning)
        self.frame = self.frame.with_columns(column.alias(meaning))

    @property
    def at_fault(self) -> pl.Series:
        """Which rows can't be used, for whatever reason."""
        rows = pl.repeat(False, self.table.rows.height, dtype=pl.Boolean, eager=True)
        for fault in self.faults:
            rows = rows | fault.rows
        return rows

    def describe(self, fault: Fault) -> str:
        """Say in one line which rows are at fault, and what to do."""
        rows = fault.rows.arg_true()
        column = self.as_read[fault.column] if fault.column else None
        quoted = [
            f"{self.table.numbers[int(row)]}" + (f" ({cited(column[int(row)])})" if column is not None else "")
            for row in rows[:SHOWN]
        ]
        more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
        where = f"row{'s' if len(rows) > 1 else ''} {', '.join(quoted)}{more}"
        named = f" (column '{printable(self.columns[fault.column])}')" if fault.column in self.columns else ""
        return f"{self.table.name}: {fault.reason} in {where}{named}. {fault.remedy}"


def _is_dash(column: pl.Series) -> pl.Series:
    """Tell where a dash stands for an empty cell."""
    if column.dtype != pl.String:
        return pl.repeat(False, len(column), dtype=pl.Boolean, eager=True)
    return column.str.strip_chars().is_in(["-", "–", "—"]).fill_null(False)


def is_no_cell(dtype: pl.DataType) -> bool:
    """Return whether a column of this type holds something else than text, numbers or dates."""
    return dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object)


def printable(text: object) -> str:
    """Return a text in one line: whatever can't be printed becomes a question mark, and it is cut short."""
    shown = wording.printable(text)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 3]}..."


def cited(value: object) -> str:
    """Quote a cell in one line, unless it looks like somebody's name, number or address."""
    return HIDDEN if value is not None and NAMES_SOMEBODY.search(str(value)[:LONGEST_LOOKED_AT]) else shorten(value)


def shorten(value: object) -> str:
    """Quote a cell in one line: whatever can't be printed is escaped."""
    text = "" if value is None else str(value)
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")
