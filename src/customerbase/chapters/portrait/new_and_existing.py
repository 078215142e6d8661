"""New customers against existing ones in `02_portrait`: how many they are and what they bring, by year."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl

from models.acquisition_cost import acquisition_cost, new_and_existing, years_back

from ...chapter import Chapter
from ...errors import CannotSay
from ...ledger.returns import STOOD
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, count, day, if_known, money, number, percent, plural
from ..closed_base import closed_base
from ..first_line import first_line


@says_why_not
def newcomers(chapter: Chapter) -> pd.DataFrame:
    """Return new and existing customers of the last years, their revenue, and what each kind costs.

    Returns
    -------
    pandas.DataFrame
        As `models.acquisition_cost.acquisition_cost` returns it; its columns of spending are missing where no
        spending is recorded. To a ledger of no more than a year everybody is new, so of one nothing can be said.
    """
    lines = chapter.ledger.select("customer", pl.col("date").dt.date(), "amount", bought=STOOD)
    years = years_back(first_line(chapter), chapter.as_of)
    if len(years) < 2:
        raise CannotSay(
            f"The ledger begins on {day(first_line(chapter))}, no more than a year before {day(chapter.as_of)}: "
            "everyone is new to it, so new customers can't be told from existing ones."
        )
    counts = new_and_existing(lines, years)
    if counts.filter(pl.col("new") + pl.col("existing") > 0).is_empty():
        raise CannotSay("No purchase of the last years stood, so there are no customers to set side by side.")
    if chapter.spending is not None:
        counts = acquisition_cost(counts, chapter.spending.with_columns(pl.col("date").dt.date()))
    return counts.to_pandas()


def newcomer_table(chapter: Chapter, years: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show new customers against existing ones, the latest year first.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(years, Unsaid):
        return None
    currency = chapter.parameters.currency
    revenue = years["revenue_new"].add(years["revenue_existing"])
    labels = span_labels(years, first_day=first_line(chapter))
    measures = ("mean", "median", "below_mean")
    kinds = [
        pd.DataFrame(
            {
                "label": labels if kind == "new" else "",
                "kind": kind,
                "customers": years[kind],
                "revenue": years[f"revenue_{kind}"],
                "share": (years[f"revenue_{kind}"] / revenue).where(revenue > 0),
                **{name: years[f"{name}_{kind}"] for name in measures},
            }
        )
        for kind in ("new", "existing")
    ]
    frame = pd.concat(kinds).sort_index(ascending=False, kind="stable")
    columns: Columns = {
        "label": ("year", str),
        "kind": ("customers", str),
        "customers": ("who bought", count),
        "revenue": (f"revenue ({currency})", count),
        "share": ("share of revenue", percent),
        "mean": (f"each brought, mean ({currency})", if_known(number, DASH)),
        "median": (f"median ({currency})", if_known(number, DASH)),
        "below_mean": ("below the mean", if_known(percent, DASH)),
    }
    return show_table(frame, "New customers against existing ones, by year", columns)


def span_labels(years: pd.DataFrame, first_day: dt.date | None) -> list[str]:
    """Name spans by their days; in the one with which the ledger begins everybody is new to it."""
    return [
        f"{first} to {last}{' (the ledger begins: everyone is new to it)' if first_day and first <= first_day else ''}"
        for first, last in zip(years["first"].dt.date, years["last"].dt.date, strict=True)
    ]


def state_findings(chapter: Chapter, years: pd.DataFrame | Unsaid) -> None:
    """State what new and existing customers brought in the last year."""
    if isinstance(years, Unsaid):
        chapter.state("new_against_existing", years.reason, verdict="unknown")
        return
    last = years.iloc[-1]
    currency, revenue = chapter.parameters.currency, last["revenue_new"] + last["revenue_existing"]
    new, existing = (money(last[f"revenue_{kind}"], currency) for kind in ("new", "existing"))
    customers = plural(last["existing"], "existing customer")
    closed = closed_base(chapter).closed
    nobody = "The ledger holds nobody won in the last year" if closed else "In the last year nobody new was won"
    statement = (
        f"In the last year {plural(last['new'], 'new customer')} brought {new} and {customers} {existing}"
        if last["new"]
        else f"{nobody}; {customers} brought {existing}"
    )
    share = last["revenue_new"] / revenue if revenue > 0 else None
    if share is not None and last["new"]:
        statement += f": new customers bring {percent(share)} of revenue, their later purchases included"
    chapter.state("new_against_existing", f"{statement}.", value=share, unit="share of revenue")
