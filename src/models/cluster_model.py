"""Clusters without their customers: what a later run needs to place anybody in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import polars as pl

from models.needs_scale import TABLE_SCHEMA

Array = np.ndarray
Method = Literal["k-means", "mixture", "HDBSCAN"]

_PART = "clusters"


@dataclass(frozen=True)
class NearestCentre:
    """Clusters by nearest centre."""

    centres: Array

    def predict(self, points: Array) -> Array:
        """Return the nearest centre, 0 to k - 1, of each point in the features."""
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


Fit = NearestCentre | Mixture


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
        placing = self.mixture or NearestCentre(self.centres.to_numpy())
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

        `models.needs_scale.Scale.to_frame` has the same columns: the two together are what a later run needs.
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
        return pl.DataFrame(rows, schema=TABLE_SCHEMA, orient="row")

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
        return finite(features[list(self.centres.columns)])


def finite(features: pd.DataFrame) -> Array:
    """Return the features as an array; a value that is missing or infinite is refused with a ValueError."""
    points = features.to_numpy(np.float64)
    if not np.isfinite(points).all():
        raise ValueError("To compare customers every feature must be known of each; some values are missing.")
    return points
