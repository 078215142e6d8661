"""The methods that look for clusters: k-means, Gaussian mixtures and HDBSCAN.

References
----------
Fraley, C. & A. E. Raftery (2002). Model-based clustering, discriminant analysis, and density estimation. *JASA* 97,
611-631 (the BIC of mixtures).
Campello, R. J. G. B., D. Moulavi & J. Sander (2013). Density-based clustering based on hierarchical density estimates.
*PAKDD*, 160-172 (HDBSCAN).
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.mixture import GaussianMixture

from models.cluster_model import Array, Fit, Method, Mixture, NearestCentre

CUSTOMERS_PER_CLUSTER = 10
_STARTS = 3
_MIXTURE_STARTS = 2
_MIXTURE_ON = 2_000
_MIXTURE_AXES = 8
_CUSTOMERS_PER_FIGURE = 4
_DENSE_AXES = 5
_DENSE_SHARE = 0.05  # a denser place of fewer customers is none of HDBSCAN's clusters
_LEAST_VARIANCE = 0.01  # of a component along each axis, relative to the base's: else one settles on equal customers


def fit_by(method: Method, number: int, points: Array, rng: np.random.Generator, like: int) -> Fit:
    """Fit clusters by a method.

    Parameters
    ----------
    method : {"k-means", "mixture", "HDBSCAN"}
    number : int
        Of clusters; HDBSCAN finds its own, and everybody is one where it finds none.
    points : ndarray of shape (customers, features)
    rng : numpy.random.Generator
    like : int
        A mixture is fitted in as many axes as so many customers allow.
    """
    if method == "mixture":
        return gaussian_mixture(points, number, rng, like)[0]
    if method == "HDBSCAN":
        found = hdbscan(points)
        return found[0] if found else NearestCentre(points.mean(axis=0, keepdims=True))
    return k_means(points, number, rng, starts=_STARTS)


def k_means(points: Array, number: int, rng: np.random.Generator, starts: int = _STARTS) -> NearestCentre:
    """Return the centres of k-means, at most one for each different customer.

    Parameters
    ----------
    points : ndarray of shape (customers, features)
    number : int
        Of clusters.
    rng : numpy.random.Generator
    starts : int, default 3
        The best of so many is kept.
    """
    number = min(number, len(np.unique(points, axis=0)))
    fitted = KMeans(number, n_init=starts, random_state=int(rng.integers(2**31))).fit(points)
    return NearestCentre(fitted.cluster_centers_)


def gaussian_mixture(points: Array, number: int, rng: np.random.Generator, like: int) -> tuple[Mixture, float]:
    """Return a Gaussian mixture in the first principal axes, and its BIC, higher being better (Fraley & Raftery 2002).

    Parameters
    ----------
    points : ndarray of shape (customers, features)
        The first 2,000 are fitted to.
    number : int
        Of components.
    rng : numpy.random.Generator
    like : int
        So many customers decide on the number of axes: at most 8, and four customers to a parameter.
    """
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


def hdbscan(points: Array) -> tuple[NearestCentre, float] | None:
    """Return the centres of HDBSCAN's clusters and the share of noise; None where it finds fewer than two.

    Parameters
    ----------
    points : ndarray of shape (customers, features)
        A cluster has at least 5% of them, and five.
    """
    size = max(CUSTOMERS_PER_CLUSTER // 2, round(_DENSE_SHARE * len(points)))
    labels = HDBSCAN(min_cluster_size=size, copy=True).fit_predict(points)
    if labels.max() < 1:
        return None
    centres = np.array([points[labels == number].mean(axis=0) for number in range(labels.max() + 1)])
    return NearestCentre(centres), float((labels < 0).mean())


def few_axes(sample: Array) -> bool:
    """Tell whether features are so few that density means anything: in more, customers are everywhere sparse."""
    return sample.shape[1] <= _DENSE_AXES
