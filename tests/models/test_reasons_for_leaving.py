"""Reasons weighed by the value lost: planted ones come first, chance is not called a reason."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.matched_risk_set import in_bands
from models.reasons_for_leaving import ANY, by_reason, expected_before

DAY = dt.date(2024, 6, 15)


@pytest.mark.parametrize(
    ("spent", "age", "expected"), [(365.0, 800, 730.0), (90.0, 3, 730.0), (100.0, 200, 365.0), (-5.0, 400, 0.0)]
)
def test_what_was_to_be_expected_is_the_pace_of_the_year_before(spent: float, age: int, expected: float) -> None:
    history = pl.DataFrame({"spent": [spent], "age": [age]})
    assert expected_before(history, 730)[0] == pytest.approx(expected)


def base(seed: int, shares: dict[str, float], cases: int = 60) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers to whom something happened, of whom so many fall silent, and others of whom a fifth do."""
    random = np.random.default_rng(seed)

    def some(number: int, name: str) -> pl.DataFrame:
        drawn = {"frequency": random.integers(1, 5, number), "recency": random.integers(0, 90, number)}
        return pl.DataFrame({"customer": [f"{name}{n}" for n in range(number)], "date": [DAY] * number} | drawn)

    parts = []
    for value, (reason, share) in enumerate(shares.items(), start=1):
        rows = some(cases, reason).with_columns(
            kind=pl.lit("complaint"), reason=pl.lit(reason), silent=pl.Series(random.random(cases) < share)
        )
        parts.append(rows.with_columns(spent=pl.lit(10.0 * value), expected=pl.lit(100.0 * value)))
    others = some(2000, "other").with_columns(silent=pl.Series(random.random(2000) < 0.2))
    return in_bands(pl.concat(parts), others)


def test_a_reason_is_weighed_by_its_customers_value_and_by_the_drop_in_staying() -> None:
    cases, others = base(1, {"late": 0.7, "broken": 0.2})
    late, broken, every = sorted(by_reason(cases, others, DAY).rows(named=True), key=lambda row: row["reason"] or "")[
        ::-1
    ]
    assert (late["reason"], broken["reason"], every["kind"]) == ("late", "broken", ANY)
    assert (late["events"], late["customers"], late["compared"]) == (60, 60, 60)
    assert late["difference"] == pytest.approx(0.5, abs=0.15)
    assert late["at_stake"] == 6000
    assert late["lost"] == pytest.approx(6000 * late["difference"])  # all of one worth
    assert late["lost_low"] == pytest.approx(6000 * late["low"])
    assert late["worth"] == pytest.approx(60)
    assert late["clear"]
    assert late["lost_clear"]
    assert broken["low"] < 0.0 < broken["high"]
    assert not broken["clear"]
    assert every["customers"] == 120


def test_reasons_that_mean_nothing_are_seldom_called_clear() -> None:
    nothing = {f"reason {n}": 0.2 for n in range(6)}
    tables = [by_reason(*base(seed, nothing, 30), DAY).head(6) for seed in range(8)]
    # chance makes one of several clear in at most 2.5% of all bases: two or more of 8 in 2% of all studies
    assert sum(table["clear"].any() for table in tables) <= 1
    assert sum(table["lost_clear"].any() for table in tables) <= 1


@pytest.mark.parametrize(("large_leave", "lost"), [(True, 34_950), (False, -14_550)])
def test_value_lost_is_lost_with_those_who_left(large_leave: bool, lost: float) -> None:
    """Of 50 customers, of whom five hold nearly all value, 18 leave: the large ones with 13 others, or 18 others."""
    expected = [10_000.0] * 5 + [100.0] * 45
    silent = [large_leave] * 5 + [number < (13 if large_leave else 18) for number in range(45)]
    some = {"frequency": 1, "recency": 5, "date": DAY, "kind": "complaint", "reason": "late", "spent": 1.0}
    cases = pl.DataFrame({"customer": [f"c{n}" for n in range(50)], "expected": expected, "silent": silent})
    others = pl.DataFrame({"customer": [f"o{n}" for n in range(1000)], "silent": [n < 300 for n in range(1000)]})
    rows = (frame.with_columns(pl.lit(value).alias(name) for name, value in some.items()) for frame in (cases, others))
    found = by_reason(*in_bands(*rows), DAY).row(0, named=True)
    assert found["difference"] == pytest.approx(0.06)
    assert found["lost"] == pytest.approx(lost)
    assert found["worth"] == pytest.approx(54_500**2 / (5 * 1e8 + 45 * 1e4))
    # six customers are less sure than fifty
    assert found["lost_high"] - found["lost_low"] > 1.5 * found["at_stake"] * (found["high"] - found["low"])


def test_value_that_hangs_on_a_few_customers_is_not_told() -> None:
    cases, others = base(1, {"late": 0.9}, 20)
    one_large = cases.with_columns(expected=pl.when(pl.col("customer") == "late0").then(1e6).otherwise(1.0))
    found = by_reason(one_large, others, DAY).row(0, named=True)
    assert (found["clear"], found["lost_clear"], found["worth"]) == (True, False, pytest.approx(1, rel=0.01))
    assert np.isnan(found["lost"])


def test_a_customer_counts_once_and_by_the_first_time() -> None:
    cases, others = base(1, {"late": 0.7}, 20)
    again = cases.with_columns(date=pl.lit(DAY + dt.timedelta(days=9)), expected=pl.lit(9e9))
    found = by_reason(pl.concat([again, cases]), others, DAY + dt.timedelta(days=30)).row(0, named=True)
    assert (found["events"], found["customers"], found["at_stake"]) == (40, 20, 20 * 100)


def test_what_happened_too_lately_is_counted_but_not_compared() -> None:
    cases, others = base(1, {"late": 0.7}, 20)
    found = by_reason(cases, others, DAY - dt.timedelta(days=1)).row(0, named=True)
    assert (found["events"], found["compared"], found["at_stake"]) == (20, 0, 0)
    assert np.isnan(found["lost"])


def test_of_a_few_customers_no_loss_is_told() -> None:
    cases, others = base(1, {"late": 1.0}, 4)
    found = by_reason(cases, others, DAY).row(0, named=True)
    assert (found["compared"], found["silent"], found["clear"]) == (4, 1.0, False)
    assert np.isnan(found["lost"])
