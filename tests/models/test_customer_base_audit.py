"""The five lenses: a base worked out by hand, and sums that must agree on any ledger."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import customer_base_audit as audit
from models.customer_base_audit import Period

#: Half of every amount is profit. `s` and `t` share a first day; u's only purchase was given back, w's first one.
#:
#:                2023                                     2024
#:     s   10 Jan: 60 + 40 (one purchase)           5 Mar: 300
#:     t   10 Jan: 50, 3 Feb: 150                   nothing
#:     u   4 May: 80, 6 May: -80                    nothing
#:     v   nothing                                  1 Apr: 70, 2 Apr: 30, 9 Apr: -20
#:     w   1 Jun: 10, 3 Jun: -10                    7 Aug: 500
#:     x   (2022: 1 Dec: 25)                        8 Aug: 75
LINES = [
    ("x", "2022-12-01", 25.0),
    ("s", "2023-01-10", 60.0),
    ("s", "2023-01-10", 40.0),
    ("t", "2023-01-10", 50.0),
    ("t", "2023-02-03", 150.0),
    ("u", "2023-05-04", 80.0),
    ("u", "2023-05-06", -80.0),
    ("w", "2023-06-01", 10.0),
    ("w", "2023-06-03", -10.0),
    ("s", "2024-03-05", 300.0),
    ("v", "2024-04-01", 70.0),
    ("v", "2024-04-02", 30.0),
    ("v", "2024-04-09", -20.0),
    ("w", "2024-08-07", 500.0),
    ("x", "2024-08-08", 75.0),
]
RETURNED_IN_FULL = {("u", "2023-05-04"), ("w", "2023-06-01")}
YEAR_2023 = Period(dt.date(2023, 1, 1), dt.date(2023, 12, 31))
YEAR_2024 = Period(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
END = dt.date(2024, 12, 31)


def frame(rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    lines = pl.DataFrame(rows, schema=["customer", "date", "amount"], orient="row")
    return lines.with_columns(pl.col("date").str.to_date(), profit=pl.col("amount") / 2)


@pytest.fixture(scope="module")
def days():
    bought = [row for row in LINES if row[2] > 0 and row[:2] not in RETURNED_IN_FULL]
    return audit.customer_days(frame(LINES), frame(bought))


@pytest.fixture(scope="module")
def both(days):
    return audit.customers_of_period(days, YEAR_2023), audit.customers_of_period(days, YEAR_2024)


class TestDays:
    def test_are_one_row_a_customer_and_day(self, days):
        first_of_s = days.filter(customer="s").row(0, named=True)
        assert first_of_s == {
            "customer": "s",
            "date": dt.date(2023, 1, 10),
            "purchase": 1,
            "revenue": 100.0,
            "profit": 50.0,
            "first_day": dt.date(2023, 1, 10),
        }
        assert days.height == len(LINES) - 1

    def test_a_purchase_that_was_undone_is_none(self, days):
        undone = days.filter(pl.col("customer").is_in(["u", "w"]), pl.col("date") < dt.date(2024, 1, 1))
        assert undone["purchase"].to_list() == [0, 0, 0, 0]
        assert undone.filter(customer="u")["first_day"].null_count() == 2
        assert undone.filter(customer="w")["first_day"].unique().to_list() == [dt.date(2024, 8, 7)]

    def test_an_unknown_profit_makes_the_sum_unknown(self):
        lines = frame([("a", "2024-01-01", 10.0), ("a", "2024-01-01", 5.0), ("b", "2024-01-01", 1.0)])
        lines = lines.with_columns(profit=pl.when(pl.col("amount") == 5).then(None).otherwise("profit"))
        assert audit.customer_days(lines, lines)["profit"].to_list() == [None, 0.5]


class TestPeriods:
    def test_the_latest_is_a_year(self):
        assert audit.latest_period(dt.date(2020, 1, 1), END) == (dt.date(2024, 1, 2), END)

    def test_or_the_whole_of_a_shorter_ledger(self):
        assert audit.latest_period(dt.date(2024, 5, 1), END) == (dt.date(2024, 5, 1), END)

    @pytest.mark.parametrize(("first", "length"), [("2023-01-09", 365), ("2023-01-10", 361)])
    def test_a_week_may_be_missing_from_two_years(self, first, length):
        # two years before 31 December 2024 begin on 2 January 2023: a week later is 9 January;
        # from 10 January there are 722 days, halved 361
        before, now = audit.two_periods(dt.date.fromisoformat(first), END)
        assert (before.days, now.days) == (length, length)
        assert before.last + dt.timedelta(days=1) == now.first
        assert now.last == END

    def test_the_halves_of_an_odd_number_of_days_hold_the_first_purchase(self):
        # 31 days: the earlier half begins a day before the first purchase, so that both have 16
        before, now = audit.two_periods(dt.date(2024, 12, 1), END)
        assert before == (dt.date(2024, 11, 30), dt.date(2024, 12, 15))
        assert now == (dt.date(2024, 12, 16), END)

    def test_the_halves_of_an_even_number_of_days_are_the_ledger(self):
        before, now = audit.two_periods(dt.date(2024, 12, 2), END)
        assert before == (dt.date(2024, 12, 2), dt.date(2024, 12, 16))
        assert now == (dt.date(2024, 12, 17), END)

    def test_one_day_has_no_halves(self):
        with pytest.raises(ValueError, match="Two periods need two days; 1 were observed"):
            audit.two_periods(END, END)

    @pytest.mark.parametrize(
        ("first", "unit"), [("2023-07-01", "month"), ("2023-06-30", "quarter"), ("2018-12-31", "year")]
    )
    def test_cohorts_are_as_long_as_fits_the_ledger(self, first, unit):
        assert audit.cohort_unit(dt.date.fromisoformat(first), END) == unit


class TestLens1:
    def test_customers_of_a_period(self, both):
        # v: 70 + 30 - 20 on two days of purchase
        assert both[1].rows() == [
            ("s", 1, 300.0, 150.0),
            ("v", 2, 80.0, 40.0),
            ("w", 1, 500.0, 250.0),
            ("x", 1, 75.0, 37.5),
        ]
        assert both[0]["purchases"].to_list() == [1, 2, 0, 0]

    def test_the_mean_stands_beside_the_median(self, both):
        # purchases 1, 1, 1, 2; values of one 40, 75, 300, 500; revenue 75, 80, 300, 500, whose half is profit
        described = audit.describe(both[1])
        assert described["measure"].tolist() == ["purchases", "value", "revenue", "profit"]
        assert described["mean"].tolist() == pytest.approx([1.25, 228.75, 238.75, 119.375])
        assert described["median"].tolist() == pytest.approx([1, 187.5, 190, 95])
        assert described["below_mean"].tolist() == pytest.approx([0.75, 0.5, 0.5, 0.5])

    def test_equal_values_lie_on_their_mean_and_not_below(self):
        assert audit.spread(np.full(3, 0.1))["below_mean"] == 0

    def test_the_sum_is_a_product(self, both):
        # 4 customers x 5 / 4 purchases x 955 / 5 = 955; x a half = 477.5
        split = audit.split(both[1])
        assert split == pytest.approx((4, 1.25, 191, 0.5))
        assert (split.revenue, split.profit) == pytest.approx((955, 477.5))

    def test_beside_the_factors_stands_the_customer_in_the_middle(self, both):
        # purchases 1, 1, 1, 2 against 1.25 each; values 40, 75, 300, 500 against 191 over the purchases
        typical = audit.typical_factors(both[1], audit.split(both[1]))
        assert typical["median"].to_dict() == {"purchases_each": 1, "value": 187.5}
        assert typical["below_mean"].to_dict() == {"purchases_each": 0.75, "value": 0.5}

    def test_groups_are_described_each_by_itself(self, both):
        # the first half is w and s, with a purchase of 500 and 300; the second v with two of 40, and x with one of 75
        halves = audit.decile_spread(both[1], groups=2).set_index("decile")
        assert halves["purchases_mean"].tolist() == [1, 1.5]
        assert halves["purchases_below_mean"].tolist() == [0, 0.5]
        assert halves["value_mean"].tolist() == halves["value_median"].tolist() == [400, 57.5]
        assert halves["value_below_mean"].tolist() == [0.5, 0.5]

    def test_groups_by_revenue(self, both):
        # halves: w 500 and s 300 bring 800 of 955, v 80 and x 75 the other 155
        halves = audit.deciles(both[1], groups=2)
        assert halves["decile"].tolist() == [1, 2]
        assert halves["revenue"].tolist() == [800, 155]
        assert halves["share_of_profit"].tolist() == pytest.approx([800 / 955, 155 / 955])
        assert halves["purchases_each"].tolist() == [1, 1.5]
        assert halves["value"].tolist() == pytest.approx([400, 155 / 3])

    def test_who_only_returned_stands_last_and_apart(self, days):
        # from 6 May 2023 to 31 March 2024 s bought for 300, u gave 80 back, and w's 10 came and went
        late = audit.customers_of_period(days, Period(dt.date(2023, 5, 6), dt.date(2024, 3, 31)))
        groups = audit.deciles(late, groups=1)
        assert groups["decile"].tolist() == [1, 0]
        assert groups["customers"].tolist() == [1, 2]
        assert groups["revenue"].tolist() == [300, -80]

    def test_too_few_customers_make_no_groups(self, both):
        with pytest.raises(ValueError, match="10 groups need as many customers who bought; there are 4"):
            audit.deciles(both[1])

    def test_cost_to_serve_comes_off_the_profit_of_whoever_it_was_spent_on(self, days):
        served = pl.DataFrame({"customer": ["s", "z"], "cost_to_serve": [20.0, 5.0]})
        customers = audit.customers_of_period(days, YEAR_2024, served)
        assert customers.filter(customer="s")["profit"].item() == 130
        assert customers.filter(customer="z").row(0) == ("z", 0, 0.0, -5.0)
        assert customers["profit"].sum() == pytest.approx(477.5 - 25)


class TestLens2:
    def test_what_became_of_everyone(self, days, both):
        # before: s 100, t 200, u 0 and w 0 (given back); now: s 300, v 80, w 500, x 75 (who had bought in 2022)
        earlier = days.filter(pl.col("first_day") < YEAR_2023.first)["customer"].unique()
        compared = audit.compare_periods(both[0], both[1], earlier)
        assert dict(compared.select("customer", "status").rows()) == {
            "s": "kept, more",
            "t": "lost",
            "u": "no purchase",
            "v": "new",
            "w": "new",
            "x": "came back",
        }
        flows = audit.flows(compared).set_index("status")
        assert flows["customers"].to_dict() == {
            "lost": 1,
            "kept, less": 0,
            "kept, same": 0,
            "kept, more": 1,
            "came back": 1,
            "new": 2,
            "no purchase": 1,
        }
        assert flows["revenue_change"].tolist() == [-200, 0, 0, 200, 75, 580, 0]
        assert flows["profit_change"].sum() == pytest.approx(477.5 - 150)

    def test_who_bought_only_once_ever_is_counted_among_the_lost(self, days):
        # from 1 June 2023 back: t had bought on two days, x once; s bought again
        first, second = Period(dt.date(2022, 12, 1), dt.date(2023, 6, 30)), Period(dt.date(2023, 7, 1), END)
        before, now = (audit.customers_of_period(days, period) for period in (first, second))
        compared = audit.compare_periods(before, now, pl.Series([], dtype=pl.String))
        assert audit.lost_after_one_purchase(days, compared) == 0
        early = audit.customers_of_period(days, Period(second.first, dt.date(2023, 12, 31)))
        compared = audit.compare_periods(before, early, pl.Series([], dtype=pl.String))
        # now s, t and x are lost, and in all its days s bought twice, t twice and x twice
        assert compared.filter(status="lost")["customer"].to_list() == ["s", "t", "x"]
        assert audit.lost_after_one_purchase(days, compared) == 0
        assert audit.lost_after_one_purchase(days.filter(pl.col("date") < dt.date(2024, 1, 1)), compared) == 2

    def test_amounts_equal_but_for_the_order_of_their_sums_are_the_same(self):
        before = pl.DataFrame({"customer": ["a"], "purchases": [3], "revenue": [0.1 + 0.2], "profit": [None]})
        now = before.with_columns(revenue=pl.lit(0.3))
        statuses = audit.compare_periods(before, now, pl.Series(["a"]))["status"]
        assert statuses.to_list() == ["kept, same"]

    def test_an_unknown_profit_stays_unknown(self, both):
        before, now = (customers.with_columns(profit=pl.lit(None, pl.Float64)) for customers in both)
        assert np.isnan(audit.split(now).margin)
        flows = audit.flows(audit.compare_periods(before, now, pl.Series([], dtype=pl.String)))
        assert flows.loc[flows["customers"] > 0, "profit_now"].isna().tolist() == [False, True, True, False]
        assert flows["revenue_change"].sum() == pytest.approx(655)

    def test_two_factors(self):
        # 4 x 5 = 20 becomes 6 x 3 = 18; the first adds 2 x (5 + 3) / 2 = 8, the second -2 x (4 + 6) / 2 = -10
        assert audit.split_change([4, 5], [6, 3]) == pytest.approx([8, -10])

    def test_three_factors(self):
        # each part is the factor's change times, of the two others, a third of the product before, a sixth of each
        # mixed one, and a third of the product now: from 1 x 2 x 3 to 2 x 5 x 3
        # first: 1 x (6/3 + 15/6 + 6/6 + 15/3) = 10.5; second: 3 x (3/3 + 6/6 + 3/6 + 6/3) = 13.5; third: none
        assert audit.split_change([1, 2, 3], [2, 5, 3]) == pytest.approx([10.5, 13.5, 0])


class TestCohorts:
    def test_followed_by_quarter(self, days):
        activity = audit.cohort_activity(days, dt.date(2024, 12, 30), "quarter")
        first = activity[activity["cohort"] == "2023-01-01"]
        assert first["age"].tolist() == list(range(8))
        assert first["size"].tolist() == [2] * 8
        assert first["customers"].tolist() == [2, 0, 0, 0, 1, 0, 0, 0]
        assert first["purchases"].tolist() == [3, 0, 0, 0, 1, 0, 0, 0]
        assert first["revenue"].tolist() == [300, 0, 0, 0, 300, 0, 0, 0]
        assert first["complete"].tolist() == [True] * 7 + [False]
        assert sorted(activity["cohort"].dt.strftime("%Y-%m").unique()) == ["2022-10", "2023-01", "2024-04", "2024-07"]

    def test_what_was_given_back_before_a_first_purchase_belongs_to_none(self, days):
        outside = audit.outside_cohorts(days, "month")
        assert outside["period"].dt.strftime("%Y-%m").tolist() == ["2023-05", "2023-06"]
        assert outside["revenue"].tolist() == [0, 0]

    def test_one_cohort_alone(self, days):
        # s and t: 100 and 200 in the first year, 400 and 200 in the second
        activity = audit.cohort_activity(days, END, "year")
        alone = audit.follow_cohort(days, activity, dt.date(2023, 1, 1), "year")
        assert alone["share_active"].tolist() == [1, 0.5]
        assert alone["purchases_each"].tolist() == [1.5, 1]
        assert alone["revenue_each"].tolist() == [150, 300]
        assert alone["revenue_median"].tolist() == [150, 300]
        assert alone["revenue_below_mean"].tolist() == [0.5, 0]
        assert alone["total_mean"].tolist() == [150, 300]
        assert alone["total_median"].tolist() == [150, 300]
        assert alone["total_below_mean"].tolist() == [0.5, 0.5]
        with pytest.raises(ValueError, match="No cohort of 2021-01-01 has been watched for a whole year"):
            audit.follow_cohort(days, activity, dt.date(2021, 1, 1), "year")

    def test_at_equal_age(self, days):
        # in the first 30 days: s 100; t 50 + 150, on days 1 and 25; v 70 + 30 - 20; w 500 and x's 25 and 75 (two years
        # apart). The quarter of July 2024 ends on 30 September, 30 days before 30 October.
        at_30 = audit.cohorts_at_equal_age(days, dt.date(2024, 10, 29), "quarter", 30).set_index("cohort")
        assert at_30["customers"].tolist() == [1, 2, 1, 1]
        assert at_30["share_back"].tolist() == [0, 0.5, 1, 0]
        assert at_30["revenue_mean"].tolist() == [25, 150, 80, 500]
        assert at_30["purchases_median"].tolist() == [1, 1.5, 2, 1]
        assert at_30["below_mean"].tolist() == at_30["purchases_below_mean"].tolist() == [0, 0.5, 0, 0]
        assert at_30["profit_mean"].tolist() == at_30["profit_median"].tolist() == [12.5, 75, 40, 250]
        assert at_30["profit_below_mean"].tolist() == [0, 0.5, 0, 0]
        assert at_30["margin"].tolist() == [0.5] * 4
        day_before = audit.cohorts_at_equal_age(days, dt.date(2024, 10, 28), "quarter", 30)
        assert len(day_before) == 3

    def test_the_last_day_of_an_age_counts_and_the_next_does_not(self):
        lines = frame([("a", "2024-01-01", 1.0), ("a", "2024-01-10", 2.0), ("a", "2024-01-11", 4.0)])
        table = audit.cohorts_at_equal_age(audit.customer_days(lines, lines), END, "year", 10)
        assert table.empty
        table = audit.cohorts_at_equal_age(audit.customer_days(lines, lines), dt.date(2025, 1, 9), "year", 10)
        assert table["revenue_mean"].tolist() == [3]

    def test_the_whole_base(self, days):
        base = audit.base_by_cohort(days, YEAR_2024, "year")
        assert base["cohort"].dt.year.tolist()[:3] == [2022, 2023, 2024]
        assert pd.isna(base["cohort"].iloc[3])
        assert base["customers"].tolist() == [1, 2, 2, 0]
        assert base["active"].tolist() == [1, 1, 2, 0]
        assert base["revenue"].tolist() == [100, 600, 580, 0]
        assert base["revenue_latest"].tolist() == [75, 300, 580, 0]
        assert base["profit_latest"].sum() == pytest.approx(477.5)


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

    before, now = audit.two_periods(start, as_of)
    then, today = (audit.customers_of_period(days, period) for period in (before, now))
    flows = audit.flows(audit.compare_periods(then, today, pl.Series(["a", "b"])))
    for customers, when in ((then, "before"), (today, "now")):
        assert flows[f"revenue_{when}"].sum() == pytest.approx(customers["revenue"].sum(), abs=1e-6)
        assert flows[f"profit_{when}"].sum() == pytest.approx(customers["profit"].sum(), abs=1e-6)
    met = set(then["customer"]) | set(today["customer"])
    assert flows["customers"].sum() == len(met)
    bought = audit.buyers(today).height
    if bought:
        groups = audit.deciles(today, groups=min(bought, 10))
        assert groups["revenue"].sum() == pytest.approx(today["revenue"].sum(), abs=1e-6)
        sizes = groups.loc[groups["decile"] > 0, "customers"]
        assert sizes.max() - sizes.min() in (0, 1)
        assert audit.split(today).revenue == pytest.approx(today["revenue"].sum(), abs=1e-6)

    for unit in ("month", "quarter", "year"):
        activity, outside = audit.cohort_activity(days, as_of, unit), audit.outside_cohorts(days, unit)
        assert activity["revenue"].sum() + outside["revenue"].sum() == pytest.approx(total, abs=1e-6)
        assert activity["purchases"].sum() == days["purchase"].sum()
        won = days.filter(pl.col("first_day").is_not_null())["customer"].n_unique()
        assert activity.groupby("cohort")["size"].first().sum() == won
        base = audit.base_by_cohort(days, now, unit)
        assert base["revenue"].sum() == pytest.approx(total, abs=1e-6)
        assert base["revenue_latest"].sum() == pytest.approx(today["revenue"].sum(), abs=1e-6)


factors = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=4)


@given(factors, factors)
def test_parts_add_up_to_the_change_of_the_product(before, now):
    number = min(len(before), len(now))
    before, now = before[:number], now[:number]
    parts = audit.split_change(before, now)
    size = max(np.prod(np.abs(before)), np.prod(np.abs(now)), np.prod(np.maximum(np.abs(before), np.abs(now))))
    assert sum(parts) == pytest.approx(np.prod(now) - np.prod(before), abs=1e-9 * (size + 1))
    for part, was, became in zip(parts, before, now, strict=True):
        if was == became:
            assert part == 0


@given(st.permutations(range(4)), st.lists(st.floats(0.1, 1e3), min_size=8, max_size=8))
def test_the_order_of_the_factors_changes_no_part(order, values):
    before, now = values[:4], values[4:]
    parts = audit.split_change(before, now)
    shuffled = audit.split_change([before[place] for place in order], [now[place] for place in order])
    assert shuffled == pytest.approx([parts[place] for place in order], rel=1e-9, abs=1e-6)
