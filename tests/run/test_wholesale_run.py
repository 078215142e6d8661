"""A run on the simulated wholesaler's messy exports gives back the truth, to the row and to the cent."""

from __future__ import annotations

import re
import subprocess
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook

from customerbase.identities import AS_RECORDED
from customerbase.personal_data import E_MAIL

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data" / "wholesale"
PICTURE = re.compile(r"(?:base64,|\"image/png\": \")[A-Za-z0-9+/=\\n]+")
PERSONAL = ("Наименование", "ИНН", "Телефон", "E-mail", "Адрес")
SHORTEST = 6  # letters; a shorter value, such as 'нет', tells nobody
REASONS = {
    "missing_customer": "no customer",
    "amount_no_number": "no number that can be read",
    "impossible_date": "no date that can be read",
    "missing_date": "no date that can be read",
    "future_date": "a date in the future",
    "broken_row": "fields",
    "total_row": "a total, not a purchase",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, command) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder of a run of the whole suite, and what the command said."""
    out = tmp_path_factory.mktemp("runs")
    ended = command("run", ROOT / "params" / "wholesale.yml", "--out", out, cwd=out)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return (out / "wholesale" / "latest").resolve(), ended


@pytest.fixture(scope="module")
def folder(run: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    """The folder of the run."""
    return run[0]


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / "tables" / f"{name}.parquet")


def truth(name: str) -> pl.DataFrame:
    return pl.read_csv(DATA / "truth" / f"{name}.csv", infer_schema=False)


def cents(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Float64) * 100).round().cast(pl.Int64)


def test_the_ledger_is_the_true_one_row_by_row_and_to_the_cent(folder: Path) -> None:
    expected = truth("ledger_clean")
    money = ["amount", "cost", "discount", "quantity"]
    compared = ["source", "row", "customer", "date", "order", "kind", *money]
    found = table(folder, "ledger").with_columns(pl.col(AS_RECORDED).alias("customer"))
    text = pl.col("source", "row", "customer", "date", "order", "kind").cast(pl.String)
    rows, true_rows = (
        frame.select(text, *[cents(name) for name in money])
        .select(compared)
        .sort("source", pl.col("row").cast(pl.Int64))
        for frame in (found, expected)
    )
    assert rows.height == true_rows.height > 5_000
    assert rows.equals(true_rows)


def test_the_quarantine_holds_the_rows_that_were_spoilt_and_no_other(folder: Path) -> None:
    expected = truth("quarantine").with_columns(pl.col("row").cast(pl.Int64), cents("amount")).sort("source", "row")
    ledgers = set(expected["source"])
    found = table(folder, "quarantine").filter(pl.col("source").is_in(ledgers)).sort("source", "row")
    assert found["row"].to_list() == expected["row"].to_list()
    assert found["source"].to_list() == expected["source"].to_list()
    for reason, kind in zip(found["reason"], expected["reason"], strict=True):
        assert REASONS[kind] in reason
    whole = pl.Series(expected["reason"] != "broken_row")
    assert found.select(cents("amount")).filter(whole).equals(expected.select("amount").filter(whole))


@pytest.mark.parametrize(("measure", "kept"), [("amount_used", "ledger"), ("amount_set_aside", "quarantine")])
def test_sums_equal_the_truth_to_the_cent(folder: Path, measure: str, kept: str) -> None:
    totals = truth("totals").filter(pl.col("measure") == measure).select("source", cents("value")).sort("source")
    found = table(folder, kept).group_by(pl.col("source").cast(pl.String)).agg(cents("amount").sum().alias("value"))
    assert found.join(totals, on="source", how="semi").sort("source").equals(totals)


def test_returns_are_set_against_the_lines_they_undo(folder: Path) -> None:
    ledger = table(folder, "ledger").with_columns(pl.col("source").cast(pl.String))
    undone = truth("returns").with_columns(pl.col("row", "undone_row").cast(pl.Int64)).drop_nulls("undone_row")
    returns = undone.join(ledger, on=["source", "row"]).select("undone_source", "undone_row", "amount")
    lines = returns.group_by("undone_source", "undone_row").agg(pl.col("amount").sum().alias("returned"))
    found = lines.join(ledger, left_on=["undone_source", "undone_row"], right_on=["source", "row"])
    assert found.height == lines.height > 50
    left = found["net_amount"] - found["amount"] - found["returned"]
    assert left.is_between(-0.005, 0.005).all()


def test_records_that_are_one_customer_are_found(folder: Path) -> None:
    def pairs(frame: pl.DataFrame) -> set[tuple[str, ...]]:
        groups = frame.group_by("person").agg("customer")["customer"]
        return {pair for group in groups for pair in combinations(sorted(group), 2)}

    true_pairs, found = pairs(truth("identities")), pairs(table(folder, "identities"))
    assert len(true_pairs) > 50
    assert len(found & true_pairs) / len(true_pairs) >= 0.95
    assert len(found & true_pairs) / len(found) >= 0.98


def test_the_ledger_can_be_told_as_it_was_recorded(folder: Path) -> None:
    ledger = table(folder, "ledger")
    persons = dict(table(folder, "identities").select("customer", "person").iter_rows())
    assert ledger["customer"].to_list() == [persons.get(key, key) for key in ledger[AS_RECORDED]]
    assert ledger["customer"].n_unique() < ledger[AS_RECORDED].n_unique()


def test_no_personal_data_is_in_anything_that_was_put_out(
    folder: Path, run: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    customers = pl.read_csv(DATA / "customers.csv", separator=_delimiter(), infer_schema=False)
    values = {value.strip() for name in PERSONAL for value in customers[name].drop_nulls()}
    values |= {re.sub(r"\D", "", value) for value in customers["Телефон"].drop_nulls()}
    values = {value for value in values if len(value) >= SHORTEST}
    assert len(values) > 1_500
    for name, text in _put_out(folder, run[1]).items():
        assert not (found := [value for value in values if value in text]), f"{name}: {found[:3]}"
        assert not E_MAIL.search(text), name


def _delimiter() -> str:
    header = (DATA / "customers.csv").read_text(encoding="utf-8-sig").partition("\n")[0]
    return max(";,\t|", key=header.count)


def _put_out(folder: Path, ended: subprocess.CompletedProcess[str]) -> dict[str, str]:
    texts = {"terminal": ended.stdout + ended.stderr}
    for file in folder.rglob("*"):
        if file.suffix == ".parquet":
            frame = pl.read_parquet(file)
            texts[file.name] = "\n".join(
                frame.select(pl.col(pl.String, pl.Categorical).cast(pl.String)).write_csv().splitlines()
            )
        elif file.suffix == ".xlsx":
            book = load_workbook(file)
            about = [value for value in vars(book.properties).values() if isinstance(value, str)]
            cells = [str(cell) for sheet in book for row in sheet.values for cell in row if isinstance(cell, str)]
            texts[file.name] = "\n".join([*book.sheetnames, *about, *cells])
        elif file.is_file():
            texts[file.name] = PICTURE.sub("", file.read_text(encoding="utf-8"))
    assert len(texts) > 20
    return texts
