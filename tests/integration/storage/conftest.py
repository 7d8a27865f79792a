"""Each contract test runs against the fake and the real thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from actors.runtime.ports import Journal, Store
from actors.runtime.read_model import ReadModel
from actors.storage.migrate import migrate
from actors.storage.postgres_store import PostgresStore
from actors.storage.reader import PostgresReadModel
from actors.storage.redis_journal import RedisJournal
from actors.storage.schema import metadata
from tests.fakes.journal import JournalDisk, MemoryJournal
from tests.fakes.read_model import MemoryReadModel
from tests.fakes.store import MemoryStore, StoreDisk

BOTH = [pytest.param("fake"), pytest.param("real", marks=pytest.mark.real)]
WRITTEN = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in metadata.tables)
# Several writers to one disk, as several hosts are.
NewJournal = Callable[[], Journal]
NewStore = Callable[[], Store]


@pytest.fixture(params=BOTH)
async def new_journal(request: pytest.FixtureRequest) -> AsyncIterator[NewJournal]:
    if request.param == "fake":
        disk = JournalDisk()
        yield lambda: MemoryJournal(disk)
        return
    socket: Path = request.getfixturevalue("redis_socket")
    opened: list[RedisJournal] = []

    def make() -> RedisJournal:
        opened.append(RedisJournal(socket, "us"))
        return opened[-1]

    yield make
    for journal in opened:
        await journal.close()


@pytest.fixture
async def journal(new_journal: NewJournal) -> Journal:
    return new_journal()


@pytest.fixture(scope="session")
def migrated(new_database: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """Name of a database with the schema, to be copied: that is quicker than all migrations."""
    with new_database() as url:
        migrate(url)
        yield conninfo_to_dict(url)["dbname"]


@pytest.fixture(scope="module")
def migrated_url(new_database: Callable[..., AbstractContextManager[str]], migrated: str) -> Iterator[str]:
    """URL of a database with the schema that is this module's alone."""
    with new_database(migrated) as url:
        yield url


@pytest.fixture
def clean_url(migrated_url: str) -> str:
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        # All tables take ten times as long as the few that a test has written to.
        written = [name for (name,) in connection.execute(WRITTEN)]
        if written:
            connection.execute("SET session_replication_role = replica")  # the audit's triggers would refuse it
            connection.execute(f"TRUNCATE {', '.join(written)}")
    return migrated_url


@pytest.fixture(params=BOTH)
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[tuple[NewStore, Callable[[], ReadModel]]]:
    if request.param == "fake":
        disk = StoreDisk()
        yield lambda: MemoryStore(disk), lambda: MemoryReadModel(disk)
        return
    url: str = request.getfixturevalue("clean_url")
    opened: list[Any] = []

    def keep(made: Any) -> Any:
        opened.append(made)
        return made

    yield lambda: keep(PostgresStore(url)), lambda: keep(PostgresReadModel(url))
    for one in opened:
        await one.close()


@pytest.fixture
async def new_store(stores: tuple[NewStore, Callable[[], ReadModel]]) -> NewStore:
    return stores[0]


@pytest.fixture
async def store(new_store: NewStore) -> Store:
    return new_store()


@pytest.fixture
async def read_model(stores: tuple[NewStore, Callable[[], ReadModel]]) -> ReadModel:
    return stores[1]()
