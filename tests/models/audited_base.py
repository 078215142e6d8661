"""A base for the lenses of a customer-base audit, small enough to be worked out by hand."""

import datetime as dt

import polars as pl

from models.customer_base_audit import customer_days
from models.periods import Period

#: Half of every amount is profit. `s` and `t` share a first day; u's only purchase was given back, w's first one.
#:
#:                2023                                     2024
#:     s   10 Jan: 60 + 40 (one purchase)           5 Mar: 300
#:     t   10 Jan: 50, 3 Feb: 150                   nothing
#:     u   4 May: 80, 6 May: -80                    nothing
#:     v   nothing                                  1 Apr: 70, 2 Apr: 30, 9 Apr: -20
#:     w   1 Jun: 10, 3 Jun: -10                    7 Aug: 500
#:     x   (2022: 1 Dec: 25)                        8 Aug: 75
LINES = [
    ("x", "2022-12-01", 25.0),
    ("s", "2023-01-10", 60.0),
    ("s", "2023-01-10", 40.0),
    ("t", "2023-01-10", 50.0),
    ("t", "2023-02-03", 150.0),
    ("u", "2023-05-04", 80.0),
    ("u", "2023-05-06", -80.0),
    ("w", "2023-06-01", 10.0),
    ("w", "2023-06-03", -10.0),
    ("s", "2024-03-05", 300.0),
    ("v", "2024-04-01", 70.0),
    ("v", "2024-04-02", 30.0),
    ("v", "2024-04-09", -20.0),
    ("w", "2024-08-07", 500.0),
    ("x", "2024-08-08", 75.0),
]
RETURNED_IN_FULL = {("u", "2023-05-04"), ("w", "2023-06-01")}
YEAR_2023 = Period(dt.date(2023, 1, 1), dt.date(2023, 12, 31))
YEAR_2024 = Period(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
END = dt.date(2024, 12, 31)


def frame(rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    """Return rows of customer, date and amount as lines, half of each amount being profit."""
    lines = pl.DataFrame(rows, schema=["customer", "date", "amount"], orient="row")
    return lines.with_columns(pl.col("date").str.to_date(), profit=pl.col("amount") / 2)


def days_of_base() -> pl.DataFrame:
    """Return `customer_days` of the base."""
    bought = [row for row in LINES if row[2] > 0 and row[:2] not in RETURNED_IN_FULL]
    return customer_days(frame(LINES), frame(bought))
