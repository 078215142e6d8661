"""Groups of customers with like needs, and an honest answer to whether there are any.

Every method of clustering returns clusters, of noise too. So of each it is asked whether it is found again when half
of the customers are left out, and whether there are fewer customers between its clusters than inside them, fewer also
than in simulated bases with the same traits, spreads and correlations, but of one group.

Groups may lie in a part of the traits only, where the others, in which customers differ gradually, hide them. So parts
are looked at by themselves where all traits together show no groups.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import polars as pl
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from models.cluster_choice import JUDGED_ON, Trial, choice_of, trials_of
from models.cluster_methods import CUSTOMERS_PER_CLUSTER, few_axes
from models.cluster_model import Array, ClusterModel, Method, Mixture, finite
from models.cluster_reference import one_group_like
from models.cluster_validity import APART, STABLE, between_halves, halved, separation_of_one_group

FEWEST_CUSTOMERS = 50

_FIT_ON = 5_000
_FEWEST_REFERENCES = 19
_LEVEL = 0.05  # how often a base of one group may be called clear, over all looks at it


@dataclass(frozen=True)
class Clusters:
    """Clusters of customers, and how far to trust them.

    Attributes
    ----------
    labels : pandas.Series
        Cluster of each customer, 1 (the largest) to `k`, indexed and sorted by customer.
    k : int
    method : {"k-means", "mixture", "HDBSCAN"}
    choice : pandas.DataFrame
        One row for each method and number tried: `method`, `clusters`; the criteria `silhouette`,
        `calinski_harabasz`, `gap` and `bic` (higher is better; gap of k-means only, bic of mixtures only and with the
        sign that makes higher better), `davies_bouldin` (lower is better); `rank`, the mean over the criteria of the
        place they give it (0 best, 1 last); `stability`; `between`; `smallest`, the share of customers in the smallest
        cluster; `noise`, the share that HDBSCAN put into no cluster; `sound`, whether it is stable, apart and without
        a tiny cluster; `chosen`.
    stability : float
        Mean adjusted Rand index of clusterings of random halves of the customers: 1 when both find the same.
    silhouette : float
        Mean silhouette: 1 for tight clusters far apart, about 0 for none. The more features, the lower.
    between : float
        How many customers there are in the sparsest place between two clusters, relative to the thinner one's middle;
        of the two clusters that are least apart. 1 where one flows into the other, 0 where nobody is between.
    reference : float
        What `between` is, on average, in bases of one group.
    clear : bool
        Whether these are groups, rather than handy pieces cut from a continuum: stable (0.8 or more), apart (`between`
        at most 0.5, at most half of `reference`, and below that of each of 19 bases of one group, of 20 more for every
        part of the traits that may be looked at), none tiny.
    model : ClusterModel
        For placing new customers.
    part : str or None
        Name of the part of the traits that the groups rest on, None for all. `choice`, the criteria and the centres are
        of these traits.
    looks : mapping of str or None to bool
        Whether there are clear groups, by the parts that were looked at, None being all traits.
    """

    labels: pd.Series
    k: int
    method: Method
    choice: pd.DataFrame
    stability: float
    silhouette: float
    between: float
    reference: float
    clear: bool
    model: ClusterModel
    part: str | None = None
    looks: Mapping[str | None, bool] = field(default_factory=dict)

    @property
    def centres(self) -> pd.DataFrame:
        """The mean of each cluster's customers; see `ClusterModel.centres`."""
        return self.model.centres

    def assign(self, features: pd.DataFrame) -> pd.Series:
        """Return the cluster of each customer; see `ClusterModel.assign`."""
        return self.model.assign(features)

    def to_frame(self) -> pl.DataFrame:
        """Return what a later run needs to place customers; see `ClusterModel.to_frame`."""
        return self.model.to_frame()

    @staticmethod
    def from_frame(frame: pl.DataFrame) -> ClusterModel:
        """Return the clusters of an earlier run; see `ClusterModel.from_frame`."""
        return ClusterModel.from_frame(frame)


def find_clusters(
    features: pd.DataFrame,
    *,
    parts: Mapping[str, Sequence[str]] | None = None,
    clusters: int | None = None,
    most: int = 8,
    seed: int,
) -> Clusters:
    """Group like customers by several methods, choose method and number, and judge whether there are groups at all.

    Parameters
    ----------
    features : pandas.DataFrame
        Indexed by customer, in any order; numeric columns that are ready to compare, as `models.needs.Needs.compared`.
    parts : mapping of str to sequence of str, optional
        Columns that are also looked at by themselves, as `models.needs.Needs.parts`.
    clusters : int, optional
        How many clusters to make; absent, the number is chosen.
    most : int, default 8
        Largest number tried, as long as there are ten customers to each.
    seed : int
        Fixes every random draw. The result depends on it and on the customers, not on their order.

    Returns
    -------
    Clusters

    Raises
    ------
    ValueError
        For fewer than 50 customers, fewer different ones than clusters, a customer listed twice, missing values, or
        fewer than two clusters asked for.

    Notes
    -----
    Tried are k-means and Gaussian mixtures for every number, and HDBSCAN, which finds its own number, where there are
    at most five features (in more, customers are everywhere sparse) and it leaves at most a quarter of them out.
    Mixtures have full covariances in the leading principal axes: at most eight, and four customers to each figure
    that is estimated. HDBSCAN's clusters are taken over by their centres, so that it too can place everybody.

    The choice: of what is stable (within 0.1 of the most stable such), apart and without a tiny cluster (below 2% of
    customers) the largest number is taken, since clusters that are all apart from each other lose something when
    merged, and of its methods the one of the best mean rank, each of silhouette, Caliński-Harabasz, Davies-Bouldin,
    gap and BIC ranking what it can judge. Where nothing is all three, the best mean rank is taken of what is stable
    and has no tiny cluster, or else of what is stable; where nothing is stable, the most stable is taken.

    Clusters are fitted to a random sample of at most 5,000 customers, mixtures of 2,000, and criteria, stability and
    separation are those of at most 1,000. Stability and separation come from four random splits into halves, up to
    eight with fewer customers (the first one only, where its halves agree below 0.4): each half is clustered, both
    place everybody, and `between` is measured on the half that wasn't clustered, along the linear discriminant of each
    two clusters. On `between` a single group scores about 1, be it skewed, heavy-tailed, uniform or elongated, whatever
    the method and number: the density between two points of one hump isn't below that at the lower one. Discrete
    traits have gaps of their own; the bases of one group (see `models.cluster_reference`) have the same, which is what
    `reference` guards against.

    Parts are looked at where all traits together show no clear groups; of several with clear groups the one is taken
    whose groups are farthest apart, and where none has any, all traits. Every look must be clear beyond chance at a
    level of 5% over all that are possible (Bonferroni), by as many bases of one group as that takes: 59 with two parts.
    """
    if (clusters is not None and clusters < 2) or most < 2:
        raise ValueError("Clustering needs at least two clusters.")
    features = _checked(features)
    finite(features)
    by_themselves = {
        name: features[list(columns)] for name, columns in (parts or {}).items() if 0 < len(columns) < features.shape[1]
    }
    references = round((1 + len(by_themselves)) / _LEVEL) - 1
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # a half may hold fewer different customers than clusters; stability then counts against that number
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = _look(features, clusters, most, references, np.random.default_rng(seed))
        if whole.clear:
            return replace(whole, looks={None: True})
        looks: dict[str | None, bool] = {None: False}
        clear = []
        for place, (name, columns) in enumerate(by_themselves.items(), start=1):
            rng = np.random.default_rng([seed, place])
            found = _look(columns, clusters, most, references, rng) if _hopeful(columns, clusters, most, rng) else None
            looks[name] = found is not None and found.clear
            if found is not None and found.clear:
                clear.append(replace(found, part=name))
    return replace(min(clear, key=lambda found: found.between, default=whole), looks=looks)


def _look(
    features: pd.DataFrame, clusters: int | None, most: int, references: int, rng: np.random.Generator
) -> Clusters:
    """Return the best clusters by these features, called clear at a level of one in `references` + 1."""
    sample = _sampled(features, rng)
    tried = _tried(sample, len(features), clusters, most)
    if not tried:
        distinct = len(np.unique(sample, axis=0))
        raise ValueError(f"There are {distinct} different kinds of customer, too few for {clusters or 'two'} clusters.")
    draw_reference = one_group_like(sample[:JUDGED_ON])
    trials = trials_of(sample, tried, clusters is None, draw_reference, rng)
    choice = choice_of(trials)
    best = int(choice["chosen"].to_numpy().argmax())
    trial, row = trials[best], choice.iloc[best]
    sound, between = bool(row["sound"]), float(row["between"])
    # what isn't sound isn't clear either: a few bases then tell what `between` is in one group
    number = references if sound else _FEWEST_REFERENCES
    one_group = separation_of_one_group(
        trial.method, trial.number, draw_reference, min(len(sample), JUDGED_ON), number, rng
    )
    model, labels = _numbered(trial, features, features.to_numpy(np.float64))
    return Clusters(
        labels=labels,
        k=len(model.centres),
        method=trial.method,
        choice=choice,
        stability=float(row["stability"]),
        silhouette=float(row["silhouette"]),
        between=between,
        reference=float(np.mean(one_group)),
        clear=bool(sound and between <= APART * np.mean(one_group) and between < min(one_group)),
        model=model,
    )


def _hopeful(features: pd.DataFrame, clusters: int | None, most: int, rng: np.random.Generator) -> bool:
    """Return whether any clustering by these features is stable and apart, at the least cost."""
    sample = _sampled(features, rng)
    judged = sample[:JUDGED_ON]
    splits = halved(judged, rng)
    methods: list[Method] = ["k-means", "mixture"]
    if few_axes(sample) and clusters is None:
        methods.append("HDBSCAN")
    tried = _tried(sample, len(features), clusters, most)
    return any(
        told["stability"] >= STABLE and told["between"] <= APART
        for method in methods
        for number in (tried[:1] if method == "HDBSCAN" else tried)
        for told in [between_halves(method, number, judged, splits, rng, only_sound=True)]
    )


def _checked(features: pd.DataFrame) -> pd.DataFrame:
    if len(features) < FEWEST_CUSTOMERS:
        raise ValueError(
            f"Clusters need at least {FEWEST_CUSTOMERS} customers whose needs show; here there are {len(features)}."
        )
    if not features.index.is_unique:
        raise ValueError("Every customer must appear once; some appear more often.")
    if features.shape[1] == 0:
        raise ValueError("Customers differ in nothing by which they could be compared.")
    return features.sort_index()


def _sampled(features: pd.DataFrame, rng: np.random.Generator) -> Array:
    points = features.to_numpy(np.float64)
    return points[rng.permutation(len(points))[:_FIT_ON]]


def _tried(sample: Array, customers: int, clusters: int | None, most: int) -> list[int]:
    """Return the numbers of clusters to try; none where there are too few different customers."""
    distinct = len(np.unique(sample, axis=0))
    if distinct < (clusters or 2):
        return []
    largest = max(2, min(most, distinct, customers // CUSTOMERS_PER_CLUSTER))
    return [clusters] if clusters else list(range(2, largest + 1))


def _numbered(trial: Trial, features: pd.DataFrame, points: Array) -> tuple[ClusterModel, pd.Series]:
    """Return the clusters numbered from the largest, and who is in which."""
    place = trial.fit.predict(points)
    found = np.unique_counts(place)
    order = found.values[np.argsort(-found.counts, kind="stable")]
    number = pd.Index(range(1, len(order) + 1), name="cluster")
    shares = pd.Series(np.sort(found.counts)[::-1] / len(points), index=number, name="share")
    mixture = None
    if isinstance(trial.fit, Mixture):
        centres = np.array([points[place == old].mean(axis=0) for old in order])
        fit = trial.fit
        weights = fit.weights[order] / fit.weights[order].sum()
        mixture = Mixture(fit.axes, weights, fit.means[order], fit.covariances[order])
    else:
        centres = trial.fit.centres[order]
    model = ClusterModel(trial.method, pd.DataFrame(centres, index=number, columns=features.columns), shares, mixture)
    return model, model.assign(features)
