"""Finding a table's header: reports put titles, dates and blank rows above it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import Refusal

Cells = Sequence[str | None]

LETTER = re.compile(r"[^\W\d_]")
DIGIT = re.compile(r"\d")
LONGEST_NAME_SHOWN = 40


@dataclass(frozen=True)
class Header:
    """Where a table's header stands.

    Attributes
    ----------
    index : int
        Its position among the rows that were searched, from 0 on.
    evidence : str
        Why it is taken for the header, in one sentence; rows are counted from 1 on.
    """

    index: int
    evidence: str


def find_header(rows: Sequence[Cells], wanted: Collection[str], given: int | None) -> Header | None:
    """Find the header among a table's first rows.

    Parameters
    ----------
    rows : sequence of sequences of str or None
        The first rows as read, titles and blank rows included; they may differ in length.
    wanted : collection of str
        Names of columns that the header should hold. Where none holds all of them, the row that holds most is taken.
        Where there are none, or no row holds any, the shape of the table tells: the header is the first row as wide
        as most rows are, with text in every cell and no text twice.
    given : int or None
        The row, counted from 1 on, that the header is said to be; blank rows from there on are passed over.

    Returns
    -------
    Header or None
        None where there is no row with a value (from `given` on).
    """
    if given is not None:
        at = next((at for at in range(given - 1, len(rows)) if _width(rows[at])), None)
        return None if at is None else Header(at, f"Row {at + 1}, as the parameter header_row says.")
    by_shape = _by_shape(rows)
    names = {name.strip() for name in wanted} - {""}
    if by_shape is None or not names:
        return by_shape
    held = [len(names.intersection(cell.strip() for cell in row if cell)) for row in rows]
    most = max(held)
    # among rows that hold equally many, a title may stand above the header
    at = by_shape.index if most < len(names) and held[by_shape.index] == most else held.index(most)
    if most == len(names):
        return Header(at, f"Row {at + 1} is the first that holds every column asked for.")
    if most == 0:
        return Header(at, f"No row holds a column asked for. {by_shape.evidence}")
    return Header(at, f"No row holds every column asked for; row {at + 1} holds {most} of {len(names)}.")


def column_names(header: Cells, wanted: Collection[str], source: str) -> list[str]:
    """Return the columns' names, each different from all others.

    Parameters
    ----------
    header : sequence of str or None
        The header's cells. Outer spaces don't count; an empty cell is named ``column 3`` by its position, and names
        that repeat become ``name (3)``.
    wanted : collection of str
        Names that must not repeat.
    source : str
        What the message calls the table.

    Raises
    ------
    Refusal
        When two columns have one wanted name.
    """
    names = [(cell or "").strip() for cell in header]
    counts = Counter(names)
    repeated = sorted(name for name in {name.strip() for name in wanted} - {""} if counts[name] > 1)
    if repeated:
        shown = shown_name(repeated[0])
        raise Refusal(f"{source}: two columns are called {shown}. Rename one so that it is clear which counts.")
    taken = {name for name, count in counts.items() if count == 1}
    distinct = []
    for position, name in enumerate(names, 1):
        if counts[name] > 1 or not name:
            name = f"{name} ({position})" if name else f"column {position}"
            while name in taken:
                name += "'"
            taken.add(name)
        distinct.append(name)
    return distinct


def names_columns(row: Cells) -> bool:
    """Whether every cell of a row is text, as a column's name is, and none repeats."""
    names = [(cell or "").strip() for cell in row]
    return all(names) and len(set(names)) == len(names) and not any(map(_is_value, names))


def shown_name(name: str) -> str:
    """Return a name in quotes, short and on one line, fit for a message."""
    return repr(name if len(name) <= LONGEST_NAME_SHOWN else name[: LONGEST_NAME_SHOWN - 3] + "...")


def _by_shape(rows: Sequence[Cells]) -> Header | None:
    widths = [_width(row) for row in rows]
    counts = Counter(width for width in widths if width)
    if not counts:
        return None
    # titles are many but narrow
    body = max(counts, key=lambda width: (counts[width] * width, width))
    columns = f"{body:,} column{'s' if body > 1 else ''}"
    above = None
    for at, row in enumerate(rows):
        if 2 * sum(map(_is_filled, row)) < body:
            continue
        if widths[at] >= body and names_columns(row[: widths[at]]):
            return Header(at, f"Row {at + 1} is the first as wide as the table ({columns}) with a name in every cell.")
        if any(map(_is_value, row)):
            # the table's body begins here, so the header is above, or is this row with names such as 2024
            at = at if above is None else above
            break
        above = at
    else:
        at = next(at for at, width in enumerate(widths) if width >= body)
    return Header(at, f"Row {at + 1} stands where the table ({columns}) begins; not every cell of it holds a name.")


def _width(row: Cells) -> int:
    """Return the position of the last cell with a value."""
    return next((at for at in range(len(row), 0, -1) if _is_filled(row[at - 1])), 0)


def _is_filled(cell: str | None) -> bool:
    return cell is not None and not (cell == "" or cell.isspace())


def _is_value(cell: str | None) -> bool:
    """Whether a cell is a number, a date or an amount: digits without a letter."""
    return cell is not None and DIGIT.search(cell) is not None and LETTER.search(cell) is None
