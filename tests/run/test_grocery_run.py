"""The chapters on retention and differentiation on a grocer's year: quick enough, and told that the ledger is cut."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ("05_retention", "06_differentiation")
SECONDS = 60


@pytest.mark.timed
def test_both_chapters_take_less_than_a_minute(
    tmp_path: Path, command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    ended = command("run", ROOT / "params" / "grocery.yml", "--out", tmp_path, "--only", *CHAPTERS)
    assert ended.returncode == 0, ended.stderr
    run = (tmp_path / "grocery" / "latest").resolve()
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    took = {chapter["name"]: chapter["seconds"] for chapter in record["chapters"]}
    assert set(took) == set(CHAPTERS)
    assert max(took.values()) < SECONDS, took
    for name in CHAPTERS:
        page = (run / "chapters" / f"{name}.html").read_text(encoding="utf-8")
        assert "in the middle of its customers' lives" in page.replace("&#x27;", "'")
