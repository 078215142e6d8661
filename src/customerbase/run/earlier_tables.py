"""The tables that a dossier rests on: those of the latest run where they are of the same base, or else made anew."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from ..intake import Intake
from ..parameters import Parameters
from ..project import LATEST
from ..store import read_table
from ..wording import plural
from .taken_in import write_intake


@contextmanager
def tables_for_a_dossier(
    base_folder: Path, parameters: Parameters, intake: Intake, last_day: dt.date
) -> Iterator[tuple[Path, str, str]]:
    """Find a folder with the tables that a dossier reads: of the latest run, or one made for this purpose.

    Parameters
    ----------
    base_folder : Path
        Where the base's runs are kept.
    parameters : Parameters
    intake : Intake
        The ledger, and what is beside it, as they are today.
    last_day : datetime.date
        The last day observed.

    Yields
    ------
    folder : Path
    run : str
        The run's name; empty where no run's tables are used.
    said : str
        A sentence on which it is.
    """
    run = latest_run(base_folder)
    differs = "there is no run of this base yet" if run is None else why_not(run, parameters, intake, last_day)
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


def why_not(run: Path, parameters: Parameters, intake: Intake, last_day: dt.date) -> str:
    """Say why the tables of a run are not what this base would give today; empty where they are."""
    try:
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        then, digests = _shaping(record["parameters"]), [record["ledger"]["fingerprint"], record["fingerprints"]]
        made_by, looked_until = record["versions"]["customerbase"], record["as_of"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"run.json of the run {run.name} can't be read"
    if made_by != version("customerbase"):
        return f"the run {run.name} was made by customerbase {made_by}"
    if looked_until != str(last_day):
        return f"the run {run.name} is as of another day ({looked_until})"
    now = _shaping(parameters.flat())
    others = [key for key in now if then.get(key) != now[key]]
    if others:
        return f"the run {run.name} had {plural(len(others), 'other parameter')} ({', '.join(others)})"
    beside = {section: side.fingerprint for section, side in intake.side_tables.items()}
    if digests != [intake.ledger.fingerprint, beside]:
        return f"the ledger, or a table beside it, has changed since the run {run.name}"
    return _tables_lack(run, intake)


def _tables_lack(run: Path, intake: Intake) -> str:
    """Say what keeps the tables of a run from being used; empty where nothing does."""
    try:
        known, customers = (read_table(run, name) for name in ("identities", "customers"))
    except (OSError, pl.exceptions.PolarsError):
        return f"a table of the run {run.name} can't be read"
    if intake.identities is not None and (known is None or not known.equals(intake.identities.persons)):
        return f"decisions on who is one customer have changed since the run {run.name}"
    return "" if customers is not None else f"the run {run.name} was of other chapters, and has no table customers"


def _shaping(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that what is in a dossier depends on; the last day observed is compared by itself."""
    return {key: value for key, value in parameters.items() if key not in ("customer", "dossiers", "as_of")}
