"""Tries are counted alike in memory and in a real Redis; there, over all replicas."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from actors.runtime.errors import JournalUnavailable
from actors.storage.rate_limits import RedisRateLimits
from cells.redis import EmbeddedRedis
from serve.identity.limits import ONCE_MS, MemoryRateLimits, RateLimits

pytestmark = pytest.mark.real

NOW = 1_767_225_600_000
MINUTE_MS = 60_000
# Between two questions to Redis, on a machine that has much to do.
SLOW_MS = 10_000


@pytest.fixture
def own_redis(tmp_path: Path, short_tmp: Path):
    server = EmbeddedRedis(tmp_path / "redis", short_tmp / f"rate-{time.monotonic_ns()}")
    server.start()
    yield server
    server.stop()


class Rig:
    """Limits of one try a minute, so that none becomes free while a test takes its time."""

    def __init__(self, limits: RateLimits, redis: Redis | None = None) -> None:
        self.limits, self._redis, self.now = limits, redis, NOW

    async def take(self, key: str, burst: int = 3, once: str = "") -> int:
        """After how many minutes, begun ones counted."""
        return -(-await self.limits.take(key, self.now, 1, burst, once, ONCE_MS) // MINUTE_MS)

    async def passes(self, ms: int) -> None:
        """In Redis keys are nearer to their end by so much then."""
        self.now += ms
        if self._redis is not None:
            async for key in self._redis.scan_iter():
                await self._redis.pexpire(key, await self._redis.pttl(key) - ms)


@pytest.fixture(params=["memory", "redis"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    if request.param == "memory":
        yield Rig(MemoryRateLimits())
        return
    socket = request.getfixturevalue("own_redis").socket
    made, redis = RedisRateLimits(socket, "us"), Redis(unix_socket_path=str(socket))
    yield Rig(made, redis)
    await redis.aclose()
    await made.close()


@pytest.fixture
async def replicas(own_redis) -> AsyncIterator[tuple[RateLimits, RateLimits, Redis]]:
    """Two of them, and the Redis that both count in."""
    one, other = RedisRateLimits(own_redis.socket, "us"), RedisRateLimits(own_redis.socket, "us")
    redis = Redis(unix_socket_path=str(own_redis.socket))
    yield one, other, redis
    await redis.aclose()
    await one.close()
    await other.close()


async def test_more_tries_than_the_burst_are_let_through(rig):
    assert [await rig.take("a") for _ in range(5)] == [0, 0, 0, 1, 1]


async def test_a_refused_try_counts_so_that_a_patient_caller_never_gets_his_turn(rig):
    for _ in range(3):
        await rig.take("a")
    for _ in range(6):
        assert await rig.take("a") == 1
        await rig.passes(MINUTE_MS // 6)
    assert await rig.take("a") == 0
    assert await rig.take("a") == 1


async def test_the_turn_of_a_minute_allows_a_second_burst(rig):
    await rig.passes(MINUTE_MS - 1)
    tries = []
    for step in (0, 0, 0, 1, 2):
        await rig.passes(step)
        tries.append(await rig.take("a"))
    assert [bool(wait) for wait in tries] == [False, False, False, True, True]


async def test_one_caller_uses_up_another_s_tries(rig):
    for _ in range(3):
        await rig.take("a")
    assert await rig.take("b") == 0


async def test_what_is_tried_again_is_counted_again_or_what_was_refused_is_not(rig):
    assert [await rig.take("a", once=f"a:{name}") for name in "xxxxyz"] == [0] * 6
    assert [await rig.take("a", once=f"a:{name}") for name in "vvxz"] == [1, 1, 0, 0]
    assert await rig.take("a") == 1
    await rig.passes(MINUTE_MS)
    assert [await rig.take("a", once=f"a:{name}") for name in "vvw"] == [0, 0, 1]


async def test_what_counts_once_is_remembered_for_ever(rig):
    assert await rig.take("a", 1, once="a:x") == 0
    await rig.passes(ONCE_MS - 2 * MINUTE_MS)
    assert [await rig.take("a", 1, once=f"a:{name}") for name in "yx"] == [0, 0]
    await rig.passes(2 * MINUTE_MS)
    assert [await rig.take("a", 1, once=f"a:{name}") for name in "xxz"] == [0, 0, 1]


async def test_who_waited_long_enough_has_the_whole_burst_again(rig):
    for _ in range(3):
        await rig.take("a")
    await rig.passes(60 * MINUTE_MS)
    assert [await rig.take("a") for _ in range(4)] == [0, 0, 0, 1]


async def test_a_clock_that_was_ahead_keeps_everybody_out_until_it_would_be_right():
    limits = MemoryRateLimits()
    for _ in range(3):
        await limits.take("a", NOW + 3_600_000, 60, 3)
    assert 0 < await limits.take("a", NOW, 60, 3) <= 1000
    assert await limits.take("a", NOW + 1000, 60, 3) == 0
    assert await limits.take("a", NOW + 1000, 60, 3) > 0


SKEWS = [-300_000, 1, 90_000, 300_000, 600_000, 3_600_000]


@pytest.mark.parametrize("skew_ms", SKEWS)
async def test_one_try_by_a_replica_whose_clock_is_wrong_keeps_callers_out_at_all_others(replicas, skew_ms):
    wrong, right, redis = replicas
    assert await wrong.take("a", NOW + skew_ms, 1, 3) == 0
    assert [await right.take("a", NOW, 1, 3) for _ in range(2)] == [0, 0]
    wait, lives = await right.take("a", NOW, 1, 3), await redis.pttl("ocefs:{us}:rate:a")
    assert 0 < wait <= MINUTE_MS
    assert wait <= lives + SLOW_MS


@pytest.mark.parametrize("skew_ms", SKEWS)
async def test_replicas_whose_clocks_differ_let_everything_through(replicas, skew_ms):
    one, other, _ = replicas
    taken = 0
    for _ in range(20):
        taken += not await one.take("a", NOW + skew_ms, 1, 3)
        taken += not await other.take("a", NOW, 1, 3)
    assert taken == 3


async def test_keys_live_an_hour_longer_because_the_clock_of_redis_was_set_back(replicas):
    limits, _, redis = replicas
    await redis.set("ocefs:{us}:rate:a", NOW + 3_600_000, px=3_600_000)
    assert await limits.take("a", NOW, 1, 3) == MINUTE_MS
    assert await redis.pttl("ocefs:{us}:rate:a") <= 3 * MINUTE_MS


async def test_a_replica_of_the_release_before_finds_no_number_to_count_by(replicas):
    limits, _, redis = replicas
    before_ms = time.time() * 1000
    await limits.take("a", NOW, 1, 3)
    assert before_ms <= int(await redis.get("ocefs:{us}:rate:a")) - MINUTE_MS + 1 <= time.time() * 1000 + 1


async def test_each_replica_counts_for_itself(replicas):
    one, other, _ = replicas
    tries = [await one.take("a", NOW, 1, 2), await other.take("a", NOW, 1, 2), await one.take("a", NOW, 1, 2)]
    assert [bool(wait) for wait in tries] == [False, False, True]


async def test_keys_of_callers_who_are_gone_stay_for_ever(replicas):
    limits, _, redis = replicas
    await limits.take("a", NOW, 60, 2)
    assert await redis.pttl("ocefs:{us}:rate:a") <= 1000


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
