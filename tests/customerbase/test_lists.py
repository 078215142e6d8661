"""A list opens in a spreadsheet, runs nothing there, and is read back as it was written."""

from __future__ import annotations

import datetime as dt
import zipfile
from typing import Any

import openpyxl
import polars as pl
import pytest

from customerbase.lists import WORKBOOK_ROWS, read_list, sheet_name, write_list, write_workbook

HOSTILE = (
    *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(1)", "\n=1+1", " =1+1", "\u00a0=1", "\u200b=1", "\ufeff=1", "' =1"),
    *("=1+1", "+7 900", "-5", "@SUM(A1)", "\tx", "\rx", "a", "'quoted", "'=1", "''+", 'Иванов; "и" сыновья'),
    *('=HYPERLINK("http://x.example","y")', "=cmd|' /C calc'!A0", "#REF!", "#N/A", "http://x.example", "<b>&amp;"),
)


@pytest.mark.parametrize("cell", HOSTILE)
def test_a_cell_runs_nothing_and_comes_back(cell: str, tmp_path) -> None:
    write_list(tmp_path / "list.csv", pl.DataFrame({"cell": [cell], "number": [-1.5]}))
    content = (tmp_path / "list.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    written = pl.read_csv(content, infer_schema=False)
    assert written["cell"][0][0] not in "=+-@\t\r"
    assert written["number"][0] == "-1.5"
    assert read_list(written)["cell"][0] == cell


def sheet_of(file: Any) -> Any:
    return openpyxl.load_workbook(file).active


@pytest.fixture
def hostile(tmp_path) -> Any:
    """A workbook of cells that want to be more than text."""
    write_workbook(tmp_path / "list.xlsx", pl.DataFrame({"cell": HOSTILE, "=A1": HOSTILE}), "hostile")
    return tmp_path / "list.xlsx"


class TestWorkbook:
    def test_its_cells_run_nothing_and_come_back(self, hostile) -> None:
        header, *rows = sheet_of(hostile).iter_rows()
        assert [cell.data_type for cell in header] == ["s", "s"]
        for row in rows:
            for cell in row:
                assert (cell.data_type, cell.hyperlink) == ("s", None)
                assert cell.value[0] not in "=+-@\t\r"
        back = pl.DataFrame({"cell": [row[0].value for row in rows]})
        # a workbook knows no carriage return: it is a new line there
        assert read_list(back)["cell"].to_list() == [cell.replace("\rx", "\nx") for cell in HOSTILE]

    def test_it_holds_no_formula_link_or_macro(self, hostile) -> None:
        with zipfile.ZipFile(hostile) as parts:
            names = parts.namelist()
            page = parts.read("xl/worksheets/sheet1.xml").decode()
        assert "<f" not in page
        assert "hyperlink" not in page.lower().replace("hyperlink(", "")
        assert not [name for name in names if "vba" in name or "externalLink" in name]

    def test_days_are_days_and_numbers_numbers(self, tmp_path) -> None:
        rows = pl.DataFrame(
            {
                "day": [dt.date(2025, 12, 31), None],
                "money": [1234.5, float("inf")],
                "count": [3, None],
                "yes": [True, False],
                "key": ["007", "1e5"],
            }
        )
        assert write_workbook(tmp_path / "list.xlsx", rows, "all") == 2
        sheet = sheet_of(tmp_path / "list.xlsx")
        header, first, second = sheet.iter_rows(values_only=True)
        assert header == ("day", "money", "count", "yes", "key")
        assert first == (dt.datetime(2025, 12, 31), 1234.5, 3, True, "007")
        assert second == (None, None, None, False, "1e5")
        assert sheet["A2"].is_date
        assert sheet["B2"].number_format == "#,##0.00"
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref == "A1:E3"
        assert sheet.column_dimensions["A"].width >= 10

    def test_it_holds_the_beginning_of_a_long_list(self, tmp_path) -> None:
        rows = pl.DataFrame({"n": range(WORKBOOK_ROWS + 5)})
        assert write_workbook(tmp_path / "list.xlsx", rows, "long") == WORKBOOK_ROWS
        assert write_workbook(tmp_path / "short.xlsx", rows, "long", most=2) == 2
        assert [row[0] for row in sheet_of(tmp_path / "short.xlsx").values] == ["n", 0, 1]
        assert sheet_of(tmp_path / "short.xlsx").title == "first 2 of 1,005"

    def test_what_a_workbook_cannot_hold_is_shown_as_a_question_mark_or_cut(self, tmp_path) -> None:
        write_workbook(tmp_path / "list.xlsx", pl.DataFrame({"cell": ["a\x00\x1b\ufffeb", "я" * 40_000]}), "odd")
        cells = [row[0] for row in sheet_of(tmp_path / "list.xlsx").values]
        assert cells[1] == "a???b"
        assert len(cells[2]) == 32_000

    def test_an_empty_list_is_a_header(self, tmp_path) -> None:
        assert write_workbook(tmp_path / "list.xlsx", pl.DataFrame(schema={"a": pl.String}), "none") == 0
        assert list(sheet_of(tmp_path / "list.xlsx").values) == [("a",)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("win back", "win back"),
        ("a/b\\c?*[x]:'", "abcx"),
        ("", "list"),
        ("History", "list"),
        ("'''", "list"),
        ("\x07я" * 40, "я" * 31),
    ],
)
def test_a_sheet_is_called_what_excel_takes(name: str, shown: str, tmp_path) -> None:
    assert sheet_name(name) == shown
    write_workbook(tmp_path / "list.xlsx", pl.DataFrame({"a": [1]}), name)
    assert openpyxl.load_workbook(tmp_path / "list.xlsx").sheetnames == [shown]
