"""What `05_retention` says of who comes back, when silence is alarming and who comes back sooner."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.retention import (
    first_purchase_groups,
    retention,
    retention_by_quarter,
    retention_groups,
    silence,
    waits,
)
from customerbase.chapters.retention.hazard_ratios_in_words import SIGNIFICANT
from customerbase.chapters.retention.retention_groups import Compared
from customerbase.chapters.retention.waits import FIRST_TO_SECOND
from customerbase.figures.retention import retention as figures
from customerbase.figures.retention import retention_by_quarter as quarter_figures
from customerbase.findings import Finding
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from models.hazard import life_table
from models.left_truncation import LeftTruncation
from models.survival import SurvivalAt

Opened = Callable[..., Chapter]

START = dt.date(2023, 1, 1)
ONE_CUSTOMER = "only,2024-01-01,10\n"
NO_REPEATS = "".join(f"c{i:03d},2024-{1 + i % 6:02d}-{1 + i % 28:02d},{5 + i % 7}\n" for i in range(120))
ONE_DAY = "".join(f"c{i},2024-05-05,{i + 1}\n" for i in range(40))
YOUNG = "".join(
    f"c{i % 60},2024-03-{1 + i % 31:02d},{5 + i % 7}\nc{i % 50},2024-04-{1 + i % 11:02d},4\n" for i in range(90)
)
FREE = "".join(f"c{i % 30},2024-{1 + i % 12:02d}-{1 + i % 28:02d},0\n" for i in range(200))


@pytest.fixture
def opened(make_base: Callable[..., Path], tmp_path: Path) -> Opened:
    """A chapter on a ledger."""
    return lambda rows, **given: Chapter("05_retention", read_parameters(make_base(rows, **given)), tmp_path / "run")


def planted(channels: dict[str, float], brands: int = 2, customers: int = 240, seed: int = 3) -> str:
    """Return a ledger in which the channel sets how soon customers come back, and brands don't."""
    rng = np.random.default_rng(seed)
    names, rows = list(channels), []
    for number in range(customers):
        channel = names[number % len(names)]
        day, end = int(rng.integers(0, 90)), 500
        while day <= end:
            when, brand = START + dt.timedelta(days=day), f"brand {rng.integers(brands)}"
            rows.append(f'c{number:03d},{when},{rng.integers(5, 50)},"{channel}",{brand}\n')
            day += int(rng.geometric(channels[channel]))
    return "".join(rows)


HEADER = "customer,date,amount,channel,brand"


def everything(chapter: Chapter) -> tuple[list[Any], dict[str, Finding]]:
    """Return what the chapter's own sections show, and its findings by id."""
    found = retention.waits(chapter)
    curves = retention.curves(chapter, found)
    never = retention.never_back(chapter, curves, found)
    silent = silence.silence(chapter, found)
    groups = retention_groups.compare(chapter, found)
    rates = retention_by_quarter.rate_by_quarter(chapter)
    shown = [
        figures.first_to_second(curves, never, 0.3, 0.8),
        retention.about_first_purchases(chapter),
        figures.by_purchase(curves, found, 0.8),
        retention.lost_table(chapter, curves, found),
        figures.alarming_silence(silent, 0.8),
        silence.silence_table(chapter, silent),
        figures.by_group(groups, 0.8),
        retention_groups.group_table(groups),
        retention_groups.left_out(groups),
        quarter_figures.rates(rates, 0.8),
        retention_by_quarter.rate_table(chapter, rates),
    ]
    retention.state_findings(chapter, curves, found, never, silent, groups, rates)
    return shown, {finding.id: finding for finding in chapter.findings().findings}


def words_of(shown: list[Any], findings: dict[str, Finding]) -> str:
    parts = []
    for part in (part for part in shown if part is not None):
        bundle = part._repr_mimebundle_()
        parts.append((bundle[0] if isinstance(bundle, tuple) else bundle)["text/plain"])
    return "\n".join([*parts, *(finding.statement for finding in findings.values())])


def test_who_is_lost_is_counted_after_each_purchase(opened: Opened) -> None:
    rows = "".join(f"a{i},2023-01-01,5\n" for i in range(40))  # once
    rows += "".join(f"b{i},2023-01-01,5\nb{i},2023-01-{2 + i % 20:02d},5\n" for i in range(50))  # twice
    rows += "".join(f"c{i},2023-01-01,5\nc{i},2023-02-01,5\nc{i},2023-03-01,5\n" for i in range(10))
    chapter = opened(rows, as_of="2023-12-31")
    shown, findings = everything(chapter)
    curve = retention.table_retention(chapter).query("curve == @FIRST_TO_SECOND")
    assert curve["survival"].iloc[-1] == pytest.approx(0.4)
    never = findings["never_back"]
    assert never.value == pytest.approx(0.4)
    assert never.low is not None
    assert never.low < 0.4 < never.high  # type: ignore[operator]
    assert "in practice up to 30% are lost there" in never.statement
    assert never.verdict == "watch"
    assert findings["second_purchase"].value == pytest.approx(0.4 - 50 / 60)
    lost = next(part for part in shown if "Who is lost" in getattr(part, "caption", ""))
    assert [row[:2] for row in lost.rows] == [
        ("after 1 purchase", "100"),
        ("after 2 purchases", "60"),
        ("after 3 purchases", "10"),
    ]


def test_later_purchases_are_taken_together_in_few_stages(opened: Opened) -> None:
    rows = "".join(
        f"c{i:02d},{START + dt.timedelta(days=3 * n + i % 7)},5\n" for i in range(60) for n in range(3 + 2 * i)
    )
    found = waits.waits(opened(rows))
    names = [stage.after for stage in found.stages]
    assert names[:3] == ["after 1 purchase", "after 2 purchases", "after 3 purchases"]
    assert len(names) <= waits.MOST_STAGES
    assert names[-1] == "after 50 or more purchases"
    ends = [(stage.low, stage.high) for stage in found.stages]
    assert all(high + 1 == low for (_, high), (low, _) in pairwise(ends))  # type: ignore[operator]
    assert sum(rows.height for rows in found.stages.values()) == found.rows.height


def test_only_true_first_purchases_count_where_the_ledger_is_cut(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(
        f"c{i:02d},{START + dt.timedelta(days=3 * i + 5 * n)},5\n" for i in range(60) for n in range(1 + i % 30)
    )
    chapter = opened(rows)
    whole = waits.waits(chapter)
    new = (
        chapter.purchases.group_by("customer")
        .agg(first=pl.col("date").min())
        .filter(pl.col("first") >= dt.date(2023, 4, 1))
    )
    cut = LeftTruncation.__new__(LeftTruncation)
    object.__setattr__(cut, "cut", True)
    monkeypatch.setattr(waits, "left_cut", lambda _: cut)
    monkeypatch.setattr(waits, "new_customers", lambda _: new)
    found = waits.waits(chapter)
    assert 0 < found.first["customer"].n_unique() == new.height < whole.first["customer"].n_unique()
    grouped = {stage: rows.height for stage, rows in found.stages.items() if not stage.is_single}
    before = {stage: rows.height for stage, rows in whole.stages.items() if not stage.is_single}
    assert grouped == {replace(stage, seen=True): height for stage, height in before.items()}
    assert all(stage.after.endswith("purchases seen") for stage in grouped)


def test_a_return_that_comes_later_changes_no_group(opened: Opened) -> None:
    header = "customer,date,amount,channel,order"
    rows = "".join(
        f"c{i:03d},2023-{1 + i % 6:02d}-05,{5 + i % 40},{'web' if i % 2 else 'shop'},a{i}\n"
        f"c{i:03d},2023-{7 + i % 5:02d}-05,9,{'shop' if i % 2 else 'web'},b{i}\n"
        for i in range(120)
    )
    returns = "".join(f"c{i:03d},2023-12-05,{-5 - i % 40},{'web' if i % 2 else 'shop'},a{i}\n" for i in range(0, 40))
    first = []
    for name, lines in (("kept", rows), ("returned", rows + returns)):
        chapter = opened(lines, name=name, header=header, as_of="2024-06-30")
        found = waits.waits(chapter)
        first.append(found.from_first_sale)
        assert found.from_first_sale["days"].equals(found.first["days"]) == (name == "kept")
    assert first[0].equals(first[1])


def test_of_a_cut_ledger_only_true_first_purchases_are_grouped(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = tmp_path / "customers.csv"
    people = "".join(f"c{i:03d},{'firm' if i % 2 else 'person'},{'yes' if i % 4 < 2 else ''}\n" for i in range(240))
    table.write_text("customer,kind,note\n" + people, encoding="utf-8")
    given = {"path": str(table), "columns": {name: name for name in ("customer", "kind", "note")}}
    chapter = opened(planted({"shop": 0.05, "web": 0.012}), header=HEADER, customers=given)
    whole = waits.waits(chapter)
    new = whole.first.filter(pl.col("date").dt.date() >= dt.date(2023, 2, 15))
    compared = retention_groups.compare(chapter, replace(whole, from_first_sale=new))
    kind = next(grouping for grouping in compared.groupings if grouping.name == "kind")
    assert kind.groups["customers"].sum() == new.height < 240


def test_what_is_filled_in_of_those_who_come_back_is_no_group(opened: Opened) -> None:
    chapter = opened(planted({"shop": 0.05, "web": 0.012}), header=HEADER)
    first = waits.waits(chapter).from_first_sale
    soon = pl.col("days") < 40
    told = first.select(
        "customer",
        later=pl.when(soon).then(pl.lit("a")),
        by_chance=pl.when(pl.int_range(pl.len()) // 20 % 2 > 0).then(pl.lit("b")),
        always=pl.lit("c"),
    )
    assert retention_groups._filled_in_with_success(first, told) == ("later",)


def test_the_gate_is_told_beyond_chance_only() -> None:
    one, near, far = (SurvivalAt(value, value - 0.05, value + 0.05) for value in (0.5, 0.42, 0.3))
    assert not retention._surely_apart(one, near, 0.8)  # z = 1.45
    assert retention._surely_apart(one, far, 0.8)
    sure = SurvivalAt(1.0, 1.0, 1.0)
    assert not retention._surely_apart(sure, sure, 0.8)


def test_of_a_cut_ledger_the_new_ones_are_named_and_no_practice_is_held_against_them(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter = opened("".join(f"c{i},2023-0{1 + i % 2}-05,5\nc{i},2023-04-{1 + i % 28:02d},5\n" for i in range(80)))
    found = waits.waits(chapter)
    curves = retention.curves(chapter, found)
    monkeypatch.setattr(retention, "LAST_STRETCH_DAYS", 30)
    monkeypatch.setattr(retention, "left_cut", lambda _: pd.Series({"cut": True}))
    monkeypatch.setattr(retention, "what_it_means", lambda *_: "So few are new.")
    never = retention.never_back(chapter, curves, found)
    retention._state_never_back(chapter, never)
    (said,) = chapter.findings().findings
    assert "of the 80 customers first seen from 5 January 2023 on have not come back" in said.statement
    assert (said.verdict, "practice" in said.statement) == ("note", False)
    picture = figures.first_to_second(curves, never, 0.3, 0.8)
    assert "practice" not in picture.alt


def test_silence_is_alarming_sooner_for_those_who_buy_often(opened: Opened) -> None:
    rng = np.random.default_rng(2)
    rows = []
    for number in range(300):
        day, often = int(rng.integers(0, 60)), number % 2
        for _ in range(12 if often else 2):
            rows.append(f"c{number:03d},{START + dt.timedelta(days=day)},5\n")
            day += int(rng.integers(1, 11 if often else 61))
    chapter = opened("".join(rows), as_of="2024-03-01")
    found = silence.silence(chapter, waits.waits(chapter))
    stages = found.stages.set_index("after")
    assert stages.loc["after 1 purchase", "day"] == pytest.approx(50, abs=6)
    last = stages.iloc[-1]
    assert last["day"] <= 10
    assert last["low"] <= last["day"] <= last["high"]
    assert (stages["silent"] <= stages["waiting"]).all()
    # one alarm for each: the earlier of the two days, but never the first day
    sooner = stages["rare"].gt(0) & (stages["rare"] < stages["day"])
    assert (stages["alarm"] == stages["rare"].where(sooner, stages["day"])).all()
    assert stages["waiting"].sum() == 300
    _, findings = everything(chapter)
    assert findings["alarming_silence"].value == stages["silent"].sum()
    statement = findings["alarming_silence"].statement
    assert "have been silent for so long, of 300." in statement
    assert f"after 1 purchase from day {stages.loc['after 1 purchase', 'alarm']:.0f} on" in statement


def test_who_is_silent_on_the_alarming_day_is_past_it(opened: Opened) -> None:
    """Ten come back on each day up to the fiftieth, and one waits for each."""
    days = [day for day in range(1, 51) for _ in range(11)]
    back = [number < 10 for _ in range(50) for number in range(11)]
    rows = pl.DataFrame({"customer": [f"c{at}" for at in range(len(days))], "days": days, "observed": back})
    table = life_table(rows, seed=1)
    stage: dict[str, Any] = silence._stage(opened(ONE_CUSTOMER), waits.Stage(1, 1), rows, table, 50)
    assert stage["silent"] == 50 - stage["alarm"] + 1


def test_a_silence_after_which_nearly_all_come_back_is_no_alarm(opened: Opened) -> None:
    stage = {"after": "after 1 purchase", "day": 5, "alarm": 5, "rare": None, "silent": 1, "waiting": 1}
    for still, verdict, said in ((0.97, "note", "Silence is unusual"), (0.6, "watch", "Silence is alarming")):
        chapter = opened(ONE_CUSTOMER, name=verdict)
        silence.state_findings(chapter, silence.Silence(7, {}, pd.DataFrame([{**stage, "still": still}])))
        (found,) = chapter.findings().findings
        assert found.verdict == verdict
        assert found.statement.startswith(f"{said} after 1 purchase from day 5 on")
        assert ("about 97% came back, so it is no alarm" in found.statement) == (still > 0.9)


def test_groupings_that_matter_are_found_and_others_are_not(opened: Opened) -> None:
    chapter = opened(planted({"shop": 0.05, "fair": 0.05, "web": 0.012}), header=HEADER)
    compared = retention_groups.compare(chapter, waits.waits(chapter))
    by_name = {grouping.name: grouping for grouping in compared.groupings}
    channel, brand = by_name["channel"], by_name["brand"]
    assert compared.groupings[0] is channel
    assert channel.differs
    assert not brand.differs
    groups = channel.groups.set_index("group")
    assert groups.loc["web", "differs"]
    assert groups.index[-1] == "web"
    assert groups["customers"].sum() == 240
    assert (groups["low"] < groups["back"]).all()
    assert brand.groups["p_value"].min() >= brand.p_value
    _, findings = everything(chapter)
    assert "By channel, within" in findings["groups_differ"].statement
    assert "of 'web'" in findings["groups_differ"].statement
    assert compared.not_recorded == ("category", "discount share", "manager")


def test_managers_are_compared_within_the_kind_of_customer_they_serve(opened: Opened, tmp_path: Path) -> None:
    """Firms come back sooner and have managers of their own, who differ from the others' only by whom they serve."""
    rng = np.random.default_rng(5)
    rows, people = [], []
    for number in range(320):
        firm, day = number % 2, int(rng.integers(0, 90))
        manager = ("Ann", "Bob")[number // 2 % 2] if firm else ("Kim", "Lee")[number // 2 % 2]
        people.append(f"c{number:03d},{'firm' if firm else 'person'}\n")
        while day <= 500:
            rows.append(f"c{number:03d},{START + dt.timedelta(days=day)},9,{manager}\n")
            day += int(rng.geometric(0.05 if firm else 0.008))
    table = tmp_path / "customers.csv"
    table.write_text("customer,kind\n" + "".join(people), encoding="utf-8")
    header = "customer,date,amount,manager"
    given = {"path": str(table), "columns": {"customer": "customer", "kind": "kind"}}
    compared = {
        recorded: retention_groups.compare(chapter, waits.waits(chapter))
        for recorded in (False, True)
        for chapter in [
            opened("".join(rows), name=f"kinds{recorded}", header=header, **({"customers": given} if recorded else {}))
        ]
    }
    alone = {grouping.name: grouping for grouping in compared[False].groupings}
    assert alone["manager"].differs
    assert retention_groups.NO_KINDS in str(retention_groups.left_out(compared[False]))
    within = {grouping.name: grouping for grouping in compared[True].groupings}
    shown = {part.name: part for part in within["manager"].within}
    assert set(shown) == {"manager of 'firm'", "manager of 'person'"}
    assert set(shown["manager of 'firm'"].groups["group"]) == {"Ann", "Bob"}
    assert not within["manager"].differs
    assert within["manager"].test.degrees_of_freedom == 2
    assert "manager" not in compared[True].not_recorded
    assert retention_groups.WITHIN_KINDS in str(retention_groups.left_out(compared[True]))


def test_managers_are_tested_once_over_all_kinds_of_customers(opened: Opened, tmp_path: Path) -> None:
    """What Ann's customers have before Bob's shows in no kind of 60 by itself; two kinds' names begin alike."""
    region = "Wholesale customers in the northern region of "
    rng, rows, people = np.random.default_rng(2), [], []
    for number in range(240):
        kind, day = (f"{region}A", f"{region}B", "state", "")[number // 2 % 4], int(rng.integers(0, 90))
        people.append(f"c{number:03d},{kind}\n")
        rate = 0.005 * (1, 2, 4, 2)[number // 2 % 4] * (1.5 if number % 2 else 1)
        while day <= 500:
            rows.append(f"c{number:03d},{START + dt.timedelta(days=day)},9,{'Ann' if number % 2 else 'Bob'}\n")
            day += int(rng.geometric(rate))
    table = tmp_path / "customers.csv"
    table.write_text("customer,kind\n" + "".join(people), encoding="utf-8")
    given = {"path": str(table), "columns": {"customer": "customer", "kind": "kind"}}
    chapter = opened("".join(rows), header="customer,date,amount,manager", customers=given)
    compared = retention_groups.compare(chapter, waits.waits(chapter))
    (managers,) = (grouping for grouping in compared.groupings if grouping.name == "manager")
    assert managers.differs
    assert managers.groups["customers"].sum() == 240
    assert {part.name for part in managers.within} == {
        f"manager of '{kind}'" for kind in (f"{region}A", f"{region}B", "state", "not recorded")
    }
    assert all(part.test.p_value > SIGNIFICANT / 4 for part in managers.within)
    curves = retention_groups.curves(compared)["curve"]
    assert curves[curves.str.startswith("manager")].nunique() == 8
    shown = retention_groups.group_table(compared)
    assert shown is not None
    assert sum(row[0].startswith("manager") for row in shown.rows) == 4
    assert "and manager. " in figures.by_group(compared, 0.8).alt


def test_quarters_that_tell_of_how_a_ledger_was_drawn_are_left_out(opened: Opened) -> None:
    """All won in the first quarter; who buys once falls silent half a year later, together with the others."""
    once = "".join(f"a{i:03d},2023-0{1 + i % 3}-15,5\n" for i in range(60))
    often = "".join(f"b{i:02d},2023-{month:02d}-0{1 + i % 9},5\n" for i in range(40) for month in range(1, 13))
    closed = retention_by_quarter.rate_by_quarter(opened(once + often, name="closed", as_of="2023-12-31"))
    assert closed["period"].tolist() == ["2023 Q4"]
    assert closed["kept_rate"].tolist() == [100.0]
    late = "".join(f"c{i:02d},2023-{month:02d}-0{1 + i % 9},5\n" for i in range(9) for month in range(4 + i, 13))
    growing = retention_by_quarter.rate_by_quarter(opened(once + often + late, name="open", as_of="2023-12-31"))
    assert growing["period"].tolist() == ["2023 Q3", "2023 Q4"]
    # half a year after 2 January customers may have gone for the first time on 1 July, and none on the day before
    a_day_later = "".join(f"b{i:02d},2023-{month:02d}-0{2 + i % 8},5\n" for i in range(40) for month in range(1, 13))
    later = retention_by_quarter.rate_by_quarter(opened(once + a_day_later + late, name="later", as_of="2023-12-31"))
    assert later["period"].tolist() == ["2023 Q4"]
    table = retention_by_quarter.rate_table(opened(once, name="table"), growing)
    assert table is not None
    assert [row[0] for row in table.rows] == ["2023 Q3", "2023 Q4"]
    young: object = retention_by_quarter.rate_by_quarter(opened(once, name="young", as_of="2023-08-31"))
    assert isinstance(young, Unsaid)


def test_small_groups_are_taken_together(opened: Opened) -> None:
    channels = {"a": 0.05, "b": 0.05, "c": 0.05}
    rare = [f"z{i},2023-01-{1 + i % 28:02d},9,rare {i},brand 0\n" for i in range(35)]
    for others, groups in ((25, {"a", "b", "c"}), (35, {"a", "b", "c", retention_groups.OTHERS})):
        rows = planted(channels, customers=120) + "".join(rare[:others])
        chapter = opened(rows, name=f"others{others}", header=HEADER)
        compared = retention_groups.compare(chapter, waits.waits(chapter))
        channel = next(grouping for grouping in compared.groupings if grouping.name == "channel")
        assert set(channel.groups["group"]) == groups


def test_nothing_after_the_first_purchase_changes_the_groups(opened: Opened) -> None:
    header = f"{HEADER},discount,category,manager"
    lines = [
        f"c{i:03d},2023-{1 + i % 9:02d}-{1 + i % 28:02d},{5 + i % 40},{'web' if i % 2 else 'shop'},brand {i % 3},"
        f"{i % 4},{'doors' if i % 3 else 'windows'},{'Ann' if i % 5 else 'Bob'}\n"
        for i in range(150)
    ]
    later = [f"c{i:03d},2024-02-{1 + i % 28:02d},999,mail,brand 9,500,roofs,Zoe\n" for i in range(0, 150, 2)]
    known = []
    for name, rows in (("before", lines), ("after", [*lines, *later, *later[:20]])):
        chapter = opened("".join(rows), name=name, header=header, as_of="2024-12-31")
        known.append(first_purchase_groups.of_ledger(chapter, waits.waits(chapter).first))
    assert known[0].equals(known[1])
    assert set(known[0].columns) == {
        "customer",
        first_purchase_groups.COHORT,
        first_purchase_groups.SIZE,
        first_purchase_groups.DISCOUNTED,
        "channel",
        "brand",
        "category",
        "manager",
    }


def test_the_customers_table_gives_groups_but_no_personal_data(
    make_base: Callable[..., Path], tmp_path: Path, opened: Opened
) -> None:
    table = tmp_path / "customers.csv"
    columns = ["customer", "kind", "name", "phone", "manager", "income", "note"]
    rows = [
        f"c{i:03d},{'firm' if i % 2 else 'person'},{'Ann' if i % 2 else 'Bob'},{'555' if i % 2 else '556'},"
        f"{'Kim' if i % 2 else 'Lee'},{'low' if i % 3 else 'high'},note {i}\n"
        for i in range(200)
    ]
    table.write_text(",".join(columns) + "\n" + "".join(rows), encoding="utf-8")
    given = {"path": str(table), "columns": {name: name for name in columns}}
    chapter = opened(planted({"shop": 0.05, "web": 0.012}, customers=200), header=HEADER, customers=given)
    compared = retention_groups.compare(chapter, waits.waits(chapter))
    recorded = {grouping.name for grouping in compared.groupings if grouping.recorded}
    assert recorded == {"kind", "income"}  # a note of one's own is no group, and a manager may be today's
    table_shown = retention_groups.group_table(compared)
    assert table_shown is not None
    assert {row[0] for row in table_shown.rows} >= {"kind*", "income*"}


def test_hostile_names_are_text_in_tables_figures_and_findings(opened: Opened) -> None:
    names = {"<script>alert(1)</script>": 0.05, "$x^$ \\frac{1": 0.012, "line\\nbreak " + "long " * 60: 0.03}
    chapter = opened(planted(names), header=HEADER)
    shown, findings = everything(chapter)
    for part in (part for part in shown if part is not None):
        bundle = part._repr_mimebundle_()
        assert "<script" not in (bundle.get("text/html", "") if isinstance(bundle, dict) else "")
        if hasattr(part, "png"):
            assert part.png().startswith(b"\x89PNG")
    table = next(part for part in shown if "Who comes back within" in getattr(part, "caption", ""))
    assert "&lt;script&gt;" in table._html()
    assert max(len(line) for line in findings["groups_differ"].statement.split("'")) < 400


@pytest.mark.parametrize(
    "rows",
    [ONE_CUSTOMER, NO_REPEATS, ONE_DAY, YOUNG, FREE],
    ids=["one customer", "no repeat purchase", "one day", "younger than two months", "free"],
)
def test_a_base_that_says_little_is_told_so(opened: Opened, rows: str) -> None:
    chapter = opened(rows)
    shown, findings = everything(chapter)
    assert any(isinstance(part, Unsaid) for part in shown)
    assert {"never_back", "second_purchase", "alarming_silence", "groups_differ", "retention_rate"} == set(findings)
    assert not re.search(r"\b(nan|NaN|NaT|inf|None)\b", words_of(shown, findings))
    unknown = [finding for finding in findings.values() if finding.verdict == "unknown"]
    assert unknown
    assert all(finding.value is None and finding.statement.endswith(".") for finding in unknown)
    table = retention.table_retention(chapter)
    assert list(table.columns) == ["curve", "days", "survival", "low", "high", "at_risk"]
    assert len(table)


def test_the_table_holds_the_curves_of_purchases_and_of_groups(opened: Opened) -> None:
    chapter = opened(planted({"shop": 0.05, "web": 0.012}), header=HEADER)
    table = retention.table_retention(chapter)
    curves = set(table["curve"])
    assert {FIRST_TO_SECOND, "second to third purchase", "channel: shop", "channel: web"} <= curves
    assert any(name.startswith("first bought in 2023-") for name in curves)
    assert table[["survival", "low", "high"]].notna().all(axis=None)
    assert (table["low"] <= table["survival"]).all()
    assert (table["survival"] <= table["high"]).all()
    found = waits.waits(chapter)
    groups = retention_groups.compare(chapter, found)
    assert isinstance(groups, Compared)
    retention.write_tables(chapter, retention.curves(chapter, found), groups)
    pd.testing.assert_frame_equal(chapter.table("retention"), table.reset_index(drop=True))
