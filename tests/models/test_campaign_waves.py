"""Which campaigns there were: names that come back, last days that aren't known, redemptions."""

import datetime as dt
from typing import Any

import polars as pl

from models.campaign_waves import campaign_waves, redeemed_by

SCHEMA = {"customer": pl.String, "date": pl.Date, "reason": pl.String, "until": pl.Date}


def day(month: int, number: int) -> dt.date:
    return dt.date(2025, month, number)


def reached(*rows: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_a_name_that_comes_back_after_a_pause_is_another_campaign() -> None:
    waves = campaign_waves(
        reached(
            ("a", day(1, 1), "spring", day(1, 20)),
            ("b", day(1, 4), "spring", None),
            ("a", day(6, 1), "spring", day(6, 20)),
            ("c", day(1, 3), None, None),
        ),
        campaign_days=30,
    )
    assert waves.rows() == [
        (0, "spring", "a", day(1, 1), day(2, 2), 3),
        (0, "spring", "b", day(1, 1), day(2, 2), 3),
        (1, None, "c", day(1, 3), day(2, 1), 0),
        (2, "spring", "a", day(6, 1), day(6, 20), 0),
    ]


def test_a_customer_reached_twice_by_one_campaign_is_one() -> None:
    rows = reached(("a", day(1, 1), "x", None), ("a", day(1, 9), "x", None), ("a", day(1, 9), "x", None))
    assert campaign_waves(rows, 30).select("customer", "start", "until", "spread").rows() == [
        ("a", day(1, 1), day(2, 7), 8)
    ]


def test_the_last_day_may_be_recorded_of_no_campaign() -> None:
    waves = campaign_waves(reached(("a", day(1, 1), "x", None)).drop("until"), 10)
    assert waves["until"].to_list() == [day(1, 10)]


def test_a_redemption_belongs_to_the_latest_campaign_of_its_name_that_had_begun() -> None:
    waves = campaign_waves(
        reached(("a", day(1, 1), "x", None), ("a", day(6, 1), "x", None), ("b", day(3, 1), None, None)), 30
    )
    used = reached(
        ("a", day(1, 1), "x", None),
        ("z", day(7, 1), "x", None),
        ("a", dt.date(2024, 12, 31), "x", None),
        ("b", day(3, 5), None, None),
        ("b", day(3, 5), "unheard of", None),
    )
    assert sorted(redeemed_by(waves, used).rows()) == [(0, "a", day(1, 1)), (1, "b", day(3, 5)), (2, "z", day(7, 1))]
