"""Numbers as people write them: currency signs, spaces between thousands, a decimal comma."""

from __future__ import annotations

import polars as pl

SPACES_AND_CURRENCIES = r"[\s\x{00A0}\x{202F}'’]|[$€£¥₽]"
OTHER_SIGN = {",": ".", ".": ","}


def read_numbers(column: pl.Series, decimal: str | None = None, thousands: str | None = None) -> pl.Series:
    """Read a column of numbers.

    Parameters
    ----------
    column : polars.Series
        Numbers, or text such as ``1 234,50`` or ``$1,234.50``.
    decimal, thousands : str, optional
        The signs used. Where both are absent a comma is taken for the decimal sign only if every comma is followed
        by one or two last digits and no value has a point; where one is given, a point and a comma share the roles.

    Returns
    -------
    polars.Series
        Floats; null where a value is no finite number.
    """
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64)
    else:
        written = column.cast(pl.String).str.replace_all(SPACES_AND_CURRENCIES, "")
        thousands = thousands or OTHER_SIGN.get(decimal or "")
        if thousands:
            written = _ungrouped(written, decimal or OTHER_SIGN.get(thousands, ""), thousands)
        decimal = decimal or OTHER_SIGN.get(thousands or "") or ("," if _has_decimal_comma(written) else ".")
        if decimal == ",":
            written = written.set(_has(written, "."), None).str.replace(",", ".", literal=True)
        numbers = written.cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite().fill_null(False), None)


def as_text(column: pl.Series) -> pl.Series:
    """Return a column as text; whole numbers lose the ``.0`` that a spreadsheet gives them."""
    if not column.dtype.is_float():
        return column.cast(pl.String)
    column = column.set(~column.is_finite(), None)
    whole = ((column == column.round()) & (column.abs() < 2**63)).fill_null(False)
    return column.set(~whole, None).cast(pl.Int64).cast(pl.String).zip_with(whole, column.cast(pl.String))


def _ungrouped(written: pl.Series, decimal: str, thousands: str) -> pl.Series:
    """Take the thousands' signs out; a value that has them anywhere but between groups is no number."""
    sign = pl.escape_regex(thousands)
    decimals = pl.escape_regex(decimal) if decimal else "[.,]"
    # groups of two are India's: 1,00,000
    is_grouped = written.str.contains(rf"^[-+]?\d{{1,3}}({sign}\d{{2,3}})*{sign}\d{{3}}({decimals}\d*)?$")
    misplaced = _has(written, thousands) & ~is_grouped.fill_null(False)
    return written.set(misplaced, None).str.replace_all(thousands, "", literal=True)


def _has(written: pl.Series, sign: str) -> pl.Series:
    return written.str.contains(sign, literal=True).fill_null(False)


def _has_decimal_comma(written: pl.Series) -> bool:
    has_comma = _has(written, ",")
    if not has_comma.any() or _has(written, ".").any():
        return False
    return bool(written.filter(has_comma).str.contains(r"^[-+]?\d+,\d{1,2}$").all())
