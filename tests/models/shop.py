"""A simulated shop for the tests of needs: customers whose purchases are made up as planted."""

import datetime as dt

import numpy as np
import polars as pl

AS_OF = dt.date(2025, 6, 30)


def shop(seed=0, customers=300, *, strength=15.0, purchases=20, categories=6):
    """Draw the ledger of customers whose compositions come from a Dirichlet distribution of known strength."""
    rng = np.random.default_rng(seed)
    base = np.arange(1, categories + 1) / np.arange(1, categories + 1).sum()
    shares = rng.dirichlet(base * strength, customers) if np.isfinite(strength) else np.tile(base, (customers, 1))
    number = 4 + rng.poisson(purchases, customers)
    owner = np.repeat(np.arange(customers), number)
    bought = (shares[owner].cumsum(axis=1) < rng.random((len(owner), 1))).sum(axis=1).clip(max=categories - 1)
    day = np.concatenate([rng.choice(500, size, replace=False) for size in number])
    return pl.DataFrame(
        {
            "customer": np.char.mod("%04d", owner),
            "date": np.datetime64("2024-01-01") + day.astype("timedelta64[D]"),
            "category": np.char.mod("category %d", bought),
            "amount": np.exp(rng.normal(3, 0.5, customers)[owner] + rng.normal(0, 0.5, len(owner))),
        }
    )
