"""The shifted-beta-geometric: published figures, planted parameters, limits, left-truncated contracts."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln, hyp2f1

from models.shifted_beta_geometric import ShiftedBetaGeometric, from_survivors, residual_lifetime

# Survivors in per cent, years 0 to 12: table 1 of Fader & Hardie (2007), after Berry & Linoff (2004)
HIGH_END = [100.0, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4]
REGULAR = [100.0, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3]
# Four cohorts of 10,000, the first followed for four renewals: Fader & Hardie (2010), table 1
COHORTS = [[10_000, 8_000, 6_480, 5_307, 4_391][: 5 - late] for late in range(4)]


def fitted(cohorts) -> ShiftedBetaGeometric:
    rows = from_survivors(cohorts)
    return ShiftedBetaGeometric().fit(rows["periods"], rows["lost"], weights=rows["weights"])


class TestPublished:
    @pytest.mark.parametrize(
        ("survivors", "alpha", "beta", "log_likelihood"),
        [(REGULAR, 0.704, 1.182, -1.680), (HIGH_END, 0.668, 3.806, -1.611)],
    )
    def test_estimates_of_seven_years(self, survivors, alpha, beta, log_likelihood):
        model = fitted([[10 * share for share in survivors[:8]]])
        np.testing.assert_array_equal(model.params_.round(3), [alpha, beta])
        assert round(model.log_likelihood_ / 1000, 3) == log_likelihood
        assert not model.limits_

    @pytest.mark.parametrize(("survivors", "error"), [(REGULAR, 0.02), (HIGH_END, 0.04)])
    def test_year_twelve_is_missed_by_two_and_four_per_cent(self, survivors, error):
        model = fitted([survivors[:8]])
        off = abs(100 * model.survival(12) / survivors[12] - 1)
        assert round(float(off), 2) == error

    def test_several_cohorts_watched_for_different_times(self):
        np.testing.assert_array_equal(fitted(COHORTS).params_.round(2), [3.80, 15.19])

    def test_retention_rises_with_tenure(self):
        model = fitted([HIGH_END[:8]])
        rates = model.retention_rate(np.arange(1, 13))
        assert (np.diff(rates) > 0).all()
        np.testing.assert_allclose(np.cumprod(rates), model.survival(np.arange(1, 13)))


class TestResidualLifetime:
    def test_is_the_published_formula(self):
        model = fitted([HIGH_END[:8]])
        alpha, beta = model.params_
        n = np.arange(1, 9)
        published = (beta + n - 1) / (alpha + beta + n - 1) * hyp2f1(1, beta + n, alpha + beta + n, 1 / 1.1)
        np.testing.assert_allclose(model.discounted_expected_residual_lifetime(0.1, n - 1), published, rtol=1e-12)

    @pytest.mark.parametrize(("alpha", "beta", "rate"), [(0.3, 0.2, 0.01), (5.0, 40.0, 0.001), (900.0, 9e3, 0.1)])
    def test_is_the_discounted_sum_of_survival(self, alpha, beta, rate):
        t = np.arange(1, 60_000)
        survival = np.cumprod((beta + t - 1) / (alpha + beta + t - 1))
        assert residual_lifetime(alpha, beta, rate) == pytest.approx(survival @ (1 + rate) ** -(t - 1.0), rel=1e-9)

    def test_has_no_end_without_a_discount_where_many_hardly_ever_leave(self):
        assert residual_lifetime(0.9, 3.0, 0.0) == np.inf
        assert residual_lifetime(3.0, 8.0, 0.0) == pytest.approx(4.0)
        with pytest.raises(ValueError, match="at least 0"):
            fitted([REGULAR]).discounted_expected_residual_lifetime(-0.1)


class TestLikelihood:
    def test_is_the_papers_in_beta_functions(self):
        alpha, beta = theta = np.array([0.7, 2.5])
        lost_at_4 = betaln(alpha + 1, beta + 3) - betaln(alpha, beta)
        on_after_6_seen_from_2 = betaln(alpha, beta + 6) - betaln(alpha, beta + 2)
        rows = np.array([0, 2]), np.array([4, 6]), np.array([1, 0])
        np.testing.assert_allclose(
            ShiftedBetaGeometric._log_likelihood(theta, *rows), [lost_at_4, on_after_6_seen_from_2]
        )

    def test_derivatives_are_exact(self):
        rows = np.array([0, 2, 1]), np.array([4, 6, 2]), np.array([1, 0, 1]), np.array([3.0, 2.0, 5.0])
        theta = np.array([0.7, 2.5])
        _, gradient, hessian = ShiftedBetaGeometric._derivatives(theta, *rows)
        steps = 1e-5 * np.eye(2)
        above, below = ([ShiftedBetaGeometric._derivatives(theta + way * h, *rows) for h in steps] for way in (1, -1))
        for order, exact in enumerate((gradient, hessian)):
            differences = [np.subtract(up[order], down[order]) for up, down in zip(above, below, strict=True)]
            np.testing.assert_allclose(exact, np.array(differences) / 2e-5, rtol=1e-6)


class TestPlanted:
    ALPHA, BETA = 0.8, 3.0
    TRUTH = np.array([ALPHA, BETA])

    def simulated(self, customers, random, longest=12):
        lasts = random.geometric(random.beta(self.ALPHA, self.BETA, customers))
        watched = random.integers(1, longest + 1, customers)
        return np.minimum(lasts, watched), lasts <= watched

    def test_parameters_are_found_again_within_their_standard_errors(self):
        random = np.random.default_rng(5)
        found = []
        for _ in range(40):
            model = ShiftedBetaGeometric().fit(*self.simulated(2_000, random))
            found.append((np.log(model.params_) - np.log(self.TRUTH)) / (model.standard_errors_ / model.params_))
        scaled = np.array(found)
        assert np.abs(scaled.mean(axis=0)).max() < 0.5
        inside = (np.abs(scaled) < 1.2816).mean()  # an 80% interval
        assert 0.7 < inside < 0.9

    def test_contracts_first_seen_late_in_life_bias_nothing(self):
        random = np.random.default_rng(6)
        lasts = random.geometric(random.beta(self.ALPHA, self.BETA, 60_000))
        entered = random.integers(0, 6, len(lasts))
        seen = lasts > entered
        periods = np.minimum(lasts, entered + 4)[seen]
        lost = (lasts <= entered + 4)[seen]
        model = ShiftedBetaGeometric().fit(periods, lost, entered[seen])
        assert (np.abs(model.params_ - self.TRUTH) < 3 * model.standard_errors_).all()
        with pytest.warns(UserWarning, match="Customers don't differ"):
            ignorant = ShiftedBetaGeometric().fit(periods, lost)
        assert ignorant.retention_rate(1) > model.retention_rate(1) + 0.05


@pytest.mark.parametrize(
    ("cohorts", "said", "survival"),
    [
        ([[500, 500, 500]], "everybody is taken to stay", [1, 1]),
        ([[500, 0]], "everybody is taken to leave at the first renewal", [0, 0]),
        ([[500, 300, 300, 300]], "Whoever stayed at the first renewal never left", [0.6, 0.6]),
        ([[10_000, 9_000, 8_100, 7_290]], "leaves with probability 0.1 at each renewal", [0.9, 0.81]),
        ([[1_000, 950, 800, 500, 100]], "Customers don't differ", None),
        ([[100, 80]], "don't tell alpha and beta apart", None),
    ],
)
def test_limits_are_said(cohorts, said, survival):
    with pytest.warns(UserWarning, match=said):
        model = fitted(cohorts)
    assert model.limits_ == ("alpha", "beta")
    assert model.standard_errors_.isna().all()
    if survival is not None:
        np.testing.assert_allclose(model.survival([1, 2]), survival, atol=1e-4)
    assert np.isfinite(model.discounted_expected_residual_lifetime(0.1, [0, 5])).all()


def test_a_good_fit_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted([REGULAR])


@pytest.mark.parametrize(
    ("periods", "lost", "entered", "said"),
    [
        ([2, 1], [True, False], [0, 3], "periods is less than entered in 1 of 2 rows"),
        ([2, 1.5], [True, False], 0, "periods is negative or not a whole number"),
        ([2, np.nan], [True, False], 0, "periods is missing"),
        ([2, 2], [True, True], [0, 2], "lost at a renewal that was not watched"),
        ([0, 0], [False, False], 0, "No renewal has come up"),
    ],
)
def test_what_is_no_contract_is_refused(periods, lost, entered, said):
    with pytest.raises(ValueError, match=said):
        ShiftedBetaGeometric().fit(periods, lost, entered)


def test_survivors_that_rise_are_refused():
    with pytest.raises(ValueError, match="cohort 2"):
        from_survivors([[10, 5], [10, 11]])


def test_rows_stand_for_their_weight():
    rows = from_survivors([REGULAR])
    one_each = rows.loc[rows.index.repeat(rows["weights"].round().astype(int))]
    by_row = ShiftedBetaGeometric().fit(one_each["periods"], one_each["lost"])
    weighted = ShiftedBetaGeometric().fit(rows["periods"], rows["lost"], weights=rows["weights"].round())
    pd.testing.assert_series_equal(by_row.params_, weighted.params_)
