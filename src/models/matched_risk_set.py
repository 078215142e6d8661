"""Customers compared with those who were just like them on the same day, but to whom something didn't happen.

Whoever complains has bought of late, or wouldn't complain: held against the whole base, anything that happens to
customers makes them look loyal. So each is compared with customers at risk on the same day, who had bought as often
and as lately (a matched risk set, as nested case-control studies draw it). At risk is whom it hadn't happened to by
that day, whatever happened later: to leave out those to whom it happens later would be to look into the future.

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
from statsmodels.stats.proportion import confint_proportions_2indep

YEAR = 365
BANDS = 4  # of frequency, and of recency
STRATUM = ["month", "frequency_band", "recency_band"]


@dataclass(frozen=True)
class Difference:
    """A share of customers beside that of comparable ones.

    Attributes
    ----------
    cases : int
        Customers compared.
    comparable : float
        How many independent customers the comparable ones are worth (Kish's effective number).
    share, expected : float
        The cases' share, and that of comparable customers.
    difference, low, high : float
        Share less expected, with Newcombe's interval; NaN where there is nobody to compare.
    unmatched : int
        Cases left out because nobody was like them.
    """

    cases: int
    comparable: float
    share: float
    expected: float
    difference: float
    low: float
    high: float
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


def monthly_moments(customers: pl.Series, since: dt.date, until: dt.date) -> pl.DataFrame:
    """Return the middle of every month from `since` to `until` for every customer: customer and date.

    Days before `since` or after `until` become the nearest of the two.
    """
    months = pl.date_range(since.replace(day=1), until, interval="1mo", eager=True)
    middles = months.dt.offset_by("14d").clip(since, until).alias("date").to_frame()
    return customers.alias("customer").to_frame().join(middles, how="cross").sort("date", maintain_order=True)


def at_risk(moments: pl.DataFrame, happened: pl.DataFrame) -> pl.DataFrame:
    """Keep the moments of customers to whom nothing of `happened` (customer, date) had happened by that day."""
    first = happened.group_by("customer").agg(pl.col("date").min().alias("happened_on"))
    joined = moments.join(first, on="customer", how="left", maintain_order="left")
    return joined.filter(pl.col("happened_on").is_null() | (pl.col("happened_on") > pl.col("date"))).drop("happened_on")


def in_bands(cases: pl.DataFrame, comparable: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add month, frequency_band and recency_band to both; the bands' limits are quartiles of the comparable moments."""

    def banded(frame: pl.DataFrame) -> pl.DataFrame:
        bands = {
            f"{name}_band": np.searchsorted(_limits(comparable[name]), frame[name].to_numpy()).astype(np.int64)
            for name in ("frequency", "recency")
        }
        return frame.with_columns(
            month=pl.col("date").dt.truncate("1mo"), **{n: pl.Series(b) for n, b in bands.items()}
        )

    return banded(cases), banded(comparable)


def _limits(values: pl.Series) -> np.ndarray:
    if values.is_empty():
        return np.empty(0)
    return np.unique(np.quantile(values.to_numpy(), np.arange(1, BANDS) / BANDS, method="inverted_cdf"))


def weights(cases: pl.DataFrame, comparable: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Weigh the comparable moments so that each stratum counts as often among them as among the cases.

    Parameters
    ----------
    cases, comparable : polars.DataFrame
        As `in_bands` returns them.

    Returns
    -------
    cases : polars.DataFrame
        Those whose stratum holds somebody comparable.
    comparable : polars.DataFrame
        Those whose stratum holds a case, with `weight`, which sums to the number of cases.
    """
    there = comparable.group_by(STRATUM).len("others")
    matched = cases.join(there, on=STRATUM, how="inner", maintain_order="left").drop("others")
    wanted = matched.group_by(STRATUM).len("cases").join(there, on=STRATUM)
    share = wanted.select(*STRATUM, weight=pl.col("cases") / pl.col("others"))
    return matched, comparable.join(share, on=STRATUM, how="inner", maintain_order="left")


def compare(cases: pl.DataFrame, comparable: pl.DataFrame, outcome: str, *, coverage: float = 0.8) -> Difference:
    """Compare a share of the cases with that of comparable customers.

    Parameters
    ----------
    cases : polars.DataFrame
        One row a customer: customer, `outcome` (bool), and the columns that `in_bands` adds.
    comparable : polars.DataFrame
        Rows of customers at risk, with the same columns; one customer may stand in several months.
    outcome : str
        Name of the column compared.
    coverage : float, default 0.8
        Of the interval.
    """
    matched, others = weights(cases, comparable)
    unmatched = cases.height - matched.height
    if matched.is_empty():
        nothing = float("nan")
        return Difference(0, 0.0, nothing, nothing, nothing, nothing, nothing, unmatched)
    share = float(matched[outcome].mean())  # type: ignore[arg-type]
    weight = others["weight"].to_numpy()
    expected = float(weight @ others[outcome].to_numpy().astype(float) / weight.sum())
    effective = effective_number(others)
    low, high = confint_proportions_2indep(
        share * matched.height,
        matched.height,
        expected * effective,
        effective,
        method="newcomb",
        compare="diff",
        alpha=1 - coverage,
    )
    return Difference(matched.height, effective, share, expected, share - expected, float(low), float(high), unmatched)


def effective_number(weighted: pl.DataFrame) -> float:
    """Return how many independent customers weighted rows are worth: Kish's number, a customer's rows taken as one."""
    customer = np.unique(weighted["customer"].to_numpy(), return_inverse=True)[1]
    of_each = np.bincount(customer, weighted["weight"].to_numpy())
    return float(of_each.sum() ** 2 / (of_each**2).sum())
