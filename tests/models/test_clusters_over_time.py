"""Clusters of two runs: which is which, and who moved."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from models.clusters_over_time import match_clusters

BEFORE = pd.Series([1, 1, 1, 1, 2, 2, 2, 3, 3], index=list("abcdefghi"), name="cluster")
NOW = pd.Series([2, 2, 2, 1, 1, 1, 1, 3, 3], index=list("abcdefgxy"), name="cluster")


def test_by_hand():
    match = match_clusters(BEFORE, NOW)
    assert match.mapping["cluster"].tolist() == [1, 2, 3, pd.NA]
    assert match.mapping["before"].tolist() == [2, 1, pd.NA, 3]
    assert match.mapping["shared"].tolist() == [3, 3, 0, 0]
    assert match.mapping["of_before"].tolist() == [1.0, 0.75, 0.0, 0.0]
    assert match.mapping["of_now"].tolist() == [0.75, 1.0, 0.0, 0.0]
    assert match.moved.to_dict("list") == {"customer": ["d"], "before": [1], "now": [1]}
    assert match.stayed == 6
    assert (list(match.new), list(match.gone)) == (["x", "y"], ["h", "i"])
    assert match.agreement == pytest.approx(adjusted_rand_score(BEFORE[list("abcdefg")], NOW[list("abcdefg")]))


def test_renumbered_clusters_are_the_same():
    rng = np.random.default_rng(1)
    before = pd.Series(rng.integers(1, 6, 200), index=[f"{place:03}" for place in range(200)])
    now = before.map({1: 4, 2: 1, 3: 5, 4: 2, 5: 3}).sample(frac=1, random_state=1)
    match = match_clusters(before, now)
    assert match.agreement == 1
    assert match.moved.empty
    assert match.stayed == 200
    assert match.mapping.set_index("cluster")["before"].to_dict() == {4: 1, 1: 2, 5: 3, 2: 4, 3: 5}


def test_as_many_as_possible_stay():
    # greedily 1 -> 1 (6 customers) would leave 2 -> 2 with none; 1 -> 2 and 2 -> 1 keep ten
    before = pd.Series([1] * 11 + [2] * 5)
    now = pd.Series([1] * 6 + [2] * 5 + [1] * 5)
    match = match_clusters(before, now)
    assert match.stayed == 10
    assert len(match.moved) == 6


def test_frames_with_missing_clusters_and_unlike_numbers():
    before = pd.DataFrame({"customer": list("abcd"), "cluster": pd.array([1, 1, 2, None], dtype="Int64")})
    now = pd.DataFrame({"customer": list("abcd"), "cluster": pd.array([1, 2, None, 3], dtype="Int64")})
    match = match_clusters(before, now)
    assert match.stayed == 1
    assert match.moved["customer"].tolist() == ["b"]
    assert (list(match.new), list(match.gone)) == (["d"], ["c"])
    assert match.mapping["cluster"].tolist() == [1, 2, 3, pd.NA]


def test_nobody_in_common():
    match = match_clusters(BEFORE, NOW.rename(lambda name: f"new {name}"))
    assert np.isnan(match.agreement)
    assert (match.stayed, len(match.moved), len(match.new), len(match.gone)) == (0, 0, 9, 9)
    assert match.mapping["before"].notna().sum() == 3


def test_a_customer_twice():
    with pytest.raises(ValueError, match="appear once in a run"):
        match_clusters(BEFORE, pd.concat([NOW, NOW]))
