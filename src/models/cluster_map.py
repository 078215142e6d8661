"""A map of customers in two dimensions, with what each direction means.

The directions are those in which the clusters' centres lie farthest apart (principal components of the centres, each
weighted by its customers). They are straight and at right angles, so that distances on the map are true to those
compared, only incomplete; the share of the spread that they show says how incomplete.

References
----------
Yendle, P. W. & H. J. H. MacFie (1989). Discriminant principal components analysis. *Journal of Chemometrics* 3(4),
589-600 (components of the groups' centres).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.needs import Needs

WORDS = 3
WEAK = 0.3  # a correlation below which a trait says little about a direction


@dataclass(frozen=True)
class Axis:
    """One direction of a `ClusterMap`.

    Attributes
    ----------
    more, less : str
        Who is on the side of high values (to the right, or up) and of low ones, in a few words.
    loadings : pandas.Series
        Correlation of each compared trait with the direction, by column, strongest first.
    explained : float
        Share of the spread of all compared traits that lies along it.
    """

    more: str
    less: str
    loadings: pd.Series
    explained: float


@dataclass(frozen=True)
class ClusterMap:
    """Customers in two dimensions.

    Attributes
    ----------
    points : pandas.DataFrame
        customer, x, y, cluster; one row a customer.
    centres : pandas.DataFrame
        cluster, x, y.
    axes : tuple of two Axis
        Of x and of y. A base compared by one trait only has no spread along y.
    explained : float
        Share of the spread of all compared traits that the map shows.
    explained_between : float
        Share of the spread between the clusters' centres that it shows; 1 for up to three clusters.
    """

    points: pd.DataFrame
    centres: pd.DataFrame
    axes: tuple[Axis, Axis]
    explained: float
    explained_between: float


def cluster_map(needs: Needs, labels: pd.Series) -> ClusterMap:
    """Lay customers out in the two directions in which their clusters differ most.

    Parameters
    ----------
    needs : models.needs.Needs
    labels : pandas.Series
        Cluster of each customer, indexed by customer; customers without one are left out.

    Returns
    -------
    ClusterMap

    Raises
    ------
    ValueError
        When nobody has a cluster.

    Notes
    -----
    Two clusters lie on one line; the second direction is then the one at a right angle to it along which customers
    spread most. Each direction points to where its strongest trait is high, so that a run with like clusters has a
    like map.
    """
    labels = labels.dropna().astype(np.int64)
    if labels.empty:
        raise ValueError("Nobody has a cluster, so there is nothing to map.")
    compared = needs.compared.loc[labels.index]
    points = compared.to_numpy() - compared.to_numpy().mean(axis=0)
    sizes = labels.value_counts().sort_index()
    centres = np.array([points[(labels == number).to_numpy()].mean(axis=0) for number in sizes.index])
    directions = _directions(points, centres, sizes.to_numpy())
    correlations = _correlations(points, points @ directions)
    strongest = np.abs(correlations).argmax(axis=0)
    turned = np.where(correlations[strongest, [0, 1]] < 0, -1.0, 1.0)
    directions, correlations = directions * turned, correlations * turned
    placed, placed_centres = points @ directions, centres @ directions
    spread = (points**2).sum()
    shown = (placed**2).sum(axis=0) / spread if spread > 0 else np.zeros(2)
    between = (sizes.to_numpy()[:, None] * centres**2).sum()
    between_shown = (sizes.to_numpy()[:, None] * placed_centres**2).sum()
    x, y = (
        _axis(needs, pd.Series(correlations[:, place], index=compared.columns), float(shown[place])) for place in (0, 1)
    )
    return ClusterMap(
        points=pd.DataFrame(
            {"customer": labels.index, "x": placed[:, 0], "y": placed[:, 1], "cluster": labels.to_numpy()}
        ),
        centres=pd.DataFrame({"cluster": sizes.index, "x": placed_centres[:, 0], "y": placed_centres[:, 1]}),
        axes=(x, y),
        explained=float(shown.sum()),
        explained_between=float(between_shown / between) if between > 0 else 1.0,
    )


def _directions(points: np.ndarray, centres: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return two orthonormal directions, shape (features, 2); the second is zero where there is one feature only."""
    features = points.shape[1]
    first = np.linalg.svd(np.sqrt(sizes)[:, None] * centres, full_matrices=False)
    kept = first.Vh[: min(2, features)][first.S[: min(2, features)] > 1e-9 * max(1.0, first.S[0])]
    while len(kept) < min(2, features):
        rest = points - (points @ kept.T) @ kept
        leading = np.linalg.eigh(rest.T @ rest).eigenvectors[:, -1]
        leading = leading - (leading @ kept.T) @ kept
        kept = np.vstack([kept, leading / np.linalg.norm(leading)])
    return np.vstack([kept, np.zeros((2 - len(kept), features))]).T


def _correlations(points: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Return the correlation of each feature with each direction, 0 where either doesn't vary."""
    scale = np.outer(np.sqrt((points**2).sum(axis=0)), np.sqrt((placed**2).sum(axis=0)))
    return np.divide(points.T @ placed, scale, out=np.zeros_like(scale), where=scale > 1e-12)


def _axis(needs: Needs, loadings: pd.Series, explained: float) -> Axis:
    loadings = loadings.iloc[np.argsort(-loadings.abs().to_numpy(), kind="stable")]

    def words(sign: int) -> str:
        told = [
            needs.about[str(name)].more if loading * sign > 0 else needs.about[str(name)].less
            for name, loading in loadings.items()
            if abs(loading) >= WEAK
        ]
        return ", ".join(told[:WORDS]) or "nothing in particular"

    return Axis(words(1), words(-1), loadings, explained)
