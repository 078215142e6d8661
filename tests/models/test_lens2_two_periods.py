"""Lens 2 on a base worked out by hand: what became of everyone."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models import customer_base_audit as audit
from models.lens2_two_periods import compare_periods, flows, lost_after_one_purchase
from models.periods import Period
from models.profit_factors import split
from tests.models.audited_base import END, YEAR_2023


def test_what_became_of_everyone(audited_days, audited_years):
    # before: s 100, t 200, u 0 and w 0 (given back); now: s 300, v 80, w 500, x 75 (who had bought in 2022)
    earlier = audited_days.filter(pl.col("first_day") < YEAR_2023.first)["customer"].unique()
    compared = compare_periods(audited_years[0], audited_years[1], earlier)
    assert dict(compared.select("customer", "status").rows()) == {
        "s": "kept, more",
        "t": "lost",
        "u": "no purchase",
        "v": "new",
        "w": "new",
        "x": "came back",
    }
    change = flows(compared).set_index("status")
    assert change["customers"].to_dict() == {
        "lost": 1,
        "kept, less": 0,
        "kept, same": 0,
        "kept, more": 1,
        "came back": 1,
        "new": 2,
        "no purchase": 1,
    }
    assert change["revenue_change"].tolist() == [-200, 0, 0, 200, 75, 580, 0]
    assert change["profit_change"].sum() == pytest.approx(477.5 - 150)


def test_who_bought_only_once_ever_is_counted_among_the_lost(audited_days):
    # from 1 June 2023 back: t had bought on two days, x once; s bought again
    first, second = Period(dt.date(2022, 12, 1), dt.date(2023, 6, 30)), Period(dt.date(2023, 7, 1), END)
    before, now = (audit.customers_of_period(audited_days, period) for period in (first, second))
    compared = compare_periods(before, now, pl.Series([], dtype=pl.String))
    assert lost_after_one_purchase(audited_days, compared) == 0
    early = audit.customers_of_period(audited_days, Period(second.first, dt.date(2023, 12, 31)))
    compared = compare_periods(before, early, pl.Series([], dtype=pl.String))
    # now s, t and x are lost, and in all its days s bought twice, t twice and x twice
    assert compared.filter(status="lost")["customer"].to_list() == ["s", "t", "x"]
    assert lost_after_one_purchase(audited_days, compared) == 0
    assert lost_after_one_purchase(audited_days.filter(pl.col("date") < dt.date(2024, 1, 1)), compared) == 2


def test_amounts_equal_but_for_the_order_of_their_sums_are_the_same():
    before = pl.DataFrame({"customer": ["a"], "purchases": [3], "revenue": [0.1 + 0.2], "profit": [None]})
    now = before.with_columns(revenue=pl.lit(0.3))
    statuses = compare_periods(before, now, pl.Series(["a"]))["status"]
    assert statuses.to_list() == ["kept, same"]


def test_an_unknown_profit_stays_unknown(audited_years):
    before, now = (customers.with_columns(profit=pl.lit(None, pl.Float64)) for customers in audited_years)
    assert np.isnan(split(now).margin)
    change = flows(compare_periods(before, now, pl.Series([], dtype=pl.String)))
    assert change.loc[change["customers"] > 0, "profit_now"].isna().tolist() == [False, True, True, False]
    assert change["revenue_change"].sum() == pytest.approx(655)
