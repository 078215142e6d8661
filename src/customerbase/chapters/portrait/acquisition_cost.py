"""What winning a customer costs against keeping one, in `02_portrait`."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl

from models.exact import exact_sum

from ...chapter import Chapter
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid
from ...wording import DASH, count, day, if_known, money, number, percent
from ..profit import profit_known
from .new_and_existing import span_labels

NO_SPENDING = (
    "What winning and keeping customers costs is not recorded for the last year: a table of spending with date, "
    "purpose (such as acquisition or retention) and amount tells it."
)


def cost_table(chapter: Chapter, years: pd.DataFrame | Unsaid) -> ShownTable | Unsaid | None:
    """Show what winning a customer costs against keeping one, the latest year first.

    Nothing is shown where the figure of new customers has said why not.
    """
    if isinstance(years, Unsaid):
        return None
    if "cost_of_winning" not in years.columns or years["spent_winning"].isna().all():
        return Unsaid(_no_spending(chapter))
    currency = chapter.parameters.currency
    frame = years.assign(label=span_labels(years, first_day=None))
    columns: Columns = {
        "label": ("year", str),
        "spent_winning": (f"spent on winning ({currency})", count),
        "spent_keeping": (f"spent on keeping ({currency})", count),
        "cost_of_winning": (f"winning one ({currency})", if_known(number, DASH)),
        "cost_of_keeping": (f"keeping one ({currency})", if_known(number, DASH)),
        "share_of_budget": ("winning's share of the budget", if_known(percent, DASH)),
        "share_of_revenue": ("share of new in revenue", if_known(percent, DASH)),
    }
    first, last, recorded = _spending_recorded(chapter)
    caption = f"Spending on customers, recorded from {day(first)} to {day(last)}"
    other, begins = years["spent_otherwise"].sum(), years["first"].min().date()
    if other > 0:
        caption += f"; {money(other, currency)} more was spent on purposes that name neither winning nor keeping"
    before = recorded.filter(pl.col("date").dt.date() < begins).select(exact_sum("amount")).item()
    if before > 0:
        caption += f"; {money(before, currency)} was spent before {day(begins)} and is in none of these years"
    return show_table(frame.iloc[::-1], caption, columns)


def _spending_recorded(chapter: Chapter) -> tuple[dt.date, dt.date, pl.DataFrame]:
    """Return the first and the last day of recorded spending, and its rows."""
    rows: pl.DataFrame = chapter.spending  # type: ignore[assignment]
    return rows["date"].min(), rows["date"].max(), rows  # type: ignore[return-value]


def _no_spending(chapter: Chapter) -> str:
    """Say why what winning a customer cost in the last year isn't known."""
    if chapter.spending is None or chapter.spending.is_empty():
        return NO_SPENDING
    first, last, _ = _spending_recorded(chapter)
    return (
        f"What winning and keeping customers cost in the last year is not recorded: the table of spending goes from "
        f"{day(first)} to {day(last)}. Add the spending since then."
    )


def state_findings(chapter: Chapter, years: pd.DataFrame | Unsaid, factors: pd.DataFrame | Unsaid) -> None:
    """State what winning a customer cost in the last year, and whether a lifetime brings more."""
    if isinstance(years, Unsaid):
        reason = NO_SPENDING if chapter.spending is None else years.reason
        chapter.state("cost_of_winning", reason, verdict="unknown")
        return
    if "cost_of_winning" not in years.columns or np.isnan(years["spent_winning"].iloc[-1]):
        chapter.state("cost_of_winning", _no_spending(chapter), verdict="unknown")
        return
    currency, last = chapter.parameters.currency, years.iloc[-1]
    winning, keeping = last["cost_of_winning"], last["cost_of_keeping"]
    if np.isnan(winning):
        spent = money(last["spent_winning"], currency)
        statement = f"In the last year {spent} went into winning customers, and nobody was won."
        chapter.state("cost_of_winning", statement, verdict="act" if last["spent_winning"] > 0 else "note")
        return
    statement = f"In the last year winning a customer cost {money(winning, currency)}"
    if np.isfinite(keeping):
        statement += f", keeping one {money(keeping, currency)}"
    if np.isfinite(last["share_of_budget"]) and np.isfinite(last["share_of_revenue"]):
        statement += (
            f"; winning took {percent(last['share_of_budget'])} of the budget, and new customers brought "
            f"{percent(last['share_of_revenue'])} of revenue"
        )
    verdict: Verdict = "note"
    if profit_known(chapter) and not isinstance(factors, Unsaid) and np.isfinite(factors["value"].iloc[0]):
        lifetime = factors["value"].iloc[0]
        verdict = "good" if lifetime > winning else "act"
        statement += f". Over a lifetime the mean customer brings {money(lifetime, currency)} of profit"
    chapter.state("cost_of_winning", f"{statement}.", value=winning, unit=currency, verdict=verdict)
