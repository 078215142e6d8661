"""What several folders of tests need: the command, a run of the suite, small bases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]

Command = Callable[..., subprocess.CompletedProcess[str]]
MakeBase = Callable[..., Path]


def run_command(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in a process of its own."""
    words = [sys.executable, "-m", "customerbase", *map(str, arguments)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def command() -> Command:
    """The command ``customerbase``."""
    return run_command


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of a run of the whole suite on CDNOW, through the command, from a folder that isn't the project's.

    Of several processes that test at once the first makes it, and the others wait for it.
    """
    alone = worker_id == "master"
    shared = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    out = shared / "finished"
    with FileLock(shared / "finished.lock"):
        if not out.exists():
            out.mkdir()
            ended = run_command("run", ROOT / "params" / "cdnow.yml", "--out", out, cwd=out)
            assert ended.returncode == 0, ended.stderr + ended.stdout
    return (out / "cdnow" / "latest").resolve(strict=True)


@pytest.fixture
def make_base(tmp_path: Path) -> MakeBase:
    """Write a ledger and its parameter file, and return the latter's path."""

    def make(rows: str, name: str = "small", header: str = "customer,date,amount", **parameters: Any) -> Path:
        ledger = tmp_path / f"{name}.csv"
        ledger.write_text(f"{header}\n{rows}", encoding="utf-8")
        columns = {column: column for column in header.split(",")}
        given = {"base": name, "ledger": {"path": str(ledger), "columns": columns}} | parameters
        file = tmp_path / f"{name}.yml"
        file.write_text(yaml.safe_dump(given), encoding="utf-8")
        return file

    return make
