"""The first look at a file: what its columns are taken for, the parameter file it writes, what it shows."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import random
import sqlite3
import string
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

import openpyxl
import polars as pl
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from customerbase.errors import Refusal
from customerbase.first_look import FirstLook, look_at, show_first_look, write_parameters
from customerbase.first_look.columns import guess_columns
from customerbase.first_look.guess import Guess
from customerbase.first_look.hints import Hint
from customerbase.first_look.look import name_from
from customerbase.first_look.parameter_file import as_yaml
from customerbase.first_look.profile import profiles_of
from customerbase.parameters import KEYS, LedgerColumn, TableSource, read_parameters
from customerbase.project import PARAMS, ROOT

ROWS = 60
Column = tuple[str, str, str]  # its name, what it holds, what it should be taken for

LEDGERS: dict[str, list[Column]] = {
    "1C, Russian": [
        ("№", "counter", ""),
        ("Дата документа", "day", "date"),
        ("Дата отгрузки", "later day", ""),
        ("Документ", "order", "order"),
        ("Контрагент", "name", ""),
        ("Код", "code", "customer"),
        ("Номенклатура", "product", "product"),
        ("Группа товаров", "group", "category"),
        ("Кол-во", "quantity", "quantity"),
        ("Цена", "price", "unit_price"),
        ("Сумма, руб.", "amount", "amount"),
        ("Сумма НДС", "tax", ""),
        ("Себестоимость", "cost", "cost"),
        ("Вид операции", "kind", "kind"),
        ("Канал продаж", "group", "channel"),
        ("Ответственный менеджер", "group", "manager"),
        ("Подразделение", "group", "department"),
    ],
    "English, an online shop": [
        ("InvoiceNo", "order", "order"),
        ("StockCode", "code of a product", ""),
        ("Description", "product", "product"),
        ("Quantity", "quantity", "quantity"),
        ("InvoiceDate", "day", "date"),
        ("UnitPrice", "price", "unit_price"),
        ("CustomerID", "code", "customer"),
        ("Country", "group", ""),
    ],
    "English, a chain of stores": [
        ("Row ID", "counter", ""),
        ("Order ID", "order", "order"),
        ("Ship Date", "later day", ""),
        ("Order Date", "day", "date"),
        ("Customer Name", "name", ""),
        ("Customer ID", "code", "customer"),
        ("Customer Segment", "group", ""),
        ("Customer Age", "quantity", ""),
        ("Product Name", "product", "product"),
        ("Sales", "amount", "amount"),
        ("Profit", "tax", ""),
        ("Sales Rep", "group", "manager"),
    ],
    "German": [
        ("Rechnungsdatum", "day", "date"),
        ("Rechnungsnr.", "order", "order"),
        ("Kundennummer", "code", "customer"),
        ("Kundenname", "name", ""),
        ("Artikelbezeichnung", "product", "product"),
        ("Warengruppe", "group", "category"),
        ("Menge", "quantity", "quantity"),
        ("Einzelpreis", "price", "unit_price"),
        ("Gesamtbetrag", "amount", "amount"),
        ("Rabatt", "discount", "discount"),
        ("Gutschein", "paid", "coupon"),
        ("Marke", "group", "brand"),
        ("Vertreter", "group", "manager"),
        ("Niederlassung", "group", "department"),
    ],
    "French": [
        ("Date de facture", "day", "date"),
        ("N° de facture", "order", "order"),
        ("Numéro de client", "code", "customer"),
        ("Désignation", "product", "product"),
        ("Quantité", "quantity", "quantity"),
        ("Prix unitaire", "price", "unit_price"),
        ("Montant TTC", "gross", ""),
        ("Montant HT", "net", "amount"),
        ("Vendeur", "group", "manager"),
    ],
    "French, without quantities": [
        ("Date", "day", "date"),
        ("Acheteur", "code", "customer"),
        ("Montant HT", "net", ""),
        ("Montant TTC", "gross", "amount"),
    ],
    "Spanish": [
        ("Fecha", "day", "date"),
        ("Pedido", "order", "order"),
        ("Código de cliente", "code", "customer"),
        ("Producto", "product", "product"),
        ("Cantidad", "quantity", "quantity"),
        ("Precio unitario", "price", "unit_price"),
        ("Importe", "amount", "amount"),
    ],
    "Italian": [
        ("Data ordine", "day", "date"),
        ("Numero ordine", "order", "order"),
        ("Codice cliente", "code", "customer"),
        ("Prodotto", "product", "product"),
        ("Quantità", "quantity", "quantity"),
        ("Prezzo unitario", "price", "unit_price"),
        ("Importo totale", "amount", "amount"),
    ],
    "Polish": [
        ("Data sprzedaży", "day", "date"),
        ("Nr faktury", "order", "order"),
        ("Kontrahent", "code", "customer"),
        ("Towar", "product", "product"),
        ("Ilość", "quantity", "quantity"),
        ("Cena jednostkowa", "price", "unit_price"),
        ("Wartość", "amount", "amount"),
        ("Handlowiec", "group", "manager"),
    ],
    "Dutch": [
        ("Factuurdatum", "day", "date"),
        ("Factuurnummer", "order", "order"),
        ("Klantnummer", "code", "customer"),
        ("Omschrijving", "product", "product"),
        ("Aantal", "quantity", "quantity"),
        ("Stukprijs", "price", "unit_price"),
        ("Bedrag", "amount", "amount"),
        ("Kostprijs", "cost", "cost"),
    ],
    "what was paid after a discount": [
        ("client", "code", "customer"),
        ("date", "day", "date"),
        ("qty", "quantity", "quantity"),
        ("price", "price", "unit_price"),
        ("discount", "discount", "discount"),
        ("amount", "amount", ""),
        ("to pay", "paid", "amount"),
    ],
    "numbers that are codes": [
        ("Sales ID", "order number", ""),
        ("Payment No", "order number", ""),
        ("Discount code", "quantity", ""),
        ("Coupon code", "quantity", ""),
        ("Customer", "code", "customer"),
        ("Date", "day", "date"),
        ("Revenue", "amount", "amount"),
    ],
    "names that say nothing": [
        ("a", "code", "customer"),
        ("b", "day", "date"),
        ("c", "price", "amount"),
    ],
    "a mail address is all there is": [
        ("Email", "mail", "customer"),
        ("Paid at", "day", "date"),
        ("Total", "amount", "amount"),
    ],
}


def cells(columns: list[Column], seed: int = 1) -> pl.DataFrame:
    """Make a ledger whose columns hold what is asked for, as text; each row is of one customer throughout."""
    chance = random.Random(seed)
    orders = [row // 2 for row in range(ROWS)]
    customer = [chance.randrange(17) for _ in range(ROWS)]
    who = [customer[order] for order in orders]
    day = [dt.date(2024, 1, 1) + dt.timedelta(days=5 * order) for order in orders]
    quantity = [chance.randint(1, 9) for _ in range(ROWS)]
    price = [chance.randint(300, 90_000) / 100 for _ in range(ROWS)]
    amount = [round(many * each, 2) for many, each in zip(quantity, price, strict=True)]
    holds: dict[str, Callable[[int], Any]] = {
        "counter": lambda row: row + 1,
        "day": lambda row: day[row].isoformat(),
        "later day": lambda row: (day[row] + dt.timedelta(days=3)).isoformat(),
        "order": lambda row: f"RT-{orders[row]:05}",
        "order number": lambda row: 536_365 + orders[row],
        "name": lambda row: f"Firm {string.ascii_uppercase[who[row]]} Ltd",
        "mail": lambda row: f"somebody.{who[row]}@shop.example",
        "code": lambda row: f"{who[row]:05}",
        "product": lambda row: f"Window {chance.randrange(9)}",
        "code of a product": lambda row: f"8{chance.randrange(9)}A",
        "group": lambda row: chance.choice(["one", "two"]),
        "kind": lambda row: "Возврат" if row == 7 else "Реализация",
        "quantity": lambda row: quantity[row],
        "price": lambda row: price[row],
        "amount": lambda row: amount[row],
        "discount": lambda row: row % 5,
        "paid": lambda row: round(amount[row] - row % 5, 2),
        "net": lambda row: amount[row],
        "gross": lambda row: round(amount[row] * 1.2, 2),
        "tax": lambda row: round(amount[row] * 0.2, 2),
        "cost": lambda row: round(amount[row] * 0.6, 2),
    }
    return pl.DataFrame({name: [str(holds[kind](row)) for row in range(ROWS)] for name, kind, _ in columns})


def guesses_of(rows: pl.DataFrame) -> dict[str, Guess]:
    return {guess.meaning: guess for guess in guess_columns(rows, profiles_of(rows))[0]}


def guessed(rows: pl.DataFrame) -> dict[str, str | None]:
    return {meaning: guess.column for meaning, guess in guesses_of(rows).items()}


@cache
def first_guesses(ledger: str) -> dict[str, Guess]:
    """Guess the columns of one of `LEDGERS`, once."""
    return guesses_of(cells(LEDGERS[ledger]))


@pytest.mark.parametrize("ledger", LEDGERS)
def test_columns_are_told_by_name_and_content(ledger: str) -> None:
    columns = LEDGERS[ledger]
    found = {meaning: guess.column for meaning, guess in first_guesses(ledger).items()}
    assert found == {meaning: name for name, _, meaning in columns if meaning}


def test_every_meaning_is_guessed_somewhere() -> None:
    tested = {meaning for columns in LEDGERS.values() for _, _, meaning in columns if meaning}
    assert tested == set(get_args(LedgerColumn))


def test_evidence_says_how_often_values_repeat_and_why_a_code_is_preferred() -> None:
    evidence = first_guesses("1C, Russian")["customer"].evidence
    customers = cells(LEDGERS["1C, Russian"])["Код"].n_unique()
    assert f"{customers} different values in {ROWS} rows, {ROWS / customers:.1f} a customer on average" in evidence
    assert "one 'Контрагент', and a code is preferred to a name" in evidence
    assert "each of one customer" in first_guesses("1C, Russian")["order"].evidence


def test_arithmetic_is_checked_and_said() -> None:
    assert "equals 'Menge' times 'Einzelpreis' in all rows" in first_guesses("German")["amount"].evidence
    paid = first_guesses("what was paid after a discount")["amount"].evidence
    assert "equals 'qty' times 'price' less 'discount' in all rows" in paid
    taxed = first_guesses("French, without quantities")["amount"].evidence
    assert "1.20 times 'Montant HT', as with tax and without" in taxed
    other = cells(LEDGERS["Spanish"]).with_columns(pl.lit("5.00").alias("Importe"))
    assert "differs from 'Cantidad' times 'Precio unitario' in 100% of the rows" in guesses_of(other)["amount"].evidence


def test_a_running_total_is_no_amount() -> None:
    rows = cells([("customer", "code", ""), ("date", "day", ""), ("worth", "amount", "")])
    rows = rows.with_columns(pl.col("worth").cast(pl.Float64).cum_sum().round(2).cast(pl.String).alias("total"))
    guesses, notes = guess_columns(rows, profiles_of(rows))
    assert {guess.meaning: guess.column for guess in guesses}["amount"] == "worth"
    assert notes == ["'total' is a running total of 'worth', so it is no amount."]


def test_a_price_without_quantity_is_what_was_paid() -> None:
    assert guessed(cells([("client", "code", ""), ("date", "day", ""), ("price", "price", "")]))["amount"] == "price"


def test_a_percentage_is_no_discount_and_unknown_words_are_no_kind() -> None:
    columns = [*LEDGERS["German"], ("Belegart", "kind", "kind")]
    rows = cells(columns).with_columns(
        pl.lit("0.1").alias("Rabatt"), pl.Series("Belegart", ["Возврат", *["Lieferschein"] * (ROWS - 1)])
    )
    guesses, notes = guess_columns(rows, profiles_of(rows))
    assert not {"discount", "kind"} & {guess.meaning for guess in guesses}
    assert any("'Rabatt' looks like a percentage" in note for note in notes)
    assert any("'Belegart'" in note and "'lieferschein'" in note for note in notes)


def test_a_key_that_never_repeats_is_doubted() -> None:
    rows = cells([("customer", "counter", ""), ("date", "day", ""), ("amount", "amount", "")])
    rows = rows.with_columns(("c" + pl.col("customer")).alias("customer"))
    assert "no value repeats" in guesses_of(rows)["customer"].evidence


@pytest.mark.parametrize("missing", ["customer", "date", "amount"])
def test_what_is_not_there_is_not_guessed(missing: str) -> None:
    columns = {"customer": ("client", "code", ""), "date": ("date", "day", ""), "amount": ("sum", "amount", "")}
    others = [("store", "group", ""), ("goods", "product", "")]
    rows = cells([column for meaning, column in columns.items() if meaning != missing] + others)
    assert guessed(rows)[missing] is None


# reading


def write(folder: Path, text: str, name: str = "sales.csv", encoding: str = "utf-8") -> str:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode(encoding))
    return str(file)


def hints_of(look: FirstLook) -> dict[str, Any]:
    return {hint.key: hint.value for hint in look.hints}


def shown(look: FirstLook, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=80)
    show_first_look(look, console, **options)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def written(look: FirstLook, folder: Path) -> Any:
    file = folder / "written.yml"
    write_parameters(look, file, force=True)
    return read_parameters(file)


SMALL = "client,date,sum\na,2024-01-01,1.5\na,2024-01-03,2.5\nb,2024-01-02,3.5\n"
RUSSIAN_REPORT = (
    "Отчёт по продажам;;\n\nКод клиента;Дата;Сумма\n00012;13.02.2024;1 250,50\n00012;01.03.2024;99,00\n"
    "00007;02.03.2024;12,00\nИтого;;1 361,50\n"
)


def test_a_report_of_an_accounting_system(tmp_path: Path) -> None:
    look = look_at(write(tmp_path, RUSSIAN_REPORT, "Продажи за 2024.csv", "cp1251"))
    assert look.base == "продажи-за-2024"
    reading = {"delimiter": ";", "header_row": 3, "date_format": "%d.%m.%Y", "decimal": ",", "thousands": " "}
    assert hints_of(look) == {"encoding": "cp1251", **reading}
    assert look.ledger is not None
    assert look.ledger.account.rows_used == 3
    parameters = written(look, tmp_path)
    assert parameters.ledger.columns == {"customer": "Код клиента", "date": "Дата", "amount": "Сумма"}
    assert {key: getattr(parameters.ledger, key) for key in hints_of(look)} == hints_of(look)
    text = shown(look, file=tmp_path / "written.yml")
    assert "3 rows used, 1 row set aside: 2 customers, from 13 February 2024 to 2 March 2024" in " ".join(text.split())
    assert "customerbase check" in text
    assert max(map(len, text.splitlines()[:-2])) <= 80


def test_dates_with_two_readings_are_a_question(tmp_path: Path) -> None:
    look = look_at(write(tmp_path, "client,date,sum\na,01/02/2024,5.5\na,03/04/2024,6.5\nb,05/06/2024,7.5\n"))
    assert hints_of(look)["date_format"] is None
    text = as_yaml(look, tmp_path / "x.yml")
    choices = [line.strip() for line in text.splitlines() if "# date_format" in line]
    assert choices == [
        """# date_format: "%d/%m/%Y"  # '01/02/2024' is 1 February 2024""",
        """# date_format: "%m/%d/%Y"  # '01/02/2024' is 2 January 2024""",
    ]
    assert "01/02/2024" in shown(look)
    (tmp_path / "x.yml").write_text(text.replace("# date_format", "date_format", 1))
    assert read_parameters(tmp_path / "x.yml").ledger.date_format == "%d/%m/%Y"


def test_the_evidence_of_dates_counts_values(tmp_path: Path) -> None:
    look = look_at(write(tmp_path, "client,date,sum\na,13/02/2024,5.5\na,14/02/2024,6.5\nb,05/06/2024,7.5\n"))
    assert "since 13/02/2024 can be nothing else (and 1 more)" in as_yaml(look, tmp_path / "x.yml")


def test_a_thousand_or_a_fraction_is_a_question(tmp_path: Path) -> None:
    text = as_yaml(
        look_at(write(tmp_path, "client;date;sum\na;2024-02-01;1,234\na;2024-02-02;2,500\n")), tmp_path / "x.yml"
    )
    assert """# decimal: ","  # '1,234' is 1.234""" in text
    assert """# decimal: .  # '1,234' is 1234""" in text


def test_files_that_read_differently_are_each_left_to_the_reader(tmp_path: Path) -> None:
    write(tmp_path / "folder", "client,date,sum\n" + 'a,13.02.2024,"5,5"\n' * 3, "a.csv")
    write(tmp_path / "folder", "client;date;sum\n" + "a;2024-02-13;5.5\n" * 3, "b.csv")
    write(tmp_path / "folder", "client,phone\na,1\n", "c.csv")
    look = look_at(str(tmp_path / "folder"))
    assert {hints_of(look)[key] for key in ("delimiter", "date_format", "decimal")} == {None}
    assert look.notes == ("c.csv has no column 'date', so it is no part of this ledger. Move it elsewhere.",)
    (tmp_path / "folder" / "c.csv").unlink()
    assert look_at(str(tmp_path / "folder")).ledger is not None


def test_every_sheet_with_the_columns_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for name, month in (("January", 1), ("February", 2)):
        sheet = book.create_sheet(name)
        sheet.append(["Client", "Date", "Sum, EUR"])
        for day in range(1, 6):
            sheet.append([f"c{day % 2}", dt.datetime(2024, month, day), day * 1.5])
    book.save(tmp_path / "book.xlsx")
    look = look_at(str(tmp_path / "book.xlsx"))
    assert (look.rows, hints_of(look)["sheet"]) == (10, None)
    parameters = written(look, tmp_path)
    assert (parameters.ledger.sheet, parameters.currency) == (None, "EUR")


def test_a_database_is_read_by_query(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table sales (client text, day text, paid real)")
        rows = [(f"c{row % 3}", f"2024-01-{row + 1:02}", row * 1.5) for row in range(9)]
        connection.executemany("insert into sales values (?, ?, ?)", rows)
    connection.close()
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    look = look_at(url, query="select client,\n  day, paid from sales")
    assert look.base == "shop"
    parameters = written(look, tmp_path)
    assert parameters.ledger.query == look.source.query
    assert parameters.ledger.columns == {"customer": "client", "date": "day", "amount": "paid"}
    with pytest.raises(Refusal, match="--query"):
        look_at(url)


def test_a_password_is_in_the_file_with_a_warning_only(tmp_path: Path) -> None:
    source = TableSource(path="postgresql://me:secret@host/shop", query="select 1")
    guesses = tuple(Guess(meaning, meaning, "so named") for meaning in ("customer", "date", "amount"))
    look = FirstLook("shop", source, ("postgresql://me@host/shop",), 3, guesses)
    assert "keep this file to yourself" in as_yaml(look, tmp_path / "x.yml")
    assert "secret" not in shown(look)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("postgresql://me:secret@host:5432/My%20shop?sslmode=require", "my-shop"),
        ("postgresql://me:secret@host", "base"),
        ("postgresql://[secret", "base"),
        ("sqlite:///data/shop.2024.db", "shop-2024"),
        ("builtin:cdnow", "cdnow"),
        ("data/Sales 2024.csv.gz", "sales-2024"),
        (f"data/{'x' * 90}.xlsx", "x" * 64),
    ],
)
def test_a_name_is_made_of_letters_digits_and_dashes(path: str, name: str) -> None:
    assert name_from(TableSource(path=path, query="select 1" if "://" in path else None)) == name


CUSTOMERS = "Kod;Nazwa firmy;Telefon;E-mail;Miasto\n" + "".join(
    f"{row:04};Firma {name};+48 22 123 45 0{row};biuro{row}@firma.example;Gdynia\n"
    for row, name in enumerate(["Alfa", "Beta", "Gamma", "Delta", "Omega", "Sigma"])
)


def test_a_table_of_customers_is_no_ledger(tmp_path: Path) -> None:
    look = look_at(write(tmp_path, CUSTOMERS))
    assert look.lists_customers
    assert "lists customers" in shown(look)
    assert "Alfa" not in shown(look)
    file = tmp_path / "x.yml"
    write_parameters(look, file)
    assert read_parameters(file).customers is None
    section = section_of_customers(file.read_text(encoding="utf-8"))
    expected = {"customer": "Kod", "name": "Nazwa firmy", "phone": "Telefon", "email": "E-mail", "city": "Miasto"}
    assert section["columns"] == expected
    assert section["path"] == look.source.path


def section_of_customers(text: str) -> Any:
    """Take the # from the section customers and return what it holds."""
    lines = text[text.index("# customers:") :].splitlines()
    section = [line.removeprefix("# ") for line in itertools.takewhile(lambda line: line.startswith("# "), lines)]
    return yaml.safe_load("\n".join(section))["customers"]


def test_particulars_in_a_ledger_are_offered_as_a_table_of_customers(tmp_path: Path) -> None:
    header = "client,name,date,sum\n"
    look = look_at(write(tmp_path, header + "".join(f"c{n % 3},Ann Lee,2024-01-0{n},{n}.5\n" for n in range(1, 8))))
    text = as_yaml(look, tmp_path / "x.yml")
    assert section_of_customers(text)["columns"] == {"customer": "client", "name": "name"}


# the file


def test_the_wholesaler_is_seen_through(tmp_path: Path) -> None:
    look = look_at("builtin:wholesale")
    assert written(look, tmp_path).ledger.columns == read_parameters(PARAMS / "wholesale.yml").ledger.columns
    assert look.problems == ()


def test_the_wholesalers_central_file_is_seen_through() -> None:
    look = look_at(str(ROOT / "data" / "wholesale" / "customers.csv"))
    customers = read_parameters(PARAMS / "wholesale.yml").customers
    assert customers is not None
    named = {name: column for name, column in customers.columns.items() if name not in ("kind", "channel")}
    assert {guess.meaning: guess.column for guess in look.particulars} == named
    assert look.unused == ("Вид клиента", "Источник")


def test_how_customers_stand_is_not_looked_for_in_a_ledger(tmp_path: Path) -> None:
    rows = "".join(f"K{at % 7},2024-01-{at:02},{at}.50,yes,{at % 5}\n" for at in range(1, 29))
    look = look_at(write(tmp_path, "customer,date,amount,exclusive,potential\n" + rows))
    assert not look.lists_customers
    assert look.particulars == ()
    assert look.unused == ("exclusive", "potential")


def test_every_parameter_stands_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.yml"
    write_parameters(look_at(write(tmp_path, SMALL)), file)
    text = file.read_text(encoding="utf-8")
    for key in KEYS:
        assert f"\n{key}:" in text or f"\n# {key}:" in text, key
    file.write_text("\n".join(line.removeprefix("# ") if _is_top_level(line) else line for line in text.splitlines()))
    parameters = read_parameters(file)
    assert parameters.as_of == dt.date(2024, 1, 3)
    assert parameters.quarantine_limit == 0.05


def _is_top_level(line: str) -> bool:
    key = line.removeprefix("# ").split(":")[0]
    return line.startswith("# ") and key in KEYS and key not in ("customers", "events", "spending")


def test_what_is_missing_is_refused_by_name_later(tmp_path: Path) -> None:
    look = look_at(
        write(tmp_path, "store,date,goods,sum\nA,2024-01-01,x,1.5\nB,2024-01-02,y,2.5\nA,2024-01-03,x,3.5\n")
    )
    assert look.missing == ("customer",)
    assert "To settle: no column was found for 'customer'" in " ".join(shown(look).split())
    assert written(look, tmp_path).ledger.columns["customer"] == "???"


def test_a_column_called_as_the_mark_is_told_from_it(tmp_path: Path) -> None:
    look = look_at(write(tmp_path, "???,date,sum\nA,2024-01-01,1.5\nB,2024-01-02,2.5\n"))
    assert written(look, tmp_path).ledger.columns["customer"] == "????"


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    look = look_at(write(tmp_path, SMALL))
    file = tmp_path / "sales.yml"
    file.write_text("mine")
    with pytest.raises(Refusal, match="--force"):
        write_parameters(look, file)
    assert file.read_text() == "mine"
    write_parameters(look, file, force=True)
    assert read_parameters(file).base == "sales"
    with pytest.raises(Refusal, match="can't be written"):
        write_parameters(look, file / "inside.yml")


def test_paths_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "data")
    look = look_at("wholesale/spending.csv")
    assert (look.source.path, look.base) == ("data/wholesale/spending.csv", "spending")
    sales = write(tmp_path, SMALL, "_- .(1)!.csv")
    assert (look_at(sales).source.path, look_at(sales).base) == (sales, "1")
    assert look_at(sales, "mine").base == "mine"
    with pytest.raises(Refusal, match=r"--name: base: '\.\./x' can't name a folder"):
        look_at(sales, "../x")
    for path, problem in {"none.csv": "no such file", "a\0b": "no such file", "\udce4.csv": "Rename"}.items():
        with pytest.raises(Refusal, match=problem):
            look_at(path)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no row below the header"):
        look_at(write(tmp_path, "client,date,sum\n"))


CURRENCIES: Mapping[str, tuple[str, list[str], str | None]] = {
    "signs": ("sum", ["€ 1.50", "€ 2.50"], "EUR"),
    "name": ("Сумма, руб.", ["1.50", "2.50"], "RUB"),
    "several": ("sum", ["€1.50", "£2.50"], None),
}


@pytest.mark.parametrize("case", CURRENCIES)
def test_the_currency_is_told_where_the_file_tells_it(case: str, tmp_path: Path) -> None:
    name, amounts, code = CURRENCIES[case]
    rows = "".join(f"a;2024-01-0{day};{amount}\n" for day, amount in enumerate(amounts, 1))
    look = look_at(write(tmp_path, f"client;date;{name}\n{rows}"))
    assert look.currency is not None
    assert look.currency.value == code
    assert written(look, tmp_path).currency == (code or "USD")


def test_personal_data_is_shown_only_if_asked_for(tmp_path: Path) -> None:
    rows = "".join(f"{who};+7 916 123-45-67;2024-01-0{day};{day}.5\n" for day, who in enumerate(["Ann Lee"] * 3, 1))
    look = look_at(write(tmp_path, f"client;phone;date;sum\n{rows}"))
    hidden = shown(look)
    assert "(not shown)" in hidden
    assert "Ann Lee" not in hidden
    assert "916" not in shown(look, show_personal_data=True)
    assert "Ann Lee" in shown(look, show_personal_data=True)
    assert "Ann" not in as_yaml(look, tmp_path / "x.yml")


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).map(str.strip).filter(bool)


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(HOSTILE, min_size=3, max_size=3),
    path=HOSTILE.filter(lambda path: "://" not in path),
    evidence=HOSTILE,
    sheet=HOSTILE,
    unused=HOSTILE,
)
@example(
    names=["a: b # c", "'\"\\", "x\ny"],
    path="\U0001f600 [{&*!|>%@`",
    evidence="- # \n ledger: x",
    sheet="null",
    unused="\x1b[31m\u2028\x85\u202e",
)
@example(names=["2024", "???", "no"], path="~", evidence="x", sheet="1.5", unused=": ")
def test_whatever_names_hold_the_file_says_exactly_that(
    names: list[str], path: str, evidence: str, sheet: str, unused: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    guesses = [
        Guess(meaning, name, evidence, (unused,))
        for meaning, name in zip(("customer", "date", "amount"), names, strict=True)
    ]
    hints = (Hint("sheet", sheet, evidence), Hint("thousands", None, evidence))
    question = Hint("date_format", None, "which", (("%d/%m/%Y", evidence), ("%m/%d/%Y", evidence)))
    source = TableSource(path=path)
    look = FirstLook(
        "shop", source, (path,), 5, tuple(guesses), (*hints, question), None, (), False, (unused,), (evidence,)
    )
    file = tmp_path_factory.getbasetemp() / "hostile.yml"
    write_parameters(look, file, force=True)
    ledger = read_parameters(file).ledger
    assert list(ledger.columns.values()) == names
    assert (ledger.path, ledger.sheet, ledger.date_format, ledger.thousands) == (path, sheet, None, None)
    assert "\x1b" not in shown(look) + file.read_text(encoding="utf-8")
