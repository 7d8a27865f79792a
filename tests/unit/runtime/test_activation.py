"""What a host fetches from the store for shards that it took over, when shards are lost meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime.errors import Outdated
from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import ask, envelope, query, total_of, until


async def test_a_request_that_comes_late_does_not_take_shards_from_their_newer_owner(cell):
    shards = list(range(cell.limits.shards))
    old, new = await cell.host("h0"), await cell.host("h1")
    for late in (1, 2):  # what h0 was asked first, come again; and what h1 was asked
        with pytest.raises(Outdated) as refused:
            await old.take_over(shards, late)
        assert refused.value.newest == 2
    assert await new.take_over(shards, 2) == shards  # the same request again changes nothing
    assert {record.host for record in cell.store.disk.shards.values()} == {"h1"}
    assert await old.take_over(shards, 3) == shards


async def test_a_decision_that_is_newer_for_some_shards_only_takes_those(cell):
    old, new = await cell.host("h0"), await cell.host("h1", shards=[2, 3])
    assert await old.take_over([1, 2], 2) == [1]
    assert await new.take_over([1, 2, 3], 2) == [2, 3]


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
    await asyncio.wait_for(found.wait(), 30)
    monkeypatch.setattr(cell.journal, "open", slow_open)
    host._lose([host.shards[own]])
    lost_again.set()  # what was found is told while nobody is there to take it
    await asyncio.wait_for(due_asked.wait(), 30)
    may_open.set()
    await until(lambda: own in host.shards)
    back.set()
    await until(lambda: host.outbox.counts() == (1, 0))


async def test_a_timer_that_was_brought_forward_while_the_store_was_asked_is_put_off_again(cell, monkeypatch):
    old = await cell.host("h0")
    far_ms = old._clock.now_ms() + 3_600_000
    await ask(old, envelope("us-1", counter.Add(1), "a"), envelope("us-1", counter.WakeAt(far_ms), "b"))
    await until(lambda: not old.drain.waiting())

    told, may_tell = asyncio.Event(), asyncio.Event()

    async def slow_due(shards):
        told.set()
        await may_tell.wait()
        return [(far_ms, "counter", "us-1")]

    monkeypatch.setattr(cell.store, "due", slow_due)
    new = await cell.host("h1")
    await asyncio.wait_for(told.wait(), 30)
    await ask(new, envelope("us-1", counter.WakeAt(new._clock.now_ms() + 300), "c"))
    may_tell.set()
    await until(lambda: not new.activation._unsettled)
    await until(lambda: new.turns.turns >= 2)
    assert total_of((await ask(new, query("us-1")))[0]) == 1001
