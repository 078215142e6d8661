"""The first page of a run: findings in sentences, each with how sure it is and where it comes from."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bs4 import BeautifulSoup

from customerbase.pages import index_page
from customerbase.pages.index import MORE_TO_DO, grouped, uncertainty

QUESTIONS = {"profit": "Who brings the profit?", "losing": "Whom are we losing?"}
HOSTILE = "<script>alert(1)</script>"
CHAPTERS = [
    ("04_lifetime_value", "Lifetime value", "What will each customer bring?"),
    ("05_retention", "Retention", "Whom do we lose?"),
    ("dossier", "One customer", "Who is this?"),
]


def finding(**given: Any) -> dict[str, Any]:
    return {
        "id": "top",
        "chapter": "04_lifetime_value",
        "statement": "A tenth of the customers brings 46.5 % of the revenue.",
        "value": 46.5,
        "low": 45.1,
        "high": 47.9,
        "unit": "%",
        "verdict": "watch",
        "interval": 0.8,
        **given,
    }


def page(*findings: dict[str, Any], **given: Any) -> BeautifulSoup:
    about: dict[str, Any] = {
        "title": "Our customers",
        "run_line": "cdnow, as of 1998-06-30",
        "questions": QUESTIONS,
        "chapters": CHAPTERS,
        "notes": [],
        "parameters": [],
        **given,
    }
    return BeautifulSoup(index_page(findings=list(findings), **about), "html.parser")


def test_findings_stand_under_the_question_they_answer_in_its_order() -> None:
    soup = page(
        finding(id="lost", chapter="05_retention", statement="Half are gone.", question="losing"),
        finding(question="profit"),
    )
    questions = [heading.text for heading in soup.select("section.question h2")]
    assert questions == list(QUESTIONS.values())
    assert "Half are gone." in soup.select("section.question")[1].text


@pytest.mark.parametrize("question", [None, "weather"])
def test_a_finding_without_a_known_question_stands_with_its_chapter(question: str | None) -> None:
    soup = page(finding(question=question), finding(id="lost", question="losing"))
    assert [heading.text for heading in soup.select("section.question h2")] == ["Whom are we losing?"]
    (more,) = soup.select("nav details")
    assert more.select_one("summary").text == "1 more finding"  # type: ignore[union-attr]
    assert [item["id"] for item in more.select("li")] == ["finding-top"]


def test_key_accounts_lead_to_their_dossiers() -> None:
    soup = page(finding(), dossiers=[(HOSTILE, "dossier-1 a", ""), ("002", "dossier-002", HOSTILE)])
    links = soup.select("nav.dossiers a")
    assert [link["href"] for link in links] == ["chapters/dossier-1%20a.html", "chapters/dossier-002.html"]
    assert [link.text for link in links] == [HOSTILE, "002"]


def test_lists_are_led_to_with_how_many_they_hold() -> None:
    soup = page(finding(), lists=[("win back", "win_back.xlsx", "3 customers"), (HOSTILE, "by_manager/a b.xlsx", "")])
    assert [link["href"] for link in soup.select("nav.lists a")] == [
        "lists/win_back.xlsx",
        "lists/by_manager/a%20b.xlsx",
    ]
    assert soup.select_one("nav.lists li").text == "win back 3 customers"  # type: ignore[union-attr]


def test_nothing_that_calls_for_action_is_folded_away() -> None:
    soup = page(finding(verdict="act"), finding(id="lost", verdict="note"), finding(id="win", question="losing"))
    assert [heading.text for heading in soup.select("section.question h2")] == ["Whom are we losing?", MORE_TO_DO]
    assert [item["id"] for item in soup.select("section.question li")] == ["finding-win", "finding-top"]
    assert soup.select_one("nav summary").text == "1 more finding"  # type: ignore[union-attr]
    assert [item["id"] for item in soup.select("nav details li")] == ["finding-lost"]


def test_an_answer_begins_with_what_calls_for_action_and_ends_with_what_is_not_known() -> None:
    verdicts = ("unknown", "note", "act", "good", "watch")
    soup = page(*(finding(id=verdict, verdict=verdict, question="losing") for verdict in verdicts))
    assert [item["data-verdict"] for item in soup.select("section.question li")] == [
        *("act", "note", "good", "watch", "unknown")
    ]


def test_no_line_ends_between_a_currency_and_its_amount() -> None:
    (said,) = page(finding(statement="It cost USD 3,000 and RUB -5.", low=None)).select(".cb-finding > p:first-child")
    assert said.text == "It cost USD\u00a03,000 and RUB\u00a0-5."


def test_a_finding_leads_to_where_it_comes_from() -> None:
    links = [str(link["href"]) for link in page(finding()).select(".cb-findings a")]
    assert links == ["chapters/04_lifetime_value.html#finding-top"]


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        ("good", "Good"),
        ("watch", "Watch"),
        ("act", "Act"),
        ("note", "Note"),
        ("unknown", "Not known"),
        ("?", "Note"),
    ],
)
def test_a_verdict_is_a_word(verdict: str, word: str) -> None:
    assert [mark.text for mark in page(finding(verdict=verdict)).select(".cb-findings .cb-verdict")] == [word]


def test_what_cannot_be_said_comes_last() -> None:
    soup = page(finding(id="a", verdict="unknown"), finding(id="b"))
    assert [item["id"] for item in soup.select(".cb-findings > li")] == ["finding-b", "finding-a"]


def test_every_chapter_is_listed_with_and_without_findings() -> None:
    links = [str(link["href"]) for link in page(finding(question="profit")).select("nav a")]
    assert links == [f"chapters/{name}.html" for name, _, _ in CHAPTERS]


def test_a_run_without_findings_says_so() -> None:
    assert "states no findings" in page().text


def test_a_finding_of_no_chapter_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="09_gone"):
        page(finding(chapter="09_gone"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "80% interval 45.1 to 47.9%"),
        ({"interval": None}, "Between 45.1 and 47.9%"),
        ({"low": None}, ""),
        ({"high": float("nan")}, ""),
        ({"statement": "It is 46.5 % (80% interval 45.1 to 47.9)."}, ""),
        ({"statement": "It is 46.5 %, between 45 and 48."}, ""),
        (
            {"low": 168123.2, "high": 197410.9, "unit": "USD"},
            "80% interval USD\u00a0168,000 to 197,000",
        ),
        ({"low": 1441, "high": 1522, "unit": "customers"}, "80% interval 1,441 to 1,522\u00a0customers"),
        ({"low": -0.0123, "high": 0.0456, "unit": ""}, "80% interval −0.012 to 0.046"),
        ({"low": 0.451, "high": 0.479, "unit": "share of revenue"}, "80% interval 45.1 to 47.9%"),
        ({"low": 0.451, "high": 0.479, "unit": "share", "statement": "It is 45.1% to 47.9%."}, ""),
        ({"low": 0.712, "high": 0.854, "unit": "correlation"}, "80% interval 0.71 to 0.85"),
        ({"low": 168123.2, "high": 197410.9, "unit": "USD", "statement": "USD 168,000 to 197,000."}, ""),
        ({"low": 4482000, "high": 13155000, "unit": "USD", "statement": "USD 4,500,000 to 13,000,000."}, ""),
        ({"low": 2.0, "high": 2.0, "unit": ""}, "80% interval 2 to 2"),
    ],
)
def test_uncertainty_is_rounded_and_said_once(given: dict[str, Any], said: str) -> None:
    assert uncertainty(finding(**given)) == said


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [
        (1234567.8, 1, "1,234,567.8"),
        (9876, 0, "9,876"),
        (-12345, -2, "−12,300"),
        (-0.001, 2, "0.00"),
    ],
)
def test_numbers_are_grouped(number: float, decimals: int, text: str) -> None:
    assert grouped(number, decimals) == text


def test_everything_is_escaped() -> None:
    soup = page(
        finding(statement=HOSTILE, unit=HOSTILE),
        title=HOSTILE,
        run_line=HOSTILE,
        notes=[HOSTILE],
        parameters=[(HOSTILE, HOSTILE, HOSTILE)],
        chapters=[("04_lifetime_value", HOSTILE, HOSTILE)],
    )
    assert soup.select("script") == []
    assert soup.text.count(HOSTILE) > 10


def test_a_page_is_whole_and_loads_nothing() -> None:
    soup = page(finding())
    assert soup.select_one("meta[http-equiv=Content-Security-Policy]") is not None
    assert soup.html is not None
    assert soup.html["lang"] == "en"
    assert [h1.text for h1 in soup.select("h1")] == ["Our customers"]
    assert soup.select("script, link") == []
    assert not re.search(r"""(?:src|href)=["']https?://""", str(soup))
    assert len(str(soup).encode()) < 40_000


def test_a_warning_stands_before_the_findings():
    page = index_page(
        title="T",
        run_line="",
        findings=[],
        questions=QUESTIONS,
        chapters=[("02_a", "A", "Why?")],
        notes=[],
        parameters=[],
        warning="This run <failed>",
    )
    assert "This run &lt;failed&gt;" in page
    assert page.index("This run &lt;failed&gt;") < page.index("02_a.html")
