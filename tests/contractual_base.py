"""A small base with contracts, simulated: who joined and left in the customers' table, what they paid in the ledger."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from models.contract_renewals import MONTHS

AS_OF = dt.date(2020, 6, 30)
LONGEST = 500  # periods of a contract, for the sake of the calendar


def simulated_contracts(
    customers: int,
    alpha: float,
    beta: float,
    *,
    period: str = "year",
    first: dt.date = dt.date(2008, 1, 1),
    joining_days: int = 3_000,
    seed: int = 1,
) -> pl.DataFrame:
    """Return customer, joined and left of contracts that follow the shifted-beta-geometric, as far as the future."""
    random = np.random.default_rng(seed)
    leaves = random.beta(alpha, beta, customers)
    lasts = np.minimum(random.geometric(np.clip(leaves, 1e-9, 1)), LONGEST) * MONTHS[period]
    joined = [first + dt.timedelta(days=int(day)) for day in random.integers(0, joining_days, customers)]
    people = pl.DataFrame({"customer": [f"{n:05}" for n in range(customers)], "joined": joined, "lasts": lasts})
    return people.select("customer", "joined", left=pl.col("joined").dt.offset_by(pl.format("{}mo", "lasts")))


def payments(contracts: pl.DataFrame, until: dt.date, period: str = "year") -> pl.DataFrame:
    """Return customer, date and amount: one payment at the beginning of each period."""
    end = pl.min_horizontal("left", pl.lit(until + dt.timedelta(days=1)))
    every = f"{MONTHS[period]}mo"
    dated = contracts.filter(pl.col("joined") <= until).with_columns(
        date=pl.date_ranges("joined", end, interval=every, closed="left")
    )
    return dated.explode("date").select("customer", "date", amount=pl.lit(100.0))


def write_contractual_base(
    folder: Path,
    contracts: pl.DataFrame | None = None,
    *,
    as_of: dt.date = AS_OF,
    ledger_from: dt.date | None = None,
    period: str = "year",
    **parameters: Any,
) -> Path:
    """Write the files of a base with contracts, and return the path of its parameter file.

    Parameters
    ----------
    folder : Path
    contracts : polars.DataFrame, optional
        customer, joined, left (Date); 1,000 simulated ones by default, with alpha 0.7 and beta 3. A day of leaving
        after `as_of` isn't written.
    as_of : date
    ledger_from : date, optional
        The ledger's first day; payments before it are left out.
    period : {"year", "quarter", "month"}
    **parameters
        Further parameters of the base.
    """
    people = simulated_contracts(1_000, 0.7, 3.0, period=period) if contracts is None else contracts
    paid = payments(people, as_of, period)
    if ledger_from is not None:
        paid = paid.filter(pl.col("date") >= ledger_from)
    folder.mkdir(parents=True, exist_ok=True)
    paid.write_csv(folder / "ledger.csv")
    people.with_columns(left=pl.when(pl.col("left") <= as_of).then("left")).write_csv(folder / "customers.csv")

    def section(name: str, *columns: str) -> dict[str, Any]:
        return {"path": str(folder / f"{name}.csv"), "columns": {column: column for column in columns}}

    given = {
        "base": "contracts",
        "ledger": section("ledger", "customer", "date", "amount"),
        "customers": section("customers", *people.columns),
        "as_of": as_of.isoformat(),
        "contract_period": period,
    }
    file = folder / "contracts.yml"
    file.write_text(yaml.safe_dump(given | parameters), encoding="utf-8")
    return file
