"""Executing chapters in this very process: what a kernel of their own would show, without its start."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from customerbase.chapter import RUN_FOLDER
from customerbase.intake import take_in
from customerbase.parameters import read_parameters
from customerbase.run.taken_in import write_intake

ROOT = Path(__file__).resolve().parents[1]
NEVER_WRITTEN = Config({"HistoryManager": {"enabled": False}})


def words_of_chapters(parameter_file: Path, run_folder: Path) -> Iterator[tuple[str, str]]:
    """Execute the chapters on a base as its run does, and yield each one's name and the words that it shows.

    Parameters
    ----------
    parameter_file : Path
    run_folder : Path
        An empty folder, which gets the tables, lists and findings.
    """
    parameters = read_parameters(parameter_file)
    write_intake(run_folder, take_in(parameters, today=dt.date.today()), parameters)
    flat = parameters.flat()
    given = "\n".join(["# Parameters", *(f"{name} = {value!r}" for name, value in flat.items())])
    with _shell() as shell, pytest.MonkeyPatch.context() as patched:
        patched.setenv(RUN_FOLDER, str(run_folder))
        for notebook in sorted((ROOT / "notebooks").glob("0*.ipynb")):
            cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
            shell.reset(new_session=False)
            shell.user_ns["In"] = [given]
            shown = []
            for cell in cells:
                shown.append(_words(shell, cell.source))
                if "parameters" in cell.metadata.get("tags", []):
                    _words(shell, given)
            yield notebook.stem, " ".join(shown)


@contextmanager
def _shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance(config=NEVER_WRITTEN)
    try:
        yield shell
    finally:
        InteractiveShell.clear_instance()


def _words(shell: InteractiveShell, source: str) -> str:
    with capture_output() as captured:
        shell.run_cell(source).raise_error()
    return " ".join([captured.stdout, *(_of_output(output.data) for output in captured.outputs)])


def _of_output(data: dict[str, str]) -> str:
    soup = BeautifulSoup(data.get("text/html", data.get("text/markdown", data.get("text/plain", ""))), "html.parser")
    return " ".join([soup.get_text(" "), *(str(image["alt"]) for image in soup.find_all("img"))])
