"""Lens 3 in `02_portrait`: how one cohort evolves."""

from __future__ import annotations

import pandas as pd
import polars as pl

from models.lens3_one_cohort import follow_cohort

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import says_why_not
from ...wording import DASH, count, if_known, number, percent, plural
from .cohorts import Cohorts, cohort_name

BEGAN_WITH = 2  # a first cohort that many times as large as any other holds customers won before the ledger begins


@says_why_not
def one_cohort(chapter: Chapter, days: pl.DataFrame, followed: Cohorts, cohort: str | None = None) -> pd.DataFrame:
    """Follow one cohort; see `models.lens3_one_cohort.follow_cohort`.

    Parameters
    ----------
    chapter : Chapter
    days : polars.DataFrame
        See `customerbase.chapters.portrait.lenses.customer_days`.
    followed : Cohorts
    cohort : str, optional
        Its name as tables show it: ``1997-02``, ``2024 Q3`` or ``2024``. By default the largest of those watched for at
        least half of the ledger; the ledger's first one only where it isn't much larger than all others, since that
        tells that it holds customers won before the ledger begins.
    """
    seen = followed.activity[followed.activity["complete"]]
    ages = seen.groupby("cohort")["age"].max()
    unit = followed.unit
    if cohort is not None:
        chosen = {name: start for start, name in followed.names.items() if start in ages.index}
        if cohort not in chosen:
            raise CannotSay(f"No cohort {cohort} can be followed here; choose one of {', '.join(chosen)}.")
        return follow_cohort(days, followed.activity, chosen[cohort], unit)
    long_enough = ages.index[(ages >= 1) & (ages >= ages.max() / 2)] if len(ages) else ages.index
    if long_enough.empty:
        raise CannotSay(f"A cohort can be followed once a whole {unit} has passed after the one it was won in.")
    sizes = followed.activity.groupby("cohort")["size"].first()
    candidates = sizes.loc[long_enough]
    others = candidates.drop(sizes.index[0], errors="ignore")
    if sizes.index[0] in candidates.index and len(others) and sizes.iloc[0] > BEGAN_WITH * sizes.iloc[1:].max():
        candidates = others
    return follow_cohort(days, followed.activity, candidates.idxmax(), unit)


@says_why_not
def one_cohort_table(chapter: Chapter, alone: pd.DataFrame, followed: Cohorts) -> ShownTable:
    """Show one cohort at chosen ages."""
    ages = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 36, alone["age"].iloc[-1]]
    frame = alone[alone["age"].isin(ages)].reset_index(drop=True)
    currency = chapter.parameters.currency
    columns: Columns = {
        "age": (f"{followed.unit}s after the first purchase", count),
        "customers": ("bought", count),
        "share_active": ("of the cohort", _percent_of_few),
        "revenue_each": (f"revenue of each who bought, mean ({currency})", if_known(number, DASH)),
        "revenue_median": ("median", if_known(number, DASH)),
        "revenue_below_mean": ("below the mean", if_known(percent, DASH)),
        "total_mean": (f"revenue so far of everybody won, mean ({currency})", number),
        "total_median": ("median", number),
        "total_below_mean": ("below the mean", percent),
    }
    start, size = alone["cohort"].iloc[0], alone["size"].iloc[0]
    caption = f"{plural(size, 'customer')} won in {cohort_name(start, followed.unit)}, by age"
    return show_table(frame, caption, columns)


def _percent_of_few(share: float) -> str:
    """Return a share with a decimal where it is small."""
    return percent(share, 1 if share < 0.1 else 0)
