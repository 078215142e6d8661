"""What the chapters say of a ledger that follows only customers won in a certain time."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import closed_base
from customerbase.chapters.identify import ledger_audit
from customerbase.chapters.playbook import levers
from customerbase.chapters.portrait import new_and_existing, portrait
from customerbase.chapters.retention import retention_by_quarter
from customerbase.figures.portrait import new_and_existing as newcomer_figures
from customerbase.figures.portrait import portrait as figures
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
def closed(open_on: Any, ledger: pl.DataFrame) -> Chapter:
    return open_on(ledger.filter(pl.col("customer") < "0600"), END)


@pytest.fixture(scope="module")
def still_open(open_on: Any, ledger: pl.DataFrame) -> Chapter:
    return open_on(ledger, END)


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
    assert told.statement.count("unless the business stopped winning customers then") == 1
    assert "As far as can be seen it was drawn so" in told.statement
    assert (told.value, told.verdict, told.question) == (456, "note", "who")
    assert "first bought" not in questions.statement
    assert str(closed_base.note(closed)) == str(
        Unsaid(
            "This ledger follows only the customers won from 1 January 2021 to 31 March 2021, so nobody in it is new "
            "later, and what they bring falls as they leave."
        )
    )


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


def test_the_shop_is_not_blamed_for_new_customers_that_the_ledger_leaves_out(closed: Chapter) -> None:
    years, months = new_and_existing.newcomers(closed), portrait.by_month(closed)
    new_and_existing.state_findings(closed, years)
    told = closed._findings["new_against_existing"].statement
    assert told.startswith("The ledger holds nobody won in the last year; ")
    compared = newcomer_figures.new_against_existing(years, "USD", closed=True)
    assert compared.alt.startswith("The ledger holds nobody won in the last year. ")
    by_month = figures.new_and_repeat(months, portrait.repeat_business(closed), "USD", closed=True)
    assert by_month.alt.startswith(
        "The ledger follows customers won up to March 2021 only; all it holds since is theirs"
    )


def test_who_was_won_before_the_ledger_was_closed_says_nothing_of_the_year_to_come(
    closed: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert levers.newcomers(closed)[0].is_empty()
    # though some were won within the last year of a ledger that ends sooner
    monkeypatch.setattr(levers, "YEAR", 500)
    new, days = levers.newcomers(closed)
    assert new.is_empty() and new.schema.names() == ["customer", "date", "amount"] and days == 500


def test_no_quarter_before_a_closed_base_is_settled_is_shown(
    closed: Chapter, still_open: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cohort won until September, whose one-time buyers fall silent until March."""
    late = replace(closed_base.closed_base(closed), won_until=dt.date(2021, 9, 30))
    monkeypatch.setattr(retention_by_quarter, "closed_base", lambda _: late)
    rows = closed.purchases.with_columns(
        pl.when(pl.col("customer") < "0010")
        .then(pl.col("date") + pl.duration(days=183))
        .otherwise("date")
        .alias("date")
    )
    chapter = SimpleNamespace(
        purchases=rows.filter(pl.col("date").cast(pl.Date) <= END), as_of=END, parameters=closed.parameters
    )
    found: Any = retention_by_quarter.rate_by_quarter(chapter)  # type: ignore[arg-type]
    assert found["period"].tolist() == ["2022 Q2"]


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
        "What better new customers would bring can't be told: nobody won after 31 March 2021 is in the ledger, "
        "whether or not the business won any."
    )
