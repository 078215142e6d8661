"""ABC-XYZ: classes worked out on paper, limits met exactly, and cells that add up whatever the base."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.abc_xyz import STRICT_XYZ_LIMITS, abc, movement, nine_cells, reconciled, share_before, variation, xyz


def base(**values: float | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"customer": list(values), "value": list(values.values())}, schema_overrides={"value": pl.Float64}
    )


def classes(customers: pl.DataFrame, limits: tuple[float, float] = (0.80, 0.95)) -> str:
    return "".join(letter or "-" for letter in abc(customers, "value", limits))


def bought(*rows: tuple[str, str, float]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["customer", "date", "amount"], orient="row")
    return frame.with_columns(pl.col("date").str.to_date(), pl.col("amount").cast(pl.Float64))


def monthly(customer: str, *amounts: float, year: int = 2024) -> list[tuple[str, str, float]]:
    """Purchases on the 10th of January, February, ...; none in a month of 0."""
    return [(customer, f"{year}-{month:02d}-10", amount) for month, amount in enumerate(amounts, 1) if amount]


class TestABC:
    def test_by_hand(self):
        # of 1,000: a 500 after 0; b 300 after 50%; c 120 after 80%, which is no longer below 0.80; d 40 after 92%;
        # e 30 after 96%; f 10 after 99%
        customers = base(f=10, c=120, a=500, e=30, b=300, d=40)
        assert share_before(customers, "value").to_list() == [0.99, 0.8, 0, 0.96, 0.5, 0.92]
        assert classes(customers) == "CBACAB"

    def test_one_customer_who_brings_85_percent_is_all_of_class_a(self):
        # big after 0 is A; the next after 85%, which A has passed, is B; then 95% is reached exactly: C
        assert classes(base(big=85, next=10, last=5)) == "ABC"

    def test_limits_in_cents_are_met_exactly(self):
        # c comes after 80%, though as floats 0.7 + 0.1 is less than 0.8
        assert classes(base(a=0.7, b=0.1, c=0.1, d=0.1)) == "AABB"

    def test_equal_values_are_taken_in_the_order_of_their_keys(self):
        # 25% each: after 0, 25, 50 and 75%
        assert classes(base(d=1, c=1, b=1, a=1), (0.5, 0.75)) == "CBAA"

    def test_a_customer_who_brings_nothing_or_less_is_c(self):
        # of 100 - 10 = 90: nobody is before a
        assert classes(base(a=100, b=0, c=-10)) == "ACC"

    def test_what_others_lose_makes_everybody_s_share_larger(self):
        # of 70: a 50 (after 0), b 40 after 71%, c 10 after 129%
        assert classes(base(a=50, b=40, c=10, d=-30)) == "AACC"

    @pytest.mark.parametrize("values", [{"a": 0.0}, {"a": 5.0, "b": -5.0}, {"a": 5.0, "b": -9.0}])
    def test_without_a_total_above_zero_everybody_is_c(self, values):
        assert set(classes(base(**values))) == {"C"}

    def test_a_value_that_is_not_known_has_no_class(self):
        assert classes(base(a=10, b=None)) == "A-"
        assert classes(base(a=None)) == "-"

    def test_one_customer_is_a_and_nobody_is_nobody(self):
        assert classes(base(only=3)) == "A"
        assert classes(base()) == ""


YEAR_END = dt.date(2024, 12, 31)


class TestVariation:
    def test_by_hand(self):
        # four whole months. even: mean 100, no deviation. half: 50, 150, 50, 150: mean 100, each 50 off, 50/100 = 0.5.
        # once: 400, 0, 0, 0: mean 100, variance (300^2 + 3 x 100^2)/4 = 30,000, sd 173.2, over 100 = sqrt(3).
        # late came in March: 60, 60: mean 60, no deviation over two months
        rows = [
            *monthly("even", 100, 100, 100, 100),
            *monthly("half", 50, 150, 50, 150),
            *monthly("once", 400),
            *monthly("late", 0, 0, 60, 60),
        ]
        found = variation(bought(*rows), dt.date(2024, 4, 30))
        assert found.rows() == [
            ("even", 4, 0.0),
            ("half", 4, 0.5),
            ("late", 2, 0.0),
            ("once", 4, pytest.approx(3**0.5, abs=1e-9)),
        ]
        # a variation of 0.5 is no longer below 0.5; two months are too few to tell
        assert xyz(found).to_list() == ["X", "Y", "Z", "Z"]

    def test_it_is_the_standard_deviation_of_the_population_over_the_mean(self):
        amounts = np.random.default_rng(5).integers(0, 900, 12) / 100
        amounts[0] = 1
        (_, periods, found), *_ = variation(bought(*monthly("a", *amounts)), YEAR_END).rows()
        assert periods == 12
        assert found == pytest.approx(np.std(amounts) / np.mean(amounts), abs=1e-9)

    def test_who_came_late_is_no_more_irregular_for_it(self):
        rows = [*monthly("old", 10, 20, 10, 20), *monthly("new", *[0] * 8, 10, 20, 10, 20)]
        found = variation(bought(*rows, *monthly("old", *[0] * 4, *[10, 20] * 4)), YEAR_END)
        assert found["periods"].to_list() == [4, 12]
        assert found["variation"].to_list() == pytest.approx([1 / 3, 1 / 3], abs=1e-9)

    def test_a_month_cut_short_is_left_out_and_its_last_day_makes_it_whole(self):
        rows = bought(*monthly("a", 10, 10, 10, 90))
        assert variation(rows, dt.date(2024, 4, 29)).row(0) == ("a", 3, 0.0)
        assert variation(rows, dt.date(2024, 4, 30))["periods"].item() == 4
        assert variation(rows, dt.date(2024, 4, 30))["variation"].item() > 1

    def test_nothing_can_be_told_of_who_came_in_the_month_cut_short(self):
        found = variation(bought(("a", "2024-04-20", 5.0)), dt.date(2024, 4, 29))
        assert found.row(0) == ("a", 0, None)
        assert xyz(found).to_list() == ["Z"]

    def test_purchases_of_nothing_have_no_variation(self):
        found = variation(bought(*((who, day, 0 * x) for who, day, x in monthly("a", 1, 1, 1))), dt.date(2024, 3, 31))
        assert found.row(0) == ("a", 3, None)
        assert xyz(found).to_list() == ["Z"]

    def test_by_number_of_purchases_days_count_and_rows_of_a_day_are_one(self):
        # January: two days, one of them twice; February and March: two days each
        rows = [("a", f"2024-0{month}-{number}", 7.0 * month) for month in (1, 2, 3) for number in (10, 20)]
        found = variation(bought(*rows, ("a", "2024-01-10", 1.0)), dt.date(2024, 3, 31), measure="purchases")
        assert found.row(0) == ("a", 3, 0.0)

    @pytest.mark.parametrize(
        ("period", "as_of", "periods"),
        [
            # from Monday 1 January 2024: 13 weeks end on Sunday 31 March
            ("week", dt.date(2024, 3, 31), 13),
            ("week", dt.date(2024, 3, 30), 12),
            ("quarter", dt.date(2024, 12, 31), 4),
            ("quarter", dt.date(2024, 12, 30), 3),
            ("month", dt.date(2025, 2, 28), 14),
        ],
    )
    def test_periods_are_the_calendar_s(self, period, as_of, periods):
        assert variation(bought(("a", "2024-01-07", 5.0)), as_of, period=period)["periods"].item() == periods

    def test_a_window_leaves_out_the_month_it_cuts_for_those_who_were_there_before(self):
        # from 15 March: old's March is cut short, so April to June count; new first bought on 20 March, so nothing of
        # new's March is missing
        rows = bought(*monthly("old", 5, 5, 5, 10, 20, 30), ("new", "2024-03-20", 8.0))
        found = variation(rows, dt.date(2024, 6, 30), first=dt.date(2024, 3, 15))
        assert found["periods"].to_list() == [4, 3]
        # 10, 20, 30: mean 20, variance 200/3
        assert found["variation"][1] == pytest.approx((200 / 3) ** 0.5 / 20, abs=1e-9)

    def test_a_window_that_begins_with_a_month_keeps_it(self):
        rows = bought(*monthly("old", 5, 5, 5, 10))
        assert variation(rows, dt.date(2024, 4, 30), first=dt.date(2024, 3, 1))["periods"].item() == 2

    def test_who_bought_nothing_in_the_window_is_still_named(self):
        found = variation(bought(*monthly("a", 5)), dt.date(2024, 12, 31), first=dt.date(2024, 7, 1))
        assert found.row(0) == ("a", 6, None)

    def test_later_purchases_are_not_known_yet(self):
        rows = bought(*monthly("a", 5, 5, 5, 500), ("b", "2024-04-01", 1.0))
        assert variation(rows, dt.date(2024, 3, 31)).rows() == [("a", 3, 0.0)]

    def test_nobody_varies(self):
        assert variation(bought(*monthly("a", 1)).clear(), YEAR_END).is_empty()

    def test_an_unknown_period_is_refused(self):
        with pytest.raises(ValueError, match="'year'"):
            variation(bought(*monthly("a", 1)), YEAR_END, period="year")  # type: ignore[arg-type]


def test_the_stricter_limits():
    told = pl.DataFrame({"periods": [12] * 4, "variation": [0.09, 0.10, 0.24, 0.25]})
    assert xyz(told, STRICT_XYZ_LIMITS).to_list() == ["X", "Y", "Y", "Z"]
    assert xyz(told).to_list() == ["X"] * 4


def test_cells_and_movement_by_hand():
    customers = pl.DataFrame(
        [
            ("a", 500.0, 50.0, "A", "X", "A", "X"),  # stayed
            ("b", 300.0, 90.0, "A", "Z", "B", "Y"),  # grew, less regular
            ("c", 90.0, -4.0, "B", "Y", "A", "Z"),  # shrank
            ("d", 20.0, 1.0, "C", "Z", None, None),  # joined
            ("e", -5.0, -5.0, "C", "Z", "C", "Z"),  # stayed
        ],
        schema=["customer", "revenue", "profit", "abc", "xyz", "abc_a_year_ago", "xyz_a_year_ago"],
        orient="row",
    )
    nine = {row[0] + row[1]: row[2:] for row in nine_cells(customers).rows()}
    assert nine == dict.fromkeys(["AY", "BX", "BZ", "CX", "CY"], (0, 0, 0)) | {
        "AX": (1, 500, 50),
        "AZ": (1, 300, 90),
        "BY": (1, 90, -4),
        "CZ": (2, 15, -4),
    }
    moves = movement(customers)
    assert moves.select("then", "now", "customers").rows() == [
        ("AX", "AX", 1),
        ("AZ", "BY", 1),
        ("BY", "AZ", 1),
        ("CZ", "CZ", 1),
        (None, "CZ", 1),
    ]
    led = {cell: rest for cell, *rest in reconciled(moves).rows() if any(rest)}
    # then + joined + came - went = now
    assert led == {"AX": [1, 0, 0, 0, 1], "AZ": [1, 0, 1, 1, 1], "BY": [1, 0, 1, 1, 1], "CZ": [1, 1, 0, 0, 2]}


AMOUNTS = st.integers(-(10**6), 10**7).map(lambda cents: cents / 100)
LETTERS = st.tuples(st.sampled_from("ABC"), st.sampled_from("XYZ"))
CUSTOMERS = st.lists(st.tuples(AMOUNTS, st.none() | AMOUNTS, LETTERS, st.none() | LETTERS), max_size=30)


@settings(max_examples=60, deadline=None)
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=40))
def test_class_a_is_the_smallest_group_that_brings_its_share(amounts):
    customers = pl.DataFrame({"customer": [f"{n:02d}" for n in range(len(amounts))], "value": amounts})
    letters = abc(customers, "value")
    ordered = customers.with_columns(abc=letters).sort(["value", "customer"], descending=[True, False])
    assert ordered["abc"].to_list() == sorted(letters)
    total = sum(round(100 * amount) for amount in amounts)
    of_a = [round(100 * amount) for amount in ordered.filter(pl.col("abc") == "A")["value"]]
    if total <= 0:
        assert not of_a
    else:
        # in whole cents, so that nothing hangs on the computer's rounding
        assert 5 * sum(of_a) >= 4 * total
        assert 5 * sum(of_a[:-1]) < 4 * total


@settings(max_examples=30, deadline=None)
@given(drawn=CUSTOMERS)
def test_cells_and_flows_add_up(drawn):
    customers = pl.DataFrame(
        [(revenue, profit, *now, *(then or (None, None))) for revenue, profit, now, then in drawn],
        schema={
            "revenue": pl.Float64,
            "profit": pl.Float64,
            **dict.fromkeys(["abc", "xyz", "abc_a_year_ago", "xyz_a_year_ago"], pl.String),
        },
        orient="row",
    )
    nine = nine_cells(customers)
    assert nine.height == 9
    assert nine["customers"].sum() == len(drawn)
    assert nine["revenue"].sum() == pytest.approx(customers["revenue"].sum(), abs=1e-6)
    if customers["profit"].null_count():
        assert nine["profit"].null_count() == 9
    else:
        assert nine["profit"].sum() == pytest.approx(customers["profit"].sum(), abs=1e-6)
    moves = movement(customers)
    led = reconciled(moves)
    assert moves["customers"].sum() == len(drawn)
    assert led["now"].sum() == len(drawn)
    assert led["then"].sum() == customers["abc_a_year_ago"].count()
    assert led["came"].sum() == led["went"].sum()
    assert (led["then"] + led["joined"] + led["came"] - led["went"]).equals(led["now"])
    assert led["now"].to_list() == nine["customers"].to_list()
