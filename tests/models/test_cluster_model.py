"""A stored model of clusters places customers as they were placed when it was found."""

import numpy as np
import pandas as pd
import pytest

from models.clustering import Clusters, find_clusters
from tests.models.planted_groups import cigars, dense_groups, three_groups


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


def test_typical_members_are_near_the_centre():
    points, _, found = three_groups()
    distances = found.model.distances(points, found.labels)
    expected = np.linalg.norm(points - found.centres.loc[found.labels].to_numpy(), axis=1)
    assert distances.to_numpy() == pytest.approx(expected)
