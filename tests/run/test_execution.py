"""The outcome of a chapter is read from its cells, since papermill's own word can't be trusted alone."""

from __future__ import annotations

from typing import Any

import pytest
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from customerbase.run.execution import failure_of


def cell(count: int | None, *outputs: Any, status: str = "completed", begun: bool = True) -> Any:
    marks = {"status": status, "start_time": "2024-01-01T00:00:00" if begun else None}
    return new_code_cell("x = 1", execution_count=count, outputs=list(outputs), metadata={"papermill": marks})


DONE = cell(1)
RAISED = cell(2, new_output("error", ename="ValueError", evalue="no\nway", traceback=[]), status="failed")
EXITED = cell(2, new_output("error", ename="SystemExit", evalue="0", traceback=[]))
DIED_AFTER_IT_BEGAN = cell(2)
DIED_AT_ONCE = cell(None)
# papermill calls even these completed when a kernel dies
NOT_BEGUN = cell(None, begun=False)
PENDING = cell(None, status="pending", begun=False)
NOTE = new_markdown_cell("text")
EMPTY = new_code_cell("")


@pytest.mark.parametrize(
    ("cells", "error", "at", "reason"),
    [
        ([NOTE, DONE, RAISED, NOT_BEGUN], None, 2, "ValueError: no way"),
        ([DONE, EXITED, NOT_BEGUN], None, 1, "SystemExit: 0"),
        (
            [DONE, NOTE, DIED_AFTER_IT_BEGAN, NOT_BEGUN],
            DeadKernelError("died"),
            2,
            "the kernel ended before this cell did",
        ),
        ([DONE, DIED_AT_ONCE, NOT_BEGUN], DeadKernelError("died"), 1, "the kernel ended before this cell did"),
        ([NOT_BEGUN], RuntimeError("kernel can't\nstart"), 0, "RuntimeError: kernel can't start"),
        ([DONE, PENDING], None, 1, "this cell did not run"),
        ([DONE, NOT_BEGUN], None, 1, "this cell did not run"),
    ],
)
def test_a_failure_is_found_where_it_happened(cells: list[Any], error: Exception | None, at: int, reason: str) -> None:
    found = failure_of(new_notebook(cells=cells), error)
    assert found is not None
    assert (found.cell, found.reason) == (at, reason)


def test_a_chapter_whose_every_cell_ran_has_not_failed() -> None:
    assert failure_of(new_notebook(cells=[NOTE, DONE, EMPTY, DONE]), None) is None
