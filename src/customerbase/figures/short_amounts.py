"""Amounts on an axis, in few letters."""

from __future__ import annotations

from typing import Any


def short_amount(value: float, _: Any = None) -> str:
    """Return an amount on an axis in few letters."""
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.4g}{letter}".replace("-", "−")
    return f"{value:,.4g}".replace("-", "−")
