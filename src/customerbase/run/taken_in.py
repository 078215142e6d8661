"""What a run took in, written into its folder, and compared with what was read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from ..identities import REVIEW
from ..intake import Intake
from ..ledger.account import balanced
from ..lists import write_list
from ..parameters import Parameters
from ..personal_data import personal_values, without_personal_data
from ..store import table_path, write_table


def write_intake(folder: Path, intake: Intake, parameters: Parameters) -> None:
    """Write the tables ledger, quarantine and sources, and where there is a customers' table who is who.

    Raises
    ------
    Unbalanced
        When the tables as written don't hold every row and all the money that was read.
    """
    write_table(folder, "ledger", intake.ledger.rows)
    quarantine = intake.quarantine
    if not parameters.show_personal_data:
        known = set() if intake.customers is None else personal_values(intake.customers.rows)
        quarantine = without_personal_data(quarantine, _meanings(intake, parameters), known)
    write_table(folder, "quarantine", quarantine)
    write_table(folder, "sources", intake.sources)
    if intake.identities is not None and intake.customers is not None:
        write_table(folder, "identities", intake.identities.persons)
        pairs = intake.identities.review
        write_table(folder, REVIEW, pairs)
        listed = _beside_records(pairs, intake.customers.rows) if parameters.show_personal_data else pairs
        write_list(folder / "lists" / f"{REVIEW}.csv", listed)
    _compare(folder, intake)


def _meanings(intake: Intake, parameters: Parameters) -> Mapping[str, Mapping[str, str]]:
    """Return for each source its columns, each with what the parameters say it means."""
    meanings = {}
    for section, tables in intake.tables.items():
        named = {column: meaning for meaning, column in getattr(parameters, section).columns.items()}
        for table in tables:
            meanings[table.name] = {column: named.get(column, "") for column in table.columns}
    return meanings


def _beside_records(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Put what both records hold beside each pair."""
    for side in ("left", "right"):
        known = records.rename({name: f"{name}_{side}" for name in records.columns})
        pairs = pairs.join(known, on=f"customer_{side}", how="left", maintain_order="left")
    return pairs


def _compare(folder: Path, intake: Intake) -> None:
    account = intake.ledger.account
    used, quarantine = (
        pl.read_parquet(table_path(folder, name), columns=["amount", "source"]) for name in ("ledger", "quarantine")
    )
    of_ledger = {table.name for table in intake.ledger.tables}
    aside = quarantine.filter(pl.col("source").is_in(of_ledger))
    balanced(account.rows_read, account.units_read, used, aside)
