"""A journal that lost one shard's end is gone on with for another's."""

from __future__ import annotations

import asyncio

import pytest

from actors.runtime.errors import JournalLost, JournalUnavailable
from tests.unit.runtime.counter import Add
from tests.unit.runtime.rig import Cell, ask, envelope, until


async def test_a_shard_whose_tail_was_read_while_the_loss_was_found_is_served(cell: Cell, monkeypatch) -> None:
    host = await cell.host(shards=[0])
    read, reading, may_read = cell.journal.read, asyncio.Event(), asyncio.Event()

    async def slow(shard: int, after: int):
        if shard == 1:
            reading.set()
            await may_read.wait()
        return await read(shard, after)

    monkeypatch.setattr(cell.journal, "read", slow)
    late = asyncio.create_task(host.take_over([1], 5))
    await asyncio.wait_for(reading.wait(), 30)
    cell.journal.lacking = {2}
    with pytest.raises(JournalLost):
        await host.take_over([2], 6)
    may_read.set()
    with pytest.raises(JournalUnavailable):
        await late
    assert host.shards == {}
    cell.journal.lacking = set()
    await until(lambda: set(host.shards) == {0, 2})
    assert await host.take_over([1], 7) == [1]


async def test_shards_that_were_not_refused_bring_back_the_others_or_never_come_back(cell: Cell) -> None:
    host = await cell.host()
    await ask(host, envelope("us-1", Add(1), creates=True))
    [lost] = [number for number, shard in host.shards.items() if shard.durable]
    cell.journal.lacking = {lost}
    with pytest.raises(JournalLost):
        await host.take_over([lost], 5)
    others = [shard for number, shard in host.shards.items() if number != lost]
    assert (others, host.stats().journal) == ([], "it was emptied")
    cell.journal.lacking = set()
    await until(lambda: len(host.shards) == 4)
    assert host.shards[lost].epoch == 5
    assert host.shards[lost].durable == 1
