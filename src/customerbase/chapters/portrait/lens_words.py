"""What lenses 1 and 2 say in the same words: means beside their medians, and a period's factors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.profit_factors import Split

from ...chapter import Chapter
from ...wording import DASH, NOT_RECORDED, count, if_known, money, number, percent

MEASURES = {
    "purchases": "purchases a customer",
    "value": "a customer's value of a purchase",
    "revenue": "revenue a customer",
    "profit": "profit a customer",
}


def in_words(chapter: Chapter, described: pd.DataFrame) -> pd.DataFrame:
    """Put what `models.customer_base_audit.describe` found in words, shares left as they are."""
    frame = described.copy()
    is_money = frame["measure"] != "purchases"
    for name in ("tenth", "median", "mean", "ninetieth"):
        worded = zip(is_money, frame[name], strict=True)
        frame[name] = [money(value, chapter.parameters.currency) if m else number(value) for m, value in worded]
    frame["measure"] = frame["measure"].map(MEASURES)
    return frame


def factors_in_words(chapter: Chapter, split: Split) -> dict[str, str]:
    """Put a period's factors and their products in words."""
    currency = chapter.parameters.currency
    return {
        "customers": count(split.customers),
        "purchases a customer": if_known(number, DASH)(split.purchases_each),
        "value of a purchase": money(split.value, currency) if split.customers else DASH,
        "revenue": money(split.revenue, currency) if split.customers else DASH,
        "margin": percent(split.margin, 1) if np.isfinite(split.margin) else NOT_RECORDED,
        "profit": money(split.profit, currency) if np.isfinite(split.margin) else NOT_RECORDED,
    }
