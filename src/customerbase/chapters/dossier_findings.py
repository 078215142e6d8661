"""What `dossier` states of its customer: the sentences to have in mind when the door opens."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..chapter import Chapter
from ..findings import Finding, Findings, Verdict
from ..unsaid import Unsaid
from ..wording import count, day, money, percent, printable, shortened
from .dossier import NextPurchase, Person
from .dossier_page import LONGEST_NAME, NOT_KNOWN, NOT_RECORDED, likely, next_in_words, worth


def findings(chapter: Chapter, person: Person, due: NextPurchase | Unsaid, earned: pd.DataFrame) -> Findings:
    """State what is to be known of the customer before a visit.

    They stay on the page of the dossier: the findings of a run are about the base.
    """
    stated = [
        _action(person),
        _stay(chapter, person, due),
        _value(chapter, person),
        _profit(chapter, person, earned),
        _dependency(person),
        _consent(chapter, person),
    ]
    return Findings(tuple(stated))


def _finding(id: str, statement: str, verdict: Verdict = "note", **figures: Any) -> Finding:
    return Finding(id, "dossier", statement, verdict=verdict, **figures)


def _action(person: Person) -> Finding:
    standing = person.standing
    if "action" not in standing:
        return _finding("dossier_action", "The playbook names no action for this customer.", "unknown")
    offer = f" Offer: {printable(standing['offer'])}" if "offer" in standing else ""
    reason = printable(standing.get("action_reason", "")).rstrip(".")
    statement = (
        f"What to do with customer {shortened(person.key, LONGEST_NAME)}: {standing['action']}. {reason}.{offer}"
    )
    return _finding("dossier_action", f"{statement.rstrip('. ')}.", "note")


def _stay(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> Finding:
    if isinstance(due, Unsaid):
        return _finding("dossier_alive", due.reason, "unknown")
    given = chapter.parameters
    verdict: Verdict = "good"
    if due.overdue_since is not None:
        verdict = "act"
    elif due.p_alive < given.alive_limit:
        verdict = "watch"
    statement = f"Still a customer with a probability of {likely(due.p_alive)}"
    if not person.came_back:
        statement = "After one purchase the model can't tell who is gone"
        verdict = "note" if verdict == "good" else verdict
    if due.overdue_since is not None:
        statement += f", and silent for longer than the own rhythm explains since {day(due.overdue_since)}"
    return _finding(
        "dossier_alive",
        f"{statement}; next purchase {next_in_words(chapter, due)}.",
        verdict,
        value=due.p_alive,
        unit="probability",
    )


def _value(chapter: Chapter, person: Person) -> Finding:
    told = worth(chapter, person)
    if told == NOT_KNOWN:
        reason = "What this customer will bring can't be told: purchases or spend could not be forecast."
        return _finding("dossier_value", reason, "unknown")
    low, high = person.standing.get("clv_low"), person.standing.get("clv_high")
    return _finding(
        "dossier_value",
        f"Expected in the next {count(chapter.parameters.horizon_days)} days: {told}.",
        value=person.standing["clv"],
        low=low,
        high=high,
        unit=chapter.parameters.currency,
        interval=None if low is None else chapter.parameters.interval,
    )


def _profit(chapter: Chapter, person: Person, earned: pd.DataFrame) -> Finding:
    if not person.profit_known:
        return _finding(
            "dossier_profit", "What this customer leaves is not recorded: neither costs nor a margin.", "unknown"
        )
    currency = chapter.parameters.currency
    whole: dict[str, float] = earned.loc["in all"].to_dict()  # type: ignore[assignment]
    statement = (
        f"So far {money(whole['revenue'], currency)} of revenue left {money(whole['profit'], currency)} of profit"
    )
    if "discount" in person.lines.columns and whole["gross"] > 0:
        statement += f", after discounts of {percent(whole['discount'] / whole['gross'], 1)}"
    verdict: Verdict = "act" if whole["profit"] < 0 else "note"
    return _finding("dossier_profit", f"{statement}.", verdict, value=whole["profit"], unit=currency)


def _dependency(person: Person) -> Finding:
    standing = person.standing
    share = standing.get("share")
    if share is None:
        return _finding("dossier_share", "Without revenue above zero nobody has a share in it.", "unknown")
    statement = f"{percent(person.standing.get('share', float('nan')), 1)} of revenue comes from this customer"
    if "criteria" in standing:
        statement += f", a key account by {standing['criteria']}"
    level = standing.get("dependency", "none")
    verdicts: dict[str, Verdict] = {"watch": "watch", "high": "watch", "dangerous": "act", "critical": "act"}
    if level in verdicts:
        statement += f"; that dependency is {'to be watched' if level == 'watch' else level}"
    return _finding(
        "dossier_share",
        f"{statement}.",
        verdicts.get(level, "note"),
        value=share,
        unit="share of revenue",
    )


def _consent(chapter: Chapter, person: Person) -> Finding:
    said = person.standing.get("may_contact", NOT_RECORDED)
    if said == "yes":
        return _finding("dossier_consent", "This customer agreed to be contacted.", "good")
    if said == "no":
        return _finding("dossier_consent", "This customer must not be contacted: consent was refused.", "act")
    ask = "ask for it before anything else" if chapter.parameters.consent_required else "none is asked for on this base"
    return _finding("dossier_consent", f"Consent to be contacted isn't recorded; {ask}.", "unknown")
