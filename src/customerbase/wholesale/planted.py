"""Customers that the rules of practice must find: key accounts, a ruinous discount, a large customer gone silent.

What is planted replaces what was drawn, and draws nothing: everybody else stays as they were.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

HIGHEST_OF_OTHERS = {"reputation": 4, "demanding": 4}
POTENTIAL_OF_OTHERS = 20_000_000  # roubles a year, below a tenth of what the wholesaler sells in one

#: What is known of the customers who are key accounts by it; nobody else has as much of it.
STANDING: Mapping[str, Mapping[str, Any]] = {
    "P0524": {"potential": 160_000_000.0},
    "P0509": {"potential": 61_520_000.0},
    "P0520": {"potential": 63_200_000.0},
    "P0476": {"reputation": 5},
    "P0493": {"reputation": 5},
    "P0483": {"innovator": True, "demanding": 5},
    "P0490": {"innovator": True},
    "P0495": {"demanding": 5},
}
#: So large a discount, in per cents, that its dealer is sold to below cost.
DISCOUNTS = {"P0482": 40}
#: Who looks after some of the builders, so that no manager but one has more key accounts than can be held.
MANAGERS_OF = {"P0518": "Носов Г.", "P0519": "Носов Г.", "P0520": "Носов Г."}
#: Who sent whom: customer, and the earlier one who named the wholesaler to them.
REFERRALS = {"P0504": "P0484", "P0494": "P0504", "P0358": "P0476", "P0407": "P0476", "P0347": "P0496"}
#: A large dealer who ordered every other week, and the last day they did; what they would have ordered later, another
#: dealer of the same manager did.
FELL_SILENT, LAST_ORDER, TOOK_THEIR_PLACE = "P0485", dt.date(2025, 6, 30), "P0479"


def plant_standing(people: pl.DataFrame) -> pl.DataFrame:
    """Make few customers key accounts by what is known of them, and give discounts, managers and referrals."""
    halvings = (pl.col("potential") / POTENTIAL_OF_OTHERS).log(2).ceil().clip(lower_bound=0)
    people = people.with_columns(
        *(pl.col(name).clip(upper_bound=highest) for name, highest in HIGHEST_OF_OTHERS.items()),
        ((pl.col("potential") / 10_000 / 2**halvings).round() * 10_000).alias("potential"),
        pl.lit(False).alias("innovator"),
        _given("volume_discount", DISCOUNTS),
        _given("manager", MANAGERS_OF),
        _given("referred_by", REFERRALS),
    )
    return _with_standing(people)


def plant_knowledge(records: pl.DataFrame) -> pl.DataFrame:
    """Have the first record of each customer hold what was planted, even if nobody had asked.

    Who fell silent agreed to be called, in every record: otherwise there is nothing to be done about it.
    """
    again = records["is_duplicate"]
    known = pl.concat([_with_standing(records.filter(~again)), records.filter(again)]).sort("key")
    return known.with_columns(_given("consent", {FELL_SILENT: True}))


def _with_standing(people: pl.DataFrame) -> pl.DataFrame:
    names = sorted({name for standing in STANDING.values() for name in standing})
    return people.with_columns(
        _given(name, {customer: standing[name] for customer, standing in STANDING.items() if name in standing})
        for name in names
    )


def _given(name: str, values: Mapping[str, Any]) -> pl.Expr:
    given = pl.col("customer").replace_strict(values, default=None)
    return pl.coalesce(given, name).alias(name)


def plant_silence(people: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Say of the customer who fell silent that they are lost, and how many orders were made after all."""
    is_silent = pl.col("customer") == FELL_SILENT
    made = lines.filter(pl.col("kind") == "sale").group_by("customer").agg(pl.col("order").n_unique().alias("made"))
    return (
        people.join(made, on="customer", how="left", maintain_order="left")
        .with_columns(
            pl.col("made").fill_null(0).cast(people.schema["orders"]).alias("orders"),
            (pl.col("alive") & ~is_silent).alias("alive"),
            pl.when(is_silent).then(0).otherwise("orders_next_year").alias("orders_next_year"),
        )
        .drop("made")
    )


def given_to_another(lines: pl.DataFrame) -> pl.DataFrame:
    """Have another customer order what the one who fell silent would have; returns stay with their order."""
    placed = (pl.col("date").filter(pl.col("kind") == "sale").min() > LAST_ORDER).over("order")
    taken = (pl.col("customer") == FELL_SILENT) & placed.fill_null(False)
    return lines.with_columns(pl.when(taken).then(pl.lit(TOOK_THEIR_PLACE)).otherwise("customer").alias("customer"))


def without_the_silent(events: pl.DataFrame) -> pl.DataFrame:
    """Leave out what the customer who fell silent would have said and done since."""
    return events.filter((pl.col("customer") != FELL_SILENT) | (pl.col("date") <= LAST_ORDER))
