"""Are the intervals of hazard ratios right? Bases whose ratios are planted: python -m benchmarks.hazard_ratios.

Ledgers are simulated purchase by purchase: on each day of a wait the hazard of the next purchase depends on what was
bought last and on the customer's history, exactly as `models.repurchase_intervals` measures them. The waits are then
taken from the ledger and fitted as the chapter does.

Two kinds of bases, for two kinds of truth:

- alike: customers differ in nothing but what the regression knows. The planted ratios are what it estimates, and its
  80% intervals should hold them in 80% of the bases.
- unlike: each customer has a frailty of their own that no ledger records. Then no regression without it estimates the
  planted ratio of one customer: customers at random differ less, and the ratio lies nearer to 1. What the clustered
  intervals should hold in 80% of the bases is the ratio that an endless base would show, here one of 40,000 customers;
  unclustered ones are too narrow for what stays with a customer. The planted ratio itself is found by comparing each
  customer with themselves only.
"""

import argparse
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import numpy as np
import pandas as pd
import polars as pl
from scipy.special import ndtri

from models.cox import fit_cox
from models.repurchase_intervals import repurchase_intervals

COVERAGE = 0.8
FIRST_DAY, AS_OF = dt.date(2023, 1, 1), dt.date(2023, 12, 31)
WATCHED = (AS_OF - FIRST_DAY).days
MEAN_WAIT = 25.0  # days, of a customer as the others, after an average purchase
FIRST_WAITS = 0.6  # their hazard beside that of later waits
SHAPE = 0.8  # of Weibull waits: the hazard falls while a wait lasts, as where some customers have left
FRAILTY_SHAPE = 2.0
#: Planted log hazard ratios, of one unit as in `models.repurchase_intervals`.
ALIKE: Mapping[str, float] = {"categories_last": 0.25, "spend_relative": -0.15, "spend_usual": 0.0, "purchases": 0.10}
UNLIKE: Mapping[str, float] = {"categories_last": 0.25, "spend_relative": -0.15, "spend_usual": 0.0}
WITHIN = ("categories_last", "spend_relative")
ENDLESS = 40_000


def simulated_lines(customers: int, planted: Mapping[str, float], frailty: bool, seed: int) -> pl.DataFrame:
    """Simulate a ledger of lines: customer, date, amount, category."""
    random = np.random.default_rng(seed)
    day = random.integers(0, WATCHED // 2, customers)
    pace = random.gamma(FRAILTY_SHAPE, 1 / FRAILTY_SHAPE, customers) if frailty else np.ones(customers)
    usual, breadth = random.lognormal(3, 0.5, customers), random.beta(2, 4, customers)
    spent, number = np.zeros(customers), 0
    who, frames = np.arange(customers), []
    while len(who):
        held = 1 + random.binomial(5, breadth[who])
        amount = usual[who] * random.lognormal(0, 0.5, len(who))
        relative = np.log2(amount * number / spent[who]) if number else np.zeros(len(who))
        frames.append(pl.DataFrame({"customer": who, "day": day, "amount": amount, "held": held}))
        spent[who] += amount
        number += 1
        known = {
            "categories_last": np.log2(held),
            "spend_relative": relative,
            "spend_usual": np.log2(spent[who] / number),
            "purchases": np.log2(number),
        }
        log_hazard = sum(effect * known[name] for name, effect in planted.items())
        hazard = pace[who] * np.exp(log_hazard) * (FIRST_WAITS if number == 1 else 1.0)
        wait = MEAN_WAIT * (random.exponential(size=len(who)) / hazard) ** (1 / SHAPE)
        day = day + np.ceil(wait).astype(np.int64)
        within = day <= WATCHED
        who, day = who[within], day[within]
    lines = pl.concat(frames).with_columns(
        pl.lit(FIRST_DAY) + pl.duration(days="day"),
        pl.col("amount") / pl.col("held"),
        category=pl.int_ranges(0, "held"),
    )
    return lines.explode("category").select(
        pl.col("customer").cast(pl.String),
        pl.col("literal").alias("date"),
        "amount",
        pl.col("category").cast(pl.String),
    )


def estimates(kind: str, customers: int, seed: int) -> pd.DataFrame:
    """Simulate a base, fit it, and return a row for each covariate and way of fitting.

    Columns: fitted (``among`` customers, or ``within`` each of them), covariate, coefficient, standard_error (as if
    waits were independent), robust_error.
    """
    planted = UNLIKE if kind == "unlike" else ALIKE
    lines = simulated_lines(customers, planted, kind == "unlike", seed)
    waits = repurchase_intervals(lines, AS_OF)
    ways = {"among": ("repeat", list(planted))} | ({"within": ("customer", list(WITHIN))} if kind == "unlike" else {})
    fits = {
        way: fit_cox(waits, "days", "observed", names, cluster="customer", strata=strata).coefficients
        for way, (strata, names) in ways.items()
    }
    found = pd.concat(fits, names=["fitted"]).reset_index("fitted")
    return found[["fitted", "covariate", "coefficient", "standard_error", "robust_error"]]


def study(kind: str, bases: int, customers: int, workers: int = 2, endless: int = ENDLESS) -> pd.DataFrame:
    """Return how often the intervals hold the truth.

    Parameters
    ----------
    kind : {"alike", "unlike"}
    bases : int
        How many bases are simulated, by the seeds 0, 1, ...
    customers : int
        Of each base.
    workers : int, default 2
        Processes; 1 stays in this one.
    endless : int
        Customers of the base that says what an endless one would.

    Returns
    -------
    pandas.DataFrame
        fitted, covariate, planted, target (the ratio the intervals should hold), mean (of the estimated ratios),
        clustered and unclustered (share of bases whose interval holds the target).
    """
    if workers == 1:
        found = [estimates(kind, customers, seed) for seed in range(bases)]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = list(_progress(kind, pool.map(estimates, repeat(kind), repeat(customers, bases), range(bases))))
    planted = UNLIKE if kind == "unlike" else ALIKE
    every = pd.concat(found, ignore_index=True)
    every["target"] = every["covariate"].map(planted)
    if kind == "unlike":
        limit = estimates(kind, endless, bases).query("fitted == 'among'").set_index("covariate")["coefficient"]
        among = every["fitted"] == "among"
        every.loc[among, "target"] = every.loc[among, "covariate"].map(limit)
    half, off = ndtri((1 + COVERAGE) / 2), (every["coefficient"] - every["target"]).abs()
    every["clustered"] = off <= half * every["robust_error"]
    every["unclustered"] = off <= half * every["standard_error"]
    groups = every.groupby(["fitted", "covariate"], sort=False)
    shares = groups[["clustered", "unclustered"]].mean()
    ratios = groups[["target", "coefficient"]].mean().apply(np.exp).rename(columns={"coefficient": "mean"})
    table = ratios.join(shares).reset_index()
    table.insert(2, "planted", np.exp(table["covariate"].map(planted)))
    return table


def _progress(kind: str, results: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for number, result in enumerate(results, start=1):
        yield result
        if number % 50 == 0:
            print(f"{kind}: {number} bases", flush=True)


def main() -> None:
    """Print the shares for both kinds of bases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bases", type=int, default=200)
    parser.add_argument("--customers", type=int, default=400)
    given = parser.parse_args()
    for kind in ("alike", "unlike"):
        print(f"{kind}\n{study(kind, given.bases, given.customers).round(3).to_string(index=False)}", flush=True)


if __name__ == "__main__":
    main()
