"""Tables on disk: Parquet files that know what they were computed from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

ORIGIN = "customerbase.origin"


def origin(**made_from: Any) -> str:
    """Return a digest of whatever a table was made from: parameters, the ledger's fingerprint."""
    return hashlib.sha256(json.dumps(made_from, sort_keys=True, default=str).encode()).hexdigest()


def write_table(folder: Path, name: str, table: pd.DataFrame | pl.DataFrame, made_from: str = "") -> Path:
    """Write ``tables/<name>.parquet`` under `folder`, at once or not at all."""
    frame = table if isinstance(table, pl.DataFrame) else pl.from_pandas(table, nan_to_null=True)
    path = table_path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    metadata: Mapping[str, str] = {ORIGIN: made_from}
    try:
        frame.write_parquet(unfinished, metadata=dict(metadata))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def read_table(folder: Path, name: str, made_from: str | None = None) -> pl.DataFrame | None:
    """Read a table back; None when it isn't there, or was made from something other than `made_from`."""
    path = table_path(folder, name)
    try:
        if made_from is not None and pl.read_parquet_metadata(path).get(ORIGIN) != made_from:
            return None
        return pl.read_parquet(path)
    except FileNotFoundError:
        return None
    except pl.exceptions.PolarsError:
        if made_from is None:
            raise
        return None  # a damaged table was made from nothing that anyone asks for


def table_path(folder: Path, name: str) -> Path:
    """Return where the table `name` of a run is kept."""
    return folder / "tables" / f"{name}.parquet"
