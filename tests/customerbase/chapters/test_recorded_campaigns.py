"""What `08_playbook` says of recorded campaigns, on a simulated base and on such that say little."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.recorded_campaigns import simulated
from customerbase.chapter import Chapter
from customerbase.chapters.playbook import recorded_campaigns as steps
from customerbase.figures.playbook import recorded_campaigns as figures
from customerbase.figures.style import Picture
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from models.campaign_response import Response, contrast

Opened = Callable[..., Chapter]


@pytest.fixture
def opened(make_base: Callable[..., Path], tmp_path: Path) -> Opened:
    """A chapter on a ledger, and on events where they are given."""

    def make(rows: str, events: str | None = None, **given: Any) -> Chapter:
        if events is not None:
            header = "who,day,what,which,last"
            (tmp_path / "events.csv").write_text(f"{header}\n{events}", encoding="utf-8")
            columns = {"customer": "who", "date": "day", "kind": "what", "reason": "which", "until": "last"}
            given["events"] = {"path": str(tmp_path / "events.csv"), "columns": columns}
        chapter = Chapter("08_playbook", read_parameters(make_base(rows, **given)), tmp_path / "by-hand")
        chapter.in_run = False
        return chapter

    return make


def as_files(number: int = 3, effect: bool = True) -> tuple[str, str]:
    """A simulated base of 600 households with two campaigns, as files; a few of those reached redeem."""
    drawn = simulated(number, effect, "history", 600)
    events = [f"{who},{drawn.start},campaign,spring,{drawn.until}\n" for who in drawn.reached]
    events += [f"{who},{start},campaign,{name},{until}\n" for who, name, start, until in drawn.other.iter_rows()]
    used = drawn.start + dt.timedelta(days=5)
    events += [f"{who},{used},redemption,spring,\n" for who in (*drawn.reached[:10], drawn.reached[0])]
    return drawn.days.write_csv(include_header=False), "".join(events)


def test_reach_redemption_and_effect_are_told(opened: Opened) -> None:
    chapter = opened(*as_files())
    drawn = simulated(3, True, "history", 600)
    campaigns = steps.recorded(chapter)
    spring = campaigns.campaigns.row(0, named=True)
    assert (spring["name"], spring["reached"]) == ("spring", len(drawn.reached))
    assert (spring["redeemed"], spring["redemptions"], spring["not_reached"]) == (10, 11, 0)
    assert 0 < spring["of_base"] < 1
    found = steps.measure(chapter, campaigns)
    assert set(found.found) == {0, 1}
    assert found.found[0].adjusted
    rows = steps.effect_table(chapter, campaigns, found).rows  # type: ignore[union-attr]
    assert [row[0] for row in rows] == ["other", "spring", "all together"]
    assert steps.reach_table(campaigns).rows[1][5:] == ("10", f"{1000 / len(drawn.reached):.1f}%", "11")  # type: ignore[union-attr]
    pictures = figures.reach(campaigns), figures.effects(campaigns, found, 0.8, "USD")
    assert all(isinstance(picture, Picture) for picture in pictures)
    steps.state_findings(chapter, campaigns, found)
    stated = {finding.id: finding for finding in chapter.findings().findings}
    assert stated["recorded_campaigns"].question == "decisions"
    assert "would otherwise have gone on alike" in stated["recorded_campaigns"].statement
    assert "10" not in stated["recorded_reach"].statement.split("redeemed")[1]


def test_a_base_without_campaigns_says_so_once(opened: Opened) -> None:
    chapter = opened("a,2023-01-01,5\na,2023-02-01,5\n")
    campaigns: Any = steps.recorded(chapter)
    found = steps.measure(chapter, campaigns)
    assert str(campaigns.reason).startswith("Campaigns are not recorded for this base.")
    assert figures.reach(campaigns) is campaigns
    assert figures.effects(campaigns, found, 0.8, "USD") is None
    assert steps.reach_table(campaigns) is None
    assert steps.effect_table(chapter, campaigns, found) is None
    steps.state_findings(chapter, campaigns, found)
    (finding,) = chapter.findings().findings
    assert (finding.verdict, finding.question) == ("unknown", None)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ("a,2023-03-20,campaign,x,\n", "of those reached had bought before"),
        ("a,2022-01-20,campaign,x,\n", "it began before the ledger"),
        ("a,2023-06-30,campaign,x,2023-12-31\n", "only 1 day of it are seen"),
        ("a,2023-03-01,campaign,x,\nb,2023-03-20,campaign,x,\n", "it reached its customers over 19 days"),
        ("nobody,2023-03-20,campaign,,\n", "of those reached had bought before"),
    ],
)
def test_campaigns_that_cannot_be_measured_are_still_told(opened: Opened, events: str, why: str) -> None:
    chapter = opened("a,2023-01-01,5\na,2023-06-30,5\nb,2023-01-05,5\n", events)
    campaigns = steps.recorded(chapter)
    assert steps.reach_table(campaigns).headings[-1] == "of the base"  # type: ignore[union-attr]
    assert isinstance(figures.reach(campaigns), Picture)
    found = steps.measure(chapter, campaigns)
    assert isinstance(found, Unsaid) and why in found.reason
    assert figures.effects(campaigns, found, 0.8, "USD") == found
    steps.state_findings(chapter, campaigns, found)
    assert {finding.id for finding in chapter.findings().findings} == {"recorded_reach", "recorded_campaigns"}


def test_names_that_tell_who_somebody_is_are_not_shown_and_stay_apart(opened: Opened) -> None:
    events = "a,2023-02-01,campaign,to anna@example.org,\nb,2023-03-01,campaign,to otto@example.org,\n"
    campaigns = steps.recorded(opened("a,2023-01-01,5\nb,2023-03-31,5\n", events))
    assert campaigns.campaigns["name"].to_list() == ["(not shown), from 2023-02-01", "(not shown), from 2023-03-01"]


def response(effect: float, change: float, error: float = 1.0, otherwise: float = 100.0) -> Response:
    of = [contrast(difference, pl.Series([error]).to_numpy(), 1000, 0.8) for difference in (effect, change, 0.0)]
    return Response(otherwise, *of)


def test_an_effect_stands_both_comparisons_or_is_in_doubt() -> None:
    assert steps.verdict_of(response(9, 9), is_effect=True, by_history_alone=True) == "an effect"
    assert steps.verdict_of(response(-9, -9), is_effect=True, by_history_alone=True) == "an effect, for the worse"
    assert steps.verdict_of(response(9, 0), is_effect=False, by_history_alone=True).startswith("in doubt")
    assert steps.verdict_of(response(1, 1), is_effect=False, by_history_alone=False) == "no effect found"
    assert steps.verdict_of(response(1, 1, error=20), is_effect=False, by_history_alone=False).startswith("not known")


def test_who_never_bought_is_none_of_the_base_and_a_redemption_of_no_campaign_is_counted(opened: Opened) -> None:
    rows = "".join(f"c{number},2023-{month:02d}-03,5\n" for number in range(10) for month in (1, 3, 6))
    reached = "".join(f"{who},2023-04-01,campaign,spring,2023-04-30\n" for who in ("c0", "c1", "x", "y", "z"))
    chapter = opened(rows, f"{reached}c0,2023-04-05,redemption,autumn,\nc1,2023-04-06,redemption,spring,\n")
    campaigns = steps.recorded(chapter)
    assert campaigns.campaigns.select("reached", "of_base", "redeemed").row(0) == (5, 0.2, 1)
    assert campaigns.of_no_campaign == 1
    steps.state_findings(chapter, campaigns, Unsaid("too few"))
    stated = {finding.id: finding.statement for finding in chapter.findings().findings}["recorded_reach"]
    assert "reached 2 customers, 20% of the base and 3 without a purchase, 1.0 times each" in stated
    assert stated.endswith("; 1 redemption names no campaign recorded.")
