"""Whether what was expected of new customers came true: scores beside what turned out."""

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import logit
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from models.cross_validation import Estimate
from models.ideal_customer import IdealCustomer

TENTHS_FROM = 1_000  # customers, from which scores are looked at in tenths


def by_score(ideal: IdealCustomer, *, coverage: float = 0.8) -> pd.DataFrame:
    """Return what was expected and what turned out, by parts of equal size from the lowest scores to the highest.

    Parameters
    ----------
    ideal : IdealCustomer
    coverage : float, default 0.8
        Of the Wilson intervals of what turned out.

    Returns
    -------
    pandas.DataFrame
        Ten rows, or five where there are fewer than `TENTHS_FROM` customers: part (from 1 up), customers, expected,
        turned_out, low, high.
    """
    parts = 10 if len(ideal.good) >= TENTHS_FROM else 5
    place = ideal.scores.rank(method="first") - 1
    part = (place * parts // len(place)).astype(int) + 1
    frame = pd.DataFrame({"part": part, "expected": ideal.scores, "turned_out": ideal.good.astype(float)})
    table = frame.groupby("part").agg(
        customers=("expected", "size"), expected=("expected", "mean"), turned_out=("turned_out", "mean")
    )
    ones = (table["turned_out"] * table["customers"]).round()
    table["low"], table["high"] = proportion_confint(ones, table["customers"], 1 - coverage, method="wilson")
    return table.reset_index()


def calibration(ideal: IdealCustomer, *, coverage: float = 0.8) -> Estimate:
    """Return how much of the differences between scores comes true, on the scale of logits: 1 is right.

    Below 1 the scores lie too far apart, above 1 too near one another. Source: Cox (1958), Two Further Applications of
    a Model for Binary Regression, *Biometrika* 45, 562-565.

    Parameters
    ----------
    ideal : IdealCustomer
    coverage : float, default 0.8
        Of the interval, which is Wald's.
    """
    limits = np.finfo(float).eps
    line = sm.Logit(
        ideal.good.to_numpy(float), sm.add_constant(logit(ideal.scores.clip(limits, 1 - limits).to_numpy()))
    )
    found = line.fit(disp=False)
    reach = float(norm.ppf((1 + coverage) / 2) * found.bse[1])
    return Estimate(float(found.params[1]), float(found.params[1]) - reach, float(found.params[1]) + reach)
