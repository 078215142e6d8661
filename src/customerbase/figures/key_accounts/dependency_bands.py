"""The levels of dependency as shaded bands behind shares of revenue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from models.key_accounts import LEVELS

from ..style import ORANGE

SHADES = (0.10, 0.20, 0.32, 0.46)  # of the bands, from watch to critical
BEYOND = 1.15  # how far past the last limit, or the largest value, an axis reaches


def draw_bands(span: Callable[..., Any], limits: Sequence[float], reach: float) -> None:
    """Shade the levels up to `reach` with `axvspan` or `axhspan`, the more dangerous the darker."""
    ends = [*limits[1:], max(1.0, reach)]
    for low, high, shade in zip(limits, ends, SHADES, strict=True):
        if low < reach:
            span(low, high, color=ORANGE, alpha=shade, linewidth=0, zorder=0)


def visible_levels(limits: Sequence[float], reach: float) -> list[tuple[float, str]]:
    """Return where the levels that show on an axis up to `reach` begin, each with its name."""
    return [(limit, name) for limit, name in zip(limits, LEVELS[1:], strict=True) if limit < 0.97 * reach]
