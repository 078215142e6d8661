"""Workbooks as people and programs save them: what is read, and what is refused with which words."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import msoffcrypto
import openpyxl
import polars as pl
import pytest
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from customerbase.errors import Refusal
from customerbase.ledger.raw import RawTable
from customerbase.ledger.workbook import read_workbook
from customerbase.parameters import TableSource

DAY = dt.date(2024, 1, 2)
MIDNIGHT = dt.datetime(2024, 1, 2)
TOP = ["c", "d", "a"]
ROW = ["00123", DAY, 3.5]
WANTED = frozenset(TOP)


def xlsx(rows: Any, **others: Any) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    for row in rows:
        sheet.append(row)
    for name, cells in others.items():
        further = book.create_sheet(name)
        for row in cells:
            further.append(row)
    return saved(book)


def saved(book: Any) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def xls(rows: Any, **others: Any) -> bytes:
    book = xlwt.Workbook()
    as_date = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for name, cells in ({"Sales": rows} | others).items():
        sheet = book.add_sheet(name)
        for at, row in enumerate(cells):
            for column, value in enumerate(row):
                if value == "#N/A":
                    sheet.row(at).set_cell_error(column, 42)
                elif isinstance(value, dt.date):
                    sheet.write(at, column, value, as_date)
                elif value is not None:
                    sheet.write(at, column, value)
    return saved(book)


def ods(rows: Any, **others: Any) -> bytes:
    book = OpenDocumentSpreadsheet()
    for name, cells in ({"Sales": rows} | others).items():
        table = Table(name=name)
        for row in cells:
            line = TableRow()
            for value in row:
                line.addElement(ods_cell(value))
            table.addElement(line)
        book.spreadsheet.addElement(table)
    content = saved(book)
    # odfpy doesn't know the attribute by which LibreOffice tells an error
    return changed(
        content,
        "content.xml",
        lambda xml: xml.replace(b'office:string-value=""', b'office:string-value="" calcext:value-type="error"'),
    )


def ods_cell(value: Any) -> TableCell:
    match value:
        case None:
            return TableCell()
        case bool():
            return TableCell(valuetype="boolean", booleanvalue=str(value).lower())
        case int() | float():
            return TableCell(valuetype="float", value=value)
        case dt.date():
            return TableCell(valuetype="date", datevalue=value.isoformat())
    empty = {"stringvalue": ""} if value.startswith("#") else {}
    cell = TableCell(valuetype="string", **empty)
    cell.addElement(P(text=value))
    return cell


def changed(archive: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a zip archive with one member changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == member else old.read(name))
    return stream.getvalue()


def tables(content: bytes, name: str = "s.xlsx", wanted: Any = WANTED, **hints: Any) -> list[RawTable]:
    return read_workbook(content, name, TableSource(path=name, **hints), wanted)


def table(content: bytes, name: str = "s.xlsx", wanted: Any = WANTED, **hints: Any) -> RawTable:
    (found,) = tables(content, name, wanted, **hints)
    return found


def problem(content: bytes, name: str = "s.xlsx", wanted: Any = WANTED, **hints: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        tables(content, name, wanted, **hints)
    (line,) = refusal.value.problems
    assert line.isprintable()
    assert line.startswith(name)
    assert len(line) < 1000
    return line.removeprefix(f"{name}: ")


FORMS = [(xlsx, "s.xlsx"), (xls, "s.xls"), (ods, "s.ods")]
every_form = pytest.mark.parametrize(("write", "name"), FORMS, ids=["xlsx", "xls", "ods"])


# cells


@every_form
def test_a_sheet_is_read_with_its_own_row_numbers_and_types(write, name):
    rows = [["Report of sales"], [], TOP, ROW, [None, " ", None], ["7", DAY, 4], ["Total", None, 7.5]]
    found = table(write(rows), name)
    assert found.name == name
    assert found.rows["c"].to_list() == ["00123", "7", "Total"]
    assert found.rows["d"].cast(pl.Date).to_list() == [DAY, DAY, None]
    assert found.rows["a"].to_list() == [3.5, 4.0, 7.5]
    assert found.numbers.to_list() == [4, 6, 7]
    assert found.reading == {"sheet": "Sales", "header_row": 3}
    assert found.broken.is_empty()


@every_form
def test_an_error_cell_is_text_and_never_missing(write, name):
    rows = table(write([TOP, ROW, ["#N/A", DAY, "#N/A"], ["1", DAY, 0.1234567890123]]), name).rows
    assert rows["c"].to_list() == ["00123", "#N/A", "1"]
    assert rows["a"].to_list() == ["3.5", "#N/A", "0.1234567890123"]
    assert rows["d"].dtype.is_temporal()


@pytest.mark.parametrize("error", ["#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"])
def test_every_error_is_shown_as_the_spreadsheet_shows_it(error):
    assert table(xlsx([TOP, ["1", error, 1]])).rows["d"].to_list() == [error]


@every_form
def test_columns_keep_their_type_or_become_text_as_its_user_sees_it(write, name):
    columns = {
        "keys": ([123, "A7", "00123", 1.5], ["123", "A7", "00123", "1.5"]),
        "answers": ([True, "yes", "true", False], ["true", "yes", "true", "false"]),
        "answers and numbers": ([True, 3, False, 1.5], ["true", "3", "false", "1.5"]),
        "truths": ([True, False, None, True], [True, False, None, True]),
        "small and large": ([1e-10, "x", 2.0**53, -0.5], ["1e-10", "x", "9007199254740992", "-0.5"]),
        "digits": ([0.1234567890123, "1.10", "1e5", 7], ["0.1234567890123", "1.10", "1e5", "7"]),
        "as written": ([" 1 2 ", "null", "nan", "  "], [" 1 2 ", "null", "nan", None]),
        "serial numbers": ([45293, 45294.5, None, " "], [45293.0, 45294.5, None, None]),
        "dates": ([DAY, DAY, None, " "], [DAY, DAY, None, None]),
    }
    rows = [[*columns, "c"], *([*cells, 1] for cells in zip(*(cells for cells, _ in columns.values()), strict=True))]
    found = table(write(rows), name, {"c"}).rows.with_columns(pl.col("dates").cast(pl.Date))
    for column, (_, read) in columns.items():
        assert found[column].to_list() == read, column


@every_form
def test_dates_beside_text_are_written_as_iso(write, name):
    column = table(write([["c", "d"], [1, DAY], [2, "02.01.2024"]]), name, {"c"}).rows["d"]
    assert column[0].startswith("2024-01-02")
    assert column[1] == "02.01.2024"


@pytest.mark.parametrize(
    ("hints", "read"),
    [
        ({}, ["1.234", "1.234", "x"]),
        ({"decimal": ","}, ["1,234", "1.234", "x"]),
        ({"thousands": "."}, ["1,234", "1.234", "x"]),
    ],
)
def test_a_number_beside_text_has_the_decimal_sign_of_the_hints(hints, read):
    # with a decimal comma the text 1.234 is a thousand
    assert table(xlsx([["a"], [1.234], ["1.234"], ["x"]]), wanted={"a"}, **hints).rows["a"].to_list() == read


def test_times_of_day_and_durations_don_t_spoil_the_other_columns():
    rows = [[*TOP, "t", "u"], ["1", DAY, 2, dt.timedelta(hours=30), "x"], ["2", DAY, 3, "late", dt.timedelta(1)]]
    found = table(xlsx(rows)).rows
    assert found["a"].to_list() == [2.0, 3.0]
    assert found["d"].to_list() == [MIDNIGHT, MIDNIGHT]
    assert found["t"][1] == "late"
    assert found["u"][0] == "x"


@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_the_date_system_is_told(epoch):
    book = openpyxl.Workbook()
    if epoch:
        book.epoch = epoch
    for row in (TOP, ROW):
        book.active.append(row)
    found = table(saved(book))
    assert found.rows["d"].to_list() == [MIDNIGHT]
    assert found.reading.get("date_system") == (1904 if epoch else None)


def test_a_cell_of_another_type_far_down_is_not_lost():
    rows = [TOP, *([at, DAY, 1.5] for at in range(2000)), ["x", "oops", "?"]]
    found = table(xlsx(rows)).rows
    assert found.height == 2001
    assert found.row(-1) == ("x", "oops", "?")
    assert found["c"][:2].to_list() == ["0", "1"]


# headers


def test_a_header_under_merged_titles_is_found():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Sales of January"], ["Who", "What", None], TOP, ROW):
        sheet.append(row)
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("B2:C2")
    found = table(saved(book))
    assert found.rows.row(0) == ("00123", MIDNIGHT, 3.5)
    assert found.reading["header_row"] == 3


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["c", "d", "a", "x", "x", None], ["c", "d", "a", "x (4)", "x (5)", "column 6"]),
        ([2024, " d", "a ", "c", None, "y"], ["2024", "d", "a", "c", "column 5", "y"]),
        (["c", "d", "a", None, None, None], ["c", "d", "a", "column 4", "column 5", "column 6"]),
    ],
)
def test_names_may_be_numbers_repeat_be_missing_or_have_spaces(header, names):
    assert table(xlsx([header, [1, 2, 3, 4, 5, 6]])).rows.columns == names


def test_a_table_may_begin_in_any_column():
    rows = [[None, None, *TOP, None], [], [None, None, *ROW, 1]]
    assert table(xlsx(rows)).rows.columns == ["c", "d", "a", "column 6"]


def test_columns_without_name_and_value_are_none():
    rows = [[*TOP, None, "x"], [*ROW, " ", "y"]]
    assert table(xlsx(rows)).rows.columns == ["c", "d", "a", "x"]


def test_a_wanted_column_must_not_repeat():
    assert problem(xlsx([[*TOP, "a"], [*ROW, 1]])) == (
        "two columns are called 'a'. Rename one so that it is clear which counts."
    )


def test_the_header_row_may_be_given():
    found = table(xlsx([TOP, [1, 2, 3], TOP, ROW]), header_row=3)
    assert (found.rows.height, found.numbers.to_list()) == (1, [4])


@pytest.mark.parametrize(("rows", "hints"), [([], {}), ([[" ", ""]], {}), ([TOP, ROW], {"header_row": 3})])
def test_a_workbook_without_header_is_refused(rows, hints):
    start = hints.get("header_row", 1)
    assert problem(xlsx(rows), **hints).startswith(f"there is no header from row {start} on.")


def test_a_header_alone_is_a_table_without_rows():
    found = table(xlsx([TOP]))
    assert (found.rows.columns, found.rows.height) == (TOP, 0)


# sheets


@every_form
def test_every_sheet_that_holds_the_columns_is_read(write, name):
    content = write([TOP, ROW], Notes=[["Call Petya"]], Part=[["c", "d"], [1, DAY]], May=[["x"], [*TOP], ROW, ROW])
    sales, may = tables(content, name)
    assert (sales.name, may.name) == (f"{name}/Sales", f"{name}/May")
    assert (sales.rows.height, may.rows.height) == (1, 2)
    assert may.numbers.to_list() == [3, 4]
    assert sales.evidence["sheet"] == (
        "It holds every column asked for. Sheet 'Notes' holds none of the columns asked for and was passed over. "
        "Sheet 'Part' holds no column 'a' and was passed over."
    )
    assert sales.digest == may.digest


@pytest.mark.parametrize(
    ("others", "hints", "wanted", "read"),
    [
        ({"May": [TOP, ROW, ROW]}, {}, (), "May"),
        ({"May": [TOP, ROW, ROW]}, {"sheet": "Sales"}, (), "Sales"),
        ({"May": [TOP, ROW, ROW]}, {"sheet": 1}, WANTED, "May"),
        ({"May": [["x"], ["y"]]}, {}, {"z"}, "Sales"),
        ({"May": []}, {}, {"z"}, "Sales"),
    ],
)
def test_one_sheet_is_chosen(others, hints, wanted, read):
    found = table(xlsx([TOP, ROW], **others), wanted=wanted, **hints)
    assert found.reading["sheet"] == read


def test_with_nothing_wanted_the_sheets_passed_over_are_said():
    found = table(xlsx([TOP, ROW], May=[TOP, ROW, ROW], Empty=[]), wanted=())
    assert found.evidence["sheet"] == "It has the most rows, 2. Passed over: 'Sales' (1 row)."


@pytest.mark.parametrize("sheet", ["Third", 7])
def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(sheet):
    assert problem(xlsx([TOP], Second=[TOP]), sheet=sheet) == (
        f"there is no sheet {sheet!r}. Set ledger.sheet to one of these: 'Sales', 'Second'."
    )


def test_hidden_sheets_count_and_charts_do_not():
    book = openpyxl.Workbook()
    for row in (TOP, ROW):
        book.active.append(row)
    hidden = book.create_sheet("Hidden")
    for row in (TOP, ROW):
        hidden.append(row)
    hidden.sheet_state = "hidden"
    book.create_chartsheet("Chart")
    assert [found.name for found in tables(saved(book))] == ["s.xlsx/Sheet", "s.xlsx/Hidden"]


# formulas


def test_a_formula_gives_the_value_stored_with_it():
    content = changed(
        xlsx([TOP, ["1", DAY, "=1+2"]]), "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"<v />", b"<v>3</v>")
    )
    assert table(content).rows["a"].to_list() == [3.0]


def test_formulas_without_values_are_refused_where_a_wanted_column_has_nothing_else():
    line = problem(xlsx([TOP, ["1", DAY, "=1+2"], ["2", DAY, "=A1"]]))
    assert line.startswith("the column 'a' holds formulas without values. Open the workbook")


def test_some_formulas_without_values_are_told():
    found = table(xlsx([TOP, ["1", DAY, "=1+2"], ["2", DAY, 4]]))
    assert found.rows["a"].to_list() == [None, 4.0]
    assert "no value stored" in found.evidence["formulas"]


def test_formulas_in_columns_nobody_asks_for_do_not_matter():
    found = table(xlsx([[*TOP, "e"], ["1", DAY, 3, "=1+2"], ["2", None, 3, "=1+2"]]))
    assert "formulas" not in found.evidence


# what is no workbook


def protected(content: bytes) -> bytes:
    stream = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(content)).encrypt("secret", stream)
    return stream.getvalue()


PASSWORD = "can't be read as a workbook: it is protected by a password. Save a copy without one."
TEXT = "can't be read as a workbook: it is text named .xls. Rename it to .csv."
WEB = "can't be read as a workbook: it is a web page or XML named .xls. Open it in a spreadsheet program and save it"


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (protected(xlsx([TOP, ROW])), "s.xlsx", PASSWORD),
        # an .xls tells its encryption in its second record
        (xls([TOP, ROW]).replace(b"\xe1\x00\x02\x00\xb0\x04", b"\x2f\x00\x02\x00\x01\x00", 1), "s.xls", PASSWORD),
        (
            changed(
                changed(ods([TOP, ROW]), "content.xml", lambda _: bytes(range(256))),
                "META-INF/manifest.xml",
                lambda xml: xml.replace(
                    b"</manifest:manifest>",
                    b'<manifest:file-entry manifest:full-path="x" manifest:media-type="">'
                    b"<manifest:encryption-data/></manifest:file-entry></manifest:manifest>",
                ),
            ),
            "s.ods",
            PASSWORD,
        ),
        (b"c;d;a\n1;2024-01-02;3,5\n", "s.xls", TEXT),
        ("клиент;d;a\n".encode("cp1251"), "s.xls", TEXT),
        ("клиент\td\ta\n".encode("utf-16"), "s.xls", TEXT),
        (b"\xef\xbb\xbf\n <html><table><tr><td>c</td></tr></table></html>", "s.xls", WEB),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "s.xls", WEB),
        (xlsx([TOP])[:700], "s.xlsx", "can't be read as a workbook: it is damaged"),
        (b"PK\3\4junk", "s.ods", "can't be read as a workbook: it is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, "s.xls", "can't be read as a workbook: "),
        (bytes(range(256)), "s.xlsb", "can't be read as a workbook: it is damaged"),
        (b"", "s.xlsx", "can't be read as a workbook: it is damaged"),
    ],
)
def test_what_is_no_workbook_is_refused_with_the_remedy(content, name, says):
    assert problem(content, name).startswith(says)


def test_the_kind_is_told_by_the_content_and_not_by_the_ending():
    assert table(xlsx([TOP, ROW]), "s.xls").rows.height == 1


# what would stop the program


def test_a_cell_far_off_is_refused_by_its_place():
    book = openpyxl.Workbook()
    book.active["A1"] = "c"
    book.active["XFD1048576"] = 1
    line = problem(saved(book))
    assert line.startswith("a sheet reaches to column XFD and to row 1,048,576")


def test_a_format_far_off_does_not_matter():
    book = openpyxl.Workbook()
    for row in (TOP, ROW):
        book.active.append(row)
    book.active["XFD1048576"].number_format = "0.00"
    assert table(saved(book)).rows.height == 1


def test_a_worksheet_that_differs_from_its_check_sum_is_refused():
    content = xlsx([TOP, ROW])
    at = zipfile.ZipFile(io.BytesIO(content)).getinfo("xl/worksheets/sheet1.xml").header_offset + 100
    assert problem(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]).endswith("Save it again.")


def test_an_xls_that_ends_the_reader_is_refused():
    # a first row beyond the last one gives a table of more cells than any machine can hold
    first_row = b"\x00\x02\x0e\x00"
    content = xls([TOP, ROW]).replace(first_row + b"\x00\x00\x00\x00", first_row + b"\x00\x00\x24\x00", 1)
    assert problem(content, "s.xls").endswith("Save it again.")


def test_an_ods_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr("customerbase.ledger.workbook.PROBE_SECONDS", 2)
    content = changed(ods([TOP, ROW]), "content.xml", lambda xml: re.sub(b"</table:table>.*", b"", xml))
    assert problem(content, "s.ods").endswith("Save it again.")
