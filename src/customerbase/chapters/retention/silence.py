"""Steps of `05_retention`: from which silence on a customer is missing."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import polars as pl

from models.hazard import LifeTable, life_table

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, listed, percent, plural
from ..left_cut import left_cut
from .waits import FEWEST_WATCHED, Stage, Waits

LONG_ENOUGH = 3  # times the usual wait, for a stage to be watched until most of those who come back are back
FEWEST_DRAWN = 50  # silent customers from which on a chance is more than noise
NEARLY_ALL = 0.9  # who come back even after a silence, so that it is no alarm
WINDOWS = (7, 28, 91, 364)  # whole weeks, so that no weekday counts twice


@dataclass(frozen=True)
class Silence:
    """When silence becomes alarming.

    Attributes
    ----------
    window : int
        How many days ahead a chance to buy looks.
    chances : dict of str to pandas.DataFrame
        For each stage (in words) the chance to buy within the window, by days of silence; see
        `models.hazard.LifeTable.chance_to_return`.
    stages : pandas.DataFrame
        One row a stage: after, customers (who have been in it), usual (median wait of those who came back), day, low,
        high, reach, still, still_low, still_high (see `models.hazard.AlarmingSilence`), rare (day from which fewer than
        `alive_limit` come back, missing where more always do, 0 where fewer do from the first day on), alarm (`rare`
        where that is earlier than `day`, and some day; else `day`), waiting (customers who are in it today), silent
        (those of them who have been silent for `alarm` days or more).
    """

    window: int
    chances: dict[str, pd.DataFrame]
    stages: pd.DataFrame


@says_why_not
def silence(chapter: Chapter, waits: Waits) -> Silence:
    """Find from which day on silence is alarming, by how many purchases a customer has made."""
    given = chapter.parameters
    tables = {
        stage: (rows, life_table(rows, seed=given.seed))
        for stage, rows in waits.stages.items()
        if _says_enough(rows, waits.watched[stage.name])
    }
    if not tables:
        raise CannotSay(
            f"From which silence on a customer is missing can be said once {FEWEST_WATCHED} customers have come "
            f"back and been watched for {LONG_ENOUGH} times their usual wait."
        )
    waited = pl.concat(rows for rows, _ in tables.values()).filter("observed")["days"].median()
    window = next((days for days in WINDOWS if days >= 2 * waited), WINDOWS[-1])  # type: ignore[operator]
    rows = [_stage(chapter, stage, *table, waits.watched[stage.name]) for stage, table in tables.items()]
    chances = {
        stage.after: chance
        for stage, (_, table) in tables.items()
        if len(chance := _chances(table, window, waits.watched[stage.name], given.interval))
    }
    return Silence(window, chances, pd.DataFrame(rows))


def _says_enough(rows: pl.DataFrame, watched: int) -> bool:
    back = rows.filter("observed")
    enough = min(rows["customer"].n_unique(), back.height) >= FEWEST_WATCHED
    return enough and watched >= LONG_ENOUGH * float(back["days"].median())  # type: ignore[arg-type]


def _chances(table: LifeTable, window: int, watched: int, interval: float) -> pd.DataFrame:
    chance = table.chance_to_return(window, interval)
    return chance[(chance["days"] + window <= watched) & (chance["at_risk"] >= FEWEST_DRAWN)]


def _stage(chapter: Chapter, stage: Stage, rows: pl.DataFrame, table: LifeTable, watched: int) -> dict[str, object]:
    given = chapter.parameters
    waiting = rows.filter(~pl.col("observed"))
    found = table.alarming_silence(given.silence, watched, given.interval)
    rare = table.rare_return(given.alive_limit, watched)
    alarm = rare if rare and rare < found.day else found.day
    return {
        "after": stage.after,
        "customers": rows["customer"].n_unique(),
        "usual": rows.filter("observed")["days"].median(),
        **found._asdict(),
        "rare": rare,
        "alarm": alarm,
        "waiting": waiting.height,
        "silent": waiting.filter(pl.col("days") >= alarm).height,
    }


def silence_table(chapter: Chapter, found: Silence | Unsaid) -> ShownTable | None:
    """Show the day from which silence is alarming, and who is past it; nothing where the figure has said why not."""
    if isinstance(found, Unsaid):
        return None
    given, frame = chapter.parameters, found.stages
    limit, share = percent(given.alive_limit), percent(given.silence)
    still = zip(frame["still"], 100 * frame["still_low"], 100 * frame["still_high"], strict=True)
    frame = frame.assign(
        days=[
            f"{count(day)} ({between(low, high)})"
            for day, low, high in zip(frame["day"], frame["low"], frame["high"], strict=True)
        ],
        missing=[
            f"{count(silent)} of {count(waiting)}"
            for silent, waiting in zip(frame["silent"], frame["waiting"], strict=True)
        ],
        return_later=[
            f"{percent(chance)} ({between(low, high)}%)" if alarm == day else f"under {limit}"
            for (chance, low, high), alarm, day in zip(still, frame["alarm"], frame["day"], strict=True)
        ],
    )
    columns: Columns = {
        "after": ("customers", str),
        "usual": ("usual wait (days)", count),
        "alarm": ("alarming from day", count),
        "missing": ("silent for so long today", str),
        "return_later": ("come back even then", str),
        "days": (f"{share} of those who return are back by day", str),
    }
    interval = percent(given.interval)
    return show_table(frame, f"When silence becomes alarming ({interval} intervals in brackets)", columns)


def state_findings(chapter: Chapter, found: Silence | Unsaid) -> None:
    """State when silence becomes alarming, and how many customers are silent for so long.

    Where nearly all come back even then it is no alarm.
    """
    if isinstance(found, Unsaid):
        chapter.state("alarming_silence", found.reason, verdict="unknown")
        return
    stages, given = found.stages, chapter.parameters
    shown = [stages.iloc[0], *([stages.iloc[-1]] if len(stages) > 1 else [])]
    days = listed([f"{row['after']} from day {count(row['alarm'])} on" for row in shown])
    silent = stages["silent"].sum()
    never = stages.loc[stages["rare"] == 0, "after"].tolist()
    seldom = f" But {listed(never)} fewer than {percent(given.alive_limit)} ever come back." if never else ""
    even_so = _still_come(stages)
    late = even_so >= NEARLY_ALL
    back = f" Even of customers so late about {percent(even_so)} came back, so it is no alarm." if late else ""
    chapter.state(
        "alarming_silence",
        f"Silence is {'unusual' if late else 'alarming'} {days}: by then {percent(given.silence)} of those who come "
        f"back are back, or fewer than {percent(given.alive_limit)} of the others still come.{seldom} "
        f"{plural(silent, 'customer has', 'customers have')} been silent for so long, of {_of_whom(chapter, stages)}."
        f"{back}",
        value=silent,
        unit="customers",
        verdict="good" if not silent else "note" if late else "watch",
    )


def _still_come(stages: pd.DataFrame) -> float:
    """Return which share of customers came back after a silence such as those who are silent now; NaN without any."""
    # where the alarm is the day from which coming back is rare, few do
    still = stages["still"].where(stages["alarm"] == stages["day"], 0.0)
    silent = stages["silent"].sum()
    return float((still * stages["silent"]).sum() / silent) if silent else float("nan")


def _of_whom(chapter: Chapter, stages: pd.DataFrame) -> str:
    """Say of how many customers it is known whether they are silent for too long, and who isn't among them."""
    waiting = count(stages["waiting"].sum())
    everybody = chapter.purchases["customer"].n_unique()
    if stages["waiting"].sum() == everybody:
        return waiting
    few = " (customers of few purchases count only where they came new)" if left_cut(chapter).cut else ""
    return f"the {waiting} of {count(everybody)} of whom it can be said{few}"
