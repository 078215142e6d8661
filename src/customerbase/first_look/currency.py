"""In which currency amounts are, where the table says so."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ..ledger.header import shown_name
from ..ledger.numbers import CODES, read_numbers
from .hints import Hint
from .vocabulary import CURRENCY, fits, words_of

SIGNS = {
    "₽": "RUB",
    "руб": "RUB",
    "р": "RUB",
    "€": "EUR",
    "£": "GBP",
    "₸": "KZT",
    "тг": "KZT",
    "₴": "UAH",
    "грн": "UAH",
    "zł": "PLN",
    "kč": "CZK",
    "₺": "TRY",
    "us$": "USD",
    "лв": "BGN",
}  # a bare $ may be of many countries
SHOWN = 4


def guess_currency(rows: pl.DataFrame, columns: Mapping[str, str]) -> Hint | None:
    """Guess the currency of amounts: from a column of codes, from signs beside the numbers, or from a column's name.

    Parameters
    ----------
    rows : polars.DataFrame
        The cells as read.
    columns : mapping of str to str
        From the contract's names to the table's.

    Returns
    -------
    Hint or None
        Without a value where amounts are in several currencies; None where nothing tells.
    """
    money = [columns[meaning] for meaning in ("amount", "unit_price") if meaning in columns]
    said = _in_column(rows)
    if said is None:
        written = {name: rows[name] for name in money if rows[name].dtype == pl.String}
        signs = read_numbers(written).currencies if written else ()
        known = sorted({code for sign in signs if (code := _code(sign)) is not None})
        said = (known, f"{', '.join(map(shown_name, signs))} beside the numbers") if known else None
    if said is None:
        named = sorted({code for name in money for word in words_of(name) if (code := _code(word)) is not None})
        said = (named, f"{shown_name(money[0])} says so") if len(named) == 1 else None
    if said is None:
        return None
    codes, evidence = said
    if len(codes) == 1:
        return Hint("currency", codes[0], evidence)
    shown = ", ".join(codes[:SHOWN])
    return Hint("currency", None, f"amounts are in several currencies ({shown}), and a ledger must be in one")


def _in_column(rows: pl.DataFrame) -> tuple[list[str], str] | None:
    for name in rows.columns:
        if fits(words_of(name), CURRENCY) and rows[name].dtype == pl.String:
            values = rows[name].drop_nulls().str.strip_chars().unique().sort().to_list()
            codes = [_code(value) for value in values]
            if codes and None not in codes:
                return sorted({code for code in codes if code is not None}), f"{shown_name(name)} says so"
    return None


def _code(text: str) -> str | None:
    """Return the three letters of a currency written as a sign, an abbreviation or a code; None if it is none."""
    if text.upper() in CODES.split():
        return text.upper().replace("RUR", "RUB")
    return SIGNS.get(text.casefold().rstrip("."))
