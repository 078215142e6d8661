"""The rhythm of a ledger: when nothing is sold, and from when on amounts are of another size."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import polars as pl

Array = np.ndarray

CHANCE = 0.001  # how many silences as long chance may bring a ledger before one counts

# Silences
FEWEST_DAYS = 10  # with sales
NEIGHBOURS = 25  # days with sales on either side, which tell the rhythm around a silence
FAR_LONGER = 3.0  # times the longest usual step from one day with sales to the next
USUAL = 0.95  # of these steps are usual
CLOSED = 0.25  # of the busiest weekday's chance of a sale: below it the weekday is closed
FEWEST_EXPECTED = 8  # sale days on a weekday before its having none says something
YEAR = 365
SAME_EVERY_YEAR = 0.6  # of a silence's days were silent a year before and after, too

SILENCES = {
    "first_day": pl.Date,
    "last_day": pl.Date,
    "days": pl.Int64,
    "every_year": pl.Boolean,
    "at_end": pl.Boolean,
}

# Shifts
FEWEST_SALES = 20  # in a month whose median is looked at
SHIFT = 2.0  # factor between medians
CERTAIN = 4.0  # standard errors
POWER_OF_TEN = 0.1  # how far, in decimal logarithm, a factor may be from one


class Shift(NamedTuple):
    """The median amount jumps from one month to the next, and stays at the new level for a while.

    Attributes
    ----------
    month : datetime.date
        The first one at the new level.
    until : datetime.date or None
        The first one back at the old level; None where it never comes back.
    before, after : float
        Median of the monthly medians on either side.
    """

    month: dt.date
    until: dt.date | None
    before: float
    after: float

    @property
    def factor(self) -> float:
        """How many times the higher level is the lower one."""
        return max(self.after / self.before, self.before / self.after)

    @property
    def power_of_ten(self) -> int:
        """10, 100, 1000, ... where the factor is near one of them, else 0."""
        return power_of_ten(self.factor)

    def is_back_at(self, level: float) -> bool:
        """Whether a later level, a logarithm, is the old one again after a shift by a power of ten."""
        return bool(self.power_of_ten and self.until is None and abs(level - np.log(self.before)) < np.log(SHIFT))


def silences(sales: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Find the silences that are far longer than this ledger's usual ones.

    How likely a day without a sale is, is taken from the 25 days with sales before and after, weekdays on which nothing
    is ever sold left out. A silence counts if chance would bring one as long to fewer than one in a thousand such
    ledgers, and if it is three times as long as the steps that are usual around it.

    Parameters
    ----------
    sales : polars.DataFrame
        date.
    as_of : datetime.date
        Last day observed: silence up to it counts, too.

    Returns
    -------
    polars.DataFrame
        first_day, last_day (of the silence), days, every_year (the same days are silent in the years around, as at
        New Year), at_end; sorted by day. Empty with fewer than ten days with sales.
    """
    days = sales.select(pl.col("date").dt.date().unique().sort())["date"]
    number = day_numbers(days.filter(days <= as_of))
    if len(number) < FEWEST_DAYS:
        return pl.DataFrame(schema=SILENCES)
    end = _number(as_of)
    following = np.append(number[1:], end + 1)
    steps = np.diff(number)
    back, ahead = _neighbours(len(number))
    found = [
        each
        for each in np.flatnonzero(_expected(number, following) < CHANCE)
        if following[each] - number[each] >= FAR_LONGER * _usual_step(steps, int(each), back[each], ahead[each])
    ]
    first, last = number[found] + 1, following[found] - 1
    return pl.DataFrame(
        {
            "first_day": first.astype("datetime64[D]"),
            "last_day": last.astype("datetime64[D]"),
            "days": last - first + 1,
            "every_year": [silent_every_year(number, *each) for each in zip(first, last, strict=True)],
            "at_end": last == end,
        },
        schema=SILENCES,
    )


def median_shifts(sales: pl.DataFrame) -> list[Shift]:
    """Find the months from which the median amount is another one, as after a change of unit or of currency.

    Months of 20 sales or more are compared. A jump is a factor of two, and of four standard errors, from one month to
    the next. It counts if it parts the whole ledger in two levels that no month crosses, or if it is near a power of
    ten, and then it may also come back.

    Parameters
    ----------
    sales : polars.DataFrame
        date and amount.
    """
    months = (
        sales.lazy()
        .filter(pl.col("amount") > 0)
        .group_by(pl.col("date").dt.date().dt.truncate("1mo").alias("month"))
        .agg(
            pl.col("amount").median().log().alias("middle"),
            # that of a median is 1.25 times that of a mean
            (1.25 * pl.col("amount").log().std() / pl.len().sqrt()).alias("error"),
            pl.len().alias("sales"),
        )
        .filter(pl.col("sales") >= FEWEST_SALES)
        .sort("month")
        .collect()
    )
    middle, error = months["middle"].to_numpy(), months["error"].to_numpy()
    step = np.abs(np.diff(middle))
    certain = step >= np.maximum(np.log(SHIFT), CERTAIN * np.hypot(error[1:], error[:-1]))
    jumps = [int(at) + 1 for at in np.flatnonzero(certain)]
    shifts: list[Shift] = []
    for at, start, end in zip(jumps, [0, *jumps], [*jumps[1:], len(middle)], strict=False):
        month, level = months["month"][at], float(np.median(middle[at:end]))
        if shifts and shifts[-1].is_back_at(level):
            shifts[-1] = shifts[-1]._replace(until=month)
            continue
        parted = middle[at:].min() > middle[:at].max() or middle[at:].max() < middle[:at].min()
        before, after = (middle[:at], middle[at:]) if parted else (middle[start:at], middle[at:end])
        shift = Shift(month, None, float(np.exp(np.median(before))), float(np.exp(np.median(after))))
        if (parted and shift.factor >= SHIFT) or shift.power_of_ten:
            shifts.append(shift)
    return shifts


def open_weekdays(number: Array) -> Array:
    """Tell on which weekdays anything to speak of is sold.

    Parameters
    ----------
    number : ndarray of int
        Days with sales, as `day_numbers` gives them, sorted.

    Returns
    -------
    ndarray of bool, of shape (7,)
        Monday first. A weekday that chance may have left without sales counts as open.
    """
    dates = np.bincount(_weekday(np.arange(number[0], number[-1] + 1)), minlength=7)
    sold = np.bincount(_weekday(number), minlength=7)
    share = sold / np.maximum(dates, 1)
    expected = dates * len(number) / dates.sum()
    return (share >= CLOSED * share.max()) | (expected < FEWEST_EXPECTED)


def silent_every_year(number: Array, first: int, last: int) -> bool:
    """Tell whether the days from `first` to `last` are as good as silent in each neighbouring year of the ledger.

    Parameters
    ----------
    number : ndarray of int
        Days with sales, as `day_numbers` gives them, sorted.
    first, last : int
        In the same count.

    Returns
    -------
    bool
        False where the ledger holds neither of the two years.
    """
    spared = []
    for shift in (-YEAR, YEAR):
        start, stop = first + shift, last + shift
        if start >= number[0] and stop <= number[-1]:
            sold = np.searchsorted(number, stop, "right") - np.searchsorted(number, start, "left")
            spared.append(1 - sold / (stop - start + 1))
    return bool(spared and min(spared) >= SAME_EVERY_YEAR)


def silent_by_chance(number: Array, days: int) -> float:
    """Return how likely so many days in a row pass without a sale, at the rhythm of the days with sales `number`."""
    share = (len(number) + 1) / (number[-1] - number[0] + 3)
    return float((1 - share) ** days)


def day_numbers(days: pl.Series) -> Array:
    """Return dates as days since 1970-01-01."""
    return days.to_physical().to_numpy().astype(np.int64)


def power_of_ten(factor: float) -> int:
    """Return 10, 100, 1000, ... where a factor above 1 is near one of them, else 0."""
    steps = np.log10(factor)
    return int(10 ** round(steps)) if steps > 0.5 and abs(steps - round(steps)) <= POWER_OF_TEN else 0


def _neighbours(days: int) -> tuple[Array, Array]:
    """Return, for the step that follows each day with sales, the first and the last of the days around it."""
    at = np.arange(days)
    return np.maximum(at - NEIGHBOURS, 0), np.minimum(at + 1 + NEIGHBOURS, days - 1)


def _expected(number: Array, following: Array) -> Array:
    """Return how many silences as long as each one chance would bring."""
    is_open = open_weekdays(number)[_weekday(np.arange(number[0], following[-1]))]
    opened = np.concatenate([[0], np.cumsum(is_open)])  # open days before each day

    def open_days(start: Array, stop: Array) -> Array:
        return opened[stop - number[0]] - opened[start - number[0]]

    at = np.arange(len(number))
    back, ahead = _neighbours(len(number))
    after = np.minimum(at + 1, len(number) - 1)
    around = open_days(number[back], number[at]) + open_days(number[after], number[ahead])
    sold = np.minimum((at - back) + (ahead - after), around)
    silent = open_days(number + 1, following)
    return len(number) * np.where(silent > 0, (1 - (sold + 1) / (around + 2)) ** silent, 1.0)


def _usual_step(steps: Array, at: int, back: int, ahead: int) -> float:
    """Return the longest usual step from one day with sales to the next, around one of them."""
    around = np.concatenate([steps[back:at], steps[at + 1 : ahead]])
    return float(np.quantile(around, USUAL, method="lower")) if len(around) else np.inf


def _weekday(number: Array) -> Array:
    return (number + 3) % 7  # the first of January 1970 was a Thursday


def _number(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days
