"""Whether something known of customers goes with becoming a good one, looked at alone: tests of association."""

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, fisher_exact, mannwhitneyu

from models.first_purchase import FEWEST_WITH_LEVEL, FirstPurchases, Trait

Array = np.ndarray

SIGNIFICANT = 0.05
_RARE = ""  # no level of a ledger is an empty text


def filled_in_with_success(first: FirstPurchases, good: pd.Series) -> list[str]:
    """Return the particulars that are recorded more, or less, often of those who became good.

    Whether such a particular is filled in is itself a sign of what came later, so it is no trait of the beginning.

    Parameters
    ----------
    first : FirstPurchases
    good : pandas.Series of bool
        Who became good, of the customers watched.
    """
    names, chances = [], []
    for trait in (trait for trait in first.traits if trait.recorded):
        recorded = first.customers.loc[good.index, trait.columns[0]].notna().to_numpy()
        if recorded.all() or not recorded.any():
            continue
        names.append(trait.name)
        chances.append(fisher_exact(_counts(recorded, good.to_numpy())).pvalue)
    return [name for name, chance in zip(names, chances, strict=True) if chance < SIGNIFICANT]


def goes_with_success(trait: Trait, customers: pd.DataFrame, y: Array) -> float:
    """Return how probable it is that a trait would go so closely with becoming good by chance, nothing else looked at.

    Of text by chi-squared. Of figures by Mann & Whitney's test, and by chi-squared of their fifths where what is good
    lies in the middle, the smaller doubled; of flags by Fisher's exact test of each, the smallest times their number.

    Parameters
    ----------
    trait : Trait
    customers : pandas.DataFrame
        See `models.first_purchase.FirstPurchases`.
    y : ndarray of bool, of shape (customers,)
        Who became good.

    Returns
    -------
    float
        1 where nothing can be compared.
    """
    values = customers[list(trait.columns)]
    if trait.kind == "flags":
        tables = [_counts(flag.to_numpy(), y) for _, flag in values.eq(1).items() if 0 < flag.sum() < len(flag)]
        chances = [fisher_exact(table).pvalue for table in tables]
        return min(1.0, len(chances) * min(chances)) if chances else 1.0
    known = values.iloc[:, 0].notna().to_numpy()
    found, good = values.iloc[:, 0][known], y[known]
    if trait.kind == "text":
        return _chi_squared(found, good)
    if not 0 < good.sum() < len(good):
        return 1.0
    ranked = mannwhitneyu(found[good], found[~good]).pvalue
    fifths = pd.qcut(found, 5, labels=False, duplicates="drop").astype(str)
    return float(min(1.0, 2 * min(ranked, _chi_squared(fifths, good))))


def _chi_squared(levels: pd.Series, y: Array) -> float:
    sizes = levels.value_counts()
    common = levels.where(levels.map(sizes) >= FEWEST_WITH_LEVEL, _RARE)
    table = _counts(common.to_numpy(), y)
    return float(chi2_contingency(table).pvalue) if min(table.shape) > 1 else 1.0


def _counts(levels: Array, y: Array) -> Array:
    """Return how many of each level didn't become good, and did: a row each."""
    codes, found = pd.factorize(levels)
    table = np.array([np.bincount(codes[side], minlength=len(found)) for side in (~y, y)])
    return table[table.sum(axis=1) > 0]
