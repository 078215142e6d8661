"""Scales of answers, and who of the satisfied leaves."""

import math

import polars as pl
import pytest

from models.satisfaction import SCALES, left_share, quadrants, satisfaction_effect, scale_of


@pytest.mark.parametrize(
    ("scores", "ends"),
    [
        ([1, 5, 3], (1, 5, 4)),
        ([0, 5], (0, 5, 4)),
        ([1, 6], (1, 7, 6)),
        ([0, 6], (0, 10, 9)),
        ([10, None], (0, 10, 9)),
        ([0.5, 72], (0, 100, 80)),
    ],
)
def test_the_shortest_customary_scale_that_holds_the_answers(scores: list[float], ends: tuple[int, ...]) -> None:
    assert scale_of(pl.Series(scores, dtype=pl.Float64)) == ends


@pytest.mark.parametrize("scores", [[], [None], [-50.0, 80.0], [101.0]])
def test_other_answers_are_on_no_known_scale(scores: list[float | None]) -> None:
    assert scale_of(pl.Series(scores, dtype=pl.Float64)) is None


ANSWERS = pl.DataFrame(
    {
        "score": [9, 10, 9, 8, 0, 3],
        "left": [False, False, True, True, True, False],
        "value": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
    }
)


def test_customers_are_divided_by_what_they_said_and_what_they_did() -> None:
    assert quadrants(ANSWERS, SCALES[3]).select("quadrant", "customers", "value").rows() == [
        ("loyalists", 2, 3.0),
        ("mercenaries", 1, 4.0),
        ("hostages", 1, 32.0),
        ("defectors", 2, 24.0),
    ]


def test_a_quadrant_may_be_empty() -> None:
    assert quadrants(ANSWERS.head(2), SCALES[3])["customers"].to_list() == [2, 0, 0, 0]


def test_who_left_of_the_satisfied_and_of_the_others() -> None:
    divided = quadrants(ANSWERS, SCALES[3])
    satisfied, others = left_share(divided, True), left_share(divided, False)
    assert (satisfied.customers, satisfied.share) == (3, pytest.approx(1 / 3))
    assert satisfied.low < 1 / 3 < satisfied.high < others.high
    effect = satisfaction_effect(divided)
    assert effect.difference == pytest.approx(1 / 3)
    assert effect.low < 1 / 3 < effect.high
    assert 0.05 < effect.p_value < 1


def test_where_all_are_of_one_mind_there_is_nothing_to_compare() -> None:
    divided = quadrants(ANSWERS.head(3), SCALES[3])
    assert left_share(divided, False).customers == 0
    assert math.isnan(satisfaction_effect(divided)[0])
