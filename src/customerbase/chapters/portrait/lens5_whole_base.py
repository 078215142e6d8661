"""Lens 5 in `02_portrait`: the whole base by cohort over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from models.lens5_whole_base import base_by_cohort

from ...chapter import Chapter
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import says_why_not
from ...wording import DASH, count, if_known, percent
from .cohorts import Cohorts, cohort_name
from .lens1_one_period import OnePeriod
from .lens_periods import span

NO_COHORT = "none (returned in full)"


@says_why_not
def by_cohort(one: OnePeriod, days: pl.DataFrame, followed: Cohorts) -> pd.DataFrame:
    """Return what each cohort has brought and still brings; see `models.lens5_whole_base.base_by_cohort`."""
    return base_by_cohort(days, one.period, followed.unit)


@says_why_not
def by_cohort_table(chapter: Chapter, one: OnePeriod, bases: pd.DataFrame, followed: Cohorts) -> ShownTable:
    """Show what each cohort has brought and still brings."""
    names = [NO_COHORT if pd.isna(start) else cohort_name(start, followed.unit) for start in bases["cohort"]]
    total = bases.sum(numeric_only=True, skipna=False).to_frame().T.assign(name="altogether")
    frame = pd.concat([bases.assign(name=names), total], ignore_index=True)
    for measure in ("revenue", "revenue_latest"):
        whole = bases[measure].sum()
        frame[f"share_{measure}"] = frame[measure] / whole if whole > 0 else np.nan
    currency = chapter.parameters.currency
    columns: Columns = {
        "name": ("first bought in", str),
        "customers": ("customers", count),
        "active": ("still buying", count),
        "revenue": (f"revenue since then ({currency})", count),
        "share_revenue": ("share", if_known(percent, DASH)),
        "revenue_latest": (f"revenue lately ({currency})", count),
        "share_revenue_latest": ("share", if_known(percent, DASH)),
        **({"profit": (f"profit since then ({currency})", count)} if frame["profit"].notna().all() else {}),
    }
    return show_table(frame, f"The whole base by cohort; lately: {span(one.period)}", columns)
