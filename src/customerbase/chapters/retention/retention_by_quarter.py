"""The retention rate by quarter, in `05_retention`."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl

from models.retention_rate import retention_rate

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, plural
from ..closed_base import closed_base


@says_why_not
def rate_by_quarter(chapter: Chapter) -> pd.DataFrame:
    """Return the retention rate of each whole quarter that says something of keeping customers.

    Until `active_days` after the ledger's first day nobody can have fallen silent. Where the ledger follows only
    customers won up to some day, or nobody was won in all these quarters, those who bought once fall silent together,
    until `active_days` after the last was won; such a rate is that of how the ledger was drawn. Quarters that begin by
    then are left out.

    Returns
    -------
    pandas.DataFrame
        See `models.retention_rate.retention_rate`.
    """
    given = chapter.parameters
    terms = {"active_days": given.active_days, "interval": given.interval}
    rates = retention_rate(chapter.purchases, chapter.as_of, period="quarter", **terms)  # type: ignore[arg-type]
    rates = rates[rates["crr"].notna()]
    won_no_more = closed_base(chapter).closed or not rates["customers_new"].any()
    settled = _settled_from(chapter, won_no_more=won_no_more)
    rates = rates[rates["start"] >= pd.Timestamp(settled)].reset_index(drop=True)
    if rates.empty:
        raise CannotSay(
            f"A retention rate needs a whole quarter that begins with active customers on {day(settled)} or later: "
            f"before, those won at the ledger's beginning couldn't be silent for {plural(given.active_days, 'day')}."
        )
    return rates


def _settled_from(chapter: Chapter, *, won_no_more: bool) -> dt.date:
    first = chapter.purchases.group_by("customer").agg(pl.col("date").min())["date"].cast(pl.Date)
    begun = first.max() if won_no_more else first.min()
    # active at a quarter's start is active at the end of the day before
    return begun + dt.timedelta(days=chapter.parameters.active_days + 1)  # type: ignore[operator, return-value]


def rate_table(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the retention rate and what it is made of, in the figure's order.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(rates, Unsaid):
        return None
    ends = zip(rates["kept_rate"], rates["low"], rates["high"], strict=True)
    shown = rates.assign(stayed=[f"{rate:.0f} ({between(low, high)})" for rate, low, high in ends])
    columns: Columns = {
        "period": ("quarter", str),
        "customers_start": ("active at the start (S)", count),
        "lost": ("fell silent", count),
        "stayed": ("of S still active (%)", str),
        "reactivated": ("won back", count),
        "customers_new": ("new (N)", count),
        "customers_end": ("active at the end (E)", count),
        "crr": ("CRR (%)", count),
    }
    given = chapter.parameters
    caption = (
        f"Retention by quarter, with {100 * given.interval:.0f}% intervals; active: a purchase in the last "
        f"{given.active_days} days; CRR = (E − N) / S × 100"
    )
    return show_table(shown, caption, columns)


def state_rate(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> None:
    """State how many active customers fell silent in the last quarter, and how many came back."""
    if isinstance(rates, Unsaid):
        chapter.state("retention_rate", rates.reason, verdict="unknown", question="losing")
        return
    last = rates.iloc[-1]
    stayed = last["kept_rate"]
    chapter.state(
        "retention_rate",
        f"Of the customers active at the start of {last['period']} (a purchase in the last "
        f"{chapter.parameters.active_days} days) {stayed:.0f}% ({between(last['low'], last['high'])}%) were active at "
        f"its end: {count(last['lost'])} fell silent in the quarter, and {count(last['reactivated'])} who had been "
        f"silent came back. By the usual formula, which counts these, the retention rate (CRR) is {last['crr']:.0f}%.",
        value=stayed,
        low=last["low"],
        high=last["high"],
        unit="%",
        question="losing",
    )
