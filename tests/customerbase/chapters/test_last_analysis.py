"""When the base was last analysed, and what has moved since."""

import json

import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.portrait import last_analysis
from customerbase.findings import Finding, Findings, write_findings
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid


@pytest.fixture
def chapter(make_base, tmp_path):
    """A chapter of a run of a base observed to the end of 2023."""
    parameters = read_parameters(make_base("a,2020-01-01,1\nb,2023-12-31,1\n", as_of="2023-12-31"))
    return Chapter("02_portrait", parameters, tmp_path / "runs" / "now")


@pytest.fixture
def earlier(tmp_path):
    """Leave an earlier run with these findings."""

    def make(findings, as_of="2022-12-31"):
        folder = tmp_path / "runs" / "before"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"as_of": as_of, "status": "succeeded"}))
        if findings is not None:
            write_findings(folder / "findings.json", findings)
        return folder

    return make


def finding(id, value, unit="customers", low=None, high=None, chapter="02_portrait"):
    return Finding(id, chapter, f"On {id}.", value, low, high, unit)


def moved(chapter, now):
    found = last_analysis.changes(chapter, Findings(tuple(now)))
    return found if isinstance(found, Unsaid) else found[["what", "then", "now", "change"]].to_numpy().tolist()


def test_figures_that_moved_by_a_tenth_or_by_five_points_stand_side_by_side(chapter, earlier):
    pairs = [
        ("base_size", 100, 110, "customers"),
        ("steady_size", 100, 109, "customers"),
        ("share_up", 0.50, 0.55, "share of revenue"),
        ("share_steady", 0.50, 0.549, "share of revenue"),
        ("rate_down", 80, 60, "%"),
        ("value", 1000, 500, "USD"),
        ("from_nothing", 0, 3, "customers"),
        ("still_nothing", 0, 0, "customers"),
        ("lost_its_value", 3, None, "customers"),
    ]
    earlier([finding(name, then, unit) for name, then, _, unit in pairs] + [finding("gone", 1)])
    now = [finding(name, value, unit) for name, _, value, unit in pairs] + [finding("newly_found", 1)]
    assert moved(chapter, now) == [
        ["On from_nothing.", "0", "3.00", "from nothing"],
        ["On value.", "USD 1,000", "USD 500", "-50%"],
        ["On rate_down.", "80%", "60%", "-20 points"],
        ["On base_size.", "100", "110", "+10%"],
        ["On share_up.", "50%", "55%", "+5 points"],
    ]


def test_intervals_that_meet_tell_of_no_change(chapter, earlier):
    earlier([finding("a", 100, low=90, high=130), finding("b", 100, low=90, high=119), finding("c", 100)])
    now = [
        finding("a", 150, low=120, high=180),
        finding("b", 150, low=120, high=180),
        finding("c", 150, low=50, high=250),
    ]
    assert [row[0] for row in moved(chapter, now)] == ["On b.", "On c."]


def test_findings_of_another_chapter_or_in_another_unit_are_not_compared(chapter, earlier):
    earlier([finding("a", 1, chapter="03_abc_xyz"), finding("b", 1, unit="USD")])
    assert isinstance(moved(chapter, [finding("a", 9), finding("b", 9)]), Unsaid)


def test_the_sentence_says_when_and_what_moved_farthest(chapter, earlier):
    earlier([finding("base_size", 100)])
    chapter.state("base_size", "A sentence.", value=200, unit="customers")
    changed = last_analysis.changes(chapter, chapter.findings())
    last = last_analysis.findings(chapter, changed).findings[-1]
    assert last.statement == (
        "This base was last analysed as of 31 December 2022, 365 days before. Since then 1 figure moved far."
    )
    assert (last.value, last.verdict) == (365, "good")
    shown = last_analysis.change_table(chapter, changed)
    assert shown.rows == (("A sentence.", "100", "200", "+100%"),)


def test_a_base_not_looked_at_for_more_than_two_years_is_due(chapter, earlier):
    earlier([], as_of="2021-12-30")
    changed = last_analysis.changes(chapter, Findings(()))
    last = last_analysis.findings(chapter, changed).findings[-1]
    assert (last.value, last.verdict) == (731, "watch")
    assert "at least every 730 days" in last.statement


@pytest.mark.parametrize("left", [None, "{not json"])
def test_an_earlier_run_whose_findings_can_t_be_read_is_said_so(chapter, earlier, left):
    folder = earlier(None)
    if left is not None:
        (folder / "findings.json").write_text(left)
    assert "can't be read" in last_analysis.changes(chapter, Findings(())).reason


def test_without_an_earlier_run_it_is_not_recorded(chapter):
    changed = last_analysis.changes(chapter, Findings(()))
    assert "not recorded" in changed.reason
    assert last_analysis.findings(chapter, changed).findings[-1].verdict == "unknown"
