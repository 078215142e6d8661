"""Lists that a person takes away: CSV and Excel files that a spreadsheet opens and can't be made to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

RUNS_AS_FORMULA = r"^'*[=+\-@\t\r]"
MADE_HARMLESS = r"^'('*[=+\-@\t\r])"
UNPRINTABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"  # what a workbook can't hold
LONGEST_CELL = 32_000  # letters; a workbook holds 32,767
TAKEN_FOR_OTHERS = ("=", "#")  # first letters of texts that would be a formula, or an error such as #N/A
LONGEST_SHEET_NAME = 31
NOT_IN_SHEET_NAMES = "[]:*?/\\'"
WORKBOOK_ROWS = 1_000  # a longer list is none to work through by hand, and slow to write
NARROWEST, WIDEST = 8, 60  # of a column, in letters
ROWS_MEASURED = 200


def write_list(file: Path, rows: pl.DataFrame) -> None:
    """Write a list as CSV with a byte order mark, by which spreadsheets know UTF-8; formulas are made harmless."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _without_formulas(rows).write_csv(file, include_bom=True, quote_style="always")


def write_workbook(file: Path, rows: pl.DataFrame, sheet: str, most: int = WORKBOOK_ROWS) -> int:
    """Write a list as an Excel workbook of one sheet: text as text, numbers as numbers, days as days.

    Parameters
    ----------
    file : Path
        Its name ends in .xlsx.
    rows : polars.DataFrame
        Text, numbers, yes and no, and days. Formulas are made harmless as in a CSV; an infinite number is left out.
    sheet : str
        What the sheet is called; what Excel doesn't allow in it is left out.
    most : int, default `WORKBOOK_ROWS`
        The sheet holds so many of the first rows: a longer list is none to work through, and takes minutes to open.

    Returns
    -------
    int
        How many rows it holds.
    """
    # imported only where a workbook is written, since it takes time to import
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    file.parent.mkdir(parents=True, exist_ok=True)
    finite = pl.when(cs.float().is_finite()).then(cs.float())
    shown = _without_formulas(rows.head(most).with_columns(finite)).with_columns(
        pl.col(pl.String).str.replace_all(UNPRINTABLE, "?").str.slice(0, LONGEST_CELL)
    )
    book = Workbook(write_only=True)
    page = book.create_sheet(sheet_name(sheet))
    page.freeze_panes = "B2"
    for number, width in enumerate(_widths(shown), start=1):
        page.column_dimensions[get_column_letter(number)].width = width

    header = []
    for name in _without_formulas(pl.DataFrame({"name": shown.columns}))["name"]:
        header.append(WriteOnlyCell(page, name))
        header[-1].font = Font(bold=True)
    page.append(header)
    decimal = WriteOnlyCell(page)
    decimal.number_format = "#,##0.00"
    for row in shown.iter_rows():
        page.append(_cells(row, decimal, partial(WriteOnlyCell, page)))
    page.auto_filter.ref = f"A1:{get_column_letter(max(1, shown.width))}{shown.height + 1}"
    book.save(file)
    return shown.height


def sheet_name(name: str) -> str:
    """Return a name that Excel takes for a sheet: at most 31 letters, none of those it forbids."""
    kept = "".join(sign for sign in name if sign.isprintable() and sign not in NOT_IN_SHEET_NAMES).strip()
    return kept[:LONGEST_SHEET_NAME] if kept and kept.casefold() != "history" else "list"


def read_list(content: pl.DataFrame) -> pl.DataFrame:
    """Take back what `write_list` did to the cells."""
    return content.with_columns(pl.col(pl.String).str.replace(MADE_HARMLESS, "$1"))


def _without_formulas(rows: pl.DataFrame) -> pl.DataFrame:
    text = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    return rows.with_columns(_harmless(pl.col(name)).alias(name) for name in text)


def _harmless(cell: pl.Expr) -> pl.Expr:
    return pl.when(cell.str.contains(RUNS_AS_FORMULA)).then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell)


def _widths(rows: pl.DataFrame) -> list[int]:
    """Return a width for each column, in letters, from its first rows."""
    first = rows.head(ROWS_MEASURED)
    longest = (max(map(len, (name, *map(str, first[name].drop_nulls())))) for name in rows.columns)
    return [min(WIDEST, max(NARROWEST, letters) + 2) for letters in longest]


def _cells(row: tuple[Any, ...], decimal: Any, new_cell: Callable[[str], Any]) -> Iterator[Any]:
    """Yield what a workbook takes for each value; it writes each before it asks for the next."""
    for value in row:
        if isinstance(value, float):
            decimal.value = value
            yield decimal
        elif isinstance(value, str) and value[:1] in TAKEN_FOR_OTHERS:
            text = new_cell(value)
            text.data_type = "s"
            yield text
        else:
            yield value
