"""What customers will buy and bring, with how sure that is."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, kstest

from benchmarks.recovery import recover
from models import BGNBD, ModifiedBGNBD, ParetoNBD
from models.posterior import Posterior, sample_posterior
from models.prediction_intervals import (
    forecast_base,
    interval_of,
    probability_of_at_least,
    purchase_intervals,
)
from models.simulation import CDNOW, simulate_histories

MODELS = {"bgnbd": BGNBD, "modified_bgnbd": ModifiedBGNBD, "pareto_nbd": ParetoNBD}


def known(**params):
    """A posterior that leaves no doubt about the parameters."""
    return Posterior(pd.DataFrame([params]), np.ones(1), 0.0, 1.0, {})


def with_params(name):
    model = MODELS[name]()
    model.params_ = pd.Series(dict(CDNOW[name]))
    return model


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


class TestCounts:
    def test_quantiles_of_a_known_distribution(self, name):
        model, x, t_x, age = with_params(name), np.array([0, 2, 30]), np.array([0, 30.0, 38.0]), np.full(3, 39.0)
        low, high = purchase_intervals(model, known(**CDNOW[name]), 52.0, x, t_x, age, coverage=0.9)
        for row in range(3):
            chance = model.conditional_probability_of_n_purchases_up_to_time(
                np.arange(400), 52.0, x[row], t_x[row], age[row]
            )
            upto = np.cumsum(chance)
            assert low[row] == np.argmax(upto >= 0.05) and high[row] == np.argmax(upto >= 0.95)

    def test_at_least_agrees_with_exactly(self, name):
        model = with_params(name)
        n = np.arange(6)
        at_least = probability_of_at_least(model, known(**CDNOW[name]), n, 20.0, 3, 25.0, 39.0)
        exactly = model.conditional_probability_of_n_purchases_up_to_time(n, 20.0, 3, 25.0, 39.0)
        np.testing.assert_allclose(at_least[:-1] - at_least[1:], exactly[:-1], atol=1e-10)
        assert at_least[0] == 1

    def test_hundreds_of_purchases(self, name):
        model = with_params(name)
        low, high = purchase_intervals(model, known(**CDNOW[name]), 100.0, [2000], [469.0], [470.0])
        expected = model.predict(100.0, 2000, 469.0, 470.0)
        assert 0 < low[0] < expected < high[0] < 1.5 * expected

    def test_equal_histories_get_equal_intervals(self, name):
        model = with_params(name)
        low, high = purchase_intervals(model, known(**CDNOW[name]), 30.0, [2, 0, 2], [20.0, 0.0, 20.0], [39.0] * 3)
        assert low[0] == low[2] and high[0] == high[2]


class TestTotals:
    def test_agree_with_the_expectation(self, name):
        base = simulate_histories(name, CDNOW[name], np.full(2000, 39.0), seed=1).assign(monetary_value=20.0)
        model = with_params(name)
        spend = known(**CDNOW["gamma_gamma"])
        forecast = forecast_base(model, known(**CDNOW[name]), spend, 39.0, base, worth=0.5, futures=400)
        expected = model.predict(39.0, base["frequency"], base["recency"], base["T"]).sum()
        error = forecast.purchases.std() / np.sqrt(400)
        assert abs(forecast.purchases.mean() - expected) < 4 * error
        p, q, v = CDNOW["gamma_gamma"].values()
        x = base["frequency"]
        mean_spend = p * (v + x * 20.0) / (p * x + q - 1)
        value = 0.5 * (model.predict(39.0, base["frequency"], base["recency"], base["T"]) * mean_spend).sum()
        assert abs(forecast.value.mean() - value) < 4 * forecast.value.std() / np.sqrt(400)

    def test_doubt_about_the_parameters_widens(self, name):
        base = simulate_histories(name, CDNOW[name], np.full(200, 39.0), seed=4).assign(monetary_value=20.0)
        model = MODELS[name]().fit(base["frequency"], base["recency"], base["T"])
        spread = [
            forecast_base(model, each, None, 39.0, base, futures=10_000).purchases.std()
            for each in (known(**model.params_), sample_posterior(model))
        ]
        assert spread[1] > 1.2 * spread[0]

    def test_nothing_is_certain_of_who_left_long_ago(self):
        model = with_params("bgnbd")
        gone = pd.DataFrame({"frequency": [20], "recency": [10.0], "T": [500.0], "monetary_value": [30.0]})
        forecast = forecast_base(model, known(**CDNOW["bgnbd"]), known(**CDNOW["gamma_gamma"]), 10.0, gone)
        assert forecast.customers.to_numpy().tolist() == [[0, 0]] and forecast.purchases.sum() == 0

    def test_interval_has_equal_tails(self):
        low, high = interval_of(np.arange(1.0, 100.0), 0.8)
        assert (low, high) == pytest.approx((10, 90))


class TestRecovery:
    """A small version of `make recovery`, which has 200 bases of CDNOW's size for each model."""

    BASES = 12

    @pytest.fixture(scope="class")
    def found(self):
        return [recover("bgnbd", 600, seed) for seed in range(1000, 1000 + self.BASES)]

    def test_the_truth_lies_inside_the_intervals(self, found):
        frame = pd.DataFrame(found)
        questions = ["r", "alpha", "a", "b", "p", "q", "v", "total purchases", "total value"]
        # by chance alone fewer or more happen in one study of a thousand for each question
        fewest, most = binom.ppf([0.0005, 0.9995], self.BASES, 0.8)
        inside = frame[questions].sum()
        assert ((inside >= fewest) & (inside <= most)).all(), inside.to_dict()
        # and of all questions together, which are not independent
        assert 0.65 < frame[questions].to_numpy().mean() < 0.95

    def test_customers_are_calibrated(self, found):
        transforms = np.concatenate([each["transform"][::20] for each in found])
        assert kstest(transforms, "uniform").pvalue > 0.01
        assert np.mean([each["customers' purchases"] for each in found]) >= 0.8
        assert np.mean([each["customers' value"] for each in found]) >= 0.8

    def test_importance_sampling_can_be_trusted(self, found):
        assert max(each["pareto k"] for each in found) < 0.7
