"""Models of who becomes a good customer, each fitted without a fold of the customers and tested on it.

Customers are shared out among ten folds, several times over where there are few of them; intervals take account of how
much the folds have in common (`models.cross_validation`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from models.cross_validation import area_under_curve
from models.trait_coding import TraitCoding

Array = np.ndarray

MANY = 2_000  # customers, from which sharing them out once is enough
FOLDS, REPEATS_OF_FEW = 10, 3


def logistic_regression() -> LogisticRegression:
    """Make a logistic regression with a mild ridge penalty."""
    return LogisticRegression(C=0.3, solver="newton-cholesky", max_iter=100)


def boosted_trees(seed: int) -> HistGradientBoostingClassifier:
    """Make boosted trees, small ones and few."""
    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=60,
        max_leaf_nodes=6,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def probability(model: Any, X: Array) -> Array:
    """Return how probable it is that each customer becomes a good one, of shape (customers,).

    Parameters
    ----------
    model : classifier
        Fitted.
    X : ndarray of shape (customers, columns)
    """
    if isinstance(model, LogisticRegression):
        return np.asarray(expit(X @ model.coef_[0] + model.intercept_[0]))  # without the checks, which take longest
    return np.asarray(model.predict_proba(X)[:, 1])


def shared_out(y: Array, seed: int) -> list[tuple[Array, Array]]:
    """Return the places of the customers fitted on and of those held out, for each fold of each repeat.

    Parameters
    ----------
    y : ndarray of bool, of shape (customers,)
        Who became good: each fold has as large a share of them.
    seed : int
    """
    repeats = 1 if len(y) >= MANY else REPEATS_OF_FEW
    folds = (StratifiedKFold(FOLDS, shuffle=True, random_state=seed + repeat) for repeat in range(repeats))
    return [split for each in folds for split in each.split(y, y)]


@dataclass(frozen=True)
class Tested:
    """A method's models of each fold, with what they expect of the customers held out and how well they rank them.

    Attributes
    ----------
    models : list
        Fitted, one a fold.
    scores : list of ndarray of shape (customers held out,)
    areas : ndarray of shape (folds,)
        Under the curve; see `models.cross_validation.area_under_curve`.
    """

    models: list[Any]
    scores: list[Array]
    areas: Array

    @classmethod
    def of(cls, make: Callable[[], Any], X: Array, y: Array, splits: Sequence[tuple[Array, Array]]) -> "Tested":
        """Fit a model without each fold, and test it on the fold.

        Parameters
        ----------
        make : callable
            Returns a classifier that isn't fitted yet.
        X, y, splits
            See `FoldModels`.
        """
        models = [make().fit(X[fitted], y[fitted]) for fitted, _ in splits]
        scores = [probability(model, X[out]) for model, (_, out) in zip(models, splits, strict=True)]
        areas = [area_under_curve(y[out], score) for score, (_, out) in zip(scores, splits, strict=True)]
        return cls(models, scores, np.array(areas))

    def and_also(self, more: "Tested") -> "Tested":
        """Return these folds and those of more repeats."""
        areas = np.concatenate([self.areas, more.areas])
        return Tested(self.models + more.models, self.scores + more.scores, areas)


@dataclass(frozen=True)
class FoldModels:
    """The models of one method, with the customers each wasn't fitted on.

    Attributes
    ----------
    coding : TraitCoding
    X : ndarray of shape (customers, columns)
        All customers, as `coding` codes them.
    y : ndarray of bool, of shape (customers,)
        Who became good.
    splits : sequence of (ndarray, ndarray)
        For each fold the places of the customers fitted on and of those held out.
    models : sequence
        Fitted, one a fold.
    """

    coding: TraitCoding
    X: Array
    y: Array
    splits: Sequence[tuple[Array, Array]]
    models: Sequence[Any]


def out_of_fold(scores: Sequence[Array], splits: Sequence[tuple[Array, Array]], customers: int) -> Array:
    """Return what the models that weren't fitted on a customer expect of it, in the mean of the repeats.

    Parameters
    ----------
    scores : sequence of ndarray of shape (customers held out,)
        One a fold.
    splits : sequence of (ndarray, ndarray)
        See `FoldModels`; every customer is held out at least once.
    customers : int
    """
    total, times = np.zeros(customers), np.zeros(customers)
    for score, (_, tested) in zip(scores, splits, strict=True):
        total[tested] += score
        times[tested] += 1
    return total / times


def at_most(places: Array, most: int, y: Array, random: np.random.Generator) -> Array:
    """Return a random part of a fold's customers, of which some became good and some didn't; else all of them.

    Parameters
    ----------
    places : ndarray of int
        Of the fold's customers, in `y`.
    most : int
        All are returned where there are no more than so many.
    y : ndarray of bool, of shape (customers,)
        Who became good.
    random : numpy.random.Generator
    """
    if len(places) <= most:
        return places
    taken = random.choice(places, most, replace=False)
    return taken if 0 < y[taken].sum() < most else places
