"""A ledger that begins in the middle of its customers' lives is noticed, and one that doesn't is left alone."""

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from models.left_truncation import left_truncation
from tests.models.simulated_ledgers import BASES, END, START, recorded_at_cdnow, simulated, together

CUT = dt.date(2020, 1, 1)
FIRST_YEAR_ENDS = dt.date(2018, 12, 31)
SEEDS = range(1, 6)


def evenly_acquired(base, seed):
    return simulated(base, acquisition_days=365, end=FIRST_YEAR_ENDS, seed=seed)


def closed_cohort(base, seed):
    return simulated(base, acquisition_days=84, end=dt.date(2019, 6, 30), seed=seed)


def opening_rush(base, seed):
    rush = simulated(base, 400, acquisition_days=15, end=FIRST_YEAR_ENDS, seed=seed)
    return together(rush, evenly_acquired(base, seed + 100))


def young_and_growing(base, seed):
    starts = [START + dt.timedelta(days=91 * quarter) for quarter in range(4)]
    return together(
        *(
            simulated(base, 150 * 2**quarter, 91, start, FIRST_YEAR_ENDS, seed * 10 + quarter)
            for quarter, start in enumerate(starts)
        )
    )


def cut_after_two_years(base, seed):
    return simulated(base, 4000, seed=seed).filter(pl.col("date") >= CUT)


def cohort_seen_from_its_fourth_month_on(base, seed):
    cohort = simulated(base, 4000, acquisition_days=84, end=dt.date(2019, 6, 30), seed=seed)
    return cohort.filter(pl.col("date") >= dt.date(2018, 4, 1))


WHOLE = (evenly_acquired, closed_cohort, opening_rush, young_and_growing)
BEGUN_LATE = (cut_after_two_years, cohort_seen_from_its_fourth_month_on)


@pytest.fixture(scope="module")
def cdnow():
    return recorded_at_cdnow()


@pytest.fixture(scope="module")
def late():
    """Return a cut ledger, and each of its customers' first day in it and whether they were customers before."""
    whole = simulated("fast", 6000)
    first = pl.col("date").min().alias("ever"), pl.col("date").filter(pl.col("date") >= CUT).min().alias("seen")
    customers = whole.group_by("customer").agg(*first).drop_nulls("seen")
    return whole.filter(pl.col("date") >= CUT), customers.with_columns(old=pl.col("ever") < CUT)


@pytest.mark.parametrize("whole", WHOLE)
def test_of_whole_ledgers_hardly_one_is_called_cut(whole):
    called = [left_truncation(whole(base, seed)).cut for base in BASES for seed in SEEDS]
    assert sum(called) <= 1 and len(called) == 35


@pytest.mark.parametrize("begun_late", BEGUN_LATE)
def test_of_cut_ledgers_hardly_one_is_missed(begun_late):
    called = [left_truncation(begun_late(base, seed)).cut for base in BASES for seed in SEEDS]
    assert sum(called) >= 0.9 * len(called) and len(called) == 35


def test_old_customers_are_counted(late):
    ledger, customers = late
    found = left_truncation(ledger, END)
    opening = customers.filter(pl.col("seen") < CUT + dt.timedelta(days=found.opening_days))
    assert found.cut and found.can_tell and found.reason == ""
    assert found.first_day == CUT and found.opening_customers == opening.height
    assert found.opening_low <= found.opening_already <= found.opening_high
    assert found.opening_already == pytest.approx(opening["old"].mean(), abs=0.05)
    assert found.share_already == pytest.approx(customers["old"].mean(), abs=0.05)


@pytest.mark.parametrize("seen_before", [0.9, 0.95])
def test_old_customers_would_have_been_seen_before_new_ones_count(late, seen_before):
    ledger, customers = late
    found = left_truncation(ledger, END, seen_before)
    old = customers.filter("old")
    assert (old["seen"] < found.new_from).mean() == pytest.approx(seen_before, abs=0.02)
    after = customers.filter(pl.col("seen") >= found.new_from)
    assert found.old_among_new == pytest.approx(after["old"].mean(), abs=0.03)


def test_cdnow_is_a_cohort(cdnow):
    found = left_truncation(cdnow, "1998-06-30")
    assert not found.cut and found.can_tell and found.share_already == 0
    assert found.new_from == found.first_day == dt.date(1997, 1, 1)
    assert found.back_opening == pytest.approx(found.back_later, abs=0.02)
    assert found.back_known > 2 * found.back_later


def test_cdnow_after_its_last_new_customer_is_cut(cdnow):
    found = left_truncation(cdnow[cdnow["date"] >= "1997-04-01"], "1998-06-30")
    assert found.cut and found.share_already > 0.9


def test_too_little_to_tell():
    few = left_truncation(simulated("CDNOW", 40))
    assert not few.cut and not few.can_tell and "40 customers" in few.reason
    one_day = pd.DataFrame({"customer": range(200), "date": pd.Timestamp("2024-01-01")})
    assert not left_truncation(one_day).can_tell
    assert left_truncation(one_day.head(0)).first_day is None


def test_nobody_is_new_where_all_are_old():
    # everybody buys every tenth day, so everybody is seen within the first ten
    bought = [(k, START + dt.timedelta(days=k % 10 + day)) for k in range(300) for day in range(0, 400, 10)]
    found = left_truncation(pl.DataFrame(bought, schema=["customer", "date"], orient="row"))
    assert found.cut and found.new_from is None and found.share_already == 1


def test_order_and_later_purchases_are_immaterial(late):
    ledger, _ = late
    until = dt.date(2021, 6, 30)
    known = left_truncation(ledger.filter(pl.col("date") <= until), until)
    assert left_truncation(ledger.sample(fraction=1, shuffle=True, seed=1), until) == known


@pytest.mark.parametrize("seen_before", [0, 1, -1])
def test_a_probability_that_is_none_is_refused(seen_before):
    with pytest.raises(ValueError, match="between 0 and 1"):
        left_truncation(simulated("CDNOW", 40), seen_before=seen_before)
