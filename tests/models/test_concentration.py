"""Lorenz, Gini, Herfindahl, share of the top: definitions, known distributions, edges."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.concentration import concentration_by_period, gini, herfindahl, largest_share, lorenz, top_share


def test_lorenz_by_hand():
    curve = lorenz([3, 0, 1])
    assert curve["share_of_customers"].tolist() == [0, 1 / 3, 2 / 3, 1]
    assert curve["share_of_total"].tolist() == [0, 0, 0.25, 1]


def test_a_thinned_curve_lies_on_the_whole_one_and_keeps_its_ends():
    values = np.random.default_rng(1).pareto(1.2, 5000)
    curve = lorenz(values)
    whole = np.r_[0, np.cumsum(np.sort(values))] / values.sum()
    rows = (curve["share_of_customers"] * 5000).round().astype(int)
    assert len(curve) == 1000
    assert np.diff(rows).min() >= 5
    assert np.diff(rows).max() <= 6
    assert rows.iloc[[0, -1]].tolist() == [0, 5000]
    np.testing.assert_allclose(curve["share_of_total"], whole[rows], rtol=1e-9)


def test_gini_is_half_the_mean_difference_over_the_mean():
    values = np.random.default_rng(2).gamma(0.7, 30, 200)
    differences = np.abs(values[:, None] - values[None, :]).mean()
    assert gini(values) == pytest.approx(differences / (2 * values.mean()), rel=1e-12)


def test_gini_is_twice_the_area_above_the_curve():
    values = np.random.default_rng(3).integers(0, 50, 300)
    curve = lorenz(values)
    area = np.trapezoid(curve["share_of_total"], curve["share_of_customers"])
    assert gini(values) == pytest.approx(1 - 2 * area, rel=1e-12)


@pytest.mark.parametrize(("values", "expected"), [([4, 4, 4], 0), ([0, 0, 0, 9], 0.75), ([7], 0)])
def test_gini_of_extremes(values, expected):
    assert gini(values) == pytest.approx(expected, abs=1e-15)


def test_top_share_takes_a_part_of_the_customer_on_the_edge():
    values = [1, 2, 3, 4]
    assert top_share(values, 0.25) == 0.4
    assert top_share(values, 0.375) == pytest.approx(0.55)
    assert top_share(values, 0.5) == 0.7
    assert top_share(values, 1) == 1
    assert top_share(range(1, 31), 0.1) == (28 + 29 + 30) / 465


@pytest.mark.parametrize("top", [0.001, 0.1, 0.37, 0.9])
def test_top_share_is_the_lorenz_curve_from_its_upper_end(top):
    values = np.random.default_rng(4).exponential(10, 777)
    curve = lorenz(values)
    below = np.interp(1 - top, curve["share_of_customers"], curve["share_of_total"])
    assert top_share(values, top) == pytest.approx(1 - below, rel=1e-9)


@pytest.mark.parametrize(
    "of", [gini, herfindahl, largest_share, top_share, lambda values: lorenz(values)["share_of_total"].sum()]
)
def test_the_order_and_the_unit_dont_matter(of):
    values = np.random.default_rng(5).gamma(2, 10, 3000)
    assert of(values[::-1] * 100) == pytest.approx(of(values), rel=1e-12)


@pytest.mark.parametrize("values", [[], [0, 0], [-5, 2], [-1, 1]])
def test_nothing_to_share_out_is_nan(values):
    assert np.isnan(gini(values))
    assert np.isnan(top_share(values))
    assert np.isnan(herfindahl(values))
    assert np.isnan(largest_share(values))
    assert lorenz(values).iloc[0].tolist() == [0, 0]
    assert lorenz(values)["share_of_total"].iloc[1:].isna().all()
    assert len(lorenz(values)) == len(values) + 1


def test_negative_values_bring_the_curve_below_zero():
    assert lorenz([-1, 1, 4])["share_of_total"].tolist() == [0, -0.25, 0, 1]
    assert top_share([-1, 1, 4], 1 / 3) == pytest.approx(1)
    assert gini([-1, 0, 0, 2]) > 1


@pytest.mark.parametrize("of", [lorenz, gini, herfindahl, largest_share, top_share])
def test_missing_values_are_refused(of):
    with pytest.raises(ValueError, match="missing or infinite"):
        of([1, np.nan])


@pytest.mark.parametrize(
    ("values", "expected"),
    [([4, 4, 4, 4], 0.25), ([0, 0, 9], 1), ([7], 1), ([50, 30, 20], 0.38), ([-10, 60, 50], 0.01 + 0.36 + 0.25)],
)
def test_herfindahl_by_hand(values, expected):
    assert herfindahl(values) == pytest.approx(expected, rel=1e-12)


def test_the_largest_few():
    values = [20, -10, 50, 40]
    assert largest_share(values) == 0.5
    assert largest_share(values, 2) == 0.9
    assert largest_share(values, 3) == 1.1
    assert largest_share(values, 9) == 1
    with pytest.raises(ValueError, match="from 1 up"):
        largest_share(values, 0)


class TestByPeriod:
    LINES = pl.DataFrame(
        [
            ("b", dt.date(2024, 1, 1), 30.0),
            ("a", dt.date(2024, 3, 31), 50.0),
            ("c", dt.date(2024, 2, 1), 25.0),
            ("c", dt.date(2024, 2, 9), -5.0),
            ("a", dt.date(2024, 7, 1), 5.0),
            ("a", dt.date(2024, 8, 1), -5.0),
            ("d", dt.date(2024, 10, 1), 4.0),
            ("b", dt.date(2024, 11, 1), 4.0),
        ],
        schema=["customer", "date", "amount"],
        orient="row",
    )

    def test_follows_every_quarter_those_without_business_too(self):
        found = concentration_by_period(self.LINES, "quarter", dt.date(2024, 12, 30)).to_dicts()
        assert [row["period"] for row in found] == [dt.date(2024, month, 1) for month in (1, 4, 7, 10)]
        assert [row["complete"] for row in found] == [True, True, True, False]
        assert [row["customers"] for row in found] == [3, 0, 1, 2]
        assert [row["revenue"] for row in found] == [100, 0, 0, 8]
        first, empty, undone, last = found
        # 20, 30, 50 of 100
        assert first["gini"] == pytest.approx(0.2)
        assert first["herfindahl"] == pytest.approx(0.38)
        assert (first["largest"], first["largest_share"], first["three_largest_share"]) == ("a", 0.5, 1)
        assert (empty["gini"], empty["largest"], undone["herfindahl"], undone["largest_share"]) == (None,) * 4
        assert (last["largest"], last["largest_share"]) == ("b", 0.5)

    def test_a_period_is_whole_on_its_last_day(self):
        found = concentration_by_period(self.LINES, "year", dt.date(2024, 12, 31))
        assert found["complete"].to_list() == [True]
        assert found["revenue"].to_list() == [108]

    def test_of_nothing_is_nothing(self):
        found = concentration_by_period(self.LINES.clear(), "quarter", dt.date(2024, 12, 31))
        assert found.is_empty()
        assert found.columns[:3] == ["period", "complete", "customers"]


@pytest.mark.parametrize("top", [0, -0.1, 1.1, np.nan])
def test_a_share_that_is_none_is_refused(top):
    with pytest.raises(ValueError, match="share of the customers"):
        top_share([1, 2], top)
