"""The run: from a parameter file to a folder of pages, findings and tables."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import polars as pl

from ..chapter import as_of, up_to
from ..findings import QUESTIONS, Finding, read_findings, write_findings
from ..intake import Intake, take_in, today
from ..ledger.returns import NET
from ..parameters import Parameters, read_parameters
from ..project import LATEST
from ..store import read_table
from ..wording import count, day, plural, printable
from .chapter_file import ChapterFile, chapter_files
from .dossiers import KEY_ACCOUNTS, key_account_sheets
from .folder import RunFolder, new_run_folder
from .front_page import about_accounts, lists_of
from .sheets import Desk, Outcome, Progress, Sheet, execute_sheets
from .taken_in import write_intake

SILENCE_WORTH_A_WORD = 31  # days


@dataclass
class RunResult:
    """How a run went, and where it is.

    Attributes
    ----------
    folder : Path
    chapters : list of Outcome
    dossiers : list of Outcome
        Of the key accounts.
    notes : list of str
        What a reader of the run should know about it.
    """

    folder: Path
    chapters: list[Outcome] = field(default_factory=list)
    dossiers: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Outcome]:
        """The chapters and dossiers that failed."""
        return [sheet for sheet in (*self.chapters, *self.dossiers) if sheet.failure]


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
    desk = Desk(
        folder.path,
        folder.path / "notebooks",
        folder.path / "chapters",
        f"{parameters.base}, as of {day(last_day)}",
        [(chapter.name, chapter.title) for chapter in chapters],
    )
    executed = execute_sheets([Sheet.of(chapter) for chapter in chapters], parameters.flat(), desk, progress)
    result.chapters = executed.outcomes
    customers = up_to(intake.ledger.rows, last_day)["customer"].unique()
    if not result.failed and KEY_ACCOUNTS in {chapter.name for chapter in chapters}:
        dossiers, about_them = key_account_sheets(folder.path, parameters, customers)
        result.dossiers = execute_sheets(dossiers, parameters.flat(), desk, progress, ahead=2).outcomes
        result.notes += about_them
    table = read_table(folder.path, "customers")
    accounts = [made.customer for made in result.dossiers if made.customer is not None]
    about = {} if table is None else about_accounts(table, accounts)
    index = pages.index_page(
        title=f"Findings: {parameters.base}",
        run_line=desk.run_line,
        findings=[asdict(finding) for finding in _gather_findings(folder.path, chapters)],
        questions=QUESTIONS,
        chapters=[(chapter.name, chapter.title, chapter.question) for chapter in chapters],
        notes=result.notes,
        parameters=list(executed.parameters.values()),
        dossiers=[
            (printable(made.customer), made.name, about.get(made.customer or "", "")) for made in result.dossiers
        ],
        lists=[] if table is None else lists_of(folder.path, table),
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


def _notes(parameters: Parameters, intake: Intake, last_day: dt.date) -> list[str]:
    rows = intake.ledger.rows
    account = intake.ledger.account
    later = int((rows["date"].dt.date() > last_day).sum())
    notes = [
        f"{plural(account.rows_read, 'row')} of the ledger read, {count(account.rows_used)} used, "
        f"{count(account.rows_quarantined)} set aside."
    ]
    for section, side in intake.side_tables.items():
        if aside := side.quarantine.height:
            read = sum(table.rows for table in side.tables)
            notes.append(f"{plural(read, 'row')} of {section} read, {count(aside)} set aside in the table quarantine.")
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


def _recorded(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "status": "failed" if outcome.failure else "succeeded",
        "failure": outcome.failure,
        "seconds": round(outcome.seconds, 2),
    }


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
        "chapters": [_recorded(outcome) for outcome in result.chapters],
        "dossiers": [{"customer": outcome.customer} | _recorded(outcome) for outcome in result.dossiers],
        "versions": _versions(),
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": round((ended - started).total_seconds(), 2),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    (folder.path / "run.json").write_text(text + "\n", encoding="utf-8")
