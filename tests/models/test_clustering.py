"""Clusters: what was planted is found, what wasn't isn't, and chance has no say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from benchmarks.needs import (
    AS_OF,
    SHAPES,
    comparable,
    planted_points,
    simulated_ledger,
    type_of_customer,
    types_by_category,
)
from models.clustering import Clusters, find_clusters
from models.needs import HOW_THEY_BUY, WHAT_THEY_BUY, needs_features
from tests.models.planted_groups import cigars, three_groups


def test_planted_groups_are_found():
    _, truth, found = three_groups()
    assert found.k == 3
    assert adjusted_rand_score(truth, found.labels) >= 0.99
    assert found.clear
    assert found.stability > 0.95
    assert found.between < 0.2 < 0.8 < found.reference


def test_planted_needs_are_found_in_a_ledger():
    rng = np.random.default_rng(7)
    types = [type_of_customer(rng, 8) for _ in range(3)]
    ledger, truth = simulated_ledger(rng, 150, types, 20.0, alike=60.0)
    compared = needs_features(ledger, AS_OF).compared
    found = find_clusters(compared, most=4, seed=1)
    assert found.clear
    assert found.k == 3
    assert adjusted_rand_score(truth.loc[found.labels.index], found.labels) >= 0.9


def test_groups_in_what_they_buy_alone_are_found_among_gradual_differences():
    rng = np.random.default_rng(3)
    types = [one._replace(lines=1.5) for one in types_by_category(rng, 4, 8, 0.8)]
    ledger, truth = simulated_ledger(rng, 240, types, 25.0, alike=60.0, otherwise=8.0)
    needs = needs_features(ledger, AS_OF)
    found = find_clusters(needs.compared, parts=needs.parts, most=5, seed=1)
    assert (found.part, found.clear, found.k) == (WHAT_THEY_BUY, True, 4)
    assert found.looks == {None: False, WHAT_THEY_BUY: True, HOW_THEY_BUY: False}
    assert adjusted_rand_score(truth.loc[found.labels.index], found.labels) >= 0.9
    assert list(found.centres) == needs.parts[WHAT_THEY_BUY]
    model = Clusters.from_frame(found.to_frame())
    pd.testing.assert_series_equal(model.assign(needs.compared), found.labels)
    assert np.isfinite(model.distances(needs.compared, found.labels)).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_needs_that_differ_gradually_are_no_clear_groups(seed):
    rng = np.random.default_rng(seed)
    ledger, _ = simulated_ledger(rng, 120, [type_of_customer(rng, 8)], 20.0, alike=10.0)
    needs = needs_features(ledger, AS_OF)
    found = find_clusters(needs.compared, parts=needs.parts, most=4, seed=seed)
    assert (found.clear, found.part) == (False, None)
    assert found.looks == {None: False, WHAT_THEY_BUY: False, HOW_THEY_BUY: False}


def test_long_groups_are_found_by_mixtures():
    points, truth = cigars()
    found = find_clusters(points, most=2, seed=1)
    assert (found.method, found.k, found.clear) == ("mixture", 2, True)
    assert adjusted_rand_score(truth, found.labels) >= 0.98


@pytest.mark.parametrize("shape", SHAPES)
def test_one_group_is_no_clear_groups(shape):
    place = list(SHAPES).index(shape)
    points = comparable(SHAPES[shape](np.random.default_rng(place), 100, 3 + place % 4))
    found = find_clusters(points, most=3, seed=place)
    assert not found.clear
    assert found.labels.notna().all()


def test_the_largest_is_the_first_and_the_number_can_be_given():
    points = three_groups()[0]
    found = find_clusters(points, clusters=4, seed=1)
    assert found.k == 4
    assert set(found.choice["clusters"]) == {4}
    sizes = found.labels.value_counts().sort_index()
    assert sizes.index.tolist() == [1, 2, 3, 4]
    assert sizes.is_monotonic_decreasing
    assert (found.model.shares * len(points)).to_numpy() == pytest.approx(sizes.to_numpy())


def test_the_same_seed_gives_the_same_and_the_order_of_customers_is_immaterial():
    points, _, found = three_groups()
    again = find_clusters(points.sample(frac=1, random_state=5), most=4, seed=1)
    pd.testing.assert_series_equal(again.labels, found.labels)
    pd.testing.assert_frame_equal(again.choice, found.choice, check_exact=True)
    assert (again.reference, again.between) == (found.reference, found.between)


def test_a_base_larger_than_the_sample_is_labelled_whole():
    points, truth = planted_points(np.random.default_rng(3), 8_000, 3, 3, 7.0, skewed=False)
    found = find_clusters(points, clusters=3, seed=1)
    assert found.labels.index.equals(points.index)
    assert adjusted_rand_score(truth, found.labels) >= 0.98


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (lambda frame: frame.head(49), {}, "at least 50 customers whose needs show; here there are 49"),
        (lambda frame: frame * 0, {}, "1 different kinds of customer, too few for two"),
        (lambda frame: (frame > 0).iloc[:, :1] * 1.0, {"clusters": 3}, "2 different kinds of customer, too few for 3"),
        (lambda frame: pd.concat([frame, frame.head(1)]), {}, "appear once"),
        (lambda frame: frame.where(frame > 0), {}, "missing"),
        (lambda frame: frame[[]], {}, "differ in nothing"),
        (lambda frame: frame, {"clusters": 1}, "two clusters"),
        (lambda frame: frame, {"most": 1}, "two clusters"),
    ],
)
def test_what_cant_be_clustered_is_refused(change, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_clusters(change(three_groups()[0]), seed=1, **options)
