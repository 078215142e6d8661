"""Waits between purchases and what was known when each began: by hand, and without a look ahead."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from benchmarks.hazard_ratios import ALIKE, AS_OF, simulated_lines
from models.repurchase_intervals import COVARIATES, covariates_of, repurchase_intervals

LAST_DAY = dt.date(2024, 3, 31)


@pytest.fixture
def lines():
    rows = [
        ("b", "2024-02-01", 10.0, "sale", "soap", 0.0, 0.0),
        ("a", "2024-01-01", 6.0, "sale", "soap", 2.0, 0.0),
        ("a", "2024-01-01", 2.0, "sale", "rice", 0.0, 1.0),
        ("a", "2024-01-09", 16.0, "sale", "soap", 4.0, 0.0),
        ("a", "2024-01-10", -16.0, "return", "soap", 0.0, 0.0),
        ("a", "2024-01-17", 6.0, "sale", "tea", 0.0, 0.0),
        ("a", "2024-01-17", 6.0, "sale", "salt", 0.0, 0.0),
        ("a", "2024-04-02", 9.0, "sale", "fish", 0.0, 0.0),
    ]
    columns = ["customer", "date", "amount", "kind", "category", "discount", "coupon"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("date").str.to_date())


@pytest.fixture
def events():
    rows = [("a", "2024-01-08", "complaint"), ("b", "2024-03-01", "complaint"), ("b", "2024-01-02", "return")]
    return pl.DataFrame(rows, schema=["customer", "date", "kind"], orient="row").with_columns(
        pl.col("date").str.to_date()
    )


def test_waits_and_what_was_known_by_hand(lines, events):
    waits = repurchase_intervals(lines, LAST_DAY, events)
    assert waits.select("customer", "purchase_number", "days", "observed", "repeat").rows() == [
        ("a", 1, 8, True, False),
        ("a", 2, 8, True, True),
        ("a", 3, 74, False, True),
        ("b", 1, 59, False, False),
    ]
    log = np.log2
    expected: dict[str, list[float]] = {
        "categories_last": [1, 0, 1, 0],
        "categories_so_far": [1, 1, 2, 0],
        "categories_usual": [1, 1, 0.5, 0],
        "categories_relative": [0, -1, 0.5, 0],
        "spend_usual": [3, log(12), log(12), log(10)],
        "spend_relative": [0, 1, 0, 0],
        "discount_relative": [0, 0, -2, 0],
        "discount_so_far": [2, 2, 10 * 6 / 42, 0],
        "coupons_so_far": [10, 5, 10 / 3, 0],
        "complained": [0, 1, 1, 0],
        "returned": [0, 0, 1, 1],
        "purchases": [0, 1, log(3), 0],
        "gap": [0, 3, 3, 0],
    }
    assert covariates_of(waits) == [name for name in COVARIATES if name in expected]
    for name, values in expected.items():
        assert waits[name].to_list() == pytest.approx(values, abs=1e-12), name


def test_a_ledger_of_days_and_amounts_tells_rhythm_and_spend(lines):
    waits = repurchase_intervals(lines.filter(pl.col("kind") == "sale").select("customer", "date", "amount"), LAST_DAY)
    names = [name for name in covariates_of(waits) if name != "returned"]
    assert names == ["spend_usual", "spend_relative", "purchases", "gap"]
    assert waits["returned"].sum() == 0


def test_hours_and_order_of_rows_make_no_difference(lines, events):
    hours = lines.reverse().with_columns(pl.col("date").cast(pl.Datetime("us")) + pl.duration(hours=23))
    assert repurchase_intervals(hours, LAST_DAY, events).equals(repurchase_intervals(lines, LAST_DAY, events))


def test_what_was_free_counts_as_a_purchase_of_no_amount():
    days = [dt.date(2024, 1, day) for day in (1, 5, 9)]
    lines = pl.DataFrame({"customer": ["a"] * 3, "date": days, "amount": [0.0, 8.0, 0.0]})
    waits = repurchase_intervals(lines, LAST_DAY)
    assert waits["spend_usual"].to_list() == [None, 3, 3]
    assert waits["spend_relative"].to_list() == [0, 0, 0]


def test_without_customer_date_or_amount_it_says_so(lines):
    with pytest.raises(ValueError, match="no column amount, date"):
        repurchase_intervals(lines.drop("amount", "date"), LAST_DAY)


@pytest.fixture(scope="module")
def long_ledger():
    """A simulated ledger with discounts, coupons, returns and complaints."""
    lines = simulated_lines(60, ALIKE, frailty=True, seed=11)
    random = np.random.default_rng(2)
    returned = random.random(lines.height) < 0.05
    lines = lines.with_columns(
        pl.Series("kind", np.where(returned, "return", "sale")),
        pl.Series("discount", random.exponential(1, lines.height)),
        pl.Series("coupon", random.integers(0, 2, lines.height).astype(float)),
    )
    complaints = lines.sample(40, seed=3).select("customer", "date", pl.lit("complaint").alias("kind"))
    return lines, complaints


@pytest.mark.parametrize("change", ["deleted", "moved", "altered"])
def test_nothing_after_the_day_a_wait_begins_moves_what_is_known_of_it(long_ledger, change):
    lines, complaints = long_ledger
    cut = dt.date(2023, 7, 15)
    after = pl.col("date") > cut
    later = pl.when(after).then(pl.col("date") + pl.duration(days=9)).otherwise(pl.col("date"))
    changes = {
        "deleted": lambda rows: rows.filter(~after),
        "moved": lambda rows: rows.with_columns(later.alias("date")),
        "altered": lambda rows: rows.with_columns(
            pl.when(after).then(7 * pl.col(name) + 1).otherwise(pl.col(name)).alias(name)
            for name in ("amount", "discount", "coupon")
            if name in rows.columns
        ).with_columns(
            pl.when(after).then(pl.lit("other")).otherwise(pl.col(name)).alias(name)
            for name in ("category", "customer")
            if name in rows.columns
        ),
    }
    known = []
    for rows, happened in ((lines, complaints), (changes[change](lines), changes[change](complaints))):
        waits = repurchase_intervals(rows, AS_OF, happened).filter(pl.col("start") <= cut)
        known.append(waits.select("customer", "start", "purchase_number", *covariates_of(waits)))
    assert known[0].height > 200
    assert set(covariates_of(known[0])) == set(COVARIATES)
    assert known[0].equals(known[1])
