"""Numbers as people write them: currency signs, spaces between thousands, a decimal comma."""

from __future__ import annotations

import polars as pl

SPACES_AND_CURRENCIES = r"[\s\x{00A0}\x{202F}'’]|[$€£¥₽]"


def read_numbers(column: pl.Series, decimal: str | None = None, thousands: str | None = None) -> pl.Series:
    """Read a column of numbers.

    Parameters
    ----------
    column : polars.Series
        Numbers, or text such as ``1 234,50`` or ``$1,234.50``.
    decimal, thousands : str, optional
        The signs used. Where `decimal` is absent a comma is taken for it only if every comma is followed by one or
        two last digits and no value has a point.

    Returns
    -------
    polars.Series
        Floats; null where a value is no finite number.
    """
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64)
    else:
        written = column.cast(pl.String).str.replace_all(SPACES_AND_CURRENCIES, "")
        if thousands:
            written = written.str.replace_all(thousands, "", literal=True)
        if decimal == "," or (decimal is None and _has_decimal_comma(written)):
            written = written.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        elif decimal == "." and thousands is None:
            written = written.str.replace_all(",", "", literal=True)
        numbers = written.cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite().fill_null(False), None)


def _has_decimal_comma(written: pl.Series) -> bool:
    has_comma = written.str.contains(",", literal=True).fill_null(False)
    if not has_comma.any() or written.str.contains(".", literal=True).any():
        return False
    return bool(written.filter(has_comma).str.contains(r"^[-+]?\d+,\d{1,2}$").all())
