"""Customers' keys that are names, telephone numbers or mail addresses aren't shown."""

from __future__ import annotations

import polars as pl

from ..personal_data import E_MAIL, FIGURES, HIDDEN, IDENTIFIES, TELEPHONE

REACHES = rf"{E_MAIL.pattern}|{TELEPHONE.pattern}"


def masked(rows: pl.DataFrame, *, all_keys: bool) -> pl.DataFrame:
    """Take out of rows what may tell who somebody is.

    Parameters
    ----------
    rows : polars.DataFrame
        Under the contract's names.
    all_keys : bool
        Whether no customer's key may be shown; see `customerbase.personal_data.are_personal`.
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
