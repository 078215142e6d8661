"""The modified BG/NBD model; what it shares with the other purchase models is in test_purchase_models."""

import lifetimes
import numpy as np
import pandas as pd
import pytest

from models import BGNBD, ModifiedBGNBD
from models.simulation import simulate_histories


class LifetimesFitter(lifetimes.ModifiedBetaGeoFitter):
    NAMES = ModifiedBGNBD.NAMES


@pytest.fixture(scope="module")
def fitted(cdnow_histories):
    return ModifiedBGNBD().fit(*cdnow_histories)


@pytest.fixture(scope="module")
def theirs(cdnow_histories):
    return lifetimes.ModifiedBetaGeoFitter().fit(*cdnow_histories)


class TestPublishedNumbers:
    """The CDNOW sample's, as the BTYDplus package and its vignette have them."""

    def test_estimates(self, fitted):
        assert fitted.params_.round(3).to_dict() == {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}

    def test_log_likelihood(self, fitted):
        assert fitted.log_likelihood_ == pytest.approx(-9582.14, abs=0.005)


class TestAgreesWithLifetimes:
    def test_estimates_and_objective(self, fitted, theirs):
        np.testing.assert_allclose(fitted.params_, theirs.params_, rtol=1e-4)
        assert fitted._negative_log_likelihood_ == pytest.approx(theirs._negative_log_likelihood_, rel=1e-9)
        assert fitted._negative_log_likelihood_ <= theirs._negative_log_likelihood_
        np.testing.assert_allclose(fitted._hessian_, theirs._hessian_, rtol=1e-3)
        np.testing.assert_allclose(fitted.standard_errors_, theirs.standard_errors_, rtol=1e-3)

    def test_penalized(self, cdnow_histories):
        ours = ModifiedBGNBD(penalizer_coef=0.1).fit(*cdnow_histories)
        theirs = lifetimes.ModifiedBetaGeoFitter(penalizer_coef=0.1).fit(*cdnow_histories)
        np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-4)
        assert ours._negative_log_likelihood_ <= theirs._negative_log_likelihood_

    def test_predictions(self, cdnow_histories, theirs, with_params):
        ours = with_params(ModifiedBGNBD, *theirs.params_)
        ours.data = theirs.data
        for method in ["predict", "conditional_expected_number_of_purchases_up_to_time"]:
            pd.testing.assert_series_equal(
                getattr(ours, method)(39, *cdnow_histories), getattr(theirs, method)(39, *cdnow_histories), rtol=1e-9
            )
        times = np.linspace(0, 200, 7)
        np.testing.assert_allclose(
            ours.expected_number_of_purchases_up_to_time(times),
            theirs.expected_number_of_purchases_up_to_time(times),
            rtol=1e-9,
            atol=1e-12,
        )
        np.testing.assert_allclose(
            ours.conditional_probability_alive(*cdnow_histories),
            theirs.conditional_probability_alive(*cdnow_histories),
            rtol=1e-9,
        )
        np.testing.assert_allclose(
            ours.conditional_probability_alive_matrix(), theirs.conditional_probability_alive_matrix(), rtol=1e-9
        )
        for n in range(0, 150, 10):
            assert ours.probability_of_n_purchases_up_to_time(20, n) == pytest.approx(
                theirs.probability_of_n_purchases_up_to_time(20, n), rel=1e-9, abs=1e-14
            )

    @pytest.mark.parametrize(
        ("values", "history"),
        [((0.5, 6.0, 1.0, 1.6), (2, 30.0, 38.0)), ((0.5, 6.0, 1.0, 1.6), (0, 0.0, 38.0))],
    )
    def test_expectation_at_a_pole_of_its_formula(self, with_params, values, history):
        ours, theirs = with_params(ModifiedBGNBD, *values), with_params(LifetimesFitter, *values)
        r, alpha, a, b = values
        with np.errstate(all="ignore"):
            assert not np.isfinite(theirs.conditional_expected_number_of_purchases_up_to_time(20, *history))
        above, below = (with_params(ModifiedBGNBD, r, alpha, a + by, b).predict(20, *history) for by in (1e-6, -1e-6))
        assert ours.predict(20, *history) == pytest.approx((above + below) / 2, rel=1e-10)

    def test_probability_of_hundreds_of_purchases(self, with_params):
        values = (3.0, 1.0, 0.9, 100.0)
        with np.errstate(all="ignore"):
            assert np.isnan(with_params(LifetimesFitter, *values).probability_of_n_purchases_up_to_time(60, 180))
        some = with_params(ModifiedBGNBD, *values).probability_of_n_purchases_up_to_time(60, np.arange(150, 210))
        assert (some > 1e-4).all()
        assert np.abs(np.diff(np.log(some))).max() < 0.05


class TestAnswersOfItsOwn:
    def test_a_customer_may_leave_at_the_first_purchase(self, with_params):
        never_bought_again = with_params(ModifiedBGNBD, 0.5, 6, 1.0, 3.0).conditional_probability_alive(
            0, 0, [0, 50, 1e9]
        )
        assert never_bought_again[0] == pytest.approx(3.0 / (1.0 + 3.0))
        assert never_bought_again[0] > never_bought_again[1] > never_bought_again[2]
        assert never_bought_again[2] < 1e-3

    def test_new_customer_makes_what_a_bgnbd_customer_does_if_there_is_one(self, with_params):
        """Who stays after the first purchase, with probability b / (a + b), is a BG/NBD customer from then on."""
        a, b = 0.9, 1.6
        ours = with_params(ModifiedBGNBD, 0.5, 6, a, b)
        who_stays = with_params(BGNBD, 0.5, 6, a, b + 1)
        for t in (1.0, 40.0, 4000.0):
            assert ours.expected_number_of_purchases_up_to_time(t) == pytest.approx(
                b / (a + b) * who_stays.expected_number_of_purchases_up_to_time(t), rel=1e-12
            )

    @pytest.mark.parametrize("seed", [0, 1, 3])
    def test_part_of_the_customers_gone_at_once(self, with_params, seed):
        """This likelihood has a second optimum, where nobody leaves and purchase rates differ the more."""
        params = {"r": 0.5, "alpha": 5.0, "a": 1e-5, "b": 2e-5}
        drawn = simulate_histories("modified_bgnbd", params, np.full(2000, 50.0), seed=seed)
        histories = drawn["frequency"], drawn["recency"], drawn["T"]
        with pytest.warns(UserWarning, match="all or nothing"):
            model = ModifiedBGNBD().fit(*histories)
        assert model.limits_ == ("a", "b")
        truth = with_params(ModifiedBGNBD, *params.values()).log_likelihood(*histories).sum()
        assert model.log_likelihood_ >= truth
        assert model.conditional_probability_alive(0, 0, 50.0) == pytest.approx(
            drawn["alive"][drawn["frequency"] == 0].mean(), abs=0.15
        )
        assert model.conditional_probability_alive(40, 40.0, 50.0) > 0.999
