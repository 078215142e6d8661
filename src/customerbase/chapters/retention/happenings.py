"""What happened to customers, beside whom they are compared, and who of them is gone: `05_retention` rests on it."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import polars as pl

from models.matched_risk_set import histories, regular_moments
from models.rfm import DAYS_PER_UNIT, purchase_days

from ...chapter import Chapter
from ...errors import CannotSay
from ...particulars import LEFT
from ...unsaid import Unsaid, says_why_not
from ...wording import percent, plural
from ..purchase_model import fit_all, rfm
from .shown_events import fit_to_be_shown

KINDS = ("complaint", "refusal", "return", "exit")
COMPLAINT, SURVEY, RETURN, SALE = "complaint", "survey", "return", "sale"
MOST_COMPARABLE = 10_000  # customers, drawn by the seed, who are looked at every few days
FEWEST = 10  # customers compared, from which on a difference is taken for more than a few people's ways


class Base(NamedTuple):
    """What every comparison needs.

    Attributes
    ----------
    days : polars.DataFrame
        One row a customer and day with a purchase, of those to whom something happened and those looked at besides.
    silent : polars.DataFrame
        customer, silent: whether the customer is gone by `as_of`; `gone_means` says when.
    comparable : polars.DataFrame
        Every sixth day of (a sample of) all customers, with their history up to it, and silent.
    """

    days: pl.DataFrame
    silent: pl.DataFrame
    comparable: pl.DataFrame


def happened(chapter: Chapter) -> tuple[pl.DataFrame, str]:
    """Return what happened to customers that may make them leave, and where returns were taken from.

    Returns
    -------
    polars.DataFrame
        customer, date, kind (of `KINDS`), reason (null where none is recorded; one that tells who somebody is isn't
        shown unless the parameters ask for it).
    str
        ``events``, ``ledger`` or empty.
    """
    schema = {"customer": pl.String, "date": pl.Date, "kind": pl.String, "reason": pl.String}
    rows = pl.DataFrame(schema=schema)
    if chapter.events is not None:
        events = chapter.events.filter(pl.col("kind").is_in(KINDS))
        reason = "reason" if "reason" in events.columns else pl.lit(None, pl.String).alias("reason")
        rows = events.select("customer", "date", "kind", reason)
        rows = rows.with_columns(fit_to_be_shown(chapter, rows["reason"]))
    if (rows["kind"] == RETURN).any():
        return rows, "events"
    returned = chapter.ledger.filter(pl.col("kind") == RETURN)
    if returned.is_empty():
        return rows, ""
    of_the_ledger = returned.select(
        "customer", pl.col("date").dt.date(), kind=pl.lit(RETURN), reason=pl.lit(None, pl.String)
    )
    return pl.concat([rows, of_the_ledger.unique(maintain_order=True)]), "ledger"


@says_why_not
def base_of(chapter: Chapter) -> Base:
    """Gather what the comparisons of this part need, once."""
    if not _anything(chapter):
        raise CannotSay(
            "Complaints, refusals, returns, exit surveys and answers on satisfaction are not recorded for this base, "
            "so why customers leave, and whether the satisfied stay, can't be said. A table of events in the parameter "
            "file would tell (section events: customer, date, kind, reason, score)."
        )
    # as it was then: a purchase counts even where it was returned later
    sales = chapter.ledger.filter(pl.col("kind") == SALE).select("customer", "date", "amount")
    customers = sales["customer"].unique().sort()
    silent = _silent(chapter, customers)
    if len(customers) > MOST_COMPARABLE:
        chosen = np.random.default_rng(chapter.parameters.seed).choice(len(customers), MOST_COMPARABLE, replace=False)
        customers = customers.gather(np.sort(chosen))
    concerned = [happened(chapter)[0]["customer"]]
    if chapter.events is not None:
        concerned.append(chapter.events.filter(pl.col("kind") == SURVEY)["customer"])
    looked_at = pl.concat([customers, *concerned]).unique()
    days = purchase_days(sales.join(looked_at.to_frame(), on="customer", how="semi"))
    moments = regular_moments(customers, chapter.first_day, chapter.as_of)
    return Base(days, silent, histories(days, moments).join(silent, on="customer", maintain_order="left"))


def _anything(chapter: Chapter) -> bool:
    if not happened(chapter)[0].is_empty():
        return True
    return chapter.events is not None and (chapter.events["kind"] == SURVEY).any()


def _silent(chapter: Chapter, customers: pl.Series) -> pl.DataFrame:
    """Return who is gone, as `gone_means` says it.

    Whose every purchase was returned is nobody's customer, and counts as gone.
    """
    given = chapter.parameters
    summary = rfm(chapter)
    model = fit_all(summary)
    if isinstance(model, Unsaid):
        raise CannotSay(model.reason)
    alive = model.conditional_probability_alive(summary["frequency"], summary["recency"], summary["T"])
    # the model lets nobody leave before a second purchase
    days_since_first = (summary["T"] * DAYS_PER_UNIT[given.time_unit]).round()
    once_long_ago = (summary["frequency"] == 0) & (days_since_first > given.active_days)
    gone = (np.asarray(alive) < given.alive_limit) | once_long_ago.to_numpy()
    found = pl.DataFrame({"customer": summary["customer"].to_list(), "silent": gone})
    if _leaving_is_recorded(chapter):
        left = chapter.particulars.select("customer", has_left=pl.col(LEFT) <= chapter.as_of)  # type: ignore[union-attr]
        found = found.join(left, on="customer", how="left", maintain_order="left")
        found = found.with_columns(pl.col("silent") | pl.col("has_left").fill_null(value=False))
    found = customers.to_frame().join(found, on="customer", how="left", maintain_order="left")
    return found.select("customer", pl.col("silent").fill_null(value=True))


def _leaving_is_recorded(chapter: Chapter) -> bool:
    return chapter.particulars is not None and LEFT in chapter.particulars.columns


def gone_means(chapter: Chapter) -> str:
    """Say whom this part of the chapter calls gone."""
    given = chapter.parameters
    recorded = ", or left by the customers' table" if _leaving_is_recorded(chapter) else ""
    return (
        f"gone: by the purchase model less than {percent(given.alive_limit)} likely to be a customer still, or one "
        f"purchase only and that more than {plural(given.active_days, 'day')} ago{recorded}"
    )


def followed_until(chapter: Chapter) -> dt.date:
    """Return the last day whose happenings can be followed for `active_days`."""
    return chapter.as_of - dt.timedelta(days=chapter.parameters.active_days)
