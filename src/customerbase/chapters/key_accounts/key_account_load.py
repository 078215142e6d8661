"""How many key accounts each manager holds, in `07_key_accounts`."""

from __future__ import annotations

import pandas as pd
import polars as pl

from models.key_accounts import load_by_manager

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, key, plural
from .key_account_standing import Standing
from .key_account_words import SHOWN, other_spellings


@says_why_not
def load(chapter: Chapter, everybody: Standing, table: pl.DataFrame) -> pd.DataFrame:
    """Return how many key accounts each manager holds; see `load_by_manager`.

    Names that differ by case and spaces only are one manager's; attrs["respelt"] says how many such spellings.
    """
    managers = everybody.customers["manager"].drop_nulls().unique().to_list()
    if not managers:
        raise CannotSay("Neither the ledger nor the customers' table names a manager, so load can't be told.")
    frame = load_by_manager(table, managers, chapter.parameters.key_accounts_per_manager).to_pandas()
    frame.attrs["respelt"] = everybody.respelt["manager"]
    return frame


def load_table(chapter: Chapter, loads: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show how many key accounts each manager holds.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(loads, Unsaid):
        return None
    columns: Columns = {
        "manager": ("manager", key),
        "key_accounts": ("key accounts", count),
        "revenue": (f"their revenue ({chapter.parameters.currency})", count),
        "too_many": ("too many", _blank_or_count),
        "room": ("room for", _blank_or_count),
    }
    limit = plural(chapter.parameters.key_accounts_per_manager, "key account")
    return show_table(
        loads.head(SHOWN), f"Load: a manager can hold {limit}{other_spellings(loads.attrs['respelt'])}", columns
    )


def _blank_or_count(value: float) -> str:
    return count(value) if value else ""
