"""From a path to raw tables: which files are read, what they are called, and what can't be read at all."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pytest

from customerbase.errors import Refusal
from customerbase.ledger import archives, read_ledger
from customerbase.ledger.raw import RawTable
from customerbase.ledger.sources import read_tables
from customerbase.parameters import LedgerSource, TableSource, read_parameters
from customerbase.project import ROOT

COLUMNS = {"customer": "c", "date": "d", "amount": "a"}
CSV = b"c,d,a\n1,2024-01-02,3.5\n"
OTHER = b"c,d,a\n2,2024-01-02,4.5\n"


def tables(path: Path | str, **hints: Any) -> list[RawTable]:
    source = LedgerSource.model_validate({"path": str(path), "columns": COLUMNS} | hints)
    return list(read_tables(source))


def problem(path: Path | str, key: str = "ledger") -> str:
    """Return the line that refuses a path."""
    with pytest.raises(Refusal) as refusal:
        list(read_tables(TableSource(path=str(path)), key))
    (line,) = refusal.value.problems
    assert line.isprintable()
    return line


def parquet(frame: pl.DataFrame | None = None) -> bytes:
    stream = io.BytesIO()
    (pl.DataFrame({"c": ["1"], "d": ["2024-01-02"], "a": [3.5]}) if frame is None else frame).write_parquet(stream)
    return stream.getvalue()


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in (sheets or {"Sales": [["c", "d", "a"], ["1", "2024-01-02", 3.5]]}).items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def with_password(archive: bytes) -> bytes:
    """Return an archive whose member is marked as encrypted."""
    content = bytearray(archive)
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    return bytes(content)


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    return folder


# what is read


FILES = {
    "s.csv": (CSV, ["s.csv"]),
    "s.CSV": (CSV, ["s.CSV"]),
    "s.txt": (CSV, ["s.txt"]),
    "s.tsv": (CSV.replace(b",", b"\t"), ["s.tsv"]),
    "s.parquet": (parquet(), ["s.parquet"]),
    "s.pq": (parquet(), ["s.pq"]),
    "s.xlsx": (workbook(), ["s.xlsx"]),
    "s.csv.gz": (gzip.compress(CSV), ["s.csv.gz"]),
    "S.CSV.GZ": (gzip.compress(CSV), ["S.CSV.GZ"]),
    "s.gz": (gzip.compress(CSV), ["s.gz"]),
    "s.txt.gz": (gzip.compress(CSV), ["s.txt.gz"]),
    "s.parquet.gz": (gzip.compress(parquet()), ["s.parquet.gz"]),
    "s.xlsx.gz": (gzip.compress(workbook()), ["s.xlsx.gz"]),
    "two parts.csv.gz": (gzip.compress(CSV) + gzip.compress(CSV[6:]), ["two parts.csv.gz"]),
    "s.zip": (zipped({"a.csv": CSV}), ["s.zip/a.csv"]),
    "s.ZIP": (zipped({"a.parquet": parquet()}), ["s.ZIP/a.parquet"]),
    "years.zip": (zipped({"2025/b.csv": CSV, "2024/a.csv": CSV}), ["years.zip/2024/a.csv", "years.zip/2025/b.csv"]),
    "notes.zip": (
        zipped({"a.csv": CSV, "read me.md": b"x", "__MACOSX/._a.csv": b"x", ".b.csv": b"x", "~$c.xlsx": b"x"}),
        ["notes.zip/a.csv"],
    ),
    "outside.zip": (zipped({"../../a.csv": CSV}), ["outside.zip/../../a.csv"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_by_its_ending_packed_or_not(tmp_path: Path, name: str) -> None:
    content, names = FILES[name]
    found = tables(put(tmp_path, {name: content}) / name)
    assert [table.name for table in found] == names
    for table in found:
        assert table.rows.columns == ["c", "d", "a"]
        assert [str(cell) for cell in table.rows.row(0)] == ["1", "2024-01-02", "3.5"]
        assert table.numbers[0] == (1 if "parquet" in table.name or table.name.endswith(".pq") else 2)


def test_a_workbooks_sheets_are_tables_unless_one_is_chosen(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["c", "d", "a"], ["1", "2024-01-02", 3.5]]
    path = put(tmp_path, {"s.xlsx": workbook(January=rows, May=[*rows, ["2", "2024-05-02", 4]])}) / "s.xlsx"
    assert [(table.name, table.rows.height) for table in tables(path)] == [("s.xlsx/January", 1), ("s.xlsx/May", 2)]
    for sheet in ("May", 1):
        (table,) = tables(path, sheet=sheet)
        assert table.rows.height == 2


def test_the_digest_is_that_of_the_content_however_packed(tmp_path: Path) -> None:
    files = {"a.csv": CSV, "b.csv.gz": gzip.compress(CSV), "c.zip": zipped({"x.csv": CSV}), "d.csv": OTHER}
    first, gz, packed, other = (table.digest for table in tables(put(tmp_path, files)))
    assert first == gz == packed != other


def test_a_folders_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = {"c.csv": CSV, "a.parquet": parquet(), "b.xlsx": workbook(), "d.csv.gz": gzip.compress(CSV)}
    assert [table.name for table in tables(put(tmp_path, files))] == ["a.parquet", "b.xlsx", "c.csv", "d.csv.gz"]


def test_lock_files_hidden_files_notes_and_subfolders_are_passed_over(tmp_path: Path) -> None:
    names = ("~$sales.xlsx", ".sales.csv", "notes.md", "notes.txt", "old/sales.csv", "sales.csv~", "folder.csv/x.md")
    put(tmp_path, dict.fromkeys(names, b"no ledger"))
    assert [table.name for table in tables(put(tmp_path, {"sales.csv": CSV}))] == ["sales.csv"]


def test_a_file_with_a_header_alone_is_a_month_without_sales(tmp_path: Path) -> None:
    found = tables(put(tmp_path, {"january.csv": CSV[:6], "march.csv": CSV}))
    assert [table.rows.height for table in found] == [0, 1]


def test_the_names_of_files_are_told_before_they_are_read(tmp_path: Path) -> None:
    told: list[str] = []
    source = TableSource(path=str(put(tmp_path, {"a.csv": CSV, "b.zip": b"no archive"})))
    with pytest.raises(Refusal):
        list(read_tables(source, progress=told.append))
    assert told == ["a.csv", "b.zip"]


# ledgers that come along


def test_cdnow_is_read_whole() -> None:
    columns = {"customer": "customer_id", "date": "date", "amount": "dollar_value"}
    ledger = read_ledger(LedgerSource.model_validate({"path": "builtin:cdnow", "columns": columns}))
    rows = ledger.rows
    assert rows.height == ledger.account.rows_read == 69_659
    assert rows["customer"].n_unique() == 23_570
    assert rows["amount"].sum() == pytest.approx(2_500_315.63, abs=0.005)
    assert (str(rows["date"].min()), str(rows["date"].max())) == ("1997-01-01", "1998-06-30")
    assert rows["customer"].str.len_chars().unique().to_list() == [5]
    assert rows.row(0)[0] == "00001"
    assert rows["row"].to_list() == list(range(2, 69_661))
    assert ledger.quarantine.is_empty()


def test_the_wholesalers_two_files_are_read() -> None:
    parameters = read_parameters(ROOT / "params" / "wholesale.yml")
    assert parameters.ledger.path == "builtin:wholesale"
    names = [table.name for table in read_tables(parameters.ledger)]
    assert names == ["sales_2023_2024.csv", "sales_2025.csv"]


@pytest.mark.parametrize("name", ["", "CDNOW", "../cdnow", "donations"])
def test_an_unknown_built_in_ledger_is_refused_with_those_there_are(name: str) -> None:
    says = f".path: there is no built-in ledger '{name}'. Name one of these: cdnow, wholesale, grocery."
    assert problem(f"builtin:{name}").startswith(f"ledger{says}")
    assert problem(f"builtin:{name}", "customers").startswith(f"customers{says}")


# what can't be read


@pytest.mark.parametrize("name", ["nothing.csv", "no/where.csv"])
def test_a_missing_file_is_refused_with_where_paths_start(tmp_path: Path, name: str) -> None:
    says = f"customers.path: there is no {tmp_path / name}. A relative path starts at the project's folder, {ROOT}."
    assert problem(tmp_path / name, "customers").startswith(says)


def test_a_path_too_long_for_the_system_is_refused_and_shown_short(tmp_path: Path) -> None:
    line = problem(tmp_path / ("a" * 5000 + ".csv"))
    assert "aaa.csv can't be opened: " in line
    assert len(line) < 1000


@pytest.mark.parametrize("sign", ["\0", "\n", "\x1b"])
def test_a_path_that_can_be_no_files_is_shown_on_one_line(tmp_path: Path, sign: str) -> None:
    assert f"{tmp_path}/a?.csv" in problem(f"{tmp_path}/a{sign}.csv")


@pytest.mark.parametrize("name", ["sales", "sales.json", "sales.csv~", "sales.docx", "sales.\n\x1b[31m"])
def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    line = problem(put(tmp_path, {name: CSV}) / name)
    shown = name.replace("\n", "?").replace("\x1b", "?")
    assert f"{shown}: '{Path(shown).suffix}' is no table's ending read here" in line
    for ending in (".csv", ".txt", ".tsv", ".parquet", ".xlsx", ".xls", ".ods", ".gz", ".zip"):
        assert ending in line


@pytest.mark.parametrize(("name", "ending"), [("s.json.gz", ".json"), ("s.zip.gz", ".zip")])
def test_an_unknown_ending_inside_is_refused_too(tmp_path: Path, name: str, ending: str) -> None:
    line = problem(put(tmp_path, {name: gzip.compress(zipped({"a.csv": CSV}))}) / name)
    assert line.startswith(f"{name}: '{ending}' is no table's ending read here")


@pytest.mark.parametrize("files", [{}, {"notes.md": b"x"}, {"~$sales.xlsx": b"x"}, {"2024/sales.csv": CSV}], ids=str)
def test_a_folder_without_tables_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    line = problem(put(tmp_path, files))
    assert line.startswith(f"ledger.path: the folder {tmp_path} holds no CSV, Parquet or Excel file.")


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.csv")
    assert "s.csv: is no file that can be read. " in problem(tmp_path / "s.csv")


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (PermissionError(13, "Permission denied"), "can't be read: Permission denied. Close it where it is open"),
        (OSError(5, "Input/output error"), "can't be read: Input/output error. "),
        (MemoryError(), "is larger than this machine's memory. "),
    ],
    ids=["forbidden", "disk", "memory"],
)
def test_a_file_that_the_system_does_not_give_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, says: str
) -> None:
    def fail(_: Path) -> bytes:
        raise failure

    path = put(tmp_path, {"s.csv": CSV}) / "s.csv"
    # permissions don't bind every user that runs tests
    monkeypatch.setattr(Path, "read_bytes", fail)
    assert f"s.csv: {says}" in problem(path)


TWO = zipped({"a.csv": CSV * 50, "b.csv": OTHER})
TWICE = TWO.replace(b"b.csv", b"a.csv")
UNREADABLE = {
    "empty": ("s.csv", b"", "s.csv: the file is empty. Export it again."),
    "gzip of nothing": ("s.csv.gz", gzip.compress(b""), "s.csv.gz: the file is empty. Export it again."),
    "no gzip": ("s.csv.gz", CSV, "s.csv.gz: can't be unpacked; it is damaged or cut off. Pack it again."),
    "gzip cut off": ("s.csv.gz", gzip.compress(CSV)[:-9], "s.csv.gz: can't be unpacked"),
    "gzip damaged": ("s.gz", gzip.compress(CSV).replace(b"\n", b"\0")[:-8] + b"12345678", "s.gz: can't be unpacked"),
    "no zip": ("s.zip", CSV, "s.zip: can't be unpacked; it is damaged or cut off. Pack it again."),
    "zip cut off": ("s.zip", TWO[:-30], "s.zip: can't be unpacked"),
    "zip damaged": ("s.zip", TWO.replace(b"a.csv", b"x.csv", 1), "s.zip: can't be unpacked"),
    "zip of nothing": ("s.zip", zipped({}), "s.zip: the archive holds no CSV, Parquet or Excel file."),
    "zip of notes": ("s.zip", zipped({"a.md": b"x"}), "s.zip: the archive holds no CSV, Parquet or Excel file."),
    "zip under a password": ("s.zip", with_password(TWO), "s.zip: the archive is protected by a password. Unpack it"),
    "two files of one name": ("s.zip", TWICE, "s.zip: holds two files called 'a.csv'. Rename one of them."),
    "empty file in a zip": ("s.zip", zipped({"a.csv": CSV, "b.csv": b""}), "s.zip/b.csv: the file is empty."),
    "hostile name in a zip": ("s.zip", zipped({"\x1b[31m\n.csv": b""}), "s.zip/?[31m?.csv: the file is empty."),
    "Parquet cut off": ("s.parquet", parquet()[:-20], "s.parquet: can't be read as Parquet: "),
    "half of a Parquet file": ("s.parquet", parquet()[:100], "s.parquet: can't be read as Parquet: "),
    "marks of Parquet": ("s.parquet", b"PAR1" + b"\0" * 50 + b"PAR1", "s.parquet: can't be read as Parquet: "),
    "Parquet of text": ("s.parquet", CSV, "s.parquet: can't be read as Parquet: "),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_refused_under_its_name(tmp_path: Path, name: str) -> None:
    file, content, says = UNREADABLE[name]
    assert problem(put(tmp_path, {file: content}) / file).startswith(says)


@pytest.mark.parametrize(
    ("file", "content"),
    [("s.csv.gz", gzip.compress(b"0" * 3000)), ("s.zip", zipped({"a.csv": b"0" * 1500, "b.csv": b"0" * 1500}))],
    ids=["gzip", "zip"],
)
def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, content: bytes
) -> None:
    monkeypatch.setattr(archives, "LARGEST_UNPACKED", 2999)
    assert problem(put(tmp_path, {file: content}) / file).startswith(f"{file}: unpacks to more than ")
    monkeypatch.setattr(archives, "LARGEST_UNPACKED", 3000)
    assert list(read_tables(TableSource(path=str(tmp_path / file))))


# Parquet


def test_a_parquet_files_cells_keep_their_types_and_blank_rows_are_left_out(tmp_path: Path) -> None:
    frame = pl.DataFrame({" c": ["1", None, " ", "2"], "d ": [1.5, None, None, None], "x": [None, "", None, None]})
    (table,) = tables(put(tmp_path, {"s.parquet": parquet(frame)}) / "s.parquet")
    assert table.rows.schema == {"c": pl.String, "d": pl.Float64, "x": pl.String}
    assert table.rows.rows() == [("1", 1.5, None), ("2", None, None)]
    assert table.numbers.to_list() == [1, 4]


def test_a_parquet_files_column_asked_for_must_not_repeat(tmp_path: Path) -> None:
    path = put(tmp_path, {"s.parquet": parquet(pl.DataFrame({"c": [1], "c ": [2], "x": [3], " x": [4]}))}) / "s.parquet"
    with pytest.raises(Refusal, match=r"s\.parquet: two columns are called 'c'\. Rename one"):
        tables(path)
    (table,) = read_tables(TableSource(path=str(path)))
    assert table.rows.columns == ["c (1)", "c (2)", "x (3)", "x (4)"]


def test_a_parquet_file_without_columns_has_no_rows(tmp_path: Path) -> None:
    (table,) = tables(put(tmp_path, {"s.parquet": parquet(pl.DataFrame())}) / "s.parquet")
    assert table.rows.height == len(table.numbers) == 0


# whatever the bytes


@pytest.mark.parametrize(
    ("name", "content", "step"),
    [
        ("s.csv", CSV * 3 + b'2,"2024-01-03",4\n', 6),
        ("s.csv.gz", gzip.compress(CSV * 3), 5),
        ("s.zip", zipped({"a.csv": CSV}), 7),
        ("s.parquet", parquet(), 23),
        ("s.xlsx", workbook(), 149),
    ],
    ids=["CSV", "gzip", "zip", "Parquet", "workbook"],
)
def test_a_damaged_file_is_refused_or_read_but_never_breaks(
    tmp_path: Path, name: str, content: bytes, step: int
) -> None:
    rng = np.random.default_rng(7)
    source = LedgerSource.model_validate({"path": str(tmp_path / name), "columns": COLUMNS})
    refused = 0
    for at in range(0, len(content), step):
        damaged = bytearray(content)
        damaged[at] ^= int(rng.integers(1, 256))
        put(tmp_path, {name: bytes(damaged)})
        try:
            account = read_ledger(source, quarantine_limit=0.4).account
        except Refusal as refusal:
            refused += 1
            assert all(line.isprintable() for line in refusal.problems)
        else:
            assert account.rows_read > 0
    assert refused > 0


@pytest.mark.parametrize("encoding", ["ascii", "utf-16", "utf-32", "cp932", "utf-7", "unicode_escape"])
def test_a_hint_of_the_wrong_encoding_is_refused_under_the_files_name(tmp_path: Path, encoding: str) -> None:
    path = put(tmp_path, {"s.csv": b"c,d,a\n1,2024-01-02,\\ud800\xff\xf0\xa0\x80 +2AA-\n"}) / "s.csv"
    source = LedgerSource.model_validate({"path": str(path), "columns": COLUMNS, "encoding": encoding})
    with pytest.raises(Refusal) as refusal:
        read_ledger(source)
    assert refusal.value.problems[0].startswith("s.csv: ")
    assert all(line.isprintable() for line in refusal.value.problems)
