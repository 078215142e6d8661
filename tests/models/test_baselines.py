"""What practice does without a model."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.baselines import (
    BASELINES,
    AverageRate,
    LastPeriodRepeats,
    RecencyRule,
    best_hiatus,
    rule_of_thumb_value,
)
from models.rfm import DAYS_PER_UNIT, calibration_holdout

SPLIT, END = "1997-09-30", "1998-06-30"


def ledger_of(**days):
    rows = [(customer, pd.Timestamp(f"2024-{day}")) for customer, bought in days.items() for day in bought.split()]
    return pd.DataFrame(rows, columns=["customer", "date"])


class TestAverageRate:
    def test_goes_on_as_before(self):
        assert AverageRate().predict(10, [4, 0], [15, 0], [20, 20]).tolist() == [2, 0]

    def test_first_seen_today(self):
        assert AverageRate().predict(10, [0], [0], [0]).tolist() == [0]


class TestRecencyRule:
    def test_the_silent_buy_nothing(self):
        forecast = RecencyRule(5).predict(10, [4, 4, 4], [15, 14, 20], [20, 20, 20])
        assert forecast.tolist() == [2, 0, 2]

    def test_without_a_hiatus_it_is_the_average_rate(self):
        given = 10, [4, 1, 0], [15, 1, 0], [20, 20, 0]
        assert RecencyRule(np.inf).predict(*given).tolist() == AverageRate().predict(*given).tolist()

    def test_days_in_weeks_are_compared_as_days(self):
        recency, age = np.arange(300) / 7, (np.arange(300) + 73) / 7
        assert (RecencyRule(73 / 7).predict(1, np.ones(300), recency, age) > 0).all()

    @pytest.mark.parametrize("hiatus", [-1, np.nan])
    def test_refuses(self, hiatus):
        with pytest.raises(ValueError, match="at least 0"):
            RecencyRule(hiatus)

    def test_hiatus_is_the_one_that_tells_best(self):
        rng = np.random.default_rng(1)
        recency = rng.integers(0, 50, 500)
        actual = (50 - recency <= 12) & (rng.random(500) < 0.8)
        recency[:3], actual[:3] = 38, True
        found = best_hiatus(actual, np.ones(500), recency, np.full(500, 50))

        def told(hiatus):
            counted = 50 - recency <= hiatus
            return counted[actual].mean() - counted[~actual].mean()

        assert found == 12 and told(12) == max(told(hiatus) for hiatus in range(51))

    @pytest.mark.parametrize("actual", [[1, 2, 1], [0, 0, 0], [0, 0, 1]])
    def test_nobody_to_leave_out(self, actual):
        assert best_hiatus(actual, [1, 1, 1], [9, 8, 2], [10, 10, 10]) == np.inf

    def test_is_chosen_inside_the_calibration(self, sample):
        rule = RecencyRule.from_ledger(sample, SPLIT, 273)
        halves = calibration_holdout(sample, "1997-05-17", SPLIT)  # 136 and 136 days
        histories = halves["frequency_cal"], halves["recency_cal"], halves["T_cal"]
        assert rule.hiatus == best_hiatus(halves["frequency_holdout"], *histories)
        assert rule.hiatus == pytest.approx(73 / 7)

    def test_too_short_to_choose(self):
        ledger = ledger_of(a="01-01 01-03", b="01-02")
        assert RecencyRule.from_ledger(ledger, "2024-01-10", 30).hiatus == np.inf


class TestLastPeriodRepeats:
    def test_counts_repeat_days_of_the_period(self):
        ledger = ledger_of(
            a="01-01 01-05 01-21 01-30 01-30 02-05",  # the split's own day counts, and so does the period's first
            b="01-25 01-28",  # the first purchase is no repeat
            c="01-10 01-15",
            d="02-02",
        )
        baseline = LastPeriodRepeats.from_ledger(ledger, "2024-01-30", 10, "day")
        assert baseline.purchases.tolist() == [2, 1, 0] and baseline.period == 10
        assert baseline.predict(5, [3, 1, 1], [29, 3, 5], [29, 5, 20]).tolist() == [1, 0.5, 0]

    def test_ledger_younger_than_the_period(self):
        baseline = LastPeriodRepeats.from_ledger(ledger_of(a="01-01 01-05", b="01-03"), "2024-01-10", 30)
        assert baseline.purchases.tolist() == [1, 0]

    def test_other_customers_are_refused(self):
        with pytest.raises(ValueError, match="2 customers were counted and histories of 3"):
            LastPeriodRepeats([1, 2], 1).predict(1, [1, 1, 1], [1, 1, 1], [1, 1, 1])

    def test_refuses_no_period(self):
        with pytest.raises(ValueError, match="above 0"):
            LastPeriodRepeats([1], 0)


class TestAllBaselines:
    """What the league relies on."""

    @pytest.mark.parametrize("baseline", BASELINES.values())
    def test_never_looks_ahead(self, sample, baseline):
        halves = calibration_holdout(sample, SPLIT, END)
        given = 39, halves["frequency_cal"], halves["recency_cal"], halves["T_cal"]
        seen = sample[sample["date"] <= SPLIT]
        forecasts = [baseline.from_ledger(ledger, SPLIT, 273).predict(*given) for ledger in (sample, seen)]
        np.testing.assert_array_equal(*forecasts)

    @pytest.mark.parametrize("baseline", BASELINES.values())
    @pytest.mark.parametrize("engine", [pl.from_pandas, lambda frame: pl.from_pandas(frame).lazy()])
    def test_engines_agree(self, sample, baseline, engine):
        halves = calibration_holdout(sample, SPLIT, END)
        given = 39, halves["frequency_cal"], halves["recency_cal"], halves["T_cal"]
        forecasts = [baseline.from_ledger(ledger, SPLIT, 273).predict(*given) for ledger in (sample, engine(sample))]
        np.testing.assert_array_equal(*forecasts)

    @pytest.mark.parametrize("baseline", BASELINES.values())
    def test_unit_of_time_is_immaterial(self, sample, baseline):
        totals = []
        for unit in ("day", "week", "month"):
            halves = calibration_holdout(sample, SPLIT, END, unit)
            given = halves["frequency_cal"], halves["recency_cal"], halves["T_cal"]
            made = baseline.from_ledger(sample, SPLIT, 273, unit)
            totals.append(made.predict(273 / DAYS_PER_UNIT[unit], *given))
        np.testing.assert_allclose(totals[0], totals[1], rtol=1e-12)
        np.testing.assert_allclose(totals[0], totals[2], rtol=1e-12)


class TestRuleOfThumb:
    def test_by_hand(self):
        ledger = ledger_of(a="01-01 01-31", b="01-21", c="03-01").assign(amount=[10.0, 20.0, 60.0, 1000.0])
        rule = rule_of_thumb_value(ledger, "2024-01-31", margin=0.5, horizon_days=10)
        month = 365.25 / 12
        assert rule.mean_purchase == 30 and rule.margin == 0.5
        assert rule.purchases_a_month == pytest.approx(3 / (42 / month))
        assert rule.lifetime_months == pytest.approx(15 / month)
        assert rule.value == pytest.approx(30 * 3 / 42 * 15 * 0.5)
        assert rule.value_in_horizon == pytest.approx(30 * 3 / 42 * 10 * 0.5)

    def test_purchases_of_a_day_are_one(self):
        ledger = ledger_of(a="01-01 01-01 01-11").assign(amount=[10.0, 20.0, 60.0])
        rule = rule_of_thumb_value(ledger, "2024-01-31")
        assert rule.mean_purchase == 45 and rule.purchases_a_month == pytest.approx(2 / (31 / (365.25 / 12)))

    def test_lifetime_from_elsewhere(self):
        ledger = ledger_of(a="01-01 01-11").assign(amount=[10.0, 20.0])
        rule = rule_of_thumb_value(ledger, "2024-01-31", lifetime_months=12)
        assert rule.value == pytest.approx(rule.mean_purchase * rule.purchases_a_month * 12)
        assert rule.value_in_horizon == rule.value

    def test_refusals(self):
        ledger = ledger_of(a="01-01 01-11")
        with pytest.raises(ValueError, match="no column amount"):
            rule_of_thumb_value(ledger, "2024-01-31")
        with pytest.raises(ValueError, match="Nobody bought by 2023-01-31"):
            rule_of_thumb_value(ledger.assign(amount=1.0), "2023-01-31")
        with pytest.raises(ValueError, match="can't be negative"):
            rule_of_thumb_value(ledger.assign(amount=1.0), "2024-01-31", horizon_days=-1)
