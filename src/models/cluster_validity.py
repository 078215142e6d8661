"""Whether clusters are there: found again in each half of the customers, and with fewer customers between than inside.

References
----------
Lange, T., V. Roth, M. L. Braun & J. M. Buhmann (2004). Stability-based validation of clustering solutions. *Neural
Computation* 16(6), 1299-1323 (stability between halves).
Hubert, L. & P. Arabie (1985). Comparing partitions. *Journal of Classification* 2, 193-218 (the adjusted Rand index).
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from models.cluster_methods import fit_by
from models.cluster_model import Array, Fit, Method
from models.cluster_reference import Draw

STABLE = 0.8
APART = 0.5
_SPLITS = 4, 8
_SPLIT_CUSTOMERS = 3_000
_HOPELESS = 0.4  # of the first split; the mean over four can't reach `STABLE` unless the others are all but perfect
_FEWEST_BESIDE = 3
_STEPS = 21


def halved(judged: Array, rng: np.random.Generator) -> list[list[Array]]:
    """Return the places of customers in random halves, four times over, up to eight with fewer customers.

    Parameters
    ----------
    judged : ndarray of shape (customers, features)
    rng : numpy.random.Generator

    Returns
    -------
    list of list of ndarray of int
        Of each time both halves.
    """
    number = int(np.clip(_SPLIT_CUSTOMERS / len(judged), *_SPLITS))
    return [np.array_split(rng.permutation(len(judged)), 2) for _ in range(number)]


def between_halves(
    method: Method,
    number: int,
    points: Array,
    splits: list[list[Array]],
    rng: np.random.Generator,
    *,
    only_sound: bool = False,
) -> dict[str, float]:
    """Return how alike the clusterings of two halves are, and how far apart the clusters of one are in the other.

    Parameters
    ----------
    method : {"k-means", "mixture", "HDBSCAN"}
    number : int
        Of clusters; HDBSCAN finds its own.
    points : ndarray of shape (customers, features)
    splits : list of list of ndarray of int
        From `halved`.
    rng : numpy.random.Generator
    only_sound : bool, default False
        End as soon as the means over all splits can't be those of a sound clustering.

    Returns
    -------
    dict
        stability (the mean adjusted Rand index, 1 for the same clusters) and between (the mean of the densities between
        two clusters over those inside, 0 for a gap and 1 for none), over the splits made.
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
        fits = [fit_by(method, number, half, rng, len(points)) for half in halves]
        alike.append(adjusted_rand_score(*(fit.predict(points) for fit in fits)))
        between += [_separation(fit, half, held) for fit, half, held in zip(fits, halves, halves[::-1], strict=True)]
    return {"stability": float(np.mean(alike)), "between": float(np.mean(between))}


def _separation(fit: Fit, fitted: Array, held: Array) -> float:
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


def separation_of_one_group(
    method: Method, number: int, draw_reference: Draw, size: int, bases: int, rng: np.random.Generator
) -> list[float]:
    """Return how far apart the same method's clusters are in each of several bases of one group.

    Parameters
    ----------
    method : {"k-means", "mixture", "HDBSCAN"}
    number : int
        Of clusters; HDBSCAN finds its own.
    draw_reference : callable
        Draws a base; see `models.cluster_reference.one_group_like`.
    size : int
        Customers of a base: half are fitted to, half held out.
    bases : int
    rng : numpy.random.Generator

    Returns
    -------
    list of float
        As `between` of `between_halves`, one a base.
    """
    found = []
    for _ in range(bases):
        base = draw_reference(size, rng)
        half, held = base[: size // 2], base[size // 2 :]
        found.append(_separation(fit_by(method, number, half, rng, size), half, held))
    return found
