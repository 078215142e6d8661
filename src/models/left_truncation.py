"""Whether a ledger begins in the middle of its customers' lives.

Where it does it is truncated on the left (Klein & Moeschberger 2003, section 3.4): customers of before are "first seen"
when next they buy, and who had left by then is not seen at all. For a customer who buys at random the wait from any day
to the next purchase is a forward recurrence time (Cox 1962, chapter 5), and three things follow which nothing else
makes together. First appearances crowd at the beginning and fall off like that wait. Who is seen first early buys more
often, for the frequent are met first, and nobody is met who left after one purchase. And so the early ones come back
like customers known for long, where a real new customer comes back like those who are new later.

How long that wait is and how often known customers come back is read from the ledger's middle: whoever bought before it
is known, and the ledger is looked at as if it began there.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from models.customer_days import CustomerDays, customer_days, day_number, days_to_next, first_rows

Array = np.ndarray

FEWEST = 30  # customers in each group compared
SHORTEST_WATCH_DAYS = 7
NEARLY_ALL = 0.9  # the time in which this share of the customers is first seen is the time of acquisition
OPENING = 0.25  # and the opening at most this share of it
PARTS = 20  # of the wait's distribution, equally likely
CROWDED = 0.2  # share of the opening's customers from which a cut is suspected
BEYOND_CHANCE = 10.83  # drop in deviance: one chance in a thousand for chi-squared with one degree of freedom
BEYOND_ERROR = 3.0  # standard errors between two shares who come back
FAR_APART = 5.0  # standard errors from which coming back alone tells known from later customers
AS_KNOWN = 0.25  # of the way from later customers to known ones
MOSTLY = 0.5  # share of the opening's customers, where only the waits can tell
MISFIT = 0.1  # largest distance between the waits seen and expected, where only these can tell
STEPS = 500


@dataclass(frozen=True)
class LeftTruncation:
    """Whether customers first seen early in a ledger were customers before it.

    Attributes
    ----------
    cut : bool
        Whether the ledger begins in the middle of its customers' lives; False too where that can't be told.
    can_tell : bool
        False where the ledger is too small or too short, for the `reason` given.
    first_day : datetime.date or None
        The ledger's first.
    new_from : datetime.date or None
        The day from which a first purchase can be taken for a real first one, since an old customer who still buys
        would have been seen before with probability `seen_before`. `first_day` where the ledger isn't cut; None where
        no such day leaves anybody.
    seen_before : float
    share_already : float
        Share of the ledger's customers who were customers before; 0.0 where the ledger isn't cut.
    old_among_new : float
        Share of those first seen from `new_from` on who are old all the same; 0.0 where the ledger isn't cut.
    opening_days : int
        Length of the opening: the time in which half of the known customers come again, and at most a quarter of the
        time in which nine tenths of the customers were first seen.
    opening_customers : int
        First seen in it.
    opening_already, opening_low, opening_high : float
        Share of these who were customers before, by how first appearances fall off, with its interval.
    deviance : float
        How much better first appearances are described with old customers among them than without (twice the
        difference in log-likelihood).
    misfit : float
        Largest distance between the first appearances' cumulative numbers and their description, per old customer.
    watch_days : int
        Days for which each customer is watched to come back.
    back_opening, back_known, back_later : float
        Share who came back within these: of those first seen in the opening, of those known half-way and seen as early
        after it, and of those first seen later.
    like_known : float
        How far the opening's customers stand from later ones (0) to known ones (1).
    reason : str
        Why it can't be told, or what speaks against a cut.
    """

    cut: bool = False
    can_tell: bool = False
    first_day: dt.date | None = None
    new_from: dt.date | None = None
    seen_before: float = 0.95
    share_already: float = 0.0
    old_among_new: float = 0.0
    opening_days: int = 0
    opening_customers: int = 0
    opening_already: float = np.nan
    opening_low: float = np.nan
    opening_high: float = np.nan
    deviance: float = np.nan
    misfit: float = np.nan
    watch_days: int = 0
    back_opening: float = np.nan
    back_known: float = np.nan
    back_later: float = np.nan
    like_known: float = np.nan
    reason: str = ""


class _Seen(NamedTuple):
    """What is seen of each customer, in days."""

    first: Array  # from the ledger's first day to the customer's
    gap_first: Array  # from there to the customer's second purchase
    again: Array  # from half-way to the next purchase, of customers known by then
    gap_again: Array  # from there to the purchase after
    span: int
    half: int  # from half-way to the end


def left_truncation(purchases: Any, as_of: Any = None, seen_before: float = 0.95) -> LeftTruncation:
    """Tell whether a ledger begins in the middle of its customers' lives, and from when on new customers are new.

    Half-way through the ledger some customers are known. The waits from there to their next purchase are what first
    appearances look like in a ledger that begins there. The first appearances at the real beginning are described as
    a sum of such waits (old customers) and of an even and an evenly rising number of new ones; the ledger may be cut
    where the description needs old customers, a fifth of the opening's at least. Then it depends on whether the
    opening's customers come back like known ones or like those first seen later: an opening rush, a closed cohort such
    as CDNOW's and a growing firm have first customers who come back like all others. Where known and later customers
    come back nearly alike, as where everybody buys equally often and nobody leaves, the waits may tell instead: old
    customers must then be the half of the opening's, and the waits fit within a tenth.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer and date, rows in any order.
    as_of : date, datetime or ISO string, optional
        Last day observed; the ledger's last by default.
    seen_before : float, default 0.95
        Probability with which an old customer, one who is seen in the ledger at all, is seen before `new_from`.

    Returns
    -------
    LeftTruncation

    Raises
    ------
    ValueError
        If date holds neither dates nor datetimes, or `seen_before` isn't between 0 and 1.

    Notes
    -----
    Waits from half-way are seen for half of the ledger's time. For the rest they are taken for exponential at rates
    that are gamma distributed over customers, as the NBD has them. A base whose first customers really were more loyal
    and really came in a rush that fell off like its customers' waits looks the same as a cut one.

    References
    ----------
    Cox, D. R. (1962). *Renewal Theory*. Methuen; chapter 5, forward recurrence times.
    Klein, J. P. & M. L. Moeschberger (2003). *Survival Analysis: Techniques for Censored and Truncated Data*, 2nd ed.
    Springer; section 3.4, left truncation.
    """
    if not 0 < seen_before < 1:
        raise ValueError(f"seen_before is {seen_before}; it must be between 0 and 1.")
    days = customer_days(purchases, as_of)
    starts = first_rows(days)
    if not len(starts):
        return LeftTruncation(seen_before=seen_before, reason="There is no purchase.")
    beginning = int(days.day.min())
    first_day = _as_date(beginning)
    seen = _seen(days, starts, beginning, int(days.day.max()) if as_of is None else day_number(as_of))
    whole = LeftTruncation(first_day=first_day, new_from=first_day, seen_before=seen_before)
    if min(len(seen.first), len(seen.again)) < FEWEST:
        reason = (
            f"There are {len(seen.first)} customers, of whom {len(seen.again)} were known half-way and came again: too "
            f"few to tell."
        )
        return LeftTruncation(**vars(whole) | {"reason": reason})

    acquired = int(np.quantile(seen.first, NEARLY_ALL, method="lower")) + 1
    opening = max(min(int(np.median(seen.again)) + 1, round(OPENING * acquired)), 1)
    early = seen.first < opening
    waits = _describe(seen.first, seen.again, seen.half, opening)
    found: dict[str, Any] = {
        "can_tell": True,
        "opening_days": opening,
        "opening_customers": int(early.sum()),
        "opening_already": waits.opening_already,
        "opening_low": waits.low,
        "opening_high": waits.high,
        "deviance": waits.deviance,
        "misfit": waits.misfit,
    }
    if waits.deviance < BEYOND_CHANCE or waits.opening_already < CROWDED:
        reason = "First appearances don't crowd at the beginning as those of old customers would."
        return LeftTruncation(**vars(whole) | found | {"reason": reason})

    finite = seen.gap_again[np.isfinite(seen.gap_again)]
    rhythm = int(np.median(finite)) if len(finite) else 0
    watch = min(max(rhythm, SHORTEST_WATCH_DAYS), seen.half - opening)
    later = ~early & (seen.first < acquired) & (seen.first <= seen.span - watch)
    known = seen.again < opening
    at_start, after, of_known = int(early.sum()), int(later.sum()), int(known.sum())
    if min(at_start, after, of_known) < FEWEST or watch < SHORTEST_WATCH_DAYS:
        reason = (
            f"First appearances crowd at the beginning, but {at_start} customers first seen in the first {opening} "
            f"days, {after} first seen later and {of_known} known half-way, watched for {watch} days, are too little "
            f"to tell whether the first come back like known ones."
        )
        return LeftTruncation(**vars(whole) | found | {"can_tell": False, "reason": reason})
    back, back_known, back_later = (
        float((gap <= watch).mean()) for gap in (seen.gap_first[early], seen.gap_again[known], seen.gap_first[later])
    )
    apart = (back_known - back_later) / _error(back_known, of_known, back_later, after)
    more_often = (back - back_later) / _error(back, at_start, back_later, after)
    like_known = (back - back_later) / (back_known - back_later) if back_known != back_later else np.nan
    unlike_known = apart >= BEYOND_ERROR and like_known < AS_KNOWN
    by_return = apart >= BEYOND_ERROR and more_often >= BEYOND_ERROR
    by_waits = apart < FAR_APART and waits.opening_already >= MOSTLY and waits.misfit <= MISFIT
    cut = not unlike_known and (by_return or by_waits)
    reason = "" if cut else "First appearances crowd at the beginning, but the first customers come back like others."
    found |= {
        "cut": cut,
        "watch_days": watch,
        "back_opening": back,
        "back_known": back_known,
        "back_later": back_later,
        "like_known": float(like_known),
        "reason": reason,
    }
    if cut:
        found |= _from_when(seen, waits.old, beginning, seen_before)
    return LeftTruncation(**vars(whole) | found)


def _from_when(seen: _Seen, old: float, beginning: int, seen_before: float) -> dict[str, Any]:
    """Return from when new customers are new, and how many are old: `old` appear in the first half."""
    r, alpha = _waits_of_old(seen.again, seen.half)
    ever = _come_by(seen.span, r, alpha)
    wait = min(int(np.ceil(alpha * np.expm1(-np.log1p(-seen_before * ever) / r))), seen.span)
    old = min(old * ever / _come_by(seen.half, r, alpha), float(len(seen.first)))
    late = int((seen.first >= wait).sum())
    return {
        "new_from": _as_date(beginning + wait) if late else None,
        "share_already": old / len(seen.first),
        "old_among_new": min(old * (1 - seen_before) / late, 1.0) if late else 0.0,
    }


def _waits_of_old(again: Array, half: int) -> tuple[float, float]:
    """Fit r and alpha of waits that are exponential at rates gamma distributed over customers, seen for `half` days."""
    edges = _equally_likely(again, half)
    number = np.histogram(again, edges)[0]
    scale = float(np.median(again)) + 1

    def unlikely(logs: Array) -> float:
        r, alpha = np.exp(logs)
        share = np.diff([_come_by(edge, r, alpha) for edge in edges]) / _come_by(half, r, alpha)
        return -float((number * np.log(np.maximum(share, 1e-12))).sum())

    bounds = [(np.log(low), np.log(high)) for low, high in ((0.02, 50.0), (scale / 100, scale * 1000))]
    found = minimize(unlikely, [0.0, np.log(scale)], method="L-BFGS-B", bounds=bounds)
    r, alpha = np.exp(found.x)
    return float(r), float(alpha)


def _come_by(days: float, r: float, alpha: float) -> float:
    """Return the share whose wait is at most `days`: Lomax's distribution."""
    return float(-np.expm1(-r * np.log1p(days / alpha)))


def _equally_likely(again: Array, half: int) -> Array:
    return np.unique(np.r_[0, np.quantile(again, np.arange(1, PARTS) / PARTS, method="higher") + 1, half])


def _seen(days: CustomerDays, starts: Array, beginning: int, end: int) -> _Seen:
    span = end - beginning + 1
    middle = beginning + span // 2
    gap = days_to_next(days)
    follows = np.diff(days.customer, prepend=-1) == 0
    again = np.flatnonzero(follows & (days.day >= middle) & (np.roll(days.day, 1) < middle))
    return _Seen(
        days.day[starts] - beginning, gap[starts], days.day[again] - middle, gap[again], span, end - middle + 1
    )


class _Waits(NamedTuple):
    old: float
    opening_already: float
    low: float
    high: float
    deviance: float
    misfit: float


def _describe(first: Array, again: Array, half: int, opening: int) -> _Waits:
    """Describe first appearances in the first half as Poisson numbers of old and of new customers."""
    edges = _equally_likely(again, half)
    seen = np.histogram(first[first < half], edges)[0].astype(float)
    share = edges / half
    described = np.vstack([np.histogram(again, edges)[0] / len(again), np.diff(share), np.diff(share**2)])
    weights = _fit(described, seen)
    fitted = weights @ described
    without = _fit(described[1:], seen) @ described[1:]
    deviance = 2 * (_log_likelihood(seen, fitted) - _log_likelihood(seen, without))
    misfit = float(np.abs(np.cumsum(seen - fitted)).max() / max(weights[0], 1.0))
    in_use = weights > 1e-6 * seen.sum()
    error = 0.0
    if in_use[0]:
        active = described[in_use]
        error = float(np.sqrt(np.linalg.pinv((active / np.maximum(fitted, 1e-12)) @ active.T)[0, 0]))
    of_opening = float((again < opening).mean()) / max(int((first < opening).sum()), 1)
    already, low, high = (
        float(np.clip(old * of_opening, 0.0, 1.0))
        for old in (weights[0], weights[0] - 1.96 * error, weights[0] + 1.96 * error)
    )
    return _Waits(float(weights[0]), already, low, high, float(deviance), misfit)


def _fit(described: Array, seen: Array) -> Array:
    """Return the weights, at least 0, of the likeliest sum; by expectation-maximisation, for they are a mixture."""
    weights = np.full(len(described), seen.sum() / len(described))
    for _ in range(STEPS):
        fitted = weights @ described
        weights = weights * (described @ np.divide(seen, fitted, out=np.zeros_like(seen), where=fitted > 0))
    return weights


def _log_likelihood(seen: Array, fitted: Array) -> float:
    expected = np.maximum(fitted, 1e-12)
    return float((seen * np.log(expected) - expected).sum())


def _error(one: float, customers: int, other: float, others: int) -> float:
    """Return the standard error of the difference of two shares; at least that of one customer in each group."""
    at_least = 1 / customers + 1 / others
    return float(np.sqrt(max(one * (1 - one) / customers + other * (1 - other) / others, at_least**2)))


def _as_date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)
