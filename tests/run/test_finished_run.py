"""A run of the whole suite keeps the contracts that others build on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import polars as pl
import pytest
from bs4 import BeautifulSoup

from customerbase.findings import QUESTIONS

CHAPTERS = [
    "01_identify",
    "02_portrait",
    "03_abc_xyz",
    "04_lifetime_value",
    "05_retention",
    "06_differentiation",
    "07_key_accounts",
    "08_playbook",
]

TABLES = {
    "ledger": ["customer", "date", "amount"],
    "quarantine": ["row", "source", "reason"],
    "lifetime_value": [
        "customer",
        "frequency",
        "recency",
        "T",
        "monetary_value",
        "p_alive",
        "expected_purchases",
        "expected_purchases_low",
        "expected_purchases_high",
        "expected_spend",
        "clv",
        "clv_low",
        "clv_high",
    ],
    "holdout": [
        "model",
        "purchases_actual",
        "purchases_expected",
        "mae",
        "rmse",
        "correlation",
        "bias",
        "coverage",
        "log_likelihood",
    ],
    "retention": ["curve", "days", "survival", "low", "high", "at_risk"],
    "segments": ["customer", "value_tier", "cluster", "cluster_name"],
    "cluster_centres": ["part", "feature", "cluster", "quantity", "value"],
    "abc_xyz": ["customer", "revenue", "profit", "abc", "xyz"],
    "ladder": ["customer", "rung", "rung_a_year_ago"],
    "key_accounts": ["customer", "share", "criteria", "dependency", "manager"],
}
JOINED = ["lifetime_value", "segments", "abc_xyz", "ladder", "key_accounts"]
TABLES["customers"] = [
    *dict.fromkeys(column for name in JOINED for column in TABLES[name]),
    "action",
    "action_reason",
    "control_group",
]
OF_CUSTOMERS = ["lifetime_value", "segments", "abc_xyz", "ladder", "customers"]


def table(run: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(run / "tables" / f"{name}.parquet")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_columns_others_rely_on(finished_run: Path, name: str) -> None:
    assert set(TABLES[name]) <= set(table(finished_run, name).columns)


@pytest.mark.parametrize("name", OF_CUSTOMERS)
def test_a_table_of_customers_has_one_row_for_each_key_as_the_ledger_writes_it(finished_run: Path, name: str) -> None:
    customers = table(finished_run, name)["customer"]
    assert len(customers) == 23_570
    assert customers.is_unique
    assert customers.str.len().eq(5).all()
    assert "00001" in set(customers)


def test_the_ledger_of_the_run_is_the_whole_ledger(finished_run: Path) -> None:
    ledger = table(finished_run, "ledger")
    assert len(ledger) == 69_659
    assert ledger["amount"].sum() == pytest.approx(2_500_315.63)
    assert len(table(finished_run, "quarantine")) == 0


def test_every_customer_has_intervals_around_the_forecast(finished_run: Path) -> None:
    values = table(finished_run, "lifetime_value")
    assert values.notna().all(axis=None)
    for forecast, least in (("expected_purchases", 0), ("clv", 0)):
        low, high = values[f"{forecast}_low"], values[f"{forecast}_high"]
        assert ((least <= low) & (low <= high)).all()
    bought = values["expected_purchases_high"] > 0
    # 80% intervals with equal tails: the mean of a customer who may well buy lies inside
    surely = values[values["expected_purchases_low"] > 0]
    assert len(surely) > 500 and bought.sum() > 5_000
    assert surely["clv"].between(surely["clv_low"], surely["clv_high"]).mean() > 0.99


def test_the_holdout_scores_every_forecast(finished_run: Path) -> None:
    holdout = table(finished_run, "holdout").set_index("model")
    assert list(holdout.index)[:3] == ["BGNBD", "ModifiedBGNBD", "ParetoNBD"]
    assert (holdout["purchases_actual"] == 19_684).all()
    models = holdout.iloc[:3]
    assert models["coverage"].between(0.80, 1).all() and models["log_likelihood"].lt(0).all()
    rules = holdout.iloc[3:]
    assert len(rules) == 3 and rules[["coverage", "log_likelihood"]].isna().all(axis=None)
    assert models["rmse"].max() < rules["rmse"].min()


def test_lifetime_values_are_possible(finished_run: Path) -> None:
    values = table(finished_run, "lifetime_value")
    assert values["p_alive"].between(0, 1).all()
    assert (values["expected_purchases"] >= 0).all()
    assert (values["clv"] >= 0).all()
    # nobody is worth more than the undiscounted margin on what he is expected to buy
    assert (values["clv"] <= 0.30 * values["expected_purchases"] * values["expected_spend"]).all()


def test_classes_rungs_and_actions_add_up_to_the_base(finished_run: Path) -> None:
    customers = table(finished_run, "customers")
    assert customers["revenue"].sum() == pytest.approx(2_500_315.63)
    assert customers["profit"].sum() == pytest.approx(0.30 * 2_500_315.63)
    assert set(customers["abc"]) == {"A", "B", "C"} and set(customers["xyz"]) <= {"X", "Y", "Z"}
    by_class = customers.groupby("abc")["revenue"].sum() / customers["revenue"].sum()
    # whoever is first to pass a limit is still inside it, and nobody brings as much as a hundredth
    assert 0.80 <= by_class["A"] < 0.81 and 0.95 <= by_class["A"] + by_class["B"] < 0.96
    rungs = {"buyer", "client", "regular", "adherent", "advocate", "left"}
    assert set(customers["rung"]) <= rungs and set(customers["rung_a_year_ago"].dropna()) <= rungs
    # CDNOW's customers were all won by 31 March 1997, a year and a quarter before the last day
    assert customers["rung_a_year_ago"].notna().all()
    bought = customers["frequency"] + 1
    assert (customers.loc[customers["rung"] == "buyer", "frequency"] == 0).all()
    assert (bought[customers["rung"] == "regular"] >= 3).all()
    assert customers["action"].notna().all() and customers["action_reason"].str.len().gt(10).all()


def test_lists_and_control_groups_partition_the_actions(finished_run: Path) -> None:
    customers = table(finished_run, "customers")
    assert not (customers["on_list"] & customers["control_group"]).any()
    assert (customers["on_list"] | customers["control_group"]).all()  # CDNOW may be called as a whole
    for action, whom in customers.groupby("action"):
        file = f"{str(action).replace(' ', '_')}.csv"
        listed = pl.read_csv(finished_run / "lists" / file, infer_schema=False)
        assert sorted(listed["customer"]) == sorted(whom.loc[whom["on_list"], "customer"])
        assert whom["control_group"].sum() == int(0.10 * len(whom) + 0.5)


def test_the_findings_page_answers_the_six_questions_in_order(finished_run: Path) -> None:
    soup = BeautifulSoup((finished_run / "index.html").read_text(encoding="utf-8"), "html.parser")
    headings = [heading.text for heading in soup.select("section.question h2")]
    assert headings[: len(QUESTIONS)] == list(QUESTIONS.values())
    findings = json.loads((finished_run / "findings.json").read_text(encoding="utf-8"))
    for question in QUESTIONS:
        answers = [finding for finding in findings if finding["question"] == question]
        assert any(finding["verdict"] != "unknown" for finding in answers)
        assert len(answers) <= 6  # more than a meeting remembers


def test_every_finding_has_every_field_and_an_anchor_on_its_page(finished_run: Path) -> None:
    findings = json.loads((finished_run / "findings.json").read_text(encoding="utf-8"))
    assert {finding["chapter"] for finding in findings} == set(CHAPTERS)
    assert len({finding["id"] for finding in findings}) == len(findings)
    for finding in findings:
        assert {"id", "chapter", "statement", "value", "low", "high", "unit", "verdict"} <= finding.keys()
        page = (finished_run / "chapters" / f"{finding['chapter']}.html").read_text(encoding="utf-8")
        assert f'id="finding-{finding["id"]}"' in page


def test_run_json_says_what_ran_and_how_it_ended(finished_run: Path) -> None:
    record = json.loads((finished_run / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "succeeded"
    assert record["seed"] == record["parameters"]["seed"] == 2026
    assert len(record["ledger"]["fingerprint"]) == 64
    assert record["ledger"]["rows_read"] == record["ledger"]["rows_used"] + record["ledger"]["rows_quarantined"]
    assert [chapter["name"] for chapter in record["chapters"]] == CHAPTERS
    assert all(chapter["seconds"] > 0 for chapter in record["chapters"])
    assert {"pandas", "polars", "lifetimes", "papermill"} <= record["versions"].keys()


def test_run_json_is_written_last(finished_run: Path) -> None:
    files = [file for file in finished_run.rglob("*") if file.is_file()]
    assert max(files, key=lambda file: file.stat().st_mtime_ns).name == "run.json"


def test_latest_points_to_the_run(finished_run: Path) -> None:
    assert (finished_run.parent / "latest").resolve() == finished_run
    if os.name != "nt":
        assert not (finished_run.parent / "latest").readlink().is_absolute()


def test_nothing_is_left_of_the_building(finished_run: Path) -> None:
    assert {entry.name for entry in finished_run.parent.iterdir()} == {"latest", finished_run.name}


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_executed_notebook_is_kept_without_paths_of_this_machine(finished_run: Path, name: str) -> None:
    file = finished_run / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert str(finished_run.parents[1]) not in file.read_text(encoding="utf-8")


def test_the_same_ledger_parameters_and_seed_give_the_same_tables_byte_for_byte(
    finished_run: Path, tmp_path: Path, command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    ended = command("run", "--out", tmp_path)
    assert ended.returncode == 0, ended.stderr
    again = (tmp_path / "cdnow" / "latest").resolve()
    for file in sorted((finished_run / "tables").iterdir()):
        assert file.read_bytes() == (again / "tables" / file.name).read_bytes(), file.name
    for file in sorted((finished_run / "lists").rglob("*.csv")):
        assert file.read_bytes() == (again / file.relative_to(finished_run)).read_bytes(), file.name
    assert (finished_run / "findings.json").read_bytes() == (again / "findings.json").read_bytes()


def test_as_of_and_only_narrow_a_run(tmp_path: Path, command: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ended = command("run", "--out", tmp_path, "--as-of", "1997-12-31", "--only", "06_differentiation")
    assert ended.returncode == 0, ended.stderr
    run = (tmp_path / "cdnow" / "latest").resolve()
    assert [page.name for page in (run / "chapters").iterdir()] == ["06_differentiation.html"]
    # what the chapter needs of 04 it has worked out for itself
    segments = pl.read_parquet(run / "tables" / "segments.parquet")
    assert segments["value_tier"].null_count() == 0
    assert "dated after 31 December 1997 are left out" in ended.stdout
