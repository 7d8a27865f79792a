"""The number of shards that a cell was made with is kept, also of a cell that is older than the table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command

from actors.storage.connections import engine_url
from actors.storage.grants import grant
from actors.storage.migrate import alembic_config, migrate
from actors.storage.sharding import shards_made_with
from cells.postgres import EmbeddedPostgres

pytestmark = pytest.mark.real
ROLE = "cell_role_of_a_sharding_test"
_numbers = itertools.count(1)


@pytest.fixture
def new_url(postgres_server: EmbeddedPostgres) -> Iterator[Callable[[], str]]:
    """Makes databases without tables."""
    names: list[str] = []
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:

        def make() -> str:
            names.append(f"sharding_{next(_numbers)}")
            connection.execute(f"CREATE DATABASE {names[-1]}")
            return f"postgresql://ocefs@/{names[-1]}?host={postgres_server.socket_dir}"

        yield make
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")


def older(url: str, shards: int) -> str:
    """A cell as it was before the table, whose shards had owners."""
    engine = sa.create_engine(engine_url(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0028")
        connection.execute(
            sa.text(
                "INSERT INTO shards (shard, host, epoch, watermark) SELECT n, '', 1, 0 FROM generate_series(0, :last) n"
            ),
            {"last": shards - 1},
        )
    engine.dispose()
    return url


def test_a_later_start_makes_another_number_of_it(new_url):
    url = new_url()
    migrate(url)
    with ThreadPoolExecutor(2) as starters:
        assert [*starters.map(lambda _: shards_made_with(url, 32), range(2))] == [32, 32]
    migrate(url)
    assert shards_made_with(url, 64) == 32


def test_a_cell_that_is_older_than_the_table_takes_any_number(new_url):
    url = older(new_url(), 48)
    migrate(url)
    assert shards_made_with(url, 64) == 48


def test_a_cell_that_is_older_than_the_table_and_never_ran_takes_none(new_url):
    url = older(new_url(), 0)
    migrate(url)
    assert shards_made_with(url, 64) == 64


def test_the_role_that_the_cell_runs_as_changes_the_number(new_url):
    url = new_url()
    migrate(url)
    shards_made_with(url, 64)
    grant(url, ROLE, make=True)
    with psycopg.connect(url.replace("://ocefs@", f"://{ROLE}@"), autocommit=True) as cell:
        assert cell.execute("SELECT shards FROM sharding").fetchone() == (64,)
        for statement in ("UPDATE sharding SET shards = 32", "DELETE FROM sharding", "TRUNCATE sharding"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                cell.execute(statement)
