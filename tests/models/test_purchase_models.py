"""What BG/NBD, modified BG/NBD and Pareto/NBD have in common."""

import warnings

import lifetimes
import matplotlib
import numpy as np
import pandas as pd
import pytest
from lifetimes import plotting
from lifetimes.utils import ConvergenceError
from matplotlib import pyplot as plt
from scipy.special import gamma, gammaincc, gammaln
from scipy.stats import chisquare

from models import BGNBD, ModifiedBGNBD, ParetoNBD
from models.simulation import simulate_histories

MODELS = (BGNBD, ModifiedBGNBD, ParetoNBD)
SIMULATED_AS = {BGNBD: "bgnbd", ModifiedBGNBD: "modified_bgnbd", ParetoNBD: "pareto_nbd"}
#: Usual parameters, in the order of NAMES.
USUAL = {BGNBD: (0.25, 4.4, 0.8, 2.4), ModifiedBGNBD: (0.5, 6.2, 0.9, 1.6), ParetoNBD: (0.55, 10.6, 0.6, 11.7)}
#: Frequent purchases, customers much alike.
FREQUENT = {BGNBD: (6.0, 3.0, 1.2, 20.0), ModifiedBGNBD: (6.0, 3.0, 1.2, 20.0), ParetoNBD: (6.0, 3.0, 2.5, 40.0)}
#: Most parameters below 1, where formulas of the literature have poles or alternate.
SMALL = {BGNBD: (0.2, 1.5, 0.3, 0.4), ModifiedBGNBD: (0.2, 1.5, 0.3, 0.4), ParetoNBD: (0.2, 1.5, 0.3, 0.4)}
HISTORIES = [(0, 0.0, 0.0), (0, 0.0, 30.0), (1, 2.0, 30.0), (12, 28.0, 30.0)]

every_model = pytest.mark.parametrize("fitter", MODELS, ids=lambda fitter: fitter.__name__)
some_parameters = pytest.mark.parametrize(
    "parameters", [USUAL, FREQUENT, SMALL], ids=["usual parameters", "frequent purchases", "small parameters"]
)
some_histories = pytest.mark.parametrize(
    "history", HISTORIES, ids=lambda history: "x={} t_x={:g} T={:g}".format(*history)
)

matplotlib.use("Agg")


def simulated(fitter, parameters, T, seed, ahead=0.0):
    params = dict(zip(fitter.NAMES, parameters, strict=True))
    return simulate_histories(SIMULATED_AS[fitter], params, T, ahead=ahead, seed=seed)


def histories(frame):
    return frame["frequency"], frame["recency"], frame["T"]


@pytest.fixture(scope="module", params=MODELS, ids=lambda fitter: fitter.__name__)
def fitted(request, cdnow_histories):
    """Each model, fitted to the CDNOW sample."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The mean lifetime is infinite", UserWarning)
        return request.param().fit(*cdnow_histories, index=cdnow_histories[0].index)


def confluent(s, z):
    """Tricomi's U(s, s, z), which is exp(z) times the upper incomplete gamma function of 1 - s at z.

    SciPy has the latter above 0 only; below, by recurrence. (Its own hyperu is good to 6 digits here.)
    """
    if s < 1:
        return np.exp(z) * gamma(1 - s) * gammaincc(1 - s, z)
    return (z ** (1 - s) - confluent(s - 1, z)) / (s - 1)


def refitted(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The mean lifetime is infinite", UserWarning)
        return type(model)().fit(*args, **kwargs)


class TestLikelihood:
    @every_model
    @pytest.mark.parametrize(
        "theta", [(0.24, 0.11, 0.8, 2.4), (30.0, 4.0, 0.01, 0.2), (0.02, 3.0, 40.0, 9.0), (1.0, 0.5, 1.0, 0.5)]
    )
    def test_derivatives_match_finite_differences(self, fitter, theta):
        theta = np.array(theta)
        rows = (
            np.array([0, 0, 1, 2, 7, 40, 300]),
            np.array([0, 0, 0.1, 0.4, 0.5, 0.9, 1.0]),
            np.array([0.3, 1.0, 0.8, 0.4, 1.0, 1.0, 1.0]),
            np.array([9.0, 4, 3, 2, 1, 1, 1]),
        )
        value, gradient, hessian = fitter._derivatives(theta, *rows)
        assert value == pytest.approx(rows[-1] @ fitter._log_likelihood(theta, *rows[:-1]), rel=1e-12)
        np.testing.assert_allclose(hessian, hessian.T, rtol=1e-13)
        for i, step in enumerate(1e-5 * np.diag(theta)):
            up, down = fitter._derivatives(theta + step, *rows), fitter._derivatives(theta - step, *rows)
            assert (up[0] - down[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-6, abs=1e-7 * abs(value))
            np.testing.assert_allclose(
                (up[1] - down[1]) / (2 * step[i]), hessian[i], rtol=1e-6, atol=1e-8 * np.abs(hessian[i]).max()
            )

    @every_model
    @some_parameters
    def test_histories_are_as_likely_as_they_occur(self, with_params, fitter, parameters):
        """The log-likelihood of what the model itself brings forth falls when any parameter is changed."""
        made = histories(simulated(fitter, parameters[fitter], np.linspace(5, 60, 40_000), seed=11))
        model = with_params(fitter, *parameters[fitter])
        at_truth = model.log_likelihood(*made)
        for name in fitter.NAMES:
            for factor in (0.5, 2.0):
                model.params_ = pd.Series(parameters[fitter], index=list(fitter.NAMES))
                model.params_[name] *= factor
                less = at_truth - model.log_likelihood(*made)
                assert less.mean() > 3 * less.std() / 200

    def test_adds_up(self, cdnow_histories, fitted):
        each = fitted.log_likelihood(*cdnow_histories)
        assert each.index.equals(cdnow_histories[0].index)
        assert each.sum() == pytest.approx(fitted.log_likelihood_, rel=1e-12)
        assert fitted.aic_ == pytest.approx(8 - 2 * fitted.log_likelihood_, rel=1e-14)
        assert fitted.bic_ == pytest.approx(4 * np.log(2357) - 2 * fitted.log_likelihood_, rel=1e-14)


class TestFit:
    def test_unit_of_time(self, cdnow_histories, fitted):
        x, t_x, T = cdnow_histories
        units = np.where(fitted.TIMES, 7.0, 1.0)
        daily = refitted(fitted, x, t_x * 7, T * 7)
        np.testing.assert_allclose(daily.params_, fitted.params_ * units, rtol=1e-7)
        np.testing.assert_allclose(daily.standard_errors_, fitted.standard_errors_ * units, rtol=1e-6)
        # A density in days is 7 times lower per purchase time.
        assert daily.log_likelihood_ == pytest.approx(fitted.log_likelihood_ - x.sum() * np.log(7), rel=1e-12)
        assert daily.predict(273, 2, 213.0, 272.0) == pytest.approx(fitted.predict(39, 2, 213 / 7, 272 / 7), rel=1e-7)

    def test_weights_stand_for_rows(self, cdnow_histories, fitted):
        counted = pd.concat(cdnow_histories, axis=1).groupby(["frequency", "recency", "T"]).size()
        assert len(counted) < len(cdnow_histories[0])
        distinct = counted.reset_index(name="weights")
        compressed = refitted(fitted, *histories(distinct), weights=distinct["weights"])
        np.testing.assert_allclose(compressed.params_, fitted.params_, rtol=1e-9)
        np.testing.assert_allclose(compressed.variance_matrix_, fitted.variance_matrix_, rtol=1e-7)
        assert compressed.bic_ == pytest.approx(fitted.bic_, rel=1e-12)

    def test_weight_of_zero_is_no_customer(self, cdnow_histories, fitted):
        weights = np.ones(2357)
        weights[:1000] = 0
        np.testing.assert_allclose(
            refitted(fitted, *cdnow_histories, weights=weights).params_,
            refitted(fitted, *(each[1000:] for each in cdnow_histories)).params_,
            rtol=1e-6,
        )

    @pytest.mark.parametrize("start", [[-5, -5, -5, -5], [3, 3, 3, 3], [0, 4, -4, 0]])
    def test_start(self, cdnow_histories, fitted, start):
        given = np.exp(start) if isinstance(fitted, ParetoNBD) else start
        again = refitted(fitted, *cdnow_histories, initial_params=given)
        np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-6)

    def test_variance_matrix_is_a_covariance(self, fitted):
        matrix = fitted.variance_matrix_.to_numpy()
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > 0
        np.testing.assert_allclose(fitted.standard_errors_**2, np.diag(matrix), rtol=1e-12)
        low, high = (fitted.confidence_intervals_[f"{side} 95% bound"] for side in ("lower", "upper"))
        np.testing.assert_allclose((low + high) / 2, fitted.params_, rtol=1e-12)
        np.testing.assert_allclose((high - low) / 2, 1.96 * fitted.standard_errors_, rtol=1e-12)

    @every_model
    @pytest.mark.parametrize("parameters", [USUAL, FREQUENT], ids=["usual parameters", "frequent purchases"])
    def test_finds_the_parameters_that_made_the_data(self, fitter, parameters):
        truth = np.array(parameters[fitter])
        made = histories(simulated(fitter, truth, np.linspace(20, 80, 20_000), seed=5))
        model = refitted(fitter(), *made)
        assert (np.abs(model.params_ - truth) < 3 * model.standard_errors_).all()
        assert (model.standard_errors_ < 0.2 * truth).all()

    @every_model
    def test_too_few_steps(self, cdnow_histories, fitter):
        with pytest.raises(ConvergenceError, match="did not converge from any of its starts within 2 steps"):
            fitter().fit(*cdnow_histories, maxiter=2)


class TestLimits:
    @every_model
    def test_nobody_leaves(self, fitter):
        made = simulated(BGNBD, (0.5, 5, 1e-12, 1.0), np.full(500, 50.0), seed=1)
        with pytest.warns(UserWarning, match="Nobody is seen to leave"):
            model = fitter().fit(*histories(made))
        assert model.limits_ == fitter.NAMES[2:]
        assert model.conditional_probability_alive(*histories(made)).min() > 0.999
        assert model.standard_errors_.isna().tolist() == [False, False, True, True]
        assert model.variance_matrix_.isna().sum().sum() == 12
        # What is left is the negative binomial: its mean forecast is r / alpha a unit of time.
        rate = model.params_["r"] / model.params_["alpha"]
        assert model.expected_number_of_purchases_up_to_time(10) == pytest.approx(10 * rate, rel=1e-3)

    @every_model
    def test_everybody_buys_at_one_rate(self, fitter):
        parameters = (1e9, 1e10, *FREQUENT[fitter][2:])
        made = simulated(fitter, parameters, np.full(400, 50.0), seed=1)
        with pytest.warns(UserWarning, match="everybody buys"):
            model = fitter().fit(*histories(made))
        assert model.params_["r"] / model.params_["alpha"] == pytest.approx(0.1, rel=0.05)
        assert model.limits_ == ("r", "alpha")
        assert model.standard_errors_.isna().tolist() == [True, True, False, False]

    @every_model
    @pytest.mark.parametrize(
        "ledger",
        [
            ([0, 1], [0, 5], [10, 20]),
            ([1], [5], [10]),
            ([100], [9], [10]),
            ([0] * 50 + [1] * 50, [0] * 50 + list(range(1, 51)), [60] * 100),
            ([0] * 99 + [1], [0] * 99 + [1], [1000] * 100),
            ([10_000] * 30, [9_999] * 30, [10_000] * 30),
            ([3, 3], [10, 10], [10, 10]),
        ],
        ids=[
            "two customers",
            "one customer",
            "one customer, often",
            "nobody twice",
            "one repeat of a hundred",
            "ten thousand purchases",
            "no silence",
        ],
    )
    def test_every_ledger_with_a_repeat_purchase_is_fitted(self, fitter, ledger):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            model = fitter().fit(*ledger)
        assert [warning for warning in caught if warning.category is UserWarning]
        assert np.isfinite(model.params_).all() and (model.params_ > 0).all()
        assert np.isfinite(model.log_likelihood_)
        assert model.limits_
        assert model.standard_errors_[list(model.limits_)].isna().all()
        assert (model.standard_errors_.drop(list(model.limits_)) > 0).all()
        expected = model.predict(52, *ledger)
        assert np.isfinite(expected).all() and (expected >= 0).all()

    def test_ordinary_data_warn_of_nothing_but_an_infinite_mean(self, cdnow_histories, fitted):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            assert type(fitted)().fit(*cdnow_histories).limits_ == ()
        said = [str(warning.message) for warning in caught if warning.category is UserWarning]
        assert len(said) == isinstance(fitted, ParetoNBD)
        assert all("The mean lifetime is infinite" in each for each in said)


class TestDistributions:
    @every_model
    @some_parameters
    @some_histories
    def test_sums_to_one_and_has_the_expected_mean(self, with_params, fitter, parameters, history):
        model = with_params(fitter, *parameters[fitter])
        for t in (0.0, 0.1, 10.0, 25.0):
            n = np.arange(2000)
            probability = model.conditional_probability_of_n_purchases_up_to_time(n, t, *history)
            assert (probability >= 0).all()
            assert probability.sum() == pytest.approx(1, abs=1e-11)
            assert n @ probability == pytest.approx(model.predict(t, *history), rel=1e-9, abs=1e-15)

    @every_model
    @some_parameters
    @some_histories
    def test_agrees_with_samples(self, with_params, fitter, parameters, history):
        model = with_params(fitter, *parameters[fitter])
        x, _, T = (np.array(float(each)) for each in history)
        process = fitter._while_alive(model._theta, x, T)
        drawn = process.sample(np.full(100_000, 12.0), np.random.default_rng(8))
        n = np.arange(drawn.max() + 1)
        expected = process.exactly(n, np.array(12.0)) * len(drawn)
        assert drawn.mean() == pytest.approx(process.expected(np.array([12.0]))[0], abs=4.5 * drawn.std() / 300)
        enough = expected >= 10
        seen = np.append(np.bincount(drawn)[enough], (~enough)[drawn].sum())
        likely = np.append(expected[enough], len(drawn) - expected[enough].sum())
        assert (
            chisquare(seen[likely > 5], likely[likely > 5] * seen[likely > 5].sum() / likely[likely > 5].sum()).pvalue
            > 1e-4
        )

    @every_model
    @some_parameters
    def test_at_least_is_the_sum_of_exactly(self, with_params, fitter, parameters):
        model = with_params(fitter, *parameters[fitter])
        process = fitter._while_alive(model._theta, np.array(3.0), np.array(20.0))
        n = np.arange(2000)
        exactly = process.exactly(n, np.array(15.0))
        np.testing.assert_allclose(
            process.at_least(n, np.array(15.0)), exactly[::-1].cumsum()[::-1], rtol=1e-8, atol=1e-13
        )

    @every_model
    @some_parameters
    def test_forecasts_hold_for_simulated_customers(self, with_params, fitter, parameters):
        """Forecasts from the histories, on average, against what the same customers went on to do."""
        model = with_params(fitter, *parameters[fitter])
        made = simulated(fitter, parameters[fitter], np.linspace(1, 60, 40_000), seed=6, ahead=20.0)
        ahead = made["purchases_ahead"]
        given = histories(made)
        forecasts = [
            (ahead, model.predict(20.0, *given)),
            (made["alive"], model.conditional_probability_alive(*given)),
            (ahead > 0, model.conditional_probability_of_purchase_up_to_time(20.0, *given)),
            (ahead == 1, model.conditional_probability_of_n_purchases_up_to_time(1, 20.0, *given)),
            (ahead == 2, model.conditional_probability_of_n_purchases_up_to_time(2, 20.0, *given)),
        ]
        for group in (made["frequency"] == 0, made["frequency"] == 1, made["frequency"] > 1):
            for happened, forecast in forecasts:
                off = (happened - forecast)[group]
                assert abs(off.mean()) <= 4.5 * off.std() / np.sqrt(len(off)) + 1e-12

    @every_model
    @some_parameters
    def test_new_customer_is_one_without_history(self, with_params, fitter, parameters):
        model = with_params(fitter, *parameters[fitter])
        for t in (0.5, 30.0):
            stays = parameters[fitter][3] / sum(parameters[fitter][2:]) if fitter is ModifiedBGNBD else 1
            assert model.conditional_probability_alive(0, 0.0, 0.0) == pytest.approx(stays, rel=1e-14)
            assert model.expected_number_of_purchases_up_to_time(t) == model.predict(t, 0, 0.0, 0.0)
            np.testing.assert_array_equal(
                model.probability_of_n_purchases_up_to_time(t, np.arange(5)),
                model.conditional_probability_of_n_purchases_up_to_time(np.arange(5), t, 0, 0.0, 0.0),
            )


class TestNextPurchase:
    @every_model
    @some_parameters
    @some_histories
    def test_time_is_the_inverse_of_the_probability(self, with_params, fitter, parameters, history):
        model = with_params(fitter, *parameters[fitter])
        t = np.array([0.01, 1.0, 50.0])
        probability = model.conditional_probability_of_purchase_up_to_time(t, *history)
        none = model.conditional_probability_of_n_purchases_up_to_time(0, t, *history)
        np.testing.assert_allclose(probability, 1 - none, rtol=1e-11, atol=1e-15)
        assert (np.diff(probability) > 0).all()
        for time, reached in zip(t, probability, strict=True):
            assert model.time_of_next_purchase(reached, *history) == pytest.approx(time, rel=1e-7)

    @every_model
    def test_never_comes_with_more_than_the_probability_of_being_alive(self, with_params, fitter):
        model = with_params(fitter, *USUAL[fitter])
        history = (3, 5.0, 60.0)
        alive = float(np.squeeze(model.conditional_probability_alive(*history)))
        assert 0 < alive < 0.5
        assert model.time_of_next_purchase(alive * 1.01, *history) == np.inf
        assert np.isfinite(model.time_of_next_purchase(alive * 0.5, *history))
        silences = model.time_of_next_purchase(0.2, np.full(3, 3), np.full(3, 5.0), np.array([6.0, 10.0, 20.0]))
        assert (np.diff(silences) > 0).all()

    @every_model
    @pytest.mark.parametrize("probability", [0.5, 0.9])
    def test_overdue_by_its_definition(self, with_params, fitter, probability):
        """Of customers who don't leave, this share has bought again by that age, whatever the wait before."""
        r, alpha = USUAL[fitter][:2]
        random = np.random.default_rng(4)
        for x in (1, 2, 10):
            rate = random.gamma(r, 1 / alpha, 40_000)
            t_x = random.gamma(x, 1 / rate)
            t_x, rate = t_x[t_x < 200], rate[t_x < 200]
            bought_by = t_x + random.exponential(1 / rate)
            overdue = with_params(fitter, *USUAL[fitter]).overdue_after(x, t_x, probability)
            assert (overdue > t_x).all()
            in_time = bought_by <= overdue
            for part in (t_x < np.median(t_x), t_x >= np.median(t_x)):
                error = np.sqrt(probability * (1 - probability) / part.sum())
                assert in_time[part].mean() == pytest.approx(probability, abs=4.5 * error)

    @every_model
    def test_overdue_sooner_for_who_buys_more_often(self, with_params, fitter):
        overdue = with_params(fitter, *USUAL[fitter]).overdue_after([1, 2, 4, 8, 200], 20.0)
        assert (np.diff(overdue) < 0).all() and overdue[-1] > 20


class TestDiscounting:
    @every_model
    @some_parameters
    @some_histories
    @pytest.mark.parametrize("discount_rate", [0.002, 0.1])
    def test_equals_quadrature(self, with_params, fitter, parameters, history, discount_rate):
        model = with_params(fitter, *parameters[fitter])
        points, weights = np.polynomial.legendre.leggauss(20)
        edges = np.linspace(-30, 0, 31)

        def integral(horizon):
            """Of exp(-delta t) dE[X(t)], by parts and in log t."""
            half = (edges[1] - edges[0]) / 2
            t = horizon * np.exp((edges[:-1, np.newaxis] + half * (points + 1)).ravel())
            each = discount_rate * t * np.exp(-discount_rate * t) * model.predict(t, *history)
            end = np.exp(-discount_rate * horizon) * model.predict(horizon, *history)
            return end + half * np.tile(weights, len(edges) - 1) @ each

        value = model.discounted_expected_residual_transactions
        for horizon in (1.0, 52.0):
            assert value(discount_rate, *history, horizon=horizon) == pytest.approx(integral(horizon), rel=1e-8)
        assert value(discount_rate, *history) == pytest.approx(integral(60 / discount_rate), rel=1e-8)

    @every_model
    @some_parameters
    def test_finite_horizon_tends_to_the_infinite_one(self, with_params, fitter, parameters):
        model = with_params(fitter, *parameters[fitter])
        histories = np.array(HISTORIES).T
        for_ever = model.discounted_expected_residual_transactions(0.01, *histories)
        by_horizon = [
            model.discounted_expected_residual_transactions(0.01, *histories, horizon=t)
            for t in (50, 500, 1000, 4000, 1e5, 1e9)
        ]
        assert (np.diff(by_horizon[:3], axis=0) > 0).all()
        assert (by_horizon[2] < for_ever).all()
        for value in by_horizon[3:]:
            np.testing.assert_allclose(value, for_ever, rtol=1e-7)

    @every_model
    @some_parameters
    def test_without_discount_the_expectation(self, with_params, fitter, parameters):
        model = with_params(fitter, *parameters[fitter])
        histories = np.array(HISTORIES).T
        np.testing.assert_allclose(
            model.discounted_expected_residual_transactions(0, *histories, horizon=52.0),
            model.predict(52.0, *histories),
            rtol=1e-13,
        )
        assert model.discounted_expected_residual_transactions(0.1, 2, 3.0, 4.0, horizon=0) == 0

    @every_model
    def test_without_discount_for_ever_is_refused(self, with_params, fitter):
        with pytest.raises(ValueError, match="only if discount_rate is above 0"):
            with_params(fitter, *USUAL[fitter]).discounted_expected_residual_transactions(0, 2, 3.0, 4.0)

    @pytest.mark.parametrize("values", [USUAL[ParetoNBD], FREQUENT[ParetoNBD], (0.6, 8.0, 1.3, 20.0)])
    @some_histories
    def test_closed_form_of_pareto_nbd(self, with_params, values, history):
        """Fader, Hardie & Lee (2005), RFM and CLV, equation (2)."""
        model = with_params(ParetoNBD, *values)
        r, alpha, s, beta = values
        x, _, T = history
        for delta in (0.002, 0.02, 0.3):
            log_value = (
                r * np.log(alpha)
                + s * np.log(beta)
                + (s - 1) * np.log(delta)
                + gammaln(r + x + 1)
                + np.log(confluent(s, delta * (beta + T)))
                - gammaln(r)
                - (r + x + 1) * np.log(alpha + T)
                - model.log_likelihood(*history)
            )
            ours = model.discounted_expected_residual_transactions(delta, *history)
            assert ours == pytest.approx(np.exp(log_value), rel=1e-7)

    @every_model
    @some_parameters
    def test_customer_acquired_today(self, with_params, fitter, parameters):
        """Against the discounted purchases of simulated customers, who buy in any month as the model has it."""
        model = with_params(fitter, *parameters[fitter])
        made = simulated(fitter, parameters[fitter], np.full(40_000, 30.0), seed=9)
        # Given the last, the purchases before are uniform up to it.
        x, t_x = made["frequency"].to_numpy(), made["recency"].to_numpy()
        before = np.maximum(x - 1, 0)
        times = np.random.default_rng(1).random(before.sum()) * np.repeat(t_x, before)
        worth = np.bincount(np.repeat(np.arange(len(x)), before), np.exp(-0.05 * times), len(x))
        worth += np.where(x > 0, np.exp(-0.05 * t_x), 0)
        value = model.discounted_expected_transactions(0.05, horizon=30.0)
        assert isinstance(value, float)
        assert worth.mean() == pytest.approx(value, abs=4.5 * worth.std() / 200)
        assert value < model.discounted_expected_transactions(0.05)


class TestExtremes:
    """Up to ten thousand purchases and units of time, and where the literature's formulas have no value."""

    @every_model
    @some_parameters
    @pytest.mark.parametrize(("x", "t_x"), [(0, 0.0), (1, 0.001), (1, 1e4), (300, 1e4), (10_000, 10.0), (10_000, 1e4)])
    def test_forecasts(self, with_params, fitter, parameters, x, t_x):
        model = with_params(fitter, *parameters[fitter])
        r, alpha = parameters[fitter][:2]
        t = np.array([0.0, 1e-6, 1.0, 1e4, 1e9])
        history = (x, t_x, 1e4)
        assert np.isfinite(model.log_likelihood(*history))
        alive = float(np.squeeze(model.conditional_probability_alive(*history)))
        assert 0 <= alive <= 1
        expected = model.predict(t, *history)
        assert np.isfinite(expected).all() and (np.diff(expected) >= 0).all() and expected[0] == 0
        assert (expected <= alive * (r + x) / (alpha + 1e4) * t * (1 + 1e-12)).all()
        for probability in (
            model.conditional_probability_of_purchase_up_to_time(t, *history),
            model.conditional_probability_of_n_purchases_up_to_time(np.array([[0], [1], [9999]]), t, *history),
        ):
            assert ((probability >= 0) & (probability <= 1)).all()
        assert model.time_of_next_purchase(0.3, *history) > 0
        assert 0 < model.discounted_expected_residual_transactions(0.001, *history) < np.inf or alive == 0

    @every_model
    @some_parameters
    def test_probability_of_many_purchases_in_a_long_time(self, with_params, fitter, parameters):
        model = with_params(fitter, *parameters[fitter])
        n = np.array([0, 1, 10, 171, 1000, 10_000, 1_000_000])
        for t in (1.0, 1e3, 1e5, 1e8):
            probability = model.probability_of_n_purchases_up_to_time(t, n)
            assert ((probability >= 0) & (probability <= 1)).all()
            assert (probability[t * 10 > n] > 0).all() if t >= 1e3 else probability[0] > 0

    @every_model
    def test_sum_over_tens_of_thousands_of_purchases(self, with_params, fitter):
        model = with_params(fitter, *FREQUENT[fitter])
        n = np.arange(60_000)
        assert model.probability_of_n_purchases_up_to_time(2000.0, n).sum() == pytest.approx(1, abs=1e-9)

    @every_model
    def test_no_dropout_worth_the_name(self, with_params, fitter):
        """All digits kept where dropout is nearly impossible: the negative binomial's expectation."""
        leaving = (1e-9, 1e9) if fitter is ParetoNBD else (1e-12, 1.0)
        model = with_params(fitter, 0.8, 6.0, *leaving)
        assert model.predict(100, 5, 20.0, 30.0) == pytest.approx((0.8 + 5) / (6.0 + 30) * 100, rel=1e-9)


class TestIsALifetimesFitter:
    def test_class_and_repr(self, fitted):
        assert isinstance(fitted, lifetimes.BetaGeoFitter | lifetimes.ParetoNBDFitter)
        told = ", ".join(f"{name}: {fitted.params_[name]:.2f}" for name in sorted(fitted.NAMES))
        assert repr(fitted) == f"<lifetimes.{type(fitted).__name__}: fitted with 2357 subjects, {told}>"
        assert repr(type(fitted)()) == f"<lifetimes.{type(fitted).__name__}>"

    def test_summary(self, fitted):
        assert list(fitted.summary) == ["coef", "se(coef)", "lower 95% bound", "upper 95% bound"]
        assert fitted.summary.index.tolist() == list(fitted.NAMES)
        assert np.isfinite(fitted.summary).all(axis=None)

    def test_data(self, cdnow_histories, fitted):
        assert list(fitted.data) == ["frequency", "recency", "T", "weights"]
        assert fitted.data.index.equals(cdnow_histories[0].index)
        np.testing.assert_array_equal(fitted.data["recency"], cdnow_histories[1])
        assert (fitted.data["weights"] == 1).all()

    @pytest.mark.parametrize("without", [[], ["save_data"], ["save_generate_data_method"]])
    def test_saved_and_loaded(self, fitted, tmp_path, without):
        fitted.save_model(tmp_path / "model.pkl", **dict.fromkeys(without, False))
        loaded = type(fitted)()
        loaded.load_model(tmp_path / "model.pkl")
        pd.testing.assert_series_equal(loaded.params_, fitted.params_)
        pd.testing.assert_frame_equal(loaded.summary, fitted.summary)
        assert loaded.predict(39, 2, 30, 38) == fitted.predict(39, 2, 30, 38)
        assert loaded.aic_ == fitted.aic_
        assert (loaded.data is None) == ("save_data" in without)
        assert fitted.data is not None
        if without == ["save_generate_data_method"]:
            assert loaded.generate_new_data is None
            assert fitted.generate_new_data is not None

    @pytest.mark.parametrize(
        ("plot", "options"),
        [
            (plotting.plot_period_transactions, {}),
            (plotting.plot_frequency_recency_matrix, {"max_frequency": 4, "max_recency": 9}),
            (plotting.plot_probability_alive_matrix, {}),
            (plotting.plot_transaction_rate_heterogeneity, {}),
        ],
        ids=lambda given: getattr(given, "__name__", ""),
    )
    def test_plots(self, fitted, plot, options):
        assert plot(fitted, **options) is not None
        plt.close("all")

    def test_plot_of_dropout_probabilities(self, fitted):
        """lifetimes draws the beta distribution, which Pareto/NBD has not."""
        if isinstance(fitted, ParetoNBD):
            with pytest.raises(KeyError):
                plotting.plot_dropout_rate_heterogeneity(fitted)
        else:
            assert plotting.plot_dropout_rate_heterogeneity(fitted) is not None
        plt.close("all")

    def test_plot_of_calibration_and_holdout(self, cdnow_histories, fitted):
        matrix = pd.concat(cdnow_histories, axis=1).set_axis(["frequency_cal", "recency_cal", "T_cal"], axis=1)
        matrix["frequency_holdout"], matrix["duration_holdout"] = 1, 39
        for kind in ("frequency_cal", "recency_cal", "T_cal", "time_since_last_purchase"):
            assert plotting.plot_calibration_purchases_vs_holdout_purchases(fitted, matrix, kind=kind) is not None
            plt.close("all")

    def test_generated_data(self, fitted):
        np.random.seed(0)  # noqa: NPY002
        made = fitted.generate_new_data(size=500)
        assert {"frequency", "recency", "T", "alive"} <= set(made)
        assert len(made) == 500

    def test_inputs_of_every_shape(self, fitted):
        assert isinstance(fitted.predict(39, 2, 30.0, 38.0), float)
        assert fitted.predict(np.array([1.0, 2.0]), 2, 30.0, 38.0).shape == (2,)
        assert fitted.predict(5, np.ones((2, 3)), 1.0, 2.0).shape == (2, 3)
        assert fitted.expected_number_of_purchases_up_to_time(range(4)).shape == (4,)
        index = pd.Index(["x", "y"])
        one_by_one = [pd.Series(values, index=index) for values in ([2, 0], [30.0, 0.0], [38.0, 38.0])]
        for series in (
            fitted.predict(5, *one_by_one),
            fitted.conditional_probability_alive(*one_by_one),
            fitted.conditional_probability_of_n_purchases_up_to_time(1, 5, *one_by_one),
            fitted.conditional_probability_of_purchase_up_to_time(5, *one_by_one),
            fitted.time_of_next_purchase(0.2, *one_by_one),
            fitted.overdue_after(*one_by_one[:2]),
            fitted.discounted_expected_residual_transactions(0.1, *one_by_one),
            fitted.log_likelihood(*one_by_one),
        ):
            assert series.index.equals(index)
        for name, arguments in {
            "predict": (5,),
            "conditional_probability_of_purchase_up_to_time": (5,),
            "time_of_next_purchase": (0.2,),
            "discounted_expected_residual_transactions": (0.1,),
        }.items():
            many = getattr(fitted, name)(*arguments, *one_by_one)
            assert many["x"] == pytest.approx(getattr(fitted, name)(*arguments, 2, 30.0, 38.0), rel=1e-12)


@every_model
class TestRefusals:
    def test_no_repeat_purchase(self, fitter):
        with pytest.raises(ConvergenceError, match="No customer has a repeat purchase"):
            fitter().fit([0, 0], [0, 0], [10, 20])
        with pytest.raises(ConvergenceError, match="No customer has a repeat purchase"):
            fitter().fit([0, 3], [0, 5], [10, 20], weights=[1, 0])

    @pytest.mark.parametrize(
        ("x", "t_x", "T", "said"),
        [
            ([2, np.nan], [5, 0], [9, 9], "frequency is missing or infinite in 1 of 2 rows"),
            ([2, None], [5, 0], [9, 9], "frequency is missing or infinite in 1 of 2 rows"),
            ([2, 1], [5, 4], [9, np.inf], "T is missing or infinite in 1 of 2 rows"),
            ([2, 1.5], [5, 3], [9, 9], "frequency is not a whole number"),
            ([2, -1], [5, 3], [9, 9], "frequency is negative"),
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
            ([2, "many"], [5, 3], [9, 9], "frequency must hold numbers"),
            ([], [], [], "empty"),
        ],
    )
    def test_impossible_histories(self, fitter, x, t_x, T, said):
        with pytest.raises(ValueError, match=said):
            fitter().fit(x, t_x, T)

    def test_shows_three_rows_by_name_and_counts_the_rest(self, fitter):
        with pytest.raises(ValueError, match=r"4 of 5 rows \(row b: .*row c: .*row d: .*; \.\.\.\)"):
            fitter().fit([1] * 5, [1, 9, 9, 9, 9], [5] * 5, index=list("abcde"))

    @pytest.mark.parametrize("weight", [-1, np.nan, np.inf])
    def test_impossible_weights(self, fitter, weight):
        with pytest.raises(ValueError, match=r"weights is .* in 1 of 2 rows \(row 1: .*weights"):
            fitter().fit([2, 1], [5, 3], [9, 9], weights=[1, weight])

    def test_not_fitted(self, fitter):
        with pytest.raises(ValueError, match="not been fit"):
            fitter().predict(1, 1, 1, 2)
