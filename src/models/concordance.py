"""Harrell's concordance: of two waits, how often the one foretold to be shorter was.

Counted in O(n log n), exactly, with ties of times and of predictions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

Array = np.ndarray


class Concordance(NamedTuple):
    """How well a prediction orders waits.

    Attributes
    ----------
    value : float
        Share of comparable pairs in which the shorter wait had the higher risk, ties of risk counting half; 0.5 is
        guessing, NaN where no pair can be compared.
    concordant, discordant, tied : int
        Comparable pairs by whether the risks agree with the waits, contradict them, or are equal.
    """

    value: float
    concordant: int
    discordant: int
    tied: int


def concordance(duration: Any, event: Any, risk: Any, strata: Any = None) -> Concordance:
    """Compare the order of predicted risks with the order of waits.

    A pair is comparable where the shorter wait ended with the event; of two equally long waits where one ended and
    the other is censored, the one that ended counts as the shorter.

    Parameters
    ----------
    duration : array_like, shape (n,)
        Time under observation.
    event : array_like of bool, shape (n,)
        Whether it ended with the event.
    risk : array_like, shape (n,)
        Predicted risk, the higher the sooner; any scale.
    strata : array_like, shape (n,), optional
        Pairs are compared within it only.

    Returns
    -------
    Concordance

    Raises
    ------
    ValueError
        For arrays of different lengths or missing values.

    References
    ----------
    Harrell, F. E., K. L. Lee & D. B. Mark (1996). Multivariable prognostic models. *Statistics in Medicine* 15(4),
    361-387.
    """
    times, risks = np.asarray(duration, dtype=float), np.asarray(risk, dtype=float)
    ended = np.asarray(event).astype(bool)
    if not times.shape == risks.shape == ended.shape:
        raise ValueError(f"There are {len(times)} times, {len(ended)} events and {len(risks)} risks.")
    if np.isnan(times).any() or np.isnan(risks).any():
        raise ValueError("Times and risks must be known.")
    if not len(times):
        return Concordance(float("nan"), 0, 0, 0)
    group = np.zeros(len(times), dtype=np.int64) if strata is None else pd.factorize(np.asarray(strata))[0]
    # of equally long waits those that ended come first
    moment = 2 * np.unique(times, return_inverse=True)[1] + ~ended
    rank = np.unique(risks, return_inverse=True)[1]
    codes = np.stack([group, moment, rank])
    concordant = _later_and_lower(codes, ended)
    discordant = _later_and_lower(np.stack([group, moment, -rank]), ended)
    comparable = _later(group, moment, ended)
    tied = comparable - concordant - discordant
    value = (concordant + tied / 2) / comparable if comparable else float("nan")
    return Concordance(value, concordant, discordant, tied)


def _later(group: Array, moment: Array, ended: Array) -> int:
    """Count the pairs of a wait that ended and a later one of its group."""
    order = np.lexsort((moment, group))
    place = np.arange(len(order))
    key = np.stack([group, moment])[:, order]
    same = np.r_[False, (key[:, 1:] == key[:, :-1]).all(axis=0)]
    next_block = _next_start(~same, place)
    end_of_group = _next_start(np.r_[True, key[0, 1:] != key[0, :-1]], place)
    return int((end_of_group - next_block)[ended[order]].sum())


def _next_start(starts: Array, place: Array) -> Array:
    """Return for each place where the block after its own starts."""
    edges = np.r_[place[starts], len(place)]
    return edges[np.cumsum(starts)]


def _later_and_lower(codes: Array, ended: Array) -> int:
    """Count the pairs of a wait that ended and a later one of its group with a lower rank.

    A merge sort from the bottom up, all its merges of one width at once: the waits lie latest first, so the lower
    ranks before each, in its pair of blocks, are those of the left block. Of one moment the higher rank lies first and
    therefore counts no other.
    """
    group, moment, rank = codes
    # latest first; of one moment the highest rank first, which then finds none lower before it
    order = np.lexsort((-rank, -moment, group))
    # ranks of later groups lie below all of earlier ones, so no pair across groups counts
    tall = int(np.ptp(rank)) + 1
    key = (rank - rank.min() - group * tall)[order]
    key = np.unique(key, return_inverse=True)[1]
    counts = ended[order].astype(np.int64)
    return _pairs_before_and_below(key, counts)


def _pairs_before_and_below(key: Array, counts: Array) -> int:
    n = len(key)
    place = np.arange(n)
    total, width = 0, 1
    while width < n:
        block = place // (2 * width)
        right = (place // width) % 2 == 1
        # within a pair of blocks by key; of equal keys the right one first, so that it finds only lower ones
        order = np.argsort(((block * n) + key) * 2 + ~right)
        lefts = np.cumsum(~right[order])
        total += int(((lefts - block[order] * width) * counts[order])[right[order]].sum())
        width *= 2
    return total
