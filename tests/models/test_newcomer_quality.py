"""The share of good ones among new customers: by group, over time, and of the newest."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from models.ideal_customer import Scored
from models.newcomer_quality import months, newest, quality, trend

KEYS = [f"c{n}" for n in range(6)]


def scored(expected: list[float], folds: int = 2, apart: float = 0.0) -> Scored:
    values = pd.Series(expected, index=[f"c{n}" for n in range(len(expected))])
    by_fold = np.array([values + apart, values - apart])
    return Scored(values, by_fold, folds)


def test_shares_by_group_are_counted_by_hand() -> None:
    groups = pd.Series(["a", "a", "a", "b", "b", "c"], index=KEYS)
    good = pd.Series([True, False, False, True], index=KEYS[:4])
    found = quality(groups, good, scored([0.5, 0.2, 0.2, 0.4, 0.6, 0.1])).set_index("group")
    assert found[["customers", "watched", "good"]].to_numpy().tolist() == [[3, 3, 1], [2, 1, 1], [1, 0, 0]]
    assert found["turned_out"].tolist()[:2] == [pytest.approx(1 / 3), 1]
    assert found["turned_out"].isna().tolist() == [False, False, True]
    low, high = proportion_confint(1, 3, 0.2, method="wilson")
    ends = found[["turned_out_low", "turned_out_high"]].to_numpy()
    assert ends[0].tolist() == [pytest.approx(low), pytest.approx(high)]
    # chance alone: (.25 + .16 + .16) / 9
    reach = 1.2815516 * np.sqrt(0.57 / 9)
    assert found.loc["a", "expected"] == pytest.approx(0.3)
    assert found.loc["a", "expected_high"] == pytest.approx(0.3 + reach)
    assert found.loc["a", "expected_low"] == pytest.approx(max(0.3 - reach, 0))


def test_how_sure_the_models_are_widens_what_is_expected() -> None:
    groups = pd.Series("a", index=KEYS)
    good = pd.Series(dtype=bool)
    # models 0.1 apart on either side: (2 - 1) / 2 x 0.02
    found = quality(groups, good, scored([0.5] * 6, apart=0.1)).iloc[0]
    assert found["expected_high"] - 0.5 == pytest.approx(1.2815516 * np.sqrt(0.25 / 6 + 0.01))


def test_without_a_score_only_what_turned_out_is_said() -> None:
    found = quality(pd.Series("a", index=KEYS), pd.Series(True, index=KEYS), None)
    assert "expected" not in found.columns


def test_a_trend_is_a_straight_line() -> None:
    days = pd.Series(pd.date_range("2025-01-01", periods=101), index=[f"c{n}" for n in range(101)])
    share = pd.Series(np.linspace(0.1, 0.3, 101), index=days.index)
    found = trend(days, share)
    assert (found.first, found.last, found.customers) == (dt.date(2025, 1, 1), dt.date(2025, 4, 11), 101)
    assert (found.at_first, found.at_last) == (pytest.approx(0.1), pytest.approx(0.3))
    assert found.change.value == pytest.approx(0.2)
    assert found.p_value < 1e-6
    unsure = Scored(share, np.array([share * 2, share * 0]), 2)
    # slopes of .4 and 0: (2 - 1) / 2 x .08
    assert trend(days, share, unsure).change.high - 0.2 == pytest.approx(1.2815516 * np.sqrt(0.04), abs=1e-6)
    with pytest.raises(ValueError, match="on one day"):
        trend(days.iloc[:1], share.iloc[:1])


def test_no_trend_is_found_where_there_is_none() -> None:
    random = np.random.default_rng(8)
    index = [f"c{n}" for n in range(400)]
    days = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(random.integers(0, 400, 400), "D"), index=index)
    chances = [trend(days, pd.Series((random.random(400) < 0.2).astype(float), index=index)).p_value for _ in range(60)]
    # 3 of 60 at 5%; 9 or more happen to 0.3% of such tests
    assert sum(p < 0.05 for p in chances) < 9


def test_the_newest_stand_beside_those_before() -> None:
    watched = pd.Series([True, True, True, False, False, False], index=KEYS)
    found = newest(scored([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), watched)
    assert (found.customers, found.expected, found.before) == (3, pytest.approx(0.5), pytest.approx(0.2))
    # variances of 0.01 over three each
    assert found.difference.high == pytest.approx(0.3 + 1.2815516 * np.sqrt(0.02 / 3))
    with pytest.raises(ValueError, match="two customers"):
        newest(scored([0.1] * 6), pd.Series(True, index=KEYS))


def test_months_are_written_so_that_they_sort() -> None:
    assert months(pd.Series(pd.to_datetime(["2025-03-09", "2024-12-31"]))).tolist() == ["2025-03", "2024-12"]
