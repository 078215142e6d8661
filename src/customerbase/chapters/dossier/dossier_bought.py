"""What the customer of a `dossier` buys, and how that has changed since the year before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import says_why_not
from ...wording import count, key, percent, plural
from .dossier import YEAR, Person

CATEGORY, PRODUCT = "category", "product"
SHOWN = {CATEGORY: 3, PRODUCT: 4}
MANY = {CATEGORY: "categories", PRODUCT: "products"}
SUMS = ["amount", "this_year", "year_before"]


@dataclass(frozen=True)
class Change:
    """What was bought in the last 365 days, returns taken off, against the 365 before.

    Attributes
    ----------
    now, before : float
    growth : float or None
        Below zero for a fall; None where there is nothing to compare with, or a rise would tell only that the customer
        wasn't one yet for the whole of the year before.
    part : str
        The category (where the ledger has none, the product) that fell most, fit to be printed; empty where none fell.
    part_now, part_before : float
        What was bought of it.
    """

    now: float
    before: float
    growth: float | None
    part: str
    part_now: float
    part_before: float


def change(chapter: Chapter, person: Person) -> Change:
    """Compare what the customer bought in the last 365 days with the 365 before."""
    sums = _sums(person.lines.select(_years(chapter)))
    now, before = sums["this_year"], sums["year_before"]
    growth = now / before - 1 if before > 0 else None
    before_both = person.lines["date"].dt.date() <= chapter.as_of - dt.timedelta(days=2 * YEAR)
    if growth is not None and growth > 0 and not before_both.any():
        growth = None
    named = next((name for name in (CATEGORY, PRODUCT) if _names(person, name)), None)
    part, part_now, part_before = "", 0.0, 0.0
    if named is not None:
        parts = by_part(chapter, person, named).with_columns(fall=pl.col("year_before") - pl.col("this_year"))
        most = parts.sort("fall", "name", descending=[True, False]).row(0, named=True)
        if most["fall"] > 0 and most["name"] is not None:
            part, part_now, part_before = key(most["name"]), most["this_year"], most["year_before"]
    return Change(now, before, growth, part, part_now, part_before)


def _years(chapter: Chapter) -> list[pl.Expr]:
    age = (pl.lit(chapter.as_of) - pl.col("date").dt.date()).dt.total_days()
    amount = pl.col("amount")
    return [
        amount.sum(),
        amount.filter(age < YEAR).sum().alias("this_year"),
        amount.filter((age >= YEAR) & (age < 2 * YEAR)).sum().alias("year_before"),
    ]


def _names(person: Person, name: str) -> bool:
    return name in person.lines.columns and bool(person.lines[name].is_not_null().any())


def by_part(chapter: Chapter, person: Person, name: str) -> pl.DataFrame:
    """Return what was bought of each category or product, returns taken off, the most first.

    Returns
    -------
    polars.DataFrame
        name (null for the rows that name none), amount, this_year (the last 365 days), year_before (the 365 before
        these), last (the day it was last sold, as text; null where it only came back).
    """
    sold = pl.col("date").dt.date().filter(pl.col("kind") == "sale")
    return (
        person.lines.group_by(pl.col(name).cast(pl.String).alias("name"))
        .agg(*_years(chapter), sold.max().dt.strftime("%Y-%m-%d").alias("last"))
        .sort("amount", "name", descending=[True, False])
    )


@says_why_not
def category_table(chapter: Chapter, person: Person) -> ShownTable | None:
    """Show the categories that the customer buys; nothing where the ledger names products only."""
    if _names(person, CATEGORY):
        return _table(chapter, person, CATEGORY)
    if _names(person, PRODUCT):
        return None
    if CATEGORY in person.lines.columns or PRODUCT in person.lines.columns:
        raise CannotSay("What this customer buys is not recorded: no row of the ledger names a category or a product.")
    raise CannotSay("What this customer buys is not recorded: the ledger names neither categories nor products.")


def product_table(chapter: Chapter, person: Person) -> ShownTable | None:
    """Show the products that the customer buys most; nothing where the ledger names none."""
    return _table(chapter, person, PRODUCT) if _names(person, PRODUCT) else None


def _table(chapter: Chapter, person: Person, name: str) -> ShownTable:
    currency = chapter.parameters.currency
    columns: Columns = {
        "name": (name, str),
        "amount": (f"bought in all ({currency})", count),
        "share": ("share", percent),
        "this_year": (f"in the last 365 days ({currency})", count),
        "year_before": (f"in the 365 before ({currency})", count),
        "last": ("bought last", str),
    }
    caption = f"{MANY[name].capitalize()} that customer {key(person.key)} buys, returns taken off"
    return show_table(_shown(by_part(chapter, person, name), name), caption, columns)


def _shown(parts: pl.DataFrame, name: str) -> pd.DataFrame:
    """Return the parts bought most, then all others in one row, then what is of no part."""
    named, without = parts.filter(pl.col("name").is_not_null()), parts.filter(pl.col("name").is_null())
    most, others = named.head(SHOWN[name]), named.tail(-SHOWN[name])
    rows = most.with_columns(pl.col("name").map_elements(key, return_dtype=pl.String)).to_dicts()
    for rest, called in (
        (others, plural(others.height, f"other {name}", f"other {MANY[name]}")),
        (without, f"{name} not recorded"),
    ):
        if not rest.is_empty():
            rows.append(_sums(rest.select(pl.col(SUMS).sum())) | {"last": rest["last"].max(), "name": called})
    whole = float(parts["amount"].sum())
    frame = pd.DataFrame(rows)
    frame["share"] = whole_percents(frame["amount"] / whole) if whole > 0 else np.nan
    frame["last"] = frame["last"].fillna("returned only")
    return frame


def whole_percents(shares: pd.Series) -> pd.Series:
    """Round shares that add up to one to whole per cents that still do, by the largest remainder.

    Parameters
    ----------
    shares : pandas.Series

    Returns
    -------
    pandas.Series
        Shares of one again.
    """
    exact = 100 * shares
    whole = np.floor(exact)
    remainders = (whole - exact).sort_values(kind="stable")
    whole[remainders.index[: round(100 - whole.sum())]] += 1
    return whole / 100


def _sums(one_row: pl.DataFrame) -> dict[str, float]:
    return {name: float(value or 0) for name, value in one_row.row(0, named=True).items()}
