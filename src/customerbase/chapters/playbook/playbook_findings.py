"""What `08_playbook` states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.playbook import ACTIONS

from ...chapter import Chapter
from ...findings import Findings, Verdict
from ...unsaid import Unsaid
from ...wording import count, key, listed, money, plural
from ..profit import profit_known
from . import campaigns, levers
from .campaigns import Campaign, Effects
from .levers import Moved

SERVING = {"order_cost": "what an order costs", "contact_cost": "what a contact costs"}
UNREACHABLE = 0.2  # share of customers who may not be contacted from which on it is worth a word
NAMED = 3
ENOUGH_FOR_HALF = 10  # customers on a list of whom half is worth a word


def findings(
    chapter: Chapter,
    customers: pl.DataFrame,
    actions: pd.DataFrame,
    counts: pd.DataFrame,
    measured: tuple[Campaign | Unsaid, Effects | Unsaid],
    moved: Moved | Unsaid,
) -> Findings:
    """State what is to be done, what the last lists did, and what would move the profit.

    Parameters
    ----------
    chapter : Chapter
    customers : polars.DataFrame
        The table `customers`.
    actions, counts : pandas.DataFrame
        As `playbook.by_action` and `playbook.list_counts` return them.
    measured : tuple
        The campaign of an earlier run, and what it did.
    moved : Moved or Unsaid
        What the levers move.
    """
    of: dict[str, dict[str, Any]] = actions.set_index("action").to_dict("index")  # type: ignore[assignment]
    total: dict[str, Any] = counts.iloc[-1].to_dict()  # type: ignore[assignment]
    _state_actions(chapter, of)
    _state_protect(chapter, customers, of["protect"])
    _state_develop(chapter, customers, of["develop"])
    _state_win_back(chapter, customers, of["win back"])
    _state_let_go(chapter, customers, of)
    _state_lists(chapter, total)
    campaigns.state_findings(chapter, *measured)
    levers.state_findings(chapter, moved)
    return chapter.findings()


def _state_actions(chapter: Chapter, of: dict[str, dict[str, Any]]) -> None:
    told = [f"{action} {count(of[action]['customers'])}" for action in ACTIONS if of[action]["customers"]]
    total = sum(row["customers"] for row in of.values())
    chapter.state(
        "actions",
        f"{plural(total, 'customer')}, one action each: {', '.join(told)}.",
        value=total,
        unit="customers",
    )


def _state_protect(chapter: Chapter, customers: pl.DataFrame, row: dict[str, Any]) -> None:
    number, stake = row["customers"], row["value_at_stake"]
    if not number:
        return
    statement, known = f"Protect {plural(number, 'customer')}", {}
    if stake > 0:
        days, currency = count(chapter.parameters.horizon_days), chapter.parameters.currency
        statement += (
            f": {money(stake, currency)} are expected of them over the next {days} days"
            f"{_on_list(chapter, customers, row, 'protect')}"
        )
        known = {"value": stake, "unit": currency}
    chapter.state("protect", f"{statement}.", verdict="act", question="decisions", **known)


def _state_develop(chapter: Chapter, customers: pl.DataFrame, row: dict[str, Any]) -> None:
    number, stake, currency = row["customers"], row["value_at_stake"], chapter.parameters.currency
    if not number:
        chapter.state("develop", "No customer stands out as one to develop by these rules.", question="decisions")
        return
    statement = f"Develop {plural(number, 'customer')} who have climbed, grown or could buy more"
    if stake > 0:
        days = count(chapter.parameters.horizon_days)
        statement += f": {money(stake, currency)} are at stake over the next {days} days"
        statement += _on_list(chapter, customers, row, "develop")
    theirs = customers.filter((pl.col("action") == "develop") & pl.col("on_list"))
    first = theirs.sort("value_at_stake", "customer", descending=[True, False], nulls_last=True).head(NAMED)
    if not first.is_empty():
        statement += f"; first of all {listed([key(name) for name in first['customer']])}"
    known = {"value": stake, "unit": currency} if stake > 0 else {}
    chapter.state("develop", f"{statement}.", verdict="act", question="decisions", **known)


def _state_win_back(chapter: Chapter, customers: pl.DataFrame, row: dict[str, Any]) -> None:
    number, stake = row["customers"], row["value_at_stake"]
    if not number:
        return
    statement = f"{plural(number, 'customer')} worth winning back {'has' if number == 1 else 'have'} probably left"
    known = {}
    if stake > 0:
        days, currency = count(chapter.parameters.horizon_days), chapter.parameters.currency
        statement += f"; as customers they would bring {money(stake, currency)} more over the next {days} days"
        statement += _on_list(chapter, customers, row, "win back")
        known = {"value": stake, "unit": currency}
    chapter.state("win_back", f"{statement}.", verdict="act", question="losing", **known)


def _state_let_go(chapter: Chapter, customers: pl.DataFrame, of: dict[str, dict[str, Any]]) -> None:
    parted, terms, handed = (of[action] for action in ("let go", "change terms", "hand over"))
    concerned = parted["customers"] + terms["customers"] + handed["customers"]
    if not profit_known(chapter) and not concerned:
        chapter.state(
            "let_go",
            "Whom to let go can't be said: neither costs nor a margin are recorded, so who costs more than they bring "
            "isn't known.",
            verdict="unknown",
            question="decisions",
        )
        return
    said = []
    if terms["customers"]:
        whom = customers.filter(pl.col("action") == "change terms")["customer"].sort().to_list()
        named = f", {listed([key(name) for name in whom])}" if len(whom) <= NAMED else ""
        said.append(f"agree new terms with {plural(terms['customers'], 'customer')}{named}{_profit(chapter, terms)}")
    if handed["customers"]:
        said.append(f"hand {plural(handed['customers'], 'customer')} over to a dealer")
    if parted["customers"]:
        said.append(f"let {plural(parted['customers'], 'customer')} go{_profit(chapter, parted)}")
    if not parted["customers"]:
        nobody = "nobody is to be let go" if handed["customers"] else "nobody is to be let go or handed over"
        said.append(f"{nobody} by these rules")
    sentence = "; ".join(said)
    unrecorded = [name for name in SERVING if getattr(chapter.parameters, name) is None]
    if unrecorded:
        sentence += (
            f". Who is too dear to serve isn't known before {' and '.join(SERVING[name] for name in unrecorded)} "
        )
        sentence += f"is recorded ({', '.join(unrecorded)})"
    chapter.state(
        "let_go",
        f"{sentence[0].upper()}{sentence[1:]}.",
        value=concerned,
        unit="customers",
        verdict="act" if concerned else "note" if unrecorded else "good",
        question="decisions",
    )


def _on_list(chapter: Chapter, customers: pl.DataFrame, row: dict[str, Any], action: str) -> str:
    """Say how much of what is at stake is with those who may be called, and how little with half of them."""
    number, currency = row["on_list"], chapter.parameters.currency
    if not number:
        return ", none of it with anybody on the list"
    each = customers.filter((pl.col("action") == action) & pl.col("on_list"))["value_at_stake"].drop_nulls()
    half = ""
    if number >= ENOUGH_FOR_HALF and len(each):
        half = f" (half of them {money(float(np.median(each)), currency)} or less each)"
    if number == row["customers"]:
        return half
    return f", of it {money(row['stake_on_list'], currency)} with the {count(number)} on the list to be called{half}"


def _profit(chapter: Chapter, row: dict[str, Any]) -> str:
    profit, currency = row["profit"], chapter.parameters.currency
    if pd.isna(profit):
        return ""
    return f" (profit {money(profit, currency)})" if profit >= 0 else f" (a loss of {money(-profit, currency)})"


def _state_lists(chapter: Chapter, total: dict[str, Any]) -> None:
    unreached = total["said_no"] + total["not_recorded"]
    if not total["on_list"] and total["control_group"]:
        who = (
            "the only customer who may be contacted is"
            if total["control_group"] == 1
            else (f"all {count(total['control_group'])} customers who may be contacted are")
        )
        statement = f"Nobody is on a contact list: {who} held out; hold out fewer (control_share)."
        chapter.state("lists", statement, value=0.0, unit="customers", verdict="act")
        return
    if not total["on_list"]:
        why = "nobody is recorded to have agreed to be contacted; consent is a column of the customers' table, which "
        why += "customers.columns must name"
        chapter.state("lists", f"Nobody is on a contact list: {why}.", value=0.0, unit="customers", verdict="act")
        return
    verdict: Verdict = "watch" if unreached >= UNREACHABLE * total["customers"] else "note"
    statement = (
        f"{plural(total['on_list'], 'customer')} {'is' if total['on_list'] == 1 else 'are'} on a list, "
        f"{count(total['control_group'])} held out to measure what it does"
    )
    if unreached:
        statement += f"; {count(unreached)} may not be contacted ({count(total['said_no'])} said no, the consent of "
        statement += f"{count(total['not_recorded'])} isn't recorded)"
    if not chapter.parameters.consent_required:
        statement += "; consent isn't required here, so those who were never asked are on the lists too"
        verdict = "watch"
    chapter.state("lists", f"{statement}.", value=total["on_list"], unit="customers", verdict=verdict)
