"""`07_key_accounts` step by step, on ledgers given as rows."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from customerbase.chapter import Chapter
from customerbase.chapters.key_accounts import (
    key_account_concentration,
    key_account_dependency,
    key_account_findings,
    key_account_leaving,
    key_account_load,
    key_account_silence,
    key_account_standing,
    key_accounts,
)
from customerbase.chapters.lifetime_value import lifetime_value
from customerbase.chapters.purchase_model import fit_all, rfm
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid

AS_OF = dt.date(2024, 12, 30)
HEADER = "customer,date,amount,department,manager"


def accounts_of(make_base: Callable[..., Path], folder: Path) -> Callable[..., Chapter]:
    """Return a function that opens the chapter on a ledger and a customers' table."""

    def make(rows: list[tuple], header: str = HEADER, customers: str | None = None, **parameters: Any) -> Chapter:
        if customers is not None:
            file = folder / "customers.csv"
            file.write_text(customers, encoding="utf-8")
            columns = {column: column for column in customers.splitlines()[0].split(",")}
            parameters["customers"] = {"path": str(file), "columns": columns}
        written = "".join(",".join(map(str, row)) + "\n" for row in rows)
        base = make_base(written, header=header, **{"as_of": str(AS_OF), "quarantine_limit": 1.0} | parameters)
        return Chapter("07_key_accounts", read_parameters(base))

    return make


class Worked:
    """The whole chapter, step by step."""

    def __init__(self, chapter: Chapter) -> None:
        # no intervals, which take most of the time and aren't used here
        summary, unsure = rfm(chapter), Unsaid("not sampled")
        model, spend = fit_all(summary), lifetime_value.fit_spend(summary)
        self.values = lifetime_value.value(chapter, summary, model, spend, unsure, unsure).customers
        self.model: Any = key_accounts.rhythm(self.values)
        self.everybody = key_account_standing.standing(chapter)
        self.table = key_accounts.accounts(chapter, self.everybody, self.values, self.model)
        self.largest = key_account_dependency.largest_customers(self.everybody)
        self.periods = key_account_concentration.over_time(chapter)
        self.cases = key_account_leaving.if_they_leave(self.everybody)
        self.loads = key_account_load.load(chapter, self.everybody, self.table)
        self.silent = key_account_silence.silence(chapter, self.everybody, self.table, self.values, self.model)
        steps = (self.largest, self.periods, self.cases, self.loads, self.silent)
        found = key_account_findings.findings(chapter, self.everybody, self.table, *steps)
        self.stated = {finding.id: finding for finding in found.findings}

    def row(self, customer: str) -> dict:
        """Return a customer\'s row of the table."""
        return self.table.row(by_predicate=pl.col("customer") == customer, named=True)


def on_paper() -> list[tuple]:
    """Return a year's purchases of 10,000: North 9,000 and South 1,000; Ann 8,200 and Eve 1,800."""
    sold = [("big", 5000, "North", "Ann"), ("tenth", 1000, "North", "Ann")]
    sold += [(f"n{number:02d}", 60, "North", "Ann") for number in range(20)]
    sold += [("eves", 200, "North", "Eve"), *((f"e{number:02d}", 80, "North", "Eve") for number in range(20))]
    sold += [("south", 100, "South", "Ann"), *((f"s{number:02d}", 50, "South", "Ann") for number in range(18))]
    return [(who, f"2024-{1 + at % 12:02d}-01", *rest) for at, (who, *rest) in enumerate(sold)]


def weekly(customers: int = 30, weeks: int = 60) -> list[tuple]:
    """Return a base in which everybody buys at an own pace, for 8 to 12."""
    rows = []
    for number in range(customers):
        step = 1 + number % 7
        for week in range(number % 5, weeks, step):
            day = dt.date(2024, 12, 30) - dt.timedelta(weeks=weeks - 1 - week)
            rows.append((f"c{number:02d}", day, 8 + (number + week) % 5))
    return rows


def monthly(customer: str, year: int, amount: float) -> list[tuple]:
    """Return a purchase in every month of a year."""
    return [(customer, dt.date(year, month, 10), amount) for month in range(1, 13)]
