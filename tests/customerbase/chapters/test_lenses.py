"""What all lenses of `02_portrait` start from."""

from __future__ import annotations

import polars as pl
import pytest

from customerbase.chapters.portrait import lenses
from tests.portrait_base import TWO_YEARS


def test_days_with_nothing_but_a_return_are_no_purchases(portrait_of):
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30")
    days = lenses.customer_days(chapter)
    assert days.filter(pl.col("purchase") == 0)["customer"].to_list() == ["c", "c"]
    assert days["revenue"].sum() == pytest.approx(chapter.ledger["amount"].sum())
