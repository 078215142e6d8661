"""The central file: everything the suite knows of each customer, one row each, as the playbook's rules ask for it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import polars.selectors as cs

from models.exact import EXACT, exact_sum
from models.key_accounts import against_own_rhythm
from models.ladder import RUNGS
from models.playbook_columns import COLUMNS, DTYPES
from models.rfm import DAYS_PER_UNIT

from ..chapter import Chapter
from ..unsaid import Unsaid
from .key_accounts import key_account_standing, key_accounts
from .profit import customer_profit

YEAR = 365
LONGEST_WAIT = 3_650  # days: a purchase that is due later has no date worth noting down
FLAGS = ("reputation", "innovator", "demanding")
COUNTS = ("purchases", "days_since_last", "days_to_due")
NEVER_RECORDED = "not recorded"
#: Particulars that go into tables as they are; whatever else somebody records may be personal.
IMPERSONAL = ("kind", "channel", "city", "volume_discount", "share_of_wallet", "exclusive", "updated")


def facts(chapter: Chapter) -> pl.DataFrame:
    """Return what is known of every customer of the ledger.

    Returns
    -------
    polars.DataFrame
        Sorted by customer: the columns of lifetime_value, abc_xyz, ladder, segments, and key_accounts (key_account
        tells who is one), every column of `models.playbook_columns.COLUMNS`, and due, the day on which the next
        purchase is due. What isn't recorded is null. Of the scores of reputation, innovator and demanding stays
        whether they count for a key account.
    """
    frame = _joined(chapter)
    frame = frame.with_columns(_derived(chapter, frame))
    missing = [name for name in COLUMNS if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, DTYPES[COLUMNS[name].kind]).alias(name) for name in missing)
    typed = [pl.col(name).cast(pl.Int64 if name in COUNTS else DTYPES[column.kind]) for name, column in COLUMNS.items()]
    return frame.with_columns(typed).select("customer", *COLUMNS, pl.exclude("customer", *COLUMNS))


def _joined(chapter: Chapter) -> pl.DataFrame:
    values = chapter.table("lifetime_value")
    frame = key_account_standing.standing(chapter).customers.select(
        "customer", "share", "dependency", "manager", "department"
    )
    parts = [
        _finite(_known(values)),
        _known(chapter.table("abc_xyz")),
        _known(chapter.table("ladder")),
        _known(chapter.table("segments")),
        _key_accounts(chapter),
        _bought(chapter),
        _last_two_years(chapter),
        _served(chapter),
        _rhythm(chapter, values),
        _most_bought(chapter),
        _recorded(chapter),
    ]
    for part in parts:
        frame = frame.join(part, on="customer", how="left")
    return frame.sort("customer")


def _known(table: pd.DataFrame) -> pl.DataFrame:
    frame = pl.from_pandas(table, nan_to_null=True)
    # a column of which nothing is known comes without a kind
    return frame.with_columns(pl.col(pl.Null).cast(pl.String)).with_columns(pl.col("customer").cast(pl.String))


def _finite(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.when(cs.float().is_finite()).then(cs.float()))


def _key_accounts(chapter: Chapter) -> pl.DataFrame:
    table = _known(chapter.table("key_accounts"))
    return table.select("customer", "criteria", pl.lit(True).alias("key_account"))


def _bought(chapter: Chapter) -> pl.DataFrame:
    day = pl.col("date")
    return chapter.purchases.group_by("customer").agg(
        day.n_unique().cast(pl.Int64).alias("purchases"),
        day.min().alias("first_purchase"),
        day.max().alias("last_purchase"),
    )


def _last_two_years(chapter: Chapter) -> pl.DataFrame:
    """Return each customer's revenue of the last year, and of the year before."""
    day, amount = pl.col("date").dt.date(), pl.col("amount").cast(EXACT)
    last = day > chapter.as_of - dt.timedelta(days=YEAR)
    before = ~last & (day > chapter.as_of - dt.timedelta(days=2 * YEAR))
    return chapter.ledger.group_by("customer").agg(
        amount.filter(last).sum().cast(pl.Float64).alias("revenue_last_year"),
        amount.filter(before).sum().cast(pl.Float64).alias("revenue_year_before"),
    )


def _served(chapter: Chapter) -> pl.DataFrame:
    """Return what serving took, and what was given away."""
    before_serving = pl.col("profit") + pl.col("cost_to_serve")
    is_set = chapter.parameters.order_cost is not None or chapter.parameters.contact_cost is not None
    discounts = "discount" in chapter.ledger.columns
    return customer_profit(chapter).select(
        "customer",
        pl.when(is_set).then("cost_to_serve").alias("cost_to_serve"),
        pl.when(is_set & (before_serving > 0)).then(pl.col("cost_to_serve") / before_serving).alias("serving_share"),
        pl.when(discounts & (pl.col("gross") > 0)).then(pl.col("discount") / pl.col("gross")).alias("discount_share"),
    )


def _rhythm(chapter: Chapter, values: pd.DataFrame) -> pl.DataFrame:
    """Return who is silent against their own rhythm, and when the next purchase is due by it.

    It is due when, reckoned at the last purchase, the odds that it has come are even.
    """
    model = key_accounts.rhythm(values)
    histories = pl.from_pandas(values[["customer", "recency", "T"]])
    if isinstance(model, Unsaid):
        empty = {"silent": pl.Boolean, "days_to_due": pl.Int64, "due": pl.Date}
        return histories.select("customer", *(pl.lit(None, kind).alias(name) for name, kind in empty.items()))
    frequency, recency, age = (values[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    days = DAYS_PER_UNIT[chapter.parameters.time_unit]
    limit = np.asarray(model.overdue_after(frequency, recency, chapter.parameters.silence))
    silent = against_own_rhythm(histories, limit, days, chapter.as_of).select("customer", "silent")
    even_odds = np.asarray(model.overdue_after(frequency, recency, 0.5))
    ahead = pl.Series(np.ceil((even_odds - age) * days))
    to_due = pl.DataFrame({"customer": histories["customer"], "ahead": ahead}).select(
        "customer", pl.when(pl.col("ahead") <= LONGEST_WAIT).then("ahead").cast(pl.Int64).alias("days_to_due")
    )
    due = (pl.lit(chapter.as_of) + pl.duration(days="days_to_due")).cast(pl.Date).alias("due")
    return silent.join(to_due.with_columns(due), on="customer")


def _most_bought(chapter: Chapter) -> pl.DataFrame:
    """Return of which category, or else product, each customer bought for most."""
    sales = chapter.ledger.filter(pl.col("kind") == "sale")
    what = next((name for name in ("category", "product") if name in sales.columns), None)
    if what is None:
        return pl.DataFrame(schema={"customer": pl.String, "most_bought": pl.String})
    return (
        sales.filter(pl.col(what).is_not_null())
        .group_by("customer", what)
        .agg(exact_sum("amount"))
        .sort("customer", "amount", what, descending=[False, True, False])
        .group_by("customer", maintain_order=True)
        .agg(pl.col(what).first().cast(pl.String).alias("most_bought"))
    )


def _recorded(chapter: Chapter) -> pl.DataFrame:
    """Return what the customers' table says, without personal data."""
    if chapter.particulars is None:
        return pl.DataFrame(schema={"customer": pl.String, "may_contact": pl.String})
    told = chapter.particulars
    kept = [pl.col(name) for name in ("customer", *IMPERSONAL) if name in told.columns]
    score = chapter.parameters.key_account_score
    for name in (flag for flag in FLAGS if flag in told.columns):
        kept.append(pl.col(name) if told.schema[name] == pl.Boolean else (pl.col(name) >= score).alias(name))
    if "potential" in told.columns:
        yes_or_no = told.schema["potential"] == pl.Boolean
        kept.append(pl.col("potential").alias("has_potential") if yes_or_no else pl.col("potential"))
    consent = pl.col("consent") if "consent" in told.columns else pl.lit(None, pl.String)
    return told.select(*kept, consent.alias("may_contact"))


def _derived(chapter: Chapter, frame: pl.DataFrame) -> list[pl.Expr]:
    order = {rung: height for height, rung in enumerate(RUNGS)}
    now, then = (pl.col(name).replace_strict(order, default=None) for name in ("rung", "rung_a_year_ago"))
    moved = pl.when(now > then).then(pl.lit("up")).when(now < then).then(pl.lit("down"))
    two_years = pl.col("first_purchase") <= chapter.as_of - dt.timedelta(days=2 * YEAR)
    before, last = pl.col("revenue_year_before"), pl.col("revenue_last_year")
    return [
        pl.col("key_account").fill_null(False),
        pl.col("may_contact").fill_null(NEVER_RECORDED),
        pl.col("purchases").fill_null(0),
        (pl.lit(chapter.as_of) - pl.col("last_purchase")).dt.total_days().alias("days_since_last"),
        pl.when(two_years & (before > 0)).then(last / before - 1).alias("growth"),
        moved.when(now == then).then(pl.lit("same")).alias("rung_change"),
        key_accounts.value_if_alive(),
        _unused(frame, last).alias("unused_potential"),
    ]


def _unused(frame: pl.DataFrame, last_year: pl.Expr) -> pl.Expr:
    """Return what a customer buys elsewhere in a year: of the potential, else reckoned from the share of wallet."""
    known = [pl.col("potential") - last_year] if "potential" in frame.columns else []
    if "share_of_wallet" in frame.columns:
        share = pl.col("share_of_wallet")
        known.append(pl.when((share > 0) & (share <= 1)).then(last_year * (1 / share - 1)))
    return pl.coalesce(known).clip(lower_bound=0) if known else pl.lit(None, pl.Float64)
