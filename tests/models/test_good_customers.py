"""Good customers are the top by what they brought later, and nobody who brought nothing."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import polars as pl
import pytest

from models.first_purchase import first_days
from models.good_customers import good_customers, later_value

DAY = dt.date(2025, 1, 1)


def test_later_value_is_that_of_the_days_after_the_first() -> None:
    rows = [
        *(("a", 0, 100.0), ("a", 1, 7.0), ("a", 10, 5.0), ("a", 10, -2.0), ("a", 11, 50.0)),
        *(("b", 0, 9.0), ("c", 8, 3.0), ("c", 9, 3.0)),
    ]
    lines = pl.DataFrame(rows, schema=["customer", "after", "value"], orient="row").with_columns(
        date=pl.lit(DAY) + pl.duration(days="after")
    )
    days = first_days(lines, DAY + dt.timedelta(17))
    found = later_value(lines, days, watched_days=10, as_of=DAY + dt.timedelta(17))
    # c came 9 days before the end and isn't watched for 10
    assert found.to_dict() == {"a": 10.0, "b": 0.0}


@pytest.mark.parametrize(
    ("values", "share", "good", "limit"),
    [
        ([5, 4, 3, 2, 1], 0.4, [5, 4], 4),
        ([5, 4, 4, 4, 1], 0.4, [5, 4, 4, 4], 4),
        ([5, 0, 0, 0, -3], 0.4, [5], 5),
        ([5, 4, 3], 0.01, [5], 5),
    ],
)
def test_good_ones_are_the_top_and_none_of_them_brought_nothing(
    values: list[float], share: float, good: list[float], limit: float
) -> None:
    value = pd.Series(values, dtype=float)
    found = good_customers(value, share)
    assert value[found.good].tolist() == good
    assert found.limit == limit
    assert not found.enough


def test_nobody_is_good_where_nobody_brought_anything() -> None:
    found = good_customers(pd.Series([0.0, -1.0]), 0.2)
    assert not found.good.any()
    assert math.isnan(found.limit)
