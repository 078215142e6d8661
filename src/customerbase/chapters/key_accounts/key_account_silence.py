"""Which key accounts have gone silent, and whom to call, in `07_key_accounts`."""

from __future__ import annotations

import pandas as pd
import polars as pl

from models import BGNBD

from ...chapter import Chapter
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, count, day, if_known, key, percent
from .key_account_standing import Standing
from .key_account_words import SHOWN, value_in_words


@says_why_not
def silence(
    chapter: Chapter, everybody: Standing, table: pl.DataFrame, values: pd.DataFrame, model: BGNBD | Unsaid
) -> pd.DataFrame:
    """Return the key accounts who have bought, those worth most if still customers first, and whom one may contact.

    Without a `model` of their rhythm the reason for that is the answer.

    Returns
    -------
    pandas.DataFrame
        The columns of the table `key_accounts`, p_alive, consent (yes, no, not recorded) and may_contact.
    """
    known = everybody.customers
    consent = pl.col("consent") if "consent" in known.columns else pl.lit(None, pl.String)
    allowed = ["yes"] if chapter.parameters.consent_required else ["yes", "not recorded"]
    bought = table.filter(pl.col("days_silent").is_not_null())
    alive = pl.DataFrame({name: values[name].to_numpy() for name in ("customer", "p_alive")})
    return (
        bought.join(known.select("customer", consent.fill_null("not recorded").alias("consent")), on="customer")
        .join(alive, on="customer", how="left")
        .with_columns(pl.col("consent").is_in(allowed).alias("may_contact"))
        .sort("value_if_alive", "revenue", "customer", descending=[True, True, False], nulls_last=True)
        .to_pandas()
    )


def call_table(chapter: Chapter, silent: pd.DataFrame | Unsaid) -> ShownTable | Unsaid | None:
    """Show whom to call today: silent for longer than their own rhythm explains, and not to be left alone.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(silent, Unsaid):
        return None
    called = silent[silent["silent"] & silent["may_contact"]]
    if called.empty:
        return Unsaid("Nobody is to be called today.")
    return _silent_table(chapter, called, "To be called today")


def left_alone_table(chapter: Chapter, silent: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show who has gone silent as well, and may not be contacted; nothing where there is nobody."""
    if isinstance(silent, Unsaid):
        return None
    left_alone = silent[silent["silent"] & ~silent["may_contact"]]
    if left_alone.empty:
        return None
    return _silent_table(chapter, left_alone, "Silent too, and not to be contacted")


def _silent_table(chapter: Chapter, rows: pd.DataFrame, caption: str) -> ShownTable:
    columns: Columns = {
        "customer": ("customer", key),
        "manager": ("manager", if_known(key, NOT_RECORDED)),
        "days_silent": ("days silent", count),
        "longest_gap": ("longest usual gap (days)", count),
        "overdue_since": ("overdue since", day),
        "p_alive": ("still a customer", percent),
        "value_if_alive": (
            f"{value_in_words(chapter)} if still a customer ({chapter.parameters.currency})",
            if_known(count, NOT_RECORDED),
        ),
        "consent": ("consent", str),
    }
    which = f", the first {count(SHOWN)} of {count(len(rows))}" if len(rows) > SHOWN else ""
    horizon = f"over the next {count(chapter.parameters.horizon_days)} days"
    return show_table(rows.head(SHOWN), f"{caption}{which}; worth {horizon}", columns)
