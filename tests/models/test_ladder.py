"""The ladder of commitment: rungs by hand, and sums that must agree whatever the base."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ladder import LEFT, MOVES, NOT_YET, RUNGS, Lost, by_rung, lost, loyalty, moves, rungs

quick = settings(deadline=None, derandomize=True, database=None, max_examples=60)
HISTORIES = {"purchases": pl.Int64, "p_alive": pl.Float64, "adherent": pl.Boolean, "advocate": pl.Boolean}


def rung(purchases, p_alive, adherent=None, advocate=None, **limits) -> str:
    row = pl.DataFrame([(purchases, p_alive, adherent, advocate)], HISTORIES, orient="row")
    return rungs(row, **limits)[0]


class TestRungs:
    @pytest.mark.parametrize(
        ("history", "expected"),
        [
            ((1, 1.0), "buyer"),
            ((2, 0.9), "client"),
            ((3, 0.9), "regular"),
            ((40, 0.9), "regular"),
            ((1, 0.9, True, False), "adherent"),
            ((1, 0.9, True, None), "adherent"),
            ((1, 0.9, True, True), "advocate"),
            # who brings others, and buys elsewhere too, is no advocate
            ((3, 0.9, False, True), "regular"),
            # who has left is no adherent any more
            ((9, 0.2, True, True), LEFT),
            # everything was returned
            ((0, None, True, True), LEFT),
            # without a model nobody who bought has left
            ((2, None), "client"),
        ],
    )
    def test_are_decided_in_order(self, history, expected):
        assert rung(*history) == expected

    def test_the_limit_itself_is_still_alive(self):
        assert rung(3, 0.5) == "regular"
        assert rung(3, 0.4999) == LEFT
        assert rung(3, 0.6, alive_limit=0.7) == LEFT


class TestLoyalty:
    def test_is_exclusive_or_a_large_share_of_wallet_and_advocates_brought_others(self):
        particulars = pl.DataFrame(
            {
                "customer": ["a", "b", "c", "d", "e"],
                "exclusive": [True, False, None, None, False],
                "share_of_wallet": [0.1, 0.8, 0.79, None, None],
                "referred_by": [None, "a", "d", "b", "e"],
            }
        )
        # a, b and d are named, e by itself alone; b's 0.8 is the limit
        assert loyalty(particulars).rows() == [
            ("a", True, True),
            ("b", True, True),
            ("c", False, False),
            ("d", False, False),
            ("e", False, False),
        ]
        assert loyalty(particulars, adherent_share=0.79)["adherent"].to_list() == [True, True, True, False, False]

    def test_is_unknown_where_nothing_that_tells_it_is_recorded(self):
        assert loyalty(pl.DataFrame({"customer": ["a"], "referred_by": ["b"]})).rows() == [("a", None, None)]
        assert loyalty(pl.DataFrame({"customer": ["a"], "exclusive": [True]})).rows() == [("a", True, None)]
        assert loyalty(pl.DataFrame(schema={"customer": pl.String})).is_empty()

    @pytest.mark.parametrize("empty", [("exclusive", "share_of_wallet"), ("referred_by",)])
    def test_a_column_without_an_answer_records_nothing(self, empty):
        schema = {
            "customer": pl.String,
            "exclusive": pl.Boolean,
            "share_of_wallet": pl.Float64,
            "referred_by": pl.String,
        }
        particulars = pl.DataFrame([("a", True, 0.9, "b"), ("b", True, 0.9, None)], schema, orient="row")
        found = loyalty(particulars.with_columns(pl.lit(None, schema[name]).alias(name) for name in empty))
        assert found["advocate"].is_null().all()
        assert found["adherent"].to_list() == ([None, None] if "exclusive" in empty else [True, True])


class TestLost:
    def test_counts_whom_a_model_can_tell_of(self):
        """Of a to d, who had bought twice and more, a and d have left, and took 7 and 0 of 7 + 5 + 3.

        e and f had bought once: e still has, f came back since. g had left already, h wasn't there yet.
        """
        rows = [
            ("a", LEFT, "regular", 5, 5),
            ("b", "regular", "client", 3, 2),
            ("c", "adherent", "adherent", 2, 2),
            ("d", LEFT, "client", 0, 2),
            ("e", "buyer", "buyer", 1, 1),
            ("f", LEFT, "buyer", 2, 1),
            ("g", LEFT, LEFT, 4, 4),
            ("h", "buyer", None, 1, None),
        ]
        columns = ["customer", "rung", "rung_a_year_ago", "purchases", "purchases_a_year_ago"]
        revenue = pl.DataFrame({"customer": list("abcg"), "revenue": [7.0, 5.0, 3.0, 9.0]})
        assert lost(pl.DataFrame(rows, columns, orient="row"), revenue) == Lost(4, 2, 1, 15.0, 7.0)


class TestByRung:
    def test_counts_customers_and_revenue_means_beside_medians(self):
        ladder = pl.DataFrame({"customer": ["a", "b", "c", "d", "e"], "rung": ["buyer", "buyer", "buyer", LEFT, LEFT]})
        revenue = pl.DataFrame({"customer": ["a", "b", "c", "d"], "revenue": [10.0, 20.0, 60.0, 10.0]})
        frame = by_rung(ladder, revenue).set_index("rung")
        assert list(frame.index) == list(RUNGS[::-1])
        # buyers: 10, 20, 60: together 90 of 100, mean 30, median 20, two of three below the mean
        assert list(frame.loc["buyer"]) == pytest.approx([3, 0.6, 90, 0.9, 30, 20, 2 / 3])
        # left: 10 and nothing
        assert list(frame.loc[LEFT]) == pytest.approx([2, 0.4, 10, 0.1, 5, 5, 0.5])
        assert list(frame.loc["regular", ["customers", "revenue"]]) == [0, 0]
        assert frame.loc["regular", ["mean", "median"]].isna().all()

    def test_the_order_of_customers_changes_no_digit(self):
        amounts = [0.1, 0.2, 0.3, 1e9 + 0.1, -1e9, 7.7, 1 / 3]
        ladder = pl.DataFrame({"customer": [str(n) for n in range(700)], "rung": ["buyer", LEFT] * 350})
        revenue = pl.DataFrame({"customer": ladder["customer"], "revenue": amounts * 100})
        forth, back = (by_rung(rows, revenue).to_numpy().tolist() for rows in (ladder, ladder.reverse()))
        assert [row for row in forth if row[1]] == [row for row in back if row[1]]

    def test_has_no_shares_of_a_revenue_of_nothing(self):
        ladder = pl.DataFrame({"customer": ["a"], "rung": ["buyer"]})
        frame = by_rung(ladder, pl.DataFrame(schema={"customer": pl.String, "revenue": pl.Float64}))
        assert frame["share_of_revenue"].isna().all()


class TestMoves:
    def test_tell_every_kind_of_move(self):
        ladder = pl.DataFrame(
            [
                ("a", "regular", "buyer"),
                ("b", "regular", "client"),
                ("c", "regular", "regular"),
                ("d", LEFT, "regular"),
                ("e", LEFT, LEFT),
                ("f", "regular", LEFT),
                ("g", "buyer", None),
                ("h", LEFT, None),
                ("i", "client", "adherent"),
            ],
            ["customer", "rung", "rung_a_year_ago"],
            orient="row",
        )
        revenue = pl.DataFrame({"customer": ["d", "e", "a"], "revenue": [7.0, 5.0, 3.0]})
        frame = moves(ladder, revenue)
        assert frame.to_numpy().tolist() == [
            ["adherent", "client", 1, 0.0, "down"],
            ["regular", "regular", 1, 0.0, "stayed"],
            ["regular", LEFT, 1, 7.0, "left"],
            ["client", "regular", 1, 0.0, "up"],
            ["buyer", "regular", 1, 3.0, "up"],
            [LEFT, "regular", 1, 0.0, "came back"],
            [LEFT, LEFT, 1, 5.0, "stayed"],
            [NOT_YET, "buyer", 1, 0.0, "new"],
            [NOT_YET, LEFT, 1, 0.0, "new"],
        ]

    @quick
    @given(st.lists(st.tuples(st.sampled_from(RUNGS), st.sampled_from([None, *RUNGS])), min_size=1, max_size=60))
    def test_reconcile_both_dates_and_the_rungs_add_up(self, standing):
        ladder = pl.DataFrame(
            [(str(number), *each) for number, each in enumerate(standing)],
            {"customer": pl.String, "rung": pl.String, "rung_a_year_ago": pl.String},
            orient="row",
        )
        revenue = ladder.select("customer", revenue=pl.col("customer").cast(pl.Float64))
        frame = moves(ladder, revenue)
        now, before = (frame.groupby(side)["customers"].sum().to_dict() for side in ("now", "before"))
        counted = by_rung(ladder, revenue)
        assert now == {r: n for r, n in zip(counted["rung"], counted["customers"], strict=True) if n}
        then = ladder["rung_a_year_ago"].fill_null(NOT_YET).value_counts()
        assert before == dict(then.iter_rows())
        assert counted["customers"].sum() == frame["customers"].sum() == len(standing)
        assert counted["revenue"].sum() == frame["revenue"].sum() == revenue["revenue"].sum()
        assert set(frame["move"]) <= set(MOVES)


@quick
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.one_of(st.none(), st.floats(0, 1)),
            st.sampled_from([None, True, False]),
            st.sampled_from([None, True, False]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_everybody_stands_on_one_rung(histories):
    frame = pl.DataFrame(histories, HISTORIES, orient="row")
    found = rungs(frame)
    assert len(found) == len(histories)
    assert set(found) <= set(RUNGS)
    left = [n == 0 or (p is not None and p < 0.5) for n, p, _, _ in histories]
    assert (found == LEFT).to_list() == left
