"""Lens 3 of `02_portrait` on bases whose truth is known."""

from __future__ import annotations

import pytest

from customerbase.chapters.portrait import cohorts, lens3_one_cohort, lenses
from tests.portrait_base import TWO_YEARS


def test_a_chosen_cohort_is_followed(portrait_of):
    # first bought in the third quarter of 2023: c alone, who never bought again and gave 11 back
    chapter = portrait_of(TWO_YEARS, as_of="2024-12-30", margin=0.5)
    days = lenses.customer_days(chapter)
    followed = cohorts.cohorts(chapter, days)
    alone = lens3_one_cohort.one_cohort(chapter, days, followed, "2023 Q3")
    assert alone["customers"].tolist() == [1, 0, 0, 0, 0]
    assert alone["total_mean"].tolist() == pytest.approx([50, 50, 50, 50, 50])
    assert "choose one of 2023 Q1" in lens3_one_cohort.one_cohort(chapter, days, followed, "2022 Q1").reason


def test_a_ledger_that_begins_with_old_customers_follows_another_cohort(portrait_of):
    rows = [("old", month, 60) for month in range(1, 13)] + [("new", month, 10) for month in range(2, 13)]
    lines = [
        f"{kind}{month if kind == 'new' else ''}{place},2024-{month:02d}-{1 + place % 28:02d},sale,{5 + place}"
        for kind, month, number in rows
        for place in range(number)
    ]
    chapter = portrait_of("\n".join(lines))
    days = lenses.customer_days(chapter)
    alone = lens3_one_cohort.one_cohort(chapter, days, cohorts.cohorts(chapter, days))
    assert alone["cohort"].iloc[0].month == 2
    assert alone["size"].iloc[0] == 10
