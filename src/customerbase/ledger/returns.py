"""Returns set against the purchases they undo."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import polars as pl

NET = "net_amount"
#: Whether a row is a purchase that returns haven't wholly undone; what was free from the start is one all the same.
STOOD = (pl.col("kind") == "sale") & ((pl.col(NET) > 0) | (pl.col(NET) == pl.col("amount")))
DECIMALS = 6  # below a thousandth of a cent a difference is the computer's, not money


def net_of_returns(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what is left of each purchase, and what of each return undoes no purchase in the ledger.

    A return that names an order is set against that order of the same customer: against the lines of its product
    where it names one, else against the order's lines from the first on. A return whose order isn't in the ledger, but
    whose product is named, is set against the customer's latest purchases of it before the return. What remains of a
    return stays with the customer.

    Parameters
    ----------
    rows : polars.DataFrame
        customer, date, amount (negative for a return), kind, and order and product where the ledger has them.

    Returns
    -------
    polars.DataFrame
        `rows` with net_amount: of a sale what is left after returns, at least 0; of a return what is left of it, at
        most 0. Its sum is that of amount.
    """
    rows = rows.with_columns(pl.col("amount").alias(NET))
    if not (rows["kind"] == "return").any() or _missing(rows) == ["order", "product"]:
        return rows
    rows = rows.with_row_index("position")
    sales, returns = (
        rows.filter(pl.col("kind") == kind).with_columns(pl.lit(None, pl.String).alias(name) for name in _missing(rows))
        for kind in ("sale", "return")
    )
    in_known_order = returns.join(sales.select("customer", "order").unique(), on=["customer", "order"], how="semi")
    names_product = pl.col("product").is_not_null()
    steps = [
        (["customer", "order", "product"], in_known_order.filter(names_product)),
        (["customer", "order"], in_known_order.filter(~names_product)),
        (["customer", "product"], returns.join(in_known_order, on="position", how="anti").filter(names_product)),
    ]
    left: dict[int, float] = {}
    for key, undoing in steps:
        _undo(sales.join(undoing.select(key).unique(), on=key, how="semi"), undoing, key, left)
    changed = pl.DataFrame(
        {"position": left.keys(), "left": left.values()}, {"position": pl.UInt32, "left": pl.Float64}
    )
    rows = rows.join(changed, on="position", how="left", maintain_order="left")
    return rows.with_columns(pl.coalesce("left", NET).alias(NET)).drop("position", "left")


def _missing(rows: pl.DataFrame) -> list[str]:
    return [name for name in ("order", "product") if name not in rows.columns]


def _undo(sales: pl.DataFrame, returns: pl.DataFrame, key: list[str], left: dict[int, float]) -> None:
    """Set returns against sales of the same `key`, and note in `left` what is left of each row by its position."""
    lines: dict[tuple[str, ...], list[tuple[int, dt.date]]] = defaultdict(list)
    for *names, position, date, amount in _in_time(sales, key):
        lines[tuple(names)].append((position, date))
        left.setdefault(position, amount)
    for *names, position, date, amount in _in_time(returns, key):
        bought = [line for line in lines[tuple(names)] if line[1] <= date]
        owed = -amount
        # the latest day first, and of a day the first line: a number may begin anew each year
        for line, _ in sorted(bought, key=lambda line: line[1], reverse=True):
            undone = min(owed, left[line])
            left[line] = round(left[line] - undone, DECIMALS)
            owed = round(owed - undone, DECIMALS)
        left[position] = 0.0 - owed


def _in_time(rows: pl.DataFrame, key: list[str]) -> Iterator[tuple[Any, ...]]:
    return rows.sort("date", "position").select(*key, "position", "date", "amount").iter_rows()
