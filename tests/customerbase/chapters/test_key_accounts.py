"""What `07_key_accounts` says of bases whose truth is known."""

import datetime as dt
import json
from typing import Any

import pandas as pd
import pytest

from customerbase.chapters.key_accounts import (
    key_account_concentration,
    key_account_criteria,
    key_account_dependency,
    key_account_leaving,
    key_account_load,
    key_account_silence,
    key_accounts,
)
from customerbase.figures.key_accounts import key_account_concentration as concentration_figures
from customerbase.figures.key_accounts import key_account_dependency as dependency_figures
from customerbase.figures.key_accounts import key_account_leaving as leaving_figures
from customerbase.figures.key_accounts import key_account_silence as silence_figures
from customerbase.unsaid import Unsaid
from tests.key_account_base import Worked, on_paper, weekly

CUSTOMERS = """customer,potential,reputation,innovator,demanding,manager,volume_discount
big,0,1,no,1,Ann,20
n00,1000,4,no,4,Bob,0
n01,999,4,no,4,,0
n02,0,5,no,4,,0
n03,0,4,yes,4,,0
n04,0,4,no,5,,0
absent,90000,5,yes,5,Ann,0
"""


class TestOnPaper:
    @pytest.fixture
    def chapter(self, key_accounts_of):
        return key_accounts_of(on_paper(), customers=CUSTOMERS)

    def test_each_rule_finds_whom_it_should(self, chapter):
        found = Worked(chapter)
        assert dict(found.table.select("customer", "criteria").rows()) == {
            "big": "company revenue, department revenue, manager revenue",
            "tenth": "company revenue, department revenue, manager revenue",
            "eves": "manager revenue",
            "south": "department revenue",
            "n00": "potential",
            "n02": "reputation",
            "n03": "innovator",
            "n04": "demanding",
        }
        big, tenth, south = found.row("big"), found.row("tenth"), found.row("south")
        assert (big["share"], big["dependency"]) == (0.5, "critical")
        assert big["share_of_department"] == pytest.approx(5000 / 9000)
        assert big["share_of_manager"] == pytest.approx(5000 / 8200)
        assert (tenth["share"], tenth["dependency"], tenth["manager"]) == (0.1, "none", "Ann")
        assert (south["department"], south["share_of_department"]) == ("South", 0.1)
        assert found.row("n00")["manager"] == "Bob"
        assert found.row("n00")["dependent_manager"] == "Ann"
        assert chapter.table("key_accounts")["share"].is_monotonic_decreasing

    def test_the_table_is_written_as_it_is_computed(self, chapter):
        computed = chapter.table("key_accounts")
        key_accounts.write_tables(chapter, Worked(chapter).table)
        pd.testing.assert_frame_equal(chapter.table("key_accounts"), computed)
        assert tuple(computed.columns) == key_accounts.TABLE
        assert "absent" not in set(computed["customer"])

    def test_load_is_of_whom_the_customers_table_names_or_else_the_latest_purchase(self, chapter):
        loads = Worked(chapter).loads.set_index("manager")
        assert loads["key_accounts"].to_dict() == {"Ann": 6, "Bob": 1, "Eve": 1}
        assert loads["too_many"].to_dict() == {"Ann": 3, "Bob": 0, "Eve": 0}
        assert loads["room"].to_dict() == {"Ann": 0, "Bob": 2, "Eve": 2}

    def test_what_goes_with_the_largest(self, chapter):
        found = Worked(chapter)
        one, three = found.cases.to_dicts()
        assert (one["who"], one["revenue_lost"], one["revenue_share"]) == (["big"], 5000, 0.5)
        assert (three["who"], three["revenue_lost"]) == (["big", "tenth", "eves"], 6200)
        assert (one["profit_lost"], one["cost_lost"], one["discount"]) == (None, None, None)
        assert (one["volume_discount"], one["discounts_known"], three["discounts_known"]) == (None, 1, 1)
        shown: Any = key_account_leaving.leaving_table(chapter, found.everybody, found.cases)
        facts = {row[0]: row[1:] for row in shown.rows}
        assert facts["volume discount recorded of them"] == ("20%", "20%, not recorded, not recorded")
        for unknown in ("profit that goes", "volume we buy for them", "discounts given to them"):
            assert facts[unknown] == ("not recorded", "not recorded")

    def test_findings_say_so(self, chapter):
        stated = Worked(chapter).stated
        assert stated["dependency"].question == "dependency"
        assert stated["dependency"].verdict == "act"
        assert stated["dependency"].statement.startswith(
            "We depend on big, who brings 50.0% of revenue from 1 January 2024 to 30 December 2024 (critical from "
            "50%). Should the largest leave, USD 5,000"
        )
        assert stated["manager_load"].statement == (
            "Ann (6) holds more than 3 key accounts: 3 should go to others, who have room for 4."
        )
        assert stated["key_accounts"].statement == (
            "8 customers are key accounts, 65.4% of revenue: 2 by company revenue, 3 by department revenue, 3 by "
            "manager revenue, 1 by potential, 1 by reputation, 1 as an innovator and 1 as demanding."
        )
        # nobody came back, so there is no rhythm
        assert stated["key_accounts_silent"].verdict == "unknown"
        assert stated["supplier_volume"].verdict == "unknown"

    def test_the_days_that_count_can_be_fewer(self, key_accounts_of):
        rows = [("old", "2022-03-01", 900, "N", "Ann"), ("new", "2024-12-01", 100, "N", "Ann")]
        found = Worked(key_accounts_of(rows, lookback_days=365))
        assert found.table.select("customer", "share").rows() == [("new", 1.0)]
        assert Worked(key_accounts_of(rows)).row("old")["share"] == 0.9

    def test_what_a_base_records_otherwise_counts_otherwise(self, key_accounts_of):
        rows = [(who, day, amount) for who, day, amount, *_ in on_paper()]
        chapter = key_accounts_of(
            rows, "customer,date,amount", "customer,potential,reputation\nn00,yes,no\nn01,no,yes\n"
        )
        found = Worked(chapter)
        criteria = dict(found.table.select("customer", "criteria").rows())
        assert criteria == {
            "big": "company revenue",
            "tenth": "company revenue",
            "n00": "potential",
            "n01": "reputation",
        }
        assert isinstance(found.loads, Unsaid)
        shown = {
            row[0]: row[1] for row in key_account_criteria.criteria_table(chapter, found.everybody, found.table).rows
        }
        assert shown["potential"] == "a yes in the customers' table"
        assert shown["manager revenue"] == shown["demanding"] == "not recorded"

    def test_departments_and_managers_can_be_the_customers_tables(self, key_accounts_of):
        rows = [(who, day, amount) for who, day, amount, *_ in on_paper()]
        people = "".join(f"{who},{manager},North\n" for who, _, _, _, manager in on_paper())
        chapter = key_accounts_of(rows, "customer,date,amount", f"customer,manager,department\n{people}")
        found = Worked(chapter)
        assert found.everybody.unjudged["department revenue"] == "one department only, so the same as the company"
        assert found.row("eves")["share_of_manager"] == pytest.approx(200 / 1800)
        assert found.row("big")["share_of_department"] is None
        assert found.row("big")["department"] == "North"


class TestSpellings:
    def test_one_manager_is_one_however_written(self, key_accounts_of):
        rows = [
            *(("a", f"2024-{month:02d}-01", 100, "North", "Anna  Ivanova") for month in (1, 2, 3)),
            ("b", "2024-03-01", 100, "north", "ANNA IVANOVA"),
            ("c", "2024-04-01", 100, "NORTH", "Anna Ivanova"),
            ("d", "2024-05-01", 100, "South", "Bob"),
        ]
        customers = "customer,manager\nb,anna ivanova\nd,Bob\n"
        chapter = key_accounts_of(rows, customers=customers, key_accounts_per_manager=2)
        found = Worked(chapter)
        assert found.stated["manager_load"].statement.startswith("Anna")
        assert " (3) holds more than 2 key accounts" in found.stated["manager_load"].statement
        assert found.table["manager"].n_unique() == 2
        assert found.row("c")["share_of_department"] == pytest.approx(1 / 5)
        assert found.everybody.respelt["department"] == 2
        table: Any = key_account_load.load_table(chapter, found.loads)
        assert f"({found.everybody.respelt['manager']} other spelling" in table._repr_mimebundle_()["text/plain"]

    def test_long_names_are_shortened(self, key_accounts_of):
        name = "N" * 300
        rows = [(name, "2024-01-01", 10, "North", name), ("b", "2024-02-01", 5, "South", "Bob")]
        chapter = key_accounts_of(rows)
        found = Worked(chapter)
        shown: tuple[Any, ...] = (
            key_account_criteria.account_table(chapter, found.table),
            key_account_dependency.largest_table(chapter, found.largest),
            key_account_concentration.over_time_table(chapter, found.periods),
            key_account_leaving.leaving_table(chapter, found.everybody, found.cases),
            key_account_load.load_table(chapter, found.loads),
        )
        assert not [table for table in shown if name[:41] in table._repr_mimebundle_()["text/plain"]]
        assert not [finding for finding in found.stated.values() if name[:41] in finding.statement]


class TestBelowTheMark:
    def test_who_was_above_it_over_the_whole_ledger_is_watched(self, key_accounts_of):
        day = dt.date(2022, 1, 3)
        rows = [(f"c{number:02}", day + dt.timedelta(30 * month), 10) for month in range(36) for number in range(12)]
        rows += [("big", day + dt.timedelta(30 * month), 60 if month < 24 else 25) for month in range(36)]
        stated = Worked(key_accounts_of(rows, "customer,date,amount")).stated["dependency"]
        assert (stated.verdict, stated.question) == ("watch", "dependency")
        assert "the largest customer, big, brings 17.2% of revenue, but brought 28.7% since" in stated.statement
        assert "below the 20% from which we call it a dependency, and one to keep an eye on" in stated.statement


class TestSaysLittle:
    def test_a_base_on_which_nobody_weighs_much(self, key_accounts_of):
        chapter = key_accounts_of(weekly(), "customer,date,amount")
        found = Worked(chapter)
        assert found.table.is_empty()
        assert found.stated["dependency"].verdict == "good"
        assert found.stated["dependency"].statement.startswith(
            "We depend on no single customer: in the 365 days up to 30 December 2024 the largest, c00, brings 8.5% of "
        )
        assert found.stated["key_accounts"].statement.startswith("Nobody is a key account by company revenue;")
        assert "key_accounts_silent" not in found.stated
        for shown in (
            key_account_criteria.account_table(chapter, found.table),
            key_account_silence.call_table(chapter, found.silent),
            silence_figures.silence(found.silent),
        ):
            assert isinstance(shown, Unsaid)
        assert key_account_silence.left_alone_table(chapter, found.silent) is None

    @pytest.mark.parametrize(
        ("rows", "drawn"),
        [
            ([("only", "2024-05-01", 10)], {"largest", "concentration"}),
            ([("only", "2024-05-01", 10), ("only", "2024-06-01", -10)], set()),
            ([("a", "2024-05-01", 0), ("b", "2024-06-01", 0)], set()),
            ([("a", "2024-12-01", 5), ("b", "2024-12-02", 5), ("b", "2024-12-03", -50)], set()),
        ],
        ids=["one purchase", "all returned", "free", "more returned than bought"],
    )
    def test_a_base_that_says_next_to_nothing(self, key_accounts_of, tmp_path, rows, drawn):
        chapter = key_accounts_of(rows, "customer,date,amount")
        found = Worked(chapter)
        key_accounts.write_tables(chapter, found.table)
        figures = {
            "largest": dependency_figures.largest(found.largest, chapter.parameters.dependency_limits),
            "concentration": concentration_figures.concentration(found.periods, chapter.parameters.dependency_limits),
            "leaving": leaving_figures.leaving(found.cases),
            "silence": silence_figures.silence(found.silent),
        }
        pictures = {name: figure for name, figure in figures.items() if not isinstance(figure, Unsaid)}
        assert set(pictures) == drawn
        assert all(picture.png() for picture in pictures.values())
        tables = (
            key_account_criteria.criteria_table(chapter, found.everybody, found.table),
            key_account_criteria.account_table(chapter, found.table),
            key_account_dependency.largest_table(chapter, found.largest),
            key_account_concentration.over_time_table(chapter, found.periods),
            key_account_leaving.leaving_table(chapter, found.everybody, found.cases),
            key_account_load.load_table(chapter, found.loads),
            key_account_silence.call_table(chapter, found.silent),
            key_account_silence.left_alone_table(chapter, found.silent),
        )
        assert not [shown for shown in tables if shown and "nan" in shown._repr_mimebundle_()["text/plain"].split()]
        stated = json.loads((chapter.folder / "findings" / "07_key_accounts.json").read_text())
        unknown = [finding for finding in stated if finding["verdict"] == "unknown"]
        assert unknown
        assert all(finding["statement"].endswith(".") and finding["value"] is None for finding in unknown)
        assert not any("nan" in finding["statement"] or "None" in finding["statement"] for finding in stated)

    def test_one_customer_is_the_whole_business(self, key_accounts_of):
        found = Worked(key_accounts_of([("only", "2024-05-01", 10)], "customer,date,amount"))
        assert (found.row("only")["share"], found.row("only")["dependency"]) == (1, "critical")
        assert found.cases.reason == "There is one customer only: should that one leave, nothing is left."

    def test_two_customers_are_two_dependencies(self, key_accounts_of):
        rows = [("b", "2024-05-01", 40), ("a", "2024-06-01", 60)]
        found = Worked(key_accounts_of(rows, "customer,date,amount", margin=0.5))
        assert found.stated["dependency"].statement == (
            "We depend on a, who brings 60.0% of revenue from 1 May 2024 to 30 December 2024 (critical from 50%), and "
            "on b (40.0%). Should the largest leave, USD 60.00 of revenue (60.0%) and USD 30.00 of profit (60.0%) "
            "would go."
        )

    def test_a_key_account_all_of_whose_purchases_came_back(self, key_accounts_of):
        rows = [(*row, f"o{at}") for at, row in enumerate(weekly())]
        rows += [("back", "2024-05-01", 50, "undone"), ("back", "2024-06-01", -50, "undone")]
        chapter = key_accounts_of(rows, "customer,date,amount,order", "customer,reputation\nback,5\nc00,4\n")
        found = Worked(chapter)
        assert found.table.select("customer", "share", "silent", "days_silent").rows() == [("back", 0.0, None, None)]
        assert found.stated["key_accounts_silent"].verdict == "unknown"
        assert isinstance(silence_figures.silence(found.silent), Unsaid)
