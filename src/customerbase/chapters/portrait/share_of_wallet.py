"""Share of wallet in `02_portrait`: what customers buy here of what they could, and what is left to win."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl

from models.ladder import RUNGS
from models.penetration import penetration

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, day, money, percent, plural
from ..first_line import first_line
from ..profit import customer_revenue
from .ladder import YEAR, Ladder

ALL = "all customers"
CUSTOMERS_SHOWN = 10
NO_POTENTIAL = (
    "What customers could buy is not recorded, so neither is their share of wallet: potential in the customers' table, "
    "in money a year, tells it."
)


@says_why_not
def share_of_wallet(chapter: Chapter) -> pd.DataFrame:
    """Return what each customer with a recorded potential buys of it, the most left to win first.

    Returns
    -------
    pandas.DataFrame
        As `models.penetration.penetration` returns it. A ledger shorter than a year is scaled to one.
    """
    particulars = chapter.particulars
    if particulars is None or "potential" not in particulars.columns:
        raise CannotSay(NO_POTENTIAL)
    if not particulars["potential"].dtype.is_numeric():
        raise CannotSay("Potential is recorded as yes or no; how much is left to win needs it in money a year.")
    days = min(YEAR.days, (chapter.as_of - first_line(chapter)).days + 1)
    last_year = customer_revenue(chapter, first=chapter.as_of - YEAR + dt.timedelta(days=1))
    bought = last_year.select("customer", amount=pl.col("revenue") * (YEAR.days / days))
    known = particulars.join(chapter.ledger, on="customer", how="semi").select("customer", "potential")
    found = penetration(bought, known)
    if found.is_empty():
        raise CannotSay(NO_POTENTIAL)
    return found.to_pandas()


def wallet_table(chapter: Chapter, ladder: Ladder, wallet: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show share of wallet by rung, the highest first.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(wallet, Unsaid):
        return None
    currency = chapter.parameters.currency
    rung = wallet["customer"].map(ladder.customers.set_index("customer")["rung"])
    sums = wallet.groupby(rung)[["bought", "potential", "left_to_win"]].sum()
    grouped = wallet.groupby(rung)["share"]
    frame = sums.assign(customers=grouped.size(), median=grouped.median())
    frame = frame.reindex([name for name in RUNGS[::-1] if name in frame.index])
    whole = wallet[["bought", "potential", "left_to_win"]].sum()
    frame.loc[ALL] = {**whole, "customers": len(wallet), "median": wallet["share"].median()}
    frame = frame.assign(share=frame["bought"] / frame["potential"]).rename_axis("rung").reset_index()
    columns: Columns = {
        "rung": ("rung", str),
        "customers": ("customers with a potential", count),
        "potential": (f"could buy a year ({currency})", count),
        "bought": (f"bought here ({currency})", count),
        "share": ("share of wallet", percent),
        "median": ("at the median", percent),
        "left_to_win": (f"left to win ({currency})", count),
    }
    return show_table(frame, f"Share of wallet in the year to {day(chapter.as_of)}", columns)


def state_findings(chapter: Chapter, wallet: pd.DataFrame | Unsaid, ladder: Ladder) -> None:
    """State how much of their potential customers buy here, and with whom the rest is."""
    if isinstance(wallet, Unsaid):
        chapter.state("share_of_wallet", wallet.reason, verdict="unknown")
        return
    currency = chapter.parameters.currency
    share = wallet["bought"].sum() / wallet["potential"].sum()
    most = wallet.head(CUSTOMERS_SHOWN)
    left = wallet["left_to_win"].sum()
    statement = (
        f"{plural(len(wallet), 'customer')} with a recorded potential {'buys' if len(wallet) == 1 else 'buy'} "
        f"{percent(share)} of it from us; "
        f"{money(left, currency)} a year is left to win"
    )
    if left > 0 and len(wallet) > len(most):
        statement += f", {percent(most['left_to_win'].sum() / left)} of it with {plural(len(most), 'customer')}"
    outgrown = int((wallet["share"] > 1).sum())
    if outgrown:
        statement += f". {plural(outgrown, 'customer')} bought more than the recorded potential: ask anew"
    only_here, less = _said_to_buy_only_here(chapter, wallet, ladder)
    if less:
        statement += (
            f". Of {count(only_here)} on record as buying only here, {count(less)} {'buys' if less == 1 else 'buy'} "
            f"less than {percent(chapter.parameters.adherent_share)} of the recorded potential: ask anew"
        )
    chapter.state("share_of_wallet", f"{statement}.", value=share, unit="share of potential")


def _said_to_buy_only_here(chapter: Chapter, wallet: pd.DataFrame, ladder: Ladder) -> tuple[int, int]:
    """Count who stands as an adherent or advocate and has a recorded potential, and those who buy too little of it."""
    rung = wallet["customer"].map(ladder.customers.set_index("customer")["rung"])
    share = wallet.loc[rung.isin(["adherent", "advocate"]), "share"]
    return len(share), int((share < chapter.parameters.adherent_share).sum())
