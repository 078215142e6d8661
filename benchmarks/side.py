"""One side of the models' benchmark, alone in its process: python -m benchmarks.side ours LEDGER.parquet.

Prints one JSON object: for each step its seconds, and the process's peak memory in MB by its end. Reading the ledger
and importing the packages are not timed; both sides read the same file.
"""

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HORIZON_DAYS = 365.25
ANNUAL_DISCOUNT_RATE = 0.10
INTERVAL = 0.80
SUMMARY, PURCHASES, SPEND, VALUE, INTERVALS = STEPS = (
    "RFM summary",
    "BG/NBD fit",
    "Gamma-gamma fit",
    "Value of all customers",
    "Their intervals",
)

#: The steps' results so far in, this step's result out.
Step = Callable[[dict[str, Any]], Any]


def ours() -> tuple[Callable[..., Any], dict[str, Step]]:
    """Return how a user of this package reads a ledger, and the steps from there."""
    import polars as pl

    from models import BGNBD, GammaGamma
    from models.lifetime_value import customer_lifetime_value, with_intervals
    from models.posterior import sample_posterior
    from models.rfm import rfm_summary

    terms: dict[str, Any] = {"horizon_days": HORIZON_DAYS, "annual_discount_rate": ANNUAL_DISCOUNT_RATE}

    def read(path: Path) -> Any:
        return pl.read_parquet(path)

    def summary(done: dict[str, Any]) -> Any:
        return rfm_summary(done["ledger"]).to_pandas()

    def purchases(done: dict[str, Any]) -> Any:
        given = done[SUMMARY]
        return BGNBD().fit(given["frequency"], given["recency"], given["T"])

    def spend(done: dict[str, Any]) -> Any:
        repeated = done[SUMMARY].query("frequency > 0")
        return GammaGamma().fit(repeated["frequency"], repeated["monetary_value"])

    def value(done: dict[str, Any]) -> Any:
        return customer_lifetime_value(done[SUMMARY], done[PURCHASES], done[SPEND], **terms)

    def intervals(done: dict[str, Any]) -> Any:
        posteriors = sample_posterior(done[PURCHASES]), sample_posterior(done[SPEND])
        return with_intervals(done[VALUE], done[PURCHASES], *posteriors, **terms, coverage=INTERVAL)

    steps: dict[str, Step] = {SUMMARY: summary, PURCHASES: purchases, SPEND: spend, VALUE: value, INTERVALS: intervals}
    return read, steps


def of_lifetimes() -> tuple[Callable[..., Any], dict[str, Step]]:
    """Return how a user of lifetimes reads a ledger, and the steps from there, by its own functions."""
    import pandas as pd
    from lifetimes import BetaGeoFitter, GammaGammaFitter
    from lifetimes.utils import summary_data_from_transaction_data

    def summary(done: dict[str, Any]) -> Any:
        return summary_data_from_transaction_data(
            done["ledger"], "customer", "date", monetary_value_col="amount", freq="D", freq_multiplier=7
        )

    def purchases(done: dict[str, Any]) -> Any:
        given = done[SUMMARY]
        return BetaGeoFitter().fit(given["frequency"], given["recency"], given["T"])

    def spend(done: dict[str, Any]) -> Any:
        repeated = done[SUMMARY].query("frequency > 0")
        return GammaGammaFitter().fit(repeated["frequency"], repeated["monetary_value"])

    def value(done: dict[str, Any]) -> Any:
        given = done[SUMMARY]
        return done[SPEND].customer_lifetime_value(
            done[PURCHASES],
            given["frequency"],
            given["recency"],
            given["T"],
            given["monetary_value"],
            time=12,
            discount_rate=(1 + ANNUAL_DISCOUNT_RATE) ** (1 / 12) - 1,
            freq="W",
        )

    return pd.read_parquet, {SUMMARY: summary, PURCHASES: purchases, SPEND: spend, VALUE: value}


def measured(side: str, ledger: Path) -> dict[str, dict[str, float]]:
    """Run the side's steps on the ledger.

    Returns
    -------
    dict
        seconds and megabytes, each a dict by step; megabytes also for "Reading the ledger".
    """
    read, steps = {"ours": ours, "lifetimes": of_lifetimes}[side]()
    done: dict[str, Any] = {"ledger": read(ledger)}
    seconds: dict[str, float] = {}
    megabytes = {"Reading the ledger": _peak_memory()}
    for name, step in steps.items():
        begun = time.perf_counter()
        done[name] = step(done)
        seconds[name] = time.perf_counter() - begun
        megabytes[name] = _peak_memory()
        print(f"  {side}, {name}: {seconds[name]:.2f} s, {megabytes[name]:,.0f} MB", file=sys.stderr, flush=True)
    return {"seconds": seconds, "megabytes": megabytes}


def _peak_memory() -> float:
    """Peak resident memory of this process, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the other count begins at what the process that started this one held
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]))))
