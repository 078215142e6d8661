"""Personal data stays out of tables, pages and logs unless it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

import polars as pl

PERSONAL = ("name", "first_name", "last_name", "tax_id", "email", "phone", "address", "postcode", "birth_date")
FIGURES = ("date", "amount", "quantity", "unit_price", "cost", "discount")
HIDDEN = "(not shown)"
E_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
TELEPHONE = re.compile(r"\+\d[\d\s().-]{8,}\d|\b\d{3}[\s.-]\d{3}[\s.-]\d{2}[\s.-]?\d{2}\b")
LONGEST_NAME = 8  # words
SHORTEST_KNOWN = 4  # shorter values, such as a house's number, are too common to tell anybody


def without_personal_data(
    quarantine: pl.DataFrame, columns: Mapping[str, Mapping[str, str]], known: Collection[str]
) -> pl.DataFrame:
    """Take what may be personal out of quarantined rows.

    What stays are the cells of the columns that the parameters name, as long as neither their meaning nor their
    content is personal. A line that can't be split into cells stays only where the parameters name every column.

    Parameters
    ----------
    quarantine : polars.DataFrame
        row, source, reason, amount, as_read.
    columns : mapping
        For each source its columns, and for each of these what it means: empty where the parameters don't name it.
    known : collection of str
        Personal values from the customers' table.
    """
    known = {" ".join(value.casefold().split()) for value in known if len(value) >= SHORTEST_KNOWN}
    kept = [
        _kept(as_read, columns.get(source, {}), known)
        for source, as_read in quarantine.select("source", "as_read").iter_rows()
    ]
    return quarantine.with_columns(pl.Series("as_read", kept, dtype=pl.String))


def personal_values(customers: pl.DataFrame) -> set[str]:
    """Return every value of the customers' table that tells who somebody is."""
    there = [name for name in PERSONAL if name in customers.columns]
    return {value for name in there for value in customers[name].cast(pl.String).drop_nulls()}


def _kept(as_read: str | None, columns: Mapping[str, str], known: Collection[str]) -> str | None:
    try:
        cells = json.loads(as_read or "")
    except ValueError:
        cells = None
    if not isinstance(cells, dict):
        shown = bool(columns) and all(columns.values()) and not _tells(as_read or "", known)
        return as_read if shown else HIDDEN
    kept = {
        name: value if value is None or _is_harmless(columns.get(name, ""), value, known) else HIDDEN
        for name, value in cells.items()
    }
    return json.dumps(kept, ensure_ascii=False)


def _is_harmless(meaning: str, value: str, known: Collection[str]) -> bool:
    if not meaning or meaning in PERSONAL:
        return False
    # a sum or a day may look like a telephone number
    return (meaning in FIGURES and _is_figure(value)) or not _tells(value, known)


def _is_figure(value: str) -> bool:
    return not any(sign.isalpha() for sign in value) and "@" not in value


def _tells(value: str, known: Collection[str]) -> bool:
    if E_MAIL.search(value) or TELEPHONE.search(value):
        return True
    words = value.casefold().split()
    parts = (" ".join(words[at : at + length]) for length in range(1, LONGEST_NAME + 1) for at in range(len(words)))
    return any(part in known for part in parts)
