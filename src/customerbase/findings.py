"""Findings: the sentences a chapter ends with, each with its number and how sure it is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from .wording import unbroken

Verdict = Literal["good", "watch", "act", "note", "unknown"]
Question = Literal["who", "profit", "losing", "dependency", "decisions", "trust"]

#: What a manager asks, in the order of the findings page.
QUESTIONS: dict[Question, str] = {
    "who": "Who are our customers?",
    "profit": "Who brings the most profit, and why?",
    "losing": "Whom are we losing, and what does it cost?",
    "dependency": "On whom do we depend?",
    "decisions": "Whom to develop, whom to let go?",
    "trust": "How far can these numbers be trusted?",
}


@dataclass(frozen=True)
class Finding:
    """One sentence of a chapter's findings.

    Attributes
    ----------
    id : str
        Names the finding within the suite, and its anchor on the page.
    chapter : str
        The notebook that states it.
    statement : str
        The sentence, with its number.
    value, low, high : float or None
        The number and its interval; None where there is none.
    unit : str
        Of `value`: ``share``, ``customers``, ``USD``, ...
    verdict : {"good", "watch", "act", "note", "unknown"}
        What a manager should think of it. ``unknown``: this base can't show it.
    interval : float or None
        Coverage of the interval from `low` to `high`.
    question : str or None
        The one of `QUESTIONS` that it helps to answer on the findings page; None, it stands in its chapter only.
    """

    id: str
    chapter: str
    statement: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    verdict: Verdict = "note"
    interval: float | None = None
    question: Question | None = None


@dataclass(frozen=True)
class Findings:
    """A chapter's findings, shown as a list."""

    findings: tuple[Finding, ...]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        items = (
            f'<li id="finding-{escape(f.id)}" data-verdict="{f.verdict}">{escape(unbroken(f.statement))}</li>'
            for f in self.findings
        )
        plain = "\n".join(f"- {f.statement}" for f in self.findings)
        return {"text/plain": plain, "text/html": f'<ul class="cb-findings">{"".join(items)}</ul>'}


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write findings as JSON; a number that is missing or infinite becomes null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{key: _plain(value) for key, value in asdict(finding).items()} for finding in findings]
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_findings(path: Path) -> list[Finding]:
    """Read findings back."""
    return [Finding(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _plain(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None
