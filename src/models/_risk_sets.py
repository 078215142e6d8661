"""Sums over the risk sets of Cox's partial likelihood, taken once for each distinct time of a stratum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

Array = np.ndarray


@dataclass(frozen=True)
class RiskSets:
    """Rows in the order of stratum and time, and the blocks of rows that share both.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Where each row stood before it was sorted.
    duration, weight, event : ndarray, shape (n,)
        Of the rows, sorted; `weight` counts the rows each stands for.
    block : ndarray of int, shape (n,)
        Which block each row belongs to, from 0 on.
    start : ndarray of int, shape (k,)
        The first row of each block.
    end : ndarray of int, shape (k,)
        For each block, the last block of its stratum.
    first : ndarray of int, shape (k,)
        For each block, the first block of its stratum.
    deaths : ndarray, shape (k,)
        Events in each block.
    """

    order: Array
    duration: Array
    weight: Array
    event: Array
    block: Array
    start: Array
    first: Array
    end: Array
    deaths: Array

    @cached_property
    def steps(self) -> tuple[Array, Array, Array, Array]:
        """Block and l/D of each event, Efron's steps; and which blocks have any, and where theirs begin."""
        steps = np.rint(self.deaths).astype(np.int64)
        block = np.repeat(np.arange(len(steps)), steps)
        begins = np.cumsum(steps) - steps
        share = (np.arange(len(block)) - begins[block]) / steps[block]
        with_events = np.flatnonzero(steps)
        return block, share, with_events, begins[with_events]

    def over_steps(self, values: Array) -> Array:
        """Return the sums over each block's steps; 0 without events; shape (k,)."""
        _, _, with_events, begins = self.steps
        sums = np.zeros(len(self.start))
        sums[with_events] = np.add.reduceat(values, begins)
        return sums

    def total(self, values: Array) -> Array:
        """Return the sums of rows' values over each block; shape (k,) or (k, p)."""
        return np.add.reduceat(values, self.start, axis=0)

    def at_risk(self, values: Array) -> Array:
        """Return the sums of rows' values over all who are still at risk in each block."""
        sums = np.cumsum(self.total(values)[::-1], axis=0)[::-1]
        after = np.concatenate([sums[1:], np.zeros_like(sums[:1])])
        return sums - after[self.end]

    def until(self, values: Array) -> Array:
        """Return the sums of blocks' values up to and with each block, within its stratum."""
        sums = np.cumsum(values, axis=0)
        before = np.concatenate([np.zeros_like(sums[:1]), sums[:-1]])
        return sums - before[self.first]

    def time_scale(self, transform: str | Callable[[Array], Array]) -> Array:
        """Return g(time) of each block; see `models.cox.CoxFit.proportional_hazards`."""
        times = self.duration[self.start]
        if callable(transform):
            return np.asarray(transform(times), dtype=float)
        if transform == "identity":
            return times
        if transform == "log":
            if times[self.deaths > 0].min() <= 0:
                raise ValueError("The log of time needs events after time 0 only.")
            return np.log(np.maximum(times, times[times > 0].min()))
        if transform == "rank":
            return pd.Series(self.duration).rank().to_numpy()[self.start]
        if transform != "km":
            raise ValueError(f"transform is {transform!r}; it must be km, rank, identity, log or a function.")
        return self._lost_before(times)

    def _lost_before(self, times: Array) -> Array:
        """Return one less the Kaplan-Meier curve of all strata together, just before each block's time."""
        _, place = np.unique(times, return_inverse=True)
        deaths = np.bincount(place, self.deaths)
        leaving = np.bincount(place, self.total(self.weight))
        watched = np.cumsum(leaving[::-1])[::-1]
        survival = np.cumprod(1 - deaths / watched)
        return (1 - np.r_[1.0, survival[:-1]])[place]


@dataclass(frozen=True)
class RiskSums:
    """What the partial likelihood needs at one value of the coefficients (Efron's ties).

    With D events in a block, the l-th of them (l = 0 .. D - 1) is set against those at risk less l/D of the block's
    own events.

    Attributes
    ----------
    risk : ndarray, shape (n,)
        Weighted relative hazard of each row.
    first, first_of_events : ndarray, shape (k, p)
        Sums of `risk` times covariates over those at risk, and over the block's events.
    inverse : tuple of ndarray, shape (k,)
        Sums over l of 1/s and (l/D)/s, s being the sum over those at risk at step l.
    inverse_squared : tuple of ndarray, shape (k,)
        Sums over l of 1/s^2, (l/D)/s^2 and (l/D)^2/s^2.
    log_likelihood : float
        Efron's partial log-likelihood.
    """

    sets: RiskSets
    risk: Array
    first: Array
    first_of_events: Array
    inverse: tuple[Array, Array]
    inverse_squared: tuple[Array, Array, Array]
    log_likelihood: float

    @property
    def mean_sum(self) -> Array:
        """Sum over a block's steps of the weighted mean of the covariates at risk; shape (k, p)."""
        whole, part = self.inverse
        return whole[:, None] * self.first - part[:, None] * self.first_of_events

    @property
    def mean(self) -> Array:
        """Mean of the covariates at risk in each block, over its steps; 0 without events; shape (k, p)."""
        return self.mean_sum / np.maximum(self.sets.deaths, 1)[:, None]

    def information(self, x: Array, by_block: Array) -> Array:
        """Return the information of the coefficients, each block's part times `by_block`; shape (p, p)."""
        whole, part = (each * by_block for each in self.inverse)
        square, crossed, part_square = (each * by_block for each in self.inverse_squared)
        sets = self.sets
        own = np.where(sets.event, part[sets.block], 0.0)
        second = x.T @ ((self.risk * (sets.until(whole)[sets.block] - own))[:, None] * x)
        all_, events = self.first, self.first_of_events
        mixed = all_.T @ (crossed[:, None] * events)
        return second - all_.T @ (square[:, None] * all_) + mixed + mixed.T - events.T @ (part_square[:, None] * events)

    def score_residuals(self, x: Array, by_block: Array) -> Array:
        """Return each row's part of the score, each block's part times `by_block`; shape (n, p).

        Weights are included, and the parts sum to the score (Lin & Wei 1989, equation 2.4, with Efron's steps).
        """
        sets = self.sets
        whole, part = (each * by_block for each in self.inverse)
        square, crossed, part_square = ((each * by_block)[:, None] for each in self.inverse_squared)
        drift = sets.until(square * self.first - crossed * self.first_of_events)
        own = crossed * self.first - part_square * self.first_of_events
        expected = self.risk[:, None] * (sets.until(whole)[sets.block, None] * x - drift[sets.block])
        spared = self.risk[:, None] * (part[sets.block, None] * x - own[sets.block])
        seen = (sets.weight * by_block[sets.block])[:, None] * (x - self.mean[sets.block])
        return np.where(sets.event[:, None], seen + spared, 0.0) - expected


def risk_sets(duration: Array, event: Array, stratum: Array, weight: Array) -> RiskSets:
    """Sort rows into risk sets.

    Parameters
    ----------
    duration, event, stratum, weight : ndarray, shape (n,)
        Time, whether it ended with the event, the stratum's number, how many rows each stands for.
    """
    order = np.lexsort((duration, stratum))
    duration, event, stratum, weight = duration[order], event[order], stratum[order], weight[order]
    new_stratum = np.r_[True, stratum[1:] != stratum[:-1]]
    new_block = new_stratum | np.r_[True, duration[1:] != duration[:-1]]
    block = np.cumsum(new_block) - 1
    start = np.flatnonzero(new_block)
    numbers = np.arange(len(start))
    opens = new_stratum[start]
    first = np.maximum.accumulate(np.where(opens, numbers, 0))
    lengths = np.diff(np.r_[numbers[opens], len(numbers)])
    end = np.repeat(np.r_[numbers[opens][1:], len(numbers)] - 1, lengths)
    deaths = np.add.reduceat(weight * event, start)
    return RiskSets(order, duration, weight, event, block, start, first, end, deaths)


def risk_sums(sets: RiskSets, x: Array, beta: Array) -> RiskSums:
    """Sum over risk sets at given coefficients; `x` in the order of `sets`."""
    linear = x @ beta
    top = linear.max()
    risk = sets.weight * np.exp(linear - top)
    weighted = risk[:, None] * x
    of_events = np.where(sets.event, risk, 0.0)
    zeroth, zeroth_of_events = sets.at_risk(risk), sets.total(of_events)
    block, share, _, _ = sets.steps
    step = zeroth[block] - share * zeroth_of_events[block]
    inverse = 1 / step
    parts = inverse * share
    seen = float(np.where(sets.event, sets.weight, 0.0) @ (linear - top))
    return RiskSums(
        sets,
        risk,
        sets.at_risk(weighted),
        sets.total(np.where(sets.event[:, None], weighted, 0.0)),
        (sets.over_steps(inverse), sets.over_steps(parts)),
        (sets.over_steps(inverse**2), sets.over_steps(inverse * parts), sets.over_steps(parts**2)),
        seen - float(np.log(step).sum()),
    )
