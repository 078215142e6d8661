"""A run of the suite on CDNOW against what any run must do: import the packages once, and start a kernel a chapter."""

import subprocess
import sys
import tempfile
import time
from statistics import median

import pandas as pd

PACKAGES = "pandas, polars, lifetimes, sklearn, statsmodels.api, seaborn, papermill, nbconvert, nbval"
IMPORTS = f"import {PACKAGES}"
KERNELS = """
from jupyter_client.manager import start_new_kernel
from customerbase.run.chapter_file import chapter_files
for _ in chapter_files():
    manager, client = start_new_kernel()
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""
ROUNDS = 3


def compare() -> pd.DataFrame:
    """Time both in turn, and return the medians with their ratio."""
    imports, kernels, runs = [], [], []
    for _ in range(ROUNDS):
        imports.append(_seconds("-c", IMPORTS))
        kernels.append(_seconds("-c", KERNELS))
        with tempfile.TemporaryDirectory() as out:
            runs.append(_seconds("-m", "customerbase", "run", "--out", out))
    alone = [one + other for one, other in zip(imports, kernels, strict=True)]
    ratio = median(run / floor for run, floor in zip(runs, alone, strict=True))
    return pd.DataFrame(
        {
            "seconds": [median(imports), median(kernels), median(alone), median(runs)],
            "times as long": [float("nan"), float("nan"), 1.0, ratio],
        },
        index=["importing the packages", "starting the kernels", "both alone", "the run of the suite"],
    )


def _seconds(*arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - begun
