"""How far customers are drawn towards their base, as told by how much they differ beyond chance.

The less the customers of a base differ beyond chance, the stronger the prior that the base makes for each of them.

References
----------
Efron, B. & C. Morris (1975). Data analysis using Stein's estimator and its generalizations. *JASA* 70, 311-319.
Weir, B. S. & W. G. Hill (2002). Estimating F-statistics. *Annual Review of Genetics* 36, 721-750 (the moments from
which the strength of the Dirichlet prior is estimated).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.measured_traits import Measured

_LEAST_STRENGTH = 1.0  # one purchase: where everybody buys one thing only, zeros are to be replaced all the same


def prior_strength(part: Measured) -> float:
    """Return how many purchases the base counts for; infinite where customers differ by chance only.

    Of shares by Weir & Hill's moments, at least 1; of the rest the variance within customers over that between them.
    """
    known = (part.number > 0) & part.values.notna().all(axis=1).to_numpy()
    values, number = part.values.to_numpy(np.float64)[known], part.number[known]
    if len(values) < 2:
        return np.inf
    if part.kind in ("part", "share"):
        return _dirichlet_strength(values, number)
    between = values.var(ddof=1) - part.chance * (1 / number).mean()
    return part.chance / between if between > 0 else np.inf


def drawn_towards(part: Measured, base: pd.Series, strength: float) -> np.ndarray:
    """Return each customer's values, mixed with as many purchases of the base as the prior is strong.

    Parameters
    ----------
    part : Measured
    base : pandas.Series
        The base's own value of each column of `part.values`; it speaks for customers of whom nothing is known.
    strength : float
        Finite; see `prior_strength`.

    Returns
    -------
    ndarray of shape (customers, columns)
        (n x + s base) / (n + s) (Efron & Morris 1975).
    """
    known = part.values.fillna(base).to_numpy(np.float64)
    number, typical = part.number[:, None], base.to_numpy(np.float64)
    return (known * number + typical * strength) / (number + strength)


def _dirichlet_strength(shares: np.ndarray, number: np.ndarray) -> float:
    """Estimate the strength of a Dirichlet prior by moments (Weir & Hill 2002), from shares of `number` each."""
    beyond_chance, spread = (of_column.sum() for of_column in spread_beyond_chance(shares, number))
    alike = beyond_chance / spread if spread > 0 else 0.0
    return max(_LEAST_STRENGTH, (1 - alike) / alike) if alike > 0 else np.inf


def spread_beyond_chance(shares: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each column the spread of shares between customers beyond chance, and all of it.

    Parameters
    ----------
    shares : ndarray of shape (customers, columns)
        At least two customers, nothing missing.
    number : ndarray of shape (customers,)
        Of purchases that each customer's shares rest on, above 0.

    Returns
    -------
    tuple of ndarray of shape (columns,)
        Weir & Hill's (2002) mean squares: among less within, and among plus (n_c - 1) within.
    """
    total = number.sum()
    pooled = (shares * number[:, None]).sum(axis=0) / total
    effective = (total - (number**2).sum() / total) / (len(number) - 1)
    among = (number[:, None] * (shares - pooled) ** 2).sum(axis=0) / (len(number) - 1)
    within = (number[:, None] * shares * (1 - shares)).sum(axis=0) / max(1.0, (number - 1).sum())
    return among - within, among + (effective - 1) * within
