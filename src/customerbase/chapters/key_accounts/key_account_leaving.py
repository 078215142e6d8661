"""What goes if the largest customers leave, in `07_key_accounts`."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import polars as pl

from models.key_accounts import DAYS_A_YEAR, without_the_largest

from ...chapter import Chapter
from ...errors import CannotSay
from ...figures.key_accounts.key_account_leaving import WHO
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, count, key, money, percent, tenths
from .key_account_standing import Standing

VOLUME_DISCOUNT_LOST = "purchase volume discount lost, if the recorded discount is what their volume earns us"


@says_why_not
def if_they_leave(everybody: Standing) -> pl.DataFrame:
    """Return what goes with the largest customer, and with the largest three.

    Returns
    -------
    polars.DataFrame
        of_last_year (bool) before the columns of `without_the_largest`: the cases reckoned on the days that count
        and, where these are others and had revenue, those reckoned on the last 365 days.
    """
    if everybody.customers.height < 2:
        raise CannotSay("There is one customer only: should that one leave, nothing is left.")
    if everybody.customers["share"].null_count():
        raise CannotSay(
            "Revenue isn't above zero in the days that count, so what would go with the largest can't be told."
        )
    spans = [everybody.customers]
    if everybody.last_year is not None and not everybody.last_year["share"].null_count():
        spans.append(everybody.last_year)
    return pl.concat(
        without_the_largest(span, list(WHO)).select(pl.lit(bool(latest)).alias("of_last_year"), pl.all())
        for latest, span in enumerate(spans)
    )


def leaving_table(chapter: Chapter, everybody: Standing, cases: pl.DataFrame | Unsaid) -> ShownTable | None:
    """Show what goes with the largest customers, and what is left.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(cases, Unsaid):
        return None
    currency = chapter.parameters.currency
    facts = {_leavers(case): _loss(everybody, case, currency) for case in cases.iter_rows(named=True)}
    frame = pd.DataFrame(facts).rename_axis("what").reset_index()
    columns: Columns = {"what": ("", str)} | {name: (name, str) for name in facts}
    beside = f", and in the last {DAYS_A_YEAR} days" if cases["of_last_year"].any() else ""
    caption = f"What goes with the largest customers, reckoned on what they brought {everybody.days}{beside}"
    return show_table(frame, caption, columns)


def _leavers(case: dict) -> str:
    leave = f"{WHO[case['leave']]} leave{'s' if case['leave'] == 1 else ''}"
    return f"{leave}: last {DAYS_A_YEAR} days" if case["of_last_year"] else leave


def _loss(everybody: Standing, case: dict, currency: str) -> dict[str, str]:
    lost = _money(case["volume_discount"], currency)
    if case["volume_discount"] is not None and case["discounts_known"] < case["leave"]:
        lost += f" (of {count(case['discounts_known'])} of them)"
    return {
        "who": ", ".join(map(key, case["who"])),
        "revenue that goes": _part(case, "revenue", currency),
        "revenue left": money(case["revenue_left"], currency),
        "profit that goes": _part(case, "profit", currency),
        "profit left": _money(case["profit_left"], currency),
        "of the revenue left, the next largest brings": tenths(case["next_share"]),
        "volume we buy for them": _part(case, "cost", currency),
        "volume discount recorded of them": recorded_discounts(everybody, case["who"]),
        VOLUME_DISCOUNT_LOST: lost,
        "discounts given to them": _money(case["discount"], currency),
    }


def recorded_discounts(everybody: Standing, who: list[str]) -> str:
    """Return the volume discount recorded of each of these customers, in words."""
    if "volume_discount" not in everybody.customers.columns:
        return NOT_RECORDED
    recorded = dict(
        everybody.customers.filter(pl.col("customer").is_in(who)).select("customer", "volume_discount").rows()
    )
    return ", ".join(NOT_RECORDED if recorded[name] is None else percent(recorded[name]) for name in who)


def _part(case: Mapping[str, float | None], name: str, currency: str) -> str:
    lost, share = case[f"{name}_lost"], case[f"{name}_share"]
    return _money(lost, currency) + ("" if share is None else f" ({tenths(share)})")


def _money(amount: float | None, currency: str) -> str:
    return NOT_RECORDED if amount is None else money(amount, currency)
