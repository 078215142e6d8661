"""Steps of `08_playbook`: what would move the profit, and what more retention is worth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import polars as pl

from models import BGNBD, GammaGamma
from models.levers import (
    BETTER_NEW,
    LIFE_YEARS,
    LITERATURE,
    PURCHASE,
    REGULARS,
    Estimate,
    Gain,
    Levers,
    Retention,
    Terms,
    simulate_levers,
)
from models.posterior import Posterior

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, between, count, day, if_known, money, percent, plural, tenths
from ..closed_base import closed_base, without_blame
from ..left_cut import left_cut, new_customers
from ..lifetime_value.lifetime_value import fit_spend, margins, posterior
from ..purchase_model import fit_all, rfm

YEAR = 365  # days
LEAST_SAID = 0.01  # smaller shares aren't told by the number
NOT_IN_LEDGER = "not in this ledger"
WORDS = {
    BETTER_NEW: "new customers make {lever} more repeat purchases",
    REGULARS: "{lever} of those who bought once or twice and aren't known to have left become regulars",
    PURCHASE: "every purchase is {lever} larger",
}


@dataclass(frozen=True)
class Moved:
    """What the levers move on this base.

    Attributes
    ----------
    levers : Levers
    terms : Terms
    in_profit : bool
        Whether the base knows its margin; without it the amounts are revenue.
    days : int
        From how many of the last days the number of new customers is taken.
    inflow_known : bool
        Whether the ledger tells how many are won: not where it follows only customers won up to some day, or where
        nobody can be taken for new.
    """

    levers: Levers
    terms: Terms
    in_profit: bool
    days: int
    inflow_known: bool = True

    @property
    def what(self) -> str:
        """Name what the amounts are."""
        return "profit" if self.in_profit else "revenue"

    def of_today(self, amount: Any) -> Any:
        """Return an amount as a share of what is expected as it is; NaN where that is nothing or a loss."""
        today = self.levers.today.value
        return amount / (today if today > 0 else float("nan"))

    def concerns(self, lever: str) -> bool:
        """Return whether the ledger knows the customers whom a lever concerns."""
        return self.inflow_known or lever != BETTER_NEW

    def ranked(self) -> list[Gain]:
        """Return what the levers move, the best first; larger purchases move all in proportion, and stand last."""
        known = [gain for gain in self.levers.gains if gain.customers and not pd.isna(gain.profit.value)]
        return sorted(known, key=lambda gain: (gain.lever == PURCHASE, -gain.profit.value))


@says_why_not
def simulate(chapter: Chapter) -> Moved:
    """Simulate the three levers and more retention; see `models.levers`."""
    summary = rfm(chapter)
    return moved(chapter, summary, fit_all(summary), fit_spend(summary))


@says_why_not
def moved(chapter: Chapter, summary: pd.DataFrame, model: BGNBD, spend: GammaGamma) -> Moved:
    """Simulate the levers with models that are fitted already."""
    given = chapter.parameters
    new, days = newcomers(chapter)
    margin = margins(chapter, summary)
    terms = Terms(
        horizon_days=given.horizon_days,
        annual_discount_rate=given.annual_discount_rate,
        time_unit=given.time_unit,
        newcomers=len(new) * (1 - left_cut(chapter).old_among_new) * given.horizon_days / days,
        first_purchase=float(new["amount"].mean() or 0.0),  # type: ignore[arg-type]
        order_cost=given.order_cost or 0.0,
        lever=given.lever,
        retention_points=given.retention_points,
        alive_limit=given.alive_limit,
    )
    known = [_or_none(posterior(chapter, each)) for each in (model, spend)]
    try:
        found = simulate_levers(
            summary,
            model,
            spend,
            terms,
            margin=margin,
            purchase_posterior=known[0],
            spend_posterior=known[1],
            coverage=given.interval,
            seed=given.seed,
        )
    except ValueError as reason:
        raise CannotSay(f"What the levers would move can't be told: {reason}") from None
    return Moved(_agreeing(found), terms, margin is not None, days, _inflow_known(chapter))


def _agreeing(found: Levers) -> Levers:
    """Leave out the intervals that don't hold their own estimate.

    The estimate is of the model that fits best, the interval of all that fit; of few customers these may lie so far
    from the best that the interval says nothing of it.
    """
    raised = found.retention
    return replace(
        found,
        today=_within(found.today),
        gains=tuple(gain._replace(profit=_within(gain.profit)) for gain in found.gains),
        retention=replace(raised, rate=_within(raised.rate), gain=_within(raised.gain), life=_within(raised.life)),
    )


def _within(estimate: Estimate) -> Estimate:
    holds = estimate.low <= estimate.value <= estimate.high
    return estimate if holds else Estimate(estimate.value, float("nan"), float("nan"))


def newcomers(chapter: Chapter) -> tuple[pl.DataFrame, int]:
    """Return the customers who first bought in the last year, with that purchase's amount, and how many days it had.

    Where the ledger is shorter than a year it counts as a whole, and everybody in it is new. Where it begins in the
    middle of its customers' lives it counts from the day on which a first purchase can be taken for one. Where it
    can't tell how many are won there is nobody.
    """
    cut = left_cut(chapter)
    begins = (cut.new_from or chapter.as_of) if cut.cut else chapter.first_day
    days = min(YEAR, (chapter.as_of - begins).days + 1)
    since = chapter.as_of - dt.timedelta(days=days)
    by_day = chapter.purchases.group_by("customer", "date").agg(pl.col("amount").sum())
    first = by_day.filter(pl.col("date") == pl.col("date").min().over("customer"))
    if not _inflow_known(chapter):
        return first.clear(), days
    known_to_be_new = new_customers(chapter).select("customer")
    return first.filter(pl.col("date") > since).join(known_to_be_new, on="customer", how="semi").sort("customer"), days


def _inflow_known(chapter: Chapter) -> bool:
    return not closed_base(chapter).closed and not _nobody_for_new(chapter)


def _nobody_for_new(chapter: Chapter) -> bool:
    """Return whether the ledger begins in its customers' lives and none of its first purchases can be taken for one."""
    cut = left_cut(chapter)
    return cut.cut and cut.new_from is None


def _or_none(known: Posterior | Unsaid) -> Posterior | None:
    return None if isinstance(known, Unsaid) else known


def lever_table(chapter: Chapter, found: Moved | Unsaid) -> ShownTable | None:
    """Show what each lever adds, with its interval. None where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    currency, today = chapter.parameters.currency, found.levers.today
    rows = [
        {
            "label": in_words(found, gain.lever),
            "customers": gain.customers if found.concerns(gain.lever) else float("nan"),
            "gain": gain.profit.value if found.concerns(gain.lever) else float("nan"),
            "between": between(gain.profit.low, gain.profit.high) if found.concerns(gain.lever) else NOT_IN_LEDGER,
            "share": found.of_today(gain.profit.value) if found.concerns(gain.lever) else float("nan"),
        }
        for gain in found.levers.gains
    ]
    columns: Columns = {
        "label": ("lever", str),
        "customers": ("customers it concerns", if_known(count, DASH)),
        "gain": (f"{found.what} it adds ({currency})", if_known(count, DASH)),
        "between": (f"{percent(chapter.parameters.interval)} interval of what is expected", str),
        "share": (f"share of the {found.what} expected", if_known(tenths, DASH)),
    }
    as_it_is = f"{expected(chapter, found)}{_bounds(chapter, today)}"
    caption = f"Three levers over the next {count(found.terms.horizon_days)} days, beside {as_it_is}"
    return show_table(pd.DataFrame(rows), caption, columns)


@says_why_not
def retention(found: Moved) -> Retention:
    """Return what more retention is worth."""
    raised = found.levers.retention
    if pd.isna(raised.kept):
        raise CannotSay(
            f"Of what today's customers bring in a year they bring {percent(raised.rate.value)} again in the year "
            f"after, so there are no {points_of(found)} of retention left to gain."
        )
    return raised


def retention_table(chapter: Chapter, found: Moved | Unsaid, raised: Retention | Unsaid) -> ShownTable | None:
    """Show what more retention is worth beside what the literature says. None where the figure says why not."""
    if isinstance(found, Unsaid) or isinstance(raised, Unsaid):
        return None
    points = points_of(found)
    rate, gain, life = raised.rate, raised.gain, raised.life
    then, share = (
        Estimate(*(end + found.terms.retention_points for end in rate)),
        Estimate(*(found.of_today(end) for end in gain)),
    )
    days = count(found.terms.horizon_days)
    rows = [
        ("revenue of a year that comes again in the next, today", percent(rate.value), _ends(rate)),
        (f"the same with {points} more", percent(then.value), _ends(then)),
        (
            f"{found.what} it adds in {days} days ({chapter.parameters.currency})",
            count(gain.value),
            between(gain.low, gain.high),
        ),
        (f"as a share of the {found.what} of these days", tenths(share.value), _ends(share, 1)),
        (f"added to a customer's worth in {count(LIFE_YEARS)} years", tenths(life.value), _ends(life, 1)),
        ("the same in the literature, by industry", "", _ends(Estimate(float("nan"), *LITERATURE))),
    ]
    frame = pd.DataFrame(rows, columns=["what", "value", "between"])
    columns: Columns = {
        "what": ("", str),
        "value": ("on this base", str),
        "between": (f"{percent(chapter.parameters.interval)} interval, or range", str),
    }
    return show_table(frame, f"What {points} more yearly retention are worth", columns)


def state_findings(chapter: Chapter, found: Moved | Unsaid) -> None:
    """State which lever moves most, and what more retention is worth."""
    if isinstance(found, Unsaid):
        chapter.state("levers", found.reason, verdict="unknown")
        return
    _state_levers(chapter, found)
    _state_retention(chapter, found)


def in_words(found: Moved, lever: str) -> str:
    """Say what a lever is."""
    return WORDS[lever].format(lever=percent(found.terms.lever))


def expected(chapter: Chapter, found: Moved) -> str:
    """Say what is expected if no lever is moved, and of whom."""
    new = f" and the {plural(found.terms.newcomers, 'new one')} assumed" if found.terms.newcomers else ""
    amount = money(found.levers.today.value, chapter.parameters.currency)
    return f"{amount} of {found.what} (not discounted) expected from today's customers{new}"


def points_of(found: Moved) -> str:
    """Name the points of retention."""
    return plural(100 * found.terms.retention_points, "point")


def _state_levers(chapter: Chapter, found: Moved) -> None:
    currency, today = chapter.parameters.currency, found.levers.today
    best, *others = found.ranked()
    part = found.of_today(best.profit.value)
    of_all = f"under {percent(LEAST_SAID)}" if 0 < part < LEAST_SAID else percent(part)
    share = f", {of_all} of the {expected(chapter, found)}" if today.value > 0 else ""
    two = sum(gain.lever != PURCHASE for gain in (best, *others)) > 1
    first = f"Of the two levers on how often customers buy, one moves {found.what} more: if" if two else "If"
    statement = (
        f"{first} {in_words(found, best.lever)}, "
        f"the next {count(found.terms.horizon_days)} days bring {money(best.profit.value, currency)} more"
        f"{_bounds(chapter, best.profit)}{share}"
    )
    rest = " and ".join(f"{money(other.profit.value, currency)} if {in_words(found, other.lever)}" for other in others)
    chapter.state(
        "levers",
        statement + (f"; it would be {rest}." if rest else "."),
        value=best.profit.value,
        low=best.profit.low,
        high=best.profit.high,
        unit=currency,
        question="decisions",
    )
    if not found.terms.newcomers:
        _state_no_newcomers(chapter, found)


def _state_no_newcomers(chapter: Chapter, found: Moved) -> None:
    closed = closed_base(chapter)
    verdict: Verdict = without_blame(chapter, "watch")
    if closed.closed and closed.won_until is not None:
        statement = (
            f"What better new customers would bring can't be told: nobody won after {day(closed.won_until)} is in the "
            "ledger, whether or not the business won any."
        )
    elif _nobody_for_new(chapter):
        verdict = "unknown"
        statement = (
            "What better new customers would bring can't be told: who is new isn't known in this ledger, which begins "
            "in the middle of its customers' lives."
        )
    else:
        statement = (
            f"Nobody bought for the first time in the last {plural(found.days, 'day')}, so better new customers would "
            "move nothing: first there must be some."
        )
    chapter.state("lever_new_customers", statement, verdict=verdict)


def _state_retention(chapter: Chapter, found: Moved) -> None:
    raised = retention(found)
    if isinstance(raised, Unsaid):
        kept = found.levers.retention.rate.value
        nothing_to_gain = kept + found.terms.retention_points >= 1
        chapter.state("retention_points", raised.reason, verdict="good" if nothing_to_gain else "unknown")
        return
    life, rate = raised.life, raised.rate
    stands, verdict = _beside_literature(life)
    least, most = LITERATURE
    chapter.state(
        "retention_points",
        f"Of the money that today's customers bring in a year (not of the customers) they bring {percent(rate.value)} "
        "again in the next. "
        f"{points_of(found).capitalize()} more would add {tenths(life.value)} to what a "
        f"customer of this base is worth in {count(LIFE_YEARS)} years{_shares(chapter, life)}, {stands} the "
        f"{percent(least)} to {percent(most)} of the literature; over the next {count(found.terms.horizon_days)} days "
        f"it adds {money(raised.gain.value, chapter.parameters.currency)} of {found.what}.",
        value=life.value,
        low=life.low,
        high=life.high,
        unit="share of value",
        verdict=verdict,
    )


def _beside_literature(life: Estimate) -> tuple[str, Verdict]:
    """Say where the base stands to the range of the literature."""
    low, high = (life.value if pd.isna(end) else end for end in (life.low, life.high))
    least, most = LITERATURE
    if high < least:
        return "below", "note"
    if low > most:
        return "above", "good"
    return ("within", "note") if least <= low and high <= most else ("on the edge of", "note")


def _bounds(chapter: Chapter, estimate: Estimate) -> str:
    if pd.isna(estimate.low):
        return ""
    interval = percent(chapter.parameters.interval)
    return f" ({interval} interval of the model's parameters alone {between(estimate.low, estimate.high)})"


def _shares(chapter: Chapter, estimate: Estimate) -> str:
    if pd.isna(estimate.low):
        return ""
    return f" ({percent(chapter.parameters.interval)} interval {_ends(estimate, 1)})"


def _ends(estimate: Estimate, decimals: int = 0) -> str:
    if pd.isna(estimate.low):
        return "not known"
    return f"{percent(estimate.low, decimals)} to {percent(estimate.high, decimals)}"
