"""Notebooks executed one after the other: the next kernel starts, and pages are written, while one is at work."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .chapter_file import ChapterFile
from .kernel import ChapterKernel

ShownParameter = tuple[str, str, str]  # name, value in words, comment


class Progress(Protocol):
    """Told of a run's progress."""

    def intake_step(self, step: str) -> None:
        """Note what is being done before the chapters begin."""

    def chapter_starts(self, name: str, cells: int) -> None:
        """Note that a chapter with so many code cells begins."""

    def cell_done(self) -> None:
        """Note that one code cell ended."""

    def chapter_ends(self, name: str, seconds: float, failure: str | None) -> None:
        """Note that a chapter ended."""


@dataclass(frozen=True)
class Sheet:
    """A notebook to execute: a chapter, or the dossier of one customer.

    Attributes
    ----------
    chapter : ChapterFile
    name : str
        Of the executed notebook and its page, without the ending.
    title : str
    customer : str or None
        Whose dossier it is.
    """

    chapter: ChapterFile
    name: str
    title: str
    customer: str | None = None

    @classmethod
    def of(cls, chapter: ChapterFile) -> Sheet:
        """Return a chapter of the suite as it is."""
        return cls(chapter, chapter.name, chapter.title)


@dataclass
class Outcome:
    """How one sheet went.

    Attributes
    ----------
    name, title : str
    seconds : float
    failure : str or None
        Why it failed, in one line.
    customer : str or None
        Whose dossier it is.
    """

    name: str
    title: str
    seconds: float
    failure: str | None = None
    customer: str | None = None


@dataclass(frozen=True)
class Desk:
    """Where sheets are executed, and where what comes of them goes.

    Attributes
    ----------
    run_folder : Path
        Its tables are read and written.
    notebooks, pages : Path
        Folders of the executed notebooks and of their pages.
    run_line : str
        What is run, in a few words.
    navigation : sequence of (str, str)
        Name and title of every page of the suite that lies beside these.
    home : str
        Where the findings page is, seen from the pages; empty, there is none.
    """

    run_folder: Path
    notebooks: Path
    pages: Path
    run_line: str
    navigation: Sequence[tuple[str, str]] = ()
    home: str = "../index.html"


@dataclass
class Executed:
    """What came of several sheets.

    Attributes
    ----------
    outcomes : list of Outcome
    parameters : dict
        Every parameter that a sheet took, by name, as a page shows it.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    parameters: dict[str, ShownParameter] = field(default_factory=dict)


def execute_sheets(
    sheets: Sequence[Sheet], parameters: Mapping[str, Any], desk: Desk, progress: Progress, *, ahead: int = 1
) -> Executed:
    """Execute sheets in order, and write each one's page while the next one runs.

    Parameters
    ----------
    sheets : sequence of Sheet
    parameters : mapping
        Every parameter by name; a sheet is given those that it knows.
    desk : Desk
    progress : Progress
    ahead : int, default 1
        How many kernels start while one is at work. A dossier is done before one more has started, so two cores stay
        busy with 2.

    Returns
    -------
    Executed
        One that failed doesn't keep the others from being executed.
    """
    done = Executed()
    with (
        tempfile.TemporaryDirectory() as scratch,
        _kernels([sheet.chapter for sheet in sheets], desk.run_folder, Path(scratch), ahead) as kernels,
        ThreadPoolExecutor(1) as exporter,
    ):
        # imported here, while the kernels start: papermill takes as long to import as they do
        from .execution import execute_chapter

        pages: list[Future[None]] = []
        for sheet, kernel in zip(sheets, kernels, strict=True):
            progress.chapter_starts(sheet.name, len(sheet.chapter.code))
            begun = time.perf_counter()
            known = sheet.chapter.parameters()
            values = parameters if sheet.customer is None else {**parameters, "customer": sheet.customer}
            given = {key: value for key, value in values.items() if key in known}
            output = desk.notebooks / f"{sheet.name}.ipynb"
            executed, failure = execute_chapter(sheet.chapter.file, output, given, kernel, progress.cell_done)
            shown = [(key, worded(key, value), known[key]) for key, value in given.items() if value is not None]
            pages.append(exporter.submit(_write_page, desk, sheet, executed, shown, failure is not None))
            reason = failure.reason if failure else None
            seconds = time.perf_counter() - begun
            done.outcomes.append(Outcome(sheet.name, sheet.title, seconds, reason, sheet.customer))
            done.parameters |= {row[0]: row for row in shown}
            progress.chapter_ends(sheet.name, seconds, reason)
        for written in pages:
            written.result()
    return done


def worded(key: str, value: Any) -> str:
    """Return a parameter's value as a page shows it."""
    if isinstance(value, dict) and "path" in value:
        columns = ", ".join(f"{meaning} is {name}" for meaning, name in value["columns"].items())
        return f"{Path(value['path']).name} ({columns})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(worded(key, each) for each in value)
    return f"{value:,}" if isinstance(value, int) and key != "seed" else str(value)


def _write_page(desk: Desk, sheet: Sheet, executed: Any, parameters: list[ShownParameter], failed: bool) -> None:
    from .. import pages

    beside = list(desk.navigation)
    if sheet.name not in dict(beside):
        beside.append((sheet.name, sheet.title))
        executed = _without_title(executed)
    html = pages.chapter_page(
        executed,
        name=sheet.name,
        # those of a dossier are the run's, or the command's
        parameters=parameters if sheet.customer is None else [],
        chapters=beside,
        failed=failed,
        run_line=desk.run_line,
        home=desk.home,
    )
    (desk.pages / f"{sheet.name}.html").write_text(html, encoding="utf-8")


def _without_title(notebook: Any) -> Any:
    """Take the heading out of a copy, so that the page is called by the customer and not by the notebook."""
    untitled, first = copy.copy(notebook), copy.copy(notebook.cells[0])
    first["source"] = first["source"].partition("\n")[2]
    untitled["cells"] = [first, *notebook.cells[1:]]
    return untitled


@contextmanager
def _kernels(
    chapters: list[ChapterFile], run_folder: Path, scratch: Path, ahead: int
) -> Iterator[Iterable[ChapterKernel]]:
    """Give each chapter its kernel in turn, the next ones starting while one is at work: that keeps two cores busy."""
    started: list[ChapterKernel] = []

    def start_up_to(number: int) -> None:
        for chapter in chapters[len(started) : number]:
            started.append(ChapterKernel(chapter.code, run_folder, scratch))

    def in_turn() -> Iterator[ChapterKernel]:
        for index in range(len(chapters)):
            start_up_to(index + 1 + ahead)
            yield started[index]
            started[index].stop()

    start_up_to(ahead)
    try:
        yield in_turn()
    finally:
        for kernel in started:
            kernel.stop()
