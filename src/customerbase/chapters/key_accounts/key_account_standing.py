"""What each customer weighs in the business: the ground on which `07_key_accounts` judges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from models.key_accounts import (
    DAYS_A_YEAR,
    JUDGED,
    dependency_level,
    largest_share_of_part,
    revenue_a_year,
    shares_of_revenue,
    spellings,
)

from ...chapter import Chapter
from ...wording import NOT_RECORDED, count, day
from ..profit import costs_known, customer_profit, discounts_known, first_counted, ledger_lines, profit_known

PARTS = ("department", "manager")
RECORDED = ("potential", *JUDGED)  # criteria that the customers' table answers


@dataclass(frozen=True)
class Standing:
    """What each customer weighs in the business.

    Attributes
    ----------
    customers : polars.DataFrame
        Everybody of the ledger, sorted by customer: customer; revenue, profit, cost and discount (given to the
        customer) of the days that count, in money, the last three null where not known; share of the revenue;
        dependency, volume_discount, manager, department, and what the criteria of a key account are judged by.
    last_year : polars.DataFrame or None
        The same of the last 365 days, up to dependency and volume_discount; None where the days that count are no
        more than these.
    days : str
        The days that count, in words.
    unjudged : mapping
        Criteria that this base can't judge, each with the reason.
    potential : float or None
        Potential, in money a year, from which on it counts; None where there is no revenue to measure it by.
    respelt : mapping
        How many spellings of departments and of managers were taken for another that differs by case and spaces only.
    """

    customers: pl.DataFrame
    last_year: pl.DataFrame | None
    days: str
    unjudged: Mapping[str, str]
    potential: float | None
    respelt: Mapping[str, int]


def standing(chapter: Chapter) -> Standing:
    """Return what each customer weighs in the business."""
    given = chapter.parameters
    lines = ledger_lines(chapter)
    customers = _weighed(chapter)
    limit = given.key_account_share * revenue_a_year(chapter.ledger, chapter.as_of)
    unjudged = {}
    if customers["share"].null_count():
        unjudged["company revenue"] = "revenue isn't above zero"
    if chapter.particulars is not None:
        wanted = ("manager", "department", "consent", *RECORDED)
        names = [name for name in wanted if name in chapter.particulars.columns]
        customers = customers.join(chapter.particulars.select("customer", *names), on="customer", how="left")
    respelt = {}
    for part in PARTS:
        same = _spellings(chapter, part)
        respelt[part] = len(same)
        customers, reason = _with_part(chapter, lines, customers, part, same)
        unjudged |= {f"{part} revenue": reason} if reason else {}
    for name in RECORDED:
        if name not in customers.columns or customers[name].null_count() == customers.height:
            unjudged[name] = NOT_RECORDED
    if limit <= 0 and customers.schema.get("potential") == pl.Float64:
        unjudged["potential"] = "no revenue a year to measure it by"
    year_began = chapter.as_of - dt.timedelta(days=DAYS_A_YEAR - 1)
    return Standing(
        customers=customers.sort("customer"),
        last_year=_weighed(chapter, year_began) if first_counted(chapter) < year_began else None,
        days=window(chapter),
        unjudged=unjudged,
        potential=limit if limit > 0 else None,
        respelt=respelt,
    )


def _weighed(chapter: Chapter, first: dt.date | None = None) -> pl.DataFrame:
    """Return what everybody of the ledger brought since a day, and how far the company depends on it."""
    customers = shares_of_revenue(_brought(chapter, first))
    customers = customers.with_columns(
        dependency_level(pl.col("share"), chapter.parameters.dependency_limits).alias("dependency")
    )
    told = chapter.particulars
    if told is not None and "volume_discount" in told.columns:
        customers = customers.join(told.select("customer", "volume_discount"), on="customer", how="left")
    return customers.sort("customer")


def _brought(chapter: Chapter, first: dt.date | None) -> pl.DataFrame:
    """Return what everybody of the ledger brought since a day; nothing, where they have no row since."""
    brought = customer_profit(chapter, first).select("customer", "revenue", "profit", "cost", "discount")
    everybody = chapter.ledger.select("customer").unique()
    known = {
        "revenue": True,
        "profit": profit_known(chapter),
        # a margin tells what is earned, but not what is bought for whom
        "cost": costs_known(chapter),
        "discount": discounts_known(chapter),
    }
    nothing = pl.col("revenue").is_null()
    return everybody.join(brought, on="customer", how="left").with_columns(
        (pl.when(nothing).then(0.0).otherwise(pl.col(name)) if told else pl.lit(None, pl.Float64)).alias(name)
        for name, told in known.items()
    )


def _spellings(chapter: Chapter, part: str) -> dict[str, str]:
    """Return which spellings of a department or manager are another's, by ledger and customers' table together."""
    frames = [frame for frame in (chapter.ledger, chapter.particulars) if frame is not None and part in frame.columns]
    return spellings(pl.concat([frame[part] for frame in frames])) if frames else {}


def _with_part(
    chapter: Chapter, lines: pl.DataFrame, customers: pl.DataFrame, part: str, same: Mapping[str, str]
) -> tuple[pl.DataFrame, str | None]:
    """Add who looks after each customer, and the part of the company that rests on the customer most.

    Of the customers' table first, else of the customer's latest row. The second answer is why the share of a part is
    no criterion here.
    """
    spelt = pl.col(part).replace(same) if same else pl.col(part)
    recorded = spelt if part in customers.columns else pl.lit(None, pl.String)
    named = "dependent_manager" if part == "manager" else part
    share = pl.lit(None, pl.Float64).alias(f"share_of_{part}")
    if part in lines.columns:
        latest = (
            chapter.ledger.filter(pl.col(part).is_not_null())
            .sort("date", maintain_order=True)
            .group_by("customer")
            .agg(spelt.last().alias("latest"))
        )
        customers = customers.join(latest, on="customer", how="left")
        customers = customers.with_columns(pl.coalesce(recorded, "latest").alias(part)).drop("latest")
        lines = lines.with_columns(spelt)
    else:
        customers = customers.with_columns(recorded.alias(part))
        lines = lines.join(customers.select("customer", part), on="customer", how="left")
    parts = lines[part].drop_nulls().n_unique()
    if parts < 2:
        reason = f"one {part} only, so the same as the company" if parts else NOT_RECORDED
        extra = [share] if named == part else [share, pl.lit(None, pl.String).alias(named)]
        return customers.with_columns(extra), reason
    rests_on = largest_share_of_part(lines, part).rename({part: "rests_on"})
    customers = customers.join(rests_on, on="customer", how="left")
    where = pl.col("rests_on") if named != part else pl.coalesce("rests_on", part)
    return customers.with_columns(where.alias(named)).drop("rests_on"), None


def window(chapter: Chapter) -> str:
    """Return the days that count in words."""
    lookback = chapter.parameters.lookback_days
    return (
        f"from {day(first_counted(chapter))} to {day(chapter.as_of)}"
        if lookback is None
        else f"in the {count(lookback)} days up to {day(chapter.as_of)}"
    )
