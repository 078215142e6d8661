"""Dossiers: a page for every key account of a run, and for whomever somebody asks."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from anyascii import anyascii

from ..chapter import as_of, up_to
from ..customer_lookup import find_customer
from ..errors import Refusal
from ..intake import Intake, take_in, today
from ..parameters import Parameters, read_parameters
from ..personal_data import are_personal
from ..project import LATEST
from ..store import read_table
from ..wording import count, day, plural, printable
from .chapter_file import dossier_file
from .folder import BUILDING
from .sheets import Desk, Outcome, Progress, Sheet, execute_sheets
from .taken_in import write_intake

KEY_ACCOUNTS = "07_key_accounts"  # the chapter whose table says who is a key account
FOLDER = "dossiers"
SAFE = re.compile(r"[A-Za-z0-9_-]{1,60}")
LONGEST_NAME = 40
DIGITS_OF_HASH = 12
MOST_NAMED = 30


def dossier_name(customer: str, customers: pl.Series) -> str:
    """Return the name of the files of a customer's dossier, the same on every run of a base.

    Parameters
    ----------
    customer : str
    customers : polars.Series of str
        Keys of all of the ledger's customers.

    Returns
    -------
    str
        ``dossier-`` and the key, where the key is made of letters, digits, '-' and '_' and no other key differs from
        it in upper and lower case only, which some file systems don't tell apart. Otherwise what can be written of it
        in such letters, and a digest after '~', a sign that no key taken as it is has. Of keys that look like names
        the digest alone.
    """
    if not are_personal(customers):
        alike = int((customers.str.to_lowercase() == customer.lower()).sum())
        if SAFE.fullmatch(customer) and alike <= 1:
            return f"dossier-{customer}"
        readable = re.sub(r"[^A-Za-z0-9_]+", "-", anyascii(customer[: 4 * LONGEST_NAME])).strip("-")[:LONGEST_NAME]
    else:
        readable = ""
    digest = hashlib.sha256(customer.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS_OF_HASH]
    return f"dossier-{readable}~{digest}"


def key_account_sheets(run_folder: Path, parameters: Parameters, customers: pl.Series) -> tuple[list[Sheet], list[str]]:
    """Return a dossier for each key account of a run, the largest share first, and what to note.

    Parameters
    ----------
    run_folder : Path
        Where the table key_accounts is.
    parameters : Parameters
        Whose `dossiers` says how many there may be.
    customers : polars.Series of str
        Keys of all of the ledger's customers.
    """
    accounts = read_table(run_folder, "key_accounts")
    if accounts is None or accounts.is_empty():
        return [], []
    keys = accounts.sort("share", "customer", descending=[True, False], nulls_last=True)["customer"].to_list()
    made, left_out = keys[: parameters.dossiers], keys[parameters.dossiers :]
    return [dossier_sheet(key, customers) for key in made], _left_out(left_out, len(made), customers, parameters)


def dossier_sheet(customer: str, customers: pl.Series) -> Sheet:
    """Return the dossier of one customer, to be executed."""
    return Sheet(dossier_file(), dossier_name(customer, customers), f"Dossier: {printable(customer)}", customer)


def _left_out(keys: Sequence[str], made: int, customers: pl.Series, parameters: Parameters) -> list[str]:
    if not keys:
        return []
    if are_personal(customers) and not parameters.show_personal_data:
        who = plural(len(keys), "other")
    else:
        named = [printable(key) for key in keys[:MOST_NAMED]]
        who = ", ".join(named) + (f" and {count(len(keys) - len(named))} more" if len(keys) > len(named) else "")
    done = f"The {count(made)} largest key accounts have a dossier" if made else "No key account has a dossier"
    return [f"{done} (dossiers is {parameters.dossiers}); without one: {who}."]


@dataclass(frozen=True)
class MadeDossier:
    """A dossier that was asked for.

    Attributes
    ----------
    outcome : Outcome
    page : Path
    customer : str
        The key in the ledger, which may differ from the one asked for.
    rests_on : str
        A sentence on whose tables it was made from.
    """

    outcome: Outcome
    page: Path
    customer: str
    rests_on: str


def make_dossier(parameter_file: Path, customer: str, out: Path, *, progress: Progress) -> MadeDossier:
    """Make the dossier of one customer, from the tables of the latest run where they are of the same base.

    Parameters
    ----------
    parameter_file : Path
    customer : str
    out : Path
        Where runs are kept; the page is written to ``<out>/<base>/dossiers/``.
    progress : Progress

    Returns
    -------
    MadeDossier

    Raises
    ------
    Refusal
        When the parameters, the ledger or the customer can't be used; then nothing was written.
    """
    parameters = read_parameters(parameter_file, customer=customer)
    base_folder = out / parameters.base
    intake = take_in(parameters, today=today(), last_run=base_folder / LATEST, progress=progress.intake_step)
    last_day = as_of(parameters, intake.ledger.rows)
    customers = up_to(intake.ledger.rows, last_day)["customer"].unique()
    persons = None if intake.identities is None else intake.identities.persons
    found = find_customer(customer, customers, persons, show_personal_data=parameters.show_personal_data)
    sheet = dossier_sheet(found.customer, customers)
    folder = base_folder / FOLDER
    run_line = f"{parameters.base}, as of {day(last_day)}"
    with _building(folder) as building, _tables(base_folder, parameters, intake) as (run_folder, run, said):
        desk = Desk(run_folder, building, building, run_line, home=f"../{run}/index.html" if run else "")
        # under the key that was asked for, so that the dossier tells whose record that is
        asked = Sheet(sheet.chapter, sheet.name, sheet.title, customer)
        (outcome,) = execute_sheets([asked], parameters.flat(), desk, progress).outcomes
        final_name = f"{sheet.name}-failed" if outcome.failure else sheet.name
        for ending in (".ipynb", ".html"):
            (building / f"{sheet.name}{ending}").replace(folder / f"{final_name}{ending}")
    return MadeDossier(outcome, folder / f"{final_name}.html", found.customer, said)


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """Make a folder to build a dossier in, so that its files appear whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        building = tempfile.TemporaryDirectory(dir=folder, prefix=BUILDING)
    except OSError as reason:
        raise Refusal(f"--out: {folder} can't be written to: {reason.strerror}.") from None
    with building as path:
        yield Path(path)


@contextmanager
def _tables(base_folder: Path, parameters: Parameters, intake: Intake) -> Iterator[tuple[Path, str, str]]:
    """Find a folder with the tables that a dossier reads: of the latest run, or one made for this purpose.

    Yields
    ------
    folder : Path
    run : str
        The run's name; empty where no run's tables are used.
    said : str
        A sentence on which it is.
    """
    run = latest_run(base_folder)
    differs = "there is no run of this base yet" if run is None else _differs(run, parameters, intake)
    if run is not None and not differs:
        yield run, run.name, f"From the tables of the run {run.name}."
        return
    with tempfile.TemporaryDirectory() as scratch:
        # a folder below, since runs of the same base are looked for beside it
        folder = Path(scratch) / parameters.base
        for part in ("tables", "lists"):
            (folder / part).mkdir(parents=True)
        write_intake(folder, intake, parameters)
        yield folder, "", f"Everything was computed anew: {differs}."


def latest_run(base_folder: Path) -> Path | None:
    """Return the folder of the last run that succeeded; None where there is none."""
    latest = base_folder / LATEST
    try:
        if not latest.is_symlink():  # where no link could be made
            latest = base_folder / latest.with_suffix(".txt").read_text(encoding="utf-8").strip()
        return latest.resolve() if (latest / "run.json").is_file() else None
    except OSError:
        return None


def _differs(run: Path, parameters: Parameters, intake: Intake) -> str:
    """Say why the tables of a run are not what this base would give today; empty where they are."""
    try:
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        then, digests = _shaping(record["parameters"]), [record["ledger"]["fingerprint"], record["fingerprints"]]
        made_by = record["versions"]["customerbase"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"run.json of the run {run.name} can't be read"
    if made_by != version("customerbase"):
        return f"the run {run.name} was made by customerbase {made_by}"
    now = _shaping(parameters.flat())
    others = [key for key in now if then.get(key) != now[key]]
    if others:
        return f"the run {run.name} had {plural(len(others), 'other parameter')} ({', '.join(others)})"
    beside = {section: side.fingerprint for section, side in intake.side_tables.items()}
    if digests != [intake.ledger.fingerprint, beside]:
        return f"the ledger, or a table beside it, has changed since the run {run.name}"
    if intake.identities is not None:
        known = read_table(run, "identities")
        if known is None or not known.equals(intake.identities.persons):
            return f"decisions on who is one customer have changed since the run {run.name}"
    if read_table(run, "customers") is None:
        return f"the run {run.name} was of other chapters, and has no table customers"
    return ""


def _shaping(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that what is in a dossier depends on."""
    return {key: value for key, value in parameters.items() if key not in ("customer", "dossiers")}
