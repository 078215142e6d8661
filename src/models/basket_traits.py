"""What customers' baskets are typically like: their size and breadth, what was taken off the price, and a brand."""

from __future__ import annotations

import pandas as pd
import polars as pl

from models.measured_traits import Measured, Trait, by_place, single
from models.plain_names import plain
from models.purchase_composition import yes_or_no

BRAND = "brand: "
MEDIANS: tuple[tuple[str, str, Trait], ...] = (
    (
        "amount",
        "basket_amount",
        Trait("typical basket", "money", "basket", "large baskets", "small baskets", "Median amount of a basket."),
    ),
    (
        "units",
        "basket_units",
        Trait("units in a basket", "units", "basket", "many units", "few units", "Median number of units in a basket."),
    ),
    (
        "product",
        "basket_products",
        Trait(
            "products in a basket",
            "products",
            "breadth",
            "many products",
            "few products",
            "Median number of different products in a basket.",
        ),
    ),
    (
        "category",
        "basket_categories",
        Trait(
            "categories in a basket",
            "categories",
            "breadth",
            "broad baskets",
            "narrow baskets",
            "Median number of different categories in a basket.",
        ),
    ),
)


def median(baskets: pl.DataFrame, index: pd.Index, fact: str, name: str, trait: Trait) -> Measured | None:
    """Return the median of the baskets in which a fact is above zero, compared by the mean of its logarithms.

    Medians of small counts would be compared badly: they take a few values only, and so look like groups.

    Parameters
    ----------
    baskets : polars.DataFrame
        One row a basket: place (of the customer in `index`, from 0) and the fact.
    index : pandas.Index
        The customers.
    fact : str
        A column of `baskets`.
    name : str
        Of the column made.
    trait : Trait

    Returns
    -------
    Measured or None
        None where no basket has any.
    """
    told = baskets.filter(pl.col(fact) > 0)
    if told.is_empty():
        return None
    by_customer = (
        told.with_columns(log=pl.col(fact).log())
        .group_by("place")
        .agg(pl.col(fact).median(), mean=pl.col("log").mean(), spread=pl.col("log").var(), number=pl.len())
        .sort("place")
    )
    value, number = by_place(by_customer, index, fact), by_place(by_customer, index, "number", 0.0)
    # the middle of the customers' variances, which a few odd baskets don't move
    chance = float(by_customer["spread"].drop_nulls().median() or 0.0)  # type: ignore[arg-type]
    return single("median", name, trait, index, value, number, chance, compared=by_place(by_customer, index, "mean"))


def discounts(baskets: pl.DataFrame, index: pd.Index) -> list[Measured | None]:
    """Return the share of the price that discounts and coupons took off, and how often a coupon was used.

    Parameters
    ----------
    baskets : polars.DataFrame
        One row a basket: place (of the customer in `index`, from 0), amount (paid) and, where recorded, discount and
        coupon (money taken off).
    index : pandas.Index
        The customers.
    """
    off = [name for name in ("discount", "coupon") if name in baskets.columns]
    if not off:
        return []
    taken = pl.sum_horizontal(pl.col(name).clip(lower_bound=0) for name in off)
    trait = Trait(
        "discount",
        "share",
        "discount",
        "much at a discount",
        "little at a discount",
        f"Share of the full price taken off by {' and '.join(f'{name}s' for name in off)}, mean over baskets.",
    )
    parts = [_rate(baskets.with_columns(rate=taken / (taken + pl.col("amount"))), index, "discount", trait)]
    if "coupon" in baskets.columns:
        used = Trait(
            "baskets with a coupon", "share", "discount", "use coupons", "no coupons", "Share of baskets with a coupon."
        )
        parts.append(yes_or_no(baskets.with_columns(yes=pl.col("coupon") > 0), index, "coupons", used))
    return parts


def brand_share(baskets: pl.DataFrame, index: pd.Index, brand: str) -> Measured | None:
    """Return the share of a basket's lines that are of one brand; None where no basket tells.

    Parameters
    ----------
    baskets : polars.DataFrame
        One row a basket: place (of the customer in `index`, from 0) and brand (the share, 0 to 1).
    index : pandas.Index
        The customers.
    brand : str
        Its name, as in the ledger.
    """
    label = plain(brand)
    trait = Trait(
        f"brand {label}",
        "share",
        "brand",
        f"brand {label}",
        f"brands other than {label}",
        f"Share of the lines of a basket that are of the brand {label}, mean over baskets.",
    )
    return _rate(baskets.with_columns(rate=pl.col("brand")), index, f"{BRAND}{brand}", trait)


def _rate(baskets: pl.DataFrame, index: pd.Index, name: str, trait: Trait) -> Measured | None:
    """Return the mean of a rate between 0 and 1 over baskets, compared by its arcsine root."""
    told = baskets.filter(pl.col("rate").is_finite())
    if told.is_empty():
        return None
    by_customer = (
        told.group_by("place").agg(pl.col("rate").mean(), spread=pl.col("rate").var(), number=pl.len()).sort("place")
    )
    value, number = by_place(by_customer, index, "rate"), by_place(by_customer, index, "number", 0.0)
    known = by_customer.filter(pl.col("number") > 1)
    degrees = known["number"].to_numpy() - 1.0
    chance = float((known["spread"].to_numpy() * degrees).sum() / max(1.0, degrees.sum()))
    return single("rate", name, trait, index, value, number, chance)
