"""Answers about customers as people write them: yes or no, scores, money, and shares of one or per cents."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from ..wording import plural
from .numbers import as_text, read_numbers

YES = ("yes", "y", "true", "1", "да", "д", "ja", "oui", "si", "sí", "agreed", "opt-in")
NO = ("no", "n", "false", "0", "нет", "н", "nein", "non", "refused", "opt-out")

SHARES = ("volume_discount", "share_of_wallet")
SCORES = ("potential", "reputation", "innovator", "demanding")
FLAGS = ("exclusive",)

PERCENT = r"\s*[%％]$"
DASHES = ("-", "–", "—", "−")
SLIPS = 0.10  # fewer values than this share of a column, against all the others, are slips of the pen


class _Cells(NamedTuple):
    """A column's cells.

    Attributes
    ----------
    text : polars.Series
        Without outer spaces; null where nothing is said.
    has_percent : polars.Series
        Whether a sign of per cent follows.
    number, flag : polars.Series
        The number, and the yes or no, that the text is; null where it is none.
    """

    text: pl.Series
    has_percent: pl.Series
    number: pl.Series
    flag: pl.Series


def said_yes(column: str) -> pl.Expr:
    """Return an expression: true for a yes, false for a no, null where a column of text says neither."""
    words = pl.col(column).str.strip_chars().str.to_lowercase()
    return pl.when(words.is_in(YES)).then(True).when(words.is_in(NO)).then(False)


def read_answers(
    rows: pl.DataFrame, decimal: str | None = None, thousands: str | None = None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Give the columns of a customers' table that hold answers the type they mean.

    Parameters
    ----------
    rows : polars.DataFrame
        Text, or columns that are typed already. Other columns than the following stay as they are.
    decimal, thousands : str, optional
        The signs of its numbers, where the parameters set them. Where nothing tells whether ``1,234`` has decimals,
        it is not read.

    Returns
    -------
    polars.DataFrame
        `volume_discount` and `share_of_wallet` are shares of one, whether written as 0.15, 15 or 15%: the column as a
        whole tells which. `reputation`, `innovator` and `demanding` are Boolean where yes and no stand there (or 1
        and 0 alone), otherwise scores. `potential` is money, or Boolean where yes and no stand there. `exclusive` is
        Boolean. `consent` is ``yes``, ``no`` or null. What can't be read is null.
    tuple of str
        Sentences on what couldn't be read.
    """
    names = [name for name in rows.columns if name in {*SHARES, *SCORES, *FLAGS, "consent"}]
    cells = _cells(rows.select(names), decimal, thousands)
    read: list[pl.Series] = []
    notes: list[str] = []
    for name in names:
        values = _reader(name)(name, cells[name], notes).alias(name)
        read.append(values)
        lost = int((cells[name].text.is_not_null() & values.is_null()).sum())
        if lost:
            notes.append(_lost(name, lost))
    return rows.with_columns(read), tuple(notes)


def _reader(name: str) -> Callable[[str, _Cells, list[str]], pl.Series]:
    if name in SHARES:
        return _share
    if name in SCORES:
        return _score
    return _consent if name == "consent" else _flag


def _lost(name: str, lost: int) -> str:
    if name == "consent":
        return neither_yes_nor_no(lost)
    return f"{plural(lost, 'answer')} in customers.columns.{name} can't be read: not recorded."


def neither_yes_nor_no(answers: int) -> str:
    """Return a sentence on answers on consent that count as not recorded."""
    return f"{plural(answers, 'answer')} on consent can't be read, being neither yes nor no: not recorded."


def _cells(rows: pl.DataFrame, decimal: str | None, thousands: str | None) -> dict[str, _Cells]:
    text = pl.DataFrame([as_text(column) for column in rows]).with_columns(pl.all().str.strip_chars())
    text = text.with_columns(pl.when(~pl.all().is_in([*DASHES, ""])).then(pl.all()))
    bare = text.with_columns(pl.all().str.replace(PERCENT, ""))
    columns = {column.name: column if column.dtype.is_numeric() else bare[column.name] for column in rows}
    numbers = _numbers(columns, decimal, thousands)
    flags = text.select(said_yes(name).alias(name) for name in text.columns)
    has_percent = text.select(pl.all().str.contains(PERCENT).fill_null(False))
    return {
        name: _Cells(text[name], has_percent[name], numbers[name], flags[name].fill_null(_zero_or_one(numbers[name])))
        for name in text.columns
    }


def _zero_or_one(numbers: pl.Series) -> pl.Series:
    return (numbers == 1).set(~numbers.is_in([0.0, 1.0]).fill_null(False), None)


def _numbers(columns: dict[str, pl.Series], decimal: str | None, thousands: str | None) -> dict[str, pl.Series]:
    """Read numbers; one that would be another by the other decimal sign is left out where nothing tells which."""
    reading = read_numbers(columns, decimal, thousands)
    if not reading.ambiguous:
        return reading.numbers
    with_point, with_comma = (read_numbers(columns, sign, thousands).numbers for sign in (".", ","))
    return {name: _undisputed(with_point[name], with_comma[name]) for name in columns}


def _undisputed(one: pl.Series, other: pl.Series) -> pl.Series:
    disputed = (one != other).fill_null(False)
    return one.fill_null(other).set(disputed, None)


def _share(name: str, cells: _Cells, notes: list[str]) -> pl.Series:
    said = cells.number.filter((cells.number > 0).fill_null(False))
    above, below = int((said > 1).sum()), int((said < 1).sum())
    per_cents = bool(cells.has_percent.any()) or above > SLIPS * len(said)
    if above and below and not cells.has_percent.any():
        unit = "per cents" if per_cents else "shares of one"
        notes.append(f"customers.columns.{name} has numbers above and below 1; all are taken as {unit}.")
    shares = cells.number / 100 if per_cents else cells.number
    return shares.set(~shares.is_between(0, 1).fill_null(False), None)


def _score(name: str, cells: _Cells, notes: list[str]) -> pl.Series:
    numbers = cells.number.set(cells.has_percent, None)
    in_words = int((cells.flag.is_not_null() & numbers.is_null()).sum())
    beyond = int((~numbers.is_in([0.0, 1.0])).sum())
    if name == "potential":
        numbers = numbers.set((numbers < 0).fill_null(False), None)
        is_flag = in_words > int(numbers.is_not_null().sum())
    else:
        is_flag = in_words >= beyond
    return cells.flag if is_flag else numbers


def _flag(name: str, cells: _Cells, notes: list[str]) -> pl.Series:
    return cells.flag


def _consent(name: str, cells: _Cells, notes: list[str]) -> pl.Series:
    answer = pl.when(pl.col(name)).then(pl.lit("yes")).when(~pl.col(name)).then(pl.lit("no"))
    return pl.DataFrame({name: cells.flag}).select(answer.alias(name))[name]
