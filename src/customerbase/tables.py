"""The tables that one chapter makes and others need: who computes each, and from which parameters."""

from __future__ import annotations

from dataclasses import dataclass

_VALUE = ("time_unit", "horizon_days", "annual_discount_rate", "margin", "interval", "seed")


@dataclass(frozen=True)
class Table:
    """A table of the run.

    Attributes
    ----------
    made_in : str
        The module of `customerbase.chapters` whose function `table_<name>` computes it.
    uses : tuple of str
        The parameters it depends on, beside the ledger and `as_of`.
    """

    made_in: str
    uses: tuple[str, ...]


TABLES = {
    "holdout": Table("forecast_validation", ("time_unit", "holdout_days", "interval", "seed")),
    "lifetime_value": Table("lifetime_value", _VALUE),
    "retention": Table("retention", ("interval",)),
    "segments": Table("differentiation", _VALUE),
}
