"""Rows that can't be used: kept with where they stand, why, and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..errors import Refusal
from ..wording import percent, plural
from .cells import Cells, is_no_cell
from .text import REPEATS

SCHEMA = {
    "row": pl.Int64,
    "source": pl.String,
    "reason": pl.String,
    "amount": pl.Float64,
    "as_read": pl.String,
}
REASONS_SHOWN = 3


@dataclass(frozen=True)
class Loss:
    """Rows set aside for one reason in one table, and the line that says so."""

    rows: int
    line: str


def set_aside(cells: Cells, amount: pl.Series | None = None) -> pl.DataFrame:
    """Return the rows of a table that can't be used, with all their reasons; see `SCHEMA`.

    Parameters
    ----------
    cells : Cells
    amount : polars.Series, optional
        What each row is worth, null where that can't be read.
    """
    bad = cells.at_fault.arg_true()
    table = cells.table
    broken = table.broken.select(
        "row", pl.lit(table.name).alias("source"), "reason", pl.lit(None, pl.Float64).alias("amount"), "as_read"
    )
    if bad.is_empty():
        return broken.cast(SCHEMA)  # type: ignore[arg-type]
    reasons = [""] * len(bad)
    for fault in cells.faults:
        where = f" in '{cells.columns[fault.column]}'" if fault.column in cells.columns else ""
        for at in fault.rows[bad].arg_true():
            reasons[at] += f"{'; ' if reasons[at] else ''}{fault.reason}{where}"
    as_read = as_json(table.rows[bad])
    rows = pl.DataFrame(
        {
            "row": table.numbers[bad],
            "source": [table.name] * len(bad),
            "reason": reasons,
            "amount": [None] * len(bad) if amount is None else amount[bad],
            "as_read": as_read,
        },
        schema=SCHEMA,
    )
    return pl.concat([rows, broken.cast(SCHEMA)]).sort("row")  # type: ignore[arg-type]


def as_json(rows: pl.DataFrame) -> pl.Series:
    """Return each row as a JSON object of text; what is no text, number or date stands as its type."""
    cells = [
        pl.lit(f"({dtype})").alias(name) if is_no_cell(dtype) else pl.col(name).cast(pl.String)
        for name, dtype in rows.schema.items()
    ]
    return rows.select(pl.struct(cells).struct.json_encode().alias("as_read"))["as_read"]


def losses(cells: Cells) -> list[Loss]:
    """Return how many rows were lost, for each reason."""
    found = [Loss(int(fault.rows.sum()), cells.describe(fault)) for fault in cells.faults if fault.is_loss]
    broken = cells.table.broken.filter(pl.col("reason") != REPEATS)
    # a number in a reason, such as that of the cells found, makes no reason of its own
    kinds = broken.with_columns(pl.col("reason").str.replace_all(r"\d+", "#").alias("kind"))
    for _, rows in kinds.group_by("kind", maintain_order=True):
        first = rows.row(0, named=True)
        said = str(first["reason"]).rstrip(".")
        more = f" {plural(rows.height - 1, 'other row')} likewise." if rows.height > 1 else ""
        stop = "" if said.endswith("?") else "."
        line = f"{cells.table.name}: row {first['row']} {said}{stop}{more} Mend the row, or export the table again."
        found.append(Loss(rows.height, line))
    return found


def harmless(cells: Cells) -> int:
    """Return how many rows are set aside without loss: totals, and headers repeated on each page of a report."""
    apart = [fault.rows for fault in cells.faults if not fault.is_loss]
    totals = int(pl.select(pl.any_horizontal(apart).sum()).item()) if apart else 0
    return totals + int((cells.table.broken["reason"] == REPEATS).sum())


def refuse_beyond(limit: float, rows_read: int, lost: int, found: Sequence[Loss]) -> None:
    """Refuse the table when more rows are lost than the limit allows, or all of them.

    Parameters
    ----------
    limit : float
        Share of rows.
    rows_read, lost : int
        Rows, and how many of them can't be used.
    found : sequence of Loss

    Raises
    ------
    Refusal
        With the main reasons, and how many rows can't be used.
    """
    if lost <= limit * rows_read and (lost < rows_read or not lost):
        return
    main = sorted(found, key=lambda loss: -loss.rows)[:REASONS_SHOWN]
    share = f"{plural(lost, 'row')} of {rows_read:,} ({percent(lost / rows_read)})"
    raise Refusal(
        *(loss.line for loss in main),
        f"{share} can't be used, and quarantine_limit lets {percent(limit)} be set aside."
        if lost > limit * rows_read
        else f"{share} can't be used, so nothing is left. Mend the file, or the columns of the parameters.",
    )
