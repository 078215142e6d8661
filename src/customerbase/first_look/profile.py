"""What a column holds, told from its cells alone."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ..ledger.dates import SERIAL, read_dates
from ..ledger.numbers import as_text, read_numbers
from ..personal_data import ANY_TELEPHONE, E_MAIL, WORDS_OF_A_NAME
from .vocabulary import IDENTIFIERS, LEDGER, PARTICULARS, fits, words_of

DATES = (pl.Date, pl.Datetime)
LOOKED_AT = 20_000  # rows whose cells are parsed; values are counted in all rows
MOST = 0.8  # share of the cells that must be numbers, dates, ...: a report has totals and notes among its rows
EIGHT_DIGITS = "%Y%m%d"


@dataclass(frozen=True)
class Profile:
    """What one column holds.

    Attributes
    ----------
    name : str
    words : tuple of str
        Of its name.
    rows, filled, distinct : int
        All rows, those with a value, and the different values.
    numbers : polars.Series or None
        The first rows as floats, where most values are numbers.
    is_date : bool
        Whether most values are dates. Numbers count as dates only under the name of a date.
    is_whole : bool
        Whether the numbers are whole.
    is_counter : bool
        Whether the numbers count the rows.
    looks_like : str
        ``email``, ``phone``, ``name`` or nothing.
    """

    name: str
    words: tuple[str, ...]
    rows: int
    filled: int
    distinct: int
    numbers: pl.Series | None
    is_date: bool
    is_whole: bool
    is_counter: bool
    looks_like: str

    @property
    def is_measure(self) -> bool:
        """Whether it holds numbers with decimals, which are no key."""
        return self.numbers is not None and not self.is_whole

    @property
    def is_code(self) -> bool:
        """Whether it is called a code or a number, or holds whole numbers."""
        return fits(self.words, IDENTIFIERS) or fits(self.words, PARTICULARS["tax_id"]) or self.is_whole

    @property
    def is_bare_code(self) -> bool:
        """Whether it is called just a code or a number, of nothing."""
        return bool(self.words) and all(fits([word], IDENTIFIERS) for word in self.words)

    @property
    def is_unique(self) -> bool:
        """Whether no value repeats."""
        return self.distinct == self.filled

    @property
    def rows_each(self) -> float:
        """Rows for each different value."""
        return self.filled / max(self.distinct, 1)


def profile_of(column: pl.Series) -> Profile:
    """Describe a column.

    Parameters
    ----------
    column : polars.Series
        As read: text, or what the source holds.
    """
    words = tuple(words_of(column.name))
    sample = column.head(LOOKED_AT)
    has_figures = _has_figures(sample)
    numbers = _mostly(_numbers(sample), sample) if has_figures else None
    read = numbers.drop_nulls() if numbers is not None else pl.Series([], dtype=pl.Float64)
    is_whole = numbers is not None and bool((read == read.round()).all())
    is_counter = is_whole and len(read) > 2 and bool((read.diff().drop_nulls() == 1).all())
    is_date = (has_figures or column.dtype in DATES) and _is_date(sample, words)
    return Profile(
        column.name,
        words,
        len(column),
        column.count(),
        column.drop_nulls().n_unique(),
        numbers,
        is_date,
        is_whole,
        is_counter,
        "" if is_date or (numbers is not None and not fits(words, PARTICULARS["phone"])) else _looks_like(sample),
    )


def _has_figures(column: pl.Series) -> bool:
    """Whether most cells hold a digit, as numbers and dates do; it is quicker to tell than to read them."""
    if column.dtype == pl.String:
        return _mostly(column.set(~column.str.contains("[0-9]").fill_null(False), None), column) is not None
    return column.dtype.is_numeric()


def _mostly(values: pl.Series, cells: pl.Series) -> pl.Series | None:
    """Return the values if most cells have one; a single cell more that has none may be a total's or a note's."""
    filled, read = cells.count(), values.count()
    return values if read and (read >= MOST * filled or (filled - read == 1 and read > 1)) else None


def _numbers(column: pl.Series) -> pl.Series:
    return read_numbers({column.name: column}).numbers[column.name]


def _is_date(column: pl.Series, words: tuple[str, ...]) -> bool:
    reading = read_dates(column)
    if _mostly(reading.dates, column) is None:
        return False
    is_bare_number = any(pattern in (SERIAL, EIGHT_DIGITS) for pattern in reading.pattern.split(", "))
    return not is_bare_number or fits(words, LEDGER["date"])


def _looks_like(cells: pl.Series) -> str:
    filled = as_text(cells).drop_nulls()
    patterns = {"email": E_MAIL.pattern, "phone": ANY_TELEPHONE, "name": WORDS_OF_A_NAME}
    shares = {kind: filled.str.contains(pattern).mean() or 0.0 for kind, pattern in patterns.items()}
    return next((kind for kind, share in shares.items() if float(share) >= MOST), "")  # type: ignore[arg-type]


def profiles_of(rows: pl.DataFrame) -> dict[str, Profile]:
    """Describe the columns of a table, by name; those that hold nothing, or no plain values, are left out."""
    profiles = {name: profile_of(rows[name]) for name in rows.columns if _is_plain(rows[name])}
    return {name: profile for name, profile in profiles.items() if profile.filled}


def _is_plain(column: pl.Series) -> bool:
    return not (column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Duration, pl.Object))
