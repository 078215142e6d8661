"""What is known on the day of the first purchase, and that nothing known later gets into it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from benchmarks.ideal_customer import AS_OF, simulated_base
from models.association import filled_in_with_success
from models.first_purchase import first_days, first_purchases

DAY = dt.date(2025, 1, 6)  # a Monday
END = dt.date(2025, 12, 31)


def ledger(rows: list[tuple], *names: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["customer", "date", "amount", *names], orient="row")


def described(lines: pl.DataFrame, particulars: pl.DataFrame | None = None) -> pd.DataFrame:
    return first_purchases(lines, first_days(lines, END), learned_to=END, particulars=particulars).customers


def test_a_first_day_is_counted_by_hand() -> None:
    at = dt.datetime(2025, 1, 6, 9, 30)
    rows = [
        ("a", at, 30.0, "sale", 2.0, "x", "tea", 10.0, "web"),
        ("a", at.replace(hour=18), 50.0, "sale", 1.0, "y", "tea", 0.0, "shop"),
        ("a", at.replace(hour=20), 10.0, "sale", None, "x", "milk", None, "web"),
        ("a", at.replace(hour=21), -50.0, "return", -1.0, "y", "tea", 0.0, "shop"),
        ("a", at.replace(day=7), 999.0, "sale", 9.0, "z", "jam", 9.0, "fax"),
        ("b", at.replace(hour=23), 5.0, "sale", 1.0, "x", None, None, None),
    ]
    found = described(ledger(rows, "kind", "quantity", "product", "category", "discount", "channel"))
    a, b = found.to_dict("records")
    assert [a[name] for name in ("first basket", "units", "products", "number of categories")] == [90, 3, 2, 2]
    assert a["discount"] == pytest.approx(10 / 100)
    # the shop took 50, the web 40
    assert [a[name] for name in ("channel", "main category", "weekday", "time of day")] == [
        *("shop", "tea", "Monday", "morning")
    ]
    assert (b["time of day"], pd.isna(b["channel"])) == ("night", True)
    assert [b[name] for name in ("first basket", "discount", "number of categories")] == [5, 0, 0]


def test_a_first_purchase_that_was_returned_later_was_one_all_the_same() -> None:
    rows = [("a", DAY, 20.0, "sale"), ("a", DAY + dt.timedelta(9), -20.0, "return"), ("b", DAY, -5.0, "return")]
    assert first_days(ledger(rows, "kind"), END).rows() == [("a", DAY)]
    assert first_days(ledger(rows, "kind"), DAY - dt.timedelta(1)).is_empty()


def test_nothing_after_the_first_day_moves_a_trait() -> None:
    lines = simulated_base("channel", 300, np.random.default_rng(3))
    days = first_days(lines, AS_OF)
    learned_to = dt.date(2025, 6, 30)
    before = first_purchases(lines, days, learned_to=learned_to)
    first = lines.join(days, on="customer").with_columns(later=pl.col("date") > pl.col("first_day"))
    later = pl.col("later")
    altered = first.with_columns(
        amount=pl.when(later).then(pl.col("amount") * 1000).otherwise("amount"),
        category=pl.when(later).then(pl.lit("new")).otherwise("category"),
        channel=pl.when(later).then(pl.lit("other")).otherwise("channel"),
        quantity=pl.when(later).then(99.0).otherwise("quantity"),
        date=pl.when(later).then(pl.col("date").dt.offset_by("37d")).otherwise("date"),
    ).select(lines.columns)
    for changed in (altered, first.filter(~later).select(lines.columns)):
        again = first_purchases(changed, first_days(changed, AS_OF), learned_to=learned_to)
        pd.testing.assert_frame_equal(again.customers, before.customers)
        assert again.traits == before.traits


def test_who_came_after_the_cut_moves_no_trait_of_those_before() -> None:
    lines = simulated_base("category", 300, np.random.default_rng(4))
    cut = dt.date(2025, 3, 31)
    whole = first_purchases(lines, first_days(lines, AS_OF), learned_to=cut)
    known = lines.filter(pl.col("date") <= cut)
    then = first_purchases(known, first_days(known, cut), learned_to=cut)
    assert then.traits == whole.traits
    assert len(then.customers) < len(whole.customers)
    pd.testing.assert_frame_equal(whole.customers.loc[then.customers.index], then.customers)


def test_particulars_become_traits_by_what_they_hold() -> None:
    lines = ledger([(f"c{n:03d}", DAY + dt.timedelta(n), 10.0 + n) for n in range(200)])
    rows = [
        (f"c{n:03d}", str(20 + n % 50), "ab"[n % 2], f"id {n}", "x" if n < 40 else None, n % 3 == 0) for n in range(200)
    ]
    told = pl.DataFrame(rows, schema=["customer", "age", "kind", "note", "club", "firm"], orient="row")
    found = first_purchases(lines, first_days(lines, END), learned_to=END, particulars=told)
    recorded = {trait.name: trait.kind for trait in found.traits if trait.recorded}
    assert recorded == {"age": "number", "kind": "text", "firm": "text"}
    assert dict(found.left_out) == {
        "note": "too many different values",
        "club": "recorded of fewer than 25% of the customers",
    }
    assert found.without(["age"], "for a test").left_out[-1] == ("age", "for a test")


def test_a_particular_filled_in_for_good_customers_is_found() -> None:
    lines = ledger([(f"c{n:03d}", DAY + dt.timedelta(n), 10.0 + n) for n in range(200)])
    good = pd.Series([n % 4 == 0 for n in range(200)], index=[f"c{n:03d}" for n in range(200)])
    told = pl.DataFrame(
        {
            "customer": good.index.to_list(),
            "late": ["ab"[n % 2] if ok or n % 3 == 0 else None for n, ok in enumerate(good)],
            "fair": ["ab"[n % 2] if n % 5 else None for n in range(200)],
        }
    )
    found = first_purchases(lines, first_days(lines, END), learned_to=END, particulars=told)
    assert filled_in_with_success(found, good) == ["late"]
