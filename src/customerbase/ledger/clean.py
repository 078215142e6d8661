"""The ledger as the rest of the suite takes it: contract names, one meaning a column, every row accounted for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl

from ..errors import Refusal
from ..parameters import LedgerSource
from .dates import read_dates
from .files import RawFile, read_files
from .numbers import as_text, read_numbers

NUMBERS = ("amount", "quantity", "unit_price", "cost", "discount")
RETURN_WORDS = ("return", "returns", "returned", "refund")
SALE_WORDS = ("sale", "sales", "purchase")
SHOWN = 3
LONGEST_SHOWN = 40
QUARANTINE_SCHEMA = {"row": pl.Int64, "source": pl.String, "reason": pl.String, "as_read": pl.String}


@dataclass(frozen=True)
class Ledger:
    """A cleaned ledger.

    Attributes
    ----------
    rows : polars.DataFrame
        customer (str), date (date, or datetime where the source tells the hour), amount (float), kind (sale or
        return) and the optional columns present, in the source's order.
    quarantine : polars.DataFrame
        Rows set aside: row, source, reason, as_read.
    fingerprint : str
        SHA-256 over the source files.
    rows_read : int
        Rows in the source, equal to the rows used and the rows set aside together.
    """

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    fingerprint: str
    rows_read: int


def read_ledger(source: LedgerSource) -> Ledger:
    """Read and clean the ledger that `source` describes.

    Raises
    ------
    Refusal
        With one line for each problem: the file, the rows, and what to do.
    """
    files = list(read_files(source))
    problems = [problem for file in files for problem in _missing_columns(file, source)]
    if problems:
        raise Refusal(*problems)
    cleaned, problems = [], []
    for file in files:
        rows, found = _clean(file, source)
        cleaned.append(rows)
        problems += found
    if problems:
        raise Refusal(*problems)
    rows = pl.concat(cleaned, how="diagonal_relaxed")
    if rows.is_empty():
        raise Refusal(f"{', '.join(file.name for file in files)}: the ledger has no rows. Export it again.")
    if not _tells_hours(rows["date"]):
        rows = rows.with_columns(pl.col("date").dt.date())
    digest = hashlib.sha256("\n".join(file.digest for file in files).encode()).hexdigest()
    return Ledger(rows, pl.DataFrame(schema=QUARANTINE_SCHEMA), digest, sum(file.rows.height for file in files))


def _missing_columns(file: RawFile, source: LedgerSource) -> list[str]:
    there = ", ".join(_shorten(name) for name in file.rows.columns[:20]) or "none"
    remedy = "Mend ledger.columns, or set ledger.header_row or ledger.delimiter."
    return [
        f"{file.name}: there is no column '{name}' (ledger.columns.{meaning}). The file has: {there}. {remedy}"
        for meaning, name in source.columns.items()
        if name not in file.rows.columns
    ]


def _clean(file: RawFile, source: LedgerSource) -> tuple[pl.DataFrame, list[str]]:
    raw = file.rows.select(pl.col(name).alias(meaning) for meaning, name in source.columns.items())
    problems = [
        f"{file.name}: the column '{source.columns[meaning]}' holds {dtype}, not text, numbers or dates."  # type: ignore[index]
        for meaning, dtype in raw.schema.items()
        if dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object)
    ]
    if problems:
        return raw, problems

    def report(bad: pl.Series, column: str, problem: str, remedy: str) -> None:
        if bad.any():
            where = _where(bad, raw[column], file)
            problems.append(f"{file.name}: {problem} in {where} (column '{source.columns[column]}'). {remedy}")  # type: ignore[index]

    cleaned = raw.with_columns(as_text(raw["customer"]))
    report(
        cleaned["customer"].is_null(),
        "customer",
        "no customer",
        "Fill in the customer or take these rows out.",
    )

    reading = read_dates(raw["date"], source.date_format)
    if reading.ambiguous:
        first, second = reading.ambiguous
        problems.append(
            f"{file.name}: {_shorten(reading.sample)} reads as {first} and as {second}, and no row tells which. "
            f"Set ledger.date_format to one of them."
        )
    remedy = "Mend these rows, or set ledger.date_format, for example to %d.%m.%Y."
    if source.date_format:
        remedy = f"Mend these rows, or ledger.date_format, which is '{source.date_format}'."
    report(reading.dates.is_null(), "date", "no date that can be read", remedy)
    cleaned = cleaned.with_columns(reading.dates.alias("date"))

    for column in NUMBERS:
        if column in raw.columns:
            numbers = read_numbers(raw[column], source.decimal, source.thousands).alias(column)
            required = column == "amount" or ("amount" not in raw.columns and column in ("quantity", "unit_price"))
            bad = numbers.is_null() & (required | raw[column].is_not_null())
            report(
                bad,
                column,
                "no number that can be read",
                "Mend these rows, or set ledger.decimal and ledger.thousands.",
            )
            cleaned = cleaned.with_columns(numbers)
    if "amount" not in raw.columns:
        cleaned = cleaned.with_columns((pl.col("quantity") * pl.col("unit_price")).alias("amount"))
        too_large = cleaned["amount"].is_infinite().fill_null(False)
        report(too_large, "unit_price", "quantity times unit_price is no finite number", "Mend these rows.")

    for column in set(raw.columns) - {"customer", "date", *NUMBERS}:
        cleaned = cleaned.with_columns(as_text(raw[column]).str.strip_chars())
    if "kind" in raw.columns:
        kinds = cleaned["kind"].str.to_lowercase()
        unknown = ~kinds.is_in([*SALE_WORDS, *RETURN_WORDS]).fill_null(False)
        report(unknown, "kind", "neither 'sale' nor 'return'", "Name each row one of the two.")
    return _with_kind(cleaned), problems


def _with_kind(rows: pl.DataFrame) -> pl.DataFrame:
    is_return = pl.col("amount") < 0
    if "quantity" in rows.columns:
        is_return |= (pl.col("quantity") < 0).fill_null(False)
    if "kind" in rows.columns:
        is_return |= pl.col("kind").str.to_lowercase().is_in(RETURN_WORDS)
    rows = rows.with_columns(pl.when(is_return).then(pl.lit("return")).otherwise(pl.lit("sale")).alias("kind"))
    # a return takes money back, whichever sign the source gives it
    returned = pl.when(pl.col("kind") == "return").then(-pl.col("amount").abs()).otherwise(pl.col("amount"))
    return rows.with_columns(returned.alias("amount"))


def _tells_hours(dates: pl.Series) -> bool:
    return bool((dates != dates.dt.truncate("1d")).any())


def _where(bad: pl.Series, column: pl.Series, file: RawFile) -> str:
    rows = bad.arg_true()
    shown = ", ".join(f"{file.numbers[int(row)]} ({_shorten(column[int(row)])})" for row in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def _shorten(value: object) -> str:
    """Quote a cell in one line: whatever can't be printed is escaped."""
    text = "" if value is None else str(value)
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")
