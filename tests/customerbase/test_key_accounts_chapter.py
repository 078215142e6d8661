"""What `07_key_accounts` says of bases whose truth is known."""

import datetime as dt
import json
from typing import Any

import pandas as pd
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import key_account_findings, key_accounts, lifetime_value
from customerbase.chapters.purchase_model import fit_all, rfm
from customerbase.figures import key_accounts as figures
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid

AS_OF = dt.date(2024, 12, 30)
HEADER = "customer,date,amount,department,manager"


@pytest.fixture
def opened(make_base, tmp_path, monkeypatch):
    """A chapter on a ledger and a customers' table."""
    monkeypatch.setattr("customerbase.chapter.RUNS", tmp_path / "runs")

    def make(rows: list[tuple], header: str = HEADER, customers: str | None = None, **parameters) -> Chapter:
        if customers is not None:
            file = tmp_path / "customers.csv"
            file.write_text(customers, encoding="utf-8")
            columns = {column: column for column in customers.splitlines()[0].split(",")}
            parameters["customers"] = {"path": str(file), "columns": columns}
        written = "".join(",".join(map(str, row)) + "\n" for row in rows)
        base = make_base(written, header=header, **{"as_of": str(AS_OF), "quarantine_limit": 1.0} | parameters)
        return Chapter("07_key_accounts", read_parameters(base))

    return make


class Worked:
    """The whole chapter, step by step."""

    def __init__(self, chapter: Chapter) -> None:
        # no intervals, which take most of the time and aren't used here
        summary, unsure = rfm(chapter), Unsaid("not sampled")
        model, spend = fit_all(summary), lifetime_value.fit_spend(summary)
        self.values = lifetime_value.value(chapter, summary, model, spend, unsure, unsure).customers
        self.model: Any = key_accounts.rhythm(self.values)
        self.everybody = key_accounts.standing(chapter)
        self.table = key_accounts.accounts(chapter, self.everybody, self.values, self.model)
        self.largest = key_accounts.largest_customers(self.everybody)
        self.periods = key_accounts.over_time(chapter)
        self.cases = key_accounts.if_they_leave(self.everybody)
        self.loads = key_accounts.load(chapter, self.everybody, self.table)
        self.silent = key_accounts.silence(chapter, self.everybody, self.table, self.values, self.model)
        steps = (self.largest, self.periods, self.cases, self.loads, self.silent)
        found = key_account_findings.findings(chapter, self.everybody, self.table, *steps)
        self.stated = {finding.id: finding for finding in found.findings}

    def row(self, customer: str) -> dict:
        return self.table.row(by_predicate=pl.col("customer") == customer, named=True)


def on_paper() -> list[tuple]:
    """Return a year's purchases of 10,000: North 9,000 and South 1,000; Ann 8,200 and Eve 1,800."""
    sold = [("big", 5000, "North", "Ann"), ("tenth", 1000, "North", "Ann")]
    sold += [(f"n{number:02d}", 60, "North", "Ann") for number in range(20)]
    sold += [("eves", 200, "North", "Eve"), *((f"e{number:02d}", 80, "North", "Eve") for number in range(20))]
    sold += [("south", 100, "South", "Ann"), *((f"s{number:02d}", 50, "South", "Ann") for number in range(18))]
    return [(who, f"2024-{1 + at % 12:02d}-01", *rest) for at, (who, *rest) in enumerate(sold)]


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
    def chapter(self, opened):
        return opened(on_paper(), customers=CUSTOMERS)

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
        shown: Any = key_accounts.leaving_table(chapter, found.everybody, found.cases)
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
            "manager revenue, 1 by potential, 1 by reputation, 1 by innovator and 1 by demanding."
        )
        # nobody came back, so there is no rhythm
        assert stated["key_accounts_silent"].verdict == "unknown"
        assert stated["supplier_volume"].verdict == "unknown"

    def test_the_days_that_count_can_be_fewer(self, opened):
        rows = [("old", "2022-03-01", 900, "N", "Ann"), ("new", "2024-12-01", 100, "N", "Ann")]
        found = Worked(opened(rows, lookback_days=365))
        assert found.table.select("customer", "share").rows() == [("new", 1.0)]
        assert Worked(opened(rows)).row("old")["share"] == 0.9

    def test_what_a_base_records_otherwise_counts_otherwise(self, opened):
        rows = [(who, day, amount) for who, day, amount, *_ in on_paper()]
        chapter = opened(rows, "customer,date,amount", "customer,potential,reputation\nn00,yes,no\nn01,no,yes\n")
        found = Worked(chapter)
        criteria = dict(found.table.select("customer", "criteria").rows())
        assert criteria == {
            "big": "company revenue",
            "tenth": "company revenue",
            "n00": "potential",
            "n01": "reputation",
        }
        assert isinstance(found.loads, Unsaid)
        shown = {row[0]: row[1] for row in key_accounts.criteria_table(chapter, found.everybody, found.table).rows}
        assert shown["potential"] == "a yes in the customers' table"
        assert shown["manager revenue"] == shown["demanding"] == "not recorded"

    def test_departments_and_managers_can_be_the_customers_tables(self, opened):
        rows = [(who, day, amount) for who, day, amount, *_ in on_paper()]
        people = "".join(f"{who},{manager},North\n" for who, _, _, _, manager in on_paper())
        chapter = opened(rows, "customer,date,amount", f"customer,manager,department\n{people}")
        found = Worked(chapter)
        assert found.everybody.unjudged["department revenue"] == "one department only, so the same as the company"
        assert found.row("eves")["share_of_manager"] == pytest.approx(200 / 1800)
        assert found.row("big")["share_of_department"] is None
        assert found.row("big")["department"] == "North"


def weekly(customers: int = 30, weeks: int = 60) -> list[tuple]:
    """Return a base in which everybody buys at an own pace, for 8 to 12."""
    rows = []
    for number in range(customers):
        step = 1 + number % 7
        for week in range(number % 5, weeks, step):
            day = dt.date(2024, 12, 30) - dt.timedelta(weeks=weeks - 1 - week)
            rows.append((f"c{number:02d}", day, 8 + (number + week) % 5))
    return rows


class TestSilence:
    @pytest.fixture
    def rows(self):
        # each brings more than a tenth: one fell silent 20 weeks ago, one bought on the last day, one refused contact
        last = {"gone": 20, "kept": 0, "shy": 20}
        bought = [
            (who, dt.date(2024, 12, 30) - dt.timedelta(weeks=week), 200)
            for who, weeks in last.items()
            for week in range(weeks, 60)
        ]
        return weekly() + bought

    CONSENT = "customer,consent,manager\ngone,yes,Ann\nkept,yes,Ann\nshy,no,Ann\n"

    def test_is_measured_by_the_account_s_own_rhythm(self, opened, rows):
        chapter = opened(rows, "customer,date,amount", self.CONSENT)
        found = Worked(chapter)
        assert dict(found.table.select("customer", "silent").rows()) == {"gone": True, "kept": False, "shy": True}
        gone = found.row("gone")
        assert gone["days_silent"] == 140
        # 39 repeat purchases in 39 weeks: by then the rate is Gamma(r + 39, alpha + 39)
        r, alpha = found.model.params_["r"], found.model.params_["alpha"]
        longest = 7 * (alpha + 39) * ((1 - 0.9) ** (-1 / (r + 39)) - 1)
        assert gone["longest_gap"] == int(longest)
        assert gone["overdue_since"] == AS_OF - dt.timedelta(days=140 - int(longest) - 1)
        assert found.row("kept")["overdue_since"] is None

    def test_value_if_alive_is_that_of_a_customer_who_is_still_one(self, opened, rows):
        found = Worked(opened(rows, "customer,date,amount", self.CONSENT, margin=0.25))
        value = found.values.set_index("customer").loc["gone"]
        assert found.row("gone")["value_if_alive"] == pytest.approx(value["clv"] / value["p_alive"])
        assert found.row("gone")["value_if_alive"] > 2 * value["clv"]

    def test_the_call_list_holds_nobody_who_may_not_be_called(self, opened, rows):
        chapter = opened(rows, "customer,date,amount", self.CONSENT)
        found = Worked(chapter)
        call: Any = key_accounts.call_table(chapter, found.silent)
        alone: Any = key_accounts.left_alone_table(chapter, found.silent)
        assert [row[0] for row in call.rows] == ["gone"]
        assert [row[0] for row in alone.rows] == ["shy"]
        stated = found.stated["key_accounts_silent"]
        assert (stated.value, stated.verdict, stated.question) == (2, "act", "dependency")
        assert stated.statement.startswith("2 of 3 key accounts have been silent")
        assert stated.statement.endswith("To be called today: gone. For want of consent 1 of them may not be called.")
        worth = found.table.filter(pl.col("silent"))["value_if_alive"].sum()
        assert (
            f"If still customers, they would be worth USD {worth:,.0f} of revenue over the next 365 "
            in stated.statement
        )

    @pytest.mark.parametrize(("required", "called"), [(True, []), (False, ["gone", "shy"])])
    def test_consent_that_is_not_recorded_counts_where_it_need_not_be(self, opened, rows, required, called):
        chapter = opened(rows, "customer,date,amount", consent_required=required)
        silent = Worked(chapter).silent
        assert sorted(silent.loc[silent["silent"] & silent["may_contact"], "customer"]) == called
        shown = key_accounts.call_table(chapter, silent)
        assert isinstance(shown, Unsaid) is required
        said = json.loads((chapter.folder / "findings" / "07_key_accounts.json").read_text())
        statement = next(found["statement"] for found in said if found["id"] == "key_accounts_silent")
        assert ("or set consent_required: false where no consent is needed" in statement) is required

    def test_the_figure_draws_the_silent_ones_first(self, opened, rows):
        found = Worked(opened(rows, "customer,date,amount", self.CONSENT))
        assert figures.silence(found.silent).alt.startswith(
            "2 of 3 key accounts have been silent for longer than usual"
        )


def monthly(customer: str, year: int, amount: float) -> list[tuple]:
    return [(customer, dt.date(year, month, 10), amount) for month in range(1, 13)]


class TestThoseWhoLeftLongAgo:
    """`old` brought 60,000 in 2023 and nothing in 2024; eight others 1,200 in each year, `new` 2,400 in 2024."""

    @pytest.fixture
    def rows(self):
        others = [row for number in range(8) for year in (2023, 2024) for row in monthly(f"c{number}", year, 100)]
        return monthly("old", 2023, 5000) + others + monthly("new", 2024, 200)

    def test_are_no_dependency(self, opened, rows):
        chapter = opened(rows, "customer,date,amount", margin=0.5)
        found = Worked(chapter)
        # in all 60,000 + 8 x 2,400 + 2,400 = 81,600; in the last 365 days, all of 2024, 8 x 1,200 + 2,400 = 12,000
        assert (found.row("old")["share"], found.row("old")["dependency"]) == (pytest.approx(60000 / 81600), "critical")
        stated = found.stated["dependency"]
        assert (stated.value, stated.verdict) == (pytest.approx(0.2, rel=1e-12), "watch")
        assert stated.statement == (
            "We depend on new, who brings 20.0% of revenue in the 365 days up to 30 December 2024 (to be watched from "
            "20%; 2.9% since 10 January 2023). Since 10 January 2023 old brought 73.5%, but nothing in the last 365 "
            "days, and is no dependency. Should the largest leave, USD 2,400 of revenue (20.0%) and USD 1,200 of "
            "profit (20.0%) would go. Should the three largest leave, USD 4,800 of revenue (40.0%) and USD 2,400 of "
            "profit (40.0%) would go."
        )
        shown: Any = key_accounts.largest_table(chapter, found.largest)
        assert (shown.rows[0][0], *shown.rows[0][2:]) == ("old", "73.5%", "73.5%", "critical", "0.0%", "none")
        left: Any = key_accounts.leaving_table(chapter, found.everybody, found.cases)
        assert left.rows[0] == ("who", "old", "old, c0, c1", "new", "new, c0, c1")
        assert figures.leaving(found.cases).alt.startswith("Should the three largest leave, 40.0% of revenue")
        assert figures.largest(found.largest, chapter.parameters.dependency_limits).alt.startswith(
            "The largest customer brought 73.5% of revenue"
        )

    def test_where_nobody_is_left_it_is_said(self, opened, rows):
        before = [row for row in rows if row[1].year == 2023]
        found = Worked(opened(before, "customer,date,amount"))
        stated = found.stated["dependency"]
        assert (stated.value, stated.verdict) == (None, "unknown")
        assert stated.statement.startswith("Revenue isn't above zero in the 365 days up to 30 December 2024, so")
        assert found.cases["of_last_year"].to_list() == [False, False]

    def test_days_that_count_within_the_last_year_are_told_alone(self, opened, rows):
        found = Worked(opened(rows, "customer,date,amount", lookback_days=90))
        assert found.everybody.last_year is None
        assert "share_last_year" not in found.largest
        assert "brings 20.0% of revenue in the 90 days up to 30 December 2024 (to be" in (
            found.stated["dependency"].statement
        )


class TestVolumeDiscount:
    ROWS = ("a,2024-05-01,100,60,5", "b,2024-06-01,60,40,0", "c,2024-06-02,40,20,0", "d,2024-06-03,10,10,0")
    DISCOUNTS = "customer,volume_discount\na,10%\nb,5%\nd,20%\n"

    def test_is_the_recorded_share_of_what_is_bought_for_them(self, opened):
        rows = [row.split(",") for row in self.ROWS]
        chapter = opened(rows, "customer,date,amount,cost,discount", self.DISCOUNTS)
        found = Worked(chapter)
        shown: Any = key_accounts.leaving_table(chapter, found.everybody, found.cases)
        facts = {row[0]: row[1:] for row in shown.rows}
        # 60 x 10%, and 40 x 5% more; of c nothing is recorded
        assert facts[key_accounts.VOLUME_DISCOUNT_LOST] == ("USD 6.00", "USD 8.00 (of 2 of them)")
        assert facts["volume we buy for them"] == ("USD 60.00 (46.2%)", "USD 120 (92.3%)")
        assert facts["volume discount recorded of them"] == ("10%", "10%, 5%, not recorded")
        assert facts["discounts given to them"] == ("USD 5.00", "USD 5.00")
        assert found.stated["supplier_volume"].statement == (
            "With the three largest would go 92.3% of the volume we bought from 1 May 2024 to 30 December 2024. If the "
            "volume discount recorded of them (10%, 5%, not recorded) is what their volume earns us from suppliers, "
            "USD 8.00 of it would be lost; if it is what we give them, none."
        )

    def test_of_a_margin_there_is_no_volume(self, opened):
        rows = [row.split(",")[:3] for row in self.ROWS]
        chapter = opened(rows, "customer,date,amount", self.DISCOUNTS, margin=0.4)
        found = Worked(chapter)
        assert found.stated["supplier_volume"].verdict == "unknown"
        assert "volume we buy" not in figures.leaving(found.cases).alt


class TestSpellings:
    def test_one_manager_is_one_however_written(self, opened):
        rows = [
            *(("a", f"2024-{month:02d}-01", 100, "North", "Anna  Ivanova") for month in (1, 2, 3)),
            ("b", "2024-03-01", 100, "north", "ANNA IVANOVA"),
            ("c", "2024-04-01", 100, "NORTH", "Anna Ivanova"),
            ("d", "2024-05-01", 100, "South", "Bob"),
        ]
        customers = "customer,manager\nb,anna ivanova\nd,Bob\n"
        chapter = opened(rows, customers=customers, key_accounts_per_manager=2)
        found = Worked(chapter)
        assert found.stated["manager_load"].statement.startswith("Anna")
        assert " (3) holds more than 2 key accounts" in found.stated["manager_load"].statement
        assert found.table["manager"].n_unique() == 2
        assert found.row("c")["share_of_department"] == pytest.approx(1 / 5)
        assert found.everybody.respelt["department"] == 2
        table: Any = key_accounts.load_table(chapter, found.loads)
        assert f"({found.everybody.respelt['manager']} other spelling" in table._repr_mimebundle_()["text/plain"]

    def test_long_names_are_shortened(self, opened):
        name = "N" * 300
        rows = [(name, "2024-01-01", 10, "North", name), ("b", "2024-02-01", 5, "South", "Bob")]
        chapter = opened(rows)
        found = Worked(chapter)
        shown: tuple[Any, ...] = (
            key_accounts.account_table(chapter, found.table),
            key_accounts.largest_table(chapter, found.largest),
            key_accounts.over_time_table(chapter, found.periods),
            key_accounts.leaving_table(chapter, found.everybody, found.cases),
            key_accounts.load_table(chapter, found.loads),
        )
        assert not [table for table in shown if name[:41] in table._repr_mimebundle_()["text/plain"]]
        assert not [finding for finding in found.stated.values() if name[:41] in finding.statement]


class TestSaysLittle:
    def test_a_base_on_which_nobody_weighs_much(self, opened):
        chapter = opened(weekly(), "customer,date,amount")
        found = Worked(chapter)
        assert found.table.is_empty()
        assert found.stated["dependency"].verdict == "good"
        assert found.stated["dependency"].statement.startswith(
            "We depend on no single customer: in the 365 days up to 30 December 2024 the largest, c00, brings 8.5% of "
        )
        assert found.stated["key_accounts"].statement.startswith("Nobody is a key account by company revenue;")
        assert "key_accounts_silent" not in found.stated
        for shown in (
            key_accounts.account_table(chapter, found.table),
            key_accounts.call_table(chapter, found.silent),
            figures.silence(found.silent),
        ):
            assert isinstance(shown, Unsaid)
        assert key_accounts.left_alone_table(chapter, found.silent) is None

    @pytest.mark.parametrize(
        "rows",
        [
            [("only", "2024-05-01", 10)],
            [("only", "2024-05-01", 10), ("only", "2024-06-01", -10)],
            [("a", "2024-05-01", 0), ("b", "2024-06-01", 0)],
            [("a", "2024-12-01", 5), ("b", "2024-12-02", 5), ("b", "2024-12-03", -50)],
        ],
        ids=["one purchase", "all returned", "free", "more returned than bought"],
    )
    def test_a_base_that_says_next_to_nothing(self, opened, tmp_path, rows):
        chapter = opened(rows, "customer,date,amount")
        found = Worked(chapter)
        key_accounts.write_tables(chapter, found.table)
        for figure in (
            figures.largest(found.largest, chapter.parameters.dependency_limits),
            figures.concentration(found.periods, chapter.parameters.dependency_limits),
            figures.leaving(found.cases),
            figures.silence(found.silent),
        ):
            assert isinstance(figure, Unsaid) or figure.png()
        tables = (
            key_accounts.criteria_table(chapter, found.everybody, found.table),
            key_accounts.account_table(chapter, found.table),
            key_accounts.largest_table(chapter, found.largest),
            key_accounts.over_time_table(chapter, found.periods),
            key_accounts.leaving_table(chapter, found.everybody, found.cases),
            key_accounts.load_table(chapter, found.loads),
            key_accounts.call_table(chapter, found.silent),
            key_accounts.left_alone_table(chapter, found.silent),
        )
        assert not [shown for shown in tables if shown and "nan" in shown._repr_mimebundle_()["text/plain"].split()]
        stated = json.loads((chapter.folder / "findings" / "07_key_accounts.json").read_text())
        unknown = [finding for finding in stated if finding["verdict"] == "unknown"]
        assert unknown
        assert all(finding["statement"].endswith(".") and finding["value"] is None for finding in unknown)
        assert not any("nan" in finding["statement"] or "None" in finding["statement"] for finding in stated)

    def test_one_customer_is_the_whole_business(self, opened):
        found = Worked(opened([("only", "2024-05-01", 10)], "customer,date,amount"))
        assert (found.row("only")["share"], found.row("only")["dependency"]) == (1, "critical")
        assert "only one customer" in found.cases.reason or "one customer only" in found.cases.reason

    def test_two_customers_are_two_dependencies(self, opened):
        rows = [("b", "2024-05-01", 40), ("a", "2024-06-01", 60)]
        found = Worked(opened(rows, "customer,date,amount", margin=0.5))
        assert found.stated["dependency"].statement == (
            "We depend on a, who brings 60.0% of revenue from 1 May 2024 to 30 December 2024 (critical from 50%), and "
            "on b (40.0%). Should the largest leave, USD 60.00 of revenue (60.0%) and USD 30.00 of profit (60.0%) "
            "would go."
        )

    def test_a_key_account_all_of_whose_purchases_came_back(self, opened):
        rows = [(*row, f"o{at}") for at, row in enumerate(weekly())]
        rows += [("back", "2024-05-01", 50, "undone"), ("back", "2024-06-01", -50, "undone")]
        chapter = opened(rows, "customer,date,amount,order", "customer,reputation\nback,5\nc00,4\n")
        found = Worked(chapter)
        assert found.table.select("customer", "share", "silent", "days_silent").rows() == [("back", 0.0, None, None)]
        assert found.stated["key_accounts_silent"].verdict == "unknown"
        assert isinstance(figures.silence(found.silent), Unsaid)
