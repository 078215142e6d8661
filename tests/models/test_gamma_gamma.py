"""The gamma-gamma model."""

from pathlib import Path

import lifetimes
import numpy as np
import pandas as pd
import pytest
from lifetimes.utils import ConvergenceError
from scipy.integrate import quad

from models import GammaGamma
from models.gamma_gamma import _objective

DATASETS = Path(lifetimes.__file__).parent / "datasets"


@pytest.fixture(scope="module")
def repeaters():
    summary = pd.read_csv(DATASETS / "cdnow_customers_summary_with_transactions.csv", index_col="ID")
    return summary[summary["x"] > 0].rename(columns={"x": "frequency", "zbar": "monetary_value"})


@pytest.fixture(scope="module")
def fitted(repeaters):
    return GammaGamma().fit(repeaters["frequency"], repeaters["monetary_value"])


def drawn(p, q, v, customers, seed=0):
    random = np.random.default_rng(seed)
    x = random.integers(1, 8, customers)
    rate = random.gamma(q, 1 / v, customers)
    return x, random.gamma(p * x, 1 / (rate * x))


class TestPublishedNumbers:
    """Fader & Hardie (2013)."""

    def test_estimates(self, repeaters, fitted):
        assert len(repeaters) == 946
        assert fitted.params_.tolist() == pytest.approx([6.25, 3.74, 15.44], abs=0.01)
        assert fitted.log_likelihood_ == pytest.approx(-4055.92, abs=0.005)


class TestAgreesWithLifetimes:
    @pytest.mark.parametrize("penalizer_coef", [0.0, 0.001])
    def test_fit(self, repeaters, penalizer_coef):
        data = repeaters["frequency"], repeaters["monetary_value"]
        ours = GammaGamma(penalizer_coef).fit(*data)
        theirs = lifetimes.GammaGammaFitter(penalizer_coef).fit(*data)
        np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-5)
        assert ours._negative_log_likelihood_ == pytest.approx(theirs._negative_log_likelihood_, rel=1e-10)
        pd.testing.assert_series_equal(
            ours.conditional_expected_average_profit(*data),
            theirs.conditional_expected_average_profit(*data),
            rtol=1e-5,
        )

    def test_q_constraint(self, repeaters):
        data = repeaters["frequency"], repeaters["monetary_value"]
        ours = GammaGamma().fit(*data, q_constraint=True)
        assert ours.params_["q"] > 1 and ours.limits_ == ()


class TestDerivatives:
    @pytest.mark.parametrize("theta", [(6.2, 3.7, 0.4), (0.3, 0.8, 5.0), (90.0, 40.0, 0.02)])
    def test_match_finite_differences(self, theta):
        args = (np.array([1.0, 2, 9, 60]), np.array([0.2, 1.1, 3.0, 0.7]), np.array([5.0, 2, 1, 1]), 0.1)
        at, step, units = np.log(theta), 1e-5, np.array([1.0, 1.0, 2.0])
        _, gradient, hessian = _objective(at, *args, units)
        for i, direction in enumerate(np.eye(3) * step):
            up, down = _objective(at + direction, *args, units), _objective(at - direction, *args, units)
            assert (up[0] - down[0]) / (2 * step) == pytest.approx(gradient[i], rel=1e-6, abs=1e-7)
            np.testing.assert_allclose((up[1] - down[1]) / (2 * step), hessian[i], rtol=1e-6, atol=1e-6)


class TestInference:
    def test_density_integrates_to_one(self, fitted):
        total = quad(lambda m: np.exp(fitted.log_likelihood(3, m)), 0, np.inf)[0]
        assert total == pytest.approx(1, abs=1e-7)

    def test_currency_only_scales(self, repeaters, fitted):
        cents = GammaGamma().fit(repeaters["frequency"], repeaters["monetary_value"] * 100)
        np.testing.assert_allclose(cents.params_, fitted.params_ * [1, 1, 100], rtol=1e-7)
        np.testing.assert_allclose(cents.standard_errors_, fitted.standard_errors_ * [1, 1, 100], rtol=1e-6)
        assert cents.log_likelihood_ == pytest.approx(fitted.log_likelihood_ - 946 * np.log(100), rel=1e-10)

    def test_weights_stand_for_rows(self, repeaters, fitted):
        counted = repeaters.groupby(["frequency", "monetary_value"]).size().reset_index(name="n")
        again = GammaGamma().fit(counted["frequency"], counted["monetary_value"], weights=counted["n"])
        np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-8)
        assert again.aic_ == pytest.approx(fitted.aic_) and again.bic_ == pytest.approx(fitted.bic_)

    def test_finds_the_parameters_that_made_the_data(self):
        truth = np.array([4.0, 5.0, 30.0])
        model = GammaGamma().fit(*drawn(4.0, 5.0, 30.0, 20_000))
        assert (np.abs(model.params_ - truth) < 3 * model.standard_errors_).all()
        matrix = model.variance_matrix_.to_numpy()
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > 0


class TestExpectedSpend:
    def test_without_repeats_it_is_the_populations_mean(self, fitted):
        p, q, v = fitted.params_
        ours = fitted.conditional_expected_average_profit(np.array([0, 0]), np.array([0.0, np.nan]))
        assert ours.tolist() == pytest.approx([p * v / (q - 1)] * 2)

    def test_by_default_of_the_customers_fitted(self, fitted):
        ours = fitted.conditional_expected_average_profit()
        assert len(ours) == 946 and ours.min() > 0

    def test_infinite_mean(self):
        with pytest.warns(UserWarning, match="mean spend is infinite"):
            model = GammaGamma().fit(*drawn(5.0, 0.6, 3.0, 3000))
        none, some = model.conditional_expected_average_profit(np.array([0, 4]), np.array([0.0, 10.0]))
        assert none == np.inf and 0 < some < np.inf


class TestLimitsAndRefusals:
    def test_everybody_spends_alike(self):
        random = np.random.default_rng(0)
        x = random.integers(1, 8, 500)
        with pytest.warns(UserWarning, match="everybody spends"):
            model = GammaGamma().fit(x, random.gamma(40.0 * x, 20 / (40.0 * x)))
        assert model.limits_ == ("q", "v")
        assert model.conditional_expected_average_profit(3, 25.0) == pytest.approx(20, rel=0.02)

    def test_one_mean_spend(self):
        with pytest.raises(ConvergenceError, match="same mean spend"):
            GammaGamma().fit([1, 2], [10.0, 10.0])

    @pytest.mark.parametrize(
        ("x", "spend", "said"),
        [
            ([1, 0], [10, 5], "frequency is below 1"),
            (
                [1, 2],
                [10, 0],
                r"monetary_value is not above 0 in 1 of 2 rows \(row 1: frequency 2, monetary_value 0\)",
            ),
            ([1, 2], [10, np.nan], "monetary_value is missing"),
            ([1, 2.5], [10, 5], "whole number"),
        ],
    )
    def test_impossible_customers(self, x, spend, said):
        with pytest.raises(ValueError, match=said):
            GammaGamma().fit(x, spend)
