"""Gaps between purchases, Kaplan-Meier, log-rank: published figures, hand-computed cases, edges."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import norm
from statsmodels.duration.survfunc import SurvfuncRight

from models.survival import kaplan_meier, log_rank, purchase_gaps, survival_at

AS_OF = dt.date(2024, 3, 31)

# Remission of leukemia in weeks, 6-MP and placebo: Freireich et al. (1963), Blood 21, 699-716.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


@pytest.fixture
def purchases():
    rows = [
        ("b", "2024-03-31", 5.0),
        ("a", "2024-01-11", 2.0),
        ("a", "2024-01-01", 1.0),
        ("a", "2024-01-11", 3.0),
        ("a", "2024-05-01", 9.0),
        ("c", "2024-04-01", 9.0),
    ]
    frame = pl.DataFrame(rows, schema=["customer", "date", "amount"], orient="row")
    return frame.with_columns(pl.col("date").str.to_date())


def test_gaps_end_at_the_next_purchase_or_the_last_day(purchases):
    gaps = purchase_gaps(purchases, AS_OF)
    expected = pd.DataFrame(
        {
            "customer": ["a", "a", "b"],
            "purchase_number": [1, 2, 1],
            "date": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-03-31"]),
            "days": [10, 80, 0],
            "observed": [True, False, False],
        }
    )
    pd.testing.assert_frame_equal(gaps, expected)


def test_every_kind_of_frame_gives_the_same_gaps(purchases):
    eager = purchase_gaps(purchases, AS_OF)
    with_hours = purchases.to_pandas().assign(date=lambda frame: pd.to_datetime(frame["date"]) + pd.Timedelta("9h"))
    pd.testing.assert_frame_equal(purchase_gaps(purchases.lazy(), AS_OF), eager)
    pd.testing.assert_frame_equal(purchase_gaps(with_hours, AS_OF), eager)
    pd.testing.assert_frame_equal(purchase_gaps(purchases.reverse(), AS_OF), eager)


def test_a_ledger_without_purchases_has_no_gaps(purchases):
    gaps = purchase_gaps(purchases, dt.date(2023, 1, 1))
    assert gaps.empty
    assert list(gaps.columns) == ["customer", "purchase_number", "date", "days", "observed"]


def test_kaplan_meier_is_the_published_table_for_6_mp():
    """Kalbfleisch & Prentice and many a textbook since: S at each relapse, to three decimals."""
    curve = kaplan_meier(TREATED, np.array(RELAPSED, bool)).set_index("days")
    published = {0: 1.0, 6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448, 35: 0.448}
    assert curve["survival"].round(3).to_dict() == published
    assert curve["at_risk"].to_dict() == {0: 21, 6: 21, 7: 17, 10: 15, 13: 12, 16: 11, 22: 7, 23: 6, 35: 1}
    assert curve["events"].to_dict() == {0: 0, 6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1, 35: 0}


def test_the_band_is_symmetric_on_the_log_log_scale():
    """By hand at week 6: S = 18/21, Greenwood's sum 3 / (21 * 18)."""
    curve = kaplan_meier(TREATED, np.array(RELAPSED, bool), interval=0.9).set_index("days")
    centre = np.log(-np.log(18 / 21))
    half = norm.ppf(0.95) * np.sqrt(3 / (21 * 18)) / -np.log(18 / 21)
    assert curve.loc[6, "low"] == pytest.approx(np.exp(-np.exp(centre + half)), rel=1e-12)
    assert curve.loc[6, "high"] == pytest.approx(np.exp(-np.exp(centre - half)), rel=1e-12)


def test_counting_distinct_times_loses_nothing():
    rng = np.random.default_rng(1)
    days, observed = rng.integers(0, 40, 3000), rng.random(3000) < 0.4
    curve = kaplan_meier(days, observed)
    whole = SurvfuncRight(days, observed)
    at_events = curve[curve["events"] > 0]
    np.testing.assert_array_equal(at_events["days"], whole.surv_times)
    np.testing.assert_allclose(at_events["survival"], whole.surv_prob, rtol=1e-12)
    np.testing.assert_array_equal(at_events["at_risk"], whole.n_risk)
    np.testing.assert_array_equal(at_events["events"], whole.n_events)
    deviation = whole.surv_prob_se / whole.surv_prob / -np.log(whole.surv_prob)
    low = whole.surv_prob ** np.exp(norm.ppf(0.975) * deviation)
    np.testing.assert_allclose(at_events["low"], low, rtol=1e-10)


def test_zero_days_at_risk_count_at_day_zero_only():
    curve = kaplan_meier([0, 0, 3, 5], [False, False, True, False])
    assert curve["days"].tolist() == [0, 3, 5]
    assert curve["at_risk"].tolist() == [4, 2, 1]
    assert curve["survival"].tolist() == [1.0, 0.5, 0.5]


def test_events_at_day_zero_lower_the_curve_there():
    curve = kaplan_meier([0, 2, 2, 2], [True, False, False, False])
    assert curve[["days", "survival", "at_risk", "events"]].to_numpy().tolist() == [
        [0, 0.75, 4, 1],
        [2, 0.75, 3, 0],
    ]


@pytest.mark.parametrize(("days", "steps"), [([4, 9], [0, 9]), ([0, 0], [0]), ([7], [0, 7])])
def test_without_events_survival_stays_one(days, steps):
    curve = kaplan_meier(days, [False] * len(days))
    assert curve["days"].tolist() == steps
    assert (curve[["survival", "low", "high"]] == 1).all(axis=None)


def test_where_survival_reaches_zero_the_upper_limit_is_exact():
    # of n all of whom went, at most 1 - 0.025^(1/n) would have stayed
    assert kaplan_meier([5], [True])["high"].iloc[-1] == pytest.approx(1 - 0.025)
    assert kaplan_meier([7] * 300, [True] * 300)["high"].iloc[-1] == pytest.approx(1 - 0.025 ** (1 / 300))
    curve = kaplan_meier([2, 4], [True, True])
    assert curve["survival"].tolist() == [1.0, pytest.approx(0.5), 0.0]
    assert curve["low"].iloc[-1] == 0
    assert curve["high"].iloc[2] == pytest.approx(0.975 * curve["high"].iloc[1])


def test_the_band_holds_survival_and_never_leaves_the_unit_interval():
    curve = kaplan_meier(PLACEBO, np.ones(21, bool))
    assert curve[["survival", "low", "high"]].notna().all(axis=None)
    assert (curve["low"] <= curve["survival"]).all()
    assert (curve["survival"] <= curve["high"]).all()
    assert curve["low"].min() == 0
    assert curve["high"].max() == 1


def test_survival_is_read_as_a_step_function():
    curve = kaplan_meier(TREATED, np.array(RELAPSED, bool))
    assert survival_at(curve, 5.9).value == 1
    assert survival_at(curve, 6) == survival_at(curve, 6.9)
    assert survival_at(curve, 6).value == pytest.approx(18 / 21)
    assert survival_at(curve, 35).value == survival_at(curve, 23).value
    assert np.isnan(survival_at(curve, 35.1)).all()
    with pytest.raises(ValueError, match="starts at 0"):
        survival_at(curve, -1)


@pytest.mark.parametrize(
    ("days", "observed", "sentence"),
    [
        ([], [], "at least one"),
        ([1, 2], [True], "shape"),
        ([-1], [True], "not negative"),
        ([np.nan], [True], "known"),
        ([1], [None], "missing"),
    ],
)
def test_impossible_times_are_refused(days, observed, sentence):
    with pytest.raises(ValueError, match=sentence):
        kaplan_meier(days, observed)


@pytest.mark.parametrize("interval", [0, 1, 95])
def test_a_coverage_that_is_none_is_refused(interval):
    with pytest.raises(ValueError, match="between 0 and 1"):
        kaplan_meier([1], [True], interval=interval)


def test_log_rank_is_the_published_statistic_for_6_mp():
    days = TREATED + PLACEBO
    observed = np.array(RELAPSED + [1] * 21, bool)
    test = log_rank(days, observed, ["6-MP"] * 21 + ["placebo"] * 21)
    assert round(test.statistic, 2) == 16.79
    assert test.degrees_of_freedom == 1
    assert test.p_value == pytest.approx(4.17e-5, abs=5e-8)


def test_log_rank_by_hand():
    """Two of each group, events at 1 (A), 2 (B), 3 (A), 4 (B): O - E and variance on paper."""
    test = log_rank([1, 3, 2, 4], [True] * 4, ["A", "A", "B", "B"])
    difference = 2 - (2 / 4 + 1 / 3 + 1 / 2)
    variance = 1 / 4 + 2 / 9 + 1 / 4
    assert test.statistic == pytest.approx(difference**2 / variance, rel=1e-12)


def test_a_p_value_far_below_the_precision_of_one_isnt_zero():
    days = np.r_[np.repeat(1, 300), np.repeat(50, 300)]
    test = log_rank(np.r_[days, [60]], [True] * 600 + [False], np.r_[np.repeat([0, 1], 300), [1]])
    assert 0 < test.p_value < 1e-50


@pytest.mark.parametrize(
    ("days", "observed", "group"),
    [
        ([1, 2], [True, True], ["A", "A"]),
        ([1, 2], [False, False], ["A", "B"]),
        ([5, 5], [True, True], ["A", "B"]),
        ([0, 0, 4, 5], [False, False, True, True], ["A", "A", "B", "B"]),
        ([1, 2], [True, True], ["A", None]),
        ([], [], []),
    ],
    ids=["one group", "no events", "all at once", "never at risk", "group unknown", "nobody"],
)
def test_log_rank_with_nothing_to_compare_is_nan(days, observed, group):
    assert np.isnan(log_rank(days, observed, group)).all()


def test_a_group_never_at_risk_costs_no_degree_of_freedom():
    days, observed, group = [1, 3, 2, 4], [True] * 4, ["A", "A", "B", "B"]
    assert log_rank([*days, 0], [*observed, False], [*group, "C"]) == log_rank(days, observed, group)
