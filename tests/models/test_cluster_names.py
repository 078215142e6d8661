"""Names and portraits say what sets a cluster apart, in its customers' own units."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.cluster_names import LONGEST_NAME, cluster_names
from models.measured_traits import Trait
from models.needs import Needs
from models.needs_scale import Scale

ABOUT = {
    "basket_amount": Trait("typical basket", "money", "basket", "large baskets", "small baskets", ""),
    "basket_units": Trait("units in a basket", "units", "basket", "many units", "few units", ""),
    "weekend": Trait("weekends", "share", "hours", "at weekends", "on weekdays", ""),
    "category: tea": Trait("tea", "share", "categories", "tea", "little tea", ""),
    "category: wine": Trait("wine", "share", "categories", "wine", "little wine", ""),
    "category: bread": Trait("bread", "share", "categories", "bread", "little bread", ""),
}


def needs_of(features, about=ABOUT):
    compared = (features - features.mean()) / features.std(ddof=0).replace(0, 1)
    return Needs(features, compared, about, Scale(pd.DataFrame()), 0, 4, ())


@pytest.fixture
def base():
    """Thirty customers in three groups: large baskets of tea, weekend buyers, and the rest."""
    rng = np.random.default_rng(1)
    number = np.arange(30)
    group = number // 10
    features = pd.DataFrame(
        {
            "basket_amount": np.where(group == 0, 200.0, 20.0) + rng.uniform(-5, 5, 30),
            "basket_units": np.where(group == 0, 50.0, 5.0) + rng.uniform(-4, 4, 30),
            "weekend": np.where(group == 1, 0.9, 0.2) + rng.uniform(-0.05, 0.05, 30),
            "category: tea": np.where(group == 0, 0.6, 0.1) + rng.uniform(-0.02, 0.02, 30),
            "category: wine": 0.1 + rng.uniform(-0.02, 0.02, 30),
            "category: bread": 0.2,
        },
        index=pd.Index([f"{place:02}" for place in number], name="customer"),
    )
    return needs_of(features), pd.Series(group + 1, index=features.index)


def test_names_take_the_most_telling_traits_and_say_nothing_twice(base):
    needs, labels = base
    first, second, third = cluster_names(needs, labels)["name"]
    # baskets, units and tea go together, so that one of them says it
    assert first.split(", ")[0] in {"large baskets", "many units", "tea"}
    assert len({"large baskets", "many units", "tea"} & set(first.split(", "))) == 1
    assert second.startswith("at weekends")
    assert third not in (first, second)


def test_figures_are_those_of_the_customers(base):
    needs, labels = base
    told = cluster_names(needs, labels, currency="EUR").to_dict("records")[0]
    by_feature = {trait["feature"]: trait for trait in told["distinguishing"]}
    first = needs.features[labels == 1]
    assert by_feature["basket_amount"]["value"] == first["basket_amount"].median()
    assert by_feature["basket_amount"]["base"] == needs.features["basket_amount"].median()
    assert by_feature["category: tea"]["value"] == first["category: tea"].mean()
    strongest = told["distinguishing"][0]
    assert told["portrait"].lower().startswith(strongest["label"])
    assert "(all: " in told["portrait"]
    assert told["portrait"].endswith(".")


def test_the_difference_is_the_standardised_one(base):
    needs, labels = base
    own, rest = (needs.compared.loc[side, "weekend"] for side in (labels == 2, labels != 2))
    within = np.sqrt((own.var(ddof=0) * 10 + rest.var(ddof=0) * 20) / 30)
    told = cluster_names(needs, labels).to_dict("records")[1]["distinguishing"]
    assert next(trait for trait in told if trait["feature"] == "weekend")["difference"] == pytest.approx(
        (own.mean() - rest.mean()) / within
    )


def test_alike_clusters_have_names_of_their_own(base):
    needs, _ = base
    labels = pd.Series(np.arange(30) % 5 + 1, index=needs.features.index)
    names = cluster_names(needs, labels)["name"]
    assert names.is_unique
    assert (names.str.len() > 0).all()


def test_what_is_the_same_for_all_is_typical(base):
    needs, labels = base
    same = needs_of(needs.features * 0 + 1.0)
    named = cluster_names(same, labels)
    assert named["name"].tolist() == ["typical, group 1", "typical, group 2", "typical, group 3"]
    assert named["portrait"].str.startswith("Much like all").all()
    assert named["distinguishing"].tolist() == [[], [], []]


def test_customers_without_a_cluster_are_left_out(base):
    needs, labels = base
    some = labels.where(labels < 3).astype("Int64")
    assert cluster_names(needs, some)["cluster"].tolist() == [1, 2]


def test_names_stay_short(base):
    needs, labels = base
    about = {name: replace(trait, more="m" * 40, less="l" * 40) for name, trait in ABOUT.items()}
    names = cluster_names(needs_of(needs.features, about), labels)["name"]
    assert (names.str.len() <= LONGEST_NAME + len(", group 3")).all()
    assert names.is_unique
