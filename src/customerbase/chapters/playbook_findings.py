"""What `08_playbook` states."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from models.playbook import ACTIONS

from ..chapter import Chapter
from ..findings import Findings, Verdict
from ..unsaid import Unsaid
from ..wording import count, money, percent, plural
from . import campaigns, levers
from .campaigns import Campaign, Effects
from .levers import Moved
from .profit import profit_known

UNREACHABLE = 0.2  # share of customers who may not be contacted from which on it is worth a word
FIRST = 10
WORTH_A_WORD = 0.2  # share of what is at stake that the first ones hold


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
    _state_develop(chapter, customers, of["develop"])
    _state_let_go(chapter, of)
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


def _state_develop(chapter: Chapter, customers: pl.DataFrame, row: dict[str, Any]) -> None:
    number, stake, currency = row["customers"], row["value_at_stake"], chapter.parameters.currency
    if not number:
        chapter.state("develop", "No customer stands out as one to develop by these rules.", question="decisions")
        return
    statement = f"Develop {plural(number, 'customer')} who could buy more, or already do"
    if stake > 0:
        days = count(chapter.parameters.horizon_days)
        statement += f": {money(stake, currency)} are at stake over the next {days} days"
        stakes = customers.filter(pl.col("action") == "develop")["value_at_stake"].drop_nulls()
        if number > FIRST:
            statement += (
                f", {percent(stakes.sort(descending=True).head(FIRST).sum() / stake)} of it with {FIRST} of them"
            )
    known = {"value": stake, "unit": currency} if stake > 0 else {}
    chapter.state("develop", f"{statement}.", verdict="act", question="decisions", **known)


def _state_let_go(chapter: Chapter, of: dict[str, dict[str, Any]]) -> None:
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
        said.append(f"agree new terms with {plural(terms['customers'], 'customer')}{_profit(chapter, terms)}")
    if handed["customers"]:
        said.append(f"hand {plural(handed['customers'], 'customer')} over to a dealer")
    if parted["customers"]:
        said.append(f"let {plural(parted['customers'], 'customer')} go{_profit(chapter, parted)}")
    sentence = "; ".join(said) or "nobody need be let go: by these rules no customer costs more than they bring"
    chapter.state(
        "let_go",
        f"{sentence[0].upper()}{sentence[1:]}.",
        value=concerned,
        unit="customers",
        verdict="act" if concerned else "good",
        question="decisions",
    )


def _profit(chapter: Chapter, row: dict[str, Any]) -> str:
    return "" if pd.isna(row["profit"]) else f" (profit {money(row['profit'], chapter.parameters.currency)})"


def _state_lists(chapter: Chapter, total: dict[str, Any]) -> None:
    unreached = total["said_no"] + total["not_recorded"]
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
