"""Text files as programs and people leave them: what is read, by what evidence, and which rows are set aside."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerbase.errors import Refusal
from customerbase.ledger.header import column_names, find_header
from customerbase.ledger.raw import RawTable
from customerbase.ledger.text import read_text
from customerbase.parameters import TableSource

HEADER = "c,d,a\n"
ROW = "1,2024-01-02,3.5\n"
READ = [("1", "2024-01-02", "3.5")]
WANTED = ("c", "d", "a")


def read(content: str | bytes, wanted: Collection[str] = WANTED, **hints: Any) -> RawTable:
    content = content.encode() if isinstance(content, str) else content
    return read_text(content, "s.csv", TableSource(path="s.csv", **hints), wanted)


def refusal(content: str | bytes, wanted: Collection[str] = WANTED, **hints: Any) -> str:
    with pytest.raises(Refusal) as refused:
        read(content, wanted, **hints)
    (line,) = refused.value.problems
    assert line.isprintable()
    assert line.startswith("s.csv: ")
    return line


# encodings


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("Anna", "ascii", "utf-8"),
        ("Петя", "utf-8", "utf-8"),
        ("Петя", "utf-8-sig", "utf-8"),
        ("Петя", "utf-16", "utf-16-le"),
        ("Петя", "utf-16-le", "utf-16-le"),
        ("Петя", "utf-16-be", "utf-16-be"),
        ("Петя", "utf-32", "utf-32-le"),
        ("Петя", "cp1251", "cp1251"),
        ("ромашка", "cp1251", "cp1251"),
        ("ИВАНОВ", "cp1251", "cp1251"),
        ("Ёлка", "cp1251", "cp1251"),
        ("ООО «Ромашка» №", "cp1251", "cp1251"),
        ("Иванов", "koi8-r", "koi8-r"),
        ("окна и двери", "cp866", "cp866"),
        ("Müller", "cp1252", "cp1252"),
        ("José Nuñez", "latin-1", "cp1252"),
        ("Zoë’s été – 5 €", "cp1252", "cp1252"),
        ("5 €", "iso8859-15", "iso8859-15"),
        ("Hélène Lefèvre-Forêt n° 1 près de la forêt", "cp1252", "cp1252"),
        ("Référence été N° 85 à 242 €", "cp1252", "cp1252"),
        ("Příliš žluťoučký kůň", "cp1250", "cp1250"),
        ("Łukasz Święty", "cp1250", "cp1250"),
        ("Şahin Yılmaz Doğan", "cp1254", "cp1254"),
        ("Αθήνα Γιώργος", "cp1253", "cp1253"),
        ("Zoë Müller", "cp850", "cp850"),
    ],
)
def test_the_encoding_is_told_even_from_a_few_words(text, encoding, found):
    table = read((HEADER + f"{text},2,3\n4,5,6\n").encode(encoding))
    assert table.rows.rows() == [(text, "2", "3"), ("4", "5", "6")]
    assert table.reading["encoding"] == found
    assert table.evidence["encoding"].endswith(".")


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16-be", "utf-8", "cp1252"])
def test_the_hint_overrules_what_the_bytes_look_like(encoding):
    content = (HEADER + "1,2,3\n").encode("utf-16-be" if encoding == "utf-16-be" else "utf-8")
    content += "»".encode(encoding) * 3
    assert read(content, encoding=encoding).broken["as_read"].to_list() == ["»»»"]


@pytest.mark.parametrize(
    ("hint", "says"), [("utf-8", "row 3 is not valid utf-8"), ("ascii", "row 3 is not valid ascii"), ("utf-16", "row")]
)
def test_a_wrong_hint_is_refused_with_the_row(hint, says):
    line = refusal(HEADER.encode() + b"1,2,3\n\xcf\xe5\xf2\xff,2,3\n", encoding=hint)
    assert says in line
    assert "ledger.encoding, for example to cp1251" in line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ((HEADER.encode() + bytes(range(128, 256)) * 2), "its encoding can't be told for certain. Set ledger.encoding"),
        (b"", "the file is empty"),
        (b"PK\3\4" + b"x" * 50, "looks like a workbook"),
        (b"%PDF-1.7 ", "looks like a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50), "looks like an old Excel workbook"),
        (b"\x1f\x8b\x08", "looks like a gzip archive"),
        (b"\r\n <!DOCTYPE html><title>Log in</title>", "looks like a web page"),
        (bytes(5000), "is no text file but binary data"),
        (bytes(range(32)) * 9, "is no text file but binary data"),
    ],
)
def test_what_is_no_text_is_refused(content, says):
    assert says in refusal(content)


@pytest.mark.parametrize(
    ("most", "few", "reason", "as_read"),
    [
        ("utf-8", "cp1251", "is not valid utf-8 as the rest of the file is (shown as latin-1)", '"Ïåòÿ",2,3'),
        ("cp1251", "utf-8", "is UTF-8 in a file that is cp1251 (shown as UTF-8)", '"Петя",2,3'),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_in_another_encoding_are_set_aside_and_not_garbled(most, few, reason, as_read, end):
    lines = [(line + end).encode(most) for line in ("c,d,a", "Петя,2,3", '"Анна\nИ",2,3', "Вера,2,3")]
    lines.insert(3, ('"Петя",2,3' + end).encode(few))
    table = read(b"".join(lines))
    assert table.rows["c"].to_list() == ["Петя", "Анна\nИ", "Вера"]
    assert table.numbers.to_list() == [2, 3, 5]
    assert table.broken.rows() == [(4, reason, as_read)]


def test_a_letter_cut_off_at_the_files_end_leaves_it_utf8():
    table = read((HEADER + ROW + "é").encode()[:-1])
    assert table.reading["encoding"] == "utf-8"
    assert table.broken["row"].to_list() == [3]


@pytest.mark.parametrize("bad", ["1,2\0,3\n", '1,"2\0",3\n', '1,"2\n\0",3\n', "\0" * 4096])
def test_rows_with_stray_nul_bytes_are_set_aside(bad):
    table = read(HEADER + ROW * 2 + bad)
    assert table.rows.rows() == READ * 2
    ((row, reason, _),) = table.broken.rows()
    assert (row, reason.split(";")[0]) == (4, "holds NUL bytes")


# delimiters and headers


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("wanted", [WANTED, ()])
@pytest.mark.parametrize("above", ["", "Sales, by day\n\n", "Report;;\nmade on, Monday\n", '"Sales; all"\n|\n'])
def test_the_delimiter_and_the_header_are_found_beneath_titles(delimiter, wanted, above):
    inside = ".;" if delimiter == "," else ",,"
    cells = "c_d_a_n 1_2024-01-02_3{}5_x{}y 2_2024-01-03_4{}5_".format(*inside, inside[0])
    table = read(above + cells.replace("_", delimiter).replace(" ", "\n"), wanted)
    first = above.count("\n") + 1
    assert table.reading == {"encoding": "utf-8", "delimiter": delimiter, "header_row": first}
    assert table.evidence.keys() == table.reading.keys()
    assert table.numbers.to_list() == [first + 1, first + 2]


@pytest.mark.parametrize(
    ("text", "hints", "rows", "numbers"),
    [
        ("c\x01d\x01a\n1\x012\x013\n", {"delimiter": "\x01"}, [("1", "2", "3")], [2]),
        ("sep=~\nc~d~a\n1~2~3\n", {}, [("1", "2", "3")], [3]),
        ('"sep=;"\r\nc;d;a\r\n1;2;3,5\r\n', {}, [("1", "2", "3,5")], [3]),
        ("c,d,a\nc,d,a\n1,2,3\n", {"header_row": 2}, [("1", "2", "3")], [3]),
        ("title\n\n\nc,d,a\n1,2,3\n", {"header_row": 2}, [("1", "2", "3")], [5]),
        ("x;\n" * 1500 + "c,d,a\n1,2,3\n", {"header_row": 1501}, [("1", "2", "3")], [1502]),
    ],
)
def test_hints_and_the_files_own_word_settle_it(text, hints, rows, numbers):
    table = read(text, **hints)
    assert (table.rows.rows(), table.numbers.to_list()) == (rows, numbers)


def test_a_single_column_may_hold_decimal_commas():
    assert read("amount\n1,5\n2,5\n\n3\n", ["amount"]).rows["amount"].to_list() == ["1,5", "2,5", "3"]
    assert read("amount\n1,5\n2,5\n", []).rows.columns == ["amount"]


HEADS = {
    "all wanted": ([["Report"], [], ["c", " d "], ["1", "2"]], ["d", "c"], None, 2, "holds every column asked for"),
    "most wanted": ([["Report of", "c"], ["c", "d"], ["1", "2"]], ["d", "c", "x"], None, 1, "holds 2 of 3"),
    "no wanted": ([["Report"], ["c", "d"], ["1", "2"]], ["x"], None, 1, "No row holds a column asked for"),
    "shape": ([["Report", None], ["c", "d"], ["1", "2"]], [], None, 1, "as wide as the table (2 columns)"),
    "years": ([["client", "2024"], ["Ann", "2"]], [], None, 0, "not every cell"),
    "two lines": ([["Client", None, "Sales", None], [None, "no", "jan", "feb"], ["1"] * 4], [], None, 1, "begins"),
    "unnamed": ([["c", "", "d"], ["1", "2", "3"], ["1", "2", "3"]], [], None, 0, "begins"),
    "given": ([["c", "d"], [None], ["1", "2"]], ["c"], 2, 2, "as the parameter header_row says"),
}


@pytest.mark.parametrize(("rows", "wanted", "given", "index", "why"), HEADS.values(), ids=HEADS)
def test_the_header_is_told_by_names_or_by_shape(rows, wanted, given, index, why):
    header = find_header(rows, wanted, given)
    assert header is not None
    assert header.index == index
    assert why in header.evidence


def test_there_is_no_header_without_a_value():
    assert find_header([[None, " "], []], ["c"], None) is None
    assert find_header([["c"]], ["c"], 2) is None


def test_names_are_made_distinct_by_position():
    assert column_names([" x ", "x", "", None, "x (1)", "y"], ["y"], "s") == [
        "x (1)'",
        "x (2)",
        "column 3",
        "column 4",
        "x (1)",
        "y",
    ]
    with pytest.raises(Refusal, match=r"s: two columns are called 'y'\. Rename one"):
        column_names(["y", " y"], ["y"], "s")


@pytest.mark.parametrize(
    ("text", "hints", "says"),
    [
        ("\n  \n", {}, "there is no header from row 1 on"),
        (HEADER, {"header_row": 2}, "there is no header from row 2 on"),
        ('"c,d,a\n1,2,3\n', {}, "row 1 is the header, and opens a quotation mark that is never closed"),
        ("c,c,d,a\n1,2,3,4\n", {}, "two columns are called 'c'"),
        ("x" * 20_000, {}, "row 1 should be the header, but a name in it has more than 10,000 letters"),
        ("c," * 200_000 + "\n", {}, "row 1 should be the header, but it has more than 100,000 fields"),
    ],
)
def test_a_file_without_a_usable_header_is_refused(text, hints, says):
    assert says in refusal(text, **hints)


# rows

FIELDS = "has {} where the header has {}; is a ',' inside a value without quotes, or a value missing?"
OPEN = "opens a quotation mark that is never closed"


@pytest.mark.parametrize(
    ("body", "rows", "numbers"),
    [
        ('1,2,"x, ""y""\nz"\n\n4,5,6\n', [("1", "2", 'x, "y"\nz'), ("4", "5", "6")], [2, 4]),
        ('1,5" disk,3\n2,"5" by 6" disk,4\n', [("1", '5" disk', "3")], [2]),
        ('1,5" by 6" disk,3\n"4","a, b",\n', [("1", '5" by 6" disk', "3"), ("4", "a, b", None)], [2, 3]),
        ('1,5" disk,3\n"4","a, b",6\n', [("1", '5" disk', "3"), ("4", "a, b", "6")], [2, 3]),
        ('"Daisy" Ltd,2,3\n"4",5,6\n', [('"Daisy" Ltd', "2", "3"), ("4", "5", "6")], [2, 3]),
        (' "Daisy",2,3\n', [(' "Daisy"', "2", "3")], [2]),
        ("1,2,3,,\n4,5,6, \n7,8,9,\n", [("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9")], [2, 3, 4]),
        ('\n"","",""\n , ,\u00a0\n,,\n""\n  \n1,2,3', [("1", "2", "3")], [8]),
        ("00123,null,1e5\n 1 ,NA,nan\n", [("00123", "null", "1e5"), (" 1 ", "NA", "nan")], [2, 3]),
        ("1,,3\n4,\u3000,6\n7, ,9\n", [("1", None, "3"), ("4", None, "6"), ("7", None, "9")], [2, 3, 4]),
        ("", [], []),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_read_cell_by_cell_whatever_ends_the_lines(body, rows, numbers, end):
    table = read((HEADER + body).replace("\n", end))
    assert (table.rows.rows(), table.numbers.to_list()) == (rows, numbers)
    assert table.rows.columns == ["c", "d", "a"]


def test_line_ends_may_be_mixed():
    assert read("c,d,a\r\n1,2,3\r4,5,6\n7,8,9").rows["a"].to_list() == ["3", "6", "9"]


def test_columns_without_a_name_are_kept_where_they_hold_something():
    assert read("c;d;a;;\n1;2;3;;\n4;5;6\n").rows.columns == ["c", "d", "a"]
    table = read("c;d;a;;\n1;2;3;x\n4;5;6\n")
    assert table.rows.columns == ["c", "d", "a", "column 4"]
    assert table.rows["column 4"].to_list() == ["x", None]
    assert table.broken.is_empty()


@pytest.mark.parametrize("quoted", ["", '"9",8,7\n'], ids=["plain", "with quotes"])
@pytest.mark.parametrize(
    ("bad", "broken"),
    [
        ("1,2\n", [(0, FIELDS.format("2 fields", 3), "1,2")]),
        ("1,2,3,4\n5\n", [(0, FIELDS.format("4 fields", 3), "1,2,3,4"), (1, FIELDS.format("1 field", 3), "5")]),
        ("1,2,3,,5,\n", [(0, FIELDS.format("5 fields", 3), "1,2,3,,5,")]),
        ("c,d,a\n", [(0, "repeats the header", "c,d,a")]),
        ("\ufeffc,d,a\n", [(0, "repeats the header", "c,d,a")]),
        ("Title\nc,d,a\n", [(0, FIELDS.format("1 field", 3), "Title"), (1, "repeats the header", "c,d,a")]),
        ("x" * 3000 + "\n", [(0, FIELDS.format("1 field", 3), "x" * 999 + "…")]),
        ('1,2,"3\n', [(0, OPEN, '1,2,"3')]),
        ('1,"a\nb",3,4\n', [(0, FIELDS.format("4 fields", 3), '1,"a\nb",3,4')]),
    ],
)
def test_a_row_of_another_width_is_set_aside_and_reading_goes_on(quoted, bad, broken):
    table = read(HEADER + ROW + quoted + bad + "7,8,9\n" + '"7",8,9\n' * bool(quoted))
    first = 3 + bool(quoted)
    records = len(broken)
    assert table.broken.rows() == [(first + at, reason, line) for at, reason, line in broken]
    assert table.rows["c"].to_list() == ["1", *["9"] * bool(quoted), "7", *["7"] * bool(quoted)]
    assert table.numbers[-1] == first + records + bool(quoted)


def test_an_open_quotation_mark_swallows_no_run_of_rows():
    rows = "".join(f"{n},2,3\n" for n in range(50))
    table = read(f'{HEADER}1,2,"3\n{rows}1,2,3"\n')
    assert table.rows.height == 51
    assert table.broken["reason"].to_list() == [OPEN]
    note = "".join("dear diary\n" for _ in range(50))
    assert read(f'{HEADER}1,2,"3\n{note}"\n{ROW}').numbers.to_list() == [2, 3]


@pytest.mark.parametrize("last", ["4,5", '4,"5'])
def test_a_last_row_cut_off_is_set_aside_as_the_files_end(last):
    table = read(HEADER + ROW + last)
    assert table.rows.rows() == READ
    assert table.broken["reason"][0].endswith("The file ends in this row.")


def test_the_table_is_described():
    content = (HEADER + ROW).encode()
    table = read(content)
    assert (table.name, table.digest) == ("s.csv", hashlib.sha256(content).hexdigest())
    assert table.evidence["delimiter"] == "It divides the header, and 100% of the first rows alike."


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_bad_row_beyond_the_first_pieces_is_found(quote):
    good = f"{quote}1{quote},2024-01-02,three\n"
    half = 3_000_000 // len(good)
    body = [good] * half + ['1,2\n4,"x\ny",6\n' if quote else "1,2\n"] + [good] * half
    table = read(HEADER + "".join(body))
    assert table.broken["row"].to_list() == [half + 2]
    assert table.numbers[-1] == 2 * half + 2 + bool(quote)


@pytest.mark.parametrize(
    "content",
    [
        (",".join(["c,d,a", *map(str, range(10_000))]) + "\n" + ",".join("1" * 10_003) + "\n").encode(),
        b"c,d,a\n1,2," + b"x" * 50_000_000 + b"\n",
        b'c,d,a\n1,2,"' + b"x,\n" * 1_000_000 + b'"\n',
        b'c,d,a\n1,2,"' + b'""' * 1_000_000 + b'"\n',
    ],
    ids=["10,000 columns", "a cell of 50 MB", "a cell of many lines", "a cell of quotation marks"],
)
def test_huge_rows_take_no_more_than_seconds(content):
    start = time.process_time()
    table = read(content)
    assert table.rows.height == 1
    assert table.broken.is_empty()
    assert time.process_time() - start < 20


# whatever is written

ALPHABET = st.sampled_from("ab,;\t|\"\n \u00a0é0.'=-")
CELLS = st.text(ALPHABET | st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
TABLES = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))


@settings(max_examples=100, deadline=None)
@given(
    table=TABLES,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    title=st.sampled_from([[], [["Sales, of; all"], []]]),
)
def test_what_is_written_is_read_back(table, delimiter, encoding, end, quoting, title):
    names = [f"name {n}" for n in range(len(table[0]) if table else 2)]
    # the writer leaves a line break without quotes if it isn't one of its own line ends
    table = [[cell.replace("\n", end) for cell in row] for row in table]
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([*title, names, *table])
    read_back = read(stream.getvalue().encode(encoding), names)
    cells = [[cell.replace(end, "\n") if cell.strip() else None for cell in row] for row in table]
    numbered = [(at, tuple(row)) for at, row in enumerate(cells, len(title) + 2) if any(row)]
    assert read_back.rows.columns == names
    assert read_back.rows.rows() == [row for _, row in numbered]
    assert read_back.numbers.to_list() == [at for at, _ in numbered]
    assert read_back.broken.is_empty()
