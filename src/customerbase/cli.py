"""The command ``customerbase``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from .errors import Refusal, Unbalanced
from .project import PARAMS, ROOT, RUNS

DONE, CHAPTER_FAILED, REFUSED = 0, 1, 2

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def customerbase() -> None:
    """Customer-base analysis from one ledger of purchases."""


@app.command()
def run(
    parameters: Annotated[Path, typer.Argument(help="The parameter file of the customer base.")] = PARAMS / "cdnow.yml",
    out: Annotated[Path, typer.Option(help="Where runs are kept.")] = RUNS,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run only these chapters, such as 04_lifetime_value.", show_default=False),
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The last day observed, such as 1998-06-30.")] = None,
) -> None:
    """Run the chapters on a customer base and write its findings page.

    Ends with 0 when done, 1 when a chapter failed, 2 when the parameters or the ledger were refused and nothing ran.
    """
    from .run import run_suite

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _ShownProgress() as progress, _refusals_told("Nothing was run."):
        try:
            result = run_suite(parameters, out.resolve(), only=only or (), progress=progress, **_observed_until(as_of))
        except KeyboardInterrupt:
            _console(stderr=True).print(
                "Interrupted. What was done so far is kept aside; the last good run is untouched."
            )
            raise typer.Exit(CHAPTER_FAILED) from None
    say = _console().print
    for note in result.notes:
        say(note)
    for sheet in result.failed:
        say(f"{sheet.name} failed: {sheet.failure}")
        say(f"See {(result.folder / 'chapters' / f'{sheet.name}.html').as_uri()}")
    if result.failed:
        say(f"The failed run is kept aside in {result.folder}. What 'latest' points to has not changed.")
        raise typer.Exit(CHAPTER_FAILED)
    say(f"Findings: {(result.folder / 'index.html').as_uri()}")


@app.command()
def dossier(
    parameters: Annotated[Path, typer.Argument(help="The parameter file of the customer base.")],
    customer: Annotated[str, typer.Argument(help="The customer's key, with its leading zeros.")],
    out: Annotated[Path, typer.Option(help="Where runs are kept; the page goes to OUT/BASE/dossiers.")] = RUNS,
    as_of: Annotated[str | None, typer.Option(help="The last day observed, such as 1998-06-30.")] = None,
) -> None:
    """Put one customer on one page: history, chances, terms, and what to do next.

    What the latest run found is used where its parameters and its ledger are the same, and computed anew otherwise.
    Ends with 0 when done, 1 when the dossier failed, 2 when the parameters, the ledger or the customer were refused.
    """
    from .run.dossiers import make_dossier

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _ShownProgress() as progress, _refusals_told("No dossier was made."):
        try:
            made = make_dossier(parameters, customer, out.resolve(), progress=progress, **_observed_until(as_of))
        except KeyboardInterrupt:
            _console(stderr=True).print("Interrupted. No dossier was made.")
            raise typer.Exit(CHAPTER_FAILED) from None
    say = _console().print
    say(made.rests_on)
    if made.outcome.failure:
        say(f"The dossier failed: {made.outcome.failure}")
        say(f"See {made.page.as_uri()}")
        raise typer.Exit(CHAPTER_FAILED)
    say(f"Dossier: {made.page.as_uri()}")


@app.command()
def init(
    file: Annotated[str, typer.Argument(help="A file, a folder of files, or a database's URL.")],
    name: Annotated[str | None, typer.Option(help="The base's name; absent, made from the file's.")] = None,
    out: Annotated[Path | None, typer.Option(help="The parameter file; absent, params/NAME.yml.")] = None,
    query: Annotated[str | None, typer.Option(help="The SELECT to read from a database.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a parameter file that is there.")] = False,
    show_personal_data: Annotated[
        bool, typer.Option("--show-personal-data", help="Show customers' keys even if they look like names.")
    ] = False,
) -> None:
    """Look at a ledger and write its parameter file, every guess beside its evidence.

    Ends with 0 when the file was written, 2 when the ledger can't be read or the parameter file is there already.
    """
    from .first_look import look_at, show_first_look, write_parameters

    with _ShownProgress() as progress, _refusals_told("Nothing was written."):
        look = look_at(file, name, query, progress=progress.intake_step)
        written = out or PARAMS / f"{look.base}.yml"
        write_parameters(look, written, force=force)
    show_first_look(look, _terminal(), written, show_personal_data=show_personal_data)


@app.command()
def check(
    parameters: Annotated[Path, typer.Argument(help="The parameter file of the customer base.")],
    skip_identity: Annotated[
        bool, typer.Option("--skip-identity", help="Don't look for records that are one customer.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Where runs are kept: decisions of the last one count.")] = RUNS,
) -> None:
    """Audit a ledger without running: rows used and set aside by reason, and what to ask of who made it.

    Ends with 0 when a run would go through, 2 when it would be refused.
    """
    from .check import check as audit

    with _ShownProgress() as progress, _refusals_told("A run would be refused."):
        passes = audit(
            parameters, _terminal(), skip_identity=skip_identity, progress=progress.intake_step, runs=out.resolve()
        )
    if not passes:
        raise typer.Exit(REFUSED)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = ROOT / "data" / "wholesale",
    seed: Annotated[int, typer.Option(help="Another seed makes another wholesaler.", min=0)] = 2026,
) -> None:
    """Simulate a wholesaler whose customers are known: its exports as messy as real ones, and beside them the truth."""
    from .wholesale import simulate_wholesale, write_wholesale

    try:
        write_wholesale(out, simulate_wholesale(seed))
    except OSError as reason:
        _say_refused(Refusal(f"{out}: can't be written: {reason.strerror}. Name another folder with --out."), "")
        raise typer.Exit(REFUSED) from None
    _console().print(f"A wholesaler simulated from seed {seed}: {out}")


def _observed_until(as_of: str | None) -> dict[str, Any]:
    """Return what replaces the parameter file's last day observed, where another one is asked for."""
    return {} if as_of is None else {"as_of": as_of}


class _ShownProgress:
    """A bar while a chapter runs, then one line with its time."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.bar = Progress(
            TextColumn("{task.description:24}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> _ShownProgress:
        self.bar.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self.bar.__exit__(*raised)

    def intake_step(self, step: str) -> None:
        if self.task is None:
            self.task = self.bar.add_task("reading", total=None)
        self.bar.update(self.task, description=escape(step))

    def chapter_starts(self, name: str, cells: int) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
        self.task = self.bar.add_task(name, total=cells)

    def cell_done(self) -> None:
        if self.task is not None:
            self.bar.advance(self.task)

    def chapter_ends(self, name: str, seconds: float, failure: str | None) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None
        outcome = "failed" if failure else "done"
        self.console.print(f"{escape(name):24} {outcome:7} {seconds:6.1f} s")


def _console(*, stderr: bool = False) -> Console:
    """Return where to print: whatever a ledger holds is printed as it is, and nothing is broken into lines."""
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _terminal() -> Console:
    """Return where to print tables and paragraphs, which fit the terminal's width."""
    return Console(highlight=False, markup=False, emoji=False)


@contextmanager
def _refusals_told(outcome: str) -> Iterator[None]:
    """Say in words what was refused, or went missing, and end with the exit code that says so."""
    try:
        yield
    except Refusal as refusal:
        _say_refused(refusal, outcome)
        raise typer.Exit(REFUSED) from None
    except Unbalanced as mismatch:
        _console(stderr=True).print(str(mismatch))
        raise typer.Exit(CHAPTER_FAILED) from None


def _say_refused(refusal: Refusal, outcome: str) -> None:
    for line in (*refusal.problems, outcome):
        _console(stderr=True).print(line)


def main() -> None:
    """Run the command."""
    sys.argv[1:] = _spread_only(sys.argv[1:])
    app()


def _spread_only(arguments: list[str]) -> list[str]:
    """Let ``--only`` take several chapters: each gets a ``--only`` of its own."""
    spread: list[str] = []
    taking = False
    for argument in arguments:
        is_chapter = not argument.startswith("-") and not argument.endswith((".yml", ".yaml"))
        if taking and is_chapter and spread[-1] != "--only":
            spread.append("--only")
        taking = argument == "--only" or (taking and is_chapter)
        spread.append(argument)
    return spread
