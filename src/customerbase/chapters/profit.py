"""What each customer leaves, from a chapter's ledger: several chapters rest on it."""

from __future__ import annotations

import datetime as dt
from math import nan

import polars as pl

from models import profitability

from ..chapter import Chapter
from ..wording import plural

#: Kinds of event that are a contact, and so cost `contact_cost` each; in lower case.
CONTACTS = (
    *("contact", "call", "phone call", "meeting", "visit", "letter", "mail", "mailing", "e-mail", "email", "message"),
    *("контакт", "звонок", "встреча", "визит", "письмо", "рассылка", "сообщение", "переговоры"),
    *("kontakt", "anruf", "besuch", "treffen", "brief", "appel", "visite", "réunion", "courrier"),
    *("contacto", "llamada", "visita", "reunión", "carta", "contatto", "telefonata", "lettera", "rozmowa", "wizyta"),
)

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
    exact = pl.col("amount").cast(profitability.EXACT).sum().cast(pl.Float64)
    rows = _within(chapter, chapter.ledger, first, last)
    return rows.lazy().group_by("customer").agg(revenue=exact).sort("customer").collect()


def contacts(chapter: Chapter, first: dt.date | None = None, last: dt.date | None = None) -> pl.DataFrame | None:
    """Return who of the ledger's customers was contacted over some days, a row a contact; None without events."""
    if chapter.events is None:
        return None
    is_contact = pl.col("kind").str.strip_chars().str.to_lowercase().is_in(CONTACTS)
    made = chapter.events.filter(is_contact).join(chapter.ledger, on="customer", how="semi")
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
    """Say over which days revenue and profit are counted, where it isn't the whole ledger."""
    lookback = chapter.parameters.lookback_days
    return "" if lookback is None else f" (in the last {plural(lookback, 'day')})"


def total(amounts: pl.Series) -> float:
    """Return a sum; NaN where one of its parts isn't known."""
    return nan if amounts.null_count() else float(amounts.cast(profitability.EXACT).sum() or 0)


def share(part: float, whole: float) -> float:
    """Return a part's share of a whole; NaN where either isn't known, or the whole isn't above zero."""
    return part / whole if whole > 0 else nan


def _within(chapter: Chapter, rows: pl.DataFrame, first: dt.date | None, last: dt.date | None) -> pl.DataFrame:
    last = last or chapter.as_of
    lookback = chapter.parameters.lookback_days
    if first is None and lookback is not None:
        first = last - dt.timedelta(days=lookback - 1)
    day = pl.col("date").dt.date()
    rows = rows.filter(day <= last)
    return rows if first is None else rows.filter(day >= first)
