"""What may be personal is taken out of quarantined rows, and nothing else is."""

from __future__ import annotations

import json

import polars as pl
import pytest

from customerbase.personal_data import HIDDEN, personal_values, without_personal_data

COLUMNS = {"sales.csv": {"Client no": "customer", "Sum": "amount", "Client": "", "Manager": "manager"}}


def kept(
    as_read: str | dict[str, str | None], columns: dict[str, dict[str, str]] = COLUMNS, known: tuple[str, ...] = ()
) -> str:
    text = as_read if isinstance(as_read, str) else json.dumps(as_read)
    quarantine = pl.DataFrame({"row": [2], "source": ["sales.csv"], "as_read": [text]})
    shown: str = without_personal_data(quarantine, columns, known)["as_read"][0]
    return shown


def test_a_column_the_parameters_do_not_name_is_hidden() -> None:
    assert json.loads(kept({"Client no": "17", "Client": "Anna Berg", "Sum": "on request"})) == {
        "Client no": "17",
        "Client": HIDDEN,
        "Sum": "on request",
    }


@pytest.mark.parametrize("value", ["anna@shop.example", "ask Anna  BERG first", "+7 912 345-67-89", "912 345 67 89"])
def test_personal_content_is_hidden_wherever_it_stands(value: str) -> None:
    assert json.loads(kept({"Manager": value, "Client no": value}, known=("Anna Berg",))) == {
        "Manager": HIDDEN,
        "Client no": HIDDEN,
    }


@pytest.mark.parametrize("value", ["1 234 567,00", "31.02.2024", "912 345 67 89", "-17", None])
def test_a_figure_in_a_column_of_figures_stays(value: str | None) -> None:
    assert json.loads(kept({"Sum": value})) == {"Sum": value}


def test_a_line_that_cannot_be_split_stays_only_where_every_column_is_named() -> None:
    assert kept("17;Anna Berg;10;x") == HIDDEN
    named = {"sales.csv": {"Client no": "customer", "Sum": "amount"}}
    assert kept("17;10;x", named) == "17;10;x"
    assert kept("17;anna@shop.example;x", named) == HIDDEN
    assert kept("17;10;x", {}) == HIDDEN


def test_personal_values_are_those_of_the_columns_that_tell_who_somebody_is() -> None:
    customers = pl.DataFrame({"customer": ["1"], "name": ["Anna Berg"], "email": [None], "manager": ["Olga"]})
    assert personal_values(customers.cast({"email": pl.String})) == {"Anna Berg"}
