"""The measured effect of actions: published and hand-computed cases, and campaigns whose effect is known."""

from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy.stats import t

from benchmarks import campaigns
from models.campaign_effect import campaign_effect, effect_on_revenue, effect_on_share


def groups(called: list[float], held_out: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return revenue and who is held out."""
    return np.array(called + held_out), np.repeat([False, True], [len(called), len(held_out)])


class TestShare:
    @pytest.mark.parametrize(
        ("counts", "low", "high"),
        # Newcombe (1998), table II, cases a, c, e and g by method 10
        [
            ((56, 70, 48, 80), 0.0524, 0.3339),
            ((9, 10, 3, 10), 0.1705, 0.8090),
            ((5, 56, 0, 29), -0.0381, 0.1926),
            ((0, 10, 0, 20), -0.1611, 0.2775),
        ],
    )
    def test_interval_is_newcombes(self, counts: tuple[int, int, int, int], low: float, high: float) -> None:
        found = effect_on_share(*counts, coverage=0.95)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)

    def test_p_value_is_the_lots_own(self) -> None:
        # 7 of 14 bought, and of the 4 held out only 1: a lot as uneven or more puts 0, 1, 3 or 4 of them there
        lots = comb(14, 4)
        uneven = Fraction(sum(comb(7, buyers) * comb(7, 4 - buyers) for buyers in (0, 1, 3, 4)), lots)
        found = effect_on_share(6, 10, 1, 4)
        assert uneven == Fraction(560, 1001)
        assert found.p_value == pytest.approx(float(uneven))
        assert found.difference == pytest.approx(0.6 - 0.25)
        assert not found.is_effect

    def test_smallest_difference_found_has_the_power_it_claims(self) -> None:
        found = effect_on_share(180, 900, 20, 100)
        rise = found.smallest_found
        random = np.random.default_rng(3)
        called, held_out = random.binomial(900, 0.2 + rise, 3000), random.binomial(100, 0.2, 3000)
        # of the score test that the power is that of: Fisher's is a little stricter
        pooled = (called + held_out) / 1000
        error = np.sqrt(pooled * (1 - pooled) * (1 / 900 + 1 / 100))
        power = (np.abs(called / 900 - held_out / 100) / error > 2.2414).mean()
        assert power == pytest.approx(0.8, abs=0.02)

    def test_large_groups_are_enough_and_small_ones_say_how_many_are_needed(self) -> None:
        small, large = effect_on_share(90, 450, 10, 50), effect_on_share(9000, 45000, 1000, 5000)
        assert not small.large_enough
        assert large.large_enough
        assert small.worth_finding == large.worth_finding == pytest.approx(0.05)
        tens = round(small.customers_needed / 10)
        enough = effect_on_share(round(1.8 * tens), 9 * tens, round(0.2 * tens), tens)
        # power falls a little faster than with the root of the number, so what is said to be needed is enough
        assert 0.9 * 0.05 < enough.smallest_found <= 0.05

    @pytest.mark.parametrize("share", [0, 1])
    def test_where_nobody_or_everybody_bought_nothing_is_found(self, share: int) -> None:
        found = effect_on_share(90 * share, 90, 10 * share, 10)
        assert (found.difference, found.is_effect, found.large_enough) == (0, False, False)
        assert found.low < 0 < found.high


class TestRevenue:
    def test_difference_is_that_of_the_means(self) -> None:
        found = effect_on_revenue(*groups([1, 3, 5, 7], [1, 1, 4]))
        assert (found.called, found.held_out, found.difference) == (4, 2, 2)

    def test_an_end_of_the_interval_leaves_a_tenth_of_all_lots_as_extreme(self) -> None:
        revenue, held_out = groups([3, 9, 11, 14, 20, 21, 30, 48], [1, 2, 10, 16])
        found = effect_on_revenue(revenue, held_out, coverage=0.8)
        for amount, side in ((found.low, 1), (found.high, -1)):
            # 495 lots; of the 399 drawn the share as extreme errs by a standard error of 0.015
            assert _share_of_lots(revenue - amount * ~held_out, held_out, side) == pytest.approx(0.1, abs=0.04)

    def test_several_lists_are_held_against_their_own(self) -> None:
        revenue, held_out = groups([1, 3, 5, 7, 100, 110], [1, 1, 4, 90, 96])
        lists = np.array([0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1])
        found = effect_on_revenue(revenue, held_out, lists=lists)
        # 4 against 2 and 105 against 93, of 4 and 2 called
        assert (found.called, found.held_out) == (pytest.approx((16 + 210) / 6), pytest.approx((4 * 2 + 2 * 93) / 6))
        assert found.difference == pytest.approx((4 * 2 + 2 * 12) / 6)
        # Welch's of each list: 5/3 and 1; 25 and 9
        error = np.sqrt((4 / 6) ** 2 * (5 / 3 + 1) + (2 / 6) ** 2 * (25 + 9))
        terms = np.array([4**2 * 5 / 3, 4**2 * 1, 2**2 * 25, 2**2 * 9]) / 36
        freedom = terms.sum() ** 2 / (terms**2 / np.array([3, 2, 1, 1])).sum()
        assert found.smallest_found == pytest.approx(error * (t.ppf(0.9875, freedom) + t.ppf(0.8, freedom)))

    def test_p_value_is_the_share_of_lots_as_uneven(self) -> None:
        revenue, held_out = groups([5, 6, 7, 8], [1, 2])
        found = effect_on_revenue(revenue, held_out)
        assert found.p_value == pytest.approx(_share_of_lots(revenue, held_out), abs=0.03)

    def test_what_was_expected_explains_differences_that_are_no_effect(self) -> None:
        random = np.random.default_rng(1)
        expected = random.gamma(0.5, 100, 500)
        held_out = np.arange(500) % 10 == 0
        revenue = 2 * expected + np.where(held_out, 0, 10)
        found = effect_on_revenue(revenue, held_out, expected)
        assert found.difference == pytest.approx(10)
        assert found.is_effect
        plain = effect_on_revenue(revenue + random.normal(0, 1, 500), held_out)
        informed = effect_on_revenue(revenue + random.normal(0, 1, 500), held_out, expected)
        assert informed.high - informed.low < 0.1 * (plain.high - plain.low)

    def test_an_expectation_that_is_missing_counts_as_the_mean(self) -> None:
        random = np.random.default_rng(2)
        expected, held_out = random.gamma(1, 10, 200), np.arange(200) % 10 == 0
        revenue = expected + random.normal(0, 1, 200)
        missing = np.where(np.arange(200) == 1, np.nan, expected)
        filled = np.where(np.isnan(missing), np.nanmean(missing), missing)
        one, other = (effect_on_revenue(revenue, held_out, each) for each in (missing, filled))
        assert (one.difference, one.low, one.high) == pytest.approx((other.difference, other.low, other.high))
        nothing = np.full(200, np.nan)
        assert effect_on_revenue(revenue, held_out, nothing) == effect_on_revenue(revenue, held_out)

    def test_smallest_difference_found_is_in_money(self) -> None:
        random = np.random.default_rng(4)
        held_out = np.arange(2000) % 10 == 0
        revenue = random.normal(50, 20, 2000)
        # the textbook's: (z of the test + z of the power) times the standard error
        assert effect_on_revenue(revenue, held_out).smallest_found == pytest.approx(
            (2.2414 + 0.8416) * 20 * np.sqrt(1 / 1800 + 1 / 200), rel=0.05
        )

    @pytest.mark.parametrize("amount", [0.0, 10.1])
    def test_where_all_brought_the_same_nothing_is_told(self, amount: float) -> None:
        found = effect_on_revenue(*groups([amount] * 20, [amount] * 5))
        assert np.isnan([found.low, found.high]).all()
        assert (found.difference, found.p_value, found.large_enough) == (pytest.approx(0), 1, False)


def _share_of_lots(revenue: np.ndarray, held_out: np.ndarray, side: int = 0) -> float:
    """Go through every control group that the lot could have drawn: how many are as uneven, to one side or either?"""

    def apart(drawn: np.ndarray) -> float:
        called, control = revenue[~drawn], revenue[drawn]
        error = np.sqrt(called.var(ddof=1) / len(called) + control.var(ddof=1) / len(control))
        difference = float((called.mean() - control.mean()) / error)
        return side * difference if side else abs(difference)

    places = np.arange(len(revenue))
    lots = [apart(np.isin(places, lot)) for lot in combinations(places, int(held_out.sum()))]
    return float(np.mean(np.array(lots) >= apart(held_out) - 1e-9))


class TestCampaign:
    def test_measures_both(self) -> None:
        revenue, held_out = groups([10.0] * 40 + [0.0] * 60, [20.0] * 10 + [0.0] * 40)
        found = campaign_effect(revenue > 0, revenue, held_out)
        assert (found.called, found.held_out) == (100, 50)
        assert (found.share.called, found.share.held_out) == (0.4, 0.2)
        assert (found.revenue.called, found.revenue.held_out) == (4.0, 4.0)
        assert found.is_effect == found.share.is_effect

    def test_tells_no_mean_revenue_where_hardly_anybody_held_out_would_buy(self) -> None:
        revenue, held_out = groups([10.0] * 9 + [0.0] * 81, [10.0] + [0.0] * 9)
        found = campaign_effect(revenue > 0, revenue, held_out)
        assert np.isnan(found.revenue.low)
        assert np.isfinite(found.share.low)

    def test_is_the_same_again(self) -> None:
        random = np.random.default_rng(0)
        revenue, held_out = random.gamma(0.3, 10, 300), np.arange(300) % 10 == 0
        first, again = (campaign_effect(revenue > 1, revenue, held_out, seed=5) for _ in range(2))
        assert first == again

    def test_refuses_groups_of_one_and_arrays_that_differ(self) -> None:
        with pytest.raises(ValueError, match="at least two"):
            campaign_effect([True] * 5, [1.0] * 5, [True, False, False, False, False])
        with pytest.raises(ValueError, match="one length"):
            campaign_effect([True] * 5, [1.0] * 4, [True, True, False, False, False])


@pytest.fixture(scope="module")
def known() -> dict[bool, list[dict[str, bool]]]:
    """200 campaigns of one list with a known effect, and 200 of several lists with a heavy tail and none."""
    return {
        True: [campaigns.campaign(number, effect=True, expecting="true", longest=1000) for number in range(200)],
        False: [campaigns.lists_together(number, effect=False) for number in range(200)],
    }


class TestKnownEffect:
    """A part of the study that `python -m benchmarks.campaigns` makes, on shorter lists and without fitting models."""

    @pytest.mark.parametrize("effect", [True, False])
    def test_interval_of_the_share_covers_it_four_times_in_five(
        self, known: dict[bool, list[dict[str, bool]]], effect: bool
    ) -> None:
        assert 0.75 <= np.mean([run["share covered"] for run in known[effect]]) <= 0.85

    @pytest.mark.parametrize("effect", [True, False])
    def test_interval_of_the_revenue_covers_it_four_times_in_five(
        self, known: dict[bool, list[dict[str, bool]]], effect: bool
    ) -> None:
        told = [run["revenue covered"] for run in known[effect] if run["revenue measured"]]
        assert len(told) > 150
        assert 0.75 <= np.mean(told) <= 0.85

    def test_no_effect_is_seldom_called_one(self, known: dict[bool, list[dict[str, bool]]]) -> None:
        called = [run["called an effect"] for run in known[False]]
        assert np.mean(called) <= 0.10

    def test_an_effect_is_often_found(self, known: dict[bool, list[dict[str, bool]]]) -> None:
        found = {effect: np.mean([run["called an effect"] for run in runs]) for effect, runs in known.items()}
        assert found[True] > 3 * found[False]
