"""The true customers: who they are, invented name by name."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from anyascii import anyascii
from stdnum.ru import inn

from .chance import pick
from .names import ADJECTIVES, CITIES, LAST_NAMES, MEN, NOUNS, PREFIXES, STREETS, WOMEN
from .segments import CHANNELS, FIRST_DAY, LAST_DAY, MANAGERS, REFERRAL, Segment

#: Pairs of customers who look like one and are two.
LOOK_ALIKES = {"household": 12, "sister": 8, "namesake": 9}

#: No tax office has this number, so no real taxpayer has such a tax number.
TAX_OFFICE = "0000"

SCORES = (1, 2, 3, 4, 5)


def draw_people(buyers: pl.DataFrame, segments: Sequence[Segment], random: np.random.Generator) -> pl.DataFrame:
    """Give each customer a name, ways to be reached, and what the wholesaler knows about them.

    Parameters
    ----------
    buyers : polars.DataFrame
        customer, segment, acquired (date of the first order; of the first talk for a prospect), orders.
    segments : sequence of Segment
    random : numpy.random.Generator

    Returns
    -------
    polars.DataFrame
        One row a true customer, with kind (company, sole trader or private), name and its parts, tax_id, email,
        phone, city, postcode, address, birth_date, manager, department, channel, referred_by, volume_discount,
        potential, reputation, innovator, demanding, exclusive, share_of_wallet, consent and updated. Nothing is
        missing that exists: what the central file lacks, its records leave out.
    """
    by_name = {segment.name: segment for segment in segments}
    taken: set[str] = set()
    people = []
    for buyer in buyers.iter_rows(named=True):
        segment = by_name[buyer["segment"]]
        chance = random.random()
        if chance < segment.private:
            person = _private(random, taken)
        elif chance < segment.private + segment.sole_traders:
            person = _sole_trader(random, taken)
        else:
            person = _company(random, taken)
        people.append(buyer | person | _contacts(random, person) | _standing(random, buyer, person, segment))
    _refer(random, people)
    return pl.DataFrame(people, infer_schema_length=None)


def make_look_alikes(people: pl.DataFrame, random: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make pairs of customers alike who are not the same.

    A household shares the last name, the address and the telephone; sister companies share the address and the
    telephone; namesakes share the name and nothing else.

    Returns
    -------
    people : polars.DataFrame
    look_alikes : polars.DataFrame
        customer, other, kind (household, sister or namesake).
    """
    rows = people.to_dicts()
    private = [row for row in rows if row["kind"] == "private"]
    companies = [row for row in rows if row["kind"] == "company" and row["segment"] != "key"]
    free = {"household": private, "sister": companies}
    pairs = []
    for kind, count in LOOK_ALIKES.items():
        for at in range(count):
            group = free.get(kind, private if at % 3 else companies)
            one, other = (group.pop(int(random.integers(len(group)))) for _ in range(2))
            if kind == "namesake":
                for part in ("name", "last_name", "first_name", "patronymic"):
                    other[part] = one[part]
            else:
                for part in ("city", "postcode", "address", "phone"):
                    other[part] = one[part]
            if kind == "household":
                _marry(one, other)
            if kind != "sister":
                other["email"] = _email(random, other, ending="2")
            pairs.append({"customer": one["customer"], "other": other["customer"], "kind": kind})
    return pl.DataFrame(rows, schema=people.schema), pl.DataFrame(pairs)


def phone_number(random: np.random.Generator) -> str:
    """Draw a telephone number in the international form."""
    return f"+7{pick(random, PREFIXES)}{random.integers(2_000_000, 9_999_999)}"


def _private(random: np.random.Generator, taken: set[str]) -> dict[str, Any]:
    while True:
        person = _person(random)
        if person["name"] not in taken:
            break
    taken.add(person["name"])
    tax_id = f"{TAX_OFFICE}{random.integers(1_000_000):06d}"
    born = FIRST_DAY - dt.timedelta(int(365.25 * (22 + 56 * random.beta(2, 3))))
    return {"kind": "private", **person, "tax_id": tax_id + inn.calc_personal_check_digits(tax_id), "birth_date": born}


def _sole_trader(random: np.random.Generator, taken: set[str]) -> dict[str, Any]:
    person = _private(random, taken)
    return person | {"kind": "sole trader", "name": f"ИП {person['name']}", "birth_date": None}


def _company(random: np.random.Generator, taken: set[str]) -> dict[str, Any]:
    while True:
        noun, gender = pick(random, NOUNS)
        words = f"{pick(random, ADJECTIVES)[gender]} {noun}"
        if words not in taken:
            break
    taken.add(words)
    tax_id = f"{TAX_OFFICE}{random.integers(100_000):05d}"
    return {
        "kind": "company",
        "name": f"{'АО' if random.random() < 0.08 else 'ООО'} «{words}»",
        "last_name": None,
        "first_name": None,
        "patronymic": None,
        "tax_id": tax_id + inn.calc_company_check_digit(tax_id),
        "birth_date": None,
    }


def _person(random: np.random.Generator) -> dict[str, str]:
    is_woman = int(random.random() < 0.5)
    last = pick(random, LAST_NAMES)[is_woman]
    first = pick(random, WOMEN) if is_woman else pick(random, MEN)[0]
    patronymic = pick(random, MEN)[1 + is_woman]
    return {"name": f"{last} {first} {patronymic}", "last_name": last, "first_name": first, "patronymic": patronymic}


def _contacts(random: np.random.Generator, person: dict[str, Any]) -> dict[str, Any]:
    city, postcode, _ = pick(random, CITIES, [weight for *_, weight in CITIES])
    street = f"ул. {pick(random, STREETS)}, д. {random.integers(1, 120)}"
    within = "кв." if person["kind"] == "private" else "оф."
    return {
        "email": _email(random, person),
        "phone": phone_number(random),
        "city": city,
        "postcode": f"{postcode}{random.integers(1, 60):03d}",
        "address": f"{street}, {within} {random.integers(1, 180)}",
    }


def _email(random: np.random.Generator, person: dict[str, Any], ending: str = "") -> str:
    """Draw an address under a domain that is kept for examples; `ending` tells firms of one name apart."""
    if person["kind"] == "company":
        words = _latin(person["name"].split(" ", 1)[1], "-")
        return f"{pick(random, ('info', 'zakaz', 'office'))}@{words}{ending}.example"
    local = f"{_latin(person['last_name'])}.{_latin(person['first_name'])[0]}{random.integers(10, 99)}"
    return f"{local}@{pick(random, ('example.com', 'example.org', 'example.net'))}"


def _standing(
    random: np.random.Generator, buyer: dict[str, Any], person: dict[str, Any], segment: Segment
) -> dict[str, Any]:
    is_private = person["kind"] == "private"
    channels = {name: private if is_private else trade for name, private, trade, _ in CHANNELS}
    large = segment.name in ("dealer", "builder", "key")
    p, q, v = (segment.spending[name] for name in "pqv")
    potential = p * v / (q - 1) * (1 if is_private else 12 if not large else 30) * random.lognormal(0, 0.5)
    since = (LAST_DAY - buyer["acquired"]).days
    return {
        "department": segment.department,
        "manager": pick(random, MANAGERS[segment.department]),
        "channel": pick(random, list(channels), list(channels.values())),
        "volume_discount": pick(random, segment.discounts),
        "potential": round(potential, -4),
        "reputation": pick(random, SCORES, (4, 10, 30, 36, 20)),
        "innovator": bool(random.random() < (0.25 if large else 0.1)),
        "demanding": pick(random, SCORES, (15, 30, 30, 17, 8)),
        "exclusive": bool(large and random.random() < 0.25),
        "share_of_wallet": None if is_private else round(float(random.beta(2, 2.5)) * 100),
        "consent": bool(random.random() < 0.72),
        "updated": buyer["acquired"] + dt.timedelta(int(since * random.beta(1.3, 1.0))),
    }


def _refer(random: np.random.Generator, people: list[dict[str, Any]]) -> None:
    for person in people:
        earlier = [
            other["customer"]
            for other in people
            if other["acquired"] < person["acquired"] and (other["kind"] == "private") == (person["kind"] == "private")
        ]
        referred = person["channel"] == REFERRAL and earlier
        person["referred_by"] = pick(random, earlier) if referred else None


def _marry(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Give the other the last name of the one, in the form of their sex."""
    pair = next(pair for pair in LAST_NAMES if one["last_name"] in pair)
    other["last_name"] = pair[other["first_name"] in WOMEN]
    if other["first_name"] == one["first_name"]:
        other["first_name"] = next(name for name in (MEN[0][0], MEN[1][0]) if name != one["first_name"])
        if one["first_name"] in WOMEN:
            other["first_name"] = next(name for name in WOMEN if name != one["first_name"])
    other["name"] = f"{other['last_name']} {other['first_name']} {other['patronymic']}"


def _latin(name: str, between: str = "") -> str:
    return re.sub("[^a-z]+", between, anyascii(name).lower()).strip("-")
