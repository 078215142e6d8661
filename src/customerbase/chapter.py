"""What a chapter works with: its parameters, the ledger, the tables of the run it belongs to, its findings."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from .earlier_runs import EarlierRun, earlier_runs
from .errors import CannotSay, Refusal
from .findings import Finding, Findings, Question, Verdict, write_findings
from .identities import AS_RECORDED, REVIEW, apply_identities
from .intake import Intake, take_in, today
from .ledger.repeats import repeats_of
from .ledger.returns import NET, STOOD, net_of_returns
from .ledger.side_tables import SideRows, read_customers, read_events, read_spending
from .parameters import KEYS, Parameters, check_parameters
from .particulars import particulars_of
from .project import LATEST, ROOT, RUNS
from .store import origin, read_table, write_table
from .tables import TABLES

RUN_FOLDER = "CUSTOMERBASE_RUN_FOLDER"  # set by a run for the kernels it starts
SHORTEST_SPAN_DAYS = 28
LONGEST_HOLDOUT_DAYS = 364


class Chapter:
    """One chapter at work on one customer base.

    Parameters
    ----------
    name : str
        The notebook's name without its ending.
    parameters : Parameters
    run_folder : Path or None
        The folder of the run the chapter belongs to. None: run by hand, its tables go to ``runs/<base>/by-hand``.
    """

    def __init__(self, name: str, parameters: Parameters, run_folder: Path | None = None) -> None:
        self.name = name
        self.parameters = parameters
        self.in_run = run_folder is not None
        self.folder = run_folder or RUNS / parameters.base / "by-hand"
        self._findings: dict[str, Finding] = {}
        self._computed: dict[str, pd.DataFrame] = {}

    @cached_property
    def _intake(self) -> Intake:
        return take_in(self.parameters, today=today(), last_run=RUNS / self.parameters.base / LATEST)

    def _taken_in(self, name: str) -> pl.DataFrame | None:
        return read_table(self.folder, name) if self.in_run else None

    @cached_property
    def whole_ledger(self) -> pl.DataFrame:
        """The cleaned ledger with the rows after `as_of`; see `customerbase.intake.Intake`."""
        kept = self._taken_in("ledger")
        return self._intake.ledger.rows if kept is None else kept

    @cached_property
    def ledger(self) -> pl.DataFrame:
        """The cleaned ledger: customer, date, amount, kind and the optional columns present, up to `as_of`."""
        rows = up_to(self.whole_ledger, as_of(self.parameters, self.whole_ledger))
        # a return after the last day observed has undone nothing yet
        return rows if rows.height == self.whole_ledger.height else net_of_returns(rows.drop(NET))

    @cached_property
    def quarantine(self) -> pl.DataFrame:
        """Rows set aside, of the ledger and of the tables beside it: row, source, reason, amount."""
        kept = self._taken_in("quarantine")
        return (self._intake.quarantine if kept is None else kept).drop("as_read")

    @cached_property
    def sources(self) -> pl.DataFrame:
        """What each file brought and how it was read; see `customerbase.intake.SOURCES_SCHEMA`."""
        kept = self._taken_in("sources")
        return self._intake.sources if kept is None else kept

    @cached_property
    def repeats(self) -> pl.DataFrame:
        """Rows of the ledger that repeat another in every column: position, first_source, first_row."""
        rows = self.whole_ledger
        if AS_RECORDED in rows.columns:
            rows = rows.with_columns(pl.col(AS_RECORDED).alias("customer"))
        return repeats_of(rows, list(self.parameters.ledger.columns))

    @cached_property
    def customers_file(self) -> SideRows | None:
        """The customers' table, one row a key; None where the parameters name none."""
        if self.parameters.customers is None:
            return None
        if not self.in_run:
            return self._intake.customers
        return read_customers(self.parameters.customers, limit=self.parameters.quarantine_limit)

    @cached_property
    def identities(self) -> pl.DataFrame | None:
        """Who is who: customer, person, probability, why; None without a customers' table."""
        if self.in_run:
            return self._taken_in("identities")
        return None if self._intake.identities is None else self._intake.identities.persons

    @cached_property
    def identity_review(self) -> pl.DataFrame | None:
        """Pairs of records for a person to decide, without their content; None without a customers' table."""
        if self.in_run:
            return self._taken_in(REVIEW)
        return None if self._intake.identities is None else self._intake.identities.review

    @cached_property
    def particulars(self) -> pl.DataFrame | None:
        """What the customers' table says of each customer, one row each; see `customerbase.particulars`."""
        if self.customers_file is None:
            return None
        return particulars_of(self.customers_file.rows, self.identities)

    @cached_property
    def events(self) -> pl.DataFrame | None:
        """What happened with customers up to `as_of`: customer, date, kind, and reason and score where there are."""
        if self.parameters.events is None:
            return None
        if self.in_run:
            rows = read_events(self.parameters.events, limit=self.parameters.quarantine_limit).rows
        else:
            rows = self._intake.events.rows  # type: ignore[union-attr]
        if self.identities is not None:
            rows = apply_identities(rows, self.identities)
        return up_to(rows, self.as_of)

    @cached_property
    def spending(self) -> pl.DataFrame | None:
        """What was spent on winning and keeping customers up to `as_of`: date, purpose, amount."""
        if self.parameters.spending is None:
            return None
        if self.in_run:
            rows = read_spending(self.parameters.spending, limit=self.parameters.quarantine_limit).rows
        else:
            rows = self._intake.spending.rows  # type: ignore[union-attr]
        return up_to(rows, self.as_of)

    @cached_property
    def earlier_runs(self) -> tuple[EarlierRun, ...]:
        """Runs of this base as of an earlier day, the latest first."""
        return earlier_runs(self.folder.parent, self.as_of)

    @cached_property
    def purchases(self) -> pl.DataFrame:
        """What was bought and kept: customer, date, amount after the returns that undo it.

        Returns are no purchases, and neither is one that was wholly undone.
        """
        return self.ledger.filter(STOOD).select("customer", pl.col("date").dt.date(), pl.col(NET).alias("amount"))

    @cached_property
    def as_of(self) -> dt.date:
        """The last day observed."""
        return as_of(self.parameters, self.ledger)

    @cached_property
    def first_day(self) -> dt.date:
        """The day of the first purchase."""
        return self.purchases["date"].min()  # type: ignore[return-value]

    @property
    def calibration_end(self) -> dt.date:
        """The last day that the tested models see.

        Raises
        ------
        CannotSay
            When the ledger is too short to keep a holdout back.
        """
        span = (self.as_of - self.first_day).days
        days = self.parameters.holdout_days
        if days is None:
            if span < SHORTEST_SPAN_DAYS:
                raise CannotSay(
                    f"The ledger spans {span} days; a forecast can be tested from {SHORTEST_SPAN_DAYS} days up."
                )
            days = min(round(span / 14) * 7, LONGEST_HOLDOUT_DAYS)
        if days >= span:
            raise CannotSay(
                f"holdout_days keeps back {days} days, but the ledger spans only {span}: nothing is left to fit on."
            )
        return self.as_of - dt.timedelta(days=days)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table that another chapter makes: read where the run has it, computed otherwise.

        Parameters
        ----------
        name : str
            One of `customerbase.tables.TABLES`. Run by hand, a table left by an earlier run is taken only if it was
            made from the same ledger with the same parameters.
        """
        kept = read_table(self.folder, name, self._origin(name))
        if kept is not None:
            return kept.to_pandas()
        if name not in self._computed:
            # imported only where there is something to compute, since its models take time to import
            made_in = import_module(f"customerbase.chapters.{TABLES[name].made_in}")
            self._computed[name] = getattr(made_in, f"table_{name}")(self)
        return self._computed[name].copy()

    def write(self, name: str, table: pd.DataFrame | pl.DataFrame) -> None:
        """Write one of `customerbase.tables.TABLES` into the run's folder."""
        write_table(self.folder, name, table, self._origin(name) or "")

    def _origin(self, name: str) -> str | None:
        if self.in_run:  # where everything is of one ledger and one set of parameters
            return None
        flat = self.parameters.flat()
        made_with = {key: flat[key] for key in ("as_of", *TABLES[name].uses)}
        return origin(code=_code(), ledger=self._intake.fingerprint, columns=flat["ledger"], **made_with)

    def state(
        self,
        id: str,
        statement: str,
        *,
        value: float | None = None,
        low: float | None = None,
        high: float | None = None,
        unit: str = "",
        verdict: Verdict = "note",
        question: Question | None = None,
    ) -> None:
        """State a finding; stated again under the same id, it replaces the earlier one.

        With a `question` it is part of that question's answer on the findings page.
        """
        interval = self.parameters.interval if low is not None or high is not None else None
        self._findings[id] = Finding(id, self.name, statement, value, low, high, unit, verdict, interval, question)

    def findings(self) -> Findings:
        """Write what was stated so far to the run's folder and show it."""
        stated = tuple(self._findings.values())
        write_findings(self.folder / "findings" / f"{self.name}.json", stated)
        return Findings(stated)


def open_chapter(name: str, namespace: Mapping[str, Any]) -> Chapter:
    """Start a chapter from the variables of its parameters cell.

    Parameters
    ----------
    name : str
        The notebook's name without its ending.
    namespace : mapping
        The notebook's ``globals()``.

    Raises
    ------
    Refusal
        When a parameter can't be used.
    """
    given = {key: namespace[key] for key in KEYS if key in namespace}
    injected = _injected(namespace.get("In", ()))
    if {"base", "ledger"} & injected:
        # a parameter file speaks for its whole base: what it leaves out must not come from the default base
        given = {key: value for key, value in given.items() if key in injected}
    run_folder = os.environ.get(RUN_FOLDER)
    return Chapter(name, check_parameters(given, where=name), Path(run_folder) if run_folder else None)


def as_of(parameters: Parameters, rows: pl.DataFrame) -> dt.date:
    """Return the last day observed: `as_of`, or else the ledger's last day.

    Raises
    ------
    Refusal
        When there is no purchase, or `as_of` lies before the first.
    """
    first = rows.filter(pl.col("kind") == "sale")["date"].dt.date().min()
    if not isinstance(first, dt.date):
        raise Refusal(
            "ledger: it holds no purchase, since every row is a return. Mend ledger.columns, or the amounts' signs."
        )
    if parameters.as_of is None:
        return rows["date"].dt.date().max()  # type: ignore[return-value]
    if parameters.as_of < first:
        raise Refusal(f"as_of: {parameters.as_of} lies before the ledger's first purchase, on {first}.")
    return parameters.as_of


def up_to(rows: pl.DataFrame, last_day: dt.date) -> pl.DataFrame:
    """Return the rows dated on or before `last_day`, whatever their hour."""
    return rows.filter(pl.col("date").dt.date() <= last_day)


@cache
def _code() -> str:
    """Return a digest of what tables are computed by, so that none outlives the code that made it."""
    source = ROOT / "src"
    package = source / "customerbase"
    anywhere = (source / "models", package / "ledger", package / "chapters")
    files = sorted([*package.glob("*.py"), *(file for folder in anywhere for file in folder.rglob("*.py"))])
    return origin(**{str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files})


def _injected(history: Any) -> set[str]:
    """Return the names that papermill's injected cell sets; empty in a notebook it didn't parameterise."""
    cells = [source for source in history if source.startswith("# Parameters\n")]
    if not cells:
        return set()
    # a line at a time, so that a magic somebody added to the cell hides no parameter
    assignment = re.compile(r"^([A-Za-z_]\w*) *=(?!=)", flags=re.MULTILINE)
    return set(assignment.findall(cells[-1]))
