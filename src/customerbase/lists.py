"""Lists that a person takes away: CSV and Excel files that a spreadsheet opens and can't be made to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

# at a text's start, also after blanks and signs that can't be seen; full-width signs are the same to some spreadsheets
_FORMULA = r"['\s\p{Cf}]*[=+\-@\t\r\n＝＋－＠]"
RUNS_AS_FORMULA = f"^{_FORMULA}"
MADE_HARMLESS = f"^'({_FORMULA})"
UNPRINTABLE = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"  # what a workbook can't hold
LONGEST_CELL = 32_000  # letters; a workbook holds 32,767
LONGEST_SHEET_NAME = 31
NOT_IN_SHEET_NAMES = "[]:*?/\\'"
WORKBOOK_ROWS = 1_000  # a longer list is none to work through by hand, and slow to write
NARROWEST, WIDEST = 8, 60  # of a column, in letters
WIDEST_HEADING = 16  # a longer one goes on in the next line
ROWS_MEASURED = 200
DECIMALS = "#,##0.00"


@dataclass(frozen=True)
class Field:
    """How a workbook shows a column.

    Attributes
    ----------
    heading : str
    number_format : str or None, default None
        As Excel writes it; without one, numbers with decimals have two.
    wrapped : int or None, default None
        Width in letters in which a text goes on in the next line; without one the column is as wide as its texts.
    """

    heading: str
    number_format: str | None = None
    wrapped: int | None = None


def write_list(file: Path, rows: pl.DataFrame) -> None:
    """Write a list as CSV with a byte order mark, by which spreadsheets know UTF-8; formulas are made harmless."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _without_formulas(rows).write_csv(file, include_bom=True, quote_style="always")


def write_workbook(
    file: Path, rows: pl.DataFrame, sheet: str, most: int = WORKBOOK_ROWS, fields: Mapping[str, Field] | None = None
) -> int:
    """Write a list as an Excel workbook of one sheet: text as text, numbers as numbers, days as days.

    Parameters
    ----------
    file : Path
        Its name ends in .xlsx.
    rows : polars.DataFrame
        Text, numbers, yes and no, and days. Formulas are made harmless as in a CSV; an infinite number is left out.
    sheet : str
        What the sheet is called; what Excel doesn't allow in it is left out. A sheet that holds not all rows is called
        by how many it holds.
    most : int, default `WORKBOOK_ROWS`
        The sheet holds so many of the first rows: a longer list is none to work through, and takes minutes to open.
    fields : mapping of str to Field, optional
        How columns are shown; those without one have their name for a heading.

    Returns
    -------
    int
        How many rows it holds.
    """
    # imported only where a workbook is written, since it takes time to import
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    file.parent.mkdir(parents=True, exist_ok=True)
    finite = pl.when(cs.float().is_finite()).then(cs.float())
    shown = _without_formulas(rows.head(most).with_columns(finite)).with_columns(
        pl.col(pl.String).str.replace_all(UNPRINTABLE, "?").str.slice(0, LONGEST_CELL)
    )
    shown_as = [(fields or {}).get(name, Field(name)) for name in shown.columns]
    book = Workbook(write_only=True)
    whole = rows.height <= most
    page = book.create_sheet(sheet_name(sheet if whole else f"first {most:,} of {rows.height:,}"))
    page.freeze_panes = "B2"
    for number, width in enumerate(_widths(shown, shown_as), start=1):
        page.column_dimensions[get_column_letter(number)].width = width

    header = []
    for heading in _without_formulas(pl.DataFrame({"heading": [field.heading for field in shown_as]}))["heading"]:
        header.append(WriteOnlyCell(page, heading))
        header[-1].data_type = "s"
        header[-1].font = Font(bold=True)
        header[-1].alignment = Alignment(wrap_text=True, vertical="top")
    page.append(header)
    # one cell a column, filled anew for each row: a style is slow to set
    cells = []
    for field, dtype in zip(shown_as, shown.dtypes, strict=True):
        cells.append(WriteOnlyCell(page))
        cells[-1].alignment = Alignment(wrap_text=field.wrapped is not None, vertical="top")
        if field.number_format or dtype.is_float():
            cells[-1].number_format = field.number_format or DECIMALS
    for row in shown.iter_rows():
        page.append(_filled(cells, row))
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


def _widths(rows: pl.DataFrame, fields: Sequence[Field]) -> list[int]:
    """Return a width for each column, in letters, from its first rows."""
    first = rows.head(ROWS_MEASURED)
    widths = []
    for name, field in zip(rows.columns, fields, strict=True):
        letters = max(map(len, map(str, first[name].drop_nulls())), default=0)
        letters = max(NARROWEST, letters, min(WIDEST_HEADING, len(field.heading))) + 2
        widths.append(field.wrapped or min(WIDEST, letters))
    return widths


def _filled(cells: Sequence[Any], row: tuple[Any, ...]) -> Iterator[Any]:
    """Yield the cells with the values of a row; a workbook writes each before it asks for the next."""
    for cell, value in zip(cells, row, strict=True):
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"  # whatever it begins with, "=" or "#N/A"
        yield cell
