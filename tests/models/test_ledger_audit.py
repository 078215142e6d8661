"""Each question of the audit is raised where there is reason for it, and not on a healthy ledger."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.customer_keys import like_keys
from models.ledger_audit import audit
from models.ledger_rhythm import median_shifts, silences

FIRST, LAST = dt.date(2022, 1, 1), dt.date(2023, 12, 31)
DAY = pl.col("date")


def ledger(a_day: int = 8, customers: int = 400, last: dt.date = LAST, seed: int = 5) -> pl.DataFrame:
    """A shop that is closed on Sundays, with customers acquired evenly and some returns."""
    random = np.random.default_rng(seed)
    days = pl.date_range(FIRST, last, eager=True).to_frame("date").filter(DAY.dt.weekday() < 7)
    rows = days.select(pl.col("date").repeat_by(a_day).explode(empty_as_null=False))
    # a window of customers that fills and then moves on: nobody buys from the first day to the last
    newest = np.linspace(0, customers, rows.height)
    place = newest - np.minimum(newest, customers / 4) * random.uniform(0, 1, rows.height)
    return rows.with_columns(
        customer="C" + pl.Series(1000 + place.astype(int)).cast(pl.String),
        amount=pl.Series(np.round(random.lognormal(3, 0.7, rows.height), 2)),
        kind=pl.lit("sale"),
    ).with_columns(
        kind=pl.when(pl.int_range(pl.len()) % 50 == 49).then(pl.lit("return")).otherwise("kind"),
        amount=pl.when(pl.int_range(pl.len()) % 50 == 49).then(-pl.col("amount") / 4).otherwise("amount"),
    )


def raised(rows: pl.DataFrame, as_of: dt.date = LAST, **given) -> dict[str, str]:
    return {question.id: question.verdict for question in audit(rows, as_of, **given)}


def question(rows: pl.DataFrame, id: str, as_of: dt.date = LAST, **given):
    return next(each for each in audit(rows, as_of, **given) if each.id == id)


def with_key(rows: pl.DataFrame, every: int, key: str) -> pl.DataFrame:
    named = pl.when(pl.int_range(pl.len()) % every == 0).then(pl.lit(key)).otherwise("customer")
    return rows.with_columns(customer=named)


def test_of_a_healthy_ledger_only_what_is_true_is_said():
    assert raised(ledger()) == {"closed_days": "note", "returns": "note"}
    assert "on Sundays" in question(ledger(), "closed_days").statement


def test_a_ledger_without_a_sale_raises_nothing():
    rows = ledger().filter(pl.col("kind") == "return")
    assert audit(rows, LAST) == []
    assert audit(ledger(), FIRST - dt.timedelta(1)) == []


def test_the_weightiest_come_first():
    verdicts = [each.verdict for each in audit(with_key(ledger(), 3, "cash"), LAST, repeats=500)]
    assert verdicts == sorted(verdicts, key=["act", "watch", "note"].index)
    assert verdicts[0] == "act"


class TestSilences:
    def test_far_longer_than_usual_are_gaps(self):
        away = DAY.is_between(dt.date(2022, 6, 6), dt.date(2022, 6, 18))
        found = silences(ledger().filter(~away), LAST).row(0, named=True)
        # the Sundays beside it are silent anyway, and belong to it
        assert (found["first_day"], found["last_day"]) == (dt.date(2022, 6, 5), dt.date(2022, 6, 19))
        assert raised(ledger().filter(~away))["gaps"] == "watch"

    def test_of_two_days_are_none_where_sundays_are_closed_anyway(self):
        assert silences(ledger().filter(dt.date(2022, 6, 6) != DAY), LAST).is_empty()

    @pytest.mark.parametrize("seed", range(5))
    def test_are_measured_by_the_ledger_s_own_rhythm(self, seed):
        random = np.random.default_rng(seed)
        days = np.cumsum(1 + random.exponential(9, 70).astype(int))
        rows = pl.DataFrame({"date": [FIRST + dt.timedelta(int(day)) for day in days]})
        last = rows["date"][-1]
        assert silences(rows, last).is_empty()
        torn = rows.with_columns(date=pl.when(rows["date"][35] < DAY).then(DAY + dt.timedelta(220)).otherwise(DAY))
        assert silences(torn, last + dt.timedelta(220)).height == 1

    def test_that_come_every_year_are_holidays(self):
        holidays = (DAY.dt.month() == 8) & (DAY.dt.day() <= 14)
        rows = ledger().filter(~holidays)
        assert silences(rows, LAST)["every_year"].to_list() == [True, True]
        assert "gaps" not in raised(rows)
        assert "every year around 1 August" in question(rows, "closed_days").statement

    def test_up_to_as_of_mean_that_the_export_ends_there(self):
        assert raised(ledger(last=dt.date(2023, 11, 30)))["silent_end"] == "act"

    def test_of_a_ledger_of_few_days_are_not_judged(self):
        assert silences(ledger().head(40), LAST).is_empty()


class TestAmounts:
    @pytest.mark.parametrize(("factor", "verdict"), [(100.0, "act"), (0.001, "act"), (2.6, "watch"), (75.0, "act")])
    def test_that_shift_for_good_are_seen(self, factor, verdict):
        changed = pl.when(dt.date(2023, 3, 1) <= DAY).then(pl.col("amount") * factor).otherwise("amount")
        rows = ledger().with_columns(amount=changed)
        assert raised(rows)["unit_change"] == verdict
        shift = median_shifts(rows.filter(pl.col("kind") == "sale"))[0]
        assert shift.month == dt.date(2023, 3, 1)
        assert shift.until is None
        assert shift.after / shift.before == pytest.approx(factor, rel=0.15)

    def test_a_hundred_times_as_high_for_a_month_are_seen_with_their_end(self):
        odd = DAY.dt.truncate("1mo") == dt.date(2022, 9, 1)
        rows = ledger().with_columns(amount=pl.when(odd).then(pl.col("amount") * 100).otherwise("amount"))
        (shift,) = median_shifts(rows.filter(pl.col("kind") == "sale"))
        assert (shift.month, shift.until) == (dt.date(2022, 9, 1), dt.date(2022, 10, 1))

    def test_that_grow_or_have_a_season_have_not_changed_unit(self):
        month = (DAY.dt.year() - 2022) * 12 + DAY.dt.month()
        grown = ledger().with_columns(amount=pl.col("amount") * 1.1**month)
        season = ledger().with_columns(amount=pl.when(DAY.dt.month() == 12).then(3.0).otherwise(1.0) * pl.col("amount"))
        assert "unit_change" not in raised(grown)
        assert "unit_change" not in raised(season.filter(dt.date(2023, 10, 31) >= DAY), dt.date(2023, 10, 31))

    def test_of_one_file_in_another_unit_are_seen(self):
        cents = pl.int_range(pl.len()) % 4 == 0
        rows = ledger().with_columns(
            source=pl.when(cents).then(pl.lit("b.csv")).otherwise(pl.lit("a.csv")).cast(pl.Categorical),
            amount=pl.when(cents).then(pl.col("amount") * 100).otherwise("amount"),
        )
        assert "'b.csv'" in question(rows, "unit_of_sources").statement
        assert "unit_of_sources" not in raised(rows.with_columns(amount=ledger()["amount"]))

    def test_of_nothing_are_counted(self):
        rows = ledger().with_columns(amount=pl.when(pl.int_range(pl.len()) % 10 == 3).then(0.0).otherwise("amount"))
        assert raised(rows)["free_sales"] == "watch"

    def test_that_are_all_the_same_or_round_are_asked_about(self):
        assert raised(ledger().with_columns(amount=pl.col("amount").sign() * 9.5))["same_amount"] == "watch"
        rounded = ledger().with_columns(amount=(pl.col("amount") / 10).round() * 100)
        assert "round_amounts" in raised(rounded.filter(pl.col("amount") != 0))

    def test_one_that_is_most_of_the_revenue_is_kept_and_said_aloud(self):
        rows = ledger().with_columns(amount=pl.when(pl.int_range(pl.len()) == 7).then(1e6).otherwise("amount"))
        found = raised(rows)
        assert found["largest_sale"] == found["largest_customer"] == "act"
        assert "1,000,000" in question(rows, "largest_sale").statement

    def test_returned_are_set_beside_what_was_sold(self):
        rows = ledger().with_columns(order=pl.lit("1"), net_amount=pl.col("amount"))
        money = {kind: rows.filter(kind=kind)["amount"].to_numpy().sum() for kind in ("sale", "return")}
        assert question(rows, "returns").value == pytest.approx(-money["return"] / money["sale"])
        assert raised(rows)["returns_of_nothing_known"] == "watch"
        undone = rows.with_columns(net_amount=pl.when(pl.col("kind") == "return").then(0.0).otherwise("amount"))
        assert "returns_of_nothing_known" not in raised(undone)
        only_returned = pl.when(pl.col("kind") == "return").then(pl.lit("X")).otherwise("customer")
        assert raised(rows.with_columns(customer=only_returned))["returned_more_than_bought"] == "watch"
        assert raised(rows.filter(pl.col("kind") == "sale"))["no_returns"] == "note"


class TestKeys:
    def test_that_read_alike_are_asked_about(self):
        keys = pl.Series(["00123", "123", "ab 1", "AB1", "СОХ", "COX", "x", "y", "A-7", "A-007"])
        groups = like_keys(keys)
        assert groups["keys"].to_list() == [["00123", "123"], ["AB1", "ab 1"], ["COX", "СОХ"]]
        assert groups["zeros"].to_list() == [True, False, False]
        assert groups["letters"].to_list() == [False, False, True]
        assert groups["case"].to_list() == [False, True, False]
        found = question(with_key(ledger(), 400, "c1007"), "like_keys")
        assert found.value == 1
        assert "case" in found.statement

    def test_with_hidden_signs_read_alike_and_are_shown_in_one_line(self):
        rows = with_key(with_key(ledger(), 400, "C1007\u200b\n"), 300, "C1007")
        assert "\n" not in question(rows, "like_keys").statement

    def test_one_that_stands_for_many_is_asked_about(self):
        assert raised(with_key(ledger(), 6, "K"))["collective_customer"] == "act"

    @pytest.mark.parametrize("key", ["N/A", "Walk-in", "частное лицо", "-"])
    def test_that_name_nobody_are_asked_about(self, key):
        assert "nobody" in raised(with_key(ledger(), 300, key))

    def test_that_occur_once_may_be_orders(self):
        rows = ledger().with_columns(customer=pl.int_range(pl.len()).cast(pl.String))
        assert raised(rows)["keys_once"] == "act"


class TestTime:
    def test_rows_after_as_of_are_counted_and_the_rest_judged(self):
        found = question(ledger(), "after_as_of", dt.date(2023, 6, 30))
        assert found.value == ledger().filter(dt.date(2023, 6, 30) < DAY).height
        assert "ends_in_mid_month" not in raised(ledger(), dt.date(2023, 6, 10))

    def test_a_ledger_may_begin_and_end_in_mid_month(self):
        rows = ledger().filter(DAY.is_between(dt.date(2022, 1, 20), dt.date(2023, 12, 9)))
        found = raised(rows, dt.date(2023, 12, 9))
        assert found["begins_in_mid_month"] == found["ends_in_mid_month"] == "note"

    def test_a_last_month_booked_in_part_is_thin(self):
        booked = (dt.date(2023, 12, 1) > DAY) | (pl.int_range(pl.len()) % 4 == 0)
        assert raised(ledger().filter(booked))["thin_last_month"] == "watch"
        again = booked & ((DAY.dt.truncate("1mo") != dt.date(2022, 12, 1)) | (pl.int_range(pl.len()) % 4 == 0))
        assert "thin_last_month" not in raised(ledger().filter(again))

    def test_sales_all_booked_on_one_day_are_an_opening_balance_or_monthly_totals(self):
        opening = pl.when(pl.int_range(pl.len()) % 8 == 0).then(FIRST).otherwise("date")
        assert raised(ledger().with_columns(date=opening))["crowded_day"] == "watch"
        assert raised(ledger().with_columns(date=DAY.dt.month_end()))["same_day_of_month"] == "act"

    def test_hours_make_no_difference(self):
        with_hours = ledger().with_columns(date=DAY.cast(pl.Datetime) + pl.duration(hours=23))
        assert raised(with_hours) == raised(ledger())

    def test_a_ledger_cut_on_the_left_is_seen(self):
        random = np.random.default_rng(3)
        rate = random.gamma(0.6, 0.05, 3000)
        later = [np.cumsum(random.exponential(1 / each, 60)) for each in rate]
        joined = random.uniform(-1500, 300, 3000)
        bought = [
            {"customer": str(number), "date": FIRST + dt.timedelta(int(day)), "amount": 10.0 + day % 7}
            for number, (start, days) in enumerate(zip(joined, later, strict=True))
            for day in (start, *(start + days))
            if 0 <= day < 500
        ]
        rows = pl.DataFrame(bought).with_columns(kind=pl.lit("sale"))
        assert raised(rows, FIRST + dt.timedelta(499))["left_cut"] == "watch"


def test_repeats_are_passed_on():
    assert raised(ledger(), repeats=3)["repeats"] == "note"
    assert raised(ledger(), repeats=300)["repeats"] == "watch"
