"""What the chapters say of a ledger that follows only customers won in a certain time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import closed_base
from customerbase.chapters.identify import ledger_audit
from customerbase.chapters.playbook import levers
from customerbase.chapters.portrait import portrait
from customerbase.parameters import check_parameters
from customerbase.unsaid import Unsaid
from models import levers as model_of_levers

START, WON_UNTIL, END = dt.date(2021, 1, 1), dt.date(2021, 3, 31), dt.date(2022, 6, 30)


@pytest.fixture(scope="module")
def ledger() -> pl.DataFrame:
    """Return 600 customers won in one quarter, who buy less and less often, and 600 won ever since."""
    random = np.random.default_rng(5)
    rows: list[dict[str, Any]] = []
    for number in range(1200):
        first = random.integers(0, 90) if number < 600 else random.integers(0, (END - START).days)
        days = first + np.r_[0, np.cumsum(1 + random.exponential(25 * 1.25 ** np.arange(12)).astype(int))]
        kept = [int(day) for day in days if START + dt.timedelta(int(day)) <= END]
        rows += [{"customer": f"{number:04}", "date": START + dt.timedelta(day), "amount": 20.0} for day in kept]
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def open_on(tmp_path_factory: pytest.TempPathFactory) -> Any:
    def make(rows: pl.DataFrame) -> Chapter:
        folder = tmp_path_factory.mktemp("base")
        rows.write_csv(folder / "ledger.csv")
        columns = {name: name for name in ("customer", "date", "amount")}
        given = {"base": "small", "ledger": {"path": str(folder / "ledger.csv"), "columns": columns}, "as_of": END}
        return Chapter("01_identify", check_parameters(given, where="test"))

    return make


@pytest.fixture(scope="module")
def closed(open_on: Any, ledger: pl.DataFrame) -> Chapter:
    return open_on(ledger.filter(pl.col("customer") < "0600"))


@pytest.fixture(scope="module")
def still_open(open_on: Any, ledger: pl.DataFrame) -> Chapter:
    return open_on(ledger)


def test_whom_it_follows_is_said_once(closed: Chapter) -> None:
    asked = ledger_audit.questions(closed)
    assert "closed_cohort" in [question.id for question in asked]
    ledger_audit.state_ledger(closed, ledger_audit.account(closed), asked)
    closed_base.state_closed_base(closed)
    told, questions = closed._findings["closed_base"], closed._findings["ledger_questions"]
    assert told.statement.startswith(
        "This ledger follows only the customers won from 1 January 2021 to 31 March 2021: in the 456 days since, "
        "nobody bought for the first time, while these 600 bought "
    )
    assert (told.value, told.verdict, told.question) == (456, "note", "who")
    assert "first bought" not in questions.statement
    assert str(closed_base.note(closed)) == str(Unsaid(told.statement))


def test_nothing_is_said_of_an_open_base(still_open: Chapter) -> None:
    closed_base.state_closed_base(still_open)
    assert "closed_base" not in still_open._findings
    assert closed_base.note(still_open) is closed_base.whom_it_follows(still_open) is None
    assert "closed_cohort" not in [question.id for question in ledger_audit.questions(still_open)]
    assert closed_base.without_blame(still_open, "act") == "act"


def test_falling_revenue_of_a_closed_base_is_a_note(closed: Chapter) -> None:
    months = portrait.by_month(closed)
    portrait._state_direction(closed, months)
    portrait._state_repeat_share(closed, months, portrait.repeat_business(closed))
    direction, repeats = closed._findings["direction"], closed._findings["repeat_share"]
    assert direction.value is not None and direction.value < -0.2
    assert direction.verdict == repeats.verdict == "note"
    assert "fell by" in direction.statement
    assert direction.statement.endswith("customers leave, and nobody won since is in the ledger.")
    assert repeats.statement.endswith(": nobody won since is in the ledger.")


def test_better_new_customers_are_no_lever_of_a_closed_base(closed: Chapter) -> None:
    terms = model_of_levers.Terms(365, 0.1, "week", 0.0, 0.0)
    nothing = model_of_levers.Estimate(1.0, 0.5, 1.5)
    gain = model_of_levers.Gain(model_of_levers.REGULARS, 4, nothing)
    retention = model_of_levers.Retention(nothing, 0.5, nothing, nothing)
    moved = levers.Moved(model_of_levers.Levers(nothing, 9, 4, (gain,), retention), terms, False, 365)
    levers.state_findings(closed, moved)
    stated = closed._findings["lever_new_customers"]
    assert stated.verdict == "note"
    assert stated.statement == (
        "What better new customers would bring can't be told: nobody won in the last 365 days is in the ledger, "
        "whether or not the business won any."
    )
