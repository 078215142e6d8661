"""Customer lifetime value: expected purchases, discounted, times expected spend.

Discounting is continuous. An annual rate i makes the force of interest delta = log(1 + i) per year of 365.25
days, and the value at `as_of` of purchases over the horizon H is

    DEP = integral from 0 to H of exp(-delta t) dE[X(t)]
        = exp(-delta H) E[X(H)] + delta * integral from 0 to H of exp(-delta t) E[X(t)] dt,

the finite-horizon form of discounted expected transactions in Fader, Hardie & Lee (2005), RFM and CLV: Using
Iso-Value Curves for Customer Base Analysis, *Journal of Marketing Research* 42(4), equation (2).
"""

from typing import Any

import numpy as np
import pandas as pd

from models.rfm import DAYS_PER_UNIT

Array = np.ndarray

NODES = 20  # Gauss-Legendre nodes in the cube root of time, in which early bursts of purchases are smooth too


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
    model : lifetimes fitter
        Fitted, with `conditional_expected_number_of_purchases_up_to_time`.
    frequency, recency, T : array_like of shape (n,)
        Histories, in `time_unit`.
    horizon_days : float
        How far ahead to look, in days, at least 0.
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
        If the time unit is unknown, the horizon negative, or the rate -1 or less.
    """
    distinct, of_row = _distinct_histories(frequency, recency, T)
    return _discounted(model, distinct, horizon_days, annual_discount_rate, time_unit)[of_row]


def customer_lifetime_value(
    summary: pd.DataFrame,
    purchase_model: Any,
    spend_model: Any,
    *,
    horizon_days: float,
    annual_discount_rate: float,
    margin: float | None = None,
    time_unit: str = "week",
) -> pd.DataFrame:
    """Value each customer: expected purchases, spend per purchase, and what both are worth today.

    Parameters
    ----------
    summary : DataFrame
        As `models.rfm.rfm_summary` gives it; monetary_value may be absent if `spend_model` is None.
    purchase_model : lifetimes fitter or None
        Fitted on frequency, recency and T in `time_unit`. None leaves p_alive, expected_purchases and clv empty.
    spend_model : lifetimes GammaGammaFitter or None
        None leaves expected_spend and clv empty.
    horizon_days : float
        How far ahead to look, in days.
    annual_discount_rate : float
        Effective rate per year; see `discounted_expected_purchases`.
    margin : float, optional
        Share of revenue that is profit. By default the value is revenue.
    time_unit : {"week", "day", "month", "year"}, default "week"

    Returns
    -------
    DataFrame
        customer (string), frequency, recency, T, monetary_value, p_alive, expected_purchases (over the
        horizon, not discounted), expected_purchases_low and _high (empty), expected_spend (per purchase),
        clv (discounted; expected spend and purchases are independent in these models, so it is their
        product), clv_low and clv_high (empty).

    Raises
    ------
    ValueError
        For the reasons of `discounted_expected_purchases`.
    """
    empty = np.full(len(summary), np.nan)
    alive = expected = discounted = empty
    if purchase_model is not None:
        distinct, of_row = _distinct_histories(summary["frequency"], summary["recency"], summary["T"])
        discounted = _discounted(purchase_model, distinct, horizon_days, annual_discount_rate, time_unit)[of_row]
        histories = (distinct["frequency"], distinct["recency"], distinct["T"])
        horizon = horizon_days / DAYS_PER_UNIT[time_unit]
        expected = np.asarray(
            purchase_model.conditional_expected_number_of_purchases_up_to_time(horizon, *histories), dtype=float
        )[of_row]
        alive = np.ravel(np.asarray(purchase_model.conditional_probability_alive(*histories), dtype=float))[of_row]

    spend = empty
    if spend_model is not None:
        spend = np.asarray(
            spend_model.conditional_expected_average_profit(
                summary["frequency"].to_numpy(), summary["monetary_value"].to_numpy(dtype=float)
            ),
            dtype=float,
        )
    monetary_value = summary["monetary_value"].to_numpy() if "monetary_value" in summary else empty
    # Nothing expected is worth nothing, even where the mean spend is infinite.
    revenue = np.where(discounted == 0, 0.0, discounted) * np.where((discounted == 0) & np.isinf(spend), 0.0, spend)
    return pd.DataFrame(
        {
            "customer": summary["customer"].astype(str).to_numpy(),
            "frequency": summary["frequency"].to_numpy(),
            "recency": summary["recency"].to_numpy(),
            "T": summary["T"].to_numpy(),
            "monetary_value": monetary_value,
            "p_alive": alive,
            "expected_purchases": expected,
            "expected_purchases_low": empty,
            "expected_purchases_high": empty,
            "expected_spend": spend,
            "clv": revenue * (1.0 if margin is None else margin),
            "clv_low": empty,
            "clv_high": empty,
        }
    )


def _distinct_histories(frequency: Any, recency: Any, T: Any) -> tuple[pd.DataFrame, Array]:
    """Distinct histories and, for each customer, the row of theirs."""
    given = {"frequency": frequency, "recency": recency, "T": T}
    frame = pd.DataFrame({name: np.atleast_1d(np.asarray(values)) for name, values in given.items()})
    of_row = frame.groupby(list(frame), sort=False).ngroup().to_numpy()
    return frame.drop_duplicates(ignore_index=True), of_row


def _discounted(
    model: Any, distinct: pd.DataFrame, horizon_days: float, annual_discount_rate: float, time_unit: str
) -> Array:
    if time_unit not in DAYS_PER_UNIT:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
    if horizon_days < 0:
        raise ValueError(f"horizon_days is {horizon_days}; it can't be negative.")
    if annual_discount_rate <= -1:
        raise ValueError(f"annual_discount_rate is {annual_discount_rate}; it must be above -1.")
    horizon = horizon_days / DAYS_PER_UNIT[time_unit]
    delta = np.log1p(annual_discount_rate) * DAYS_PER_UNIT[time_unit] / DAYS_PER_UNIT["year"]
    histories = [distinct[name].to_numpy() for name in ("frequency", "recency", "T")]

    def expected(t: float) -> Array:
        return np.asarray(model.conditional_expected_number_of_purchases_up_to_time(t, *histories), dtype=float)

    value = np.exp(-delta * horizon) * expected(horizon)
    if delta == 0 or horizon == 0:
        return value
    points, weights = np.polynomial.legendre.leggauss(NODES)
    root = (points + 1) / 2
    for t, weight in zip(horizon * root**3, horizon * 3 * root**2 * weights / 2, strict=True):
        value += delta * weight * np.exp(-delta * t) * expected(t)
    return value
