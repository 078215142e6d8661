"""What customers need, told by what they buy and how: the axis beside value on which customers differ.

Value is how much, how often and how long ago somebody buys; none of it is used here, so that a group found by needs
isn't a value tier under another name. What remains is the composition of what is bought, the typical basket, its
breadth, the rhythm, discounts and coupons, hours and weekends, channels and brands.

Shares are compositions: they add up to one, so that raw percentages can't vary freely and their correlations mislead.
They are compared as centred log-ratios (Aitchison 1986), which no zero survives. A zero is replaced as in the
Bayesian-multiplicative methods, by the mean of a Dirichlet posterior whose prior is the base's own composition; unlike
there, the other parts are taken from the same posterior, so that three purchases make no extreme composition. How
strong the prior is, the base tells: the less its customers differ beyond chance, the stronger. The other traits are
drawn towards the base in the same way, as in empirical Bayes.

References
----------
Aitchison, J. (1986). *The Statistical Analysis of Compositional Data*. Chapman & Hall.
Martín-Fernández, J. A., K. Hron, M. Templ, P. Filzmoser & J. Palarea-Albaladejo (2015). Bayesian-multiplicative
treatment of count zeros in compositional data sets. *Statistical Modelling* 15(2), 134-158.
Weir, B. S. & W. G. Hill (2002). Estimating F-statistics. *Annual Review of Genetics* 36, 721-750 (the moments from
which the strength of the Dirichlet prior is estimated).
Efron, B. & C. Morris (1975). Data analysis using Stein's estimator and its generalizations. *JASA* 70, 311-319.
Shinomoto, S., K. Shima & J. Tanji (2003). Differences in spiking patterns among cortical neurons. *Neural Computation*
15(12), 2823-2842 (the local variation of gaps, which a slow change of pace doesn't disturb).
Peppers, D. & M. Rogers (2017). *Managing Customer Experience and Relationships*, chapter 6 (value and needs).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl

from models.exact import EXACT, exact_sum

FEWEST_PURCHASES = 4  # days with a purchase: three gaps are the fewest that can look regular
CHANNELS = 5
MORNING_ENDS, EVENING_BEGINS = 12, 17
FARTHEST = 3.0
#: What each block contributes to the distance between two customers: its variance, shared among its columns.
BLOCKS = {
    "categories": 2.0,
    "basket": 1.0,
    "breadth": 1.0,
    "rhythm": 1.0,
    "discount": 1.0,
    "hours": 1.0,
    "channel": 1.0,
    "brand": 1.0,
}
#: What to call the parts of the traits in which groups may lie: the categories, and all else.
WHAT_THEY_BUY, HOW_THEY_BUY = "what they buy", "how they buy"

Unit = Literal["share", "money", "units", "products", "categories", "score"]
Kind = Literal["part", "share", "rate", "median", "score"]

LONGEST_LABEL = 32
_CATEGORY, _CHANNEL, _BRAND = "category: ", "channel: ", "brand: "
_OTHER_CATEGORIES, _OTHER_CHANNELS = "other categories", "other channels"
_CHANCE_OF_GAPS = 0.8  # variance of one term of the local variation where gaps are exponential: 9 (1/5 - 1/9)
_LEAST_STRENGTH = 1.0  # one purchase: where everybody buys one thing only, zeros are to be replaced all the same
_MIDNIGHT = 0.9  # from this share of baskets at midnight on, the hour isn't recorded
_ROUNDING = 1e-9
_DECIMALS = 9  # beyond them a value depends on the order in which threads add up
_OWN_BRAND = re.compile(
    r"\b(private|own[ -]?(brand|label)|store brand|house brand|eigenmarke|marque propre|стм|собственн)", re.I
)
_SCALE_COLUMNS = ("base", "strength", "centre", "spread", "weight")
SCALE = "scale"


@dataclass(frozen=True)
class Trait:
    """What a column of `Needs` says.

    Attributes
    ----------
    label : str
        What is measured, for the head of a table; plain text as in the ledger where it names a category.
    unit : {"share", "money", "units", "products", "categories", "score"}
        Of the column in `Needs.features`.
    block : str
        One of `BLOCKS`.
    more, less : str
        What to call customers who have much of it, or little.
    says : str
        One sentence on how it is measured.
    """

    label: str
    unit: Unit
    block: str
    more: str
    less: str
    says: str


@dataclass(frozen=True)
class Scale:
    """How customers were made comparable, so that a later customer is put on the same scale.

    Attributes
    ----------
    columns : pandas.DataFrame
        One row per column compared, indexed by it: `kind`; `base`, what the typical customer has; `strength`, with
        how many purchases' worth of the base each customer is mixed; `centre` and `spread` after the transformation;
        `weight`, by which the standardised value is multiplied.
    """

    columns: pd.DataFrame

    def to_frame(self) -> pl.DataFrame:
        """Return the scale as a table: part, feature, cluster (null), quantity, value; see `from_frame`."""
        rows = [
            {
                "part": SCALE,
                "feature": feature,
                "cluster": None,
                "quantity": f"{row['kind']} {name}",
                "value": float(row[name]),
            }
            for feature, row in self.columns.iterrows()
            for name in _SCALE_COLUMNS
        ]
        return pl.DataFrame(rows, schema=TABLE_SCHEMA)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Scale:
        """Return the scale that `to_frame` wrote; rows of other parts are passed over.

        Raises
        ------
        ValueError
            When the table holds no scale.
        """
        rows = frame.filter(pl.col("part") == SCALE)
        if rows.is_empty():
            raise ValueError("The table of an earlier run's clusters doesn't say how its customers were compared.")
        split = pl.col("quantity").str.split_exact(" ", 1).struct
        wide = (
            rows.with_columns(kind=split.field("field_0"), name=split.field("field_1"))
            .pivot("name", index=["feature", "kind"], values="value")
            .to_pandas()
            .set_index("feature")
        )
        return cls(wide[["kind", *_SCALE_COLUMNS]].rename_axis(None))


#: A table of everything that a later run needs; `models.clustering.Clusters.to_frame` has the same columns.
TABLE_SCHEMA: dict[str, Any] = {
    "part": pl.String,
    "feature": pl.String,
    "cluster": pl.Int64,
    "quantity": pl.String,
    "value": pl.Float64,
}


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
        scale = _fitted_scale(parts)
        compared_by = set(scale.columns.index)
        alike = [_called(part) for part in parts if compared_by.isdisjoint(part.values)]
        if alike:
            unsaid.append(f"Customers don't differ beyond chance in: {', '.join(alike)}.")
    elif lacking := sorted(set(scale.columns.index) - {name for part in parts for name in part.values}):
        raise ValueError(f"The ledger no longer tells what customers were compared by: {', '.join(lacking)}.")
    compared = _compared(parts, scale)
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


@dataclass(frozen=True)
class _Part:
    """Columns measured together: one composition, or one trait.

    `values` are indexed by customer, missing where not known, and rest on `number` purchases each; `chance` is the
    variance that a single purchase has within a customer, which a composition's counts tell by themselves.
    """

    kind: Kind
    values: pd.DataFrame
    number: np.ndarray
    shown: pd.DataFrame
    about: dict[str, Trait]
    chance: float = np.nan


def _measured(
    items: pl.LazyFrame,
    baskets: pl.DataFrame,
    days: pl.DataFrame,
    categories: int,
    known: list[str] | None,
    brand: str | None,
) -> list[_Part]:
    """Return every part the ledger can show; `known` are the columns of an earlier run."""
    index = pd.Index(days["customer"].unique(maintain_order=True).to_list(), name="customer", dtype="str")
    place = pl.DataFrame({"customer": index.to_list(), "place": np.arange(len(index))})
    baskets = baskets.join(place, on="customer", how="left", maintain_order="left")
    days = days.join(place, on="customer", how="left", maintain_order="left")
    parts: list[_Part | None] = []
    if "category" in baskets.columns:
        parts.append(_category_shares(items.join(place.lazy(), on="customer"), index, categories, known))
    parts += [_median(baskets, index, *of) for of in _MEDIANS if of[0] in baskets.columns]
    parts.append(_rhythm(days, index))
    parts += _discounts(baskets, index)
    parts += _times(baskets, days, index, known)
    if "channel" in baskets.columns:
        parts.append(_channels(baskets, index, known))
    if brand is not None:
        parts.append(_brand_share(baskets, index, brand))
    return [part for part in parts if part is not None]


_MEDIANS: tuple[tuple[str, str, Trait], ...] = (
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


def _median(baskets: pl.DataFrame, index: pd.Index, fact: str, name: str, trait: Trait) -> _Part | None:
    """Return the median of the baskets in which a fact is above zero, compared by the mean of its logarithms.

    Medians of small counts would be compared badly: they take a few values only, and so look like groups.
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
    value, number = _at(by_customer, index, fact), _at(by_customer, index, "number", 0.0)
    # the middle of the customers' variances, which a few odd baskets don't move
    chance = float(by_customer["spread"].drop_nulls().median() or 0.0)  # type: ignore[arg-type]
    return _single("median", name, trait, index, value, number, chance, compared=_at(by_customer, index, "mean"))


def _rhythm(days: pl.DataFrame, index: pd.Index) -> _Part:
    """Return the local variation of the gaps between days with a purchase: 1 where chance alone sets them.

    Half a day is taken off each gap, since whole days would make frequent buyers look regular.
    """
    trait = Trait(
        "unevenness of the rhythm",
        "score",
        "rhythm",
        "in bursts",
        "at a regular pace",
        "How unlike neighbouring gaps between purchases are: 0 like clockwork, 1 by chance, up to 3 in bursts.",
    )
    gap = pl.col("day").diff().over("place").dt.total_days() - 0.5
    by_customer = (
        days.with_columns(gap=gap)
        .with_columns(before=pl.col("gap").shift(1).over("place"))
        .drop_nulls(["gap", "before"])
        .with_columns(variation=3 * ((pl.col("gap") - pl.col("before")) / (pl.col("gap") + pl.col("before"))) ** 2)
        .group_by("place")
        .agg(pl.col("variation").mean(), number=pl.len())
        .sort("place")
    )
    value, number = _at(by_customer, index, "variation"), _at(by_customer, index, "number", 0.0)
    return _single("score", "rhythm", trait, index, value, number, _CHANCE_OF_GAPS)


def _discounts(baskets: pl.DataFrame, index: pd.Index) -> list[_Part | None]:
    """Return the share of the price that discounts and coupons took off, and how often a coupon was used."""
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
        parts.append(_yes_or_no(baskets.with_columns(yes=pl.col("coupon") > 0), index, "coupons", used))
    return parts


def _brand_share(baskets: pl.DataFrame, index: pd.Index, brand: str) -> _Part | None:
    label = plain(brand)
    trait = Trait(
        f"brand {label}",
        "share",
        "brand",
        f"brand {label}",
        f"brands other than {label}",
        f"Share of the lines of a basket that are of the brand {label}, mean over baskets.",
    )
    return _rate(baskets.with_columns(rate=pl.col("brand")), index, f"{_BRAND}{brand}", trait)


def _rate(baskets: pl.DataFrame, index: pd.Index, name: str, trait: Trait) -> _Part | None:
    """Return the mean of a rate between 0 and 1 over baskets, compared by its arcsine root."""
    told = baskets.filter(pl.col("rate").is_finite())
    if told.is_empty():
        return None
    by_customer = (
        told.group_by("place").agg(pl.col("rate").mean(), spread=pl.col("rate").var(), number=pl.len()).sort("place")
    )
    value, number = _at(by_customer, index, "rate"), _at(by_customer, index, "number", 0.0)
    known = by_customer.filter(pl.col("number") > 1)
    degrees = known["number"].to_numpy() - 1.0
    chance = float((known["spread"].to_numpy() * degrees).sum() / max(1.0, degrees.sum()))
    return _single("rate", name, trait, index, value, number, chance)


def _yes_or_no(told: pl.DataFrame, index: pd.Index, name: str, trait: Trait) -> _Part | None:
    """Return the share of rows in which `yes` holds."""
    counts = _counts(told.with_columns(key=pl.col("yes").cast(pl.Int64)).drop_nulls("key"), index, [1, 0])
    return _composition(pd.DataFrame(counts, index=index, columns=[name, "not"]), {name: trait}, [name])


def _times(baskets: pl.DataFrame, days: pl.DataFrame, index: pd.Index, known: list[str] | None) -> list[_Part | None]:
    """Return the share of weekends, and of morning, daytime and evening where hours are recorded."""
    weekend = Trait(
        "weekends", "share", "hours", "at weekends", "on weekdays", "Share of the days with a purchase on a weekend."
    )
    parts = [_yes_or_no(days.with_columns(yes=pl.col("day").dt.weekday() >= 6), index, "weekend", weekend)]
    if not _has_hours(baskets):
        return parts
    about = {
        "morning": Trait(
            "before noon", "share", "hours", "in the morning", "not in the morning", "Share of baskets before 12."
        ),
        "daytime": Trait(
            "noon to 5 p.m.",
            "share",
            "hours",
            "in the afternoon",
            "not in the afternoon",
            "Share of baskets from 12 to 17.",
        ),
        "evening": Trait(
            "after 5 p.m.", "share", "hours", "in the evening", "not in the evening", "Share of baskets from 17 on."
        ),
    }
    hour = pl.col("hour")
    of_day = pl.when(hour < MORNING_ENDS).then(0).when(hour < EVENING_BEGINS).then(1).otherwise(2)
    counts = _counts(baskets.with_columns(key=of_day), index, [0, 1, 2])
    parts.append(_composition(pd.DataFrame(counts, index=index, columns=list(about)), about, known))
    return parts


def _channels(baskets: pl.DataFrame, index: pd.Index, known: list[str] | None) -> _Part | None:
    told = baskets.drop_nulls("channel")
    sizes = told.group_by("channel").len().sort(["len", "channel"], descending=[True, False])["channel"].to_list()
    named = _known_names(known, _CHANNEL) if known is not None else sizes[:CHANNELS]
    counts = _counts(told.with_columns(key=pl.col("channel")), index, named, with_others=True)
    labels = plain_all(named)
    about = {
        f"{_CHANNEL}{name}": Trait(
            f"channel {label}", "share", "channel", f"by {label}", f"not by {label}", f"Share of baskets by {label}."
        )
        for name, label in zip(named, labels, strict=True)
    }
    about[_OTHER_CHANNELS] = Trait(
        "other channels", "share", "channel", "by other channels", "by the main channels", "Share of baskets by others."
    )
    return _composition(pd.DataFrame(counts, index=index, columns=list(about)), about, known)


def _category_shares(items: pl.LazyFrame, index: pd.Index, categories: int, known: list[str] | None) -> _Part | None:
    """Return in how many baskets each category was bought, and its share of the money."""
    bought = (
        items.with_columns(pl.col("category").cast(pl.String))
        .drop_nulls("category")
        .group_by("place", "day", "basket", "category")
        .agg(amount=exact_sum("amount"))
        .group_by("place", "category")
        .agg(number=pl.len(), amount=exact_sum("amount"))
        .collect()
    )
    if bought.is_empty():
        return None
    named = _known_names(known, _CATEGORY) if known is not None else _largest(bought, categories)
    bought = bought.with_columns(key=pl.col("category"))
    counts = _counts(bought, index, named, "number", with_others=True)
    money = _counts(bought, index, named, "amount", with_others=True)
    labels = plain_all(named)
    about = {
        f"{_CATEGORY}{name}": Trait(
            label, "share", "categories", label, f"little {label}", f"Share of the money spent on {label}."
        )
        for name, label in zip(named, labels, strict=True)
    }
    about[_OTHER_CATEGORIES] = Trait(
        "other categories",
        "share",
        "categories",
        "other categories",
        "the main categories",
        "Share spent on all others.",
    )
    return _composition(pd.DataFrame(counts, index=index, columns=list(about)), about, known, money)


def _largest(bought: pl.DataFrame, categories: int) -> list[str]:
    """Return the categories with the largest product of their numbers of customers and their revenue."""
    sizes = bought.group_by("category").agg(
        size=pl.len() * pl.col("amount").cast(EXACT).sum().cast(pl.Float64).clip(lower_bound=0)
    )
    return sizes.sort(["size", "category"], descending=[True, False])["category"].head(categories).to_list()


def _brand(items: pl.LazyFrame, schema: pl.Schema, known: list[str] | None) -> str | None:
    """Return the brand whose share is compared: the shop's own if one is called so, else the commonest."""
    if "brand" not in schema:
        return None
    if known is not None:
        return next(iter(_known_names(known, _BRAND)), None)
    sizes = items.drop_nulls("brand").group_by(pl.col("brand").cast(pl.String)).len().collect()
    names = sizes.sort(["len", "brand"], descending=[True, False])["brand"].to_list()
    if len(names) < 2:
        return None
    return next((name for name in names if _OWN_BRAND.search(name)), names[0])


# --- helpers of the measuring ---------------------------------------------------------------------------------------


def _at(by_customer: pl.DataFrame, index: pd.Index, name: str, missing: float = np.nan) -> np.ndarray:
    values = np.full(len(index), missing)
    values[by_customer["place"].to_numpy()] = by_customer[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values


def _counts(
    rows: pl.DataFrame, index: pd.Index, keys: Sequence[Any], value: str | None = None, *, with_others: bool = False
) -> np.ndarray:
    """Return counts, or sums of `value`, of shape (customers, keys); all other keys together come last."""
    of_key = pl.DataFrame({"key": keys, "column": range(len(keys))}, schema_overrides={"key": rows.schema["key"]})
    summed = pl.len() if value is None else exact_sum(value)
    cells = (
        rows.join(of_key, on="key", how="left" if with_others else "inner")
        .with_columns(pl.col("column").fill_null(len(keys)))
        .group_by("place", "column")
        .agg(summed.cast(pl.Float64).alias("cell"))
    )
    counts = np.zeros((len(index), len(keys) + with_others))
    counts[cells["place"].to_numpy(), cells["column"].to_numpy()] = cells["cell"].to_numpy()
    return counts


def _composition(
    counts: pd.DataFrame, about: Mapping[str, Trait], known: list[str] | None, money: np.ndarray | None = None
) -> _Part | None:
    """Return shares of counts: parts of three or more as such, of two the one that `about` names or the rarer."""
    total = counts.sum(axis=1).to_numpy()
    shares = counts.div(np.where(total > 0, total, np.nan), axis=0)
    present = [name for name in counts.columns if counts[name].sum() > 0]
    if known is not None and (earlier := [name for name in counts.columns if name in known]):
        compared = earlier
    elif len(present) < 2:
        return None
    elif len(present) == 2:
        rarer = min(present, key=lambda name: counts[name].sum())
        compared = [next((name for name in present if len(about) == 1 and name in about), rarer)]
    else:
        compared = present
    shown = shares
    if money is not None:
        spent = money.sum(axis=1, keepdims=True)
        shown = pd.DataFrame(money / np.where(spent > 0, spent, np.nan), index=counts.index, columns=counts.columns)
    kept = [name for name in counts.columns if name in about and (name in compared or name in present)]
    return _Part(
        "share" if len(compared) == 1 else "part", shares[compared], total, shown[kept], {n: about[n] for n in kept}
    )


def _called(part: _Part) -> str:
    """Return what to call a part in a sentence."""
    if part.kind != "part":
        return part.about[str(part.values.columns[0])].label
    return {"categories": WHAT_THEY_BUY, "hours": "time of day"}.get(next(iter(part.about.values())).block, "channel")


def _single(
    kind: Kind,
    name: str,
    trait: Trait,
    index: pd.Index,
    shown: np.ndarray,
    number: np.ndarray,
    chance: float,
    compared: np.ndarray | None = None,
) -> _Part:
    values = shown if compared is None else compared
    return _Part(
        kind,
        pd.DataFrame({name: values}, index=index),
        number,
        pd.DataFrame({name: shown}, index=index),
        {name: trait},
        chance,
    )


def _known_names(known: list[str], prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in known if name.startswith(prefix)]


def _has_hours(baskets: pl.DataFrame) -> bool:
    return "hour" in baskets.columns and bool((baskets["hour"] == 0).mean() < _MIDNIGHT)  # type: ignore[operator]


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
            "hours": _has_hours(baskets),
            "channels": "channel" in baskets.columns,
            "brands": "brand" in baskets.columns,
        }.items()
        if not there
    ]
    return [f"Not recorded in the ledger, and so not compared: {', '.join(lacking)}."] if lacking else []


def plain(name: str, longest: int = LONGEST_LABEL) -> str:
    """Return a name from the ledger as short plain text on one line, without control characters.

    Parameters
    ----------
    name : str
    longest : int, default 32
        In characters; what is cut off is replaced by one ellipsis.
    """
    seen = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    seen = " ".join(seen.split()) or "unnamed"
    return seen if len(seen) <= longest else f"{seen[: longest - 1].rstrip()}…"


def plain_all(names: Sequence[str], longest: int = LONGEST_LABEL) -> list[str]:
    """Return names as `plain` does, numbered where two would read the same."""
    shortened = [plain(name, longest) for name in names]
    seen: Counter[str] = Counter()
    distinct = []
    for name in shortened:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


# --- from traits to distances ---------------------------------------------------------------------------------------


def _fitted_scale(parts: list[_Part]) -> Scale:
    """Estimate from the base how far to draw its customers towards it, and how to weigh what is left."""
    columns = []
    for part in parts:
        base = part.values.mean().astype(np.float64)
        strength = _prior_strength(part)
        if not np.isfinite(strength):
            continue
        drawn = _transformed(part, base, strength)
        reliability = float((part.number / (part.number + strength)).mean())
        signal = _signal(part, drawn)
        for name, trait in part.about.items():
            if name not in drawn:
                continue
            centre, spread = float(drawn[name].mean()), float(drawn[name].std(ddof=0))
            if spread > _ROUNDING * max(1.0, abs(centre)):
                told = (base[name], strength, centre, spread, reliability, signal[name])
                columns.append((name, trait.block, part.kind, *told))
    names = ["feature", "block", "kind", "base", "strength", "centre", "spread", "reliability", "signal"]
    frame = pd.DataFrame(columns, columns=names).set_index("feature").rename_axis(None)
    share = frame["block"].map(BLOCKS) / frame.groupby("block")["block"].transform("size")
    share = share * frame["signal"] / frame.groupby(["block", "kind"])["signal"].transform("mean")
    frame["weight"] = np.sqrt(share.to_numpy(np.float64) * frame["reliability"].to_numpy(np.float64))
    return Scale(frame[["kind", *_SCALE_COLUMNS]])


def _prior_strength(part: _Part) -> float:
    """Return how many purchases the base counts for; infinite where customers differ by chance only."""
    known = (part.number > 0) & part.values.notna().all(axis=1).to_numpy()
    values, number = part.values.to_numpy(np.float64)[known], part.number[known]
    if len(values) < 2:
        return np.inf
    if part.kind in ("part", "share"):
        return _dirichlet_strength(values, number)
    between = values.var(ddof=1) - part.chance * (1 / number).mean()
    return part.chance / between if between > 0 else np.inf


def _dirichlet_strength(shares: np.ndarray, number: np.ndarray) -> float:
    """Estimate the strength of a Dirichlet prior by moments (Weir & Hill 2002), from shares of `number` each."""
    beyond_chance, spread = (of_column.sum() for of_column in _beyond_chance(shares, number))
    alike = beyond_chance / spread if spread > 0 else 0.0
    return max(_LEAST_STRENGTH, (1 - alike) / alike) if alike > 0 else np.inf


def _beyond_chance(shares: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each column the spread of shares between customers beyond chance, and all of it."""
    total = number.sum()
    pooled = (shares * number[:, None]).sum(axis=0) / total
    effective = (total - (number**2).sum() / total) / (len(number) - 1)
    among = (number[:, None] * (shares - pooled) ** 2).sum(axis=0) / (len(number) - 1)
    within = (number[:, None] * shares * (1 - shares)).sum(axis=0) / max(1.0, (number - 1).sum())
    return among - within, among + (effective - 1) * within


def _signal(part: _Part, drawn: pd.DataFrame) -> pd.Series:
    """Return how much of a column's variance is to count, relative to the others of its composition.

    Logarithms make the most of small shares, and so of chance: what a category's shares differ by chance only, counts
    nothing.
    """
    if part.kind != "part":
        return pd.Series(1.0, index=drawn.columns)
    known = part.number > 0
    number = part.number[known][:, None]
    beyond_chance, spread = _beyond_chance(part.values.to_numpy(np.float64)[known], part.number[known])
    alike = np.divide(beyond_chance, spread, out=np.zeros_like(spread), where=spread > 0).clip(0, 1)
    reliability = (number * alike / (number * alike + 1 - alike)).mean(axis=0)
    return drawn.var(ddof=0) * reliability


def _transformed(part: _Part, base: pd.Series, strength: float) -> pd.DataFrame:
    """Return values drawn towards the base, on the scale on which they are compared."""
    # with nothing known of a customer the base speaks for them
    known = part.values.fillna(base).to_numpy(np.float64)
    number, typical = part.number[:, None], base.to_numpy(np.float64)
    drawn = (known * number + typical * strength) / (number + strength)
    if part.kind == "part":
        drawn = np.log(drawn)
        drawn -= drawn.mean(axis=1, keepdims=True)
    elif part.kind == "share":
        drawn = np.log(drawn / (1 - drawn))
    elif part.kind == "rate":
        drawn = np.arcsin(np.sqrt(drawn.clip(0, 1)))
    return pd.DataFrame(drawn, index=part.values.index, columns=part.values.columns)


def _compared(parts: list[_Part], scale: Scale) -> pd.DataFrame:
    columns = {}
    for part in parts:
        of_part = scale.columns.loc[[name for name in part.values if name in scale.columns.index]]
        if of_part.empty:
            continue
        drawn = _transformed(part, of_part["base"], float(of_part["strength"].iloc[0]))
        for name, row in of_part.iterrows():
            standardised = ((drawn[name] - row["centre"]) / row["spread"]).clip(-FARTHEST, FARTHEST)
            columns[name] = (standardised * row["weight"]).round(_DECIMALS)
    return pd.DataFrame(columns, index=parts[0].values.index)[list(scale.columns.index)]
