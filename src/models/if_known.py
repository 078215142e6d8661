"""Sums and ratios that stay unknown where what they are made of is: a part of a profit is not a profit."""

import pandas as pd
import polars as pl

from models.exact import exact_sum


def sum_if_known(name: str) -> pl.Expr:
    """Add a column up; with a null among its values the sum is null, since a part of a profit is not a profit."""
    return pl.when(pl.col(name).null_count() == 0).then(exact_sum(name)).alias(name)


def ratio(above: pd.Series, below: pd.Series) -> pd.Series:
    """Divide one column by another; NaN where there is nothing to divide by."""
    return above.astype(float) / below.astype(float).where(below != 0)
