"""What customers' purchases are made up of: shares of categories, hours, weekends and channels, which add up to one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import polars as pl

from models.exact import EXACT, exact_sum
from models.measured_traits import Measured, Trait, counts_by
from models.plain_names import plain_all

CHANNELS = 5
MORNING_ENDS, EVENING_BEGINS = 12, 17
_CATEGORY, _CHANNEL = "category: ", "channel: "
_OTHER_CATEGORIES, _OTHER_CHANNELS = "other categories", "other channels"
_MIDNIGHT = 0.9  # from this share of baskets at midnight on, the hour isn't recorded


def category_shares(items: pl.LazyFrame, index: pd.Index, categories: int, known: list[str] | None) -> Measured | None:
    """Return in how many baskets each category was bought, and its share of the money.

    Parameters
    ----------
    items : polars.LazyFrame
        Lines bought: place (of the customer in `index`, from 0), day, basket, category, amount.
    index : pandas.Index
        The customers.
    categories : int
        How many are told apart, those with the largest product of customers and revenue; the others are taken together.
    known : list of str or None
        Columns of an earlier run, which are then measured again; None on the first.

    Returns
    -------
    Measured or None
        Compared by shares of baskets, shown as shares of money; None where no category is recorded, or one only.
    """
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
    named = known_names(known, _CATEGORY) if known is not None else _largest(bought, categories)
    bought = bought.with_columns(key=pl.col("category"))
    counts = counts_by(bought, index, named, "number", with_others=True)
    money = counts_by(bought, index, named, "amount", with_others=True)
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


def times(baskets: pl.DataFrame, days: pl.DataFrame, index: pd.Index, known: list[str] | None) -> list[Measured | None]:
    """Return the share of weekends, and of morning, daytime and evening where hours are recorded.

    Parameters
    ----------
    baskets : polars.DataFrame
        One row a basket: place (of the customer in `index`, from 0) and, where recorded, hour (0 to 23).
    days : polars.DataFrame
        One row a day with a purchase: place, day.
    index : pandas.Index
        The customers.
    known : list of str or None
        Columns of an earlier run, which are then measured again; None on the first.
    """
    weekend = Trait(
        "weekends", "share", "hours", "at weekends", "on weekdays", "Share of the days with a purchase on a weekend."
    )
    parts = [yes_or_no(days.with_columns(yes=pl.col("day").dt.weekday() >= 6), index, "weekend", weekend)]
    if not has_hours(baskets):
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
    counts = counts_by(baskets.with_columns(key=of_day), index, [0, 1, 2])
    parts.append(_composition(pd.DataFrame(counts, index=index, columns=list(about)), about, known))
    return parts


def channels(baskets: pl.DataFrame, index: pd.Index, known: list[str] | None) -> Measured | None:
    """Return the share of baskets bought by each of the largest channels; None where there is one only.

    Parameters
    ----------
    baskets : polars.DataFrame
        One row a basket: place (of the customer in `index`, from 0), channel.
    index : pandas.Index
        The customers.
    known : list of str or None
        Columns of an earlier run, which are then measured again; None on the first.
    """
    told = baskets.drop_nulls("channel")
    sizes = told.group_by("channel").len().sort(["len", "channel"], descending=[True, False])["channel"].to_list()
    named = known_names(known, _CHANNEL) if known is not None else sizes[:CHANNELS]
    counts = counts_by(told.with_columns(key=pl.col("channel")), index, named, with_others=True)
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


def has_hours(baskets: pl.DataFrame) -> bool:
    """Tell whether the ledger records at what time of the day baskets were bought."""
    return "hour" in baskets.columns and bool((baskets["hour"] == 0).mean() < _MIDNIGHT)  # type: ignore[operator]


def yes_or_no(told: pl.DataFrame, index: pd.Index, name: str, trait: Trait) -> Measured | None:
    """Return the share of rows in which `yes` holds.

    Parameters
    ----------
    told : polars.DataFrame
        place (of the customer in `index`, from 0) and yes (bool; rows without it don't count).
    index : pandas.Index
        The customers.
    name : str
        Of the column made.
    trait : Trait
    """
    counts = counts_by(told.with_columns(key=pl.col("yes").cast(pl.Int64)).drop_nulls("key"), index, [1, 0])
    return _composition(pd.DataFrame(counts, index=index, columns=[name, "not"]), {name: trait}, [name])


def _composition(
    counts: pd.DataFrame, about: Mapping[str, Trait], known: list[str] | None, money: np.ndarray | None = None
) -> Measured | None:
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
    return Measured(
        "share" if len(compared) == 1 else "part", shares[compared], total, shown[kept], {n: about[n] for n in kept}
    )


def known_names(known: list[str], prefix: str) -> list[str]:
    """Return what an earlier run's columns were named after.

    Parameters
    ----------
    known : list of str
        The columns.
    prefix : str
        Only those that begin with it are meant.
    """
    return [name.removeprefix(prefix) for name in known if name.startswith(prefix)]
