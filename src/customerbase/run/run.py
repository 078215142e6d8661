"""The run: from a parameter file to a folder of pages, findings and tables."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from ..chapter import as_of, up_to
from ..findings import QUESTIONS, Finding, read_findings, write_findings
from ..intake import Intake, take_in, today
from ..ledger.returns import NET
from ..parameters import Parameters, read_parameters
from ..project import LATEST
from ..wording import count, day, plural
from .chapter_file import ChapterFile, chapter_files
from .folder import RunFolder, new_run_folder
from .kernel import ChapterKernel
from .taken_in import write_intake

SILENCE_WORTH_A_WORD = 31  # days

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


@dataclass
class ChapterOutcome:
    """How one chapter went."""

    name: str
    title: str
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
    chapters = chapter_files(only)
    last_run = out / parameters.base / LATEST
    intake = take_in(parameters, today=today(), last_run=last_run, progress=progress.intake_step)
    last_day = as_of(parameters, intake.ledger.rows)
    with new_run_folder(out / parameters.base) as folder:
        return _run(parameters, intake, last_day, chapters, folder, started, progress)


def _run(
    parameters: Parameters,
    intake: Intake,
    last_day: dt.date,
    chapters: list[ChapterFile],
    folder: RunFolder,
    started: datetime,
    progress: Progress,
) -> RunResult:
    from .. import pages

    write_intake(folder.path, intake, parameters)
    result = RunResult(folder.path, notes=_notes(parameters, intake, last_day))
    if len(chapters) < len(chapter_files()):
        result.notes.insert(0, f"Only a part of the suite was run: {', '.join(chapter.name for chapter in chapters)}.")
    run_line = f"{parameters.base}, as of {day(last_day)}"
    shown = _execute_all(parameters, chapters, folder, run_line, result, progress)
    index = pages.index_page(
        title=f"Findings: {parameters.base}",
        run_line=run_line,
        findings=[asdict(finding) for finding in _gather_findings(folder.path, chapters)],
        questions=QUESTIONS,
        chapters=[(chapter.name, chapter.title, chapter.question) for chapter in chapters],
        notes=result.notes,
        parameters=shown,
        warning=_warning(result),
    )
    (folder.path / "index.html").write_text(index, encoding="utf-8")
    _write_run_json(folder, parameters, intake, last_day, result, started)
    result.folder = folder.set_aside("failed") if result.failed else folder.publish()
    return result


def _warning(result: RunResult) -> str:
    if not result.failed:
        return ""
    return f"This run failed and is no basis for decisions: {', '.join(c.title for c in result.failed)} did not end."


def _execute_all(
    parameters: Parameters,
    chapters: list[ChapterFile],
    folder: RunFolder,
    run_line: str,
    result: RunResult,
    progress: Progress,
) -> list[ShownParameter]:
    """Execute the chapters in order, and write each one's page while the next one runs."""
    navigation = [(chapter.name, chapter.title) for chapter in chapters]
    shown: dict[str, ShownParameter] = {}
    with (
        tempfile.TemporaryDirectory() as scratch,
        _kernels(chapters, folder.path, Path(scratch)) as kernels,
        ThreadPoolExecutor(1) as exporter,
    ):
        # imported here, while the kernels start: papermill takes as long to import as they do
        from .execution import execute_chapter

        pages: list[Future[None]] = []
        for chapter, kernel in zip(chapters, kernels, strict=True):
            progress.chapter_starts(chapter.name, len(chapter.code))
            begun = time.perf_counter()
            known = chapter.parameters()
            given = {key: value for key, value in parameters.flat().items() if key in known}
            output = folder.path / "notebooks" / f"{chapter.name}.ipynb"
            executed, failure = execute_chapter(chapter.file, output, given, kernel, progress.cell_done)
            own = [(key, _worded(key, value), known[key]) for key, value in given.items() if value is not None]
            shown |= {row[0]: row for row in own}
            page = folder.path / "chapters" / f"{chapter.name}.html"
            pages.append(exporter.submit(_write_page, page, executed, own, navigation, failure is not None, run_line))
            reason = failure.reason if failure else None
            seconds = time.perf_counter() - begun
            result.chapters.append(ChapterOutcome(chapter.name, chapter.title, seconds, reason))
            progress.chapter_ends(chapter.name, seconds, reason)
        for written in pages:
            written.result()
    return list(shown.values())


def _write_page(
    page: Path,
    executed: Any,
    parameters: list[ShownParameter],
    chapters: list[tuple[str, str]],
    failed: bool,
    run_line: str,
) -> None:
    from .. import pages

    html = pages.chapter_page(
        executed, name=page.stem, parameters=parameters, chapters=chapters, failed=failed, run_line=run_line
    )
    page.write_text(html, encoding="utf-8")


@contextmanager
def _kernels(chapters: list[ChapterFile], run_folder: Path, scratch: Path) -> Iterator[Iterable[ChapterKernel]]:
    """Give each chapter its kernel in turn, the next one starting while one is at work: that keeps two cores busy."""
    started: list[ChapterKernel] = []

    def start_up_to(number: int) -> None:
        for chapter in chapters[len(started) : number]:
            started.append(ChapterKernel(chapter.code, run_folder, scratch))

    def in_turn() -> Iterator[ChapterKernel]:
        for index in range(len(chapters)):
            start_up_to(index + 2)
            yield started[index]
            started[index].stop()

    start_up_to(1)
    try:
        yield in_turn()
    finally:
        for kernel in started:
            kernel.stop()


def _worded(key: str, value: Any) -> str:
    if key == "ledger":
        columns = ", ".join(f"{meaning} is {name}" for meaning, name in value["columns"].items())
        return f"{Path(value['path']).name} ({columns})"
    return f"{value:,}" if isinstance(value, int) and key != "seed" else str(value)


def _notes(parameters: Parameters, intake: Intake, last_day: dt.date) -> list[str]:
    rows = intake.ledger.rows
    account = intake.ledger.account
    later = int((rows["date"].dt.date() > last_day).sum())
    notes = [
        f"{plural(account.rows_read, 'row')} of the ledger read, {count(account.rows_used)} used, "
        f"{count(account.rows_quarantined)} set aside."
    ]
    if later:
        dated = f"{plural(later, 'row')} dated after {day(last_day)} {'is' if later == 1 else 'are'} left out"
        notes.append(f"{dated}, but for the table ledger.")
    ended = rows.filter(pl.col("date").dt.date() <= last_day)["date"].dt.date().max()
    if isinstance(ended, dt.date) and (last_day - ended).days > SILENCE_WORTH_A_WORD:
        notes.append(
            f"The ledger's last row is of {day(ended)}, {plural((last_day - ended).days, 'day')} before as_of."
        )
    notes += _about_returns(up_to(rows, last_day))
    notes += [note for side in intake.side_tables.values() for note in side.notes]
    if intake.identities is not None:
        notes += intake.identities.notes
    return notes


def _about_returns(rows: pl.DataFrame) -> list[str]:
    returns = rows.filter(pl.col("kind") == "return")
    open_ones = returns.filter(pl.col(NET) < 0).height
    if returns.is_empty():
        return []
    matched = f"{plural(returns.height - open_ones, 'return')} set against the purchase undone"
    left = f"{count(open_ones)} that name no known purchase come off the customer's revenue only"
    return [f"Returns are no purchases: {matched}; {left}."]


def _gather_findings(run_folder: Path, chapters: list[ChapterFile]) -> list[Finding]:
    files = (run_folder / "findings" / f"{chapter.name}.json" for chapter in chapters)
    findings = [finding for file in files if file.exists() for finding in read_findings(file)]
    write_findings(run_folder / "findings.json", findings)
    return findings


def _versions() -> dict[str, str]:
    """Return the versions of Python, this package and what it depends on; the lock says the rest."""
    needed = (requirement for requirement in requires("customerbase") or () if "extra ==" not in requirement)
    packages = ["customerbase", *sorted(re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in needed)]
    return {"python": sys.version.split()[0]} | {package: version(package) for package in packages}


def _write_run_json(
    folder: RunFolder,
    parameters: Parameters,
    intake: Intake,
    last_day: dt.date,
    result: RunResult,
    started: datetime,
) -> None:
    ended = datetime.now(UTC)
    account = intake.ledger.account
    record = {
        "base": parameters.base,
        "run": folder.run_id,
        "status": "failed" if result.failed else "succeeded",
        "parameters": parameters.flat(),
        "as_of": str(last_day),
        "seed": parameters.seed,
        "ledger": {
            "fingerprint": intake.ledger.fingerprint,
            "rows_read": account.rows_read,
            "rows_used": account.rows_used,
            "rows_quarantined": account.rows_quarantined,
            "amount_read": account.amount_read,
            "amount_used": account.amount_used,
            "amount_quarantined": account.amount_quarantined,
        },
        "fingerprints": {section: side.fingerprint for section, side in intake.side_tables.items()},
        "notes": result.notes,
        "chapters": [
            {
                "name": c.name,
                "status": "failed" if c.failure else "succeeded",
                "failure": c.failure,
                "seconds": round(c.seconds, 2),
            }
            for c in result.chapters
        ],
        "versions": _versions(),
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": round((ended - started).total_seconds(), 2),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    (folder.path / "run.json").write_text(text + "\n", encoding="utf-8")
