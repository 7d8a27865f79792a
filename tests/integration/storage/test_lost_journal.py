"""A Redis loses what it had while its cell runs: what was acknowledged is gone, and nobody hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from redis.asyncio import Redis

from actors.runtime import wire
from actors.runtime.errors import JournalLost, StoreUnavailable
from actors.runtime.ports import Append
from actors.runtime.sharding import shard_of
from actors.storage.continuity import look, pair, store_id
from actors.storage.redis_journal import RedisJournal
from tests.integration.storage.samples import turn
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, Cell, ask, envelope, query, total_of, until

pytestmark = pytest.mark.real
PAIR = "ocefs:{us}:pair"


async def its_id() -> str:
    return "one"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        await client.set(PAIR, "one")
        yield client


@pytest.fixture
async def journal(redis_url: str, redis: Redis) -> AsyncIterator[RedisJournal]:
    made = RedisJournal(redis_url, "us", store_id=its_id)
    yield made
    await made.close()


@pytest.fixture
async def cell(journal: RedisJournal) -> AsyncIterator[Cell]:
    made = Cell()
    made.journal = journal
    yield made
    await made.close()


async def copied(redis: Redis) -> dict[bytes, bytes]:
    keys = await redis.keys()
    async with redis.pipeline(transaction=True) as all_at_once:
        for key in keys:
            all_at_once.dump(key)
        return dict(zip(keys, await all_at_once.execute(), strict=True))


async def brought_back(redis: Redis, copy: dict[bytes, bytes]) -> None:
    """At once: hosts look all the time, and would begin on a part of it."""
    async with redis.pipeline(transaction=True) as all_at_once:
        all_at_once.flushall()
        for key, value in copy.items():
            all_at_once.restore(key, 0, value)
        await all_at_once.execute()


async def test_a_host_goes_on_from_an_emptied_journal_or_not_from_its_own_when_that_is_back(cell, redis):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "c1", creates=True))
    copy = await copied(redis)
    await redis.flushall()
    assert (await ask(host, envelope("us-1", counter.Add(1), "c2")))[0].status == wire.UNAVAILABLE
    await until(lambda: "emptied" in host.stats().journal)
    assert (await ask(host, query("us-1")))[0].status == wire.NOT_OWNER  # its gateway asks again till the deadline
    assert await redis.keys() == []
    await brought_back(redis, copy)
    await until(lambda: shard_of("counter", "us-1", QUICK.shards) in host.shards)
    assert total_of((await ask(host, query("us-1")))[0]) == 1
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c3")))[0]) == 2


async def test_a_host_that_is_started_anew_takes_its_shards_from_an_emptied_journal(cell, redis):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "c1", creates=True))
    await redis.flushall()
    with pytest.raises(JournalLost):
        await cell.host("h1")
    assert cell.hosts["h1"].shards == {}
    assert await redis.keys() == []


async def test_a_new_host_that_is_refused_an_emptied_journal_says_nothing_or_never_serves(cell, redis):
    first = await cell.host()
    await ask(first, envelope("us-1", counter.Add(1), "c1", creates=True))
    copy = await copied(redis)
    await first.close()
    await redis.flushall()
    with pytest.raises(JournalLost):
        await cell.host("h1")
    host = cell.hosts["h1"]
    await until(lambda: len(host.owned()) == QUICK.shards)  # whoever owns nothing is asked by nobody how it is
    assert "emptied" in host.stats().journal
    await brought_back(redis, copy)
    await until(lambda: len(host.shards) == QUICK.shards)
    assert total_of((await ask(host, query("us-1")))[0]) == 1
    await until(lambda: host.stats().journal == "ok")


async def test_a_copy_that_lacks_one_shard_s_end_takes_what_another_acknowledges(cell, redis):
    """It is in no journal once the own one is brought back."""
    cell.limits = msgspec.structs.replace(QUICK, drain_interval_ms=60_000)
    host = await cell.host()
    ids = [f"us-{n}" for n in range(1, 99)]
    behind = ids[0]
    whole = next(
        one for one in ids if shard_of("counter", one, QUICK.shards) != shard_of("counter", behind, QUICK.shards)
    )
    await ask(host, *(envelope(one, counter.Add(1), f"1 {one}", creates=True) for one in (behind, whole)))
    copy = await copied(redis)
    await ask(host, envelope(behind, counter.Add(1), "2"))
    own = await copied(redis)
    await brought_back(redis, copy)
    assert (await ask(host, envelope(behind, counter.Add(1), "3")))[0].status == wire.UNAVAILABLE
    await until(lambda: "older copy" in host.stats().journal)
    assert (await ask(host, envelope(whole, counter.Add(1), "4")))[0].status == wire.NOT_OWNER
    # Shards that it is given now are no exception.
    with pytest.raises(JournalLost):
        await host.take_over([shard_of("counter", whole, QUICK.shards)], 9)
    assert "older copy" in host.stats().journal
    await brought_back(redis, own)
    await until(lambda: len(host.shards) == QUICK.shards)
    assert [total_of((await ask(host, query(one)))[0]) for one in (behind, whole)] == [2, 1]
    assert host.stats().journal == "ok"


async def test_an_older_copy_is_gone_on_from_by_whoever_has_acknowledged_more(cell, redis):
    """Nothing of it is written behind yet: only the host itself knows."""
    cell.limits = msgspec.structs.replace(QUICK, drain_interval_ms=60_000)
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "c1", creates=True))
    copy = await copied(redis)
    await ask(host, envelope("us-1", counter.Add(1), "c2"))
    await brought_back(redis, copy)
    assert (await ask(host, envelope("us-1", counter.Add(1), "c3")))[0].status == wire.UNAVAILABLE
    await until(lambda: "older copy" in host.stats().journal)
    assert shard_of("counter", "us-1", QUICK.shards) not in host.shards


async def test_a_copy_that_is_older_than_the_store_is_opened(journal, redis):
    await journal.open({1: (1, 0), 2: (1, 0)})
    assert await journal.append([Append(1, 1, 1, [turn(1)])]) == []
    with pytest.raises(JournalLost):
        await journal.open({1: (2, 2), 2: (2, 0)})
    assert await journal.superseded({1: 1, 2: 1}) == []
    await journal.open({1: (2, 1), 2: (2, 0)})


async def test_another_cell_s_journal_is_opened(journal, redis):
    await redis.set(PAIR, "another")
    with pytest.raises(JournalLost):
        await journal.open({1: (1, 0)})


async def test_a_cell_without_an_id_is_refused_its_journal_or_asks_for_the_id_each_time(redis_url):
    asked = []

    async def none() -> str:
        asked.append(1)
        return ""

    journal = RedisJournal(redis_url, "us", store_id=none)
    await journal.open({1: (1, 7)})
    await journal.open({1: (2, 7)})
    assert (await journal.last([1]), asked) == ({1: 7}, [1])
    await journal.close()


def test_a_host_does_not_know_the_id_that_the_start_has_given_to_both(clean_url, redis_url):
    found = look(clean_url, redis_url, "us", QUICK.shards)
    pair(clean_url, redis_url, "us", found)
    assert asyncio.run(store_id(clean_url)) == look(clean_url, redis_url, "us", QUICK.shards).journal_id != ""
    with pytest.raises(StoreUnavailable):
        asyncio.run(store_id("postgresql://ocefs@/x?host=/nowhere"))
