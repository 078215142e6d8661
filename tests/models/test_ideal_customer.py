"""What is planted is found, noise isn't, and no score knows the future."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd
import polars as pl
import pytest

from benchmarks.ideal_customer import AS_OF, PLANTED, WATCHED_DAYS, fitted, one_base, simulated_base
from models.first_purchase import first_days, first_purchases
from models.ideal_customer import BOOSTED, LOGISTIC, IdealCustomer, fit_ideal_customer
from models.ideal_customer_calibration import by_score, calibration


@pytest.fixture(scope="module", autouse=True)
def shared_out_once() -> Iterator[None]:
    """Share customers out among folds once, which takes a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.fold_models.REPEATS_OF_FEW", 1)
        yield


@pytest.fixture(scope="module")
def channel(shared_out_once: None) -> tuple:
    """A base whose customers of the fair come back three times as often."""
    lines = simulated_base("channel", 500, np.random.default_rng(5))
    return lines, *fitted(lines, 5)


def test_what_is_planted_is_found_first_and_points_the_right_way(channel: tuple) -> None:
    _, _, good, found = channel
    assert found.tells
    assert found.method == LOGISTIC
    first = found.importance.iloc[0]
    assert (first["trait"], first["tells"]) == (PLANTED["channel"][0], True)
    assert found.importance["tells"].sum() == 1
    fair = found.contrasts.iloc[0]
    assert (fair["trait"], fair["level"]) == ("channel", "fair")
    assert fair["low"] > 0
    index = found.good.index
    held = channel[1].customers.loc[index, "channel"] == "fair"
    assert fair[["customers", "other_customers"]].tolist() == [held.sum(), (~held).sum()]
    assert fair["share"] == pytest.approx(good[index][held].mean())


def test_scores_are_out_of_fold_and_come_true(channel: tuple) -> None:
    found: IdealCustomer = channel[3]
    assert found.scores.index.equals(found.good.index)
    assert found.scores.mean() == pytest.approx(found.good.mean(), abs=0.02)
    table = by_score(found)
    assert table["customers"].sum() == len(found.good)
    assert table["expected"].is_monotonic_increasing
    assert table["turned_out"].iloc[-1] > 1.5 * found.good.mean()
    slope = calibration(found, coverage=0.99)
    assert slope.low < 1 < slope.high
    assert found.later is not None
    assert found.later.known_by_then
    assert found.later.auc.low > 0.5


def test_other_traits_planted_and_noise() -> None:
    """Small versions of `benchmarks.ideal_customer`."""
    for plant in ("basket", "category"):
        told = one_base(1, plant, 400)
        assert told["tells"]
        assert told["planted first"]
        assert told["right direction"]
    # at most one in twenty may be taken for real by chance: three of five happen to 0.1% of such tests
    assert sum(one_base(number, "noise", 200)["tells"] for number in range(5)) < 3


def test_what_no_straight_line_shows_is_left_to_the_trees() -> None:
    _, _, found = fitted(simulated_base("jump", 700, np.random.default_rng(6)), 6)
    assert found.method == BOOSTED
    assert found.gain.low > 0
    assert found.importance["trait"].iloc[0] == "first basket"
    assert found.importance["tells"].iloc[0]


def test_the_score_of_a_new_customer_is_that_of_its_first_day(channel: tuple) -> None:
    """Whatever comes after the first day of those who aren't watched yet, or after a cut, moves no score."""
    lines, first, good, found = channel
    days = first_days(lines, AS_OF)
    new = days.filter(pl.col("first_day") > AS_OF - dt.timedelta(days=WATCHED_DAYS))
    assert new.height > 20
    later = lines.join(new, on="customer").filter(pl.col("date") > pl.col("first_day"))
    assert later.height > 0
    without = lines.join(later.select(lines.columns), on=["customer", "date"], how="anti")
    first_again, good_again, again = fitted(without, 5)
    pd.testing.assert_series_equal(good_again, good)
    scores, then = found.scored(first.customers).expected, again.scored(first_again.customers).expected
    pd.testing.assert_series_equal(scores, then)


def test_what_happens_after_the_days_watched_moves_no_score(channel: tuple) -> None:
    lines, first, good, found = channel
    days = first_days(lines, AS_OF)
    reach = pl.col("first_day") + pl.duration(days=WATCHED_DAYS)
    moved = (
        lines.join(days, on="customer")
        .with_columns(amount=pl.when(pl.col("date") > reach).then(pl.col("amount") * 50).otherwise("amount"))
        .select(lines.columns)
    )
    first_again, good_again, again = fitted(moved, 5)
    pd.testing.assert_series_equal(good_again, good)
    pd.testing.assert_series_equal(again.scored(first_again.customers).expected, found.scored(first.customers).expected)


def test_hostile_levels_are_only_text(channel: tuple) -> None:
    lines = channel[0]
    names = {"web": "", "fair": "recorded kind", "<b>street</b>": "infrequent_sklearn", "$phone$": "=1+1\n"}
    renamed = lines.with_columns(pl.col("channel").replace(names).replace("", None))
    _, _, found = fitted(renamed, 7)
    assert set(found.contrasts.loc[found.contrasts["trait"] == "channel", "level"]) == set(names.values()) - {""}


def test_a_sample_is_taken_of_many_and_the_same_each_time(monkeypatch: pytest.MonkeyPatch, channel: tuple) -> None:
    monkeypatch.setattr("models.ideal_customer.FITTED_ON", 200)
    _, first, good, _ = channel
    one, two = (fit_ideal_customer(first, good, watched_days=WATCHED_DAYS, seed=3) for _ in range(2))
    assert len(one.good) == 200
    pd.testing.assert_frame_equal(one.importance, two.importance)
    pd.testing.assert_series_equal(one.scored(first.customers).expected, two.scored(first.customers).expected)


def test_too_few_are_refused(channel: tuple) -> None:
    _, first, good, _ = channel
    with pytest.raises(ValueError, match="it takes 100 customers, and 20 of each kind"):
        fit_ideal_customer(first, good.iloc[:90], watched_days=WATCHED_DAYS)
    lines = channel[0].select("customer", "date", "amount")
    bare = first_purchases(lines, first_days(lines, AS_OF), learned_to=AS_OF).without(["first basket", "weekday"], "")
    with pytest.raises(ValueError, match="No trait differs"):
        fit_ideal_customer(bare.without([trait.name for trait in bare.traits], ""), good, watched_days=WATCHED_DAYS)
