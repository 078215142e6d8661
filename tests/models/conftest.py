"""What the tests of several models share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lifetimes
import pandas as pd
import polars as pl
import pytest

from models.customer_base_audit import customers_of_period
from tests.models.audited_base import YEAR_2023, YEAR_2024, days_of_base

DATASETS = Path(lifetimes.__file__).parent / "datasets"

WithParams = Callable[..., Any]


@pytest.fixture(scope="session")
def sample() -> pd.DataFrame:
    """Purchases of the CDNOW sample's 2,357 customers: customer, date and amount, beside the file's other columns."""
    names = ["master", "customer", "date", "cds", "amount"]
    text = {"master": str, "customer": str, "date": str}
    ledger = pd.read_csv(DATASETS / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names, dtype=text)
    return ledger.assign(date=pd.to_datetime(ledger["date"], format="%Y%m%d"))


@pytest.fixture(scope="session")
def cdnow_histories() -> tuple[pd.Series, pd.Series, pd.Series]:
    """Frequency, recency and T of the CDNOW sample: 2,357 customers, 39 weeks.

    lifetimes has the weeks rounded to two places; the published numbers come from whole days.
    """
    customers = pd.read_csv(DATASETS / "cdnow_customers_summary.csv", index_col="ID")
    return customers["frequency"], (customers["recency"] * 7).round() / 7, (customers["T"] * 7).round() / 7


@pytest.fixture(scope="session")
def with_params() -> WithParams:
    """Make a model with given parameters, in the order of its NAMES, without data."""

    def make(fitter: Any, *values: float) -> Any:
        model = fitter()
        model.params_ = pd.Series(values, index=list(fitter.NAMES))
        return model

    return make


@pytest.fixture(scope="session")
def audited_days() -> pl.DataFrame:
    """`customer_days` of the base for the lenses that is worked out by hand."""
    return days_of_base()


@pytest.fixture(scope="session")
def audited_years(audited_days: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What each of its customers did in 2023, and in 2024."""
    before, now = (customers_of_period(audited_days, year) for year in (YEAR_2023, YEAR_2024))
    return before, now
