"""A trait of customers as measured from their purchases: for people to read, and for comparing customers by it.

Traits measured together, the parts of one composition, are kept together: what one of them takes the others lack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl

from models.exact import exact_sum

Unit = Literal["share", "money", "units", "products", "categories", "score"]
Kind = Literal["part", "share", "rate", "median", "score"]


@dataclass(frozen=True)
class Trait:
    """What a column of `models.needs.Needs` says.

    Attributes
    ----------
    label : str
        What is measured, for the head of a table; plain text as in the ledger where it names a category.
    unit : {"share", "money", "units", "products", "categories", "score"}
        Of the column in `models.needs.Needs.features`.
    block : str
        One of `models.needs_scale.BLOCKS`.
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
class Measured:
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


def single(
    kind: Kind,
    name: str,
    trait: Trait,
    index: pd.Index,
    shown: np.ndarray,
    number: np.ndarray,
    chance: float,
    compared: np.ndarray | None = None,
) -> Measured:
    """Return one trait, compared by other values than those shown where `compared` is given."""
    values = shown if compared is None else compared
    return Measured(
        kind,
        pd.DataFrame({name: values}, index=index),
        number,
        pd.DataFrame({name: shown}, index=index),
        {name: trait},
        chance,
    )


def by_place(by_customer: pl.DataFrame, index: pd.Index, name: str, missing: float = np.nan) -> np.ndarray:
    """Return a column at each customer's place in `index`, `missing` for customers without a row."""
    values = np.full(len(index), missing)
    values[by_customer["place"].to_numpy()] = by_customer[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values


def counts_by(
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
