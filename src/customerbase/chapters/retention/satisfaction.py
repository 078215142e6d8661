"""The part of `05_retention` that holds what customers said against what they did: the loyal and the satisfied."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from models.matched_risk_set import histories
from models.reasons_for_leaving import SIGNIFICANT
from models.satisfaction import Scale, left_share, quadrants, satisfaction_effect, scale_of

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, if_known, money, percent, plural
from .happenings import FEWEST, SURVEY, Base, followed_until, gone_means


@dataclass(frozen=True)
class Satisfaction:
    """Who was satisfied by the last survey that lies long enough back, and who left since.

    Attributes
    ----------
    divided : polars.DataFrame
        See `models.satisfaction.quadrants`; the value is revenue of the year before the survey.
    scale : Scale
    first, last : datetime.date
        Days of the answers.
    """

    divided: pl.DataFrame
    scale: Scale
    first: dt.date
    last: dt.date


@says_why_not
def satisfaction(chapter: Chapter, base: Base) -> Satisfaction:
    """Divide customers by their last answer that lies long enough back, and by whether they left since."""
    events = chapter.events
    if events is None or "score" not in events.columns or not (events["kind"] == SURVEY).any():
        raise CannotSay(
            "Surveys with a score are not recorded for this base, so whether the satisfied stay can't be said."
        )
    answers = events.filter((pl.col("kind") == SURVEY) & pl.col("score").is_not_null())
    scale = scale_of(answers["score"])
    if scale is None:
        raise CannotSay(
            "The surveys' scores fit no customary scale (up to 5, 7, 10 or 100), so who is satisfied is not known."
        )
    until = followed_until(chapter)
    old_enough = answers.filter(pl.col("date") <= until)
    if old_enough.is_empty():
        raise CannotSay(
            f"All surveys are of the last {plural(chapter.parameters.active_days, 'day')}: too late to see who of "
            "those who answered leaves."
        )
    known = histories(base.days, old_enough.sort("date", "score").select("customer", "date", "score"))
    last = known.unique("customer", keep="last", maintain_order=True)
    placed = last.join(base.silent, on="customer", maintain_order="left").select("score", left="silent", value="spent")
    if placed.height < FEWEST:
        raise CannotSay(f"{plural(placed.height, 'customer')} answered a survey long enough ago: too few to compare.")
    return Satisfaction(quadrants(placed, scale), scale, old_enough["date"].min(), old_enough["date"].max())  # type: ignore[arg-type]


def satisfaction_table(chapter: Chapter, found: Satisfaction | Unsaid) -> ShownTable | None:
    """Show the four: who was satisfied or not, and stays or has left. None where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    divided = found.divided
    frame = divided.with_columns(
        pl.Series("said", [_said(found.scale, satisfied) for satisfied in divided["satisfied"]]),
        pl.Series("did", ["still here" if stays else "gone" for stays in divided["stays"]]),
        share=pl.col("customers") / pl.col("customers").sum(),
        value_share=pl.col("value") / pl.col("value").sum(),
    )
    columns: Columns = {
        "quadrant": ("who", str),
        "said": ("said", str),
        "did": ("since", str),
        "customers": ("customers", count),
        "share": ("of all who answered", if_known(percent)),
        "value": (f"bought in the year before ({chapter.parameters.currency})", count),
        "value_share": ("of what all bought", if_known(percent)),
    }
    caption = f"What customers said from {day(found.first)} to {day(found.last)}, and what they did since"
    return show_table(frame.to_pandas(), caption, columns)


def about(chapter: Chapter, found: Satisfaction | Unsaid) -> Unsaid | None:
    """Say how to read the figure and the table; nothing where there is none."""
    if isinstance(found, Unsaid):
        return None
    scale = found.scale
    return Unsaid(
        "Each customer's last answer that lies at least "
        f"{plural(chapter.parameters.active_days, 'day')} back; the answers are taken for ones on a scale from "
        f"{scale.lowest:g} to {scale.highest:g}, which fits them, and satisfied is {_said(scale, satisfied=True)}. "
        "Mercenaries were satisfied and left all the same; hostages were not and are still here: they may be the next "
        f"to go when they can. As above, {gone_means(chapter)}."
    )


def _said(scale: Scale, satisfied: bool) -> str:
    return f"{scale.satisfied_from:g} or more of {scale.highest:g}" if satisfied else "less"


def state_satisfaction(chapter: Chapter, satisfied: Satisfaction | Unsaid) -> None:
    """State whether the satisfied stay."""
    if isinstance(satisfied, Unsaid):
        chapter.state("satisfied_and_gone", satisfied.reason, verdict="unknown")
        return
    coverage = chapter.parameters.interval
    though, others = (left_share(satisfied.divided, said, coverage) for said in (True, False))
    if not though.customers or not others.customers:
        chapter.state("satisfied_and_gone", _of_one_mind(satisfied), verdict="unknown")
        return
    more, low, high, chance = satisfaction_effect(satisfied.divided, coverage)
    mercenaries = satisfied.divided.filter(pl.col("satisfied") & ~pl.col("stays")).row(0, named=True)
    gone = float(satisfied.divided.filter(~pl.col("stays"))["customers"].sum())
    told = "doesn't tell who leaves beyond chance"
    if chance < SIGNIFICANT:
        told = "tells who leaves" if more > 0 else "doesn't keep them, more of the satisfied leave"
    chapter.state(
        "satisfied_and_gone",
        f"{percent(though.share)} ({between(100 * though.low, 100 * though.high)}%) of the "
        f"{plural(though.customers, 'customer')} who called themselves satisfied ({_said(satisfied.scale, True)}) have "
        f"gone since, of the {count(others.customers)} others {percent(others.share)}: satisfaction {told} "
        f"({100 * low:+z.0f} to {100 * high:+z.0f} points more of the others). Of {count(gone)} who left "
        f"{count(mercenaries['customers'])} had been satisfied; they had bought for "
        f"{money(mercenaries['value'], chapter.parameters.currency)} in the year before.",
        value=though.share,
        low=though.low,
        high=though.high,
        unit="share of customers",
        verdict="watch" if though.share > others.share / 2 else "note",
    )


def _of_one_mind(satisfied: Satisfaction) -> str:
    all_satisfied = satisfied.divided.filter("satisfied")["customers"].sum() > 0
    said = "satisfied" if all_satisfied else "less than satisfied"
    return f"Everybody who answered a survey was {said}, so there is nobody to compare with."
