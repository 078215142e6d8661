"""Contracts as their renewals: how many came up for renewal the first, second, ... time, and how many were not renewed.

A contract of one period that goes on from period to period is renewed, or not, at the end of each. So its life is
counted in renewals that came up, as Fader & Hardie (2007, *Journal of Interactive Marketing* 21(1)) count it: a
contract that ends within its first period, or with it, is lost at the first renewal.

Two things are never seen whole. Contracts still on may be renewed for years: they are censored. And of the contracts
that began before the records, only those that lasted until then are in them: they are left-truncated, and speak for
the renewals that came up since, not for those before (Kalbfleisch & Prentice 2002, section 1.3).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import polars as pl
from scipy.special import ndtri
from statsmodels.stats.proportion import proportion_confint

ContractPeriod = Literal["month", "quarter", "year"]
MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Contracts:
    """Contracts watched up to a day.

    Attributes
    ----------
    rows : polars.DataFrame
        A row a contract: customer; joined (Date); entered, renewals that had come up before its watch began; periods,
        renewals that had come up by its end or by that day; lost (Boolean), whether the last of them was not renewed;
        on (Boolean), whether the contract is still on that day. No renewal was watched where `periods` isn't above
        `entered`. A contract neither lost nor on was cancelled in the period under way.
    watched_until : date
    unknown_start : int
        Contracts left out because nobody knows when they began.
    impossible : int
        Left out because they ended before they began.
    not_begun : int
        Left out because they begin after the last day.
    before_records : int
        Left out because they ended before the records, or in the period in which those begin.
    truncated : int
        Contracts of `rows` that began before the records.
    """

    rows: pl.DataFrame
    watched_until: dt.date
    unknown_start: int
    impossible: int
    not_begun: int
    before_records: int
    truncated: int


def contracts_until(
    customers: pl.DataFrame, until: dt.date, *, period: ContractPeriod = "year", records_from: dt.date | None = None
) -> Contracts:
    """Count the renewals of contracts as they were known on a day.

    Parameters
    ----------
    customers : polars.DataFrame
        A row a contract: customer; joined and left (Date). A missing `joined` is an unknown beginning; a missing
        `left`, or one after `until`, is a contract still on.
    until : date
        The last day known.
    period : {"month", "quarter", "year"}, default "year"
        How long a contract runs before it is renewed. Renewals come up on the day of the month on which the contract
        began, or on the month's last day where that is earlier.
    records_from : date, optional
        The day since which every contract that ended is recorded. A contract counts from the first of its periods that
        began on that day or later. None: the records reach back to the first contract.

    Returns
    -------
    Contracts

    Raises
    ------
    ValueError
        For an unknown period.

    Notes
    -----
    A renewal counts once its day has come by `until`. Whoever cancels ahead of it is known to be lost before the others
    are known to stay, so to count the period that is under way would count its losses alone.
    """
    if period not in MONTHS:
        raise ValueError(f"`period` is one of {', '.join(MONTHS)}, not {period!r}.")
    known = customers.select("customer", "joined", left=pl.when(pl.col("left") <= until).then("left"))
    begun = known.filter(pl.col("joined") <= until)
    possible = begun.filter((pl.col("left") >= pl.col("joined")) | pl.col("left").is_null())
    day = pl.lit(until)
    # a contract that ends on the day of a renewal was not renewed on it
    lost_at = _renewals(pl.col("left").dt.offset_by("-1d"), period).clip(0) + 1
    entered = pl.lit(0, dtype=pl.Int64)
    if records_from is not None:
        began_earlier = pl.col("joined") < records_from
        entered = pl.when(began_earlier).then(_renewals(pl.lit(records_from - dt.timedelta(days=1)), period) + 1)
        entered = entered.otherwise(0)
    counted = (
        possible.with_columns(entered=entered, come_up=_renewals(day, period), lost_at=lost_at)
        .with_columns(lost=(pl.col("lost_at") <= pl.col("come_up")).fill_null(False), on=pl.col("left").is_null())
        .with_columns(periods=pl.when("lost").then("lost_at").otherwise("come_up"))
    )
    recorded = counted.filter("on" | (pl.col("lost_at") > pl.col("entered")))
    rows = recorded.select("customer", "joined", "entered", pl.col("periods").cast(pl.Int64), "lost", "on")
    return Contracts(
        rows.sort("customer"),
        until,
        unknown_start=known["joined"].null_count(),
        impossible=begun.height - possible.height,
        not_begun=known.height - known["joined"].null_count() - begun.height,
        before_records=counted.height - recorded.height,
        truncated=int((rows["entered"] > 0).sum()),
    )


def renewal_counts(contracts: pl.DataFrame) -> pd.DataFrame:
    """Count contracts by the renewal that came up.

    Parameters
    ----------
    contracts : polars.DataFrame
        entered, periods and lost, as `Contracts.rows` has them.

    Returns
    -------
    pandas.DataFrame
        A row for each renewal from the first to the last that came up: renewal (from 1); at_risk, contracts for which
        it came up while they were watched; lost, those not renewed.
    """
    watched = contracts.filter(pl.col("periods") > pl.col("entered"))
    entered, periods = (watched[name].to_numpy() for name in ("entered", "periods"))
    last = int(periods.max(initial=0))
    watched_longer = np.bincount(entered, minlength=last + 1) - np.bincount(periods, minlength=last + 1)
    lost = np.bincount(periods[watched["lost"].to_numpy()], minlength=last + 1)
    at_risk = np.cumsum(watched_longer[:last])
    return pd.DataFrame({"renewal": np.arange(1, last + 1), "at_risk": at_risk, "lost": lost[1:]})


def contract_survival(counts: pd.DataFrame, *, interval: float = 0.80) -> pd.DataFrame:
    r"""Estimate the share of contracts still on after each renewal (Kaplan-Meier), and the share renewed at each.

    Parameters
    ----------
    counts : pandas.DataFrame
        As `renewal_counts` returns it.
    interval : float, default 0.80
        Coverage of the pointwise intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        A row for renewal 0, the beginning, and for each of `counts`: renewal, at_risk, lost; survival with low and
        high; retention (share renewed of those at risk) with retention_low and retention_high. Where nobody was at
        risk, retention is NaN, and so is survival from there on.

    Raises
    ------
    ValueError
        For an `interval` not between 0 and 1.

    Notes
    -----
    The estimate of Kaplan & Meier (1958) with Greenwood's variance. The band is symmetric for log(-log S), as in
    `models.survival.kaplan_meier`. Where it isn't defined, at a survival of 1 or 0, its open end is the exact limit
    (Clopper & Pearson 1934) for those at risk last. The interval of a retention rate is Wilson's (1927).
    """
    if not 0 < interval < 1:
        raise ValueError(f"`interval` is a coverage between 0 and 1, not {interval}.")
    at_risk, lost = (counts[name].to_numpy(dtype=float) for name in ("at_risk", "lost"))
    watched = at_risk > 0
    retention = np.divide(at_risk - lost, at_risk, out=np.full(len(at_risk), np.nan), where=watched)
    survival = np.cumprod(retention)
    low, high = _band(survival, at_risk, lost, interval)
    rates = np.full((2, len(at_risk)), np.nan)
    rates[:, watched] = proportion_confint((at_risk - lost)[watched], at_risk[watched], 1 - interval, method="wilson")
    frame = counts.assign(
        survival=survival, low=low, high=high, retention=retention, retention_low=rates[0], retention_high=rates[1]
    )
    beginning = {"renewal": 0, "at_risk": int(at_risk[0]) if len(at_risk) else 0, "lost": 0}
    start = pd.DataFrame([beginning | dict.fromkeys(("survival", "low", "high"), 1.0)])
    return pd.concat([start, frame], ignore_index=True).astype({"retention": float})


def _renewals(day: pl.Expr, period: str) -> pl.Expr:
    """Count the renewals of a contract, from its day `joined`, that have come up by a day."""
    joined = pl.col("joined")
    months = (day.dt.year() - joined.dt.year()) * 12 + (
        day.dt.month().cast(pl.Int64) - joined.dt.month().cast(pl.Int64)
    )
    on_day = pl.min_horizontal(joined.dt.day(), day.dt.month_end().dt.day())
    whole_months = months - (day.dt.day() < on_day).cast(pl.Int64)
    return whole_months // MONTHS[period]


def _band(
    survival: np.ndarray, at_risk: np.ndarray, lost: np.ndarray, interval: float
) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(lost / (at_risk * (at_risk - lost)))
        width = ndtri((1 + interval) / 2) * np.sqrt(greenwood) / -np.log(survival)
        low, high = survival ** np.exp(width), survival ** np.exp(-width)
        none_lost = ((1 - interval) / 2) ** (1 / at_risk)
    low, high = np.where(survival == 1, none_lost, low), np.where(survival == 1, 1.0, high)
    if (gone := np.flatnonzero(survival == 0)).size:
        first = gone[0]
        before = high[first - 1] if first else 1.0
        low[first:], high[first:] = 0.0, before * (1 - none_lost[first])
    return low, high
