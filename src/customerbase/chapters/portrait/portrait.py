"""The steps of `02_portrait`: what the base is like today and where it is moving."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import pandas as pd
import polars as pl

from models import customer_base_audit as audit
from models.exact import exact_sum
from models.mean_and_median import spread
from models.new_and_repeat import activity_by_month
from models.periods import Period

from ...chapter import Chapter
from ...findings import Findings, Verdict
from ...ledger.returns import NET
from ...shown_table import Columns, ShownTable, show_table
from ...wording import count, day, money, number, percent, plural
from .. import closed_base
from ..left_cut import what_it_means
from ..profit import total
from . import dashboard, lenses
from .dashboard import Dashboard
from .lens2_two_periods import FALLING, STEADY
from .lens_periods import during, latest_period
from .lenses import Lenses

MONTHS_SHOWN = 18
MONTHS_WITHOUT_NEW = 2  # more of them are worth a word


@dataclass(frozen=True)
class RepeatBusiness:
    """What first and repeat purchases brought lately.

    Attributes
    ----------
    period : models.periods.Period
        The last year; see `customerbase.chapters.portrait.lens_periods.latest_period`.
    new, repeat : float
        What purchases brought, in the ledger's currency: those of a customer's first day, and all later ones.
    """

    period: Period
    new: float
    repeat: float

    @property
    def share(self) -> float:
        """Of repeat purchases; NaN where purchases brought nothing."""
        brought = self.new + self.repeat
        return self.repeat / brought if brought > 0 else nan


def everybody(chapter: Chapter, days: pl.DataFrame) -> pl.DataFrame:
    """Return what everyone in the ledger did in all its days; see `models.customer_base_audit.customers_of_period`.

    Parameters
    ----------
    chapter : Chapter
    days : polars.DataFrame
        See `customerbase.chapters.portrait.lenses.customer_days`.
    """
    return audit.customers_of_period(days, Period(days["date"].min(), chapter.as_of))  # type: ignore[arg-type]


def by_month(chapter: Chapter) -> pd.DataFrame:
    """Return customers, purchases and revenue of each month, new apart from repeat; see `activity_by_month`."""
    months = activity_by_month(chapter.purchases, chapter.as_of)
    whole = months["month"] + pd.offsets.MonthEnd(0) <= pd.Timestamp(chapter.as_of)
    months["complete"] = whole & (months["month"] >= pd.Timestamp(chapter.first_day))
    return months


def repeat_business(chapter: Chapter) -> RepeatBusiness:
    """Add up what first and repeat purchases brought in the last year."""
    period = latest_period(chapter)
    day_of = pl.col("date").dt.date()
    sums = (
        chapter.purchases.lazy()
        .select("customer", "amount", date=day_of, is_new=day_of == day_of.min().over("customer"))
        .filter(pl.col("date").is_between(period.first, period.last))
        .group_by("is_new")
        .agg(exact_sum("amount"))
        .collect()
    )
    brought = dict(sums.iter_rows())
    return RepeatBusiness(period, brought.get(True, 0.0), brought.get(False, 0.0))


def at_a_glance(chapter: Chapter, everyone: pl.DataFrame) -> ShownTable:
    """Show the base's size, means beside medians; who has no purchase that stood is counted apart.

    Parameters
    ----------
    chapter : Chapter
    everyone : polars.DataFrame
        See `everybody`.
    """
    bought, undone = audit.buyers(everyone), _undone(everyone)
    currency = chapter.parameters.currency
    facts = {
        "customers": count(bought.height),
        "purchases (days with a purchase)": count(int(bought["purchases"].sum())),
        f"revenue{_after_returns(chapter)}": money(total(everyone["revenue"]), currency),
    }
    if undone.height:
        facts["besides: customers whose every purchase was undone"] = count(undone.height)
    if left := total(undone["revenue"]):
        facts["what these add to the revenue"] = money(left, currency)
    times, revenue = (spread(bought[name].to_numpy()) for name in ("purchases", "revenue"))
    facts |= {
        "purchases a customer, mean": number(times["mean"]),
        "purchases a customer, median": number(times["median"]),
        "customers below the mean of purchases": percent(times["below_mean"]),
        "revenue a customer, mean": money(revenue["mean"], currency),
        "revenue a customer, median": money(revenue["median"], currency),
        "customers below the mean of revenue": percent(revenue["below_mean"]),
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
    everyone: pl.DataFrame,
    months: pd.DataFrame,
    lately: RepeatBusiness,
    seen: Lenses,
    board: Dashboard,
) -> Findings:
    """State what the portrait shows.

    Parameters
    ----------
    chapter : Chapter
    everyone : polars.DataFrame
        See `everybody`.
    months : pandas.DataFrame
        See `by_month`.
    lately : RepeatBusiness
    seen : customerbase.chapters.portrait.lenses.Lenses
        What the five lenses saw.
    board : customerbase.chapters.portrait.dashboard.Dashboard
        What the practitioner's dashboard shows.
    """
    state_size(chapter, everyone)
    lenses.state_findings(chapter, seen)
    cut = what_it_means(chapter, "cohorts")
    if cut is not None:
        chapter.state("cohorts_left_cut", cut, verdict="watch")
    _state_repeat_share(chapter, months, lately)
    _state_direction(chapter, months)
    dashboard.state_findings(chapter, board)
    return chapter.findings()


def state_size(chapter: Chapter, everyone: pl.DataFrame) -> None:
    """State how large the base is, with those apart whose every purchase was undone; see `everybody`."""
    bought, undone = audit.buyers(everyone), _undone(everyone).height
    revenue = money(total(everyone["revenue"]), chapter.parameters.currency)
    beside = f" Of {plural(undone, 'more customer')} every purchase was undone by returns." if undone else ""
    chapter.state(
        "base_size",
        f"{plural(bought.height, 'customer')} bought {plural(int(bought['purchases'].sum()), 'time')} between "
        f"{day(chapter.first_day)} and {day(chapter.as_of)}, for {revenue}{_after_returns(chapter)}.{beside}",
        value=bought.height,
        unit="customers",
        question="who",
    )


def _undone(everyone: pl.DataFrame) -> pl.DataFrame:
    """Return those without a purchase that stood."""
    return everyone.filter(purchases=0)


def _after_returns(chapter: Chapter) -> str:
    return " after returns" if (chapter.ledger["kind"] == "return").any() else ""


def _gross(chapter: Chapter) -> str:
    """Name what purchases brought: returns that undo no known purchase belong to none of them."""
    return "revenue of purchases" if (chapter.ledger[NET] < 0).any() else "revenue"


def _state_repeat_share(chapter: Chapter, months: pd.DataFrame, lately: RepeatBusiness) -> None:
    if not lately.new + lately.repeat > 0:
        chapter.state(
            "repeat_share",
            f"No purchase brought revenue {during(lately.period)}, so there is none to divide into new and repeat.",
            verdict="unknown",
        )
        return
    statement = f"Repeat purchases brought {percent(lately.share)} of {_gross(chapter)} {during(lately.period)}"
    if lately.new > 0:
        first = percent(1 - lately.share)
        statement += f", first purchases {first} (what new customers bought after their first day counts as repeat)"
    verdict: Verdict = "note"
    won_last = months.loc[months["new_customers"] > 0, "month"].iloc[-1]
    if (months["month"] > won_last).sum() > MONTHS_WITHOUT_NEW:
        statement += (
            ": nobody won since is in the ledger"
            if closed_base.closed_base(chapter).closed
            else f"; the ledger shows nobody new since {won_last:%B %Y}, so the base it holds can only shrink"
        )
        verdict = closed_base.without_blame(chapter, "watch")
    chapter.state("repeat_share", f"{statement}.", value=lately.share, unit="share of revenue", verdict=verdict)


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
    season = "" if back == 12 else "; the season is not accounted for"
    drawn = (
        ": customers leave, and nobody won since is in the ledger" if closed_base.closed_base(chapter).closed else ""
    )
    chapter.state(
        "direction",
        f"In the last three whole months {_gross(chapter)} {moved} against {before} ({money(last, currency)} after "
        f"{money(then, currency)}){season}{drawn}.",
        value=change,
        unit="share of revenue",
        verdict=closed_base.without_blame(chapter, verdict),
        question="losing",
    )
