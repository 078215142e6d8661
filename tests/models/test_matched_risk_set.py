"""Customers set against those who were like them on the same day: histories, strata, shares, intervals."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from models.matched_risk_set import at_risk, compare, histories, in_bands, newcombe, p_value, regular_moments, weights

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


def test_everybody_is_looked_at_on_every_sixth_day() -> None:
    found = regular_moments(pl.Series(["a", "b"]), on(0), on(17))
    assert found.rows() == moments(("a", 0), ("b", 0), ("a", 6), ("b", 6), ("a", 12), ("b", 12)).rows()


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


def test_nobody_is_comparable_with_themselves() -> None:
    own = pl.concat([OTHERS, banded(("a", 1, 0, True), ("c", 1, 1, True), ("lonely", 9, 9, True))])
    matched, others = weights(CASES, own)
    assert matched["customer"].to_list() == ["a", "b", "c"]
    # a is set against d, e, f and b against those and a
    assert dict(others.select("customer", "weight").iter_rows()) == pytest.approx(
        {"d": 1 / 3 + 1 / 4, "e": 1 / 3 + 1 / 4, "f": 1 / 3 + 1 / 4, "a": 1 / 4, "g": 1.0}
    )


def test_a_share_is_set_against_that_of_the_comparable() -> None:
    found = compare(CASES, OTHERS, "silent", coverage=0.8)
    low, high = newcombe(2 / 3, 3, 2 / 9, found.comparable, 0.8)
    assert (found.cases, found.effective_cases, found.unmatched) == (3, pytest.approx(3), 1)
    assert (found.share, found.expected, found.difference) == pytest.approx((2 / 3, 2 / 9, 4 / 9))
    assert low <= found.low < found.difference < found.high <= high


def test_cases_may_count_by_their_worth() -> None:
    worth = CASES.with_columns(worth=pl.Series([8.0, 1.0, 3.0, 5.0]))
    found = compare(worth, OTHERS, "silent", worth="worth")
    assert (found.weight, found.effective_cases) == pytest.approx((12, 12**2 / (64 + 1 + 9)))
    assert (found.share, found.expected) == pytest.approx((11 / 12, (9 / 3 + 3 * 0) / 12))
    assert np.isnan(compare(worth.with_columns(worth=pl.lit(0.0)), OTHERS, "silent", worth="worth").difference)


def test_the_interval_is_newcombes_and_ends_at_0_where_the_p_value_says() -> None:
    told = confint_proportions_2indep(40, 60, 30, 70, method="newcomb", compare="diff", alpha=0.2)
    assert newcombe(40 / 60, 60, 30 / 70, 70, 0.8) == pytest.approx(told)
    chance = p_value(40 / 60, 60, 30 / 70, 70)
    assert chance == pytest.approx(0.007, abs=0.002)  # Fisher's exact test: 0.0080
    assert newcombe(40 / 60, 60, 30 / 70, 70, 1 - chance)[0] == pytest.approx(0, abs=1e-9)
    assert p_value(30 / 70, 70, 40 / 60, 60) == pytest.approx(chance)
    assert p_value(0.5, 10, 0.5, 20) == 1
    assert p_value(1.0, 9_000, 0.0, 9_000) <= 1e-12


def test_rows_of_one_customer_are_one_independent_customer() -> None:
    silent = [number % 2 == 0 for number in range(40)]
    rows = [(f"o{number}", 1, 0, each) for number, each in enumerate(silent)]
    once, often = banded(*rows), banded(*rows * 6)
    cases = banded(*((f"c{number}", 1, 0, True) for number in range(20)))
    told = compare(cases, once, "silent")
    assert told.comparable == pytest.approx(40, rel=0.05)
    assert compare(cases, often, "silent").comparable == pytest.approx(told.comparable)


def test_with_nobody_like_them_nothing_is_told() -> None:
    found = compare(CASES.filter(pl.col("customer") == "lonely"), OTHERS, "silent")
    assert (found.cases, found.unmatched) == (0, 1)
    assert np.isnan(found.difference)


def test_bands_are_narrow_soon_after_a_purchase_and_for_few_purchases() -> None:
    recency = [0, 3, 4, 7, 8, 14, 900]
    frame = pl.DataFrame({"date": [START] * 7, "frequency": [1, 2, 3, 4, 7, 8, 400], "recency": recency})
    found, _ = in_bands(frame, frame.head(0))
    assert found["frequency_band"].to_list() == [0, 1, 2, 3, 4, 5, 8]
    assert found["recency_band"].to_list() == [0, 0, 1, 1, 2, 2, 14]


def leaving_shoppers(random: np.random.Generator, customers: int, days: int) -> pl.DataFrame:
    """Customers who buy at their own rates and leave by chance after a purchase, as BG/NBD has it."""
    rates, leave = random.gamma(0.6, 1 / 40, customers), random.beta(0.8, 3, customers)
    rows = []
    for customer in range(customers):
        when = float(random.integers(days - 60))
        while when <= days:
            rows.append((f"{customer:04d}", int(when), 1.0))
            when = np.inf if random.random() < leave[customer] else when + random.exponential(1 / rates[customer])
    return bought(*rows).unique(["customer", "date"], maintain_order=True)


def test_what_does_nothing_is_seen_to_do_nothing() -> None:
    """After 5% of purchases something happens two days later that does nothing to the customer."""
    last, follow, found = 1_000, 180, []
    for seed in range(50):
        random = np.random.default_rng(seed)
        days = leaving_shoppers(random, 400, last)
        happened = days.filter(pl.Series(random.random(days.height) < 0.05))
        happened = happened.select("customer", pl.col("date").dt.offset_by("2d"))
        first = happened.sort("date").unique("customer", keep="first", maintain_order=True)
        looked_at = regular_moments(days["customer"].unique(maintain_order=True), on(0), on(last - follow))
        again = (pl.col("next_in") <= follow).fill_null(value=False).alias("again")
        known = [
            histories(days, rows).filter(pl.col("date") <= on(last - follow)).with_columns(again)
            for rows in (first, at_risk(looked_at, happened))
        ]
        found.append(compare(*in_bands(*known), "again", coverage=0.8))
    assert abs(np.mean([each.difference for each in found])) < 0.025
    # 80% of intervals hold 0; of 50, from 34 to 46 do in 97% of studies
    assert 34 <= sum(each.low <= 0 <= each.high for each in found) <= 46
    assert sum(each.p_value < 0.05 for each in found) <= 6
