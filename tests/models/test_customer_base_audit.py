"""What every lens starts from, on a base worked out by hand; and sums of all lenses that must agree on any ledger."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import customer_base_audit as audit
from models.cohorts import cohort_activity, outside_cohorts
from models.lens1_one_period import deciles
from models.lens2_two_periods import compare_periods, flows
from models.lens5_whole_base import base_by_cohort
from models.periods import two_periods
from models.profit_factors import split
from tests.models.audited_base import LINES, YEAR_2024, frame


class TestDays:
    def test_are_one_row_a_customer_and_day(self, audited_days):
        first_of_s = audited_days.filter(customer="s").row(0, named=True)
        assert first_of_s == {
            "customer": "s",
            "date": dt.date(2023, 1, 10),
            "purchase": 1,
            "revenue": 100.0,
            "profit": 50.0,
            "first_day": dt.date(2023, 1, 10),
        }
        assert audited_days.height == len(LINES) - 1

    def test_a_purchase_that_was_undone_is_none(self, audited_days):
        undone = audited_days.filter(pl.col("customer").is_in(["u", "w"]), pl.col("date") < dt.date(2024, 1, 1))
        assert undone["purchase"].to_list() == [0, 0, 0, 0]
        assert undone.filter(customer="u")["first_day"].null_count() == 2
        assert undone.filter(customer="w")["first_day"].unique().to_list() == [dt.date(2024, 8, 7)]

    def test_an_unknown_profit_makes_the_sum_unknown(self):
        lines = frame([("a", "2024-01-01", 10.0), ("a", "2024-01-01", 5.0), ("b", "2024-01-01", 1.0)])
        lines = lines.with_columns(profit=pl.when(pl.col("amount") == 5).then(None).otherwise("profit"))
        assert audit.customer_days(lines, lines)["profit"].to_list() == [None, 0.5]


class TestPeriodOfCustomers:
    def test_customers_of_a_period(self, audited_years):
        # v: 70 + 30 - 20 on two days of purchase
        assert audited_years[1].rows() == [
            ("s", 1, 300.0, 150.0),
            ("v", 2, 80.0, 40.0),
            ("w", 1, 500.0, 250.0),
            ("x", 1, 75.0, 37.5),
        ]
        assert audited_years[0]["purchases"].to_list() == [1, 2, 0, 0]

    def test_the_mean_stands_beside_the_median(self, audited_years):
        # purchases 1, 1, 1, 2; values of one 40, 75, 300, 500; revenue 75, 80, 300, 500, whose half is profit
        described = audit.describe(audited_years[1])
        assert described["measure"].tolist() == ["purchases", "value", "revenue", "profit"]
        assert described["mean"].tolist() == pytest.approx([1.25, 228.75, 238.75, 119.375])
        assert described["median"].tolist() == pytest.approx([1, 187.5, 190, 95])
        assert described["below_mean"].tolist() == pytest.approx([0.75, 0.5, 0.5, 0.5])

    def test_cost_to_serve_comes_off_the_profit_of_whoever_it_was_spent_on(self, audited_days):
        served = pl.DataFrame({"customer": ["s", "z"], "cost_to_serve": [20.0, 5.0]})
        customers = audit.customers_of_period(audited_days, YEAR_2024, served)
        assert customers.filter(customer="s")["profit"].item() == 130
        assert customers.filter(customer="z").row(0) == ("z", 0, 0.0, -5.0)
        assert customers["profit"].sum() == pytest.approx(477.5 - 25)


amounts = st.integers(-5000, 20_000).map(lambda cents: cents / 100)
ledgers = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 800), amounts, st.booleans()), min_size=1, max_size=60
).filter(lambda rows: any(stood for *_, stood in rows))


@settings(max_examples=25, deadline=None)
@given(ledgers)
def test_every_lens_adds_up_to_the_same_ledger(rows):
    start = dt.date(2022, 11, 5)
    lines = frame([(who, str(start + dt.timedelta(days=day)), amount) for who, day, amount, _ in rows])
    days = audit.customer_days(lines, lines.filter([stood for *_, stood in rows]))
    as_of, total = start + dt.timedelta(days=800), lines["amount"].sum()
    assert days["revenue"].sum() == pytest.approx(total, abs=1e-6)

    before, now = two_periods(start, as_of)
    then, today = (audit.customers_of_period(days, period) for period in (before, now))
    change = flows(compare_periods(then, today, pl.Series(["a", "b"])))
    for customers, when in ((then, "before"), (today, "now")):
        assert change[f"revenue_{when}"].sum() == pytest.approx(customers["revenue"].sum(), abs=1e-6)
        assert change[f"profit_{when}"].sum() == pytest.approx(customers["profit"].sum(), abs=1e-6)
    met = set(then["customer"]) | set(today["customer"])
    assert change["customers"].sum() == len(met)
    bought = audit.buyers(today).height
    if bought:
        groups = deciles(today, groups=min(bought, 10))
        assert groups["revenue"].sum() == pytest.approx(today["revenue"].sum(), abs=1e-6)
        sizes = groups.loc[groups["decile"] > 0, "customers"]
        assert sizes.max() - sizes.min() in (0, 1)
        assert split(today).revenue == pytest.approx(today["revenue"].sum(), abs=1e-6)

    for unit in ("month", "quarter", "year"):
        activity, outside = cohort_activity(days, as_of, unit), outside_cohorts(days, unit)
        assert activity["revenue"].sum() + outside["revenue"].sum() == pytest.approx(total, abs=1e-6)
        assert activity["purchases"].sum() == days["purchase"].sum()
        won = days.filter(pl.col("first_day").is_not_null())["customer"].n_unique()
        assert activity.groupby("cohort")["size"].first().sum() == won
        base = base_by_cohort(days, now, unit)
        assert base["revenue"].sum() == pytest.approx(total, abs=1e-6)
        assert base["revenue_latest"].sum() == pytest.approx(today["revenue"].sum(), abs=1e-6)
