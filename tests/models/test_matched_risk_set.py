"""Customers set against those who were like them on the same day: histories, strata, shares, intervals."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from models.matched_risk_set import at_risk, compare, histories, in_bands, monthly_moments, weights

START = dt.date(2024, 1, 1)


def on(day: int) -> dt.date:
    return START + dt.timedelta(days=day)


def bought(*rows: tuple[str, int, float]) -> pl.DataFrame:
    told = [(who, on(day), amount) for who, day, amount in rows]
    return pl.DataFrame(told, schema={"customer": pl.String, "date": pl.Date, "amount": pl.Float64}, orient="row")


def moments(*rows: tuple[str, int]) -> pl.DataFrame:
    told = [(who, on(day)) for who, day in rows]
    return pl.DataFrame(told, schema={"customer": pl.String, "date": pl.Date}, orient="row")


PURCHASES = bought(("a", 0, 5), ("a", 400, 7), ("a", 430, 1), ("b", 10, 3))


@pytest.mark.parametrize(
    ("moment", "known"),
    [
        (("a", 0), (1, 0, 0, 5.0, 400)),
        (("a", 100), (1, 100, 100, 5.0, 300)),
        (("a", 364), (1, 364, 364, 5.0, 36)),
        (("a", 400), (2, 0, 400, 7.0, 30)),
        (("a", 500), (3, 70, 500, 8.0, None)),
        (("b", 11), (1, 1, 1, 3.0, None)),
    ],
)
def test_what_was_known_on_a_day(moment: tuple[str, int], known: tuple[Any, ...]) -> None:
    found = histories(PURCHASES, moments(moment))
    assert found.select("frequency", "recency", "age", "spent", "next_in").row(0) == known


def test_who_had_not_bought_by_then_has_no_history() -> None:
    assert histories(PURCHASES, moments(("b", 9), ("z", 50))).is_empty()


def test_what_comes_later_changes_nothing_that_was_known() -> None:
    random = np.random.default_rng(1)
    rows = [(f"{who}", int(day), float(day)) for who in range(40) for day in random.choice(700, 9, replace=False)]
    asked = moments(*((f"{who}", 350) for who in range(40)))
    known = ["customer", "frequency", "recency", "age", "spent"]
    before = histories(bought(*rows), asked).select(known)
    moved = [(who, day + 90 * (day > 350), amount) for who, day, amount in rows]
    assert histories(bought(*moved), asked).select(known).equals(before)
    assert histories(bought(*(row for row in rows if row[1] <= 350)), asked).select(known).equals(before)


def test_each_month_is_looked_at_in_its_middle() -> None:
    found = monthly_moments(pl.Series(["a", "b"]), dt.date(2024, 1, 20), dt.date(2024, 3, 10))
    assert sorted(set(found["date"])) == [dt.date(2024, 1, 20), dt.date(2024, 2, 15), dt.date(2024, 3, 10)]
    assert found.height == 6


def test_at_risk_is_whom_it_has_not_happened_to_yet_whatever_happens_later() -> None:
    found = at_risk(moments(("a", 5), ("a", 6), ("a", 7), ("b", 9)), moments(("a", 6), ("a", 20)))
    assert found.rows() == moments(("a", 5), ("b", 9)).rows()


def banded(*rows: tuple[str, int, int, bool]) -> pl.DataFrame:
    """customer, month, frequency_band, silent."""
    return pl.DataFrame(rows, schema=["customer", "month", "frequency_band", "silent"], orient="row").with_columns(
        recency_band=pl.lit(0)
    )


CASES = banded(("a", 1, 0, True), ("b", 1, 0, False), ("c", 1, 1, True), ("lonely", 9, 9, True))
OTHERS = banded(("d", 1, 0, True), ("e", 1, 0, False), ("f", 1, 0, False), ("g", 1, 1, False), ("h", 2, 0, True))


def test_strata_count_as_often_among_the_comparable_as_among_the_cases() -> None:
    matched, others = weights(CASES, OTHERS)
    assert matched["customer"].to_list() == ["a", "b", "c"]
    assert dict(others.select("customer", "weight").iter_rows()) == pytest.approx(
        {"d": 2 / 3, "e": 2 / 3, "f": 2 / 3, "g": 1.0}
    )


def test_a_share_is_set_against_that_of_the_comparable() -> None:
    found = compare(CASES, OTHERS, "silent", coverage=0.8)
    effective = 9 / (3 * (2 / 3) ** 2 + 1)
    low, high = confint_proportions_2indep(
        2, 3, 2 / 9 * effective, effective, method="newcomb", compare="diff", alpha=0.2
    )
    assert (found.cases, found.unmatched) == (3, 1)
    assert (found.share, found.expected, found.comparable) == pytest.approx((2 / 3, 2 / 9, effective))
    assert (found.difference, found.low, found.high) == pytest.approx((4 / 9, low, high))


def test_rows_of_one_customer_are_one_independent_customer() -> None:
    same = OTHERS.with_columns(customer=pl.lit("d"))
    assert compare(CASES, same, "silent").comparable == pytest.approx(1)


def test_with_nobody_like_them_nothing_is_told() -> None:
    found = compare(CASES.filter(pl.col("customer") == "lonely"), OTHERS, "silent")
    assert (found.cases, found.unmatched) == (0, 1)
    assert np.isnan(found.difference)


def test_bands_are_quartiles_of_the_comparable() -> None:
    frame = pl.DataFrame({"date": [START] * 8, "frequency": [1, 1, 1, 1, 2, 3, 5, 9], "recency": range(8)})
    _, others = in_bands(frame.head(0), frame)
    assert others["frequency_band"].to_list() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert others["recency_band"].to_list() == [0, 0, 1, 1, 2, 2, 3, 3]
