"""A fault in one entity harms others or leaves its caller hanging, or is told of where there is none."""

import asyncio

import pytest

from actors.domain.rows import StockRow
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.errors import RuntimeFault
from actors.runtime.pages import Page
from actors.runtime.sharding import shard_of
from actors.runtime.wire import Envelope
from tests.unit.runtime import counter
from tests.unit.runtime.rig import QUICK, StillClock, ask, code_of, envelope, query, total_of, until


async def test_an_event_that_cannot_be_applied_harms_nobody_else_and_leaves_the_entity_as_it_was(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    for command in (counter.CrashInEvolve(), counter.CrashInReply(), counter.CrashInDecide()):
        [reply] = await ask(host, envelope("us-1", command, "crash"))
        assert (reply.status, code_of(reply)) == (wire.FAULT, wire.CODE_FAULT)
        await until(lambda: len(host.shards) == QUICK.shards)
        assert total_of((await ask(host, query("us-1")))[0]) == 1
    assert host.turns.faults == 3


async def test_a_host_of_which_a_loop_has_ended_keeps_its_shards(cell, monkeypatch):
    async def fails():
        raise ValueError("a fault of ours")

    host = await cell.host()
    await asyncio.wait([host._spawn(fails())])
    assert len(host.owned()) == QUICK.shards, "what is not for ever may end"
    monkeypatch.setattr(host.outbox, "tick", lambda: 1 // 0)
    await until(lambda: host.broken)
    with pytest.raises(RuntimeFault, match="a loop of h0 has ended"):
        host.owned()


@pytest.mark.parametrize("command", [counter.CrashInEvolve(), counter.CrashInReply(), counter.CrashInDecide()])
async def test_a_fault_can_not_be_found_by_the_request_id_that_the_caller_was_told(cell, caplog, command):
    host = await cell.host()
    [reply] = await ask(host, envelope("us-1", command, "crash", cause="r-1"))
    assert reply.status == wire.FAULT
    assert abouts(caplog) == [("us-1", "counter", "r-1")]


async def test_a_fault_of_what_can_not_be_loaded_does_not_say_whose_it_is(cell, caplog):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(5)))
    await until(lambda: not host.drain.waiting())
    for one in host.shards.values():
        one.entities.clear()
    cell.store.disk.rows["counters"]["us-1",] = StockRow("not", "a counter", 0, 0, 0)
    [reply] = await ask(host, envelope("us-1", counter.Add(1), "c2", cause="r-2"))
    assert reply.status == wire.FAULT
    assert abouts(caplog) == [("us-1", "counter", "r-2")]


def abouts(caplog) -> list[tuple[str, str, str]]:
    """(entity id, kind, request id) of all lines of faults."""
    lines = [record.__dict__ for record in caplog.records if record.exc_info]
    return [(line["entity_id"], line["kind"], line["request_id"]) for line in lines]


@pytest.mark.parametrize("command", [counter.CrashInEvolve(), counter.CrashInReply(), counter.CrashInDecide()])
async def test_a_host_that_was_succeeded_tells_of_faults_that_are_none(cell, command):
    # A message that is told of a fault is sent no more, and a caller gives up: with the whole
    # history there may be none.
    old = await cell.host("h0")
    await ask(old, envelope("us-1", counter.Add(1)))
    await until(lambda: not old.drain.waiting())
    await cell.host("h1")
    assert len(old.shards) == QUICK.shards  # nobody told it
    [reply] = await ask(old, envelope("us-1", command, "crash"))
    assert reply.status == wire.UNAVAILABLE
    assert old.turns.faults == 0
    await until(lambda: shard_of("counter", "us-1", QUICK.shards) not in old.owned())


async def test_a_host_that_was_succeeded_says_that_what_it_can_not_load_is_broken(cell):
    old = await cell.host("h0")
    await ask(old, envelope("us-1", counter.Add(1)))
    await until(lambda: not old.drain.waiting())
    await cell.host("h1")
    for one in old.shards.values():
        one.entities.clear()
    cell.store.disk.rows["counters"]["us-1",] = StockRow("written", "by a newer version", 0, 0, 0)
    assert (await ask(old, query("us-1")))[0].status == wire.UNAVAILABLE


async def test_while_nobody_can_say_whose_a_shard_is_nobody_is_told_of_a_fault(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))
    for command in (counter.CrashInEvolve(), counter.CrashInDecide()):
        cell.journal.away = True
        [reply] = await ask(host, envelope("us-1", command, "crash"))
        assert reply.status == wire.UNAVAILABLE
        cell.journal.away = False
        await until(lambda: len(host.shards) == QUICK.shards)
    assert host.turns.faults == 0


async def test_an_entity_whose_row_cannot_be_read_does_not_take_the_others_with_it(cell):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(5)), envelope("us-2", counter.Add(6), "c2"))
    await until(lambda: not host.drain.waiting())
    for one in host.shards.values():
        one.entities.clear()
    cell.store.disk.rows["counters"]["us-1",] = StockRow("not", "a counter", 0, 0, 0)
    replies = await ask(host, query("us-1"), query("us-2"))
    assert [reply.status for reply in replies] == [wire.FAULT, wire.OK]
    assert total_of((await ask(host, envelope("us-2", counter.Add(1), "c3")))[0]) == 7


async def test_an_entity_that_can_not_be_woken_has_its_shard_built_again_and_again(cell, monkeypatch):
    async def due(shards, after, limit):
        return Page([(counter.FATAL_MS, "counter", "us-1")], None)

    monkeypatch.setattr(cell.store, "due", due)
    # So that the pause lasts for as long as it takes to look.
    cell.clock = StillClock()
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1), "a"), envelope("us-1", counter.WakeAt(counter.FATAL_MS), "b"))
    await until(lambda: host.turns.faults)
    now_ms = host._clock.now_ms()
    # Built again, and told by the store that it is due.
    await until(lambda: len(host.shards) == QUICK.shards and not host.activation._unsettled and len(host.timers))
    assert host.timers._known["counter", "us-1"] > now_ms + 500
    assert total_of((await ask(host, envelope("us-1", counter.Add(1), "c")))[0]) == 2
    assert host.turns.faults == 1


async def test_a_history_that_can_not_be_read_leaves_its_caller_hanging(cell, monkeypatch):
    host = await cell.host()
    await ask(host, envelope("us-1", counter.Add(1)))

    async def history(*asked):
        raise ValueError("not JSON")

    monkeypatch.setattr(cell.store, "history", history)
    events = Envelope(0, "counter", "us-1", "", 0, to_msgpack((0, 10)), mode=wire.HISTORY)
    async with asyncio.timeout(30):
        [reply] = await ask(host, events)
    assert (reply.status, code_of(reply)) == (wire.FAULT, wire.CODE_FAULT)
