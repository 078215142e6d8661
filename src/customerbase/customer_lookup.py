"""Finding the customer that somebody asks for by key, or saying which keys come near."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import polars as pl

from .errors import Refusal
from .personal_data import are_personal
from .wording import printable, shortened

NEAR = 3
LENGTHS_APART = 2
MOST_COMPARED = 5_000
LONGEST_SHOWN = 60


@dataclass(frozen=True)
class FoundCustomer:
    """The customer who is meant.

    Attributes
    ----------
    customer : str
        The key in the ledger.
    asked_for : str
        The key that was asked for; another one where that record belongs to the same customer.
    why : str
        Why the two are one; empty where they are the same key.
    """

    customer: str
    asked_for: str
    why: str = ""


def find_customer(
    key: str, customers: pl.Series, identities: pl.DataFrame | None = None, *, show_personal_data: bool = False
) -> FoundCustomer:
    """Find a customer by key.

    Parameters
    ----------
    key : str
    customers : polars.Series of str
        Keys of the ledger's customers, each once.
    identities : polars.DataFrame, optional
        Who is who: customer (key of a record), person (the key that stands for the customer), why.
    show_personal_data : bool, default False
        Whether keys that look like names may be named.

    Raises
    ------
    Refusal
        Where no customer has this key; it names the nearest ones.
    """
    if (customers == key).any():
        return FoundCustomer(key, key)
    records = None if identities is None else identities.filter(pl.col("customer") == key)
    if records is not None and records.height:
        person, why = records.select("person", "why").row(0)
        if (customers == person).any():
            return FoundCustomer(person, key, why or "")
        raise Refusal(
            f"customer: {_quoted(key)} has a record in the customers' table, but no row in the ledger up to the last "
            "day observed, so there is nothing to put in a dossier. Name a customer of the ledger, or set as_of later."
        )
    known = customers if identities is None else pl.concat([customers, identities["customer"]]).unique()
    raise Refusal(f"customer: there is no customer with the key {_quoted(key)}.{_near(key, known, show_personal_data)}")


def _near(key: str, customers: pl.Series, show_personal_data: bool) -> str:
    if not show_personal_data and are_personal(customers):
        return " Look the key up in the table ledger; since keys look like names, none is named here."
    near = nearest_keys(key, customers)
    if not near:
        return " Look the key up in the table ledger."
    return f" The nearest: {', '.join(_quoted(each) for each in near)}."


def nearest_keys(key: str, customers: pl.Series) -> list[str]:
    """Return the keys that come nearest to one that isn't there, at most three.

    Keys that differ in zeros before them, spaces around them or upper and lower case come first.
    """
    plain = key.strip().lower().lstrip("0")
    bare = customers.str.strip_chars().str.to_lowercase().str.strip_chars_start("0")
    alike = customers.filter(bare == plain).sort().head(NEAR).to_list()
    lengths = customers.str.len_chars().cast(pl.Int64)
    comparable = customers.filter((lengths - len(key)).abs() <= LENGTHS_APART)
    if comparable.len() > MOST_COMPARED:  # comparing letter by letter takes its time
        shared = comparable.str.starts_with(key[:2]) | comparable.str.ends_with(key[-2:])
        comparable = comparable.filter(shared).head(MOST_COMPARED)
    close = difflib.get_close_matches(key[:LONGEST_SHOWN], comparable.sort().to_list(), n=NEAR)
    return list(dict.fromkeys([*alike, *close]))[:NEAR]


def _quoted(key: str) -> str:
    return f"'{shortened(printable(key), LONGEST_SHOWN)}'"
