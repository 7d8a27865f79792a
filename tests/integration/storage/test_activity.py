"""Replicas know of each other's sessions alike in memory and in a real Redis."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from actors.runtime.errors import JournalUnavailable
from actors.storage.activity import KEEP_MS, RedisActivity
from cells.redis import EmbeddedRedis
from serve.identity.activity import BATCH_MAX, MemoryActivity, SharedActivity

pytestmark = pytest.mark.real

NOW = 1_767_225_600_000


@pytest.fixture
def own_redis(tmp_path: Path, short_tmp: Path):
    server = EmbeddedRedis(tmp_path / "redis", short_tmp / f"activity-{time.monotonic_ns()}")
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "redis"])
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[SharedActivity]:
    if request.param == "memory":
        yield MemoryActivity()
        return
    made = RedisActivity(request.getfixturevalue("own_redis").socket, "us")
    yield made
    await made.close()


async def test_what_is_told_late_makes_a_session_older(shared):
    await shared.tell({"a": NOW, "b": NOW + 7}, NOW)
    await shared.tell({"a": NOW - 5, "b": NOW + 9}, NOW)
    assert [await shared.later(session, 0) for session in ("a", "b", "c")] == [NOW, NOW + 9, 0]


async def test_who_asks_knows_more_and_keeps_it_to_himself(shared):
    await shared.tell({"a": NOW}, NOW)
    assert await shared.later("a", NOW + 3) == NOW + 3
    assert await shared.later("a", NOW + 1) == NOW + 3
    assert await shared.later("a", 0) == NOW + 3


async def test_nothing_or_very_much_is_told_at_once(shared):
    await shared.tell({}, NOW)
    await shared.tell({f"s{number}": NOW + number for number in range(BATCH_MAX)}, NOW)
    assert await shared.later("s999", 0) == NOW + 999


async def test_one_replica_does_not_know_what_another_was_asked_or_sessions_stay_for_ever(own_redis):
    one, other = RedisActivity(own_redis.socket, "us"), RedisActivity(own_redis.socket, "us")
    redis = Redis(unix_socket_path=str(own_redis.socket))
    await one.tell({"a": NOW}, NOW)
    assert await other.later("a", 0) == NOW
    assert await other.later("nobody", 0) == 0
    await one.tell({"b": NOW + KEEP_MS}, NOW + KEEP_MS)
    assert await redis.zrange("ocefs:{us}:activity", 0, -1) == [b"b"]
    assert 0 < await redis.pttl("ocefs:{us}:activity") <= KEEP_MS
    await redis.aclose()
    await one.close()
    await other.close()


async def test_a_redis_that_is_full_or_away_says_that_nobody_works(own_redis):
    shared, redis = RedisActivity(own_redis.socket, "us", timeout_s=20.0), Redis(unix_socket_path=str(own_redis.socket))
    await shared.tell({"a": NOW}, NOW)
    await redis.config_set("maxmemory", "1kb")
    for call in (shared.tell({"a": NOW + 1}, NOW), shared.later("a", 0)):
        with pytest.raises(JournalUnavailable, match="maxmemory"):
            await call
    await redis.config_set("maxmemory", "0")
    assert await shared.later("a", 0) == NOW
    await redis.aclose()
    own_redis.stop()
    for call in (shared.tell({"a": NOW}, NOW), shared.later("a", 0)):
        with pytest.raises(JournalUnavailable):
            await call
    await shared.close()
