"""The PostgreSQL server that reading from a database is tested with.

As a module: a server of one's own for as long as it is needed. As a script (``python tests/postgresql.py``): make
sure there is one to start.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

PROGRAMS = ("initdb", "pg_ctl", "postgres")
DEBIAN = Path("/usr/lib/postgresql")
ACCOUNTS = ("postgres", "nobody")  # the server refuses to run as root
OWNER = "owner"
SECONDS = 60
REMEDY = (
    "Install PostgreSQL's server, on Debian and Ubuntu with: apt-get install postgresql\n"
    "or name the folder of initdb, pg_ctl and postgres: POSTGRESQL_BIN=/path/to/bin"
)


class NoServer(Exception):
    """No PostgreSQL server can be started; the message says why and what to do."""


@dataclass(frozen=True)
class Server:
    """A running server on loopback, and its only account, which may do everything."""

    port: int
    password: str
    user: str = OWNER
    host: str = "127.0.0.1"

    def url(self, database: str = "postgres", password: str | None = None) -> str:
        """Return a database's URL with the password of the account, or with another."""
        return f"postgresql://{self.user}:{password or self.password}@{self.host}:{self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        """Connect with leave to write."""
        return psycopg.connect(self.url(), autocommit=True)


def programs() -> Path | None:
    """Return the folder of the server's programs; None where there is none."""
    named = os.environ.get("POSTGRESQL_BIN")
    if named:
        return Path(named)
    on_path = [Path(found).resolve().parent for found in map(shutil.which, PROGRAMS) if found]
    if len(on_path) == len(PROGRAMS):
        return on_path[0]
    # Debian keeps them off PATH, by version
    versions = [folder for folder in DEBIAN.glob("*/bin") if all((folder / name).exists() for name in PROGRAMS)]
    return max(versions, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server of its own on a free port of loopback; stop it and delete it afterwards.

    Raises
    ------
    NoServer
        When its programs are not there or don't start one.
    """
    found = programs()
    if found is None:
        raise NoServer(f"There is no PostgreSQL server here. {REMEDY}")
    account = _account()
    # pytest's folders can't be entered by another account
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        password = os.urandom(12).hex()
        secret = folder / "password"
        secret.write_text(password)
        if account:
            for path in (folder, secret):
                shutil.chown(path, account)
        data, log = folder / "data", folder / "log"
        settings: list[str | Path] = [
            "-U",
            OWNER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            secret,
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        _run([found / "initdb", "-D", data, *settings], folder, account)
        port = _free_port()
        options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        _run([found / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start"], folder, account)
        try:
            yield Server(port, password)
        finally:
            _run([found / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], folder, account)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> str | None:
    """Return the account to run the server as, where it can't be one's own."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd

    there = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ACCOUNTS if name in there), None)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _run(command: list[str | Path], folder: Path, account: str | None) -> None:
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    # a server started with a pipe for its output would keep it open
    with (folder / "said").open("w+") as said:
        try:
            ended = subprocess.run(
                list(map(str, command)),
                cwd=folder,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
                check=False,
                user=account,
            )
        except (OSError, subprocess.TimeoutExpired) as reason:
            raise NoServer(f"PostgreSQL can't be started: {reason}. {REMEDY}") from None
        said.seek(0)
        if ended.returncode:
            log = folder / "log"
            words = said.read() + (log.read_text() if log.exists() else "")
            raise NoServer(f"PostgreSQL can't be started: {words.strip()}\n{REMEDY}")


def _problem() -> str:
    """Start a server once; return why that failed, or nothing."""
    try:
        with running_server() as server, server.connect() as connection:
            version = connection.info.server_version
            print(f"PostgreSQL {version // 10_000}.{version % 10_000} at {programs()}")
    except (NoServer, psycopg.Error) as reason:
        return str(reason)
    return ""


def _install() -> bool:
    if shutil.which("apt-get") is None:
        return False
    sudo = ["sudo"] if hasattr(os, "geteuid") and os.geteuid() != 0 else []
    # A fresh container has no package lists; where updating fails the old ones may still do.
    _succeeds([*sudo, "apt-get", "update"])
    return _succeeds([*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "postgresql"])


def _succeeds(command: list[str]) -> bool:
    print("$", " ".join(command), flush=True)
    try:
        return subprocess.run(command, check=False).returncode == 0
    except OSError as error:
        print(error)
        return False


def main() -> int:
    """Make sure a server is there and starts."""
    # A server that is there and doesn't start isn't mended by installing another.
    if programs() is None:
        _install()
    problem = _problem()
    if problem:
        print(f"Reading from PostgreSQL can't be tested: {problem}", file=sys.stderr)
    return int(bool(problem))


if __name__ == "__main__":
    raise SystemExit(main())
