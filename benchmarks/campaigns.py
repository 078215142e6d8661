"""Is the measured effect of actions right? Simulated campaigns whose effect is known: python -m benchmarks.campaigns.

Each campaign is a base of customers drawn from BG/NBD and gamma-gamma, of which the models are fitted to what was seen;
a list of a few hundred to some thousands of them, a tenth held out; and what all of them do afterwards, those called
buying more often. Does the interval of each measure cover the effect? And is an effect seen where there is none?

The same is asked of several lists together, which no model made: lists of unlike size and worth, amounts with a heavy
tail (lognormal), those called buying in greater number and for more.
"""

import argparse
import datetime as dt
import json
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from models import BGNBD, GammaGamma
from models.campaign_effect import CampaignEffect, campaign_effect
from models.control_group import draw_control_group
from models.simulation import CDNOW

COVERAGE = 0.8
HELD_OUT = 0.1
LIST = 300, 5000  # customers on a list, evenly spread over the powers between
WEEKS_AFTER = 8.0, 52.0
EFFECT = 1.1, 1.8  # times as many purchases while a customer
DAY = dt.date(2026, 1, 1)
#: The bases: music buyers as in CDNOW, and a trade in which most customers come back.
BASES = {"cdnow": CDNOW["bgnbd"], "trade": {"r": 1.2, "alpha": 12.0, "a": 0.5, "b": 6.0}}

Array = np.ndarray
#: The lists that are measured together: most customers on each, the share that buys, and the median amount.
LISTS = ((120, 0.8, 5000.0), (240, 0.5, 1000.0), (600, 0.2, 300.0))
TAIL = 1.0  # standard deviation of the logarithm of an amount
MORE_BUY, BUY_MORE = 1.15, 1.1  # times as many, and for so much more
#: What is known of each customer beforehand: by models fitted to the base, by its true parameters, or nothing.
Expecting = Literal["fitted", "true", "nothing"]


@dataclass(frozen=True)
class Customers:
    """Customers with what is seen of them, and with what only their maker knows.

    Attributes
    ----------
    summary : DataFrame
        frequency, recency, T and monetary_value.
    rate, leaving, alive, spend : ndarray of shape (n,)
        Purchases a week, the probability of leaving after one, whether still a customer, mean amount of a purchase.
    """

    summary: pd.DataFrame
    rate: Array
    leaving: Array
    alive: Array
    spend: Array

    def purchases(self, times: float, weeks: float) -> Array:
        """Expect this many purchases with the rate multiplied by `times`."""
        return self.alive * -np.expm1(-self.leaving * times * self.rate * weeks) / self.leaving

    def share(self, times: float, weeks: float) -> Array:
        """Probability of a purchase."""
        return self.alive * -np.expm1(-times * self.rate * weeks)

    def drawn(self, times: float, weeks: float, random: np.random.Generator) -> tuple[Array, Array]:
        """Draw who buys, and for how much."""
        number = np.minimum(random.poisson(times * self.rate * weeks), random.geometric(self.leaving)) * self.alive
        shape = CDNOW["gamma_gamma"]["p"]
        return number > 0, random.gamma(shape * number) / shape * self.spend


def simulated_customers(kind: str, number: int, random: np.random.Generator) -> Customers:
    """Draw customers of 26 to 78 weeks from a base's BG/NBD and CDNOW's gamma-gamma."""
    r, alpha, a, b = BASES[kind].values()
    p, q, v = CDNOW["gamma_gamma"].values()
    rate, spend = random.gamma(r, 1 / alpha, number), p * v / random.gamma(q, 1, number)
    leaving = np.maximum(random.beta(a, b, number), 1e-12)
    age = random.uniform(26, 78, number)
    # purchases of a Poisson process are spread evenly over its time, so the k-th of n is beta distributed
    would, last = random.poisson(rate * age), random.geometric(leaving)
    bought = np.minimum(would, last)
    recency = np.where(bought > 0, age * random.beta(np.maximum(bought, 1), would - bought + 1), 0.0)
    mean = np.where(bought > 0, random.gamma(p * np.maximum(bought, 1)) / p / np.maximum(bought, 1) * spend, 0.0)
    summary = pd.DataFrame({"frequency": bought, "recency": recency, "T": age, "monetary_value": mean})
    return Customers(summary, rate, leaving, would < last, spend)


def expected_revenue(kind: str, summary: pd.DataFrame, weeks: float, fitted: bool) -> Array:
    """Expect this of each customer, by models fitted to the summary, or by those the customers were drawn from."""
    x, t_x, age, mean = (summary[name] for name in ("frequency", "recency", "T", "monetary_value"))
    purchases, spend = BGNBD(), GammaGamma()
    if fitted:
        purchases.fit(x, t_x, age)
        spend.fit(x[x > 0], mean[x > 0])
    else:
        purchases.params_, spend.params_ = pd.Series(BASES[kind]), pd.Series(CDNOW["gamma_gamma"])
    expected = purchases.conditional_expected_number_of_purchases_up_to_time(weeks, x, t_x, age)
    return np.asarray(expected * spend.conditional_expected_average_profit(x, mean))


def campaign(number: int, effect: bool, expecting: Expecting = "fitted", longest: float = LIST[1]) -> dict[str, Any]:
    """Run one campaign, on a list of at most `longest` customers, and measure it."""
    warnings.simplefilter("ignore", UserWarning)  # of limits that some small bases reach
    random = np.random.default_rng([number, int(effect)])
    kind = list(BASES)[number % len(BASES)]
    customers = round(float(np.exp(random.uniform(*np.log([LIST[0], longest])))))
    weeks = float(random.uniform(*WEEKS_AFTER))
    times = float(random.uniform(*EFFECT)) if effect else 1.0
    base = simulated_customers(kind, customers, random)
    held_out = draw_control_group([str(place) for place in range(customers)], HELD_OUT, number, DAY, kind)
    called, anyway = base.drawn(times, weeks, random), base.drawn(1.0, weeks, random)
    bought, revenue = (np.where(held_out, without, with_) for with_, without in zip(called, anyway, strict=True))
    expected = None
    if expecting != "nothing":
        expected = expected_revenue(kind, base.summary, weeks, fitted=expecting == "fitted")
    found = campaign_effect(bought, revenue, held_out, expected, coverage=COVERAGE, seed=number)
    true_share = float((base.share(times, weeks) - base.share(1.0, weeks)).mean())
    true_revenue = float(((base.purchases(times, weeks) - base.purchases(1.0, weeks)) * base.spend).mean())
    return _told(found, true_share, true_revenue)


def lists_together(number: int, effect: bool, expecting: Expecting = "true") -> dict[str, Any]:
    """Run one campaign of several lists, each of a third of its most customers up to all, and measure it."""
    random = np.random.default_rng([number, int(effect), len(LISTS)])
    times, larger = (MORE_BUY, BUY_MORE) if effect else (1.0, 1.0)
    drawn, true, called = [], np.zeros(2), 0.0
    for place, (most, share, median) in enumerate(LISTS):
        customers = int(random.integers(most // 3, most + 1))
        held_out = draw_control_group([str(each) for each in range(customers)], HELD_OUT, number, DAY, str(place))
        # half of the logarithm's variance is known beforehand
        expected, chance = median * np.exp(TAIL * np.sqrt(0.5) * random.normal(size=(2, customers)))
        amounts = expected * chance / median
        buys = random.random(customers) < np.where(held_out, share, share * times)
        revenue = buys * amounts * np.where(held_out, 1.0, larger)
        drawn.append((buys, revenue, held_out, expected * share, np.full(customers, place)))
        mean = median * np.exp(TAIL**2 / 2)
        true += np.count_nonzero(~held_out) * share * np.array([times - 1, (times * larger - 1) * mean])
        called += float(np.count_nonzero(~held_out))
    bought, spent, held, known, lists = map(np.concatenate, zip(*drawn, strict=True))
    beforehand = None if expecting == "nothing" else known
    found = campaign_effect(bought, spent, held, beforehand, lists=lists, coverage=COVERAGE, seed=number)
    return _told(found, *(true / called))


def _told(found: CampaignEffect, true_share: float, true_revenue: float) -> dict[str, Any]:
    return {
        "share covered": found.share.low <= true_share <= found.share.high,
        "revenue covered": found.revenue.low <= true_revenue <= found.revenue.high,
        "revenue measured": bool(np.isfinite(found.revenue.low)),
        "share called an effect": found.share.is_effect,
        "revenue called an effect": found.revenue.is_effect,
        "called an effect": found.is_effect,
    }


def study(
    campaigns: int,
    effect: bool,
    expecting: Expecting = "fitted",
    run: Callable[[int, bool, Expecting], dict[str, Any]] = campaign,
    workers: int = 2,
) -> dict[str, float]:
    """Return the share of campaigns covered, of those measured, and called an effect."""
    with ProcessPoolExecutor(workers) as pool:
        runs = pool.map(run, range(campaigns), repeat(effect), repeat(expecting), chunksize=10)
        found = pd.DataFrame(list(_progress(runs))).astype(float)
    covered = found.pop("revenue covered")[found["revenue measured"] > 0].mean()
    return {"revenue covered": float(covered)} | {str(what): float(share) for what, share in found.mean().items()}


def _progress(results: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, result in enumerate(results, start=1):
        yield result
        if number % 100 == 0:
            print(f"{number} campaigns", flush=True)


def main() -> None:
    """Print the shares with a known effect and with none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=200)
    given = parser.parse_args()
    for effect in (True, False):
        studies: list[tuple[Callable[[int, bool, Expecting], dict[str, Any]], Expecting]]
        studies = [(campaign, each) for each in get_args(Expecting)]
        studies += [(lists_together, "true"), (lists_together, "nothing")]
        for run, expecting in studies:
            found = study(given.campaigns, effect, expecting, run)
            words = f"{run.__name__}, {'with' if effect else 'without'} an effect, expectations: {expecting}"
            print(words, json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    main()
