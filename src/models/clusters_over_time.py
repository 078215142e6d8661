"""Clusters of two runs beside each other: which is which, how far they agree, who moved.

References
----------
Kuhn, H. W. (1955). The Hungarian method for the assignment problem. *Naval Research Logistics Quarterly* 2, 83-97.
Hubert, L. & P. Arabie (1985). Comparing partitions. *Journal of Classification* 2, 193-218.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score


@dataclass(frozen=True)
class ClusterMatch:
    """What became of an earlier run's clusters.

    Attributes
    ----------
    mapping : pandas.DataFrame
        One row per cluster of either run, the present ones first: cluster, before (each null where it has no
        counterpart), shared (customers in both), of_before and of_now (their share of the customers who had a cluster
        in both runs and were in the one, or are in the other).
    agreement : float
        Adjusted Rand index over customers with a cluster in both runs: 1 the same, about 0 as by chance. It doesn't
        depend on the matching. NaN where no customer is in both.
    moved : pandas.DataFrame
        customer, before, now: who is in another cluster than the counterpart of their former one. Sorted by customer.
    stayed : int
        Customers in the counterpart of their former cluster.
    new, gone : pandas.Index
        Customers with a cluster now but not before, and the other way round.
    """

    mapping: pd.DataFrame
    agreement: float
    moved: pd.DataFrame
    stayed: int
    new: pd.Index
    gone: pd.Index


def match_clusters(before: pd.Series | pd.DataFrame, now: pd.Series | pd.DataFrame) -> ClusterMatch:
    """Match the clusters of two runs so that as many customers as possible stay where they were.

    Parameters
    ----------
    before, now : pandas.Series or pandas.DataFrame
        Cluster by customer: a series indexed by customer, or a frame with columns customer and cluster. Customers
        without a cluster are left out; the two runs may have different numbers of clusters.

    Returns
    -------
    ClusterMatch

    Raises
    ------
    ValueError
        When a customer appears twice in a run.
    """
    then, today = _labels(before), _labels(now)
    both = then.index.intersection(today.index).sort_values()
    was, is_now = then.loc[both], today.loc[both]
    overlap = pd.crosstab(is_now, was).reindex(index=np.unique(today), columns=np.unique(then), fill_value=0)
    rows, columns = linear_sum_assignment(-overlap.to_numpy())
    # two clusters that share nobody are no counterparts, even if nothing else is left for them
    pairs = {
        int(overlap.index[row]): int(overlap.columns[column])
        for row, column in zip(rows, columns, strict=True)
        if overlap.iloc[row, column] > 0
    }
    expected = was.map({old: new for new, old in pairs.items()})
    away = (expected != is_now).to_numpy()
    moved = pd.DataFrame({"customer": both[away], "before": was[away].to_numpy(), "now": is_now[away].to_numpy()})
    return ClusterMatch(
        mapping=_mapping(overlap, pairs),
        agreement=float(adjusted_rand_score(was, is_now)) if len(both) else np.nan,
        moved=moved,
        stayed=int((~away).sum()),
        new=today.index.difference(then.index).sort_values(),
        gone=then.index.difference(today.index).sort_values(),
    )


def _labels(run: pd.Series | pd.DataFrame) -> pd.Series:
    labels = run.set_index("customer")["cluster"] if isinstance(run, pd.DataFrame) else run
    if not labels.index.is_unique:
        raise ValueError("Every customer must appear once in a run; some appear more often.")
    labels = labels.dropna()
    return pd.Series(labels.to_numpy(np.int64), index=labels.index.astype(str), name="cluster")


def _mapping(overlap: pd.DataFrame, pairs: dict[int, int]) -> pd.DataFrame:
    were, are = overlap.sum(axis=0), overlap.sum(axis=1)
    rows: list[tuple[int | None, int | None, int, float, float]] = []
    for number in map(int, overlap.index):
        old = pairs.get(number)
        both = 0 if old is None else int(overlap.loc[number, old])  # type: ignore[arg-type]
        rows.append((number, old, both, both / max(1, were.get(old, 0)), both / max(1, are[number])))
    rows += [(None, int(old), 0, 0.0, 0.0) for old in overlap.columns if old not in pairs.values()]
    frame = pd.DataFrame(rows, columns=["cluster", "before", "shared", "of_before", "of_now"])
    return frame.astype({"cluster": "Int64", "before": "Int64"})
