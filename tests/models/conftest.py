"""What the tests of several models share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lifetimes
import pandas as pd
import pytest

WithParams = Callable[..., Any]


@pytest.fixture(scope="session")
def cdnow_histories() -> tuple[pd.Series, pd.Series, pd.Series]:
    """Frequency, recency and T of the CDNOW sample: 2,357 customers, 39 weeks.

    lifetimes has the weeks rounded to two places; the published numbers come from whole days.
    """
    path = Path(lifetimes.__file__).parent / "datasets" / "cdnow_customers_summary.csv"
    sample = pd.read_csv(path, index_col="ID")
    return sample["frequency"], (sample["recency"] * 7).round() / 7, (sample["T"] * 7).round() / 7


@pytest.fixture(scope="session")
def with_params() -> WithParams:
    """Make a model with given parameters, in the order of its NAMES, without data."""

    def make(fitter: Any, *values: float) -> Any:
        model = fitter()
        model.params_ = pd.Series(values, index=list(fitter.NAMES))
        return model

    return make
