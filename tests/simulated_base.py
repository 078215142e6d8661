"""Purchases simulated by the BG/NBD, with the parameters that the field knows of CDNOW."""

import datetime as dt

import polars as pl

from models.simulation import CDNOW, simulate_ledger


def simulated_purchases(
    customers: int, start: dt.date, end: dt.date, *, acquisition_days: int, seed: int
) -> pl.DataFrame:
    """Return the ledger of so many customers, won from `start` on."""
    return simulate_ledger(
        "bgnbd",
        CDNOW["bgnbd"],
        CDNOW["gamma_gamma"],
        customers,
        start=start,
        acquisition_days=acquisition_days,
        end=end,
        seed=seed,
    )
