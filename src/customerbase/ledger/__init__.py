"""From the file an analyst has to the ledger that the models take."""

from .clean import Ledger, read_ledger

__all__ = ["Ledger", "read_ledger"]
