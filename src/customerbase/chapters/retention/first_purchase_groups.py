"""Customers in groups by what was known on the day of their first purchase."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from models.first_purchase import BASKET, COUPON, DISCOUNT, first_purchases

from ...chapter import Chapter
from ...ledger.answers import FLAGS, SCORES, SHARES
from ...particulars import CONSENT, JOINED, KEY, LEFT, REFERRER, UPDATED
from ...personal_data import PERSONAL
from ...wording import number, percent

MOST_PERIODS = 6
MOST_VALUES = 50  # of a text: more would tell single customers, and no groups
COHORT, SIZE, DISCOUNTED, COUPONED = "first bought in", "size of the first purchase", "discount share", "coupon"
#: What a ledger may record of a purchase, and in which column `models.first_purchase` has it.
RECORDED = {name: name for name in ("channel", "manager", "brand")} | {"category": "main category"}
LOOKED_AT = ("customer", "date", "kind", "amount", "discount", "coupon", *RECORDED)
#: Particulars that describe the customer of today, or that somebody judged of one known for long. A manager or a
#: department that the ledger names of the first purchase is of that day.
OF_LATER = (*SHARES, *SCORES, *FLAGS, CONSENT, UPDATED, JOINED, LEFT, REFERRER, "manager", "department")
#: These, and what tells who somebody is.
NOT_AT_FIRST = (*PERSONAL, *OF_LATER)
QUARTER = "1q"
PERIODS = {"1mo": "%Y-%m", QUARTER: "%Y Q", "1y": "%Y"}


def of_ledger(chapter: Chapter, first: pl.DataFrame) -> pl.DataFrame:
    """Return what the ledger tells of first purchases.

    Parameters
    ----------
    chapter : Chapter
    first : polars.DataFrame
        customer and date of each first purchase.

    Returns
    -------
    polars.DataFrame
        Sorted by customer: customer, and a text column of groups for each thing known, named after it; null where it
        isn't recorded of a customer. Only rows of the ledger of that very day are looked at.
    """
    days = first.select("customer", first_day=pl.col("date").dt.date()).sort("customer")
    lines = chapter.ledger.select(name for name in chapter.ledger.columns if name in LOOKED_AT)
    told = first_purchases(lines, days, learned_to=chapter.as_of).customers
    bought = pl.from_pandas(told.drop(columns="first_day").reset_index(), nan_to_null=True)
    groups = {COHORT: _cohorts(days["first_day"]), SIZE: _sizes(bought[BASKET], chapter.parameters.currency)}
    groups |= {name: bought[column] for name, column in RECORDED.items() if column in bought.columns}
    if DISCOUNT in bought.columns:
        groups[DISCOUNTED] = _discounts(bought, DISCOUNT)
    if COUPON in bought.columns:
        groups[COUPONED] = bought.select(pl.when(pl.col(COUPON) > 0).then(pl.lit("used")).otherwise(pl.lit("none")))[
            :, 0
        ]
    return pl.DataFrame({"customer": days["customer"]} | {name: text.cast(pl.String) for name, text in groups.items()})


def of_customers_table(chapter: Chapter, taken: list[str]) -> pl.DataFrame:
    """Return the texts of the customers' table that make groups, without personal data and those already taken.

    Returns
    -------
    polars.DataFrame
        customer, and a column for each; no rows without a customers' table.
    """
    told = chapter.particulars
    if told is None:
        return pl.DataFrame(schema={"customer": pl.String})
    told = told.drop(NOT_AT_FIRST, strict=False)
    names = [name for name, dtype in told.schema.items() if dtype == pl.String and name not in (KEY, *taken)]
    return told.select("customer", *(name for name in names if 2 <= told[name].drop_nulls().n_unique() <= MOST_VALUES))


def _cohorts(days: pl.Series) -> pl.Series:
    """Name the period of each first purchase: the shortest of which there are few enough."""
    for every in PERIODS:
        periods = days.dt.truncate(every)
        if periods.n_unique() <= MOST_PERIODS:
            break
    named = periods.dt.strftime(PERIODS[every])
    return named + periods.dt.quarter().cast(pl.String) if every == QUARTER else named


def _sizes(amounts: pl.Series, currency: str) -> pl.Series:
    """Name the quarter of all first purchases that each belongs to."""
    quantiles = (amounts.quantile(share) for share in (0.25, 0.5, 0.75))
    ends = sorted({float(f"{quantile:.3g}") for quantile in quantiles if quantile is not None})
    if not ends:
        return amounts.cast(pl.String)
    shown = [number(end) for end in ends]
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    names = [f"up to {currency} {shown[0]}", *between, f"over {currency} {shown[-1]}"]
    return pl.Series(names)[np.searchsorted(ends, amounts.to_numpy(), side="left")]


def _discounts(bought: pl.DataFrame, name: str) -> pl.Series:
    """Name whether there was a discount, and whether it was larger than half of those that were given."""
    share = pl.col(name)
    median = bought.select(share.filter(share > 0).median()).item()
    without = pl.when(share <= 0).then(pl.lit("none"))
    if median is None:
        return bought.select(without.alias(name))[:, 0]
    half = percent(median)
    named = (
        without.when(share <= median).then(pl.lit(f"up to {half}")).when(share > median).then(pl.lit(f"over {half}"))
    )
    return bought.select(named.alias(name))[:, 0]
