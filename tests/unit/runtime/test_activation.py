"""What a host fetches from the store for shards that it took over, when shards are lost meanwhile."""

from __future__ import annotations

import asyncio

from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import ask, envelope, until


async def test_a_shard_lost_while_its_messages_are_fetched_gets_them_all_the_same(cell, monkeypatch):
    own = shard_of("counter", "us-1", cell.limits.shards)
    unreachable = next(f"us-x{n}" for n in range(99) if shard_of("counter", f"us-x{n}", cell.limits.shards) != own)
    host = await cell.host(shards=[own])
    await ask(host, envelope("us-1", counter.Tell(unreachable, 5), creates=True))
    await until(lambda: any(batch.outbox_put for batch in cell.store.batches) and not host.drain.waiting())

    found, lost_again, due_asked, may_open, back = (asyncio.Event() for _ in range(5))
    outbox, due, open_ = cell.store.outbox, cell.store.due, cell.journal.open

    async def slow_outbox(shards):
        entries = await outbox(shards)
        found.set()
        await lost_again.wait()
        return entries

    async def slow_due(shards):
        entries = await due(shards)
        due_asked.set()
        await back.wait()
        return entries

    async def slow_open(shards):
        await may_open.wait()
        await open_(shards)

    monkeypatch.setattr(cell.store, "outbox", slow_outbox)
    monkeypatch.setattr(cell.store, "due", slow_due)
    host._lose([host.shards[own]])
    await asyncio.wait_for(found.wait(), 5)
    monkeypatch.setattr(cell.journal, "open", slow_open)
    host._lose([host.shards[own]])
    lost_again.set()  # what was found is told while nobody is there to take it
    await asyncio.wait_for(due_asked.wait(), 5)
    may_open.set()
    await until(lambda: own in host.shards)
    back.set()
    await until(lambda: host.outbox.counts() == (1, 0))
