"""The difference of two means whose groups were drawn by lot, judged by the lot itself.

Had an action added an amount to everybody called, taking it off again would leave what chance drew. So the control
groups are drawn again by lot, within each list, and the amount is believed unless it makes the studentised difference
extreme among those of the lots. That is exact where the action added the same to everybody, nothing above all, however
skewed the values are; elsewhere it is as near as many customers make it, because the difference is studentised.

What was known of the customers beforehand is taken off with its slope within the lists, found anew for every amount:
then it is exact as well.

References
----------
Rosenbaum, P. R. (2002). Covariance Adjustment in Randomized Experiments and Observational Studies. *Statistical
Science* 17(3), 286-327.
Wu, J. & P. Ding (2021). Randomization Tests for Weak Null Hypotheses in Randomized Experiments. *Journal of the
American Statistical Association* 116(536), 1898-1913.
Welch, B. L. (1947). The Generalization of "Student's" Problem when Several Different Population Variances are
Involved. *Biometrika* 34(1-2), 28-35.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import bisect

Array = np.ndarray

LOTS = 399  # drawn for the interval, and for the test unless its probability is small
MOST_LOTS = 1999
DRAWN = 100_000_000  # customers drawn in all lots together
AT_ONCE = 50_000  # customers whose sums are taken together
CLEARLY_CHANCE = 0.1  # probability from which no more lots are drawn
SMALLEST_ERROR = 1e-300
EQUAL = 1e-9  # sums of equal amounts differ in their last digits
DOUBLINGS = 20  # of how far from the difference an end of the interval is looked for
PRECISION = 1e-3  # of an end, in standard errors


@dataclass(frozen=True)
class Difference:
    """A difference of two means: of those called, and of those held out.

    Attributes
    ----------
    value : float
        The amount which, taken off those called, leaves no difference.
    low, high : float
        Its interval; NaN where the values say too little for one.
    p_value : float
        Probability that lots alone set the groups so far apart.
    error, freedom : float
        Standard error, and the degrees of freedom of its t (Welch-Satterthwaite); NaN where nothing differs.
    """

    value: float
    low: float
    high: float
    p_value: float
    error: float
    freedom: float


def randomised_difference(
    values: Array, held_out: Array, lists: Array, known: Array | None = None, coverage: float = 0.8, seed: Any = 0
) -> Difference:
    """Tell how far those called are from those held out, each list weighted by how many it called.

    Parameters
    ----------
    values : ndarray of shape (n,)
    held_out : ndarray of bool, of shape (n,)
        Drawn by lot within each list: at least two of each, and at least two who weren't.
    lists : ndarray of int, of shape (n,)
        From 0 on, every number in use.
    known : ndarray of shape (n,), optional
        What was known of each before the lot; NaN stands for the mean of the list.
    coverage : float, default 0.8
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    Difference
    """
    groups = _Groups.of(values, held_out, lists, known)
    difference = groups.difference()
    digits = EQUAL * float(np.abs(values).max())
    if np.abs(groups.columns[:, 0]).max() <= digits:
        return Difference(difference, np.nan, np.nan, 1.0, np.nan, np.nan)
    random = np.random.default_rng(seed)
    lots = groups.lots(LOTS, random)
    p_value = _p_value(groups, lots, random)
    error, freedom = groups.error(difference)
    if not error > digits:
        return Difference(difference, np.nan, np.nan, p_value, np.nan, np.nan)
    tail = (1 - coverage) / 2
    low, high = (_end(groups, lots, difference, side * error, tail) for side in (-1, 1))
    return Difference(difference, low, high, p_value, error, freedom)


def _p_value(groups: "_Groups", lots: Array, random: np.random.Generator) -> float:
    observed = abs(groups.studentised(groups.held)) * (1 - EQUAL)
    as_large, drawn = np.count_nonzero(np.abs(groups.studentised(lots)) >= observed), len(lots)
    if as_large < CLEARLY_CHANCE * drawn:
        further = int(np.clip(DRAWN // len(groups.columns), LOTS, MOST_LOTS)) - drawn
        as_large += np.count_nonzero(np.abs(groups.studentised(groups.lots(further, random))) >= observed)
        drawn += further
    return (int(as_large) + 1) / (drawn + 1)


def _end(groups: "_Groups", lots: Array, difference: float, step: float, tail: float) -> float:
    """Find the amount from which on no more than `tail` of the lots are as extreme; NaN if there is none."""
    side = -np.sign(step)

    def beyond_tail(amount: float) -> float:
        observed = side * groups.studentised(groups.held, amount)
        as_extreme = np.count_nonzero(side * groups.studentised(lots, amount) >= observed - EQUAL * abs(observed))
        return (int(as_extreme) + 1) / (len(lots) + 1) - tail

    # any amount near the difference itself leaves it in the midst of the lots
    for doubling in range(DOUBLINGS):
        far = difference + step * 2**doubling
        if beyond_tail(far) <= 0:
            return float(bisect(beyond_tail, difference, far, xtol=PRECISION * abs(step)))
    return np.nan


@dataclass(frozen=True)
class _Groups:
    """Customers by list, and who of them is held out.

    Attributes
    ----------
    columns : ndarray of shape (n, 5)
        What is left of a value (y) and of being called (c), 1 or 0, once the list and what was known are taken off;
        y^2, y c and c^2. With an amount d taken off those called, a customer's value is y - d c, and any group's sum
        and sum of squares follow from the sums of these columns.
    places : list of ndarray
        The rows of each list.
    called, control : ndarray of shape (lists,)
        How many.
    held : ndarray of shape (lists, 5)
        Sums over those held out.
    every : ndarray of shape (lists, 5)
        Sums over all.
    """

    columns: Array
    places: list[Array]
    called: Array
    control: Array
    held: Array
    every: Array

    @classmethod
    def of(cls, values: Array, held_out: Array, lists: Array, known: Array | None) -> "_Groups":
        places = [np.flatnonzero(lists == number) for number in range(int(lists.max()) + 1)]
        y, c = (_centred(each, places) for each in (values, (~held_out).astype(float)))
        if known is not None:
            z = _centred(known, places)
            left = _without(c, z)
            # what tells the groups apart outright can't be taken off
            if left @ left > EQUAL * (c @ c):
                y, c = _without(y, z), left
        columns = np.column_stack([y, c, y * y, y * c, c * c])
        control = np.array([np.count_nonzero(held_out[rows]) for rows in places])
        called = np.array([len(rows) for rows in places]) - control
        held = np.array([columns[rows[held_out[rows]]].sum(axis=0) for rows in places])
        every = np.array([columns[rows].sum(axis=0) for rows in places])
        return cls(columns, places, called, control, held, every)

    def lots(self, number: int, random: np.random.Generator) -> Array:
        """Draw control groups and return their sums, of shape (number, lists, 5)."""
        sums = np.empty((number, len(self.places), self.columns.shape[1]))
        for place, (rows, control) in enumerate(zip(self.places, self.control, strict=True)):
            columns = self.columns[rows]
            together = max(1, AT_ONCE // int(control))
            for first in range(0, number, together):
                drawn = np.array(
                    [
                        random.choice(len(rows), control, replace=False, shuffle=False)
                        for _ in range(min(together, number - first))
                    ]
                )
                sums[first : first + together, place] = columns[drawn].sum(axis=1)
        return sums

    @property
    def weight(self) -> Array:
        """A list's share of all who were called."""
        return self.called / self.called.sum()

    def difference(self) -> float:
        """Return the amount which, taken off those called, leaves no difference."""
        control, called = self.held / self.control[:, np.newaxis], (self.every - self.held) / self.called[:, np.newaxis]
        y, c = (self.weight @ (called - control))[:2]
        return float(y / c)

    def studentised(self, held: Array, amount: float = 0.0) -> Any:
        """Return the difference over its standard error with this amount taken off, for sums of one lot or more."""
        apart, _, variances = self._apart(held, amount)
        # where all of a group brought the same, the smallest error above 0 keeps differences in order
        return apart / np.sqrt(np.maximum(variances.sum(axis=(0, -1)), SMALLEST_ERROR))

    def error(self, amount: float) -> tuple[float, float]:
        """Return the standard error of the difference, and its degrees of freedom."""
        _, sizes, variances = self._apart(self.held, amount)
        total = float(variances.sum())
        return total**0.5, total**2 / float((variances**2 / (sizes - 1)).sum()) if total else np.nan

    def _apart(self, held: Array, amount: float) -> tuple[Any, Array, Array]:
        """Return the difference, the sizes of the groups, and what each adds to the difference's variance."""
        means, variances = [], []
        sizes = np.array([self.called, self.control])
        for sums, size in zip((self.every - held, held), sizes, strict=True):
            y, c, yy, yc, cc = np.moveaxis(sums, -1, 0)
            total, squares = y - amount * c, yy - 2 * amount * yc + amount**2 * cc
            means.append(total / size)
            variances.append(self.weight**2 * np.maximum(squares - total**2 / size, 0.0) / (size - 1) / size)
        return (means[0] - means[1]) @ self.weight, sizes, np.array(variances)


def _centred(values: Array, places: list[Array]) -> Array:
    """Take the mean of the list off; what isn't known is as the mean."""
    centred = np.zeros(len(values))
    for rows in places:
        given = np.isfinite(values[rows])
        if given.any():
            centred[rows] = np.where(given, values[rows] - values[rows][given].mean(), 0.0)
    return centred


def _without(values: Array, known: Array) -> Array:
    spread = float(known @ known)
    return values - float(known @ values) / spread * known if spread > 0 else values
