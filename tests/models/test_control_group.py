"""The customers held out: so many as asked, the same in any order, and nothing but chance in who they are."""

import datetime as dt

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from models.control_group import control_group_size, draw_control_group

DAY = dt.date(2025, 6, 30)


def keys(number: int) -> list[str]:
    """Return keys of so many customers."""
    return [f"customer {n}" for n in range(number)]


@pytest.mark.parametrize(
    ("customers", "share", "size"),
    [
        (0, 0.1, 0),
        (1, 0.1, 0),
        (4, 0.1, 0),
        (5, 0.1, 1),
        (14, 0.1, 1),
        (15, 0.1, 2),
        (50, 0.29, 15),  # 14.5, which in binary is a little less
        (1000, 0.1, 100),
        (10, 0.0, 0),
    ],
)
def test_size_is_the_share_with_halves_rounded_up(customers: int, share: float, size: int) -> None:
    assert control_group_size(customers, share) == size
    assert draw_control_group(keys(customers), share, 1, DAY, "develop").sum() == size


def test_draw_does_not_depend_on_the_order_of_rows() -> None:
    customers = keys(500)
    drawn = draw_control_group(customers, 0.1, 2026, DAY, "develop")
    order = np.random.default_rng(0).permutation(500)
    again = draw_control_group([customers[place] for place in order], 0.1, 2026, DAY, "develop")
    assert (again == drawn[order]).all()


def test_draw_is_the_one_it_always_was() -> None:
    drawn = draw_control_group(keys(40), 0.1, 2026, DAY, "develop")
    assert np.flatnonzero(drawn).tolist() == [2, 20, 24, 30]


def test_draws_of_other_seeds_days_and_lists_are_independent() -> None:
    customers = keys(20_000)
    first = draw_control_group(customers, 0.1, 2026, DAY, "develop")
    others = (
        draw_control_group(customers, 0.1, 2027, DAY, "develop"),
        draw_control_group(customers, 0.1, 2026, DAY + dt.timedelta(days=1), "develop"),
        draw_control_group(customers, 0.1, 2026, DAY, "win back"),
    )
    for other in others:
        # of those drawn first a tenth is drawn again, no more and no less than chance has it
        assert binomtest(int((first & other).sum()), int(first.sum()), 0.1).pvalue > 1e-3


def test_every_customer_is_as_likely_as_every_other() -> None:
    customers = keys(50)
    times = np.sum([draw_control_group(customers, 0.1, seed, DAY) for seed in range(2000)], axis=0)
    assert times.sum() == 2000 * 5
    assert chisquare(times).pvalue > 1e-3


def test_keys_may_hold_anything() -> None:
    hostile = ["", "=1+1", "Ключ", "a\nb", "\ud800", "🙂" * 100]
    assert draw_control_group(hostile, 0.5, 1, DAY, "change terms").sum() == 3


def test_refuses_a_customer_listed_twice_and_a_share_that_is_none() -> None:
    with pytest.raises(ValueError, match="twice"):
        draw_control_group(["a", "b", "a"], 0.1, 1, DAY)
    for share in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="share is"):
            draw_control_group(["a", "b"], share, 1, DAY)
