"""Projections of contracts: the posterior, the coverage of its intervals, the two rules, the periods held out."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.contract_projection import (
    constant_retention,
    cut_before,
    held_out_periods,
    held_out_projection,
    project_contracts,
    renewal_posterior,
    straight_line,
    survival_band,
)
from models.contract_renewals import contract_survival, contracts_until
from models.shifted_beta_geometric import ShiftedBetaGeometric

HIGH_END = np.array([100.0, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4])


def counts_of(survivors) -> pd.DataFrame:
    left = np.asarray(survivors, dtype=float)
    return pd.DataFrame({"renewal": np.arange(1, len(left)), "at_risk": left[:-1], "lost": -np.diff(left)})


class TestPosterior:
    def test_lies_about_the_estimates_with_their_standard_errors(self):
        posterior = renewal_posterior(counts_of(1_000 * HIGH_END[:8]))  # so many that the prior says nothing
        error = np.array([0.1037, 0.7855]) / 10  # of 1,000 customers, a hundredth of these
        for draws, estimate, expected in zip((posterior.alpha, posterior.beta), (0.668, 3.806), error, strict=True):
            mean = posterior.weights @ draws
            assert mean == pytest.approx(estimate, abs=expected / 4)
            assert np.sqrt(posterior.weights @ (draws - mean) ** 2) == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize("survivors", [[50, 50], [50, 0], [1, 1], [10_000, 9_000, 8_100]])
    def test_knows_its_doubt_at_the_models_limits(self, survivors):
        low, high = survival_band(renewal_posterior(counts_of(survivors)), [0, 1, 5])
        assert (low[1:] < high[1:]).all()
        assert low[0] == high[0] == 1
        if survivors == [50, 50]:  # the rule of succession: 1 in 52 would leave next
            assert 0.9 < low[1] < 51 / 52 < high[1] < 1

    def test_covers_what_comes_as_often_as_it_says(self):
        random = np.random.default_rng(8)
        inside = []
        for number in range(120):
            alpha, beta = random.uniform(0.4, 3), random.uniform(1, 8)
            lasts = random.geometric(random.beta(alpha, beta, 600))
            counts = counts_of([(lasts > t).sum() for t in range(6)])
            running = int((lasts > 5).sum())
            projected = project_contracts(renewal_posterior(counts), np.full(running, 5), 5, seed=number).iloc[-1]
            inside.append(projected["low"] <= (lasts > 10).sum() <= projected["high"])
        assert 0.73 <= np.mean(inside) <= 0.90


class TestRules:
    def test_a_straight_line_misses_year_twelve_as_published(self):
        intercept, slope = straight_line(contract_survival(counts_of(10 * HIGH_END[:8])))
        assert round((intercept + 12 * slope) / (HIGH_END[12] / 100) - 1, 2) == -0.81

    def test_one_churn_rate_is_lost_over_renewals(self):
        assert constant_retention(counts_of([100, 80, 70])) == pytest.approx(1 - 30 / 180)


class TestHeldOut:
    def cohort(self, customers=2_000):
        random = np.random.default_rng(2)
        lasts = np.minimum(random.geometric(random.beta(0.668, 3.806, customers)), 300)
        joined = [dt.date(2008, 1, 1) + dt.timedelta(days=int(day)) for day in random.integers(0, 1500, customers)]
        frame = pl.DataFrame({"customer": range(customers), "joined": joined, "lasts": 12 * lasts})
        return frame.select("customer", "joined", left=pl.col("joined").dt.offset_by(pl.format("{}mo", "lasts")))

    def projected(self, people, cut, until, periods):
        before = contracts_until(people, cut)
        rows = before.rows.filter(pl.col("periods") > 0)
        model = ShiftedBetaGeometric().fit(*(rows[name].to_numpy() for name in ("periods", "lost")))
        return held_out_projection(before, contracts_until(people, until), model, periods)

    def test_the_model_foretells_what_the_rules_miss(self):
        people, cut, until = self.cohort(), dt.date(2015, 6, 1), dt.date(2020, 6, 1)
        table = self.projected(people, cut, until, 5)
        end = table.iloc[-1]
        assert table["actual"].is_monotonic_decreasing
        assert end["low"] <= end["actual"] <= end["high"]
        missed = (end - end["actual"]).abs()
        assert missed["model"] < missed["constant"] / 3 < missed["line"] / 3

    def test_nothing_after_the_cut_is_known_to_it(self):
        people, cut = self.cohort(500), dt.date(2015, 6, 1)
        altered = people.with_columns(left=pl.when(pl.col("left") <= cut).then("left"))
        foretold = ["model", "low", "high", "constant", "line"]
        one, other = (self.projected(each, cut, dt.date(2020, 6, 1), 5) for each in (people, altered))
        pd.testing.assert_frame_equal(one[foretold], other[foretold])
        assert other["actual"].nunique() == 1 < one["actual"].nunique()

    @pytest.mark.parametrize("last", ["2020-06-30", "2020-02-29", "2020-03-30", "2020-03-31", "2019-12-28"])
    @pytest.mark.parametrize(("periods", "period"), [(1, "month"), (13, "month"), (2, "quarter"), (4, "year")])
    def test_every_contract_has_its_renewals_by_the_last_day(self, last, periods, period):
        last = dt.date.fromisoformat(last)
        days = [dt.date(2014, 1, 1) + dt.timedelta(days=day) for day in range(366)]
        people = pl.DataFrame({"customer": range(366), "joined": days}).with_columns(left=pl.lit(None, dtype=pl.Date))
        cut = cut_before(last, periods, period)
        passed = [contracts_until(people, day, period=period).rows["periods"] for day in (cut, last)]
        assert (passed[1] - passed[0]).min() >= periods

    @pytest.mark.parametrize(("first", "periods"), [(2008, 5), (2015, 2), (2017, 1), (2018, 0)])
    def test_four_tenths_of_the_time_are_held_out_where_two_periods_remain(self, first, periods):
        assert held_out_periods(dt.date(first, 1, 1), dt.date(2020, 6, 1), "year") == periods
