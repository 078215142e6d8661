"""What the chapters say of a ledger that begins in the middle of its customers' lives, and of one that doesn't."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import left_cut
from customerbase.chapters.identify.ledger_audit import account, questions, state_ledger
from customerbase.chapters.lifetime_value import forecast_validation
from customerbase.figures.identify import identify as figures
from customerbase.ledger import read_ledger
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from models.left_truncation import left_truncation
from models.simulation import CDNOW, simulate_ledger

ROOT = Path(__file__).resolve().parents[3]
CUT, END = dt.date(2020, 1, 1), dt.date(2021, 12, 31)
FAST = {"r": 1.0, "alpha": 1.5, "a": 0.5, "b": 8.0}
MakeChapter = Callable[[pl.DataFrame, dt.date], Chapter]


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    spend, start = CDNOW["gamma_gamma"], dt.date(2018, 1, 1)
    return simulate_ledger("bgnbd", FAST, spend, 3000, start=start, acquisition_days=1461, end=END, seed=1)


@pytest.fixture(scope="module")
def cut(open_on: MakeChapter, whole: pl.DataFrame) -> Chapter:
    return open_on(whole.filter(pl.col("date") >= CUT), END)


@pytest.fixture(scope="module")
def uncut(open_on: MakeChapter, whole: pl.DataFrame) -> Chapter:
    return open_on(whole, END)


@pytest.fixture(scope="module")
def too_small(open_on: MakeChapter, whole: pl.DataFrame) -> Chapter:
    return open_on(whole.filter(pl.col("customer") < "0020"), END)


def stated(chapter: Chapter) -> tuple[str, str, str | None]:
    left_cut.state_left_cut(chapter)
    finding = chapter._findings["left_cut"]
    return finding.statement, finding.verdict, finding.question


def test_only_those_seen_late_enough_are_new(cut: Chapter) -> None:
    found, new = left_cut.left_cut(cut), left_cut.new_customers(cut)
    assert found.cut and found.new_from is not None
    assert new.columns == ["customer", "first"] and new["first"].min() >= found.new_from  # type: ignore[operator]
    first = cut.purchases.group_by("customer").agg(pl.col("date").min())
    assert new.height == first.filter(pl.col("date") >= found.new_from).height < first.height
    assert left_cut.left_cut(cut) is found


def test_all_are_new_in_a_whole_ledger(uncut: Chapter, too_small: Chapter) -> None:
    for chapter in (uncut, too_small):
        assert left_cut.new_customers(chapter).height == chapter.purchases["customer"].n_unique()
        assert [left_cut.what_it_means(chapter, use) for use in get_args(left_cut.Use)] == [None] * 6
        assert left_cut.note(chapter, "purchase_model") is None
        assert left_cut.first_seen(chapter)["new"].all()


@pytest.mark.parametrize("use", get_args(left_cut.Use))
def test_what_it_means_is_said(cut: Chapter, use: left_cut.Use) -> None:
    said = left_cut.what_it_means(cut, use)
    assert said is not None and said.startswith(
        "The ledger begins on 1 January 2020 in the middle of its customers' lives"
    )
    assert str(left_cut.note(cut, use)) == str(Unsaid(said))


def test_first_appearances_are_counted_and_drawn(cut: Chapter, uncut: Chapter) -> None:
    counts = left_cut.first_seen(cut)
    assert counts["customers"].sum() == cut.purchases["customer"].n_unique()
    assert counts.loc[counts["new"], "customers"].sum() <= left_cut.new_customers(cut).height
    assert counts.attrs["period"] == "week" and left_cut.first_seen(uncut).attrs["period"] == "month"
    assert "too early to be taken for new" in figures.first_seen(counts).alt
    assert "are taken for new" in figures.first_seen(left_cut.first_seen(uncut)).alt


def test_the_evidence_is_shown(cut: Chapter, uncut: Chapter, too_small: Chapter) -> None:
    table = left_cut.evidence_table(cut)
    assert table.caption == "The first customers come back like customers known for long"
    assert [row[0] for row in table.rows][1:] == ["known half-way", "first seen later"]
    assert "don't crowd" in left_cut.evidence_table(uncut).reason
    assert "too few" in left_cut.evidence_table(too_small).reason


def test_the_findings_say_it(cut: Chapter, uncut: Chapter, too_small: Chapter) -> None:
    statement, *judged = stated(cut)
    assert "were customers before, and only the" in statement and judged == ["watch", "trust"]
    assert stated(uncut)[1:] == ("good", None)
    assert stated(too_small)[1:] == ("unknown", None)


def test_it_is_told_once_among_the_findings(cut: Chapter) -> None:
    asked = questions(cut)
    assert asked[0].id == "left_cut" and "Does the ledger begin when the business did?" in asked[0].question
    state_ledger(cut, account(cut), asked)
    assert cut._findings["ledger_questions"].statement == (
        f"The ledger raises {len(asked)} questions. One of them: {asked[1].statement}"
    )


def test_the_forecast_says_what_it_means_for_the_models(cut: Chapter) -> None:
    doubts = forecast_validation.doubts(cut)
    table = forecast_validation.doubts_table(doubts)
    assert table.rows[0][1] == "yes" and table.rows[0][2].endswith("of the customers")
    forecast_validation.state_doubts(cut, doubts)
    assert cut._findings["doubt_left_cut"].statement == left_cut.what_it_means(cut, "purchase_model")


def test_the_wholesaler_began_with_its_ledger() -> None:
    rows = read_ledger(read_parameters(ROOT / "params" / "wholesale.yml").ledger).rows
    found = left_truncation(rows.filter(pl.col("kind") == "sale"), dt.date(2025, 12, 31))
    assert found.can_tell and not found.cut
