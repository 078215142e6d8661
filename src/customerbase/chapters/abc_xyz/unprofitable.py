"""The steps of `03_abc_xyz` about profit: where sales go, who costs more than they bring, and what to do about it."""

from __future__ import annotations

import datetime as dt
from math import isnan
from typing import Any

import pandas as pd
import polars as pl

from models import unprofitable as model
from models.exact import exact_sum

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, key, listed, money, number, percent, plural, profit_or_loss, tenths
from ..profit import NO_PROFIT, costs_known, discounts_known, over, profit_known, serving_known, share, since, total

LONGEST_LIST = 10
TAIL = 0.20  # of revenue: what the tail of small customers brings
BELOW_ZERO_WATCHED = 0.05  # share of profit that those below zero eat
HEADINGS = {
    "revenue": "revenue",
    "gross": "gross sales",
    "discount": "discounts",
    "returned": "returns",
    "cost_to_serve": "cost to serve",
    "profit": "profit",
    "without": "profit without the discount",
    "regained": "regained at most",
}
MEANINGS = {
    model.NEW_TERMS: "a smaller discount, a smallest order, delivery that is paid for",
    model.TO_A_DEALER: "regular and small: somebody nearer serves them at less cost",
    model.TO_RETAIL: "irregular and small: they buy as anybody does, without a manager",
    model.FAREWELL: "what they buy brings nothing even before they are served",
}
ONLY_RETURNS = "neither costs, nor discounts, nor the cost to serve are recorded, so only returns could have told one"
NOTHING_TO_DECIDE = (
    "Whose terms to change, whom to hand over and whom to let go can't be said before costs, discounts or the cost to "
    "serve are recorded. Name the ledger's columns under ledger.columns.cost and ledger.columns.discount, or set "
    "order_cost or contact_cost."
)


def walk(chapter: Chapter, customers: pl.DataFrame) -> pd.DataFrame:
    """Return the way from gross sales to profit, as far as it is recorded.

    Returns
    -------
    pandas.DataFrame
        step, amount (below zero for what is taken off), is_level (whether the amount is what is left so far, or a step
        to it), of_gross (share of gross sales).
    """
    sums = {name: total(customers[name]) for name in ("gross", "discount", "returned", "cost", "cost_to_serve")}
    known = profit_known(chapter)
    steps = [
        ("gross sales", sums["gross"], True, discounts_known(chapter)),
        ("discounts", sums["discount"], False, discounts_known(chapter)),
        ("returns", sums["returned"], False, bool((chapter.ledger["kind"] == "return").any())),
        ("revenue", total(customers["revenue"]), True, True),
        ("cost of the goods", sums["cost"], False, known),
        ("cost to serve", sums["cost_to_serve"], False, known and serving_known(chapter)),
        ("profit", total(customers["profit"]), True, known),
    ]
    if not steps[1][3] and steps[2][3]:  # what was sold before returns came back, discounts being unknown
        steps[0] = ("sales", sums["gross"], True, True)
    rows = [
        {"step": step, "amount": amount if is_level else -amount, "is_level": is_level}
        for step, amount, is_level, recorded in steps
        if recorded
    ]
    frame = pd.DataFrame(rows)
    frame["of_gross"] = [share(amount, frame["amount"].iloc[0]) for amount in frame["amount"]]
    return frame


def walk_table(chapter: Chapter, steps: pd.DataFrame) -> ShownTable:
    """Show the way from gross sales to profit; the caption says what isn't recorded."""
    frame = steps.assign(
        named=[f"{'= ' if level else '- '}{step}" for step, level in zip(steps["step"], steps["is_level"], strict=True)]
    )
    frame.loc[0, "named"] = frame["step"].iloc[0]
    columns: Columns = {
        "named": ("", str),
        "amount": (chapter.parameters.currency, count),
        "of_gross": (f"share of {steps['step'].iloc[0]}", tenths),
    }
    missing = not_recorded(chapter)
    start, end = steps["step"].iloc[0], steps["step"].iloc[-1]
    whole = f"From {start} to {end}" if start != end else f"{start.capitalize()} is all that is known"
    note = f". Not recorded: {', '.join(missing)}" if missing else ""
    return show_table(frame, f"{whole}{over(chapter)}{note}", columns)


def not_recorded(chapter: Chapter) -> list[str]:
    """Name what of the way from sales to profit this base doesn't record, and where it is told."""
    margin = "" if chapter.parameters.margin is None else "; the margin stands in"
    return [
        name
        for name, recorded in (
            ("discounts (ledger.columns.discount)", discounts_known(chapter)),
            (f"costs (ledger.columns.cost{margin})", costs_known(chapter)),
            ("the cost to serve (order_cost, contact_cost)", serving_known(chapter)),
        )
        if not recorded
    ]


@says_why_not
def burdens(chapter: Chapter, customers: pl.DataFrame) -> pl.DataFrame:
    """Return who costs more than they bring, what eats it, and what practice decides; see `models.unprofitable`.

    Decisions concern those who still buy: whoever has bought nothing for `active_days` has none.
    """
    if not profit_known(chapter):
        raise CannotSay(NO_PROFIT)
    since = chapter.as_of - dt.timedelta(days=chapter.parameters.active_days)
    is_active = (pl.col("last_sale") > since).fill_null(False)
    decided = model.decisions(model.burdens(customers))
    return decided.with_columns(
        decision=pl.when(is_active).then("decision"),
        regained=pl.when(is_active).then("regained").otherwise(0.0),
    )


@says_why_not
def discount_table(chapter: Chapter, burdened: pl.DataFrame) -> ShownTable:
    """Show the customers whose discounts cost more than they bring, the largest loss first."""
    if not discounts_known(chapter):
        raise CannotSay("Discounts aren't recorded; name the ledger's column under ledger.columns.discount.")
    dear = burdened.filter("discount_exceeds")
    if dear.is_empty():
        raise CannotSay("Nobody's discounts cost more than they bring.")
    shown = dear.sort("profit", "customer").head(LONGEST_LIST)
    frame = shown.with_columns(
        rate=pl.col("discount") / pl.col("gross"), without=pl.col("profit") + pl.col("discount")
    ).to_pandas()
    columns: Columns = {
        "customer": ("customer", key),
        **money_columns(chapter, "gross", "discount"),
        "rate": ("share of gross sales", tenths),
        **money_columns(chapter, "profit", "without"),
    }
    caption = f"Discounts that cost more than the customer brings{first_of(dear.height, shown.height)}{over(chapter)}"
    return show_table(frame, caption, columns)


def tails(chapter: Chapter, customers: pl.DataFrame) -> pd.DataFrame:
    """Return what the small customers bring and what serving them takes, beside everybody.

    Returns
    -------
    pandas.DataFrame
        The columns of `models.unprofitable.tails`, the tail's share of each in <column>_share, and an_order: what is
        left before cost to serve of a purchase.
    """
    frame = model.tails(customers).to_pandas()
    everybody = frame.iloc[-1]
    for name in ("customers", "purchases", "revenue", "cost_to_serve", "profit"):
        frame[f"{name}_share"] = [share(part, everybody[name]) for part in frame[name]]
    bring = frame["profit"] + frame["cost_to_serve"]
    frame["an_order"] = (bring / frame["purchases"]).where(frame["purchases"] > 0)
    return frame


def tail_table(chapter: Chapter, tail: pd.DataFrame) -> ShownTable:
    """Show what the tail of small customers brings and what serving it takes."""
    currency = chapter.parameters.currency
    frame = tail.assign(
        named=[f"who bring the last {percent(part)} of revenue" if part < 1 else "everybody" for part in tail["share"]]
    )
    columns: dict[str, tuple[str, Any]] = {
        "named": ("customers", str),
        "customers": ("how many", count),
        "customers_share": ("share of customers", tenths),
        "purchases_share": ("share of purchases", tenths),
        "revenue": (f"revenue ({currency})", count),
    }
    if serving_known(chapter):
        columns["cost_to_serve"] = (f"cost to serve ({currency})", count)
        columns["cost_to_serve_share"] = ("share of cost to serve", tenths)
    if profit_known(chapter):
        columns["profit"] = (f"profit ({currency})", count)
        columns["an_order"] = (f"a purchase brings before cost to serve ({currency})", number)
    note = "" if serving_known(chapter) else "; what serving them costs isn't recorded"
    return show_table(frame, f"The tail of small customers{over(chapter)}{note}", columns)


@says_why_not
def below_zero_table(chapter: Chapter, burdened: pl.DataFrame) -> ShownTable:
    """Show the customers who bring less than nothing, the largest loss first."""
    losing = burdened.filter("below_zero")
    if losing.is_empty():
        raise CannotSay(f"No customer is below zero{'' if _anything_told(chapter) else f'; {ONLY_RETURNS}'}.")
    shown = losing.sort("profit", "customer").head(LONGEST_LIST)
    frame = shown.with_columns(pl.col("decision").fill_null("")).to_pandas()
    columns: Columns = {
        "customer": ("customer", key),
        **money_columns(chapter, "revenue", "discount", "returned", "cost_to_serve", "profit"),
        "eaten_by": ("eaten by", str),
        "decision": ("decision", str),
    }
    caption = f"Customers who cost more than they bring{first_of(losing.height, shown.height)}{over(chapter)}"
    return show_table(frame, caption, columns)


@says_why_not
def by_decision(chapter: Chapter, burdened: pl.DataFrame) -> pd.DataFrame:
    """Sum up whom each decision concerns.

    Returns
    -------
    pandas.DataFrame
        decision, customers, revenue, profit, regained: a row for each of `models.unprofitable.DECISIONS`.
    """
    if not _anything_told(chapter):
        raise CannotSay(NOTHING_TO_DECIDE)
    sums = (exact_sum(name) for name in ("revenue", "profit", "regained"))
    found = burdened.group_by("decision").agg(pl.len().cast(pl.Int64).alias("customers"), *sums)
    every = pl.DataFrame({"decision": model.DECISIONS})
    return every.join(found, on="decision", how="left", maintain_order="left").fill_null(0).to_pandas()


@says_why_not
def decision_table(chapter: Chapter, decided: pd.DataFrame) -> ShownTable:
    """Show the decisions that practice takes, with whom and how much profit each concerns."""
    columns: Columns = {
        "decision": ("decision", str),
        "means": ("what it means", str),
        "customers": ("customers", count),
        **money_columns(chapter, "revenue", "profit", "regained"),
    }
    caption = f"Decisions about customers who bought in the last {plural(chapter.parameters.active_days, 'day')}"
    return show_table(
        decided.assign(means=decided["decision"].map(MEANINGS)), f"{caption}; money {since(chapter)}", columns
    )


def state_findings(
    chapter: Chapter, customers: pl.DataFrame, burdened: pl.DataFrame | Unsaid, decided: pd.DataFrame | Unsaid
) -> None:
    """State where sales go, who costs more than they bring, and what to do about it."""
    _state_walk(chapter, walk(chapter, customers))
    _state_tail(chapter, customers)
    _state_discounts(chapter, burdened)
    _state_below_zero(chapter, burdened)
    _state_decisions(chapter, decided)


def _state_walk(chapter: Chapter, steps: pd.DataFrame) -> None:
    missing = not_recorded(chapter)
    unsaid = f" Not recorded: {', '.join(missing)}." if missing else ""
    if not profit_known(chapter):
        chapter.state("profit_walk", f"{NO_PROFIT}{unsaid}", verdict="unknown")
        return
    start, left = steps["step"].iloc[0], steps["of_gross"].iloc[-1]
    if pd.isna(left):
        chapter.state(
            "profit_walk", f"Nothing above zero in {start} can be followed to profit.{unsaid}", verdict="unknown"
        )
        return
    taken = [
        f"{row['step']} ({number(-100 * row['of_gross'])})" for row in steps[~steps["is_level"]].to_dict("records")
    ]
    hundred = f"{chapter.parameters.currency} 100 of {start}"
    end = f"Of every {hundred} {number(100 * left)} are left as profit"
    if left < 0:
        end = f"Every {hundred} end in a loss of {number(-100 * left)}"
    chapter.state(
        "profit_walk",
        f"{end}{over(chapter)}, after {listed(taken)}.{unsaid}",
        value=float(left),
        unit=f"share of {start}",
        verdict="act" if left < 0 else "note",
    )


def _state_tail(chapter: Chapter, customers: pl.DataFrame) -> None:
    frame = tails(chapter, customers)
    tail = frame[frame["share"] == TAIL].iloc[0]
    if not tail["customers"] or frame["revenue"].iloc[-1] <= 0:
        chapter.state("tail", "There is no tail: nobody brings the last part of revenue.", verdict="note")
        return
    currency = chapter.parameters.currency
    statement = (
        f"The last {percent(TAIL)} of revenue{over(chapter)} comes from {plural(tail['customers'], 'customer')} "
        f"({tenths(tail['customers_share'])} of all) with {tenths(tail['purchases_share'])} of all purchases"
    )
    verdict: Verdict = "note"
    if profit_known(chapter):
        if serving_known(chapter):
            statement += (
                f"; serving them costs {money(tail['cost_to_serve'], currency)}, which leaves "
                f"{profit_or_loss(tail['profit'], currency)}"
            )
            verdict = "act" if tail["profit"] < 0 else "watch" if tail["cost_to_serve"] > tail["profit"] else "note"
        else:
            brings = tail["an_order"]
            statement += "; what serving them costs isn't recorded, and " + (
                f"once a purchase costs {money(brings, currency)} to serve they bring nothing"
                if brings > 0
                else f"before it they bring {profit_or_loss(tail['profit'], currency)}"
            )
    chapter.state(
        "tail", f"{statement}.", value=float(tail["customers_share"]), unit="share of customers", verdict=verdict
    )


def _state_discounts(chapter: Chapter, burdened: pl.DataFrame | Unsaid) -> None:
    if not discounts_known(chapter):
        chapter.state("discounts", "Discounts aren't recorded, so what they cost can't be said.", verdict="unknown")
        return
    if isinstance(burdened, Unsaid):
        chapter.state("discounts", burdened.reason, verdict="unknown")
        return
    currency = chapter.parameters.currency
    given, dear = total(burdened["discount"]), burdened.filter("discount_exceeds")
    taken = percent(share(given, total(burdened["gross"])), 1)
    statement = f"Discounts take {money(given, currency)}{over(chapter)}, {taken} of gross sales"
    if dear.is_empty():
        statement += "; nobody's cost more than the customer brings"
    else:
        worst = key(dear.sort("profit", "customer")["customer"][0])
        left = profit_or_loss(total(dear["profit"]), currency)
        statement += (
            f". Those of {plural(dear.height, 'customer')} cost more than the customer would bring without them: "
            f"{money(total(dear['discount']), currency)} were given, {left} is left "
            f"({'the worst is ' if dear.height > 1 else ''}{worst})"
        )
    chapter.state(
        "discounts",
        f"{statement}.",
        value=dear.height,
        unit="customers",
        verdict="good" if dear.is_empty() else "watch",
    )


def _state_below_zero(chapter: Chapter, burdened: pl.DataFrame | Unsaid) -> None:
    if isinstance(burdened, Unsaid):
        chapter.state("below_zero", burdened.reason, verdict="unknown")
        return
    losing = burdened.filter("below_zero")
    if losing.is_empty():
        told = _anything_told(chapter)
        chapter.state(
            "below_zero",
            f"No customer costs more than they bring{over(chapter)}{'' if told else f'; {ONLY_RETURNS}'}.",
            value=0 if told else None,
            unit="customers",
            verdict="good" if told else "unknown",
        )
        return
    currency = chapter.parameters.currency
    lost = -total(losing["profit"])
    eaten = share(lost, total(burdened.filter(~pl.col("below_zero"))["profit"]))
    rest = "" if isnan(eaten) else f", {percent(eaten, 1)} of what the others earn"
    by = losing.group_by("eaten_by").agg(exact_sum("profit")).sort("profit", "eaten_by")["eaten_by"][0]
    worst = losing.sort("profit", "customer").row(0, named=True)
    name = key(worst["customer"])
    if losing.height == 1:
        who, costliest = f"1 customer, {name}, costs", f"through {by}"
    else:
        who = f"{count(losing.height)} customers cost"
        costliest = f"mostly through {by}. The costliest is {name}, at {money(-worst['profit'], currency)}"
    chapter.state(
        "below_zero",
        f"{who} more than they bring{over(chapter)}: {money(lost, currency)}{rest}, {costliest}.",
        value=losing.height,
        unit="customers",
        verdict="watch" if eaten < BELOW_ZERO_WATCHED else "act",
        question="profit",
    )


def _state_decisions(chapter: Chapter, decided: pd.DataFrame | Unsaid) -> None:
    if isinstance(decided, Unsaid):
        chapter.state("decisions", decided.reason, verdict="unknown")
        return
    decided = decided[decided["customers"] > 0]
    unknown = (
        "" if serving_known(chapter) else "; what serving costs isn't recorded, so whom it makes too dear isn't known"
    )
    if decided.empty:
        chapter.state(
            "decisions",
            f"Of those who still buy nobody needs other terms{unknown}.",
            value=None if unknown else 0,
            unit="customers",
            verdict="unknown" if unknown else "good",
        )
        return
    currency = chapter.parameters.currency
    named = [
        f"{row['decision']} for {plural(row['customers'], 'customer')} ({profit_or_loss(row['profit'], currency)})"
        for row in decided.to_dict("records")
    ]
    chapter.state(
        "decisions",
        f"Of those who still buy: {'; '.join(named)}. At most {money(decided['regained'].sum(), currency)} could have "
        f"been regained{over(chapter)}{unknown}.",
        value=float(decided["customers"].sum()),
        unit="customers",
        verdict="watch",  # whom to act on is for the playbook to say
    )


def _anything_told(chapter: Chapter) -> bool:
    """Return whether one customer's profit can be another share of revenue than everybody's."""
    return costs_known(chapter) or discounts_known(chapter) or serving_known(chapter)


def money_columns(chapter: Chapter, *names: str) -> Columns:
    """Head columns of money; those that this base doesn't record are left out."""
    recorded = {
        "discount": discounts_known(chapter),
        "returned": bool((chapter.ledger["kind"] == "return").any()),
        "cost_to_serve": serving_known(chapter),
    }
    currency = chapter.parameters.currency
    return {name: (f"{HEADINGS[name]} ({currency})", count) for name in names if recorded.get(name, True)}


def first_of(all_of_them: int, shown: int) -> str:
    """Say that a list is cut short."""
    return "" if all_of_them == shown else f": the first {count(shown)} of {count(all_of_them)}"
