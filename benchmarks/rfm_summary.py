"""The CDNOW ledger summarised by customer: ours on Polars and pandas, against lifetimes."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import lifetimes
import pandas as pd
import polars as pl
from lifetimes.utils import summary_data_from_transaction_data

from models.rfm import rfm_summary


def cdnow() -> pd.DataFrame:
    """Read the whole ledger that comes with lifetimes: 69,659 purchases of 23,570 customers."""
    path = Path(lifetimes.__file__).parent / "datasets" / "CDNOW_master.txt"
    ledger = pd.read_csv(path, sep=r"\s+", dtype={"customer_id": str, "date": str})
    ledger["date"] = pd.to_datetime(ledger["date"], format="%Y%m%d")
    named = ledger.rename(columns={"customer_id": "customer", "dollar_value": "amount"})
    return named[["customer", "date", "amount"]]


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def rows(repeats: int = 9) -> list[dict[str, str | float]]:
    """Time each way in turn, `repeats` times.

    Returns
    -------
    list of dict
        task, seconds (the median) and ratio: how many times as long lifetimes takes, the median over the
        rounds.
    """
    in_pandas = cdnow()
    in_polars = pl.from_pandas(in_pandas)
    ways: dict[str, Callable[[], Any]] = {
        "lifetimes": lambda: summary_data_from_transaction_data(in_pandas, "customer", "date", "amount"),
        "ours on Polars": lambda: rfm_summary(in_polars),
        "ours on pandas": lambda: rfm_summary(in_pandas),
    }
    for way in ways.values():
        way()
    rounds = [{name: seconds(way) for name, way in ways.items()} for _ in range(repeats)]
    return [
        {
            "task": f"RFM summary of CDNOW, {name}",
            "seconds": median(times[name] for times in rounds),
            "ratio": median(times["lifetimes"] / times[name] for times in rounds),
        }
        for name in ways
    ]
