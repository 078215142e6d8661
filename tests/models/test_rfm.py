"""The reduction of a ledger to one row a customer."""

import collections
import datetime as dt
import functools
import importlib.util
import time
from collections.abc import Callable
from decimal import Decimal
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

from models import rfm
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


def in_duckdb(frame, time_zone="UTC"):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{time_zone}'")
    return connection.from_df(frame)


@functools.cache
def spark_session():
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.execution.arrow.pyspark.enabled", "true")
    return builder.config("spark.sql.shuffle.partitions", "3").getOrCreate()


def in_pyspark(frame, time_zone="UTC"):
    spark_session().conf.set("spark.sql.session.timeZone", time_zone)
    return spark_session().createDataFrame(frame)


def in_ibis(frame):
    import ibis

    return ibis.memtable(frame)


def collected(frame):
    frame = nw.from_native(frame)
    return (frame if isinstance(frame, nw.DataFrame) else frame.collect("polars")).to_pandas()


ENGINES: dict[str, Callable[[Any], Any]] = {
    "pandas": lambda frame: frame,
    "pandas-pyarrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas-dates": lambda frame: frame.assign(date=frame["date"].dt.date),
    "polars": pl.from_pandas,
    "polars-lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "polars-dates": lambda frame: pl.from_pandas(frame).with_columns(pl.col("date").cast(pl.Date)),
    "pyarrow": lambda frame: pl.from_pandas(frame).to_arrow(),
    "duckdb": in_duckdb,
    "duckdb-dates": lambda frame: in_duckdb(frame).project("* REPLACE (date::DATE AS date)"),
}
#: Heavy engines are run wherever they are installed.
ENGINES |= {
    name: build for name, build in {"pyspark": in_pyspark, "ibis": in_ibis}.items() if importlib.util.find_spec(name)
}
#: Engines that tell the zone of a column or session from UTC.
ZONED: dict[str, Callable[[Any, str], Any]] = {
    "pandas": lambda frame, zone: frame.assign(date=frame["date"].dt.tz_convert(zone)),
    "polars": lambda frame, zone: pl.from_pandas(frame).with_columns(pl.col("date").dt.convert_time_zone(zone)),
    "duckdb": in_duckdb,
}
ZONED |= {"pyspark": in_pyspark} if "pyspark" in ENGINES else {}


@pytest.fixture(params=ENGINES)
def engine(request):
    """A function that hands a pandas frame over to one engine."""
    return ENGINES[request.param]


@pytest.fixture(params=ZONED)
def zoned_engine(request):
    """A function that hands over a pandas frame of instants, to be read in a time zone."""
    return ZONED[request.param]


class TestAgreesWithLifetimes:
    def test_summary_of_every_cdnow_customer(self, cdnow, engine):
        theirs = summary_data_from_transaction_data(cdnow, "customer", "date", "amount")
        ours = collected(rfm_summary(engine(cdnow)))
        assert len(ours) == 23_570
        assert ours["customer"].tolist() == theirs.index.tolist()
        np.testing.assert_array_equal(ours["frequency"], theirs["frequency"])
        np.testing.assert_array_equal(ours["recency"], theirs["recency"] / 7)
        np.testing.assert_array_equal(ours["T"], theirs["T"] / 7)
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

    @pytest.mark.timed
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


def without_cal(name):
    return name.removesuffix("_cal")


def mean_of_repeats(days):
    """Mean of what was bought on all days but the first."""
    repeats = [amount for day, amount in days.items() if day > min(days)]
    return float(sum(repeats)) / len(repeats) if repeats else 0.0


class TestEveryEngineSaysTheSame:
    def test_summary(self, few, engine):
        given = engine(few)
        result = rfm_summary(given, time_unit="day")
        assert type(result) is type(given)
        ours = collected(result)
        assert list(ours) == ["customer", "frequency", "recency", "T", "monetary_value"]
        assert ours["customer"].tolist() == ["a", "b", "c"]
        assert ours["frequency"].tolist() == [2, 0, 0]
        assert ours["recency"].tolist() == [21.0, 0.0, 0.0]
        assert ours["T"].tolist() == [21.0, 12.0, 7.0]
        assert ours["monetary_value"].tolist() == [22.0, 0.0, 0.0]

    def test_calibration_holdout(self, few, engine):
        given = engine(few)
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

    def test_purchase_days(self, few, engine):
        ours = collected(purchase_days(engine(few)))
        assert ours["customer"].tolist() == ["a", "a", "a", "b", "c"]
        assert [pd.Timestamp(day).day for day in ours["date"]] == [1, 8, 22, 10, 15]
        assert {pd.Timestamp(day).hour for day in ours["date"]} == {0}
        assert ours["amount"].tolist() == [100.0, 14.0, 30.0, 11.0, 7.0]

    @pytest.mark.parametrize("customers", ["integers", "strings"])
    def test_a_ledger_reckoned_by_hand(self, engine, customers):
        """Six hundred purchases of forty customers, at any time of the day and in no order."""
        random = np.random.default_rng(1)
        buyer = random.integers(1, 41, 600)
        seconds = random.integers(0, 60 * 86_400, 600)
        ledger = pd.DataFrame(
            {
                "customer": buyer if customers == "integers" else [f"{number:03}" for number in buyer],
                "date": pd.Timestamp("2023-12-20") + pd.to_timedelta(seconds, unit="s"),
                "amount": random.integers(1, 100_000, 600) / 100,
            }
        )
        split, end = dt.date(2024, 1, 20), dt.date(2024, 2, 17)
        days: dict[Any, dict[dt.date, Decimal]] = collections.defaultdict(lambda: collections.defaultdict(Decimal))
        for customer, date, amount in ledger.itertuples(index=False):
            days[customer][date.date()] += Decimal(str(amount))

        for as_of, ours in [
            (end, collected(rfm_summary(engine(ledger)))),
            (split, collected(rfm_summary(engine(ledger), split))),
            (split, collected(calibration_holdout(engine(ledger), split, end)).rename(columns=without_cal)),
        ]:
            bought = {name: {day: day_sum for day, day_sum in days[name].items() if day <= as_of} for name in days}
            rows = [
                (name, len(own) - 1, (max(own) - min(own)).days / 7, (as_of - min(own)).days / 7, mean_of_repeats(own))
                for name, own in sorted(bought.items())
                if own
            ]
            columns = ["customer", "frequency", "recency", "T", "monetary_value"]
            pd.testing.assert_frame_equal(
                ours[columns], pd.DataFrame(rows, columns=columns), check_exact=True, check_dtype=False
            )
        later = {name: [own[day] for day in own if day > split] for name, own in days.items()}
        assert ours["frequency_holdout"].tolist() == [len(later[name]) for name in ours["customer"]]
        assert ours["amount_holdout"].tolist() == [float(sum(later[name])) for name in ours["customer"]]

    def test_the_same_bytes_each_time(self, engine):
        """Large enough that engines work on it in parallel."""
        random = np.random.default_rng(2)
        ledger = pd.DataFrame(
            {
                "customer": random.integers(0, 50, 150_000),
                "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 90, 150_000), unit="D"),
                "amount": random.lognormal(3, 2, 150_000),
            }
        )
        frames = [engine(ledger), engine(ledger), engine(ledger.sample(frac=1, random_state=3))]
        one, other, turned = (collected(rfm_summary(frame))["monetary_value"].tolist() for frame in frames)
        assert one == other == turned

    def test_missing_amounts_add_nothing(self, engine):
        ledger = pd.DataFrame(
            {
                "customer": ["a", "a", "a"],
                "date": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]),
                "amount": [np.nan, 3.0, np.nan],
            }
        )
        assert collected(rfm_summary(engine(ledger)))["monetary_value"].tolist() == [1.5]

    def test_a_large_first_purchase_leaves_the_others_exact(self, engine):
        ledger = pd.DataFrame(
            {"customer": "a", "date": pd.to_datetime(["2024-01-01", "2024-01-02"]), "amount": [1e15, 0.01]}
        )
        assert collected(rfm_summary(engine(ledger)))["monetary_value"].tolist() == [0.01]


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

    def test_a_purchase_on_the_last_day_of_the_calibration(self, engine):
        at = pd.to_datetime(["2024-01-01 08:00", "2024-01-10 23:59:59.999999", "2024-01-11 00:00"], format="ISO8601")
        ours = collected(calibration_holdout(engine(pd.DataFrame({"customer": "a", "date": at})), "2024-01-10"))
        assert ours["frequency_cal"].tolist() == [1]
        assert ours["frequency_holdout"].tolist() == [1]

    @pytest.mark.parametrize(("zone", "frequency"), [("UTC", 2), ("Asia/Tokyo", 1), ("America/Los_Angeles", 1)])
    def test_a_purchase_belongs_to_the_local_day(self, zoned_engine, zone, frequency):
        """Days change at 15:00 UTC in Tokyo and at 08:00 UTC in Los Angeles."""
        at = pd.to_datetime(["2024-01-01 23:30", "2024-01-02 01:00", "2024-01-03 00:30"], utc=True)
        ours = collected(rfm_summary(zoned_engine(pd.DataFrame({"customer": "a", "date": at}), zone)))
        days = at.tz_convert(zone).date
        assert ours["frequency"].tolist() == [len(set(days)) - 1]
        assert ours["T"].tolist() == [(days[-1] - days[0]).days / 7]

    def test_a_day_without_midnight(self, zoned_engine):
        """In Brazil clocks went from 23:59 to 01:00 that night."""
        at = pd.to_datetime(["2018-11-04 02:30", "2018-11-04 03:30", "2018-11-04 23:00"], utc=True)
        ours = collected(purchase_days(zoned_engine(pd.DataFrame({"customer": "a", "date": at}), "America/Sao_Paulo")))
        assert [pd.Timestamp(day).day for day in ours["date"]] == [3, 4]

    @pytest.mark.parametrize(("unit", "days"), [("day", 1), ("week", 7), ("month", 30.4375), ("year", 365.25)])
    def test_units(self, few, unit, days):
        assert rfm_summary(few, time_unit=unit)["T"].tolist() == [21 / days, 12 / days, 7 / days]


class TestEdges:
    def test_a_large_ledger_is_summarised_in_parts(self, cdnow, monkeypatch):
        at_once = [rfm_summary(cdnow), calibration_holdout(cdnow, "1997-09-30"), purchase_days(cdnow)]
        monkeypatch.setattr(rfm, "ROWS_AT_A_TIME", 5000)
        parts = [rfm_summary(cdnow), calibration_holdout(cdnow, "1997-09-30"), purchase_days(cdnow)]
        for one, other in zip(at_once, parts, strict=True):
            pd.testing.assert_frame_equal(one, other, check_exact=True)

    def test_one_customer_one_purchase(self):
        one = pd.DataFrame({"customer": ["a"], "date": [pd.Timestamp("2024-05-01")], "amount": [3.0]})
        row = rfm_summary(one, "2024-05-08").iloc[0]
        assert row.tolist() == ["a", 0, 0.0, 1.0, 0.0]

    def test_integer_customers_stay_integers(self, few, engine):
        numbered = few.assign(customer=[20, 3, 3, 100, 3, 20, 3])
        assert collected(rfm_summary(engine(numbered)))["customer"].tolist() == [3, 20, 100]

    @pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
    def test_customers_in_pandas_keep_their_type(self, few, dtype):
        ours = rfm_summary(few.astype({"customer": dtype}))["customer"]
        assert ours.dtype == few["customer"].astype(dtype).dtype
        assert ours.tolist() == ["a", "b", "c"]

    def test_without_amounts(self, few, engine):
        ours = collected(rfm_summary(engine(few.drop(columns="amount"))))
        assert list(ours) == ["customer", "frequency", "recency", "T"]
        held = collected(calibration_holdout(engine(few.drop(columns="amount")), "2024-01-10"))
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


if "ibis" in ENGINES:

    def test_ibis_can_not_tell_the_local_day(few):
        zoned = few.assign(date=few["date"].dt.tz_localize("Asia/Tokyo"))
        with pytest.raises(ValueError, match="Ibis can't tell its days"):
            rfm_summary(in_ibis(pl.from_pandas(zoned)))
