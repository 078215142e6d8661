"""Personal data stays out of tables, pages and logs unless it is asked for."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from models.ledger_audit import Question

PERSONAL = ("name", "first_name", "last_name", "tax_id", "email", "phone", "address", "postcode", "birth_date")
FIGURES = ("date", "amount", "quantity", "unit_price", "cost", "discount")
HIDDEN = "(not shown)"
# bounded, so that a cell of megabytes is searched in no time
E_MAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,253}\.[^\s@]")
TELEPHONE = re.compile(r"\+\d[\d\s().-]{8,}\d|\b\d{3}[\s.-]\d{3}[\s.-]\d{2}[\s.-]?\d{2}\b")
ANY_TELEPHONE = r"^\+?[\d\s().-]{9,20}$"
WORDS_OF_A_NAME = r"^\p{L}[\p{L}.'’-]*(?:\s+[\p{L}«»\"&.'’-]+)+$"
CAPITALISED = r"^\p{Lu}[\p{Ll}'’-]+$"
IDENTIFIES = rf"{E_MAIL.pattern}|{TELEPHONE.pattern}|{ANY_TELEPHONE}|{WORDS_OF_A_NAME}|{CAPITALISED}"
MOST_PERSONAL = 0.5  # share of the keys from which on all of them are taken for personal
LOOKED_AT = 10_000
LONGEST_NAME = 8  # words
SHORTEST_KNOWN = 4  # shorter values, such as a house's number, are too common to tell anybody
SHORTEST_NUMBER = 7  # digits
CITE_KEYS = ("largest_customer", "collective_customer", "nobody", "like_keys")


def are_personal(keys: pl.Series) -> bool:
    """Tell whether most of the customers' keys look like names, telephone numbers or mail addresses."""
    share = keys.head(LOOKED_AT).drop_nulls().str.strip_chars().str.contains(IDENTIFIES).mean() or 0.0
    return bool(share > MOST_PERSONAL)  # type: ignore[operator]


def without_names(questions: Sequence[Question], keys: pl.Series) -> list[Question]:
    """Take customers' keys out of what an audit found, where the keys are names, numbers or addresses."""
    if not are_personal(keys):
        return list(questions)
    return [
        replace(question, statement=re.sub(r"'.*'", HIDDEN, question.statement))
        if question.id in CITE_KEYS
        else question
        for question in questions
    ]


def without_personal_data(
    quarantine: pl.DataFrame, columns: Mapping[str, Mapping[str, str]], known: Collection[str]
) -> pl.DataFrame:
    """Take what may be personal out of quarantined rows.

    What stays are the cells of the columns that the parameters name, as long as neither their meaning nor their
    content is personal. A line that can't be split into cells stays only where the parameters name every column.

    Parameters
    ----------
    quarantine : polars.DataFrame
        row, source, reason, amount, as_read.
    columns : mapping
        For each source its columns, and for each of these what it means: empty where the parameters don't name it.
    known : collection of str
        Personal values from the customers' table.
    """
    told = _Known.of(known)
    kept = [
        _kept(as_read, columns.get(source, {}), told)
        for source, as_read in quarantine.select("source", "as_read").iter_rows()
    ]
    return quarantine.with_columns(pl.Series("as_read", kept, dtype=pl.String))


def personal_values(customers: pl.DataFrame) -> set[str]:
    """Return every value of the customers' table that tells who somebody is."""
    there = [name for name in PERSONAL if name in customers.columns]
    return {value for name in there for value in customers[name].cast(pl.String).drop_nulls()}


@dataclass(frozen=True)
class _Known:
    """Personal values as they are looked for: words one after the other, and numbers' digits by how many there are."""

    words: frozenset[str]
    digits: Mapping[int, frozenset[str]]

    @classmethod
    def of(cls, values: Iterable[str]) -> _Known:
        values = [value for value in values if len(value) >= SHORTEST_KNOWN]
        digits = defaultdict(set)
        for number in (re.sub(r"\D", "", value) for value in values if not any(sign.isalpha() for sign in value)):
            if len(number) >= SHORTEST_NUMBER:
                # with and without the country's code
                digits[min(len(number), 10)].add(number[-10:])
        return cls(
            frozenset(" ".join(_words(value)) for value in values), {n: frozenset(found) for n, found in digits.items()}
        )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _kept(as_read: str | None, columns: Mapping[str, str], known: _Known) -> str | None:
    try:
        cells = json.loads(as_read or "")
    except ValueError:
        cells = None
    if not isinstance(cells, dict):
        shown = bool(columns) and all(columns.values()) and not _tells(as_read or "", known)
        return as_read if shown else HIDDEN
    kept = {
        name: value if value is None or _is_harmless(columns.get(name, ""), value, known) else HIDDEN
        for name, value in cells.items()
    }
    return json.dumps(kept, ensure_ascii=False)


def _is_harmless(meaning: str, value: str, known: _Known) -> bool:
    if not meaning or meaning in PERSONAL:
        return False
    # a sum or a day may look like a telephone number
    return (meaning in FIGURES and _is_figure(value)) or not _tells(value, known)


def _is_figure(value: str) -> bool:
    return not any(sign.isalpha() for sign in value) and "@" not in value


def _tells(value: str, known: _Known) -> bool:
    if E_MAIL.search(value) or TELEPHONE.search(value):
        return True
    words = _words(value)
    parts = (" ".join(words[at : at + length]) for length in range(1, LONGEST_NAME + 1) for at in range(len(words)))
    if any(part in known.words for part in parts):
        return True
    numbers = re.findall(r"\d+", re.sub(r"(?<=\d)[\s().-]+(?=\d)", "", value))
    return any(
        number[at : at + length] in found
        for number in numbers
        for length, found in known.digits.items()
        for at in range(len(number) - length + 1)
    )
