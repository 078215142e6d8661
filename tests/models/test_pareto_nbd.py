"""The Pareto/NBD model; what it shares with the other purchase models is in test_purchase_models.

Numbers marked as exact were integrated with mpmath, at 30 digits.
"""

from typing import Any

import lifetimes
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from models import ParetoNBD
from models._exponential_dropout import ExponentialDropout, log_of_silence
from models.simulation import simulate_histories

PUBLISHED = (0.5532, 10.576, 0.6062, 11.67)
USUAL = (0.55, 10.6, 0.6, 11.7)


def simulated(params, customers=1000, youngest=20.0, oldest=50.0, seed=0) -> tuple[Any, Any, Any]:
    named = dict(zip(ParetoNBD.NAMES, params, strict=True))
    drawn = simulate_histories("pareto_nbd", named, np.linspace(youngest, oldest, customers), seed=seed)
    return drawn["frequency"], drawn["recency"], drawn["T"]


@pytest.fixture(scope="module")
def fitted(cdnow_histories):
    return ParetoNBD().fit(*cdnow_histories)


@pytest.fixture(scope="module")
def theirs(fitted):
    """Lifetimes' fitter at our estimates: its own end up to a thousandth away."""
    model = lifetimes.ParetoNBDFitter()
    model.params_, model.data = fitted.params_, fitted.data
    return model


class TestPublishedNumbers:
    """Fader, Hardie & Lee (2005), table 2."""

    def test_estimates(self, fitted):
        assert fitted.params_.round(3).to_dict() == {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}

    def test_log_likelihood(self, cdnow_histories, fitted, with_params):
        assert fitted.log_likelihood_ == pytest.approx(-9594.98, abs=5e-3)
        at_published = with_params(ParetoNBD, *PUBLISHED).log_likelihood(*cdnow_histories).sum()
        assert fitted.log_likelihood_ - 1e-5 < at_published < fitted.log_likelihood_

    def test_standard_errors(self, fitted):
        assert fitted.standard_errors_["r"] == pytest.approx(0.0476, abs=5e-5)
        assert fitted.standard_errors_[["alpha", "s"]].tolist() == pytest.approx([0.843, 0.187], abs=5e-4)
        assert fitted.standard_errors_["beta"] == pytest.approx(6.21, abs=5e-3)


class TestAgreesWithLifetimes:
    def test_log_likelihood(self, cdnow_histories, fitted, theirs):
        values = theirs._conditional_log_likelihood(fitted.params_.to_numpy(), *cdnow_histories)
        np.testing.assert_allclose(fitted.log_likelihood(*cdnow_histories), values, rtol=1e-9)

    def test_penalized_objective(self, cdnow_histories):
        model = ParetoNBD(penalizer_coef=0.1).fit(*cdnow_histories)
        x, t_x, T = cdnow_histories
        theta = model.params_.to_numpy() * [1, model._scale, 1, model._scale]
        weights = np.ones(len(x))
        value = lifetimes.ParetoNBDFitter._negative_log_likelihood(
            theta, x, t_x * model._scale, T * model._scale, weights, 0.1
        )
        penalty = 0.1 * (theta**2).sum()
        assert model._negative_log_likelihood_ == pytest.approx((value - penalty) / len(x) + penalty, rel=1e-10)

    @pytest.mark.parametrize("t", [1.0, 39.0, 500.0])
    def test_expectations(self, cdnow_histories, fitted, theirs, t):
        for method in ("predict", "conditional_expected_number_of_purchases_up_to_time"):
            expected = theirs.conditional_expected_number_of_purchases_up_to_time(t, *cdnow_histories)
            pd.testing.assert_series_equal(getattr(fitted, method)(t, *cdnow_histories), expected, rtol=1e-8)
        expected = theirs.expected_number_of_purchases_up_to_time(t)
        assert fitted.expected_number_of_purchases_up_to_time(t) == pytest.approx(expected, rel=1e-12)

    def test_probability_alive(self, cdnow_histories, fitted, theirs):
        alive = theirs.conditional_probability_alive(*cdnow_histories)
        pd.testing.assert_series_equal(fitted.conditional_probability_alive(*cdnow_histories), alive, rtol=1e-9)

    def test_probability_alive_matrix(self, fitted, theirs):
        np.testing.assert_allclose(
            fitted.conditional_probability_alive_matrix(6, 20), theirs.conditional_probability_alive_matrix(6, 20)
        )

    @pytest.mark.parametrize("n", [0, 1, 4])
    def test_probability_of_n_purchases(self, cdnow_histories, fitted, theirs, n):
        ours = fitted.conditional_probability_of_n_purchases_up_to_time(n, 39, *cdnow_histories)
        expected = theirs.conditional_probability_of_n_purchases_up_to_time(n, 39, *cdnow_histories)
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9)

    def test_start_is_of_plain_parameters(self, cdnow_histories, fitted):
        x, t_x, T = cdnow_histories
        again = ParetoNBD().fit(x, t_x, T, initial_params=np.array([0.5, 0.2, 0.5, 0.2]))
        np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-6)

    @pytest.mark.parametrize("start", [[0.5, 0.2, 0.5, -1.0], [0.5, 0.2, 0.5]])
    def test_start_that_is_none(self, cdnow_histories, start):
        x, t_x, T = cdnow_histories
        with pytest.raises(ValueError, match="four numbers above 0"):
            ParetoNBD().fit(x, t_x, T, initial_params=start)


class TestLikelihood:
    @pytest.mark.parametrize(
        ("theta", "history", "exact"),
        [
            ((0.55, 10.6, 0.6, 11.7), (2, 30.43, 38.86), -9.54852813452234),
            ((0.55, 10.6, 0.6, 11.7), (0, 0.0, 38.86), -0.52043282260325),
            ((5.0, 0.3, 2.5, 0.02), (40, 0.4, 1.0), 122.078354306119),
            ((0.05, 2.0, 0.2, 0.01), (7, 0.1, 0.9), -3.31568835691321),
            ((0.419682773686822, 1.1823101291500966, 3.6223083563418816, 281.2537392024602),
             (300, 2289.845171998719, 2289.845400983259), -921.3711815516327),
            ((8.501685856877511, 0.9608039012687515, 0.0024709450225419197, 1230.4701602802031),
             (10000, 1.6504590838704784e-05, 165.04590838704786), 82545.779520735),
            ((0.5080421360417874, 0.8839562166785858, 0.020714532355701882, 0.005772073426561909),
             (300, 0.0008071478655146255, 8071.478655146256), 1443.285730893735),
            ((996.8823071104184, 4814.199947565978, 3708.6376675204324, 3.8681164628077136),
             (0, 0.0, 118.77174415180824), -0.00021601056544438236),
            ((6497.791913458972, 3.20330211892346, 5894.83855391026, 3.5811354982374253),
             (1, 1.6348354397905961e-06, 16.34835439790596), 6.8059149269113774),
            ((4.634277716244286, 10.696164932463773, 8860.99917053188, 307.3546937162998),
             (10000, 969.6079045317919, 969.6079046287526), 620.029570458897),
        ],
    )  # fmt: skip
    def test_exact(self, with_params, theta, history, exact):
        assert with_params(ParetoNBD, *theta).log_likelihood(*history) == pytest.approx(exact, rel=1e-11)

    @pytest.mark.parametrize(
        ("theta", "history", "gradient", "hessian"),
        [
            (
                (0.55, 10.6, 0.6, 11.7),
                (2, 30.43, 38.86),
                [0.514964356428, -0.00424825701193, -0.740860696381, 0.426067930952],
                [-0.610476239756, 0.4299535429, 0.00685201106969, -0.00180179515923, -0.433032187487, -0.00727845143199,
                 0.00191568043056, -0.743563629474, 0.426772819557, -0.124001785944],
            ),
            (
                (0.55, 10.6, 0.6, 11.7),
                (0, 0.0, 38.86),
                [-0.472761123465, 0.27854345884, 0.214004529216, -0.149023046323],
                [-0.376201212996, 0.234435560075, 0.212823185901, -0.153408823048, -0.07863264315, -0.0919130542046,
                 0.0707667279417, 0.0633564799833, -0.0495423630656, 0.0082637925241],
            ),
            (
                (5.0, 0.3, 2.5, 0.02),
                (40, 0.4, 1.0),
                [7.10984308358, -13.9052363556, -6.69408786122, 2.33867705538],
                [2.14869788996, 2.86178468012, 0.00824927667436, -0.000515758111773, -10.8202097221, -0.0305796606358,
                 0.00191305766627, -7.68738541527, 2.38435012102, -0.153853461601],
            ),
            (
                (0.05, 2.0, 0.2, 0.01),
                (7, 0.1, 0.9),
                [1.10996911686, -5.89129051001, 0.0515979832854, 0.153691202195],
                [0.106559294582, 0.0033049278255, 0.00343661376433, -0.000204227490869, -0.342414794119,
                 -0.387193539916, 0.0234663648231, -0.365771744403, 0.175229456365, -0.0423248175886],
            ),
        ],
    )  # fmt: skip
    def test_exact_derivatives(self, theta, history, gradient, hessian):
        """In the logarithms of the parameters; of the Hessian the upper half."""
        theta = np.array(theta)
        x, t_x, T = (np.array([each]) for each in history)
        _, first, second = ParetoNBD._derivatives(theta, x, t_x, T, np.ones(1))
        np.testing.assert_allclose(theta * first, gradient, rtol=1e-8)
        in_logs = second * np.outer(theta, theta) + np.diag(theta * first)
        np.testing.assert_allclose(in_logs[np.triu_indices(4)], hessian, rtol=1e-8, atol=1e-11)

    def test_derivatives_far_out_match_finite_differences(self):
        random = np.random.default_rng(2)
        for _ in range(10):
            theta = 10 ** random.uniform(-3, 3, 4)
            x = np.array([0, 0, 1, 2, 50, 1000, 10_000])
            T = random.uniform(0.01, 1, 7)
            t_x = np.where(x > 0, T * random.choice([0.001, 0.5, 0.999, 1], 7), 0)
            rows = (x, t_x, T, np.arange(1.0, 8.0))
            value, gradient, hessian = ParetoNBD._derivatives(theta, *rows)
            in_logs = np.abs(theta * gradient).max()
            for i, step in enumerate(np.diag(1e-3 * theta)):
                # the five-point rule
                around = [ParetoNBD._derivatives(theta + k * step, *rows) for k in (-2, -1, 1, 2)]
                slope, curvature = (
                    (around[0][j] - 8 * around[1][j] + 8 * around[2][j] - around[3][j]) / 12e-3 for j in (0, 1)
                )
                assert slope == pytest.approx(theta[i] * gradient[i], rel=1e-7, abs=1e-10 * abs(value))
                expected = theta * hessian[i] * theta[i]
                np.testing.assert_allclose(theta * curvature, expected, rtol=1e-7, atol=1e-10 * in_logs)

    def test_many_rows_are_the_sum_of_single_ones(self):
        x, t_x, T = (each.to_numpy() for each in simulated(USUAL, customers=3000))
        counts = np.linspace(0, 3, len(x))
        theta = np.array(USUAL)
        whole = ParetoNBD._derivatives(theta, x, t_x, T, counts)
        parts = [ParetoNBD._derivatives(theta, *(each[i::7] for each in (x, t_x, T, counts))) for i in range(7)]
        for j in range(3):
            np.testing.assert_allclose(whole[j], sum(part[j] for part in parts), rtol=1e-10)

    def test_silence_adds_up_to_the_wait_for_the_next_purchase(self):
        k, alpha, s, beta, silence = (
            10 ** np.random.default_rng(1).uniform([-2, -1, -2, -1, -1], [2, 2, 2, 2, 2], (50, 5)).T
        )
        nothing = np.exp(np.logaddexp(*log_of_silence(k, alpha, s, beta, silence)))
        process = ExponentialDropout(k, alpha, s, beta)
        np.testing.assert_allclose(nothing + process.at_least(np.ones(50), silence), 1, rtol=1e-12)


class TestWhileAlive:
    @pytest.mark.parametrize(
        ("params", "n", "t", "at_least", "exactly", "none"),
        [
            ((1.337841711402668, 63.870179020159235, 35.89001293225106, 0.9220421780319555), 1, 14005.281183822859,
             0.0005529987882656455, 0.000552449144095011, 0.9994470012117344),
            ((0.08113606992598749, 15.014555252251204, 0.23209436158535848, 2.3646860814847983), 10, 268.87890850131714,
             0.017768014547417863, 0.0019495561377977587, 0.8860251993305174),
            ((3.586251175867627, 3.3609287188455776, 0.01597502273116708, 8610.129724044818), 100, 34.911018777191124,
             0.010537688789049097, 0.000705652329885197, 0.00016510323760729598),
            ((10000.004323545452, 40.64995909110815, 0.01920744055581501, 40.669993591164626), 1000, 4.281052460461746,
             0.9413979661440868, 0.00348814500852058, 1.9197934541924904e-06),
            ((10000.001320469715, 4.266843680740605, 2.4947590086065614, 8.295905751053283), 10000, 992.0662385455267,
             0.35513971694846863, 3.0089186026538808e-05, 0.0001283030053573777),
            ((0.6966255230182935, 0.0013337137004943505, 0.0010705370034684504, 0.812594215792881), 10000,
             75.51550921032855, 0.6910969990440979, 1.91926110802602e-05, 0.0005270787306955746),
            ((31889.96588449419, 319.1053141886688, 547701.094020148, 318.44801544684543), 3, 3.191053141886688e17,
             0.00016561396296807854, 0.00015651856564788597, 0.9450856166191239),
            ((2.2791542992847234, 0.0004432142181744016, 0.5921950974011683, 3.6154607458167703e-06), 3,
             1.5225503843566894, 0.055438771489083834, 0.010773782864538336, 0.8468588474712841),
        ],
    )  # fmt: skip
    def test_exact(self, params, n, t, at_least, exactly, none):
        process = ExponentialDropout(*(np.array([each]) for each in params))
        number, ahead = np.array([n]), np.array([t])
        assert process.at_least(number, ahead)[0] == pytest.approx(at_least, rel=1e-10)
        assert process.exactly(number, ahead)[0] == pytest.approx(exactly, rel=1e-10)
        assert process.exactly(np.zeros(1), ahead)[0] == pytest.approx(none, rel=1e-10)

    def test_exactly_is_the_difference_of_at_least(self):
        random = np.random.default_rng(4)
        process = ExponentialDropout(*10 ** random.uniform([[-2], [-2], [-2], [-2]], [[2], [2], [3], [3]], (4, 300)))
        n = random.choice([0, 1, 2, 5, 20, 300], 300)
        t = process.alpha * np.maximum(n, 1) / process.r * 10 ** random.uniform(-1, 1, 300)
        difference = process.at_least(n, t) - process.at_least(n + 1, t)
        np.testing.assert_allclose(process.exactly(n, t), difference, atol=1e-11)

    @pytest.mark.parametrize("s", [1e-9, 0.3, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 60.0])
    @pytest.mark.parametrize("t", [0.01, 5.0, 4000.0])
    def test_expected(self, s, t):
        """The integral of the mean rate times the probability of still being there."""
        r, alpha, beta = 0.7, 3.0, 8.0
        mean_life = beta * quad(lambda w: np.exp((1 - s) * w), 0, np.log1p(t / beta), epsabs=0, epsrel=1e-13)[0]
        assert ExponentialDropout(r, alpha, s, beta).expected(t) == pytest.approx(r / alpha * mean_life, rel=1e-11)

    def test_expected_is_the_sum_of_at_least(self):
        process = ExponentialDropout(2.0, 3.0, 1.5, 4.0)
        sum_ = process.at_least(np.arange(1, 400), np.array(10.0)).sum()
        assert process.expected(10.0) == pytest.approx(sum_, rel=1e-12)

    @pytest.mark.parametrize("s", [1e-6, 1e6])
    def test_expected_at_the_bounds(self, s):
        beta = 1e6 if s > 1 else 1e-6
        expected = ExponentialDropout(1e6, 1e7, s, beta).expected(np.array([0.0, 1.0, 1e4]))
        exact = 0.1 * -np.expm1(-np.array([0.0, 1.0, 1e4])) if s > 1 else 0.1 * np.array([0.0, 1.0, 1e4])
        np.testing.assert_allclose(expected, exact, rtol=1e-4)

    def test_sample(self):
        random = np.random.default_rng(6)
        for params, numbers in [
            ((0.6, 10.6, 0.6, 11.7), (1, 2, 5)),
            ((5.0, 1.0, 1e-6, 1.0), (80, 150, 200)),
            ((2.0, 3.0, 1e6, 1e7), (1, 3, 10)),
        ]:
            process = ExponentialDropout(*map(np.array, params))
            drawn = process.sample(np.full(40_000, 30.0), random)
            for n in numbers:
                probability = float(process.at_least(np.array(n), np.array(30.0)))
                error = np.sqrt(probability * (1 - probability) / len(drawn))
                assert (drawn >= n).mean() == pytest.approx(probability, abs=4 * error)

    def test_at_once(self):
        process = ExponentialDropout(*USUAL)
        assert process.at_least(np.arange(3), np.zeros(3)).tolist() == [1, 0, 0]
        assert process.exactly(np.arange(3), np.zeros(3)).tolist() == [1, 0, 0]
        assert process.sample(np.zeros(3), np.random.default_rng(0)).tolist() == [0, 0, 0]


class TestFit:
    @pytest.mark.parametrize(
        ("params", "T"),
        [
            ((4.0, 4.0, 0.8, 200.0), (300.0, 470.0)),
            ((0.05, 60.0, 0.5, 10.0), (100.0, 200.0)),
            ((3.0, 150.0, 1e-7, 1.0), (300.0, 520.0)),
            ((2.0, 6.0, 0.01, 1e-40), (20.0, 50.0)),
        ],
        ids=["weekly for nine years", "mostly one-time buyers", "nobody leaves", "leaving at once"],
    )
    @pytest.mark.filterwarnings("ignore::UserWarning")
    def test_start_makes_no_difference(self, params, T):
        histories = simulated(params, 1000, *T)
        own = ParetoNBD().fit(*histories)
        for start in 10 ** np.random.default_rng(8).uniform(-2, 1, (3, 4)):
            again = ParetoNBD().fit(*histories, initial_params=start)
            assert again.log_likelihood_ == pytest.approx(own.log_likelihood_, abs=1e-4)
        assert np.isfinite(own.predict(100.0, *histories)).all()

    @pytest.mark.filterwarnings("ignore::UserWarning")
    def test_thousands_of_purchases(self):
        x = [0, 1, 5, 100, 10_000, 9000]
        t_x, T = [0, 2.0, 50, 9000, 9999, 5000], [10_000.0, 9000, 8000, 9999, 10_000, 10_000]
        model = ParetoNBD().fit(x, t_x, T)
        assert np.isfinite(model.log_likelihood_)
        # 10,000 purchases up to yesterday go on; 9,000 with 5,000 days of silence since don't.
        expected = model.predict(100.0, np.array(x), np.array(t_x), np.array(T))
        assert expected[4] == pytest.approx(100, rel=0.05)
        assert expected[5] == pytest.approx(0, abs=1e-9)


class TestLimits:
    def test_everybody_leaves_at_one_rate(self):
        with pytest.warns(UserWarning, match="everybody stays .* units of time on average"):
            model = ParetoNBD().fit(*simulated((0.6, 3.0, 1e6, 2e7), customers=2000, seed=1))
        assert model.limits_ == ("s", "beta")
        assert model.params_["beta"] / model.params_["s"] == pytest.approx(20, rel=0.15)
        assert np.isnan(model.standard_errors_["s"]) and np.isfinite(model.standard_errors_["r"])

    def test_everybody_buys_at_one_rate(self):
        with pytest.warns(UserWarning, match="everybody buys 0.(09|10)"):
            model = ParetoNBD().fit(*simulated((1e7, 1e8, 0.6, 12.0)))
        assert model.limits_ == ("r", "alpha")

    def test_nobody_leaves(self):
        histories = simulated((4.0, 4.0, 1e-7, 1.0), youngest=300.0, oldest=470.0)
        with pytest.warns(UserWarning, match="Nobody is seen to leave"):
            model = ParetoNBD().fit(*histories)
        assert model.limits_ == ("s", "beta")
        assert model.conditional_probability_alive(*histories).min() > 0.99
        rate = model.params_["r"] / model.params_["alpha"]
        assert model.expected_number_of_purchases_up_to_time(10) == pytest.approx(10 * rate, rel=1e-3)

    def test_leaving_right_after_the_first_purchase(self):
        # Half of the customers leave at once, the others never.
        always = simulated((2.0, 6.0, 1e-7, 1.0), customers=800)
        x, t_x, T = (
            pd.concat([each, each * keep], ignore_index=True) for each, keep in zip(always, (0, 0, 1), strict=True)
        )
        with pytest.warns(UserWarning, match="right after the first purchase"):
            model = ParetoNBD().fit(x, t_x, T)
        assert model.limits_ == ("s", "beta")
        soon = -np.expm1(-model.params_["s"] * np.log1p(0.5 / model.params_["beta"]))
        assert soon == pytest.approx(0.5, abs=0.07)

    def test_infinite_mean_lifetime(self, cdnow_histories):
        with pytest.warns(
            UserWarning, match="mean lifetime is infinite, as s = 0.6062 is below 1: 0.5887 of the customers leave by"
        ):
            assert ParetoNBD().fit(*cdnow_histories).limits_ == ()

    @pytest.mark.filterwarnings("ignore::UserWarning")
    @pytest.mark.parametrize(
        "histories",
        [
            ([0] * 20 + [1], [0.0] * 20 + [3.0], list(np.linspace(5, 10, 21))),
            ([1] * 5, [1.0, 2, 3, 4, 5], [5.0, 6, 7, 8, 9]),
            ([3], [4.0], [6.0]),
            ([3], [6.0], [6.0]),
            ([1, 2, 3, 1], [0.001, 0.002, 0.001, 0.003], [10.0] * 4),
        ],
        ids=["one repeat", "one each", "one customer", "who bought today", "all at the beginning"],
    )
    def test_every_ledger_with_a_repeat_purchase_has_an_answer(self, histories):
        model = ParetoNBD().fit(*histories)
        assert model.limits_
        assert np.isfinite(model.log_likelihood_)
        assert np.isfinite(model.predict(5.0, *map(np.array, histories))).all()
