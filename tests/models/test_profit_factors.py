"""A period's profit as a product, and the parts of its change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.profit_factors import split, split_change


def test_the_sum_is_a_product(audited_years):
    # 4 customers x 5 / 4 purchases x 955 / 5 = 955; x a half = 477.5
    product = split(audited_years[1])
    assert product == pytest.approx((4, 1.25, 191, 0.5))
    assert (product.revenue, product.profit) == pytest.approx((955, 477.5))


def test_two_factors():
    # 4 x 5 = 20 becomes 6 x 3 = 18; the first adds 2 x (5 + 3) / 2 = 8, the second -2 x (4 + 6) / 2 = -10
    assert split_change([4, 5], [6, 3]) == pytest.approx([8, -10])


def test_three_factors():
    # each part is the factor's change times, of the two others, a third of the product before, a sixth of each
    # mixed one, and a third of the product now: from 1 x 2 x 3 to 2 x 5 x 3
    # first: 1 x (6/3 + 15/6 + 6/6 + 15/3) = 10.5; second: 3 x (3/3 + 6/6 + 3/6 + 6/3) = 13.5; third: none
    assert split_change([1, 2, 3], [2, 5, 3]) == pytest.approx([10.5, 13.5, 0])


factors = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=4)


@given(factors, factors)
def test_parts_add_up_to_the_change_of_the_product(before, now):
    number = min(len(before), len(now))
    before, now = before[:number], now[:number]
    parts = split_change(before, now)
    size = max(np.prod(np.abs(before)), np.prod(np.abs(now)), np.prod(np.maximum(np.abs(before), np.abs(now))))
    assert sum(parts) == pytest.approx(np.prod(now) - np.prod(before), abs=1e-9 * (size + 1))
    for part, was, became in zip(parts, before, now, strict=True):
        if was == became:
            assert part == 0


@given(st.permutations(range(4)), st.lists(st.floats(0.1, 1e3), min_size=8, max_size=8))
def test_the_order_of_the_factors_changes_no_part(order, values):
    before, now = values[:4], values[4:]
    parts = split_change(before, now)
    shuffled = split_change([before[place] for place in order], [now[place] for place in order])
    assert shuffled == pytest.approx([parts[place] for place in order], rel=1e-9, abs=1e-6)
