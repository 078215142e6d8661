"""Bad input ends with exit code 2, a readable line for each problem, no traceback and nothing written."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

GOOD = "a,2024-01-01,10\na,2024-02-01,12\nb,2024-01-15,8\n"
Command = Callable[..., subprocess.CompletedProcess[str]]

BAD_PARAMETERS = {
    "unknown parameter": ({"horizon_day": 30}, ["horizon_day", "horizon_days"]),
    "wrong type": ({"horizon_days": "a year"}, ["horizon_days", "a year"]),
    "impossible value": ({"interval": 1.5}, ["interval", "1.5"]),
    "impossible date": ({"as_of": "2024-02-30"}, ["as_of", "2024-02-30"]),
    "as_of before the ledger": ({"as_of": "2020-01-01"}, ["as_of", "2024-01-01"]),
    "name that leaves the folder": ({"base": "../out"}, ["base", "../out"]),
    "missing customers file": (
        {"customers": {"path": "no-such.csv", "columns": {"customer": "id"}}},
        ["customers", "no-such.csv"],
    ),
}
BAD_LEDGERS = {
    "a date that is no date": ("a,2024-01-01,10\nb,soon,12\n", ["row 3", "soon"]),
    "an amount that is no number": ("a,2024-01-01,ten\nb,2024-01-01,12\n", ["row 2", "ten"]),
    "a missing customer": ("a,2024-01-01,10\n,2024-01-02,12\n", ["row 3", "customer"]),
    "an empty ledger": ("", ["no rows"]),
    "returns only": ("a,2024-01-01,-10\n", ["return"]),
}


def assert_refused(ended: subprocess.CompletedProcess[str], out: Path, *words: str) -> None:
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr + ended.stdout
    for word in words:
        assert word in ended.stderr
    assert not out.exists()


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_bad_parameters_are_refused(
    case: str, make_base: Callable[..., Path], command: Command, tmp_path: Path
) -> None:
    changes, words = BAD_PARAMETERS[case]
    file = make_base(GOOD)
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))
    assert_refused(command("run", file, "--out", tmp_path / "out"), tmp_path / "out", *words)


@pytest.mark.parametrize("case", BAD_LEDGERS)
def test_a_bad_ledger_is_refused(case: str, make_base: Callable[..., Path], command: Command, tmp_path: Path) -> None:
    rows, words = BAD_LEDGERS[case]
    assert_refused(command("run", make_base(rows), "--out", tmp_path / "out"), tmp_path / "out", *words)


def test_a_missing_column_is_refused(make_base: Callable[..., Path], command: Command, tmp_path: Path) -> None:
    file = make_base(GOOD)
    given = yaml.safe_load(file.read_text())
    given["ledger"]["columns"]["amount"] = "sum"
    file.write_text(yaml.safe_dump(given))
    assert_refused(command("run", file, "--out", tmp_path / "out"), tmp_path / "out", "'sum'", "'amount'")


def test_missing_files_are_refused(command: Command, make_base: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert_refused(command("run", tmp_path / "none.yml", "--out", out), out, "none.yml")
    file = make_base(GOOD)
    (tmp_path / "small.csv").unlink()
    assert_refused(command("run", file, "--out", out), out, "small.csv")


def test_a_place_that_runs_cannot_be_kept_in_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    ended = command("run", "--out", tmp_path / "a file")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "a file" in ended.stderr


def test_an_unknown_chapter_is_refused(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert_refused(command("run", "--out", out, "--only", "04_lifetime"), out, "04_lifetime", "04_lifetime_value")


def test_several_problems_are_told_at_once(make_base: Callable[..., Path], command: Command, tmp_path: Path) -> None:
    file = make_base(GOOD, interval=2, horizon=3, seed="x")
    ended = command("run", file, "--out", tmp_path / "out")
    assert_refused(ended, tmp_path / "out", "interval", "horizon", "seed")
    assert len(ended.stderr.strip().splitlines()) == 4
