"""Key accounts: who is one and why, how far a business depends on them, and what is lost should they leave.

A key account is a customer who meets any one of the criteria by which practice picks them: a share of the revenue of
the company, of one of its departments or of one of its managers; potential; reputation; being an innovator; being
demanding (Millman & Wilson 1995, From Key Account Selling to Key Account Management, *Journal of Marketing Practice*
1(1), on why sales volume alone doesn't make one).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from models.concentration import largest_share
from models.exact import exact_sum

CRITERIA = (
    "company revenue",
    "department revenue",
    "manager revenue",
    "potential",
    "reputation",
    "innovator",
    "demanding",
)
JUDGED = ("reputation", "innovator", "demanding")
LEVELS = ("none", "watch", "high", "dangerous", "critical")
DAYS_A_YEAR = 365
NEVER = 36_525  # days: a wait of more than a century has no end
AT_LIMIT = 1e-9  # sums of money that make just 10% come out a hair beside it


def shares_of_revenue(revenue: pl.DataFrame) -> pl.DataFrame:
    """Add each customer's share of the company's revenue.

    Parameters
    ----------
    revenue : polars.DataFrame
        customer, revenue (returns taken off, so it may be negative).

    Returns
    -------
    polars.DataFrame
        `revenue` with share; null where all revenue together isn't positive, as there is nothing to share in.
    """
    total = exact_sum("revenue")
    return revenue.with_columns(pl.when(total > 0).then(pl.col("revenue") / total).alias("share"))


def largest_share_of_part(lines: pl.DataFrame, part: str) -> pl.DataFrame:
    """Find for each customer the part of the company whose revenue rests on the customer most.

    Parameters
    ----------
    lines : polars.DataFrame
        customer, amount (negative for a return) and the column named by `part`. Rows without a part belong to none.
    part : str
        ``department`` or ``manager``.

    Returns
    -------
    polars.DataFrame
        One row a customer who has a part, in no order: customer, the part (of equal shares the first by name) and
        share_of_<part>. A customer of several parts has a share in each, of which this is the largest. Null where
        the part's revenue isn't positive.
    """
    share = f"share_of_{part}"
    rows = lines.select("customer", part, "amount").drop_nulls(part)
    by_name = pl.Enum(rows[part].unique().sort())  # sorts and groups in a fraction of the time of text
    total = exact_sum("amount").over(part)
    return (
        rows.with_columns(pl.col(part).cast(by_name))
        .group_by("customer", part)
        .agg(exact_sum("amount"))
        .with_columns(pl.when(total > 0).then(pl.col("amount") / total).alias(share))
        .sort(part)
        .group_by("customer")
        .agg(pl.col(part).get(pl.col(share).arg_max().fill_null(0)).cast(pl.String), pl.col(share).max())
    )


def revenue_a_year(lines: pl.DataFrame, as_of: dt.date) -> float:
    """Return the company's revenue of the last 365 days.

    Parameters
    ----------
    lines : polars.DataFrame
        date (date or datetime), amount; none after `as_of`.
    as_of : datetime.date
        Last day observed.

    Returns
    -------
    float
        Of a ledger that began later, its revenue scaled to 365 days; 0 without rows.
    """
    day = pl.col("date").dt.date()
    first = lines["date"].dt.date().min()
    if not isinstance(first, dt.date):
        return 0.0
    last_year = lines.filter(day > as_of - dt.timedelta(days=DAYS_A_YEAR)).select(exact_sum("amount")).item()
    return float(last_year) * max(1.0, DAYS_A_YEAR / ((as_of - first).days + 1))


def spellings(names: pl.Series) -> dict[str, str]:
    """Find names that are written in several ways: in other case, with other spaces.

    Parameters
    ----------
    names : polars.Series
        Names as they are recorded, as often as they are.

    Returns
    -------
    dict
        Each spelling that isn't its name's commonest one (of equally common ones the first by the alphabet), and that
        commonest one.
    """
    folded = pl.col("name").str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    counted = names.drop_nulls().rename("name").value_counts(name="times").with_columns(same=folded)
    shown = (
        counted.sort("times", "name", descending=[True, False])
        .group_by("same")
        .agg(pl.col("name").first().alias("shown"))
    )
    others = counted.join(shown, on="same").filter(pl.col("name") != pl.col("shown")).sort("name")
    return dict(others.select("name", "shown").rows())


def key_accounts(
    customers: pl.DataFrame, *, share: float = 0.10, score: float = 5, potential: float | None = None
) -> pl.DataFrame:
    """Pick the customers who meet any criterion of a key account.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a customer: customer, share (of the company's revenue) and whichever there are of share_of_department,
        share_of_manager, potential (money a year, or yes and no), reputation, innovator and demanding (scores, or yes
        and no). A criterion whose column is absent is met by nobody, and so is one whose value is null.
    share : float, default 0.10
        Share of revenue from which on a customer is a key account.
    score : float, default 5
        Score from which on reputation, innovator and demanding count.
    potential : float or None
        Potential, in money a year, from which on it counts. None: a potential in money counts for nobody.

    Returns
    -------
    polars.DataFrame
        Those who meet any, by share from the largest down, of equal shares by customer: the columns of `customers`
        and criteria, the names of those met in the order of `CRITERIA`, parted by a comma and a space.
    """
    met = _criteria_met(customers.schema, share, score, potential)
    names = [pl.when(held).then(pl.lit(name)) for name, held in met.items()]
    return (
        customers.filter(pl.any_horizontal(held.fill_null(value=False) for held in met.values()))
        .with_columns(pl.concat_str(names, separator=", ", ignore_nulls=True).alias("criteria"))
        .sort("share", "customer", descending=[True, False], nulls_last=True)
    )


def _criteria_met(columns: pl.Schema, share: float, score: float, potential: float | None) -> dict[str, pl.Expr]:
    """Return a condition for each criterion that can be judged, in the order of `CRITERIA`."""
    limits = {"potential": potential} | dict.fromkeys(JUDGED, score)
    shares = {"share": "company", "share_of_department": "department", "share_of_manager": "manager"}
    met = {f"{whose} revenue": _reaches(column, share) for column, whose in shares.items() if column in columns}
    for name, limit in limits.items():
        if columns.get(name) == pl.Boolean:
            met[name] = pl.col(name)
        elif name in columns and limit is not None:
            met[name] = _reaches(name, limit)
    return met


def _reaches(column: str, limit: float) -> pl.Expr:
    return pl.col(column) >= limit * (1 - AT_LIMIT)


def dependency_level(share: pl.Expr, limits: Sequence[float] = (0.20, 0.30, 0.40, 0.50)) -> pl.Expr:
    """Name how dangerous it is that one customer brings this share of revenue.

    Parameters
    ----------
    share : polars.Expr
        Of the company's revenue.
    limits : sequence of float, default (0.20, 0.30, 0.40, 0.50)
        Shares from which on a dependency is to be watched, high, dangerous and critical; rising.

    Returns
    -------
    polars.Expr
        One of `LEVELS`; none where the share is null.
    """
    level = pl.lit(LEVELS[0])
    for limit, name in zip(limits, LEVELS[1:], strict=True):
        level = pl.when(share >= limit * (1 - AT_LIMIT)).then(pl.lit(name)).otherwise(level)
    return level


def without_the_largest(customers: pl.DataFrame, how_many: Sequence[int] = (1, 3)) -> pl.DataFrame:
    """Reckon what goes with the largest customers, should they leave.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a customer: customer, revenue and, each null where it isn't known, profit, cost (of what was bought
        for them), discount (given to them, in money) and volume_discount (a share of one).
    how_many : sequence of int, default (1, 3)
        How many of the largest leave; where there are fewer customers than that, the case is left out.

    Returns
    -------
    polars.DataFrame
        One row a case: leave (how many), who (their keys, the largest first), revenue_lost, revenue_left,
        revenue_share, profit_lost, profit_left, profit_share, cost_lost, cost_left, cost_share, discount,
        volume_discount (of the cost that goes: each customer's cost times the customer's volume discount),
        discounts_known (of how many of those who leave a volume discount is known; the others add nothing to the
        sum), and next_share (the share of the revenue left that the largest of the others would bring). A share is
        null where the whole isn't positive; a figure where it isn't known of everybody, volume_discount where it is
        of nobody.
    """
    ranked = customers.sort("revenue", "customer", descending=[True, False])
    cases = []
    for leave in how_many:
        if leave > ranked.height:
            continue
        gone, others = ranked.head(leave), ranked.tail(-leave)
        cases.append(
            {
                "leave": leave,
                "who": gone["customer"].to_list(),
                **_lost("revenue", gone, ranked),
                **_lost("profit", gone, ranked),
                **_lost("cost", gone, ranked),
                "discount": _sum_if_known(gone, "discount"),
                **_volume_discount(gone),
                "next_share": largest_share(others["revenue"]),
            }
        )
    return pl.DataFrame(cases, schema=_CASE).fill_nan(None)


_CASE: dict[str, Any] = {
    "leave": pl.Int64,
    "who": pl.List(pl.String),
    **{f"{name}_{what}": pl.Float64 for name in ("revenue", "profit", "cost") for what in ("lost", "left", "share")},
    "discount": pl.Float64,
    "volume_discount": pl.Float64,
    "discounts_known": pl.Int64,
    "next_share": pl.Float64,
}


def _lost(name: str, gone: pl.DataFrame, everybody: pl.DataFrame) -> dict[str, float | None]:
    lost, whole = _sum_if_known(gone, name), _sum_if_known(everybody, name)
    if lost is None or whole is None:
        return {f"{name}_lost": lost}
    share = lost / whole if whole > 0 else None
    return {f"{name}_lost": lost, f"{name}_left": whole - lost, f"{name}_share": share}


def _sum_if_known(rows: pl.DataFrame, name: str) -> float | None:
    if name not in rows.columns or rows[name].null_count():
        return None
    return float(rows.select(exact_sum(name)).item())


def _volume_discount(gone: pl.DataFrame) -> dict[str, float | None]:
    """Return what the recorded discounts come to on what was bought for those who leave."""
    if "volume_discount" not in gone.columns:
        return {"volume_discount": None, "discounts_known": 0}
    recorded = gone.filter(pl.col("volume_discount").is_not_null())
    if recorded.is_empty() or "cost" not in recorded.columns or recorded["cost"].null_count():
        return {"volume_discount": None, "discounts_known": recorded.height}
    of_cost = recorded.select(discount=pl.col("cost") * pl.col("volume_discount")).select(exact_sum("discount"))
    return {"volume_discount": of_cost.item(), "discounts_known": recorded.height}


def load_by_manager(accounts: pl.DataFrame, managers: Sequence[str], limit: int = 3) -> pl.DataFrame:
    """Count each manager's key accounts.

    Parameters
    ----------
    accounts : polars.DataFrame
        The key accounts: customer, manager (null where none is recorded), revenue.
    managers : sequence of str
        Everybody who looks after customers, so that those without a key account are seen too.
    limit : int, default 3
        How many key accounts one manager can hold.

    Returns
    -------
    polars.DataFrame
        manager, key_accounts, revenue (of these), too_many (how many above the limit) and room (how many below it);
        most key accounts first, then by manager. Accounts without a manager are in none of its rows.
    """
    held = accounts.group_by("manager").agg(pl.len().cast(pl.Int64).alias("key_accounts"), exact_sum("revenue"))
    over = pl.col("key_accounts") - limit
    return (
        pl.DataFrame({"manager": sorted(set(managers) | set(accounts["manager"].drop_nulls()))}, {"manager": pl.String})
        .join(held, on="manager", how="left", maintain_order="left")
        .with_columns(pl.col("key_accounts").fill_null(0), pl.col("revenue").fill_null(0.0))
        .with_columns(over.clip(lower_bound=0).alias("too_many"), (-over).clip(lower_bound=0).alias("room"))
        .sort("key_accounts", "manager", descending=[True, False])
    )


def against_own_rhythm(
    histories: pl.DataFrame, overdue_age: np.ndarray, days_per_unit: float, as_of: dt.date
) -> pl.DataFrame:
    """Tell who has been silent for longer than their own rhythm explains.

    Parameters
    ----------
    histories : polars.DataFrame
        customer, recency and T (ages at the last purchase and at `as_of`, in units of time).
    overdue_age : ndarray of shape (n,)
        Age by which somebody who is still a customer would have bought again, in the same units; see the purchase
        models' `overdue_after`. NaN where it can't be told, infinite for never.
    days_per_unit : float
        Length of the unit of time, in days.
    as_of : datetime.date
        Last day observed.

    Returns
    -------
    polars.DataFrame
        customer; days_silent, since the last purchase; longest_gap, the most whole days between two purchases that
        the rhythm explains; silent, whether days_silent exceeds it; overdue_since, the first day on which it did,
        null for those who aren't silent. longest_gap and silent are null where the rhythm isn't known; longest_gap
        is null too where it has no end.
    """
    days = histories.select(
        "customer",
        (pl.col("recency") * days_per_unit).round().cast(pl.Int64).alias("last"),
        (pl.col("T") * days_per_unit).round().cast(pl.Int64).alias("today"),
        pl.Series("limit", np.floor(overdue_age * days_per_unit), dtype=pl.Float64).fill_nan(None),
    )
    silent = pl.col("today") > pl.col("limit")
    whole_days = pl.when(pl.col("limit") < NEVER).then(pl.col("limit")).cast(pl.Int64)
    since = pl.lit(as_of) - pl.duration(days=pl.col("today") - whole_days - 1)
    return days.select(
        "customer",
        (pl.col("today") - pl.col("last")).alias("days_silent"),
        (whole_days - pl.col("last")).alias("longest_gap"),
        silent.alias("silent"),
        pl.when(silent).then(since).cast(pl.Date).alias("overdue_since"),
    )
