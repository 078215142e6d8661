"""Steps of a section whose first step has said why it can't be told: once is enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .unsaid import Unsaid

P = ParamSpec("P")
R = TypeVar("R")


def nothing_without(step: Callable[P, R]) -> Callable[P, Any]:
    """Let a chapter's step return None, which shows nothing, where it is given an `Unsaid`.

    For a step that stands below another one in its section, which is given the same `Unsaid` and shows it.
    """

    @wraps(step)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        if any(isinstance(given, Unsaid) for given in (*args, *kwargs.values())):
            return None
        return step(*args, **kwargs)

    return wrapped
