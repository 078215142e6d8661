"""When silence becomes alarming: the chance to buy again by the time since the last purchase.

A customer who buys often waits often, and the waits of one customer are alike. A life table of them is therefore
estimated as if they were independent, but how sure it is, is told from how whole customers differ.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from scipy.special import ndtri

MOST_BUNDLES = 500


class AlarmingSilence(NamedTuple):
    """The silence by which nearly all of those who come back have come back.

    Attributes
    ----------
    day : int
        Days since the last purchase by which the given share of those who come back within `reach` days has come
        back.
    low, high : int
        Its interval; `high` is `reach` where the data set no limit below it.
    reach : int
        Days for which customers were watched.
    still : float
        Chance that one who is silent on that day comes back by `reach`.
    still_low, still_high : float
        Its interval.
    """

    day: int
    low: int
    high: int
    reach: int
    still: float
    still_low: float
    still_high: float


@dataclass(frozen=True)
class LifeTable:
    """Waits for the next purchase, day by day.

    Attributes
    ----------
    at_risk : numpy.ndarray, shape (days,)
        How many waits have lasted until the day, which counts from 0.
    events : numpy.ndarray, shape (days,)
        How many ended on it with a purchase.
    survival : numpy.ndarray, shape (days,)
        Share of waits that last longer (the product-limit estimate).
    influence : numpy.ndarray, shape (bundles, days)
        What each bundle of customers moves log `survival` by: its infinitesimal jackknife. Where `survival` is 0 it
        is that of the day before.
    """

    at_risk: np.ndarray
    events: np.ndarray
    survival: np.ndarray
    influence: np.ndarray

    def curve(self, interval: float = 0.80) -> pd.DataFrame:
        """Return the survival curve with a pointwise band.

        Parameters
        ----------
        interval : float, default 0.80
            Coverage of the band at each single day.

        Returns
        -------
        pandas.DataFrame
            As `models.survival.kaplan_meier` returns it. The band is symmetric for log(-log S). Where nothing has
            happened yet it is [1, 1], and where S is 0 it runs from 0 to where it ended before.
        """
        low, high = _log_log_band(self.survival, np.sqrt(_variance(self.influence)), interval)
        gone = self.survival == 0
        if gone.any():
            low[gone], high[gone] = 0.0, high[~gone][-1] if (~gone).any() else 1.0
        ends = np.zeros(len(self.survival), dtype=bool)
        ends[[0, -1]] = True
        shown = np.flatnonzero((self.events > 0) | ends)
        columns = {"survival": self.survival, "low": low, "high": high, "at_risk": self.at_risk, "events": self.events}
        return pd.DataFrame({"days": shown} | {name: values[shown] for name, values in columns.items()})

    def chance_to_return(self, window: int, interval: float = 0.80) -> pd.DataFrame:
        r"""Return the chance to buy within the next days, by the days of silence: the hazard over a window.

        Parameters
        ----------
        window : int
            How many days ahead. Whole weeks take the rhythm of the week out.
        interval : float, default 0.80
            Coverage of the band at each single day.

        Returns
        -------
        pandas.DataFrame
            One row for each day of silence d from which the window is watched: days, chance, low, high, at_risk (waits
            that last longer than d). The chance is :math:`{}_w q_d = 1 - S(d + w) / S(d)`.

        References
        ----------
        Klein, J. P. & M. L. Moeschberger (2003). *Survival Analysis*, 2nd ed., sections 4.2 and 5.4.
        """
        still = np.flatnonzero(self.survival > 0)
        still = still[still + window < len(self.survival)]
        lasting = self.survival[still + window] / self.survival[still]
        spread = np.sqrt(_variance(self.influence[:, still + window] - self.influence[:, still]))
        low, high = _log_log_band(lasting, spread, interval)
        return pd.DataFrame(
            {
                "days": still,
                "chance": 1 - lasting,
                "low": 1 - high,
                "high": 1 - low,
                "at_risk": self.at_risk[still] - self.events[still],
            }
        )

    def rare_return(self, chance: float, reach: int) -> int | None:
        """Return the first day of silence from which fewer than a share still come back.

        Parameters
        ----------
        chance : float
            Between 0 and 1.
        reach : int
            Days for which enough customers were watched: who comes back later counts as not coming back.

        Returns
        -------
        int or None
            None where at least that share come back until the last purchase seen.
        """
        last = min(reach, len(self.survival) - 1)
        events = np.flatnonzero(self.events[: last + 1])
        lasting = self.survival[: last + 1]
        # after the last purchase seen nobody comes back, which says nothing of the days before
        seen = lasting[: events[-1]] if len(events) else lasting
        rare = np.flatnonzero(1 - lasting[-1] / seen < chance)
        return int(rare[0]) if len(rare) else None

    def alarming_silence(self, share: float, reach: int, interval: float = 0.80) -> AlarmingSilence:
        """Find the silence by which a share of those who come back have come back.

        Parameters
        ----------
        share : float
            Of those who come back by `reach`, between 0 and 1.
        reach : int
            Days for which enough customers were watched, at least 1: who comes back later counts as not coming back.
        interval : float, default 0.80
            Coverage.

        Returns
        -------
        AlarmingSilence

        Raises
        ------
        ValueError
            When nobody came back by `reach`.

        Notes
        -----
        The day's interval holds the days d on which (1 - S(d)) - share (1 - S(reach)) can't be told from 0, the way
        Brookmeyer & Crowley (1982) set limits to a median.
        """
        last = min(reach, len(self.survival) - 1)
        back = 1 - self.survival[: last + 1]
        if back[-1] == 0:
            raise ValueError(f"Nobody came back within {reach} days, so no silence is longer than usual.")
        beyond = back - share * back[-1]
        moved = -self.survival[: last + 1] * self.influence[:, : last + 1]
        half = ndtri((1 + interval) / 2) * np.sqrt(_variance(moved - share * moved[:, -1:]))
        day, low = int(np.argmax(beyond >= 0)), int(np.argmax(beyond + half >= 0))
        surely = np.flatnonzero(beyond - half >= 0)
        high = int(surely[0]) if len(surely) else reach
        lasting = self.survival[last] / self.survival[day] if self.survival[day] else 1.0
        spread = np.sqrt(_variance(self.influence[:, [last]] - self.influence[:, [day]]))
        (stays_low,), (stays_high,) = _log_log_band(np.array([lasting]), spread, interval)
        return AlarmingSilence(
            day, low, max(day, high), reach, 1 - lasting, 1 - float(stays_high), 1 - float(stays_low)
        )


def life_table(waits: pl.DataFrame, *, seed: int, most_bundles: int = MOST_BUNDLES) -> LifeTable:
    r"""Count waits by day, and keep what each bundle of customers contributes.

    Parameters
    ----------
    waits : polars.DataFrame
        customer, days (whole, not negative), observed (whether the wait ended with a purchase); any number of rows a
        customer, as `models.survival.purchase_gaps` returns them.
    seed : int
        Of the dealing of customers into bundles.
    most_bundles : int, default 500
        Up to so many customers each is a bundle of its own; more are dealt at random into so many.

    Returns
    -------
    LifeTable

    Raises
    ------
    ValueError
        Without rows.

    Notes
    -----
    The variance of log S(t) is the infinitesimal jackknife by customer (Efron 1981; Therneau & Grambsch 2000, *Modeling
    Survival Data*, section 8.2, grouped by subject),

    .. math::
        \sum_b \Bigl( \sum_{t_j \le t} \frac{d_{bj} - n_{bj} d_j / n_j}{n_j - d_j} \Bigr)^2,

    with d events among n waits at risk, of bundle b and in all. With one wait a customer, each a bundle, it is
    Greenwood's formula. Bundles are customers that have nothing to do with one another, so what they add up to keeps
    the variance right and costs only a little of its precision: about 3% of a band's width with 500.
    """
    if waits.is_empty():
        raise ValueError("A life table needs at least one wait.")
    customers = waits.select(pl.col("customer").unique().sort())["customer"]
    number = min(len(customers), most_bundles)
    dealt = np.random.default_rng(seed).permutation(len(customers)) % number
    bundles = pl.DataFrame({"customer": customers, "bundle": dealt})
    counts = (
        waits.join(bundles, on="customer")
        .group_by("bundle", "days")
        .agg(pl.len(), pl.col("observed").sum().alias("events"))
    )
    shape = (number, int(counts["days"].max()) + 1)  # type: ignore[arg-type]
    ended, events = (np.zeros(shape) for _ in range(2))
    cells = counts["bundle"].to_numpy(), counts["days"].to_numpy()
    ended[cells], events[cells] = counts["len"].to_numpy(), counts["events"].to_numpy()
    at_risk = ended[:, ::-1].cumsum(axis=1)[:, ::-1]
    all_at_risk, all_events = at_risk.sum(axis=0), events.sum(axis=0)
    survival = np.cumprod(1 - all_events / all_at_risk)
    staying = np.where(all_at_risk > all_events, all_at_risk - all_events, np.inf)
    influence = -np.cumsum((events - at_risk * (all_events / all_at_risk)) / staying, axis=1)
    return LifeTable(all_at_risk.astype(np.int64), all_events.astype(np.int64), survival, influence)


def _variance(influence: np.ndarray) -> np.ndarray:
    """Return the variance of what bundles move, for each column."""
    bundles = len(influence)
    return (influence**2).sum(axis=0) * (bundles / max(bundles - 1, 1))


def _log_log_band(share: np.ndarray, spread: np.ndarray, interval: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a band for shares that last, from the standard deviations of their logarithms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        width = ndtri((1 + interval) / 2) * spread / -np.log(share)
        low, high = share ** np.exp(width), share ** np.exp(-width)
    certain = (share == 1) | (share == 0)
    return np.where(certain, share, low), np.where(certain, share, high)
