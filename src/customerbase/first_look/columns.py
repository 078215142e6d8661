"""Which column of a table means what: told from the columns' names, from their cells, and from their arithmetic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

import polars as pl

from ..ledger.clean import RETURN_WORDS, SALE_WORDS
from ..ledger.dates import read_dates
from ..ledger.header import shown_name
from ..ledger.numbers import as_text
from ..parameters import LedgerColumn
from ..wording import count, day, percent, plural
from .guess import Guess, with_article
from .measures import guess_measures
from .profile import MOST, Profile
from .vocabulary import IDENTIFIERS, LABELS, LEDGER, OF_A_CUSTOMER, OTHER_DATES, PARTICULARS, fits, likeness

FITS = 0.5  # share of a name's words that must speak for a meaning
OTHERS_SHOWN = 3
ONE_CUSTOMER = 0.95  # of the orders must belong to one customer each
ONE_TO_ONE = 1.02  # pairs of a code and a name, for each code: a name may have been changed
FEWEST_REPEATED = 5  # rows below which nothing needs to repeat
NOT_KEYS = ("phone", "address", "city", "postcode", "birth_date", "consent", "updated")
MOST_KINDS = 50
GROUPS = ("manager", "department", "channel", "category", "brand", "product")


@dataclass(frozen=True)
class Candidate:
    """A column that may have a meaning, and how much speaks for it."""

    profile: Profile
    score: float


def guess_columns(rows: pl.DataFrame, profiles: Mapping[str, Profile]) -> tuple[list[Guess], list[str]]:
    """Guess the columns of a ledger.

    Parameters
    ----------
    rows : polars.DataFrame
        The cells as read.
    profiles : mapping of str to Profile
        What its columns hold, by name.

    Returns
    -------
    list of Guess
        Of customer and date, of amount (or quantity and unit_price), and of whatever else is there, in the
        contract's order.
    list of str
        What the analyst should know about columns that weren't taken.
    """
    found: dict[str, Guess] = {}
    free = dict(profiles)

    def take(guess: Guess) -> None:
        found[guess.meaning] = guess
        free.pop(guess.column or "", None)

    take(_date(free, rows))
    kind, notes = _kind(free, rows)
    if kind is not None:
        take(kind)
    measures, about_measures = guess_measures(free)
    for measure in measures:
        take(measure)
    take(_customer(free, rows))
    order = _order(free, rows, found["customer"].column)
    if order is not None:
        take(order)
    for meaning in GROUPS:
        group = _group(meaning, free)
        if group is not None:
            take(group)
    return [found[meaning] for meaning in get_args(LedgerColumn) if meaning in found], notes + about_measures


def _date(free: Mapping[str, Profile], rows: pl.DataFrame) -> Guess:
    candidates = [
        Candidate(
            profile,
            likeness(name, LEDGER["date"])
            - fits(profile.words, OTHER_DATES)
            - fits(profile.words, PARTICULARS["birth_date"])
            - (profile.distinct == 1) * 0.2,
        )
        for name, profile in free.items()
        if profile.is_date
    ]
    best, others = _best(candidates)
    if best is None:
        return Guess("date", None, "no column holds dates")
    reading = read_dates(rows[best.name])
    first, last = reading.dates.min(), reading.dates.max()
    # of an ambiguous column the days are not known
    span = "" if reading.ambiguous else f", from {day(first)} to {day(last)}"  # type: ignore[arg-type]
    named = "; named like a date" if fits(best.words, LEDGER["date"]) else ""
    return Guess("date", best.name, f"{count(reading.dates.count())} of {_rows(best)} hold a date{span}{named}", others)


def _customer(free: Mapping[str, Profile], rows: pl.DataFrame) -> Guess:
    possible = [profile for profile in free.values() if _can_be_key(profile)]
    candidates = [Candidate(profile, _customer_score(profile)) for profile in possible]
    named = [candidate for candidate in candidates if candidate.score > 0]
    if not named:
        return _customer_by_content(possible)
    best, others = _best(named)
    assert best is not None  # noqa: S101 (there is a candidate)
    evidence = "named like a customer" if likeness(best.name, LEDGER["customer"]) else "tells customers apart"
    code = None if best.is_code else _code_beside(best, free, rows)
    if code is not None:
        others = (best.name, *others)[:OTHERS_SHOWN]
        evidence = (
            f"each goes with one {shown_name(best.name)}, and a code is preferred to a name, which may be changed"
        )
        best = code
    elif best.is_code and any(not free[name].is_code for name in others):
        evidence += "; a code is preferred to a name, which may be written in several ways"
    if best.is_unique and best.filled >= FEWEST_REPEATED:
        evidence += "; but no value repeats, so either nobody came back or this is no customer"
    return Guess("customer", best.name, f"{_repeats(best)}; {evidence}", others)


def _customer_score(profile: Profile) -> float:
    score = likeness(profile.name, LEDGER["customer"])
    if not score:
        # who can be reached can be told apart; a mail address and a tax number serve where there is no key
        score = 0.3 * max(likeness(profile.name, PARTICULARS[meaning]) >= FITS for meaning in ("email", "tax_id"))
    if not score or any(fits(profile.words, PARTICULARS[meaning]) for meaning in NOT_KEYS):
        return 0.0
    if fits(profile.words, OF_A_CUSTOMER):
        return 0.0
    score += 0.3 * profile.is_code - 0.1 * fits(profile.words, LABELS)
    return max(score - 0.3 * profile.is_unique - 0.3 * (profile.filled < profile.rows / 2), 0.01)


def _can_be_key(profile: Profile) -> bool:
    return not (profile.is_date or profile.is_measure or profile.is_counter)


def _customer_by_content(possible: list[Profile]) -> Guess:
    """Take the only column that repeats as customers do; where there are several nothing tells which."""
    other_meanings = [*LEDGER.values(), *(PARTICULARS[meaning] for meaning in NOT_KEYS)]
    repeating = [
        profile
        for profile in possible
        if profile.distinct > 1
        and not profile.is_unique
        and not any(likeness(profile.name, words) >= FITS for words in other_meanings)
    ]
    if len(repeating) == 1:
        only = repeating[0]
        return Guess("customer", only.name, f"{_repeats(only)}; no name says so, but no other column can be it")
    names = tuple(profile.name for profile in repeating)[:OTHERS_SHOWN]
    why = "no column is named like a customer" if repeating else "no column repeats as customers do"
    return Guess("customer", None, why, names)


def _code_beside(name: Profile, free: Mapping[str, Profile], rows: pl.DataFrame) -> Profile | None:
    """Return a column called just 'Code' whose codes go with the customers' names one to one."""
    for profile in free.values():
        if (
            profile.is_bare_code
            and _can_be_key(profile)
            and not profile.is_unique
            and _is_one_to_one(rows, profile.name, name.name)
        ):
            return profile
    return None


def _is_one_to_one(rows: pl.DataFrame, code: str, name: str) -> bool:
    pairs = rows.select(pl.col(code).cast(pl.String).alias("code"), pl.col(name).cast(pl.String).alias("name"))
    pairs = pairs.drop_nulls()
    fewest = min(pairs["code"].n_unique(), pairs["name"].n_unique())
    return 0 < pairs.n_unique() <= ONE_TO_ONE * fewest


def _order(free: Mapping[str, Profile], rows: pl.DataFrame, customer: str | None) -> Guess | None:
    candidates = []
    for name, profile in free.items():
        score = likeness(name, LEDGER["order"])
        if score < FITS or not _can_be_key(profile) or _fits_better(profile, score, ("customer", *GROUPS)):
            continue
        candidates.append(Candidate(profile, score + 0.3 * profile.is_code))
    belonging = {}
    for candidate in candidates:
        share = _share_of_one_customer(rows, candidate.profile.name, customer)
        if share is None or share >= ONE_CUSTOMER:
            belonging[candidate.profile.name] = share
    best, others = _best([candidate for candidate in candidates if candidate.profile.name in belonging])
    if best is None:
        return None
    share = belonging[best.name]
    whose = "" if share is None else f"; {'each' if share == 1 else percent(share)} of one customer"
    return Guess("order", best.name, f"{_repeats(best, 'an order')}{whose}; named like an order", others)


def _share_of_one_customer(rows: pl.DataFrame, order: str, customer: str | None) -> float | None:
    if customer is None:
        return None
    pairs = rows.select(pl.col(order).alias("order"), pl.col(customer).alias("customer")).drop_nulls().unique()
    if pairs.is_empty():
        return 0.0
    return float((pairs.group_by("order").len()["len"] == 1).mean() or 0.0)  # type: ignore[arg-type]


def _group(meaning: str, free: Mapping[str, Profile]) -> Guess | None:
    candidates = []
    for name, profile in free.items():
        score = likeness(name, LEDGER[meaning])
        unfit = profile.is_date or profile.is_measure or profile.is_counter or profile.looks_like in ("email", "phone")
        if score < FITS or unfit or _fits_better(profile, score, [other for other in GROUPS if other != meaning]):
            continue
        # people read names, not codes
        is_code = fits(profile.words, IDENTIFIERS) or profile.numbers is not None
        candidates.append(Candidate(profile, score - 0.3 * is_code))
    best, others = _best(candidates)
    if best is None:
        return None
    named = f"named like {with_article(meaning)}"
    return Guess(meaning, best.name, f"{plural(best.distinct, 'different value')} in {_rows(best)}; {named}", others)


def _fits_better(profile: Profile, score: float, meanings: Iterable[str]) -> bool:
    return any(likeness(profile.name, LEDGER[meaning]) > score for meaning in meanings)


def _kind(free: Mapping[str, Profile], rows: pl.DataFrame) -> tuple[Guess | None, list[str]]:
    """Find the column whose words tell sales from returns."""
    for name, profile in free.items():
        if profile.numbers is not None or profile.is_date or profile.distinct > MOST_KINDS:
            continue
        is_named = likeness(name, LEDGER["kind"]) >= FITS
        words = as_text(rows[name]).str.strip_chars().str.to_lowercase()
        is_return, is_sale = (words.is_in(known).fill_null(False) for known in (RETURN_WORDS, SALE_WORDS))
        returns, sales = int(is_return.sum()), int(is_sale.sum())
        known = returns + sales
        if returns and known >= MOST * profile.filled:
            left = profile.filled - known
            unknown = f", and {plural(left, 'row')} say neither" if left else ""
            says = f"{plural(sales, 'row')} say sale and {count(returns)} say return{unknown}"
            return Guess("kind", name, says), []
        if is_named and returns:
            others = words.filter(~is_return & ~is_sale).drop_nulls().unique().sort().head(OTHERS_SHOWN)
            shown = ", ".join(shown_name(word) for word in others)
            return None, [
                f"{shown_name(name)} tells returns, but not all its words are known: {shown}. The ledger's kind takes "
                f"only words such as sale and return."
            ]
    return None, []


def _best(candidates: Collection[Candidate]) -> tuple[Profile | None, tuple[str, ...]]:
    """Return the likeliest column, and the names of others that come near it; the left one wins a tie."""
    ranked = sorted(candidates, key=lambda candidate: -candidate.score)
    if not ranked:
        return None, ()
    others = (candidate.profile.name for candidate in ranked[1 : 1 + OTHERS_SHOWN])
    return ranked[0].profile, tuple(others)


def _repeats(profile: Profile, one: str = "a customer") -> str:
    each = f"{profile.rows_each:.1f}".removesuffix(".0")
    rows = f"{each} {one} on average"
    return f"{plural(profile.distinct, 'different value')} in {_rows(profile)}, {rows}"


def _rows(profile: Profile) -> str:
    return plural(profile.rows, "row")
