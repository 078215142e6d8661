"""Concentration of revenue over time, in `07_key_accounts`."""

from __future__ import annotations

import pandas as pd

from models.concentration import concentration_by_period

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, count, if_known, key, number, tenths

QUARTERS_SHOWN = 16  # of a longer ledger years are followed


@says_why_not
def over_time(chapter: Chapter) -> pd.DataFrame:
    """Return concentration by quarter, of a long ledger by year; see `concentration_by_period`.

    Returns
    -------
    pandas.DataFrame
        With label, the period in words; attrs["period"] is ``quarter`` or ``year``.
    """
    lines = chapter.ledger.select("customer", "date", "amount")
    period = "quarter"
    found = concentration_by_period(lines, period, chapter.as_of)
    if found.height > QUARTERS_SHOWN:
        period = "year"
        found = concentration_by_period(lines, period, chapter.as_of)
    if not (found["largest_share"].is_not_null() & found["complete"]).any():
        raise CannotSay(f"Concentration is followed by {period}, and no whole {period} with revenue has passed yet.")
    frame = found.to_pandas()
    starts = pd.DatetimeIndex(frame["period"])
    frame["label"] = starts.strftime("%Y") if period == "year" else [f"{d.year} Q{d.quarter}" for d in starts]
    frame.attrs["period"] = period
    return frame


def over_time_table(chapter: Chapter, periods: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show concentration by period, the newest first.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(periods, Unsaid):
        return None
    shown = periods.iloc[::-1].reset_index(drop=True)
    shown["label"] = shown["label"] + shown["complete"].map({True: "", False: " (in part)"})
    shown["equal"] = 1 / shown["herfindahl"]
    columns: Columns = {
        "label": (periods.attrs["period"], str),
        "customers": ("customers", count),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "largest": ("the largest", if_known(key, NOT_RECORDED)),
        "largest_share": ("its share", tenths),
        "three_largest_share": ("share of the three largest", tenths),
        "gini": ("Gini", number),
        "herfindahl": ("Herfindahl", number),
        "equal": ("as among equals", count),
    }
    return show_table(shown, f"Concentration of revenue by {periods.attrs['period']}", columns)
