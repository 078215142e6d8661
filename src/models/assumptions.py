"""What in a ledger contradicts the models of repeat purchases and spend.

Each check gives its number with an interval or a p-value, the threshold from which it counts, and whether the
contradiction is seen: True, False, or None where the ledger can't tell, with the reason. A contradiction is seen only
if it is both beyond chance and large, for on a big ledger anything is beyond chance.

The ledger's customers and days are fetched into memory; amounts are not.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import norm

from models.customer_days import CustomerDays, customer_days, day_number, first_rows
from models.left_truncation import left_truncation
from models.validation import spend_frequency_correlation

Array = np.ndarray

# Spend and frequency
RELATED = 0.2  # rank correlation beyond what the model itself gives
DRAWN = 100_000  # customers simulated for what the model gives

# Seasonality
FEWEST_MONTHS = 24
FEWEST_A_MONTH = 5  # repeat purchases, on average
SEASONAL = 1.5  # purchases in the highest month of the year over those in the lowest
CHANCE = 0.001  # p-value below which it is no chance; strict, for months in a row are alike even without a season

# Regularity
REGULAR = 1.5  # shape of the gaps; exponential gaps have 1
FEWEST_PAIRS = 100  # customers with two gaps


class RelatedSpend(NamedTuple):
    """Whether customers who buy often spend more, or less, per purchase.

    Attributes
    ----------
    correlation : float
        Spearman's rank correlation of mean spend and number of purchases.
    under_model : float
        What it would be if the gamma-gamma model held: not quite 0, as the mean of few skewed amounts is low.
    excess, low, high : float
        The difference, with its interval.
    pearson : float
        Pearson's correlation, which one big spender can turn around; for comparison.
    customers : int
    threshold : float
        Size of the excess from which it is seen.
    seen : bool or None
    reason : str
    """

    correlation: float = np.nan
    under_model: float = np.nan
    excess: float = np.nan
    low: float = np.nan
    high: float = np.nan
    pearson: float = np.nan
    customers: int = 0
    threshold: float = RELATED
    seen: bool | None = None
    reason: str = ""


class Seasonality(NamedTuple):
    """Whether repeat purchases have a season, beyond trend and chance.

    Attributes
    ----------
    ratio : float
        Purchases in the highest month of the year over those in the lowest, trend apart.
    highest, lowest : int
        These months, 1 to 12; 0 if not known.
    strength : float
        Wang, Smith & Hyndman's: 1 - Var(remainder) / Var(season + remainder), with months weighted by their purchases
        and variances by degrees of freedom; from 0, no season, to 1, nothing but season.
    p_value : float
        Of the F test that all months of the year are alike.
    months : int
        Months observed for half or more.
    threshold : float
        ratio from which it is seen.
    seen : bool or None
        None with less than two years or too few purchases.
    reason : str
    """

    ratio: float = np.nan
    highest: int = 0
    lowest: int = 0
    strength: float = np.nan
    p_value: float = np.nan
    months: int = 0
    threshold: float = SEASONAL
    seen: bool | None = None
    reason: str = ""


class Regularity(NamedTuple):
    """Whether customers buy more regularly than at random.

    Attributes
    ----------
    k, low, high : float
        Shape of the gamma distributed gaps between purchases of one customer, with its interval: 1 is random
        (exponential gaps, as the models have it), above is regular, below comes in bursts.
    customers : int
        Who have two gaps or more.
    threshold : float
        k from which regularity is seen.
    seen : bool or None
    reason : str
    """

    k: float = np.nan
    low: float = np.nan
    high: float = np.nan
    customers: int = 0
    threshold: float = REGULAR
    seen: bool | None = None
    reason: str = ""


def spend_related_to_frequency(
    frequency: Any,
    monetary_value: Any,
    p: float = np.inf,
    q: float = np.inf,
    *,
    seed: int | np.random.Generator,
    interval: float = 0.95,
) -> RelatedSpend:
    """Tell whether spend per purchase depends on the number of purchases, which the gamma-gamma model denies.

    Parameters
    ----------
    frequency : array_like of shape (n,)
        Repeat purchases, above 0.
    monetary_value : array_like of shape (n,)
        Mean spend of these purchases.
    p, q : float
        Shapes of the gamma-gamma model fitted to them, from which follows what ranks would show if the model held.
        Without them that is taken for 0.
    seed : int or numpy.random.Generator
        For the simulation of the same.
    interval : float, default 0.95

    Returns
    -------
    RelatedSpend
        seen is None where there is no correlation to be had.

    Raises
    ------
    ValueError
        If the two are of different lengths, or a frequency is not above 0.
    """
    times = np.asarray(frequency, dtype=float)
    refused = int((~(times > 0)).sum())
    if refused:
        raise ValueError(f"frequency is not above 0 for {refused} of {times.size} customers; give those who came back.")
    found = spend_frequency_correlation(times, monetary_value, interval)
    if np.isnan(found.correlation):
        reason = f"{found.customers} customers came back; too few, or they all buy equally often or for equally much."
        return RelatedSpend(customers=found.customers, reason=reason)
    under_model = 0.0
    if np.isfinite(p):
        random = np.random.default_rng(seed)
        of_each = np.resize(times, max(DRAWN, times.size))
        level = random.gamma(q, size=of_each.size) if np.isfinite(q) else 1.0
        drawn = random.gamma(p * of_each) / of_each / level
        under_model = spend_frequency_correlation(of_each, drawn).correlation
    excess, low, high = found.correlation - under_model, found.low - under_model, found.high - under_model
    seen = bool(abs(excess) >= RELATED and (low > 0 or high < 0))
    return RelatedSpend(
        found.correlation, under_model, excess, low, high, found.pearson, found.customers, RELATED, seen, ""
    )


def seasonality(purchases: Any, as_of: Any = None) -> Seasonality:
    """Tell whether repeat purchases come and go with the month of the year, which the models know nothing of.

    Of each month observed for half or more the repeat purchases per day and known customer are taken, in logarithms,
    and explained by the month of the year beside a trend: straight with a bend every twelve months, and steep at the
    start, as a young base's is.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer and date.
    as_of : date, datetime or ISO string, optional
        Last day observed; the ledger's last by default.

    Returns
    -------
    Seasonality
        seen is None with fewer than 24 such months, for then no month of the year is seen often enough to tell its
        season from the trend, and with fewer than 5 repeat purchases a month.

    Notes
    -----
    Young customers buy more, so a base that gains most of its customers in one month of the year shows a season of
    their repeat purchases after it, too: up to a ratio of about 1.4 in simulations without any other season.

    References
    ----------
    Wang, X., K. A. Smith & R. J. Hyndman (2006). Characteristic-Based Clustering for Time Series Data. *Data Mining
    and Knowledge Discovery* 13(3), 335-364.
    """
    days = customer_days(purchases, as_of)
    monthly = _repeats_by_month(days, as_of)
    months = len(monthly)
    if months < FEWEST_MONTHS:
        reason = f"{months} months are observed; a season can be told from {FEWEST_MONTHS} on."
        return Seasonality(months=months, reason=reason)
    if monthly["repeats"].sum() < FEWEST_A_MONTH * months:
        reason = f"{monthly['repeats'].sum()} repeat purchases in {months} months are too few to show a season."
        return Seasonality(months=months, reason=reason)
    counts = monthly["repeats"].to_numpy(dtype=float) + 0.5  # a month without purchases has a logarithm, too
    rate = np.log(counts / monthly["customer_days"].to_numpy())
    elapsed = np.arange(months, dtype=float)
    bends = np.maximum(elapsed[:, None] - np.arange(12, months - 11, 12), 0)
    trend = np.column_stack([np.ones(months), elapsed, np.log1p(elapsed), bends])
    month = monthly["date"].dt.month.to_numpy()
    season = (month[:, None] == np.arange(1, 12)).astype(float) - (month[:, None] == 12)

    weight = np.sqrt(counts)
    whole = np.column_stack([trend, season]) * weight[:, None]
    coefficients = np.linalg.lstsq(whole, rate * weight, rcond=None)[0]
    without = np.linalg.lstsq(trend * weight[:, None], rate * weight, rcond=None)[0]
    remainder = np.square((rate * weight) - whole @ coefficients).sum()
    both = np.square((rate - trend @ without) * weight).sum()
    free, free_without = months - whole.shape[1], months - trend.shape[1]
    strength = 1 - (remainder / free) / (both / free_without) if both > 0 else 0.0
    f_value = (both - remainder) / season.shape[1] / (remainder / free) if remainder > 0 else np.inf
    p_value = float(f_distribution.sf(f_value, season.shape[1], free)) if both > 0 else 1.0

    effects = coefficients[-season.shape[1] :]
    effects = np.append(effects, -effects.sum())
    ratio = float(np.exp(np.ptp(effects)))
    return Seasonality(
        ratio=ratio,
        highest=int(effects.argmax()) + 1,
        lowest=int(effects.argmin()) + 1,
        strength=float(max(strength, 0.0)),
        p_value=p_value,
        months=months,
        seen=bool(ratio >= SEASONAL and p_value < CHANCE),
    )


def purchase_regularity(purchases: Any, as_of: Any = None, interval: float = 0.95) -> Regularity:
    """Tell whether customers buy more regularly than the models believe: at random.

    Wheat & Morrison: if the gaps of a customer are gamma distributed with shape k, the share of the first in the sum
    of two is beta(k, k) distributed, whatever the customer's rate. Its variance is 1 / (4 (2k + 1)). It holds for every
    pair of a customer's gaps up to the end of observation, so all pairs that don't overlap are used, and customers
    weigh alike. Days are not instants: of whole-day gaps with the sum s, random ones give (1 - 2 / s) / 12 in place of
    1 / 12, and the variance is measured in units of that. So random purchases give k = 1 at any frequency. Any other k
    is drawn towards 1 where gaps of a few days are common: of frequent customers, and in bursts.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer and date.
    as_of : date, datetime or ISO string, optional
        Last day observed; the ledger's last by default.
    interval : float, default 0.95
        Coverage of the interval, by the normal approximation to the variance.

    Returns
    -------
    Regularity
        seen is None with fewer than 100 customers who have two gaps.

    References
    ----------
    Wheat, R. D. & D. G. Morrison (1990). Estimating Purchase Regularity with Two Interpurchase Times. *Journal of
    Marketing Research* 27(1), 87-93.
    """
    days = customer_days(purchases, as_of)
    starts = first_rows(days)
    sizes = np.diff(np.append(starts, len(days.day)))
    place = np.arange(len(days.day)) - np.repeat(starts, sizes)
    second = np.flatnonzero((place >= 2) & (place % 2 == 0))  # the purchases that end a pair of gaps
    total = days.day[second] - days.day[second - 2]
    uneven = (days.day[second] + days.day[second - 2] - 2 * days.day[second - 1]) / (2 * total)
    of_customer = np.cumsum(np.diff(days.customer[second], prepend=-1) != 0) - 1 if len(second) else second
    customers = int(of_customer[-1]) + 1 if len(second) else 0
    if customers < FEWEST_PAIRS:
        reason = f"{customers} customers have two gaps between purchases; {FEWEST_PAIRS} are needed."
        return Regularity(customers=customers, reason=reason)
    pairs = np.bincount(of_customer)
    variance = np.bincount(of_customer, np.square(uneven)) / pairs
    if_random = np.bincount(of_customer, (1 - 2 / total) / 12) / pairs
    if not if_random.any():
        reason = "All gaps are of one day, so they can't differ by chance either."
        return Regularity(customers=customers, reason=reason)
    relative = variance.sum() / if_random.sum()
    error = np.sqrt(np.square(variance - relative * if_random).sum()) / if_random.sum()
    margin = norm.ppf((1 + interval) / 2) * error

    def shape(of_random: float) -> float:
        return (3 - of_random) / (2 * of_random) if of_random > 0 else np.inf

    k, low, high = (float(max(shape(each), 0.0)) for each in (relative, relative + margin, relative - margin))
    return Regularity(k, low, high, customers, REGULAR, bool(k >= REGULAR and low > 1), "")


def contradictions(purchases: Any, as_of: Any = None, interval: float = 0.95) -> pd.DataFrame:
    """Check the ledger's days against the models: left cut, seasonality, regularity.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer and date.
    as_of : date, datetime or ISO string, optional
        Last day observed; the ledger's last by default.
    interval : float, default 0.95

    Returns
    -------
    DataFrame
        A row for each of "left_cut" (value: `share_already`; see `models.left_truncation`), "seasonality" (`ratio`) and
        "regularity" (`k`): assumption, value, low, high, p_value and threshold (NaN where there is none), seen, reason.
    """
    days = customer_days(purchases, as_of)
    cut, season, regular = (
        left_truncation(days, as_of),
        seasonality(days, as_of),
        purchase_regularity(days, as_of, interval),
    )
    seen = (cut.cut, "") if cut.can_tell else (None, cut.reason)
    rows = [
        ("left_cut", cut.share_already, np.nan, np.nan, np.nan, np.nan, *seen),
        ("seasonality", season.ratio, np.nan, np.nan, season.p_value, season.threshold, season.seen, season.reason),
        ("regularity", regular.k, regular.low, regular.high, np.nan, regular.threshold, regular.seen, regular.reason),
    ]
    columns = ["assumption", "value", "low", "high", "p_value", "threshold", "seen", "reason"]
    return pd.DataFrame(rows, columns=columns).astype({"seen": "boolean"})


def _repeats_by_month(days: CustomerDays, as_of: Any) -> pd.DataFrame:
    """Repeat purchases of months observed for half or more, and the customer-days in which they could be made."""
    if not len(days.day):
        return pd.DataFrame({"date": pd.to_datetime([]), "repeats": [], "customer_days": []})
    starts = first_rows(days)
    beginning, end = int(days.day.min()), int(days.day.max()) if as_of is None else day_number(as_of)
    span = end - beginning + 1
    new = np.bincount(days.day[starts] - beginning, minlength=span)
    repeats = np.bincount(days.day - beginning, minlength=span) - new
    known = np.cumsum(new) - new
    dates = _as_dates(beginning + np.arange(span))
    daily = pd.DataFrame({"date": dates.to_numpy().astype("datetime64[M]"), "repeats": repeats, "customer_days": known})
    monthly = daily.groupby("date").sum().reset_index()
    monthly["date"] = pd.to_datetime(monthly["date"])
    observed = np.unique(dates.to_numpy().astype("datetime64[M]"), return_counts=True)[1]
    enough = (2 * observed >= monthly["date"].dt.days_in_month) & (monthly["customer_days"] > 0)
    return monthly[enough].reset_index(drop=True)


def _as_dates(day: Array) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(day, dtype="datetime64[D]").astype("datetime64[us]"))
