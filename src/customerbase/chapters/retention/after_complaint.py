"""The part of `05_retention` that asks who buys again after a complaint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.matched_risk_set import Difference, at_risk, compare, histories, in_bands, weights
from models.reasons_for_leaving import SIGNIFICANT

from ...chapter import Chapter
from ...errors import CannotSay
from ...unsaid import Unsaid, says_why_not
from ...wording import percent, plural
from .happenings import COMPLAINT, FEWEST, Base, followed_until


@dataclass(frozen=True)
class AfterComplaint:
    """Who bought again after a complaint.

    Attributes
    ----------
    found : Difference
        Share who bought again within `days`, of those who complained and of comparable customers.
    curves : polars.DataFrame
        day, complained, comparable: shares who had bought again by then.
    days : int
    """

    found: Difference
    curves: pl.DataFrame
    days: int


@says_why_not
def after_complaint(chapter: Chapter, base: Base) -> AfterComplaint:
    """Compare how many buy again after their first complaint with comparable customers who hadn't complained."""
    complaints = _complaints(chapter)
    days = chapter.parameters.active_days
    until = followed_until(chapter)
    first = complaints.sort("date", "customer").unique("customer", keep="first", maintain_order=True)
    cases = histories(base.days, first.filter(pl.col("date") <= until))
    comparable = at_risk(base.comparable.filter(pl.col("date") <= until), complaints)
    again = (pl.col("next_in") <= days).fill_null(value=False).alias("again")
    cases, comparable = in_bands(cases.with_columns(again), comparable.with_columns(again))
    found = compare(cases, comparable, "again", coverage=chapter.parameters.interval)
    if found.cases < FEWEST:
        raise CannotSay(
            f"{plural(found.cases, 'customer')} with a complaint can be followed for {days} days and compared: too few "
            f"to say who keeps buying after one. That takes {FEWEST}."
        )
    return AfterComplaint(found, _bought_again(*weights(cases, comparable), days), days)


def _complaints(chapter: Chapter) -> pl.DataFrame:
    events = chapter.events
    complaints = None if events is None else events.filter(pl.col("kind") == COMPLAINT).select("customer", "date")
    if complaints is None or complaints.is_empty():
        raise CannotSay("Complaints are not recorded for this base, so who keeps buying after one can't be said.")
    return complaints


def _bought_again(cases: pl.DataFrame, comparable: pl.DataFrame, days: int) -> pl.DataFrame:
    axis = np.arange(days + 1)

    def by_day(rows: pl.DataFrame, weight: np.ndarray) -> np.ndarray:
        again = rows["again"].to_numpy()
        reached = rows["next_in"].fill_null(0).to_numpy()[again]
        return np.bincount(reached, weight[again], minlength=days + 1).cumsum() / weight.sum()

    return pl.DataFrame(
        {
            "day": axis,
            "complained": by_day(cases, np.ones(cases.height)),
            "comparable": by_day(comparable, comparable["weight"].to_numpy()),
        }
    )


def state_complaints(chapter: Chapter, complained: AfterComplaint | Unsaid) -> None:
    """State who keeps buying after a complaint."""
    if isinstance(complained, Unsaid):
        chapter.state("after_complaint", complained.reason, verdict="unknown")
        return
    found, interval = complained.found, percent(chapter.parameters.interval)
    differs = found.p_value < SIGNIFICANT
    chapter.state(
        "after_complaint",
        f"{percent(found.share)} of {plural(found.cases, 'customer')} bought again within {complained.days} days of "
        f"their first complaint, of comparable customers without one {percent(found.expected)} "
        f"({interval} interval of the difference {100 * found.low:+z.0f} to {100 * found.high:+z.0f} points)"
        f"{'' if differs else ', which chance alone can explain'}.",
        value=found.difference,
        low=found.low,
        high=found.high,
        unit="share of customers",
        verdict="note" if not differs else "act" if found.difference < 0 else "good",
    )
