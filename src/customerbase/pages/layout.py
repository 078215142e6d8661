"""What both kinds of page share: the folder of templates, the stylesheet, the words for a verdict."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"

# Nothing may be fetched and nothing may run: a page is read offline, and it shows data strangers typed.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)

VERDICTS = {
    "act": "Act",
    "watch": "Watch",
    "good": "Good",
    "note": "Note",
    "unknown": "Not known",
}


@cache
def stylesheet() -> str:
    """Return the one stylesheet of all pages."""
    return (HERE / "style.css").read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """Return the template environment of the pages that are no notebook."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def shared_context() -> dict[str, Any]:
    """Return what every template needs."""
    return {"css": stylesheet(), "policy": CONTENT_SECURITY_POLICY, "verdicts": VERDICTS}


def chapter_number(name: str) -> int | None:
    """Return the number in front of a chapter's name, None when it has none.

    Examples
    --------
    >>> chapter_number("04_lifetime_value")
    4
    >>> chapter_number("dossier") is None
    True
    """
    head = name.split("_", 1)[0]
    return int(head) if head.isdecimal() else None
