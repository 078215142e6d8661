"""The probability of being alive through time, against the model's own word on single days."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models import BGNBD
from models.alive_over_time import alive_over_time
from models.rfm import rfm_summary

START = dt.date(2024, 1, 10)
UNTIL = dt.date(2024, 12, 31)
BOUGHT = [START + dt.timedelta(days=days) for days in (0, 9, 30, 31, 100, 240)]


@pytest.fixture(scope="module")
def model(cdnow_histories):
    return BGNBD().fit(*cdnow_histories)


def alone(model, bought, day):
    """What the model says of the history up to `day`, summarised by itself."""
    summary = rfm_summary(pd.DataFrame({"customer": "a", "date": pd.to_datetime(bought)}), day)
    return model.conditional_probability_alive(summary["frequency"], summary["recency"], summary["T"])[0]


def test_each_day_equals_the_model_on_the_history_up_to_that_day(model):
    path = alive_over_time(model, BOUGHT, UNTIL, points=25)
    ends = path.drop_duplicates("date", keep="last")
    expected = [alone(model, BOUGHT, day.date()) for day in ends["date"]]
    np.testing.assert_allclose(ends["p_alive"], expected, rtol=1e-12)
    assert ends["date"].iloc[0].date() == START
    assert ends["date"].iloc[-1].date() == UNTIL
    assert set(pd.to_datetime(BOUGHT)) <= set(ends["date"])


def test_just_before_a_purchase_it_is_what_silence_had_left_of_it(model):
    path = alive_over_time(model, BOUGHT, UNTIL, points=2)
    twice = path[path["date"].duplicated(keep=False)]
    assert twice["date"].drop_duplicates().dt.date.tolist() == BOUGHT[1:]
    for number, (before, after) in enumerate(
        zip(twice.iloc[::2].itertuples(), twice.iloc[1::2].itertuples(), strict=True), 1
    ):
        earlier = BOUGHT[:number]
        t_x = (earlier[-1] - START).days / 7
        expected = model.conditional_probability_alive(number - 1, t_x, (BOUGHT[number] - START).days / 7)[0]
        assert before.p_alive == pytest.approx(expected, rel=1e-12)
        assert (before.frequency, after.frequency) == (number - 1, number)
        # Fader & Hardie's formula at T = t_x
        assert after.p_alive == pytest.approx(1 / (1 + model.params_["a"] / (model.params_["b"] + number - 1)))


def test_in_silence_it_falls_all_the_way(model):
    silent = alive_over_time(model, BOUGHT[:3], UNTIL)
    after = silent[silent["date"] >= pd.Timestamp(BOUGHT[2])]["p_alive"].to_numpy()[1:]
    assert len(after) > 200
    assert (np.diff(after) < 0).all()


def test_order_repetition_and_later_days_change_nothing(model):
    mixed = [*reversed(BOUGHT), BOUGHT[2], UNTIL + dt.timedelta(days=1)]
    pd.testing.assert_frame_equal(alive_over_time(model, mixed, UNTIL), alive_over_time(model, BOUGHT, UNTIL))


def test_the_unit_of_time_is_that_of_the_model(model):
    weeks, days = (alive_over_time(model, BOUGHT, UNTIL, unit) for unit in ("week", "day"))
    np.testing.assert_allclose(days["T"], 7 * weeks["T"])
    np.testing.assert_allclose(days["recency"], 7 * weeks["recency"])


def test_a_customer_of_today_is_followed_for_one_day(model):
    path = alive_over_time(model, [UNTIL], UNTIL)
    assert path[["frequency", "recency", "T", "p_alive"]].to_numpy().tolist() == [[0, 0, 0, 1]]


@pytest.mark.parametrize(("bought", "unit", "said"), [([], "week", "no purchase"), ([START], "fortnight", "fortnight")])
def test_what_cannot_be_followed_is_refused(model, bought, unit, said):
    with pytest.raises(ValueError, match=said):
        alive_over_time(model, bought, UNTIL, unit)
