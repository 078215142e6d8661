"""The periods that the lenses of `02_portrait` look at, and what each customer did in one."""

from __future__ import annotations

import datetime as dt

import polars as pl

from models import customer_base_audit as audit
from models import periods
from models.periods import Period

from ...chapter import Chapter
from ...wording import day
from ..profit import customer_profit


def latest_period(chapter: Chapter) -> Period:
    """Return the last year, or as many days as `lookback_days` says; all there are of a shorter ledger."""
    return periods.latest_period(chapter.first_day, chapter.as_of, length(chapter))


def customers_of(chapter: Chapter, days: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Add up what each customer did within a period, less what serving cost where it is given."""
    served = None
    if chapter.parameters.order_cost or chapter.parameters.contact_cost:
        served = customer_profit(chapter, period.first, period.last)
    return audit.customers_of_period(days, period, served)


def first_purchase_day(days: pl.DataFrame) -> dt.date:
    """Return the day of the first purchase that stood; see `customerbase.chapters.portrait.lenses.customer_days`."""
    first: dt.date = days["first_day"].min()  # type: ignore[assignment]
    return first


def length(chapter: Chapter) -> int:
    """Return the days of a period: `lookback_days`, or a year."""
    return chapter.parameters.lookback_days or periods.YEAR_DAYS


def span(period: Period) -> str:
    """Return a period as 1 July 1997 to 30 June 1998, or as the one day it is."""
    return f"{day(period.first)} to {day(period.last)}" if period.days > 1 else day(period.first)


def during(period: Period) -> str:
    """Return when something was, short where the period is a year."""
    return f"in the year to {day(period.last)}" if period.days == periods.YEAR_DAYS else f"from {span(period)}"
