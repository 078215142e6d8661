"""Has a customer left? Three answers that can be checked: a model of purchases, the curve of waits, a rule of days.

Nobody sees a customer of a shop leave. All three answers start from the silence since the last purchase and differ in
what they hold it against: the model (BG/NBD and its like) against the customer's own rate; the curve of waits against
the waits of all who had bought as many times; the rule against one number of days for everybody. To be compared they
all must say the same thing, the probability that the customer buys in the days ahead, from the same past:

- the model, by its distribution of the time to the next purchase;
- the curve S of waits after as many purchases (Kaplan-Meier), by 1 - S(silence + days) / S(silence);
- the rule, by the share of those it called active, and of those it called gone, who bought in as many days after an
  earlier day, the rehearsal.

None of the last two says anything beyond the time that was watched. There they are continued as waits are at rates
that differ between customers: exponential waits at gamma distributed rates are Pareto distributed (Lomax), so their
curve falls as a power of time in the end. The curve of waits goes on with the exponent of its last half; the share of
those who bought after the rehearsal as the Pareto distribution that it has at half of the time and at the whole.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol

import numpy as np
import pandas as pd
import polars as pl
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from statsmodels.stats.proportion import proportion_confint

from models.multiple_comparisons import holm
from models.rfm import DAYS_PER_UNIT, rfm_summary
from models.survival import kaplan_meier, purchase_gaps

Array = np.ndarray

METHODS = ("model", "curve", "rule")
CLASSES = (1, 2, 3, 4, 6, 9, 13, 20, 30, 50, 80, 130, 200, 300)  # purchases from which a class of waits begins
FEWEST_WAITS = 100  # in a class; fewer are taken together with the class before
FEWEST_WATCHED = 30  # waits at risk, below which a curve's end rests on a handful
SHORTEST_REHEARSAL_DAYS = 7
STRAIGHT = 2 - 1e-6  # ratio of the logarithms of the shares waiting after the whole time and after half of it
POWER = 1.01  # the same ratio, below which the curve is a power of time already
LOG_SCALES = (-15.0, 100.0)  # of the time watched over the scale of the Pareto distribution


class Alive(Protocol):
    """What is asked of a fitted model of purchases."""

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Probability of still being a customer."""

    def conditional_probability_of_purchase_up_to_time(self, t: Any, frequency: Any, recency: Any, T: Any) -> Any:
        """Probability of a purchase in the next t."""


@dataclass(frozen=True)
class WaitCurve:
    """The share of waits longer than so many days, continued beyond what was watched.

    Attributes
    ----------
    days, survival : ndarray of shape (m,)
        Steps of the curve, from day 0 to `end`.
    end : float
        The last day at which enough waits are still watched.
    exponent : float
        Of the power of time by which the curve falls beyond; 0 where it was flat.
    """

    days: Array
    survival: Array
    end: float
    exponent: float

    def at(self, days: Any) -> Array:
        """Return the share of waits longer than `days`; elementwise."""
        when = np.asarray(days, dtype=float)
        step = np.searchsorted(self.days, np.minimum(when, self.end), side="right") - 1
        beyond = np.maximum(when / max(self.end, 1.0), 1.0)
        return self.survival[step] * beyond**-self.exponent

    def comes_within(self, ahead: Any, silence: Any) -> Array:
        """Probability that a wait of `silence` days so far ends within the next `ahead`; elementwise."""
        so_far, later = self.at(silence), self.at(np.asarray(silence, dtype=float) + ahead)
        return np.divide(so_far - later, so_far, out=np.ones(np.shape(so_far)), where=so_far > 0)

    def comes_back(self, silence: Any, ahead: float) -> Array:
        """Share of waits that lasted longer than `silence` and ended in the time watched, `ahead` days at least."""
        until = np.maximum(self.end, np.asarray(silence, dtype=float) + ahead)
        return self.comes_within(until - silence, silence)


@dataclass(frozen=True)
class WaitCurves:
    """A curve of waits for each class of customers by number of purchases.

    Attributes
    ----------
    first : tuple of int
        Purchases with which each class begins.
    curves : tuple of WaitCurve
    """

    first: tuple[int, ...]
    curves: tuple[WaitCurve, ...]

    def apply(self, what: str, purchases: Any, silence: Any, ahead: float) -> Array:
        """Evaluate `comes_within` or `comes_back` with the curve of each customer's class.

        Parameters
        ----------
        what : {"comes_within", "comes_back"}
        purchases : array_like of int, shape (n,)
        silence : array_like of shape (n,)
            Days.
        ahead : float
            Days.

        Returns
        -------
        ndarray of shape (n,)
        """
        silent = np.asarray(silence, dtype=float)
        of_class = self._class_of(purchases)
        result = np.empty(len(silent))
        for number, curve in enumerate(self.curves):
            rows = of_class == number
            if what == "comes_within":
                result[rows] = curve.comes_within(ahead, silent[rows])
            else:
                result[rows] = curve.comes_back(silent[rows], ahead)
        return result

    def watched_days(self, purchases: Any) -> Array:
        """Return the longest silence for which the curve of each customer's class was watched; of shape (n,)."""
        return np.array([curve.end for curve in self.curves])[self._class_of(purchases)]

    def _class_of(self, purchases: Any) -> Array:
        return np.searchsorted(self.first, np.asarray(purchases), side="right") - 1


@dataclass(frozen=True)
class RuleShares:
    """What the fixed-days rule is worth, learnt at a rehearsal.

    Attributes
    ----------
    active, gone : float
        Probability of a purchase in the days ahead, of whom the rule calls active and of whom it calls gone.
    rehearsal : date
        The day on which the rule was applied.
    watched_days : int
        Days after it in which purchases were looked for; where fewer than the days ahead, the shares are continued.
    active_customers, gone_customers : int
        How many the rule called so then.
    """

    active: float
    gone: float
    rehearsal: dt.date
    watched_days: int
    active_customers: int
    gone_customers: int


def wait_curve(days: Any, observed: Any) -> WaitCurve:
    """Estimate the curve of waits from one class of them.

    Parameters
    ----------
    days : array_like of shape (n,)
        To the next purchase, or to the last day where it hasn't come.
    observed : array_like of bool, shape (n,)
        Whether it has.

    Returns
    -------
    WaitCurve
    """
    curve = kaplan_meier(days, observed)
    enough = curve["at_risk"] >= min(FEWEST_WATCHED, int(curve["at_risk"].iloc[0]))
    watched = curve[enough]
    days_, survival = watched["days"].to_numpy(dtype=float), watched["survival"].to_numpy(dtype=float)
    if survival[-1] <= 0:  # all waits have ended: half a wait stands for the one nobody has seen
        survival = np.maximum(survival, 0.5 / float(curve["at_risk"].iloc[0]))
    end = max(float(days_[-1]), 1.0)
    half = survival[np.searchsorted(days_, end / 2, side="right") - 1]
    return WaitCurve(days_, survival, end, float(np.log2(half / survival[-1])))


def wait_curves(purchases: Any, until: dt.date) -> WaitCurves:
    """Estimate a curve of waits for each class of customers by number of purchases, up to a day.

    Parameters
    ----------
    purchases : frame
        customer, date and amount. Rows of one customer on one day are one purchase.
    until : date
        The last day known; later purchases are left out.

    Returns
    -------
    WaitCurves
        With a class of its own for customers of one purchase, of two, of three, of 4 or 5, and so on, where there are
        100 waits at least; a class with fewer is part of the one before.
    """
    waits = purchase_gaps(purchases, until)
    number = waits["purchase_number"].to_numpy()
    of_class = np.searchsorted(CLASSES, number, side="right") - 1
    sizes = np.bincount(of_class, minlength=len(CLASSES))
    kept = [0, *(place for place in range(1, len(CLASSES)) if sizes[place:].sum() >= FEWEST_WAITS <= sizes[place])]
    merged = np.searchsorted(kept, of_class, side="right") - 1
    days, observed = waits["days"].to_numpy(), waits["observed"].to_numpy()
    curves = tuple(wait_curve(days[merged == place], observed[merged == place]) for place in range(len(kept)))
    return WaitCurves(tuple(CLASSES[place] for place in kept), curves)


def rule_shares(purchases: pl.DataFrame, until: dt.date, ahead: int, *, active_days: int = 180) -> RuleShares:
    """Learn how often those buy again whom the fixed-days rule calls active, and those whom it calls gone.

    The rule is rehearsed on an earlier day, as long before `until` as the days ahead where the ledger allows, but late
    enough that half of the time left could tell the rule that somebody is gone.

    Parameters
    ----------
    purchases : polars.DataFrame
        customer and date.
    until : date
        The last day known.
    ahead : int
        Days for which the probability is wanted.
    active_days : int, default 180
        A purchase keeps a customer active for so many days, its own day included.

    Returns
    -------
    RuleShares
        Each share is drawn towards that of all customers with the weight of one customer, so none is surely 0 or 1.

    Raises
    ------
    ValueError
        If nothing was bought before the rehearsal.
    """
    known = purchases.filter(pl.col("date") <= until)
    span = (until - (known["date"].min() or until)).days  # type: ignore[operator, union-attr]
    room = (span - active_days) // 2 if span > active_days else span // 2
    watched = min(ahead, max(room, SHORTEST_REHEARSAL_DAYS))
    rehearsal = until - dt.timedelta(days=watched)
    before = known.filter(pl.col("date") <= rehearsal).group_by("customer").agg(last=pl.col("date").max())
    if before.is_empty():
        raise ValueError(f"Nothing was bought by {rehearsal}, {watched} days before the last day known.")
    after = known.filter(pl.col("date") > rehearsal).group_by("customer").agg(next=pl.col("date").min())
    seen = before.join(after, on="customer", how="left").select(
        active=(pl.lit(rehearsal) - pl.col("last")).dt.total_days() < active_days,
        days=(pl.col("next") - pl.lit(rehearsal)).dt.total_days(),
    )
    of_all = _share_within(seen["days"], watched, ahead)
    shares = {}
    for name, rows in (("active", seen.filter("active")), ("gone", seen.filter(~pl.col("active")))):
        own = _share_within(rows["days"], watched, ahead) if rows.height else of_all
        shares[name] = (rows.height * own + of_all) / (rows.height + 1)
    active = int(seen["active"].sum())
    return RuleShares(shares["active"], shares["gone"], rehearsal, watched, active, seen.height - active)


def _share_within(days: pl.Series, watched: int, ahead: int) -> float:
    """Return the share of customers who buy within the days ahead, from the days of those who did while watched."""
    waiting = days.len() - np.array([(days <= watched / 2).sum(), days.count()])
    half, whole = np.maximum(waiting, 0.5) / days.len()
    times = ahead / watched
    steepness = np.log(whole) / np.log(half) if half < 1 else np.inf
    if times <= 1 or whole == 1:
        return float(1 - whole)
    if steepness >= STRAIGHT:  # as fast in the second half as in the first: everybody at one rate
        return float(1 - whole**times)
    if steepness <= POWER:  # next to nobody in the second half
        return float(1 - whole * times ** -np.log2(half / whole))
    # 1 - (1 + x)**-k at the time watched and 1 - (1 + x / 2)**-k at half of it
    log_x = brentq(lambda log: np.log1p(np.exp(log)) / np.log1p(np.exp(log) / 2) - steepness, *LOG_SCALES)
    exponent = -np.log(whole) / np.log1p(np.exp(log_x))
    return float(1 - (1 + np.exp(log_x) * times) ** -exponent)


def defection(
    purchases: pl.DataFrame,
    until: dt.date,
    ahead: int,
    model: Alive,
    curves: WaitCurves,
    *,
    active_days: int = 180,
    time_unit: str = "week",
) -> pd.DataFrame:
    """Ask the three whether each customer has left, and how likely a purchase is in the days ahead.

    Parameters
    ----------
    purchases : polars.DataFrame
        customer, date and amount. What comes after `until` isn't looked at.
    until : date
        The last day known.
    ahead : int
        Days.
    model : fitted model of repeat purchases
        Fitted to the purchases up to `until`, in `time_unit`.
    curves : WaitCurves
        Estimated from the purchases up to `until`.
    active_days : int, default 180
        Of the rule.
    time_unit : {"week", "day", "month", "year"}, default "week"

    Returns
    -------
    pandas.DataFrame
        A row a customer, sorted by customer: customer; purchases (days with one); silence (days); spent (so far);
        p_alive (the model's probability of being a customer still); comes_back (share of the waits after as many
        purchases that lasted longer than this silence and ended); active (the rule's answer); model, curve, rule
        (probabilities of a purchase in the days ahead).

    Raises
    ------
    ValueError
        For an unknown time unit, or when there is no purchase up to `until`.
    """
    known = purchases.filter(pl.col("date") <= until)
    summary = rfm_summary(known, until, time_unit=time_unit).to_pandas()
    spent = known.group_by("customer").agg(pl.col("amount").sum()).sort("customer")["amount"].to_numpy()
    history = [summary[name] for name in ("frequency", "recency", "T")]
    bought = summary["frequency"].to_numpy() + 1
    silence = np.round((summary["T"] - summary["recency"]).to_numpy() * DAYS_PER_UNIT[time_unit])
    shares = rule_shares(known, until, ahead, active_days=active_days)
    active = silence < active_days
    time_ahead = ahead / DAYS_PER_UNIT[time_unit]
    return pd.DataFrame(
        {
            "customer": summary["customer"],
            "purchases": bought,
            "silence": silence,
            "spent": spent,
            "p_alive": np.asarray(model.conditional_probability_alive(*history)),
            "comes_back": curves.apply("comes_back", bought, silence, ahead),
            "active": active,
            "model": np.asarray(model.conditional_probability_of_purchase_up_to_time(time_ahead, *history)),
            "curve": curves.apply("comes_within", bought, silence, ahead),
            "rule": np.where(active, shares.active, shares.gone),
        }
    )


def reliability(probability: Any, happened: Any, *, bins: int = 10, interval: float = 0.80) -> pd.DataFrame:
    """Set probabilities against how often what they spoke of happened.

    Parameters
    ----------
    probability : array_like of shape (n,)
    happened : array_like of bool, shape (n,)
    bins : int, default 10
        Of one size, as far as equal probabilities stay together.
    interval : float, default 0.80
        Coverage of the share's interval (Wilson 1927).

    Returns
    -------
    pandas.DataFrame
        A row a bin, the lowest probabilities first: customers, predicted (mean), happened (share), low, high.

    Raises
    ------
    ValueError
        If the two are empty or of different lengths.
    """
    predicted, came = _checked(probability, happened)
    # ties at the middle of their ranks, so that one probability is one bin's
    middle = (pd.Series(predicted).rank().to_numpy() - 0.5) / len(predicted)
    of_bin = np.minimum((middle * bins).astype(int), bins - 1)
    frame = pd.DataFrame({"bin": of_bin, "predicted": predicted, "happened": came})
    grouped = frame.groupby("bin")
    table = grouped.agg(
        customers=("happened", "size"), predicted=("predicted", "mean"), happened=("happened", "mean")
    ).reset_index(drop=True)
    counts = grouped["happened"].sum().to_numpy()
    low, high = proportion_confint(counts, table["customers"], 1 - interval, method="wilson")
    return table.assign(low=np.minimum(low, table["happened"]), high=np.maximum(high, table["happened"]))


def probability_scores(
    probabilities: Mapping[str, Any] | pd.DataFrame, happened: Any, *, interval: float = 0.80
) -> pd.DataFrame:
    """Score probabilities of one thing by several methods, and how sure the differences to the best are.

    Parameters
    ----------
    probabilities : mapping of str to array_like of shape (n,)
        By method.
    happened : array_like of bool, shape (n,)
    interval : float, default 0.80
        Coverage of the interval of the difference.

    Returns
    -------
    pandas.DataFrame
        A row a method, the best first: method; brier (mean squared error, Brier 1950) and log_loss, both the smaller
        the better; predicted and happened (mean shares); worse, worse_low, worse_high: how much greater its Brier
        score is than the best one's, with the interval of the mean of the customers' differences; p_value: how often
        chance alone would set them so far apart (two-sided; NaN of the best), corrected by Holm for all pairs of
        methods, since the best one was picked from among them.

    Raises
    ------
    ValueError
        If there are no customers or a method has more or fewer of them.

    Notes
    -----
    For the logarithm a probability is kept half a customer away from 0 and 1.
    """
    rows, squared = [], {}
    for method, given in probabilities.items():
        p, came = _checked(given, happened)
        squared[method] = (p - came) ** 2
        kept = np.clip(p, 0.5 / len(p), 1 - 0.5 / len(p))
        log_loss = -np.where(came > 0, np.log(kept), np.log1p(-kept)).mean()
        rows.append((method, squared[method].mean(), log_loss, p.mean(), came.mean()))
    table = pd.DataFrame(rows, columns=["method", "brier", "log_loss", "predicted", "happened"])
    table = table.sort_values("brier", kind="stable", ignore_index=True)
    best = squared[table["method"].iloc[0]]
    z = ndtri((1 + interval) / 2)
    middle, error = np.transpose([_mean_and_error(squared[method] - best) for method in table["method"]])
    pairs = list(combinations(table["method"], 2))
    apart = holm([_chance(*_mean_and_error(squared[other] - squared[one])) for one, other in pairs])
    # combinations begin with those of the first, which is the best
    p_value = np.concatenate([[np.nan], apart[: len(table) - 1]])
    return table.assign(worse=middle, worse_low=middle - z * error, worse_high=middle + z * error, p_value=p_value)


def _mean_and_error(differences: Array) -> tuple[float, float]:
    return float(differences.mean()), float(differences.std() / np.sqrt(len(differences)))


def _chance(mean: float, error: float) -> float:
    return float(2 * ndtr(-abs(mean) / error)) if error > 0 else float(mean == 0)


def _checked(probability: Any, happened: Any) -> tuple[Array, Array]:
    predicted, came = np.asarray(probability, dtype=float), np.asarray(happened, dtype=float)
    if predicted.shape != came.shape or predicted.ndim != 1 or not predicted.size:
        raise ValueError(f"Probabilities have shape {predicted.shape}, and what happened has {came.shape}: give (n,).")
    return predicted, came


def bought_after(purchases: pl.DataFrame, after: dt.date, until: dt.date, customers: Sequence[str]) -> Array:
    """Return which of the customers bought in the days after one day and up to another; bool of shape (n,)."""
    buyers = purchases.filter(pl.col("date").is_between(after, until, closed="right"))["customer"].unique()
    return pl.Series(customers).is_in(buyers.implode()).to_numpy()
