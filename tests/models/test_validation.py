"""Forecast against what happened."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import nbinom, poisson, spearmanr

from models import BGNBD
from models.rfm import calibration_holdout
from models.validation import (
    calibration_by_decile,
    cumulative_tracking,
    expectation_by_frequency,
    frequency_groups,
    holdout_scores,
    interval_coverage,
    mean_log_score,
    pit_uniformity,
    predictive_cdf,
    randomised_pit,
    spend_frequency_correlation,
    value_scores,
)

SPLIT, END = "1997-09-30", "1998-06-30"


@pytest.fixture(scope="module")
def forecast(sample):
    held = calibration_holdout(sample, SPLIT, END)
    history = held["frequency_cal"], held["recency_cal"], held["T_cal"]
    model = BGNBD().fit(*history)
    return model, held, model.predict(39, *history)


class TestCdnowHoldout:
    """The 39-week holdout of Fader, Hardie & Lee (2005)."""

    def test_scores(self, forecast):
        model, held, expected = forecast
        scores = holdout_scores(
            held["frequency_holdout"], expected, model="BG/NBD", log_likelihood=model.log_likelihood_
        )
        row = scores.iloc[0]
        assert len(held) == 2357 and row["purchases_actual"] == 1882
        assert row["purchases_expected"] == pytest.approx(1653, abs=0.5)
        assert row["mae"] == pytest.approx(0.786, abs=1e-3)
        assert row["rmse"] == pytest.approx(1.61, abs=5e-3)
        assert row["correlation"] == pytest.approx(0.626, abs=5e-4)
        assert row["bias"] == pytest.approx(1653.4 / 1882 - 1, abs=1e-4)

    def test_by_frequency(self, forecast):
        _, held, expected = forecast
        table = expectation_by_frequency(held["frequency_cal"], held["frequency_holdout"], expected)
        assert table["frequency"].tolist() == ["0", "1", "2", "3", "4", "5", "6", "7+"]
        assert table["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
        assert (table["actual"] * table["customers"]).sum() == pytest.approx(1882)
        assert (table["expected"] * table["customers"]).sum() == pytest.approx(expected.sum())

    @pytest.mark.parametrize("engine", [lambda f: f, pl.from_pandas, lambda f: pl.from_pandas(f).lazy()])
    def test_tracking(self, sample, forecast, engine):
        model, held, _ = forecast
        tracked = cumulative_tracking(engine(sample), model, SPLIT, END)
        assert tracked["date"].iloc[0] == pd.Timestamp("1997-01-01")
        assert tracked["date"].iloc[-1] == pd.Timestamp(END) and len(tracked) == 80
        assert tracked["actual"].iloc[0] == 0
        assert tracked["actual"].iloc[-1] == held["frequency_cal"].sum() + 1882
        # At the end everybody's expectation is that of their whole age.
        ages = held["T_cal"] + 39
        whole = model.expected_number_of_purchases_up_to_time(ages).sum()
        assert tracked["expected"].iloc[-1] == pytest.approx(whole, rel=1e-10)
        assert tracked["actual"].is_monotonic_increasing and tracked["expected"].is_monotonic_increasing


class TestHoldoutScores:
    def test_small_case(self):
        row = holdout_scores([0, 2, 4], [1.0, 2.0, 6.0], model="m", log_likelihood=-3).iloc[0]
        assert row["mae"] == 1 and row["rmse"] == pytest.approx(np.sqrt(5 / 3)) and row["bias"] == 0.5
        assert row["model"] == "m" and row["log_likelihood"] == -3 and np.isnan(row["coverage"])

    def test_nothing_bought(self):
        row = holdout_scores([0, 0], [1.0, 2.0], model="m", log_likelihood=0).iloc[0]
        assert np.isnan(row["bias"]) and np.isnan(row["correlation"]) and row["mae"] == 1.5

    def test_refuses_unequal_lengths(self):
        with pytest.raises(ValueError, match="2 and 1 values"):
            holdout_scores([1, 2], [1], model="m", log_likelihood=0)


class TestExpectationByFrequency:
    def test_interval_of_the_mean(self):
        table = expectation_by_frequency([0, 0, 0, 0, 9], [1, 2, 3, 4, 5], [2.0] * 5, most=3, interval=0.8)
        assert table["frequency"].tolist() == ["0", "3+"]
        error = np.std([1, 2, 3, 4], ddof=1) / 2
        assert table["actual_high"][0] - 2.5 == pytest.approx(1.2815516 * error)
        assert 2.5 - table["actual_low"][0] == pytest.approx(1.2815516 * error)
        assert np.isnan(table["actual_low"][1])


class TestTracking:
    def test_counts_the_cohorts_repeat_days_only(self):
        days = ["2024-01-01", "2024-01-05", "2024-01-05", "2024-01-20", "2024-01-15", "2024-02-01"]
        ledger = pd.DataFrame({"customer": [1, 1, 1, 1, 2, 2], "date": pd.to_datetime(days)})

        class OneADay:
            def expected_number_of_purchases_up_to_time(self, t):
                return np.asarray(t)

        ours = cumulative_tracking(ledger, OneADay(), "2024-01-10", "2024-01-20", "day", step_days=4)
        assert ours["date"].dt.day.tolist() == [1, 5, 9, 10, 13, 17, 20]
        assert ours["actual"].tolist() == [0, 1, 1, 1, 1, 1, 2]
        assert ours["expected"].tolist() == [0, 4, 8, 9, 12, 16, 19]

    def test_nobody_to_track(self, sample):
        with pytest.raises(ValueError, match="no cohort to track"):
            cumulative_tracking(sample, None, "1996-01-01", END)


class TestCoverage:
    def test_ends_belong_to_the_interval(self):
        assert interval_coverage([0, 1, 2, 3], [0, 0, 0, 4], [0, 1, 1, 5]) == 0.5

    def test_missing_interval(self):
        assert np.isnan(interval_coverage([0, 1], [0, np.nan], [1, 1]))

    def test_goes_into_the_scores(self):
        assert holdout_scores([1], [1.0], model="m", log_likelihood=0, coverage=0.8)["coverage"].item() == 0.8


class TestValueScores:
    def test_one_number_for_all_beside_one_for_each(self):
        table = value_scores([0.0, 10.0, 20.0], {"rule of thumb": 20.0, "model": [0.0, 10.0, 17.0]})
        assert table["method"].tolist() == ["rule of thumb", "model"]
        assert table["value_actual"].tolist() == [30, 30] and table["value_expected"].tolist() == [60, 27]
        assert table["bias"].tolist() == pytest.approx([1, -0.1]) and table["mae"].tolist() == [10, 1]
        assert np.isnan(table["correlation"][0]) and table["correlation"][1] > 0.99

    def test_refuses_other_customers(self):
        with pytest.raises(ValueError, match="2 and 3 values"):
            value_scores([1, 2], {"model": [1, 2, 3]})


class TestCalibrationByDecile:
    def test_tenths_of_distinct_forecasts(self):
        expected = np.random.default_rng(1).permutation(np.arange(1000.0))
        table = calibration_by_decile(expected, expected)
        assert table["decile"].tolist() == list(range(1, 11)) and (table["customers"] == 100).all()
        assert table["expected"].tolist() == table["actual"].tolist() == [49.5 + 100 * tenth for tenth in range(10)]
        assert table["expected_least"][3] == 300 and table["expected_most"][3] == 399

    def test_equal_forecasts_stay_together(self):
        expected = np.array([0.1] * 55 + [0.2] * 25 + [0.5] * 20)
        table = calibration_by_decile(expected, expected)
        assert table["customers"].tolist() == [55, 25, 20] and table["decile"].tolist() == [3, 7, 10]
        assert (table["expected_least"] == table["expected_most"]).all()

    def test_of_cdnow(self, forecast):
        _, held, expected = forecast
        table = calibration_by_decile(held["frequency_holdout"], expected)
        assert table["customers"].sum() == 2357
        assert (table["actual"] * table["customers"]).sum() == pytest.approx(1882)
        assert table["actual"].iloc[-1] > 2 and table["actual"].iloc[0] < 0.5

    @pytest.mark.parametrize(
        ("draw", "mean", "least", "most"),
        [
            (lambda rng, n: rng.negative_binomial(1, 0.3, n), 7 / 3, 0.75, 0.85),
            (lambda rng, n: rng.poisson(0.05, n), 0.05, 0.8, 0.95),  # an exact interval of few events holds more
        ],
    )
    def test_interval_covers(self, draw, mean, least, most):
        rng = np.random.default_rng(2)
        covered = 0
        for _ in range(400):
            row = calibration_by_decile(draw(rng, 100), np.ones(100), interval=0.8).iloc[0]
            covered += row["actual_low"] <= mean <= row["actual_high"]
        assert least <= covered / 400 <= most

    def test_a_group_that_bought_nothing(self):
        row = calibration_by_decile(np.zeros(50), np.ones(50), interval=0.9).iloc[0]
        assert row["actual_low"] == 0 and row["actual_high"] == pytest.approx(-np.log(0.05) / 50)

    def test_a_group_of_one(self):
        row = calibration_by_decile([1], [1.0]).iloc[0]
        assert np.isnan(row["actual_low"]) and np.isnan(row["actual_high"])

    def test_refuses_missing_forecasts(self):
        with pytest.raises(ValueError, match="missing for 1 of 2"):
            calibration_by_decile([1, 2], [1.0, np.nan])


class Poisson:
    """Whoever has bought x times buys Poisson(x t) times."""

    def conditional_probability_of_n_purchases_up_to_time(self, n, t, frequency, recency, T):
        return poisson.pmf(n, np.asarray(frequency) * t)


class TestPredictiveDistribution:
    def test_cdf_of_each_customer(self):
        x, n = np.array([1, 1, 3, 3, 3]), np.array([0, 4, 0, 4, 4])
        at_most, below = predictive_cdf(Poisson(), n, 2.0, x, x, x)
        np.testing.assert_allclose(at_most, poisson.cdf(n, 2 * x), rtol=1e-12)
        np.testing.assert_allclose(below, poisson.cdf(n - 1, 2 * x), rtol=1e-12)

    def test_log_score(self):
        x, n = np.array([1, 1, 3, 3]), np.array([0, 4, 1, 1])
        score = mean_log_score(Poisson(), n, 2.0, x, x, x)
        assert score == pytest.approx(poisson.logpmf(n, 2 * x).mean(), rel=1e-12)

    def test_what_was_held_impossible(self):
        assert mean_log_score(Poisson(), [1], 1.0, [0], [0], [5]) == -np.inf


class TestRandomisedPit:
    def test_uniform_for_the_true_distribution(self):
        n = np.random.default_rng(3).negative_binomial(0.5, 0.3, 5000)
        pit = randomised_pit(n, nbinom.cdf(n, 0.5, 0.3), nbinom.cdf(n - 1, 0.5, 0.3), seed=4)
        assert pit_uniformity(pit).p_value > 0.01

    def test_not_uniform_for_another(self):
        n = np.random.default_rng(3).negative_binomial(0.5, 0.3, 5000)
        mean = 0.5 * 0.7 / 0.3
        pit = randomised_pit(n, poisson.cdf(n, mean), poisson.cdf(n - 1, mean), seed=4)
        assert pit_uniformity(pit).p_value < 1e-6

    def test_lies_between_and_repeats_with_its_seed(self):
        below, at_most = np.array([0.0, 0.3, 0.9]), np.array([0.3, 0.3, 1.0])
        pit = randomised_pit([0, 1, 2], at_most, below, seed=5)
        assert ((below <= pit) & (pit <= at_most)).all()
        assert pit.tolist() == randomised_pit([0, 1, 2], at_most, below, seed=5).tolist()

    @pytest.mark.parametrize(("at_most", "below"), [(0.5, 0.6), (1.1, 0.2), (0.5, -0.1), (np.nan, 0.1)])
    def test_refuses_what_is_no_distribution(self, at_most, below):
        with pytest.raises(ValueError, match="in 1 of 2 places; the first is 1"):
            randomised_pit([0, 1], [0.5, at_most], [0.0, below], seed=1)

    def test_refuses_probability_below_zero_purchases(self):
        with pytest.raises(ValueError, match="no distribution"):
            randomised_pit([0], [0.5], [0.1], seed=1)


class TestSpendFrequencyCorrelation:
    def test_ranks_with_bonett_and_wrights_interval(self):
        x, m = [1, 2, 3, 4, 5, 6], [2.0, 1, 4, 3, 7, 5]
        found = spend_frequency_correlation(x, m)
        rho = spearmanr(x, m).statistic
        assert found.correlation == pytest.approx(rho)
        assert found.pearson == pytest.approx(np.corrcoef(x, m)[0, 1])
        margin = 1.959964 * np.sqrt((1 + rho**2 / 2) / 3)
        assert (np.arctanh(found.low), np.arctanh(found.high)) == pytest.approx(
            (np.arctanh(rho) - margin, np.arctanh(rho) + margin), rel=1e-6
        )

    def test_one_whale_does_not_decide(self):
        rng = np.random.default_rng(6)
        x, m = rng.integers(1, 6, 500), rng.gamma(6, 5, 500)
        found = spend_frequency_correlation(np.append(x, 500), np.append(m, 5000.0))
        assert found.pearson > 0.9 and abs(found.correlation) < 0.1 and found.low < 0 < found.high

    def test_interval_covers(self):
        rng = np.random.default_rng(7)
        covered = 0
        for _ in range(400):
            one, other = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 60).T
            found = spend_frequency_correlation(one, other, interval=0.8)
            covered += found.low <= 6 / np.pi * np.arcsin(0.25) <= found.high
        assert 0.75 <= covered / 400 <= 0.85

    @pytest.mark.parametrize(("x", "m"), [([1, 2, 3], [3, 2, 5]), ([1, 1, 1, 1], [3, 2, 5, 4]), ([], [])])
    def test_where_it_can_not_be_had(self, x, m):
        found = spend_frequency_correlation(x, m)
        assert np.isnan([*found[:3], found.pearson]).all() and found.customers == len(x)

    def test_a_constant_with_rounding_errors_is_a_constant(self):
        assert np.isnan(spend_frequency_correlation([1, 2, 3, 4], [0.1] * 4).correlation)


class TestFrequencyGroups:
    def test_few_purchases_stand_alone(self):
        group, labels = frequency_groups([0, 1, 6, 7, 90], most=7)
        assert group.tolist() == [0, 1, 6, 7, 7]
        assert labels == ["0", "1", "2", "3", "4", "5", "6", "7+"]

    def test_where_most_buy_often_groups_widen(self):
        frequency = [0, 1, 2, 3, 4, 7, 8, *range(9, 41)]
        group, labels = frequency_groups(frequency, most=7)
        assert labels == ["0", "1", "2–3", "4–7", "8–15", "16–31", "32+"]
        assert group[:7].tolist() == [0, 1, 2, 2, 3, 3, 4] and group[-1] == 6
