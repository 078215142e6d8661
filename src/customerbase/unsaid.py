"""Answers that a base can't give: said in a sentence, never made up and never a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from html import escape
from typing import Any, ParamSpec, TypeVar

from .errors import CannotSay

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Unsaid:
    """Stands where a result would, and shows as the sentence that says why there is none."""

    reason: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.reason, "text/html": f'<p class="cb-note">{escape(self.reason)}</p>'}


def says_why_not(step: Callable[P, R]) -> Callable[P, Any]:
    """Let a chapter's step answer with an `Unsaid` where it can't answer.

    A step that raises `CannotSay` returns an `Unsaid` with its message. A step that is given an `Unsaid`
    returns that one, so a chapter's cells need no conditions: the first reason travels to every figure,
    table and finding that depends on it.
    """

    @wraps(step)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        for given in (*args, *kwargs.values()):
            if isinstance(given, Unsaid):
                return given
        try:
            return step(*args, **kwargs)
        except CannotSay as reason:
            return Unsaid(str(reason))

    return wrapped
