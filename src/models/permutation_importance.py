"""How much a trait matters: what the ranking of customers loses when the trait is shuffled among them.

Traits that go together share what they tell, so each may look smaller than both are.

References
----------
Breiman, L. (2001). Random Forests. *Machine Learning* 45(1), 5-32.
Fisher, A., C. Rudin & F. Dominici (2019). All Models are Wrong, but Many are Useful. *Journal of Machine Learning
Research* 20(177).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.association import SIGNIFICANT, goes_with_success
from models.cross_validation import above_zero, area_under_curve, corrected_interval
from models.fold_models import FOLDS, FoldModels, at_most, probability
from models.multiple_comparisons import holm

SHUFFLES = 3
SHUFFLED_AT_MOST = 1_000  # customers of a fold


def permutation_importance(found: FoldModels, customers: pd.DataFrame, coverage: float, seed: int) -> pd.DataFrame:
    """Shuffle each trait among the customers of each fold, and look at each alone.

    Parameters
    ----------
    found : FoldModels
    customers : pandas.DataFrame
        The same customers; see `models.first_purchase.FirstPurchases`.
    coverage : float
        Of the intervals.
    seed : int

    Returns
    -------
    pandas.DataFrame
        See `models.ideal_customer.IdealCustomer`, attribute `importance`.
    """
    random = np.random.default_rng(seed)
    losses = np.zeros((len(found.splits), len(found.coding.traits)))
    for fold, (model, (_, tested)) in enumerate(zip(found.models, found.splits, strict=True)):
        taken = at_most(tested, SHUFFLED_AT_MOST, found.y, random)
        X, y = found.X[taken], found.y[taken]
        whole = area_under_curve(y, probability(model, X))
        for number, trait in enumerate(found.coding.traits):
            columns = found.coding.columns(trait)
            shuffled = np.tile(X, (SHUFFLES, 1))
            order = np.concatenate([random.permutation(len(X)) for _ in range(SHUFFLES)])
            shuffled[:, columns] = X[order][:, columns]
            scores = probability(model, shuffled).reshape(SHUFFLES, -1)
            losses[fold, number] = whole - np.mean([area_under_curve(y, score) for score in scores])
    rows = []
    for number, trait in enumerate(found.coding.traits):
        loss = corrected_interval(losses[:, number], FOLDS, coverage)
        alone = goes_with_success(trait, customers, found.y)
        rows.append((trait.name, *loss, alone, above_zero(losses[:, number], FOLDS)))
    return importance_frame(rows)


def importance_frame(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return the table of importance, its probabilities corrected for the number of traits.

    Parameters
    ----------
    rows : sequence of tuple
        One a trait: its name, the loss of AUC, its low and high, and, as yet uncorrected, p_alone and p_loss.

    Returns
    -------
    pandas.DataFrame
        See `models.ideal_customer.IdealCustomer`, attribute `importance`.
    """
    frame = pd.DataFrame(rows, columns=["trait", "loss", "low", "high", "p_alone", "p_loss"])
    frame["p_alone"] = holm(frame["p_alone"])
    frame["goes_with"] = frame["p_alone"] < SIGNIFICANT
    frame["p_loss"] = holm(frame["p_loss"].astype(float).where(frame["goes_with"]))
    frame["tells"] = frame["p_loss"] < SIGNIFICANT
    return frame.sort_values("loss", ascending=False, kind="stable", ignore_index=True)
