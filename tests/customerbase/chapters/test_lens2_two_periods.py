"""Lens 2 of `02_portrait` on bases whose truth is known."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.left_cut import left_cut
from customerbase.chapters.portrait import lens2_two_periods, lenses
from customerbase.findings import Finding
from models.simulation import CDNOW, simulate_ledger
from tests.portrait_base import TWO_YEARS, stated, words
from tests.simulated_base import simulated_purchases


@pytest.fixture
def looked(portrait_of):
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30", margin=0.5)
    return chapter, lens2_two_periods.two_periods(chapter, lenses.customer_days(chapter))


def test_a_week_missing_from_two_years_still_makes_them_two_years(looked):
    # 31 December 2022 to 30 December 2024 would be 731 days: the ledger's first is 1 January 2023
    *_, two = looked
    assert two.before == (dt.date(2023, 1, 1), dt.date(2023, 12, 31))
    assert two.now == (dt.date(2024, 1, 1), dt.date(2024, 12, 30))


def test_the_flows_lead_from_one_year_to_the_other(looked):
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
    lens2_two_periods.state_findings(chapter, two)
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
    assert found["what_changed"].statement.startswith(
        "Revenue in the year to 30 December 2024 was 53% higher than in the year before. Of the change of USD +289 "
    )


def test_parts_of_the_change_add_up_to_it(looked):
    _, two = looked
    assert sum(two.parts("revenue")) == pytest.approx(289)
    assert sum(two.parts("profit")) == pytest.approx(289 / 2)


def lost_and_won(chapter: Chapter) -> Finding:
    two = lens2_two_periods.two_periods(chapter, lenses.customer_days(chapter))
    lens2_two_periods.state_findings(chapter, two)
    return stated(chapter)["lost_and_won"]


class TestWhoIsLost:
    """What a manager hears of it: each base has two years, the first 2023."""

    def test_that_most_bought_only_once_is_said(self, portrait_of):
        # a to d bought in 2023, for 400; a, b and c, with 300 of it, never again; b had bought twice
        rows = "a,2023-01-01,sale,100\nb,2023-01-02,sale,50\nb,2023-03-02,sale,50\nc,2023-05-02,sale,100\n"
        found = lost_and_won(portrait_of(f"{rows}d,2023-06-01,sale,100\nd,2024-12-30,sale,900"))
        assert found.statement == (
            "Of the 4 customers who bought in the year to 31 December 2023, 3 (75%) have bought nothing since. They "
            "had brought USD 300, 75% of the revenue of that time; 2 of them only ever bought once. Nobody new has "
            "come, and those who stayed brought USD 800 more than before."
        )
        assert (found.value, found.verdict) == (300, "act")

    def test_nobody_is(self, portrait_of):
        rows = "a,2023-01-01,sale,100\nb,2023-01-02,sale,50\na,2024-03-01,sale,100\nb,2024-12-30,sale,40"
        found = lost_and_won(portrait_of(rows))
        assert found.statement == (
            "Each of the 2 customers who bought in the year to 31 December 2023 has bought again since. Nobody new has "
            "come, and those who stayed brought USD 10.00 less than before."
        )
        assert (found.value, found.verdict) == (0, "note")

    @pytest.mark.parametrize("brings", [0, 95, 800])
    def test_what_others_bring_instead_is_no_merit(self, portrait_of, brings):
        # x took 30 of 100 away, whatever the others bring
        rows = "x,2023-01-01,sale,30\ny,2023-01-01,sale,70\ny,2024-12-30,sale,70"
        rows += f"\nz,2024-12-30,sale,{brings}" * bool(brings)
        assert lost_and_won(portrait_of(rows)).verdict == "act"


def test_the_halves_of_a_short_ledger_hold_its_first_purchase(portrait_of):
    # 1 January to 1 March 2024 are 61 days: the earlier half begins a day before them
    chapter = portrait_of("a,2024-01-01,sale,10\na,2024-02-01,sale,20\na,2024-03-01,sale,30")
    two = lens2_two_periods.two_periods(chapter, lenses.customer_days(chapter))
    assert two.before == (dt.date(2023, 12, 31), dt.date(2024, 1, 30))
    assert two.flows[["revenue_before", "revenue_now"]].sum().to_list() == [10, 50]
    lens2_two_periods.state_findings(chapter, two)
    assert stated(chapter)["what_changed"].statement.startswith(
        "Revenue from 31 January 2024 to 1 March 2024 was 400% higher than in the 31 days before (the season "
    )


def test_means_of_two_periods_stand_beside_their_medians(portrait_of):
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30", margin=0.5)
    two = lens2_two_periods.two_periods(chapter, lenses.customer_days(chapter))
    table = words([lens2_two_periods.change_table(chapter, two)])
    # before: a 200, b 300, c 50; now: a 150, b 300, d 400
    assert re.search(r"revenue a customer +USD 183 +USD 200 +33% +USD 283 +USD 300 +33%", table)


def test_lookback_days_is_the_length_of_a_period(portrait_of):
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30", lookback_days=100)
    two = lens2_two_periods.two_periods(chapter, lenses.customer_days(chapter))
    assert (two.before.days, two.now.days) == (100, 100)


def test_a_ledger_that_follows_one_cohort_alone_is_not_blamed_for_shrinking(portrait_of):
    bought = simulated_purchases(400, dt.date(2022, 1, 3), dt.date(2023, 12, 31), acquisition_days=90, seed=3)
    chapter = portrait_of(bought, header="customer,date,amount")
    two: Any = lens2_two_periods.two_periods(chapter, lenses.customer_days(chapter))
    lens2_two_periods.state_findings(chapter, two)
    found = stated(chapter)
    assert two.flows["revenue_change"].sum() < 0
    assert "Nobody won since is in the ledger, and those who stayed brought" in found["lost_and_won"].statement
    assert found["what_changed"].statement.startswith(
        "Revenue in the year to 31 December 2023 was 68% lower than in the year before (nobody won since is in the "
        "ledger)."
    )
    assert {found[name].verdict for name in ("lost_and_won", "what_changed")} == {"note"}


class TestWords:
    def test_the_earlier_half_is_said_to_begin_with_the_ledger(self, portrait_of):
        # 181 days: the earlier half begins on 31 December, a day before the ledger; a brings 1 of 1,001
        rows = "a,2024-01-01,sale,1\nb,2024-02-01,sale,1000\nb,2024-06-29,sale,900"
        found = lost_and_won(portrait_of(rows, as_of="2024-06-29"))
        assert found.statement.startswith(
            "Of the 2 customers who bought from 1 January 2024 to 30 March 2024, 1 (50%) has bought nothing since. "
            "That customer had brought USD 1.00, under 1% of the revenue of that time, with a single purchase."
        )

    def test_where_the_ledger_begins_amid_its_customers_lives_nobody_is_called_new(self, portrait_of):
        often, spend = {"r": 1.0, "alpha": 1.5, "a": 0.5, "b": 8.0}, CDNOW["gamma_gamma"]
        start, end = dt.date(2018, 1, 1), dt.date(2021, 12, 31)
        bought = simulate_ledger("bgnbd", often, spend, 1500, start=start, acquisition_days=1461, end=end, seed=1)
        chapter = portrait_of(bought.filter(pl.col("date") >= dt.date(2020, 1, 1)), header="customer,date,amount")
        assert left_cut(chapter).cut
        statement = lost_and_won(chapter).statement
        assert "customers not seen before brought" in statement
        assert "only ever bought once" not in statement
