"""The lists hold those who may be called, ordered by value at stake, in files that every system takes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from customerbase.call_lists import MANAGER_ROWS, MOST_MANAGERS, file_names, write_call_lists
from customerbase.lists import read_list

HOSTILE_MANAGERS = ("../../etc/passwd", "CON", "nul", "Иванов И.", "ИВАНОВ И", "=1+1", "a/b\\c:*?", "", "…", "x" * 300)


def table(**columns: list[Any]) -> pl.DataFrame:
    """Return a table `customers` of as many as the longest column, each who may be called."""
    height = max(len(values) for values in columns.values())
    defaults: dict[str, list[Any]] = {
        "customer": [f"c{n}" for n in range(height)],
        "action": ["protect"] * height,
        "value_at_stake": [float(n) for n in range(height)],
        "next_contact": [dt.date(2025, 12, 31)] * height,
        "action_reason": ["because"] * height,
        "offer": ["thanks"] * height,
        "manager": [None] * height,
        "key_account": [False] * height,
        "may_contact": ["yes"] * height,
        "on_list": [True] * height,
        "control_group": [False] * height,
    }
    return pl.DataFrame(defaults | columns, schema_overrides={"manager": pl.String})


def read(file: Path) -> pl.DataFrame:
    return read_list(pl.read_csv(file, infer_schema=False))


def sheet(file: Path) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(file).active.values)


def test_each_action_has_a_list_of_those_on_it_the_most_at_stake_first(tmp_path):
    customers = table(
        customer=["00", "01", "02", "03", "04"],
        action=["protect", "win back", "protect", "protect", "protect"],
        value_at_stake=[5.0, 1.0, None, 7.0, 9.0],
        on_list=[True, True, True, True, False],
        control_group=[False, False, False, False, True],
    )
    written = write_call_lists(tmp_path, customers, "EUR")
    assert written == {
        **dict.fromkeys(("protect.csv", "protect.xlsx"), 3),
        **dict.fromkeys(("win_back.csv", "win_back.xlsx"), 1),
        "control_group.csv": 1,
    }
    assert read(tmp_path / "protect.csv")["customer"].to_list() == ["03", "00", "02"]
    header, *rows = sheet(tmp_path / "protect.xlsx")
    assert [row[0] for row in rows] == ["03", "00", "02"]
    assert dict(zip(header, rows[0], strict=True))["next contact"] == dt.datetime(2025, 12, 31)
    assert dict(zip(header, rows[0], strict=True))["value at stake (EUR)"] == 7.0
    assert read(tmp_path / "control_group.csv")["customer"].to_list() == ["04"]


def test_each_manager_has_a_list_whatever_managers_are_called(tmp_path):
    managers = [*HOSTILE_MANAGERS, None]
    written = write_call_lists(tmp_path / "lists", table(manager=managers), "EUR")
    files = sorted((tmp_path / "lists" / "by_manager").iterdir())
    assert len(files) == 2 * len(managers)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "lists" not in path.parts] == []
    for file in files:
        assert len(file.name) < 80
        assert file.name.isascii()
        assert file.stem not in ("con", "nul")
    found = [read(file)["manager"][0] for file in files if file.suffix == ".csv"]
    assert sorted(found) == sorted([*HOSTILE_MANAGERS, ""])  # who has no manager has an empty cell
    for file in files:
        if file.suffix == ".xlsx":
            assert len(sheet(file)) == 2
    assert sum(rows for name, rows in written.items() if name.startswith("by_manager/")) == 2 * len(managers)


def test_names_of_files_differ_where_only_case_or_signs_do():
    names = file_names(["Ann Lee", "ann-lee", "ANN LEE!", "", "?", "CON", "com1"])
    expected = ["ann_lee", "ann_lee_2", "ann_lee_3", "manager", "manager_2", "manager_con", "manager_com1"]
    assert list(names.values()) == expected


def test_a_column_of_too_many_managers_makes_one_file(tmp_path):
    crowd = [f"m{n}" for n in range(MOST_MANAGERS + 1)]
    written = write_call_lists(tmp_path, table(manager=crowd), "EUR")
    assert not [n for n in written if n.startswith("by_manager/")]
    assert written["by_manager.csv"] == len(crowd)
    assert read(tmp_path / "by_manager.csv")["manager"].to_list() == sorted(crowd)


def test_the_workbook_of_a_manager_holds_the_beginning_and_the_csv_all(tmp_path):
    written = write_call_lists(tmp_path, table(manager=["m"] * (MANAGER_ROWS + 3)), "EUR")
    assert written["by_manager/m.csv"] == MANAGER_ROWS + 3
    assert written["by_manager/m.xlsx"] == MANAGER_ROWS


def test_lists_of_an_earlier_run_are_gone(tmp_path):
    write_call_lists(tmp_path, table(action=["protect", "let go"], manager=["a", "b"]), "EUR")
    other = tmp_path / "identity_review.csv"
    other.write_text("kept", encoding="utf-8")
    write_call_lists(tmp_path, table(action=["protect"], manager=["b"]), "EUR")
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {
        *("protect.csv", "protect.xlsx", "control_group.csv", "identity_review.csv"),
        *("by_manager/b.csv", "by_manager/b.xlsx"),
    }


@pytest.mark.parametrize("height", [0, 1])
def test_a_base_of_nobody_or_one_who_may_not_be_called_has_no_list(height, tmp_path):
    nobody = table(on_list=[False]).head(height)
    assert write_call_lists(tmp_path, nobody, "EUR") == {"control_group.csv": 0}


def test_numbers_are_rounded_to_what_a_person_reads(tmp_path):
    numbers = [6_934_611.602, -150.5, 99.999, 99.994, 0.0149, -0.001, None]
    customers = table(value_at_stake=numbers, p_alive=[0.98765] * 7, purchases=[2] * 6 + [1])
    write_call_lists(tmp_path, customers, "EUR")
    written = read(tmp_path / "protect.csv").sort("customer")
    rounded = written["value_at_stake"].cast(pl.Float64, strict=False).to_list()
    assert rounded == [6_934_612, -150, 100, 99.99, 0.01, 0, None]
    # who bought once may have left, for all the model knows
    assert written["p_alive"].to_list() == ["0.99"] * 6 + [""]


def test_a_workbook_is_laid_out_to_be_worked_in(tmp_path):
    customers = table(
        value_at_stake=[1234.5, 5.0],
        value_at_stake_low=[0.126, 5.0],
        p_alive=[0.5, 0.25],
        due_since=[None, dt.date(2025, 12, 1)],
        key_account=[True, False],
        action_reason=["a reason of many words " * 5, "short"],
        revenue=[1.0, 2.0],
    )
    write_call_lists(tmp_path, customers, "EUR")
    header, first, second = openpyxl.load_workbook(tmp_path / "protect.xlsx").active.iter_rows()
    names = [cell.value for cell in header]
    assert names[:9] == [
        *("customer", "manager", "next contact", "overdue since", "action", "reason", "offer"),
        *("value at stake (EUR)", "value at stake, low (EUR)"),
    ]
    assert names[-2:] == ["done", "result"]
    of_first, of_second = (dict(zip(names, row, strict=True)) for row in (first, second))
    assert of_first["value at stake (EUR)"].number_format == "#,##0"
    assert of_first["value at stake, low (EUR)"].number_format == "#,##0.00"
    assert of_first["still a customer (probability)"].number_format == "0%"
    assert of_second["overdue since"].is_date
    assert of_first["reason"].alignment.wrap_text
    assert not of_first["customer"].alignment.wrap_text
    assert [cell["key account"].value for cell in (of_first, of_second)] == ["yes", "no"]
    assert [cell[name].value for cell in (of_first, of_second) for name in ("done", "result")] == [None] * 4
    assert read(tmp_path / "protect.csv").columns[:7] == [
        *("customer", "manager", "next_contact", "due_since", "action", "action_reason", "offer"),
    ]
    assert "done" not in read(tmp_path / "protect.csv").columns
