"""Writing the wholesaler's files: what its systems export, and beside it the truth."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .found_by_rules import found_by_rules
from .mess import (
    SPOILT_2023_2024,
    SPOILT_2025,
    STYLE_2023_2024,
    STYLE_2025,
    Export,
    export,
    russian_money,
    total_of,
)

#: From this day on another program keeps the books.
NEW_PROGRAM = dt.date(2025, 1, 1)

KINDS = {"company": "Юр. лицо", "sole trader": "ИП", "private": "Физ. лицо"}
EVENTS = {"complaint": "жалоба", "refusal": "отказ", "survey": "опрос", "contact": "контакт"}
PURPOSES = {"acquisition": "привлечение", "retention": "удержание"}

#: The central file's columns: header, and the field of a record.
CENTRAL_FILE = {
    "Код клиента": "key",
    "Вид клиента": "kind",
    "Наименование": "name",
    "ИНН": "tax_id",
    "Телефон": "phone",
    "E-mail": "email",
    "Индекс": "postcode",
    "Город": "city",
    "Адрес": "address",
    "Дата рождения": "birth_date",
    "Менеджер": "manager",
    "Отдел": "department",
    "Источник": "channel",
    "Кто рекомендовал": "referred_by",
    "Скидка за объём, %": "volume_discount",
    "Потенциал, руб. в год": "potential",
    "Доля в закупках, %": "share_of_wallet",
    "Репутация": "reputation",
    "Новатор": "innovator",
    "Требовательность": "demanding",
    "Эксклюзив": "exclusive",
    "Согласие": "consent",
    "Обновлено": "updated",
}


def exports_of(lines: pl.DataFrame, records: pl.DataFrame, seed: int) -> list[Export]:
    """Return the ledger's two files, from the true lines and the names they were booked under."""
    random = np.random.default_rng([seed, 5])
    names = dict(records.select("key", "name").iter_rows())
    is_new = pl.col("date") >= NEW_PROGRAM
    return [
        export(lines.filter(~is_new), names, STYLE_2023_2024, SPOILT_2023_2024, random),
        export(lines.filter(is_new), names, STYLE_2025, SPOILT_2025, random),
    ]


def customers_file(records: pl.DataFrame) -> bytes:
    """Return the central file: UTF-8, semicolons, Russian words."""
    rows = records.filter(~pl.col("missing")).iter_rows(named=True)
    written = ([_as_typed(field, record[field]) for field in CENTRAL_FILE.values()] for record in rows)
    return _csv(list(CENTRAL_FILE), written)


def events_file(events: pl.DataFrame) -> bytes:
    """Return complaints, refusals, surveys and contacts: UTF-8, semicolons, Russian words."""
    header = ["Код клиента", "Дата", "Событие", "Причина", "Оценка"]
    rows = (
        [row["key"], _russian_date(row["date"]), EVENTS[row["kind"]], row["reason"], row["score"]]
        for row in events.iter_rows(named=True)
    )
    return _csv(header, rows)


def spending_file(spending: pl.DataFrame) -> bytes:
    """Return spending by month, purpose and channel: UTF-8, semicolons, Russian words."""
    rows = (
        [_russian_date(row["date"]), PURPOSES[row["purpose"]], row["channel"], russian_money(row["amount"])]
        for row in spending.iter_rows(named=True)
    )
    return _csv(["Дата", "Назначение", "Канал", "Сумма"], rows)


def truth_files(
    people: pl.DataFrame,
    records: pl.DataFrame,
    look_alikes: pl.DataFrame,
    lines: pl.DataFrame,
    exports: Sequence[Export],
) -> dict[str, bytes]:
    """Return the files of the folder truth: UTF-8, commas, ISO dates, decimal points."""
    places = pl.DataFrame(
        [(line, found.name, row) for found in exports for line, row in found.rows.items()],
        schema={"line": lines.schema["line"], "source": pl.String, "row": pl.Int64},
        orient="row",
    )
    clean = lines.join(places, on="line", how="inner", maintain_order="left")
    set_aside = [(found.name, *row) for found in exports for row in found.set_aside]
    return {
        "identities.csv": _truth(records.select(pl.col("key").alias("customer"), pl.col("customer").alias("person"))),
        "look_alikes.csv": _truth(_look_alikes(look_alikes, records)),
        "ledger_clean.csv": _truth(_ledger(clean)),
        "returns.csv": _truth(_returns(clean, places)),
        "repeated_lines.csv": _truth(clean.filter("repeated").select("source", "row")),
        "quarantine.csv": _csv(["source", "row", "reason", "amount"], set_aside, ","),
        "customers.csv": _truth(_customers(people, clean)),
        "planted.csv": _truth(found_by_rules(records, clean)),
        "totals.csv": _csv(["source", "measure", "value"], _totals(clean, exports), ","),
    }


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder, making the folders they need."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _ledger(clean: pl.DataFrame) -> pl.DataFrame:
    told = pl.when("order_told").then("order")
    return clean.select(
        "source",
        "row",
        pl.col("key").alias("customer"),
        "date",
        told.alias("order"),
        "quantity",
        "discount",
        "amount",
        "cost",
        "kind",
    )


def _returns(clean: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    undone = places.select(pl.col("line").alias("undoes"), pl.col("row").alias("undone_row"), "source").rename(
        {"source": "undone_source"}
    )
    returns = clean.filter(pl.col("kind") == "return").join(undone, on="undoes", how="left", maintain_order="left")
    is_undone = pl.col("undoes").is_not_null()
    return returns.select(
        "source",
        "row",
        "order_told",
        pl.when(is_undone).then("order").alias("order"),
        pl.when(is_undone).then("product").alias("product"),
        "undone_source",
        "undone_row",
    )


def _look_alikes(look_alikes: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    keys = dict(records.select("customer", "key").iter_rows())
    return look_alikes.select(pl.col("customer").replace_strict(keys), pl.col("other").replace_strict(keys), "kind")


def _customers(people: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
    is_sale = pl.col("kind") == "sale"
    bought = clean.group_by("customer").agg(
        orders=pl.col("order").filter(is_sale).n_unique(),
        sales=pl.col("amount").filter(is_sale).sum(),
        returns=pl.col("amount").filter(~is_sale).sum(),
        revenue=pl.col("amount").sum(),
        cost=pl.col("cost").sum(),
    )
    return (
        people.select(
            pl.col("customer").alias("person"), "segment", "acquired", "alive", "orders_next_year", "customer"
        )
        .join(bought, on="customer", how="left", maintain_order="left")
        .drop("customer")
        .with_columns(pl.col("orders", "sales", "returns", "revenue", "cost").fill_null(0))
    )


def _totals(clean: pl.DataFrame, exports: Iterable[Export]) -> list[tuple[str, str, Any]]:
    totals: list[tuple[str, str, Any]] = []
    for found in exports:
        used = clean.filter(pl.col("source") == found.name)
        readable = [row.amount for row in found.set_aside if row.amount is not None]
        sales = total_of(used.filter(pl.col("kind") == "sale")["amount"])
        returned = total_of(used.filter(pl.col("kind") == "return")["amount"])
        aside = sum(readable, Decimal(0))
        totals += [
            (found.name, "rows_read", used.height + len(found.set_aside)),
            (found.name, "rows_used", used.height),
            (found.name, "rows_set_aside", len(found.set_aside)),
            (found.name, "amount_read", sales + returned + aside),
            (found.name, "amount_used", sales + returned),
            (found.name, "amount_set_aside", aside),
            (found.name, "sales", sales),
            (found.name, "returns", returned),
        ]
    return totals


def _as_typed(field: str, value: Any) -> Any:
    if value is None:
        return None
    if field == "kind":
        return KINDS[value]
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, dt.date):
        return _russian_date(value)
    return round(value) if isinstance(value, float) else value


def _russian_date(day: dt.date) -> str:
    return f"{day:%d.%m.%Y}"


def _truth(frame: pl.DataFrame) -> bytes:
    return _csv(frame.columns, frame.with_columns(pl.col(pl.Boolean).cast(pl.String)).iter_rows(), ",")


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ";") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
