"""What a host fetches from the store for shards that it took over, when shards are lost meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from actors.domain.times import HOUR_MS
from actors.runtime import activation
from actors.runtime.codec import to_msgpack
from actors.runtime.errors import Outdated, StoreUnavailable
from actors.runtime.pages import Page
from actors.runtime.ports import OutboxEntry
from actors.runtime.shard import TailEntry
from actors.runtime.sharding import shard_of
from tests.unit.runtime import counter
from tests.unit.runtime.rig import LaterClock, StillClock, ask, envelope, query, total_of, turn, until


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


async def test_a_request_that_was_overtaken_while_a_tail_was_read_brings_back_what_is_older(cell, monkeypatch):
    host, own = await cell.host(), shard_of("counter", "us-1", cell.limits.shards)
    before, read, asked, go_on = host.shards[own], cell.journal.read, asyncio.Event(), asyncio.Event()

    async def slow(shard, after):
        found = await read(shard, after)
        if not asked.is_set():
            asked.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(cell.journal, "read", slow)
    late = asyncio.create_task(host.take_over([own], 2))
    await asyncio.wait_for(asked.wait(), 30)
    assert await host.take_over([own], 3) == [own]
    assert before.lost, "what it remembers from before is told on"
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), creates=True)))[0]) == 1
    newest = host.shards[own]
    go_on.set()
    await late
    assert (host.shards[own] is newest, newest.lost, newest.epoch) == (True, False, 3)


async def test_a_shard_lost_while_its_messages_are_fetched_gets_them_all_the_same(cell, monkeypatch):
    own = shard_of("counter", "us-1", cell.limits.shards)
    unreachable = next(f"us-x{n}" for n in range(99) if shard_of("counter", f"us-x{n}", cell.limits.shards) != own)
    host = await cell.host(shards=[own])
    await ask(host, envelope("us-1", counter.Tell(unreachable, 5), creates=True))
    await until(lambda: any(batch.outbox_put for batch in cell.store.batches) and not host.drain.waiting())

    found, lost_again, due_asked, may_open, back = (asyncio.Event() for _ in range(5))
    outbox, due, open_ = cell.store.outbox, cell.store.due, cell.journal.open

    async def slow_outbox(*asked):
        entries = await outbox(*asked)
        found.set()
        await lost_again.wait()
        return entries

    async def slow_due(*asked):
        entries = await due(*asked)
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

    async def slow_due(*asked):
        told.set()
        await may_tell.wait()
        return Page([(far_ms, "counter", "us-1")], None)

    monkeypatch.setattr(cell.store, "due", slow_due)
    new = await cell.host("h1")
    await asyncio.wait_for(told.wait(), 30)
    await ask(new, envelope("us-1", counter.WakeAt(new._clock.now_ms() + 300), "c"))
    may_tell.set()
    await until(lambda: not new.activation._unsettled)
    await until(lambda: new.turns.turns >= 2)
    assert total_of((await ask(new, query("us-1")))[0]) == 1001


def unreadable(shard: int) -> OutboxEntry:
    """A message of a kind that there is no more."""
    message = to_msgpack(("parcel", "us-9", False, b""))
    return OutboxEntry("us-9/1.0", shard, "counter", "us-9", message, 0, 0, False, "")


async def test_a_stored_message_that_can_not_be_read_ends_no_host_and_holds_up_no_other(cell, caplog):
    unreachable = next(f"us-x{n}" for n in range(99) if shard_of("counter", f"us-x{n}", cell.limits.shards) != 0)
    sender = next(f"us-{n}" for n in range(99) if shard_of("counter", f"us-{n}", cell.limits.shards) == 0)
    old = await cell.host("h0", shards=[0])
    await ask(old, envelope(sender, counter.Tell(unreachable, 5), creates=True))
    await until(lambda: any(batch.outbox_put for batch in cell.store.batches) and not old.drain.waiting())
    cell.store.disk.outbox["us-9/1.0"] = unreadable(0)
    heir = await cell.host("h1", shards=[0])
    await until(lambda: not heir.activation._unsettled)
    assert not heir.broken
    assert heir.outbox.counts() == (1, 0)
    assert "a stored message could not be read" in caplog.text


async def test_a_fault_of_the_store_that_nobody_foresaw_ends_no_host_and_is_got_over(cell, monkeypatch, caplog):
    due, tried = cell.store.due, []

    async def broken(*asked):
        tried.append(asked)
        if len(tried) < 3:
            raise ValueError("a row that nobody can read")
        return await due(*asked)

    monkeypatch.setattr(cell.store, "due", broken)
    cell.clock = StillClock()
    host = await cell.host()
    await until(lambda: not host.activation._unsettled)
    assert len(tried) == 3
    assert not host.broken
    assert len(caplog.records) == 1  # not one for each try


async def test_a_store_that_hangs_while_shards_are_settled_holds_up_no_timer(cell, monkeypatch):
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hangs(*_):
        asked.set()
        await go_on.wait()
        return Page([], None)

    monkeypatch.setattr(cell.store, "outbox", hangs)
    host = await cell.host()
    await asyncio.wait_for(asked.wait(), 30)
    await ask(host, envelope("us-1", counter.Add(1), "a", creates=True))
    await ask(host, envelope("us-1", counter.WakeAt(host._clock.now_ms() + 20), "b"))
    await until(lambda: host.turns.turns >= 3)
    go_on.set()


async def test_a_hand_over_that_can_not_end_is_given_up_and_the_shards_are_served_on(cell, monkeypatch):
    monkeypatch.setattr(activation, "HAND_OVER_S", 0.2)
    host = await cell.host()
    own = shard_of("counter", "us-1", cell.limits.shards)
    cell.store.gate.clear()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    # A drain is under way, and does not have what comes now.
    await until(lambda: cell.store.batches)
    await ask(host, envelope("us-1", counter.Add(1), "c2"))
    host.shards[own].tail[-1].rows = None  # as of an entity that can't be loaded
    cell.store.gate.set()
    async with asyncio.timeout(30):
        assert await host.hand_over([own]) == []
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c3")))[0]) == 3


async def test_a_shard_that_is_lost_while_it_is_given_up_keeps_the_others_from_being_given(cell, monkeypatch):
    host = await cell.host()
    lost, once = host.shards[0], host.drain.once
    lost.tail.append(TailEntry(1, 0, turn("us-1", 2)))

    async def loses():
        lost.lost = True
        return await once()

    monkeypatch.setattr(host.drain, "once", loses)
    assert await host.hand_over([0, 1]) == [1]


async def test_what_is_being_appended_is_left_behind_by_a_hand_over(cell):
    host, own = await cell.host(), shard_of("counter", "us-1", cell.limits.shards)
    cell.journal.gate.clear()
    asked = asyncio.create_task(ask(host, envelope("us-1", counter.Add(1), creates=True)))
    await until(lambda: cell.journal.appended)
    given = asyncio.create_task(host.hand_over([own]))
    await until(lambda: host.shards[own].closing)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not given.done()
    cell.journal.gate.set()
    assert await given == [own]
    assert total_of((await asked)[0]) == 1
    assert not cell.journal.disk.shards[own].entries


@pytest.mark.parametrize("fault", [ValueError("not foreseen"), StoreUnavailable("away")])
async def test_a_hand_over_that_fails_leaves_no_shard_that_refuses_everybody(cell, monkeypatch, fault):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    own = shard_of("counter", "us-1", cell.limits.shards)

    async def broken(host_name, shards):
        raise fault

    monkeypatch.setattr(cell.store, "release", broken)
    with contextlib.suppress(ValueError):
        assert await host.hand_over([own]) == []
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c2")))[0]) == 2


async def test_shards_are_served_on_while_the_store_to_which_they_would_be_drained_hangs(cell, monkeypatch):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), creates=True))
    own = shard_of("counter", "us-1", cell.limits.shards)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hangs():
        asked.set()
        await go_on.wait()
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(cell.store, "shards", hangs)
    given = asyncio.create_task(host.hand_over([own]))
    await asyncio.wait_for(asked.wait(), 30)
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c2")))[0]) == 2
    go_on.set()
    assert await given == []


async def test_what_was_done_hours_ago_is_done_twice_by_whoever_has_taken_over(cell):
    cell.clock = clock = LaterClock()
    old = await cell.host("h0")
    first = envelope("us-1", counter.Add(1), "first")
    await ask(old, first)
    own = shard_of("counter", "us-1", cell.limits.shards)
    # Nothing of it is left in the tail: the fingerprint tells that it was seen, the history what was answered.
    await until(lambda: not old.drain.waiting() and not cell.journal.disk.tail(own).entries)
    clock.later_ms += 23 * HOUR_MS
    new = await cell.host("h1")
    assert not new.shards[own].memory._recent
    assert total_of((await ask(new, first))[0]) == 1
    assert total_of((await ask(new, query("us-1")))[0]) == 1
