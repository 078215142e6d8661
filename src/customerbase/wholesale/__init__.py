"""A simulated wholesaler of windows and doors: a customer base of which the truth is known.

`simulate_wholesale` draws the truth; `write_wholesale` writes what the firm's own systems would export of it, with
everything that goes wrong in such exports, and the truth beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from .around import draw_events, draw_spending
from .files import customers_file, events_file, exports_of, spending_file, truth_files, write_files
from .people import draw_people, make_look_alikes
from .planted import given_to_another, plant_knowledge, plant_silence, plant_standing, without_the_silent
from .records import draw_records, record_under_keys
from .segments import KEY_SHARE, SEGMENTS
from .trade import draw_buyers, draw_lines

__all__ = ["Wholesale", "simulate_wholesale", "write_wholesale"]

SEED = 2026


@dataclass(frozen=True)
class Wholesale:
    """The truth about the wholesaler.

    Attributes
    ----------
    seed : int
    customers : polars.DataFrame
        One row a true customer; see `people.draw_people` and `trade.draw_buyers`.
    look_alikes : polars.DataFrame
        Pairs who look like one customer and are two: customer, other, kind.
    records : polars.DataFrame
        One row an entry in the central file; several entries may be one customer. See `records.draw_records`.
    lines : polars.DataFrame
        Order lines and returns, with `key`, the record they were booked under. See `trade.draw_lines`.
    events : polars.DataFrame
        Complaints, refusals, surveys and contacts, with `key`. See `around.draw_events`.
    spending : polars.DataFrame
        Spending on winning and keeping customers. See `around.draw_spending`.
    """

    seed: int
    customers: pl.DataFrame
    look_alikes: pl.DataFrame
    records: pl.DataFrame
    lines: pl.DataFrame
    events: pl.DataFrame
    spending: pl.DataFrame


def simulate_wholesale(seed: int = SEED, key_share: float = KEY_SHARE) -> Wholesale:
    """Draw the wholesaler: who its customers are, what they bought, and how that was booked.

    Parameters
    ----------
    seed : int, default 2026
        The same seed gives the same wholesaler.
    key_share : float, default 0.22
        Share of all revenue, about, that the largest customer brings.
    """
    trade, who, entering, around, booking = (np.random.default_rng([seed, stream]) for stream in range(5))
    buyers, orders = draw_buyers(SEGMENTS, trade)
    drawn, look_alikes = make_look_alikes(draw_people(buyers, SEGMENTS, who), who)
    customers = plant_standing(drawn)
    lines = draw_lines(customers, orders, SEGMENTS, trade, key_share)
    records = draw_records(customers, look_alikes, entering)
    events = draw_events(customers, lines, around)
    ordered = given_to_another(lines)
    return Wholesale(
        seed=seed,
        customers=plant_silence(customers, ordered),
        look_alikes=look_alikes,
        records=plant_knowledge(records),
        lines=record_under_keys(ordered, records, "order", booking),
        events=without_the_silent(record_under_keys(events, records, "event", booking)),
        spending=draw_spending(customers, around),
    )


def write_wholesale(folder: Path, wholesale: Wholesale) -> None:
    """Write the wholesaler's exports into a folder, and the truth into the folder truth below it.

    Parameters
    ----------
    folder : Path
        Made if it isn't there; files of the same names are written over.
    wholesale : Wholesale
        The same wholesaler gives the same files, byte for byte.
    """
    exports = exports_of(wholesale.lines, wholesale.records, wholesale.seed)
    truth = truth_files(wholesale.customers, wholesale.records, wholesale.look_alikes, wholesale.lines, exports)
    write_files(
        folder,
        {f"ledger/{found.name}": found.content for found in exports}
        | {
            "customers.csv": customers_file(wholesale.records),
            "events.csv": events_file(wholesale.events),
            "spending.csv": spending_file(wholesale.spending),
        }
        | {f"truth/{name}": content for name, content in truth.items()},
    )
