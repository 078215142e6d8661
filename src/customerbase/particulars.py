"""What the customers' table says of each customer, in figures and yes or no."""

from __future__ import annotations

import polars as pl

from .ledger.answers import SCORES, SHARES, read_answers
from .ledger.numbers import spreadsheet_keys
from .ledger.side_tables import last_day_of_all

KEY, UPDATED, CONSENT, REFERRER = "customer", "updated", "consent", "referred_by"
JOINED, LEFT = "joined", "left"


def particulars_of(customers: pl.DataFrame, identities: pl.DataFrame | None) -> pl.DataFrame:
    """Return one row a customer, the records that are one customer taken together.

    Parameters
    ----------
    customers : polars.DataFrame
        The customers' table, one row a key; see `customerbase.ledger.side_tables.read_customers`.
    identities : polars.DataFrame or None
        Who is who: customer (key of a record), person (the key that stands for the customer). None: every record is a
        customer of its own.

    Returns
    -------
    polars.DataFrame
        customer (the person's key), and the columns of `customers` with the types that
        `customerbase.ledger.answers.read_answers` gives them; sorted by customer. `referred_by` holds the person's key
        of who sent the customer; null where that is the customer itself. Of several records of one customer count: of
        consent any no, of other answers yes or no any yes, the latest day of `updated`, the earliest of `joined`, of
        `left` the latest once all of them have left, of scores, money and shares that of the record touched last, the
        largest where that isn't known, and of text the first there is, beginning with the record touched last.
    """
    persons = None if identities is None else identities.select(KEY, "person")
    answers, _ = read_answers(customers.select(pl.col(pl.String).exclude(KEY, UPDATED)))
    rows = customers.with_columns(*answers, _persons(customers[KEY], persons))
    if REFERRER in rows.columns and REFERRER != KEY:
        referrers = _persons(spreadsheet_keys(rows[REFERRER])[0].alias(KEY), persons).alias(REFERRER)
        rows = rows.with_columns(referrers.set((referrers == rows[KEY]).fill_null(False), None))
    several = rows[KEY].is_duplicated()
    single = rows.filter(~several)
    if not several.any():
        return single.sort(KEY)
    return pl.concat([single, _taken_together(rows.filter(several))]).sort(KEY)


def _persons(keys: pl.Series, persons: pl.DataFrame | None) -> pl.Series:
    if persons is None:
        return keys
    found = pl.DataFrame({KEY: keys}).join(persons, on=KEY, how="left", maintain_order="left")
    return found.select(pl.coalesce("person", KEY).alias(KEY))[KEY]


def _taken_together(rows: pl.DataFrame) -> pl.DataFrame:
    if UPDATED in rows.columns:
        rows = rows.sort(UPDATED, descending=True, nulls_last=True, maintain_order=True)
    return rows.group_by(KEY, maintain_order=True).agg(
        _of_several(name, dtype, UPDATED in rows.columns) for name, dtype in rows.schema.items() if name != KEY
    )


def _of_several(name: str, dtype: pl.DataType, is_dated: bool) -> pl.Expr:
    values = pl.col(name)
    if name == CONSENT:
        return values.min()  # 'no' stands before 'yes'
    if dtype == pl.Boolean or name == UPDATED:
        return values.max()
    if name == JOINED:
        return values.min()
    if name == LEFT:
        return last_day_of_all(name)
    if name in (*SHARES, *SCORES):
        by = [UPDATED, name] if is_dated else [name]
        return values.sort_by(by, descending=True, nulls_last=True).drop_nulls().first()
    return values.drop_nulls().first()
