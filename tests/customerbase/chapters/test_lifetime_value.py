"""What `04_lifetime_value` says of bases whose truth is known."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.lifetime_value import forecast_validation, lifetime_value
from customerbase.figures.lifetime_value import lifetime_value as figures
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from models import BGNBD
from models.simulation import CDNOW, simulate_ledger


def rows_of(ledger: pl.DataFrame, *columns: str) -> str:
    return ledger.select(*columns).write_csv(include_header=False)


def simulated(customers: int = 800, seed: int = 7) -> pl.DataFrame:
    terms: dict[str, Any] = {"start": dt.date(2022, 1, 3), "acquisition_days": 200, "end": dt.date(2023, 12, 31)}
    return simulate_ledger("bgnbd", CDNOW["bgnbd"], CDNOW["gamma_gamma"], customers, seed=seed, **terms)


@pytest.fixture
def opened(make_base, tmp_path):
    """A chapter on a ledger."""

    def make(ledger: pl.DataFrame, *columns: str, **parameters) -> Chapter:
        header = columns or ("customer", "date", "amount")
        file = make_base(rows_of(ledger, *header), header=",".join(header), **parameters)
        return Chapter("04_lifetime_value", read_parameters(file), tmp_path / "run")

    return make


def valued(chapter: Chapter) -> lifetime_value.Valued:
    summary = lifetime_value.rfm(chapter)
    model, spend = lifetime_value.fit_all(summary), lifetime_value.fit_spend(summary)
    known = [lifetime_value.posterior(chapter, each) for each in (model, spend)]
    return lifetime_value.value(chapter, summary, model, spend, *known)


class TestMargins:
    def test_are_each_customers_own_where_the_ledger_has_costs(self, opened):
        ledger = simulated()
        dear = pl.col("customer").str.ends_with("7")
        ledger = ledger.with_columns(cost=pl.col("amount") * pl.when(dear).then(0.9).otherwise(0.4))
        with_costs = valued(opened(ledger, "customer", "date", "amount", "cost")).customers
        revenue = valued(opened(ledger)).customers
        share = (with_costs["clv"] / revenue["clv"]).to_numpy()
        own = np.where(revenue["customer"].str.endswith("7"), 0.1, 0.6)
        np.testing.assert_allclose(share, own, rtol=1e-6)
        assert (with_costs["clv_low"] <= with_costs["clv_high"]).all()

    def test_of_a_base_stand_in_where_a_customers_cost_is_missing(self, opened):
        ledger = simulated(300).with_columns(
            cost=pl.when(pl.col("customer").str.ends_with("7")).then(None).otherwise(pl.col("amount") * 0.4)
        )
        chapter = opened(ledger, "customer", "date", "amount", "cost", margin=0.05)
        margins = lifetime_value.margins(chapter, lifetime_value.rfm(chapter))
        np.testing.assert_allclose(margins, 0.6)


class TestForecastTest:
    @pytest.fixture(scope="class")
    def played(self) -> list[Any]:
        """The league of the base below, once it was played."""
        return []

    @pytest.fixture
    def found(self, opened, played):
        chapter = opened(simulated(1500))
        if not played:
            played.append(forecast_validation.compete(chapter))
        return chapter, played[0].copy()

    def test_every_way_of_forecasting_is_tested_from_every_origin(self, found):
        _, scores = found
        assert scores.groupby("origin")["model"].nunique().tolist() == [6, 6, 6]
        assert scores.loc[scores["kind"] == "model", "coverage"].between(0.8, 1).all()

    def test_a_base_that_follows_the_model_is_forecast_with_trust(self, found):
        chapter, scores = found
        forecast_validation.state_trust(chapter, scores)
        stated = {finding.id: finding for finding in chapter.findings().findings}
        assert stated["forecast_held"].verdict == "good"
        assert "trust it for totals and ranking customers" in stated["forecast_held"].statement
        assert stated["intervals_held"].value >= 0.8

    def test_the_total_bought_lies_in_its_interval_as_often_as_it_should(self, opened, monkeypatch):
        monkeypatch.setattr(forecast_validation, "MODELS", {forecast_validation.USED: BGNBD})
        monkeypatch.setattr(forecast_validation, "ORIGINS", 1)
        bases = [opened(simulated(400, seed=seed), name=f"seed{seed}") for seed in range(20)]
        scores = pd.concat([forecast_validation.compete(chapter) for chapter in bases])
        used = scores[scores["model"] == forecast_validation.USED]
        inside = used["purchases_actual"].between(used["total_low"], used["total_high"])
        # 16 of 20 in the mean; from 12 to 19 in 98 of 100 such tests
        assert len(inside) == 20
        assert 12 <= inside.sum() <= 19

    def test_what_is_returned_after_a_cut_is_not_known_at_it(self, opened):
        ledger = simulated(300).with_row_index("order")
        early = ledger.filter(pl.col("date").is_between(dt.date(2022, 2, 1), dt.date(2022, 6, 30)))[::3]
        returns = early.with_columns(date=pl.lit(dt.date(2023, 12, 1)), amount=-pl.col("amount"))
        columns = ("customer", "date", "amount", "order")
        kept = opened(ledger, *columns, name="kept")
        returned = opened(pl.concat([ledger, returns]), *columns, name="returned")
        assert returned.purchases.height == kept.purchases.height - early.height
        assert dt.date(2022, 7, 1) < kept.calibration_end < dt.date(2023, 12, 1)

        forecasts = ["origin", "model", "customers", "purchases_actual", "purchases_expected", "total_low", "rmse"]
        known, league = (forecast_validation.compete(chapter) for chapter in (kept, returned))
        assert known["origin"].nunique() == 3
        pd.testing.assert_frame_equal(league[forecasts], known[forecasts])
        halves = [forecast_validation.split(chapter) for chapter in (kept, returned)]
        pd.testing.assert_frame_equal(*halves)
        model = forecast_validation.fit_calibration(halves[0])
        expected = forecast_validation.forecast_holdout(halves[0], model)
        of_value = [forecast_validation.value_test(chapter, halves[0], expected) for chapter in (kept, returned)]
        pd.testing.assert_frame_equal(*of_value)
        tracked = [forecast_validation.track(chapter, model) for chapter in (kept, returned)]
        pd.testing.assert_frame_equal(*tracked)

    def test_figures_say_what_was_found(self, found):
        chapter, scores = found
        picture = figures.totals_by_test(scores, forecast_validation.USED, forecast_validation.NAMES, 0.8)
        worst = scores.loc[scores["model"] == forecast_validation.USED, "bias"].abs().max()
        assert f"missed by up to {100 * worst:.0f}% in 3 tests" in picture.alt
        halves = forecast_validation.split(chapter)
        model = forecast_validation.fit_calibration(halves)
        deciles = forecast_validation.by_decile(chapter, halves, forecast_validation.forecast_holdout(halves, model))
        assert "From the lowest forecasts to the highest" in figures.calibration(deciles, 0.8).alt


def test_a_subscription_has_a_value(opened):
    """Everybody pays the same: the limit of the spend model is the answer."""
    ledger = simulated(300).unique(["customer", "date"]).with_columns(amount=pl.lit(9.99))
    chapter = opened(ledger)
    found = valued(chapter)
    assert np.isfinite(found.customers["clv"]).all()
    np.testing.assert_allclose(found.customers["expected_spend"], 9.99, rtol=1e-3)
    assert found.value[0] < found.customers["clv"].sum() < found.value[1]


def test_seasons_are_said_aloud(opened):
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=day) for day in range(4 * 365)]
    random = np.random.default_rng(3)
    rate = np.array([0.9 if day.month in (11, 12) else 0.1 for day in days]) / 10
    bought = random.random((400, len(days))) < rate
    who, when = np.nonzero(bought)
    ledger = pl.DataFrame(
        {"customer": [f"c{customer}" for customer in who], "date": [days[day] for day in when], "amount": 5.0 + who % 7}
    )
    chapter = opened(ledger)
    doubts = forecast_validation.doubts(chapter)
    forecast_validation.state_doubts(chapter, doubts)
    stated = {finding.id: finding.statement for finding in chapter.findings().findings}
    assert "strong seasons" in stated["doubt_seasonality"]


def test_nothing_to_test_is_said_once(opened):
    chapter = opened(pl.DataFrame({"customer": ["a", "b"], "date": ["2024-01-01", "2024-06-01"], "amount": [1.0, 2.0]}))
    scores = forecast_validation.compete(chapter)
    assert isinstance(scores, Unsaid) and "No customer has a repeat purchase" in scores.reason
    assert forecast_validation.table_holdout(chapter).empty
    assert pd.api.types.is_float_dtype(forecast_validation.table_holdout(chapter)["coverage"])
