"""The lists to work through: one for each action, one for each manager, and who is left alone to measure them by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import polars as pl
from anyascii import anyascii

from models.playbook import ACTIONS

from .lists import write_list, write_workbook

#: What a list says of each customer, in order.
COLUMNS = (
    *("customer", "action", "next_contact", "value_at_stake", "value_at_stake_low", "value_at_stake_high"),
    *("action_reason", "offer", "manager", "department", "key_account", "abc", "xyz", "rung", "p_alive"),
    *("revenue", "profit", "last_purchase", "may_contact"),
)
HELD_OUT = ("customer", "action", "manager", "key_account", "value_at_stake", "may_contact")
REACHED_BY = ("name", "phone", "email")
BY_MANAGER = "by_manager"
CONTROL_GROUP = "control_group"
NO_MANAGER = "without a manager"
MOST_MANAGERS = 50  # a column of more is hardly one of managers, and each has files of their own
MANAGER_ROWS = 500
LONGEST_FILE_NAME = 60
RESERVED = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d")  # names that Windows keeps for itself


def write_call_lists(folder: Path, customers: pl.DataFrame) -> dict[str, int]:
    """Write the lists of those who may be called now, over whatever lists an earlier run left there.

    Parameters
    ----------
    folder : Path
        Becomes the home of `<action>.csv` and `<action>.xlsx` for each action anybody has, of
        `by_manager/<manager>.csv` and `.xlsx`, and of `control_group.csv`: who is left alone.
    customers : polars.DataFrame
        The table `customers`, and name, phone and email where lists are to show them.

    Returns
    -------
    dict of str to int
        Rows of each file, by its name within the folder.
    """
    _remove_earlier(folder)
    called = ordered(customers.filter("on_list"))
    written: dict[str, int] = {}
    for action in ACTIONS:
        rows = called.filter(pl.col("action") == action)
        if rows.height:
            written |= _write_both(folder, action.replace(" ", "_"), rows, action)
    held_out = ordered(customers.filter("control_group")).select(HELD_OUT)
    write_list(folder / f"{CONTROL_GROUP}.csv", held_out)
    written[f"{CONTROL_GROUP}.csv"] = held_out.height
    if 0 < called["manager"].n_unique() <= MOST_MANAGERS and not called["manager"].is_null().all():
        names = called["manager"].fill_null(NO_MANAGER)
        files = file_names(names.unique().sort())
        for name, file in files.items():
            written |= _write_both(
                folder, f"{BY_MANAGER}/{file}", called.filter(names == name), name, most=MANAGER_ROWS
            )
    return written


def ordered(customers: pl.DataFrame) -> pl.DataFrame:
    """Return a list's columns, what is most at stake first."""
    there = [name for name in (*COLUMNS[:1], *REACHED_BY, *COLUMNS[1:]) if name in customers.columns]
    return customers.sort("value_at_stake", "customer", descending=[True, False], nulls_last=True).select(there)


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Return for each name a file's name, without ending, that every system takes; no two are the same."""
    taken: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9]+", "_", anyascii(name).lower()).strip("_")[:LONGEST_FILE_NAME].rstrip("_")
        if not plain or RESERVED.fullmatch(plain):
            plain = f"manager_{plain}".rstrip("_")
        found, number = plain, 1
        while found in taken.values():
            number += 1
            found = f"{plain}_{number}"
        taken[name] = found
    return taken


def _write_both(folder: Path, stem: str, rows: pl.DataFrame, sheet: str, **limits: int) -> dict[str, int]:
    write_list(folder / f"{stem}.csv", rows)
    return {
        f"{stem}.csv": rows.height,
        f"{stem}.xlsx": write_workbook(folder / f"{stem}.xlsx", rows, sheet, **limits),
    }


def _remove_earlier(folder: Path) -> None:
    """Take away earlier lists: somebody on them may have said no since."""
    stems = [action.replace(" ", "_") for action in ACTIONS] + [CONTROL_GROUP]
    earlier = [folder / f"{stem}{ending}" for stem in stems for ending in (".csv", ".xlsx")]
    for ending in ("csv", "xlsx"):
        earlier += (folder / BY_MANAGER).glob(f"*.{ending}")
    for file in earlier:
        file.unlink(missing_ok=True)
