"""Ledgers simulated from the purchase models, and the recorded one of CDNOW."""

import datetime as dt
from functools import cache
from pathlib import Path

import lifetimes
import pandas as pd
import polars as pl

from models.simulation import CDNOW, simulate_ledger

CDNOW_MASTER = Path(lifetimes.__file__).parent / "datasets" / "CDNOW_master.txt"
BASES = {
    "CDNOW": ("bgnbd", CDNOW["bgnbd"]),
    "leaving in silence": ("pareto_nbd", CDNOW["pareto_nbd"]),
    "slow": ("pareto_nbd", {"r": 1.0, "alpha": 40.0, "s": 0.6, "beta": 60.0}),
    "fast": ("bgnbd", {"r": 1.0, "alpha": 1.5, "a": 0.5, "b": 8.0}),
    "much alike": ("bgnbd", {"r": 2.0, "alpha": 20.0, "a": 0.3, "b": 8.0}),
    "grocer": ("pareto_nbd", {"r": 1.2, "alpha": 1.0, "s": 0.3, "beta": 60.0}),
    "loyal and alike": ("pareto_nbd", {"r": 8.0, "alpha": 20.0, "s": 0.2, "beta": 200.0}),
}
START, END = dt.date(2018, 1, 1), dt.date(2021, 12, 31)


def simulated(base, customers=1200, acquisition_days=1461, start=START, end=END, seed=1):
    """Draw the ledger of one of `BASES`, its customers acquired evenly."""
    model, params = BASES[base]
    given = {"start": start, "acquisition_days": acquisition_days, "end": end, "seed": seed}
    return simulate_ledger(model, params, CDNOW["gamma_gamma"], customers, **given)


def together(*ledgers):
    """Make one ledger of several, with customers of their own."""
    return pl.concat([each.with_columns(customer=f"{i}-" + pl.col("customer")) for i, each in enumerate(ledgers)])


@cache
def recorded_at_cdnow():
    """Read the purchases of all 23,570 customers of CDNOW: customer and date."""
    table = pd.read_csv(CDNOW_MASTER, sep=r"\s+", dtype=str, names=["customer", "date"], usecols=[0, 1], skiprows=1)
    return table.assign(date=pd.to_datetime(table["date"], format="%Y%m%d"))
