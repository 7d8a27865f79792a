"""A start that can't go on leaves the schema as the release that made it needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest

from actors.storage.migrate import LaterSchema, main, migrate
from cells.deploy import make_schema
from cells.errors import StoreFailed
from cells.settings import RegionConfig, StoreAddresses

pytestmark = pytest.mark.real


@pytest.fixture
def later_url(new_database: Callable[..., AbstractContextManager[str]], migrated: str) -> Iterator[str]:
    """A database that a later release has brought to its schema."""
    with new_database(migrated) as url:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9001'")
        yield url


def test_an_older_release_meets_a_later_schema_with_a_traceback_or_changes_it(later_url, capsys):
    with pytest.raises(LaterSchema, match=r"by a later release \(revision 9001; this one knows \d{4} at most\)"):
        migrate(later_url)
    assert main([later_url]) == 1
    said = capsys.readouterr().err
    assert "revision 9001" in said
    assert "Next: start that release, or restore the backup" in said
    with psycopg.connect(later_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9001",)]


def test_a_cell_of_an_older_release_ends_without_a_next_step(later_url):
    addresses = StoreAddresses(postgres_url=later_url, owner_url=later_url, redis_url="")
    with pytest.raises(StoreFailed, match="us: the database was made by a later release") as raised:
        make_schema(RegionConfig(), addresses)
    assert "start that release, or restore the backup" in raised.value.next_step
