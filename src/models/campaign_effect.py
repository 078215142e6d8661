"""What an action did: customers on a list who were called against those of the same list who were held out by chance.

Everybody on a list is counted as the list had it, called or held out, whatever came of it (intention to treat): only
then is chance the one thing that sets the two groups apart. Of several lists together, each with its own share held
out and customers of its own kind, a list's called are held against its own held out, and the differences are weighted
by how many customers each list called.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import fisher_exact, norm, t
from statsmodels.stats.proportion import confint_proportions_2indep, power_proportions_2indep

from .randomisation import EQUAL, randomised_difference

Array = np.ndarray

SIGNIFICANCE = 0.05  # of both measures together, so each has half of it
OF_EACH = SIGNIFICANCE / 2
POWER = 0.80
WORTH_FINDING = 0.25
SHARE_LOTS = 9_999
FEWEST_BUYERS = 10  # in the control group, by chance, from which a mean revenue can be told


@dataclass(frozen=True)
class Effect:
    """What an action did to one measure.

    Attributes
    ----------
    called, held_out : float
        The group's share of customers who bought again, or its revenue a customer; of several lists together, both as
        if the group were made up of them like those called.
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
    lists: Any = None,
    coverage: float = 0.8,
    worth_finding: float = WORTH_FINDING,
    seed: Any = 0,
) -> CampaignEffect:
    """Measure what an action did to the customers of its list, or what the actions of several lists did together.

    Parameters
    ----------
    bought : array_like of bool, of shape (n,)
        Who bought again.
    revenue : array_like of shape (n,)
        What each brought; 0 for those who bought nothing.
    held_out : array_like of bool, of shape (n,)
        The control group, drawn at random within each list; at least two customers of each list, and at least two
        of each who were called.
    expected : array_like of shape (n,), optional
        What each was expected to bring when the list was drawn up, in any unit: it explains much of how revenue
        differs between customers, and so narrows the interval. NaN stands for the mean of the list.
    lists : array_like of shape (n,), optional
        Which list each customer stands on. By default it is one.
    coverage : float, default 0.8
        Of the intervals.
    worth_finding : float, default 0.25
        The difference that the groups should be able to show, as a share of what customers did anyway.
    seed : int or numpy.random.Generator, default 0
        Of the randomisation test.

    Returns
    -------
    CampaignEffect
        Where fewer than `FEWEST_BUYERS` of the control group would buy were it like the others, the revenue has a
        difference and a test, but no interval.

    Raises
    ------
    ValueError
        If the arrays differ in length, or either group of a list has fewer than two customers.

    See Also
    --------
    effect_on_share, effect_on_revenue : the methods.
    """
    held = np.asarray(held_out, dtype=bool)
    again, spent = np.asarray(bought, dtype=bool), np.asarray(revenue, dtype=float)
    known = None if expected is None else np.asarray(expected, dtype=float)
    of_list = np.zeros(len(held), dtype=int) if lists is None else np.unique(np.asarray(lists), return_inverse=True)[1]
    if len({len(each) for each in (held, again, spent, of_list, held if known is None else known)}) > 1:
        raise ValueError("bought, revenue, held_out, expected and lists must be of one length.")
    number = int(of_list.max(initial=0)) + 1
    listed, control, buyers, buyers_held = (
        np.bincount(of_list, weights=of, minlength=number).astype(int)
        for of in (np.ones(len(held)), held, again, again & held)
    )
    called = listed - control
    if min(control.min(), called.min()) < 2:
        few = int(np.argmin(np.minimum(control, called)))
        raise ValueError(
            f"{control[few]} of {listed[few]} customers are held out; both groups need at least two customers."
        )
    share = effect_on_share(buyers - buyers_held, called, buyers_held, control, coverage, worth_finding, seed)
    money = effect_on_revenue(spent, held, known, of_list, coverage, worth_finding, seed)
    if control @ (buyers / listed) < FEWEST_BUYERS:
        money = replace(money, low=np.nan, high=np.nan, smallest_found=np.inf, customers_needed=np.nan)
    return CampaignEffect(int(called.sum()), int(control.sum()), share, money)


def effect_on_share(
    bought: Any,
    called: Any,
    bought_anyway: Any,
    held_out: Any,
    coverage: float = 0.8,
    worth_finding: float = 0.25,
    seed: Any = 0,
) -> Effect:
    """Measure the difference in the share that bought again.

    The interval of one list is Newcombe's (1998) hybrid of two score intervals; those of several lists are put
    together as Zou & Donner (2008) do, each end's distance from the difference as a standard error, so that the
    variances of the lists add up. The test of one list is Fisher's: given how many bought again, the number of them
    in a control group drawn by lot is hypergeometric, so the test is exactly the lot's own. That of several lists is
    the same, the lots of all lists drawn again.

    Parameters
    ----------
    bought, called : int or array_like of shape (lists,)
        Of those called, who bought again, and all of them.
    bought_anyway, held_out : int or array_like of shape (lists,)
        The same of the control group.
    coverage : float, default 0.8
    worth_finding : float, default 0.25
    seed : int or numpy.random.Generator, default 0
        Of the test of several lists.

    Returns
    -------
    Effect
        `held_out` is what those called would have done by the control groups: each list's counts as it does among
        those called.

    References
    ----------
    Newcombe, R. G. (1998). Interval Estimation for the Difference between Independent Proportions: Comparison of
    Eleven Methods. *Statistics in Medicine* 17(8), 873-890; method 10.
    Zou, G. Y. & A. Donner (2008). Construction of Confidence Limits about Effect Measures: A General Approach.
    *Statistics in Medicine* 27(10), 1693-1702.
    Fisher, R. A. (1935). *The Design of Experiments*, chapter 2.
    """
    bought, called, bought_anyway, held_out = (
        np.atleast_1d(each) for each in (bought, called, bought_anyway, held_out)
    )
    weight = called / called.sum()
    apart = bought / called - bought_anyway / held_out
    difference = float(weight @ apart)
    ends = [
        confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=1 - coverage)
        for counts in zip(bought, called, bought_anyway, held_out, strict=True)
    ]
    below, above = np.sqrt(weight**2 @ (np.array(ends) - apart[:, np.newaxis]) ** 2)
    anyway = (bought + bought_anyway) / (called + held_out)
    return _effect(
        float(weight @ (bought / called)),
        float(weight @ (bought_anyway / held_out)),
        difference,
        (difference - float(below), difference + float(above)),
        _share_test(bought, called, bought_anyway, held_out, seed),
        _smallest_share_found(anyway, called, held_out),
        worth_finding * float(weight @ anyway),
        int(called.sum() + held_out.sum()),
    )


def _share_test(bought: Array, called: Array, bought_anyway: Array, held_out: Array, seed: Any) -> float:
    """Probability that lots drawn again set the shares so far apart."""
    if len(called) == 1:
        table = [[bought[0], called[0] - bought[0]], [bought_anyway[0], held_out[0] - bought_anyway[0]]]
        return float(fisher_exact(table).pvalue)
    buyers = bought + bought_anyway
    customers = called + held_out
    # a buyer more among a list's held out takes so much off the difference
    each = called / called.sum() * (1 / called + 1 / held_out)
    by_chance = held_out * buyers / customers
    drawn = np.random.default_rng(seed).hypergeometric(
        buyers, customers - buyers, held_out, size=(SHARE_LOTS, len(called))
    )
    observed = abs(float((bought_anyway - by_chance) @ each))
    as_uneven = np.count_nonzero(np.abs((drawn - by_chance) @ each) >= observed - EQUAL)
    return (int(as_uneven) + 1) / (SHARE_LOTS + 1)


def effect_on_revenue(
    revenue: Array,
    held_out: Array,
    expected: Array | None = None,
    lists: Array | None = None,
    coverage: float = 0.8,
    worth_finding: float = 0.25,
    seed: Any = 0,
) -> Effect:
    """Measure the difference in revenue a customer.

    Interval and test are those of the lot itself, see `models.randomisation`: they hold however skewed revenue is.
    What a customer was expected to bring is taken off first, times its slope within the lists.

    Parameters
    ----------
    revenue : ndarray of shape (n,)
    held_out : ndarray of bool, of shape (n,)
    expected : ndarray of shape (n,), optional
    lists : ndarray of int, of shape (n,), optional
        From 0 on, every number in use; by default all are on one list.
    coverage : float, default 0.8
    worth_finding : float, default 0.25
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    Effect
        `held_out` is what those called would have brought by the control groups: each list's mean counts as it does
        among those called. `low` and `high` are NaN, and `smallest_found` infinite, where all brought the same.
    """
    of_list = np.zeros(len(revenue), dtype=int) if lists is None else lists
    found = randomised_difference(revenue, held_out, of_list, expected, coverage, seed)
    called, control = (
        np.bincount(of_list[group], revenue[group]) / np.bincount(of_list[group]) for group in (~held_out, held_out)
    )
    weight = np.bincount(of_list[~held_out]) / np.count_nonzero(~held_out)
    anyway = np.bincount(of_list, revenue) / np.bincount(of_list)
    smallest = np.inf
    if np.isfinite(found.error):
        quantiles = t.ppf(1 - OF_EACH / 2, found.freedom) + t.ppf(POWER, found.freedom)
        smallest = found.error * float(quantiles)
    return _effect(
        float(weight @ called),
        float(weight @ control),
        found.value,
        (found.low, found.high),
        found.p_value,
        smallest,
        worth_finding * float(weight @ anyway),
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


def _smallest_share_found(anyway: Array, called: Array, held_out: Array) -> float:
    """Find the smallest rise above `anyway` that is found with a probability of `POWER`; infinite if none is."""
    if len(called) > 1:
        weight = called / called.sum()
        error = float(np.sqrt(weight**2 @ (anyway * (1 - anyway) * (1 / called + 1 / held_out))))
        smallest = error * float(norm.ppf(1 - OF_EACH / 2) + norm.ppf(POWER))
        return smallest if 0 < smallest <= float(weight @ (1 - anyway)) else np.inf
    share, number = float(anyway[0]), int(called[0])
    if not 0 < share < 1:
        return np.inf

    def short_of_power(rise: float) -> float:
        power = power_proportions_2indep(
            rise, share, number, ratio=held_out[0] / number, alpha=OF_EACH, return_results=False
        )
        return float(power) - POWER

    largest = (1 - share) * (1 - 1e-9)
    return np.inf if short_of_power(largest) < 0 else float(brentq(short_of_power, 1e-9, largest))
