"""From a file to a clean ledger: one meaning a column, returns negative, each row and each cent accounted for."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from customerbase.errors import Refusal, Unbalanced
from customerbase.ledger import Ledger, clean, read_ledger
from customerbase.parameters import LedgerSource

DAY = dt.date(2024, 1, 2)
COLUMNS = {"customer": "c", "date": "d", "amount": "a"}
PRICED = {"customer": "c", "date": "d", "quantity": "q", "unit_price": "u"}
HEADER = "c,d,a\n"
ROW = "1,2024-01-02,3.5\n"
SOUND = "".join(f"{at},2024-01-02,10.00\n" for at in range(100, 140))
FORTY = 400.0


def read(path: Path, columns: dict[str, str] = COLUMNS, hints: dict[str, Any] | None = None, **options: Any) -> Ledger:
    return read_ledger(LedgerSource.model_validate({"path": str(path), "columns": columns} | (hints or {})), **options)


@pytest.fixture
def sales(tmp_path):
    """Read a ledger from one file that holds `content`."""

    def read_file(content: str | bytes | pl.DataFrame, columns: dict[str, str] = COLUMNS, **options: Any) -> Ledger:
        if isinstance(content, pl.DataFrame):
            file = tmp_path / "s.parquet"
            content.write_parquet(file)
        else:
            file = tmp_path / "s.csv"
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(file, columns, **options)

    return read_file


def table(**columns: Any) -> pl.DataFrame:
    """Return a ledger of one row with some columns replaced or added."""
    return pl.DataFrame({"c": ["1"], "d": [DAY], "a": [3.5]} | columns)


def lines_of(refusal: pytest.ExceptionInfo[Refusal]) -> tuple[str, ...]:
    """Return the lines of a refusal, each fit to be read in a terminal."""
    for line in refusal.value.problems:
        assert line.isprintable()
        assert len(line) < 1000
    return refusal.value.problems


# columns


def test_the_columns_have_the_contracts_names_and_types(sales) -> None:
    more = {"order": "o", "quantity": "q", "cost": "k", "product": "p"}
    rows = sales(HEADER.replace("\n", ",o,q,k,p,x\n") + "1,2024-01-02,3.5,7,2,1.5,tea,9\n", COLUMNS | more).rows
    assert dict(rows.schema) == {
        "customer": pl.String,
        "date": pl.Date,
        "amount": pl.Float64,
        "order": pl.String,
        "quantity": pl.Float64,
        "cost": pl.Float64,
        "product": pl.String,
        "kind": pl.String,
        "source": pl.Categorical,
        "row": pl.Int64,
    }
    assert rows.row(0) == ("1", DAY, 3.5, "7", 2.0, 1.5, "tea", "sale", "s.csv", 2)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("date,customer,amount", ["date", "customer", "amount"]),
        ("kind,source,row", ["kind", "source", "row"]),
        ('"Client\nno.",2,"sum, total"', ["Client\nno.", "2", "sum, total"]),
        (' c ,"d ", a', ["c", " d", "a"]),
        ("c,d,a,x,x,,", ["c", "d", "a"]),
    ],
    ids=["names of other meanings", "names of ours", "any text", "spaces", "others repeat"],
)
def test_a_files_names_may_be_any(sales, header: str, names: list[str]) -> None:
    line = "1,2024-01-02,3" + "," * (header.count(",") - 2 - ("sum," in header))
    columns = dict(zip(COLUMNS, names, strict=True))
    assert sales(f"{header}\n{line}\n", columns).rows.row(0) == ("1", DAY, 3.0, "sale", "s.csv", 2)


def test_one_column_may_have_two_meanings(sales) -> None:
    rows = sales(HEADER + ROW, COLUMNS | {"order": "c", "cost": "a"}).rows
    assert rows.select("customer", "order", "amount", "cost").row(0) == ("1", "1", 3.5, 3.5)


def test_every_missing_column_is_named_with_those_there_are(sales) -> None:
    with pytest.raises(Refusal) as refusal:
        sales("customer,D,a\n1,2024-01-02,3\n")
    assert lines_of(refusal) == (
        "s.csv: there is no column 'c' (ledger.columns.customer). The file has: 'customer', 'D', 'a'. "
        "Mend ledger.columns, or set ledger.header_row or ledger.delimiter.",
        "s.csv: there is no column 'd' (ledger.columns.date). The file has: 'customer', 'D', 'a'. "
        "Mend ledger.columns, or set ledger.header_row or ledger.delimiter.",
    )


def test_hostile_names_are_shown_short_and_on_one_line(sales) -> None:
    names = ['"c\n<b>"', "\x1b[31m", *(f"{'h' * 900}{at}" for at in range(30))]
    with pytest.raises(Refusal) as refusal:
        sales(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")
    for line in lines_of(refusal):
        assert r"The file has: 'c\n<b>', '\x1b[31m', 'hhh" in line


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([["x"]]),
        pl.Series([{"x": 1}]),
        pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2)),
        pl.Series([b"\xff\xfe"]),
        pl.Series([dt.timedelta(1)]),
    ],
    ids=["list", "struct", "array", "bytes", "duration"],
)
def test_a_column_of_a_kind_that_no_ledger_has_is_refused(sales, values: pl.Series) -> None:
    meanings = ["customer", "date", "amount", "cost", "product", "kind"]
    with pytest.raises(Refusal) as refusal:
        sales(table(x=values), dict.fromkeys(meanings, "x"))
    lines = lines_of(refusal)
    assert len(lines) == len(meanings)
    assert all(line.startswith("s.parquet: the column 'x' holds ") for line in lines)


@pytest.mark.parametrize(
    ("values", "bad"),
    [
        (pl.Series([None]), ["amount", "kind"]),
        (pl.Series([True]), ["amount", "cost", "kind"]),
        (pl.Series([dt.time(1)]), ["amount", "cost", "kind"]),
        (pl.Series([DAY]), ["amount", "cost", "kind"]),
    ],
    ids=["nothing", "truth", "time", "date"],
)
def test_cells_of_another_kind_are_bad_rows(sales, values: pl.Series, bad: list[str]) -> None:
    kinds = {"kind": "neither 'sale' nor 'return'"}
    with pytest.raises(Refusal) as refusal:
        sales(table(x=values), COLUMNS | {"amount": "x", "cost": "x", "kind": "x"})
    says = [f"s.parquet: {kinds.get(meaning, 'no number that can be read')} in row 1 (" for meaning in bad]
    lines = lines_of(refusal)
    assert len(lines) == len(says) + 1
    assert all(line.startswith(part) for line, part in zip(lines, says, strict=False))


HINTS = {
    "encoding": ({"encoding": "koi8-r"}, "c,d,a\nПетя,2024-01-02,3.5\n".encode("koi8-r")),
    "delimiter": ({"delimiter": "~"}, "c~d~a\nПетя~2024-01-02~3.5\n".encode()),
    "header_row": ({"header_row": 3}, "c,d,a\nd,c,a\nc,d,a\nПетя,2024-01-02,3.5\n".encode()),
    "date_format": ({"date_format": "%Y/%d/%m"}, "c,d,a\nПетя,2024/02/01,3.5\n".encode()),
    "decimal": ({"decimal": ","}, 'c,d,a\nПетя,2024-01-02,"3,500"\n'.encode()),
}


@pytest.mark.parametrize("hint", HINTS)
def test_hints_reach_the_readers(sales, hint: str) -> None:
    hints, content = HINTS[hint]
    assert sales(content, hints=hints).rows.row(0)[:3] == ("Петя", DAY, 3.5)


# keys


def test_keys_are_exactly_as_written(sales) -> None:
    keys = ["00123", "123", "1e5", " 12 3 ", "Петя É", "null", "NA", "nan", "0", "-1", "a\tb", "=1+1"]
    rows = sales(HEADER + "".join(f'"{key}",2024-01-02,3\n' for key in keys)).rows
    assert rows["customer"].to_list() == keys


@pytest.mark.parametrize(
    ("keys", "read_as", "is_told"),
    [
        (["123.0", "7.0"], ["123", "7"], True),
        (["00123.0", "7.0"], ["00123", "7"], True),
        (["123.0", "7"], ["123.0", "7"], False),
        (["123.0", "A7.0"], ["123.0", "A7.0"], False),
        (["123.00", "7.0"], ["123.00", "7.0"], False),
        (["123", "7"], ["123", "7"], False),
    ],
)
def test_a_spreadsheets_point_is_taken_off_where_every_key_has_it(
    sales, keys: list[str], read_as: list[str], is_told: bool
) -> None:
    ledger = sales(HEADER + "".join(f"{key},2024-01-02,3\n" for key in keys))
    assert ledger.rows["customer"].to_list() == read_as
    (about,) = ledger.tables
    assert ("customer" in about.evidence) == is_told
    assert not is_told or "every key ended with .0" in about.evidence["customer"]


@pytest.mark.parametrize(
    ("keys", "read_as"),
    [
        (pl.Series([7, 123]), ["7", "123"]),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), ["18446744073709551615"]),
        (pl.Series([123.0, 7.0]), ["123", "7"]),
        (pl.Series([1.5, 2.0]), ["1.5", "2"]),
        (pl.Series(["00123"], dtype=pl.Categorical), ["00123"]),
        (pl.Series([True]), ["true"]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pl.Series) else "",
)
def test_typed_keys_become_text(sales, keys: pl.Series, read_as: list[str]) -> None:
    rows = sales(pl.DataFrame({"c": keys, "d": [DAY] * len(keys), "a": [1.0] * len(keys)})).rows
    assert rows["customer"].to_list() == read_as


# dates and numbers


AMBIGUOUS: dict[str, tuple[str, str, dict[tuple[str, str], list[Any]]]] = {
    "dates": (
        "c;d;a\n1;01/01/2024;3\n2;01/02/2024;3\n",
        "s.csv: '01/02/2024' reads as %d/%m/%Y (1 February 2024) and as %m/%d/%Y (2 January 2024), and no row tells "
        "which. Set ledger.date_format to one of them.",
        {
            ("date_format", "%d/%m/%Y"): [dt.date(2024, 1, 1), dt.date(2024, 2, 1)],
            ("date_format", "%m/%d/%Y"): [dt.date(2024, 1, 1), DAY],
        },
    ),
    "numbers": (
        "c;d;a\n1;2024-01-02;3\n2;2024-01-02;1,500\n",
        "s.csv: '1,500' in column 'a' reads as 1500 and as 1.500, and no row tells which. "
        "Set ledger.decimal to '.' or ','.",
        {
            ("decimal", "."): [3, 1500],
            ("decimal", ","): [3, 1.5],
            ("thousands", ","): [3, 1500],
            ("thousands", "."): [3, 1.5],
        },
    ),
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_what_has_two_readings_is_refused_until_a_parameter_settles_it(sales, kind: str) -> None:
    content, says, settled = AMBIGUOUS[kind]
    with pytest.raises(Refusal) as refusal:
        sales(content)
    assert lines_of(refusal) == (says,)
    for (key, value), read_as in settled.items():
        rows = sales(content, hints={key: value}).rows
        assert rows["date" if kind == "dates" else "amount"].to_list() == read_as


def test_the_rows_beside_an_ambiguous_one_are_named_too(sales) -> None:
    with pytest.raises(Refusal) as refusal:
        sales(f"{HEADER}1,,3\n2,soon,3\n3,01/02/2024,x\n")
    lines = lines_of(refusal)
    assert lines[0].startswith("s.csv: '01/02/2024' reads as ")
    assert "no date that can be read in rows 2 (''), 3 ('soon')" in lines[1]
    assert "no number that can be read in row 4 ('x')" in lines[2]


@pytest.mark.parametrize(
    ("dates", "read_as"),
    [
        (["2024-01-13", "02.01.2024", "3 Jan 2024"], [dt.date(2024, 1, 13), DAY, dt.date(2024, 1, 3)]),
        (["2024-01-02 00:00", "2024-01-02"], [DAY, DAY]),
        (["2024-01-02 00:00", "2024-01-02 10:30"], [dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 10, 30)]),
        (["2024-01-02T23:30:00+03:00"], [dt.datetime(2024, 1, 2, 23, 30)]),
    ],
)
def test_dates_are_days_unless_some_row_tells_the_hour(sales, dates: list[str], read_as: list[dt.date]) -> None:
    ledger = sales(HEADER + "".join(f"1,{date},3\n" for date in dates))
    assert ledger.rows["date"].to_list() == read_as
    assert "date" in ledger.tables[0].evidence


def test_a_typed_date_with_a_zone_is_read_on_the_customers_clock(sales) -> None:
    evening = dt.datetime(2024, 1, 2, 23, 30)
    dates = pl.Series([evening]).dt.replace_time_zone("America/New_York")
    assert sales(table(d=dates)).rows["date"].to_list() == [evening]


@pytest.mark.parametrize(
    ("written", "read_as"), [("1 234,50 ₽", 1234.5), ("$1,234.50", 1234.5), ("(12.50)", -12.5), ("0", 0)]
)
def test_amounts_are_read_as_people_write_them(sales, written: str, read_as: float) -> None:
    assert sales(f"c;d;a\n1;2024-01-02;{written}\n").rows["amount"].to_list() == [read_as]


def test_the_signs_of_one_column_tell_how_another_reads(sales) -> None:
    rows = sales("c;d;a;k\n1;2024-01-02;12,50;1.234\n", COLUMNS | {"cost": "k"}).rows
    assert rows.select("amount", "cost").row(0) == (12.5, 1234)


def test_the_amount_is_quantity_times_unit_price_where_there_is_none(sales) -> None:
    rows = sales("c,d,q,u\n1,2024-01-02,2,1.5\n2,2024-01-02,0,4\n", PRICED).rows
    assert rows.select("quantity", "unit_price", "amount").rows() == [(2, 1.5, 3), (0, 4, 0)]


def test_a_given_amount_goes_before_quantity_times_unit_price(sales) -> None:
    rows = sales("c,d,q,u,a\n1,2024-01-02,2,1.5,2.9\n", PRICED | {"amount": "a"}).rows
    assert rows["amount"].to_list() == [2.9]


@pytest.mark.parametrize("empty", ["", '""', " "])
def test_optional_cells_may_be_empty(sales, empty: str) -> None:
    columns = COLUMNS | {"cost": "k", "product": "p"}
    rows = sales(f"c,d,a,k,p\n1,2024-01-02,2,{empty},{empty}\n2,2024-01-02,2,1, tea \n", columns).rows
    assert rows.select("cost", "product").rows() == [(None, None), (1, "tea")]


def test_an_order_kept_as_a_number_by_a_spreadsheet_is_read_as_written(sales) -> None:
    assert sales(table(o=[1001.0]), COLUMNS | {"order": "o"}).rows["order"].to_list() == ["1001"]


# returns


def in_each_kind(words: list[str], amounts: list[int]) -> str:
    return "c,d,a,k\n" + "".join(f"1,2024-01-02,{amount},{word}\n" for word in words for amount in amounts)


def test_words_for_a_return_take_money_back_whatever_its_sign(sales) -> None:
    words = ["return", " RETURNS ", "Returned", "refund", "Refunded", "credit note"]
    words += ["Возврат", "возврат товара", "Возврат от покупателя"]
    ledger = sales(in_each_kind(words, [5, -5]), COLUMNS | {"kind": "k"})
    assert ledger.rows.select("amount", "kind").rows() == [(-5, "return")] * 2 * len(words)
    assert ledger.account.amount_read == ledger.account.amount_used == -10 * len(words)


def test_words_for_a_sale_leave_the_sign_to_tell(sales) -> None:
    words = ["sale", " SALES ", "Sold", "purchase", "invoice"]
    words += ["Продажа", "реализация", "ОТГРУЗКА", "Реализация товаров", "покупка"]
    rows = sales(in_each_kind(words, [5, 0, -5]), COLUMNS | {"kind": "k"}).rows
    assert rows.select("amount", "kind").rows() == [(5, "sale"), (0, "sale"), (-5, "return")] * len(words)


@pytest.mark.parametrize(("quantity", "price"), [(-1, 4), (1, -4), (-1, -4)])
def test_a_negative_quantity_or_price_is_a_return(sales, quantity: int, price: int) -> None:
    rows = sales(f"c,d,q,u\n1,2024-01-02,{quantity},{price}\n", PRICED).rows
    assert rows.select("kind", "quantity", "amount").row(0) == ("return", -1, -4)


def test_a_return_turns_quantity_cost_and_discount_and_leaves_the_price(sales) -> None:
    columns = COLUMNS | PRICED | {"cost": "k", "discount": "s", "kind": "t"}
    lines = ["9,4,5,6,1,return", "-9,4,5,6,1,sale", "9,-4,5,6,1,sale", "-9,-4,5,-6,-1,return", "9,4,5,6,1,sale"]
    rows = sales("c,d,a,q,u,k,s,t\n" + "".join(f"1,2024-01-02,{line}\n" for line in lines), columns).rows
    turned = ("return", -9, -4, 5, -6, -1)
    found = rows.select("kind", "amount", "quantity", "unit_price", "cost", "discount").rows()
    assert found == [turned] * 4 + [("sale", 9, 4, 5, 6, 1)]


# what can't have happened, and totals


@pytest.mark.parametrize(
    ("latest", "set_aside"), [(None, []), (dt.date(2024, 1, 3), []), (DAY, [42]), (dt.date(2024, 1, 1), None)]
)
def test_rows_after_the_latest_day_are_set_aside(sales, latest: dt.date | None, set_aside: list[int] | None) -> None:
    content = HEADER + SOUND + "1,2024-01-03 00:00,5\n"
    if set_aside is None:
        with pytest.raises(Refusal, match=r"a date in the future in rows 2 .* and 38 more"):
            sales(content, latest=latest)
        return
    ledger = sales(content, latest=latest)
    assert ledger.quarantine["row"].to_list() == set_aside
    assert all(reason == "a date in the future in 'd'" for reason in ledger.quarantine["reason"])


def test_the_latest_day_counts_up_to_its_last_minute(sales) -> None:
    content = HEADER + SOUND + "1,2024-01-02 23:59,5\n1,2024-01-03 00:00,6\n"
    assert sales(content, latest=DAY).quarantine["row"].to_list() == [43]


TOTALS = {
    "without a date": "Total,,400.00\n",
    "in Russian": "Итого:,,400.00\n",
    "wrong": "Grand total,,1.00\n",
    "unreadable": "Total,,x\n",
    "without a word": ",,400.00\n",
    "dated": "Total,2024-01-02,400.00\n",
}


@pytest.mark.parametrize("line", TOTALS.values(), ids=TOTALS)
def test_a_total_is_set_aside_whatever_the_limit(sales, line: str) -> None:
    ledger = sales(HEADER + SOUND + line, quarantine_limit=0)
    assert ledger.quarantine.select("row", "source", "reason").rows() == [(42, "s.csv", "a total, not a purchase")]
    assert ledger.account.amount_used == FORTY


def test_totals_do_not_count_towards_the_limit(sales) -> None:
    totals = "Total,,400.00\n" * 40
    assert sales(HEADER + SOUND + totals + ",2024-01-02,1\n").quarantine.height == 41
    with pytest.raises(Refusal) as refusal:
        sales(HEADER + SOUND + totals + ",2024-01-02,1\n", quarantine_limit=0.01)
    assert lines_of(refusal) == (
        "s.csv: no customer in row 82 ('') (column 'c'). Fill in the customer or take these rows out.",
        "1 row of 41 (2%) can't be used, and quarantine_limit lets 1% be set aside.",
    )


# repeats


TWICE = HEADER + "1,2024-01-02,3\n2,2024-01-02,4\n1,2024-01-02,3.00\n1,2024-01-02,3.01\n"


def test_repeats_are_counted_and_kept(sales) -> None:
    ledger = sales(TWICE)
    assert (ledger.repeats, ledger.rows.height, ledger.quarantine.height) == (1, 4, 0)


def test_repeats_are_moved_to_the_quarantine_where_a_parameter_says_so(sales) -> None:
    ledger = sales(TWICE, drop_duplicates=True, quarantine_limit=0)
    assert ledger.rows["row"].to_list() == [2, 3, 5]
    aside = ledger.quarantine.drop("as_read").rows()
    assert aside == [(4, "s.csv", "repeats row 2 of s.csv", 3.0)]
    account = ledger.account
    assert (account.rows_read, account.rows_used, account.rows_quarantined) == (4, 3, 1)
    assert (account.amount_read, account.amount_used, account.amount_quarantined) == (13.01, 10.01, 3)
    assert ledger.repeats == 1


def test_a_repeat_set_aside_is_shown_as_it_was_read(sales) -> None:
    (as_read,) = sales(TWICE, drop_duplicates=True).quarantine["as_read"]
    assert as_read == '{"c":"1","d":"2024-01-02","a":"3.00"}'


def test_only_the_columns_of_the_parameters_make_a_repeat(sales) -> None:
    content = "c,d,a,o,x\n1,2024-01-02,3,7,x\n1,2024-01-02,3,7,y\n1,2024-01-02,3,8,y\n"
    assert sales(content).repeats == 2
    assert sales(content, COLUMNS | {"order": "o"}).repeats == 1


def test_the_same_month_exported_twice_repeats_across_files(tmp_path) -> None:
    (tmp_path / "a.csv").write_text(TWICE)
    (tmp_path / "b.csv").write_text("d;a;c\n02.01.2024;4,00;2\n02.01.2024;9,00;2\n")
    assert read(tmp_path).repeats == 2
    ledger = read(tmp_path, drop_duplicates=True)
    assert ledger.quarantine.select("row", "source", "reason").rows() == [
        (4, "a.csv", "repeats row 2 of a.csv"),
        (2, "b.csv", "repeats row 3 of a.csv"),
    ]
    assert ledger.account.rows_read == 6


# the account


BAD = "1,soon,5.00\n2,2024-01-02,x\n"
UNSOUND = HEADER + SOUND + BAD + "Total,,400.00\n"


def zipped(**files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.csv", content)
    return stream.getvalue()


def workbook(**sheets: str) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, content in sheets.items():
        sheet = book.create_sheet(title)
        for line in content.splitlines():
            sheet.append([cell or None for cell in line.split(",")])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def in_folder(folder: Path) -> Path:
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(UNSOUND)
    return folder


def in_file(name: str, content: bytes) -> Any:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


SOURCES = {
    "zip": (in_file("s.zip", zipped(a=UNSOUND, b=UNSOUND)), ["s.zip/a.csv", "s.zip/b.csv"]),
    "folder": (in_folder, ["a.csv", "b.csv"]),
    "workbook": (in_file("s.xlsx", workbook(January=UNSOUND, May=UNSOUND)), ["s.xlsx/January", "s.xlsx/May"]),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_rows_and_money_of_all_tables_are_accounted_for(tmp_path, kind: str) -> None:
    write, names = SOURCES[kind]
    ledger = read(write(tmp_path))
    account = ledger.account
    assert (account.rows_read, account.rows_used, account.rows_quarantined) == (86, 80, 6)
    assert (account.amount_read, account.amount_used, account.amount_quarantined) == (1610, 800, 810)
    assert ledger.rows["amount"].sum() == 800
    assert ledger.rows["source"].cast(pl.String).unique(maintain_order=True).to_list() == names
    assert ledger.quarantine.select("source", "row").rows() == [(name, row) for name in names for row in (42, 43, 44)]
    assert [(table.name, table.rows, table.set_aside, table.amount) for table in ledger.tables] == [
        (name, 43, 3, FORTY) for name in names
    ]


def test_each_table_is_described(sales) -> None:
    (about,) = sales("c;d;a;x\n1;31.12.2023;1,50;\n2;01.01.2024;2,50;y\n").tables
    assert (about.first_day, about.last_day, about.amount) == (dt.date(2023, 12, 31), dt.date(2024, 1, 1), 4)
    assert about.columns == ("c", "d", "a", "x")
    assert about.reading["delimiter"] == ";"
    assert about.evidence.keys() >= {"delimiter", "date", "decimal"}


def test_an_amount_that_rounds_badly_still_balances(sales) -> None:
    account = sales(HEADER + SOUND + "1,2024-01-02,0.1\n" * 100 + ",2024-01-02,0.2\n").account
    assert (account.amount_read, account.amount_used, account.amount_quarantined) == (410.2, 410, 0.2)


@pytest.mark.parametrize(
    ("name", "lose", "says"),
    [
        ("set_aside", lambda aside: aside.head(2), "44 rows were read, but 40 are used and 3 set aside"),
        ("set_aside", lambda aside: aside.with_columns(amount=0.0), "815.00 were read, but 400.00 are used and 10.00"),
        ("_without", lambda both: (both[0].tail(-1), both[1]), "44 rows were read, but 39 are used and 4 set aside"),
        ("_without", lambda both: (both[0], both[1].head(-1)), "44 rows were read, but 40 are used and 3 set aside"),
    ],
    ids=["a row set aside", "an amount set aside", "a row used", "a repeat"],
)
def test_a_row_or_an_amount_that_is_lost_ends_the_run(sales, monkeypatch, name: str, lose: Any, says: str) -> None:
    really = getattr(clean, name)
    monkeypatch.setattr(clean, name, lambda *arguments: lose(really(*arguments)))
    with pytest.raises(Unbalanced, match=says):
        sales(UNSOUND + "139,2024-01-02,10.00\n", drop_duplicates=True)


def test_a_ledger_without_rows_is_refused(sales) -> None:
    with pytest.raises(Refusal) as refusal:
        sales(HEADER + "\n,,\n")
    assert lines_of(refusal) == ("s.csv: the ledger has no rows. Export it again.",)


@pytest.mark.parametrize("content", ["Total,,400.00\n", HEADER, "Total,,400.00\n" + HEADER])
def test_a_ledger_of_totals_and_headers_alone_is_refused(sales, content: str) -> None:
    with pytest.raises(Refusal) as refusal:
        sales(HEADER + content)
    assert lines_of(refusal)[0].startswith("s.csv: ")


def test_a_ledger_without_usable_rows_is_refused_whatever_the_limit(sales) -> None:
    with pytest.raises(Refusal) as refusal:
        sales(HEADER + ",soon,3\n", quarantine_limit=1)
    *reasons, total = lines_of(refusal)
    assert [line.partition(" in row 2")[0] for line in reasons] == [
        "s.csv: no date that can be read",
        "s.csv: no customer",
    ]
    assert total.startswith("1 row of 1 (100%) can't be used, so nothing is left. Mend ")


def test_every_bad_file_of_a_folder_is_named(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("c,d\n1,2024-01-02\n")
    (tmp_path / "b.csv").write_text(HEADER + "1,01/02/2024,3\n")
    (tmp_path / "c.csv").write_text(HEADER + ROW)
    with pytest.raises(Refusal) as refusal:
        read(tmp_path)
    assert [line.split(":")[0] for line in lines_of(refusal)] == ["a.csv", "b.csv"]


def test_each_file_of_a_folder_is_read_in_its_own_way(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("c;d;a;x\n1.0;02.01.2024;3,5;9\n")
    (tmp_path / "b.csv").write_text("a,c,d\n1234.5,2.0,2024-01-02 10:00\n-1,3,2024-01-03\n")
    (tmp_path / "c.xlsx").write_bytes(workbook(Sales="d,c,a\n2024-01-02,3,1"))
    assert read(tmp_path).rows.select("customer", "date", "amount", "kind", "row").rows() == [
        ("1", dt.datetime(2024, 1, 2), 3.5, "sale", 2),
        ("2.0", dt.datetime(2024, 1, 2, 10), 1234.5, "sale", 2),
        ("3", dt.datetime(2024, 1, 3), -1.0, "return", 3),
        ("3", dt.datetime(2024, 1, 2), 1.0, "sale", 2),
    ]


def test_the_fingerprint_changes_with_any_byte_and_not_with_the_place(tmp_path) -> None:
    prints = {}
    for name, content in {"a": HEADER + ROW, "b": HEADER + ROW, "c": HEADER + ROW + "\n"}.items():
        file = tmp_path / f"{name}.csv"
        file.write_text(content)
        prints[name] = read(file).fingerprint
    assert prints["a"] == prints["b"]
    assert len({*prints.values(), read(tmp_path).fingerprint}) == 3


def test_progress_is_told(tmp_path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + ROW)
    told: list[str] = []
    read(tmp_path, progress=told.append)
    assert told[:2] == ["reading a.csv", "checking a.csv"]
