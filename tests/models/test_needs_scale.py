"""The scale of needs: compositions compared as log-ratios, no block outvoting the others, the same a year later."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.needs import needs_features
from models.needs_scale import BLOCKS, Scale
from tests.models.shop import AS_OF, shop


def test_compared_shares_are_centred_log_ratios_drawn_towards_the_base():
    needs = needs_features(shop(), AS_OF)
    parts = [name for name, trait in needs.about.items() if trait.block == "categories"]
    scale = needs.scale.columns.loc[parts]
    inside = (needs.compared[parts].abs() / scale["weight"] < 2.99).all(axis=1)
    logs = needs.compared.loc[inside, parts] / scale["weight"] * scale["spread"] + scale["centre"]
    assert inside.sum() > 200
    assert logs.sum(axis=1).abs().max() < 1e-6
    strength = scale["strength"].iloc[0]
    counts = shop().group_by("customer", "category").len().to_pandas().pivot(index="customer", columns="category")
    counts = counts.fillna(0)["len"].add_prefix("category: ").loc[logs.index, parts]
    drawn = np.log(counts + strength * scale["base"])
    np.testing.assert_allclose(logs, drawn.sub(drawn.mean(axis=1), axis=0), atol=1e-6)


def test_categories_that_tell_nobody_apart_hardly_count():
    rng = np.random.default_rng(2)
    own = np.arange(300) % 2
    shares = np.full((300, 6), 0.05)
    shares[np.arange(300), own] = 0.75
    owner = np.repeat(np.arange(300), 15)
    bought = (shares[owner].cumsum(axis=1) < rng.random((len(owner), 1))).sum(axis=1).clip(max=5)
    lines = pl.DataFrame(
        {
            "customer": np.char.mod("%04d", owner),
            "date": np.datetime64("2024-01-01") + np.tile(np.arange(15) * 7, 300).astype("timedelta64[D]"),
            "category": np.char.mod("category %d", bought),
            "amount": 1.0,
        }
    )
    spread = needs_features(lines, AS_OF).compared.filter(like="category: ").var()
    telling = spread[["category: category 0", "category: category 1"]]
    assert spread.drop(telling.index).sum() < 0.1 * telling.sum()


def test_no_block_outvotes_the_others():
    needs = needs_features(shop(categories=12), AS_OF, 12)
    blocks = needs.compared.var().groupby({name: trait.block for name, trait in needs.about.items()}).sum()
    assert (blocks <= pd.Series(BLOCKS).reindex(blocks.index) * 1.01).all()
    assert blocks["categories"] < 2.5 * blocks["basket"]


def test_later_customers_are_put_on_an_earlier_scale():
    lines = shop()
    needs = needs_features(lines, AS_OF)
    scale = Scale.from_frame(needs.scale.to_frame())
    some = needs_features(lines.filter(pl.col("customer") < "0050"), AS_OF, scale=scale)
    pd.testing.assert_frame_equal(some.compared, needs.compared.head(50), check_exact=True)


def test_a_table_without_a_scale_is_refused():
    table = needs_features(shop(customers=60), AS_OF).scale.to_frame()
    with pytest.raises(ValueError, match="doesn't say how its customers were compared"):
        Scale.from_frame(table.clear())
