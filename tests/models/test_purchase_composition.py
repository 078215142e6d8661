"""Compositions: the largest parts are named, and what isn't recorded is no part."""

import polars as pl
import pytest

from models.needs import needs_features
from tests.models.shop import AS_OF, shop


def test_only_the_largest_categories_are_named():
    needs = needs_features(shop(), AS_OF, 3)
    assert [name for name in needs.features if "categor" in str(name) and "basket" not in str(name)] == [
        "category: category 5",
        "category: category 4",
        "category: category 3",
        "other categories",
    ]
    assert needs.features.filter(like="categor").drop(columns="basket_categories").sum(
        axis=1
    ).to_numpy() == pytest.approx(1)


def test_midnight_is_no_hour():
    assert "morning" not in needs_features(shop(), AS_OF).features
    hour = pl.when(pl.col("customer") < "0100").then(pl.lit("9h")).otherwise(pl.lit("15h"))
    at_hours = shop().with_columns(pl.col("date").cast(pl.Datetime).dt.offset_by(hour))
    assert needs_features(at_hours, AS_OF).features["morning"].tolist() == [1.0] * 100 + [0.0] * 200


def test_of_two_channels_one_says_it_all():
    channel = pl.when(pl.col("customer") < "0100").then(pl.lit("shop")).otherwise(pl.lit("web"))
    needs = needs_features(shop().with_columns(channel=channel), AS_OF)
    assert needs.features["channel: shop"].to_numpy().tolist() == [1.0] * 100 + [0.0] * 200
    assert [name for name in needs.compared if str(name).startswith("channel")] == ["channel: shop"]
