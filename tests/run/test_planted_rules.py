"""On the simulated wholesaler the rules of practice find exactly whom its truth planted, and their sums agree."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.key_accounts import key_account_standing
from customerbase.chapters.playbook import playbook
from customerbase.intake import take_in
from customerbase.parameters import Parameters, read_parameters
from customerbase.run.taken_in import write_intake
from customerbase.tables import TABLES
from customerbase.wholesale import simulate_wholesale, write_wholesale

ROOT = Path(__file__).resolve().parents[2]
TRUTH = ROOT / "data" / "wholesale" / "truth"
LAST_DAY = dt.date(2025, 12, 31)
IN_ORDER = ("lifetime_value", "segments", "abc_xyz", "ladder", "key_accounts", "customers")
KEY_ACCOUNT = "key account: "


def truth(name: str, folder: Path = TRUTH) -> list[dict[str, str]]:
    return read(folder / f"{name}.csv")


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def opened(parameters: Parameters, folder: Path) -> Chapter:
    write_intake(folder, take_in(parameters, today=dt.date(2026, 6, 1)), parameters)
    return Chapter("08_playbook", parameters, folder)


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    """A chapter of a run that took in the wholesaler's exports."""
    return opened(read_parameters(ROOT / "params" / "wholesale.yml"), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def person() -> dict[str, str]:
    """The true customer of each key."""
    return {row["customer"]: row["person"] for row in truth("identities")}


@pytest.fixture(scope="module")
def tables(chapter: Chapter, person: dict[str, str]) -> dict[str, pd.DataFrame]:
    """The tables as the chapters make them, by true customer."""
    found = {}
    for name in IN_ORDER:
        made = getattr(import_module(f"customerbase.chapters.{TABLES[name].made_in}"), f"table_{name}")(chapter)
        chapter.write(name, made)
        found[name] = made.assign(customer=made["customer"].map(person)).set_index("customer")
    return found


@pytest.fixture(scope="module")
def planted() -> dict[str, dict[str, str]]:
    """Whom each rule should find, with the detail."""
    whom: dict[str, dict[str, str]] = defaultdict(dict)
    for row in truth("planted"):
        whom[row["what"]][row["person"]] = row["detail"]
    return dict(whom)


@pytest.fixture(scope="module")
def lines(person: dict[str, str]) -> list[dict[str, Any]]:
    """The clean lines of the truth, with the true customer and what returns have left of each sale."""
    returned: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    rows: list[dict[str, Any]] = [dict(row) for row in truth("ledger_clean")]
    undone = {(row["source"], row["row"]): (row["undone_source"], row["undone_row"]) for row in truth("returns")}
    for row in rows:
        if row["kind"] == "return":
            returned[undone[row["source"], row["row"]]] += Decimal(row["amount"])
    for row in rows:
        row["person"] = person[row["customer"]]
        row["net"] = Decimal(row["amount"]) + returned[row["source"], row["row"]]
    return rows


@pytest.fixture(scope="module")
def purchases(lines: list[dict[str, Any]]) -> dict[str, dict[dt.date, Decimal]]:
    """What each true customer bought and kept, by day."""
    bought: dict[str, dict[dt.date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in lines:
        if row["kind"] == "sale" and row["net"] > 0:
            bought[row["person"]][dt.date.fromisoformat(row["date"])] += row["net"]
    return bought


@pytest.fixture(scope="module")
def buyers(lines: list[dict[str, Any]]) -> set[str]:
    """Everybody of the ledger."""
    return {row["person"] for row in lines}


def test_every_customer_is_one_true_customer(tables, buyers: set[str], purchases) -> None:
    expected = {
        **dict.fromkeys(("abc_xyz", "ladder", "customers"), buyers),
        **dict.fromkeys(("lifetime_value", "segments"), purchases.keys()),
    }
    for name, found in tables.items():
        assert found.index.is_unique
        assert set(found.index) <= buyers
        if name in expected:
            assert set(found.index) == expected[name], name


def test_a_year_ago_is_told_of_those_who_were_customers_then(tables, lines) -> None:
    there = {row["person"] for row in lines if row["date"] <= "2024-12-31"}
    for name, column in (("abc_xyz", "abc_a_year_ago"), ("abc_xyz", "xyz_a_year_ago"), ("ladder", "rung_a_year_ago")):
        found = tables[name][column]
        assert set(found.index[found.notna()]) == there, column


# ABC-XYZ


def test_revenue_and_profit_are_the_true_ones_to_the_cent(tables) -> None:
    for row in truth("customers"):
        if Decimal(row["sales"]):
            found = tables["abc_xyz"].loc[row["person"]]
            assert round(found["revenue"], 2) == float(row["revenue"])
            assert round(found["profit"], 2) == float(Decimal(row["revenue"]) - Decimal(row["cost"]))


def test_classes_by_revenue_are_those_worked_out_in_exact_arithmetic(tables, buyers: set[str]) -> None:
    revenue = {row["person"]: Decimal(row["revenue"]) for row in truth("customers") if row["person"] in buyers}
    total, before, expected = sum(revenue.values()), Decimal(0), {}
    for name, amount in sorted(revenue.items(), key=lambda item: -item[1]):
        within = amount > 0 and before < Decimal("0.95") * total
        expected[name] = "A" if within and before < Decimal("0.80") * total else "B" if within else "C"
        before += amount
    assert tables["abc_xyz"]["abc"].to_dict() == expected
    assert {"A", "B", "C"} == set(expected.values())


def test_classes_by_regularity_are_those_worked_out_in_exact_arithmetic(tables, buyers: set[str], purchases) -> None:
    expected = {}
    for name in buyers:
        months: dict[int, Fraction] = defaultdict(Fraction)
        for day, amount in purchases[name].items():
            months[12 * day.year + day.month] += Fraction(amount)
        last = 12 * LAST_DAY.year + LAST_DAY.month
        spent = [months[month] for month in range(min(months, default=last + 1), last + 1)]
        expected[name] = "Z" if len(spent) < 3 else regularity(spent)
    assert tables["abc_xyz"]["xyz"].to_dict() == expected
    assert Counter(expected.values())["Y"] > 5


def regularity(spent: list[Fraction]) -> str:
    mean = sum(spent) / len(spent)
    squared = sum((each - mean) ** 2 for each in spent) / len(spent) / mean**2
    return "X" if squared < Fraction(1, 4) else "Y" if squared < 1 else "Z"


def test_the_customers_below_zero_are_those_whose_discount_ate_the_profit(tables, planted) -> None:
    found = tables["abc_xyz"]
    assert set(found.index[found["profit"] < 0]) == set(planted["profit below zero"])
    assert set(planted["profit below zero"]) == set(planted["discount eats the profit"])


def test_cells_add_up_to_the_revenue(tables, lines) -> None:
    cells = tables["abc_xyz"].groupby(["abc", "xyz"])["revenue"].sum()
    assert round(cells.sum(), 2) == float(sum(Decimal(row["amount"]) for row in lines))


# key accounts


def test_key_accounts_are_found_by_each_criterion(tables, planted) -> None:
    found = tables["key_accounts"]["criteria"].str.split(", ").explode()
    expected = {what.removeprefix(KEY_ACCOUNT): set(whom) for what, whom in planted.items() if KEY_ACCOUNT in what}
    assert {what: set(found.index[found == what]) for what in set(found)} == expected
    assert len(expected) == 7


def test_the_share_of_each_key_account_is_the_true_one(tables, buyers: set[str]) -> None:
    revenue = {row["person"]: Decimal(row["revenue"]) for row in truth("customers") if row["person"] in buyers}
    found = tables["key_accounts"]["share"]
    for name, share in found.items():
        assert share == pytest.approx(float(revenue[str(name)] / sum(revenue.values())), abs=1e-9)
    assert list(found) == sorted(found, reverse=True)


def test_the_dependency_is_found(tables, planted) -> None:
    found = tables["key_accounts"]["dependency"]
    assert found[found != "none"].to_dict() == planted["dependency"]


def test_the_overloaded_manager_is_found(tables, planted) -> None:
    found = tables["key_accounts"]["manager"]
    assert found.to_dict() == planted["held by"]
    held = Counter(found)
    assert [f"{manager} {number}" for manager, number in held.items() if number > 3] == [
        planted["overloaded manager"][""]
    ]


def test_the_silent_key_account_is_found(tables, planted) -> None:
    found = tables["key_accounts"]
    silent = found[found["silent"].astype(bool)]
    assert set(silent.index) == set(planted["silent key account"])
    for name, row in silent.iterrows():
        last = dt.date.fromisoformat(planted["silent key account"][str(name)])
        assert row["days_silent"] == (LAST_DAY - last).days
        assert row["value_if_alive"] > 0


# the ladder


def test_rungs_are_those_of_the_truth(tables, planted, buyers: set[str], purchases) -> None:
    found = tables["ladder"]["rung"]
    assert set(found.index[found == "advocate"]) == standing(planted["advocate"], found)
    assert set(found.index[found == "adherent"]) == standing(planted["adherent"].keys() - planted["advocate"], found)
    for name in standing(buyers - planted["adherent"].keys(), found):
        assert found[name] == ("buyer", "client", "regular")[min(len(purchases[name]), 3) - 1]
    assert set(found) == {"buyer", "client", "regular", "adherent", "advocate", "left"}


def standing(names: Iterable[str], rungs: pd.Series) -> set[str]:
    """Those of whom the model doesn't say that they have left."""
    return {name for name in names if name in rungs.index and rungs[name] != "left"}


def test_who_left_has_been_silent_for_longer_than_usual(tables, planted, buyers: set[str], purchases) -> None:
    left = set(tables["ladder"].index[tables["ladder"]["rung"] == "left"])
    assert {name for name in buyers if not purchases[name]} <= left
    assert set(planted["silent key account"]) <= left
    for name in left & purchases.keys():
        first, last = min(purchases[name]), max(purchases[name])
        usual = (last - first) / max(len(purchases[name]) - 1, 1)
        assert not purchases[name] or LAST_DAY - last > usual


# the playbook


def test_nobody_without_consent_is_called(tables, planted, buyers: set[str]) -> None:
    found = tables["customers"]
    expected = {name: planted["no consent"].get(name, "yes") for name in buyers}
    assert found["may_contact"].to_dict() == expected
    assert len(set(expected.values())) == 3
    assert not (found["on_list"] & (found["may_contact"] != "yes")).any()
    assert found["on_list"].any()


def test_the_files_to_take_away_hold_those_with_consent_and_nobody_twice(chapter, tables, planted, person) -> None:
    playbook.write_lists(chapter, pl.from_pandas(chapter.table("customers")))
    folder = chapter.folder / "lists"
    files = {file: [person[row["customer"]] for row in read(file)] for file in folder.rglob("*.csv")}
    held_out = files.pop(folder / "control_group.csv")
    del files[folder / "identity_review.csv"]
    by_manager = [name for file in files if file.parent != folder for name in files[file]]
    by_action = [name for file in files if file.parent == folder for name in files[file]]
    assert sorted(by_manager) == sorted(by_action)
    assert len(set(by_action)) == len(by_action)
    assert not set(by_action) & (planted["no consent"].keys() | set(held_out))
    assert set(by_action) == set(tables["customers"].index[tables["customers"]["on_list"]])


def test_lists_control_groups_and_the_others_are_everybody(tables) -> None:
    found = tables["customers"]
    assert found["action"].notna().all()
    assert not (found["on_list"] & found["control_group"]).any()
    apart = ~found["on_list"] & ~found["control_group"]
    assert (found["may_contact"][apart] != "yes").all()
    assert found["on_list"].sum() + found["control_group"].sum() + apart.sum() == len(found)


def test_the_playbook_knows_the_key_accounts_and_the_classes(tables) -> None:
    found = tables["customers"]
    assert set(found.index[found["key_account"]]) == set(tables["key_accounts"].index)
    for name, column in (("abc_xyz", "abc"), ("abc_xyz", "xyz"), ("abc_xyz", "revenue"), ("ladder", "rung")):
        pd.testing.assert_series_equal(
            found[column].sort_index(), tables[name][column].sort_index(), check_dtype=False, check_names=False
        )


# a base that hangs on one customer


def test_a_critical_dependency_is_found(tmp_path: Path) -> None:
    write_wholesale(tmp_path, simulate_wholesale(key_share=0.55))
    given = read_parameters(ROOT / "params" / "wholesale.yml")
    ledger = given.ledger.model_copy(update={"path": str(tmp_path / "ledger")})
    alone = {"ledger": ledger, "customers": None, "events": None, "spending": None}
    chapter = opened(given.model_copy(update=alone), tmp_path / "run")
    persons = {row["customer"]: row["person"] for row in truth("identities", tmp_path / "truth")}
    chapter.whole_ledger = chapter.whole_ledger.with_columns(pl.col("customer").replace(persons))
    found = key_account_standing.standing(chapter).customers.filter(pl.col("dependency") != "none")
    planted = [row for row in truth("planted", tmp_path / "truth") if row["what"] == "dependency"]
    assert found.select("customer", "dependency").rows() == [(row["person"], row["detail"]) for row in planted]
    assert [row["detail"] for row in planted] == ["critical"]
