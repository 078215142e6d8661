"""Customer lifetime value: expected purchases, discounted, times expected spend, times margin.

The convention is one throughout. The value is that at `as_of` of what is bought after it. The rate is effective
and per year of 365.25 days, the discounting continuous: an annual rate i makes the force of interest
delta = log(1 + i) per year. So purchases over the horizon H count

    DEP = integral from 0 to H of exp(-delta t) dE[X(t)],

the finite-horizon form of the discounted expected transactions in Fader, Hardie & Lee (2005), RFM and CLV: Using
Iso-Value Curves for Customer Base Analysis, *Journal of Marketing Research* 42(4), equation (2), which it tends to
as H grows. Spend per purchase is independent of purchases in these models, so the value is their product.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from models._columns import Array, distinct_of
from models.posterior import Posterior
from models.prediction_intervals import Interval, forecast_base, interval_of, purchase_intervals
from models.rfm import DAYS_PER_UNIT


class LifetimeValue(NamedTuple):
    """Lifetime value with intervals.

    Attributes
    ----------
    customers : DataFrame
        As `customer_lifetime_value` gives it, the bounds filled in.
    purchases, value : Interval of float
        The base's total purchases over the horizon and their total value.
    """

    customers: pd.DataFrame
    purchases: Interval
    value: Interval


def force_of_interest(annual_discount_rate: float, time_unit: str) -> float:
    """Continuous discount rate per unit of time.

    Parameters
    ----------
    annual_discount_rate : float
        Effective rate per year of 365.25 days, above -1; 0.10 for 10%.
    time_unit : {"day", "week", "month", "year"}

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the time unit is unknown or the rate -1 or less.
    """
    if time_unit not in DAYS_PER_UNIT:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
    if annual_discount_rate <= -1:
        raise ValueError(f"annual_discount_rate is {annual_discount_rate}; it must be above -1.")
    return float(np.log1p(annual_discount_rate) * DAYS_PER_UNIT[time_unit] / DAYS_PER_UNIT["year"])


def discounted_expected_purchases(
    model: Any,
    frequency: Any,
    recency: Any,
    T: Any,
    *,
    horizon_days: float,
    annual_discount_rate: float,
    time_unit: str,
) -> Array:
    """Purchases expected over the horizon, each discounted to its value at `as_of`.

    Parameters
    ----------
    model : BGNBD, ModifiedBGNBD or ParetoNBD
        Fitted.
    frequency, recency, T : array_like of shape (n,)
        Histories, in `time_unit`.
    horizon_days : float
        How far ahead to look, in days, at least 0; infinite for the whole residual life.
    annual_discount_rate : float
        Effective rate per year of 365.25 days, above -1; 0.10 for 10%. 0 discounts nothing.
    time_unit : {"day", "week", "month", "year"}
        The unit the model was fitted in.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If the time unit is unknown, the horizon negative, the rate -1 or less, or the horizon infinite without
        a rate above 0.
    """
    rate = force_of_interest(annual_discount_rate, time_unit)
    if horizon_days < 0:
        raise ValueError(f"horizon_days is {horizon_days}; it can't be negative.")
    histories = (np.atleast_1d(np.asarray(given, dtype=float)) for given in (frequency, recency, T))
    horizon = horizon_days / DAYS_PER_UNIT[time_unit]
    return np.asarray(model.discounted_expected_residual_transactions(rate, *histories, horizon))


def customer_lifetime_value(
    summary: pd.DataFrame,
    purchase_model: Any,
    spend_model: Any,
    *,
    horizon_days: float,
    annual_discount_rate: float,
    margin: Any = None,
    time_unit: str = "week",
) -> pd.DataFrame:
    """Value each customer: expected purchases, spend per purchase, and what both are worth today.

    Parameters
    ----------
    summary : DataFrame
        As `models.rfm.rfm_summary` gives it; monetary_value may be absent if `spend_model` is None.
    purchase_model : BGNBD, ModifiedBGNBD, ParetoNBD or None
        Fitted on frequency, recency and T in `time_unit`. None leaves p_alive, expected_purchases and clv empty.
    spend_model : GammaGamma or None
        None leaves expected_spend and clv empty.
    horizon_days : float
        How far ahead to look, in days.
    annual_discount_rate : float
        Effective rate per year; see `discounted_expected_purchases`.
    margin : array_like of shape (n,) or float, optional
        Share of revenue that is profit, of each customer or of all. By default the value is revenue.
    time_unit : {"week", "day", "month", "year"}, default "week"

    Returns
    -------
    DataFrame
        customer (string), frequency, recency, T, monetary_value, p_alive, expected_purchases (over the
        horizon, not discounted), expected_purchases_low and _high (empty; see `with_intervals`), expected_spend
        (per purchase), clv (discounted), clv_low and clv_high (empty).

    Raises
    ------
    ValueError
        For the reasons of `discounted_expected_purchases`.
    """
    empty = pd.Series(np.full(len(summary), np.nan), copy=False)
    alive = expected = discounted = spend = empty.to_numpy()
    if purchase_model is not None:
        histories, history = _distinct_histories(summary)
        horizon = horizon_days / DAYS_PER_UNIT[time_unit]
        discounted, expected, alive = (
            np.asarray(values)[history]
            for values in (
                discounted_expected_purchases(
                    purchase_model,
                    *histories,
                    horizon_days=horizon_days,
                    annual_discount_rate=annual_discount_rate,
                    time_unit=time_unit,
                ),
                purchase_model.conditional_expected_number_of_purchases_up_to_time(horizon, *histories),
                purchase_model.conditional_probability_alive(*histories),
            )
        )
        del history
    if spend_model is not None:
        spend = spend_model.conditional_expected_average_profit(
            summary["frequency"].to_numpy(), summary["monetary_value"].to_numpy(dtype=float)
        )
    # Columns taken over, and empty ones, share their memory until one is changed.
    given = summary.reset_index(drop=True)
    return pd.DataFrame(
        {
            "customer": given["customer"].astype(str),
            "frequency": given["frequency"],
            "recency": given["recency"],
            "T": given["T"],
            "monetary_value": given.get("monetary_value", empty),
            "p_alive": pd.Series(alive, copy=False),
            "expected_purchases": pd.Series(expected, copy=False),
            "expected_purchases_low": empty,
            "expected_purchases_high": empty,
            "expected_spend": pd.Series(spend, copy=False),
            "clv": _worth(discounted, spend, margin),
            "clv_low": empty,
            "clv_high": empty,
        },
        copy=False,
    )


def _distinct_histories(summary: pd.DataFrame) -> tuple[tuple[Array, ...], Array]:
    """Distinct (frequency, recency, T), and which of them is each customer's: many share one."""
    columns = {name: summary[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")}
    distinct, of_customer = distinct_of(columns)
    return tuple(distinct.values()), of_customer


def _worth(purchases: Array, spend: Array, margin: Any) -> Array:
    """Value of these purchases; nothing expected is worth nothing, even where the mean spend is infinite."""
    certain = (purchases == 0) & np.isinf(spend)
    worth = np.multiply(purchases, spend, out=np.zeros(len(purchases)), where=~certain)
    return worth if margin is None else worth * np.asarray(margin, dtype=float)


def with_intervals(
    valued: pd.DataFrame,
    purchase_model: Any,
    purchase_posterior: Posterior,
    spend_posterior: Posterior | None,
    *,
    horizon_days: float,
    annual_discount_rate: float,
    margin: Any = None,
    time_unit: str = "week",
    coverage: float = 0.8,
    seed: Any = 0,
) -> LifetimeValue:
    """Add intervals to `customer_lifetime_value`: of each customer and of the base.

    They carry the uncertainty of the parameters, of purchases and leaving, and of spend. A customer's purchases are
    discounted in simulated futures by what discounting takes off their expectation.

    Parameters
    ----------
    valued : DataFrame
        From `customer_lifetime_value`, with the same terms as here.
    purchase_model : BGNBD, ModifiedBGNBD or ParetoNBD
    purchase_posterior : Posterior
    spend_posterior : Posterior or None
        None leaves the bounds of value empty.
    horizon_days, annual_discount_rate, margin, time_unit
        As in `customer_lifetime_value`; the horizon must be finite.
    coverage : float, default 0.8
        With equal tails.
    seed : int or numpy.random.Generator, default 0

    Returns
    -------
    LifetimeValue

    Raises
    ------
    ValueError
        If the horizon is infinite, or for the reasons of `discounted_expected_purchases`.
    """
    if not np.isfinite(horizon_days):
        raise ValueError("Intervals need a finite horizon_days.")
    histories, history = _distinct_histories(valued)
    horizon = horizon_days / DAYS_PER_UNIT[time_unit]
    discounted = discounted_expected_purchases(
        purchase_model,
        *histories,
        horizon_days=horizon_days,
        annual_discount_rate=annual_discount_rate,
        time_unit=time_unit,
    )
    expected = purchase_model.conditional_expected_number_of_purchases_up_to_time(horizon, *histories)
    discount = np.divide(discounted, expected, out=np.ones(len(expected)), where=expected > 0)
    worth = discount[history] if margin is None else discount[history] * np.asarray(margin, dtype=float)
    forecast = forecast_base(
        purchase_model, purchase_posterior, spend_posterior, horizon, valued, worth, coverage=coverage, seed=seed
    )
    del worth
    x, t_x, age = histories
    counts = purchase_intervals(purchase_model, purchase_posterior, horizon, x, t_x, age, coverage=coverage, seed=seed)
    low, high = (
        pd.Series(bound.astype(float)[history], index=valued.index, copy=False) for bound in (counts.low, counts.high)
    )
    known = valued["clv"].notna()
    bounds = forecast.customers.set_axis(valued.index)
    bounds = bounds if known.all() else bounds.where(known)
    customers = valued.assign(
        expected_purchases_low=low,
        expected_purchases_high=high,
        clv_low=bounds["value_low"],
        clv_high=bounds["value_high"],
    )
    return LifetimeValue(customers, interval_of(forecast.purchases, coverage), interval_of(forecast.value, coverage))
