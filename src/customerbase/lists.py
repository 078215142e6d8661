"""Lists that a person takes away: CSV files that a spreadsheet opens and can't be made to run."""

from __future__ import annotations

from pathlib import Path

import polars as pl

RUNS_AS_FORMULA = r"^'*[=+\-@\t\r]"
MADE_HARMLESS = r"^'('*[=+\-@\t\r])"


def write_list(file: Path, rows: pl.DataFrame) -> None:
    """Write a list as CSV with a byte order mark, by which spreadsheets know UTF-8; formulas are made harmless."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = pl.col(pl.String)
    harmless = pl.when(text.str.contains(RUNS_AS_FORMULA)).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)
    rows.with_columns(harmless.name.keep()).write_csv(file, include_bom=True)


def read_list(content: pl.DataFrame) -> pl.DataFrame:
    """Take back what `write_list` did to the cells."""
    return content.with_columns(pl.col(pl.String).str.replace(MADE_HARMLESS, "$1"))
