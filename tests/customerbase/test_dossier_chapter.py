"""The dossier of one customer: worked out by hand where it can be, and silent about nothing that isn't recorded."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import dossier, dossier_findings, dossier_page
from customerbase.errors import Refusal
from customerbase.figures import dossier as figures
from customerbase.identities import apply_identities
from customerbase.ledger import read_ledger
from customerbase.ledger.returns import net_of_returns
from customerbase.parameters import read_parameters
from customerbase.personal_data import PERSONAL
from customerbase.store import write_table
from customerbase.unsaid import Unsaid
from models.rfm import rfm_summary

AS_OF = dt.date(2024, 12, 31)
HEADER = "customer,date,amount,order,kind,product,category,discount,cost"
# 007 buys on six days; the day of 1 March came back whole, and a part of that of 1 June
ROWS = """\
007,2023-02-01,100,a1,sale,door,doors,0,60
007,2024-01-01,200,a2,sale,window,windows,20,120
007,2024-03-01,50,a3,sale,handle,parts,0,20
007,2024-03-09,-50,a3,return,handle,parts,,-20
007,2024-06-01,300,a4,sale,window,windows,30,150
007,2024-06-20,-60,a4,return,window,windows,,-30
007,2024-09-01,80,a5,sale,hinge,parts,0,40
007,2024-09-01,20,a5,sale,seal,parts,0,10
007,2024-11-20,40,a6,sale,glass,parts,0,20
gone,2023-01-05,10,b1,sale,handle,parts,0,5
gone,2023-01-20,-10,b1,return,handle,parts,,-5
"""
PARTICULARS = """\
customer,name,phone,city,consent,potential,innovator,note,updated
007,James Bond,+44 20 7946 0007,London,yes,5000,yes,drinks tea,2024-05-06
OO7,James Bond,+44 20 7946 0007,London,,,,,
quiet,Nobody Here,,Leeds,no,,,,
"""
EVENTS = """\
customer,date,kind,reason,score
007,2024-02-02,contact,call,
007,2024-07-01,complaint,<b>late</b>,
007,2024-08-01,survey,,4
"""


PERSONS = pl.DataFrame(
    {"customer": ["007", "OO7", "quiet"], "person": ["007", "007", "quiet"], "why": ["", "telephone", ""]}
).with_columns(probability=pl.lit(1.0))
# they come back, so that the model of purchases has something to learn from
OTHERS = "".join(
    f"c{i:02d},{2023 + step // 12}-{1 + step % 12:02d}-{1 + i % 28:02d},{20 + i},{i}-{step},sale,door,doors,0,{9 + i}\n"
    for i in range(60)
    for step in range(i % 5, 4 + i % 20, 1 + i % 3)
)
FAST = "".join(f"fast,2023-01-{day:02d},5,f{day},sale,door,doors,0,1\n" for day in range(1, 29))


def put_ledger(chapter: Chapter, persons: pl.DataFrame | None = None) -> None:
    """Write what a run takes in, who is who being known beforehand."""
    rows = read_ledger(chapter.parameters.ledger).rows
    if persons is not None:
        rows = apply_identities(rows, persons)
        write_table(chapter.folder, "identities", persons)
    write_table(chapter.folder, "ledger", net_of_returns(rows))


@pytest.fixture
def opened(make_base, tmp_path):
    """A dossier in a run that has the table customers, on a base with everything or, named so, without."""

    def make(customer: str | None = "007", rows: str = ROWS + OTHERS, known: Any = (), **parameters: Any) -> Chapter:
        for name, text in (("customers", PARTICULARS), ("events", EVENTS)):
            if name in parameters and parameters[name] is None:
                continue
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
            columns = {column: column for column in text.partition("\n")[0].split(",")}
            parameters[name] = {"path": str(tmp_path / f"{name}.csv"), "columns": columns}
        given = {key: value for key, value in parameters.items() if value is not None}
        file = make_base(rows, header=HEADER, customer=customer, as_of="2024-12-31", **given)
        chapter = Chapter("dossier", read_parameters(file), tmp_path / "run")
        put_ledger(chapter, PERSONS if chapter.parameters.customers else None)
        chapter.write("customers", standing(chapter).assign(**dict(known)))
        return chapter

    return make


def standing(chapter: Chapter) -> pd.DataFrame:
    """The table customers, as far as a dossier reads it."""
    summary = rfm_summary(chapter.purchases, chapter.as_of).to_pandas()
    revenue = chapter.ledger.group_by("customer").agg(revenue=pl.col("amount").sum()).sort("customer").to_pandas()
    table = revenue.merge(summary, how="left", on="customer")
    table["share"] = table["revenue"] / table["revenue"].sum()
    table["clv"] = table["monetary_value"]
    return table


def words(table: Any) -> dict[str, str]:
    """The lines of a table of facts."""
    return dict(table.rows)


def pieces(chapter: Chapter) -> tuple[Any, ...]:
    """Every cell of the notebook, in order."""
    customers = dossier.everybody(chapter)
    person = dossier.find(chapter, customers)
    model = dossier.fit(customers)
    due = dossier.next_purchase(chapter, person, model)
    path = dossier.follow(chapter, person, model)
    earned = dossier.terms(chapter, person)
    return (
        dossier_page.card(chapter, person, due),
        figures.history(chapter, person, path, due),
        dossier_page.bought_table(chapter, person),
        dossier_page.terms_table(chapter, person, earned),
        dossier_page.particulars_table(chapter, person),
        dossier_page.events_table(chapter, person),
        dossier_findings.findings(chapter, person, due, earned),
    )


def text_of(*shown: Any) -> str:
    def of(piece: Any) -> str:
        data = piece._repr_mimebundle_()
        data = data[0] if isinstance(data, tuple) else data
        return f"{data['text/plain']}\n{data.get('text/html', '')}"

    return "\n".join(of(piece) for piece in shown)


class TestWho:
    def find(self, chapter: Chapter) -> dossier.Person:
        return dossier.find(chapter, dossier.everybody(chapter))

    def test_is_the_customer_who_is_named(self, opened):
        assert self.find(opened("c05")).found.customer == "c05"

    def test_is_the_one_of_the_highest_value_where_none_is_named(self, opened):
        chapter = opened(None)
        values = dossier.everybody(chapter)
        assert self.find(chapter).found.customer == values.sort("clv", descending=True, nulls_last=True)["customer"][0]

    def test_a_record_of_another_leads_to_the_person_and_the_page_says_so(self, opened):
        card = pieces(opened("OO7"))[0]
        assert "OO7, a record of the same customer as 007 (telephone)" in words(card)["asked for"]
        assert "asked for" not in words(pieces(opened("007"))[0])

    @pytest.mark.parametrize("asked", ["7", "07", " 007"])
    def test_a_key_without_its_zeros_is_refused_and_the_right_one_named(self, opened, asked):
        with pytest.raises(Refusal, match=r"no customer with the key .* The nearest: '007'"):
            self.find(opened(asked))

    def test_who_has_a_record_and_never_bought_is_refused_with_that_reason(self, opened):
        with pytest.raises(Refusal, match="'quiet' has a record in the customers' table, but no row in the ledger"):
            self.find(opened("quiet"))

    def test_keys_that_look_like_names_are_not_named(self, opened):
        rows = "".join(f"Anna Berg{chr(97 + i)},2024-01-0{1 + i},5,{i},sale,a,b,0,1\n" for i in range(8))
        with pytest.raises(Refusal, match="keys look like names") as refused:
            self.find(opened("Anna Ber", rows, customers=None, events=None))
        assert "Berga" not in str(refused.value)


class TestCard:
    def test_says_what_the_playbook_advises_and_when(self, opened):
        known = {
            "action": "protect",
            "action_reason": "Worth most",
            "offer": "A visit",
            "next_contact": dt.datetime(2025, 1, 14),
            "may_contact": "yes",
            "control_group": True,
            "rung": "regular",
            "rung_a_year_ago": "client",
            "criteria": "potential",
            "dependency": "high",
        }
        card = words(pieces(opened(known=known))[0])
        assert card["what to do"] == "protect. Worth most"
        assert card["what to offer"] == "A visit"
        assert card["next contact"].startswith("14 January 2025; agreed to be contacted; held out as a control")
        assert card["rung"] == "regular (a year ago: client)"
        assert "key account by potential; dependency on this customer: high" in card["share of revenue"]
        # the day that came back whole is no purchase
        assert card["customer since"] == "1 February 2023; 5 purchases, the last on 20 November 2024 (41 days ago)"

    def test_says_what_is_not_known(self, opened):
        card = words(pieces(opened())[0])
        assert card["what to do"] == "the playbook names no action"
        assert card["what to offer"] == card["manager"] == "not recorded"
        assert (
            card["next contact"] == "no date set; consent to be contacted isn't recorded, and has to be asked for first"
        )
        assert card["segment"] == "not known"


class TestNextPurchase:
    def test_dates_are_those_by_which_a_living_customer_has_bought_again(self, opened):
        chapter = opened()
        customers = dossier.everybody(chapter)
        person, model = dossier.find(chapter, customers), dossier.fit(customers)
        due = dossier.next_purchase(chapter, person, model)
        history = [person.standing[name] for name in ("frequency", "recency", "T")]
        assert history[0] == 4
        for days, chance in ((due.low, 0.1), (due.days, 0.5), (due.high, 0.9)):
            bought = model.conditional_probability_of_purchase_up_to_time(days / 7, *history)
            assert bought / due.p_alive == pytest.approx(chance, abs=1e-6)

    def test_a_silence_beyond_the_own_rhythm_is_dated(self, opened):
        chapter = opened("fast", ROWS + OTHERS + FAST)
        customers = dossier.everybody(chapter)
        person, model = dossier.find(chapter, customers), dossier.fit(customers)
        due = dossier.next_purchase(chapter, person, model)
        assert dt.date(2023, 1, 29) <= due.overdue_since < dt.date(2023, 6, 1)
        waited = (due.overdue_since - dt.date(2023, 1, 1)).days / 7
        limit = model.overdue_after(27, 27 / 7, 0.9)
        assert waited - 1 / 7 < limit <= waited
        assert (
            dossier_findings.findings(chapter, person, due, dossier.terms(chapter, person)).findings[1].verdict == "act"
        )


class TestFollow:
    def test_the_rung_climbs_with_each_purchase_and_falls_in_silence(self, opened):
        chapter = opened(alive_limit=0.5)
        customers = dossier.everybody(chapter)
        person, model = dossier.find(chapter, customers), dossier.fit(customers)
        path = dossier.follow(chapter, person, model)
        gone = path["p_alive"] < 0.5
        assert (path["rung"] == "left").equals(gone)
        expected = path["frequency"].map(lambda x: ("buyer", "client", "regular")[min(x, 2)])
        assert path.loc[~gone, "rung"].tolist() == expected[~gone].tolist()
        assert {"buyer", "client", "regular"} <= set(path["rung"])


class TestWhatIsBought:
    def test_adds_up_and_names_the_others_together(self, opened):
        table = pieces(opened())[2]
        rows = {row[0]: row[1:] for row in table.rows}
        # category: all, share, the last 365 days, the 365 before, the last sale; 2024 has 366 days
        assert rows["windows"] == ("440", "65%", "240", "200", "2024-06-01")
        assert rows["parts"] == ("140", "21%", "140", "0", "2024-11-20")
        assert rows["doors"] == ("100", "15%", "0", "100", "2023-02-01")
        assert rows["2 other products"] == ("20", "3%", "20", "0", "2024-09-01")

    def test_is_said_not_to_be_recorded_where_the_ledger_names_nothing(self, make_base, tmp_path):
        file = make_base("a,2024-01-01,5\na,2024-02-01,5\n", customer="a")
        chapter = Chapter("dossier", read_parameters(file), tmp_path / "run")
        put_ledger(chapter)
        chapter.write("customers", standing(chapter))
        shown = pieces(chapter)
        assert [type(shown[at]) for at in (2, 4, 5)] == [Unsaid] * 3
        assert all("not recorded" in shown[at].reason for at in (2, 4, 5))
        assert words(shown[0])["share of revenue"] == "100.0%; no key account"
        terms = {row[0]: row[1:] for row in shown[3].rows}
        assert terms["profit (USD)"] == terms["discounts"] == ("not recorded",) * 3
        assert "neither costs nor a margin" in text_of(shown[6])


class TestTerms:
    def test_go_from_sales_to_profit_as_on_paper(self, opened):
        chapter = opened(order_cost=2, contact_cost=3)
        table = pieces(chapter)[3]
        rows = {row[0]: row[1:] for row in table.rows}
        # sales of 790 after discounts of 50; 110 came back; cost 420 - 50; six days with a sale and one contact
        assert rows["sold before discounts (USD)"][2] == "840"
        assert rows["discounts"][2] == "50 (6%)"
        assert rows["returned"][2] == "110 (13%)"
        assert rows["revenue (USD)"][2] == "680"
        assert rows["cost of goods"][2] == "370 (54%)"
        assert rows["cost to serve"][2] == "15 (2%)"
        assert rows["profit (USD)"][2] == "295 (43%)"
        assert rows["days with a sale"] == ("4", "2", "6")


class TestParticulars:
    def test_hold_no_personal_data_unless_it_is_asked_for(self, opened):
        shown = pieces(opened())
        assert words(shown[4])["recorded, not shown"] == "name, phone, 1 further column (show_personal_data shows them)"
        assert not any(value in text_of(*shown) for value in ("Bond", "7946", "tea"))
        asked = words(pieces(opened(show_personal_data=True))[4])
        assert (asked["name"], asked["note"]) == ("James Bond", "drinks tea")
        assert set(asked) & set(PERSONAL) == {"name", "phone"}

    def test_say_what_is_recorded_and_what_is_not(self, opened):
        told = words(pieces(opened())[4])
        assert told["consent to be contacted"] == "yes; record last touched on 6 May 2024"
        assert told["loyalty"] == "not recorded"
        assert told["keys of this customer"] == "007, OO7"
        assert told["potential"] == "USD 5,000 a year; share of wallet not recorded"
        assert told["standing"] == "innovator yes; reputation, demanding not recorded"
        assert told["terms"] == "not recorded"

    def test_of_who_is_in_no_table_are_said_to_be_missing(self, opened):
        shown = pieces(opened("c05"))
        assert "no record in the customers' table" in shown[4].reason
        assert "No contact, complaint or survey of this customer is recorded" in shown[5].reason


class TestEvents:
    def test_stand_with_the_last_one_first(self, opened):
        rows = pieces(opened())[5].rows
        assert rows[0] == ("1 August 2024", "survey", "", "4")
        assert rows[1] == ("1 July 2024", "complaint", "<b>late</b>", "")
        assert len(rows) == 3

    def test_hold_no_markup(self, opened):
        assert "<b>" not in pieces(opened())[5]._html()


class TestFigure:
    def test_tells_in_words_what_it_shows(self, opened):
        alt = pieces(opened())[1].alt
        assert alt.startswith("5 purchases since February 2023, the latest 41 days ago; ")
        assert "returned on 2 days for USD 110; 3 events beside the purchases" in alt
        assert "Rungs: buyer from February 2023" in alt

    def test_claims_nothing_after_one_purchase(self, opened):
        shown = pieces(opened("once", ROWS + OTHERS + "once,2023-06-01,5,o,sale,door,doors,0,1\n"))
        assert "likely" not in shown[1].alt
        assert "can't tell who is gone" in words(shown[0])["still a customer"]
        assert shown[6].findings[1].statement.startswith("After one purchase the model can't tell who is gone")

    def test_is_drawn_without_a_model(self, opened):
        chapter = opened("007", "007,2024-01-01,5,a,sale,x,y,0,1\nb,2024-02-01,5,b,sale,x,y,0,1\n", customers=None)
        picture = pieces(chapter)[1]
        assert picture.alt.startswith("1 purchase since January 2024")
        assert len(picture.png()) > 10_000

    def test_gathers_many_kinds_of_events_in_one_row(self, opened, tmp_path):
        chapter = opened()
        kinds = pl.DataFrame({"kind": [f"kind {i % 9}" for i in range(30)]})
        dates = pl.date_range(dt.date(2024, 1, 1), dt.date(2024, 1, 30), eager=True).alias("date")
        chapter.events = kinds.with_columns(dates, customer=pl.lit("007"))
        person = dossier.find(chapter, dossier.everybody(chapter))
        assert figures._rows_of_events(person)["row"].nunique() == 6
        assert len(figures.history(chapter, person, Unsaid("no"), Unsaid("no")).png()) > 10_000


class TestFindings:
    def test_stay_out_of_the_run_s_findings(self, opened):
        chapter = opened()
        stated = pieces(chapter)[6]
        assert len(stated.findings) == 6
        assert not (chapter.folder / "findings").exists()

    @pytest.mark.parametrize(("may", "verdict"), [("yes", "good"), ("no", "act"), ("not recorded", "unknown")])
    def test_warn_of_calling_who_did_not_agree(self, opened, may, verdict):
        shown = pieces(opened(known={"may_contact": may, "next_contact": dt.datetime(2025, 1, 14)}))
        last = shown[6].findings[-1]
        assert words(shown[0])["next contact"].startswith("none" if may == "no" else "14 January 2025")
        assert (last.id, last.verdict) == ("dossier_consent", verdict)


def test_a_customer_whose_every_purchase_came_back_has_a_dossier(opened):
    shown = pieces(opened("gone"))
    assert words(shown[0])["customer since"] == "nothing bought was kept"
    assert shown[1].alt.startswith("Everything that was bought came back")
    assert "returned only" not in text_of(shown[2])
    assert len(shown[1].png()) > 10_000


@pytest.mark.parametrize("rows", ["007,2024-01-01,5,a,sale,x,y,0,1\n", "007,2024-12-31,0,a,sale,x,y,0,1\n"])
def test_a_base_of_one_purchase_is_told_of(opened, rows):
    shown = pieces(opened("007", rows, customers=None, events=None))
    assert "nan" not in text_of(*shown).lower().replace("finance", "")
    assert len(shown[1].png()) > 10_000


def test_a_run_without_the_playbook_keeps_the_table_for_the_next_dossier(opened, monkeypatch):
    chapter = opened()
    (chapter.folder / "tables" / "customers.parquet").unlink()
    monkeypatch.setattr("customerbase.chapters.playbook.table_customers", lambda chapter: standing(chapter))
    made = dossier.everybody(chapter)
    assert pl.read_parquet(chapter.folder / "tables" / "customers.parquet").equals(made)
