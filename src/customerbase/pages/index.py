"""The first page of a run: its findings in sentences, and the way into every chapter."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, TypeGuard

from customerbase.pages.layout import VERDICTS, chapter_number, environment, shared_context
from customerbase.wording import unbroken

_CURRENCY = re.compile(r"[A-Z]{3}")
# Units that say what the number is, which the statement does already.
_UNSAID_UNITS = frozenset({"correlation", "ratio", "probability", "index"})
_PLACES = {"act": 0, "unknown": 2}
MORE_TO_DO = "What else is to be done?"
_NUMBER = re.compile(r"[-−]?\d[\d,\u00a0\u2009\u202f]*(?:\.\d+)?")


def index_page(
    *,
    title: str,
    run_line: str,
    findings: list[dict[str, Any]],
    questions: Mapping[Any, str],
    chapters: list[tuple[str, str, str]],
    notes: list[str],
    parameters: list[tuple[str, str, str]],
    dossiers: Sequence[tuple[str, str, str]] = (),
    lists: Sequence[tuple[str, str, str]] = (),
    warning: str = "",
) -> str:
    """Return the index of a run.

    Parameters
    ----------
    title : str
        What the page is called.
    run_line : str
        What was run, in a few words: the base and the last day observed.
    findings : list of dict
        Each with ``id``, ``chapter``, ``statement``, ``low``, ``high``, ``unit``, ``verdict`` and perhaps
        ``interval``, the coverage of low to high, and ``question``, which it helps to answer.
    questions : mapping
        What a manager asks, in order, by the names that findings call it.
    chapters : list of (str, str, str)
        Name, title and question of every chapter of the run, in reading order.
    notes : list of str
        Sentences about this run.
    parameters : list of (str, str, str)
        Name, value and comment of each parameter of the run.
    dossiers : sequence of (str, str, str)
        Customers who have a page of their own, each with its file's name without the ending and a few words.
    lists : sequence of (str, str, str)
        Lists to take away: what each is called, where it lies in the folder ``lists``, and a few words.
    warning : str
        What a reader must know before the findings; empty, nothing.

    Returns
    -------
    str
        A whole HTML document that needs no other file, no script and no network.

    Raises
    ------
    ValueError
        When a finding names a chapter that isn't among the chapters.
    """
    titles = {name: title for name, title, _ in chapters}
    lost = {finding["chapter"] for finding in findings} - titles.keys()
    if lost:
        raise ValueError(f"These findings belong to no chapter of the run: {', '.join(sorted(lost))}.")
    stated = [
        {
            **finding,
            "verdict": _verdict(finding),
            "statement": unbroken(finding["statement"]),
            "uncertainty": uncertainty(finding),
            "chapter_title": titles[finding["chapter"]],
            "question": finding.get("question") if finding.get("question") in questions else None,
        }
        for finding in findings
    ]
    # What calls for action comes first, and what can't be said last: it's quiet, and would hide what can.
    stated.sort(key=lambda finding: _PLACES.get(finding["verdict"], 1))
    answers = [
        {"question": text, "findings": [finding for finding in stated if finding["question"] == name]}
        for name, text in questions.items()
    ]
    answers.append({"question": MORE_TO_DO, "findings": [found for found in stated if _is_apart(found)]})
    sections = [
        {
            "name": name,
            "number": chapter_number(name),
            "title": title,
            "question": question or title,
            "findings": [
                finding
                for finding in stated
                if finding["chapter"] == name and not finding["question"] and not _is_apart(finding)
            ],
        }
        for name, title, question in chapters
    ]
    verdicts = [finding["verdict"] for finding in stated]
    html = (
        environment()
        .get_template("index.html.j2")
        .render(
            **shared_context(),
            title=title,
            run_line=run_line,
            answers=answers,
            sections=sections,
            dossiers=dossiers,
            lists=lists,
            tally=[(verdict, verdicts.count(verdict)) for verdict in VERDICTS if verdict in verdicts],
            notes=notes,
            warning=warning,
            parameters=parameters,
        )
    )
    return str(html)


def _is_apart(finding: dict[str, Any]) -> bool:
    """Tell whether a finding calls for action and answers none of the questions."""
    return finding["verdict"] == "act" and not finding["question"]


def _verdict(finding: dict[str, Any]) -> str:
    verdict = str(finding.get("verdict"))
    return verdict if verdict in VERDICTS else "note"


def uncertainty(finding: dict[str, Any]) -> str:
    """Say how sure a finding is.

    Parameters
    ----------
    finding : dict
        As `index_page` takes it.

    Returns
    -------
    str
        As in "80% interval 45.1 to 47.9%"; empty where there is no interval, or where the statement has it
        already.

    Examples
    --------
    >>> left = {"statement": "Half left.", "low": 0.4512, "high": 0.479, "unit": "share", "interval": 0.8}
    >>> uncertainty(left)
    '80% interval 45.1 to 47.9%'
    """
    low, high = finding.get("low"), finding.get("high")
    if not (_is_finite(low) and _is_finite(high)):
        return ""
    unit = str(finding.get("unit") or "")
    if unit == "share" or unit.startswith("share of "):
        low, high, unit = 100 * low, 100 * high, "%"
    if _says(finding["statement"], low) and _says(finding["statement"], high):
        return ""
    coverage = finding.get("interval")
    name, joint = (f"{coverage:.0%} interval", "to") if _is_finite(coverage) else ("Between", "and")
    decimals = _decimals(low, high)
    ends = f"{grouped(low, decimals)} {joint} {grouped(high, decimals)}"
    if _CURRENCY.fullmatch(unit):
        return f"{name} {unit}\u00a0{ends}"
    return f"{name} {ends}{_ending(unit)}"


def _ending(unit: str) -> str:
    if unit == "%" or not unit:
        return unit
    return "" if unit in _UNSAID_UNITS else f"\u00a0{unit}"


def grouped(number: float, decimals: int) -> str:
    """Return a number with its thousands separated and a true minus sign.

    Negative decimals round to tens, hundreds and so on.
    """
    # Minus zero is nothing a reader should wonder about.
    rounded = round(float(number), decimals) or 0.0
    return f"{rounded:,.{max(decimals, 0)}f}".replace("-", "−")


def _decimals(low: float, high: float) -> int:
    """Return to how many decimals an interval is worth giving: two digits of its width."""
    width = abs(high - low) or abs(high) or 1.0
    decimals = min(1 - math.floor(math.log10(width)), 4)
    whole = float(low).is_integer() and float(high).is_integer()
    return min(decimals, 0) if whole else decimals


def _says(statement: str, number: float) -> bool:
    """Tell whether a statement holds this number, at whatever precision it is written."""
    for token in _NUMBER.findall(statement):
        text = re.sub(r"[,\s]", "", token).replace("−", "-")
        decimals = len(text.partition(".")[2])
        zeros = 0 if decimals else len(text) - len(text.rstrip("0"))
        # a number that ends in noughts was rounded to them
        near_enough = min(0.5 * 10**zeros, 0.05 * abs(number)) if zeros > 1 else 1e-9
        if math.isclose(float(text), round(number, decimals), abs_tol=near_enough):
            return True
    return False


def _is_finite(number: Any) -> TypeGuard[float]:
    return isinstance(number, Real) and not isinstance(number, bool) and math.isfinite(number)
