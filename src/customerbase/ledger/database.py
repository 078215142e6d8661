"""Reading the answer of a query to a database, which is only ever read."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import duckdb
import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

from ..errors import Refusal
from ..parameters import HIDDEN_PASSWORD, TableSource, without_password
from ..project import ROOT
from .header import column_names
from .numbers import as_text
from .raw import RawTable, raw_table

BATCH = 50_000  # rows
CONNECT_TIMEOUT = 10  # seconds
LONGEST_SENTENCE = 300
LARGEST_EXACT = 2**53  # whole numbers beyond have gaps as floats
SURE_DIGITS = 15
LARGEST_INTEGER = 2**63 - 1
FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*(\w*)", re.DOTALL)
READING_WORDS = {"select", "with", "values", "table", "from"}
# from the module that SQLAlchemy looks for to the package that has it
PACKAGES = {"MySQLdb": "mysqlclient", "pymssql": "pymssql", "pysqlcipher3": "pysqlcipher3"}
URL_REMEDY = (
    "Write it like sqlite:///data/shop.db, duckdb:///data/shop.duckdb or postgresql://user@host:5432/shop, "
    "and signs such as @ and / in a password as %40 and %2F."
)
# nothing is fetched from the network
DUCKDB_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
QUERY_REMEDY = "Mend ledger.query; it must be one SELECT."
READ_ONLY = "The database is only read, never changed. Write ledger.query as one SELECT."
TIMEOUT_REMEDY = "Let ledger.query ask for less, or have the database's time limit raised."


@dataclass(frozen=True)
class _Answer:
    """The columns of a query's answer, and its rows in batches."""

    columns: Sequence[str]
    batches: Iterator[Sequence[Sequence[Any]]]


def read_database(source: TableSource) -> RawTable:
    """Read the rows that a query asks a database for.

    Numbers, dates and booleans stay typed where a column holds nothing else. Exact decimals become floats where
    every one is the shortest text of its float, and stay text otherwise. Times with a zone are read by the clock they
    are given in. Bytes are text in hexadecimal digits, lists and objects are JSON.

    Parameters
    ----------
    source : TableSource
        `path` is a URL: ``sqlite:///data/shop.db`` and ``duckdb:///data/shop.duckdb`` start at the project's folder,
        with a fourth slash at the file system's root; ``postgresql://user@host:5432/shop``; or that of any database
        whose SQLAlchemy driver is installed. `query` is one SELECT; with ``ORDER BY`` row numbers keep their meaning
        from one reading to the next. `encoding` is that of an SQLite file's text, UTF-8 where absent.

    Returns
    -------
    RawTable
        Named by the URL without password. Row 1 is the first of the query's answer. The digest is over the rows.

    Raises
    ------
    Refusal
        When the database can't be opened, when the query fails, would change something, or has no rows, or when two
        of the columns asked for have one name. No message holds a password.
    """
    url = _url(source.path)
    name = _name(url)
    query = source.query or ""
    word = FIRST_WORD.match(query)
    if word is None or word[1].lower() not in READING_WORDS:
        raise Refusal(f"{name}: the query is no SELECT. {READ_ONLY}")
    answering = _answer_of_duckdb if url.get_backend_name() == "duckdb" else _answer_of_sqlalchemy
    wanted = set(getattr(source, "columns", {}).values())
    zones: set[str] = set()
    with answering(url, query, name, source.encoding) as answer:
        names = column_names(answer.columns, wanted, name)
        parts = [[_series(values, zones) for values in zip(*batch, strict=True)] for batch in answer.batches]
    if not parts:
        raise Refusal(f"{name}: the query's answer has no rows. Mend ledger.query.")
    rows = pl.DataFrame([_joined(column).alias(names[at]) for at, column in enumerate(zip(*parts, strict=True))])
    table = raw_table(name, rows, 1, "")
    reading = {"query": query}
    evidence = {"query": "Row 1 is the first row of the query's answer."}
    if zones:
        reading["time_zone"] = ", ".join(sorted(zones))
        evidence["time_zone"] = "Times with a zone are read by the clock that the database gives them in."
    return replace(table, digest=_digest(table.rows), reading=reading, evidence=evidence)


def _url(path: str) -> sa.URL:
    try:
        url = sa.make_url(path)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    # what stands before a second @ is the rest of a password
    is_torn = path.partition("?")[0].count("@") > 1
    if url is None or (is_torn and url.get_backend_name() not in ("sqlite", "duckdb")):
        raise Refusal(f"ledger.path: the database's URL can't be read. {URL_REMEDY}")
    if url.password == HIDDEN_PASSWORD:
        url = url.set(password=os.environ.get(_variable(path)))
    if url.get_backend_name() in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def hand_on_password(path: str) -> None:
    """Let processes started from here know a URL's password, which no notebook or file of a run holds."""
    if path != (shown := without_password(path)):
        os.environ[_variable(shown)] = str(_url(path).password or "")


def _variable(shown: str) -> str:
    return f"CUSTOMERBASE_PASSWORD_{hashlib.sha256(shown.encode()).hexdigest()[:16].upper()}"


def _name(url: sa.URL) -> str:
    shown = sa.URL.create(
        url.get_backend_name(), username=url.username, host=url.host, port=url.port, database=url.database
    )
    return _printable(shown.render_as_string())


@contextmanager
def _answer_of_duckdb(url: sa.URL, query: str, name: str, encoding: str | None) -> Iterator[_Answer]:
    file = _file(url, name)
    try:
        connection = duckdb.connect(str(file), read_only=True, config=DUCKDB_SETTINGS)
    except duckdb.Error as reason:
        raise _unopened(url, name, reason) from None
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1:
            raise Refusal(f"{name}: the query is more than one statement. {READ_ONLY}")
        cursor = connection.execute(query)
        columns = [column[0] for column in cursor.description or ()]
        zoned = [at for at, column in enumerate(cursor.description or ()) if column[1] == duckdb.sqltypes.TIMESTAMP_TZ]
        if zoned:
            cursor = connection.execute(_on_the_clock(statements[0].query, len(columns), zoned))
        yield _Answer(columns, iter(lambda: cursor.fetchmany(BATCH), []))
    except duckdb.Error as reason:
        raise _failed(url, name, reason) from None
    finally:
        connection.close()


def _on_the_clock(query: str, width: int, zoned: Sequence[int]) -> str:
    """Let a query give times without the zone: DuckDB gives Python none with it unless pytz is there."""
    columns = [f"c{at}" for at in range(width)]
    shown = ", ".join(f"CAST({column} AS TIMESTAMP)" if at in zoned else column for at, column in enumerate(columns))
    end = next((at for at, _ in duckdb.tokenize(query) if query[at] == ";"), None)
    return f"SELECT {shown} FROM (\n{query[:end]}\n) AS answer({', '.join(columns)})"  # noqa: S608


@contextmanager
def _answer_of_sqlalchemy(url: sa.URL, query: str, name: str, encoding: str | None) -> Iterator[_Answer]:
    engine = _engine(url, name, encoding)
    try:
        try:
            connection = engine.connect()
        except (sa.exc.SQLAlchemyError, TypeError, ValueError, UnicodeError) as reason:
            raise _unopened(url, name, reason) from None
        with connection:
            # a percent sign in the query is one
            options: dict[str, Any] = {"stream_results": True, "max_row_buffer": BATCH, "no_parameters": True}
            if engine.dialect.name == "postgresql":
                options["postgresql_readonly"] = True
            result = connection.execution_options(**options).exec_driver_sql(query)
            if not result.returns_rows or result.cursor is None:
                raise Refusal(f"{name}: the query returns no rows. {READ_ONLY}")
            columns = [str(column[0]) for column in result.cursor.description]
            yield _Answer(columns, result.partitions(BATCH))
    except UnicodeDecodeError as reason:
        raise Refusal(f"{name}: a text is not valid {reason.encoding}. Mend ledger.encoding.") from None
    except (sa.exc.SQLAlchemyError, psycopg.Error, sqlite3.Error) as reason:
        raise _failed(url, name, reason) from None
    finally:
        engine.dispose()


def _engine(url: sa.URL, name: str, encoding: str | None) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        file = _file(url, name)
        return sa.create_engine("sqlite://", creator=lambda: _open_sqlite(file, encoding), poolclass=sa.NullPool)
    try:
        if url.get_dialect().is_async:
            raise Refusal(f"{name}: '{_printable(url.drivername)}' is an asynchronous driver. Name another.")
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_connect_arguments(url))
    except sa.exc.NoSuchModuleError:
        remedy = f"Install the package that teaches SQLAlchemy '{_printable(url.drivername)}', or export the table."
        raise Refusal(f"{name}: no driver is known for such a database. {remedy}") from None
    except ModuleNotFoundError as reason:
        package = PACKAGES.get(reason.name or "", reason.name)
        remedy = f"Install it with: pip install {package}"
        raise Refusal(f"{name}: its driver, the package {package}, is not installed. {remedy}") from None
    except (sa.exc.SQLAlchemyError, TypeError, ValueError) as reason:
        raise _unopened(url, name, reason) from None
    if backend == "postgresql":
        sa.event.listen(engine, "connect", _keep_dates_out_of_range)
    return engine


def _connect_arguments(url: sa.URL) -> dict[str, Any]:
    is_set = "connect_timeout" in url.query
    return {"connect_timeout": CONNECT_TIMEOUT} if url.get_backend_name() == "postgresql" and not is_set else {}


def _open_sqlite(file: Path, encoding: str | None) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)
    if encoding is not None:
        connection.text_factory = lambda text: text.decode(encoding)
    # the file is not looked at before the first question
    connection.execute("PRAGMA schema_version")
    return connection


def _file(url: sa.URL, name: str) -> Path:
    """Return a database's file; one that isn't there would be created."""
    if url.host or not url.database or url.database == ":memory:":
        raise Refusal(f"{name}: names no database's file. {URL_REMEDY}")
    file = ROOT / url.database
    try:
        is_file = file.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        remedy = f"Mend the path; a relative one starts at the project's folder, {ROOT}."
        raise Refusal(f"{name}: there is no such file. {remedy}")
    return file


class _DateOrText(DateLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _TimestampOrText(TimestampLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _TimestamptzOrText(TimestamptzLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


def _or_text(load: Callable[[Any], Any], data: Any) -> Any:
    try:
        return load(data)
    except psycopg.DataError:
        # PostgreSQL knows the date infinity and years that Python doesn't
        return bytes(data).decode()


def _keep_dates_out_of_range(connection: Any, _: Any) -> None:
    for kind, loader in (("date", _DateOrText), ("timestamp", _TimestampOrText), ("timestamptz", _TimestamptzOrText)):
        connection.adapters.register_loader(kind, loader)


def _unopened(url: sa.URL, name: str, reason: BaseException) -> Refusal:
    if url.host is None and url.get_backend_name() in ("sqlite", "duckdb"):
        remedy = "Mend the path if it is no database of this kind, or close it where it is open."
    else:
        remedy = "Check the address, that the server runs, and the user and password (PGPASSWORD or ~/.pgpass)."
    return Refusal(f"{name}: can't be opened: {_first_line(reason, url)}. {remedy}")


def _failed(url: sa.URL, name: str, reason: BaseException) -> Refusal:
    problem = _first_line(reason, url)
    told = problem.lower()
    if told.startswith("could not decode to utf-8"):
        # the rest of the message is the text itself
        return Refusal(f"{name}: a text is not valid UTF-8. Set ledger.encoding, for example to cp1251.")
    if "read-only" in told or "readonly" in told or "data-modifying" in told:
        return Refusal(f"{name}: the query would change the database: {problem}. {READ_ONLY}")
    if "timeout" in told or "timed out" in told:
        return Refusal(f"{name}: the query takes too long: {problem}. {TIMEOUT_REMEDY}")
    return Refusal(f"{name}: the query fails: {problem}. {QUERY_REMEDY}")


def _first_line(reason: BaseException, url: sa.URL) -> str:
    """Return a driver's words in one line, without the password."""
    told = str(getattr(reason, "orig", None) or reason).strip()
    for secret in {str(url.password or ""), quote(str(url.password or "")), quote_plus(str(url.password or ""))} - {""}:
        told = told.replace(secret, "***")
    line = _printable(told.partition("\n")[0]).rstrip(". :")
    return line if len(line) <= LONGEST_SENTENCE else f"{line[: LONGEST_SENTENCE - 3]}..."


def _series(values: Sequence[Any], zones: set[str]) -> pl.Series:
    """Return a column's values in the type that all of them have, or as text; note the zones of times."""
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return pl.Series(values, dtype=pl.Null)
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean)
    if kinds == {str}:
        return pl.Series(values, dtype=pl.String)
    if kinds == {int} and all(value is None or abs(value) <= LARGEST_INTEGER for value in values):
        return pl.Series(values, dtype=pl.Int64)
    if kinds <= {int, float, Decimal} and all(map(_is_float, values)):
        return pl.Series([None if value is None else float(value) for value in values], dtype=pl.Float64)
    if kinds == {dt.date}:
        return pl.Series(values, dtype=pl.Date)
    if kinds == {dt.datetime}:
        zones |= {str(value.tzinfo) for value in values if value is not None and value.tzinfo is not None}
        clock = [None if value is None else value.replace(tzinfo=None) for value in values]
        return pl.Series(clock, dtype=pl.Datetime("us"))
    return pl.Series([_as_text(value) for value in values], dtype=pl.String)


def _is_float(value: Any) -> bool:
    """Whether a number is a float's, down to the last digit written."""
    if isinstance(value, Decimal):
        # any fifteen digits survive
        return value.is_finite() and (len(str(value)) <= SURE_DIGITS or Decimal(repr(float(value))) == value)
    return not isinstance(value, int) or abs(value) <= LARGEST_EXACT


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_INTEGER:
        return str(int(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_as_text)
    return str(value)


def _joined(parts: Sequence[pl.Series]) -> pl.Series:
    """Put the batches of a column together; where they differ in type, as floats or as text."""
    types = {part.dtype for part in parts} - {pl.Null}
    if types == {pl.Int64, pl.Float64} and all(
        part.dtype == pl.Float64 or part.abs().max() is None or int(part.abs().max()) <= LARGEST_EXACT  # type: ignore[arg-type]
        for part in parts
        if part.dtype != pl.Null
    ):
        common: Any = pl.Float64
    elif len(types) == 1:
        (common,) = types
    else:
        common = pl.String
    whole_second = r"\.0+$"
    return pl.concat(
        [
            part.cast(pl.String).str.replace(whole_second, "")
            if common == pl.String and part.dtype == pl.Datetime
            else as_text(part)
            if common == pl.String and part.dtype != pl.Null
            else part.cast(common)
            for part in parts
        ]
    )


def _digest(rows: pl.DataFrame) -> str:
    digest = hashlib.sha256()
    for at in range(0, rows.height, BATCH):
        digest.update(rows.slice(at, BATCH).write_csv(include_header=at == 0).encode())
    return digest.hexdigest()


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
