"""Value tiers, and how far they hold."""

import numpy as np
import polars as pl
import pytest

from models.value_tiers import BELOW_ZERO, MOST_GROWABLE, MOST_VALUABLE, THE_REST, tier_doubt, value_tiers


def base(clv, unrealised=None, profit=None) -> pl.DataFrame:
    number = len(clv)
    return pl.DataFrame(
        {
            "customer": [f"{at:03d}" for at in range(number)],
            "clv": pl.Series(clv, dtype=pl.Float64),
            "unrealised": pl.Series(unrealised or [None] * number, dtype=pl.Float64),
            "profit": pl.Series(profit or [None] * number, dtype=pl.Float64),
        }
    )


def tiers(frame: pl.DataFrame, **shares: float) -> list[str | None]:
    return value_tiers(frame, **shares)["value_tier"].to_list()


class TestValueTiers:
    def test_the_first_that_fits_in_the_stated_order(self):
        # the largest value loses money, the largest potential is held by the most valuable
        frame = base(
            clv=[100, 90, 50, 40, 30, 20, 10, 5, 4, 3],
            unrealised=[500, 400, 1, 300, 2, 3, 4, 5, 6, 7],
            profit=[-1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        )
        given = tiers(frame)
        assert given[0] == BELOW_ZERO
        assert given[1] == MOST_VALUABLE
        assert given[3] == MOST_GROWABLE
        assert given.count(THE_REST) == 7

    def test_a_lifetime_value_below_zero_is_below_zero(self):
        assert tiers(base([5, 4, -1]))[2] == BELOW_ZERO

    def test_customers_who_tie_at_the_limit_fall_below_it_together(self):
        assert MOST_VALUABLE not in tiers(base([7.0] * 40))
        assert tiers(base([9, 8, 8, 1, 1, 1, 1, 1, 1, 1]), most_valuable_share=0.2).count(MOST_VALUABLE) == 1

    def test_nothing_depends_on_the_order_of_rows(self):
        random = np.random.default_rng(1)
        frame = base(random.gamma(1, 10, 200).round(0).tolist(), random.gamma(1, 5, 200).round(0).tolist())
        shuffled = frame.sample(fraction=1, shuffle=True, seed=2)
        assert value_tiers(frame).equals(value_tiers(shuffled).sort("customer"))

    def test_nobody_is_growable_without_room_to_grow(self):
        assert set(tiers(base([3, 2, 1], [0, 0, 0]), most_growable_share=1)) == {THE_REST}

    def test_a_share_of_three_tenths_of_ten_is_three(self):
        assert tiers(base(list(range(1, 11))), most_valuable_share=0.3).count(MOST_VALUABLE) == 3

    def test_without_a_value_only_a_loss_tells_a_tier(self):
        assert tiers(base([None, None, 4], profit=[-2, 2, None])) == [BELOW_ZERO, None, THE_REST]

    @pytest.mark.parametrize("share", [0, 1.1, -0.5])
    def test_an_impossible_share_is_refused(self, share):
        with pytest.raises(ValueError, match="share"):
            value_tiers(base([1]), most_valuable_share=share)


class TestDoubt:
    def test_is_none_where_nothing_varies(self):
        frame = base(list(range(1, 21)), list(range(20)))
        drawn = np.tile(frame["clv"].to_numpy()[:, np.newaxis], (1, 8))
        told = tier_doubt(frame, drawn)
        assert told.changed == (0, 0, 0)
        assert (told.customers["value_tier_probability"] == 1).all()

    def test_counts_the_futures_in_which_the_tier_holds(self):
        frame = base([10, 9, 1, 1, 1, 1, 1, 1, 1, 1])
        drawn = np.ones((10, 4))
        drawn[0] = [10, 10, 10, 0]  # the first is the best in three futures of four, the second in one
        drawn[1] = [9, 9, 9, 9]
        told = tier_doubt(frame, drawn)
        assert told.customers["value_tier_probability"].to_list()[:3] == [0.75, 0.75, 1.0]
        assert told.moves.loc[MOST_VALUABLE, THE_REST] == 0.25
        assert told.moves.loc[THE_REST, MOST_VALUABLE] == 0.25
        assert told.held.loc[MOST_VALUABLE, "mean"] == 0.75
        assert told.changed[0] == pytest.approx(0.05)

    def test_moves_add_up_to_the_customers_whose_tier_is_known(self):
        random = np.random.default_rng(3)
        frame = base([*random.gamma(1, 10, 60).tolist(), None], [*random.gamma(1, 5, 60).tolist(), 3])
        told = tier_doubt(frame, np.vstack([random.gamma(1, 10, (60, 16)), np.full(16, np.nan)]))
        assert told.moves.to_numpy().sum() == pytest.approx(60)
        assert told.customers["value_tier_probability"].null_count() == 1

    def test_losses_are_recorded_and_so_not_in_doubt(self):
        told = tier_doubt(base([5, 4], profit=[-1, 1]), np.array([[0.0, 90.0], [1.0, 2.0]]))
        assert told.customers["value_tier_probability"][0] == 1
        assert told.held.index.tolist() == [THE_REST, BELOW_ZERO]

    def test_luck_is_told_apart_from_what_is_not_known(self):
        frame = base([10, 9, 1, 1, 1, 1, 1, 1, 1, 1])
        known = np.tile(frame["clv"].to_numpy()[:, np.newaxis], (1, 4))
        lucky = known.copy()
        lucky[1] = [0, 0, 0, 20]
        told = tier_doubt(frame, known, realised=lucky)
        assert told.changed == (0, 0, 0)
        assert told.held.loc[MOST_VALUABLE, "mean"] == 1
        assert told.realised is not None
        assert told.realised.loc[MOST_VALUABLE, "mean"] == 0.75

    def test_room_read_from_the_value_is_as_much_in_doubt_as_the_value(self):
        frame = base([100, 40, 30, 20, 10, 5, 4, 3, 2, 1], [0, 40, 30, 20, 10, 5, 4, 3, 2, 1])
        drawn = np.tile(frame["clv"].to_numpy()[:, np.newaxis], (1, 2))
        drawn[1, 1] = 25.0  # then the third has more room
        assert tier_doubt(frame, drawn).held.loc[MOST_GROWABLE, "mean"] == 1
        assert tier_doubt(frame, drawn, room_is_drawn=True).held.loc[MOST_GROWABLE, "mean"] == 0.5

    def test_where_everybody_is_most_valuable_nobody_can_be_anything_else(self):
        frame = base([5, 4, 3, 2], [9, 9, 9, 9])
        drawn = np.array([[0.0, 1.0], [0.0, 0.0], [3.0, 0.0], [1.0, 2.0]])
        assert tier_doubt(frame, drawn, most_valuable_share=1.0).changed == (0, 0, 0)

    def test_futures_of_other_customers_are_refused(self):
        with pytest.raises(ValueError, match="one each"):
            tier_doubt(base([1, 2]), np.ones((3, 2)))
