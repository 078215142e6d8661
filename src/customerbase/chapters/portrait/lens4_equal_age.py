"""Lens 4 in `02_portrait`: cohorts side by side at equal age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models.cohorts import Unit, period_ends
from models.lens4_equal_age import cohorts_at_equal_age

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, count, if_known, money, number, percent
from ..profit import costs_known
from .cohorts import Cohorts, cohort_name

EQUAL_AGES_DAYS = (1095, 730, 365, 182, 91, 28)
FEWEST_IN_COHORT = 30
AGE_SHOWN: dict[Unit, tuple[int, str]] = {"month": (3, "third"), "quarter": (2, "second"), "year": (1, "first")}


@dataclass(frozen=True)
class EqualAge:
    """What lens 4 sees: cohorts by their customers' first `days` days."""

    days: int
    unit: Unit
    table: pd.DataFrame


@says_why_not
def equal_age(chapter: Chapter, days: pl.DataFrame, followed: Cohorts) -> EqualAge:
    """Set cohorts side by side at the greatest age that at least half of them, and two, have reached."""
    starts = pd.Series(followed.activity["cohort"].unique())
    watched = (pd.Timestamp(chapter.as_of) - period_ends(starts, followed.unit)).dt.days + 1
    wanted = max(2, len(starts) / 2)
    for needed in (wanted, 2):
        for age_days in EQUAL_AGES_DAYS:
            if (watched >= age_days).sum() >= needed:
                table = cohorts_at_equal_age(days, chapter.as_of, followed.unit, age_days)
                return EqualAge(age_days, followed.unit, table)
    raise CannotSay(
        f"Cohorts can be set side by side once two of them have been watched for {EQUAL_AGES_DAYS[-1]} days."
    )


@says_why_not
def equal_age_table(chapter: Chapter, equal: EqualAge) -> ShownTable:
    """Show what each cohort's customers did in their first days."""
    frame = _named(equal)
    currency = chapter.parameters.currency
    columns: Columns = {
        "name": ("first bought in", str),
        "customers": ("customers", count),
        "share_back": ("came back", percent),
        "purchases_mean": ("purchases, mean", number),
        "purchases_median": ("median", number),
        "purchases_below_mean": ("below the mean", percent),
        "revenue_mean": (f"revenue, mean ({currency})", number),
        "revenue_median": ("median", number),
        "below_mean": ("below the mean", percent),
    }
    return show_table(frame, f"What a customer did in the first {equal.days} days, by cohort", columns)


def equal_age_profit_table(chapter: Chapter, equal: EqualAge | Unsaid) -> ShownTable | None:
    """Show the profit of each cohort's customers in their first days, where costs are recorded.

    A margin alone makes profit the same share of everybody's revenue, so there is nothing to add: None.
    """
    if isinstance(equal, Unsaid) or not costs_known(chapter) or equal.table["profit_mean"].isna().any():
        return None
    columns: Columns = {
        "name": ("first bought in", str),
        "customers": ("customers", count),
        "profit_mean": (f"profit, mean ({chapter.parameters.currency})", number),
        "profit_median": ("median", number),
        "profit_below_mean": ("below the mean", percent),
        "margin": ("margin", if_known(percent, DASH)),
    }
    return show_table(_named(equal), f"What a customer left in the first {equal.days} days, by cohort", columns)


def _named(equal: EqualAge) -> pd.DataFrame:
    return equal.table.assign(name=[cohort_name(start, equal.unit) for start in equal.table["cohort"]])


def state_findings(chapter: Chapter, followed: Cohorts, equal: EqualAge | Unsaid) -> None:
    """State how many of a cohort come back, and what the newest one brought at equal age."""
    _state_returning(chapter, followed)
    _state_equal_age(chapter, equal)


def _state_returning(chapter: Chapter, followed: Cohorts) -> None:
    unit, seen = followed.unit, followed.activity
    age, ordinal = AGE_SHOWN[unit]
    then = seen[(seen["age"] == age) & seen["complete"]]
    if then.empty:
        chapter.state("cohort_return", "No cohort is old enough to be compared yet.", verdict="unknown")
        return
    share = then["customers"].sum() / then["size"].sum()
    large = then[then["size"] >= FEWEST_IN_COHORT]
    shares = large["customers"] / large["size"]
    ends = f", from {percent(shares.min(), 1)} to {percent(shares.max(), 1)} by cohort"
    chapter.state(
        "cohort_return",
        f"{percent(share, 1)} of a {unit}'s new customers buy in the {ordinal} {unit} after"
        f"{ends if len(large) > 1 else ''}.",
        value=share,
        unit="share of customers",
    )


def _state_equal_age(chapter: Chapter, equal: EqualAge | Unsaid) -> None:
    if isinstance(equal, Unsaid):
        chapter.state("cohorts_at_equal_age", equal.reason, verdict="unknown")
        return
    currency = chapter.parameters.currency
    others = equal.table.iloc[:-1]
    last = equal.table.iloc[-1].to_dict()
    mean, back = np.average(others[["revenue_mean", "share_back"]], axis=0, weights=others["customers"])
    chapter.state(
        "cohorts_at_equal_age",
        f"In their first {equal.days} days the customers won in {cohort_name(last['cohort'], equal.unit)} brought "
        f"{money(last['revenue_mean'], currency)} each (median {money(last['revenue_median'], currency)}) and "
        f"{percent(last['share_back'])} came back; those won earlier brought {money(mean, currency)} and "
        f"{percent(back)} came back.",
        value=last["revenue_mean"] / mean - 1 if mean > 0 else None,
        unit="share of revenue a customer",
    )
