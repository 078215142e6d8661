"""What happens around the orders: complaints, refusals, surveys, contacts, and spending on customers."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl

from .chance import pick
from .segments import CHANNELS, FIRST_DAY, LAST_DAY, RETENTION
from .trade import MONEY
from .trading_days import DAYS, open_day_from

COMPLAINTS = ("брак", "срок поставки", "не тот размер", "ошибка в документах", "грубость")
REFUSALS = ("цена", "срок поставки", "качество", "ушёл к конкуренту", "закрыл дело", "объект закончен")
CONTACTS = ("звонок", "встреча", "письмо")
DAYS_BETWEEN_CONTACTS = {"retail": 0, "installer": 260, "dealer": 75, "builder": 75, "key": 30}


def draw_events(people: pl.DataFrame, lines: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """Draw what customers said and did beside buying.

    Returns are complained about; whoever is lost complained more, answered surveys worse, and often said why.

    Returns
    -------
    polars.DataFrame
        event (number), customer, date, kind (complaint, refusal, survey or contact), reason (of a complaint or a
        refusal; the way of a contact), score (0 to 10, of a survey); by date.
    """
    events: list[dict[str, Any]] = []

    def happened(customer: str, day: dt.date, kind: str, reason: str | None = None, score: int | None = None) -> None:
        day = open_day_from(day)
        if FIRST_DAY <= day <= LAST_DAY:
            events.append({"customer": customer, "date": day, "kind": kind, "reason": reason, "score": score})

    def days(number: int) -> dt.timedelta:
        return dt.timedelta(int(random.integers(number)))

    for line in lines.filter(pl.col("kind") == "return").iter_rows(named=True):
        if random.random() < 0.6:
            happened(line["customer"], line["date"], "complaint", pick(random, COMPLAINTS, (5, 1, 3, 0.5, 0.5)))
    bought = lines.group_by("customer").agg(first=pl.col("date").min(), last=pl.col("date").max())
    span = {row["customer"]: row for row in bought.iter_rows(named=True)}
    for person in people.iter_rows(named=True):
        name, segment = person["customer"], person["segment"]
        if name not in span:
            happened(name, person["acquired"] + days(30), "refusal", pick(random, REFUSALS, (5, 2, 1, 2, 0, 1)))
            continue
        first, last, is_lost = span[name]["first"], span[name]["last"], not person["alive"]
        if random.random() < (0.25 if is_lost and segment != "retail" else 0.03):
            happened(name, last + days(30), "complaint", pick(random, COMPLAINTS, (2, 4, 1, 1, 2)))
        if random.random() < (0.1 if segment == "retail" else 0.5) * is_lost:
            reasons = (4, 3, 2, 4, 1, 3 if segment in ("builder", "retail") else 0)
            happened(name, last + dt.timedelta(30) + days(90), "refusal", pick(random, REFUSALS, reasons))
        elif random.random() < 0.05:
            happened(name, first + days(max((last - first).days, 1)), "refusal", "цена")
        for year in range(first.year, LAST_DAY.year + 1):
            asked = dt.date(year, 11, 10) + days(20)
            if first < asked <= last + dt.timedelta(200) and random.random() < (0.15 if segment == "retail" else 0.5):
                score = random.normal(6.3 if is_lost else 8.4, 1.8) - 0.4 * (person["demanding"] - 3)
                happened(name, asked, "survey", score=int(np.clip(round(score), 0, 10)))
        if DAYS_BETWEEN_CONTACTS[segment]:
            kept_up = (min(last + dt.timedelta(180), LAST_DAY) - first).days
            for _ in range(random.poisson(kept_up / DAYS_BETWEEN_CONTACTS[segment])):
                happened(name, first + days(max(kept_up, 1)), "contact", pick(random, CONTACTS, (5, 3, 2)))
    drawn = pl.DataFrame(events, schema_overrides={"score": pl.Int64}, infer_schema_length=None)
    return drawn.sort("date", "customer", maintain_order=True).with_row_index("event")


def draw_spending(people: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """Draw what was spent each month on winning customers, by channel, and on keeping them.

    Returns
    -------
    polars.DataFrame
        date (the first of the month), purpose (acquisition or retention), channel, amount (roubles, exact).
    """
    won: dict[tuple[int, int, str], int] = defaultdict(int)
    for person in people.iter_rows(named=True):
        won[person["acquired"].year, person["acquired"].month, person["channel"]] += 1
    spent = []
    for month in range(12 * (LAST_DAY.year - FIRST_DAY.year + 1)):
        day = dt.date(FIRST_DAY.year + month // 12, month % 12 + 1, 1)
        dearer = 1.08 ** (month / 12)
        for channel, *_, budget in CHANNELS:
            fixed = budget * dearer * random.lognormal(0, 0.15)
            each = won[day.year, day.month, channel] * budget * 0.12
            spent.append({"date": day, "purpose": "acquisition", "channel": channel, "amount": round(fixed + each, 2)})
        for channel, budget in RETENTION:
            growing = 0.5 + min(1.0, 30 * month / DAYS)
            fixed = budget * dearer * growing * random.lognormal(0, 0.1)
            spent.append({"date": day, "purpose": "retention", "channel": channel, "amount": round(fixed, 2)})
    return pl.DataFrame(spent).with_columns(pl.col("amount").round(2).cast(MONEY))
