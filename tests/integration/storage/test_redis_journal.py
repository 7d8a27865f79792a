"""What only a real Redis can show."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from actors.runtime.errors import JournalFull, JournalUnavailable
from actors.runtime.ports import Append
from actors.storage import redis_journal
from actors.storage.redis_journal import JournalUnsafe, RedisJournal
from cells.redis import EmbeddedRedis
from tests.integration.storage.samples import NOW_MS, turn

pytestmark = pytest.mark.real


@pytest.fixture
def own_redis(tmp_path: Path, short_tmp: Path) -> Iterator[EmbeddedRedis]:
    """A Redis that the test may kill."""
    server = EmbeddedRedis(tmp_path / "redis", short_tmp / f"own-{time.monotonic_ns()}")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def journal(own_redis: EmbeddedRedis) -> AsyncIterator[RedisJournal]:
    journal = RedisJournal(own_redis.socket, "us", timeout_s=20.0)
    yield journal
    await journal.close()


async def _answers(journal: RedisJournal, within_s: float = 30.0) -> None:
    """Until a Redis that was started again is heard: connections of the old one may fail once
    more before they are gone."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await journal.ping()
        except JournalUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def test_redis_killed_right_after_an_append_loses_nothing(own_redis: EmbeddedRedis, journal: RedisJournal):
    await journal.open(dict.fromkeys(range(4), (1, 0)))
    for position in range(1, 51):
        assert await journal.append([Append(s, 1, position, [turn(position)]) for s in range(4)]) == []
    os.kill(own_redis.mark.pid, signal.SIGKILL)
    with pytest.raises(JournalUnavailable):
        await journal.append([Append(0, 1, 51, [turn(51)])])
    own_redis.start()
    await _answers(journal)
    assert await journal.last(range(4)) == dict.fromkeys(range(4), 50)
    for shard in range(4):
        assert await journal.read(shard, 0) == [(position, [turn(position)]) for position in range(1, 51)]
        assert len(await journal.fingerprints(shard, 0)) == 50
    # The scripts went with the process; they are loaded again on the way.
    assert await journal.append([Append(0, 1, 51, [turn(51)])]) == []


async def test_a_connection_that_redis_closed_while_idle_puts_no_append_in_doubt(
    own_redis: EmbeddedRedis, journal: RedisJournal
):
    await journal.open({1: (1, 0)})
    assert await journal.append([Append(1, 1, 1, [turn(1)])]) == []
    async with Redis(unix_socket_path=str(own_redis.socket)) as operator:
        assert await operator.client_kill_filter(_type="normal", skipme=True)
    assert await journal.append([Append(1, 1, 2, [turn(2)])]) == []
    assert await journal.last([1]) == {1: 2}


async def test_a_late_answer_is_not_taken_for_another_ones(
    own_redis: EmbeddedRedis, journal: RedisJournal, monkeypatch: pytest.MonkeyPatch
):
    await journal.open({1: (1, 0), 2: (1, 0)})
    assert await journal.append([Append(1, 1, 1, [turn(1)])]) == []
    os.kill(own_redis.mark.pid, signal.SIGSTOP)
    try:
        with monkeypatch.context() as hurried:
            # For this one alone: whoever writes to a busy disk may wait longer.
            hurried.setattr(journal._line, "_timeout_s", 0.5)
            with pytest.raises(JournalUnavailable, match=r"no answer within 0\.5 s"):
                await journal.append([Append(1, 1, 2, [turn(2)]), Append(2, 9, 1, [turn(1)])])
    finally:
        os.kill(own_redis.mark.pid, signal.SIGCONT)
    # The one in doubt answered "[2] refused"; this one must not hear it.
    deadline = time.monotonic() + 30
    while await journal.last([1]) != {1: 2}:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert await journal.append([Append(1, 1, 3, [turn(3)])]) == []
    assert await journal.append([Append(1, 1, 3, [turn(3)])]) == [1]


async def test_a_caller_that_gives_up_does_not_spoil_the_connection(own_redis: EmbeddedRedis, journal: RedisJournal):
    await journal.open({1: (1, 0)})
    os.kill(own_redis.mark.pid, signal.SIGSTOP)
    given_up = asyncio.ensure_future(journal.last([1]))
    await asyncio.sleep(0.05)
    given_up.cancel()
    os.kill(own_redis.mark.pid, signal.SIGCONT)
    assert await journal.append([Append(1, 1, 1, [turn(1)])]) == []
    assert await journal.read(1, 0) == [(1, [turn(1)])]


async def test_a_redis_that_forgets_is_not_used(redis_url: str):
    client, journal = Redis.from_url(redis_url), RedisJournal(redis_url, "us")
    try:
        await journal.verify()
        for setting, unsafe, safe in (
            ("appendfsync", "everysec", "always"), ("appendonly", "no", "yes"), ("no-appendfsync-on-rewrite", "yes", "no"),
            ("maxmemory-policy", "volatile-lru", "noeviction"),
        ):  # fmt: skip
            await client.config_set(setting, unsafe)
            with pytest.raises(JournalUnsafe, match=setting):
                await journal.verify()
            await client.config_set(setting, safe)
        await journal.verify()
    finally:
        await journal.close()
        await client.aclose()


async def test_a_full_redis_is_unavailable_and_has_done_nothing(redis_url: str):
    client, journal = Redis.from_url(redis_url), RedisJournal(redis_url, "us")
    try:
        await journal.open({1: (1, 0), 2: (1, 0)})
        await client.config_set("maxmemory", "1kb")
        assert await journal.fullness() > 1
        with pytest.raises(JournalFull, match="maxmemory"):
            await journal.append([Append(1, 1, 1, [turn(1)]), Append(2, 1, 1, [turn(1)])])
        await client.config_set("maxmemory", "2gb")
        assert 0 < await journal.fullness() < 0.1
        assert await journal.last([1, 2]) == {1: 0, 2: 0}
        assert await journal.append([Append(1, 1, 1, [turn(1)])]) == []
    finally:
        await client.config_set("maxmemory", "2gb")
        await journal.close()
        await client.aclose()


async def test_a_shard_of_a_full_redis_can_be_had_again_and_drained(redis_url: str):
    client, journal = Redis.from_url(redis_url), RedisJournal(redis_url, "us")
    try:
        await journal.open({1: (1, 0)})
        assert await journal.append([Append(1, 1, 1, [turn(1)])]) == []
        await client.config_set("maxmemory", "1kb")
        # By whoever had it, and by another host: both can drain it.
        for epoch in (1, 2):
            await journal.open({1: (epoch, 0)})
        await journal.trim({1: 1})
        assert await journal.read(1, 0) == []
    finally:
        await client.config_set("maxmemory", "2gb")
        await journal.close()
        await client.aclose()


async def connections(client: Redis) -> set[str]:
    """Ids of all that are connected, but for `client`."""
    own = str(await client.client_id())
    return {one["id"] for one in await client.client_list()} - {own}


async def test_a_primary_that_became_a_replica_is_left(redis_url: str):
    client, journal = Redis.from_url(redis_url), RedisJournal(redis_url, "us")
    try:
        await journal.open({1: (1, 0)})
        assert await journal.append([Append(1, 1, 1, [turn(1)])]) == []
        assert await journal.superseded({1: 1}) == []
        before = await connections(client)
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(JournalUnavailable, match="read only replica"):
            await journal.append([Append(1, 1, 2, [turn(2)])])
        # None of those that were asked before: not the one of appends, nor that which tells whose
        # a shard is, nor the pool's.
        assert await journal.superseded({1: 1}) == []
        assert await journal.last([1]) == {1: 1}
        assert not before & await connections(client)
    finally:
        await client.execute_command("REPLICAOF", "NO", "ONE")
        await journal.close()
        await client.aclose()


async def test_fingerprints_do_not_pile_up_for_ever(redis_url: str):
    client, journal = Redis.from_url(redis_url), RedisJournal(redis_url, "us", remember_hours=24)
    try:
        await journal.open({1: (1, 0)})
        for position in (1, 2):
            await journal.append([Append(1, 1, position, [turn(position)])])
            (bucket,) = [key async for key in client.scan_iter("*marks*")]
            assert bucket == b"ocefs:{us}:marks:1:%d" % (NOW_MS // 3_600_000)
            assert 25 * 3_600 < await client.ttl(bucket) <= 26 * 3_600
    finally:
        await journal.close()
        await client.aclose()


async def test_an_append_that_fails_for_one_shard_keeps_those_before_it_from_all_that_come_later(redis_url: str):
    client, journal = Redis.from_url(redis_url), RedisJournal(redis_url, "us")
    try:
        await journal.open(dict.fromkeys((1, 2), (1, 0)))
        await client.set("ocefs:{us}:turns:2", "no stream")
        with pytest.raises(JournalUnavailable):
            await journal.append([Append(shard, 1, 1, [turn(1)]) for shard in (1, 2)])
        assert await journal.read(1, 0) == [(1, [turn(1)])]
        assert await journal.last([1, 2]) == {1: 1, 2: 0}
        assert await journal.append([Append(1, 1, 2, [turn(2)])]) == []
    finally:
        await journal.close()
        await client.aclose()


async def test_cells_that_share_a_redis_do_not_meet(redis_url: str):
    us, eu = RedisJournal(redis_url, "us"), RedisJournal(redis_url, "eu")
    try:
        await us.open({1: (1, 0)})
        assert await us.append([Append(1, 1, 1, [turn(1)])]) == []
        assert await eu.append([Append(1, 1, 1, [turn(1)])]) == [1]
        assert await eu.read(1, 0) == []
    finally:
        await us.close()
        await eu.close()


async def test_what_is_too_large_for_one_round_trip_goes_in_several(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    journal = RedisJournal(redis_url, "us")
    monkeypatch.setattr(redis_journal, "ROUND_TRIP_BYTES", 5_000)
    monkeypatch.setattr(redis_journal, "ENTRY_BYTES_MAX", 20_000)
    try:
        await journal.open(dict.fromkeys(range(7), (1, 0)))
        calls = [Append(shard, 2 if shard == 5 else 1, 1, [turn(1, reply=b"x" * 2_000)]) for shard in range(8)]
        assert await journal.append(calls) == [5, 7]
        assert await journal.last(range(8)) == {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 0, 6: 1, 7: 0}
        huge = [Append(0, 1, 2, [turn(2)]), Append(1, 1, 2, [turn(2, reply=b"x" * 30_000)])]
        with pytest.raises(ValueError, match="shard 1"):
            await journal.append(huge)
        assert await journal.last([0]) == {0: 1}
    finally:
        await journal.close()


async def test_positions_go_on_when_what_is_known_of_a_shard_is_gone_but_its_stream_is_not(redis_url: str):
    client, journal = Redis.from_url(redis_url), RedisJournal(redis_url, "us")
    try:
        await journal.open({1: (1, 0)})
        for position in (1, 2):
            await journal.append([Append(1, 1, position, [turn(position)])])
        assert await client.delete("ocefs:{us}:state") == 1
        assert await journal.append([Append(1, 1, 3, [turn(3)])]) == [1]
        await journal.open({1: (2, 1)})
        assert await journal.last([1]) == {1: 2}
        assert await journal.append([Append(1, 2, 3, [turn(3)])]) == []
    finally:
        await journal.close()
        await client.aclose()


async def test_a_host_of_very_many_shards_can_append_to_all_at_once(redis_url: str):
    journal = RedisJournal(redis_url, "us")
    try:
        await journal.open(dict.fromkeys(range(4096), (1, 0)))
        assert await journal.append([Append(shard, 1, 1, [turn(1)]) for shard in range(4096)]) == []
        assert await journal.append([Append(shard, 1 + (shard == 3000), 2, [turn(2)]) for shard in range(4096)]) == [
            3000
        ]
        last = await journal.last(range(4096))
        assert (last[0], last[3000], last[4095]) == (2, 1, 2)
    finally:
        await journal.close()


async def test_a_loop_that_asks_the_journal_goes_on_for_ever_when_it_is_ended_at_the_wrong_moment(
    journal: RedisJournal,
):
    async def loop() -> None:
        while True:
            await journal.fingerprints(1, NOW_MS)
            await journal.trim({1: 0})

    for steps in range(100):
        task = asyncio.create_task(loop())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        ended, _ = await asyncio.wait({task}, timeout=30)
        while not task.done():  # or the test does not end either
            task.cancel()
            await asyncio.sleep(0.001)
        assert ended, f"not after {steps} steps"


async def test_a_redis_that_is_not_there_is_unavailable(tmp_path: Path):
    journal = RedisJournal(tmp_path / "none.sock", "us")
    with pytest.raises(JournalUnavailable):
        await journal.ping()
    with pytest.raises(JournalUnavailable):
        await journal.verify()
    await journal.close()
