"""Is the measured effect of actions right? Simulated campaigns whose effect is known: python -m benchmarks.campaigns.

Each campaign is a base of customers drawn from BG/NBD and gamma-gamma, of which the models are fitted to what was seen;
a list of a few hundred to some thousands of them, a tenth held out; and what all of them do afterwards, those called
buying more often. Does the interval of each measure cover the effect? And is an effect seen where there is none?
"""

import argparse
import datetime as dt
import json
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from models import BGNBD, GammaGamma
from models.campaign_effect import campaign_effect
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
    return {
        "share covered": found.share.low <= true_share <= found.share.high,
        "revenue covered": found.revenue.low <= true_revenue <= found.revenue.high,
        "revenue measured": bool(np.isfinite(found.revenue.low)),
        "share called an effect": found.share.is_effect,
        "revenue called an effect": found.revenue.is_effect,
        "called an effect": found.is_effect,
    }


def study(campaigns: int, effect: bool, expecting: Expecting = "fitted", workers: int = 2) -> dict[str, float]:
    """Return the share of campaigns covered, of those measured, and called an effect."""
    with ProcessPoolExecutor(workers) as pool:
        runs = pool.map(campaign, range(campaigns), repeat(effect), repeat(expecting), chunksize=10)
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
        for expecting in get_args(Expecting):
            found = study(given.campaigns, effect, expecting)
            words = f"{'with' if effect else 'without'} an effect, expectations: {expecting}"
            print(words, json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    main()
