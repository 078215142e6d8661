"""Executing one chapter, and judging for ourselves whether it went well."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from .kernel import ChapterKernel

ANSI = re.compile(r"\x1b\[[0-9;]*m")


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
    notebook: nbformat.NotebookNode,
    output: Path,
    parameters: Mapping[str, Any],
    kernel: ChapterKernel,
    on_cell: Callable[[], None],
) -> tuple[nbformat.NotebookNode, Failure | None]:
    """Execute a chapter with papermill.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The chapter; left as it is.
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
    import papermill

    clean = without_outputs(notebook)
    # papermill fills in {braces} in a path
    path = str(output).replace("{", "{{").replace("}", "}}")
    error: Exception | None = None
    try:
        papermill.execute_notebook(
            clean,
            path,
            parameters=dict(parameters),
            kernel_name="python3",
            progress_bar=False,
            km=kernel.manager,
            on_cell_executed=lambda **_: on_cell(),
        )
    except Exception as raised:  # whatever ends a chapter is that chapter's failure, told from its cells below
        error = raised
    executed = nbformat.read(output, as_version=4) if output.exists() else clean
    executed.cells = [cell for cell in executed.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    executed.metadata.get("papermill", {}).update(input_path=None, output_path=None)
    nbformat.write(executed, output)
    return executed, failure_of(executed, error)


def failure_of(executed: nbformat.NotebookNode, error: Exception | None) -> Failure | None:
    """Return what went wrong in an executed notebook; None only if every code cell ran to its end without error."""
    for index, cell in enumerate(executed.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                return Failure(index, _one_line(f"{output.ename}: {output.evalue}"))
        if cell.execution_count is None or cell.metadata.get("papermill", {}).get("status") != "completed":
            reason = f" ({type(error).__name__})" if error else ""
            return Failure(index, f"the kernel ended before this cell did{reason}")
    if error is not None:
        return Failure(len(executed.cells) - 1, _one_line(f"{type(error).__name__}: {error}"))
    return None


def without_outputs(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy of a notebook with nothing of an earlier execution in it."""
    clean = copy.deepcopy(notebook)
    clean.metadata.pop("papermill", None)
    for cell in clean.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return clean


def _one_line(text: str) -> str:
    return " ".join(ANSI.sub("", text).split())[:300]
