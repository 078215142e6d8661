"""How a model fitted on earlier customers does on later ones: validation in time."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from models.cross_validation import Estimate, area_with_interval
from models.first_purchase import Trait
from models.fold_models import probability
from models.good_customers import FEWEST_CUSTOMERS, enough_of_each
from models.trait_coding import TraitCoding

EARLIER = 2 / 3  # share of the customers, the earliest, that the test on later ones is fitted on


@dataclass(frozen=True)
class LaterCohorts:
    """How a model fitted on earlier customers did on later ones.

    Attributes
    ----------
    since : datetime.date
        First day of the later ones.
    customers : int
        The later ones.
    known_by_then : bool
        Whether all that the model was fitted on was known before the first of the later ones came.
    auc : Estimate
    expected, turned_out : float
        Share of good ones among the later ones.
    """

    since: dt.date
    customers: int
    known_by_then: bool
    auc: Estimate
    expected: float
    turned_out: float


def later_cohorts(
    traits: Sequence[Trait],
    customers: pd.DataFrame,
    good: pd.Series,
    make: Callable[[], Any],
    watched_days: int,
    coverage: float,
) -> LaterCohorts | None:
    """Fit a model on the earlier customers and test it on the later ones; None where either are too few.

    Parameters
    ----------
    traits : sequence of Trait
    customers : pandas.DataFrame
        See `models.first_purchase.FirstPurchases`.
    good : pandas.Series of bool
        Who became good, of the same customers in the same order.
    make : callable
        Returns a classifier that isn't fitted yet.
    watched_days : int
        How many days it takes to see who became good.
    coverage : float
        Of the interval of the area under the curve.
    """
    began = customers["first_day"]
    since = began.sort_values().iloc[min(int(EARLIER * len(began)), len(began) - 1)]
    later = (began >= since).to_numpy()
    known_by_then = (began + pd.Timedelta(days=watched_days) < since).to_numpy()
    y = good.to_numpy()
    if not enough_of_each(y[later]):
        return None
    whole = enough_of_each(y[known_by_then]) and int(known_by_then.sum()) >= FEWEST_CUSTOMERS
    earlier = known_by_then if whole else ~later
    if not enough_of_each(y[earlier]):
        return None
    coding = TraitCoding(traits, customers[earlier])
    model = make().fit(coding.coded(customers[earlier]), y[earlier])
    score = probability(model, coding.coded(customers[later]))
    area = area_with_interval(y[later], score, coverage)
    return LaterCohorts(since.date(), int(later.sum()), bool(whole), area, float(score.mean()), float(y[later].mean()))
