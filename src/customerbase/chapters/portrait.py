"""The steps of `02_portrait`: what the base is like today and where it is moving."""

from __future__ import annotations

import pandas as pd
import polars as pl

from models.new_and_repeat import activity_by_month

from ..chapter import Chapter
from ..findings import Findings, Verdict
from ..ledger.returns import NET
from ..shown_table import Columns, ShownTable, show_table
from ..wording import count, day, money, number, percent, plural
from . import dashboard, lenses
from .dashboard import Dashboard
from .lenses import Lenses

MONTHS_SHOWN = 18
MONTHS_WITHOUT_NEW = 2  # more of them are worth a word
LARGEST_WATCHED, LARGEST_DANGEROUS = 0.1, 0.3  # share of revenue that one customer brings
STEADY = 0.05  # revenue that moves by less is called steady
FALLING = -0.2  # revenue that falls by more calls for action


def revenue_by_customer(chapter: Chapter) -> pd.Series:
    """Return each customer's revenue, returns taken off."""
    totals = chapter.ledger.group_by("customer").agg(pl.col("amount").sum()).sort("customer")
    return pd.Series(totals["amount"].to_numpy(), index=totals["customer"].to_list(), name="revenue")


def by_month(chapter: Chapter) -> pd.DataFrame:
    """Return customers, purchases and revenue of each month, new apart from repeat; see `activity_by_month`."""
    months = activity_by_month(chapter.purchases, chapter.as_of)
    whole = months["month"] + pd.offsets.MonthEnd(0) <= pd.Timestamp(chapter.as_of)
    months["complete"] = whole & (months["month"] >= pd.Timestamp(chapter.first_day))
    return months


def at_a_glance(chapter: Chapter, revenue: pd.Series, months: pd.DataFrame) -> ShownTable:
    """Show the base's size, means beside medians."""
    customers, purchases = _totals(months)
    currency = chapter.parameters.currency
    facts = {
        "customers": count(customers),
        "purchases (days with a purchase)": count(purchases),
        f"revenue{_after_returns(chapter)}": money(revenue.sum(), currency),
        "purchases a customer, mean": number(purchases / customers),
        "revenue a customer, mean": money(revenue.mean(), currency),
        "revenue a customer, median": money(revenue.median(), currency),
        "customers below the mean": percent((revenue < revenue.mean()).mean()),
    }
    frame = pd.DataFrame({"what": facts.keys(), "how_much": facts.values()})
    caption = f"The base from {day(chapter.first_day)} to {day(chapter.as_of)}"
    return show_table(frame, caption, {"what": ("", str), "how_much": ("on this base", str)})


def month_table(chapter: Chapter, months: pd.DataFrame) -> ShownTable:
    """Show the last months, the newest first."""
    frame = months.tail(MONTHS_SHOWN).iloc[::-1].reset_index(drop=True)
    frame["label"] = frame["month"].dt.strftime("%Y-%m") + frame["complete"].map({True: "", False: " (in part)"})
    columns: Columns = {
        "label": ("month", str),
        "new_customers": ("new customers", count),
        "repeat_customers": ("repeat customers", count),
        "purchases_new": ("first purchases", count),
        "purchases_repeat": ("repeat purchases", count),
        "revenue_new": (f"{_gross(chapter)}, first ({chapter.parameters.currency})", count),
        "revenue_repeat": (f"{_gross(chapter)}, repeat ({chapter.parameters.currency})", count),
    }
    span = plural(len(frame), "month") if len(frame) > 1 else "month"
    return show_table(frame, f"New and repeat business, the last {span}", columns)


def findings(
    chapter: Chapter,
    revenue: pd.Series,
    months: pd.DataFrame,
    seen: Lenses,
    board: Dashboard,
) -> Findings:
    """State what the portrait shows.

    Parameters
    ----------
    chapter : Chapter
    revenue : pandas.Series
        See `revenue_by_customer`.
    months : pandas.DataFrame
        See `by_month`.
    seen : customerbase.chapters.lenses.Lenses
        What the five lenses saw.
    board : customerbase.chapters.dashboard.Dashboard
        What the practitioner's dashboard shows.
    """
    customers, purchases = _totals(months)
    chapter.state(
        "base_size",
        f"{plural(customers, 'customer')} bought {plural(purchases, 'time')} between {day(chapter.first_day)} and "
        f"{day(chapter.as_of)}, for {money(revenue.sum(), chapter.parameters.currency)}{_after_returns(chapter)}.",
        value=customers,
        unit="customers",
        question="who",
    )
    _state_largest(chapter, revenue)
    lenses.state_findings(chapter, seen)
    _state_repeat_share(chapter, months)
    _state_direction(chapter, months)
    dashboard.state_findings(chapter, board)
    return chapter.findings()


def _totals(months: pd.DataFrame) -> tuple[int, int]:
    """Return how many customers bought, and how many purchases they made."""
    purchases = months["purchases_new"].sum() + months["purchases_repeat"].sum()
    return int(months["new_customers"].sum()), int(purchases)


def _after_returns(chapter: Chapter) -> str:
    return " after returns" if (chapter.ledger["kind"] == "return").any() else ""


def _gross(chapter: Chapter) -> str:
    """Name what purchases brought: returns that undo no known purchase belong to none of them."""
    return "revenue of purchases" if (chapter.ledger[NET] < 0).any() else "revenue"


def _state_largest(chapter: Chapter, revenue: pd.Series) -> None:
    share = revenue.max() / revenue.sum() if revenue.sum() > 0 else 0.0
    if share >= LARGEST_WATCHED and len(revenue) > 1:
        chapter.state(
            "largest_customer",
            f"One customer, {revenue.idxmax()}, alone brings {percent(share)} of revenue.",
            value=share,
            unit="share of revenue",
            verdict="act" if share >= LARGEST_DANGEROUS else "watch",
        )


def _state_repeat_share(chapter: Chapter, months: pd.DataFrame) -> None:
    year = months.tail(12)
    total = (year["revenue_new"] + year["revenue_repeat"]).sum()
    if total <= 0:
        chapter.state(
            "repeat_share",
            "The last months brought no revenue to divide into new and repeat.",
            verdict="unknown",
        )
        return
    share = year["revenue_repeat"].sum() / total
    span = plural(len(year), "month") if len(year) > 1 else "month"
    statement = f"Repeat purchases brought {percent(share)} of {_gross(chapter)} in the last {span}"
    verdict: Verdict = "note"
    won_last = months.loc[months["new_customers"] > 0, "month"].iloc[-1]
    if (months["month"] > won_last).sum() > MONTHS_WITHOUT_NEW:
        statement += f"; the ledger shows nobody new since {won_last:%B %Y}, so the base it holds can only shrink"
        verdict = "watch"
    chapter.state("repeat_share", f"{statement}.", value=share, unit="share of revenue", verdict=verdict)


def _state_direction(chapter: Chapter, months: pd.DataFrame) -> None:
    complete = months[months["complete"]]
    revenue = (complete["revenue_new"] + complete["revenue_repeat"]).to_numpy()
    # a year back the season is the same; with less history it can't be told apart
    back, before = (12, "the same months a year earlier") if len(revenue) >= 15 else (3, "the three before")
    if len(revenue) < back + 3:
        chapter.state("direction", "Where revenue is moving can be said from six whole months up.", verdict="unknown")
        return
    last, then = revenue[-3:].sum(), revenue[len(revenue) - back - 3 : len(revenue) - back].sum()
    if then <= 0:
        chapter.state("direction", f"There is no revenue in {before} to compare with.", verdict="unknown")
        return
    change = last / then - 1
    moved = "held steady" if abs(change) < STEADY else f"{'rose' if change > 0 else 'fell'} by {percent(abs(change))}"
    verdict: Verdict = "note" if abs(change) < STEADY else "good" if change > 0 else "watch"
    if change < FALLING and back == 12:
        verdict = "act"
    currency = chapter.parameters.currency
    chapter.state(
        "direction",
        f"In the last three whole months {_gross(chapter)} {moved} against {before} ({money(last, currency)} after "
        f"{money(then, currency)}){'' if back == 12 else '; the season is not accounted for'}.",
        value=change,
        unit="share of revenue",
        verdict=verdict,
    )
