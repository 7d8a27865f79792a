"""What waits for an entity goes on with it, whatever happens to the entity meanwhile."""

from __future__ import annotations

import asyncio

from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import ask, envelope, total_of, until


async def test_an_entity_that_leaves_memory_while_its_history_is_asked_is_not_taken_for_unknown(cell, monkeypatch):
    host = await cell.host()
    again = envelope("us-1", counter.Add(1), "first", creates=True)
    await ask(host, again)
    await until(lambda: not host.drain.waiting())
    # The first command is older than what is kept of the latest ones.
    shard = host.shards[shard_of("counter", "us-1", cell.limits.shards)]
    shard.memory._recent.clear()
    asked, go_on, remembered = asyncio.Event(), asyncio.Event(), cell.store.remembered

    async def slow(kind, fingerprints, since_ms):
        asked.set()
        await go_on.wait()
        return await remembered(kind, fingerprints, since_ms)

    monkeypatch.setattr(cell.store, "remembered", slow)
    repeated = asyncio.create_task(ask(host, again))
    await asyncio.wait_for(asked.wait(), 30)
    behind = asyncio.create_task(ask(host, envelope("us-1", counter.Add(10), "second")))
    await until(lambda: len(host.loader._round["counter", "us-1"].items) == 2)
    del shard.entities["counter", "us-1"]  # as passivation does
    go_on.set()
    assert total_of((await repeated)[0]) == 1
    assert total_of((await behind)[0]) == 11
