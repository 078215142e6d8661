"""Needs: what customers buy and how is measured right, compared fairly, and known at the time."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.needs import BLOCKS, LONGEST_LABEL, Scale, needs_features

AS_OF = dt.date(2025, 6, 30)
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


def shop(seed=0, customers=300, *, strength=15.0, purchases=20, categories=6):
    """A shop whose customers' compositions are drawn from a Dirichlet distribution of known strength."""
    rng = np.random.default_rng(seed)
    base = np.arange(1, categories + 1) / np.arange(1, categories + 1).sum()
    shares = rng.dirichlet(base * strength, customers) if np.isfinite(strength) else np.tile(base, (customers, 1))
    number = 4 + rng.poisson(purchases, customers)
    owner = np.repeat(np.arange(customers), number)
    bought = (shares[owner].cumsum(axis=1) < rng.random((len(owner), 1))).sum(axis=1).clip(max=categories - 1)
    day = np.concatenate([rng.choice(500, size, replace=False) for size in number])
    return pl.DataFrame(
        {
            "customer": np.char.mod("%04d", owner),
            "date": np.datetime64("2024-01-01") + day.astype("timedelta64[D]"),
            "category": np.char.mod("category %d", bought),
            "amount": np.exp(rng.normal(3, 0.5, customers)[owner] + rng.normal(0, 0.5, len(owner))),
        }
    )


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


def test_a_ledger_that_says_little():
    needs = needs_features(shop().select("customer", "date", "amount"), AS_OF)
    assert list(needs.features) == ["basket_amount", "rhythm", "weekend"]
    assert needs.unsaid[0].startswith("Not recorded in the ledger, and so not compared: categories, products")


def test_midnight_is_no_hour():
    midnight = by_hand().with_columns(pl.col("date").dt.truncate("1d"))
    assert "morning" not in needs_features(midnight, AS_OF).features


def test_nobody_bought_often_enough():
    with pytest.raises(ValueError, match="from 4 days with a purchase up; none of 3 customers"):
        needs_features(by_hand(), dt.date(2025, 1, 10))


def test_later_customers_are_put_on_an_earlier_scale():
    lines = shop()
    needs = needs_features(lines, AS_OF)
    scale = Scale.from_frame(needs.scale.to_frame())
    some = needs_features(lines.filter(pl.col("customer") < "0050"), AS_OF, scale=scale)
    pd.testing.assert_frame_equal(some.compared, needs.compared.head(50), check_exact=True)


def test_an_earlier_scale_that_no_longer_fits():
    scale = needs_features(shop(), AS_OF).scale
    with pytest.raises(ValueError, match="no longer tells what customers were compared by: category: category 0, "):
        needs_features(shop().drop("category"), AS_OF, scale=scale)
    with pytest.raises(ValueError, match="doesn't say how its customers were compared"):
        Scale.from_frame(scale.to_frame().clear())


def test_category_names_are_hostile():
    names = ["<script>alert(1)</script>", "x" * 300 + "1", "x" * 300 + "2", "a\n\tb\u202e", "", "other categories"]
    lines = shop().with_columns(
        pl.col("category").replace_strict({f"category {place}": name for place, name in enumerate(names)})
    )
    needs = needs_features(lines, AS_OF)
    labels = [trait.label for name, trait in needs.about.items() if name.startswith("category: ")]
    assert len(set(labels)) == len(labels) == 6
    assert all(len(label) <= LONGEST_LABEL + 4 and label.isprintable() and label for label in labels)
    assert Scale.from_frame(needs.scale.to_frame()).columns.index.tolist() == list(needs.compared)


def test_channels_and_a_brand_that_leads():
    channel = pl.when(pl.col("customer") < "0100").then(pl.lit("shop")).otherwise(pl.lit("web"))
    brand = pl.when(pl.col("category") == "category 5").then(pl.lit("Acme")).otherwise(pl.lit("Bolt"))
    needs = needs_features(shop().with_columns(channel=channel, brand=brand), AS_OF)
    assert needs.features["channel: shop"].to_numpy().tolist() == [1.0] * 100 + [0.0] * 200
    assert "brand: Bolt" in needs.compared
    assert [name for name in needs.compared if str(name).startswith("channel")] == ["channel: shop"]
