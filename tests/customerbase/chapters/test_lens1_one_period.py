"""Lens 1 of `02_portrait` on bases whose truth is known."""

from __future__ import annotations

import re

import numpy as np
import pytest

from customerbase.chapters.portrait import lens1_one_period, lenses
from customerbase.figures.portrait import lens1_one_period as figures
from customerbase.figures.portrait import portrait as portrait_figures
from tests.portrait_base import TWO_YEARS, stated, words


def test_the_period_is_a_product(portrait_of):
    # bought: a, b, d; purchases 1 + 3 + 1 = 5; revenue 150 + 300 + 400 - 10 - 1 = 839
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30", margin=0.5)
    one = lens1_one_period.one_period(chapter, lenses.customer_days(chapter))
    assert one.split == pytest.approx((3, 5 / 3, 839 / 5, 0.5))
    table = words([lens1_one_period.split_table(chapter, one)])
    assert "USD 839" in table
    # purchases 1, 1, 3 against 1.67 each; values 100, 150 and 400 against 839 / 5
    assert re.search(r"purchases a customer +1\.67 +1\.00 +67%", table)
    assert re.search(r"value of a purchase +USD 168 +USD 150 +67%", table)
    assert "USD 420" in table


class TestFewCustomers:
    def of(self, portrait_of, how_many):
        rows = "\n".join(f"c{place:02d},2024-05-{1 + place:02d},sale,{10 + place}" for place in range(how_many))
        chapter = portrait_of(rows)
        one = lens1_one_period.one_period(chapter, lenses.customer_days(chapter))
        return chapter, one, lens1_one_period.concentration(one)

    def test_tops_of_less_than_one_customer_are_left_out(self, portrait_of):
        # of 17: a tenth is 1.7 customers, a fifth 3.4, half 8.5; a twentieth isn't one
        table = words([lens1_one_period.concentration_table(*self.of(portrait_of, 17))])
        assert re.findall(r"^ *(\d+%) +([\d.]+)", table, re.MULTILINE) == [
            ("10%", "1.70"),
            ("20%", "3.40"),
            ("50%", "8.50"),
        ]

    @pytest.mark.parametrize(
        ("how_many", "verdict", "title"), [(9, "unknown", "best half"), (10, "note", "best tenth")]
    )
    def test_the_best_tenth_is_told_from_ten_up(self, portrait_of, how_many, verdict, title):
        chapter, one, curve = self.of(portrait_of, how_many)
        lens1_one_period.state_findings(chapter, one)
        assert stated(chapter)["top_tenth"].verdict == verdict
        assert title in portrait_figures.lorenz_curve(curve, one).alt
        assert (lens1_one_period.decile_spread_table(chapter, one) is None) == (how_many < 10)


def test_cost_to_serve_comes_off_the_profit(portrait_of):
    # 5 days with a sale at 10 each: 419.5 - 50
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30", margin=0.5, order_cost=10.0)
    days = lenses.customer_days(chapter)
    assert lens1_one_period.one_period(chapter, days).split.profit == pytest.approx(369.5)


def test_customers_below_zero_stand_beside_the_logarithmic_axis(portrait_of):
    random = np.random.default_rng(5)
    rows = "\n".join(
        f"c{place},2024-{1 + place % 12:02d}-07,{amount:.2f},{amount * share:.2f}"
        for place, (amount, share) in enumerate(
            zip(random.lognormal(4, 1, 120), random.uniform(0.5, 1.3, 120), strict=True)
        )
    )
    chapter = portrait_of(rows, header="customer,date,amount,cost")
    one = lens1_one_period.one_period(chapter, lenses.customer_days(chapter))
    assert (one.profit < 0).any()
    picture = figures.differences(one, "USD")
    below = [text.get_text() for ax in picture.figure.axes for text in ax.texts]
    assert below == ["0 or less"]
