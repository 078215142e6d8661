"""What the customers' table says of each customer, in figures and yes or no."""

from __future__ import annotations

import polars as pl


def particulars_of(customers: pl.DataFrame, identities: pl.DataFrame | None) -> pl.DataFrame:
    """Return one row a customer, the records that are one customer taken together."""
    raise NotImplementedError
