"""What `01_identify` says of a ledger and of the central file beside it."""

import datetime as dt
from typing import Any

import pandas as pd
import polars as pl
import pytest
import yaml

from customerbase.chapter import Chapter
from customerbase.chapters.identify import central_file, identify, ledger_audit
from customerbase.figures.identify import identify as figures
from customerbase.figures.style import Picture
from customerbase.identities import SCHEMA, Identities, apply_identities
from customerbase.intake import Intake
from customerbase.ledger import read_ledger
from customerbase.ledger.returns import net_of_returns
from customerbase.ledger.side_tables import read_customers
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid

LEDGER = """\
A,2023-01-02,100.00
A,2023-02-03,40.00
A2,2023-03-06,60.00
B,2023-04-07,50.50
B,2023-04-07,50.50
C,2023-05-08,not a number
C,2023-06-09,200.00
,2023-07-10,30.00
D,2023-08-11,-9.00
D,2023-08-01,9.00
"""
CUSTOMERS = """\
customer,name,phone,consent,updated
A,Ann Example,+44 20 7946 0001,yes,2023-11-01
A2,Ann Exmple,+44 20 7946 0001,no,2022-02-01
B,Bob Sample,,yes,2023-12-01
C,Cy Specimen,+44 20 7946 0003,,2021-01-01
Z,Zoe Prospect,,yes,
"""
PERSONAL = ("Example", "Exmple", "Sample", "Specimen", "Prospect", "7946")
PERSONS = [("A", "A", 1.0, ""), ("A2", "A", 0.991, "same phone"), *[(key, key, 1.0, "") for key in "BCZ"]]
REVIEWED = ["customer_left", "customer_right", "probability", "why", "same_customer"]
PAIRS = [("B", "C", 0.6, "name alike", None), ("B", "Z", 0.7, "name alike", "no")]


@pytest.fixture
def opened(make_base, tmp_path):
    """A chapter on a ledger, with or without the central file and who is who in it."""

    def make(rows: str = LEDGER, customers: str | None = None, merged: Any = PERSONS, **given: Any) -> Chapter:
        file = make_base(rows, quarantine_limit=0.5, as_of="2023-12-31", **given)
        if customers is not None:
            (tmp_path / "people.csv").write_text(customers, encoding="utf-8")
            columns = {name: name for name in customers.partition("\n")[0].split(",")}
            section = {"path": str(tmp_path / "people.csv"), "columns": columns}
            file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"customers": section}))
        parameters = read_parameters(file)
        ledger = read_ledger(parameters.ledger, quarantine_limit=0.5, drop_duplicates=parameters.drop_duplicates)
        side, identities, used = None, None, ledger.rows
        if parameters.customers is not None:
            side = read_customers(parameters.customers)
            persons = pl.DataFrame(merged, SCHEMA, orient="row")
            identities = Identities(persons, pl.DataFrame(PAIRS, REVIEWED, orient="row"))
            used = apply_identities(used, persons)
        chapter = Chapter("01_identify", parameters)
        chapter.folder = tmp_path / "run"
        ledger = ledger.__class__(**{**vars(ledger), "rows": net_of_returns(used)})
        chapter._intake = Intake(ledger, customers=side, identities=identities)
        return chapter

    return make


def steps(chapter: Chapter) -> dict[str, Any]:
    """Run the chapter's steps, and return what each shows by its name."""
    accounted, asked = ledger_audit.account(chapter), ledger_audit.questions(chapter)
    periods, doubts = ledger_audit.by_period(chapter), ledger_audit.doubts(chapter)
    revenue = central_file.revenue_as_recorded(chapter)
    complete, agreed = central_file.completeness(chapter, revenue), central_file.consent(chapter)
    ages, where = central_file.record_age(chapter, revenue), central_file.matched(chapter, revenue)
    known = identify.persons(chapter, revenue)
    return {
        "account": ledger_audit.account_table(chapter, accounted),
        "sources": ledger_audit.source_table(chapter),
        "reading": ledger_audit.reading_table(chapter),
        "set_aside": ledger_audit.set_aside_table(chapter),
        "in_time": figures.ledger_in_time(periods, doubts, "EUR"),
        "questions": ledger_audit.question_table(asked),
        "completeness_figure": figures.completeness(complete),
        "completeness": central_file.completeness_table(complete),
        "consent": central_file.consent_table(chapter, agreed),
        "age_figure": figures.record_age(ages),
        "age": central_file.record_age_table(chapter, ages),
        "matched": central_file.matched_table(chapter, where),
        "certainties": figures.certainties(identify.certainties(chapter, known)),
        "groups": identify.group_table(chapter, known),
        "findings": identify.findings(chapter, accounted, asked, complete, agreed, ages, where, known),
    }


def said(shown: Any) -> str:
    if isinstance(shown, Picture):  # not drawn for its text alone
        return shown.alt
    return "" if shown is None else shown._repr_mimebundle_()["text/plain"]


def row_of(table: Any, name: str) -> tuple[str, ...]:
    return next(cells for first, *cells in table.rows if first == name)


class TestLedger:
    def test_rows_and_money_are_accounted_for(self, opened):
        frame = ledger_audit.account(opened()).set_index("what")
        assert frame["rows"].to_dict() == {"read": 10, "used": 8, "set aside: can't be used": 2}
        assert frame["amount"].tolist() == pytest.approx([531, 501, 30])

    def test_repeats_that_were_dropped_are_no_faults(self, opened):
        chapter = opened(drop_duplicates=True)
        frame = ledger_audit.account(chapter).set_index("what")
        assert list(frame.loc["set aside: repeats of earlier rows"]) == [1, 50.5]
        found = {finding.id: finding for finding in steps(chapter)["findings"].findings}
        assert found["quarantine_share"].value == pytest.approx(0.2)

    def test_rows_set_aside_are_named_by_number_and_reason_but_not_by_content(self, opened):
        table = ledger_audit.set_aside_table(opened())
        assert {reason: first for reason, *_, first in table.rows} == {
            "no customer in 'customer'": "small.csv 9",
            "no number that can be read in 'amount'": "small.csv 7",
        }
        assert "not a number" not in said(table)

    def test_reasons_that_differ_by_a_number_count_as_one(self, opened):
        table = ledger_audit.set_aside_table(opened(LEDGER + "A,2023-09-01,1,2\nA,2023-09-02,1,2,3\n"))
        assert row_of(table, table.rows[0][0])[0] == "2"
        assert table.rows[0][0].startswith("has …")

    def test_that_is_sound_says_that_nothing_was_set_aside(self, opened):
        chapter = opened("A,2023-01-02,1\nB,2023-05-02,2\n")
        assert isinstance(ledger_audit.set_aside_table(chapter), Unsaid)
        found = {finding.id: finding.verdict for finding in steps(chapter)["findings"].findings}
        assert found["quarantine_share"] == found["ledger_accounted"] == "good"

    def test_periods_hold_every_purchase_and_the_silent_ones_too(self, opened):
        periods = ledger_audit.by_period(opened())
        assert periods["purchases"].sum() == 6
        assert periods["revenue"].sum() == pytest.approx(501)
        assert set(periods["start"].diff().dropna()) == {dt.timedelta(7)}
        assert not periods["complete"].iloc[-1] or periods["start"].iloc[-1].date() == dt.date(2023, 12, 25)

    def test_a_silence_is_marked_in_the_figure_and_asked_about(self, opened):
        days = [dt.date(2023, 1, 2) + dt.timedelta(day) for day in range(364) if not 100 <= day < 140]
        chapter = opened("".join(f"C{day:%j},{day},{day.day}.50\n" for day in days))
        marks = ledger_audit.doubts(chapter)
        assert marks["label"].tolist() == ["40 days silent"]
        assert said(steps(chapter)["in_time"]).startswith("1 stretch of the ledger should be asked about")
        assert "gaps" in {question.id for question in ledger_audit.questions(chapter)}

    @pytest.mark.parametrize(
        "rows", ["A,2023-01-02,1\n", "A,2023-05-02,0\nB,2023-05-02,0\n", "A,2023-05-02,5\nA,2023-05-02,-5\n"]
    )
    def test_that_says_little_is_no_crash(self, opened, rows):
        shown = steps(opened(rows))
        assert shown["account"].rows[0][0] == "read"
        assert "ledger_accounted" in {finding.id for finding in shown["findings"].findings}

    def test_without_a_question_says_so(self):
        assert ledger_audit.question_table([]).reason == "The ledger raises no question."


class TestWithoutCentralFile:
    def test_every_step_says_why_not_in_a_sentence_of_its_own(self, opened):
        shown = steps(opened())
        reasons = {
            shown[name].reason for name in ("completeness_figure", "consent", "age_figure", "matched", "certainties")
        }
        assert len(reasons) == 5
        assert all(reason.startswith("The parameters name no customers' table, so") for reason in reasons)
        assert shown["completeness"] is shown["age"] is shown["groups"] is None

    def test_one_finding_says_so(self, opened):
        found = {finding.id: finding.verdict for finding in steps(opened())["findings"].findings}
        assert found["central_file"] == "unknown"
        told = {"ledger_accounted", "quarantine_share", "ledger_questions", "left_cut", "central_file"}
        assert found.keys() == told


class TestCentralFile:
    @pytest.fixture
    def chapter(self, opened):
        return opened(customers=CUSTOMERS)

    def test_completeness_counts_records_and_the_revenue_that_hangs_on_them(self, chapter):
        frame = central_file.completeness(chapter, central_file.revenue_as_recorded(chapter)).set_index("field")
        assert frame.loc["phone", ["filled", "missing"]].tolist() == [0.6, 2]
        assert frame.loc["phone", "revenue_missing"] == pytest.approx(101 / 501)
        assert frame.loc["all of these", "missing"] == 3
        assert frame.index[-1] == "all of these"

    def test_fields_required_that_the_table_lacks_are_missing_everywhere(self, opened):
        chapter = opened(customers=CUSTOMERS, required_fields=["name", "tax_id"])
        frame = central_file.completeness(chapter, central_file.revenue_as_recorded(chapter)).set_index("field")
        assert frame["filled"].to_dict() == {"tax_id": 0, "name": 1, "all of these": 0}

    def test_one_no_outweighs_every_yes_of_a_customer(self, chapter):
        frame = central_file.consent(chapter).set_index("answer")
        assert frame["customers"].to_dict() == {"yes": 2, "no": 1, "not recorded": 1, "no record": 1}
        assert frame.loc["no", "revenue"] == pytest.approx(200)
        assert frame["revenue_share"].sum() == pytest.approx(1)

    def test_age_is_counted_to_as_of_and_an_unknown_day_is_said(self, chapter):
        ages = central_file.record_age(chapter, central_file.revenue_as_recorded(chapter))
        assert ages["days"].dropna().tolist() == [60, 698, 30, 1094]
        table = central_file.record_age_table(chapter, ages)
        assert row_of(table, "not known")[0] == "1"
        assert row_of(table, "over 2 years")[0] == "1"

    def test_age_is_judged_by_the_revenue_of_the_records(self, chapter):
        ages = pd.DataFrame({"days": [10, 500, None, 20], "revenue": [10.0, 60.0, 10.0, 20.0]})
        central_file._state_age(chapter, ages)
        (finding,) = [each for each in chapter.findings().findings if each.id == "record_age"]
        assert finding.statement == (
            "33% of the records, whose customers bring 60% of revenue, haven't been touched for over a year; the "
            "median is 20 days."
        )
        assert (finding.value, finding.verdict) == (pytest.approx(1 / 3), "act")

    def test_keys_are_looked_for_on_both_sides(self, chapter):
        frame = central_file.matched(chapter, central_file.revenue_as_recorded(chapter)).set_index("where")
        assert frame["customers"].to_dict() == {"in both": 4, "only in the ledger": 1, "only in the central file": 1}

    def test_columns_that_the_table_lacks_are_said(self, opened):
        chapter = opened(customers="customer,name\nA,Ann\n", merged=[("A", "A", 1.0, "")])
        shown = steps(chapter)
        assert "no column consent" in shown["consent"].reason
        assert "no column updated" in shown["age_figure"].reason
        found = {finding.id: finding.verdict for finding in shown["findings"].findings}
        assert found["consent"] == found["record_age"] == "unknown"


class TestIdentity:
    def test_groups_revenue_and_certainty_are_those_of_the_records_merged(self, opened):
        chapter = opened(customers=CUSTOMERS)
        known = identify.persons(chapter, central_file.revenue_as_recorded(chapter))
        table = identify.group_table(chapter, known)
        assert table is not None
        assert table.caption == "5 records of 4 customers"
        assert row_of(table, "2") == ["1", "2", "200", "40%", "99.1%", "99.1%"]

    def test_only_pairs_that_nobody_decided_wait(self, opened):
        chapter = opened(customers=CUSTOMERS)
        known = identify.persons(chapter, central_file.revenue_as_recorded(chapter))
        sure = identify.certainties(chapter, known)
        assert sure["waiting"].sum() == 1
        assert sure.loc["99% to 99.9%", "merged"] == 1
        found = {finding.id: finding for finding in steps(chapter)["findings"].findings}
        assert found["duplicates"].value == 1
        assert found["duplicates"].statement == (
            "1 of 5 records repeats another: 1 customer had more than one, and brings 40% of revenue. That leaves 4 "
            "customers on record, 1 of them without a purchase. 1 pair waits for a person to decide."
        )

    def test_nothing_that_is_personal_is_shown(self, opened):
        for name, shown in steps(opened(customers=CUSTOMERS)).items():
            assert not any(personal in said(shown) for personal in PERSONAL), name
