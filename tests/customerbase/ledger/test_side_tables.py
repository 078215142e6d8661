"""The tables beside the ledger: one row a customer, events, spending; bad rows are set aside as the ledger's are."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from customerbase.errors import Refusal
from customerbase.ledger.quarantine import SCHEMA
from customerbase.ledger.side_tables import SideRows, read_customers, read_events, read_spending
from customerbase.parameters import CustomersTable, EventsTable, SpendingTable

KINDS: dict[str, tuple[Any, Any]] = {
    "customers": (CustomersTable, read_customers),
    "events": (EventsTable, read_events),
    "spending": (SpendingTable, read_spending),
    "offers": (EventsTable, read_events),
}
DAY = dt.date(2024, 1, 2)


@pytest.fixture
def beside(tmp_path: Path):
    """Read a table whose columns have the contract's names in capitals."""

    def read(kind: str, content: str | bytes, name: str = "t.csv", **options: Any) -> SideRows:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        hints = options.pop("hints", {})
        header = (content if isinstance(content, str) else content.decode()).split("\n")[0]
        columns = options.pop("columns", {part.lower(): part for part in header.replace(";", ",").split(",")})
        table, read_table = KINDS[kind]
        return read_table(table.model_validate({"path": str(path), "columns": columns} | hints), **options)

    return read


SOUND = {
    "customers": ("CUSTOMER,NAME\n", "{at},x\n"),
    "events": ("CUSTOMER,DATE,KIND,SCORE\n", "{at},2024-01-02,complaint,5\n"),
    "spending": ("DATE,PURPOSE,AMOUNT\n", "2024-01-02,winning,{at}\n"),
    "offers": ("CUSTOMER,DATE,KIND,UNTIL\n", "{at},2024-01-02,campaign,2024-01-31\n"),
}
SECTIONS = ("customers", "events", "spending")


def sound(kind: str, rows: int = 20) -> str:
    header, line = SOUND[kind]
    return header + "".join(line.format(at=at) for at in range(1, rows + 1))


# customers


def test_keys_are_as_written_and_the_rest_is_text_without_outer_spaces(beside) -> None:
    content = "CUSTOMER,NAME,PHONE,BIRTH_DATE,OWN\n00123, Anna ,0012,1980-01-02,\n 7,,+7 1,soon,1.0\n"
    found = beside("customers", content)
    assert found.rows.columns == ["customer", "name", "phone", "birth_date", "own"]
    assert found.rows.rows() == [("00123", "Anna", "0012", "1980-01-02", None), (" 7", None, "+7 1", "soon", "1.0")]
    assert found.quarantine.is_empty() and found.notes == ()


def test_a_table_of_keys_alone_is_read(beside) -> None:
    assert beside("customers", "CUSTOMER,X\n1,x\n2,y\n1,z\n", columns={"customer": "CUSTOMER"}).rows.rows() == [
        ("1",),
        ("2",),
    ]


def test_rows_of_one_key_are_taken_together_and_the_first_value_counts(beside) -> None:
    content = "CUSTOMER,NAME,PHONE,CONSENT\n1,,5,\n2,Olga,6,yes\n1,Anna,7,no\n1,Alla,8,yes\n"
    found = beside("customers", content)
    assert found.rows.rows() == [("1", "Anna", "5", "no"), ("2", "Olga", "6", "yes")]
    assert found.notes == ("2 records of the customers' table repeat a key above, and are taken as one with it.",)
    assert found.tables[0].rows == 4
    assert found.quarantine.is_empty()


def test_a_spreadsheets_point_is_taken_off_the_keys_as_in_the_ledger(beside) -> None:
    found = beside("customers", "CUSTOMER,NAME\n123.0,x\n7.0,y\n")
    assert found.rows["customer"].to_list() == ["123", "7"]
    assert "customer" in found.tables[0].evidence


def test_words_for_consent_are_known_and_what_is_no_yes_is_a_no(beside) -> None:
    yes = ["yes", " YES ", "Y", "true", "1", "да", "Да", "Д", "ja", "Oui", "si", "Sí", "agreed", "Opt-in"]
    no = ["no", "No", "n", "FALSE", "0", "нет", "НЕТ", "н", "Nein", "non", "refused", "opt-out"]
    neither, nothing = ["maybe", "yes, but", "2", "withdrawn in May", "yes?"], ["", " ", "-", "n/a", "?"]
    content = "CUSTOMER,CONSENT\n" + "".join(f'{at},"{word}"\n' for at, word in enumerate(yes + no + nothing + neither))
    found = beside("customers", content)
    refused = [None] * len(nothing) + ["no"] * len(neither)
    assert found.rows["consent"].to_list() == ["yes"] * len(yes) + ["no"] * len(no) + refused
    assert found.rows.columns == ["customer", "consent"]
    assert found.quarantine.is_empty()
    assert found.notes == (
        "5 answers on consent can't be read, being neither yes nor no (t.csv row 33, t.csv row 34, t.csv row 35 and "
        "2 more): they count as no, since nobody is contacted on a guess. Write yes or no there, and nothing where "
        "nobody was asked.",
    )


def test_a_header_repeated_is_no_answer_on_consent(beside) -> None:
    found = beside("customers", "CUSTOMER,CONSENT\n1,no!\nCUSTOMER,CONSENT\n2,Ja\n,perhaps\n", limit=0.5)
    assert found.rows.rows() == [("1", "no"), ("2", "yes")]
    assert found.notes == ()


def test_consent_is_read_alike_from_every_file_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,ok\n1,+\n2,-\n")
    (tmp_path / "b.csv").write_text("id,ok\n1,perhaps\n3,1\n4,-\n")
    found = read_customers(CustomersTable(path=str(tmp_path), columns={"customer": "id", "consent": "ok"}))
    assert found.rows.rows() == [("1", "no"), ("2", "no"), ("3", "yes"), ("4", None)]
    assert "neither yes nor no (b.csv row 2): it counts as no" in found.notes[-1]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2024-01-02", DAY),
        ("02.01.2024", DAY),
        ("2024-01-02 10:30", DAY),
        ("soon", None),
        ("", None),
        ("2024-02-30", None),
        ("1899-12-31", None),
    ],
)
def test_a_record_is_kept_whatever_the_day_it_was_touched(beside, written: str, read_as: dt.date | None) -> None:
    found = beside("customers", f"CUSTOMER,UPDATED\n1,{written}\n2,13.01.2024\n", limit=0)
    assert found.rows["updated"].to_list() == [read_as, dt.date(2024, 1, 13)]
    assert found.rows["updated"].dtype == pl.Date
    assert found.quarantine.is_empty()


# events and spending


def test_events_are_read(beside) -> None:
    content = (
        "CUSTOMER;DATE;KIND;REASON;SCORE\n1;02.01.2024 10:00;survey; slow ;7,5\n1;02.01.2024;refusal;;\n"
        "1;02.01.2024;refusal;;\n"
    )
    found = beside("events", content)
    assert found.rows.select("customer", "date", "kind", "reason", "score").rows() == [
        ("1", DAY, "survey", "slow", 7.5),
        ("1", DAY, "refusal", None, None),
        ("1", DAY, "refusal", None, None),
    ]


def test_an_event_may_last_until_a_day_and_need_not(beside) -> None:
    content = (
        "CUSTOMER;DATE;KIND;REASON;UNTIL\n1;13.01.2024;Campaign;18;20.02.2024\n2;13.01.2024;Einlösung;18;\n"
        "3;13.01.2024;кампания;18;13.01.2024 23:59\n"
    )
    found = beside("events", content)
    assert found.rows["until"].dtype == pl.Date
    assert found.rows.select("customer", "kind", "until").rows() == [
        ("1", "campaign", dt.date(2024, 2, 20)),
        ("2", "redemption", None),
        ("3", "campaign", dt.date(2024, 1, 13)),
    ]


def test_spending_is_read(beside) -> None:
    found = beside(
        "spending", "DATE;PURPOSE;AMOUNT;CHANNEL\n02.01.2024;winning;1 234,50;fair\n02.01.2024;keeping;-1;\n"
    )
    assert found.rows.select("date", "purpose", "amount", "channel").rows() == [
        (DAY, "acquisition", 1234.5, "fair"),
        (DAY, "retention", -1, None),
    ]
    assert found.notes == ()


def test_words_of_other_languages_are_understood_and_unknown_ones_kept(beside) -> None:
    events = beside("events", "CUSTOMER,DATE,KIND\n1,2024-01-13,Жалоба\n1,2024-01-13,Anruf\n1,2024-01-13,a wedding\n")
    assert events.rows["kind"].to_list() == ["complaint", "contact", "a wedding"]
    assert events.notes == (
        "1 word for a kind means none of complaint, refusal, survey, contact, return, campaign, redemption or exit; "
        "kept as written.",
    )
    spending = beside(
        "spending", "DATE,PURPOSE,AMOUNT\n2024-01-13,Привлечение,1\n2024-01-13,fun,2\n2024-01-13,rent,2\n"
    )
    assert spending.rows["purpose"].to_list() == ["acquisition", "fun", "rent"]
    assert spending.notes == ("2 words for a purpose mean none of acquisition or retention; kept as written.",)


@pytest.mark.parametrize("kind", ["events", "spending"])
def test_days_that_have_two_readings_are_refused_until_the_tables_own_parameter_settles_them(beside, kind: str) -> None:
    content = sound(kind).replace("2024-01-02", "01/02/2024")
    with pytest.raises(Refusal) as refusal:
        beside(kind, content)
    (line,) = refusal.value.problems
    assert line.startswith("t.csv: '01/02/2024' reads as %d/%m/%Y ")
    assert f"Set {kind}.date_format to one of them." in line
    rows = beside(kind, content, hints={"date_format": "%m/%d/%Y"}).rows
    assert rows["date"].unique().to_list() == [DAY]


# rows set aside


BAD = {
    "customer without a key": ("customers", ",Anna", "no customer in 'CUSTOMER'"),
    "customer of a failed lookup": ("customers", "#N/A,Anna", "no customer in 'CUSTOMER'"),
    "customer of three fields": ("customers", "1,Anna,x", "3 fields"),
    "event of nobody": ("events", ",2024-01-02,complaint,5", "no customer in 'CUSTOMER'"),
    "event at no time": ("events", "1,,complaint,5", "no date that can be read in 'DATE'"),
    "event of no kind": ("events", "1,2024-01-02, ,5", "no kind of event in 'KIND'"),
    "event with a score in words": ("events", "1,2024-01-02,survey,five", "no number that can be read in 'SCORE'"),
    "event of nothing": (
        "events",
        ",soon,,x",
        "no date that can be read in 'DATE'; no number that can be read in 'SCORE'; no customer in 'CUSTOMER'; "
        "no kind of event in 'KIND'",
    ),
    "event of one field": ("events", "1", "1 field "),
    "event that ends in words": ("offers", "1,2024-01-02,campaign,soon", "no date that can be read in 'UNTIL'"),
    "event that ends first": ("offers", "1,2024-01-02,campaign,2024-01-01", "ends before it begins in 'UNTIL'"),
    "spending at no time": ("spending", "soon,winning,5", "no date that can be read in 'DATE'"),
    "spending on nothing": ("spending", "2024-01-02,,5", "no purpose in 'PURPOSE'"),
    "spending of nothing": ("spending", "2024-01-02,winning,", "no number that can be read in 'AMOUNT'"),
    "spending in words": ("spending", "2024-01-02,winning,five", "no number that can be read in 'AMOUNT'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_set_aside_with_its_reasons_and_its_cells(beside, name: str) -> None:
    kind, line, reason = BAD[name]
    found = beside(kind, f"{sound(kind)}{line}\n")
    assert found.rows.height == 20
    assert dict(found.quarantine.schema) == SCHEMA
    ((row, source, said, amount, as_read),) = found.quarantine.rows()
    assert (row, source, amount) == (22, "t.csv", None)
    assert reason in said if "field" in reason else said == reason
    if "field" not in reason:
        names = SOUND[kind][0].strip().split(",")
        cells = zip(names, line.split(","), strict=True)
        assert json.loads(as_read) == {column: cell.strip() or None for column, cell in cells}
    (about,) = found.tables
    assert (about.rows, about.set_aside, about.first_day, about.amount) == (21, 1, None, 0)


@pytest.mark.parametrize("name", BAD)
def test_more_than_the_limit_is_refused(beside, name: str) -> None:
    kind, line, _ = BAD[name]
    content = f"{sound(kind, 18)}{line}\n"
    with pytest.raises(Refusal) as refusal:
        beside(kind, content)
    *reasons, total = refusal.value.problems
    assert 1 <= len(reasons) <= 3
    assert all(said.startswith("t.csv: ") and "row 20" in said for said in reasons)
    assert total == "1 row of 19 (5%) can't be used, and quarantine_limit lets 5% be set aside."
    assert beside(kind, content, limit=0.1).quarantine.height == 1


@pytest.mark.parametrize("kind", SECTIONS)
def test_headers_repeated_on_each_page_are_no_loss(beside, kind: str) -> None:
    found = beside(kind, sound(kind, 5) * 2, limit=0)
    assert found.quarantine.select("row", "reason").rows() == [(7, "repeats the header")]


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_missing_column_is_named_with_its_parameter(beside, kind: str) -> None:
    name = SOUND[kind][0].split(",")[0]
    content = sound(kind).replace(name, "OTHER")
    columns = {part.lower(): part for part in SOUND[kind][0].strip().split(",")}
    with pytest.raises(Refusal) as refusal:
        beside(kind, content, columns=columns)
    (line,) = refusal.value.problems
    assert line.startswith(f"t.csv: there is no column '{name}' ({kind}.columns.{name.lower()}). The file has: 'OTHER'")
    assert f"Mend {kind}.columns, or set {kind}.header_row or {kind}.delimiter." in line


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_table_without_rows_is_read(beside, kind: str) -> None:
    found = beside(kind, SOUND[kind][0])
    assert (found.rows.height, found.quarantine.height, found.tables[0].rows) == (0, 0, 0)
    assert set(found.rows.columns) == set(SOUND[kind][0].strip().lower().split(","))


# where they are read from


@pytest.mark.parametrize("kind", SECTIONS)
def test_files_of_a_folder_are_one_table(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.csv").write_text(sound(kind, 2))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(sound(kind, 3).replace(",", ";").encode()))
    table, read_table = KINDS[kind]
    columns = {part.lower(): part for part in SOUND[kind][0].strip().split(",")}
    told: list[str] = []
    found = read_table(table.model_validate({"path": str(tmp_path), "columns": columns}), progress=told.append)
    assert found.rows.height == (3 if kind == "customers" else 5)
    assert [(about.name, about.rows) for about in found.tables] == [("a.csv", 2), ("b.csv.gz", 3)]
    assert told == ["reading a.csv", "reading b.csv.gz"]


def test_the_fingerprint_is_that_of_the_content(beside) -> None:
    prints = [
        beside("spending", content, name).fingerprint
        for content, name in (
            (sound("spending"), "a.csv"),
            (sound("spending"), "b.csv"),
            (sound("spending", 3), "a.csv"),
        )
    ]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_missing_file_is_refused_under_its_own_parameter(tmp_path: Path, kind: str) -> None:
    table, read_table = KINDS[kind]
    columns = {part.lower(): part for part in SOUND[kind][0].strip().split(",")}
    with pytest.raises(Refusal, match=rf"^{kind}\.path: there is no "):
        read_table(table.model_validate({"path": str(tmp_path / "t.csv"), "columns": columns}))


def test_a_reader_names_the_section_whose_table_it_reads(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(b"id\n" + "Ж\n".encode("cp1251") * 3)
    with pytest.raises(Refusal) as refusal:
        read_customers(CustomersTable(path=str(tmp_path / "c.csv"), columns={"customer": "id"}, encoding="utf-8"))
    assert "customers.encoding" in str(refusal.value)
    assert "ledger." not in str(refusal.value)


def test_of_several_records_a_no_and_the_latest_touch_count(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "id,ok,at\n1,yes,2020-01-05\n1,no,2024-02-13\n2,yes,2021-01-01\n2,,\n3,yes,\n3,unsubscribed,\n"
    )
    columns = {"customer": "id", "consent": "ok", "updated": "at"}
    found = read_customers(CustomersTable(path=str(tmp_path / "c.csv"), columns=columns))
    assert found.rows.select("customer", "consent").rows() == [("1", "no"), ("2", "yes"), ("3", "no")]
    assert found.rows["updated"].to_list() == [dt.date(2024, 2, 13), dt.date(2021, 1, 1), None]
    assert found.notes == ("3 records of the customers' table repeat a key above, and are taken as one with it.",)


@pytest.mark.parametrize("empty", ["-", "–", "?", "n/a", "", "н/д"])
def test_a_day_or_a_score_that_is_not_there_takes_no_row_away(tmp_path: Path, empty: str) -> None:
    (tmp_path / "customers.csv").write_text(f"id,joined,left\na,2024-01-01,{empty}\nb,2024-01-02,2024-06-03\n")
    columns = {"customer": "id", "joined": "joined", "left": "left"}
    read = read_customers(CustomersTable(path=str(tmp_path / "customers.csv"), columns=columns))
    assert read.quarantine.is_empty()
    assert read.rows.sort("customer")["left"].to_list() == [None, dt.date(2024, 6, 3)]
    (tmp_path / "events.csv").write_text(
        f"id,date,kind,score,until\na,2024-01-13,survey,{empty},{empty}\na,2024-01-14,survey,7,2024-02-14\n"
    )
    columns = {name: name for name in ("date", "kind", "score", "until")} | {"customer": "id"}
    events = read_events(EventsTable(path=str(tmp_path / "events.csv"), columns=columns))
    assert events.quarantine.is_empty()
    assert events.rows["score"].to_list() == [None, 7.0]
    assert events.rows["until"].to_list() == [None, dt.date(2024, 2, 14)]
