"""Tables as a page shows them: captioned, escaped, numbers rounded to what is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

Wording = Callable[[Any], str]
Columns = Mapping[str, tuple[str, Wording]]


@dataclass(frozen=True)
class ShownTable:
    """A table for a reader.

    Attributes
    ----------
    caption : str
        What the table tells.
    headings : tuple of str
        Of the columns; the first column names the rows.
    rows : tuple of tuple of str
        The cells, as text.
    numeric : tuple of bool
        Which columns hold numbers, and so stand right-aligned.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self._plain(), "text/html": self._html()}

    def _html(self) -> str:
        kinds = [' class="num"' if is_number else "" for is_number in self.numeric]
        head = "".join(f'<th scope="col"{k}>{escape(h)}</th>' for h, k in zip(self.headings, kinds, strict=True))
        body = ""
        for name, *cells in self.rows:
            data = "".join(f"<td{k}>{escape(cell)}</td>" for cell, k in zip(cells, kinds[1:], strict=True))
            body += f'<tr><th scope="row"{kinds[0]}>{escape(name)}</th>{data}</tr>\n'
        caption = escape(self.caption)
        return (
            f'<div class="cb-table" role="region" tabindex="0" aria-label="{caption}">\n<table>\n'
            f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>"
        )

    def _plain(self) -> str:
        return f"{self.caption}\n\n{pd.DataFrame(self.rows, columns=list(self.headings)).to_string(index=False)}"


def show_table(frame: pd.DataFrame, caption: str, columns: Columns) -> ShownTable:
    """Make a frame fit to be read.

    Parameters
    ----------
    frame : pandas.DataFrame
        Sorted as it should be read.
    caption : str
        What the table tells.
    columns : mapping
        For each column shown, in order: its heading, and the function that words its values. The first one names
        the rows.
    """
    shown = [[wording(value) for value in frame[name]] for name, (_, wording) in columns.items()]
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in columns]
    headings = tuple(heading for heading, _ in columns.values())
    return ShownTable(caption, headings, tuple(zip(*shown, strict=True)), tuple(numeric))
