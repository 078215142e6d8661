"""What `06_differentiation` says of the ideal customer, on small bases and on such that say little."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from benchmarks.ideal_customer import AS_OF, simulated_base
from customerbase.chapter import Chapter
from customerbase.chapters.differentiation import first_purchase_traits, ideal_customer, newcomer_quality, newcomers
from customerbase.figures.differentiation import ideal_customer as figures
from customerbase.figures.differentiation import newcomer_quality as quality_figures
from customerbase.findings import Finding
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from models.first_purchase import Trait

Opened = Callable[..., Chapter]


@pytest.fixture
def opened(make_base: Callable[..., Path], tmp_path: Path) -> Opened:
    """A chapter on a ledger."""

    def open_base(lines: pl.DataFrame | str, **given: Any) -> Chapter:
        if isinstance(lines, str):
            file = make_base(lines, **given)
        else:
            rows = lines.write_csv(include_header=False)
            file = make_base(rows, header=",".join(lines.columns), as_of=str(AS_OF), **given)
        return Chapter("06_differentiation", read_parameters(file), tmp_path / "run")

    return open_base


@pytest.fixture
def never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every first purchase for a real one."""
    monkeypatch.setattr(newcomers, "_begun", lambda chapter: newcomers.first_days(chapter.ledger, AS_OF))
    monkeypatch.setattr(ideal_customer, "what_it_means", lambda chapter, for_what: None)
    monkeypatch.setattr(ideal_customer, "left_cut", lambda chapter: SimpleNamespace(cut=False))


def every_step(chapter: Chapter) -> tuple[dict[str, Any], dict[str, Finding]]:
    known = newcomers.newcomers(chapter)
    found = ideal_customer.ideal(chapter, known)
    quality: Any = newcomer_quality.newcomer_quality(chapter, known, found)
    steps = {
        "importance": figures.importance(found, 0.8),
        "traits": ideal_customer.traits_table(chapter, known, found),
        "about": ideal_customer.about_traits(chapter, known),
        "scores": figures.by_scores(found, 0.8),
        "score": ideal_customer.score_table(chapter, known, found),
        "month": quality_figures.by_month(chapter, quality),
        "group": newcomer_quality.group_table(chapter, quality),
    }
    for step in steps.values():
        if step is not None:
            step._repr_mimebundle_()
    ideal_customer.state_findings(chapter, known, found)
    newcomer_quality.state_findings(chapter, quality)
    return steps, {finding.id: finding for finding in chapter.findings().findings}


def test_a_planted_channel_is_told_in_words(opened: Opened, never_cut: None) -> None:
    base = simulated_base("fair", 500, np.random.default_rng(9)).drop("kind")
    steps, findings = every_step(opened(base))
    first = steps["traits"].rows[0]
    assert first[0] == "channel: fair"
    assert first[-1] == "yes, by itself"
    assert "channel: fair" in findings["ideal_customer"].statement
    assert findings["ideal_customer"].question == "decisions"
    assert (
        "Good: the 20% who spent most in the 180 days after their first, USD " in findings["ideal_customer"].statement
    )
    # ever more come from the fair, whose customers come back more often
    assert findings["new_customers"].verdict == "good"
    assert findings["new_customers"].statement.startswith("New customers are getting better")
    assert steps["month"].alt.startswith("New customers are getting better. By month of the first purchase: 2024-01")
    assert {row[0] for row in steps["group"].rows} == {"fair", "web", "<b>street</b>", "$phone$"}
    assert "&lt;b&gt;street" in steps["group"]._repr_mimebundle_()["text/html"]
    assert steps["about"] is None


def test_noise_is_said_to_tell_nothing(opened: Opened, never_cut: None) -> None:
    base = simulated_base("noise", 250, np.random.default_rng(10)).drop("kind")
    steps, findings = every_step(opened(base))
    assert isinstance(steps["importance"], Unsaid)
    assert "doesn't tell who becomes good" in steps["importance"].reason
    assert steps["traits"] is steps["scores"] is steps["score"] is None  # once is enough
    assert findings["ideal_customer"].question is None
    assert findings["ideal_customer"].low <= 0.5 <= findings["ideal_customer"].high  # type: ignore[operator]
    # what turned out is said all the same
    assert "turned out good" in steps["month"].alt
    assert "expected" not in steps["month"].alt


@pytest.mark.parametrize(
    "rows",
    ["a,2025-01-01,5\n", "a,2025-01-01,5\nb,2025-01-02,6\nb,2025-01-03,-6\n", "a,2024-01-01,5\nb,2025-12-30,5\n"],
)
def test_a_base_that_says_little_says_so(opened: Opened, rows: str) -> None:
    steps, findings = every_step(opened(rows))
    said = {name: step.reason for name, step in steps.items() if step is not None}
    assert set(said) == {"importance", "month"}
    assert "for the same reason" in said["month"]
    assert findings["ideal_customer"].verdict == findings["new_customers"].verdict == "unknown"
    assert "It takes 100 customers, and 20 of each kind." in findings["ideal_customer"].statement


def test_the_first_purchases_return_takes_nothing_from_what_came_later(opened: Opened) -> None:
    rows = (
        # the first order goes back later, the second in part, and of the third too late to count
        "a,2025-01-01,100,1\na,2025-01-20,-100,1\na,2025-02-01,50,2\na,2025-02-05,-20,2\n"
        "a,2025-03-01,7,3\na,2025-12-01,-7,3\n"
        # a return that undoes no purchase of the ledger stays
        "b,2025-01-01,10,4\nb,2025-02-01,30,5\nb,2025-02-02,-4,unknown\n"
    )
    for costs in (False, True):
        header = "customer,date,amount,order"
        lines = rows
        if costs:  # half of each amount
            cells = [line.split(",") for line in rows.splitlines()]
            header, lines = f"{header},cost", "".join(f"{','.join(c)},{float(c[2]) / 2}\n" for c in cells)
        chapter = opened(lines, header=header, name=f"costs{costs}", good_customer_days=90, as_of="2025-12-31")
        days = newcomers.first_days(chapter.ledger, chapter.as_of)
        valued = newcomers._valued(chapter, days)
        value = newcomers.later_value(valued, days, watched_days=90, as_of=chapter.as_of)
        assert value.to_dict() == {"a": 37.0 / (1 + costs), "b": 26.0 / (1 + costs)}


def test_only_new_customers_count_where_the_ledger_is_cut(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    chapter = opened("a,2025-01-01,5\na,2025-03-01,5\nb,2025-02-01,6\nc,2025-04-01,7\n")

    def cut(new_from: dt.date | None) -> None:
        found = pd.Series({"cut": True, "new_from": new_from})
        monkeypatch.setattr(newcomers, "left_cut", lambda chapter: found)

    cut(dt.date(2025, 2, 1))
    assert newcomers._begun(chapter)["customer"].to_list() == ["b", "c"]
    cut(None)
    assert newcomers._begun(chapter).is_empty()


def test_only_what_is_known_from_the_beginning_is_taken_from_the_customers_table(
    opened: Opened, never_cut: None, tmp_path: Path
) -> None:
    base = simulated_base("channel", 250, np.random.default_rng(11)).drop("kind", "channel")
    keys = sorted(base["customer"].unique())
    file = tmp_path / "customers.csv"
    told = pl.DataFrame(
        {
            "customer": keys,
            "name": [f"Name {n}" for n in range(len(keys))],
            "kind": [("firm", "<i>private</i>")[n % 2] for n in range(len(keys))],
            "reputation": [str(1 + n % 5) for n in range(len(keys))],
            "postcode": [f"{170000 + n % 3}" for n in range(len(keys))],
            "club": ["gold" if n < 9 else None for n in range(len(keys))],
        }
    )
    told.write_csv(file)
    chapter = opened(base, customers={"path": str(file), "columns": {name: name for name in told.columns}})
    known = newcomers.newcomers(chapter)
    assert [trait.name for trait in known.first.traits if trait.recorded] == ["kind"]
    assert not {"recorded name", "recorded postcode", "recorded reputation"} & set(known.first.customers.columns)
    about = str(ideal_customer.about_traits(chapter, known))
    assert "From the customers' table come kind" in about
    assert "Left out, recorded of fewer than 25% of the customers: club." in about
    assert "Left out as known, or judged, later: reputation." in about


@pytest.mark.parametrize(
    ("side", "kind", "words"),
    [
        ({"trait": "first basket", "level": None, "above": 40.0}, "money", "first basket above USD 40.00"),
        ({"trait": "discount", "level": None, "above": 0.0}, "share", "with a discount"),
        ({"trait": "coupons", "level": None, "above": 0.1}, "share", "coupon above 10% of the price"),
        ({"trait": "products", "level": None, "above": 1.0}, "count", "more than 1 product"),
        ({"trait": "units", "level": None, "above": 2.5}, "count", "more than 2.5 units"),
        ({"trait": "weekday", "level": "Friday", "above": np.nan}, "text", "on a Friday"),
        ({"trait": "time of day", "level": "night", "above": np.nan}, "text", "at night"),
        ({"trait": "time of day", "level": "evening", "above": np.nan}, "text", "in the evening"),
        ({"trait": "month", "level": "May", "above": np.nan}, "text", "in May"),
        ({"trait": "kind", "level": "a\nb", "above": np.nan}, "text", "kind: a?b"),
        ({"trait": "categories", "level": "tea", "above": np.nan}, "flags", "bought tea"),
        ({"trait": "age", "level": None, "above": 45.0}, "number", "age above 45"),
    ],
)
def test_traits_in_words(side: dict[str, Any], kind: str, words: str) -> None:
    assert first_purchase_traits.side_in_words(pd.Series(side), kind, "USD") == words


def test_traits_of_the_same_people_are_one_row(opened: Opened) -> None:
    fair = np.arange(100) < 40
    customers = pd.DataFrame({"channel": np.where(fair, "fair", "web"), "manager": np.where(fair, "A", "B")})
    customers["first basket"] = np.arange(100.0)
    kinds = {"channel": "text", "manager": "text", "first basket": "money"}
    traits = [Trait(name, kind, (name,)) for name, kind in kinds.items()]  # type: ignore[arg-type]
    sides = [
        ("channel", "fair", np.nan),
        ("manager", "A", np.nan),
        ("manager", "B", np.nan),
        ("first basket", None, 49),
    ]
    contrasts = pd.DataFrame(sides, columns=["trait", "level", "above"])
    contrasts = contrasts.assign(customers=40, share=0.5, other_share=0.1, difference=0.1, low=0.0, high=0.2)
    importance = pd.DataFrame({"trait": list(kinds), "tells": False, "goes_with": True})
    good = pd.Series(fair, index=customers.index)
    known: Any = SimpleNamespace(
        first=SimpleNamespace(traits=traits, customers=customers), good=SimpleNamespace(good=good, limit=10.0)
    )
    found: Any = SimpleNamespace(good=good, contrasts=contrasts, importance=importance, tells=True)
    chapter = opened("a,2025-01-01,5\n")
    said = "channel: fair (nearly the same customers: manager: A)"
    table = ideal_customer.traits_table(chapter, known, found)
    assert [row[0] for row in table.rows] == [said, "first basket above USD 49.00"]  # type: ignore[union-attr]
    assert f"goes with it is {said}: 50%" in ideal_customer._what_tells(chapter, known, found)


def test_nearly_all_in_common_makes_them_the_same_people() -> None:
    one = pd.Series([True] * 95 + [False] * 5)
    assert first_purchase_traits.same_people(one, pd.Series([True] * 90 + [False] * 10))
    assert not first_purchase_traits.same_people(one, pd.Series([True] * 80 + [False] * 20))
    assert not first_purchase_traits.same_people(one & False, one & False)
