"""Bases of one group that look like a given one: what clusterings are compared with to tell groups from chance.

Each trait keeps its own distribution but for having one hump only, and the traits keep their rank correlations (a
Gaussian copula). What a clustering finds in such a base it would find without groups.

References
----------
Birgé, L. (1997). Estimation of unimodal densities without smoothness assumptions. *Annals of Statistics* 25, 970-981.
Nelsen, R. B. (2006). *An Introduction to Copulas*, 2nd ed. Springer.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import norm, rankdata

Array = np.ndarray
#: Draws a base: how many customers, and from which generator; an array of shape (customers, features).
Draw = Callable[[int, np.random.Generator], Array]

#: From this share of customers on, a value is one that the trait takes again and again (none, one, all).
ATOM_SHARE = 0.02
_FEWEST_OF_ATOM = 3
_BINS = 8, 40
_RIDGE = 1e-6


def one_group_like(points: Array) -> Draw:
    """Return a function that draws bases of one group with the margins and rank correlations of `points`.

    Parameters
    ----------
    points : array of shape (customers, features)

    Returns
    -------
    callable
        ``draw(size, rng)`` returns an array of shape (size, features).

    Notes
    -----
    Values that at least 2% of customers share stay as frequent as they are, since a discrete trait has gaps without
    there being groups. The rest is drawn from the density with one hump that is nearest to the histogram: isotonic
    regressions that rise to the mode and fall from it, the mode where the squared error is least.
    """
    number, features = points.shape
    scores = norm.ppf((np.apply_along_axis(rankdata, 0, points) - 0.5) / number)
    varies = np.ptp(points, axis=0) > 0
    correlation = np.eye(features)
    if varies.sum() > 1:
        correlation[np.ix_(varies, varies)] = np.corrcoef(scores[:, varies], rowvar=False)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(values.clip(min=_RIDGE))
    margins = [_one_hump(points[:, column]) for column in range(features)]

    def draw(size: int, rng: np.random.Generator) -> Array:
        place = norm.cdf(rng.standard_normal((size, features)) @ root.T)
        return np.column_stack([np.interp(place[:, column], *margin) for column, margin in enumerate(margins)])

    return draw


def _one_hump(values: Array) -> tuple[Array, Array]:
    """Return cumulative shares and the values at them, between which to interpolate."""
    distinct, counts = np.unique(values, return_counts=True)
    often = counts >= max(_FEWEST_OF_ATOM, ATOM_SHARE * len(values))
    pieces = [(value, value, float(count)) for value, count in zip(distinct[often], counts[often], strict=True)]
    rest = values[~np.isin(values, distinct[often])]
    if len(rest) and np.ptp(rest) > 0:
        # bins of equal shares, so that a long tail doesn't put everybody into the first
        edges = np.unique(np.quantile(rest, np.linspace(0, 1, int(np.clip(np.sqrt(len(rest)), *_BINS)) + 1)))
        widths = np.diff(edges)
        inside = _nearest_hump(np.histogram(rest, edges)[0] / widths, widths) * widths
        pieces += [*zip(edges[:-1], edges[1:], inside / inside.sum() * len(rest), strict=True)]
    else:
        pieces += [(value, value, 1.0) for value in rest]
    pieces.sort(key=lambda piece: piece[0] + piece[1])
    share = np.array([piece[2] for piece in pieces]).cumsum() / len(values)
    starts = np.concatenate([[0.0], share[:-1]])
    return (
        np.column_stack([starts, share]).ravel(),
        np.array([piece[:2] for piece in pieces]).ravel(),
    )


def _nearest_hump(heights: Array, widths: Array) -> Array:
    """Return the heights with one hump that are nearest to those of a histogram, in squares over its width."""
    fits = []
    for mode in range(len(heights)):
        rising = isotonic_regression(heights[: mode + 1], weights=widths[: mode + 1]).x
        falling = isotonic_regression(heights[mode:], weights=widths[mode:], increasing=False).x
        fits.append(np.concatenate([rising[:-1], [max(rising[-1], falling[0])], falling[1:]]))
    return min(fits, key=lambda fit: (widths * (fit - heights) ** 2).sum())
