"""The map shows the directions in which clusters differ most, and says what they are."""

import numpy as np
import pandas as pd
import pytest

from models.cluster_map import cluster_map
from models.measured_traits import Trait
from models.needs import Needs
from models.needs_scale import Scale

NAMES = ["size", "weekend", "noise"]
ABOUT = {name: Trait(name, "score", name, f"much {name}", f"little {name}", "") for name in NAMES}


def needs_of(points, names=NAMES):
    index = pd.Index([f"{place:03}" for place in range(len(points))], name="customer")
    frame = pd.DataFrame(points, index=index, columns=names)
    return Needs(frame, frame, ABOUT, Scale(pd.DataFrame()), 0, 4, ())


@pytest.fixture
def base():
    """Three clusters: apart in size most, in weekends less, in the third trait not at all."""
    rng = np.random.default_rng(1)
    group = np.arange(300) % 3
    centres = np.array([[-6.0, -2.0, 0.0], [6.0, -2.0, 0.0], [0.0, 4.0, 0.0]])
    needs = needs_of(centres[group] + rng.normal(size=(300, 3)) * [0.3, 0.3, 3.0])
    return needs, pd.Series(group + 1, index=needs.compared.index)


def test_directions_are_named_by_what_they_are(base):
    x, y = cluster_map(*base).axes
    assert (x.more, x.less) == ("much size", "little size")
    assert (y.more, y.less) == ("much weekend", "little weekend")
    assert x.loadings.index[0] == "size"
    assert abs(x.loadings["noise"]) < 0.2


def test_shares_of_the_spread_add_up(base):
    needs, labels = base
    shown = cluster_map(needs, labels)
    centred = needs.compared - needs.compared.mean()
    placed = shown.points[["x", "y"]].to_numpy()
    assert shown.explained == pytest.approx((placed**2).sum() / (centred**2).to_numpy().sum())
    assert shown.explained == pytest.approx(shown.axes[0].explained + shown.axes[1].explained)
    assert shown.explained_between == pytest.approx(1)
    means = shown.points.groupby("cluster")[["x", "y"]].mean()
    np.testing.assert_allclose(means, shown.centres.set_index("cluster"), atol=1e-9)


def test_distances_on_the_map_never_exceed_those_compared(base):
    needs, labels = base
    placed = cluster_map(needs, labels).points[["x", "y"]].to_numpy()
    compared = needs.compared.to_numpy()
    for one, other in ((0, 1), (5, 77), (120, 299)):
        assert np.linalg.norm(placed[one] - placed[other]) <= np.linalg.norm(compared[one] - compared[other]) + 1e-9


def test_two_clusters_lie_on_a_line(base):
    needs, labels = base
    two = labels.replace({3: 2})
    shown = cluster_map(needs, two)
    assert shown.centres["y"].to_numpy() == pytest.approx(0, abs=1e-6)
    assert shown.explained_between == pytest.approx(1)
    assert np.std(shown.points["y"]) > 1


def test_one_trait_and_one_cluster():
    needs = needs_of(np.arange(10.0)[:, None], ["size"])
    shown = cluster_map(needs, pd.Series([1] * 5 + [2] * 5, index=needs.compared.index))
    assert shown.explained == pytest.approx(1)
    assert (shown.points["y"] == 0).all()
    assert shown.axes[1].more == "nothing in particular"
    alone = cluster_map(needs, pd.Series(1, index=needs.compared.index))
    assert len(alone.centres) == 1


def test_customers_without_a_cluster_are_left_out(base):
    needs, labels = base
    some = labels.where(labels < 3).astype("Int64")
    assert len(cluster_map(needs, some).points) == 200
    with pytest.raises(ValueError, match="Nobody has a cluster"):
        cluster_map(needs, some.where(some > 5))
