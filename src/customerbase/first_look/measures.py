"""Which columns are quantities, prices and amounts: told from their names and from how they add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from ..ledger.header import shown_name
from ..wording import count, number, percent, plural
from .guess import Guess
from .profile import Profile
from .vocabulary import (
    IDENTIFIERS,
    LEDGER,
    NET,
    NO_AMOUNT,
    PARTICULARS,
    PERCENTAGE,
    WITH_OR_WITHOUT,
    fits,
    likeness,
)

FITS = 0.5
FITS_AMOUNT = 0.3  # 'Sum without VAT' is an amount, too
HOLDS = 0.95  # share of rows in which arithmetic must hold
ROUNDING = 0.01  # a cent
RELATIVE_ROUNDING = 1e-4
RISES = 0.8  # share of the steps of a running total: some are returns
FEWEST = 3  # rows from which arithmetic says something
OTHERS_SHOWN = 3
TAXES = (1.03, 1.35)  # an amount with tax, as a multiple of that without
OF_THE_LINE = ("cost", "discount", "coupon", "quantity", "unit_price")  # the first wins a name that fits several
NOUNS = {"quantity": "a quantity", "unit_price": "a price"}
PER_UNIT = "unit, each, ед, единиц, stuck, unitaire, unitario, jednostk, stuks"


class _Amount(NamedTuple):
    profile: Profile
    score: float
    reasons: list[str]


def guess_measures(profiles: Mapping[str, Profile]) -> tuple[list[Guess], list[str]]:
    """Guess the columns of numbers.

    Parameters
    ----------
    profiles : mapping of str to Profile
        Of the columns that are free, by name.

    Returns
    -------
    list of Guess
        Of amount, or else of quantity and unit_price, and of cost, discount and coupon where they are there. Where
        nothing can be the amount, its column is None.
    list of str
        What the analyst should know about columns of numbers that weren't taken.
    """
    numeric = {
        name: profile
        for name, profile in profiles.items()
        if profile.numbers is not None and not profile.is_date and not profile.is_counter
    }
    named, notes = _by_name(numeric)
    totals = _running_totals(numeric)
    notes += [
        f"{shown_name(name)} is a running total of {shown_name(of)}, so it is no amount." for name, of in totals.items()
    ]
    quantity, price, discount = (named.get(meaning) for meaning in ("quantity", "unit_price", "discount"))
    free = {
        name: profile
        for name, profile in numeric.items()
        if name not in totals and name not in {taken.name for taken in named.values()}
    }
    amount = _amount(free, quantity, price, discount)
    found = []
    if amount is None and quantity is not None and price is not None:
        found.append(Guess("quantity", quantity.name, f"{_about(quantity)}; named like a quantity"))
        why = "named like a price; no column holds amounts, so quantity times price is the amount"
        found.append(Guess("unit_price", price.name, f"{_about(price)}; {why}"))
    elif amount is None and price is not None:
        why = "no quantity is beside this price and no other column holds amounts, so it is taken as what was paid"
        found.append(Guess("amount", price.name, f"{_about(price)}; {why}"))
    else:
        candidates = tuple(name for name, profile in free.items() if _can_be_amount(profile))[:OTHERS_SHOWN]
        why = "no column is named like an amount" if candidates else "no column holds amounts"
        found.append(amount or Guess("amount", None, why, candidates))
        for meaning, profile in (("quantity", quantity), ("unit_price", price)):
            if profile is not None:
                found.append(Guess(meaning, profile.name, f"{_about(profile)}; named like {NOUNS[meaning]}"))
    for meaning in ("cost", "discount", "coupon"):
        profile = named.get(meaning)
        if profile is not None:
            beside = f"{_about(profile)}; named like a {meaning}; it must be that of the whole row, not of a unit"
            found.append(Guess(meaning, profile.name, beside))
    return found, notes


def _by_name(numeric: Mapping[str, Profile]) -> tuple[dict[str, Profile], list[str]]:
    """Take quantity, unit price, cost, discount and coupon by their names."""
    found: dict[str, tuple[float, Profile]] = {}
    notes = []
    for name, profile in numeric.items():
        scores = {meaning: likeness(name, LEDGER[meaning]) for meaning in OF_THE_LINE}
        meaning = max(OF_THE_LINE, key=lambda candidate: scores[candidate])
        score = scores[meaning]
        is_code = meaning != "quantity" and fits(profile.words, IDENTIFIERS)
        if score < FITS or is_code or likeness(name, LEDGER["amount"]) > score:
            continue
        if meaning == "discount" and _is_share(profile):
            notes.append(f"{shown_name(name)} looks like a percentage; the ledger's discount must be money.")
        elif meaning == "cost" and fits(profile.words, PER_UNIT):
            notes.append(
                f"{shown_name(name)} looks like the cost of a unit; the ledger's cost must be that of the row."
            )
        elif score > found.get(meaning, (0.0, profile))[0]:
            found[meaning] = (score, profile)
    return {meaning: profile for meaning, (_, profile) in found.items()}, notes


def _is_share(profile: Profile) -> bool:
    values = _values(profile).drop_nulls().abs()
    return fits(profile.words, PERCENTAGE) or bool((values <= 1).all() and (values > 0).any())


def _amount(
    free: Mapping[str, Profile], quantity: Profile | None, price: Profile | None, discount: Profile | None
) -> Guess | None:
    candidates = []
    for name, profile in free.items():
        score, reasons = _likeness_to_amount(name, profile), []
        if score >= FITS_AMOUNT:
            reasons.append("named like an amount")
        if quantity is not None and price is not None:
            share = _share_equal(_values(profile), _values(quantity) * _values(price))
            product = f"{shown_name(quantity.name)} times {shown_name(price.name)}"
            if share >= HOLDS:
                score += 0.5
                reasons.append(f"equals {product} in {_share(share)}")
            elif discount is not None:
                after = _values(quantity) * _values(price) - _values(discount)
                share = _share_equal(_values(profile), after)
                if share >= HOLDS:
                    # what was paid comes before what would have been
                    score += 0.7
                    less = f"{product} less {shown_name(discount.name)}"
                    reasons.append(f"equals {less} in {_share(share)}")
            if score >= FITS_AMOUNT and share < HOLDS:
                reasons.append(f"differs from {product} in {percent(1 - share)} of the rows")
        if score >= FITS_AMOUNT:
            candidates.append(_Amount(profile, score, reasons))
    ranked = sorted(candidates, key=lambda candidate: -candidate.score)
    if not ranked:
        unnamed = [profile for name, profile in free.items() if _can_be_amount(profile)]
        if len(unnamed) != 1 or (quantity is not None and price is not None):
            return None
        why = "no name says so, but no other column can be it"
        return Guess("amount", unnamed[0].name, f"{_about(unnamed[0])}; {why}")
    best, *rest = ranked
    reasons = [*best.reasons, *_against(best.profile, [other.profile for other in rest])]
    names = tuple(other.profile.name for other in rest[:OTHERS_SHOWN])
    return Guess("amount", best.profile.name, "; ".join([_about(best.profile), *reasons]), names)


def _likeness_to_amount(name: str, profile: Profile) -> float:
    score = likeness(name, LEDGER["amount"])
    tells_tax = fits(profile.words, WITH_OR_WITHOUT)
    is_another_thing = fits(profile.words, NO_AMOUNT) and not tells_tax and score < 1
    if is_another_thing or fits(profile.words, IDENTIFIERS):
        return 0.0
    return score - 0.1 * fits(profile.words, NET) if score else 0.0


def _can_be_amount(profile: Profile) -> bool:
    is_something_else = fits(profile.words, NO_AMOUNT) or any(
        likeness(profile.name, words) > 0
        for meaning, words in (LEDGER | PARTICULARS).items()
        if meaning not in ("amount", "unit_price")
    )
    return not is_something_else and not profile.is_code


def _against(amount: Profile, others: Sequence[Profile]) -> list[str]:
    """Say how the amount compares with others: with or without tax, or half of it."""
    said = []
    for other in others[:OTHERS_SHOWN]:
        ratio = (_values(amount) / _values(other)).drop_nulls().drop_nans()
        ratio = ratio.filter(ratio.is_finite())
        if len(ratio) < FEWEST:
            continue
        usual = float(ratio.median())  # type: ignore[arg-type]
        steady = float(((ratio / usual - 1).abs() < ROUNDING).mean() or 0) if usual > 0 else 0.0  # type: ignore[arg-type]
        factor, names = (
            (usual, "with tax and without") if usual > 1 else (1 / usual if usual else 0, "without tax and with")
        )
        if steady >= HOLDS and TAXES[0] <= factor <= TAXES[1]:
            said.append(f"{number(usual)} times {shown_name(other.name)}, as {names}")
    return said


def _running_totals(numeric: Mapping[str, Profile]) -> dict[str, str]:
    """Return the columns whose steps from row to row are another column's values, each with that column."""
    found = {}
    rising = {
        name: steps for name, profile in numeric.items() if _mostly_rises(steps := _values(profile).diff().tail(-1))
    }
    for name, steps in rising.items():
        for of, part in numeric.items():
            added = _values(part).tail(-1)
            if of != name and added.n_unique() > 1 and _share_equal(steps, added) >= HOLDS:
                found[name] = of
                break
    return found


def _mostly_rises(steps: pl.Series) -> bool:
    return len(steps) >= FEWEST and float((steps >= 0).mean() or 0.0) >= RISES  # type: ignore[arg-type]


def _share_equal(one: pl.Series, other: pl.Series) -> float:
    """Return the share of rows in which two columns are equal but for rounding; 0 where there are too few."""
    difference = (one - other).abs()
    allowed = one.abs() * RELATIVE_ROUNDING + ROUNDING
    known = difference.is_not_null()
    return float((difference <= allowed).filter(known).mean() or 0.0) if known.sum() >= FEWEST else 0.0  # type: ignore[arg-type]


def _values(profile: Profile) -> pl.Series:
    assert profile.numbers is not None  # noqa: S101 (only columns of numbers come here)
    return profile.numbers


def _about(profile: Profile) -> str:
    values = _values(profile).drop_nulls()
    figures = {"least": values.min(), "median": values.median(), "most": values.max()}
    shown = ", ".join(f"{name} {_figure(value)}" for name, value in figures.items())
    missing = f"; empty in {plural(profile.rows - profile.filled, 'row')}" if profile.filled < profile.rows else ""
    looked_at = f" in the first {count(len(_values(profile)))} rows" if profile.rows > len(_values(profile)) else ""
    return f"numbers{looked_at} ({shown}{missing})"


def _share(share: float) -> str:
    return "all rows" if share == 1 else f"{percent(share, 1)} of the rows"


def _figure(value: Any) -> str:
    return f"{value:,.2f}".removesuffix(".00")
