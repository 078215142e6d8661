"""A base that can't answer a question is told so in a sentence; the run goes on with what can be said."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from tests.chapters_in_process import words_of_chapters

Command = Callable[..., subprocess.CompletedProcess[str]]

ONE_CUSTOMER = "only,2024-01-01,10\n"
NO_REPEATS = "".join(f"c{i:03d},2024-{1 + i % 6:02d}-{1 + i % 28:02d},{5 + i % 7}\n" for i in range(120))
ONE_DAY = "".join(f"c{i},2024-05-05,{i + 1}\n" for i in range(40))
YOUNG = "".join(
    f"c{i % 60},2024-03-{1 + i % 31:02d},{5 + i % 7}\nc{i % 50},2024-04-{1 + i % 11:02d},4\n" for i in range(90)
)
SAME_PRICE = "".join(f"c{i % 40},2024-{1 + i % 12:02d}-{1 + (i * 7) % 28:02d},9.99\n" for i in range(480))
FREE = "".join(f"c{i % 30},2024-{1 + i % 12:02d}-{1 + i % 28:02d},0\n" for i in range(200))


NO_WORD = re.compile(r"\b(nan|NaN|NaT|inf|None)\b")  # as Python writes them; the word none may stand in a sentence


@pytest.mark.parametrize(
    ("rows", "customers"),
    [(NO_REPEATS, 120), (ONE_DAY, 40), (FREE, 30), (YOUNG, 60), (SAME_PRICE, 40)],
    ids=["no repeat purchase", "one day", "free", "younger than two months", "one price"],
)
def test_the_chapters_say_what_they_can(
    rows: str, customers: int, make_base: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    for name, words in words_of_chapters(make_base(rows), folder):
        assert words and not NO_WORD.search(words), name
    unknown = 0
    for file in (folder / "findings").iterdir():
        unknown += checked(json.loads(file.read_text(encoding="utf-8")))
    assert unknown
    check_tables(folder, customers)


def test_a_run_on_one_customer_says_what_it_can(
    make_base: Callable[..., Path], command: Command, tmp_path: Path
) -> None:
    ended = command("run", make_base(ONE_CUSTOMER), "--out", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    run = tmp_path / "out" / "small" / "latest"
    assert checked(json.loads((run / "findings.json").read_text(encoding="utf-8")))
    check_tables(run, 1)
    for page in [run / "index.html", *(run / "chapters").iterdir()]:
        assert not NO_WORD.search(words_of(page)), page.name


def checked(findings: list[dict[str, Any]]) -> int:
    """Count the findings that can't be known, and see that each is a sentence without a number."""
    unknown = [finding for finding in findings if finding["verdict"] == "unknown"]
    assert all(finding["statement"].endswith(".") and finding["value"] is None for finding in unknown)
    return len(unknown)


def check_tables(run: Path, customers: int) -> None:
    values = pd.read_parquet(run / "tables" / "lifetime_value.parquet")
    assert len(values) == len(pd.read_parquet(run / "tables" / "segments.parquet")) == customers
    assert len(pd.read_parquet(run / "tables" / "retention.parquet"))


def words_of(page: Path) -> str:
    """Return what a page says, text alternatives included."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    alternatives = [str(image["alt"]) for image in soup.find_all("img")]
    for style in soup.find_all("style"):
        style.decompose()
    return " ".join([soup.get_text(" "), *alternatives])


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
