"""The tables that one chapter makes and others need: who computes each, and from which parameters."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from .chapter import Chapter

_VALUE = ("time_unit", "horizon_days", "annual_discount_rate", "margin")


@dataclass(frozen=True)
class Table:
    """A table of the run.

    Attributes
    ----------
    made_in : str
        The module of `customerbase.chapters` whose function `table_<name>` computes it. It is imported only when
        there is something to compute: a chapter that finds the table in the run's folder starts sooner.
    uses : tuple of str
        The parameters it depends on, beside the ledger and `as_of`.
    """

    made_in: str
    uses: tuple[str, ...]

    def compute(self, name: str, chapter: Chapter) -> pd.DataFrame:
        """Compute the table called `name`."""
        module = import_module(f"customerbase.chapters.{self.made_in}")
        table: pd.DataFrame = getattr(module, f"table_{name}")(chapter)
        return table


TABLES = {
    "holdout": Table("lifetime_value", ("time_unit", "holdout_days")),
    "lifetime_value": Table("lifetime_value", _VALUE),
    "retention": Table("retention", ("interval",)),
    "segments": Table("differentiation", ("seed", *_VALUE)),
}
