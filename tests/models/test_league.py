"""Models and baselines against each other on several holdouts."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from lifetimes.utils import ConvergenceError
from scipy.stats import poisson

from models import BGNBD
from models.baselines import BASELINES, AverageRate
from models.league import (
    MEASURES,
    Origin,
    forecast_trust,
    league,
    league_summary,
    rolling_origins,
)
from models.rfm import calibration_holdout
from models.simulation import CDNOW, simulate_ledger
from models.validation import holdout_scores

HOLDOUT_TABLE = [
    "model",
    "purchases_actual",
    "purchases_expected",
    "mae",
    "rmse",
    "correlation",
    "bias",
    "coverage",
    "log_likelihood",
]


def poisson_intervals(model, t, frequency, recency, T):
    mean = model.predict(t, frequency, recency, T)
    return poisson.ppf(0.1, mean), poisson.ppf(0.9, mean)


def poisson_total(model, t, frequency, recency, T):
    total = model.predict(t, frequency, recency, T).sum()
    return poisson.ppf(0.1, total), poisson.ppf(0.9, total)


def never_fits(frequency, recency, T):
    raise ConvergenceError("There is no optimum.")


@pytest.fixture(scope="module")
def scores(sample):
    origins = rolling_origins("1997-01-01", "1998-06-30", 273, origins=2)
    models = {"BG/NBD": BGNBD().fit, "broken": never_fits}
    return league(sample, origins, models, intervals=poisson_intervals, total_interval=poisson_total)


class TestRollingOrigins:
    def test_of_cdnow(self):
        origins = rolling_origins("1997-01-01", "1998-06-30", 273)
        assert len(origins) == 4
        assert origins[-1] == Origin(dt.date(1997, 9, 30), dt.date(1998, 6, 30))
        assert origins[0].calibration_end == dt.date(1997, 5, 17)  # half of the longest calibration
        assert {origin.holdout_days for origin in origins} == {273}

    @pytest.mark.parametrize("span", [2, 20, 45, 100, 700, 4000])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_any_ledger(self, span, share):
        first, holdout = dt.date(2020, 1, 1), max(int(span * share), 1)
        end = first + dt.timedelta(days=span)
        origins = rolling_origins(first, end, holdout)
        splits = [origin.calibration_end for origin in origins]
        longest = span - holdout
        assert 1 <= len(origins) <= 4 and splits == sorted(set(splits))
        assert splits[-1] == end - dt.timedelta(days=holdout)
        assert all(origin.holdout_days == holdout and origin.holdout_end <= end for origin in origins)
        assert all((split - first).days >= longest / 2 for split in splits)
        assert all(step >= 7 for step in np.diff([split.toordinal() for split in splits]))

    def test_short_ledger_has_one(self):
        assert rolling_origins("2024-01-01", "2024-01-21", 10) == [Origin(dt.date(2024, 1, 11), dt.date(2024, 1, 21))]

    def test_refusals(self):
        with pytest.raises(ValueError, match="nothing is left to fit on"):
            rolling_origins("2024-01-01", "2024-02-01", 31)
        with pytest.raises(ValueError, match="at least 1"):
            rolling_origins("2024-01-01", "2024-02-01", 0)


class TestLeague:
    def test_every_contender_at_every_origin(self, scores):
        contenders = ["BG/NBD", "broken", *BASELINES]
        assert scores["model"].tolist() == contenders * 2
        assert scores["kind"].tolist() == ["model", "model", "baseline", "baseline", "baseline"] * 2
        assert set(HOLDOUT_TABLE) <= set(scores.columns)

    def test_cdnow_holdout_is_the_published_one(self, scores):
        row = scores[(scores["model"] == "BG/NBD") & (scores["origin"] == "1997-09-30")].iloc[0]
        assert row["purchases_actual"] == 1882 and row["customers"] == 2357 and row["holdout_days"] == 273
        assert row["purchases_expected"] == pytest.approx(1653, abs=0.5)
        assert row["mae"] == pytest.approx(0.786, abs=1e-3) and row["rmse"] == pytest.approx(1.61, abs=5e-3)
        assert row["correlation"] == pytest.approx(0.626, abs=5e-4)
        assert row["log_likelihood"] == pytest.approx(-9582.43, abs=5e-3)
        assert row["reason"] == "" and row["log_score"] < 0

    def test_scores_are_those_of_the_holdout(self, sample, scores):
        halves = calibration_holdout(sample, "1997-09-30", "1998-06-30")
        forecast = AverageRate().predict(39, halves["frequency_cal"], halves["recency_cal"], halves["T_cal"])
        by_hand = holdout_scores(halves["frequency_holdout"], forecast, model="average rate", log_likelihood=np.nan)
        row = scores[(scores["model"] == "average rate") & (scores["origin"] == "1997-09-30")]
        pd.testing.assert_frame_equal(row[HOLDOUT_TABLE].reset_index(drop=True), by_hand, check_dtype=False)

    def test_intervals_are_of_models_only(self, scores):
        of_models, of_baselines = scores[scores["model"] == "BG/NBD"], scores[scores["kind"] == "baseline"]
        assert of_models["coverage"].between(0.5, 1).all()
        assert (of_models["total_low"] < of_models["purchases_expected"]).all()
        assert (of_models["purchases_expected"] < of_models["total_high"]).all()
        assert (
            of_baselines[["coverage", "total_low", "total_high", "log_likelihood", "log_score"]].isna().all(axis=None)
        )

    def test_what_can_not_be_fitted_says_why(self, scores):
        broken = scores[scores["model"] == "broken"]
        assert (broken["reason"] == "There is no optimum.").all()
        assert broken[["purchases_expected", "mae", "rmse", "correlation", "bias"]].isna().all(axis=None)
        assert broken["purchases_actual"].tolist() == [2153, 1882]

    def test_infinite_forecast_is_no_forecast(self, sample):
        class Infinite(AverageRate):
            def predict(self, t, frequency, recency, T):
                return np.full(len(T), np.inf)

        origins = [Origin(dt.date(1997, 9, 30), dt.date(1998, 6, 30))]
        row = league(sample, origins, {"infinite": lambda *history: Infinite()}, baselines={}).iloc[0]
        assert "infinite for 2357 customers" in row["reason"] and np.isnan(row["mae"])

    def test_without_intervals_the_forecast_still_counts(self, sample):
        def no_intervals(*given):
            raise ValueError("The posterior can't be trusted.")

        origins = [Origin(dt.date(1997, 9, 30), dt.date(1998, 6, 30))]
        models = {"rate": lambda *history: AverageRate()}
        row = league(sample, origins, models, baselines={}, intervals=no_intervals).iloc[0]
        assert row["mae"] > 0 and np.isnan(row["coverage"])
        assert row["reason"] == "No intervals: The posterior can't be trusted."

    def test_warnings_become_caveats(self):
        ledger = simulate_ledger(
            "bgnbd",
            {"r": 1, "alpha": 5, "a": 1e-3, "b": 1e3},
            CDNOW["gamma_gamma"],
            300,
            start=dt.date(2023, 1, 1),
            acquisition_days=60,
            end=dt.date(2023, 12, 31),
            seed=1,
        )
        origins = [Origin(dt.date(2023, 6, 30), dt.date(2023, 12, 31))]
        row = league(ledger, origins, {"BG/NBD": BGNBD().fit}, baselines={}).iloc[0]
        assert row["caveat"] and row["reason"] == ""

    def test_ledger_without_repeats(self):
        ledger = pl.DataFrame({"customer": ["a", "b"], "date": [dt.date(2024, 1, 1), dt.date(2024, 1, 5)]})
        origins = [Origin(dt.date(2024, 2, 1), dt.date(2024, 3, 1))]
        table = league(ledger, origins, {"BG/NBD": BGNBD().fit})
        assert "repeat purchase" in table["reason"].iloc[0]
        assert (table["purchases_expected"].iloc[1:] == 0).all() and table["bias"].isna().all()
        assert forecast_trust(table, "BG/NBD").origins == 0
        assert len(league_summary(table)) == 4

    def test_nobody_to_forecast(self):
        ledger = pl.DataFrame({"customer": ["a"], "date": [dt.date(2024, 2, 15)]})
        table = league(ledger, [Origin(dt.date(2024, 2, 1), dt.date(2024, 3, 1))], {"BG/NBD": BGNBD().fit})
        assert (table["reason"] != "").all() and (table["customers"] == 0).all()

    def test_lazy_and_eager_agree(self, sample):
        origins = [Origin(dt.date(1997, 9, 30), dt.date(1998, 6, 30))]
        eager, lazy = (league(ledger, origins, {}) for ledger in (sample, pl.from_pandas(sample).lazy()))
        pd.testing.assert_frame_equal(eager, lazy)


def table_of(*rows):
    """Make a league by hand: origin, model, kind, mae, rmse, correlation, bias."""
    table = pd.DataFrame(rows, columns=["origin", "model", "kind", "mae", "rmse", "correlation", "bias"])
    table["origin"] = pd.to_datetime(table["origin"])
    nothing = ["coverage", "log_likelihood", "log_score", "total_low", "total_high"]
    return table.assign(purchases_actual=100.0, **dict.fromkeys(nothing, np.nan))


BY_HAND = table_of(
    ("2024-01-01", "m", "model", 0.8, 1.5, 0.75, 0.08),
    ("2024-01-01", "b1", "baseline", 1.0, 2.0, 0.70, -0.30),
    ("2024-01-01", "b2", "baseline", 0.7, 2.5, 0.40, 0.50),
    ("2024-07-01", "m", "model", 0.6, 1.7, 0.71, -0.04),
    ("2024-07-01", "b1", "baseline", 1.2, 1.6, 0.72, 0.02),
    ("2024-07-01", "b2", "baseline", 0.5, 2.7, np.nan, 0.40),
)


class TestSummary:
    def test_by_hand(self):
        summary = league_summary(BY_HAND)
        assert summary["model"].tolist() == ["m", "b1", "b2"] and summary["rank"].tolist() == [1, 2, 3]
        first = summary.iloc[0]
        assert first["mae"] == pytest.approx(0.7) and first["rmse"] == pytest.approx(1.6)
        assert first["median_absolute_bias"] == pytest.approx(0.06) and first["worst_absolute_bias"] == 0.08
        assert first["mean_rank"] == (2 + 1 + 1 + 1 + 2 + 2 + 2 + 2) / 8
        assert first["origins"] == 2 and first["failed"] == 0 and np.isnan(first["totals_inside"])

    def test_totals_inside(self):
        table = BY_HAND.assign(total_low=[90.0, np.nan, np.nan, 101, np.nan, np.nan], total_high=120.0)
        assert league_summary(table).set_index("model")["totals_inside"]["m"] == 0.5

    def test_who_has_no_forecast_is_last(self, scores):
        summary = league_summary(scores)
        assert summary["model"].iloc[-1] == "broken"
        assert summary.set_index("model")["failed"].to_dict() == {
            "BG/NBD": 0,
            "broken": 2,
            **dict.fromkeys(BASELINES, 0),
        }
        assert summary["model"].iloc[0] == "BG/NBD"


class TestTrust:
    def test_gains_by_hand(self):
        trust = forecast_trust(BY_HAND, "m")
        assert trust.mae.baseline == "b2" and trust.mae.gain == pytest.approx(1 - 0.7 / 0.6)
        assert trust.rmse.baseline == "b1" and trust.rmse.gain == pytest.approx(1 - 1.6 / 1.8)
        assert (trust.rmse.origins_better, trust.rmse.origins) == (1, 2)
        assert trust.median_absolute_bias == pytest.approx(0.06)
        assert trust.for_totals and trust.for_ranking and trust.for_customers

    @pytest.mark.parametrize(
        ("column", "values", "totals", "ranking", "customers"),
        [
            ("bias", [0.12, -0.11], False, True, True),
            ("bias", [0.05, 0.3], False, True, True),  # the worst origin counts
            ("correlation", [0.6, 0.7], True, False, False),  # below the best baseline
            ("rmse", [1.9, 1.9], True, True, False),
            ("coverage", [0.7, 0.7], True, True, False),
            ("coverage", [0.76, 0.9], True, True, True),
        ],
    )
    def test_what_costs_trust(self, column, values, totals, ranking, customers):
        table = BY_HAND.copy()
        table.loc[table["model"] == "m", column] = values
        trust = forecast_trust(table, "m", interval=0.8)
        assert (trust.for_totals, trust.for_ranking, trust.for_customers) == (totals, ranking, customers)

    def test_low_correlation_ranks_nobody(self):
        table = BY_HAND.assign(correlation=[0.35, 0.2, 0.1, 0.35, 0.2, 0.1])
        assert not forecast_trust(table, "m").for_ranking

    def test_no_forecast_no_trust(self, scores):
        trust = forecast_trust(scores, "broken")
        assert (trust.origins, trust.failed) == (0, 2) and np.isnan(trust.median_absolute_bias)
        assert not (trust.for_totals or trust.for_ranking or trust.for_customers)

    def test_of_cdnow(self, scores):
        trust = forecast_trust(scores, "BG/NBD")
        assert trust.for_ranking and not trust.for_totals and not trust.for_customers
        assert trust.rmse.gain > 0.05 and trust.correlation_gain.gain > 0
        assert trust.worst_absolute_bias == pytest.approx(0.196, abs=1e-3)

    def test_without_baselines(self):
        trust = forecast_trust(BY_HAND[BY_HAND["model"] == "m"], "m")
        assert trust.rmse.baseline == "" and np.isnan(trust.rmse.gain) and trust.rmse.value == pytest.approx(1.6)
        assert trust.for_totals and trust.for_ranking and trust.for_customers

    def test_unknown_model(self, scores):
        with pytest.raises(ValueError, match="no model 'x'"):
            forecast_trust(scores, "x")

    def test_every_measure_is_in_the_table(self, scores):
        assert set(MEASURES) - {"absolute_bias"} <= set(scores.columns)
