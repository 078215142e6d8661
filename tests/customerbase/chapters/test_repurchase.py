"""What `05_retention` says of coming back sooner, and of breadth, on simulated bases and on such that say little."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from benchmarks.hazard_ratios import simulated_lines
from customerbase.chapter import Chapter
from customerbase.chapters.retention import breadth, lasting_effects, repurchase
from customerbase.chapters.retention.breadth import EVER, USUAL, WITHIN, Answer
from customerbase.chapters.retention.hazard_ratios_in_words import UsualWait, chance, in_words
from customerbase.figures.retention import lasting_effects as lasting_figures
from customerbase.figures.retention import repurchase as figures
from customerbase.findings import Finding
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from models.standardised_survival import StandardisedSurvival, Stratum

Opened = Callable[..., Chapter]

HALF_A_DAY = 0.5  # waits are counted in whole days
SURE = 3.0  # standard errors: a right answer is further off once in 400 times
PLANTED = {"categories_last": 0.4, "spend_relative": -0.15}


@pytest.fixture
def opened(make_base: Callable[..., Path], tmp_path: Path) -> Opened:
    """A chapter on a ledger."""
    return lambda rows, **given: Chapter("05_retention", read_parameters(make_base(rows, **given)), tmp_path / "run")


@pytest.fixture(scope="module")
def simulated() -> pl.DataFrame:
    """Customers who come back sooner after a wide basket, each for themselves too, and differ in pace besides."""
    return simulated_lines(150, PLANTED, frailty=True, seed=7)


def chapter_of(opened: Opened, lines: pl.DataFrame, **given: Any) -> Chapter:
    rows = lines.write_csv(include_header=False)
    return opened(rows, header=",".join(lines.columns), as_of=dt.date(2023, 12, 31), **given)


def findings_of(chapter: Chapter, *found: Any) -> dict[str, Finding]:
    drivers, wider = found
    repurchase.state_findings(chapter, drivers)
    breadth.state_breadth(chapter, wider)
    return {finding.id: finding for finding in chapter.findings().findings}


def test_a_base_with_categories_is_told_in_full(opened: Opened, simulated: pl.DataFrame) -> None:
    chapter = chapter_of(opened, simulated)
    compared = repurchase.waits(chapter)
    drivers = repurchase.regression(chapter, compared)
    lasts: Any = lasting_effects.lasting(chapter, drivers)
    wider: Any = breadth.breadth(chapter, compared)
    assert (compared.customers, compared.of, compared.left_out) == (150, 150, 0)
    assert set(compared.covariates) == {
        *("categories_last", "categories_so_far", "spend_usual", "spend_relative", "purchases", "gap")
    }
    effect = drivers.effects.set_index("covariate").loc["categories_last"]
    assert effect["low"] > 1
    assert lasts.table["covariate"].tolist() == drivers.effects["covariate"].tolist()
    assert wider[WITHIN].low > 1
    said = findings_of(chapter, drivers, wider)
    assert "twice as many categories in the last basket: " in said["comes_back_sooner"].statement
    assert said["breadth_holds"].statement.startswith("Breadth goes with coming back within customers too: at equal ")
    assert said["breadth_holds"].value == pytest.approx(wider[WITHIN].ratio)
    tables = (repurchase.effects_table(drivers), lasting_effects.lasting_table(lasts), breadth.breadth_table(wider))
    assert [len(table.rows) for table in tables if table] == [6, 6, 4]
    assert "150 customers" in str(repurchase.about(chapter, drivers))
    assert "Days suppose that the effect lasts through the wait" in str(repurchase.about(chapter, drivers))
    pictures = (figures.effects(drivers), figures.breadth(wider, 0.8))
    assert all(picture.png().startswith(b"\x89PNG") and "categories" in picture.alt for picture in pictures)
    assert "a usual wait of " in pictures[0].alt
    assert f"within one customer only: one basket against another: {wider[WITHIN].words}" in pictures[1].alt
    assert "stay much the same" in str(lasting_figures.lasting(lasts, 0.8))
    lasts.table.loc[lasts.table["covariate"] == lasts.curves["covariate"].iloc[0], "early"] /= 2
    lasts.table["p_value"] = 0.001
    assert lasting_figures.lasting(lasts, 0.8).png().startswith(b"\x89PNG")


def test_the_same_base_is_told_the_same(opened: Opened, simulated: pl.DataFrame) -> None:
    told = []
    for _ in range(2):
        chapter = chapter_of(opened, simulated.drop("category"))
        drivers = repurchase.regression(chapter, repurchase.waits(chapter))
        told.append((drivers.foretold, drivers.effects))
    assert told[0][0] == told[1][0]
    pd.testing.assert_frame_equal(told[0][1], told[1][1])


def test_without_categories_the_rest_is_told(opened: Opened, simulated: pl.DataFrame) -> None:
    chapter = chapter_of(opened, simulated.drop("category"))
    compared = repurchase.waits(chapter)
    drivers = repurchase.regression(chapter, compared)
    wider: Any = breadth.breadth(chapter, compared)
    picture: object = figures.breadth(wider, 0.8)
    assert isinstance(wider, Unsaid)
    assert picture is wider
    assert breadth.breadth_table(wider) is None
    said = findings_of(chapter, drivers, wider)
    assert said["breadth_holds"].verdict == "unknown"
    assert "names no categories" in said["breadth_holds"].statement
    assert "tells which of two customers comes back first in" in said["comes_back_sooner"].statement
    assert "guessing in 50%: all else adds little." in said["comes_back_sooner"].statement


def test_a_large_base_is_drawn_by_the_seed_and_says_so(
    opened: Opened, simulated: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repurchase, "MOST_WAITS", 1200)
    chapter = chapter_of(opened, simulated, seed=5)
    compared = repurchase.waits(chapter)
    assert compared.customers < compared.of == 150
    assert 1000 < compared.rows.height <= 1200
    again = repurchase.waits(chapter_of(opened, simulated, seed=5))
    other = repurchase.waits(chapter_of(opened, simulated, seed=6))
    assert again.rows.equals(compared.rows)
    assert set(other.rows["customer"]) != set(compared.rows["customer"])
    said = repurchase.about(chapter, repurchase.regression(chapter, compared))
    assert "drawn by chance (seed 5) from 150" in str(said)


@pytest.mark.parametrize(
    "rows",
    ["a,2023-01-01,5\n", "a,2023-01-01,5\nb,2023-01-02,5\na,2023-02-01,7\n", "a,2023-01-01,0\na,2023-01-09,0\n"],
    ids=["one purchase", "three rows", "all for free"],
)
def test_a_base_too_small_says_so(opened: Opened, rows: str) -> None:
    chapter = opened(rows)
    compared = repurchase.waits(chapter)
    drivers = repurchase.regression(chapter, compared)
    lasts: Any = lasting_effects.lasting(chapter, drivers)
    wider: Any = breadth.breadth(chapter, compared)
    assert isinstance(drivers, Unsaid)
    said = findings_of(chapter, drivers, wider)
    assert {finding.verdict for finding in said.values()} == {"unknown"}
    assert "can be said once 50 customers have come back" in said["comes_back_sooner"].statement
    assert "for the same reason" in said["breadth_holds"].statement
    assert "for the same reason" in lasts.reason
    assert (
        repurchase.effects_table(drivers) is repurchase.about(chapter, drivers) is lasting_effects.lasting_table(lasts)
    )
    assert lasting_effects.lasting_table(lasts) is lasting_effects.about(lasts) is breadth.about(wider) is None


def test_discounts_that_hardly_differ_are_told_by_the_point(opened: Opened, simulated: pl.DataFrame) -> None:
    narrow = simulated.with_columns((pl.col("amount") * pl.col("customer").cast(pl.Int64) % 7 / 500).alias("discount"))
    compared = repurchase.waits(chapter_of(opened, narrow))
    assert compared.more("discount_so_far") == "1 point more discount on all so far"
    assert compared.rows["discount_so_far"].max() < 15


@pytest.mark.parametrize(
    ("usual", "ever", "within", "begins"),
    [
        (1.2, 1.1, 1.1, "Breadth goes with coming back within customers too"),
        (1.2, 1.1, 1.0, "That customers who buy widely come back sooner looks like a difference"),
        (1.0, 1.2, 0.9, "That customers who have tried more categories come back sooner looks like a difference"),
        (1.0, 1.0, 1.0, "No sign beyond chance that breadth"),
    ],
)
def test_what_breadth_does_depends_on_whom_it_compares(
    opened: Opened, usual: float, ever: float, within: float, begins: str
) -> None:
    found = {
        name: Answer(name, ratio, ratio - 0.05, ratio + 0.05, 0.9 if ratio == 1 else 0.001)
        for name, ratio in ((USUAL, usual), (EVER, ever), (WITHIN, within))
    }
    chapter = opened("a,2023-01-01,5\n")
    breadth.state_breadth(chapter, found)
    (said,) = chapter.findings().findings
    assert said.statement.startswith(begins)
    assert ("A fuller basket also lasts longer" in said.statement) == (within < 1)
    assert "drawn by lot" in said.statement


def test_what_may_be_chance_is_not_claimed_whatever_the_interval_shows() -> None:
    answer = Answer("", 1.07, 1.02, 1.13, 0.09)
    assert (answer.sooner, answer.later, answer.reply) == (False, False, "Not that it could be told")
    assert answer.words == "+7% (+2 to +13)"
    late = answer._replace(ratio=0.9, p_value=0.01)
    assert (late.sooner, late.later, late.reply) == (False, True, "No, later")


def test_claims_are_corrected_for_how_many_are_read(opened: Opened, simulated: pl.DataFrame) -> None:
    chapter = chapter_of(opened, simulated)
    compared = repurchase.waits(chapter)
    wider: Any = breadth.breadth(chapter, compared)
    fit = repurchase.fit_waits(compared.rows, ["categories_last", "spend_relative"], 0.8, "customer")
    assert wider[WITHIN].p_value >= fit.coefficients["p_value"][0]
    raw = repurchase.regression(chapter, compared)
    single = raw.fit.coefficients.set_index("covariate")["p_value"]
    corrected = raw.effects.set_index("covariate")["p_value"].reindex(single.index)
    assert (corrected >= single).all()
    assert corrected.min() == pytest.approx(min(1.0, len(single) * single.min()))


def test_where_nothing_was_paid_the_rest_is_compared(opened: Opened, simulated: pl.DataFrame) -> None:
    compared = repurchase.waits(chapter_of(opened, simulated.with_columns(amount=pl.lit(0.0))))
    assert (compared.customers, compared.left_out) == (150, 0)
    assert not {"spend_usual", "spend_relative"} & set(compared.covariates)


def test_the_curves_other_waits_are_explained_where_purchases_were_returned(
    opened: Opened, simulated: pl.DataFrame
) -> None:
    orders = simulated.with_row_index("order").with_columns(pl.col("order").cast(pl.String))
    undone = orders[[0, 5]].with_columns(date=pl.col("date") + pl.duration(days=3), amount=-pl.col("amount"))
    rows = pl.concat([orders, undone])
    chapter = chapter_of(opened, rows)
    told = str(repurchase.about(chapter, repurchase.regression(chapter, repurchase.waits(chapter))))
    assert "A purchase counts here as it stood on its day, also where it was returned later" in told


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((1.12, 1.09, 1.15), "+12% (+9 to +15)"),
        ((0.92, 0.90, 0.95), "-8% (-10 to -5)"),
        ((1.001, 0.99, 1.01), "+0% (-1 to +1)"),
        ((2.5, 2.0, 3.1), "2.5 times (2.0 to 3.1)"),
        ((1.2, float("nan"), 1.3), "can't be told"),
    ],
)
def test_ratios_are_worded(ends: tuple[float, float, float], words: str) -> None:
    assert in_words(*ends) == words


def usual_wait(days: list[float], share_waiting: list[float]) -> UsualWait:
    """A wait that is the same for all."""
    stratum = Stratum(-np.log(share_waiting), np.ones(1), np.ones(1))
    return UsualWait(StandardisedSurvival(np.array(days), (stratum,)))


def test_a_ratio_is_told_as_the_days_that_a_usual_wait_becomes() -> None:
    days = np.arange(401.0)
    wait = usual_wait(days.tolist(), np.exp(-days / 30).tolist())
    assert wait.usual == pytest.approx(30 * np.log(2), rel=0.001)
    # with a constant hazard, twice the hazard is half the wait
    assert wait.becomes(2.0) == pytest.approx(wait.usual / 2, rel=0.001)
    assert wait.becomes(0.5) == pytest.approx(2 * wait.usual, rel=0.001)
    assert wait.in_days == "21 days"
    assert wait.in_words(2.0, 1.5, 2.5) == "10 (8.3 to 14)"
    assert wait.in_words(1.0, 0.9999, 1.0001) == "20.8 (20.8 to 20.8)"
    assert wait.in_words(1.0, float("nan"), 1.0) == "can't be told"


def test_where_many_never_come_back_the_usual_wait_is_that_of_those_who_do() -> None:
    wait = usual_wait([0, 10, 20, 30, 40, 100], [1.0, 0.875, 0.75, 0.625, 0.5, 0.5])
    assert wait.usual == pytest.approx(20)
    # the square root of 0.5625 is 0.75
    assert wait.becomes(0.5) == pytest.approx(np.interp(-0.75, -np.sqrt([0.625, 0.5]), [30, 40]))
    assert wait.in_words(0.4, 0.3, 0.5) == "over 100 (35 to over 100)"


@pytest.mark.parametrize("spread", [0.0, 1.0, 1.5])
def test_a_wait_is_told_to_change_as_each_wait_does_however_customers_rhythms_differ(spread: float) -> None:
    """Weibull waits of shape 1.5, usually 25 days: 0.2 in log hazard makes each exp(-0.2 / 1.5) = 0.875 of itself."""
    random, rows, shape, effect = np.random.default_rng(1), 10_000, 1.5, 0.2
    rhythm, planted, repeat = random.normal(size=rows), random.random(rows) < 0.4, random.random(rows) < 0.7
    hazard = np.exp(spread * rhythm + effect * planted)
    days = np.where(repeat, 30, 60) * (random.exponential(size=rows) / hazard) ** (1 / shape)
    watched = random.uniform(60, 700, rows)
    waits = pl.DataFrame(
        {
            "days": np.ceil(np.minimum(days, watched)),
            "observed": days <= watched,
            "rhythm": rhythm,
            "planted": planted.astype(float),
            "repeat": repeat,
            "customer": np.arange(rows),
        }
    )
    fit = repurchase.fit_waits(waits, ["rhythm", "planted"], 0.8)
    wait, found = UsualWait(fit.standardised_survival()), fit.coefficients.iloc[1]
    assert found["coefficient"] == pytest.approx(effect, abs=SURE * found["robust_error"])
    assert wait.becomes(np.exp(effect)) / wait.usual == pytest.approx(np.exp(-effect / shape), abs=HALF_A_DAY / 25)


@pytest.mark.parametrize(
    ("p", "words"), [(0.2345, "0.234"), (0.0462, "0.046"), (0.0009, "under 0.001"), (float("nan"), "–")]
)
def test_p_values_are_worded(p: float, words: str) -> None:
    assert chance(p) == words


@pytest.mark.parametrize(
    ("early", "late", "p", "becomes"),
    [
        ((1.3, 1.2, 1.4), (1.1, 1.05, 1.15), 0.001, "fades"),
        ((1.1, 1.05, 1.15), (1.3, 1.2, 1.4), 0.001, "grows"),
        ((0.9, 0.85, 0.95), (1.1, 1.05, 1.15), 0.001, "turns round"),
        ((1.3, 1.2, 1.4), (1.1, 1.0, 1.2), 0.2, "lasts"),
        ((1.101, 1.1, 1.102), (1.111, 1.11, 1.112), 0.001, "changes little"),
        ((0.97, 0.96, 0.98), (1.02, 1.01, 1.03), 0.001, "turns round, but little"),
        ((1.3, 1.2, 1.4), (float("nan"),) * 3, float("nan"), "can't be told"),
    ],
)
def test_the_course_of_an_effect_is_named(
    early: tuple[float, ...], late: tuple[float, ...], p: float, becomes: str
) -> None:
    names = ("", "_low", "_high")
    row = {f"early{name}": value for name, value in zip(names, early, strict=True)}
    row |= {f"late{name}": value for name, value in zip(names, late, strict=True)} | {"p_value": p}
    row |= {"early_p": 0.001, "late_p": 0.001}
    assert lasting_effects.course(row) == becomes
