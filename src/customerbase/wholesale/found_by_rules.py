"""What the rules of practice find in the wholesaler's base, worked out from its truth in exact arithmetic."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl

from .segments import LAST_DAY

KEY_SHARE_OF_REVENUE = Fraction(1, 10)
TOP_SCORE = 5
ADHERENT_SHARE = 80  # per cents of what the customer buys anywhere
DEPENDENCY = ((50, "critical"), (40, "dangerous"), (30, "high"), (20, "watch"))  # per cents of revenue
HELD_BY_ONE = 3
A_YEAR = dt.timedelta(365)
#: Silent is who let pass so many times the mean time between their purchases, and longer than any before.
TIMES_THE_MEAN = 4

Found = tuple[str | None, str, str]


def found_by_rules(records: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Say whom each rule finds, and why.

    Parameters
    ----------
    records : polars.DataFrame
        The central file; see `records.draw_records`.
    lines : polars.DataFrame
        Order lines and returns that can be used.

    Returns
    -------
    polars.DataFrame
        person (null where a manager is found), what (the rule), detail (a figure or a word that tells why).
    """
    known = _known(records.filter(~pl.col("missing")))
    rows = lines.sort("date", maintain_order=True).to_dicts()
    criteria = [*_by_revenue(rows), *_by_standing(rows, known)]
    key_accounts = sorted({str(person) for person, *_ in criteria})
    keepers = _keepers(rows, known)
    found = [
        *criteria,
        *_dependency(rows),
        *((person, "held by", keepers[person]) for person in key_accounts),
        *_overloaded([keepers[person] for person in key_accounts]),
        *_silent(rows, key_accounts),
        *_below_zero(rows),
        *_without_consent(records, known),
        *_adherents(known),
    ]
    return pl.DataFrame(found, schema={"person": pl.String, "what": pl.String, "detail": pl.String}, orient="row")


def _known(records: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return what the records of each customer say together; of consent, any no."""
    owners = dict(records.select("key", "customer").iter_rows())
    known: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(lambda: None))
    for record in records.iter_rows(named=True):
        person = known[record["customer"]]
        for name, value in record.items():
            person[name] = value if person[name] is None else person[name]
        person["consents"] = [*(person["consents"] or []), record["consent"]]
        referrer = owners.get(record["referred_by"], record["referred_by"])
        if referrer not in (None, record["customer"]):
            known[referrer]["brought"] = (known[referrer]["brought"] or set()) | {record["customer"]}
    return dict(known)


def _by_revenue(rows: list[dict[str, Any]]) -> Iterator[Found]:
    for criterion, part in (("company", None), ("department", "department"), ("manager", "manager")):
        totals: dict[Any, Decimal] = defaultdict(Decimal)
        shares: dict[Any, Decimal] = defaultdict(Decimal)
        for row in rows:
            totals[row[part] if part else ""] += row["amount"]
            shares[row[part] if part else "", row["customer"]] += row["amount"]
        for (name, person), amount in sorted(shares.items()):
            share = Fraction(amount) / Fraction(totals[name])
            if share >= KEY_SHARE_OF_REVENUE:
                yield person, f"key account: {criterion} revenue", f"{name} {float(share):.6f}".strip()


def _by_standing(rows: list[dict[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    buyers = {row["customer"] for row in rows}
    a_year = sum((row["amount"] for row in rows if row["date"] > LAST_DAY - A_YEAR), Decimal(0))
    for name in ("potential", "reputation", "innovator", "demanding"):
        enough = (
            KEY_SHARE_OF_REVENUE * Fraction(a_year) if name == "potential" else 1 if name == "innovator" else TOP_SCORE
        )
        for person in sorted(buyers & known.keys()):
            value = known[person][name]
            if value is not None and value >= enough:
                yield person, f"key account: {name}", "yes" if value is True else f"{value:.0f}"


def _dependency(rows: list[dict[str, Any]]) -> Iterator[Found]:
    revenue = _sums(rows, "amount")
    total = Fraction(sum(revenue.values()))
    for person, amount in sorted(revenue.items()):
        level = next((level for limit, level in DEPENDENCY if Fraction(amount) / total >= Fraction(limit, 100)), None)
        if level:
            yield person, "dependency", level


def _keepers(rows: list[dict[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    latest = {row["customer"]: row["manager"] for row in rows}
    return {person: (known[person]["manager"] if person in known else None) or latest[person] for person in latest}


def _overloaded(keepers: list[str]) -> Iterator[Found]:
    for manager, held in sorted(Counter(keepers).items()):
        if held > HELD_BY_ONE:
            yield None, "overloaded manager", f"{manager} {held}"


def _silent(rows: list[dict[str, Any]], key_accounts: list[str]) -> Iterator[Found]:
    for person in key_accounts:
        days = sorted({row["date"] for row in rows if row["customer"] == person and row["kind"] == "sale"})
        gaps = [(later - earlier).days for earlier, later in pairwise(days)]
        silence = (LAST_DAY - days[-1]).days
        if gaps and silence > max(TIMES_THE_MEAN * sum(gaps) / len(gaps), max(gaps)):
            yield person, "silent key account", f"{days[-1]}"


def _below_zero(rows: list[dict[str, Any]]) -> Iterator[Found]:
    revenue, cost, discount = (_sums(rows, name) for name in ("amount", "cost", "discount"))
    for person in sorted(revenue):
        profit = revenue[person] - cost[person]
        if profit < 0:
            yield person, "profit below zero", f"{profit}"
            if profit + discount[person] >= 0:
                yield person, "discount eats the profit", f"{discount[person]}"


def _without_consent(records: pl.DataFrame, known: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    for person in sorted(set(records["customer"])):
        said = known[person]["consents"] if person in known else []
        if False in said:
            yield person, "no consent", "no"
        elif True not in said:
            yield person, "no consent", "not recorded"


def _adherents(known: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    for person, record in sorted(known.items()):
        share = record["share_of_wallet"]
        if record["exclusive"] or (share is not None and share >= ADHERENT_SHARE):
            yield person, "adherent", "exclusive" if record["exclusive"] else f"{share} per cent"
            if brought := record["brought"]:
                yield person, "advocate", " ".join(sorted(brought))


def _sums(rows: list[dict[str, Any]], name: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["customer"]] += row[name]
    return sums
