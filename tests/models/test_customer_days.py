"""The days on which customers bought: one row each, whatever holds the ledger."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.customer_days import customer_days, days_to_next, first_rows
from models.simulation import CDNOW, simulate_ledger

END = dt.date(2021, 12, 31)


def simulated():
    spend, start = CDNOW["gamma_gamma"], dt.date(2018, 1, 1)
    return simulate_ledger("bgnbd", CDNOW["bgnbd"], spend, 200, start=start, acquisition_days=1461, end=END, seed=1)


def test_one_row_per_customer_and_day():
    dates = pd.to_datetime(["2024-01-05 10:00", "2024-01-05 23:59", "2024-01-01", "2024-01-02"], format="ISO8601")
    days = customer_days(pd.DataFrame({"customer": ["a", "a", "b", "a"], "date": dates}))
    assert days.customer.tolist() == [0, 0, 1]
    assert (days.day - days.day.min()).tolist() == [1, 4, 0]


def test_engines_and_types_agree():
    ledger = simulated()
    expected = customer_days(ledger, END)
    hours = pl.col("date").cast(pl.Datetime("us", "America/New_York")) + pl.duration(hours=22)
    for same in (
        ledger.lazy(),
        ledger.to_pandas(),
        ledger.with_columns(pl.col("customer").cast(pl.Int64)),
        ledger.with_columns(hours.dt.replace_time_zone(None)),
        ledger.to_pandas().assign(date=ledger["date"].to_list()),
    ):
        found = customer_days(same, "2021-12-31")
        assert (found.customer == expected.customer).all() and (found.day == expected.day).all()


def test_time_zone_keeps_its_own_day():
    late = pd.Timestamp("2024-01-05 23:30", tz="America/New_York")
    days = customer_days(pd.DataFrame({"customer": ["a"], "date": [late]}))
    assert days.day.tolist() == [(pd.Timestamp("2024-01-05") - pd.Timestamp(0)).days]


def test_later_purchases_are_left_out():
    ledger = simulated()
    known = customer_days(ledger.filter(pl.col("date") <= dt.date(2019, 6, 30)))
    cut = customer_days(ledger, "2019-06-30")
    assert (cut.customer == known.customer).all() and (cut.day == known.day).all()


def test_refuses_dates_in_words():
    with pytest.raises(ValueError, match="holds String"):
        customer_days(pl.DataFrame({"customer": ["a"], "date": ["2024-01-01"]}))


def test_what_is_reduced_is_only_cut_off():
    days = customer_days(simulated())
    assert customer_days(days) is days and customer_days(days, END) is days
    expected = customer_days(simulated(), "2019-06-30")
    assert customer_days(days, "2019-06-30").day.tolist() == expected.day.tolist()


def test_first_purchases_and_days_to_the_next():
    dates = [dt.date(2024, 1, day) for day in (1, 4, 2, 9)]
    days = customer_days(pl.DataFrame({"customer": ["a", "a", "b", "a"], "date": dates}))
    assert first_rows(days).tolist() == [0, 3]
    assert days_to_next(days).tolist() == [3, 5, np.inf, np.inf]
