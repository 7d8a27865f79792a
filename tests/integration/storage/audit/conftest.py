from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from actors.storage.postgres_store import PostgresStore


@pytest.fixture
async def store(clean_url: str) -> AsyncIterator[PostgresStore]:
    """Of a host that has the shards 1 and 2."""
    store = PostgresStore(clean_url)
    await store.lease("h0", [1, 2], 7)
    yield store
    await store.close()


@pytest.fixture
def owner(clean_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(clean_url, autocommit=True) as connection:
        yield connection
