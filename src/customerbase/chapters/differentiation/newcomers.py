"""Steps of `06_differentiation`: customers on the day of their first purchase, and who of them became good."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.association import filled_in_with_success
from models.first_purchase import FirstPurchases, first_days, first_purchases
from models.good_customers import FEWEST_CUSTOMERS, FEWEST_OF_EACH, GoodCustomers, good_customers, later_value
from models.profitability import with_profit

from ...chapter import Chapter
from ...errors import CannotSay
from ...ledger.returns import NET, net_of_returns
from ...unsaid import says_why_not
from ...wording import count, money, percent, plural
from .. import profit
from ..left_cut import left_cut, what_it_means
from ..retention.first_purchase_groups import NOT_AT_FIRST

LOOKED_AT = 50_000  # customers; of more a random sample


@dataclass(frozen=True)
class Newcomers:
    """Customers as they were on the day of their first purchase, and who became good.

    Attributes
    ----------
    first : FirstPurchases
    good : GoodCustomers
        Of those watched for long enough.
    customers : int
        All that could be looked at; `first` may hold a random sample of them.
    """

    first: FirstPurchases
    good: GoodCustomers
    customers: int


@says_why_not
def newcomers(chapter: Chapter) -> Newcomers:
    """Look at customers on the day of their first purchase, and at what they brought afterwards."""
    given = chapter.parameters
    days = _begun(chapter)
    customers = days.height
    if customers > LOOKED_AT:
        chosen = np.random.default_rng(given.seed).choice(customers, LOOKED_AT, replace=False)
        days = days[np.sort(chosen)]
    watched_days = given.good_customer_days
    value = later_value(_valued(chapter, days), days, watched_days=watched_days, as_of=chapter.as_of)
    good = good_customers(value, given.good_customer_share)
    if not good.enough:
        raise CannotSay(_too_few(chapter, good))
    learned_to = chapter.as_of - dt.timedelta(days=watched_days)
    lines = chapter.ledger
    first = first_purchases(lines, days, learned_to=learned_to, particulars=_particulars(chapter))
    late = filled_in_with_success(first, good.good)
    first = first.without(late, "filled in more or less often of those who became good, so partly later")
    return Newcomers(first, good, customers)


def _begun(chapter: Chapter) -> pl.DataFrame:
    """Return whose first purchase is a real one, by the first sale: what was returned later was a purchase that day."""
    found = left_cut(chapter)
    days = first_days(chapter.ledger, chapter.as_of)
    if not found.cut:
        return days
    return days.clear() if found.new_from is None else days.filter(pl.col("first_day") >= found.new_from)


def _valued(chapter: Chapter, days: pl.DataFrame) -> pl.DataFrame:
    """Return what each row brought that was kept at the end of the days watched.

    A return that undoes the first purchase so takes nothing from what was bought later; one that undoes no purchase of
    the ledger counts on its own day.
    """
    rows = chapter.ledger.drop(NET)
    value = pl.col(NET)
    if profit.costs_known(chapter):
        rows = with_profit(rows, chapter.parameters.margin)
        kept = pl.when(pl.col("amount") == 0).then(1.0).otherwise(pl.col(NET) / pl.col("amount"))
        value = pl.col("profit") * kept
    reach = pl.duration(days=chapter.parameters.good_customer_days)
    rows = rows.join(days, on="customer", maintain_order="left")
    rows = rows.filter(pl.col("date").dt.date() <= pl.col("first_day") + reach).drop("first_day")
    return net_of_returns(rows).with_columns(value=value)


def _particulars(chapter: Chapter) -> pl.DataFrame | None:
    if chapter.particulars is None:
        return None
    return chapter.particulars.drop(NOT_AT_FIRST, strict=False)


def _too_few(chapter: Chapter, good: GoodCustomers) -> str:
    given = chapter.parameters
    cut = what_it_means(chapter, "ideal_customer")
    seen = plural(len(good.good), "customer")
    said = (
        f"Which first purchases foretell a good customer can't be said: {seen} with a known first purchase "
        f"{'has' if len(good.good) == 1 else 'have'} been watched for {plural(given.good_customer_days, 'day')} "
        f"afterwards, and {count(int(good.good.sum()))} of them brought enough to be called good. It takes "
        f"{FEWEST_CUSTOMERS} customers, and {FEWEST_OF_EACH} of each kind."
    )
    return said if cut is None else f"{said} {cut}"


def good_means(chapter: Chapter, known: Newcomers) -> str:
    """Say who is called good."""
    given = chapter.parameters
    most = "brought most profit" if profit.costs_known(chapter) else "spent most"
    return (
        f"the {percent(known.good.good.mean())} who {most} in the {plural(given.good_customer_days, 'day')} after "
        f"their first, {money(known.good.limit, given.currency)} or more"
    )
