"""Forecast against what happened."""

from pathlib import Path

import lifetimes
import numpy as np
import pandas as pd
import polars as pl
import pytest

from models import BGNBD
from models.rfm import calibration_holdout
from models.validation import (
    cumulative_tracking,
    expectation_by_frequency,
    holdout_scores,
    spend_frequency_correlation,
)

DATASETS = Path(lifetimes.__file__).parent / "datasets"
SPLIT, END = "1997-09-30", "1998-06-30"


@pytest.fixture(scope="module")
def sample():
    names = ["master", "customer", "date", "cds", "amount"]
    text = {"master": str, "customer": str, "date": str}
    ledger = pd.read_csv(DATASETS / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names, dtype=text)
    return ledger.assign(date=pd.to_datetime(ledger["date"], format="%Y%m%d"))


@pytest.fixture(scope="module")
def forecast(sample):
    held = calibration_holdout(sample, SPLIT, END)
    history = held["frequency_cal"], held["recency_cal"], held["T_cal"]
    model = BGNBD().fit(*history)
    return model, held, model.predict(39, *history)


class TestCdnowHoldout:
    """The 39-week holdout of Fader, Hardie & Lee (2005)."""

    def test_scores(self, forecast):
        model, held, expected = forecast
        scores = holdout_scores(
            held["frequency_holdout"], expected, model="BG/NBD", log_likelihood=model.log_likelihood_
        )
        row = scores.iloc[0]
        assert len(held) == 2357 and row["purchases_actual"] == 1882
        assert row["purchases_expected"] == pytest.approx(1653, abs=0.5)
        assert row["mae"] == pytest.approx(0.786, abs=1e-3)
        assert row["rmse"] == pytest.approx(1.61, abs=5e-3)
        assert row["correlation"] == pytest.approx(0.626, abs=5e-4)
        assert row["bias"] == pytest.approx(1653.4 / 1882 - 1, abs=1e-4)

    def test_by_frequency(self, forecast):
        _, held, expected = forecast
        table = expectation_by_frequency(held["frequency_cal"], held["frequency_holdout"], expected)
        assert table["frequency"].tolist() == ["0", "1", "2", "3", "4", "5", "6", "7+"]
        assert table["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
        assert (table["actual"] * table["customers"]).sum() == pytest.approx(1882)
        assert (table["expected"] * table["customers"]).sum() == pytest.approx(expected.sum())

    @pytest.mark.parametrize("engine", [lambda f: f, pl.from_pandas, lambda f: pl.from_pandas(f).lazy()])
    def test_tracking(self, sample, forecast, engine):
        model, held, _ = forecast
        tracked = cumulative_tracking(engine(sample), model, SPLIT, END)
        assert tracked["date"].iloc[0] == pd.Timestamp("1997-01-01")
        assert tracked["date"].iloc[-1] == pd.Timestamp(END) and len(tracked) == 80
        assert tracked["actual"].iloc[0] == 0
        assert tracked["actual"].iloc[-1] == held["frequency_cal"].sum() + 1882
        # At the end everybody's expectation is that of their whole age.
        ages = held["T_cal"] + 39
        whole = model.expected_number_of_purchases_up_to_time(ages).sum()
        assert tracked["expected"].iloc[-1] == pytest.approx(whole, rel=1e-10)
        assert tracked["actual"].is_monotonic_increasing and tracked["expected"].is_monotonic_increasing


class TestHoldoutScores:
    def test_small_case(self):
        row = holdout_scores([0, 2, 4], [1.0, 2.0, 6.0], model="m", log_likelihood=-3).iloc[0]
        assert row["mae"] == 1 and row["rmse"] == pytest.approx(np.sqrt(5 / 3)) and row["bias"] == 0.5
        assert row["model"] == "m" and row["log_likelihood"] == -3 and np.isnan(row["coverage"])

    def test_nothing_bought(self):
        row = holdout_scores([0, 0], [1.0, 2.0], model="m", log_likelihood=0).iloc[0]
        assert np.isnan(row["bias"]) and np.isnan(row["correlation"]) and row["mae"] == 1.5

    def test_refuses_unequal_lengths(self):
        with pytest.raises(ValueError, match="2 and 1 values"):
            holdout_scores([1, 2], [1], model="m", log_likelihood=0)


class TestExpectationByFrequency:
    def test_interval_of_the_mean(self):
        table = expectation_by_frequency([0, 0, 0, 0, 9], [1, 2, 3, 4, 5], [2.0] * 5, most=3, interval=0.8)
        assert table["frequency"].tolist() == ["0", "3+"]
        error = np.std([1, 2, 3, 4], ddof=1) / 2
        assert table["actual_high"][0] - 2.5 == pytest.approx(1.2815516 * error)
        assert 2.5 - table["actual_low"][0] == pytest.approx(1.2815516 * error)
        assert np.isnan(table["actual_low"][1])


class TestTracking:
    def test_counts_the_cohorts_repeat_days_only(self):
        days = ["2024-01-01", "2024-01-05", "2024-01-05", "2024-01-20", "2024-01-15", "2024-02-01"]
        ledger = pd.DataFrame({"customer": [1, 1, 1, 1, 2, 2], "date": pd.to_datetime(days)})

        class OneADay:
            def expected_number_of_purchases_up_to_time(self, t):
                return np.asarray(t)

        ours = cumulative_tracking(ledger, OneADay(), "2024-01-10", "2024-01-20", "day", step_days=4)
        assert ours["date"].dt.day.tolist() == [1, 5, 9, 10, 13, 17, 20]
        assert ours["actual"].tolist() == [0, 1, 1, 1, 1, 1, 2]
        assert ours["expected"].tolist() == [0, 4, 8, 9, 12, 16, 19]

    def test_nobody_to_track(self, sample):
        with pytest.raises(ValueError, match="no cohort to track"):
            cumulative_tracking(sample, None, "1996-01-01", END)


class TestSpendFrequencyCorrelation:
    def test_fisher_interval(self):
        x, m = [1, 2, 3, 4, 5, 6], [2.0, 1, 4, 3, 7, 5]
        found = spend_frequency_correlation(x, m)
        assert found.correlation == pytest.approx(np.corrcoef(x, m)[0, 1])
        z = np.arctanh(found.correlation)
        assert (np.arctanh(found.low), np.arctanh(found.high)) == pytest.approx(
            (z - 1.959964 / np.sqrt(3), z + 1.959964 / np.sqrt(3)), rel=1e-6
        )

    @pytest.mark.parametrize(("x", "m"), [([1, 2, 3], [3, 2, 5]), ([1, 1, 1, 1], [3, 2, 5, 4]), ([], [])])
    def test_where_it_can_not_be_had(self, x, m):
        found = spend_frequency_correlation(x, m)
        assert np.isnan(found[:3]).all() and found.customers == len(x)

    def test_a_constant_with_rounding_errors_is_a_constant(self):
        assert np.isnan(spend_frequency_correlation([1, 2, 3, 4], [0.1] * 4).correlation)
