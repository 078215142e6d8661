"""How much rests on one customer, in `07_key_accounts`."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from models.key_accounts import DAYS_A_YEAR, LEVELS

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, key, percent, tenths
from .key_account_standing import Standing

LARGEST_SHOWN = 10


@says_why_not
def largest_customers(everybody: Standing) -> pd.DataFrame:
    """Return the customers who bring most revenue, with what they bring together with those before them.

    Returns
    -------
    pandas.DataFrame
        The columns of `Standing.customers` and together; where other days count than the last 365, share_last_year
        and dependency_last_year too. attrs["days"] names the days that count.
    """
    if everybody.customers["share"].null_count():
        raise CannotSay("Revenue isn't above zero in the days that count, so no customer has a share in it.")
    top = everybody.customers.sort("share", "customer", descending=[True, False]).head(LARGEST_SHOWN)
    top = top.with_columns(pl.col("share").cum_sum().alias("together"))
    if everybody.last_year is not None:
        latest = everybody.last_year.select("customer", share_last_year="share", dependency_last_year="dependency")
        top = top.join(latest, on="customer", how="left", maintain_order="left")
    frame = top.to_pandas()
    frame.attrs["days"] = everybody.days
    return frame


def largest_table(chapter: Chapter, largest: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the customers who bring most revenue, and how dangerous that is.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(largest, Unsaid):
        return None
    columns: dict[str, tuple[str, Any]] = {
        "customer": ("customer", key),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "share": ("share of revenue", tenths),
        "together": ("with those above", tenths),
        "dependency": ("dependency", str),
    }
    if "share_last_year" in largest:
        columns["share_last_year"] = (f"share in the last {DAYS_A_YEAR} days", tenths)
        columns["dependency_last_year"] = ("dependency now", str)
    limits = ", ".join(
        f"{name} from {percent(limit)}"
        for name, limit in zip(LEVELS[1:], chapter.parameters.dependency_limits, strict=True)
    )
    return show_table(largest, f"The largest customers, {largest.attrs['days']}; dependency: {limits}", columns)
