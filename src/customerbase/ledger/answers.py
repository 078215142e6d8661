"""Answers about customers as people write them: yes or no, scores, money, and shares of one or per cents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import polars as pl

from ..wording import plural
from .numbers import as_text, read_numbers
from .words import ANSWERS, CONSENT, canonical

YES = (*ANSWERS["yes"].split(", "), "1")
NO = (*ANSWERS["no"].split(", "), "0")

SHARES = ("volume_discount", "share_of_wallet")
SCORES = ("potential", "reputation", "innovator", "demanding")
FLAGS = ("exclusive",)

PERCENT = r"\s*[%％]$"
DASHES = ("-", "–", "—", "−")
CONSENTS = {answer: f"{ANSWERS[answer]}, {CONSENT[answer]}" for answer in ANSWERS}
NOT_RECORDED = "not recorded"
TICKS = ("✓", "✔", "☑", "✅")
PLUS = "+"
EMPTY = r"^(?:[\s\-–—−_.?/]*|\\N)$"
ONE, ZERO = r"^1(?:[.,]0+)?$", r"^0(?:[.,]0+)?$"
# words between brackets or quotes; =yes, !yes, -yes and yes? are no plain answers
PLAIN_WORDS = r"""^["'«„“‘(\[<\s]*\p{L}(?:[\p{L}\s_’'.,/-]*\p{L})?["'»“”’)\]>\s.,;:!]*$"""
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


def read_consent(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Tell who may be contacted: on a guess nobody.

    Parameters
    ----------
    column : polars.Series
        Cells on consent, of any type.

    Returns
    -------
    polars.Series
        ``yes``, ``no``, or null where the cell is empty or holds a mark of emptiness (``-``, ``n/a``, ``?``). Beside a
        plus a dash is a minus, which is a no. Whatever else can't be read as a yes is a no.
    polars.Series
        Whether a no is of a cell that couldn't be read.
    """
    text = as_text(column).str.normalize("NFKC").str.strip_chars("\ufe0f").str.strip_chars()
    said = pl.DataFrame({"text": text, "meant": _meant(text, CONSENTS | {NOT_RECORDED: CONSENT[NOT_RECORDED]})})
    cell, meant = pl.col("text"), pl.col("meant").fill_null("")
    minus = cell.is_in(DASHES) & (cell == PLUS).any()
    is_yes = (meant == "yes") | cell.str.contains(ONE) | cell.is_in([PLUS, *TICKS])
    is_no = (meant == "no") | cell.str.contains(ZERO) | minus
    is_empty = cell.is_null() | cell.str.contains(EMPTY) | (meant == NOT_RECORDED)
    read = said.select(
        pl.when(is_yes).then(pl.lit("yes")).when(is_no | ~is_empty).then(pl.lit("no")).alias(column.name),
        unread=~pl.any_horizontal(value.fill_null(False) for value in (is_yes, is_no, is_empty)),
    )
    return read[column.name], read["unread"]


def without_empty(column: pl.Series) -> pl.Series:
    """Return a column's text, null where a cell only says that it is empty, as ``-``, ``?`` and ``n/a`` do."""
    text = as_text(column).str.strip_chars()
    is_empty = text.str.contains(EMPTY) | (_meant(text, {NOT_RECORDED: CONSENT[NOT_RECORDED]}) == NOT_RECORDED)
    return column.set(is_empty.fill_null(False), None)


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
        Boolean. `consent` is as `read_consent` tells it. What can't be read is null elsewhere.
    tuple of str
        Sentences on what couldn't be read.
    """
    names = [name for name in rows.columns if name in {*SHARES, *SCORES, *FLAGS}]
    cells = _cells(rows.select(names), decimal, thousands)
    read: list[pl.Series] = []
    notes: list[str] = []
    for name in names:
        values = _reader(name)(name, cells[name], notes).alias(name)
        read.append(values)
        lost = int((cells[name].text.is_not_null() & values.is_null()).sum())
        if lost:
            notes.append(f"{plural(lost, 'answer')} in customers.columns.{name} can't be read: not recorded.")
    if "consent" in rows.columns:
        consent, unread = read_consent(rows["consent"])
        read.append(consent)
        if unread.any():
            notes.append(neither_yes_nor_no(int(unread.sum())))
    return rows.with_columns(read), tuple(notes)


def _reader(name: str) -> Callable[[str, _Cells, list[str]], pl.Series]:
    if name in SHARES:
        return _share
    if name in SCORES:
        return _score
    return _flag


def neither_yes_nor_no(answers: int, where: str = "") -> str:
    """Return a sentence on answers on consent that can't be read, and where they stand."""
    count_as_no = "it counts" if answers == 1 else "they count"
    return (
        f"{plural(answers, 'answer')} on consent can't be read, being neither yes nor no{where}: {count_as_no} as no, "
        f"since nobody is contacted on a guess. Write yes or no there, and nothing where nobody was asked."
    )


def _cells(rows: pl.DataFrame, decimal: str | None, thousands: str | None) -> dict[str, _Cells]:
    text = pl.DataFrame([as_text(column) for column in rows]).with_columns(pl.all().str.strip_chars())
    text = text.with_columns(pl.when(~pl.all().is_in([*DASHES, ""])).then(pl.all()))
    bare = text.with_columns(pl.all().str.replace(PERCENT, ""))
    columns = {column.name: column if column.dtype.is_numeric() else bare[column.name] for column in rows}
    numbers = _numbers(columns, decimal, thousands)
    has_percent = text.select(pl.all().str.contains(PERCENT).fill_null(False))
    return {
        name: _Cells(text[name], has_percent[name], numbers[name], _yes_or_no(text[name], numbers[name]))
        for name in text.columns
    }


def _meant(text: pl.Series, words: Mapping[str, str]) -> pl.Series:
    """Return which of `words` each cell means, null where it means none."""
    plain = text.set(~text.str.contains(PLAIN_WORDS).fill_null(False), None)
    meant, _ = canonical(plain, words)
    return meant.set(~meant.is_in(list(words)).fill_null(False), None)


def _yes_or_no(text: pl.Series, numbers: pl.Series) -> pl.Series:
    words = text.set(numbers.is_not_null(), None)
    return (_meant(words, ANSWERS) == "yes").fill_null(_zero_or_one(numbers))


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
