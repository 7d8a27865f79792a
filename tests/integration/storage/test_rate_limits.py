"""Tries are counted alike in memory and in a real Redis; there, over all replicas."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from actors.runtime.errors import JournalUnavailable
from actors.storage.rate_limits import SKEW_MS, RedisRateLimits
from cells.redis import EmbeddedRedis
from serve.identity.limits import MemoryRateLimits, RateLimits

pytestmark = pytest.mark.real

NOW = 1_767_225_600_000


@pytest.fixture
def own_redis(tmp_path: Path, short_tmp: Path):
    server = EmbeddedRedis(tmp_path / "redis", short_tmp / f"rate-{time.monotonic_ns()}")
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "redis"])
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[RateLimits]:
    if request.param == "memory":
        yield MemoryRateLimits()
        return
    made = RedisRateLimits(request.getfixturevalue("own_redis").socket, "us")
    yield made
    await made.close()


async def test_more_tries_than_the_burst_are_let_through(limits):
    assert [await limits.take("a", NOW, 60, 3) for _ in range(5)] == [0, 0, 0, 1000, 1000]


async def test_a_refused_try_counts_so_that_a_patient_caller_never_gets_his_turn(limits):
    for _ in range(3):
        await limits.take("a", NOW, 60, 3)
    for at in range(0, 1000, 100):
        assert await limits.take("a", NOW + at, 60, 3) == 1000 - at
    assert await limits.take("a", NOW + 1000, 60, 3) == 0
    assert await limits.take("a", NOW + 1000, 60, 3) == 1000


async def test_the_turn_of_a_minute_allows_a_second_burst(limits):
    tries = [await limits.take("a", NOW + 59_999 + step, 60, 3) for step in (0, 0, 0, 1, 2)]
    assert [bool(wait) for wait in tries] == [False, False, False, True, True]


async def test_one_caller_uses_up_another_s_tries(limits):
    for _ in range(3):
        await limits.take("a", NOW, 60, 3)
    assert await limits.take("b", NOW, 60, 3) == 0


async def test_who_waited_long_enough_has_the_whole_burst_again(limits):
    for _ in range(3):
        await limits.take("a", NOW, 60, 3)
    assert [await limits.take("a", NOW + 60_000, 60, 3) for _ in range(4)] == [0, 0, 0, 1000]


async def test_a_clock_that_was_ahead_keeps_everybody_out_until_it_would_be_right(limits):
    for _ in range(3):
        await limits.take("a", NOW + 3_600_000, 60, 3)
    assert 0 < await limits.take("a", NOW, 60, 3) <= 1000
    assert await limits.take("a", NOW + 1000, 60, 3) == 0
    assert await limits.take("a", NOW + 1000, 60, 3) > 0


async def test_one_try_by_a_replica_whose_clock_is_ahead_keeps_callers_out_at_all_others(own_redis):
    limits = RedisRateLimits(own_redis.socket, "us")
    await limits.take("a", NOW + 3_600_000, 60, 3)
    assert await limits.take("a", NOW, 60, 3) == 0
    await limits.close()


@pytest.mark.parametrize("skew_ms", [1, 1000, 90_000, SKEW_MS])
async def test_replicas_whose_clocks_differ_let_everything_through(own_redis, skew_ms):
    one, other = RedisRateLimits(own_redis.socket, "us"), RedisRateLimits(own_redis.socket, "us")
    taken = 0
    for _ in range(20):
        taken += not await one.take("a", NOW + skew_ms, 60, 3)
        taken += not await other.take("a", NOW, 60, 3)
    assert taken <= 3
    await one.close()
    await other.close()


async def test_keys_live_an_hour_longer_because_the_clock_of_redis_was_set_back(own_redis):
    limits, redis = RedisRateLimits(own_redis.socket, "us"), Redis(unix_socket_path=str(own_redis.socket))
    await redis.set("ocefs:{us}:rate:a", NOW + 3_600_000, px=3_600_000)
    assert await limits.take("a", NOW, 60, 3) == 1000
    assert await redis.pttl("ocefs:{us}:rate:a") <= 3000
    assert await limits.take("a", NOW + 1000, 60, 3) == 0
    await redis.aclose()
    await limits.close()


async def test_each_replica_counts_for_itself(own_redis):
    one, other = RedisRateLimits(own_redis.socket, "us"), RedisRateLimits(own_redis.socket, "us")
    assert [await one.take("a", NOW, 60, 2), await other.take("a", NOW, 60, 2), await one.take("a", NOW, 60, 2)] == [
        0,
        0,
        1000,
    ]
    await one.close()
    await other.close()


async def test_keys_of_callers_who_are_gone_stay_for_ever(own_redis):
    limits = RedisRateLimits(own_redis.socket, "us")
    await limits.take("a", int(time.time() * 1000), 60, 2)
    redis = Redis(unix_socket_path=str(own_redis.socket))
    assert 0 < await redis.pttl("ocefs:{us}:rate:a") <= 2000
    await redis.aclose()
    await limits.close()


async def test_without_redis_everybody_may_try_as_often_as_he_likes(own_redis):
    limits = RedisRateLimits(own_redis.socket, "us", timeout_s=0.5)
    own_redis.stop()
    with pytest.raises(JournalUnavailable):
        await limits.take("a", NOW, 60, 2)
    await limits.close()


async def test_after_a_failover_every_try_is_a_fault_and_goes_to_the_replica(own_redis):
    limits, redis = RedisRateLimits(own_redis.socket, "us"), Redis(unix_socket_path=str(own_redis.socket))
    await limits.take("a", NOW, 60, 2)
    own = await redis.client_id()
    (before,) = {one["id"] for one in await redis.client_list()} - {str(own)}
    await redis.execute_command("REPLICAOF", "127.0.0.1", "1")
    told = await asyncio.gather(*(limits.take("a", NOW, 60, 2) for _ in range(5)), return_exceptions=True)
    assert [(type(one), "read only replica" in str(one)) for one in told] == [(JournalUnavailable, True)] * 5
    await redis.execute_command("REPLICAOF", "NO", "ONE")
    assert await limits.take("b", NOW, 60, 2) == 0
    assert before not in {one["id"] for one in await redis.client_list()}
    await redis.aclose()
    await limits.close()


async def test_in_a_full_redis_every_try_is_a_fault(own_redis):
    limits, redis = RedisRateLimits(own_redis.socket, "us"), Redis(unix_socket_path=str(own_redis.socket))
    await redis.config_set("maxmemory", "1kb")
    with pytest.raises(JournalUnavailable, match="maxmemory"):
        await limits.take("a", NOW, 60, 2)
    await redis.config_set("maxmemory", "0")
    assert await limits.take("a", NOW, 60, 2) == 0
    await redis.aclose()
    await limits.close()
