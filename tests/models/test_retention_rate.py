"""Retention rate by period: hand-computed movements, a direct count on random ledgers, edges."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.retention_rate import retention_rate


def ledger(*rows):
    frame = pl.DataFrame(rows, schema=["customer", "date"], orient="row")
    return frame.with_columns(pl.col("date").str.to_date(), amount=pl.lit(1.0))


@pytest.fixture
def movements():
    """February by months of 31 active days: A stays, B leaves, C comes back, D is new, E comes and goes."""
    return ledger(
        ("A", "2024-01-01"),
        ("C", "2023-10-05"),
        ("A", "2024-02-20"),
        ("A", "2024-01-25"),
        ("B", "2024-01-10"),
        ("C", "2024-02-03"),
        ("D", "2024-02-10"),
        ("D", "2024-02-10"),
    )


def test_february_by_hand(movements):
    table = retention_rate(movements, dt.date(2024, 3, 15), active_days=31, period="month")
    february = table.set_index("period").loc["2024-02"]
    assert february["start"] == pd.Timestamp("2024-02-01")
    assert february["end"] == pd.Timestamp("2024-02-29")
    expected = {
        "customers_start": 2,
        "customers_new": 1,
        "customers_end": 3,
        "kept": 1,
        "lost": 1,
        "reactivated": 1,
        "crr": 100.0,
        "kept_rate": 50.0,
    }
    assert february[list(expected)].to_dict() == expected


def test_the_interval_is_wilsons():
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I: 81 of 263 is 0.2553 to 0.3662 at 95%."""
    rows = [(f"{n:03}", "2024-01-31") for n in range(263)] + [(f"{n:03}", "2024-02-28") for n in range(81)]
    table = retention_rate(
        ledger(("z", "2023-12-01"), *rows),
        dt.date(2024, 2, 29),
        active_days=29,
        period="month",
        interval=0.95,
    )
    february = table.iloc[-1]
    assert (february["customers_start"], february["kept"]) == (263, 81)
    assert (round(february["low"], 2), round(february["high"], 2)) == (25.53, 36.62)


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
@pytest.mark.parametrize("active_days", [1, 20, 45, 180, 500])
def test_counts_are_those_of_the_definition(period, active_days):
    """Each set of customers built in plain Python from the definition."""
    rng = np.random.default_rng(7)
    dates = np.datetime64("2021-11-20") + np.sort(rng.integers(0, 900, 400)).astype("timedelta64[D]")
    who = rng.integers(0, 60, 400)
    frame = pd.DataFrame({"customer": who.astype(str), "date": dates, "amount": 1.0}).sample(frac=1, random_state=1)
    as_of = pd.Timestamp("2024-04-10")
    table = retention_rate(frame, as_of, active_days=active_days, period=period)

    seen = frame[frame["date"] <= as_of]
    first = seen.groupby("customer")["date"].min()

    def active(day):
        recent = (seen["date"] > day - pd.Timedelta(days=active_days)) & (seen["date"] <= day)
        return set(seen.loc[recent, "customer"])

    assert len(table) >= 1
    for _, row in table.iterrows():
        start, end = active(row["start"] - pd.Timedelta(days=1)), active(row["end"])
        new = {customer for customer in end if row["start"] <= first[customer] <= row["end"]}
        counted = (
            row.customers_start,
            row.customers_new,
            row.customers_end,
            row.kept,
            row.lost,
            row.reactivated,
        )
        expected = (
            len(start),
            len(new),
            len(end),
            len(start & end),
            len(start - end),
            len(end - new - start),
        )
        assert counted == expected
        if start:
            assert row.crr == pytest.approx(100 * (len(end) - len(new)) / len(start))


def test_reactivated_customers_can_bring_the_rate_above_a_hundred():
    table = retention_rate(
        ledger(
            ("a", "2023-01-01"),
            ("b", "2023-01-01"),
            ("c", "2023-06-20"),
            ("c", "2023-07-20"),
            ("a", "2023-07-20"),
        ),
        dt.date(2023, 7, 31),
        active_days=30,
        period="month",
    )
    july = table.iloc[-1]
    assert (july["crr"], july["kept_rate"], july["reactivated"]) == (200.0, 100.0, 1)
    assert july["high"] <= 100 + 1e-9


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        ("month", ["2022-02", "2022-03", "2022-04", "2022-05", "2022-06", "2022-07"]),
        ("quarter", ["2022 Q2"]),
        ("year", []),
    ],
)
def test_only_complete_periods_appear(period, labels):
    rows = ledger(("a", "2022-01-02"), ("a", "2022-08-01"))
    assert retention_rate(rows, dt.date(2022, 8, 30), period=period)["period"].tolist() == labels


def test_a_period_nobody_starts_in_has_no_rate():
    table = retention_rate(ledger(("a", "2022-01-01")), dt.date(2022, 6, 30))
    assert table["customers_start"].tolist() == [0, 1]
    assert table["customers_new"].tolist() == [1, 0]
    assert table.loc[0, ["crr", "kept_rate", "low", "high"]].isna().all()
    assert table.loc[1, "lost"] == 1  # 2022-01-01 and 180 days: active to the end of 2022-06-29
    assert retention_rate(ledger(("a", "2022-01-01")), dt.date(2022, 6, 30), active_days=181).loc[1, "kept"] == 1


def test_purchases_after_the_last_day_change_nothing(movements):
    as_of = dt.date(2024, 2, 29)
    later = pl.concat([movements, ledger(("B", "2024-03-01"), ("Z", "2024-06-01"))])
    pd.testing.assert_frame_equal(
        retention_rate(later, as_of, period="month"), retention_rate(movements, as_of, period="month")
    )


def test_every_kind_of_frame_gives_the_same_table(movements):
    as_of = dt.date(2024, 3, 31)
    eager = retention_rate(movements, as_of, period="month")
    pd.testing.assert_frame_equal(retention_rate(movements.lazy(), as_of, period="month"), eager)
    in_pandas = movements.to_pandas().assign(date=lambda frame: pd.to_datetime(frame["date"]))
    pd.testing.assert_frame_equal(retention_rate(in_pandas, as_of, period="month"), eager)


def test_a_ledger_without_purchases_has_no_periods(movements):
    table = retention_rate(movements, dt.date(2020, 1, 1))
    assert table.empty
    assert list(table.columns) == list(retention_rate(movements, dt.date(2024, 3, 31)).columns)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"period": "week"}, "month, quarter, year"),
        ({"active_days": 0}, "at least 1"),
        ({"interval": 1.0}, "between 0"),
    ],
)
def test_impossible_settings_are_refused(movements, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        retention_rate(movements, dt.date(2024, 3, 31), **wrong)
