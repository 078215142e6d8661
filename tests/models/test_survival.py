"""Gaps between purchases, Kaplan-Meier, log-rank: published figures, hand-computed cases, edges."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import norm
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from models.multiple_comparisons import holm
from models.survival import each_against_the_rest, kaplan_meier, log_rank, purchase_gaps, survival_at

REFERENCE = Path(__file__).parent / "reference"
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
    expected = pl.DataFrame(
        {
            "customer": ["a", "a", "b"],
            "purchase_number": [1, 2, 1],
            "date": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 11), dt.datetime(2024, 3, 31)],
            "days": [10, 80, 0],
            "observed": [True, False, False],
        }
    )
    assert_frame_equal(gaps, expected)


def test_every_kind_of_frame_gives_the_same_gaps(purchases):
    eager = purchase_gaps(purchases, AS_OF)
    with_hours = purchases.to_pandas().assign(date=lambda frame: pd.to_datetime(frame["date"]) + pd.Timedelta("9h"))
    assert_frame_equal(purchase_gaps(purchases.lazy(), AS_OF), eager)
    assert_frame_equal(purchase_gaps(with_hours, AS_OF), eager)
    assert_frame_equal(purchase_gaps(purchases.reverse(), AS_OF), eager)


def test_a_ledger_without_purchases_has_no_gaps(purchases):
    gaps = purchase_gaps(purchases, dt.date(2023, 1, 1))
    assert gaps.is_empty()
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


@pytest.fixture(scope="module")
def lung():
    """Advanced lung cancer (Loprinzi et al. 1994), as R's survival has it."""
    return pd.read_csv(REFERENCE / "lung.csv")


@pytest.fixture(scope="module")
def veteran():
    """The Veterans' Administration's lung cancer trial (Kalbfleisch & Prentice 1980), as R's survival has it."""
    return pd.read_csv(REFERENCE / "veteran.csv")


def standard_errors(curve):
    """Take Greenwood's standard error of S back out of a 95% band."""
    log_log = np.log(-np.log(curve["survival"]))
    half = np.log(-np.log(curve["low"])) - log_log
    return half / norm.ppf(0.975) * -np.log(curve["survival"]) * curve["survival"]


def test_kaplan_meier_is_r_s_on_lung(lung):
    """R: summary(survfit(Surv(time, status) ~ 1, lung), times = 365.25), and the median with its 95% limits."""
    curve = kaplan_meier(lung["time"], lung["died"]).query("events > 0")
    error = standard_errors(curve)
    year = curve["days"].searchsorted(365.25, side="right") - 1
    share, of_year = curve["survival"].iloc[year], error.iloc[year]
    assert (round(share, 3), round(of_year, 4)) == (0.409, 0.0358)
    # R's default limits are symmetric for log S
    ends = [share * np.exp(sign * norm.ppf(0.975) * of_year / share) for sign in (-1, 1)]
    assert [round(end, 3) for end in ends] == [0.345, 0.486]
    width = norm.ppf(0.975) * error / curve["survival"]
    limits = (curve["survival"] * np.exp(sign * width) for sign in (0, -1, 1))
    assert [curve.loc[limit <= 0.5, "days"].iloc[0] for limit in limits] == [310, 285, 363]


def test_kaplan_meier_is_r_s_on_the_men_of_lung(lung):
    """R: summary(survfit(Surv(time, status) ~ sex, lung)), the first rows and the last quoted ones of sex=1."""
    men = lung[lung["sex"] == 1]
    curve = kaplan_meier(men["time"], men["died"]).set_index("days")
    published = {
        11: (138, 0.9783, 0.0124),
        12: (135, 0.9710, 0.0143),
        53: (128, 0.9130, 0.0240),
        105: (114, 0.8188, 0.0328),
        163: (100, 0.7029, 0.0389),
        176: (93, 0.6738, 0.0399),
        179: (91, 0.6518, 0.0406),
    }
    error = standard_errors(curve.drop(0))
    found = {
        day: (int(curve["at_risk"][day]), round(curve["survival"][day], 4), round(error[day], 4)) for day in published
    }
    assert found == published


def test_medians_are_r_s(lung, veteran):
    def median(rows):
        return kaplan_meier(rows["time"], rows["died"]).query("survival <= 0.5")["days"].iloc[0]

    assert {sex: median(rows) for sex, rows in lung.groupby("sex")} == {1: 270, 2: 426}
    cells = {cell: median(rows) for cell, rows in veteran.groupby("celltype")}
    assert cells == {"squamous": 118, "smallcell": 51, "adeno": 51, "large": 156}


def test_log_rank_is_r_s_on_lung_and_veteran(lung, veteran):
    """R: survdiff(Surv(time, status) ~ sex, lung), and of veteran ~ trt and ~ celltype; to three digits."""
    by_sex = log_rank(lung["time"], lung["died"], lung["sex"])
    by_treatment, by_cell = (
        log_rank(veteran["time"], veteran["died"], veteran[name]) for name in ("treatment", "celltype")
    )
    assert [f"{test.statistic:.3g}" for test in (by_sex, by_treatment, by_cell)] == ["10.3", "0.00823", "25.4"]
    assert [test.degrees_of_freedom for test in (by_sex, by_treatment, by_cell)] == [1, 1, 3]
    assert [f"{test.p_value:.3g}" for test in (by_sex, by_treatment, by_cell)] == ["0.00131", "0.928", "1.27e-05"]


def test_log_rank_is_statsmodels_statistic_with_ties_and_many_groups():
    rng = np.random.default_rng(3)
    for groups in (2, 3, 6):
        days, observed, group = rng.geometric(0.1, 400), rng.random(400) < 0.7, rng.integers(0, groups, 400)
        assert log_rank(days, observed, group).statistic == pytest.approx(survdiff(days, observed, group)[0], rel=1e-10)


def test_a_stratified_log_rank_is_statsmodels():
    rng = np.random.default_rng(4)
    days, observed = rng.geometric(0.05, 300), rng.random(300) < 0.7
    group, strata = rng.integers(0, 3, 300), rng.choice(["firm", "person", "state"], 300)
    test = log_rank(days, observed, group, strata=strata)
    assert test.statistic == pytest.approx(survdiff(days, observed, group, strata=strata)[0], rel=1e-10)
    alone = each_against_the_rest(days, observed, group, strata=strata)
    for name, one in alone.items():
        assert one == pytest.approx(log_rank(days, observed, group == name, strata=strata), rel=1e-10)
    unknown = np.array([None if name == "state" else name for name in strata], dtype=object)
    assert log_rank(days, observed, group, strata=unknown) == pytest.approx(test, rel=1e-12)


def test_groups_that_never_meet_are_compared_in_their_own_strata_only():
    """Groups 0 and 1 serve one stratum, 2 and 3 another: two tests of one degree of freedom each, added up."""
    rng = np.random.default_rng(5)
    days, observed, group = rng.geometric(0.05, 200), rng.random(200) < 0.7, np.repeat([0, 1, 2, 3], 50)
    whole = log_rank(days, observed, group, strata=group // 2)
    parts = [log_rank(days[half], observed[half], group[half]) for half in (group < 2, group >= 2)]
    assert whole.degrees_of_freedom == 2
    assert whole.statistic == pytest.approx(sum(part.statistic for part in parts), rel=1e-12)
    assert np.isnan(log_rank(days, observed, group, strata=group)).all()


def test_each_group_is_tested_against_all_others_together(veteran):
    days, died, cell = veteran["time"], veteran["died"], veteran["celltype"]
    alone = each_against_the_rest(days, died, cell)
    assert list(alone) == ["squamous", "smallcell", "adeno", "large"]
    for name, test in alone.items():
        assert test == pytest.approx(log_rank(days, died, cell == name), rel=1e-10)
    assert each_against_the_rest([1, 2], [True, True], ["A", "A"]) == {}
    assert each_against_the_rest([5, 5], [True, True], ["A", "B"]) == {}


def test_holm_by_hand():
    """The smallest of three counts three times, the next twice, and none may fall below one before it."""
    assert holm([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.02, np.nan, 0.9]).tolist() == pytest.approx([0.04, np.nan, 0.9], nan_ok=True)
    assert np.isnan(holm([np.nan])).all()
    assert holm([]).shape == (0,)


def test_of_many_groupings_of_customers_who_are_alike_hardly_one_differs():
    """Holm: any difference in at most one base of twenty, of ten groupings each; in 4 of 12 hardly ever."""
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(12):
        days = rng.geometric(0.02, 150)
        p_values = [log_rank(np.minimum(days, 100), days <= 100, rng.integers(0, 4, 150)).p_value for _ in range(10)]
        wrong += holm(p_values).min() < 0.05
    assert wrong < 4
