"""How values differ: the mean beside the median, and how many lie below the mean."""

import numpy as np
import polars as pl

from models.if_known import sum_if_known

SAME = 1e-9  # amounts that differ by less, in relation to their size, are the same sum added up in another order


def spread(values: np.ndarray) -> dict[str, float]:
    """Return mean, median, share strictly below the mean, and the 10th and 90th percentile of at least one value."""
    mean = float(values.mean())
    tenth, median, ninetieth = np.quantile(values, [0.1, 0.5, 0.9])
    return {
        "mean": mean,
        "median": float(median),
        # equal values can have a mean a hair above them
        "below_mean": float((values < mean - SAME * abs(mean)).mean()),
        "tenth": float(tenth),
        "ninetieth": float(ninetieth),
    }


def mean_if_known(name: str) -> pl.Expr:
    """Return the mean of a column; null where a value is."""
    return sum_if_known(name) / pl.len()


def median_if_known(name: str) -> pl.Expr:
    """Return the median of a column; null where a value is."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).median())


def below_mean_if_known(name: str) -> pl.Expr:
    """Return the share of rows below the mean, which equal values can lie a hair under; null like the mean."""
    limit = mean_if_known(name) - SAME * mean_if_known(name).abs()
    return pl.when(pl.col(name).null_count() == 0).then((pl.col(name) < limit).mean())
