"""Whether a ledger follows only customers won in a certain time.

Such a ledger is drawn as a closed cohort: all who first bought in some months, and what they bought from then on.
CDNOW's is one (Fader & Hardie 2001). Nobody in it can be new after these months, and since customers leave, its revenue
can only fall. Read as a whole base, it looks like a business that is dying.

What gives it away is that first purchases stop at once while purchases go on. A base that loses its acquisition has
fewer and fewer new customers; after a campaign a few still come; and where few ever came, or only in a season, a time
without any is no wonder. So the time without new customers is held against the slowest rate before it, against the same
days a year earlier, and against the longest time without any that was seen before. Old customers who buy in a steady
rhythm are all seen within its length and look the same; but they come back like customers known for long, which
`models.left_truncation` tells.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.customer_days import customer_days, day_number, first_rows
from models.left_truncation import MISFIT, MOSTLY, LeftTruncation, left_truncation

Array = np.ndarray

FEWEST_EXPECTED = 100  # new customers, far more than acquisition that comes in bursts leaves out by chance
TIMES_LONGEST_GAP = 5.0  # as long as the longest time without new customers before
FEWEST_PURCHASES = 50  # in the later half of the time without new customers
YEAR = 365  # days
SHORTEST_ACQUISITION = 14  # days; within fewer, old customers who buy often are all seen again
SHORTEST_STRETCH = 28  # days, or a quarter of a shorter time of acquisition
QUARTERS = 4  # of the time of acquisition
STRETCHES = (0.1, 1 / QUARTERS)  # of the time of acquisition, at its end
FEWEST_IN_STRETCH = 20  # new customers at the mean rate; of fewer its rate says little
KEPT_UP = 0.6  # of the mean rate of acquisition, in each stretch
KEPT_OF_MOST = 0.5  # of the fullest quarter, in the last


@dataclass(frozen=True)
class ClosedCohort:
    """Whether first purchases stop in a ledger though purchases go on.

    Attributes
    ----------
    closed : bool
        Whether the ledger follows only customers won up to `won_until`; False too where that can't be told.
    can_tell : bool
        False where the ledger is too small or too short, for the `reason` given.
    won_from, won_until : datetime.date or None
        Days of the first and of the last first purchase.
    customers : int
    quiet_days : int
        Days from `won_until` to the last day observed.
    expected : float
        New customers to be expected in these days: the fewer of what the slowest quarter of the time of acquisition
        and what the same days a year earlier lead to expect. NaN without purchases.
    longest_gap : int
        The most days from one first purchase to the next before.
    last_rate : float
        Rate of acquisition in that of its last stretches in which it was lowest, as a share of its mean; NaN without
        purchases.
    purchases_after : int
        Days with a purchase, over all customers, after `won_until`.
    reason : str
        Why it can't be told, or what speaks against a closed cohort.
    """

    closed: bool = False
    can_tell: bool = False
    won_from: dt.date | None = None
    won_until: dt.date | None = None
    customers: int = 0
    quiet_days: int = 0
    expected: float = np.nan
    longest_gap: int = 0
    last_rate: float = np.nan
    purchases_after: int = 0
    reason: str = ""


def closed_cohort(purchases: Any, as_of: Any = None) -> ClosedCohort:
    """Tell whether a ledger follows only customers won in a certain time.

    It does where all of this holds. At least 100 new customers were to be expected since the last one, by the rate of
    acquisition in that quarter of its time in which it was lowest, and by the same days a year earlier. Acquisition
    didn't fade away: its last stretches (28 days, a tenth and a quarter of its time) kept up three fifths of its mean
    rate, and the last quarter half of the fullest one. It was no matter of days. The time since is five times as long
    as any without new customers before, and in its later half purchases go on. And the ledger doesn't begin in the
    middle of its customers' lives, nor, where that can't be told, do first appearances look as if it did: else those
    who stop appearing may be old customers, all seen by now.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer and date, rows in any order.
    as_of : date, datetime or ISO string, optional
        Last day observed; the ledger's last by default.

    Returns
    -------
    ClosedCohort

    Raises
    ------
    ValueError
        If date holds neither dates nor datetimes.

    Notes
    -----
    A ledger that ends within a year of its first day can't be told from one whose customers are won in a season. A
    business that really stopped winning customers from one day to the next looks the same as a closed cohort.

    References
    ----------
    Fader, P. S. & B. G. S. Hardie (2001). Forecasting Repeat Sales at CDNOW: A Case Study. *Interfaces* 31(3),
    S94-S107.
    """
    days = customer_days(purchases, as_of)
    first = np.sort(days.day[first_rows(days)])
    if not len(first):
        return ClosedCohort(reason="There is no purchase.")
    end = int(days.day.max()) if as_of is None else day_number(as_of)
    begun, stopped = int(first[0]), int(first[-1])
    quiet, span = end - stopped, stopped - begun + 1
    mean_rate = len(first) / span
    rates = _last_rates(first, span, mean_rate)
    quarters = np.histogram(first, QUARTERS, (begun, stopped + 1))[0]
    slowest = quarters.min() / (span / QUARTERS)
    year_before = int(((first > stopped - YEAR) & (first <= end - YEAR)).sum())
    by_rate = quiet * slowest
    expected = float(min(by_rate, year_before))
    longest = int(np.diff(first).max(initial=0))
    last_rate = min(rates) / mean_rate
    late = int((days.day > stopped + quiet / 2).sum())

    reason, can_tell = "", True
    if len(first) < FEWEST_EXPECTED:
        can_tell = False
        reason = f"There are {len(first)} customers: too few to tell whether acquisition has stopped."
    elif span < SHORTEST_ACQUISITION:
        can_tell = False
        reason = f"All were first seen within {span} days: too few to tell from old customers who buy often."
    elif by_rate < FEWEST_EXPECTED or quiet < TIMES_LONGEST_GAP * longest:
        reason = "New customers come to the end, as far as chance lets one tell."
    elif last_rate < KEPT_UP or quarters[-1] < KEPT_OF_MOST * quarters.max():
        reason = "New customers became fewer and fewer; they didn't stop at once."
    elif late < FEWEST_PURCHASES:
        reason = "Purchases stop as well."
    elif year_before < FEWEST_EXPECTED:
        can_tell = False
        reason = (
            f"Nobody new is seen at the end, but on the same days a year earlier {year_before} were: too few to tell a "
            "closed ledger from a season in which nobody comes."
        )
    elif _may_be_old(left_truncation(days, as_of)):
        can_tell = False
        reason = (
            "Those first seen appear like old customers who buy again, so nobody new may be seen because all old ones "
            "have been."
        )
    return ClosedCohort(
        closed=not reason,
        can_tell=can_tell,
        won_from=_as_date(begun),
        won_until=_as_date(stopped),
        customers=len(first),
        quiet_days=quiet,
        expected=expected,
        longest_gap=longest,
        last_rate=last_rate,
        purchases_after=int((days.day > stopped).sum()),
        reason=reason,
    )


def _last_rates(first: Array, span: int, mean_rate: float) -> list[float]:
    """Return new customers a day in the last stretches of the time of acquisition that are long enough to tell."""
    shortest = min(SHORTEST_STRETCH, round(span / QUARTERS))
    lengths = {max(shortest, round(share * span)) for share in (0, *STRETCHES)}
    told = [length for length in lengths if length * mean_rate >= FEWEST_IN_STRETCH]
    return [float((first > first[-1] - length).sum()) / length for length in told or [span]]


def _may_be_old(found: LeftTruncation) -> bool:
    """Return whether the customers may be old ones: the ledger is cut on the left, or looks so and can't be told."""
    looks_cut = found.opening_already >= MOSTLY and found.misfit <= MISFIT
    return found.cut or (not found.can_tell and looks_cut)


def _as_date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)
