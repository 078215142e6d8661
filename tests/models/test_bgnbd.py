"""The BG/NBD model."""

import warnings
from pathlib import Path
from typing import Any

import lifetimes
import numpy as np
import pandas as pd
import pytest
from lifetimes.utils import ConvergenceError
from scipy.integrate import quad
from scipy.special import betaln

from models import BGNBD
from models._expected_purchases import _by_integral, _by_series
from models.bgnbd import _objective

DATASETS = Path(lifetimes.__file__).parent / "datasets"


def with_params(r, alpha, a, b):
    model = BGNBD()
    model.params_ = pd.Series([r, alpha, a, b], index=["r", "alpha", "a", "b"])
    return model


def simulated(r, alpha, a, b, customers, T=50.0, seed=0):
    model = with_params(r, alpha, a, b)
    model.data = pd.DataFrame({"T": np.full(customers, T)})
    return model.generate_new_data(customers, seed)


def histories(frame) -> tuple[Any, Any, Any]:
    return frame["frequency"], frame["recency"], frame["T"]


@pytest.fixture(scope="module")
def cdnow():
    return pd.read_csv(DATASETS / "cdnow_customers_summary.csv", index_col="ID")


@pytest.fixture(scope="module")
def fitted(cdnow):
    return BGNBD().fit(*histories(cdnow), index=cdnow.index)


@pytest.fixture(scope="module")
def theirs(cdnow):
    return lifetimes.BetaGeoFitter().fit(*histories(cdnow))


class TestPublishedNumbers:
    """Fader, Hardie & Lee (2005), and the spreadsheet that goes with it."""

    def test_estimates(self, fitted):
        assert fitted.params_.round(4).to_dict() == pytest.approx(
            {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}, abs=1.5e-4
        )

    def test_log_likelihood(self, fitted):
        assert fitted.log_likelihood_ == pytest.approx(-9582.4, abs=0.05)

    def test_standard_errors(self, fitted):
        assert fitted.standard_errors_["r"] == pytest.approx(0.0126, abs=5e-5)
        assert fitted.standard_errors_[["alpha", "a", "b"]].tolist() == pytest.approx([0.378, 0.186, 0.705], abs=6e-4)

    @pytest.mark.parametrize(("x", "t_x", "published"), [(0, 0, -0.59947382), (200, 38, 100.7957)])
    def test_log_likelihood_of_one_customer(self, x, t_x, published):
        assert with_params(0.25, 4, 0.8, 2.5).log_likelihood(x, t_x, 40) == pytest.approx(published, abs=5e-5)

    def test_expected_purchases_of_one_customer(self, fitted):
        assert fitted.predict(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=5e-4)


class TestAgreesWithLifetimes:
    def test_estimates_and_objective(self, fitted, theirs):
        np.testing.assert_allclose(fitted.params_, theirs.params_, rtol=1e-6)
        assert fitted._negative_log_likelihood_ == pytest.approx(theirs._negative_log_likelihood_, rel=1e-12)
        np.testing.assert_allclose(fitted._hessian_, theirs._hessian_, atol=1e-6)

    def test_penalized(self, cdnow):
        ours = BGNBD(penalizer_coef=0.1).fit(*histories(cdnow))
        theirs = lifetimes.BetaGeoFitter(penalizer_coef=0.1).fit(*histories(cdnow))
        np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-5)

    def test_predictions(self, cdnow, fitted, theirs):
        for method in ["predict", "conditional_expected_number_of_purchases_up_to_time"]:
            ours = getattr(fitted, method)(39, *histories(cdnow))
            pd.testing.assert_series_equal(ours, getattr(theirs, method)(39, *histories(cdnow)), rtol=1e-5)
        times = np.linspace(0, 200, 7)
        np.testing.assert_allclose(
            fitted.expected_number_of_purchases_up_to_time(times),
            theirs.expected_number_of_purchases_up_to_time(times),
            rtol=1e-5,
        )
        np.testing.assert_allclose(
            fitted.conditional_probability_alive(*histories(cdnow)),
            theirs.conditional_probability_alive(*histories(cdnow)),
            rtol=1e-5,
        )
        np.testing.assert_allclose(
            fitted.conditional_probability_alive_matrix(),
            theirs.conditional_probability_alive_matrix(),
            rtol=1e-5,
        )
        for n in range(4):
            assert fitted.probability_of_n_purchases_up_to_time(20, n) == pytest.approx(
                theirs.probability_of_n_purchases_up_to_time(20, n), rel=1e-5
            )

    def test_is_a_lifetimes_fitter(self, fitted):
        assert isinstance(fitted, lifetimes.BetaGeoFitter)
        assert repr(fitted).startswith("<lifetimes.BGNBD: fitted with 2357 subjects, a: 0.79")
        assert list(fitted.summary) == ["coef", "se(coef)", "lower 95% bound", "upper 95% bound"]

    def test_saved_and_loaded(self, fitted, tmp_path):
        fitted.save_model(tmp_path / "model.pkl", save_data=False, save_generate_data_method=False)
        loaded = BGNBD()
        loaded.load_model(tmp_path / "model.pkl")
        pd.testing.assert_series_equal(loaded.params_, fitted.params_)
        assert loaded.predict(39, 2, 30, 38) == fitted.predict(39, 2, 30, 38)

    def test_plots(self, fitted):
        import matplotlib

        matplotlib.use("Agg")
        from lifetimes import plotting
        from matplotlib import pyplot as plt

        for plot in [
            plotting.plot_period_transactions,
            plotting.plot_frequency_recency_matrix,
            plotting.plot_probability_alive_matrix,
            plotting.plot_transaction_rate_heterogeneity,
            plotting.plot_dropout_rate_heterogeneity,
        ]:
            assert plot(fitted) is not None
            plt.close("all")

    def test_inputs_of_every_shape(self, fitted):
        assert isinstance(fitted.predict(39, 2, 30.0, 38.0), float)
        assert fitted.predict(np.array([1.0, 2.0]), 2, 30.0, 38.0).shape == (2,)
        assert fitted.predict(5, np.ones((2, 3)), 1.0, 2.0).shape == (2, 3)
        series = fitted.predict(5, *(pd.Series([value], index=["x"]) for value in (2, 30.0, 38.0)))
        assert series.index.tolist() == ["x"]
        assert fitted.conditional_probability_alive(0, 0, 5).shape == (1,)


class TestDerivatives:
    @pytest.mark.parametrize("penalizer_coef", [0.0, 0.3])
    @pytest.mark.parametrize("theta", [(0.24, 0.11, 0.8, 2.4), (30.0, 4.0, 0.01, 0.2), (0.02, 3.0, 40.0, 9.0)])
    def test_match_finite_differences(self, theta, penalizer_coef):
        x = np.array([0, 1, 2, 7, 40, 300])
        t_x, T = np.array([0, 0.1, 0.4, 0.5, 0.9, 1.0]), np.array([0.3, 0.8, 0.4, 1.0, 1.0, 1.0])
        args = (x, t_x, T, np.array([9.0, 3, 2, 1, 1, 1]), penalizer_coef)
        at, step = np.log(theta), 1e-5
        _, gradient, hessian = _objective(at, *args)
        for i, direction in enumerate(np.eye(4) * step):
            up, down = _objective(at + direction, *args), _objective(at - direction, *args)
            assert (up[0] - down[0]) / (2 * step) == pytest.approx(gradient[i], rel=1e-6, abs=1e-7)
            np.testing.assert_allclose((up[1] - down[1]) / (2 * step), hessian[i], rtol=1e-6, atol=1e-6)


class TestInvariance:
    def test_unit_of_time(self, cdnow, fitted):
        x, t_x, T = histories(cdnow)
        daily = BGNBD().fit(x, t_x * 7, T * 7)
        np.testing.assert_allclose(daily.params_, fitted.params_ * [1, 7, 1, 1], rtol=1e-7)
        np.testing.assert_allclose(daily.standard_errors_, fitted.standard_errors_ * [1, 7, 1, 1], rtol=1e-6)
        # A density in days is 7 times lower per purchase time.
        assert daily.log_likelihood_ == pytest.approx(fitted.log_likelihood_ - x.sum() * np.log(7), rel=1e-10)
        assert daily.predict(273, 2, 213.0, 272.0) == pytest.approx(fitted.predict(39, 2, 213 / 7, 272 / 7))

    def test_weights_stand_for_rows(self, cdnow, fitted):
        counted = cdnow.groupby(["frequency", "recency", "T"]).size().reset_index(name="weights")
        assert len(counted) < len(cdnow)
        compressed = BGNBD().fit(*histories(counted), weights=counted["weights"])
        np.testing.assert_allclose(compressed.params_, fitted.params_, rtol=1e-9)
        np.testing.assert_allclose(compressed.variance_matrix_, fitted.variance_matrix_, rtol=1e-7)
        assert compressed.bic_ == pytest.approx(fitted.bic_, rel=1e-12)

    @pytest.mark.parametrize("start", [[-5, -5, -5, -5], [3, 3, 3, 3], [0, 4, -4, 0]])
    def test_start(self, cdnow, fitted, start):
        again = BGNBD().fit(*histories(cdnow), initial_params=start)
        np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-6)


class TestInference:
    def test_variance_matrix_is_a_covariance(self, fitted):
        matrix = fitted.variance_matrix_.to_numpy()
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > 0

    def test_log_likelihood_adds_up(self, cdnow, fitted):
        each = fitted.log_likelihood(*histories(cdnow))
        assert each.index.equals(cdnow.index)
        assert each.sum() == pytest.approx(fitted.log_likelihood_, rel=1e-12)
        assert fitted.aic_ == pytest.approx(8 - 2 * fitted.log_likelihood_)
        assert fitted.bic_ == pytest.approx(4 * np.log(2357) - 2 * fitted.log_likelihood_)

    def test_finds_the_parameters_that_made_the_data(self):
        truth = np.array([0.8, 6.0, 0.6, 2.0])
        model = BGNBD().fit(*histories(simulated(0.8, 6.0, 0.6, 2.0, 20_000, seed=5)))
        assert (np.abs(model.params_ - truth) < 3 * model.standard_errors_).all()
        assert (model.standard_errors_ < 0.2 * truth).all()

    def test_probabilities_sum_to_one(self, fitted):
        assert fitted.probability_of_n_purchases_up_to_time(39, np.arange(3000)).sum() == pytest.approx(1, abs=1e-9)


class TestExpectationsEverywhere:
    """Where the hypergeometric closed form has poles or overflows."""

    @pytest.mark.parametrize(
        ("r", "alpha", "a", "b"),
        [
            (0.2, 4, 0.3, 0.4),
            (0.5, 3, 1.0, 2.0),
            (0.5, 3, 1 + 1e-12, 2.0),
            (0.3, 2, 0.4, 0.6),
            (2, 0.01, 5, 0.01),
        ],
    )
    @pytest.mark.parametrize("t", [0.5, 40.0, 4000.0])
    def test_new_customer(self, r, alpha, a, b, t):
        # In u = p**a the density's pole at 0 is gone,
        def integrand(u):
            p = u ** (1 / a)
            return -np.expm1(-r * np.log1p(p * t / alpha)) / p * (1 - p) ** (b - 1)

        half = 0.5**a
        near_0 = quad(integrand, 1e-300, half, limit=500, epsabs=0, epsrel=1e-10)[0] / a
        # and in w = (1 - p)**b the one at 1.
        near_1 = quad(
            lambda w: -np.expm1(-r * np.log1p((1 - w ** (1 / b)) * t / alpha)) * (1 - w ** (1 / b)) ** (a - 2) / b,
            0,
            0.5**b,
            limit=500,
            epsabs=0,
            epsrel=1e-10,
        )[0]
        expected = (near_0 + near_1) / np.exp(betaln(a, b))
        ours = with_params(r, alpha, a, b).expected_number_of_purchases_up_to_time(t)
        assert ours == pytest.approx(expected, rel=1e-7)

    @pytest.mark.parametrize("x", [0, 1, 300, 5000])
    @pytest.mark.parametrize("a", [0.05, 1.0, 1.3])
    def test_finite_and_within_bounds(self, x, a):
        model = with_params(0.2, 4, a, 0.3)
        t_x = 50.0 if x else 0.0
        expected = model.predict(20, x, t_x, 50.0)
        no_dropout = (0.2 + x) / (4 + 50.0) * 20
        assert np.isfinite(expected) and 0 < expected <= no_dropout * (1 + 1e-12)
        assert 0 < model.conditional_probability_alive(x, t_x, 50.0)[0] <= 1

    def test_series_and_integral_agree(self):
        random = np.random.default_rng(3)
        for _ in range(40):
            r, a, b = 10 ** random.uniform([-1, -4, -3], [2.5, 2, 3])
            odds = 10 ** random.uniform(0.7, 1.5)
            r = max(r, 2 / odds)
            series = _by_series(np.array([odds]), np.array([r]), a, np.array([b]))[0]
            assert _by_integral(odds, r, a, b) == pytest.approx(series, rel=1e-9)

    def test_thousands_of_purchases_match_simulation(self):
        model = with_params(50, 0.5, 0.5, 400.0)
        model.data = pd.DataFrame({"T": [10.0]})
        made = model.generate_new_data(4000, seed=1)["frequency"]
        error = made.std() / np.sqrt(4000)
        assert model.expected_number_of_purchases_up_to_time(10.0) == pytest.approx(made.mean(), abs=3 * error)


class TestLimits:
    def test_nobody_leaves(self):
        data = simulated(0.5, 5, 1e-9, 1, 500)
        with pytest.warns(UserWarning, match="Nobody is seen to leave"):
            model = BGNBD().fit(*histories(data))
        assert model.limits_ == ("a", "b")
        assert model.conditional_probability_alive(*histories(data)).min() > 0.999
        assert np.isnan(model.standard_errors_["a"]) and np.isfinite(model.standard_errors_["r"])
        # What is left is the negative binomial: its mean forecast is r / alpha a unit of time.
        rate = model.params_["r"] / model.params_["alpha"]
        assert model.expected_number_of_purchases_up_to_time(10) == pytest.approx(10 * rate, rel=1e-4)

    def test_everybody_buys_at_one_rate(self):
        data = simulated(1e7, 1e8, 0.5, 2, 400)
        with pytest.warns(UserWarning, match="everybody buys"):
            model = BGNBD().fit(*histories(data))
        assert model.params_["r"] / model.params_["alpha"] == pytest.approx(0.1, rel=0.05)
        assert model.limits_ == ("r", "alpha")

    def test_everybody_leaves_alike(self):
        data = simulated(0.5, 5, 1e6, 4e6, 2000)
        with pytest.warns(UserWarning, match="leaves after a purchase with probability"):
            model = BGNBD().fit(*histories(data))
        assert model.params_["a"] / model.params_[["a", "b"]].sum() == pytest.approx(0.2, abs=0.02)
        assert model.limits_ == ("a", "b")

    def test_leaving_is_all_or_nothing(self):
        data = simulated(0.5, 5, 1e-5, 2e-5, 2000)
        with pytest.warns(UserWarning, match="all or nothing: .* share of 0.3"):
            BGNBD().fit(*histories(data))

    def test_ordinary_data_warn_of_nothing(self, cdnow):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert BGNBD().fit(*histories(cdnow)).limits_ == ()


class TestRefusals:
    def test_no_repeat_purchase(self):
        with pytest.raises(ConvergenceError, match="No customer has a repeat purchase"):
            BGNBD().fit([0, 0], [0, 0], [10, 20])

    def test_no_second_repeat_purchase(self):
        with pytest.raises(ConvergenceError, match="more than one repeat purchase"):
            BGNBD().fit([0, 1], [0, 5], [10, 20])

    def test_too_few_steps(self, cdnow):
        with pytest.raises(ConvergenceError, match="did not converge"):
            BGNBD().fit(*histories(cdnow), maxiter=2)

    @pytest.mark.parametrize(
        ("x", "t_x", "T", "said"),
        [
            ([2, np.nan], [5, 0], [9, 9], "frequency is missing or infinite in 1 of 2 rows"),
            ([2, 1.5], [5, 3], [9, 9], "frequency is not a whole number"),
            ([2, 1], [5, -3], [9, 9], "recency is negative"),
            (
                [2, 1],
                [5, 10],
                [9, 9],
                r"recency is greater than T in 1 of 2 rows \(row 1: frequency 1, recency 10, T 9",
            ),
            ([2, 0], [5, 3], [9, 9], "recency is above 0 without a repeat purchase"),
            ([2, 1], [5, 0], [9, 9], "recency is 0 despite repeat purchases"),
            ([2, 1], [5, 3], [9], "one length"),
            ([], [], [], "empty"),
        ],
    )
    def test_impossible_histories(self, x, t_x, T, said):
        with pytest.raises(ValueError, match=said):
            BGNBD().fit(x, t_x, T)

    def test_shows_three_rows_by_name_and_counts_the_rest(self):
        with pytest.raises(ValueError, match=r"4 of 5 rows \(row b: .*row c: .*row d: .*; \.\.\.\)"):
            BGNBD().fit([1] * 5, [1, 9, 9, 9, 9], [5] * 5, index=list("abcde"))

    def test_negative_weight(self):
        with pytest.raises(ValueError, match="weights is negative"):
            BGNBD().fit([2, 1], [5, 3], [9, 9], weights=[1, -1])

    def test_not_fitted(self):
        with pytest.raises(ValueError, match="not been fit"):
            BGNBD().predict(1, 1, 1, 2)
