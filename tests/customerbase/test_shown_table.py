"""A table for a reader: rows named first, numbers right-aligned, nothing of the data taken for markup."""

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from customerbase.shown_table import ShownTable, show_table

HOSTILE = """<script>alert('1')</script><img src=x onerror="1">&amp;"""


def in_html(table: ShownTable) -> BeautifulSoup:
    return BeautifulSoup(table._repr_mimebundle_()["text/html"], "html.parser")


@pytest.fixture
def table():
    frame = pd.DataFrame({"spend": [2.5, 10.0], "rung": ["loyal", "new"], "hidden": [0, 0]})
    columns = {"rung": ("Rung", str.title), "spend": ("Spend", "{:.1f}".format)}
    return show_table(frame, "Spend by rung", columns)


def test_columns_come_in_the_order_asked_for_under_their_headings_and_in_their_wording(table):
    assert table.headings == ("Rung", "Spend")
    assert table.rows == (("Loyal", "2.5"), ("New", "10.0"))


def test_the_first_cell_of_a_row_is_its_header(table):
    rows = in_html(table).select("tbody tr")
    assert [[cell.name for cell in row.find_all(["th", "td"])] for row in rows] == [["th", "td"]] * 2
    assert {row.select("th")[0]["scope"] for row in rows} == {"row"}
    assert {cell["scope"] for cell in in_html(table).select("thead th")} == {"col"}


def test_numbers_are_aligned_as_numbers_in_head_and_body_and_text_is_not(table):
    cells = in_html(table).find_all(["th", "td"])
    assert [(cell.text, cell.get("class")) for cell in cells] == [
        ("Rung", None),
        ("Spend", ["num"]),
        ("Loyal", None),
        ("2.5", ["num"]),
        ("New", None),
        ("10.0", ["num"]),
    ]


def test_a_row_named_by_a_number_is_aligned_as_one():
    table = show_table(pd.DataFrame({"purchases": [1]}), "Caption", {"purchases": ("Purchases", str)})
    assert in_html(table).select("tbody th")[0]["class"] == ["num"]


@pytest.mark.parametrize("kind", ["Int64", "float64", "Float64", "int64[pyarrow]"])
def test_every_kind_of_number_counts_as_one(kind):
    frame = pd.DataFrame({"value": pd.Series([1], dtype=kind)})
    assert show_table(frame, "Caption", {"value": ("Value", str)}).numeric == (True,)


def test_numbers_that_were_worded_beforehand_are_text():
    assert show_table(pd.DataFrame({"value": ["1"]}), "Caption", {"value": ("Value", str)}).numeric == (False,)


def test_hostile_headings_cells_and_captions_stay_text():
    frame = pd.DataFrame({"name": [HOSTILE], "other": [HOSTILE]})
    soup = in_html(show_table(frame, HOSTILE, {"name": (HOSTILE, str), "other": (HOSTILE, str)}))
    assert soup.find(["script", "img"]) is None
    texts = [cell.text for cell in soup.find_all(["caption", "th", "td"])]
    assert texts == [HOSTILE] * 5
    assert soup.select("div")[0]["aria-label"] == HOSTILE


def test_the_region_is_named_by_the_caption_and_reached_by_keyboard(table):
    (region,) = in_html(table).select("div.cb-table")
    assert (region["role"], region["tabindex"], region["aria-label"]) == ("region", "0", "Spend by rung")


def test_the_plain_text_holds_caption_headings_and_every_cell(table):
    lines = table._repr_mimebundle_()["text/plain"].splitlines()
    assert lines[0] == "Spend by rung"
    assert [line.split() for line in lines[2:]] == [["Rung", "Spend"], ["Loyal", "2.5"], ["New", "10.0"]]


def test_long_tables_and_long_cells_are_shown_whole_in_plain_text():
    frame = pd.DataFrame({"name": [f"{at:03d}-{'x' * 200}" for at in range(200)]})
    plain = show_table(frame, "Caption", {"name": ("Name", str)})._repr_mimebundle_()["text/plain"]
    assert all(name in plain for name in frame["name"])


def test_a_frame_without_rows_shows_its_headings():
    soup = in_html(show_table(pd.DataFrame({"name": []}), "Nobody", {"name": ("Name", str)}))
    assert [cell.text for cell in soup.select("thead th")] == ["Name"]
    assert soup.select("tbody tr") == []


def test_a_frame_may_be_indexed_by_anything():
    frame = pd.DataFrame({"name": ["a", "b"]}, index=[7, 7])
    assert show_table(frame, "Caption", {"name": ("Name", str)}).rows == (("a",), ("b",))
