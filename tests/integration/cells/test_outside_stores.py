"""A store of the environment is asked before a cell is started on it, as whoever the cell will be there."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import psycopg
import pytest
from redis import Redis

from actors.storage import redis_journal
from cells import stores as stores_module
from cells.deploy import give_rights, make_schema
from cells.errors import StoreFailed
from cells.paths import CellPaths
from cells.settings import Region, RegionConfig, StoreAddresses
from cells.stores import OutsideStore, Store, stores

pytestmark = pytest.mark.real


@pytest.fixture
def outside(monkeypatch, tmp_path):
    """Gives the cell's stores, those of the environment that is given."""

    def made(**environment: str) -> tuple[Store, Store]:
        for name, url in environment.items():
            monkeypatch.setenv(f"OCEFS_US_{name}_URL", url)
        return stores(RegionConfig(), CellPaths("us", tmp_path))

    return made


@pytest.fixture
def clerk(postgres_url: str) -> Iterator[str]:
    """URL of a role that owns nothing."""
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE clerk LOGIN")
        yield postgres_url.replace("ocefs@", "clerk@")
        owner.execute("DROP ROLE clerk")


def _refused(store: Store) -> StoreFailed:
    assert isinstance(store, OutsideStore)
    with pytest.raises(StoreFailed) as raised:
        store.start()
    return raised.value


def test_stores_that_will_do_are_refused(outside, postgres_url, redis_url):
    postgres, redis = outside(POSTGRES=postgres_url, REDIS=redis_url)
    assert postgres.start() == postgres_url
    assert redis.start() == redis_url


@pytest.mark.parametrize("begin", ["postgres://", "postgresql+psycopg://"])
def test_another_way_to_write_it_is_refused(outside, postgres_url, begin):
    url = begin + postgres_url.removeprefix("postgresql://")
    assert outside(POSTGRES=url)[0].start() == url


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@db/ocefs",
        "host=db user=me password=secret",
        "postgresql+asyncpg://me:secret@db/ocefs",
        "postgresql://me:se/cret@db/ocefs",
        "postgresql://me:%zzsecret@db/ocefs",
        "postgresql://me:Se@cret@db/ocefs",
        "postgresql://me:p@Secret/word@db/ocefs",
    ],
)
def test_what_is_no_address_of_postgres_is_tried_or_its_password_shown(outside, url):
    refused = _refused(outside(POSTGRES=url)[0])
    assert refused.problem == "OCEFS_US_POSTGRES_URL is no address of PostgreSQL that can be read"
    assert "write it as postgresql://" in refused.next_step
    assert "cret" not in str(refused)


@pytest.mark.parametrize(
    "url",
    [
        "http://:secret@db",
        "redis://:se/cret@db",
        "redis://db:port/secret",
        "redis://db?secret=1",
        "db:6379",
        "redis://me:p@secret/word@db:1",
        "redis://:12345#cret@db",
        "redis://me:123?cret@db",
        "redis://me:se[cret@db",
    ],
)
def test_what_is_no_address_of_redis_is_tried_or_its_password_shown(outside, url):
    refused = _refused(outside(REDIS=url)[1])
    assert refused.problem == "OCEFS_US_REDIS_URL is no address of Redis that can be read"
    assert "write it as redis://" in refused.next_step
    assert "cret" not in str(refused)


def test_a_role_that_is_not_there_is_told_in_many_lines(outside, postgres_url):
    refused = _refused(outside(POSTGRES=postgres_url.replace("ocefs@", "nobody:secret@"))[0])
    assert 'role "nobody" does not exist' in refused.problem
    assert "nobody:***@" in refused.problem
    assert "\n" not in refused.problem
    assert "secret" not in str(refused)


def test_another_version_of_postgres_is_taken(outside, postgres_url, monkeypatch):
    with psycopg.connect(postgres_url) as connection:
        version = connection.info.server_version // 10_000
    monkeypatch.setattr(stores_module, "VERSIONS", range(version - 3, version))
    refused = _refused(outside(POSTGRES=postgres_url)[0])
    assert f"it is PostgreSQL {version}, must be {version - 3} to {version - 1}" in refused.problem
    assert "name another one in OCEFS_US_POSTGRES_URL" in refused.next_step


def test_a_wrong_owner_is_found_when_the_schema_is_made(outside, postgres_url):
    owner_url = postgres_url.replace("ocefs@", "nobody@")
    refused = _refused(outside(POSTGRES=postgres_url, POSTGRES_OWNER=owner_url)[0])
    assert "(from OCEFS_US_POSTGRES_OWNER_URL)" in refused.problem
    assert "correct OCEFS_US_POSTGRES_OWNER_URL" in refused.next_step


def test_the_cells_role_is_not_asked_because_an_owner_is(outside, postgres_url):
    refused = _refused(outside(POSTGRES=postgres_url.replace("ocefs@", "nobody@"), POSTGRES_OWNER=postgres_url)[0])
    assert "(from OCEFS_US_POSTGRES_URL)" in refused.problem


def test_a_role_that_the_owner_will_make_is_missed(outside, postgres_url):
    cells = postgres_url.replace("ocefs@", "ocefs_cell@")
    assert outside(POSTGRES=cells, POSTGRES_OWNER=postgres_url)[0].start() == cells


@pytest.mark.parametrize("begin", ["ocefs_cell:12%23x@", "ocefs_cell:12#x@", "ocefs_cell:pa[ss@"])
def test_a_role_that_the_owner_will_make_is_missed_when_its_password_is_odd(outside, postgres_url, begin):
    cells = postgres_url.replace("ocefs@", begin)
    assert outside(POSTGRES=cells, POSTGRES_OWNER=postgres_url)[0].start() == cells


def test_a_role_that_the_owner_has_made_is_let_in_nowhere_and_that_is_found_by_the_hosts(outside, postgres_url):
    cells = postgres_url.replace("ocefs@", "ocefs_cell:wrong@").replace("/test", "/none")
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE ocefs_cell LOGIN")
        try:
            refused = _refused(outside(POSTGRES=cells, POSTGRES_OWNER=postgres_url)[0])
        finally:
            owner.execute("DROP ROLE ocefs_cell")
    assert refused.problem.endswith("does not exist")
    assert "(from OCEFS_US_POSTGRES_URL)" in refused.problem
    assert "wrong" not in str(refused)


def test_a_password_that_cant_be_read_ends_in_a_traceback(outside, postgres_url):
    cells = postgres_url.replace("ocefs@", "clerk:pa[ss@")
    refused = _refused(outside(POSTGRES=cells, POSTGRES_OWNER=postgres_url)[0])
    assert "(from OCEFS_US_POSTGRES_URL)" in refused.problem
    assert "[ss" not in str(refused)


def test_an_owner_who_is_empty_is_asked(outside, postgres_url):
    assert outside(POSTGRES=postgres_url, POSTGRES_OWNER="")[0].start() == postgres_url


def test_a_wrong_owner_is_to_be_mended_by_another_cells_store(outside, postgres_url):
    refused = _refused(outside(POSTGRES=postgres_url, POSTGRES_OWNER="mysql://db")[0])
    assert refused.next_step.endswith(
        "or unset OCEFS_US_POSTGRES_OWNER_URL, and the role of OCEFS_US_POSTGRES_URL owns all"
    )


def test_a_role_that_is_not_let_in_costs_a_traceback(postgres_url):
    config = msgspec.structs.replace(RegionConfig(), region=Region(profile="production"))
    cell = postgres_url.replace("ocefs@", "nobody@")
    with pytest.raises(StoreFailed, match="OCEFS_US_POSTGRES_URL names no role"):
        give_rights(config, StoreAddresses(postgres_url="postgresql:///o?host=/x", owner_url=cell, redis_url=""))
    for owner in (cell, postgres_url):
        with pytest.raises(StoreFailed, match='"nobody" does not exist') as raised:
            give_rights(config, StoreAddresses(postgres_url=cell, owner_url=owner, redis_url=""))
        assert "then try again" in raised.value.next_step


def test_an_old_redis_is_taken(outside, redis_url, monkeypatch):
    monkeypatch.setattr(redis_journal, "VERSION_MIN", (99, 1))
    refused = _refused(outside(REDIS=redis_url)[1])
    assert "must be 99.1 or newer" in refused.problem


@pytest.mark.parametrize(
    ("setting", "unsafe", "safe"),
    [
        ("appendonly", "no", "yes"),
        ("appendfsync", "everysec", "always"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ],
)
def test_a_redis_that_forgets_is_found_by_the_hosts(outside, redis_url, setting, unsafe, safe):
    with Redis.from_url(redis_url) as operator:
        operator.config_set(setting, unsafe)
        try:
            refused = _refused(outside(REDIS=redis_url)[1])
        finally:
            operator.config_set(setting, safe)
    assert f"{setting} is '{unsafe}', must be '{safe}'" in refused.problem
    assert "change that there, name another one in OCEFS_US_REDIS_URL" in refused.next_step


def test_a_redis_wants_a_password_and_that_is_found_by_the_hosts(outside, redis_url):
    with Redis.from_url(redis_url) as operator:
        operator.config_set("requirepass", "right")
        try:
            assert "Authentication required" in _refused(outside(REDIS=redis_url)[1]).problem
            wrong = _refused(outside(REDIS=f"{redis_url}?password=wrong-one")[1])
            assert outside(REDIS=f"{redis_url}?password=right")[1].start()
        finally:
            operator.config_set("requirepass", "")
    assert "invalid username-password pair" in wrong.problem
    assert "wrong-one" not in str(wrong)


def test_a_role_that_may_not_make_tables_costs_a_traceback(clerk, postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for url, words in ((clerk, "permission denied"), (postgres_url.replace("/test", "/none"), "does not exist")):
        with pytest.raises(StoreFailed, match=words) as raised:
            make_schema(RegionConfig(), StoreAddresses(postgres_url=url, owner_url=url, redis_url=""))
        assert "OCEFS_<REGION>_POSTGRES_OWNER_URL" in raised.value.next_step
