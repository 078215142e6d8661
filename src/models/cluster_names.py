"""Names and one-line portraits of clusters, from what sets each apart from all other customers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from models.measured_traits import Trait
from models.needs import Needs

TELLING = 0.3  # a standardised difference from which a trait is worth a word; Cohen's "small" is 0.2
TRAITS_NAMED, TRAITS_PORTRAYED = 2, 4
CATEGORIES_NAMED = 2
LONGEST_NAME = 60
MUCH_THE_SAME = 0.7  # correlation of two traits from which the less telling one is left out


def cluster_names(needs: Needs, labels: pd.Series, *, currency: str = "") -> pd.DataFrame:
    """Name clusters and portray them in a sentence.

    Parameters
    ----------
    needs : models.needs.Needs
    labels : pandas.Series
        Cluster of each customer, indexed by customer; customers without one are left out.
    currency : str, optional
        Put behind amounts in portraits.

    Returns
    -------
    pandas.DataFrame
        One row per cluster, in order: cluster; name, short, all different; portrait, one sentence of plain text;
        distinguishing, a list of dicts with feature, label, unit, value and base (what is typical in the cluster and
        among all: the mean of a share, the median of anything else, in the trait's own unit), and difference.

    Notes
    -----
    The difference is Cohen's d: of the means on the compared scale, the cluster's less that of all other customers,
    over the standard deviation within the two. A trait whose value in its own unit points the other way isn't told.
    Names and portraits take one trait of a block, of categories two, and of two traits that are correlated above 0.7
    only the one that tells more; names take traits from d = 0.3 up, and a cluster without any is "typical".
    """
    labels = labels.dropna().astype(np.int64)
    compared = needs.compared.loc[labels.index]
    features = needs.features.loc[labels.index]
    numbers = sorted(labels.unique())
    told = {number: _distinguishing(needs, compared, features, (labels == number).to_numpy()) for number in numbers}
    same = _much_the_same(compared)
    names = _different_names(told, needs.about, same)
    rows = [
        {
            "cluster": number,
            "name": names[number],
            "portrait": _portrait(told[number], needs.about, same, currency),
            "distinguishing": told[number],
        }
        for number in numbers
    ]
    return pd.DataFrame(rows, columns=["cluster", "name", "portrait", "distinguishing"])


def _distinguishing(
    needs: Needs, compared: pd.DataFrame, features: pd.DataFrame, inside: np.ndarray
) -> list[dict[str, Any]]:
    """Return the traits of a cluster, the most different first."""
    if inside.all():
        return []
    points = compared.to_numpy()
    own, rest = points[inside], points[~inside]
    within = np.sqrt((own.var(axis=0) * len(own) + rest.var(axis=0) * len(rest)) / len(points))
    apart = own.mean(axis=0) - rest.mean(axis=0)
    # values that are the same within both sides differ without measure; what is left of rounding doesn't count
    difference = np.divide(apart, within, out=np.sign(apart) * 10.0, where=within > 1e-9)
    traits = []
    for name, size in sorted(zip(compared.columns, difference, strict=True), key=lambda pair: (-abs(pair[1]), pair[0])):
        trait = needs.about[name]
        typical = features[name].mean if trait.unit == "share" else features[name].median
        inner = features.loc[inside, name]
        value, base = inner.mean() if trait.unit == "share" else inner.median(), typical()
        if np.isfinite(value) and (value - base) * size > 0:
            traits.append(
                {
                    "feature": name,
                    "label": trait.label,
                    "unit": trait.unit,
                    "value": float(value),
                    "base": float(base),
                    "difference": float(size),
                }
            )
    return traits


def _much_the_same(compared: pd.DataFrame) -> dict[str, set[str]]:
    """Return for each trait those that say much the same."""
    varying = compared.loc[:, compared.std() > 0]
    alike = varying.corr().abs() > MUCH_THE_SAME
    return {str(name): {str(other) for other in alike.columns[alike[name]]} for name in alike}


def _worth_telling(
    traits: list[dict[str, Any]], about: dict[str, Trait], same: dict[str, set[str]], most: int
) -> list[dict[str, Any]]:
    blocks: Counter[str] = Counter()
    chosen: list[dict[str, Any]] = []
    for trait in traits:
        name = trait["feature"]
        block = about[name].block
        if any(earlier["feature"] in same.get(name, ()) for earlier in chosen):
            continue
        blocks[block] += 1
        if blocks[block] <= (CATEGORIES_NAMED if block == "categories" else 1):
            chosen.append(trait)
    return chosen[:most]


def _different_names(
    told: dict[int, list[dict[str, Any]]], about: dict[str, Trait], same: dict[str, set[str]]
) -> dict[int, str]:
    names = {number: _name(traits, about, same, TRAITS_NAMED) for number, traits in told.items()}
    for number in _alike(names):
        names[number] = _name(told[number], about, same, TRAITS_NAMED + 1)
    for number in _alike(names):
        names[number] = f"{names[number]}, group {number}"
    return names


def _name(traits: list[dict[str, Any]], about: dict[str, Trait], same: dict[str, set[str]], most: int) -> str:
    telling = [trait for trait in traits if abs(trait["difference"]) >= TELLING]
    words: list[str] = []
    for trait in _worth_telling(telling, about, same, most):
        of = about[trait["feature"]]
        word = of.more if trait["difference"] > 0 else of.less
        if len(", ".join([*words, word])) <= LONGEST_NAME:
            words.append(word)
    return ", ".join(words) or "typical"


def _alike(names: dict[int, str]) -> list[int]:
    uses = Counter(names.values())
    return [number for number, name in names.items() if uses[name] > 1]


def _portrait(traits: list[dict[str, Any]], about: dict[str, Trait], same: dict[str, set[str]], currency: str) -> str:
    chosen = _worth_telling(traits, about, same, TRAITS_PORTRAYED)
    if not chosen:
        return "Much like all customers in everything that was compared."
    parts = [
        f"{trait['label']} {_figure(trait['value'], trait['unit'], currency)} "
        f"(all: {_figure(trait['base'], trait['unit'], currency)})"
        for trait in chosen
    ]
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _figure(value: float, unit: str, currency: str) -> str:
    if unit == "share":
        return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"
    if unit == "money":
        return f"{value:,.2f} {currency}".rstrip() if abs(value) < 1_000 else f"{value:,.0f} {currency}".rstrip()
    return f"{value:.2f}" if unit == "score" else f"{value:,.3g}" if abs(value) < 1_000 else f"{value:,.0f}"
