"""The suite's model of purchases, fitted to a base: several chapters rest on it."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd
from lifetimes.utils import ConvergenceError

from models import BGNBD
from models.rfm import rfm_summary

from ..chapter import Chapter
from ..errors import CannotSay
from ..unsaid import says_why_not


def rfm(chapter: Chapter) -> pd.DataFrame:
    """Return the RFM summary of every customer at `as_of`."""
    return rfm_summary(chapter.purchases, chapter.as_of, time_unit=chapter.parameters.time_unit).to_pandas()


@says_why_not
def fit_all(summary: pd.DataFrame) -> BGNBD:
    """Fit BG/NBD to everything up to `as_of`."""
    return fit_purchases(summary["frequency"], summary["recency"], summary["T"])


def fit_purchases(frequency: pd.Series, recency: pd.Series, T: pd.Series) -> BGNBD:
    """Fit the suite's model of purchases; its warnings become `caveats`.

    Raises
    ------
    CannotSay
        Where nobody came back, or the model can't be fitted.
    """
    if not (frequency > 0).any():
        raise CannotSay("No customer has bought on a second day, so nothing can be learnt about repeat purchases.")
    return fitted(BGNBD(), frequency, recency, T)


def fitted(model: Any, *data: pd.Series) -> Any:
    """Fit a model; its warnings become `caveats`.

    Raises
    ------
    CannotSay
        Where it can't be fitted.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        try:
            model.fit(*data)
        except (ConvergenceError, ValueError) as reason:
            raise CannotSay(f"{type(model).__name__} can't be fitted to this base: {reason}") from None
    model.caveats = [str(warning.message) for warning in said if issubclass(warning.category, UserWarning)]
    return model
