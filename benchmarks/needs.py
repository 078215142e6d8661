"""Are groups of customers found where there are some, and none where there are none? python -m benchmarks.needs

Five kinds of base are simulated: points of one group in many shapes, points of several groups, ledgers whose customers
differ gradually, ledgers with planted needs, and ledgers whose groups differ in what they buy only, and gradually in
all else. Of the first and third it is counted how often "no clear groups" is said, of the others how well the groups
are found (adjusted Rand index) and how often they are called clear.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from sklearn.metrics import adjusted_rand_score, pairwise_distances

from models.clustering import find_clusters
from models.needs import needs_features

Array = np.ndarray
Draw = Callable[[np.random.Generator, int, int], Array]

AS_OF = dt.date(2025, 12, 31)
SIZES = (100, 100, 300, 300, 1_000, 1_000, 4_000, 20_000)
FEATURES = (2, 3, 6, 12, 25)
FARTHEST = 3.0
LARGE = 4.0  # lines to a basket, from which most baskets hold several categories, and groups overlap


def _correlated(rng: np.random.Generator, customers: int, features: int) -> Array:
    common = rng.normal(size=(customers, 2)) @ rng.normal(size=(2, features))
    return common + 0.6 * rng.normal(size=(customers, features))


def _in_ball(rng: np.random.Generator, customers: int, features: int) -> Array:
    rays = rng.normal(size=(customers, features))
    return rays / np.linalg.norm(rays, axis=1, keepdims=True) * rng.random((customers, 1)) ** (1 / features)


def _compositions(rng: np.random.Generator, customers: int, features: int) -> Array:
    logs = np.log(rng.dirichlet(np.full(features + 1, 1.5), customers) + 0.02)
    return (logs - logs.mean(axis=1, keepdims=True))[:, :features]


#: Bases of one group, by shape.
SHAPES: dict[str, Draw] = {
    "normal": lambda rng, n, p: rng.normal(size=(n, p)),
    "uniform": lambda rng, n, p: rng.random((n, p)),
    "in a ball": _in_ball,
    "exponential": lambda rng, n, p: rng.exponential(size=(n, p)),
    "lognormal": lambda rng, n, p: np.exp(rng.normal(size=(n, p))),
    "correlated": _correlated,
    "correlated and skewed": lambda rng, n, p: np.exp(0.5 * _correlated(rng, n, p)),
    "elongated": lambda rng, n, p: rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, p)),
    "heavy tails": lambda rng, n, p: rng.standard_t(3, (n, p)),
    "heavy tails together": lambda rng, n, p: rng.normal(size=(n, p)) / np.sqrt(rng.chisquare(3, (n, 1)) / 3),
    "counts": lambda rng, n, p: rng.poisson(1.5, (n, p)).astype(float),
    "yes or no": lambda rng, n, p: (rng.random((n, p)) < 0.4).astype(float),
    "often none": lambda rng, n, p: np.where(rng.random((n, p)) < 0.4, 0, rng.gamma(2, size=(n, p))),
    "counts beside amounts": lambda rng, n, p: np.column_stack(
        [rng.poisson(1.5, (n, p // 2)), rng.normal(size=(n, p - p // 2))]
    ),
    "compositions": _compositions,
}


def comparable(points: Array) -> pd.DataFrame:
    """Standardise points and cut them off, as needs are, without their weights."""
    spread = points.std(axis=0)
    scaled = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    index = pd.Index([f"{number:06}" for number in range(len(points))], name="customer")
    columns = [f"trait {number}" for number in range(points.shape[1])]
    return pd.DataFrame(scaled.clip(-FARTHEST, FARTHEST), index=index, columns=columns)


def planted_points(
    rng: np.random.Generator, customers: int, features: int, groups: int, apart: float, *, skewed: bool
) -> tuple[pd.DataFrame, Array]:
    """Return customers in groups and who belongs where; the two closest centres are `apart` standard deviations."""
    centres = rng.normal(size=(groups, features))
    distances = pairwise_distances(centres)
    centres *= apart / distances[np.triu_indices(groups, 1)].min()
    truth = rng.choice(groups, customers, p=rng.dirichlet(np.full(groups, 10.0)))
    noise = (rng.gamma(4, size=(customers, features)) - 4) / 2 if skewed else rng.normal(size=(customers, features))
    return comparable(centres[truth] + noise), truth


class Type(NamedTuple):
    """What customers of one type do on average."""

    shares: Array
    basket: float
    lines: float
    weekend: float
    evening: float
    discount: float
    own_brand: float


def type_of_customer(rng: np.random.Generator, categories: int) -> Type:
    """Draw what customers of a new type do."""
    return Type(
        shares=rng.dirichlet(np.full(categories, 0.7)) * 0.9 + 0.1 / categories,
        basket=float(np.exp(rng.normal(3, 0.7))),
        lines=float(rng.uniform(1.5, 8)),
        weekend=float(rng.uniform(0.1, 0.8)),
        evening=float(rng.uniform(0.1, 0.9)),
        discount=float(rng.uniform(0.02, 0.3)),
        own_brand=float(rng.uniform(0.1, 0.7)),
    )


def simulated_ledger(
    rng: np.random.Generator,
    customers: int,
    types: list[Type],
    purchases: float,
    *,
    alike: float,
    otherwise: float | None = None,
) -> tuple[pl.DataFrame, pd.Series]:
    """Return a shop's ledger of two years and the type of each customer.

    Parameters
    ----------
    rng : numpy.random.Generator
    customers : int
    types : list of Type
        Each customer is of one, drawn with unequal chances.
    purchases : float
        Mean number per customer; the numbers spread like a negative binomial.
    alike : float
        How alike customers of a type are: the strength of the Dirichlet and beta distributions around its means.
    otherwise : float, optional
        The same in everything but the categories bought, where it is another there.
    """
    otherwise = alike if otherwise is None else otherwise
    of_type = rng.choice(len(types), customers, p=rng.dirichlet(np.full(len(types), 10.0)))
    baskets = 1 + rng.poisson(rng.gamma(1.5, purchases / 1.5, customers))

    def chance(name: str) -> Array:
        mean = np.array([getattr(one, name) for one in types])[of_type]
        return rng.beta(mean * otherwise, (1 - mean) * otherwise)

    level = np.array([one.basket for one in types])[of_type] * np.exp(rng.normal(0, 2 / np.sqrt(otherwise), customers))
    length = np.array([one.lines for one in types])[of_type] * np.exp(
        rng.normal(0, 1.5 / np.sqrt(otherwise), customers)
    )
    shares = np.array([rng.dirichlet(types[number].shares * alike) for number in of_type])
    owner = np.repeat(np.arange(customers), baskets)
    weekend = rng.random(len(owner)) < chance("weekend")[owner]
    day = rng.integers(0, 104, len(owner)) * 7 + np.where(
        weekend, rng.integers(5, 7, len(owner)), rng.integers(0, 5, len(owner))
    )
    evening = rng.random(len(owner)) < chance("evening")[owner]
    hour = np.where(evening, rng.integers(17, 22, len(owner)), rng.integers(8, 17, len(owner)))
    lines = 1 + rng.poisson(length[owner])
    line = np.repeat(np.arange(len(owner)), lines)
    who = owner[line]
    category = (shares[who].cumsum(axis=1) < rng.random((len(who), 1))).sum(axis=1).clip(max=shares.shape[1] - 1)
    amount = (level[who] / (1 + length[who])) * rng.gamma(2, 0.5, len(who))
    rate = np.clip(chance("discount")[who] + rng.normal(0, 0.02, len(who)), 0, 0.9)
    own = rng.random(len(who)) < chance("own_brand")[who]
    monday = np.datetime64("2024-01-01T00")
    ledger = pl.DataFrame(
        {
            "customer": np.char.mod("%06d", who),
            "date": (monday + (day[line] * 24 + hour[line]).astype("timedelta64[h]")).astype("datetime64[us]"),
            "order": line.astype(str),
            "category": np.char.mod("category %02d", category),
            "brand": np.where(own, "Private", "Other"),
            "amount": amount * (1 - rate),
            "discount": amount * rate,
        }
    )
    names = pd.Index(np.char.mod("%06d", np.arange(customers)), name="customer")
    return ledger, pd.Series(of_type, index=names)


class Outcome(NamedTuple):
    """What was found in one base."""

    kind: str
    shape: str
    customers: int
    features: int
    groups: int
    found: int
    clear: bool
    agreement: float
    seconds: float


def one_group(seed: int) -> Outcome:
    """Cluster points of one group."""
    rng = np.random.default_rng([1, seed])
    shape = list(SHAPES)[seed % len(SHAPES)]
    customers, features = int(rng.choice(SIZES)), int(rng.choice(FEATURES))
    points = comparable(SHAPES[shape](rng, customers, features))
    return _outcome("one group", shape, points, np.zeros(customers), 1, seed)


def several_groups(seed: int) -> Outcome:
    """Cluster points of two to six groups, five to eight standard deviations apart."""
    rng = np.random.default_rng([2, seed])
    groups, features = int(rng.integers(2, 7)), int(rng.choice(FEATURES))
    customers = int(rng.choice([size for size in SIZES if size >= 40 * groups]))
    skewed = bool(seed % 2)
    points, truth = planted_points(rng, customers, features, groups, rng.uniform(5, 8), skewed=skewed)
    return _outcome("several groups", "skewed" if skewed else "normal", points, truth, groups, seed)


def gradual_ledger(seed: int) -> Outcome:
    """Cluster a ledger whose customers are of one type."""
    rng = np.random.default_rng([3, seed])
    customers, categories = int(rng.choice(SIZES[:7])), int(rng.integers(4, 30))
    purchases, alike = float(rng.uniform(5, 40)), float(np.exp(rng.uniform(np.log(3), np.log(60))))
    ledger, truth = simulated_ledger(rng, customers, [type_of_customer(rng, categories)], purchases, alike=alike)
    return _of_ledger("ledger, one type", f"alike {alike:.0f}", ledger, truth, 1, seed)


def planted_ledger(seed: int) -> Outcome:
    """Cluster a ledger with two to five types of customer."""
    rng = np.random.default_rng([4, seed])
    groups, categories = int(rng.integers(2, 6)), int(rng.integers(6, 20))
    customers = int(rng.choice([size for size in SIZES[:7] if size >= 60 * groups]))
    types = [type_of_customer(rng, categories) for _ in range(groups)]
    ledger, truth = simulated_ledger(rng, customers, types, float(rng.uniform(15, 40)), alike=60.0)
    return _of_ledger("ledger, planted", "alike 60", ledger, truth, groups, seed)


def types_by_category(rng: np.random.Generator, groups: int, categories: int, own: float) -> list[Type]:
    """Return types that differ in nothing but the category from which the share `own` of what they buy is."""
    one = type_of_customer(rng, categories)
    others = (1 - own) / (categories - 1)
    return [one._replace(shares=np.where(np.arange(categories) == group, own, others)) for group in range(groups)]


def one_block_ledger(seed: int) -> Outcome:
    """Cluster a ledger with three to six groups: most of what each buys is of one category; all else is gradual."""
    rng = np.random.default_rng([5, seed])
    groups, categories = int(rng.integers(3, 7)), int(rng.integers(6, 13))
    customers = int(rng.choice([size for size in SIZES[2:7] if size >= 80 * groups]))
    own, purchases, otherwise = rng.uniform(0.7, 0.85), float(rng.uniform(15, 40)), float(rng.uniform(5, 20))
    types = types_by_category(rng, groups, categories, own)
    ledger, truth = simulated_ledger(rng, customers, types, purchases, alike=60.0, otherwise=otherwise)
    shape = f"{'large' if types[0].lines > LARGE else 'small'} baskets"
    return _of_ledger("ledger, one block", shape, ledger, truth, groups, seed)


def _of_ledger(kind: str, shape: str, ledger: pl.DataFrame, truth: pd.Series, groups: int, seed: int) -> Outcome:
    needs = needs_features(ledger, AS_OF)
    compared = needs.compared
    if len(compared) < 50:
        return Outcome(kind, shape, len(compared), compared.shape[1], groups, 0, False, np.nan, 0.0)
    return _outcome(kind, shape, compared, truth.loc[compared.index].to_numpy(), groups, seed, needs.parts)


def _outcome(
    kind: str,
    shape: str,
    points: pd.DataFrame,
    truth: Array,
    groups: int,
    seed: int,
    parts: dict[str, list[str]] | None = None,
) -> Outcome:
    begun = time.process_time()
    found = find_clusters(points, parts=parts, seed=seed)
    agreement = adjusted_rand_score(truth, found.labels.loc[points.index]) if groups > 1 else np.nan
    return Outcome(kind, shape, *points.shape, groups, found.k, found.clear, agreement, time.process_time() - begun)


KINDS: dict[str, Callable[[int], Outcome]] = {
    "one-group": one_group,
    "several-groups": several_groups,
    "gradual-ledger": gradual_ledger,
    "planted-ledger": planted_ledger,
    "one-block-ledger": one_block_ledger,
}


def outcomes(kind: str, bases: int, workers: int = 1, first: int = 0) -> Iterator[Outcome]:
    """Yield what was found in each of several bases of a kind of `KINDS`."""
    if workers == 1:
        yield from map(KINDS[kind], range(first, first + bases))
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(KINDS[kind], range(first, first + bases))


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Count, per kind and shape, how often groups were called clear and how well they were found."""
    return found.groupby(["kind", "shape"]).agg(
        bases=("clear", "size"),
        clear=("clear", "mean"),
        agreement=("agreement", "median"),
        at_least_090=("agreement", lambda values: (values.dropna() >= 0.9).mean()),
        right_number=("found", lambda values: (values == found.loc[values.index, "groups"]).mean()),
        seconds=("seconds", "mean"),
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.needs", description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"{', '.join(KINDS)}; all of them by default")
    parser.add_argument("--bases", type=int, default=150, help="of each kind")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first base")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args(arguments)
    for kind in given.kinds or KINDS:
        rows: list[Any] = []
        for row in outcomes(kind, given.bases, given.workers, given.first):
            rows.append(row)
            if row.clear != (row.groups > 1) or row.agreement < 0.9:
                print(row, flush=True)
        found = pd.DataFrame(rows)
        print(summary(found).round(3).to_string())
        print(f"{kind}: clear groups in {found['clear'].mean():.1%} of {len(found)} bases", flush=True)


if __name__ == "__main__":
    main()
