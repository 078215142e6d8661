"""Who is who: the customers' records that are one customer, what a person decided, and the ledger told so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .errors import Refusal
from .ledger.side_tables import NO, YES
from .lists import read_list
from .wording import plural

REVIEW = "identity_review"  # the list of pairs that a person decides
PAIR = ["customer_left", "customer_right"]
DECISION = "same_customer"
SCHEMA = ("customer", "person", "probability", "why")
SUREST_COMPUTED = 1 - 1e-9  # so that nothing computed stands level with a person's word
AS_RECORDED = "customer_as_recorded"


@dataclass(frozen=True)
class Identities:
    """Who is who.

    Attributes
    ----------
    persons : polars.DataFrame
        customer, person (the key that stands for the customer from now on), probability, why: one row a record.
    notes : tuple of str
        What a reader should know about the decisions.
    review : polars.DataFrame
        Pairs for a person to decide, and those decided: customer_left, customer_right, probability, why,
        same_customer (yes, no or empty).
    """

    persons: pl.DataFrame
    review: pl.DataFrame
    notes: tuple[str, ...] = ()


def no_decisions() -> pl.DataFrame:
    """Return an empty table of decisions."""
    return pl.DataFrame(schema=dict.fromkeys([*PAIR, DECISION], pl.String))


def find_identities(
    customers: pl.DataFrame,
    decisions: pl.DataFrame,
    *,
    threshold: float,
    review_from: float,
    seed: int,
    country: str | None = None,
) -> Identities:
    """Find the records that are one customer.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a key; see `models.record_normalisation.normalise_records` for the columns it compares.
    decisions : polars.DataFrame
        What a person decided: customer_left, customer_right, same_customer (yes or no).
    threshold : float
        Pairs from this probability on are one customer.
    review_from : float
        Pairs from this probability up to the threshold are for a person to decide.
    seed : int
    country : str, optional
        Two-letter code of the country whose telephone and tax numbers are written without theirs.
    """
    # Splink and what it needs take seconds to import, and most bases have no customers' table
    from models.record_linkage import link_records, resolve
    from models.record_linkage import review as to_review
    from models.record_normalisation import normalise_records

    decisions = _with_leading_zeros(decisions, customers["customer"])
    linkage = link_records(normalise_records(customers.sort("customer"), country), seed=seed)
    pairs = _decided(linkage.pairs, decisions)
    persons = resolve(pairs, customers["customer"], threshold)
    grey = to_review(pairs, review_from, threshold, persons)
    return Identities(
        persons.select(*SCHEMA), _with_decisions(grey, linkage.pairs, decisions), _on_nobody(decisions, customers)
    )


def _with_leading_zeros(decisions: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    """Give keys back the zeros that a spreadsheet took off, where only one key can be meant."""
    bare = pl.DataFrame({"key": keys}).with_columns(pl.col("key").str.strip_chars_start("0").alias("bare"))
    only = dict(bare.filter(pl.len().over("bare") == 1).select("bare", "key").iter_rows())
    known = set(keys)
    mended = {
        key: only[key]
        for side in PAIR
        for key in decisions[side].to_list()
        if key not in known and key.isdigit() and key in only
    }
    renamed = decisions.with_columns(pl.col(PAIR).replace(mended))
    return _lesser_left(renamed).unique(PAIR, keep="first", maintain_order=True)


def _lesser_left(pairs: pl.DataFrame) -> pl.DataFrame:
    """Put the lesser key on the left, so that a pair is one, whichever of the two stands first."""
    return pairs.with_columns(pl.min_horizontal(PAIR).alias(PAIR[0]), pl.max_horizontal(PAIR).alias(PAIR[1]))


def _on_nobody(decisions: pl.DataFrame, customers: pl.DataFrame) -> tuple[str, ...]:
    known = customers["customer"].implode()
    lost = decisions.filter(~pl.all_horizontal(pl.col(side).is_in(known) for side in PAIR)).height
    if not lost:
        return ()
    about = f"{plural(lost, 'decision')} on identities name a customer who is not in the customers' table"
    return (f"{about}, and decide nothing.",)


def _decided(pairs: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Let a person's word stand in place of the computed probability, and above every other."""
    pairs = pairs.with_columns(pl.col("probability").clip(upper_bound=SUREST_COMPUTED))
    said = decisions.with_columns(
        (pl.col(DECISION) == "yes").cast(pl.Float64).alias("probability"),
        pl.lit("decided by a person").alias("why"),
    ).select(*PAIR, "probability", "why")
    return pl.concat([pairs.join(said, on=PAIR, how="anti"), said], how="diagonal_relaxed").sort(PAIR)


def _with_decisions(grey: pl.DataFrame, pairs: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """List what is to be decided, then what was."""
    computed = pairs.select(*PAIR, "probability", "why")
    open_ones = grey.select(*PAIR, "probability", "why").join(decisions, on=PAIR, how="anti", maintain_order="left")
    decided = decisions.join(computed, on=PAIR, how="left").sort(PAIR)
    return pl.concat([open_ones.with_columns(pl.lit(None, pl.String).alias(DECISION)), decided], how="diagonal")


def apply_identities(rows: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Replace each customer's key by its person's; the key as recorded is kept, so that nothing is lost.

    Returns
    -------
    polars.DataFrame
        `rows` with customer_as_recorded.
    """
    renamed = persons.select(pl.col("customer").alias(AS_RECORDED), "person")
    rows = rows.rename({"customer": AS_RECORDED}).join(renamed, on=AS_RECORDED, how="left", maintain_order="left")
    named = rows.with_columns(pl.coalesce("person", AS_RECORDED).alias("customer")).drop("person")
    return named.select("customer", pl.exclude("customer"))


def read_decisions(file: Path) -> pl.DataFrame:
    """Read what a person decided in a list of pairs: customer_left, customer_right, same_customer (yes or no).

    Pairs without a decision are left out.

    Raises
    ------
    Refusal
        When the file can't be read, or a decision is neither yes nor no.
    """
    from .ledger.text import read_text
    from .parameters import TableSource

    try:
        content = file.read_bytes()
    except OSError as reason:
        raise Refusal(f"{file.name}: the decisions on identities can't be read: {reason.strerror}.") from None
    table = read_text(content, file.name, TableSource(path=file.name), {*PAIR, DECISION})
    missing = [name for name in (*PAIR, DECISION) if name not in table.rows.columns]
    if missing:
        raise Refusal(f"{file.name}: the column '{missing[0]}' is missing. Keep the list's header as it was.")
    for row, problem in table.broken.select("row", "reason").iter_rows():
        raise Refusal(f"{file.name}: row {row} {problem}. Mend the list.")
    rows = read_list(table.rows).select(*PAIR, pl.col(DECISION).str.strip_chars().str.to_lowercase())
    decided = rows[DECISION].is_not_null()
    problems = {
        f"'{DECISION}' should be yes, no or empty": decided & ~rows[DECISION].is_in([*YES, *NO]),
        "a decision needs two customers": decided & (rows[PAIR[0]].is_null() | rows[PAIR[1]].is_null()),
    }
    for problem, found in problems.items():
        for at in found.arg_true().head(1):
            raise Refusal(f"{file.name}: row {table.numbers[at]}: {problem}. Mend the list.")
    said = pl.when(pl.col(DECISION).is_in(YES)).then(pl.lit("yes")).otherwise(pl.lit("no"))
    decisions = rows.filter(decided).with_columns(said.alias(DECISION))
    ordered = _lesser_left(decisions)
    contradictory = ordered.group_by(PAIR).agg(pl.col(DECISION).n_unique()).filter(pl.col(DECISION) > 1)
    if contradictory.height:
        raise Refusal(f"{file.name}: {contradictory.height} pair(s) are decided both yes and no. Keep one row of each.")
    return ordered.unique(PAIR, keep="first", maintain_order=True)
