"""The ledger as an accounting system exports it, and what of it can be used."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from .records import NO_BREAK, ZERO_WIDTH

HEADER = (
    "Дата",
    "Документ",
    "Код клиента",
    "Клиент",
    "Номенклатура",
    "Группа",
    "Количество",
    "Цена",
    "Скидка",
    "Сумма",
    "Себестоимость",
    "Менеджер",
    "Отдел",
    "Вид",
)
MONTHS = (
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
)

SIGNED = ("quantity", "discount", "amount", "cost")

MISSING_CUSTOMER, MISSING_DATE, IMPOSSIBLE_DATE = "missing_customer", "missing_date", "impossible_date"
FUTURE_DATE, NO_NUMBER, BROKEN, TOTAL = "future_date", "amount_no_number", "broken_row", "total_row"

#: How many lines of a file are spoilt in which way.
SPOILT_2023_2024 = {
    MISSING_CUSTOMER: 8,
    MISSING_DATE: 4,
    IMPOSSIBLE_DATE: 6,
    FUTURE_DATE: 1,
    NO_NUMBER: 7,
    BROKEN: 4,
}
SPOILT_2025 = {MISSING_CUSTOMER: 6, MISSING_DATE: 3, IMPOSSIBLE_DATE: 4, NO_NUMBER: 5, BROKEN: 3}


class Style(NamedTuple):
    """How a file writes what it holds.

    Attributes
    ----------
    name, encoding, delimiter : str
    columns : sequence of str
        The header's names in their sequence.
    titles : sequence of str
        Lines above the header.
    date : callable
    money : callable
    impossible_dates : sequence of str
    future_date : str
    no_numbers : sequence of str
        What stands in place of an amount.
    sale, returned : str
        The words for the two kinds of line.
    returns_below_zero : bool
        Whether a return's figures have a minus.
    subtotals : bool
        Whether a row closes each month and another the file.
    """

    name: str
    encoding: str
    delimiter: str
    columns: Sequence[str]
    titles: Sequence[str]
    date: Callable[[dt.date], str]
    money: Callable[[Decimal], str]
    impossible_dates: Sequence[str]
    future_date: str
    no_numbers: Sequence[str]
    sale: str
    returned: str
    returns_below_zero: bool
    subtotals: bool


def total_of(money: pl.Series) -> Decimal:
    """Add up exact money."""
    return sum(money, Decimal(0))


def russian_money(amount: Decimal) -> str:
    """Write money with a decimal comma and no-break spaces between thousands: 1 234,50."""
    return f"{amount:,.2f}".replace(",", NO_BREAK).replace(".", ",")


STYLE_2023_2024 = Style(
    name="sales_2023_2024.csv",
    encoding="cp1251",
    delimiter=";",
    columns=HEADER,
    titles=("ООО «Оконный двор» (вымышленная фирма)", "Период: 01.01.2023 - 31.12.2024", "Продажи по документам", ""),
    date=lambda day: f"{day:%d.%m.%Y}",
    money=russian_money,
    impossible_dates=("31.02.2024", "00.00.0000", "31.04.2023", "29.02.2023"),
    future_date="14.03.2052",
    no_numbers=("по запросу", "см. договор"),
    sale="Продажа",
    returned="Возврат",
    returns_below_zero=True,
    subtotals=True,
)
STYLE_2025 = Style(
    name="sales_2025.csv",
    encoding="utf-8-sig",
    delimiter="\t",
    columns=("Документ", "Дата", "Вид", *HEADER[2:-1]),
    titles=(),
    date=lambda day: f"{day:%d/%m/%Y}",
    money=lambda amount: f"{amount:.2f}",
    impossible_dates=("31/02/2025", "00/00/0000", "31/06/2025"),
    future_date="",
    no_numbers=("по запросу", "#Н/Д"),
    sale="Реализация",
    returned="Возврат",
    returns_below_zero=False,
    subtotals=False,
)


class SetAside(NamedTuple):
    """A row that can't be used: its number in the file, why, and its amount where one can be read."""

    row: int
    reason: str
    amount: Decimal | None


@dataclass(frozen=True)
class Export:
    """One file of the ledger.

    Attributes
    ----------
    name : str
    content : bytes
    rows : mapping of int to int
        The row, as a spreadsheet counts, of each true line that can be used.
    set_aside : list of SetAside
    """

    name: str
    content: bytes
    rows: Mapping[int, int]
    set_aside: list[SetAside]


def export(
    lines: pl.DataFrame, names: Mapping[str, str], style: Style, spoilt: Mapping[str, int], random: np.random.Generator
) -> Export:
    """Write order lines as a file of the accounting system.

    Parameters
    ----------
    lines : polars.DataFrame
        The true lines, with the key they were booked under.
    names : mapping of str to str
        The name of each key.
    style : Style
    spoilt : mapping of str to int
        How many lines to spoil, by the reason.
    random : numpy.random.Generator
    """
    reasons = _spoil(lines, spoilt, random)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=style.delimiter, lineterminator="\r\n")
    text.writelines(f"{title}\r\n" for title in style.titles)
    writer.writerow(style.columns)
    row = len(style.titles) + 1
    rows, set_aside = {}, []
    for (year, month), lines_of_month in lines.group_by(
        pl.col("date").dt.year().alias("year"), pl.col("date").dt.month().alias("month"), maintain_order=True
    ):
        for line in lines_of_month.iter_rows(named=True):
            row += 1
            reason = reasons.get(line["line"])
            cells = _cells(line, names, style)
            if reason is None:
                rows[line["line"]] = row
            else:
                _spoil_cells(cells, reason, style, random)
                readable = None if reason in (NO_NUMBER, BROKEN) else line["amount"]
                set_aside.append(SetAside(row, reason, readable))
            values = [cells[column] for column in style.columns]
            if reason == BROKEN:
                text.write(style.delimiter.join(values) + "\r\n")
            else:
                writer.writerow(values)
        if style.subtotals:
            row += 1
            total = _total(f"Итого за {MONTHS[month - 1]} {year}", lines_of_month, style)
            writer.writerow([total.get(column, "") for column in style.columns])
            set_aside.append(SetAside(row, TOTAL, total_of(lines_of_month["amount"])))
    if style.subtotals:
        total = _total("Итого", lines, style)
        writer.writerow([total.get(column, "") for column in style.columns])
        set_aside.append(SetAside(row + 1, TOTAL, total_of(lines["amount"])))
    return Export(style.name, text.getvalue().encode(style.encoding), rows, set_aside)


def _cells(line: dict[str, Any], names: Mapping[str, str], style: Style) -> dict[str, str]:
    line = line if style.returns_below_zero else line | {part: abs(line[part]) for part in SIGNED}
    return {
        "Дата": style.date(line["date"]),
        "Документ": line["order"] if line["order_told"] else "",
        "Код клиента": line["key"],
        "Клиент": names[line["key"]].replace(ZERO_WIDTH, ""),
        "Номенклатура": line["product"],
        "Группа": line["category"],
        "Количество": str(line["quantity"]),
        "Цена": style.money(line["unit_price"]),
        "Скидка": style.money(line["discount"]),
        "Сумма": style.money(line["amount"]),
        "Себестоимость": style.money(line["cost"]),
        "Менеджер": line["manager"],
        "Отдел": line["department"],
        "Вид": style.returned if line["kind"] == "return" else style.sale,
    }


def _total(words: str, lines: pl.DataFrame, style: Style) -> dict[str, str]:
    return {
        "Дата": words,
        "Количество": str(lines["quantity"].sum()),
        "Скидка": style.money(total_of(lines["discount"])),
        "Сумма": style.money(total_of(lines["amount"])),
        "Себестоимость": style.money(total_of(lines["cost"])),
    }


def _spoil(lines: pl.DataFrame, spoilt: Mapping[str, int], random: np.random.Generator) -> dict[int, str]:
    """Choose the lines to spoil: sales that no return undoes and that stand once in their order."""
    undone = lines["undoes"].drop_nulls().to_list()
    twice = lines.filter("repeated")["order"].to_list()
    free = lines.filter(pl.col("kind") == "sale", ~pl.col("line").is_in(undone), ~pl.col("order").is_in(twice))[
        "line"
    ].to_list()
    chosen = random.choice(free, sum(spoilt.values()), replace=False)
    reasons = [reason for reason, number in spoilt.items() for _ in range(number)]
    return dict(zip((int(line) for line in chosen), reasons, strict=True))


def _spoil_cells(cells: dict[str, str], reason: str, style: Style, random: np.random.Generator) -> None:
    if reason == MISSING_CUSTOMER:
        cells["Код клиента"] = ""
    elif reason == MISSING_DATE:
        cells["Дата"] = ""
    elif reason == IMPOSSIBLE_DATE:
        cells["Дата"] = str(random.choice(style.impossible_dates))
    elif reason == FUTURE_DATE:
        cells["Дата"] = style.future_date
    elif reason == NO_NUMBER:
        cells["Сумма"] = str(random.choice(style.no_numbers))
    else:
        cells["Клиент"] = cells["Клиент"].replace('"', "")
        cells["Номенклатура"] = f"Набор{style.delimiter} {cells['Номенклатура'].replace(style.delimiter, ',')}"
