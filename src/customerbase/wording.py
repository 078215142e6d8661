"""Numbers in words and figures: rounded to what is known, thousands separated."""

from __future__ import annotations

import datetime as dt
import math


def count(value: float) -> str:
    """Return a whole number with thousands separated, or 'none known' for a missing one."""
    return "not known" if _missing(value) else f"{value:,.0f}"


def number(value: float, digits: int = 3) -> str:
    """Return `value` rounded to so many significant digits, never in powers of ten."""
    if _missing(value):
        return "not known"
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def percent(share: float, decimals: int = 0) -> str:
    """Return a share of one as a percentage."""
    return "not known" if _missing(share) else f"{100 * share:,.{decimals}f}%"


def money(value: float, currency: str) -> str:
    """Return an amount with its currency, without cents from 100 up."""
    if _missing(value):
        return "not known"
    return f"{currency} {value:,.0f}" if abs(value) >= 100 else f"{currency} {value:,.2f}"


def day(date: dt.date) -> str:
    """Return a date as 30 June 1998."""
    return f"{date.day} {date:%B %Y}"


def between(low: float, high: float, shown: str = "{:,.0f}") -> str:
    """Return an interval's ends in words."""
    return f"{shown.format(low)} to {shown.format(high)}"


def plural(how_many: float, one: str, many: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count(how_many)} {one if how_many == 1 else many or one + 's'}"


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
