"""The tables beside the ledger: customers' particulars, what happened with them, what was spent on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from ..errors import Refusal
from ..parameters import CustomersTable, EventsTable, SideTable, SpendingTable
from ..wording import count, plural
from .answers import NO, YES, neither_yes_nor_no, read_answers, read_consent, without_empty
from .cells import Cells
from .clean import SourceTable
from .quarantine import harmless, losses, refuse_beyond, set_aside
from .sources import Progress, read_tables
from .words import EVENTS, PURPOSES, canonical

__all__ = ["NO", "YES", "SideRows", "read_customers", "read_events", "read_spending"]

UNREAD = "where consent can't be read"
PLACES_SHOWN = 3
DAYS = ("updated", "joined", "left")
EVENT_DAYS = ("date", "until")


@dataclass(frozen=True)
class SideRows:
    """A table beside the ledger, cleaned.

    Attributes
    ----------
    rows : polars.DataFrame
        The columns of the parameters.
    quarantine : polars.DataFrame
        Rows set aside, as in the ledger's quarantine.
    fingerprint : str
    tables : tuple of SourceTable
    notes : tuple of str
        What a reader should know about how it was read.
    """

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    fingerprint: str
    tables: tuple[SourceTable, ...]
    notes: tuple[str, ...] = ()

    def told_apart(self, section: str, taken: set[str]) -> SideRows:
        """Return the table with the section before sources' names that others have; names are added to `taken`."""
        names = {table.name: f"{section}: {table.name}" if table.name in taken else table.name for table in self.tables}
        taken |= set(names.values())
        tables = tuple(replace(table, name=names[table.name]) for table in self.tables)
        return replace(self, tables=tables, quarantine=self.quarantine.with_columns(pl.col("source").replace(names)))


def read_customers(source: CustomersTable, *, limit: float = 0.05, progress: Progress | None = None) -> SideRows:
    """Read the customers' table: one row for each key, everything text but days and answers.

    Days are `updated`, and of a contract `joined` and `left`.

    Answers have the types that `customerbase.ledger.answers.read_answers` gives them.

    Where a key stands in several rows, the first value there is of each column is taken, but the latest day on which a
    record was touched, and of consent any no. Consent is ``yes``, ``no`` or null: a cell that can't be read as a yes
    is a no, and only an empty one isn't recorded.

    Raises
    ------
    Refusal
        When the table can't be read, or more than `limit` of its rows have no key.
    """

    def clean(cells: Cells) -> None:
        cells.read_key()
        cells.blame(cells.frame["customer"].is_null(), "no customer", "Fill in the customer's key.", "customer")
        cells.read_text(sorted(set(source.columns) - {"customer", *DAYS}))
        for name in (name for name in DAYS if name in source.columns):
            cells.read_days(name)
        # a record is no worse known for a slip in the day it was touched
        cells.faults = [fault for fault in cells.faults if fault.column != "updated"]
        if "consent" in source.columns:
            consent, unread = read_consent(cells.frame["consent"])
            place = pl.format("{} row {}", pl.lit(cells.table.name), cells.table.numbers).alias(UNREAD)
            cells.frame = cells.frame.with_columns(consent, pl.when(unread).then(place))

    found = _read(source, "customers", clean, limit, progress)
    rows = found.rows.group_by("customer", maintain_order=True).agg(
        _of_several(name) for name in found.rows.columns if name not in ("customer", UNREAD)
    )
    repeated = found.rows.height - rows.height
    notes = []
    if repeated:
        notes.append(
            f"{plural(repeated, 'record')} of the customers' table repeat a key above, and are taken as one with it."
        )
    if "consent" in source.columns:
        notes += _about_unread(found.rows[UNREAD].drop_nulls().to_list())
    rows, unread = read_answers(rows, source.decimal, source.thousands)
    return SideRows(rows, found.quarantine, found.fingerprint, found.tables, (*notes, *unread))


def _about_unread(places: list[str]) -> list[str]:
    more = f" and {count(len(places) - PLACES_SHOWN)} more" if len(places) > PLACES_SHOWN else ""
    where = f" ({', '.join(places[:PLACES_SHOWN])}{more})"
    return [neither_yes_nor_no(len(places), where)] if places else []


def last_day_of_all(name: str) -> pl.Expr:
    """Return the last day on which any of several records ended; null while one of them has not."""
    return pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).max())


def _of_several(name: str) -> pl.Expr:
    if name == "updated":
        return pl.col(name).max()
    if name == "joined":
        return pl.col(name).min()
    if name == "left":
        return last_day_of_all(name)
    # 'no' stands before 'yes'
    return pl.col(name).min() if name == "consent" else pl.col(name).drop_nulls().first()


def read_events(source: EventsTable, *, limit: float = 0.05, progress: Progress | None = None) -> SideRows:
    """Read the events: customer, date, kind, and reason, score and until (a day) where there are.

    Kinds are complaint, refusal, survey, contact, return, campaign, redemption and exit, whatever these are called in
    the table; others stay as written. What ends before it begins is set aside.
    """

    def clean(cells: Cells) -> None:
        cells.read_key()
        cells.read_dates()
        cells.frame = cells.frame.with_columns(pl.col("date").dt.date())
        if "score" in source.columns:
            cells.frame = cells.frame.with_columns(without_empty(cells.frame["score"]))
            cells.read_numbers(["score"])
        cells.read_text(sorted(set(source.columns) - {"customer", "score", *EVENT_DAYS}))
        if "until" in source.columns:
            cells.read_days("until")
            backwards = (cells.frame["until"] < cells.frame["date"]).fill_null(value=False)
            cells.blame(backwards, "ends before it begins", "Mend the first day or the last.", "until")
        cells.blame(cells.frame["customer"].is_null(), "no customer", "Fill in the customer's key.", "customer")
        cells.blame(cells.frame["kind"].is_null(), "no kind of event", "Name what happened.", "kind")

    return _in_our_words(_read(source, "events", clean, limit, progress), "kind", EVENTS)


def read_spending(source: SpendingTable, *, limit: float = 0.05, progress: Progress | None = None) -> SideRows:
    """Read the spending: date, purpose, amount, and channel where there is one.

    Purposes are acquisition and retention, whatever these are called in the table; others stay as written.
    """

    def clean(cells: Cells) -> None:
        cells.read_dates()
        cells.read_numbers(["amount"], required=["amount"])
        cells.read_text(sorted(set(source.columns) - {"date", "amount"}))
        cells.frame = cells.frame.with_columns(pl.col("date").dt.date())
        cells.blame(cells.frame["purpose"].is_null(), "no purpose", "Name what the money was spent on.", "purpose")

    return _in_our_words(_read(source, "spending", clean, limit, progress), "purpose", PURPOSES)


def _in_our_words(found: SideRows, column: str, words: Mapping[str, str]) -> SideRows:
    meant, unknown = canonical(found.rows[column], words)
    known = f"{', '.join(list(words)[:-1])} or {list(words)[-1]}"
    different = plural(unknown, f"word for a {column} means", f"words for a {column} mean")
    note = f"{different} none of {known}; kept as written."
    return replace(found, rows=found.rows.with_columns(meant), notes=(note,) if unknown else ())


def _read(
    source: SideTable, key: str, clean: Callable[[Cells], None], limit: float, progress: Progress | None
) -> SideRows:
    told = progress or (lambda _: None)
    rows, quarantine, about, problems, digests = [], [], [], [], []
    for table in read_tables(source, key, lambda name: told(f"reading {name}")):
        cells = Cells(table, source, source.columns, key)
        if not cells.problems:
            clean(cells)
        if cells.problems:
            problems += cells.problems
            continue
        aside = set_aside(cells)
        read = table.rows.height + table.broken.height
        apart = harmless(cells)
        refuse_beyond(limit, read - apart, aside.height - apart, losses(cells))
        rows.append(cells.frame.filter(~cells.at_fault))
        quarantine.append(aside)
        columns = tuple(table.rows.columns)
        about.append(
            SourceTable(table.name, read, aside.height, None, None, 0.0, columns, table.reading, cells.evidence)
        )
        digests.append(table.digest)
    if problems:
        raise Refusal(*problems)
    digest = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    return SideRows(pl.concat(rows, how="diagonal_relaxed"), pl.concat(quarantine), digest, tuple(about))
