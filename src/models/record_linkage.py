"""Records that are one customer: scored pair by pair, then gathered into persons.

The model is that of Fellegi & Sunter (1969), *A Theory for Record Linkage*, JASA 64, 1183-1210, as Splink computes it,
with agreement on a rare value counting for more than on a common one (Winkler 1990, *String Comparator Metrics and
Enhanced Decision Rules in the Fellegi-Sunter Model*) and with a third class of pairs beside "one customer" and "two at
random": two who belong together, such as relatives in one flat or sister companies in one office, who share a last
name, an address and a telephone without being one (Larsen & Rubin 2001, *Iterative Automated Record Linkage Using
Mixture Models*, JASA 96, 32-41).
"""

import logging
import random
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from splink import DuckDBAPI, Linker, SettingsCreator

#: Two records whose pair has this probability or less are never put together, not even through others.
APART = 0.001

_PAIR = ["customer_left", "customer_right"]
_LOWEST_WEIGHT = -12.0
_SAMPLED_PAIRS = 600_000
_MOST_ITERATIONS = 300

# What the assumed figures count for beside the estimated ones: as many pairs, respectively as many matches.
_ASSUMED_PAIRS = 200_000
_ASSUMED_MATCHES = 100
_MOST_HOLDERS = 10
_FEWEST_TRAINING_PAIRS = 200
_MOST_TRAINING_PAIRS = 1_000_000
_FEWEST_TRAINING_MATCHES = 50

# Before the data speak, one record in a hundred is taken to have a double, and as many to have a relative.
_ASSUMED_DOUBLES = 0.01

_ALL_PAIRS = 300_000
_PAIRS_PER_RECORD = 5
_LARGEST_GROUP_CHECKED = 300
_LIKELY = 0.5
_DOUBTED = 0.9  # the most that pairs reach in which none of these is the same
_TELLING = ("tax number", "e-mail", "phone", "last name", "name", "birth date")


@dataclass(frozen=True)
class Linkage:
    """Pairs of records that may be one customer, and how they were weighed.

    Attributes
    ----------
    pairs : polars.DataFrame
        customer_left, customer_right, probability (that they are one customer), why (in words, naming fields but
        never what is in them), sorted by probability, highest first. Of records of one table the lesser key is left.
        A probability of 0 is that of two who can't be one, although other records connect them.
    weights : polars.DataFrame
        One row per field and level of agreement: field, agreement, m and u (the share of pairs with it among pairs of
        one customer and among two at random), together (its share among two who belong together), source (where m and
        u are from).
    compared : int
        How many pairs were compared.
    doubles : float
        Expected number of pairs of records of one customer among them.
    """

    pairs: pl.DataFrame
    weights: pl.DataFrame
    compared: int
    doubles: float


@dataclass(frozen=True)
class _Level:
    """One level of agreement: its words, its condition in SQL, and its assumed shares in the three classes of pairs.

    `frequency` is the column whose values' frequencies stand in place of u, as far as they are above `least_frequency`.
    A level that is `fixed` keeps its assumed shares.
    """

    words: str
    condition: str
    m: float
    u: float
    together: float
    frequency: str | None = None
    least_frequency: float = 0.0
    fixed: bool = False


@dataclass(frozen=True)
class _Field:
    """A comparison of one field: what it is called, its columns, when nothing can be said, its levels."""

    name: str
    columns: tuple[str, ...]
    missing: str
    levels: tuple[_Level, ...]

    @property
    def column(self) -> str:
        return self.name.replace(" ", "_").replace("-", "")


def _either_missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _equal(column: str) -> str:
    return f"{column}_l = {column}_r"


def _slip(column: str, longer: int = 99) -> str:
    """One letter more, less, other, or two swapped; two such slips from a length of `longer` on."""
    return f"slip({column}_l, {column}_r, {longer})"


def _word_alike(column: str) -> str:
    return f"word_alike({column}_l, {column}_r)"


# What is quick to compute stands first: it rules most pairs out. A final a more tells a woman's name from a man's in
# Slavic and Romance languages, so it's no slip.
_MACROS = """
CREATE TEMP MACRO slip(a, b, longer) AS
    abs(len(a) - len(b)) <= 2 AND least(len(a), len(b)) >= 4 AND jaro_winkler_similarity(a, b) >= 0.85
    AND damerau_levenshtein(a, b) <= CASE WHEN least(len(a), len(b)) >= longer THEN 2 ELSE 1 END;
CREATE TEMP MACRO word_alike(a, b) AS (len(a) = len(b) OR (a[-1] = 'a') = (b[-1] = 'a')) AND slip(a, b, 8);
"""
_SAME_GIVEN = "coalesce(name_given_l = name_given_r, true)"
_ONE_ABBREVIATED = "(name_has_initials_l OR name_has_initials_r)"
_SAME_SWAPPED = "first_name_key_l = last_name_key_r AND last_name_key_l = first_name_key_r"
_SAME_PLACE = "coalesce(city_key_l = city_key_r, true) AND coalesce(postcode_l = postcode_r, true)"
_NEARBY = "(coalesce(city_key_l = city_key_r, false) OR coalesce(postcode_l = postcode_r, false))"

# The assumed m, u and "together" are round figures by judgement, such as that nine in ten tax numbers of one customer
# are written alike and that relatives share a telephone in six cases of ten. The first two give way to what the data
# say, the more so the more data there are.
_FIELDS = (
    _Field(
        "tax number",
        ("tax_id",),
        _either_missing("tax_id"),
        (
            _Level(
                "same",
                "tax_id_l = tax_id_r AND coalesce(tax_id_valid_l, true)",
                0.90,
                1e-6,
                1e-3,
                "tax_id",
            ),
            _Level(
                "same but of wrong check digits", _equal("tax_id"), 0.02, 1e-5, 1e-3, "tax_id", least_frequency=1e-5
            ),
            _Level(
                "a slip apart",
                f"NOT coalesce(tax_id_valid_l AND tax_id_valid_r, false) AND {_slip('tax_id')}",
                0.04,
                1e-5,
                1e-4,
            ),
            _Level(
                "differs, both of right check digits",
                "tax_id_valid_l AND tax_id_valid_r",
                1e-4,
                0.5,
                0.5,
                fixed=True,
            ),
            _Level("differs", "ELSE", 0.04, 0.5, 0.5),
        ),
    ),
    _Field(
        "e-mail",
        ("email",),
        _either_missing("email"),
        (
            _Level("same", _equal("email"), 0.75, 1e-6, 0.10, "email"),
            _Level(
                "spelt alike",
                f"{_equal('mailbox')} OR {_slip('email', 8)}",
                0.10,
                1e-4,
                0.02,
            ),
            _Level("differs", "ELSE", 0.15, 1.0, 0.88),
        ),
    ),
    _Field(
        "phone",
        ("phone",),
        _either_missing("phone"),
        (
            _Level("same", _equal("phone"), 0.70, 1e-6, 0.60, "phone"),
            _Level(
                "alike",
                f"{_equal('phone_ending')} OR {_slip('phone')}",
                0.08,
                1e-5,
                0.03,
            ),
            _Level("differs", "ELSE", 0.22, 1.0, 0.37),
        ),
    ),
    _Field(
        "first name",
        ("first_name_key",),
        _either_missing("first_name_key"),
        (
            _Level("same", _equal("first_name_key"), 0.76, 0.01, 0.03, "first_name_key"),
            _Level(
                "swapped with the last name",
                _SAME_SWAPPED,
                0.02,
                1e-5,
                1e-4,
            ),
            _Level(
                "spelt alike",
                f"NOT (first_name_known_l AND first_name_known_r) AND {_word_alike('first_name_key')}",
                0.10,
                0.005,
                0.01,
            ),
            _Level(
                "shortened",
                f"{_equal('first_name_formal')} OR (first_name_key_l[1] = first_name_key_r[1] AND "
                "least(len(first_name_key_l), len(first_name_key_r)) = 1)",
                0.07,
                0.03,
                0.06,
            ),
            _Level("differs", "ELSE", 0.05, 0.95, 0.90),
        ),
    ),
    _Field(
        "last name",
        ("last_name_key",),
        _either_missing("last_name_key"),
        (
            _Level("same", _equal("last_name_key"), 0.80, 0.002, 0.70, "last_name_key"),
            # Weighed with the first name already
            _Level(
                "swapped with the first name",
                _SAME_SWAPPED,
                0.02,
                0.02,
                0.02,
                fixed=True,
            ),
            _Level("spelt alike", _word_alike("last_name_key"), 0.10, 0.002, 0.04),
            _Level("differs", "ELSE", 0.08, 1.0, 0.24),
        ),
    ),
    _Field(
        "name",
        ("name_key",),
        # Of two persons' names in parts the parts are compared
        f"{_either_missing('name_key')} OR (name_both_parts_l AND name_both_parts_r)",
        (
            _Level(
                "same",
                "name_key_l = name_key_r AND coalesce(company_form_l = company_form_r, true)",
                0.70,
                1e-4,
                0.02,
                "name_key",
            ),
            _Level("same but for the company form", _equal("name_key"), 0.03, 1e-4, 0.03, "name_key"),
            _Level(
                "spelt alike",
                f"name_joined_l = name_joined_r OR ({_SAME_GIVEN} AND len(name_words_l) = len(name_words_r) AND "
                f"({_slip('name_key', 12)} OR {_slip('name_joined', 12)}))",
                0.14,
                1e-4,
                0.005,
            ),
            # By the patronymic or another word, or to two initials
            _Level(
                "shortened",
                f"(list_contains(name_shorter_l, name_key_r) AND NOT name_has_initials_r) OR "
                f"(list_contains(name_shorter_r, name_key_l) AND NOT name_has_initials_l) OR "
                f"({_SAME_GIVEN} AND len(name_words_l) != len(name_words_r) AND {_slip('name_core', 12)}) OR "
                f"({_ONE_ABBREVIATED} AND name_initials_l = name_initials_r AND len(name_initials_l) = 2 AND "
                f"(name_last_l = name_last_r OR {_word_alike('name_last')}))",
                0.08,
                1e-4,
                0.008,
            ),
            _Level(
                "shortened to one initial",
                f"list_contains(name_shorter_l, name_key_r) OR list_contains(name_shorter_r, name_key_l) OR "
                f"({_ONE_ABBREVIATED} AND name_initials_l[1] = name_initials_r[1] AND name_last_l = name_last_r AND "
                "least(len(name_initials_l), len(name_initials_r)) = 1)",
                0.03,
                3e-4,
                0.03,
            ),
            _Level("partly the same", "list_has_any(name_whole_words_l, name_whole_words_r)", 0.03, 0.03, 0.50),
            _Level("differs", "ELSE", 0.02, 0.97, 0.45),
        ),
    ),
    _Field(
        "birth date",
        ("birth_day",),
        _either_missing("birth_day"),
        (
            _Level("same", _equal("birth_day"), 0.85, 5e-5, 0.02, "birth_day"),
            _Level("same with day and month swapped", "birth_day_l = birth_day_swapped_r", 0.02, 3e-5, 2e-4),
            _Level("a slip apart", _slip("birth_day"), 0.06, 1e-3, 0.005),
            _Level(
                "partly the same",
                "birth_day_l[1:6] = birth_day_r[1:6] OR birth_day_l[5:8] = birth_day_r[5:8]",
                0.02,
                0.003,
                0.01,
            ),
            _Level("differs", "ELSE", 0.05, 1.0, 0.96),
        ),
    ),
    # Address, postcode and city in one, for who shares the first shares the others
    _Field(
        "address",
        ("address_key", "postcode", "city_key"),
        f"({_either_missing('address_key')}) AND ({_either_missing('postcode')}) AND ({_either_missing('city_key')})",
        (
            _Level("same", f"address_key_l = address_key_r AND {_SAME_PLACE}", 0.50, 1e-5, 0.60, "address_key"),
            _Level(
                "alike",
                f"(address_key_l = address_key_r AND {_NEARBY}) OR ((address_numbers_l = address_numbers_r OR "
                "starts_with(address_numbers_l, address_numbers_r || ' ') OR "
                "starts_with(address_numbers_r, address_numbers_l || ' ') OR address_words_l = address_words_r) AND "
                f"jaro_winkler_similarity(address_words_l, address_words_r) >= 0.85 AND {_NEARBY})",
                0.20,
                1e-4,
                0.20,
            ),
            _Level("of the same postcode", _equal("postcode"), 0.10, 0.002, 0.06, "postcode"),
            _Level(
                "in the same city",
                f"{_equal('city_key')} OR {_word_alike('city_key')}",
                0.10,
                0.05,
                0.09,
                "city_key",
            ),
            _Level("differs", "ELSE", 0.10, 0.95, 0.05),
        ),
    ),
)

# How often a value no other record has turns up again by chance, in records: half a time for what many share, almost
# never for what is given out once.
_UNSEEN = {"tax_id": 0.01, "email": 0.02, "phone": 0.02}
_UNSEEN_ELSE = 0.5
_UNSEEN_AMONG = 1000
# A value of more records than this isn't one customer's, however small the base
_MOST_OF_ONE = 5

# What EM is trained on: pairs that agree on one of these. An address or a telephone is no start, for relatives and
# colleagues share them.
_TRAINING = (
    ("tax_id",),
    ("email",),
    ("name_key",),
    ("first_name_key", "last_name_key"),
    ("birth_day", "last_name_key"),
    ("birth_day", "name_key"),
)


def link_records(normalised: pl.DataFrame, *, seed: int, lowest: float = 0.01) -> Linkage:
    """Find the pairs of records of one table that may be one customer.

    Parameters
    ----------
    normalised : polars.DataFrame
        Records as `models.record_normalisation.normalise_records` returns them; each key once.
    seed : int
        Seed of the random pairs. The same records and seed give the same linkage.
    lowest : float, default 0.01
        Pairs of a lower probability are left out.

    Raises
    ------
    ValueError
        When a key is missing or there twice.

    Notes
    -----
    Up to 775 records all pairs are compared. Of more, those that agree on a whole field, a part of it, or a word of the
    name, so that a slip in one field hides nobody whom another field shows; values that many share are left out once
    there are five pairs to a record (at least 300,000) from one kind of agreement.

    u is estimated on random pairs and m by EM on pairs that agree on the tax number, the e-mail, the whole name, or the
    birth date and last name, where no more than ten records agree and there are enough such pairs; both are averaged
    with assumed figures that count for as many as 200,000 random pairs and 100 matches, and so decide in small bases.
    Agreement on a value that c records have is weighed by its frequency among the records other than the two, c - 2.
    The shares of the three classes are estimated on all pairs compared.

    A customer is who pays: branches of one tax number and like names are one customer, two valid tax numbers are two.
    Relatives and colleagues agree on an address and a telephone, so these alone put nobody together. A new last name,
    as after a wedding, is left to a person unless the tax number agrees.
    """
    return _link([normalised], seed, lowest)


def link_between(
    left: pl.DataFrame, right: pl.DataFrame, *, seed: int, lowest: float = 0.01, one_to_one: bool = True
) -> Linkage:
    """Find the pairs of a record of one table and a record of another that may be one customer.

    Parameters
    ----------
    left, right : polars.DataFrame
        Records as `models.record_normalisation.normalise_records` returns them; each key once in its table.
    seed : int
        Seed of the random pairs.
    lowest : float, default 0.01
        Pairs of a lower probability are left out.
    one_to_one : bool, default True
        Whether a customer is in each table once: of several pairs of a record only the likeliest is kept, if it is
        the likeliest of the other record too.

    Raises
    ------
    ValueError
        When a key is missing or twice in one table, or the tables have different columns.

    See Also
    --------
    link_records : how pairs are found and weighed.
    """
    if left.schema != right.schema:
        raise ValueError("left and right: the columns differ. Normalise the same columns of both.")
    linkage = _link([left, right], seed, lowest)
    if not one_to_one:
        return linkage
    pairs = linkage.pairs
    # Sorted by probability, so the first of each record is its likeliest
    best = pl.all_horizontal(pl.col(key).is_first_distinct() for key in _PAIR)
    return Linkage(pairs.filter(best), linkage.weights, linkage.compared, linkage.doubles)


def resolve(pairs: pl.DataFrame, customers: pl.Series | pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Gather records into persons.

    Parameters
    ----------
    pairs : polars.DataFrame
        customer_left, customer_right, probability, why. A pair with a key that `customers` lacks is left out.
    customers : polars.Series or polars.DataFrame
        Every key once (or a frame with the column `customer`). The order says who stands for a person: the first.
    threshold : float
        Pairs from this probability on are one customer.

    Returns
    -------
    polars.DataFrame
        One row a record, in the given order: customer, person (key of the first record of its group), probability,
        why. The probability is that of the weakest link on the strongest path from the record to its person, and why
        that link's; 1 and empty for the person's own record.

    Raises
    ------
    ValueError
        When a key is missing or there twice.

    Notes
    -----
    Links are followed from the strongest down (Kruskal 1956). A link that would bring together two records whose own
    pair has a probability of `APART` or less is not followed: a chain between two who can't be one is cut at its
    weakest link. `review` lists what was cut.
    """
    keys = customers["customer"] if isinstance(customers, pl.DataFrame) else customers
    _check_keys(keys)
    place = {key: row for row, key in enumerate(keys.to_list())}
    rows = {side: pl.Series([place.get(key) for key in pairs[side].to_list()], dtype=pl.Int64) for side in _PAIR}
    links = pairs.select("probability", "why").with_columns(**rows).drop_nulls(_PAIR)
    first, second = (pl.min_horizontal(_PAIR), pl.max_horizontal(_PAIR))
    links = links.select(first.alias("one"), second.alias("other"), "probability", "why").sort(
        "probability", "one", "other", descending=[True, False, False]
    )
    apart: dict[int, set[int]] = {}
    for one, other in links.filter(pl.col("probability") <= APART).select("one", "other").iter_rows():
        apart.setdefault(one, set()).add(other)
        apart.setdefault(other, set()).add(one)
    group = {row: [row] for row in range(len(keys))}
    head = list(range(len(keys)))
    tree: dict[int, list[tuple[int, float, str]]] = {}
    for one, other, probability, why in links.filter(pl.col("probability") >= threshold).iter_rows():
        small, large = sorted((head[one], head[other]), key=lambda row: len(group[row]))
        if small == large or any(apart.get(row, _NOBODY) & set(group[large]) for row in group[small] if row in apart):
            continue
        for row in group[small]:
            head[row] = large
        group[large] += group.pop(small)
        tree.setdefault(one, []).append((other, probability, why))
        tree.setdefault(other, []).append((one, probability, why))
    return _persons(keys, group.values(), tree)


def review(pairs: pl.DataFrame, low: float, high: float, persons: pl.DataFrame | None = None) -> pl.DataFrame:
    """List the pairs for a person to decide, most probable first.

    Parameters
    ----------
    pairs : polars.DataFrame
        customer_left, customer_right, probability, why.
    low, high : float
        Pairs with a probability from `low` up to but not including `high` are listed.
    persons : polars.DataFrame, optional
        What `resolve` returned with `high` as threshold: pairs from `high` on whose link was cut are listed as well.
    """
    listed = (pl.col("probability") >= low) & (pl.col("probability") < high)
    if persons is not None:
        person = dict(persons.select("customer", "person").iter_rows())
        left, right = ([person.get(key) for key in pairs[side].to_list()] for side in _PAIR)
        is_cut = pl.Series([one != other for one, other in zip(left, right, strict=True)], dtype=pl.Boolean)
        listed |= (pl.col("probability") >= high) & pl.lit(is_cut)
    return pairs.filter(listed).sort("probability", *_PAIR, descending=[True, False, False])


_NO_PAIRS = pl.DataFrame(schema={"left": pl.Int64, "right": pl.Int64})
_COLUMNS = {
    **dict.fromkeys(
        (
            "first_name_key", "first_name_formal", "last_name_key", "name_key", "name_joined", "company_form", "tax_id",
            "email", "mailbox", "phone", "address_key", "address_words", "address_numbers", "city_key", "postcode",
            "name_core", "name_last", "name_initials", "name_given",
        ),
        pl.String(),
    ),
    "name_words": pl.List(pl.String),
    "name_shorter": pl.List(pl.String),
    "name_has_initials": pl.Boolean(),
    "first_name_known": pl.Boolean(),
    "name_repeats": pl.Boolean(),
    "tax_id_valid": pl.Boolean(),
    "birth_date": pl.Date(),
}  # fmt: skip
_NOBODY: frozenset[int] = frozenset()


def _persons(
    keys: pl.Series, groups: Collection[list[int]], tree: dict[int, list[tuple[int, float, str]]]
) -> pl.DataFrame:
    person = list(range(len(keys)))
    weakest: list[tuple[float, str]] = [(1.0, "")] * len(keys)
    for members in groups:
        start = min(members)
        ahead = [start]
        while ahead:
            here = ahead.pop()
            for there, probability, why in tree.get(here, ()):
                if there != start and person[there] != start:
                    person[there] = start
                    through = weakest[here] if here != start and weakest[here][0] <= probability else (probability, why)
                    weakest[there] = through
                    ahead.append(there)
    probabilities, reasons = zip(*weakest, strict=True) if weakest else ((), ())
    return pl.DataFrame(
        {
            "customer": keys,
            "person": keys.gather(person),
            "probability": pl.Series(probabilities, dtype=pl.Float64),
            "why": pl.Series(reasons, dtype=pl.String),
        }
    )


def _check_keys(keys: pl.Series) -> None:
    if keys.null_count():
        raise ValueError("customer: a key is missing. Give every record one.")
    if keys.n_unique() < len(keys):
        raise ValueError("customer: a key is there twice. Give each record once.")


def _link(tables: Sequence[pl.DataFrame], seed: int, lowest: float) -> Linkage:
    for table in tables:
        _check_keys(table["customer"])
    records = _prepare(pl.concat([table.with_columns(side=pl.lit(side)) for side, table in enumerate(tables)]))
    fields = [field for field in _FIELDS if any(records[column].count() > 1 for column in field.columns)]
    candidates = _candidates(records, len(tables) == 2) if fields else _NO_PAIRS
    weights = _assumed_weights(fields)
    key = records["customer"]
    if candidates.is_empty():
        none = {**dict.fromkeys(_PAIR, key.dtype), "probability": pl.Float64(), "why": pl.String()}
        return Linkage(pl.DataFrame(schema=none), weights.drop("column", "value", "fixed"), 0, 0.0)
    with _quiet_duckdb() as connection:
        weights = _estimate(connection, records, weights, seed)
        scored = _score(connection, records, weights, candidates)
    probability, doubles = _three_classes(scored, weights, records)
    scored = _doubted(scored.with_columns(probability=probability), weights)
    found = _explain(scored.filter(pl.col("probability") >= lowest), weights)
    if len(tables) == 1:
        found = _set_apart(found, records)
    left, right = (key.gather(found[side]).alias(name) for side, name in zip(("left", "right"), _PAIR, strict=True))
    pairs = pl.DataFrame([left, right, found["probability"], found["why"]])
    if len(tables) == 1:
        pairs = pairs.with_columns(pl.min_horizontal(_PAIR).alias(_PAIR[0]), pl.max_horizontal(_PAIR).alias(_PAIR[1]))
    pairs = pairs.sort("probability", *_PAIR, descending=[True, False, False])
    return Linkage(pairs, weights.drop("column", "value", "fixed"), candidates.height, doubles)


def _prepare(records: pl.DataFrame) -> pl.DataFrame:
    """Give the records numbers, all columns, and the frequency of each value among other records."""
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in _COLUMNS.items() if name not in records.columns]
    records = records.with_row_index("unique_id").with_columns(*absent, pl.col("unique_id").cast(pl.Int64))
    parts = pl.col("first_name_key").is_not_null() & pl.col("last_name_key").is_not_null()
    records = records.with_columns(
        phone_ending=pl.col("phone").str.extract("([0-9]{7})$"),
        birth_day=pl.col("birth_date").dt.strftime("%Y%m%d"),
        birth_day_swapped=pl.col("birth_date").dt.strftime("%Y%d%m"),
        name_whole_words=pl.col("name_words").list.eval(pl.element().filter(pl.element().str.len_chars() > 2)),
        name_both_parts=parts & pl.col("name_repeats").fill_null(False),
    )
    frequencies = dict.fromkeys(level.frequency for field in _FIELDS for level in field.levels if level.frequency)
    return records.with_columns(
        _frequency_among_others(column).alias(f"tf_{column}") for column in frequencies if column is not None
    )


def _frequency_among_others(column: str) -> pl.Expr:
    holders, records = pl.len().over(column).cast(pl.Float64), pl.len()
    among_others = ((holders - 2).clip(0) + _UNSEEN.get(column, _UNSEEN_ELSE)) / (records + _UNSEEN_AMONG)
    beyond_one_customer = (holders - _MOST_OF_ONE) / records
    return pl.when(pl.col(column).is_not_null()).then(pl.max_horizontal(among_others, beyond_one_customer))


def _candidates(records: pl.DataFrame, is_between: bool) -> pl.DataFrame:
    """Choose the pairs to compare: left and right, numbers of records, each pair once."""
    sides = [records.filter(pl.col("side") == side) for side in ((0, 1) if is_between else (0, 0))]
    in_all = sides[0].height * sides[1].height
    if in_all <= (_ALL_PAIRS if is_between else 2 * _ALL_PAIRS):
        pairs = sides[0].select(left="unique_id").join(sides[1].select(right="unique_id"), how="cross")
        return pairs if is_between else pairs.filter(pl.col("left") < pl.col("right"))
    most = max(_ALL_PAIRS, _PAIRS_PER_RECORD * records.height)
    found = _NO_PAIRS
    for ours, theirs in zip(*(_blocks(side) for side in sides), strict=True):
        sizes = ours.group_by("key").len("ours").join(theirs.group_by("key").len("theirs"), on="key")
        ours_by_theirs = pl.col("ours").cast(pl.Int64) * pl.col("theirs")
        pairs_of = ours_by_theirs if is_between else (ours_by_theirs - pl.col("ours")) // 2
        kept = (
            sizes.with_columns(pairs=pairs_of)
            .filter(pl.col("pairs") > 0)
            .sort("pairs", "key")
            .filter(pl.col("pairs").cum_sum() <= most)
        )
        left, right = (block.join(kept, on="key", how="semi") for block in (ours, theirs))
        pairs = left.join(right, on="key").select(left="unique_id", right="unique_id_right")
        pairs = pairs if is_between else pairs.filter(pl.col("left") < pl.col("right"))
        found = pl.concat([found, pairs]).unique()
    return found.sort("left", "right")


def _blocks(records: pl.DataFrame) -> list[pl.DataFrame]:
    """Return frames of unique_id and key: two records that share a key in one of them are compared."""
    word_list = pl.coalesce("name_words", pl.concat_list("first_name_formal", "last_name_key").list.drop_nulls())
    joined = pl.coalesce("name_joined", pl.concat_str("last_name_key", "first_name_key"))
    year = pl.col("birth_date").dt.year().cast(pl.String)
    house = pl.col("address_numbers").str.extract("^([0-9]+)")
    words = (
        records.select("unique_id", "city_key", "postcode", year=year, word=word_list)
        .explode("word")
        .filter(pl.col("word").str.len_chars() > 2)
    )
    starts = words.with_columns(pl.col("word").str.head(4))
    two_starts = starts.join(starts, on="unique_id").filter(pl.col("word") < pl.col("word_right"))
    long_tax_id = pl.when(pl.col("tax_id").str.len_chars() > 6).then(pl.col("tax_id"))
    long_name = pl.when(joined.str.len_chars() > 6).then(joined)
    keys = [
        (records, pl.col("tax_id")),
        (records, long_tax_id.str.head(6)),
        (records, long_tax_id.str.tail(6)),
        (records, pl.col("email")),
        (records, pl.col("mailbox")),
        (records, pl.col("phone")),
        (records, pl.col("phone_ending")),
        (records, long_name.str.head(6)),
        (records, long_name.str.tail(6)),
        (words, pl.col("word")),
        (two_starts, pl.concat_str("word", "word_right", separator=" ")),
        (starts, pl.concat_str("word", "city_key", separator=" ")),
        (starts, pl.concat_str("word", "postcode", separator=" ")),
        (starts, pl.concat_str("word", "year", separator=" ")),
        (records, pl.col("birth_day")),
        (records, pl.concat_str("address_words", "city_key", separator=" ")),
        (records, pl.col("address_key")),
        (records, pl.concat_str(house, "postcode", separator=" ")),
    ]
    return [frame.select("unique_id", key=key).drop_nulls().unique() for frame, key in keys]


@contextmanager
def _quiet_duckdb() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory in which Splink works without a word, a file left behind, or the network."""
    logger = logging.getLogger("splink")
    before = logger.level, logger.propagate
    # Splink names its tables at random
    state = random.getstate()
    silent = logging.NullHandler()
    logger.addHandler(silent)
    logger.setLevel(logging.CRITICAL)
    logger.propagate = False
    with tempfile.TemporaryDirectory() as folder:
        # Sums of one thread are always added in one order
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "temp_directory": folder,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        try:
            with duckdb.connect(":memory:", config=config) as connection:
                # in a notebook without ipywidgets the bar is off and may not even be told to be
                if connection.sql("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
                    connection.execute("SET enable_progress_bar = false")
                connection.execute(_MACROS)
                yield connection
        finally:
            logger.removeHandler(silent)
            logger.setLevel(before[0])
            logger.propagate = before[1]
            random.setstate(state)


def _assumed_weights(fields: Sequence[_Field]) -> pl.DataFrame:
    rows = [
        (
            field.name, level.words, level.m, level.u, level.together, "assumed", field.column,
            len(field.levels) - 1 - rank, level.fixed,
        )
        for field in fields
        for rank, level in enumerate(field.levels)
    ]  # fmt: skip
    schema = ["field", "agreement", "m", "u", "together", "source", "column", "value", "fixed"]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _linker(
    connection: duckdb.DuckDBPyConnection, records: pl.DataFrame, weights: pl.DataFrame, purpose: str
) -> tuple[DuckDBAPI, Linker]:
    shares = {
        (column, value): (m, u) for column, value, m, u in weights.select("column", "value", "m", "u").iter_rows()
    }
    comparisons = []
    for field in _FIELDS:
        if (field.column, 0) not in shares:
            continue
        levels: list[dict[str, Any]] = [
            {"sql_condition": field.missing, "label_for_charts": "missing", "is_null_level": True}
        ]
        for rank, level in enumerate(field.levels):
            m, u = shares[field.column, len(field.levels) - 1 - rank]
            levels.append(
                {
                    "sql_condition": level.condition,
                    "label_for_charts": level.words,
                    "m_probability": m,
                    "u_probability": u,
                    "tf_adjustment_column": level.frequency,
                    "tf_minimum_u_value": level.least_frequency,
                    "disable_tf_exact_match_detection": level.frequency is not None,
                }
            )
        comparisons.append({"output_column_name": field.column, "comparison_levels": levels})
    sides = records.partition_by("side", maintain_order=True)
    settings = SettingsCreator(
        link_type="link_only" if len(sides) > 1 else "dedupe_only",
        comparisons=comparisons,  # type: ignore[arg-type]
        probability_two_random_records_match=_ASSUMED_DOUBLES * records.height / _pairs_in_all(records),
        retain_matching_columns=True,
    )
    api = DuckDBAPI(connection)
    tables = [
        api.register(side.drop("customer").to_arrow(), dataset_display_name=f"{purpose}_{number}")
        for number, side in enumerate(sides)
    ]
    return api, Linker(tables, settings, log_level=None, validate_settings=False)


def _pairs_in_all(records: pl.DataFrame) -> int:
    sizes = records["side"].value_counts()["count"].to_list()
    return sizes[0] * sizes[1] if len(sizes) > 1 else sizes[0] * (sizes[0] - 1) // 2


def _estimate(
    connection: duckdb.DuckDBPyConnection, records: pl.DataFrame, weights: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """Estimate u on random pairs and m by EM, and average them with the assumed figures."""
    holders = [pl.when(_all_known(rule)).then(pl.len().over(rule)) for rule in _TRAINING]
    records = records.with_columns(holders[at].alias(f"holders_{at}") for at in range(len(_TRAINING)))
    _, linker = _linker(connection, records, weights, "training")
    sampled = min(_SAMPLED_PAIRS, _pairs_in_all(records))
    is_between = records["side"].n_unique() > 1
    linker.training.estimate_u_using_random_sampling(
        max_pairs=_SAMPLED_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1
    )
    seen_u = {
        (comparison["output_column_name"], len(comparison["comparison_levels"]) - 1 - rank): level["u_probability"]
        for comparison in linker.misc.save_model_to_json()["comparisons"]
        for rank, level in enumerate(comparison["comparison_levels"])
        if rank
    }
    matches: dict[str, float] = {}
    seen_m: dict[tuple[str, int], float] = {}
    for at, rule in enumerate(_TRAINING):
        # A value that many have says little of one customer, and EM would take its holders for doubles
        few = records.filter(pl.col(f"holders_{at}") <= _MOST_HOLDERS)
        agreeing = _agreeing_pairs(few, rule, is_between)
        if agreeing < _FEWEST_TRAINING_PAIRS:
            continue
        equal = " AND ".join(f"l.{column} = r.{column}" for column in rule)
        try:
            session = linker.training.estimate_parameters_using_expectation_maximisation(
                f"{equal} AND l.holders_{at} <= {_MOST_HOLDERS}",
                estimate_without_term_frequencies=True,
                max_pairs=_MOST_TRAINING_PAIRS if agreeing > _MOST_TRAINING_PAIRS else None,
            )
        except ValueError:
            # Splink's word for an estimate that runs towards 0: these pairs teach nothing
            continue
        model = session.core_model_settings
        found = model.probability_two_random_records_match * min(agreeing, _MOST_TRAINING_PAIRS)
        if found < _FEWEST_TRAINING_MATCHES:
            continue
        for comparison in model.comparisons:
            column = comparison.output_column_name
            if "name" in column and any("name" in part for part in rule):
                continue
            matches[column] = matches.get(column, 0.0) + found
            for level in comparison.comparison_levels:
                if not level.is_null_level:
                    place = column, level.comparison_vector_value
                    seen_m[place] = seen_m.get(place, 0.0) + found * (level.m_probability or 0.0)
    rows = []
    for row in weights.iter_rows(named=True):
        place = row["column"], row["value"]
        if not row["fixed"]:
            trained = matches.get(row["column"], 0.0)
            row["m"] = (seen_m.get(place, 0.0) + _ASSUMED_MATCHES * row["m"]) / (trained + _ASSUMED_MATCHES)
            row["u"] = (sampled * seen_u[place] + _ASSUMED_PAIRS * row["u"]) / (sampled + _ASSUMED_PAIRS)
            row["source"] = "random pairs and EM" if trained else "random pairs, m assumed"
        rows.append(row)
    return pl.DataFrame(rows, schema=weights.schema)


def _all_known(columns: Sequence[str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(column).is_not_null() for column in columns)


def _agreeing_pairs(records: pl.DataFrame, columns: Sequence[str], is_between: bool) -> int:
    """Count the pairs that agree on some columns."""
    sizes = records.group_by(columns).agg(
        (pl.col("side") == side).sum().cast(pl.Int64).alias(str(side)) for side in (0, 1)
    )
    within = sizes["0"] * (sizes["0"] - 1) // 2
    return int((sizes["0"] * sizes["1"] if is_between else within).sum())


def _score(
    connection: duckdb.DuckDBPyConnection, records: pl.DataFrame, weights: pl.DataFrame, candidates: pl.DataFrame
) -> pl.DataFrame:
    """Weigh the candidates: left, right, weight (log2 of the ratio m / u), and the level of agreement of each field."""
    api, linker = _linker(connection, records, weights, "scoring")
    keys = candidates.select(join_key_l="left", join_key_r="right", match_key=pl.lit("0"))
    if records["side"].max() != 0:
        tables = [f"scoring_{side}-__-" for side in (0, 1)]
        keys = keys.with_columns(
            join_key_l=pl.lit(tables[0]) + pl.col("join_key_l").cast(pl.String),
            join_key_r=pl.lit(tables[1]) + pl.col("join_key_r").cast(pl.String),
        )
    linker.table_management.register_blocked_pairs_for_predict(api.register(keys.to_arrow(), table_name="candidates"))
    predicted = linker.inference.predict(threshold_match_weight=_LOWEST_WEIGHT, warning_mode="never")
    columns = weights["column"].unique(maintain_order=True).to_list()
    chosen = ", ".join(f"gamma_{column}" for column in columns)
    query = f"SELECT unique_id_l, unique_id_r, match_weight, {chosen} FROM {predicted.physical_name}"  # noqa: S608
    prior = _ASSUMED_DOUBLES * records.height / _pairs_in_all(records)
    return (
        pl.DataFrame(connection.sql(query).to_arrow_table())
        .rename({"unique_id_l": "left", "unique_id_r": "right", **{f"gamma_{column}": column for column in columns}})
        .with_columns(weight=pl.col("match_weight") - np.log2(prior / (1 - prior)))
        .drop("match_weight")
        .sort("left", "right")
    )


def _three_classes(scored: pl.DataFrame, weights: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.Series, float]:
    """Compute the probability of one customer, with the shares of the three classes estimated by EM.

    Returns
    -------
    probability : polars.Series
    doubles : float
        Expected number of pairs of one customer.
    """
    closer = pl.lit(0.0)
    for (column,), levels in weights.group_by("column", maintain_order=True):
        ratio = dict(zip(levels["value"], np.log2(levels["m"] / levels["together"]), strict=True))
        closer += pl.col(str(column)).replace_strict(ratio, default=0.0, return_dtype=pl.Float64)
    against_random, against_relatives = scored.select("weight", closer.alias("closer")).to_numpy().T
    one = np.exp2(np.minimum(against_random, 500))
    together = np.exp2(np.minimum(against_random, 500) - against_relatives)
    in_all = _pairs_in_all(records)
    start = _ASSUMED_DOUBLES * len(records)
    share_one = share_together = start / in_all
    doubles = 0.0
    for _ in range(_MOST_ITERATIONS):
        share_random = max(1 - share_one - share_together, 0.0)
        likelihood = share_one * one + share_together * together + share_random
        doubles, relatives = (
            float((share * ratio / likelihood).sum()) for share, ratio in ((share_one, one), (share_together, together))
        )
        before = share_one
        share_one, share_together = ((count + start) / (in_all + 3 * start) for count in (doubles, relatives))
        if abs(share_one - before) <= 1e-6 * before:
            break
    return pl.Series(
        share_one * one / (share_one * one + share_together * together + max(1 - share_one - share_together, 0.0))
    ), doubles


def _doubted(scored: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Leave pairs in which nothing that tells a customer is quite the same to a person.

    Fellegi and Sunter take slips in several fields for independent. Those of records numbered one after the other
    (Firm A, Firm B, with an office's telephones) are not, and in a small base nothing shows it.
    """
    exact = weights.filter(pl.col("field").is_in(_TELLING) & pl.col("agreement").str.starts_with("same"))
    same = [pl.col(column) == value for column, value in exact.select("column", "value").iter_rows()]
    doubtful = ~pl.any_horizontal(pl.lit(False), *same)
    return scored.with_columns(
        probability=pl.when(doubtful).then(pl.col("probability").clip(upper_bound=_DOUBTED)).otherwise("probability")
    )


def _explain(likely: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Say in words what agrees and what doesn't: left, right, probability, why."""
    columns = weights["column"].unique(maintain_order=True).to_list()
    names = dict(weights.select("column", "field").iter_rows())
    said = {
        (column, value): words for column, value, words in weights.select("column", "value", "agreement").iter_rows()
    }
    patterns = likely.select(columns).unique(maintain_order=True)
    sentences = []
    for pattern in patterns.iter_rows(named=True):
        groups: dict[str, list[str]] = {}
        for column, value in pattern.items():
            if value >= 0:
                groups.setdefault(said[column, value], []).append(names[column])
        parts = [
            f"same {_listed(fields)}" if words == "same" else f"{_listed(fields)} {_plural(words, len(fields))}"
            for words, fields in sorted(groups.items(), key=lambda group: _order(group[0]))
        ]
        sentences.append("; ".join(parts))
    reasons = patterns.with_columns(why=pl.Series(sentences, dtype=pl.String))
    return likely.join(reasons, on=columns, how="left", maintain_order="left").select(
        "left", "right", "probability", "why"
    )


def _order(words: str) -> int:
    return 0 if words == "same" else 2 if words.startswith("differs") else 1


def _listed(fields: Sequence[str]) -> str:
    return " and ".join([", ".join(fields[:-1]), fields[-1]] if len(fields) > 1 else fields)


def _plural(words: str, fields: int) -> str:
    return words.replace("differs", "differ", 1) if fields > 1 else words


def _set_apart(found: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Give pairs of two valid tax numbers that others connect the probability 0.

    They may not be among the pairs found: each may be like a third record only.
    """
    likely = found.filter(pl.col("probability") >= _LIKELY)
    size = len(records)
    graph = coo_array((np.ones(len(likely)), (likely["left"], likely["right"])), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    taxed = (
        records.select("unique_id", "tax_id", group=pl.Series(group))
        .filter(records["tax_id_valid"].fill_null(False))
        .filter(pl.len().over("group") <= _LARGEST_GROUP_CHECKED)
    )
    apart = (
        taxed.join(taxed, on="group")
        .filter((pl.col("unique_id") < pl.col("unique_id_right")) & (pl.col("tax_id") != pl.col("tax_id_right")))
        .select(
            left="unique_id", right="unique_id_right", probability=pl.lit(0.0),
            why=pl.lit("tax number differs, both of right check digits"),
        )
        .join(likely, on=["left", "right"], how="anti")
    )  # fmt: skip
    return pl.concat([found.join(apart, on=["left", "right"], how="anti"), apart])
