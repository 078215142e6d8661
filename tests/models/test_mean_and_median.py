"""The mean beside the median, where values are equal but for the order of their sums."""

import numpy as np

from models.mean_and_median import spread


def test_equal_values_lie_on_their_mean_and_not_below():
    assert spread(np.full(3, 0.1))["below_mean"] == 0
