"""Needs: what customers buy and how is measured right, and known at the time."""

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from models.needs import needs_features
from tests.models.shop import AS_OF, shop

DAYS = ("2025-01-04", "2025-01-06", "2025-01-10", "2025-01-18")  # a Saturday, a Monday, a Friday, a Saturday


def by_hand():
    """Two customers of four days; one of three, too few; and what is no purchase."""
    rows = []
    for day, hour in zip(DAYS, (9, 13, 18, 19), strict=True):
        rows += [
            ("a", f"{day} {hour:02}:00", f"a{day}", "milk", "p1", 2.0, 6.0, 2.0, 0.0, "Private"),
            ("a", f"{day} {hour:02}:05", f"a{day}", "bread", "p2", 1.0, 2.0, 0.0, 0.0, "Acme"),
            ("b", f"{day} 10:00", f"b{day}", "bread", "p2", 1.0, 10.0, 0.0, 5.0, "Acme"),
        ]
    rows += [("c", f"{day} 10:00", f"c{day}", "milk", "p1", 1.0, 1.0, 0.0, 0.0, "Acme") for day in DAYS[:3]]
    names = ["customer", "date", "order", "category", "product", "quantity", "amount", "discount", "coupon", "brand"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("date").str.to_datetime(), kind=pl.lit("sale"), net_amount=pl.col("amount")
    )
    undone = frame.head(1).with_columns(net_amount=0.0, category=pl.lit("undone"))
    returned = frame.head(1).with_columns(amount=-99.0, net_amount=0.0, kind=pl.lit("return"))
    return pl.concat([frame, undone, returned])


def test_features_by_hand():
    needs = needs_features(by_hand(), AS_OF)
    a, b = (needs.features.T[name] for name in ("a", "b"))
    assert needs.features.index.tolist() == ["a", "b"]
    assert needs.too_few == 1
    assert a[["category: bread", "category: milk"]].tolist() == [0.25, 0.75]
    assert b[["category: bread", "category: milk"]].tolist() == [1.0, 0.0]
    assert a[["basket_amount", "basket_units", "basket_products", "basket_categories"]].tolist() == [8.0, 3.0, 2.0, 2.0]
    assert a[["morning", "daytime", "evening"]].tolist() == [0.25, 0.25, 0.5]
    assert a["weekend"] == b["weekend"] == 0.5
    assert a["discount"] == pytest.approx(2 / 10)
    assert b["discount"] == pytest.approx(5 / 15)
    assert (a["coupons"], b["coupons"]) == (0, 1)
    assert (a["brand: Private"], b["brand: Private"]) == (0.5, 0.0)
    # gaps of 2, 4 and 8 days less half a day: 1.5, 3.5, 7.5
    assert a["rhythm"] == pytest.approx(3 * ((2 / 5) ** 2 + (4 / 11) ** 2) / 2)


def test_nothing_later_is_known():
    lines = shop()
    cut = dt.date(2024, 10, 31)
    later = pl.col("date").dt.date() > cut
    altered = pl.concat(
        [
            lines.with_columns(
                amount=pl.when(later).then(pl.col("amount") * 1000).otherwise("amount"),
                category=pl.when(later).then(pl.lit("category 0")).otherwise("category"),
            ),
            lines.filter(later).with_columns(category=pl.lit("new"), customer=pl.lit("new")),
        ]
    )
    known, otherwise = (needs_features(each, cut) for each in (lines, altered))
    gone = needs_features(lines.filter(~later), cut)
    for other in (otherwise, gone):
        pd.testing.assert_frame_equal(known.features, other.features, check_exact=True)
        pd.testing.assert_frame_equal(known.compared, other.compared, check_exact=True)
        pd.testing.assert_frame_equal(known.scale.columns, other.scale.columns, check_exact=True)


def test_the_order_of_rows_is_immaterial():
    one, other = (needs_features(lines, AS_OF) for lines in (shop(), shop().sample(fraction=1, shuffle=True, seed=3)))
    pd.testing.assert_frame_equal(one.features, other.features)
    pd.testing.assert_frame_equal(one.compared, other.compared, check_exact=True)


def test_value_stays_out():
    lines = by_hand().filter(pl.col("customer") != "c")
    again = lines.with_columns(
        pl.col("date").dt.offset_by("70d"), pl.concat_str(pl.lit("x"), "order").alias("order")
    ).filter(pl.col("customer") == "a")
    once, twice = (needs_features(each, AS_OF).features for each in (lines, pl.concat([lines, again])))
    pd.testing.assert_series_equal(once.T["a"].drop("rhythm"), twice.T["a"].drop("rhythm"))


def test_a_ledger_that_says_little():
    needs = needs_features(shop().select("customer", "date", "amount"), AS_OF)
    assert list(needs.features) == ["basket_amount", "rhythm", "weekend"]
    assert needs.unsaid[0].startswith("Not recorded in the ledger, and so not compared: categories, products")


def test_nobody_bought_often_enough():
    with pytest.raises(ValueError, match="from 4 days with a purchase up; none of 3 customers"):
        needs_features(by_hand(), dt.date(2025, 1, 10))


def test_an_earlier_scale_that_no_longer_fits():
    scale = needs_features(shop(), AS_OF).scale
    with pytest.raises(ValueError, match="no longer tells what customers were compared by: category: category 0, "):
        needs_features(shop().drop("category"), AS_OF, scale=scale)


def test_the_brand_that_leads_is_compared_where_none_is_the_shops_own():
    brand = pl.when(pl.col("category") == "category 5").then(pl.lit("Acme")).otherwise(pl.lit("Bolt"))
    assert "brand: Bolt" in needs_features(shop().with_columns(brand=brand), AS_OF).compared
