"""Customers in planted groups, for the tests of clusters."""

from functools import cache

import numpy as np
import pandas as pd

from benchmarks.needs import planted_points
from models.clustering import find_clusters


def frame_of(points):
    return pd.DataFrame(
        points,
        index=pd.Index([f"{number:05}" for number in range(len(points))], name="customer"),
        columns=[f"trait {number}" for number in range(points.shape[1])],
    )


@cache
def three_groups():
    """Three groups far apart: points, truth, and the clusters found."""
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
