"""Lens 1 of a customer-base audit: how different the customers of one period are."""

import numpy as np
import pandas as pd
import polars as pl

from models.customer_base_audit import buyers
from models.if_known import ratio, sum_if_known
from models.mean_and_median import SAME, spread
from models.profit_factors import Split


def typical_factors(customers: pl.DataFrame, factors: Split) -> pd.DataFrame:
    """Set beside two factors of `profit_factors.split`, which are means, what they are for the customer in the middle.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customer_base_audit.customers_of_period`; somebody bought.
    factors : Split
        Of the same customers.

    Returns
    -------
    pandas.DataFrame
        One row each for `purchases_each` and `value`, in the index: `median` over the customers who bought, and
        `below_mean`, the share of them who lie below the factor. The factor `value` is the mean over purchases, that
        of a customer the mean over theirs.
    """
    bought = buyers(customers)
    purchases = bought["purchases"].to_numpy()
    each = {"purchases_each": purchases, "value": bought["revenue"].to_numpy() / purchases}
    rows = {name: _against(values, getattr(factors, name)) for name, values in each.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["median", "below_mean"])


def _against(values: np.ndarray, mean: float) -> tuple[float, float]:
    return float(np.median(values)), float((values < mean - SAME * abs(mean)).mean())


def deciles(customers: pl.DataFrame, groups: int = 10) -> pd.DataFrame:
    """Cut the customers into equal groups by revenue, the largest first.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customer_base_audit.customers_of_period`.
    groups : int, default 10
        How many; their sizes differ by one at most. Ties are parted by the customer's key.

    Returns
    -------
    pandas.DataFrame
        `decile` from 1, and 0 for who returned and bought nothing, where there are such; `customers`, `revenue`,
        `share_of_revenue`, `profit`, `share_of_profit` (of the whole period's; NaN where the whole isn't above zero or
        not known), `purchases_each`, `value` (revenue a purchase), `margin` (profit over revenue). The rows add up to
        the period.

    Raises
    ------
    ValueError
        When fewer customers bought than there are groups.
    """
    others = customers.filter(pl.col("purchases") == 0).with_columns(pl.lit(0, pl.Int64).alias("decile"))
    everyone = pl.concat([_in_deciles(customers, groups), others], how="diagonal")
    return _shares(everyone, "decile").sort_values("decile", key=lambda d: d.replace(0, groups + 1), ignore_index=True)


def decile_spread(customers: pl.DataFrame, groups: int = 10) -> pd.DataFrame:
    """Describe the customers of each of the groups of `deciles`, the mean beside the median.

    Parameters
    ----------
    customers : polars.DataFrame
        See `customer_base_audit.customers_of_period`.
    groups : int, default 10

    Returns
    -------
    pandas.DataFrame
        `decile` from 1, and of `purchases` and `value` (revenue a purchase, of each customer) `*_mean`, `*_median` and
        `*_below_mean` (share of the group's customers strictly below its mean).

    Raises
    ------
    ValueError
        When fewer customers bought than there are groups.
    """
    ranked = _in_deciles(customers, groups).with_columns(value=pl.col("revenue") / pl.col("purchases"))
    rows = []
    for (decile,), group in ranked.group_by("decile", maintain_order=True):
        known = {name: spread(group[name].to_numpy()) for name in ("purchases", "value")}
        told = {f"{name}_{of}": known[name][of] for name in known for of in ("mean", "median", "below_mean")}
        rows.append({"decile": decile, **told})
    return pd.DataFrame(rows)


def _in_deciles(customers: pl.DataFrame, groups: int) -> pl.DataFrame:
    """Put those who bought into groups, the largest revenue first."""
    bought = buyers(customers)
    if bought.height < groups:
        raise ValueError(f"{groups} groups need as many customers who bought; there are {bought.height}.")
    ranked = bought.sort("revenue", "customer", descending=[True, False]).with_row_index("place")
    decile = (pl.col("place").cast(pl.Int64) * groups // bought.height + 1).alias("decile")
    return ranked.with_columns(decile).drop("place")


def _shares(customers: pl.DataFrame, group: str) -> pd.DataFrame:
    table = (
        customers.group_by(group)
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("purchases").sum(),
            sum_if_known("revenue"),
            sum_if_known("profit"),
        )
        .sort(group)
        .to_pandas()
    )
    table["profit"] = table["profit"].astype(float)
    for measure in ("revenue", "profit"):
        total = table[measure].sum(skipna=False)
        table[f"share_of_{measure}"] = table[measure] / total if total > 0 else np.nan
    table["purchases_each"] = table["purchases"] / table["customers"]
    table["value"] = ratio(table["revenue"], table["purchases"])
    table["margin"] = ratio(table["profit"], table["revenue"])
    return table.drop(columns="purchases")
