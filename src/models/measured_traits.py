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

    Attributes
    ----------
    kind : {"part", "share", "rate", "median", "score"}
        ``part``: of a composition of three or more; ``share``: of one of two.
    values : pandas.DataFrame
        What customers are compared by, indexed by customer; missing where not known.
    number : ndarray of shape (customers,)
        How many purchases the values of each rest on.
    shown : pandas.DataFrame
        What people read, indexed by customer.
    about : dict of str to Trait
        Of each column of `shown`.
    chance : float, default NaN
        Variance that a single purchase has within a customer; a composition's counts tell it by themselves.
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
    """Return one trait measured by itself.

    Parameters
    ----------
    kind, chance
        See `Measured`.
    name : str
        Of the column.
    trait : Trait
    index : pandas.Index
        The customers.
    shown : ndarray of shape (customers,)
        In the trait's unit; NaN where not known.
    number : ndarray of shape (customers,)
        Of purchases that it rests on.
    compared : ndarray of shape (customers,), optional
        What customers are compared by, where that isn't `shown`.
    """
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
    """Return a column at each customer's place.

    Parameters
    ----------
    by_customer : polars.DataFrame
        One row a customer: place (in `index`, from 0) and the column.
    index : pandas.Index
        The customers.
    name : str
        Of the column.
    missing : float, default NaN
        For customers without a row; a null of the column is NaN.

    Returns
    -------
    ndarray of float, of shape (customers,)
    """
    values = np.full(len(index), missing)
    values[by_customer["place"].to_numpy()] = by_customer[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values


def counts_by(
    rows: pl.DataFrame, index: pd.Index, keys: Sequence[Any], value: str | None = None, *, with_others: bool = False
) -> np.ndarray:
    """Count each customer's rows by key, or add them up.

    Parameters
    ----------
    rows : polars.DataFrame
        place (in `index`, from 0), key and, where given, `value`.
    index : pandas.Index
        The customers.
    keys : sequence
        Those counted, of the type of the column key.
    value : str, optional
        The column added up; without it rows are counted.
    with_others : bool, default False
        Whether all other keys together, and rows without one, come last; else they are left out.

    Returns
    -------
    ndarray of float, of shape (customers, keys), one more with the others
    """
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
