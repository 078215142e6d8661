"""Customers compared with those who were just like them on the same day, but to whom something didn't happen.

Whoever complains has bought of late, or wouldn't complain: held against the whole base, anything that happens to
customers makes them look loyal. So each is compared with customers at risk on the same day, who had bought as often
and as lately (a matched risk set, as nested case-control studies draw it). At risk is whom it hadn't happened to by
that day, whatever happened later: to leave out those to whom it happens later would be to look into the future.

The bands of how lately are narrow where it matters: a complaint comes days after a purchase, and beside customers who
bought weeks ago even a harmless one would seem to make customers buy more.

References
----------
Prentice, R. L. & N. E. Breslow (1978). Retrospective Studies and Failure Time Models. *Biometrika* 65(1), 153-158.
Newcombe, R. G. (1998). Interval Estimation for the Difference between Independent Proportions: Comparison of Eleven
Methods. *Statistics in Medicine* 17(8), 873-890.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

YEAR = 365
EVERY_DAYS = 6  # between two looks at a customer; not a week, so that weekdays take turns
FREQUENCY_FROM = (2, 3, 4, 5, 8, 15, 40, 100)  # purchases with which a band begins
RECENCY_FROM = (4, 8, 15, 22, 31, 46, 61, 91, 121, 181, 271, 366, 546, 731)  # days of silence with which one begins
PRIOR_CUSTOMERS = 2  # of the usual share, that each stratum's share is drawn to by
MOST_ERRORS = 8.0  # standard errors beyond which p-values aren't told apart
STRATUM = ["month", "frequency_band", "recency_band"]


@dataclass(frozen=True)
class Difference:
    """A share of customers beside that of comparable ones.

    Attributes
    ----------
    cases : int
        Customers compared.
    weight : float
        Sum of what they count for: `cases` where all count alike.
    effective_cases : float
        How many customers of equal weight they are worth (Kish's effective number).
    comparable : float
        How many independent customers the comparable ones are worth.
    share, expected : float
        The cases' share, and that of comparable customers.
    difference, low, high : float
        Share less expected, with Newcombe's interval; NaN where there is nobody to compare.
    p_value : float
        Two-sided: 1 less the coverage at which Newcombe's interval ends at 0.
    unmatched : int
        Cases left out because nobody was like them.
    """

    cases: int
    weight: float
    effective_cases: float
    comparable: float
    share: float
    expected: float
    difference: float
    low: float
    high: float
    p_value: float
    unmatched: int


def histories(purchases: pl.DataFrame, moments: pl.DataFrame) -> pl.DataFrame:
    """Say what was known of customers on a day, and when they bought next.

    Parameters
    ----------
    purchases : polars.DataFrame
        customer, date (a date), amount: one row for each customer and day.
    moments : polars.DataFrame
        customer, date, and any other columns.

    Returns
    -------
    polars.DataFrame
        `moments` of those who had bought by then, in order of date, with `frequency` (days with a purchase up to and
        with that day), `recency` (days since the last of them), `age` (days since the first), `spent` (in the 365
        days up to it) and `next_in` (days to the next purchase; null where none followed). Nothing but `next_in`
        rests on what came after.
    """
    asked = moments.select("customer").unique()
    days = (
        purchases.join(asked, on="customer", how="semi")
        .sort("customer", "date")
        .select(
            "customer",
            "date",
            last="date",
            first=pl.col("date").min().over("customer"),
            frequency=pl.int_range(1, pl.len() + 1).over("customer"),
            total=pl.col("amount").cum_sum().over("customer"),
        )
    )
    days = days.sort("date", maintain_order=True)
    a_year_ago = days.select("customer", year_ago="date", before="total")
    following = days.select("customer", following="date")
    known = (
        moments.sort("date", maintain_order=True)
        .join_asof(days, on="date", by="customer", check_sortedness=False)
        .filter(pl.col("frequency").is_not_null())
        .with_columns(year_ago=pl.col("date").dt.offset_by(f"-{YEAR}d"), following=pl.col("date"))
        .join_asof(a_year_ago, on="year_ago", by="customer", check_sortedness=False)
        .join_asof(
            following.with_columns(next=pl.col("following")),
            on="following",
            by="customer",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )
    return known.with_columns(
        recency=(pl.col("date") - pl.col("last")).dt.total_days(),
        age=(pl.col("date") - pl.col("first")).dt.total_days(),
        spent=pl.col("total") - pl.col("before").fill_null(0.0),
        next_in=(pl.col("next") - pl.col("date")).dt.total_days(),
    ).drop("last", "first", "total", "before", "year_ago", "following", "next")


def regular_moments(customers: pl.Series, since: dt.date, until: dt.date) -> pl.DataFrame:
    """Return every sixth day from `since` to `until` for every customer: customer and date, in order of date."""
    days = pl.date_range(since, until, interval=f"{EVERY_DAYS}d", eager=True).alias("date").to_frame()
    return customers.alias("customer").to_frame().join(days, how="cross").sort("date", maintain_order=True)


def at_risk(moments: pl.DataFrame, happened: pl.DataFrame) -> pl.DataFrame:
    """Keep the moments of customers to whom nothing of `happened` (customer, date) had happened by that day."""
    first = happened.group_by("customer").agg(pl.col("date").min().alias("happened_on"))
    joined = moments.join(first, on="customer", how="left", maintain_order="left")
    return joined.filter(pl.col("happened_on").is_null() | (pl.col("happened_on") > pl.col("date"))).drop("happened_on")


def in_bands(cases: pl.DataFrame, comparable: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add month, frequency_band and recency_band to both, by `FREQUENCY_FROM` and `RECENCY_FROM`."""

    def banded(frame: pl.DataFrame) -> pl.DataFrame:
        limits = {"frequency": FREQUENCY_FROM, "recency": RECENCY_FROM}
        bands = [
            pl.Series(f"{name}_band", np.searchsorted(begins, frame[name].to_numpy(), side="right").astype(np.int64))
            for name, begins in limits.items()
        ]
        return frame.with_columns(pl.col("date").dt.truncate("1mo").alias("month"), *bands)

    return banded(cases), banded(comparable)


def weights(
    cases: pl.DataFrame, comparable: pl.DataFrame, worth: str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Weigh the comparable moments so that each stratum counts as much among them as among the cases.

    Nobody is comparable with themselves: a customer's own earlier moments don't count for the customer's case.

    Parameters
    ----------
    cases, comparable : polars.DataFrame
        As `in_bands` returns them; of the cases one row a customer.
    worth : str, optional
        Column of the cases by which each counts; all count alike without it.

    Returns
    -------
    cases : polars.DataFrame
        Those whose stratum holds somebody else who is comparable, with `weight`: 1, or the column `worth`.
    comparable : polars.DataFrame
        Those whose stratum holds somebody else's case, with `weight`, which sums to that of the cases.
    """
    there = comparable.group_by(STRATUM).len("others")
    own = comparable.group_by([*STRATUM, "customer"]).len("own")
    matched = (
        cases.join(there, on=STRATUM, how="inner", maintain_order="left")
        .join(own, on=[*STRATUM, "customer"], how="left", maintain_order="left")
        .with_columns(
            others=pl.col("others").cast(pl.Int64) - pl.col("own").fill_null(0).cast(pl.Int64),
            weight=pl.lit(1.0) if worth is None else pl.col(worth).cast(pl.Float64),
        )
        .filter(pl.col("others") > 0)
    )
    each = pl.col("weight") / pl.col("others")
    of_all = matched.group_by(STRATUM).agg(of_all=each.sum())
    of_self = matched.select(*STRATUM, "customer", of_self=each)
    weighed = (
        comparable.join(of_all, on=STRATUM, how="inner", maintain_order="left")
        .join(of_self, on=[*STRATUM, "customer"], how="left", maintain_order="left")
        .with_columns(others_cases=pl.col("of_self").is_null() | (pl.col("of_all") > pl.col("of_self")))
        .filter("others_cases")
        .with_columns(weight=pl.col("of_all") - pl.col("of_self").fill_null(0.0))
    )
    return matched.drop("others", "own"), weighed.drop("of_all", "of_self", "others_cases")


def compare(
    cases: pl.DataFrame, comparable: pl.DataFrame, outcome: str, *, worth: str | None = None, coverage: float = 0.8
) -> Difference:
    """Compare a share of the cases with that of comparable customers.

    Parameters
    ----------
    cases : polars.DataFrame
        One row a customer: customer, `outcome` (bool), and the columns that `in_bands` adds.
    comparable : polars.DataFrame
        Rows of customers at risk, with the same columns; one customer may stand in several months.
    outcome : str
        Name of the column compared.
    worth : str, optional
        Column of the cases by which each counts, so that the share is one of value, say. The interval then rests on
        as many cases as they are worth by Kish's number.
    coverage : float, default 0.8
        Of the interval.

    Returns
    -------
    Difference
        NaN where nobody is matched, or those who are have no worth.
    """
    matched, others = weights(cases, comparable, worth)
    unmatched = cases.height - matched.height
    of_cases = matched["weight"].to_numpy()
    if not of_cases.sum() > 0:
        nan = float("nan")
        return Difference(matched.height, 0.0, 0.0, 0.0, nan, nan, nan, nan, nan, nan, unmatched)
    of_others = others["weight"].to_numpy()
    share = float(np.average(matched[outcome].to_numpy().astype(float), weights=of_cases))
    expected = float(np.average(others[outcome].to_numpy().astype(float), weights=of_others))
    number, effective = _told_by_strata(matched, others, outcome, expected)
    low, high = newcombe(share, number, expected, effective, coverage)
    chance = p_value(share, number, expected, effective)
    return Difference(
        matched.height,
        float(of_cases.sum()),
        effective_number(matched),
        effective,
        share,
        expected,
        share - expected,
        low,
        high,
        chance,
        unmatched,
    )


def _told_by_strata(matched: pl.DataFrame, others: pl.DataFrame, outcome: str, expected: float) -> tuple[float, float]:
    """Return of how many independent customers the two shares are as sure as they are.

    Kish's numbers are too few where strata tell much of who does it, and where a customer who stands in several months
    doesn't do the same after each: only what varies within strata is chance, and it is summed by customer.
    """
    own = pl.col(outcome).cast(pl.Float64)
    customers = pl.col("customer").n_unique()
    shares = others.group_by(STRATUM).agg(
        usual=(customers * own.mean() + PRIOR_CUSTOMERS * expected) / (customers + PRIOR_CUSTOMERS),
        # a share that a customer's own outcome is part of lies too near to it
        wider=((customers + PRIOR_CUSTOMERS) / (customers + PRIOR_CUSTOMERS - 1)).sqrt(),
    )
    usual = pl.col("usual")
    varies = expected * (1 - expected)
    of_cases = matched.join(shares, on=STRATUM).select(pl.col("weight") ** 2 * usual * (1 - usual)).sum().item()
    residual = pl.col("weight") * (own - usual) * pl.col("wider")
    of_others = others.join(shares, on=STRATUM).group_by("customer").agg(residual.sum()).select(pl.nth(1) ** 2)
    whole = float(matched["weight"].sum()) ** 2
    return tuple(  # type: ignore[return-value]
        max(effective_number(rows), varies * whole / variance if variance > 0 else 0.0)
        for rows, variance in ((matched, float(of_cases)), (others, float(of_others.sum().item())))
    )


def newcombe(share: float, number: float, other: float, others: float, coverage: float) -> tuple[float, float]:
    """Return Newcombe's interval (his method 10) of the difference of two shares.

    Parameters
    ----------
    share, other : float
        The shares; the difference is the first less the second.
    number, others : float
        Of how many, each more than 0; effective numbers may be fractions.
    coverage : float
    """
    errors = float(ndtri((1 + coverage) / 2))
    return _low(share, number, other, others, errors), -_low(other, others, share, number, errors)


def _low(share: float, number: float, other: float, others: float, errors: float) -> float:
    down, up = share - _wilson(share, number, -errors), _wilson(other, others, errors) - other
    return share - other - float(np.hypot(down, up))


def _wilson(share: float, number: float, errors: float) -> float:
    squared = errors**2 / number
    spread = errors * np.sqrt((share * (1 - share) + squared / 4) / number)
    return float((share + squared / 2 + spread) / (1 + squared))


def p_value(share: float, number: float, other: float, others: float) -> float:
    """Return how surely two shares are the same: 1 less the coverage at which `newcombe` ends at 0."""
    if share == other:
        return 1.0
    if share < other:
        share, number, other, others = other, others, share, number

    def low(errors: float) -> float:
        return _low(share, number, other, others, errors)

    errors = MOST_ERRORS if low(MOST_ERRORS) > 0 else brentq(low, 0.0, MOST_ERRORS)
    return 2 * float(ndtr(-errors))


def effective_number(weighted: pl.DataFrame) -> float:
    """Return how many independent customers weighted rows are worth: Kish's number, a customer's rows taken as one."""
    customer = np.unique(weighted["customer"].to_numpy(), return_inverse=True)[1]
    of_each = np.bincount(customer, weighted["weight"].to_numpy())
    return float(of_each.sum() ** 2 / (of_each**2).sum())
