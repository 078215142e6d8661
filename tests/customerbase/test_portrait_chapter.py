"""What `02_portrait` says of bases whose truth is known, and of bases that say little."""

from __future__ import annotations

import ast
import datetime as dt
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import lenses, portrait
from customerbase.figures import lenses as figures
from customerbase.figures import portrait as portrait_figures
from customerbase.figures.style import Picture
from customerbase.findings import Finding, Findings
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "02_portrait.ipynb"

#: Bought in 2023: a 100 + 100, b 300, c 50. In 2024: a 150, b 100 + 100 + 100, d 400, e 0 (40, given back).
TWO_YEARS = """\
a,2023-01-01,sale,100
a,2023-06-01,sale,100
b,2023-03-05,sale,300
c,2023-07-09,sale,50
a,2024-02-02,sale,150
b,2024-03-05,sale,100
b,2024-05-05,sale,100
b,2024-09-05,sale,100
d,2024-08-08,sale,400
c,2024-10-10,return,-10
c,2024-12-30,return,-1
"""
HEADER = "customer,date,kind,amount"


@pytest.fixture
def opened(make_base, tmp_path):
    """A chapter on a ledger."""

    def make(rows: str, header: str = HEADER, **parameters: Any) -> Chapter:
        file = make_base(rows, header=header, **parameters)
        return Chapter("02_portrait", read_parameters(file), tmp_path / "run")

    return make


def read_through(chapter: Chapter) -> list[Any]:
    """Run the notebook's cells on a chapter and return what each shows."""
    shown = []
    names: dict[str, Any] = {"chapter": chapter}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type != "code" or "parameters" in cell.metadata.get("tags", []):
            continue
        *steps, last = ast.parse(cell.source.replace('open_chapter("02_portrait", globals())', "chapter")).body
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(steps, []), "cell", "exec"), names)
            shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
        else:
            exec(compile(ast.Module([*steps, last], []), "cell", "exec"), names)
    return shown


def words(shown: list[Any]) -> str:
    told = [each for each in shown if each is not None and not isinstance(each, Picture)]
    return "\n".join(str(each._repr_mimebundle_()["text/plain"]) for each in told)


def stated(chapter: Chapter) -> dict[str, Finding]:
    return {finding.id: finding for finding in chapter.findings().findings}


class TestTwoYears:
    @pytest.fixture
    def looked(self, opened):
        chapter = opened(TWO_YEARS, as_of="2024-12-30", margin=0.5)
        days = lenses.customer_days(chapter)
        return chapter, days, lenses.one_period(chapter, days), lenses.two_periods(chapter, days)

    def test_a_week_missing_from_two_years_still_makes_them_two_years(self, looked):
        # 31 December 2022 to 30 December 2024 would be 731 days: the ledger's first is 1 January 2023
        *_, two = looked
        assert two.before == (dt.date(2023, 1, 1), dt.date(2023, 12, 31))
        assert two.now == (dt.date(2024, 1, 1), dt.date(2024, 12, 30))

    def test_the_period_is_a_product(self, looked):
        # bought: a, b, d; purchases 1 + 3 + 1 = 5; revenue 150 + 300 + 400 - 10 - 1 = 839
        chapter, _, one, _ = looked
        assert one.split == pytest.approx((3, 5 / 3, 839 / 5, 0.5))
        table = words([lenses.split_table(chapter, one)])
        assert "USD 839" in table
        # purchases 1, 1, 3 against 1.67 each; values 100, 150 and 400 against 839 / 5
        assert re.search(r"purchases a customer +1\.67 +1\.00 +67%", table)
        assert re.search(r"value of a purchase +USD 168 +USD 150 +67%", table)
        assert "USD 420" in table

    def test_the_flows_lead_from_one_year_to_the_other(self, looked):
        # c is lost: 50 before, -11 now; a brings 150 after 200; b 300 after 300; d is new with 400
        chapter, *_, two = looked
        flows = two.flows.set_index("status")
        assert flows["revenue_change"].to_dict() == pytest.approx(
            {
                "lost": -61,
                "kept, less": -50,
                "kept, same": 0,
                "kept, more": 0,
                "came back": 0,
                "new": 400,
                "no purchase": 0,
            }
        )
        assert flows["revenue_before"].sum() == pytest.approx(550)
        assert flows["revenue_now"].sum() == pytest.approx(839)
        lenses.state_findings(
            chapter, lenses.Lenses(looked[2], two, lenses.cohorts(chapter, looked[1]), Unsaid("Too young."))
        )
        found = stated(chapter)
        # c, a third of them, had brought 50 of 550, which is more than 5% of it: to be watched, though revenue rose
        assert found["lost_and_won"].statement == (
            "Of the 3 customers who bought in the year to 31 December 2023, 1 (33%) has bought nothing since. That "
            "customer had brought USD 50.00, 9% of the revenue of that time, with a single purchase. 1 new customer "
            "brought USD 400 since, and those who stayed brought USD 50.00 less than before."
        )
        assert found["lost_and_won"].value == pytest.approx(50)
        assert (found["lost_and_won"].verdict, found["lost_and_won"].question) == ("watch", "losing")
        assert (found["what_changed"].verdict, found["what_changed"].question) == ("good", None)
        assert found["what_changed"].value == pytest.approx(289)

    def test_parts_of_the_change_add_up_to_it(self, looked):
        two = looked[3]
        assert sum(two.parts("revenue")) == pytest.approx(289)
        assert sum(two.parts("profit")) == pytest.approx(289 / 2)

    def test_a_chosen_cohort_is_followed(self, looked):
        # first bought in the third quarter of 2023: c alone, who never bought again and gave 11 back
        chapter, days, *_ = looked
        followed = lenses.cohorts(chapter, days)
        alone = lenses.one_cohort(chapter, days, followed, "2023 Q3")
        assert alone["customers"].tolist() == [1, 0, 0, 0, 0]
        assert alone["total_mean"].tolist() == pytest.approx([50, 50, 50, 50, 50])
        assert "choose one of 2023 Q1" in lenses.one_cohort(chapter, days, followed, "2022 Q1").reason

    def test_the_cohorts_add_up_to_the_ledger(self, looked):
        chapter, days, one, _ = looked
        bases = lenses.by_cohort(one, days, lenses.cohorts(chapter, days))
        assert bases["revenue"].sum() == pytest.approx(chapter.ledger["amount"].sum())
        assert bases["revenue_latest"].sum() == pytest.approx(839)
        assert bases["customers"].sum() == 4


def lost_and_won(chapter: Chapter) -> Finding:
    days = lenses.customer_days(chapter)
    seen = lenses.Lenses(
        Unsaid("Not asked."), lenses.two_periods(chapter, days), lenses.cohorts(chapter, days), Unsaid("Not asked.")
    )
    lenses.state_findings(chapter, seen)
    return stated(chapter)["lost_and_won"]


class TestWhoIsLost:
    """What a manager hears of it: each base has two years, the first 2023."""

    def test_that_most_bought_only_once_is_said(self, opened):
        # a to d bought in 2023, for 400; a, b and c, with 300 of it, never again; b had bought twice
        rows = "a,2023-01-01,sale,100\nb,2023-01-02,sale,50\nb,2023-03-02,sale,50\nc,2023-05-02,sale,100\n"
        found = lost_and_won(opened(f"{rows}d,2023-06-01,sale,100\nd,2024-12-30,sale,900"))
        assert found.statement == (
            "Of the 4 customers who bought in the year to 31 December 2023, 3 (75%) have bought nothing since. They "
            "had brought USD 300, 75% of the revenue of that time; 2 of them only ever bought once. Nobody new has "
            "come, and those who stayed brought USD 800 more than before."
        )
        assert (found.value, found.verdict) == (300, "act")

    def test_nobody_is(self, opened):
        rows = "a,2023-01-01,sale,100\nb,2023-01-02,sale,50\na,2024-03-01,sale,100\nb,2024-12-30,sale,40"
        found = lost_and_won(opened(rows))
        assert found.statement == (
            "Each of the 2 customers who bought in the year to 31 December 2023 has bought again since. Nobody new has "
            "come, and those who stayed brought USD 10.00 less than before."
        )
        assert (found.value, found.verdict) == (0, "note")

    @pytest.mark.parametrize("brings", [0, 95, 800])
    def test_what_others_bring_instead_is_no_merit(self, opened, brings):
        # x took 30 of 100 away, whatever the others bring
        rows = "x,2023-01-01,sale,30\ny,2023-01-01,sale,70\ny,2024-12-30,sale,70"
        rows += f"\nz,2024-12-30,sale,{brings}" * bool(brings)
        assert lost_and_won(opened(rows)).verdict == "act"


class TestOneSizeOfTheBase:
    #: b's only purchase was returned, with 2 more than it had cost; a and c have 3 purchases for 60.
    ROWS = (
        "a,2024-01-01,sale,10,1\na,2024-02-01,sale,20,2\nb,2024-01-05,sale,5,3\nb,2024-03-01,return,-7,3\n"
        "c,2024-06-01,sale,30,4"
    )

    def test_means_are_those_of_who_bought(self, opened):
        chapter = opened(self.ROWS, header=f"{HEADER},order")
        shown = words([portrait.at_a_glance(chapter, portrait.everybody(chapter, lenses.customer_days(chapter)))])
        facts = dict(re.split(r"  +", line.strip()) for line in shown.splitlines()[3:])
        assert facts == {
            "customers": "2",
            "purchases (days with a purchase)": "3",
            "revenue after returns": "USD 58.00",
            "besides: customers whose every purchase was undone": "1",
            "what these add to the revenue": "USD -2.00",
            "purchases a customer, mean": "1.50",
            "purchases a customer, median": "1.50",
            "customers below the mean of purchases": "50%",
            "revenue a customer, mean": "USD 30.00",
            "revenue a customer, median": "USD 30.00",
            "customers below the mean of revenue": "0%",
        }

    def test_who_has_no_purchase_left_is_named_apart(self, opened):
        chapter = opened(self.ROWS, header=f"{HEADER},order")
        portrait.state_size(chapter, portrait.everybody(chapter, lenses.customer_days(chapter)))
        assert stated(chapter)["base_size"].statement == (
            "2 customers bought 3 times between 1 January 2024 and 1 June 2024, for USD 58.00 after returns. Of 1 more "
            "customer every purchase was undone by returns."
        )
        assert stated(chapter)["base_size"].value == 2


class TestRepeatBusiness:
    def test_a_year_is_365_days(self, opened):
        # to 30 June 2024 the year began on 2 July 2023: what was sold a day before isn't of it
        rows = "a,2023-07-01,sale,1000\na,2023-07-02,sale,30\nb,2023-07-02,sale,50\nb,2024-06-30,sale,20"
        lately = portrait.repeat_business(opened(f"z,2022-01-01,sale,1\n{rows}"))
        assert (lately.period.first, lately.period.last) == (dt.date(2023, 7, 2), dt.date(2024, 6, 30))
        assert (lately.new, lately.repeat, lately.share) == (50, 50, 0.5)

    def test_a_year_without_purchases_has_no_share(self, opened):
        lately = portrait.repeat_business(opened("a,2022-01-01,sale,10", as_of="2024-06-30"))
        assert (lately.new, lately.repeat) == (0, 0)
        assert np.isnan(lately.share)


class TestFewCustomers:
    def of(self, opened, how_many):
        rows = "\n".join(f"c{place:02d},2024-05-{1 + place:02d},sale,{10 + place}" for place in range(how_many))
        chapter = opened(rows)
        one = lenses.one_period(chapter, lenses.customer_days(chapter))
        return chapter, one, lenses.concentration(one)

    def test_tops_of_less_than_one_customer_are_left_out(self, opened):
        # of 17: a tenth is 1.7 customers, a fifth 3.4, half 8.5; a twentieth isn't one
        table = words([lenses.concentration_table(*self.of(opened, 17))])
        assert re.findall(r"^ *(\d+%) +([\d.]+)", table, re.MULTILINE) == [
            ("10%", "1.70"),
            ("20%", "3.40"),
            ("50%", "8.50"),
        ]

    @pytest.mark.parametrize(
        ("how_many", "verdict", "title"), [(9, "unknown", "best half"), (10, "note", "best tenth")]
    )
    def test_the_best_tenth_is_told_from_ten_up(self, opened, how_many, verdict, title):
        chapter, one, curve = self.of(opened, how_many)
        lenses.state_findings(
            chapter,
            lenses.Lenses(one, Unsaid("No."), lenses.cohorts(chapter, lenses.customer_days(chapter)), Unsaid("No.")),
        )
        assert stated(chapter)["top_tenth"].verdict == verdict
        assert title in portrait_figures.lorenz_curve(curve, one).alt
        assert (lenses.decile_spread_table(chapter, one) is None) == (how_many < 10)


def test_the_halves_of_a_short_ledger_hold_its_first_purchase(opened):
    # 1 January to 1 March 2024 are 61 days: the earlier half begins a day before them
    chapter = opened("a,2024-01-01,sale,10\na,2024-02-01,sale,20\na,2024-03-01,sale,30")
    two = lenses.two_periods(chapter, lenses.customer_days(chapter))
    assert two.before == (dt.date(2023, 12, 31), dt.date(2024, 1, 30))
    assert two.flows[["revenue_before", "revenue_now"]].sum().to_list() == [10, 50]


def test_means_of_two_periods_stand_beside_their_medians(opened):
    chapter = opened(TWO_YEARS, as_of="2024-12-30", margin=0.5)
    two = lenses.two_periods(chapter, lenses.customer_days(chapter))
    table = words([lenses.change_table(chapter, two)])
    # before: a 200, b 300, c 50; now: a 150, b 300, d 400
    assert re.search(r"revenue a customer +USD 183 +USD 200 +33% +USD 283 +USD 300 +33%", table)


def test_profit_by_cohort_is_shown_where_costs_are_recorded(opened):
    rows = "\n".join(
        f"c{month:02d}{place},2024-{month:02d}-05,{10 * place},{4 * place}"
        for month in range(1, 9)
        for place in (1, 2, 6)
    )
    table = {}
    for header in ("customer,date,amount,cost", "customer,date,amount,quantity"):
        chapter = opened(rows, header=header, margin=0.3)
        days = lenses.customer_days(chapter)
        table[header] = lenses.equal_age_profit_table(
            chapter, lenses.equal_age(chapter, days, lenses.cohorts(chapter, days))
        )
    with_costs, without = table.values()
    # each month three customers leave 6, 12 and 36: mean 18, median 12, two of three below
    assert re.search(r"2024-01 +3 +18\.0 +12\.0 +67% +60%", words([with_costs]))
    assert without is None


def test_cost_to_serve_comes_off_the_profit(opened):
    # 5 days with a sale at 10 each: 419.5 - 50
    chapter = opened(TWO_YEARS, as_of="2024-12-30", margin=0.5, order_cost=10.0)
    days = lenses.customer_days(chapter)
    assert lenses.one_period(chapter, days).split.profit == pytest.approx(369.5)


def test_lookback_days_is_the_length_of_a_period(opened):
    chapter = opened(TWO_YEARS, as_of="2024-12-30", lookback_days=100)
    two = lenses.two_periods(chapter, lenses.customer_days(chapter))
    assert (two.before.days, two.now.days) == (100, 100)


def test_without_costs_or_margin_profit_is_not_recorded(opened):
    shown = read_through(opened(TWO_YEARS, as_of="2024-12-30"))
    told = words(shown)
    assert "profit   not recorded" in told
    assert "change of profit" not in told
    assert "nan" not in told.lower()


def test_a_ledger_that_begins_with_old_customers_follows_another_cohort(opened):
    rows = [("old", month, 60) for month in range(1, 13)] + [("new", month, 10) for month in range(2, 13)]
    lines = [
        f"{kind}{month if kind == 'new' else ''}{place},2024-{month:02d}-{1 + place % 28:02d},sale,{5 + place}"
        for kind, month, number in rows
        for place in range(number)
    ]
    chapter = opened("\n".join(lines))
    days = lenses.customer_days(chapter)
    alone = lenses.one_cohort(chapter, days, lenses.cohorts(chapter, days))
    assert alone["cohort"].iloc[0].month == 2
    assert alone["size"].iloc[0] == 10


SMALL = {
    "one customer": "only,2024-01-01,sale,10",
    "one customer, again and again": "\n".join(f"only,2024-{month:02d}-03,sale,10" for month in range(1, 13)),
    "one month": "\n".join(f"c{place},2024-05-{1 + place % 31:02d},sale,{place + 1}" for place in range(40)),
    "everything returned": "a,2024-01-01,sale,10\na,2024-02-01,return,-10\nb,2024-01-05,sale,5\nb,2024-03-01,return,-9",
    "silent for years": "a,2018-01-01,sale,10\nb,2018-02-01,sale,20\nb,2018-03-01,sale,20\na,2024-01-01,return,-3",
}


@pytest.mark.parametrize("rows", SMALL.values(), ids=SMALL.keys())
def test_a_base_that_says_little_is_told_so_in_sentences(opened, rows):
    shown = read_through(opened(rows))
    assert isinstance(shown[-1], Findings)
    for picture in (each for each in shown if isinstance(each, Picture)):
        picture.figure.set_dpi(40)
        assert picture.png().startswith(b"\x89PNG")
        assert "nan" not in picture.alt
    for word in ("nan", "NaT", "None", "inf "):
        assert word not in words(shown)


def test_customers_below_zero_stand_beside_the_logarithmic_axis(opened):
    random = np.random.default_rng(5)
    rows = "\n".join(
        f"c{place},2024-{1 + place % 12:02d}-07,{amount:.2f},{amount * share:.2f}"
        for place, (amount, share) in enumerate(
            zip(random.lognormal(4, 1, 120), random.uniform(0.5, 1.3, 120), strict=True)
        )
    )
    chapter = opened(rows, header="customer,date,amount,cost")
    one = lenses.one_period(chapter, lenses.customer_days(chapter))
    assert (one.profit < 0).any()
    picture = figures.differences(one, "USD")
    below = [text.get_text() for ax in picture.figure.axes for text in ax.texts]
    assert below == ["0 or less"]


def test_days_with_nothing_but_a_return_are_no_purchases(opened):
    chapter = opened(TWO_YEARS, as_of="2024-12-30")
    days = lenses.customer_days(chapter)
    assert days.filter(pl.col("purchase") == 0)["customer"].to_list() == ["c", "c"]
    assert days["revenue"].sum() == pytest.approx(chapter.ledger["amount"].sum())
