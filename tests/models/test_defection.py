"""Three answers to who has left: curves of waits, the rule's rehearsal, what is known when, scores."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from models import BGNBD
from models.defection import (
    METHODS,
    bought_after,
    defection,
    probability_scores,
    reliability,
    rule_shares,
    wait_curve,
    wait_curves,
)
from models.rfm import rfm_summary
from models.simulation import CDNOW, simulate_ledger

FIRST, CUT, LAST = dt.date(2022, 1, 3), dt.date(2023, 6, 30), dt.date(2023, 12, 31)
AHEAD = (LAST - CUT).days


@pytest.fixture(scope="module")
def purchases() -> pl.DataFrame:
    ledger = simulate_ledger(
        "bgnbd", CDNOW["bgnbd"], CDNOW["gamma_gamma"], 3_000, start=FIRST, acquisition_days=300, end=LAST, seed=3
    )
    return ledger.select("customer", pl.col("date").cast(pl.Date), "amount")


@pytest.fixture(scope="module")
def customers(purchases) -> pd.DataFrame:
    return asked(purchases)


def asked(purchases: pl.DataFrame) -> pd.DataFrame:
    known = purchases.filter(pl.col("date") <= CUT)
    summary = rfm_summary(known, CUT).to_pandas()
    model = BGNBD().fit(summary["frequency"], summary["recency"], summary["T"])
    return defection(purchases, CUT, AHEAD, model, wait_curves(purchases, CUT), active_days=120)


class TestWaitCurve:
    def test_is_kaplan_meiers_where_it_was_watched(self):
        curve = wait_curve([10] * 50 + [20] * 25 + [100] * 25, [True] * 75 + [False] * 25)
        assert curve.at([0, 9, 10, 19, 20]).tolist() == pytest.approx([1, 1, 0.5, 0.5, 0.25])
        assert float(curve.comes_within(10, 10.0)) == pytest.approx(0.5)

    def test_goes_on_as_the_waits_of_customers_at_rates_of_their_own(self):
        random = np.random.default_rng(1)
        waits = random.exponential(1 / random.gamma(0.8, 1 / 5, 100_000))
        watched = np.minimum(np.ceil(waits), 200)
        curve = wait_curve(watched, waits <= 200)
        assert curve.end == 200
        true = ((1 + np.array([300, 400]) / 5) / (1 + 200 / 5)) ** -0.8
        np.testing.assert_allclose(curve.at([300, 400]) / curve.at(200), true, rtol=0.02)

    def test_has_no_end_where_all_waits_ended_or_none(self):
        ended = wait_curve(np.arange(1, 101), np.ones(100, dtype=bool))
        assert 0 < float(ended.at(1_000)) < float(ended.at(50))
        silent = wait_curve([30] * 40, [False] * 40)
        assert float(silent.comes_within(1_000, 10.0)) == 0

    def test_classes_with_few_waits_belong_to_the_one_before(self, purchases):
        curves = wait_curves(purchases, CUT)
        assert curves.first[:3] == (1, 2, 3)
        assert curves.first[-1] < 30
        few = wait_curves(purchases.filter(pl.col("customer").str.ends_with("77")), CUT)
        assert few.first == (1,)


class TestRule:
    def base(self, *, back: float, gap: int, customers: int = 1_000) -> pl.DataFrame:
        """Everybody bought on the first day; a share comes back every `gap` days."""
        comers = int(back * customers)
        rows = [(f"{n:04}", FIRST) for n in range(customers)]
        rows += [
            (f"{n:04}", FIRST + dt.timedelta(days=n % gap + visit * gap))
            for n in range(comers)
            for visit in range((CUT - FIRST).days // gap)
        ]
        return pl.DataFrame(rows, schema={"customer": pl.String, "date": pl.Date}, orient="row")

    def test_learns_who_buys_again_at_the_rehearsal(self):
        shares = rule_shares(self.base(back=0.3, gap=20), CUT, 90, active_days=60)
        assert (shares.rehearsal, shares.watched_days) == (CUT - dt.timedelta(days=90), 90)
        assert (shares.active_customers, shares.gone_customers) == (300, 700)
        assert shares.active == pytest.approx((300 * (1 - 0.5 / 300) + 0.3) / 301)
        assert shares.gone == pytest.approx(0.3 / 701)

    def test_is_rehearsed_late_enough_to_call_somebody_gone(self):
        span = (CUT - FIRST).days
        shares = rule_shares(self.base(back=0.3, gap=20), CUT, 600, active_days=400)
        assert shares.watched_days == (span - 400) // 2
        assert shares.gone_customers == 700

    def test_an_everlasting_rate_is_continued_as_such(self):
        random = np.random.default_rng(2)
        days = np.cumsum(random.exponential(100, (4_000, 40)), axis=1).astype(int)
        rows = [
            (f"{n:04}", FIRST + dt.timedelta(days=int(day)))
            for n, row in enumerate(days)
            for day in (0, *row[row <= (CUT - FIRST).days])
        ]
        steady = pl.DataFrame(rows, schema={"customer": pl.String, "date": pl.Date}, orient="row")
        shares = rule_shares(steady, FIRST + dt.timedelta(days=200), 200, active_days=100)
        assert shares.watched_days == 50
        assert shares.active == pytest.approx(1 - np.exp(-200 / 100), abs=0.04)

    def test_a_ledger_of_a_day_teaches_nothing(self):
        with pytest.raises(ValueError, match="Nothing was bought by"):
            rule_shares(self.base(back=0, gap=20), FIRST, 90)


class TestKnowledge:
    def test_nothing_after_the_day_is_known(self, purchases, customers):
        late = pl.col("date") > CUT
        altered = purchases.with_columns(
            customer=pl.when(late).then(pl.lit("somebody else")).otherwise("customer"),
            amount=pl.when(late).then(pl.col("amount") * 1000).otherwise("amount"),
            date=pl.when(late).then(pl.lit(CUT + dt.timedelta(days=1))).otherwise("date"),
        )
        assert altered.filter(late).height > 100
        pd.testing.assert_frame_equal(asked(altered), customers)

    def test_all_three_say_how_likely_a_purchase_is(self, purchases, customers):
        came = bought_after(purchases, CUT, LAST, customers["customer"].tolist())
        for method in METHODS:
            assert customers[method].between(0, 1).all()
            assert customers[method].mean() == pytest.approx(came.mean(), abs=0.05)
        scores = probability_scores(customers[list(METHODS)], came).set_index("method")
        assert scores["worse_low"].to_dict()["rule"] > 0  # who knows two kinds of customer only foretells worse
        assert scores["brier"].max() < came.mean() * (1 - came.mean())

    def test_what_each_customer_did_is_counted(self, purchases, customers):
        row = customers.to_dict("records")[7]
        one = purchases.filter((pl.col("customer") == row["customer"]) & (pl.col("date") <= CUT))
        silence = (pd.Timestamp(CUT) - pd.Timestamp(one["date"].max())).days
        assert row["purchases"] == one["date"].n_unique()
        assert row["silence"] == silence
        assert row["spent"] == pytest.approx(one["amount"].sum())
        assert row["active"] == (silence < 120)


class TestScores:
    def test_are_scikit_learns(self):
        random = np.random.default_rng(3)
        p = random.random(500)
        came = random.random(500) < p
        scores = probability_scores({"bad": 1 - p, "good": p}, came)
        for row, given in zip(scores.to_dict("records"), (p, 1 - p), strict=True):
            assert row["brier"] == pytest.approx(brier_score_loss(came, given))
            assert row["log_loss"] == pytest.approx(log_loss(came, np.clip(given, 0.001, 0.999)))
        assert scores["method"].tolist() == ["good", "bad"]
        assert scores["worse_low"].tolist()[1] > 0

    def test_the_best_is_held_beyond_chance_only_after_it_was_picked_from_all(self):
        random = np.random.default_rng(4)
        p = random.uniform(0.2, 0.8, 400)
        came = random.random(400) < p
        scores = probability_scores({"near": p + random.normal(0, 0.02, 400), "true": p, "bad": 1 - p}, came)
        best, near, bad = scores["p_value"]
        assert np.isnan(best)
        assert near > 0.05 > bad
        two = probability_scores({"true": p, "bad": 1 - p}, came)
        assert two["p_value"].tolist()[1] < bad  # of one pair, and not of three
        same = probability_scores({"one": p, "other": p}, came)
        assert same["p_value"].tolist()[1] == 1

    def test_a_sure_mistake_costs_much_but_not_all(self):
        scores = probability_scores({"sure": [0.0, 1.0]}, [True, False])
        assert scores["brier"].item() == 1
        assert np.isfinite(scores["log_loss"].item())

    def test_equal_probabilities_stay_in_one_bin(self):
        bins = reliability([0.2] * 30 + [0.7] * 10, [True] * 6 + [False] * 24 + [True] * 10, interval=0.8)
        assert bins["customers"].tolist() == [30, 10]
        assert bins["happened"].tolist() == [0.2, 1.0]
        assert bins["high"].tolist()[1] == 1.0
        assert (bins["low"] < bins["happened"]).all()

    def test_lengths_must_agree(self):
        with pytest.raises(ValueError, match="shape"):
            reliability([0.2], [True, False])
