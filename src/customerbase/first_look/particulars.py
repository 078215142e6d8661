"""Columns that tell who a customer is, and tables that list customers instead of purchases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..wording import percent, plural
from .columns import FITS
from .guess import Guess, with_article
from .profile import MOST, Profile
from .vocabulary import LEDGER, PARTICULARS, STANDING, likeness

SPOKEN = {
    "tax_id": "tax number",
    "birth_date": "day of birth",
    "updated": "day of the last change",
    "first_name": "first name",
    "last_name": "last name",
    "volume_discount": "volume discount",
    "share_of_wallet": "share of wallet",
    "referred_by": "customer who sent this one",
    "demanding": "score of how demanding they are",
    "exclusive": "mark of who buys nowhere else",
}
BESIDE = ("manager", "department")  # what a customers' table may tell as a ledger does


def guess_particulars(
    profiles: Mapping[str, Profile], taken: Collection[str] = (), known: Mapping[str, str] = PARTICULARS
) -> list[Guess]:
    """Guess which columns tell who a customer is: names, ways to reach them, consent.

    Parameters
    ----------
    profiles : mapping of str to Profile
        What the table's columns hold, by name.
    taken : collection of str
        Columns that mean something else.
    known : mapping of str to str, default `vocabulary.PARTICULARS`
        What is looked for, and what it is called.
    """
    found: dict[str, Guess] = {}
    for name, profile in profiles.items():
        if name in taken:
            continue
        scores = {meaning: likeness(name, words) for meaning, words in known.items()}
        meaning = max(scores, key=lambda candidate: scores[candidate])
        if profile.looks_like in ("email", "phone") and scores[profile.looks_like] < FITS:
            meaning, evidence = profile.looks_like, f"holds what looks like {with_article(profile.looks_like)}"
        elif scores[meaning] >= FITS:
            evidence = f"named like {with_article(SPOKEN.get(meaning, meaning))}"
        else:
            continue
        filled = f"filled in {percent(profile.filled / profile.rows)} of {plural(profile.rows, 'row')}"
        found.setdefault(meaning, Guess(meaning, name, f"{evidence}; {filled}"))
    return [found[meaning] for meaning in known if meaning in found]


def lists_customers(profiles: Mapping[str, Profile], guesses: Iterable[Guess]) -> bool:
    """Tell whether a table lists customers, one a row, and is no ledger of their purchases.

    Parameters
    ----------
    profiles : mapping of str to Profile
        What its columns hold, by name.
    guesses : iterable of Guess
        What its columns would be as a ledger's.
    """
    columns = {guess.meaning: guess.column for guess in guesses}
    has_amount = columns.get("amount") or (columns.get("quantity") and columns.get("unit_price"))
    if (columns["date"] and has_amount) or not guess_particulars(profiles):
        return False
    customer = columns["customer"]
    return customer is None or profiles[customer].distinct >= MOST * profiles[customer].rows


def guess_customers_table(profiles: Mapping[str, Profile]) -> list[Guess]:
    """Guess the columns of a table that lists customers: their key first, then what it tells about them."""
    candidates = [
        profile for profile in profiles.values() if not (profile.is_date or profile.is_measure or profile.looks_like)
    ]
    key = max(candidates, key=_likeness_to_key, default=None)
    if key is None or not _likeness_to_key(key):
        guesses = [Guess("customer", None, "no column is named like a customer's key")]
    else:
        each = "its own in each row" if key.is_unique else f"{plural(key.distinct, 'different value')}"
        guesses = [Guess("customer", key.name, f"{each}; named like a customer's key")]
    taken = {guess.column for guess in guesses if guess.column}
    guesses += guess_particulars(profiles, taken, PARTICULARS | STANDING)
    taken = {guess.column for guess in guesses if guess.column}
    for meaning in BESIDE:
        named = [name for name in profiles if name not in taken and likeness(name, LEDGER[meaning]) >= FITS]
        if named:
            guesses.append(Guess(meaning, named[0], f"named like {with_article(meaning)}"))
    return guesses


def _likeness_to_key(profile: Profile) -> float:
    """Tell how well a column serves as the key of a customers' table; 0 where nothing says that it is one."""
    score = likeness(profile.name, LEDGER["customer"]) + 0.5 * profile.is_bare_code
    return score and score + 0.5 * profile.is_code + 0.5 * profile.is_unique
