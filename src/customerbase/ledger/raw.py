"""A table as it was read, before anybody asks what its columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

BROKEN_SCHEMA = {"row": pl.Int64, "reason": pl.String, "as_read": pl.String}


def no_broken_rows() -> pl.DataFrame:
    """Return an empty table of rows that could not be split into cells."""
    return pl.DataFrame(schema=BROKEN_SCHEMA)


@dataclass(frozen=True)
class RawTable:
    """The rows of one file, of one sheet of a workbook, or of a database's answer.

    Attributes
    ----------
    name : str
        What messages and the quarantine call it: the file's name, ``archive.zip/sales.csv``, ``book.xlsx/January``.
    rows : polars.DataFrame
        Cells as read, under the source's own column names without outer spaces; in a text file every cell is text.
        Empty cells are null, and no row is wholly empty.
    numbers : polars.Series
        The number of each of `rows` in the source, as a spreadsheet or an editor counts records, the header included.
    digest : str
        SHA-256 of what was read.
    broken : polars.DataFrame
        Rows that can't be split into the header's columns: row (number in the source), reason, as_read (the line).
    reading : mapping of str to str
        How it was read, and by what evidence: from the parameter's name (``encoding``, ``delimiter``, ``header_row``,
        ``sheet``) to its value.
    evidence : mapping of str to str
        For each of `reading`, the sentence that says why.
    """

    name: str
    rows: pl.DataFrame
    numbers: pl.Series
    digest: str
    broken: pl.DataFrame = field(default_factory=no_broken_rows)
    reading: Mapping[str, str | int] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)


def raw_table(name: str, rows: pl.DataFrame, first_row: int, digest: str) -> RawTable:
    """Make a raw table of rows that stand one under the other from `first_row` on; blank ones are left out."""
    text = pl.col(pl.String)
    rows = rows.with_columns(pl.when(text.str.strip_chars() != "").then(text))
    numbers = pl.int_range(first_row, first_row + rows.height, eager=True)
    filled = rows.select(pl.any_horizontal(pl.all().is_not_null()).alias("filled"))["filled"]
    return RawTable(name, rows.filter(filled), numbers.filter(filled), digest)
