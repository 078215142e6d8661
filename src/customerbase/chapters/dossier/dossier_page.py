"""The tables of `dossier`: what a key-account manager reads before a visit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import polars as pl

from ...chapter import Chapter
from ...customer_lookup import FoundCustomer
from ...errors import CannotSay
from ...identities import AS_RECORDED
from ...personal_data import PERSONAL
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, count, day, key, money, percent, plural, printable
from .dossier import YEAR, Complaint, NextPurchase, Person, complaint
from .dossier_bought import change
from .dossier_words import (
    HELD_OUT,
    NOT_KNOWN,
    change_in_words,
    complaint_in_words,
    dependency,
    next_in_words,
    share_in_words,
    stay_in_words,
    worth,
)

EVENTS_SHOWN = 5

# what the customers' table may say that is no personal data: lines of the page, and in each the columns' names there
PARTICULARS: dict[str, dict[str, str]] = {
    "kind and place": {"kind": "", "city": ""},
    "looked after by": {"manager": "", "department": ""},
    "terms": {"volume_discount": "volume discount"},
    "potential": {"potential": "", "share_of_wallet": "share of wallet"},
    "standing": {"reputation": "reputation", "innovator": "innovator", "demanding": "demanding"},
    "loyalty": {"exclusive": "buys only from us:", "channel": "came by", "referred_by": "brought by"},
    "consent to be contacted": {"consent": "", "updated": "record last touched on"},
}


def card(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> ShownTable:
    """Show what to do next, and who the customer is to the business."""
    standing, complained = person.standing, complaint(chapter, person)
    silence = due.reason if isinstance(due, Unsaid) else stay_in_words(chapter, person, due)
    lines = {
        "what to do": _action(standing),
        "what to offer": _text(standing.get("offer"), NOT_RECORDED),
        "next contact": _next_contact(chapter, standing, complained),
        "manager": _text(standing.get("manager"), NOT_RECORDED),
        "customer since": _since(chapter, person),
        f"bought in {YEAR} days": change_in_words(chapter, change(chapter, person)),
        "rung": _rung(standing),
        "segment": _segment(standing),
        "share of revenue": _share(chapter, person),
        "still a customer": silence,
        "next purchase": NOT_KNOWN if isinstance(due, Unsaid) else next_in_words(chapter, due),
        f"worth in {count(chapter.parameters.horizon_days)} days": worth(chapter, person, due),
    }
    if complained is not None:
        lines = {"complaint": complaint_in_words(complained).removeprefix("Complaint of ")} | lines
    if person.found.asked_for != person.found.customer:
        lines = {"asked for": _merged(person.found)} | lines
    return _facts(f"Customer {key(person.key)} on {day(chapter.as_of)}", lines)


def _action(standing: Mapping[str, Any]) -> str:
    if "action" not in standing:
        return "the playbook names no action"
    reason = f". {printable(standing['action_reason'])}" if "action_reason" in standing else ""
    return f"{standing['action']}{reason}"


def _facts(caption: str, lines: Mapping[str, str]) -> ShownTable:
    frame = pd.DataFrame({"what": list(lines), "said": list(lines.values())})
    return show_table(frame, caption, {"what": ("", str), "said": ("what is known", str)})


def _merged(found: FoundCustomer) -> str:
    why = f" ({found.why})" if found.why else ""
    return f"{printable(found.asked_for)}, a record of the same customer as {printable(found.customer)}{why}"


def _text(value: Any, otherwise: str) -> str:
    return otherwise if value is None else printable(value)


def _next_contact(chapter: Chapter, standing: Mapping[str, Any], complained: Complaint | None) -> str:
    may = standing.get("may_contact", NOT_RECORDED)
    if may == "no":
        return "none: consent to be contacted was refused"
    if standing.get("control_group"):
        return HELD_OUT if complained is None else f"{HELD_OUT}; the complaint is answered all the same"
    when, since = standing.get("next_contact"), standing.get("due_since")
    told = "no date set" if when is None else day(pd.Timestamp(when).date())
    if since is not None:
        told += f"; a purchase has been due since {day(pd.Timestamp(since).date())}"
    if may == "yes":
        return f"{told}; agreed to be contacted"
    asked = ", and has to be asked for first" if chapter.parameters.consent_required else ""
    return f"{told}; consent to be contacted isn't recorded{asked}"


def _since(chapter: Chapter, person: Person) -> str:
    if person.purchases.is_empty():
        return "nothing bought was kept"
    first, last = person.purchases["date"][0], person.purchases["date"][-1]
    silent = (chapter.as_of - last).days
    bought = plural(person.purchases.height, "purchase")
    return f"{day(first)}; {bought}, the last on {day(last)} ({plural(silent, 'day')} ago)"


def _rung(standing: Mapping[str, Any]) -> str:
    then = standing.get("rung_a_year_ago")
    before = "not yet a customer a year ago" if then is None else f"a year ago: {then}"
    return f"{standing.get('rung', NOT_KNOWN)} ({before})"


def _segment(standing: Mapping[str, Any]) -> str:
    parts = []
    if "abc" in standing:
        parts.append(f"{standing['abc']}{standing.get('xyz', '')}")
    if "value_tier" in standing:
        parts.append(f"value tier: {standing['value_tier']}")
    if "cluster_name" in standing:
        # the group's name, not what this customer does: whoever is nearer to it than to any other has it
        parts.append(f'of the group "{standing["cluster_name"]}"')
    return "; ".join(parts) or NOT_KNOWN


def _share(chapter: Chapter, person: Person) -> str:
    standing = person.standing
    told = share_in_words(chapter, person)
    if "criteria" not in standing:
        return f"{told}; no key account"
    _, risk = dependency(chapter, person)
    return f"{told}; key account by {standing['criteria']}{f'; {risk}' if risk else ''}"


def terms_table(chapter: Chapter, person: Person, earned: pd.DataFrame) -> ShownTable:
    """Show on which terms the customer buys, and what is left of it."""
    currency = chapter.parameters.currency
    there = set(person.lines.columns)
    served = chapter.parameters.order_cost is not None or chapter.parameters.contact_cost is not None
    known = person.profit_known
    goods = "cost of goods (by margin)" if known and "cost" not in there else "cost of goods"
    rows = {
        "days with a sale": earned["purchases"].map(_none_or_count),
        f"sold before discounts ({currency})": earned["gross"].map(_none_or_count),
        "discounts": _worded(earned, "discount", "gross") if "discount" in there else NOT_RECORDED,
        "returned": _worded(earned, "returned", "gross"),
        f"revenue ({currency})": earned["revenue"].map(_none_or_count),
        goods: _worded(earned, "cost", "revenue") if known else NOT_RECORDED,
        "cost to serve": _worded(earned, "cost_to_serve", "revenue") if served else NOT_RECORDED,
        f"profit ({currency})": _worded(earned, "profit", "revenue") if known else NOT_RECORDED,
    }
    frame = pd.DataFrame({name: pd.Series(values, index=earned.index) for name, values in rows.items()}).T
    frame = frame.rename_axis("what").reset_index()
    columns: Columns = {"what": ("", str)} | {name: (name, str) for name in earned.index}
    table = show_table(frame, f"From sales to profit with customer {key(person.key)}", columns)
    return ShownTable(table.caption, table.headings, table.rows, (False, *[True] * len(earned)))


def _none_or_count(value: float) -> str:
    return "none" if pd.isna(value) else count(value)


def _worded(earned: pd.DataFrame, part: str, whole: str) -> pd.Series:
    shares = (earned[part] / earned[whole].where(earned[whole] > 0)).astype(float)
    return earned[part].map(_none_or_count) + shares.map(lambda share: "" if pd.isna(share) else f" ({percent(share)})")


@says_why_not
def particulars_table(chapter: Chapter, person: Person) -> ShownTable:
    """Show what the customers' table says of the customer."""
    if person.particulars is None:
        raise CannotSay(
            "Who this customer is beyond the ledger is not recorded: the parameters name no customers' table."
        )
    record = {name: value for name, value in person.particulars.items() if name != "customer"}
    if not record:
        raise CannotSay("This customer has no record in the customers' table, so only the ledger is known.")
    lines = {label: _together(names, record, chapter) for label, names in PARTICULARS.items()}
    told = {name for names in PARTICULARS.values() for name in names}
    others = [name for name in record if name not in told]
    if chapter.parameters.show_personal_data:
        lines = {name.replace("_", " "): printable(record[name]) for name in others} | lines
    elif others:
        lines["recorded, not shown"] = _personal(others)
    keys = _keys(chapter, person)
    if len(keys) > 1:
        lines["keys of this customer"] = ", ".join(keys)
    caption = f"What the customers' table says of customer {key(person.key)}"
    return _facts(caption, lines)


def _together(names: Mapping[str, str], record: Mapping[str, Any], chapter: Chapter) -> str:
    """Say in one line what is recorded of some particulars, and which of them aren't."""
    said, missing = [], []
    for name, label in names.items():
        if name in record:
            said.append(f"{label} {_worded_particular(name, record[name], chapter)}".strip())
        else:
            missing.append(label.strip(":") or name.replace("_", " "))
    if not said:
        return NOT_RECORDED
    return "; ".join([*said, f"{', '.join(missing)} {NOT_RECORDED}"] if missing else said)


def _personal(names: Iterable[str]) -> str:
    names = list(names)
    personal = [name.replace("_", " ") for name in names if name in PERSONAL]
    further = len(names) - len(personal)
    told = [*personal, *([plural(further, "further column")] if further else [])]
    return f"{', '.join(told)} (show_personal_data shows them)"


def _worded_particular(name: str, value: Any, chapter: Chapter) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.date):
        return day(value)
    if name == "potential":
        return f"{money(value, chapter.parameters.currency)} a year"
    if name in ("share_of_wallet", "volume_discount"):
        return percent(value)
    return f"{value:g}" if isinstance(value, float) else printable(value)


def _keys(chapter: Chapter, person: Person) -> list[str]:
    """Return every key under which the customer has a record or a purchase."""
    keys = {person.found.customer}
    if AS_RECORDED in person.lines.columns:
        keys |= set(person.lines[AS_RECORDED])
    if chapter.identities is not None:
        keys |= set(chapter.identities.filter(pl.col("person") == person.found.customer)["customer"])
    return sorted(printable(key) for key in keys)


@says_why_not
def events_table(chapter: Chapter, person: Person) -> ShownTable:
    """Show what happened with the customer last."""
    if person.events is None:
        raise CannotSay("Contacts, complaints and surveys are not recorded: the parameters name no events.")
    if person.events.is_empty():
        raise CannotSay(f"No contact, complaint or survey of this customer is recorded up to {day(chapter.as_of)}.")
    last = person.events.reverse().head(EVENTS_SHOWN)
    frame = pd.DataFrame(
        {
            "date": [day(date) for date in last["date"]],
            "kind": [printable(kind) for kind in last["kind"]],
            "reason": [_text(value, "") for value in last["reason"]] if "reason" in last.columns else "",
            "score": [_score(value) for value in last["score"]] if "score" in last.columns else "",
        }
    )
    columns: Columns = {
        "date": ("when", str),
        "kind": ("what", str),
        "reason": ("why", str),
        "score": ("score", str),
    }
    number = person.events.height
    caption = "What happened" if number <= EVENTS_SHOWN else f"The last {EVENTS_SHOWN} of {count(number)} events"
    return show_table(frame, caption, columns)


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
