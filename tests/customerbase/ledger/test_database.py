"""One ledger in three databases: what is read, and that nothing is ever written or told that should not be."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from customerbase.errors import Refusal
from customerbase.ledger.database import _joined, _series, hand_on_password, read_database
from customerbase.ledger.raw import RawTable
from customerbase.parameters import LedgerSource, TableSource, without_password
from tests.postgresql import Server

COLUMNS = "customer TEXT, day DATE, amount DECIMAL(12, 2), pieces INTEGER, note TEXT"
SALES = [
    ("00123", "2024-01-02", "3.50", 1, "Петя, \"x\"; 'y'"),
    ("7", "2024-01-03", "-1234567.89", 2, None),
    (None, None, None, None, None),
    ("7", "2024-02-29", "0.10", None, "  "),
]
READ = {
    "customer": ["00123", "7", "7"],
    "day": ["2024-01-02", "2024-01-03", "2024-02-29"],
    "amount": [3.5, -1234567.89, 0.1],
    "pieces": [1, 2, None],
    "note": ["Петя, \"x\"; 'y'", None, None],
}
QUERY = "SELECT customer, day, amount, pieces, note FROM sales ORDER BY place"
SECRET = "p@ss w/rd"
SECRET_IN_URL = "p%40ss%20w%2Frd"


@pytest.fixture(scope="session")
def urls(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The URL of the same table in each database."""
    folder = tmp_path_factory.mktemp("databases")
    rows = [(place, *row) for place, row in enumerate(SALES)]
    create = f"CREATE TABLE sales (place INTEGER, {COLUMNS})"
    with sqlite3.connect(folder / "shop.db") as lite:
        lite.execute(create)
        lite.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?)", rows)
    lite.close()
    with duckdb.connect(str(folder / "shop.duckdb")) as duck:
        duck.execute(create)
        duck.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?)", rows)
    with server.connect() as connection:
        connection.execute(create)
        connection.cursor().executemany("INSERT INTO sales VALUES (%s, %s, %s, %s, %s, %s)", rows)
        connection.execute("CREATE SEQUENCE numbers")
    return {
        "sqlite": f"sqlite:///{folder / 'shop.db'}",
        "duckdb": f"duckdb:///{folder / 'shop.duckdb'}",
        "postgresql": server.url(),
    }


every_database = pytest.mark.parametrize("database", ["sqlite", "duckdb", "postgresql"])


def read(url: str, query: str = QUERY, **hints: Any) -> RawTable:
    return read_database(TableSource(path=url, query=query, **hints))


def problem(url: str, query: str = QUERY, **hints: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        read(url, query, **hints)
    (line,) = refusal.value.problems
    assert line.isprintable()
    assert len(line) < 1000
    return line


def values(query: str, url: str) -> list[Any]:
    found = read(url, query)
    assert found.rows.height == 1
    return list(found.rows.row(0))


# rows


@every_database
def test_the_same_table_gives_the_same_cells(urls, database):
    found = read(urls[database])
    assert found.rows.with_columns(pl.col("day").cast(pl.String)).to_dict(as_series=False) == READ
    assert found.rows["amount"].dtype == pl.Float64
    assert found.numbers.to_list() == [1, 2, 4]
    assert found.digest == read(urls[database], QUERY + ";").digest
    assert found.digest != read(urls[database], QUERY + " DESC").digest


def test_dates_are_dates_where_the_database_knows_them(urls):
    days = [dt.date(2024, 1, 2), dt.date(2024, 1, 3), dt.date(2024, 2, 29)]
    for database in ("duckdb", "postgresql"):
        assert read(urls[database]).rows["day"].to_list() == days


def test_what_postgresql_has_beside_numbers_and_text(urls):
    query = """SELECT 12345678901234567.89::numeric, 'NaN'::numeric, 9.99::float8, 2::bigint, true,
        '6b0cf9d6-1f49-4a79-9a1c-0f5b7a7f4b0f'::uuid, '{"a": [1, "я"]}'::jsonb, '\\x00ff'::bytea, ARRAY['x', 'y'],
        'infinity'::date, '2024-01-02 10:00'::timestamp, '4000-01-01 BC'::timestamp, ':x %s 100%' AS percent"""
    assert values(query, urls["postgresql"]) == [
        "12345678901234567.89",
        "NaN",
        9.99,
        2,
        True,
        "6b0cf9d6-1f49-4a79-9a1c-0f5b7a7f4b0f",
        '{"a": [1, "я"]}',
        "00ff",
        '["x", "y"]',
        "infinity",
        dt.datetime(2024, 1, 2, 10),
        "4000-01-01 00:00:00 BC",
        ":x %s 100%",
    ]


def test_what_duckdb_has_beside_numbers_and_text(urls):
    query = """SELECT 170141183460469231731687303715884105727::hugeint, 2::hugeint, 'a'::blob, [1, 2], {'a': 1},
        '6b0cf9d6-1f49-4a79-9a1c-0f5b7a7f4b0f'::uuid, time '01:02:03', 'x'::enum('x', 'y')"""
    assert values(query, urls["duckdb"]) == [
        "170141183460469231731687303715884105727",
        2,
        "61",
        "[1, 2]",
        '{"a": 1}',
        "6b0cf9d6-1f49-4a79-9a1c-0f5b7a7f4b0f",
        "01:02:03",
        "x",
    ]


def test_a_time_with_a_zone_keeps_its_clock(urls, server):
    at = "SELECT '2024-01-02 01:30+03'::timestamptz AS t, 1 AS x"
    moscow = server.url() + "?options=-c%20TimeZone%3DEurope/Moscow"
    found = read(moscow, at)
    assert found.rows["t"].to_list() == [dt.datetime(2024, 1, 2, 1, 30)]
    assert found.reading["time_zone"] == "Europe/Moscow"
    there = duckdb.execute("SELECT '2024-01-02 01:30+03'::timestamptz::timestamp").fetchall()
    assert read(urls["duckdb"], f"{at}, 'я;' AS y; -- by the; clock").rows.row(0) == (there[0][0], 1, "я;")


@pytest.mark.parametrize(
    ("first", "second", "read_as"),
    [
        ([1], [2.5], [1.0, 2.5]),
        ([1], [None], [1, None]),
        ([2**60], [0.5], ["1152921504606846976", "0.5"]),
        ([1], ["x"], ["1", "x"]),
        ([1.0, True], ["x"], ["1", "true", "x"]),
        ([Decimal("1.50")], [Decimal("12345678901234567.89")], ["1.5", "12345678901234567.89"]),
        ([dt.datetime(2024, 1, 2, 3)], ["x"], ["2024-01-02 03:00:00", "x"]),
        ([dt.date(2024, 1, 2)], [None, "x"], ["2024-01-02", None, "x"]),
        ([2**70], [1], [str(2**70), "1"]),
        ([None], [None], [None, None]),
    ],
)
def test_a_column_whose_type_changes_far_down_loses_nothing(first, second, read_as):
    assert _joined([_series(first, set()), _series(second, set())]).to_list() == read_as


@every_database
def test_many_rows_come_in_batches(urls, database, monkeypatch):
    monkeypatch.setattr("customerbase.ledger.database.BATCH", 2)
    assert read(urls[database]).rows["customer"].to_list() == READ["customer"]


def test_text_of_another_encoding_is_read_as_the_hint_says(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as lite:
        lite.execute("CREATE TABLE sales AS SELECT CAST(x'cfe5f2ff' AS TEXT) AS customer")
    lite.close()
    url, query = f"sqlite:///{tmp_path}/shop.db", "SELECT * FROM sales"
    assert read(url, query, encoding="cp1251").rows["customer"].to_list() == ["Петя"]
    assert problem(url, query).endswith("a text is not valid UTF-8. Set ledger.encoding, for example to cp1251.")
    assert problem(url, query, encoding="ascii").endswith("a text is not valid ascii. Mend ledger.encoding.")


@every_database
def test_names_of_columns_must_differ_only_where_they_are_asked_for(urls, database):
    query = "SELECT 1 AS c, 2 AS d, 3 AS a, 4 AS x, 5 AS x"
    assert read(urls[database], query).rows.columns == ["c", "d", "a", "x (4)", "x (5)"]
    columns = {"customer": "c", "date": "d", "amount": "x"}
    with pytest.raises(Refusal, match="two columns are called 'x'"):
        read_database(LedgerSource(path=urls[database], query=query, columns=columns))  # type: ignore[arg-type]


# nothing is written


@every_database
@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO sales (customer) VALUES ('x')",
        "UPDATE sales SET amount = 0",
        "-- tidy up\n/* all */ DROP TABLE sales",
        "SELECT 1; DROP TABLE sales",
        "WITH x AS (SELECT 1) DELETE FROM sales",
        "ATTACH 'new.db' AS x",
        "",
        ";",
    ],
)
def test_a_query_that_is_no_single_select_is_refused_and_changes_nothing(urls, database, query):
    if not query:
        query = " "
    line = problem(urls[database], query)
    assert "one SELECT" in line
    assert read(urls[database]).rows.height == 3


@pytest.mark.parametrize(
    ("database", "query", "says"),
    [
        ("sqlite", "WITH x AS (SELECT 1) UPDATE sales SET amount = 0", "readonly database"),
        ("duckdb", "WITH x AS (SELECT 1) UPDATE sales SET amount = 0", "read-only"),
        ("postgresql", "SELECT nextval('numbers')", "read-only transaction"),
        ("postgresql", "WITH x AS (DELETE FROM sales RETURNING *) SELECT * FROM x", "data-modifying"),
    ],
)
def test_the_database_itself_is_open_for_reading_only(urls, database, query, says):
    line = problem(urls[database], query)
    assert f"the query would change the database: {line.partition('database: ')[2]}" in line
    assert says in line
    assert line.endswith("The database is only read, never changed. Write ledger.query as one SELECT.")


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
@pytest.mark.parametrize("file", ["shop.db", "no/where.db", ""])
def test_a_missing_file_is_refused_and_not_created(tmp_path, kind, file):
    line = problem(f"{kind}:///{tmp_path}/{file}")
    assert "there is no such file. Mend the path; a relative one starts at the project's folder" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_relative_path_starts_at_the_projects_folder(urls, kind, monkeypatch):
    file = Path(urls[kind].partition(":///")[2])
    monkeypatch.setattr("customerbase.ledger.database.ROOT", file.parent)
    found = read(f"{kind}:///{file.name}")
    assert (found.name, found.rows.height) == (f"{kind}:///{file.name}", 3)


# what can't be read


@every_database
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT * FROM nothing", "nothing"),
        ("SELECT nothing FROM sales", "nothing"),
        ("SELECT * FRM sales", "syntax error"),
        ("SELECT * FROM sales WHERE place > 99", "the query's answer has no rows"),
    ],
)
def test_a_query_that_fails_is_refused_in_one_line(urls, database, query, says):
    line = problem(urls[database], query)
    assert says in line
    assert "Mend ledger.query" in line


def test_a_query_that_takes_too_long_is_refused(server):
    line = problem(server.url() + "?options=-c%20statement_timeout%3D50", "SELECT pg_sleep(5)")
    assert "the query takes too long: canceling statement due to statement timeout. Let ledger.query ask" in line


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_is_no_database_is_refused(tmp_path, kind):
    (tmp_path / "shop.db").write_bytes(b"c,d,a\n1,2024-01-02,3.5\n" * 500)
    assert "can't be opened: " in problem(f"{kind}:///{tmp_path}/shop.db")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://user@host/shop", "its driver, the package mysqlclient, is not installed. Install it with: pip"),
        ("mssql+pyodbc://user@host/shop", "the package pyodbc, is not installed"),
        ("snowflake://user@host/shop", "no driver is known for such a database. Install the package"),
        ("http://host/shop", "no driver is known"),
        ("sqlite+aiosqlite:///x.db", "there is no such file"),
        ("sqlite://", "names no database's file"),
        ("duckdb:///:memory:", "names no database's file"),
        ("postgresql://user@host:port/shop", "the database's URL can't be read. Write it like sqlite:///data/shop.db"),
        ("://", "the database's URL can't be read"),
    ],
)
def test_a_url_that_names_no_database_here_is_refused(url, says):
    assert says in problem(url)


# passwords


def test_a_password_is_never_told(server, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    right = read(server.url())
    told = f"{right.name} {right.digest} {dict(right.reading)} {dict(right.evidence)}"
    assert server.password not in told
    assert right.name == f"postgresql://{server.user}@{server.host}:{server.port}/postgres"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://owner:{secret}@127.0.0.1:{port}/postgres", "password authentication failed"),
        ("postgres://owner@127.0.0.1:{port}/postgres?password={secret}", "password authentication failed"),
        ("postgresql://owner:{secret}@127.0.0.1:1/postgres", "refused"),
        ("postgresql://owner:{secret}@no-such-host.invalid/postgres", "resolve"),
        ("postgresql://owner:{secret}@127.0.0.1:{port}/postgres?no_such_option=1", "no_such_option"),
        ("mysql://owner:{secret}@127.0.0.1/shop", "mysqlclient"),
        ("nothing://owner:{secret}@127.0.0.1/shop", "no driver"),
        ("postgresql://owner:{raw}@127.0.0.1:{port}/postgres", "%40"),
        ("postgresql://owner:{secret}@127.0.0.1:port/postgres", "URL can't be read"),
    ],
)
def test_no_message_holds_the_password(server, url, says):
    line = problem(url.format(secret=SECRET_IN_URL, raw=SECRET, port=server.port))
    assert says in line
    for part in (SECRET, SECRET_IN_URL, "ss w/rd", "ss%20w"):
        assert part not in line


def test_the_password_may_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", server.password)
    url = f"postgresql://{server.user}@{server.host}:{server.port}/postgres"
    assert read(url, "SELECT 1 AS x").rows["x"].to_list() == [1]
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    assert "no password supplied. Check the address, that the server runs, and the user and password" in problem(url)


def test_a_chapter_of_a_run_opens_the_database_without_being_told_the_password(server, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    told_to_chapters = without_password(server.url())
    assert server.password not in told_to_chapters
    assert "password" in problem(told_to_chapters, "SELECT 1 AS x")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    hand_on_password(server.url())
    assert read(told_to_chapters, "SELECT 1 AS x").rows["x"].to_list() == [1]
