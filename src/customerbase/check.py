"""An audit of what a parameter file names, without a run: what is read, what is set aside, what to ask."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
from rich.console import Console

from models.ledger_audit import audit

from .chapter import as_of
from .errors import Refusal
from .first_look.terminal import INDENT, add_row, new_table, say, show
from .intake import Intake, take_in, today
from .ledger.clean import SourceTable
from .ledger.side_tables import read_customers
from .ledger.sources import Progress
from .parameters import Parameters, read_parameters
from .personal_data import without_names
from .project import LATEST, RUNS
from .wording import count, day, plural

FILES_SHOWN = 20
REASONS_SHOWN = 30
ROWS_SHOWN = 3
#: Questions whose statements cite customers' keys, in quotes.
WEIGHTS = {"act": "settle first", "watch": "look into", "note": "know"}


def check(
    parameter_file: Path,
    console: Console,
    *,
    skip_identity: bool = False,
    progress: Progress | None = None,
    runs: Path = RUNS,
) -> bool:
    """Read everything that a parameter file names and print what an analyst should know before a run.

    Nothing is written.

    Parameters
    ----------
    parameter_file : Path
    console : rich.console.Console
    skip_identity : bool, default False
        Don't look for records that are one customer, which takes the longest.
    progress : callable, optional
        Told in a few words what is being done.
    runs : Path
        Where runs are kept: the decisions on identities are those of the last one.

    Returns
    -------
    bool
        Whether a run would go through.

    Raises
    ------
    Refusal
        When the parameters are refused, or the ledger can't be read at all.
    """
    parameters = read_parameters(parameter_file)
    last_run = runs / parameters.base / LATEST
    intake, refused = _take_in(parameters, last_run, skip_identity, progress)
    rows = intake.ledger.rows
    try:
        last_day = as_of(parameters, rows)
    except Refusal as refusal:
        last_day, refused = rows["date"].dt.date().max(), (*refused, *refusal.problems)  # type: ignore[assignment]
    _show_files(intake, console)
    _show_set_aside(intake.quarantine, console)
    _show_account(intake, parameters, console)
    _show_customers(intake, last_day, console)
    _show_questions(intake, parameters, last_day, console)
    _heading(console, "Would a run go through?")
    for problem in refused:
        say(console, problem, INDENT)
    say(console, "No: a run would refuse this." if refused else "Yes.", INDENT)
    return not refused


def _take_in(
    parameters: Parameters, last_run: Path, skip_identity: bool, progress: Progress | None
) -> tuple[Intake, tuple[str, ...]]:
    """Return what was taken in, whatever share of it is set aside, and why a run would refuse it."""
    read = parameters.model_copy(update={"customers": None}) if skip_identity else parameters
    refused: tuple[str, ...] = ()
    try:
        intake = take_in(read, today=today(), last_run=last_run, progress=progress)
    except Refusal as refusal:
        refused = refusal.problems
        lenient = read.model_copy(update={"quarantine_limit": 1.0})
        try:
            intake = take_in(lenient, today=today(), last_run=last_run, progress=progress)
        except Refusal:
            raise refusal from None
    if skip_identity and parameters.customers is not None:
        try:
            customers = read_customers(parameters.customers, limit=parameters.quarantine_limit, progress=progress)
        except Refusal as refusal:
            refused += refusal.problems
            customers = read_customers(parameters.customers, limit=1.0, progress=progress)
        intake = dataclasses.replace(intake, customers=customers)
    return intake, refused


def _show_files(intake: Intake, console: Console) -> None:
    _heading(console, "What came in")
    table = new_table("", "file", "rows", "set aside", "first day", "last day", numbers=("rows", "set aside"))
    for section, files in intake.tables.items():
        for file in files[:FILES_SHOWN]:
            days = ("" if date is None else f"{date}" for date in (file.first_day, file.last_day))
            add_row(table, section, file.name, count(file.rows), count(file.set_aside), *days)
        more = files[FILES_SHOWN:]
        if more:
            rest = (plural(len(more), "more file"), *(count(sum(part)) for part in _sums(more)), "", "")
            add_row(table, section, *rest)
    show(console, table)
    for section, files in intake.tables.items():
        _show_reading(section, files, console)


def _sums(files: Iterable[SourceTable]) -> tuple[list[int], list[int]]:
    files = list(files)
    return [file.rows for file in files], [file.set_aside for file in files]


def _show_reading(section: str, files: Iterable[SourceTable], console: Console) -> None:
    """Say how the files were read, each way once."""
    files = list(files)
    ways: dict[tuple[str, str, str], list[str]] = {}
    for file in files:
        for key in dict.fromkeys((*file.reading, *file.evidence)):
            way = (key, str(file.reading.get(key, "")), file.evidence.get(key, ""))
            ways.setdefault(way, []).append(file.name)
    if not ways:
        return
    _heading(console, f"How the {section} reads" if section == "ledger" else f"How the {section} table reads")
    table = new_table("", "", "why")
    for (key, value, why), names in sorted(list(ways.items())[:REASONS_SHOWN], key=lambda way: way[0][0]):
        where = names[0] if len(names) == 1 else f"{len(names)} of {len(files)} files"
        told = f"{why.rstrip('.')} ({where})" if len(names) < len(files) else why.rstrip(".")
        add_row(table, key, repr(value) if value.isspace() else value, told)
    show(console, table)
    if len(ways) > REASONS_SHOWN:
        say(console, f"and {plural(len(ways) - REASONS_SHOWN, 'other way')}.", INDENT)


def _show_set_aside(quarantine: pl.DataFrame, console: Console) -> None:
    _heading(console, "What is set aside, and why")
    if quarantine.is_empty():
        say(console, "Nothing: every row can be used.", INDENT)
        return
    # a number in a reason, such as that of the cells found, makes no reason of its own
    kinds = quarantine.with_columns(pl.col("reason").str.replace_all(r"\d+", "#").alias("kind"))
    reasons = (
        kinds.group_by("kind", maintain_order=True)
        .agg(
            pl.len().alias("rows"),
            pl.col("amount").sum(),
            pl.col("reason").first(),
            pl.col("reason").n_unique().alias("wordings"),
            pl.struct("source", "row").head(ROWS_SHOWN).alias("first"),
        )
        .sort("rows", descending=True, maintain_order=True)
    )
    table = new_table("rows", "amount", "reason", "first of them", numbers=("rows", "amount"))
    for reason in reasons.head(REASONS_SHOWN).iter_rows(named=True):
        said = reason["reason"] if reason["wordings"] == 1 else reason["kind"]
        where = _places(reason["first"])
        add_row(table, count(reason["rows"]), f"{reason['amount']:,.2f}", said, where)
    show(console, table)
    if reasons.height > REASONS_SHOWN:
        say(console, f"and {plural(reasons.height - REASONS_SHOWN, 'rarer reason')}.", INDENT)


def _places(rows: Iterable[Mapping[str, object]]) -> str:
    """Say where rows are, each file once."""
    places: dict[str, list[str]] = {}
    for row in rows:
        places.setdefault(str(row["source"]), []).append(f"{row['row']}")
    return "; ".join(f"{source} row {', '.join(numbers)}" for source, numbers in places.items())


def _show_account(intake: Intake, parameters: Parameters, console: Console) -> None:
    account = intake.ledger.account
    _heading(console, f"The ledger's account, in rows and in {parameters.currency}")
    table = new_table("", "rows", "amount", numbers=("rows", "amount"))
    for name, rows, amount in (
        ("read", account.rows_read, account.amount_read),
        ("used", account.rows_used, account.amount_used),
        ("set aside", account.rows_quarantined, account.amount_quarantined),
    ):
        add_row(table, name, count(rows), f"{amount:,.2f}")
    show(console, table)


def _show_customers(intake: Intake, last_day: dt.date, console: Console) -> None:
    rows = intake.ledger.rows
    days = rows["date"].dt.date()
    first, last = days.min(), days.max()
    _heading(console, "Time and customers")
    assert isinstance(first, dt.date)  # noqa: S101 (a ledger has rows)
    assert isinstance(last, dt.date)  # noqa: S101
    about = (
        f"From {day(first)} to {day(last)}: {plural((last - first).days + 1, 'day')}, {count(days.n_unique())} of them "
        f"with rows."
    )
    say(console, about, INDENT)
    later = int((days > last_day).sum())
    if later:
        say(console, f"As of {day(last_day)}; {plural(later, 'row')} dated later.", INDENT)
    returns = int((rows["kind"] == "return").sum())
    about = (
        f"{plural(rows['customer'].n_unique(), 'customer')}, {plural(rows.height - returns, 'sale')} and "
        f"{plural(returns, 'return')}."
    )
    say(console, about, INDENT)
    if intake.customers is not None:
        _show_identity(intake, console)


def _show_identity(intake: Intake, console: Console) -> None:
    assert intake.customers is not None  # noqa: S101 (the caller looked)
    records = intake.customers.rows
    key = "customer_as_recorded" if "customer_as_recorded" in intake.ledger.rows.columns else "customer"
    bought = intake.ledger.rows.select(pl.col(key).unique().alias("customer"))
    unlisted = bought.join(records, on="customer", how="anti").height
    about = (
        f"{plural(records.height, 'record')} of customers; {plural(unlisted, 'customer')} of the ledger not among them."
    )
    say(console, about, INDENT)
    for note in intake.customers.notes:
        say(console, note, INDENT)
    if intake.identities is None:
        say(console, "Records that are one customer were not looked for (--skip-identity).", INDENT)
        return
    persons = intake.identities.persons["person"].n_unique()
    undecided = intake.identities.review.filter(pl.col("same_customer").is_null()).height
    open_pairs = f"; {plural(undecided, 'pair')} for a person to decide" if undecided else ""
    say(console, f"These are {plural(persons, 'customer')}{open_pairs}.", INDENT)


def _show_questions(intake: Intake, parameters: Parameters, last_day: dt.date, console: Console) -> None:
    rows = intake.ledger.rows
    _heading(console, "Questions to ask of whoever made this ledger")
    questions = audit(rows, last_day, repeats=intake.ledger.repeats)
    if not parameters.show_personal_data:
        questions = without_names(questions, rows["customer"].unique())
    if not questions:
        say(console, "None: nothing in it looks odd.", INDENT)
        return
    table = new_table("", "", "")
    for number, question in enumerate(questions, 1):
        add_row(table, f"{number}.", WEIGHTS[question.verdict], f"{question.statement} {question.question}")
    show(console, table)


def _heading(console: Console, text: str) -> None:
    console.print()
    say(console, text)
