"""Which earlier runs of a base are found, and what may be asked of them."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from customerbase.earlier_runs import earlier_runs
from customerbase.findings import Finding, write_findings
from customerbase.store import write_table

TODAY = dt.date(2025, 6, 30)


def leave_run(base: Path, name: str, as_of: str, status: str = "succeeded") -> Path:
    folder = base / name
    (folder / "tables").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"as_of": as_of, "status": status}), encoding="utf-8")
    return folder


def test_the_latest_day_comes_first_and_of_one_day_the_run_begun_last(tmp_path: Path) -> None:
    leave_run(tmp_path, "2025-03-31T10-00-00Z", "2025-03-31")
    leave_run(tmp_path, "2025-05-31T10-00-00Z", "2025-05-31")
    leave_run(tmp_path, "2025-06-01T10-00-00Z", "2025-05-31")
    assert [run.folder.name for run in earlier_runs(tmp_path, TODAY)] == [
        "2025-06-01T10-00-00Z",
        "2025-05-31T10-00-00Z",
        "2025-03-31T10-00-00Z",
    ]


def test_runs_of_the_same_or_a_later_day_are_no_earlier_ones(tmp_path: Path) -> None:
    leave_run(tmp_path, "a", str(TODAY))
    leave_run(tmp_path, "b", "2025-07-31")
    assert earlier_runs(tmp_path, TODAY) == ()


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"as_of": 3, "status": "succeeded"}', '{"as_of": "soon"}'])
def test_a_record_that_cannot_be_read_is_no_run(tmp_path: Path, record: str) -> None:
    (leave_run(tmp_path, "a", "2025-01-31") / "run.json").write_text(record, encoding="utf-8")
    assert earlier_runs(tmp_path, TODAY) == ()


def test_failed_runs_runs_being_built_and_the_pointer_to_the_latest_are_passed_over(tmp_path: Path) -> None:
    leave_run(tmp_path, "a-failed", "2025-01-31", "failed")
    leave_run(tmp_path, ".building-b", "2025-02-28")
    kept = leave_run(tmp_path, "c", "2025-03-31")
    (tmp_path / "latest").symlink_to(kept, target_is_directory=True)
    assert [run.folder for run in earlier_runs(tmp_path, TODAY)] == [kept]


def test_its_tables_and_findings_can_be_read(tmp_path: Path) -> None:
    folder = leave_run(tmp_path, "a", "2025-03-31")
    table = pl.DataFrame({"customer": ["001"], "action": ["protect"]})
    write_table(folder, "customers", table)
    found = [Finding("base_size", "02_portrait", "One customer.", value=1.0)]
    write_findings(folder / "findings.json", found)
    (run,) = earlier_runs(tmp_path, TODAY)
    kept = run.table("customers")
    assert kept is not None
    assert kept.equals(table)
    assert run.table("segments") is None
    assert run.findings == found
