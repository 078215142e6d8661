"""Customers and ledgers drawn from the models themselves, for tests, studies of recovery and benchmarks.

Nothing here steps from purchase to purchase. Given a customer's rate, the purchases of a span form a Poisson
process: their number is Poisson distributed, and given that number their times are uniform and independent. In
the beta-geometric models the number after which a customer leaves is geometric, and the time of the k-th of n
uniform purchases is a beta(k, n - k + 1) share of the span. So the cost does not depend on how often customers buy.
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.rfm import DAYS_PER_UNIT

Array = np.ndarray

#: Parameters of each model, in the order of the literature.
PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bgnbd": ("r", "alpha", "a", "b"),
        "modified_bgnbd": ("r", "alpha", "a", "b"),
        "pareto_nbd": ("r", "alpha", "s", "beta"),
        "gamma_gamma": ("p", "q", "v"),
    }
)

#: Published estimates for the CDNOW sample (2,357 customers, first 39 weeks), with time in weeks and money in dollars.
#: BG/NBD and Pareto/NBD: Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, *Marketing Science* 24(2).
#: Modified BG/NBD: Batislam, Denizel & Filiztekin (2007), Empirical Validation and Comparison of Models for Customer
#: Base Analysis, *International Journal of Research in Marketing* 24(3).
#: Gamma-gamma: Fader & Hardie (2013), http://www.brucehardie.com/notes/025/.
CDNOW: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "bgnbd": MappingProxyType({"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}),
        "modified_bgnbd": MappingProxyType({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}),
        "pareto_nbd": MappingProxyType({"r": 0.5532, "alpha": 10.576, "s": 0.6062, "beta": 11.67}),
        "gamma_gamma": MappingProxyType({"p": 6.25, "q": 3.74, "v": 15.44}),
    }
)

SMALLEST_AMOUNT = 0.01


def simulate_histories(
    model: str, params: Mapping[str, float], T: Any, *, ahead: float = 0.0, seed: int | np.random.Generator
) -> pd.DataFrame:
    """Draw customers of the ages `T`, each with a history and what they buy after it.

    Parameters
    ----------
    model : {"bgnbd", "modified_bgnbd", "pareto_nbd"}
    params : mapping of str to float
        r, alpha, a and b; for "pareto_nbd" r, alpha, s and beta. All above 0.
    T : array_like of shape (n,)
        Ages, at least 0, in the unit of time of `params`.
    ahead : float, default 0.0
        Length of the time after `T` in which purchases_ahead are made, in the same unit.
    seed : int or numpy.random.Generator
        The same seed gives the same customers.

    Returns
    -------
    DataFrame of n rows
        - frequency: repeat purchases up to the age T (integer); time is continuous, so none coincide;
        - recency: age at the last of them, 0.0 without repeats;
        - T: as given;
        - purchases_ahead: purchases between the ages T and T + `ahead` (integer);
        - alive: whether still a customer at the age T.

    Raises
    ------
    ValueError
        If the model is unknown, `params` are not its own or not above 0, or a time is negative or missing.

    References
    ----------
    Fader, P. S., B. G. S. Hardie & K. L. Lee (2005). "Counting Your Customers" the Easy Way: An Alternative to the
    Pareto/NBD Model. *Marketing Science* 24(2), 275-284; sections 2 and 3 tell both stories.
    Batislam, E. P., M. Denizel & A. Filiztekin (2007). *International Journal of Research in Marketing* 24(3),
    201-209: in the modified BG/NBD customers may leave right after their first purchase too.
    """
    if model not in PARAMETERS or model == "gamma_gamma":
        raise ValueError(f"model is {model!r}; it must be one of bgnbd, modified_bgnbd, pareto_nbd.")
    r, alpha, *leaving = _checked(model, params)
    age = np.atleast_1d(np.asarray(T, dtype=float))
    refused = int((~((age >= 0) & (age < np.inf))).sum())
    if refused:
        raise ValueError(f"T is negative, missing or infinite for {refused} of {len(age)} customers.")
    if not 0 <= ahead < np.inf:
        raise ValueError(f"ahead is {ahead}; it must be at least 0, and finite.")
    random = np.random.default_rng(seed)
    rate = random.gamma(r, 1 / alpha, len(age))
    if model == "pareto_nbd":
        drawn = _leaving_at_any_time(random, rate, age, ahead, *leaving)
    else:
        drawn = _leaving_after_a_purchase(random, rate, age, ahead, int(model == "bgnbd"), *leaving)
    frequency, recency, purchases_ahead, alive = drawn
    return pd.DataFrame(
        {"frequency": frequency, "recency": recency, "T": age, "purchases_ahead": purchases_ahead, "alive": alive}
    )


def simulate_spend(purchases: Any, p: float, q: float, v: float, *, seed: int | np.random.Generator) -> Array:
    """Draw what customers spend on given numbers of purchases, by the gamma-gamma model.

    Parameters
    ----------
    purchases : array_like of int, of shape (n,) or (n, k)
        Purchases of each of n customers, at least 0. Columns are spans of time, such as a calibration and a
        holdout: the customer is the same in all of them, the purchases are others.
    p : float
        Shape of the amount of one purchase.
    q, v : float
        Shape and rate of the distribution over customers of the rate nu of these amounts. The mean over customers is
        p v / (q - 1), infinite if q is 1 or less.
    seed : int or numpy.random.Generator

    Returns
    -------
    ndarray of the shape of `purchases`
        Total amounts, in the money of `v`; 0.0 where nothing was bought. Divide by `purchases` for the means.

    Raises
    ------
    ValueError
        If a parameter is not above 0 or a number of purchases is negative.

    References
    ----------
    Fader, P. S. & B. G. S. Hardie (2013). The Gamma-Gamma Model of Monetary Value.
    http://www.brucehardie.com/notes/025/
    """
    p, q, v = _checked("gamma_gamma", {"p": p, "q": q, "v": v})
    number = np.atleast_1d(np.asarray(purchases))
    refused = int((~(number >= 0)).sum())
    if refused:
        raise ValueError(f"purchases is negative or missing in {refused} of {number.size} places.")
    random = np.random.default_rng(seed)
    nu = random.gamma(q, 1 / v, len(number)).reshape(-1, *(1,) * (number.ndim - 1))
    return random.gamma(p * number) / nu


def simulate_ledger(
    model: str,
    params: Mapping[str, float],
    spend_params: Mapping[str, float],
    customers: int,
    *,
    start: dt.date,
    acquisition_days: int,
    end: dt.date,
    seed: int | np.random.Generator,
    time_unit: str = "week",
) -> pl.DataFrame:
    """Draw a ledger of purchases.

    Parameters
    ----------
    model : {"bgnbd", "modified_bgnbd", "pareto_nbd"}
    params : mapping of str to float
        As in `simulate_histories`, with time in `time_unit`.
    spend_params : mapping of str to float
        p, q and v of the gamma-gamma model.
    customers : int
        Customers, each with at least the first purchase.
    start : date
        First day of the ledger.
    acquisition_days : int
        Days from `start` over which first purchases are spread evenly, at least 1.
    end : date
        Last day of the ledger, observed to its end.
    seed : int or numpy.random.Generator
        The same seed gives the same ledger.
    time_unit : {"week", "day", "month", "year"}, default "week"

    Returns
    -------
    polars.DataFrame
        One row per purchase, in the order of the days: customer (string of digits, all of one length), date (Date),
        amount (rounded to cents, at least 0.01).

    Raises
    ------
    ValueError
        If acquisition runs past `end`, the time unit is unknown, or for the reasons of `simulate_histories`.
    """
    if time_unit not in DAYS_PER_UNIT:
        raise ValueError(f"time_unit is {time_unit!r}; it must be one of {', '.join(DAYS_PER_UNIT)}.")
    days = (end - start).days + 1
    if not 1 <= acquisition_days <= days:
        raise ValueError(f"acquisition_days is {acquisition_days}; from {start} to {end} it must be from 1 to {days}.")
    p, q, v = _checked("gamma_gamma", spend_params)
    random = np.random.default_rng(seed)
    unit = DAYS_PER_UNIT[time_unit]
    first = random.uniform(0, acquisition_days, customers)
    histories = simulate_histories(model, params, (days - first) / unit, seed=random)
    frequency, recency = histories["frequency"].to_numpy(), histories["recency"].to_numpy() * unit

    # given the last purchase, the repeats before it are uniform up to it
    between = np.repeat(np.arange(customers, dtype=np.int32), np.maximum(frequency - 1, 0))
    repeated = np.flatnonzero(frequency).astype(np.int32)
    buyer = np.concatenate([np.arange(customers, dtype=np.int32), between, repeated])
    times = np.concatenate(
        [first, first[between] + random.random(len(between)) * recency[between], first[repeated] + recency[repeated]]
    )
    day = np.minimum(times, days - 1).astype(np.int32)
    nu = random.gamma(q, 1 / v, customers)
    amount = np.maximum(np.round(random.gamma(p, 1, len(buyer)) / nu[buyer], 2), SMALLEST_AMOUNT)
    in_order = np.lexsort((buyer, day))
    names = pl.int_range(1, customers + 1, eager=True).cast(pl.String).str.zfill(len(str(customers)))
    return pl.DataFrame(
        {
            "customer": names.gather(buyer[in_order]),
            "date": pl.Series(day[in_order] + (start - dt.date(1970, 1, 1)).days, dtype=pl.Int32).cast(pl.Date),
            "amount": amount[in_order],
        }
    )


def _checked(model: str, params: Mapping[str, float]) -> tuple[float, ...]:
    """Return the parameters in the literature's order."""
    names = PARAMETERS[model]
    if set(params) != set(names):
        raise ValueError(f"{model} takes {', '.join(names)}; params holds {', '.join(map(str, params)) or 'nothing'}.")
    values = tuple(float(params[name]) for name in names)
    wrong = [f"{name} {value:g}" for name, value in zip(names, values, strict=True) if not 0 < value < np.inf]
    if wrong:
        raise ValueError(f"Parameters of {model} must be above 0 and finite; not so: {', '.join(wrong)}.")
    return values


def _leaving_after_a_purchase(
    random: np.random.Generator, rate: Array, age: Array, ahead: float, earliest: int, a: float, b: float
) -> tuple[Array, Array, Array, Array]:
    """Draw customers who leave with one probability after each repeat purchase from the `earliest`-th on."""
    with np.errstate(divide="ignore", over="ignore"):  # whoever leaves for certain, and whoever never does
        log_of_staying = np.log1p(-random.beta(a, b, len(age)))
        leaves_after = earliest + np.floor(-random.standard_exponential(len(age)) / log_of_staying)
    if_no_one_left = random.poisson(rate * age)
    alive = if_no_one_left < leaves_after
    frequency = np.where(alive, if_no_one_left, leaves_after).astype(np.int64)
    recency = np.zeros(len(age))
    repeated = np.flatnonzero(frequency)
    recency[repeated] = age[repeated] * random.beta(
        frequency[repeated], if_no_one_left[repeated] - frequency[repeated] + 1
    )
    later = random.poisson(rate * ahead)
    purchases_ahead = np.where(alive, np.minimum(later, leaves_after - frequency), 0).astype(np.int64)
    return frequency, recency, purchases_ahead, alive


def _leaving_at_any_time(
    random: np.random.Generator, rate: Array, age: Array, ahead: float, s: float, beta: float
) -> tuple[Array, Array, Array, Array]:
    """Draw customers whose time of leaving doesn't depend on their purchases."""
    with np.errstate(divide="ignore"):
        lifetime = random.standard_exponential(len(age)) / random.gamma(s, 1 / beta, len(age))
    observed = np.minimum(lifetime, age)
    frequency = random.poisson(rate * observed)
    recency = np.zeros(len(age))
    repeated = np.flatnonzero(frequency)
    recency[repeated] = observed[repeated] * random.beta(frequency[repeated], 1)
    purchases_ahead = random.poisson(rate * (np.minimum(lifetime, age + ahead) - observed))
    return frequency, recency, purchases_ahead, lifetime > age
