"""The account of a ledger: what came in equals what is used and what is set aside, in rows and in money."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ..errors import Unbalanced

UNITS = 10_000  # amounts are added up in hundredths of a cent, as whole numbers, so that sums are exact


@dataclass(frozen=True)
class Account:
    """Rows and money of a ledger.

    Attributes
    ----------
    rows_read, rows_used, rows_quarantined : int
    units_read, units_used, units_quarantined : int
        Sums of the amounts that can be read, returns negative, in hundredths of a cent.
    """

    rows_read: int
    rows_used: int
    rows_quarantined: int
    units_read: int
    units_used: int
    units_quarantined: int

    @property
    def amount_read(self) -> float:
        """Sum of the amounts read."""
        return self.units_read / UNITS

    @property
    def amount_used(self) -> float:
        """Sum of the amounts used."""
        return self.units_used / UNITS

    @property
    def amount_quarantined(self) -> float:
        """Sum of the amounts set aside."""
        return self.units_quarantined / UNITS


def units(amounts: pl.Series) -> int:
    """Return the sum of amounts in hundredths of a cent, each rounded by itself; unreadable ones count nothing."""
    whole = (amounts * UNITS).round()
    largest = float(whole.abs().max() or 0.0)  # type: ignore[arg-type]
    # as many as fit into 64 bits are added up much faster
    total = whole.cast(pl.Int64 if largest * len(whole) < 2**62 else pl.Int128).sum()
    return int(total or 0)


def balanced(rows_read: int, units_read: int, used: pl.DataFrame, quarantine: pl.DataFrame) -> Account:
    """Draw up the account.

    Parameters
    ----------
    rows_read : int
        Counted when the source was read.
    units_read : int
        `units` of the amounts as they were read.
    used, quarantine : polars.DataFrame
        The tables the rows ended in, each with `amount`.

    Raises
    ------
    Unbalanced
        When a row or any money is in neither table, or in both.
    """
    units_used, units_quarantined = units(used["amount"]), units(quarantine["amount"])
    if rows_read != used.height + quarantine.height:
        raise Unbalanced(
            f"{rows_read:,} rows were read, but {used.height:,} are used and {quarantine.height:,} set aside. "
            f"Nothing of this run can be trusted; please report it."
        )
    if units_read != units_used + units_quarantined:
        raise Unbalanced(
            f"Amounts of {units_read / UNITS:,.2f} were read, but {units_used / UNITS:,.2f} are used and "
            f"{units_quarantined / UNITS:,.2f} set aside. Nothing of this run can be trusted; please report it."
        )
    return Account(rows_read, used.height, quarantine.height, units_read, units_used, units_quarantined)
