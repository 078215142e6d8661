"""The gamma-gamma model."""

import time
import warnings
from itertools import pairwise
from pathlib import Path

import lifetimes
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from models import BGNBD, GammaGamma
from models.gamma_gamma import sample_total_spend

DATASETS = Path(lifetimes.__file__).parent / "datasets"
CDNOW = np.array([6.25, 3.74, 15.44])
ALL_CUSTOMERS_ALIKE = (5.0, 1e6, 4e6)
ALL_PURCHASES_ALIKE = (1e6, 3.0, 6e-5)
ALL_ALIKE = (1e6, 1e6, 20.0)
AT_LIMITS = (ALL_CUSTOMERS_ALIKE, ALL_PURCHASES_ALIKE, ALL_ALIKE)


@pytest.fixture(scope="module")
def summary():
    read = pd.read_csv(DATASETS / "cdnow_customers_summary_with_transactions.csv", index_col="ID")
    return read.rename(columns={"x": "frequency", "t_x": "recency", "zbar": "monetary_value"})


@pytest.fixture(scope="module")
def repeaters(summary):
    return summary[summary["frequency"] > 0]


@pytest.fixture(scope="module")
def fitted(repeaters):
    return GammaGamma().fit(repeaters["frequency"], repeaters["monetary_value"])


def at(theta):
    model = GammaGamma()
    model.params_ = pd.Series(theta, index=["p", "q", "v"])
    return model


def purchases(customers, seed=0, fewest=1, most=7):
    return np.random.default_rng(seed).integers(fewest, most + 1, customers)


def drawn(theta, x, seed=1):
    p, q, v = theta
    random = np.random.default_rng(seed)
    return x, random.gamma(p * x) / random.gamma(q, 1 / v, len(x)) / x


def subscriptions(customers, seed=0):
    return purchases(customers, seed), np.random.default_rng(seed + 1).choice([5.0, 10.0, 20.0], customers)


def one_purchase_mostly(customers):
    return np.where(np.random.default_rng(3).random(customers) < 0.95, 1, purchases(customers, 4, 2, 6))


def cdnow():
    summary = pd.read_csv(DATASETS / "cdnow_customers_summary_with_transactions.csv")
    some = summary[summary["x"] > 0]
    return some["x"].to_numpy(), some["zbar"].to_numpy()


LEDGERS = {
    "CDNOW": cdnow,
    "95% with one repeat purchase": lambda: drawn(CDNOW, one_purchase_mostly(20_000)),
    "fifty customers": lambda: drawn(CDNOW, purchases(50)),
    "constant spend": lambda: (purchases(20_000), np.full(20_000, 9.99)),
    "subscriptions": lambda: subscriptions(20_000),
    "customers alike": lambda: drawn((40.0, 1e9, 5e8), purchases(20_000)),
    "heavy tail": lambda: drawn((5.0, 0.9, 3.0), purchases(20_000)),
    "hundreds of purchases": lambda: drawn((4.0, 5.0, 30.0), purchases(20_000, 0, 100, 900)),
}


def fit_quietly(*data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return GammaGamma().fit(*data, **options)


class TestPublishedNumbers:
    """Fader & Hardie (2013)."""

    def test_estimates(self, repeaters, fitted):
        assert len(repeaters) == 946
        assert fitted.params_.tolist() == pytest.approx([6.25, 3.74, 15.44], abs=0.01)
        assert fitted.log_likelihood_ == pytest.approx(-4055.92, abs=0.005)
        assert fitted.limits_ == ()


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

    def test_customer_lifetime_value(self, summary, fitted):
        purchase_model = BGNBD().fit(summary["frequency"], summary["recency"], summary["T"])
        some = summary.head(50)
        theirs = lifetimes.GammaGammaFitter()
        theirs.params_ = fitted.params_
        args = (purchase_model, some["frequency"], some["recency"], some["T"], some["monetary_value"])
        pd.testing.assert_series_equal(
            fitted.customer_lifetime_value(*args, freq="W"), theirs.customer_lifetime_value(*args, freq="W")
        )

    def test_summary_and_representation(self, fitted):
        assert list(fitted.summary) == ["coef", "se(coef)", "lower 95% bound", "upper 95% bound"]
        assert repr(fitted) == "<lifetimes.GammaGamma: fitted with 946 subjects, p: 6.25, q: 3.74, v: 15.45>"

    def test_saved_and_loaded(self, fitted, tmp_path):
        fitted.save_model(tmp_path / "model.pkl")
        again = GammaGamma()
        again.load_model(tmp_path / "model.pkl")
        assert again.conditional_expected_average_profit(3, 20.0) == (
            fitted.conditional_expected_average_profit(3, 20.0)
        )
        assert again.aic_ == fitted.aic_ and len(again.data) == 946


class TestLikelihood:
    @pytest.mark.parametrize(
        "theta",
        [(6.2, 3.7, 0.4), (0.3, 0.8, 5.0), (90.0, 40.0, 0.02), (0.01, 0.02, 3.0), (2e5, 3.0, 2e-5), (4.0, 2e5, 6e4)],
    )
    def test_derivatives_match_finite_differences(self, theta):
        data = np.array([1, 2, 2, 9, 60]), np.array([0.2, 1.1, 1.4, 3.0, 0.7])
        counts, step = np.array([5.0, 2, 3, 1, 1]), 1e-5

        def in_logs(log_theta):
            value, gradient, _ = GammaGamma._derivatives(np.exp(log_theta), *data, counts)
            return value, gradient * np.exp(log_theta)

        value, gradient, hessian = GammaGamma._derivatives(np.array(theta), *data, counts)
        log_hessian = hessian * np.outer(theta, theta) + np.diag(gradient * theta)
        assert value == pytest.approx(counts @ GammaGamma._log_likelihood(theta, *data), rel=1e-13)
        np.testing.assert_array_equal(hessian, hessian.T)
        scale = np.abs(gradient * theta).max()
        for i, direction in enumerate(np.eye(3) * step):
            up, down = in_logs(np.log(theta) + direction), in_logs(np.log(theta) - direction)
            assert (up[0] - down[0]) / (2 * step) == pytest.approx(gradient[i] * theta[i], rel=1e-6, abs=1e-8 * scale)
            np.testing.assert_allclose((up[1] - down[1]) / (2 * step), log_hessian[i], rtol=1e-6, atol=1e-8 * scale)

    @pytest.mark.parametrize("theta", [(6.2, 3.7, 15.0), (0.3, 0.8, 5.0), (90.0, 40.0, 2.0)])
    def test_is_equation_1a(self, theta):
        x, mean = np.array([1.0, 3.0, 12.0, 1.0]), np.array([5.0, 30.0, 0.5, 900.0])
        ours = at(theta).log_likelihood(x, mean)
        theirs = [
            -lifetimes.GammaGammaFitter._negative_log_likelihood(
                np.log(theta), np.array([each]), np.array([amount]), np.array([1]), 0
            )
            for each, amount in zip(x, mean, strict=True)
        ]
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)

    def test_density_integrates_to_one(self, fitted):
        total = quad(lambda mean: np.exp(fitted.log_likelihood(3, mean)), 0, np.inf)[0]
        assert total == pytest.approx(1, abs=1e-7)

    def test_where_all_purchases_are_alike_it_is_that_of_the_customers_means(self):
        p, q, v = ALL_PURCHASES_ALIKE
        mean = np.array([3.0, 20.0, 150.0])
        ours = at(ALL_PURCHASES_ALIKE).log_likelihood(np.array([1, 4, 50]), mean)
        np.testing.assert_allclose(ours, stats.invgamma.logpdf(mean, q, scale=p * v), atol=2e-4)

    def test_where_all_customers_are_alike_it_is_that_of_their_purchases(self):
        p, q, v = ALL_CUSTOMERS_ALIKE
        x, mean = np.array([1, 4, 50]), np.array([3.0, 20.0, 20.5])
        ours = at(ALL_CUSTOMERS_ALIKE).log_likelihood(x, mean)
        np.testing.assert_allclose(ours, stats.gamma.logpdf(mean, p * x, scale=v / q / x), atol=2e-4)

    def test_order_of_rows_is_immaterial(self, repeaters, fitted):
        one = fitted.log_likelihood(repeaters["frequency"], repeaters["monetary_value"])
        turned = repeaters[::-1]
        other = fitted.log_likelihood(turned["frequency"], turned["monetary_value"])
        pd.testing.assert_series_equal(one, other[::-1])
        assert fitted.log_likelihood_ == pytest.approx(one.sum(), rel=1e-12)

    def test_impossible_spend_is_refused(self, fitted):
        with pytest.raises(ValueError, match="frequency is below 1"):
            fitted.log_likelihood([1, 0], [10.0, 10.0])

    @given(
        p=st.floats(1e-3, 1e6),
        q=st.floats(1e-3, 1e6),
        v=st.floats(1e-6, 1e9),
        x=st.integers(1, 10_000),
        mean=st.floats(0.01, 1e9),
    )
    def test_finite_for_all_parameters_and_spend(self, p, q, v, x, mean):
        theta, data = np.array([p, q, v]), (np.array([x]), np.array([mean]))
        value, gradient, hessian = GammaGamma._derivatives(theta, *data, np.ones(1))
        assert np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()
        assert value == pytest.approx(GammaGamma._log_likelihood(theta, *data)[0], rel=1e-9)


class TestInference:
    @pytest.mark.parametrize("factor", [100.0, 1e-9, 1e9])
    def test_unit_of_money_is_immaterial(self, repeaters, fitted, factor):
        other = GammaGamma().fit(repeaters["frequency"], repeaters["monetary_value"] * factor)
        np.testing.assert_allclose(other.params_, fitted.params_ * [1, 1, factor], rtol=1e-7)
        np.testing.assert_allclose(other.standard_errors_, fitted.standard_errors_ * [1, 1, factor], rtol=1e-6)
        assert other.log_likelihood_ == pytest.approx(fitted.log_likelihood_ - 946 * np.log(factor), rel=1e-10)
        assert other._negative_log_likelihood_ == pytest.approx(-other.log_likelihood_ / 946, rel=1e-10)

    def test_weights_stand_for_rows(self, repeaters, fitted):
        counted = repeaters.groupby(["frequency", "monetary_value"]).size().reset_index(name="n")
        again = GammaGamma().fit(counted["frequency"], counted["monetary_value"], weights=counted["n"])
        np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-8)
        assert again.aic_ == pytest.approx(fitted.aic_) and again.bic_ == pytest.approx(fitted.bic_)

    def test_rows_of_no_weight_stand_for_nobody(self, repeaters, fitted):
        x = np.append(repeaters["frequency"], [3, 5000])
        mean = np.append(repeaters["monetary_value"], [1e7, 0.01])
        again = GammaGamma().fit(x, mean, weights=np.append(np.ones(946), [0, 0]))
        np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-7)

    def test_criteria(self, fitted):
        assert fitted.aic_ == pytest.approx(2 * 3 + 2 * 4055.9232, abs=1e-3)
        assert fitted.bic_ == pytest.approx(3 * np.log(946) + 2 * 4055.9232, abs=1e-3)

    def test_finds_the_parameters_that_made_the_data(self):
        truth = np.array([4.0, 5.0, 30.0])
        model = GammaGamma().fit(*drawn(truth, purchases(20_000)))
        assert (np.abs(model.params_ - truth) < 3 * model.standard_errors_).all()
        matrix = model.variance_matrix_.to_numpy()
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > 0

    def test_many_purchases_and_large_amounts(self):
        x = purchases(3000, most=10_000)
        x, mean = drawn((2.0, 1.5, 1e5), x)
        model = fit_quietly(x, np.clip(mean, 0.01, 1e9))
        assert np.isfinite(model.params_).all() and np.isfinite(model.log_likelihood_)
        assert np.isfinite(model.conditional_expected_average_profit()).all()


class TestOneOptimumFromAnywhere:
    @pytest.mark.parametrize("ledger", LEDGERS)
    def test_twenty_random_starts(self, monkeypatch, ledger):
        data = LEDGERS[ledger]()
        random = np.random.default_rng(5)
        starts = random.normal([0, 0, np.log(np.median(data[1]))], 2, (20, 3))
        best = fit_quietly(*data).log_likelihood_
        # Without the model's own starts the given one is the only one.
        monkeypatch.setattr(GammaGamma, "_starts", staticmethod(lambda mean_frequency: []))
        found = [fit_quietly(*data, initial_params=start).log_likelihood_ for start in starts]
        np.testing.assert_allclose(found, best, rtol=0, atol=1e-4)

    @pytest.mark.parametrize("ledger", LEDGERS)
    def test_nothing_is_missing(self, ledger):
        model = fit_quietly(*LEDGERS[ledger]())
        x, mean = np.array([0, 1, 4, 10_000]), np.array([0.0, 0.01, 30.0, 1e9])
        q = model.params_["q"]
        assert (np.isfinite(model.conditional_expected_average_profit(x, mean)) == ((x > 0) | (q > 1))).all()
        for share in (0.001, 0.5, 0.999):
            assert np.isfinite(model.conditional_quantile_of_mean_spend(share, x, mean)).all()
            assert np.isfinite(model.conditional_quantile_of_total(share, 5, x, mean)).all()
        assert np.isfinite(model.sample_total(5, x, mean, np.random.default_rng(0))).all()
        assert model.standard_errors_.isna().to_dict() == {name: name in model.limits_ for name in "pqv"}

    @pytest.mark.timed
    def test_half_a_million_customers_in_a_second(self):
        data = drawn(CDNOW, purchases(500_000))
        began = time.process_time()
        GammaGamma().fit(*data)
        assert time.process_time() - began < 1


class TestExpectedSpend:
    def test_without_repeats_it_is_the_populations_mean(self, fitted):
        p, q, v = fitted.params_
        ours = fitted.conditional_expected_average_profit(np.array([0, 0]), np.array([0.0, np.nan]))
        assert ours.tolist() == pytest.approx([p * v / (q - 1)] * 2)

    def test_by_default_of_the_customers_fitted(self, fitted):
        ours = fitted.conditional_expected_average_profit()
        assert len(ours) == 946 and ours.min() > 0


class TestDistributions:
    HISTORIES = ((0, 0.0), (1, 12.0), (4, 55.0), (30, 20.0))

    @pytest.mark.parametrize(("x", "mean"), HISTORIES)
    def test_mean_spend_against_bayes_theorem(self, x, mean):
        p, q, v = CDNOW
        model = at(CDNOW)
        quantiles = model.conditional_quantile_of_mean_spend(np.array([0.05, 0.5, 0.95]), x, mean)

        def weight(rate):  # prior times likelihood
            seen = stats.gamma.pdf(mean, p * x, scale=1 / (rate * x)) if x else 1.0
            return stats.gamma.pdf(rate, q, scale=1 / v) * seen

        nodes = np.concatenate([[0], p / quantiles[::-1], [10.0]])
        parts = np.array([quad(weight, low, high)[0] for low, high in pairwise(nodes)])
        np.testing.assert_allclose(parts / parts.sum(), [0.05, 0.45, 0.45, 0.05], atol=1e-7)

    @pytest.mark.parametrize("n", [1, 3, 40])
    @pytest.mark.parametrize(("x", "mean"), HISTORIES)
    def test_total_against_the_mixture(self, n, x, mean):
        p, q, v = CDNOW
        shares = np.array([0.01, 0.5, 0.9])
        rate = stats.gamma(p * x + q, scale=1 / (v + x * mean))
        for share, total in zip(shares, at(CDNOW).conditional_quantile_of_total(shares, n, x, mean), strict=True):
            below = quad(
                lambda level, total=total: stats.gamma.cdf(total * rate.ppf(level), p * n), 0, 1, epsabs=1e-10
            )[0]
            assert below == pytest.approx(share, abs=1e-6)

    def test_many_purchases_come_to_their_mean(self):
        model, history = at(CDNOW), (3, 25.0)
        total = model.conditional_quantile_of_total(0.8, 1e8, *history)
        assert total / 1e8 == pytest.approx(model.conditional_quantile_of_mean_spend(0.8, *history), rel=1e-6)

    def test_median_without_repeats_where_the_mean_is_infinite(self):
        p, q, v = 5.0, 0.6, 3.0
        median = at((p, q, v)).conditional_quantile_of_mean_spend(0.5, 0, 0.0)
        means = p / np.random.default_rng(0).gamma(q, 1 / v, 400_000)
        assert (means < median).mean() == pytest.approx(0.5, abs=0.003)

    @pytest.mark.parametrize("theta", [CDNOW, (5.0, 0.6, 3.0), (0.05, 0.3, 100.0), *AT_LIMITS])
    @pytest.mark.parametrize(("x", "mean"), [(0, 0.0), (4, 25.0)])
    def test_drawn_totals_follow_their_quantiles(self, theta, x, mean):
        model, draws = at(theta), 20_000
        total = np.sort(model.sample_total(np.full(draws, 3), x, mean, np.random.default_rng(11)))
        shares = np.linspace(0.01, 0.99, 99)
        below = np.searchsorted(total, model.conditional_quantile_of_total(shares, 3, x, mean)) / draws
        # Kolmogorov's distance, exceeded by chance once in a thousand.
        assert np.abs(below - shares).max() < 1.95 / np.sqrt(draws)

    def test_mean_of_drawn_totals(self):
        x, mean = np.array([0, 2, 6]), np.array([0.0, 10.0, 50.0])
        total = at(CDNOW).sample_total(np.full((200_000, 3), 4), x, mean, np.random.default_rng(2))
        expected = 4 * at(CDNOW).conditional_expected_average_profit(x, mean)
        np.testing.assert_allclose(total.mean(axis=0), expected, atol=4 * total.std(axis=0).max() / np.sqrt(200_000))

    def test_draws_at_several_parameters(self):
        theta = np.array([CDNOW, ALL_CUSTOMERS_ALIKE]).T
        total = sample_total_spend(theta, 2, np.zeros((50_000, 2)), 0.0, np.random.default_rng(4))
        assert total.shape == (50_000, 2)
        for i, each in enumerate((CDNOW, ALL_CUSTOMERS_ALIKE)):
            median = at(each).conditional_quantile_of_total(0.5, 2, 0, 0.0)
            assert (total[:, i] < median).mean() == pytest.approx(0.5, abs=0.01)

    def test_no_purchases_cost_nothing(self):
        model = at(CDNOW)
        assert model.conditional_quantile_of_total(0.9, 0, 3, 20.0) == 0
        total = model.sample_total(np.array([0, 1, 0]), 3, 20.0, np.random.default_rng(0))
        assert (total > 0).tolist() == [False, True, False]

    def test_forms(self, fitted, repeaters):
        some = repeaters.head(3)
        data = some["frequency"], some["monetary_value"]
        assert fitted.conditional_quantile_of_mean_spend(0.5, *data).index.equals(some.index)
        assert fitted.conditional_quantile_of_total(0.5, 2, *data).index.equals(some.index)
        assert fitted.sample_total(2, *data, np.random.default_rng(0)).index.equals(some.index)
        assert isinstance(fitted.conditional_quantile_of_total(0.5, 2, 1, 10.0), float)
        shares = np.array([0.1, 0.9])[:, None]
        assert fitted.conditional_quantile_of_total(shares, 2, *(each.to_numpy() for each in data)).shape == (2, 3)

    @given(
        theta=st.tuples(st.floats(0.05, 1e6), st.floats(0.05, 1e6), st.floats(1e-6, 1e9)),
        x=st.integers(0, 10_000),
        mean=st.floats(0.01, 1e9),
        n=st.integers(1, 10_000),
        share=st.floats(0.001, 0.99),
    )
    def test_finite_and_increasing(self, theta, x, mean, n, share):
        model = at(theta)
        shares = np.array([share, share + 0.009])
        of_mean = model.conditional_quantile_of_mean_spend(shares, x, mean)
        of_total = model.conditional_quantile_of_total(shares, n, x, mean)
        of_more = model.conditional_quantile_of_total(shares, n + 1, x, mean)
        for each in (of_mean, of_total):
            assert np.isfinite(each).all() and each[0] <= each[1]
        assert (of_total <= of_more).all()
        assert 0 <= model.sample_total(n, x, mean, np.random.default_rng(n)) < np.inf

    @pytest.mark.parametrize("share", [0.0, 1.0, np.nan])
    def test_shares_are_checked(self, share):
        for ask in (
            lambda: at(CDNOW).conditional_quantile_of_mean_spend(share, 1, 10.0),
            lambda: at(CDNOW).conditional_quantile_of_total(share, 1, 1, 10.0),
        ):
            with pytest.raises(ValueError, match="share must be above 0 and below 1"):
                ask()

    def test_numbers_of_purchases_are_checked(self):
        with pytest.raises(ValueError, match="n is negative, missing or infinite in 2 of 3 places"):
            at(CDNOW).sample_total([1, -1, np.nan], 1, 10.0, np.random.default_rng(0))
        with pytest.raises(ValueError, match="n is negative"):
            at(CDNOW).conditional_quantile_of_total(0.5, -1, 1, 10.0)


class TestLimits:
    def test_everybody_spends_the_same(self):
        with pytest.warns(UserWarning, match=r"same on every purchase, 9\.99"):
            model = GammaGamma().fit(purchases(500), np.full(500, 9.99))
        assert model.limits_ == ("p", "q", "v")
        expected = model.conditional_expected_average_profit(np.array([0, 1, 9]), np.full(3, 9.99))
        np.testing.assert_allclose(expected, 9.99, rtol=1e-5)
        low, high = model.conditional_quantile_of_total(np.array([0.1, 0.9]), 10, 0, 0.0)
        assert low == pytest.approx(99.9, rel=0.002) and high == pytest.approx(99.9, rel=0.002)

    def test_subscriptions(self):
        with pytest.warns(UserWarning, match="purchases of a customer are alike"):
            model = GammaGamma().fit(*subscriptions(2000))
        assert model.limits_ == ("p", "v") and model.standard_errors_["q"] > 0
        x, mean = np.array([1, 2, 9]), np.array([5.0, 10.0, 20.0])
        np.testing.assert_allclose(model.conditional_expected_average_profit(x, mean), mean, rtol=1e-4)
        for share in (0.1, 0.9):
            np.testing.assert_allclose(model.conditional_quantile_of_total(share, 3, x, mean), 3 * mean, rtol=0.005)

    def test_customers_alike(self):
        x = purchases(500)
        mean = np.random.default_rng(0).gamma(40.0 * x, 20 / (40.0 * x))
        with pytest.warns(UserWarning, match="doesn't differ between customers beyond chance"):
            model = GammaGamma().fit(x, mean)
        assert model.limits_ == ("q", "v")
        alone = stats.gamma.logpdf(mean, model.params_["p"] * x, scale=(x @ mean) / x.sum() / model.params_["p"] / x)
        assert model.log_likelihood_ == pytest.approx(alone.sum(), abs=0.02)
        expected = model.conditional_expected_average_profit(np.array([0, 3, 3]), np.array([0.0, 5.0, 80.0]))
        np.testing.assert_allclose(expected, (x @ mean) / x.sum(), rtol=0.001)

    def test_infinite_mean(self):
        data = drawn((5.0, 0.6, 3.0), purchases(3000))
        with pytest.warns(UserWarning, match=r"mean spend is infinite.*half have a mean spend below"):
            model = GammaGamma().fit(*data)
        none, some = model.conditional_expected_average_profit(np.array([0, 4]), np.array([0.0, 10.0]))
        assert none == np.inf and 0 < some < np.inf
        assert model.limits_ == ()

    def test_q_held_at_one(self):
        x, mean = drawn((5.0, 0.6, 3.0), purchases(3000))
        with pytest.warns(UserWarning, match="held there by q_constraint"):
            model = GammaGamma().fit(x, mean, q_constraint=True)
        assert model.params_["q"] == 1 and model.limits_ == ("q",)

    def test_one_customer(self):
        with pytest.warns(UserWarning, match="only one customer"):
            model = GammaGamma().fit([3], [12.5])
        assert model.conditional_expected_average_profit(np.array([0, 3]), np.full(2, 12.5)).tolist() == (
            pytest.approx([12.5, 12.5], rel=1e-5)
        )

    def test_two_customers(self):
        model = fit_quietly([1, 2], [3.0, 7.0])
        assert 3 < model.conditional_expected_average_profit(0, 0.0) < 7
        assert np.isfinite(model.log_likelihood_)

    @pytest.mark.parametrize("number", [1, 4])
    def test_one_frequency_for_all(self, number):
        data = drawn(CDNOW, np.full(5000, number))
        with pytest.warns(UserWarning, match=f"same number of repeat purchases, {number}"):
            model = GammaGamma().fit(*data)
        assert model.conditional_expected_average_profit(0, 0.0) == pytest.approx(data[1].mean(), rel=0.01)

    def test_usual_spend_has_no_warning(self, repeaters):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            GammaGamma().fit(repeaters["frequency"], repeaters["monetary_value"])


class TestRefusals:
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
            ([1, 2], [10], "one length"),
        ],
    )
    def test_impossible_customers(self, x, spend, said):
        with pytest.raises(ValueError, match=said):
            GammaGamma().fit(x, spend)

    @pytest.mark.parametrize(
        ("weights", "said"), [([1, -1], "negative in 1 of 2 rows"), ([0, 0], "all weights are 0"), ([1], "one length")]
    )
    def test_impossible_weights(self, weights, said):
        with pytest.raises(ValueError, match=said):
            GammaGamma().fit([1, 2], [10.0, 5.0], weights=weights)
