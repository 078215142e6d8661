"""The run: from a parameter file to a folder of pages, findings and tables."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Protocol

import nbformat

from ..chapter import as_of
from ..errors import Refusal
from ..findings import Finding, read_findings, write_findings
from ..ledger import Ledger, read_ledger
from ..parameters import Parameters, read_parameters
from ..project import NOTEBOOKS, ROOT
from ..store import write_table
from ..wording import count, day, plural
from .execution import Failure, execute_chapter
from .folder import RunFolder, new_run_folder
from .kernel import ChapterKernel

CHAPTERS = "[0-9][0-9]_*.ipynb"
KERNELS_AHEAD = 2


class Progress(Protocol):
    """Told of a run's progress."""

    def chapter_starts(self, name: str, cells: int) -> None:
        """A chapter with so many code cells begins."""

    def cell_done(self) -> None:
        """One code cell ended."""

    def chapter_ends(self, name: str, seconds: float, failure: str | None) -> None:
        """A chapter ended."""


@dataclass
class ChapterOutcome:
    """How one chapter went."""

    name: str
    title: str
    question: str
    seconds: float
    failure: str | None = None


@dataclass
class RunResult:
    """How a run went, and where it is.

    Attributes
    ----------
    folder : Path
    chapters : list of ChapterOutcome
    notes : list of str
        What a reader of the run should know about it.
    """

    folder: Path
    chapters: list[ChapterOutcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[ChapterOutcome]:
        """The chapters that failed."""
        return [chapter for chapter in self.chapters if chapter.failure]


@dataclass(frozen=True)
class ChapterFile:
    """A chapter as it lies in the notebooks' folder."""

    name: str
    notebook: nbformat.NotebookNode

    @property
    def title(self) -> str:
        """The first heading."""
        return self._prose("# ", self.name)

    @property
    def question(self) -> str:
        """The first line of text, which asks what the chapter answers."""
        return self._prose("", self.title).strip("*_ ")

    @property
    def code_cells(self) -> int:
        """How many cells run."""
        return sum(cell.cell_type == "code" for cell in self.notebook.cells)

    def _prose(self, prefix: str, otherwise: str) -> str:
        lines = (
            line for cell in self.notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
        )
        matching = (line for line in lines if (line.startswith(prefix) if prefix else line and line[0] != "#"))
        return next(matching, otherwise).removeprefix(prefix).strip()


def run_suite(
    parameter_file: Path, out: Path, *, only: Sequence[str] = (), progress: Progress, **overrides: Any
) -> RunResult:
    """Run the chapters on the base that a parameter file describes.

    Parameters
    ----------
    parameter_file : Path
    out : Path
        The run's folder is made in ``<out>/<base>/``.
    only : sequence of str
        Chapters to run; empty, all of them.
    progress : Progress
    **overrides
        Parameters that replace the file's.

    Returns
    -------
    RunResult

    Raises
    ------
    Refusal
        When the parameters or the ledger can't be used; then nothing was written.
    """
    started = datetime.now(UTC)
    parameters = read_parameters(parameter_file, **overrides)
    chapters = list(_chapters(only))
    _refuse_missing_side_tables(parameters)
    ledger = read_ledger(parameters.ledger)
    last_day = as_of(parameters, ledger.rows)
    base_folder = out / parameters.base
    try:
        with new_run_folder(base_folder) as folder:
            return _run(parameters, ledger, last_day, chapters, folder, started, progress)
    except PermissionError as reason:
        raise Refusal(f"--out: {base_folder} can't be written to: {reason.strerror}.") from None


def _run(
    parameters: Parameters,
    ledger: Ledger,
    last_day: Any,
    chapters: list[ChapterFile],
    folder: RunFolder,
    started: datetime,
    progress: Progress,
) -> RunResult:
    from .. import pages

    write_table(folder.path, "ledger", ledger.rows)
    write_table(folder.path, "quarantine", ledger.quarantine)
    result = RunResult(folder.path, notes=_notes(parameters, ledger, last_day))
    run_line = f"{parameters.base}, as of {day(last_day)}"
    navigation = [(chapter.name, chapter.title) for chapter in chapters]
    shown_parameters: dict[str, tuple[str, str, str]] = {}
    exports: list[Future[None]] = []

    with tempfile.TemporaryDirectory() as scratch, _kernels(chapters, folder.path, Path(scratch)) as kernels:
        with ThreadPoolExecutor(1) as exporter:
            for chapter, kernel in zip(chapters, kernels, strict=True):
                progress.chapter_starts(chapter.name, chapter.code_cells)
                begun = time.perf_counter()
                known = _parameters_of(chapter)
                given = {key: value for key, value in parameters.flat().items() if key in known}
                output = folder.path / "notebooks" / f"{chapter.name}.ipynb"
                executed, failure = execute_chapter(chapter.notebook, output, given, kernel, progress.cell_done)
                table = [(key, _worded(key, value), known[key]) for key, value in given.items() if value is not None]
                shown_parameters |= {row[0]: row for row in table}

                def export(executed: Any = executed, chapter: ChapterFile = chapter, table: Any = table, failure: Failure | None = failure) -> None:
                    page = pages.chapter_page(
                        executed,
                        name=chapter.name,
                        parameters=table,
                        chapters=navigation,
                        failed=failure is not None,
                        run_line=run_line,
                    )
                    (folder.path / "chapters" / f"{chapter.name}.html").write_text(page, encoding="utf-8")

                exports.append(exporter.submit(export))
                seconds = time.perf_counter() - begun
                reason = failure and failure.reason
                result.chapters.append(ChapterOutcome(chapter.name, chapter.title, chapter.question, seconds, reason))
                progress.chapter_ends(chapter.name, seconds, reason)
    for exported in exports:
        exported.result()

    findings = _gather_findings(folder.path, chapters)
    index = pages.index_page(
        title=f"Findings: {parameters.base}",
        run_line=run_line,
        findings=[asdict(finding) for finding in findings],
        chapters=[(chapter.name, chapter.title, chapter.question) for chapter in chapters],
        notes=[*(f"{c.title} failed, so this run is no basis for decisions." for c in result.failed), *result.notes],
        parameters=list(shown_parameters.values()),
    )
    (folder.path / "index.html").write_text(index, encoding="utf-8")
    _write_run_json(folder, parameters, ledger, last_day, result, started)
    result.folder = folder.set_aside("failed") if result.failed else folder.publish()
    return result


def _chapters(only: Sequence[str]) -> Iterator[ChapterFile]:
    files = {file.stem: file for file in sorted(NOTEBOOKS.glob(CHAPTERS))}
    unknown = [name for name in only if name.removesuffix(".ipynb") not in files]
    if unknown:
        raise Refusal(f"--only: there is no chapter '{unknown[0]}'; there is: {', '.join(files)}.")
    wanted = {name.removesuffix(".ipynb") for name in only} or files.keys()
    for name, file in files.items():
        if name in wanted:
            yield ChapterFile(name, nbformat.read(file, as_version=4))


def _refuse_missing_side_tables(parameters: Parameters) -> None:
    sides = {"customers": parameters.customers, "events": parameters.events, "spending": parameters.spending}
    problems = [
        f"{name}.path: there is no {ROOT / side.path}."
        for name, side in sides.items()
        if side is not None and not (ROOT / side.path).exists()
    ]
    if problems:
        raise Refusal(*problems)


@contextmanager
def _kernels(chapters: list[ChapterFile], run_folder: Path, scratch: Path) -> Iterator[Iterable[ChapterKernel]]:
    """Give each chapter its kernel in turn, the next ones starting while one is at work."""
    started: list[ChapterKernel] = []

    def start_up_to(number: int) -> None:
        for chapter in chapters[len(started) : number]:
            started.append(ChapterKernel(chapter.notebook, run_folder, scratch))

    def in_turn() -> Iterator[ChapterKernel]:
        for index in range(len(chapters)):
            start_up_to(index + KERNELS_AHEAD)
            yield started[index]
            started[index].stop()

    start_up_to(KERNELS_AHEAD)
    try:
        yield in_turn()
    finally:
        for kernel in started:
            kernel.stop()


def _parameters_of(chapter: ChapterFile) -> dict[str, str]:
    """Return the names in a chapter's parameters cell, each with its comment."""
    from papermill.translators import PythonTranslator

    tagged = (cell for cell in chapter.notebook.cells if "parameters" in cell.metadata.get("tags", []))
    return {p.name: p.help.strip() for cell in tagged for p in PythonTranslator.inspect(cell)}


def _worded(key: str, value: Any) -> str:
    if key == "ledger":
        columns = ", ".join(f"{meaning} is {name}" for meaning, name in value["columns"].items())
        return f"{Path(value['path']).name} ({columns})"
    return f"{value:,}" if isinstance(value, int) and key != "seed" else str(value)


def _notes(parameters: Parameters, ledger: Ledger, last_day: Any) -> list[str]:
    rows = ledger.rows
    later = int((rows["date"].dt.date() > last_day).sum())
    notes = [
        f"{plural(ledger.rows_read, 'row')} of the ledger read, {count(rows.height)} used, "
        f"{count(ledger.quarantine.height)} set aside."
    ]
    if later:
        notes.append(f"{plural(later, 'row')} dated after {day(last_day)} {'is' if later == 1 else 'are'} left out.")
    returns = int((rows["kind"] == "return").sum())
    if returns:
        notes.append(f"{plural(returns, 'return')} taken off revenue and not counted as purchases.")
    unused = [name for name in ("customers", "events", "spending") if getattr(parameters, name) is not None]
    if unused:
        notes.append(f"No chapter reads these yet: {', '.join(unused)}.")
    return notes


def _gather_findings(run_folder: Path, chapters: list[ChapterFile]) -> list[Finding]:
    files = (run_folder / "findings" / f"{chapter.name}.json" for chapter in chapters)
    findings = [finding for file in files if file.exists() for finding in read_findings(file)]
    write_findings(run_folder / "findings.json", findings)
    return findings


def _write_run_json(
    folder: RunFolder, parameters: Parameters, ledger: Ledger, last_day: Any, result: RunResult, started: datetime
) -> None:
    ended = datetime.now(UTC)
    record = {
        "base": parameters.base,
        "run": folder.run_id,
        "status": "failed" if result.failed else "succeeded",
        "parameters": parameters.flat(),
        "as_of": str(last_day),
        "seed": parameters.seed,
        "ledger": {
            "fingerprint": ledger.fingerprint,
            "rows_read": ledger.rows_read,
            "rows_used": ledger.rows.height,
            "rows_quarantined": ledger.quarantine.height,
        },
        "notes": result.notes,
        "chapters": [
            {"name": c.name, "status": "failed" if c.failure else "succeeded", "failure": c.failure, "seconds": round(c.seconds, 2)}
            for c in result.chapters
        ],
        "versions": {"python": sys.version.split()[0]} | dict(sorted((d.name, d.version) for d in distributions())),
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": round((ended - started).total_seconds(), 2),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    (folder.path / "run.json").write_text(text + "\n", encoding="utf-8")
