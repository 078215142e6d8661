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
from models.cluster_reference import one_group_like
from models.clustering import APART, MUCH_AS_STABLE, SMALLEST_SHARE, STABLE, Clusters, find_clusters
from models.needs import HOW_THEY_BUY, WHAT_THEY_BUY, needs_features


def frame_of(points):
    return pd.DataFrame(
        points,
        index=pd.Index([f"{number:05}" for number in range(len(points))], name="customer"),
        columns=[f"trait {number}" for number in range(points.shape[1])],
    )


@pytest.fixture(scope="module")
def three_groups():
    points, truth = planted_points(np.random.default_rng(4), 180, 4, 3, 7.0, skewed=False)
    return points, truth, find_clusters(points, most=4, seed=1)


def cigars():
    """Two long parallel groups, which k-means cuts across."""
    rng = np.random.default_rng(2)
    truth = np.arange(200) % 2
    points = np.column_stack([rng.normal(0, 2, 200), 3.0 * truth + rng.normal(0, 0.35, 200)])
    return frame_of(points), truth


def dense_groups():
    """Four dense groups of unlike sizes and spreads."""
    rng = np.random.default_rng(5)
    truth = rng.choice(3, 300, p=[0.5, 0.3, 0.2])
    centres, spreads = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]]), np.array([0.3, 0.6, 0.9])
    return frame_of(centres[truth] + rng.normal(size=(300, 2)) * spreads[truth, None]), truth


def test_planted_groups_are_found(three_groups):
    _, truth, found = three_groups
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


def test_the_choice_follows_its_rule(three_groups):
    choice = three_groups[2].choice
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


def test_dense_clusters_are_tried_where_traits_are_few(three_groups):
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


def test_the_largest_is_the_first_and_the_number_can_be_given(three_groups):
    points = three_groups[0]
    found = find_clusters(points, clusters=4, seed=1)
    assert found.k == 4
    assert set(found.choice["clusters"]) == {4}
    sizes = found.labels.value_counts().sort_index()
    assert sizes.index.tolist() == [1, 2, 3, 4]
    assert sizes.is_monotonic_decreasing
    assert (found.model.shares * len(points)).to_numpy() == pytest.approx(sizes.to_numpy())


def test_the_same_seed_gives_the_same_and_the_order_of_customers_is_immaterial(three_groups):
    points, _, found = three_groups
    again = find_clusters(points.sample(frac=1, random_state=5), most=4, seed=1)
    pd.testing.assert_series_equal(again.labels, found.labels)
    pd.testing.assert_frame_equal(again.choice, found.choice, check_exact=True)
    assert (again.reference, again.between) == (found.reference, found.between)


@pytest.mark.parametrize("base", [cigars, dense_groups])
def test_a_later_run_places_customers_without_fitting(base):
    points, _ = base()
    found = find_clusters(points, clusters=2, seed=1)
    model = Clusters.from_frame(found.to_frame())
    assert model.method == found.method
    pd.testing.assert_series_equal(model.assign(points), found.labels)
    pd.testing.assert_series_equal(found.assign(points.head(7)), found.labels.head(7))
    pd.testing.assert_frame_equal(model.centres, found.centres)
    assert model.assign(points.head(0)).empty
    with pytest.raises(ValueError, match="trait 1 must be known"):
        model.assign(points.drop(columns="trait 1"))
    with pytest.raises(ValueError, match="holds no clusters"):
        Clusters.from_frame(found.to_frame().clear())


def test_typical_members_are_near_the_centre(three_groups):
    points, _, found = three_groups
    distances = found.model.distances(points, found.labels)
    expected = np.linalg.norm(points - found.centres.loc[found.labels].to_numpy(), axis=1)
    assert distances.to_numpy() == pytest.approx(expected)


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
def test_what_cant_be_clustered_is_refused(three_groups, change, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_clusters(change(three_groups[0]), seed=1, **options)


def test_a_reference_keeps_margins_and_correlations_but_no_second_hump():
    rng = np.random.default_rng(1)
    common = rng.normal(size=4_000)
    skewed = np.exp(common + 0.5 * rng.normal(size=4_000))
    often_none = np.where(rng.random(4_000) < 0.4, 0.0, rng.normal(5, 1, 4_000))
    two_humps = np.where(rng.random(4_000) < 0.5, -4.0, 4.0) + rng.normal(size=4_000)
    points = np.column_stack([common, skewed, often_none, two_humps])
    drawn = one_group_like(points)(20_000, rng)
    levels = [0.1, 0.5, 0.9]
    assert np.quantile(drawn[:, 0], levels) == pytest.approx(np.quantile(common, levels), abs=0.1)
    assert np.quantile(drawn[:, 1], levels) == pytest.approx(np.quantile(skewed, levels), rel=0.1)
    assert (drawn[:, 2] == 0).mean() == pytest.approx((often_none == 0).mean(), abs=0.02)
    ranks = pd.DataFrame(points).corr("spearman").loc[0, 1]
    assert pd.DataFrame(drawn).corr("spearman").loc[0, 1] == pytest.approx(ranks, abs=0.03)
    heights, _ = np.histogram(drawn[:, 3], np.linspace(-6, 6, 13))
    assert (np.abs(points[:, 3]) < 1).mean() < 0.01
    lower_side = np.minimum(np.maximum.accumulate(heights), np.maximum.accumulate(heights[::-1])[::-1])
    # four standard deviations of a count are left to chance
    assert (heights >= lower_side - 4 * np.sqrt(lower_side)).all()
