"""What shuffling a trait costs, of models that are known to the last letter."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from models.first_purchase import Trait
from models.fold_models import FoldModels
from models.permutation_importance import importance_frame, permutation_importance
from models.trait_coding import TraitCoding

CUSTOMERS, FOLDS = 2000, 10
NEEDED, IDLE = Trait("needed", "number", ("needed",)), Trait("idle", "number", ("idle",))
PAIR = Trait("pair", "flags", ("tea", "milk"), ("tea", "milk"))


class Knows:
    """A model that is a formula of the columns."""

    def __init__(self, score: Callable[[np.ndarray], np.ndarray]) -> None:
        self.score = score

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.column_stack([1 - self.score(X), self.score(X)])


def importance(score: Callable[[np.ndarray], np.ndarray]) -> pd.DataFrame:
    """Return the importance for a formula of the columns needed (below 0: not good), idle, tea and milk, by trait."""
    random = np.random.default_rng(8)
    tea = random.integers(0, 2, CUSTOMERS)
    needed, idle = random.permutation(np.arange(CUSTOMERS) - 999.5), random.permutation(CUSTOMERS)
    customers = pd.DataFrame({"needed": needed, "idle": idle.astype(float), "tea": tea, "milk": tea})
    coding = TraitCoding((IDLE, NEEDED, PAIR), customers)
    X = np.column_stack([coding.coded(customers)[:, coding.columns(trait)] for trait in (IDLE, NEEDED, PAIR)])
    folds = np.array_split(np.arange(CUSTOMERS), FOLDS)
    splits = [(np.setdiff1d(np.arange(CUSTOMERS), fold), fold) for fold in folds]
    found = FoldModels(coding, X, needed > 0, splits, [Knows(score)] * FOLDS)
    return permutation_importance(found, customers, 0.8, 1).set_index("trait")


def test_a_trait_that_ranks_all_by_itself_loses_half_and_an_idle_one_nothing():
    found = importance(lambda X: X[:, 1])
    assert found.index.tolist() == ["needed", "idle", "pair"]
    # shuffled, a perfect ranking is a guess: 1 - 0.5
    assert found.loc["needed", "loss"] == pytest.approx(0.5, abs=0.03)
    assert found["low"].iloc[0] < 0.5 < found["high"].iloc[0]
    assert found.loc[["idle", "pair"], ["loss", "low", "high"]].to_numpy().tolist() == [[0] * 3] * 2
    assert found["tells"].tolist() == [True, False, False]
    assert found["goes_with"].tolist() == [True, False, False]


def test_what_belongs_to_one_trait_is_shuffled_together():
    """Tea and milk are bought together: whoever shuffles them apart turns the ranking of half the customers round."""
    together = importance(lambda X: np.where(X[:, 2] == X[:, 3], X[:, 1], -X[:, 1]))
    assert together.loc["pair", "loss"] == 0


def test_chances_are_corrected_for_the_traits_that_are_looked_at():
    rows = [("a", 0.01, 0, 1, 0.04, 0.001), ("b", 0.20, 0, 1, 0.01, 0.03), ("c", 0.10, 0, 1, 0.005, 0.02)]
    frame = importance_frame(rows)
    assert frame["trait"].tolist() == ["b", "c", "a"]
    assert frame["p_alone"].tolist() == pytest.approx([0.02, 0.015, 0.04])
    assert frame["p_loss"].tolist() == pytest.approx([0.04, 0.04, 0.003])
    assert frame["tells"].all()


def test_a_trait_that_may_go_with_success_by_chance_tells_nothing_and_raises_no_other():
    frame = importance_frame([("a", 0.02, 0, 1, 0.03, 0.001), ("b", 0.01, 0, 1, 0.001, 0.04), ("c", 0, 0, 1, 0.9, 0.9)])
    assert frame["goes_with"].tolist() == [False, True, False]
    assert frame["p_loss"].tolist() == pytest.approx([np.nan, 0.04, np.nan], nan_ok=True)
    assert frame["tells"].tolist() == [False, True, False]
