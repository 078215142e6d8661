"""Bases of one group are like the base but for its humps."""

import numpy as np
import pandas as pd
import pytest

from models.cluster_reference import one_group_like


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
