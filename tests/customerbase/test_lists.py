"""A list opens in a spreadsheet, runs nothing there, and is read back as it was written."""

from __future__ import annotations

import polars as pl
import pytest

from customerbase.lists import read_list, write_list


@pytest.mark.parametrize(
    "cell", ["=1+1", "+7 900", "-5", "@SUM(A1)", "\tx", "\rx", "a", "'quoted", "'=1", "''+", 'Иванов; "и" сыновья']
)
def test_a_cell_runs_nothing_and_comes_back(cell: str, tmp_path) -> None:
    write_list(tmp_path / "list.csv", pl.DataFrame({"cell": [cell], "number": [-1.5]}))
    content = (tmp_path / "list.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    written = pl.read_csv(content, infer_schema=False)
    assert written["cell"][0][0] not in "=+-@\t\r"
    assert written["number"][0] == "-1.5"
    assert read_list(written)["cell"][0] == cell
