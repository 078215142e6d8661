"""Shrinkage: as strong as the base's customers are alike, so that chance makes nobody extreme."""

import numpy as np
import polars as pl
import pytest

from models.needs import needs_features
from tests.models.shop import AS_OF, shop


def test_few_purchases_make_no_extreme_composition():
    lines = shop()
    few, many = (
        pl.DataFrame(
            {
                "customer": name,
                "date": np.datetime64("2024-01-01") + np.arange(number).astype("timedelta64[D]"),
                "category": "category 5",
                "amount": 20.0,
            }
        )
        for name, number in (("few", 4), ("many", 100))
    )
    schema = lines.schema
    lines = pl.concat([lines, few.cast(schema), many.cast(schema)])
    share = needs_features(lines, AS_OF).compared["category: category 5"]
    assert 0 < share["few"] < 0.8 * share["many"]


@pytest.mark.parametrize("strength", [5.0, 40.0])
def test_the_strength_of_the_prior_is_that_of_the_base(strength):
    scale = needs_features(shop(customers=800, strength=strength), AS_OF).scale.columns
    assert scale.loc["category: category 0", "strength"] == pytest.approx(strength, rel=0.15)


def test_what_differs_by_chance_only_hardly_counts():
    needs = needs_features(shop(strength=np.inf), AS_OF)
    categories = [name for name, trait in needs.about.items() if trait.block == "categories"]
    total = needs.compared.reindex(columns=categories, fill_value=0.0).var().sum()
    assert total < 0.1 * needs.compared["basket_amount"].var()
