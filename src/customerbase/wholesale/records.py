"""The central file as it was kept: customers entered twice, fields left out, numbers mistyped."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl
from anyascii import anyascii

from .chance import pick
from .names import STREETS
from .people import phone_number
from .segments import LAST_DAY

DOUBLES, TRIPLES, LOST = 44, 8, 5
STEP = 4  # keys are given out with gaps of up to so many

#: How often a field is known, for companies and sole traders, and for private people.
KNOWN = {
    "tax_id": (0.93, 0.18),
    "email": (0.74, 0.55),
    "phone": (0.93, 0.94),
    "address": (0.88, 0.72),
    "postcode": (0.62, 0.45),
    "birth_date": (0.0, 0.66),
    "consent": (0.85, 0.80),
    "share_of_wallet": (0.7, 0.0),
    "potential": (0.8, 0.3),
    "reputation": (0.8, 0.2),
    "innovator": (0.7, 0.1),
    "demanding": (0.8, 0.3),
}
#: What tells that two records are one customer, beside a name much the same.
CLUES = ("tax_id", "phone", "email", "birth_date", "address")
CLUES_OF_FIRST, CLUES_KEPT = 3, 2
OTHER_CONSENT = 0.2

#: What is typed where a field insists on an answer, and to how many customers each.
PLACEHOLDERS = (
    ("phone", "000-00-00", 9),
    ("phone", "нет", 7),
    ("email", "нет", 6),
    ("email", "zakaz@example.com", 6),
    ("tax_id", "0000000000", 4),
)
ZERO_WIDTH, NO_BREAK = "\u200b", "\u00a0"
LATIN_LOOK_ALIKES = str.maketrans("аеорсухАВЕКМНОРСТХ", "aeopcyxABEKMHOPCTX")


def draw_records(people: pl.DataFrame, look_alikes: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """Enter the customers into the central file, some of them twice or thrice.

    Parameters
    ----------
    people : polars.DataFrame
        The true customers.
    look_alikes : polars.DataFrame
        Pairs who are not one customer; they are entered once each, with what tells them apart.
    random : numpy.random.Generator

    Returns
    -------
    polars.DataFrame
        key (digits, with leading zeros), customer (the true one), is_duplicate, missing (in the ledger but not in
        the central file), and the columns of `people` as they were typed.
    """
    alike = set(look_alikes["customer"]) | set(look_alikes["other"])
    rows = people.to_dicts()
    # whoever buys often meets more people who type
    likely = {
        row["customer"]: 4 if row["orders"] > 1 else int(row["kind"] == "private")
        for row in rows
        if row["customer"] not in alike and row["segment"] != "key"
    }
    shares = np.array(list(likely.values())) / sum(likely.values())
    chosen = [str(name) for name in random.choice(list(likely), DOUBLES + TRIPLES - 1, replace=False, p=shares)]
    copies = dict.fromkeys(chosen, 1) | dict.fromkeys(chosen[:TRIPLES], 2)
    copies |= {row["customer"]: 1 for row in rows if row["segment"] == "key"}
    records = []
    for row in rows:
        times = copies.get(row["customer"], 0)
        first = _entered(row, random, clues=CLUES_OF_FIRST if times or row["customer"] in alike else 0)
        records.append(first | {"is_duplicate": False, "missing": False})
        for _ in range(times):
            records.append(_entered_again(row, first, random) | {"is_duplicate": True, "missing": False})
    single = [record for record in records if record["customer"] not in alike | copies.keys()]
    _type_placeholders(single, random)
    for record in random.choice(np.array(single, dtype=object), LOST, replace=False):
        record["missing"] = record["orders"] > 0
    records.sort(key=lambda record: (record["entered"], record["customer"], record["is_duplicate"]))
    keys = 100 + np.cumsum(random.integers(1, STEP + 1, len(records)))
    frame = pl.DataFrame(records, infer_schema_length=None).with_columns(
        pl.Series("key", [f"{key:05d}" for key in keys])
    )
    first_keys = frame.filter(~pl.col("is_duplicate")).select(pl.col("customer").alias("referred_by"), referrer="key")
    return (
        frame.join(first_keys, on="referred_by", how="left", maintain_order="left")
        .drop("referred_by")
        .rename({"referrer": "referred_by"})
        .select("key", "customer", "is_duplicate", "missing", pl.exclude("key", "customer", "is_duplicate", "missing"))
    )


def record_under_keys(rows: pl.DataFrame, records: pl.DataFrame, by: str, random: np.random.Generator) -> pl.DataFrame:
    """Add `key`: which of the customer's records each row was booked under.

    Rows of one `by` (an order, or an event) are booked together. A record made by mistake takes its share only
    after it was made.
    """
    keys: dict[str, list[tuple[str, dt.date]]] = defaultdict(list)
    for record in records.sort("is_duplicate", maintain_order=True).iter_rows(named=True):
        keys[record["customer"]].append((record["key"], record["entered"]))
    booked: dict[Any, str] = {}
    used: set[str] = set()
    for row in rows.iter_rows(named=True):
        if row[by] not in booked:
            (first, _), *others = keys[row["customer"]]
            there = [key for key, entered in others if entered <= row["date"]]
            unused = [key for key in there if key not in used]
            key = unused[0] if unused else pick(random, [first, first, *there])
            booked[row[by]] = key
            used.add(key)
    return rows.with_columns(pl.Series("key", [booked[name] for name in rows[by]], dtype=pl.String))


def _entered(row: dict[str, Any], random: np.random.Generator, clues: int) -> dict[str, Any]:
    """Type a customer in for the first time: correct, as far as it goes."""
    record = row | {"entered": row["acquired"]}
    is_private = row["kind"] == "private"
    for field, shares in KNOWN.items():
        if random.random() > shares[is_private]:
            record[field] = None
    missing = [clue for clue in CLUES if record[clue] is None and row[clue] is not None]
    while sum(record[clue] is not None for clue in CLUES) < clues and missing:
        clue = missing.pop(int(random.integers(len(missing))))
        record[clue] = row[clue]
    record["phone"] = record["phone"] and _phone_as_typed(record["phone"], random)
    if random.random() < 0.06:
        record["name"] = _with_stray_characters(record["name"], random)
    return record


def _entered_again(row: dict[str, Any], first: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    """Type a customer in once more, by somebody who didn't find the record; at least two clues stay the same."""
    record = _entered(row, random, clues=CLUES_KEPT)
    shared = [clue for clue in CLUES if first[clue] is not None]
    kept = set(random.choice(shared, min(len(shared), CLUES_KEPT + int(random.random() < 0.5)), replace=False))
    for clue in CLUES:
        if clue in kept:
            record[clue] = _same_clue(clue, row, random)
        elif record[clue] is not None:
            record[clue] = _other_clue(clue, row, random)
    record["name"] = _name_as_typed(row, random)
    if record["consent"] is not None and random.random() < OTHER_CONSENT:
        record["consent"] = not record["consent"]
    if record["address"] is None:
        record["postcode"] = None
    since = (LAST_DAY - row["acquired"]).days
    record["entered"] = row["acquired"] + dt.timedelta(int(since * random.uniform(0.02, 0.5)))
    record["updated"] = record["entered"] + dt.timedelta(int((LAST_DAY - record["entered"]).days * random.random()))
    return record


def _same_clue(clue: str, row: dict[str, Any], random: np.random.Generator) -> Any:
    if clue == "phone":
        return _phone_as_typed(row["phone"], random)
    if clue == "email":
        return pick(random, (row["email"], row["email"].upper(), row["email"].capitalize(), f" {row['email']}"))
    if clue == "address":
        return _address_as_typed(row["address"], random)
    return row[clue]


def _other_clue(clue: str, row: dict[str, Any], random: np.random.Generator) -> Any:
    """Return a mistaken or a later value of a field, or nothing."""
    if random.random() < 0.35:
        return None
    if clue == "tax_id":
        return _with_a_wrong_digit(row["tax_id"], random)
    if clue == "phone":
        return _phone_as_typed(phone_number(random), random)
    if clue == "email":
        local, domain = row["email"].split("@")
        return f"{_with_a_typo(local, random)}@{domain}"
    if clue == "birth_date":
        born = row["birth_date"]
        return born.replace(day=born.month, month=born.day) if born.day <= 12 else born.replace(day=born.day - 9)
    return f"ул. {pick(random, STREETS)}, д. {random.integers(1, 120)}"


def _name_as_typed(row: dict[str, Any], random: np.random.Generator) -> str:
    name = _company_as_typed(row["name"], random) if row["kind"] == "company" else _person_as_typed(row, random)
    chance = random.random()
    if chance < 0.18:
        return _with_stray_characters(name, random)
    if chance < 0.32:
        return name.translate(LATIN_LOOK_ALIKES)
    if chance < 0.44:
        return anyascii(name).replace("<<", '"').replace(">>", '"')
    return name


def _company_as_typed(name: str, random: np.random.Generator) -> str:
    form, words = name.split(" ", 1)
    words = words.strip("«»")
    if random.random() < 0.35:
        words = _with_a_typo(words, random)
    full = {"ООО": "Общество с ограниченной ответственностью", "АО": "Акционерное общество"}[form]
    return pick(
        random,
        (
            f"{form} «{words}»",
            f'{form} "{words}"',
            f'{form} "{words.upper()}"',
            f"{words}, {form}",
            f"{form.lower()} {words}",
            words,
            f"{full} «{words}»",
        ),
    )


def _person_as_typed(row: dict[str, Any], random: np.random.Generator) -> str:
    last, first, patronymic = row["last_name"], row["first_name"], row["patronymic"]
    if random.random() < 0.3:
        last = _with_a_typo(last, random)
    elif random.random() < 0.2:
        first = _with_a_typo(first, random)
    name = pick(
        random,
        (
            f"{last} {first} {patronymic}",
            f"{first} {patronymic} {last}",
            f"{first} {last}",
            f"{last} {first}",
            f"{last} {first[0]}. {patronymic[0]}.",
            f"{last} {first[0]}.{patronymic[0]}.",
            f"{last} {first} {patronymic}".replace("ё", "е"),
            f"{last} {first} {patronymic}".upper(),
        ),
    )
    return f"ИП {name}" if row["kind"] == "sole trader" and random.random() < 0.7 else name


def _with_a_typo(word: str, random: np.random.Generator) -> str:
    """Leave a letter out, double one, swap two, or hit another; never the first."""
    at = int(random.integers(1, len(word) - 1))
    before, letter, following, rest = word[:at], word[at], word[at + 1], word[at + 2 :]
    return pick(
        random,
        (
            before + following + rest,
            before + letter + letter + following + rest,
            before + following + letter + rest,
            before + pick(random, "аеиорнт" if letter > "z" else "aeinort") + following + rest,
        ),
    )


def _with_a_wrong_digit(number: str, random: np.random.Generator) -> str:
    at = int(random.integers(4, len(number)))
    return number[:at] + str((int(number[at]) + int(random.integers(1, 10))) % 10) + number[at + 1 :]


def _with_stray_characters(name: str, random: np.random.Generator) -> str:
    at = name.index(" ") if " " in name else len(name)
    return pick(
        random,
        (
            name.replace(" ", "  "),
            f" {name} ",
            name.replace(" ", NO_BREAK),
            name[: at - 1] + ZERO_WIDTH + name[at - 1 :],
        ),
    )


def _phone_as_typed(phone: str, random: np.random.Generator) -> str:
    code, first, second, third = phone[2:5], phone[5:8], phone[8:10], phone[10:]
    return pick(
        random,
        (
            phone,
            f"+7 ({code}) {first}-{second}-{third}",
            f"8 ({code}) {first}-{second}-{third}",
            f"8{code}{first}{second}{third}",
            f"8 {code} {first} {second} {third}",
            f"{code} {first}-{second}-{third}",
            f"+7 {code} {first}{second}{third}",
        ),
    )


def _address_as_typed(address: str, random: np.random.Generator) -> str:
    street, house, rooms = address.split(", ")
    name, number, room = street.removeprefix("ул. "), house.removeprefix("д. "), rooms.split(" ")[1]
    return pick(
        random,
        (
            address,
            f"{name} ул., {number}-{room}",
            f"улица {name}, дом {number}, {rooms}",
            f"ул.{name} д.{number} {rooms.replace(' ', '')}",
            address.upper(),
        ),
    )


def _type_placeholders(records: list[dict[str, Any]], random: np.random.Generator) -> None:
    for field, word, number in PLACEHOLDERS:
        fitting = [record for record in records if record[field] is not None and record["kind"] != "company"]
        for at in random.choice(len(fitting), number, replace=False):
            fitting[at][field] = word
