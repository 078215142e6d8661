"""Groups of customers who buy alike, found by k-means, and an honest answer to whether there are any."""

import datetime as dt
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from narwhals.typing import IntoFrame
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, pairwise_distances, silhouette_score
from threadpoolctl import threadpool_limits

from models.rfm import purchase_days

# What customers are compared by: recency, frequency, monetary value. `tenure_days` stays out because it
# says when somebody came rather than how they buy, and would return the acquisition campaigns as clusters;
# `days_between` because customers of one purchase have none, and for the others the remaining features
# determine it.
COMPARED = ["days_since_last", "purchases", "mean_spend"]

FEWEST_CUSTOMERS = 20
STABLE = 0.8
UNSTABLE = 0.6
WEAK_SILHOUETTE = 0.25

_FIT_ON = 10_000
_JUDGE_ON = 2_000
_RESAMPLE = 2_500
_RESAMPLES = 8
_STARTS = 3
_REFERENCES = 19
_REFERENCE_POINTS = 500
_CUSTOMERS_PER_CLUSTER = 5
_FARTHEST = 3.0
_ROUNDING = 1e-9

# How a cluster below and above the base is called, in the order in which a name lists them.
_WORDS = {
    "purchases": ("occasional", "frequent"),
    "days_since_last": ("recent", "long ago"),
    "mean_spend": ("small baskets", "large baskets"),
}
_FIGURES = {
    "purchases": "{:.3g} purchases",
    "days_since_last": "{:.0f} days since the last",
    "mean_spend": "{:.4g} a purchase",
}


@dataclass(frozen=True)
class Clustering:
    """Clusters of customers and how far to trust them.

    Attributes
    ----------
    labels : pandas.Series
        Cluster of each customer, 1 to `k`, indexed and sorted by customer. Cluster 1 spent most per customer
        (purchases times mean spend), cluster `k` least.
    k : int
        Number of clusters.
    choice : pandas.DataFrame
        One row for each number of clusters tried: `k`, `silhouette`, `stability`, `chosen`.
    profile : pandas.DataFrame
        One row per cluster: `cluster`, `name`, `customers`, `share` (of all customers), and the median of
        every feature in its own unit.
    names : pandas.Series
        Short name of each cluster, all different, from what sets it apart most from the whole base.
    silhouette : float
        Mean silhouette (Rousseeuw 1987): 1 for tight clusters far apart, about 0 for none.
    stability : float
        Mean adjusted Rand index between clusterings of resamples: 1 when each finds the same clusters,
        about 0 when they agree by chance only.
    reference : float
        Best silhouette that k-means with as many clusters reaches in 19 tries where there are none: on points
        spread evenly over the box around the customers. An evenly spread base exceeds it about once in twenty
        times.
    clear : bool
        False when there are no clear groups: silhouette below 0.25 or no better than `reference`, or
        stability below 0.6. The clusters then cut a continuum into handy pieces and mean no more than that.
    """

    labels: pd.Series
    k: int
    choice: pd.DataFrame
    profile: pd.DataFrame
    names: pd.Series
    silhouette: float
    stability: float
    reference: float
    clear: bool


def behaviour_features(purchases: IntoFrame, as_of: dt.date) -> pd.DataFrame:
    """Describe how each customer buys, from what was known at the end of `as_of`.

    Parameters
    ----------
    purchases : frame
        Rows of customer, date and amount, in any order. Rows of one customer on one day are one purchase.
    as_of : date
        Last day observed. Later purchases are left out.

    Returns
    -------
    pandas.DataFrame
        Indexed and sorted by `customer`: `days_since_last` purchase; `purchases` (days with one);
        `mean_spend` per purchase (the ledger's currency); `tenure_days` since the first purchase;
        `days_between` purchases on average, null for a customer of one purchase.
    """
    last_day = pd.Timestamp(as_of).normalize()
    date = nw.col("date")
    summary: pl.DataFrame = (
        nw.from_native(purchase_days(purchases))
        .lazy()
        .filter(date <= nw.lit(last_day.to_pydatetime()))
        .group_by("customer")
        .agg(date.min().alias("first"), date.max().alias("last"), nw.col("amount").mean(), purchases=nw.len())
        .collect("polars")
        .to_native()
    )
    end = pl.lit(last_day.to_pydatetime())
    first, last = (pl.col(name).cast(pl.Datetime("us")) for name in ("first", "last"))
    number = pl.col("purchases").cast(pl.Int64)
    features = summary.sort("customer").select(
        "customer",
        days_since_last=(end - last).dt.total_days(),
        purchases=number,
        mean_spend=pl.col("amount").cast(pl.Float64),
        tenure_days=(end - first).dt.total_days(),
        days_between=pl.when(number > 1).then((last - first).dt.total_days() / (number - 1)),
    )
    return features.to_pandas().set_index("customer")


def cluster(features: pd.DataFrame, *, clusters: int | None = None, most: int = 8, seed: int) -> Clustering:
    """Group customers by recency, frequency and mean spend with k-means.

    The three are compared on a log scale (twice as much is as far from once as four times from twice),
    standardised, and cut off at three standard deviations so that a few extraordinary customers can't claim
    a cluster of their own.

    Without `clusters` given, every number from 2 to `most` is tried, as long as there are five customers to
    each. Of those with a stability of at least 0.8 the one with the best silhouette is taken; if there is
    none, the most stable.

    Parameters
    ----------
    features : pandas.DataFrame
        As `behaviour_features` returns it, indexed by customer, in any order. Further numeric columns
        appear in the profile only.
    clusters : int, optional
        How many clusters to make; absent, the number is chosen.
    most : int, default 8
        Largest number tried.
    seed : int
        Fixes every random draw. The result depends on it and on the customers, not on their order.

    Returns
    -------
    Clustering
        Labels, names, profile, and what speaks for and against them.

    Raises
    ------
    ValueError
        For fewer than 20 customers, fewer than two different ones or than `clusters`, a customer listed
        twice, missing values in the three features, or fewer than two clusters asked for.

    Notes
    -----
    Centres are fitted to a random sample of at most 10,000 customers and every customer gets the nearest.
    The silhouette is that of at most 2,000 of them. For the stability, eight resamples drawn with
    replacement (at most 2,500 customers each) are clustered, each clustering is extended to those same
    2,000, and neighbouring ones are compared by the adjusted Rand index of Hubert & Arabie (1985), in the
    manner of Fang & Wang (2012), *Computational Statistics & Data Analysis* 56, 468-477.

    A silhouette of 0.25 is nothing extraordinary for k-means on evenly spread points, hence the reference:
    the null distribution of the gap statistic (Tibshirani, Walther & Hastie 2001, section 3, b) in a Monte
    Carlo test. Its points number at most 500, and fewer points have higher silhouettes by chance, so the
    larger base has the harder test.
    """
    if (clusters is not None and clusters < 2) or most < 2:
        raise ValueError("Clustering needs at least two clusters.")
    features = _checked(features)
    points = _standardised(features)
    rng = np.random.default_rng(seed)
    sample = points[rng.permutation(len(points))[:_FIT_ON]]
    distinct = len(np.unique(sample, axis=0))
    if distinct < (clusters or 2):
        raise ValueError(f"There are {distinct} different kinds of customer, too few for {clusters or 2} clusters.")
    largest = max(2, min(most, distinct, len(points) // _CUSTOMERS_PER_CLUSTER))
    tried = [clusters] if clusters else list(range(2, largest + 1))

    # One thread for each k-means: it adds up in the order in which threads finish, so several would not give the
    # same twice. Different numbers of clusters are tried at once, each drawing from a generator of its own.
    with warnings.catch_warnings(), threadpool_limits(limits=1), ThreadPoolExecutor() as pool:
        # A resample of a small base may hold fewer different customers than clusters; that counts against k.
        warnings.simplefilter("ignore", ConvergenceWarning)
        judged = sample[:_JUDGE_ON]
        distances = pairwise_distances(judged)
        trials = list(pool.map(partial(_try, sample, judged, distances), tried, rng.spawn(len(tried))))
        fits = {k: fit for k, (fit, _, _) in zip(tried, trials, strict=True)}
        choice = pd.DataFrame(
            {"k": tried, "silhouette": [trial[1] for trial in trials], "stability": [trial[2] for trial in trials]}
        )
        best = _best(choice)
        choice["chosen"] = np.arange(len(choice)) == best
        k, silhouette, stability = tried[best], *choice[["silhouette", "stability"]].iloc[best]
        reference = _reference(judged, k, rng)
        nearest = fits[k].predict(points)

    labels = _ranked(nearest, features)
    names = _names(labels, features, points)
    return Clustering(
        labels=labels,
        k=k,
        choice=choice,
        profile=_profile(labels, features, names),
        names=names,
        silhouette=float(silhouette),
        stability=float(stability),
        reference=reference,
        clear=bool(silhouette >= WEAK_SILHOUETTE and silhouette > reference and stability >= UNSTABLE),
    )


def _checked(features: pd.DataFrame) -> pd.DataFrame:
    if len(features) < FEWEST_CUSTOMERS:
        raise ValueError(f"Clusters need at least {FEWEST_CUSTOMERS} customers; here there are {len(features)}.")
    if not features.index.is_unique:
        raise ValueError("Every customer must appear once; some appear more often.")
    if features[COMPARED].isna().to_numpy().any():
        raise ValueError(f"Customers are compared by {', '.join(COMPARED)}; some values are missing.")
    return features.sort_index()


def _standardised(features: pd.DataFrame) -> np.ndarray:
    """Return the compared features on one scale, shape (customers, 3), negative spend as none."""
    logs = np.log1p(features[COMPARED].to_numpy(np.float64).clip(min=0))
    mean, spread = logs.mean(axis=0), logs.std(axis=0)
    # equal values differ by rounding only, which must not be blown up into a difference
    varies = spread > _ROUNDING * np.maximum(1, np.abs(mean))
    scaled = np.where(varies, (logs - mean) / np.where(varies, spread, 1), 0.0)
    return scaled.clip(-_FARTHEST, _FARTHEST)


def _k_means(k: int, rng: np.random.Generator) -> KMeans:
    return KMeans(k, n_init=_STARTS, random_state=int(rng.integers(2**31)))


def _try(
    sample: np.ndarray, judged: np.ndarray, distances: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[KMeans, float, float]:
    """Return k-means with `k` clusters, its silhouette and its stability."""
    fit = _k_means(k, rng).fit(sample)
    return fit, _silhouette(distances, fit.predict(judged)), _stability(sample, judged, k, rng)


def _silhouette(distances: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean silhouette; 0 where it isn't defined, with one cluster or each point its own."""
    if not 1 < len(np.unique(labels)) < len(labels):
        return 0.0
    return float(silhouette_score(distances, labels, metric="precomputed"))


def _stability(sample: np.ndarray, judged: np.ndarray, k: int, rng: np.random.Generator) -> float:
    size = min(len(sample), _RESAMPLE)
    labels = []
    for _ in range(_RESAMPLES):
        resample = sample[rng.integers(len(sample), size=size)]
        labels.append(_k_means(k, rng).fit(resample).predict(judged))
    neighbours = zip(labels, labels[1:] + labels[:1], strict=True)
    return float(np.mean([adjusted_rand_score(one, other) for one, other in neighbours]))


def _best(choice: pd.DataFrame) -> int:
    """Return the chosen row's position."""
    stable = choice["stability"] >= STABLE
    merit = choice["silhouette"].where(stable) if stable.any() else choice["stability"]
    return int(merit.argmax())


def _reference(points: np.ndarray, k: int, rng: np.random.Generator) -> float:
    """Return the best silhouette on points spread evenly over the box along the principal axes."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    along = centred @ axes.T
    size = (min(len(points), _REFERENCE_POINTS), along.shape[1])
    silhouettes = []
    for _ in range(_REFERENCES):
        even = rng.uniform(along.min(axis=0), along.max(axis=0), size=size)
        labels = _k_means(k, rng).fit_predict(even)
        silhouettes.append(_silhouette(pairwise_distances(even), labels))
    return max(silhouettes)


def _ranked(nearest: np.ndarray, features: pd.DataFrame) -> pd.Series:
    """Return cluster numbers, counted from the one that spent most per customer."""
    spent = (features["purchases"] * features["mean_spend"]).groupby(nearest).mean()
    rank = spent.rank(ascending=False, method="first").astype(np.int64)
    return pd.Series(rank.loc[nearest].to_numpy(), index=features.index, name="cluster")


def _profile(labels: pd.Series, features: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    groups = features.groupby(labels)
    customers = groups.size()
    frame = pd.DataFrame({"name": names, "customers": customers, "share": customers / len(labels)})
    return frame.join(groups.median()).rename_axis("cluster").reset_index()


def _names(labels: pd.Series, features: pd.DataFrame, points: np.ndarray) -> pd.Series:
    """Name each cluster by where it is farthest from the base; say more where two names coincide."""
    standing = pd.DataFrame(points, index=features.index, columns=COMPARED).groupby(labels).mean()
    centres: dict[int, dict[str, float]] = standing.to_dict("index")  # type: ignore[assignment]
    medians = features[COMPARED].groupby(labels).median().to_dict("index")
    single = (features["purchases"] == 1).groupby(labels).mean()

    def described(number: int, words: int, least: float) -> str:
        centre = centres[number]
        telling = sorted(centre, key=lambda feature: -abs(centre[feature]))[:words]
        parts = []
        for feature, (below, above) in _WORDS.items():
            if feature == "purchases" and single[number] >= 0.9:
                below = "one purchase"
            if feature in telling and abs(centre[feature]) >= least:
                parts.append(above if centre[feature] > 0 else below)
        return ", ".join(parts) or "typical"

    names = {number: described(number, words=2, least=0.4) for number in centres}
    for number in _coinciding(names):
        names[number] = described(number, words=3, least=0.2)
    if alike := _coinciding(names):
        apart = standing.loc[alike].std().to_numpy().argmax()
        feature = COMPARED[apart]
        for number in alike:
            names[number] += f" ({_FIGURES[feature].format(medians[number][feature])})"
    for number in _coinciding(names):
        names[number] += f", cluster {number}"
    return pd.Series(names, name="name").rename_axis("cluster")


def _coinciding(names: dict[int, str]) -> list[int]:
    uses = Counter(names.values())
    return [number for number, name in names.items() if uses[name] > 1]
