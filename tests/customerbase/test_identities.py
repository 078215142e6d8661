"""Who is who: a person's decisions are read, stand above the model, and the ledger is told without losing a key."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from customerbase.errors import Refusal
from customerbase.identities import (
    AS_RECORDED,
    DECISION,
    PAIR,
    Identities,
    apply_identities,
    find_identities,
    no_decisions,
    read_decisions,
)
from customerbase.lists import write_list

HEADER = "customer_left,customer_right,same_customer\n"


@pytest.fixture
def decided(tmp_path: Path):
    """Read decisions from a file that holds `content`."""

    def read(content: str | bytes) -> list[tuple[str, str, str]]:
        file = tmp_path / "identity_review.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = read_decisions(file)
        assert found.schema == no_decisions().schema
        return found.rows()

    return read


# decisions


@pytest.mark.parametrize(
    ("words", "decision"),
    [
        (["yes", " YES ", "y", "true", "1", "да", "Д", "ja", "oui", "sí"], "yes"),
        (["no", "No", "N", "false", "0", "нет", "Н", "nein", "non"], "no"),
    ],
    ids=["yes", "no"],
)
def test_words_for_a_decision(decided, words: list[str], decision: str) -> None:
    content = HEADER + "".join(f"a{at:02},b{at:02},{word}\n" for at, word in enumerate(words))
    assert decided(content) == [(f"a{at:02}", f"b{at:02}", decision) for at in range(len(words))]


def test_pairs_without_a_decision_are_left_out(decided) -> None:
    assert decided(HEADER + 'a,b,\nc,d,yes\ne,f," "\n') == [("c", "d", "yes")]
    assert decided(HEADER) == []


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (HEADER + "a,b,yes\nc,d,perhaps\n", 3),
        (HEADER + "a,b,2\n", 2),
        ("kept by,Anna,\n\n" + HEADER + "a,b,no\nc,d,\ne,f,?\n", 6),
    ],
)
def test_another_word_is_refused_with_its_row(decided, content: str, row: int) -> None:
    with pytest.raises(Refusal) as refusal:
        decided(content)
    (line,) = refusal.value.problems
    says = f"identity_review.csv: row {row}: 'same_customer' should be yes, no or empty. Mend the list."
    assert line == says


@pytest.mark.parametrize("rows", ["a,b,yes\na,b,no\n", "a,b,yes\nb,a,no\n", "b,a,0\nc,d,yes\na,b,1\n"])
def test_a_pair_decided_both_ways_is_refused(decided, rows: str) -> None:
    with pytest.raises(Refusal) as refusal:
        decided(HEADER + rows)
    (line,) = refusal.value.problems
    assert line == "identity_review.csv: 1 pair(s) are decided both yes and no. Keep one row of each."


@pytest.mark.parametrize("rows", ["a,b,yes\na,b,yes\n", "b,a,yes\n", "b,a,y\na,b,1\n", "a,b,\nb,a,yes\n"])
def test_a_pair_is_one_whichever_of_the_two_stands_first(decided, rows: str) -> None:
    assert decided(HEADER + rows) == [("a", "b", "yes")]


def test_a_row_that_cannot_be_read_is_refused_and_not_passed_over(decided) -> None:
    with pytest.raises(Refusal, match=r"^identity_review\.csv: row 3 "):
        decided(HEADER + "a,b,yes\nc,no\n")


@pytest.mark.parametrize("row", [",b,yes", "a,,no"])
def test_a_decision_on_half_a_pair_is_refused_and_not_passed_over(decided, row: str) -> None:
    with pytest.raises(Refusal, match=r"^identity_review\.csv: row 3"):
        decided(f"{HEADER}a,b,yes\n{row}\n")


def test_a_list_comes_back_as_it_was_written_from_a_spreadsheet_too(tmp_path: Path, decided) -> None:
    keys = ["=1+1", "00123", "'-5", "Петя, ООО", 'two\nlines "x"', " 7"]
    pairs = [sorted((key, "zz")) for key in keys]
    frame = pl.DataFrame(
        [(*pair, 0.7, "same phone", "yes") for pair in pairs],
        schema=[*PAIR, "probability", "why", DECISION],
        orient="row",
    )
    write_list(tmp_path / "written.csv", frame)
    assert sorted(read_decisions(tmp_path / "written.csv").rows()) == sorted((*pair, "yes") for pair in pairs)
    russian = "\ufeffcustomer_left;customer_right;probability;why;same_customer\r\n00123;7;0,7;x;да\r\n"
    assert decided(russian) == [("00123", "7", "yes")]


@pytest.mark.parametrize("column", [*PAIR, DECISION])
def test_a_list_without_its_columns_is_refused(decided, column: str) -> None:
    with pytest.raises(Refusal) as refusal:
        decided(HEADER.replace(column, "x") + "a,b,yes\n")
    assert refusal.value.problems == (
        f"identity_review.csv: the column '{column}' is missing. Keep the list's header as it was.",
    )


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"^review\.csv: the decisions on identities can't be read: No such file"):
        read_decisions(tmp_path / "review.csv")


# the ledger


ROWS = pl.DataFrame(
    {
        "customer": ["a", "b", "x", "b", "00a"],
        "date": [dt.date(2024, 1, day) for day in range(1, 6)],
        "amount": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
)
PERSONS = pl.DataFrame(
    {"customer": ["a", "b", "c"], "person": ["a", "a", "c"], "probability": [1.0, 0.99, 1.0], "why": ["", "phone", ""]}
)


def test_keys_become_persons_and_unknown_ones_stay() -> None:
    told = apply_identities(ROWS, PERSONS)
    assert told["customer"].to_list() == ["a", "a", "x", "a", "00a"]
    assert told.columns[0] == "customer"
    assert told.select("date", "amount").equals(ROWS.select("date", "amount"))


def test_nothing_is_lost_that_would_bring_the_ledger_back() -> None:
    told = apply_identities(ROWS, PERSONS)
    back = told.drop("customer").rename({AS_RECORDED: "customer"}).select(ROWS.columns)
    assert back.equals(ROWS)


@pytest.mark.parametrize("rows", [ROWS, ROWS.clear()], ids=["rows", "no rows"])
def test_without_persons_every_key_stays(rows: pl.DataFrame) -> None:
    told = apply_identities(rows, PERSONS.clear())
    assert told["customer"].to_list() == told[AS_RECORDED].to_list() == rows["customer"].to_list()


# a person's word


CUSTOMERS = pl.DataFrame(
    {
        "customer": ["a", "b", "c", "d"],
        "name": ["Ivan Petrov", "Иван Петров", "Olga Smirnova", "Anna Kuznetsova"],
        "email": ["ivan@example.org", "ivan@example.org", "olga@example.org", None],
        "phone": ["+7 912 345-67-89", "8 912 345-67-89", "+7 912 111-22-33", None],
    }
)


def identities_with(*decisions: tuple[str, str, str]) -> Identities:
    frame = pl.DataFrame(decisions, schema=no_decisions().schema, orient="row")
    return find_identities(CUSTOMERS, frame, threshold=0.95, review_from=0.5, seed=7, country="RU")


def test_a_persons_word_stands_above_the_model() -> None:
    assert identities_with().persons["person"].to_list() == ["a", "a", "c", "d"]
    # the record of one customer decided on has gone since
    decisions = [("a", "b", "no"), ("a", "gone", "yes"), ("c", "d", "yes")]
    told = identities_with(*decisions)
    assert told.persons["customer"].to_list() == ["a", "b", "c", "d"]
    assert told.persons["person"].to_list() == ["a", "b", "c", "c"]
    assert told.persons.filter(pl.col("customer") == "d")["why"].to_list() == ["decided by a person"]
    assert told.review.select(*PAIR, DECISION).rows() == decisions


def test_zeros_that_a_spreadsheet_took_off_are_given_back() -> None:
    customers = CUSTOMERS.with_columns(customer=pl.Series(["007", "008", "012", "0012"]))
    said = pl.DataFrame([("7", "8", "no"), ("12", "7", "yes")], schema=no_decisions().schema, orient="row")
    told = find_identities(customers, said, threshold=0.95, review_from=0.5, seed=7, country="RU")
    assert told.persons["person"].to_list() == ["007", "008", "012", "0012"]
    # 12 may be 012 or 0012, so it is nobody
    assert told.review.select(*PAIR, DECISION).rows()[-2:] == [("007", "008", "no"), ("007", "12", "yes")]
    assert "1 decision" in told.notes[0]
