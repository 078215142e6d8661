"""Share of wallet, by hand."""

import polars as pl
import pytest

from models.penetration import penetration


def test_is_what_is_bought_of_what_could_be():
    bought = pl.DataFrame({"customer": ["a", "b", "c", "z"], "amount": [25.0, 300.0, -5.0, 9.0]})
    potential = pl.DataFrame(
        {"customer": ["a", "b", "c", "d", "e", "f"], "potential": [100.0, 200.0, 50.0, 75.0, None, 0.0]}
    )
    # a and d have 75 left each; b has outgrown its potential; c gave back more than it bought; e and f say nothing
    assert penetration(bought, potential).rows() == [
        ("a", 25.0, 100.0, 0.25, 75.0),
        ("d", 0.0, 75.0, 0.0, 75.0),
        ("c", 0.0, 50.0, 0.0, 50.0),
        ("b", 300.0, 200.0, 1.5, 0.0),
    ]


@pytest.mark.parametrize("potential", [[], [None], [0.0]])
def test_without_potential_there_is_none(potential):
    schema = {"customer": pl.String, "potential": pl.Float64}
    customers = pl.DataFrame({"customer": ["a"][: len(potential)], "potential": potential}, schema)
    assert penetration(pl.DataFrame(schema={"customer": pl.String, "amount": pl.Float64}), customers).is_empty()
