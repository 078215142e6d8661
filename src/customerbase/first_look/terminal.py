"""Plain text in a terminal: whatever a file holds is shown as letters, never as markup or as signs that steer."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

INDENT = 2


def plain(text: str) -> Text:
    """Return a text in which nothing is markup and whatever can't be printed is a question mark."""
    return Text("".join(sign if sign.isprintable() else "?" for sign in text))


def new_table(*headings: str, numbers: Collection[str] = ()) -> Table:
    """Return an empty table without lines; columns headed by one of `numbers` stand right-aligned."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="", show_header=any(headings))
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left", overflow="fold")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain text."""
    table.add_row(*map(plain, cells))


def show(console: Console, shown: RenderableType, indent: int = INDENT) -> None:
    """Print something, indented."""
    console.print(Padding(shown, (0, 0, 0, indent), expand=False))


def say(console: Console, text: str, indent: int = 0) -> None:
    """Print a sentence."""
    show(console, plain(text), indent)
