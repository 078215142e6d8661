"""Which method and which number of clusters: every one is tried, ranked by the usual criteria, and one is chosen.

References
----------
Rousseeuw, P. J. (1987). Silhouettes. *Journal of Computational and Applied Mathematics* 20, 53-65.
Caliński, T. & J. Harabasz (1974). A dendrite method for cluster analysis. *Communications in Statistics* 3(1), 1-27.
Davies, D. L. & D. W. Bouldin (1979). A cluster separation measure. *IEEE Transactions on Pattern Analysis and Machine
Intelligence* 1(2), 224-227.
Tibshirani, R., G. Walther & T. Hastie (2001). Estimating the number of clusters in a data set via the gap statistic.
*Journal of the Royal Statistical Society B* 63(2), 411-423.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, pairwise_distances, silhouette_score

from models.cluster_methods import few_axes, gaussian_mixture, hdbscan, k_means
from models.cluster_model import Array, Fit, Method
from models.cluster_reference import Draw
from models.cluster_validity import APART, STABLE, between_halves, halved

JUDGED_ON = 1_000  # customers at most, of those sampled
MUCH_AS_STABLE = 0.1
SMALLEST_SHARE = 0.02
MOST_NOISE = 0.25

_REFERENCE_ON = 600
_GAP_REFERENCES = 8
_HIGHER_IS_BETTER = {"silhouette": True, "calinski_harabasz": True, "davies_bouldin": False, "gap": True, "bic": True}


@dataclass(frozen=True)
class Trial:
    """One clustering of the sample, and what speaks for it.

    Attributes
    ----------
    method : {"k-means", "mixture", "HDBSCAN"}
    number : int
        Of clusters.
    fit : Fit
    criteria : dict of str to float
        silhouette, calinski_harabasz, davies_bouldin, gap, bic, noise (share), smallest (share of customers in the
        smallest cluster), stability, between; NaN where one doesn't apply.
    """

    method: Method
    number: int
    fit: Fit
    criteria: dict[str, float]


def trials_of(
    sample: Array, tried: list[int], free: bool, draw_reference: Draw, rng: np.random.Generator
) -> list[Trial]:
    """Return every clustering tried, with its criteria.

    Parameters
    ----------
    sample : ndarray of shape (customers, features)
        In random order: the first `JUDGED_ON` are judged by.
    tried : list of int
        Numbers of clusters.
    free : bool
        Whether HDBSCAN, which finds its own number, is tried too.
    draw_reference : callable
        Draws a base of one group; see `models.cluster_reference.one_group_like`.
    rng : numpy.random.Generator
    """
    judged = sample[:JUDGED_ON]
    distances = pairwise_distances(judged)
    splits = halved(judged, rng)
    gaps = _gaps(sample[:_REFERENCE_ON], tried, draw_reference, rng)
    trials = []

    def add(method: Method, number: int, fit: Fit, **criteria: float) -> None:
        trials.append(
            Trial(
                method,
                number,
                fit,
                _criteria(fit, judged, distances) | criteria | between_halves(method, number, judged, splits, rng),
            )
        )

    for number, gap in zip(tried, gaps, strict=True):
        add("k-means", number, k_means(sample, number, rng), gap=gap)
    for number in tried:
        mixture, bic = gaussian_mixture(sample, number, rng, like=len(judged))
        add("mixture", number, mixture, bic=bic)
    dense = hdbscan(judged) if few_axes(sample) and free else None
    if dense is not None and dense[1] <= MOST_NOISE and len(dense[0].centres) <= max(tried):
        add("HDBSCAN", len(dense[0].centres), dense[0], noise=dense[1])
    return trials


def _criteria(fit: Fit, judged: Array, distances: Array) -> dict[str, float]:
    labels = fit.predict(judged)
    sizes = np.unique_counts(labels).counts
    told = dict.fromkeys(_HIGHER_IS_BETTER, np.nan) | {"noise": np.nan, "smallest": sizes.min() / len(judged)}
    if not 1 < len(sizes) < len(judged):
        return told | {"silhouette": 0.0, "calinski_harabasz": 0.0, "davies_bouldin": np.inf}
    return told | {
        "silhouette": float(silhouette_score(distances, labels, metric="precomputed")),
        "calinski_harabasz": float(calinski_harabasz_score(judged, labels)),
        "davies_bouldin": float(davies_bouldin_score(judged, labels)),
    }


def _gaps(points: Array, tried: list[int], draw_reference: Draw, rng: np.random.Generator) -> Array:
    """Return the gap statistic of k-means for each number: how much tighter than in bases of one group."""

    def log_spread(cloud: Array) -> list[float]:
        spreads = []
        for number in tried:
            fit = k_means(cloud, number, rng, starts=1)
            spreads.append(np.log(max(1e-12, ((cloud - fit.centres[fit.predict(cloud)]) ** 2).sum())))
        return spreads

    references = [log_spread(draw_reference(len(points), rng)) for _ in range(_GAP_REFERENCES)]
    return np.mean(references, axis=0) - log_spread(points)


def choice_of(trials: list[Trial]) -> pd.DataFrame:
    """Return the table of all trials, with the chosen one.

    Returns
    -------
    pandas.DataFrame
        One row a trial: method, clusters, its criteria, rank (mean over the criteria, 0 the best and 1 the worst),
        sound, chosen (of one row).
    """
    frame = pd.DataFrame([{"method": trial.method, "clusters": trial.number, **trial.criteria} for trial in trials])
    places = pd.DataFrame(
        {
            name: (ranks - 1) / max(1, ranks.count() - 1)
            for name, higher in _HIGHER_IS_BETTER.items()
            for ranks in [frame[name].rank(ascending=not higher)]
        }
    )
    frame["rank"] = places.mean(axis=1)
    stable, tiny = frame["stability"] >= STABLE, frame["smallest"] < SMALLEST_SHARE
    frame["sound"] = stable & (frame["between"] <= APART) & ~tiny
    sound = frame["sound"]
    # a cluster of stragglers beside the groups may be sound, but isn't found again as surely
    sound = sound & (frame["stability"] >= frame["stability"].where(sound).max() - MUCH_AS_STABLE)
    most = frame["clusters"] == frame["clusters"].where(sound).max()
    kept = next((left for left in (sound & most, stable & ~tiny, stable) if left.any()), None)
    best = frame["stability"].idxmax() if kept is None else frame["rank"].where(kept).idxmin()
    frame["chosen"] = frame.index == best
    order = ["rank", "stability", "between", "smallest", "noise", "sound", "chosen"]
    return frame[["method", "clusters", *_HIGHER_IS_BETTER, *order]]
