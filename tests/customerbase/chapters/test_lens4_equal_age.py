"""Lens 4 of `02_portrait` on bases whose truth is known."""

from __future__ import annotations

import re

from customerbase.chapters.portrait import cohorts, lens4_equal_age, lenses
from tests.portrait_base import words


def test_profit_by_cohort_is_shown_where_costs_are_recorded(portrait_of):
    rows = "\n".join(
        f"c{month:02d}{place},2024-{month:02d}-05,{10 * place},{4 * place}"
        for month in range(1, 9)
        for place in (1, 2, 6)
    )
    table = {}
    for header in ("customer,date,amount,cost", "customer,date,amount,quantity"):
        chapter = portrait_of(rows, header=header, margin=0.3)
        days = lenses.customer_days(chapter)
        table[header] = lens4_equal_age.equal_age_profit_table(
            chapter, lens4_equal_age.equal_age(chapter, days, cohorts.cohorts(chapter, days))
        )
    with_costs, without = table.values()
    # each month three customers leave 6, 12 and 36: mean 18, median 12, two of three below
    assert re.search(r"2024-01 +3 +18\.0 +12\.0 +67% +60%", words([with_costs]))
    assert without is None
