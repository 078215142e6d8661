"""A failed run never looks like a good one, whatever ended it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from customerbase.run import RunResult, chapter_file, run_suite

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")

FAILURES = {
    "an error": ("x = 1\n1 / 0", "ZeroDivisionError"),
    "sys.exit(0)": ("import sys\nsys.exit(0)", "SystemExit"),
    "a killed kernel": ("import os\nos._exit(0)", "kernel ended"),
    "a kernel killed from outside": ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "kernel ended"),
    "a syntax error": ("def", "SyntaxError"),
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
}


class Silent:
    """Progress that nobody watches."""

    def intake_step(self, step: str) -> None: ...

    def chapter_starts(self, name: str, cells: int) -> None: ...

    def cell_done(self) -> None: ...

    def chapter_ends(self, name: str, seconds: float, failure: str | None) -> None: ...


def write_chapter(folder: Path, name: str, *cells: str) -> None:
    """Write a chapter of plain code cells, so that nothing heavy is imported."""
    notebook = nbformat.v4.new_notebook()
    parameters = nbformat.v4.new_code_cell('base: str = "x"  # names the run folder', metadata={"tags": ["parameters"]})
    heading = nbformat.v4.new_markdown_cell(f"# {name}\n\nWhat is it?")
    # an output of an earlier execution must not be taken for one of this run
    stale = nbformat.v4.new_output("stream", text="stale output")
    code = [nbformat.v4.new_code_cell(cell, execution_count=7, outputs=[stale]) for cell in cells]
    notebook.cells = [heading, parameters, *code]
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture
def notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(chapter_file, "NOTEBOOKS", folder)
    return folder


@pytest.fixture
def run(make_base: Callable[..., Path], tmp_path: Path) -> Callable[[], RunResult]:
    file = make_base("a,2024-01-01,10\n")
    return lambda: run_suite(file, tmp_path / "out", progress=Silent())


@pytest.mark.parametrize("case", FAILURES)
def test_whatever_ends_a_chapter_fails_the_run(case: str, notebooks: Path, run: Callable[[], RunResult]) -> None:
    code, reason = FAILURES[case]
    write_chapter(notebooks, "01_first", "print('ok')")
    write_chapter(notebooks, "02_second", "print('before')", code, "print('never reached')")
    result = run()
    assert [chapter.name for chapter in result.failed] == ["02_second"]
    assert reason in (result.failed[0].failure or "")
    assert result.folder.name.endswith("-failed")
    assert json.loads((result.folder / "run.json").read_text(encoding="utf-8"))["status"] == "failed"
    assert not (result.folder.parent / "latest").exists()
    page = (result.folder / "chapters" / "02_second.html").read_text(encoding="utf-8")
    assert "failed" in page
    assert code.splitlines()[-1].split("(")[0] in page
    assert "stale output" not in page
    assert "never reached" not in page


def test_a_good_run_after_a_failed_one_is_latest_and_stays_so(notebooks: Path, run: Callable[[], RunResult]) -> None:
    write_chapter(notebooks, "01_first", "1 / 0")
    run()
    write_chapter(notebooks, "01_first", "print('ok')")
    good = run()
    latest = good.folder.parent / "latest"
    assert latest.resolve() == good.folder.resolve()
    write_chapter(notebooks, "01_first", "1 / 0")
    run()
    assert latest.resolve() == good.folder.resolve()


def test_the_kernel_is_that_of_this_environment_whatever_is_registered(
    notebooks: Path, run: Callable[[], RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["/no/such/python", "-f", "{connection_file}"], "display_name": "decoy", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    write_chapter(notebooks, "01_first", f"import sys\nassert sys.prefix == {sys.prefix!r}, sys.prefix")
    assert not run().failed


def test_two_runs_at_once_do_not_meet(notebooks: Path, make_base: Callable[..., Path], tmp_path: Path) -> None:
    write_chapter(notebooks, "01_first", "import time\ntime.sleep(1)")
    file = make_base("a,2024-01-01,10\n")
    started = [_start_run(file, notebooks, tmp_path / "out") for _ in range(3)]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    runs = sorted(entry for entry in (tmp_path / "out" / "small").iterdir() if entry.name != "latest")
    assert len(runs) == 3
    assert all((folder / "run.json").exists() for folder in runs)


@POSIX
def test_after_kill_9_the_next_run_works_and_latest_is_the_last_good_one(
    notebooks: Path, make_base: Callable[..., Path], tmp_path: Path
) -> None:
    file, out = make_base("a,2024-01-01,10\n"), tmp_path / "out"
    write_chapter(notebooks, "01_first", "print('ok')")
    assert _start_run(file, notebooks, out).wait(timeout=120) == 0
    latest = out / "small" / "latest"
    good = latest.resolve()

    write_chapter(
        notebooks, "01_first", f"open({str(tmp_path / 'reached')!r}, 'w').close()\nimport time; time.sleep(60)"
    )
    killed = _start_run(file, notebooks, out)
    _wait_for(tmp_path / "reached")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert latest.resolve() == good

    write_chapter(notebooks, "01_first", "print('ok')")
    assert _start_run(file, notebooks, out).wait(timeout=120) == 0
    assert latest.resolve() != good
    names = sorted(entry.name for entry in (out / "small").iterdir())
    assert sum(name.endswith("-interrupted") for name in names) == 1
    assert not [name for name in names if name.startswith(".building")]


@POSIX
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_set_aside(
    how: signal.Signals, notebooks: Path, make_base: Callable[..., Path], tmp_path: Path
) -> None:
    write_chapter(
        notebooks, "01_first", f"open({str(tmp_path / 'reached')!r}, 'w').close()\nimport time; time.sleep(60)"
    )
    process = _start_run(make_base("a,2024-01-01,10\n"), notebooks, tmp_path / "out")
    _wait_for(tmp_path / "reached")
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in said
    assert [entry.name[-12:] for entry in (tmp_path / "out" / "small").iterdir()] == ["-interrupted"]


def _start_run(file: Path, notebooks: Path, out: Path) -> subprocess.Popen[str]:
    """Start the command on another folder of notebooks."""
    program = (
        "import sys; from pathlib import Path\n"
        "from customerbase import cli; from customerbase.run import chapter_file\n"
        f"chapter_file.NOTEBOOKS = Path({str(notebooks)!r})\n"
        f"sys.argv = ['customerbase', 'run', {str(file)!r}, '--out', {str(out)!r}]\n"
        "cli.main()"
    )
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, "the chapter never started"
        time.sleep(0.05)
