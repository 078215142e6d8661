"""Rows that can't be used are kept with where they stand, why, and what they hold; too many refuse the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from customerbase.errors import Refusal
from customerbase.ledger import Ledger, read_ledger
from customerbase.ledger.quarantine import SCHEMA
from customerbase.parameters import LedgerSource

COLUMNS = {"customer": "c", "date": "d", "amount": "a"}
MORE = COLUMNS | {"kind": "k", "cost": "s"}
PRICED = {"customer": "c", "date": "d", "quantity": "q", "unit_price": "u"}
HEADER = "c,d,a\n"
SOUND = "".join(f"{at},2024-01-02,10.00\n" for at in range(100, 119))
NUMBER = "no number that can be read in"


@pytest.fixture
def sales(tmp_path):
    """Read a ledger of which any share may be set aside."""

    def read_file(content: str | bytes, columns: dict[str, str] = COLUMNS, hints: Any = None, **options: Any) -> Ledger:
        file = tmp_path / "s.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = LedgerSource.model_validate({"path": str(file), "columns": columns} | (hints or {}))
        return read_ledger(source, **({"quarantine_limit": 1} | options))

    return read_file


# what is kept


CELLS = {
    "no customer": (",2024-01-05,5", COLUMNS, "no customer in 'c'", 5),
    "spaces for a customer": ('"  ",2024-01-05,5', COLUMNS, "no customer in 'c'", 5),
    "a no-break space for a customer": ("\u00a0,2024-01-05,5", COLUMNS, "no customer in 'c'", 5),
    "a failed lookup for a customer": ("#N/A,2024-01-05,5", COLUMNS, "no customer in 'c'", 5),
    "no date": ("1,,5", COLUMNS, "no date that can be read in 'd'", 5),
    "no such day": ("1,2024-02-30,-5", COLUMNS, "no date that can be read in 'd'", -5),
    "no amount": ("1,2024-01-05,", COLUMNS, f"{NUMBER} 'a'", None),
    "an amount in words": ("1,2024-01-05,five", COLUMNS, f"{NUMBER} 'a'", None),
    "an infinite amount": ("1,2024-01-05,inf", COLUMNS, f"{NUMBER} 'a'", None),
    "a cost in words": ("1,2024-01-05,5,sale,x", MORE, f"{NUMBER} 's'", 5),
    "a kind of its own": ("1,2024-01-05,5,gift,", MORE, "neither 'sale' nor 'return' in 'k'", 5),
    "no kind": ("1,2024-01-05,-5,,", MORE, "neither 'sale' nor 'return' in 'k'", -5),
    "a return without a date": ("1,,5,refund,", MORE, "no date that can be read in 'd'", -5),
    "no quantity": ("1,2024-01-05,,5", PRICED, f"{NUMBER} 'q'", None),
    "no price": ("1,2024-01-05,5,", PRICED, f"{NUMBER} 'u'", None),
    "a product beyond any amount": (
        "1,2024-01-05,9e14,9e14",
        PRICED,
        "quantity times unit_price is no amount in 'u'",
        None,
    ),
    "factors beyond any amount": ("1,2024-01-05,1e200,1e200", PRICED, f"{NUMBER} 'q'; {NUMBER} 'u'", None),
    "all reasons": (
        ",soon,x,y,z",
        MORE,
        "; ".join(
            [
                "no date that can be read in 'd'",
                f"{NUMBER} 'a'",
                f"{NUMBER} 's'",
                "no customer in 'c'",
                "neither 'sale' nor 'return' in 'k'",
            ]
        ),
        None,
    ),
    "a hostile customer": ('"=1+1\n<b>""\x1b",soon,5', COLUMNS, "no date that can be read in 'd'", 5),
}
SOUND_CELLS = {"c": "9", "d": "2024-01-02", "a": "1", "k": "sale", "s": "1", "q": "1", "u": "1"}


@pytest.mark.parametrize("name", CELLS)
def test_a_row_is_kept_with_its_number_its_reasons_its_amount_and_its_cells(sales, name: str) -> None:
    line, columns, reason, amount = CELLS[name]
    names = list(columns.values())
    sound = ",".join(SOUND_CELLS[column] for column in names)
    ledger = sales(f"{','.join(names)}\n{sound}\n{line}\n{sound}\n", columns)
    assert ledger.rows["row"].to_list() == [2, 4]
    assert dict(ledger.quarantine.schema) == SCHEMA
    ((row, source, found, worth, as_read),) = ledger.quarantine.rows()
    assert (row, source, found, worth) == (3, "s.csv", reason, amount)
    cells = json.loads(as_read)
    assert list(cells) == names
    said = ['=1+1\n<b>"\x1b', "soon", "5"] if "hostile" in name else line.replace('"', "").split(",")
    assert [value or "" for value in cells.values()] == [part if part.strip() else "" for part in said]


BROKEN = {
    "too long": (b"1,2024-01-05,5,6", "4 fields"),
    "too short": (b"1,2024-01-05", "2 fields"),
    "an open quotation mark": (b'"1,2024-01-05,5', "quotation mark"),
    "a NUL": (b"1\0,2024-01-05,5", "NUL"),
    "another encoding": ("Петя,2024-01-05,5".encode("cp1251"), "utf-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_line_that_cannot_be_split_is_kept_whole(sales, name: str) -> None:
    line, reason = BROKEN[name]
    ledger = sales((HEADER + "é,2024-01-02,10.00\n" * 20).encode() + line + b"\n1,2024-01-05,5\n")
    ((row, source, found, amount, as_read),) = ledger.quarantine.rows()
    assert (row, source, amount) == (22, "s.csv", None)
    assert reason in found
    assert "2024-01-05" in as_read
    assert ledger.account.rows_read == 22


@pytest.mark.parametrize(
    ("content", "hints", "row"),
    [
        ("c,d,a\n1,2024-01-02,x\n", {}, 2),
        ("c,d,a\n\n\n1,2024-01-02,3\n\n2,2024-01-02,x\n", {}, 6),
        ("c,d,a\n,,\n1,2024-01-02,3\n,,\n2,2024-01-02,x\n", {}, 5),
        ("\r\n\r\nc,d,a\r\n1,2024-01-02,x\r\n", {}, 4),
        ("title\n\n\nc,d,a\n1,2024-01-02,x\n", {}, 5),
        ("c,d,a\n\nc,d,a\n1,2024-01-02,x\n", {"header_row": 2}, 4),
        # a value of two lines is one row to a spreadsheet
        ('c,d,a,n\n1,2024-01-02,3,"a\nb"\n2,2024-01-02,x,q\n', {}, 3),
        ('c,d,a,n\n\n1,2024-01-02,3,5" disk\n\n2,2024-01-02,x,6" disk\n', {}, 5),
        ("c,d,a\n1,2024-01-02\n1,2024-01-02,3\n2,2024-01-02,x\n", {}, 4),
    ],
)
def test_rows_are_numbered_as_in_the_file(sales, content: str, hints: dict[str, Any], row: int) -> None:
    quarantine = sales(content + "3,2024-01-02,5\n", hints=hints).quarantine
    assert quarantine.filter(pl.col("reason").str.contains("no number"))["row"].to_list() == [row]


def test_lines_and_rows_stand_in_the_order_of_the_file(sales) -> None:
    quarantine = sales(HEADER + "1,2024-01-02\n1,soon,3\n1\n1,2024-01-02,x\n1,2024-01-02,3\n").quarantine
    assert quarantine["row"].to_list() == [2, 3, 4, 5]


# the limit


@pytest.mark.parametrize(
    ("sound", "bad", "limit", "is_refused"),
    [
        (19, 1, 0.05, False),
        (18, 1, 0.05, True),
        (38, 2, 0.05, False),
        (37, 2, 0.05, True),
        (19, 1, 0.0, True),
        (19, 0, 0.0, False),
        (1, 19, 0.95, False),
        (1, 9, 1, False),
    ],
)
def test_the_limit_is_a_share_of_all_rows_and_may_be_reached(
    sales, sound: int, bad: int, limit: float, is_refused: bool
) -> None:
    content = HEADER + "1,2024-01-02,3\n" * sound + "1,soon,3\n" * bad
    if is_refused:
        with pytest.raises(Refusal, match=rf"{bad} rows? of {sound + bad} "):
            sales(content, quarantine_limit=limit)
    else:
        assert sales(content, quarantine_limit=limit).quarantine.height == bad


@pytest.mark.parametrize("line", [line for line, _ in BROKEN.values()], ids=BROKEN)
def test_lines_that_cannot_be_split_count_too(sales, line: bytes) -> None:
    content = (HEADER + "é,2024-01-02,3\n" * 18).encode() + line + b"\n"
    with pytest.raises(Refusal) as refusal:
        sales(content, quarantine_limit=0.05)
    found, total = refusal.value.problems
    assert found.startswith("s.csv: row 20 ")
    assert total == "1 row of 19 (5%) can't be used, and quarantine_limit lets 5% be set aside."


def test_headers_repeated_on_each_page_are_set_aside_whatever_the_limit(sales) -> None:
    ledger = sales((HEADER + SOUND) * 3, quarantine_limit=0)
    assert ledger.quarantine.select("row", "reason").rows() == [(21, "repeats the header"), (41, "repeats the header")]
    assert (ledger.account.rows_read, ledger.account.rows_used) == (59, 57)


def test_a_refusal_names_the_three_main_reasons_and_how_many_rows(sales) -> None:
    lines = ["1,soon,3"] * 4 + ["1,2024-01-02,x"] * 3 + [",2024-01-02,3"] * 2 + ["1,2024-01-02"]
    with pytest.raises(Refusal) as refusal:
        sales(HEADER + SOUND + "\n".join(lines), quarantine_limit=0.05)
    assert refusal.value.problems == (
        "s.csv: no date that can be read in rows 21 ('soon'), 22 ('soon'), 23 ('soon') and 1 more (column 'd'). "
        "Mend these rows, or set ledger.date_format, for example to %d.%m.%Y.",
        "s.csv: no number that can be read in rows 25 ('x'), 26 ('x'), 27 ('x') (column 'a'). "
        "Mend these rows, or set ledger.decimal and ledger.thousands.",
        "s.csv: no customer in rows 28 (''), 29 ('') (column 'c'). Fill in the customer or take these rows out.",
        "10 rows of 29 (34%) can't be used, and quarantine_limit lets 5% be set aside.",
    )


def test_a_row_with_several_reasons_counts_once(sales) -> None:
    with pytest.raises(Refusal) as refusal:
        sales(f"{HEADER},soon,x\n", quarantine_limit=0.05)
    *reasons, total = refusal.value.problems
    assert [line.partition(" in row 2")[0] for line in reasons] == [
        "s.csv: no date that can be read",
        "s.csv: no number that can be read",
        "s.csv: no customer",
    ]
    assert total == "1 row of 1 (100%) can't be used, and quarantine_limit lets 5% be set aside."


def test_lines_of_one_fault_are_told_together(sales) -> None:
    with pytest.raises(Refusal) as refusal:
        sales(HEADER + SOUND + "1,2024-01-02\n2,2024-01-02\n1,2024-01-02,3,4\n", quarantine_limit=0.05)
    found, _ = refusal.value.problems
    assert found.startswith("s.csv: row 21 has 2 fields where the header has 3; ")
    assert "? 2 other rows likewise. " in found


@pytest.mark.parametrize(("in_first", "in_second", "is_refused"), [(2, 0, False), (1, 2, True), (0, 2, False)])
def test_the_limit_is_that_of_all_files_together(
    tmp_path: Path, in_first: int, in_second: int, is_refused: bool
) -> None:
    for name, bad in (("a.csv", in_first), ("b.csv", in_second)):
        (tmp_path / name).write_text(HEADER + "1,2024-01-02,3\n" * (20 - bad) + "1,soon,3\n" * bad)
    source = LedgerSource.model_validate({"path": str(tmp_path), "columns": COLUMNS})
    if is_refused:
        with pytest.raises(Refusal) as refusal:
            read_ledger(source)
        names = [line.partition(":")[0] for line in refusal.value.problems]
        assert names == [
            "b.csv",
            "a.csv",
            "3 rows of 40 (8%) can't be used, and quarantine_limit lets 5% be set aside.",
        ]
    else:
        assert read_ledger(source).quarantine.height == 2


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("<script>alert(1)</script>", "'<script>alert(1)</script>'"),
        ("two\nlines", r"'two\nlines'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("right\u202eleft", r"'right\u202eleft'"),
        ("x" * 5000, f"'{'x' * 37}...'"),
        ("=cmd|'/c calc'!A1", "\"=cmd|'/c calc'!A1\""),
    ],
    ids=["script", "lines", "terminal", "direction", "long", "formula"],
)
def test_a_hostile_cell_is_shown_short_and_on_one_line(sales, cell: str, shown: str) -> None:
    with pytest.raises(Refusal) as refusal:
        sales(f'{HEADER}1,"{cell}",3\n', quarantine_limit=0.05)
    assert f"row 2 ({shown})" in refusal.value.problems[0]
    assert all(line.isprintable() and len(line) < 1000 for line in refusal.value.problems)
