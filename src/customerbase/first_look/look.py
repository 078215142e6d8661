"""What a file seems to hold: every guess with what speaks for it."""

from __future__ import annotations

import datetime as dt
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
from pydantic import ValidationError

from ..errors import Refusal
from ..ledger import Ledger, read_ledger
from ..ledger.archives import ENDINGS as ARCHIVES
from ..ledger.cells import printable
from ..ledger.header import shown_name
from ..ledger.numbers import as_text
from ..ledger.raw import RawTable
from ..ledger.sources import EXCEL, PARQUET, TEXT, Progress, read_tables
from ..parameters import LedgerSource, TableSource, check_parameters
from ..project import ROOT
from .columns import guess_columns
from .currency import guess_currency
from .guess import Guess
from .hints import Hint, Reading, guess_date_format, guess_decimals, hints_of_reading
from .particulars import guess_customers_table, guess_particulars, lists_customers
from .profile import profiles_of

BUILTIN = "builtin:"
ENDINGS = TEXT | EXCEL | PARQUET | ARCHIVES | {".db", ".sqlite", ".sqlite3", ".duckdb"}
NAMES_SHOWN = 3
LONGEST_NAME = 64
NAMELESS = "base"
LEFT_OPEN = "???"
MOST_COLUMNS = 300
SAMPLED = 5  # rows
NEEDED = ("customer", "date", "amount")


@dataclass(frozen=True)
class FirstLook:
    """What a file, a folder or a query's answer seems to hold.

    Attributes
    ----------
    base : str
        A name for the customer base.
    source : TableSource
        Where the table is: relative to the project's folder where it lies inside.
    names : tuple of str
        Of the files or sheets looked at.
    rows : int
        Rows in them.
    columns : tuple of Guess
        Of the ledger's columns; empty for a table of customers.
    hints : tuple of Hint
        How the files read.
    currency : Hint or None
    particulars : tuple of Guess
        Columns that tell who a customer is. Of a table of customers: first of all their key.
    lists_customers : bool
        Whether this is a table of customers and no ledger.
    unused : tuple of str
        Columns that nothing is taken from.
    notes : tuple of str
        What the analyst should know.
    ledger : Ledger or None
        As it would be read, whatever share of its rows is set aside; None where it can't be read yet.
    problems : tuple of str
        Why it can't.
    sample : polars.DataFrame
        The first rows as written, under the contract's names.
    """

    base: str
    source: TableSource
    names: tuple[str, ...]
    rows: int
    columns: tuple[Guess, ...] = ()
    hints: tuple[Hint, ...] = ()
    currency: Hint | None = None
    particulars: tuple[Guess, ...] = ()
    lists_customers: bool = False
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ledger: Ledger | None = None
    problems: tuple[str, ...] = ()
    sample: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def missing(self) -> tuple[str, ...]:
        """What no column was found for, under the contract's names."""
        return tuple(guess.meaning for guess in self.columns if guess.column is None)


def look_at(
    path: str, name: str | None = None, query: str | None = None, *, progress: Progress | None = None
) -> FirstLook:
    """Look at a table and guess what its columns mean.

    Parameters
    ----------
    path : str
        A file or folder, relative to the folder the command is called from; a database's URL; or ``builtin:NAME``.
    name : str, optional
        A name for the customer base; absent, it is made from the path.
    query : str, optional
        The SELECT that reads the rows, if the path is a database.
    progress : callable, optional
        Told in a few words what is being done.

    Raises
    ------
    Refusal
        When the path or the name can't be used, or the table can't be read at all.
    """
    told = progress or (lambda _: None)
    source = _source(path, query)
    base = name_from(source) if name is None else _checked_name(name)
    tables = list(read_tables(source, progress=lambda file: told(f"reading {file}")))
    told("looking at the columns")
    main = _main_tables(tables)
    rows = _put_together(main)
    if rows.is_empty():
        names = ", ".join(table.name for table in tables[:NAMES_SHOWN])
        raise Refusal(f"{names}: there is no row below the header. Export it again.")
    look = FirstLook(
        base,
        source,
        tuple(table.name for table in tables),
        sum(table.rows.height + table.broken.height for table in tables),
    )
    profiles = profiles_of(rows.select(rows.columns[:MOST_COLUMNS]))
    guesses, notes = guess_columns(rows, profiles)
    if lists_customers(profiles, guesses):
        particulars = guess_customers_table(profiles)
        return replace(
            look,
            hints=tuple(hints_of_reading(_readings(main))),
            particulars=tuple(particulars),
            lists_customers=True,
            unused=_unused(rows, particulars),
        )
    columns = {guess.meaning: guess.column for guess in guesses if guess.column is not None}
    particulars = guess_particulars(profiles, columns.values())
    look = replace(
        look,
        columns=tuple(guesses),
        hints=(*hints_of_reading(_readings(main)), *_hints_of_cells(main, columns)),
        currency=guess_currency(rows, columns),
        particulars=tuple(particulars),
        unused=_unused(rows, [*guesses, *particulars]),
        notes=(*notes, *_about_others(tables, columns), *_about_width(rows)),
        sample=rows.head(SAMPLED).select(pl.col(name).alias(meaning) for meaning, name in columns.items()),
    )
    if look.missing:
        return look
    told("reading it as a ledger")
    return _as_ledger(look, main, columns)


def _as_ledger(look: FirstLook, main: Sequence[RawTable], columns: dict[str, str]) -> FirstLook:
    """Add what comes to light when the table is read as a ledger of these columns."""
    source = LedgerSource(path=look.source.path, query=look.source.query, columns=columns)  # type: ignore[arg-type]
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    try:
        ledger = read_ledger(source, quarantine_limit=1.0, latest=tomorrow)
    except Refusal as refusal:
        return replace(look, problems=refusal.problems)
    # of a workbook, every sheet that holds the columns is read only now
    return replace(
        look,
        names=tuple(table.name for table in ledger.tables),
        rows=ledger.account.rows_read,
        hints=(*hints_of_reading(_readings(main, ledger)), *_hints_of_cells(main, columns)),
        ledger=ledger,
    )


def _hints_of_cells(tables: Sequence[RawTable], columns: dict[str, str]) -> list[Hint]:
    date_format = guess_date_format(tables, columns["date"]) if "date" in columns else None
    return [*([date_format] if date_format else []), *guess_decimals(tables, columns)]


def _source(path: str, query: str | None) -> TableSource:
    if not path.startswith(BUILTIN) and "://" not in path:
        path = _file(path)
    try:
        return TableSource(path=path, query=query)
    except ValidationError as invalid:
        problem = str(invalid.errors()[0]["ctx"]["error"])
        raise Refusal(f"{problem[0].upper()}{problem[1:]}. Give it as --query.") from None


def _file(path: str) -> str:
    """Return where a file is as the parameter file says it."""
    file = Path(os.path.abspath(path))  # noqa: PTH100 (a link that lies in the project is taken for what it points to)
    try:
        there = file.exists()
        str(file).encode()
    except (OSError, ValueError) as reason:
        problem = getattr(reason, "strerror", None) or "its name is no text. Rename it"
        raise Refusal(f"{printable(path)}: can't be opened: {problem}.") from None
    if not there:
        raise Refusal(f"{printable(path)}: there is no such file or folder.")
    inside = file.is_relative_to(ROOT) and file != ROOT
    return str(file.relative_to(ROOT)) if inside else str(file)


def _checked_name(name: str) -> str:
    least = {"path": name, "columns": dict.fromkeys(NEEDED, LEFT_OPEN)}
    return check_parameters({"base": name, "ledger": least}, where="--name").base


def name_from(source: TableSource) -> str:
    """Make a name of letters, digits and dashes from that of the file or the database."""
    path = source.path.removeprefix(BUILTIN)
    if source.is_database:
        # what stands before the database's name may hold a password
        try:
            path = unquote(urlsplit(path).path)
        except ValueError:
            path = ""
    stem = Path(path).name
    while Path(stem).suffix.lower() in ENDINGS:
        stem = Path(stem).stem
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", stem).casefold())
    return "-".join(words)[:LONGEST_NAME].strip("-") or NAMELESS


def _main_tables(tables: Sequence[RawTable]) -> list[RawTable]:
    """Return the tables with the columns that most rows have."""
    rows: dict[frozenset[str], int] = {}
    for table in tables:
        columns = frozenset(table.rows.columns)
        rows[columns] = rows.get(columns, 0) + table.rows.height
    main = max(rows, key=rows.__getitem__)
    return [table for table in tables if frozenset(table.rows.columns) == main]


def _put_together(tables: Sequence[RawTable]) -> pl.DataFrame:
    """Put tables with the same columns one below the other; a column of several types becomes text."""
    first, *others = (table.rows for table in tables)
    mixed = [name for name in first.columns if any(rows[name].dtype != first[name].dtype for rows in others)]
    return pl.concat(
        rows.select(first.columns).with_columns(as_text(rows[name]).alias(name) for name in mixed)
        for rows in (first, *others)
    )


def _about_others(tables: Sequence[RawTable], columns: dict[str, str]) -> list[str]:
    """Say which files lack a column, and so can't be read with the rest."""
    lacking = []
    for table in tables:
        missing = [name for name in columns.values() if name not in table.rows.columns]
        if missing:
            lacking.append(
                f"{printable(table.name)} has no column {shown_name(missing[0])}, so it is no part of this ledger. "
                f"Move it elsewhere."
            )
    return lacking


def _about_width(rows: pl.DataFrame) -> list[str]:
    if rows.width <= MOST_COLUMNS:
        return []
    return [f"Only the first {MOST_COLUMNS} of {rows.width:,} columns were looked at."]


def _readings(main: Sequence[RawTable], ledger: Ledger | None = None) -> list[Reading]:
    """Return how each table was read; why so by the first look, as long as both looks agree."""
    looked = {table.name: (table.name, table.reading, table.evidence) for table in main}
    if ledger is None:
        return list(looked.values())
    readings: list[Reading] = []
    for table in ledger.tables:
        _, reading, evidence = looked.get(table.name, ("", {}, {}))
        same = {key: why for key, why in evidence.items() if reading.get(key) == table.reading.get(key)}
        readings.append((table.name, table.reading, {**table.evidence, **same}))
    return readings


def _unused(rows: pl.DataFrame, guesses: Sequence[Guess]) -> tuple[str, ...]:
    taken = {guess.column for guess in guesses}
    return tuple(name for name in rows.columns if name not in taken)
