"""A large CSV ledger read, checked and summarised, against Polars merely reading the file.

As a module of the benchmarks: ``rows``. As a script, one side alone in its process:
``python -m benchmarks.large_ledger ours LEDGER.csv`` prints seconds and peak memory in MB.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROWS = 10_000_000
CUSTOMERS = 2_000_000
DAYS = 1_095
PRODUCTS = 5_000
ROUNDS = 3
COLUMNS = ("order", "customer", "date", "product", "quantity", "amount")


def write(path: Path, rows: int = ROWS) -> None:
    """Write order lines of three years, most of them of few customers."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(2026)
    order = np.sort(random.integers(1, max(2, rows // 2), rows))
    who = (CUSTOMERS * random.random(rows // 2 + 1) ** 2).astype(np.int64)[order]
    day = np.sort(random.integers(0, DAYS, rows // 2 + 1))[order]
    lines = pl.DataFrame({"order": order, "customer": who, "day": day})
    lines.select(
        pl.format("SO-{}", pl.col("order").cast(pl.String).str.zfill(8)).alias("order"),
        pl.col("customer").cast(pl.String).str.zfill(7),
        (pl.lit("2023-01-01").str.to_date() + pl.duration(days="day")).alias("date"),
        pl.Series("product", random.integers(1, PRODUCTS, rows)).cast(pl.String).str.zfill(5),
        pl.Series("quantity", random.integers(1, 20, rows)),
        pl.Series("amount", (random.lognormal(4, 1, rows)).round(2)),
    ).write_csv(path)


def ours(path: Path) -> None:
    """Read, check and summarise, with a bar."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from customerbase.ledger import read_ledger
    from customerbase.ledger.returns import net_of_returns
    from customerbase.parameters import LedgerSource
    from models.rfm import rfm_summary

    source = LedgerSource(path=str(path), columns={name: name for name in COLUMNS})  # type: ignore[misc]
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, refresh_per_second=2) as bar:
        task = bar.add_task("starting")
        ledger = read_ledger(source, progress=lambda step: bar.update(task, description=step))
        bar.update(task, description="summarising")
        purchases = net_of_returns(ledger.rows)
        summary = rfm_summary(purchases.select("customer", "date", "amount"))
    assert ledger.account.rows_read == ledger.account.rows_used + ledger.account.rows_quarantined
    assert 0 < len(summary) < ledger.account.rows_used


def polars(path: Path) -> None:
    """Read the file, and no more."""
    import polars as pl

    pl.read_csv(path)


def rows(lines: int = ROWS) -> list[dict[str, float | str]]:
    """Time both in turn, and return the medians; the ratio is the median of the rounds' ratios."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.csv"
        write(path, lines)
        rounds = [{side: _alone(side, path) for side in ("polars", "ours")} for _ in range(ROUNDS)]
    ratios = [measured["polars"]["seconds"] / measured["ours"]["seconds"] for measured in rounds]
    peak = max(measured["ours"]["megabytes"] for measured in rounds)
    name = f"{lines:,} lines"
    return [
        {
            "task": f"Polars merely reading {name}",
            "seconds": median(measured["polars"]["seconds"] for measured in rounds),
            "ratio": 1.0,
        },
        {
            "task": f"read, checked, summarised ({peak:,.0f} MB)",
            "seconds": median(measured["ours"]["seconds"] for measured in rounds),
            "ratio": median(ratios),
        },
    ]


def _alone(side: str, path: Path) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.large_ledger", side, str(path)]
    measured: dict[str, float] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return measured


if __name__ == "__main__":
    import customerbase.ledger  # noqa: F401 (both sides' imports come before the clock starts)
    import models.rfm  # noqa: F401

    measure = {"ours": ours, "polars": polars}[sys.argv[1]]
    begun = time.perf_counter()
    measure(Path(sys.argv[2]))
    seconds = time.perf_counter() - begun
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))
