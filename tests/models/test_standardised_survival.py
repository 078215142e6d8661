"""Mean curves of a Cox regression: statsmodels as a second engine, Kaplan and Meier, hand counts."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.hazard_regression import PHReg

from models.cox import fit_cox
from models.standardised_survival import StandardisedSurvival, Stratum, stratum_of
from models.survival import kaplan_meier

LITTLE = 2e-4  # twice what grouping rows by their hazard may move the curve


def waits(rows, whole_days):
    """Waits of two strata that a covariate shortens, with events on the same days or none."""
    random = np.random.default_rng(8)
    x, stratum = 3 + random.normal(size=rows), random.integers(0, 2, rows)
    days = (20 + 30 * stratum) * random.exponential(size=rows) / np.exp(0.8 * (x - 3))
    watched = random.uniform(10, 150, rows)
    seen = np.minimum(days, watched)
    return pd.DataFrame(
        {"x": x, "days": np.ceil(seen) if whole_days else seen, "ended": days <= watched, "stratum": stratum}
    )


def test_statsmodels_agrees_where_no_two_events_share_a_day():
    frame = waits(600, whole_days=False)
    curves = fit_cox(frame, "days", "ended", ["x"], strata="stratum").standardised_survival()
    other = PHReg(frame["days"], frame[["x"]], frame["ended"], strata=frame["stratum"], ties="efron").fit()
    risk = np.exp(frame["x"].to_numpy() * other.params[0])
    known = curves.days < frame[frame["ended"]].groupby("stratum")["days"].max().min()
    assert known.sum() > 400
    for log_ratio in (0.0, 0.5, -0.5):
        mean = np.zeros(known.sum())
        for number, (times, hazard, _) in enumerate(other.baseline_cumulative_hazard):
            # its hazard is that just before a row's own time, so the next row's is looked up
            later = np.searchsorted(times, curves.days[known], side="right")
            each = risk[frame["stratum"] == number] * np.exp(log_ratio)
            mean += np.exp(-np.outer(each, hazard[later])).sum(axis=0)
        assert curves.at(log_ratio)[known] == pytest.approx(mean / len(frame), abs=LITTLE)


def test_with_an_event_on_nearly_every_day_the_mean_curve_is_what_happened():
    """Kaplan and Meier's curve of all waits, which supposes no model; censoring is drawn by lot here."""
    frame = waits(4000, whole_days=True)
    curves = fit_cox(frame, "days", "ended", ["x"], strata="stratum").standardised_survival()
    seen = kaplan_meier(frame["days"], frame["ended"])
    assert curves.days.tolist() == seen["days"].tolist()
    # the error of a share among 4,000 at its largest, twice
    assert curves.at() == pytest.approx(seen["survival"].to_numpy(), abs=2 * 0.5 / np.sqrt(4000))


def test_rows_that_are_counted_are_rows_that_are_repeated():
    frame = waits(300, whole_days=True).assign(times=np.arange(300) % 3 + 1)
    counted = fit_cox(frame, "days", "ended", ["x"], strata="stratum", weights="times").standardised_survival()
    repeated = fit_cox(frame.loc[frame.index.repeat(frame["times"])], "days", "ended", ["x"], strata="stratum")
    assert counted.at(0.3) == pytest.approx(repeated.standardised_survival().at(0.3), abs=1e-9)


def test_each_row_follows_its_own_curve():
    """By hand: three rows in four of hazard 1 a day, one of 3, each doubled."""
    days = np.array([0.0, 1.0, 2.0])
    curves = StandardisedSurvival(
        days, (Stratum(days, np.ones(1), np.full(1, 3.0)), Stratum(3 * days, *np.ones((2, 1))))
    )
    assert curves.at(np.log(2)) == pytest.approx(0.75 * np.exp(-2 * days) + 0.25 * np.exp(-6 * days))
    # the mean curve squared falls further than any row's own curve does
    assert (curves.at(np.log(2))[1:] > curves.at()[1:] ** 2).all()


def test_rows_are_grouped_by_hazard_and_none_is_lost():
    log_risk = np.random.default_rng(2).normal(size=5000)
    hazard = np.array([0.0, 0.3, 3.0])
    grouped = stratum_of(hazard, log_risk, np.ones(5000))
    assert len(grouped.risks) < 200
    assert grouped.weights.sum() == 5000
    exact = np.exp(-np.outer(np.exp(log_risk), hazard)).mean(axis=0)
    assert StandardisedSurvival(hazard, (grouped,)).at() == pytest.approx(exact, abs=1e-4)


def test_events_of_one_day_leave_one_after_another():
    """By hand: of 8 waits 4 end on day 1 and 2 on day 2; a covariate that goes with nothing leaves one curve."""
    frame = pd.DataFrame({"days": [1, 1, 1, 1, 2, 2, 3, 3], "ended": [True] * 6 + [False] * 2, "x": [0.0, 1.0] * 4})
    curves = fit_cox(frame, "days", "ended", ["x"]).standardised_survival()
    hazard = np.cumsum([0, 1 / 8 + 1 / 7 + 1 / 6 + 1 / 5, 1 / 4 + 1 / 3, 0])
    assert curves.days.tolist() == [0, 1, 2, 3]
    assert curves.at() == pytest.approx(np.exp(-hazard))
