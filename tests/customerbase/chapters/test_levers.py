"""What `08_playbook` says of the levers, on small bases and on such that say little."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.playbook import levers
from customerbase.chapters.playbook.levers import Moved
from customerbase.figures.playbook import levers as figures
from customerbase.findings import Finding
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from models.left_truncation import LeftTruncation
from models.levers import BETTER_NEW, PURCHASE, REGULARS, Estimate, Gain, Levers, Retention, Terms
from models.simulation import CDNOW, simulate_ledger

Opened = Callable[..., Chapter]


@pytest.fixture
def opened(make_base: Callable[..., Path], tmp_path: Path) -> Opened:
    """A chapter on a ledger."""
    return lambda rows, **given: Chapter("08_playbook", read_parameters(make_base(rows, **given)), tmp_path / "run")


def stated(chapter: Chapter, found: Any) -> dict[str, Finding]:
    levers.state_findings(chapter, found)
    return {finding.id: finding for finding in chapter.findings().findings}


def moved(life: Estimate, newcomers: float = 12.0, kept: float = 0.5) -> Moved:
    """Levers that add 10, 30 and 20 to today's 200."""
    gains = (
        Gain(BETTER_NEW, newcomers, Estimate(10, 5, 15)),
        Gain(REGULARS, 4, Estimate(30, 25, 35)),
        Gain(PURCHASE, 90, Estimate(20, 18, 22)),
    )
    retention = Retention(Estimate(0.60, 0.55, 0.65), kept, Estimate(8, 6, 9), life)
    return Moved(
        Levers(Estimate(200, 190, 210), 150, 50, gains, retention), Terms(365, 0.1, "week", newcomers, 9.0), True, 365
    )


def test_newcomers_are_those_of_the_last_year_with_their_first_day(opened: Opened) -> None:
    chapter = opened("a,2022-01-01,5\nb,2023-01-01,7\nb,2023-06-01,1\nc,2023-12-31,2\nc,2023-12-31,3\nd,2022-12-31,9\n")
    new, days = levers.newcomers(chapter)
    assert days == 365
    assert new.rows() == [("b", dt.date(2023, 1, 1), 7.0), ("c", dt.date(2023, 12, 31), 5.0)]


def test_in_a_ledger_shorter_than_a_year_all_are_new_and_are_counted_by_its_days(opened: Opened) -> None:
    new, days = levers.newcomers(opened("a,2023-01-01,5\nb,2023-03-01,7\nb,2023-04-10,1\n"))
    assert (new.height, days) == (2, 100)


def test_findings_name_the_strongest_lever_and_where_the_base_stands(opened: Opened) -> None:
    chapter = opened("a,2023-01-01,5\n")
    said = stated(chapter, moved(Estimate(0.4, 0.3, 0.5)))
    assert said["levers"].statement == (
        "Of the two levers on how often customers buy, one moves profit more: if 10% of those who bought once or twice "
        "and aren't known to have left become regulars, the next 365 days bring "
        "USD 30.00 more (80% interval of the model's parameters alone 25 to 35), 15% of the USD 200 of profit "
        "(not discounted) expected from "
        "today's customers and the 12 new ones assumed; it would be USD 10.00 if new customers make 10% more repeat "
        "purchases and USD 20.00 if every purchase is 10% larger."
    )
    assert (said["levers"].value, said["levers"].question) == (30, "decisions")
    assert "bring 60% again in the next. 5 points more would add 40.0%" in said["retention_points"].statement
    assert "lever_new_customers" not in said


@pytest.mark.parametrize(
    ("life", "stands", "verdict"),
    [
        (Estimate(0.10, 0.05, 0.20), ", below the", "note"),
        (Estimate(0.20, 0.15, 0.30), ", on the edge of the", "note"),
        (Estimate(0.60, 0.25, 0.95), ", within the", "note"),
        (Estimate(1.20, 1.10, 1.30), ", above the", "good"),
        (Estimate(0.60, float("nan"), float("nan")), " in 20 years, within the", "note"),
    ],
)
def test_the_literature_is_held_against_the_interval(opened: Opened, life: Estimate, stands: str, verdict: str) -> None:
    said = stated(opened("a,2023-01-01,5\n"), moved(life))["retention_points"]
    assert f"{stands} 25% to 95% of the literature" in said.statement
    assert said.verdict == verdict


def test_nobody_new_and_nothing_to_raise_are_said(opened: Opened) -> None:
    chapter = opened("a,2023-01-01,5\n")
    found = moved(Estimate(float("nan"), float("nan"), float("nan")), newcomers=0, kept=float("nan"))
    said = stated(chapter, found)
    assert "Nobody bought for the first time in the last 365 days" in said["lever_new_customers"].statement
    assert "new customers make" not in said["levers"].statement
    assert "no 5 points of retention left" in said["retention_points"].statement
    assert isinstance(levers.retention(found), Unsaid)
    assert said["retention_points"].verdict == "unknown"


def test_where_nearly_all_the_money_comes_again_that_is_good(opened: Opened) -> None:
    found = moved(Estimate(0.1, 0.05, 0.2), kept=float("nan"))
    kept = replace(found.levers.retention, rate=Estimate(0.97, 0.96, 0.98))
    said = stated(opened("a,2023-01-01,5\n"), replace(found, levers=replace(found.levers, retention=kept)))
    assert said["retention_points"].verdict == "good"


def test_who_is_new_in_a_ledger_of_old_customers_is_not_known(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    chapter = opened("a,2023-01-01,5\nb,2023-03-01,7\n")
    monkeypatch.setattr(levers, "left_cut", lambda _: LeftTruncation(cut=True, can_tell=True))
    assert levers.newcomers(chapter)[0].is_empty()
    found = replace(moved(Estimate(0.1, 0.05, 0.2), newcomers=0), inflow_known=False)
    said = stated(chapter, found)["lever_new_customers"]
    assert said.verdict == "unknown"
    assert "who is new isn't known in this ledger" in said.statement
    table: Any = levers.lever_table(chapter, found)
    assert table.rows[0][1:] == ("–", "–", "not in this ledger", "–")
    assert "new customers make" not in figures.gains(found, "USD").alt


def test_a_small_share_is_not_told_as_none_and_figure_and_finding_name_one_lever(opened: Opened) -> None:
    found = moved(Estimate(0.1, 0.05, 0.2))
    added = {BETTER_NEW: 1, REGULARS: 0.5, PURCHASE: 50}
    small = tuple(gain._replace(profit=Estimate(added[gain.lever], 0.1, 60)) for gain in found.levers.gains)
    found = replace(found, levers=replace(found.levers, gains=small))
    statement = stated(opened("a,2023-01-01,5\n"), found)["levers"].statement
    assert "under 1% of the USD 200" in statement
    assert figures.gains(found, "USD").alt.startswith("If new customers make 10% more repeat purchases")


@pytest.mark.parametrize(
    "rows",
    [
        "a,2023-01-01,5\n",
        "a,2023-01-01,5\nb,2023-02-01,7\nc,2023-02-02,7\n",
        "a,2023-01-01,5\na,2023-02-01,5\na,2023-03-01,5\n",
        "a,2023-01-01,5\na,2023-02-01,5\nb,2023-03-01,5\nb,2023-03-01,-5\n",
    ],
)
def test_a_base_that_says_little_gets_a_sentence_or_a_figure_and_never_a_crash(opened: Opened, rows: str) -> None:
    chapter = opened(rows)
    found: Any = levers.simulate(chapter)
    raised: Any = levers.retention(found)
    # a table stands beside its figure, or the sentence stands for both
    for figure, table in (
        (figures.gains(found, "USD"), levers.lever_table(chapter, found)),
        (figures.retention(found, raised), levers.retention_table(chapter, found, raised)),
    ):
        assert hasattr(figure, "_repr_mimebundle_")
        assert (table is None) == isinstance(figure, Unsaid)
    assert "levers" in stated(chapter, found)


def test_tables_and_figures_tell_the_same(opened: Opened) -> None:
    terms: dict[str, Any] = {"start": dt.date(2022, 1, 3), "acquisition_days": 600, "end": dt.date(2023, 12, 31)}
    ledger = simulate_ledger("bgnbd", CDNOW["bgnbd"], CDNOW["gamma_gamma"], 300, seed=7, **terms)
    rows = ledger.select("customer", "date", "amount").write_csv(include_header=False)
    chapter = opened(rows, margin=0.4)
    found: Any = levers.simulate(chapter)
    raised: Any = levers.retention(found)
    table: Any = levers.lever_table(chapter, found)
    worth: Any = levers.retention_table(chapter, found, raised)
    assert found.terms.newcomers == levers.newcomers(chapter)[0].height
    assert [row[2] for row in table.rows] == [f"{gain.profit.value:,.0f}" for gain in found.levers.gains]
    # the profit of a larger purchase is its share of today's profit, whatever the margin
    assert table.rows[2][4] == "10.0%"
    assert len(worth.rows) == 6
    for picture in (figures.gains(found, "USD"), figures.retention(found, raised)):
        assert picture.png().startswith(b"\x89PNG")
    assert "of profit" in figures.gains(found, "USD").alt


def test_an_interval_that_does_not_hold_its_estimate_is_left_out() -> None:
    found = moved(Estimate(0.4, 0.45, 0.5)).levers
    agreeing = levers._agreeing(replace(found, today=Estimate(200.0, 150.0, 250.0)))
    assert agreeing.today == (200.0, 150.0, 250.0)
    assert agreeing.retention.life.value == 0.4
    assert math.isnan(agreeing.retention.life.low)
    assert math.isnan(agreeing.retention.life.high)
