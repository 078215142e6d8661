"""Simulated customers and ledgers follow the models they are drawn from."""

import datetime as dt

import lifetimes
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy.special import hyp2f1
from scipy.stats import chisquare, kstest

from models.bgnbd import BGNBD
from models.rfm import rfm_summary
from models.simulation import CDNOW, PARAMETERS, simulate_histories, simulate_ledger, simulate_spend

MODELS = ("bgnbd", "modified_bgnbd", "pareto_nbd")
CUSTOMERS = 400_000
NARROW = {
    "bgnbd": {"r": 3.1, "alpha": 2.0, "a": 1.7, "b": 6.3},
    "modified_bgnbd": {"r": 3.1, "alpha": 2.0, "a": 1.7, "b": 6.3},
    "pareto_nbd": {"r": 3.1, "alpha": 2.0, "s": 2.4, "beta": 30.0},
}
BASES = [
    pytest.param(model, params[model], id=f"{model}-{name}")
    for model in MODELS
    for name, params in [("cdnow", CDNOW), ("frequent", NARROW)]
]


def agrees(sample, expected):
    """Within 4.5 standard errors of the mean."""
    sample = np.asarray(sample, dtype=float)
    assert abs(sample.mean() - expected) < 4.5 * sample.std() / np.sqrt(len(sample))


def expected_purchases(model, params, t):
    """E[X(t)] as the papers have it."""
    if model == "pareto_nbd":
        r, alpha, s, beta = params.values()
        return r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))
    r, alpha, a, b = params.values()
    z = t / (alpha + t)
    if model == "bgnbd":
        return (a + b - 1) / (a - 1) * (1 - (1 - z) ** r * hyp2f1(r, b, a + b - 1, z))
    return b / (a - 1) * (1 - (1 - z) ** r * hyp2f1(r, b + 1, a + b, z))


def nobody_buys(model, params, t):
    """P(X(t) = 0), where it is of closed form."""
    r, alpha, a, b = params.values()
    still = (alpha / (alpha + t)) ** r
    return still if model == "bgnbd" else (a + b * still) / (a + b)


class TestHistories:
    @pytest.mark.parametrize(("model", "params"), BASES)
    def test_expected_purchases(self, model, params):
        drawn = simulate_histories(model, params, np.full(CUSTOMERS, 39.0), ahead=13.0, seed=1)
        now = expected_purchases(model, params, 39.0)
        agrees(drawn["frequency"], now)
        agrees(drawn["purchases_ahead"], expected_purchases(model, params, 52.0) - now)

    @pytest.mark.parametrize(("model", "params"), BASES[:4])
    def test_customers_without_repeats(self, model, params):
        drawn = simulate_histories(model, params, np.full(CUSTOMERS, 39.0), seed=2)
        agrees(drawn["frequency"] == 0, nobody_buys(model, params, 39.0))

    @pytest.mark.parametrize("params", [CDNOW["pareto_nbd"], NARROW["pareto_nbd"]])
    def test_lifetimes_of_the_pareto_nbd(self, params):
        drawn = simulate_histories("pareto_nbd", params, np.full(CUSTOMERS, 39.0), seed=3)
        agrees(drawn["alive"], (params["beta"] / (params["beta"] + 39)) ** params["s"])

    @pytest.mark.parametrize("params", [CDNOW["bgnbd"], NARROW["bgnbd"]])
    def test_share_alive_in_the_bgnbd(self, params):
        drawn = simulate_histories("bgnbd", params, np.full(CUSTOMERS, 39.0), seed=4)
        assert (drawn.loc[drawn["frequency"] == 0, "alive"]).all()
        fitted = BGNBD()
        fitted.params_ = pd.Series(dict(params))
        alive = fitted.conditional_probability_alive(drawn["frequency"], drawn["recency"], drawn["T"])
        agrees(drawn["alive"] - alive, 0.0)

    @pytest.mark.parametrize(("model", "params"), BASES)
    def test_frequency_and_recency_together(self, model, params):
        """At the true parameters the slope of the log-likelihood is 0 on average, in lifetimes' own formulas."""
        fitter = {
            "bgnbd": lifetimes.BetaGeoFitter,
            "modified_bgnbd": lifetimes.ModifiedBetaGeoFitter,
            "pareto_nbd": lifetimes.ParetoNBDFitter,
        }[model]
        drawn = simulate_histories(model, params, np.random.default_rng(5).uniform(20, 60, 60_000), seed=5)
        batches = [
            [batch[name].to_numpy() for name in ("frequency", "recency", "T")] + [np.ones(len(batch)), 0.0]
            for batch in (drawn.iloc[first : first + 1000] for first in range(0, len(drawn), 1000))
        ]
        truth = np.log(list(params.values()))
        given = np.exp if model == "pareto_nbd" else np.asarray  # lifetimes takes logarithms from the other two
        step = 1e-4
        for direction in np.eye(4) * step:
            slopes = [
                fitter._negative_log_likelihood(given(truth + direction), *batch)
                - fitter._negative_log_likelihood(given(truth - direction), *batch)
                for batch in batches
            ]
            agrees(np.array(slopes) / (2 * step), 0.0)

    @pytest.mark.parametrize("model", MODELS)
    def test_a_history_is_possible(self, model):
        drawn = simulate_histories(model, CDNOW[model], np.linspace(0, 500, 20_000), ahead=10, seed=6)
        assert list(drawn) == ["frequency", "recency", "T", "purchases_ahead", "alive"]
        assert [str(dtype) for dtype in drawn.dtypes] == ["int64", "float64", "float64", "int64", "bool"]
        assert (drawn["recency"] <= drawn["T"]).all()
        assert_array_equal(drawn["recency"] > 0, drawn["frequency"] > 0)
        assert (drawn.loc[~drawn["alive"], "purchases_ahead"] == 0).all()

    @pytest.mark.parametrize("model", MODELS)
    def test_the_seed_decides(self, model):
        one, same, other = (
            simulate_histories(model, CDNOW[model], np.full(500, 39.0), ahead=5, seed=seed) for seed in (7, 7, 8)
        )
        pd.testing.assert_frame_equal(one, same)
        assert (one["recency"] != other["recency"]).any()

    def test_a_generator_goes_on_where_it_stopped(self):
        random = np.random.default_rng(9)
        one, other = (simulate_histories("bgnbd", CDNOW["bgnbd"], np.full(500, 39.0), seed=random) for _ in range(2))
        assert (one["recency"] != other["recency"]).any()

    def test_customers_who_never_leave(self):
        for model, params in {
            "bgnbd": {"r": 0.5, "alpha": 5.0, "a": 1e-300, "b": 1.0},
            "modified_bgnbd": {"r": 0.5, "alpha": 5.0, "a": 1e-300, "b": 1.0},
            "pareto_nbd": {"r": 0.5, "alpha": 5.0, "s": 1e-300, "beta": 1.0},
        }.items():
            drawn = simulate_histories(model, params, np.full(50_000, 500.0), ahead=500, seed=10)
            assert drawn["alive"].all()
            agrees(drawn["frequency"], 50.0)
            agrees(drawn["purchases_ahead"], 50.0)

    def test_customers_who_all_leave_at_once(self):
        certain = {"r": 5.0, "alpha": 1.0, "a": 1.0, "b": 1e-300}
        first_repeat = simulate_histories("bgnbd", certain, np.full(1000, 1e6), ahead=1, seed=11)
        assert (first_repeat["frequency"] == 1).all() and not first_repeat["alive"].any()
        at_once = simulate_histories("modified_bgnbd", certain, np.full(1000, 1e6), ahead=1, seed=11)
        assert (at_once["frequency"] == 0).all() and not at_once["alive"].any()

    def test_hundreds_of_purchases(self):
        busy = {"r": 2000.0, "alpha": 20.0, "a": 1.0, "b": 4000.0}
        drawn = simulate_histories("bgnbd", busy, np.full(100_000, 5.0), seed=12)
        agrees(drawn["frequency"], expected_purchases("bgnbd", {**busy, "a": 1.0 + 1e-7}, 5.0))

    @pytest.mark.parametrize(
        ("model", "params", "T", "ahead", "told"),
        [
            ("gamma_gamma", CDNOW["gamma_gamma"], [1.0], 0, "'gamma_gamma'; it must be one of bgnbd"),
            ("bgnbd", CDNOW["pareto_nbd"], [1.0], 0, "bgnbd takes r, alpha, a, b; params holds r, alpha, s, beta"),
            ("bgnbd", {**CDNOW["bgnbd"], "a": 0.0}, [1.0], 0, "not so: a 0"),
            ("bgnbd", {**CDNOW["bgnbd"], "b": np.inf}, [1.0], 0, "not so: b inf"),
            ("bgnbd", CDNOW["bgnbd"], [1.0, -1.0, np.nan, np.inf], 0, "for 3 of 4 customers"),
            ("bgnbd", CDNOW["bgnbd"], [1.0], -1, "ahead is -1"),
        ],
    )
    def test_refusals(self, model, params, T, ahead, told):
        with pytest.raises(ValueError, match=told):
            simulate_histories(model, params, T, ahead=ahead, seed=1)


class TestSpend:
    def test_means_and_spreads(self):
        p, q, v = CDNOW["gamma_gamma"].values()
        purchases = np.tile([1, 2, 5], CUSTOMERS // 3)
        mean = simulate_spend(purchases, p, q, v, seed=1) / purchases
        for number in (1, 2, 5):
            agrees(mean[purchases == number], p * v / (q - 1))
        # an amount is p v / q times a variable of Fisher's F distribution with 2 p and 2 q degrees of freedom
        assert kstest(mean[purchases == 1] * q / (p * v), "f", args=(2 * p, 2 * q)).pvalue > 0.01
        assert kstest(mean[purchases == 5] * q / (p * v), "f", args=(10 * p, 2 * q)).pvalue > 0.01

    def test_later_purchases_are_the_same_customers(self):
        p, q, v = 6.25, 8.0, 50.0
        total = simulate_spend(np.full((CUSTOMERS, 2), 3), p, q, v, seed=2)
        assert total.shape == (CUSTOMERS, 2)
        between = p**2 * v**2 / ((q - 1) ** 2 * (q - 2))
        deviations = (total / 3 - p * v / (q - 1)).prod(axis=1)
        agrees(deviations, between)

    def test_nothing_bought_is_nothing_spent(self):
        total = simulate_spend([[0, 1], [2, 0], [0, 0]], 6.0, 4.0, 15.0, seed=3)
        assert_array_equal(total > 0, [[False, True], [True, False], [False, False]])

    def test_the_seed_decides(self):
        one, same, other = (simulate_spend(np.ones(100), 6.0, 4.0, 15.0, seed=seed) for seed in (1, 1, 2))
        assert_array_equal(one, same)
        assert (one != other).any()

    def test_refusals(self):
        with pytest.raises(ValueError, match="purchases is negative or missing in 2 of 3 places"):
            simulate_spend([1, -1, np.nan], 6.0, 4.0, 15.0, seed=1)
        with pytest.raises(ValueError, match="not so: q -4"):
            simulate_spend([1], 6.0, -4.0, 15.0, seed=1)


class TestLedger:
    START, END = dt.date(1997, 1, 1), dt.date(1998, 6, 30)

    def ledger(self, seed=1, model="bgnbd", customers=100_000, **changed):
        given = {"start": self.START, "acquisition_days": 84, "end": self.END, "seed": seed} | changed
        params = given.pop("params", CDNOW[model])
        return simulate_ledger(model, params, CDNOW["gamma_gamma"], customers, **given)

    @pytest.mark.parametrize("model", MODELS)
    def test_form(self, model):
        ledger = self.ledger(model=model, customers=5000)
        assert ledger.schema == {"customer": pl.String, "date": pl.Date, "amount": pl.Float64}
        assert ledger["date"].is_sorted()
        assert ledger["date"].min() == self.START and ledger["date"].max() <= self.END
        assert sorted(ledger["customer"].unique()) == [f"{number:04}" for number in range(1, 5001)]
        assert ledger["amount"].min() >= 0.01
        assert (ledger["amount"].round(2) == ledger["amount"]).all()
        assert ledger.group_by("customer").agg(pl.col("date").min())["date"].max() <= dt.date(1997, 3, 25)

    def test_first_purchases_are_spread_evenly(self):
        first = self.ledger().group_by("customer").agg(pl.col("date").min())["date"]
        assert chisquare(first.value_counts()["count"]).pvalue > 0.01

    def test_as_many_purchases_as_the_model_expects(self):
        ledger = self.ledger()
        spans = (546 - np.random.default_rng(2).uniform(0, 84, 100_000)) / 7
        repeats = ledger.group_by("customer").len()["len"].to_numpy() - 1
        agrees(repeats, np.mean(expected_purchases("bgnbd", CDNOW["bgnbd"], spans)))

    def test_purchases_of_customers_who_stay_are_spread_evenly(self):
        stay = {"r": 2.0, "alpha": 10.0, "s": 1e-300, "beta": 1.0}
        ledger = self.ledger(model="pareto_nbd", params=stay, customers=3000, acquisition_days=1)
        later = ledger.filter(pl.col("date") > self.START)["date"].value_counts()["count"]
        assert len(later) == 545
        assert chisquare(later).pvalue > 0.01

    def test_amounts_are_their_customers(self):
        p, q, v = CDNOW["gamma_gamma"].values()
        ledger = self.ledger(params={**CDNOW["bgnbd"], "r": 1.0})
        agrees(ledger.group_by("customer").agg(pl.col("amount").first())["amount"], p * v / (q - 1))
        means = ledger.group_by("customer").agg(pl.col("amount").mean(), pl.len()).filter(pl.col("len") == 4)["amount"]
        assert len(means) > 2000
        assert kstest(means * q / (p * v), "f", args=(8 * p, 2 * q)).pvalue > 0.01

    def test_a_fit_finds_the_parameters(self):
        summary = rfm_summary(self.ledger(seed=3), self.END).to_pandas()
        fitted = BGNBD().fit(summary["frequency"], summary["recency"], summary["T"])
        # whole days join some purchases, which moves the estimates by less than a tenth
        np.testing.assert_allclose(fitted.params_, list(CDNOW["bgnbd"].values()), rtol=0.1)

    def test_units(self):
        weekly = self.ledger(customers=1000)
        daily = {**CDNOW["bgnbd"], "alpha": CDNOW["bgnbd"]["alpha"] * 7}
        assert len(self.ledger(customers=1000, params=daily, time_unit="day")) == len(weekly)

    def test_the_seed_decides(self):
        assert self.ledger(customers=1000).equals(self.ledger(customers=1000))
        assert not self.ledger(customers=1000).equals(self.ledger(customers=1000, seed=2))

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"acquisition_days": 547}, "acquisition_days is 547; .* it must be from 1 to 546"),
            ({"acquisition_days": 0}, "acquisition_days is 0"),
            ({"time_unit": "fortnight"}, "'fortnight'; it must be one of day"),
        ],
    )
    def test_refusals(self, changed, told):
        with pytest.raises(ValueError, match=told):
            self.ledger(**changed)


def test_published_parameters_are_complete():
    assert {model: tuple(params) for model, params in CDNOW.items()} == dict(PARAMETERS)
