"""What customers need, told by what they buy and how: the axis beside value on which customers differ.

Value is how much, how often and how long ago somebody buys; none of it is used here, so that a group found by needs
isn't a value tier under another name. What remains is what purchases are made up of (`models.purchase_composition`),
the typical basket and its breadth, discounts, coupons and a brand (`models.basket_traits`), and the rhythm
(`models.local_variation`). How customers are made comparable by all of these is `models.needs_scale`'s.

References
----------
Peppers, D. & M. Rogers (2017). *Managing Customer Experience and Relationships*, chapter 6 (value and needs).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models.basket_traits import BRAND, MEDIANS, brand_share, discounts, median
from models.exact import exact_sum
from models.local_variation import local_variation
from models.measured_traits import Measured, Trait
from models.needs_scale import Scale, compared_on, fitted_scale
from models.purchase_composition import category_shares, channels, has_hours, known_names, times

FEWEST_PURCHASES = 4  # days with a purchase: three gaps are the fewest that can look regular
#: What to call the parts of the traits in which groups may lie: the categories, and all else.
WHAT_THEY_BUY, HOW_THEY_BUY = "what they buy", "how they buy"
_OWN_BRAND = re.compile(
    r"\b(private|own[ -]?(brand|label)|store brand|house brand|eigenmarke|marque propre|стм|собственн)", re.I
)


@dataclass(frozen=True)
class Needs:
    """What customers buy and how, for people and for comparing.

    Attributes
    ----------
    features : pandas.DataFrame
        Indexed and sorted by `customer`, those with enough purchases: each trait in its own unit. Missing where a
        customer's purchases don't say.
    compared : pandas.DataFrame
        The same customers: traits drawn towards the base as far as chance may have made them, transformed,
        standardised, cut off at three standard deviations and weighted. Traits in which customers differ no more than
        chance would make them are left out, and so are, by a weight of 0, parts of a composition.
        Euclidean distances between rows are how much customers differ.
    about : dict of str to Trait
        What each column of `features` says.
    scale : Scale
        How `compared` was made.
    too_few : int
        Customers left out because they bought on fewer days than needed.
    fewest : int
        How many days with a purchase are needed.
    unsaid : tuple of str
        Sentences on what the ledger can't show, or in what its customers differ by chance only.
    """

    features: pd.DataFrame
    compared: pd.DataFrame
    about: dict[str, Trait]
    scale: Scale
    too_few: int
    fewest: int
    unsaid: tuple[str, ...]

    @property
    def parts(self) -> dict[str, list[str]]:
        """Columns of `compared` that say what customers buy, and how: groups may rest on the one or the other alone."""
        parts: dict[str, list[str]] = {}
        for name in map(str, self.compared):
            of_what = self.about[name].block == "categories"
            parts.setdefault(WHAT_THEY_BUY if of_what else HOW_THEY_BUY, []).append(name)
        return parts


def needs_features(
    lines: pl.DataFrame,
    as_of: dt.date,
    categories: int = 12,
    *,
    fewest_purchases: int = FEWEST_PURCHASES,
    scale: Scale | None = None,
) -> Needs:
    """Describe what each customer buys and how, as known at the end of `as_of`.

    Parameters
    ----------
    lines : polars.DataFrame
        A ledger's rows: customer, date (with or without an hour), amount, and where known kind (only sales count),
        net_amount (a purchase wholly undone by returns doesn't count), order, product, category, quantity, discount,
        coupon, channel, brand. Without an order everything of one day is one basket.
    as_of : datetime.date
        Rows of later days are left out before anything is computed.
    categories : int, default 12
        How many categories are compared by name, those with the largest product of their shares of customers and of
        revenue; all others together are one more.
    fewest_purchases : int, default 4
        Customers who bought on fewer days are left out.
    scale : Scale, optional
        Of an earlier run: customers are then compared on that scale, by its categories, channels and brand.

    Returns
    -------
    Needs

    Raises
    ------
    ValueError
        When nobody bought on enough days, or when the ledger lacks what the earlier scale compares.

    Notes
    -----
    A category's share for people is of the money spent; compared are the baskets in which it was bought, which is what
    a model of chance can speak of. Each customer's value x from n baskets becomes (n x + s base) / (n + s). For
    compositions s is the strength of a Dirichlet prior estimated by moments, at least 1; for the rest it is the
    variance within customers over the variance between them. What is left of the differences after that, the
    reliability n / (n + s) of the average customer, also weighs the column; the columns of a block then share the
    block's weight (`BLOCKS`: 2 for categories, 1 for each other), so that a dozen categories don't outvote the rest.
    Traits share equally, the parts of a composition by their variance beyond chance: standardised one by one,
    categories that tell nobody apart would weigh as much as those that do.
    """
    items = _purchases(lines, as_of)
    everybody = items.select("customer", "day").unique().collect()
    counted = everybody.group_by("customer").len("days")
    enough = counted.filter(pl.col("days") >= fewest_purchases).select("customer").sort("customer")
    if enough.is_empty():
        raise ValueError(
            f"Needs show from {fewest_purchases} days with a purchase up; none of {counted.height:,} customers bought "
            "so often."
        )
    items = items.join(enough.lazy(), on="customer", how="semi")
    days = everybody.join(enough, on="customer", how="semi").sort("customer", "day")
    known = None if scale is None else list(scale.columns.index)
    brand = _brand(items, lines.schema, known)
    baskets = _baskets(items, lines.schema, brand)
    parts = _measured(items, baskets, days, categories, known, brand)
    features = pd.concat([part.shown for part in parts], axis=1)
    about = {name: trait for part in parts for name, trait in part.about.items()}
    unsaid = _unsaid(baskets)
    if scale is None:
        scale = fitted_scale(parts)
        compared_by = set(scale.columns.index)
        alike = [_called(part) for part in parts if compared_by.isdisjoint(part.values)]
        if alike:
            unsaid.append(f"Customers don't differ beyond chance in: {', '.join(alike)}.")
    elif lacking := sorted(set(scale.columns.index) - {name for part in parts for name in part.values}):
        raise ValueError(f"The ledger no longer tells what customers were compared by: {', '.join(lacking)}.")
    compared = compared_on(parts, scale)
    return Needs(features, compared, about, scale, counted.height - enough.height, fewest_purchases, tuple(unsaid))


def _purchases(lines: pl.DataFrame, as_of: dt.date) -> pl.LazyFrame:
    """Return the lines that were bought and kept, with their day and basket."""
    stood = pl.col("date").dt.date() <= as_of
    if "kind" in lines.columns:
        stood = stood & (pl.col("kind") == "sale")
    if "net_amount" in lines.columns:
        stood = stood & ((pl.col("net_amount") > 0) | (pl.col("net_amount") == pl.col("amount")))
    basket = pl.col("order").cast(pl.String).fill_null("") if "order" in lines.columns else pl.lit("")
    return lines.lazy().filter(stood).with_columns(day=pl.col("date").dt.date(), basket=basket)


def _brand(items: pl.LazyFrame, schema: pl.Schema, known: list[str] | None) -> str | None:
    """Return the brand whose share is compared: the shop's own if one is called so, else the commonest."""
    if "brand" not in schema:
        return None
    if known is not None:
        return next(iter(known_names(known, BRAND)), None)
    sizes = items.drop_nulls("brand").group_by(pl.col("brand").cast(pl.String)).len().collect()
    names = sizes.sort(["len", "brand"], descending=[True, False])["brand"].to_list()
    if len(names) < 2:
        return None
    return next((name for name in names if _OWN_BRAND.search(name)), names[0])


def _baskets(items: pl.LazyFrame, schema: pl.Schema, brand: str | None) -> pl.DataFrame:
    """Return one row per basket: customer, day, basket and what the ledger says of it, sorted."""
    facts: dict[str, pl.Expr] = {"amount": exact_sum("amount")}
    if "quantity" in schema:
        facts["units"] = exact_sum("quantity")
    for name in ("product", "category"):
        if name in schema:
            facts[name] = pl.col(name).drop_nulls().n_unique()
    for name in ("discount", "coupon"):
        if name in schema:
            facts[name] = exact_sum(name)
    if isinstance(schema["date"], pl.Datetime):
        facts["hour"] = pl.col("date").min().dt.hour()
    if "channel" in schema:
        facts["channel"] = pl.col("channel").cast(pl.String).drop_nulls().min()
    if brand is not None:
        facts["brand"] = (pl.col("brand").cast(pl.String) == brand).mean()
    return items.group_by("customer", "day", "basket").agg(**facts).sort("customer", "day", "basket").collect()


def _measured(
    items: pl.LazyFrame,
    baskets: pl.DataFrame,
    days: pl.DataFrame,
    categories: int,
    known: list[str] | None,
    brand: str | None,
) -> list[Measured]:
    """Return every part the ledger can show; `known` are the columns of an earlier run."""
    index = pd.Index(days["customer"].unique(maintain_order=True).to_list(), name="customer", dtype="str")
    place = pl.DataFrame({"customer": index.to_list(), "place": np.arange(len(index))})
    baskets = baskets.join(place, on="customer", how="left", maintain_order="left")
    days = days.join(place, on="customer", how="left", maintain_order="left")
    parts: list[Measured | None] = []
    if "category" in baskets.columns:
        parts.append(category_shares(items.join(place.lazy(), on="customer"), index, categories, known))
    parts += [median(baskets, index, *of) for of in MEDIANS if of[0] in baskets.columns]
    parts.append(local_variation(days, index))
    parts += discounts(baskets, index)
    parts += times(baskets, days, index, known)
    if "channel" in baskets.columns:
        parts.append(channels(baskets, index, known))
    if brand is not None:
        parts.append(brand_share(baskets, index, brand))
    return [part for part in parts if part is not None]


def _called(part: Measured) -> str:
    """Return what to call a part in a sentence."""
    if part.kind != "part":
        return part.about[str(part.values.columns[0])].label
    return {"categories": WHAT_THEY_BUY, "hours": "time of day"}.get(next(iter(part.about.values())).block, "channel")


def _unsaid(baskets: pl.DataFrame) -> list[str]:
    """Return what the ledger can't show, in sentences."""
    lacking = [
        word
        for word, there in {
            "categories": "category" in baskets.columns,
            "products": "product" in baskets.columns,
            "units": "units" in baskets.columns,
            "discounts": "discount" in baskets.columns,
            "coupons": "coupon" in baskets.columns,
            "hours": has_hours(baskets),
            "channels": "channel" in baskets.columns,
            "brands": "brand" in baskets.columns,
        }.items()
        if not there
    ]
    return [f"Not recorded in the ledger, and so not compared: {', '.join(lacking)}."] if lacking else []
