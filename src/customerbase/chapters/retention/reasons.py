"""The part of `05_retention` that asks after what customers leave, and what leaves with them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from models.matched_risk_set import at_risk, histories, in_bands
from models.reasons_for_leaving import ANY, by_reason, expected_before
from models.reasons_for_leaving import FEWEST as FEWEST_OF_A_REASON

from ...chapter import Chapter
from ...errors import CannotSay
from ...personal_data import HIDDEN
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, count, day, if_known, key, listed, percent, plural, roughly
from .after_complaint import AfterComplaint, state_complaints
from .happenings import Base, followed_until, gone_means, happened
from .satisfaction import Satisfaction, state_satisfaction

MOST_REASONS = 12  # shown; the others are in the row of all
MOST_ALSO = 3  # further reasons named in a sentence
NO_REASON = "no reason recorded"
RETURNS_FROM = {"ledger": " Returns are the ledger's, which gives no reasons.", "events": "", "": ""}


@dataclass(frozen=True)
class Reasons:
    """What happened to customers, by reason.

    Attributes
    ----------
    table : polars.DataFrame
        See `models.reasons_for_leaving.by_reason`; the reason with the largest loss first, the row of all last.
    returns_from : str
        Where returns were taken from: ``events``, ``ledger``, or empty where there are none.
    followed_until : datetime.date
        The last day whose happenings are compared.
    """

    table: pl.DataFrame
    returns_from: str
    followed_until: dt.date


@says_why_not
def reasons(chapter: Chapter, base: Base) -> Reasons:
    """Weigh what happened by reason; see `models.reasons_for_leaving`."""
    rows, returns_from = happened(chapter)
    if rows.is_empty():
        raise CannotSay("Complaints, refusals, returns and exit surveys are not recorded for this base.")
    given = chapter.parameters
    cases = histories(base.days, rows).join(base.silent, on="customer", maintain_order="left")
    if cases.is_empty():
        raise CannotSay("Complaints, refusals, returns and exit surveys name no customer who had bought by then.")
    cases = cases.with_columns(expected_before(cases, given.horizon_days))
    until = followed_until(chapter)
    comparable = at_risk(base.comparable.filter(pl.col("date") <= until), rows)
    cases, comparable = in_bands(cases, comparable)
    table = by_reason(cases, comparable, until, coverage=given.interval)
    loss = pl.col("lost").fill_nan(None)
    single = table.filter(pl.col("kind") != ANY).sort(
        loss, "customers", descending=True, nulls_last=True, maintain_order=True
    )
    return Reasons(pl.concat([single, table.filter(pl.col("kind") == ANY)]), returns_from, until)


def name_of(kind: str, reason: str | None) -> str:
    """Name a reason with its kind, cut to what fits."""
    if kind == ANY:
        return ANY
    return f"{kind}: {key(NO_REASON if reason is None else 'reason ' + HIDDEN if reason == HIDDEN else reason, 28)}"


def shown_reasons(found: Reasons) -> pl.DataFrame:
    """Return the reasons that are shown, and the row of all where there are several.

    Reasons of fewer than `models.reasons_for_leaving.FEWEST` customers compared are left out where there are others.
    """
    single = found.table.filter(pl.col("kind") != ANY)
    enough = single.filter(pl.col("compared") >= FEWEST_OF_A_REASON)
    single = single if enough.is_empty() else enough
    return single if single.height == 1 else pl.concat([single.head(MOST_REASONS), found.table.tail(1)])


def reason_table(chapter: Chapter, found: Reasons | Unsaid) -> ShownTable | None:
    """Show the reasons with what is lost by each, the costliest first. None where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    currency = chapter.parameters.currency
    rows = shown_reasons(found)
    names = [name_of(kind, reason) for kind, reason in rows.select("kind", "reason").iter_rows()]
    more = [_more(*row) for row in rows.select("low", "high", "compared").iter_rows()]
    lost = [_lost(*row) for row in rows.select("lost", "lost_low", "lost_high", "compared").iter_rows()]
    columns: Columns = {
        "reason": ("reason", str),
        "compared": ("customers compared", count),
        "silent": ("gone since", if_known(percent, DASH)),
        "expected_silent": ("of others like them", if_known(percent, DASH)),
        "more": ("more by (points)", str),
        "lost": (f"revenue lost ({currency})", str),
    }
    caption = (
        f"What happened, by revenue lost in {count(chapter.parameters.horizon_days)} days "
        f"({percent(chapter.parameters.interval)} intervals)"
    )
    shown = rows.with_columns(
        # a share of a few is none
        pl.when(pl.col("compared") >= FEWEST_OF_A_REASON).then(pl.col("silent", "expected_silent")),
        reason=pl.Series(names),
        more=pl.Series(more),
        lost=pl.Series(lost),
    )
    return show_table(shown.to_pandas(), caption, columns)


def about(chapter: Chapter, found: Reasons | Unsaid) -> Unsaid | None:
    """Say how to read the figure and the table; nothing where there is none."""
    if isinstance(found, Unsaid):
        return None
    return Unsaid(
        "Revenue lost is what customers were on the way to buy in the next "
        f"{plural(chapter.parameters.horizon_days, 'day')}, where more have gone than of others like them: who had "
        "bought as often and as lately in the same month, and to whom nothing of it had happened. It shows after what "
        "customers go, not that they would have stayed without it; a refusal or an exit survey is the goodbye "
        f"itself.{RETURNS_FROM[found.returns_from]} Compared are those to whom it happened by "
        f"{day(found.followed_until)}; too few are those who weigh less than {FEWEST_OF_A_REASON} customers of equal "
        f"value. {_gone(chapter)}"
    )


def _gone(chapter: Chapter) -> str:
    said = gone_means(chapter)
    return f"{said[:1].upper()}{said[1:]}."


def _lost(lost: float, low: float, high: float, compared: int) -> str:
    if np.isnan(lost):
        return "too few" if compared else "nobody to compare"
    return f"{roughly(lost)} ({roughly(low)} to {roughly(high)})"


def _more(low: float, high: float, compared: int) -> str:
    if np.isnan(low):
        return "too few" if compared else "nobody to compare"
    return f"{100 * low:+z.0f} to {100 * high:+z.0f}"


def state_findings(
    chapter: Chapter,
    found: Reasons | Unsaid,
    complained: AfterComplaint | Unsaid,
    satisfied: Satisfaction | Unsaid,
) -> None:
    """State the costliest reason, who keeps buying after a complaint, and whether the satisfied stay."""
    untold = [result.reason for result in (found, complained, satisfied) if isinstance(result, Unsaid)]
    if len(untold) == 3 and len(set(untold)) == 1:
        chapter.state("reasons", untold[0], verdict="unknown")
        return
    _state_reasons(chapter, found)
    state_complaints(chapter, complained)
    state_satisfaction(chapter, satisfied)


def _state_reasons(chapter: Chapter, found: Reasons | Unsaid) -> None:
    if isinstance(found, Unsaid):
        chapter.state("reasons", found.reason, verdict="unknown")
        return
    first = costliest(found)
    if np.isnan(first["lost"]) and not first["clear"]:
        every = found.table.row(-1, named=True)
        chapter.state(
            "reasons",
            f"What happened to {plural(every['customers'], 'customer')} is recorded, but of no reason do enough of "
            f"about the same value lie {chapter.parameters.active_days} days back to see what went with them since.",
            verdict="unknown",
        )
        return
    chapter.state(
        "reasons",
        _reason_in_words(chapter, found),
        value=None if np.isnan(first["lost"]) else first["lost"],
        low=None if np.isnan(first["lost"]) else first["lost_low"],
        high=None if np.isnan(first["lost"]) else first["lost_high"],
        unit=chapter.parameters.currency,
        verdict="act" if first["lost_clear"] else "watch" if first["clear"] else "note",
        question="losing",
    )


def costliest(found: Reasons) -> dict[str, Any]:
    """Return the reason to speak of: the costliest beyond chance, else one after which more go, else the first."""
    single = found.table.filter(pl.col("kind") != ANY)
    return pl.concat([single.filter("lost_clear"), single.filter("clear"), single]).row(0, named=True)


def _also(found: Reasons, row: dict[str, Any]) -> str:
    others = found.table.filter(pl.col("clear") & (pl.col("kind") != ANY)).select("kind", "reason").rows()
    names = [f"'{name_of(*other)}'" for other in others if other != (row["kind"], row["reason"])]
    return f"; so they do after {listed(names, MOST_ALSO)}" if names else ""


def _reason_in_words(chapter: Chapter, found: Reasons) -> str:
    row = costliest(found)
    currency, horizon = chapter.parameters.currency, count(chapter.parameters.horizon_days)
    name = name_of(row["kind"], row["reason"])
    shares = (
        f"of {plural(row['compared'], 'customer')} {percent(row['silent'])} have gone since, of comparable customers "
        f"{percent(row['expected_silent'])}"
    )
    lost = (
        f"{currency} {roughly(row['lost'])} of revenue in {horizon} days "
        f"({roughly(row['lost_low'])} to {roughly(row['lost_high'])})"
    )
    if row["lost_clear"]:
        return (
            f"By value lost beyond chance, '{name}' weighs most among what happened to customers: {shares}; by what "
            f"each was on the way to buy, {lost} went with them. That they would have stayed otherwise is not shown "
            "by it."
        )
    if row["clear"]:
        known = "can't be told of so few" if np.isnan(row["lost"]) else f"could be chance: {lost}"
        return (
            f"After '{name}' more customers go than chance explains: {shares}{_also(found, row)}. The value lost "
            f"after '{name}' {known}."
        )
    if row["lost"] <= 0:
        return (
            "With nothing that happened to customers more value was lost than with comparable customers to whom it "
            f"hadn't happened; the most with '{name}', {lost}: {shares}."
        )
    return (
        f"Of what happened to customers nothing goes with a loss beyond chance. The largest is '{name}', {lost}: "
        f"{shares}."
    )
