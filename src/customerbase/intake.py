"""Everything a run takes in: the ledger and the tables beside it, read, cleaned, and each customer known once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .errors import Refusal
from .identities import REVIEW, Identities, apply_identities, find_identities, no_decisions, read_decisions
from .ledger import Ledger, read_ledger
from .ledger.clean import SourceTable
from .ledger.returns import net_of_returns
from .ledger.side_tables import SideRows, read_customers, read_events, read_spending
from .ledger.sources import Progress
from .parameters import Parameters
from .project import ROOT
from .store import origin

SOURCES_SCHEMA = {
    "section": pl.String,
    "source": pl.String,
    "rows": pl.Int64,
    "set_aside": pl.Int64,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "amount": pl.Float64,
    "reading": pl.String,
    "evidence": pl.String,
}


@dataclass(frozen=True)
class Intake:
    """What a run takes in.

    Attributes
    ----------
    ledger : Ledger
        Its rows with each customer under one key, and with net_amount.
    customers, events, spending : SideRows or None
    identities : Identities or None
        None without a customers' table.
    """

    ledger: Ledger
    customers: SideRows | None = None
    events: SideRows | None = None
    spending: SideRows | None = None
    identities: Identities | None = None

    @property
    def side_tables(self) -> Mapping[str, SideRows]:
        """The tables beside the ledger that there are, by section."""
        given = {"customers": self.customers, "events": self.events, "spending": self.spending}
        return {section: rows for section, rows in given.items() if rows is not None}

    @property
    def fingerprint(self) -> str:
        """A digest of everything that is used: the cleaned ledger, under its customers' keys, and the other tables."""
        rows = self.ledger.rows
        used = [rows.height, int(rows.hash_rows().cast(pl.UInt128).sum())]
        beside = {section: side.fingerprint for section, side in self.side_tables.items()}
        return origin(ledger=self.ledger.fingerprint, used=used, **beside)

    @property
    def quarantine(self) -> pl.DataFrame:
        """Every row set aside, of the ledger and of the tables beside it."""
        return pl.concat([self.ledger.quarantine, *(rows.quarantine for rows in self.side_tables.values())])

    @property
    def tables(self) -> Mapping[str, tuple[SourceTable, ...]]:
        """What each file brought, by section."""
        return {"ledger": self.ledger.tables} | {section: side.tables for section, side in self.side_tables.items()}

    @property
    def sources(self) -> pl.DataFrame:
        """What each file brought and how it was read; see `SOURCES_SCHEMA`."""
        rows = [_as_row(section, table) for section, tables in self.tables.items() for table in tables]
        return pl.DataFrame(rows, schema=SOURCES_SCHEMA)


def _as_row(section: str, table: SourceTable) -> dict[str, object]:
    row = dataclasses.asdict(table)
    return {
        "section": section,
        "source": table.name,
        "reading": json.dumps(dict(table.reading), ensure_ascii=False),
        "evidence": json.dumps(dict(table.evidence), ensure_ascii=False),
    } | {name: row[name] for name in SOURCES_SCHEMA if name in row and name not in ("reading", "evidence")}


def today() -> dt.date:
    """Return the last day on which something can have been bought: east of here it may be tomorrow already."""
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)


def take_in(
    parameters: Parameters, *, today: dt.date, last_run: Path | None = None, progress: Progress | None = None
) -> Intake:
    """Read everything that the parameters name.

    Parameters
    ----------
    parameters : Parameters
    today : datetime.date
        Later purchases can't have happened yet, unless `as_of` is later still.
    last_run : Path, optional
        The folder of the last run of the same base: what a person decided in its list of pairs is taken from there.
    progress : callable, optional
        Told in a few words what is being done.

    Raises
    ------
    Refusal
        With one line for each problem.
    """
    told = progress or (lambda _: None)
    for source in (parameters.ledger, parameters.customers, parameters.events, parameters.spending):
        if source is not None and source.is_database:
            from .ledger.database import hand_on_password

            hand_on_password(source.path)
    ledger = read_ledger(
        parameters.ledger,
        quarantine_limit=parameters.quarantine_limit,
        drop_duplicates=parameters.drop_duplicates,
        latest=max(today, parameters.as_of or today),
        progress=progress,
    )
    if parameters.identity_decisions is not None and parameters.customers is None:
        raise Refusal("identity_decisions: there is no customers' table to decide on. Set customers, or take it out.")
    limit = parameters.quarantine_limit
    given = parameters.customers, parameters.events, parameters.spending
    customers = None if given[0] is None else read_customers(given[0], limit=limit, progress=progress)
    events = None if given[1] is None else read_events(given[1], limit=limit, progress=progress)
    spending = None if given[2] is None else read_spending(given[2], limit=limit, progress=progress)
    taken = {table.name for table in ledger.tables}
    customers, events, spending = (
        side if side is None else side.told_apart(section, taken)
        for section, side in (("customers", customers), ("events", events), ("spending", spending))
    )
    identities = None
    rows = ledger.rows
    if customers is not None:
        told("finding the records that are one customer")
        identities = find_identities(
            customers.rows,
            _decisions(parameters, last_run),
            threshold=parameters.identity_threshold,
            review_from=parameters.identity_review,
            seed=parameters.seed,
            country=given[0].country if given[0] else None,
        )
        rows = apply_identities(rows, identities.persons)
    told("setting returns against purchases")
    ledger = dataclasses.replace(ledger, rows=net_of_returns(rows))
    return Intake(ledger, customers, events, spending, identities)


def _decisions(parameters: Parameters, last_run: Path | None) -> pl.DataFrame:
    if parameters.identity_decisions is not None:
        return read_decisions(ROOT / parameters.identity_decisions)
    kept = last_run / "lists" / f"{REVIEW}.csv" if last_run is not None else None
    return read_decisions(kept) if kept is not None and kept.exists() else no_decisions()
