"""Executing one chapter, and judging for ourselves whether it went well."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Where it finds this package, jsonschema compiles a grammar of international addresses as it is imported. That takes
# longer than papermill does, and no notebook's schema has such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import nbformat  # noqa: E402
import papermill  # noqa: E402
from nbclient.exceptions import DeadKernelError  # noqa: E402
from papermill.engines import NBClientEngine, papermill_engines  # noqa: E402

from .kernel import ChapterKernel  # noqa: E402

MARKER = "papermill-error-cell-tag"  # of cells that papermill adds to a failed notebook
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class KeepingEngine(NBClientEngine):
    """papermill's engine, but a notebook is handed over when it ends, however it ends, not saved at every cell."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, keep: Callable[[nbformat.NotebookNode], None], **kwargs: Any
    ) -> None:
        """Execute a notebook, and hand it to `keep`."""
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
        finally:
            keep(nb_man.nb)


papermill_engines.register("keeping", KeepingEngine)


@dataclass(frozen=True)
class Failure:
    """Where and why a chapter stopped.

    Attributes
    ----------
    cell : int
        Index of the cell in the executed notebook.
    reason : str
        One line.
    """

    cell: int
    reason: str


def execute_chapter(
    chapter: Path,
    output: Path,
    parameters: Mapping[str, Any],
    kernel: ChapterKernel,
    on_cell: Callable[[], None],
) -> tuple[nbformat.NotebookNode, Failure | None]:
    """Execute a chapter with papermill.

    Parameters
    ----------
    chapter : Path
        The notebook; left as it is.
    output : Path
        Where the executed notebook is kept, also when it fails.
    parameters : mapping
        Names that the chapter's parameters cell knows, and their values.
    kernel : ChapterKernel
    on_cell : callable
        Called after every code cell.

    Returns
    -------
    executed : nbformat.NotebookNode
    failure : Failure or None
        papermill takes a killed kernel and ``sys.exit(0)`` for success, so the outcome is read from the cells.
    """
    notebooks = [without_outputs(nbformat.read(chapter, as_version=4))]
    error: Exception | None = None
    try:
        papermill.execute_notebook(
            notebooks[0],
            None,
            parameters=dict(parameters),
            engine_name="keeping",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            keep=notebooks.append,
            km=kernel.manager,
            on_cell_executed=lambda **_: on_cell(),
        )
    except Exception as raised:  # whatever ends a chapter is that chapter's failure, told from its cells below
        error = raised
    executed = notebooks[-1]
    executed.cells = [cell for cell in executed.cells if MARKER not in cell.metadata.get("tags", [])]
    executed.metadata.get("papermill", {}).update(input_path=None, output_path=None)
    failure = failure_of(executed, error)
    if failure:
        _show(failure, executed)
    nbformat.write(executed, output)
    return executed, failure


def failure_of(executed: nbformat.NotebookNode, error: Exception | None) -> Failure | None:
    """Return what went wrong in an executed notebook; None only if every code cell ran to its end without error."""
    code = {i: cell for i, cell in enumerate(executed.cells) if cell.cell_type == "code" and cell.source.strip()}
    for index, cell in code.items():
        for output in cell.outputs:
            if output.output_type == "error":
                return Failure(index, _one_line(f"{output.ename}: {output.evalue}"))
    marks = {index: cell.metadata.get("papermill", {}) for index, cell in code.items()}
    if error is not None:
        # a dead kernel leaves no output, and papermill then calls every cell completed: go by when each began
        begun = [index for index in code if marks[index].get("start_time")]
        died = isinstance(error, DeadKernelError)
        reason = "the kernel ended before this cell did" if died else _one_line(f"{type(error).__name__}: {error}")
        return Failure(begun[-1] if begun else 0, reason)
    for index, cell in code.items():
        if cell.execution_count is None or marks[index].get("status") != "completed":
            return Failure(index, "this cell did not run")
    return None


def _show(failure: Failure, executed: nbformat.NotebookNode) -> None:
    """Leave the reason in the failing cell, where a dead kernel left nothing."""
    cell = executed.cells[failure.cell]
    if cell.cell_type == "code" and not any(output.output_type == "error" for output in cell.outputs):
        reason = nbformat.v4.new_output("error", ename="Stopped", evalue=failure.reason, traceback=[failure.reason])
        cell.outputs.append(reason)


def without_outputs(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take everything of an earlier execution out of a notebook, and return it."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _one_line(text: str) -> str:
    return " ".join(ANSI.sub("", text).split())[:300]
