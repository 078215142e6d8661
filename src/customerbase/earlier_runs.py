"""Runs of the same base that looked at it on an earlier day."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .findings import Finding, read_findings
from .store import read_table


@dataclass(frozen=True)
class EarlierRun:
    """A run that succeeded.

    Attributes
    ----------
    folder : Path
    as_of : datetime.date
        The last day it observed.
    """

    folder: Path
    as_of: dt.date

    def table(self, name: str) -> pl.DataFrame | None:
        """Return one of its tables; None where it has none of that name."""
        return read_table(self.folder, name)

    @property
    def findings(self) -> list[Finding]:
        """What it found."""
        return read_findings(self.folder / "findings.json")


def earlier_runs(base_folder: Path, before: dt.date) -> tuple[EarlierRun, ...]:
    """Return the runs that succeeded and observed the base up to a day before `before`, the latest such day first.

    Of several runs of one day the one begun last comes first.
    """
    found = []
    for record in sorted(base_folder.glob("[!.]*/run.json"), reverse=True):
        try:
            run = json.loads(record.read_text(encoding="utf-8"))
            as_of, succeeded = dt.date.fromisoformat(run["as_of"]), run["status"] == "succeeded"
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no record of a run that anything could be learnt from
        if succeeded and as_of < before and not record.parent.is_symlink():
            found.append(EarlierRun(record.parent, as_of))
    # sorting leaves those of one day in order
    return tuple(sorted(found, key=lambda run: run.as_of, reverse=True))
