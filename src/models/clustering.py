"""Groups of customers with like needs, and an honest answer to whether there are any.

Every method of clustering returns clusters, of noise too. So of each it is asked whether it is found again when half
of the customers are left out, and whether there are fewer customers between its clusters than inside them, fewer also
than in simulated bases with the same traits, spreads and correlations, but of one group.

Groups may lie in a part of the traits only, where the others, in which customers differ gradually, hide them. So parts
are looked at by themselves where all traits together show no groups.

References
----------
Rousseeuw, P. J. (1987). Silhouettes. *Journal of Computational and Applied Mathematics* 20, 53-65.
Caliński, T. & J. Harabasz (1974). A dendrite method for cluster analysis. *Communications in Statistics* 3(1), 1-27.
Davies, D. L. & D. W. Bouldin (1979). A cluster separation measure. *IEEE Transactions on Pattern Analysis and Machine
Intelligence* 1(2), 224-227.
Tibshirani, R., G. Walther & T. Hastie (2001). Estimating the number of clusters in a data set via the gap statistic.
*Journal of the Royal Statistical Society B* 63(2), 411-423.
Fraley, C. & A. E. Raftery (2002). Model-based clustering, discriminant analysis, and density estimation. *JASA* 97,
611-631 (the BIC of mixtures).
Campello, R. J. G. B., D. Moulavi & J. Sander (2013). Density-based clustering based on hierarchical density estimates.
*PAKDD*, 160-172 (HDBSCAN).
Lange, T., V. Roth, M. L. Braun & J. M. Buhmann (2004). Stability-based validation of clustering solutions. *Neural
Computation* 16(6), 1299-1323 (stability between halves).
Hubert, L. & P. Arabie (1985). Comparing partitions. *Journal of Classification* 2, 193-218 (the adjusted Rand index).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
import polars as pl
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    pairwise_distances,
    silhouette_score,
)
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from models.cluster_reference import Draw, one_group_like

Method = Literal["k-means", "mixture", "HDBSCAN"]

FEWEST_CUSTOMERS = 50
STABLE = 0.8
MUCH_AS_STABLE = 0.1
APART = 0.5
SMALLEST_SHARE = 0.02
MOST_NOISE = 0.25

_FIT_ON = 5_000
_MIXTURE_STARTS = 2
_MIXTURE_ON = 2_000
_JUDGE_ON = 1_000
_REFERENCE_ON = 600
_FEWEST_REFERENCES = 19
_LEVEL = 0.05  # how often a base of one group may be called clear, over all looks at it
_GAP_REFERENCES = 8
_SPLITS = 4, 8
_SPLIT_CUSTOMERS = 3_000
_HOPELESS = 0.4  # of the first split; the mean over four can't reach `STABLE` unless the others are all but perfect
_STARTS = 3
_CUSTOMERS_PER_CLUSTER = 10
_MIXTURE_AXES = 8
_CUSTOMERS_PER_FIGURE = 4
_DENSE_ON = 1_000
_DENSE_AXES = 5
_DENSE_SHARE = 0.05  # a denser place of fewer customers is none of HDBSCAN's clusters
_LEAST_VARIANCE = 0.01  # of a component along each axis, relative to the base's: else one settles on equal customers
_FEWEST_BESIDE = 3
_STEPS = 21
_HIGHER_IS_BETTER = {"silhouette": True, "calinski_harabasz": True, "davies_bouldin": False, "gap": True, "bic": True}
_PART = "clusters"
_SCHEMA = {"part": pl.String, "feature": pl.String, "cluster": pl.Int64, "quantity": pl.String, "value": pl.Float64}

Array = np.ndarray


@dataclass(frozen=True)
class _Nearest:
    """Clusters by nearest centre."""

    centres: Array

    def predict(self, points: Array) -> Array:
        return ((self.centres**2).sum(axis=1) - 2 * points @ self.centres.T).argmin(axis=1)


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture in some axes of the features.

    Attributes
    ----------
    axes : numpy.ndarray of shape (features, axes)
    weights : numpy.ndarray of shape (k,)
    means : numpy.ndarray of shape (k, axes)
    covariances : numpy.ndarray of shape (k, axes, axes)
    """

    axes: Array
    weights: Array
    means: Array
    covariances: Array

    def predict(self, points: Array) -> Array:
        """Return the likeliest component, 0 to k - 1, of each point in the features."""
        placed = points @ self.axes
        likelihoods = []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True):
            root = np.linalg.cholesky(covariance)
            apart = np.linalg.solve(root, (placed - mean).T)
            likelihoods.append(np.log(weight) - np.log(np.diag(root)).sum() - 0.5 * (apart**2).sum(axis=0))
        return np.argmax(likelihoods, axis=0)


_Fit = _Nearest | Mixture


@dataclass(frozen=True)
class ClusterModel:
    """Clusters without their customers: enough to place a new one.

    Attributes
    ----------
    method : {"k-means", "mixture", "HDBSCAN"}
    centres : pandas.DataFrame
        The mean of each cluster's customers, one row per cluster (index `cluster`, 1 to k), in the compared features.
    shares : pandas.Series
        Share of customers in each, by `cluster`.
    mixture : Mixture or None
        Its components, where the method is a mixture.
    """

    method: Method
    centres: pd.DataFrame
    shares: pd.Series
    mixture: Mixture | None = None

    def assign(self, features: pd.DataFrame) -> pd.Series:
        """Return the cluster of each customer: the nearest centre, of a mixture the likeliest component.

        Parameters
        ----------
        features : pandas.DataFrame
            On the scale of the customers that were clustered; see `models.needs.needs_features`, parameter `scale`.

        Returns
        -------
        pandas.Series
            Clusters 1 to k, indexed as `features`, named cluster.

        Raises
        ------
        ValueError
            When a feature is missing or a value isn't finite.
        """
        points = self._points(features)
        if not len(points):
            return pd.Series(index=features.index, name="cluster", dtype="int64")
        placing = self.mixture or _Nearest(self.centres.to_numpy())
        place = placing.predict(points)
        return pd.Series(self.centres.index.to_numpy()[place], index=features.index, name="cluster", dtype="int64")

    def distances(self, features: pd.DataFrame, labels: pd.Series) -> pd.Series:
        """Return how far each customer is from the centre of their cluster: the nearest are its typical members.

        Parameters
        ----------
        features : pandas.DataFrame
            As for `assign`.
        labels : pandas.Series
            Cluster of each customer.

        Returns
        -------
        pandas.Series
            Euclidean distance, indexed as `features`, named distance.
        """
        own = self.centres.loc[labels.loc[features.index]].to_numpy()
        apart = np.linalg.norm(self._points(features) - own, axis=1)
        return pd.Series(apart, index=features.index, name="distance")

    def to_frame(self) -> pl.DataFrame:
        """Return the clusters as a table: part, feature, cluster, quantity, value; see `from_frame`.

        `models.needs.Scale.to_frame` has the same columns: the two together are what a later run needs.
        """
        features, numbers = list(self.centres.columns), list(self.centres.index)
        rows: list[tuple[str, str | None, int | None, str, float]] = []

        def add(quantity: str, value: float, feature: str | None = None, cluster: int | None = None) -> None:
            rows.append((_PART, feature, cluster, quantity, float(value)))

        add(f"method {self.method}", len(numbers))
        for place, number in enumerate(numbers):
            add("share", self.shares.iloc[place], cluster=number)
            for feature in features:
                add("centre", self.centres.loc[number, feature], feature, number)
        if self.mixture is not None:
            for (row, axis), value in np.ndenumerate(self.mixture.axes):
                add(f"axis {axis}", value, features[row])
            for place, number in enumerate(numbers):
                add("weight", self.mixture.weights[place], cluster=number)
                for axis, value in enumerate(self.mixture.means[place]):
                    add(f"mean {axis}", value, cluster=number)
                for (axis, other), value in np.ndenumerate(self.mixture.covariances[place]):
                    add(f"covariance {axis} {other}", value, cluster=number)
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> ClusterModel:
        """Return the clusters that `to_frame` wrote; rows of other parts are passed over.

        Raises
        ------
        ValueError
            When the table holds no clusters.
        """
        rows = frame.filter(pl.col("part") == _PART)
        method = rows.filter(pl.col("quantity").str.starts_with("method "))["quantity"]
        if method.is_empty():
            raise ValueError("The table of an earlier run holds no clusters.")
        values: dict[str, dict[tuple[str | None, int | None], float]] = {}
        for feature, cluster, quantity, value in rows.select("feature", "cluster", "quantity", "value").iter_rows():
            values.setdefault(quantity, {})[feature, cluster] = value
        shares = pd.Series({number: share for (_, number), share in values["share"].items()}, name="share")
        shares = shares.rename_axis("cluster")
        features = list(dict.fromkeys(feature for feature, _ in values["centre"]))
        numbers = list(shares.index)
        centres = pd.DataFrame(
            [[values["centre"][feature, number] for feature in features] for number in numbers],
            index=shares.index,
            columns=features,
        )
        named: Method = method[0].removeprefix("method ")
        if named != "mixture":
            return cls(named, centres, shares)
        span = range(sum(quantity.startswith("axis ") for quantity in values))
        mixture = Mixture(
            np.array([[values[f"axis {axis}"][feature, None] for axis in span] for feature in features]),
            np.array([values["weight"][None, number] for number in numbers]),
            np.array([[values[f"mean {axis}"][None, number] for axis in span] for number in numbers]),
            np.array(
                [[[values[f"covariance {a} {b}"][None, number] for b in span] for a in span] for number in numbers]
            ),
        )
        return cls(named, centres, shares, mixture)

    def _points(self, features: pd.DataFrame) -> Array:
        if lacking := [name for name in self.centres if name not in features]:
            raise ValueError(f"To place customers in clusters {', '.join(map(str, lacking))} must be known.")
        return _finite(features[list(self.centres.columns)])


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
    _finite(features)
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


def _sampled(features: pd.DataFrame, rng: np.random.Generator) -> Array:
    points = features.to_numpy(np.float64)
    return points[rng.permutation(len(points))[:_FIT_ON]]


def _tried(sample: Array, customers: int, clusters: int | None, most: int) -> list[int]:
    """Return the numbers of clusters to try; none where there are too few different customers."""
    distinct = len(np.unique(sample, axis=0))
    if distinct < (clusters or 2):
        return []
    largest = max(2, min(most, distinct, customers // _CUSTOMERS_PER_CLUSTER))
    return [clusters] if clusters else list(range(2, largest + 1))


def _look(
    features: pd.DataFrame, clusters: int | None, most: int, references: int, rng: np.random.Generator
) -> Clusters:
    """Return the best clusters by these features, called clear at a level of one in `references` + 1."""
    sample = _sampled(features, rng)
    tried = _tried(sample, len(features), clusters, most)
    if not tried:
        distinct = len(np.unique(sample, axis=0))
        raise ValueError(f"There are {distinct} different kinds of customer, too few for {clusters or 'two'} clusters.")
    draw_reference = one_group_like(sample[:_JUDGE_ON])
    trials = _trials(sample, tried, clusters is None, draw_reference, rng)
    choice = _choice(trials)
    best = int(choice["chosen"].to_numpy().argmax())
    trial, row = trials[best], choice.iloc[best]
    sound, between = bool(row["sound"]), float(row["between"])
    # what isn't sound isn't clear either: a few bases then tell what `between` is in one group
    number = references if sound else _FEWEST_REFERENCES
    one_group = _between_in_references(trial, draw_reference, min(len(sample), _JUDGE_ON), number, rng)
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
    judged = sample[:_JUDGE_ON]
    splits = _splits(judged, rng)
    methods: list[Method] = ["k-means", "mixture"]
    if _few_axes(sample) and clusters is None:
        methods.append("HDBSCAN")
    tried = _tried(sample, len(features), clusters, most)
    return any(
        told["stability"] >= STABLE and told["between"] <= APART
        for method in methods
        for number in (tried[:1] if method == "HDBSCAN" else tried)
        for told in [_halves(method, number, judged, splits, rng, only_sound=True)]
    )


@dataclass(frozen=True)
class _Trial:
    """One clustering of the sample, and what speaks for it; criteria that don't apply are NaN."""

    method: Method
    number: int
    fit: _Fit
    criteria: dict[str, float]


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


def _finite(features: pd.DataFrame) -> Array:
    points = features.to_numpy(np.float64)
    if not np.isfinite(points).all():
        raise ValueError("To compare customers every feature must be known of each; some values are missing.")
    return points


def _trials(
    sample: Array, tried: list[int], free: bool, draw_reference: Draw, rng: np.random.Generator
) -> list[_Trial]:
    """Return every clustering tried, with its criteria."""
    judged = sample[:_JUDGE_ON]
    distances = pairwise_distances(judged)
    splits = _splits(judged, rng)
    gaps = _gaps(sample[:_REFERENCE_ON], tried, draw_reference, rng)
    trials = []

    def add(method: Method, number: int, fit: _Fit, **criteria: float) -> None:
        trials.append(
            _Trial(
                method,
                number,
                fit,
                _criteria(fit, judged, distances) | criteria | _halves(method, number, judged, splits, rng),
            )
        )

    for number, gap in zip(tried, gaps, strict=True):
        add("k-means", number, _k_means(sample, number, rng), gap=gap)
    for number in tried:
        mixture, bic = _mixture(sample, number, rng, like=len(judged))
        add("mixture", number, mixture, bic=bic)
    dense = _dense(judged[:_DENSE_ON]) if _few_axes(sample) and free else None
    if dense is not None and dense[1] <= MOST_NOISE and len(dense[0].centres) <= max(tried):
        add("HDBSCAN", len(dense[0].centres), dense[0], noise=dense[1])
    return trials


def _splits(judged: Array, rng: np.random.Generator) -> list[list[Array]]:
    number = int(np.clip(_SPLIT_CUSTOMERS / len(judged), *_SPLITS))
    return [np.array_split(rng.permutation(len(judged)), 2) for _ in range(number)]


def _few_axes(sample: Array) -> bool:
    return sample.shape[1] <= _DENSE_AXES


def _k_means(points: Array, number: int, rng: np.random.Generator, starts: int = _STARTS) -> _Nearest:
    number = min(number, len(np.unique(points, axis=0)))
    fitted = KMeans(number, n_init=starts, random_state=int(rng.integers(2**31))).fit(points)
    return _Nearest(fitted.cluster_centers_)


def _mixture(points: Array, number: int, rng: np.random.Generator, like: int) -> tuple[Mixture, float]:
    """Return a mixture in as many principal axes as `like` customers allow, and its BIC, higher being better."""
    points = points[:_MIXTURE_ON]
    most = min(_MIXTURE_AXES, points.shape[1])
    figures = {axes: number * (axes * (axes + 1) / 2 + axes + 1) for axes in range(1, most + 1)}
    kept = max([axes for axes, needed in figures.items() if needed * _CUSTOMERS_PER_FIGURE <= like], default=1)
    values, vectors = np.linalg.eigh(np.cov(points, rowvar=False).reshape(points.shape[1], -1))
    axes = vectors[:, ::-1][:, :kept]
    placed = points @ axes
    least = max(_LEAST_VARIANCE * float(values[::-1][:kept].mean()), 1e-9)
    # begun at k-means' clusters, EM stays near them even where groups are long and thin
    fitted = GaussianMixture(
        number,
        reg_covar=least,
        init_params="k-means++",
        n_init=_MIXTURE_STARTS,
        random_state=int(rng.integers(2**31)),
    ).fit(placed)
    return Mixture(axes, fitted.weights_, fitted.means_, fitted.covariances_), -float(fitted.bic(placed))


def _dense(points: Array) -> tuple[_Nearest, float] | None:
    """Return the centres of HDBSCAN's clusters and the share of noise; None where it finds fewer than two."""
    size = max(_CUSTOMERS_PER_CLUSTER // 2, round(_DENSE_SHARE * len(points)))
    labels = HDBSCAN(min_cluster_size=size, copy=True).fit_predict(points)
    if labels.max() < 1:
        return None
    centres = np.array([points[labels == number].mean(axis=0) for number in range(labels.max() + 1)])
    return _Nearest(centres), float((labels < 0).mean())


def _criteria(fit: _Fit, judged: Array, distances: Array) -> dict[str, float]:
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
            fit = _k_means(cloud, number, rng, starts=1)
            spreads.append(np.log(max(1e-12, ((cloud - fit.centres[fit.predict(cloud)]) ** 2).sum())))
        return spreads

    references = [log_spread(draw_reference(len(points), rng)) for _ in range(_GAP_REFERENCES)]
    return np.mean(references, axis=0) - log_spread(points)


def _halves(
    method: Method,
    number: int,
    points: Array,
    splits: list[list[Array]],
    rng: np.random.Generator,
    *,
    only_sound: bool = False,
) -> dict[str, float]:
    """Return how alike the clusterings of two halves are, and how far apart the clusters of one are in the other.

    With `only_sound` splits end as soon as the means over all of them can't be those of a sound clustering.
    """
    alike: list[float] = []
    between: list[float] = []
    for split in splits:
        if alike and alike[0] < _HOPELESS:
            break
        left = len(splits) - len(alike)
        if only_sound and (sum(alike) + left < STABLE * len(splits) or sum(between) > APART * 2 * len(splits)):
            break
        halves = [points[part] for part in split]
        fits = [_of_half(method, number, half, rng, len(points)) for half in halves]
        alike.append(adjusted_rand_score(*(fit.predict(points) for fit in fits)))
        between += [_between(fit, half, held) for fit, half, held in zip(fits, halves, halves[::-1], strict=True)]
    return {"stability": float(np.mean(alike)), "between": float(np.mean(between))}


def _of_half(method: Method, number: int, half: Array, rng: np.random.Generator, like: int) -> _Fit:
    if method == "mixture":
        return _mixture(half, number, rng, like)[0]
    if method == "HDBSCAN":
        found = _dense(half)
        return found[0] if found else _Nearest(half.mean(axis=0, keepdims=True))
    return _k_means(half, number, rng, starts=_STARTS)


def _between(fit: _Fit, fitted: Array, held: Array) -> float:
    """Return the density between two clusters over that in the thinner one's middle, of the two least apart.

    Directions are the linear discriminants of the points the clusters were fitted to; densities are those of the
    points held out, so that a direction in which only the former happen to part shows no gap.
    """
    labels, held_labels = fit.predict(fitted), fit.predict(held)
    numbers = np.unique(labels)
    if len(numbers) < 2:
        return 1.0
    groups = {number: fitted[labels == number] for number in numbers}
    means = {number: group.mean(axis=0) for number, group in groups.items()}
    scatter = {number: (group - means[number]).T @ (group - means[number]) for number, group in groups.items()}
    highest = 0.0
    for place, one in enumerate(numbers):
        for other in numbers[:place]:
            size, features = len(groups[one]) + len(groups[other]), fitted.shape[1]
            within = (scatter[one] + scatter[other]) / size
            # the fewer customers to a feature, the rounder the clusters are taken to be
            round_share = min(1.0, features / size)
            level = np.trace(within) / features
            within = (1 - round_share) * within + (round_share * level + 1e-9) * np.eye(features)
            direction = np.linalg.solve(within, means[one] - means[other])
            sides = [held[held_labels == number] @ direction for number in (one, other)]
            highest = max(highest, _valley(*sides))
    return highest


def _valley(one: Array, other: Array) -> float:
    """Return the least density between two groups' medians, over that at the lower median."""
    if min(len(one), len(other)) < _FEWEST_BESIDE:
        return 1.0
    begins, ends = np.median(one), np.median(other)
    both = np.concatenate([one, other])
    spread = np.sqrt((one.var() * len(one) + other.var() * len(other)) / len(both))
    width = 0.9 * spread * min(len(one), len(other)) ** -0.2
    if begins == ends or width == 0:
        return float(begins == ends)
    steps = np.linspace(begins, ends, _STEPS)
    density = np.exp(-0.5 * ((steps[:, None] - both) / width) ** 2).sum(axis=1)
    return float(density.min() / min(density[0], density[-1]))


def _choice(trials: list[_Trial]) -> pd.DataFrame:
    """Return the table of all trials, with the chosen one."""
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


def _between_in_references(
    trial: _Trial, draw_reference: Draw, size: int, number: int, rng: np.random.Generator
) -> list[float]:
    """Return how far apart the same method's clusters are in each of several bases of one group."""
    found = []
    for _ in range(number):
        base = draw_reference(size, rng)
        half, held = base[: size // 2], base[size // 2 :]
        found.append(_between(_of_half(trial.method, trial.number, half, rng, size), half, held))
    return found


def _numbered(trial: _Trial, features: pd.DataFrame, points: Array) -> tuple[ClusterModel, pd.Series]:
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
