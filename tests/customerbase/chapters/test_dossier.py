"""The dossier of one customer: worked out by hand where it can be, and silent about nothing that isn't recorded."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pandas as pd
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.dossier import dossier, dossier_bought, dossier_findings, dossier_page, dossier_words
from customerbase.errors import Refusal
from customerbase.figures.dossier import dossier as figures
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
# all alike, so that the model of purchases runs to a limit
ALIKE = "".join(
    f"c{i:02d},{2023 + step // 12}-{1 + step % 12:02d}-{1 + i % 28:02d},{20 + i},{i}-{step},sale,door,doors,0,{9 + i}\n"
    for i in range(60)
    for step in range(i % 5, 4 + i % 20, 1 + i % 3)
)


def others() -> str:
    """Customers of many rhythms, some of whom leave, so that the model of purchases has something to learn from."""
    draw = random.Random(0)
    rows = []
    for number in range(60):
        mean_gap, day, purchase = 10 + draw.expovariate(1 / 50), draw.randrange(300), 0
        while day < 700:
            bought = dt.date(2023, 1, 1) + dt.timedelta(days=day)
            rows.append(f"c{number:02d},{bought},{20 + number},{number}-{purchase},sale,door,doors,0,{9 + number}\n")
            if draw.random() < draw.betavariate(1, 3):
                break
            day, purchase = day + 1 + int(draw.expovariate(1 / mean_gap)), purchase + 1
    return "".join(rows)


OTHERS = others()
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
        dossier_bought.category_table(chapter, person),
        dossier_bought.product_table(chapter, person),
        dossier_page.terms_table(chapter, person, earned),
        dossier_page.particulars_table(chapter, person),
        dossier_page.events_table(chapter, person),
        dossier_findings.findings(chapter, person, due, earned),
    )


def stated(findings: Any, what: str) -> tuple[str, str]:
    """What a dossier states of something, and its verdict."""
    (found,) = [finding for finding in findings.findings if finding.id == f"dossier_{what}"]
    return found.statement, found.verdict


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
        # the one complaint is older than ninety days
        assert card["next contact"] == dossier_words.HELD_OUT
        assert card["rung"] == "regular (a year ago: client)"
        # by the last year's revenue 007 is next to nobody among sixty others
        over = "no dependency by the last 365 days (high over all these days)"
        assert f"key account by potential; {over}" in card["share of revenue"]
        # the day that came back whole is no purchase
        assert card["customer since"] == "1 February 2023; 5 purchases, the last on 20 November 2024 (41 days ago)"

    def test_names_a_dependency_that_still_is_one(self, opened):
        known = {"criteria": "company revenue", "dependency": "watch"}
        chapter = opened(rows=ROWS, known=known)
        shown = pieces(chapter)
        risk = "; dependency on this customer: to be watched"
        assert words(shown[0])["share of revenue"].endswith(f"key account by company revenue{risk}")
        statement, verdict = stated(shown[7], "share")
        assert statement.endswith(f"a key account by company revenue{risk}.")
        assert verdict == "watch"

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
            stated(dossier_findings.findings(chapter, person, due, dossier.terms(chapter, person)), "alive")[1] == "act"
        )


class TestLikely:
    @pytest.mark.parametrize(
        ("p_alive", "told"),
        [(0, "under 1%"), (0.0099, "under 1%"), (0.01, "1%"), (0.5, "50%"), (0.99, "99%"), (0.9901, "over 99%")],
    )
    def test_is_never_impossible_nor_certain(self, p_alive, told):
        assert dossier_words.likely(p_alive) == told


# twice a month for half a year, and then silent for two years
LEFT = "".join(f"007,2023-{1 + i // 2:02d}-{1 + 14 * (i % 2):02d},50,s{i},sale,door,doors,0,20\n" for i in range(12))
WON_BACK = {
    "action": "win back",
    "clv": 247.0,
    "clv_low": 0.0,
    "clv_high": 0.0,
    "value_at_stake": 1_000_000.0,
    "cluster_name": "small baskets",
}


class TestWhoHasProbablyLeft:
    def test_is_worth_what_winning_back_brings_and_nothing_as_it_is(self, opened):
        shown = pieces(opened(rows=LEFT + OTHERS, known=WON_BACK))
        told = "USD 1,000,000 of profit if won back, next to nothing left as it is"
        assert words(shown[0])["worth in 365 days"] == told
        assert stated(shown[7], "value")[0] == f"Worth in the next 365 days: {told}."

    def test_has_no_date_of_a_next_purchase(self, opened):
        shown = pieces(opened(rows=LEFT + OTHERS, known=WON_BACK))
        card = words(shown[0])
        assert card["next purchase"] == dossier_words.PROBABLY_LEFT
        assert card["still a customer"].startswith("probably left: under 1%; silent for ")
        statement, verdict = stated(shown[7], "alive")
        assert statement.startswith("Probably left: still a customer with a probability of under 1%; silent for ")
        assert verdict == "act"
        assert "next purchase" not in statement
        assert not any("next due" in str(label) for label in shown[1].figure.axes[0].get_legend().texts)

    def test_is_of_a_group_by_name_only(self, opened):
        assert words(pieces(opened(rows=LEFT + OTHERS, known=WON_BACK))[0])["segment"] == (
            'of the group "small baskets"'
        )


class TestWorth:
    def told(self, opened, **known: Any) -> tuple[str, Any]:
        shown = pieces(opened(known=known))
        (finding,) = [finding for finding in shown[7].findings if finding.id == "dossier_value"]
        return words(shown[0])["worth in 365 days"], finding

    def test_shows_the_interval_that_holds_the_mean(self, opened):
        told, finding = self.told(opened, clv=200.0, clv_low=100.0, clv_high=300.0)
        assert told == "USD 200 of profit (80% interval 100 to 300)"
        assert (finding.low, finding.high, finding.interval) == (100, 300, 0.8)

    @pytest.mark.parametrize(
        ("low", "high", "as_a_rule"), [(0.0, 0.0, "nothing"), (0.0, 150.0, "less"), (250.0, 300.0, "more")]
    )
    def test_shows_no_interval_that_does_not(self, opened, low, high, as_a_rule):
        told, finding = self.told(opened, clv=200.0, clv_low=low, clv_high=high)
        assert told == f"USD 200 of profit on average, {as_a_rule} as a rule"
        assert (finding.low, finding.high, finding.interval) == (None, None, None)

    @pytest.mark.parametrize(
        ("action", "beside"),
        [
            ("protect", ""),
            ("develop", "; USD 900 more to be won of what is bought elsewhere"),
            ("let go", "; at stake USD 900, the loss at its pace so far"),
        ],
    )
    def test_names_what_is_at_stake_beside_it(self, opened, action, beside):
        stake = 200.0 if action == "protect" else 900.0
        told, _ = self.told(opened, clv=200.0, action=action, value_at_stake=stake)
        assert told == f"USD 200 of profit{beside}"


class TestComplaint:
    def shown(self, opened, more: str, **known: Any) -> tuple[Any, ...]:
        chapter = opened(known={"action": "protect", "on_list": True} | known)
        dates = [dt.date.fromisoformat(line.split(",")[0]) for line in more.split("\n")]
        kinds, reasons = ([line.split(",")[at] for line in more.split("\n")] for at in (1, 2))
        chapter.events = pl.DataFrame({"customer": "007", "date": dates, "kind": kinds, "reason": reasons})
        return pieces(chapter)

    def test_of_late_is_answered_first(self, opened):
        shown = self.shown(opened, "2024-10-03,complaint,late\n2024-10-03,contact,call")
        first = shown[7].findings[0]
        assert (first.id, first.verdict) == ("dossier_complaint", "act")
        assert first.statement == "Complaint of 3 October 2024 (late): answer first."
        assert words(shown[0])["complaint"] == "3 October 2024 (late): answer first"

    def test_after_which_somebody_called_may_be_settled(self, opened):
        shown = self.shown(opened, "2024-10-03,complaint,late\n2024-10-09,contact,call")
        assert stated(shown[7], "complaint") == (
            "Complaint of 3 October 2024 (late); in contact since, last on 9 October 2024: ask whether it is settled.",
            "watch",
        )

    def test_of_long_ago_is_forgotten(self, opened):
        shown = self.shown(opened, "2024-10-02,complaint,late")
        assert "complaint" not in words(shown[0])
        assert not any(finding.id == "dossier_complaint" for finding in shown[7].findings)

    def test_is_answered_even_where_nobody_is_to_call(self, opened):
        shown = self.shown(opened, "2024-12-26,complaint,late", control_group=True, on_list=False)
        assert words(shown[0])["next contact"].endswith("the complaint is answered all the same")
        statement, verdict = stated(shown[7], "action")
        assert statement.endswith(
            "Not to be called before the next run: held out as a control, to measure what calls do."
        )
        assert verdict == "note"

    def test_says_nothing_personal(self, opened):
        shown = self.shown(opened, "2024-12-01,call@x.example,x\n2024-12-26,complaint,James Bond was rude")
        assert stated(shown[7], "complaint")[0] == "Complaint of 26 December 2024: answer first."
        assert shown[6].rows[0] == ("26 December 2024", "complaint", "(not shown)", "")
        assert not any(value in text_of(*shown) for value in ("Bond", "x.example"))


class TestFall:
    def test_of_a_fifth_is_watched_and_the_category_named(self, opened):
        # 2024 brought 400, of it windows 100 and parts 300; the 365 days before, 500, of it windows 400 and parts 100
        rows = """\
007,2023-03-01,400,a,sale,window,windows,0,9
007,2023-04-01,100,b,sale,hinge,parts,0,9
007,2024-03-01,100,c,sale,window,windows,0,9
007,2024-12-01,300,d,sale,hinge,parts,0,9
"""
        shown = pieces(opened(rows=rows + OTHERS))
        assert stated(shown[7], "fall") == (
            "Bought in the last 365 days: USD 400, 20% less than in the 365 days before (USD 500); "
            "windows fell most, from USD 400 to USD 100.",
            "watch",
        )
        assert words(shown[0])["bought in 365 days"].startswith("USD 400, 20% less than")
        less = rows.replace("2024-12-01,300", "2024-12-01,301")
        assert not any(found.id == "dossier_fall" for found in pieces(opened(rows=less + OTHERS))[7].findings)

    def test_to_nothing_is_said_so(self, opened):
        shown = pieces(opened(rows="007,2023-03-01,400,a,sale,window,windows,0,9\n" + OTHERS))
        assert stated(shown[7], "fall")[0] == (
            "Bought in the last 365 days: nothing that was kept, after USD 400 in the 365 days before; "
            "windows fell most, from USD 400 to nothing."
        )

    def test_is_not_weighed_against_a_year_in_part(self, opened):
        # 200 in the year before, which began before the first purchase
        assert words(pieces(opened())[0])["bought in 365 days"] == "USD 380, after USD 300 in the 365 days before"


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
        # 64.7, 20.6 and 14.7 of a hundred: rounded so that they still are a hundred
        assert rows["parts"] == ("140", "20%", "140", "0", "2024-11-20")
        assert rows["doors"] == ("100", "15%", "0", "100", "2023-02-01")
        assert len(rows) == 3

    def test_of_products_too(self, opened):
        table = pieces(opened())[3]
        rows = {row[0]: row[1:] for row in table.rows}
        assert rows["2 other products"] == ("20", "3%", "20", "0", "2024-09-01")
        assert sum(int(row[1].rstrip("%")) for row in rows.values()) == 100
        assert sum(int(row[0]) for row in rows.values()) == 680

    def test_counts_what_is_of_no_category(self, opened):
        rows = ROWS.replace("seal,parts", "seal,")
        table = pieces(opened("007", rows + OTHERS))[2]
        assert table.rows[-1][:3] == ("category not recorded", "20", "3%")

    def test_stands_in_one_table_where_the_ledger_names_products_only(self, opened):
        rows = "007,2024-01-01,5,a,sale,x,,0,1\n"
        categories, products = pieces(opened("007", rows, customers=None, events=None))[2:4]
        assert categories is None
        assert products.rows[0][:3] == ("x", "5", "100%")

    def test_is_said_not_to_be_recorded_where_the_ledger_names_nothing(self, make_base, tmp_path):
        file = make_base("a,2024-01-01,5\na,2024-02-01,5\n", customer="a")
        chapter = Chapter("dossier", read_parameters(file), tmp_path / "run")
        put_ledger(chapter)
        chapter.write("customers", standing(chapter))
        shown = pieces(chapter)
        assert [type(shown[at]) for at in (2, 5, 6)] == [Unsaid] * 3
        assert all("not recorded" in shown[at].reason for at in (2, 5, 6))
        assert words(shown[0])["share of revenue"] == "100.0%; no key account"
        terms = {row[0]: row[1:] for row in shown[4].rows}
        assert terms["profit (USD)"] == terms["discounts"] == ("not recorded",) * 3
        assert "neither costs nor a margin" in text_of(shown[7])


class TestTerms:
    def test_go_from_sales_to_profit_as_on_paper(self, opened):
        chapter = opened(order_cost=2, contact_cost=3)
        table = pieces(chapter)[4]
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

    def test_that_eat_the_profit_are_an_act(self, opened):
        rows = "007,2024-01-01,60,a,sale,x,y,40,70\n007,2024-02-01,60,b,sale,x,y,40,70\n"
        assert stated(pieces(opened(rows=rows + OTHERS))[7], "profit") == (
            "The terms eat the profit. So far USD 120 of revenue left a loss of USD 20.00, after discounts of 40.0%; "
            "without them it would be USD 60.00 of profit.",
            "act",
        )

    def test_that_take_more_than_is_left_are_watched(self, opened):
        rows = "007,2024-01-01,60,a,sale,x,y,40,50\n007,2024-02-01,60,b,sale,x,y,40,50\n"
        statement, verdict = stated(pieces(opened(rows=rows + OTHERS))[7], "profit")
        assert statement.endswith("after discounts of 40.0%; they took USD 80.00, more than is left.")
        assert verdict == "watch"

    def test_that_brought_a_loss_lately_are_an_act(self, opened):
        rows = "007,2023-01-01,100,a,sale,x,y,0,50\n007,2024-02-01,60,b,sale,x,y,0,70\n"
        statement, verdict = stated(pieces(opened(rows=rows + OTHERS))[7], "profit")
        assert statement.endswith("; the last 365 days alone left a loss of USD 10.00.")
        assert verdict == "act"


class TestParticulars:
    def test_hold_no_personal_data_unless_it_is_asked_for(self, opened):
        shown = pieces(opened())
        assert words(shown[5])["recorded, not shown"] == "name, phone, 1 further column (show_personal_data shows them)"
        assert not any(value in text_of(*shown) for value in ("Bond", "7946", "tea"))
        asked = words(pieces(opened(show_personal_data=True))[5])
        assert (asked["name"], asked["note"]) == ("James Bond", "drinks tea")
        assert set(asked) & set(PERSONAL) == {"name", "phone"}

    def test_say_what_is_recorded_and_what_is_not(self, opened):
        told = words(pieces(opened())[5])
        assert told["consent to be contacted"] == "yes; record last touched on 6 May 2024"
        assert told["loyalty"] == "not recorded"
        assert told["keys of this customer"] == "007, OO7"
        assert told["potential"] == "USD 5,000 a year; share of wallet not recorded"
        assert told["standing"] == "innovator yes; reputation, demanding not recorded"
        assert told["terms"] == "not recorded"

    def test_of_who_is_in_no_table_are_said_to_be_missing(self, opened):
        shown = pieces(opened("c05"))
        assert "no record in the customers' table" in shown[5].reason
        assert "No contact, complaint or survey of this customer is recorded" in shown[6].reason


class TestEvents:
    def test_stand_with_the_last_one_first(self, opened):
        rows = pieces(opened())[6].rows
        assert rows[0] == ("1 August 2024", "survey", "", "4")
        assert rows[1] == ("1 July 2024", "complaint", "<b>late</b>", "")
        assert len(rows) == 3

    def test_hold_no_markup(self, opened):
        assert "<b>" not in pieces(opened())[6]._html()


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
        assert shown[7].findings[1].statement.startswith("After one purchase the model can't tell who is gone")

    def test_claims_nothing_where_the_model_runs_to_a_limit(self, opened):
        shown = pieces(opened(rows=ROWS + ALIKE))
        assert "likely" not in shown[1].alt
        assert "Rungs: buyer from February 2023" in shown[1].alt
        assert "left" not in shown[1].alt
        assert "where it can't tell who left from who waits" in words(shown[0])["still a customer"]
        assert stated(shown[7], "alive")[1] == "note"

    def test_marks_each_kind_of_event_the_same_on_every_page(self, opened):
        def marks(*kinds: str) -> list[tuple[str, str]]:
            chapter = opened()
            day = pl.Series("date", [AS_OF] * len(kinds))
            chapter.events = pl.DataFrame({"customer": "007", "date": day, "kind": kinds})
            person = dossier.find(chapter, dossier.everybody(chapter))
            ax = figures.history(chapter, person, Unsaid("no"), Unsaid("no")).figure.axes[1]
            drawn = [str(collection.get_paths()[0].vertices) for collection in ax.collections]
            return list(zip([label.get_text() for label in ax.get_yticklabels()], drawn, strict=True))

        alone, together = marks("complaint"), marks("refusal", "visit to a fair", "complaint", "contact")
        assert [kind for kind, _ in together] == ["contact", "complaint", "refusal", "visit to a fair"]
        assert alone[0] == together[1]
        assert len({mark for _, mark in together}) == 4

    def test_writes_the_day_of_the_next_purchase_beside_its_window(self, opened):
        chapter = opened()
        customers = dossier.everybody(chapter)
        person = dossier.find(chapter, customers)
        due = dossier.next_purchase(chapter, person, dossier.fit(customers))
        by = dossier_words.due_day(chapter, due.days)
        (text,) = figures.history(chapter, person, Unsaid("no"), due).figure.axes[0].texts
        assert text.get_text() == f"next by\n{by.day} {by:%b}\n{by.year}"

    def test_tells_how_often_leaving_was_a_false_alarm(self, opened):
        path = pd.DataFrame({"rung": ["buyer", "left", "left", "client", "left", "regular", "left"]})
        assert figures._times_came_back(path) == 2

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
        stated = pieces(chapter)[7]
        assert len(stated.findings) == 6
        assert not (chapter.folder / "findings").exists()

    @pytest.mark.parametrize(("may", "verdict"), [("yes", "good"), ("no", "act"), ("not recorded", "unknown")])
    def test_warn_of_calling_who_did_not_agree(self, opened, may, verdict):
        shown = pieces(opened(known={"may_contact": may, "next_contact": dt.datetime(2025, 1, 14)}))
        assert words(shown[0])["next contact"].startswith("none" if may == "no" else "14 January 2025")
        assert stated(shown[7], "consent")[1] == verdict


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
    monkeypatch.setattr("customerbase.chapters.playbook.playbook.table_customers", lambda chapter: standing(chapter))
    made = dossier.everybody(chapter)
    assert pl.read_parquet(chapter.folder / "tables" / "customers.parquet").equals(made)
