"""Who is a key account, and by which criteria, in `07_key_accounts`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from models.key_accounts import CRITERIA

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import says_why_not
from ...wording import NOT_RECORDED, count, if_known, key, money, percent, tenths
from ..profit import total
from .key_account_standing import Standing, window
from .key_account_words import SHOWN, other_spellings


def criteria_table(chapter: Chapter, everybody: Standing, table: pl.DataFrame) -> ShownTable:
    """Show each criterion with its number, how many customers meet it, and what they bring."""
    rows = [_criterion(chapter, everybody, table, name) for name in CRITERIA]
    rows.append({"criterion": "any of these", "from": "", **_group(table)})
    columns: Columns = {
        "criterion": ("criterion", str),
        "from": ("met from", str),
        "customers": ("key accounts", str),
        "share": ("share of revenue", str),
    }
    return show_table(pd.DataFrame(rows), f"Who is a key account, {everybody.days}", columns)


def _criterion(chapter: Chapter, everybody: Standing, table: pl.DataFrame, name: str) -> dict[str, str]:
    if name in everybody.unjudged:
        return {"criterion": name, "from": everybody.unjudged[name], "customers": "", "share": ""}
    met = table.filter(pl.col("criteria").str.split(", ").list.contains(name))
    return {"criterion": name, "from": _met_from(chapter, everybody, name), **_group(met)}


def _group(rows: pl.DataFrame) -> dict[str, str]:
    return {"customers": count(rows.height), "share": tenths(total(rows["share"].fill_null(0.0)))}


def _met_from(chapter: Chapter, everybody: Standing, name: str) -> str:
    given = chapter.parameters
    if name.endswith("revenue"):
        part = name.split()[0]
        whose = {"company": "all revenue"}.get(
            part, f"the revenue of a {part}{other_spellings(everybody.respelt.get(part, 0))}"
        )
        return f"{percent(given.key_account_share)} of {whose}"
    if everybody.customers.schema[name] == pl.Boolean:
        return "a yes in the customers' table"
    if name == "potential":
        limit = money(everybody.potential or np.nan, given.currency)
        return f"{limit} a year, {percent(given.key_account_share)} of our revenue"
    return f"a score of {given.key_account_score:g}"


@says_why_not
def account_table(chapter: Chapter, table: pl.DataFrame) -> ShownTable:
    """Show the key accounts, the largest first."""
    if table.is_empty():
        raise CannotSay("No customer meets a criterion of a key account, so there is none to list.")
    currency = chapter.parameters.currency
    shown = table.head(SHOWN).to_pandas()
    shown["of_department"] = _of_part(shown, "department", "department")
    shown["of_manager"] = _of_part(shown, "manager", "dependent_manager")
    columns: Columns = {
        "customer": ("customer", key),
        "share": ("share of revenue", tenths),
        "dependency": ("dependency", str),
        "criteria": ("criteria met", str),
        "manager": ("manager", if_known(key, NOT_RECORDED)),
        "revenue": (f"revenue ({currency})", count),
        "profit": (f"profit ({currency})", if_known(count, NOT_RECORDED)),
        "of_department": ("largest share of a department", str),
        "of_manager": ("largest share of a manager", str),
    }
    which = (
        f"The {count(SHOWN)} largest of {count(table.height)} key accounts" if table.height > SHOWN else "Key accounts"
    )
    return show_table(shown, f"{which}, {window(chapter)}", columns)


def _of_part(rows: pd.DataFrame, part: str, named: str) -> list[str]:
    return [
        NOT_RECORDED if pd.isna(share) else f"{tenths(share)} ({key(name)})"
        for share, name in zip(rows[f"share_of_{part}"], rows[named], strict=True)
    ]
