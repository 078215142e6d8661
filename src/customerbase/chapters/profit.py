"""What each customer leaves, from a chapter's ledger: several chapters rest on it."""

from __future__ import annotations

import datetime as dt
from math import nan

import polars as pl

from models import profitability
from models.exact import EXACT, exact_sum

from ..chapter import Chapter
from ..wording import day, plural

CONTACT = "contact"  # the kind of event that costs `contact_cost`; see `customerbase.ledger.words`

NO_PROFIT = (
    "What customers leave can't be said: the ledger has no cost, and no margin is given. Name the ledger's column "
    "under ledger.columns.cost, or set margin."
)


def ledger_lines(chapter: Chapter, first: dt.date | None = None, last: dt.date | None = None) -> pl.DataFrame:
    """Return the ledger's rows of some days with the profit each brought, before cost to serve.

    Parameters
    ----------
    chapter : Chapter
    first, last : datetime.date, optional
        The days, both inclusive. By default up to `as_of`, and from `lookback_days` before, or else from the first.

    Returns
    -------
    polars.DataFrame
        The ledger's columns and profit; see `models.profitability.with_profit`.
    """
    # a row without a cost takes the share of the whole ledger, so that its profit doesn't depend on the days asked for
    rows = profitability.with_profit(chapter.ledger, chapter.parameters.margin)
    return _within(chapter, rows, first, last)


def customer_profit(chapter: Chapter, first: dt.date | None = None, last: dt.date | None = None) -> pl.DataFrame:
    """Return what each customer left over some days; see `models.profitability.customer_profit`.

    Parameters
    ----------
    chapter : Chapter
    first, last : datetime.date, optional
        The days, both inclusive. By default up to `as_of`, and from `lookback_days` before, or else from the first.

    Returns
    -------
    polars.DataFrame
        One row for each customer with a row in the ledger, or a contact, in these days: customer, revenue, gross,
        discount, returned, cost, purchases, cost_to_serve, profit.
    """
    given = chapter.parameters
    return profitability.customer_profit(
        ledger_lines(chapter, first, last),
        order_cost=given.order_cost,
        contacts=contacts(chapter, first, last),
        contact_cost=given.contact_cost,
    )


def customer_revenue(chapter: Chapter, first: dt.date | None = None, last: dt.date | None = None) -> pl.DataFrame:
    """Return customer and revenue, the sum of amounts, of some days, as `customer_profit` has them; sorted."""
    rows = _within(chapter, chapter.ledger, first, last)
    return rows.lazy().group_by("customer").agg(revenue=exact_sum("amount")).sort("customer").collect()


def contacts(chapter: Chapter, first: dt.date | None = None, last: dt.date | None = None) -> pl.DataFrame | None:
    """Return who of the ledger's customers was contacted over some days, a row a contact; None without events."""
    if chapter.events is None:
        return None
    made = chapter.events.filter(pl.col("kind") == CONTACT).join(chapter.ledger, on="customer", how="semi")
    return _within(chapter, made, first, last).select("customer")


def profit_known(chapter: Chapter) -> bool:
    """Return whether costs in the ledger, or a margin, tell what customers leave."""
    return chapter.parameters.margin is not None or costs_known(chapter)


def costs_known(chapter: Chapter) -> bool:
    """Return whether the ledger's own costs tell profit; a margin makes it the same share of everybody's revenue."""
    return profitability.cost_share(chapter.ledger) is not None


def discounts_known(chapter: Chapter) -> bool:
    """Return whether the ledger tells what was taken off."""
    return "discount" in chapter.ledger.columns and chapter.ledger["discount"].count() > 0


def serving_known(chapter: Chapter) -> bool:
    """Return whether something is known of what serving a customer costs."""
    given = chapter.parameters
    return given.order_cost is not None or (given.contact_cost is not None and chapter.events is not None)


def over(chapter: Chapter) -> str:
    """Say over which days revenue and profit are counted, in brackets after a blank."""
    return f" ({since(chapter)})"


def since(chapter: Chapter) -> str:
    """Say over which days revenue and profit are counted."""
    lookback = chapter.parameters.lookback_days
    return f"since {day(first_counted(chapter))}" if lookback is None else f"in the last {plural(lookback, 'day')}"


def first_counted(chapter: Chapter) -> dt.date:
    """Return the first of the days over which revenue and profit are counted."""
    lookback = chapter.parameters.lookback_days
    if lookback is not None:
        return chapter.as_of - dt.timedelta(days=lookback - 1)
    first: dt.date = chapter.ledger.select(pl.col("date").min().dt.date()).item()
    return first


def total(amounts: pl.Series) -> float:
    """Return a sum; NaN where one of its parts isn't known."""
    return nan if amounts.null_count() else float(amounts.cast(EXACT).sum() or 0)


def share(part: float, whole: float) -> float:
    """Return a part's share of a whole; NaN where either isn't known, or the whole isn't above zero."""
    return part / whole if whole > 0 else nan


def _within(chapter: Chapter, rows: pl.DataFrame, first: dt.date | None, last: dt.date | None) -> pl.DataFrame:
    last = last or chapter.as_of
    lookback = chapter.parameters.lookback_days
    if first is None and lookback is not None:
        first = last - dt.timedelta(days=lookback - 1)
    on = pl.col("date").dt.date()
    rows = rows.filter(on <= last)
    return rows if first is None else rows.filter(on >= first)
