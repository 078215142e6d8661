"""Cohorts in `02_portrait`, which lenses 3 to 5 follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import polars as pl

from models.cohorts import Unit, cohort_activity, cohort_unit, outside_cohorts

from ...chapter import Chapter
from .lens_periods import first_purchase_day


@dataclass(frozen=True)
class Cohorts:
    """What lenses 3 to 5 see.

    Attributes
    ----------
    unit : {"month", "quarter", "year"}
        By which customers are put into cohorts and followed.
    activity, outside : pandas.DataFrame
        See `models.cohorts.cohort_activity` and `outside_cohorts`.
    """

    unit: Unit
    activity: pd.DataFrame
    outside: pd.DataFrame

    @property
    def names(self) -> dict[Any, str]:
        """Of the cohorts, by their first days."""
        return {start: cohort_name(start, self.unit) for start in self.activity["cohort"].unique()}


def cohorts(chapter: Chapter, days: pl.DataFrame) -> Cohorts:
    """Put customers into cohorts by their first purchase, in units that fit the ledger's length, and follow them."""
    unit = cohort_unit(first_purchase_day(days), chapter.as_of)
    return Cohorts(unit, cohort_activity(days, chapter.as_of, unit), outside_cohorts(days, unit))


def cohort_name(start: pd.Timestamp, unit: Unit) -> str:
    """Return a cohort's name: 1997-02, 2024 Q3 or 2024."""
    if unit == "month":
        return f"{start:%Y-%m}"
    return f"{start.year} Q{start.quarter}" if unit == "quarter" else f"{start.year}"
