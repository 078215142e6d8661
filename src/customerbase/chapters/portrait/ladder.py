"""The ladder of commitment: who stands on which rung, and who climbed or fell within a year."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models import ladder as model_of_ladder
from models.ladder import LEFT, MOVES, RUNGS
from models.periods import YEAR_DAYS
from models.rfm import rfm_summary

from ...chapter import Chapter, up_to
from ...errors import CannotSay
from ...findings import Verdict
from ...ledger.returns import NET, STOOD, net_of_returns
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, count, day, if_known, listed, money, number, percent, plural
from ..profit import customer_revenue
from ..purchase_model import fit_all, rfm

YEAR = dt.timedelta(days=YEAR_DAYS)
HISTORY = ("frequency", "recency", "T")


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
    purchases : polars.DataFrame
        customer, purchases and purchases_a_year_ago (days with a purchase that stood; null for who had not bought yet).
    """

    customers: pd.DataFrame
    unknown: tuple[str, ...]
    without_model: str
    purchases: pl.DataFrame

    @property
    def never(self) -> int:
        """How many customers of the ledger bought nothing that stood; they count as having left."""
        return self.purchases.filter(pl.col("purchases") == 0).height


def climb(chapter: Chapter, summary: pd.DataFrame, model: BGNBD | Unsaid) -> Ladder:
    """Put every customer of the ledger on a rung, today and a year ago.

    Parameters
    ----------
    chapter : Chapter
    summary : pandas.DataFrame
        As `purchase_model.rfm` returns it.
    model : BGNBD or Unsaid
        Fitted to it. The same model judges the histories as they stood a year ago. Where it has run to a limit it
        judges nobody: see `why_nobody_left`.

    Notes
    -----
    The customers' table has no history, so who buys only here, and who brought others, is as recorded today.
    """
    given = chapter.parameters
    then = chapter.as_of - YEAR
    bought_on = pl.col("date").dt.date().filter(pl.col("kind") == "sale")
    known = chapter.ledger.group_by("customer").agg(since=bought_on.min())
    # a return of the year since then had undone nothing yet
    earlier = net_of_returns(up_to(chapter.ledger, then).drop(NET))
    loyalty = _loyalty(chapter)
    without_model = why_nobody_left(model)
    fitted, limit = None if without_model or isinstance(model, Unsaid) else model, given.alive_limit
    today = _on_rungs(known, pl.from_pandas(summary[["customer", *HISTORY]]), fitted, loyalty, limit)
    bought_then = rfm_summary(
        earlier.filter(STOOD).select("customer", pl.col("date").dt.date()), then, time_unit=given.time_unit
    )
    year_ago = _on_rungs(known.filter(pl.col("since") <= then), bought_then, fitted, loyalty, limit)
    table = today.join(year_ago, on="customer", how="left", suffix="_a_year_ago").sort("customer")
    return Ladder(
        table.select("customer", "rung", "rung_a_year_ago").to_pandas().astype(pd.StringDtype()),
        tuple(rung for rung in ("advocate", "adherent") if loyalty[rung].is_null().all()),
        without_model,
        table.select("customer", "purchases", "purchases_a_year_ago"),
    )


def why_nobody_left(model: BGNBD | Unsaid) -> str:
    """Say why a model can't tell who has left; nothing where it can.

    A model whose parameters have run to a limit still gives everybody a probability, but not one that the base
    bears out: fitted to a handful of customers it calls one gone who bought the day before.
    """
    if isinstance(model, Unsaid):
        return model.reason
    if model.limits_:
        return (
            "On purchases so few, or so much alike, the model of purchases runs to a limit "
            f"({', '.join(model.limits_)}), where it can't tell who left from who waits"
        )
    return ""


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
        As `customerbase.chapters.profit.customer_profit` returns it.

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
        "customers": ("customers", if_known(count, NOT_RECORDED)),
        "share_of_customers": ("share of customers", if_known(percent, NOT_RECORDED)),
        "revenue": (f"revenue ({currency})", if_known(count, NOT_RECORDED)),
        "share_of_revenue": ("share of revenue", if_known(percent, NOT_RECORDED)),
        "mean": (f"each, mean ({currency})", if_known(number)),
        "median": (f"each, median ({currency})", if_known(number)),
        "below_mean": ("below the mean", if_known(percent)),
    }
    frame = rungs.assign(means=rungs["rung"].map(_meanings(chapter, ladder)))
    lookback = chapter.parameters.lookback_days
    span = "" if lookback is None else f" (revenue of the last {plural(lookback, 'day')})"
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
    return model_of_ladder.moves(pl.from_pandas(ladder.customers), _revenue_before(chapter, then))


def _revenue_before(chapter: Chapter, last: dt.date) -> pl.DataFrame:
    """Return the revenue of each customer in the year up to a day."""
    return customer_revenue(chapter, last - YEAR + dt.timedelta(days=1), last)


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
    if ladder.unknown:
        chapter.state("ladder_not_recorded", not_recorded(ladder), verdict="unknown")
    if isinstance(flow, Unsaid):
        chapter.state("ladder_moves", flow.reason, verdict="unknown")
        return
    _state_moves(chapter, flow)
    _state_lost(chapter, ladder)


def _state_rungs(chapter: Chapter, ladder: Ladder, rungs: pd.DataFrame) -> None:
    # whose every purchase was undone stands on no rung of a customer, and isn't one who left either
    standing = rungs.set_index("rung")
    standing["customers"] = standing["customers"].sub(pd.Series({LEFT: ladder.never}), fill_value=0)
    standing = standing[standing["customers"] > 0]
    everybody = standing["customers"].sum()
    nothing = f"{plural(ladder.never, 'customer')} of the ledger bought nothing that stood"
    if not everybody:
        chapter.state("ladder", f"{nothing}, so nobody stands on the ladder.", verdict="unknown", question="who")
        return
    core = standing.loc[[name for name in ("advocate", "adherent", "regular") if name in standing.index]]
    share = core["customers"].sum() / everybody
    others = [
        plural(standing["customers"][name], *words)
        for name, words in (
            ("client", ("client with two purchases", "clients with two purchases")),
            ("buyer", ("one-time buyer",)),
            (LEFT, ("customer who has left", "customers who have left")),
        )
        if name in standing.index
    ]
    buys = "buys" if everybody == 1 else "buy"
    only_here = "" if "adherent" in ladder.unknown else " or only from us"
    statement = f"{percent(share)} of {plural(everybody, 'customer')} {buys} regularly{only_here}"
    revenue = rungs["revenue"].sum()
    if core["revenue"].sum() > 0 and revenue > 0:
        statement += f" and brought {percent(core['revenue'].sum() / revenue)} of revenue"
    statement += f"; the base also holds {listed(others)}" if others else ""
    statement += f". Besides, {nothing}" if ladder.never else ""
    if ladder.without_model:
        statement += f". Who has left can't be told. {ladder.without_model.rstrip('.')}"
    chapter.state("ladder", f"{statement}.", value=share, unit="share of customers", question="who")


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
    told = {
        "up": "climbed",
        "left": "left",
        "down": "came down otherwise",
        "came back": "came back",
        "new": "joined",
        "stayed": "stood still",
    }
    happened = [f"{count(counts[move])} {words}" for move, words in told.items() if counts[move]]
    chapter.state(
        "ladder_moves",
        f"Within a year, of {plural(counts.sum(), 'customer')}, {listed(happened)}.",
        value=counts["up"] - counts["down"] - counts["left"],
        unit="customers",
    )


def _state_lost(chapter: Chapter, ladder: Ladder) -> None:
    currency = chapter.parameters.currency
    table = pl.from_pandas(ladder.customers).join(ladder.purchases, on="customer")
    found = model_of_ladder.lost(table, _revenue_before(chapter, chapter.as_of - YEAR))
    if ladder.without_model or not found.told:
        why = ladder.without_model or "None of them had bought twice by then"
        statement = f"Who of the customers of a year ago has left can't be told. {why.rstrip('.')}."
        chapter.state("ladder_lost", statement, unit=currency, verdict="unknown")
        return
    has = "has" if found.gone == 1 else "have"
    statement = (
        f"Of the {plural(found.told, 'customer')} who had bought twice or more a year ago, {count(found.gone)} "
        f"({percent(found.gone / found.told)}) {has} left by the model of purchases"
    )
    if found.gone and found.revenue_told > 0:
        statement += (
            f"; in the year before they had brought {money(found.revenue_gone, currency)}, "
            f"{percent(found.revenue_gone / found.revenue_told)} of what all of these brought"
        )
    if found.once:
        buyers = f"the {count(found.once)} who have" if found.once > 1 else "the one who has"
        statement += f". Of {buyers} bought once only, then and up to now, it can't be told"
    verdict: Verdict = "watch" if found.gone else "good"
    chapter.state("ladder_lost", f"{statement}.", value=found.revenue_gone, unit=currency, verdict=verdict)


def _loyalty(chapter: Chapter) -> pl.DataFrame:
    particulars = chapter.particulars
    if particulars is None:
        particulars = pl.DataFrame(schema={"customer": pl.String})
    return model_of_ladder.loyalty(particulars, adherent_share=chapter.parameters.adherent_share)


def _on_rungs(
    known: pl.DataFrame, summary: pl.DataFrame, model: BGNBD | None, loyalty: pl.DataFrame, alive_limit: float
) -> pl.DataFrame:
    """Return customer, rung and purchases of everyone known."""
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
    return histories.select("customer", model_of_ladder.rungs(histories, alive_limit=alive_limit), "purchases")


def _meanings(chapter: Chapter, ladder: Ladder) -> dict[str, str]:
    given = chapter.parameters
    gone = f"still a customer with a probability below {percent(given.alive_limit)}"
    if ladder.never:
        gone += f"; {count(ladder.never)} bought nothing that stood"
    return {
        "advocate": "on record as buying only here, and brought others",
        "adherent": f"on record as buying only here ({percent(given.adherent_share)} or more)",
        "regular": "three purchases and more",
        "client": "two purchases",
        "buyer": "one purchase; who is gone can't be told",
        LEFT: "bought nothing that stood" if ladder.without_model else gone,
    }
