"""What in a ledger contradicts the models: seen where it is there, and not seen where it isn't."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.assumptions import (
    contradictions,
    purchase_regularity,
    seasonality,
    spend_related_to_frequency,
)
from models.customer_days import customer_days
from tests.models.simulated_ledgers import END, recorded_at_cdnow, simulated, together


@pytest.fixture(scope="module")
def cdnow():
    return recorded_at_cdnow()


@pytest.fixture(scope="module", params=["CDNOW", "leaving in silence", "slow", "fast", "much alike"])
def whole(request):
    return simulated(request.param, 6000)


def spend(p, q, related=0.0, customers=5000, seed=1):
    rng = np.random.default_rng(seed)
    times = 1 + rng.negative_binomial(0.5, 0.15, customers)
    level = rng.gamma(q, size=customers) * np.exp(-related * np.log(times))
    return times, rng.gamma(p * times) / times / level


class TestSpendAndFrequency:
    @pytest.mark.parametrize(("p", "q"), [(6.25, 3.74), (1, 4), (0.5, 4)])
    def test_none_under_the_model(self, p, q):
        times, mean = spend(p, q)
        found = spend_related_to_frequency(times, mean, p, q, seed=2)
        assert found.seen is False and abs(found.excess) < 0.04 and found.low < 0 < found.high

    def test_skewed_spend_alone_makes_ranks_correlated(self):
        times, mean = spend(0.5, 4)
        found = spend_related_to_frequency(times, mean, 0.5, 4, seed=2)
        assert found.under_model == pytest.approx(found.correlation, abs=0.04) and found.under_model > 0.2

    @pytest.mark.parametrize("related", [0.4, -0.4])
    def test_seen_where_it_is(self, related):
        times, mean = spend(6.25, 3.74, related)
        found = spend_related_to_frequency(times, mean, 6.25, 3.74, seed=2)
        assert found.seen is True and np.sign(found.excess) == np.sign(related)

    def test_one_whale_is_no_relation(self):
        times, mean = spend(6.25, 3.74)
        found = spend_related_to_frequency(np.append(times, 2000), np.append(mean, 1000.0), 6.25, 3.74, seed=2)
        assert found.seen is False and found.pearson > 0.5

    def test_without_a_model_the_correlation_stands(self):
        times, mean = spend(6.25, 3.74)
        found = spend_related_to_frequency(times, mean, seed=2)
        assert found.under_model == 0 and found.excess == found.correlation

    def test_same_seed_same_answer(self):
        times, mean = spend(6.25, 3.74, customers=300)
        once, again = (spend_related_to_frequency(times, mean, 6.25, 3.74, seed=3) for _ in range(2))
        assert once == again

    def test_can_not_be_told(self):
        found = spend_related_to_frequency([1, 1, 1, 1], [5.0, 6, 7, 8], seed=1)
        assert found.seen is None and np.isnan(found.excess) and "4 customers" in found.reason

    def test_refuses_who_never_came_back(self):
        with pytest.raises(ValueError, match="not above 0 for 1 of 2"):
            spend_related_to_frequency([0, 1], [0.0, 5.0], seed=1)


def with_season(ledger, swing, seed=1):
    """Leave repeat purchases out, most in July and fewest in January."""
    first = pl.col("date") == pl.col("date").min().over("customer")
    chance = 1 - swing / 2 + swing / 2 * np.cos(2 * np.pi * (ledger["date"].dt.ordinal_day().to_numpy() - 15) / 365.25)
    return ledger.filter(first | pl.Series(np.random.default_rng(seed).random(len(ledger)) < chance))


class TestSeasonality:
    def test_none_in_the_model(self, whole):
        found = seasonality(whole, END)
        assert found.seen is False and found.months == 48

    @pytest.mark.parametrize("acquisition_days", [84, 1461])
    @pytest.mark.parametrize("years", [2, 4])
    def test_seen_where_it_is(self, years, acquisition_days):
        end = dt.date(2017 + years, 12, 31)
        given = {"acquisition_days": min(acquisition_days, 365 * years), "end": end}
        found = seasonality(with_season(simulated("CDNOW", 12_000, **given), 0.7), end)
        assert found.seen is True and found.strength > 0.8
        assert found.highest in (12, 1, 2) and found.lowest in (6, 7, 8)
        assert found.ratio == pytest.approx(1 / 0.3, rel=0.25)

    def test_chance_is_rarely_taken_for_a_season(self):
        found = [
            seasonality(simulated("CDNOW", 2000, 365, end=dt.date(2020, 12, 31), seed=seed), "2020-12-31").seen
            for seed in range(60)
        ]
        assert found.count(True) == 0 and found.count(None) == 0

    def test_new_customers_of_christmas_are_no_season(self):
        rushes = [simulated("CDNOW", 3000, 31, dt.date(year, 12, 1), seed=year) for year in (2018, 2019, 2020)]
        assert seasonality(together(simulated("CDNOW", 9000), *rushes), END).seen is False

    def test_short_ledger_can_not_tell(self, cdnow):
        found = seasonality(cdnow)
        assert found.seen is None and found.months == 18 and "from 24 on" in found.reason
        assert np.isnan(found.ratio) and np.isnan(found.p_value)

    def test_two_years_from_any_day_are_enough(self):
        for first in (dt.date(2018, 1, 2), dt.date(2018, 3, 15), dt.date(2019, 2, 14)):
            last = first.replace(year=first.year + 2) - dt.timedelta(days=1)
            ledger = simulated("CDNOW", 3000, 365, start=first, end=last)
            assert seasonality(ledger, last).seen is False

    def test_too_few_purchases(self):
        ledger = simulated("CDNOW", 30)
        assert seasonality(ledger, END).seen is None and "too few" in seasonality(ledger, END).reason

    def test_nothing_to_look_at(self):
        empty = pl.DataFrame({"customer": [], "date": []}, schema={"customer": pl.String, "date": pl.Date})
        assert seasonality(empty).seen is None and seasonality(empty).months == 0


def with_gaps(k, mean_gaps, customers=1000, days=730, leaving=0.05, seed=1):
    """Simulate customers with gamma distributed gaps of shape `k`, each with a mean gap of their own."""
    rng = np.random.default_rng(seed)
    shortest, longest = mean_gaps
    mean, time = rng.uniform(shortest, longest, customers), rng.uniform(0, 300, customers)
    left = np.arange(customers)
    who, when = [left], [time]
    while len(left):
        time = time + rng.gamma(k, mean[left] / k)
        goes_on = (time < days) & (rng.random(len(left)) >= leaving)
        left, time = left[goes_on], time[goes_on]
        who.append(left)
        when.append(time)
    day = pd.to_timedelta(np.floor(np.concatenate(when)), unit="D")
    return pd.DataFrame({"customer": np.concatenate(who), "date": pd.Timestamp("2020-01-01") + day})


class TestRegularity:
    def test_random_in_the_models(self, whole):
        found = purchase_regularity(whole, END)
        assert found.seen is False and found.low - 0.05 < 1 < found.high + 0.05

    @pytest.mark.parametrize("gaps", [(1.5, 4), (5, 20), (30, 120)])
    def test_interval_covers_random_purchases_at_any_frequency(self, gaps):
        found = [purchase_regularity(with_gaps(1, gaps, 300, seed=seed), interval=0.8) for seed in range(100)]
        assert 0.70 <= np.mean([each.low <= 1 <= each.high for each in found]) <= 0.90
        assert np.mean([each.k for each in found]) == pytest.approx(1, abs=0.02)
        assert not any(each.seen for each in found)

    @pytest.mark.parametrize("k", [2, 4, 10])
    def test_shape_of_the_gaps(self, k):
        found = purchase_regularity(with_gaps(k, (60, 120), 4000, days=1500))
        assert found.k == pytest.approx(k, rel=0.06) and found.seen is True

    def test_bursts(self):
        found = purchase_regularity(with_gaps(0.5, (60, 120), 4000, days=1500))
        assert 0.5 < found.k < found.high < 1 and found.seen is False

    @pytest.mark.parametrize("gaps", [(5, 20), (30, 120)])
    def test_seen_where_it_is(self, gaps):
        assert purchase_regularity(with_gaps(2, gaps)).seen is True

    def test_one_frequent_customer_does_not_decide(self):
        clockwork = pd.DataFrame({"customer": -1, "date": pd.date_range("2020-01-01", periods=100, freq="5D")})
        random = with_gaps(1, (30, 120))
        both = purchase_regularity(pd.concat([random, clockwork]))
        assert both.k == pytest.approx(purchase_regularity(random).k, abs=0.01)

    def test_clockwork(self):
        weekly = pd.date_range("2024-01-01", periods=10, freq="7D")
        ledger = pd.DataFrame({"customer": np.repeat(np.arange(150), 10), "date": np.tile(weekly, 150)})
        found = purchase_regularity(ledger)
        assert found.k == np.inf and found.seen is True and found.customers == 150

    def test_daily_purchases_tell_nothing(self):
        daily = pd.date_range("2024-01-01", periods=10)
        ledger = pd.DataFrame({"customer": np.repeat(np.arange(150), 10), "date": np.tile(daily, 150)})
        assert purchase_regularity(ledger).seen is None

    def test_cdnow_comes_in_bursts(self, cdnow):
        found = purchase_regularity(cdnow)
        assert found.seen is False and found.high < 1 and found.k == pytest.approx(0.90, abs=0.01)

    def test_too_few(self):
        found = purchase_regularity(simulated("CDNOW", 60))
        assert found.seen is None and "100 are needed" in found.reason


class TestContradictions:
    def test_says_what_the_checks_say(self, cdnow):
        table = contradictions(cdnow, "1998-06-30").set_index("assumption")
        assert table.index.tolist() == ["left_cut", "seasonality", "regularity"]
        assert table["seen"].tolist() == [False, pd.NA, False]
        assert table.loc["left_cut", "value"] == 0 and table.loc["left_cut", "reason"] == ""
        assert list(table.loc["regularity", ["value", "low", "high"]]) == list(purchase_regularity(cdnow)[:3])
        assert "from 24 on" in str(table.loc["seasonality", "reason"])

    def test_reduced_once_or_each_time(self):
        ledger = simulated("CDNOW", 2000)
        reduced = customer_days(ledger)
        pd.testing.assert_frame_equal(contradictions(ledger, "2021-06-30"), contradictions(reduced, "2021-06-30"))

    def test_empty_ledger(self):
        empty = pl.DataFrame({"customer": [], "date": []}, schema={"customer": pl.String, "date": pl.Date})
        assert contradictions(empty)["seen"].isna().all()

    def test_order_of_rows_is_immaterial(self):
        ledger = simulated("CDNOW", 2000)
        shuffled = ledger.sample(fraction=1, shuffle=True, seed=1)
        pd.testing.assert_frame_equal(contradictions(ledger, END), contradictions(shuffled, END), rtol=1e-10)
