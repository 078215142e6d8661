"""Dossiers: a page for every key account of a run, and for whomever somebody asks."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from anyascii import anyascii

from ..chapter import as_of, up_to
from ..customer_lookup import find_customer
from ..errors import Refusal
from ..intake import take_in, today
from ..parameters import Parameters, read_parameters
from ..personal_data import are_personal
from ..project import LATEST
from ..store import read_table
from ..wording import count, day, key, plural
from .chapter_file import dossier_file
from .earlier_tables import tables_for_a_dossier
from .folder import BUILDING
from .sheets import Desk, Outcome, Progress, Sheet, execute_sheets

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
    return [dossier_sheet(customer, customers) for customer in made], _left_out(
        left_out, len(made), customers, parameters
    )


def dossier_sheet(customer: str, customers: pl.Series) -> Sheet:
    """Return the dossier of one customer, to be executed."""
    return Sheet(dossier_file(), dossier_name(customer, customers), f"Dossier: {key(customer)}", customer)


def _left_out(keys: Sequence[str], made: int, customers: pl.Series, parameters: Parameters) -> list[str]:
    if not keys:
        return []
    if are_personal(customers) and not parameters.show_personal_data:
        who = plural(len(keys), "other")
    else:
        named = [key(customer) for customer in keys[:MOST_NAMED]]
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
    rests_on : str
        A sentence on whose tables it was made from.
    """

    outcome: Outcome
    page: Path
    rests_on: str


def make_dossier(
    parameter_file: Path, customer: str, out: Path, *, progress: Progress, **overrides: Any
) -> MadeDossier:
    """Make the dossier of one customer, from the tables of the latest run where they are of the same base.

    Parameters
    ----------
    parameter_file : Path
    customer : str
    out : Path
        Where runs are kept; the page is written to ``<out>/<base>/dossiers/``.
    progress : Progress
    **overrides
        Values that replace those of the parameter file, such as ``as_of``.

    Returns
    -------
    MadeDossier

    Raises
    ------
    Refusal
        When the parameters, the ledger or the customer can't be used; then nothing was written.
    """
    parameters = read_parameters(parameter_file, customer=customer, **overrides)
    base_folder = out / parameters.base
    intake = take_in(parameters, today=today(), last_run=base_folder / LATEST, progress=progress.intake_step)
    last_day = as_of(parameters, intake.ledger.rows)
    customers = up_to(intake.ledger.rows, last_day)["customer"].unique()
    persons = None if intake.identities is None else intake.identities.persons
    found = find_customer(customer, customers, persons, show_personal_data=parameters.show_personal_data)
    sheet = dossier_sheet(found.customer, customers)
    folder = base_folder / FOLDER
    run_line = f"{parameters.base}, as of {day(last_day)}"
    tables = tables_for_a_dossier(base_folder, parameters, intake, last_day)
    with _building(folder) as building, tables as (run_folder, run, said):
        desk = Desk(run_folder, building, building, run_line, home=f"../{run}/index.html" if run else "")
        # under the key that was asked for, so that the dossier tells whose record that is
        asked = Sheet(sheet.chapter, sheet.name, sheet.title, customer)
        (outcome,) = execute_sheets([asked], parameters.flat(), desk, progress).outcomes
        # '~' is in the name of no key's own page
        final_name = f"{sheet.name}~failed" if outcome.failure else sheet.name
        for ending in (".ipynb", ".html"):
            (building / f"{sheet.name}{ending}").replace(folder / f"{final_name}{ending}")
    return MadeDossier(outcome, folder / f"{final_name}.html", said)


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
