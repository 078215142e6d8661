"""A base that can't answer a question is told so in a sentence; the run goes on with what can be said."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

ONE_CUSTOMER = "only,2024-01-01,10\n"
NO_REPEATS = "".join(f"c{i:03d},2024-{1 + i % 6:02d}-{1 + i % 28:02d},{5 + i % 7}\n" for i in range(120))
ONE_DAY = "".join(f"c{i},2024-05-05,{i + 1}\n" for i in range(40))
FREE = "".join(f"c{i % 30},2024-{1 + i % 12:02d}-{1 + i % 28:02d},0\n" for i in range(200))


@pytest.mark.parametrize(
    ("rows", "customers"),
    [(ONE_CUSTOMER, 1), (NO_REPEATS, 120), (ONE_DAY, 40), (FREE, 30)],
    ids=["one customer", "no repeat purchase", "one day", "nothing but free purchases"],
)
def test_the_run_says_what_it_can(
    rows: str, customers: int, make_base: Callable[..., Path], command: Command, tmp_path: Path
) -> None:
    ended = command("run", make_base(rows), "--out", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    run = tmp_path / "out" / "small" / "latest"
    findings = json.loads((run / "findings.json").read_text())
    unknown = [finding for finding in findings if finding["verdict"] == "unknown"]
    assert unknown
    assert all(finding["statement"].endswith(".") and finding["value"] is None for finding in unknown)
    values = pd.read_parquet(run / "tables" / "lifetime_value.parquet")
    assert len(values) == len(pd.read_parquet(run / "tables" / "segments.parquet")) == customers
    assert len(pd.read_parquet(run / "tables" / "retention.parquet"))
    for page in (run / "chapters").iterdir():
        assert "nan" not in page.read_text(encoding="utf-8").lower().replace("nand", "").split("<style")[0]


def test_hostile_names_are_text_everywhere(make_base: Callable[..., Path], command: Command, tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", "$x$ & $\\\\frac{1}{2}$", "=1+1", "{{ 7*7 }}", "<img src=x onerror=alert(1)>"]
    rows = "".join(
        f'"{names[i % 5]}{i % 40}",2024-{1 + i % 12:02d}-{1 + (i * 7) % 28:02d},{10 + i % 13}\n' for i in range(400)
    )
    ended = command("run", make_base(rows, currency="<b>"), "--out", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    run = tmp_path / "out" / "small" / "latest"
    pages = [run / "index.html", *(run / "chapters").iterdir()]
    shown = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert "<script" not in shown
    assert "<img src=x" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "{{ 7*7 }}" in shown
    assert set(pd.read_parquet(run / "tables" / "lifetime_value.parquet")["customer"].str.slice(0, 8)) >= {"<script>"}
