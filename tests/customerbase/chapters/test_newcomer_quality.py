"""What `06_differentiation` says of new customers' quality; on whole bases it is tested with the ideal customer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from benchmarks.ideal_customer import AS_OF
from customerbase.chapters.differentiation import newcomer_quality
from customerbase.chapters.estimates_in_words import points
from models.cross_validation import Estimate
from models.newcomer_quality import Newest, Trend


def test_only_the_newest_are_said_to_be_worse_where_it_rests_on_them() -> None:
    def trend(p_value: float) -> Trend:
        return Trend(AS_OF, AS_OF, 90, 0.2, 0.1, Estimate(-0.1, -0.2, 0.0), p_value)

    latest = Newest(75, 0.1, 0.2, Estimate(-0.1, -0.15, -0.05), 0.001)
    table = pd.DataFrame()
    found = newcomer_quality.Quality(table, None, "", trend(0.4), latest, trend(0.3))
    assert newcomer_quality.direction(found).startswith("The newest customers look worse")
    found = newcomer_quality.Quality(table, None, "", trend(0.001), latest, trend(0.3))
    assert newcomer_quality.direction(found) == "New customers are getting worse"


def test_the_finding_bears_the_figures_of_its_sentence() -> None:
    line = Trend(AS_OF, AS_OF, 90, 0.2, 0.1, Estimate(-0.1, -0.2, 0.0), 0.4)
    latest = Newest(75, 0.12, 0.2, Estimate(-0.08, -0.12, -0.05), 0.001)
    found = newcomer_quality.Quality(pd.DataFrame(), None, "", line, latest, line)
    stated: dict[str, Any] = {}
    chapter: Any = SimpleNamespace(state=lambda name, statement, **facts: stated.update(facts, statement=statement))
    newcomer_quality.state_findings(chapter, found)
    assert stated["statement"].endswith(
        "of the 75 customers too new to know 12% are expected to turn out good, against 20% before, "
        "-8 points (-12 to -5), more than chance."
    )
    assert "straight line" not in stated["statement"]
    assert (stated["value"], stated["low"], stated["high"]) == pytest.approx((-8, -12, -5))


@pytest.mark.parametrize(
    ("high", "said", "brackets"), [(-0.001, "-0.4 points (-0.7 to -0.1), too little", 1), (0.001, "could be chance", 0)]
)
def test_an_interval_that_misses_nought_isnt_said_to_be_chance(high: float, said: str, brackets: int) -> None:
    line = Trend(AS_OF, AS_OF, 90, 0.2, 0.196, Estimate(-0.004, -0.007, high), 0.08)
    found = newcomer_quality.Quality(pd.DataFrame(), None, "", line, None, None)
    stated: dict[str, Any] = {}
    chapter: Any = SimpleNamespace(
        state=lambda name, statement, **facts: stated.update(facts, statement=statement),
        parameters=SimpleNamespace(interval=0.8),
    )
    newcomer_quality.state_findings(chapter, found)
    assert said in stated["statement"]
    assert stated["statement"].count("Brackets are 80% intervals, which miss 20% of the time") == brackets
    assert stated["verdict"] == "note"


def test_no_change_has_no_sign_of_less() -> None:
    assert points(Estimate(-0.0001, -0.031, 0.031)) == "+0.0 points (-3.1 to +3.1)"
