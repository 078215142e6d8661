"""What an action did: customers on a list who were called against those of the same list who were held out by chance.

Everybody on a list is counted as the list had it, called or held out, whatever came of it (intention to treat): only
then is chance the one thing that sets the two groups apart.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import fisher_exact, t, ttest_ind
from statsmodels.stats.proportion import confint_proportions_2indep, power_proportions_2indep

Array = np.ndarray

SIGNIFICANCE = 0.05  # of both measures together, so each has half of it
OF_EACH = SIGNIFICANCE / 2
POWER = 0.80
WORTH_FINDING = 0.25
RESAMPLES = 1999
FEWEST_RESAMPLES = 499
RESAMPLED = 100_000_000  # customers drawn in all resamples together
ENOUGH_AS_LARGE = 100
SMALLEST_ERROR = 1e-300
FEWEST_BUYERS = 5  # in the control group, by chance, from which a mean revenue is near enough to normal


@dataclass(frozen=True)
class Effect:
    """What an action did to one measure.

    Attributes
    ----------
    called, held_out : float
        The group's share of customers who bought again, or its revenue a customer.
    difference : float
        What the action added, a customer: of revenue after taking account of what was expected of each group.
    low, high : float
        Interval of the difference; NaN where the groups say too little for one.
    p_value : float
        Probability that chance alone, in drawing the control group, sets the groups so far apart.
    is_effect : bool
        Whether that probability is at most half of `SIGNIFICANCE`: the other half is the other measure's.
    smallest_found : float
        The smallest difference that groups of this size show with a probability of `POWER`, in the measure's units;
        infinite where they show none.
    worth_finding : float
        The difference that was to be found: a share of what customers did anyway.
    customers_needed : float
        How long the list would have to be to find that difference; NaN where customers did nothing.
    """

    called: float
    held_out: float
    difference: float
    low: float
    high: float
    p_value: float
    is_effect: bool
    smallest_found: float
    worth_finding: float
    customers_needed: float

    @property
    def large_enough(self) -> bool:
        """Whether the groups were large enough to show the difference that was worth finding."""
        return self.smallest_found <= self.worth_finding


@dataclass(frozen=True)
class CampaignEffect:
    """What an action did.

    Attributes
    ----------
    called, held_out : int
        Customers.
    share, revenue : Effect
        Share of customers who bought again; revenue a customer, those who bought nothing included.
    """

    called: int
    held_out: int
    share: Effect
    revenue: Effect

    @property
    def is_effect(self) -> bool:
        """Whether either measure shows one."""
        return self.share.is_effect or self.revenue.is_effect


def campaign_effect(
    bought: Any,
    revenue: Any,
    held_out: Any,
    expected: Any = None,
    *,
    coverage: float = 0.8,
    worth_finding: float = WORTH_FINDING,
    seed: Any = 0,
) -> CampaignEffect:
    """Measure what an action did to the customers of its list.

    Parameters
    ----------
    bought : array_like of bool, of shape (n,)
        Who bought again.
    revenue : array_like of shape (n,)
        What each brought; 0 for those who bought nothing.
    held_out : array_like of bool, of shape (n,)
        The control group, drawn at random; at least two customers, and at least two who were called.
    expected : array_like of shape (n,), optional
        What each was expected to bring when the list was drawn up, in any unit: it explains much of how revenue
        differs between customers, and so narrows the interval. NaN stands for the mean of those called.
    coverage : float, default 0.8
        Of the intervals.
    worth_finding : float, default 0.25
        The difference that the groups should be able to show, as a share of what customers did anyway.
    seed : int or numpy.random.Generator, default 0
        Of the randomisation test.

    Returns
    -------
    CampaignEffect

    Raises
    ------
    ValueError
        If the arrays differ in length, or either group has fewer than two customers.

    See Also
    --------
    effect_on_share, effect_on_revenue : the methods.
    """
    held = np.asarray(held_out, dtype=bool)
    again, spent = np.asarray(bought, dtype=bool), np.asarray(revenue, dtype=float)
    known = None if expected is None else np.asarray(expected, dtype=float)
    if len({len(each) for each in (held, again, spent, held if known is None else known)}) > 1:
        raise ValueError("bought, revenue, held_out and expected must be of one length.")
    control = int(held.sum())
    if min(control, len(held) - control) < 2:
        raise ValueError(f"{control} of {len(held)} customers are held out; both groups need at least two.")
    called = len(held) - control
    share = effect_on_share(int(again[~held].sum()), called, int(again[held].sum()), control, coverage, worth_finding)
    money = effect_on_revenue(spent, held, known, coverage, worth_finding, seed)
    if control * again.mean() < FEWEST_BUYERS:
        money = replace(money, low=np.nan, high=np.nan, smallest_found=np.inf, customers_needed=np.nan)
    return CampaignEffect(called, control, share, money)


def effect_on_share(
    bought: int, called: int, bought_anyway: int, held_out: int, coverage: float = 0.8, worth_finding: float = 0.25
) -> Effect:
    """Measure the difference in the share that bought again.

    The interval is Newcombe's (1998) hybrid of two score intervals. The test is Fisher's: given how many bought
    again, the number of them in a control group drawn by lot is hypergeometric, so the test is exactly the lot's own.

    Parameters
    ----------
    bought, called : int
        Of those called, who bought again, and all of them.
    bought_anyway, held_out : int
        The same of the control group.
    coverage : float, default 0.8
    worth_finding : float, default 0.25

    Returns
    -------
    Effect

    References
    ----------
    Newcombe, R. G. (1998). Interval Estimation for the Difference between Independent Proportions: Comparison of
    Eleven Methods. *Statistics in Medicine* 17(8), 873-890; method 10.
    Fisher, R. A. (1935). *The Design of Experiments*, chapter 2.
    """
    low, high = confint_proportions_2indep(
        bought, called, bought_anyway, held_out, method="newcomb", compare="diff", alpha=1 - coverage
    )
    table = [[bought, called - bought], [bought_anyway, held_out - bought_anyway]]
    anyway = (bought + bought_anyway) / (called + held_out)
    smallest = _smallest_share_found(anyway, called, held_out)
    return _effect(
        bought / called,
        bought_anyway / held_out,
        bought / called - bought_anyway / held_out,
        (low, high),
        float(fisher_exact(table).pvalue),
        smallest,
        worth_finding * anyway,
        called + held_out,
    )


def effect_on_revenue(
    revenue: Array,
    held_out: Array,
    expected: Array | None = None,
    coverage: float = 0.8,
    worth_finding: float = 0.25,
    seed: Any = 0,
) -> Effect:
    """Measure the difference in revenue a customer.

    What a customer was expected to bring is taken off first, times the slope of revenue on expectation among those
    called: they are many, and being the other group they leave the control group's mean as chance made it. The
    interval is Welch's, of two means with variances of their own. The test is a randomisation test with the
    studentised difference: control groups are drawn again by lot, which is exact where the action did nothing to
    anybody, however skewed revenue is.

    Parameters
    ----------
    revenue : ndarray of shape (n,)
    held_out : ndarray of bool, of shape (n,)
    expected : ndarray of shape (n,), optional
    coverage : float, default 0.8
    worth_finding : float, default 0.25
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    Effect
        `low` and `high` are NaN, and `smallest_found` infinite, where all brought the same.

    References
    ----------
    Welch, B. L. (1947). The Generalization of "Student's" Problem when Several Different Population Variances are
    Involved. *Biometrika* 34(1-2), 28-35.
    Deng, A., Y. Xu, R. Kohavi & T. Walker (2013). Improving the Sensitivity of Online Controlled Experiments by
    Utilizing Pre-Experiment Data. *WSDM '13*, 123-132.
    Wu, J. & P. Ding (2021). Randomization Tests for Weak Null Hypotheses in Randomized Experiments. *Journal of the
    American Statistical Association* 116(536), 1898-1913.
    """
    beyond = _beyond_expectation(revenue, expected, ~held_out)
    called, control = beyond[~held_out], beyond[held_out]
    difference = float(called.mean() - control.mean())
    low, high, smallest = np.nan, np.nan, np.inf
    # sums of equal amounts differ in their last digits
    digits = 1e-9 * np.abs(revenue).max(initial=0.0)
    if max(np.ptp(called), np.ptp(control)) > digits:
        compared = ttest_ind(called, control, equal_var=False)
        low, high = compared.confidence_interval(coverage)
        error = (high - low) / 2 / t.ppf((1 + coverage) / 2, compared.df)
        smallest = float(error * (t.ppf(1 - OF_EACH / 2, compared.df) + t.ppf(POWER, compared.df)))
    # by chance both groups are one, and so is the slope
    of_all = _beyond_expectation(revenue, expected, np.ones(len(revenue), dtype=bool))
    p_value = _randomisation_test(of_all, held_out, seed) if np.ptp(of_all) > digits else 1.0
    return _effect(
        float(revenue[~held_out].mean()),
        float(revenue[held_out].mean()),
        difference,
        (float(low), float(high)),
        p_value,
        smallest,
        worth_finding * float(revenue.mean()),
        len(revenue),
    )


def _effect(
    called: float,
    held_out: float,
    difference: float,
    bounds: tuple[float, float],
    p_value: float,
    smallest: float,
    worth: float,
    customers: int,
) -> Effect:
    # the difference that can be found falls with the root of the number of customers
    needed = customers * (smallest / worth) ** 2 if worth > 0 and np.isfinite(smallest) else np.nan
    return Effect(called, held_out, difference, *bounds, p_value, p_value <= OF_EACH, smallest, worth, float(needed))


def _beyond_expectation(revenue: Array, expected: Array | None, by: Array) -> Array:
    """Take off what was expected, times its slope among the customers `by`."""
    if expected is None or np.isnan(expected[by]).all():
        return revenue
    away = np.nan_to_num(expected - np.nanmean(expected[by]))
    centred = away[by] - away[by].mean()
    spread = float(centred @ centred)
    return revenue if spread == 0 else revenue - float(centred @ revenue[by]) / spread * away


def _randomisation_test(values: Array, held_out: Array, seed: Any) -> float:
    """Share of control groups drawn by lot whose studentised difference is at least as large as this one's.

    Drawing ends early once so many are as large that no effect can be meant: the sequential test of Besag & Clifford
    (1991), Sequential Monte Carlo p-Values, *Biometrika* 78(2), which is as exact.
    """
    customers, control = len(values), int(held_out.sum())
    values = values - values.mean()
    squares = float(values @ values)
    observed = _studentised(values[held_out], squares, customers) * (1 - 1e-9)
    random = np.random.default_rng(seed)
    resamples = int(np.clip(RESAMPLED // customers, FEWEST_RESAMPLES, RESAMPLES))
    as_large = 0
    for number in range(1, resamples + 1):
        drawn = values[random.choice(customers, control, replace=False, shuffle=False)]
        as_large += _studentised(drawn, squares, customers) >= observed
        if as_large == ENOUGH_AS_LARGE:
            return as_large / number
    return (as_large + 1) / (resamples + 1)


def _studentised(drawn: Array, squares: float, customers: int) -> float:
    """Difference of two means over its standard error, of those drawn and the others; the mean of all is 0."""
    total, own = float(drawn.sum()), float(drawn @ drawn)
    control, called = len(drawn), customers - len(drawn)
    error = max(own - total**2 / control, 0.0) / (control - 1) / control
    error += max(squares - own - total**2 / called, 0.0) / (called - 1) / called
    # where all of a group brought the same, the smallest error above 0 keeps differences in order
    return abs(total / control + total / called) / math.sqrt(max(error, SMALLEST_ERROR))


def _smallest_share_found(anyway: float, called: int, held_out: int) -> float:
    """Find the smallest rise above `anyway` that is found with a probability of `POWER`; infinite if none is."""
    if not 0 < anyway < 1:
        return np.inf

    def short_of_power(rise: float) -> float:
        power = power_proportions_2indep(
            rise, anyway, called, ratio=held_out / called, alpha=OF_EACH, return_results=False
        )
        return float(power) - POWER

    largest = (1 - anyway) * (1 - 1e-9)
    return np.inf if short_of_power(largest) < 0 else float(brentq(short_of_power, 1e-9, largest))
