"""Forecasts and values as practice makes them without a model: what a model has to beat.

Each baseline forecasts by `predict(t, frequency, recency, T)`, as a fitted purchase model does, and is made from a
ledger by `from_ledger(purchases, calibration_end, holdout_days, time_unit)`, which looks at nothing later than
`calibration_end`. Histories are those of `models.rfm.calibration_holdout`.
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, Self

import narwhals as nw
import numpy as np
import pandas as pd

from models._columns import to_pandas
from models.rfm import DAYS_PER_UNIT, calibration_holdout, purchase_days, rfm_summary

Array = np.ndarray

ROUNDING = 1e-6  # silences closer than this, in any unit of time, are the same number of days
SHORTEST_TEST_DAYS = 7  # a hiatus is chosen on a test of at least this length


class Baseline(Protocol):
    """What every baseline offers."""

    @classmethod
    def from_ledger(cls, purchases: Any, calibration_end: Any, holdout_days: int, time_unit: str = "week") -> Self:
        """Make it from the purchases up to `calibration_end`, to forecast the `holdout_days` after it."""

    def predict(self, t: float, frequency: Any, recency: Any, T: Any) -> Array:
        """Forecast the purchases of each customer in the next `t`."""


class AverageRate:
    """Each customer goes on at the average rate so far: frequency / T purchases per unit of time."""

    @classmethod
    def from_ledger(cls, purchases: Any, calibration_end: Any, holdout_days: int, time_unit: str = "week") -> Self:
        """Return the baseline; the histories given to `predict` tell it all."""
        return cls()

    def predict(self, t: Any, frequency: Any, recency: Any, T: Any) -> Array:
        """Forecast purchases in the next `t`.

        Parameters
        ----------
        t : array_like or float
            Time ahead, at least 0, in the unit of `T`.
        frequency, recency, T : array_like of shape (n,)
            Repeat purchases, age at the last of them, age.

        Returns
        -------
        ndarray of shape (n,)
            0 for a customer first seen on the last day, whose rate nobody knows.
        """
        x, age = np.asarray(frequency, dtype=float), np.asarray(T, dtype=float)
        return np.asarray(t, dtype=float) * np.divide(x, age, out=np.zeros(age.shape), where=age > 0)


class RecencyRule:
    """Whoever has been silent for longer than the hiatus buys nothing; the others go on at their average rate.

    Parameters
    ----------
    hiatus : float
        Longest silence of a customer who still counts as one, at least 0, in the unit of time of the histories. It
        may be infinite: then nobody counts as lost.

    Raises
    ------
    ValueError
        If the hiatus is negative or missing.

    References
    ----------
    Wübben, M. & F. von Wangenheim (2008). Instant Customer Base Analysis: Managerial Heuristics Often "Get It
    Right". *Journal of Marketing* 72(3), 82-93: the hiatus heuristic, and the future rate set to the past mean rate.
    """

    def __init__(self, hiatus: float) -> None:
        if not hiatus >= 0:
            raise ValueError(f"hiatus is {hiatus}; it must be at least 0.")
        self.hiatus = float(hiatus)

    @classmethod
    def from_ledger(cls, purchases: Any, calibration_end: Any, holdout_days: int, time_unit: str = "week") -> Self:
        """Choose the hiatus that would have told best, inside the calibration period, who buys again.

        Its last part is set apart as a test: as long as the holdout, and at most half of the period. `best_hiatus`
        chooses among the silences of the customers known before it. Of a period too short for a test of 7 days
        the hiatus is infinite.

        Parameters
        ----------
        purchases : frame
            customer and date, rows in any order.
        calibration_end : date, datetime or ISO string
            Last day that is looked at.
        holdout_days : int
            Days to forecast.
        time_unit : {"week", "day", "month", "year"}, default "week"

        Returns
        -------
        RecencyRule
        """
        end = pd.Timestamp(calibration_end).date()
        ages = to_pandas(rfm_summary(_without_amounts(purchases), end, "day"))["T"]
        test_days = int(min(holdout_days, ages.max() // 2)) if len(ages) else 0
        if test_days < SHORTEST_TEST_DAYS:
            return cls(np.inf)
        halves = to_pandas(
            calibration_holdout(_without_amounts(purchases), end - dt.timedelta(days=test_days), end, time_unit)
        )
        histories = halves["frequency_cal"], halves["recency_cal"], halves["T_cal"]
        return cls(best_hiatus(halves["frequency_holdout"], *histories))

    def predict(self, t: Any, frequency: Any, recency: Any, T: Any) -> Array:
        """Forecast purchases in the next `t`.

        Parameters
        ----------
        t : array_like or float
            Time ahead, at least 0, in the unit of `T`.
        frequency, recency, T : array_like of shape (n,)
            Repeat purchases, age at the last of them, age.

        Returns
        -------
        ndarray of shape (n,)
        """
        silence = np.asarray(T, dtype=float) - np.asarray(recency, dtype=float)
        return np.where(silence <= self.hiatus + ROUNDING, AverageRate().predict(t, frequency, recency, T), 0.0)


class LastPeriodRepeats:
    """Each customer makes the repeat purchases of the last period again.

    First purchases are left out: nobody makes them twice, and with them the forecast of a growing base is far off.

    Parameters
    ----------
    purchases : array_like of int, of shape (n,)
        Repeat purchases of each customer in the last period before the split, in the order of the histories.
    period : float
        Its length, above 0, in the unit of time of the histories.

    Raises
    ------
    ValueError
        If the period is not above 0.
    """

    def __init__(self, purchases: Any, period: float) -> None:
        if not period > 0:
            raise ValueError(f"period is {period}; it must be above 0.")
        self.purchases = np.asarray(purchases, dtype=float)
        self.period = float(period)

    @classmethod
    def from_ledger(cls, purchases: Any, calibration_end: Any, holdout_days: int, time_unit: str = "week") -> Self:
        """Count each customer's repeat purchases in the last `holdout_days` up to `calibration_end`.

        Parameters
        ----------
        purchases : frame
            customer and date, rows in any order.
        calibration_end : date, datetime or ISO string
            Last day that is looked at, and the period's last.
        holdout_days : int
            Length of the period, above 0. Of a ledger younger than that all repeat purchases count, as they are.
        time_unit : {"week", "day", "month", "year"}, default "week"

        Returns
        -------
        LastPeriodRepeats
            For the customers first seen by `calibration_end`, sorted as `calibration_holdout` does.

        Raises
        ------
        ValueError
            If the time unit is unknown.
        """
        if time_unit not in DAYS_PER_UNIT:
            raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
        end = pd.Timestamp(calibration_end).date()
        ledger = _without_amounts(purchases)
        customers = to_pandas(rfm_summary(ledger, end, "day")).set_index("customer")
        split = end - dt.timedelta(days=int(holdout_days))
        before = customers["frequency"] * 0
        if len(customers) and customers["T"].max() >= holdout_days:
            earlier = to_pandas(rfm_summary(ledger, split, "day")).set_index("customer")
            before = earlier["frequency"].reindex(customers.index, fill_value=0)
        return cls((customers["frequency"] - before).to_numpy(), holdout_days / DAYS_PER_UNIT[time_unit])

    def predict(self, t: Any, frequency: Any, recency: Any, T: Any) -> Array:
        """Forecast purchases in the next `t`.

        Parameters
        ----------
        t : array_like or float
            Time ahead; the counts are scaled to it.
        frequency, recency, T : array_like of shape (n,)
            Histories of the customers counted, in the same order.

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        ValueError
            If there are more or fewer histories than customers counted.
        """
        given = np.asarray(frequency).shape
        if given != self.purchases.shape:
            raise ValueError(
                f"{self.purchases.size} customers were counted and histories of {np.asarray(frequency).size} given; "
                "they must be the same customers."
            )
        return self.purchases * np.asarray(t, dtype=float) / self.period


#: The baselines of purchases by name, as the league shows them.
BASELINES: Mapping[str, type[Baseline]] = MappingProxyType(
    {"last period repeats": LastPeriodRepeats, "average rate": AverageRate, "recency rule": RecencyRule}
)


def best_hiatus(actual: Any, frequency: Any, recency: Any, T: Any) -> float:
    """Find the hiatus that best tells who buys in a test from who doesn't.

    Best is the greatest share of buyers counted as customers, less the share of the others counted so (Youden's J).
    The plain share of hits would leave everybody out wherever few buy, and squared error wherever the average rate
    runs high, as it does of young customers.

    Parameters
    ----------
    actual : array_like of shape (n,)
        Purchases in the test.
    frequency, recency, T : array_like of shape (n,)
        Histories before the test; the frequency is not looked at.

    Returns
    -------
    float
        One of the silences observed, T - recency; infinite where leaving nobody out is best, and where all bought
        or nobody did.
    """
    bought = np.asarray(actual) > 0
    if bought.all() or not bought.any():
        return np.inf
    silence = np.asarray(T, dtype=float) - np.asarray(recency, dtype=float)
    gain = np.where(bought, 1 / bought.sum(), -1 / (~bought).sum())
    by_silence = pd.Series(gain).groupby(np.round(silence / ROUNDING) * ROUNDING).sum().cumsum()
    best = int(np.argmax(by_silence.to_numpy()))
    return np.inf if best == len(by_silence) - 1 else float(by_silence.index[best])


class RuleOfThumb(NamedTuple):
    """Lifetime value by the rule of thumb LTV = S x C x P x T: one number for every customer.

    Attributes
    ----------
    mean_purchase : float
        S: revenue over the number of purchases.
    purchases_a_month : float
        C: purchases over the customers' months since their first purchase.
    margin : float
        P.
    lifetime_months : float
        T: mean time from a customer's first to last purchase, in months; 0 for who bought once.
    value : float
        S x C x P x T.
    value_in_horizon : float
        The same with T cut at the horizon: what the rule expects of a customer within it.
    """

    mean_purchase: float
    purchases_a_month: float
    margin: float
    lifetime_months: float
    value: float
    value_in_horizon: float


def rule_of_thumb_value(
    purchases: Any,
    calibration_end: Any,
    *,
    margin: float | None = None,
    horizon_days: float = np.inf,
    lifetime_months: float | None = None,
) -> RuleOfThumb:
    """Value a customer by the rule of thumb LTV = S x C x P x T.

    All four are taken from the purchases up to `calibration_end`, as practice takes them. Purchases of one day are one
    purchase, first purchases count, the first and the last day are both observed, and a month is a twelfth of 365.25
    days. The lifetime is the one seen so far, so it is cut off by the end of observation; and nothing is discounted.

    Parameters
    ----------
    purchases : frame
        customer, date and amount, rows in any order.
    calibration_end : date, datetime or ISO string
        Last day that is looked at.
    margin : float, optional
        Share of revenue that is profit. By default the value is revenue.
    horizon_days : float, default infinite
        How far ahead the value is compared, in days, at least 0.
    lifetime_months : float, optional
        A lifetime known from elsewhere, such as 1 / monthly loss of customers, in place of the one observed.

    Returns
    -------
    RuleOfThumb

    Raises
    ------
    ValueError
        If there are no purchases by `calibration_end`, no amounts, or the horizon is negative.
    """
    if not horizon_days >= 0:
        raise ValueError(f"horizon_days is {horizon_days}; it can't be negative.")
    ledger: Any = nw.from_native(purchases)
    if "amount" not in ledger.collect_schema():
        raise ValueError("The purchases have no column amount, so a mean purchase can't be taken from them.")
    days = to_pandas(purchase_days(ledger.select("customer", "date", "amount").to_native()))
    end = pd.Timestamp(calibration_end).normalize()
    days = days.assign(date=pd.to_datetime(days["date"]))
    days = days[days["date"] <= end]
    if days.empty:
        raise ValueError(f"Nobody bought by {end.date()}, so there is nothing to take a rule of thumb from.")
    seen = days.groupby("customer", sort=False)["date"].agg(["min", "max"])
    month = DAYS_PER_UNIT["month"]
    observed = ((end - seen["min"]).dt.days + 1).sum() / month
    lifetime = (seen["max"] - seen["min"]).dt.days.mean() / month if lifetime_months is None else lifetime_months
    mean_purchase, rate, share = days["amount"].mean(), len(days) / observed, 1.0 if margin is None else margin
    a_month = mean_purchase * rate * share
    return RuleOfThumb(
        float(mean_purchase),
        float(rate),
        float(share),
        float(lifetime),
        float(a_month * lifetime),
        float(a_month * min(lifetime, horizon_days / month)),
    )


def _without_amounts(purchases: Any) -> Any:
    ledger: Any = nw.from_native(purchases)
    return ledger.select("customer", "date").to_native()
