"""What the findings page leads to beside the chapters: lists to work from, and words about a key account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from models.playbook import ACTIONS

from ..call_lists import BY_MANAGER, NO_MANAGER, file_names
from ..wording import plural, printable, shortened

Entry = tuple[str, str, str]  # what it is called, where it lies, a few words


def lists_of(run_folder: Path, customers: pl.DataFrame) -> list[Entry]:
    """Return the workbooks of a run's lists, by action and then by manager."""
    listed = customers.filter("on_list").with_columns(pl.col("manager").fill_null(NO_MANAGER))
    by_action = {action: action.replace(" ", "_") for action in ACTIONS}
    by_manager = {name: f"{BY_MANAGER}/{file}" for name, file in file_names(listed["manager"].unique().sort()).items()}
    together = f"{BY_MANAGER}.csv"  # where there are too many managers for files of their own
    all_managers = [("every manager", together, "")] if (run_folder / "lists" / together).exists() else []
    return [
        *_entries(run_folder, listed, "action", by_action),
        *_entries(run_folder, listed, "manager", by_manager),
        *all_managers,
    ]


def _entries(run_folder: Path, listed: pl.DataFrame, column: str, files: dict[str, str]) -> Iterator[Entry]:
    for name, stem in files.items():
        if (run_folder / "lists" / f"{stem}.xlsx").exists():
            number = listed.filter(pl.col(column) == name).height
            yield shortened(printable(name), 40), f"{stem}.xlsx", plural(number, "customer")


def about_accounts(customers: pl.DataFrame, accounts: Sequence[str]) -> dict[str, str]:
    """Return of each account what is to be done, and who looks after it."""
    rows = customers.filter(pl.col("customer").is_in(accounts)).select("customer", "action", "manager").iter_rows()
    return {
        customer: ", ".join(part for part in (action, shortened(printable(manager), 40) if manager else "") if part)
        for customer, action, manager in rows
    }
