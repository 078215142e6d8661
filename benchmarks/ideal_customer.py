"""Is what foretells a good customer found, and nothing where nothing does? python -m benchmarks.ideal_customer.

Simulated bases: customers come over two years with a first basket of their own, from one of four channels, with some of
six categories in it, and come back at a rate that differs between them. What is planted multiplies that rate; in a base
of noise nothing does. Asked of many bases: is the planted trait found, does it come first, has it the right direction;
is nothing found in noise; and does the interval of a month's expected share hold the share that turned out?
"""

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import polars as pl

from models.first_purchase import BASKET, BOUGHT, FirstPurchases, first_days, first_purchases
from models.good_customers import good_customers, later_value
from models.ideal_customer import BOOSTED, IdealCustomer, fit_ideal_customer
from models.ideal_customer_calibration import calibration
from models.newcomer_quality import months, quality

Plant = Literal["noise", "basket", "channel", "category", "fair", "jump"]

OPENED, AS_OF = dt.date(2024, 1, 1), dt.date(2026, 3, 31)
COMING_DAYS = 730
WATCHED_DAYS = 180
GOOD_SHARE = 0.2
COVERAGE = 0.8
CHANNELS = ("web", "fair", "<b>street</b>", "$phone$")
CATEGORIES = ("tea", "coffee", "=cocoa", "spice", "sugar", "honey")
PURCHASES = 1.5  # in the days watched, on average, where nothing is planted
SPREAD = 1.0  # shape of the gamma distribution of rates

Array = np.ndarray


def simulated_base(plant: Plant, customers: int, random: np.random.Generator) -> pl.DataFrame:
    """Draw a ledger: customer, date, amount, quantity, category, channel, kind.

    Parameters
    ----------
    plant : str
        "basket": those with a first basket above the middle come back 3 times as often; "jump": those with one in the
        middle half of all baskets do, which no straight line shows; "channel": those of the fair, 3 times; "category":
        those who bought coffee, 3 times; "fair": as "channel", and ever more come from the fair; "noise": nothing.
    customers : int
    random : numpy.random.Generator
    """
    began = np.sort(random.integers(0, COMING_DAYS, customers))
    basket = np.round(random.lognormal(3.5, 0.7, customers), 2)
    late = began / COMING_DAYS
    fair = random.random(customers) < (0.05 + 0.5 * late if plant == "fair" else 0.25)
    channel = np.where(fair, 1, random.choice([0, 2, 3], customers))
    bought = random.random((customers, len(CATEGORIES))) < 0.3
    bought[~bought.any(axis=1), 0] = True
    low, middle, high = np.quantile(basket, [0.25, 0.5, 0.75])
    favoured = {
        "noise": np.zeros(customers, bool),
        "basket": basket > middle,
        "jump": (basket > low) & (basket < high),
        "channel": channel == 1,
        "fair": channel == 1,
        "category": bought[:, 1],
    }[plant]
    rate = random.gamma(SPREAD, 1 / SPREAD, customers) * np.where(favoured, 3.0, 1.0)
    span = (AS_OF - OPENED).days - began
    number = random.poisson(rate * PURCHASES * span / WATCHED_DAYS)
    who = np.repeat(np.arange(customers), number)
    day = began[who] + 1 + np.floor(random.random(len(who)) * span[who]).astype(int)
    first_who, first_what = np.nonzero(bought)
    later = pl.DataFrame(
        {
            "who": who,
            "day": np.minimum(day, (AS_OF - OPENED).days),
            "amount": np.round(random.lognormal(3.5, 0.7, len(who)), 2),
            "category": random.integers(0, len(CATEGORIES), len(who)),
        }
    )
    first = pl.DataFrame(
        {
            "who": first_who,
            "day": began[first_who],
            "amount": basket[first_who] / bought.sum(axis=1)[first_who],
            "category": first_what,
        }
    )
    names, places = pl.Series(CATEGORIES), pl.Series(CHANNELS)
    rows = pl.concat([first, later])
    return rows.select(
        pl.format("c{}", pl.col("who").cast(pl.String).str.zfill(6)).alias("customer"),
        (pl.lit(OPENED) + pl.duration(days="day")).cast(pl.Date).alias("date"),
        "amount",
        pl.Series("quantity", random.integers(1, 5, rows.height).astype(float)),
        names.gather(rows["category"]).alias("category"),
        places.gather(pl.Series(channel).gather(rows["who"])).alias("channel"),
        pl.lit("sale").alias("kind"),
    )


def fitted(lines: pl.DataFrame, seed: int) -> tuple[FirstPurchases, pd.Series, IdealCustomer]:
    """Return the traits, who became good, and the model."""
    days = first_days(lines, AS_OF)
    first = first_purchases(lines, days, learned_to=AS_OF - dt.timedelta(days=WATCHED_DAYS))
    value = later_value(lines.with_columns(value="amount"), days, watched_days=WATCHED_DAYS, as_of=AS_OF)
    good = good_customers(value, GOOD_SHARE).good
    return first, good, fit_ideal_customer(first, good, watched_days=WATCHED_DAYS, seed=seed)


#: What is planted: the trait, and the level that is better or the limit above which customers are (None: not asked).
PLANTED: dict[str, tuple[str, str | None]] = {
    "basket": (BASKET, None),
    "jump": (BASKET, None),
    "channel": ("channel", "fair"),
    "fair": ("channel", "fair"),
    "category": (BOUGHT, "coffee"),
}


def one_base(number: int, plant: Plant, customers: int) -> dict[str, float]:
    """Return what was found in one base."""
    random = np.random.default_rng([get_args(Plant).index(plant), customers, number])
    first, good, found = fitted(simulated_base(plant, customers, random), number)
    told: dict[str, float] = {
        "tells": found.tells,
        "auc": found.auc.value,
        "boosted": found.method == BOOSTED,
    }
    if found.tells:
        told["scores come true"] = calibration(found).value
    if plant in PLANTED:
        trait, level = PLANTED[plant]
        importance, contrasts = found.importance, found.contrasts
        named = importance[importance["tells"]]["trait"].tolist()
        told["planted found"] = trait in named
        told["planted first"] = found.tells and importance["trait"].iloc[0] == trait
        told["others found"] = len(set(named) - {trait})
        side = contrasts[(contrasts["trait"] == trait) & (contrasts["level"] == level if level else True)]
        if plant != "jump":
            told["right direction"] = bool(len(side)) and bool(side["low"].iloc[0] > 0)
    by_month = quality(months(first.customers["first_day"]), good, found.scored(first.customers), coverage=COVERAGE)
    known = by_month[by_month["watched"] == by_month["customers"]]
    told["months covered"] = float(known["turned_out"].between(known["expected_low"], known["expected_high"]).mean())
    return told


def study(bases: int, plant: Plant, customers: int, workers: int = 2) -> dict[str, float]:
    """Return the mean over bases of what was found."""
    with ProcessPoolExecutor(workers) as pool:
        runs: Iterator[dict[str, Any]] = pool.map(one_base, range(bases), repeat(plant), repeat(customers))
        return {str(name): float(share) for name, share in pd.DataFrame(list(runs)).astype(float).mean().items()}


def main() -> None:
    """Print the shares of bases for every plant and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=100)
    parser.add_argument("--customers", nargs="+", type=int, default=[300, 1000, 4000])
    given = parser.parse_args()
    for customers in given.customers:
        for plant in get_args(Plant):
            print(customers, plant, json.dumps(study(given.bases, plant, customers), indent=1), flush=True)


if __name__ == "__main__":
    main()
