"""What leaving costs, and futures drawn one by one."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models import BGNBD, GammaGamma
from models.futures import draw_futures, expected_if_nobody_left, probability_of_leaving
from models.lifetime_value import customer_lifetime_value
from models.posterior import sample_posterior
from models.value_at_stake import SUMS, by_group, shares_apart, value_at_stake

HORIZON_DAYS, WEEKS = 364, 52.0
TERMS: dict[str, Any] = {"horizon_days": HORIZON_DAYS, "annual_discount_rate": 0.1, "time_unit": "week"}
MARGIN = 0.3


@pytest.fixture(scope="module")
def base():
    """Return a simulated base: its valued customers, the fitted models and their posteriors."""
    random = np.random.default_rng(7)
    number = 800
    rate, leaves = random.gamma(1.2, 1 / 8, number), random.beta(1.0, 4.0, number)
    rows = []
    for at in range(number):
        age = random.uniform(30, 60)
        x, last, now = 0, 0.0, 0.0
        while True:
            now += random.exponential(1 / rate[at])
            if now > age:
                break
            x, last = x + 1, now
            if random.random() < leaves[at]:
                break
        rows.append((f"{at:04d}", x, last, age, random.gamma(6, 5) if x else 0.0))
    summary = pd.DataFrame(rows, columns=["customer", "frequency", "recency", "T", "monetary_value"])
    model = BGNBD().fit(summary["frequency"], summary["recency"], summary["T"])
    repeat = summary[summary["frequency"] > 0]
    spend = GammaGamma().fit(repeat["frequency"], repeat["monetary_value"])
    valued = customer_lifetime_value(summary, model, spend, margin=MARGIN, **TERMS)
    return valued, model, sample_posterior(model), sample_posterior(spend)


@pytest.fixture(scope="module")
def stakes(base) -> pl.DataFrame:
    valued, model, *_ = base
    return value_at_stake(valued, model, margin=MARGIN, **TERMS)


@pytest.fixture(scope="module")
def futures(base):
    valued, _, posterior, spend_posterior = base
    return draw_futures(posterior, spend_posterior, valued, WEEKS, seed=3)


def test_the_value_expected_is_the_lifetime_value(base, stakes):
    np.testing.assert_allclose(stakes["value"].to_numpy(), base[0]["clv"].to_numpy(), rtol=1e-9)


def test_what_leaving_takes_is_never_negative_and_less_than_what_there_is(stakes):
    assert stakes.select(pl.exclude("customer").min() >= 0).row(0) == (True,) * len(SUMS)
    assert (stakes["leaves"] <= stakes["here"]).all()


def test_who_bought_once_has_lost_nothing_yet(base, stakes):
    once = stakes.filter(pl.Series(base[0]["frequency"].to_numpy() == 0))
    assert once.height
    assert once["lost"].max() == 0
    assert once["at_stake"].min() > 0


def test_nobody_leaves_within_no_time(base):
    valued, model, *_ = base
    now = value_at_stake(valued.assign(expected_purchases=0.0), model, margin=MARGIN, **(TERMS | {"horizon_days": 0}))
    assert now.select(pl.exclude("customer", "here").sum()).row(0) == (0,) * (len(SUMS) - 1)


def test_a_loss_making_customer_who_leaves_takes_a_loss_along(base):
    valued, model, *_ = base
    margin = np.where(np.arange(len(valued)) == 0, -0.2, MARGIN)
    stakes = value_at_stake(valued, model, margin=margin, **TERMS)
    assert stakes["at_stake"][0] < 0 < stakes["revenue_at_stake"][0]


def test_drawn_futures_agree_with_what_is_expected(base, stakes, futures):
    valued, model, *_ = base
    expected = {
        "brought": stakes["revenue"].sum(),
        "lost_ahead": stakes["revenue_at_stake"].sum(),
        "lost_already": stakes["revenue_lost"].sum(),
    }
    for name, sum_ in expected.items():
        totals = getattr(futures, name).sum(axis=0)
        # within what the number of draws and the doubt about the parameters leave
        assert abs(totals.mean() - sum_) < 0.5 * totals.std(), name
    here, gone = expected_if_nobody_left(model, valued["frequency"], valued["recency"], valued["T"], WEEKS)
    spend = valued["expected_spend"].to_numpy()
    assert ((here + gone) * spend).sum() == pytest.approx(sum(expected.values()))


def test_expectations_without_luck_are_as_large_and_less_far_apart(futures):
    expected, brought = futures.expected.mean(axis=1), futures.brought.mean(axis=1)
    assert futures.expected.sum(axis=0).mean() == pytest.approx(futures.brought.sum(axis=0).mean(), rel=0.02)
    assert np.corrcoef(expected, brought)[0, 1] > 0.99
    # of single customers the draws of a heavy-tailed spend hide it now and then
    assert np.median(futures.brought.std(axis=1) - futures.expected.std(axis=1)) > 0.1 * np.median(
        futures.brought.std(axis=1)
    )


def test_the_share_who_leave_is_that_of_simulated_lives(base):
    _, model, *_ = base
    x, t_x, age, number = 3, 30.0, 32.0, 200_000
    r, alpha, a, b = model.params_[["r", "alpha", "a", "b"]]
    random = np.random.default_rng(11)
    bought = random.poisson(random.gamma(r + x, 1 / (alpha + age), number) * WEEKS)
    stays = (1 - random.beta(a, b + x, number)) ** bought
    expected = model.conditional_probability_alive(x, t_x, age) * (1 - stays.mean())
    assert probability_of_leaving(model, [x], [t_x], [age], WEEKS)[0] == pytest.approx(expected, rel=0.01)


def test_points_of_all_who_leave_are_all_that_is_at_stake(stakes):
    sums = by_group(stakes, pl.Series(["a", "b"] * (stakes.height // 2)), None)
    leaving = sums["leaves"] / sums["here"]
    np.testing.assert_allclose(sums["point"] * 100 * leaving, sums["at_stake"])
    np.testing.assert_allclose(sums["revenue_point"] * 100 * leaving, sums["revenue_at_stake"])


def test_where_nobody_leaves_a_point_keeps_nothing_that_is_known(base):
    valued, model, *_ = base
    now = value_at_stake(valued.assign(expected_purchases=0.0), model, margin=MARGIN, **(TERMS | {"horizon_days": 0}))
    assert by_group(now, pl.Series(["all"] * now.height), None)["point"].isna().all()


def test_the_same_seed_draws_the_same_futures(base, futures):
    valued, _, posterior, spend_posterior = base
    again = draw_futures(posterior, spend_posterior, valued, WEEKS, seed=3)
    np.testing.assert_array_equal(futures.brought, again.brought)


def test_groups_add_up_to_the_base_with_those_not_recorded(stakes, futures):
    groups = pl.Series(["a", "b", None, "c"] * (stakes.height // 4))
    sums = by_group(stakes, groups, futures)
    assert sums["group"].tolist() == ["a", "b", "c", "not recorded"]
    assert sums["customers"].sum() == stakes.height
    for name in SUMS:  # whose parts count to the tenth decimal
        assert sums[name].sum() == pytest.approx(stakes[name].sum(), abs=stakes.height * 1e-10), name
    assert (sums["at_stake_low"] < sums["at_stake"]).all()
    assert (sums["at_stake"] < sums["at_stake_high"]).all()


def test_bounds_of_a_sample_stand_for_the_whole(stakes, futures):
    everybody = pl.Series(["all"] * stakes.height)
    whole = by_group(stakes, everybody, futures).iloc[0]
    rows = np.arange(0, stakes.height, 2)
    half = futures._replace(rows=rows, lost_ahead=futures.lost_ahead[rows])
    sampled = by_group(stakes, everybody, half).iloc[0]
    assert sampled["at_stake"] == whole["at_stake"]
    # half of the customers leave about 1.4 times the doubt, in proportion
    assert sampled["at_stake_high"] - sampled["at_stake_low"] > whole["at_stake_high"] - whole["at_stake_low"]
    assert sampled["at_stake_low"] < sampled["at_stake"] < sampled["at_stake_high"]


def test_without_futures_there_are_no_bounds(stakes):
    sums = by_group(stakes, pl.Series(["all"] * stakes.height), None)
    assert sums[["at_stake_low", "at_stake_high"]].isna().all(axis=None)


def test_groups_dealt_out_by_chance_are_seldom_found_apart():
    """However unlike customers are and however small a group: at most one in twenty, here 5 of 60 at the very most."""
    random = np.random.default_rng(1)
    value = random.lognormal(0, 1.5, 200)
    at_stake = value * random.beta(0.5, 3, 200)
    apart = ratio = 0
    for deal in range(60):
        found = shares_apart(
            value, at_stake, random.choice(5, 200, p=[0.6, 0.2, 0.1, 0.05, 0.05]), permutations=99, seed=deal
        )
        apart += found["p_value"].min() < 0.05
        ratio += found["ratio"].max() > 1.25
    assert apart <= 5
    assert ratio > 30


def test_a_group_of_which_more_is_at_stake_is_found():
    random = np.random.default_rng(2)
    groups = np.array(["a"] * 500 + ["b"] * 300 + ["c"] * 200 + [None] * 50, dtype=object)
    value = random.lognormal(0, 1, 1050)
    at_stake = value * random.beta(2, 10, 1050) * np.where(groups == "b", 1.6, 1.0)
    found = shares_apart(value, at_stake, groups).set_index("group")
    assert found.index.tolist() == ["a", "b", "c"]
    assert found["p_value"].to_dict()["b"] < 0.05
    a, rest = groups == "a", (groups == "b") | (groups == "c")
    for column, these in (("share", a), ("rest", rest)):
        assert found.loc["a", column] == pytest.approx(at_stake[these].sum() / (value + at_stake)[these].sum())
    assert (found["ratio"] == found["share"] / found["rest"]).all()
    pd.testing.assert_frame_equal(shares_apart(value, at_stake, groups).set_index("group"), found)


def test_the_test_of_shares_is_that_of_every_deal():
    """Of 4 customers in pairs there are 6 deals, and the one who loses all of it lies in either pair in each."""
    found = shares_apart([0, 1, 1, 1], [1, 0, 0, 0], ["a", "a", "b", "b"], permutations=50)
    assert found["p_value"].tolist() == [1, 1]
    alike = shares_apart([1, 1, 1], [1, 1, 1], ["a", "a", "b"])
    assert alike["p_value"].isna().all()
    assert alike["ratio"].tolist() == [1, 1]
    assert shares_apart([1, 2], [1, 1], ["a", "a"])["p_value"].isna().all()
