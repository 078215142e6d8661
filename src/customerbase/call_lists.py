"""The lists to work through: one for each action, one for each manager, and who is left alone to measure them by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import polars as pl
from anyascii import anyascii

from models.playbook import ACTIONS

from .lists import WORKBOOK_ROWS, Field, write_list, write_workbook
from .reasons import CENTS_BELOW

#: What a list says of each customer, in order.
COLUMNS = (
    *("customer", "manager", "next_contact", "due_since", "action", "action_reason", "offer"),
    *("value_at_stake", "value_at_stake_low", "value_at_stake_high", "department", "key_account", "abc", "xyz", "rung"),
    *("p_alive", "revenue", "profit", "last_purchase", "may_contact"),
)
MONEY = ("value_at_stake", "value_at_stake_low", "value_at_stake_high", "revenue", "profit")
HEADINGS = {
    "next_contact": "next contact",
    "due_since": "overdue since",
    "action_reason": "reason",
    "value_at_stake": "value at stake",
    "value_at_stake_low": "value at stake, low",
    "value_at_stake_high": "value at stake, high",
    "key_account": "key account",
    "abc": "class by revenue",
    "xyz": "class by regularity",
    "p_alive": "still a customer (probability)",
    "last_purchase": "last purchase",
    "may_contact": "may be contacted",
}
WIDTHS = {"action_reason": 50, "offer": 40, "result": 40}
TO_FILL_IN = ("done", "result")  # left empty in a workbook, for whoever calls
DAY, WHOLE, CENTS, PERCENT = "yyyy-mm-dd", "#,##0", "#,##0.00", "0%"
HELD_OUT = ("customer", "manager", "action", "value_at_stake", "key_account", "may_contact")
REACHED_BY = ("name", "phone", "email")
BY_MANAGER = "by_manager"
CONTROL_GROUP = "control_group"
NO_MANAGER = "without a manager"
MOST_MANAGERS = 50  # a column of more is hardly one of managers, and each has files of their own
MANAGER_ROWS = 500
LONGEST_FILE_NAME = 60
RESERVED = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d")  # names that Windows keeps for itself


def write_call_lists(folder: Path, customers: pl.DataFrame, currency: str) -> dict[str, int]:
    """Write the lists of those who may be called now, over whatever lists an earlier run left there.

    Parameters
    ----------
    folder : Path
        Becomes the home of `<action>.csv` and `<action>.xlsx` for each action anybody has, of
        `by_manager/<manager>.csv` and `.xlsx` (of more than `MOST_MANAGERS` of `by_manager.csv`, which holds them all),
        and of `control_group.csv`: who is left alone.
    customers : polars.DataFrame
        The table `customers`, and name, phone and email where lists are to show them.
    currency : str
        Of every amount; named in the workbooks' headings.

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
            written |= _write_both(folder, action.replace(" ", "_"), rows, action, currency)
    held_out = ordered(customers.filter("control_group")).select(HELD_OUT)
    write_list(folder / f"{CONTROL_GROUP}.csv", held_out)
    written[f"{CONTROL_GROUP}.csv"] = held_out.height
    if called["manager"].is_null().all():
        return written
    if called["manager"].n_unique() > MOST_MANAGERS:
        write_list(folder / f"{BY_MANAGER}.csv", called.sort("manager", nulls_last=True, maintain_order=True))
        written[f"{BY_MANAGER}.csv"] = called.height
    else:
        names = called["manager"].fill_null(NO_MANAGER)
        files = file_names(names.unique().sort())
        for name, file in files.items():
            written |= _write_both(
                folder, f"{BY_MANAGER}/{file}", called.filter(names == name), name, currency, most=MANAGER_ROWS
            )
    return written


def ordered(customers: pl.DataFrame) -> pl.DataFrame:
    """Return a list's columns, what is most at stake first, each number rounded to what a person reads.

    Money is rounded to whole units from 100 up and to cents below, a probability to hundredths. Of somebody who bought
    once the model can't tell whether they have left, so no probability is given.
    """
    there = [name for name in (*COLUMNS[:1], *REACHED_BY, *COLUMNS[1:]) if name in customers.columns]
    rows = customers.sort("value_at_stake", "customer", descending=[True, False], nulls_last=True)
    if {"p_alive", "purchases"} <= set(rows.columns):
        rows = rows.with_columns(pl.when(pl.col("purchases") > 1).then("p_alive").alias("p_alive"))
    rounded = [_rounded(pl.col(name)) for name in MONEY if name in there]
    if "p_alive" in there:
        rounded.append(pl.col("p_alive").round(2))
    if "key_account" in there:
        yes = pl.col("key_account")
        rounded.append(pl.when(yes).then(pl.lit("yes")).when(~yes).then(pl.lit("no")).alias("key_account"))
    return rows.with_columns(rounded).select(there)


def fields(rows: pl.DataFrame, currency: str) -> dict[str, Field]:
    """Return how a workbook shows the columns of a list."""
    return {name: _field(rows[name], currency) for name in rows.columns}


def _rounded(money: pl.Expr) -> pl.Expr:
    # + 0.0, since nothing is below nothing by less than a cent
    money = money.cast(pl.Float64)
    cents = money.round(2)
    return pl.when(cents.abs() >= CENTS_BELOW).then(money.round(0)).otherwise(cents) + 0.0


def _field(column: pl.Series, currency: str) -> Field:
    name = column.name
    heading = HEADINGS.get(name, name)
    if name in MONEY:
        large = (column.abs() >= CENTS_BELOW).any()
        return Field(f"{heading} ({currency})", WHOLE if large else CENTS)
    number_format = DAY if column.dtype == pl.Date else PERCENT if name == "p_alive" else None
    return Field(heading, number_format, WIDTHS.get(name))


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


def _write_both(
    folder: Path, stem: str, rows: pl.DataFrame, sheet: str, currency: str, most: int = WORKBOOK_ROWS
) -> dict[str, int]:
    write_list(folder / f"{stem}.csv", rows)
    to_work_in = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in TO_FILL_IN)
    held = write_workbook(folder / f"{stem}.xlsx", to_work_in, sheet, most, fields(to_work_in, currency))
    return {f"{stem}.csv": rows.height, f"{stem}.xlsx": held}


def _remove_earlier(folder: Path) -> None:
    """Take away earlier lists: somebody on them may have said no since."""
    stems = [action.replace(" ", "_") for action in ACTIONS] + [CONTROL_GROUP, BY_MANAGER]
    earlier = [folder / f"{stem}{ending}" for stem in stems for ending in (".csv", ".xlsx")]
    for ending in ("csv", "xlsx"):
        earlier += (folder / BY_MANAGER).glob(f"*.{ending}")
    for file in earlier:
        file.unlink(missing_ok=True)
