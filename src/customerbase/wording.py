"""Numbers in words and figures: rounded to what is known, thousands separated."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

DASH = "–"
NOT_RECORDED = "not recorded"
AMOUNT = re.compile(r"\b([A-Z]{3}) (?=[-+]?\d)")


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


def small_percent(share: float) -> str:
    """Return a share as `percent` does, but what rounds to nothing though it isn't as under 1%."""
    return "under 1%" if 0 < share < 0.005 else percent(share)


def roughly(amount: float) -> str:
    """Return an amount in two digits, where its interval is wider than any further ones."""
    return count(amount if _missing(amount) else float(f"{amount:.1e}"))


def between_roughly(low: float, high: float) -> str:
    """Return the ends of an interval of amounts in two digits each."""
    return "not known" if _missing(low) or _missing(high) else f"{roughly(low)} to {roughly(high)}"


def money(value: float, currency: str) -> str:
    """Return an amount with its currency, without cents from 100 up."""
    if _missing(value):
        return "not known"
    return f"{currency} {value:z,.0f}" if abs(round(value, 2)) >= 100 else f"{currency} {value:z,.2f}"


def unbroken(text: str) -> str:
    """Return a text in which no line ends between a currency and its amount."""
    return AMOUNT.sub("\\1\N{NO-BREAK SPACE}", text)


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


def key(text: object, letters: int = 40) -> str:
    """Return a customer's key, or a name, as it fits a table or a sentence."""
    return shortened(printable(text), letters)


def tenths(share: float | None) -> str:
    """Return a share of one as a percentage to a tenth."""
    return percent(math.nan if share is None else share, 1)


def if_known(wording: Callable[[Any], str], otherwise: str = "") -> Callable[[Any], str]:
    """Return a wording that says `otherwise` of a missing value; of an infinite one `wording` says what it does."""
    return lambda value: otherwise if pd.isna(value) else wording(value)


def profit_or_loss(profit: float, currency: str) -> str:
    """Return what is earned in words: USD 5.00 of profit, or a loss of USD 5.00."""
    return f"a loss of {money(-profit, currency)}" if round(profit, 2) < 0 else f"{money(profit, currency)} of profit"


def listed(parts: Sequence[str], most: int | None = None) -> str:
    """Return parts of a sentence as an enumeration, those beyond the first `most` as a number."""
    if most is not None and len(parts) > most:
        parts = [*parts[:most], plural(len(parts) - most, "other")]
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def _missing(value: float | None) -> bool:
    return bool(pd.isna(value)) or math.isinf(value)  # type: ignore[arg-type]
