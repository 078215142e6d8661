"""Findings: sentences with their numbers, kept as JSON that any reader takes."""

import json

import numpy as np
import pytest
from bs4 import BeautifulSoup

from customerbase.findings import Finding, Findings, read_findings, write_findings

FULL = Finding(
    "top_decile",
    "04_lifetime_value",
    "Каждый десятый brings 46% “of all” revenue.",
    value=0.46,
    low=0.45,
    high=0.48,
    unit="share",
    verdict="watch",
    interval=0.8,
)


def strictly_parsed(path):
    """Parse JSON as everything but Python does: NaN and Infinity are no JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_a_finding_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "findings" / "04.json"
    write_findings(path, [FULL, Finding("plain", "04", "Just a sentence.")])
    assert read_findings(path) == [FULL, Finding("plain", "04", "Just a sentence.")]


def test_every_finding_has_every_key(tmp_path):
    write_findings(tmp_path / "f.json", [Finding("plain", "04", "Just a sentence.")])
    assert strictly_parsed(tmp_path / "f.json") == [
        {
            "id": "plain",
            "chapter": "04",
            "statement": "Just a sentence.",
            "value": None,
            "low": None,
            "high": None,
            "unit": "",
            "verdict": "note",
            "interval": None,
            "question": None,
        }
    ]


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, np.float64("nan"), np.float32("inf"), None])
def test_a_number_that_is_missing_or_infinite_becomes_null(tmp_path, missing):
    write_findings(tmp_path / "f.json", [Finding("f", "04", "s", value=missing, low=1.0, high=missing)])
    (row,) = strictly_parsed(tmp_path / "f.json")
    assert (row["value"], row["low"], row["high"]) == (None, 1.0, None)


@pytest.mark.parametrize("number", [3, np.int64(3), np.float32(3.0), np.float64(3.0)])
def test_numbers_of_any_kind_are_written_as_numbers(tmp_path, number):
    write_findings(tmp_path / "f.json", [Finding("f", "04", "s", value=number)])
    assert strictly_parsed(tmp_path / "f.json")[0]["value"] == 3.0


def test_no_findings_are_an_empty_list(tmp_path):
    write_findings(tmp_path / "f.json", [])
    assert strictly_parsed(tmp_path / "f.json") == []


def test_findings_show_as_a_list_with_an_anchor_and_a_verdict_each():
    soup = BeautifulSoup(Findings((FULL,))._repr_mimebundle_()["text/html"], "html.parser")
    (item,) = soup.select("ul.cb-findings > li")
    assert (item["id"], item["data-verdict"], item.text) == ("finding-top_decile", "watch", FULL.statement)


def test_a_hostile_statement_or_id_stays_text():
    hostile = "\"'><script>alert(1)</script>"
    soup = BeautifulSoup(Findings((Finding(hostile, "04", hostile),))._repr_mimebundle_()["text/html"], "html.parser")
    (item,) = soup.select("li")
    assert soup.script is None
    assert (item["id"], item.text) == (f"finding-{hostile}", hostile)


def test_findings_show_in_plain_text_one_a_line():
    shown = Findings((FULL, Finding("b", "04", "Second.")))._repr_mimebundle_()["text/plain"]
    assert shown == f"- {FULL.statement}\n- Second."
