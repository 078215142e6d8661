"""Which traits, known at the first purchase, foretell who becomes a good customer: fitted, tested, and put in words.

Two models are set side by side: a logistic regression and boosted trees (histogram gradient boosting). The simpler one
is kept unless the other ranks customers better beyond chance. Everything that is said of them comes from customers
they weren't fitted on (`models.fold_models`).
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from models.association import SIGNIFICANT
from models.cross_validation import Estimate, above_zero, corrected_interval
from models.first_purchase import FirstPurchases
from models.fold_models import (
    FOLDS,
    Array,
    FoldModels,
    Tested,
    boosted_trees,
    logistic_regression,
    out_of_fold,
    probability,
    shared_out,
)
from models.good_customers import FEWEST_CUSTOMERS, FEWEST_OF_EACH, GoodCustomers
from models.later_cohorts import LaterCohorts, later_cohorts
from models.permutation_importance import importance_frame, permutation_importance
from models.trait_coding import TraitCoding
from models.trait_contrasts import contrast_frame, trait_contrasts

LOGISTIC, BOOSTED = "logistic regression", "boosted trees"
FITTED_ON = 10_000  # more customers make the intervals narrower than anybody needs
_BATCH = 50_000


@dataclass(frozen=True)
class Scored:
    """What is expected of customers.

    Attributes
    ----------
    expected : pandas.Series
        Expected share of good ones among customers like each; of customers fitted on by models without them.
    by_fold : ndarray of shape (models, customers)
        What each fold's model expects of them, the folds of a repeat next to one another.
    folds : int
    """

    expected: pd.Series
    by_fold: Array
    folds: int

    def of(self, chosen: Array) -> "Scored":
        """Return the scores of some of the customers, chosen by a mask."""
        return Scored(self.expected[chosen], self.by_fold[:, chosen], self.folds)


@dataclass(frozen=True)
class IdealCustomer:
    """What the first purchase tells of who becomes a good customer.

    Attributes
    ----------
    method : str
        `LOGISTIC` or `BOOSTED`: the one that is used.
    auc : Estimate
        Of `method`, on customers not fitted on: how often, of one who became good and one who didn't, the first has
        the higher score. 0.5 is guessing.
    p_value : float
        How probable an AUC this high is where the first purchase tells nothing.
    judged : pandas.DataFrame
        Of both methods: method, auc, low, high.
    gain : Estimate
        By how much the AUC of the boosted trees is above that of the logistic regression.
    good : pandas.Series of bool
        The customers fitted and tested on, all or a sample of those watched.
    scores : pandas.Series
        Expected share of good ones, of the same customers, by models not fitted on them.
    importance : pandas.DataFrame
        One row a trait, the most important first: trait, loss (of AUC), low, high, p_alone (how probable it is that
        the trait, looked at alone, goes so closely with becoming good by chance, corrected for the number of traits by
        Holm's method), goes_with (whether that is below `SIGNIFICANT`), p_loss (how probable such a loss is where the
        score doesn't need the trait, corrected likewise for the number of traits that go with it; NaN of the others),
        tells (whether that is below `SIGNIFICANT`: the others don't say the same). Empty where the score tells nothing.
    contrasts : pandas.DataFrame
        Customers set side by side by one thing: trait, level (None of figures), above (the limit, NaN of text),
        customers, share (who became good), other_customers, other_share, difference, low, high (of the expected share,
        the other traits being alike). Sorted as `importance`, and within a trait by the size of `difference`.
    later : LaterCohorts or None
        None where there are too few.
    """

    method: str
    auc: Estimate
    p_value: float
    judged: pd.DataFrame
    gain: Estimate
    good: pd.Series
    scores: pd.Series
    importance: pd.DataFrame
    contrasts: pd.DataFrame
    later: LaterCohorts | None
    _coding: TraitCoding
    _models: tuple[Any, ...]
    _final: Any

    @property
    def tells(self) -> bool:
        """Whether the first purchase tells anything beyond chance."""
        return self.p_value < SIGNIFICANT

    def scored(self, customers: pd.DataFrame) -> Scored:
        """Return what is expected of customers, known or new.

        Parameters
        ----------
        customers : pandas.DataFrame
            As in `models.first_purchase.FirstPurchases`.
        """
        everybody = (self._final, *self._models)
        parts = []
        with threadpool_limits(1):
            for at in range(0, max(len(customers), 1), _BATCH):
                X = self._coding.coded(customers.iloc[at : at + _BATCH])
                parts.append([probability(model, X) for model in everybody])
        final, *by_fold = np.concatenate(parts, axis=1)
        expected = pd.Series(final, index=customers.index)
        expected.update(self.scores)
        return Scored(expected, np.array(by_fold), FOLDS)


def fit_ideal_customer(
    first: FirstPurchases,
    good: pd.Series,
    *,
    watched_days: int,
    coverage: float = 0.8,
    seed: int = 0,
) -> IdealCustomer:
    """Fit and test both models, and say what the traits tell.

    Parameters
    ----------
    first : FirstPurchases
    good : pandas.Series of bool
        Who became good, indexed by customer; customers of `first`, at least `FEWEST_OF_EACH` of both kinds. Of more
        than `FITTED_ON` a random sample is taken.
    watched_days : int
        How many days it takes to see who became good.
    coverage : float, default 0.8
        Of the intervals.
    seed : int, default 0

    Raises
    ------
    ValueError
        If there is no trait, or too few customers of a kind.
    """
    if not first.traits:
        raise ValueError("No trait differs between the customers, so nothing can be fitted.")
    if not GoodCustomers(good, math.nan).enough:
        raise ValueError(
            f"{int(good.sum())} of {len(good)} customers are good; it takes {FEWEST_CUSTOMERS} customers, and "
            f"{FEWEST_OF_EACH} of each kind."
        )
    if len(good) > FITTED_ON:
        chosen = np.random.default_rng(seed).choice(len(good), FITTED_ON, replace=False)
        good = good.iloc[np.sort(chosen)]
    customers = first.customers.loc[good.index]
    coding = TraitCoding(first.traits, customers)
    with threadpool_limits(1):
        return _fitted(coding, customers, good, watched_days, coverage, seed)


def _fitted(
    coding: TraitCoding, customers: pd.DataFrame, good: pd.Series, watched_days: int, coverage: float, seed: int
) -> IdealCustomer:
    X, y = coding.coded(customers), good.to_numpy()
    splits = shared_out(y, seed)
    boosted = partial(boosted_trees, seed)
    simple = Tested.of(logistic_regression, X, y, splits)
    # trees that don't rank better the first time round can't turn out better beyond chance, and take longest to fit
    trees = Tested.of(boosted, X, y, splits[:FOLDS])
    if (trees.areas - simple.areas[: len(trees.areas)]).mean() > 0:
        trees = trees.and_also(Tested.of(boosted, X, y, splits[len(trees.areas) :]))
    difference = trees.areas - simple.areas[: len(trees.areas)]
    tested = {LOGISTIC: simple, BOOSTED: trees}
    method = BOOSTED if above_zero(difference, FOLDS) < SIGNIFICANT else LOGISTIC
    chosen, make = tested[method], boosted if method == BOOSTED else logistic_regression
    judged = {name: _share(corrected_interval(each.areas, FOLDS, coverage)) for name, each in tested.items()}
    auc = judged[method]
    found = FoldModels(coding, X, y, splits, chosen.models)
    p_value = above_zero(tested[method].areas - 0.5, FOLDS)
    tells = p_value < SIGNIFICANT
    importance = permutation_importance(found, customers, coverage, seed) if tells else importance_frame([])
    contrasts = trait_contrasts(found, customers, coverage, seed) if tells else contrast_frame([])
    place = {name: number for number, name in enumerate(importance["trait"])}
    contrasts = contrasts.sort_values(
        ["trait", "difference"],
        key=lambda column: column.map(place) if column.name == "trait" else -column.abs(),
        kind="stable",
        ignore_index=True,
    )
    return IdealCustomer(
        method,
        auc,
        p_value,
        pd.DataFrame([(name, *each) for name, each in judged.items()], columns=["method", "auc", "low", "high"]),
        corrected_interval(difference, FOLDS, coverage),
        good,
        pd.Series(out_of_fold(chosen.scores, splits, len(y)), index=good.index),
        importance,
        contrasts,
        later_cohorts(coding.traits, customers, good, make, watched_days, coverage),
        coding,
        tuple(chosen.models),
        make().fit(X, y),
    )


def _share(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, max(estimate.low, 0.0), min(estimate.high, 1.0))
