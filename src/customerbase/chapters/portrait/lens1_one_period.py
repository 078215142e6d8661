"""Lens 1 in `02_portrait`: how different the customers of the latest period are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models import customer_base_audit as audit
from models import lens1_one_period as lens
from models.concentration import lorenz, top_share
from models.mean_and_median import spread
from models.periods import Period
from models.profit_factors import Split, split

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, NOT_RECORDED, count, if_known, money, number, percent, plural
from .lens_periods import customers_of, during, latest_period, span
from .lens_words import factors_in_words, in_words

FEWEST_FOR_DECILES = 10
SMALL_NUMBER = 10  # of customers, where half a one matters
TOPS = (0.01, 0.05, 0.1, 0.2, 0.5)
HALF = 0.5  # of revenue: from there on the top tenth is a dependency to watch


@dataclass(frozen=True)
class OnePeriod:
    """What lens 1 sees.

    Attributes
    ----------
    period : Period
    customers : polars.DataFrame
        See `models.customer_base_audit.customers_of_period`.
    split : Split
    """

    period: Period
    customers: pl.DataFrame
    split: Split

    @property
    def revenue(self) -> pd.Series:
        """Of each customer who bought, after returns."""
        bought = audit.buyers(self.customers)
        return pd.Series(bought["revenue"].to_numpy(), index=bought["customer"].to_list(), name="revenue")

    @property
    def profit(self) -> np.ndarray | None:
        """Of each customer who bought; None where it isn't known, or says no more than revenue does."""
        bought = audit.buyers(self.customers)
        profit = bought["profit"]
        if profit.null_count() or np.allclose(profit, bought["revenue"] * self.split.margin, atol=0.005):
            return None
        return profit.to_numpy()


@says_why_not
def one_period(chapter: Chapter, days: pl.DataFrame) -> OnePeriod:
    """Look at the last year, or at as many days as `lookback_days` says; at the whole ledger where it is shorter."""
    period = latest_period(chapter)
    customers = customers_of(chapter, days, period)
    if audit.buyers(customers).is_empty():
        raise CannotSay(f"Nobody bought anything {during(period)}.")
    return OnePeriod(period, customers, split(customers))


@says_why_not
def split_table(chapter: Chapter, one: OnePeriod) -> ShownTable:
    """Show the period's revenue and profit as a product, and the customer in the middle beside its means."""
    steps = factors_in_words(chapter, one.split)
    signs = ("", "×", "×", "=", "×", "=")
    frame = pd.DataFrame({"sign": signs, "what": steps.keys(), "how_much": steps.values()})
    frame["what"] = (frame["sign"] + " " + frame["what"]).str.strip()
    typical = lens.typical_factors(one.customers, one.split)
    times, value = typical["median"]
    frame["median"] = ["", number(times), money(value, chapter.parameters.currency), "", "", ""]
    frame["below"] = ["", *map(percent, typical["below_mean"]), "", "", ""]
    caption = f"What was bought, as a product, {span(one.period)}"
    columns: Columns = {
        "what": ("", str),
        "how_much": ("in this period", str),
        "median": ("the median customer", str),
        "below": ("customers below the mean", str),
    }
    return show_table(frame, caption, columns)


@says_why_not
def spread_table(chapter: Chapter, one: OnePeriod) -> ShownTable:
    """Show the mean of every measure beside its median."""
    frame = in_words(chapter, audit.describe(one.customers))
    columns: Columns = {
        "measure": ("", str),
        "mean": ("mean", str),
        "median": ("median", str),
        "below_mean": ("below the mean", percent),
        "tenth": ("a tenth has less than", str),
        "ninetieth": ("a tenth has more than", str),
    }
    return show_table(frame, f"Customers who bought, {span(one.period)}", columns)


@says_why_not
def concentration(one: OnePeriod) -> pd.DataFrame:
    """Return the Lorenz curve of the period's revenue over the customers who bought."""
    revenue = one.revenue
    if len(revenue) < 2 or revenue.sum() <= 0:
        raise CannotSay("Concentration of revenue needs at least two customers and revenue above zero.")
    return lorenz(revenue)


@says_why_not
def concentration_table(chapter: Chapter, one: OnePeriod, curve: pd.DataFrame) -> ShownTable:
    """Show what the best customers bring, from the top hundredth to the top half, where there is a Lorenz curve.

    Tops of less than one customer are left out.
    """
    revenue = one.revenue
    tops = [top for top in TOPS if top * len(revenue) >= 1]
    frame = pd.DataFrame({"top": tops, "share": [top_share(revenue, top) for top in tops]})
    frame["customers"] = (frame["top"] * len(revenue)).round(9)
    frame["revenue"] = frame["share"] * revenue.sum()
    columns: Columns = {
        "top": ("the best", percent),
        "customers": ("customers", _count_of_few),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "share": ("share of revenue", percent),
    }
    return show_table(frame, f"What the best customers brought, {span(one.period)}", columns)


@says_why_not
def decile_table(chapter: Chapter, one: OnePeriod) -> ShownTable:
    """Show what tenths of the customers bring, the tenth with the most revenue first."""
    bought = audit.buyers(one.customers).height
    if bought < FEWEST_FOR_DECILES:
        raise CannotSay(f"Tenths of the customers can be compared from {FEWEST_FOR_DECILES} up; {bought} bought here.")
    frame = lens.deciles(one.customers)
    frame["decile"] = [str(place) if place else "bought nothing" for place in frame["decile"]]
    known = frame["profit"].notna().all()
    currency = chapter.parameters.currency
    columns: Columns = {
        "decile": ("tenth", str),
        "customers": ("customers", count),
        "revenue": (f"revenue ({currency})", count),
        "share_of_revenue": ("share of revenue", if_known(percent, DASH)),
        **({"share_of_profit": ("share of profit", if_known(percent, DASH))} if known else {}),
        **({"margin": ("margin", if_known(percent, DASH))} if known else {}),
    }
    profit = "" if known else f"; profit is {NOT_RECORDED}"
    return show_table(frame, f"Tenths of the customers by revenue, {span(one.period)}{profit}", columns)


def decile_spread_table(chapter: Chapter, one: OnePeriod | Unsaid) -> ShownTable | None:
    """Show how customers of each tenth buy, the mean beside the median; None where `decile_table` says why not."""
    if isinstance(one, Unsaid) or audit.buyers(one.customers).height < FEWEST_FOR_DECILES:
        return None
    columns: Columns = {
        "decile": ("tenth", str),
        "purchases_mean": ("purchases each, mean", number),
        "purchases_median": ("median", number),
        "purchases_below_mean": ("below the mean", percent),
        "value_mean": (f"a customer's value of a purchase, mean ({chapter.parameters.currency})", number),
        "value_median": ("median", number),
        "value_below_mean": ("below the mean", percent),
    }
    caption = f"How the customers of each tenth buy, {span(one.period)}"
    return show_table(lens.decile_spread(one.customers), caption, columns)


def state_findings(chapter: Chapter, one: OnePeriod | Unsaid) -> None:
    """State what the best tenth of customers brings."""
    if isinstance(one, Unsaid):
        chapter.state("top_tenth", one.reason, verdict="unknown")
        return
    revenue, currency = one.revenue, chapter.parameters.currency
    if isinstance(curve := concentration(one), Unsaid):
        chapter.state("top_tenth", curve.reason, verdict="unknown")
        return
    if len(revenue) < FEWEST_FOR_DECILES:
        chapter.state(
            "top_tenth",
            f"{plural(len(revenue), 'customer')} bought {during(one.period)}: what the best tenth brings can be said "
            f"from {FEWEST_FOR_DECILES} up.",
            verdict="unknown",
        )
        return
    typical = spread(revenue.to_numpy())
    share = top_share(revenue)
    brought = f"{percent(share)} of revenue"
    profit = one.profit
    if profit is not None and profit.sum() > 0:
        brought += f", and the tenth with the most profit {percent(top_share(profit))} of profit"
    chapter.state(
        "top_tenth",
        f"{plural(len(revenue), 'customer')} bought {during(one.period)}. The typical one spent "
        f"{money(typical['median'], currency)} (median); the mean is {money(typical['mean'], currency)}, and "
        f"{percent(typical['below_mean'])} lie below it: the best tenth of customers brings {brought}.",
        value=share,
        unit="share of revenue",
        verdict="watch" if share >= HALF else "note",
        question="who",
    )


def _count_of_few(customers: float) -> str:
    """Return a number of customers, with its fraction where they are few: a tenth of 17 is 1.70."""
    return number(customers) if customers < SMALL_NUMBER and customers != round(customers) else count(customers)
