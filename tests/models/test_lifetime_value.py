"""Discounted purchases and customer lifetime value."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from models import BGNBD, GammaGamma
from models.lifetime_value import customer_lifetime_value, discounted_expected_purchases

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


class ConstantRate:
    """Everybody buys twice per unit of time and never leaves."""

    def conditional_expected_number_of_purchases_up_to_time(self, t, frequency, recency, T):
        return 2.0 * t * np.ones(len(frequency))


def test_constant_rate_has_the_value_of_an_annuity():
    years = 3
    value = discounted_expected_purchases(
        ConstantRate(), [1], [1], [2], horizon_days=years * 365.25, annual_discount_rate=0.1, time_unit="year"
    )
    assert value[0] == pytest.approx(2 * (1 - 1.1**-years) / np.log(1.1), rel=1e-12)


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
