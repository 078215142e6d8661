"""What first purchases have in common, in words, and which of it describes the same customers."""

from __future__ import annotations

import pandas as pd

from models.first_purchase import (
    BASKET,
    BOUGHT,
    BREADTH,
    COUPON,
    DISCOUNT,
    HOUR,
    MONTH,
    PRODUCTS,
    UNITS,
    WEEKDAY,
    FirstPurchases,
)

from ...wording import key, money, percent

SAME_PEOPLE = 0.9  # of the customers of either side those of both, from which the two describe the same people


def side_in_words(side: pd.Series, kind: str, currency: str) -> str:
    """Say what customers of one side of a contrast have in common; see `models.ideal_customer.IdealCustomer`."""
    trait, above = str(side["trait"]), float(side["above"])
    if kind == "text":
        level = key(side["level"], 32)
        return {
            WEEKDAY: f"on a {level}",
            MONTH: f"in {level}",
            HOUR: f"{'at' if level == 'night' else 'in the'} {level}",
        }.get(trait, f"{key(trait)}: {level}")
    if kind == "flags":
        return f"bought {key(side['level'], 32)}"
    if kind == "money":
        return f"{trait} above {money(above, currency)}"
    if kind == "share":
        what = {DISCOUNT: "discount", COUPON: "coupon"}.get(trait, key(trait))
        return f"with a {what}" if above == 0 else f"{what} above {percent(above)} of the price"
    if kind == "count":
        nouns = {UNITS: ("unit", "units"), PRODUCTS: ("product", "products"), BREADTH: ("category", "categories")}
        one, many = nouns[trait]
        return f"more than {above:,.10g} {one if above == 1 else many}"
    return f"{key(trait)} above {above:,.10g}"


def trait_in_words(trait: str) -> str:
    """Return a trait as a figure's label."""
    return {
        BASKET: "size of the first basket",
        UNITS: "units bought",
        PRODUCTS: "number of products",
        BREADTH: "number of categories",
        DISCOUNT: "share of discount",
        COUPON: "share of coupons",
        BOUGHT: "categories bought",
    }.get(trait, key(trait, 24))


def who_has(first: FirstPurchases, side: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return which customers are on one side of a contrast, and which are known to be on the other.

    Parameters
    ----------
    first : FirstPurchases
    side : pandas.Series
        A row of `models.ideal_customer.IdealCustomer.contrasts`.
    """
    trait = next(trait for trait in first.traits if trait.name == side["trait"])
    if trait.kind == "flags":
        bought = first.customers[trait.columns[trait.levels.index(side["level"])]] == 1
        return bought, ~bought
    values = first.customers[trait.columns[0]]
    has = values == side["level"] if trait.kind == "text" else values.astype(float) > float(side["above"])
    return has, values.notna() & ~has


def same_people(one: pd.Series, other: pd.Series) -> bool:
    """Return whether two groups of customers are nearly the same ones."""
    together = int((one | other).sum())
    return together > 0 and int((one & other).sum()) >= SAME_PEOPLE * together
