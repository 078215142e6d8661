"""What a model is given, as columns of numbers: checked, reduced to distinct rows, given back in its own form."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

Array = np.ndarray
#: Distinct rows by column, in the order the likelihood takes them.
Columns = Mapping[str, Array]

SPARSE = 4  # possible numbers for each one given from which a hash table is faster than a list of all


def distinct_rows(columns: dict[str, Array], weights: Array | None = None) -> tuple[dict[str, Array], Array]:
    """Distinct combinations of the columns, and the total weight of each; without weights, how many there are.

    Returns
    -------
    columns : dict of ndarray of shape (m,)
    weights : ndarray of shape (m,)
    """
    distinct, of_row = distinct_of(columns)
    if weights is None:
        return distinct, np.bincount(of_row).astype(float)
    return distinct, np.bincount(of_row, weights=np.asarray(weights, dtype=float))


def distinct_of(columns: Mapping[str, Array]) -> tuple[dict[str, Array], Array]:
    """Distinct rows of arrays of one shape and, for each element in flat order, which of them it is.

    Parameters
    ----------
    columns : mapping of ndarray of n elements

    Returns
    -------
    columns : dict of ndarray of shape (m,)
        Sorted by the first column, then by the next.
    of_row : ndarray of int, shape (n,)
    """
    flat = {name: values.ravel() for name, values in columns.items()}
    of_row, number = np.zeros(len(next(iter(flat.values()))), dtype=np.intp), 1
    for values in flat.values():
        of_value, levels = pd.factorize(values, sort=True, use_na_sentinel=False)
        of_row *= len(levels)
        of_row += of_value
        del of_value
        # Counted anew with each column, or the numbers of many would overflow.
        of_row, number = _without_gaps(of_row, number * len(levels))
    where = np.empty(number, dtype=np.intp)
    where[of_row] = np.arange(len(of_row))
    return {name: values[where] for name, values in flat.items()}, of_row


def _without_gaps(numbers: Array, below: int) -> tuple[Array, int]:
    """Replace the numbers by their ranks, in place where that is faster, and count the different ones."""
    if below > SPARSE * len(numbers):
        ranks, present = pd.factorize(numbers, sort=True)
        return ranks, len(present)
    occurs = np.zeros(below, dtype=bool)
    occurs[numbers] = True
    last = np.cumsum(occurs, dtype=np.int32)
    last -= 1
    numbers[:] = last[numbers]
    return numbers, int(last[-1]) + 1 if below else 0


def as_columns(columns: dict[str, Any]) -> dict[str, Array]:
    """Turn vectors into float arrays of one length.

    Raises
    ------
    ValueError
        If they are empty, of different lengths, or not numbers.
    """
    arrays = {}
    for name, values in columns.items():
        try:
            arrays[name] = np.atleast_1d(np.asarray(values, dtype=float))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold numbers, and none may be missing.") from error
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"All vectors must have one length; these have: {told}.")
    if not next(iter(lengths.values())):
        raise ValueError("There are no customers to fit: the vectors are empty.")
    return arrays


def refuse(columns: dict[str, Array], checks: Iterable[tuple[str, Array]], index: Any = None) -> None:
    """Raise for the first check that any row fails.

    Parameters
    ----------
    columns : dict of ndarray of shape (n,)
        Shown for the offending rows.
    checks : iterable of (str, ndarray of bool of shape (n,))
        What is wrong, and the rows where it is.
    index : array_like of length n, optional
        Names of the rows; their positions by default.

    Raises
    ------
    ValueError
        With the number of offending rows and the first three of them.
    """
    for wrong, rows in checks:
        count = int(np.count_nonzero(rows))
        if not count:
            continue
        frame = pd.DataFrame(columns, index=index)[rows].head(3)
        shown = "; ".join(
            f"row {label}: " + ", ".join(f"{name} {value:g}" for name, value in zip(frame, values, strict=True))
            for label, values in zip(frame.index, frame.to_numpy(), strict=True)
        )
        raise ValueError(f"{wrong} in {count} of {len(rows)} rows ({shown}{'; ...' if count > 3 else ''}).")


def checked_weights(weights: Any, columns: dict[str, Array], index: Any = None) -> Array:
    """Weights of the rows as given, or ones.

    Parameters
    ----------
    weights : array_like of shape (n,) or None
    columns : dict of ndarray of shape (n,)
        Shown for offending rows.
    index : array_like of length n, optional

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If a weight is missing, infinite or negative, or all are 0.
    """
    if weights is None:
        return np.ones(len(next(iter(columns.values()))), dtype=np.int8)
    given = as_columns({**columns, "weights": weights})["weights"]
    wrong = [("weights is missing or infinite", missing(given)), ("weights is negative", given < 0)]
    refuse({**columns, "weights": given}, wrong, index)
    if not given.any():
        raise ValueError("There are no customers to fit: all weights are 0.")
    return np.asarray(weights)


def missing(values: Array) -> Array:
    """Rows that are missing or infinite."""
    return ~np.isfinite(values)


def to_pandas(frame: Any) -> pd.DataFrame:
    """Fetch a frame of any kind that narwhals drives, lazy or not."""
    given: Any = nw.from_native(frame, pass_through=True)
    return (given.collect() if isinstance(given, nw.LazyFrame) else given).to_pandas()


def like(template: Sequence[Any], values: Array) -> Any:
    """Give `values` the form of the inputs it came from, as lifetimes does.

    A Series among the inputs makes a Series with its index; scalars make a float; else an array.
    """
    for given in template:
        if isinstance(given, pd.Series) and len(given) == np.size(values):
            return pd.Series(np.reshape(values, -1), index=given.index)
    return values if np.ndim(values) else float(values)
