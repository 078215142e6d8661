"""Clusters of customers: what was planted is found, what wasn't isn't, and chance has no say."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from models.clustering import behaviour_features, cluster

AS_OF = dt.date(2024, 6, 30)


@pytest.fixture
def purchases():
    rows = [
        ("b", "2024-06-30", 5.0),
        ("a", "2024-01-01", 10.0),
        ("a", "2024-01-21", 20.0),
        ("a", "2024-01-21", 10.0),
        ("a", "2024-01-31", 50.0),
        ("a", "2024-07-01", 999.0),
        ("c", "2024-07-01", 999.0),
    ]
    frame = pl.DataFrame(rows, schema=["customer", "date", "amount"], orient="row")
    return frame.with_columns(pl.col("date").str.to_date())


def features_of(logs):
    """Customers whose recency, frequency and mean spend have these logarithms (of one more), shape (n, 3)."""
    raw = np.expm1(logs)
    columns = {"days_since_last": raw[:, 0], "purchases": raw[:, 1], "mean_spend": raw[:, 2]}
    index = pd.Index([f"{number:06}" for number in range(len(raw))], name="customer")
    return pd.DataFrame({**columns, "tenure_days": 900.0, "days_between": np.nan}, index=index)


def planted(number=900, seed=0):
    """Three groups of one size: good customers, lapsed single buyers, rare buyers of expensive things."""
    truth = np.arange(number) % 3
    centres = np.array([[2.5, 3.0, 3.0], [5.5, 0.8, 3.0], [5.0, 1.0, 6.0]])
    noise = np.random.default_rng(seed).normal(0, 0.15, (number, 3))
    return features_of(centres[truth] + noise), truth


STRUCTURELESS = {
    "even": lambda rng, number: rng.uniform(2, 6, (number, 3)),
    "normal": lambda rng, number: rng.normal(5, 0.5, (number, 3)),
    "elongated": lambda rng, number: rng.normal(5, 0.5, (number, 1)) + rng.normal(0, 0.25, (number, 3)),
}


@pytest.fixture(scope="module")
def three_groups():
    features, truth = planted()
    return features, truth, cluster(features, seed=1)


def test_features_by_hand_know_nothing_later(purchases):
    expected = pd.DataFrame(
        {
            "days_since_last": [151, 0],
            "purchases": [3, 1],
            "mean_spend": [30.0, 5.0],
            "tenure_days": [181, 0],
            "days_between": [15.0, np.nan],
        },
        index=pd.Index(["a", "b"], name="customer", dtype="str"),
    )
    pd.testing.assert_frame_equal(behaviour_features(purchases, AS_OF), expected)


def test_every_kind_of_frame_gives_the_same_features(purchases):
    eager = behaviour_features(purchases, AS_OF)
    in_pandas = purchases.to_pandas().assign(date=lambda frame: pd.to_datetime(frame["date"]) + pd.Timedelta("20h"))
    pd.testing.assert_frame_equal(behaviour_features(purchases.lazy(), AS_OF), eager)
    pd.testing.assert_frame_equal(behaviour_features(in_pandas, AS_OF), eager)


def test_planted_groups_are_found(three_groups):
    _, truth, result = three_groups
    assert result.k == 3
    assert adjusted_rand_score(truth, result.labels) >= 0.99
    assert result.clear
    assert result.stability > 0.99
    assert result.silhouette > result.reference + 0.2


def test_the_choice_follows_its_rule(three_groups):
    choice = three_groups[2].choice
    assert choice["k"].tolist() == [2, 3, 4, 5, 6, 7, 8]
    stable = choice[choice["stability"] >= 0.8]
    assert choice.loc[choice["chosen"], "k"].tolist() == [choice.loc[stable["silhouette"].idxmax(), "k"]]


def test_without_a_stable_number_the_most_stable_is_taken():
    noise = STRUCTURELESS["normal"](np.random.default_rng(1), 300)
    choice = cluster(features_of(noise), seed=1).choice
    assert choice["stability"].max() < 0.8
    assert choice["chosen"].tolist() == (choice["stability"] == choice["stability"].max()).tolist()


def test_cluster_one_spent_most(three_groups):
    features, _, result = three_groups
    spent = (features["purchases"] * features["mean_spend"]).groupby(result.labels).mean()
    assert spent.index.tolist() == [1, 2, 3]
    assert spent.is_monotonic_decreasing


def test_names_say_what_sets_a_group_apart(three_groups):
    assert sorted(three_groups[2].names) == [
        "frequent, recent",
        "occasional, large baskets",
        "occasional, long ago",
    ]


def test_the_profile_describes_every_customer_once(three_groups):
    features, _, result = three_groups
    profile = result.profile
    assert list(profile.columns) == ["cluster", "name", "customers", "share", *features.columns]
    assert profile["cluster"].tolist() == [1, 2, 3]
    assert profile["name"].tolist() == result.names.tolist()
    assert profile["customers"].tolist() == [300, 300, 300]
    assert profile["share"].sum() == pytest.approx(1)
    first = features[result.labels == 1]
    assert profile.loc[0, "mean_spend"] == first["mean_spend"].median()
    assert profile["days_between"].isna().all()


@pytest.mark.parametrize(("number", "seed"), [(100, 1), (300, 2), (1000, 3)])
@pytest.mark.parametrize("kind", STRUCTURELESS)
def test_structureless_customers_are_no_clear_groups(kind, number, seed):
    logs = STRUCTURELESS[kind](np.random.default_rng(seed), number)
    assert not cluster(features_of(logs), seed=seed).clear


def test_the_same_seed_gives_the_same_and_the_order_of_customers_is_immaterial(three_groups):
    features, _, result = three_groups
    again = cluster(features.sample(frac=1, random_state=5), seed=1)
    for name in ("labels", "names"):
        pd.testing.assert_series_equal(getattr(again, name), getattr(result, name))
    for name in ("choice", "profile"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name), check_exact=True)
    assert (again.silhouette, again.stability, again.reference) == (
        result.silhouette,
        result.stability,
        result.reference,
    )


def test_a_base_larger_than_the_sample_is_labelled_whole():
    features, truth = planted(number=30_000)
    result = cluster(features, clusters=3, seed=1)
    assert adjusted_rand_score(truth, result.labels) >= 0.99
    assert result.labels.index.equals(features.index)


@pytest.mark.parametrize("clusters", [2, 5, 8, 12])
def test_as_many_clusters_as_asked_for_with_names_of_their_own(clusters):
    logs = STRUCTURELESS["even"](np.random.default_rng(9), 400)
    result = cluster(features_of(logs), clusters=clusters, seed=1)
    assert result.k == clusters
    assert result.choice[["k", "chosen"]].to_numpy().tolist() == [[clusters, True]]
    assert sorted(result.labels.unique()) == list(range(1, clusters + 1))
    assert result.names.is_unique
    assert result.names.str.len().gt(0).all()


def test_customers_of_one_purchase_are_called_so():
    logs = np.random.default_rng(2).normal([3.0, 2.5, 3.0], 0.1, (200, 3))
    logs[::2, 0] += 3
    features = features_of(logs)
    features.loc[features.index[::2], "purchases"] = 1
    assert sorted(cluster(features, clusters=2, seed=1).names) == [
        "frequent, recent",
        "one purchase, long ago",
    ]


def test_a_few_extraordinary_customers_claim_no_cluster():
    features, _ = planted()
    features.loc[features.index[:2], "mean_spend"] = 1e12
    result = cluster(features, clusters=3, seed=1)
    assert result.profile["customers"].min() > 200


def test_negative_spend_counts_as_none():
    features, _ = planted()
    features.loc[features.index[:5], "mean_spend"] = -40.0
    nothing = features.assign(mean_spend=features["mean_spend"].clip(lower=0))
    assert cluster(features, clusters=3, seed=1).silhouette == cluster(nothing, clusters=3, seed=1).silhouette


def test_a_base_without_repeat_purchases_still_has_an_answer():
    rng = np.random.default_rng(4)
    dates = np.datetime64("2024-01-01") + rng.integers(0, 180, 200).astype("timedelta64[D]")
    once = pd.DataFrame({"customer": np.arange(200).astype(str), "date": dates, "amount": rng.gamma(2, 20, 200)})
    features = behaviour_features(once, AS_OF)
    assert features["days_between"].isna().all()
    assert len(cluster(features, seed=1).labels) == 200


@pytest.mark.parametrize("clusters", [None, 3])
def test_the_smallest_base(clusters):
    features, _ = planted(number=20)
    result = cluster(features, clusters=clusters, seed=1)
    assert len(result.labels) == 20
    assert result.choice["k"].max() <= 4


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (lambda frame: frame.head(19), {}, "at least 20 customers; here there are 19"),
        (
            lambda frame: frame.assign(purchases=1.0, mean_spend=1.0, days_since_last=1.0),
            {},
            "1 different kinds",
        ),
        (
            lambda frame: frame.assign(purchases=1.0, mean_spend=1.0, days_since_last=[1.0, 2.0] * 450),
            {"clusters": 3},
            "2 ",
        ),
        (lambda frame: pd.concat([frame, frame.head(1)]), {}, "appear once"),
        (lambda frame: frame.assign(mean_spend=np.nan), {}, "missing"),
        (lambda frame: frame, {"clusters": 1}, "two clusters"),
        (lambda frame: frame, {"most": 1}, "two clusters"),
    ],
)
def test_what_cant_be_clustered_is_refused(change, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        cluster(change(planted()[0]), seed=1, **options)


def test_a_feature_that_is_the_same_for_everybody_names_no_cluster():
    rng = np.random.default_rng(5)
    features = pd.DataFrame(
        {"days_since_last": rng.choice([3, 300], 200) + rng.integers(0, 9, 200), "purchases": 2, "mean_spend": 9.99},
        index=pd.Index([f"c{i:03d}" for i in range(200)], name="customer"),
    )
    names = cluster(features, seed=1).names
    assert not names.str.contains("baskets|frequent|occasional").any()
