"""Customers' keys that are names, telephone numbers or mail addresses aren't shown."""

from __future__ import annotations

import polars as pl

from ..personal_data import E_MAIL, HIDDEN, TELEPHONE
from .profile import ANY_TELEPHONE, WORDS_OF_A_NAME

MOST_PERSONAL = 0.5  # share of the keys from which on all of them are taken for personal
LOOKED_AT = 10_000
CAPITALISED = r"^\p{Lu}[\p{Ll}'’-]+$"
REACHES = rf"{E_MAIL.pattern}|{TELEPHONE.pattern}"
IDENTIFIES = rf"{REACHES}|{ANY_TELEPHONE}|{WORDS_OF_A_NAME}|{CAPITALISED}"
FIGURES = ("date", "amount", "quantity", "unit_price", "cost", "discount")


def are_personal(keys: pl.Series) -> bool:
    """Tell whether most of the customers' keys look like names, telephone numbers or mail addresses."""
    share = _matches(keys.head(LOOKED_AT).drop_nulls(), IDENTIFIES).mean() or 0.0
    return bool(share > MOST_PERSONAL)  # type: ignore[operator]


def masked(rows: pl.DataFrame, *, all_keys: bool) -> pl.DataFrame:
    """Take out of rows what may tell who somebody is.

    Parameters
    ----------
    rows : polars.DataFrame
        Under the contract's names.
    all_keys : bool
        Whether no customer's key may be shown; see `are_personal`.
    """
    columns = []
    for name in rows.columns:
        if rows[name].dtype != pl.String or name in FIGURES:
            continue
        is_personal = _matches(rows[name], IDENTIFIES if name == "customer" else REACHES)
        if name == "customer" and all_keys:
            is_personal = rows[name].is_not_null()
        columns.append(rows[name].set(is_personal.fill_null(False), HIDDEN))
    return rows.with_columns(columns)


def _matches(values: pl.Series, pattern: str) -> pl.Series:
    return values.str.strip_chars().str.contains(pattern)
