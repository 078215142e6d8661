"""What in a ledger contradicts the models of repeat purchases and spend.

Each check gives its number with an interval or a p-value, the threshold from which it counts, and whether the
contradiction is seen: True, False, or None where the ledger can't tell, with the reason. A contradiction is seen only
if it is both beyond chance and large, for on a big ledger anything is beyond chance.

The ledger's customers and days are fetched into memory; amounts are not.
"""

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from scipy.stats import f as f_distribution
from scipy.stats import norm

from models.validation import spend_frequency_correlation

Array = np.ndarray

# Left-cut ledger
NEARLY_ALL = 0.9  # the time in which this share of the customers is first seen is the time of acquisition
OPENING = 0.25  # and this share of it is the opening
CUT = 1 / 3  # share of the opening's customers beyond the later pace, from which a cut is suspected
FASTER_BACK = 1.1  # share of the opening's customers who come back over that of later ones
FEWEST_TO_COMPARE = 30  # customers in either group
SHORTEST_WATCH_DAYS = 7

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


class LeftCut(NamedTuple):
    """Whether customers "acquired" in the ledger's first weeks were customers before.

    Attributes
    ----------
    opening_days : int
        Length of the opening: the median time to a second purchase, and at most a quarter of the time in which nine
        tenths of the customers were first seen.
    opening_customers : int
    expected_customers : float
        First seen in the opening; and how many would have been at the pace of the rest of that time.
    excess, low, high : float
        Share of the opening's customers beyond that pace: who were probably customers before. Below 0 where new
        customers came faster later.
    back_opening, back_later : float
        Share who bought again within `watch_days`, of those first seen in the opening and of those seen later.
    back_ratio, back_ratio_low : float
        Ratio of the two, and the lower end of its interval.
    watch_days : int
        Days for which each of them is watched: the median time to a second purchase, at least a week, or as long as
        all of them were observed.
    threshold : float
        excess from which a cut is seen.
    seen : bool or None
    reason : str
    """

    opening_days: int = 0
    opening_customers: int = 0
    expected_customers: float = np.nan
    excess: float = np.nan
    low: float = np.nan
    high: float = np.nan
    back_opening: float = np.nan
    back_later: float = np.nan
    back_ratio: float = np.nan
    back_ratio_low: float = np.nan
    watch_days: int = 0
    threshold: float = CUT
    seen: bool | None = None
    reason: str = ""


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


class CustomerDays(NamedTuple):
    """Purchase days of every customer, sorted by customer and day.

    Attributes
    ----------
    customer : ndarray of int, of shape (n,)
        Code of the customer.
    day : ndarray of int, of shape (n,)
        Days since 1970-01-01; one row per customer and day.
    """

    customer: Array
    day: Array


def customer_days(purchases: Any, as_of: Any = None) -> CustomerDays:
    """Reduce a ledger to what the checks look at, once for all of them.

    Parameters
    ----------
    purchases : frame
        customer (string or integer) and date (date or datetime), rows in any order; pandas, Polars or any other
        narwhals drives.
    as_of : date, datetime or ISO string, optional
        Last day observed; later purchases are left out.

    Returns
    -------
    CustomerDays

    Raises
    ------
    ValueError
        If date holds neither dates nor datetimes.
    """
    frame: Any = nw.from_native(purchases)
    rows: pl.DataFrame = frame.select("customer", "date").lazy().collect("polars").to_native()
    date = rows["date"]
    if date.dtype != pl.Date and not isinstance(date.dtype, pl.Datetime):
        raise ValueError(f"The column date holds {date.dtype}; it must hold dates or datetimes.")
    if isinstance(date.dtype, pl.Datetime) and date.dtype.time_zone is not None:
        date = date.dt.replace_time_zone(None)
    day = date.cast(pl.Date).to_physical().to_numpy().astype(np.int64)
    code, _ = pd.factorize(rows["customer"].to_pandas())
    if as_of is not None:
        kept = day <= _day_number(as_of)
        code, day = code[kept], day[kept]
    if not len(day):
        return CustomerDays(code.astype(np.int64), day)
    earliest = int(day.min())
    width = int(day.max()) - earliest + 1
    both = np.sort(code.astype(np.int64) * width + (day - earliest))
    both = both[np.diff(both, prepend=-1) > 0]
    return CustomerDays(both // width, both % width + earliest)


def left_cut(purchases: Any, as_of: Any = None, interval: float = 0.95) -> LeftCut:
    """Tell whether the ledger begins in the middle of its customers' lives.

    Then its first weeks are crowded: known customers are "first seen" when next they buy, at once the most frequent
    ones, and fewer from week to week. Two things must come together. New customers come at least half as fast again
    in the opening as later in the time of acquisition; a cohort acquired evenly and then closed, like CDNOW's, has an
    even pace. And the opening's customers come back more often than later ones do in as many days: known customers
    have outlived their first purchases and the frequent ones are met first, while the customers of a mere opening rush
    are like others. More often means by a tenth at least.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer and date.
    as_of : date, datetime or ISO string, optional
        Last day observed; the ledger's last by default.
    interval : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    LeftCut
        seen is None where the groups are too small or can't be watched for a week.

    Notes
    -----
    `excess` is a lower bound: some of the customers met later were customers before, too. A base whose first
    customers really were more loyal, and really came in a rush, looks the same.
    """
    days = _reduced(purchases, as_of)
    starts = _starts(days.customer)
    first = days.day[starts]
    if len(first) < 2 * FEWEST_TO_COMPARE:
        return LeftCut(reason=f"There are only {len(first)} customers.")
    beginning, end = int(first.min()), int(days.day.max()) if as_of is None else _day_number(as_of)
    gap = _gap_to_second(days, starts)
    acquired = int(np.quantile(first, NEARLY_ALL, method="lower")) - beginning + 1
    rhythm = int(np.median(gap[np.isfinite(gap)])) if np.isfinite(gap).any() else acquired
    opening = max(min(round(OPENING * acquired), rhythm), 1)
    watch = min(end - beginning - acquired + 1, max(rhythm, SHORTEST_WATCH_DAYS))
    early, later = first < beginning + opening, (first >= beginning + opening) & (first < beginning + acquired)
    at_start, after = int(early.sum()), int(later.sum())
    if min(at_start, after) < FEWEST_TO_COMPARE or watch < SHORTEST_WATCH_DAYS:
        reason = (
            f"{at_start} customers were first seen in the first {opening} days and {after} in the {acquired - opening} "
            f"after, with {watch} days to watch them: too little to compare them by."
        )
        return LeftCut(opening, at_start, watch_days=watch, reason=reason)

    margin = norm.ppf((1 + interval) / 2)
    pace = after / (acquired - opening) * opening / at_start
    spread = np.exp(margin * np.sqrt(1 / at_start + 1 / after))
    ratio, ratio_low = _ratio_of_shares(gap[early] <= watch, gap[later] <= watch, margin)
    crowded = 1 - pace >= CUT and pace * spread < 1
    faster = ratio >= FASTER_BACK and ratio_low > 1
    reason = ""
    if crowded and not faster:
        reason = "The first weeks are crowded, but their customers come back hardly more often than later ones."
    elif faster and not crowded:
        reason = "The first customers come back more often than later ones, but the first weeks are not crowded."
    return LeftCut(
        opening_days=opening,
        opening_customers=at_start,
        expected_customers=pace * at_start,
        excess=1 - pace,
        low=float(1 - pace * spread),
        high=float(1 - pace / spread),
        back_opening=float((gap[early] <= watch).mean()),
        back_later=float((gap[later] <= watch).mean()),
        back_ratio=ratio,
        back_ratio_low=ratio_low,
        watch_days=watch,
        seen=bool(crowded and faster),
        reason=reason,
    )


def first_seen_by_day(purchases: Any, as_of: Any = None) -> pd.DataFrame:
    """Count the customers first seen on each day of the ledger.

    Parameters
    ----------
    purchases : frame or CustomerDays
        customer and date.
    as_of : date, datetime or ISO string, optional
        Last day observed; the ledger's last by default.

    Returns
    -------
    DataFrame
        date, every day from the first purchase's to the last, and customers.
    """
    days = _reduced(purchases, as_of)
    if not len(days.day):
        return pd.DataFrame({"date": pd.to_datetime([]), "customers": np.zeros(0, dtype=int)})
    first = days.day[_starts(days.customer)]
    end = int(days.day.max()) if as_of is None else _day_number(as_of)
    customers = np.bincount(first - first.min(), minlength=end - first.min() + 1)
    return pd.DataFrame({"date": _as_dates(first.min() + np.arange(len(customers))), "customers": customers})


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
    days = _reduced(purchases, as_of)
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
    days = _reduced(purchases, as_of)
    starts = _starts(days.customer)
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
        A row for each of "left_cut" (value: `excess`), "seasonality" (`ratio`) and "regularity" (`k`): assumption,
        value, low, high and p_value (NaN where there is none), threshold, seen, reason.
    """
    days = _reduced(purchases, as_of)
    cut, season, regular = (
        left_cut(days, as_of, interval),
        seasonality(days, as_of),
        purchase_regularity(days, as_of, interval),
    )
    rows = [
        ("left_cut", cut.excess, cut.low, cut.high, np.nan, cut.threshold, cut.seen, cut.reason),
        ("seasonality", season.ratio, np.nan, np.nan, season.p_value, season.threshold, season.seen, season.reason),
        ("regularity", regular.k, regular.low, regular.high, np.nan, regular.threshold, regular.seen, regular.reason),
    ]
    columns = ["assumption", "value", "low", "high", "p_value", "threshold", "seen", "reason"]
    return pd.DataFrame(rows, columns=columns).astype({"seen": "boolean"})


def _reduced(purchases: Any, as_of: Any) -> CustomerDays:
    if not isinstance(purchases, CustomerDays):
        return customer_days(purchases, as_of)
    if as_of is None or not len(purchases.day) or purchases.day.max() <= _day_number(as_of):
        return purchases
    kept = purchases.day <= _day_number(as_of)
    return CustomerDays(purchases.customer[kept], purchases.day[kept])


def _starts(customer: Array) -> Array:
    """Row of each customer's first purchase."""
    return np.flatnonzero(np.diff(customer, prepend=-1))


def _gap_to_second(days: CustomerDays, starts: Array) -> Array:
    """Days from each customer's first purchase to the second; infinite without one."""
    again = np.append(days.customer[1:] == days.customer[:-1], False)[starts]
    gap = np.full(len(starts), np.inf)
    gap[again] = days.day[starts[again] + 1] - days.day[starts[again]]
    return gap


def _ratio_of_shares(one: Array, other: Array, margin: float) -> tuple[float, float]:
    """Ratio of the shares of True, and its lower limit by the normal approximation to its logarithm."""
    if not one.any() or not other.any():
        return (np.inf if one.any() else np.nan), np.nan
    error = np.sqrt((1 - one.mean()) / one.sum() + (1 - other.mean()) / other.sum())
    ratio = one.mean() / other.mean()
    return float(ratio), float(ratio * np.exp(-margin * error))


def _repeats_by_month(days: CustomerDays, as_of: Any) -> pd.DataFrame:
    """Repeat purchases of months observed for half or more, and the customer-days in which they could be made."""
    if not len(days.day):
        return pd.DataFrame({"date": pd.to_datetime([]), "repeats": [], "customer_days": []})
    starts = _starts(days.customer)
    beginning, end = int(days.day.min()), int(days.day.max()) if as_of is None else _day_number(as_of)
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


def _day_number(day: Any) -> int:
    return (pd.Timestamp(day).tz_localize(None).normalize() - pd.Timestamp(0)).days


def _as_dates(day: Array) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(day, dtype="datetime64[D]").astype("datetime64[us]"))
