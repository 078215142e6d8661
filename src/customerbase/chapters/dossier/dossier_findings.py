"""What `dossier` states of its customer: the sentences to have in mind when the door opens."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...chapter import Chapter
from ...findings import Finding, Findings, Verdict
from ...unsaid import Unsaid
from ...wording import NOT_RECORDED, count, key, money, percent, printable, profit_or_loss
from .dossier import YEAR, NextPurchase, Person, complaint
from .dossier_bought import change
from .dossier_words import (
    HELD_OUT,
    NOT_KNOWN,
    change_in_words,
    complaint_in_words,
    dependency,
    fell_most_in_words,
    interval_of,
    next_in_words,
    share_in_words,
    stay_in_words,
    worth,
)

WEIGHT: dict[Verdict, int] = {"act": 0, "watch": 1, "note": 2, "good": 2, "unknown": 3}
FALL = 0.2  # of a year's purchases, from which on it is worth a word
WAITS = "keep at low cost"  # the action for which nobody has to be called


def findings(chapter: Chapter, person: Person, due: NextPurchase | Unsaid, earned: pd.DataFrame) -> Findings:
    """State what is to be known of the customer before a visit, the weightiest first.

    They stay on the page of the dossier: the findings of a run are about the base.
    """
    stated = [
        _complaint(chapter, person),
        _stay(chapter, person, due),
        _action(person),
        _fall(chapter, person),
        _value(chapter, person, due),
        _profit(chapter, person, earned),
        _dependency(chapter, person),
        _consent(chapter, person),
    ]
    told = [finding for finding in stated if finding is not None]
    return Findings(tuple(sorted(told, key=lambda finding: WEIGHT[finding.verdict])))


def _finding(id: str, statement: str, verdict: Verdict = "note", **figures: Any) -> Finding:
    return Finding(id, "dossier", statement, verdict=verdict, **figures)


def _complaint(chapter: Chapter, person: Person) -> Finding | None:
    found = complaint(chapter, person)
    if found is None:
        return None
    verdict: Verdict = "act" if found.spoken_since is None else "watch"
    return _finding("dossier_complaint", f"{complaint_in_words(found)}.", verdict)


def _action(person: Person) -> Finding:
    standing = person.standing
    if "action" not in standing:
        return _finding("dossier_action", "The playbook names no action for this customer.", "unknown")
    action, reason = standing["action"], printable(standing.get("action_reason", "")).rstrip(".")
    parts = [f"What to do with customer {key(person.key)}: {action}", reason]
    if standing.get("control_group"):
        parts.append(f"{HELD_OUT[0].upper()}{HELD_OUT[1:]}")
    elif "offer" in standing:
        parts.append(f"Offer: {printable(standing['offer']).rstrip('.')}")
    pressing = standing.get("on_list") and action != WAITS
    return _finding("dossier_action", f"{'. '.join(filter(None, parts))}.", "act" if pressing else "note")


def _stay(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> Finding:
    if isinstance(due, Unsaid):
        return _finding("dossier_alive", due.reason, "unknown")
    statement = stay_in_words(chapter, person, due, "still a customer with a probability of ")
    if not due.left:
        statement += f"; next purchase {next_in_words(chapter, due)}"
    verdict: Verdict = "note" if due.untold else "good"
    if due.overdue_since is not None:
        verdict = "act"
    elif due.left:
        verdict = "watch"
    return _finding(
        "dossier_alive", f"{statement[0].upper()}{statement[1:]}.", verdict, value=due.p_alive, unit="probability"
    )


def _fall(chapter: Chapter, person: Person) -> Finding | None:
    found = change(chapter, person)
    if found.growth is None or found.now > (1 - FALL) * found.before:
        return None
    fell = fell_most_in_words(chapter, found)
    statement = f"Bought in the last {YEAR} days: {change_in_words(chapter, found)}{f'; {fell}' if fell else ''}."
    return _finding("dossier_fall", statement, "watch", value=found.growth, unit="share")


def _value(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> Finding:
    told = worth(chapter, person, due)
    if told == NOT_KNOWN:
        reason = "What this customer will bring can't be told: purchases or spend could not be forecast."
        return _finding("dossier_value", reason, "unknown")
    low, high = interval_of(person) or (None, None)
    return _finding(
        "dossier_value",
        f"Worth in the next {count(chapter.parameters.horizon_days)} days: {told}.",
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
    latest = float(earned.loc["last 365 days", "profit"])  # type: ignore[arg-type]
    profit, discount = whole["profit"], whole["discount"]
    verdict: Verdict = "note"
    statement = f"So far {money(whole['revenue'], currency)} of revenue left {profit_or_loss(profit, currency)}"
    if "discount" in person.lines.columns and whole["gross"] > 0:
        statement += f", after discounts of {percent(discount / whole['gross'], 1)}"
        if profit < 0 < profit + discount:
            statement += f"; without them it would be {profit_or_loss(profit + discount, currency)}"
        elif 0 <= profit < discount:
            verdict = "watch"
            statement += f"; they took {money(discount, currency)}, more than is left"
    if latest < 0 <= profit:
        statement += f"; the last {YEAR} days alone left {profit_or_loss(latest, currency)}"
    if profit < 0 or latest < 0:
        verdict = "act"
        statement = f"The terms eat the profit. {statement}"
    return _finding("dossier_profit", f"{statement}.", verdict, value=profit, unit=currency)


def _dependency(chapter: Chapter, person: Person) -> Finding:
    standing = person.standing
    share = standing.get("share")
    if share is None:
        return _finding("dossier_share", "Without revenue above zero nobody has a share in it.", "unknown")
    statement = f"{share_in_words(chapter, person)} of revenue comes from this customer"
    if "criteria" in standing:
        statement += f", a key account by {standing['criteria']}"
    level, in_words = dependency(chapter, person)
    statement += f"; {in_words}" if in_words else ""
    verdicts: dict[str, Verdict] = {"watch": "watch", "high": "watch", "dangerous": "act", "critical": "act"}
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
