"""The reduction of a ledger to one row a customer."""

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import lifetimes
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from lifetimes.utils import calibration_and_holdout_data, summary_data_from_transaction_data

from models.rfm import _calendar_day_number, calibration_holdout, purchase_days, rfm_summary

DATASETS = Path(lifetimes.__file__).parent / "datasets"


@pytest.fixture(scope="module")
def cdnow():
    ledger = pd.read_csv(DATASETS / "CDNOW_master.txt", sep=r"\s+", dtype={"customer_id": str, "date": str})
    ledger["date"] = pd.to_datetime(ledger["date"], format="%Y%m%d")
    return ledger.rename(columns={"customer_id": "customer", "dollar_value": "amount"})


@pytest.fixture
def few():
    """Three customers, unsorted, one with two purchases on a day, one with none but the first."""
    return pd.DataFrame(
        {
            "customer": ["b", "a", "a", "c", "a", "b", "a"],
            "date": pd.to_datetime(
                [
                    "2024-01-10 09:00",
                    "2024-01-22 23:59",
                    "2024-01-01 08:00",
                    "2024-01-15 12:00",
                    "2024-01-08 10:00",
                    "2024-01-10 18:00",
                    "2024-01-08 20:00",
                ]
            ),
            "amount": [5.0, 30.0, 100.0, 7.0, 10.0, 6.0, 4.0],
        }
    )


def collected(frame):
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    return frame if isinstance(frame, pd.DataFrame) else pd.DataFrame(frame.to_dict(as_series=False))


ENGINES: dict[str, Callable[[Any], Any]] = {
    "pandas": lambda frame: frame,
    "pandas-pyarrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas-dates": lambda frame: frame.assign(date=frame["date"].dt.date),
    "polars": pl.from_pandas,
    "polars-lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "polars-dates": lambda frame: pl.from_pandas(frame).with_columns(pl.col("date").cast(pl.Date)),
}


class TestAgreesWithLifetimes:
    @pytest.mark.parametrize("engine", ["pandas", "polars", "polars-lazy", "polars-dates"])
    def test_summary_of_every_cdnow_customer(self, cdnow, engine):
        theirs = summary_data_from_transaction_data(cdnow, "customer", "date", "amount")
        ours = collected(rfm_summary(ENGINES[engine](cdnow)))
        assert len(ours) == 23_570
        assert ours["customer"].tolist() == theirs.index.tolist()
        np.testing.assert_array_equal(ours["frequency"], theirs["frequency"])
        np.testing.assert_allclose(ours["recency"], theirs["recency"] / 7, rtol=1e-14)
        np.testing.assert_allclose(ours["T"], theirs["T"] / 7, rtol=1e-14)
        np.testing.assert_allclose(ours["monetary_value"], theirs["monetary_value"], rtol=1e-13)

    def test_calibration_and_holdout_of_every_cdnow_customer(self, cdnow):
        theirs = calibration_and_holdout_data(
            cdnow, "customer", "date", "1997-09-30", "1998-06-30", monetary_value_col="amount"
        )
        ours = calibration_holdout(cdnow, "1997-09-30", "1998-06-30", time_unit="day")
        assert ours["customer"].tolist() == theirs.index.tolist()
        for column in ["frequency_cal", "recency_cal", "T_cal", "frequency_holdout", "duration_holdout"]:
            np.testing.assert_array_equal(ours[column], theirs[column])
        np.testing.assert_allclose(ours["monetary_value_cal"], theirs["monetary_value_cal"], rtol=1e-13)

    def test_holdout_amounts_add_up_to_the_ledger(self, cdnow):
        ours = calibration_holdout(cdnow, "1997-09-30")
        later = cdnow.loc[cdnow["date"] > "1997-09-30", "amount"].sum()
        assert ours["amount_holdout"].sum() == pytest.approx(later, rel=1e-12)

    def test_at_least_twice_as_fast(self, cdnow):
        in_polars = pl.from_pandas(cdnow)
        theirs = lambda: summary_data_from_transaction_data(cdnow, "customer", "date", "amount")  # noqa: E731
        ours = lambda: rfm_summary(in_polars)  # noqa: E731
        ratios = []
        for _ in range(12):
            marks = [time.perf_counter()]
            for run in (theirs, ours):
                run()
                marks.append(time.perf_counter())
            ratios.append((marks[1] - marks[0]) / (marks[2] - marks[1]))
        assert median(ratios[1:]) >= 2


class TestEveryEngineSaysTheSame:
    @pytest.mark.parametrize("engine", ENGINES)
    def test_summary(self, few, engine):
        given = ENGINES[engine](few)
        result = rfm_summary(given, time_unit="day")
        assert type(result) is type(given)
        ours = collected(result)
        assert list(ours) == ["customer", "frequency", "recency", "T", "monetary_value"]
        assert ours["customer"].tolist() == ["a", "b", "c"]
        assert ours["frequency"].tolist() == [2, 0, 0]
        assert ours["recency"].tolist() == [21.0, 0.0, 0.0]
        assert ours["T"].tolist() == [21.0, 12.0, 7.0]
        assert ours["monetary_value"].tolist() == [22.0, 0.0, 0.0]

    @pytest.mark.parametrize("engine", ENGINES)
    def test_calibration_holdout(self, few, engine):
        given = ENGINES[engine](few)
        result = calibration_holdout(given, "2024-01-10", time_unit="day")
        assert type(result) is type(given)
        ours = collected(result)
        assert ours["customer"].tolist() == ["a", "b"]
        assert ours["frequency_cal"].tolist() == [1, 0]
        assert ours["recency_cal"].tolist() == [7.0, 0.0]
        assert ours["T_cal"].tolist() == [9.0, 0.0]
        assert ours["monetary_value_cal"].tolist() == [14.0, 0.0]
        assert ours["frequency_holdout"].tolist() == [1, 0]
        assert ours["amount_holdout"].tolist() == [30.0, 0.0]
        assert ours["duration_holdout"].tolist() == [12.0, 12.0]

    @pytest.mark.parametrize("engine", ENGINES)
    def test_purchase_days(self, few, engine):
        ours = collected(purchase_days(ENGINES[engine](few)))
        assert ours["customer"].tolist() == ["a", "a", "a", "b", "c"]
        assert [pd.Timestamp(day).day for day in ours["date"]] == [1, 8, 22, 10, 15]
        assert ours["amount"].tolist() == [100.0, 14.0, 30.0, 11.0, 7.0]


class TestDates:
    @pytest.mark.parametrize("as_of", ["2024-01-22", dt.date(2024, 1, 22), dt.datetime(2024, 1, 22, 6)])
    def test_a_purchase_on_as_of_counts_whatever_its_hour(self, few, as_of):
        assert rfm_summary(few, as_of)["frequency"].tolist() == [2, 0, 0]

    def test_purchases_after_as_of_are_left_out(self, few):
        ours = rfm_summary(few, "2024-01-12", "day")
        assert ours["customer"].tolist() == ["a", "b"]
        assert ours["T"].tolist() == [11.0, 2.0]

    def test_calendar_reckoning_for_engines_without_durations(self):
        days = [dt.date(year, month, 1) for year in range(1890, 2110) for month in (1, 2, 3, 12)]
        frame = nw.from_native(pl.DataFrame({"date": days}))
        ours = frame.select(_calendar_day_number("date"))["date"].to_list()
        assert ours == [day.toordinal() for day in days]

    def test_leap_years_and_centuries(self):
        days = ["1899-12-31", "1900-03-01", "2000-02-29", "2001-01-01"]
        ours = rfm_summary(pd.DataFrame({"customer": "a", "date": pd.to_datetime(days)}), time_unit="day")
        assert ours["T"].tolist() == [(dt.date(2001, 1, 1) - dt.date(1899, 12, 31)).days]

    def test_a_time_zone_keeps_the_local_day(self, few):
        zoned = few.assign(date=few["date"].dt.tz_localize("Asia/Tokyo"))
        pd.testing.assert_frame_equal(rfm_summary(zoned), rfm_summary(few))

    @pytest.mark.parametrize(("unit", "days"), [("day", 1), ("week", 7), ("month", 30.4375), ("year", 365.25)])
    def test_units(self, few, unit, days):
        assert rfm_summary(few, time_unit=unit)["T"].tolist() == [21 / days, 12 / days, 7 / days]


class TestEdges:
    def test_one_customer_one_purchase(self):
        one = pd.DataFrame({"customer": ["a"], "date": [pd.Timestamp("2024-05-01")], "amount": [3.0]})
        row = rfm_summary(one, "2024-05-08").iloc[0]
        assert row.tolist() == ["a", 0, 0.0, 1.0, 0.0]

    def test_integer_customers_stay_integers(self, few):
        numbered = few.assign(customer=[20, 3, 3, 100, 3, 20, 3])
        assert rfm_summary(numbered)["customer"].tolist() == [3, 20, 100]

    @pytest.mark.parametrize("engine", ENGINES)
    def test_without_amounts(self, few, engine):
        ours = collected(rfm_summary(ENGINES[engine](few.drop(columns="amount"))))
        assert list(ours) == ["customer", "frequency", "recency", "T"]
        held = collected(calibration_holdout(ENGINES[engine](few.drop(columns="amount")), "2024-01-10"))
        assert "amount_holdout" not in held and held["frequency_holdout"].tolist() == [1, 0]

    def test_the_input_is_left_alone(self, few):
        before = few.copy()
        rfm_summary(few)
        pd.testing.assert_frame_equal(few, before)


class TestRefusals:
    @pytest.mark.parametrize("end", ["2024-01-22", "2024-02-01"])
    def test_no_holdout(self, few, end):
        with pytest.raises(ValueError, match="leaves no holdout: observation ends on 2024-01-22"):
            calibration_holdout(few, end)

    def test_unknown_unit(self, few):
        with pytest.raises(ValueError, match="'fortnight'; it must be one of day, week"):
            rfm_summary(few, time_unit="fortnight")

    def test_missing_column(self, few):
        with pytest.raises(ValueError, match="no column date"):
            rfm_summary(few.rename(columns={"date": "day"}))

    def test_dates_that_are_text(self, few):
        with pytest.raises(ValueError, match="must hold dates"):
            rfm_summary(few.assign(date="2024-01-01"))

    def test_no_purchases_and_no_as_of(self, few):
        with pytest.raises(ValueError, match="no purchases"):
            rfm_summary(few.head(0))


def test_the_same_ledger_gives_the_same_bytes_each_time(cdnow):
    first, *others = (rfm_summary(pl.from_pandas(cdnow))["monetary_value"].to_numpy().tobytes() for _ in range(5))
    assert all(other == first for other in others)
