"""Correction of p-values for how many comparisons were made."""

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests


def holm(p_values: ArrayLike) -> np.ndarray:
    """Raise p-values so that the chance of even one false difference among all comparisons stays below a limit.

    Parameters
    ----------
    p_values : array_like, shape (n,)
        One for each comparison; NaN for one that could not be made, which doesn't count.

    Returns
    -------
    numpy.ndarray, shape (n,)
        In the same order. A corrected value below 0.05 means: were all the groups alike, one such difference or more
        would be found in fewer than 5% of bases, however the comparisons depend on one another.

    References
    ----------
    Holm, S. (1979). A Simple Sequentially Rejective Multiple Test Procedure. *Scandinavian Journal of Statistics*
    6(2), 65-70.
    """
    given = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(given.shape, np.nan)
    made = ~np.isnan(given)
    if made.any():
        corrected[made] = multipletests(given[made], method="holm")[1]
    return corrected
