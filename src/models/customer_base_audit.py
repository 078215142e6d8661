"""The five lenses of a customer-base audit (Fader, Hardie & Ross 2022, *The Customer-Base Audit*).

Lens 1 looks at one period: how much customers differ. Lens 2 sets it beside the period before: who was lost, kept
and won, and what changed. Lens 3 follows one cohort, the customers won in the same month, quarter or year. Lens 4
sets cohorts side by side at equal age. Lens 5 shows the whole base, cohort by cohort, over time.

All of them start from the same frame, one row a customer and day (`customer_days`), so their sums agree.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import polars as pl

from models.exact import EXACT, exact_sum

YEAR_DAYS = 365
MAY_BE_MISSING_DAYS = 7
MONTHS_BY_MONTH, MONTHS_BY_QUARTER = 18, 72  # up to so many months of ledger, its cohorts are months or quarters
SAME = 1e-9  # amounts that differ by less, in relation to their size, are the same sum added up in another order

Unit = Literal["month", "quarter", "year"]
MONTHS_IN: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}
_EVERY: dict[Unit, str] = {"month": "1mo", "quarter": "1q", "year": "1y"}

#: What a customer is between two periods, in the order in which a table shows them.
STATUSES = ("lost", "kept, less", "kept, same", "kept, more", "came back", "new", "no purchase")
FACTORS = ("customers", "purchases_each", "value", "margin")


class Period(NamedTuple):
    """The days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1


class Split(NamedTuple):
    """A period's profit as a product of four factors; see `split`."""

    customers: float
    purchases_each: float
    value: float
    margin: float

    @property
    def revenue(self) -> float:
        """The product of the first three."""
        return self.customers * self.purchases_each * self.value

    @property
    def profit(self) -> float:
        """The product of all four."""
        return self.revenue * self.margin


def latest_period(first_day: dt.date, as_of: dt.date, days: int = YEAR_DAYS) -> Period:
    """Return the last `days` days up to `as_of`, or all there are where those are fewer by more than a week.

    Parameters
    ----------
    first_day, as_of : date
        Days of the first purchase and of the last observation.
    days : int, default 365
        A ledger of a year seldom holds a purchase on its very first day, so a week may be missing.
    """
    first = as_of - dt.timedelta(days=days - 1)
    return Period(first if (first_day - first).days <= _spared(days) else first_day, as_of)


def two_periods(first_day: dt.date, as_of: dt.date, days: int = YEAR_DAYS) -> tuple[Period, Period]:
    """Return the period before and the latest one, equally long and next to each other.

    Parameters
    ----------
    first_day, as_of : date
        Days of the first purchase and of the last observation.
    days : int, default 365
        Length of each; the earlier one may begin up to a week before `first_day`. Where the ledger doesn't hold two
        such periods, they are its halves; of an odd number of days the earlier half begins a day before `first_day`,
        so that the first purchase is in it.

    Returns
    -------
    before, now : Period

    Raises
    ------
    ValueError
        When fewer than two days were observed.
    """
    observed = (as_of - first_day).days + 1
    if observed < 2:
        raise ValueError(f"Two periods need two days; {observed} were observed.")
    length = days if observed >= 2 * days - _spared(days) else -(-observed // 2)
    now = Period(as_of - dt.timedelta(days=length - 1), as_of)
    return Period(now.first - dt.timedelta(days=length), now.first - dt.timedelta(days=1)), now


def cohort_unit(first_day: dt.date, as_of: dt.date) -> Unit:
    """Return the unit by which a ledger of this length is best cut into cohorts: up to 18 months or 24 quarters."""
    months = _months(as_of) - _months(first_day) + 1
    return "month" if months <= MONTHS_BY_MONTH else "quarter" if months <= MONTHS_BY_QUARTER else "year"


def customer_days(lines: pl.DataFrame, purchases: pl.DataFrame) -> pl.DataFrame:
    """Add a ledger up to one row a customer and day, from which every lens starts.

    Parameters
    ----------
    lines : polars.DataFrame
        Every row of the ledger, returns included: customer, date (date or datetime), amount (below zero for a
        return) and profit (null where not known).
    purchases : polars.DataFrame
        What was bought and kept: customer, date.

    Returns
    -------
    polars.DataFrame
        Sorted by customer and date: `customer`, `date`, `purchase` (1 on a day with a purchase that stood, else 0),
        `revenue` and `profit` of the day, `first_day` (of the customer's first purchase; null without any). Profit is
        null where that of any line of the day is.
    """
    day = pl.col("date").dt.date()
    bought = purchases.lazy().select("customer", day, purchase=pl.lit(1, pl.Int64))
    # a purchase's row is put under the lines with nothing in it, which is much faster than a join by customer and day
    rows = pl.concat(
        [
            lines.lazy().select("customer", day, pl.lit(0, pl.Int64).alias("purchase"), "profit", revenue="amount"),
            bought.with_columns(profit=pl.lit(0.0), revenue=pl.lit(0.0)),
        ],
        how="diagonal",
    )
    totals = (
        rows.with_columns(pl.col("profit", "revenue").cast(EXACT))
        .group_by("customer", "date")
        .agg(pl.col("purchase").max(), _sum("revenue"), _sum("profit"))
    )
    firsts = bought.group_by("customer").agg(pl.col("date").min().alias("first_day"))
    wanted = ["customer", "date", "purchase", "revenue", "profit", "first_day"]
    return totals.join(firsts, on="customer", how="left").select(wanted).sort("customer", "date").collect()


def customers_of_period(days: pl.DataFrame, period: Period, cost_to_serve: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add up what each customer did within a period.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_days`.
    period : Period
    cost_to_serve : polars.DataFrame, optional
        `customer` and `cost_to_serve` over the period, one row each; it is taken off the profit. It may hold customers
        without a row in the period: a call costs where nothing is sold.

    Returns
    -------
    polars.DataFrame
        Everyone with a row in the period or a cost, sorted: `customer`, `purchases` (days; 0 for who bought nothing),
        `revenue`, `profit` (null where that of any day is).
    """
    customers = (
        days.lazy()
        .filter(pl.col("date").is_between(period.first, period.last))
        .group_by("customer")
        .agg(pl.col("purchase").sum().alias("purchases"), _sum("revenue"), _sum("profit"))
    )
    if cost_to_serve is not None:
        served = cost_to_serve.lazy().filter(pl.col("cost_to_serve") != 0).select("customer", "cost_to_serve")
        absent = pl.col("purchases").is_null()
        earned = pl.when(absent).then(0.0).otherwise("profit") - pl.col("cost_to_serve").fill_null(0.0)
        customers = customers.join(served, on="customer", how="full", coalesce=True).select(
            "customer", pl.col("purchases").fill_null(0), pl.col("revenue").fill_null(0.0), earned.alias("profit")
        )
    return customers.sort("customer").collect()


def buyers(customers: pl.DataFrame) -> pl.DataFrame:
    """Return those of `customers_of_period` who bought in it."""
    return customers.filter(pl.col("purchases") > 0)


def describe(customers: pl.DataFrame) -> pd.DataFrame:
    """Lens 1: describe how customers who bought differ, the mean beside the median.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customers_of_period`.

    Returns
    -------
    pandas.DataFrame
        One row each for `purchases`, `value` (revenue a purchase), `revenue` and, where it is known of everybody,
        `profit`: `measure`, `mean`, `median`, `below_mean` (share of customers strictly below it), `tenth` and
        `ninetieth` (the percentiles). The mean value is that over customers, not over purchases.
    """
    bought = buyers(customers).with_columns(value=pl.col("revenue") / pl.col("purchases"))
    measures = ["purchases", "value", "revenue", *(["profit"] if _profit_known(bought) else [])]
    rows = [{"measure": name, **spread(bought[name].to_numpy())} for name in measures if bought.height]
    return pd.DataFrame(rows, columns=["measure", "mean", "median", "below_mean", "tenth", "ninetieth"])


def spread(values: np.ndarray) -> dict[str, float]:
    """Return mean, median, share strictly below the mean, and the 10th and 90th percentile of at least one value."""
    mean = float(values.mean())
    tenth, median, ninetieth = np.quantile(values, [0.1, 0.5, 0.9])
    return {
        "mean": mean,
        "median": float(median),
        # equal values can have a mean a hair above them
        "below_mean": float((values < mean - SAME * abs(mean)).mean()),
        "tenth": float(tenth),
        "ninetieth": float(ninetieth),
    }


def typical_factors(customers: pl.DataFrame, factors: Split) -> pd.DataFrame:
    """Lens 1: set beside two factors of `split`, which are means, what they are for the customer in the middle.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customers_of_period`; somebody bought.
    factors : Split
        Of the same customers.

    Returns
    -------
    pandas.DataFrame
        One row each for `purchases_each` and `value`, in the index: `median` over the customers who bought, and
        `below_mean`, the share of them who lie below the factor. The factor `value` is the mean over purchases, that
        of a customer the mean over theirs.
    """
    bought = buyers(customers)
    purchases = bought["purchases"].to_numpy()
    each = {"purchases_each": purchases, "value": bought["revenue"].to_numpy() / purchases}
    rows = {name: _against(values, getattr(factors, name)) for name, values in each.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["median", "below_mean"])


def _against(values: np.ndarray, mean: float) -> tuple[float, float]:
    return float(np.median(values)), float((values < mean - SAME * abs(mean)).mean())


def deciles(customers: pl.DataFrame, groups: int = 10) -> pd.DataFrame:
    """Lens 1: cut the customers into equal groups by revenue, the largest first.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customers_of_period`.
    groups : int, default 10
        How many; their sizes differ by one at most. Ties are parted by the customer's key.

    Returns
    -------
    pandas.DataFrame
        `decile` from 1, and 0 for who returned and bought nothing, where there are such; `customers`, `revenue`,
        `share_of_revenue`, `profit`, `share_of_profit` (of the whole period's; NaN where the whole isn't above zero or
        not known), `purchases_each`, `value` (revenue a purchase), `margin` (profit over revenue). The rows add up to
        the period.

    Raises
    ------
    ValueError
        When fewer customers bought than there are groups.
    """
    others = customers.filter(pl.col("purchases") == 0).with_columns(pl.lit(0, pl.Int64).alias("decile"))
    everyone = pl.concat([_in_deciles(customers, groups), others], how="diagonal")
    return _shares(everyone, "decile").sort_values("decile", key=lambda d: d.replace(0, groups + 1), ignore_index=True)


def decile_spread(customers: pl.DataFrame, groups: int = 10) -> pd.DataFrame:
    """Lens 1: describe the customers of each of the groups of `deciles`, the mean beside the median.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customers_of_period`.
    groups : int, default 10

    Returns
    -------
    pandas.DataFrame
        `decile` from 1, and of `purchases` and `value` (revenue a purchase, of each customer) `*_mean`, `*_median` and
        `*_below_mean` (share of the group's customers strictly below its mean).

    Raises
    ------
    ValueError
        When fewer customers bought than there are groups.
    """
    ranked = _in_deciles(customers, groups).with_columns(value=pl.col("revenue") / pl.col("purchases"))
    rows = []
    for (decile,), group in ranked.group_by("decile", maintain_order=True):
        known = {name: spread(group[name].to_numpy()) for name in ("purchases", "value")}
        told = {f"{name}_{of}": known[name][of] for name in known for of in ("mean", "median", "below_mean")}
        rows.append({"decile": decile, **told})
    return pd.DataFrame(rows)


def _in_deciles(customers: pl.DataFrame, groups: int) -> pl.DataFrame:
    """Put those who bought into groups, the largest revenue first."""
    bought = buyers(customers)
    if bought.height < groups:
        raise ValueError(f"{groups} groups need as many customers who bought; there are {bought.height}.")
    ranked = bought.sort("revenue", "customer", descending=[True, False]).with_row_index("place")
    decile = (pl.col("place").cast(pl.Int64) * groups // bought.height + 1).alias("decile")
    return ranked.with_columns(decile).drop("place")


def _shares(customers: pl.DataFrame, group: str) -> pd.DataFrame:
    table = (
        customers.group_by(group)
        .agg(pl.len().cast(pl.Int64).alias("customers"), pl.col("purchases").sum(), _sum("revenue"), _sum("profit"))
        .sort(group)
        .to_pandas()
    )
    table["profit"] = table["profit"].astype(float)
    for measure in ("revenue", "profit"):
        total = table[measure].sum(skipna=False)
        table[f"share_of_{measure}"] = table[measure] / total if total > 0 else np.nan
    table["purchases_each"] = table["purchases"] / table["customers"]
    table["value"] = _ratio(table["revenue"], table["purchases"])
    table["margin"] = _ratio(table["profit"], table["revenue"])
    return table.drop(columns="purchases")


def split(customers: pl.DataFrame) -> Split:
    """Lens 1: split a period into customers x purchases a customer x value a purchase x margin.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customers_of_period`. Customers and purchases are of those who bought; revenue and profit are everybody's,
        so a value is one after all returns.

    Returns
    -------
    Split
        `value` is NaN where nobody bought; `margin` where revenue is zero or a profit isn't known.
    """
    bought = buyers(customers)
    purchases = float(bought["purchases"].sum())
    revenue, profit = customers.select(_sum("revenue"), _sum("profit").fill_null(np.nan)).row(0)
    return Split(
        float(bought.height),
        purchases / bought.height if bought.height else np.nan,
        revenue / purchases if purchases else np.nan,
        profit / revenue if revenue else np.nan,
    )


def compare_periods(before: pl.DataFrame, now: pl.DataFrame, bought_earlier: pl.Series) -> pl.DataFrame:
    """Lens 2: set what each customer did in two periods side by side.

    Parameters
    ----------
    before, now : polars.DataFrame
        See `customers_of_period`.
    bought_earlier : polars.Series
        Keys of the customers who had bought before the first of the two began.

    Returns
    -------
    polars.DataFrame
        One row for everyone in either, sorted: `customer`, `status` (one of `STATUSES`), `purchases_before`,
        `purchases_now`, and `revenue_*` and `profit_*` likewise. *Lost*: bought before and not now. *Kept*: bought in
        both, for less, the same or more. *Came back*: bought now and earlier, but not in the period before. *New*:
        bought now for the first time. *Returns alone*: bought in neither.
    """
    both = before.join(now, on="customer", how="full", coalesce=True, suffix="_now").rename(
        {name: f"{name}_before" for name in ("purchases", "revenue", "profit")}
    )
    # who isn't in a period brought nothing in it; a profit that isn't known stays so
    absent = {when: pl.col(f"purchases_{when}").is_null() for when in ("before", "now")}
    both = both.with_columns(
        pl.when(absent[when]).then(0).otherwise(pl.col(f"{name}_{when}")).alias(f"{name}_{when}")
        for when in ("before", "now")
        for name in ("purchases", "revenue", "profit")
    )
    change = pl.col("revenue_now") - pl.col("revenue_before")
    unchanged = change.abs() <= SAME * pl.max_horizontal(pl.col("revenue_now", "revenue_before").abs())
    bought_before, bought_now = pl.col("purchases_before") > 0, pl.col("purchases_now") > 0
    status = (
        pl.when(bought_before & ~bought_now)
        .then(pl.lit("lost"))
        .when(bought_before & unchanged)
        .then(pl.lit("kept, same"))
        .when(bought_before & (change < 0))
        .then(pl.lit("kept, less"))
        .when(bought_before)
        .then(pl.lit("kept, more"))
        .when(bought_now & pl.col("customer").is_in(bought_earlier.implode()))
        .then(pl.lit("came back"))
        .when(bought_now)
        .then(pl.lit("new"))
        .otherwise(pl.lit("no purchase"))
    )
    measured = [f"{name}_{when}" for name in ("purchases", "revenue", "profit") for when in ("before", "now")]
    return both.select("customer", status.alias("status"), *measured).sort("customer")


def lost_after_one_purchase(days: pl.DataFrame, compared: pl.DataFrame) -> int:
    """Lens 2: count the lost customers who bought only once ever, on one day.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_days`.
    compared : polars.DataFrame
        See `compare_periods`.
    """
    lost = days.join(compared.filter(status="lost"), on="customer", how="semi")
    return lost.group_by("customer").agg(pl.col("purchase").sum()).filter(purchase=1).height


def flows(compared: pl.DataFrame) -> pd.DataFrame:
    """Lens 2: add the change between two periods up by what became of the customers.

    Parameters
    ----------
    compared : polars.DataFrame
        See `compare_periods`.

    Returns
    -------
    pandas.DataFrame
        One row for each of `STATUSES`, zeros where there is nobody: `status`, `customers`, `revenue_before`,
        `revenue_now`, `revenue_change`, and `profit_*` likewise (NaN where not known). The rows before add up to the
        one period, those now to the other.
    """
    measures = [f"{name}_{when}" for name in ("revenue", "profit") for when in ("before", "now")]
    sums = [_sum(name) for name in measures]
    table = compared.group_by("status").agg(pl.len().cast(pl.Int64).alias("customers"), *sums).to_pandas()
    table = table.set_index("status").reindex(list(STATUSES))
    table.loc[table["customers"].isna()] = 0
    table = table.astype({"customers": np.int64, **dict.fromkeys(measures, float)})
    for name in ("revenue", "profit"):
        table[f"{name}_change"] = table[f"{name}_now"] - table[f"{name}_before"]
    ordered = [f"{name}_{when}" for name in ("revenue", "profit") for when in ("before", "now", "change")]
    return table[["customers", *ordered]].rename_axis("status").reset_index()


def split_change(before: Sequence[float], now: Sequence[float]) -> list[float]:
    """Lens 2: say how much of a product's change comes from each of its factors.

    Each factor's part is what its own change adds, averaged over every order in which the factors could have changed
    one after the other (Shapley's value). The parts add up to the change exactly, don't depend on the order of the
    factors, and stay defined where a factor falls to zero or below, as a margin can; the logarithmic mean Divisia
    index, which is alike in all else, needs every factor above zero. For two factors it is each one's change times
    the mean of the other.

    Parameters
    ----------
    before, now : sequence of float, length n
        The factors, in the same order.

    Returns
    -------
    list of float, length n
        Each factor's part of ``prod(now) - prod(before)``.

    References
    ----------
    Sun, J. W. (1998). Changes in energy consumption and energy intensity: a complete decomposition model. Energy
    Economics 20, 85-100. Ang, B. W. (2004). Decomposition analysis for policymaking in energy. Energy Policy 32,
    1131-1139.
    """
    number = len(before)
    parts = []
    for factor in range(number):
        others = [other for other in range(number) if other != factor]
        part = 0.0
        for size in range(number):
            weight = 1 / (number * comb(number - 1, size))
            for changed in combinations(others, size):
                rest = np.prod([now[other] if other in changed else before[other] for other in others])
                part += weight * float(rest)
        parts.append(part * (now[factor] - before[factor]))
    return parts


def cohort_activity(days: pl.DataFrame, as_of: dt.date, unit: Unit) -> pd.DataFrame:
    """Follow every cohort over time, for lenses 3 to 5.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_days`.
    as_of : date
        Last day observed.
    unit : {"month", "quarter", "year"}
        A cohort is who first bought in the same one; it is followed by the same unit.

    Returns
    -------
    pandas.DataFrame
        One row per cohort and period up to that of `as_of`, in that order: `cohort` and `period` (first days), `age`
        (periods since, from 0), `size` of the cohort, `customers` of it who bought in the period, `purchases`,
        `revenue`, `profit` (NaN where not known), `complete` (False where `as_of` is before the period's last day).
        What was sold and returned before a first purchase that stood belongs to no cohort; see `outside_cohorts`.
    """
    every = _EVERY[unit]
    cells = (
        days.lazy()
        .filter(pl.col("date") >= pl.col("first_day"))
        .with_columns(cohort=pl.col("first_day").dt.truncate(every), period=pl.col("date").dt.truncate(every))
        .group_by("cohort", "period", "customer")
        .agg(pl.col("purchase").sum(), _sum("revenue"), _sum("profit"))
        .group_by("cohort", "period")
        .agg(
            (pl.col("purchase") > 0).sum().cast(pl.Int64).alias("customers"),
            pl.col("purchase").sum().alias("purchases"),
            _sum("revenue"),
            _sum("profit"),
        )
        .sort("cohort", "period")
        .collect()
        .to_pandas()
    )
    cells = cells.astype({"cohort": "datetime64[us]", "period": "datetime64[us]", "profit": float})
    first, last = days["first_day"].min(), as_of
    periods = pd.to_datetime(
        pl.date_range(pl.lit(first).dt.truncate(every), pl.lit(last), every, eager=True).to_numpy()
    ).as_unit("us")
    cohorts = pd.DataFrame({"cohort": cells["cohort"].unique()})
    grid = cohorts.merge(pd.DataFrame({"period": periods}), how="cross").query("period >= cohort")
    table = grid.merge(cells, on=["cohort", "period"], how="left")
    silent = table["customers"].isna()
    table.loc[silent, ["customers", "purchases", "revenue", "profit"]] = 0
    table = table.astype({"customers": np.int64, "purchases": np.int64})
    table["age"] = (_months_of(table["period"]) - _months_of(table["cohort"])) // MONTHS_IN[unit]
    table["size"] = table.groupby("cohort")["customers"].transform("first")
    table["complete"] = period_ends(table["period"], unit) <= pd.Timestamp(as_of)
    wanted = ["cohort", "period", "age", "size", "customers", "purchases", "revenue", "profit", "complete"]
    return table[wanted].sort_values(["cohort", "period"], ignore_index=True)


def outside_cohorts(days: pl.DataFrame, unit: Unit) -> pd.DataFrame:
    """Return what belongs to no cohort: rows before a customer's first purchase that stood, or without any.

    Returns
    -------
    pandas.DataFrame
        `period` (first day), `revenue` and `profit` (NaN where not known), periods without any left out. Together with
        `cohort_activity` it adds up to the ledger.
    """
    table = (
        days.filter(pl.col("first_day").is_null() | (pl.col("date") < pl.col("first_day")))
        .group_by(pl.col("date").dt.truncate(_EVERY[unit]).alias("period"))
        .agg(_sum("revenue"), _sum("profit"))
        .sort("period")
        .to_pandas()
    )
    return table.astype({"period": "datetime64[us]", "profit": float})


def follow_cohort(days: pl.DataFrame, activity: pd.DataFrame, cohort: Any, unit: Unit) -> pd.DataFrame:
    """Lens 3: follow one cohort from age to age, whole periods only.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_days`.
    activity : pandas.DataFrame
        See `cohort_activity`.
    cohort : date
        The first day of its period.
    unit : {"month", "quarter", "year"}
        The one of `activity`.

    Returns
    -------
    pandas.DataFrame
        The cohort's complete rows of `activity` with `share_active` (who bought, of the size); of those who bought,
        NaN where nobody did: `purchases_each`, `revenue_each`, `revenue_median` and `revenue_below_mean` (share of
        them); and since the first purchase, of everybody won: `total_mean`, `total_median` (revenue a customer) and
        `total_below_mean` (share of customers).

    Raises
    ------
    ValueError
        When there is no such cohort.
    """
    followed = activity[(activity["cohort"] == pd.Timestamp(cohort)) & activity["complete"]].reset_index(drop=True)
    if followed.empty:
        raise ValueError(f"No cohort of {cohort} has been watched for a whole {unit}.")
    every = _EVERY[unit]
    members = days.filter(
        (pl.col("first_day").dt.truncate(every) == pd.Timestamp(cohort).date())
        & (pl.col("date") >= pl.col("first_day"))
    ).select(
        member=pl.col("customer").rank("dense").cast(pl.Int64) - 1,
        period=pl.col("date").dt.truncate(every),
        purchase="purchase",
        revenue="revenue",
    )
    by_period = members.partition_by("period", as_dict=True)
    size = int(followed["size"].iloc[0])
    so_far = np.zeros(size)
    totals, each = [], []
    for period in followed["period"]:
        brought, bought = np.zeros(size), np.zeros(size, dtype=bool)
        seen = by_period.get((period.date(),))
        if seen is not None:
            members_seen = seen["member"].to_numpy()
            brought += np.bincount(members_seen, seen["revenue"].to_numpy(), minlength=size)
            bought |= np.bincount(members_seen, seen["purchase"].to_numpy(), minlength=size) > 0
        so_far += brought
        totals.append(spread(so_far))
        each.append(spread(brought[bought]) if bought.any() else {})
    total, active = pd.DataFrame(totals), pd.DataFrame(each, columns=["mean", "median", "below_mean"], dtype=float)
    return followed.assign(
        share_active=followed["customers"] / followed["size"],
        purchases_each=_ratio(followed["purchases"], followed["customers"]),
        revenue_each=active["mean"],
        revenue_median=active["median"],
        revenue_below_mean=active["below_mean"],
        total_mean=total["mean"],
        total_median=total["median"],
        total_below_mean=total["below_mean"],
    )


def cohorts_at_equal_age(days: pl.DataFrame, as_of: dt.date, unit: Unit, age_days: int) -> pd.DataFrame:
    """Lens 4: set cohorts side by side by what each customer did in the first so many days.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_days`.
    as_of : date
        Last day observed.
    unit : {"month", "quarter", "year"}
        A cohort is who first bought in the same one.
    age_days : int
        How many days from the first purchase on, that day being the first.

    Returns
    -------
    pandas.DataFrame
        One row per cohort whose customers, whichever day of the period they came on, have all been watched for so
        long: `cohort`, `customers`, `share_back` (who bought on a second day), `purchases_mean`, `purchases_median`,
        `purchases_below_mean` (share of customers), `revenue_mean`, `revenue_median`, `below_mean` (share of customers
        below the mean revenue), `value` (revenue a purchase), `profit_mean`, `profit_median`, `profit_below_mean` and
        `margin` (the last four NaN where not known).
    """
    every = _EVERY[unit]
    cohort = pl.col("first_day").dt.truncate(every)
    age = (pl.col("date") - pl.col("first_day")).dt.total_days()
    watched_until = cohort.dt.offset_by(every) + pl.duration(days=age_days - 2)
    table = (
        days.lazy()
        .filter((age >= 0) & (age < age_days) & (watched_until <= as_of))
        .group_by("customer")
        .agg(cohort.first().alias("cohort"), pl.col("purchase").sum(), _sum("revenue"), _sum("profit"))
        .group_by("cohort")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            (pl.col("purchase") > 1).mean().alias("share_back"),
            pl.col("purchase").mean().alias("purchases_mean"),
            pl.col("purchase").median().alias("purchases_median"),
            _below_mean("purchase").alias("purchases_below_mean"),
            _mean("revenue").alias("revenue_mean"),
            _median("revenue").alias("revenue_median"),
            _below_mean("revenue").alias("below_mean"),
            _mean("profit").alias("profit_mean"),
            _median("profit").alias("profit_median"),
            _below_mean("profit").alias("profit_below_mean"),
        )
        .sort("cohort")
        .collect()
        .to_pandas()
    )
    table = table.astype(
        {"cohort": "datetime64[us]", **dict.fromkeys(("profit_mean", "profit_median", "profit_below_mean"), float)}
    )
    table["value"] = _ratio(table["revenue_mean"], table["purchases_mean"])
    table["margin"] = _ratio(table["profit_mean"], table["revenue_mean"])
    return table


def base_by_cohort(days: pl.DataFrame, period: Period, unit: Unit) -> pd.DataFrame:
    """Lens 5: say what each cohort has brought so far, and what it still brings.

    Parameters
    ----------
    days : polars.DataFrame
        See `customer_days`.
    period : Period
        The latest one; see `latest_period`.
    unit : {"month", "quarter", "year"}
        A cohort is who first bought in the same one.

    Returns
    -------
    pandas.DataFrame
        One row per cohort, and one whose `cohort` is NaT for what belongs to none (see `outside_cohorts`), where there
        is any: `customers` won, `active` (who bought in the period), `revenue` and `profit` since the beginning,
        `revenue_latest` and `profit_latest` of the period. The rows add up to the ledger and to the period; profits
        are NaN where not known.
    """
    latest = pl.col("date").is_between(period.first, period.last)
    started = pl.col("date") >= pl.col("first_day")
    table = (
        days.lazy()
        .with_columns(
            cohort=pl.when(started).then(pl.col("first_day").dt.truncate(_EVERY[unit])),
            won=pl.col("date") == pl.col("first_day"),
            revenue_latest=pl.when(latest).then("revenue").otherwise(0.0),
            profit_latest=pl.when(latest).then("profit").otherwise(0.0),
        )
        .group_by("cohort")
        .agg(
            pl.col("won").sum().cast(pl.Int64).alias("customers"),
            pl.col("customer").filter(latest & (pl.col("purchase") > 0)).n_unique().cast(pl.Int64).alias("active"),
            *map(_sum, ("revenue", "profit", "revenue_latest", "profit_latest")),
        )
        .sort("cohort", nulls_last=True)
        .collect()
        .to_pandas()
    )
    return table.astype({"cohort": "datetime64[us]", "profit": float, "profit_latest": float})


def period_ends(starts: pd.Series, unit: Unit) -> pd.Series:
    """Return the last day of each period that begins on `starts`."""
    return starts + pd.DateOffset(months=MONTHS_IN[unit]) - pd.Timedelta(days=1)


def _spared(days: int) -> int:
    """Return how many days a period may lack: of a short one a week would be too many."""
    return min(MAY_BE_MISSING_DAYS, days // 10)


def _sum(name: str) -> pl.Expr:
    """Add a column up; with a null among its values the sum is null, since a part of a profit is not a profit."""
    return pl.when(pl.col(name).null_count() == 0).then(exact_sum(name)).alias(name)


def _mean(name: str) -> pl.Expr:
    return _sum(name) / pl.len()


def _median(name: str) -> pl.Expr:
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).median())


def _below_mean(name: str) -> pl.Expr:
    """Return the share of rows below the mean, which equal values can lie a hair under; null like the mean."""
    limit = _mean(name) - SAME * _mean(name).abs()
    return pl.when(pl.col(name).null_count() == 0).then((pl.col(name) < limit).mean())


def _profit_known(customers: pl.DataFrame) -> bool:
    return customers.height > 0 and customers["profit"].null_count() == 0


def _ratio(above: pd.Series, below: pd.Series) -> pd.Series:
    return above.astype(float) / below.astype(float).where(below != 0)


def _months(date: dt.date) -> int:
    return 12 * date.year + date.month


def _months_of(dates: pd.Series) -> pd.Series:
    return 12 * dates.dt.year + dates.dt.month
