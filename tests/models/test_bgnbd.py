"""The BG/NBD model; what it shares with the other purchase models is in test_purchase_models."""

import lifetimes
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import betaln

from models import BGNBD
from models._geometric_dropout import _by_integral, _by_series
from models.simulation import simulate_histories


def simulated(a, b, seed):
    drawn = simulate_histories("bgnbd", {"r": 0.5, "alpha": 5, "a": a, "b": b}, np.full(2000, 50.0), seed=seed)
    return drawn["frequency"], drawn["recency"], drawn["T"]


@pytest.fixture(scope="module")
def fitted(cdnow_histories):
    return BGNBD().fit(*cdnow_histories)


@pytest.fixture(scope="module")
def theirs(cdnow_histories):
    return lifetimes.BetaGeoFitter().fit(*cdnow_histories)


class TestPublishedNumbers:
    """Fader, Hardie & Lee (2005), and the spreadsheet that goes with it."""

    def test_estimates(self, fitted):
        assert fitted.params_.round(4).to_dict() == {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}

    def test_log_likelihood(self, fitted):
        assert fitted.log_likelihood_ == pytest.approx(-9582.4292, abs=5e-5)

    def test_standard_errors(self, fitted):
        assert fitted.standard_errors_["r"] == pytest.approx(0.0126, abs=5e-5)
        assert fitted.standard_errors_[["alpha", "a", "b"]].tolist() == pytest.approx([0.378, 0.186, 0.705], abs=6e-4)

    @pytest.mark.parametrize(("x", "t_x", "published"), [(0, 0, -0.59947382), (200, 38, 100.7957)])
    def test_log_likelihood_of_one_customer(self, with_params, x, t_x, published):
        model = with_params(BGNBD, 0.25, 4, 0.8, 2.5)
        assert model.log_likelihood(x, t_x, 40) == pytest.approx(published, abs=5e-5)

    def test_expected_purchases_of_one_customer(self, fitted):
        assert fitted.predict(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=5e-4)


class TestAgreesWithLifetimes:
    def test_estimates_and_objective(self, fitted, theirs):
        np.testing.assert_allclose(fitted.params_, theirs.params_, rtol=1e-6)
        assert fitted._negative_log_likelihood_ == pytest.approx(theirs._negative_log_likelihood_, rel=1e-12)
        np.testing.assert_allclose(fitted._hessian_, theirs._hessian_, atol=1e-6)

    def test_penalized(self, cdnow_histories):
        ours = BGNBD(penalizer_coef=0.1).fit(*cdnow_histories)
        theirs = lifetimes.BetaGeoFitter(penalizer_coef=0.1).fit(*cdnow_histories)
        np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-5)

    def test_predictions(self, cdnow_histories, fitted, theirs):
        for method in ["predict", "conditional_expected_number_of_purchases_up_to_time"]:
            ours = getattr(fitted, method)(39, *cdnow_histories)
            pd.testing.assert_series_equal(ours, getattr(theirs, method)(39, *cdnow_histories), rtol=1e-5)
        times = np.linspace(0, 200, 7)
        np.testing.assert_allclose(
            fitted.expected_number_of_purchases_up_to_time(times),
            theirs.expected_number_of_purchases_up_to_time(times),
            rtol=1e-5,
        )
        np.testing.assert_allclose(
            fitted.conditional_probability_alive(*cdnow_histories),
            theirs.conditional_probability_alive(*cdnow_histories),
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

    def test_probability_alive_is_an_array(self, fitted, theirs):
        for history in [(0, 0, 5), (2, 4.0, 5.0)]:
            ours, their = (model.conditional_probability_alive(*history) for model in (fitted, theirs))
            assert ours.shape == their.shape == (1,)


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
    def test_new_customer(self, with_params, r, alpha, a, b, t):
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
        ours = with_params(BGNBD, r, alpha, a, b).expected_number_of_purchases_up_to_time(t)
        assert ours == pytest.approx(expected, rel=1e-7)

    def test_series_and_integral_agree(self):
        random = np.random.default_rng(3)
        odds = 10 ** random.uniform(0.7, 1.5, 40)
        r, a, b = 10 ** random.uniform([-1, -4, -3], [2.5, 2, 3], (40, 3)).T
        r = np.maximum(r, 2 / odds)
        np.testing.assert_allclose(_by_integral(odds, r, a, b), _by_series(odds, r, a, b), rtol=1e-9)

    @pytest.mark.parametrize("a", [0.05, 0.7, 1.0, 1.3])
    def test_finite_where_lifetimes_fails(self, with_params, a):
        """Without repeat purchases its formula divides by a + b - 1, and its series needs a + b above 1."""
        model = with_params(BGNBD, 0.2, 4, a, 0.3)
        expected = model.predict(20, 0, 0.0, 50.0)
        never_leaves = 0.2 / (4 + 50.0) * 20
        assert 0.5 * never_leaves < expected < never_leaves


class TestLimits:
    def test_everybody_leaves_alike(self):
        with pytest.warns(UserWarning, match="leaves after a purchase with probability"):
            model = BGNBD().fit(*simulated(1e6, 4e6, seed=2))
        assert model.params_["a"] / model.params_[["a", "b"]].sum() == pytest.approx(0.2, abs=0.02)
        assert model.limits_ == ("a", "b")

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_leaving_is_all_or_nothing(self, seed):
        with pytest.warns(UserWarning, match=r"all or nothing: .* share of 0\.3"):
            model = BGNBD().fit(*simulated(1e-5, 2e-5, seed))
        assert model.limits_ == ("a", "b")

    def test_everybody_leaves_at_the_first_repeat_purchase(self):
        with pytest.warns(UserWarning, match="Nobody is seen to stay"):
            model = BGNBD().fit(*simulated(1e6, 1e-6, seed=0))
        assert model.limits_ == ("a", "b")
        assert model.conditional_probability_alive(1, 2.0, 50.0) == pytest.approx(0, abs=1e-4)
        assert model.expected_number_of_purchases_up_to_time(1e6) < 1
