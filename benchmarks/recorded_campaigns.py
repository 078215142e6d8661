"""Is the effect of recorded campaigns right? Known ones, simulated: python -m benchmarks.recorded_campaigns.

Each is a base of households that differ in how often and for how much they buy, drift, and stop for good, with a season
over all of them. A campaign reaches some of them, and a second one, which begins halfway, reaches others: those reached
buy oftener while it lasts. Whom the first one reaches is drawn by lot, by what each bought before (the firm looks at
its ledger), or by what no ledger shows: how much the household would buy in the long run.

Does the interval cover the effect? And is an effect called one where there is none, though heavier buyers are reached?
"""

import argparse
import datetime as dt
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import polars as pl

from models.campaign_response import MEASURES, CampaignResponse, campaign_response

Array = np.ndarray
Targeting = Literal["lot", "history", "lasting"]

COVERAGE = 0.8
HOUSEHOLDS = 1500
SIGNIFICANCE = 0.05
FIRST_DAY = dt.date(2025, 1, 1)
STEP_DAYS = 10  # over which a household's rate stays as it is
EFFECT = 0.05, 0.3  # so much oftener
OTHER_EFFECT = 0.2  # of the second campaign
LEANING = 1.5  # how much likelier heavier buyers are reached: in the logit, for one standard deviation more


@dataclass(frozen=True)
class Campaign:
    """A campaign with what is seen of it, and with what only its maker knows.

    Attributes
    ----------
    days : polars.DataFrame
        customer, date, amount.
    reached : polars.Series
    start, until : datetime.date
    other : polars.DataFrame
        customer, campaign, start, until of the second campaign.
    added : polars.DataFrame
        customer, and the revenue and purchases that the first campaign adds, expected.
    """

    days: pl.DataFrame
    reached: pl.Series
    start: dt.date
    until: dt.date
    other: pl.DataFrame
    added: pl.DataFrame


def simulated(number: int, effect: bool, targeting: Targeting, households: int = HOUSEHOLDS) -> Campaign:
    """Draw a base and a campaign."""
    random = np.random.default_rng([number, int(effect), get_args(Targeting).index(targeting)])
    first, length = int(random.integers(12, 24)), int(random.integers(2, 6))  # in steps
    steps = first + length
    names = np.array([f"{place:05d}" for place in range(households)])
    rate = random.gamma(1.5, 0.12 / 1.5, households)
    spend = 30 * np.exp(0.5 * random.normal(size=households))
    drift = np.exp(0.12 * random.normal(size=(households, steps)).cumsum(axis=1))
    season = 1 + 0.2 * np.sin(np.arange(steps) / steps * 2 * np.pi + random.uniform(0, 6))
    alive = np.arange(steps) < random.geometric(0.01, households)[:, None]
    rates = rate[:, None] * drift * season * alive  # a day
    bought = random.poisson(rates * STEP_DAYS)
    paid = spend * np.exp(0.6 * random.normal(size=households))  # noise of what a ledger of few purchases shows
    lately = (bought[:, max(first - 9, 0) : first] * spend[:, None]).sum(axis=1)
    leaning = {
        "lot": np.zeros(households),
        "history": np.log1p(lately),
        "lasting": np.log(rate * paid),
    }[targeting]
    leaning = (leaning - leaning.mean()) / max(leaning.std(), 1e-9)
    reached = random.random(households) < 1 / (1 + np.exp(1.5 - LEANING * leaning))
    also = random.random(households) < np.where(reached, 0.25, 0.1)
    more = float(random.uniform(*EFFECT)) if effect else 0.0
    campaign, half = np.arange(steps) >= first, np.arange(steps) >= first + length // 2
    by_other = rates * (OTHER_EFFECT * also[:, None] * half)
    added = rates * (more * campaign * reached[:, None])
    bought = bought + random.poisson(STEP_DAYS * added) + random.poisson(STEP_DAYS * by_other)
    # purchases of one day are one purchase
    without = np.exp(-rates - by_other)
    days_added = STEP_DAYS * (without - without * np.exp(-added)).sum(axis=1)
    start = FIRST_DAY + dt.timedelta(days=first * STEP_DAYS)
    until = FIRST_DAY + dt.timedelta(days=steps * STEP_DAYS - 1)
    halfway = FIRST_DAY + dt.timedelta(days=(first + length // 2) * STEP_DAYS)
    household, step = np.nonzero(bought)
    times = bought[household, step]
    who, when = np.repeat(household, times), np.repeat(step, times) * STEP_DAYS
    when = when + random.integers(0, STEP_DAYS, len(when))
    amounts = spend[who] * np.exp(0.7 * random.normal(size=len(who)) - 0.7**2 / 2)
    rows = pl.DataFrame({"customer": names[who], "day": when, "amount": amounts})
    days = rows.group_by("customer", "day", maintain_order=True).agg(pl.col("amount").sum())
    return Campaign(
        days.select("customer", pl.lit(FIRST_DAY).dt.offset_by(pl.format("{}d", "day")).alias("date"), "amount"),
        pl.Series(names[reached]),
        start,
        until,
        pl.DataFrame({"customer": names[also], "campaign": "other", "start": halfway, "until": until}),
        pl.DataFrame({"customer": names, "revenue": STEP_DAYS * added.sum(axis=1) * spend, "purchases": days_added}),
    )


def measured(drawn: Campaign) -> CampaignResponse:
    """Measure a campaign as the suite does."""
    return campaign_response(
        drawn.days,
        drawn.reached,
        drawn.start,
        drawn.until,
        first_day=FIRST_DAY,
        reach=drawn.other,
        redemptions=pl.DataFrame(schema={"customer": pl.String, "date": pl.Date}),
        coverage=COVERAGE,
    )


def one(number: int, effect: bool, targeting: Targeting, households: int = HOUSEHOLDS) -> dict[str, float]:
    """Measure a simulated campaign and hold it against the truth."""
    drawn = simulated(number, effect, targeting, households)
    found = measured(drawn)
    compared = found.customers.filter(found.customers.is_in(drawn.reached.implode()))
    truth = drawn.added.filter(pl.col("customer").is_in(compared.implode()))
    told: dict[str, float] = {}
    for name in MEASURES:
        response = getattr(found, name)
        true = float(truth[name].mean())  # type: ignore[arg-type]
        told[f"{name}: covered"] = response.effect.low <= true <= response.effect.high
        told[f"{name}: covered by the change"] = response.change.low <= true <= response.change.high
        told[f"{name}: error in standard errors"] = (response.effect.difference - true) / response.effect.error
        told[f"{name}: placebo beyond its interval"] = not response.placebo.low <= 0 <= response.placebo.high
        told[f"{name}: one comparison alone"] = response.effect.p_value <= SIGNIFICANCE / len(MEASURES)
    told["called an effect"] = min(getattr(found, name).p_value for name in MEASURES) <= SIGNIFICANCE / len(MEASURES)
    return told


def study(campaigns: int, effect: bool, targeting: Targeting, workers: int = 2) -> dict[str, float]:
    """Return the shares over so many simulated campaigns."""
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(one, range(campaigns), repeat(effect), repeat(targeting), chunksize=10))
    return {str(name): round(float(share), 3) for name, share in pd.DataFrame(found).astype(float).mean().items()}


def main() -> None:
    """Print the shares with a known effect and with none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=200)
    given: Any = parser.parse_args()
    for effect in (True, False):
        for targeting in get_args(Targeting):
            words = f"{'with' if effect else 'without'} an effect, reached by {targeting}"
            print(words, json.dumps(study(given.campaigns, effect, targeting), indent=1), flush=True)


if __name__ == "__main__":
    main()
