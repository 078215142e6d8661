"""How regularly customers buy: the local variation of the gaps between their purchases.

References
----------
Shinomoto, S., K. Shima & J. Tanji (2003). Differences in spiking patterns among cortical neurons. *Neural Computation*
15(12), 2823-2842 (the local variation of gaps, which a slow change of pace doesn't disturb).
"""

from __future__ import annotations

import pandas as pd
import polars as pl

from models.measured_traits import Measured, Trait, by_place, single

_CHANCE_OF_GAPS = 0.8  # variance of one term of the local variation where gaps are exponential: 9 (1/5 - 1/9)


def local_variation(days: pl.DataFrame, index: pd.Index) -> Measured:
    """Return the local variation of the gaps between days with a purchase: 1 where chance alone sets them.

    Half a day is taken off each gap, since whole days would make frequent buyers look regular.

    Parameters
    ----------
    days : polars.DataFrame
        One row a day with a purchase, sorted by customer and day: place (of the customer in `index`, from 0), day.
    index : pandas.Index
        The customers.

    Returns
    -------
    Measured
        The column ``rhythm``, 0 to 3; NaN of customers with fewer than two gaps. `number` counts pairs of gaps.
    """
    trait = Trait(
        "unevenness of the rhythm",
        "score",
        "rhythm",
        "in bursts",
        "at a regular pace",
        "How unlike neighbouring gaps between purchases are: 0 like clockwork, 1 by chance, up to 3 in bursts.",
    )
    gap = pl.col("day").diff().over("place").dt.total_days() - 0.5
    by_customer = (
        days.with_columns(gap=gap)
        .with_columns(before=pl.col("gap").shift(1).over("place"))
        .drop_nulls(["gap", "before"])
        .with_columns(variation=3 * ((pl.col("gap") - pl.col("before")) / (pl.col("gap") + pl.col("before"))) ** 2)
        .group_by("place")
        .agg(pl.col("variation").mean(), number=pl.len())
        .sort("place")
    )
    value, number = by_place(by_customer, index, "variation"), by_place(by_customer, index, "number", 0.0)
    return single("score", "rhythm", trait, index, value, number, _CHANCE_OF_GAPS)
