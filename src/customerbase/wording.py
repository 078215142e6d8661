"""Numbers in words and figures: rounded to what is known, thousands separated."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd


def count(value: float) -> str:
    """Return a whole number with thousands separated, or 'not known' for a missing or infinite one."""
    return "not known" if _missing(value) else f"{value:z,.0f}"


def number(value: float, digits: int = 3) -> str:
    """Return `value` rounded to so many significant digits, never in powers of ten."""
    if _missing(value):
        return "not known"
    if value == 0:
        return "0"
    # rounded first: 9.996 has one digit before the point, 10.0 has two
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:,.{max(0, digits - 1 - exponent)}f}"


def percent(share: float, decimals: int = 0) -> str:
    """Return a share of one as a percentage."""
    return "not known" if _missing(share) else f"{100 * share:z,.{decimals}f}%"


def money(value: float, currency: str) -> str:
    """Return an amount with its currency, without cents from 100 up."""
    if _missing(value):
        return "not known"
    return f"{currency} {value:z,.0f}" if abs(round(value, 2)) >= 100 else f"{currency} {value:z,.2f}"


def day(date: dt.date) -> str:
    """Return a date as 30 June 1998."""
    return f"{date.day} {date:%B %Y}"


def between(low: float, high: float, shown: str = "{:,.0f}") -> str:
    """Return an interval's ends in words."""
    return "not known" if _missing(low) or _missing(high) else f"{shown.format(low)} to {shown.format(high)}"


def plural(how_many: float, one: str, many: str | None = None) -> str:
    """Return a count with its noun."""
    number = count(how_many)
    return f"{number} {one if number == '1' else many or one + 's'}"


def printable(text: object) -> str:
    """Return a text in one line, a question mark in place of whatever can't be printed."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(text))


def shortened(text: str, letters: int = 18) -> str:
    """Return a name cut to a length that fits beside a figure."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _missing(value: float | None) -> bool:
    return bool(pd.isna(value)) or math.isinf(value)  # type: ignore[arg-type]
