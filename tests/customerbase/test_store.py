"""Tables on disk: written whole or not at all, and read back only for what they were made from."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from customerbase.store import ORIGIN, origin, read_table, table_path, write_table

TABLE = pl.DataFrame(
    {
        "customer": ["00001", "1", "Петя <b>"],
        "frequency": [0, 3, 1],
        "clv": [1.5, None, -2.25],
        "date": [dt.date(1998, 6, 30), None, dt.date(1997, 1, 1)],
        "segment": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
    }
)


def kept(folder: Path) -> pl.DataFrame:
    """Return the table that must be there."""
    table = read_table(folder, "ladder")
    assert table is not None
    return table


def test_a_table_comes_back_as_it_was_written(tmp_path):
    write_table(tmp_path, "ladder", TABLE)
    assert_frame_equal(kept(tmp_path), TABLE)


def test_a_table_lies_where_the_run_folder_says(tmp_path):
    assert write_table(tmp_path, "ladder", TABLE) == tmp_path / "tables" / "ladder.parquet"
    assert table_path(tmp_path, "ladder").is_file()


def test_a_pandas_table_is_written_with_nulls_for_missing_numbers_and_without_its_index(tmp_path):
    frame = pd.DataFrame({"customer": ["a", "b"], "clv": [1.0, np.nan]}, index=[5, 6])
    write_table(tmp_path, "ladder", frame)
    assert_frame_equal(kept(tmp_path), pl.DataFrame({"customer": ["a", "b"], "clv": [1.0, None]}))


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    write_table(tmp_path, "ladder", TABLE.clear())
    assert_frame_equal(kept(tmp_path), TABLE.clear())


def test_a_table_that_is_not_there_reads_as_none(tmp_path):
    assert read_table(tmp_path, "ladder") is None
    assert read_table(tmp_path, "ladder", made_from="anything") is None


def test_a_table_is_given_only_to_who_would_make_it_from_the_same(tmp_path):
    write_table(tmp_path, "ladder", TABLE, made_from="this")
    assert read_table(tmp_path, "ladder", made_from="this") is not None
    assert read_table(tmp_path, "ladder", made_from="that") is None
    assert read_table(tmp_path, "ladder") is not None


def test_a_table_of_unknown_origin_is_not_given_to_who_asks_for_one(tmp_path):
    path = table_path(tmp_path, "ladder")
    path.parent.mkdir()
    TABLE.write_parquet(path)
    assert read_table(tmp_path, "ladder", made_from="") is None


def test_a_damaged_table_is_not_given_to_who_can_make_it_and_no_secret_to_who_cannot(tmp_path):
    path = write_table(tmp_path, "ladder", TABLE, made_from="this")
    path.write_bytes(path.read_bytes()[:50])
    assert read_table(tmp_path, "ladder", made_from="this") is None
    with pytest.raises(pl.exceptions.PolarsError):
        read_table(tmp_path, "ladder")


def test_the_origin_is_kept_in_the_files_metadata(tmp_path):
    path = write_table(tmp_path, "ladder", TABLE, made_from="this")
    assert pl.read_parquet_metadata(path)[ORIGIN] == "this"


def test_the_same_table_is_the_same_file_byte_for_byte(tmp_path):
    first, second = (write_table(tmp_path / name, "ladder", TABLE, "this") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_writing_again_replaces_the_table(tmp_path):
    write_table(tmp_path, "ladder", TABLE)
    write_table(tmp_path, "ladder", TABLE.head(1))
    assert kept(tmp_path).height == 1


def test_a_write_that_fails_halfway_leaves_the_old_table_and_nothing_else(tmp_path, monkeypatch):
    path = write_table(tmp_path, "ladder", TABLE)

    def run_out_of_disk(frame, file, **_):
        file.write_bytes(b"PAR1 and then")
        raise OSError("No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", run_out_of_disk)
    with pytest.raises(OSError, match="No space left"):
        write_table(tmp_path, "ladder", TABLE.head(1))
    assert kept(tmp_path).height == TABLE.height
    assert list(path.parent.iterdir()) == [path]


def test_the_origin_depends_on_every_value_and_not_on_their_order():
    known = origin(ledger="abc", seed=1, as_of=dt.date(1998, 6, 30))
    assert known == origin(as_of=dt.date(1998, 6, 30), seed=1, ledger="abc")
    others = [
        origin(ledger="abd", seed=1, as_of=dt.date(1998, 6, 30)),
        origin(ledger="abc", seed=2, as_of=dt.date(1998, 6, 30)),
        origin(ledger="abc", seed=1, as_of=dt.date(1998, 6, 29)),
        origin(ledger="abc", seed=1, as_of=None),
        origin(ledger="abc", seed=1),
    ]
    assert len({known, *others}) == 6
