"""The tables that chapters make for one another."""

from importlib import import_module

import pytest

from customerbase.parameters import KEYS
from customerbase.tables import TABLES


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_made_by_a_function_of_its_chapter_from_parameters_that_exist(name):
    made_in = import_module(f"customerbase.chapters.{TABLES[name].made_in}")
    assert callable(getattr(made_in, f"table_{name}"))
    assert set(TABLES[name].uses) <= set(KEYS)
