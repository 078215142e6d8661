"""The table `key_accounts`: who is one, whom the business depends on, and who of them has gone silent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models.key_accounts import against_own_rhythm, key_accounts
from models.rfm import DAYS_PER_UNIT

from ...chapter import Chapter
from ...unsaid import Unsaid
from ..purchase_model import fit_all
from .key_account_standing import Standing, standing

TABLE = (
    *("customer", "share", "criteria", "dependency", "manager", "revenue", "profit"),
    *("department", "share_of_department", "share_of_manager", "dependent_manager"),
    *("silent", "days_silent", "longest_gap", "overdue_since", "value_if_alive"),
)


def rhythm(values: pd.DataFrame) -> BGNBD | Unsaid:
    """Fit the model that tells how long a silence is longer than a customer's own rhythm explains.

    Parameters
    ----------
    values : pandas.DataFrame
        The table `lifetime_value`, whose histories are those of every customer at `as_of`.
    """
    model: BGNBD | Unsaid = fit_all(values)
    return model


def accounts(chapter: Chapter, everybody: Standing, values: pd.DataFrame, model: BGNBD | Unsaid) -> pl.DataFrame:
    """Return the table `key_accounts`.

    Parameters
    ----------
    chapter : Chapter
    everybody : Standing
    values : pandas.DataFrame
        The table `lifetime_value`.
    model : BGNBD or Unsaid
        From `rhythm`; where there is none, nobody is called silent.

    Returns
    -------
    polars.DataFrame
        One row a key account, by share from the largest down; columns as in `TABLE`. share_of_manager is the largest
        share in any one manager's revenue, dependent_manager whose revenue that is, and department likewise.
        days_silent counts from the last purchase that stood, longest_gap is how many days without one the customer's
        own rhythm explains, and value_if_alive is what the customer is worth over the horizon if still one.
    """
    given = chapter.parameters
    kept = key_accounts(
        everybody.customers,
        share=given.key_account_share,
        score=given.key_account_score,
        potential=everybody.potential,
    )
    theirs = pl.from_pandas(values[values["customer"].isin(kept["customer"].to_list())], nan_to_null=True)
    limit = (
        np.full(theirs.height, np.nan)
        if isinstance(model, Unsaid)
        else model.overdue_after(theirs["frequency"].to_numpy(), theirs["recency"].to_numpy(), given.silence)
    )
    silence = against_own_rhythm(theirs, np.asarray(limit), DAYS_PER_UNIT[given.time_unit], chapter.as_of)
    worth = theirs.select("customer", value_if_alive())
    return (
        kept.join(silence, on="customer", how="left", maintain_order="left")
        .join(worth, on="customer", how="left", maintain_order="left")
        .select(*TABLE)
    )


def value_if_alive() -> pl.Expr:
    """Return what a customer is worth over the horizon if still one, from clv and p_alive."""
    alive = pl.col("p_alive")
    return pl.when(alive > 0).then(pl.col("clv").cast(pl.Float64) / alive).alias("value_if_alive")


def table_key_accounts(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `key_accounts` for a chapter that needs it."""
    values = chapter.table("lifetime_value")
    return accounts(chapter, standing(chapter), values, rhythm(values)).to_pandas()


def write_tables(chapter: Chapter, table: pl.DataFrame) -> None:
    """Write the table `key_accounts`."""
    # arrow's types, so that a column without any answer keeps its own
    chapter.write("key_accounts", table.to_pandas(use_pyarrow_extension_array=True))
