"""What a chapter works with: which days it sees, whose tables it takes, what it leaves behind."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from customerbase import Chapter, open_chapter
from customerbase.chapter import RUN_FOLDER
from customerbase.errors import CannotSay, Refusal
from customerbase.parameters import Parameters, check_parameters
from customerbase.store import read_table, write_table
from customerbase.tables import Table

CDNOW: dict[str, Any] = {
    "base": "cdnow",
    "ledger": {
        "path": "builtin:cdnow",
        "columns": {"customer": "customer_id", "date": "date", "amount": "dollar_value"},
    },
}
ROWS = """customer,date,amount
a,2024-01-10,5
b,2024-02-01,7
a,2024-02-01,-5
b,2024-05-20,3
c,2024-06-01,9
c,2024-06-03,-9
"""


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """The folder of runs, out of the project's way; no run is under way."""
    folder = tmp_path / "runs"
    monkeypatch.setattr("customerbase.chapter.RUNS", folder)
    monkeypatch.delenv(RUN_FOLDER, raising=False)
    return folder


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def base(ledger):
    """Return the small base's parameters, as a notebook has them."""
    columns = {name: name for name in ("customer", "date", "amount")}
    return {"base": "small", "ledger": {"path": str(ledger), "columns": columns}}


def parameters(given: dict[str, Any], **changes: Any) -> Parameters:
    return check_parameters(given | changes, where="a test")


def chapter(given: dict[str, Any], run_folder: Path | None = None, **changes: Any) -> Chapter:
    return Chapter("04_lifetime_value", parameters(given, **changes), run_folder)


# the days a chapter sees


def test_the_last_day_observed_is_the_ledgers_last_day_even_if_only_a_return_fell_on_it(base):
    assert chapter(base).as_of == dt.date(2024, 6, 3)


def test_a_given_last_day_counts(base):
    assert chapter(base, as_of="2024-05-31").as_of == dt.date(2024, 5, 31)


def test_a_given_last_day_may_lie_after_the_ledgers_last(base):
    assert chapter(base, as_of="2024-12-31").as_of == dt.date(2024, 12, 31)


def test_a_last_day_before_the_first_purchase_is_refused(base):
    with pytest.raises(Refusal, match="as_of: 2024-01-09 lies before the ledger's first purchase, on 2024-01-10"):
        _ = chapter(base, as_of="2024-01-09").ledger


def test_a_ledger_of_returns_alone_is_refused(base, ledger):
    ledger.write_text("customer,date,amount\na,2024-01-10,-5\n")
    with pytest.raises(Refusal, match="holds no purchase"):
        _ = chapter(base).ledger


def test_rows_after_the_last_day_are_not_seen(base):
    seen = chapter(base, as_of="2024-02-01").ledger
    assert seen.select("customer", "amount").rows() == [("a", 5), ("b", 7), ("a", -5)]


def test_the_last_day_counts_to_its_last_hour(base, ledger):
    ledger.write_text(
        "customer,date,amount\na,2024-01-10 09:00:00,5\nb,2024-02-01 23:59:59,7\nc,2024-02-02 00:00:00,9\n"
    )
    seen = chapter(base, as_of="2024-02-01")
    assert seen.purchases["customer"].to_list() == ["a", "b"]
    assert chapter(base).as_of == dt.date(2024, 2, 2)


def test_purchases_are_sales_on_days_and_nothing_else(base):
    purchases = chapter(base, as_of="2024-06-01").purchases
    assert purchases.columns == ["customer", "date", "amount"]
    assert purchases.schema["date"] == pl.Date
    assert purchases.rows() == [
        ("a", dt.date(2024, 1, 10), 5),
        ("b", dt.date(2024, 2, 1), 7),
        ("b", dt.date(2024, 5, 20), 3),
        ("c", dt.date(2024, 6, 1), 9),
    ]


def test_the_first_day_is_the_first_purchases(base, ledger):
    ledger.write_text("customer,date,amount\na,2024-01-01,-5\na,2024-01-10,5\nb,2024-06-01,7\n")
    assert chapter(base).first_day == dt.date(2024, 1, 10)


# the days kept back


@pytest.mark.parametrize("holdout", [{"holdout_days": 273}, {}], ids=["given", "chosen"])
def test_cdnow_is_fitted_on_its_first_39_weeks(holdout):
    assert chapter(CDNOW, as_of="1998-06-30", **holdout).calibration_end == dt.date(1997, 9, 30)


@pytest.mark.parametrize(
    ("last_day", "kept_back"),
    [("2024-02-07", 14), ("2024-04-10", 42), ("2025-01-10", 182), ("2026-01-10", 364), ("2034-01-10", 364)],
)
def test_half_the_span_in_whole_weeks_is_kept_back_and_a_year_at_most(base, last_day, kept_back):
    at_work = chapter(base, as_of=last_day)
    assert (at_work.as_of - at_work.calibration_end).days == kept_back


def test_a_ledger_of_less_than_four_weeks_cannot_say_how_a_forecast_held(base):
    assert chapter(base, as_of="2024-02-07").calibration_end == dt.date(2024, 1, 24)
    with pytest.raises(CannotSay, match="spans 27 days; a forecast can be tested from 28 days up"):
        _ = chapter(base, as_of="2024-02-06").calibration_end


def test_a_holdout_that_leaves_nothing_to_fit_on_cannot_be_kept_back(base):
    assert chapter(base, as_of="2024-02-10", holdout_days=30).calibration_end == dt.date(2024, 1, 11)
    with pytest.raises(CannotSay, match="keeps back 31 days, but the ledger spans only 31"):
        _ = chapter(base, as_of="2024-02-10", holdout_days=31).calibration_end


# a notebook's parameters

CELL = {"base": "cell", "horizon_days": 30, "margin": 0.5, "interval": 0.9, "as_of": None}


@pytest.fixture
def namespace(base):
    """Return the ``globals()`` of a notebook whose parameters cell has run."""
    return {**base, **CELL, "In": ["", "import pandas as pd", "base: str = 'cell'"], "pd": pd, "margins": 3}


def injected(namespace: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return a notebook's ``globals()`` after papermill's injected cell."""
    cell = "# Parameters\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return {**namespace, **values, "In": [*namespace["In"], cell, "chapter = open_chapter(...)"]}


def test_a_chapter_takes_the_values_of_its_parameters_cell(namespace):
    given = open_chapter("04", namespace).parameters
    assert (given.base, given.horizon_days, given.margin, given.interval) == ("cell", 30, 0.5, 0.9)


def test_what_the_parameters_cell_leaves_out_takes_the_default(namespace):
    assert open_chapter("04", namespace).parameters.active_days == 180


def test_a_wrong_value_in_the_parameters_cell_is_refused_under_the_chapters_name(namespace):
    with pytest.raises(Refusal) as refusal:
        open_chapter("04_lifetime_value", namespace | {"horizon_days": -1, "interval": 80})
    assert len(refusal.value.problems) == 2
    assert all(line.startswith("04_lifetime_value: ") for line in refusal.value.problems)


def test_a_single_injected_value_leaves_the_others_to_the_cell(namespace):
    given = open_chapter("04", injected(namespace, horizon_days=90)).parameters
    assert (given.base, given.horizon_days, given.margin, given.interval) == ("cell", 90, 0.5, 0.9)


def test_an_injected_base_takes_nothing_from_the_cell_of_another(namespace, base):
    given = open_chapter("04", injected(namespace, **base, horizon_days=90)).parameters
    assert (given.base, given.horizon_days) == ("small", 90)
    assert (given.margin, given.interval) == (None, 0.8)


def test_an_injected_ledger_without_a_base_does_not_go_under_the_cells_name(namespace, base):
    with pytest.raises(Refusal, match="'base' is missing"):
        open_chapter("04", injected(namespace, ledger=base["ledger"]))


def test_the_last_injected_cell_counts(namespace, base):
    rerun = injected(injected(namespace, **base), horizon_days=90)
    assert open_chapter("04", rerun).parameters.margin == 0.5


def test_an_ordinary_cell_about_parameters_is_not_taken_for_an_injected_one(namespace):
    cells = ["# Parameters of the base\nbase = 'x'", "x = 1\n# Parameters\nbase = 'x'", "#Parameters\nledger = {}"]
    given = open_chapter("04", namespace | {"In": [*namespace["In"], *cells]}).parameters
    assert (given.base, given.margin) == ("cell", 0.5)


def test_a_chapter_opened_outside_a_notebook_needs_no_history(base):
    assert open_chapter("04", base).parameters.base == "small"


def test_a_chapter_works_in_the_folder_of_the_run_that_started_it(base, tmp_path, monkeypatch, runs):
    by_hand = open_chapter("04", base)
    assert (by_hand.in_run, by_hand.folder) == (False, runs / "small" / "by-hand")
    monkeypatch.setenv(RUN_FOLDER, str(tmp_path / "a run"))
    in_run = open_chapter("04", base)
    assert (in_run.in_run, in_run.folder) == (True, tmp_path / "a run")


# tables of other chapters

TABLE = pd.DataFrame({"customer": ["a", "00b"], "clv": [1.5, np.nan]})


@pytest.fixture
def tables(monkeypatch):
    """Two tables that other chapters make, and the parameters each depends on.

    Computed, they hold the chapter that asked for them.
    """
    known = {"clv": Table("lifetime_value", ("horizon_days", "margin")), "rungs": Table("portrait", ())}
    for name, table in known.items():
        made_by = f"customerbase.chapters.{table.made_in}.table_{name}"
        monkeypatch.setattr(made_by, lambda asking, name=name: pd.DataFrame({name: [asking]}), raising=False)
    monkeypatch.setattr("customerbase.chapter.TABLES", known)
    return known


def taken(at_work: Chapter, name: str = "clv") -> bool:
    """Return whether the chapter takes the table that is there instead of computing it."""
    table = at_work.table(name)
    if list(table) == [name]:
        assert table[name][0] is at_work
        return False
    pd.testing.assert_frame_equal(table, TABLE)
    return True


@pytest.mark.usefixtures("tables")
class TestATableOfAnotherChapter:
    def test_is_computed_for_the_chapter_that_asks_where_there_is_none(self, base):
        assert not taken(chapter(base))

    def test_by_hand_is_taken_if_made_from_the_same_parameters_and_ledger(self, base):
        chapter(base).write("clv", TABLE)
        assert taken(chapter(base))

    @pytest.mark.parametrize("changes", [{"horizon_days": 30}, {"margin": 0.3}, {"as_of": "2024-06-02"}], ids=str)
    def test_by_hand_is_computed_anew_when_a_parameter_it_depends_on_changes(self, base, changes):
        chapter(base).write("clv", TABLE)
        assert not taken(chapter(base, **changes))

    def test_by_hand_is_taken_whatever_parameter_it_does_not_depend_on_changes(self, base):
        chapter(base).write("clv", TABLE)
        assert taken(chapter(base, currency="EUR", active_days=30))

    def test_by_hand_is_computed_anew_when_it_came_to_depend_on_more(self, base, tables):
        chapter(base).write("clv", TABLE)
        tables["clv"] = Table("lifetime_value", ("horizon_days", "margin", "seed"))
        assert not taken(chapter(base))

    def test_by_hand_is_computed_anew_when_the_ledger_changes(self, base, ledger):
        chapter(base).write("rungs", TABLE)
        assert taken(chapter(base), "rungs")
        ledger.write_text(ROWS + "d,2024-06-03,1\n")
        assert not taken(chapter(base), "rungs")

    @pytest.mark.parametrize("changes", [{"decimal": "."}, {"columns": {"customer": "amount"}}], ids=str)
    def test_by_hand_is_computed_anew_when_the_ledger_is_read_another_way(self, base, changes):
        chapter(base).write("rungs", TABLE)
        columns = base["ledger"]["columns"] | changes.get("columns", {})
        assert not taken(chapter(base, ledger=base["ledger"] | changes | {"columns": columns}), "rungs")

    def test_by_hand_is_not_shared_between_bases(self, base):
        chapter(base).write("clv", TABLE)
        assert not taken(chapter(base, base="other"))

    def test_in_a_run_is_the_runs_whatever_it_was_made_from(self, base, tmp_path):
        write_table(tmp_path / "run", "clv", TABLE, made_from="anything")
        assert taken(chapter(base, tmp_path / "run"))
        assert taken(chapter(base, tmp_path / "run", horizon_days=30))

    def test_in_a_run_is_never_one_left_by_hand(self, base, tmp_path):
        chapter(base).write("clv", TABLE)
        assert not taken(chapter(base, tmp_path / "run"))

    def test_is_written_into_the_chapters_folder(self, base, runs):
        chapter(base).write("clv", TABLE)
        table = read_table(runs / "small" / "by-hand", "clv")
        assert table is not None
        assert table.rows() == [("a", 1.5), ("00b", None)]


def test_in_a_run_the_runs_ledger_is_read_and_the_source_left_alone(base, ledger, tmp_path):
    write_table(tmp_path / "run", "ledger", chapter(base).ledger)
    ledger.unlink()
    at_work = chapter(base, tmp_path / "run", as_of="2024-02-01")
    assert at_work.purchases["amount"].to_list() == [5, 7]


def test_in_a_run_without_its_ledger_the_source_is_read(base, tmp_path):
    assert chapter(base, tmp_path / "run").ledger.height == 6


# findings


def written(at_work: Chapter) -> list[dict[str, Any]]:
    """Return the findings as another program reads them: NaN and Infinity are no JSON."""
    path = at_work.folder / "findings" / f"{at_work.name}.json"

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_findings_are_written_and_shown_in_the_order_stated(base):
    at_work = chapter(base)
    at_work.state("b", "Second letter.", value=2, unit="customers")
    at_work.state("a", "First letter.", verdict="act")
    assert [finding.id for finding in at_work.findings().findings] == ["b", "a"]
    assert [(row["id"], row["chapter"], row["value"], row["verdict"]) for row in written(at_work)] == [
        ("b", "04_lifetime_value", 2.0, "note"),
        ("a", "04_lifetime_value", None, "act"),
    ]


def test_a_finding_stated_again_replaces_the_earlier_one_in_its_place(base):
    at_work = chapter(base)
    at_work.state("a", "Old.", value=1)
    at_work.state("b", "Other.")
    at_work.state("a", "New.", value=2)
    at_work.findings()
    assert [(row["statement"], row["value"]) for row in written(at_work)] == [("New.", 2.0), ("Other.", None)]


def test_findings_shown_again_are_written_again(base):
    at_work = chapter(base)
    at_work.state("a", "One.")
    at_work.findings()
    at_work.state("b", "Two.")
    at_work.findings()
    assert [row["id"] for row in written(at_work)] == ["a", "b"]


def test_numbers_that_are_missing_or_infinite_are_written_as_null(base):
    at_work = chapter(base)
    at_work.state("a", "Who knows.", value=np.nan, low=-np.inf, high=np.float64(3))
    at_work.findings()
    (row,) = written(at_work)
    assert (row["value"], row["low"], row["high"]) == (None, None, 3.0)


@pytest.mark.parametrize(
    ("ends", "interval"),
    [({}, None), ({"low": 1.0}, 0.9), ({"high": 1.0}, 0.9), ({"low": 0.0, "high": 1.0}, 0.9)],
    ids=str,
)
def test_a_finding_with_an_interval_says_how_much_it_covers(base, ends, interval):
    at_work = chapter(base, interval=0.9)
    at_work.state("a", "Some.", value=0.5, **ends)
    assert at_work.findings().findings[0].interval == interval


def test_a_chapter_without_findings_writes_an_empty_list(base):
    at_work = chapter(base)
    at_work.findings()
    assert written(at_work) == []
