"""Where the project's own folders are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
PARAMS = ROOT / "params"
RUNS = Path(os.environ.get("CUSTOMERBASE_RUNS") or ROOT / "runs")
LATEST = "latest"  # in a base's folder of runs, points to the last one that succeeded
