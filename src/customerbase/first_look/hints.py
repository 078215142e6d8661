"""How files read: the reading hints of the parameter file, each with what speaks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ..ledger.clean import NUMBERS
from ..ledger.dates import read_dates
from ..ledger.header import shown_name
from ..ledger.numbers import NumberReading, read_numbers
from ..ledger.raw import RawTable

FILES_SHOWN = 4
OF_READING = (
    "encoding",
    "delimiter",
    "sheet",
    "header_row",
)  # those of the parameter file that a reader settles itself

Reading = tuple[str, Mapping[str, str | int], Mapping[str, str]]  # a table's name, how it was read, and why so


@dataclass(frozen=True)
class Hint:
    """A parameter that says how files read.

    Attributes
    ----------
    key : str
        Its name in the parameter file.
    value : str, int or None
        None where it is better left out, so that each file is looked at by itself.
    evidence : str
        What speaks for it.
    choices : tuple of (str, str)
        Where the analyst must choose: each value, and what it would mean.
    """

    key: str
    value: str | int | None
    evidence: str
    choices: tuple[tuple[str, str], ...] = ()


def hints_of_reading(readings: Sequence[Reading]) -> list[Hint]:
    """Return the hints that the files' readers found."""
    hints = []
    for key in OF_READING:
        found = [(name, reading[key], evidence.get(key, "")) for name, reading, evidence in readings if key in reading]
        if found:
            hints.append(_agreed(key, found))
    return hints


def guess_date_format(tables: Iterable[RawTable], column: str) -> Hint | None:
    """Guess how dates read; where day and month can't be told apart, both ways are offered."""
    found = []
    for table in tables:
        if column not in table.rows.columns:
            continue
        reading = read_dates(table.rows[column])
        if reading.ambiguous:
            sample = shown_name(reading.sample)
            means = tuple(
                (pattern, f"{sample} is {said}")
                for pattern, said in zip(reading.ambiguous, reading.readings, strict=True)
            )
            question = "Nothing tells day and month apart. Take the # from the line that is right"
            return Hint("date_format", None, question, means)
        if reading.pattern:
            found.append((table.name, reading.pattern, reading.evidence))
    if not found:
        return None
    hint = _agreed("date_format", found)
    if hint.value is None or ("%" in found[0][1] and ", " not in found[0][1]):
        return hint
    return Hint("date_format", None, f"not needed, {hint.evidence}")


def guess_decimals(tables: Iterable[RawTable], columns: Mapping[str, str]) -> list[Hint]:
    """Guess the signs before decimals and between thousands.

    Parameters
    ----------
    tables : iterable of RawTable
    columns : mapping of str to str
        From the contract's names to the tables'.
    """
    readings: list[tuple[str, NumberReading]] = []
    for table in tables:
        there = {name: table.rows[name] for meaning, name in columns.items() if _is_written(table, meaning, name)}
        if there:
            readings.append((table.name, read_numbers(there)))
    for _, reading in readings:
        if reading.ambiguous:
            sample = shown_name(reading.sample)
            # the first reading takes the sign for one between thousands
            sign = "," if "," in reading.sample else "."
            means = {sign: reading.ambiguous[1], {",": ".", ".": ","}[sign]: reading.ambiguous[0]}
            choices = tuple((decimal, f"{sample} is {said}") for decimal, said in sorted(means.items()))
            return [Hint("decimal", None, "Take the # from the line that is right", choices)]
    hints = []
    for key in ("decimal", "thousands"):
        found = [(name, str(getattr(reading, key)), reading.evidence) for name, reading in readings]
        if any(value for _, value, _ in found):
            hint = _agreed(key, [(name, value or None, evidence) for name, value, evidence in found])
            is_beside = key == "thousands" and hint.value is not None
            hints.append(Hint(key, hint.value, "stands between thousands") if is_beside else hint)
    return hints


def _is_written(table: RawTable, meaning: str, name: str) -> bool:
    return meaning in NUMBERS and name in table.rows.columns and table.rows[name].dtype == pl.String


def _agreed(key: str, found: Sequence[tuple[str, str | int | None, str]]) -> Hint:
    """Return one value for all files if they agree, else none and what each has."""
    values = {value for _, value, _ in found}
    if len(values) == 1:
        return Hint(key, found[0][1], _sentence(found[0][2]))
    each = ", ".join(f"{_shown(value)} in {shown_name(name)}" for name, value, _ in found[:FILES_SHOWN])
    more = ", ..." if len(found) > FILES_SHOWN else ""
    return Hint(key, None, f"differs, and is found in each by itself ({each}{more})")


def _shown(value: str | int | None) -> str:
    if value is None:
        return "none"
    text = str(value)
    return text if text.isalnum() else shown_name(text)


def _sentence(evidence: str) -> str:
    return evidence.strip().rstrip(".")
