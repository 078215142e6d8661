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
from customerbase.chapters import campaigns
from customerbase.figures import campaigns as figures
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

    def test_all_actions_are_those_of_which_somebody_was_held_out(self, measured: tuple[Chapter, Any, Any]) -> None:
        everybody = measured[2].over_all
        assert (everybody.called, everybody.held_out) == (15, 5)
        assert (everybody.share.called, everybody.share.held_out) == (8 / 15, 2 / 5)
        assert (everybody.revenue.called, everybody.revenue.held_out) == (pytest.approx(620 / 15), 70 / 5)

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
            "In the 91 days after 31 March 2024 53.3% of the customers to be called by that day's lists bought again, "
            "and 40.0% of those held out: +13.3 points"
        )
        assert "too small to show" in said.statement
        assert (said.value, said.question, said.verdict) == (pytest.approx(8 / 15 - 0.4), "decisions", "note")
        assert stated["campaign_groups"].statement.startswith("5 customers were held out of 20")

    def test_figures_tell_it_too(self, measured: tuple[Chapter, Any, Any]) -> None:
        _, campaign, effects = measured
        picture = figures.who_bought_again(campaign, effects, 0.8)
        assert "13.3 points more" in picture.alt
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
    def test_is_the_latest_that_is_far_enough_back_and_made_lists(self, opened: Opened) -> None:
        table = pl.DataFrame(listed("develop", ["d1", "d2"], ["d3", "d4"]))
        days = [dt.date(2023, 12, 31), dt.date(2024, 2, 29), dt.date(2024, 6, 2), dt.date(2024, 6, 3)]
        tables = dict(zip(days, [table, table, table.drop("on_list"), table], strict=True))
        campaign = campaigns.last_campaign(opened(rows(("d1", "2024-05-01", 5)), tables))
        assert campaign.run.as_of == dt.date(2024, 2, 29)
        assert campaign.days == 122

    @pytest.mark.parametrize(
        ("tables", "words"),
        [
            ({}, "There is no earlier run of this base"),
            ({dt.date(2024, 6, 3): pl.DataFrame(listed("develop", ["d1"], ["d2"]))}, "27 days before this one"),
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

    def test_a_damaged_table_tells_of_no_lists(self, opened: Opened, tmp_path: Path) -> None:
        chapter = opened(rows(), {THEN: pl.DataFrame(listed("develop", ["d1"], ["d2"]))})
        (tmp_path / "runs" / THEN.isoformat() / "tables" / "customers.parquet").write_bytes(b"no table")
        assert "made no lists" in campaigns.last_campaign(chapter).reason


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
