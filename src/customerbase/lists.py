"""Lists that a person takes away: CSV files that a spreadsheet opens and can't be made to run."""

from __future__ import annotations

from pathlib import Path

import polars as pl

RUNS_AS_FORMULA = r"^'*[=+\-@\t\r]"
MADE_HARMLESS = r"^'('*[=+\-@\t\r])"


def write_list(file: Path, rows: pl.DataFrame) -> None:
    """Write a list as CSV with a byte order mark, by which spreadsheets know UTF-8; formulas are made harmless."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    rows.with_columns(_harmless(pl.col(name)).alias(name) for name in text).write_csv(
        file, include_bom=True, quote_style="always"
    )


def _harmless(cell: pl.Expr) -> pl.Expr:
    return pl.when(cell.str.contains(RUNS_AS_FORMULA)).then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell)


def read_list(content: pl.DataFrame) -> pl.DataFrame:
    """Take back what `write_list` did to the cells."""
    return content.with_columns(pl.col(pl.String).str.replace(MADE_HARMLESS, "$1"))
