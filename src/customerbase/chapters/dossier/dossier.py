"""The steps of `dossier`: one customer, and everything that is known of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD, ladder, profitability
from models.alive_over_time import alive_over_time
from models.rfm import DAYS_PER_UNIT, purchase_days

from ...chapter import Chapter
from ...customer_lookup import FoundCustomer, find_customer
from ...errors import CannotSay
from ...personal_data import HIDDEN, personal_values, without_personal_data
from ...store import read_table
from ...unsaid import says_why_not
from ...wording import printable
from .. import profit, purchase_model
from ..portrait.ladder import why_nobody_left

YEAR = 365  # days
HISTORY = ["frequency", "recency", "T"]
COMPLAINT, CONTACT = "complaint", "contact"
COMPLAINT_DAYS = 90  # a complaint is remembered for so long
ONE_PURCHASE = "after one purchase the model can't tell who is gone"


@dataclass(frozen=True)
class Person:
    """One customer, and everything that is recorded of it.

    Attributes
    ----------
    found : FoundCustomer
        The key, and the one asked for.
    standing : dict
        What the table customers says, by column; what isn't known is left out.
    lines : polars.DataFrame
        The ledger's rows with profit.
    purchases : polars.DataFrame
        date, amount: one row for each day on which something was bought and kept.
    events : polars.DataFrame or None
        date, kind, and reason and score where there are; None where no events are recorded for anyone.
    particulars : dict or None
        What the customers' table says, by column; None where there is no such table.
    """

    found: FoundCustomer
    standing: dict[str, Any]
    lines: pl.DataFrame
    purchases: pl.DataFrame
    events: pl.DataFrame | None
    particulars: dict[str, Any] | None

    @property
    def key(self) -> str:
        """The customer's key, fit to be printed."""
        return printable(self.found.customer)

    @property
    def came_back(self) -> bool:
        """Whether there is a second day with a purchase: before that BG/NBD takes everybody for alive."""
        return self.purchases.height > 1

    @property
    def profit_known(self) -> bool:
        """Whether costs or a margin tell what the customer leaves."""
        return bool(self.lines["profit"].is_not_null().any())


@dataclass(frozen=True)
class NextPurchase:
    """When a customer who is still one buys next.

    Attributes
    ----------
    days, low, high : float
        Days from `as_of`: the median, and the interval's ends.
    p_alive : float
        Probability that the customer still is one.
    untold : str
        Why `p_alive` tells nothing; empty where it does.
    left : bool
        Whether the customer has probably left: `p_alive` tells, and is below the limit of the parameters.
    overdue_since : datetime.date or None
        From when on the silence was longer than the customer's own rhythm explains; None where it isn't.
    """

    days: float
    low: float
    high: float
    p_alive: float
    untold: str
    left: bool
    overdue_since: dt.date | None


@dataclass(frozen=True)
class Complaint:
    """A customer's last complaint.

    Attributes
    ----------
    date : datetime.date
    reason : str
        As recorded, fit to be printed; empty where none is, or it isn't shown.
    spoken_since : datetime.date or None
        The last day after it with a contact; None where there is none.
    """

    date: dt.date
    reason: str
    spoken_since: dt.date | None


def everybody(chapter: Chapter) -> pl.DataFrame:
    """Return the table customers, which a run without the playbook lacks until its first dossier needs it."""
    kept = read_table(chapter.folder, "customers") if chapter.in_run else None
    if kept is not None:
        return kept
    table = chapter.table("customers")
    if chapter.in_run:
        chapter.write("customers", table)
    return pl.from_pandas(table, nan_to_null=True)


def find(chapter: Chapter, customers: pl.DataFrame) -> Person:
    """Find the customer that the parameters name, or else the one of the highest lifetime value.

    Raises
    ------
    Refusal
        Where there is no such customer.
    """
    given = chapter.parameters
    key = given.customer or _most_valuable(customers)
    found = find_customer(key, customers["customer"], chapter.identities, show_personal_data=given.show_personal_data)
    bought = chapter.purchases.filter(pl.col("customer") == found.customer)
    return Person(
        found,
        _record(_of(found.customer, customers)),
        _of(found.customer, profit.ledger_lines(chapter, dt.date.min, chapter.as_of)),
        purchase_days(bought).select("date", "amount"),
        _events(chapter, found.customer),
        None if chapter.particulars is None else _record(_of(found.customer, chapter.particulars)),
    )


def _events(chapter: Chapter, customer: str) -> pl.DataFrame | None:
    """Return what happened with a customer, in order; words that name somebody only where that may be shown."""
    if chapter.events is None:
        return None
    events = _of(customer, chapter.events).sort("date", maintain_order=True)
    if chapter.parameters.show_personal_data or events.is_empty():
        return events
    known = set() if chapter.particulars is None else personal_values(chapter.particulars)
    for name in {"kind", "reason"} & set(events.columns):
        cells = events.select(source=pl.lit(name), as_read=name)
        events = events.with_columns(without_personal_data(cells, {name: {name: name}}, known)["as_read"].alias(name))
    return events


def _most_valuable(customers: pl.DataFrame) -> str:
    by, falling = ["clv", "revenue", "customer"], [True, True, False]
    return str(customers.sort(by, descending=falling, nulls_last=True)["customer"][0])


def _of(customer: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("customer") == customer)


def _record(rows: pl.DataFrame) -> dict[str, Any]:
    return {name: value for row in rows.rows(named=True) for name, value in row.items() if not pd.isna(value)}


def fit(customers: pl.DataFrame) -> Any:
    """Fit the model of purchases to everybody's history; an `Unsaid` where it can't be."""
    return purchase_model.fit_all(customers.select(HISTORY).drop_nulls().to_pandas())


@says_why_not
def follow(chapter: Chapter, person: Person, model: BGNBD) -> pd.DataFrame:
    """Follow the probability of being alive, and the rung, from the first purchase on.

    Returns
    -------
    pandas.DataFrame
        As `models.alive_over_time.alive_over_time`, with rung. p_alive is missing where the model has run to a limit,
        as it is for the ladder.

    Notes
    -----
    Purchases that were returned later count on no day, and the customers' table has no history: who buys only here,
    and who brought others, is as recorded today.
    """
    if person.purchases.is_empty():
        raise CannotSay("Everything this customer bought was returned, so there is no purchase to follow.")
    path = alive_over_time(model, person.purchases["date"].to_list(), chapter.as_of, chapter.parameters.time_unit)
    if why_nobody_left(model):
        path["p_alive"] = np.nan
    histories = pl.from_pandas(path).with_columns(purchases=pl.col("frequency") + 1, **_loyalty(chapter, person))
    path["rung"] = ladder.rungs(histories, alive_limit=chapter.parameters.alive_limit).to_numpy()
    return path


def _loyalty(chapter: Chapter, person: Person) -> dict[str, pl.Expr]:
    told = None
    if chapter.particulars is not None:
        everyone = ladder.loyalty(chapter.particulars, adherent_share=chapter.parameters.adherent_share)
        told = _record(_of(person.found.customer, everyone))
    return {name: pl.lit((told or {}).get(name), pl.Boolean) for name in ("adherent", "advocate")}


@says_why_not
def next_purchase(chapter: Chapter, person: Person, model: BGNBD) -> NextPurchase:
    """Return when the next purchase is due, if the customer still is one."""
    if person.purchases.is_empty():
        raise CannotSay("Everything this customer bought was returned, so no next purchase can be forecast.")
    given = chapter.parameters
    frequency, recency, age = (person.standing[name] for name in HISTORY)
    p_alive = float(model.conditional_probability_alive(frequency, recency, age)[0])
    unit = DAYS_PER_UNIT[given.time_unit]
    ends = (0.5, (1 - given.interval) / 2, (1 + given.interval) / 2)
    # the chance of being alive taken out: with probability q of a living customer's next purchase
    days, low, high = (
        unit * float(model.time_of_next_purchase(end * p_alive, frequency, recency, age)) for end in ends
    )
    since = unit * (float(model.overdue_after(frequency, recency, given.silence)) - age)
    without_model = why_nobody_left(model)
    is_overdue = since < 0 and not without_model
    overdue = chapter.as_of + dt.timedelta(days=int(np.ceil(since))) if is_overdue else None
    untold = without_model or ("" if person.came_back else ONE_PURCHASE)
    return NextPurchase(days, low, high, p_alive, untold, not untold and p_alive < given.alive_limit, overdue)


def complaint(chapter: Chapter, person: Person) -> Complaint | None:
    """Return the last complaint of the last 90 days; None where there is none."""
    if person.events is None:
        return None
    recent = person.events.filter(
        pl.col("kind") == COMPLAINT, pl.col("date") > chapter.as_of - dt.timedelta(days=COMPLAINT_DAYS)
    )
    if recent.is_empty():
        return None
    last = recent.row(-1, named=True)
    spoken = person.events.filter(pl.col("kind") == CONTACT, pl.col("date") > last["date"])
    reason = last.get("reason") or ""
    return Complaint(
        last["date"], "" if reason == HIDDEN else printable(reason), None if spoken.is_empty() else spoken["date"][-1]
    )


def terms(chapter: Chapter, person: Person) -> pd.DataFrame:
    """Return revenue down to profit: the last 365 days, the 365 before, and in all.

    Returns
    -------
    pandas.DataFrame
        One row for each of the three, named by its index; the columns of `models.profitability.customer_profit`.
    """
    today = chapter.as_of
    ends = {
        "last 365 days": (today - dt.timedelta(days=YEAR - 1), today),
        "365 days before": (today - dt.timedelta(days=2 * YEAR - 1), today - dt.timedelta(days=YEAR)),
        "in all": (dt.date.min, today),
    }
    return pd.concat([_earned(chapter, person, *days).rename({0: name}) for name, days in ends.items()])


def _earned(chapter: Chapter, person: Person, first: dt.date, last: dt.date) -> pd.DataFrame:
    lines = person.lines.filter(pl.col("date").dt.date().is_between(first, last))
    contacts = profit.contacts(chapter, first, last)
    given = chapter.parameters
    earned = profitability.customer_profit(
        lines,
        order_cost=given.order_cost,
        contacts=None if contacts is None else _of(person.found.customer, contacts),
        contact_cost=given.contact_cost,
    ).to_pandas()
    return earned if len(earned) else earned.reindex([0])
