"""What the tests of reading a ledger share: a database server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgresql import Server, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL server for all tests. Where none starts the tests fail: what nobody read isn't tested."""
    with running_server() as started:
        yield started
