"""Picking one of several, seeded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Option = TypeVar("Option")


def pick(random: np.random.Generator, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
    """Return one of the options, each as likely as the others or by its weight."""
    if weights is None:
        return options[int(random.integers(len(options)))]
    shares = np.asarray(weights, dtype=float)
    return options[int(random.choice(len(options), p=shares / shares.sum()))]
