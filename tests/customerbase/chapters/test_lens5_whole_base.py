"""Lens 5 of `02_portrait` on bases whose truth is known."""

from __future__ import annotations

import pytest

from customerbase.chapters.portrait import cohorts, lens1_one_period, lens5_whole_base, lenses
from tests.portrait_base import TWO_YEARS


def test_the_cohorts_add_up_to_the_ledger(portrait_of):
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30", margin=0.5)
    days = lenses.customer_days(chapter)
    one = lens1_one_period.one_period(chapter, days)
    bases = lens5_whole_base.by_cohort(one, days, cohorts.cohorts(chapter, days))
    assert bases["revenue"].sum() == pytest.approx(chapter.ledger["amount"].sum())
    assert bases["revenue_latest"].sum() == pytest.approx(839)
    assert bases["customers"].sum() == 4
