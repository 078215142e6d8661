"""The choice of clusters: what is tried, and which of it is taken."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from benchmarks.needs import (
    comparable,
)
from models.cluster_choice import MUCH_AS_STABLE, SMALLEST_SHARE
from models.cluster_validity import APART, STABLE
from models.clustering import find_clusters
from tests.models.planted_groups import dense_groups, three_groups


def test_the_choice_follows_its_rule():
    choice = three_groups()[2].choice
    assert choice["method"].value_counts()[["k-means", "mixture"]].tolist() == [3, 3]
    sound = (choice["stability"] >= STABLE) & (choice["between"] <= APART) & (choice["smallest"] >= SMALLEST_SHARE)
    assert choice["sound"].tolist() == sound.tolist()
    sound = sound & (choice["stability"] >= choice.loc[sound, "stability"].max() - MUCH_AS_STABLE)
    largest = sound & (choice["clusters"] == choice.loc[sound, "clusters"].max())
    assert choice["chosen"].tolist() == (largest & (choice["rank"] == choice.loc[largest, "rank"].min())).tolist()
    higher = choice[["silhouette", "calinski_harabasz", "gap", "bic"]].assign(db=-choice["davies_bouldin"])
    places = higher.rank(ascending=False)
    expected = ((places - 1) / (places.count() - 1)).mean(axis=1)
    assert choice["rank"].to_numpy() == pytest.approx(expected.to_numpy())
    assert choice.loc[choice["method"] == "mixture", "gap"].isna().all()
    assert choice.loc[choice["method"] == "k-means", "bic"].isna().all()


def test_dense_clusters_are_tried_where_traits_are_few():
    points, truth = dense_groups()
    found = find_clusters(points, most=4, seed=1)
    dense = found.choice[found.choice["method"] == "HDBSCAN"]
    assert dense["clusters"].tolist() == [3]
    assert 0 <= dense["noise"].iloc[0] <= 0.25
    assert adjusted_rand_score(truth, found.labels) >= 0.9
    six = pd.concat([points, points.add_prefix("a "), points.add_prefix("b ")], axis=1)
    assert "HDBSCAN" not in set(find_clusters(six, most=2, seed=1).choice["method"])


def test_without_anything_stable_the_most_stable_is_taken():
    points = comparable(np.random.default_rng(1).normal(size=(120, 6)))
    choice = find_clusters(points, most=4, seed=1).choice
    assert choice["stability"].max() < STABLE
    assert choice["chosen"].tolist() == (choice["stability"] == choice["stability"].max()).tolist()
