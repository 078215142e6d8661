"""Sums of money that come out the same whatever order their parts are added in."""

import polars as pl

EXACT = pl.Decimal(38, 10)


def exact_sum(name: str) -> pl.Expr:
    """Return the sum of a column, reckoned in decimals.

    A sum of floats depends on the order of its terms, and threads don't keep one: two runs would differ in the last
    digits, and a share that stands on a limit would fall now on this side of it, now on that. Decimals add up to the
    same in any order.

    Parameters
    ----------
    name : str
        A numeric column, of values below 10^28 in size; they count to the 10th decimal. Missing ones are left out.

    Returns
    -------
    polars.Expr
        The sum as Float64, named like the column; 0 of nothing.
    """
    return pl.col(name).cast(EXACT).sum().cast(pl.Float64)
