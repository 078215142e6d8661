"""Purchases as they were known on an earlier day, before returns that came later undid some of them."""

from __future__ import annotations

import datetime as dt

import polars as pl

from ..chapter import Chapter, up_to
from ..ledger.returns import NET, STOOD, net_of_returns


def purchases_as_known(chapter: Chapter, day: dt.date) -> pl.DataFrame:
    """Return what had been bought, and not returned yet, by a day.

    Parameters
    ----------
    chapter : Chapter
    day : date
        The last day known: neither purchases nor returns after it are looked at.

    Returns
    -------
    polars.DataFrame
        customer, date, amount, as `Chapter.purchases` has them on the last day observed.
    """
    if day >= chapter.as_of:
        return chapter.purchases
    rows = net_of_returns(up_to(chapter.ledger, day).drop(NET))
    return rows.filter(STOOD).select("customer", pl.col("date").dt.date(), pl.col(NET).alias("amount"))


def purchases_for_test(chapter: Chapter, cut: dt.date) -> pl.DataFrame:
    """Return the purchases that a forecast made on an earlier day is fitted to and tested on.

    Parameters
    ----------
    chapter : Chapter
    cut : date
        The day of the forecast.

    Returns
    -------
    polars.DataFrame
        customer, date, amount: up to `cut` as they were known then (see `purchases_as_known`), after it as they are
        known on the last day observed.
    """
    return pl.concat([purchases_as_known(chapter, cut), chapter.purchases.filter(pl.col("date") > cut)])
