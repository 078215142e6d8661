"""New and repeat custom by month: hand-computed cases, sums that must agree, edges."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.new_and_repeat import activity_by_month


@pytest.fixture
def purchases():
    rows = [
        ("a", "2023-11-30", 10.0),
        ("a", "2023-11-30", 5.0),
        ("b", "2023-11-01", 1.0),
        ("b", "2023-11-20", 2.0),
        ("a", "2024-02-01", 4.0),
        ("c", "2024-02-15", 8.0),
        ("c", "2024-02-16", 16.0),
        ("b", "2024-02-29", 32.0),
        ("b", "2024-02-03", 64.0),
    ]
    frame = pl.DataFrame(rows, schema=["customer", "date", "amount"], orient="row")
    return frame.with_columns(pl.col("date").str.to_date())


@pytest.fixture
def random_purchases():
    rng = np.random.default_rng(3)
    dates = np.datetime64("2022-03-10") + rng.integers(0, 700, 3000).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer": rng.integers(0, 500, 3000).astype(str),
            "date": dates,
            "amount": rng.integers(0, 90, 3000),
        }
    )


def test_months_by_hand_with_the_empty_ones(purchases):
    expected = pd.DataFrame(
        {
            "month": pd.to_datetime(["2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01"]),
            "new_customers": [2, 0, 0, 1],
            "repeat_customers": [0, 0, 0, 2],
            "purchases_new": [2, 0, 0, 1],
            "purchases_repeat": [1, 0, 0, 4],
            "revenue_new": [16.0, 0.0, 0.0, 8.0],
            "revenue_repeat": [2.0, 0.0, 0.0, 116.0],
        }
    )
    pd.testing.assert_frame_equal(activity_by_month(purchases), expected)


def test_months_add_up_to_the_ledger(random_purchases):
    months = activity_by_month(random_purchases)
    days = random_purchases.groupby(["customer", "date"])["amount"].sum()
    assert months["new_customers"].sum() == random_purchases["customer"].nunique()
    assert months[["purchases_new", "purchases_repeat"]].to_numpy().sum() == len(days)
    assert months[["revenue_new", "revenue_repeat"]].to_numpy().sum() == days.sum()
    buyers = random_purchases.groupby(random_purchases["date"].dt.to_period("M"))["customer"].nunique()
    assert (months["new_customers"] + months["repeat_customers"]).tolist() == buyers.tolist()


def test_every_kind_of_frame_gives_the_same(purchases):
    in_pandas = purchases.to_pandas().assign(date=lambda frame: pd.to_datetime(frame["date"]))
    pd.testing.assert_frame_equal(activity_by_month(purchases.lazy()), activity_by_month(purchases))
    pd.testing.assert_frame_equal(activity_by_month(in_pandas), activity_by_month(purchases))
    pd.testing.assert_frame_equal(activity_by_month(purchases.reverse()), activity_by_month(purchases))


def test_a_ledger_without_purchases_has_no_rows(purchases):
    assert activity_by_month(purchases.clear()).empty
    assert list(activity_by_month(purchases.clear()).columns) == list(activity_by_month(purchases).columns)


def test_one_customer_on_one_day(purchases):
    alone = purchases.filter(pl.col("customer") == "a").head(1)
    assert activity_by_month(alone).iloc[0].tolist() == [pd.Timestamp("2023-11-01"), 1, 0, 1, 0, 10.0, 0.0]


def test_months_go_on_to_the_last_day_observed():
    rows = pd.DataFrame({"customer": ["a"], "date": [pd.Timestamp("2024-01-10")], "amount": [5.0]})
    months = activity_by_month(rows, dt.date(2024, 4, 2))
    assert months["month"].dt.month.tolist() == [1, 2, 3, 4]
    assert months["revenue_new"].tolist() == [5.0, 0, 0, 0]
