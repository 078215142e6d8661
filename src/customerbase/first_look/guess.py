"""A guess at what a column means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """What a column is taken for.

    Attributes
    ----------
    meaning : str
        The contract's name.
    column : str or None
        The table's name; None where nothing can be it.
    evidence : str
        Why, in short clauses set apart by semicolons.
    others : tuple of str
        Columns that it could be instead.
    """

    meaning: str
    column: str | None
    evidence: str
    others: tuple[str, ...] = ()


def with_article(noun: str) -> str:
    """Return a noun with a or an."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
