"""From a ledger to every customer's value: ours against lifetimes, on a simulated ledger with CDNOW's parameters.

Each side runs in a process of its own, in turn, so that their peak memories can be told apart.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks.growth import draw_growth
from benchmarks.side import INTERVALS, STEPS, VALUE
from models.simulation import CDNOW, simulate_ledger

#: Customers, and how often each side is measured.
ROUNDS = {2_357: 5, 23_570: 5, 235_700: 3, 2_357_000: 1}
WHOLE = "The whole"
WITH_INTERVALS = "Value with intervals"
PICTURE = Path(__file__).with_name("growth.png")

#: By side, then "seconds" or "megabytes", then step.
Round = dict[str, dict[str, dict[str, float]]]


def run(sizes: Sequence[int] = tuple(ROUNDS), rounds: int | None = None) -> None:
    """Measure both sides at each size, print what they took, and draw how it grows.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of customers.
    rounds : int, optional
        Measurements of each side at each size; those of `ROUNDS` by default, 1 for other sizes.
    """
    measured = {}
    for customers in sorted(sizes):
        measured[customers] = measure(customers, rounds or ROUNDS.get(customers, 1))
        print(table(measured[customers], customers), flush=True)
    if len(measured) > 1:
        seconds = {
            side: {size: seconds_by_step(taken, side) for size, taken in measured.items()}
            for side in ("ours", "lifetimes")
        }
        picture = draw_growth(seconds["ours"], seconds["lifetimes"])
        PICTURE.write_bytes(picture.png())
        print(f"{PICTURE.name}: {picture.alt}")


def measure(customers: int, rounds: int) -> list[Round]:
    """Simulate a ledger and time both sides on it, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.parquet"
        ledger = simulate_ledger(
            "bgnbd",
            CDNOW["bgnbd"],
            CDNOW["gamma_gamma"],
            customers,
            start=dt.date(1997, 1, 1),
            acquisition_days=12 * 7,
            end=dt.date(1998, 6, 30),
            seed=2026,
        )
        print(f"{customers:,} customers, {len(ledger):,} purchases", file=sys.stderr, flush=True)
        # lifetimes takes no plain dates
        ledger.with_columns(pl.col("date").cast(pl.Datetime("us"))).write_parquet(path)
        del ledger
        orders = [("ours", "lifetimes"), ("lifetimes", "ours")]
        return [{side: _alone(side, path) for side in orders[number % 2]} for number in range(rounds)]


def seconds_by_step(taken: Sequence[Round], side: str) -> dict[str, float]:
    """Median seconds of each step, and of the whole up to the value of all customers."""
    return {step: median(_seconds(each[side], step) for each in taken) for step in (*STEPS[:-1], WHOLE)}


def table(taken: Sequence[Round], customers: int) -> str:
    """Write what both sides took, with the medians over the rounds of the ratios."""
    lines = [f"\n{f'{customers:,} customers':28}{'ours':>12}{'lifetimes':>12}{'lifetimes / ours':>19}"]
    for step in (*STEPS[:-1], WHOLE):
        pairs = [(_seconds(each["ours"], step), _seconds(each["lifetimes"], step)) for each in taken]
        lines.append(_line(step, pairs, "s", ".2f"))
    pairs = [(_seconds(each["ours"], WITH_INTERVALS), _seconds(each["lifetimes"], VALUE)) for each in taken]
    lines.append(_line(f"{WITH_INTERVALS} *", pairs, "s", ".2f"))
    memory = [{side: each[side]["megabytes"] for side in each} for each in taken]
    pairs = [(each["ours"][VALUE], each["lifetimes"][VALUE]) for each in memory]
    lines.append(_line("Peak memory", pairs, "MB", ",.0f"))
    pairs = [(each["ours"][INTERVALS], each["lifetimes"][VALUE]) for each in memory]
    lines.append(_line("Peak memory with intervals *", pairs, "MB", ",.0f"))
    return "\n".join([*lines, "* lifetimes has no intervals: beside them stands what it takes without."])


def _line(name: str, pairs: Sequence[tuple[float, float]], unit: str, form: str) -> str:
    our, their = (median(values) for values in zip(*pairs, strict=True))
    ratio = median(other / own for own, other in pairs)
    return f"{name:28}{f'{our:{form}} {unit}':>12}{f'{their:{form}} {unit}':>12}{ratio:>19.1f}"


def _seconds(taken: dict[str, dict[str, float]], step: str) -> float:
    """Return what a step took; all of them but the intervals for the whole."""
    seconds = taken["seconds"]
    if step == WHOLE:
        return sum(seconds[each] for each in STEPS[:-1])
    if step == WITH_INTERVALS:
        return seconds[VALUE] + seconds[INTERVALS]
    return seconds[step]


def _alone(side: str, ledger: Path) -> dict[str, dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.side", side, str(ledger)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, dict[str, float]] = json.loads(ended.stdout)
    return result
