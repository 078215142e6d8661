"""A run of the suite on CDNOW against what any run must do: import the packages once, and start a kernel a chapter."""

import subprocess
import sys
import tempfile
import time
from statistics import median

PACKAGES = "pandas, polars, lifetimes, sklearn, statsmodels.api, seaborn, papermill, nbconvert, nbval"
# the kernels alone: without importing what starts them, and without the packages that a chapter imports in them
KERNELS = """
import time
from jupyter_client.manager import start_new_kernel
from customerbase.run.chapter_file import chapter_files
begun = time.perf_counter()
for _ in chapter_files():
    manager, client = start_new_kernel()
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(time.perf_counter() - begun)
"""
ROUNDS = 5


def rows() -> list[dict[str, float | str]]:
    """Time them in turn, and return the medians; the ratio is the median of the rounds' ratios."""
    imports, kernels, runs = [], [], []
    for _ in range(ROUNDS):
        imports.append(_seconds("-c", f"import {PACKAGES}"))
        kernels.append(float(_python("-c", KERNELS)))
        with tempfile.TemporaryDirectory() as out:
            runs.append(_seconds("-m", "customerbase", "run", "--out", out))
    alone = [one + other for one, other in zip(imports, kernels, strict=True)]
    ratios = [floor / run for run, floor in zip(runs, alone, strict=True)]
    return [
        {"task": "Importing the packages once", "seconds": median(imports), "ratio": float("nan")},
        {"task": "Starting a kernel for each chapter", "seconds": median(kernels), "ratio": float("nan")},
        {"task": "Both alone", "seconds": median(alone), "ratio": 1.0},
        {"task": "The whole suite on CDNOW", "seconds": median(runs), "ratio": median(ratios)},
    ]


def _seconds(*arguments: str) -> float:
    begun = time.perf_counter()
    _python(*arguments)
    return time.perf_counter() - begun


def _python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout
