"""What `08_playbook` says of an earlier run's lists, on a base whose every purchase is written down here."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.playbook import campaigns
from customerbase.figures.playbook import campaigns as figures
from customerbase.parameters import read_parameters
from customerbase.store import write_table
from customerbase.unsaid import Unsaid
from models.campaign_effect import campaign_effect

THEN, NOW = dt.date(2024, 3, 31), dt.date(2024, 6, 30)
HEADER = "customer,date,amount,order"
OPENED = "a,2024-01-05,50,a1\n"  # so that the ledger begins before the lists
Opened = Callable[..., Chapter]


def rows(*purchases: tuple[str, str, float]) -> str:
    return OPENED + "".join(f"{customer},{date},{amount},{customer}-1\n" for customer, date, amount in purchases)


def listed(action: str, called: list[str], held_out: list[str]) -> list[dict[str, Any]]:
    return [
        {"customer": key, "action": action, "on_list": key in called, "control_group": key in held_out}
        for key in (*called, *held_out)
    ]


def keys(letter: str, number: int) -> list[str]:
    return [f"{letter}{n}" for n in range(1, number + 1)]


@pytest.fixture
def opened(make_base: Callable[..., Path], tmp_path: Path) -> Opened:
    """A chapter on a ledger, beside earlier runs whose tables are given by day."""

    def make(ledger: str, tables: dict[dt.date, pl.DataFrame | None], **parameters: Any) -> Chapter:
        for as_of, table in tables.items():
            folder = tmp_path / "runs" / as_of.isoformat()
            folder.mkdir(parents=True)
            (folder / "run.json").write_text(json.dumps({"as_of": as_of.isoformat(), "status": "succeeded"}))
            if table is not None:
                write_table(folder, "customers", table)
        file = make_base(ledger, header=HEADER, as_of=NOW.isoformat(), **parameters)
        return Chapter("08_playbook", read_parameters(file), tmp_path / "runs" / "now")

    return make


@pytest.fixture
def measured(opened: Opened) -> tuple[Chapter, Any, Any]:
    """Two lists and what became of their customers.

    Of develop's ten to be called d1 to d6 bought, for 100 each; of its four held out (d11 to d14) only d11, for 40. Of
    win back's five to be called w1 and w2 bought, for 10 each, and w6, the only one held out, for 30. Not counted:
    the day of the lists itself, a purchase taken back, one before, and z, who was on no list.
    """
    ledger = rows(
        *((key, "2024-05-10", 60) for key in keys("d", 6)),
        *((key, "2024-06-30", 40) for key in keys("d", 6)),
        ("d11", "2024-04-01", 40),
        ("w1", "2024-04-20", 10),
        ("w2", "2024-04-21", 10),
        ("w6", "2024-05-01", 30),
        *((key, "2024-03-31", 500) for key in (*keys("d", 10), *keys("w", 6))),
        ("d12", "2024-05-05", 70),
        ("d12", "2024-05-06", -70),
        ("z", "2024-05-05", 999),
    )
    table = pl.DataFrame(
        listed("develop", keys("d", 10), keys("d", 14)[10:])
        + listed("win back", keys("w", 5), ["w6"])
        + listed("let go", keys("l", 3), [])
        + [{"customer": "z", "action": "develop", "on_list": False, "control_group": False}]
    )
    chapter = opened(ledger, {THEN: table})
    campaign = campaigns.last_campaign(chapter)
    return chapter, campaign, campaigns.measure(chapter, campaign)


class TestMeasured:
    def test_differences_are_those_on_paper(self, measured: tuple[Chapter, Any, Any]) -> None:
        develop = measured[2].by_action["develop"]
        assert (develop.called, develop.held_out) == (10, 4)
        assert (develop.share.called, develop.share.held_out) == (0.6, 0.25)
        assert develop.share.difference == pytest.approx(0.35)
        # 6 customers at 100 over 10, and one at 40 over 4
        assert (develop.revenue.called, develop.revenue.held_out, develop.revenue.difference) == (60, 10, 50)
        # of the 1,001 fours that could have been held out, 560 hold as unlikely a number of the 7 buyers
        assert develop.share.p_value == pytest.approx(560 / 1001)

    def test_all_actions_are_those_that_are_measured(self, measured: tuple[Chapter, Any, Any]) -> None:
        everybody = measured[2].over_all
        assert (everybody.called, everybody.held_out) == (10, 4)
        assert (everybody.share.called, everybody.share.held_out) == (0.6, 0.25)

    def test_lists_with_too_few_are_shown_without_a_difference(self, measured: tuple[Chapter, Any, Any]) -> None:
        chapter, campaign, effects = measured
        assert effects.too_few == {"let go": (3, 0), "win back": (5, 1)}
        table: Any = campaigns.share_table(chapter, campaign, effects)
        assert [row[0] for row in table.rows] == ["develop", "let go", "win back", "all actions"]
        assert table.rows[2] == ("win back", "5", "1", "", "", "", "", "", "not known: too few")
        assert table.rows[0][:6] == ("develop", "10", "4", "60.0%", "25.0%", "+35.0")

    def test_everybody_on_a_list_is_counted_once(self, measured: tuple[Chapter, Any, Any]) -> None:
        customers = measured[1].customers
        assert customers["customer"].is_unique().all()
        assert set(customers["customer"]) == {*keys("d", 14), *keys("w", 6), *keys("l", 3)}

    def test_findings_say_what_was_seen_and_that_it_is_too_little(self, measured: tuple[Chapter, Any, Any]) -> None:
        chapter, campaign, effects = measured
        campaigns.state_findings(chapter, campaign, effects)
        stated = {finding.id: finding for finding in chapter.findings().findings}
        said = stated["campaigns"]
        assert said.statement.startswith(
            "In the 91 days after 31 March 2024 60.0% of the customers to be called by that day's lists bought again, "
            "and 25.0% of those held out: +35.0 points"
        )
        assert "too small to show" in said.statement
        assert (said.value, said.question, said.verdict) == (pytest.approx(0.35), "decisions", "note")
        assert stated["campaign_groups"].statement.startswith("4 customers were held out of 14")

    def test_figures_tell_it_too(self, measured: tuple[Chapter, Any, Any]) -> None:
        _, campaign, effects = measured
        picture = figures.who_bought_again(campaign, effects, 0.8)
        assert "35.0 points more" in picture.alt
        assert "develop +35.0 points" in picture.alt
        assert picture.png().startswith(b"\x89PNG")
        # one buyer in four held out is too few for a mean revenue
        assert isinstance(figures.revenue(campaign, effects, 0.8, "USD"), Unsaid)


class TestLargeCampaign:
    @pytest.fixture
    def large(self, opened: Opened) -> tuple[Chapter, Any, Any]:
        """300 called of whom 200 bought for 20 each, 60 held out of whom 20 did; nothing in the other list."""
        called, held_out = keys("c", 300), keys("h", 60)
        ledger = rows(*((key, "2024-05-01", 20) for key in (*called[:200], *held_out[:20])))
        ledger += "".join(f"{key},2024-05-01,20,1\n" for key in (*keys("x", 50), *keys("y", 10)))
        table = pl.DataFrame(
            listed("develop", called, held_out) + listed("protect", keys("x", 100), keys("y", 20))
        ).with_columns(expected_purchases=1.0, expected_spend=20.0)
        chapter = opened(ledger, {THEN: table})
        campaign = campaigns.last_campaign(chapter)
        return chapter, campaign, campaigns.measure(chapter, campaign)

    def test_an_effect_is_called_one_and_no_effect_is_not(self, large: tuple[Chapter, Any, Any]) -> None:
        chapter, campaign, effects = large
        assert effects.by_action["develop"].share.is_effect
        assert not effects.by_action["protect"].is_effect
        campaigns.state_findings(chapter, campaign, effects)
        stated = {finding.id: finding for finding in chapter.findings().findings}
        assert "The list 'develop' had an effect: +33.3 points" in stated["campaign_develop"].statement
        assert (stated["campaigns"].verdict, "campaign_protect" in stated) == ("good", False)
        assert "provided the lists were called" in stated["campaigns"].statement

    def test_is_the_models_measure_of_the_same_customers(self, large: tuple[Chapter, Any, Any]) -> None:
        chapter, campaign, effects = large
        develop = campaign.customers.filter(action="develop")
        columns = (develop[name].to_numpy() for name in ("bought", "revenue", "held_out", "expected"))
        by_hand = campaign_effect(*columns, coverage=0.8, seed=chapter.parameters.seed)
        assert effects.by_action["develop"] == by_hand
        assert by_hand.revenue.difference == pytest.approx(20 * 200 / 300 - 20 / 3)


class TestWhichRun:
    def test_is_the_latest_whose_lists_had_time_until_the_next(self, opened: Opened) -> None:
        table = pl.DataFrame(listed("develop", ["d1", "d2"], ["d3", "d4"]))
        days = [dt.date(2023, 12, 31), dt.date(2024, 2, 29), dt.date(2024, 5, 31), dt.date(2024, 6, 3)]
        nobody = table.with_columns(on_list=False, control_group=False)
        ledger = rows(
            ("d1", "2024-03-05", 5), ("d3", "2024-05-31", 7), ("d4", "2024-06-01", 9), ("d2", "2024-06-20", 1)
        )
        chapter = opened(ledger, dict(zip(days, [table, table, table, table], strict=True)))
        campaign = campaigns.last_campaign(chapter)
        # 27 days since 3 June, 3 since 31 May: those of 29 February had 92, up to the lists of 31 May
        assert (campaign.run.as_of, campaign.until, campaign.days) == (days[1], days[2], 92)
        found = campaign.customers.select("customer", "bought", "revenue").rows()
        assert found == [("d1", True, 5), ("d2", False, 0), ("d3", True, 7), ("d4", False, 0)]
        assert campaigns.when(campaign) == "the 92 days after 29 February 2024 (up to the next lists, of 31 May 2024)"
        quiet = chapter.folder.parent / days[2].isoformat(), chapter.folder.parent / days[3].isoformat()
        for folder in quiet:
            write_table(folder, "customers", nobody)
        campaign = campaigns.last_campaign(chapter)
        # runs that made no lists end nothing
        assert (campaign.run.as_of, campaign.until) == (days[1], NOW)

    def test_lists_made_every_week_tell_nothing(self, opened: Opened) -> None:
        table = pl.DataFrame(listed("develop", ["d1", "d2"], ["d3", "d4"]))
        weekly = {NOW - dt.timedelta(days=7 * week): table for week in range(1, 13)}
        reason = campaigns.last_campaign(opened(rows(("d1", "2024-05-01", 5)), weekly)).reason
        assert "23 June 2024, 7 days before this run" in reason
        assert "followed by new lists within at most 7 days" in reason

    def test_of_several_runs_of_a_day_the_last_that_made_lists_counts(self, opened: Opened) -> None:
        table = pl.DataFrame(listed("develop", ["d1", "d2"], ["d3", "d4"]))
        chapter = opened(rows(("d1", "2024-05-01", 5)), {THEN: table})
        runs = chapter.folder.parent
        for name in ("2024-04-01", "2024-04-02"):
            (runs / name).mkdir()
            (runs / name / "run.json").write_text(json.dumps({"as_of": THEN.isoformat(), "status": "succeeded"}))
        write_table(runs / "2024-04-01", "customers", table.with_columns(action=pl.lit("protect")))
        campaign = campaigns.last_campaign(chapter)
        assert campaign.run.folder.name == "2024-04-01"
        assert set(campaign.customers["action"]) == {"protect"}

    @pytest.mark.parametrize(
        ("tables", "words"),
        [
            ({}, "There is no earlier run of this base"),
            ({dt.date(2024, 6, 3): pl.DataFrame(listed("develop", ["d1"], ["d2"]))}, "27 days before this run"),
            ({THEN: None}, "made no lists"),
            ({THEN: pl.DataFrame(listed("develop", ["d1", "d2"], []))}, "nobody was held out"),
            ({THEN: pl.DataFrame(listed("develop", ["q1", "q2"], ["q3", "q4"]))}, "None of the customers"),
            ({THEN: pl.DataFrame(listed("develop", ["d1", "d2"], ["q3"]))}, "too few to compare"),
        ],
    )
    def test_where_there_is_none_says_why(
        self, opened: Opened, tables: dict[dt.date, pl.DataFrame | None], words: str
    ) -> None:
        chapter = opened(rows(("d1", "2024-05-01", 5), ("d2", "2024-05-01", 5)), tables)
        campaign: Any = campaigns.last_campaign(chapter)
        effects: Any = campaigns.measure(chapter, campaign)
        assert words in effects.reason
        # said once, in place of the figure
        assert figures.who_bought_again(campaign, effects, 0.8) is effects
        assert campaigns.share_table(chapter, campaign, effects) is None
        assert campaigns.revenue_table(chapter, campaign, effects) is None
        campaigns.state_findings(chapter, campaign, effects)
        (finding,) = chapter.findings().findings
        assert (finding.verdict, finding.question, finding.statement) == ("unknown", None, effects.reason)

    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            (None, "can't be read"),
            (pl.col("on_list").cast(pl.String), "no column on_list of true and false"),
            (
                pl.when(pl.col("customer") != "d1").then("customer").alias("customer"),
                "customers or actions are missing",
            ),
            (pl.lit("d1").alias("customer"), "stand more than once"),
        ],
    )
    def test_lists_that_cannot_be_used_are_passed_over_in_a_sentence(
        self, opened: Opened, damage: pl.Expr | None, words: str
    ) -> None:
        table = pl.DataFrame(listed("develop", ["d1", "d2"], ["d3", "d4"]))
        earlier = dt.date(2024, 1, 31)
        chapter = opened(rows(("d1", "2024-02-05", 5)), {earlier: table, THEN: table})
        folder = chapter.folder.parent / THEN.isoformat()
        if damage is None:
            (folder / "tables" / "customers.parquet").write_bytes(b"no table")
        else:
            write_table(folder, "customers", table.with_columns(damage))
        campaign = campaigns.last_campaign(chapter)
        # they may have been called, so they end the days of those before
        assert (campaign.run.as_of, campaign.until) == (earlier, THEN)
        campaigns.state_findings(chapter, campaign, campaigns.measure(chapter, campaign))
        (said,) = [each for each in chapter.findings().findings if each.id == "campaigns_passed_over"]
        assert said.statement.startswith("The lists of the run of 31 March 2024 are passed over: ")
        assert words in said.statement

    def test_where_no_other_lists_are_left_it_is_said_why(self, opened: Opened) -> None:
        chapter = opened(rows(), {THEN: pl.DataFrame(listed("develop", ["d1"], ["d2"]))})
        (chapter.folder.parent / THEN.isoformat() / "tables" / "customers.parquet").write_bytes(b"no table")
        assert "their table can't be read" in campaigns.last_campaign(chapter).reason


class TestSeveralLists:
    def test_each_list_is_held_against_its_own(self, opened: Opened) -> None:
        """Nothing is done to anybody, but the list that holds out a third is the one that buys."""
        table = pl.DataFrame(
            listed("protect", keys("p", 20), keys("q", 10)) + listed("win back", keys("w", 90), keys("v", 10))
        )
        buyers = (*keys("p", 16), *keys("q", 8), *keys("w", 9), *keys("v", 1))
        chapter = opened(rows(*((key, "2024-05-01", 100) for key in buyers)), {THEN: table})
        campaign = campaigns.last_campaign(chapter)
        found = campaigns.measure(chapter, campaign).over_all
        # 80% and 10% in either group; 20 and 90 were called
        assert found.share.called == found.share.held_out == pytest.approx((16 + 9) / 110)
        assert (found.share.difference, found.revenue.difference) == (pytest.approx(0), pytest.approx(0))
        assert not found.is_effect
        campaigns.state_findings(chapter, campaign, campaigns.measure(chapter, campaign))
        stated = {each.id: each.statement for each in chapter.findings().findings}
        assert "22.7% of those held out of the same lists, each counted by how many it called" in stated["campaigns"]


class TestMergedSince:
    def test_customers_who_turned_out_to_be_one_are_one(self, opened: Opened) -> None:
        table = pl.DataFrame(listed("develop", ["d1", "d2", "d3", "d5"], ["d4", "d6", "d7"]))
        chapter = opened(rows(("d1", "2024-05-01", 7), ("d6", "2024-05-01", 9)), {THEN: table})
        # d2 is d1 (both to be called), d7 is d6 (both held out), d4 (held out) is d3 (to be called)
        persons = {"d1": "d1", "d2": "d1", "d3": "d3", "d4": "d3", "d6": "d6", "d7": "d6"}
        chapter.__dict__["identities"] = pl.DataFrame({"customer": persons.keys(), "person": persons.values()})
        campaign = campaigns.last_campaign(chapter)
        found = campaign.customers.select("customer", "held_out", "revenue").rows()
        assert found == [("d1", False, 7), ("d5", False, 0), ("d6", True, 9)]
        assert campaign.left_out == 2


def test_key_accounts_are_left_out_since_none_is_ever_held_out(opened: Opened) -> None:
    table = pl.DataFrame(listed("develop", [*keys("d", 10), "key"], keys("h", 5)))
    table = table.with_columns(pl.col("customer").eq("key").alias("key_account"))
    chapter = opened(rows(*((key, "2024-05-10", 60) for key in ("key", *keys("d", 6)))), {THEN: table})
    found: Any = campaigns.last_campaign(chapter)
    assert sorted(found.customers["customer"]) == sorted([*keys("d", 10), *keys("h", 5)])


def test_of_a_few_held_out_nothing_is_called_an_effect(opened: Opened) -> None:
    table = pl.DataFrame(listed("develop", keys("d", 60), keys("h", 4)))
    chapter = opened(rows(*((key, "2024-05-10", 60) for key in keys("h", 4))), {THEN: table})
    campaign: Any = campaigns.last_campaign(chapter)
    effects: Any = campaigns.measure(chapter, campaign)
    assert effects.over_all.share.p_value < 0.001
    assert not effects.over_all.is_effect
    assert not effects.by_action["develop"].is_effect
    campaigns.state_findings(chapter, campaign, effects)
    stated = {found.id: found for found in chapter.findings().findings}
    assert stated["campaigns"].verdict == "note"
    assert "the groups are too small" in stated["campaigns"].statement


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: pl.concat([table, table]),
        lambda table: table.with_columns(pl.lit(None, pl.String).alias("customer")),
    ],
)
def test_a_table_with_customers_twice_or_without_a_key_tells_of_no_lists(opened: Opened, damage: Any) -> None:
    table = damage(pl.DataFrame(listed("develop", keys("d", 10), keys("h", 5))))
    found = campaigns.last_campaign(opened(rows(("d1", "2024-05-10", 60)), {THEN: table}))
    assert isinstance(found, Unsaid)


def test_a_forecast_that_is_no_number_is_not_used(opened: Opened) -> None:
    table = pl.DataFrame(listed("develop", keys("d", 10), keys("h", 5)))
    table = table.with_columns(expected_purchases=pl.lit("many"), expected_spend=pl.lit(1.0))
    found: Any = campaigns.last_campaign(opened(rows(("d1", "2024-05-10", 60)), {THEN: table}))
    assert found.customers["expected"].null_count() == found.customers.height
