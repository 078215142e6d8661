"""nbval over the committed notebooks compares real outputs, and would notice if one were wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of runs, in which a chapter finds the tables that the ones before it have left."""
    return tmp_path_factory.mktemp("runs")


def nbval(*notebooks: Path, cwd: Path, runs: Path) -> subprocess.CompletedProcess[str]:
    """Run nbval as the README does: cells tagged nbval-check-output are compared, the others must run."""
    words = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-q", "-p", "no:cacheprovider"]
    config = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(cwd)]
    environment = os.environ | {"CUSTOMERBASE_RUNS": str(runs)}
    return subprocess.run(
        [*words, *config, *map(str, notebooks)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda file: file.stem)
def test_a_chapter_run_again_shows_what_is_stored(chapter: Path, tmp_path: Path, runs: Path) -> None:
    ended = nbval(chapter, cwd=tmp_path, runs=runs)
    assert ended.returncode == 0, ended.stdout
    cells = sum(cell.cell_type == "code" for cell in nbformat.read(chapter, as_version=4).cells)
    assert f"{cells} passed" in ended.stdout


def test_nbval_fails_when_a_stored_number_is_changed(tmp_path: Path, runs: Path) -> None:
    chapter = ROOT / "notebooks" / "02_portrait.ipynb"
    notebook = nbformat.read(chapter, as_version=4)
    compared = [cell for cell in notebook.cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    output = next(cell.outputs[0] for cell in compared if "23,570" in cell.outputs[0].data["text/plain"])
    for kind in ("text/plain", "text/html"):
        assert "23,570" in output.data[kind]
        output.data[kind] = re.sub("23,570", "23,571", output.data[kind])
    nbformat.write(notebook, tmp_path / chapter.name)
    ended = nbval(tmp_path / chapter.name, cwd=tmp_path, runs=runs)
    assert ended.returncode == 1
    assert "1 failed" in ended.stdout
    assert "23,571" in ended.stdout
