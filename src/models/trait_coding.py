"""Traits of customers as numbers that a model can be fitted on, each trait in columns of its own."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from models.first_purchase import FEWEST_WITH_LEVEL, MOST_LEVELS, Trait

Array = np.ndarray

UNRECORDED = ""  # no level of a ledger is an empty text
_LOGGED = ("money", "count")


class TraitCoding:
    """How traits become columns, as learned from some customers; nothing of what became of them is looked at.

    Money and counts are taken by their logarithm, figures are scaled, and a missing one takes the median. Of text each
    common level has a column, and one column stands for all rare ones and for those never seen.

    Parameters
    ----------
    traits : sequence of Trait
    customers : pandas.DataFrame
        Those learned from; see `models.first_purchase.FirstPurchases`.
    """

    def __init__(self, traits: Sequence[Trait], customers: pd.DataFrame) -> None:
        self.traits = tuple(traits)
        # by number, since a particular may be called anything
        self._names = {trait: f"trait {number}" for number, trait in enumerate(self.traits)}
        steps = [(name, _step(trait), list(trait.columns)) for trait, name in self._names.items()]
        self._coding = ColumnTransformer(steps, sparse_threshold=0).fit(_plain(self.traits, customers))

    def coded(self, customers: pd.DataFrame) -> Array:
        """Return the customers' columns, of shape (customers, columns)."""
        return np.asarray(self._coding.transform(_plain(self.traits, customers)), dtype=float)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return max(place.stop for place in self._coding.output_indices_.values())

    def columns(self, trait: Trait) -> slice:
        """Return where a trait stands among the columns."""
        return self._coding.output_indices_[self._names[trait]]

    def levels(self, trait: Trait) -> list[str]:
        """Return the levels of a text that have a column of their own, without what isn't recorded."""
        encoder = self._coding.named_transformers_[self._names[trait]]
        rare = encoder.infrequent_categories_[0]
        without = {UNRECORDED} | (set() if rare is None else set(rare))
        return [level for level in encoder.categories_[0] if level not in without]

    def value(self, trait: Trait, value: float | str) -> Array:
        """Return the columns of a trait of one column at a value."""
        step = self._coding.named_transformers_[self._names[trait]]
        given = np.array([[value]], dtype=object if trait.kind == "text" else float)
        return np.asarray(step.transform(pd.DataFrame(given, columns=list(trait.columns))), dtype=float)[0]


def _step(trait: Trait) -> OneHotEncoder | object:
    if trait.kind == "text":
        return OneHotEncoder(
            min_frequency=FEWEST_WITH_LEVEL,
            max_categories=MOST_LEVELS + 2,  # with those not recorded, and the rare ones together
            handle_unknown="infrequent_if_exist",
            sparse_output=False,
        )
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    if trait.kind == "flags":
        return filled
    if trait.kind in _LOGGED:
        return make_pipeline(filled, FunctionTransformer(np.log1p), StandardScaler())
    return make_pipeline(filled, StandardScaler())


def _plain(traits: Sequence[Trait], customers: pd.DataFrame) -> pd.DataFrame:
    plain = {}
    for trait in traits:
        for name in trait.columns:
            values = customers[name]
            text = trait.kind == "text"
            plain[name] = values.astype(object).where(values.notna(), UNRECORDED) if text else values.astype(float)
    return pd.DataFrame(plain, index=customers.index)
