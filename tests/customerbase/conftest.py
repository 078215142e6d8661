"""Chapters opened on small bases, for the tests of several modules."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.parameters import check_parameters
from tests.dashboard_base import written_beside
from tests.key_account_base import accounts_of
from tests.portrait_base import portraits
from tests.simulated_base import simulated_purchases

Open = Callable[..., Chapter]


@pytest.fixture
def portrait_of(make_base: Callable[..., Path], tmp_path: Path) -> Open:
    """Open `02_portrait` on a ledger of customer, date, kind and amount."""
    return portraits(make_base, tmp_path)


@pytest.fixture
def dashboard_of(make_base: Callable[..., Path], tmp_path: Path) -> Open:
    """Open `02_portrait` on a ledger of customer, date and amount."""
    return portraits(make_base, tmp_path, header="customer,date,amount")


@pytest.fixture
def side_table(tmp_path: Path) -> Callable[[str, str], dict[str, Any]]:
    """Write a table beside the ledger, and return its section of the parameters."""
    return partial(written_beside, tmp_path)


@pytest.fixture(scope="session")
def simulated() -> pl.DataFrame:
    """Purchases of 600 customers over two and a half years."""
    return simulated_purchases(600, dt.date(2021, 1, 4), dt.date(2023, 6, 30), acquisition_days=600, seed=11)


@pytest.fixture(scope="module")
def open_on(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Open `01_identify` on a frame of customer, date and amount, as of a day."""

    def make(rows: pl.DataFrame, as_of: dt.date) -> Chapter:
        folder = tmp_path_factory.mktemp("base")
        rows.write_csv(folder / "ledger.csv")
        columns = {name: name for name in ("customer", "date", "amount")}
        given = {"base": "small", "ledger": {"path": str(folder / "ledger.csv"), "columns": columns}, "as_of": as_of}
        return Chapter("01_identify", check_parameters(given, where="test"))

    return make


@pytest.fixture
def key_accounts_of(make_base: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open `07_key_accounts` on a ledger and a customers' table."""
    monkeypatch.setattr("customerbase.chapter.RUNS", tmp_path / "runs")
    return accounts_of(make_base, tmp_path)
