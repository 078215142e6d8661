"""Are the new customers getting better? Who turned out good, and what the first purchase lets expect of the others."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from models.cross_validation import Estimate, jackknife_error
from models.ideal_customer import Scored

Array = np.ndarray

COLUMNS = ["group", "customers", "watched", "good", "turned_out", "turned_out_low", "turned_out_high"]
EXPECTED = ["expected", "expected_low", "expected_high"]


@dataclass(frozen=True)
class Trend:
    """A share of good ones over the time in which customers came, as a straight line.

    Attributes
    ----------
    first, last : datetime.date
        Between which days.
    customers : int
    at_first, at_last : float
        The line's ends.
    change : Estimate
        From the first day to the last.
    p_value : float
        How probable so large a change is where there is none.
    """

    first: dt.date
    last: dt.date
    customers: int
    at_first: float
    at_last: float
    change: Estimate
    p_value: float


@dataclass(frozen=True)
class Newest:
    """Customers too new to be watched to the end, beside those before.

    Attributes
    ----------
    customers : int
    expected, before : float
        Expected share of good ones among them, and among those before, by the same models.
    difference : Estimate
    p_value : float
        How probable so large a difference is where there is none.
    """

    customers: int
    expected: float
    before: float
    difference: Estimate
    p_value: float


def months(first_day: pd.Series) -> pd.Series:
    """Return the month of each customer's first purchase, as 2025-03."""
    return first_day.dt.strftime("%Y-%m")


def quality(groups: pd.Series, good: pd.Series, scored: Scored | None, *, coverage: float = 0.8) -> pd.DataFrame:
    """Return the share of good ones by group of customers: what is expected, and what turned out.

    Parameters
    ----------
    groups : pandas.Series
        The group of each customer, indexed by customer as `scored` is.
    good : pandas.Series of bool
        Who became good, of the customers watched for long enough.
    scored : Scored or None
        What is expected of the customers. None: the first purchase doesn't tell.
    coverage : float, default 0.8
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        Sorted by group: group, customers, watched, good, turned_out (NaN where nobody is watched) with its Wilson
        interval, in which the share lies among customers like these, and, with `scored`, expected with the interval in
        which the share among these very customers comes out: it allows for chance and for how sure the models are.
    """
    known = good.reindex(groups.index)
    frame = pd.DataFrame({"group": groups, "good": known.eq(True), "watched": known.notna()})
    counted = frame.groupby("group", sort=True)
    table = counted.agg(customers=("watched", "size"), watched=("watched", "sum"), good=("good", "sum")).reset_index()
    seen, ones = table["watched"].to_numpy(), table["good"].to_numpy()
    low, high = proportion_confint(ones, np.maximum(seen, 1), 1 - coverage, method="wilson")
    for name, values in (
        ("turned_out", ones / np.maximum(seen, 1)),
        ("turned_out_low", low),
        ("turned_out_high", high),
    ):
        table[name] = np.where(seen > 0, values, np.nan)
    if scored is None:
        return table[COLUMNS]
    expected = scored.expected.to_numpy()
    places = pd.Categorical(groups, categories=table["group"]).codes
    sizes = table["customers"].to_numpy()
    mean = np.bincount(places, expected) / sizes
    chance = np.bincount(places, expected * (1 - expected)) / sizes**2
    by_fold = np.array([np.bincount(places, each) / sizes for each in scored.by_fold])
    error = np.sqrt(chance + jackknife_error(by_fold, scored.folds) ** 2)
    reach = norm.ppf((1 + coverage) / 2) * error
    table[EXPECTED] = np.column_stack([mean, np.clip(mean - reach, 0, 1), np.clip(mean + reach, 0, 1)])
    return table[[*COLUMNS, *EXPECTED]]


def trend(first_day: pd.Series, share: pd.Series, scored: Scored | None = None, *, coverage: float = 0.8) -> Trend:
    """Fit a straight line through what became, or is expected, of customers by the day they came.

    Least squares with errors that hold whatever the spread (White's), and, of what is expected, with how sure the
    models are.

    Parameters
    ----------
    first_day : pandas.Series of datetime
        Indexed by customer; at least two different days.
    share : pandas.Series
        Whether each became good, or the expected share; indexed as `first_day`.
    scored : Scored, optional
        Where `share` is what is expected: of the same customers.
    coverage : float, default 0.8

    Raises
    ------
    ValueError
        If all came on one day.
    """
    first, last = first_day.min(), first_day.max()
    if first == last:
        raise ValueError("All customers came on one day, so there is no trend.")
    time = ((first_day - first) / (last - first)).to_numpy(float)
    line = sm.OLS(share.to_numpy(float), sm.add_constant(time)).fit(cov_type="HC1")
    start, change = line.params
    centred = time - time.mean()
    error = float(line.bse[1])
    if scored is not None:
        slopes = scored.by_fold @ centred / (centred @ centred)
        error = float(np.hypot(error, jackknife_error(slopes, scored.folds)))
    estimate, p_value = _around(float(change), error, coverage)
    return Trend(first.date(), last.date(), len(time), float(start), float(start + change), estimate, p_value)


def newest(scored: Scored, watched: pd.Series, *, coverage: float = 0.8) -> Newest:
    """Set the customers too new to be watched beside those before, by what is expected of both.

    Parameters
    ----------
    scored : Scored
    watched : pandas.Series of bool
        Indexed as the scores; at least two customers of each kind.
    coverage : float, default 0.8

    Raises
    ------
    ValueError
        If there are fewer than two of a kind.
    """
    new, scores = ~watched.to_numpy(bool), scored.expected.to_numpy()
    if min(new.sum(), (~new).sum()) < 2:
        raise ValueError("It takes two customers that are new, and two that aren't, to compare them.")
    now, before = scores[new], scores[~new]
    by_fold = scored.by_fold[:, new].mean(axis=1) - scored.by_fold[:, ~new].mean(axis=1)
    spread = now.var(ddof=1) / len(now) + before.var(ddof=1) / len(before)
    error = float(np.sqrt(spread + jackknife_error(by_fold, scored.folds) ** 2))
    difference, p_value = _around(float(now.mean() - before.mean()), error, coverage)
    return Newest(len(now), float(now.mean()), float(before.mean()), difference, p_value)


def _around(value: float, error: float, coverage: float) -> tuple[Estimate, float]:
    reach = float(norm.ppf((1 + coverage) / 2)) * error
    chance = float(2 * norm.sf(abs(value) / error)) if error > 0 else float(value == 0)
    return Estimate(value, value - reach, value + reach), chance
