"""The levers and what retention is worth: against sums by hand, the models' own forecasts, and constant retention."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models import BGNBD, GammaGamma
from models.levers import BETTER_NEW, LIFE_YEARS, PURCHASE, REGULARS, Levers, Terms, simulate_levers
from models.lifetime_value import discounted_expected_purchases, force_of_interest
from models.posterior import Posterior, sample_posterior
from models.simulation import CDNOW, simulate_histories, simulate_spend

YEAR = 365.25 / 7
TERMS = Terms(365, 0.10, "week", newcomers=120, first_purchase=40.0)


def simulated(customers: int, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    base = simulate_histories("bgnbd", CDNOW["bgnbd"], random.uniform(20, 100, customers), seed=random)
    spent = simulate_spend(base["frequency"], **CDNOW["gamma_gamma"], seed=random)
    return base.assign(monetary_value=np.divide(spent, base["frequency"], where=base["frequency"] > 0, out=0 * spent))


@pytest.fixture(scope="module")
def models() -> tuple[BGNBD, GammaGamma]:
    """The models with the published estimates."""
    purchases, spend = BGNBD(), GammaGamma()
    purchases.params_, spend.params_ = pd.Series(CDNOW["bgnbd"]), pd.Series(CDNOW["gamma_gamma"])
    return purchases, spend


@pytest.fixture(scope="module")
def base() -> pd.DataFrame:
    """600 customers."""
    return simulated(600)


@pytest.fixture(scope="module")
def found(base: pd.DataFrame, models: tuple[Any, Any]) -> Levers:
    """Half of revenue is profit, but for the first 100 customers, of whom a tenth is."""
    return simulate_levers(base, *models, TERMS, margin=margin_of(base))


def margin_of(base: pd.DataFrame) -> np.ndarray:
    return np.where(np.arange(len(base)) < 100, 0.1, 0.5)


def expected_of(base: pd.DataFrame, models: tuple[Any, Any], weeks: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each customer's purchases and mean spend, by the models' own forecasts."""
    histories = (base[name].to_numpy() for name in ("frequency", "recency", "T"))
    purchases = models[0].conditional_expected_number_of_purchases_up_to_time(weeks, *histories)
    return purchases, models[1].conditional_expected_average_profit(
        base["frequency"], base["monetary_value"]
    ).to_numpy()


class TestTotals:
    def test_of_todays_customers_are_the_models_forecast(
        self, base: pd.DataFrame, models: tuple[Any, Any], found: Levers
    ) -> None:
        purchases, spend = expected_of(base, models, 365 / 7)
        assert found.of_customers == pytest.approx((purchases * spend * margin_of(base)).sum())
        assert found.today.value == pytest.approx(found.of_customers + found.of_newcomers)

    def test_of_newcomers_are_the_forecasts_of_those_who_come_on_each_day(
        self, base: pd.DataFrame, models: tuple[Any, Any], found: Levers
    ) -> None:
        purchases, spend = expected_of(base, models, 365 / 7)
        margin = (purchases * spend * margin_of(base)).sum() / (purchases * spend).sum()
        ahead = (365 - np.arange(0.5, 365)) / 7  # those who come on a day come at noon
        repeat = models[0].expected_number_of_purchases_up_to_time(ahead).mean()
        p, q, v = models[1].params_
        assert found.of_newcomers == pytest.approx(120 * margin * (40 + repeat * p * v / (q - 1)), rel=1e-4)

    def test_an_order_costs_what_it_costs(self, base: pd.DataFrame, models: tuple[Any, Any], found: Levers) -> None:
        dear = simulate_levers(base, *models, replace(TERMS, order_cost=2.0), margin=margin_of(base))
        purchases, _ = expected_of(base, models, 365 / 7)
        assert found.of_customers - dear.of_customers == pytest.approx(2 * purchases.sum())
        # a larger purchase is no more orders, and revenue knows no cost
        assert gain_of(dear, PURCHASE) == pytest.approx(gain_of(found, PURCHASE))
        revenue = [simulate_levers(base, *models, terms).today for terms in (TERMS, replace(TERMS, order_cost=2.0))]
        assert revenue[0] == revenue[1]


def gain_of(found: Levers, lever: str) -> float:
    return next(gain.profit.value for gain in found.gains if gain.lever == lever)


class TestLevers:
    def test_a_larger_purchase_adds_its_share_of_what_is_bought(self, found: Levers) -> None:
        assert gain_of(found, PURCHASE) == pytest.approx(0.10 * found.today.value)

    def test_better_newcomers_add_their_share_of_repeat_purchases(
        self, base: pd.DataFrame, models: tuple[Any, Any], found: Levers
    ) -> None:
        # what is left of the newcomers' profit when no first purchase is paid
        repeat = simulate_levers(base, *models, replace(TERMS, first_purchase=0.0), margin=margin_of(base)).of_newcomers
        assert gain_of(found, BETTER_NEW) == pytest.approx(0.10 * repeat)

    def test_regulars_are_made_of_the_indifferent(
        self, base: pd.DataFrame, models: tuple[Any, Any], found: Levers
    ) -> None:
        purchases, spend = expected_of(base, models, 365 / 7)
        alive = models[0].conditional_probability_alive(base["frequency"], base["recency"], base["T"]) >= 0.5
        usual = np.mean([p for p, x, a in zip(purchases, base["frequency"], alive, strict=True) if x >= 2 and a])
        rows = zip(purchases, spend, margin_of(base), base["frequency"], alive, strict=True)
        added = sum((usual - p) * s * m for p, s, m, x, a in rows if x <= 1 and a)
        assert gain_of(found, REGULARS) == pytest.approx(0.10 * added)
        indifferent = ((base["frequency"] <= 1) & alive).sum()
        assert [gain.customers for gain in found.gains] == [120, pytest.approx(0.10 * indifferent), 720]

    def test_twice_the_lever_adds_twice_as_much(
        self, base: pd.DataFrame, models: tuple[Any, Any], found: Levers
    ) -> None:
        twice = simulate_levers(base, *models, replace(TERMS, lever=0.20), margin=margin_of(base))
        for one, other in zip(found.gains, twice.gains, strict=True):
            assert other.profit.value == pytest.approx(2 * one.profit.value)

    def test_without_newcomers_better_ones_add_nothing(self, base: pd.DataFrame, models: tuple[Any, Any]) -> None:
        none = simulate_levers(base, *models, replace(TERMS, newcomers=0, first_purchase=0.0))
        assert (gain_of(none, BETTER_NEW), none.of_newcomers) == (0, 0)

    def test_without_regulars_it_is_not_known_what_more_of_them_would_bring(self, models: tuple[Any, Any]) -> None:
        once = pd.DataFrame({"frequency": [0, 1], "recency": [0.0, 5.0], "T": [9.0, 8.0], "monetary_value": [0.0, 9.0]})
        few = simulate_levers(once, *models, TERMS)
        assert np.isnan(gain_of(few, REGULARS))
        assert gain_of(few, PURCHASE) > 0


class TestRetention:
    def test_raised_by_the_factor_it_is_so_many_points_more(self, base: pd.DataFrame, models: tuple[Any, Any]) -> None:
        alone = simulate_levers(base, *models, replace(TERMS, newcomers=0))
        kept = alone.retention.kept

        def brought(weeks: float) -> float:
            purchases, spend = expected_of(base, models, weeks)
            return float(purchases @ spend)

        rate, raised = (brought(2 * c * YEAR) / brought(c * YEAR) - 1 for c in (1, kept))
        assert alone.retention.rate.value == pytest.approx(rate)
        assert raised - rate == pytest.approx(0.05, abs=0.002)
        # with leaving c times as likely, E[X(t)] is E[X(c t)] / c
        gain = brought(kept * 365 / 7) / kept - brought(365 / 7)
        assert alone.retention.gain.value == pytest.approx(gain, rel=0.03)

    def test_worth_in_life_is_the_models_own(self, base: pd.DataFrame, models: tuple[Any, Any]) -> None:
        found = simulate_levers(base, *models, TERMS).retention
        _, spend = expected_of(base, models, 1)
        histories = [base[name] for name in ("frequency", "recency", "T")]

        def worth(c: float) -> float:
            # time that runs c times as fast, and a discount that is 1 / c times as strong
            rate = np.expm1(force_of_interest(0.10, "year") / c)
            days = c * LIFE_YEARS * 365.25
            terms: dict[str, Any] = {"horizon_days": days, "annual_discount_rate": rate, "time_unit": "week"}
            return float(discounted_expected_purchases(models[0], *histories, **terms) @ spend) / c

        assert found.life.value == pytest.approx(worth(found.kept) / worth(1.0) - 1, rel=0.03)

    def test_where_all_leave_at_one_constant_rate_it_is_the_share_kept(self) -> None:
        # everybody buys once a week and leaves after a purchase with probability 0.004: rate 0.004 a week
        purchases, spend = BGNBD(), GammaGamma()
        purchases.params_ = pd.Series({"r": 1e7, "alpha": 1e7, "a": 4e5, "b": 1e8 - 4e5})
        spend.params_ = pd.Series({"p": 6.0, "q": 4.0, "v": 15.0})
        loyal = pd.DataFrame({"frequency": [50] * 20, "recency": [50.0] * 20, "T": [50.0] * 20, "monetary_value": 9.0})
        found = simulate_levers(loyal, purchases, spend, replace(TERMS, newcomers=0)).retention
        rate = np.exp(-0.004 * YEAR)
        assert found.rate.value == pytest.approx(rate, rel=1e-3)
        # a customer who leaves at the rate h and is discounted at d is worth (1 - exp(-(h + d) 20)) / (h + d)
        leaving, raised, discount = -np.log(rate), -np.log(rate + 0.05), np.log(1.1)
        worth = [-np.expm1(-(h + discount) * LIFE_YEARS) / (h + discount) for h in (leaving, raised)]
        assert found.kept == pytest.approx(raised / leaving, rel=1e-3)
        assert found.life.value == pytest.approx(worth[1] / worth[0] - 1, rel=1e-3)

    def test_where_hardly_anybody_leaves_there_is_nothing_to_raise(self, base: pd.DataFrame) -> None:
        purchases, spend = BGNBD(), GammaGamma()
        purchases.params_ = pd.Series({"r": 0.5, "alpha": 5.0, "a": 1e-3, "b": 10.0})
        spend.params_ = pd.Series(CDNOW["gamma_gamma"])
        found = simulate_levers(base, purchases, spend, TERMS).retention
        assert found.rate.value > 0.95
        assert np.isnan([found.kept, found.gain.value, found.life.value]).all()


@pytest.fixture(scope="module")
def fitted() -> tuple[pd.DataFrame, BGNBD, GammaGamma, Posterior, Posterior]:
    """3,000 customers, the models as they fit them, and how well they are known."""
    base = simulated(3000, seed=5)
    again = base[base["frequency"] > 0]
    purchases = BGNBD().fit(base["frequency"], base["recency"], base["T"])
    spend = GammaGamma().fit(again["frequency"], again["monetary_value"])
    return base, purchases, spend, sample_posterior(purchases, seed=1), sample_posterior(spend, seed=1)


def with_interval(fitted: tuple[Any, ...], coverage: float = 0.8, margin: float | None = None) -> Levers:
    base, purchases, spend, known, spend_known = fitted
    posteriors: dict[str, Any] = {"purchase_posterior": known, "spend_posterior": spend_known, "seed": 1}
    return simulate_levers(base, purchases, spend, TERMS, margin=margin, coverage=coverage, **posteriors)


class TestIntervals:
    def test_lie_about_the_estimates_and_come_out_the_same_again(self, fitted: tuple[Any, ...]) -> None:
        found = with_interval(fitted, margin=0.3)
        estimates = [found.today, *(gain.profit for gain in found.gains)]
        estimates += [found.retention.rate, found.retention.gain, found.retention.life]
        assert all(each.low < each.value < each.high for each in estimates)
        assert with_interval(fitted, margin=0.3) == found
        wider = with_interval(fitted, 0.95, margin=0.3)
        assert wider.today.low < found.today.low < found.today.high < wider.today.high

    def test_cover_what_the_true_parameters_say(self, fitted: tuple[Any, ...], models: tuple[Any, Any]) -> None:
        found = with_interval(fitted, 0.99)
        truth = simulate_levers(fitted[0], *models, TERMS)
        assert found.today.low < truth.today.value < found.today.high
        assert found.retention.rate.low < truth.retention.rate.value < found.retention.rate.high
        assert found.retention.life.low < truth.retention.life.value < found.retention.life.high

    def test_are_missing_without_posteriors(self, found: Levers) -> None:
        assert np.isnan([found.today.low, found.retention.life.high]).all()


def test_refuses_a_mean_purchase_without_a_mean(base: pd.DataFrame, models: tuple[Any, Any]) -> None:
    endless = GammaGamma()
    endless.params_ = pd.Series({"p": 6.0, "q": 0.9, "v": 15.0})
    with pytest.raises(ValueError, match="infinite"):
        simulate_levers(base, models[0], endless, TERMS)


def test_one_customer_is_enough(models: tuple[Any, Any]) -> None:
    one = pd.DataFrame({"frequency": [3], "recency": [20.0], "T": [25.0], "monetary_value": [30.0]})
    found = simulate_levers(one, *models, TERMS)
    assert gain_of(found, REGULARS) == 0
    assert 0 < found.retention.rate.value < 1
