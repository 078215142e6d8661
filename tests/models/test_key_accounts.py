"""Key accounts, dependency, load and silence, each worked out by hand."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.concentration import concentration_by_period
from models.exact import exact_sum
from models.key_accounts import (
    against_own_rhythm,
    dependency_level,
    key_accounts,
    largest_share_of_part,
    load_by_manager,
    revenue_a_year,
    shares_of_revenue,
    spellings,
    without_the_largest,
)

AS_OF = dt.date(2024, 12, 31)


def criteria_of(customers: pl.DataFrame, **limits: float) -> dict[str, str]:
    return dict(key_accounts(customers, **limits).select("customer", "criteria").rows())


class TestCriteria:
    def test_each_alone_makes_a_key_account(self):
        customers = pl.DataFrame(
            {
                "customer": ["company", "demanding", "department", "innovator", "manager", "nobody", "pot", "rep"],
                "share": [0.10, 0.01, 0.01, 0.01, 0.01, 0.0999, 0.01, 0.01],
                "share_of_department": [0.09, 0.01, 0.10, 0.01, 0.01, 0.0999, 0.01, None],
                "share_of_manager": [0.09, 0.01, 0.01, 0.01, 0.10, 0.0999, 0.01, None],
                "potential": [None, 999.0, 999.0, 999.0, 999.0, 999.0, 1000.0, 999.0],
                "reputation": [4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 5.0],
                "innovator": [False, False, False, True, False, False, None, False],
                "demanding": [None, 5.0, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0],
            }
        )
        assert criteria_of(customers, share=0.10, score=5, potential=1000) == {
            "company": "company revenue",
            "department": "department revenue",
            "manager": "manager revenue",
            "pot": "potential",
            "rep": "reputation",
            "innovator": "innovator",
            "demanding": "demanding",
        }

    def test_those_met_stand_in_one_order_and_accounts_by_share(self):
        customers = pl.DataFrame(
            {
                "customer": ["b", "c", "a", "d"],
                "demanding": [True, False, True, True],
                "share": [0.2, 0.6, 0.2, None],
            }
        )
        found = key_accounts(customers)
        assert found["customer"].to_list() == ["c", "a", "b", "d"]
        assert found["criteria"].to_list()[:2] == ["company revenue", "company revenue, demanding"]

    def test_a_share_of_just_the_limit_counts_however_it_was_summed(self):
        tenth = (0.1 + 0.2) / 3  # 0.10000000000000002, and its mirror just under
        customers = pl.DataFrame({"customer": ["over", "under"], "share": [tenth, 0.2 - tenth]})
        assert customers["share"][1] < 0.1
        assert set(criteria_of(customers)) == {"over", "under"}

    def test_potential_in_yes_and_no_needs_no_limit_and_money_does(self):
        answers = pl.DataFrame({"customer": ["a", "b"], "share": [0.0, 0.0], "potential": [True, False]})
        assert criteria_of(answers) == {"a": "potential"}
        money = answers.with_columns(potential=pl.Series([1e9, 0.0]))
        assert criteria_of(money) == {}
        assert criteria_of(money, potential=1e9) == {"a": "potential"}

    def test_negative_revenue_is_no_share(self):
        customers = shares_of_revenue(pl.DataFrame({"customer": ["a", "b", "c"], "revenue": [-50.0, 100.0, 50.0]}))
        assert customers["share"].to_list() == [-0.5, 1.0, 0.5]
        assert set(criteria_of(customers)) == {"b", "c"}

    @pytest.mark.parametrize("revenue", [[0.0, 0.0], [-5.0, 5.0], [-5.0, 1.0]])
    def test_without_revenue_there_is_no_share_to_judge(self, revenue):
        customers = shares_of_revenue(pl.DataFrame({"customer": ["a", "b"], "revenue": revenue}))
        assert customers["share"].to_list() == [None, None]
        assert key_accounts(customers).is_empty()

    def test_one_customer_is_everything(self):
        assert criteria_of(shares_of_revenue(pl.DataFrame({"customer": ["a"], "revenue": [3.0]}))) == {
            "a": "company revenue"
        }


class TestParts:
    def test_a_customer_of_several_managers_has_a_share_with_each_of_which_the_largest_counts(self):
        lines = pl.DataFrame(
            {
                "customer": ["a", "a", "a", "b", "b", "c"],
                "manager": ["Ann", "Bob", "Bob", "Ann", "Bob", None],
                "amount": [10.0, 40.0, -10.0, 90.0, 20.0, 99.0],
            }
        )
        # Ann 100: a 10%, b 90%; Bob 50: a 60%, b 40%
        assert largest_share_of_part(lines, "manager").sort("customer").rows() == [("a", "Bob", 0.6), ("b", "Ann", 0.9)]

    def test_equal_shares_are_of_the_part_first_by_name(self):
        lines = pl.DataFrame(
            {"customer": ["a", "a", "b", "b"], "department": ["South", "North", "North", "South"], "amount": [1.0] * 4}
        )
        assert largest_share_of_part(lines, "department").sort("customer").rows() == [
            ("a", "North", 0.5),
            ("b", "North", 0.5),
        ]

    def test_a_part_that_brought_nothing_has_no_shares(self):
        lines = pl.DataFrame({"customer": ["a", "b"], "manager": ["Ann", "Ann"], "amount": [5.0, -5.0]})
        assert largest_share_of_part(lines, "manager").sort("customer").rows() == [
            ("a", "Ann", None),
            ("b", "Ann", None),
        ]


def test_spellings_differ_by_case_and_spaces():
    names = pl.Series(["anna", "Anna", "Anna ", "Anna", "ANNA", "Bob", "Анна", "АННА", "Анна", None, "a b", "A  B"])
    assert spellings(names) == {"ANNA": "Anna", "Anna ": "Anna", "anna": "Anna", "АННА": "Анна", "a b": "A  B"}


def test_shares_do_not_depend_on_the_order_of_rows():
    """Threads keep no order; sums of floats would differ with it."""
    amounts = [0.1, 0.7, 1e9, -1e9 + 0.3, 3.3, 1e-7, 12345.67, 0.2] * 40
    lines = pl.DataFrame(
        {
            "customer": [f"c{at % 7}" for at in range(len(amounts))],
            "manager": [f"m{at % 3}" for at in range(len(amounts))],
            "date": [AS_OF - dt.timedelta(days=at) for at in range(len(amounts))],
            "amount": amounts,
        }
    )
    told = []
    for seed in range(5):
        rows = lines.sample(fraction=1.0, shuffle=True, seed=seed)
        sums = rows.group_by("customer").agg(exact_sum("amount").alias("revenue"))
        told.append(
            (
                largest_share_of_part(rows, "manager").sort("customer").rows(),
                revenue_a_year(rows, AS_OF),
                shares_of_revenue(sums).sort("customer").rows(),
                without_the_largest(sums).rows(),
                concentration_by_period(rows, "quarter", AS_OF).rows(),
            )
        )
    assert all(one == told[0] for one in told)


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (None, "none"),
        (-0.5, "none"),
        (0.1999, "none"),
        (0.20, "watch"),
        (0.2999, "watch"),
        (0.30, "high"),
        (0.40, "dangerous"),
        (0.4999, "dangerous"),
        (0.50, "critical"),
        (1.2, "critical"),
    ],
)
def test_dependency_begins_at_its_limit(share, level):
    assert (
        pl.DataFrame({"share": [share]}, {"share": pl.Float64}).select(dependency_level(pl.col("share"))).item()
        == level
    )


class TestRevenueAYear:
    def test_is_that_of_the_last_365_days(self):
        days = [AS_OF - dt.timedelta(days=back) for back in (365, 364, 0)]
        assert revenue_a_year(pl.DataFrame({"date": days, "amount": [1000.0, 30.0, 4.0]}), AS_OF) == 34

    def test_of_a_younger_ledger_is_scaled_to_a_year(self):
        days = [AS_OF - dt.timedelta(days=72), AS_OF - dt.timedelta(days=9)]  # 73 days are a fifth of a year
        assert revenue_a_year(pl.DataFrame({"date": days, "amount": [30.0, 10.0]}), AS_OF) == pytest.approx(200)

    def test_of_no_ledger_is_nothing(self):
        assert revenue_a_year(pl.DataFrame(schema={"date": pl.Date, "amount": pl.Float64}), AS_OF) == 0


class TestLeaving:
    CUSTOMERS = pl.DataFrame(
        {
            "customer": ["d", "c", "b", "a", "loss"],
            "revenue": [10.0, 20.0, 30.0, 50.0, -10.0],
            "profit": [4.0, 5.0, 6.0, 10.0, -5.0],
            "cost": [6.0, 15.0, 24.0, 40.0, -5.0],
            "discount": [0.0, 1.0, 2.0, 3.0, 0.0],
        }
    )

    def test_the_largest_take_what_they_brought(self):
        one, three = without_the_largest(self.CUSTOMERS).to_dicts()
        assert one == {
            "leave": 1,
            "who": ["a"],
            **{"revenue_lost": 50, "revenue_left": 50, "revenue_share": 0.5},
            **{"profit_lost": 10, "profit_left": 10, "profit_share": 0.5},
            **{"cost_lost": 40, "cost_left": 40, "cost_share": 0.5},
            "discount": 3,
            **{"volume_discount": None, "discounts_known": 0},
            "next_share": 0.6,
        }
        assert three["who"] == ["a", "b", "c"]
        assert (three["revenue_lost"], three["revenue_left"], three["revenue_share"]) == (100, 0, 1)
        assert (three["profit_lost"], three["profit_left"]) == (21, -1)
        assert three["discount"] == 6
        assert three["next_share"] is None

    def test_of_equal_customers_the_first_by_key_is_the_largest(self):
        customers = pl.DataFrame({"customer": ["b", "a"], "revenue": [5.0, 5.0]})
        assert without_the_largest(customers)["who"].to_list() == [["a"]]

    def test_what_is_not_known_of_everybody_stays_unknown(self):
        unknown = self.CUSTOMERS.with_columns(
            profit=pl.Series([None, 5.0, 6.0, 10.0, -5.0]), discount=pl.lit(None, pl.Float64)
        ).drop("cost")
        case = without_the_largest(unknown, [1]).row(0, named=True)
        assert case["profit_lost"] == 10
        assert [case[name] for name in ("profit_left", "profit_share", "cost_lost", "discount")] == [None] * 4

    def test_the_recorded_discount_is_of_what_is_bought_for_them(self):
        recorded = self.CUSTOMERS.with_columns(volume_discount=pl.Series([0.5, None, 0.25, 0.1, 0.9]))
        one, three = without_the_largest(recorded).select("volume_discount", "discounts_known").rows()
        assert (one, three) == ((4.0, 1), (4.0 + 6.0, 2))

    def test_profit_below_zero_has_no_share(self):
        case = without_the_largest(self.CUSTOMERS.with_columns(profit=pl.col("profit") - 10), [1]).row(0, named=True)
        assert (case["profit_lost"], case["profit_left"], case["profit_share"]) == (0, -30, None)


class TestLoad:
    def test_who_holds_too_many_and_who_has_room(self):
        accounts = pl.DataFrame(
            {
                "customer": list("abcdefg"),
                "manager": ["Ann", "Ann", "Ann", "Ann", "Bob", "Bob", None],
                "revenue": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            }
        )
        found = load_by_manager(accounts, ["Eve", "Ann", "Bob"], limit=3)
        assert found.rows() == [("Ann", 4, 10.0, 1, 0), ("Bob", 2, 11.0, 0, 1), ("Eve", 0, 0.0, 0, 3)]

    def test_just_the_limit_is_not_too_many(self):
        accounts = pl.DataFrame({"customer": list("abc"), "manager": ["Ann"] * 3, "revenue": [1.0] * 3})
        assert load_by_manager(accounts, [], limit=3)["too_many"].to_list() == [0]

    def test_without_managers_there_is_no_load(self):
        accounts = pl.DataFrame(
            {"customer": ["a"], "manager": [None], "revenue": [1.0]},
            {"manager": pl.String}
            | {
                "customer": pl.String,
                "revenue": pl.Float64,
            },
        )
        assert load_by_manager(accounts, []).is_empty()


class TestSilence:
    def told(self, recency: float, age: float, limit: float) -> dict:
        histories = pl.DataFrame({"customer": ["a"], "recency": [recency], "T": [age]})
        return against_own_rhythm(histories, np.array([limit]), 7, AS_OF).row(0, named=True)

    def test_a_silence_longer_than_the_rhythm_explains(self):
        # bought last on day 70 of 140; by day 108.5 the customer would have bought again
        assert self.told(10, 20, 15.5) == {
            "customer": "a",
            "days_silent": 70,
            "longest_gap": 38,
            "silent": True,
            "overdue_since": AS_OF - dt.timedelta(days=31),
        }

    @pytest.mark.parametrize(("limit", "silent"), [(139 / 7, True), (140 / 7, False), (140.9 / 7, False)])
    def test_begins_the_day_after_the_limit(self, limit, silent):
        found = self.told(10, 20, limit + 1e-9)
        assert found["silent"] is silent
        assert found["overdue_since"] == (AS_OF if silent else None)

    def test_a_rhythm_without_end_is_never_overdue(self):
        found = self.told(0, 20, np.inf)
        assert (found["silent"], found["longest_gap"], found["overdue_since"]) == (False, None, None)

    def test_without_a_rhythm_nobody_is_called_silent(self):
        found = self.told(10, 20, np.nan)
        assert (found["days_silent"], found["silent"], found["longest_gap"]) == (70, None, None)
