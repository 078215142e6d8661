"""What must hold for every purchase model, whatever the parameters and histories."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models import BGNBD, ModifiedBGNBD, ParetoNBD

MODELS = (BGNBD, ModifiedBGNBD, ParetoNBD)
every_model = pytest.mark.parametrize("fitter", MODELS, ids=lambda fitter: fitter.__name__)
forecasting = settings(deadline=None, derandomize=True, database=None, max_examples=80)
fitting = settings(deadline=None, derandomize=True, database=None, max_examples=10)

parameters = st.tuples(*[st.floats(np.log(1e-3), np.log(1e4)).map(np.exp)] * 4)
times = st.one_of(st.just(0.0), st.floats(np.log(1e-4), np.log(1e5)).map(np.exp), st.sampled_from([1.0, 1e5]))
numbers = st.one_of(st.integers(0, 20), st.integers(0, 10_000))


@st.composite
def histories(draw, most=10_000, oldest=1e4):
    """Frequency, recency and T."""
    x = draw(st.one_of(st.integers(0, min(20, most)), st.integers(0, most)))
    T = draw(st.one_of(st.floats(1e-3, oldest), st.floats(np.log(1e-3), np.log(oldest)).map(np.exp)))
    t_x = T * draw(st.floats(1e-6, 1)) if x else 0.0
    return x, t_x, T


@st.composite
def ledgers(draw):
    """A few customers, of whom at least one bought again."""
    rows = draw(st.lists(histories(most=60, oldest=500.0), min_size=2, max_size=12))
    assume(any(x for x, _, _ in rows))
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"])


def with_values(fitter, values):
    model = fitter()
    model.params_ = pd.Series(values, index=list(fitter.NAMES))
    return model


def fitted(fitter, ledger, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return fitter().fit(ledger["frequency"], ledger["recency"], ledger["T"], **kwargs)


def in_unit_interval(probability):
    return bool(((np.asarray(probability) >= 0) & (np.asarray(probability) <= 1)).all())


@every_model
class TestForecasts:
    @forecasting
    @given(values=parameters, history=histories(), t=times, n=numbers)
    def test_probabilities(self, fitter, values, history, t, n):
        model = with_values(fitter, values)
        assert np.isfinite(model.log_likelihood(*history))
        assert in_unit_interval(model.conditional_probability_alive(*history))
        assert in_unit_interval(model.conditional_probability_of_n_purchases_up_to_time([0, 1, n], t, *history))
        assert in_unit_interval(model.probability_of_n_purchases_up_to_time(t, [0, 1, n]))
        assert in_unit_interval(model.conditional_probability_of_purchase_up_to_time(t, *history))

    @forecasting
    @given(values=parameters, history=histories(), t=st.lists(times, min_size=2, max_size=5, unique=True))
    def test_expectations_are_finite_and_grow(self, fitter, values, history, t):
        model = with_values(fitter, values)
        t = np.array([0.0, *sorted(t)])
        for expected in (model.predict(t, *history), model.expected_number_of_purchases_up_to_time(t)):
            assert np.isfinite(expected).all()
            assert expected[0] == 0
            assert (np.diff(expected) >= -1e-11 * expected[1:]).all()
        new = model.expected_number_of_purchases_up_to_time(t)
        assert (new[t > 0] > 0).all()
        reached = model.conditional_probability_of_purchase_up_to_time(t, *history)
        assert (np.diff(reached) >= -1e-12 * reached[1:]).all()

    @forecasting
    @given(values=parameters, history=histories(), t=times)
    def test_purchases_are_expected_between_their_bounds(self, fitter, values, history, t):
        """No fewer than the probability of one, no more than without dropout."""
        model = with_values(fitter, values)
        x, _, T = history
        expected = model.predict(t, *history)
        alive = float(np.squeeze(model.conditional_probability_alive(*history)))
        one = model.conditional_probability_of_purchase_up_to_time(t, *history)
        never_leaving = alive * (values[0] + x) / (values[1] + T) * t
        assert one * (1 - 1e-9) - 1e-300 <= expected <= never_leaving * (1 + 1e-9) + 1e-300

    @forecasting
    @given(values=parameters, history=histories(), silence=st.lists(times, min_size=2, max_size=5))
    def test_silence_never_makes_it_likelier_that_a_customer_is_alive(self, fitter, values, history, silence):
        model = with_values(fitter, values)
        x, t_x, _ = history
        alive = model.conditional_probability_alive(x, t_x, t_x + np.sort(silence))
        assert (np.diff(alive) <= 1e-12 * alive[:-1]).all()

    @forecasting
    @given(values=parameters, history=histories(), t=times, n=st.integers(1, 300))
    def test_probabilities_and_their_tail_sum_to_one(self, fitter, values, history, t, n):
        model = with_values(fitter, values)
        x, _, T = (np.array(float(each)) for each in history)
        process = fitter._while_alive(model._theta, x, T)
        exactly, tail = process.exactly(np.arange(n), np.array(t)), process.at_least(np.array(n), np.array(t))
        assert exactly.sum() + tail == pytest.approx(1, abs=1e-9)

    @forecasting
    @given(values=parameters, history=histories(), t=times, unit=st.floats(np.log(1e-3), np.log(1e3)).map(np.exp))
    def test_unit_of_time(self, fitter, values, history, t, unit):
        model = with_values(fitter, values)
        other = with_values(fitter, np.where(fitter.TIMES, unit, 1.0) * values)
        x, t_x, T = history
        same = (x, t_x * unit, T * unit)
        close: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-14}
        np.testing.assert_allclose(other.predict(t * unit, *same), model.predict(t, *history), **close)
        np.testing.assert_allclose(
            other.conditional_probability_alive(*same), model.conditional_probability_alive(*history), **close
        )
        n = np.array([0, 1, 2, 50])
        np.testing.assert_allclose(
            other.conditional_probability_of_n_purchases_up_to_time(n, t * unit, *same),
            model.conditional_probability_of_n_purchases_up_to_time(n, t, *history),
            **close,
        )
        shift = x * np.log(unit)
        before = model.log_likelihood(*history)
        assert other.log_likelihood(*same) == pytest.approx(before - shift, rel=1e-9, abs=1e-9 * (1 + abs(before)))

    @forecasting
    @given(values=parameters, rows=st.lists(histories(), min_size=2, max_size=6), t=times, data=st.data())
    def test_order_of_rows(self, fitter, values, rows, t, data):
        model = with_values(fitter, values)
        order = np.array(data.draw(st.permutations(range(len(rows)))))
        columns = np.array(rows).T
        for one, other in [
            (model.predict(t, *columns), model.predict(t, *columns[:, order])),
            (model.log_likelihood(*columns), model.log_likelihood(*columns[:, order])),
            (model.conditional_probability_alive(*columns), model.conditional_probability_alive(*columns[:, order])),
        ]:
            np.testing.assert_allclose(one[order], other, rtol=1e-9, atol=1e-300)


@every_model
class TestFits:
    @fitting
    @given(ledger=ledgers(), times=st.lists(st.integers(0, 4), min_size=12, max_size=12))
    def test_weights_stand_for_rows(self, fitter, ledger, times):
        weights = np.array(times[: len(ledger)])
        assume((weights * ledger["frequency"]).any())
        repeated = fitted(fitter, ledger.loc[np.repeat(ledger.index, weights)])
        weighted = fitted(fitter, ledger, weights=weights)
        np.testing.assert_allclose(weighted.params_, repeated.params_, rtol=1e-9)
        assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-12)
        assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-12)

    @fitting
    @given(ledger=ledgers(), data=st.data())
    def test_order_of_rows(self, fitter, ledger, data):
        order = data.draw(st.permutations(range(len(ledger))))
        one, other = fitted(fitter, ledger), fitted(fitter, ledger.iloc[order])
        np.testing.assert_array_equal(one.params_, other.params_)
        assert one.limits_ == other.limits_
        assert one.log_likelihood_ == other.log_likelihood_

    @fitting
    @given(ledger=ledgers(), unit=st.floats(np.log(1e-2), np.log(1e2)).map(np.exp))
    def test_unit_of_time(self, fitter, ledger, unit):
        one = fitted(fitter, ledger)
        other = fitted(fitter, ledger * [1, unit, unit])
        shift = ledger["frequency"].sum() * np.log(unit)
        assert other.log_likelihood_ == pytest.approx(one.log_likelihood_ - shift, rel=1e-9, abs=1e-6)
        assert one.limits_ == other.limits_
        given_rows = ledger["frequency"], ledger["recency"], ledger["T"]
        np.testing.assert_allclose(
            other.predict(10.0 * unit, *(each * by for each, by in zip(given_rows, (1, unit, unit), strict=True))),
            one.predict(10.0, *given_rows),
            rtol=1e-5,
            atol=1e-12,
        )

    @fitting
    @given(ledger=ledgers())
    def test_fits_no_worse_than_any_start(self, fitter, ledger):
        """Nor are forecasts from it anything but numbers."""
        model = fitted(fitter, ledger)
        rows = ledger["frequency"], ledger["recency"], ledger["T"]
        for values in [
            (0.5, 5.0, 0.5, 1.0),
            (5.0, 50.0, 0.05, 0.1),
            (0.1, 1.0, 2.0, 20.0),
            *np.exp([[3] * 4, [-3] * 4]),
        ]:
            assert model.log_likelihood_ >= with_values(fitter, values).log_likelihood(*rows).sum() - 1e-6
        expected = model.predict(52.0, *rows)
        assert np.isfinite(expected).all() and (expected >= 0).all()
