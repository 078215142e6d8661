"""The tables beside the ledger: customers' particulars, what happened with them, what was spent on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl

from ..errors import Refusal
from ..parameters import CustomersTable, EventsTable, SideTable, SpendingTable
from ..wording import plural
from .cells import Cells
from .clean import SourceTable
from .quarantine import harmless, losses, refuse_beyond, set_aside
from .sources import Progress, read_tables

YES = ("yes", "y", "true", "1", "да", "д", "ja", "oui", "si", "sí", "agreed", "opt-in")
NO = ("no", "n", "false", "0", "нет", "н", "nein", "non", "refused", "opt-out")


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
    """Read the customers' table: one row for each key, everything text but `updated` (date) and `consent` (yes or no).

    Where a key stands in several rows, the first value there is of each column is taken, but the latest day on which a
    record was touched, and of consent any no.

    Raises
    ------
    Refusal
        When the table can't be read, or more than `limit` of its rows have no key.
    """
    unknown: list[int] = []

    def clean(cells: Cells) -> None:
        cells.read_key()
        cells.blame(cells.frame["customer"].is_null(), "no customer", "Fill in the customer's key.", "customer")
        cells.read_text(sorted(set(source.columns) - {"customer", "updated"}))
        if "updated" in source.columns:
            cells.read_dates("updated", required=False)
            cells.frame = cells.frame.with_columns(pl.col("updated").dt.date())
            # a record is no worse known for a slip in the day it was touched
            cells.faults = [fault for fault in cells.faults if fault.column != "updated"]
        if "consent" in source.columns:
            words = pl.col("consent").str.to_lowercase()
            unknown.append(int(cells.frame.select((words.is_not_null() & ~words.is_in([*YES, *NO])).sum()).item()))
            cells.frame = cells.frame.with_columns(
                pl.when(words.is_in(YES)).then(pl.lit("yes")).when(words.is_in(NO)).then(pl.lit("no")).alias("consent")
            )

    found = _read(source, "customers", clean, limit, progress)
    rows = found.rows.group_by("customer", maintain_order=True).agg(
        _of_several(name) for name in found.rows.columns if name != "customer"
    )
    repeated = found.rows.height - rows.height
    notes = []
    if repeated:
        notes.append(
            f"{plural(repeated, 'record')} of the customers' table repeat a key above, and are taken as one with it."
        )
    if sum(unknown):
        notes.append(f"{sum(unknown):,} answers on consent are neither yes nor no, and count as not recorded.")
    return SideRows(rows, found.quarantine, found.fingerprint, found.tables, tuple(notes))


def _of_several(name: str) -> pl.Expr:
    if name == "updated":
        return pl.col(name).max()
    # 'no' stands before 'yes'
    return pl.col(name).min() if name == "consent" else pl.col(name).drop_nulls().first()


def read_events(source: EventsTable, *, limit: float = 0.05, progress: Progress | None = None) -> SideRows:
    """Read the events: customer, date, kind, and reason and score where there are."""

    def clean(cells: Cells) -> None:
        cells.read_key()
        cells.read_dates()
        cells.read_numbers(["score"])
        cells.read_text(sorted(set(source.columns) - {"customer", "date", "score"}))
        cells.frame = cells.frame.with_columns(pl.col("date").dt.date())
        cells.blame(cells.frame["customer"].is_null(), "no customer", "Fill in the customer's key.", "customer")
        cells.blame(cells.frame["kind"].is_null(), "no kind of event", "Name what happened.", "kind")

    return _read(source, "events", clean, limit, progress)


def read_spending(source: SpendingTable, *, limit: float = 0.05, progress: Progress | None = None) -> SideRows:
    """Read the spending: date, purpose, amount."""

    def clean(cells: Cells) -> None:
        cells.read_dates()
        cells.read_numbers(["amount"], required=["amount"])
        cells.read_text(sorted(set(source.columns) - {"date", "amount"}))
        cells.frame = cells.frame.with_columns(pl.col("date").dt.date())
        cells.blame(cells.frame["purpose"].is_null(), "no purpose", "Name what the money was spent on.", "purpose")

    return _read(source, "spending", clean, limit, progress)


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
