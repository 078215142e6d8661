"""Conditions of a playbook's rules: texts such as ``< 0.5``, ``in A, B`` or ``in top 10%``, read and put to a frame."""

from __future__ import annotations

import datetime as dt
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import polars as pl

from models.playbook_columns import Column

COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
YES_OR_NO = {"yes": True, "no": False}
COMPARISON = re.compile(r"(<=|>=|!=|<|>|=)\s*(.+)", re.DOTALL)
MEMBERSHIP = re.compile(r"(not\s+)?in\s+(.+)", re.DOTALL)
PLACE = re.compile(r"in\s+(top|bottom)\s+(\d+(?:\.\d+)?)\s*%")
NUMBER = re.compile(r"[+-]?(?:\d+(?:[ ,_]\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
ROUNDING = 1e-9  # 0.3 x 10 customers are 3, although in binary they come out a hair above
LONGEST_SHOWN = 60
EXAMPLES = {
    "text": "'= A', 'in A, B', 'not in A, B' or 'is known'",
    "yes or no": "'= yes', '= no' or 'is known'",
    "date": "'< 2025-01-31' or 'is known'",
}
OF_NUMBERS = "'< 0.5', '>= 1000', '> 0 and in top 10%' or 'is known'"

Value = float | str | bool | dt.date


@dataclass(frozen=True)
class Compared:
    """The value lies on one side of a limit, or is equal to it or not."""

    sign: str
    limit: Value

    def holds(self, value: pl.Expr) -> pl.Expr:
        """Say of each known value whether the condition holds."""
        return COMPARED[self.sign](value, pl.lit(self.limit))


@dataclass(frozen=True)
class Among:
    """The value is one of several texts, or none of them."""

    values: frozenset[str]
    negated: bool

    def holds(self, value: pl.Expr) -> pl.Expr:
        """Say of each known value whether the condition holds."""
        there = value.is_in(sorted(self.values))
        return ~there if self.negated else there


@dataclass(frozen=True)
class Placed:
    """The value is among the highest, or the lowest, of those known.

    Values that are equal stand or fall together, so never more than the share (rounded up) are meant; where the border
    would part equals, none of them is.
    """

    from_top: bool
    share: float

    def holds(self, value: pl.Expr) -> pl.Expr:
        """Say of each known value whether the condition holds."""
        most = (self.share * value.count() - ROUNDING).ceil()
        return value.rank(method="max", descending=self.from_top) <= most


@dataclass(frozen=True)
class Known:
    """The value is recorded, or it isn't."""

    known: bool

    def holds(self, value: pl.Expr) -> pl.Expr:
        """Say whether the condition holds."""
        return value.is_not_null() if self.known else value.is_null()


Condition = Compared | Among | Placed | Known


def read_conditions(text: Any, column: Column) -> tuple[Condition, ...]:
    """Read the conditions put to a column.

    Parameters
    ----------
    text : object
        A comparison (``< 0.5``), a choice (``in A, B``; ``not in A, B``), a place among the known values
        (``in top 10%``, ``in bottom 10%``), ``is known`` or ``is not known``. To numbers and dates several are put,
        joined by ``and``. A bare number, a yes or no, or a class such as A means that the value is equal to it.
    column : Column

    Returns
    -------
    tuple of Condition
        All of which must hold. A value that isn't known meets ``is not known`` only.

    Raises
    ------
    ValueError
        If it can't be read, or not be put to such a column; the message says what can.
    """
    words = _as_text(text, column)
    # a text may itself hold the word 'and'
    parts = [words] if column.kind in ("text", "yes or no") else re.split(r"\s+and\s+", words)
    return tuple(_read(part.strip(), column) for part in parts)


def _as_text(given: Any, column: Column) -> str:
    match given:
        case bool():
            return "yes" if given else "no"
        case str():
            return given.strip()
        case int() | float() | dt.date():
            return str(given)
        case list() if given and all(isinstance(each, str) for each in given):
            return f"in {', '.join(given)}"
    raise ValueError(f"'{_short(given)}' can't be read; {_write(column)}")


def _read(text: str, column: Column) -> Condition:
    if text in ("is known", "is not known"):
        return Known(text == "is known")
    if column.kind not in ("text", "yes or no", "date") and (place := PLACE.fullmatch(text)):
        share = float(place[2]) / 100
        if not 0 < share <= 1:
            raise ValueError(f"'{_short(text)}' is no share; write one from above 0% to 100%, such as 'in top 10%'")
        return Placed(place[1] == "top", share)
    if column.kind == "text" and (membership := MEMBERSHIP.fullmatch(text)):
        values = [_value(value.strip(), column) for value in membership[2].split(",")]
        return Among(frozenset(map(str, values)), membership[1] is not None)
    if comparison := COMPARISON.fullmatch(text):
        sign, limit = comparison[1], _value(comparison[2].strip(), column)
        if column.kind in ("text", "yes or no") and sign not in ("=", "!="):
            raise ValueError(f"'{_short(text)}' compares sizes, but this column holds {column.kind}; {_write(column)}")
        return Compared(sign, limit)
    if column.kind == "text" and not column.values:
        # any text could stand there, so a slip of the pen would pass for one
        raise ValueError(f"'{_short(text)}' can't be read; {_write(column)}")
    return Compared("=", _value(text, column))


def _value(text: str, column: Column) -> Value:
    match column.kind:
        case "text":
            if not text or (column.values and text not in column.values):
                raise ValueError(
                    f"'{_short(text)}' is none of {', '.join(column.values)}" + nearest(text, column.values)
                )
            return text
        case "yes or no":
            if text not in YES_OR_NO:
                raise ValueError(f"'{_short(text)}' can't be read; {_write(column)}")
            return YES_OR_NO[text]
        case "date":
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                raise ValueError(f"'{_short(text)}' can't be read; {_write(column)}") from None
    bare = text.removesuffix("%").rstrip()
    if not NUMBER.fullmatch(bare):
        raise ValueError(f"'{_short(text)}' can't be read; {_write(column)}")
    number = float(re.sub("[ ,_]", "", bare)) / (100 if text.endswith("%") else 1)
    if not math.isfinite(number):
        raise ValueError(f"'{_short(text)}' is too large a number")
    if column.kind == "probability" and not 0 <= number <= 1:
        raise ValueError(f"'{_short(text)}' is no probability; write one from 0 to 1, or from 0% to 100%")
    return number


def nearest(word: str, known: Any) -> str:
    """Return the question whether the known word closest to another is meant; empty where none is close."""
    close = get_close_matches(word, list(known), n=1)
    return f". Did you mean '{close[0]}'?" if close else ""


def _write(column: Column) -> str:
    return f"write a condition such as {EXAMPLES.get(column.kind, OF_NUMBERS)}"


def _short(value: Any) -> str:
    shown = "".join(sign if sign.isprintable() else "?" for sign in str(value))
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 1]}…"
