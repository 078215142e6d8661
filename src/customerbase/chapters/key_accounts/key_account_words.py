"""What several steps of `07_key_accounts` say in the same words."""

from __future__ import annotations

from ...chapter import Chapter
from ...wording import plural
from ..profit import profit_known

SHOWN = 20  # rows of a table


def value_in_words(chapter: Chapter) -> str:
    """Return what lifetime value is of on this base."""
    return "profit" if profit_known(chapter) else "revenue"


def other_spellings(number: int) -> str:
    """Return how many spellings were taken for another, in brackets; nothing where none was."""
    return f" ({plural(number, 'other spelling')} taken together)" if number else ""
