"""LTV = S x C x P x T, by hand."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy.stats import poisson

from models.lifetime_value_factors import lifetime_value_factors, times_as_customer, value_ahead

YEAR = 365.25


@pytest.fixture
def purchases():
    """Three customers, observed to 31 December 2023, each purchase keeping a customer for 100 days.

    a buys on 1 January (10) and 11 January (two lines, 20 and 10): it left 100 days later, on 21 April, 110 days after
      it first bought.
    b buys on 1 January (30) and, after a longer silence, on 1 December (50): it is still one, after 364 days.
    c buys on 31 December (5), the last day: it has been one for 0 days.
    """
    rows = [
        ("a", "2023-01-11", 20.0),
        ("a", "2023-01-01", 10.0),
        ("a", "2023-01-11", 10.0),
        ("b", "2023-01-01", 30.0),
        ("b", "2023-12-01", 50.0),
        ("b", "2024-02-01", 999.0),
        ("c", "2023-12-31", 5.0),
    ]
    frame = pl.DataFrame(rows, ["customer", "date", "amount"], orient="row")
    return frame.with_columns(pl.col("date").str.to_date())


@pytest.fixture
def times(purchases):
    return times_as_customer(purchases, dt.date(2023, 12, 31), active_days=100)


def test_the_time_of_who_left_ends_when_the_last_purchase_is_too_old(times):
    assert times["customer"].to_list() == ["a", "b", "c"]
    assert times["purchases"].to_list() == [2, 2, 1]
    assert times["amount"].to_list() == [40, 80, 5]
    assert times["first_amount"].to_list() == [10, 30, 5]
    assert times["years"].to_list() == pytest.approx([110 / YEAR, 364 / YEAR, 0])
    assert times["left"].to_list() == [True, False, False]


def test_a_customer_leaves_on_the_day_on_which_the_time_runs_out(purchases):
    first = purchases.filter(pl.col("customer") == "a")
    before, on = (times_as_customer(first, dt.date(2023, 4, day), active_days=100) for day in (20, 21))
    assert before["left"].to_list() == [False]
    assert on["left"].to_list() == [True]
    assert on["years"].to_list() == pytest.approx([110 / YEAR])


def test_the_four_factors_by_hand(times):
    """Work the base out by hand.

    S = (40 + 80 + 5) / 5 purchases = 25. Time as customers together: (110 + 364 + 0) / 365.25 = 474 / 365.25 years.
    C = 5 / that. One left, so T = 474 / 365.25 years; C x T = 5 purchases for each who left.
    P = 0.2, so LTV = 25 x 5 x 0.2 = 25. The plain mean of who left, 110 days, forgets b.
    """
    row = lifetime_value_factors(times, 0.2).iloc[0]
    together = 474 / YEAR
    assert row["segment"] == "all"
    assert [row["customers"], row["lost"]] == [3, 1]
    assert row["mean_purchase"] == 25
    # of their own a pays 40 / 2 = 20 a purchase, b 80 / 2 = 40 and c 5
    assert row["median_purchase"] == 20
    assert row["below_mean_purchase"] == pytest.approx(2 / 3)
    assert row["purchases_a_year"] == pytest.approx(5 / together)
    assert row["profit_share"] == 0.2
    assert row["years"] == pytest.approx(together)
    assert row["years_of_those_who_left"] == pytest.approx(110 / YEAR)
    assert row["value"] == pytest.approx(25)


def test_the_interval_is_that_of_the_number_of_losses(times):
    """At the ends of the interval the one loss seen lies at a tail of 10%."""
    row = lifetime_value_factors(times, interval=0.80).iloc[0]
    together = 474 / YEAR
    assert poisson.cdf(1, together / row["years_low"]) == pytest.approx(0.1)
    assert poisson.sf(0, together / row["years_high"]) == pytest.approx(0.1)
    assert row["value_low"] / row["value"] == pytest.approx(row["years_low"] / row["years"])


def test_segments_have_factors_and_shares_of_their_own(times):
    named = times.with_columns(kind=pl.Series(["x", "y", None]))
    shares = pl.DataFrame({"segment": ["x", "y"], "profit_share": [0.5, 0.1]})
    frame = lifetime_value_factors(named, shares, by="kind").set_index("segment")
    # x is a alone: 20 a purchase, 2 purchases for the one who left, half of it profit
    assert frame.loc["x", "value"] == pytest.approx(20 * 2 * 0.5)
    # nobody of y left, so how long one of them stays isn't known, but that it is longer than some time is
    assert np.isnan(frame.loc["y", ["years", "value"]].astype(float)).all()
    assert frame.loc["y", "purchases_a_year"] == pytest.approx(2 * YEAR / 364)
    assert frame["years_low"].between(0, np.inf, inclusive="neither").all()
    assert frame.loc["y", "years_high"] == np.inf
    assert list(frame.index) == ["x", "y"]


def test_one_customer_on_the_last_day_has_no_pace_and_no_lifetime(times):
    row = lifetime_value_factors(times.filter(pl.col("customer") == "c")).iloc[0]
    assert row["mean_purchase"] == 5
    assert np.isnan(row[["purchases_a_year", "years", "value", "years_low", "years_high"]].astype(float)).all()


def test_the_order_of_customers_changes_no_digit(times):
    many = pl.concat([times.with_columns(pl.col("amount", "years") / n) for n in range(1, 200)])
    forth, back = (lifetime_value_factors(rows).to_numpy().tolist() for rows in (many, many.reverse()))
    assert forth == back


def test_the_estimate_is_right_where_lifetimes_are_exponential():
    """Lifetimes of a mean of 2 years, watched for up to 3: those that ended would alone give far too short a T."""
    random = np.random.default_rng(5)
    lifetime, watched = random.exponential(2, 4000), random.uniform(0, 3, 4000)
    times = pl.DataFrame(
        {
            "customer": np.arange(4000).astype(str),
            "purchases": 1,
            "amount": 1.0,
            "years": np.minimum(lifetime, watched),
            "left": lifetime <= watched,
        }
    )
    row = lifetime_value_factors(times, interval=0.99).iloc[0]
    assert row["years_low"] < 2 < row["years_high"]
    assert row["years_of_those_who_left"] < 1


def test_what_lies_just_ahead_is_the_part_of_a_lifetime_within_the_horizon():
    # a value of 100 over a mean of 2 years; of the next year 1 - exp(-1/2) of it, for the half who are still there
    assert value_ahead([100.0], [2.0], [0.5], YEAR)[0] == pytest.approx(100 * (1 - np.exp(-0.5)) / 2)
    assert value_ahead([100.0], [2.0], [0.0], 1e9)[0] == pytest.approx(100)


@pytest.mark.parametrize("wrong", [{"active_days": 0}])
def test_days_that_keep_nobody_are_refused(purchases, wrong):
    with pytest.raises(ValueError, match="at least 1"):
        times_as_customer(purchases, dt.date(2023, 12, 31), **wrong)


def test_a_coverage_of_all_is_refused(times):
    with pytest.raises(ValueError, match="between 0 and 1"):
        lifetime_value_factors(times, interval=1.0)
