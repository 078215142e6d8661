"""What `03_abc_xyz` says of small bases whose every figure is known, and of bases that say little."""

import re
from typing import Any

import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import profit
from customerbase.chapters.abc_xyz import abc_xyz, unprofitable
from customerbase.figures.abc_xyz import abc_xyz as figures
from customerbase.figures.style import Picture
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid

HEADER = "customer,date,order,amount,kind,discount,cost"
MONTHS = range(1, 13)
CALLS = "small,2024-02-01,call\nsmall,2024-03-01,Call\nsmall,2024-04-01,visit\nsmall,2024-05-01,звонок\n"

# A day with a sale costs 10 to serve, a contact 5; as of 31 December 2024.
#   large:  24 months of 1,000 after 100 off, goods at 600.  revenue 24,000, discount 2,400, goods bring 24 x 400 =
#           9,600, service 240: profit 9,360.
#   ruined: 12 months of 300 after 200 off, goods at 350.  revenue 3,600, discount 2,400, goods bring -600, service
#           120: profit -720; without the discount 1,680.
#   small:  50 and 20, goods at 30 and 12; two days and four contacts.  revenue 70, goods bring 28, service 20 + 20:
#           profit -12.
#   gone:   200 of goods at 100, sent back.  revenue 0, service 10: profit -10; bought nothing since May 2023.
ROWS = "".join(
    [
        *(f"large,{year}-{month:02d}-10,,1000,sale,100,600\n" for year in (2023, 2024) for month in MONTHS),
        *(f"ruined,2024-{month:02d}-10,,300,sale,200,350\n" for month in MONTHS),
        "small,2023-03-10,,50,sale,0,30\nsmall,2024-11-10,,20,sale,0,12\n",
        "gone,2023-05-10,7,200,sale,0,100\ngone,2023-05-20,7,-200,return,0,-100\n",
    ]
)
WITHOUT_COSTS = "".join(f"{row.rpartition(',')[0]}\n" for row in ROWS.splitlines())


@pytest.fixture
def opened(make_base, tmp_path):
    """A chapter on a ledger."""

    def make(rows: str, header: str = "customer,date,amount", events: str = "", **given: Any) -> Chapter:
        if events:
            file = tmp_path / "events.csv"
            file.write_text(f"customer,date,kind\n{events}", encoding="utf-8")
            given["events"] = {"path": str(file), "columns": {name: name for name in ("customer", "date", "kind")}}
        return Chapter("03_abc_xyz", read_parameters(make_base(rows, header=header, **given)), tmp_path / "run")

    return make


@pytest.fixture
def hand(opened) -> Chapter:
    events = f"{CALLS}small,2024-06-01,complaint\nprospect,2024-06-01,call\n"
    return opened(ROWS, HEADER, events, as_of="2024-12-31", order_cost=10.0, contact_cost=5.0)


def ran(chapter: Chapter) -> dict[str, Any]:
    """Take every step of the notebook; nothing of it may fail."""
    given = chapter.parameters
    customers = abc_xyz.classify(chapter)
    abc_xyz.write_tables(chapter, customers)
    both, regular, nine = (
        abc_xyz.both_classes(chapter, customers),
        abc_xyz.regularity(chapter, customers),
        abc_xyz.cells(customers),
    )
    moved, steps = abc_xyz.moves(chapter, customers), unprofitable.walk(chapter, customers)
    burdened, tails = unprofitable.burdens(chapter, customers), unprofitable.tails(chapter, customers)
    decided = unprofitable.by_decision(chapter, burdened)
    shown = {
        "classes": abc_xyz.class_table(chapter, customers),
        "both": abc_xyz.both_classes_table(chapter, both),
        "poor": abc_xyz.large_but_poor(chapter, customers, both),
        "regularity": abc_xyz.regularity_table(chapter, regular),
        "cells": abc_xyz.cell_table(chapter, nine),
        "moves": abc_xyz.move_table(chapter, moved),
        "walk": unprofitable.walk_table(chapter, steps),
        "discounts": unprofitable.discount_table(chapter, burdened),
        "tail": unprofitable.tail_table(chapter, tails),
        "below zero": unprofitable.below_zero_table(chapter, burdened),
        "decisions": unprofitable.decision_table(chapter, decided),
        "shares figure": figures.shares(customers, given.abc_limits),
        "cells figure": figures.nine_cells(nine),
        "moves figure": figures.movement(moved),
        "walk figure": figures.profit_walk(steps, given.currency),
        "tail figure": figures.tail(tails, unprofitable.TAIL, profit.serving_known(chapter)),
    }
    findings = abc_xyz.findings(chapter, customers, both, regular, moved, burdened, decided)
    shown["findings"] = findings
    words = " ".join(in_words(part) for part in shown.values())
    assert not re.search(r"\b(nan|NaN|NaT|inf|None)\b", words), words
    return shown | {"customers": customers, "stated": {finding.id: finding for finding in findings.findings}}


def in_words(part: Any) -> str:
    if part is None:
        return ""
    return part.alt if isinstance(part, Picture) else part._repr_mimebundle_()["text/plain"]


class TestByHand:
    def test_table(self, hand):
        table = abc_xyz.table_abc_xyz(hand).set_index("customer")
        assert table["revenue"].to_dict() == {"large": 24000, "ruined": 3600, "small": 70, "gone": 0}
        assert table["profit"].to_dict() == {"large": 9360, "ruined": -720, "small": -12, "gone": -10}
        # of 27,670: ruined comes after 87%, small after 99.7%
        assert table["abc"].to_dict() == {"large": "A", "ruined": "B", "small": "C", "gone": "C"}
        assert table["abc_profit"].to_dict() == {"large": "A", "ruined": "C", "small": "C", "gone": "C"}
        # small: 22 months since March 2023, two of them with a purchase; gone's purchase didn't stand
        assert table["periods"].dropna().to_dict() == {"large": 24, "ruined": 12, "small": 22}
        assert table["xyz"].to_dict() == {"large": "X", "ruined": "X", "small": "Z", "gone": "Z"}
        # as of 1 January 2024: of 12,050 small comes after 99.6%; ruined wasn't there yet
        assert table["abc_a_year_ago"].dropna().to_dict() == {"large": "A", "small": "C", "gone": "C"}
        assert table["xyz_a_year_ago"].dropna().to_dict() == {"large": "X", "small": "Z", "gone": "Z"}

    def test_what_the_chapter_says(self, hand):
        found = ran(hand)
        walk = [(step.removeprefix("= ").removeprefix("- "), amount) for step, amount, _ in found["walk"].rows]
        assert walk == [
            ("gross sales", "32,670"),
            ("discounts", "-4,800"),
            ("returns", "-200"),
            ("revenue", "27,670"),
            ("cost of the goods", "-18,642"),
            ("cost to serve", "-410"),
            ("profit", "8,618"),
        ]
        assert found["discounts"].rows == (("ruined", "6,000", "2,400", "40.0%", "-720", "1,680"),)
        assert [(row[0], row[-2], row[-1]) for row in found["below zero"].rows] == [
            ("ruined", "discounts", "new terms"),
            ("small", "cost to serve", "move to retail service"),
            ("gone", "returns", ""),
        ]
        assert [(row[0], row[2], *row[4:]) for row in found["decisions"].rows] == [
            ("new terms", "1", "-720", "2,400"),
            ("hand over to a dealer", "0", "0", "0"),
            ("move to retail service", "1", "-12", "40"),
            ("polite farewell", "0", "0", "0"),
        ]
        assert found["both"].rows == (
            ("A", "1", "0", "0", "9,360"),
            ("B", "0", "0", "1", "-720"),
            ("C", "0", "0", "2", "-22"),
        )
        moves = {row[0]: row[1:] for row in found["moves"].rows if row[0] in ("AX", "BX", "CZ", "all")}
        assert moves == {
            "AX": ("1", "0", "0", "0", "1"),
            "BX": ("0", "1", "0", "0", "1"),
            "CZ": ("2", "0", "0", "0", "2"),
            "all": ("3", "1", "0", "0", "4"),
        }
        # the last 20%: everybody but large, who brings 87%
        tail = found["tail"].rows[0]
        assert (tail[1], tail[4], tail[5], tail[7]) == ("3", "3,670", "170", "-742")

    def test_findings(self, hand):
        stated = ran(hand)["stated"]
        assert {id: finding.verdict for id, finding in stated.items()} == {
            "abc": "note",
            "abc_profit": "good",
            "regularity": "note",
            "cell_movement": "note",
            "profit_walk": "note",
            "tail": "act",
            "discounts": "watch",
            "below_zero": "act",
            "decisions": "watch",
        }
        assert stated["abc"].statement.startswith("1 customer (25.0% of all) brings 87% of revenue and 109% of profit")
        assert (
            "3 customers cost more than they bring (since 10 January 2023): USD 742" in stated["below_zero"].statement
        )
        assert "The costliest is ruined, at USD 720." in stated["below_zero"].statement
        assert stated["decisions"].value == 2
        assert "new terms for 1 customer (a loss of USD 720)" in stated["decisions"].statement
        asked = {id: finding.question for id, finding in stated.items() if finding.question}
        assert asked == {"abc": "profit", "below_zero": "profit"}

    def test_a_window_counts_only_its_days(self, opened):
        # the 366 days of 2024, at no cost to serve
        chapter = opened(ROWS, HEADER, as_of="2024-12-31", lookback_days=366)
        table = abc_xyz.table_abc_xyz(chapter).set_index("customer")
        assert table["revenue"].to_dict() == {"large": 12000, "ruined": 3600, "small": 20, "gone": 0}
        assert table["profit"].to_dict() == {"large": 4800, "ruined": -600, "small": 8, "gone": 0}
        assert table["periods"].dropna().to_dict() == {"large": 12, "ruined": 12, "small": 12}
        assert "(in the last 366 days)" in ran(chapter)["stated"]["below_zero"].statement

    def test_regularity_names_every_class_and_what_hides_it(self, opened, hand):
        assert ran(hand)["stated"]["regularity"].statement == (
            "From month to month 2 customers buy regularly (X), with 100% of revenue; 1 buys irregularly (Z), with 0% "
            "of revenue; 1 spent nothing in these months."
        )
        # March and April are whole in the last 90 days of May; ruined came in January 2024, so it isn't too new
        short = opened(ROWS, HEADER, as_of="2024-05-30", lookback_days=90)
        found = ran(short)
        assert found["stated"]["regularity"].verdict == "unknown"
        assert found["stated"]["regularity"].statement == (
            "The 90 days of lookback_days hold fewer than 3 whole months, so how regularly customers buy can't be "
            "told: set more of them, or a shorter xyz_period; all count as Z."
        )
        assert [row[:2] for row in found["regularity"].rows[-2:]] == [
            ("Z: too new to tell", "0"),
            ("Z: lookback_days too short to tell", "3"),
        ]

    def test_who_varies_is_named_and_no_share_without_revenue(self, opened):
        # a: 9, 1, 1, 1 a month, mean 3, deviation 12^0.5: Z; b: 3, 1, 1, 1, deviation 0.75^0.5 of a mean of 1.5: Y
        rows = "".join(
            f"{who},2024-{month:02d}-10,{money}\n"
            for who, amounts in (("a", (9, 1, 1, 1)), ("b", (3, 1, 1, 1)))
            for month, money in enumerate(amounts, start=1)
        )
        said = ran(opened(rows, as_of="2024-04-30"))["stated"]["regularity"].statement
        assert said == (
            "From month to month nobody buys regularly (X); 1 varies (Y), with 33% of revenue; 1 buys irregularly (Z), "
            "with 67% of revenue."
        )
        said = ran(opened(f"{rows}a,2024-04-20,-99\n", as_of="2024-04-30"))["stated"]["regularity"].statement
        assert said == "From month to month nobody buys regularly (X); 1 varies (Y); 1 buys irregularly (Z)."

    def test_by_number_of_purchases_and_by_quarter(self, opened):
        chapter = opened(ROWS, HEADER, as_of="2024-12-31", xyz_measure="purchases", xyz_period="quarter")
        table = abc_xyz.table_abc_xyz(chapter).set_index("customer")
        assert table["periods"].dropna().to_dict() == {"large": 8, "ruined": 4, "small": 8}
        # small: 1, 0, 0, 0, 0, 0, 0, 1: mean 1/4, variance 2/8 - 1/16 = 3/16, its root over the mean that of 3
        assert table["variation"].dropna().to_dict() == pytest.approx({"large": 0, "ruined": 0, "small": 3**0.5})


def test_the_past_is_judged_as_it_stood(opened):
    """A return of this year had undone nothing a year ago."""
    rows = "a,2024-01-10,1,100\nb,2024-01-10,2,90\na,2025-12-10,1,-100\n"
    chapter = opened(rows, "customer,date,order,amount", as_of="2025-12-31")
    table = abc_xyz.table_abc_xyz(chapter).set_index("customer")
    assert table["abc"].to_dict() == {"a": "C", "b": "A"}
    assert table["abc_a_year_ago"].to_dict() == {"a": "A", "b": "A"}


class TestBasesThatSayLittle:
    def test_without_costs_profit_is_said_to_be_unknown(self, opened):
        found = ran(opened(WITHOUT_COSTS, HEADER.removesuffix(",cost"), as_of="2024-12-31"))
        assert found["customers"]["profit"].null_count() == 4
        assert found["customers"]["abc"].sort().to_list() == ["A", "B", "C", "C"]
        for id in ("abc_profit", "profit_walk", "discounts", "below_zero", "decisions"):
            assert found["stated"][id].verdict == "unknown"
            assert "ledger.columns.cost" in found["stated"][id].statement
        assert [row[0] for row in found["walk"].rows][-1] == "= revenue"

    def test_with_a_margin_alone_only_returns_can_cost(self, opened):
        rows = "a,2024-01-10,100\na,2024-02-10,50\nb,2024-02-10,-30\n"
        found = ran(opened(rows, margin=0.4))
        assert found["customers"]["profit"].to_list() == [60, -12]
        assert isinstance(found["both"], Unsaid)
        assert [row[0] for row in found["below zero"].rows] == ["b"]
        assert found["stated"]["decisions"].verdict == "unknown"

    @pytest.mark.parametrize(
        "rows",
        [
            "only,2024-01-01,10\n",
            "only,2024-01-01,10\nonly,2024-01-02,-10\n",
            "a,2024-01-01,0\nb,2024-03-01,0\n",
            "a,2024-01-01,5\nb,2024-01-01,-9\nc,2024-01-02,3\n",
        ],
        ids=["one customer", "all returned", "free", "more returned than sold"],
    )
    @pytest.mark.parametrize(
        "given", [{}, {"margin": 0.3}, {"margin": 0.3, "order_cost": 4.0}], ids=["", "margin", "cost to serve"]
    )
    def test_every_step_says_what_it_can(self, opened, rows, given):
        chapter = opened(rows, **given)
        found = ran(chapter)
        assert found["customers"].height == chapter.ledger["customer"].n_unique()
        assert found["customers"]["revenue"].sum() == chapter.ledger["amount"].sum()
        unknown = [finding for finding in found["stated"].values() if finding.verdict == "unknown"]
        assert unknown
        assert all(finding.value is None and finding.statement.endswith(".") for finding in unknown)

    def test_a_base_whose_only_purchase_was_undone(self, opened):
        found = ran(opened("only,2024-01-01,7,10\nonly,2024-01-02,7,-10\n", "customer,date,order,amount", margin=0.3))
        assert found["customers"].select("revenue", "profit", "abc", "xyz", "periods").row(0) == (0, 0, "C", "Z", None)

    def test_one_customer_is_a_and_too_new(self, opened):
        found = ran(opened("only,2024-01-01,10\n"))
        assert found["customers"].select("abc", "xyz").row(0) == ("A", "Z")
        assert isinstance(found["moves"], Unsaid)

    def test_keys_are_text(self, opened):
        name = "<b>&$x$ =1+1"
        rows = f"{name},2024-01-01,10,1,90\n{name},2024-01-02,10,1,90\nb,2024-01-01,90,1,10\n"
        found = ran(opened(rows, "customer,date,amount,discount,cost"))
        page = found["below zero"]._repr_mimebundle_()["text/html"]
        assert "&lt;b&gt;&amp;$x$ =1+1" in page
        assert "<b>" not in page


def test_contacts_are_known_in_any_case_and_of_customers_alone(hand):
    made = profit.contacts(hand)
    assert made is not None
    assert made["customer"].to_list() == ["small"] * 4
    lines = profit.ledger_lines(hand)
    assert lines["profit"].sum() == pytest.approx(9600 - 600 + 28)
    assert profit.customer_profit(hand).select(pl.col("profit").sum()).item() == pytest.approx(8618)
