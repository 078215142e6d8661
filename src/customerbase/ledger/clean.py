"""The ledger as the rest of the suite takes it: contract names, one meaning a column, every row accounted for."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from ..errors import Refusal
from ..parameters import LedgerSource
from .account import Account, balanced, units
from .cells import Cells
from .numbers import LARGEST
from .quarantine import SCHEMA, Loss, as_json, harmless, losses, refuse_beyond, set_aside
from .raw import RawTable
from .repeats import repeats_of
from .sources import Progress, read_tables
from .totals import TOTAL, find_totals

NUMBERS = ("amount", "quantity", "unit_price", "cost", "discount", "coupon")
TURNED_BY_A_RETURN = ("amount", "quantity", "cost", "discount", "coupon")
RETURN_WORDS = (
    *("return", "returns", "returned", "refund", "refunded", "credit note", "credit memo", "reversal"),
    *("возврат", "возврат товара", "возврат от покупателя", "сторно", "корректировка"),
    *("gutschrift", "storno", "retoure", "rückgabe", "avoir", "retour", "remboursement", "zwrot", "korekta"),
    *(
        "devolución",
        "abono",
        "nota de crédito",
        "reso",
        "nota di credito",
        "nota credito",
        "creditnota",
        "creditfactuur",
    ),
)
SALE_WORDS = (
    *("sale", "sales", "sold", "purchase", "invoice", "order", "receipt", "bill", "sales receipt"),
    *("продажа", "реализация", "отгрузка", "реализация товаров", "покупка", "заказ"),
    *("rechnung", "verkauf", "vente", "facture", "sprzedaż", "faktura", "venta", "factura", "vendita", "fattura"),
    *("verkoop", "factuur"),
)


@dataclass(frozen=True)
class SourceTable:
    """What one file, sheet or query brought.

    Attributes
    ----------
    name : str
    rows : int
        Rows read.
    set_aside : int
        Rows in the quarantine.
    first_day, last_day : datetime.date or None
        Of the rows used.
    amount : float
        Sum of the rows used.
    columns : tuple of str
        All the columns there are.
    reading : mapping
        How it was read: encoding, delimiter, ...
    evidence : mapping
        Why so, in sentences.
    """

    name: str
    rows: int
    set_aside: int
    first_day: dt.date | None
    last_day: dt.date | None
    amount: float
    columns: tuple[str, ...]
    reading: Mapping[str, str | int]
    evidence: Mapping[str, str]


@dataclass(frozen=True)
class Ledger:
    """A cleaned ledger.

    Attributes
    ----------
    rows : polars.DataFrame
        customer (str), date (date, or datetime where the source tells the hour), amount (float, negative for a
        return), kind (sale or return), the optional columns present, and source and row, which say where each stands.
    quarantine : polars.DataFrame
        Rows set aside: row, source, reason, amount, as_read (the cells, as JSON).
    fingerprint : str
        SHA-256 over the source.
    account : Account
        Rows and money read, used and set aside.
    repeats : int
        Rows that repeat another one in every column of the parameters.
    tables : tuple of SourceTable
    """

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    fingerprint: str
    account: Account
    repeats: int
    tables: tuple[SourceTable, ...]


def read_ledger(
    source: LedgerSource,
    *,
    quarantine_limit: float = 0.05,
    drop_duplicates: bool = False,
    latest: dt.date | None = None,
    progress: Progress | None = None,
) -> Ledger:
    """Read and clean the ledger that `source` describes.

    Parameters
    ----------
    source : LedgerSource
    quarantine_limit : float, default 0.05
        Share of rows that may be set aside; totals don't count.
    drop_duplicates : bool, default False
        Set aside each row that repeats an earlier one in every column of the parameters.
    latest : datetime.date, optional
        Rows dated later can't have happened yet and are set aside.
    progress : callable, optional
        Told in a few words what is being done.

    Raises
    ------
    Refusal
        With one line for each problem: the file, the rows, and what to do.
    Unbalanced
        When rows or money are lost between the source and the tables.
    """
    told = progress or (lambda _: None)
    tables = list(read_tables(source, progress=lambda name: told(f"reading {name}")))
    problems: list[str] = []
    cleaned: list[_Cleaned] = []
    for table in tables:
        told(f"checking {table.name}")
        try:
            cleaned.append(_clean(table, source, latest))
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(*problems)
    rows_read = sum(table.rows.height + table.broken.height for table in tables)
    if rows_read == 0:
        raise Refusal(f"{', '.join(table.name for table in tables)}: the ledger has no rows. Export it again.")
    refuse_beyond(
        quarantine_limit,
        rows_read - sum(part.harmless for part in cleaned),
        sum(part.quarantine.height - part.harmless for part in cleaned),
        [loss for part in cleaned for loss in part.losses],
    )
    used = pl.concat([part.rows for part in cleaned], how="diagonal_relaxed")
    quarantine = pl.concat([part.quarantine for part in cleaned])
    if not _tells_hours(used["date"]):
        used = used.with_columns(pl.col("date").dt.date())
    told("looking for repeated rows")
    repeats = repeats_of(used, list(source.columns))
    if drop_duplicates and repeats.height:
        used, quarantine = _without(repeats, used, quarantine, tables)
    if used.is_empty():
        raise Refusal(f"{', '.join(table.name for table in tables)}: the ledger has no purchases. Export it again.")
    account = balanced(rows_read, sum(part.units_read for part in cleaned), used, quarantine)
    digest = hashlib.sha256("\n".join(table.digest for table in tables).encode()).hexdigest()
    return Ledger(used, quarantine, digest, account, repeats.height, tuple(part.table for part in cleaned))


@dataclass(frozen=True)
class _Cleaned:
    rows: pl.DataFrame
    quarantine: pl.DataFrame
    losses: list[Loss]
    harmless: int
    units_read: int
    table: SourceTable


def _clean(table: RawTable, source: LedgerSource, latest: dt.date | None) -> _Cleaned:
    cells = Cells(table, source, {str(meaning): name for meaning, name in source.columns.items()}, "ledger")
    if cells.problems:
        raise Refusal(*cells.problems)
    given = "amount" in source.columns
    required = ("amount",) if given else ("quantity", "unit_price")
    texts = sorted(set(source.columns) - {"customer", "date", *NUMBERS})
    cells.read_at_once(
        Cells.read_dates,
        lambda part: part.read_numbers(NUMBERS, required),
        Cells.read_key,
        lambda part: part.read_text(texts),
    )
    if cells.problems:
        raise Refusal(*cells.problems, *(loss.line for loss in losses(cells)))
    amount = cells.frame["amount"] if given else cells.frame["quantity"] * cells.frame["unit_price"]
    beyond = (~amount.is_finite() | (amount.abs() >= LARGEST)).fill_null(False)
    if not given:
        cells.blame(beyond, "quantity times unit_price is no amount", "Mend these rows.", "unit_price")
    cells.frame = cells.frame.with_columns(amount.set(beyond, None).alias("amount"))
    cells.frame = _with_kind(cells.frame)
    _judge(cells, latest)
    units_read = units(cells.frame["amount"])

    bad = cells.at_fault
    used = cells.frame if not bad.any() else cells.frame.filter(~bad)
    numbers = table.numbers if not bad.any() else table.numbers.filter(~bad)
    used = used.with_columns(pl.lit(table.name, pl.Categorical).alias("source"), numbers.alias("row"))
    quarantine = set_aside(cells, cells.frame["amount"])
    read = table.rows.height + table.broken.height
    days = used["date"].dt.date()
    about = SourceTable(
        table.name,
        read,
        quarantine.height,
        days.min(),  # type: ignore[arg-type]
        days.max(),  # type: ignore[arg-type]
        float(used["amount"].sum()),
        tuple(table.rows.columns),
        table.reading,
        cells.evidence,
    )
    found = losses(cells)
    return _Cleaned(used, quarantine, found, harmless(cells), units_read, about)


def _judge(cells: Cells, latest: dt.date | None) -> None:
    """Note the rows that are no purchases, once every column has been read."""
    frame = cells.frame
    totals = find_totals(cells.table.rows, frame["customer"], frame["date"], frame["amount"])
    if totals.any():
        # a total lacks a customer, a date, ... because it is one
        cells.faults = [
            fault.__class__(fault.rows & ~totals, fault.reason, fault.remedy, fault.column)
            for fault in cells.faults
            if (fault.rows & ~totals).any()
        ]
        cells.blame(totals, TOTAL, "Nothing to do.", is_loss=False)
    cells.blame(
        frame["customer"].is_null() & ~totals, "no customer", "Fill in the customer or take these rows out.", "customer"
    )
    if latest is not None:
        ahead = (frame["date"].dt.date() > latest).fill_null(False)
        cells.blame(ahead, "a date in the future", "Mend the date in these rows.", "date")
    if "kind" in cells.as_read.columns:
        words = cells.as_read["kind"].cast(pl.String).str.strip_chars().str.to_lowercase()
        unknown = ~words.is_in([*SALE_WORDS, *RETURN_WORDS]).fill_null(False) & ~totals
        cells.blame(unknown, "neither 'sale' nor 'return'", "Name each row one of the two.", "kind")


def _with_kind(rows: pl.DataFrame) -> pl.DataFrame:
    is_return = pl.col("amount") < 0
    if "quantity" in rows.columns:
        is_return |= (pl.col("quantity") < 0).fill_null(False)
    if "kind" in rows.columns:
        is_return |= pl.col("kind").str.to_lowercase().is_in(RETURN_WORDS)
    if not rows.select(is_return.any()).item():
        return rows.with_columns(pl.lit("sale").alias("kind"))
    rows = rows.with_columns(pl.when(is_return).then(pl.lit("return")).otherwise(pl.lit("sale")).alias("kind"))
    # a return takes money and goods back, whichever sign the source gives them
    turned = pl.col([name for name in TURNED_BY_A_RETURN if name in rows.columns])
    return rows.with_columns(pl.when(pl.col("kind") == "return").then(-turned.abs()).otherwise(turned))


def _without(
    repeats: pl.DataFrame, used: pl.DataFrame, quarantine: pl.DataFrame, tables: Iterable[RawTable]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Move repeated rows to the quarantine."""
    said = pl.concat_str(pl.lit("repeats row "), "first_row", pl.lit(" of "), "first_source")
    repeated = used[repeats["position"]].select("row", pl.col("source").cast(pl.String), "amount")
    repeated = repeated.with_columns(repeats.select(said.alias("reason"))["reason"])
    aside = [quarantine]
    for table in tables:
        of_table = repeated.filter(pl.col("source") == table.name)
        rows = table.rows.filter(table.numbers.is_in(of_table["row"].implode()))
        aside.append(of_table.with_columns(as_json(rows)).select(list(SCHEMA)))
    kept = used.with_row_index("position").join(repeats, on="position", how="anti", maintain_order="left")
    return kept.drop("position"), pl.concat(aside)


def _tells_hours(dates: pl.Series) -> bool:
    return bool((dates != dates.dt.truncate("1d")).any())
