"""Discounted purchases and customer lifetime value."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from models import BGNBD, GammaGamma
from models._purchase_model import discounted_transactions
from models.lifetime_value import (
    customer_lifetime_value,
    discounted_expected_purchases,
    force_of_interest,
    with_intervals,
)
from models.posterior import sample_posterior
from models.simulation import CDNOW, simulate_histories, simulate_spend

COLUMNS = [
    "customer",
    "frequency",
    "recency",
    "T",
    "monetary_value",
    "p_alive",
    "expected_purchases",
    "expected_purchases_low",
    "expected_purchases_high",
    "expected_spend",
    "clv",
    "clv_low",
    "clv_high",
]


def bgnbd(r, alpha, a, b):
    model = BGNBD()
    model.params_ = pd.Series([r, alpha, a, b], index=["r", "alpha", "a", "b"])
    return model


@pytest.fixture
def purchases():
    return bgnbd(0.2426, 4.4136, 0.7929, 2.4259)


@pytest.fixture
def spend():
    model = GammaGamma()
    model.params_ = pd.Series([6.25, 3.74, 15.44], index=["p", "q", "v"])
    return model


@pytest.fixture
def summary():
    return pd.DataFrame(
        {
            "customer": ["007", "008", "009"],
            "frequency": [2, 0, 2],
            "recency": [30.43, 0.0, 30.43],
            "T": [38.86, 38.86, 38.86],
            "monetary_value": [22.35, 0.0, 50.0],
        }
    )


@pytest.fixture
def base():
    """Customers with all that they bought and spent in 39 weeks and in the next 39."""
    random = np.random.default_rng(11)
    customers = simulate_histories("bgnbd", CDNOW["bgnbd"], random.uniform(27, 39, 1500), ahead=39, seed=random)
    numbers = customers[["frequency", "purchases_ahead"]].to_numpy()
    spent = simulate_spend(numbers, **CDNOW["gamma_gamma"], seed=random)
    mean = np.divide(spent[:, 0], numbers[:, 0], out=np.zeros(len(spent)), where=numbers[:, 0] > 0)
    return customers.assign(customer=np.arange(1500).astype(str), monetary_value=mean, spent_ahead=spent[:, 1])


@pytest.fixture
def fitted(base):
    purchase_model = BGNBD().fit(base["frequency"], base["recency"], base["T"])
    buying = base[base["frequency"] > 0]
    spend_model = GammaGamma().fit(buying["frequency"], buying["monetary_value"])
    return purchase_model, spend_model


def test_constant_rate_has_the_value_of_an_annuity():
    """Two purchases a year for three years, and for ever."""
    delta = force_of_interest(0.1, "year")
    for years, annuity in [(3, 1 - 1.1**-3), (np.inf, 1)]:
        value = discounted_transactions(lambda t: 2 * t, delta, years, np.ones(1))
        assert value[0] == pytest.approx(2 * annuity / np.log(1.1), rel=1e-9)


@pytest.mark.parametrize("age", [0.0, 2.0, 500.0])
def test_a_long_horizon_is_worth_what_an_endless_one_is(purchases, age):
    terms: dict[str, Any] = {"annual_discount_rate": 0.1, "time_unit": "week"}
    frequency = 3 if age else 0
    ever, centuries, decades = (
        discounted_expected_purchases(purchases, [frequency], [age / 2], [age], horizon_days=days, **terms)[0]
        for days in (np.inf, 150_000, 12_000)
    )
    assert ever == pytest.approx(centuries, rel=1e-6)
    assert ever * 0.9 < decades < ever


def test_an_endless_horizon_needs_a_discount(purchases):
    with pytest.raises(ValueError, match="above 0"):
        discounted_expected_purchases(
            purchases, [0], [0], [1], horizon_days=np.inf, annual_discount_rate=0.0, time_unit="week"
        )


def test_margin_of_each_customer(purchases, spend, summary):
    terms: dict[str, Any] = {"horizon_days": 365, "annual_discount_rate": 0.1}
    revenue = customer_lifetime_value(summary, purchases, spend, **terms)["clv"]
    profit = customer_lifetime_value(summary, purchases, spend, margin=[0.1, 0.5, -0.2], **terms)["clv"]
    np.testing.assert_allclose(profit, revenue * [0.1, 0.5, -0.2])


TERMS: dict[str, Any] = {"horizon_days": 273, "annual_discount_rate": 0.1, "margin": 0.3}


class TestIntervals:
    def test_hold_what_was_to_come(self, base, fitted):
        valued = customer_lifetime_value(base, *fitted, **TERMS)
        posteriors = [sample_posterior(model) for model in fitted]
        found = with_intervals(valued, fitted[0], *posteriors, **TERMS)
        table = found.customers
        assert list(table) == COLUMNS
        assert (table["expected_purchases_low"] <= table["expected_purchases_high"]).all()
        assert (table["clv_low"] <= table["clv_high"]).all()
        actual = base["purchases_ahead"]
        inside = (actual >= table["expected_purchases_low"]) & (actual <= table["expected_purchases_high"])
        assert inside.mean() >= 0.8
        paid = 0.3 * base["spent_ahead"]
        assert ((paid >= table["clv_low"]) & (paid <= table["clv_high"] * 1.05)).mean() >= 0.8
        assert found.purchases.low < table["expected_purchases"].sum() < found.purchases.high
        assert found.value.low < table["clv"].sum() < found.value.high

    def test_same_seed_same_bounds(self, base, fitted):
        valued = customer_lifetime_value(base, *fitted, **TERMS)
        posteriors = [sample_posterior(model) for model in fitted]
        one, same, other = (with_intervals(valued, fitted[0], *posteriors, seed=seed, **TERMS) for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(one.customers, same.customers)
        assert one.value == same.value != other.value

    def test_without_spend_only_purchases_are_bounded(self, base, fitted):
        valued = customer_lifetime_value(base, fitted[0], None, **TERMS)
        found = with_intervals(valued, fitted[0], sample_posterior(fitted[0]), None, **TERMS)
        assert found.customers["expected_purchases_high"].notna().all()
        assert found.customers[["clv_low", "clv_high"]].isna().all(axis=None)
        assert np.isnan(found.value.low) and found.purchases.low > 0

    def test_need_a_finite_horizon(self, base, fitted):
        with pytest.raises(ValueError, match="finite horizon"):
            with_intervals(base, fitted[0], None, None, horizon_days=np.inf, annual_discount_rate=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("r", "alpha", "a", "b"), [(0.24, 4.4, 0.8, 2.4), (0.05, 0.02, 0.5, 2), (5, 0.1, 0.1, 3)])
def test_matches_the_integral_of_the_purchase_rate(r, alpha, a, b):
    model, delta, weeks = bgnbd(r, alpha, a, b), np.log(1.15) * 7 / 365.25, 730 / 7

    def rate(t):  # of a new customer: E[lambda exp(-lambda p t)], by the beta distribution of p
        u = lambda y: (1 + (1 / (1 + np.exp(-y))) * t / alpha) ** (-r - 1)  # noqa: E731
        weight = lambda y: np.exp(-a * np.logaddexp(0, -y) - b * np.logaddexp(0, y))  # noqa: E731
        top = quad(lambda y: u(y) * weight(y), -400, 60, limit=400)[0]
        return r / alpha * top / quad(weight, -400, 60, limit=400)[0]

    # In log(t + alpha) the early burst takes no finer grid than the rest.
    expected = quad(
        lambda s: np.exp(-delta * (np.exp(s) - alpha)) * rate(np.exp(s) - alpha) * np.exp(s),
        np.log(alpha),
        np.log(alpha + weeks),
    )[0]
    ours = discounted_expected_purchases(
        model, [0], [0], [0], horizon_days=730, annual_discount_rate=0.15, time_unit="week"
    )
    assert ours[0] == pytest.approx(expected, rel=1e-6)


def test_no_discount_is_the_plain_expectation(purchases):
    ours = discounted_expected_purchases(
        purchases, [2], [30.43], [38.86], horizon_days=273, annual_discount_rate=0.0, time_unit="week"
    )
    assert ours[0] == purchases.predict(39, 2, 30.43, 38.86)


def test_unit_of_time_does_not_matter(purchases):
    daily = bgnbd(0.2426, 4.4136 * 7, 0.7929, 2.4259)
    terms: dict[str, Any] = {"horizon_days": 365, "annual_discount_rate": 0.1}
    by_week = discounted_expected_purchases(purchases, [2], [30.0], [38.0], **terms, time_unit="week")
    by_day = discounted_expected_purchases(daily, [2], [210.0], [266.0], **terms, time_unit="day")
    assert by_day[0] == pytest.approx(by_week[0], rel=1e-10)


def test_table(purchases, spend, summary):
    table = customer_lifetime_value(summary, purchases, spend, horizon_days=273, annual_discount_rate=0.1, margin=0.3)
    assert list(table) == COLUMNS
    assert table["customer"].tolist() == ["007", "008", "009"]
    assert table["expected_purchases"].tolist() == pytest.approx(
        purchases.predict(39, *(summary[c] for c in ("frequency", "recency", "T"))).tolist()
    )
    assert table["p_alive"][1] == 1
    discounted = discounted_expected_purchases(
        purchases, summary["frequency"], summary["recency"], summary["T"],
        horizon_days=273, annual_discount_rate=0.1, time_unit="week",
    )  # fmt: skip
    np.testing.assert_allclose(table["clv"], 0.3 * table["expected_spend"] * discounted)
    assert (discounted < table["expected_purchases"]).all() and discounted[0] == discounted[2]
    for column in ["expected_purchases_low", "expected_purchases_high", "clv_low", "clv_high"]:
        assert table[column].dtype == float and table[column].isna().all()


def test_without_a_margin_the_value_is_revenue(purchases, spend, summary):
    terms: dict[str, Any] = {"horizon_days": 365, "annual_discount_rate": 0.1}
    revenue = customer_lifetime_value(summary, purchases, spend, **terms)
    profit = customer_lifetime_value(summary, purchases, spend, **terms, margin=0.25)
    np.testing.assert_allclose(revenue["clv"] * 0.25, profit["clv"])


def test_without_a_spend_model(purchases, summary):
    bare = summary.drop(columns="monetary_value")
    table = customer_lifetime_value(bare, purchases, None, horizon_days=365, annual_discount_rate=0.1)
    assert list(table) == COLUMNS
    assert table[["expected_spend", "clv", "monetary_value"]].isna().all(axis=None)
    assert table["expected_purchases"].notna().all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"time_unit": "fortnight"}, "fortnight"),
        ({"horizon_days": -1}, "can't be negative"),
        ({"annual_discount_rate": -1.0}, "above -1"),
    ],
)
def test_refusals(purchases, changed, said):
    terms = {"horizon_days": 365, "annual_discount_rate": 0.1, "time_unit": "week"} | changed
    with pytest.raises(ValueError, match=said):
        discounted_expected_purchases(purchases, [0], [0], [1], **terms)
