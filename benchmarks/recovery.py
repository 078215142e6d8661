"""Are the intervals right? Simulated bases whose truth is known, fitted again: python -m benchmarks.recovery.

For each base: do the true parameters, the base's purchases and the base's value lie inside their 80% intervals, and
are the customers' predictive distributions calibrated?
"""

import argparse
import json
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd

from models import BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD
from models.posterior import sample_posterior
from models.prediction_intervals import forecast_base, interval_of, probability_of_at_least, purchase_intervals
from models.simulation import CDNOW, simulate_histories, simulate_spend
from models.validation import interval_coverage, pit_uniformity, randomised_pit

MODELS = {"bgnbd": BGNBD, "modified_bgnbd": ModifiedBGNBD, "pareto_nbd": ParetoNBD}
COVERAGE = 0.8
AHEAD = 39.0
FUTURES = 400
# Streams of chance that must not be one another's, numbered.
TRUTH, PARAMETERS, SPEND, FUTURE, TRANSFORM = range(5)


def simulated_base(model: str, customers: int, seed: int) -> pd.DataFrame:
    """Customers aged 27 to 39 weeks, as in CDNOW, with what they buy and spend before and after."""
    random = np.random.default_rng([seed, TRUTH])
    age = random.uniform(27, 39, customers)
    base = simulate_histories(model, CDNOW[model], age, ahead=AHEAD, seed=random)
    purchases = base[["frequency", "purchases_ahead"]].to_numpy()
    spent = simulate_spend(purchases, **CDNOW["gamma_gamma"], seed=random)
    bought = base["frequency"].to_numpy()
    mean = np.divide(spent[:, 0], bought, out=np.zeros(customers), where=bought > 0)
    return base.assign(monetary_value=mean, value_ahead=spent[:, 1])


def recover(model: str, customers: int, seed: int) -> dict[str, Any]:
    """Fit one simulated base and say what lies inside its interval."""
    warnings.simplefilter("ignore", UserWarning)  # of limits, which some bases reach
    base = simulated_base(model, customers, seed)
    x, t_x, age = (base[name].to_numpy() for name in ("frequency", "recency", "T"))
    fitted = MODELS[model]().fit(x, t_x, age)
    posterior = sample_posterior(fitted, seed=[seed, PARAMETERS])
    buying = base[base["frequency"] > 0]
    spend = GammaGamma().fit(buying["frequency"], buying["monetary_value"])
    spend_posterior = sample_posterior(spend, seed=[seed, SPEND])
    future: dict[str, Any] = {"coverage": COVERAGE, "seed": [seed, FUTURE]}
    forecast = forecast_base(fitted, posterior, spend_posterior, AHEAD, base, futures=FUTURES, **future)
    intervals = purchase_intervals(fitted, posterior, AHEAD, x, t_x, age, **future)
    actual = base["purchases_ahead"].to_numpy()

    at_least, above = (
        probability_of_at_least(fitted, posterior, actual + extra, AHEAD, x, t_x, age, seed=[seed, FUTURE])
        for extra in (0, 1)
    )
    transform = randomised_pit(actual, 1 - above, 1 - at_least, np.random.default_rng([seed, TRANSFORM]))
    value = base["value_ahead"].to_numpy()
    inside = {
        **_inside(posterior.interval(COVERAGE), CDNOW[model]),
        **_inside(spend_posterior.interval(COVERAGE), CDNOW["gamma_gamma"]),
        "total purchases": _between(actual.sum(), *interval_of(forecast.purchases, COVERAGE)),
        "total value": _between(value.sum(), *interval_of(forecast.value, COVERAGE)),
    }
    return {
        **inside,
        "customers' purchases": interval_coverage(actual, *intervals),
        "customers' value": interval_coverage(value, *forecast.customers.to_numpy().T),
        "transform": transform,
        "pareto k": max(posterior.pareto_k, spend_posterior.pareto_k),
    }


def study(model: str, bases: int, customers: int, workers: int = 2) -> dict[str, float]:
    """Share of bases, or of customers, inside; and the transform's test of uniformity over all bases."""
    with ProcessPoolExecutor(workers) as pool:
        found = list(_progress(model, pool.map(recover, repeat(model), repeat(customers, bases), range(bases))))
    # one customer in fifty of each base: so many that the test notices, so few that they are as good as independent
    transforms = np.concatenate([each.pop("transform")[::50] for each in found])
    shares = {str(what): float(share) for what, share in pd.DataFrame(found).drop(columns="pareto k").mean().items()}
    worst = max(each["pareto k"] for each in found)
    return {
        **shares,
        "uniform by a test, p": pit_uniformity(transforms).p_value,
        "tested": len(transforms),
        "worst pareto k": worst,
    }


def _progress(model: str, results: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, result in enumerate(results, start=1):
        yield result
        if number % 20 == 0:
            print(f"{model}: {number} bases", flush=True)


def _inside(intervals: pd.DataFrame, truth: Any) -> dict[str, bool]:
    return {
        name: _between(truth[name], *bounds) for name, bounds in zip(intervals.index, intervals.to_numpy(), strict=True)
    }


def _between(value: float, low: float, high: float) -> bool:
    return bool(low <= value <= high)


def main() -> None:
    """Print the shares for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--bases", type=int, default=200)
    parser.add_argument("--customers", type=int, default=2357)
    given = parser.parse_args()
    for model in given.models:
        print(model, json.dumps(study(model, given.bases, given.customers), indent=1), flush=True)


if __name__ == "__main__":
    main()
