"""The ladder of commitment: who stands on which rung, and who climbed or fell within a year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models import ladder as model_of_ladder
from models.ladder import LEFT, MOVES, RUNGS
from models.rfm import rfm_summary

from ..chapter import Chapter, up_to
from ..errors import CannotSay
from ..ledger.returns import NET, net_of_returns
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import count, day, money, number, percent, plural
from .purchase_model import fit_all, rfm

YEAR = dt.timedelta(days=365)
HISTORY = ("frequency", "recency", "T")
#: Rows of the ledger that are a purchase which returns have not wholly undone.
STOOD = (pl.col("kind") == "sale") & ((pl.col(NET) > 0) | (pl.col(NET) == pl.col("amount")))


@dataclass(frozen=True)
class Ladder:
    """Where customers stand.

    Attributes
    ----------
    customers : pandas.DataFrame
        The table `ladder`: customer, rung, rung_a_year_ago.
    unknown : tuple of str
        The rungs that this base doesn't record.
    without_model : str
        Why nobody who bought counts as having left; empty where the model of purchases tells who has.
    """

    customers: pd.DataFrame
    unknown: tuple[str, ...]
    without_model: str


def climb(chapter: Chapter, summary: pd.DataFrame, model: BGNBD | Unsaid) -> Ladder:
    """Put every customer of the ledger on a rung, today and a year ago.

    Parameters
    ----------
    chapter : Chapter
    summary : pandas.DataFrame
        As `purchase_model.rfm` returns it.
    model : BGNBD or Unsaid
        Fitted to it. The same model judges the histories as they stood a year ago.

    Notes
    -----
    The customers' table has no history, so who buys only here, and who brought others, is as recorded today.
    """
    given = chapter.parameters
    then = chapter.as_of - YEAR
    known = chapter.ledger.group_by("customer").agg(since=pl.col("date").dt.date().min())
    # a return of the year since then had undone nothing yet
    earlier = net_of_returns(up_to(chapter.ledger, then).drop(NET))
    loyalty = _loyalty(chapter)
    fitted, limit = None if isinstance(model, Unsaid) else model, given.alive_limit
    today = _on_rungs(known, pl.from_pandas(summary[["customer", *HISTORY]]), fitted, loyalty, limit)
    bought_then = rfm_summary(
        earlier.filter(STOOD).select("customer", pl.col("date").dt.date()), then, time_unit=given.time_unit
    )
    year_ago = _on_rungs(known.filter(pl.col("since") <= then), bought_then, fitted, loyalty, limit)
    table = today.join(year_ago, on="customer", how="left", suffix="_a_year_ago").sort("customer")
    return Ladder(
        table.to_pandas().astype(pd.StringDtype()),
        tuple(rung for rung in ("advocate", "adherent") if loyalty[rung].is_null().all()),
        model.reason if isinstance(model, Unsaid) else "",
    )


def table_ladder(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `ladder` for a chapter that needs it."""
    summary = rfm(chapter)
    return climb(chapter, summary, fit_all(summary)).customers


def write_tables(chapter: Chapter, ladder: Ladder) -> None:
    """Write the table `ladder`."""
    chapter.write("ladder", ladder.customers)


def by_rung(ladder: Ladder, earned: pl.DataFrame) -> pd.DataFrame:
    """Return the customers and the revenue of each rung; see `models.ladder.by_rung`.

    Parameters
    ----------
    ladder : Ladder
    earned : polars.DataFrame
        As `chapters.profit.customer_profit` returns it.

    Returns
    -------
    pandas.DataFrame
        The figures of a rung that isn't recorded are missing.
    """
    frame = model_of_ladder.by_rung(pl.from_pandas(ladder.customers), earned)
    figures = [name for name in frame.columns if name != "rung"]
    frame["customers"] = frame["customers"].astype(float)
    frame.loc[frame["rung"].isin(ladder.unknown), figures] = np.nan
    return frame


def rung_table(chapter: Chapter, ladder: Ladder, rungs: pd.DataFrame) -> ShownTable:
    """Show who stands on each rung, the highest first."""
    currency = chapter.parameters.currency
    columns: Columns = {
        "rung": ("rung", str),
        "means": ("who stands on it", str),
        "customers": ("customers", _recorded(count)),
        "share_of_customers": ("share of customers", _recorded(percent)),
        "revenue": (f"revenue ({currency})", _recorded(count)),
        "share_of_revenue": ("share of revenue", _recorded(percent)),
        "mean": (f"each, mean ({currency})", _blank_or_number),
        "median": (f"each, median ({currency})", _blank_or_number),
        "below_mean": ("below the mean", _share_or_blank),
    }
    frame = rungs.assign(means=rungs["rung"].map(_meanings(chapter, ladder)))
    lookback = chapter.parameters.lookback_days
    span = "" if lookback is None else f" (revenue of the last {count(lookback)} days)"
    return show_table(frame, f"The ladder of commitment on {day(chapter.as_of)}{span}", columns)


@says_why_not
def moves(chapter: Chapter, ladder: Ladder) -> pd.DataFrame:
    """Return who moved from which rung to which within a year; see `models.ladder.moves`.

    The revenue of each move is what its customers brought in the year before.
    """
    then = chapter.as_of - YEAR
    if ladder.customers["rung_a_year_ago"].isna().all():
        raise CannotSay(
            f"The ledger doesn't go back a year from {day(chapter.as_of)}, so who moved up or down within a year can't "
            "be told yet."
        )
    date = pl.col("date").dt.date()
    before = chapter.ledger.filter((date <= then) & (date > then - YEAR))
    revenue = before.group_by("customer").agg(revenue=pl.col("amount").sum())
    return model_of_ladder.moves(pl.from_pandas(ladder.customers), revenue)


def move_table(chapter: Chapter, flow: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the moves of a year: rungs then in rows, rungs today in columns.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(flow, Unsaid):
        return None
    today = [rung for rung in RUNGS[::-1] if (flow["now"] == rung).any()]
    wide = flow.pivot(index="before", columns="now", values="customers").reindex(
        index=list(dict.fromkeys(flow["before"])), columns=today
    )
    frame = wide.fillna(0).astype(int).reset_index()
    frame["together"] = frame[today].sum(axis=1)
    total = {"before": "together today"} | {name: frame[name].sum() for name in [*today, "together"]}
    frame = pd.concat([frame, pd.DataFrame([total])], ignore_index=True)
    columns: Columns = {
        "before": ("a year ago", str),
        **{rung: (f"{rung} today", count) for rung in today},
        "together": ("together a year ago", count),
    }
    return show_table(frame, f"Customers by rung on {day(chapter.as_of - YEAR)} and on {day(chapter.as_of)}", columns)


def state_findings(chapter: Chapter, ladder: Ladder, rungs: pd.DataFrame, flow: pd.DataFrame | Unsaid) -> None:
    """State where customers stand, and who moved."""
    _state_rungs(chapter, ladder, rungs)
    if isinstance(flow, Unsaid):
        chapter.state("ladder_moves", flow.reason, verdict="unknown")
        return
    _state_moves(chapter, flow)


def _state_rungs(chapter: Chapter, ladder: Ladder, rungs: pd.DataFrame) -> None:
    standing = rungs[rungs["customers"] > 0].set_index("rung")
    core = standing.loc[[name for name in ("advocate", "adherent", "regular") if name in standing.index]]
    everybody = len(ladder.customers)
    share = core["customers"].sum() / everybody
    others = ", ".join(
        plural(float(standing["customers"][name]), word, words)
        for name, word, words in (
            ("client", "client with two purchases", "clients with two purchases"),
            ("buyer", "one-time buyer", "one-time buyers"),
            (LEFT, "who has left", "who have left"),
        )
        if name in standing.index
    )
    statement = f"{percent(share)} of {plural(everybody, 'customer')} buy regularly or only from us"
    if core["revenue"].sum() > 0 and standing["revenue"].sum() > 0:
        statement += f" and brought {percent(core['revenue'].sum() / standing['revenue'].sum())} of revenue"
    if others:
        statement += f"; the others are {others}"
    if ladder.without_model:
        statement += f". Who has left can't be told: {ladder.without_model.rstrip('.')}"
    chapter.state("ladder", f"{statement}.", value=share, unit="share of customers", question="who")
    if ladder.unknown:
        chapter.state("ladder_not_recorded", not_recorded(ladder), verdict="unknown")


def not_recorded(ladder: Ladder) -> str:
    """Say which rungs can't be told on this base, and what would tell them."""
    if "adherent" in ladder.unknown:
        return (
            "Adherents and advocates are not recorded: a customers' table with exclusive or share_of_wallet tells who "
            "buys only here, and referred_by who brought others."
        )
    return "Advocates are not recorded: a customers' table with referred_by tells who brought others."


def _state_moves(chapter: Chapter, flow: pd.DataFrame) -> None:
    counts = flow.groupby("move")["customers"].sum().reindex(list(MOVES), fill_value=0)
    lost = flow[flow["move"] == "left"]
    there = flow.loc[~flow["before"].isin([LEFT, model_of_ladder.NOT_YET]), ["customers", "revenue"]].sum()
    told = {
        "up": "climbed",
        "left": "left",
        "down": "came down otherwise",
        "came back": "came back",
        "new": "joined",
        "stayed": "stand where they stood",
    }
    happened = [f"{count(counts[move])} {words}" for move, words in told.items() if counts[move]]
    chapter.state(
        "ladder_moves",
        f"Within a year, of {plural(counts.sum(), 'customer')}, {', '.join(happened)}.",
        value=counts["up"] - counts["down"] - counts["left"],
        unit="customers",
    )
    if there["customers"] == 0:
        return
    share = lost["customers"].sum() / there["customers"]
    worth = lost["revenue"].sum()
    statement = (
        f"{count(lost['customers'].sum())} of the {plural(there['customers'], 'customer')} of a year ago "
        f"({percent(share)}) have left"
    )
    if lost["customers"].sum() and there["revenue"] > 0:
        statement += (
            f"; in the year before they had brought {money(worth, chapter.parameters.currency)}, "
            f"{percent(worth / there['revenue'])} of what all of these brought"
        )
    chapter.state(
        "ladder_lost",
        f"{statement}.",
        value=worth,
        unit=chapter.parameters.currency,
        verdict="watch" if lost["customers"].sum() else "good",
        question="losing",
    )


def _loyalty(chapter: Chapter) -> pl.DataFrame:
    particulars = chapter.particulars
    if particulars is None:
        particulars = pl.DataFrame(schema={"customer": pl.String})
    return model_of_ladder.loyalty(particulars, adherent_share=chapter.parameters.adherent_share)


def _on_rungs(
    known: pl.DataFrame, summary: pl.DataFrame, model: BGNBD | None, loyalty: pl.DataFrame, alive_limit: float
) -> pl.DataFrame:
    """Return customer and rung of everyone known."""
    alive = pl.repeat(None, summary.height, dtype=pl.Float64, eager=True)
    if model is not None and not summary.is_empty():
        alive = pl.Series(model.conditional_probability_alive(*(summary[name].to_numpy() for name in HISTORY)))
    bought = summary.select("customer", (pl.col("frequency") + 1).alias("purchases"), alive.alias("p_alive"))
    histories = (
        known.select("customer")
        .join(bought, on="customer", how="left", maintain_order="left")
        .join(loyalty, on="customer", how="left", maintain_order="left")
        .with_columns(pl.col("purchases").fill_null(0))
    )
    return histories.select("customer", model_of_ladder.rungs(histories, alive_limit=alive_limit))


def _meanings(chapter: Chapter, ladder: Ladder) -> dict[str, str]:
    given = chapter.parameters
    gone = f"a customer still with less than {percent(given.alive_limit)}"
    return {
        "advocate": "buys only here, and brought others",
        "adherent": f"buys only here ({percent(given.adherent_share)} or more)",
        "regular": "three purchases and more",
        "client": "two purchases",
        "buyer": "one purchase; who is gone can't be told",
        LEFT: "bought nothing that stood" if ladder.without_model else gone,
    }


def _recorded(wording: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: "not recorded" if pd.isna(value) else wording(value)


def _blank_or_number(value: float) -> str:
    return "" if pd.isna(value) else number(value)


def _share_or_blank(share: float) -> str:
    return "" if pd.isna(share) else percent(share)
