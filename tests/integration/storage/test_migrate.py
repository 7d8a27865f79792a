"""A start that can't go on leaves the schema as the release that made it needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Literal

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command

from actors.storage.connections import engine_url
from actors.storage.migrate import LaterSchema, alembic_config, main, migrate
from cells.deploy import check_store, make_schema
from cells.errors import CellError, StoreFailed
from cells.paths import CellPaths
from cells.settings import Identity, RegionConfig, Runtime, StoreAddresses

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


@pytest.fixture
def earlier_url(new_database: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """A database of a release from before it was kept whether orders lie in the clear, with 64 shards and an order of a
    cell that asked nobody who he is."""
    with new_database() as url:
        engine = sa.create_engine(engine_url(url), poolclass=sa.NullPool)
        with engine.begin() as connection:
            command.upgrade(alembic_config(connection), "0037")
        engine.dispose()
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO sharding (one, shards) VALUES (1, 64)")
            columns = connection.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'orders'"
                " AND is_nullable = 'NO' AND column_default IS NULL AND column_name <> 'order_id'"
            ).fetchall()
            plain = {"text": "'x'", "bytea": "''"}
            values = [plain.get(kind, "now()" if kind.startswith("timestamp") else "0") for _, kind in columns]
            names = ", ".join(name for name, _ in columns)
            connection.execute(f"INSERT INTO orders (order_id, {names}) VALUES ('us-0', {', '.join(values)})")
        yield url


@pytest.fixture
def started(earlier_url: str, redis_url: str, tmp_path: Path) -> Callable[..., None]:
    def start(identity: Literal["required", "off"], shards: int = 64) -> None:
        config = RegionConfig(identity=Identity(mode=identity), runtime=Runtime(shards=shards))
        addresses = StoreAddresses(postgres_url=earlier_url, owner_url=earlier_url, redis_url=redis_url)
        make_schema(config, addresses, partial(check_store, config, redis_url, paths=CellPaths("us", tmp_path)))

    return start


def schema_of(url: str) -> tuple[str, bool]:
    """Its revision, and whether it has a table that 0038 makes."""
    with psycopg.connect(url) as connection:
        (found,) = connection.execute(
            "SELECT version_num, to_regclass('identity_off') IS NOT NULL FROM alembic_version"
        )
    return found


def test_a_refused_upgrade_has_changed_the_schema_so_that_the_release_from_before_does_not_start(earlier_url, started):
    with pytest.raises(CellError, match="took orders while identity was off"):
        started("required")
    assert schema_of(earlier_url) == ("0037", False)
    with pytest.raises(CellError, match="us was made with 64 shards"):
        started("off", shards=32)
    assert schema_of(earlier_url) == ("0037", False)


def test_an_upgrade_that_is_not_refused_is_undone(earlier_url, started):
    started("off")
    revision, kept = schema_of(earlier_url)
    assert (revision > "0037", kept) == (True, True)
    with psycopg.connect(earlier_url) as connection:
        assert connection.execute("SELECT until_id FROM identity_off").fetchall() == [("",)]
