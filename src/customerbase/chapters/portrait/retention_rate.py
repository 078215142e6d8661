"""The customer retention rate (CRR) of `02_portrait`, beside the one that practice holds up as good."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl

from models.retention_between import Period, retention_between, whole_periods

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, count, if_known, number, percent, plural
from ..first_line import first_line
from ..left_cut import new_customers
from .ladder import YEAR

TOYOTA = 70  # per cent of its customers that practice says it keeps
MOSTLY = 0.9  # of those active, from which a rate is that of newly won customers
LAST_YEAR = "last 365 days"
PERIODS: tuple[Period, ...] = ("month", "quarter", "year")
#: How many of a kind make a year; a month is too short to tell of one.
A_YEAR = {"quarter": 4, "year": 1, LAST_YEAR: 1}


@says_why_not
def retention(chapter: Chapter) -> pd.DataFrame:
    """Return the retention rate of each whole month, quarter and year, and of the last 365 days.

    Periods that begin `active_days` after the ledger does, or sooner, are left out.

    Returns
    -------
    pandas.DataFrame
        kind ("month", "quarter", "year", "last 365 days"), period, start, end, customers_start, customers_new,
        customers_end, kept and crr as `models.retention_between.retention_between` has them, and crr_a_year: what the
        rate comes to in a year if every period is like this one. A rate above 100, where more came back than were
        lost, comes to 100; of a month, in which the few who come back weigh most, nothing is said (NaN). newly_won:
        share of `customers_start` who first bought in the `active_days` before.
    """
    active_days, first_day = chapter.parameters.active_days, first_line(chapter)
    parts = [whole_periods(first_day, chapter.as_of, period).assign(kind=period) for period in PERIODS]
    last_year = {"period": f"to {chapter.as_of}", "start": pd.Timestamp(chapter.as_of - YEAR + dt.timedelta(days=1))}
    parts.append(pd.DataFrame([last_year | {"end": pd.Timestamp(chapter.as_of), "kind": LAST_YEAR}]))
    periods = pd.concat(parts, ignore_index=True)
    # before then nobody can have been lost, since no purchase is so old
    periods = periods[periods["start"] > pd.Timestamp(first_day) + pd.Timedelta(days=active_days)]
    spans = list(zip(periods["start"].dt.date, periods["end"].dt.date, strict=True))
    found = retention_between(chapter.purchases, spans, active_days=active_days)
    first = new_customers(chapter)["first"].cast(pl.Date)
    won = [first.is_between(start - dt.timedelta(days=active_days), start, closed="left").sum() for start, _ in spans]
    found["newly_won"] = pd.Series(won, dtype=float) / found["customers_start"]
    rates = pd.concat([periods.reset_index(drop=True), found], axis=1)
    rates = rates[rates["crr"].notna()].reset_index(drop=True)
    if rates.empty:
        raise CannotSay(
            f"A retention rate needs a whole month that begins with active customers, {plural(active_days, 'day')} or "
            "more after the ledger does."
        )
    a_year = 100 * (rates["crr"].clip(upper=100) / 100) ** rates["kind"].map(A_YEAR)
    # a whole year's rate is what it is
    return rates.assign(crr_a_year=a_year.mask(rates["kind"].map(A_YEAR) == 1, rates["crr"]))


def latest_rates(rates: pd.DataFrame) -> pd.DataFrame:
    """Return the latest period of each kind, the longest last; where a year ends today it stands for the last one."""
    latest = rates.groupby("kind", sort=False).tail(1)
    year_ends = latest.loc[latest["kind"] == "year", "end"]
    return latest[(latest["kind"] != LAST_YEAR) | ~latest["end"].isin(year_ends)].reset_index(drop=True)


def retention_table(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the latest month, quarter and year beside the reference.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(rates, Unsaid):
        return None
    given = chapter.parameters
    frame = latest_rates(rates)
    frame["label"] = frame["kind"] + " " + frame["period"]
    frame["against"] = frame["crr_a_year"] - 100 * given.reference_retention
    columns: Columns = {
        "label": ("period", str),
        "customers_start": ("active at the start (S)", count),
        "customers_new": ("new (N)", count),
        "customers_end": ("active at the end (E)", count),
        "crr": ("CRR (%)", number),
        "crr_a_year": ("a year at this rate (%)", if_known(number, DASH)),
        "against": (f"points above {percent(given.reference_retention)}", _signed),
    }
    caption = f"CRR = (E − N) / S × 100, the latest whole periods; active: bought in the last {given.active_days} days"
    return show_table(frame, caption, columns)


def state_findings(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> None:
    """State the retention rate of the longest period there is, and how it stands to the reference."""
    if isinstance(rates, Unsaid):
        chapter.state("crr", rates.reason, verdict="unknown")
        return
    reference = 100 * chapter.parameters.reference_retention
    row = latest_rates(rates).iloc[-1]
    a_year = row["crr_a_year"]
    if row["kind"] == "month":
        statement = (
            f"The customer retention rate of the month {row['period']} is {row['crr']:.0f}%; a month is too short to "
            f"be held against the {reference:.0f}% a year taken as reference."
        )
        chapter.state("crr", statement, verdict="unknown")
        return
    yearly = row["kind"] in ("year", LAST_YEAR)
    when = f"the {LAST_YEAR}" if row["kind"] == LAST_YEAR else f"the {row['kind']} {row['period']}"
    quoted = f"the {reference:.0f}% a year taken as reference"
    quoted += ", which practice quotes of Toyota" if reference == TOYOTA else ""
    if row["newly_won"] >= MOSTLY:
        statement = (
            f"The customer retention rate of {when} is {row['crr']:.0f}%; but of the {count(row['customers_start'])} "
            f"customers active at its start {percent(row['newly_won'])} had first bought in the "
            f"{plural(chapter.parameters.active_days, 'day')} before. So it tells how many newly won stay, "
            f"and isn't to be held against {quoted}."
        )
        chapter.state("crr", statement, value=a_year, unit="%", verdict="note")
        return
    lost = row["customers_start"] - row["kept"]
    returned = row["customers_end"] - row["customers_new"] - row["kept"]
    if row["crr"] >= 100 and lost:
        statement = (
            f"The customer retention rate of {when} is {row['crr']:.0f}%, since {count(lost)} fell silent and "
            f"{count(returned)} who had been silent came back: it doesn't tell how many stay, and isn't to be held "
            f"against {quoted}."
        )
        chapter.state("crr", statement, value=a_year, unit="%", verdict="note")
        return
    rate = f"{row['crr']:.0f}%" + ("" if yearly else f", which comes to {a_year:.0f}% in a year")
    verdict: Verdict = "good" if a_year >= reference else "watch" if a_year >= reference / 2 else "act"
    chapter.state(
        "crr",
        f"The customer retention rate of {when} is {rate}, {'at least' if a_year >= reference else 'below'} {quoted}.",
        value=a_year,
        unit="%",
        verdict=verdict,
    )


def _signed(points: float) -> str:
    return DASH if pd.isna(points) else f"{points:+.0f}"
