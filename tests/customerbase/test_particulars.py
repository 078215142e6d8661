"""What the customers' table says of each customer, its records taken together."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from customerbase.ledger.side_tables import read_customers
from customerbase.parameters import CustomersTable
from customerbase.particulars import particulars_of

OLD, NEW = dt.date(2023, 1, 1), dt.date(2024, 1, 1)
TOGETHER = pl.DataFrame({"customer": ["a", "b", "c"], "person": ["a", "a", "c"]})


def of(**columns: Any) -> pl.DataFrame:
    return particulars_of(pl.DataFrame({"customer": ["a", "b", "c"]} | columns), TOGETHER)


def test_a_table_of_keys_alone() -> None:
    assert particulars_of(pl.DataFrame({"customer": ["b", "a"]}), None).rows() == [("a",), ("b",)]
    assert of().rows() == [("a",), ("c",)]


def test_a_table_without_rows() -> None:
    empty = pl.DataFrame(schema={"customer": pl.String, "potential": pl.String, "consent": pl.String})
    assert particulars_of(empty, None).schema == {"customer": pl.String, "potential": pl.Float64, "consent": pl.String}
    assert particulars_of(empty, TOGETHER.clear()).is_empty()


def test_records_that_nobody_identified_are_customers_of_their_own() -> None:
    persons = pl.DataFrame({"customer": ["a"], "person": ["b"]})
    found = particulars_of(pl.DataFrame({"customer": ["a", "c"], "city": ["Tver", "Omsk"]}), persons)
    assert found.rows() == [("b", "Tver"), ("c", "Omsk")]


@pytest.mark.parametrize(
    ("answers", "answer"),
    [
        (["yes", "no"], "no"),
        (["no", "yes"], "no"),
        (["yes", None], "yes"),
        ([None, None], None),
        (["да", "нет"], "no"),
        (["yes", "perhaps"], "no"),
        ([None, "do not call"], "no"),
        (["?", "Ja!"], "yes"),
    ],
)
def test_any_no_is_a_no(answers: list[str | None], answer: str | None) -> None:
    found = of(consent=[*answers, "yes"], updated=[NEW, OLD, None])
    assert found["consent"].to_list() == [answer, "yes"]


@pytest.mark.parametrize("name", ["innovator", "demanding", "reputation", "exclusive"])
def test_any_yes_is_a_yes(name: str) -> None:
    assert of(**{name: ["нет", "да", "нет"]})[name].to_list() == [True, False]
    assert of(**{name: ["yes", None, None]})[name].to_list() == [True, None]
    assert of(**{name: [None, None, "no"]}, updated=[NEW, OLD, NEW])[name].to_list() == [None, False]


@pytest.mark.parametrize("name", ["demanding", "reputation", "innovator", "potential"])
def test_the_number_of_the_record_touched_last_counts(name: str) -> None:
    cells = {name: ["5", "3", "4"]}
    assert of(**cells, updated=[OLD, NEW, None])[name].to_list() == [3.0, 4.0]
    assert of(**cells, updated=[NEW, OLD, None])[name].to_list() == [5.0, 4.0]
    assert of(**cells, updated=[None, OLD, None])[name].to_list() == [3.0, 4.0]
    assert of(**{name: ["5", None, "4"]}, updated=[OLD, NEW, None])[name].to_list() == [5.0, 4.0]


@pytest.mark.parametrize("name", ["demanding", "potential"])
def test_else_the_largest(name: str) -> None:
    cells = {name: ["3", "5", "4"]}
    assert of(**cells)[name].to_list() == [5.0, 4.0]
    assert of(**cells, updated=[NEW, NEW, None])[name].to_list() == [5.0, 4.0]
    assert of(**cells, updated=pl.Series([None] * 3, dtype=pl.Date))[name].to_list() == [5.0, 4.0]


def test_of_text_the_first_of_the_record_touched_last_counts() -> None:
    cells = {"city": ["Tver", "Omsk", "Perm"], "manager": ["Ivanov", None, None]}
    assert of(**cells).rows() == [("a", "Tver", "Ivanov"), ("c", "Perm", None)]
    found = of(**cells, updated=[OLD, NEW, NEW])
    assert found.rows() == [("a", "Omsk", "Ivanov", NEW), ("c", "Perm", None, NEW)]


def test_per_cents_are_told_by_all_records() -> None:
    assert of(share_of_wallet=["1", "0.5", "80"], updated=[NEW, OLD, OLD])["share_of_wallet"].to_list() == [0.01, 0.8]


def test_who_sent_a_customer_is_a_person() -> None:
    assert of(referred_by=["c", None, "b"])["referred_by"].to_list() == ["c", "a"]
    assert of(referred_by=[None, None, "elsewhere"])["referred_by"].to_list() == [None, "elsewhere"]


def test_nobody_sends_oneself() -> None:
    assert of(referred_by=["b", "a", "c"])["referred_by"].to_list() == [None, None]
    assert of(referred_by=["b", "c", None])["referred_by"].to_list() == ["c", None]


def test_a_spreadsheets_point_is_taken_off_who_sent_a_customer() -> None:
    rows = pl.DataFrame({"customer": ["7", "8"], "referred_by": [None, "7.0"]})
    assert particulars_of(rows, None)["referred_by"].to_list() == [None, "7"]


def test_columns_may_be_called_anything() -> None:
    found = of(person=["x", None, "y"], right=["1", "2", "3"], answer=[None] * 3)
    assert found.rows() == [("a", "x", "1", None), ("c", "y", "3", None)]


def test_what_a_file_says_is_read_and_what_it_does_not_is_told(tmp_path) -> None:
    file = tmp_path / "c.csv"
    file.write_text(
        "id;potential;wallet;innovator;consent\n1;1 200 000,50;80%;да;да\n2;a lot;7,5%;нет;perhaps\n3;;;;\n"
    )
    columns = {"customer": "id", "potential": "potential", "share_of_wallet": "wallet", "innovator": "innovator"}
    found = read_customers(CustomersTable(path=str(file), columns=columns | {"consent": "consent"}))
    assert particulars_of(found.rows, None).rows() == [
        ("1", 1_200_000.5, 0.8, True, "yes"),
        ("2", None, pytest.approx(0.075), False, "no"),
        ("3", None, None, None, None),
    ]
    assert found.notes == (
        "1 answer on consent can't be read, being neither yes nor no (c.csv row 3): it counts as no, since nobody is "
        "contacted on a guess. Write yes or no there, and nothing where nobody was asked.",
        "1 answer in customers.columns.potential can't be read: not recorded.",
    )
