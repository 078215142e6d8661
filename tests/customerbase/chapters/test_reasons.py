"""What `05_retention` says of reasons, complaints and satisfaction, on small bases and on such that say little."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.retention import after_complaint, happenings, satisfaction
from customerbase.chapters.retention import reasons as steps
from customerbase.figures.retention import reasons as figures
from customerbase.figures.style import Picture
from customerbase.findings import Finding
from customerbase.parameters import read_parameters
from customerbase.shown_table import ShownTable
from customerbase.unsaid import Unsaid
from models.matched_risk_set import Difference
from models.reasons_for_leaving import ANY
from models.satisfaction import SCALES, quadrants

Opened = Callable[..., Chapter]
FIRST = dt.date(2023, 1, 1)
CUSTOMERS = 120


def ledger(seed: int = 1) -> tuple[str, str]:
    """Customers who buy every three weeks; who complains of a late delivery mostly stops, who answers 10 stays."""
    random = np.random.default_rng(seed)
    rows, events = [], []
    for number in range(CUSTOMERS):
        who = f"c{number:03d}"
        complains, scores = number % 3 == 0, 5 if number % 2 else 10
        complained = 250 + number
        stops = complained if complains and random.random() < 0.8 else 10_000
        day = int(random.integers(0, 20))
        while day < min(700, stops):
            rows.append(f"{who},{FIRST + dt.timedelta(days=day)},{20 + number}")
            day += int(random.integers(10, 35))
        if complains:
            events.append(f"{who},{FIRST + dt.timedelta(days=complained)},complaint,late,")
        events.append(f"{who},{FIRST + dt.timedelta(days=230)},survey,,{scores}")
    return "\n".join(rows) + "\n", "\n".join(events) + "\n"


@pytest.fixture
def opened(make_base: Callable[..., Path], tmp_path: Path) -> Opened:
    """A chapter on a ledger, and on events where they are given."""

    def make(rows: str, events: str | None = None, header: str = "customer,date,amount", **given: Any) -> Chapter:
        if events is not None:
            (tmp_path / "events.csv").write_text(f"who,day,what,why,mark\n{events}", encoding="utf-8")
            columns = {"customer": "who", "date": "day", "kind": "what", "reason": "why", "score": "mark"}
            given["events"] = {"path": str(tmp_path / "events.csv"), "columns": columns}
        return Chapter("05_retention", read_parameters(make_base(rows, header=header, **given)), tmp_path / "by-hand")

    def by_hand(*rows: Any, **given: Any) -> Chapter:
        chapter = make(*rows, **given)
        chapter.in_run = False
        return chapter

    return by_hand


def said(chapter: Chapter, *results: Any) -> dict[str, Finding]:
    steps.state_findings(chapter, *results)
    return {finding.id: finding for finding in chapter.findings().findings}


def all_steps(chapter: Chapter) -> tuple[Any, Any, Any]:
    base = happenings.base_of(chapter)
    found = steps.reasons(chapter, base)
    return found, after_complaint.after_complaint(chapter, base), satisfaction.satisfaction(chapter, base)


def test_who_complained_and_stopped_is_seen_in_all_three(opened: Opened) -> None:
    chapter = opened(*ledger(), active_days=90)
    found, complained, satisfied = all_steps(chapter)
    first = found.table.row(0, named=True)
    assert (first["kind"], first["reason"], first["customers"], first["clear"]) == ("complaint", "late", 40, True)
    assert first["silent"] > 0.6 > 0.3 > first["expected_silent"]
    assert complained.found.share < 0.4 < 0.8 < complained.found.expected
    assert complained.curves["complained"][-1] == pytest.approx(complained.found.share)
    assert complained.curves["comparable"][-1] == pytest.approx(complained.found.expected)
    assert satisfied.divided["customers"].sum() == CUSTOMERS
    stated = said(chapter, found, complained, satisfied)
    assert stated["reasons"].verdict == "act"
    assert stated["reasons"].question == "losing"
    assert "'complaint: late' weighs most" in stated["reasons"].statement
    assert "is not shown by it" in stated["reasons"].statement
    assert stated["after_complaint"].high < 0  # type: ignore[operator]
    assert "60 customers who called themselves satisfied (9 or more of 10)" in stated["satisfied_and_gone"].statement


def test_figures_and_tables_show_it(opened: Opened) -> None:
    chapter = opened(*ledger(), active_days=90)
    found, complained, satisfied = all_steps(chapter)
    pictures = (
        figures.lost_by_reason(found, 0.8, "USD", 365),
        figures.bought_again(found, complained, 0.8),
        figures.satisfied_and_gone(complained, satisfied, 0.8),
    )
    assert all(isinstance(picture, Picture) for picture in pictures)
    assert "complaint: late: USD" in pictures[0].alt
    told = dataclasses.replace(found, table=found.table.with_columns(lost_clear=False, clear=pl.col("kind") != ANY))
    title = figures.lost_by_reason(told, 0.8, "USD", 365).alt
    assert title.startswith("More customers go after '") and "can't be told from chance" in title
    shown = steps.reason_table(chapter, found).rows[0]  # type: ignore[union-attr]
    assert shown[:2] == ("complaint: late", "40")
    assert [row[0] for row in satisfaction.satisfaction_table(chapter, satisfied).rows] == [  # type: ignore[union-attr]
        "loyalists",
        "mercenaries",
        "hostages",
        "defectors",
    ]


def test_a_base_without_events_says_so_in_one_sentence(opened: Opened) -> None:
    chapter = opened(ledger()[0])
    found, complained, satisfied = all_steps(chapter)
    assert found == complained == satisfied
    assert figures.lost_by_reason(found, 0.8, "USD", 365) is found
    assert figures.bought_again(found, complained, 0.8) is None
    assert figures.satisfied_and_gone(complained, satisfied, 0.8) is None
    assert steps.about(chapter, found) is satisfaction.about(chapter, satisfied) is None
    assert steps.reason_table(chapter, found) is None
    assert satisfaction.satisfaction_table(chapter, satisfied) is None
    (finding,) = said(chapter, found, complained, satisfied).values()
    assert (finding.id, finding.verdict, finding.question) == ("reasons", "unknown", None)


def test_returns_of_the_ledger_count_where_the_events_have_none(opened: Opened) -> None:
    rows = (
        "a,2023-01-01,5,sale\na,2023-02-01,5,sale\na,2023-02-03,-5,return\nb,2023-01-01,5,sale\nb,2023-06-01,5,sale\n"
    )
    header = "customer,date,amount,kind"
    chapter = opened(rows, header=header)
    assert happenings.happened(chapter)[0].rows() == [("a", dt.date(2023, 2, 3), "return", None)]
    assert happenings.happened(chapter)[1] == "ledger"
    chapter = opened(rows, "b,2023-01-02,return,torn,\n", header=header)
    assert happenings.happened(chapter)[0].rows() == [("b", dt.date(2023, 1, 2), "return", "torn")]
    assert happenings.happened(chapter)[1] == "events"


def test_reasons_that_tell_who_somebody_is_are_not_shown(opened: Opened) -> None:
    rows = ledger()[0]
    chapter = opened(rows, "c001,2023-03-01,complaint,ask anna@example.org,\nc002,2023-03-01,complaint,late,\n")
    assert happenings.happened(chapter)[0]["reason"].to_list() == ["(not shown)", "late"]
    chapter = opened(rows, "c001,2023-03-01,complaint,ask anna@example.org,\n", show_personal_data=True)
    assert happenings.happened(chapter)[0]["reason"].to_list() == ["ask anna@example.org"]


@pytest.mark.parametrize(
    "events",
    [
        "c001,2024-11-20,complaint,late,\n",
        "nobody,2023-03-01,complaint,late,\n",
        "c001,2023-03-01,survey,,9\n",
        "c001,2023-03-01,survey,,\n",
        "c001,2023-03-01,survey,,-40\nc002,2023-03-01,survey,,300\n",
        "c001,2024-11-20,survey,,9\n",
        "c001,2023-03-01,exit,price,\n",
        "c001,2023-03-01,contact,,\n",
    ],
)
def test_a_base_that_says_little_is_told_so(opened: Opened, events: str) -> None:
    chapter = opened(ledger()[0], events)
    found, complained, satisfied = all_steps(chapter)
    assert all(isinstance(result, Unsaid) for result in (complained, satisfied))
    for shown in (
        figures.lost_by_reason(found, 0.8, "USD", 365),
        figures.bought_again(found, complained, 0.8),
        steps.reason_table(chapter, found),
    ):
        assert isinstance(shown, Unsaid | ShownTable | None)
    assert all(finding.verdict == "unknown" for finding in said(chapter, found, complained, satisfied).values())


def test_one_customer_of_one_purchase_is_no_crash(opened: Opened) -> None:
    chapter = opened("a,2023-01-01,5\n", "a,2023-01-01,complaint,late,\n")
    found, complained, satisfied = all_steps(chapter)
    assert isinstance(found, Unsaid)
    assert "second day" in found.reason
    assert said(chapter, found, complained, satisfied)["reasons"].verdict == "unknown"


def test_who_bought_once_and_long_ago_is_gone_though_the_model_lets_nobody_leave_before(opened: Opened) -> None:
    rows = ledger()[0] + "once,2023-02-01,20\nlately,2024-09-20,20\n"
    events = "".join(f"{who},2024-09-21,survey,,9\n" for who in ("once", "lately"))
    chapter = opened(rows, events, active_days=90)
    silent = dict(happenings.base_of(chapter).silent.iter_rows())
    assert (silent["once"], silent["lately"]) == (True, False)
    assert "one purchase only and that more than 90 days ago" in happenings.gone_means(chapter)


def row(**given: Any) -> dict[str, Any]:
    told = {"kind": "complaint", "compared": 20, "silent": 0.6, "expected_silent": 0.3, "customers": 20}
    loss = {"lost": 900.0, "lost_low": 100.0, "lost_high": 1700.0, "lost_clear": False, "clear": False}
    return {"reason": "late"} | told | loss | given


@pytest.mark.parametrize(
    ("rows", "said_of_it", "verdict"),
    [
        ([row()], "nothing goes with a loss beyond chance. The largest is 'complaint: late'", "note"),
        ([row(lost=-900.0)], "With nothing that happened to customers more value was lost", "note"),
        ([row(clear=True)], "more customers go than chance explains", "watch"),
        ([row(clear=True, lost=np.nan)], "can't be told of so few", "watch"),
        ([row(clear=True), row(reason="torn", clear=True)], "so they do after 'complaint: torn'", "watch"),
        ([row(), row(reason="torn", lost=500.0, lost_clear=True)], "'complaint: torn' weighs most", "act"),
        ([row(lost=np.nan)], "of no reason do enough", "unknown"),
    ],
)
def test_a_reason_is_claimed_only_beyond_chance(
    opened: Opened, rows: list[dict[str, Any]], said_of_it: str, verdict: str
) -> None:
    table = pl.DataFrame([*rows, row(kind=ANY, reason=None)], schema_overrides={"reason": pl.String})
    untold = Unsaid("Not recorded.")
    finding = said(opened(ledger()[0]), steps.Reasons(table, "", FIRST), untold, untold)["reasons"]
    assert said_of_it in finding.statement
    assert finding.verdict == verdict
    assert (finding.value is None) == bool(np.isnan(steps.costliest(steps.Reasons(table, "", FIRST))["lost"]))


def test_a_difference_that_only_an_80_percent_interval_shows_is_not_claimed(opened: Opened) -> None:
    chapter = opened(ledger()[0])
    complained = after_complaint.AfterComplaint(
        Difference(40, 40, 40, 400, 0.5, 0.62, -0.12, -0.23, -0.01, 0.15, 0), pl.DataFrame(), 90
    )
    divided = quadrants(
        pl.DataFrame(
            {
                "value": [1.0] * 80,
                "score": [10] * 40 + [5] * 40,
                "left": [n % 40 < 10 + 6 * (n // 40) for n in range(80)],
            }
        ),
        SCALES[3],
    )
    satisfied = satisfaction.Satisfaction(divided, SCALES[3], FIRST, FIRST)
    stated = said(chapter, Unsaid("Not recorded."), complained, satisfied)
    assert "chance alone can explain" in stated["after_complaint"].statement
    assert stated["after_complaint"].verdict == "note"
    assert "doesn't tell who leaves beyond chance" in stated["satisfied_and_gone"].statement
