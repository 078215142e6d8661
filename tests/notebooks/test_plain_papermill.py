"""Chapters run under plain papermill, from any folder, with any base's parameter file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BASE = "test-by-papermill"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of runs, in which a chapter finds what the ones before it have left, as it would on a schedule."""
    return tmp_path_factory.mktemp("runs")


def papermill(chapter: Path, parameters: Path, output: Path, runs: Path) -> subprocess.CompletedProcess[str]:
    """Run papermill in the output's folder."""
    environment = os.environ | {"CUSTOMERBASE_RUNS": str(runs)}
    words = [sys.executable, "-m", "papermill", str(chapter), str(output), "-f", str(parameters), "--no-progress-bar"]
    return subprocess.run(
        words, cwd=output.parent, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parameter file of a small base."""
    folder = tmp_path_factory.mktemp("small")
    rows = "".join(f"c{i % 40:02d},2024-{1 + i % 12:02d}-{1 + (i * 7) % 28:02d},{10 + i % 13}\n" for i in range(400))
    (folder / "ledger.csv").write_text(f"customer,date,amount\n{rows}", encoding="utf-8")
    columns = {name: name for name in ("customer", "date", "amount")}
    given = {"base": BASE, "ledger": {"path": str(folder / "ledger.csv"), "columns": columns}, "customer": "c01"}
    (folder / "small.yml").write_text(yaml.safe_dump(given), encoding="utf-8")
    return folder / "small.yml"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda file: file.stem)
def test_a_chapter_runs_under_plain_papermill_from_another_folder(
    chapter: Path, small: Path, tmp_path: Path, runs: Path
) -> None:
    ended = papermill(chapter, small, tmp_path / "out.ipynb", runs)
    assert ended.returncode == 0, ended.stderr
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert executed.cells[-1].outputs and "CDNOW" not in _last_output(executed)
    assert [file.name for file in tmp_path.iterdir()] == ["out.ipynb"]


def test_papermill_says_what_is_stored(tmp_path: Path, runs: Path) -> None:
    chapter = ROOT / "notebooks" / "04_lifetime_value.ipynb"
    ended = papermill(chapter, ROOT / "params" / "cdnow.yml", tmp_path / "out.ipynb", runs)
    assert ended.returncode == 0, ended.stderr
    stored, executed = (nbformat.read(file, as_version=4) for file in (chapter, tmp_path / "out.ipynb"))
    assert _last_output(executed) == _last_output(stored)


def test_records_of_one_customer_are_found_under_plain_papermill_too(tmp_path: Path, runs: Path) -> None:
    """Nothing asks a kernel for a progress bar, which it may not have."""
    wholesale = ROOT / "params" / "wholesale.yml"
    ended = papermill(ROOT / "notebooks" / "01_identify.ipynb", wholesale, tmp_path / "out.ipynb", runs)
    assert ended.returncode == 0, ended.stderr


def test_what_a_parameter_file_leaves_out_is_not_taken_from_the_default_base(
    small: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runs = tmp_path_factory.mktemp("runs")
    ended = papermill(ROOT / "notebooks" / "04_lifetime_value.ipynb", small, tmp_path / "out.ipynb", runs)
    assert ended.returncode == 0, ended.stderr
    findings = _last_output(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    # CDNOW's margin of 30% and its last day in 1998 are not this base's
    assert "Revenue expected over the next 365 days" in findings
    assert "margin" not in findings
    assert {file.stem for file in (runs / BASE / "by-hand" / "tables").iterdir()} == {"holdout", "lifetime_value"}


def test_a_mistake_in_the_parameters_is_told_without_a_traceback(
    make_base: Callable[..., Path], tmp_path: Path, runs: Path
) -> None:
    chapter = ROOT / "notebooks" / "02_portrait.ipynb"
    papermill(chapter, make_base("a,soon,1\n", name=BASE), tmp_path / "out.ipynb", runs)
    errors = [
        output
        for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert [error.ename for error in errors] == ["Refusal"]
    assert "soon" in "".join(errors[0].traceback)
    assert "Traceback" not in "".join(errors[0].traceback)


def _last_output(notebook: nbformat.NotebookNode) -> str:
    text: str = notebook.cells[-1].outputs[0].data["text/plain"]
    return text
