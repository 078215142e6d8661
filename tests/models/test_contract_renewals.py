"""Contracts as renewals: the calendar, censoring, truncation, and Kaplan-Meier against statsmodels."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from models.contract_renewals import contract_survival, contracts_until, renewal_counts

UNTIL = dt.date(2020, 6, 1)


def people(*rows) -> pl.DataFrame:
    days = [(name, *(None if d is None else dt.date.fromisoformat(d) for d in dates)) for name, *dates in rows]
    return pl.DataFrame(days, schema={"customer": pl.String, "joined": pl.Date, "left": pl.Date}, orient="row")


def terms(found) -> dict[str, tuple]:
    return {name: tuple(rest) for name, _, *rest in found.rows.iter_rows()}


def test_renewals_are_counted_by_the_calendar():
    found = contracts_until(
        people(
            ("ended the day before its second renewal", "2015-03-10", "2017-03-09"),
            ("on the day of its second renewal", "2015-03-10", "2017-03-10"),
            ("the day after it", "2015-03-10", "2017-03-11"),
            ("on the day it began", "2019-06-01", "2019-06-01"),
            ("begun on a leap day", "2016-02-29", "2017-02-28"),
            ("still on", "2018-01-01", None),
            ("renewed today", "2018-06-01", None),
            ("leaves after the last day", "2018-06-02", "2020-06-02"),
            ("cancelled in the year under way", "2018-01-01", "2020-05-01"),
        ),
        UNTIL,
    )
    assert terms(found) == {  # entered, periods, lost, on
        "ended the day before its second renewal": (0, 2, True, False),
        "on the day of its second renewal": (0, 2, True, False),
        "the day after it": (0, 3, True, False),
        "on the day it began": (0, 1, True, False),
        "begun on a leap day": (0, 1, True, False),
        "still on": (0, 2, False, True),
        "renewed today": (0, 2, False, True),
        "leaves after the last day": (0, 1, False, True),
        "cancelled in the year under way": (0, 2, False, False),
    }


@pytest.mark.parametrize(("period", "periods"), [("month", 29), ("quarter", 9), ("year", 2)])
def test_a_period_may_be_a_month_or_a_quarter(period, periods):
    found = contracts_until(people(("a", "2017-12-31", None)), UNTIL, period=period)
    assert found.rows["periods"].to_list() == [periods]


def test_what_cannot_be_counted_is_left_out_and_said():
    found = contracts_until(
        people(
            ("unknown", None, None),
            ("unknown and gone", None, "2018-01-01"),
            ("ended before it began", "2014-01-31", "2013-01-01"),
            ("to come", "2030-01-01", None),
            ("good", "2018-01-01", None),
        ),
        UNTIL,
    )
    assert found.rows["customer"].to_list() == ["good"]
    assert (found.unknown_start, found.impossible, found.not_begun, found.before_records) == (2, 1, 1, 0)


def test_contracts_of_before_the_records_count_from_their_first_whole_period():
    found = contracts_until(
        people(
            ("gone before the records", "2010-01-01", "2014-05-01"),
            ("gone in the year in which they begin", "2010-01-01", "2014-12-01"),
            ("gone in the first whole year", "2010-01-01", "2015-12-01"),
            ("still on", "2010-01-01", None),
            ("began with the records", "2014-07-01", None),
            ("one renewal since", "2014-06-30", None),
        ),
        UNTIL,
        records_from=dt.date(2014, 7, 1),
    )
    assert terms(found) == {
        "gone in the first whole year": (5, 6, True, False),
        "still on": (5, 10, False, True),
        "began with the records": (0, 5, False, True),
        "one renewal since": (1, 5, False, True),
    }
    assert (found.before_records, found.truncated) == (2, 3)


def test_survival_is_kaplan_meiers_with_late_entry():
    random = np.random.default_rng(4)
    entered = random.integers(0, 4, 400)
    lasts = entered + random.geometric(0.2, 400)
    watched = entered + random.integers(1, 9, 400)
    rows = pl.DataFrame(
        {"entered": entered, "periods": np.minimum(lasts, watched), "lost": lasts <= watched},
    )
    ours = contract_survival(renewal_counts(rows)).set_index("renewal")
    theirs = SurvfuncRight(rows["periods"].to_numpy(), rows["lost"].to_numpy(), entry=entered)
    at = ours.loc[theirs.surv_times.astype(int)]
    np.testing.assert_allclose(at["survival"], theirs.surv_prob)
    np.testing.assert_array_equal(at["at_risk"], theirs.n_risk)
    np.testing.assert_array_equal(at["lost"], theirs.n_events)
    assert np.all(ours["low"] <= ours["survival"])
    assert np.all(ours["high"] >= ours["survival"])


def test_an_interval_stays_open_where_nothing_happened_and_where_nobody_is_left():
    counts = renewal_counts(
        pl.DataFrame({"entered": [0] * 6, "periods": [2, 2, 2, 3, 3, 3], "lost": [False] * 3 + [True] * 3})
    )
    curve = contract_survival(counts, interval=0.8).set_index("renewal")
    assert list(curve.loc[1, ["survival", "low", "high"]]) == pytest.approx([1.0, 0.1 ** (1 / 6), 1.0])
    assert list(curve.loc[3, ["survival", "low", "high"]]) == pytest.approx([0.0, 0.0, 1 - 0.1 ** (1 / 3)])


def test_survival_is_not_known_past_a_renewal_that_nobody_was_seen_at():
    rows = pl.DataFrame({"entered": [0, 3], "periods": [1, 5], "lost": [False, False]})
    curve = contract_survival(renewal_counts(rows))
    assert curve["survival"].isna().tolist() == [False, False, True, True, True, True]
    assert curve["retention"].isna().tolist() == [True, False, True, True, False, False]


def test_a_wrong_period_or_interval_is_refused():
    with pytest.raises(ValueError, match="month, quarter, year"):
        contracts_until(people(("a", "2018-01-01", None)), UNTIL, period="week")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 0 and 1"):
        contract_survival(renewal_counts(pl.DataFrame({"entered": [0], "periods": [1], "lost": [True]})), interval=1)
