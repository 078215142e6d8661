"""Rows that repeat another one exactly: an order line booked twice, or the same month exported twice."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def repeats_of(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Find the rows that repeat an earlier one.

    Parameters
    ----------
    rows : polars.DataFrame
        With `columns`, source and row.
    columns : sequence of str
        Those that must all be equal.

    Returns
    -------
    polars.DataFrame
        position (of the repetition in `rows`), first_source and first_row (of what it repeats).
    """
    compared = [name for name in columns if name in rows.columns]
    hashes = rows.select(compared).hash_rows()
    if hashes.n_unique() == rows.height:
        return pl.DataFrame(schema={"position": pl.UInt32, "first_source": pl.String, "first_row": pl.Int64})
    # two different rows may share a hash: only rows that do are compared
    alike = rows.with_row_index("position").filter(hashes.is_duplicated())
    first = alike.with_columns(
        pl.col("source").cast(pl.String).first().over(compared).alias("first_source"),
        pl.col("row").first().over(compared).alias("first_row"),
        pl.col("position").first().over(compared).alias("first_position"),
    )
    return first.filter(pl.col("position") != pl.col("first_position")).select("position", "first_source", "first_row")
