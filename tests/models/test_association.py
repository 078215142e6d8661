"""Tests of association, against tables small enough to reckon by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from models.association import filled_in_with_success, goes_with_success
from models.first_purchase import FirstPurchases, Trait

CHANNEL = Trait("channel", "text", ("channel",))
BASKET = Trait("first basket", "money", ("basket",))


def chance_of(trait: Trait, good: list[bool] | np.ndarray, **columns: object) -> float:
    return goes_with_success(trait, pd.DataFrame(columns), np.asarray(good, dtype=bool))


def test_levels_of_text_are_held_against_one_another():
    good = [True] * 30 + [False] * 10 + [True] * 10 + [False] * 30
    chance = chance_of(CHANNEL, good, channel=["web"] * 40 + ["fair"] * 40)
    # 80 customers, Yates' correction: 80 (|10 * 10 - 30 * 30| - 40)^2 / 40^4
    assert chance == pytest.approx(chi2.sf(80 * 760**2 / 40**4, 1))


def test_rare_levels_are_one_and_missing_ones_none():
    good = [True] * 30 + [False] * 10 + [True] * 10 + [False] * 30 + [True] * 50
    rare = ["fair"] * 15 + ["phone"] * 15 + ["street"] * 10
    chance = chance_of(CHANNEL, good, channel=["web"] * 40 + rare + [None] * 50)
    assert chance == pytest.approx(chi2.sf(80 * 760**2 / 40**4, 1))
    assert chance_of(CHANNEL, good, channel=["web"] * 130) == 1


def test_of_flags_the_least_chance_counts_once_for_each_that_differs():
    categories = Trait("categories", "flags", ("tea", "milk", "bread"), ("tea", "milk", "bread"))
    good = [True] * 3 + [False] * 3
    flags = {"tea": [1, 1, 1, 0, 0, 0], "milk": [1, 0, 0, 1, 0, 0], "bread": [1] * 6}
    # two of the 20 ways to choose three customers of six set the good ones apart; two flags differ
    assert chance_of(categories, good, **flags) == pytest.approx(2 * 2 / 20)
    assert chance_of(categories, good, tea=[1] * 6, milk=[0] * 6, bread=[1] * 6) == 1


def test_figures_are_held_by_their_ranks():
    # of the 70 ways to choose four ranks of eight two are the farthest apart, and the smaller of two tests is doubled
    assert chance_of(BASKET, [True] * 4 + [False] * 4, basket=[5.0, 6, 7, 8, 1, 2, 3, 4]) == pytest.approx(2 * 2 / 70)


def test_good_customers_in_the_middle_of_a_figure_are_found_too():
    basket = np.arange(100.0)
    good = (basket >= 40) & (basket < 60)
    # the middle fifth is good and nobody else is: chi-squared is the number of customers
    assert chance_of(BASKET, good, basket=basket) == pytest.approx(2 * chi2.sf(100, 4))


def test_customers_without_a_figure_say_nothing():
    known = [5.0, 6, 7, 8, 1, 2, 3, 4]
    good = [True] * 4 + [False] * 4 + [True] * 9
    assert chance_of(BASKET, good, basket=known + [np.nan] * 9) == pytest.approx(2 * 2 / 70)
    assert chance_of(BASKET, good, basket=[np.nan] * 8 + [1.0] * 9) == 1


@pytest.mark.parametrize(("of_each", "found"), [(3, []), (4, ["city"])])
def test_a_particular_filled_in_for_good_customers_is_told_once_that_is_no_chance(of_each, found):
    """By Fisher's exact test 2 of 20 ways with three of each, 2 of 70 with four."""
    customers = pd.DataFrame({"city": ["Riga"] * of_each + [None] * of_each, "region": ["north"] * 2 * of_each})
    traits = (
        Trait("city", "text", ("city",), recorded=True),
        Trait("region", "text", ("region",), recorded=True),
        Trait("channel", "text", ("city",)),
    )
    good = pd.Series([True] * of_each + [False] * of_each)
    assert filled_in_with_success(FirstPurchases(customers, traits), good) == found
